//! What waits behind a change in quarantine, and how it gets in.

use outrigger::dialect::Brand;

use super::{OutboxRow, pair};
use crate::support;
use crate::support::network::{Network, ready_servers};

/// On every ordered pair of servers. Rows of the outbox are written and deleted by hand here.
fn on_each_pair(test: impl AsyncFn(&mut Network)) {
    for from in ready_servers() {
        for to in ready_servers() {
            println!("{} to {}", from.name, to.name);
            support::block_on(async {
                let mut network = pair(from, to).await;
                network.writes_around_the_triggers();
                test(&mut network).await;
            });
        }
    }
}

/// (code, key, waits for) of each entry, in the order of arrival.
async fn held(network: &mut Network, node: &str) -> Vec<(String, String, bool)> {
    let entries = network.quarantine(node).await;
    let line = |entry: &outrigger::import::quarantine::Quarantined| {
        let key = entry.object_id.clone().unwrap_or_default();
        (entry.reason_code.clone(), key, entry.waits_for.is_some())
    };
    entries.iter().map(line).collect()
}

fn held_as(code: &str, key: &str) -> (String, String, bool) {
    (code.to_owned(), key.to_owned(), code == "waits")
}

const ORDER: &str = "SELECT order_id, order_type, quantity FROM sales_order ORDER BY order_id";

/// A row that has the e-mail of another node's row.
const TAKEN: &str = "INSERT INTO customer VALUES (9, 'a@b', 'here before')";
const MOVED_AWAY: &str = "UPDATE customer SET email = 'else' WHERE customer_id = 9";

/// Something that the target has for itself: it is not carried back.
async fn run_apart(network: &mut Network, sql: &str) {
    network.run("two", sql).await;
    network.run("two", "DELETE FROM ds_change_outbox").await;
}

/// The first change is refused by the target's unique e-mail; three more are made of its row.
async fn refused_insert(network: &mut Network) {
    run_apart(network, TAKEN).await;
    for sql in [
        "INSERT INTO customer VALUES (1, 'a@b', 'first')",
        "UPDATE customer SET name = 'second' WHERE customer_id = 1",
        "INSERT INTO customer VALUES (2, 'other', 'flows')",
        "UPDATE customer SET name = 'third' WHERE customer_id = 1",
    ] {
        network.run("one", sql).await;
        // Each is a change set of its own, also where a window is one.
        network.transport().await;
    }
    network.import().await;
    let expected = [held_as("conflict", "1"), held_as("waits", "1"), held_as("waits", "1")];
    assert_eq!(held(network, "two").await, expected);
    let customers = "SELECT name FROM customer ORDER BY customer_id";
    assert_eq!(network.rows("two", customers).await, ["flows", "here before"]);
}

#[test]
fn followers_wait_and_get_in_in_order_after_a_retry() {
    on_each_pair(async |network| {
        refused_insert(network).await;
        let first = network.quarantine("two").await[0].inbox_id;
        let one = "SELECT name FROM customer WHERE customer_id = 1";

        // While the cause is there, trying again changes nothing.
        network.retry("two", first).await;
        assert_eq!(network.turn().await.released, 0);
        let entries = network.quarantine("two").await;
        assert_eq!((entries.len(), entries[0].attempts), (3, 3));
        assert_eq!(entries[0].reason_code, "conflict");

        // A change that is made meanwhile waits too.
        network.run("one", "UPDATE customer SET name = 'fourth' WHERE customer_id = 1").await;
        network.turn().await;
        assert_eq!(held(network, "two").await[3], held_as("waits", "1"));

        run_apart(network, MOVED_AWAY).await;
        network.retry("two", first).await;
        assert_eq!(network.import().await.released, 4);
        assert_eq!(network.rows("two", one).await, ["fourth"]);
        assert_eq!(held(network, "two").await, []);
        network.drain().await;
        let all = "SELECT * FROM customer WHERE customer_id <> 9 ORDER BY customer_id";
        assert_eq!(network.rows("one", all).await, network.rows("two", all).await);
    });
}

#[test]
fn a_retry_of_everything_lets_everything_in_once() {
    on_each_pair(async |network| {
        refused_insert(network).await;
        run_apart(network, MOVED_AWAY).await;
        for entry in network.quarantine("two").await.iter().rev() {
            network.retry("two", entry.inbox_id).await;
        }
        assert_eq!(network.import().await.released, 3);
        network.drain().await;
        let all = "SELECT * FROM customer WHERE customer_id <> 9 ORDER BY customer_id";
        assert_eq!(network.rows("one", all).await, network.rows("two", all).await);
        assert_eq!(network.count("two", "ds_quarantine").await, 0);
    });
}

