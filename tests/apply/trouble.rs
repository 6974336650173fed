//! What an installation refuses, and what it leaves behind when it breaks off.

use std::time::{Duration, Instant};

use outrigger::apply::{self, Error};
use outrigger::db::Mode;
use outrigger::dialect::Brand;
use outrigger::model::NodeId;

use super::case::{Case, Flaky, on_each, on_each_of};

#[test]
fn another_nodes_database_is_left_alone() {
    on_each(async |case| {
        case.apply().await;
        case.run("UPDATE ds_node SET node_id = 'server1'").await;
        assert_eq!(case.refuses().await, "this database is node `server1`, not `server2`");
        assert_eq!(case.drift().await, ["wrong-node server2"]);
        let before = case.catalogue().await;
        let error = case.try_remove(true).await.unwrap_err();
        assert!(matches!(error, Error::WrongNode { .. }), "{error}");
        assert_eq!(case.catalogue().await, before);
        case.run("UPDATE ds_node SET node_id = NULL").await;
        assert_eq!(case.drift().await, ["wrong-node server2"], "nobody is not this node either");
        assert!(case.apply().await.names.is_some());
        assert_eq!(case.drift().await, [""; 0]);
    });
}

#[test]
fn a_table_that_is_missing_or_differs_is_named_before_anything_is_done() {
    on_each(async |case| {
        let ddl = case.ddl.clone();
        case.ddl = format!("{ddl}CREATE TABLE nowhere (id integer PRIMARY KEY);");
        assert_eq!(case.refuses().await, "table `nowhere` is followed and does not exist here");
        case.ddl = ddl.replace("quantity", "amount");
        assert_eq!(
            case.refuses().await,
            "table `sales_order` has no column `amount` here, which is followed"
        );
        case.ddl = ddl.replace("name varchar(60)", "name integer");
        let refusal = case.refuses().await;
        let (start, end) =
            ("column `customer.name` is of the type `", "does not hold integer values");
        assert!(refusal.starts_with(start) && refusal.ends_with(end), "{refusal}");

        case.ddl = ddl;
        case.apply().await;
        case.run("DROP TABLE customer").await;
        assert!(case.drift().await.contains(&"table-missing customer".to_owned()));
        case.refuses().await;
    });
}

#[test]
fn somebody_elses_objects_are_named_and_not_touched() {
    on_each(async |case| {
        case.run("CREATE TABLE ds_change_outbox (mine integer)").await;
        case.run("INSERT INTO ds_change_outbox (mine) VALUES (7)").await;
        let refusal = case.refuses().await;
        assert_eq!(
            refusal,
            "table `ds_change_outbox` exists already and was not installed by `outrigger apply`"
        );
        assert!(case.try_remove(true).await.unwrap().scripts.is_empty());
        assert_eq!(case.number("SELECT mine FROM ds_change_outbox").await, 7);
        case.run("DROP TABLE ds_change_outbox").await;
        case.run("CREATE VIEW ds_change_inbox AS SELECT name FROM customer").await;
        assert!(case.refuses().await.starts_with("view `ds_change_inbox` exists already"));
        case.run("DROP VIEW ds_change_inbox").await;
        let name = "ds_capture_insert_customer";
        case.run(&foreign_trigger(case.brand())).await;
        assert!(case.refuses().await.contains(&format!("trigger `{name}` exists already")));
    });
}

fn foreign_trigger(brand: Brand) -> String {
    let name = "CREATE TRIGGER ds_capture_insert_customer";
    match brand {
        Brand::Postgres => format!(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
             {name} AFTER INSERT ON customer EXECUTE FUNCTION f()"
        ),
        Brand::Sqlite => format!("{name} AFTER INSERT ON customer BEGIN SELECT 1; END"),
        Brand::Mysql => format!("{name} AFTER INSERT ON customer FOR EACH ROW SET @a = 1"),
        Brand::SqlServer => {
            format!("{name} ON customer AFTER INSERT AS BEGIN SET NOCOUNT ON; END")
        }
    }
}

#[test]
fn a_lock_is_waited_for_and_not_for_ever() {
    on_each(async |case| {
        let mut other = case.database.connect().await;
        case.hold_lock(other.as_mut()).await;
        case.wait_shortly();
        let begun = Instant::now();
        let error = case.try_apply(false).await.unwrap_err();
        assert!(matches!(error, Error::Locked { seconds: 1, .. }), "{error:?}");
        assert!(begun.elapsed() >= Duration::from_millis(900), "it is waited for");
        assert!(begun.elapsed() < Duration::from_secs(8), "not for ever");
        assert!(case.observe().await.history.is_empty());
        other.rollback().await.unwrap();
        other.close().await.unwrap();
        case.apply().await;
    });
}

