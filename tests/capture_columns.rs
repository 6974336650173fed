//! Updates on SQLite, where each column has a trigger of its own: whatever way of writing a column
//! there is, its trigger sees it, and no other does.

use std::process::Command;

use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::render::{ScriptKind, Templates, scripts};

use crate::capture_unseen::planned;
use crate::support::document::has_programs;
use crate::support::{TestDatabase, on_each_server_of};

/// A database whose tables are followed.
struct Followed {
    session: Box<dyn Session>,
}

impl Followed {
    /// Makes the tables of `ddl`, and follows them by the rules `tables`.
    async fn new(database: &TestDatabase, ddl: &str, tables: &str) -> Self {
        let mut session = database.connect().await;
        session.raw("PRAGMA foreign_keys = ON").await.unwrap();
        session.raw(ddl).await.unwrap();
        install(&mut *session, ddl, tables, |_| true).await;
        session.raw("UPDATE ds_node SET node_id = 'here'").await.unwrap();
        Self { session }
    }

    /// What a statement makes the triggers record, sorted: which column is first does not matter.
    async fn after(&mut self, sql: &str) -> Vec<String> {
        self.session.raw(sql).await.unwrap_or_else(|fault| panic!("{fault}\n{sql}"));
        let columns = "SELECT object_table, object_operation, object_attribute, object_id, \
             object_value, object_value_old, object_context, object_id_old FROM ds_change_outbox";
        let rows = self.session.fetch(columns, &[]).await.unwrap();
        self.session.raw("DELETE FROM ds_change_outbox").await.unwrap();
        let brief = |row: &outrigger::model::Row| {
            let text = |name| row.text(name).unwrap_or_else(|| "-".into());
            let (table, operation, id) =
                (text("object_table"), text("object_operation"), text("object_id"));
            let (old, new) = (text("object_value_old"), text("object_value"));
            match (&*operation, row.text("object_attribute"), row.text("object_context")) {
                ("U", Some(column), None) => format!("{table} {id} {column}: {old} > {new}"),
                ("U", Some(column), Some(context)) => {
                    format!("{table} {id} {column}: {old} > {new} {context}")
                }
                ("D", ..) => format!("{table} {id} gone {old}"),
                ("I", ..) => format!("{table} {id} there {new}, was {}", text("object_id_old")),
                other => panic!("{other:?}"),
            }
        };
        let mut found: Vec<String> = rows.iter().map(brief).collect();
        found.sort();
        found
    }
}

/// Runs the scripts of these kinds as a client would.
async fn install(
    session: &mut dyn Session,
    ddl: &str,
    tables: &str,
    wants: impl Fn(&ScriptKind) -> bool,
) {
    let plan = planned(Brand::Sqlite, ddl, &format!("tables: {tables}\n")).unwrap();
    let scripts = scripts(&plan, &Templates::embedded(Brand::Sqlite)).unwrap();
    for statement in scripts.iter().filter(|one| wants(&one.kind)).flat_map(|one| &one.statements) {
        session.raw(statement).await.unwrap_or_else(|fault| panic!("{fault}\n{statement}"));
    }
}

const NOTHING: [&str; 0] = [];

const ITEMS: &str = "
    CREATE TABLE item (id INTEGER PRIMARY KEY, code TEXT UNIQUE, a INT DEFAULT 7, b TEXT);
    CREATE TABLE part (no TEXT PRIMARY KEY, item_code TEXT DEFAULT 'none'
        REFERENCES item (code) ON UPDATE CASCADE ON DELETE SET NULL,
        other INT DEFAULT 9 REFERENCES item (id) ON UPDATE CASCADE ON DELETE SET DEFAULT);
    CREATE VIEW items AS SELECT id, a FROM item;
    CREATE TRIGGER items_written INSTEAD OF UPDATE ON items
        BEGIN UPDATE item SET a = NEW.a WHERE id = OLD.id; END;
";

