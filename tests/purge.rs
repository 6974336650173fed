//! Purging: never past a cursor, and what is gone does no harm afterwards.

use std::time::Duration;

use outrigger::dialect::Brand;
use outrigger::runner::{NodePurge, Purge, PurgeReport, Tally};

use crate::support::document::{Document, has_programs};
use crate::support::network::{Blueprint, Network, chain, ready_servers};
use crate::support::{self, Server};

const SCHEMA: &str =
    "CREATE TABLE item (id integer PRIMARY KEY, name varchar(40), place varchar(40))";
const ITEMS: &str = "SELECT id, name, place FROM item ORDER BY id";

/// `b` is a hub between `a` and `c`.
const STAR: &[(&str, &str)] = &[("a", "b"), ("b", "a"), ("c", "b"), ("b", "c")];
const A_TO_B: i64 = 1000;
const B_TO_A: i64 = 1002;
const B_TO_C: i64 = 1006;

async fn network(
    name: &str,
    routes: &[(&str, &str)],
    nodes: &[(&str, &Server)],
    batch_rows: usize,
) -> Network {
    let blueprint =
        Blueprint { name, nodes, routes, tables: "  item: follow", schema: SCHEMA, batch_rows };
    let mut network = Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await;
    keep(&mut network, Some(Duration::ZERO), Some(Duration::ZERO)).await;
    network
}

/// How long changes are kept, and tombstones.
async fn keep(network: &mut Network, changes: Option<Duration>, tombstones: Option<Duration>) {
    network
        .limit(|limits| {
            limits.outbox_retention = changes;
            limits.inbox_retention = changes;
            limits.tombstone_retention = tombstones;
        })
        .await;
}

/// A star for each server that is there, which is the hub; the others are of any brand.
fn on_each_server(test: impl AsyncFn(&mut Network)) {
    let servers = ready_servers();
    for (index, server) in servers.iter().enumerate() {
        println!("on {}", server.name);
        let [a, c] = [1, 2].map(|step| servers[(index + step) % servers.len()]);
        support::block_on(async {
            let nodes = [("a", a), ("b", *server), ("c", c)];
            test(&mut network(server.name, STAR, &nodes, 4).await).await;
        });
    }
}

/// What a store has forwarded is all that it has to do with it.
#[test]
fn a_store_is_purged_of_what_it_has_forwarded() {
    for server in ready_servers() {
        println!("on {}", server.name);
        support::block_on(async {
            let nodes = [("a", server), ("b", server), ("c", server)];
            let blueprint = Blueprint {
                name: server.name,
                nodes: &nodes,
                routes: STAR,
                tables: "  item: follow",
                schema: SCHEMA,
                batch_rows: 4,
            };
            let ddl = |id: &str, _| if id == "b" { String::new() } else { SCHEMA.to_owned() };
            let mut network = Network::set_up_with_stores(&blueprint, &["b"], ddl).await;
            keep(&mut network, Some(Duration::ZERO), Some(Duration::ZERO)).await;
            for id in 1..=6 {
                network.run("a", &format!("INSERT INTO item VALUES ({id}, 'of a', NULL)")).await;
            }
            network.try_transport(A_TO_B).await.unwrap();
            tokio::time::sleep(Duration::from_millis(3)).await;
            // What is purged has to be remembered.
            network.watch().await;
            let report = purge(&mut network).await;
            assert_eq!(of(&report, "b").inbox.deleted, 0, "c has still to get them");
            network.drain().await;
            let report = purge(&mut network).await;
            assert_eq!(of(&report, "b").inbox.deleted, 6);
            assert_eq!(network.count("b", "ds_change_inbox").await, 0);
            network.run("c", "UPDATE item SET place = 'of c' WHERE id = 1").await;
            network.drain().await;
            assert_eq!(network.rows("a", ITEMS).await, network.rows("c", ITEMS).await);
        });
    }
}

async fn purge(network: &mut Network) -> PurgeReport {
    purge_as(network, &Purge::default()).await
}

