//! Rows of `ds_program_parameter` that a person alters: back is a rewind, forward is refused.

use outrigger::Error;
use outrigger::dialect::Brand;
use outrigger::runner::RouteStatus;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

const SCHEMA: &str = "CREATE TABLE item (id integer PRIMARY KEY, name varchar(40))";
const ROUTE: i64 = 1000;
/// The route's transport and its import.
const PROGRAMS: [i64; 2] = [1000, 1001];

/// A route from `a` to `b` on one server, which has carried two rows; a third one waits.
async fn pair(server: &Server) -> Network {
    let blueprint = Blueprint {
        name: server.name,
        nodes: &[("a", server), ("b", server)],
        routes: &[("a", "b")],
        tables: "  item: follow",
        schema: SCHEMA,
        batch_rows: 100,
    };
    let mut network = Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await;
    // The oracle believes the pointers, which are moved here.
    network.writes_around_the_triggers();
    network.run("a", "INSERT INTO item VALUES (1, 'one'), (2, 'two')").await;
    network.drain().await;
    network.run("a", "INSERT INTO item VALUES (3, 'three')").await;
    network
}

fn on_each_server(test: impl AsyncFn(&mut Network)) {
    for server in ready_servers() {
        println!("on {}", server.name);
        support::block_on(async { test(&mut pair(server).await).await });
    }
}

async fn status(network: &mut Network) -> RouteStatus {
    let now = || chrono::Utc::now().naive_utc();
    network.runner.status(now).await.unwrap().routes.remove(0)
}

async fn alter(network: &mut Network, program: i64, set: &str) {
    network.run("b", &format!("UPDATE ds_program_parameter SET {set} WHERE id = {program}")).await;
}

async fn pointer(network: &mut Network, program: i64) -> i64 {
    let sql = format!("SELECT fromoutboxpointer FROM ds_program_parameter WHERE id = {program}");
    network.rows("b", &sql).await[0].parse().unwrap()
}

/// The program is run and refuses; what it says, and what to do about it.
async fn refusal(network: &mut Network, program: i64) -> (String, String) {
    let route = network.runner.routes()[0].clone();
    let said = if program == ROUTE {
        network.try_transport(ROUTE).await.unwrap_err()
    } else {
        network.try_import(ROUTE).await.unwrap_err()
    };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let error = if program == ROUTE {
        network.runner.transport(&route, &mut |_| {}).await.unwrap_err()
    } else {
        network.runner.import(&route, &stop, &mut |_| {}).await.unwrap_err()
    };
    let hint = Error::from(error).hint().unwrap();
    let status = status(network).await;
    let (altered, other) = if program == ROUTE {
        (status.transport_error, status.import_error)
    } else {
        (status.import_error, status.transport_error)
    };
    assert!(said.contains(&altered.unwrap()), "{said}");
    assert_eq!(other, None);
    for word in [&format!("program {program}"), "node `b`"] {
        assert!(said.contains(word), "{said}");
    }
    (said, hint)
}

#[test]
fn a_pointer_moved_forward_is_refused_until_it_is_back() {
    on_each_server(async |network| {
        for program in PROGRAMS {
            let reached = pointer(network, program).await;
            // By one, and by many; it names one that comes to be, and one that never will.
            for forward in [reached + 1, reached + 1_000_000] {
                alter(network, program, &format!("fromoutboxpointer = {forward}")).await;
                let (said, hint) = refusal(network, program).await;
                assert!(said.contains(&format!("is {forward}, but")), "{said}");
                assert!(said.contains(&format!("0 to {reached} is allowed")), "{said}");
                assert!(hint.contains(&format!("row {program} of")), "{hint}");
                assert!(hint.contains(&format!("to {reached}, where it was")), "{hint}");
            }
            let arrived = if program == ROUTE { 2 } else { 3 };
            assert_eq!(network.count("b", "ds_change_inbox").await, arrived);
            assert_eq!(network.count("b", "item").await, 2);
            alter(network, program, &format!("fromoutboxpointer = {reached}")).await;
            network.try_transport(ROUTE).await.unwrap();
        }
        network.drain().await;
        assert_eq!(network.count("b", "item").await, 3);
        assert_eq!(network.count("b", "ds_quarantine").await, 0);
    });
}

