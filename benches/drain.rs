//! How fast a backlog of captured changes reaches the other database: transport plus import.
//!
//! `cargo bench --bench drain [-- --rows 100000 --rounds 5 --brand postgres --work updates
//! --json FILE]`. SQLite always; Postgres and MariaDB where `OUTRIGGER_TEST_POSTGRES` and
//! `OUTRIGGER_TEST_MYSQL` name a server on this machine, as `tests/run --serve` prints them.
//! Beside each drain of updates or inserts stands, in the same round, the ceiling of the engine
//! (`support/ceiling.rs`); the ratio is that of the two rates. Processor time is that of this
//! process, and of the server with all that it starts. `benches/compare` runs this against
//! another revision.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
#![expect(clippy::cast_precision_loss, reason = "a rate of whole rows is near enough")]

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/ceiling.rs"]
mod ceiling;
#[path = "support/databases.rs"]
mod databases;
#[path = "support/memory.rs"]
mod memory;
#[path = "support/processes.rs"]
mod processes;
#[path = "support/sql.rs"]
mod sql;
#[path = "support/thread.rs"]
mod thread;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use outrigger::config::Config;
use outrigger::db::{self, Mode};
use outrigger::dialect::Brand;
use outrigger::model::NodeId;
use outrigger::plan;
use outrigger::render::{Templates, scripts};
use outrigger::runner::Runner;

use crate::arguments::Arguments;

/// Rows of a transaction of the application.
const APPLICATION_ROWS: usize = 100;

/// What the application has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// One column of each row.
    Updates,
    /// The rows.
    Inserts,
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Updates => "updates",
            Self::Inserts => "inserts",
        }
    }
}

/// What one drain took.
struct Drain {
    transport: Duration,
    import: Duration,
    /// Copying and applying at the ceiling, where its programs are there.
    ceiling: Option<(Duration, Duration)>,
    /// Processor time of this process.
    client: Duration,
    /// Processor time of the server, where there is one.
    server: Duration,
    /// The largest resident set of this process until then.
    peak_mb: u64,
}

fn main() {
    let arguments = Arguments::read();
    let (rows, rounds) = (arguments.number("--rows", 100_000), arguments.number("--rounds", 3));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("the runtime starts");
    let machine = arguments::machine();
    println!("{rows} changes, captured in transactions of {APPLICATION_ROWS}");
    println!("{machine}\n");
    println!(
        "{:<28} {:>9} {:>9} {:>9} {:>9} {:>7} {:>11} {:>11} {:>8}",
        "pair, rows/s",
        "transport",
        "import",
        "both",
        "ceiling",
        "ratio",
        "client, µs",
        "server, µs",
        "peak, MB"
    );
    let all_work = [Work::Updates, Work::Inserts];
    let is_wanted = |work: &&Work| arguments.text("--work").is_none_or(|name| name == work.name());
    let wanted: Vec<Work> = all_work.iter().filter(is_wanted).copied().collect();
    let mut drains = Vec::new();
    let mut ratios: BTreeMap<(String, &str), Vec<f64>> = BTreeMap::new();
    for round in 0..rounds {
        for (brand, base) in databases::servers(arguments.text("--brand")) {
            for work in wanted.iter().copied() {
                let drain = runtime.block_on(measure(round, (brand, &base), work, rows));
                print(brand, work, rows, &drain);
                let ratio = drain.ratio();
                let of = ratios.entry((brand.to_string(), work.name())).or_default();
                of.extend(ratio);
                drains.push(serde_json::json!({
                    "brand": brand.name(),
                    "work": work.name(),
                    "round": round,
                    "transport_s": drain.transport.as_secs_f64(),
                    "import_s": drain.import.as_secs_f64(),
                    "ceiling_copy_s": drain.ceiling.map(|(copy, _)| copy.as_secs_f64()),
                    "ceiling_apply_s": drain.ceiling.map(|(_, apply)| apply.as_secs_f64()),
                    "ratio": ratio,
                    "client_s": drain.client.as_secs_f64(),
                    "server_s": drain.server.as_secs_f64(),
                    "peak_mb": drain.peak_mb,
                }));
            }
        }
    }
    println!("\nratio to the ceiling, median (range):");
    for ((brand, work), mut ratios) in ratios {
        ratios.sort_by(f64::total_cmp);
        let Some((least, most)) = ratios.first().zip(ratios.last()) else { continue };
        let median = ratios[ratios.len() / 2];
        println!("{:<28} {median:.2} ({least:.2}-{most:.2})", format!("{brand}, {work}"));
    }
    if let Some(path) = arguments.json() {
        let all = serde_json::json!({
            "benchmark": "drain", "rows": rows, "machine": machine, "drains": drains,
        });
        std::fs::write(path, format!("{all:#}\n")).expect("the file can be written");
    }
}

impl Drain {
    fn both(&self) -> Duration {
        self.transport + self.import
    }

    /// The drain's rate as a part of the ceiling's.
    fn ratio(&self) -> Option<f64> {
        let (copy, apply) = self.ceiling?;
        Some((copy + apply).as_secs_f64() / self.both().as_secs_f64())
    }
}

fn print(brand: Brand, work: Work, rows: usize, drain: &Drain) {
    let rate = |time: Duration| rows as f64 / time.as_secs_f64();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / rows as f64;
    let ceiling = drain.ceiling.map(|(copy, apply)| format!("{:.0}", rate(copy + apply)));
    let ratio = drain.ratio().map(|ratio| format!("{ratio:.2}"));
    println!(
        "{:<28} {:>9.0} {:>9.0} {:>9.0} {:>9} {:>7} {:>11.1} {:>11.1} {:>8}",
        format!("{brand} to {brand}, {}", work.name()),
        rate(drain.transport),
        rate(drain.import),
        rate(drain.both()),
        ceiling.unwrap_or_else(|| "-".to_owned()),
        ratio.unwrap_or_else(|| "-".to_owned()),
        each(drain.client),
        each(drain.server),
        drain.peak_mb
    );
}

