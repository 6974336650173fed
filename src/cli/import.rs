//! `outrigger import`.

use std::process::ExitCode;

use super::args::Import;
use super::console::count;
use super::context::Context;
use super::progress::Progress;
use super::{FAILED, FOUND, explain, live};
use crate::error::{Error, Result};
use crate::import::Outcome;

pub(super) async fn run(args: Import, context: &Context) -> Result<ExitCode> {
    if args.dry_run {
        return Box::pin(explain::run(args, context)).await;
    }
    let (mut runner, loaded) = live::runner(context).await?;
    let nodes = live::nodes(&loaded, &args.nodes)?;
    let stop = live::stop_on_signal(context.console);
    let mut code = ExitCode::SUCCESS;
    for route in live::routes(&runner, &[])?.into_iter().filter(|r| nodes.contains(&r.to)) {
        if runner.is_store(&route.to) {
            let line = format!("node {}, route {}: a store imports nothing\n", route.to, route.id);
            context.console.data(&line)?;
            continue;
        }
        let progress = Progress::new_unbounded(context.console, &format!("node {}", route.to));
        let result = runner.import(&route, &stop, &mut |rows| progress.set(rows)).await;
        drop(progress);
        match result {
            Ok(outcome) => {
                let line =
                    format!("node {}, route {}: {}\n", route.to, route.id, summary(&outcome));
                context.console.data(&line)?;
                if outcome.quarantined > 0 && code == ExitCode::SUCCESS {
                    code = ExitCode::from(FOUND);
                }
            }
            Err(error) => {
                context.console.error(&Error::from(error));
                code = ExitCode::from(FAILED);
            }
        }
    }
    runner.close().await;
    Ok(code)
}

/// `imported 3 changes`, and what was unusual about it.
pub(super) fn summary(outcome: &Outcome) -> String {
    if outcome.is_stopped {
        return "stopped by active_flag".to_owned();
    }
    let mut text = format!("imported {}", count(outcome.read - outcome.quarantined, "change"));
    if outcome.quarantined > 0 {
        text.push_str(&format!(", {} to quarantine", outcome.quarantined));
    }
    if outcome.released > 0 {
        text.push_str(&format!(", {} out of quarantine", outcome.released));
    }
    text
}
