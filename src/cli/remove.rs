//! `outrigger remove`.

use std::process::ExitCode;

use super::args::Remove;
use super::context::Context;
use crate::error::{Error, Result};

#[expect(clippy::unused_async, reason = "the verb is not filled in yet")]
pub(super) async fn run(args: Remove, context: &Context) -> Result<ExitCode> {
    let _ = (args, context);
    Err(Error::Unfinished { what: "uninstall from a node" })
}
