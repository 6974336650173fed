//! `outrigger verify`.

use std::process::ExitCode;

use super::args::Verify;
use super::context::Context;
use crate::error::{Error, Result};

#[expect(clippy::unused_async, reason = "the verb is not filled in yet")]
pub(super) async fn run(args: Verify, context: &Context) -> Result<ExitCode> {
    let _ = (args, context);
    Err(Error::Unfinished { what: "verify a node" })
}
