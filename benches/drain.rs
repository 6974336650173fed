//! How fast a backlog of captured changes reaches the other database: transport plus import.
//!
//! `cargo bench --bench drain [-- --rows 100000 --rounds 5 --brand postgres --work updates
//! --tables 10 --present 1000000 --pair postgres:sqlite --json FILE]`. SQLite always; Postgres and
//! MariaDB where `OUTRIGGER_TEST_POSTGRES` and `OUTRIGGER_TEST_MYSQL` name a server on this
//! machine, as `tests/run --serve` prints them. Beside each drain of updates or inserts of one table within a
//! brand stands, in the same round, the ceiling of the engine (`support/ceiling.rs`); the ratio is
//! that of the two rates. `--pair` names pairs of brands instead, with commas between, `all` every
//! one. With `--tables` the application writes so many tables in turns, ten rows of each; with
//! `--present` so many other rows are in the first table of both nodes beforehand, half of them
//! before and half behind those that it writes. Processor time is that of this process, and of
//! the server with all that it starts. With `--peer bucardo` each round on PostgreSQL has a drain by
//! Bucardo beside it, where Debian's packages `bucardo` and `postgresql-plperl-15` are installed
//! (`benches/bucardo`). `benches/compare` runs this against another revision.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
#![expect(clippy::cast_precision_loss, reason = "a rate of whole rows is near enough")]

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/ceiling.rs"]
mod ceiling;
#[path = "support/databases.rs"]
mod databases;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/memory.rs"]
mod memory;
#[path = "support/orders.rs"]
mod orders;
#[path = "support/processes.rs"]
mod processes;
#[path = "support/sql.rs"]
mod sql;
#[path = "support/thread.rs"]
mod thread;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
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
use crate::figures::Figures;
use crate::sql::section;

/// Rows of a transaction of the application.
const APPLICATION_ROWS: usize = 100;

/// Rows of a statement of the application, where it writes several tables in turns.
const TURN_ROWS: usize = 10;

/// The brands of two nodes, and where their servers are.
type Pair<'a> = [&'a (Brand, String); 2];

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

/// How much there is to do, and beside how much.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// Changes.
    rows: usize,
    /// Tables that they are spread over.
    tables: usize,
    /// Other rows of the first table.
    present: usize,
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
    let (tables, present) = (arguments.number("--tables", 1), arguments.number("--present", 0));
    let size = Size { rows, tables, present };
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
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let servers = databases::servers(arguments.text("--brand"));
    for round in 0..rounds {
        for pair in pairs(&servers, arguments.text("--pair")) {
            for work in wanted.iter().copied() {
                let drain = runtime.block_on(measure(round, pair, work, size));
                print(pair, work, rows, &drain);
                let is_compared = arguments.text("--peer") == Some("bucardo")
                    && pair.iter().all(|one| one.0 == Brand::Postgres);
                let bucardo = is_compared.then(|| bucardo(&pair[0].1, work, rows));
                if let Some(time) = bucardo {
                    let name = format!("Bucardo, {}", work.name());
                    println!("{name:<48} {:>9.0}", rows as f64 / time.as_secs_f64());
                    let of = times.entry(work.name()).or_default();
                    of.push(time.as_secs_f64() / drain.both().as_secs_f64());
                }
                let ratio = drain.ratio();
                let of = ratios.entry((title(pair), work.name())).or_default();
                of.extend(ratio);
                drains.push(serde_json::json!({
                    "brand": pair[0].0.name(),
                    "to": pair[1].0.name(),
                    "tables": tables,
                    "present": present,
                    "work": work.name(),
                    "round": round,
                    "transport_s": drain.transport.as_secs_f64(),
                    "import_s": drain.import.as_secs_f64(),
                    "ceiling_copy_s": drain.ceiling.map(|(copy, _)| copy.as_secs_f64()),
                    "ceiling_apply_s": drain.ceiling.map(|(_, apply)| apply.as_secs_f64()),
                    "ratio": ratio,
                    "bucardo_s": bucardo.map(|time| time.as_secs_f64()),
                    "client_s": drain.client.as_secs_f64(),
                    "server_s": drain.server.as_secs_f64(),
                    "peak_mb": drain.peak_mb,
                }));
            }
        }
    }
    print_slower_sides(&drains);
    for (work, times) in times {
        let Figures { median, least, most } = Figures::of(times);
        println!("{median:.2} ({least:.2}-{most:.2}) times as fast as Bucardo, {work}");
    }
    println!("\nratio to the ceiling, median (range):");
    let mut parts = Vec::new();
    for ((pair, work), ratios) in ratios.into_iter().filter(|(_, ratios)| !ratios.is_empty()) {
        let figures = Figures::of(ratios);
        let Figures { median, least, most } = figures;
        println!("{:<28} {median:.2} ({least:.2}-{most:.2})", format!("{pair}, {work}"));
        parts.push(serde_json::json!({ "pair": pair, "work": work, "ratio": figures.json() }));
    }
    if let Some(path) = arguments.json() {
        let all = serde_json::json!({
            "benchmark": "drain", "rows": rows, "machine": machine, "drains": drains,
            "ratios": parts,
        });
        std::fs::write(path, format!("{all:#}\n")).expect("the file can be written");
    }
}

