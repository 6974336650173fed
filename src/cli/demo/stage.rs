//! The nodes of the demo, live: statements run on them, changes carried between them.

use serde::Serialize;

use super::place::Guest;
use crate::apply;
use crate::cli::context::{Context, Loaded};
use crate::cli::nodes::Target;
use crate::cli::{import, live, transport};
use crate::dialect::Brand;
use crate::error::{Error, Result};
use crate::model::{NodeId, Row, Value};
use crate::outbox::{self, fetch};
use crate::plan::{self, TablePlan};
use crate::render::{Statement, Templates};
use crate::runner::Runner;

/// The telling columns of a change.
pub(super) const FIELDS: [&str; 9] = [
    "id",
    "object_table",
    "object_attribute",
    "object_id",
    "object_value",
    "object_operation",
    "updated_by_server_id",
    "update_datetime",
    "source_id",
];

/// What a cell without a value shows.
const NULL: &str = "NULL";

/// The nodes and the programs between them.
pub(super) struct Stage {
    pub(super) actors: Vec<Actor>,
    runner: Runner,
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

/// A node.
pub(super) struct Actor {
    pub(super) target: Target,
    /// The application's table there.
    pub(super) table: TablePlan,
    /// Whether the table was there before.
    pub(super) has_table: bool,
    /// Whether the demo has made the table.
    pub(super) made_table: bool,
    /// Whether the demo has installed anything.
    pub(super) is_installed: bool,
    rows: Statement,
    outbox: Statement,
    inbox: Statement,
    last_outbox_id: i64,
    last_inbox_id: i64,
}

/// What a template of the demo is filled with.
#[derive(Serialize)]
struct Filling<'a> {
    namespace: Option<&'a str>,
    changes: &'a str,
    table: &'a TablePlan,
}

/// What went between the nodes.
#[derive(Default)]
pub(super) struct Carried {
    /// The commands that do the same, and what they would print.
    pub(super) lines: Vec<String>,
    pub(super) quarantined: u64,
}

impl Stage {
    /// Opens a session with every node of the configuration.
    pub(super) async fn open(context: &Context, guests: &[Guest]) -> Result<(Self, Loaded)> {
        let (runner, loaded) = live::runner(context).await?;
        let schema = context.read_schema(&loaded).await?.schema;
        let mut actors = Vec::new();
        for guest in guests {
            let target = Target::reach(context, &loaded, guest.id.as_str()).await?;
            let plan = plan::plan(&loaded.config, &schema, guest.brand)?;
            let table = plan.tables.into_iter().next().expect("the demo follows one table");
            actors.push(Actor::new(target, table)?);
        }
        let stop = live::stop_on_signal(context.console);
        Ok((Self { actors, runner, stop }, loaded))
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(super) fn ids(&self) -> Vec<NodeId> {
        self.actors.iter().map(|actor| actor.target.id.clone()).collect()
    }

    /// Transport of all routes, then import of all nodes, until nothing moves any more: a change
    /// may need one round for each node on its way.
    pub(super) async fn carry(&mut self) -> Result<Carried> {
        let mut carried = Carried::default();
        let routes = self.runner.routes().to_vec();
        for _ in 0..=self.actors.len() {
            let mut transports = Vec::new();
            for route in &routes {
                let outcome = self.runner.transport(route, &mut |_| {}).await?;
                if outcome.written > 0 {
                    let ends = format!("route {} ({} to {})", route.id, route.from, route.to);
                    transports.push(format!("{ends}: {}", transport::summary(&outcome)));
                }
            }
            let mut imports = Vec::new();
            for route in &routes {
                let outcome = self.runner.import(route, &self.stop, &mut |_| {}).await?;
                carried.quarantined += outcome.quarantined;
                if outcome.read > 0 {
                    let place = format!("node {}, route {}", route.to, route.id);
                    imports.push(format!("{place}: {}", import::summary(&outcome)));
                }
            }
            let is_quiet = transports.is_empty() && imports.is_empty();
            for (verb, lines) in [("transport", transports), ("import", imports)] {
                if !lines.is_empty() {
                    carried.lines.push(format!("$ outrigger {verb}"));
                    carried.lines.extend(lines);
                }
            }
            if is_quiet {
                break;
            }
        }
        Ok(carried)
    }

    /// Ends all sessions.
    pub(super) async fn close(self) {
        self.runner.close().await;
        for actor in self.actors {
            let _ = actor.target.session.close().await;
        }
    }
}

impl Actor {
    fn new(target: Target, table: TablePlan) -> Result<Self> {
        let statement =
            |name: &str, changes: &str| filled(&target.templates, name, changes, &table);
        Ok(Self {
            rows: statement("demo/read_rows", "")?,
            outbox: statement("demo/read_changes", "ds_change_outbox")?,
            inbox: statement("demo/read_changes", "ds_change_inbox")?,
            target,
            table,
            has_table: false,
            made_table: false,
            is_installed: false,
            last_outbox_id: 0,
            last_inbox_id: 0,
        })
    }

