//! What two nodes change without knowing of each other is decided alike on both, and what is lost
//! can be read afterwards.

use std::time::Duration;

use outrigger::dialect::Brand;
use outrigger::import::ConflictType;
use outrigger::import::conflicts::{self, Decided};
use outrigger::render::Templates;

use crate::support;
use crate::support::document::{Document, has_programs};
use crate::support::network::{Blueprint, Network, ready_servers};

const SCHEMA: &str = "
CREATE TABLE item (
    id integer PRIMARY KEY,
    name varchar(60),
    note varchar(60)
);
";

const ITEMS: &str = "SELECT id, name, note FROM item ORDER BY id";

/// Two nodes of each ordered pair of brands with an item on both, whose note was changed.
fn on_each_pair(test: impl AsyncFn(&mut Network)) {
    for one in ready_servers() {
        for two in ready_servers() {
            println!("{} and {}", one.name, two.name);
            support::block_on(async {
                let blueprint = Blueprint {
                    name: &format!("{}_{}", one.name, two.name),
                    nodes: &[("a", one), ("b", two)],
                    routes: &[("a", "b"), ("b", "a")],
                    tables: "  item: follow",
                    schema: SCHEMA,
                    batch_rows: 1000,
                };
                let mut network = Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await;
                network.run("a", "INSERT INTO item VALUES (1, 'one', 'first')").await;
                network.drain().await;
                network.run("b", "UPDATE item SET note = 'second' WHERE id = 1").await;
                network.drain().await;
                network.run("a", "UPDATE item SET note = 'third' WHERE id = 1").await;
                network.drain().await;
                for node in ["a", "b"] {
                    assert_eq!(decided(&mut network, node).await, [""; 0], "in turns");
                }
                test(&mut network).await;
            });
        }
    }
}

async fn list(network: &mut Network, node: &str) -> Vec<Decided> {
    let templates = Templates::embedded(network.brand(node));
    let session = network.application(node);
    conflicts::list(session, &templates, i64::MAX, 100).await.unwrap()
}

/// `type key column: local value of origin or incoming value of origin, winner`.
async fn decided(network: &mut Network, node: &str) -> Vec<String> {
    let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let mut found = list(network, node).await;
    found.reverse();
    let line = |one: Decided| {
        format!(
            "{} {} {}: {} of {} or {} of {}, {}",
            one.conflict_type,
            one.object_id,
            shown(one.object_attribute),
            shown(one.local_value),
            shown(one.local_server_id),
            shown(one.incoming_value),
            shown(one.incoming_server_id),
            one.winner
        )
    };
    found.into_iter().map(line).collect()
}

async fn same_items(network: &mut Network) -> Vec<String> {
    let a = network.rows("a", ITEMS).await;
    assert_eq!(network.rows("b", ITEMS).await, a);
    for node in ["a", "b"] {
        assert_eq!(network.count(node, "ds_quarantine").await, 0);
    }
    a
}

#[test]
fn a_lost_update_is_kept_on_both_nodes_with_the_rule() {
    on_each_pair(async |network| {
        network.run("b", "UPDATE item SET note = 'by b', name = 'b' WHERE id = 1").await;
        network.run("a", "UPDATE item SET note = 'by a' WHERE id = 1").await;
        network.drain().await;
        assert_eq!(same_items(network).await, ["1|b|by a"]);
        let at_a = decided(network, "a").await;
        assert_eq!(at_a, ["update_origin_differs 1 note: by a of a or by b of b, local"]);
        let at_b = decided(network, "b").await;
        assert_eq!(at_b, ["update_origin_differs 1 note: by b of b or by a of a, incoming"]);
        let conflict = list(network, "b").await.remove(0);
        assert_eq!(conflict.decided_by, "the newer stamp wins");
        assert!(conflict.local_datetime < conflict.incoming_datetime, "{conflict:?}");

        let templates = Templates::embedded(network.brand("b"));
        let session = network.application("b");
        let forgotten = conflicts::forget(session, &templates, 0, conflict.id).await.unwrap();
        assert!(forgotten <= 1);
        assert_eq!(list(network, "b").await, []);
    });
}

