//! `outrigger run`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::args::Run;
use super::console::count;
use super::context::Context;
use super::{FAILED, FOUND, import, live, transport};
use crate::error::{Error, Result};
use crate::plan::RoutePlan;
use crate::runner::Runner;

/// How often a pause looks whether it shall end.
const TICK: Duration = Duration::from_millis(50);

/// The longest pause after errors, whatever `--every` says.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What one iteration of all programs came to.
#[derive(Default)]
struct Round {
    changes: u64,
    quarantined: u64,
    errors: u64,
}

pub(super) async fn run(args: Run, context: &Context) -> Result<ExitCode> {
    let (mut runner, _) = live::runner(context).await?;
    let stop = live::stop_on_signal(context.console);
    let routes = live::routes(&runner, &[])?;
    context.console.note(&format!(
        "running {}, every {:?}",
        count(routes.len(), "route"),
        args.every
    ));
    let mut pause = args.every;
    let mut left = args.iterations;
    let mut total = Round::default();
    while !stop.load(Ordering::Relaxed) && left != Some(0) {
        let round = iterate(&mut runner, &routes, &stop, context).await?;
        // A node that is away is asked less and less often, up to a limit.
        pause = if round.errors == 0 {
            args.every
        } else {
            pause.saturating_mul(2).clamp(args.every, LONGEST_PAUSE.max(args.every))
        };
        total.changes += round.changes;
        total.quarantined += round.quarantined;
        total.errors = round.errors;
        left = left.map(|left| left - 1);
        if left != Some(0) {
            wait(pause, &stop).await;
        }
    }
    runner.close().await;
    context.console.note(&format!("stopped after {} imported changes", total.changes));
    Ok(match total {
        Round { errors: 1.., .. } => ExitCode::from(FAILED),
        Round { quarantined: 1.., .. } => ExitCode::from(FOUND),
        Round { .. } => ExitCode::SUCCESS,
    })
}

/// Each route once: transport, then import. A route that fails does not hold up the others.
async fn iterate(
    runner: &mut Runner,
    routes: &[RoutePlan],
    stop: &Arc<AtomicBool>,
    context: &Context,
) -> Result<Round> {
    let mut round = Round::default();
    for route in routes {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let ends = format!("route {} ({} to {})", route.id, route.from, route.to);
        match runner.transport(route, &mut |_| {}).await {
            Ok(outcome) => {
                if outcome.written > 0 {
                    context.console.data(&format!("{ends}: {}\n", transport::summary(&outcome)))?;
                }
                transport::note_skew(runner, route, &outcome, context.console);
            }
            Err(error) => {
                round.errors += 1;
                context.console.error(&Error::from(error));
            }
        }
        match runner.import(route, stop, &mut |_| {}).await {
            Ok(outcome) => {
                round.changes += outcome.read - outcome.quarantined + outcome.released;
                round.quarantined += outcome.quarantined;
                if outcome.read + outcome.released > 0 {
                    context.console.data(&format!("{ends}: {}\n", import::summary(&outcome)))?;
                }
            }
            Err(error) => {
                round.errors += 1;
                context.console.error(&Error::from(error));
            }
        }
    }
    Ok(round)
}

async fn wait(pause: Duration, stop: &Arc<AtomicBool>) {
    let mut left = pause;
    while !left.is_zero() && !stop.load(Ordering::Relaxed) {
        let nap = left.min(TICK);
        tokio::time::sleep(nap).await;
        left -= nap;
    }
}
