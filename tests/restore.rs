//! Nodes that come back from a backup: recognised, and brought back with no change lost.

mod backup;

use outrigger::dialect::Brand;
use outrigger::runner::{Purge, Rejoin, Rejoined};

use crate::support::document::{Document, has_programs};
use crate::support::network::{Blueprint, Network, chain, ready_servers};
use crate::support::{self, Server};
use backup::{back_up, restore};

const SCHEMA: &str =
    "CREATE TABLE item (id integer PRIMARY KEY, name varchar(40), place varchar(40))";
const ITEMS: &str = "SELECT id, name, place FROM item ORDER BY id";

/// `b` is a hub between `a` and `c`.
const STAR: &[(&str, &str)] = &[("a", "b"), ("b", "a"), ("c", "b"), ("b", "c")];
const A_TO_B: i64 = 1000;
const B_TO_A: i64 = 1002;
const B_TO_C: i64 = 1006;

async fn star(name: &str, [a, b, c]: [&Server; 3]) -> Network {
    let blueprint = Blueprint {
        name,
        nodes: &[("a", a), ("b", b), ("c", c)],
        routes: STAR,
        tables: "  item: follow",
        schema: SCHEMA,
        batch_rows: 4,
    };
    let mut network = Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await;
    for id in 1..=3 {
        network.run("b", &format!("INSERT INTO item VALUES ({id}, 'first', 'first')")).await;
    }
    network.drain().await;
    network
}

/// Whether the programs are there that make and restore a backup.
fn can_be_restored(server: &Server) -> bool {
    match server.brand {
        Brand::Sqlite => true,
        Brand::Postgres => has_programs(&["pg_dump", "psql"]),
        Brand::Mysql => has_programs(&["mariadb-dump", "mariadb"]),
        Brand::SqlServer => false,
    }
}

/// A test on a network for each server that is there, the other nodes being of any brand.
fn on_each_server(test: impl AsyncFn(&mut Network)) {
    let servers = ready_servers();
    for (index, server) in servers.iter().enumerate().filter(|(_, one)| can_be_restored(one)) {
        println!("on {}", server.name);
        let others = [1, 2].map(|step| servers[(index + step) % servers.len()]);
        support::block_on(async {
            let mut network = star(server.name, [others[0], server, others[1]]).await;
            test(&mut network).await;
        });
    }
}

/// The page that tells the story, run as it is written.
#[test]
fn the_documentations_example_runs() {
    if has_programs(&["sqlite3"]) {
        Document::read("docs/restore.md", None).run();
    }
}

fn wanted(node: &str) -> Rejoin {
    Rejoin { node: node.into(), without: vec![], is_replacement: false, is_dry_run: false }
}

async fn rejoin(network: &mut Network, wanted: &Rejoin) -> Rejoined {
    let done = network.runner.rejoin(wanted).await;
    // What comes back is in the outbox again, under ids that were there before.
    for id in network.ids() {
        network.begins_anew(&id).await;
    }
    done.unwrap_or_else(|error| panic!("{}", chain(&error)))
}

async fn refused(network: &mut Network, route: i64) -> String {
    network.try_transport(route).await.expect_err("the route is refused")
}

#[track_caller]
fn assert_has(text: &str, part: &str) {
    assert!(text.contains(part), "{part:?} is not in\n{text}");
}

/// All nodes have these rows, and nothing is in quarantine.
async fn assert_everywhere(network: &mut Network, rows: &[&str]) {
    for id in network.ids() {
        assert_eq!(network.rows(&id, ITEMS).await, rows, "on {id}");
        assert_eq!(network.count(&id, "ds_quarantine").await, 0, "on {id}");
    }
}

