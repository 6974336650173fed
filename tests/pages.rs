//! Pages are bounded by bytes: a backlog of long values is carried and imported a few at a time.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use outrigger::dialect::Brand;
use outrigger::outbox::PageSize;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

const SCHEMA: &str = "CREATE TABLE note (id integer PRIMARY KEY, title varchar(40), body text)";
const ROUTE: i64 = 1000;
const MEGABYTE: usize = 1 << 20;

async fn pair(server: &Server, batch_rows: usize) -> Network {
    let blueprint = Blueprint {
        name: server.name,
        nodes: &[("a", server), ("b", server)],
        routes: &[("a", "b")],
        tables: "  note: follow",
        schema: SCHEMA,
        batch_rows,
    };
    let ddl = |_: &str, brand| match brand {
        Brand::Mysql => SCHEMA.replace(" text", " longtext"),
        _ => SCHEMA.to_owned(),
    };
    Network::set_up(&blueprint, ddl).await
}

/// A text of so many megabytes, as an expression of the brand.
fn long(brand: Brand, megabytes: usize) -> String {
    let bytes = megabytes * MEGABYTE;
    match brand {
        Brand::Sqlite => format!("hex(zeroblob({}))", bytes / 2),
        Brand::Mysql => format!("REPEAT('0', {bytes})"),
        _ => format!("repeat('0', {bytes})"),
    }
}

/// The rows that were reported after each page, or each batch.
fn steps(reported: &[u64]) -> Vec<u64> {
    let mut before = 0;
    reported.iter().map(|rows| rows - std::mem::replace(&mut before, *rows)).collect()
}

#[test]
fn long_values_travel_a_few_at_a_time() {
    let fitting = PageSize::BYTES / MEGABYTE as u64;
    for server in ready_servers() {
        println!("on {}", server.name);
        support::block_on(async {
            let mut network = pair(server, 1_000).await;
            let brand = network.brand("a");
            let insert = |id, body: &str| format!("INSERT INTO note VALUES ({id}, 'n', {body})");
            // Short ones around the long ones, one that alone is more than a page, and a set that
            // goes on over several.
            for id in 0..10 {
                network.run("a", &insert(id, "'short'")).await;
            }
            for id in 10..22 {
                network.run("a", &insert(id, &long(brand, 1))).await;
            }
            network.run("a", &insert(22, &long(brand, 6))).await;
            network.run("a", &insert(23, "'short'")).await;
            let body = long(brand, 2);
            network.run("a", &format!("UPDATE note SET body = {body} WHERE id < 10")).await;

            let route = network.runner.routes()[0].clone();
            assert_eq!(route.id.0, ROUTE);
            let pages = Mutex::new(Vec::new());
            let mut told = |rows| pages.lock().unwrap().push(rows);
            network.runner.transport(&route, &mut told).await.unwrap();
            let pages = steps(&pages.into_inner().unwrap());
            assert_eq!(pages.iter().sum::<u64>(), 34, "{pages:?}");
            assert!(pages[0] >= 10 && pages[0] < 10 + fitting, "{pages:?}");
            assert!(pages[1..].iter().all(|rows| *rows <= fitting), "{pages:?}");

            let batches = Mutex::new(Vec::new());
            let mut told = |rows| batches.lock().unwrap().push(rows);
            let stop = AtomicBool::new(false);
            network.runner.import(&route, &stop, &mut told).await.unwrap();
            let batches = steps(&batches.into_inner().unwrap());
            assert_eq!(batches.iter().sum::<u64>(), 34, "{batches:?}");
            if brand == Brand::Postgres {
                // Only it names the transactions of the source; its last one has ten rows.
                assert!(batches[1..].iter().all(|rows| *rows <= 10), "{batches:?}");
                assert!(batches.len() > 3, "{batches:?}");
                assert_eq!(batches.last(), Some(&10), "{batches:?}");
            }
            network.drain().await;
            let digests = "SELECT id, title, length(body) FROM note ORDER BY id";
            let there = network.rows("a", digests).await;
            assert_eq!(network.rows("b", digests).await, there);
            assert_eq!((there.len(), there[0].as_str()), (24, "0|n|2097152"));
        });
    }
}

/// There the database works in the same process, which has to hold what becomes of the changes.
#[test]
fn an_import_into_sqlite_is_bounded_by_what_changes_take_in_memory() {
    for server in ready_servers().into_iter().filter(|server| server.brand == Brand::Sqlite) {
        support::block_on(async {
            let mut network = pair(server, 5_000).await;
            let route = network.runner.routes()[0].clone();
            for first in (0..3_000).step_by(500) {
                let row = |id| format!("({id}, 'n', NULL)");
                let rows: Vec<String> = (first..first + 500).map(row).collect();
                network.run("a", &format!("INSERT INTO note VALUES {}", rows.join(", "))).await;
                // Each window is a change set of its own.
                network.runner.transport(&route, &mut |_| {}).await.unwrap();
            }
            let batches = Mutex::new(Vec::new());
            let mut told = |rows| batches.lock().unwrap().push(rows);
            network.runner.import(&route, &AtomicBool::new(false), &mut told).await.unwrap();
            let batches = steps(&batches.into_inner().unwrap());
            assert_eq!(batches.iter().sum::<u64>(), 3_000, "{batches:?}");
            // Far less text than would fit, and 2,000 bytes at least for each.
            assert!(batches.iter().all(|rows| *rows <= 2_000), "{batches:?}");
            assert_eq!(network.rows("b", "SELECT count(*) FROM note").await, ["3000"]);
        });
    }
}

