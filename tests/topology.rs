//! Pairs, rings, hubs and meshes: when all routes have drained, all nodes hold equal rows.

use std::collections::BTreeSet;

use outrigger::dialect::Brand;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

const SCHEMA: &str = "
CREATE TABLE item (
    id varchar(20) PRIMARY KEY,
    name varchar(60),
    quantity integer,
    price numeric(12, 2)
);
CREATE TABLE pair (
    one integer,
    two varchar(20),
    note varchar(60),
    PRIMARY KEY (one, two)
);
";

/// Seeds that are tried on every run; a seed that failed once belongs here for ever.
const SEEDS: [u64; 3] = [1, 20_251_121, 7_777_777];

/// So many further seeds are tried, beginning at the time of day: for a longer search.
const MORE_SEEDS: &str = "OUTRIGGER_TEST_MORE_SEEDS";

pub type Routes = &'static [(&'static str, &'static str)];

pub const PAIR: Routes = &[("a", "b"), ("b", "a")];
const RING: Routes = &[("a", "b"), ("b", "c"), ("c", "a")];
const STAR: Routes = &[("a", "h"), ("h", "a"), ("b", "h"), ("h", "b"), ("c", "h"), ("h", "c")];
pub const MESH: Routes = &[("a", "b"), ("b", "a"), ("a", "c"), ("c", "a"), ("b", "c"), ("c", "b")];

/// xorshift64*.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    pub fn text(&mut self) -> String {
        const TEXTS: [&str; 7] = ["a", "A", "", "O''Brien", "größe ~ \\", "NULL", "1.50"];
        match self.below(8) {
            7 => "NULL".to_owned(),
            at => format!("'{}{}'", TEXTS[usize::try_from(at).unwrap()], self.below(100)),
        }
    }

    /// One edit. All nodes use the same few keys, so that they get in each other's way.
    fn edit(&mut self) -> String {
        let (id, other) = (self.below(12), self.below(12));
        match self.below(12) {
            0..=2 => format!(
                "INSERT INTO item SELECT 'k{id}', {}, {}, {}.25 WHERE NOT EXISTS \
                 (SELECT 1 FROM item WHERE id = 'k{id}')",
                self.text(),
                self.below(1_000),
                self.below(1_000)
            ),
            3..=4 => format!("UPDATE item SET name = {} WHERE id = 'k{id}'", self.text()),
            5 => format!("UPDATE item SET quantity = {} WHERE id = 'k{id}'", self.below(99)),
            6 => format!(
                "UPDATE item SET price = price + 1, name = {} WHERE id >= 'k{id}'",
                self.text()
            ),
            7 => format!("DELETE FROM item WHERE id = 'k{id}'"),
            // MySQL reads a table that it updates only through one that it has to make first.
            8 => format!(
                "UPDATE item SET id = 'k{other}' WHERE id = 'k{id}' AND NOT EXISTS \
                 (SELECT 1 FROM (SELECT DISTINCT id FROM item) AS taken WHERE id = 'k{other}')"
            ),
            9 => format!(
                "INSERT INTO pair SELECT {id}, 'p{other}', {} WHERE NOT EXISTS \
                 (SELECT 1 FROM pair WHERE one = {id} AND two = 'p{other}')",
                self.text()
            ),
            10 => format!("UPDATE pair SET note = {} WHERE one = {id}", self.text()),
            _ => format!("DELETE FROM pair WHERE one = {id} AND two <> 'p{other}'"),
        }
    }
}

fn seeds() -> Vec<u64> {
    let more: u64 = std::env::var(MORE_SEEDS).ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    SEEDS.into_iter().chain((0..more).map(|at| now + 2 * at)).collect()
}

fn sqlite() -> &'static Server {
    support::servers_of(Brand::Sqlite).next().expect("SQLite is built in")
}

async fn network(name: &str, routes: Routes, nodes: &[(&str, &Server)]) -> Network {
    network_with_stores(name, routes, nodes, &[]).await
}

async fn network_with_stores(
    name: &str,
    routes: Routes,
    nodes: &[(&str, &Server)],
    stores: &[&str],
) -> Network {
    let blueprint = Blueprint {
        name,
        nodes,
        routes,
        tables: "  item: follow\n  pair: follow",
        schema: SCHEMA,
        batch_rows: 10,
    };
    Network::set_up_with_stores(&blueprint, stores, |_, _| SCHEMA.to_owned()).await
}

