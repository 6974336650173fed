//! Several nodes with everything installed, the runner between them, an application on each.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use outrigger::config::{self, Config};
use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::import::{self, quarantine};
use outrigger::model::{NodeId, Schema};
use outrigger::plan::{self, plan_routes};
use outrigger::render::{Templates, scripts};
use outrigger::runner::Runner;
use outrigger::schema::{self, Source};
use outrigger::transport;

use super::{Server, TestDatabase};

/// What a network is made of.
pub struct Blueprint<'a> {
    /// Tells several networks of one test apart.
    pub name: &'a str,
    /// The nodes and where each of them runs.
    pub nodes: &'a [(&'a str, &'a Server)],
    /// From, to; the first route is 1000, the next 1002.
    pub routes: &'a [(&'a str, &'a str)],
    /// What stands under `tables:`, indented.
    pub tables: &'a str,
    /// The application's schema as the configuration reads it: PostgreSQL's DDL.
    pub schema: &'a str,
    /// Rows that travel together.
    pub batch_rows: usize,
}

/// Longer than the coarsest clock's tick.
const CLOCK_TICK: Duration = Duration::from_millis(2);

/// Nodes in step, or about to be.
pub struct Network {
    runner: Runner,
    nodes: BTreeMap<String, (TestDatabase, Box<dyn Session>)>,
    /// Rows that transport has left behind because they name another origin.
    pub foreign: u64,
}

/// Whether a brand has all that an import needs.
pub fn is_ready(server: &Server) -> bool {
    Templates::names(server.brand).iter().any(|name| name == "run/update_rows")
}

/// Whether a test cares about a server: it is there, and its brand can be a node.
pub fn ready_servers() -> Vec<&'static Server> {
    super::servers().iter().filter(|server| is_ready(server)).collect()
}

impl Network {
    /// Makes the databases with the application's tables, by `ddl` of a node and its brand, and
    /// installs Outrigger.
    pub async fn set_up(blueprint: &Blueprint<'_>, ddl: impl Fn(&str, Brand) -> String) -> Self {
        let mut databases = BTreeMap::new();
        for (id, server) in blueprint.nodes {
            let name = format!("{}_{id}", blueprint.name);
            databases.insert((*id).to_owned(), TestDatabase::create(server, &name).await);
        }
        let config = configuration(blueprint, &databases);
        let source = Source { path: "schema.sql", text: blueprint.schema };
        let schema = schema::parse(&[source], Brand::Postgres).unwrap().schema;
        let mut nodes = BTreeMap::new();
        let mut urls = BTreeMap::new();
        for (id, database) in databases {
            let mut session = database.connect().await;
            for statement in ddl(&id, database.brand()).split(";\n") {
                if !statement.trim().is_empty() {
                    session.raw(statement).await.unwrap_or_else(|f| panic!("{f}\n{statement}"));
                }
            }
            install(&mut *session, &id, &config, &schema).await;
            urls.insert(NodeId::from(id.as_str()), database.url.clone());
            nodes.insert(id, (database, session));
        }
        let runner = Runner::new(config, schema, urls, BTreeMap::new());
        Self { runner, nodes, foreign: 0 }
    }

    /// The ids of all nodes.
    pub fn ids(&self) -> Vec<String> {
        self.nodes.keys().cloned().collect()
    }

    /// A node's brand.
    pub fn brand(&self, id: &str) -> Brand {
        self.nodes[id].0.brand()
    }

    /// A second session with a node.
    pub async fn connect(&self, id: &str) -> Box<dyn Session> {
        self.nodes[id].0.connect().await
    }

    /// The application's session with a node.
    pub fn application(&mut self, id: &str) -> &mut dyn Session {
        &mut *self.nodes.get_mut(id).expect("it is a node").1
    }

    /// The application changes something. The next change of any node is stamped later: the
    /// clock that a trigger of SQLite reads counts milliseconds.
    pub async fn run(&mut self, id: &str, sql: &str) {
        self.application(id).raw(sql).await.unwrap_or_else(|f| panic!("{id}: {f}\n{sql}"));
        tokio::time::sleep(CLOCK_TICK).await;
    }

    /// All rows of a query, their cells joined by `|`, NULL as `-`.
    pub async fn rows(&mut self, id: &str, sql: &str) -> Vec<String> {
        let rows = self.application(id).fetch(sql, &[]).await;
        let rows = rows.unwrap_or_else(|f| panic!("{id}: {f}\n{sql}"));
        let line = |row: &outrigger::model::Row| {
            let cell = |name: &String| row.text(name).unwrap_or_else(|| "-".to_owned());
            row.columns().iter().map(cell).collect::<Vec<_>>().join("|")
        };
        rows.iter().map(line).collect()
    }

