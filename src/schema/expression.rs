//! A default's expression in one form, however the file or the database writes it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArgumentList, FunctionArguments, Ident, ObjectName, UnaryOperator,
    Value, VisitMut, VisitorMut,
};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::grammar::Grammar;
use super::token::{self, Unread, is_word};
use crate::model::LogicalType;

/// Functions that SQL calls without parentheses.
const WITHOUT_PARENTHESES: [&str; 8] = [
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
    "system_user",
];

/// The expression of a text; what the parser does not know stays as it is written.
pub(super) fn parse(text: &str, grammar: &Grammar) -> Expr {
    let parsed = token::tokenize(text, (1, 1), grammar).ok().and_then(|tokens| {
        check_depth(&tokens).ok()?;
        let mut parser = Parser::new(grammar.dialect).with_tokens_with_locations(rewrite(&tokens));
        let expression = parser.parse_expr().ok()?;
        (parser.peek_token().token == Token::EOF).then_some(expression)
    });
    parsed.unwrap_or_else(|| {
        let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Expr::Identifier(Ident::new(folded))
    })
}

/// Operators in one default or computation, above which it is not read: the parser makes a tree
/// as deep as their number, and whoever walks it needs as much stack.
const OPERATORS_MAX: usize = 200;

/// Refuses what would make too deep a tree. What stands in parentheses has the parser's own bound.
pub(super) fn check_depth(tokens: &[TokenWithSpan]) -> Result<(), Unread> {
    const WORDS: [&str; 10] =
        ["and", "at", "between", "collate", "ilike", "in", "is", "like", "not", "or"];
    let is_operator = |token: &&TokenWithSpan| match &token.token {
        Token::Word(word) => {
            word.quote_style.is_none() && WORDS.contains(&word.value.to_lowercase().as_str())
        }
        Token::Comma
        | Token::LParen
        | Token::RParen
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_) => false,
        _ => true,
    };
    match tokens.iter().filter(is_operator).nth(OPERATORS_MAX) {
        None => Ok(()),
        Some(token) => Err(Unread {
            place: Some(token::place(token)),
            reason: format!("an expression of more than {OPERATORS_MAX} operators"),
        }),
    }
}

/// `NEXT VALUE FOR s` as the call `nextval(s)`, which the parser knows.
pub(super) fn rewrite(tokens: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut cursor = token::Cursor::new(tokens);
    while let Some(next) = cursor.next() {
        if !is_word(next, "next") || !cursor.eat(&["value", "for"]) {
            out.push(next.clone());
            continue;
        }
        let same_place = |token| TokenWithSpan { token, span: next.span };
        let word = Word {
            value: "nextval".to_owned(),
            quote_style: None,
            keyword: sqlparser::keywords::Keyword::NoKeyword,
        };
        out.extend([same_place(Token::Word(word)), same_place(Token::LParen)]);
        out.extend(cursor.next().cloned());
        while cursor.is_at_token(&Token::Period) {
            out.extend(cursor.next().cloned());
            out.extend(cursor.next().cloned());
        }
        out.push(same_place(Token::RParen));
    }
    out
}

/// Whether a default takes its value from a sequence.
pub(super) fn is_sequence(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_sequence(inner),
        Expr::Function(function) => last_part(&function.name) == "nextval",
        _ => false,
    }
}

/// The default's text for the model; `None` for NULL, which is no default.
pub(super) fn normalise(
    mut expression: Expr,
    logical: Option<LogicalType>,
    grammar: &Grammar,
) -> Option<String> {
    let mut plain = Plain { grammar };
    // A visitor that never breaks always continues.
    let _: ControlFlow<()> = expression.visit(&mut plain);
    if let Expr::Nested(inner) = expression {
        expression = *inner;
    }
    if let Expr::Value(value) = &mut expression {
        value.value = typed(value.value.clone(), logical, grammar);
        if value.value == Value::Null {
            return None;
        }
    }
    Some(expression.to_string())
}

/// Takes out of an expression what says nothing.
struct Plain<'a> {
    grammar: &'a Grammar,
}