#[test]
fn a_table_that_the_application_holds_is_waited_for_and_not_for_ever() {
    on_each_of(Brand::Postgres, async |case| {
        let before = case.catalogue().await;
        let mut other = case.database.connect().await;
        other.begin(Mode::Write).await.unwrap();
        other.raw("INSERT INTO sales_order (order_id) VALUES ('a')").await.unwrap();
        case.wait_shortly();
        let error = case.try_apply(false).await.unwrap_err();
        let is_named =
            matches!(&error, Error::Script { script, .. } if script.ends_with("_sales_order"));
        assert!(is_named, "{error:?}");
        assert_eq!(case.catalogue().await, before);
        other.commit().await.unwrap();
        case.apply().await;
    });
}

/// Where to cut the line: before every statement where that is cheap, else before some.
fn step(brand: Brand) -> usize {
    if brand == Brand::Sqlite { 1 } else { 5 }
}

/// Cuts the line before one statement after another, until there are no more.
#[test]
fn an_installation_that_breaks_off_leaves_nothing_or_can_be_resumed() {
    on_each(async |case| {
        let before = case.catalogue().await;
        let (mut cuts, mut dirty) = (0, 0);
        loop {
            let mut session = Flaky::new(case.database.connect().await, cuts);
            let (wanted, progress) = (case.wanted(), &mut |_, _| {});
            let done = apply::apply(&mut session, &case.statements, &wanted, false, progress).await;
            let is_lost = session.is_lost;
            drop(session);
            if done.is_ok() && !is_lost {
                break;
            }
            let drift = case.drift().await;
            let is_finished = drift.is_empty();
            if case.brand().dialect().can.roll_back_ddl && !is_finished {
                assert_eq!(case.catalogue().await, before, "cut before statement {cuts}");
            } else {
                dirty += drift.iter().filter(|one| one.starts_with("dirty ")).count();
                // The application goes on meanwhile, and what is captured is not lost.
                case.run("INSERT INTO customer (customer_id, name) VALUES (1, 'one')").await;
                let captured = case.captured().await;
                case.apply().await;
                assert_eq!(case.drift().await, [""; 0], "resumed after statement {cuts}");
                assert_eq!(case.captured().await, captured, "resumed after statement {cuts}");
                case.run("DELETE FROM customer").await;
                case.try_remove(true).await.unwrap();
                assert_eq!(case.catalogue().await, before);
            }
            cuts += step(case.brand());
        }
        assert!(cuts > 50, "{cuts} statements");
        assert_eq!(dirty == 0, case.brand().dialect().can.roll_back_ddl, "{dirty} dirty scripts");
        assert_eq!(case.drift().await, [""; 0]);
        assert!(case.apply().await.is_empty());
    });
}

/// The same with a removal.
#[test]
fn a_removal_that_breaks_off_leaves_everything_or_can_be_resumed() {
    on_each(async |case| {
        let before = case.catalogue().await;
        case.apply().await;
        let installed = case.catalogue().await;
        let node = NodeId::from("server2");
        let mut cuts = 0;
        loop {
            let mut session = Flaky::new(case.database.connect().await, cuts);
            let progress = &mut |_, _| {};
            let done = apply::remove(&mut session, &case.statements, &node, false, progress).await;
            let is_lost = session.is_lost;
            drop(session);
            if done.is_ok() && !is_lost {
                break;
            }
            let now = case.catalogue().await;
            if case.brand().dialect().can.roll_back_ddl {
                assert!(now == installed || now == before, "cut before statement {cuts}");
            }
            if now != installed {
                case.try_remove(false).await.unwrap();
                assert_eq!(case.catalogue().await, before);
                case.apply().await;
            }
            cuts += step(case.brand());
        }
        assert!(cuts > 30, "{cuts} statements");
        assert_eq!(case.catalogue().await, before);
    });
}

impl Case {
    /// The rows of the outbox, if there is one.
    async fn captured(&mut self) -> i64 {
        let sql = "SELECT COUNT(*) AS n FROM ds_change_outbox";
        let rows = self.session.fetch(sql, &[]).await;
        rows.ok().and_then(|rows| rows[0].integer("n")).unwrap_or(0)
    }

    /// Holds what an installation waits for.
    async fn hold_lock(&self, other: &mut dyn outrigger::db::Session) {
        let mut context = std::collections::BTreeMap::new();
        context.insert("wait_seconds", 1);
        context.insert("wait_milliseconds", 1_000);
        let lock = self.templates.statement("apply/lock", &context).unwrap();
        if self.brand().dialect().can.roll_back_ddl {
            other.begin(Mode::Write).await.unwrap();
        }
        other.fetch(&lock.sql, &[]).await.unwrap();
    }
}
