//! Clocks that differ: measured, told, refused; and changes from nodes whose clock is ahead.

use std::time::Duration;

use outrigger::dialect::Brand;
use outrigger::runner::{RouteStatus, SkewState};

use crate::cli_support::outrigger;
use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

const SCHEMA: &str = "CREATE TABLE item (id integer PRIMARY KEY, name varchar(40))";
const ITEMS: &str = "SELECT id, name FROM item ORDER BY id";
/// Pairs: `a` with `b`, and `b` with `c`, which forwards.
const LINE: &[(&str, &str)] = &[("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")];
const A_TO_B: i64 = 1000;
const B_TO_A: i64 = 1002;
const B_TO_C: i64 = 1004;

async fn line(name: &str, a: &Server, b: &Server) -> Network {
    let blueprint = Blueprint {
        name,
        nodes: &[("a", a), ("b", b), ("c", b)],
        routes: LINE,
        tables: "  item: follow",
        schema: SCHEMA,
        batch_rows: 100,
    };
    Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await
}

/// `a` on each server that is there, `b` and `c` on one of another brand.
fn on_each_server(test: impl AsyncFn(&mut Network)) {
    let servers = ready_servers();
    for (index, server) in servers.iter().enumerate() {
        let other = servers[(index + 1) % servers.len()];
        if other.brand == server.brand {
            println!("skipped: {} needs a server of another brand", server.name);
            continue;
        }
        println!("on {}", server.name);
        support::block_on(async {
            test(&mut line(server.name, server, other).await).await;
        });
    }
}

/// Sets the clock of a node's brand ahead, as far as Outrigger asks for it.
async fn set_clock(network: &mut Network, id: &str, seconds: i64) {
    let brand = network.brand(id);
    let (now, then) = match brand {
        Brand::Sqlite => ("'now'", format!("'now', '{seconds} seconds'")),
        Brand::Postgres => {
            ("clock_timestamp()", format!("(clock_timestamp() + interval '{seconds} seconds')"))
        }
        Brand::Mysql => {
            ("UTC_TIMESTAMP(6)", format!("UTC_TIMESTAMP(6) + INTERVAL {seconds} SECOND"))
        }
        Brand::SqlServer => panic!("no SQL Server is at hand"),
    };
    for name in ["identify", "read_epoch"] {
        let path = format!("{}/templates/{brand}/run/{name}.sql.tera", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(now));
        let name = format!("run/{name}");
        network.override_template(brand, &name, text.replace(now, &then)).await;
    }
}

/// What `status` says of a route.
async fn status(network: &mut Network, route: i64) -> RouteStatus {
    let now = || chrono::Utc::now().naive_utc();
    let status = network.runner.status(now).await.unwrap();
    let route = status.routes.into_iter().find(|status| status.route == route).unwrap();
    let node = status.nodes.iter().find(|node| node.node == route.from).unwrap();
    assert!(node.skew >= route.skew);
    route
}

/// What there is to say of a route's clocks after an iteration.
async fn note(network: &mut Network, route: i64) -> Option<String> {
    let outcome = network.try_transport(route).await.unwrap();
    let route = network.runner.routes().iter().find(|known| known.id.0 == route).cloned().unwrap();
    network.runner.skew_note(&route, &outcome).map(|note| note.to_string())
}

#[test]
fn a_route_between_clocks_too_far_apart_is_refused_and_the_others_go_on() {
    on_each_server(async |network| {
        for id in ["a", "b", "c"] {
            network
                .run(id, &format!("INSERT INTO item VALUES ({}, 'new')", id.as_bytes()[0]))
                .await;
        }
        set_clock(network, "a", 90).await;
        for route in [A_TO_B, B_TO_A] {
            let text = network.try_transport(route).await.expect_err("it is refused");
            assert!(text.contains("the clock of node `a` is "), "{text}");
            assert!(text.contains("s ahead of node `b`, 60s is allowed"), "{text}");
            assert_eq!(status(network, route).await.skew, SkewState::Refused);
        }
        let skew_ms = status(network, B_TO_A).await.skew_ms.unwrap();
        assert!((-95_000..-85_000).contains(&skew_ms), "{skew_ms}");
        assert_eq!(network.try_transport(B_TO_C).await.unwrap().written, 1);
        assert_eq!(status(network, B_TO_C).await.skew, SkewState::Fine);

        network.limit(|limits| limits.skew_refusal = None).await;
        assert_eq!(network.try_transport(A_TO_B).await.unwrap().written, 1);
    });
}

