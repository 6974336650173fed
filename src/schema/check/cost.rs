//! What capture costs: rows and bytes that a write adds to the outbox, estimated from the types.

use serde::Serialize;

use super::{Finding, Followed, Severity, Subject};
use crate::config::{CommandForm, Config, Policy, TableOptions};
use crate::model::{Column, LogicalType, Table};

/// Numbers of an outbox row whatever it says: its id, the stamp, the transaction.
const NUMBERS: usize = 24;
/// Node and user, operation, and what a row costs the database itself.
const AROUND: usize = 40;
/// `"":"",` around each value of a document.
const QUOTES: usize = 6;
/// Hexadecimal digits of a SHA-256.
const HASH: usize = 64;
/// What is taken for a text, and the most that is taken for one of a declared length.
const TEXT: usize = 40;
/// What is taken for a JSON document or a binary value without a length.
const LARGE: usize = 200;

/// What the writes of one table add to the outbox. The bytes are an estimate: of the values only
/// their types are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Bytes of the one row for an insert.
    pub insert_bytes: usize,
    /// Bytes of each row for an update.
    pub update_bytes: usize,
    /// The most rows that an update can add: one for each column that it changes.
    pub update_rows_max: usize,
    /// Bytes of the one row for a delete.
    pub delete_bytes: usize,
}

/// What the writes of a table cost that is followed with `options`.
#[must_use]
pub fn cost(config: &Config, table: &Table, options: &TableOptions) -> Cost {
    let key = if options.key.is_empty() { &table.primary_key } else { &options.key };
    let captured: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| !column.is_generated || key.contains(&column.name))
        .filter(|column| !options.policy(&column.name).is_left_out())
        .collect();
    let is_key = |column: &&&Column| key.contains(&column.name);
    let key_bytes: usize = captured.iter().filter(is_key).map(|one| width(one, options)).sum();
    let key_names: usize = key.iter().map(|name| name.len() + 3).sum();
    let row = NUMBERS
        + AROUND
        + config.database.len()
        + table.name.to_string().len()
        + key_names
        + key_bytes;
    let values: usize = captured.iter().map(|one| width(one, options)).sum();
    let names: usize = captured.iter().map(|column| column.name.len() + QUOTES).sum();
    let own: Vec<&&Column> = captured.iter().filter(|one| !is_key(one)).collect();
    let each = |bytes: usize| if own.is_empty() { 0 } else { bytes / own.len() };
    let own_values = each(own.iter().map(|one| width(one, options)).sum());
    let own_names = each(own.iter().map(|one| one.name.len()).sum());
    // The statement beside the change: the same values again, the names, the key.
    let (inserted, updated, deleted) = match config.capture.command {
        CommandForm::None => (0, 0, 0),
        CommandForm::Escaped | CommandForm::Tilde => {
            (30 + names + values, 30 + own_names + own_values + key_bytes, 30 + key_bytes)
        }
    };
    Cost {
        insert_bytes: row + names + values + inserted,
        update_bytes: row + own_names + 2 * own_values + updated,
        update_rows_max: own.len(),
        delete_bytes: row + names + values + deleted,
    }
}

/// Bytes of a column's canonical text.
fn width(column: &Column, options: &TableOptions) -> usize {
    let length = declared(&column.native_type);
    match options.policy(&column.name) {
        Policy::Hash => return HASH,
        Policy::Mask => return 3,
        Policy::Capture | Policy::Ignore | Policy::Forbid | Policy::Dropped => {}
    }
    match column.logical_type {
        Some(LogicalType::Boolean) => 5,
        Some(LogicalType::Integer) => 8,
        Some(LogicalType::Decimal) => length.map_or(10, |digits| (digits / 2 + 2).min(TEXT)),
        Some(LogicalType::Float32 | LogicalType::Float64) => 12,
        Some(LogicalType::Text) => length.map_or(TEXT, |length| (length / 2 + 1).min(TEXT)),
        Some(LogicalType::Binary) => length.map_or(LARGE, |length| (2 * length).min(LARGE)),
        Some(LogicalType::Date | LogicalType::Enum) => 10,
        Some(LogicalType::Time) => 15,
        Some(LogicalType::Timestamp) => 26,
        Some(LogicalType::TimestampTz) => 27,
        Some(LogicalType::Uuid | LogicalType::Verbatim) => 36,
        Some(LogicalType::Json) | None => LARGE,
    }
}

/// The number in `varchar(30)`.
fn declared(native: &str) -> Option<usize> {
    let (_, rest) = native.split_once('(')?;
    rest.split([',', ')']).next()?.trim().parse().ok()
}

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if subject.writers == 0 {
        return;
    }
    let one = |followed: &Followed<'_>| finding(subject, followed);
    findings.extend(subject.followed.iter().filter(|one| !one.key().is_empty()).map(one));
}

fn finding(subject: &Subject<'_>, followed: &Followed<'_>) -> Finding {
    let Cost { insert_bytes, update_bytes, update_rows_max, delete_bytes } =
        cost(subject.config, followed.table, followed.options);
    let name = &followed.table.name;
    let update = match update_rows_max {
        0 => "an update of the key two".to_owned(),
        1 => format!("an update one of about {update_bytes}"),
        most => format!(
            "an update one of about {update_bytes} for each of {most} columns that it changes"
        ),
    };
    let message = format!(
        "an insert into `{name}` adds one outbox row of about {insert_bytes} bytes, {update}, a \
         delete one of about {delete_bytes}"
    );
    let remedy = "`ignore` columns that need not travel; docs/performance.md has measured times";
    Finding::new("write-cost", Severity::Info, message, remedy)
        .at(subject.place(followed))
        .table(name)
}