/// Edits on all nodes, now and then a route; then everything drains.
async fn converges(network: &mut Network, seed: u64) {
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let ids = network.ids();
    let edited: Vec<&String> = ids.iter().filter(|id| !network.is_store(id)).collect();
    for _ in 0..40 {
        let node = edited[usize::try_from(random.below(edited.len() as u64)).unwrap()];
        let edits: Vec<String> = (0..=random.below(3)).map(|_| random.edit()).collect();
        network.run(node, &format!("BEGIN; {}; COMMIT", edits.join("; "))).await;
        match random.below(8) {
            0 => drop(network.transport().await),
            1 => drop(network.import().await),
            _ => {}
        }
    }
    network.drain().await;
    check(network, &ids).await;
    // Routes that have drained keep still, and so do the nodes.
    assert_eq!(network.turn().await.read, 0);

    // Somebody rewinds all programs: everything is delivered and imported again, and nothing
    // happens twice.
    for id in &ids {
        network.run(id, "UPDATE ds_program_parameter SET fromoutboxpointer = 0").await;
    }
    let written: u64 = network.transport().await.iter().map(|done| done.written).sum();
    assert_eq!(written, 0, "delivered twice");
    network.drain().await;
    check(network, &ids).await;
}

async fn check(network: &mut Network, ids: &[String]) {
    let mut tables = Vec::new();
    let mut outboxes: Vec<BTreeSet<String>> = Vec::new();
    for id in ids {
        let own = "SELECT updated_by_server_id, id FROM ds_change_outbox";
        outboxes.push(network.rows(id, own).await.into_iter().collect());
        assert_eq!(network.count(id, "ds_quarantine").await, 0, "quarantine of {id}");
        let foreign = format!("ds_change_outbox WHERE updated_by_server_id <> '{id}'");
        assert_eq!(network.count(id, &foreign).await, 0, "outbox of {id}");
        if network.is_store(id) {
            continue;
        }
        let mut rows = network.rows(id, "SELECT id, name, quantity FROM item ORDER BY id").await;
        let price = match network.brand(id) {
            Brand::Postgres => "trim_scale(price)::text",
            Brand::Mysql | Brand::SqlServer => "CAST(CAST(price AS double) AS char)",
            Brand::Sqlite => "printf('%.15g', price)",
        };
        rows.extend(network.rows(id, &format!("SELECT id, {price} FROM item ORDER BY id")).await);
        let pairs = "SELECT one, two, note FROM pair ORDER BY one, two";
        rows.extend(network.rows(id, pairs).await);
        rows.sort();
        tables.push((id, rows));
    }
    for (id, rows) in &tables {
        assert_eq!(*rows, tables[0].1, "{id} differs from {}", tables[0].0);
    }
    for (at, id) in ids.iter().enumerate() {
        // Every change of every other node arrived under its own origin and number, once.
        let arrived = "SELECT updated_by_server_id, source_id FROM ds_change_inbox";
        let arrived = network.rows(id, arrived).await;
        let others = outboxes.iter().enumerate().filter(|(other, _)| *other != at);
        let expected: BTreeSet<String> =
            others.flat_map(|(_, changes)| changes.iter().cloned()).collect();
        assert_eq!(arrived.len(), expected.len(), "inbox of {id}");
        assert_eq!(arrived.into_iter().collect::<BTreeSet<_>>(), expected, "inbox of {id}");
    }
    assert!(!tables[0].1.is_empty(), "nothing was tried");
}

fn on_sqlite(name: &str, routes: Routes, ids: &[&str]) {
    for seed in seeds() {
        support::block_on(async {
            let nodes: Vec<(&str, &Server)> = ids.iter().map(|id| (*id, sqlite())).collect();
            let mut network = network(name, routes, &nodes).await;
            converges(&mut network, seed).await;
        });
    }
}

#[test]
fn a_pair_converges() {
    on_sqlite("pair", PAIR, &["a", "b"]);
}

#[test]
fn a_ring_of_three_converges() {
    on_sqlite("ring", RING, &["a", "b", "c"]);
}

#[test]
fn three_spokes_converge_through_their_hub() {
    on_sqlite("star", STAR, &["a", "b", "c", "h"]);
}

#[test]
fn a_full_mesh_converges() {
    on_sqlite("mesh", MESH, &["a", "b", "c"]);
}

