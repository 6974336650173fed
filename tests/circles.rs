//! Rows of two tables that refer to each other, and foreign keys that are looked at only at the
//! commit: what of it gets in on which brand, and what becomes of the rest.

use outrigger::dialect::Brand;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

/// The tables without their foreign keys, as the configuration reads them.
const FREE: &str = "
CREATE TABLE boss (id integer PRIMARY KEY, pet_id integer, note varchar(20));
CREATE TABLE pet (id integer PRIMARY KEY, boss_id integer, note varchar(20))";

/// When a database looks at a foreign key.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Looked {
    AtOnce,
    AtTheCommit,
}

/// The same, each referring to the other.
fn circle(brand: Brand, looked: Looked) -> String {
    let when = match looked {
        Looked::AtOnce => "",
        Looked::AtTheCommit => " DEFERRABLE INITIALLY DEFERRED",
    };
    if brand == Brand::Sqlite {
        let refers = |to: &str| format!("integer REFERENCES {to} (id){when}, note");
        let boss = FREE.replace("pet_id integer, note", &format!("pet_id {}", refers("pet")));
        return boss.replace("boss_id integer, note", &format!("boss_id {}", refers("boss")));
    }
    format!(
        "{FREE};
ALTER TABLE pet ADD CONSTRAINT pet_boss FOREIGN KEY (boss_id) REFERENCES boss (id){when};
ALTER TABLE boss ADD CONSTRAINT boss_pet FOREIGN KEY (pet_id) REFERENCES pet (id){when}"
    )
}

