//! What a write costs: outbox rows, and the bytes of their texts.

use serde::Serialize;

use super::example::Example;
use crate::model::LogicalType;
use crate::plan::{CapturedColumn, Plan, TablePlan};

/// Bytes of the stamp, the operation and the row's numbers.
const FIXED_BYTES: usize = 60;

/// The cost of one operation on one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// `insert`, `update of one column`, `update of every column`, `delete`.
    pub operation: &'static str,
    /// Outbox rows.
    pub rows: usize,
    /// Bytes when all values are empty.
    pub smallest: usize,
    /// Bytes when all values are as long as their columns allow; `None` where a column has no
    /// limit.
    pub largest: Option<usize>,
}

/// The cost of each operation on one row of the table; indexes and the database's own overhead
/// for a row are not in it.
#[must_use]
pub(super) fn costs(plan: &Plan, table: &TablePlan, examples: &[Example]) -> Vec<Cost> {
    let key = || table.key.iter();
    let names: usize = [&plan.database, &table.object_table, &table.object_pk_attribute]
        .iter()
        .map(|text| text.len())
        .sum();
    let fixed = FIXED_BYTES + names + command(examples);
    // Each member: a name and a value in quotes, a colon and a comma.
    let document: usize = table.row.iter().map(|column| column.name.len() + 6).sum();
    let context: usize = table.metadata.iter().map(|column| column.name.len() + 6).sum();
    let whole = |operation| Cost {
        operation,
        rows: 1,
        smallest: fixed + document,
        largest: sum(table.row.iter().chain(key())).map(|bytes| bytes + fixed + document),
    };
    let update = |operation, columns: &[CapturedColumn]| Cost {
        operation,
        rows: columns.len(),
        smallest: columns.iter().map(|column| fixed + context + column.name.len()).sum(),
        largest: columns
            .iter()
            .map(|column| {
                let values = sum([column, column].into_iter().chain(key()).chain(&table.metadata))?;
                Some(values + fixed + context + column.name.len())
            })
            .sum(),
    };
    let mut costs = vec![whole("insert")];
    if let Some(first) = table.columns.first() {
        costs.push(update("update of one column", std::slice::from_ref(first)));
        costs.push(update("update of every column", &table.columns));
    }
    costs.push(whole("delete"));
    costs
}

/// Commands repeat what the other columns say.
fn command(examples: &[Example]) -> usize {
    let cells = examples.iter().flat_map(|example| &example.rows).flatten();
    let commands = cells.filter(|cell| cell.column == "object_operation_command");
    commands.map(|cell| cell.value.len()).max().unwrap_or(0)
}

fn sum<'a>(columns: impl Iterator<Item = &'a CapturedColumn>) -> Option<usize> {
    columns.map(longest).sum()
}

/// The longest text that is recorded of a column.
fn longest(column: &CapturedColumn) -> Option<usize> {
    let declared = || {
        let (_, rest) = column.native_type.split_once('(')?;
        rest.split([',', ')']).next()?.trim().parse::<usize>().ok()
    };
    match (column.policy, column.logical_type) {
        ("hash", _) => Some(64),
        ("mask", _) => Some(3),
        (_, LogicalType::Boolean) => Some(5),
        (_, LogicalType::Integer) => Some(20),
        (_, LogicalType::Decimal) => declared().map(|digits| digits + 2),
        (_, LogicalType::Float32 | LogicalType::Time) => Some(15),
        (_, LogicalType::Float64) => Some(24),
        // Four bytes of UTF-8 for a character at most.
        (_, LogicalType::Text) => declared().map(|letters| letters * 4),
        (_, LogicalType::Binary) => declared().map(|bytes| bytes * 2),
        (_, LogicalType::Date) => Some(13),
        (_, LogicalType::Timestamp) => Some(29),
        (_, LogicalType::TimestampTz) => Some(30),
        (_, LogicalType::Uuid) => Some(36),
        (_, LogicalType::Json | LogicalType::Verbatim) => None,
        (_, LogicalType::Enum) => Some(255),
    }
}
