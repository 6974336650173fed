//! What the triggers of MySQL and MariaDB record, and what an application feels of them.

use std::collections::BTreeMap;

use indoc::indoc;
use outrigger::config::{self, Config};
use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::model::Schema;
use outrigger::plan;
use outrigger::render::{Templates, scripts};
use outrigger::schema::{self, Source};

use crate::support::{TestDatabase, on_each_server_of};

/// A database whose tables are followed.
pub(crate) struct Followed {
    pub(crate) config: Config,
    pub(crate) schema: Schema,
    pub(crate) session: Box<dyn Session>,
}

impl Followed {
    /// Makes the tables of `ddl` and installs what follows them. `rules` is the configuration
    /// from `tables:` on.
    pub(crate) async fn new(database: &TestDatabase, ddl: &str, rules: &str) -> Self {
        let text = format!(
            "database: testapp\nschema: {{ dialect: mysql, files: [schema.sql] }}\nnodes:\n  \
             here: {{ url: '{0}' }}\n  there: {{ url: '{0}' }}\nroutes:\n  \
             - {{ id: 1000, from: there, to: here }}\n{rules}",
            database.url
        );
        let config = config::parse("c.yaml", &text, &BTreeMap::new()).unwrap();
        let source = Source { path: "schema.sql", text: ddl };
        let schema = schema::parse(&[source], Brand::Mysql).unwrap().schema;
        let mut session = database.connect().await;
        for statement in ddl.split(';').filter(|text| !text.trim().is_empty()) {
            session.raw(statement).await.unwrap();
        }
        let plan = plan::plan(&config, &schema, Brand::Mysql).unwrap();
        for script in scripts(&plan, &Templates::embedded(Brand::Mysql)).unwrap() {
            for statement in &script.statements {
                let done = session.raw(statement).await;
                done.unwrap_or_else(|fault| panic!("{fault}\n{statement}"));
            }
        }
        session.raw("UPDATE ds_node SET node_id = 'here'").await.unwrap();
        Self { config, schema, session }
    }

    pub(crate) async fn run(&mut self, statements: &[&str]) {
        for sql in statements {
            self.session.raw(sql).await.unwrap_or_else(|fault| panic!("{fault}\n{sql}"));
        }
    }

    /// What was recorded since the last look: the named columns of each row, NULL as `-`.
    async fn recorded(&mut self, columns: &str) -> Vec<String> {
        let sql = format!("SELECT {columns} FROM ds_change_outbox ORDER BY id");
        let rows = self.session.fetch(&sql, &[]).await.unwrap();
        self.session.raw("DELETE FROM ds_change_outbox").await.unwrap();
        rows.iter()
            .map(|row| {
                let text = |name: &String| {
                    row.text(name)
                        .or(row.integer(name).map(|n| n.to_string()))
                        .unwrap_or_else(|| "-".into())
                };
                row.columns().iter().map(text).collect::<Vec<_>>().join("|")
            })
            .collect()
    }

    /// What a statement makes the triggers record, in brief.
    async fn after(&mut self, sql: &str) -> Vec<String> {
        self.run(&[sql]).await;
        self.recorded(BRIEF).await
    }

    pub(crate) async fn text(&mut self, sql: &str) -> String {
        let rows = self.session.fetch(&format!("SELECT {sql} AS v"), &[]).await.unwrap();
        rows[0].text("v").unwrap_or_else(|| "-".into())
    }
}

const BRIEF: &str = "object_operation, object_attribute, object_id, object_value, object_value_old";