/// Every running brand takes part, and each takes every place once.
#[test]
fn mixed_brands_converge_in_every_shape() {
    let ready = ready_servers();
    let shapes: [(&str, Routes, &[&str]); 3] = [
        ("ring", RING, &["a", "b", "c"]),
        ("star", STAR, &["h", "a", "b", "c"]),
        ("mesh", MESH, &["a", "b", "c"]),
    ];
    for (at, (name, routes, ids)) in shapes.into_iter().enumerate() {
        for turn in 0..ready.len() {
            support::block_on(async {
                let place = |place: usize| ready[(place + turn) % ready.len()];
                let nodes: Vec<(&str, &Server)> =
                    ids.iter().enumerate().map(|(index, id)| (*id, place(index))).collect();
                let names: Vec<&str> = nodes.iter().map(|(_, server)| server.name).collect();
                println!("{name}: {}", names.join(", "));
                let mut network = network(name, routes, &nodes).await;
                converges(&mut network, SEEDS[at]).await;
            });
        }
    }
}

/// A common store on each brand, its spokes on all of them.
#[test]
fn three_spokes_converge_through_a_store_without_tables() {
    let ready = ready_servers();
    for turn in 0..ready.len() {
        support::block_on(async {
            let ids = ["h", "a", "b", "c"];
            let nodes: Vec<(&str, &Server)> = ids
                .iter()
                .enumerate()
                .map(|(index, id)| (*id, ready[(index + turn) % ready.len()]))
                .collect();
            let names: Vec<&str> = nodes.iter().map(|(_, server)| server.name).collect();
            println!("store: {}", names.join(", "));
            let mut network = network_with_stores("store", STAR, &nodes, &["h"]).await;
            converges(&mut network, SEEDS[turn % SEEDS.len()]).await;
            assert_eq!(network.count("h", "ds_change_version").await, 0, "it decides nothing");
            assert_eq!(network.count("h", "ds_program_parameter").await, 3, "transports alone");
        });
    }
}

pub const CONFLICTS: &str = "
CREATE TABLE customer (
    id integer PRIMARY KEY,
    email varchar(60) UNIQUE,
    description varchar(60)
);
CREATE TABLE purchase (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customer (id),
    note varchar(60)
);
";

/// Two nodes of each ordered pair of brands with a customer on both.
fn on_each_pair(test: impl AsyncFn(&mut Network)) {
    for one in ready_servers() {
        for two in ready_servers() {
            println!("{} and {}", one.name, two.name);
            support::block_on(async {
                let name = format!("{}_{}", one.name, two.name);
                let blueprint = Blueprint {
                    name: &name,
                    nodes: &[("a", one), ("b", two)],
                    routes: PAIR,
                    tables: "  customer: follow\n  purchase: follow",
                    schema: CONFLICTS,
                    batch_rows: 1000,
                };
                let mut network = Network::set_up(&blueprint, |_, _| CONFLICTS.to_owned()).await;
                network.run("a", "INSERT INTO customer VALUES (1, 'one', 'first')").await;
                network.drain().await;
                test(&mut network).await;
            });
        }
    }
}

async fn both(network: &mut Network, sql: &str) -> [Vec<String>; 2] {
    [network.rows("a", sql).await, network.rows("b", sql).await]
}

const CUSTOMERS: &str = "SELECT id, email, description FROM customer ORDER BY id";
const PURCHASES: &str = "SELECT id, customer_id, note FROM purchase ORDER BY id";

/// The first of the three cases in which row-level times and column-level changes diverge.
#[test]
fn two_columns_of_one_row_changed_in_turns_converge() {
    on_each_pair(async |network| {
        network.run("b", "UPDATE customer SET description = 'by b' WHERE id = 1").await;
        network.run("a", "UPDATE customer SET description = 'by a' WHERE id = 1").await;
        network.run("b", "UPDATE customer SET email = 'b' WHERE id = 1").await;
        network.drain().await;
        let [a, b] = both(network, CUSTOMERS).await;
        assert_eq!(a, ["1|b|by a"]);
        assert_eq!(b, a);
        assert_eq!(network.count("a", "ds_quarantine").await, 0);
    });
}

