//! Missing outbox ids of MySQL and MariaDB: given up when nobody can write them, and not before.

use std::time::{Duration, Instant};

use outrigger::db::{self, Mode, Session};
use outrigger::dialect::Brand;
use outrigger::model::Value;
use outrigger::outbox::{Cursor, Gaps, Window, WindowStatements};
use outrigger::render::Templates;

use crate::capture_mysql::Followed;
use crate::support::{TestDatabase, on_each_server_of};

const DDL: &str = "CREATE TABLE t (k varchar(40) PRIMARY KEY, v int)";
const RULES: &str = "tables: { t: follow }\n";

/// Other tests are at work on the server too: a wait for their statements may take some looks.
const LOOKS: usize = 400;
const PAUSE: Duration = Duration::from_millis(10);

/// What a route does at its source: gives up what it can, and reads what became visible.
async fn carry(session: &mut dyn Session, cursor: &mut Cursor) -> Vec<i64> {
    let statements = WindowStatements::new(&Templates::embedded(Brand::Mysql), 5_000).unwrap();
    if let Some(verdict) = statements.look(session, cursor).await.unwrap() {
        cursor.learn(&verdict);
    }
    session.begin(Mode::Read).await.unwrap();
    let mut window = Window::open(session, &statements, cursor).await.unwrap();
    let mut ids = Vec::new();
    loop {
        let page = window.next_page(session).await.unwrap();
        if page.is_empty() {
            break;
        }
        ids.extend(page.iter().map(|change| change.id));
    }
    *cursor = window.cursor().clone();
    session.rollback().await.unwrap();
    ids
}

/// Carries until so many ranges are left, or the looks are used up; what came meanwhile.
async fn carry_until(session: &mut dyn Session, cursor: &mut Cursor, ranges: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    for _ in 0..LOOKS {
        ids.extend(carry(session, cursor).await);
        if cursor.gaps.len() == ranges {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    ids
}

fn gaps(ranges: &[(i64, i64)]) -> Gaps {
    ranges.iter().copied().collect()
}

#[test]
fn what_was_rolled_back_is_forgotten_and_what_is_open_is_not() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = Followed::new(database, DDL, RULES).await;
        let mut open = database.connect().await;
        let mut rolled_back = database.connect().await;
        rolled_back.raw("START TRANSACTION; INSERT INTO t VALUES ('a', 1)").await.unwrap();
        open.raw("START TRANSACTION; INSERT INTO t VALUES ('b', 1), ('c', 1)").await.unwrap();
        db.run(&["INSERT INTO t VALUES ('d', 1)"]).await;
        rolled_back.raw("ROLLBACK").await.unwrap();
        let mut cursor = Cursor::default();
        assert_eq!(carry(&mut *db.session, &mut cursor).await, [4]);
        assert_eq!(cursor.gaps, gaps(&[(1, 3)]));
        // The transaction may stay open for as long as it likes.
        for _ in 0..LOOKS {
            assert_eq!(carry(&mut *db.session, &mut cursor).await, Vec::<i64>::new());
            if cursor.gaps == gaps(&[(2, 3)]) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        assert_eq!(cursor.gaps, gaps(&[(2, 3)]));
        carry(&mut *db.session, &mut cursor).await;
        assert_eq!((&cursor.gaps, &cursor.grace), (&gaps(&[(2, 3)]), &None));
        open.raw("COMMIT").await.unwrap();
        assert_eq!(carry(&mut *db.session, &mut cursor).await, [2, 3]);
        assert_eq!((cursor.pointer, cursor.gaps), (4, Gaps::default()));
    });
}

/// The second row of a statement has its id before it is written.
#[test]
fn an_id_that_a_statement_holds_and_has_not_written_is_not_forgotten() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = Followed::new(database, DDL, RULES).await;
        let lock = database.url.rsplit('/').next().unwrap().to_owned();
        db.run(&[&format!("SELECT GET_LOCK('{lock}', 10)")]).await;
        let mut late = database.connect().await;
        let sql = format!(
            "INSERT INTO ds_change_outbox (object_table, object_value) \
             VALUES ('x', 'first'), ('x', GET_LOCK('{lock}', 60))"
        );
        let statement = tokio::spawn(async move {
            late.raw(&sql).await.unwrap();
            late
        });
        let waits = format!(
            "(SELECT COUNT(*) FROM information_schema.processlist \
             WHERE state = 'User lock' AND db = '{lock}')"
        );
        while db.text(&waits).await != "1" {
            tokio::time::sleep(PAUSE).await;
        }
        db.run(&["INSERT INTO t VALUES ('a', 1)"]).await;
        let mut cursor = Cursor::default();
        let mut reader = database.connect().await;
        assert_eq!(carry(&mut *reader, &mut cursor).await, [3]);
        for _ in 0..50 {
            assert_eq!(carry(&mut *reader, &mut cursor).await, Vec::<i64>::new());
            assert_eq!(cursor.gaps, gaps(&[(1, 2)]));
            tokio::time::sleep(PAUSE).await;
        }
        db.run(&[&format!("SELECT RELEASE_LOCK('{lock}')")]).await;
        statement.await.unwrap();
        assert_eq!(carry(&mut *reader, &mut cursor).await, [1, 2]);
        assert_eq!(cursor.gaps, Gaps::default());
    });
}

