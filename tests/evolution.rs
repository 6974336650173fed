//! Nodes whose schemas are of different versions, while a rollout goes on: `docs/evolution.md`.

use outrigger::dialect::Brand;
use outrigger::model::RouteId;

use crate::support::document::{Document, has_programs};
use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, TestDatabase};

const OLD: &str = "CREATE TABLE item (id integer PRIMARY KEY, name varchar(40))";
const NEW: &str =
    "CREATE TABLE item (id integer PRIMARY KEY, name varchar(40), note varchar(40) DEFAULT 'none')";
const ADD: &str = "ALTER TABLE item ADD COLUMN note varchar(40) DEFAULT 'none'";
const DROP: &str = "ALTER TABLE item DROP COLUMN note";
const FOLLOWED: &str = "  item: follow";
const DROPPED: &str = "  item: { columns: { note: dropped } }";

const OLD_ROWS: &str = "SELECT id, name FROM item ORDER BY id";
const NEW_ROWS: &str = "SELECT id, name, note FROM item ORDER BY id";

/// `a` on each server that is there and `b` on the next one, with one row on both.
fn on_each_pair(schema: &str, first: &str, test: impl AsyncFn(&mut Network)) {
    let servers = ready_servers();
    for (at, one) in servers.iter().enumerate() {
        let two = servers[(at + 1) % servers.len()];
        println!("{} and {}", one.name, two.name);
        support::block_on(async {
            let blueprint = Blueprint {
                name: &format!("evolve_{}_{}", one.name, two.name),
                nodes: &[("a", one), ("b", two)],
                routes: &[("a", "b"), ("b", "a")],
                tables: FOLLOWED,
                schema,
                batch_rows: 100,
            };
            let mut network = Network::set_up(&blueprint, |_, _| schema.to_owned()).await;
            // The oracle knows one schema.
            network.writes_around_the_triggers();
            network.run("a", first).await;
            network.drain().await;
            test(&mut network).await;
        });
    }
}

/// The code and key of each change in quarantine, in the order of arrival.
async fn held(network: &mut Network, node: &str) -> Vec<String> {
    let entries = network.quarantine(node).await;
    let line = |entry: &outrigger::import::quarantine::Quarantined| {
        format!("{} {}", entry.reason_code, entry.object_id.as_deref().unwrap_or("-"))
    };
    entries.iter().map(line).collect()
}

/// Nothing is on its way or in quarantine, and both nodes have these rows.
async fn assert_both(network: &mut Network, query: &str, expected: &[&str]) {
    network.drain().await;
    for node in ["a", "b"] {
        assert_eq!(held(network, node).await, [""; 0], "quarantine of {node}");
        assert_eq!(network.rows(node, query).await, expected, "rows of {node}");
    }
}

/// What `a` and `b` write while `a` has the column and `b` does not.
async fn write_on_both_versions(network: &mut Network) {
    network.run("a", "INSERT INTO item VALUES (2, 'two', 'new')").await;
    network.run("a", "UPDATE item SET note = 'filled in' WHERE id = 1").await;
    network.run("a", "UPDATE item SET name = 'first again' WHERE id = 1").await;
    network.run("b", "INSERT INTO item VALUES (3, 'three')").await;
    network.turn().await;
    assert_eq!(held(network, "b").await, ["no_column 2", "no_column 1", "waits 1"]);
    assert_eq!(network.rows("b", OLD_ROWS).await, ["1|first", "3|three"]);
    // Of what the older node does not know, the column has its default.
    assert_eq!(held(network, "a").await, [""; 0]);
    let rows = ["1|first again|filled in", "2|two|new", "3|three|none"];
    assert_eq!(network.rows("a", NEW_ROWS).await, rows);
}

#[test]
fn a_new_column_comes_to_one_node_after_the_other() {
    on_each_pair(OLD, "INSERT INTO item VALUES (1, 'first')", async |network| {
        network.configure(NEW, FOLLOWED).await;
        let before = network.count("a", "ds_change_outbox").await;
        network.migrate("a", ADD).await;
        assert_eq!(network.count("a", "ds_change_outbox").await, before);
        write_on_both_versions(network).await;
        // The runner goes on, and has looked once more at what waits: it sees that the column has
        // come.
        network.import().await;
        network.import().await;
        network.migrate("b", ADD).await;
        assert_eq!(network.import().await.released, 3);
        let rows = ["1|first again|filled in", "2|two|new", "3|three|none"];
        assert_both(network, NEW_ROWS, &rows).await;
    });
}