/// The second: the row that had the value first keeps it, the other one gets another value, on
/// both nodes; nothing is deleted, and both versions can be read.
#[test]
fn one_unique_value_in_two_rows_is_settled_alike_on_both_sides() {
    on_each_pair(async |network| {
        network.run("a", "INSERT INTO customer VALUES (10, 'same', 'of a')").await;
        network.run("b", "INSERT INTO customer VALUES (20, 'same', 'of b')").await;
        network.run("b", "UPDATE customer SET description = 'follows' WHERE id = 20").await;
        network.run("a", "INSERT INTO customer VALUES (11, 'other', 'flows')").await;
        network.drain().await;
        let [a, b] = both(network, CUSTOMERS).await;
        assert_eq!(a, ["1|one|first", "10|same|of a", "11|other|flows", "20|same (20)|follows"]);
        assert_eq!(b, a);
        for (node, id, kind) in [("a", "20", "insert_exists"), ("b", "10", "insert_exists")] {
            assert_eq!(network.count(node, "ds_quarantine").await, 0);
            let claimed = "SELECT object_id, conflict_type FROM ds_conflict
                WHERE decided_by = 'the row that had the unique value first keeps it'";
            assert_eq!(network.rows(node, claimed).await, [format!("{id}|{kind}")]);
        }

        // What an application writes afterwards stands.
        network.run("b", "UPDATE customer SET email = 'another' WHERE id = 20").await;
        network.run("a", "UPDATE customer SET email = 'another' WHERE id = 11").await;
        network.drain().await;
        let [a, b] = both(network, CUSTOMERS).await;
        assert_eq!(
            a,
            ["1|one|first", "10|same|of a", "11|another (11)|flows", "20|another|follows"]
        );
        assert_eq!(b, a);
    });
}

/// Two routes bring changes of a row that collides, and the one that is imported later has the
/// lower id: it waits for the other one, and that one for nobody.
#[test]
fn two_routes_that_bring_changes_of_one_row_do_not_wait_for_each_other() {
    for server in ready_servers() {
        println!("on {}", server.name);
        support::block_on(async {
            let blueprint = Blueprint {
                name: server.name,
                nodes: &[("a", server), ("b", server), ("c", server)],
                routes: &[("a", "c"), ("b", "c")],
                tables: "  customer: follow\n  purchase: follow",
                schema: CONFLICTS,
                batch_rows: 1000,
            };
            let mut network = Network::set_up(&blueprint, |_, _| CONFLICTS.to_owned()).await;
            network.run("a", "INSERT INTO customer VALUES (1, 'same', 'of a')").await;
            network.run("b", "INSERT INTO customer VALUES (1, 'same', 'of b')").await;
            network.run("c", "INSERT INTO customer VALUES (2, 'same', 'of c')").await;
            network.transport().await;
            for route in [1002, 1000] {
                network.try_import(route).await.unwrap();
            }
            assert_eq!(network.count("c", "ds_quarantine").await, 2);
            for _ in 0..4 {
                network.turn().await;
            }
            assert_eq!(network.count("c", "ds_quarantine").await, 0);
            assert_eq!(network.rows("c", CUSTOMERS).await, ["1|same|of b", "2|same (2)|of c"]);
        });
    }
}