    /// The number that a query counts.
    pub async fn count(&mut self, id: &str, from: &str) -> i64 {
        let rows = self.rows(id, &format!("SELECT count(*) AS n FROM {from}")).await;
        rows[0].parse().unwrap()
    }

    /// One iteration of the transport program of each route.
    pub async fn transport(&mut self) -> Vec<transport::Outcome> {
        let mut outcomes = Vec::new();
        for route in self.runner.routes().to_vec() {
            let outcome = self.runner.transport(&route, &mut |_| {}).await;
            let outcome = outcome.unwrap_or_else(|error| panic!("{}", chain(&error)));
            self.foreign += outcome.foreign;
            outcomes.push(outcome);
        }
        outcomes
    }

    /// One iteration of the import program of each route, added up.
    pub async fn import(&mut self) -> import::Outcome {
        let mut total = import::Outcome::default();
        for route in self.runner.routes().to_vec() {
            let done = self.runner.import(&route, &AtomicBool::new(false), &mut |_| {}).await;
            let done = done.unwrap_or_else(|error| panic!("{}", chain(&error)));
            total.read += done.read;
            total.quarantined += done.quarantined;
            total.released += done.released;
        }
        total
    }

    /// Both once for every route.
    pub async fn turn(&mut self) -> import::Outcome {
        self.transport().await;
        self.import().await
    }

    /// Both programs of all routes until nothing moves any more.
    pub async fn drain(&mut self) {
        for _ in 0..50 {
            let written: u64 = self.transport().await.iter().map(|done| done.written).sum();
            let done = self.import().await;
            if written + done.read + done.released == 0 {
                return;
            }
        }
        panic!("after 50 turns there is still something on its way");
    }

    /// What is in a node's quarantine.
    pub async fn quarantine(&mut self, id: &str) -> Vec<quarantine::Quarantined> {
        let templates = Templates::embedded(self.brand(id));
        quarantine::list(self.application(id), &templates).await.unwrap()
    }

    /// `outrigger quarantine retry`.
    pub async fn retry(&mut self, id: &str, inbox_id: i64) {
        let templates = Templates::embedded(self.brand(id));
        assert!(quarantine::retry(self.application(id), &templates, inbox_id).await.unwrap());
    }

    /// `outrigger quarantine drop`.
    pub async fn drop_change(&mut self, id: &str, inbox_id: i64) {
        let templates = Templates::embedded(self.brand(id));
        let session = self.application(id);
        assert!(quarantine::drop_change(session, &templates, inbox_id).await.unwrap());
    }
}

fn configuration(blueprint: &Blueprint<'_>, databases: &BTreeMap<String, TestDatabase>) -> Config {
    let mut text = String::from(
        "database: testapp\nschema: { dialect: postgres, files: [schema.sql] }\nnodes:\n",
    );
    for (id, database) in databases {
        text.push_str(&format!("  {id}: {{ url: '{}' }}\n", database.url));
    }
    text.push_str(&format!("tables:\n{}\nroutes:\n", blueprint.tables));
    for (index, (from, to)) in blueprint.routes.iter().enumerate() {
        text.push_str(&format!("  - {{ id: {}, from: {from}, to: {to} }}\n", 1000 + 2 * index));
    }
    text.push_str(&format!("limits: {{ batch_rows: {} }}\n", blueprint.batch_rows));
    config::parse("network.yaml", &text, &BTreeMap::new()).unwrap()
}

async fn install(session: &mut dyn Session, id: &str, config: &Config, schema: &Schema) {
    let brand = session.brand();
    let plan = plan::plan(config, schema, brand).unwrap();
    for script in scripts(&plan, &Templates::embedded(brand)).unwrap() {
        for statement in &script.statements {
            session.raw(statement).await.unwrap_or_else(|fault| panic!("{fault}\n{statement}"));
        }
    }
    session.raw(&format!("UPDATE ds_node SET node_id = '{id}'")).await.unwrap();
    for route in plan_routes(config).iter().filter(|route| route.to.as_str() == id) {
        for program in [route.id.transport_program(), route.id.import_program()] {
            let sql = format!(
                "INSERT INTO ds_program_parameter (id, programtype) VALUES ({program}, 'x')"
            );
            session.raw(&sql).await.unwrap();
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!("\ncaused by: {inner}"));
        cause = inner.source();
    }
    text
}
