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

#[test]
fn a_circle_of_one_transaction_of_postgres_gets_in_everywhere() {
    for from in support::servers_of(Brand::Postgres) {
        for to in ready_servers() {
            for source in [Looked::AtOnce, Looked::AtTheCommit] {
                for target in looks_of(to.brand) {
                    support::block_on(circles((from, source), (to, target)));
                }
            }
        }
    }
}

async fn circles(from: (&'static Server, Looked), to: (&'static Server, Looked)) {
    let mut network = network((from.0, Some(from.1)), to).await;
    let mut ways = vec![("1", "steps"), ("2", "statement")];
    for way in [STEPS, STATEMENT] {
        network.run("one", way).await;
        network.drain().await;
    }
    if from.1 == Looked::AtTheCommit {
        network.run("one", DEFERRED).await;
        ways.push(("3", "deferred"));
    }
    network.run("one", "INSERT INTO boss VALUES (9, NULL, 'good')").await;
    network.drain().await;
    let there: Vec<String> = ways.iter().map(|(id, way)| format!("{id}|{id}|{way}")).collect();
    assert_eq!(network.rows("two", PETS).await, there);
    let with_good = there.iter().cloned().chain(["9|-|good".to_owned()]).collect::<Vec<_>>();
    assert_eq!(network.rows("two", BOSSES).await, with_good);
    assert_eq!(network.count("two", "ds_quarantine").await, 0);
}

/// Where no reference may be NULL for a moment, a circle gets in only where the database waits for
/// the commit; elsewhere it waits, and nothing else does.
#[test]
fn a_circle_that_cannot_be_opened_waits_where_it_is_looked_at_at_once() {
    let from = support::servers_of(Brand::Sqlite).next().unwrap();
    let closings: [fn(&str) -> String; 2] = [
        |ddl| {
            let ddl = ddl.replace("pet_id integer", "pet_id integer NOT NULL");
            ddl.replace("boss_id integer", "boss_id integer NOT NULL")
        },
        |ddl| {
            let ddl = ddl.replace("note varchar(20))", "note varchar(20), CHECK (1 = 1))");
            let ddl = ddl.replacen("1 = 1", "pet_id IS NOT NULL", 1);
            ddl.replacen("1 = 1", "boss_id IS NOT NULL", 1)
        },
    ];
    for (closed, closing) in closings.iter().enumerate() {
        for to in ready_servers() {
            for target in looks_of(to.brand) {
                let name = format!("closed_{closed}_{}_{target:?}", to.name);
                println!("{name}");
                support::block_on(async {
                    let blueprint = Blueprint {
                        name: &name,
                        nodes: &[("one", from), ("two", to)],
                        routes: &[("one", "two")],
                        tables: "  boss: follow\n  pet: follow",
                        schema: FREE,
                        batch_rows: 1000,
                    };
                    let ddl = |node: &str, brand| match node {
                        "two" => closing(&circle(brand, target)),
                        _ => FREE.to_owned(),
                    };
                    let mut network = Network::set_up(&blueprint, ddl).await;
                    network
                        .run(
                            "one",
                            "BEGIN; INSERT INTO boss VALUES (1, 1, 'circle');
                             INSERT INTO pet VALUES (1, 1, 'circle');
                             INSERT INTO pet VALUES (2, 1, 'behind');
                             INSERT INTO pet VALUES (3, 77, 'bad'); COMMIT",
                        )
                        .await;
                    network.drain().await;
                    if target == Looked::AtOnce {
                        assert_eq!(network.count("two", "boss").await, 0);
                        let waiting = [("boss", "1"), ("pet", "1"), ("pet", "2"), ("pet", "3")];
                        assert_eq!(held(&mut network).await, named(&waiting));
                    } else {
                        assert_eq!(network.rows("two", BOSSES).await, ["1|1|circle"]);
                        assert_eq!(network.rows("two", PETS).await, ["1|1|circle", "2|1|behind"]);
                        assert_eq!(held(&mut network).await, named(&[("pet", "3")]));
                    }
                });
            }
        }
    }
}

