//! `outrigger apply`.

use std::process::ExitCode;

use super::args::Apply;
use super::context::Context;
use super::nodes::Target;
use super::progress::Steps;
use crate::apply::{self, Action, Migration};
use crate::error::Result;

pub(super) async fn run(args: Apply, context: &Context) -> Result<ExitCode> {
    let loaded = context.load()?;
    let mut target = Target::reach(context, &loaded, &args.node).await?;
    let wanted = target.wanted(context, &loaded).await?;
    let (session, statements) = (target.session.as_mut(), &target.statements);
    let outcome = if args.dry_run {
        let live = apply::observe(session, statements, &wanted.scripts).await;
        live.and_then(|live| apply::prepare(&wanted, &live, args.allow_drop))
    } else {
        let mut steps = Steps::new(context.console, "apply");
        let mut progress = |done, total| steps.at(done, total);
        apply::apply(session, statements, &wanted, args.allow_drop, &mut progress).await
    };
    let migration = outcome.map_err(|error| target.refused(error))?;
    if args.dry_run {
        let text = apply::migration_text(&migration, &target.statements)?;
        context.console.data(&text)?;
    }
    for line in reasons(&migration) {
        context.console.note(&line);
    }
    context.console.note(&summary(&args, &migration));
    Ok(ExitCode::SUCCESS)
}

/// Why something that was there is replaced or removed.
fn reasons(migration: &Migration) -> Vec<String> {
    let line = |action: &Action| match action {
        Action::Keep(_) | Action::Install(_) => None,
        Action::Replace(change, reason) => {
            Some(format!("{}: replaced, because {reason}", change.script.name))
        }
        Action::Remove { installed, .. } => {
            Some(format!("{}: removed, because it is no longer configured", installed.name))
        }
    };
    migration.actions.iter().filter_map(line).collect()
}

fn summary(args: &Apply, migration: &Migration) -> String {
    let count = |is_counted: fn(&Action) -> bool| {
        migration.actions.iter().filter(|action| is_counted(action)).count()
    };
    let kept = count(|action| matches!(action, Action::Keep(_)));
    if migration.is_empty() {
        return format!("{}: nothing to do, all {kept} scripts are installed", args.node);
    }
    let parts = [
        (count(|action| matches!(action, Action::Install(_))), "installed"),
        (count(|action| matches!(action, Action::Replace(..))), "replaced"),
        (count(|action| matches!(action, Action::Remove { .. })), "removed"),
        (kept, "kept"),
        (migration.programs.len(), "programs added"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let would = if args.dry_run { " (nothing was run)" } else { "" };
    format!("{}: {}{would}", args.node, parts.join(", "))
}