#[test]
fn a_smaller_difference_is_said_once() {
    on_each_server(async |network| {
        assert_eq!(note(network, A_TO_B).await, None);
        set_clock(network, "a", -20).await;
        let text = note(network, A_TO_B).await.expect("there is something to say");
        assert!(text.starts_with("the clock of node `b` is "), "{text}");
        assert!(text.ends_with("s ahead of node `a`"), "{text}");
        assert_eq!(note(network, A_TO_B).await, None, "it was said");
        assert_eq!(status(network, A_TO_B).await.skew, SkewState::Warning);
        network.limit(|limits| limits.skew_warning = Some(Duration::from_secs(40))).await;
        assert_eq!(note(network, A_TO_B).await, None);
        assert_eq!(status(network, A_TO_B).await.skew, SkewState::Fine);
    });
}

/// What follows an imported change is newer than it, whatever the clocks say.
#[test]
fn a_change_after_one_from_a_clock_that_is_ahead_wins_everywhere() {
    let servers = ready_servers();
    for server in &servers {
        println!("on {}", server.name);
        support::block_on(async {
            let mut network = line(server.name, servers[0], server).await;
            network.run("a", "INSERT INTO item VALUES (1, 'first')").await;
            network.drain().await;
            network.run("a", "UPDATE item SET name = 'from the future' WHERE id = 1").await;
            stamp_ahead(&mut network, "a").await;
            network.drain().await;
            assert_eq!(network.rows("c", ITEMS).await, ["1|from the future"]);
            network.run("b", "UPDATE item SET name = 'after it' WHERE id = 1").await;
            network.drain().await;
            for id in network.ids() {
                assert_eq!(network.rows(&id, ITEMS).await, ["1|after it"], "on {id}");
            }
        });
    }
}

/// A transaction that began before an import may see the floor of stamps as it was then: what it
/// writes over the import is newer all the same.
#[test]
fn what_an_older_transaction_writes_over_an_import_wins_everywhere() {
    let servers = ready_servers();
    // On SQLite nothing is imported while a transaction is open.
    for server in servers.iter().filter(|server| server.brand != Brand::Sqlite) {
        println!("on {}", server.name);
        support::block_on(async {
            let mut network = line(server.name, servers[0], server).await;
            network.run("a", "INSERT INTO item VALUES (1, 'a'), (2, 'b'), (3, 'c')").await;
            network.drain().await;
            let mut older = network.connect("b").await;
            older.raw("START TRANSACTION").await.unwrap();
            older.raw("SELECT stamp_floor FROM ds_node").await.unwrap();
            network.run("a", "UPDATE item SET name = 'from the future'").await;
            stamp_ahead(&mut network, "a").await;
            network.turn().await;
            assert_eq!(network.rows("b", ITEMS).await[0], "1|from the future");
            for sql in [
                "UPDATE item SET name = 'after it' WHERE id = 1",
                "DELETE FROM item WHERE id = 2",
                "UPDATE item SET name = 'in between' WHERE id = 3",
                "DELETE FROM item WHERE id = 3",
                "INSERT INTO item VALUES (3, 'after it, too')",
                "COMMIT",
            ] {
                older.raw(sql).await.unwrap();
            }
            network.drain().await;
            for id in network.ids() {
                let rows = network.rows(&id, ITEMS).await;
                assert_eq!(rows, ["1|after it", "3|after it, too"], "on {id}");
            }
        });
    }
}

/// Has what a node has changed last, in one transaction, come from a clock that is ahead.
async fn stamp_ahead(network: &mut Network, id: &str) {
    let later = chrono::Utc::now() + chrono::Duration::hours(1);
    let later = later.format("%Y-%m-%d %H:%M:%S%.6f");
    let sql = format!(
        "UPDATE ds_change_outbox SET update_datetime = '{later}' WHERE object_operation = 'U'"
    );
    network.run(id, &sql).await;
}

