//! `outrigger apply`.

use std::process::ExitCode;

use super::args::Apply;
use super::context::Context;
use crate::error::{Error, Result};

#[expect(clippy::unused_async, reason = "the verb is not filled in yet")]
pub(super) async fn run(args: Apply, context: &Context) -> Result<ExitCode> {
    let _ = (args, context);
    Err(Error::Unfinished { what: "install on a node" })
}
