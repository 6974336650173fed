//! Which migrations are needed, and what each does and undoes.

use super::Error;
use super::lock::{Emitted, Lock};
use crate::plan::Plan;
use crate::render::{Script, ScriptKind, header};

/// Why there is a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The script is new.
    New,
    /// The script is not what was emitted last.
    Changed,
    /// The table is no longer followed.
    Dropped,
}

/// A script that has to change.
pub(super) struct Change<'a> {
    name: String,
    pub(super) reason: Reason,
    /// What shall stand afterwards; `None` when nothing shall.
    pub(super) script: Option<&'a Script>,
    before: Option<Emitted>,
}

/// One migration, in no tool's form yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Migration {
    pub(super) version: String,
    /// The script's name: `100_capture_sales_order`.
    pub(super) script: String,
    pub(super) header: String,
    pub(super) undo_header: String,
    pub(super) up: Vec<String>,
    pub(super) down: Vec<String>,
}

/// From what the lock has to what is wanted: in the order of installation, and then what is no
/// longer wanted, backward.
pub(super) fn changes<'a>(lock: &Lock, scripts: &'a [Script]) -> Result<Vec<Change<'a>>, Error> {
    let mut changes = Vec::new();
    for script in scripts {
        let before = lock.scripts.get(&script.name).cloned();
        let reason = match &before {
            None => Reason::New,
            Some(before) if before.checksum == script.checksum => continue,
            Some(before) if script.kind == ScriptKind::Control => {
                return Err(control_changed(&script.name, before));
            }
            Some(_) => Reason::Changed,
        };
        let name = script.name.clone();
        changes.push(Change { name, reason, script: Some(script), before });
    }
    let is_wanted = |name: &str| scripts.iter().any(|script| script.name == name);
    for (name, before) in lock.scripts.iter().rev().filter(|(name, _)| !is_wanted(name)) {
        if before.is_control {
            return Err(control_changed(name, before));
        }
        let before = Some(before.clone());
        changes.push(Change { name: name.clone(), reason: Reason::Dropped, script: None, before });
    }
    Ok(changes)
}

fn control_changed(script: &str, before: &Emitted) -> Error {
    Error::ControlChanged { script: script.to_owned(), version: before.version.clone() }
}

impl Migration {
    pub(super) fn of(change: &Change<'_>, version: String, plan: &Plan) -> Self {
        let nothing = Emitted {
            version: String::new(),
            checksum: String::new(),
            is_control: false,
            statements: Vec::new(),
            removal: Vec::new(),
        };
        let before = change.before.as_ref().unwrap_or(&nothing);
        let after = change.script.map_or(nothing.clone(), |script| Emitted::of(script, &version));
        let (does, undoes) = match change.reason {
            Reason::New => ("installs", "removes"),
            Reason::Changed => ("replaces", "restores"),
            Reason::Dropped => ("removes", "restores"),
        };
        Self {
            script: change.name.clone(),
            header: header(plan, &change.name, does),
            undo_header: header(plan, &change.name, undoes),
            up: replace(before, &after),
            down: replace(&after, before),
            version,
        }
    }

    /// `capture_sales_order`: the script's name without its number.
    pub(super) fn title(&self) -> &str {
        self.script.split_once('_').map_or(&self.script, |(_, title)| title)
    }
}

/// Statements that lead from one state to another. Those that install replace what has the same
/// names, so that capture pauses no longer than each takes; only what has no successor is removed.
fn replace(before: &Emitted, after: &Emitted) -> Vec<String> {
    let has_successor = |statement: &&String| !after.removal.contains(statement);
    let removed = before.removal.iter().filter(has_successor);
    removed.chain(&after.statements).cloned().collect()
}
