//! Three databases of three brands that serve one history after the other.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use outrigger::apply;
use outrigger::config::{self, Config};
use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::import::{Importer, Targets};
use outrigger::model::Schema;
use outrigger::plan::{self, RoutePlan, plan_routes};
use outrigger::render::Templates;
use outrigger::schema::{self, Source};
use outrigger::transport::Transport;

use crate::database::{FOLLOWED, ddl};
use crate::history::Setup;
use crate::mechanism::Overrides;
use crate::stage::Place;
use crate::support::network::{Blueprint, Network};
use crate::support::{Server, TestDatabase, servers_of};

/// In this order the brands are places 0, 1 and 2 of [`Nodes`].
pub(crate) const BRANDS: [Brand; 3] = [Brand::Sqlite, Brand::Postgres, Brand::Mysql];

/// Slots of the application: one that commits at once, and two.
const SLOTS: usize = 3;

pub(crate) struct Nodes {
    overrides: Overrides,
    network: Network,
    schema: Schema,
    transports: BTreeMap<(Brand, Brand, usize), Arc<Transport>>,
    importers: BTreeMap<(Brand, usize, usize), Importer>,
    targets: BTreeMap<Brand, Targets>,
}

/// The name of a node: of one digit, so that the order of names is that of numbers.
pub(crate) fn node_name(at: usize) -> String {
    format!("n{at}")
}

/// The id of the route between two nodes, whatever other routes there are.
fn route_id((from, to): (usize, usize)) -> usize {
    1000 + 2 * (from * BRANDS.len() + to)
}

impl Nodes {
    pub(crate) async fn set_up(label: &str, overrides: Overrides) -> Self {
        let server = |brand| servers_of(brand).next().expect("all three brands are there");
        let names: Vec<String> = (0..BRANDS.len()).map(node_name).collect();
        let nodes: Vec<(&str, &Server)> =
            names.iter().zip(BRANDS).map(|(name, brand)| (name.as_str(), server(brand))).collect();
        let text = ddl(Brand::Postgres);
        let blueprint = Blueprint {
            name: label,
            nodes: &nodes,
            routes: &[("n0", "n1")],
            tables: FOLLOWED,
            schema: &text,
            batch_rows: 10,
        };
        let network = Network::set_up(&blueprint, |_, brand| ddl(brand)).await;
        let mut sqlite = network.connect("n0").await;
        // Readers and a writer do not wait for each other, as on the other two.
        sqlite.raw("PRAGMA journal_mode = WAL").await.unwrap();
        sqlite.close().await.unwrap();
        let source = Source { path: "schema.sql", text: &text };
        let schema = schema::parse(&[source], Brand::Postgres).unwrap().schema;
        Self {
            overrides,
            network,
            schema,
            transports: BTreeMap::new(),
            importers: BTreeMap::new(),
            targets: BTreeMap::new(),
        }
    }

    pub(crate) fn database(&self, brand: Brand) -> &TestDatabase {
        let at = BRANDS.iter().position(|known| *known == brand).expect("it is one of three");
        self.network.database(&node_name(at))
    }

    /// A session of the runner.
    pub(crate) async fn connect(&self, brand: Brand) -> Box<dyn Session> {
        let mut session = self.database(brand).connect().await;
        if brand == Brand::Sqlite {
            session.raw("PRAGMA synchronous = OFF").await.unwrap();
        }
        session
    }

    /// How a session behaves where it meets a lock.
    pub(crate) async fn set_patience(session: &mut dyn Session, is_patient: bool) {
        let sql = match (session.brand(), is_patient) {
            (Brand::Sqlite, true) => "PRAGMA busy_timeout = 10000",
            (Brand::Sqlite, false) => "PRAGMA busy_timeout = 0",
            (Brand::Postgres, true) => "SET lock_timeout = 10000",
            (Brand::Postgres, false) => "SET lock_timeout = 1",
            (_, true) => "SET innodb_lock_wait_timeout = 10",
            (_, false) => "SET innodb_lock_wait_timeout = 0",
        };
        session.raw(sql).await.unwrap();
    }

    fn templates(&self, brand: Brand) -> Templates {
        let none = BTreeMap::new();
        let texts = self.overrides.get(&brand).unwrap_or(&none);
        Templates::with_overrides(brand, texts).unwrap()
    }

