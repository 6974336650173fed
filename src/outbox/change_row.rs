//! Outbox and inbox rows to and from the database.

use std::{iter, mem};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Error;
use crate::model::{Change, RouteId, Row, Value};

/// The columns of a change, in the order in which [`change`] takes their cells.
const COLUMNS: [&str; 19] = [
    "id",
    "object_database",
    "object_table",
    "object_pk_attribute",
    "object_attribute",
    "object_id",
    "object_value",
    "object_operation",
    "object_operation_command",
    "updated_by_server_id",
    "update_datetime",
    "updated_by_user_id",
    "object_id_old",
    "object_value_old",
    "note1",
    "source_id",
    "transaction_id",
    "object_context",
    "refusal",
];

/// Where each of [`COLUMNS`] stands among the cells of an answer.
type Places = [Option<usize>; COLUMNS.len()];

/// A change of a row that has the columns of an outbox or inbox under their own names. A cell
/// that is not UTF-8 makes it a refused change, so that it can be seen where it arrives.
///
/// # Errors
/// When the row has no `id`.
pub fn change_from_row(row: &Row) -> Result<Change, Error> {
    change(row.clone(), &places(row))
}

/// The changes of an answer whose rows are as for [`change_from_row`].
///
/// # Errors
/// When a row has no `id`.
pub fn changes_from_rows(rows: Vec<Row>) -> Result<Vec<Change>, Error> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let places = places(first);
    rows.into_iter().map(|row| change(row, &places)).collect()
}

/// All rows of one answer have the same columns: they are looked for once.
fn places(row: &Row) -> Places {
    COLUMNS.map(|column| row.position(column))
}

fn change(row: Row, places: &Places) -> Result<Change, Error> {
    let invalid = row.values().iter().position(|value| matches!(value, Value::Invalid(_)));
    let invalid = invalid.map(|at| row.columns()[at].clone());
    let mut values = row.into_values();
    let mut places = places.iter();
    let mut next = || {
        let value = places.next().copied().flatten().and_then(|at| values.get_mut(at));
        value.map_or(Value::Null, |value| mem::replace(value, Value::Null))
    };
    let id = next().to_integer().ok_or_else(|| Error::Unreadable {
        table: "ds_change_outbox",
        found: "a row without a number in `id`".to_owned(),
    })?;
    // The fields stand in the order of `COLUMNS`, and are evaluated in the order they stand in.
    let mut change = Change {
        id,
        object_database: next().into_text(),
        object_table: next().into_text(),
        object_pk_attribute: next().into_text(),
        object_attribute: next().into_text(),
        object_id: next().into_text(),
        object_value: next().into_text(),
        object_operation: next().into_text(),
        object_operation_command: next().into_text(),
        updated_by_server_id: next().into_text(),
        update_datetime: next().into_text(),
        updated_by_user_id: next().into_text(),
        object_id_old: next().into_text(),
        object_value_old: next().into_text(),
        note1: next().into_text(),
        source_id: next().to_integer(),
        transaction_id: next().to_integer(),
        object_context: next().into_text(),
        refusal: next().into_text(),
    };
    if let Some(column) = invalid {
        change.refuse(|| format!("`{column}` is not UTF-8"));
    }
    Ok(change)
}

/// A change as `run/write_inbox` opens it: everything but the id, which is the inbox's own. What is
/// NULL is left out: every brand takes a name that is not there for NULL, and half of them are.
struct Written<'a>(&'a Change);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(None)?;
        for (name, text) in texts(self.0) {
            if let Some(text) = text {
                row.serialize_entry(name, text)?;
            }
        }
        for (name, number) in numbers(self.0) {
            if let Some(number) = number {
                row.serialize_entry(name, &number)?;
            }
        }
        row.end()
    }
}

