//! `outrigger quarantine`.

use std::process::ExitCode;

use serde::Serialize;

use super::args::{Format, Quarantine, QuarantineAction};
use super::console::{count, table};
use super::context::{Context, Loaded};
use super::{FOUND, live};
use crate::error::{Error, Result};
use crate::import::quarantine::{self, Quarantined};
use crate::model::{Change, NodeId};

pub(super) async fn run(args: Quarantine, context: &Context) -> Result<ExitCode> {
    let loaded = context.load()?;
    match args.action {
        QuarantineAction::List { node, listing } => {
            list(context, &loaded, node.as_deref(), listing.format).await
        }
        QuarantineAction::Show { id, node, listing } => {
            show(context, &loaded, &node, id, listing.format).await
        }
        QuarantineAction::Retry { id, node, .. } => retry(context, &loaded, &node, id).await,
        QuarantineAction::Drop { id, node } => drop_change(context, &loaded, &node, id).await,
    }
}

#[derive(Serialize)]
struct Listed {
    node: NodeId,
    #[serde(flatten)]
    change: Quarantined,
}

async fn list(
    context: &Context,
    loaded: &Loaded,
    node: Option<&str>,
    format: Format,
) -> Result<ExitCode> {
    let names: Vec<String> = node.map(str::to_owned).into_iter().collect();
    let mut listed = Vec::new();
    for node in live::nodes(loaded, &names)? {
        let (mut session, templates) = live::open(context, loaded, &node).await?;
        let found = quarantine::list(&mut *session, &templates)
            .await
            .map_err(|error| Error::import(&node, error))?;
        listed.extend(found.into_iter().map(|change| Listed { node: node.clone(), change }));
    }
    match format {
        Format::Json => context.console.json(&listed)?,
        Format::Text if listed.is_empty() => context.console.note("the quarantine is empty"),
        Format::Text => {
            let rows: Vec<[String; 8]> = listed.iter().map(line).collect();
            let header = ["ID", "NODE", "ORIGIN", "TABLE", "KEY", "OP", "CODE", "REASON"];
            context.console.data(&format!("{}\n", table(header, &rows)))?;
        }
    }
    Ok(if listed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn line(listed: &Listed) -> [String; 8] {
    let Listed { node, change } = listed;
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    [
        change.inbox_id.to_string(),
        node.to_string(),
        or_dash(&change.origin),
        or_dash(&change.object_table),
        or_dash(&change.object_id),
        or_dash(&change.object_operation),
        change.reason_code.clone(),
        change.reason.clone(),
    ]
}

async fn show(
    context: &Context,
    loaded: &Loaded,
    node: &str,
    id: i64,
    format: Format,
) -> Result<ExitCode> {
    let node = live::node(loaded, node)?;
    let (mut session, templates) = live::open(context, loaded, &node).await?;
    let failed = |error| Error::import(&node, error);
    let entries = quarantine::list(&mut *session, &templates).await.map_err(failed)?;
    let entry = entries.into_iter().find(|entry| entry.inbox_id == id);
    let change = quarantine::change(&mut *session, &templates, id).await.map_err(failed)?;
    let (Some(entry), Some(change)) = (entry, change) else {
        return Err(Error::NotQuarantined { node, id });
    };
    let lines = describe(&entry, &change);
    context.console.lines(lines, format)?;
    Ok(ExitCode::SUCCESS)
}

fn describe(entry: &Quarantined, change: &Change) -> Vec<(&'static str, Option<String>)> {
    vec![
        ("reason_code", Some(entry.reason_code.clone())),
        ("reason", Some(entry.reason.clone())),
        ("waits_for", entry.waits_for.map(|id| id.to_string())),
        ("attempts", Some(entry.attempts.to_string())),
        ("since", entry.since.clone()),
        ("route_id", Some(entry.route_id.to_string())),
        ("object_database", change.object_database.clone()),
        ("object_table", change.object_table.clone()),
        ("object_pk_attribute", change.object_pk_attribute.clone()),
        ("object_attribute", change.object_attribute.clone()),
        ("object_id", change.object_id.clone()),
        ("object_value", change.object_value.clone()),
        ("object_operation", change.object_operation.clone()),
        ("object_operation_command", change.object_operation_command.clone()),
        ("updated_by_server_id", change.updated_by_server_id.clone()),
        ("update_datetime", change.update_datetime.clone()),
        ("updated_by_user_id", change.updated_by_user_id.clone()),
        ("object_id_old", change.object_id_old.clone()),
        ("object_value_old", change.object_value_old.clone()),
        ("note1", change.note1.clone()),
        ("source_id", change.source_id.map(|id| id.to_string())),
        ("transaction_id", change.transaction_id.map(|id| id.to_string())),
        ("object_context", change.object_context.clone()),
    ]
}

/// Marks changes; the next import tries them.
async fn retry(
    context: &Context,
    loaded: &Loaded,
    node: &str,
    id: Option<i64>,
) -> Result<ExitCode> {
    let node = live::node(loaded, node)?;
    let (mut session, templates) = live::open(context, loaded, &node).await?;
    let failed = |error| Error::import(&node, error);
    let ids = if let Some(id) = id {
        vec![id]
    } else {
        let entries = quarantine::list(&mut *session, &templates).await.map_err(failed)?;
        entries.iter().map(|entry| entry.inbox_id).collect()
    };
    for id in &ids {
        if !quarantine::retry(&mut *session, &templates, *id).await.map_err(failed)? {
            return Err(Error::NotQuarantined { node: node.clone(), id: *id });
        }
    }
    let marked = count(ids.len(), "change");
    context.console.note(&format!("{marked} will be tried by the next import of `{node}`"));
    Ok(ExitCode::SUCCESS)
}

async fn drop_change(context: &Context, loaded: &Loaded, node: &str, id: i64) -> Result<ExitCode> {
    let node = live::node(loaded, node)?;
    let (mut session, templates) = live::open(context, loaded, &node).await?;
    let dropped = quarantine::drop_change(&mut *session, &templates, id)
        .await
        .map_err(|error| Error::import(&node, error))?;
    if !dropped {
        return Err(Error::NotQuarantined { node, id });
    }
    context.console.note(&format!("change {id} will never be imported on `{node}`"));
    Ok(ExitCode::SUCCESS)
}