    /// The configuration of a history, as a person would write it.
    pub(crate) fn configuration(&self, setup: &Setup) -> (Config, Schema) {
        let mut text = String::from(
            "database: testapp\nschema: { dialect: postgres, files: [s.sql] }\nnodes:\n",
        );
        for (at, brand) in setup.brands.iter().enumerate() {
            let url = &self.database(*brand).url;
            writeln!(text, "  {}: {{ url: '{url}' }}", node_name(at)).unwrap();
        }
        writeln!(text, "tables:\n{FOLLOWED}\nroutes:").unwrap();
        for route in &setup.routes {
            let (from, to) = (node_name(route.0), node_name(route.1));
            writeln!(text, "  - {{ id: {}, from: {from}, to: {to} }}", route_id(*route)).unwrap();
        }
        let config = config::parse("histories.yaml", &text, &BTreeMap::new()).unwrap();
        (config, self.schema.clone())
    }

    /// The routes of a history in its own order.
    pub(crate) fn routes(config: &Config, setup: &Setup) -> Vec<RoutePlan> {
        let plans = plan_routes(config);
        let plan = |route: &(usize, usize)| {
            let id = i64::try_from(route_id(*route)).unwrap();
            plans.iter().find(|plan| plan.id.0 == id).expect("it is planned").clone()
        };
        setup.routes.iter().map(plan).collect()
    }

    /// Empties a node for the next history: the application's sessions with it.
    pub(crate) async fn clean(&self, setup: &Setup, at: usize, routes: &[RoutePlan]) -> Place {
        let (name, brand) = (node_name(at), setup.brands[at]);
        let mut slots = Vec::new();
        for _ in 0..SLOTS {
            let mut session = self.connect(brand).await;
            Self::set_patience(&mut *session, slots.is_empty()).await;
            slots.push(session);
        }
        let mut statements = vec!["BEGIN".to_owned()];
        let tables = "item dated record ds_change_outbox ds_change_inbox ds_change_version \
            ds_quarantine ds_conflict ds_exchange ds_program_parameter";
        statements.extend(tables.split(' ').map(|table| format!("DELETE FROM {table}")));
        statements.push(format!(
            "UPDATE ds_node SET node_id = '{name}', fold_cursor = NULL, \
             stamp_floor = '1970-01-01 00:00:00.000000'"
        ));
        for route in routes.iter().filter(|route| route.to.as_str() == name) {
            for id in [route.id.transport_program(), route.id.import_program()] {
                statements.push(format!(
                    "INSERT INTO ds_program_parameter (id, programtype) VALUES ({id}, 'x')"
                ));
            }
        }
        statements.push("COMMIT".to_owned());
        slots[0].raw(&statements.join("; ")).await.unwrap();
        Self::set_patience(&mut *slots[0], false).await;
        let can_be_ahead = brand == Brand::Mysql;
        Place {
            name,
            brand,
            slots,
            open: BTreeMap::new(),
            is_joined: setup.late != Some(at),
            is_away: false,
            skew: if can_be_ahead { setup.skews[at].max(0) } else { 0 },
            writes: 0,
            committed: 0,
            moment: 0,
        }
    }

    /// The transport between two nodes.
    pub(crate) fn transport(&mut self, setup: &Setup, from: usize, to: usize) -> Arc<Transport> {
        let (from, to, page_rows) = (setup.brands[from], setup.brands[to], setup.page_rows);
        if let Some(known) = self.transports.get(&(from, to, page_rows)) {
            return known.clone();
        }
        let (source, target) = (self.templates(from), self.templates(to));
        let new = Arc::new(Transport::new(&source, &target, page_rows).unwrap());
        self.transports.insert((from, to, page_rows), new.clone());
        new
    }

    /// The importer of a node, as a process that has just started has it.
    pub(crate) async fn importer(&mut self, setup: &Setup, at: usize) -> Importer {
        let (brand, page_rows) = (setup.brands[at], setup.page_rows);
        if let Some(known) = self.importers.get(&(brand, at, page_rows)) {
            return known.clone();
        }
        let templates = self.templates(brand);
        if !self.targets.contains_key(&brand) {
            let mut session = self.connect(brand).await;
            let live = apply::inspect(&mut *session, &templates).await.unwrap();
            let (config, schema) = self.configuration(setup);
            let plan = plan::plan(&config, &schema, brand).unwrap();
            self.targets.insert(brand, Targets::new(&plan, &live).unwrap());
        }
        let targets = self.targets[&brand].clone();
        let name = node_name(at).as_str().into();
        let new = Importer::new(templates, targets, name, page_rows).unwrap();
        self.importers.insert((brand, at, page_rows), new.clone());
        new
    }

    /// Keeps the statements that an importer has rendered for the next history.
    pub(crate) fn keep(&mut self, setup: &Setup, at: usize, mut importer: Importer) {
        importer.forget();
        self.importers.insert((setup.brands[at], at, setup.page_rows), importer);
    }
}
