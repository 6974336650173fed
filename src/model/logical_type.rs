//! The small set of types that every brand can carry.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a value means, whatever the brand calls its type.
/// Each has one canonical text form, see [`crate::model::canonical`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogicalType {
    /// `true` or `false`.
    Boolean,
    /// Decimal digits with an optional minus sign; 8 to 64 bits.
    Integer,
    /// Plain digits with a point, no exponent, no trailing zeros after the point; at most 1,000
    /// digits. `NaN`, `Infinity`, `-Infinity`.
    Decimal,
    /// The fewest digits that give the same 32-bit number back, as PostgreSQL prints them:
    /// `0.1`, `123456`, `1e+06`, `1e-05`, `-0`, `NaN`, `Infinity`, `-Infinity`.
    Float32,
    /// The fewest digits that give the same 64-bit number back, as PostgreSQL prints them:
    /// `0.1`, `123456789012345`, `1e+15`, `1e-05`, `-0`, `NaN`, `Infinity`, `-Infinity`.
    Float64,
    /// The characters themselves; blank padding of fixed-length types is left out.
    Text,
    /// Lower-case hexadecimal, two digits a byte, no prefix.
    Binary,
    /// `YYYY-MM-DD`, years 1 to 9999; `YYYY-MM-DD BC`, years 1 to 4713; `infinity`, `-infinity`.
    Date,
    /// `HH:MM:SS[.ffffff]`, `00:00:00` to `24:00:00`; no zeros at the fraction's end.
    Time,
    /// `YYYY-MM-DD HH:MM:SS[.ffffff]`, of no zone; ` BC` and infinities as for dates.
    Timestamp,
    /// `YYYY-MM-DD HH:MM:SS[.ffffff]Z`, in UTC; ` BC` and infinities as for dates.
    TimestampTz,
    /// Lower case, `8-4-4-4-12`.
    Uuid,
    /// Compact JSON, the keys of every object sorted by their bytes, numbers as they were written.
    Json,
    /// The label.
    Enum,
    /// The text that the brand itself writes of a value whose type no other brand has: `{1,NULL}`,
    /// `1 mon -02:00:00`. Elsewhere the column is a text.
    Verbatim,
}

impl LogicalType {
    /// Every logical type, in the order of the documentation's tables.
    pub const ALL: [Self; 15] = [
        Self::Boolean,
        Self::Integer,
        Self::Decimal,
        Self::Float32,
        Self::Float64,
        Self::Text,
        Self::Binary,
        Self::Date,
        Self::Time,
        Self::Timestamp,
        Self::TimestampTz,
        Self::Uuid,
        Self::Json,
        Self::Enum,
        Self::Verbatim,
    ];

    /// The name that the dialect files and messages use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::TimestampTz => "timestamptz",
            Self::Uuid => "uuid",
            Self::Json => "json",
            Self::Enum => "enum",
            Self::Verbatim => "verbatim",
        }
    }
}

impl fmt::Display for LogicalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
