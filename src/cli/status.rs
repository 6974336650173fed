//! `outrigger status`.

use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::args::{Format, Status};
use super::console::table;
use super::context::Context;
use super::{FAILED, FOUND, live};
use crate::error::{Error, Result};
use crate::runner::{self, SkewState};

/// The pause of `--watch`.
const WATCH_PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn run(args: Status, context: &Context) -> Result<ExitCode> {
    let (mut runner, _) = live::runner(context).await?;
    let stop = live::stop_on_signal(context.console);
    loop {
        let status = runner.status(|| chrono::Utc::now().naive_utc()).await.map_err(Error::from)?;
        match args.listing.format {
            Format::Json => context.console.json(&status)?,
            Format::Text => context.console.data(&text(&status))?,
        }
        if !args.watch || stop.load(Ordering::Relaxed) {
            runner.close().await;
            let is_away = status.nodes.iter().any(|node| node.error.is_some());
            let is_held = status.nodes.iter().any(|node| node.quarantined > 0)
                || status
                    .routes
                    .iter()
                    .any(|route| route.halted.is_some() || refusals(route).next().is_some());
            return Ok(match (is_away, is_held) {
                (true, _) => ExitCode::from(FAILED),
                (false, true) => ExitCode::from(FOUND),
                (false, false) => ExitCode::SUCCESS,
            });
        }
        tokio::time::sleep(WATCH_PAUSE).await;
    }
}

fn text(status: &runner::Status) -> String {
    let routes: Vec<[String; 10]> = status.routes.iter().map(route_line).collect();
    let nodes: Vec<[String; 5]> = status
        .nodes
        .iter()
        .map(|node| {
            [
                node.node.to_string(),
                node.brand.clone(),
                node.quarantined.to_string(),
                skew_text(node.skew_ms, node.skew),
                node.error.clone().unwrap_or_else(|| "reachable".to_owned()),
            ]
        })
        .collect();
    let header = [
        "ROUTE",
        "FROM",
        "TO",
        "CURSOR",
        "LAG",
        "INBOX",
        "SKEW",
        "LAST TRANSPORT",
        "LAST IMPORT",
        "STATE",
    ];
    let halted = status.routes.iter().filter_map(|route| route.halted.as_ref());
    let halted = halted.fold(String::new(), |text, why| text + "halted: " + why + "\n");
    format!(
        "{}\n{halted}\n{}\n",
        table(header, &routes),
        table(["NODE", "BRAND", "QUARANTINE", "SKEW", "STATE"], &nodes)
    )
}

/// `12 ms`, and what is wrong with it.
fn skew_text(skew_ms: Option<i64>, state: SkewState) -> String {
    let skew = skew_ms.map_or_else(String::new, |skew| format!("{skew} ms"));
    match state {
        SkewState::Fine => skew,
        SkewState::Warning => format!("{skew}, warning"),
        SkewState::Refused => format!("{skew}, refused"),
    }
}

/// Programs that do not go on from where a person put them.
fn refusals(route: &runner::RouteStatus) -> impl Iterator<Item = String> {
    let programs = [("transport", &route.transport_error), ("import", &route.import_error)];
    programs.into_iter().filter_map(|(program, error)| {
        error.as_ref().map(|error| format!(", {program} refused: {error}"))
    })
}

fn route_line(route: &runner::RouteStatus) -> [String; 10] {
    let when = |time: &Option<String>| time.clone().unwrap_or_else(|| "never".to_owned());
    let mut state = match (route.transports, route.imports) {
        (true, true) if route.halted.is_some() => "halted",
        (true, true) => "active",
        (true, false) => "import stopped",
        (false, true) => "transport stopped",
        (false, false) => "stopped",
    }
    .to_owned();
    if route.gaps_stay {
        state.push_str(&format!(
            ", keeps {} gaps (may not see who is at work at {})",
            route.gaps, route.from
        ));
    }
    for refusal in refusals(route) {
        state.push_str(&refusal);
    }
    [
        route.route.to_string(),
        route.from.to_string(),
        route.to.to_string(),
        route.cursor.to_string(),
        route.lag_rows.map_or_else(|| "?".to_owned(), |rows| rows.to_string()),
        route.inbox_rows.to_string(),
        skew_text(route.skew_ms, route.skew),
        when(&route.last_transport),
        when(&route.last_import),
        state,
    ]
}