impl VisitorMut for Plain<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        let taken = std::mem::replace(expression, Expr::value(Value::Null));
        *expression = self.simplify(taken);
        ControlFlow::Continue(())
    }
}

impl Plain<'_> {
    /// One level; what is inside has been simplified before.
    fn simplify(&self, expression: Expr) -> Expr {
        match expression {
            Expr::Cast { expr: inner, .. } if is_literal(&inner) => *inner,
            Expr::TypedString(typed) => Expr::Value(typed.value),
            Expr::Interval(interval) => *interval.value,
            Expr::Nested(inner) | Expr::UnaryOp { op: UnaryOperator::Plus, expr: inner } => *inner,
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => minus(*inner),
            Expr::BinaryOp { left, op, right } => {
                Expr::BinaryOp { left: Box::new(wrap(*left)), op, right: Box::new(wrap(*right)) }
            }
            Expr::Value(value) => Expr::value(self.literal(value.value)),
            // MySQL names the character set of each literal that it shows.
            Expr::Prefixed { prefix, value: inner }
                if prefix.value.eq_ignore_ascii_case("_utf8mb4") && is_literal(&inner) =>
            {
                *inner
            }
            Expr::Function(function) => Expr::Function(self.function(function)),
            other => other,
        }
    }

    /// Quotes of one kind.
    fn literal(&self, value: Value) -> Value {
        match value {
            Value::EscapedStringLiteral(text)
            | Value::DoubleQuotedString(text)
            | Value::UnicodeStringLiteral(text) => Value::SingleQuotedString(text),
            Value::DollarQuotedString(text) => Value::SingleQuotedString(text.value),
            Value::Boolean(is_true) if self.grammar.has_numeric_booleans => {
                Value::Number(u8::from(is_true).to_string(), false)
            }
            other => other,
        }
    }

    /// The usual name of a function, with parentheses only where SQL has them.
    fn function(&self, mut function: Function) -> Function {
        let mut name = last_part(&function.name);
        let aliases = self.grammar.function_aliases;
        if let Some((_, usual)) = aliases.iter().find(|(other, _)| *other == name) {
            (*usual).clone_into(&mut name);
        }
        let namespaces = self.grammar.types.namespaces;
        let mut parts: Vec<String> = function.name.0.iter().map(ToString::to_string).collect();
        parts.pop();
        parts.retain(|part| !namespaces.contains(&part.to_lowercase().as_str()));
        let is_empty = match &function.args {
            FunctionArguments::None => true,
            FunctionArguments::List(list) => list.args.is_empty() && list.clauses.is_empty(),
            FunctionArguments::Subquery(_) => false,
        };
        if WITHOUT_PARENTHESES.contains(&name.as_str()) {
            name = name.to_uppercase();
            if is_empty {
                function.args = FunctionArguments::None;
            }
        } else if is_empty {
            function.args = FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment: None,
                args: Vec::new(),
                clauses: Vec::new(),
            });
        }
        parts.push(name);
        let parts = parts.into_iter().map(Ident::new).collect::<Vec<_>>();
        function.name = ObjectName::from(parts);
        function
    }
}

fn last_part(name: &ObjectName) -> String {
    let last = name.0.last().and_then(|part| part.as_ident());
    last.map(|ident| ident.value.to_lowercase()).unwrap_or_default()
}

fn is_literal(expression: &Expr) -> bool {
    matches!(expression, Expr::Value(_) | Expr::Array(_))
}

fn minus(inner: Expr) -> Expr {
    match inner {
        Expr::Value(value) => match value.value {
            Value::Number(digits, is_long) => {
                Expr::value(Value::Number(format!("-{digits}"), is_long))
            }
            other => Expr::value(other),
        },
        other => Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(wrap(other)) },
    }
}

/// Parentheses around an operand that has an operator of its own, so that the text needs no
/// precedence.
fn wrap(operand: Expr) -> Expr {
    match operand {
        Expr::BinaryOp { .. } | Expr::AtTimeZone { .. } => Expr::Nested(Box::new(operand)),
        other => other,
    }
}

