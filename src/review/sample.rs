//! Values that examples are made of: two of each type, in canonical text.

use sha2::{Digest as _, Sha256};

use crate::model::LogicalType;
use crate::plan::{CapturedColumn, hex};

/// What a masked text becomes, as the triggers write it.
const MASK: &str = "***";

/// A column's value before and after the example's update.
pub(super) struct Sample {
    pub(super) before: String,
    pub(super) after: String,
}

/// A value of the type, before or after an example's update.
#[must_use]
pub fn value_of(logical: LogicalType, is_after: bool) -> String {
    let values = sample(logical);
    if is_after { values.after } else { values.before }
}

/// Two values that differ and fit any column of the type, a label of an unknown enum aside.
pub(super) fn sample(logical: LogicalType) -> Sample {
    let (before, after) = match logical {
        LogicalType::Boolean => ("false", "true"),
        LogicalType::Integer
        | LogicalType::Decimal
        | LogicalType::Float32
        | LogicalType::Float64 => ("1", "2"),
        LogicalType::Text => ("a", "b"),
        LogicalType::Binary => ("61", "62"),
        LogicalType::Date => ("2026-01-02", "2026-01-03"),
        LogicalType::Time => ("03:04:05", "03:04:06"),
        LogicalType::Timestamp => ("2026-01-02 03:04:05", "2026-01-02 03:04:06"),
        LogicalType::TimestampTz => ("2026-01-02 03:04:05Z", "2026-01-02 03:04:06Z"),
        LogicalType::Uuid => {
            ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002")
        }
        LogicalType::Json => ("{\"a\":1}", "{\"a\":2}"),
        LogicalType::Enum => ("old label", "new label"),
    };
    Sample { before: before.to_owned(), after: after.to_owned() }
}

/// What the triggers record of a value, under the column's policy.
pub(super) fn recorded(column: &CapturedColumn, value: &str) -> Option<String> {
    let is_text = matches!(column.logical_type, LogicalType::Text | LogicalType::Enum);
    match column.policy {
        "mask" if is_text => Some(MASK.to_owned()),
        "mask" => None,
        "hash" => Some(hex(&Sha256::digest(value.as_bytes()))),
        _ => Some(value.to_owned()),
    }
}