async fn purge_as(network: &mut Network, wanted: &Purge) -> PurgeReport {
    let report = network.runner.purge(wanted).await;
    let report = report.unwrap_or_else(|error| panic!("{}", chain(&error)));
    for node in &report.nodes {
        assert_eq!(node.error, None, "{}", node.node);
    }
    // The next change is stamped later than the purge.
    tokio::time::sleep(Duration::from_millis(3)).await;
    report
}

fn of<'a>(report: &'a PurgeReport, node: &str) -> &'a NodePurge {
    report.nodes.iter().find(|purge| purge.node.as_str() == node).expect("it was purged")
}

/// What holds rows back: what, and how many.
fn held(tally: &Tally) -> Vec<(&str, u64)> {
    tally.held.iter().map(|hold| (hold.by.as_str(), hold.rows)).collect()
}

async fn is_empty(network: &mut Network, id: &str) -> bool {
    let rows = network.count(id, "ds_change_outbox").await;
    rows + network.count(id, "ds_change_inbox").await == 0
}

async fn assert_everywhere(network: &mut Network, rows: &[&str]) {
    for id in network.ids() {
        assert_eq!(network.rows(&id, ITEMS).await, rows, "on {id}");
        assert_eq!(network.count(&id, "ds_quarantine").await, 0, "on {id}");
    }
}

/// Sets a route's transport back to its beginning.
async fn rewind(network: &mut Network, target: &str, route: i64) {
    let sql = format!("UPDATE ds_program_parameter SET fromoutboxpointer = 0 WHERE id = {route}");
    network.run(target, &sql).await;
}

/// The page that tells the story, run as it is written.
#[test]
fn the_documentations_example_runs() {
    if has_programs(&["sqlite3"]) {
        Document::read("docs/purge.md", None).run();
    }
}

#[test]
fn a_route_that_lags_holds_back_what_it_has_not_carried() {
    on_each_server(async |network| {
        for id in 1..=10 {
            network.run("b", &format!("INSERT INTO item VALUES ({id}, 'first', NULL)")).await;
        }
        network.run("a", "INSERT INTO item VALUES (20, 'of a', NULL)").await;
        for route in [A_TO_B, B_TO_A] {
            network.try_transport(route).await.unwrap();
            network.try_import(route).await.unwrap();
        }
        let report = purge(network).await;
        let hub = of(&report, "b");
        assert_eq!((hub.outbox.deleted, hub.inbox.deleted), (0, 0));
        assert_eq!(held(&hub.outbox), [("route 1006 (b to c)", 10)]);
        assert_eq!(held(&hub.inbox), [("route 1006 (b to c)", 1)]);
        assert!(hub.outbox.held[0].since.is_some());
        // The other ends need nothing any more.
        assert_eq!((of(&report, "a").inbox.deleted, of(&report, "a").outbox.deleted), (10, 1));

        network.try_transport(B_TO_C).await.unwrap();
        let report = purge(network).await;
        assert_eq!((of(&report, "b").outbox.deleted, of(&report, "b").inbox.deleted), (10, 1));
        assert_eq!(held(&of(&report, "c").inbox), [("the import of route 1006", 11)]);
        network.try_import(B_TO_C).await.unwrap();
        assert_eq!(of(&purge(network).await, "c").inbox.deleted, 11);
        for id in network.ids() {
            assert!(is_empty(network, &id).await, "{id}");
        }
        network.run("b", "UPDATE item SET place = 'later' WHERE id = 1").await;
        network.drain().await;
        assert_eq!(network.rows("c", ITEMS).await[0], "1|first|later");
        assert_eq!(network.count("c", "item").await, 11);
    });
}

