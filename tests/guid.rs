//! Tables that are followed by a GUID: what two nodes made with one key stays two rows.

use outrigger::dialect::Brand;
use outrigger::{plan, render};

use crate::apply::case::{on_each, on_each_of};
use crate::support;
use crate::support::network::{Blueprint, Network, ready_servers};
use crate::topology::{CONFLICTS, PAIR};

const SCHEMA: &str = "
CREATE TABLE customer (
    id integer PRIMARY KEY,
    email varchar(60) UNIQUE,
    description varchar(60)
);
CREATE TABLE purchase (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customer (id) ON UPDATE CASCADE ON DELETE CASCADE,
    note varchar(60)
);
";

/// Rows that both nodes had before they were followed.
const ROWS: &str = "INSERT INTO customer VALUES (1, 'one', 'first');
INSERT INTO customer VALUES (2147483647, 'last', '-');
INSERT INTO customer VALUES (-7, 'least', '-');
INSERT INTO purchase VALUES (10, 1, 'old');
";

const TABLES: &str = "  customer: { identity: guid }\n  purchase: { identity: guid }";

/// The same without unique keys: one number may stand in several rows.
const KEYLESS: &str = "
CREATE TABLE customer (
    id integer NOT NULL,
    email varchar(60),
    description varchar(60)
);
CREATE TABLE purchase (
    id integer NOT NULL,
    customer_id integer NOT NULL,
    note varchar(60)
);
";

const CUSTOMERS: &str = "SELECT id, email, description FROM customer ORDER BY email";
const PURCHASES: &str = "SELECT id, customer_id, note FROM purchase ORDER BY id";

/// Two nodes of each ordered pair of brands with the same rows.
fn on_each_pair(schema: &str, test: impl AsyncFn(&mut Network)) {
    for one in ready_servers() {
        for two in ready_servers() {
            println!("{} and {}", one.name, two.name);
            support::block_on(async {
                let blueprint = Blueprint {
                    name: &format!("{}_{}", one.name, two.name),
                    nodes: &[("a", one), ("b", two)],
                    routes: PAIR,
                    tables: TABLES,
                    schema,
                    batch_rows: 1000,
                };
                let ddl = format!("{schema}{ROWS}");
                let mut network = Network::set_up(&blueprint, |_, _| ddl.clone()).await;
                test(&mut network).await;
            });
        }
    }
}

/// A query whose answer is the same on both nodes.
async fn both(network: &mut Network, sql: &str) -> Vec<String> {
    let a = network.rows("a", sql).await;
    assert_eq!(network.rows("b", sql).await, a, "{sql}");
    a
}

fn guid(network: &Network, id: &str) -> &'static str {
    match network.brand(id) {
        Brand::Postgres => "ds_guid::text",
        Brand::Sqlite | Brand::Mysql => "ds_guid",
        Brand::SqlServer => "LOWER(CONVERT(char(36), ds_guid))",
    }
}

async fn guids(network: &mut Network, id: &str) -> Vec<String> {
    let guid = guid(network, id);
    network.rows(id, &format!("SELECT {guid} AS g FROM customer ORDER BY email")).await
}

#[test]
fn rows_that_were_there_get_the_same_guids_on_every_brand() {
    on_each_pair(SCHEMA, async |network| {
        let found = guids(network, "a").await;
        assert_eq!(guids(network, "b").await, found);
        let ends: Vec<&str> = found.iter().map(|guid| &guid[17..]).collect();
        // `last`, `least`, `one`: the key's 16 digits around the variant.
        assert_eq!(ends, ["0-8000-00007fffffff", "f-8fff-fffffffffff9", "0-8000-000000000001"]);
        assert!(found.iter().all(|guid| guid[..17] == found[0][..17] && &guid[14..15] == "8"));
        // Filling is no change.
        for id in ["a", "b"] {
            assert_eq!(network.count(id, "ds_change_outbox").await, 0);
        }
        network.run("a", "UPDATE customer SET description = 'by a' WHERE id = 1").await;
        network.run("b", "DELETE FROM purchase WHERE id = 10").await;
        network.drain().await;
        assert_eq!(
            both(network, CUSTOMERS).await,
            ["2147483647|last|-", "-7|least|-", "1|one|by a"]
        );
        assert!(both(network, PURCHASES).await.is_empty());
        let change = "SELECT object_pk_attribute, object_id FROM ds_change_outbox
            WHERE object_attribute = 'description'";
        assert_eq!(network.rows("a", change).await, [format!("ds_guid|{}", found[2])]);
    });
}

