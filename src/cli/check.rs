//! `outrigger check`.

mod github;
mod sarif;

use std::fmt::Write as _;
use std::process::ExitCode;

use super::args::{Check, CheckFormat};
use super::console::{Color, count, mark};
use super::context::{Context, Loaded};
use super::{FOUND, live};
use crate::apply::{self, Surroundings};
use crate::error::Result;
use crate::plan;
use crate::render;
use crate::schema::Reading;
use crate::schema::check::{Finding, Severity, Sifted, check, check_server, sift};

pub(super) async fn run(args: Check, context: &Context) -> Result<ExitCode> {
    let loaded = context.load()?;
    let reading = context.read_schema(&loaded).await?;
    let mut findings = check(&loaded.config, &reading.schema, &reading.skipped);
    for name in &args.node {
        findings.extend(look(context, &loaded, name).await?);
    }
    let mut sifted = sift(&loaded.config, findings, !args.node.is_empty());
    sifted.findings.retain(|finding| !args.allow.iter().any(|id| id == finding.id));
    match args.format {
        CheckFormat::Json => context.console.json(&sifted.findings)?,
        CheckFormat::Text => context.console.data(&text(&sifted.findings))?,
        CheckFormat::Sarif => context.console.json(&sarif::log(&sifted))?,
        CheckFormat::Github => context.console.data(&github::commands(&sifted.findings))?,
        CheckFormat::Sql => context.console.data(&remedies(context, &loaded, &reading)?)?,
    }
    context.console.note(&summary(&sifted, &reading));
    let is_bad = sifted.findings.iter().any(|finding| finding.severity != Severity::Info);
    Ok(if is_bad { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// What a running server says of itself.
async fn look(context: &Context, loaded: &Loaded, name: &str) -> Result<Vec<Finding>> {
    let node = live::node(loaded, name)?;
    let (mut session, templates) = live::open(context, loaded, &node).await?;
    let brand = session.brand();
    let asked = apply::surroundings(session.as_mut(), &templates).await;
    let Surroundings { facts, can_write } =
        asked.map_err(|error| super::nodes::refused(&node, brand, error))?;
    Ok(check_server(&loaded.config, &node, &facts, can_write))
}

/// The SQL that mends findings, node by node.
fn remedies(context: &Context, loaded: &Loaded, reading: &Reading) -> Result<String> {
    let mut text = String::new();
    for (id, node) in &loaded.config.nodes {
        let numberings = plan::number_keys(&loaded.config, &reading.schema, id);
        if numberings.is_empty() {
            continue;
        }
        let dialect = node.brand.dialect();
        let node = id.as_str().replace(char::is_control, " ");
        let _ = writeln!(text, "-- Node {node} ({}): auto-increment-key.", dialect.title);
        for statement in render::advice(&numberings, &context.templates_of(dialect.brand)?)? {
            let separator = &dialect.client.separator;
            let _ = writeln!(text, "{statement}\n{separator}");
        }
    }
    Ok(text)
}

pub(super) fn text(findings: &[Finding]) -> String {
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

fn summary(sifted: &Sifted, reading: &Reading) -> String {
    let of = |severity: Severity, word: &str| {
        let found = sifted.findings.iter().filter(|finding| finding.severity == severity);
        count(found.count(), word)
    };
    let suppressed = match sifted.suppressed.len() {
        0 => String::new(),
        number => format!(", {number} suppressed"),
    };
    format!(
        "{}, {}, {}{suppressed} on {}; {} of the schema passed over",
        of(Severity::Error, "error"),
        of(Severity::Warning, "warning"),
        of(Severity::Info, "info"),
        count(reading.schema.tables.len(), "table"),
        count(reading.skipped.len(), "statement")
    )
}