/// When a database can look at foreign keys.
fn looks_of(brand: Brand) -> Vec<Looked> {
    let looks = [Looked::AtOnce, Looked::AtTheCommit];
    let can_defer = matches!(brand, Brand::Postgres | Brand::Sqlite);
    looks[..if can_defer { 2 } else { 1 }].to_vec()
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

/// Each row refers to two others, or to itself.
const KNOTS: &str = "CREATE TABLE knot (id integer PRIMARY KEY, left_id integer, right_id integer, note varchar(20))";

/// What is refused at once wherever there are foreign keys.
const REFUSED: &str = "CHECK (note <> 'refused')";

fn knots(brand: Brand, looked: Looked) -> String {
    let when = match looked {
        Looked::AtOnce => "",
        Looked::AtTheCommit => " DEFERRABLE INITIALLY DEFERRED",
    };
    if brand == Brand::Sqlite {
        let refers = format!("integer REFERENCES knot (id){when},");
        let knots = KNOTS.replace("_id integer,", &format!("_id {refers}"));
        return knots.replace("(20))", &format!("(20) {REFUSED})"));
    }
    let refers = |side: &str| {
        format!("ADD CONSTRAINT knot_{side} FOREIGN KEY ({side}_id) REFERENCES knot (id){when}")
    };
    let (left, right) = (refers("left"), refers("right"));
    format!("{KNOTS};\nALTER TABLE knot {left}, {right}, ADD CONSTRAINT knot_note {REFUSED}")
}

/// A network with two nodes that have no foreign keys, each with a route to the one that has them.
async fn knotted(
    name: &str,
    from: &'static Server,
    (to, looked): (&'static Server, Looked),
) -> Network {
    let name = format!("{name}_{}_{}_{looked:?}", from.name, to.name);
    println!("{name}");
    let other = support::servers_of(Brand::Sqlite).next().unwrap();
    let blueprint = Blueprint {
        name: &name,
        nodes: &[("one", from), ("two", to), ("three", other)],
        routes: &[("one", "two"), ("three", "two")],
        tables: "  knot: follow",
        schema: KNOTS,
        batch_rows: 1000,
    };
    let ddl = |node: &str, brand| match node {
        "two" => knots(brand, looked),
        _ => KNOTS.to_owned(),
    };
    Network::set_up(&blueprint, ddl).await
}

/// Nodes that can name a transaction, and such that cannot.
fn sources() -> impl Iterator<Item = &'static Server> {
    let names = [Brand::Postgres, Brand::Sqlite];
    names.into_iter().filter_map(|brand| support::servers_of(brand).next())
}

const ROWS: &str = "SELECT id, left_id, right_id, note FROM knot ORDER BY id";

/// Of what one transaction wrote, only the row at fault and what needs it waits, also where the
/// database says so at the commit alone; and gets in when another route brings what is missing.
#[test]
fn one_bad_reference_keeps_out_what_needs_it_and_no_circle_beside_it() {
    for from in sources() {
        for to in ready_servers() {
            for looked in looks_of(to.brand) {
                support::block_on(one_bad_reference(from, (to, looked)));
            }
        }
    }
}

async fn one_bad_reference(from: &'static Server, to: (&'static Server, Looked)) {
    let mut network = knotted("bad", from, to).await;
    network
        .run(
            "one",
            "BEGIN; INSERT INTO knot VALUES (1, 2, NULL, 'circle');
             INSERT INTO knot VALUES (2, 1, 2, 'circle');
             INSERT INTO knot VALUES (3, 4, NULL, 'circle of the bad');
             INSERT INTO knot VALUES (4, 3, 77, 'bad');
             INSERT INTO knot VALUES (5, 3, NULL, 'needs the bad');
             UPDATE knot SET note = 'later' WHERE id = 5;
             INSERT INTO knot VALUES (6, NULL, 1, 'good');
             INSERT INTO knot VALUES (8, NULL, NULL, 'refused'); COMMIT",
        )
        .await;
    network.drain().await;
    let good = ["1|2|-|circle", "2|1|2|circle", "6|-|1|good"];
    assert_eq!(network.rows("two", ROWS).await, good);
    let waiting = waiting(&mut network).await;
    let missing = ["3 missing_reference", "4 missing_reference", "5 missing_reference"];
    assert_eq!(waiting, [&missing[..], &["5 waits", "8 conflict"]].concat());

    // A person's retry leaves it there, and what comes behind it goes on, also in a process that
    // knows of no refused commit.
    network.renew().await;
    let bad = network.quarantine("two").await.remove(0);
    network.retry("two", bad.inbox_id).await;
    network.run("one", "INSERT INTO knot VALUES (7, 6, NULL, 'goes on')").await;
    network.drain().await;
    assert_eq!(network.count("two", "knot").await, 4);
    assert_eq!(self::waiting(&mut network).await, waiting);
    let again = network.quarantine("two").await.remove(0);
    assert!(again.attempts > bad.attempts, "{} and {}", bad.attempts, again.attempts);

    network.run("three", "INSERT INTO knot VALUES (77, NULL, NULL, 'comes')").await;
    network.drain().await;
    assert_eq!(self::waiting(&mut network).await, ["8 conflict"]);
    let mut all = network.rows("one", &ROWS.replace("knot", "knot WHERE id <> 8")).await;
    all.push("77|-|-|comes".to_owned());
    assert_eq!(network.rows("two", ROWS).await, all);
}

