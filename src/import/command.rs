//! Reads a change that an application wrote as one SQL statement.
//!
//! The statement is parsed and taken apart; it is never executed. This is the one file besides
//! the DDL reader that names sqlparser: here too SQL is what comes in, and a grammar of our own
//! would differ from what applications write.

mod literal;
mod tilde;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Assignment, AssignmentTarget, BinaryOperator, Delete, Expr, FromTable, Ident, Insert,
    ObjectName, Query, SetExpr, Statement, TableFactor, TableObject, TableWithJoins, Update,
    Values,
};
use sqlparser::dialect::Dialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use self::literal::{Computed, is_text, literal};
use self::tilde::Quotes;
use crate::dialect::Brand;
use crate::model::{Op, TableName};

/// A change, read from an `object_operation_command`.
///
/// Names are as they were written, quotes taken away; unquoted ones keep their letter case, so
/// they are to be looked up letter for letter first and then regardless of it. Literals are the
/// texts between the quotes or the digits, and still have to become canonical for their column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedCommand {
    /// Insert, update or delete.
    pub op: Op,
    /// The table; a brand's default namespace is left out.
    pub table: TableName,
    /// The columns of the WHERE clause with their literals, none twice; empty for an insert.
    /// Whether they are the table's key is for the schema to say, and has to be asked.
    pub key: Vec<(String, String)>,
    /// The columns that an insert or update sets, none twice, `None` being NULL; empty for a
    /// delete.
    pub values: Vec<(String, Option<String>)>,
}

/// Why a command is no change. Values are not in the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No SQL, or not the little of it that is read.
    #[error("the command cannot be read as SQL{0}")]
    Unreadable(String),
    /// Tildes that do not stand for quotes without doubt.
    #[error("the command's tildes cannot be read as quotes: {0}")]
    Tilde(&'static str),
    /// A backslash whose meaning depends on the brand.
    #[error("the command has a backslash in a text, which brands read differently")]
    Backslash,
    /// A comment may hide what another brand runs.
    #[error("the command has a comment")]
    Comment,
    /// None, or several.
    #[error("the command is not one statement but {0}")]
    Statements(usize),
    /// A statement, but no change.
    #[error("the command is not an INSERT, UPDATE or DELETE")]
    NoChange,
    /// More than a change of literals by key.
    #[error("the command has {0}, and a change has none")]
    Clause(&'static str),
    /// A name with more parts than are understood, or that is none.
    #[error("the command's {0} is not a plain name")]
    Name(&'static str),
    /// A value that would have to be computed.
    #[error("the value of `{0}` is not a literal")]
    NoLiteral(String),
    /// A condition that does not name one row.
    #[error("the WHERE clause is not `column = literal`, joined by AND")]
    Condition,
    /// An insert of another shape than one row with named columns.
    #[error("the INSERT is not of one row with as many values as named columns")]
    Row,
    /// A column that is set or asked for twice.
    #[error("the column `{0}` stands twice in the command")]
    Twice(String),
}

/// Reads a command: exactly one INSERT of one row, or one UPDATE or DELETE by `column = literal`,
/// with nothing but literals, in any brand's quotes for names. Text is in single quotes, or in
/// the tildes that stand for them if the command has no single quote at all.
///
/// `origin` is the brand on which the command was written, if that is known: MySQL takes a
/// backslash in a text for an escape, the others do not.
///
/// # Errors
/// When it is anything else, or could be read in two ways.
pub fn parse_command(command: &str, origin: Option<Brand>) -> Result<ParsedCommand, CommandError> {
    let quotes = tilde::quotes(command)?;
    let dialect = AnyBrand {
        escapes_backslash: origin.is_some_and(|brand| brand.dialect().literal.escapes_backslash),
    };
    let tokens = tokens(&quotes.text(command), &dialect, origin.is_none())?;
    if has_chain(&tokens) {
        return Err(CommandError::Clause("a long chain of operators"));
    }
    let statement = Parser::new(&dialect)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| unreadable(&error))?;
    let [statement] = <[Statement; 1]>::try_from(statement)
        .map_err(|statements| CommandError::Statements(statements.len()))?;
    match statement {
        Statement::Insert(insert) => insert_of(insert),
        Statement::Update(update) => update_of(update, quotes),
        Statement::Delete(delete) => delete_of(delete),
        _ => Err(CommandError::NoChange),
    }
}

/// Operators of one value or condition, above which it is not parsed: the parser makes a tree as
/// deep as their number, and the stack ends there.
const OPERATORS_MAX: usize = 200;

fn has_chain(tokens: &[TokenWithSpan]) -> bool {
    const WORDS: [&str; 9] =
        ["and", "between", "collate", "ilike", "in", "is", "like", "not", "or"];
    let (mut depth, mut operators) = (0_usize, 0_usize);
    // Whether a value begins here, where a sign is no operator.
    let mut is_beginning = true;
    tokens.iter().any(|token| {
        let begins = std::mem::replace(&mut is_beginning, false);
        match &token.token {
            Token::LParen => (depth, is_beginning) = (depth + 1, true),
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Comma => {
                is_beginning = true;
                operators = if depth == 0 { 0 } else { operators };
            }
            Token::Plus | Token::Minus if begins => {}
            Token::Whitespace(_) => is_beginning = begins,
            Token::Word(word) => {
                let is_operator = WORDS.contains(&word.value.to_lowercase().as_str());
                operators += usize::from(word.quote_style.is_none() && is_operator);
            }
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_) => {}
            _ => {
                operators += 1;
                is_beginning = true;
            }
        }
        operators > OPERATORS_MAX
    })
}

