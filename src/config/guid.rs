//! Following a table by a GUID: rows that two nodes made with one key stay two rows.

use serde::Deserialize;

use super::raw::{RawIdentity, RawOptions};
use super::spanned::Place;

/// What the names of Outrigger's own columns begin with.
const OWN_PREFIX: &str = "ds_";

/// The column where none is named.
const DEFAULT_COLUMN: &str = "ds_guid";

/// The column by which the rows of a table are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guid {
    /// Its name.
    pub column: String,
    /// What rows that are there already get; `None`: from their key where that can be, else at
    /// random.
    pub fill: Option<GuidFill>,
}

/// What the GUID of a row is made of that was there before the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuidFill {
    /// The primary key: nodes that have the same rows give them the same GUIDs.
    Key,
    /// Nothing: nodes that have the same rows give them different GUIDs.
    Random,
}

impl Guid {
    /// Whether Outrigger adds the column: its name begins with `ds_`. Any other name is that of a
    /// column of the application.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.column.starts_with(OWN_PREFIX)
    }
}

/// What a table's options say of it, and where; or what is wrong with that.
pub(super) fn guid(raw: &RawOptions) -> Result<Option<Guid>, (&'static str, Place)> {
    if raw.identity == RawIdentity::Key {
        return match (&raw.guid_column, raw.guid_fill) {
            (Some(column), _) => Err(("`guid_column` needs `identity: guid`", column.place)),
            (None, Some(_)) => Err(("`guid_fill` needs `identity: guid`", Place::START)),
            (None, None) => Ok(None),
        };
    }
    if let Some(column) = raw.key.first() {
        return Err(("either `key` or `identity: guid`, not both", column.place));
    }
    let column = raw.guid_column.as_ref().map_or(DEFAULT_COLUMN, |column| &column.text);
    if column.is_empty() {
        let place = raw.guid_column.as_ref().map_or(Place::START, |column| column.place);
        return Err(("`guid_column` is empty", place));
    }
    Ok(Some(Guid { column: column.to_owned(), fill: raw.guid_fill }))
}
