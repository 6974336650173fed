//! A type's name in the brand's usual spelling, the same from DDL and from a live database.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::grammar::Grammar;
use super::token::{self, split_at_commas};

/// A type as it was written, taken apart.
struct Written {
    /// Words before and after the arguments: `timestamp with time zone`.
    words: Vec<String>,
    /// What stands in parentheses, without blanks.
    arguments: Option<String>,
    /// `[]` for an array; the number of dimensions is not part of a type.
    array: &'static str,
}

/// The usual spelling of a live database's type.
pub(super) fn from_text(text: &str, grammar: &Grammar) -> String {
    match token::tokenize(text, (1, 1), grammar) {
        Ok(tokens) => from_tokens(&tokens, grammar),
        Err(_) => text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(),
    }
}

/// The usual spelling of a type in DDL.
pub(super) fn from_tokens(tokens: &[TokenWithSpan], grammar: &Grammar) -> String {
    let written = take_apart(tokens, grammar);
    spell(written, grammar)
}

/// The type that `serial` and its like stand for.
pub(super) fn serial(native: &str, grammar: &Grammar) -> Option<&'static str> {
    let found = grammar.types.serial.iter().find(|(name, _)| *name == native);
    found.map(|(_, stands_for)| *stands_for)
}

fn take_apart(tokens: &[TokenWithSpan], grammar: &Grammar) -> Written {
    let mut written = Written { words: Vec::new(), arguments: None, array: "" };
    let mut cursor = token::Cursor::new(tokens);
    while !cursor.is_at_end() {
        if let Some(inside) = cursor.group() {
            written.arguments = Some(arguments(inside, grammar));
            continue;
        }
        if !written.words.is_empty() && cursor.eat(&["array"]) {
            written.array = "[]";
            continue;
        }
        let Some(next) = cursor.next() else { break };
        match &next.token {
            // `shop.mood`; a namespace that goes without saying is left out.
            Token::Period => {
                let namespace = written.words.pop().unwrap_or_default();
                let name = cursor.next().map(|token| part(token, grammar)).unwrap_or_default();
                let is_plain = grammar.types.namespaces.contains(&namespace.as_str());
                written.words.push(if is_plain { name } else { format!("{namespace}.{name}") });
            }
            Token::LBracket => {
                while !cursor.is_at_end() && !cursor.eat_token(&Token::RBracket) {
                    cursor.next();
                }
                written.array = "[]";
            }
            _ => written.words.push(part(next, grammar)),
        }
    }
    written
}

/// A word of a type. Where names are folded, a quoted one keeps its quotes if it needs them.
fn part(token: &TokenWithSpan, grammar: &Grammar) -> String {
    match &token.token {
        Token::Word(word) => match word.quote_style {
            Some(_) if grammar.folds_names && needs_quotes(&word.value) => {
                grammar.brand.dialect().ident(&word.value)
            }
            _ => word.value.to_lowercase(),
        },
        Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => text.to_lowercase(),
        other => other.to_string().to_lowercase(),
    }
}

fn needs_quotes(name: &str) -> bool {
    let is_plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    // `"char"` is another type than `char`.
    name == "char" || !name.chars().all(is_plain) || name.starts_with(|c: char| c.is_ascii_digit())
}

fn arguments(tokens: &[TokenWithSpan], grammar: &Grammar) -> String {
    let pieces: Vec<String> = split_at_commas(tokens)
        .into_iter()
        .map(|piece| piece.iter().map(|token| argument(token, grammar)).collect::<String>())
        .collect();
    pieces.join(",")
}

fn argument(token: &TokenWithSpan, grammar: &Grammar) -> String {
    match &token.token {
        // The labels of an enum, letter for letter.
        Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        _ => part(token, grammar),
    }
}

