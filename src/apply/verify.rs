//! How a node differs from what was installed there, and from what should be.

use std::collections::BTreeMap;

use serde::Serialize;

use super::guid::{added_column, compare_guid};
use super::history::{Installed, fingerprint, shape};
use super::inspect::{Live, observe};
use super::prepare::{captured_table, makes_history};
use super::statements::Statements;
use super::wanted::Wanted;
use super::{Error, PROGRAM_TABLE};
use crate::db::Session;
use crate::model::Table;
use crate::render::{Script, ScriptKind, objects};

/// The ids of all findings, sorted; `docs/drift.md` describes them.
pub const IDS: [&str; 17] = [
    "column-dropped",
    "column-leaving",
    "dirty",
    "guid-missing",
    "installed-elsewhere",
    "missing-object",
    "not-installed",
    "obsolete",
    "outdated",
    "program-missing",
    "program-unknown",
    "table-changed",
    "table-missing",
    "trigger-changed",
    "trigger-disabled",
    "trigger-missing",
    "wrong-node",
];

/// Of these, the ones that say how things are, and are no difference.
pub const NOTE_IDS: [&str; 3] = ["column-dropped", "column-leaving", "installed-elsewhere"];

/// A difference, or a note.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What kind of difference, one of [`IDS`]; stable.
    pub id: &'static str,
    /// The script, table, trigger, program or node that it is about.
    pub object: String,
    /// The difference.
    pub message: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Finding {
    /// Whether it is no difference, and only says how far a change of the schema is, or who
    /// installed.
    #[must_use]
    pub fn is_note(&self) -> bool {
        NOTE_IDS.contains(&self.id)
    }
}

/// `outrigger apply` mends it.
const APPLY: &str = "`outrigger apply` installs what is wanted";

/// The same, where another tool runs the files.
const OTHER_TOOL: &str = "let the tool that installed it run the generated file again";

/// Compares a node with what is wanted there. Nothing is changed.
///
/// # Errors
/// When the database refuses.
pub async fn verify(
    session: &mut dyn Session,
    statements: &Statements,
    wanted: &Wanted<'_>,
) -> Result<Vec<Finding>, Error> {
    let live = observe(session, statements, &wanted.scripts).await?;
    Ok(compare(wanted, &live))
}

/// The differences between what is wanted and what is there, in the order of the scripts.
#[must_use]
pub fn compare(wanted: &Wanted<'_>, live: &Live) -> Vec<Finding> {
    let mut findings = Vec::new();
    compare_node(wanted, live, &mut findings);
    if is_installed_elsewhere(wanted, live) {
        compare_elsewhere(wanted, live, &mut findings);
        return findings;
    }
    if live.history.is_empty() {
        findings.push(Finding {
            id: "not-installed",
            object: wanted.node.to_string(),
            message: format!("nothing was installed on `{}` by `outrigger apply`", wanted.node),
            remedy: APPLY,
        });
        return findings;
    }
    for script in &wanted.scripts {
        compare_script(wanted, live, script, &mut findings);
    }
    let is_wanted = |name: &str| wanted.scripts.iter().any(|script| script.name == name);
    for installed in live.history.iter().filter(|installed| !is_wanted(&installed.name)) {
        findings.push(Finding {
            id: "obsolete",
            object: installed.name.clone(),
            message: format!("`{}` is installed and no longer configured", installed.name),
            remedy: "`outrigger apply` removes it if its table is `skip`, else `--allow-drop` does",
        });
    }
    compare_programs(wanted, live, &mut findings);
    findings
}

/// Whether what is wanted stands there, or a part of it, and `outrigger apply` did not make it.
#[must_use]
pub fn is_installed_elsewhere(wanted: &Wanted<'_>, live: &Live) -> bool {
    let is_there = |script: &Script| {
        let mut made = objects(live.brand, &script.removal).into_iter();
        made.any(|object| live.objects.contains(&object))
    };
    live.history.is_empty() && wanted.scripts.iter().any(is_there)
}

/// What is wanted and missing where another tool has installed: nothing says what it ran, so that
/// objects are looked for by their names.
fn compare_elsewhere(wanted: &Wanted<'_>, live: &Live, findings: &mut Vec<Finding>) {
    findings.push(Finding {
        id: "installed-elsewhere",
        object: wanted.node.to_string(),
        message: format!(
            "`{}` was not installed by `outrigger apply`: whether all is there is looked at, and \
             not whether triggers are as they were generated",
            wanted.node
        ),
        remedy: "`outrigger generate --check` and the tool's own status say what it has run",
    });
    let from = findings.len();
    for script in &wanted.scripts {
        compare_installed(wanted, live, script, &Installed::new(script, None), findings);
    }
    for finding in &mut findings[from..] {
        if finding.remedy == APPLY {
            finding.remedy = OTHER_TOOL;
        }
    }
}

fn compare_node(wanted: &Wanted<'_>, live: &Live, findings: &mut Vec<Finding>) {
    let message = match &live.node {
        Some(found) if *found != wanted.node => {
            format!("this database is node `{found}`, not `{}`", wanted.node)
        }
        None if live.owns("table", super::NODE_TABLE) => {
            format!("this database does not say that it is node `{}`", wanted.node)
        }
        _ => return,
    };
    findings.push(Finding {
        id: "wrong-node",
        object: wanted.node.to_string(),
        message,
        remedy: "check the node's URL; a node without an id gets it from `outrigger apply`, and \
                 from `UPDATE ds_node SET node_id = …` where another tool installs",
    });
}

