//! Rows of an outbox that somebody alters, before and after they were carried.

use super::{A_TO_B, alter_newest, assert_both, items, on_each_pair};
use crate::support::network::Network;

const COLUMNS: &str = "object_database, object_table, object_pk_attribute, object_attribute, object_id, \
    object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, \
    object_id_old, object_value_old, note1";

/// An hour before now, as each brand's outbox takes it.
fn an_hour_ago() -> String {
    let time = chrono::Utc::now() - chrono::Duration::hours(1);
    time.format("'%Y-%m-%d %H:%M:%S%.6f'").to_string()
}

/// What the outbox says is what travels; the table of the node itself is not looked at.
#[test]
fn a_value_altered_before_it_was_carried_travels_as_altered() {
    on_each_pair(async |network| {
        network.run("a", "UPDATE item SET name = 'right' WHERE id = 1").await;
        alter_newest(network, "a", "object_value = 'altered'").await;
        network.drain().await;
        assert_eq!(items(network).await, [["1|right|-"], ["1|altered|-"]]);
        network.run("a", "UPDATE item SET name = 'again' WHERE id = 1").await;
        assert_both(network, &["1|again|-"]).await;
    });
}

#[test]
fn an_operation_altered_before_it_was_carried_waits_in_quarantine() {
    on_each_pair(async |network| {
        network.run("a", "UPDATE item SET name = 'right' WHERE id = 1").await;
        alter_newest(network, "a", "object_operation = 'X'").await;
        network.run("a", "INSERT INTO item VALUES (2, 'flows', '-')").await;
        network.drain().await;
        let held = network.quarantine("b").await;
        assert_eq!(
            held.iter().map(|one| one.reason_code.as_str()).collect::<Vec<_>>(),
            ["unreadable"]
        );
        assert_eq!(network.rows("b", super::ITEMS).await, ["1|first|-", "2|flows|-"]);
        network.drop_change("b", held[0].inbox_id).await;
        network.run("a", "UPDATE item SET name = 'again' WHERE id = 1").await;
        assert_both(network, &["1|again|-", "2|flows|-"]).await;
    });
}

/// An update that says that it is a delete is one, on every node but its own.
#[test]
fn an_update_altered_into_a_delete_deletes_elsewhere() {
    on_each_pair(async |network| {
        network.run("a", "UPDATE item SET name = 'right' WHERE id = 1").await;
        alter_newest(network, "a", "object_operation = 'D'").await;
        network.drain().await;
        assert_eq!(items(network).await, [vec!["1|right|-"], vec![]]);
        network.run("a", "DELETE FROM item WHERE id = 1").await;
        network.run("a", "INSERT INTO item VALUES (1, 'again', '-')").await;
        assert_both(network, &["1|again|-"]).await;
    });
}

/// Both nodes read the same stamp, and so decide alike.
#[test]
fn a_stamp_altered_before_it_was_carried_counts_on_every_node() {
    on_each_pair(async |network| {
        network.run("b", "UPDATE item SET name = 'by b' WHERE id = 1").await;
        network.run("a", "UPDATE item SET name = 'by a' WHERE id = 1").await;
        alter_newest(network, "a", &format!("update_datetime = {}", an_hour_ago())).await;
        assert_both(network, &["1|by b|-"]).await;
        network.run("a", "UPDATE item SET name = 'by a' WHERE id = 1").await;
        assert_both(network, &["1|by a|-"]).await;
    });
}

/// As a clock that is set back between two changes of one row would stamp them.
#[test]
fn a_clock_set_back_between_two_changes_keeps_their_order() {
    on_each_pair(async |network| {
        network.run("a", "UPDATE item SET name = 'one' WHERE id = 1").await;
        network.run("a", "UPDATE item SET name = 'two' WHERE id = 1").await;
        alter_newest(network, "a", &format!("update_datetime = {}", an_hour_ago())).await;
        assert_both(network, &["1|two|-"]).await;
        network.run("a", "DELETE FROM item WHERE id = 1").await;
        alter_newest(network, "a", &format!("update_datetime = {}", an_hour_ago())).await;
        assert_both(network, &[]).await;
        network.run("a", "INSERT INTO item VALUES (1, 'three', '-')").await;
        alter_newest(network, "a", &format!("update_datetime = {}", an_hour_ago())).await;
        assert_both(network, &["1|three|-"]).await;
        network.run("b", "UPDATE item SET name = 'after it' WHERE id = 1").await;
        assert_both(network, &["1|after it|-"]).await;
    });
}