#[test]
fn a_stopped_route_and_a_node_that_is_away_hold_back_and_are_named() {
    on_each_server(async |network| {
        let only_b = Purge { nodes: vec!["b".into()], ..Purge::default() };
        network.run("b", "INSERT INTO item VALUES (1, 'first', NULL)").await;
        network.run("c", "UPDATE ds_program_parameter SET active_flag = 'N' WHERE id = 1006").await;
        network.drain().await;
        let report = purge_as(network, &only_b).await;
        assert_eq!(held(&of(&report, "b").outbox), [("route 1006 (b to c): it is stopped", 1)]);
        network.run("c", "UPDATE ds_program_parameter SET active_flag = 'Y' WHERE id = 1006").await;
        network.drain().await;

        // Another database answers at its URL: as good as none.
        network.run("c", "UPDATE ds_node SET node_id = 'x'").await;
        network.renew().await;
        let wanted = Purge { nodes: vec!["b".into(), "a".into()], ..Purge::default() };
        let report = purge_as(network, &wanted).await;
        let away = "route 1006 (b to c): the database of node `c` says that it is node `x`";
        assert_eq!(held(&of(&report, "b").outbox), [(away, 1)]);
        assert_eq!(of(&report, "a").inbox.deleted, 1, "nobody else waits for it");
        network.run("c", "UPDATE ds_node SET node_id = 'c'").await;
        assert_eq!(of(&purge(network).await, "b").outbox.deleted, 1);
    });
}

/// On PostgreSQL ids below the cursor, on MariaDB a gap: neither may be taken for carried.
#[test]
fn what_commits_late_is_carried_although_all_around_it_is_purged() {
    on_each_server(async |network| {
        if network.brand("b") == Brand::Sqlite {
            return;
        }
        network.run("b", "INSERT INTO item VALUES (1, 'before', NULL)").await;
        let mut late = network.connect("b").await;
        late.begin(outrigger::db::Mode::Write).await.unwrap();
        late.raw("INSERT INTO item VALUES (2, 'late', NULL)").await.unwrap();
        network.run("b", "INSERT INTO item VALUES (3, 'after', NULL)").await;
        network.drain().await;
        assert_eq!(of(&purge(network).await, "b").outbox.deleted, 2);
        late.commit().await.unwrap();
        late.close().await.unwrap();
        // Both routes and the node itself have passed its id.
        let report = purge_as(network, &Purge { is_dry_run: true, ..Purge::default() }).await;
        let holders = [("route 1002 (b to a)", 1), ("route 1006 (b to c)", 1)];
        assert_eq!(held(&of(&report, "b").outbox), holders);
        assert_eq!(of(&purge(network).await, "b").outbox.deleted, 0);
        network.drain().await;
        assert_everywhere(network, &["1|before|-", "2|late|-", "3|after|-"]).await;
        assert_eq!(of(&purge(network).await, "b").outbox.deleted, 1);
    });
}

#[test]
fn after_a_purge_older_values_lose_and_deleted_rows_stay_deleted() {
    on_each_server(async |network| {
        keep(network, Some(Duration::ZERO), None).await;
        for id in 1..=3 {
            network.run("b", &format!("INSERT INTO item VALUES ({id}, 'first', 'first')")).await;
        }
        network.drain().await;
        // Made first, and carried last.
        network.run("c", "UPDATE item SET name = 'old' WHERE id = 1").await;
        network.run("c", "UPDATE item SET name = 'old' WHERE id = 2").await;
        network.run("a", "UPDATE item SET name = 'new' WHERE id = 1").await;
        network.run("a", "DELETE FROM item WHERE id = 2").await;
        for route in [A_TO_B, B_TO_A] {
            network.try_transport(route).await.unwrap();
            network.try_import(route).await.unwrap();
        }
        let report = purge(network).await;
        assert_eq!((of(&report, "a").outbox.deleted, of(&report, "a").inbox.deleted), (2, 3));
        network.drain().await;
        purge(network).await;
        network.drain().await;
        assert_everywhere(network, &["1|new|first", "3|first|first"]).await;
    });
}

