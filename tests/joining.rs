//! Nodes that join late, with and without rows, and nodes that were away for long.

use crate::support;
use crate::support::network::{Blueprint, Network, ready_servers};

const SCHEMA: &str =
    "CREATE TABLE item (id integer PRIMARY KEY, name varchar(40), note varchar(40));\n";
const ITEMS: &str = "SELECT id, name, note FROM item ORDER BY id";
/// Routes of `a` and `b`, and those of `c` with the hub `b`.
const LINE: &[(&str, &str)] = &[("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")];
/// The routes between `a` and `b`.
const OLD: [i64; 2] = [1000, 1002];

/// `c` on each server that is there, the others on the next ones.
fn on_each_server(rows_of_c: &str, test: impl AsyncFn(&mut Network)) {
    let servers = ready_servers();
    for (at, server) in servers.iter().enumerate() {
        println!("on {}", server.name);
        let other = |step: usize| servers[(at + step) % servers.len()];
        support::block_on(async {
            let blueprint = Blueprint {
                name: server.name,
                nodes: &[("a", other(1)), ("b", other(2)), ("c", server)],
                routes: LINE,
                tables: "  item: follow",
                schema: SCHEMA,
                batch_rows: 500,
            };
            // Before the triggers are there.
            let ddl = |node: &str, _| match node {
                "c" => format!("{SCHEMA}{rows_of_c}"),
                _ => SCHEMA.to_owned(),
            };
            test(&mut Network::set_up(&blueprint, ddl).await).await;
        });
    }
}

/// `a` and `b` go on without `c`.
async fn drain_without_c(network: &mut Network) {
    for _ in 0..20 {
        let mut moved = 0;
        for route in OLD {
            moved += network.try_transport(route).await.unwrap().written;
            let done = network.try_import(route).await.unwrap();
            moved += done.read + done.released;
        }
        if moved == 0 {
            return;
        }
    }
    panic!("there is still something on its way");
}

async fn assert_everywhere(network: &mut Network, count: Option<usize>, rows: &[&str]) {
    network.drain().await;
    let a = network.rows("a", ITEMS).await;
    for node in ["b", "c"] {
        assert_eq!(network.rows(node, ITEMS).await, a, "on {node}");
        assert_eq!(network.count(node, "ds_quarantine").await, 0, "quarantine of {node}");
    }
    if let Some(count) = count {
        assert_eq!(a.len(), count);
    }
    for row in rows {
        assert!(a.iter().any(|found| found == row), "{row} is not among the rows");
    }
}

/// What happened before `c` was there.
async fn a_long_story(network: &mut Network) {
    for edit in [
        "INSERT INTO item VALUES (1, 'first', '-'), (2, 'second', '-'), (3, 'gone', '-')",
        "UPDATE item SET name = 'changed' WHERE id = 2",
        "DELETE FROM item WHERE id = 3",
    ] {
        network.run("a", edit).await;
        drain_without_c(network).await;
    }
    network.run("b", "INSERT INTO item VALUES (4, 'of b', '-')").await;
    network.run("b", "UPDATE item SET note = 'by b' WHERE id = 1").await;
    drain_without_c(network).await;
}

/// All that is in the outboxes comes, through the hub too.
#[test]
fn a_node_that_joins_late_and_empty_gets_what_the_outboxes_have() {
    on_each_server("", async |network| {
        a_long_story(network).await;
        assert_eq!(network.count("c", "item").await, 0);
        network.run("c", "INSERT INTO item VALUES (5, 'of c', '-')").await;
        let rows = ["1|first|by b", "2|changed|-", "4|of b|-", "5|of c|-"];
        assert_everywhere(network, Some(4), &rows).await;
        // The hub's own change of a row comes before the row, which it forwards.
        let types = "SELECT conflict_type FROM ds_conflict";
        assert_eq!(network.rows("c", types).await, ["update_missing"]);
    });
}

/// It had been loaded with what the others have: the same again changes nothing and is no conflict.
#[test]
fn a_node_that_joins_late_with_equal_rows_keeps_them() {
    let rows = "INSERT INTO item VALUES (1, 'first', '-'), (2, 'second', '-');\n";
    on_each_server(rows, async |network| {
        network.run("a", "INSERT INTO item VALUES (1, 'first', '-'), (2, 'second', '-')").await;
        drain_without_c(network).await;
        assert_everywhere(network, Some(2), &["1|first|-", "2|second|-"]).await;
        assert_eq!(network.count("c", "ds_conflict").await, 0);
        network.run("c", "UPDATE item SET note = 'by c' WHERE id = 1").await;
        network.run("a", "DELETE FROM item WHERE id = 2").await;
        assert_everywhere(network, Some(1), &["1|first|by c"]).await;
        assert_eq!(
            network.count("a", "ds_change_outbox WHERE updated_by_server_id = 'c'").await,
            0
        );
    });
}

/// It had been loaded with a later state than what comes first: it ends where the others are.
#[test]
fn a_node_that_joins_late_with_newer_rows_ends_as_the_others() {
    let rows = "INSERT INTO item VALUES (1, 'first', 'by b'), (2, 'changed', '-');\n";
    on_each_server(rows, async |network| {
        a_long_story(network).await;
        assert_everywhere(network, Some(3), &["1|first|by b", "2|changed|-", "4|of b|-"]).await;
    });
}

/// Two thousand changes, about the same rows; then both directions at once.
#[test]
fn a_node_that_was_away_for_long_catches_up_both_ways() {
    const ROWS: usize = 360;
    on_each_server("", async |network| {
        for begin in (0..ROWS).step_by(120) {
            let rows: Vec<String> =
                (begin..begin + 120).map(|id| format!("({id}, 'first', '-')")).collect();
            network.run("a", &format!("INSERT INTO item VALUES {}", rows.join(", "))).await;
        }
        network.drain().await;
        for (node, third) in [("a", 0), ("b", 1), ("c", 2)] {
            let edits = [
                format!("UPDATE item SET name = 'by {node}'"),
                format!("UPDATE item SET note = 'of {node}' WHERE id % 3 = {third}"),
                format!("DELETE FROM item WHERE id % 20 = {third}"),
                format!("UPDATE item SET name = 'again by {node}' WHERE id % 2 = 0"),
            ];
            for edit in edits {
                network.run(node, &edit).await;
            }
            if node != "c" {
                drain_without_c(network).await;
            }
        }
        let changes = network.count("c", "ds_change_outbox").await;
        assert!(changes > 600, "{changes}");
        let at_c = network.count("c", "ds_change_inbox").await;
        assert_everywhere(
            network,
            Some(ROWS - 3 * ROWS / 20),
            &["3|by c|of a", "4|again by c|of b"],
        )
        .await;
        assert!(network.count("c", "ds_change_inbox").await - at_c > 1_200);
    });
}