/// Three brands in a row and a node between them: rows of one key stay apart on each, whoever made
/// them, and what one node does to them comes to the others by their GUIDs.
#[test]
fn rows_of_one_key_stay_apart_on_three_nodes_of_three_brands() {
    let servers = ready_servers();
    let of = |brand| servers.iter().find(|server| server.brand == brand);
    let (Some(one), Some(two), Some(three)) =
        (of(Brand::Sqlite), of(Brand::Postgres), of(Brand::Mysql))
    else {
        return;
    };
    support::block_on(async {
        let blueprint = Blueprint {
            name: "three_brands",
            nodes: &[("a", *one), ("b", *two), ("c", *three)],
            routes: &[("a", "b"), ("b", "a"), ("b", "c"), ("c", "b"), ("c", "a"), ("a", "c")],
            tables: TABLES,
            schema: KEYLESS,
            batch_rows: 1000,
        };
        let mut network = Network::set_up(&blueprint, |_, _| KEYLESS.to_owned()).await;
        for id in ["a", "b", "c"] {
            network
                .run(id, &format!("INSERT INTO customer (id, email, description) VALUES (1, '{id}', 'made by {id}')"))
                .await;
            network
                .run(
                    id,
                    &format!(
                        "INSERT INTO purchase (id, customer_id, note) VALUES (5, 1, 'of {id}')"
                    ),
                )
                .await;
        }
        network.drain().await;
        network.run("c", "UPDATE customer SET description = 'c saw a' WHERE email = 'a'").await;
        network.run("a", "UPDATE customer SET id = 77 WHERE email = 'b'").await;
        network.run("b", "DELETE FROM purchase WHERE note = 'of c'").await;
        network.drain().await;
        let rows = ["1|a|c saw a", "77|b|made by b", "1|c|made by c"];
        let mut known = Vec::new();
        for id in ["a", "b", "c"] {
            assert_eq!(network.rows(id, CUSTOMERS).await, rows, "{id}");
            let notes = "SELECT note FROM purchase ORDER BY note";
            assert_eq!(network.rows(id, notes).await, ["of a", "of b"], "{id}");
            assert!(network.quarantine(id).await.is_empty(), "{id}");
            known.push(guids(&mut network, id).await);
        }
        assert_eq!(known[0], known[1]);
        assert_eq!(known[0], known[2]);
    });
}

/// The keys of rows are columns like others: a change of one is an update.
#[test]
fn a_changed_key_is_an_update_and_takes_along_what_refers_to_it() {
    on_each_pair(SCHEMA, async |network| {
        let before = guids(network, "b").await;
        network.run("a", "UPDATE customer SET id = 2 WHERE id = 1").await;
        network.drain().await;
        assert_eq!(both(network, PURCHASES).await, ["10|2|old"]);
        assert_eq!(both(network, "SELECT id FROM customer WHERE email = 'one'").await, ["2"]);
        assert_eq!(guids(network, "b").await, before);
        let ops = "SELECT object_table, object_operation, object_attribute, object_value
            FROM ds_change_outbox ORDER BY object_table";
        let wanted = ["customer|U|id|2", "purchase|U|customer_id|2"];
        assert_eq!(network.rows("a", ops).await, wanted);

        // A new parent and its child in one transaction, and the other way round.
        let family = "BEGIN;
            INSERT INTO customer (id, email) VALUES (3, 'three');
            INSERT INTO purchase (id, customer_id) VALUES (30, 3); COMMIT";
        network.run("b", family).await;
        network.drain().await;
        assert_eq!(both(network, PURCHASES).await, ["10|2|old", "30|3|-"]);
        network.run("a", "DELETE FROM customer WHERE id = 3").await;
        network.drain().await;
        assert_eq!(both(network, PURCHASES).await, ["10|2|old"]);
        assert_eq!(network.count("a", "ds_quarantine").await, 0);
        assert_eq!(network.count("b", "ds_quarantine").await, 0);
        assert_eq!(network.count("b", "ds_conflict").await, 0);
    });
}

