//! A refusal that ends the whole transaction, as SQL Server has them, costs no other change.

use std::collections::BTreeMap;

use outrigger::config;
use outrigger::db::{Fault, Mode, Reply, Session};
use outrigger::dialect::Brand;
use outrigger::import::{Importer, Progress, Targets, quarantine};
use outrigger::model::{NodeId, RouteId, Row, Value};
use outrigger::plan;
use outrigger::render::{Templates, scripts};
use outrigger::schema::{self, Source};

use crate::support::{self, TestDatabase};

const ROUTE: RouteId = RouteId(1000);

const SCHEMA: &str = "
CREATE TABLE customer (customer_id integer PRIMARY KEY, name varchar(60) NOT NULL);
CREATE TABLE visit (visit_id integer PRIMARY KEY, note varchar(60));
";

const CONFIG: &str = "database: testapp
schema: { dialect: postgres, files: [schema.sql] }
nodes:
  one: { url: 'sqlite:one.db' }
  two: { url: 'sqlite:two.db' }
tables: { customer: follow, visit: follow }
routes:
  - { id: 1000, from: one, to: two }
";

/// A session that has no savepoint to go back to after an error, and takes nothing more then
/// until everything is rolled back.
struct Flaky {
    inner: Box<dyn Session>,
    is_lost: bool,
    lost: usize,
}

impl Flaky {
    fn check(&self) -> Result<(), Fault> {
        if self.is_lost { Err(Fault::rejected("the transaction is lost")) } else { Ok(()) }
    }
}

impl Session for Flaky {
    fn brand(&self) -> Brand {
        self.inner.brand()
    }

    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        if sql.starts_with("ROLLBACK TO SAVEPOINT") {
            self.is_lost = true;
            self.lost += 1;
        }
        Box::pin(async move {
            self.check()?;
            self.inner.raw(sql).await
        })
    }

    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        Box::pin(async move {
            self.check()?;
            self.inner.execute(sql, values).await
        })
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        Box::pin(async move {
            self.check()?;
            self.inner.fetch(sql, values).await
        })
    }

    fn begin(&mut self, mode: Mode) -> Reply<'_, ()> {
        self.inner.begin(mode)
    }

    fn commit(&mut self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.check()?;
            self.inner.commit().await
        })
    }

    fn rollback(&mut self) -> Reply<'_, ()> {
        self.is_lost = false;
        self.inner.rollback()
    }

    fn close(self: Box<Self>) -> Reply<'static, ()> {
        self.inner.close()
    }
}

/// A node with the two tables, installed, whose inbox has one change set of `changes`: table,
/// operation, key, document or value of `name`.
async fn set_up(
    database: &TestDatabase,
    changes: &[(&str, &str, u32, &str)],
) -> (Box<dyn Session>, Importer) {
    let mut session = database.connect().await;
    let brand = database.brand();
    for statement in SCHEMA.split(';').filter(|text| !text.trim().is_empty()) {
        session.raw(statement).await.unwrap();
    }
    let config = config::parse("pair.yaml", CONFIG, &BTreeMap::new()).unwrap();
    let source = Source { path: "schema.sql", text: SCHEMA };
    let application = schema::parse(&[source], Brand::Postgres).unwrap().schema;
    let plan = plan::plan(&config, &application, brand).unwrap();
    let templates = Templates::embedded(brand);
    for script in scripts(&plan, &templates).unwrap() {
        for statement in &script.statements {
            session.raw(statement).await.unwrap();
        }
    }
    session.raw("UPDATE ds_node SET node_id = 'two'").await.unwrap();
    let sql = format!(
        "INSERT INTO ds_program_parameter (id, programtype) VALUES ({}, 'x')",
        ROUTE.import_program()
    );
    session.raw(&sql).await.unwrap();
    for (index, (table, operation, key, document)) in changes.iter().enumerate() {
        let id = index + 1;
        let attribute = if *operation == "U" { "'name'" } else { "NULL" };
        let sql = format!(
            "INSERT INTO ds_change_inbox (object_table, object_attribute, object_id, \
             object_value, object_operation, updated_by_server_id, update_datetime, source_id, \
             transaction_id, route_id) \
             VALUES ('{table}', {attribute}, '{key}', '{document}', '{operation}', 'one', \
             '2025-06-25 10:30:00.00000{id}', {id}, 7, 1000)"
        );
        session.raw(&sql).await.unwrap();
    }
    let live = support::introspect(&mut *session).await;
    let targets = Targets::new(&plan, &live).unwrap();
    let importer = Importer::new(templates, targets, NodeId::from("two"), 1000).unwrap();
    (session, importer)
}

