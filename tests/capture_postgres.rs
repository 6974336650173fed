//! What the triggers of PostgreSQL know of their node without reading a table: its name and the
//! least stamp of its next change, as `ds_node` says them.

use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::render::{Templates, scripts};

use crate::capture_unseen::planned;
use crate::support::{TestDatabase, on_each_server_of};

const ITEMS: &str = "CREATE TABLE item (id int PRIMARY KEY, a int, b int);";

const STAMP: &str = "to_char(update_datetime AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')";

/// A node that nobody has named yet, with everything installed.
async fn unnamed(database: &TestDatabase) -> Box<dyn Session> {
    let mut session = database.connect().await;
    session.raw(ITEMS).await.unwrap();
    let plan = planned(Brand::Postgres, ITEMS, "tables: { item: follow }\n").unwrap();
    for script in scripts(&plan, &Templates::embedded(Brand::Postgres)).unwrap() {
        for statement in &script.statements {
            let done = session.raw(statement).await;
            done.unwrap_or_else(|fault| panic!("{fault}\n{statement}"));
        }
    }
    session
}

/// What each kind of change is recorded with; `-` where there is nothing.
async fn recorded(session: &mut dyn Session, what: &str) -> Vec<String> {
    for sql in [
        "INSERT INTO item VALUES (1, 1, 1)",
        "UPDATE item SET a = 2, b = 2",
        "UPDATE item SET id = 2",
        "DELETE FROM item",
        "INSERT INTO item VALUES (3, 3, 3)",
        "TRUNCATE item",
    ] {
        session.raw(sql).await.unwrap_or_else(|fault| panic!("{fault}\n{sql}"));
    }
    let sql = format!("SELECT coalesce({what}, '-') AS what FROM ds_change_outbox ORDER BY id");
    let rows = session.fetch(&sql, &[]).await.unwrap();
    session.raw("DELETE FROM ds_change_outbox").await.unwrap();
    let found: Vec<String> = rows.iter().filter_map(|row| row.text("what")).collect();
    assert_eq!(found.len(), 8, "{found:?}");
    found
}

#[test]
fn what_is_captured_has_the_name_that_the_node_has_then() {
    on_each_server_of(Brand::Postgres, async |database| {
        let mut session = unnamed(database).await;
        assert_eq!(recorded(&mut *session, "updated_by_server_id").await, ["-"; 8]);
        for name in ["centre", "O'Hara \\ \"x\" $1 %s", "centre"] {
            let text = name.replace('\'', "''");
            session.raw(&format!("UPDATE ds_node SET node_id = '{text}'")).await.unwrap();
            assert_eq!(recorded(&mut *session, "updated_by_server_id").await, [name; 8]);
        }
        // The name is known without the row.
        session.raw("DELETE FROM ds_node").await.unwrap();
        assert_eq!(recorded(&mut *session, "updated_by_server_id").await, ["centre"; 8]);
    });
}

#[test]
fn no_stamp_is_below_the_floor_that_the_node_has_then() {
    const STAMP: &str = "to_char(update_datetime AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')";
    on_each_server_of(Brand::Postgres, async |database| {
        let mut session = unnamed(database).await;
        let floors = ["2099-12-31 23:59:59.999999", "2255-01-01 00:00:00.000001"];
        // Back again too, where somebody says so.
        for floor in floors.into_iter().chain(["2070-01-01 00:00:00.000000"]) {
            let set = format!("UPDATE ds_node SET stamp_floor = '{floor}+00'");
            session.raw(&set).await.unwrap();
            assert_eq!(recorded(&mut *session, STAMP).await, [floor; 8]);
        }
        // A table that is filled anew knows nothing of it, and lowers nothing.
        for sql in ["DELETE FROM ds_node", "INSERT INTO ds_node DEFAULT VALUES"] {
            session.raw(sql).await.unwrap();
        }
        assert_eq!(recorded(&mut *session, STAMP).await, ["2070-01-01 00:00:00.000000"; 8]);
        // A double precision has no such microseconds.
        let far = "9000-01-01 00:00:00.000015";
        session.raw(&format!("UPDATE ds_node SET stamp_floor = '{far}+00'")).await.unwrap();
        let found = recorded(&mut *session, STAMP).await;
        assert!(found.iter().all(|stamp| &**stamp >= far), "{found:?}");
    });
}

/// The application is told, and nothing is captured with a stamp that nobody knows.
#[test]
fn without_the_sequence_of_the_floor_nothing_is_written_until_it_is_there_again() {
    on_each_server_of(Brand::Postgres, async |database| {
        let mut session = unnamed(database).await;
        let floor = "2099-01-01 00:00:00.000000";
        let set = format!("UPDATE ds_node SET stamp_floor = '{floor}+00'");
        session.raw(&set).await.unwrap();
        session.raw("DROP SEQUENCE ds_stamp_floor").await.unwrap();
        let refused = session.raw("INSERT INTO item VALUES (1, 1, 1)").await.unwrap_err();
        assert!(refused.to_string().contains("ds_stamp_floor"), "{refused}");
        for sql in [
            "CREATE SEQUENCE ds_stamp_floor AS bigint MINVALUE 0",
            "UPDATE ds_node SET stamp_floor = stamp_floor",
        ] {
            session.raw(sql).await.unwrap();
        }
        assert_eq!(recorded(&mut *session, STAMP).await, [floor; 8]);
    });
}

#[test]
fn nobody_else_can_attach_what_tells_the_node() {
    on_each_server_of(Brand::Postgres, async |database| {
        let mut session = unnamed(database).await;
        let sql = "SELECT p.proname AS name FROM pg_proc AS p
             WHERE p.proname IN ('ds_node_name', 'ds_node_floor')
                AND NOT has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY 1";
        let rows = session.fetch(sql, &[]).await.unwrap();
        let found: Vec<_> = rows.iter().filter_map(|row| row.text("name")).collect();
        assert_eq!(found, ["ds_node_floor", "ds_node_name"]);
    });
}
