//! Rows of an inbox that somebody alters, deletes or inserts before they are imported.

use super::{A_TO_B, assert_both, items, on_each_pair};
use crate::support::network::Network;

/// A change in the inbox of `b`.
async fn insert(
    network: &mut Network,
    origin: &str,
    source_id: i64,
    route: &str,
    name: &str,
) -> bool {
    let sql = format!(
        "INSERT INTO ds_change_inbox (object_database, object_table, object_pk_attribute, \
         object_attribute, object_id, object_value, object_operation, updated_by_server_id, \
         update_datetime, source_id, transaction_id, route_id) VALUES ('testapp', 'item', 'id', \
         'name', '1', '{name}', 'U', '{origin}', '2099-01-01 00:00:00', {source_id}, 1, {route})"
    );
    network.application("b").raw(&sql).await.is_ok()
}

async fn newest_id(network: &mut Network) -> i64 {
    network.rows("a", "SELECT max(id) FROM ds_change_outbox").await[0].parse().unwrap()
}

async fn rewind(network: &mut Network) {
    let sql = format!("UPDATE ds_program_parameter SET fromoutboxpointer = 0 WHERE id = {A_TO_B}");
    network.run("b", &sql).await;
}

#[test]
fn a_change_altered_in_the_inbox_is_imported_as_altered_there_alone() {
    on_each_pair(async |network| {
        network.run("a", "UPDATE item SET name = 'right' WHERE id = 1").await;
        network.transport().await;
        network
            .run(
                "b",
                "UPDATE ds_change_inbox SET object_value = 'altered' WHERE object_value = 'right'",
            )
            .await;
        network.drain().await;
        assert_eq!(items(network).await, [["1|right|-"], ["1|altered|-"]]);
        network.run("a", "UPDATE item SET name = 'again' WHERE id = 1").await;
        assert_both(network, &["1|again|-"]).await;
    });
}

#[test]
fn a_change_altered_into_nonsense_in_the_inbox_waits_in_quarantine() {
    on_each_pair(async |network| {
        network.run("a", "UPDATE item SET name = 'right' WHERE id = 1").await;
        network.transport().await;
        network
            .run(
                "b",
                "UPDATE ds_change_inbox SET object_table = 'nowhere' WHERE object_value = 'right'",
            )
            .await;
        network.run("a", "INSERT INTO item VALUES (2, 'flows', '-')").await;
        network.drain().await;
        let held = network.quarantine("b").await;
        assert_eq!(held[0].reason_code, "no_table");
        assert_eq!(network.rows("b", super::ITEMS).await, ["1|first|-", "2|flows|-"]);
        network
            .run(
                "b",
                "UPDATE ds_change_inbox SET object_table = 'item' WHERE object_value = 'right'",
            )
            .await;
        network.retry("b", held[0].inbox_id).await;
        assert_both(network, &["1|right|-", "2|flows|-"]).await;
    });
}

#[test]
fn a_change_deleted_from_the_inbox_comes_again_after_a_rewind() {
    on_each_pair(async |network| {
        network.run("a", "UPDATE item SET name = 'right' WHERE id = 1").await;
        network.transport().await;
        network.run("b", "DELETE FROM ds_change_inbox WHERE object_value = 'right'").await;
        network.drain().await;
        assert_eq!(items(network).await, [["1|right|-"], ["1|first|-"]]);
        rewind(network).await;
        assert_both(network, &["1|right|-"]).await;
    });
}

/// No program reads what came on no route.
#[test]
fn a_change_put_under_a_route_that_there_is_not_stays_where_it_is() {
    on_each_pair(async |network| {
        assert!(insert(network, "a", 900, "4711", "by nobody").await);
        assert!(insert(network, "a", 901, "NULL", "by nobody").await);
        network.run("a", "UPDATE item SET name = 'flows' WHERE id = 1").await;
        assert_both(network, &["1|flows|-"]).await;
    });
}

/// It is imported as what it says it is, on this node alone; what follows it is newer.
#[test]
fn a_change_put_in_for_an_unknown_origin_is_imported_there_alone() {
    on_each_pair(async |network| {
        assert!(insert(network, "stranger", 1, "1000", "by hand").await);
        network.drain().await;
        assert_eq!(items(network).await, [["1|first|-"], ["1|by hand|-"]]);
        network.run("b", "UPDATE item SET name = 'again' WHERE id = 1").await;
        assert_both(network, &["1|again|-"]).await;
    });
}

#[test]
fn a_second_content_of_one_source_id_is_refused_by_the_database() {
    on_each_pair(async |network| {
        let taken = newest_id(network).await;
        assert!(!insert(network, "a", taken, "1000", "other").await, "it is unique");
        network.run("a", "UPDATE item SET name = 'flows' WHERE id = 1").await;
        assert_both(network, &["1|flows|-"]).await;
    });
}

/// Who takes an id in advance hides the change that gets it.
#[test]
fn a_source_id_taken_by_hand_hides_its_change_until_it_is_deleted() {
    on_each_pair(async |network| {
        let next = newest_id(network).await + 1;
        assert!(insert(network, "a", next, "4711", "in advance").await);
        network.run("a", "UPDATE item SET name = 'hidden' WHERE id = 1").await;
        assert_eq!(newest_id(network).await, next);
        network.drain().await;
        assert_eq!(items(network).await, [["1|hidden|-"], ["1|first|-"]]);
        network.run("b", &format!("DELETE FROM ds_change_inbox WHERE source_id = {next}")).await;
        rewind(network).await;
        assert_both(network, &["1|hidden|-"]).await;
    });
}
