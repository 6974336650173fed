//! `outrigger probe`.

use std::process::ExitCode;

use super::FOUND;
use super::args::{Format, Probe};
use super::console::{Color, mark, table};
use super::context::Context;
use super::{live, nodes};
use crate::apply::{self, Outcome, Probed};
use crate::error::Result;

pub(super) async fn run(args: Probe, context: &Context) -> Result<ExitCode> {
    let loaded = context.load()?;
    let node = live::node(&loaded, &args.node)?;
    let (mut session, templates) = live::open(context, &loaded, &node).await?;
    let brand = session.brand();
    let probed = apply::probe(session.as_mut(), &templates, &loaded.config).await;
    let probed = probed.map_err(|error| nodes::refused(&node, brand, error))?;
    match args.listing.format {
        Format::Json => context.console.json(&probed)?,
        Format::Text => context.console.data(&format!("{}\n", text(&probed)))?,
    }
    let unexpected = probed.iter().filter(|one| !one.is_expected).count();
    context.console.note(&match unexpected {
        0 => format!("{node}: as docs/coverage.md says of {}", brand.dialect().title),
        1 => format!("{node}: 1 way of writing is not captured as it should be"),
        _ => format!("{node}: {unexpected} ways of writing are not captured as they should be"),
    });
    Ok(if unexpected == 0 { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn text(probed: &[Probed]) -> String {
    let row = |one: &Probed| {
        let (color, word) = match one.outcome {
            Outcome::Captured => (Color::Green, "captured"),
            Outcome::Missed => (Color::Red, "not captured"),
            Outcome::Refused => (Color::Red, "refused"),
            Outcome::Absent => (Color::Cyan, "absent"),
            Outcome::NotTried => (Color::Yellow, "not tried"),
        };
        [one.write.name().to_owned(), mark(color, word), one.detail.clone()]
    };
    let rows: Vec<[String; 3]> = probed.iter().map(row).collect();
    table(["write", "outcome", "in the outbox"], &rows)
}