#[test]
fn versions_are_written_once_whether_they_were_known_or_not() {
    for server in ready_servers() {
        println!("on {}", server.name);
        support::block_on(async {
            let mut network = pair(server, 1_000).await;
            let insert = |ids: std::ops::Range<u32>| {
                let rows: Vec<String> = ids.map(|id| format!("({id}, 'n', NULL)")).collect();
                format!("INSERT INTO note VALUES {}", rows.join(", "))
            };
            network.run("a", &insert(0..250)).await;
            network.drain().await;
            // Of half of the titles a version is known when the rest comes.
            network.run("a", "UPDATE note SET title = 'one' WHERE id < 125").await;
            network.drain().await;
            network.run("a", "UPDATE note SET title = 'two'").await;
            network.run("a", &insert(250..400)).await;
            network.drain().await;
            let rows = "SELECT id, title FROM note ORDER BY id";
            let there = network.rows("a", rows).await;
            assert!(network.rows("b", rows).await == there);
            // A version for each row, and one for each title that was updated.
            assert_eq!(network.count("b", "ds_change_version").await, 400 + 250);
            let newest = "SELECT count(*) FROM ds_change_version AS v JOIN ds_change_inbox AS i \
                ON i.source_id = v.source_id AND i.object_id = v.object_id \
                WHERE v.object_attribute = 'title' AND i.object_value = 'two'";
            assert_eq!(network.rows("b", newest).await, ["250"]);
        });
    }
}

#[test]
fn routes_that_have_carried_the_same_stay_equally_far() {
    for server in ready_servers() {
        println!("on {}", server.name);
        support::block_on(async {
            let spokes = ["x", "y", "z"];
            let blueprint = Blueprint {
                name: server.name,
                nodes: &[("hub", server), ("x", server), ("y", server), ("z", server)],
                routes: &[("hub", "x"), ("hub", "y"), ("hub", "z")],
                tables: "  note: follow",
                schema: SCHEMA,
                batch_rows: 1_000,
            };
            let mut network = Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await;
            let routes = network.runner.routes().to_vec();
            let mut watermarks = Vec::new();
            for turn in 0..3 {
                let insert = format!("INSERT INTO note VALUES ({turn}, 'n', NULL)");
                network.run("hub", &insert).await;
                for route in &routes {
                    // Each route's turn writes to the hub, so that the next one could see more.
                    let carried = network.runner.transport(route, &mut |_| {}).await.unwrap();
                    assert_eq!(carried.written, 1);
                }
                let mut reached = Vec::new();
                for (spoke, route) in spokes.iter().zip(&routes) {
                    let sql = format!(
                        "SELECT cursor_state FROM ds_program_parameter WHERE id = {}",
                        route.id.0
                    );
                    let state = network.rows(spoke, &sql).await.swap_remove(0);
                    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
                    reached.push(state["watermark"].clone());
                }
                assert!(reached.iter().all(|one| *one == reached[0]), "{turn}: {reached:?}");
                watermarks.push(reached.swap_remove(0));
            }
            if network.brand("hub") == Brand::Postgres {
                assert!(watermarks[0].is_string() && watermarks[0] != watermarks[1]);
            }
        });
    }
}

#[test]
fn an_inbox_that_nobody_has_analyzed_is_read_once() {
    const ROWS: i64 = 6_000;
    for server in ready_servers().into_iter().filter(|server| server.brand == Brand::Postgres) {
        support::block_on(async {
            let mut network = pair(server, 200).await;
            network.run("b", "ALTER TABLE ds_change_inbox SET (autovacuum_enabled = off)").await;
            let rows = format!("SELECT n, 'n', NULL FROM generate_series(1, {ROWS}) AS n");
            network.run("a", &format!("INSERT INTO note {rows}")).await;
            let route = network.runner.routes()[0].clone();
            network.runner.transport(&route, &mut |_| {}).await.unwrap();
            let read = "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables \
                WHERE relname = 'ds_change_inbox'";
            let stop = AtomicBool::new(false);
            network.runner.import(&route, &stop, &mut |_| {}).await.unwrap();
            assert_eq!(network.count("b", "note").await, ROWS);
            // A session tells what it has read when it is idle for some time.
            let mut fetched = 0;
            for _ in 0..200 {
                fetched = network.rows("b", read).await[0].parse::<i64>().unwrap();
                if fetched >= ROWS {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            fetched = fetched.max(network.rows("b", read).await[0].parse::<i64>().unwrap());
            // Listed, read, and perhaps looked up once more.
            assert!((ROWS..6 * ROWS).contains(&fetched), "{fetched} rows were read");
        });
    }
}
