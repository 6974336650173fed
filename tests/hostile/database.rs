//! What the target's database refuses, and what it would alter.

use outrigger::dialect::Brand;
use outrigger::import::quarantine::Quarantined;

use super::pair;
use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

/// The source takes anything.
const LOOSE: &str = "
CREATE TABLE thing (
    id integer PRIMARY KEY,
    needed varchar(20),
    checked integer,
    uniq varchar(20),
    parent_id integer,
    short varchar(200),
    small integer,
    rounded numeric(20, 6),
    moment timestamp,
    watched integer
);
CREATE TABLE parent (
    id integer PRIMARY KEY
);
";

/// The target does not.
const STRICT: &str = "
CREATE TABLE parent (
    id integer PRIMARY KEY
);
CREATE TABLE thing (
    id integer PRIMARY KEY,
    needed varchar(20) NOT NULL,
    checked integer CHECK (checked < 100),
    uniq varchar(20) UNIQUE,
    parent_id integer REFERENCES parent (id),
    short varchar(5),
    small smallint,
    rounded numeric(6, 2),
    moment timestamp(0),
    watched integer
);
";

const WATCH_POSTGRES: &str = "
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'thing is watched'; END $$;
CREATE TRIGGER watch BEFORE INSERT OR UPDATE ON thing FOR EACH ROW WHEN (NEW.watched = 1)
EXECUTE FUNCTION watch();
";

const WATCH_SQLITE: &str = "
CREATE TRIGGER watch BEFORE INSERT ON thing WHEN NEW.watched = 1
BEGIN SELECT RAISE(ABORT, 'thing is watched'); END;
";

const WATCH_MYSQL: &str = "
CREATE TRIGGER watch BEFORE INSERT ON thing FOR EACH ROW
BEGIN IF NEW.watched = 1 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'watched'; END IF; END;
";

fn ddl(node: &str, brand: Brand) -> String {
    let text = match (node, brand) {
        ("two", Brand::Postgres) => format!("{STRICT};\n{WATCH_POSTGRES}"),
        ("two", Brand::Sqlite) => format!("{STRICT};\n{WATCH_SQLITE}"),
        ("two", Brand::Mysql) => format!("{STRICT};\n{WATCH_MYSQL}"),
        ("two", Brand::SqlServer) => STRICT.to_owned(),
        _ => LOOSE.to_owned(),
    };
    if brand == Brand::Mysql { text.replace("timestamp", "datetime") } else { text }
}

async fn network(nodes: &[(&str, &Server)], routes: &[(&str, &str)]) -> Network {
    let names: Vec<&str> = nodes.iter().map(|(_, server)| server.name).collect();
    let blueprint = Blueprint {
        name: &names.join("_"),
        nodes,
        routes,
        tables: "  thing: follow\n  parent: follow",
        schema: LOOSE,
        batch_rows: 1000,
    };
    Network::set_up(&blueprint, ddl).await
}

/// Column, SQL value, the codes of which one is right; a brand whose lengths bind nothing keeps
/// what the last five would alter.
const REFUSED: [(&str, &str, &str, bool); 11] = [
    ("needed", "NULL", "conflict", true),
    ("checked", "100", "conflict", true),
    ("uniq", "'taken'", "conflict", true),
    ("parent_id", "5", "missing_reference", true),
    ("watched", "1", "conflict rejected", true),
    ("short", "'too long'", "no_fit", false),
    ("short", "'a       '", "no_fit", false),
    ("small", "32768", "no_fit", false),
    ("rounded", "1.005", "no_fit", false),
    ("rounded", "12345.5", "no_fit", false),
    ("moment", "'2025-01-01 10:00:00.5'", "no_fit", false),
];