const ORDER: &str = indoc! {"
    CREATE TABLE sales_order (
        order_id varchar(40) NOT NULL PRIMARY KEY,
        description varchar(200) COLLATE utf8mb4_general_ci,
        quantity int,
        price decimal(10,2),
        stamped datetime(6),
        changed_by varchar(30)
    ) DEFAULT CHARSET utf8mb4
"};

const ORDER_RULES: &str =
    "tables:\n  sales_order: { last_update: stamped, updated_by_user: changed_by }\n";

#[test]
fn each_changed_column_is_one_change_and_nothing_else_is() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = Followed::new(database, ORDER, ORDER_RULES).await;
        let insert = "INSERT INTO sales_order VALUES ('o1', NULL, 5, 1.50, NULL, 'mtp')";
        let document = r#"{"order_id":"o1","description":null,"quantity":"5","price":"1.5","stamped":null,"changed_by":"mtp"}"#;
        assert_eq!(db.after(insert).await, [format!("I|-|o1|{document}|-")]);

        let update =
            "UPDATE sales_order SET description = 'O''Brien', quantity = NULL, price = 1.5";
        assert_eq!(db.after(update).await, ["U|description|o1|O'Brien|-", "U|quantity|o1|-|5"],);
        assert_eq!(db.after("UPDATE sales_order SET price = 1.500").await, Vec::<String>::new());
        for (sql, seen) in [
            ("'o''brien'", "U|description|o1|o'brien|O'Brien"),
            ("'o''brien '", "U|description|o1|o'brien |o'brien"),
            ("''", "U|description|o1||o'brien "),
            ("NULL", "U|description|o1|-|"),
        ] {
            let sql = format!("UPDATE sales_order SET description = {sql}");
            assert_eq!(db.after(&sql).await, [seen], "{sql}");
            assert_eq!(db.after(&sql).await, Vec::<String>::new(), "{sql} again");
        }
        assert_eq!(
            db.after("DELETE FROM sales_order").await,
            [
                r#"D|-|o1|-|{"order_id":"o1","description":null,"quantity":null,"price":"1.5","stamped":null,"changed_by":"mtp"}"#
            ],
        );
    });
}

#[test]
fn the_applications_own_columns_travel_with_a_change_or_alone() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = Followed::new(database, ORDER, ORDER_RULES).await;
        let columns = "object_database, object_table, object_pk_attribute, object_operation, \
             object_attribute, object_value, updated_by_server_id, \
             CAST(update_datetime AS CHAR) AS t, updated_by_user_id, object_context";
        db.run(&[
            "INSERT INTO sales_order VALUES ('o1', 'a', 5, 1, '2099-01-02 03:04:05.5', 'mtp')",
        ])
        .await;
        db.recorded("id").await;
        db.run(&["UPDATE sales_order SET quantity = 6, stamped = '2099-01-02 03:04:06', changed_by = 'eve'"])
            .await;
        assert_eq!(
            db.recorded(columns).await,
            [
                r#"testapp|sales_order|order_id|U|quantity|6|here|2099-01-02 03:04:06.000000|eve|{"stamped":"2099-01-02 03:04:06","changed_by":"eve"}"#
            ],
        );
        db.run(&["UPDATE sales_order SET changed_by = NULL"]).await;
        assert_eq!(
            db.recorded(columns).await,
            ["testapp|sales_order|order_id|U|changed_by|-|here|2099-01-02 03:04:06.000000|root|-"],
        );
    });
}

/// The trigger looks at columns in groups, and reads what they have in common once.
#[test]
fn changes_in_several_groups_of_columns_are_of_one_moment() {
    on_each_server_of(Brand::Mysql, async |database| {
        let many = (1..=12).map(|n| format!("c{n} int")).collect::<Vec<_>>().join(", ");
        let ddl = format!(
            "CREATE TABLE t (id int PRIMARY KEY, {many}, stamped datetime(6), who varchar(30))"
        );
        let rules = "tables: { t: { last_update: stamped, updated_by_user: who } }\n";
        let mut db = Followed::new(database, &ddl, rules).await;
        db.run(&["INSERT INTO t (id, who) VALUES (1, 'ann')", "DELETE FROM ds_change_outbox"])
            .await;

        let columns = "object_attribute, object_value, object_context, updated_by_user_id, \
             (SELECT COUNT(DISTINCT o.update_datetime) FROM ds_change_outbox AS o) AS moments";
        db.run(&["UPDATE t SET c1 = 1, c6 = 6, c12 = 12, who = 'eve'"]).await;
        let context = r#"{"who":"eve"}|eve|1"#;
        assert_eq!(
            db.recorded(columns).await,
            [format!("c1|1|{context}"), format!("c6|6|{context}"), format!("c12|12|{context}")],
        );
        db.run(&["UPDATE t SET c12 = 13"]).await;
        assert_eq!(db.recorded(columns).await, ["c12|13|-|eve|1"]);
        db.run(&["UPDATE t SET who = 'bob', stamped = '2099-01-02'"]).await;
        assert_eq!(
            db.recorded(columns).await,
            ["stamped|2099-01-02 00:00:00|-|bob|1", "who|bob|-|bob|1"],
        );
        db.run(&["UPDATE t SET c1 = 1, c12 = 13, who = 'bob'"]).await;
        assert_eq!(db.recorded(columns).await, Vec::<String>::new());
    });
}

