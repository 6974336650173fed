//! Writes that fire no trigger of the rows concerned, and are recorded all the same: cascades on
//! MySQL and MariaDB, INSERT OR REPLACE on SQLite.

use std::collections::BTreeMap;

use indoc::indoc;
use outrigger::config;
use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::plan;
use outrigger::render::{Templates, scripts};
use outrigger::schema::{self, Source};

use crate::support::{TestDatabase, on_each_server_of};

/// A database of one brand whose tables are followed.
struct Followed {
    session: Box<dyn Session>,
}

/// The plan of a brand's node whose tables are in `ddl`; `rest` is the end of the configuration.
pub fn planned(brand: Brand, ddl: &str, rest: &str) -> Result<plan::Plan, plan::Error> {
    let url = match brand {
        Brand::Sqlite => "sqlite:x.db",
        _ => "mysql://u@h/d",
    };
    let text = format!(
        "database: app\nschema: {{ dialect: {brand}, files: [s.sql] }}\nnodes:\n  \
         here: {{ url: '{url}' }}\n  there: {{ url: '{url}' }}\nroutes:\n  \
         - {{ id: 10, from: here, to: there }}\n{rest}"
    );
    let config = config::parse("c.yaml", &text, &BTreeMap::new()).unwrap();
    let reading = schema::parse(&[Source { path: "s.sql", text: ddl }], brand).unwrap();
    plan::plan(&config, &reading.schema, brand)
}

const ALL: &str = "tables: { '*': follow }\n";

impl Followed {
    async fn new(database: &TestDatabase, ddl: &str, rest: &str) -> Self {
        let brand = database.brand();
        let plan = planned(brand, ddl, rest).unwrap();
        let mut session = database.connect().await;
        for statement in ddl.split(";\n").filter(|text| !text.trim().is_empty()) {
            session.raw(statement).await.unwrap_or_else(|fault| panic!("{fault}\n{statement}"));
        }
        for script in scripts(&plan, &Templates::embedded(brand)).unwrap() {
            for statement in &script.statements {
                session.raw(statement).await.unwrap_or_else(|fault| panic!("{fault}\n{statement}"));
            }
        }
        session.raw("UPDATE ds_node SET node_id = 'here'").await.unwrap();
        Self { session }
    }

    /// What a statement makes the triggers record.
    async fn after(&mut self, sql: &str) -> Vec<String> {
        self.session.raw(sql).await.unwrap_or_else(|fault| panic!("{fault}\n{sql}"));
        self.recorded().await
    }

    /// The same, the rows before the last one sorted: which of them is first does not matter.
    async fn sorted_after(&mut self, sql: &str) -> Vec<String> {
        let mut found = self.after(sql).await;
        if let Some((_, before)) = found.split_last_mut() {
            before.sort();
        }
        found
    }

    async fn recorded(&mut self) -> Vec<String> {
        let columns = "SELECT object_table, object_operation, object_attribute, object_id, \
             object_value, object_value_old, object_operation_command FROM ds_change_outbox ORDER BY id";
        let rows = self.session.fetch(columns, &[]).await.unwrap();
        self.session.raw("DELETE FROM ds_change_outbox").await.unwrap();
        let brief = |row: &outrigger::model::Row| {
            let text = |name| row.text(name);
            let mut brief = format!(
                "{} {} {}",
                text("object_table").unwrap(),
                text("object_operation").unwrap(),
                text("object_id").unwrap()
            );
            if let Some(column) = text("object_attribute") {
                let cell = |name| text(name).unwrap_or_else(|| "-".into());
                brief +=
                    &format!(" {column}: {} > {}", cell("object_value_old"), cell("object_value"));
            } else if let Some(old) = text("object_value_old") {
                brief += &format!(" {old}");
            }
            brief
                + &text("object_operation_command").map(|sql| format!(" {sql}")).unwrap_or_default()
        };
        rows.iter().map(brief).collect()
    }
}