fn spell(written: Written, grammar: &Grammar) -> String {
    let rules = &grammar.types;
    let Written { words, arguments, array } = written;
    let (attributes, words) = split_attributes(words, grammar);
    let joined = words.join(" ");
    let (joined, array) = match joined.strip_prefix('_') {
        // What PostgreSQL itself calls the arrays of its types.
        Some(one) if grammar.folds_names && grammar.brand.dialect().has_type(one) => (one, "[]"),
        _ => (joined.as_str(), array),
    };
    let alias = rules.aliases.iter().find(|(name, _)| *name == joined);
    let base = alias.map_or(joined, |(_, usual)| usual);
    let arguments = arguments.filter(|arguments| !arguments.is_empty());
    let (base, arguments) = spell_float(base, arguments, grammar);
    let arguments = spell_arguments(base, arguments, !attributes.is_empty(), grammar);
    let arguments = arguments.map(|inside| format!("({inside})")).unwrap_or_default();
    let base = format!("{base}{arguments}{array}");
    attributes.into_iter().fold(base, |text, word| text + " " + word)
}

/// `float(n)` is one of two types; `float(7,4)` is a width and a scale and stays as it is.
fn spell_float<'a>(
    base: &'a str,
    arguments: Option<String>,
    grammar: &Grammar,
) -> (&'a str, Option<String>) {
    let Some((limit, small, large)) = grammar.types.float else { return (base, arguments) };
    let precision = arguments.as_deref().map(str::parse::<u32>);
    match precision {
        _ if base != "float" => (base, arguments),
        Some(Err(_)) => (base, arguments),
        Some(Ok(bits)) => (if bits <= limit { small } else { large }, None),
        // Without a precision `float` is itself where the brand has such a type.
        None if small == "float" => (small, None),
        None => (large, None),
    }
}

/// The arguments that say something, the implied ones included.
fn spell_arguments(
    base: &str,
    arguments: Option<String>,
    is_unsigned: bool,
    grammar: &Grammar,
) -> Option<String> {
    let rules = &grammar.types;
    // A type of an extension may stand in any namespace.
    let own_name = base.rsplit('.').next().unwrap_or(base);
    if let Some((_, system)) = rules.shapes.iter().find(|(name, _)| *name == own_name) {
        return arguments.and_then(|inside| spell_shape(&inside, system));
    }
    let is_boolean = base == "tinyint" && arguments.as_deref() == Some("1") && !is_unsigned;
    match arguments {
        Some(_) if rules.without_arguments.contains(&base) && !is_boolean => None,
        Some(precision) if rules.scaled.contains(&base) && !precision.contains(',') => {
            Some(format!("{precision},0"))
        }
        Some(arguments) => Some(arguments),
        None => {
            let implied = rules.arguments.iter().find(|(name, _)| *name == base);
            implied.map(|(_, implied)| (*implied).to_owned())
        }
    }
}

/// `PostGIS` keeps the coordinate system that goes without saying, unless it is none, and forgets a
/// shape that is any one in none.
fn spell_shape(inside: &str, usual: &str) -> Option<String> {
    const NONE: &str = "0";
    let (shape, system) = inside.split_once(',').unwrap_or((inside, NONE));
    let system = if system == NONE { usual } else { system };
    match (shape, system) {
        ("geometry", NONE) => None,
        (shape, NONE) => Some(shape.to_owned()),
        (shape, system) => Some(format!("{shape},{system}")),
    }
}

/// Attributes that are part of the type, and the type's own words. Where a brand has
/// attributes, every word behind the type's name is one, and those not listed say nothing.
fn split_attributes(words: Vec<String>, grammar: &Grammar) -> (Vec<&'static str>, Vec<String>) {
    const SILENT: [&str; 6] = ["zerofill", "signed", "binary", "ascii", "unicode", "byte"];
    let known = grammar.types.attributes;
    if known.is_empty() {
        return (Vec::new(), words);
    }
    let is_unsigned = words.iter().any(|word| word == "unsigned" || word == "zerofill");
    let attributes = known.iter().copied().filter(|_| is_unsigned).collect();
    let mut kept = words;
    let mut index = 0;
    kept.retain(|word| {
        index += 1;
        let is_silent = SILENT.contains(&word.as_str()) || known.contains(&word.as_str());
        index == 1 || !is_silent
    });
    (attributes, kept)
}

