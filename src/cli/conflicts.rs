//! `outrigger conflicts`.

use std::process::ExitCode;

use serde::Serialize;

use super::args::{Conflicts, ConflictsAction, Format};
use super::console::{count, table};
use super::context::{Context, Loaded};
use super::live;
use crate::error::{Error, Result};
use crate::import::conflicts::{self, Decided};
use crate::model::NodeId;

pub(super) async fn run(args: Conflicts, context: &Context) -> Result<ExitCode> {
    let loaded = context.load()?;
    match args.action {
        ConflictsAction::List { node, limit, listing } => {
            list(context, &loaded, (node.as_deref(), limit), listing.format).await
        }
        ConflictsAction::Show { id, node, listing } => {
            show(context, &loaded, (&node, id), listing.format).await
        }
        ConflictsAction::Drop { id, up_to, node } => {
            let (first, last) = (id.unwrap_or(0), id.or(up_to).unwrap_or_default());
            forget(context, &loaded, &node, (first, last)).await
        }
    }
}

#[derive(Serialize)]
struct Listed {
    node: NodeId,
    #[serde(flatten)]
    conflict: Decided,
}

/// A conflict that was decided is nothing to be done about: the exit code is 0.
async fn list(
    context: &Context,
    loaded: &Loaded,
    (node, limit): (Option<&str>, usize),
    format: Format,
) -> Result<ExitCode> {
    let names: Vec<String> = node.map(str::to_owned).into_iter().collect();
    let mut listed = Vec::new();
    for node in live::nodes(loaded, &names)? {
        let (mut session, templates) = live::open(context, loaded, &node).await?;
        let found = conflicts::list(&mut *session, &templates, i64::MAX, limit)
            .await
            .map_err(|error| Error::import(&node, error))?;
        listed.extend(found.into_iter().map(|conflict| Listed { node: node.clone(), conflict }));
    }
    match format {
        Format::Json => context.console.json(&listed)?,
        Format::Text if listed.is_empty() => context.console.note("no conflict was decided"),
        Format::Text => {
            let rows: Vec<[String; 8]> = listed.iter().map(line).collect();
            let header = ["ID", "NODE", "TYPE", "TABLE", "KEY", "COLUMN", "STANDS", "LOST"];
            context.console.data(&format!("{}\n", table(header, &rows)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(listed: &Listed) -> [String; 8] {
    let Listed { node, conflict } = listed;
    let side = |origin: &Option<String>| origin.clone().unwrap_or_else(|| "here".to_owned());
    let local = side(&conflict.local_server_id);
    let incoming = side(&conflict.incoming_server_id);
    let (stands, lost) =
        if conflict.winner == "local" { (local, incoming) } else { (incoming, local) };
    [
        conflict.id.to_string(),
        node.to_string(),
        conflict.conflict_type.clone(),
        conflict.object_table.clone(),
        conflict.object_id.clone(),
        conflict.object_attribute.clone().unwrap_or_else(|| "-".to_owned()),
        stands,
        lost,
    ]
}

async fn show(
    context: &Context,
    loaded: &Loaded,
    (node, id): (&str, i64),
    format: Format,
) -> Result<ExitCode> {
    let node = live::node(loaded, node)?;
    let (mut session, templates) = live::open(context, loaded, &node).await?;
    let found = conflicts::list(&mut *session, &templates, id.saturating_add(1), 1)
        .await
        .map_err(|error| Error::import(&node, error))?;
    let Some(conflict) = found.into_iter().find(|conflict| conflict.id == id) else {
        return Err(Error::NoConflict { node, id });
    };
    context.console.lines(describe(conflict), format)?;
    Ok(ExitCode::SUCCESS)
}

fn describe(conflict: Decided) -> Vec<(&'static str, Option<String>)> {
    let number = |number: Option<i64>| number.map(|number| number.to_string());
    vec![
        ("conflict_type", Some(conflict.conflict_type)),
        ("object_table", Some(conflict.object_table)),
        ("object_id", Some(conflict.object_id)),
        ("object_attribute", conflict.object_attribute),
        ("winner", Some(conflict.winner)),
        ("decided_by", Some(conflict.decided_by)),
        ("local_server_id", conflict.local_server_id),
        ("local_datetime", conflict.local_datetime),
        ("local_source_id", number(conflict.local_source_id)),
        ("local_value", conflict.local_value),
        ("incoming_server_id", conflict.incoming_server_id),
        ("incoming_datetime", conflict.incoming_datetime),
        ("incoming_source_id", number(conflict.incoming_source_id)),
        ("incoming_value", conflict.incoming_value),
        ("inbox_id", number(Some(conflict.inbox_id))),
        ("route_id", number(Some(conflict.route_id))),
        ("decided_at", conflict.decided_at),
    ]
}

async fn forget(
    context: &Context,
    loaded: &Loaded,
    node: &str,
    (first, last): (i64, i64),
) -> Result<ExitCode> {
    let node = live::node(loaded, node)?;
    let (mut session, templates) = live::open(context, loaded, &node).await?;
    let forgotten = conflicts::forget(&mut *session, &templates, first, last)
        .await
        .map_err(|error| Error::import(&node, error))?;
    if forgotten == 0 {
        return Err(Error::NoConflict { node, id: last });
    }
    context.console.note(&format!("forgot {} of `{node}`", count(forgotten, "conflict")));
    Ok(ExitCode::SUCCESS)
}