/// The hub loses changes of its own that others have, and changes of others that went through
/// it; afterwards its application goes on before anybody notices.
#[test]
fn a_restored_hub_is_refused_and_rejoins_with_no_change_lost() {
    on_each_server(async |network| {
        back_up(network, "b").await;
        network.run("b", "INSERT INTO item VALUES (10, 'lost', NULL)").await;
        network.run("b", "DELETE FROM item WHERE id = 3").await;
        network.run("b", "UPDATE item SET name = 'lost' WHERE id = 1").await;
        network.run("a", "INSERT INTO item VALUES (20, 'of a', NULL)").await;
        network.run("c", "UPDATE item SET place = 'of c' WHERE id = 1").await;
        network.drain().await;
        network.run("b", "INSERT INTO item VALUES (99, 'never left the node', NULL)").await;

        restore(network, "b").await;
        // Under a smaller id than the lost change of this very cell had.
        network.run("b", "UPDATE item SET name = 'after' WHERE id = 1").await;
        network.run("b", "INSERT INTO item VALUES (11, 'after', NULL)").await;
        network.run("a", "INSERT INTO item VALUES (21, 'meanwhile', NULL)").await;
        let text = refused(network, B_TO_A).await;
        assert_has(&text, "node `b` was restored from a backup: this route has seen its exchange");
        // Also on the routes that would not notice it by themselves.
        assert_has(&refused(network, B_TO_C).await, "as was seen on route 1002");
        network.try_transport(A_TO_B).await.expect("what comes in is not refused");
        network.try_import(A_TO_B).await.expect("what comes in is imported");
        assert_eq!(network.rows("a", ITEMS).await[0], "1|lost|of c", "nothing was carried");

        let trial = rejoin(network, &Rejoin { is_dry_run: true, ..wanted("b") }).await;
        let done = rejoin(network, &wanted("b")).await;
        assert_eq!(Rejoined { is_dry_run: true, ..done.clone() }, trial);
        assert_eq!((done.epoch, done.quarantined, done.purged.len()), (2, 0, 0));
        assert_eq!((done.brought_back, done.moved), (3, 2));
        network.run("b", "INSERT INTO item VALUES (12, 'new epoch', NULL)").await;
        network.run("c", "UPDATE item SET place = 'new epoch' WHERE id = 2").await;
        network.drain().await;
        assert_everywhere(
            network,
            &[
                "1|after|of c",
                "2|first|new epoch",
                "10|lost|-",
                "11|after|-",
                "12|new epoch|-",
                "20|of a|-",
                "21|meanwhile|-",
            ],
        )
        .await;
        let again = rejoin(network, &wanted("b")).await;
        assert_eq!((again.reason, again.epoch), (None, 2));
    });
}

/// The backup has every change that was ever carried: nobody can tell it from the node, and
/// nothing has to be told.
#[test]
fn a_backup_from_after_the_last_exchange_just_goes_on() {
    on_each_server(async |network| {
        network.run("b", "INSERT INTO item VALUES (10, 'not carried yet', NULL)").await;
        back_up(network, "b").await;
        network.run("b", "INSERT INTO item VALUES (11, 'never left the node', NULL)").await;
        restore(network, "b").await;
        network.run("b", "INSERT INTO item VALUES (12, 'after', NULL)").await;
        network.run("a", "UPDATE item SET name = 'after' WHERE id = 1").await;
        network.drain().await;
        let rows = [
            "1|after|first",
            "2|first|first",
            "3|first|first",
            "10|not carried yet|-",
            "12|after|-",
        ];
        assert_everywhere(network, &rows).await;
        assert_eq!(rejoin(network, &wanted("b")).await.reason, None);
    });
}

/// Nodes of the brand that needs no server.
fn on_sqlite(test: impl AsyncFn(&mut Network)) {
    support::block_on(async {
        let server = &support::servers()[0];
        let mut network = star("", [server; 3]).await;
        test(&mut network).await;
    });
}

/// The hub has no tables: what its inbox lost comes again, and what the spokes had already got from
/// ids that stand for other changes now is told apart.
#[test]
fn a_restored_store_rejoins_and_forwards_everything() {
    let servers = ready_servers();
    for (index, server) in servers.iter().enumerate().filter(|(_, one)| can_be_restored(one)) {
        println!("on {}", server.name);
        let others = [1, 2].map(|step| servers[(index + step) % servers.len()]);
        support::block_on(async {
            let blueprint = Blueprint {
                name: server.name,
                nodes: &[("a", others[0]), ("b", server), ("c", others[1])],
                routes: STAR,
                tables: "  item: follow",
                schema: SCHEMA,
                batch_rows: 4,
            };
            let ddl = |_: &str, _| SCHEMA.to_owned();
            let mut network = Network::set_up_with_stores(&blueprint, &["b"], ddl).await;
            let network = &mut network;
            network.run("a", "INSERT INTO item VALUES (1, 'first', '-')").await;
            network.drain().await;
            back_up(network, "b").await;
            network.run("a", "INSERT INTO item VALUES (2, 'lost in the store', '-')").await;
            network.run("c", "UPDATE item SET place = 'lost in the store' WHERE id = 1").await;
            network.drain().await;
            restore(network, "b").await;
            network.run("c", "INSERT INTO item VALUES (3, 'after', '-')").await;
            network.run("a", "INSERT INTO item VALUES (4, 'after', '-')").await;
            refused(network, B_TO_A).await;
            let done = rejoin(network, &wanted("b")).await;
            assert_eq!((done.epoch, done.brought_back, done.moved), (2, 0, 0));
            network.drain().await;
            let rows =
                ["1|first|lost in the store", "2|lost in the store|-", "3|after|-", "4|after|-"];
            for id in ["a", "c"] {
                assert_eq!(network.rows(id, ITEMS).await, rows, "on {id}");
            }
        });
    }
}