#[test]
fn what_is_delivered_again_after_a_purge_of_the_inbox_changes_nothing() {
    on_each_server(async |network| {
        // The outbox is kept, so that all can be sent again.
        keep(network, Some(Duration::ZERO), Some(Duration::ZERO)).await;
        network.limit(|limits| limits.outbox_retention = None).await;
        for id in 1..=4 {
            network.run("b", &format!("INSERT INTO item VALUES ({id}, 'first', 'first')")).await;
        }
        network.drain().await;
        network.run("b", "UPDATE item SET name = 'second' WHERE id = 1").await;
        network.run("b", "DELETE FROM item WHERE id = 2").await;
        network.run("b", "UPDATE item SET id = 30 WHERE id = 3").await;
        network.drain().await;
        network.run("a", "UPDATE item SET name = 'of a' WHERE id = 1").await;
        network.run("a", "DELETE FROM item WHERE id = 4").await;
        network.run("c", "INSERT INTO item VALUES (2, 'again', NULL)").await;
        network.drain().await;
        let report = purge(network).await;
        assert!(of(&report, "a").inbox.deleted > 0 && of(&report, "b").inbox.deleted > 0);
        let tombstones = &of(&report, "a").tombstones;
        assert_eq!(tombstones.deleted, 0, "what was older is still in an outbox");
        assert!(!tombstones.held.is_empty() && tombstones.held[0].by.contains("outbox of node"));
        let rows = ["1|of a|first", "2|again|-", "30|first|first"];
        assert_everywhere(network, &rows).await;
        for (target, route) in [("b", A_TO_B), ("a", B_TO_A), ("b", 1004), ("c", B_TO_C)] {
            rewind(network, target, route).await;
        }
        network.drain().await;
        assert_everywhere(network, &rows).await;
        let again = network.count("a", "ds_change_inbox").await;
        assert!(again > 0, "something was delivered again");
    });
}

#[test]
fn a_delete_is_forgotten_when_nothing_older_can_arrive_any_more() {
    on_each_server(async |network| {
        let tombstones = "ds_change_version WHERE object_operation = 'D'";
        network.run("b", "INSERT INTO item VALUES (1, 'first', NULL)").await;
        network.drain().await;
        network.run("c", "UPDATE item SET name = 'before' WHERE id = 1").await;
        network.run("a", "DELETE FROM item WHERE id = 1").await;
        for route in [A_TO_B, B_TO_A] {
            network.try_transport(route).await.unwrap();
            network.try_import(route).await.unwrap();
        }
        let report = purge(network).await;
        let needs = &of(&report, "b").tombstones;
        assert_eq!(needs.deleted, 0, "the change of c is on its way");
        assert_eq!(needs.held.len(), 1);
        network.drain().await;
        // What is old is gone from all outboxes and inboxes after one purge, and the deletes then.
        let report = purge(network).await;
        let again = purge(network).await;
        for id in network.ids() {
            let deleted = of(&report, &id).tombstones.deleted + of(&again, &id).tombstones.deleted;
            assert_eq!(deleted, 1, "on {id}");
            assert_eq!(network.count(&id, tombstones).await, 0, "on {id}");
        }
        assert_everywhere(network, &[]).await;
        // The row can come again.
        network.run("c", "INSERT INTO item VALUES (1, 'again', NULL)").await;
        network.drain().await;
        assert_everywhere(network, &["1|again|-"]).await;
    });
}