/// A literal as a value of its column's type: `'0'` in a number's column is 0.
fn typed(value: Value, logical: Option<LogicalType>, grammar: &Grammar) -> Value {
    use LogicalType as T;
    match (logical, value) {
        (
            Some(T::Integer | T::Decimal | T::Float32 | T::Float64 | T::Boolean),
            Value::Number(digits, is_long),
        ) => Value::Number(trim_number(&digits), is_long),
        (
            Some(T::Integer | T::Decimal | T::Float32 | T::Float64),
            Value::SingleQuotedString(text),
        ) if is_number(&text) => Value::Number(trim_number(text.trim()), false),
        (Some(T::Boolean), Value::SingleQuotedString(text)) => {
            truth(&text, grammar).unwrap_or(Value::SingleQuotedString(text))
        }
        (Some(T::Text | T::Enum), Value::Number(digits, _)) if grammar.has_typed_defaults => {
            Value::SingleQuotedString(digits)
        }
        (Some(T::Date | T::Timestamp | T::TimestampTz), Value::Number(digits, _))
            if grammar.has_typed_defaults && trim_number(&digits) == "0" =>
        {
            let time = if logical == Some(T::Date) { "" } else { " 00:00:00" };
            Value::SingleQuotedString(format!("0000-00-00{time}"))
        }
        (Some(T::Timestamp | T::TimestampTz), Value::SingleQuotedString(text))
            if (grammar.has_typed_defaults || grammar.folds_names) && text.len() == 10 =>
        {
            Value::SingleQuotedString(format!("{text} 00:00:00"))
        }
        (_, value) => value,
    }
}

fn truth(text: &str, grammar: &Grammar) -> Option<Value> {
    let is_true = match text.to_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => true,
        "f" | "false" | "n" | "no" | "off" | "0" => false,
        _ => return None,
    };
    Some(if grammar.has_numeric_booleans {
        Value::Number(u8::from(is_true).to_string(), false)
    } else if grammar.folds_names {
        Value::Boolean(is_true)
    } else {
        return None;
    })
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    text.parse::<f64>().is_ok() && text.contains(|letter: char| letter.is_ascii_digit())
}

/// Without zeros that say nothing: `0.00` is 0, and so is `000`.
fn trim_number(digits: &str) -> String {
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let digits = if digits.contains('.') && !digits.contains(['e', 'E']) {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    };
    let digits = digits.trim_start_matches('0');
    let zero = if digits.is_empty() || digits.starts_with(['.', 'e', 'E']) { "0" } else { "" };
    let sign = if digits.is_empty() { "" } else { sign };
    format!("{sign}{zero}{digits}")
}

#[cfg(test)]
mod tests {
    use super::super::grammar::Grammar;
    use super::{normalise, parse};
    use crate::dialect::Brand;
    use crate::model::LogicalType;

    fn check(brand: Brand, logical: LogicalType, cases: &[(&str, Option<&str>)]) {
        let grammar = Grammar::of(brand);
        for (written, expected) in cases {
            let found = normalise(parse(written, grammar), Some(logical), grammar);
            assert_eq!(found.as_deref(), *expected, "{brand} {logical}: {written}");
            if let Some(text) = found {
                let again = normalise(parse(&text, grammar), Some(logical), grammar);
                assert_eq!(again.as_deref(), *expected, "{brand}: {text} stays");
            }
        }
    }