#[test]
fn a_column_that_the_configuration_learns_of_later_lets_its_changes_in() {
    on_each_pair(OLD, "INSERT INTO item VALUES (1, 'first')", async |network| {
        network.configure(NEW, FOLLOWED).await;
        network.migrate("a", ADD).await;
        network.configure(OLD, FOLLOWED).await;
        network.run("a", "INSERT INTO item VALUES (2, 'two', 'new')").await;
        network.turn().await;
        assert_eq!(held(network, "b").await, ["no_column 2"]);
        // Nothing has changed, so nothing is tried again.
        let attempts = network.quarantine("b").await[0].attempts;
        network.turn().await;
        assert_eq!(network.quarantine("b").await[0].attempts, attempts);
        assert_rests(network, "b", 1000).await;
        network.configure(NEW, FOLLOWED).await;
        network.migrate("b", ADD).await;
        assert_both(network, NEW_ROWS, &["1|first|none", "2|two|new"]).await;
    });
}

/// What waits for a column is looked at once with the tables as they are: after that an importer
/// has no reason to look at it, nor at the tables, and its runner comes to rest.
async fn assert_rests(network: &mut Network, node: &str, route: i64) {
    let route = RouteId(route);
    let mut importer = network.importer(node).await;
    importer.retry_quarantined(network.application(node), route).await.unwrap();
    assert!(importer.has_waiting(route), "it has just learned of it");
    importer.take_tables(network.importer(node).await);
    importer.retry_quarantined(network.application(node), route).await.unwrap();
    assert!(!importer.has_waiting(route), "and the tables are the same");
}

const EXTRA: &str = "CREATE TABLE extra (id integer PRIMARY KEY, text varchar(40))";

#[test]
fn a_table_that_the_configuration_learns_of_later_lets_its_changes_in() {
    on_each_pair(OLD, "INSERT INTO item VALUES (1, 'first')", async |network| {
        let both = format!("{OLD};\n{EXTRA};\n");
        let followed = format!("{FOLLOWED}\n  extra: follow");
        network.configure(&both, &followed).await;
        network.migrate("a", EXTRA).await;
        network.configure(OLD, FOLLOWED).await;
        network.run("a", "INSERT INTO extra VALUES (2, 'two')").await;
        network.turn().await;
        assert_eq!(held(network, "b").await, ["no_table 2"]);
        let attempts = network.quarantine("b").await[0].attempts;
        network.turn().await;
        assert_eq!(network.quarantine("b").await[0].attempts, attempts, "nothing has changed");
        network.configure(&both, &followed).await;
        network.migrate("b", EXTRA).await;
        assert_both(network, "SELECT id, text FROM extra", &["2|two"]).await;
    });
}

/// A column that one brand's importer takes for too narrow, and the DDL that widens it.
fn widening(brand: Brand) -> Option<(&'static str, &'static str)> {
    match brand {
        Brand::Postgres => {
            Some(("varchar(5)", "ALTER TABLE item ALTER COLUMN name TYPE varchar(40)"))
        }
        Brand::Mysql => Some(("varchar(5)", "ALTER TABLE item MODIFY COLUMN name varchar(40)")),
        // It knows no lengths, and its other widths cannot be altered.
        Brand::Sqlite | Brand::SqlServer => None,
    }
}

#[test]
fn a_column_that_is_widened_lets_its_changes_in_while_the_runner_goes_on() {
    let servers = ready_servers();
    for one in &servers {
        for two in &servers {
            let Some((narrow, widen)) = widening(two.brand) else { continue };
            println!("{} and {}", one.name, two.name);
            support::block_on(async {
                let blueprint = Blueprint {
                    name: &format!("widen_{}_{}", one.name, two.name),
                    nodes: &[("a", one), ("b", two)],
                    routes: &[("a", "b"), ("b", "a")],
                    tables: FOLLOWED,
                    schema: OLD,
                    batch_rows: 100,
                };
                let ddl = |id: &str, _| {
                    if id == "b" { OLD.replace("varchar(40)", narrow) } else { OLD.to_owned() }
                };
                let mut network = Network::set_up(&blueprint, ddl).await;
                network.writes_around_the_triggers();
                network.run("a", "INSERT INTO item VALUES (1, 'first')").await;
                network.run("a", "INSERT INTO item VALUES (2, 'longer')").await;
                network.run("a", "UPDATE item SET name = 'two' WHERE id = 2").await;
                network.turn().await;
                let waiting = ["no_fit 2", "waits 2"];
                assert_eq!(held(&mut network, "b").await, waiting);
                let attempts = network.quarantine("b").await[0].attempts;
                network.turn().await;
                assert_eq!(held(&mut network, "b").await, waiting);
                assert_eq!(
                    network.quarantine("b").await[0].attempts,
                    attempts,
                    "nothing has changed"
                );
                network.migrate("b", widen).await;
                assert_eq!(network.import().await.released, 2);
                assert_both(&mut network, OLD_ROWS, &["1|first", "2|two"]).await;
            });
        }
    }
}

