//! Writes that no trigger saw, one for each way around them: the difference oracle names them.

use outrigger::dialect::Brand;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

const SCHEMA: &str = "
CREATE TABLE item (
    id integer PRIMARY KEY,
    code varchar(20) UNIQUE,
    name varchar(20)
);
CREATE TABLE part (
    id integer PRIMARY KEY,
    item_id integer NOT NULL REFERENCES item (id) ON DELETE CASCADE
);
";

/// Two nodes of a server with one item on both.
async fn pair(server: &Server) -> Network {
    let blueprint = Blueprint {
        name: server.name,
        nodes: &[("a", server), ("b", server)],
        routes: &[("a", "b"), ("b", "a")],
        tables: "  item: follow\n  part: follow",
        schema: SCHEMA,
        batch_rows: 100,
    };
    let mut network = Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await;
    network.run("a", "INSERT INTO item VALUES (1, 'one', 'first')").await;
    network.drain().await;
    network
}

fn on_each_server_of(brands: &[Brand], test: impl AsyncFn(&mut Network)) {
    for server in ready_servers().into_iter().filter(|server| brands.contains(&server.brand)) {
        println!("on {}", server.name);
        support::block_on(async {
            let mut network = pair(server).await;
            network.writes_around_the_triggers();
            test(&mut network).await;
        });
    }
}

async fn without_trigger(network: &mut Network, id: &str, operation: &str) {
    let on = if network.brand(id) == Brand::Postgres { " ON item" } else { "" };
    network.run(id, &format!("DROP TRIGGER ds_capture_{operation}_item{on}")).await;
    if network.brand(id) == Brand::Sqlite && operation == "update" {
        for column in ["code", "name"] {
            network.run(id, &format!("DROP TRIGGER ds_capture_column_item__{column}")).await;
        }
    }
}

#[test]
fn a_write_without_its_trigger_is_named() {
    on_each_server_of(&Brand::ALL, async |network| {
        without_trigger(network, "a", "update").await;
        network.run("a", "INSERT INTO item VALUES (2, 'two', 'first')").await;
        network.run("a", "UPDATE item SET name = 'unseen', code = NULL WHERE id = 1").await;
        let says = [
            "a: table `item` key 1 column `code`: 'one' became NULL, but by the outbox it is 'one'",
            "a: table `item` key 1 column `name`: 'first' became 'unseen', but by the outbox it is 'first'",
        ];
        assert_eq!(network.unexplained().await, says);
        assert_eq!(network.unexplained().await, Vec::<String>::new(), "it was said");

        without_trigger(network, "a", "delete").await;
        network.run("a", "DELETE FROM item WHERE id = 2").await;
        let says = ["a: table `item` key 2: it vanished, but not by the outbox"];
        assert_eq!(network.unexplained().await, says);

        without_trigger(network, "a", "insert").await;
        network.run("a", "INSERT INTO item VALUES (3, 'three', 'unseen')").await;
        let says = ["a: table `item` key 3: it appeared, but not by the outbox"];
        assert_eq!(network.unexplained().await, says);
    });
}

/// Where an import wrote to the same row, too.
#[test]
fn a_write_besides_an_import_is_named() {
    on_each_server_of(&Brand::ALL, async |network| {
        without_trigger(network, "b", "update").await;
        network.run("a", "UPDATE item SET name = 'of a' WHERE id = 1").await;
        network.run("b", "UPDATE item SET code = 'unseen' WHERE id = 1").await;
        network.drain().await;
        let says = [
            "b: table `item` key 1 column `code`: 'one' became 'unseen', but by what the node knows it is 'one'",
        ];
        assert_eq!(network.unexplained().await, says);
    });
}

/// What hides an unseen write from a comparison of rows does not hide it from the old values.
#[test]
fn a_write_under_a_captured_one_is_named() {
    on_each_server_of(&[Brand::Sqlite], async |network| {
        let mark = "INSERT INTO ds_import_marker VALUES ('nobody')";
        let unmark = "DELETE FROM ds_import_marker";
        let unseen = "UPDATE item SET name = 'unseen' WHERE id = 1";
        let seen = "UPDATE item SET name = 'seen' WHERE id = 1";
        network.run("a", &format!("{mark}; {unseen}; {unmark}; {seen}")).await;
        let says = [
            "a: table `item` key 1 column `name`: outbox row 2 replaces 'unseen', and it was 'first'",
        ];
        assert_eq!(network.unexplained().await, says);

        network.run("b", "UPDATE item SET code = 'of b' WHERE id = 1").await;
        let unseen = "UPDATE item SET name = 'unseen too' WHERE id = 1";
        let seen = "UPDATE item SET name = 'seen again' WHERE id = 1";
        network.run("a", &format!("{mark}; {unseen}; {unmark}; {seen}")).await;
        network.drain().await;
        let says = [
            "a: table `item` key 1 column `name`: outbox row 3 replaces 'unseen too', which nobody wrote",
        ];
        assert_eq!(network.unexplained().await, says);
    });
}