/// A spoke is restored; what it lost has gone through the hub.
#[test]
fn a_spoke_gets_back_what_went_through_the_hub() {
    on_sqlite(async |network| {
        network.run("a", "INSERT INTO item VALUES (4, 'first', NULL)").await;
        network.drain().await;
        back_up(network, "a").await;
        network.run("a", "UPDATE item SET name = 'lost' WHERE id = 4").await;
        network.drain().await;
        network.run("c", "UPDATE item SET name = 'newer' WHERE id = 4").await;
        network.run("a", "UPDATE item SET place = 'lost' WHERE id = 4").await;
        network.drain().await;
        restore(network, "a").await;
        refused(network, A_TO_B).await;
        let done = rejoin(network, &wanted("a")).await;
        assert_eq!((done.brought_back, done.moved), (2, 0));
        network.run("a", "UPDATE item SET name = 'newest' WHERE id = 1").await;
        network.drain().await;
        let rows = ["1|newest|first", "2|first|first", "3|first|first", "4|newer|lost"];
        assert_everywhere(network, &rows).await;
    });
}

/// Before anybody notices, the restored node was carried to one of the others: there its new
/// changes have the ids that its lost ones have elsewhere.
#[test]
fn ids_that_stand_for_two_changes_are_given_up() {
    on_sqlite(async |network| {
        back_up(network, "b").await;
        network.run("b", "UPDATE item SET name = 'lost' WHERE id = 1").await;
        network.run("b", "UPDATE item SET place = 'lost' WHERE id = 2").await;
        network.try_transport(B_TO_A).await.expect("it is carried");
        restore(network, "b").await;
        network.run("b", "UPDATE item SET name = 'after' WHERE id = 2").await;
        network.run("b", "UPDATE item SET name = 'after' WHERE id = 3").await;
        network.run("b", "UPDATE item SET name = 'again' WHERE id = 3").await;
        network.try_transport(B_TO_C).await.expect("c has seen nothing yet");
        refused(network, B_TO_A).await;
        let done = rejoin(network, &wanted("b")).await;
        assert_eq!((done.brought_back, done.moved), (2, 3));
        network.drain().await;
        let rows = ["1|lost|first", "2|after|lost", "3|again|first"];
        assert_everywhere(network, &rows).await;
        // What others still have under the given up ids is not lost a second time.
        network.run("b", "UPDATE item SET name = 'epoch 2' WHERE id = 1").await;
        network.drain().await;
        back_up(network, "b").await;
        network.run("b", "UPDATE item SET name = 'lost again' WHERE id = 3").await;
        network.drain().await;
        restore(network, "b").await;
        assert_has(&refused(network, B_TO_A).await, "this route has seen its exchange");
        let done = rejoin(network, &wanted("b")).await;
        assert_eq!((done.epoch, done.brought_back), (3, 1));
        network.drain().await;
        assert_everywhere(network, &["1|epoch 2|first", "2|after|lost", "3|lost again|first"])
            .await;
    });
}

/// The backup is older than the last rejoin.
#[test]
fn a_backup_of_an_earlier_epoch_is_refused() {
    on_sqlite(async |network| {
        back_up(network, "b").await;
        for (epoch, name) in [(2, "lost"), (3, "lost again")] {
            network.run("b", &format!("UPDATE item SET name = '{name}' WHERE id = 1")).await;
            network.drain().await;
            restore(network, "b").await;
            refused(network, B_TO_A).await;
            assert_eq!(rejoin(network, &wanted("b")).await.epoch, epoch);
            network.drain().await;
            let first = format!("1|{name}|first");
            assert_everywhere(network, &[&first, "2|first|first", "3|first|first"]).await;
        }
        restore(network, "b").await;
        assert_has(&refused(network, B_TO_A).await, "this route has seen its epoch 3");
    });
}

