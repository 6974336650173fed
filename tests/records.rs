//! Tables with `overwrite: record`: of a row's changes the newest one stands as a whole, on every
//! node and in whatever order they arrive.

use std::time::Duration;

use outrigger::dialect::Brand;
use outrigger::import::conflicts;
use outrigger::render::Templates;

use crate::support;
use crate::support::network::{Blueprint, Network, ready_servers};
use crate::topology::{MESH, PAIR, Routes};

const SCHEMA: &str = "
CREATE TABLE price (
    id integer PRIMARY KEY,
    amount integer,
    note varchar(60),
    secret varchar(60),
    local varchar(60),
    code varchar(60) UNIQUE
);
";

const FOLLOWED: &str = "  price: { overwrite: record, columns: { secret: mask, local: ignore } }";

const PRICES: &str = "SELECT id, amount, note, code FROM price ORDER BY id";

/// Nodes in each rotation of the brands.
fn on_each_turn(name: &str, routes: Routes, ids: &[&str], test: impl AsyncFn(&mut Network)) {
    on_each_turn_with(FOLLOWED, (name, routes, ids), test);
}

fn on_each_turn_with(
    tables: &str,
    (name, routes, ids): (&str, Routes, &[&str]),
    test: impl AsyncFn(&mut Network),
) {
    let ready = ready_servers();
    for turn in 0..ready.len() {
        support::block_on(async {
            let nodes = ids.iter().enumerate();
            let nodes: Vec<_> =
                nodes.map(|(at, id)| (*id, ready[(at + turn) % ready.len()])).collect();
            println!("{:?}", nodes.iter().map(|(_, server)| server.name).collect::<Vec<_>>());
            let blueprint = Blueprint {
                name: &format!("{name}_{turn}"),
                nodes: &nodes,
                routes,
                tables,
                schema: SCHEMA,
                batch_rows: 1000,
            };
            let mut network = Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await;
            test(&mut network).await;
        });
    }
}

async fn insert(network: &mut Network, node: &str) {
    let sql = "INSERT INTO price (id, amount, note, secret, local, code)
        VALUES (1, 10, 'first', 'x1', 'here', 'c1')";
    network.run(node, sql).await;
}

/// The clocks of two brands tell apart what is so far apart.
async fn later() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// Everything drains, and all nodes hold the same.
async fn same(network: &mut Network) -> Vec<String> {
    network.drain().await;
    let ids = network.ids();
    let first = network.rows(&ids[0], PRICES).await;
    for id in &ids {
        assert_eq!(network.rows(id, PRICES).await, first, "{id}");
        assert_eq!(network.count(id, "ds_quarantine").await, 0, "quarantine of {id}");
    }
    first
}

/// `type column: local or incoming, winner`, the oldest first.
async fn decided(network: &mut Network, node: &str) -> Vec<String> {
    let templates = Templates::embedded(network.brand(node));
    let session = network.application(node);
    let mut found = conflicts::list(session, &templates, i64::MAX, 100).await.unwrap();
    found.reverse();
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let line = |one: &conflicts::Decided| {
        let (local, incoming) = (shown(&one.local_value), shown(&one.incoming_value));
        let column = shown(&one.object_attribute);
        format!("{} {column}: {local} or {incoming}, {}", one.conflict_type, one.winner)
    };
    found.iter().map(line).collect()
}

#[test]
fn a_change_that_arrives_before_its_insert_brings_the_row() {
    on_each_turn("before", MESH, &["a", "b", "c"], async |network| {
        insert(network, "a").await;
        network.transport().await;
        network.try_import(1000).await.unwrap();
        // Two columns in one statement are two changes.
        network.run("b", "UPDATE price SET amount = 11, note = 'second' WHERE id = 1").await;
        network.transport().await;
        network.try_import(1008).await.unwrap();
        assert_eq!(network.rows("c", PRICES).await, ["1|11|second|c1"]);
        network.try_import(1004).await.unwrap();
        assert_eq!(network.rows("c", PRICES).await, ["1|11|second|c1"]);
        assert_eq!(same(network).await, ["1|11|second|c1"]);
        // Each was made on top of the one before.
        for node in ["a", "b", "c"] {
            assert_eq!(decided(network, node).await, [""; 0], "{node}");
        }
    });
}

