//! Transactions interleaved step by step, in the manner of Hermitage: what becomes of each anomaly
//! on each brand, as the table in `docs/anomalies.md`.

#[path = "interleave/scripts.rs"]
mod scripts;

use std::path::Path;
use std::time::{Duration, Instant};

use outrigger::db::{FaultKind, Mode, Session};
use outrigger::dialect::Brand;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

const SCHEMA: &str = "
CREATE TABLE parent (id integer PRIMARY KEY, note varchar(60), quantity integer);
CREATE TABLE child (
    id integer PRIMARY KEY,
    parent_id integer NOT NULL REFERENCES parent (id),
    note varchar(60)
);
";

const PARENTS: &str = "SELECT id, note FROM parent ORDER BY id";
const CHILDREN: &str = "SELECT id, parent_id FROM child ORDER BY id";

/// What a brand that lets one transaction write at a time makes of two that do.
const ONE_WRITER: &str = "cannot happen: one writer at a time";

/// How long a statement may take to begin waiting.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two nodes of one brand, with the parents 1 and 2 on both.
struct Stage {
    network: Network,
    brand: Brand,
}

impl Stage {
    async fn set_up(name: &str, server: &Server) -> Self {
        let blueprint = Blueprint {
            name: &format!("{name}_{}", server.name),
            nodes: &[("a", server), ("b", server)],
            routes: &[("a", "b"), ("b", "a")],
            tables: "  parent: follow\n  child: follow",
            schema: SCHEMA,
            // The set of `partial_set` is larger than a page.
            batch_rows: 2,
        };
        let mut network = Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await;
        network.run("a", "INSERT INTO parent VALUES (1, 'old', 1), (2, 'old', 1)").await;
        network.drain().await;
        Self { network, brand: server.brand }
    }

    /// An open transaction on a node that has done something; `None` where another one has to
    /// end before it can.
    async fn begin(&mut self, node: &str, sql: &str) -> Option<Box<dyn Session>> {
        let mut session = self.network.connect(node).await;
        if self.brand == Brand::Sqlite {
            // It would wait for the other one, which is at another step of the same script.
            session.raw("PRAGMA busy_timeout = 0").await.unwrap();
        }
        let begun = session.begin(Mode::Write).await;
        if begun.is_err_and(|fault| fault.kind == FaultKind::Transient) {
            return None;
        }
        session.raw(sql).await.unwrap();
        Some(session)
    }

    /// Carries and imports everything from one node to the other.
    async fn carry(&mut self, route: i64) {
        self.network.try_transport(route).await.unwrap();
        self.network.try_import(route).await.unwrap();
    }

    /// Imports from a to b, and does something when the import waits for a lock; false when it
    /// ended without waiting, and nothing else was done.
    async fn when_import_waits(&mut self, step: impl AsyncFnOnce()) -> bool {
        let mut watcher = self.network.connect("b").await;
        let brand = self.brand;
        let mut import = Box::pin(self.network.try_import(1000));
        let begin = Instant::now();
        loop {
            let waits = tokio::select! {
                biased;
                waits = is_waiting(brand, &mut *watcher) => waits,
                done = &mut import => {
                    done.unwrap();
                    return false;
                }
            };
            if waits {
                break;
            }
            assert!(begin.elapsed() < PATIENCE, "the import neither waits nor ends");
        }
        step().await;
        import.await.unwrap();
        true
    }

    /// The rows of a query, the same on both nodes when everything has drained.
    async fn end(&mut self, sql: &str) -> Vec<String> {
        self.network.drain().await;
        let [a, b] = [self.network.rows("a", sql).await, self.network.rows("b", sql).await];
        assert_eq!(a, b, "the nodes differ");
        for node in ["a", "b"] {
            assert_eq!(self.network.count(node, "ds_quarantine").await, 0);
        }
        a
    }

    /// The conflicts that are listed on either node, in words.
    async fn listed(&mut self) -> String {
        let mut types = Vec::new();
        for node in ["a", "b"] {
            let sql = "SELECT DISTINCT conflict_type FROM ds_conflict ORDER BY conflict_type";
            types.extend(self.network.rows(node, sql).await);
        }
        types.sort();
        types.dedup();
        if types.is_empty() {
            return "no conflict".to_owned();
        }
        let quoted: Vec<String> = types.iter().map(|name| format!("`{name}`")).collect();
        format!("{} listed", quoted.join(", "))
    }
}