#[test]
fn an_origin_altered_before_it_was_carried_leaves_the_change_behind() {
    on_each_pair(async |network| {
        for origin in ["b", "nobody"] {
            network.run("a", &format!("UPDATE item SET name = 'as {origin}' WHERE id = 1")).await;
            let id = network.rows("a", "SELECT max(id) FROM ds_change_outbox").await.remove(0);
            alter_newest(network, "a", &format!("updated_by_server_id = '{origin}'")).await;
            let foreign = network.foreign;
            network.drain().await;
            assert_eq!(network.foreign, foreign + 1, "it is counted");
            let [here, there] = items(network).await;
            assert_ne!(here, there);
            alter_newest(network, "a", "updated_by_server_id = 'a'").await;
            rewind(network, id.parse::<i64>().unwrap() - 1).await;
            assert_both(network, &[&format!("1|as {origin}|-")]).await;
        }
    });
}

/// The pointer of the route from `a` to `b` is set back.
async fn rewind(network: &mut Network, pointer: i64) {
    let sql = format!(
        "UPDATE ds_program_parameter SET fromoutboxpointer = {pointer} WHERE id = {A_TO_B}"
    );
    network.run("b", &sql).await;
}

#[test]
fn a_change_deleted_before_it_was_carried_is_lost_until_it_is_made_again() {
    on_each_pair(async |network| {
        network.run("a", "UPDATE item SET name = 'lost' WHERE id = 1").await;
        let newest = "(SELECT n FROM (SELECT max(id) AS n FROM ds_change_outbox) AS newest)";
        network.run("a", &format!("DELETE FROM ds_change_outbox WHERE id = {newest}")).await;
        network.run("a", "UPDATE item SET note = 'flows' WHERE id = 1").await;
        network.drain().await;
        assert_eq!(items(network).await, [["1|lost|flows"], ["1|first|flows"]]);
        network.run("a", "UPDATE item SET name = 'again' WHERE id = 1").await;
        assert_both(network, &["1|again|flows"]).await;
    });
}

#[test]
fn a_change_duplicated_under_a_new_id_is_done_once() {
    on_each_pair(async |network| {
        let edits = [
            ("INSERT INTO item VALUES (2, 'two', '-')", &["1|first|-", "2|two|-"][..]),
            ("UPDATE item SET name = 'three' WHERE id = 2", &["1|first|-", "2|three|-"]),
            ("DELETE FROM item WHERE id = 2", &["1|first|-"]),
        ];
        for (edit, expected) in edits {
            network.run("a", edit).await;
            let newest = network.rows("a", "SELECT max(id) FROM ds_change_outbox").await.remove(0);
            let copy = format!(
                "INSERT INTO ds_change_outbox ({COLUMNS})
                SELECT {COLUMNS} FROM ds_change_outbox WHERE id = {newest}"
            );
            network.run("a", &copy).await;
            assert_both(network, expected).await;
            assert_eq!(network.count("b", "ds_conflict").await, 0);
        }
    });
}

/// An inbox knows a change by its origin and its id there: its first content stays.
#[test]
fn what_was_carried_is_not_carried_again_however_it_is_altered() {
    on_each_pair(async |network| {
        network.run("a", "INSERT INTO item VALUES (2, 'two', '-')").await;
        network.run("a", "UPDATE item SET name = 'right' WHERE id = 1").await;
        assert_both(network, &["1|right|-", "2|two|-"]).await;
        alter_newest(network, "a", "object_value = 'altered', object_operation = 'D'").await;
        network.run("a", "DELETE FROM ds_change_outbox WHERE object_id = '2'").await;
        rewind(network, 0).await;
        network.run("a", "UPDATE item SET note = 'flows' WHERE id = 1").await;
        assert_both(network, &["1|right|flows", "2|two|-"]).await;
    });
}