#[test]
fn two_rows_of_one_key_become_one_and_the_lost_values_are_kept() {
    on_each_pair(async |network| {
        network.run("a", "INSERT INTO item VALUES (2, 'same', 'of a')").await;
        network.run("b", "INSERT INTO item VALUES (2, 'same', 'of b')").await;
        network.drain().await;
        assert_eq!(same_items(network).await, ["1|one|third", "2|same|of b"]);
        let at_a = decided(network, "a").await;
        let (a, b) = (r#"{"note":"of a"}"#, r#"{"note":"of b"}"#);
        assert_eq!(at_a, [format!("insert_exists 2 -: {a} of a or {b} of b, incoming")]);
        let at_b = decided(network, "b").await;
        assert_eq!(at_b, [format!("insert_exists 2 -: {b} of b or {a} of a, local")]);
    });
}

#[test]
fn an_update_that_met_a_delete_is_kept_on_both_nodes() {
    on_each_pair(async |network| {
        network.run("a", "DELETE FROM item WHERE id = 1").await;
        network.run("b", "UPDATE item SET note = 'by b' WHERE id = 1").await;
        network.drain().await;
        assert_eq!(same_items(network).await, [""; 0]);
        let at_a = decided(network, "a").await;
        assert_eq!(at_a, ["update_deleted 1 note: - of a or by b of b, local"]);
        let at_b = decided(network, "b").await;
        let lost = r#"{"note":"by b"}"#;
        assert_eq!(at_b.len(), 1);
        assert!(
            at_b[0].starts_with(&format!("delete_origin_differs 1 -: {lost} of"))
                && at_b[0].ends_with("or - of a, incoming"),
            "{at_b:?}"
        );
    });
}

/// Of a row that nobody here has ever heard of the update is kept.
#[test]
fn an_update_of_a_row_that_is_not_here_is_kept() {
    on_each_pair(async |network| {
        for (node, name) in [("a", "of a"), ("b", "of b")] {
            // Nobody records it: as a row that was there before anything was installed.
            network.run(node, &without_capture(network.brand(node), name)).await;
        }
        network.run("b", "DELETE FROM item WHERE id = 2").await;
        network.run("b", "DELETE FROM ds_change_outbox WHERE object_id = '2'").await;
        for node in ["a", "b"] {
            network.begins_anew(node).await;
        }
        network.run("a", "UPDATE item SET note = 'by a' WHERE id = 2").await;
        network.drain().await;
        assert_eq!(
            decided(network, "b").await,
            ["update_missing 2 note: - of - or by a of a, local"]
        );
        let conflict = list(network, "b").await.remove(0);
        assert_eq!(conflict.decided_by, "the row is not here: the value waits for it");
        network.run("b", "INSERT INTO item VALUES (2, 'of b', 'newer')").await;
        network.drain().await;
        assert_eq!(same_items(network).await, ["1|one|third", "2|of b|newer"]);
    });
}

/// A row with a name, of which no outbox knows.
fn without_capture(brand: Brand, name: &str) -> String {
    let insert = format!("INSERT INTO item VALUES (2, '{name}', '-')");
    let undo = "DELETE FROM ds_change_outbox WHERE object_id = '2'";
    match brand {
        Brand::SqlServer => panic!("no SQL Server is at hand"),
        Brand::Mysql | Brand::Postgres | Brand::Sqlite => {
            format!("BEGIN; {insert}; {undo}; COMMIT")
        }
    }
}

/// Somebody deleted the row later, without having seen it: the delete stands everywhere.
#[test]
fn an_insert_that_met_a_later_delete_is_kept() {
    on_each_pair(async |network| {
        for node in ["a", "b"] {
            network.run(node, &format!("INSERT INTO item VALUES (2, 'same', 'of {node}')")).await;
        }
        network.run("b", "DELETE FROM item WHERE id = 2").await;
        network.drain().await;
        assert_eq!(same_items(network).await, ["1|one|third"]);
        let found = decided(network, "b").await;
        let lost = r#"{"name":"same","note":"of a"}"#;
        assert_eq!(found, [format!("insert_deleted 2 -: - of b or {lost} of a, local")]);
        assert_eq!(list(network, "b").await[0].decided_by, "the row was deleted later");
    });
}

const UNIQUE: &str = "
CREATE TABLE person (
    id integer PRIMARY KEY,
    email varchar(60) UNIQUE,
    phone varchar(60) UNIQUE
);
";
const PEOPLE: &str = "SELECT id, email, phone FROM person ORDER BY id";

/// Two nodes of each ordered pair of brands with two people whose values are unique.
fn on_each_pair_of_people(test: impl AsyncFn(&mut Network)) {
    for one in ready_servers() {
        for two in ready_servers() {
            println!("{} and {}", one.name, two.name);
            support::block_on(async {
                let blueprint = Blueprint {
                    name: &format!("{}_{}", one.name, two.name),
                    nodes: &[("a", one), ("b", two)],
                    routes: &[("a", "b"), ("b", "a")],
                    tables: "  person: follow",
                    schema: UNIQUE,
                    batch_rows: 1000,
                };
                let mut network = Network::set_up(&blueprint, |_, _| UNIQUE.to_owned()).await;
                network
                    .run("a", "INSERT INTO person VALUES (1, 'one', '1'), (2, 'two', '2')")
                    .await;
                network.drain().await;
                test(&mut network).await;
            });
        }
    }
}

async fn same_people(network: &mut Network) -> Vec<String> {
    let a = network.rows("a", PEOPLE).await;
    assert_eq!(network.rows("b", PEOPLE).await, a);
    for node in ["a", "b"] {
        assert_eq!(network.count(node, "ds_quarantine").await, 0);
    }
    a
}

#[test]
fn an_update_to_a_unique_value_that_another_row_has_is_settled_and_kept() {
    on_each_pair_of_people(async |network| {
        network.run("a", "UPDATE person SET email = 'same' WHERE id = 1").await;
        network.run("b", "UPDATE person SET email = 'same' WHERE id = 2").await;
        network.drain().await;
        assert_eq!(same_people(network).await, ["1|same|1", "2|same (2)|2"]);
        for node in ["a", "b"] {
            let types = "SELECT conflict_type FROM ds_conflict
                WHERE decided_by = 'the row that had the unique value first keeps it'";
            assert_eq!(network.rows(node, types).await, ["update_exists"], "on {node}");
        }
    });
}

#[test]
fn a_row_that_claims_several_unique_values_is_settled_and_each_is_kept() {
    on_each_pair_of_people(async |network| {
        network.run("a", "INSERT INTO person VALUES (10, 'same', 'equal')").await;
        network.run("b", "INSERT INTO person VALUES (20, 'same', 'equal')").await;
        network.drain().await;
        let people = ["1|one|1", "2|two|2", "10|same|equal", "20|same (20)|equal (20)"];
        assert_eq!(same_people(network).await, people);
        for node in ["a", "b"] {
            let types = "SELECT conflict_type, object_attribute FROM ds_conflict
                WHERE decided_by = 'the row that had the unique value first keeps it'
                ORDER BY object_attribute";
            let expected = ["multiple_unique_conflicts|email", "multiple_unique_conflicts|phone"];
            assert_eq!(network.rows(node, types).await, expected, "on {node}");
        }
    });
}

/// The page lists every name, and each is expected by a test of this file.
#[test]
fn the_page_about_conflicts_lists_every_name() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/conflicts.md")).unwrap();
    let tests = include_str!("conflicts.rs");
    for kind in ConflictType::ALL {
        let name = kind.name();
        assert!(page.contains(&format!("\n| `{name}` | ")), "{name} is not on the page");
        // In what is expected, with what stands behind it.
        let is_reached = [format!("{name} "), format!("{name}|"), format!("[\"{name}\"]")]
            .iter()
            .any(|expected| tests.contains(expected));
        assert!(is_reached, "{name} is reached by no test");
    }
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, ConflictType::ALL.len());
}

