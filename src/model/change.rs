//! A captured change, as the outbox and the inbox hold it.

use std::fmt;

/// The operation of a change; stored as `I`, `U`, `D`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// A row was inserted.
    Insert,
    /// A column of a row was changed.
    Update,
    /// A row was deleted.
    Delete,
}

impl Op {
    /// The letter in `object_operation`.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Insert => "I",
            Self::Update => "U",
            Self::Delete => "D",
        }
    }

    /// The operation of a letter; lower case is accepted, as DataJoin's programs do.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<Self> {
        match letter.trim() {
            "I" | "i" => Some(Self::Insert),
            "U" | "u" => Some(Self::Update),
            "D" | "d" => Some(Self::Delete),
            _ => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.letter())
    }
}

/// (`updated_by_server_id`, `source_id`): what makes a change one change wherever it arrives.
pub type ChangeKey = (String, i64);

/// One row of an outbox or inbox, its columns under their own names and as they are stored:
/// nothing is checked yet, since an application may have written it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Order of capture (outbox) or of arrival (inbox) on this node.
    pub id: i64,
    /// `database:` of the configuration.
    pub object_database: Option<String>,
    /// The table, `name` or `namespace.name`.
    pub object_table: Option<String>,
    /// Key column, or a JSON array of key columns.
    pub object_pk_attribute: Option<String>,
    /// The changed column of an update.
    pub object_attribute: Option<String>,
    /// The key's value, or a JSON array of values.
    pub object_id: Option<String>,
    /// New value (U) or the row as a JSON object (I).
    pub object_value: Option<String>,
    /// `I`, `U`, `D`.
    pub object_operation: Option<String>,
    /// The change as one SQL statement, if an application or `capture.command` wrote it.
    pub object_operation_command: Option<String>,
    /// The origin.
    pub updated_by_server_id: Option<String>,
    /// The stamp, UTC, `YYYY-MM-DD HH:MM:SS.ffffff`.
    pub update_datetime: Option<String>,
    /// Database or application user.
    pub updated_by_user_id: Option<String>,
    /// The previous key, when the key changed.
    pub object_id_old: Option<String>,
    /// Old value (U) or the deleted row as a JSON object (D).
    pub object_value_old: Option<String>,
    /// Free text.
    pub note1: Option<String>,
    /// The change's id in the origin's outbox; the outbox itself has NULL.
    pub source_id: Option<i64>,
    /// The source transaction, or the window that holds it: changes of one origin with one
    /// `transaction_id` are imported together.
    pub transaction_id: Option<i64>,
    /// JSON object: the last-update, user and server columns that changed together with the
    /// column of an update, to their exact canonical text.
    pub object_context: Option<String>,
    /// Why transport already knows that the change cannot be imported; the importer quarantines
    /// it with this reason.
    pub refusal: Option<String>,
}

impl Change {
    /// Every text of the change under the name of its column, but for the stamp and `refusal`,
    /// which are Outrigger's own by the time it travels.
    pub fn texts_mut(&mut self) -> [(&'static str, &mut Option<String>); 14] {
        [
            ("object_database", &mut self.object_database),
            ("object_table", &mut self.object_table),
            ("object_pk_attribute", &mut self.object_pk_attribute),
            ("object_attribute", &mut self.object_attribute),
            ("object_id", &mut self.object_id),
            ("object_value", &mut self.object_value),
            ("object_operation", &mut self.object_operation),
            ("object_operation_command", &mut self.object_operation_command),
            ("updated_by_server_id", &mut self.updated_by_server_id),
            ("updated_by_user_id", &mut self.updated_by_user_id),
            ("object_id_old", &mut self.object_id_old),
            ("object_value_old", &mut self.object_value_old),
            ("note1", &mut self.note1),
            ("object_context", &mut self.object_context),
        ]
    }

    /// How much its texts take, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = [
            &self.object_table,
            &self.object_id,
            &self.object_value,
            &self.object_operation_command,
            &self.object_id_old,
            &self.object_value_old,
            &self.note1,
            &self.object_context,
        ];
        texts.into_iter().flatten().map(String::len).sum()
    }

    /// Takes note of why the change cannot be imported; the first reason stands.
    pub fn refuse(&mut self, reason: impl FnOnce() -> String) {
        if self.refusal.is_none() {
            self.refusal = Some(reason());
        }
    }
}