#[test]
fn what_a_database_refuses_or_would_alter_is_kept_back_and_the_rest_gets_in() {
    // MySQL rounds what the application itself writes: the source has to keep it.
    for from in ready_servers().into_iter().filter(|server| server.brand != Brand::Mysql) {
        for to in ready_servers() {
            println!("{} to {}", from.name, to.name);
            support::block_on(async {
                let nodes = [("one", from), ("two", to)];
                let mut network = network(&nodes, &[("one", "two")]).await;
                refused(&mut network, false).await;
                let mut network = self::network(&nodes, &[("one", "two")]).await;
                refused(&mut network, true).await;
            });
        }
    }
}

/// With all changes in one set, or each in one of its own; before and behind them good ones.
async fn refused(network: &mut Network, is_one_set: bool) {
    let good = |id: usize| {
        let value = if id == 1 { "'taken'".to_owned() } else { format!("'u{id}'") };
        format!("INSERT INTO thing (id, needed, uniq) VALUES ({id}, 'x', {value})")
    };
    let mut sqls = vec![good(1)];
    for (at, (column, value, _, _)) in REFUSED.iter().enumerate() {
        let id = 100 + at;
        sqls.push(if *column == "needed" {
            format!("INSERT INTO thing (id) VALUES ({id})")
        } else {
            format!("INSERT INTO thing (id, needed, {column}) VALUES ({id}, 'x', {value})")
        });
        sqls.push(good(2 + at));
    }
    if is_one_set {
        network.run("one", &format!("BEGIN; {}; COMMIT", sqls.join("; "))).await;
    } else {
        for sql in sqls {
            network.run("one", &sql).await;
        }
    }
    network.run("one", &good(50)).await;
    network.turn().await;

    let keeps_all = network.brand("two") == Brand::Sqlite;
    assert_eq!(network.count("two", "thing WHERE id < 100").await, 13);
    let entries = network.quarantine("two").await;
    for (at, (column, value, codes, is_always)) in REFUSED.iter().enumerate() {
        let id = (100 + at).to_string();
        let entry = entries.iter().find(|entry| entry.object_id.as_deref() == Some(id.as_str()));
        let is_there = network.count("two", &format!("thing WHERE id = {id}")).await == 1;
        let place = format!("{column} {value}");
        if !is_always && keeps_all {
            assert!(is_there && entry.is_none(), "{place} is kept as it is");
            let same = format!("thing WHERE id = {id} AND {column} = {value}");
            assert_eq!(network.count("two", &same).await, 1, "{place}");
            continue;
        }
        assert!(!is_there, "{place} got in");
        let entry = entry.unwrap_or_else(|| panic!("{place} is not in quarantine"));
        assert!(codes.contains(&entry.reason_code), "{place}: {}", entry.reason_code);
        if *codes == "no_fit" {
            assert!(entry.reason.contains(column), "{}", entry.reason);
        }
    }
    let expected = if keeps_all { 5 } else { REFUSED.len() };
    assert_eq!(entries.len(), expected);
}

/// The parent comes from another node, later.
#[test]
fn a_child_that_comes_before_its_parent_gets_in_behind_it() {
    for to in ready_servers() {
        println!("to {}", to.name);
        support::block_on(async {
            let sqlite = support::servers_of(Brand::Sqlite).next().unwrap();
            let nodes = [("one", sqlite), ("two", to), ("three", sqlite)];
            let mut network = network(&nodes, &[("one", "two"), ("three", "two")]).await;
            let child = "INSERT INTO thing (id, needed, parent_id) VALUES (1, 'x', 7)";
            network.run("one", child).await;
            network.run("one", "UPDATE thing SET checked = 5").await;
            network.turn().await;
            let entries = network.quarantine("two").await;
            let codes: Vec<&str> = entries.iter().map(|e| e.reason_code.as_str()).collect();
            assert_eq!(codes, ["missing_reference", "waits"]);

            network.run("three", "INSERT INTO parent VALUES (7)").await;
            network.drain().await;
            assert_eq!(network.count("two", "ds_quarantine").await, 0);
            let rows = network.rows("two", "SELECT id, parent_id, checked FROM thing").await;
            assert_eq!(rows, ["1|7|5"]);
        });
    }
}

