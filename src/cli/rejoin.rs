//! `outrigger rejoin`.

use std::process::ExitCode;

use super::FOUND;
use super::args::{Format, Rejoin};
use super::console::count;
use super::context::Context;
use super::live;
use crate::error::{Error, Result};
use crate::model::NodeId;
use crate::runner::{self, Rejoined};

pub(super) async fn run(args: Rejoin, context: &Context) -> Result<ExitCode> {
    let (mut runner, loaded) = live::runner(context).await?;
    let without = args.without.iter().map(|name| live::node(&loaded, name));
    let wanted = runner::Rejoin {
        node: live::node(&loaded, &args.node)?,
        without: without.collect::<Result<_>>()?,
        is_replacement: args.replaced,
        is_dry_run: args.dry_run,
    };
    let done = runner.rejoin(&wanted).await.map_err(Error::from);
    runner.close().await;
    let done = done?;
    match args.listing.format {
        Format::Json => context.console.json(&done)?,
        Format::Text => context.console.data(&text(&done))?,
    }
    context.console.note(&summary(&done));
    let is_whole = done.quarantined == 0 && done.purged.is_empty();
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn text(done: &Rejoined) -> String {
    let Some(reason) = &done.reason else { return String::new() };
    let changes = |number: usize| count(number as u64, "change");
    let mut lines = vec![
        ("node", done.node.clone()),
        ("reason", reason.clone()),
        ("asked", names(&done.asked)),
        ("left out", names(&done.without)),
        ("brought back", changes(done.brought_back)),
        ("in quarantine", count(done.quarantined, "change")),
        ("given new ids", changes(done.moved)),
        ("epoch", done.epoch.to_string()),
        ("ids go on after", done.first_id.to_string()),
        ("stamps go on from", done.stamp_floor.clone().unwrap_or_else(|| "-".to_owned())),
    ];
    for purged in &done.purged {
        let lack = format!(
            "node {} has no changes of {} before {}, and this one has them up to {}",
            purged.node, purged.origin, purged.first_id, purged.carried_id
        );
        lines.push(("lacking", lack));
    }
    let mut text = String::new();
    for (name, value) in lines {
        text.push_str(&format!("{name:<19}{value}\n"));
    }
    text
}

fn names(nodes: &[NodeId]) -> String {
    let names: Vec<&str> = nodes.iter().map(NodeId::as_str).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

fn summary(done: &Rejoined) -> String {
    let node = &done.node;
    match (&done.reason, done.is_dry_run) {
        (None, _) => format!("{node}: nothing to do, the others know it as it is"),
        (Some(_), true) => format!("{node}: would rejoin (nothing was written)"),
        (Some(_), false) => format!("{node}: rejoined; the next transport carries both ways"),
    }
}