    pub(super) fn brand(&self) -> Brand {
        self.target.session.brand()
    }

    /// Runs a statement of the application.
    pub(super) async fn run(&mut self, sql: &str) -> Result<()> {
        let done = self.target.session.raw(sql).await;
        done.map_err(|fault| self.target.refused(fault.into()))
    }

    /// Runs a template of the demo.
    pub(super) async fn run_template(&mut self, name: &str) -> Result<()> {
        let statement = filled(&self.target.templates, name, "", &self.table)?;
        self.run(&statement.sql).await
    }

    /// The rows of the application's table, by key, every value in canonical text.
    pub(super) async fn rows(&mut self) -> Result<Vec<Vec<String>>> {
        let rows = fetch(&mut *self.target.session, &self.rows, &[]).await;
        let columns = &self.table.row;
        let cells = |row: &Row| columns.iter().map(|column| cell(row, &column.name)).collect();
        Ok(rows.map_err(|error| self.failed(error))?.iter().map(cells).collect())
    }

    /// The changes in the outbox that were not asked for before.
    pub(super) async fn new_in_outbox(&mut self) -> Result<Vec<Row>> {
        let last_id = [("last_id", Value::Integer(self.last_outbox_id))];
        let rows = fetch(&mut *self.target.session, &self.outbox, &last_id).await;
        let rows = rows.map_err(|error| self.failed(error))?;
        self.last_outbox_id = last(&rows).unwrap_or(self.last_outbox_id);
        Ok(rows)
    }

    /// The changes in the inbox that were not asked for before.
    pub(super) async fn new_in_inbox(&mut self) -> Result<Vec<Row>> {
        let last_id = [("last_id", Value::Integer(self.last_inbox_id))];
        let rows = fetch(&mut *self.target.session, &self.inbox, &last_id).await;
        let rows = rows.map_err(|error| self.failed(error))?;
        self.last_inbox_id = last(&rows).unwrap_or(self.last_inbox_id);
        Ok(rows)
    }

    fn failed(&self, error: outbox::Error) -> Error {
        self.target.refused(apply::Error::Call(error))
    }
}

/// The template of a demo's statement, filled.
fn filled(
    templates: &Templates,
    name: &str,
    changes: &str,
    table: &TablePlan,
) -> Result<Statement> {
    let namespace = templates.brand().dialect().default_namespace.as_deref();
    Ok(templates.statement(name, &Filling { namespace, changes, table })?)
}

/// A cell as the demo shows it.
pub(super) fn cell(row: &Row, column: &str) -> String {
    row.text(column).unwrap_or_else(|| NULL.to_owned())
}

fn last(rows: &[Row]) -> Option<i64> {
    rows.last().and_then(|row| row.integer("id"))
}