/// Between brands: the rate as a part of that of the slower one with itself.
fn print_slower_sides(drains: &[serde_json::Value]) {
    let mut times: BTreeMap<(&str, &str, &str), Vec<f64>> = BTreeMap::new();
    for drain in drains {
        let text = |name: &str| drain[name].as_str().unwrap_or_default();
        let time = |name: &str| drain[name].as_f64().unwrap_or_default();
        let of = times.entry((text("brand"), text("to"), text("work"))).or_default();
        of.push(time("transport_s") + time("import_s"));
    }
    let median =
        |of: &(&str, &str, &str)| times.get(of).map(|times| Figures::of(times.clone()).median);
    for pair @ (from, to, work) in times.keys().filter(|(from, to, _)| from != to) {
        let alone = [*from, *to].map(|brand| median(&(brand, brand, work)));
        let ([Some(one), Some(two)], Some(both)) = (alone, median(pair)) else { continue };
        let part = one.max(two) / both;
        println!("{from} to {to}, {work}: {part:.2} of the slower side's rate");
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

/// Each brand with itself, or the pairs that are named, as `postgres:sqlite`.
fn pairs<'a>(servers: &'a [(Brand, String)], named: Option<&str>) -> Vec<Pair<'a>> {
    let all = servers.iter().flat_map(|one| servers.iter().map(move |two| [one, two]));
    let is_wanted = |[one, two]: &Pair<'_>| match named {
        None => one.0 == two.0,
        Some("all") => true,
        Some(list) => {
            list.split(',').any(|name| name.split_once(':') == Some((one.0.name(), two.0.name())))
        }
    };
    all.filter(is_wanted).collect()
}

fn title([one, two]: Pair<'_>) -> String {
    format!("{} to {}", one.0, two.0)
}

