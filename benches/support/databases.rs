//! The servers, and databases with the application's table and Outrigger's objects.

use std::collections::BTreeMap;
use std::path::Path;

use outrigger::config::{self, Config};
use outrigger::db::{self, Session};
use outrigger::dialect::Brand;
use outrigger::model::{NodeId, Schema};
use outrigger::plan::{self, plan_routes};
use outrigger::render::{Templates, scripts};
use outrigger::schema::{self, Source};

/// The application's table, in words that all brands understand.
pub(crate) const SCHEMA: &str = "CREATE TABLE sales_order (
    order_id varchar(40) PRIMARY KEY, order_type varchar(30), description varchar(200),
    product_type_name varchar(30), customer_id varchar(30), quantity integer, order_date date,
    update_datetime timestamp, updated_by_user varchar(30), updated_by_server varchar(30))";

/// The names of so many tables of the application.
pub(crate) fn tables(count: usize) -> Vec<String> {
    let name = |n: usize| if n == 0 { TABLE.to_owned() } else { format!("{TABLE}_{n}") };
    (0..count).map(name).collect()
}

/// The application's table under one of these names.
pub(crate) fn ddl(table: &str) -> String {
    SCHEMA.replacen(TABLE, table, 1)
}

const TABLE: &str = "sales_order";

/// SQLite, and the servers that the variables name; only those of `only`, where it names any.
pub(crate) fn servers(only: Option<&str>) -> Vec<(Brand, String)> {
    let variable = |name: &str| std::env::vars().find(|(key, _)| key == name).map(|(_, url)| url);
    let found = [
        (Brand::Sqlite, Some(String::new())),
        (Brand::Postgres, variable("OUTRIGGER_TEST_POSTGRES")),
        (Brand::Mysql, variable("OUTRIGGER_TEST_MYSQL")),
    ];
    let is_wanted =
        |brand: Brand| only.is_none_or(|list| list.split(',').any(|name| name == brand.name()));
    let wanted = found.into_iter().filter(|(brand, _)| is_wanted(*brand));
    wanted.filter_map(|(brand, url)| Some((brand, url?))).collect()
}

/// A new database, where one of that name goes; its URL.
pub(crate) async fn create(brand: Brand, base: &str, folder: &Path, name: &str) -> String {
    if brand == Brand::Sqlite {
        let path = folder.join(format!("{name}.db"));
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
        }
        let url = format!("sqlite:{}?mode=rwc", path.display());
        let mut session = db::connect(&url).await.expect("the file can be made");
        session.raw("PRAGMA journal_mode = WAL").await.expect("it is a setting");
        session.close().await.expect("it closes");
        return url;
    }
    let mut session = db::connect(base).await.expect("the server answers");
    session.raw(&format!("DROP DATABASE IF EXISTS {name}")).await.expect("it can be dropped");
    session.raw(&format!("CREATE DATABASE {name}")).await.expect("it can be made");
    session.close().await.expect("it closes");
    let (start, _) = base.rsplit_once('/').expect("the URL has a database");
    format!("{start}/{name}")
}

/// Nodes with so many tables, and a route from `one` to each of the others.
pub(crate) fn configuration(urls: &BTreeMap<NodeId, String>, count: usize) -> Config {
    let mut text =
        String::from("database: bench\nschema: { dialect: postgres, files: [s.sql] }\nnodes:\n");
    for (node, url) in urls {
        text.push_str(&format!("  {node}: {{ url: '{url}' }}\n"));
    }
    text.push_str("tables:\n");
    for table in tables(count) {
        text.push_str(&format!(
            "  {table}: {{ last_update: update_datetime, updated_by_user: updated_by_user, \
             updated_by_server: updated_by_server }}\n"
        ));
    }
    text.push_str("routes:\n");
    for (number, node) in urls.keys().filter(|node| **node != NodeId::from("one")).enumerate() {
        text.push_str(&format!("  - {{ id: {}, from: one, to: {node} }}\n", 1000 + 10 * number));
    }
    config::parse("bench.yaml", &text, &BTreeMap::new()).expect("the configuration is right")
}

/// The application's schema as the model has it.
pub(crate) fn application(count: usize) -> Schema {
    let text: String = tables(count).iter().map(|table| ddl(table) + ";\n").collect();
    let source = Source { path: "schema.sql", text: &text };
    schema::parse(&[source], Brand::Postgres).expect("the DDL is right").schema
}

/// Outrigger's objects, installed on a node.
pub(crate) async fn install(session: &mut dyn Session, node: &NodeId, config: &Config) {
    let brand = session.brand();
    let schema = application(config.tables.len());
    let plan = plan::plan(config, &schema, brand).expect("it can be planned");
    for script in scripts(&plan, &Templates::embedded(brand)).expect("it can be rendered") {
        for statement in &script.statements {
            session.raw(statement).await.expect("the script runs");
        }
    }
    session.raw(&format!("UPDATE ds_node SET node_id = '{node}'")).await.expect("it is named");
    for route in plan_routes(config).iter().filter(|route| route.to == *node) {
        for program in [route.id.transport_program(), route.id.import_program()] {
            let sql = format!(
                "INSERT INTO ds_program_parameter (id, programtype) VALUES ({program}, 'x')"
            );
            session.raw(&sql).await.expect("the program is there");
        }
    }
}
