//! Two nodes kept in step, over every ordered pair of servers that run.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use outrigger::config::{self, Config};
use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::import::{Importer, Progress, Targets};
use outrigger::model::{NodeId, Schema};
use outrigger::plan::{self, plan_routes};
use outrigger::render::{Templates, scripts};
use outrigger::runner::Runner;
use outrigger::schema::{self, Source};
use outrigger::transport::Transport;

use crate::support::{self, TestDatabase};

const SCHEMA: &str = "
CREATE TABLE customer (
    customer_id integer PRIMARY KEY,
    name varchar(60) NOT NULL
);
CREATE TABLE sales_order (
    order_id varchar(40) PRIMARY KEY,
    order_type varchar(30),
    description varchar(200),
    customer_id integer REFERENCES customer (customer_id),
    quantity integer,
    update_datetime timestamp,
    updated_by_user varchar(30),
    updated_by_server varchar(30)
);
";

fn pair(from: &TestDatabase, to: &TestDatabase) -> Config {
    let text = format!(
        "database: testapp\nschema: {{ dialect: postgres, files: [schema.sql] }}\nnodes:\n  \
         one: {{ url: '{}' }}\n  two: {{ url: '{}' }}\ntables:\n  sales_order:\n    \
         last_update: update_datetime\n    updated_by_user: updated_by_user\n    \
         updated_by_server: updated_by_server\n  customer: follow\nroutes:\n  \
         - {{ id: 1000, from: one, to: two }}\n  - {{ id: 1002, from: two, to: one }}\n",
        from.url, to.url
    );
    config::parse("pair.yaml", &text, &BTreeMap::new()).unwrap()
}

fn application() -> Schema {
    let source = Source { path: "schema.sql", text: SCHEMA };
    schema::parse(&[source], Brand::Postgres).unwrap().schema
}

struct Node {
    id: NodeId,
    brand: Brand,
    session: Box<dyn Session>,
    importer: Importer,
}