/// Values of 16 MiB, and several of them in one window.
#[test]
fn large_values_arrive_as_they_are() {
    const LENGTH: usize = 16 << 20;
    // A text of MySQL's own holds 64 KiB only: it can refuse such a value, not send it.
    for from in ready_servers().into_iter().filter(|server| server.brand != Brand::Mysql) {
        for to in ready_servers() {
            println!("{} to {}", from.name, to.name);
            support::block_on(async {
                let mut network = pair(from, to).await;
                for line in 1..=2 {
                    let sql =
                        format!("INSERT INTO order_line (order_id, line) VALUES ('o', {line})");
                    network.run("one", &sql).await;
                }
                let text = match from.brand {
                    Brand::Sqlite => {
                        format!("replace(hex(zeroblob({})), '00', 'ä''~')", LENGTH / 4)
                    }
                    _ => format!("repeat('ä''~', {})", LENGTH / 4),
                };
                network.run("one", &format!("UPDATE order_line SET note = {text}")).await;
                network.run("one", "UPDATE order_line SET price = 5 WHERE line = 2").await;
                network.turn().await;
                let sums = "SELECT line, length(note) FROM order_line ORDER BY line";
                let expected = network.rows("one", sums).await;
                let length = network.rows("one", "SELECT max(length(note)) FROM order_line").await;
                assert_eq!(length, [(LENGTH / 4 * 3).to_string()]);
                let arrived = network.rows("two", sums).await;
                let quarantine = network.quarantine("two").await;
                if to.brand == Brand::Mysql && !quarantine.is_empty() {
                    // A server may take smaller statements than one such value, and the column
                    // smaller texts.
                    let is_named = |entry: &Quarantined| {
                        let is_said = |word| entry.reason.contains(word);
                        is_said("packet") || is_said("too long") || entry.reason_code == "waits"
                    };
                    assert!(quarantine.iter().all(is_named), "{quarantine:?}");
                } else {
                    assert_eq!(arrived, expected);
                    assert_eq!(network.count("two", "order_line WHERE price = 5").await, 1);
                }
            });
        }
    }
}

/// A character that only some brands hold: it travels, or the change is refused by name.
#[test]
fn a_nul_travels_or_is_refused_and_the_rest_flows() {
    let sqlite = support::servers_of(Brand::Sqlite).next().unwrap();
    for to in ready_servers() {
        println!("to {}", to.name);
        support::block_on(async {
            let mut network = pair(sqlite, to).await;
            let nul = "'a' || char(0) || 'b'";
            for sql in [
                format!("INSERT INTO order_line (order_id, line, note) VALUES ('o', 1, {nul})"),
                "INSERT INTO order_line (order_id, line) VALUES ('o', 2)".to_owned(),
                format!("UPDATE order_line SET note = {nul} WHERE line = 2"),
                format!("INSERT INTO order_line (order_id, line) VALUES ({nul}, 3)"),
                "INSERT INTO order_line (order_id, line) VALUES ('o', 4)".to_owned(),
                format!("INSERT INTO ds_change_outbox (object_table, note1) VALUES ({nul}, {nul})"),
            ] {
                network.run("one", &sql).await;
            }
            network.turn().await;
            let holds = to.brand.dialect().can.hold_nul;
            let lines = network.rows("two", "SELECT line FROM order_line ORDER BY line").await;
            let entries = network.quarantine("two").await;
            if holds {
                assert_eq!(lines, ["1", "2", "3", "4"]);
                let notes = "SELECT hex(note) FROM order_line WHERE line < 3";
                assert_eq!(network.rows("two", notes).await, ["610062", "610062"]);
                assert_eq!(entries.len(), 1, "the unknown table");
            } else {
                assert_eq!(lines, ["2", "4"]);
                assert_eq!(entries.len(), 4);
                assert!(entries.iter().all(|entry| entry.reason.contains("U+0000")));
            }
        });
    }
}

