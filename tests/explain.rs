//! `import --dry-run --explain` says what an import would do, and leaves everything as it is.

use std::collections::{BTreeMap, BTreeSet};

use outrigger::db::{Mode, Session as _};
use outrigger::import::{ExplainedSet, Explanation, Fate, Rehearsal};

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};
use crate::topology::{CONFLICTS, MESH, PAIR, Random, Routes};

async fn network(name: &str, routes: Routes, nodes: &[(&str, &Server)]) -> Network {
    network_of_pages(name, routes, nodes, 20).await
}

async fn network_of_pages(
    name: &str,
    routes: Routes,
    nodes: &[(&str, &Server)],
    batch_rows: usize,
) -> Network {
    let blueprint = Blueprint {
        name,
        nodes,
        routes,
        tables: "  customer: follow\n  purchase: follow",
        schema: CONFLICTS,
        batch_rows,
    };
    let mut network = Network::set_up(&blueprint, |_, _| CONFLICTS.to_owned()).await;
    // Outbox rows are written by hand here.
    network.writes_around_the_triggers();
    network
}

/// What becomes of each change in the end, and why: `table key op: fate why`.
fn shown(sets: &[ExplainedSet]) -> Vec<String> {
    let line = |set: &ExplainedSet, change: &Explanation| {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let mut whys: Vec<String> = change.effect.map(str::to_owned).into_iter().collect();
        for reason in &change.reasons {
            let of = reason.version.as_ref().map(|version| format!(" {}", version.origin));
            let columns = reason.columns.join("+");
            whys.push(format!("{} {columns}{}", reason.code, of.unwrap_or_default()));
        }
        whys.extend(change.reason_code.map(str::to_owned));
        whys.extend(change.waits_for.map(|_| "behind".to_owned()));
        let clash = |clash: &outrigger::import::Clash| {
            format!("{} {} wins: {}", clash.conflict_type, clash.winner, clash.decided_by)
        };
        whys.extend(change.conflicts.iter().map(clash));
        for concession in &change.concessions {
            let column = or_dash(&concession.object_attribute);
            let when = if concession.is_now { "now" } else { "later" };
            whys.push(format!("row {} {column} gives way {when}", concession.object_id));
        }
        format!(
            "{}{} {} {}: {:?} {}",
            if set.is_retry { "again " } else { "" },
            or_dash(&change.object_table),
            or_dash(&change.object_id),
            or_dash(&change.object_operation),
            change.fate,
            whys.join(", ")
        )
    };
    let of_set =
        |set: &ExplainedSet| set.changes.iter().map(|change| line(set, change)).collect::<Vec<_>>();
    sets.iter().flat_map(of_set).collect()
}

/// A pair of nodes of which `b` has much to decide.
async fn troubled(name: &str, one: &Server, two: &Server) -> Network {
    let mut network = network(name, PAIR, &[("a", one), ("b", two)]).await;
    network.run("a", "INSERT INTO customer VALUES (1, 'one', 'first'), (2, 'two', 'x')").await;
    network.drain().await;
    let outbox = "INSERT INTO ds_change_outbox
        (object_table, object_pk_attribute, object_attribute, object_id, object_value,
         object_operation)";
    for sql in [
        "INSERT INTO customer VALUES (3, 'three', 'ordinary')".to_owned(),
        "UPDATE customer SET description = 'by a' WHERE id = 1".to_owned(),
        "UPDATE customer SET description = 'lost' WHERE id = 2".to_owned(),
        format!("{outbox} VALUES ('customer', 'id', 'description', '77', 'early', 'U')"),
        format!("{outbox} VALUES ('customer', 'id', 'nothing', '78', 'x', 'U')"),
        format!("{outbox} VALUES ('customer', 'id', 'description', '78', 'x', 'U')"),
        format!(
            "{outbox} VALUES ('purchase', 'id', NULL, '9', \
             '{{\"id\":\"9\",\"customer_id\":\"99\",\"note\":null}}', 'I')"
        ),
        "INSERT INTO customer VALUES (10, 'same', 'of a')".to_owned(),
    ] {
        network.run("a", &sql).await;
    }
    for sql in [
        "UPDATE customer SET description = 'by b' WHERE id = 1",
        "DELETE FROM customer WHERE id = 2",
        "INSERT INTO customer VALUES (20, 'same', 'of b')",
    ] {
        network.run("b", sql).await;
    }
    network.transport().await;
    network
}

