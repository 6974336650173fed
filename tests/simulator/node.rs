//! The crate's own programs, made once for all histories.

use std::collections::BTreeMap;
use std::sync::Mutex;

use outrigger::config;
use outrigger::dialect::Brand;
use outrigger::import::{Importer, Target, TargetColumn, Targets};
use outrigger::model::LogicalType;
use outrigger::plan::{RoutePlan, plan_routes};
use outrigger::transport::Transport;

use crate::database::{KEY, LAST_UPDATE, TABLES};
use crate::history::Setup;
use crate::templates::templates;
use crate::world::node_name;

/// By brand, node and size of a page.
type Importers = BTreeMap<(Brand, usize, usize), Importer>;

static IMPORTERS: Mutex<Importers> = Mutex::new(BTreeMap::new());

/// The importer of a node, as a process that has just started has it.
pub(crate) fn importer(brand: Brand, node: usize, page_rows: usize) -> Importer {
    let new = || {
        let name = node_name(node).as_str().into();
        Importer::new(templates(brand), targets(brand), name, page_rows).unwrap()
    };
    let mut made = IMPORTERS.lock().unwrap();
    made.entry((brand, node, page_rows)).or_insert_with(new).clone()
}

/// Keeps the statements that an importer has rendered for the next history.
pub(crate) fn keep(brand: Brand, node: usize, page_rows: usize, mut importer: Importer) {
    importer.forget();
    IMPORTERS.lock().unwrap().insert((brand, node, page_rows), importer);
}

/// The transport between two brands.
pub(crate) fn transport(from: Brand, to: Brand, page_rows: usize) -> &'static Transport {
    type Made = BTreeMap<(Brand, Brand, usize), &'static Transport>;
    static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());
    let new = || {
        let made = Transport::new(&templates(from), &templates(to), page_rows).unwrap();
        &*Box::leak(Box::new(made))
    };
    MADE.lock().unwrap().entry((from, to, page_rows)).or_insert_with(new)
}

fn targets(brand: Brand) -> Targets {
    let column = |name: &str| TargetColumn {
        name: name.to_owned(),
        logical_type: if name == LAST_UPDATE { LogicalType::Timestamp } else { LogicalType::Text },
        native_type: String::new(),
        is_identity: false,
        is_nullable: true,
        policy: "capture",
    };
    let tables = TABLES.iter().enumerate().map(|(component, (name, columns))| Target {
        object_table: (*name).to_owned(),
        namespace: None,
        name: (*name).to_owned(),
        key: vec![column(KEY)],
        columns: columns.iter().map(|name| ((*name).to_owned(), column(name))).collect(),
        forbidden: Vec::new(),
        is_record_level: false,
        bound_columns: Vec::new(),
        settles_collisions: false,
        unique_keys: Vec::new(),
        refers_to_itself: false,
        component,
        parents: Vec::new(),
        cascades: Vec::new(),
    });
    let tables = tables.collect();
    Targets {
        brand,
        database: "simulated".to_owned(),
        has_commands: false,
        origins: BTreeMap::new(),
        tables,
    }
}

/// The routes of a history with what they forward, as the crate plans them.
pub(crate) fn routes(setup: &Setup) -> Vec<RoutePlan> {
    type Made = BTreeMap<Vec<(usize, usize)>, Vec<RoutePlan>>;
    static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap();
    made.entry(setup.routes.clone()).or_insert_with(|| planned(setup)).clone()
}

fn planned(setup: &Setup) -> Vec<RoutePlan> {
    let mut text =
        String::from("database: model\nschema: { dialect: sqlite, files: [s.sql] }\nnodes:\n");
    for node in 0..setup.brands.len() {
        let name = node_name(node);
        text.push_str(&format!("  {name}: {{ url: \"sqlite:{name}.db\" }}\n"));
    }
    text.push_str("tables: { \"*\": skip }\nroutes:\n");
    for (index, (from, to)) in setup.routes.iter().enumerate() {
        let (from, to) = (node_name(*from), node_name(*to));
        text.push_str(&format!("  - {{ id: {}, from: {from}, to: {to} }}\n", 1000 + 2 * index));
    }
    plan_routes(&config::parse("model.yaml", &text, &BTreeMap::new()).unwrap())
}