    #[test]
    fn postgres_defaults_lose_casts_of_literals() {
        use LogicalType as T;
        check(
            Brand::Postgres,
            T::Text,
            &[
                ("'x'::character varying", Some("'x'")),
                ("'x'", Some("'x'")),
                ("('it''s'::text)", Some("'it''s'")),
                ("NULL::character varying", None),
                ("NULL", None),
                ("CURRENT_USER", Some("CURRENT_USER")),
                ("lower('A'::text)", Some("lower('A')")),
                ("public.f()", Some("f()")),
                ("'5'", Some("'5'")),
            ],
        );
        check(
            Brand::Postgres,
            T::Integer,
            &[
                ("'-1'::integer", Some("-1")),
                ("-1", Some("-1")),
                ("(1 + 2) * 3", Some("(1 + 2) * 3")),
                ("((1 + 2) * 3)", Some("(1 + 2) * 3")),
                ("1 + 2 * 3", Some("1 + (2 * 3)")),
                ("(0)::bigint", Some("0")),
            ],
        );
        check(
            Brand::Postgres,
            T::Decimal,
            &[
                ("'0'::numeric", Some("0")),
                ("0.00", Some("0")),
                ("-007.50", Some("-7.5")),
                (".5", Some("0.5")),
                ("1e3", Some("1e3")),
            ],
        );
        check(Brand::Postgres, T::Boolean, &[("'t'", Some("true")), ("TRUE", Some("true"))]);
        check(
            Brand::Postgres,
            T::TimestampTz,
            &[
                ("NOW()", Some("now()")),
                ("current_timestamp", Some("CURRENT_TIMESTAMP")),
                ("CURRENT_TIMESTAMP(3)", Some("CURRENT_TIMESTAMP(3)")),
                ("(now() AT TIME ZONE 'utc'::text)", Some("now() AT TIME ZONE 'utc'")),
                ("now() + interval '1 day'", Some("now() + '1 day'")),
                ("(now() + '1 day'::interval)", Some("now() + '1 day'")),
            ],
        );
        check(Brand::Postgres, T::Json, &[("'{}'::jsonb", Some("'{}'"))]);
    }

    #[test]
    fn mysql_defaults_are_of_their_columns_type() {
        use LogicalType as T;
        check(
            Brand::Mysql,
            T::TimestampTz,
            &[
                ("current_timestamp()", Some("CURRENT_TIMESTAMP")),
                ("NOW()", Some("CURRENT_TIMESTAMP")),
                ("CURRENT_TIMESTAMP(6)", Some("CURRENT_TIMESTAMP(6)")),
                ("'2020-01-02'", Some("'2020-01-02 00:00:00'")),
                ("0", Some("'0000-00-00 00:00:00'")),
            ],
        );
        check(
            Brand::Mysql,
            T::Date,
            &[("0", Some("'0000-00-00'")), ("'0000-00-00'", Some("'0000-00-00'"))],
        );
        check(Brand::Mysql, T::Integer, &[("'0'", Some("0")), ("TRUE", Some("1"))]);
        check(Brand::Mysql, T::Decimal, &[("'0.00'", Some("0")), ("0", Some("0"))]);
        check(Brand::Mysql, T::Text, &[("0", Some("'0'")), ("(uuid())", Some("uuid()"))]);
        check(
            Brand::Mysql,
            T::Text,
            &[
                ("_utf8mb4'a''b'", Some("'a''b'")),
                ("concat(_utf8mb4'a', 'b')", Some("concat('a', 'b')")),
            ],
        );
        check(Brand::Mysql, T::Boolean, &[("false", Some("0")), ("'1'", Some("1"))]);
    }

    #[test]
    fn sqlserver_defaults_lose_their_parentheses() {
        use LogicalType as T;
        check(
            Brand::SqlServer,
            T::Integer,
            &[("((0))", Some("0")), ("((-1))", Some("-1")), ("(NULL)", None)],
        );
        check(
            Brand::SqlServer,
            T::Timestamp,
            &[("(getdate())", Some("getdate()")), ("CURRENT_TIMESTAMP", Some("getdate()"))],
        );
        check(Brand::SqlServer, T::Text, &[("(N'x')", Some("N'x'")), ("('x')", Some("'x'"))]);
    }

    #[test]
    fn sqlite_defaults_stay_expressions() {
        use LogicalType as T;
        check(
            Brand::Sqlite,
            T::Text,
            &[
                ("datetime('now')", Some("datetime('now')")),
                ("(datetime('now'))", Some("datetime('now')")),
                ("\"x\"", Some("\"x\"")),
                ("x'00ff'", Some("X'00ff'")),
                ("1", Some("1")),
            ],
        );
    }
}