/// A command names the column that changed alone; the whole row stands beside it.
#[test]
fn a_record_with_commands_is_whole_too() {
    let tables = format!("{FOLLOWED}\ncapture: {{ command: escaped }}");
    on_each_turn_with(&tables, ("commands", MESH, &["a", "b", "c"]), async |network| {
        insert(network, "a").await;
        network.transport().await;
        network.try_import(1000).await.unwrap();
        network.run("b", "UPDATE price SET note = 'b''s' WHERE id = 1").await;
        let written = "ds_change_outbox WHERE object_operation_command LIKE 'UPDATE%'";
        assert_eq!(network.count("b", written).await, 1);
        network.transport().await;
        network.try_import(1008).await.unwrap();
        assert_eq!(network.rows("c", PRICES).await, ["1|10|b's|c1"]);
        assert_eq!(same(network).await, ["1|10|b's|c1"]);
    });
}

#[test]
fn of_an_update_and_a_delete_the_newer_stands() {
    on_each_turn("delete", PAIR, &["a", "b"], async |network| {
        insert(network, "a").await;
        same(network).await;
        network.run("a", "DELETE FROM price").await;
        later().await;
        network.run("b", "UPDATE price SET amount = 11 WHERE id = 1").await;
        assert_eq!(same(network).await, ["1|11|first|c1"]);
        let row = r#"{"amount":"11","code":"c1","note":"first"}"#;
        let at_a = decided(network, "a").await;
        assert_eq!(at_a, [format!("update_deleted -: - or {row}, incoming")]);
        assert_eq!(decided(network, "b").await, ["delete_origin_differs -: - or -, local"]);

        network.run("b", "UPDATE price SET amount = 12, note = 'lost' WHERE id = 1").await;
        later().await;
        network.run("a", "DELETE FROM price").await;
        assert_eq!(same(network).await, [""; 0]);
        let row = r#"{"amount":"12","code":"c1","note":"lost"}"#;
        let at_a = decided(network, "a").await;
        assert_eq!(at_a[1..], [format!("update_deleted -: - or {row}, local")]);
        let lost = r#"{"amount":"12","note":"lost"}"#;
        let at_b = decided(network, "b").await;
        assert_eq!(at_b[1..], [format!("delete_origin_differs -: {lost} or -, incoming")]);
    });
}

