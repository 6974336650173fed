//! What it costs to carry the same changes to many nodes: one hub, 1, 10 and 50 routes.
//!
//! `cargo bench --bench fan [-- --rows 20000 --routes 1,10,50 --brand postgres --json FILE]`. The
//! other nodes are files of SQLite. The application of the hub commits 100 rows at a time, and
//! after 500 rows each route has a turn, as `outrigger run` gives it. What counts is the processor
//! time of the hub's server (where it has one) and of this process: each for a change, and for a
//! change on one route. Where all routes read the outbox for themselves, the hub's time for a
//! change on one route is the same however many routes there are.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
#![expect(clippy::cast_precision_loss, reason = "microseconds for each change are near enough")]

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/databases.rs"]
mod databases;
#[path = "support/empty.rs"]
mod empty;
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

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use outrigger::db::{self, Mode, Session};
use outrigger::dialect::Brand;
use outrigger::model::NodeId;
use outrigger::plan::RoutePlan;
use outrigger::runner::Runner;

use crate::arguments::Arguments;

/// Rows of a transaction of the application.
const TRANSACTION_ROWS: usize = 100;

/// Rows between two turns of the routes.
const TURN_ROWS: usize = 500;

/// What carrying took.
struct Fan {
    clock: Duration,
    server: Duration,
    client: Duration,
    peak_mb: u64,
}

fn main() {
    let arguments = Arguments::read();
    let rows = arguments.number("--rows", 20_000);
    let routes = arguments.text("--routes").unwrap_or("1,10,50").split(',');
    let routes: Vec<usize> =
        routes.map(|word| word.parse().unwrap_or_else(|_| panic!("{word} is no number"))).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("the runtime starts");
    let machine = arguments::machine();
    println!("{rows} changes, {TURN_ROWS} between two turns of all routes");
    println!("{machine}\n");
    println!(
        "{:<12} {:>7} {:>17} {:>17} {:>17} {:>17} {:>9}",
        "hub",
        "routes",
        "hub, µs/change",
        "hub, µs/carried",
        "own, µs/carried",
        "clock, µs/carried",
        "peak, MB"
    );
    let mut fans = Vec::new();
    for (brand, base) in databases::servers(arguments.text("--brand")) {
        for routes in routes.iter().copied() {
            let fan = runtime.block_on(measure(brand, &base, routes, rows));
            let each = |time: Duration| time.as_secs_f64() * 1e6 / rows as f64;
            let carried = |time: Duration| each(time) / routes as f64;
            println!(
                "{:<12} {routes:>7} {:>17.1} {:>17.2} {:>17.2} {:>17.2} {:>9}",
                brand.to_string(),
                each(fan.server),
                carried(fan.server),
                carried(fan.client),
                carried(fan.clock),
                fan.peak_mb
            );
            fans.push(serde_json::json!({
                "brand": brand.name(),
                "routes": routes,
                "clock_s": fan.clock.as_secs_f64(),
                "server_s": fan.server.as_secs_f64(),
                "client_s": fan.client.as_secs_f64(),
                "peak_mb": fan.peak_mb,
            }));
        }
    }
    if let Some(path) = arguments.json() {
        let all = serde_json::json!({ "benchmark": "fan", "rows": rows, "machine": machine, "fans": fans });
        std::fs::write(path, format!("{all:#}\n")).expect("the file can be written");
    }
}

async fn measure(brand: Brand, base: &str, routes: usize, rows: usize) -> Fan {
    let folder = std::env::temp_dir().join(format!("outrigger-fan-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let hub = NodeId::from("one");
    let url = databases::create(brand, base, &folder, "outrigger_fan_one").await;
    let mut urls = BTreeMap::from([(hub.clone(), url)]);
    for number in 0..routes {
        let name = format!("spoke{number:03}");
        let url = databases::create(Brand::Sqlite, "", &folder, &name).await;
        urls.insert(NodeId::from(name.as_str()), url);
    }
    let config = databases::configuration(&urls, 1);
    empty::set_up(&urls, &config).await;
    let mut application = db::connect(&urls[&hub]).await.expect("the hub answers");
    let server = processes::server(application.as_mut()).await;
    let server_time = || server.map(processes::time).unwrap_or_default();

    let mut runner = Runner::new(config, databases::application(1), urls, BTreeMap::new());
    let plans = runner.routes().to_vec();
    assert_eq!(plans.len(), routes);
    let mut fan =
        Fan { clock: Duration::ZERO, server: Duration::ZERO, client: Duration::ZERO, peak_mb: 0 };
    // The first turn connects, and finds nothing.
    carry(&mut runner, &plans, 0).await;
    for first in (0..rows).step_by(TURN_ROWS) {
        let end = rows.min(first + TURN_ROWS);
        write(application.as_mut(), first, end).await;
        let (server, client, start) = (server_time(), processes::own_time(), Instant::now());
        carry(&mut runner, &plans, end - first).await;
        fan.clock += start.elapsed();
        fan.server += server_time().saturating_sub(server);
        fan.client += processes::own_time().saturating_sub(client);
    }
    fan.peak_mb = memory::peak_mb();
    runner.close().await;
    application.close().await.expect("it closes");
    let _ = std::fs::remove_dir_all(&folder);
    fan
}

/// A turn of each route, with so many changes.
async fn carry(runner: &mut Runner, plans: &[RoutePlan], changes: usize) {
    for plan in plans {
        let carried = runner.transport(plan, &mut |_| {}).await.expect("the route is carried");
        assert_eq!(carried.written, changes as u64);
    }
}

/// New rows of the hub's application.
async fn write(session: &mut dyn Session, first: usize, end: usize) {
    for first in (first..end).step_by(TRANSACTION_ROWS) {
        session.begin(Mode::Write).await.expect("it begins");
        let sql = orders::insert("sales_order", first, end.min(first + TRANSACTION_ROWS));
        session.raw(&sql).await.expect("the rows are written");
        session.commit().await.expect("it commits");
    }
}