/// The command says it on stderr, and not at every iteration.
#[test]
fn the_command_warns_once() {
    let shift =
        "'now', (SELECT CASE node_id WHEN 'a' THEN '20 seconds' ELSE '0 seconds' END FROM ds_node)";
    let template = |name: &str| {
        let path = format!("{}/templates/sqlite/run/{name}.sql.tera", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap().replace("'now'", shift)
    };
    let configuration = "database: testapp\nschema: { dialect: sqlite, files: [schema.sql] }\nnodes:\n  \
        a: { url: 'sqlite:a.db' }\n  b: { url: 'sqlite:b.db' }\n  c: { url: 'sqlite:c.db' }\n\
        tables: { item: follow }\nroutes:\n  - { id: 1000, from: a, to: b }\n  \
        - { id: 1002, from: b, to: c }\n";
    let mut run = outrigger("apply --node a")
        .file("outrigger.yaml", configuration)
        .file("schema.sql", SCHEMA)
        .file("clocks/sqlite/run/identify.sql.tera", template("identify"))
        .file("clocks/sqlite/run/read_epoch.sql.tera", template("read_epoch"));
    for id in ["a", "b", "c"] {
        run = run.file(&format!("{id}.db"), "");
    }
    // The command itself makes nothing of the application's.
    let run = run.exits_with(2);
    let folder = run.folder().to_owned();
    support::block_on(async {
        for id in ["a", "b", "c"] {
            let url = format!("sqlite:{}", folder.join(format!("{id}.db")).display());
            outrigger::db::connect(&url).await.unwrap().raw(SCHEMA).await.unwrap();
        }
    });
    let run = run
        .then("apply --node a")
        .exits_with(0)
        .then("apply --node b")
        .exits_with(0)
        .then("apply --node c");
    let run = run.exits_with(0).then("run --every 1ms --iterations 3 --templates clocks");
    let run = run.exits_with(0);
    let warnings: Vec<&str> =
        run.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(warnings.len(), 1, "{}", run.stderr);
    assert!(warnings[0].starts_with("warning: route 1000: the clock of node `a` is "));
    let run = run.then("status --templates clocks").exits_with(0);
    let said: Vec<&str> = run.stdout.lines().filter(|line| line.contains("warning")).collect();
    assert_eq!(said.len(), 3, "the route and its ends\n{}", run.stdout);
    let refusal = format!("{configuration}limits: {{ skew_refusal: 10s }}\n");
    std::fs::write(run.folder().join("outrigger.yaml"), refusal).unwrap();
    let run = run.then("transport --templates clocks").exits_with(2);
    assert!(run.stderr.contains("ahead of node `b`, 10s is allowed"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: set the clocks by a time server"), "{}", run.stderr);
    assert_eq!(run.stdout, "route 1002 (b to c): carried 0 changes\n");
}

/// Two nodes of SQLite with a table `item`, which has a last-update column.
async fn items_of_sqlite(name: &str, schema: &str) -> Network {
    let servers = ready_servers();
    let sqlite = servers.iter().find(|server| server.brand == Brand::Sqlite).unwrap();
    let blueprint = Blueprint {
        name,
        nodes: &[("a", sqlite), ("b", sqlite)],
        routes: &[("a", "b")],
        tables: "  item: { last_update: changed_at }",
        schema,
        batch_rows: 100,
    };
    Network::set_up(&blueprint, |_, _| schema.to_owned()).await
}

#[test]
fn a_last_update_of_sqlite_is_a_stamp_in_whatever_form_it_is_written() {
    let forms = [
        ("2025-01-01 10:00:00", "2025-01-01 10:00:00.000000"),
        ("2025-01-01T10:00:00", "2025-01-01 10:00:00.000000"),
        ("2025-01-01T10:00:00Z", "2025-01-01 10:00:00.000000"),
        ("2025-01-01T10:00:00.5Z", "2025-01-01 10:00:00.500000"),
        ("2025-01-01 10:00:00.123456", "2025-01-01 10:00:00.123456"),
        ("2025-01-01 10:00:00.123456789", "2025-01-01 10:00:00.123456"),
        ("2025-01-01T10:00:00+02:00", "2025-01-01 08:00:00.000000"),
        ("2025-01-01T10:00:00.25-02:00", "2025-01-01 12:00:00.250000"),
        // No time: the clock counts.
        ("2025-01-01 10:00:00 o'clock", ""),
        ("2025-01-01 10:00:00.5.5", ""),
        ("2025-01-01", ""),
        ("yesterday", ""),
    ];
    let schema = "CREATE TABLE item (id integer PRIMARY KEY, changed_at timestamp)";
    support::block_on(async {
        let mut network = items_of_sqlite("last-update-forms", schema).await;
        for (id, (form, _)) in forms.iter().enumerate() {
            let form = form.replace('\'', "''");
            network.run("a", &format!("INSERT INTO item VALUES ({id}, '2024-01-01')")).await;
            network.run("a", &format!("INSERT INTO item VALUES ({}, '{form}')", 100 + id)).await;
        }
        network
            .run("a", "DELETE FROM ds_change_outbox WHERE CAST(object_id AS integer) < 100")
            .await;
        for (id, (form, _)) in forms.iter().enumerate() {
            let form = form.replace('\'', "''");
            let sql = format!("UPDATE item SET changed_at = '{form}' WHERE id = {id}");
            network.run("a", &sql).await;
        }
        let sql = "SELECT CAST(object_id AS integer) % 100, update_datetime FROM ds_change_outbox";
        let found = network.rows("a", sql).await;
        assert_eq!(found.len(), 2 * forms.len());
        let is_now = |stamp: &str| {
            let form = "%Y-%m-%d %H:%M:%S%.6f";
            let stamp = chrono::NaiveDateTime::parse_from_str(stamp, form);
            stamp.is_ok_and(|stamp| {
                chrono::Utc::now().naive_utc() - stamp < chrono::TimeDelta::hours(1)
            })
        };
        for row in found {
            let (id, stamp) = row.split_once('|').unwrap();
            let (form, expected) = forms[id.parse::<usize>().unwrap()];
            let is_right = if expected.is_empty() { is_now(stamp) } else { stamp == expected };
            assert!(is_right, "`{form}` became `{stamp}`");
        }
    });
}

/// Stamps of updates, one by one: what the row said before, what it says now, and what has to come.
#[test]
fn an_update_of_sqlite_is_never_stamped_before_what_the_row_said() {
    let updates = [
        ("2025-01-01 10:00:00", "2025-01-01 11:00:00", "2025-01-01 11:00:00.000000"),
        ("2025-01-01 10:00:00", "2025-01-01 09:00:00", "2025-01-01 10:00:00.000000"),
        ("2025-01-01T10:00:00", "2025-01-01 11:00:00", "2025-01-01 11:00:00.000000"),
        ("2025-01-01T10:00:00", "2025-01-01 09:00:00", "2025-01-01 10:00:00.000000"),
        ("2025-01-01 10:00:00.5", "2025-01-01 10:00:00", "2025-01-01 10:00:00.500000"),
        ("2025-01-01 10:00:00", "2025-01-01T09:00:00", "2025-01-01 10:00:00.000000"),
        // It says ten, and it was three in the afternoon.
        ("2025-01-01 10:00:00-05:00", "2025-01-01 11:00:00", "2025-01-01 15:00:00.000000"),
        // No time, which would be after all others.
        ("in the year two 9999", "2025-01-01 11:00:00", "2025-01-01 11:00:00.000000"),
        // It stays as it is.
        ("2999-01-01 10:00:00", "2999-01-01 10:00:00", "2999-01-01 10:00:00.000000"),
        // What an import has raised the floor to.
        ("2024-01-01 10:00:00", "2024-01-01 11:00:00", "2024-12-31 23:59:59.500000"),
    ];
    // It stays as it is, says an hour ago, and will be in four.
    let (hour, now) = (chrono::TimeDelta::hours(1), chrono::Utc::now());
    let ahead = (now - hour).format("%Y-%m-%d %H:%M:%S-05:00").to_string();
    let stamp = (now + hour * 4).format("%Y-%m-%d %H:%M:%S.000000").to_string();
    let updates = updates.into_iter().chain([(&*ahead, &*ahead, &*stamp)]);
    let schema = "CREATE TABLE item (id integer PRIMARY KEY, n integer, changed_at timestamp)";
    support::block_on(async {
        let mut network = items_of_sqlite("last-update-before", schema).await;
        let floor = "UPDATE ds_node SET stamp_floor = '2024-12-31 23:59:59.500000'";
        network.run("a", floor).await;
        for (before, now, expected) in updates {
            network.run("a", &format!("INSERT INTO item VALUES (1, 1, '{before}')")).await;
            let sql = format!("UPDATE item SET n = 2, changed_at = '{now}'");
            network.run("a", &sql).await;
            let sql = "SELECT update_datetime FROM ds_change_outbox WHERE object_operation = 'U'";
            assert_eq!(network.rows("a", sql).await, [expected], "`{before}`, then `{now}`");
            network.run("a", "DELETE FROM item").await;
            network.run("a", "DELETE FROM ds_change_outbox").await;
        }
    });
}