/// Between two looks at what waits. `InnoDB` renews its list of transactions only when nobody has
/// read it for a tenth of a second: who looks more often sees what was there at the first look.
const LOOK: Duration = Duration::from_millis(150);

/// Whether a statement of the database waits for a lock. SQLite has no list of them; but there an
/// import waits for whoever writes at its very beginning, whenever that is.
async fn is_waiting(brand: Brand, watcher: &mut dyn Session) -> bool {
    tokio::time::sleep(LOOK).await;
    let sql = match brand {
        Brand::Sqlite => return true,
        Brand::Postgres => {
            "SELECT count(*) AS n FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'"
        }
        Brand::Mysql => {
            "SELECT count(*) AS n FROM information_schema.innodb_trx AS t \
             JOIN information_schema.processlist AS p ON p.id = t.trx_mysql_thread_id \
             WHERE p.db = DATABASE() AND t.trx_state = 'LOCK WAIT'"
        }
        Brand::SqlServer => {
            "SELECT count(*) AS n FROM sys.dm_exec_requests \
             WHERE database_id = DB_ID() AND wait_type LIKE 'LCK%'"
        }
    };
    let rows = watcher.fetch(sql, &[]).await.unwrap();
    rows[0].integer("n").unwrap() > 0
}

/// One line of the table: what happened on each server that is there.
fn play(name: &str, script: impl AsyncFn(&mut Stage) -> String) -> Vec<(Brand, String)> {
    let mut seen = Vec::new();
    for server in ready_servers() {
        println!("{name} on {}", server.name);
        support::block_on(async {
            let mut stage = Stage::set_up(name, server).await;
            seen.push((server.brand, script(&mut stage).await));
        });
    }
    seen
}

const DOCUMENT: &str = "docs/anomalies.md";

const BEGINNING: &str = "# What concurrency can do\n\n\
Scripts of interleaved transactions, in the manner of Hermitage, and what came of them: \
`tests/interleave/scripts.rs` has the exact steps, and a test compares this page with what it sees.\n\
Both nodes, a and b, are of the brand of the column. \
\"Converges\" means that both nodes ended with the same rows.\n\
SQL Server is not run here; see [README.md](../README.md#what-the-tests-really-run).\n\n";

/// The document with what was seen; a brand that is not here keeps what the document says.
fn document(known: &str, table: &[scripts::Line]) -> String {
    let mut text = BEGINNING.to_owned();
    let titles: Vec<&str> = Brand::ALL.iter().map(|brand| brand.dialect().title.as_str()).collect();
    text.push_str(&format!("| | {} |\n|---|{}\n", titles.join(" | "), "---|".repeat(titles.len())));
    for line in table {
        let before = known.lines().find(|known| known.starts_with(&format!("| {} |", line.title)));
        let cell = |(at, brand): (usize, &Brand)| {
            let mut seen =
                line.seen.iter().filter(|(of, _)| of == brand).map(|(_, text)| text.as_str());
            let Some(first) = seen.next() else {
                let old = before.and_then(|line| line.split(" | ").nth(at + 1));
                return old.unwrap_or("not run").trim_end_matches(" |").to_owned();
            };
            // Two flavours of a brand that differ are both said.
            seen.filter(|other| *other != first)
                .fold(first.to_owned(), |all, other| all + "; or " + other)
        };
        let cells: Vec<String> = Brand::ALL.iter().enumerate().map(cell).collect();
        text.push_str(&format!("| {} | {} |\n", line.title, cells.join(" | ")));
    }
    text.push_str("\n## The steps\n\n");
    for line in table {
        text.push_str(&format!("- **{}**: {}\n", line.title, line.steps));
    }
    text
}

#[test]
fn the_document_of_anomalies_says_what_is_seen() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let text = document(&known, &scripts::play_all());
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        std::fs::write(&path, &text).unwrap();
        return;
    }
    assert_eq!(known, text, "{DOCUMENT} is not what was seen; INSTA_UPDATE=always writes it");
}
