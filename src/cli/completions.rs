//! `outrigger completions`.

use std::process::ExitCode;

use clap::CommandFactory as _;

use super::args::{Args, Completions};
use super::context::Context;
use crate::error::Result;

pub(super) fn run(args: &Completions, context: &Context) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "outrigger", &mut script);
    context.console.data(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