const DEFERRED: &str = "
CREATE TABLE thing (
    id integer PRIMARY KEY,
    uniq integer UNIQUE DEFERRABLE INITIALLY DEFERRED,
    parent_id integer,
    next_id integer REFERENCES thing (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE parent (
    id integer PRIMARY KEY,
    favourite_id integer REFERENCES thing (id) DEFERRABLE INITIALLY DEFERRED
);
ALTER TABLE thing ADD CONSTRAINT thing_parent
FOREIGN KEY (parent_id) REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED;
";

/// The same without any of it.
const FREE: &str = "
CREATE TABLE thing (id integer PRIMARY KEY, uniq integer, parent_id integer, next_id integer);
CREATE TABLE parent (id integer PRIMARY KEY, favourite_id integer);
";

#[test]
fn what_a_deferred_constraint_refuses_is_kept_back_and_the_rest_gets_in() {
    let sqlite = support::servers_of(Brand::Sqlite).next().unwrap();
    for to in ready_servers().into_iter().filter(|server| server.brand == Brand::Postgres) {
        support::block_on(async {
            let blueprint = Blueprint {
                name: "deferred",
                nodes: &[("one", sqlite), ("two", to)],
                routes: &[("one", "two")],
                tables: "  thing: follow\n  parent: follow",
                schema: FREE,
                batch_rows: 1000,
            };
            let ddl = |node: &str, _| if node == "two" { DEFERRED } else { FREE }.to_owned();
            let mut network = Network::set_up(&blueprint, ddl).await;
            let things = "SELECT id, uniq, parent_id, next_id FROM thing ORDER BY id";

            // A circle of two tables, a row that refers to itself, two that refer to each other,
            // and then two values that change places: all of it needs that nobody looks too early.
            network
                .run(
                    "one",
                    "BEGIN; INSERT INTO thing VALUES (1, 1, 1, 2), (2, 2, NULL, 1), (3, 3, NULL, 3);
                     INSERT INTO parent VALUES (1, 1); COMMIT",
                )
                .await;
            network.turn().await;
            let swap = "BEGIN; UPDATE thing SET uniq = 2 WHERE id = 1;
                        UPDATE thing SET uniq = 1 WHERE id = 2; COMMIT";
            network.run("one", swap).await;
            network.turn().await;
            assert_eq!(network.rows("two", things).await, ["1|2|1|2", "2|1|-|1", "3|3|-|3"]);
            assert_eq!(network.count("two", "ds_quarantine").await, 0);

            // Bad ones among good ones, in one set.
            network
                .run(
                    "one",
                    "BEGIN; INSERT INTO thing VALUES (10, 10, NULL, NULL), (11, 11, 77, NULL),
                     (12, 3, NULL, NULL), (13, 13, 5, NULL); INSERT INTO parent VALUES (5, NULL);
                     UPDATE thing SET parent_id = NULL WHERE id = 1; COMMIT",
                )
                .await;
            network.turn().await;
            let held = network.quarantine("two").await;
            let held: Vec<_> = held
                .iter()
                .map(|entry| (entry.object_id.as_deref().unwrap(), entry.reason_code.as_str()))
                .collect();
            assert_eq!(held, [("11", "missing_reference"), ("12", "conflict")]);
            let there = network.rows("two", things).await;
            assert_eq!(there[0], "1|2|-|2");
            assert_eq!(there[3..], ["10|10|-|-", "13|13|5|-"]);

            // What was missing comes: the change gets in.
            network.run("one", "INSERT INTO parent VALUES (77, NULL)").await;
            network.drain().await;
            assert_eq!(network.count("two", "thing WHERE id = 11").await, 1);
        });
    }
}