const FAMILY: &str = indoc! {"
    CREATE TABLE customer (id int PRIMARY KEY, code varchar(9) NOT NULL UNIQUE);
    CREATE TABLE address (id int PRIMARY KEY, customer_id int,
      FOREIGN KEY (customer_id) REFERENCES customer (id) ON DELETE CASCADE ON UPDATE CASCADE);
    CREATE TABLE purchase (id int PRIMARY KEY, code varchar(9), address_id int,
      FOREIGN KEY (code) REFERENCES customer (code) ON DELETE CASCADE ON UPDATE CASCADE,
      FOREIGN KEY (address_id) REFERENCES address (id) ON DELETE SET NULL);
    CREATE TABLE line (purchase_id int, no int, note varchar(20), PRIMARY KEY (purchase_id, no),
      FOREIGN KEY (purchase_id) REFERENCES purchase (id) ON DELETE CASCADE);
    CREATE TABLE visit (id int PRIMARY KEY, address_id int, line_purchase int, line_no int,
      FOREIGN KEY (address_id) REFERENCES address (id) ON DELETE CASCADE,
      FOREIGN KEY (line_purchase, line_no) REFERENCES line (purchase_id, no) ON DELETE CASCADE);
"};

const ROWS: [&str; 5] = [
    "INSERT INTO customer VALUES (1, 'a'), (2, 'b')",
    "INSERT INTO address VALUES (10, 1), (20, 2)",
    "INSERT INTO purchase VALUES (100, 'a', 10), (200, 'b', 10), (300, 'b', 20)",
    "INSERT INTO line VALUES (100, 1, 'x''y'), (100, 2, NULL), (200, 1, 'z')",
    "INSERT INTO visit VALUES (1000, 10, NULL, NULL), (1001, 10, 100, 2), (1002, 20, 100, 1), (1003, 20, 200, 1)",
];

async fn family(database: &TestDatabase, rest: &str) -> Followed {
    let mut db = Followed::new(database, FAMILY, rest).await;
    for sql in ROWS {
        db.session.raw(sql).await.unwrap();
    }
    db.recorded().await;
    db
}

#[test]
fn rows_that_foreign_keys_take_along_are_recorded_before_their_parent_each_once() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = family(database, ALL).await;
        let found = db.after("DELETE FROM customer WHERE id = 1").await;
        let gone = "SELECT (SELECT COUNT(*) FROM address) * 1000 + (SELECT COUNT(*) FROM purchase) * 100 \
             + (SELECT COUNT(*) FROM line) * 10 + (SELECT COUNT(*) FROM visit) AS n";
        assert_eq!(db.session.fetch(gone, &[]).await.unwrap()[0].integer("n"), Some(1211));
        // Purchase 100 goes, so its address is not set NULL; 200 stays and loses it. Visit 1001
        // goes on two ways.
        let mut sorted = found.clone();
        sorted.sort();
        assert_eq!(
            sorted,
            [
                r#"address D 10 {"id":"10","customer_id":"1"}"#,
                r#"customer D 1 {"id":"1","code":"a"}"#,
                r#"line D ["100","1"] {"purchase_id":"100","no":"1","note":"x'y"}"#,
                r#"line D ["100","2"] {"purchase_id":"100","no":"2","note":null}"#,
                r#"purchase D 100 {"id":"100","code":"a","address_id":"10"}"#,
                "purchase U 200 address_id: 10 > -",
                r#"visit D 1000 {"id":"1000","address_id":"10","line_purchase":null,"line_no":null}"#,
                r#"visit D 1001 {"id":"1001","address_id":"10","line_purchase":"100","line_no":"2"}"#,
                r#"visit D 1002 {"id":"1002","address_id":"20","line_purchase":"100","line_no":"1"}"#,
            ]
        );
        assert!(found.last().unwrap().starts_with("customer D"), "{found:?}");
        // A row without others costs nothing but the look.
        db.session.raw("INSERT INTO customer VALUES (3, 'c')").await.unwrap();
        db.recorded().await;
        assert_eq!(db.after("DELETE FROM customer WHERE id = 3").await.len(), 1);
    });
}

#[test]
fn references_that_foreign_keys_carry_along_are_recorded() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = family(database, ALL).await;
        assert_eq!(
            db.after("UPDATE customer SET code = 'x' WHERE id = 2").await,
            [
                "purchase U 200 code: b > x",
                "purchase U 300 code: b > x",
                "customer U 2 code: b > x"
            ]
        );
        let found = db.after("UPDATE customer SET id = 5 WHERE id = 2").await;
        assert_eq!(found[0], "address U 20 customer_id: 2 > 5");
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(db.after("UPDATE customer SET code = 'x' WHERE id = 5").await, [""; 0]);
        // REPLACE deletes, and so takes along.
        let found = db.after("REPLACE INTO address VALUES (20, NULL)").await;
        assert_eq!(found.iter().filter(|one| one.starts_with("visit D")).count(), 2, "{found:?}");
        assert!(found.contains(&"purchase U 300 address_id: 20 > -".to_owned()), "{found:?}");
    });
}

