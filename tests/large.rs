//! Values that are larger than any page: they arrive as they are, in a bounded memory.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use outrigger::db::{Mode, Session};
use outrigger::dialect::Brand;
use outrigger::model::Value;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

const SCHEMA: &str = "CREATE TABLE note (id integer PRIMARY KEY, title varchar(40), body text)";
const NODES: [&str; 3] = ["a", "b", "c"];
const MEGABYTE: usize = 1 << 20;

/// So large is a value.
const VALUE: usize = 24 * MEGABYTE;

/// What a process of `outrigger` takes besides.
const BESIDES: usize = 48 * MEGABYTE;

/// Every value is another, and has what is escaped on the way.
fn text(id: i64) -> String {
    let line = format!("{id} \u{e9}\u{20ac}\u{1f600} \"\\\t\n");
    let filled = line + &"0123456789abcdef".repeat(64);
    let mut text = filled.repeat(VALUE / filled.len());
    text.truncate(text.floor_char_boundary(VALUE - 1));
    text + "."
}

/// Two routes lead from `a`, so that what one of them reads could be kept for the other.
async fn set_up(server: &Server) -> (Network, tempfile::TempDir) {
    let blueprint = Blueprint {
        name: server.name,
        nodes: &NODES.map(|node| (node, server)),
        routes: &[("a", "b"), ("a", "c")],
        tables: "  note: follow",
        schema: SCHEMA,
        batch_rows: 2,
    };
    let network = Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await;
    let url = |node: &str| format!("  {node}: {{ url: '{}' }}\n", network.url(node));
    let route = |route: &outrigger::config::Route| {
        format!("  - {{ id: {}, from: {}, to: {} }}\n", route.id.0, route.from, route.to)
    };
    let config = format!(
        "database: testapp\nschema: {{ dialect: postgres, files: [schema.sql] }}\n\
         nodes:\n{}tables: {{ note: follow }}\nroutes:\n{}limits: {{ batch_rows: 2 }}\n",
        NODES.map(url).concat(),
        network.configured_routes().iter().map(route).collect::<String>(),
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("outrigger.yaml"), config).unwrap();
    std::fs::write(folder.path().join("schema.sql"), SCHEMA).unwrap();
    (network, folder)
}

async fn insert(session: &mut dyn Session, id: i64) {
    let parameter = session.brand().dialect().parameter(1);
    let sql = format!("INSERT INTO note VALUES ({id}, 'n', {parameter})");
    assert_eq!(session.execute(&sql, &[Value::Text(text(id))]).await, Ok(1));
}

/// Runs a verb to its end; the most memory that the process had, in bytes.
fn peak(folder: &Path, verb: &str) -> usize {
    let mut child = Command::new(env!("CARGO_BIN_EXE_outrigger"))
        .arg(verb)
        .current_dir(folder)
        .env_clear()
        // Else the allocator keeps room for the next, now and then, and it is no longer exact.
        .env("MALLOC_MMAP_THRESHOLD_", "1048576")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut most = 0;
    loop {
        most = most.max(resident(&child).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{verb}: {status}");
            return most;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The most memory that a process has had until now, where the system says it.
fn resident(child: &Child) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? * 1024)
}

/// Carries and imports what waits, each within a bound.
fn check_peaks(server: &Server, folder: &Path, bounds: [usize; 2]) {
    for (verb, bound) in ["transport", "import"].into_iter().zip(bounds) {
        let most = peak(folder, verb);
        println!("{} {verb}: {} MB", server.name, most / MEGABYTE);
        assert!(most <= bound + BESIDES, "{verb}: {} MB", most / MEGABYTE);
    }
}

async fn check_arrived(network: &mut Network, ids: &[i64]) {
    for node in NODES {
        for id in ids {
            let sql = format!("SELECT body FROM note WHERE id = {id}");
            let found = network.rows(node, &sql).await;
            assert!(found.len() == 1 && found[0] == text(*id), "{node}: value {id}");
        }
    }
}

#[test]
fn large_values_over_two_routes_take_the_memory_of_one() {
    for server in ready_servers() {
        // SQLite works in this process, with copies of its own.
        let bounds = match server.brand {
            Brand::Sqlite => [7 * VALUE / 2, 11 * VALUE / 2],
            Brand::Postgres => [4 * VALUE, 9 * VALUE / 2],
            Brand::Mysql | Brand::SqlServer => continue,
        };
        println!("on {}", server.name);
        support::block_on(async {
            let (mut network, folder) = set_up(server).await;
            for id in [1, 2, 3] {
                insert(network.application("a"), id).await;
            }
            check_peaks(server, folder.path(), bounds);
            check_arrived(&mut network, &[1, 2, 3]).await;

            // In one change set, which goes on behind each page of it.
            let session = network.application("a");
            session.begin(Mode::Write).await.unwrap();
            for id in [4, 5] {
                insert(&mut *session, id).await;
            }
            session.commit().await.unwrap();
            check_peaks(server, folder.path(), bounds);
            check_arrived(&mut network, &[4, 5]).await;
        });
    }
}
