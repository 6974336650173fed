//! The command: parses, calls one function, prints.

mod apply;
mod args;
mod check;
mod completions;
mod conflicts;
mod console;
mod context;
mod demo;
mod diff;
mod explain;
mod files;
mod generate;
mod import;
mod init;
mod live;
mod nodes;
mod probe;
mod progress;
mod purge;
mod quarantine;
mod rejoin;
mod remove;
mod review;
mod run;
mod status;
mod translate;
mod transport;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use crate::error::Result;
use args::{Args, Verb};
use console::Console;
use context::Context;
pub(crate) use demo::Refusal;

/// The name that the configuration has when nobody says otherwise.
pub const CONFIG_NAME: &str = "outrigger.yaml";

/// Findings, differences, quarantined changes.
const FOUND: u8 = 1;
/// Usage, configuration or runtime error.
const FAILED: u8 = 2;

/// Runs the command with the arguments of the process.
///
/// 0: fine. 1: findings, differences or quarantined changes. 2: an error, which is printed.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let console = Console::new(args.quiet);
    let context = Context::new(&args, console);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(Box::pin(dispatch(args.verb, &context))),
        Err(error) => {
            console.note(&format!("error: could not start: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    outcome.unwrap_or_else(|error| {
        console.error(&error);
        ExitCode::from(FAILED)
    })
}

async fn dispatch(verb: Verb, context: &Context) -> Result<ExitCode> {
    match verb {
        Verb::Init(args) => init::run(args, context).await,
        Verb::Check(args) => check::run(args, context).await,
        Verb::Generate(args) => generate::run(args, context).await,
        Verb::Review(args) => review::run(args, context).await,
        Verb::Diff(args) => diff::run(args, context).await,
        Verb::Translate(args) => translate::run(args, context).await,
        Verb::Apply(args) => apply::run(args, context).await,
        Verb::Verify(args) => verify::run(args, context).await,
        Verb::Probe(args) => probe::run(args, context).await,
        Verb::Remove(args) => remove::run(args, context).await,
        Verb::Transport(args) => transport::run(args, context).await,
        Verb::Import(args) => Box::pin(import::run(args, context)).await,
        Verb::Run(args) => run::run(args, context).await,
        Verb::Status(args) => status::run(args, context).await,
        Verb::Quarantine(args) => quarantine::run(args, context).await,
        Verb::Conflicts(args) => conflicts::run(args, context).await,
        Verb::Purge(args) => purge::run(args, context).await,
        Verb::Rejoin(args) => rejoin::run(args, context).await,
        Verb::Demo(args) => demo::run(args, context).await,
        Verb::Completions(args) => completions::run(&args, context),
    }
}