#[test]
fn an_import_is_not_recorded_and_a_refused_delete_leaves_nothing() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = family(database, ALL).await;
        db.session.raw("SET @outrigger_origin = 'there'").await.unwrap();
        assert_eq!(db.after("DELETE FROM address WHERE id = 10").await, [""; 0]);
        db.session.raw("SET @outrigger_origin = NULL").await.unwrap();
        db.session
            .raw("CREATE TABLE guard (id int, FOREIGN KEY (id) REFERENCES visit (id))")
            .await
            .unwrap();
        db.session.raw("INSERT INTO guard VALUES (1003)").await.unwrap();
        db.session.raw("DELETE FROM customer WHERE id = 2").await.unwrap_err();
        assert_eq!(db.recorded().await, [""; 0]);
    });
}

#[test]
fn the_command_of_a_row_that_goes_along_is_written_too() {
    on_each_server_of(Brand::Mysql, async |database| {
        let rest = format!("{ALL}capture: {{ command: escaped }}\n");
        let mut db = family(database, &rest).await;
        let found = db.after("DELETE FROM address WHERE id = 20").await;
        assert!(
            found.contains(
                &"purchase U 300 address_id: 20 > - UPDATE purchase SET address_id = NULL WHERE id = '300'"
                    .to_owned()
            ),
            "{found:?}"
        );
        assert!(
            found.iter().any(|one| one.ends_with("DELETE FROM visit WHERE id = '1002'")),
            "{found:?}"
        );
        let found = db.after("UPDATE customer SET code = 'o''x' WHERE id = 2").await;
        assert!(
            found[0].ends_with("UPDATE purchase SET code = 'o''x' WHERE id = '200'"),
            "{found:?}"
        );
    });
}

#[test]
fn what_cannot_be_recorded_is_refused_unless_it_is_to_be_left() {
    let tree = "CREATE TABLE node (id int PRIMARY KEY, up int, \
                FOREIGN KEY (up) REFERENCES node (id) ON DELETE CASCADE);\n";
    let keyed = "CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE b (a_id int, no int, PRIMARY KEY (a_id, no), \
                 FOREIGN KEY (a_id) REFERENCES a (id) ON UPDATE CASCADE);\n";
    for (ddl, says) in [
        (tree, "the tables refer to each other in a circle"),
        (keyed, "it changes the key of the rows that refer"),
    ] {
        let error = planned(Brand::Mysql, ddl, ALL).unwrap_err().to_string();
        assert!(error.ends_with(says), "{error}");
        let left = format!("{ALL}capture: {{ cascades: leave }}\n");
        let plan = planned(Brand::Mysql, ddl, &left).unwrap();
        assert!(plan.tables.iter().all(|table| table.delete_cascades.is_empty()));
        planned(Brand::Sqlite, ddl, ALL).unwrap();
    }
    let skipped = "tables: { a: follow, b: skip }\n";
    planned(Brand::Mysql, keyed, skipped).unwrap();
}

