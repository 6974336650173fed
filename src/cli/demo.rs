//! `outrigger demo`.

use std::process::ExitCode;

use super::args::Demo;
use super::context::Context;
use crate::error::{Error, Result};

#[expect(clippy::unused_async, reason = "the verb is not filled in yet")]
pub(super) async fn run(args: Demo, context: &Context) -> Result<ExitCode> {
    let _ = (args, context);
    Err(Error::Unfinished { what: "show the demo" })
}