/// A node that was not asked when deletes were forgotten, and has older changes.
#[test]
fn a_change_from_before_the_deletes_that_are_forgotten_waits_for_a_person() {
    on_each_server(async |network| {
        network.run("b", "INSERT INTO item VALUES (1, 'first', NULL)").await;
        network.drain().await;
        network.run("b", "DELETE FROM item WHERE id = 1").await;
        network.drain().await;
        purge(network).await;
        purge(network).await;
        let old = "2001-02-03 04:05:06.000007";
        for (id, key) in [(900, 1), (901, 7)] {
            let sql = format!(
                "INSERT INTO ds_change_inbox (id, object_database, object_table, object_pk_attribute, object_id, \
                 object_value, object_operation, updated_by_server_id, update_datetime, source_id, transaction_id, route_id) \
                 VALUES ({id}, 'testapp', 'item', 'id', '{key}', '{{\"id\": \"{key}\", \"name\": \"stranger\", \"place\": null}}', \
                 'I', 'z', '{old}', {id}, {id}, {A_TO_B})"
            );
            network.run("b", &sql).await;
        }
        let done = network.try_import(A_TO_B).await.unwrap();
        assert_eq!((done.read, done.quarantined), (2, 2));
        let reasons = network.quarantine("b").await;
        assert!(reasons.iter().all(|entry| entry.reason_code == "forgotten"));
        assert_eq!(network.count("b", "item").await, 0);
        network.retry("b", 901).await;
        assert_eq!(network.try_import(A_TO_B).await.unwrap().released, 1);
        assert_eq!(network.rows("b", ITEMS).await, ["7|stranger|-"]);
    });
}

#[test]
fn what_is_young_or_quarantined_stays() {
    on_each_server(async |network| {
        network.writes_around_the_triggers();
        network.run("b", "INSERT INTO item VALUES (1, 'first', NULL)").await;
        keep(network, Some(Duration::from_hours(1)), None).await;
        network.drain().await;
        let report = purge(network).await;
        for node in &report.nodes {
            assert_eq!((node.outbox.deleted, node.inbox.deleted), (0, 0), "{}", node.node);
            assert!(node.outbox.held.is_empty() && node.inbox.held.is_empty());
        }
        keep(network, Some(Duration::ZERO), None).await;
        network.run("b", "INSERT INTO ds_change_outbox (object_table, object_pk_attribute, object_id, object_operation) VALUES ('item', 'id', '5', 'X')").await;
        network.drain().await;
        let report = purge(network).await;
        assert_eq!(held(&of(&report, "c").inbox), [("quarantine", 1)]);
        assert_eq!(network.count("c", "ds_quarantine").await, 1);
        let id = network.quarantine("c").await[0].inbox_id;
        network.drop_change("c", id).await;
        assert_eq!(of(&purge(network).await, "c").inbox.deleted, 1);
    });
}

#[test]
fn a_route_that_was_left_out_is_refused_until_somebody_has_filled_its_target() {
    on_each_server(async |network| {
        network.run("b", "INSERT INTO item VALUES (1, 'first', NULL)").await;
        network.run("a", "INSERT INTO item VALUES (2, 'of a', NULL)").await;
        network.drain().await;
        for id in 3..=5 {
            network.run("b", &format!("INSERT INTO item VALUES ({id}, 'second', NULL)")).await;
        }
        let all = network.configured_routes();
        let without_c: Vec<_> = all.iter().filter(|r| r.id.0 < 1004).cloned().collect();
        network.choose_routes(&without_c).await;
        network.drain().await;
        let report =
            purge_as(network, &Purge { nodes: vec!["b".into()], ..Purge::default() }).await;
        let unknown = "route 1006, which is not in the configuration";
        assert_eq!(held(&of(&report, "b").outbox), [(unknown, 4)]);
        assert_eq!(held(&of(&report, "b").inbox), [(unknown, 1)]);
        let forgotten_routes = [B_TO_C].into();
        let wanted = Purge { nodes: vec!["b".into()], forgotten_routes, is_dry_run: false };
        assert_eq!(of(&purge_as(network, &wanted).await, "b").outbox.deleted, 4);

        network.choose_routes(&all).await;
        let text = network.try_transport(B_TO_C).await.expect_err("it lacks changes");
        assert!(text.contains("node `b` has deleted changes of its own up to "), "{text}");
        let route = network.runner.routes().iter().find(|r| r.id.0 == B_TO_C).cloned().unwrap();
        assert!(network.runner.admit(&route).await.unwrap());
        assert!(!network.runner.admit(&route).await.unwrap());
        network.run("b", "INSERT INTO item VALUES (6, 'third', NULL)").await;
        network.drain().await;
        assert_eq!(network.rows("c", ITEMS).await, ["1|first|-", "2|of a|-", "6|third|-"]);
        // A rewind by hand stays what it was, as far as there is something left.
        rewind(network, "c", B_TO_C).await;
        network.drain().await;
    });
}