/// Every second transaction was rolled back.
async fn alternate(db: &mut Followed) {
    db.run(&["INSERT INTO ds_change_outbox (id) VALUES (2)"]).await;
    for doubled in 1..18 {
        let sql = "INSERT INTO ds_change_outbox (id) SELECT id + (1 << ?) FROM ds_change_outbox \
                   WHERE id + (1 << ?) <= 200000";
        let by = Value::Integer(doubled);
        db.session.execute(sql, &[by.clone(), by]).await.unwrap();
    }
}

#[test]
fn a_hundred_thousand_rolled_back_transactions_leave_nothing_behind() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = Followed::new(database, DDL, RULES).await;
        alternate(&mut db).await;
        let mut cursor = Cursor::default();
        let start = Instant::now();
        assert_eq!(carry(&mut *db.session, &mut cursor).await.len(), 100_000);
        println!("a window of 100,000 rows: {:?}", start.elapsed());
        assert_eq!((cursor.gaps.len(), cursor.gaps.first()), (100_000, Some(1)));
        let mut idle = cursor.clone();
        let statements = WindowStatements::new(&Templates::embedded(Brand::Mysql), 5_000).unwrap();
        let start = Instant::now();
        db.session.begin(Mode::Read).await.unwrap();
        let mut window = Window::open(&mut *db.session, &statements, &idle).await.unwrap();
        assert!(window.next_page(&mut *db.session).await.unwrap().is_empty());
        db.session.rollback().await.unwrap();
        println!("nothing new, 100,000 gaps: {:?}", start.elapsed());
        let start = Instant::now();
        assert!(carry_until(&mut *db.session, &mut idle, 0).await.is_empty());
        println!("until they are forgotten: {:?}", start.elapsed());
        assert_eq!(idle, Cursor { pointer: 200_000, ..Cursor::default() });
        let start = Instant::now();
        carry(&mut *db.session, &mut idle).await;
        println!("nothing new, no gap: {:?}", start.elapsed());
        // What comes late among so many is found, all of it, and nothing else.
        db.run(&["INSERT INTO ds_change_outbox (id) VALUES (77777), (199999), (200001)"]).await;
        assert_eq!(carry(&mut *db.session, &mut cursor).await, [77_777, 199_999, 200_001]);
    });
}

/// A user of the test's own, who may do everything with its database and nothing beside.
async fn connect_without_rights(database: &TestDatabase) -> Box<dyn Session> {
    let name = database.url.rsplit('/').next().unwrap();
    let mut admin = database.connect().await;
    for sql in [
        "CREATE USER IF NOT EXISTS ot_no_process@'%' IDENTIFIED BY ''".to_owned(),
        format!("GRANT ALL ON {name}.* TO ot_no_process@'%'"),
    ] {
        admin.raw(&sql).await.unwrap();
    }
    let mut url = url::Url::parse(&database.url).unwrap();
    url.set_username("ot_no_process").unwrap();
    db::connect(url.as_str()).await.unwrap()
}

#[test]
fn without_the_right_to_see_who_is_at_work_nothing_is_forgotten() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = Followed::new(database, DDL, RULES).await;
        db.run(&["START TRANSACTION", "INSERT INTO t VALUES ('a', 1)", "ROLLBACK"]).await;
        db.run(&["INSERT INTO t VALUES ('b', 1)"]).await;
        let mut session = connect_without_rights(database).await;
        let mut cursor = Cursor::default();
        assert_eq!(carry(&mut *session, &mut cursor).await, [2]);
        for _ in 0..3 {
            carry(&mut *session, &mut cursor).await;
            assert_eq!(cursor, Cursor { pointer: 2, gaps: gaps(&[(1, 1)]), ..Cursor::default() });
        }
        let statements = WindowStatements::new(&Templates::embedded(Brand::Mysql), 10).unwrap();
        assert!(!statements.may_look(&mut *session).await.unwrap());
        assert!(statements.may_look(&mut *db.session).await.unwrap());
        // Somebody who may see it goes on with the same cursor.
        carry_until(&mut *db.session, &mut cursor, 0).await;
        assert_eq!(cursor.gaps, Gaps::default());
    });
}
