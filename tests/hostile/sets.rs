//! Change sets that are larger than a page, and their readers.

use std::cell::Cell;

use super::pair;
use crate::support;
use crate::support::network::{Blueprint, Network, ready_servers};

#[test]
fn a_reader_never_sees_a_part_of_a_large_set() {
    const ROWS: usize = 2_500;
    for from in ready_servers() {
        for to in ready_servers() {
            println!("{} to {}", from.name, to.name);
            support::block_on(async {
                let mut network = pair(from, to).await;
                let values: Vec<String> = (0..ROWS).map(|at| format!("('o{at}', 1)")).collect();
                let insert = "INSERT INTO sales_order (order_id, quantity) VALUES";
                network.run("one", &format!("{insert} {}", values.join(", "))).await;
                let seen =
                    read_while_importing(&mut network, "SELECT count(*) FROM sales_order").await;
                assert_eq!(network.count("two", "sales_order").await, 2_500);
                assert!(seen.iter().all(|count| count == "0" || count == "2500"), "{seen:?}");
                assert!(seen.iter().any(|count| count == "0"), "nobody looked in time");

                network.run("one", "UPDATE sales_order SET quantity = 2").await;
                let sums = "SELECT sum(quantity) FROM sales_order";
                let seen = read_while_importing(&mut network, sums).await;
                assert!(seen.iter().all(|sum| sum == "2500" || sum == "5000"), "{seen:?}");
                assert_eq!(network.rows("two", sums).await, ["5000"]);
                assert_eq!(network.count("two", "ds_quarantine").await, 0);
            });
        }
    }
}

/// Every answer that a second session gets during an import.
async fn read_while_importing(network: &mut Network, sql: &str) -> Vec<String> {
    network.transport().await;
    let mut reader = network.connect("two").await;
    let is_done = Cell::new(false);
    let mut seen = Vec::new();
    let look = async {
        while !is_done.get() {
            let rows = reader.fetch(sql, &[]).await.unwrap();
            let name = rows[0].columns()[0].clone();
            seen.push(rows[0].text(&name).unwrap());
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    let import = async {
        let done = network.import().await;
        is_done.set(true);
        assert_eq!(done.quarantined, 0);
    };
    tokio::join!(look, import);
    seen
}

const FAMILY: &str = "
CREATE TABLE parent (
    id integer PRIMARY KEY,
    note varchar(20)
);
CREATE TABLE child (
    id integer PRIMARY KEY,
    parent_id integer REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE
);
";

/// A changed key is a delete and an insert; where a page ends between the two, the rows that
/// refer to the key must not be deleted.
#[test]
fn a_changed_key_at_the_end_of_a_page_takes_no_children_along() {
    for from in ready_servers() {
        for to in ready_servers() {
            if !from.brand.dialect().can.fire_triggers_on_cascade {
                continue;
            }
            println!("{} to {}", from.name, to.name);
            for before in 7..=11 {
                support::block_on(async {
                    let blueprint = Blueprint {
                        name: &format!("{}_{}_{before}", from.name, to.name),
                        nodes: &[("one", from), ("two", to)],
                        routes: &[("one", "two")],
                        tables: "  parent: follow\n  child: follow",
                        schema: FAMILY,
                        batch_rows: 10,
                    };
                    let mut network = Network::set_up(&blueprint, |_, _| FAMILY.to_owned()).await;
                    network.run("one", "INSERT INTO parent VALUES (1, 'a')").await;
                    network.run("one", "INSERT INTO child VALUES (1, 1), (2, 1)").await;
                    network.drain().await;
                    let notes: Vec<String> = (0..before)
                        .map(|at| format!("UPDATE parent SET note = 'n{at}' WHERE id = 1"))
                        .collect();
                    let key = "UPDATE parent SET id = 2 WHERE id = 1";
                    let sql =
                        format!("BEGIN; {}; {key}; {}; COMMIT", notes.join("; "), notes.join("; "));
                    network.run("one", &sql).await;
                    network.drain().await;
                    let children = "SELECT id, parent_id FROM child ORDER BY id";
                    assert_eq!(network.rows("two", children).await, ["1|2", "2|2"]);
                    assert_eq!(network.count("two", "ds_quarantine").await, 0);
                });
            }
        }
    }
}

/// The changes stay in the inbox, the other route goes on, and raising the limit is all it takes.
#[test]
fn a_set_above_the_limit_stops_its_route_and_no_other() {
    for from in ready_servers() {
        for to in ready_servers() {
            println!("{} to {}", from.name, to.name);
            support::block_on(async {
                let mut network = pair(from, to).await;
                network
                    .limit(|limits| {
                        limits.batch_rows = 4;
                        limits.change_set_rows = 10;
                    })
                    .await;
                let rows = |first: usize, count: usize| {
                    let values = (first..first + count).map(|at| format!("('o{at}', 1)"));
                    let values: Vec<String> = values.collect();
                    format!(
                        "INSERT INTO sales_order (order_id, quantity) VALUES {}",
                        values.join(", ")
                    )
                };
                network.run("one", &rows(0, 10)).await;
                network.transport().await;
                network.run("one", &rows(100, 11)).await;
                network.transport().await;
                network.run("one", &rows(200, 2)).await;
                network.run("two", &rows(300, 3)).await;
                network.transport().await;

                for _ in 0..2 {
                    let said = network.try_import(1000).await.unwrap_err();
                    let expected = "of `one` on route 1000 has 11 changes, 10 are allowed";
                    assert!(said.contains(expected), "{said}");
                    // What came before it is in, and nothing of it.
                    assert_eq!(network.count("two", "sales_order").await, 13);
                    assert_eq!(network.count("two", "ds_quarantine").await, 0);
                    let clock = || chrono::Utc::now().naive_utc();
                    let status = network.runner.status(clock).await.unwrap();
                    let halted = status.routes[0].halted.as_deref().unwrap();
                    assert!(halted.contains(expected), "{halted}");
                    assert_eq!(status.routes[1].halted, None);
                }
                network.try_import(1002).await.unwrap();
                assert_eq!(network.count("one", "sales_order").await, 26);
                let (_, outlooks) = network.explain("two").await;
                assert!(outlooks[0].halted.is_some());

                network.limit(|limits| limits.change_set_rows = 11).await;
                network.import().await;
                assert_eq!(network.count("two", "sales_order").await, 26);
                let clock = || chrono::Utc::now().naive_utc();
                let status = network.runner.status(clock).await.unwrap();
                assert_eq!(status.routes[0].halted, None);
            });
        }
    }
}