#[test]
fn each_way_of_writing_a_column_is_seen() {
    on_each_server_of(Brand::Sqlite, async |database| {
        let mut db = Followed::new(database, ITEMS, "{ '*': follow }").await;
        let rows =
            "INSERT INTO item VALUES (1, 'one', 1, 'x'), (2, 'two', 2, 'y'), (9, 'nine', 9, 'z');
             INSERT INTO part VALUES ('p', 'one', 1), ('q', 'two', 2)";
        db.session.raw(rows).await.unwrap();
        db.session.raw("DELETE FROM ds_change_outbox").await.unwrap();
        for (sql, wanted) in [
            ("UPDATE item SET a = 3, b = 'x' WHERE id = 1", vec!["item 1 a: 1 > 3"]),
            (
                "UPDATE item SET (a, b) = (4, 'v') WHERE id = 1",
                vec!["item 1 a: 3 > 4", "item 1 b: x > v"],
            ),
            ("UPDATE item SET A = 5 WHERE id = 1", vec!["item 1 a: 4 > 5"]),
            (
                "UPDATE item SET a = s.n FROM (SELECT 6 AS n) AS s WHERE id = 1",
                vec!["item 1 a: 5 > 6"],
            ),
            (
                "INSERT INTO item VALUES (1, 'new', 0, '') ON CONFLICT (id) DO UPDATE SET b = 'up'",
                vec!["item 1 b: v > up"],
            ),
            ("UPDATE items SET a = 7 WHERE id = 1", vec!["item 1 a: 6 > 7"]),
            ("UPDATE OR IGNORE item SET code = 'two' WHERE id = 1", vec![]),
            ("UPDATE item SET a = a, b = b, code = code, id = id", vec![]),
            (
                "UPDATE item SET code = 'uno' WHERE id = 1",
                vec!["item 1 code: one > uno", "part p item_code: one > uno"],
            ),
            (
                "DELETE FROM item WHERE id = 1",
                vec![
                    r#"item 1 gone {"id":"1","code":"uno","a":"7","b":"up"}"#,
                    "part p item_code: uno > -",
                    "part p other: 1 > 9",
                ],
            ),
        ] {
            assert_eq!(db.after(sql).await, wanted, "{sql}");
        }
    });
}

