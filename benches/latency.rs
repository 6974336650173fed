//! How long a committed change takes until it can be read on the other node, and what rest costs.
//!
//! `cargo bench --bench latency [-- --rate 100 --seconds 30 --idle 60 --every-ms 10000
//! --brand postgres --json FILE]`. SQLite always; Postgres and MariaDB where
//! `OUTRIGGER_TEST_POSTGRES` and `OUTRIGGER_TEST_MYSQL` name a server, as `tests/run --serve`
//! prints them.
//!
//! An application commits one row at a time at the given rate, whatever the others do. A reader
//! asks the target for the highest row again and again, with a pause of a millisecond, which is
//! the error of the figures. The time runs from when the application has the answer to its commit
//! until the reader has the row. A runner works as `outrigger run` does. After it the application
//! rests, and the statements that the server gets are counted: transactions of the database by
//! Postgres, questions by MariaDB, whose server must have nothing else to do.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
#![expect(clippy::cast_precision_loss, reason = "counts of a minute are small")]

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/databases.rs"]
mod databases;
#[path = "support/empty.rs"]
mod empty;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use outrigger::db::{self, Session};
use outrigger::dialect::Brand;
use outrigger::model::NodeId;
use outrigger::runner::{Failed, Next, Outcomes, Runner, Turn};
use tokio::task::JoinHandle;

use crate::arguments::Arguments;

/// The pause between two questions of the reader.
const READER_PAUSE: Duration = Duration::from_millis(1);

/// Rows before it is measured, so that statements are prepared and plans are there.
const WARM_UP: Duration = Duration::from_secs(3);

/// How long after the last row it is waited before rest is measured: the pauses have grown then.
const SETTLE: Duration = Duration::from_mins(1);

/// What was asked for.
struct Asked {
    rate: usize,
    rows: usize,
    warm_up_rows: usize,
    idle: Duration,
    every: Duration,
}

/// What one pair came to.
struct Found {
    /// Sorted.
    latencies: Vec<Duration>,
    /// How far behind its times the application was at most.
    lag: Duration,
    /// Statements in a minute of rest, for each node.
    idle: Option<f64>,
}

impl Found {
    fn part(&self, thousandths: usize) -> f64 {
        let at = (self.latencies.len() * thousandths / 1000).min(self.latencies.len() - 1);
        self.latencies[at].as_secs_f64() * 1e3
    }
}