/// Key and reason of what is in quarantine.
async fn waiting(network: &mut Network) -> Vec<String> {
    let held = network.quarantine("two").await.into_iter();
    held.map(|entry| format!("{} {}", entry.object_id.unwrap(), entry.reason_code)).collect()
}

/// A circle goes in one transaction as it came, beside what is refused.
#[test]
fn a_circle_is_deleted_where_foreign_keys_are_looked_at_at_the_commit() {
    for from in sources() {
        for to in ready_servers().into_iter().filter(|to| looks_of(to.brand).len() > 1) {
            support::block_on(async {
                let mut network = knotted("gone", from, (to, Looked::AtTheCommit)).await;
                let both = "INSERT INTO knot VALUES (1, 2, NULL, 'circle'), (2, 1, NULL, 'circle')";
                network.run("one", both).await;
                network.drain().await;
                assert_eq!(network.count("two", "knot").await, 2);
                network
                    .run(
                        "one",
                        "BEGIN; INSERT INTO knot VALUES (3, 77, NULL, 'bad');
                         DELETE FROM knot WHERE id < 3; COMMIT",
                    )
                    .await;
                network.drain().await;
                assert_eq!(network.count("two", "knot").await, 0);
                assert_eq!(waiting(&mut network).await, ["3 missing_reference"]);
            });
        }
    }
}

/// A delete that leaves a row without what it refers to is refused by the commit alone too.
#[test]
fn a_delete_that_a_commit_refuses_is_settled_as_any_other() {
    for to in ready_servers().into_iter().filter(|to| looks_of(to.brand).len() > 1) {
        support::block_on(async {
            let from = support::servers_of(Brand::Sqlite).next().unwrap();
            let mut network = knotted("delete", from, (to, Looked::AtTheCommit)).await;
            network.run("one", "INSERT INTO knot VALUES (1, NULL, NULL, 'parent')").await;
            network.drain().await;
            network.run("three", "INSERT INTO knot VALUES (2, 1, NULL, 'child')").await;
            network.drain().await;
            network.run("one", "DELETE FROM knot WHERE id = 1").await;
            network.run("one", "INSERT INTO knot VALUES (3, NULL, NULL, 'good')").await;
            network.drain().await;
            let there = ["1|-|-|parent", "2|1|-|child", "3|-|-|good"];
            assert_eq!(network.rows("two", ROWS).await, there);
            assert_eq!(network.count("two", "ds_quarantine").await, 0);
            let rule = "decided_by = 'a row that others refer to is not deleted'";
            assert_eq!(network.count("two", &format!("ds_conflict WHERE {rule}")).await, 1);
        });
    }
}
