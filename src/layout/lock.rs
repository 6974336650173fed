//! `outrigger.lock.json`: which migration made each script last, and with which statements.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::unit::{Change, Migration};
use super::{Error, Folder, Layout, MigrationFile};
use crate::render::Script;

/// The name of the file.
const LOCK_NAME: &str = "outrigger.lock.json";

/// What stands when all migrations of a folder are applied.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lock {
    /// The layout of the folder.
    layout: String,
    /// By the script's name.
    pub(super) scripts: BTreeMap<String, Emitted>,
}

/// A script as it was last emitted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Emitted {
    /// The version of the migration.
    pub(super) version: String,
    /// The script's checksum.
    pub(super) checksum: String,
    /// Whether it is a control table's.
    pub(super) is_control: bool,
    /// What installed it.
    pub(super) statements: Vec<String>,
    /// What removes it.
    pub(super) removal: Vec<String>,
}

impl Emitted {
    pub(super) fn of(script: &Script, version: &str) -> Self {
        Self {
            version: version.to_owned(),
            checksum: script.checksum.clone(),
            is_control: script.kind == crate::render::ScriptKind::Control,
            statements: script.statements.clone(),
            removal: script.removal.clone(),
        }
    }
}

impl Lock {
    /// What the folder says; one without a lock has no migrations of ours.
    pub(super) fn read(folder: &Folder, layout: Layout) -> Result<Self, Error> {
        let Some(bytes) = folder.get(LOCK_NAME) else {
            if folder.contains_key(super::SUM_NAME) {
                let reason = format!("is missing, and `{}` is there", super::SUM_NAME);
                return Err(Error::Broken { path: LOCK_NAME.to_owned(), reason });
            }
            return Ok(Self { layout: layout.name().to_owned(), scripts: BTreeMap::new() });
        };
        let lock: Self = serde_json::from_slice(bytes).map_err(|error| Error::Broken {
            path: format!("{LOCK_NAME}:{}:{}", error.line(), error.column()),
            reason: "is not what was written".to_owned(),
        })?;
        if lock.layout != layout.name() {
            return Err(Error::OtherLayout { found: lock.layout, wanted: layout });
        }
        Ok(lock)
    }

    /// After a migration.
    pub(super) fn note(&mut self, change: &Change<'_>, migration: &Migration) {
        let name = migration.script.clone();
        match change.script {
            Some(script) => self.scripts.insert(name, Emitted::of(script, &migration.version)),
            None => self.scripts.remove(&name),
        };
    }

    /// As it is written.
    pub(super) fn file(&self) -> MigrationFile {
        let text = serde_json::to_string_pretty(self).expect("texts and maps of texts serialize");
        MigrationFile { path: LOCK_NAME.to_owned(), text: text + "\n" }
    }
}
