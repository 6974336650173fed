//! `outrigger import --dry-run`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde::Serialize;

use super::args::{Format, Import};
use super::console::{Console, count, table};
use super::context::Context;
use super::{FAILED, FOUND, live};
use crate::error::{Error, Result};
use crate::import::{Clash, Concession, ExplainedSet, Explanation, Fate, Reason, Stamped};
use crate::model::NodeId;
use crate::plan::RoutePlan;
use crate::runner::Outlook;

pub(super) async fn run(args: Import, context: &Context) -> Result<ExitCode> {
    let (mut runner, loaded) = live::runner(context).await?;
    let nodes = live::nodes(&loaded, &args.nodes)?;
    let stop = live::stop_on_signal(context.console);
    let mut page = Page::new(context.console, args.format, args.explain);
    let mut code = ExitCode::SUCCESS;
    for (node, routes) in by_node(live::routes(&runner, &[])?, &nodes) {
        let done = runner.explain_import(&node, &routes, &stop, &mut |set| page.set(&set)).await;
        match done {
            Ok(outlooks) => {
                let is_held =
                    |one: &Outlook| number(&one.changes, HELD) > 0 || one.halted.is_some();
                if outlooks.iter().any(is_held) && code == ExitCode::SUCCESS {
                    code = ExitCode::from(FOUND);
                }
                for outlook in &outlooks {
                    page.outlook(outlook);
                }
            }
            Err(error) => {
                context.console.error(&Error::from(error));
                code = ExitCode::from(FAILED);
            }
        }
    }
    page.end()?;
    runner.close().await;
    Ok(code)
}

/// The routes to each of the chosen nodes, in their order.
fn by_node(routes: Vec<RoutePlan>, nodes: &[NodeId]) -> BTreeMap<NodeId, Vec<RoutePlan>> {
    let mut chosen: BTreeMap<NodeId, Vec<RoutePlan>> = BTreeMap::new();
    for route in routes.into_iter().filter(|route| nodes.contains(&route.to)) {
        chosen.entry(route.to.clone()).or_default().push(route);
    }
    chosen
}

/// What is printed, piece by piece: of a large backlog only one page is in memory.
struct Page {
    console: Console,
    format: Format,
    explains: bool,
    /// Whether something is printed already.
    is_begun: bool,
    failed: Result<()>,
}

impl Page {
    fn new(console: Console, format: Format, explains: bool) -> Self {
        Self { console, format, explains, is_begun: false, failed: Ok(()) }
    }

    fn set(&mut self, set: &ExplainedSet) {
        if self.explains {
            match self.format {
                Format::Json => self.element(set),
                Format::Text => self.write(&text(set)),
            }
        }
    }

    fn outlook(&mut self, outlook: &Outlook) {
        match (self.format, self.explains) {
            // The sets have said it, but for why a route does not go on.
            (Format::Json, true) if outlook.halted.is_none() => {}
            (Format::Json, _) => self.element(outlook),
            (Format::Text, _) => self.write(&format!("{}\n", summary(outlook))),
        }
    }

    /// One element of the JSON array.
    fn element<T: Serialize>(&mut self, value: &T) {
        let Ok(text) = serde_json::to_string_pretty(value) else { return };
        let before = if self.is_begun { ",\n" } else { "[\n" };
        self.is_begun = true;
        self.write(&format!("{before}{text}"));
    }

    fn write(&mut self, text: &str) {
        if self.failed.is_ok() {
            self.failed = self.console.data(text);
        }
    }

    fn end(mut self) -> Result<()> {
        if self.format == Format::Json {
            self.write(if self.is_begun { "\n]\n" } else { "[]\n" });
        }
        self.failed
    }
}

const HELD: &[Fate] = &[Fate::Quarantined, Fate::Waits];

fn number(counts: &BTreeMap<Fate, u64>, fates: &[Fate]) -> u64 {
    fates.iter().filter_map(|fate| counts.get(fate)).sum()
}

/// `node laptop, route 1000: would import 3 changes, 1 without effect`.
fn summary(outlook: &Outlook) -> String {
    let place = format!("node {}, route {}", outlook.node, outlook.route);
    if outlook.is_stopped {
        return format!("{place}: stopped by active_flag");
    }
    let held = number(&outlook.changes, HELD);
    let halted = outlook.halted.as_ref().map(|why| format!("; then halted: {why}"));
    let all: u64 = outlook.changes.values().sum();
    let mut text = format!("{place}: would import {}", count(all - held, "change"));
    let mut add = |number: u64, what: &str| {
        if number > 0 {
            text.push_str(&format!(", {number} {what}"));
        }
    };
    add(number(&outlook.changes, &[Fate::NoEffect]), "of them without effect");
    add(number(&outlook.changes, &[Fate::Parked]), "of them parked");
    add(outlook.conflicts, "in conflict");
    add(held, "to quarantine");
    let all: u64 = outlook.retried.values().sum();
    add(all - number(&outlook.retried, HELD), "out of quarantine");
    text.push_str(&halted.unwrap_or_default());
    text
}