/// Neither the collation nor the character set decides what a change is.
#[test]
fn texts_are_compared_byte_by_byte_in_every_character_set() {
    on_each_server_of(Brand::Mysql, async |database| {
        let types = [
            ("varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", ""),
            ("varchar(9) CHARACTER SET latin1 COLLATE latin1_german2_ci", ""),
            ("text CHARACTER SET utf16", ""),
            ("tinytext CHARACTER SET cp1250", ""),
            ("enum('a', 'A', 'ä') CHARACTER SET latin1 COLLATE latin1_bin", "enum"),
            ("set('a', 'b', 'ä') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "set"),
        ];
        let columns: Vec<_> = (0..).zip(types).map(|(n, (ty, _))| format!("c{n} {ty}")).collect();
        let ddl = format!("CREATE TABLE t (id int PRIMARY KEY, {})", columns.join(", "));
        let mut db = Followed::new(database, &ddl, "tables: { t: follow }\n").await;
        db.run(&["INSERT INTO t (id) VALUES (1)", "DELETE FROM ds_change_outbox"]).await;
        for (number, (_, kind)) in (0..).zip(types) {
            let values: &[&str] = match kind {
                "enum" => &["a", "A", "ä"],
                "set" => &["a", "a,b", "b,ä"],
                _ => &["a", "A", "a ", "ä", "Ä", "ae", "", " "],
            };
            let mut before = "-";
            for value in values {
                let sql = format!("UPDATE t SET c{number} = '{value}'");
                let seen = format!("U|c{number}|1|{value}|{before}");
                assert_eq!(db.after(&sql).await, [seen], "{sql}");
                assert_eq!(db.after(&sql).await, Vec::<String>::new(), "{sql} again");
                before = value;
            }
        }
    });
}

/// Whoever emptied `ds_node` learns it from what is recorded, and loses no change.
#[test]
fn a_node_without_its_row_records_all_the_same() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = Followed::new(database, ORDER, ORDER_RULES).await;
        db.run(&[
            "DELETE FROM ds_node",
            "INSERT INTO sales_order VALUES ('o1', 'a', 5, 1, NULL, NULL)",
            "UPDATE sales_order SET quantity = 6, price = 2",
            "UPDATE sales_order SET order_id = 'o2'",
            "DELETE FROM sales_order",
        ])
        .await;
        let columns = "object_operation, object_attribute, updated_by_server_id, \
             ABS(TIMESTAMPDIFF(MINUTE, update_datetime, UTC_TIMESTAMP())) < 5 AS recent";
        assert_eq!(
            db.recorded(columns).await,
            ["I|-|-|1", "U|quantity|-|1", "U|price|-|1", "D|-|-|1", "I|-|-|1", "D|-|-|1"],
        );
    });
}

#[test]
fn a_changed_key_is_a_delete_and_an_insert() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE line (`order` varchar(20) COLLATE utf8mb4_general_ci, no bigint, v int, \
                   PRIMARY KEY (`order`, no)) DEFAULT CHARSET utf8mb4";
        let mut db = Followed::new(database, ddl, "tables: { line: follow }\n").await;
        let columns =
            "object_pk_attribute, object_operation, object_id, object_id_old, object_value";
        db.run(&["INSERT INTO line VALUES ('a\"ö\\\\', 1, 2)"]).await;
        assert_eq!(
            db.recorded(columns).await,
            [r#"["order","no"]|I|["a\"ö\\","1"]|-|{"order":"a\"ö\\","no":"1","v":"2"}"#],
        );
        db.run(&["UPDATE line SET `order` = 'b', no = 7, v = 3"]).await;
        assert_eq!(
            db.recorded(columns).await,
            [
                r#"["order","no"]|D|["a\"ö\\","1"]|-|-"#,
                r#"["order","no"]|I|["b","7"]|["a\"ö\\","1"]|{"order":"b","no":"7","v":"3"}"#,
            ],
        );
        // The same key to the collation, another one to everybody else.
        db.run(&["UPDATE line SET `order` = 'B'"]).await;
        assert_eq!(
            db.recorded("object_operation, object_id").await,
            [r#"D|["b","7"]"#, r#"I|["B","7"]"#]
        );
    });
}

