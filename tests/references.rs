//! What a foreign key carries along by itself, and other nodes have to hear of.

use outrigger::dialect::Brand;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

const CUSTOMER: &str = "
CREATE TABLE customer (id integer PRIMARY KEY, code varchar(20) NOT NULL UNIQUE)";

/// A purchase that refers to a customer's code, and follows it.
const FOLLOWING: &str = "
CREATE TABLE purchase (id integer PRIMARY KEY, customer_code varchar(20),
    FOREIGN KEY (customer_code) REFERENCES customer (code) ON UPDATE CASCADE)";

/// One that does not: this node has no foreign keys.
const FREE: &str = "
CREATE TABLE purchase (id integer PRIMARY KEY, customer_code varchar(20))";

/// `a` and `hub` have the foreign key, `free` has not.
async fn network(hub: &'static Server) -> Network {
    let sqlite = support::servers_of(Brand::Sqlite).next().unwrap();
    let schema = format!("{CUSTOMER};\n{FOLLOWING}");
    let blueprint = Blueprint {
        name: hub.name,
        nodes: &[("a", sqlite), ("hub", hub), ("free", sqlite)],
        routes: &[("a", "hub"), ("free", "hub"), ("hub", "a"), ("hub", "free")],
        tables: "  customer: follow\n  purchase: follow",
        schema: &schema,
        batch_rows: 1000,
    };
    let purchase = |node: &str| if node == "free" { FREE } else { FOLLOWING };
    Network::set_up(&blueprint, |node, _| format!("{CUSTOMER};\n{}", purchase(node))).await
}

/// The hub gets a reference first and then an older change of what it refers to: what follows on
/// the hub alone is newer than the reference, also where that was made.
#[test]
fn what_follows_is_newer_than_the_reference_that_it_replaces() {
    for hub in ready_servers() {
        println!("{}", hub.name);
        support::block_on(async {
            let mut network = network(hub).await;
            network.run("a", "INSERT INTO customer VALUES (1, 'old')").await;
            network.drain().await;
            network.run("a", "UPDATE customer SET code = 'new' WHERE id = 1").await;
            network.run("free", "INSERT INTO purchase VALUES (10, 'old')").await;
            network.transport().await;
            for route in [1002, 1000] {
                network.try_import(route).await.unwrap();
            }
            network.drain().await;
            for node in network.ids() {
                let purchases = "SELECT id, customer_code FROM purchase";
                assert_eq!(network.rows(&node, purchases).await, ["10|new"], "{node}");
                assert_eq!(network.count(&node, "ds_quarantine").await, 0, "{node}");
            }
        });
    }
}