fn compare_script(wanted: &Wanted<'_>, live: &Live, script: &Script, findings: &mut Vec<Finding>) {
    let name = &script.name;
    if let Some(installed) = live.installed(name) {
        return compare_installed(wanted, live, script, installed, findings);
    }
    // Where another tool made the history, it is not listed in itself.
    if !makes_history(script, live.brand) {
        let message = format!("`{name}` is not installed");
        findings.push(Finding {
            id: "not-installed",
            object: name.clone(),
            message,
            remedy: APPLY,
        });
    }
}

fn compare_installed(
    wanted: &Wanted<'_>,
    live: &Live,
    script: &Script,
    installed: &Installed,
    findings: &mut Vec<Finding>,
) {
    let name = &script.name;
    let mut find = |id, object: &str, message: String, remedy| {
        findings.push(Finding { id, object: object.to_owned(), message, remedy });
    };
    if installed.is_dirty {
        let remedy = "`outrigger apply` removes what stands of it and installs it again";
        find("dirty", name, format!("the installation of `{name}` was interrupted"), remedy);
        return;
    }
    if installed.checksum != script.checksum {
        let by = &installed.tool_version;
        let message = format!("`{name}`, installed by outrigger {by}, is no longer what is wanted");
        find("outdated", name, message, APPLY);
    }
    for object in objects(live.brand, &installed.removal) {
        if !object.is_trigger() && !live.objects.contains(&object) {
            find("missing-object", &object.name, format!("{object} of `{name}` is gone"), APPLY);
        }
    }
    if let ScriptKind::Guid(_) = script.kind {
        return compare_guid(wanted, live, script, findings);
    }
    let Some(object_table) = installed.object_table() else { return };
    let table = captured_table(wanted, live, script);
    let Some(table) = table else {
        let remedy = "bring it back, or `skip` it in the configuration";
        let message = format!("table `{object_table}` is followed and does not exist");
        find("table-missing", object_table, message, remedy);
        return;
    };
    let now = shape(table, added_column(wanted, script));
    compare_table(object_table, &now, installed, findings);
    compare_dropped(wanted, object_table, table, findings);
    compare_triggers(table, live, installed, findings);
}

/// Columns added, dropped or retyped since the triggers were made.
fn compare_table(
    object_table: &str,
    now: &BTreeMap<String, String>,
    installed: &Installed,
    findings: &mut Vec<Finding>,
) {
    let Some(before) = &installed.shape else { return };
    let mut changes = Vec::new();
    let only_in = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        let missing = one.keys().filter(|name| !other.contains_key(*name));
        missing.map(|name| format!("`{name}`")).collect::<Vec<_>>()
    };
    changes.extend(only_in(now, before).iter().map(|name| format!("has the new column {name}")));
    changes.extend(only_in(before, now).iter().map(|name| format!("has lost the column {name}")));
    for (name, now) in now {
        if let Some(before) = before.get(name).filter(|before| *before != now) {
            changes.push(format!("has column `{name}` as `{now}`, which was `{before}`"));
        }
    }
    if !changes.is_empty() {
        findings.push(Finding {
            id: "table-changed",
            object: object_table.to_owned(),
            message: format!("table `{object_table}` {}", changes.join(", ")),
            remedy: "bring the schema that the configuration names up to date, then \
                     `outrigger apply`",
        });
    }
}

/// Columns that are `dropped` in the configuration: still there, or gone already.
fn compare_dropped(
    wanted: &Wanted<'_>,
    object_table: &str,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    for name in wanted.dropped(object_table) {
        let is_there = table.column(name).is_some();
        let (id, what, remedy) = if is_there {
            (
                "column-leaving",
                "is `dropped` and still there: nothing of it is captured",
                "drop it when no application writes it any more; take `dropped` back if it stays",
            )
        } else {
            (
                "column-dropped",
                "is `dropped` and gone: changes that still name it are imported without it",
                "take the column out of the schema, and `dropped` out of the configuration when \
                 no outbox or inbox has changes from before",
            )
        };
        let message = format!("column `{name}` of table `{object_table}` {what}");
        findings.push(Finding { id, object: format!("{object_table}.{name}"), message, remedy });
    }
}

fn compare_triggers(
    table: &Table,
    live: &Live,
    installed: &Installed,
    findings: &mut Vec<Finding>,
) {
    for name in installed.trigger_names(live.brand) {
        let mut find = |id, what: &str| {
            let message = format!("trigger `{name}` on table `{}` {what}", table.name);
            findings.push(Finding { id, object: name.clone(), message, remedy: APPLY });
        };
        let Some(trigger) = live.trigger(&name, Some(table)) else {
            find("trigger-missing", "is gone: changes are not captured");
            continue;
        };
        if !trigger.is_enabled {
            find("trigger-disabled", "is disabled: changes are not captured");
        }
        let known = installed.triggers.as_ref().and_then(|known| known.get(&name));
        if known.is_some_and(|known| *known != fingerprint(trigger)) {
            find("trigger-changed", "is not as it was installed");
        }
    }
}

fn compare_programs(wanted: &Wanted<'_>, live: &Live, findings: &mut Vec<Finding>) {
    if !live.owns("table", PROGRAM_TABLE) {
        return;
    }
    for program in &wanted.programs {
        if !live.programs.iter().any(|known| known.id == program.id) {
            findings.push(Finding {
                id: "program-missing",
                object: program.id.to_string(),
                message: format!("program `{}` is not known: {}", program.id, program.description),
                remedy: APPLY,
            });
        }
    }
    for known in &live.programs {
        if !wanted.programs.iter().any(|program| program.id == known.id) {
            findings.push(Finding {
                id: "program-unknown",
                object: known.id.to_string(),
                message: format!(
                    "program `{}` ({}, from `{}` to `{}`) is no route of the configuration",
                    known.id, known.programtype, known.fromserver, known.toserver
                ),
                remedy: "it is left as it is; delete its row when the route is gone for good",
            });
        }
    }
}
