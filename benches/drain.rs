//! How fast a backlog of captured changes reaches the other database: transport plus import.
//!
//! `cargo bench --bench drain [-- --rows 100000 --rounds 3 --brand postgres --json FILE]`. SQLite
//! always; Postgres and MariaDB where `OUTRIGGER_TEST_POSTGRES` and `OUTRIGGER_TEST_MYSQL` name a
//! server on this machine, as `tests/run --serve` prints them. Beside each drain stands the bare
//! engine in the same round: the same updates as single-row statements with bound values, 1,000
//! to a transaction, by the same driver. Processor time is that of this process, and of the
//! server with all that it starts. `benches/compare` runs this against another revision.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
#![expect(clippy::cast_precision_loss, reason = "a rate of whole rows is near enough")]

#[path = "support/arguments.rs"]
mod arguments;
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
use outrigger::model::{NodeId, Value};
use outrigger::plan;
use outrigger::render::{Templates, scripts};
use outrigger::runner::Runner;

use crate::arguments::Arguments;

/// Rows of a transaction of the application.
const APPLICATION_ROWS: usize = 100;

/// Rows of a transaction of the bare engine.
const BARE_ROWS: usize = 1_000;

/// What one drain took.
struct Drain {
    transport: Duration,
    import: Duration,
    /// The bare engine.
    bare: Duration,
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
    println!("{rows} single-column updates, captured in transactions of {APPLICATION_ROWS}");
    println!("{machine}\n");
    println!(
        "{:<22} {:>9} {:>9} {:>9} {:>9} {:>9} {:>11} {:>11} {:>8}",
        "pair, rows/s",
        "transport",
        "import",
        "both",
        "bare",
        "both/bare",
        "client, µs",
        "server, µs",
        "peak, MB"
    );
    let mut drains = Vec::new();
    for round in 0..rounds {
        for (brand, base) in databases::servers(arguments.text("--brand")) {
            let drain = runtime.block_on(measure(round, brand, &base, rows));
            print(brand, rows, &drain);
            drains.push(serde_json::json!({
                "brand": brand.name(),
                "round": round,
                "transport_s": drain.transport.as_secs_f64(),
                "import_s": drain.import.as_secs_f64(),
                "bare_s": drain.bare.as_secs_f64(),
                "client_s": drain.client.as_secs_f64(),
                "server_s": drain.server.as_secs_f64(),
                "peak_mb": drain.peak_mb,
            }));
        }
    }
    if let Some(path) = arguments.json() {
        let all = serde_json::json!({
            "benchmark": "drain", "rows": rows, "machine": machine, "drains": drains,
        });
        std::fs::write(path, format!("{all:#}\n")).expect("the file can be written");
    }
}

fn print(brand: Brand, rows: usize, drain: &Drain) {
    let rate = |time: Duration| rows as f64 / time.as_secs_f64();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / rows as f64;
    let both = drain.transport + drain.import;
    println!(
        "{:<22} {:>9.0} {:>9.0} {:>9.0} {:>9.0} {:>9.2} {:>11.1} {:>11.1} {:>8}",
        format!("{brand} to {brand}"),
        rate(drain.transport),
        rate(drain.import),
        rate(both),
        rate(drain.bare),
        drain.bare.as_secs_f64() / both.as_secs_f64(),
        each(drain.client),
        each(drain.server),
        drain.peak_mb
    );
}

async fn measure(round: usize, brand: Brand, base: &str, rows: usize) -> Drain {
    let folder = std::env::temp_dir().join(format!("outrigger-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let urls = create_nodes(round, brand, base, &folder).await;
    let config = databases::configuration(&urls);
    for (node, url) in &urls {
        set_up(node, url, &config, rows).await;
    }
    capture(&urls[&NodeId::from("one")], rows).await;
    let mut session = db::connect(&urls[&NodeId::from("one")]).await.expect("it answers");
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
    let without = bare(&urls[&NodeId::from("two")], rows).await;
    let _ = std::fs::remove_dir_all(&folder);
    Drain { transport, import, bare: without, client, server, peak_mb }
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
        let values: Vec<String> = (first..rows.min(first + 500))
            .map(|n| {
                format!(
                    "('ord{n:07}', 'retail', 'new order', 'laptop', 'c{}', {}, '2025-04-25', \
                     '2025-04-25 10:30:00', 'mtp', 'one')",
                    n % 1000,
                    n % 100
                )
            })
            .collect();
        let sql = format!("INSERT INTO sales_order VALUES {}", values.join(", "));
        session.raw(&sql).await.expect("the rows go in");
    }
    session.commit().await.expect("it commits");
    databases::install(session.as_mut(), node, config).await;
    if session.brand() == Brand::Postgres {
        session.raw("ANALYZE").await.expect("it is a command");
    }
    session.close().await.expect("it closes");
}

/// The application's updates.
async fn capture(url: &str, rows: usize) {
    let mut session = db::connect(url).await.expect("the node answers");
    for first in (0..rows).step_by(APPLICATION_ROWS) {
        let last = rows.min(first + APPLICATION_ROWS) - 1;
        let sql = format!(
            "UPDATE sales_order SET quantity = quantity + 1 \
             WHERE order_id BETWEEN 'ord{first:07}' AND 'ord{last:07}'"
        );
        session.raw(&sql).await.expect("the rows are updated");
    }
    session.close().await.expect("it closes");
}

/// The same updates on the bare table.
async fn bare(url: &str, rows: usize) -> Duration {
    let mut session = db::connect(url).await.expect("the node answers");
    let brand = session.brand();
    for statement in removals(brand) {
        session.raw(&statement).await.expect("the triggers go");
    }
    let dialect = brand.dialect();
    let sql = format!(
        "UPDATE sales_order SET quantity = CAST({} AS DECIMAL(10)) WHERE order_id = {}",
        dialect.parameter(1),
        dialect.parameter(2)
    );
    let start = Instant::now();
    for first in (0..rows).step_by(BARE_ROWS) {
        session.begin(Mode::Write).await.expect("it begins");
        for n in first..rows.min(first + BARE_ROWS) {
            let number = Value::Integer(i64::try_from(n % 100).unwrap_or(0));
            let values = [number, Value::Text(format!("ord{n:07}"))];
            session.execute(&sql, &values).await.expect("the row is updated");
        }
        session.commit().await.expect("it commits");
    }
    let elapsed = start.elapsed();
    session.close().await.expect("it closes");
    elapsed
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
