//! `outrigger purge`.

use std::process::ExitCode;

use super::args::{Format, Purge};
use super::console::{count, table};
use super::context::Context;
use super::{FAILED, FOUND, live};
use crate::error::{Error, Result};
use crate::runner::{self, NodePurge, PurgeReport, Runner, Tally};

pub(super) async fn run(args: Purge, context: &Context) -> Result<ExitCode> {
    let (mut runner, loaded) = live::runner(context).await?;
    if let Some(route) = args.admit {
        return admit(runner, route, context).await;
    }
    let wanted = runner::Purge {
        nodes: live::nodes(&loaded, &args.nodes)?,
        forgotten_routes: args.forget.into_iter().collect(),
        is_dry_run: args.dry_run,
    };
    let report = runner.purge(&wanted).await.map_err(Error::from);
    runner.close().await;
    let report = report?;
    match args.listing.format {
        Format::Json => context.console.json(&report)?,
        Format::Text => context.console.data(&text(&report))?,
    }
    for (node, error) in report.nodes.iter().filter_map(|n| Some((&n.node, n.error.as_ref()?))) {
        context.console.note(&format!("error: node `{node}` was not purged: {error}"));
    }
    context.console.note(&summary(&report));
    let is_held =
        report.nodes.iter().any(|node| tallies(node).iter().any(|t| !t.1.held.is_empty()));
    Ok(if report.nodes.iter().any(|node| node.error.is_some()) {
        ExitCode::from(FAILED)
    } else if is_held {
        ExitCode::from(FOUND)
    } else {
        ExitCode::SUCCESS
    })
}

async fn admit(mut runner: Runner, route: i64, context: &Context) -> Result<ExitCode> {
    let route = live::routes(&runner, &[route])?.remove(0);
    let done = runner.admit(&route).await.map_err(Error::from);
    runner.close().await;
    let ends = format!("route {} ({} to {})", route.id, route.from, route.to);
    let what = if done? { "goes on without what was deleted" } else { "lacks nothing" };
    context.console.note(&format!("{ends} {what}"));
    Ok(ExitCode::SUCCESS)
}

fn tallies(node: &NodePurge) -> [(&'static str, &Tally); 3] {
    [("outbox", &node.outbox), ("inbox", &node.inbox), ("deletes", &node.tombstones)]
}

/// One line for each table, and one for each thing that holds some of it back.
fn text(report: &PurgeReport) -> String {
    let mut rows = Vec::new();
    for node in &report.nodes {
        for (name, tally) in tallies(node) {
            let dash = || "-".to_owned();
            let mut first = Some(tally.deleted.to_string());
            let mut line = |held: String, since: String, by: String| {
                let deleted = first.take().unwrap_or_default();
                rows.push([node.node.to_string(), name.to_owned(), deleted, held, since, by]);
            };
            for hold in &tally.held {
                let since = hold.since.clone().unwrap_or_else(dash);
                line(hold.rows.to_string(), since, hold.by.clone());
            }
            if tally.held.is_empty() {
                line("0".to_owned(), dash(), dash());
            }
        }
    }
    format!("{}\n", table(["NODE", "TABLE", "DELETED", "HELD", "SINCE", "BY"], &rows))
}

fn summary(report: &PurgeReport) -> String {
    let sum = |part: fn(&NodePurge) -> u64| report.nodes.iter().map(part).sum::<u64>();
    let changes = count(sum(|node| node.outbox.deleted + node.inbox.deleted), "change");
    let deletes = count(sum(|node| node.tombstones.deleted), "deleted row");
    if report.is_dry_run {
        format!("would delete {changes} and forget {deletes} (nothing was written)")
    } else {
        format!("deleted {changes} and forgot {deletes}")
    }
}
