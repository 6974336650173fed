//! What shall be on one node: scripts, its name, the programs of the routes that end there.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::{Config, TableChoice};
use crate::db::Session;
use crate::model::{NodeId, TableName, Value};
use crate::outbox::{self, execute};
use crate::plan::{DROPPED, Plan, RoutePlan, TablePlan, plan_routes};
use crate::render::{self, Script, Templates, scripts};

/// Carries the outbox of one node to the inbox of another.
const TRANSPORT: &str = "outbox to inbox transport";
/// Brings an inbox into the application's tables.
const IMPORT: &str = "inbox to apptable import";

/// Everything that shall be on one node.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The node.
    pub node: NodeId,
    /// What is followed there.
    pub plan: Plan,
    /// What is installed there, in this order.
    pub scripts: Vec<Script>,
    /// The programs of the routes that end there, by number.
    pub programs: Vec<Program>,
}

/// A row of `ds_program_parameter`, under the columns' names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its number.
    pub id: i64,
    /// What it does.
    pub programtype: &'static str,
    /// The same for people.
    pub description: String,
    /// The node it reads.
    pub fromserver: String,
    /// The database there.
    pub fromdb: String,
    /// The table there.
    pub fromtable: &'static str,
    /// Where the URL stands; never the URL, which may hold a password.
    pub fromconnectionstring: String,
    /// The node it writes.
    pub toserver: String,
    /// The database there.
    pub todb: String,
    /// The table there, or `apptable` for the application's.
    pub totable: &'static str,
    /// As `fromconnectionstring`.
    pub toconnectionstring: String,
}

impl<'a> Wanted<'a> {
    /// Decides what shall be on `node`, whose brand is that of `plan` and of `templates`.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn new(
        config: &'a Config,
        node: &NodeId,
        plan: Plan,
        templates: &Templates,
    ) -> Result<Self, render::Error> {
        let scripts = scripts(&plan, templates)?;
        let routes = plan_routes(config);
        let ending = routes.iter().filter(|route| route.to == *node);
        let programs = ending.flat_map(|route| programs(config, route)).collect();
        Ok(Self { config, node: node.clone(), plan, scripts, programs })
    }

    /// The columns of a table that the configuration calls `dropped`, whether they are there or
    /// not.
    pub(super) fn dropped(&self, object_table: &str) -> impl Iterator<Item = &String> {
        let of_table = move |table: &&TablePlan| table.object_table == object_table;
        let left_out = self.plan.tables.iter().find(of_table).map(|table| &table.left_out);
        let dropped = left_out.into_iter().flatten().filter(|column| column.why == DROPPED);
        dropped.map(|column| &column.name)
    }

    /// Whether the configuration says that a table is left alone, on purpose.
    #[must_use]
    pub fn skips(&self, object_table: &str) -> bool {
        let rule = self.config.rule_for(&TableName::plain(object_table));
        rule.is_some_and(|rule| rule.choice == TableChoice::Skip)
    }
}

/// Writes the rows of a route's programs to `ds_program_parameter` of its target, where they
/// are missing: `apply` does it, and so does whoever runs a route for the first time on a node
/// whose objects another tool installed.
///
/// # Errors
/// When the database refuses.
pub async fn ensure_programs(
    session: &mut dyn Session,
    templates: &Templates,
    config: &Config,
    route: &RoutePlan,
) -> Result<(), outbox::Error> {
    let namespace = templates.brand().dialect().default_namespace.as_deref();
    let context = BTreeMap::from([("namespace", namespace)]);
    let statement = templates.statement("run/write_program", &context)?;
    for program in programs(config, route) {
        execute(session, &statement, &program.values()).await?;
    }
    Ok(())
}

/// The programs of a route, which run against its target: its transport, and its import where the
/// target has tables to import into.
fn programs(config: &Config, route: &RoutePlan) -> Vec<Program> {
    let (from, to, database) = (&route.from, &route.to, &config.database);
    let transport = Program {
        id: route.id.transport_program(),
        programtype: TRANSPORT,
        description: format!("{from}:{database} outbox transport to {to}:{database} inbox"),
        fromserver: from.0.clone(),
        fromdb: database.clone(),
        fromtable: "ds_change_outbox",
        fromconnectionstring: place(config, from),
        toserver: to.0.clone(),
        todb: database.clone(),
        totable: "ds_change_inbox",
        toconnectionstring: place(config, to),
    };
    let import = Program {
        id: route.id.import_program(),
        programtype: IMPORT,
        description: format!("{to}:{database} import from inbox to apptable"),
        fromserver: to.0.clone(),
        fromtable: "ds_change_inbox",
        fromconnectionstring: place(config, to),
        totable: "apptable",
        ..transport.clone()
    };
    if config.is_store(to) { vec![transport] } else { vec![transport, import] }
}

/// `node server1 of outrigger.yaml`: the folder is another one on every machine.
fn place(config: &Config, node: &NodeId) -> String {
    let name = Path::new(&config.path).file_name().map(|name| name.to_string_lossy());
    format!("node {node} of {}", name.unwrap_or_default())
}

impl Program {
    /// What the statement `write_program` binds.
    pub(super) fn values(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("id", self.id.into()),
            ("programtype", self.programtype.into()),
            ("description", self.description.as_str().into()),
            ("status", Value::Null),
            ("fromserver", self.fromserver.as_str().into()),
            ("fromdb", self.fromdb.as_str().into()),
            ("fromtable", self.fromtable.into()),
            ("fromconnectionstring", self.fromconnectionstring.as_str().into()),
            ("toserver", self.toserver.as_str().into()),
            ("todb", self.todb.as_str().into()),
            ("totable", self.totable.into()),
            ("toconnectionstring", self.toconnectionstring.as_str().into()),
        ]
    }
}
