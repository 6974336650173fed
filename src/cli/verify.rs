//! `outrigger verify`.

use std::process::ExitCode;

use super::FOUND;
use super::args::{Format, Verify};
use super::console::{Color, mark};
use super::context::Context;
use super::nodes::Target;
use crate::apply::{self, Finding};
use crate::error::Result;

pub(super) async fn run(args: Verify, context: &Context) -> Result<ExitCode> {
    let loaded = context.load()?;
    let mut target = Target::reach(context, &loaded, &args.node).await?;
    let wanted = target.wanted(context, &loaded).await?;
    let findings = apply::verify(target.session.as_mut(), &target.statements, &wanted).await;
    let findings = findings.map_err(|error| target.refused(error))?;
    match args.listing.format {
        Format::Json => context.console.json(&findings)?,
        Format::Text => context.console.data(&text(&findings))?,
    }
    let count = findings.iter().filter(|finding| !finding.is_note()).count();
    let is_elsewhere = findings.iter().any(|finding| finding.id == "installed-elsewhere");
    let as_wanted = if is_elsewhere { "there" } else { "as installed" };
    context.console.note(&match count {
        0 => format!("{}: all {} scripts are {as_wanted}", args.node, wanted.scripts.len()),
        1 => format!("{}: 1 difference", args.node),
        _ => format!("{}: {count} differences", args.node),
    });
    Ok(if count == 0 { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn text(findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        let (color, kind) =
            if finding.is_note() { (Color::Cyan, "note") } else { (Color::Yellow, "drift") };
        let name = mark(color, &format!("{kind}[{}]:", finding.id));
        format!("{name} {}\nhelp: {}\n\n", finding.message, finding.remedy)
    };
    findings.iter().map(one).collect()
}
