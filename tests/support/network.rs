//! Several nodes with everything installed, the runner between them, an application on each.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use outrigger::config::{self, Config};
use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::import::{self, Importer, Targets, quarantine};
use outrigger::model::{NodeId, Schema};
use outrigger::plan::{self, RoutePlan, plan_routes};
use outrigger::render::{ScriptKind, Templates, scripts};
use outrigger::runner::{Outlook, Runner};
use outrigger::schema::{self, Source};
use outrigger::transport::{self, Transport};

use super::oracle::Oracle;
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
    /// Its runner; [`Network::renew`] makes another.
    pub runner: Runner,
    configured: (Config, Schema),
    /// What each node's triggers were made of.
    captured: BTreeMap<String, (Config, Schema)>,
    overrides: BTreeMap<Brand, BTreeMap<String, String>>,
    nodes: BTreeMap<String, (TestDatabase, Box<dyn Session>)>,
    /// Rows that transport has left behind because they name another origin.
    pub foreign: u64,
    oracle: Oracle,
    is_watched: bool,
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
        Self::set_up_with_stores(blueprint, &[], ddl).await
    }

    /// The same; some nodes have no tables and only forward.
    pub async fn set_up_with_stores(
        blueprint: &Blueprint<'_>,
        stores: &[&str],
        ddl: impl Fn(&str, Brand) -> String,
    ) -> Self {
        let mut databases = BTreeMap::new();
        for (id, server) in blueprint.nodes {
            let name = format!("{}_{id}", blueprint.name);
            databases.insert((*id).to_owned(), TestDatabase::create(server, &name).await);
        }
        let config = configuration(blueprint, &databases, stores);
        let source = Source { path: "schema.sql", text: blueprint.schema };
        let schema = schema::parse(&[source], Brand::Postgres).unwrap().schema;
        let mut nodes = BTreeMap::new();
        let mut urls = BTreeMap::new();
        for (id, database) in databases {
            let mut session = database.connect().await;
            let ddl =
                if stores.contains(&&*id) { String::new() } else { ddl(&id, database.brand()) };
            for statement in ddl.split(";\n") {
                if !statement.trim().is_empty() {
                    session.raw(statement).await.unwrap_or_else(|f| panic!("{f}\n{statement}"));
                }
            }
            install(&mut *session, &id, &config, &schema).await;
            urls.insert(NodeId::from(id.as_str()), database.url.clone());
            nodes.insert(id, (database, session));
        }
        let configured = (config.clone(), schema.clone());
        let runner = Runner::new(config, schema, urls, BTreeMap::new());
        let (oracle, is_watched) = (Oracle::default(), true);
        let captured = nodes.keys().map(|id| (id.clone(), configured.clone())).collect();
        let overrides = BTreeMap::new();
        let mut network =
            Self { runner, configured, captured, overrides, nodes, foreign: 0, oracle, is_watched };
        for id in network.ids() {
            network.begins_anew(&id).await;
        }
        network
    }

    /// Goes on without the difference oracle, which otherwise looks at all nodes before and after
    /// each import: for a test that writes around the triggers on purpose.
    pub fn writes_around_the_triggers(&mut self) {
        self.is_watched = false;
    }

    /// What a node holds now is taken as it is, because it was restored or written by hand.
    pub async fn begins_anew(&mut self, id: &str) {
        if self.is_store(id) {
            return;
        }
        let begun = self.oracle.begin(id, &self.nodes[id].0, &self.configured).await;
        begun.unwrap_or_else(|refusal| panic!("{id} cannot be looked at: {refusal}"));
    }

    /// What changed on any node since the last look and is explained by no outbox or inbox row.
    pub async fn unexplained(&mut self) -> Vec<String> {
        let mut complaints = Vec::new();
        let stores: Vec<String> = self.ids().into_iter().filter(|id| self.is_store(id)).collect();
        for (id, (database, _)) in self.nodes.iter().filter(|(id, _)| !stores.contains(id)) {
            let looked = self.oracle.unexplained(id, database).await;
            complaints.extend(looked.unwrap_or_else(|refusal| panic!("{id}: {refusal}")));
        }
        complaints
    }

    /// Fails if something changed that nobody explains.
    pub async fn watch(&mut self) {
        if self.is_watched {
            let complaints = self.unexplained().await;
            assert!(complaints.is_empty(), "nobody explains\n{}", complaints.join("\n"));
        }
    }

    /// Another runner, as if the process began anew; the old one's sessions end.
    pub async fn renew(&mut self) {
        let url = |(id, node): (&String, &(TestDatabase, _))| {
            (NodeId::from(id.as_str()), node.0.url.clone())
        };
        let urls = self.nodes.iter().map(url).collect();
        let (config, schema) = self.configured.clone();
        let runner = Runner::new(config, schema, urls, self.overrides.clone());
        std::mem::replace(&mut self.runner, runner).close().await;
    }

    /// Goes on with these routes of the configuration, as if the others were taken out of it.
    pub async fn choose_routes(&mut self, routes: &[config::Route]) {
        self.configured.0.routes = routes.to_vec();
        self.renew().await;
    }

    /// Goes on with another schema, and another configuration of its tables.
    pub async fn configure(&mut self, schema: &str, tables: &str) {
        let source = Source { path: "schema.sql", text: schema };
        let schema = schema::parse(&[source], Brand::Postgres).unwrap().schema;
        let mut config = self.configured.0.clone();
        let text = format!(
            "database: testapp\nschema: {{ node: a }}\nnodes:\n  a: {{ url: 'sqlite:a' }}\n\
             tables:\n{tables}\nroutes: []\n"
        );
        config.tables = config::parse("tables.yaml", &text, &BTreeMap::new()).unwrap().tables;
        self.configured = (config, schema);
        self.renew().await;
    }

    /// Takes a node's triggers away, alters its tables, and installs the triggers that the
    /// configuration wants now.
    pub async fn migrate(&mut self, id: &str, ddl: &str) {
        let brand = self.brand(id);
        let capture = |(config, schema): &(Config, Schema)| {
            let plan = plan::plan_node(config, schema, &NodeId::from(id), brand).unwrap();
            let mut scripts = scripts(&plan, &Templates::embedded(brand)).unwrap();
            scripts.retain(|script| matches!(script.kind, ScriptKind::Capture(_)));
            scripts
        };
        let old = capture(&self.captured[id]).into_iter().flat_map(|script| script.removal);
        let new = capture(&self.configured).into_iter().flat_map(|script| script.statements);
        let ddl = ddl.split(";\n").map(str::to_owned).filter(|sql| !sql.is_empty());
        for sql in old.chain(ddl).chain(new) {
            let done = self.application(id).raw(&sql).await;
            done.unwrap_or_else(|fault| panic!("{fault}\n{sql}"));
        }
        self.captured.insert(id.to_owned(), self.configured.clone());
    }

    /// The routes of the configuration.
    pub fn configured_routes(&self) -> Vec<config::Route> {
        self.configured.0.routes.clone()
    }

    /// Goes on with other limits.
    pub async fn limit(&mut self, change: impl FnOnce(&mut config::Limits)) {
        change(&mut self.configured.0.limits);
        self.renew().await;
    }

    /// Goes on with a template of the user's own.
    pub async fn override_template(&mut self, brand: Brand, name: &str, text: String) {
        self.overrides.entry(brand).or_default().insert(name.to_owned(), text);
        self.renew().await;
    }

    /// Goes on with the template of the program again.
    pub async fn builtin_template(&mut self, brand: Brand, name: &str) {
        self.overrides.entry(brand).or_default().remove(name);
        self.renew().await;
    }

    /// Where a node's database is.
    pub fn url(&self, id: &str) -> String {
        self.nodes[id].0.url.clone()
    }

    /// A node's database.
    #[allow(dead_code, reason = "only tests/histories.rs asks")]
    pub fn database(&self, id: &str) -> &TestDatabase {
        &self.nodes[id].0
    }

    /// Ends all sessions with a node, does something to its database, and begins anew.
    pub async fn while_away(&mut self, id: &str, work: impl AsyncFnOnce(&TestDatabase)) {
        let (database, session) = self.nodes.remove(id).expect("it is a node");
        session.close().await.unwrap();
        self.runner_without_sessions().await;
        work(&database).await;
        let session = database.connect().await;
        self.nodes.insert(id.to_owned(), (database, session));
        self.begins_anew(id).await;
        self.renew().await;
    }

    /// Opens all sessions anew, after their servers were killed.
    pub async fn reconnect(&mut self) {
        for (database, session) in self.nodes.values_mut() {
            *session = database.connect().await;
        }
        self.renew().await;
    }

    async fn runner_without_sessions(&mut self) {
        let (config, schema) = self.configured.clone();
        let runner = Runner::new(config, schema, BTreeMap::new(), BTreeMap::new());
        std::mem::replace(&mut self.runner, runner).close().await;
    }

    /// One iteration of one route's transport, or what it says instead, with its causes.
    pub async fn try_transport(&mut self, route: i64) -> Result<transport::Outcome, String> {
        let route = self.runner.routes().iter().find(|known| known.id.0 == route).cloned();
        let done = self.runner.transport(&route.expect("it is a route"), &mut |_| {}).await;
        done.map_err(|error| chain(&error))
    }

    /// Whether a node has no tables and only forwards.
    pub fn is_store(&self, id: &str) -> bool {
        self.runner.is_store(&NodeId::from(id))
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
        self.watch().await;
        let total = self.import_all().await;
        self.watch().await;
        total
    }

    async fn import_all(&mut self) -> import::Outcome {
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
        self.watch().await;
        for _ in 0..50 {
            let written: u64 = self.transport().await.iter().map(|done| done.written).sum();
            let done = self.import_all().await;
            if written + done.read + done.released == 0 {
                return self.watch().await;
            }
        }
        panic!("after 50 turns there is still something on its way");
    }

    /// One iteration of one route's import, or what it says instead, with its causes.
    pub async fn try_import(&mut self, route: i64) -> Result<import::Outcome, String> {
        let route = self.runner.routes().iter().find(|known| known.id.0 == route).cloned();
        let route = route.expect("it is a route");
        self.watch().await;
        let done = self.runner.import(&route, &AtomicBool::new(false), &mut |_| {}).await;
        self.watch().await;
        done.map_err(|error| chain(&error))
    }

    /// A node's importer, without the runner around it.
    pub async fn importer(&mut self, id: &str) -> Importer {
        let (config, schema) = self.configured.clone();
        let session = self.application(id);
        let plan = plan::plan(&config, &schema, session.brand()).unwrap();
        let live = super::introspect(session).await;
        let targets = Targets::new(&plan, &live).unwrap();
        let templates = Templates::embedded(session.brand());
        Importer::new(templates, targets, NodeId::from(id), config.limits.batch_rows).unwrap()
    }

    /// A route and its transport, without the runner around it.
    pub fn transport_of(&self, route: i64) -> (RoutePlan, Transport) {
        let route = self.runner.routes().iter().find(|known| known.id.0 == route).cloned();
        let route = route.expect("it is a route");
        let templates = |node: &NodeId| Templates::embedded(self.brand(node.as_str()));
        let rows = self.configured.0.limits.batch_rows;
        let transport = Transport::new(&templates(&route.from), &templates(&route.to), rows);
        (route, transport.unwrap())
    }

    /// `outrigger import NODE --dry-run --explain`.
    pub async fn explain(&mut self, id: &str) -> (Vec<import::ExplainedSet>, Vec<Outlook>) {
        let mut routes = self.runner.routes().to_vec();
        routes.retain(|route| route.to.as_str() == id);
        let mut sets = Vec::new();
        let node = NodeId::from(id);
        let done = self
            .runner
            .explain_import(&node, &routes, &AtomicBool::new(false), &mut |set| sets.push(set))
            .await;
        let outlooks = done.unwrap_or_else(|error| panic!("{}", chain(&error)));
        (sets, outlooks)
    }

    /// Everything in a node's database, ids that are still to be given included.
    pub async fn dump(&mut self, id: &str) -> Vec<String> {
        let (brand, url) = (self.brand(id), self.url(id));
        let mut lines = Vec::new();
        if brand == Brand::Sqlite {
            let path = url.trim_start_matches("sqlite:").split('?').next().unwrap_or_default();
            return vec![format!("{:?}", std::fs::read(path).unwrap())];
        }
        let (tables, numbers) = match brand {
            Brand::Postgres => (
                "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS t FROM pg_tables
                 WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
                "SELECT sequencename::text AS s, last_value::text AS v FROM pg_sequences ORDER BY 1",
            ),
            _ => (
                "SELECT table_name AS t FROM information_schema.tables
                 WHERE table_schema = database() AND table_type = 'BASE TABLE' ORDER BY 1",
                "SELECT table_name AS s, CAST(auto_increment AS char) AS v
                 FROM information_schema.tables WHERE table_schema = database() ORDER BY 1",
            ),
        };
        for table in self.rows(id, tables).await {
            let row = if brand == Brand::Postgres {
                "t::text".to_owned()
            } else {
                let columns = format!(
                    "SELECT column_name AS c FROM information_schema.columns
                     WHERE table_schema = database() AND table_name = '{table}' ORDER BY 1"
                );
                let columns = self.rows(id, &columns).await;
                let cells = columns.iter().map(|name| format!("coalesce(`{name}`, 'NULL')"));
                format!("concat_ws('|', {})", cells.collect::<Vec<_>>().join(", "))
            };
            let rows =
                self.rows(id, &format!("SELECT {row} AS v FROM {table} AS t ORDER BY 1")).await;
            lines.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
        }
        lines.extend(self.rows(id, numbers).await);
        lines
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
        self.watch().await;
        self.oracle.drop_change(id, inbox_id);
        let session = self.application(id);
        assert!(quarantine::drop_change(session, &templates, inbox_id).await.unwrap());
    }
}

