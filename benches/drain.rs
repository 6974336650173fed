//! How fast a backlog of captured changes reaches the other database: transport plus import.
//!
//! `cargo bench --bench drain [-- --rows 100000 --rounds 3]`. SQLite always; Postgres and MySQL
//! or MariaDB where `OUTRIGGER_TEST_POSTGRES` and `OUTRIGGER_TEST_MYSQL` name a server, as
//! `tests/run --serve` prints them. Beside each drain stands the bare engine in the same round:
//! the same updates as single-row statements with bound values, 1,000 to a transaction, by the
//! same driver.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
#![expect(clippy::cast_precision_loss, reason = "a rate of whole rows is near enough")]

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use outrigger::config::{self, Config};
use outrigger::db::{self, Mode};
use outrigger::dialect::Brand;
use outrigger::model::{NodeId, Schema, Value};
use outrigger::plan::{self, plan_routes};
use outrigger::render::{Templates, scripts};
use outrigger::runner::Runner;
use outrigger::schema::{self, Source};

/// Rows of a transaction of the application.
const APPLICATION_ROWS: usize = 100;

/// Rows of a transaction of the bare engine.
const BARE_ROWS: usize = 1_000;

const SCHEMA: &str = "CREATE TABLE sales_order (
    order_id varchar(40) PRIMARY KEY, order_type varchar(30), description varchar(200),
    product_type_name varchar(30), customer_id varchar(30), quantity integer, order_date date,
    update_datetime timestamp, updated_by_user varchar(30), updated_by_server varchar(30))";

struct Arguments {
    rows: usize,
    rounds: usize,
}

fn main() {
    let arguments = arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("the runtime starts");
    println!(
        "{} single-column updates, captured in transactions of {APPLICATION_ROWS}; rows a second",
        arguments.rows
    );
    println!(
        "{:<22} {:>9} {:>9} {:>9} {:>9} {:>11} {:>8}",
        "pair", "transport", "import", "both", "bare", "both/bare", "peak MB"
    );
    runtime.block_on(async {
        for round in 0..arguments.rounds {
            for (brand, base) in servers() {
                measure(round, brand, &base, arguments.rows).await;
            }
        }
    });
}

fn arguments() -> Arguments {
    let given: Vec<String> = std::env::args().collect();
    let number = |name: &str, default| {
        let at = given.iter().position(|word| word == name)?;
        given.get(at + 1)?.parse().ok().or(Some(default))
    };
    Arguments {
        rows: number("--rows", 100_000).unwrap_or(100_000),
        rounds: number("--rounds", 3).unwrap_or(3),
    }
}

fn servers() -> Vec<(Brand, String)> {
    let mut servers = vec![(Brand::Sqlite, String::new())];
    for (brand, name) in
        [(Brand::Postgres, "OUTRIGGER_TEST_POSTGRES"), (Brand::Mysql, "OUTRIGGER_TEST_MYSQL")]
    {
        let is_ready = Templates::names(brand).iter().any(|name| name == "install/node");
        if let (true, Some(url)) = (is_ready, std::env::vars().find(|(key, _)| key == name)) {
            servers.push((brand, url.1));
        }
    }
    servers
}

