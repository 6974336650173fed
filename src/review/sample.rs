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

/// Two texts of types that one brand alone has, as it writes them.
const VERBATIM: [(&str, &str, &str); 19] = [
    ("interval", "1 day", "2 days"),
    ("timetz", "03:04:05+00", "03:04:06+00"),
    ("inet", "192.0.2.1/32", "192.0.2.2/32"),
    ("cidr", "192.0.2.0/24", "198.51.100.0/24"),
    ("macaddr", "08:00:2b:01:02:03", "08:00:2b:01:02:04"),
    ("macaddr8", "08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:06"),
    ("varbit", "0", "1"),
    ("xml", "<a/>", "<b/>"),
    ("jsonpath", "$.\"a\"", "$.\"b\""),
    ("tsvector", "'a':1", "'b':1"),
    ("tsquery", "'a'", "'b'"),
    ("point", "(1,2)", "(1,3)"),
    ("box", "(1,2),(0,0)", "(1,3),(0,0)"),
    ("circle", "<(1,2),3>", "<(1,2),4>"),
    ("hstore", "\"a\"=>\"1\"", "\"a\"=>\"2\""),
    ("ltree", "a.b", "a.c"),
    ("hierarchyid", "/1/", "/2/"),
    ("cube", "(1, 2)", "(1, 3)"),
    ("vector", "[1,2]", "[1,3]"),
];

/// A value of a column's type, before or after an example's update.
#[must_use]
pub fn value_of(logical: LogicalType, native: &str, is_after: bool) -> String {
    let values = sample(logical, native);
    if is_after { values.after } else { values.before }
}

/// Two values that differ and fit any column of the type, a label of an unknown enum and a text
/// of a type of the application aside.
pub(super) fn sample(logical: LogicalType, native: &str) -> Sample {
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
        LogicalType::Verbatim => verbatim(native),
    };
    Sample { before: before.to_owned(), after: after.to_owned() }
}

fn verbatim(native: &str) -> (&'static str, &'static str) {
    let name = native.split(['(', ' ']).next().unwrap_or_default();
    // These are values of each array and of each range.
    if native.ends_with(']') {
        return ("{}", "{NULL}");
    }
    if name.ends_with("multirange") {
        return ("{}", "{(,)}");
    }
    if name.ends_with("range") {
        return ("empty", "(,)");
    }
    let known = VERBATIM.iter().find(|(known, ..)| *known == name);
    known.map_or(("old text", "new text"), |(_, before, after)| (before, after))
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
