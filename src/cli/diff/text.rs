//! A comparison in words: what differs, in what order what is run, and why.

use std::fmt::Write as _;

use super::Report;
use crate::cli::console::count;
use crate::layout::{AFTER_NAME, BEFORE_NAME};
use crate::plan::{Difference, DifferenceKind, Hold};
use crate::render::{Step, StepAction};

/// The report of one dialect.
pub(super) fn text(report: &Report) -> String {
    let title = &report.dialect.dialect().title;
    if report.is_empty() {
        return format!("{title}: no difference\n");
    }
    let differing = report.differences.iter().filter(|one| !one.is_note()).count();
    let mut text = format!("{title}: {}\n", count(differing, "difference"));
    let mut table = "";
    for one in &report.differences {
        if one.table != table {
            table = &one.table;
            let _ = writeln!(text, "\ntable {table}");
        }
        let _ = writeln!(text, "  {}", what(one));
        for line in why(one, report) {
            let _ = writeln!(text, "    {line}");
        }
    }
    for script in &report.control_changed {
        let _ = writeln!(
            text,
            "\ncontrol table {script}\n  this version makes it in another way, and its rows \
             cannot be migrated: docs/trouble.md"
        );
    }
    unexplained(&mut text, report);
    order(&mut text, report);
    text
}

fn what(one: &Difference) -> String {
    use DifferenceKind as Kind;
    let column = one.column.as_deref().unwrap_or_default();
    let from = one.from.as_deref().unwrap_or_default();
    let to = one.to.as_deref().unwrap_or_default();
    match one.kind {
        Kind::TableAdded => format!("is new, {to}"),
        Kind::TableDropped => "is dropped".to_owned(),
        Kind::TableRenamed => format!("is renamed, from {from}"),
        Kind::TableFollowed => "is followed from now on".to_owned(),
        Kind::TableUnfollowed => "is no longer followed".to_owned(),
        Kind::KeyChanged => format!("the key changes, from ({from}) to ({to})"),
        Kind::ConstraintsChanged => "unique keys or foreign keys change".to_owned(),
        Kind::ColumnAdded => format!("column {column} is added, {to}"),
        Kind::ColumnDropped => format!("column {column} is dropped, {from}"),
        Kind::ColumnRenamed => format!("column {column} is renamed, from {from}"),
        Kind::TypeChanged | Kind::TypeAltered => {
            format!("column {column} changes its type, from {from} to {to}")
        }
        Kind::ColumnAltered => format!("column {column} changes, from {from} to {to}"),
        Kind::PolicyChanged => format!("column {column} changes its policy, from {from} to {to}"),
        Kind::MaybeColumnRenamed => format!(
            "note: {from} and {to} are of one type in one place; if it was renamed, say \
             --renamed {}.{from}={to}",
            one.old_table.as_deref().unwrap_or(&one.table)
        ),
        Kind::MaybeTableRenamed => {
            format!(
                "note: {from} had the same columns; if it was renamed, say --renamed {from}={to}"
            )
        }
    }
}

fn why(one: &Difference, report: &Report) -> Vec<String> {
    use DifferenceKind as Kind;
    let can = &report.dialect.dialect().can;
    let mut lines: Vec<&str> = match one.kind {
        Kind::TableAdded | Kind::TableFollowed => {
            vec!["after: its triggers are made; rows that are there before are not in the outbox"]
        }
        Kind::TableDropped => vec![
            "before: the view and the triggers of other tables stop naming it",
            "after: what is left of its own triggers is removed; they go with the table",
        ],
        Kind::TableRenamed if can.roll_back_ddl => vec![
            "before: its triggers are removed, since they would go along under the old name",
            "after: they are made under the new name",
            "let all routes drain first, and rename it on every node: what is on its way has the \
             old name",
        ],
        Kind::TableRenamed => vec![
            "after: triggers are made under the new name, and then the old ones removed; until \
             then they record under the old name",
            "let all routes drain first, and rename it on every node: what is on its way has the \
             old name",
        ],
        Kind::TableUnfollowed => vec!["after: its triggers are removed"],
        Kind::KeyChanged => vec![
            "after: triggers find rows by the new key",
            "let all routes drain first, and change it on every node: what is on its way names \
             rows by the old key",
        ],
        Kind::ColumnDropped => vec![
            "before: triggers and view stop naming it, so that neither stops your migration or a \
             write after it",
            "what is written to it from then on is not captured: the application stops using it \
             first",
        ],
        Kind::ColumnRenamed => vec![
            "before: triggers and view stop naming it under its old name",
            "after: triggers record it under its new name",
            "other nodes know it by its old name: its changes wait there until they have renamed \
             it too",
        ],
        Kind::TypeChanged => vec![
            "after: triggers write the text of the new type",
            "every other node has to hold such values before",
        ],
        Kind::TypeAltered => vec!["the text of its values stays the same"],
        Kind::PolicyChanged => vec!["after: triggers record it in the new way"],
        Kind::ColumnAdded
        | Kind::ConstraintsChanged
        | Kind::ColumnAltered
        | Kind::MaybeColumnRenamed
        | Kind::MaybeTableRenamed => Vec::new(),
    };
    if one.kind == Kind::ColumnAdded {
        return added(one);
    }
    if one.is_alteration() && !can.alter_columns {
        lines.push(
            "after: its triggers are made again: they go with the old table, since this brand \
             makes it anew for such a change",
        );
    }
    lines.into_iter().map(str::to_owned).collect()
}

