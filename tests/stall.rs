//! A target whose application keeps a lock for long: its route says so and tries again, the others
//! go on meanwhile, and when the lock is gone nothing is missing.

use std::fs::File;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use outrigger::db::Session;
use outrigger::dialect::Brand;

use crate::support::network::ready_servers;
use crate::support::{self, Server};
use crate::wake::Stage;

/// What an application has locked.
#[derive(Debug, Clone, Copy)]
enum Held {
    Row,
    Table,
}

/// The application changes an item that a change from elsewhere is about, or is about to change
/// the whole table, and does not commit. On SQLite either holds the database.
async fn hold(session: &mut dyn Session, held: Held) {
    let begin = match session.brand() {
        Brand::Sqlite => "BEGIN IMMEDIATE",
        Brand::Postgres | Brand::Mysql => "BEGIN",
        Brand::SqlServer => "BEGIN TRANSACTION",
    };
    match (held, session.brand()) {
        (Held::Table, Brand::Postgres) => {
            session.raw("BEGIN; LOCK TABLE item IN ACCESS EXCLUSIVE MODE").await.unwrap();
        }
        (Held::Table, Brand::Mysql) => session.raw("LOCK TABLES item WRITE").await.unwrap(),
        (Held::Table, Brand::SqlServer) => {
            session.raw("BEGIN TRANSACTION").await.unwrap();
            session.raw("SELECT TOP (0) id FROM item WITH (TABLOCKX, HOLDLOCK)").await.unwrap();
        }
        (Held::Table, Brand::Sqlite) => session.raw(begin).await.unwrap(),
        (Held::Row, _) => {
            session.raw(begin).await.unwrap();
            session.raw("UPDATE item SET name = 'mine' WHERE id = 1").await.unwrap();
        }
    }
}

async fn let_go(session: &mut dyn Session, held: Held) {
    let sql = match (held, session.brand()) {
        (Held::Table, Brand::Mysql) => "UNLOCK TABLES",
        _ => "COMMIT",
    };
    session.raw(sql).await.unwrap();
}

/// What each brand says when a lock was waited for too long.
fn complaint(brand: Brand) -> &'static str {
    match brand {
        Brand::Postgres => "lock timeout",
        Brand::Mysql => "Lock wait timeout exceeded",
        Brand::Sqlite => "database is locked",
        Brand::SqlServer => "Lock request time out",
    }
}

/// The route to `b` comes before the one to `c`.
async fn stalls(server: &Server, held: Held) {
    let nodes = [("a", server), ("b", server), ("c", server)];
    let mut stage = Stage::set_up(&nodes, &[("a", "b"), ("a", "c")], "wake: notify").await;
    let errors = stage.folder.path().join("errors");
    stage.start_with_errors(Stdio::from(File::create(&errors).unwrap()));
    stage.run("a", "INSERT INTO item VALUES (1, 'first')").await;
    stage.arrives("b", "first").await;
    stage.arrives("c", "first").await;

    let mut application = stage.nodes["b"].0.connect().await;
    hold(&mut *application, held).await;
    // Of one millisecond, the node's own value would be the one to stay.
    tokio::time::sleep(Duration::from_millis(20)).await;
    stage.run("a", "UPDATE item SET name = 'newer' WHERE id = 1").await;
    let complaint = complaint(server.brand);
    while !std::fs::read_to_string(&errors).unwrap().contains(complaint) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stage.run("a", "INSERT INTO item VALUES (2, 'second')").await;
    stage.arrives("c", "newer").await;
    stage.arrives("c", "second").await;

    let_go(&mut *application, held).await;
    stage.arrives("b", "newer").await;
    stage.arrives("b", "second").await;
    assert_eq!(stage.number("b", "SELECT count(*) AS n FROM ds_quarantine").await, 0);
    let said = std::fs::read_to_string(&errors).unwrap();
    assert!(said.contains("another session was in the way"), "{said}");
    stage.end();
}

/// A lock is waited for ten seconds: all brands wait at the same time.
#[test]
fn a_lock_that_an_application_keeps_holds_up_its_own_route_alone() {
    thread::scope(|scope| {
        for server in ready_servers() {
            for held in [Held::Row, Held::Table] {
                // Databases are called by their thread.
                let thread = thread::Builder::new().name(format!("stall {held:?}"));
                let test = move || {
                    println!("on {}, a {held:?}", server.name);
                    support::block_on_within(Duration::from_mins(2), stalls(server, held));
                };
                thread.spawn_scoped(scope, test).unwrap();
            }
        }
    });
}