/// Of one node's changes of a row the earlier one is imported first, also where another route has
/// brought it; for one that is stopped nobody waits.
#[test]
fn two_routes_that_bring_changes_of_one_node_keep_their_order() {
    for server in ready_servers() {
        println!("on {}", server.name);
        support::block_on(async {
            let blueprint = Blueprint {
                name: server.name,
                nodes: &[("a", server), ("b", server), ("c", server), ("d", server)],
                routes: &[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")],
                tables: "  customer: follow\n  purchase: follow",
                schema: CONFLICTS,
                batch_rows: 1000,
            };
            let mut network = Network::set_up(&blueprint, |_, _| CONFLICTS.to_owned()).await;
            for is_stopped in [false, true] {
                let id = 1 + i64::from(is_stopped);
                let insert = format!("INSERT INTO customer VALUES ({id}, 'new {id}', 'of a')");
                network.run("a", &insert).await;
                for route in [1000, 1002, 1004] {
                    network.try_transport(route).await.unwrap();
                }
                let update = format!("UPDATE customer SET email = 'later {id}' WHERE id = {id}");
                network.run("a", &update).await;
                for route in [1002, 1006] {
                    network.try_transport(route).await.unwrap();
                }
                if is_stopped {
                    let stop = "UPDATE ds_program_parameter SET active_flag = 'N' WHERE id = 1005";
                    network.run("d", stop).await;
                }
                let imported = network.try_import(1006).await.unwrap();
                let read = if is_stopped { 1 } else { 2 };
                assert_eq!((imported.read, imported.quarantined), (read, 0));
                assert_eq!(network.rows("d", CUSTOMERS).await, ["1|later 1|of a"]);
            }
        });
    }
}

/// Where the value was given up before the change arrives that claims it, there is no collision.
#[test]
fn a_unique_value_that_moves_on_is_no_collision() {
    on_each_pair(async |network| {
        network.run("a", "INSERT INTO customer VALUES (10, 'moves', 'of a')").await;
        network.drain().await;
        network.run("a", "UPDATE customer SET email = 'moved' WHERE id = 10").await;
        network.run("a", "INSERT INTO customer VALUES (11, 'moves', 'takes it')").await;
        network.drain().await;
        let [a, b] = both(network, CUSTOMERS).await;
        assert_eq!(a, ["1|one|first", "10|moved|of a", "11|moves|takes it"]);
        assert_eq!(b, a);
        assert_eq!(network.count("b", "ds_conflict").await, 0);
    });
}

/// The third: a parent that got children meanwhile is not deleted, and comes back where it was.
#[test]
fn a_parent_deleted_while_it_gets_children_comes_back_on_both_sides() {
    on_each_pair(async |network| {
        network.run("a", "DELETE FROM customer WHERE id = 1").await;
        network.run("b", "INSERT INTO purchase VALUES (100, 1, 'new')").await;
        network.run("b", "UPDATE customer SET description = 'changed' WHERE id = 1").await;
        network.run("b", "INSERT INTO customer VALUES (2, 'two', 'flows')").await;
        network.drain().await;
        let [a, b] = both(network, CUSTOMERS).await;
        assert_eq!(a, ["1|one|changed", "2|two|flows"]);
        assert_eq!(b, a);
        let [a, b] = both(network, PURCHASES).await;
        assert_eq!(a, ["100|1|new"]);
        assert_eq!(b, a);
        for node in ["a", "b"] {
            assert_eq!(network.count(node, "ds_quarantine").await, 0);
        }
        let kept = "SELECT winner FROM ds_conflict
            WHERE decided_by = 'a row that others refer to is not deleted'";
        assert_eq!(network.rows("b", kept).await, ["local"]);

        // Once nobody refers to it, it can be deleted.
        network.run("b", "DELETE FROM purchase WHERE id = 100").await;
        network.run("b", "DELETE FROM customer WHERE id = 1").await;
        network.drain().await;
        let [a, b] = both(network, CUSTOMERS).await;
        assert_eq!(a, ["2|two|flows"]);
        assert_eq!(b, a);
    });
}

const CASCADES: &str = "
CREATE TABLE customer (
    id integer PRIMARY KEY,
    email varchar(60) UNIQUE,
    description varchar(60)
);
CREATE TABLE purchase (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    note varchar(60)
);
";

/// Where the database would delete the children along, the parent still stays for those that its
/// deleter did not know; those that it knew go.
#[test]
fn a_cascade_takes_no_child_along_that_its_deleter_did_not_know() {
    for (one, two) in [(Brand::Sqlite, Brand::Postgres), (Brand::Postgres, Brand::Sqlite)] {
        let server = |brand| ready_servers().into_iter().find(|server| server.brand == brand);
        let (Some(one), Some(two)) = (server(one), server(two)) else { continue };
        support::block_on(async {
            let blueprint = Blueprint {
                name: &format!("{}_{}", one.name, two.name),
                nodes: &[("a", one), ("b", two)],
                routes: PAIR,
                tables: "  customer: follow\n  purchase: follow",
                schema: CASCADES,
                batch_rows: 1000,
            };
            let mut network = Network::set_up(&blueprint, |_, _| CASCADES.to_owned()).await;
            network.run("a", "INSERT INTO customer VALUES (1, 'one', '-'), (2, 'two', '-')").await;
            network.run("a", "INSERT INTO purchase VALUES (10, 1, '-'), (20, 2, '-')").await;
            network.drain().await;
            network.run("a", "DELETE FROM customer").await;
            network.run("b", "INSERT INTO purchase VALUES (11, 1, 'new')").await;
            network.drain().await;
            let [a, b] = both(&mut network, CUSTOMERS).await;
            assert_eq!(a, ["1|one|-"]);
            assert_eq!(b, a);
            let [a, b] = both(&mut network, PURCHASES).await;
            assert_eq!(a, ["11|1|new"]);
            assert_eq!(b, a);
            for node in ["a", "b"] {
                assert_eq!(network.count(node, "ds_quarantine").await, 0);
            }
        });
    }
}