#[test]
fn two_nodes_that_change_different_columns_keep_the_newer_row_and_list_the_other() {
    on_each_turn("columns", PAIR, &["a", "b"], async |network| {
        insert(network, "a").await;
        same(network).await;
        network.run("a", "UPDATE price SET amount = 11 WHERE id = 1").await;
        later().await;
        network.run("b", "UPDATE price SET note = 'of b' WHERE id = 1").await;
        assert_eq!(same(network).await, ["1|10|of b|c1"]);
        assert_eq!(
            decided(network, "a").await,
            [r#"update_origin_differs -: {"amount":"11"} or {"amount":"10"}, incoming"#]
        );
        let (b, a) = (r#"{"amount":"10","note":"of b"}"#, r#"{"amount":"11","note":"first"}"#);
        let at_b = decided(network, "b").await;
        assert_eq!(at_b, [format!("update_origin_differs -: {b} or {a}, local")]);

        // What is changed afterwards is made on top of it.
        network.run("a", "UPDATE price SET amount = 12, note = 'both' WHERE id = 1").await;
        assert_eq!(same(network).await, ["1|12|both|c1"]);
        network.run("b", "UPDATE price SET amount = 13 WHERE id = 1").await;
        assert_eq!(same(network).await, ["1|13|both|c1"]);
        for node in ["a", "b"] {
            assert_eq!(decided(network, node).await.len(), 1, "{node}");
        }
    });
}

/// A mask is no value, and what is not captured is nobody else's.
#[test]
fn a_whole_row_leaves_alone_what_it_does_not_say() {
    on_each_turn("policies", PAIR, &["a", "b"], async |network| {
        insert(network, "a").await;
        same(network).await;
        network.run("b", "UPDATE price SET local = 'there' WHERE id = 1").await;
        network.run("b", "UPDATE price SET amount = 11 WHERE id = 1").await;
        same(network).await;
        let own = "SELECT amount, secret, local FROM price";
        assert_eq!(network.rows("a", own).await, ["11|x1|here"]);
        let masked = network.rows("b", "SELECT secret FROM price").await;
        assert_ne!(masked, ["x1"]);
        let said = "SELECT object_context FROM ds_change_outbox WHERE object_operation = 'U'";
        for row in network.rows("b", said).await {
            let said: serde_json::Value = serde_json::from_str(&row).unwrap();
            let whole = serde_json::json!({
                "id": "1", "amount": "11", "note": "first", "secret": "***", "code": "c1"
            });
            assert_eq!(said, whole);
        }
    });
}

/// What is told to settle a collision says the whole row too, or it would not win as one.
#[test]
fn a_unique_value_in_two_records_is_settled_alike() {
    on_each_turn("settled", PAIR, &["a", "b"], async |network| {
        insert(network, "a").await;
        later().await;
        network.run("b", "INSERT INTO price (id, amount, code) VALUES (2, 20, 'c1')").await;
        network.run("b", "UPDATE price SET note = 'follows' WHERE id = 2").await;
        assert_eq!(same(network).await, ["1|10|first|c1", "2|20|follows|c1 (2)"]);
        network.run("b", "UPDATE price SET amount = 21 WHERE id = 2").await;
        assert_eq!(same(network).await, ["1|10|first|c1", "2|21|follows|c1 (2)"]);
    });
}

/// A change that an application writes itself need not say the whole row: it is one of its
/// columns, and waits where the row is not there.
#[test]
fn a_change_that_does_not_say_the_whole_row_is_one_of_its_columns() {
    on_each_turn("part", MESH, &["a", "b", "c"], async |network| {
        network.writes_around_the_triggers();
        insert(network, "a").await;
        for (column, value, at) in
            [("note", "newer", "2090-01-01 00:00:00"), ("amount", "1", "2020-01-01 00:00:00")]
        {
            let sql = format!(
                "INSERT INTO ds_change_outbox (object_database, object_table, \
                 object_pk_attribute, object_attribute, object_id, object_value, \
                 object_operation, updated_by_server_id, update_datetime) VALUES \
                 ('network', 'price', 'id', '{column}', '1', '{value}', 'U', 'b', '{at}')"
            );
            network.run("b", &sql).await;
        }
        network.transport().await;
        network.try_import(1008).await.unwrap();
        assert_eq!(network.rows("c", PRICES).await, [""; 0]);
        network.drain().await;
        for node in ["a", "c"] {
            assert_eq!(network.rows(node, PRICES).await, ["1|10|newer|c1"], "{node}");
            assert_eq!(network.count(node, "ds_quarantine").await, 0, "{node}");
        }
    });
}

/// A text that the server cannot put into one packet is not left out of the row in silence.
#[test]
fn a_row_that_is_too_long_to_be_said_is_refused() {
    let Some(server) = ready_servers().into_iter().find(|one| one.brand == Brand::Mysql) else {
        return;
    };
    support::block_on(async {
        let schema =
            "CREATE TABLE text (id integer PRIMARY KEY, n integer, a longtext, b longtext)";
        let blueprint = Blueprint {
            name: "long",
            nodes: &[("a", server), ("b", server)],
            routes: PAIR,
            tables: "  text: { overwrite: record }",
            schema: "CREATE TABLE text (id integer PRIMARY KEY, n integer, a text, b text)",
            batch_rows: 1000,
        };
        let mut network = Network::set_up(&blueprint, |_, _| schema.to_owned()).await;
        network.writes_around_the_triggers();
        network.run("a", "INSERT INTO text VALUES (1, 1, '', '')").await;
        network.drain().await;
        // Each column fits, the row does not.
        let most = network.rows("a", "SELECT @@max_allowed_packet").await;
        let half = most[0].parse::<u64>().unwrap() * 3 / 5;
        network.run("a", &format!("UPDATE text SET a = repeat('a', {half}) WHERE id = 1")).await;
        network.run("a", &format!("UPDATE text SET b = repeat('b', {half}) WHERE id = 1")).await;
        let refused = "ds_change_outbox WHERE object_operation = 'U' AND refusal IS NOT NULL";
        let unsaid = "ds_change_outbox WHERE object_operation = 'U' AND object_context IS NULL";
        assert!(network.count("a", refused).await > 0, "it was not too long");
        assert_eq!(network.count("a", unsaid).await, network.count("a", refused).await);
    });
}
