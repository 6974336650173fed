//! `outrigger transport`.

use std::process::ExitCode;

use super::FAILED;
use super::args::Transport;
use super::console::Console;
use super::context::Context;
use super::live;
use super::progress::Progress;
use crate::error::{Error, Result};
use crate::plan::RoutePlan;
use crate::runner::Runner;
use crate::transport::Outcome;

pub(super) async fn run(args: Transport, context: &Context) -> Result<ExitCode> {
    let (mut runner, _) = live::runner(context).await?;
    let mut code = ExitCode::SUCCESS;
    for route in live::routes(&runner, &args.routes)? {
        let progress = Progress::new_unbounded(context.console, &format!("route {}", route.id));
        let result = runner.transport(&route, &mut |rows| progress.set(rows)).await;
        drop(progress);
        let ends = format!("route {} ({} to {})", route.id, route.from, route.to);
        match result {
            Ok(outcome) => {
                context.console.data(&format!("{ends}: {}\n", summary(&outcome)))?;
                note_skew(&mut runner, &route, &outcome, context.console);
            }
            Err(error) => {
                // The other routes do not wait for this one.
                context.console.error(&Error::from(error));
                code = ExitCode::from(FAILED);
            }
        }
    }
    runner.close().await;
    Ok(code)
}

/// Says once that clocks differ, and once that they no longer do.
pub(super) fn note_skew(
    runner: &mut Runner,
    route: &RoutePlan,
    outcome: &Outcome,
    console: Console,
) {
    if let Some(note) = runner.skew_note(route, outcome) {
        console.note(&format!("warning: route {}: {note}", route.id));
    }
}

/// `carried 3 changes`, and what was unusual about it.
pub(super) fn summary(outcome: &Outcome) -> String {
    if outcome.is_stopped {
        return "stopped by active_flag".to_owned();
    }
    let mut text = format!("carried {}", super::console::count(outcome.written, "change"));
    let known = outcome.read.saturating_sub(outcome.written + outcome.foreign);
    if known > 0 {
        text.push_str(&format!(", {known} already there or not for this node"));
    }
    if outcome.foreign > 0 {
        text.push_str(&format!(", {} of another origin left behind", outcome.foreign));
    }
    text
}