#[test]
fn policies_decide_what_is_seen() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE person (id int PRIMARY KEY, card varchar(20), email varchar(50), \
                   phone varchar(20), born date, pin int, twice int AS (id * 2) STORED)";
        let rules = "tables:\n  person:\n    columns: { card: ignore, email: hash, phone: mask, \
                     born: mask, pin: forbid }\n";
        let mut db = Followed::new(database, ddl, rules).await;
        let insert = "INSERT INTO person (id, card, email, phone, born, pin) \
                      VALUES (1, '4711', 'abc', '555', '2000-01-01', 1234)";
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            db.after(insert).await,
            [format!(r#"I|-|1|{{"id":"1","email":"{hash}","phone":"***","born":null}}|-"#)],
        );
        let nothing = Vec::<String>::new();
        let unseen = "UPDATE person SET card = '1', phone = '556', born = '2000-01-02', pin = 5";
        assert_eq!(db.after(unseen).await, nothing);
        assert_eq!(db.after("UPDATE person SET phone = NULL").await, ["U|phone|1|-|***"]);
        let seen = db.after("UPDATE person SET email = 'ABC'").await;
        assert!(seen[0].starts_with("U|email|1|") && seen[0].ends_with(hash), "{seen:?}");
        assert!(!seen[0].contains("ABC"), "{seen:?}");
    });
}

#[test]
fn commands_are_written_in_both_forms() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE t (id int, `k 2` char(3), v varchar(20), PRIMARY KEY (id, `k 2`))";
        for (form, quote, brien) in [("escaped", "'", "O''Brien"), ("tilde", "~", "O'Brien")] {
            let database = TestDatabase::create(&database.server, form).await;
            let rules = format!("tables: {{ t: follow }}\ncapture: {{ command: {form} }}\n");
            let mut db = Followed::new(&database, ddl, &rules).await;
            db.run(&[
                "INSERT INTO t VALUES (1, 'x', NULL)",
                "UPDATE t SET v = 'O''Brien'",
                "UPDATE t SET id = 2",
                "DELETE FROM t",
            ])
            .await;
            let commands = db.recorded("object_operation_command").await;
            let expected = [
                r#"INSERT INTO t (id, "k 2", v) VALUES ('1', 'x', NULL)"#.to_owned(),
                r#"UPDATE t SET v = 'NAME' WHERE id = '1' AND "k 2" = 'x'"#.to_owned(),
                r#"DELETE FROM t WHERE id = '1' AND "k 2" = 'x'"#.to_owned(),
                r#"INSERT INTO t (id, "k 2", v) VALUES ('2', 'x', 'NAME')"#.to_owned(),
                r#"DELETE FROM t WHERE id = '2' AND "k 2" = 'x'"#.to_owned(),
            ]
            .map(|text| text.replace('\'', quote).replace("NAME", brien));
            assert_eq!(commands, expected, "{form}");
        }
    });
}

