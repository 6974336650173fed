//! The outbox, inbox and import statements of MySQL and MariaDB: late commits, exact keys, indexes.

use outrigger::db::{Mode, Session};
use outrigger::dialect::Brand;
use outrigger::import::{Importer, Progress, Targets};
use outrigger::model::{Change, LogicalType, NodeId, RouteId, Value};
use outrigger::outbox::{Cursor, Gaps, Window, WindowStatements, changes_to_json, execute, fetch};
use outrigger::plan;
use outrigger::render::{Statement, Templates};
use serde::Serialize;
use serde_json::json;

use crate::capture_mysql::Followed;
use crate::support::{self, on_each_server_of};

const ROUTE: RouteId = RouteId(1000);

#[derive(Serialize)]
struct Control {
    namespace: Option<&'static str>,
    page_rows: usize,
}

#[derive(Serialize)]
struct OneTable {
    table: TableName,
    keys: Vec<BoundColumn>,
    columns: Vec<BoundColumn>,
}

#[derive(Serialize)]
struct TableName {
    namespace: Option<&'static str>,
    name: &'static str,
}

#[derive(Serialize)]
struct BoundColumn {
    name: &'static str,
    logical_type: LogicalType,
    native_type: &'static str,
    alias: &'static str,
    position: usize,
}

fn statement(name: &str) -> Statement {
    let context = Control { namespace: None, page_rows: 1000 };
    Templates::embedded(Brand::Mysql).statement(&format!("run/{name}"), &context).unwrap()
}

/// A statement about one text column `k` of the table `t`.
fn statement_on_t(name: &str) -> Statement {
    let column = |alias: &'static str, position: usize| BoundColumn {
        name: "k",
        logical_type: LogicalType::Text,
        native_type: "varchar(40)",
        alias,
        position,
    };
    let context = OneTable {
        table: TableName { namespace: None, name: "t" },
        keys: vec![column("k1", 0)],
        columns: vec![column("c1", 1)],
    };
    Templates::embedded(Brand::Mysql).statement(&format!("run/{name}"), &context).unwrap()
}

async fn importer(db: &mut Followed) -> Importer {
    let plan = plan::plan(&db.config, &db.schema, Brand::Mysql).unwrap();
    let live = support::introspect(&mut *db.session).await;
    let targets = Targets::new(&plan, &live).unwrap();
    let program = ROUTE.import_program();
    db.run(&[&format!(
        "INSERT INTO ds_program_parameter (id, programtype) VALUES ({program}, 'x')"
    )])
    .await;
    Importer::new(Templates::embedded(Brand::Mysql), targets, NodeId::from("here"), 1000).unwrap()
}

/// A change that another node made.
fn foreign(id: i64, table: &str, operation: &str, key: &str) -> Change {
    Change {
        id,
        object_table: Some(table.into()),
        object_pk_attribute: Some("k".into()),
        object_id: Some(key.into()),
        object_operation: Some(operation.into()),
        updated_by_server_id: Some("there".into()),
        update_datetime: Some(format!("2025-01-01 00:00:00.{id:06}")),
        source_id: Some(id),
        transaction_id: Some(id),
        ..Change::default()
    }
}

/// Puts changes into the inbox; how many were new.
async fn deliver(session: &mut dyn Session, changes: &[Change]) -> u64 {
    let given =
        [("route_id", Value::Integer(ROUTE.0)), ("rows", Value::Text(changes_to_json(changes)))];
    execute(session, &statement("write_inbox"), &given).await.unwrap()
}

async fn import(importer: &mut Importer, session: &mut dyn Session) {
    while let Progress::More(_) = importer.import_batch(session, ROUTE).await.unwrap() {}
}

/// How many rows this session has read on the way from one to the next, in an index or without.
async fn reads(session: &mut dyn Session) -> i64 {
    let rows = session.fetch("SHOW SESSION STATUS LIKE 'Handler_read%next'", &[]).await.unwrap();
    let counts = rows.iter().map(|row| row.text("Value").unwrap().parse::<i64>().unwrap());
    counts.sum()
}

