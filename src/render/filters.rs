//! What templates can call: quoting, canonical texts, strict presence.

use tera::{Kwargs, Map, State, Tera, TeraResult, Value};

use super::shield::{hide, letters};
use crate::dialect::{Brand, Dialect, fill};
use crate::model::LogicalType;

/// What a masked text becomes.
const MASK: &str = "***";

pub(super) fn register(tera: &mut Tera, brand: Brand) {
    let dialect = brand.dialect();
    tera.register_filter("ident", move |name: &str, _: Kwargs, _: &State| {
        hide(&dialect.ident(name))
    });
    tera.register_filter("literal", move |text: &str, _: Kwargs, _: &State| {
        // What was quoted as a name before, `[a].[b]`, becomes a text as a whole.
        hide(&dialect.text_literal(&letters(text)))
    });
    tera.register_filter("sql", |text: &str, _: Kwargs, _: &State| hide(text));
    tera.register_filter("comment", |text: &str, _: Kwargs, _: &State| {
        hide(&one_line(&letters(text)))
    });
    tera.register_filter("text", move |column: Value, arguments: Kwargs, _: &State| {
        let row = arguments.must_get::<&str>("row")?;
        TeraResult::Ok(hide(&canonical_text(dialect, &column, row)?))
    });
    tera.register_filter("differs", move |column: Value, arguments: Kwargs, _: &State| {
        let (old, new) = (arguments.must_get::<&str>("old")?, arguments.must_get::<&str>("new")?);
        TeraResult::Ok(hide(&differs(dialect, &column, old, new)?))
    });
    tera.register_filter("from_text", move |column: Value, arguments: Kwargs, _: &State| {
        from_text(dialect, &column, arguments.must_get::<&str>("value")?)
    });
    tera.register_filter("json_string", |name: &str, _: Kwargs, _: &State| {
        serde_json::Value::from(name).to_string()
    });
    // A column's name in a document, with what stands before it and the colon.
    tera.register_function("json_name", |arguments: Kwargs, _: &State| -> TeraResult<String> {
        let before = arguments.must_get::<&str>("before")?;
        let column = arguments.must_get::<Value>("column")?;
        Ok(format!("{before}{}:", serde_json::Value::from(parts(&column)?.0)))
    });
    register_commands(tera);
    tera.register_function("has", |arguments: Kwargs, _: &State| -> TeraResult<bool> {
        Ok(arguments.must_get::<Value>("value")?.is_truthy())
    });
}

/// The fixed parts of `object_operation_command`; the templates put the values between them.
fn register_commands(tera: &mut Tera) {
    tera.register_function("command_insert", |arguments: Kwargs, _: &State| {
        let table = arguments.must_get::<Value>("table")?;
        let row = field(&table, "row")?;
        let columns = row.as_array().unwrap_or_default();
        let names = columns.iter().map(column_command_name).collect::<TeraResult<Vec<_>>>()?;
        let table = table_command_name(&table)?;
        TeraResult::Ok(format!("INSERT INTO {table} ({}) VALUES (", names.join(", ")))
    });
    tera.register_function("command_update", |arguments: Kwargs, _: &State| {
        let table = table_command_name(&arguments.must_get::<Value>("table")?)?;
        let column = column_command_name(&arguments.must_get::<Value>("column")?)?;
        TeraResult::Ok(format!("UPDATE {table} SET {column} = "))
    });
    tera.register_function("command_delete", |arguments: Kwargs, _: &State| {
        let table = table_command_name(&arguments.must_get::<Value>("table")?)?;
        TeraResult::Ok(format!("DELETE FROM {table}"))
    });
    tera.register_function("command_where", |arguments: Kwargs, _: &State| {
        let word = if arguments.must_get::<bool>("first")? { "WHERE" } else { "AND" };
        let column = column_command_name(&arguments.must_get::<Value>("column")?)?;
        TeraResult::Ok(format!(" {word} {column} = "))
    });
}

fn table_command_name(table: &Value) -> TeraResult<String> {
    let name = field(table, "object_table")?;
    let name = name.as_str().ok_or_else(|| tera::Error::message("not a table"))?;
    Ok(name.split('.').map(command_name).collect::<Vec<_>>().join("."))
}