#[test]
fn any_name_can_be_followed() {
    let long = "l".repeat(63);
    let ddl = format!(
        "CREATE TABLE `order` (`select` int PRIMARY KEY, `user name` int, `größe` int, \
         `tick``s` int, `it's` int, `back\\slash` int, `ds_stamp` int, `{long}` int);\n\
         CREATE TABLE `{long}` (`node_id` int PRIMARY KEY, `stamp_floor` int)"
    );
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = Followed::new(database, &ddl, "tables: { '*': follow }\n").await;
        db.run(&["INSERT INTO `order` VALUES (1, 1, 1, 1, 1, 1, 1, 1)"]).await;
        let document = db.recorded("object_value").await;
        assert_eq!(
            document,
            [format!(
                r#"{{"select":"1","user name":"1","größe":"1","tick`s":"1","it's":"1","back\\slash":"1","ds_stamp":"1","{long}":"1"}}"#
            )],
        );
        let update = format!(
            "UPDATE `order` SET `user name` = 2, `größe` = 2, `tick``s` = 2, `it's` = 2, \
             `back\\slash` = 2, ds_stamp = 2, `{long}` = 2"
        );
        db.run(&[&update]).await;
        let names = ["user name", "größe", "tick`s", "it's", "back\\slash", "ds_stamp", &long];
        assert_eq!(db.recorded("object_attribute").await, names);
        db.run(&[&format!("INSERT INTO `{long}` VALUES (1, 2)")]).await;
        db.run(&[&format!("UPDATE `{long}` SET stamp_floor = 3")]).await;
        assert_eq!(
            db.recorded("object_table, object_attribute").await,
            [format!("{long}|-"), format!("{long}|stamp_floor")],
        );
    });
}

#[test]
fn the_application_feels_nothing() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v int, w int)";
        let mut db = Followed::new(database, ddl, "tables: { t: follow }\n").await;
        db.run(&["ALTER TABLE ds_change_outbox AUTO_INCREMENT = 1000"]).await;
        db.run(&["INSERT INTO t (v, w) VALUES (1, 1), (2, 2), (3, 3)"]).await;
        assert_eq!(db.text("CONCAT(ROW_COUNT(), ' ', LAST_INSERT_ID())").await, "3 1");
        db.run(&["UPDATE t SET v = 9, w = 9 WHERE id > 1"]).await;
        assert_eq!(db.text("CONCAT(ROW_COUNT(), ' ', LAST_INSERT_ID())").await, "2 1");
        db.run(&["DELETE FROM t"]).await;
        assert_eq!(db.text("CONCAT(ROW_COUNT(), ' ', LAST_INSERT_ID())").await, "3 1");
        assert_eq!(db.recorded("id").await.len(), 3 + 4 + 3);
    });
}

#[test]
fn the_settings_of_the_applications_session_do_not_show() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE t (id int PRIMARY KEY, a varchar(20), b char(5), c timestamp(6) NULL, \
                   d double, e datetime(3), f varbinary(4))";
        let rules = "tables: { t: { last_update: c } }\n";
        let mut db = Followed::new(database, ddl, rules).await;
        for (zone, mode) in [
            ("+00:00", "STRICT_ALL_TABLES"),
            ("+05:30", "ANSI_QUOTES,PIPES_AS_CONCAT"),
            ("-11:00", "NO_BACKSLASH_ESCAPES"),
            ("+13:00", ""),
        ] {
            db.run(&[
                "DELETE FROM t",
                "DELETE FROM ds_change_outbox",
                &format!("SET time_zone = '{zone}', sql_mode = '{mode}', NAMES latin1"),
                "INSERT INTO t VALUES (1, 'x''y', 'z', FROM_UNIXTIME(2000000000.25), 0.1, \
                 '2026-01-02 03:04:05.6', x'00ff')",
                "UPDATE t SET a = CONCAT('x', CHAR(92)), d = 1e300",
                "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
            ])
            .await;
            let stamped = "2033-05-18 03:33:20.250000";
            let columns = "object_attribute, object_value, CAST(update_datetime AS CHAR) AS t";
            let document = r#"{"id":"1","a":"x'y","b":"z","c":"2033-05-18 03:33:20.25Z","d":"0.1","e":"2026-01-02 03:04:05.6","f":"00ff"}"#;
            assert_eq!(
                db.recorded(columns).await,
                [
                    format!("-|{document}|{stamped}"),
                    format!("a|x\\|{stamped}"),
                    format!("d|1e300|{stamped}"),
                ],
                "{zone} {mode}"
            );
        }
    });
}

const STAMP: &str = "CAST(update_datetime AS CHAR) AS t";

