//! `outrigger check`.

use std::process::ExitCode;

use super::FOUND;
use super::args::{Check, Format};
use super::console::{Color, count, mark};
use super::context::Context;
use crate::error::Result;
use crate::schema::Reading;
use crate::schema::check::{Finding, Severity, check};

pub(super) async fn run(args: Check, context: &Context) -> Result<ExitCode> {
    let loaded = context.load()?;
    let reading = context.read_schema(&loaded).await?;
    let mut findings = check(&loaded.config, &reading.schema, &reading.skipped);
    findings.retain(|finding| !args.allow.iter().any(|id| id == finding.id));
    match args.listing.format {
        Format::Json => context.console.json(&findings)?,
        Format::Text => context.console.data(&text(&findings))?,
    }
    context.console.note(&summary(&findings, &reading));
    let is_bad = findings.iter().any(|finding| finding.severity != Severity::Info);
    Ok(if is_bad { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

fn text(findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        let color = match finding.severity {
            Severity::Error => Color::Red,
            Severity::Warning => Color::Yellow,
            Severity::Info => Color::Cyan,
        };
        let name = mark(color, &format!("{}[{}]:", finding.severity.name(), finding.id));
        let place = finding.location.as_ref().map(|place| format!("  --> {place}\n"));
        let place = place.unwrap_or_default();
        format!("{name} {}\n{place}help: {}\n\n", finding.message, finding.remedy)
    };
    findings.iter().map(one).collect()
}

fn summary(findings: &[Finding], reading: &Reading) -> String {
    let of = |severity: Severity, word: &str| {
        let number = findings.iter().filter(|finding| finding.severity == severity).count();
        count(number, word)
    };
    format!(
        "{}, {}, {} on {}; {} of the schema passed over",
        of(Severity::Error, "error"),
        of(Severity::Warning, "warning"),
        of(Severity::Info, "info"),
        count(reading.schema.tables.len(), "table"),
        count(reading.skipped.len(), "statement")
    )
}