const ITEM: &str = indoc! {"
    CREATE TABLE item (id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE UNIQUE, a INT, b INT, note TEXT, UNIQUE (a, b));
    CREATE TABLE pair (x TEXT, y INT, v TEXT UNIQUE, PRIMARY KEY (x, y)) WITHOUT ROWID;
"};

async fn items(database: &TestDatabase) -> Followed {
    let mut db = Followed::new(database, ITEM, ALL).await;
    let rows = "INSERT INTO item VALUES (1, 'one', 1, 1, 'x'), (2, 'two', 2, 2, NULL), (3, 'three', NULL, 3, 'z')";
    db.session.raw(rows).await.unwrap();
    db.session.raw("INSERT INTO pair VALUES ('a', 1, 'v1'), ('b', 2, 'v2')").await.unwrap();
    db.recorded().await;
    db
}

const ONE: &str = r#"item D 1 {"id":"1","code":"one","a":"1","b":"1","note":"x"}"#;
const TWO: &str = r#"item D 2 {"id":"2","code":"two","a":"2","b":"2","note":null}"#;

#[test]
fn rows_that_a_replace_puts_away_are_recorded_before_the_new_one() {
    for pragma in ["PRAGMA recursive_triggers = OFF", "PRAGMA recursive_triggers = ON"] {
        on_each_server_of(Brand::Sqlite, async |database| {
            let mut db = items(database).await;
            db.session.raw(pragma).await.unwrap();
            assert_eq!(
                db.sorted_after("INSERT OR REPLACE INTO item VALUES (9, 'ONE', 2, 2, 'new')").await,
                [ONE, TWO, "item I 9"],
                "two unique keys, one without regard to case: {pragma}"
            );
            assert_eq!(
                db.after("REPLACE INTO item VALUES (9, 'nine', 9, 9, 'newer')").await,
                [r#"item D 9 {"id":"9","code":"ONE","a":"2","b":"2","note":"new"}"#, "item I 9"],
            );
            assert_eq!(
                db.after("INSERT OR REPLACE INTO item (code, note) VALUES ('NINE', 'numbered')")
                    .await
                    .len(),
                2
            );
            assert_eq!(
                db.sorted_after("INSERT OR REPLACE INTO pair VALUES ('a', 1, 'v2')").await,
                [
                    r#"pair D ["a","1"] {"x":"a","y":"1","v":"v1"}"#,
                    r#"pair D ["b","2"] {"x":"b","y":"2","v":"v2"}"#,
                    r#"pair I ["a","1"]"#
                ],
            );
            assert_eq!(
                db.after("INSERT OR REPLACE INTO pair VALUES ('c', 3, NULL)").await,
                [r#"pair I ["c","3"]"#]
            );
        });
    }
}

#[test]
fn an_insert_that_replaces_nothing_records_nothing_more() {
    on_each_server_of(Brand::Sqlite, async |database| {
        let mut db = items(database).await;
        assert_eq!(db.after("INSERT OR IGNORE INTO item VALUES (1, 'x', 5, 5, '')").await, [""; 0]);
        assert_eq!(db.after("INSERT INTO item VALUES (7, 'seven', 7, 7, '')").await, ["item I 7"]);
        let upsert =
            "INSERT INTO item VALUES (1, 'x', 5, 5, '') ON CONFLICT (id) DO UPDATE SET note = 'up'";
        assert_eq!(db.after(upsert).await, ["item U 1 note: x > up"]);
        db.session.raw("INSERT INTO item VALUES (1, 'x', 5, 5, '')").await.unwrap_err();
        assert_eq!(db.recorded().await, [""; 0]);
        db.session.raw("INSERT INTO ds_import_marker VALUES ('there')").await.unwrap();
        assert_eq!(
            db.after("INSERT OR REPLACE INTO item VALUES (1, 'two', 8, 8, '')").await,
            [""; 0]
        );
        db.session.raw("DELETE FROM ds_import_marker").await.unwrap();
        // What the upsert remembered is not taken for replaced now.
        assert_eq!(db.after("DELETE FROM item WHERE id = 1").await.len(), 1);
        assert_eq!(db.after("INSERT INTO item VALUES (1, 'one', 1, 1, '')").await, ["item I 1"]);
        let left = db.session.fetch("SELECT count(*) AS n FROM ds_replaced", &[]).await.unwrap();
        assert_eq!(left[0].integer("n"), Some(0));
    });
}

/// An index that is stricter than the column's collation: what it lets stand is not gone.
#[test]
fn a_row_that_is_equal_under_a_collation_only_stays() {
    on_each_server_of(Brand::Sqlite, async |database| {
        let ddl = "CREATE TABLE word (id INTEGER PRIMARY KEY, w TEXT COLLATE NOCASE);\n\
                   CREATE UNIQUE INDEX word_w ON word (w COLLATE BINARY);\n";
        let mut db = Followed::new(database, ddl, ALL).await;
        assert_eq!(db.after("INSERT INTO word VALUES (1, 'a')").await, ["word I 1"]);
        assert_eq!(db.after("INSERT INTO word VALUES (2, 'A')").await, ["word I 2"]);
    });
}