#[test]
fn a_stamp_is_never_older_than_what_was_imported_or_was_there() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut db = Followed::new(database, ORDER, ORDER_RULES).await;
        let early = "INSERT INTO sales_order VALUES ('o1', 'a', 5, 1, '2001-01-01', NULL)";
        db.run(&[early]).await;
        assert_eq!(db.recorded(STAMP).await, ["2001-01-01 00:00:00.000000"]);
        // What the application says counts, as long as it does not go backward.
        db.run(&["UPDATE sales_order SET quantity = 6, stamped = '2001-01-02'"]).await;
        assert_eq!(db.recorded(STAMP).await, ["2001-01-02 00:00:00.000000"]);
        db.run(&["UPDATE sales_order SET quantity = 7, stamped = '2000-01-01'"]).await;
        assert_eq!(db.recorded(STAMP).await, ["2001-01-02 00:00:00.000000"]);
        let clock = db.text("CAST(UTC_TIMESTAMP(6) AS CHAR)").await;
        db.run(&["UPDATE sales_order SET quantity = 8, stamped = NULL"]).await;
        assert!(db.recorded(STAMP).await[0] >= clock);
        db.run(&[
            "UPDATE sales_order SET quantity = 9",
            "UPDATE sales_order SET stamped = '2001-01-01'",
        ])
        .await;
        assert!(db.recorded(STAMP).await[0] >= clock);

        db.run(&[
            "UPDATE ds_node SET stamp_floor = '2099-01-01'",
            "UPDATE sales_order SET quantity = 10",
            "UPDATE sales_order SET order_id = 'o2'",
            "DELETE FROM sales_order",
            early,
        ])
        .await;
        let floor = "2099-01-01 00:00:00.000000";
        assert_eq!(db.recorded(STAMP).await, [floor; 5]);
    });
}

/// A long statement that meets a row after an import: NOW would be before it.
#[test]
fn the_clock_is_the_moments_and_not_the_statements() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE t (id int PRIMARY KEY, v int)";
        let mut db = Followed::new(database, ddl, "tables: { t: follow }\n").await;
        db.run(&["INSERT INTO t VALUES (1, 1), (2, 1)", "DELETE FROM ds_change_outbox"]).await;
        for zone in ["+00:00", "-11:00"] {
            db.run(&[&format!("SET time_zone = '{zone}'"), "UPDATE t SET v = v + 1 + SLEEP(0.2)"])
                .await;
            let passed = "(SELECT CAST(TIMESTAMPDIFF(MICROSECOND, MIN(update_datetime), \
                          MAX(update_datetime)) > 150000 AND ABS(TIMESTAMPDIFF(SECOND, \
                          MAX(update_datetime), UTC_TIMESTAMP(6))) < 5 AS CHAR) FROM ds_change_outbox)";
            assert_eq!(db.text(passed).await, "1", "{zone}");
            db.run(&["DELETE FROM ds_change_outbox"]).await;
        }
    });
}

#[test]
fn a_write_does_not_wait_for_the_importer_nor_the_importer_for_it() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE t (id int PRIMARY KEY, v int)";
        let mut db = Followed::new(database, ddl, "tables: { t: follow }\n").await;
        let mut importer = database.connect().await;
        for level in ["REPEATABLE READ", "READ COMMITTED"] {
            db.run(&[
                "SET SESSION innodb_lock_wait_timeout = 1",
                &format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}"),
            ])
            .await;
            importer.raw("SET SESSION innodb_lock_wait_timeout = 1").await.unwrap();
            importer.raw("START TRANSACTION; SELECT * FROM ds_node FOR UPDATE").await.unwrap();
            importer.raw("UPDATE ds_node SET fold_cursor = 'x'").await.unwrap();
            db.run(&["START TRANSACTION", "INSERT INTO t VALUES (1, 1)", "UPDATE t SET v = 2"])
                .await;
            importer.raw("COMMIT").await.unwrap();
            importer.raw("UPDATE ds_node SET fold_cursor = 'y'").await.unwrap();
            db.run(&["DELETE FROM t", "COMMIT"]).await;
        }
        assert_eq!(db.recorded("id").await.len(), 6);
    });
}