#[test]
fn followers_of_a_dropped_change_go_on() {
    on_each_pair(async |network| {
        let order = OutboxRow::update("o1", "many").with("object_attribute", "'quantity'");
        network.run("one", "INSERT INTO sales_order (order_id) VALUES ('o1')").await;
        network.run("one", &order.insert()).await;
        network.run("one", "UPDATE sales_order SET order_type = 'retail'").await;
        network.run("one", "UPDATE sales_order SET quantity = 7").await;
        network.turn().await;
        let expected = [held_as("bad_value", "o1"), held_as("waits", "o1"), held_as("waits", "o1")];
        assert_eq!(held(network, "two").await, expected);
        assert_eq!(network.rows("two", ORDER).await, ["o1|-|-"]);

        let first = network.quarantine("two").await[0].inbox_id;
        network.drop_change("two", first).await;
        assert_eq!(network.import().await.released, 2);
        assert_eq!(network.rows("two", ORDER).await, ["o1|retail|7"]);
        assert_eq!(network.count("two", "ds_quarantine").await, 0);
    });
}

/// A change that comes as a command, in other letters and with the table's namespace, is of the
/// same row as one that comes in columns.
#[test]
fn a_row_has_one_name_however_it_is_written() {
    on_each_pair(async |network| {
        let command = |text: &str| {
            OutboxRow(vec![("object_operation_command", format!("'{text}'"))]).insert()
        };
        network.run("one", "INSERT INTO customer VALUES (5, 'e', 'first')").await;
        let bad = "UPDATE public.customer SET nope = 1 WHERE customer_id = ~005~";
        network.run("one", &command(bad)).await;
        network.run("one", "UPDATE customer SET name = 'waits' WHERE customer_id = 5").await;
        let waits = "UPDATE customer SET email = ~x~ WHERE CUSTOMER_ID = 5";
        network.run("one", &command(waits)).await;
        network.turn().await;
        let expected = [held_as("no_column", "5"), held_as("waits", "5"), held_as("waits", "5")];
        assert_eq!(held(network, "two").await, expected);
        let first = network.quarantine("two").await[0].inbox_id;
        network.drop_change("two", first).await;
        network.import().await;
        let all = "SELECT * FROM customer";
        assert_eq!(network.rows("two", all).await, ["5|x|waits"]);
    });
}

/// The delete and the insert of a changed key are one: neither gets in without the other.
#[test]
fn a_changed_key_is_kept_back_and_let_in_as_one() {
    on_each_pair(async |network| {
        network.run("one", "INSERT INTO customer VALUES (1, 'a@b', 'moves')").await;
        network
            .run(
                "one",
                "INSERT INTO order_line (order_id, line, customer_id) VALUES ('o', 1, NULL)",
            )
            .await;
        network.turn().await;
        run_apart(network, &TAKEN.replace("a@b", "new")).await;
        // The new key comes with an e-mail that is taken at the target.
        network
            .run("one", "UPDATE customer SET customer_id = 2, email = 'new' WHERE customer_id = 1")
            .await;
        network.turn().await;
        assert_eq!(held(network, "two").await, [held_as("waits", "1"), held_as("conflict", "2")]);
        let all = "SELECT * FROM customer ORDER BY customer_id";
        assert_eq!(network.rows("two", all).await, ["1|a@b|moves", "9|new|here before"]);

        // Neither the one nor the other alone is let in.
        for at in [0, 1] {
            let id = network.quarantine("two").await[at].inbox_id;
            network.retry("two", id).await;
            assert_eq!(network.import().await.released, 0);
            assert_eq!(network.rows("two", all).await, ["1|a@b|moves", "9|new|here before"]);
        }
        run_apart(network, MOVED_AWAY).await;
        let id = network.quarantine("two").await[0].inbox_id;
        network.retry("two", id).await;
        assert_eq!(network.import().await.released, 2);
        assert_eq!(network.rows("two", all).await, ["2|new|moves", "9|else|here before"]);
        assert_eq!(network.count("two", "ds_quarantine").await, 0);
    });
}