impl Node {
    async fn set_up(database: &TestDatabase, id: &str, config: &Config) -> Self {
        let mut session = database.connect().await;
        let brand = database.brand();
        for statement in SCHEMA.split(';').filter(|text| !text.trim().is_empty()) {
            session.raw(statement).await.unwrap();
        }
        let plan = plan::plan(config, &application(), brand).unwrap();
        let templates = Templates::embedded(brand);
        for script in scripts(&plan, &templates).unwrap() {
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
        let live = support::introspect(&mut *session).await;
        let targets = Targets::new(&plan, &live).unwrap();
        let importer = Importer::new(templates, targets, NodeId::from(id), 1000).unwrap();
        Self { id: NodeId::from(id), brand, session, importer }
    }

    async fn rows(&mut self, table: &str) -> Vec<String> {
        let sql = match table {
            "sales_order" => {
                "SELECT order_id, order_type, description, CAST(customer_id AS char(10)) AS c, \
                 CAST(quantity AS char(10)) AS q, updated_by_user FROM sales_order ORDER BY 1"
            }
            _ => "SELECT CAST(customer_id AS char(10)) AS id, name FROM customer ORDER BY 1",
        };
        let rows = self.session.fetch(sql, &[]).await.unwrap();
        rows.iter()
            .map(|row| {
                let texts: Vec<String> = row
                    .columns()
                    .iter()
                    .map(|name| row.text(name).map_or("-".into(), |text| text.trim().to_owned()))
                    .collect();
                texts.join("|")
            })
            .collect()
    }
}

async fn carry(config: &Config, from: &mut Node, to: &mut Node) {
    let routes = plan_routes(config);
    let route = routes.iter().find(|route| route.from == from.id && route.to == to.id).unwrap();
    let (source, target) = (Templates::embedded(from.brand), Templates::embedded(to.brand));
    let transport = Transport::new(&source, &target, 1000).unwrap();
    transport.carry(route, &mut *from.session, &mut *to.session, &mut |_| {}).await.unwrap();
    while let Progress::More(_) =
        to.importer.import_batch(&mut *to.session, route.id).await.unwrap()
    {}
}

#[test]
fn the_story_of_datajoin_over_every_pair() {
    support::block_on(async {
        for from in support::servers() {
            for to in support::servers() {
                let is_ready = |server: &support::Server| {
                    Templates::names(server.brand).iter().any(|name| name == "install/node")
                };
                if !is_ready(from) || !is_ready(to) {
                    continue;
                }
                println!("{from:?} to {to:?}");
                story(from, to).await;
            }
        }
    });
}

async fn story(from: &support::Server, to: &support::Server) {
    let pair_name = format!("{}_{}", from.brand, to.brand);
    let one = TestDatabase::create(from, &format!("{pair_name}_one")).await;
    let two = TestDatabase::create(to, &format!("{pair_name}_two")).await;
    let config = pair(&one, &two);
    let mut one = Node::set_up(&one, "one", &config).await;
    let mut two = Node::set_up(&two, "two", &config).await;

    for sql in [
        "INSERT INTO customer VALUES (1, 'O''Brien')",
        "INSERT INTO sales_order VALUES ('ord2', 'wholesale', 'old order', 1, 100, \
         '2025-06-25 10:30:00', 'mtp', 'one')",
        "UPDATE sales_order SET description = 'a~b \\ \"c\"' WHERE order_id = 'ord2'",
    ] {
        one.session.raw(sql).await.unwrap();
    }
    carry(&config, &mut one, &mut two).await;
    assert_eq!(two.rows("sales_order").await, one.rows("sales_order").await);
    assert_eq!(two.rows("customer").await, ["1|O'Brien"]);

    // Two edits of different columns of one row: both stay.
    one.session.raw("UPDATE sales_order SET quantity = 5").await.unwrap();
    two.session.raw("UPDATE sales_order SET order_type = 'retail'").await.unwrap();
    carry(&config, &mut one, &mut two).await;
    carry(&config, &mut two, &mut one).await;
    assert_eq!(one.rows("sales_order").await, two.rows("sales_order").await);
    assert!(one.rows("sales_order").await[0].contains("retail"));
    assert!(one.rows("sales_order").await[0].contains("|5|"));

    two.session.raw("UPDATE sales_order SET order_id = 'ord3'").await.unwrap();
    carry(&config, &mut two, &mut one).await;
    assert_eq!(one.rows("sales_order").await, two.rows("sales_order").await);

    two.session.raw("DELETE FROM sales_order").await.unwrap();
    carry(&config, &mut two, &mut one).await;
    assert_eq!(one.rows("sales_order").await, Vec::<String>::new());

    // Nothing that was imported was captured: each outbox holds only its own changes.
    for (node, id) in [(&mut one, "one"), (&mut two, "two")] {
        let sql = "SELECT count(*) AS n FROM ds_change_outbox \
                   WHERE updated_by_server_id NOT IN ('one', 'two')";
        assert_eq!(node.session.fetch(sql, &[]).await.unwrap()[0].integer("n"), Some(0), "{id}");
        let sql = "SELECT count(*) AS n FROM ds_quarantine";
        assert_eq!(node.session.fetch(sql, &[]).await.unwrap()[0].integer("n"), Some(0), "{id}");
    }
    let sql = "SELECT count(*) AS n FROM ds_change_outbox";
    assert_eq!(one.session.fetch(sql, &[]).await.unwrap()[0].integer("n"), Some(4));
    assert_eq!(two.session.fetch(sql, &[]).await.unwrap()[0].integer("n"), Some(4));
}

/// Where another tool applied the files, nobody wrote the rows of `ds_program_parameter` yet.
#[test]
fn a_route_adds_its_programs_where_another_tool_installed_the_files() {
    support::on_each_server(async |database| {
        let other = TestDatabase::create(&database.server, "other").await;
        let config = pair(database, &other);
        for (id, database) in [("one", database), ("two", &other)] {
            let mut node = Node::set_up(database, id, &config).await;
            node.session.raw("DELETE FROM ds_program_parameter").await.unwrap();
            if id == "one" {
                node.session.raw("INSERT INTO customer VALUES (1, 'Ada')").await.unwrap();
            }
        }
        let urls = BTreeMap::from([
            (NodeId::from("one"), database.url.clone()),
            (NodeId::from("two"), other.url.clone()),
        ]);
        let mut runner = Runner::new(config, application(), urls, BTreeMap::new());
        let route = runner.routes()[0].clone();
        let carried = runner.transport(&route, &mut |_| {}).await.unwrap();
        assert_eq!(carried.written, 1);
        let stop = AtomicBool::new(false);
        let imported = runner.import(&route, &stop, &mut |_| {}).await.unwrap();
        assert_eq!((imported.read, imported.quarantined), (1, 0));
        let mut session = other.connect().await;
        let sql = "SELECT id, fromserver, toserver FROM ds_program_parameter ORDER BY id";
        let programs = session.fetch(sql, &[]).await.unwrap();
        let ids: Vec<_> = programs.iter().map(|row| row.integer("id").unwrap()).collect();
        assert_eq!(ids, [1000, 1001]);
        assert_eq!(programs[0].text("fromserver").as_deref(), Some("one"));
    });
}
