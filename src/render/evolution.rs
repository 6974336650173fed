//! The scripts that lead from one schema to the next, before and after the application's own DDL.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Error, Script, ScriptKind, Templates, scripts};
use crate::plan::{Evolution, Plan, TablePlan};

/// What stands of a script on the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// [`Script::checksum`] of what was installed.
    pub checksum: String,
    /// Capture: the followed table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_table: Option<String>,
    /// Whether it makes control tables, which hold rows.
    pub is_control: bool,
    /// What removes it.
    pub removal: Vec<String>,
}

/// What stands, by the scripts' names.
pub type Stand = BTreeMap<String, Standing>;

/// What happens to a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepAction {
    /// It is new there.
    Installs,
    /// Another version of it is there, which is replaced.
    Replaces,
    /// It goes.
    Removes,
}

/// One script that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The script's name.
    pub script: String,
    /// Capture: the followed table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_table: Option<String>,
    /// What happens to it.
    pub action: StepAction,
    /// One statement each.
    pub statements: Vec<String>,
}

/// What is run on the nodes of one brand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// Before the application's DDL.
    pub before: Vec<Step>,
    /// After it.
    pub after: Vec<Step>,
    /// Control tables that this version makes in another way than those that are there; their
    /// rows cannot be migrated.
    pub refused: Vec<String>,
}

impl Standing {
    /// A script that is installed.
    #[must_use]
    pub fn of(script: &Script) -> Self {
        let object_table = match &script.kind {
            ScriptKind::Capture(table) | ScriptKind::Guid(table) => Some(table.clone()),
            ScriptKind::Control | ScriptKind::View => None,
        };
        Self {
            checksum: script.checksum.clone(),
            object_table,
            is_control: script.kind == ScriptKind::Control,
            removal: script.removal.clone(),
        }
    }
}

/// What is run between two schemas; `stand` is what is installed, without it what the old schema
/// makes.
///
/// # Errors
/// When a template cannot be filled.
pub fn steps(
    evolution: &Evolution,
    stand: Option<&Stand>,
    templates: &Templates,
) -> Result<Steps, Error> {
    let new = scripts(&evolution.new, templates)?;
    let mut now = match stand {
        Some(stand) => stand.clone(),
        None => standing(&scripts(&evolution.old, templates)?),
    };
    let mut steps = Steps { refused: refused(&now, &new), ..Steps::default() };
    let controls = controls(&now, &new);
    before(evolution, &mut now, templates, &mut steps.before)?;
    let after = after(evolution, &now, &new);
    // What the triggers write to has to be there first, whichever file that is.
    if steps.before.is_empty() {
        steps.after = controls;
    } else {
        steps.before.splice(0..0, controls);
    }
    steps.after.extend(after);
    Ok(steps)
}

/// Scripts as they stand when they are installed.
#[must_use]
pub fn standing(scripts: &[Script]) -> Stand {
    scripts.iter().map(|script| (script.name.clone(), Standing::of(script))).collect()
}

fn refused(now: &Stand, new: &[Script]) -> Vec<String> {
    let is_other = |script: &&Script| {
        script.kind == ScriptKind::Control
            && now.get(&script.name).is_some_and(|one| one.checksum != script.checksum)
    };
    new.iter().filter(is_other).map(|script| script.name.clone()).collect()
}

fn controls(now: &Stand, new: &[Script]) -> Vec<Step> {
    let is_missing =
        |script: &&Script| script.kind == ScriptKind::Control && !now.contains_key(&script.name);
    new.iter().filter(is_missing).map(|script| step(script, None)).collect()
}

/// Everything that names what goes; `now` is what stands then.
fn before(
    evolution: &Evolution,
    now: &mut Stand,
    templates: &Templates,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    let Evolution { between, leaving, viewed, .. } = evolution;
    let only = |names: &BTreeSet<String>| {
        let mut plan: Plan = between.clone();
        plan.tables.retain(|table: &TablePlan| names.contains(&table.object_table));
        plan
    };
    // The view first: it may depend on what the triggers only mention.
    let mut replacements = Vec::new();
    if evolution.view_leaves {
        let of_view = scripts(&only(viewed), templates)?;
        replacements.extend(of_view.into_iter().filter(|script| script.kind == ScriptKind::View));
    }
    let of_tables = scripts(&only(leaving), templates)?;
    let is_capture = |script: &Script| matches!(script.kind, ScriptKind::Capture(_));
    replacements.extend(of_tables.into_iter().filter(is_capture));
    for script in replacements {
        // What is not there yet comes afterwards.
        let Some(standing) = now.get(&script.name) else { continue };
        if standing.checksum != script.checksum {
            steps.push(step(&script, Some(standing)));
            now.insert(script.name.clone(), Standing::of(&script));
        }
    }
    let is_removed = |one: &Standing| {
        one.object_table.as_ref().is_some_and(|table| evolution.removed.contains(table))
    };
    let names: Vec<String> =
        now.iter().filter(|(_, one)| is_removed(one)).map(|(name, _)| name.clone()).collect();
    for name in names {
        let standing = now.remove(&name).filter(|one| !one.removal.is_empty());
        steps.extend(standing.map(|standing| removal(name, standing)));
    }
    Ok(())
}

/// What comes, and then what is left of what went.
fn after(evolution: &Evolution, now: &Stand, new: &[Script]) -> Vec<Step> {
    let mut steps = Vec::new();
    for script in new.iter().filter(|script| script.kind != ScriptKind::Control) {
        let standing = now.get(&script.name);
        // A column of GUIDs is made once: it stays as it is, whatever its rows were filled by.
        if matches!(script.kind, ScriptKind::Guid(_)) && standing.is_some() {
            continue;
        }
        let is_rebuilt = matches!(&script.kind, ScriptKind::Capture(table)
            if evolution.rebuilt.contains(table));
        if is_rebuilt || standing.is_none_or(|one| one.checksum != script.checksum) {
            steps.push(step(script, standing));
        }
    }
    let is_wanted = |name: &str| new.iter().any(|script| script.name == name);
    let is_gone = |(name, one): &(&String, &Standing)| {
        !one.is_control && !one.removal.is_empty() && !is_wanted(name)
    };
    let gone = now.iter().filter(is_gone);
    steps.extend(gone.map(|(name, one)| removal(name.clone(), one.clone())));
    steps
}

/// Installs a script over what stands of it. What has no successor is removed; the rest replaces
/// what has the same name, so that capture does not pause.
fn step(script: &Script, standing: Option<&Standing>) -> Step {
    let old = standing.map(|one| one.removal.as_slice()).unwrap_or_default();
    let removed = old.iter().filter(|statement| !script.removal.contains(statement));
    let action = if standing.is_some() { StepAction::Replaces } else { StepAction::Installs };
    Step {
        script: script.name.clone(),
        object_table: Standing::of(script).object_table,
        action,
        statements: removed.chain(&script.statements).cloned().collect(),
    }
}

fn removal(script: String, standing: Standing) -> Step {
    Step {
        script,
        object_table: standing.object_table,
        action: StepAction::Removes,
        statements: standing.removal,
    }
}