/// The same, where the insert cannot even be read.
#[test]
fn a_changed_key_whose_new_row_is_refused_leaves_the_old_row() {
    on_each_pair(async |network| {
        network.run("one", "INSERT INTO customer VALUES (1, 'a@b', 'moves')").await;
        network.turn().await;
        let row = |operation: &str| {
            OutboxRow::update("1", "x")
                .with("object_table", "'customer'")
                .with("object_pk_attribute", "'customer_id'")
                .with("object_operation", format!("'{operation}'"))
        };
        let delete = row("D").insert();
        let insert = row("I")
            .with("object_id", "'3'")
            .with("object_id_old", "'1'")
            .with("object_value", r#"'{"customer_id":"3","name":["bad"]}'"#)
            .insert();
        network.run("one", &format!("BEGIN; {delete}; {insert}; COMMIT")).await;
        network.turn().await;
        assert_eq!(held(network, "two").await, [held_as("waits", "1"), held_as("bad_value", "3")]);
        assert_eq!(network.count("two", "customer WHERE customer_id = 1").await, 1);
    });
}

#[test]
fn another_nodes_changes_in_an_outbox_are_left_behind_and_counted() {
    on_each_pair(async |network| {
        // A typed column of the source's own refuses the application's row itself beyond this.
        let length = match network.brand("one") {
            Brand::Postgres | Brand::Sqlite => 5_000,
            Brand::Mysql | Brand::SqlServer => 64,
        };
        for origin in ["'two'", "'three'", &format!("'{}'", "x".repeat(length))] {
            let row = OutboxRow::update("o1", "never").with("updated_by_server_id", origin);
            network.run("one", &row.insert()).await;
        }
        let own = OutboxRow::update("o1", "own").with("updated_by_server_id", "'one'");
        network.run("one", "INSERT INTO sales_order (order_id) VALUES ('o1')").await;
        network.run("one", &own.insert()).await;
        network.turn().await;
        assert_eq!(network.foreign, 3);
        assert_eq!(network.count("two", "ds_change_inbox").await, 2);
        assert_eq!(network.count("two", "ds_quarantine").await, 0);
        assert_eq!(network.count("two", "sales_order WHERE description = 'own'").await, 1);
    });
}

/// The rows that DataJoin's description gives as examples, letter for letter.
#[test]
fn the_rows_of_datajoins_description_are_carried_out() {
    const COLUMNS: &str = "object_database, object_table, object_pk_attribute, object_attribute, \
        object_id, object_value, object_operation, object_operation_command, \
        updated_by_server_id, update_datetime, updated_by_user_id, object_id_old, \
        object_value_old, note1";
    on_each_pair(async |network| {
        // MySQL's own column takes no time in this form, and says so to the application.
        let time = match network.brand("one") {
            Brand::Mysql => "2025-06-25 10:30:00",
            _ => "06/25/2025 10:30:00 AM",
        };
        let row = |operation: &str, command: &str| {
            format!(
                "INSERT INTO ds_change_outbox ({COLUMNS}) VALUES ('testapp1', 'sales_order', \
                 'order_id', 'description', 'ord2', 'old order', '{operation}', '{command}', \
                 'one', '{time}', 'mtp', 'tbd', 'tbd', 'tbd')"
            )
        };
        let insert = row(
            "I",
            "INSERT INTO public.sales_order(order_id, order_type, description, \
             product_type_name, customer_id, quantity, order_date, update_datetime, \
             updated_by_user, updated_by_server) VALUES (~ord2~,~wholesale~,~old order~,\
             ~desktop~,~c1~,~100~,~5/25/2025~,~06/25/2025 10:30:00 AM~,~mtp~,~server1~);",
        );
        let update =
            row("U", "UPDATE sales_order set description=~old order change~ where order_id=~ord2~");
        let delete = row("D", "delete from sales_order where order_id=~ord2~");
        let all = "SELECT order_id, order_type, description, quantity FROM sales_order";
        network.run("one", &insert).await;
        network.turn().await;
        assert_eq!(network.rows("two", all).await, ["ord2|wholesale|old order|100"]);
        network.run("one", &update).await;
        network.turn().await;
        assert_eq!(network.rows("two", all).await, ["ord2|wholesale|old order change|100"]);
        network.run("one", &delete).await;
        network.turn().await;
        assert_eq!(network.count("two", "sales_order").await, 0);
        assert_eq!(network.count("two", "ds_quarantine").await, 0);

        // Doubled quotes, the other way that DataJoin names, and only the command.
        let quoted = |text: &str| {
            let text = text.replace('\'', "''");
            format!("INSERT INTO ds_change_outbox (object_operation_command) VALUES ('{text}')")
        };
        for text in [
            "INSERT INTO sales_order (order_id, description) VALUES ('q', 'O''Brien ~ x')",
            "UPDATE sales_order SET order_type = NULL, quantity = 3 WHERE order_id = 'q'",
        ] {
            network.run("one", &quoted(text)).await;
        }
        network.turn().await;
        assert_eq!(network.rows("two", all).await, ["q|-|O'Brien ~ x|3"]);
        assert_eq!(network.count("two", "ds_quarantine").await, 0);
    });
}
