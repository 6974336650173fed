//! The column of GUIDs: what of it stands on a node, and what of its script is still to be run.
//!
//! A script may meet a column that stands: what is removed leaves it, another tool may have made
//! it, and where DDL cannot be rolled back an installation may have been interrupted.

use super::inspect::Live;
use super::verify::Finding;
use super::wanted::Wanted;
use crate::plan::TablePlan;
use crate::render::{Script, ScriptKind, first_words};

/// What of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// The column.
    pub(super) has_column: bool,
    /// A unique index over it alone.
    pub(super) is_unique: bool,
}

/// The plan of the table that a script of a column is for.
fn planned<'a>(wanted: &'a Wanted<'_>, script: &Script) -> Option<&'a TablePlan> {
    let ScriptKind::Guid(object_table) = &script.kind else { return None };
    wanted.plan.tables.iter().find(|table| table.object_table == *object_table)
}

/// The column that Outrigger adds to the table of a capture script.
pub(super) fn added_column<'a>(wanted: &'a Wanted<'_>, script: &Script) -> Option<&'a str> {
    let ScriptKind::Capture(object_table) = &script.kind else { return None };
    let table = wanted.plan.tables.iter().find(|table| table.object_table == *object_table)?;
    table.guid.as_ref().map(|guid| guid.column.name.as_str())
}

/// What stands of the column that a script adds; `None` for other scripts.
pub(super) fn standing(wanted: &Wanted<'_>, live: &Live, script: &Script) -> Option<Standing> {
    let table = planned(wanted, script)?;
    let column = &table.guid.as_ref()?.column.name;
    let found = live.table(table.namespace.as_deref(), &table.name);
    let is_over_it = |key: &Vec<String>| matches!(key.as_slice(), [one] if one == column);
    Some(Standing {
        has_column: found.is_some_and(|table| table.column(column).is_some()),
        is_unique: found.is_some_and(|table| table.unique_keys.iter().any(is_over_it)),
    })
}

/// The statements of a script without those that make what stands; the others may be run again.
pub(super) fn missing_statements(script: &Script, standing: Standing) -> Vec<String> {
    let is_missing = |statement: &&String| match first_words(statement).as_slice() {
        ["CREATE", "UNIQUE", "INDEX", ..] => !standing.is_unique,
        ["ALTER", "TABLE", ..] if adds_column(statement) => !standing.has_column,
        _ => true,
    };
    script.statements.iter().filter(is_missing).cloned().collect()
}

/// In the templates the words stand at the beginning of a line.
fn adds_column(statement: &str) -> bool {
    statement.lines().any(|line| line.trim_start().starts_with("ADD COLUMN "))
}

/// What of a column that is recorded as installed is gone.
pub(super) fn compare_guid(
    wanted: &Wanted<'_>,
    live: &Live,
    script: &Script,
    findings: &mut Vec<Finding>,
) {
    let (Some(table), Some(standing)) = (planned(wanted, script), standing(wanted, live, script))
    else {
        return;
    };
    let Some(guid) = &table.guid else { return };
    let what = match standing {
        Standing { has_column: true, is_unique: true } => return,
        Standing { has_column: true, is_unique: false } => "has no unique index any more",
        Standing { has_column: false, .. } => "is gone: changes of the table fail or are lost",
    };
    findings.push(Finding {
        id: "guid-missing",
        object: table.object_table.clone(),
        message: format!(
            "column `{}` of table `{}`, by which its rows are followed, {what}",
            guid.column.name, table.object_table
        ),
        remedy: "`outrigger apply` makes it again; a lost column gets other GUIDs, unless they are \
                 made of the key",
    });
}