/// SQLite deletes the rows in the way without their triggers, unless `recursive_triggers` is on: a
/// trigger before the insert remembers them, and is taken out here.
#[test]
fn a_row_that_was_replaced_away_is_named() {
    on_each_server_of(&[Brand::Sqlite], async |network| {
        network.run("a", "DROP TRIGGER ds_capture_replace_item").await;
        network.run("a", "INSERT OR REPLACE INTO item VALUES (2, 'one', 'takes its place')").await;
        let says = ["a: table `item` key 1: it vanished, but not by the outbox"];
        assert_eq!(network.unexplained().await, says);

        network.run("a", "INSERT OR REPLACE INTO item VALUES (2, 'one', 'again')").await;
        let says = ["a: table `item` key 2: outbox row 3 inserts it, and it was there"];
        assert_eq!(network.unexplained().await[0], says[0]);

        network.run("a", "PRAGMA recursive_triggers = ON").await;
        network.run("a", "INSERT OR REPLACE INTO item VALUES (3, 'one', 'seen')").await;
        assert_eq!(network.unexplained().await, Vec::<String>::new());
    });
}

/// MySQL and MariaDB fire no triggers for rows that a foreign key takes along: the parent's own
/// records them, and is taken out here.
#[test]
fn a_cascade_without_triggers_is_named() {
    on_each_server_of(&Brand::ALL, async |network| {
        network.run("a", "INSERT INTO part VALUES (10, 1), (11, 1)").await;
        assert_eq!(network.unexplained().await, Vec::<String>::new());
        if !network.brand("a").dialect().can.fire_triggers_on_cascade {
            network.run("a", "DROP TRIGGER ds_cascade_delete_item").await;
        }
        network.run("a", "DELETE FROM item WHERE id = 1").await;
        let says = [
            "a: table `part` key 10: it vanished, but not by the outbox",
            "a: table `part` key 11: it vanished, but not by the outbox",
        ];
        let is_seen = network.brand("a").dialect().can.fire_triggers_on_cascade;
        let says = if is_seen { &[][..] } else { &says[..] };
        assert_eq!(network.unexplained().await, says);
    });
}

#[test]
fn a_write_past_disabled_triggers_is_named() {
    on_each_server_of(&[Brand::Postgres], async |network| {
        let unseen = "INSERT INTO item VALUES (2, 'two', 'unseen')";
        network.run("a", "ALTER TABLE item DISABLE TRIGGER ds_capture_insert_item").await;
        network.run("a", unseen).await;
        network.run("a", "ALTER TABLE item ENABLE TRIGGER ds_capture_insert_item").await;
        let says = ["a: table `item` key 2: it appeared, but not by the outbox"];
        assert_eq!(network.unexplained().await, says);

        network.run("a", "SET session_replication_role = replica").await;
        network.run("a", "DELETE FROM item WHERE id = 2").await;
        network.run("a", "SET session_replication_role = origin").await;
        let says = ["a: table `item` key 2: it vanished, but not by the outbox"];
        assert_eq!(network.unexplained().await, says);
    });
}

/// What the outbox says, and did not happen.
#[test]
fn a_change_that_nobody_made_is_named() {
    on_each_server_of(&Brand::ALL, async |network| {
        let insert = "INSERT INTO ds_change_outbox (object_database, object_table, \
            object_pk_attribute, object_attribute, object_id, object_value, object_value_old, \
            object_operation, update_datetime)";
        let values = "'testapp', 'item', 'id', 'name', '1', 'nobody', 'first', 'U', '2026-01-01'";
        network.run("a", &format!("{insert} VALUES ({values})")).await;
        let says = [
            "a: table `item` key 1 column `name`: 'first' became 'first', but by the outbox it is 'nobody'",
        ];
        assert_eq!(network.unexplained().await, says);
    });
}

/// Nothing of it is asked for: whoever drains a network is told.
#[test]
#[should_panic(expected = "nobody explains\na: table `item` key 2: it appeared")]
fn a_network_that_drains_is_watched() {
    support::block_on(async {
        let mut network = pair(&support::servers()[0]).await;
        without_trigger(&mut network, "a", "insert").await;
        network.run("a", "INSERT INTO item VALUES (2, 'two', 'unseen')").await;
        network.drain().await;
    });
}