/// What a new column means for the rows that are there, and for nodes that lack it.
fn added(one: &Difference) -> Vec<String> {
    let mut lines = vec![
        "after: triggers record it; run that before the application writes the column".to_owned(),
    ];
    lines.push(match (&one.default, one.is_nullable) {
        (Some(default), _) => format!(
            "adding it writes no outbox rows: each node fills in its own default, so that it has \
             to be {default} on all"
        ),
        (None, Some(false)) => "adding it writes no outbox rows; without a default, inserts of \
                                nodes that lack it wait in quarantine"
            .to_owned(),
        (None, _) => "adding it writes no outbox rows: it is NULL in the rows that are there, on \
                      every node"
            .to_owned(),
    });
    lines
}

/// Scripts that change though nothing of their table differs.
fn unexplained(text: &mut String, report: &Report) {
    let is_explained = |step: &&Step| match &step.object_table {
        Some(table) => report
            .differences
            .iter()
            .any(|one| one.table == *table || one.old_table.as_ref() == Some(table)),
        None => !report.differences.is_empty(),
    };
    let mut names: Vec<&str> = Vec::new();
    for step in report.before.iter().chain(&report.after).filter(|step| !is_explained(step)) {
        if !names.contains(&step.script.as_str()) {
            names.push(&step.script);
        }
    }
    if !names.is_empty() {
        let _ = writeln!(
            text,
            "\nother SQL, by the configuration, a table that is referred to, or this version of \
             outrigger\n  {}",
            names.join(", ")
        );
    }
}

fn order(text: &mut String, report: &Report) {
    text.push_str("\norder\n");
    let mut number = 0;
    let mut line = |name: &str, what: &str| {
        number += 1;
        let _ = writeln!(text, "  {number}. {name:<14} {what}");
    };
    if !report.before.is_empty() {
        line(BEFORE_NAME, &listed(&report.before));
    }
    line("your migration", "the application's own DDL, and nothing of it in our files");
    if !report.after.is_empty() {
        line(AFTER_NAME, &listed(&report.after));
    }
    let title = &report.dialect.dialect().title;
    let _ = match report.hold {
        Hold::Nothing => writeln!(
            text,
            "  no transaction of {title} holds DDL, and none is needed: each write is captured \
             and none fails"
        ),
        Hold::May => writeln!(
            text,
            "  one transaction of {title} can hold all of it; apart, each file is run in one of \
             its own"
        ),
        Hold::Must => writeln!(
            text,
            "  one transaction of {title} has to hold all of it: in between triggers and table \
             do not fit together"
        ),
        Hold::Rest => writeln!(
            text,
            "  the application has to rest from the first to the last: in between triggers and \
             table do not fit together, and {title} has no transaction that could hold it"
        ),
    };
}

fn listed(steps: &[Step]) -> String {
    let mut parts = Vec::new();
    for (action, word) in [
        (StepAction::Installs, "installs"),
        (StepAction::Replaces, "replaces"),
        (StepAction::Removes, "removes"),
    ] {
        let names: Vec<&str> = steps
            .iter()
            .filter(|step| step.action == action)
            .map(|step| step.script.as_str())
            .collect();
        if !names.is_empty() {
            parts.push(format!("{word} {}", names.join(", ")));
        }
    }
    parts.join("; ")
}