/// What the four brands have in common, and all their quotes for names.
#[derive(Debug)]
struct AnyBrand {
    escapes_backslash: bool,
}

impl Dialect for AnyBrand {
    fn is_delimited_identifier_start(&self, letter: char) -> bool {
        matches!(letter, '"' | '`' | '[')
    }

    fn is_identifier_start(&self, letter: char) -> bool {
        letter.is_alphabetic() || letter == '_'
    }

    fn is_identifier_part(&self, letter: char) -> bool {
        letter.is_alphanumeric() || matches!(letter, '_' | '$')
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        self.escapes_backslash
    }
}

fn tokens(
    sql: &str,
    dialect: &AnyBrand,
    is_brand_unknown: bool,
) -> Result<Vec<TokenWithSpan>, CommandError> {
    let tokens = Tokenizer::new(dialect, sql).tokenize_with_location();
    let mut tokens = tokens.map_err(|error| {
        let at = error.location;
        CommandError::Unreadable(format!(" at line {}, column {}", at.line, at.column))
    })?;
    let is_comment = |token: &TokenWithSpan| {
        matches!(
            token.token,
            Token::Whitespace(
                Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)
            )
        )
    };
    if tokens.iter().any(is_comment) {
        return Err(CommandError::Comment);
    }
    let has_backslash = |token: &TokenWithSpan| match &token.token {
        Token::SingleQuotedString(text) | Token::NationalStringLiteral(text) => text.contains('\\'),
        _ => false,
    };
    if is_brand_unknown && tokens.iter().any(has_backslash) {
        return Err(CommandError::Backslash);
    }
    while tokens.last().is_some_and(|last| matches!(last.token, Token::Whitespace(_))) {
        tokens.pop();
    }
    Ok(tokens)
}

/// The parser's text names what it found, which may be a value: only the place is kept.
fn unreadable(error: &ParserError) -> CommandError {
    let (ParserError::TokenizerError(text) | ParserError::ParserError(text)) = error else {
        return CommandError::Unreadable(", it is nested too deeply".to_owned());
    };
    let place = text.rsplit_once(" at Line: ").and_then(|(_, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        let (line, column): (u64, u64) = (line.parse().ok()?, column.parse().ok()?);
        Some(format!(" at line {line}, column {column}"))
    });
    CommandError::Unreadable(place.unwrap_or_default())
}