/// Where changes come over two ways, one that was deleted would be taken for a new one and be
/// sent on for ever.
#[test]
fn what_may_come_again_over_another_way_stays() {
    const RING: &[(&str, &str)] = &[
        ("a", "b"),
        ("b", "c"),
        ("c", "d"),
        ("d", "a"),
        ("b", "a"),
        ("c", "b"),
        ("d", "c"),
        ("a", "d"),
    ];
    let server = support::servers().iter().find(|server| server.brand == Brand::Sqlite).unwrap();
    support::block_on(async {
        let nodes = ["a", "b", "c", "d"].map(|id| (id, server));
        let mut network = network("ring", RING, &nodes, 100).await;
        network.run("a", "INSERT INTO item VALUES (1, 'of a', NULL)").await;
        for route in [1000, 1002] {
            network.try_transport(route).await.unwrap();
            network.try_import(route).await.unwrap();
        }
        // All that c sends is sent; d has not brought the change of a yet.
        for route in [1004, 1010] {
            network.try_transport(route).await.unwrap();
        }
        let report = purge(&mut network).await;
        assert_eq!(of(&report, "c").inbox.deleted, 0);
        assert_eq!(held(&of(&report, "c").inbox).len(), 1);
        network.drain().await;
        purge(&mut network).await;
        for id in network.ids() {
            assert!(is_empty(&mut network, &id).await, "{id}");
        }
        network.drain().await;
        assert_everywhere(&mut network, &["1|of a|-"]).await;
    });
}

/// The memory of what is gone is written in the transaction that deletes.
#[test]
fn a_crash_in_the_middle_deletes_all_of_a_piece_or_nothing() {
    on_each_server(async |network| {
        for id in 1..=10 {
            network.run("b", &format!("INSERT INTO item VALUES ({id}, 'first', NULL)")).await;
        }
        network.drain().await;
        let brand = network.brand("b");
        let path =
            format!("{}/templates/{brand}/run/purge_outbox.sql.tera", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        // The second piece is refused after its first statement.
        let broken = "SELECT * FROM ds_nothing WHERE :{ids} IS NOT NULL";
        network.override_template(brand, "run/purge_outbox", broken.to_owned()).await;
        let wanted = Purge { nodes: vec!["b".into()], ..Purge::default() };
        let report = network.runner.purge(&wanted).await.unwrap();
        assert!(of(&report, "b").error.is_some());
        assert_eq!(network.count("b", "ds_purge").await, 0);
        assert_eq!(network.count("b", "ds_change_outbox").await, 10);
        network.override_template(brand, "run/purge_outbox", text).await;
        assert_eq!(of(&purge(network).await, "b").outbox.deleted, 10);
        let memory = "ds_purge WHERE kind = 'outbox' AND purged_id = 10";
        assert_eq!(network.count("b", memory).await, 1);
        network.drain().await;
    });
}

#[test]
fn a_dry_run_writes_nothing() {
    on_each_server(async |network| {
        network.run("b", "INSERT INTO item VALUES (1, 'first', NULL)").await;
        network.run("b", "DELETE FROM item WHERE id = 1").await;
        network.drain().await;
        let report = purge_as(network, &Purge { is_dry_run: true, ..Purge::default() }).await;
        assert_eq!((of(&report, "b").outbox.deleted, of(&report, "a").inbox.deleted), (2, 2));
        // What would be gone by then does not hold back the deletes. The hub has noted its own not yet.
        let tombstones = &of(&report, "a").tombstones;
        assert_eq!((tombstones.deleted, tombstones.held.len()), (1, 0));
        assert_eq!(network.count("b", "ds_change_outbox").await, 2);
        assert_eq!(network.count("a", "ds_change_inbox").await, 2);
        assert_eq!(network.count("b", "ds_purge").await, 0);
    });
}