async fn measure(round: usize, brand: Brand, base: &str, rows: usize) {
    let folder = std::env::temp_dir().join(format!("outrigger-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let mut urls = BTreeMap::new();
    for node in ["one", "two"] {
        let url = match brand {
            Brand::Sqlite => {
                let path = folder.join(format!("{node}-{round}.db"));
                for suffix in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
                }
                format!("sqlite:{}?mode=rwc", path.display())
            }
            _ => create_database(base, &format!("outrigger_bench_{node}")).await,
        };
        urls.insert(NodeId::from(node), url);
    }
    let config = configuration(&urls);
    let schema = application();
    for (node, url) in &urls {
        set_up(node, url, &config, &schema, rows).await;
    }
    capture(&urls[&NodeId::from("one")], rows).await;

    let mut runner = Runner::new(config, schema, urls.clone(), BTreeMap::new());
    let route = runner.routes()[0].clone();
    let start = Instant::now();
    let carried = runner.transport(&route, &mut |_| {}).await.expect("the route is carried");
    let transport = start.elapsed();
    assert_eq!(carried.written, rows as u64);
    let start = Instant::now();
    let stop = AtomicBool::new(false);
    let imported = runner.import(&route, &stop, &mut |_| {}).await.expect("the inbox is imported");
    let import = start.elapsed();
    assert_eq!((imported.read, imported.quarantined), (rows as u64, 0));
    runner.close().await;
    let peak = peak_memory_mb();
    let engine = bare(&urls[&NodeId::from("two")], rows).await;

    let rate = |time: Duration| rows as f64 / time.as_secs_f64();
    println!(
        "{:<22} {:>9.0} {:>9.0} {:>9.0} {:>9.0} {:>11.2} {:>8}",
        format!("{brand} to {brand}"),
        rate(transport),
        rate(import),
        rate(transport + import),
        rate(engine),
        engine.as_secs_f64() / (transport + import).as_secs_f64(),
        peak
    );
    let _ = std::fs::remove_dir_all(&folder);
}

async fn create_database(base: &str, name: &str) -> String {
    let mut session = db::connect(base).await.expect("the server answers");
    session.raw(&format!("DROP DATABASE IF EXISTS {name}")).await.expect("it can be dropped");
    session.raw(&format!("CREATE DATABASE {name}")).await.expect("it can be made");
    let (start, _) = base.rsplit_once('/').expect("the URL has a database");
    format!("{start}/{name}")
}

fn configuration(urls: &BTreeMap<NodeId, String>) -> Config {
    let mut text =
        String::from("database: bench\nschema: { dialect: postgres, files: [s.sql] }\nnodes:\n");
    for (node, url) in urls {
        text.push_str(&format!("  {node}: {{ url: '{url}' }}\n"));
    }
    text.push_str(
        "tables:\n  sales_order: { last_update: update_datetime, updated_by_user: updated_by_user, \
         updated_by_server: updated_by_server }\nroutes:\n  - { id: 1000, from: one, to: two }\n",
    );
    config::parse("bench.yaml", &text, &BTreeMap::new()).expect("the configuration is right")
}

fn application() -> Schema {
    let source = Source { path: "schema.sql", text: SCHEMA };
    schema::parse(&[source], Brand::Postgres).expect("the DDL is right").schema
}

/// The application's table with its rows, and Outrigger's objects.
async fn set_up(node: &NodeId, url: &str, config: &Config, schema: &Schema, rows: usize) {
    let mut session = db::connect(url).await.expect("the node answers");
    let brand = session.brand();
    if brand == Brand::Sqlite {
        session.raw("PRAGMA journal_mode = WAL").await.expect("it is a setting");
    }
    session.raw(SCHEMA).await.expect("the table can be made");
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
    let plan = plan::plan(config, schema, brand).expect("it can be planned");
    for script in scripts(&plan, &Templates::embedded(brand)).expect("it can be rendered") {
        for statement in &script.statements {
            session.raw(statement).await.expect("the script runs");
        }
    }
    session.raw(&format!("UPDATE ds_node SET node_id = '{node}'")).await.expect("it is named");
    for route in plan_routes(config).iter().filter(|route| route.to == *node) {
        for program in [route.id.transport_program(), route.id.import_program()] {
            let sql = format!(
                "INSERT INTO ds_program_parameter (id, programtype) VALUES ({program}, 'x')"
            );
            session.raw(&sql).await.expect("the program is there");
        }
    }
    if brand == Brand::Postgres {
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
    let plan = plan::plan(&configuration(&urls), &application(), brand).expect("it can be planned");
    let scripts = scripts(&plan, &Templates::embedded(brand)).expect("it can be rendered");
    scripts
        .into_iter()
        .filter(|script| script.name.contains("capture"))
        .flat_map(|script| script.removal)
        .collect()
}

/// The process's largest resident set so far; 0 where the system does not say.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
