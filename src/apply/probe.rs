//! Which ways of writing are really captured on a node, tried on tables that nobody keeps.
//!
//! The triggers are those that the templates make for an application's tables, for four tables
//! of the probe's own. Where DDL can be rolled back everything happens in one transaction that
//! is; elsewhere in a scratch database that is dropped.

use std::iter;

use serde::Serialize;

use super::Error;
use crate::config::{Config, TableChoice, TableOptions, TableRule};
use crate::db::{Fault, Mode, Session};
use crate::dialect::{Seen, Write};
use crate::model::Value;
use crate::outbox::{execute, fetch, fetch_one};
use crate::plan::{self, Plan};
use crate::render::{ScriptKind, Statement, Templates, scripts};
use crate::schema::{self, Source};

/// The savepoint to which the probe goes back after each way of writing.
const SAVEPOINT: &str = "ds_probe";
/// What a bulk load sends: the columns of the probe's own table.
const LOADED: &str = "1,a,new\n";

/// What became of one way of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was tried, and the outbox has it.
    Captured,
    /// It was tried, and the outbox has nothing of it or not all.
    Missed,
    /// The database refused to be written so.
    Refused,
    /// The brand has no such thing.
    Absent,
    /// It could not be tried; the detail says why, and what is known of it.
    NotTried,
}

/// One way of writing, tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probed {
    /// The way.
    pub write: Write,
    /// What became of it.
    pub outcome: Outcome,
    /// What was captured, or why it was not tried.
    pub detail: String,
    /// Whether the dialect file promises what was found.
    pub is_expected: bool,
}

#[derive(Serialize)]
struct Context<'a> {
    scratch: &'a str,
    namespace: Option<&'a str>,
    path: &'a str,
    savepoint: &'a str,
}

/// Everything that the probe runs.
struct Probe<'a> {
    templates: &'a Templates,
    scratch: String,
    namespace: Option<String>,
    is_rolled_back: bool,
}

/// Tries every way of writing on a node. Nothing stays behind, whatever happens but for a lost
/// connection where DDL cannot be rolled back.
///
/// # Errors
/// When the database refuses to make the probe's tables or triggers, or to drop its database.
pub async fn probe(
    session: &mut dyn Session,
    templates: &Templates,
    config: &Config,
) -> Result<Vec<Probed>, Error> {
    let probe = Probe::new(session, templates).await?;
    if probe.is_rolled_back {
        session.begin(Mode::Write).await?;
    }
    let opened = probe.run(session, "probe/open").await;
    let probed = match &opened {
        Ok(()) => probe.try_all(session, config).await,
        Err(_) => Ok(Vec::new()),
    };
    let closed = if probe.is_rolled_back {
        session.rollback().await.map_err(Error::from)
    } else if opened.is_ok() {
        probe.run(session, "probe/close").await
    } else {
        Ok(())
    };
    opened?;
    let probed = probed?;
    closed?;
    Ok(probed)
}

impl<'a> Probe<'a> {
    async fn new(session: &mut dyn Session, templates: &'a Templates) -> Result<Self, Error> {
        let dialect = templates.brand().dialect();
        let mut probe = Self {
            templates,
            scratch: String::new(),
            namespace: None,
            is_rolled_back: dialect.can.roll_back_ddl,
        };
        let number = probe.number(session, "probe/number", "number").await?;
        probe.scratch = format!("ds_probe_{number}");
        probe.namespace = dialect.default_namespace.is_some().then(|| probe.scratch.clone());
        Ok(probe)
    }

    fn context<'b>(&'b self, path: &'b str) -> Context<'b> {
        let (scratch, namespace) = (self.scratch.as_str(), self.namespace.as_deref());
        Context { scratch, namespace, path, savepoint: SAVEPOINT }
    }

    fn statements(&self, name: &str, path: &str) -> Result<Vec<Statement>, Error> {
        Ok(self.templates.statements(name, &self.context(path))?)
    }

    async fn run(&self, session: &mut dyn Session, name: &str) -> Result<(), Error> {
        for statement in self.statements(name, "")? {
            execute(session, &statement, &[]).await?;
        }
        Ok(())
    }

    async fn number(
        &self,
        session: &mut dyn Session,
        name: &str,
        column: &str,
    ) -> Result<i64, Error> {
        let statement = self.templates.statement(name, &self.context(""))?;
        let row = fetch_one(session, &statement, &[]).await?;
        Ok(row.and_then(|row| row.integer(column)).unwrap_or_default())
    }

    async fn try_all(
        &self,
        session: &mut dyn Session,
        config: &Config,
    ) -> Result<Vec<Probed>, Error> {
        self.install(session, config).await?;
        let mut probed = Vec::new();
        for write in Write::ALL {
            let seen = self.templates.brand().dialect().sees(write);
            let statements = self.statements("probe/write", write.name())?;
            let (outcome, detail) = match (seen, statements.split_last()) {
                (Seen::Absent, _) => (Outcome::Absent, "the brand has no such thing".to_owned()),
                (Seen::Captured, None) => {
                    (Outcome::NotTried, "known to fire triggers, row by row".to_owned())
                }
                (Seen::Missed(how), None) => (Outcome::NotTried, format!("no trigger sees {how}")),
                (_, Some((last, before))) => self.attempt(session, write, before, last).await?,
            };
            let is_expected = match outcome {
                Outcome::Captured => *seen == Seen::Captured,
                Outcome::Missed => matches!(seen, Seen::Missed(_)),
                Outcome::Refused => false,
                Outcome::Absent | Outcome::NotTried => true,
            };
            probed.push(Probed { write, outcome, detail, is_expected });
        }
        Ok(probed)
    }