#[test]
fn a_pointer_set_back_or_begun_anew_is_a_rewind() {
    on_each_server(async |network| {
        let anew = "fromoutboxpointer = 0, cursor_state = NULL";
        for set in ["fromoutboxpointer = fromoutboxpointer - 1", "fromoutboxpointer = 0", anew] {
            for program in PROGRAMS {
                alter(network, program, set).await;
            }
            assert_eq!(status(network).await.transport_error, None);
            network.drain().await;
            assert_eq!(network.count("b", "ds_change_inbox").await, 3);
            assert_eq!(network.count("b", "item").await, 3);
            assert!(pointer(network, ROUTE).await > 0 && pointer(network, ROUTE + 1).await > 0);
        }
    });
}

/// A long page goes another way into the inbox than a short one, which knows nothing of what is
/// there already, and has its own way of writing texts.
#[test]
fn long_pages_bring_every_text_as_it_was_and_nothing_twice() {
    let texts =
        ["a\tb", "line\nbreak\rboth", "back\\slash", "\\N", "\\.", "it''s ~ \"quoted\"", ""];
    let shown = |id: usize, text: &str| format!("{id}|{}", text.replace("''", "'"));
    on_each_server(async |network| {
        network.limit(|limits| limits.batch_rows = 200).await;
        let escaped = |text: &str, brand| {
            if brand == Brand::Mysql { text.replace('\\', "\\\\") } else { text.to_owned() }
        };
        let brand = network.brand("a");
        let mut expected = vec!["1|one".to_owned(), "2|two".to_owned(), "3|three".to_owned()];
        // The second time all that arrived the first time is carried again, before what is new.
        for ids in [10..460, 460..1030] {
            let text = |id: usize| texts[id % texts.len()];
            let value = |id: usize| format!("({id}, '{}')", escaped(text(id), brand));
            let values: Vec<String> = ids.clone().map(value).collect();
            // Several transactions: on PostgreSQL several batches, of which each but the first
            // was read ahead.
            for values in values.chunks(50) {
                network.run("a", &format!("INSERT INTO item VALUES {}", values.join(", "))).await;
            }
            expected.extend(ids.map(|id| shown(id, text(id))));
            alter(network, ROUTE, "fromoutboxpointer = 0, cursor_state = NULL").await;
            network.drain().await;
            let arrived = network.rows("b", "SELECT id, name FROM item ORDER BY id").await;
            assert!(arrived == expected, "{}", network.brand("b"));
            let inbox = network.count("b", "ds_change_inbox").await;
            assert_eq!(usize::try_from(inbox), Ok(expected.len()));
        }
    });
}

#[test]
fn a_row_that_nobody_here_wrote_is_refused() {
    on_each_server(async |network| {
        for program in PROGRAMS {
            let sql = format!("SELECT cursor_state FROM ds_program_parameter WHERE id = {program}");
            let state = network.rows("b", &sql).await.remove(0).replace('\'', "''");
            let reached = pointer(network, program).await;
            for (set, expected) in [
                ("fromoutboxpointer = -1", "is -1; 0 is the beginning"),
                ("cursor_state = NULL", "`cursor_state` is NULL"),
                ("cursor_state = ''", "is not what Outrigger wrote"),
                ("cursor_state = 'garbage'", "is not what Outrigger wrote"),
                ("cursor_state = '{\"pointer\":\"9\"}'", "is not what Outrigger wrote"),
                ("cursor_state = '{\"pointer\":9,\"gaps\":[10]}'", "is not what Outrigger wrote"),
            ] {
                alter(network, program, set).await;
                let (said, hint) = refusal(network, program).await;
                assert!(said.contains(expected), "{said}");
                assert!(hint.contains("`fromoutboxpointer` to 0"), "{hint}");
                let back = format!("fromoutboxpointer = {reached}, cursor_state = '{state}'");
                alter(network, program, &back).await;
            }
            assert_eq!(network.count("b", "item").await, 2);
            network.try_transport(ROUTE).await.unwrap();
        }
        network.drain().await;
        assert_eq!(network.count("b", "item").await, 3);
    });
}