/// UPDATE OF looks at the names as they are written, and the number of a row has several.
#[test]
fn a_key_has_changed_by_whatever_name() {
    on_each_server_of(Brand::Sqlite, async |database| {
        let mut db = Followed::new(database, ITEMS, "{ '*': follow }").await;
        db.session.raw("INSERT INTO item VALUES (1, 'one', 1, 'x')").await.unwrap();
        db.session.raw("DELETE FROM ds_change_outbox").await.unwrap();
        for (id, name) in ["id", "ID", "rowid", "ROWID", "oid", "_rowid_"].into_iter().enumerate() {
            let (id, next) = (id + 1, id + 2);
            let document = |id| format!(r#"{{"id":"{id}","code":"one","a":"1","b":"x"}}"#);
            let wanted = [
                format!("item {id} gone {}", document(id)),
                format!("item {next} there {}, was {id}", document(next)),
            ];
            let sql = format!("UPDATE item SET {name} = {next}");
            assert_eq!(db.after(&sql).await, wanted, "{sql}");
        }
        // Other columns go with the new row.
        let wanted = [
            r#"item 7 gone {"id":"7","code":"one","a":"1","b":"x"}"#,
            r#"item 8 there {"id":"8","code":"one","a":"2","b":"w"}, was 7"#,
        ];
        assert_eq!(db.after("UPDATE item SET id = 8, a = 2, b = 'w'").await, wanted);
    });
}

/// The row's number may be a column like others, and a key may be computed.
#[test]
fn keys_that_are_not_the_tables_own_are_seen() {
    on_each_server_of(Brand::Sqlite, async |database| {
        let ddl = "CREATE TABLE numbered (n INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, v TEXT);
             CREATE TABLE computed (a TEXT NOT NULL, b TEXT, k TEXT GENERATED ALWAYS AS ('k' || a) STORED UNIQUE);";
        let rules = "{ numbered: { key: [code] }, computed: { key: [k] } }";
        let mut db = Followed::new(database, ddl, rules).await;
        db.session.raw("INSERT INTO numbered VALUES (1, 'c', 'v')").await.unwrap();
        db.session.raw("INSERT INTO computed (a, b) VALUES ('a', 'b')").await.unwrap();
        db.session.raw("DELETE FROM ds_change_outbox").await.unwrap();
        assert_eq!(db.after("UPDATE numbered SET n = 2").await, ["numbered c n: 1 > 2"]);
        assert_eq!(db.after("UPDATE numbered SET rowid = 3").await, ["numbered c n: 2 > 3"]);
        assert_eq!(db.after("UPDATE computed SET b = 'c'").await, ["computed ka b: b > c"]);
        let wanted = [
            r#"computed ka gone {"a":"a","b":"c","k":"ka"}"#,
            r#"computed kz there {"a":"z","b":"c","k":"kz"}, was ka"#,
        ];
        assert_eq!(db.after("UPDATE computed SET a = 'z'").await, wanted);
    });
}

#[test]
fn what_is_said_of_a_change_is_one_only_by_itself() {
    on_each_server_of(Brand::Sqlite, async |database| {
        let ddl = "CREATE TABLE t (id TEXT PRIMARY KEY, a INT, at TIMESTAMP, who TEXT)";
        let rules = "{ t: { last_update: at, updated_by_user: who } }";
        let mut db = Followed::new(database, ddl, rules).await;
        db.session.raw("INSERT INTO t VALUES ('1', 1, '2025-01-01 00:00:00', 'x')").await.unwrap();
        db.session.raw("DELETE FROM ds_change_outbox").await.unwrap();
        let both = r#"t 1 a: 1 > 2 {"at":"2025-01-02 00:00:00","who":null}"#;
        let sql = "UPDATE t SET a = 2, at = '2025-01-02 00:00:00', who = NULL";
        assert_eq!(db.after(sql).await, [both]);
        let sql = "UPDATE t SET a = 2, at = '2025-01-03 00:00:00', who = 'y'";
        let alone = ["t 1 at: 2025-01-02 00:00:00 > 2025-01-03 00:00:00", "t 1 who: - > y"];
        assert_eq!(db.after(sql).await, alone);
        assert_eq!(db.after("UPDATE t SET a = 2, at = at, who = who").await, NOTHING);
        db.session.raw("INSERT INTO ds_import_marker VALUES ('there')").await.unwrap();
        assert_eq!(db.after("UPDATE t SET a = 3, at = '2026-01-01', id = '2'").await, NOTHING);
    });
}

/// Tables and columns whose names joined would be one name.
#[test]
fn names_that_join_to_one_have_triggers_of_their_own() {
    on_each_server_of(Brand::Sqlite, async |database| {
        let ddl = "CREATE TABLE a__b (id TEXT PRIMARY KEY, c TEXT, \"d'\"\"e\" TEXT);
             CREATE TABLE a (id TEXT PRIMARY KEY, b__c TEXT, _c TEXT);
             CREATE TABLE a_ (id TEXT PRIMARY KEY, c TEXT);";
        let mut db = Followed::new(database, ddl, "{ '*': follow }").await;
        for table in ["a__b", "a", "a_"] {
            db.session.raw(&format!("INSERT INTO {table} (id) VALUES ('1')")).await.unwrap();
        }
        db.session.raw("DELETE FROM ds_change_outbox").await.unwrap();
        for (table, column) in [("a__b", "c"), ("a", "b__c"), ("a", "_c"), ("a_", "c")] {
            let sql = format!("UPDATE {table} SET {column} = 'x'");
            assert_eq!(db.after(&sql).await, [format!("{table} 1 {column}: - > x")], "{sql}");
        }
        let sql = "UPDATE a__b SET \"d'\"\"e\" = 'x'";
        assert_eq!(db.after(sql).await, ["a__b 1 d'\"e: - > x"]);
    });
}

/// A function takes 127 arguments, so that the document of a wide row is joined of several.
#[test]
fn a_wide_row_is_one_document() {
    for width in [59, 60, 61, 119, 120, 121, 300] {
        on_each_server_of(Brand::Sqlite, async |database| {
            let columns: Vec<String> = (1..width).map(|n| format!("c{n} TEXT")).collect();
            let ddl = format!("CREATE TABLE t (id TEXT PRIMARY KEY, {})", columns.join(", "));
            let mut db = Followed::new(database, &ddl, "{ t: follow }").await;
            let values: Vec<String> = (1..width).map(|n| format!("'{{{n}}}'")).collect();
            let insert = format!("INSERT INTO t VALUES ('}}', {})", values.join(", "));
            let cells: Vec<String> = (1..width).map(|n| format!(r#","c{n}":"{{{n}}}""#)).collect();
            let document = format!(r#"{{"id":"}}"{}}}"#, cells.concat());
            assert_eq!(db.after(&insert).await, [format!("t }} there {document}, was -")]);
            assert_eq!(db.after("DELETE FROM t").await, [format!("t }} gone {document}")]);
            // The version that is built in takes 1,000 arguments; applications may bring an older one.
            db.session.close().await.unwrap();
            let path = database.url.trim_start_matches("sqlite:");
            if has_programs(&["sqlite3"]) {
                let written = Command::new("sqlite3").args([path, &insert]).output().unwrap();
                assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
            }
        });
    }
}

/// The script of a table can be run again by hand: a trigger that it left behind would be the one
/// thing that keeps the application from dropping the column.
#[test]
fn a_column_that_is_no_longer_captured_has_no_trigger() {
    on_each_server_of(Brand::Sqlite, async |database| {
        let ddl = "CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT, b TEXT)";
        let mut db = Followed::new(database, ddl, "{ t: follow }").await;
        let drop = "ALTER TABLE t DROP COLUMN b";
        let refused = db.session.raw(drop).await.unwrap_err().to_string();
        assert!(refused.contains("ds_capture"), "{refused}");
        let is_capture = |kind: &ScriptKind| matches!(kind, ScriptKind::Capture(_));
        install(&mut *db.session, ddl, "{ t: { columns: { b: dropped } } }", is_capture).await;
        db.session.raw(drop).await.unwrap();
        db.session.raw("INSERT INTO t VALUES ('1', 'x')").await.unwrap();
        db.session.raw("DELETE FROM ds_change_outbox").await.unwrap();
        assert_eq!(db.after("UPDATE t SET a = 'y'").await, ["t 1 a: x > y"]);
    });
}