fn print(pair: Pair<'_>, work: Work, rows: usize, drain: &Drain) {
    let rate = |time: Duration| rows as f64 / time.as_secs_f64();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / rows as f64;
    let ceiling = drain.ceiling.map(|(copy, apply)| format!("{:.0}", rate(copy + apply)));
    let ratio = drain.ratio().map(|ratio| format!("{ratio:.2}"));
    println!(
        "{:<28} {:>9.0} {:>9.0} {:>9.0} {:>9} {:>7} {:>11.1} {:>11.1} {:>8}",
        format!("{}, {}", title(pair), work.name()),
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

async fn measure(round: usize, pair: Pair<'_>, work: Work, size: Size) -> Drain {
    let Size { rows, tables, present } = size;
    let folder = std::env::temp_dir().join(format!("outrigger-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let urls = create_nodes(round, pair, &folder).await;
    let config = databases::configuration(&urls, tables);
    let (one, two) = (&urls[&NodeId::from("one")], &urls[&NodeId::from("two")]);
    for (node, url) in &urls {
        set_up(node, url, &config, if work == Work::Updates { rows } else { 0 }, present).await;
    }
    capture(one, work, (rows, tables)).await;
    let mut servers = BTreeSet::new();
    for url in urls.values() {
        let mut session = db::connect(url).await.expect("it answers");
        servers.extend(processes::server(session.as_mut()).await);
        session.close().await.expect("it closes");
    }

    let schema = databases::application(tables);
    let mut runner = Runner::new(config, schema, urls.clone(), BTreeMap::new());
    let route = runner.routes()[0].clone();
    let server_time = || servers.iter().copied().map(processes::time).sum::<Duration>();
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
    let mut ceiling = None;
    if tables == 1 && present == 0 && pair[0].0 == pair[1].0 {
        if work == Work::Inserts {
            empty(two).await;
        }
        ceiling = ceiling::ceiling(one, two, work, rows).await;
    }
    let _ = std::fs::remove_dir_all(&folder);
    Drain { transport, import, ceiling, client, server, peak_mb }
}

/// The same backlog, drained by Bucardo.
fn bucardo(server: &str, work: Work, rows: usize) -> Duration {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/bucardo");
    let command = Command::new(program).args([server, work.name(), &rows.to_string()]).output();
    let output = command.expect("benches/bucardo can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let seconds = String::from_utf8_lossy(&output.stdout);
    Duration::from_secs_f64(seconds.trim().parse().expect("it prints seconds"))
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

async fn create_nodes(round: usize, pair: Pair<'_>, folder: &Path) -> BTreeMap<NodeId, String> {
    let mut urls = BTreeMap::new();
    for (node, (brand, base)) in ["one", "two"].into_iter().zip(pair) {
        // A file is new in each round; a server's database goes and comes again.
        let (brand, name) = match brand {
            Brand::Sqlite => (*brand, format!("{node}-{round}")),
            _ => (*brand, format!("outrigger_bench_{node}")),
        };
        urls.insert(NodeId::from(node), databases::create(brand, base, folder, &name).await);
    }
    urls
}

/// The application's tables with their rows, and Outrigger's objects.
async fn set_up(node: &NodeId, url: &str, config: &Config, rows: usize, present: usize) {
    let tables = databases::tables(config.tables.len());
    let mut session = db::connect(url).await.expect("the node answers");
    for table in &tables {
        session.raw(&databases::ddl(table)).await.expect("the table can be made");
    }
    if present > 0 {
        let sql = section(session.brand(), "present").swap_remove(0);
        let sql = sql.replace("{rows}", &present.to_string());
        session.raw(&sql).await.expect("the other rows go in");
    }
    session.begin(Mode::Write).await.expect("it begins");
    for first in (0..rows).step_by(500) {
        for (table, first, end) in turns(&tables, first, rows.min(first + 500)) {
            session.raw(&orders::insert(table, first, end)).await.expect("the rows go in");
        }
    }
    session.commit().await.expect("it commits");
    databases::install(session.as_mut(), node, config).await;
    if session.brand() == Brand::Postgres {
        session.raw("ANALYZE").await.expect("it is a command");
    }
    session.close().await.expect("it closes");
}

/// Which table has which rows: one has them all, several ten rows each in turns.
fn turns(tables: &[String], first: usize, end: usize) -> Vec<(&str, usize, usize)> {
    let rows = if tables.len() == 1 { end - first } else { TURN_ROWS };
    let starts = (first..end).step_by(rows.max(1));
    starts
        .map(|start| {
            let table = &tables[start / TURN_ROWS % tables.len()];
            (table.as_str(), start, end.min(start + rows))
        })
        .collect()
}

/// What the application does.
async fn capture(url: &str, work: Work, (rows, tables): (usize, usize)) {
    let tables = databases::tables(tables);
    let mut session = db::connect(url).await.expect("the node answers");
    for first in (0..rows).step_by(APPLICATION_ROWS) {
        session.begin(Mode::Write).await.expect("it begins");
        for (table, first, end) in turns(&tables, first, rows.min(first + APPLICATION_ROWS)) {
            let sql = match work {
                Work::Inserts => orders::insert(table, first, end),
                Work::Updates => format!(
                    "UPDATE {table} SET quantity = quantity + 1 \
                     WHERE order_id BETWEEN 'ord{first:07}' AND 'ord{:07}'",
                    end - 1
                ),
            };
            session.raw(&sql).await.expect("the rows are written");
        }
        session.commit().await.expect("it commits");
    }
    session.close().await.expect("it closes");
}

fn removals(brand: Brand) -> Vec<String> {
    let urls = BTreeMap::from([
        (NodeId::from("one"), "sqlite:one.db".to_owned()),
        (NodeId::from("two"), "sqlite:two.db".to_owned()),
    ]);
    let plan = plan::plan(&databases::configuration(&urls, 1), &databases::application(1), brand)
        .expect("it can be planned");
    let scripts = scripts(&plan, &Templates::embedded(brand)).expect("it can be rendered");
    scripts
        .into_iter()
        .filter(|script| script.name.contains("capture"))
        .flat_map(|script| script.removal)
        .collect()
}