fn text(set: &ExplainedSet) -> String {
    let counts = set.counts.iter().map(|(fate, number)| format!("{number} {}", word(*fate)));
    let counts: Vec<String> = counts.collect();
    let all: u64 = set.counts.values().sum();
    let origin = set.origin.as_deref().unwrap_or("no origin");
    let what = match set.transaction_id {
        _ if set.is_retry => "tried again from quarantine".to_owned(),
        Some(id) => format!("change set {id} of {origin}"),
        None => format!("change set of {origin}"),
    };
    let (node, route) = (&set.node, set.route);
    let title = format!("node {node}, route {route}, {what}: {}\n", counts.join(", "));
    let mut rows = Vec::new();
    for change in &set.changes {
        rows.extend(lines(change));
    }
    let header = ["  ID", "OP", "TABLE", "KEY", "FATE", "WHY"];
    let left = all - set.changes.len() as u64;
    let rest = if left > 0 {
        format!("  and {} more, counted above\n", count(left, "change"))
    } else {
        String::new()
    };
    if rows.is_empty() {
        return format!("{title}{rest}\n");
    }
    format!("{title}{}\n{rest}\n", table(header, &rows))
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Imported => "imported",
        Fate::NoEffect => "no effect",
        Fate::Parked => "parked",
        Fate::Quarantined => "quarantined",
        Fate::Waits => "waiting",
        Fate::Settled => "settled",
    }
}

/// A line for the change and its first reason, and one for each further reason.
fn lines(change: &Explanation) -> Vec<[String; 6]> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut why = whys(change).into_iter();
    let first = [
        format!("  {}", change.inbox_id),
        or_dash(&change.object_operation),
        or_dash(&change.object_table),
        or_dash(&change.object_id),
        word(change.fate).to_owned(),
        why.next().unwrap_or_default(),
    ];
    let further =
        |text| std::array::from_fn(|at| if at == 5 { String::clone(&text) } else { String::new() });
    std::iter::once(first).chain(why.map(further)).collect()
}

fn whys(change: &Explanation) -> Vec<String> {
    let mut whys = Vec::new();
    match (change.effect, change.columns.is_empty()) {
        (Some(effect), true) => whys.push(effect.to_owned()),
        (Some(effect), false) => whys.push(format!("{effect} {}", names(&change.columns))),
        (None, _) => {}
    }
    if let Some(reason) = &change.reason {
        let code = change.reason_code.unwrap_or_default();
        whys.push(match change.waits_for {
            Some(id) if code == "waits" => format!("behind {id}: {reason}"),
            Some(id) => format!("{code}: {reason}; behind {id}"),
            None => format!("{code}: {reason}"),
        });
    }
    whys.extend(change.reasons.iter().map(because));
    let is_said = |version: &Stamped| {
        change.reasons.iter().any(|reason| reason.version.as_ref() == Some(version))
    };
    whys.extend(
        change.conflicts.iter().map(|one| clash(one, one.local.as_ref().is_some_and(is_said))),
    );
    whys.extend(change.concessions.iter().map(concession));
    if whys.is_empty() {
        whys.push("nothing to be changed: the row is as the change says".to_owned());
    }
    whys
}

fn names(columns: &[String]) -> String {
    format!("`{}`", columns.join("`, `"))
}

fn because(reason: &Reason) -> String {
    let what = if reason.columns.is_empty() {
        String::new()
    } else {
        format!("{} ", names(&reason.columns))
    };
    let version = reason.version.as_ref().map(version).unwrap_or_default();
    match (reason.code, &reason.version) {
        ("newer", _) if what.is_empty() => format!("the row has a newer version: {version}"),
        ("newer", _) => format!("{what}has a newer version: {version}"),
        ("parked", None) => format!("{what}waits for the row, which is not there yet"),
        ("parked", Some(_)) => format!("{what}waits for the row, which was deleted: {version}"),
        ("restored", _) => format!("{what}takes the newer value that waited for the row"),
        _ => "the row is not there".to_owned(),
    }
}

/// `2026-11-22 02:28:02.660000 of centre, 17`.
fn version(version: &Stamped) -> String {
    match version.source_id {
        Some(id) => format!("{} of {}, {id}", version.stamp, version.origin),
        None => format!("{} of {}, told by this import", version.stamp, version.origin),
    }
}

/// `is_said`: another line names the version that was here.
fn clash(clash: &Clash, is_said: bool) -> String {
    let column = clash.object_attribute.as_ref().map(|name| format!(" of `{name}`"));
    let winner = if clash.winner == "local" { "what is here" } else { "what comes" };
    let local = clash
        .local
        .as_ref()
        .filter(|_| !is_said)
        .map(|local| format!(" (here: {})", version(local)));
    format!(
        "conflict {}{}: {winner} stands, {}{}",
        clash.conflict_type,
        column.unwrap_or_default(),
        clash.decided_by,
        local.unwrap_or_default()
    )
}

fn concession(concession: &Concession) -> String {
    let when = if concession.is_now { "" } else { "a later import, if nothing lets it in: " };
    let key = &concession.object_id;
    match &concession.object_attribute {
        Some(column) if concession.is_null => format!("{when}`{column}` of row {key} becomes NULL"),
        Some(column) => format!("{when}`{column}` of row {key} gets the key behind its value"),
        None => format!("{when}row {key} stays, or comes back, since others refer to it"),
    }
}
