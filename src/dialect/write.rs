//! Which ways of writing a brand's triggers see.

use serde::{Deserialize, Serialize};

use super::Dialect;

/// A way of writing rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Write {
    /// INSERT.
    Insert,
    /// UPDATE of columns outside the key.
    Update,
    /// DELETE, also without a condition.
    Delete,
    /// UPDATE of the key.
    #[serde(rename = "key change")]
    KeyChange,
    /// INSERT … ON CONFLICT, ON DUPLICATE KEY UPDATE, MERGE: one that meets a row.
    Upsert,
    /// REPLACE, INSERT OR REPLACE: one that meets a row.
    Replace,
    /// Rows that a foreign key deletes.
    #[serde(rename = "cascade delete")]
    CascadeDelete,
    /// References that a foreign key carries along.
    #[serde(rename = "cascade update")]
    CascadeUpdate,
    /// References that a foreign key sets NULL.
    #[serde(rename = "set null")]
    SetNull,
    /// TRUNCATE.
    Truncate,
    /// COPY, LOAD DATA, `.import`, a bulk load that asks for triggers.
    #[serde(rename = "bulk load")]
    BulkLoad,
    /// A bulk load that asks for no triggers, or does not have to.
    #[serde(rename = "bulk load without triggers")]
    BulkLoadWithoutTriggers,
    /// Partitions and tables that change places.
    Swap,
    /// Any write while the trigger is switched off.
    #[serde(rename = "disabled trigger")]
    DisabledTrigger,
}

impl Write {
    /// Every way, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::Insert,
        Self::Update,
        Self::Delete,
        Self::KeyChange,
        Self::Upsert,
        Self::Replace,
        Self::CascadeDelete,
        Self::CascadeUpdate,
        Self::SetNull,
        Self::Truncate,
        Self::BulkLoad,
        Self::BulkLoadWithoutTriggers,
        Self::Swap,
        Self::DisabledTrigger,
    ];

    /// The words for it in the dialect files and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::KeyChange => "key change",
            Self::Upsert => "upsert",
            Self::Replace => "replace",
            Self::CascadeDelete => "cascade delete",
            Self::CascadeUpdate => "cascade update",
            Self::SetNull => "set null",
            Self::Truncate => "truncate",
            Self::BulkLoad => "bulk load",
            Self::BulkLoadWithoutTriggers => "bulk load without triggers",
            Self::Swap => "swap",
            Self::DisabledTrigger => "disabled trigger",
        }
    }
}

/// Whether the triggers see it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Seen {
    /// It is captured.
    Captured,
    /// The brand has no such thing.
    Absent,
    /// It is not captured; what it is called on this brand.
    Missed(String),
}

/// A text that says neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of `captured`, `absent` and `missed: …`")]
pub struct UnknownSeen(String);

impl TryFrom<String> for Seen {
    type Error = UnknownSeen;

    fn try_from(text: String) -> Result<Self, UnknownSeen> {
        match text.as_str() {
            "captured" => Ok(Self::Captured),
            "absent" => Ok(Self::Absent),
            other => match other.strip_prefix("missed: ") {
                Some(how) => Ok(Self::Missed(how.to_owned())),
                None => Err(UnknownSeen(text)),
            },
        }
    }
}

impl Dialect {
    /// Whether the triggers see a way of writing.
    ///
    /// # Panics
    /// When the dialect file lacks it, which `tests/tidy.rs` rules out.
    #[must_use]
    pub fn sees(&self, write: Write) -> &Seen {
        self.writes.get(&write).expect("every dialect says it of every way of writing")
    }
}