/// Two rows that got one key are two rows: the later one gets another key, with all that refers
/// to it, and both nodes say so.
#[test]
fn one_key_in_two_rows_is_a_conflict_and_both_rows_stay() {
    on_each_pair(SCHEMA, async |network| {
        network.run("a", "INSERT INTO customer (id, email) VALUES (5, 'alice')").await;
        network.run("a", "INSERT INTO purchase (id, customer_id, note) VALUES (50, 5, 'a')").await;
        network.run("b", "INSERT INTO customer (id, email) VALUES (5, 'bob')").await;
        network.run("b", "INSERT INTO purchase (id, customer_id, note) VALUES (51, 5, 'b')").await;
        let bob = guids(network, "b").await[0].clone();
        network.drain().await;
        let keys = "SELECT id FROM customer WHERE email IN ('alice', 'bob') ORDER BY email";
        let [alice_key, bob_key] = &both(network, keys).await[..] else { panic!("two rows") };
        assert_eq!(alice_key, "5", "who had it first keeps it");
        assert!(bob_key.starts_with('-'), "{bob_key}");
        assert_eq!(guids(network, "a").await[1], bob, "it is the same row");
        assert_eq!(
            both(network, PURCHASES).await,
            ["10|1|old".to_owned(), "50|5|a".to_owned(), format!("51|{bob_key}|b")]
        );
        for node in ["a", "b"] {
            assert_eq!(network.count(node, "ds_quarantine").await, 0);
            let claimed = "SELECT conflict_type, object_attribute FROM ds_conflict
                WHERE decided_by = 'the row that had the unique value first keeps it'";
            assert_eq!(network.rows(node, claimed).await, ["insert_exists|id"]);
        }

        // The application gives it a key that it likes.
        network.run("b", "UPDATE customer SET id = 6 WHERE email = 'bob'").await;
        network.drain().await;
        assert_eq!(both(network, PURCHASES).await, ["10|1|old", "50|5|a", "51|6|b"]);
        assert_eq!(both(network, keys).await, ["5", "6"]);
    });
}

/// A key that rows refer to which do not follow is not taken from its row: a person decides.
#[test]
fn one_key_that_is_held_by_references_waits_for_a_person() {
    on_each_pair(CONFLICTS, async |network| {
        network.run("a", "INSERT INTO customer (id, email) VALUES (5, 'alice')").await;
        network.run("b", "INSERT INTO customer (id, email) VALUES (5, 'bob')").await;
        network.drain().await;
        for (node, email) in [("a", "alice"), ("b", "bob")] {
            let kept = "SELECT email FROM customer WHERE id = 5";
            assert_eq!(network.rows(node, kept).await, [email]);
            assert_eq!(network.quarantine(node).await[0].reason_code, "conflict");
        }
        // Once one of them has another key, both are everywhere.
        network.run("b", "UPDATE customer SET id = 6 WHERE id = 5").await;
        network.drain().await;
        let ids: Vec<i64> = network.quarantine("b").await.iter().map(|one| one.inbox_id).collect();
        for id in ids {
            network.retry("b", id).await;
        }
        network.drain().await;
        let keys = "SELECT id, email FROM customer WHERE id IN (5, 6) ORDER BY id";
        assert_eq!(both(network, keys).await, ["5|alice", "6|bob"]);
        for node in ["a", "b"] {
            assert_eq!(network.count(node, "ds_quarantine").await, 0);
        }
    });
}

