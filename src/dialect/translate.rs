//! How a brand makes the tables of another one.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::LogicalType;

/// The native types and words of new tables. What is not named here is
/// [`super::TypeMapping::declare`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Translate {
    /// Types of whole numbers, the narrowest first; the last signed or unsigned one is the widest.
    pub integers: Vec<String>,
    /// Types of texts.
    pub text: Lengths,
    /// Types of bytes.
    pub binary: Lengths,
    /// Types of decimals.
    pub decimal: Digits,
    /// How FALSE and TRUE are written.
    pub booleans: (String, String),
    /// Types whose default stands in parentheses.
    pub parenthesised: Vec<String>,
    /// Defaults that say the present moment here, lower case, without a precision.
    pub moments: Vec<String>,
    /// Defaults that say the present day here, lower case.
    pub days: Vec<String>,
    /// How a new default says the present moment or day.
    pub now: BTreeMap<LogicalType, String>,
    /// Which columns the database can number.
    pub identity: Identity,
    /// What foreign keys can do.
    pub references: References,
}

/// Types that have a length, or not.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lengths {
    /// With `{length}`.
    pub bounded: String,
    /// The greatest length of the bounded type that is made.
    pub longest: u32,
    /// For any length.
    pub unbounded: String,
    /// What all columns of a key have together; `None` where a key has columns of any length.
    pub in_key: Option<u32>,
}

/// Types of decimals: a mapping's `declare` up to these numbers of digits, else another one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digits {
    /// The most digits.
    pub precision: i64,
    /// The most digits after the point.
    pub scale: i64,
    /// For more digits, or where their number is not said.
    pub unbounded: String,
}

/// Which columns the database can number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Identity {
    /// Any one of whole numbers.
    #[serde(rename = "anywhere")]
    Anywhere,
    /// One that begins a key.
    #[serde(rename = "first of a key")]
    FirstOfKey,
    /// One that is the primary key.
    #[serde(rename = "whole key")]
    WholeKey,
}

/// What foreign keys can do.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct References {
    /// They can be added to a table. Where they cannot, they may name tables that come later.
    pub later: bool,
    /// They can set a default.
    pub set_default: bool,
    /// Two actions may lead from one table to another, and one to the table itself.
    pub two_paths: bool,
}