const OUTLOOK: [&str; 10] = [
    "customer 3 I: Imported insert",
    "customer 1 U: NoEffect newer description b, \
     update_origin_differs local wins: the newer stamp wins",
    "customer 2 U: Parked parked description b, \
     update_deleted local wins: a delete wins over changes of the row that it did not know",
    "customer 77 U: Parked parked description, \
     update_missing local wins: the row is not here: the value waits for it",
    "customer 78 U: Quarantined no_column",
    "customer 78 U: Waits waits, behind",
    "purchase 9 I: Quarantined missing_reference",
    "customer 10 I: Quarantined conflict",
    "again purchase 9 I: Quarantined missing_reference",
    "again customer 10 I: Quarantined conflict, row 20 email gives way later",
];

#[test]
fn every_outcome_is_explained_and_nothing_stays_changed_on_any_brand() {
    for two in ready_servers() {
        println!("{}", two.name);
        support::block_on(async {
            let one = support::servers_of(outrigger::dialect::Brand::Sqlite).next().unwrap();
            let mut network = troubled(&format!("explain_{}", two.name), one, two).await;
            let before = network.dump("b").await;
            let (sets, outlooks) = network.explain("b").await;
            let mut lines = shown(&sets);
            // MySQL tries again whatever waits.
            lines.retain(|line| !line.starts_with("again customer 78"));
            assert_eq!(lines, OUTLOOK, "{lines:#?}");
            assert!(network.dump("b").await == before, "something stays changed");
            // A second time it says the same.
            assert_eq!(network.explain("b").await, (sets, outlooks));

            network.import().await;
            let (sets, _) = network.explain("b").await;
            let lines = shown(&sets);
            let settled = lines.iter().find(|line| line.contains("customer 10 I")).unwrap();
            assert_eq!(
                settled,
                "again customer 10 I: Settled insert, insert_exists incoming wins: the row that \
                 had the unique value first keeps it, row 20 email gives way now"
            );
            let before = network.dump("b").await;
            network.explain("b").await;
            assert!(network.dump("b").await == before, "something stays changed");
            network.import().await;
            let emails = "SELECT id, email FROM customer WHERE id >= 10 ORDER BY id";
            assert_eq!(network.rows("b", emails).await, ["10|same", "20|same (20)"]);
        });
    }
}

#[test]
fn values_of_rows_are_in_no_explanation() {
    support::block_on(async {
        for two in ready_servers() {
            let one = support::servers_of(outrigger::dialect::Brand::Sqlite).next().unwrap();
            let mut network = troubled(&format!("values_{}", two.name), one, two).await;
            let (sets, outlooks) = network.explain("b").await;
            let text = serde_json::to_string(&(sets, outlooks)).unwrap();
            for value in ["of a", "of b", "by a", "by b", "ordinary", "lost", "early", "same"] {
                assert!(!text.contains(value), "{}: {value} in {text}", two.name);
            }
        }
    });
}

/// A set that is larger than a page is counted, and only what is unusual of it is told.
#[test]
fn a_large_set_is_explained_in_numbers() {
    support::block_on(async {
        let one = support::servers_of(outrigger::dialect::Brand::Sqlite).next().unwrap();
        let mut network = network("explain_large", PAIR, &[("a", one), ("b", one)]).await;
        network.run("a", "INSERT INTO customer VALUES (7, 'one', 'first')").await;
        network.drain().await;
        network.run("a", "UPDATE customer SET description = 'by a' WHERE id = 7").await;
        let values: Vec<String> = (100..200).map(|id| format!("({id}, 'e{id}', 'x')")).collect();
        network.run("a", &format!("INSERT INTO customer VALUES {}", values.join(", "))).await;
        network.run("b", "UPDATE customer SET description = 'by b' WHERE id = 7").await;
        network.transport().await;
        let (sets, _) = network.explain("b").await;
        assert_eq!(sets.len(), 1);
        let counts = BTreeMap::from([(Fate::Imported, 100), (Fate::NoEffect, 1)]);
        assert_eq!(sets[0].counts, counts);
        assert!(
            sets[0].changes.len() <= 20 && shown(&sets)[0].starts_with("customer 7 U: NoEffect")
        );
    });
}

