//! The crate's own programs, made once for all histories.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use outrigger::config::{self, Config};
use outrigger::dialect::Brand;
use outrigger::import::{Circular, Importer, Reference, Storage, Target, TargetColumn, Targets};
use outrigger::model::{Action, LogicalType, Schema};
use outrigger::outbox::PageSize;
use outrigger::plan::{RoutePlan, plan_routes};
use outrigger::runner::Runner;
use outrigger::transport::Transport;

use crate::constraint::{REFERENCES, UNIQUE, references_of};
use crate::database::{KEY, LAST_UPDATE, TABLES, is_record};
use crate::history::{Setup, Switch};
use crate::templates::templates;
use crate::world::node_name;

/// By brand, node, size of a page and what is taken out.
type Importers = BTreeMap<(Brand, usize, usize, Option<Switch>), Importer>;

static IMPORTERS: Mutex<Importers> = Mutex::new(BTreeMap::new());

/// The size of a page: where it has five rows, a few bytes are the end of it more often.
fn page_size(rows: usize) -> PageSize {
    let bytes = if rows == 5 { 40 } else { PageSize::BYTES };
    PageSize { rows, bytes }
}

/// The importer of a node, as a process that has just started has it.
pub(crate) fn importer(setup: &Setup, node: usize, switch: Option<Switch>) -> Importer {
    let (brand, page_rows) = (setup.brands[node], setup.page_rows);
    let new = || {
        let (name, size) = (node_name(node).as_str().into(), page_size(page_rows));
        Importer::new(templates(brand), targets(brand, switch), name, size).unwrap()
    };
    let mut made = IMPORTERS.lock().unwrap();
    made.entry((brand, node, page_rows, switch)).or_insert_with(new).clone()
}

/// Keeps the statements that an importer has rendered for the next history.
pub(crate) fn keep(setup: &Setup, node: usize, switch: Option<Switch>, mut importer: Importer) {
    importer.forget();
    let name = (setup.brands[node], node, setup.page_rows, switch);
    IMPORTERS.lock().unwrap().insert(name, importer);
}

/// The transport between two brands.
pub(crate) fn transport(from: Brand, to: Brand, page_rows: usize) -> &'static Transport {
    type Made = BTreeMap<(Brand, Brand, usize), &'static Transport>;
    static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());
    let new = || {
        let made = Transport::new(&templates(from), &templates(to), page_size(page_rows)).unwrap();
        &*Box::leak(Box::new(made))
    };
    MADE.lock().unwrap().entry((from, to, page_rows)).or_insert_with(new)
}

fn targets(brand: Brand, switch: Option<Switch>) -> Targets {
    let unique = |table: &str| {
        let of_table = UNIQUE.iter().filter(|(known, _)| *known == table);
        of_table.map(|(_, column)| (*column).to_owned()).collect::<Vec<_>>().into_iter()
    };
    let bound = |table: &str| {
        unique(table).chain(references_of(table).map(|r| r.column.to_owned())).collect()
    };
    let references = |table: &str| {
        let references = REFERENCES.iter().filter(|r| r.parent == table);
        let reference = |r: &crate::constraint::Reference| Reference {
            child: at(r.child),
            columns: vec![r.column.to_owned()],
            referenced: vec![KEY.to_owned()],
            on_delete: if r.cascades { Action::Cascade } else { Action::NoAction },
            on_update: Action::NoAction,
        };
        references.map(reference).collect()
    };
    let column = |table: &str, name: &str| TargetColumn {
        name: name.to_owned(),
        logical_type: if name == LAST_UPDATE { LogicalType::Timestamp } else { LogicalType::Text },
        native_type: String::new(),
        storage: Storage::of(brand, ""),
        is_identity: false,
        is_nullable: is_nullable(table, name, switch),
        policy: "capture",
    };
    let tables = TABLES.iter().enumerate().map(|(component, (name, columns))| Target {
        object_table: (*name).to_owned(),
        namespace: None,
        name: (*name).to_owned(),
        key: vec![column(name, KEY)],
        columns: columns.iter().map(|one| ((*one).to_owned(), column(name, one))).collect(),
        forbidden: Vec::new(),
        dropped: Vec::new(),
        awaited: Vec::new(),
        is_record_level: is_record(name),
        bound_columns: bound(name),
        settles_collisions: true,
        unique_keys: unique(name).map(|column| vec![column]).collect(),
        refers_to_itself: references_of(name).any(|r| r.parent == *name),
        component: references_of(name).map(|r| at(r.parent)).chain([component]).min().unwrap(),
        parents: references_of(name).filter(|r| r.parent != *name).map(|r| at(r.parent)).collect(),
        references: references(name),
        circular: circular(name, switch),
        has_guid: false,
    });
    let tables = tables.collect();
    Targets {
        brand,
        database: "simulated".to_owned(),
        has_commands: false,
        origins: BTreeMap::new(),
        tables,
        index: OnceLock::new(),
    }
}

fn at(table: &str) -> usize {
    TABLES.iter().position(|(name, _)| *name == table).unwrap()
}

fn circular(table: &str, switch: Option<Switch>) -> Vec<Circular> {
    let references = references_of(table).filter(|reference| reference.is_circular);
    let references = references.filter(|_| switch != Some(Switch::Together));
    let circular = references.map(|r| Circular {
        parent: at(r.parent),
        columns: vec![r.column.to_owned()],
        referenced: vec![KEY.to_owned()],
    });
    circular.collect()
}

fn is_nullable(table: &str, column: &str, switch: Option<Switch>) -> bool {
    let reference = references_of(table).find(|r| r.column == column && r.is_circular);
    reference.is_none_or(|r| r.is_nullable && switch != Some(Switch::Opened))
}

/// The routes of a history with what they forward, as the crate plans them.
pub(crate) fn routes(setup: &Setup) -> Vec<RoutePlan> {
    type Made = BTreeMap<Vec<(usize, usize)>, Vec<RoutePlan>>;
    static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap();
    made.entry(setup.routes.clone()).or_insert_with(|| plan_routes(&configured(setup))).clone()
}

/// A runner that reaches a history's nodes by the sessions that it is lent.
pub(crate) fn runner(setup: &Setup) -> Runner {
    let config = configured(setup);
    let mut runner = Runner::new(config, Schema::default(), BTreeMap::new(), BTreeMap::new());
    for brand in &setup.brands {
        runner = runner.with_templates(templates(*brand));
    }
    runner
}

fn configured(setup: &Setup) -> Config {
    let mut text = String::from("database: model\nschema: { dialect: sqlite, files: [s.sql] }\n");
    text.push_str(&format!("limits: {{ batch_rows: {} }}\nnodes:\n", setup.page_rows));
    for node in 0..setup.brands.len() {
        let name = node_name(node);
        text.push_str(&format!("  {name}: {{ url: \"sqlite:{name}.db\" }}\n"));
    }
    text.push_str("tables: { \"*\": skip }\nroutes:\n");
    for (index, (from, to)) in setup.routes.iter().enumerate() {
        let (from, to) = (node_name(*from), node_name(*to));
        text.push_str(&format!("  - {{ id: {}, from: {from}, to: {to} }}\n", 1000 + 2 * index));
    }
    config::parse("model.yaml", &text, &BTreeMap::new()).unwrap()
}
