//! `outrigger remove`.

use std::process::ExitCode;

use super::args::Remove;
use super::context::Context;
use super::nodes::Target;
use super::progress::Steps;
use crate::apply::{self, Removal};
use crate::error::Result;

pub(super) async fn run(args: Remove, context: &Context) -> Result<ExitCode> {
    let loaded = context.load()?;
    let mut target = Target::reach(context, &loaded, &args.node).await?;
    let (session, statements) = (target.session.as_mut(), &target.statements);
    let outcome = if args.dry_run {
        apply::prepare_removal(session, statements, &target.id).await
    } else {
        let mut steps = Steps::new(context.console, "remove");
        let mut progress = |done, total| steps.at(done, total);
        apply::remove(session, statements, &target.id, args.yes, &mut progress).await
    };
    let removal = outcome.map_err(|error| target.refused(error))?;
    if args.dry_run {
        context.console.data(&apply::removal_text(&removal, &target.statements)?)?;
    }
    context.console.note(&summary(&args, &removal));
    Ok(ExitCode::SUCCESS)
}

fn summary(args: &Remove, removal: &Removal) -> String {
    let (node, count) = (&args.node, removal.scripts.len());
    if count == 0 {
        return format!("{node}: nothing is installed");
    }
    let rows = match removal.outbox_rows {
        0 => String::new(),
        1 => ", with 1 change in the outbox".to_owned(),
        rows => format!(", with {rows} changes in the outbox"),
    };
    let would = if args.dry_run { " (nothing was run)" } else { "" };
    format!("{node}: {count} scripts removed{rows}{would}")
}
