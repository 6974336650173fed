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
use crate::runner::{Failed, Next, Outcomes, Runner, Turn};

/// How often a pause looks whether it shall end.
const TICK: Duration = Duration::from_millis(50);

/// The longest pause after errors, whatever `--every` says.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What the turns came to.
#[derive(Default)]
struct Total {
    changes: u64,
    quarantined: u64,
    errors: usize,
}

pub(super) async fn run(args: Run, context: &Context) -> Result<ExitCode> {
    let (mut runner, _) = live::runner(context).await?;
    let stop = live::stop_on_signal(context.console);
    let routes = live::routes(&runner, &[])?;
    let mut total = Total::default();
    if let Some(iterations) = args.iterations {
        let pace = (iterations, args.every);
        iterate(&mut runner, &routes, pace, &stop, &mut total, context).await?;
    } else {
        watch(&mut runner, &routes, args.every, &stop, &mut total, context).await?;
    }
    runner.close().await;
    context.console.note(&format!("stopped after {} imported changes", total.changes));
    Ok(match total {
        Total { errors: 1.., .. } => ExitCode::from(FAILED),
        Total { quarantined: 1.., .. } => ExitCode::from(FOUND),
        Total { .. } => ExitCode::SUCCESS,
    })
}

/// Each route when it has something to do, until stopped.
async fn watch(
    runner: &mut Runner,
    routes: &[RoutePlan],
    every: Duration,
    stop: &Arc<AtomicBool>,
    total: &mut Total,
    context: &Context,
) -> Result<()> {
    let routes_text = count(routes.len(), "route");
    context.console.note(&format!("running {routes_text}, looking every {every:?} at least"));
    let mut watch = runner.watch(routes, every)?;
    while let Some(next) = watch.next(stop).await {
        match next {
            Next::Turn(turn) => {
                let outcomes = take_turn(runner, &turn, stop, total, context).await?;
                watch.done(runner, &turn, outcomes);
            }
            Next::Trouble(error) => context.console.error(&Error::from(error)),
        }
    }
    total.errors = watch.failures();
    Ok(())
}

/// Each route so many times, with a pause after each time.
async fn iterate(
    runner: &mut Runner,
    routes: &[RoutePlan],
    (iterations, every): (u64, Duration),
    stop: &Arc<AtomicBool>,
    total: &mut Total,
    context: &Context,
) -> Result<()> {
    let routes_text = count(routes.len(), "route");
    context.console.note(&format!("running {routes_text}, every {every:?}"));
    let mut pause = every;
    for left in (0..iterations).rev() {
        total.errors = 0;
        for route in routes {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let turn = Turn { route: route.clone(), transports: true, imports: true };
            let outcomes = take_turn(runner, &turn, stop, total, context).await?;
            let failures = [
                outcomes.carried.map(|done| done.is_err()),
                outcomes.imported.map(|done| done.is_err()),
            ];
            total.errors += failures.into_iter().flatten().filter(|has_failed| *has_failed).count();
        }
        // A node that is away is asked less and less often, up to a limit.
        pause = if total.errors == 0 {
            every
        } else {
            pause.saturating_mul(2).clamp(every, LONGEST_PAUSE.max(every))
        };
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if left > 0 {
            wait(pause, stop).await;
        }
    }
    Ok(())
}

/// Transport, then import, of one route. A route that fails does not hold up the others.
async fn take_turn(
    runner: &mut Runner,
    turn: &Turn,
    stop: &Arc<AtomicBool>,
    total: &mut Total,
    context: &Context,
) -> Result<Outcomes> {
    let route = &turn.route;
    let ends = format!("route {} ({} to {})", route.id, route.from, route.to);
    let mut outcomes = Outcomes::default();
    if turn.transports {
        outcomes.carried = Some(match runner.transport(route, &mut |_| {}).await {
            Ok(outcome) => {
                if outcome.written > 0 {
                    context.console.data(&format!("{ends}: {}\n", transport::summary(&outcome)))?;
                }
                transport::note_skew(runner, route, &outcome, context.console);
                Ok(outcome)
            }
            Err(error) => {
                context.console.error(&Error::from(error));
                Err(Failed)
            }
        });
    }
    if turn.imports || outcomes.may_have_brought() {
        outcomes.imported = Some(match runner.import(route, stop, &mut |_| {}).await {
            Ok(outcome) => {
                total.changes += outcome.read - outcome.quarantined + outcome.released;
                total.quarantined += outcome.quarantined;
                if outcome.read + outcome.released > 0 {
                    context.console.data(&format!("{ends}: {}\n", import::summary(&outcome)))?;
                }
                Ok(outcome)
            }
            Err(error) => {
                context.console.error(&Error::from(error));
                Err(Failed)
            }
        });
    }
    Ok(outcomes)
}

async fn wait(pause: Duration, stop: &Arc<AtomicBool>) {
    let mut left = pause;
    while !left.is_zero() && !stop.load(Ordering::Relaxed) {
        let nap = left.min(TICK);
        tokio::time::sleep(nap).await;
        left -= nap;
    }
}