#[test]
fn a_failed_import_leaves_no_marker() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE t (k varchar(40) PRIMARY KEY, v int NOT NULL)";
        let mut db = Followed::new(database, ddl, "tables: { t: follow }\n").await;
        let mut importer = importer(&mut db).await;
        let mut change = foreign(1, "t", "I", "a");
        change.object_value = Some(r#"{"k":"a","v":null}"#.into());
        deliver(&mut *db.session, &[change]).await;
        // Refused for its own sake: into the quarantine with it.
        import(&mut importer, &mut *db.session).await;
        assert_eq!(db.text("(SELECT COUNT(*) FROM ds_quarantine)").await, "1");
        assert_eq!(db.text("@outrigger_origin").await, "-");
        // Refused for another reason: nothing of it stays.
        let mut other = database.connect().await;
        other.raw("START TRANSACTION; INSERT INTO t VALUES ('a', 1), ('b', 1)").await.unwrap();
        db.run(&["SET innodb_lock_wait_timeout = 1"]).await;
        deliver(&mut *db.session, &[foreign(2, "t", "D", "b")]).await;
        assert!(importer.import_batch(&mut *db.session, ROUTE).await.is_err());
        assert_eq!(db.text("@outrigger_origin").await, "-");
        db.run(&["UPDATE ds_quarantine SET is_retried = 'Y'"]).await;
        assert!(importer.retry_quarantined(&mut *db.session, ROUTE).await.is_err());
        assert_eq!(db.text("@outrigger_origin").await, "-");
        other.raw("ROLLBACK").await.unwrap();
        db.run(&["INSERT INTO t VALUES ('c', 1)"]).await;
        assert_eq!(db.text("(SELECT COUNT(*) FROM ds_change_outbox)").await, "1");
        import(&mut importer, &mut *db.session).await;
    });
}

async fn window(session: &mut dyn Session, cursor: &Cursor) -> (Vec<i64>, Cursor) {
    let statements = WindowStatements::new(&Templates::embedded(Brand::Mysql), 2).unwrap();
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
    let after = window.cursor().clone();
    session.rollback().await.unwrap();
    (ids, after)
}

#[test]
fn a_late_commit_is_carried_when_it_comes() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE t (k varchar(40) PRIMARY KEY, v int)";
        let mut db = Followed::new(database, ddl, "tables: { t: follow }\n").await;
        let mut late = database.connect().await;
        let mut later = database.connect().await;
        late.raw("START TRANSACTION; INSERT INTO t VALUES ('a', 1), ('b', 1)").await.unwrap();
        db.run(&["INSERT INTO t VALUES ('c', 1)"]).await;
        later.raw("START TRANSACTION; INSERT INTO t VALUES ('d', 1)").await.unwrap();
        db.run(&["INSERT INTO t VALUES ('e', 1), ('f', 1)"]).await;
        let (ids, cursor) = window(&mut *db.session, &Cursor::default()).await;
        assert_eq!(ids, [3, 5, 6]);
        later.raw("COMMIT").await.unwrap();
        db.run(&["INSERT INTO t VALUES ('g', 1)"]).await;
        let (ids, cursor) = window(&mut *db.session, &cursor).await;
        assert_eq!(ids, [4, 7]);
        let (ids, cursor) = window(&mut *db.session, &cursor).await;
        assert_eq!(ids, Vec::<i64>::new());
        late.raw("COMMIT").await.unwrap();
        let (ids, cursor) = window(&mut *db.session, &cursor).await;
        assert_eq!(ids, [1, 2]);
        assert_eq!((cursor.pointer, cursor.gaps), (7, Gaps::default()));
    });
}

#[test]
fn a_window_reads_what_it_carries_and_no_more() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE t (k varchar(40) PRIMARY KEY)";
        let mut db = Followed::new(database, ddl, "tables: { t: follow }\n").await;
        db.run(&["INSERT INTO ds_change_outbox (id) VALUES (1)"]).await;
        for doubled in 0..14 {
            let sql =
                "INSERT INTO ds_change_outbox (id) SELECT id + (1 << ?) FROM ds_change_outbox";
            db.session.execute(sql, &[Value::Integer(doubled)]).await.unwrap();
        }
        let pointer = (1 << 14) - 10;
        let gaps: Gaps = (0..1000).map(|n| (n * 10 + 1, n * 10 + 2)).collect();
        db.run(&[
            "DELETE FROM ds_change_outbox WHERE id < 10000 AND id % 10 IN (1, 2) AND id <> 52",
        ])
        .await;
        let cursor = Cursor { pointer, gaps, ..Cursor::default() };
        let before = reads(&mut *db.session).await;
        let (ids, _) = window(&mut *db.session, &cursor).await;
        assert_eq!((ids[0], ids.len()), (52, 11));
        let after = reads(&mut *db.session).await;
        // Seven pages, each with the list of gaps once; 16,384 rows are there.
        assert!(after - before < 15_000, "{}", after - before);
    });
}