/// Refuses the first clause that is there.
fn none_of(clauses: &[(bool, &'static str)]) -> Result<(), CommandError> {
    match clauses.iter().find(|(is_there, _)| *is_there) {
        Some((_, clause)) => Err(CommandError::Clause(clause)),
        None => Ok(()),
    }
}

// Each statement is taken apart field by field, without `..`: a clause that a later sqlparser
// learns to read then stops the build here instead of being passed over.

fn insert_of(insert: Insert) -> Result<ParsedCommand, CommandError> {
    let Insert {
        insert_token: _,
        optimizer_hints,
        or,
        ignore,
        into: _,
        table,
        table_alias,
        columns,
        overwrite,
        source,
        assignments,
        partitioned,
        after_columns,
        has_table_keyword,
        on,
        returning,
        output,
        replace_into,
        priority,
        insert_alias,
        settings,
        format_clause,
        multi_table_insert_type,
        multi_table_into_clauses,
        multi_table_when_clauses,
        multi_table_else_clause,
    } = insert;
    none_of(&[
        (or.is_some() || on.is_some() || ignore, "a rule for conflicts"),
        (replace_into || overwrite, "a rule for existing rows"),
        (returning.is_some() || output.is_some(), "a result"),
        (table_alias.is_some() || insert_alias.is_some(), "an alias"),
        (partitioned.is_some() || !after_columns.is_empty(), "a partition"),
        (!optimizer_hints.is_empty() || priority.is_some(), "a hint"),
        (settings.is_some() || format_clause.is_some() || has_table_keyword, "a setting"),
        (!assignments.is_empty(), "a SET clause in an INSERT"),
        (multi_table_insert_type.is_some() || !multi_table_into_clauses.is_empty(), "two tables"),
        (!multi_table_when_clauses.is_empty() || multi_table_else_clause.is_some(), "a condition"),
    ])?;
    let TableObject::TableName(table) = table else { return Err(CommandError::Name("table")) };
    let columns = columns.iter().map(column_name).collect::<Result<Vec<_>, _>>()?;
    let row = single_row(*source.ok_or(CommandError::Row)?)?;
    if columns.is_empty() || columns.len() != row.len() {
        return Err(CommandError::Row);
    }
    let values = columns
        .into_iter()
        .zip(&row)
        .map(|(column, value)| {
            let text = literal(value);
            text.map(|text| (column.clone(), text))
                .map_err(|Computed| CommandError::NoLiteral(column))
        })
        .collect::<Result<Vec<_>, _>>()?;
    none_twice(values.iter().map(|(column, _)| column))?;
    Ok(ParsedCommand { op: Op::Insert, table: table_name(&table)?, key: Vec::new(), values })
}

/// The expressions of `VALUES (…)`.
fn single_row(source: Query) -> Result<Vec<Expr>, CommandError> {
    let Query {
        with,
        body,
        order_by,
        limit_clause,
        fetch,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = source;
    none_of(&[
        (with.is_some(), "a WITH clause"),
        (order_by.is_some() || limit_clause.is_some() || fetch.is_some(), "an order or a limit"),
        (!locks.is_empty() || for_clause.is_some(), "a FOR clause"),
        (settings.is_some() || format_clause.is_some(), "a setting"),
        (!pipe_operators.is_empty(), "a pipe"),
    ])?;
    let SetExpr::Values(Values { explicit_row: false, value_keyword: _, rows }) = *body else {
        return Err(CommandError::Row);
    };
    let [row] = <[_; 1]>::try_from(rows).map_err(|_| CommandError::Row)?;
    Ok(row.content)
}

fn update_of(update: Update, quotes: Quotes) -> Result<ParsedCommand, CommandError> {
    let Update {
        update_token: _,
        optimizer_hints,
        table,
        assignments,
        from,
        selection,
        returning,
        output,
        or,
        order_by,
        limit,
    } = update;
    none_of(&[
        (from.is_some(), "a FROM clause"),
        (returning.is_some() || output.is_some(), "a result"),
        (or.is_some(), "a rule for conflicts"),
        (!optimizer_hints.is_empty(), "a hint"),
        (!order_by.is_empty() || limit.is_some(), "an order or a limit"),
    ])?;
    let table = only_table(table)?;
    // `~x~, quantity=~666~` may be two texts or one that contains tildes: only between the first
    // and the last of them can such a text stand.
    let texts = assignments.iter().filter(|set| is_text(&set.value)).count();
    if quotes == Quotes::Tildes && texts > 1 {
        return Err(CommandError::Tilde("two texts that are set may be one that has tildes in it"));
    }
    let values = assignments.iter().map(set_value).collect::<Result<Vec<_>, _>>()?;
    none_twice(values.iter().map(|(column, _)| column))?;
    let key = key_of(selection, &table)?;
    Ok(ParsedCommand { op: Op::Update, table, key, values })
}

fn set_value(set: &Assignment) -> Result<(String, Option<String>), CommandError> {
    let AssignmentTarget::ColumnName(name) = &set.target else {
        return Err(CommandError::Name("column"));
    };
    let column = column_name(name)?;
    match literal(&set.value) {
        Ok(value) => Ok((column, value)),
        Err(Computed) => Err(CommandError::NoLiteral(column)),
    }
}

fn delete_of(delete: Delete) -> Result<ParsedCommand, CommandError> {
    let Delete {
        delete_token: _,
        optimizer_hints,
        tables,
        from: FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from),
        using,
        selection,
        returning,
        output,
        order_by,
        limit,
    } = delete;
    none_of(&[
        (!tables.is_empty() || using.is_some() || from.len() != 1, "two tables"),
        (returning.is_some() || output.is_some(), "a result"),
        (!optimizer_hints.is_empty(), "a hint"),
        (!order_by.is_empty() || limit.is_some(), "an order or a limit"),
    ])?;
    let table = from.into_iter().next().ok_or(CommandError::Name("table"))?;
    let table = only_table(table)?;
    let key = key_of(selection, &table)?;
    Ok(ParsedCommand { op: Op::Delete, table, key, values: Vec::new() })
}

/// The name of a table that stands for itself.
fn only_table(table: TableWithJoins) -> Result<TableName, CommandError> {
    let TableWithJoins { relation, joins } = table;
    let TableFactor::Table {
        name,
        alias,
        args,
        with_hints,
        version,
        with_ordinality,
        partitions,
        json_path,
        sample,
        index_hints,
    } = relation
    else {
        return Err(CommandError::Name("table"));
    };
    none_of(&[
        (!joins.is_empty(), "a join"),
        (alias.is_some(), "an alias"),
        (!with_hints.is_empty() || !index_hints.is_empty(), "a hint"),
        (args.is_some() || with_ordinality || json_path.is_some(), "a function for a table"),
        (!partitions.is_empty() || version.is_some() || sample.is_some(), "a part of a table"),
    ])?;
    table_name(&name)
}

fn table_name(name: &ObjectName) -> Result<TableName, CommandError> {
    let parts = parts_of(name).ok_or(CommandError::Name("table"))?;
    let (namespace, name) = match parts.as_slice() {
        [name] => (None, name),
        [namespace, name] => (Some(namespace), name),
        _ => return Err(CommandError::Name("table")),
    };
    let is_default = |namespace: &str| {
        Brand::ALL.iter().any(|brand| {
            let default = brand.dialect().default_namespace.as_deref();
            default.is_some_and(|default| default.eq_ignore_ascii_case(namespace))
        })
    };
    let namespace = namespace.filter(|namespace| !is_default(&namespace.value));
    Ok(TableName {
        namespace: namespace.map(|namespace| namespace.value.clone()),
        name: name.value.clone(),
    })
}

fn column_name(name: &ObjectName) -> Result<String, CommandError> {
    match parts_of(name).as_deref() {
        Some([column]) => Ok(column.value.clone()),
        _ => Err(CommandError::Name("column")),
    }
}

fn parts_of(name: &ObjectName) -> Option<Vec<&Ident>> {
    name.0.iter().map(|part| part.as_ident().filter(|part| is_name(part))).collect()
}

/// What is in single quotes is a text, also where the grammar takes it for a name.
fn is_name(part: &Ident) -> bool {
    part.quote_style != Some('\'')
}

fn key_of(
    selection: Option<Expr>,
    table: &TableName,
) -> Result<Vec<(String, String)>, CommandError> {
    let mut key = Vec::new();
    let condition = selection.ok_or(CommandError::Condition)?;
    if conditions(&condition, table, &mut key).is_break() {
        return Err(CommandError::Condition);
    }
    none_twice(key.iter().map(|(column, _)| column))?;
    Ok(key)
}

/// Collects `column = literal`, joined by AND; breaks off at anything else.
fn conditions(
    condition: &Expr,
    table: &TableName,
    key: &mut Vec<(String, String)>,
) -> ControlFlow<()> {
    match condition {
        Expr::Nested(inner) => conditions(inner, table, key),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            conditions(left, table, key)?;
            conditions(right, table, key)
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            let column = match left.as_ref() {
                Expr::Identifier(column) if is_name(column) => column,
                Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                    [of, column] if of.value == table.name && is_name(column) => column,
                    _ => return ControlFlow::Break(()),
                },
                _ => return ControlFlow::Break(()),
            };
            // A comparison with NULL finds no row.
            let Ok(Some(value)) = literal(right) else { return ControlFlow::Break(()) };
            key.push((column.value.clone(), value));
            ControlFlow::Continue(())
        }
        _ => ControlFlow::Break(()),
    }
}

/// Letter case aside, since unquoted names differ in nothing else.
fn none_twice<'a>(columns: impl Iterator<Item = &'a String>) -> Result<(), CommandError> {
    let mut seen = BTreeSet::new();
    for column in columns {
        if !seen.insert(column.to_lowercase()) {
            return Err(CommandError::Twice(column.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