    /// Makes the probe's tables, the control tables where there are none of use, and the
    /// triggers.
    async fn install(&self, session: &mut dyn Session, config: &Config) -> Result<(), Error> {
        let is_installed = self.number(session, "probe/installed", "installed").await? > 0;
        let tables = self.statements("probe/tables", "")?;
        for statement in &tables {
            session.raw(&statement.sql).await?;
        }
        let ddl: Vec<&str> = tables.iter().map(|statement| statement.sql.as_str()).collect();
        let made = scripts(&self.plan(config, &ddl.join("\n"))?, self.templates)?;
        for script in made {
            let is_wanted = match script.kind {
                ScriptKind::Control => !is_installed,
                ScriptKind::Guid(_) | ScriptKind::Capture(_) => true,
                ScriptKind::View => false,
            };
            for statement in script.statements.iter().filter(|_| is_wanted) {
                let done = session.raw(statement).await;
                done.map_err(|source| Error::Script {
                    script: script.name.clone(),
                    done: "installed",
                    source,
                })?;
            }
        }
        if !is_installed {
            let name = self.templates.statement("run/name_node", &self.context(""))?;
            execute(session, &name, &[("node_id", Value::from("probe"))]).await?;
        }
        Ok(())
    }

    /// What follows the probe's tables, read from their own DDL.
    fn plan(&self, config: &Config, ddl: &str) -> Result<Plan, Error> {
        let brand = self.templates.brand();
        let source = Source { path: "probe/tables", text: ddl };
        let read = schema::parse(&[source], brand);
        let schema = read.map_err(|error| Fault::rejected(error.to_string()))?.schema;
        let mut config = config.clone();
        let choice = TableChoice::Follow(TableOptions::default());
        config.tables = vec![TableRule { pattern: "*".to_owned(), choice, line: 1, column: 1 }];
        let plan = plan::plan(&config, &schema, brand);
        let mut plan = plan.map_err(|error| Fault::rejected(error.to_string()))?;
        plan.namespace.clone_from(&self.namespace);
        Ok(plan)
    }

    /// Writes in one way, and looks at what the outbox has of it.
    async fn attempt(
        &self,
        session: &mut dyn Session,
        write: Write,
        before: &[Statement],
        last: &Statement,
    ) -> Result<(Outcome, String), Error> {
        let statement = |name: &str| self.templates.statement(name, &self.context(""));
        if self.is_rolled_back {
            session.raw(&statement("run/savepoint")?.sql).await?;
        } else {
            self.run(session, "probe/clear").await?;
        }
        let written = self.write(session, write, before, last).await;
        let outcome = match written {
            Ok(()) => {
                let rows = fetch(session, &statement("probe/changes")?, &[]).await?;
                let found: Vec<(String, String)> = rows
                    .iter()
                    .filter_map(|row| {
                        Some((row.text("object_table")?, row.text("object_operation")?))
                    })
                    .collect();
                judge(write, &found)
            }
            Err(Error::Call(crate::outbox::Error::Fault(fault))) if !fault.code.is_empty() => {
                (Outcome::Refused, fault.to_string())
            }
            Err(error) => return Err(error),
        };
        if self.is_rolled_back {
            session.raw(&statement("run/rollback_to_savepoint")?.sql).await?;
        }
        Ok(outcome)
    }

    async fn write(
        &self,
        session: &mut dyn Session,
        write: Write,
        before: &[Statement],
        last: &Statement,
    ) -> Result<(), Error> {
        for statement in before {
            session.raw(&statement.sql).await?;
        }
        self.run(session, "probe/forget").await?;
        match write {
            Write::BulkLoad => {
                session.load(&last.sql, Box::new(iter::once(LOADED.to_owned()))).await?;
            }
            _ => session.raw(&last.sql).await?,
        }
        Ok(())
    }
}

/// Whether the outbox has all of a write.
fn judge(write: Write, found: &[(String, String)]) -> (Outcome, String) {
    let (table, operations): (&str, &[&str]) = match write {
        Write::Insert | Write::BulkLoad => ("ds_probe_plain", &["I"]),
        Write::Update | Write::Upsert => ("ds_probe_plain", &["U"]),
        Write::Delete | Write::Truncate => ("ds_probe_plain", &["D"]),
        Write::KeyChange | Write::Replace => ("ds_probe_plain", &["D", "I"]),
        Write::CascadeDelete => ("ds_probe_child", &["D"]),
        Write::CascadeUpdate => ("ds_probe_child", &["U"]),
        Write::SetNull => ("ds_probe_orphan", &["U"]),
        Write::BulkLoadWithoutTriggers | Write::Swap | Write::DisabledTrigger => ("", &[]),
    };
    let of_table: Vec<&str> = found
        .iter()
        .filter(|(name, _)| name.ends_with(table))
        .map(|(_, operation)| operation.as_str())
        .collect();
    let captured = if of_table.is_empty() { "nothing".to_owned() } else { of_table.join(", ") };
    let outcome = if of_table == operations { Outcome::Captured } else { Outcome::Missed };
    let detail = match outcome {
        Outcome::Captured => captured,
        _ => format!("{captured} in place of {}", operations.join(", ")),
    };
    (outcome, detail)
}