#[test]
fn a_dropped_column_goes_from_one_node_after_the_other() {
    on_each_pair(NEW, "INSERT INTO item VALUES (1, 'first', 'x')", async |network| {
        // What was captured before is still on its way when the column goes.
        network.run("a", "INSERT INTO item VALUES (2, 'two', 'in flight')").await;
        network.run("a", "UPDATE item SET note = 'in flight' WHERE id = 1").await;
        network.configure(NEW, DROPPED).await;
        for node in ["a", "b"] {
            network.migrate(node, "").await;
        }
        network.import().await;
        // The triggers do not name it: the application goes on, before and after the drop.
        network.run("a", "INSERT INTO item VALUES (3, 'three', 'kept here')").await;
        network.run("b", DROP).await;
        for sql in [
            "INSERT INTO item VALUES (4, 'four')",
            "UPDATE item SET name = 'four!' WHERE id = 4",
            "INSERT INTO item VALUES (5, 'five')",
            "DELETE FROM item WHERE id = 5",
        ] {
            network.run("b", sql).await;
        }
        let rows = ["1|first", "2|two", "3|three", "4|four!"];
        assert_both(network, OLD_ROWS, &rows).await;
        assert_eq!(network.rows("a", "SELECT note FROM item WHERE id = 4").await, ["none"]);
        network.run("a", DROP).await;
        network.configure(OLD, DROPPED).await;
        network.run("a", "INSERT INTO item VALUES (6, 'six')").await;
        let rows = ["1|first", "2|two", "3|three", "4|four!", "6|six"];
        assert_both(network, OLD_ROWS, &rows).await;
    });
}

#[test]
fn a_column_that_goes_while_the_runner_knows_it_holds_nothing_up() {
    on_each_pair(NEW, "INSERT INTO item VALUES (1, 'first', 'x')", async |network| {
        network.configure(NEW, DROPPED).await;
        // The runner reads the tables.
        network.import().await;
        network.run("a", "INSERT INTO item VALUES (2, 'two', 'in flight')").await;
        network.migrate("a", "").await;
        network.migrate("b", DROP).await;
        network.turn().await;
        assert_eq!(held(network, "b").await, ["no_column 2"]);
        assert_eq!(network.import().await.released, 1);
        assert_both(network, OLD_ROWS, &["1|first", "2|two"]).await;
    });
}

/// A node's own change is known with all that is still there of it, or an older one would win.
#[test]
fn own_changes_with_a_column_that_is_gone_keep_their_place() {
    on_each_pair(NEW, "INSERT INTO item VALUES (1, 'first', 'x')", async |network| {
        network.configure(OLD, FOLLOWED).await;
        network.migrate("a", DROP).await;
        network.run("a", "INSERT INTO item VALUES (2, 'older')").await;
        std::thread::sleep(std::time::Duration::from_millis(20));
        network.run("b", "INSERT INTO item VALUES (2, 'newer', 'x')").await;
        network.migrate("b", DROP).await;
        network.turn().await;
        assert_eq!(network.rows("b", OLD_ROWS).await, ["1|first", "2|newer"]);
    });
}

/// An insert that lacks what has neither a default nor NULL waits, and everything else flows.
#[test]
fn an_insert_without_a_column_that_must_be_there_waits() {
    on_each_pair(OLD, "INSERT INTO item VALUES (1, 'first')", async |network| {
        let required = NEW.replace("DEFAULT 'none'", "NOT NULL");
        network.run("b", "DROP TABLE item").await;
        network.configure(&required, FOLLOWED).await;
        network.run("b", &required).await;
        network.run("b", "INSERT INTO item VALUES (1, 'first', '-')").await;
        network.run("a", "INSERT INTO item VALUES (2, 'two')").await;
        network.run("a", "UPDATE item SET name = 'flows' WHERE id = 1").await;
        network.turn().await;
        assert_eq!(held(network, "b").await.len(), 1);
        assert_eq!(network.rows("b", NEW_ROWS).await, ["1|flows|-"]);
    });
}

#[test]
fn only_a_dropped_column_may_be_missing_in_the_schema() {
    let source = outrigger::schema::Source { path: "schema.sql", text: OLD };
    let schema = outrigger::schema::parse(&[source], Brand::Postgres).unwrap().schema;
    let planned = |policy: &str| {
        let text = format!(
            "database: d\nschema: {{ node: a }}\nnodes:\n  a: {{ url: 'sqlite:a' }}\n\
             tables:\n  item: {{ columns: {{ note: {policy} }} }}\nroutes: []\n"
        );
        let config = outrigger::config::parse("o.yaml", &text, &std::collections::BTreeMap::new());
        outrigger::plan::plan(&config.unwrap(), &schema, Brand::Sqlite).map(|_| ())
    };
    assert!(planned("dropped").is_ok());
    for policy in ["ignore", "forbid", "mask", "capture"] {
        let error = planned(policy).unwrap_err().to_string();
        assert_eq!(error, "table `item` has no column `note`, which `columns` names");
    }
}

#[test]
fn the_example_of_the_page_about_evolution_runs() {
    let Some(postgres) = support::servers_of(Brand::Postgres).next() else { return };
    if has_programs(&["psql", "sqlite3"]) {
        let database = support::block_on(TestDatabase::create(postgres, "evolve_page"));
        Document::read("docs/evolution.md", None).variable("CENTRE_URL", &database.url).run();
    }
}