fn column_command_name(column: &Value) -> TeraResult<String> {
    Ok(command_name(parts(column)?.0))
}

/// Text for a comment: a line break in a name must not end it.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() || is_unseen(letter) { ' ' } else { letter })
        .collect::<String>()
        .replace("*/", "* /")
}

/// Letters that have no width, or make what follows stand elsewhere than it does.
fn is_unseen(letter: char) -> bool {
    ['\u{200b}'..='\u{200f}', '\u{2028}'..='\u{202e}', '\u{2060}'..='\u{2069}']
        .iter()
        .any(|range| range.contains(&letter))
        || letter == '\u{feff}'
}

/// A name inside `object_operation_command`, in standard quotes where it needs any: DataJoin's
/// programs run the command on whatever brand it arrives.
pub(crate) fn command_name(name: &str) -> String {
    let is_plain = name.chars().enumerate().all(|(index, letter)| {
        letter == '_' || letter.is_ascii_lowercase() || (index > 0 && letter.is_ascii_digit())
    });
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// SQL for a column's canonical text in a row (`NEW`, `i`), under the column's policy.
fn canonical_text(dialect: &Dialect, column: &Value, row: &str) -> TeraResult<String> {
    let (name, logical_type) = parts(column)?;
    let mapping = dialect.mapping(logical_type);
    let trim = if is_padded(field(column, "native_type")?.as_str()) { "RTRIM" } else { "" };
    let plain =
        fill(&mapping.to_text, &[("{rtrim}", trim), ("{}", &reference(dialect, row, name))]);
    let is_text = matches!(logical_type, LogicalType::Text | LogicalType::Enum);
    Ok(match field(column, "policy")?.as_str() {
        Some("mask") if is_text => {
            let mask = dialect.text_literal(MASK);
            format!("CASE WHEN {} IS NOT NULL THEN {mask} END", reference(dialect, row, name))
        }
        Some("mask") => "NULL".to_owned(),
        Some("hash") => dialect.hash.replace("{}", &plain),
        _ => plain,
    })
}

/// Whether a native type fills its values up with blanks: `char(3)`, `national character(3)`.
fn is_padded(native: Option<&str>) -> bool {
    native.is_some_and(|native| native.contains("char") && !native.contains("var"))
}

/// SQL condition: the column's value differs between two rows.
fn differs(dialect: &Dialect, column: &Value, old: &str, new: &str) -> TeraResult<String> {
    let (name, logical_type) = parts(column)?;
    let mapping = dialect.mapping(logical_type);
    Ok(mapping.change_of(&reference(dialect, old, name), &reference(dialect, new, name)))
}

/// SQL for a column's value from its canonical text.
fn from_text(dialect: &Dialect, column: &Value, value: &str) -> TeraResult<String> {
    let (_, logical_type) = parts(column)?;
    let native = field(column, "native_type")?;
    let native = native.as_str().ok_or_else(|| tera::Error::message("no native type"))?;
    // The value is an expression of the template; a type may have labels or a name in it.
    Ok(dialect.mapping(logical_type).value_of(value, &hide(native)))
}

fn reference(dialect: &Dialect, row: &str, name: &str) -> String {
    format!("{row}.{}", dialect.ident(name))
}

fn parts(column: &Value) -> TeraResult<(&str, LogicalType)> {
    let map = column.as_map().ok_or_else(|| tera::Error::message("not a column"))?;
    let text = |key: &str| text_of(map, key);
    let logical = text("logical_type")?;
    let found = LogicalType::ALL.into_iter().find(|known| known.name() == logical);
    let logical = found.ok_or_else(|| tera::Error::message("not a logical type"))?;
    Ok((text("name")?, logical))
}

fn text_of<'a>(map: &'a Map, key: &str) -> TeraResult<&'a str> {
    map.iter()
        .find(|(known, _)| known.as_str() == Some(key))
        .and_then(|(_, value)| value.as_str())
        .ok_or_else(|| tera::Error::message(format!("a column without `{key}`")))
}

fn field(column: &Value, key: &str) -> TeraResult<Value> {
    column
        .get_from_path(key)
        .cloned()
        .ok_or_else(|| tera::Error::message(format!("a column without `{key}`")))
}