#[test]
fn keys_are_compared_letter_for_letter_by_their_index() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        session
            .raw("CREATE TABLE t (k varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci PRIMARY KEY)")
            .await
            .unwrap();
        session.raw("INSERT INTO t VALUES ('a')").await.unwrap();
        for n in 0..12 {
            session.raw(&format!("INSERT INTO t SELECT CONCAT(k, '{n}x') FROM t")).await.unwrap();
        }
        session.raw("ANALYZE TABLE t").await.unwrap();
        let rows = json!([["A"], ["a"], ["ä"], ["a "], ["nobody"], ["a0x11x"], [null]]).to_string();
        let before = reads(&mut *session).await;
        session.begin(Mode::Write).await.unwrap();
        let given = [("rows", Value::Text(rows))];
        let found = fetch(&mut *session, &statement_on_t("lock_rows"), &given).await.unwrap();
        let mut found: Vec<_> = found.iter().filter_map(|row| row.integer("position")).collect();
        found.sort_unstable();
        assert_eq!(found, [1, 5]);
        // Locked, and only these.
        let mut other = database.connect().await;
        other.raw("SET innodb_lock_wait_timeout = 1").await.unwrap();
        other.raw("DELETE FROM t WHERE k = 'a1x'").await.unwrap();
        other.raw("DELETE FROM t WHERE k = 'a'").await.unwrap_err();
        let rows = Value::Text(json!([["A", "z"], ["a", "B"], ["a0x ", "z"]]).to_string());
        let update = statement_on_t("update_rows");
        assert_eq!(execute(&mut *session, &update, &[("rows", rows)]).await.unwrap(), 1);
        let rows = Value::Text(json!([["b"], ["B"], ["A0x"], ["a0x11x"]]).to_string());
        let delete = statement_on_t("delete_rows");
        assert_eq!(execute(&mut *session, &delete, &[("rows", rows)]).await.unwrap(), 2);
        session.commit().await.unwrap();
        let after = reads(&mut *session).await;
        assert!(after - before < 100, "{}", after - before);
    });
}

#[test]
fn delivered_twice_is_delivered_once_and_no_text_is_altered() {
    let texts = [
        "",
        " ",
        "a\0b",
        "\u{1}\u{7f}",
        "\\ \\n \"q\" 'x' `y` ~ /",
        "ö😀漢\u{2028}",
        "\r\n\t",
        "null",
    ];
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE t (k varchar(40) PRIMARY KEY, v longtext) DEFAULT CHARSET utf8mb4";
        let mut db = Followed::new(database, ddl, "tables: { t: follow }\n").await;
        let mut importer = importer(&mut db).await;
        let long = "x\"".repeat(1_000_000);
        let mut changes = Vec::new();
        for (id, text) in (1..).zip(texts.into_iter().chain([long.as_str()])) {
            let mut change = foreign(id, "t", "I", &format!("k{id}"));
            change.object_value = Some(json!({ "k": format!("k{id}"), "v": text }).to_string());
            changes.push(change);
        }
        let session = &mut *db.session;
        assert_eq!(deliver(session, &changes[1..3]).await, 2);
        assert_eq!(deliver(session, &changes).await, changes.len() as u64 - 2);
        assert_eq!(deliver(session, &changes).await, 0);
        import(&mut importer, session).await;
        for (id, text) in (1..).zip(texts.into_iter().chain([long.as_str()])) {
            let sql = format!("SELECT v FROM t WHERE k = 'k{id}'");
            let rows = session.fetch(&sql, &[]).await.unwrap();
            assert_eq!(rows[0].text("v").as_deref(), Some(text));
        }
        let rows = session.fetch("SELECT COUNT(*) AS n FROM ds_change_outbox", &[]).await.unwrap();
        assert_eq!(rows[0].integer("n"), Some(0));
    });
}

/// Keys that most collations take for one.
#[test]
fn versions_of_keys_that_look_alike_are_kept_apart() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = Followed::new(
            database,
            "CREATE TABLE t (k int PRIMARY KEY)",
            "tables: { t: follow }\n",
        )
        .await;
        let keys = ["a", "A", "a ", "ä", ""];
        for round in 1..3 {
            let rows: Vec<_> = keys
                .iter()
                .map(|key| json!(["t", key, "", "I", format!("{round}"), "there", round, key]))
                .collect();
            let given = [("rows", Value::Text(json!(rows).to_string()))];
            execute(&mut *db.session, &statement("write_versions"), &given).await.unwrap();
        }
        let asked = json!([["t", "a"], ["t", "a "], ["t", "b"]]).to_string();
        let given = [("rows", Value::Text(asked))];
        let found = fetch(&mut *db.session, &statement("read_versions"), &given).await.unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|row| {
                (row.text("object_id").unwrap(), row.text("object_value"), row.integer("source_id"))
            })
            .collect();
        let expected = ["a", "a "].map(|key| (key.to_owned(), Some(key.to_owned()), Some(2)));
        assert_eq!(found, expected);
        db.run(&[
            "INSERT INTO ds_quarantine (inbox_id, route_id, object_table, object_id, reason_code, reason) \
             VALUES (1, 1, 't', 'a', 'x', 'x'), (2, 1, 't', 'a ', 'x', 'x'), (3, 1, 't', 'a', 'x', 'x')",
        ])
        .await;
        let held = fetch(&mut *db.session, &statement("read_quarantined"), &[]).await.unwrap();
        let held: Vec<_> =
            held.iter().map(|row| (row.text("object_id"), row.integer("inbox_id"))).collect();
        assert_eq!(held, [(Some("a".into()), Some(1)), (Some("a ".into()), Some(2))]);
    });
}