/// The one that could not be asked keeps being refused until it was.
#[test]
fn who_was_not_asked_is_refused_until_it_was() {
    on_sqlite(async |network| {
        back_up(network, "b").await;
        network.run("b", "UPDATE item SET name = 'lost' WHERE id = 1").await;
        network.try_transport(B_TO_C).await.expect("only c has it");
        restore(network, "b").await;
        network.run("b", "UPDATE item SET place = 'after' WHERE id = 1").await;
        refused(network, B_TO_C).await;
        let without_c = Rejoin { without: vec!["c".into()], ..wanted("b") };
        let done = rejoin(network, &without_c).await;
        assert_eq!((done.brought_back, done.epoch), (0, 2));
        network.try_transport(B_TO_A).await.expect("a was asked");
        assert_has(&refused(network, B_TO_C).await, "has rejoined in epoch 2 while the target");
        let done = rejoin(network, &wanted("b")).await;
        assert_eq!((done.brought_back, done.epoch), (1, 3));
        network.drain().await;
        assert_everywhere(network, &["1|lost|after", "2|first|first", "3|first|first"]).await;
    });
}

#[test]
fn a_node_that_cannot_be_reached_is_named() {
    on_sqlite(async |network| {
        back_up(network, "b").await;
        network.run("b", "UPDATE item SET name = 'lost' WHERE id = 1").await;
        network.drain().await;
        restore(network, "b").await;
        refused(network, B_TO_A).await;
        let path = network.url("c").trim_start_matches("sqlite:").to_owned();
        std::fs::rename(&path, format!("{path}.away")).unwrap();
        network.renew().await;
        let error = network.runner.rejoin(&wanted("b")).await.expect_err("c is away");
        assert_has(&chain(&error), "could not reach `c`, which may have changes of node `b`");
        std::fs::rename(format!("{path}.away"), &path).unwrap();
        rejoin(network, &wanted("b")).await;
    });
}

/// What the node's own tables refuse of its lost changes waits there, and goes to the others all the
/// same; once it can get in, it does.
#[test]
fn a_lost_change_that_is_refused_gets_in_when_it_can() {
    on_sqlite(async |network| {
        network.run("a", "INSERT INTO item VALUES (4, 'first', NULL)").await;
        network.drain().await;
        back_up(network, "b").await;
        network.run("b", "INSERT INTO item VALUES (10, 'lost', NULL)").await;
        network.run("b", "UPDATE item SET name = 'lost' WHERE id = 4").await;
        network.try_transport(B_TO_C).await.expect("only c has it");
        restore(network, "b").await;
        for (name, event) in [("one", "INSERT"), ("two", "UPDATE")] {
            let refuse = "WHEN NEW.name = 'lost' BEGIN SELECT RAISE(ABORT, 'not here'); END";
            network
                .run("b", &format!("CREATE TRIGGER {name} BEFORE {event} ON item {refuse}"))
                .await;
        }
        refused(network, B_TO_C).await;
        let done = rejoin(network, &wanted("b")).await;
        assert_eq!((done.brought_back, done.quarantined), (2, 2));
        network.drain().await;
        let rows = |four, ten: &[&'static str]| {
            let rest = ["1|first|first", "2|first|first", "3|first|first", four];
            [&rest[..], ten].concat()
        };
        for id in ["a", "c"] {
            assert_eq!(network.rows(id, ITEMS).await, rows("4|lost|-", &["10|lost|-"]), "on {id}");
        }
        assert_eq!(network.rows("b", ITEMS).await, rows("4|first|-", &[]));

        for name in ["one", "two"] {
            network.run("b", &format!("DROP TRIGGER {name}")).await;
        }
        for held in network.quarantine("b").await {
            network.retry("b", held.inbox_id).await;
        }
        network.drain().await;
        assert_everywhere(network, &rows("4|lost|-", &["10|lost|-"])).await;
        assert_eq!(network.count("b", "ds_quarantine").await, 0);
    });
}