#[test]
fn a_dry_run_loads_what_the_database_loads() {
    support::on_each_server_of(outrigger::dialect::Brand::Postgres, async |database| {
        let mut session = database.connect().await;
        session.raw("CREATE TABLE loaded (name text)").await.unwrap();
        let templates = outrigger::render::Templates::embedded(session.brand());
        let mut rehearsal = Rehearsal::begin(&mut *session, &templates).await.unwrap();
        rehearsal.begin(Mode::Write).await.unwrap();
        let text = Box::new(std::iter::once("one\ntwo\n".to_owned()));
        rehearsal.load("COPY loaded (name) FROM STDIN", text).await.unwrap();
        rehearsal.commit().await.unwrap();
        let count = "SELECT count(*) AS n FROM loaded";
        assert_eq!(rehearsal.fetch(count, &[]).await.unwrap()[0].integer("n"), Some(2));
        session.rollback().await.unwrap();
        assert_eq!(session.fetch(count, &[]).await.unwrap()[0].integer("n"), Some(0));
    });
}

/// Also where there are so many that they go by a brand's quick way.
#[test]
fn many_rows_are_explained_on_any_brand() {
    for two in ready_servers() {
        support::block_on(async {
            let one = support::servers_of(outrigger::dialect::Brand::Sqlite).next().unwrap();
            let (name, nodes) = (format!("many_{}", two.name), [("a", one), ("b", two)]);
            let mut network = network_of_pages(&name, PAIR, &nodes, 1_000).await;
            let values: Vec<String> = (0..300).map(|id| format!("({id}, 'e{id}', 'x')")).collect();
            network.run("a", &format!("INSERT INTO customer VALUES {}", values.join(", "))).await;
            network.transport().await;
            let before = network.dump("b").await;
            let (sets, _) = network.explain("b").await;
            assert_eq!(sets.len(), 1, "{}", two.name);
            assert_eq!(sets[0].counts, BTreeMap::from([(Fate::Imported, 300)]), "{}", two.name);
            assert_eq!(network.dump("b").await, before, "{}", two.name);
            network.drain().await;
            assert_eq!(network.count("b", "customer").await, 300);
        });
    }
}

fn edit(random: &mut Random) -> String {
    let (id, other) = (random.below(6), random.below(6));
    match random.below(12) {
        0..=2 => format!(
            "INSERT INTO customer SELECT {id}, 'e{other}', {} WHERE NOT EXISTS \
             (SELECT 1 FROM customer WHERE id = {id} OR email = 'e{other}')",
            random.text()
        ),
        3..=4 => format!("UPDATE customer SET description = {} WHERE id = {id}", random.text()),
        5 => format!("UPDATE customer SET email = 'n{}' WHERE id = {id}", random.below(1_000_000)),
        6 => format!(
            "DELETE FROM customer WHERE id = {id} AND NOT EXISTS \
             (SELECT 1 FROM purchase WHERE customer_id = {id})"
        ),
        7..=8 => format!(
            "INSERT INTO purchase SELECT {other}, id, 'x' FROM customer WHERE id = {id} AND \
             NOT EXISTS (SELECT 1 FROM purchase WHERE id = {other})"
        ),
        9 => format!("DELETE FROM purchase WHERE id = {other}"),
        10 => format!("UPDATE purchase SET note = {} WHERE id = {other}", random.text()),
        _ => format!(
            "INSERT INTO ds_change_outbox (object_table, object_pk_attribute, object_attribute, \
             object_id, object_value, object_operation) \
             VALUES ('customer', 'id', 'nothing', '{id}', 'x', 'U')"
        ),
    }
}

type Rows = BTreeMap<(String, String), String>;

/// Every row of the two tables by its table and key.
async fn rows(network: &mut Network, id: &str) -> Rows {
    let mut found = Rows::new();
    for (table, columns) in
        [("customer", "id, email, description"), ("purchase", "id, customer_id, note")]
    {
        for row in network.rows(id, &format!("SELECT {columns} FROM {table}")).await {
            let key = row.split('|').next().unwrap_or_default().to_owned();
            found.insert((table.to_owned(), key), row);
        }
    }
    found
}

const CLASHES: &str = "SELECT inbox_id, conflict_type, object_attribute, winner FROM ds_conflict
    ORDER BY id";

