//! One line of the history: a script as it was installed, and the objects it made.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::HISTORY_TABLE;
use crate::dialect::Brand;
use crate::model::{Row, Table, Value};
use crate::outbox;
use crate::plan::hex;
use crate::render::{Object, Script, ScriptKind, objects};
use crate::schema::Trigger;

/// A script that is installed, as `ds_migration_history` keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The script's name.
    pub name: String,
    /// What it is for.
    pub kind: ScriptKind,
    /// [`Script::checksum`] at that time.
    pub checksum: String,
    /// The statements that remove it.
    pub removal: Vec<String>,
    /// Capture: the columns that the table had, each with its type.
    pub shape: Option<BTreeMap<String, String>>,
    /// Capture: SHA-256 of each trigger's definition as the database kept it; `None` where
    /// nobody has looked.
    pub triggers: Option<BTreeMap<String, String>>,
    /// Began and not finished; only where DDL cannot be rolled back.
    pub is_dirty: bool,
    /// The version that installed it.
    pub tool_version: String,
}

impl Installed {
    /// What will be recorded of a script.
    pub(super) fn new(script: &Script, shape: Option<BTreeMap<String, String>>) -> Self {
        Self {
            name: script.name.clone(),
            kind: script.kind.clone(),
            checksum: script.checksum.clone(),
            removal: script.removal.clone(),
            shape,
            triggers: None,
            is_dirty: false,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The followed table, for capture and its column.
    #[must_use]
    pub fn object_table(&self) -> Option<&str> {
        match &self.kind {
            ScriptKind::Guid(table) | ScriptKind::Capture(table) => Some(table),
            ScriptKind::Control | ScriptKind::View => None,
        }
    }

    /// Reads a row of the history.
    pub(super) fn read(row: &Row) -> Result<Self, outbox::Error> {
        let unreadable = |what: &str| outbox::Error::Unreadable {
            table: HISTORY_TABLE,
            found: format!("a row whose `{what}` has another form"),
        };
        let text = |column: &str| row.text(column).ok_or_else(|| unreadable(column));
        let map = |column: &'static str| {
            let read = |text: String| serde_json::from_str(&text).map_err(|_| unreadable(column));
            row.text(column).map(read).transpose()
        };
        let kind = match (text("kind")?.as_str(), row.text("object_table")) {
            ("control", _) => ScriptKind::Control,
            ("view", _) => ScriptKind::View,
            ("guid", Some(table)) => ScriptKind::Guid(table),
            ("capture", Some(table)) => ScriptKind::Capture(table),
            _ => return Err(unreadable("kind")),
        };
        Ok(Self {
            name: text("name")?,
            kind,
            checksum: text("checksum")?,
            removal: serde_json::from_str(&text("removal")?).map_err(|_| unreadable("removal"))?,
            shape: map("shape")?,
            triggers: map("installed")?,
            is_dirty: text("is_dirty")? != "N",
            tool_version: text("tool_version")?,
        })
    }

    /// What the statement `write_history` binds.
    pub(super) fn values(&self) -> Vec<(&'static str, Value)> {
        let kind = match self.kind {
            ScriptKind::Control => "control",
            ScriptKind::Guid(_) => "guid",
            ScriptKind::Capture(_) => "capture",
            ScriptKind::View => "view",
        };
        let map = |map: &Option<BTreeMap<String, String>>| {
            Value::from(map.as_ref().map(|map| serde_json::json!(map).to_string()))
        };
        vec![
            ("name", self.name.as_str().into()),
            ("kind", kind.into()),
            ("object_table", self.object_table().into()),
            ("checksum", self.checksum.as_str().into()),
            ("removal", Json::from(self.removal.clone()).to_string().into()),
            ("shape", map(&self.shape)),
            ("installed", map(&self.triggers)),
            ("is_dirty", if self.is_dirty { "Y" } else { "N" }.into()),
            ("tool_version", self.tool_version.as_str().into()),
        ]
    }

    /// The names of its triggers.
    pub(super) fn trigger_names(&self, brand: Brand) -> Vec<String> {
        let objects = objects(brand, &self.removal);
        objects.into_iter().filter(Object::is_trigger).map(|object| object.name).collect()
    }
}

/// The columns of a table, each with its type; without the one that Outrigger itself adds.
pub(super) fn shape(table: &Table, added: Option<&str>) -> BTreeMap<String, String> {
    let columns = table.columns.iter().filter(|column| Some(column.name.as_str()) != added);
    let columns = columns.map(|column| {
        let generated = if column.is_generated { " generated" } else { "" };
        (column.name.clone(), format!("{}{generated}", column.native_type))
    });
    columns.collect()
}

/// A trigger's definition, shortened.
pub(super) fn fingerprint(trigger: &Trigger) -> String {
    hex(&Sha256::digest(trigger.definition.as_bytes()))
}