async fn network(
    (one, one_looks): (&'static Server, Option<Looked>),
    (two, two_looks): (&'static Server, Looked),
) -> Network {
    println!("{} {one_looks:?} to {} {two_looks:?}", one.name, two.name);
    let name = format!("{}_{one_looks:?}_{}_{two_looks:?}", one.name, two.name);
    let name = name.replace(['(', ')'], "_");
    let blueprint = Blueprint {
        name: &name,
        nodes: &[("one", one), ("two", two)],
        routes: &[("one", "two")],
        tables: "  boss: follow\n  pet: follow",
        schema: FREE,
        batch_rows: 1000,
    };
    let ddl = |node: &str, brand| match one_looks {
        _ if node == "two" => circle(brand, two_looks),
        Some(looked) => circle(brand, looked),
        None => FREE.to_owned(),
    };
    Network::set_up(&blueprint, ddl).await
}

const BOSSES: &str = "SELECT id, pet_id, note FROM boss ORDER BY id";
const PETS: &str = "SELECT id, boss_id, note FROM pet ORDER BY id";

/// Each way in which two rows come to refer to each other on PostgreSQL in one transaction.
const STEPS: &str = "BEGIN; INSERT INTO boss VALUES (1, NULL, 'steps');
    INSERT INTO pet VALUES (1, 1, 'steps'); UPDATE boss SET pet_id = 1 WHERE id = 1; COMMIT";
const STATEMENT: &str = "WITH boss AS (INSERT INTO boss VALUES (2, 2, 'statement'))
    INSERT INTO pet VALUES (2, 2, 'statement')";
const DEFERRED: &str = "BEGIN; INSERT INTO boss VALUES (3, 3, 'deferred');
    INSERT INTO pet VALUES (3, 3, 'deferred'); COMMIT";

/// Whether a target can be told to look at foreign keys at the commit.
fn can_defer(brand: Brand) -> bool {
    matches!(brand, Brand::Postgres | Brand::Sqlite)
}

#[test]
fn a_circle_of_one_transaction_of_postgres_gets_in_where_the_target_lets_it() {
    for from in support::servers_of(Brand::Postgres) {
        for to in ready_servers() {
            for source in [Looked::AtOnce, Looked::AtTheCommit] {
                for target in [Looked::AtOnce, Looked::AtTheCommit] {
                    if target == Looked::AtOnce || can_defer(to.brand) {
                        support::block_on(circles((from, source), (to, target)));
                    }
                }
            }
        }
    }
}

async fn circles(from: (&'static Server, Looked), to: (&'static Server, Looked)) {
    let mut network = network((from.0, Some(from.1)), to).await;
    for way in [STEPS, STATEMENT] {
        network.run("one", way).await;
        network.drain().await;
    }
    if from.1 == Looked::AtTheCommit {
        network.run("one", DEFERRED).await;
    }
    network.run("one", "INSERT INTO boss VALUES (9, NULL, 'good')").await;
    network.drain().await;
    let mut ways = vec![("1", "steps")];
    let mut waiting = Vec::new();
    let is_kept_out = to.1 == Looked::AtOnce;
    let others = [("2", "statement"), ("3", "deferred")];
    let others = &others[..if from.1 == Looked::AtTheCommit { 2 } else { 1 }];
    if is_kept_out {
        waiting.extend(others.iter().flat_map(|(id, _)| [("boss", *id), ("pet", *id)]));
    } else {
        ways.extend(others);
    }
    waiting.sort_unstable();
    let there: Vec<String> = ways.iter().map(|(id, way)| format!("{id}|{id}|{way}")).collect();
    assert_eq!(network.rows("two", PETS).await, there);
    let with_good = there.iter().cloned().chain(["9|-|good".to_owned()]).collect::<Vec<_>>();
    assert_eq!(network.rows("two", BOSSES).await, with_good);
    assert_eq!(held(&mut network).await, named(&waiting));
    if !is_kept_out {
        return;
    }

    // A change that opens the circle lets the rows in one after the other; then it may be closed.
    network.run("one", "UPDATE boss SET pet_id = NULL WHERE id > 1").await;
    network.drain().await;
    network.run("one", "UPDATE boss SET pet_id = id WHERE id > 1 AND id < 9").await;
    network.drain().await;
    assert_eq!(held(&mut network).await, []);
    for table in [BOSSES, PETS] {
        assert_eq!(network.rows("two", table).await, network.rows("one", table).await);
    }
}

/// Table and key of what is in quarantine.
async fn held(network: &mut Network) -> Vec<(String, String)> {
    let held = network.quarantine("two").await.into_iter();
    let mut held: Vec<_> = held
        .map(|entry| {
            assert_eq!(entry.reason_code, "missing_reference");
            (entry.object_table.unwrap(), entry.object_id.unwrap())
        })
        .collect();
    held.sort_unstable();
    held
}

fn named(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(table, key)| ((*table).to_owned(), (*key).to_owned())).collect()
}

/// SQLite counts what is deferred and tells the count only at a commit: the route stops with the
/// reason, nothing is half in, and what was missing lets all of it in.
#[test]
fn what_sqlite_refuses_at_the_commit_stops_its_route_until_what_is_missing_comes() {
    let to = support::servers_of(Brand::Sqlite).next().unwrap();
    for from in ready_servers() {
        support::block_on(async {
            let mut network = network((from, None), (to, Looked::AtTheCommit)).await;
            network.run("one", "INSERT INTO boss VALUES (1, NULL, 'good')").await;
            network.run("one", "INSERT INTO pet VALUES (2, 77, 'refers to nobody')").await;
            network.run("one", "INSERT INTO boss VALUES (3, NULL, 'good')").await;
            network.transport().await;
            // Where transactions have names each is a set, and only what is behind the bad one waits.
            let before: &[&str] = if from.brand == Brand::Postgres { &["1|-|good"] } else { &[] };
            for _ in 0..2 {
                let said = network.try_import(1000).await.unwrap_err();
                assert!(said.contains("FOREIGN KEY constraint failed (787)"), "{said}");
                assert_eq!(network.rows("two", BOSSES).await, before);
                assert_eq!(network.count("two", "pet").await, 0);
                assert_eq!(network.count("two", "ds_quarantine").await, 0);
            }
            network.run("one", "INSERT INTO boss VALUES (77, NULL, 'comes')").await;
            network.drain().await;
            assert_eq!(network.rows("two", PETS).await, ["2|77|refers to nobody"]);
            let bosses = ["1|-|good", "3|-|good", "77|-|comes"];
            assert_eq!(network.rows("two", BOSSES).await, bosses);
        });
    }
}