#[cfg(test)]
mod tests {
    use super::super::grammar::Grammar;
    use super::from_text;
    use crate::dialect::Brand;

    fn check(brand: Brand, cases: &[(&str, &str)]) {
        let grammar = Grammar::of(brand);
        for (written, usual) in cases {
            assert_eq!(from_text(written, grammar), *usual, "{brand}: {written}");
            assert_eq!(from_text(usual, grammar), *usual, "{brand}: {usual} stays");
        }
    }

    #[test]
    fn postgres_types_have_one_spelling() {
        check(
            Brand::Postgres,
            &[
                ("CHARACTER VARYING ( 30 )", "varchar(30)"),
                ("pg_catalog.int4", "integer"),
                ("timestamp(3) with time zone", "timestamptz(3)"),
                ("timestamp without time zone", "timestamp"),
                ("TIME WITH TIME ZONE", "timetz"),
                ("numeric(10, 2)", "numeric(10,2)"),
                ("decimal(10)", "numeric(10,0)"),
                ("float", "double precision"),
                ("float(24)", "real"),
                ("char", "char(1)"),
                ("character(3)", "char(3)"),
                ("\"char\"", "\"char\""),
                ("bit varying(4)", "varbit(4)"),
                ("text ARRAY", "text[]"),
                ("character varying(3)[4][]", "varchar(3)[]"),
                ("text ARRAY[4]", "text[]"),
                ("_int4", "integer[]"),
                ("pg_catalog._varchar", "varchar[]"),
                ("geometry(Geometry)", "geometry"),
                ("public.geometry(PointZM, 0)", "geometry(pointzm)"),
                ("geometry(Point,4326)[]", "geometry(point,4326)[]"),
                ("gis.geography(Point)", "gis.geography(point,4326)"),
                ("geography(geometry,0)", "geography(geometry,4326)"),
                ("geography(Point,4267)", "geography(point,4267)"),
                ("geography", "geography"),
                ("_mood", "_mood"),
                ("public.mood", "mood"),
                ("shop.\"Mood\"", "shop.\"Mood\""),
            ],
        );
    }

    #[test]
    fn mysql_types_lose_display_widths_and_keep_unsigned() {
        check(
            Brand::Mysql,
            &[
                ("INT(11)", "int"),
                ("tinyint(1)", "tinyint(1)"),
                ("tinyint(1) unsigned", "tinyint unsigned"),
                ("BOOL", "tinyint(1)"),
                ("integer(5) UNSIGNED ZEROFILL", "int unsigned"),
                ("decimal", "decimal(10,0)"),
                ("numeric(5) unsigned", "decimal(5,0) unsigned"),
                ("double precision", "double"),
                ("float(30)", "double"),
                ("float(7,4)", "float(7,4)"),
                ("enum('A', 'it''s')", "enum('A','it''s')"),
                ("varchar(20) binary", "varchar(20)"),
                ("year(4)", "year"),
                ("datetime(6)", "datetime(6)"),
            ],
        );
    }

    #[test]
    fn sqlserver_types_say_their_implied_arguments() {
        check(
            Brand::SqlServer,
            &[
                ("[nvarchar](30)", "nvarchar(30)"),
                ("[nvarchar](MAX)", "nvarchar(max)"),
                ("nvarchar", "nvarchar(1)"),
                ("[decimal](10, 2)", "decimal(10,2)"),
                ("decimal", "decimal(18,0)"),
                ("datetime2", "datetime2(7)"),
                ("float(53)", "float"),
                ("rowversion", "timestamp"),
                ("[sys].[int]", "int"),
                ("[dbo].[Flag]", "flag"),
            ],
        );
    }

    #[test]
    fn sqlite_types_stay_as_written() {
        check(
            Brand::Sqlite,
            &[
                ("VARYING CHARACTER ( 255 )", "varying character(255)"),
                ("Unsigned  Big\nInt", "unsigned big int"),
                ("decimal(10, 2)", "decimal(10,2)"),
                ("", ""),
            ],
        );
    }
}
