//! A target whose application keeps a lock for long, or that does not answer any more: its route
//! says so and tries again, the others go on meanwhile, and in the end nothing is missing.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use outrigger::db::{self, Session};
use outrigger::dialect::Brand;

use crate::faults::proxy::{Proxy, Swallows};
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

/// What a file has once it has one of these texts.
async fn says(file: &Path, texts: &[&str]) -> String {
    loop {
        let said = std::fs::read_to_string(file).unwrap();
        if texts.iter().any(|text| said.contains(text)) {
            return said;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
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
    let said = says(&errors, &[complaint(server.brand)]).await;
    assert!(said.contains("another session was in the way"), "{said}");
    stage.run("a", "INSERT INTO item VALUES (2, 'second')").await;
    stage.arrives("c", "newer").await;
    stage.arrives("c", "second").await;

    let_go(&mut *application, held).await;
    stage.arrives("b", "newer").await;
    stage.arrives("b", "second").await;
    assert_eq!(stage.number("b", "SELECT count(*) AS n FROM ds_quarantine").await, 0);
    stage.end();
}

/// The link to `b` goes down without a word, and comes back; or the server has lost the session,
/// and nobody has told us.
async fn falls_silent(server: &Server, which: Swallows) {
    let nodes = [("a", server), ("b", server), ("c", server)];
    let mut stage = Stage::set_up(&nodes, &[("a", "b"), ("a", "c")], "wake: notify").await;
    let url = stage.nodes["b"].0.url.clone();
    let proxy = Proxy::start(&url).await;
    let config = stage.folder.path().join("outrigger.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace(&url, &proxy.url(&url))).unwrap();
    let errors = stage.folder.path().join("errors");
    stage.start_with_errors(Stdio::from(File::create(&errors).unwrap()));
    stage.run("a", "INSERT INTO item VALUES (1, 'first')").await;
    stage.arrives("b", "first").await;
    stage.arrives("c", "first").await;

    proxy.swallow(which);
    stage.run("a", "INSERT INTO item VALUES (2, 'second')").await;
    stage.arrives("c", "second").await;
    says(&errors, &["the server does not answer any more"]).await;
    stage.run("a", "INSERT INTO item VALUES (3, 'third')").await;
    stage.arrives("c", "third").await;
    if which == Swallows::All {
        assert_eq!(stage.number("b", "SELECT count(*) AS n FROM item").await, 1);
        proxy.swallow(Swallows::Nothing);
    }
    stage.arrives("b", "second").await;
    stage.arrives("b", "third").await;
    // The runner is not asked to end in peace: its other connection may still be waiting.
}

/// All of these at the same time, since each waits for long.
fn side_by_side<C: Copy + fmt::Debug + Send>(
    servers: impl Iterator<Item = &'static Server>,
    cases: &[C],
    test: impl AsyncFn(&Server, C) + Copy + Send,
) {
    thread::scope(|scope| {
        for server in servers {
            for case in cases.iter().copied() {
                // Databases are called by their thread.
                let thread = thread::Builder::new().name(format!("stall {case:?}"));
                let run = move || {
                    println!("on {}, {case:?}", server.name);
                    support::block_on_within(Duration::from_mins(3), test(server, case));
                };
                thread.spawn_scoped(scope, run).unwrap();
            }
        }
    });
}

/// It is waited for ten seconds.
#[test]
fn a_lock_that_an_application_keeps_holds_up_its_own_route_alone() {
    side_by_side(ready_servers().into_iter(), &[Held::Row, Held::Table], stalls);
}

/// A server is asked after a quarter of a minute, and again.
#[test]
fn a_node_that_falls_silent_holds_up_its_own_routes_alone() {
    let servers = ready_servers().into_iter();
    let are_asked = servers.filter(|server| server.brand.dialect().at_work.is_some());
    side_by_side(are_asked, &[Swallows::All, Swallows::Open], falls_silent);
}

/// As long as it says that it is at work on the answer.
#[test]
fn an_answer_that_takes_long_is_awaited() {
    let servers = ready_servers().into_iter();
    let are_asked = servers.filter(|server| server.brand.dialect().at_work.is_some());
    side_by_side(are_asked, &["long"], async |server, _| {
        let mut session = db::connect(&server.admin_url).await.unwrap();
        let sql = match server.brand {
            Brand::Postgres => "SELECT count(*) AS n FROM pg_sleep(40)",
            _ => "SELECT CAST(SLEEP(40) + 1 AS SIGNED) AS n",
        };
        let rows = session.fetch(sql, &[]).await.unwrap();
        assert_eq!(rows[0].integer("n"), Some(1));
    });
}