async fn measure(round: usize, (brand, base): (Brand, &str), work: Work, rows: usize) -> Drain {
    let folder = std::env::temp_dir().join(format!("outrigger-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let urls = create_nodes(round, brand, base, &folder).await;
    let config = databases::configuration(&urls);
    let (one, two) = (&urls[&NodeId::from("one")], &urls[&NodeId::from("two")]);
    for (node, url) in &urls {
        set_up(node, url, &config, if work == Work::Updates { rows } else { 0 }).await;
    }
    capture(one, work, rows).await;
    let mut session = db::connect(one).await.expect("it answers");
    let server = processes::server(session.as_mut()).await;
    session.close().await.expect("it closes");

    let mut runner = Runner::new(config, databases::application(), urls.clone(), BTreeMap::new());
    let route = runner.routes()[0].clone();
    let server_time = || server.map_or(Duration::ZERO, processes::time);
    let (client_before, server_before) = (processes::own_time(), server_time());
    let start = Instant::now();
    let carried = runner.transport(&route, &mut |_| {}).await.expect("the route is carried");
    let transport = start.elapsed();
    assert_eq!(carried.written, rows as u64);
    let start = Instant::now();
    let stop = AtomicBool::new(false);
    let imported = runner.import(&route, &stop, &mut |_| {}).await.expect("the inbox is imported");
    let import = start.elapsed();
    let client = processes::own_time().saturating_sub(client_before);
    let server = server_time().saturating_sub(server_before);
    let peak_mb = memory::peak_mb();
    assert_eq!((imported.read, imported.quarantined), (rows as u64, 0));
    runner.close().await;
    if work == Work::Inserts {
        empty(two).await;
    }
    let ceiling = ceiling::ceiling(one, two, work, rows).await;
    let _ = std::fs::remove_dir_all(&folder);
    Drain { transport, import, ceiling, client, server, peak_mb }
}

/// The rows that were imported go again, as nobody's change.
async fn empty(url: &str) {
    let mut session = db::connect(url).await.expect("the node answers");
    for statement in removals(session.brand()) {
        session.raw(&statement).await.expect("the triggers go");
    }
    let sql = match session.brand() {
        Brand::Sqlite => "DELETE FROM sales_order",
        _ => "TRUNCATE TABLE sales_order",
    };
    session.raw(sql).await.expect("the rows go");
    session.close().await.expect("it closes");
}

async fn create_nodes(
    round: usize,
    brand: Brand,
    base: &str,
    folder: &Path,
) -> BTreeMap<NodeId, String> {
    let mut urls = BTreeMap::new();
    for node in ["one", "two"] {
        // A file is new in each round; a server's database goes and comes again.
        let name = match brand {
            Brand::Sqlite => format!("{node}-{round}"),
            _ => format!("outrigger_bench_{node}"),
        };
        urls.insert(NodeId::from(node), databases::create(brand, base, folder, &name).await);
    }
    urls
}

/// The application's table with its rows, and Outrigger's objects.
async fn set_up(node: &NodeId, url: &str, config: &Config, rows: usize) {
    let mut session = db::connect(url).await.expect("the node answers");
    session.raw(databases::SCHEMA).await.expect("the table can be made");
    session.begin(Mode::Write).await.expect("it begins");
    for first in (0..rows).step_by(500) {
        session.raw(&insert(first, rows.min(first + 500))).await.expect("the rows go in");
    }
    session.commit().await.expect("it commits");
    databases::install(session.as_mut(), node, config).await;
    if session.brand() == Brand::Postgres {
        session.raw("ANALYZE").await.expect("it is a command");
    }
    session.close().await.expect("it closes");
}

/// Rows of the application, as one statement.
fn insert(first: usize, end: usize) -> String {
    let values: Vec<String> = (first..end)
        .map(|n| {
            format!(
                "('ord{n:07}', 'retail', 'new order', 'laptop', 'c{}', {}, '2025-04-25', \
                 '2025-04-25 10:30:00', 'mtp', 'one')",
                n % 1000,
                n % 100
            )
        })
        .collect();
    format!("INSERT INTO sales_order VALUES {}", values.join(", "))
}

/// What the application does.
async fn capture(url: &str, work: Work, rows: usize) {
    let mut session = db::connect(url).await.expect("the node answers");
    for first in (0..rows).step_by(APPLICATION_ROWS) {
        let end = rows.min(first + APPLICATION_ROWS);
        let sql = match work {
            Work::Inserts => insert(first, end),
            Work::Updates => format!(
                "UPDATE sales_order SET quantity = quantity + 1 \
                 WHERE order_id BETWEEN 'ord{first:07}' AND 'ord{:07}'",
                end - 1
            ),
        };
        session.raw(&sql).await.expect("the rows are written");
    }
    session.close().await.expect("it closes");
}

fn removals(brand: Brand) -> Vec<String> {
    let urls = BTreeMap::from([
        (NodeId::from("one"), "sqlite:one.db".to_owned()),
        (NodeId::from("two"), "sqlite:two.db".to_owned()),
    ]);
    let plan = plan::plan(&databases::configuration(&urls), &databases::application(), brand)
        .expect("it can be planned");
    let scripts = scripts(&plan, &Templates::embedded(brand)).expect("it can be rendered");
    scripts
        .into_iter()
        .filter(|script| script.name.contains("capture"))
        .flat_map(|script| script.removal)
        .collect()
}