/// Every commit of a rejoin may be its last one.
#[test]
fn an_interrupted_rejoin_is_run_again() {
    on_sqlite(async |network| {
        back_up(network, "b").await;
        network.run("b", "UPDATE item SET name = 'lost' WHERE id = 1").await;
        network.run("b", "INSERT INTO item VALUES (10, 'lost', NULL)").await;
        network.drain().await;
        restore(network, "b").await;
        network.run("b", "UPDATE item SET name = 'after' WHERE id = 1").await;
        refused(network, B_TO_A).await;
        for broken in ["write_inbox", "read_inbox", "write_outbox", "write_epoch"] {
            let broken = format!("run/{broken}");
            network
                .override_template(Brand::Sqlite, &broken, "SELECT broken FROM nowhere".into())
                .await;
            network.runner.rejoin(&wanted("b")).await.expect_err("it is interrupted");
            network.builtin_template(Brand::Sqlite, &broken).await;
            refused(network, B_TO_A).await;
        }
        rejoin(network, &wanted("b")).await;
        network.drain().await;
        assert_everywhere(
            network,
            &["1|after|first", "2|first|first", "3|first|first", "10|lost|-"],
        )
        .await;
    });
}

/// A dump that is restored on another server keeps the numbers of transactions that the new one
/// has not come to: its changes would never be carried, although nothing else is wrong.
#[test]
fn transactions_that_are_counted_anew_are_noticed() {
    for server in support::servers_of(Brand::Postgres) {
        support::block_on(async {
            let mut network = star("", [&support::servers()[0], server, server]).await;
            let network = &mut network;
            // As if the server that was carried from had been a billion transactions further.
            network
                .run(
                    "b",
                    "UPDATE ds_change_outbox SET transaction_id = transaction_id + 1000000000",
                )
                .await;
            let shift = "json(replace(cursor_state, '\"counter\":', '\"counter\":1000000'))";
            network
                .run(
                    "a",
                    &format!(
                        "UPDATE ds_program_parameter SET cursor_state = {shift} WHERE id = 1002"
                    ),
                )
                .await;
            network.run("b", "INSERT INTO item VALUES (10, 'after', NULL)").await;
            assert_has(&refused(network, B_TO_A).await, "its transactions are counted anew from");
            let done = rejoin(network, &wanted("b")).await;
            assert_eq!((done.brought_back, done.moved), (0, 0));
            network.drain().await;
            let rows = ["1|first|first", "2|first|first", "3|first|first", "10|after|-"];
            assert_everywhere(network, &rows).await;
            let future = "ds_change_outbox WHERE transaction_id >= 1000000000";
            assert_eq!(network.count("b", future).await, 0, "their numbers are of the past");
        });
    }
}

/// The node's id changed by hand, or the URL of another node: nothing is carried or imported.
#[test]
fn the_database_behind_an_url_is_the_node_it_should_be() {
    on_each_server(async |network| {
        network.run("b", "INSERT INTO item VALUES (10, 'new', NULL)").await;
        network.run("b", "UPDATE ds_node SET node_id = 'c'").await;
        let says = "the database of node `b` says that it is node `c`";
        assert_has(&refused(network, B_TO_A).await, says);
        assert_has(&refused(network, A_TO_B).await, says);
        assert_has(&network.try_import(A_TO_B).await.expect_err("it is not b"), says);
        let error = network.runner.rejoin(&wanted("b")).await.expect_err("it is not b");
        assert_has(&chain(&error), says);
        network.run("b", "UPDATE ds_node SET node_id = 'b'").await;
        network.drain().await;
        assert_eq!(network.count("a", "item").await, 4);
    });
}

/// A node id used twice, or a database made anew: told from a restore, and taken over by command.
#[test]
fn another_database_under_a_nodes_id_is_refused() {
    on_each_server(async |network| {
        network.run("b", "UPDATE ds_epoch SET incarnation = 'another'").await;
        network.run("b", "INSERT INTO item VALUES (10, 'new', NULL)").await;
        let says = "node `b` is another database than the one that this route knows";
        assert_has(&refused(network, B_TO_A).await, says);
        let error = network.runner.rejoin(&wanted("b")).await.expect_err("it is another");
        assert_has(&chain(&error), "node `b` is another database");
        rejoin(network, &Rejoin { is_replacement: true, ..wanted("b") }).await;
        network.drain().await;
        assert_everywhere(
            network,
            &["1|first|first", "2|first|first", "3|first|first", "10|new|-"],
        )
        .await;
    });
}

