//! What people do to Outrigger's tables by hand, and what becomes of it: each row of
//! `docs/trouble.md` has its test here.

#[path = "trouble/control.rs"]
mod control;
#[path = "trouble/inbox.rs"]
mod inbox;
#[path = "trouble/outbox.rs"]
mod outbox;
#[path = "trouble/program.rs"]
mod program;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

const SCHEMA: &str =
    "CREATE TABLE item (id integer PRIMARY KEY, name varchar(40), note varchar(40))";
const ITEMS: &str = "SELECT id, name, note FROM item ORDER BY id";
const PAIR: &[(&str, &str)] = &[("a", "b"), ("b", "a")];
const A_TO_B: i64 = 1000;

/// Every server with another one beside it, of another brand where there is one.
fn pairs() -> Vec<(&'static Server, &'static Server)> {
    let servers = ready_servers();
    let next = |at: usize| servers[(at + 1) % servers.len()];
    servers.iter().enumerate().map(|(at, server)| (*server, next(at))).collect()
}

/// `a` on each server that is there and `b` on the next one, both with the item 1.
fn on_each_pair(test: impl AsyncFn(&mut Network)) {
    for (one, two) in pairs() {
        println!("{} and {}", one.name, two.name);
        support::block_on(async {
            let blueprint = Blueprint {
                name: &format!("{}_{}", one.name, two.name),
                nodes: &[("a", one), ("b", two)],
                routes: PAIR,
                tables: "  item: follow",
                schema: SCHEMA,
                batch_rows: 100,
            };
            let mut network = Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await;
            network.writes_around_the_triggers();
            network.run("a", "INSERT INTO item VALUES (1, 'first', '-')").await;
            network.drain().await;
            test(&mut network).await;
        });
    }
}

/// The rows of both nodes.
async fn items(network: &mut Network) -> [Vec<String>; 2] {
    [network.rows("a", ITEMS).await, network.rows("b", ITEMS).await]
}

/// Everything drains, and both nodes have these rows and nothing in quarantine.
async fn assert_both(network: &mut Network, expected: &[&str]) {
    network.drain().await;
    assert_eq!(items(network).await, [expected, expected]);
    for node in ["a", "b"] {
        assert_eq!(network.count(node, "ds_quarantine").await, 0, "quarantine of {node}");
    }
}

/// The newest row of a node's outbox is changed by hand.
async fn alter_newest(network: &mut Network, node: &str, set: &str) {
    let newest = network.rows(node, "SELECT max(id) FROM ds_change_outbox").await.remove(0);
    network.run(node, &format!("UPDATE ds_change_outbox SET {set} WHERE id = {newest}")).await;
}

/// The page names a test for each row, and each test of these modules is named.
#[test]
fn the_page_about_trouble_names_a_test_in_each_row() {
    let read = |path: &str| {
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
            .unwrap()
    };
    let mut tests = Vec::new();
    for module in ["outbox", "inbox", "program", "control"] {
        let text = read(&format!("tests/trouble/{module}.rs"));
        for part in text.split("#[test]\nfn ").skip(1) {
            tests.push(format!("trouble::{module}::{}", part.split('(').next().unwrap()));
        }
    }
    let page = read("docs/trouble.md");
    let mut rows = 0;
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| by hand");
    for line in page.lines().filter(is_row) {
        rows += 1;
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 4, "by hand, what happens, what to do, test: {line}");
        let name = cells[3].trim().trim_matches(['`', ' ', '|']);
        let function = name.rsplit("::").next().unwrap();
        let file = name.split("::").next().unwrap();
        let is_known = tests.iter().any(|test| test == name)
            || (file != "trouble"
                && read(&format!("tests/{file}.rs")).contains(&format!("fn {function}(")));
        assert!(is_known, "there is no test `{name}`");
    }
    assert!(rows >= 20, "only {rows} rows");
    for test in tests {
        assert!(page.contains(&format!("`{test}`")), "`{test}` is in no row");
    }
}