fn main() {
    let arguments = Arguments::read();
    let rate = arguments.number("--rate", 100);
    let seconds = arguments.number("--seconds", 30);
    let warm_up = usize::try_from(WARM_UP.as_secs()).expect("it is short");
    let time = |name, default| u64::try_from(arguments.number(name, default)).expect("it fits");
    let asked = Asked {
        rate,
        rows: rate * (seconds + warm_up),
        warm_up_rows: rate * warm_up,
        idle: Duration::from_secs(time("--idle", 60)),
        every: Duration::from_millis(time("--every-ms", 10_000)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("the runtime starts");
    let machine = arguments::machine();
    println!(
        "{rate} transactions a second for {seconds} s, looked at every {:?} at least",
        asked.every
    );
    println!("{machine}\n");
    println!(
        "{:<28} {:>8} {:>8} {:>8} {:>8} {:>10} {:>16}",
        "pair, ms", "p50", "p95", "p99", "most", "writer lag", "idle, stmts/min"
    );
    let mut pairs = Vec::new();
    for (brand, base) in databases::servers(arguments.text("--brand")) {
        let found = runtime.block_on(measure(brand, &base, &asked));
        let idle = found.idle.map(|count| format!("{count:.1}"));
        let lag = found.lag.as_secs_f64() * 1e3;
        println!(
            "{:<28} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>10.1} {:>16}",
            format!("{brand} to {brand}"),
            found.part(500),
            found.part(950),
            found.part(990),
            found.part(1000),
            lag,
            idle.unwrap_or_else(|| "-".to_owned()),
        );
        pairs.push(serde_json::json!({
            "brand": brand.name(), "p50_ms": found.part(500), "p95_ms": found.part(950),
            "p99_ms": found.part(990), "most_ms": found.part(1000), "writer_lag_ms": lag,
            "idle_statements_per_minute": found.idle,
        }));
    }
    if let Some(path) = arguments.json() {
        let all = serde_json::json!({
            "benchmark": "latency", "rate": rate, "seconds": seconds, "machine": machine,
            "every_ms": asked.every.as_millis(), "pairs": pairs,
        });
        std::fs::write(path, format!("{all:#}\n")).expect("the file can be written");
    }
}

async fn measure(brand: Brand, base: &str, asked: &Asked) -> Found {
    let folder = std::env::temp_dir().join(format!("outrigger-latency-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let mut urls = BTreeMap::new();
    for node in ["one", "two"] {
        let name = format!("outrigger_latency_{node}");
        urls.insert(NodeId::from(node), databases::create(brand, base, &folder, &name).await);
    }
    let config = databases::configuration(&urls, 1);
    empty::set_up(&urls, &config).await;
    let stop = Arc::new(AtomicBool::new(false));
    let runner = Runner::new(config, databases::application(1), urls.clone(), BTreeMap::new());
    let (one, two) = (urls[&NodeId::from("one")].clone(), urls[&NodeId::from("two")].clone());
    let (found, ()) = tokio::join!(
        drive((brand, base), (one, two), asked, &stop),
        Box::pin(run(runner, asked.every, Arc::clone(&stop)))
    );
    let _ = std::fs::remove_dir_all(&folder);
    found
}

/// What the application and the reader do while the runner runs.
async fn drive(
    (brand, base): (Brand, &str),
    (one, two): (String, String),
    asked: &Asked,
    stop: &AtomicBool,
) -> Found {
    let reader = read(two, asked.rows);
    let writer = tokio::spawn(write(one, asked.rows, asked.rate, asked.warm_up_rows));
    let (committed, lag) = writer.await.expect("the application comes to an end");
    let seen = reader.await.expect("the reader comes to an end");
    let pairs = seen.iter().zip(&committed).skip(asked.warm_up_rows);
    let mut latencies: Vec<Duration> =
        pairs.map(|(seen, committed)| seen.saturating_duration_since(*committed)).collect();
    latencies.sort();

    let idle = match statements(brand, base).await {
        Some(_) if !asked.idle.is_zero() => {
            tokio::time::sleep(SETTLE).await;
            let before = statements(brand, base).await.expect("it was counted");
            tokio::time::sleep(asked.idle).await;
            let after = statements(brand, base).await.expect("it was counted");
            Some((after - before) as f64 / 2.0 * 60.0 / asked.idle.as_secs_f64())
        }
        _ => None,
    };
    stop.store(true, Ordering::Relaxed);
    Found { latencies, lag, idle }
}

/// As `outrigger run`, without a word.
async fn run(mut runner: Runner, every: Duration, stop: Arc<AtomicBool>) {
    let routes = runner.routes().to_vec();
    let mut watch = runner.watch(&routes, every).expect("the templates are right");
    while let Some(next) = watch.next(&stop).await {
        match next {
            Next::Turn(turn) => {
                let outcomes = take_turn(&mut runner, &turn, &stop).await;
                watch.done(&runner, &turn, outcomes);
            }
            Next::Trouble(error) => println!("{error}"),
        }
    }
    runner.close().await;
}

async fn take_turn(runner: &mut Runner, turn: &Turn, stop: &AtomicBool) -> Outcomes {
    let mut outcomes = Outcomes::default();
    let failed = |error: outrigger::runner::Error| {
        println!("{error}");
        Failed
    };
    if turn.transports {
        let carried = runner.transport(&turn.route, &mut |_| {}).await;
        outcomes.carried = Some(carried.map_err(failed));
    }
    let has_brought = outcomes.carried.is_some_and(|done| done.map_or(true, |o| o.written > 0));
    if turn.imports || has_brought {
        let imported = runner.import(&turn.route, stop, &mut |_| {}).await;
        outcomes.imported = Some(imported.map_err(failed));
    }
    outcomes
}

/// Commits one row at each of its times; when each was committed, and the largest delay.
async fn write(
    url: String,
    rows: usize,
    rate: usize,
    warm_up_rows: usize,
) -> (Vec<Instant>, Duration) {
    let mut session = db::connect(&url).await.expect("the node answers");
    let begin = Instant::now() + Duration::from_secs(1);
    let (mut committed, mut lag) = (Vec::with_capacity(rows), Duration::ZERO);
    for row in 0..rows {
        let due = begin + Duration::from_secs(1).mul_f64(row as f64 / rate as f64);
        tokio::time::sleep_until(due.into()).await;
        session.raw(&insert(row)).await.expect("the row is written");
        committed.push(Instant::now());
        if row >= warm_up_rows {
            lag = lag.max(due.elapsed());
        }
    }
    session.close().await.expect("it closes");
    (committed, lag)
}

fn insert(row: usize) -> String {
    format!(
        "INSERT INTO sales_order VALUES ('ord{row:07}', 'retail', 'new order', 'laptop', 'c1', 1, \
         '2025-04-25', '2025-04-25 10:30:00', 'mtp', 'one')"
    )
}

/// When each row was first seen. The rows are committed one after the other.
fn read(url: String, rows: usize) -> JoinHandle<Vec<Instant>> {
    tokio::spawn(async move {
        let mut session = db::connect(&url).await.expect("the node answers");
        let mut seen = Vec::with_capacity(rows);
        while seen.len() < rows {
            let found = highest(session.as_mut()).await;
            let now = Instant::now();
            seen.resize(found.max(seen.len()), now);
            tokio::time::sleep(READER_PAUSE).await;
        }
        session.close().await.expect("it closes");
        seen
    })
}

/// How many of the rows are there.
async fn highest(session: &mut dyn Session) -> usize {
    let sql = "SELECT max(order_id) AS highest FROM sales_order";
    let rows = session.fetch(sql, &[]).await.expect("it can be read");
    let highest = rows[0].text("highest");
    highest.map_or(0, |id| id.trim_start_matches("ord").parse::<usize>().expect("a number") + 1)
}

/// Statements that came from clients so far, this one not counted; `None` where nobody counts.
async fn statements(brand: Brand, base: &str) -> Option<i64> {
    let sql = match brand {
        Brand::Postgres => {
            "SELECT sum(xact_commit + xact_rollback)::bigint AS n FROM pg_stat_database \
             WHERE datname LIKE 'outrigger_latency_%'"
        }
        Brand::Mysql => {
            "SELECT CAST(VARIABLE_VALUE AS SIGNED) AS n FROM information_schema.GLOBAL_STATUS \
             WHERE VARIABLE_NAME = 'QUESTIONS'"
        }
        Brand::Sqlite | Brand::SqlServer => return None,
    };
    let mut session = db::connect(base).await.expect("the server answers");
    let rows = session.fetch(sql, &[]).await.expect("it counts");
    session.close().await.expect("it closes");
    rows[0].integer("n")
}