async fn texts(session: &mut dyn Session, sql: &str) -> Vec<String> {
    let rows = session.fetch(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.text("v").unwrap_or_default()).collect()
}

fn on_each_ready_server(test: impl AsyncFn(&TestDatabase)) {
    support::on_each_server(async |database| {
        let names = Templates::names(database.brand());
        // SQL Server loses its transactions by itself.
        if database.brand() != Brand::SqlServer && names.iter().any(|n| n == "run/savepoint") {
            test(database).await;
        }
    });
}

#[test]
fn a_change_that_ends_the_transaction_is_left_out_and_the_others_are_imported() {
    on_each_ready_server(async |database| {
        let changes = [
            ("customer", "I", 1, r#"{"customer_id":"1","name":"Ada"}"#),
            ("customer", "I", 2, r#"{"customer_id":"2","name":null}"#),
            ("visit", "I", 1, r#"{"visit_id":"1","note":"first"}"#),
            ("customer", "U", 2, "Grace"),
            ("customer", "I", 3, r#"{"customer_id":"3","name":null}"#),
            ("customer", "I", 4, r#"{"customer_id":"4","name":"Edsger"}"#),
        ];
        let (inner, mut importer) = set_up(database, &changes).await;
        let mut session = Flaky { inner, is_lost: false, lost: 0 };

        let progress = importer.import_batch(&mut session, ROUTE).await.unwrap();
        let Progress::More(outcome) = progress else { panic!("{progress:?}") };
        assert_eq!((outcome.read, outcome.quarantined), (6, 3));
        assert_eq!(session.lost, 2, "once for each bad change");
        assert_eq!(importer.import_batch(&mut session, ROUTE).await.unwrap(), Progress::Done);

        let sql = "SELECT name AS v FROM customer ORDER BY customer_id";
        assert_eq!(texts(&mut session, sql).await, ["Ada", "Edsger"]);
        let sql = "SELECT note AS v FROM visit";
        assert_eq!(texts(&mut session, sql).await, ["first"]);
        // What was imported in the end is not captured as this node's own.
        let sql = "SELECT object_id AS v FROM ds_change_outbox";
        assert_eq!(texts(&mut session, sql).await, [""; 0]);

        let templates = Templates::embedded(database.brand());
        let held = quarantine::list(&mut session, &templates).await.unwrap();
        let held: Vec<_> =
            held.iter().map(|entry| (entry.inbox_id, entry.reason_code.as_str())).collect();
        assert_eq!(held, [(2, "conflict"), (4, "waits"), (5, "conflict")]);
    });
}

#[test]
fn a_retry_that_ends_the_transaction_stays_in_quarantine() {
    on_each_ready_server(async |database| {
        let changes = [("customer", "I", 2, r#"{"customer_id":"2","name":null}"#)];
        let (inner, mut importer) = set_up(database, &changes).await;
        let mut session = Flaky { inner, is_lost: false, lost: 0 };
        importer.import_batch(&mut session, ROUTE).await.unwrap();
        let templates = Templates::embedded(database.brand());
        assert!(quarantine::retry(&mut session, &templates, 1).await.unwrap());

        let outcome = importer.retry_quarantined(&mut session, ROUTE).await.unwrap();
        assert_eq!((outcome.released, session.lost), (0, 2));
        let held = quarantine::list(&mut session, &templates).await.unwrap();
        assert_eq!(held.iter().map(|entry| entry.attempts).collect::<Vec<_>>(), [2]);
        // The session is in order again: what the application changes is captured.
        session.raw("INSERT INTO customer VALUES (9, 'Barbara')").await.unwrap();
        let sql = "SELECT object_id AS v FROM ds_change_outbox";
        assert_eq!(texts(&mut session, sql).await, ["9"]);
    });
}