/// Explains what is on its way to a node, imports it, and compares; what was explained by fate.
async fn comes_true(network: &mut Network, id: &str) -> BTreeMap<Fate, u64> {
    let (sets, outlooks) = network.explain(id).await;
    let before = rows(network, id).await;
    let known = network.rows(id, CLASHES).await.len();
    let mut read = 0;
    for route in network.runner.routes().to_vec() {
        if route.to.as_str() == id {
            read += network.try_import(route.id.0).await.unwrap().read;
        }
    }
    let after = rows(network, id).await;
    assert_eq!(read, outlooks.iter().flat_map(|one| one.changes.values()).sum::<u64>());

    let all = || sets.iter().flat_map(|set| &set.changes);
    let last: BTreeMap<i64, &Explanation> = all().map(|one| (one.inbox_id, one)).collect();
    let held = network.quarantine(id).await;
    let held: BTreeMap<i64, _> = held.iter().map(|entry| (entry.inbox_id, entry)).collect();
    for (inbox_id, one) in &last {
        let is_held = matches!(one.fate, Fate::Quarantined | Fate::Waits);
        let entry = held.get(inbox_id);
        assert_eq!(is_held, entry.is_some(), "{one:?}");
        if let Some(entry) = entry {
            assert_eq!(Some(entry.reason_code.as_str()), one.reason_code, "{one:?}");
            assert_eq!((entry.waits_for, &entry.object_id), (one.waits_for, &one.object_id));
        }
    }
    let clashes = all().flat_map(|one| {
        let line = |clash: &outrigger::import::Clash| {
            let column = clash.object_attribute.clone().unwrap_or_else(|| "-".to_owned());
            format!("{}|{}|{column}|{}", one.inbox_id, clash.conflict_type, clash.winner)
        };
        one.conflicts.iter().map(line).collect::<Vec<_>>()
    });
    let mut clashes: Vec<String> = clashes.collect();
    let mut decided = network.rows(id, CLASHES).await.split_off(known);
    clashes.sort();
    decided.sort();
    assert_eq!(clashes, decided);

    // The last effect on a row is what the row shows; where there was none, it is as it was.
    let mut effects: BTreeMap<(String, String), Option<&str>> = BTreeMap::new();
    let mut conceded = BTreeSet::new();
    for one in all() {
        let row = one.object_table.clone().zip(one.object_id.clone()).unwrap();
        for concession in one.concessions.iter().filter(|concession| concession.is_now) {
            conceded.insert((row.0.clone(), concession.object_id.clone()));
        }
        let effect = effects.entry(row).or_default();
        *effect = one.effect.or(*effect);
    }
    for (row, effect) in effects.iter().filter(|(row, _)| !conceded.contains(row)) {
        match effect {
            None => assert_eq!(after.get(row), before.get(row), "{row:?}"),
            Some("delete") => assert!(!after.contains_key(row), "{row:?}"),
            Some(_) => assert!(after.contains_key(row), "{row:?}"),
        }
    }
    let mut fates = BTreeMap::new();
    for one in all() {
        *fates.entry(one.fate).or_default() += 1;
    }
    fates
}

async fn history(network: &mut Network, seed: u64) -> BTreeMap<Fate, u64> {
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let ids = network.ids();
    let mut fates: BTreeMap<Fate, u64> = BTreeMap::new();
    for _ in 0..60 {
        let node = &ids[usize::try_from(random.below(ids.len() as u64)).unwrap()];
        network.run(node, &edit(&mut random)).await;
        match random.below(8) {
            0 => drop(network.transport().await),
            1 => {
                for (fate, count) in comes_true(network, node).await {
                    *fates.entry(fate).or_default() += count;
                }
            }
            _ => {}
        }
    }
    network.transport().await;
    for node in &ids {
        for (fate, count) in comes_true(network, node).await {
            *fates.entry(fate).or_default() += count;
        }
    }
    fates
}

#[test]
fn what_is_explained_comes_true() {
    let ready = ready_servers();
    let sqlite = support::servers_of(outrigger::dialect::Brand::Sqlite).next().unwrap();
    let mut fates: BTreeMap<Fate, u64> = BTreeMap::new();
    for seed in [1, 2, 3, 5, 8, 13, 21] {
        support::block_on(async {
            // The last of the histories over every brand that is there, the others on SQLite.
            let place = |at: usize| if seed > 8 { ready[at % ready.len()] } else { sqlite };
            let nodes = [("a", place(0)), ("b", place(1)), ("c", place(2))];
            let mut network = network(&format!("comes_true_{seed}"), MESH, &nodes).await;
            for (fate, count) in history(&mut network, seed).await {
                *fates.entry(fate).or_default() += count;
            }
        });
    }
    println!("{fates:?}");
    assert_eq!(fates.len(), 6, "a fate was never met: {fates:?}");
}