/// A column is data: it stays when all else is removed, and is taken up again.
#[test]
fn the_column_is_installed_once_and_stays_when_all_else_goes() {
    on_each(async |case| {
        case.run("INSERT INTO customer (customer_id, name) VALUES (1, 'one')").await;
        case.follow("  customer: { identity: guid }\n  '*': skip\n");
        case.apply().await;
        let guid = "SELECT CAST(ds_guid AS char(36)) AS g FROM customer WHERE customer_id = 1";
        let first = case.rows(guid).await;
        assert!(case.apply().await.is_empty());
        assert_eq!(case.drift().await, [""; 0]);
        assert_eq!(case.number("SELECT COUNT(*) AS n FROM ds_change_outbox").await, 0);

        // The schema may have been read from a node that has the column.
        let live = support::introspect(&mut *case.session).await;
        let plan = plan::plan(&case.config, &live, case.brand()).unwrap();
        let scripts = render::scripts(&plan, &case.templates).unwrap();
        let of = |scripts: &[render::Script]| {
            let is_it = |one: &&render::Script| one.name.ends_with("_customer");
            scripts.iter().filter(is_it).map(|one| one.statements.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of(&scripts).len(), 2);
        assert_eq!(of(&scripts), of(&case.wanted().scripts));

        // What is lost is named, and made again; rows that were there keep their GUIDs.
        case.run(match case.brand() {
            Brand::Mysql => "DROP INDEX ds_guid_customer ON customer",
            Brand::SqlServer => "DROP INDEX ds_guid_customer ON dbo.customer",
            Brand::Postgres | Brand::Sqlite => "DROP INDEX ds_guid_customer",
        })
        .await;
        assert_eq!(case.drift().await, ["guid-missing customer"]);
        case.apply().await;
        assert_eq!(case.drift().await, [""; 0]);

        case.try_remove(false).await.unwrap();
        assert_eq!(case.rows(guid).await, first);
        case.run("INSERT INTO customer (customer_id, name) VALUES (2, 'two')").await;
        case.apply().await;
        assert_eq!(case.drift().await, [""; 0]);
        assert_eq!(case.rows(guid).await, first);
        assert_eq!(case.number("SELECT COUNT(DISTINCT ds_guid) AS n FROM customer").await, 2);
        assert_eq!(case.number("SELECT COUNT(*) AS n FROM ds_change_outbox").await, 0);
    });
}

/// On SQLite a row gets its GUID by a trigger, and is recorded once, whole, with it.
#[test]
fn sqlite_records_a_row_when_it_has_got_its_guid() {
    on_each_of(Brand::Sqlite, async |case| {
        case.follow("  customer: { identity: guid }\n  '*': skip\n");
        case.apply().await;
        let changes = "SELECT object_operation, object_attribute, object_id = ds_guid AS known
            FROM ds_change_outbox LEFT JOIN customer ON ds_guid = object_id ORDER BY id";
        case.run("INSERT INTO customer (customer_id, name) VALUES (1, 'one'), (2, 'two')").await;
        assert_eq!(case.rows(changes).await, ["I|-|1", "I|-|1"]);
        case.run("DELETE FROM ds_change_outbox").await;

        // A row that replaces another one is that row.
        let guid = "SELECT ds_guid FROM customer WHERE customer_id = 1";
        let before = case.rows(guid).await;
        case.run("REPLACE INTO customer (customer_id, name) VALUES (1, 'again')").await;
        assert_eq!(case.rows(guid).await, before);
        assert_eq!(case.rows(changes).await, ["D|-|1", "I|-|1"]);
        case.run("DELETE FROM ds_change_outbox").await;

        case.run("INSERT INTO customer (customer_id, name, ds_guid) VALUES (3, 'own', 'a')").await;
        case.run("UPDATE customer SET name = 'changed' WHERE customer_id = 1").await;
        case.run("DELETE FROM customer WHERE customer_id = 2").await;
        assert_eq!(case.rows(changes).await, ["I|-|1", "U|name|1", "D|-|-"]);
    });
}