/// The texts of a change under the names of their columns, in the order of `run/load_inbox`,
/// where numbers and the route follow.
fn texts(change: &Change) -> [(&'static str, Option<&str>); 16] {
    [
        ("object_database", change.object_database.as_deref()),
        ("object_table", change.object_table.as_deref()),
        ("object_pk_attribute", change.object_pk_attribute.as_deref()),
        ("object_attribute", change.object_attribute.as_deref()),
        ("object_id", change.object_id.as_deref()),
        ("object_value", change.object_value.as_deref()),
        ("object_operation", change.object_operation.as_deref()),
        ("object_operation_command", change.object_operation_command.as_deref()),
        ("updated_by_server_id", change.updated_by_server_id.as_deref()),
        ("update_datetime", change.update_datetime.as_deref()),
        ("updated_by_user_id", change.updated_by_user_id.as_deref()),
        ("object_id_old", change.object_id_old.as_deref()),
        ("object_value_old", change.object_value_old.as_deref()),
        ("note1", change.note1.as_deref()),
        ("object_context", change.object_context.as_deref()),
        ("refusal", change.refusal.as_deref()),
    ]
}

/// The numbers of a change, as [`texts`].
fn numbers(change: &Change) -> [(&'static str, Option<i64>); 2] {
    [("source_id", change.source_id), ("transaction_id", change.transaction_id)]
}

/// Changes as one JSON array of objects, the parameter of `run/write_inbox`.
#[must_use]
pub fn changes_to_json(changes: &[Change]) -> String {
    let rows: Vec<Written<'_>> = changes.iter().map(Written).collect();
    to_json(&rows)
}

/// Changes as the text that `run/load_inbox` takes: a line for each, its cells behind one another
/// with tabs between, as PostgreSQL's COPY reads them. A page is one piece; one that is longer
/// than any page should be is several.
pub fn changes_to_copy(
    changes: &[Change],
    route: RouteId,
) -> impl Iterator<Item = String> + Send + '_ {
    let bytes: usize = changes.iter().map(|change| change.bytes() + OVERHEAD_BYTES).sum();
    let mut cells = changes.iter().flat_map(move |change| copy_cells(change, route));
    let mut cut: Option<(CopyCell<'_>, &str)> = None;
    iter::from_fn(move || {
        let mut piece = String::with_capacity(bytes.min(2 * COPY_BYTES));
        while piece.len() < COPY_BYTES {
            let (cell, end) = match cut.take() {
                Some(rest) => rest,
                None => match cells.next() {
                    Some(next) => next,
                    None => break,
                },
            };
            match cell {
                CopyCell::Text(Some(text)) if text.len() > COPY_BYTES => {
                    let (first, rest) = text.split_at(text.floor_char_boundary(COPY_BYTES));
                    copy_cell(&mut piece, Some(first));
                    cut = Some((CopyCell::Text(Some(rest)), end));
                    continue;
                }
                CopyCell::Text(text) => copy_cell(&mut piece, text),
                CopyCell::Number(Some(number)) => piece.push_str(&number.to_string()),
                CopyCell::Number(None) => piece.push_str(COPY_NULL),
            }
            piece.push_str(end);
        }
        (!piece.is_empty()).then_some(piece)
    })
}

/// A cell of a line of [`changes_to_copy`].
enum CopyCell<'a> {
    Text(Option<&'a str>),
    Number(Option<i64>),
}

/// The cells of a line, each with what stands behind it.
fn copy_cells(
    change: &Change,
    route: RouteId,
) -> impl Iterator<Item = (CopyCell<'_>, &'static str)> {
    let texts = texts(change).map(|(name, text)| {
        let is_stamp = name == "update_datetime" && text.is_some();
        (CopyCell::Text(text), if is_stamp { "+00\t" } else { "\t" })
    });
    let numbers = numbers(change).map(|(_, number)| (CopyCell::Number(number), "\t"));
    let route = (CopyCell::Number(Some(route.0)), "\n");
    texts.into_iter().chain(numbers).chain([route])
}

/// How many cells a row of `run/load_inbox` has.
pub(crate) const CHANGE_CELLS: usize = 19;

/// A change as the cells that a row of `run/load_inbox` is bound to.
pub(crate) fn change_to_values(change: &Change, route: RouteId) -> impl Iterator<Item = Value> {
    let texts = texts(change).map(|(_, text)| text.into());
    let numbers = numbers(change).map(|(_, number)| number.into());
    texts.into_iter().chain(numbers).chain([Value::Integer(route.0)])
}

/// What a change takes besides its long texts, about.
const OVERHEAD_BYTES: usize = 160;

/// How long the pieces of a COPY are, about.
const COPY_BYTES: usize = 4 << 20;

/// NULL in a COPY.
const COPY_NULL: &str = "\\N";

/// A cell of a COPY: what ends a cell or a line, or begins an escape, is escaped.
pub(crate) fn copy_cell(lines: &mut String, text: Option<&str>) {
    let Some(mut rest) = text else {
        lines.push_str(COPY_NULL);
        return;
    };
    while let Some(at) = rest.find(['\\', '\t', '\n', '\r']) {
        lines.push_str(&rest[..at]);
        lines.push('\\');
        lines.push(match rest.as_bytes()[at] {
            b'\t' => 't',
            b'\n' => 'n',
            b'\r' => 'r',
            _ => '\\',
        });
        rest = &rest[at + 1..];
    }
    lines.push_str(rest);
}

/// Rows as the JSON text that a statement takes as its one parameter.
#[must_use]
pub fn to_json<T: Serialize + ?Sized>(rows: &T) -> String {
    // Texts and numbers can always be written; a database refuses the empty text as no JSON.
    serde_json::to_string(rows).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_a_cell_for_each_column_and_nothing_ends_one_early() {
        let change = Change {
            object_id: Some("a\tb\nc\rd\\e".to_owned()),
            object_value: Some(String::new()),
            update_datetime: Some("2026-01-02 03:04:05.000006".to_owned()),
            source_id: Some(7),
            ..Change::default()
        };
        let lines: String = changes_to_copy(&[change.clone(), change], RouteId(1000)).collect();
        let cells: Vec<Vec<&str>> = lines.lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(cells.len(), 2);
        assert_eq!(cells[0], cells[1]);
        assert_eq!(cells[0].len(), 19);
        assert_eq!(cells[0][..6], ["\\N", "\\N", "\\N", "\\N", r"a\tb\nc\rd\\e", ""]);
        assert_eq!(cells[0][9], "2026-01-02 03:04:05.000006+00");
        assert_eq!(cells[0][16..], ["7", "\\N", "1000"]);
    }

    #[test]
    fn a_long_text_is_copied_in_pieces() {
        let long = "\t\u{20ac}".repeat(COPY_BYTES);
        let change = |value: &str| Change {
            object_table: Some("t".to_owned()),
            object_value: Some(value.to_owned()),
            ..Change::default()
        };
        let changes = [change("short"), change(&long), change("short")];
        let pieces: Vec<String> = changes_to_copy(&changes, RouteId(1000)).collect();
        assert!(pieces.len() > 3 && pieces.iter().all(|piece| piece.len() <= 3 * COPY_BYTES));
        let all = pieces.concat();
        let values: Vec<&str> = all.lines().filter_map(|line| line.split('\t').nth(5)).collect();
        assert_eq!(values.len(), 3);
        assert_eq!((values[0], values[2]), ("short", "short"));
        assert!(values[1] == long.replace('\t', "\\t"));
    }

    #[test]
    fn what_is_null_is_left_out_of_the_json() {
        let change =
            Change { object_id: Some("a\"b".to_owned()), source_id: Some(7), ..Change::default() };
        assert_eq!(changes_to_json(&[change]), r#"[{"object_id":"a\"b","source_id":7}]"#);
    }
}
