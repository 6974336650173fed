//! Texts that one brand's unique key takes for the same and another's does not: both nodes end in
//! one state, nothing is deleted, and both versions can be read.

use outrigger::dialect::Brand;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};
use crate::topology::PAIR;

const EXACT: &str = "
CREATE TABLE customer (id integer PRIMARY KEY, email varchar(60) UNIQUE, description varchar(60))";

/// Rows that are followed by a text.
const KEYS: &str = "CREATE TABLE country (code varchar(60) PRIMARY KEY, name varchar(20))";

/// The same, where letter case does not count.
fn blind(ddl: &str, brand: Brand) -> String {
    let collated = match brand {
        Brand::Mysql => "varchar(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
        Brand::Sqlite => "varchar(60) COLLATE NOCASE",
        Brand::Postgres => "varchar(60) COLLATE blind",
        Brand::SqlServer => "varchar(60) COLLATE Latin1_General_CI_AS",
    };
    let made = match brand {
        Brand::Postgres => {
            "CREATE COLLATION blind \
             (provider = icu, locale = 'und-u-ks-level2', deterministic = false);\n"
        }
        _ => "",
    };
    format!("{made}{}", collate(ddl, collated))
}

/// Another type for the text that has to be unique.
fn collate(ddl: &str, collated: &str) -> String {
    let unique = ["varchar(60) UNIQUE", "varchar(60) PRIMARY KEY"];
    unique
        .iter()
        .fold(ddl.to_owned(), |ddl, text| ddl.replace(text, &text.replace("varchar(60)", collated)))
}

/// MariaDB's own collation takes letters of both cases for the same, unless it is told otherwise.
fn exact(ddl: &str, brand: Brand) -> String {
    match brand {
        Brand::Mysql => collate(ddl, "varchar(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
        _ => ddl.to_owned(),
    }
}

async fn network(
    (table, schema): (&str, &str),
    exact_one: &'static Server,
    blind_one: &'static Server,
) -> Network {
    let name = format!("{table}_{}_{}", exact_one.name, blind_one.name);
    let blueprint = Blueprint {
        name: &name,
        nodes: &[("a", exact_one), ("b", blind_one)],
        routes: PAIR,
        tables: &format!("  {table}: follow"),
        schema,
        batch_rows: 1000,
    };
    let ddl = |node: &str, brand| match node {
        "a" => exact(schema, brand),
        _ => blind(schema, brand),
    };
    Network::set_up(&blueprint, ddl).await
}

const CUSTOMERS: &str = "SELECT id, email, description FROM customer ORDER BY id";
const CLAIMED: &str = "SELECT object_id, conflict_type FROM ds_conflict
    WHERE decided_by = 'the row that had the unique value first keeps it'";

#[test]
fn what_one_collation_alone_takes_for_the_same_ends_alike_on_both_sides() {
    for one in ready_servers() {
        for two in ready_servers() {
            println!("{} and {}", one.name, two.name);
            support::block_on(async {
                let mut network = network(("customer", EXACT), one, two).await;
                // Of two nodes: the row on the exact one is the later, then the earlier one.
                network.run("b", "INSERT INTO customer VALUES (1, 'Ann', 'of b')").await;
                network.run("a", "INSERT INTO customer VALUES (2, 'ANN', 'of a')").await;
                network.run("a", "INSERT INTO customer VALUES (3, 'Bob', 'of a')").await;
                network.run("b", "INSERT INTO customer VALUES (4, 'bob', 'of b')").await;
                // Two rows of one node, which the other one cannot hold beside each other.
                network.run("a", "INSERT INTO customer VALUES (5, 'Eve', 'of a')").await;
                network.run("a", "INSERT INTO customer VALUES (6, 'eve', 'of a')").await;
                network.drain().await;
                let there = network.rows("a", CUSTOMERS).await;
                assert_eq!(
                    there,
                    [
                        "1|Ann|of b",
                        "2|ANN (2)|of a",
                        "3|Bob|of a",
                        "4|bob (4)|of b",
                        "5|Eve|of a",
                        "6|eve (6)|of a",
                    ]
                );
                assert_eq!(network.rows("b", CUSTOMERS).await, there);
                // The node that cannot hold both lists them.
                let listed = network.rows("b", &format!("{CLAIMED} ORDER BY id")).await;
                assert_eq!(listed.len(), 3, "{listed:?}");
                let sides = "SELECT local_value, incoming_value FROM ds_conflict";
                let sides = network.rows("b", sides).await.join("\n");
                for email in ["Ann", "ANN", "Bob", "bob", "Eve", "eve"] {
                    assert!(sides.contains(email), "{email} in {sides}");
                }

                // What an application writes afterwards is settled once more, and no more often.
                network.run("a", "UPDATE customer SET email = 'aNN' WHERE id = 2").await;
                network.drain().await;
                let there = network.rows("a", CUSTOMERS).await;
                assert_eq!(there[..2], ["1|Ann|of b", "2|aNN (2)|of a"]);
                assert_eq!(network.rows("b", CUSTOMERS).await, there);
                // A row's own value in another letter case is none of another row's.
                network.run("a", "UPDATE customer SET email = 'ANN' WHERE id = 1").await;
                network.drain().await;
                let there = network.rows("b", CUSTOMERS).await;
                assert_eq!(there[0], "1|ANN|of b");
                assert_eq!(network.rows("a", CUSTOMERS).await, there);
                for node in ["a", "b"] {
                    assert_eq!(network.count(node, "ds_quarantine").await, 0);
                }
            });
        }
    }
}

/// A key gives no way: on the node that takes two for one the later row waits, and nothing else,
/// until a person gives it another key.
#[test]
fn keys_that_one_collation_alone_takes_for_the_same_wait_for_a_person() {
    for one in ready_servers() {
        for two in ready_servers() {
            println!("{} and {}", one.name, two.name);
            support::block_on(async {
                let mut network = network(("country", KEYS), one, two).await;
                network.run("b", "INSERT INTO country VALUES ('Oz', '1 of b')").await;
                network.run("a", "INSERT INTO country VALUES ('OZ', '2 of a')").await;
                network.run("a", "INSERT INTO country VALUES ('Ur', '3 of a')").await;
                network.drain().await;
                network.run("a", "UPDATE country SET name = '4 of a' WHERE name = '3 of a'").await;
                network.drain().await;
                let countries = "SELECT code, name FROM country ORDER BY name";
                assert_eq!(
                    network.rows("a", countries).await,
                    ["Oz|1 of b", "OZ|2 of a", "Ur|4 of a"]
                );
                assert_eq!(network.rows("b", countries).await, ["Oz|1 of b", "Ur|4 of a"]);
                let waiting = network.quarantine("b").await;
                let [waits] = &waiting[..] else { panic!("{waiting:?}") };
                let what = (waits.object_id.as_deref(), waits.reason_code.as_str());
                assert_eq!(what, (Some("OZ"), "conflict"));

                // The row gets another key where it is: what waits for the old one has nothing left
                // to bring.
                network.run("a", "UPDATE country SET code = 'Ozz' WHERE name = '2 of a'").await;
                network.drain().await;
                let there = network.rows("a", countries).await;
                assert_eq!(there, ["Oz|1 of b", "Ozz|2 of a", "Ur|4 of a"]);
                assert_eq!(network.rows("b", countries).await, there);
                assert_eq!(network.count("b", "ds_quarantine").await, 0);
            });
        }
    }
}