#[test]
fn the_view_says_when_each_row_was_changed() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = format!(
            "{ORDER};\nCREATE TABLE line (a varchar(9) COLLATE utf8mb4_general_ci, b int, \
             t timestamp(6) NULL, PRIMARY KEY (a, b)) DEFAULT CHARSET utf8mb4"
        );
        let rules = "tables: { sales_order: { last_update: stamped }, line: { last_update: t } }\n";
        let mut db = Followed::new(database, &ddl, rules).await;
        db.run(&[
            "INSERT INTO sales_order VALUES ('o1', 'a', 5, 1, '2001-01-01', NULL)",
            "SET time_zone = '+02:00'",
            "INSERT INTO line VALUES ('x', 1, '2001-01-02 02:00:00')",
        ])
        .await;
        let sql = "SELECT object_database, object_table, object_pk_attribute, object_id, \
                   CAST(update_datetime AS CHAR) AS t FROM view_recordlevel_update_datetime ORDER BY 2 DESC";
        let rows = db.session.fetch(sql, &[]).await.unwrap();
        let texts: Vec<String> = rows
            .iter()
            .map(|row| {
                row.columns().iter().map(|c| row.text(c).unwrap()).collect::<Vec<_>>().join("|")
            })
            .collect();
        assert_eq!(
            texts,
            [
                "testapp|sales_order|order_id|o1|2001-01-01 00:00:00.000000",
                r#"testapp|line|["a","b"]|["x","1"]|2001-01-02 00:00:00.000000"#,
            ],
        );
    });
}

/// The server lets a text be half as long as a statement; what the triggers make of it is longer.
#[test]
fn a_text_too_long_to_capture_is_refused_and_the_write_is_not() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE t (id int PRIMARY KEY, v longblob)";
        let mut db = Followed::new(database, ddl, "tables: { t: follow }\n").await;
        db.run(&[
            "INSERT INTO t VALUES (1, REPEAT('x', @@max_allowed_packet DIV 2 + 1000))",
            "UPDATE t SET v = REPEAT('y', @@max_allowed_packet DIV 2 + 1000)",
            "UPDATE t SET id = 2",
            "UPDATE t SET v = 'z'",
            "UPDATE t SET v = REPEAT('y', @@max_allowed_packet DIV 2 + 1000)",
            "DELETE FROM t",
        ])
        .await;
        let brief = "object_operation, object_id, refusal IS NOT NULL AS r, \
                     object_value IS NOT NULL AS v";
        // Whether HEX may be longer than a statement differs by flavour and version.
        let sql = "SELECT HEX(REPEAT('y', @@max_allowed_packet DIV 2 + 1000)) IS NULL AS refused";
        let row = db.session.fetch(sql, &[]).await.unwrap().remove(0);
        let wide = if row.integer("refused") == Some(1) { "1|0" } else { "0|1" };
        assert_eq!(
            db.recorded(brief).await,
            [
                "I|1|1|0".to_owned(),
                format!("U|1|{wide}"),
                "D|1|0|0".to_owned(),
                "I|2|1|0".to_owned(),
                "U|2|0|1".to_owned(),
                format!("U|2|{wide}"),
                "D|2|0|0".to_owned(),
            ],
        );
    });
}

/// MySQL keeps a document in another form, and writes it longer than it was given.
#[test]
fn a_document_that_grows_when_it_is_read_is_refused_and_the_write_is_not() {
    on_each_server_of(Brand::Mysql, async |database| {
        let ddl = "CREATE TABLE t (id int PRIMARY KEY, v json)";
        let mut db = Followed::new(database, ddl, "tables: { t: follow }\n").await;
        db.run(&[
            "INSERT INTO t VALUES (1, '1')",
            "DELETE FROM ds_change_outbox",
            "UPDATE t SET v = CONCAT('[', REPEAT('false,', @@max_allowed_packet DIV 6 - 100), 'false]')",
        ])
        .await;
        let sql = "SELECT LENGTH(CONVERT(v USING utf8mb4)) = 0 AS refused FROM t";
        let row = db.session.fetch(sql, &[]).await.unwrap().remove(0);
        let grows = row.integer("refused") == Some(1);
        db.run(&["UPDATE t SET v = '2'"]).await;
        let brief = "object_operation, refusal IS NOT NULL AS r, object_value IS NOT NULL AS v, \
                     object_value_old IS NOT NULL AS o";
        let seen = if grows { ["U|1|0|1", "U|0|1|0"] } else { ["U|0|1|1", "U|0|1|1"] };
        assert_eq!(db.recorded(brief).await, seen);
    });
}