fn configuration(
    blueprint: &Blueprint<'_>,
    databases: &BTreeMap<String, TestDatabase>,
    stores: &[&str],
) -> Config {
    let mut text = String::from(
        "database: testapp\nschema: { dialect: postgres, files: [schema.sql] }\nnodes:\n",
    );
    for (id, database) in databases {
        let is_store = stores.contains(&&**id);
        text.push_str(&format!("  {id}: {{ url: '{}', store: {is_store} }}\n", database.url));
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
    let plan = plan::plan_node(config, schema, &NodeId::from(id), brand).unwrap();
    for script in scripts(&plan, &Templates::embedded(brand)).unwrap() {
        for statement in &script.statements {
            session.raw(statement).await.unwrap_or_else(|fault| panic!("{fault}\n{statement}"));
        }
    }
    session.raw(&format!("UPDATE ds_node SET node_id = '{id}'")).await.unwrap();
    for route in plan_routes(config).iter().filter(|route| route.to.as_str() == id) {
        let imports = (!config.is_store(&route.to)).then_some(route.id.import_program());
        for program in [Some(route.id.transport_program()), imports].into_iter().flatten() {
            let sql = format!(
                "INSERT INTO ds_program_parameter (id, programtype) VALUES ({program}, 'x')"
            );
            session.raw(&sql).await.unwrap();
        }
    }
}

pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!("\ncaused by: {inner}"));
        cause = inner.source();
    }
    text
}