#[test]
fn the_example_of_the_page_about_conflicts_runs() {
    if has_programs(&["sqlite3"]) {
        Document::read("docs/conflicts.md", None).run();
    }
}

#[test]
fn what_is_not_there_is_kept() {
    on_each_pair(async |network| {
        for node in ["a", "b"] {
            network.run(node, "DELETE FROM item WHERE id = 1").await;
        }
        network.drain().await;
        assert_eq!(same_items(network).await, [""; 0]);
        for (node, other) in [("a", "b"), ("b", "a")] {
            let found = decided(network, node).await;
            let expected = format!("delete_missing 1 -: - of {node} or - of {other}, local");
            assert_eq!(found, [expected]);
        }
    });
}

/// The import waits for a row of a transaction that has inserted another one of the batch: on
/// PostgreSQL that one was not there when the rows were locked, and is when all is decided.
#[test]
fn a_row_inserted_while_its_import_waits_is_known_to_it() {
    on_each_pair(async |network| {
        let mut open = network.connect("b").await;
        let begin = match network.brand("b") {
            Brand::Sqlite => "BEGIN IMMEDIATE",
            _ => "START TRANSACTION",
        };
        for sql in [
            begin,
            "INSERT INTO item VALUES (2, 'of b', NULL)",
            "UPDATE item SET note = 'of b' WHERE id = 1",
        ] {
            open.raw(sql).await.unwrap();
        }
        for sql in [
            "INSERT INTO item VALUES (2, 'of a', NULL)",
            "DELETE FROM item WHERE id = 2",
            "UPDATE item SET name = 'of a' WHERE id = 1",
        ] {
            network.run("a", sql).await;
        }
        let commit = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            open.raw("COMMIT").await.unwrap();
        };
        tokio::join!(network.drain(), commit);
        network.drain().await;
        for node in ["a", "b"] {
            assert_eq!(network.rows(node, ITEMS).await, ["1|of a|of b"], "on {node}");
        }
    });
}