/// What an idle route noted of its source could be of a future that a backup does not have: the
/// numbers of transactions that were no changes come again after a restore.
#[test]
fn an_idle_route_notes_nothing_of_its_source() {
    on_each_server(async |network| {
        let cursor = "SELECT cursor_state FROM ds_program_parameter WHERE id = 1002";
        let before = network.rows("a", cursor).await;
        network.run("b", "UPDATE item SET name = name").await;
        network.run("b", "UPDATE ds_quarantine SET attempts = 1").await;
        assert_eq!(network.try_transport(B_TO_A).await.map(|done| done.read), Ok(0));
        assert_eq!(network.rows("a", cursor).await, before);
    });
}

/// The backup is older than what the others have purged since: they say so, before and after.
#[test]
fn a_backup_from_before_a_purge_is_told_what_it_lacks() {
    on_each_server(async |network| {
        network
            .limit(|limits| {
                limits.outbox_retention = Some(std::time::Duration::ZERO);
                limits.inbox_retention = Some(std::time::Duration::ZERO);
            })
            .await;
        back_up(network, "b").await;
        network.run("b", "INSERT INTO item VALUES (10, 'lost', NULL)").await;
        network.run("a", "INSERT INTO item VALUES (20, 'of a', NULL)").await;
        network.drain().await;
        network.runner.purge(&Purge::default()).await.unwrap();
        restore(network, "b").await;
        network.run("b", "INSERT INTO item VALUES (11, 'after', NULL)").await;
        assert_has(&refused(network, B_TO_A).await, "was restored from a backup");

        let done = rejoin(network, &wanted("b")).await;
        let lacking: Vec<(&str, &str)> =
            done.purged.iter().map(|one| (one.node.as_str(), one.origin.as_str())).collect();
        assert_eq!(lacking, [("a", "a"), ("a", "b"), ("c", "b")]);
        assert!(done.purged.iter().all(|one| one.first_id > one.carried_id + 1));
        // Ids that only the memory of purges knows are not given a second time.
        let seen = done.purged.iter().map(|one| one.first_id - 1).max().unwrap();
        assert!(done.first_id > seen, "{} {seen}", done.first_id);
        assert_has(&refused(network, A_TO_B).await, "node `a` has deleted changes of its own");
        let route = network.runner.routes().iter().find(|r| r.id.0 == A_TO_B).cloned().unwrap();
        assert!(network.runner.admit(&route).await.unwrap());
        network.drain().await;
        assert_eq!(network.rows("c", ITEMS).await.len(), 6, "nothing of the others is lost");
        assert_eq!(network.rows("b", ITEMS).await.len(), 4, "it lacks what it was told");
    });
}

/// A dump in another server, whose transactions have smaller numbers: until `rejoin` nothing of
/// the node is carried, but what comes to it overwrites nothing that was changed there since.
#[test]
fn what_is_changed_after_a_dump_was_restored_on_another_server_is_not_overwritten() {
    let servers = ready_servers();
    let Some(server) = servers.iter().find(|server| server.brand == Brand::Postgres) else {
        println!("skipped: no postgres");
        return;
    };
    support::block_on(async {
        let mut network = star(server.name, [servers[0], server, servers[0]]).await;
        // As the server that the dump came from would have counted.
        let counted_on = "UPDATE ds_change_outbox SET transaction_id = transaction_id + 1000000000";
        network.run("b", counted_on).await;
        let state = "jsonb_set(fold_cursor::jsonb, '{watermark}', '\"1000900000:1000900000:\"')";
        network.run("b", &format!("UPDATE ds_node SET fold_cursor = {state}::text")).await;
        network.begins_anew("b").await;
        network.run("a", "UPDATE item SET name = 'older' WHERE id = 1").await;
        network.run("b", "UPDATE item SET name = 'newer' WHERE id = 1").await;
        assert!(network.try_transport(A_TO_B).await.is_ok());
        assert!(network.try_import(A_TO_B).await.is_ok());
        assert_eq!(network.rows("b", ITEMS).await[0], "1|newer|first");
        // Once more, now that the fold has a watermark of this server.
        network.run("a", "UPDATE item SET place = 'older' WHERE id = 1").await;
        network.run("b", "UPDATE item SET place = 'newer' WHERE id = 1").await;
        assert!(network.try_transport(A_TO_B).await.is_ok());
        assert!(network.try_import(A_TO_B).await.is_ok());
        assert_eq!(network.rows("b", ITEMS).await[0], "1|newer|newer");
    });
}
