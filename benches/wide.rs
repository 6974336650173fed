//! What capture costs where rows are wide, or values long: without, and with Outrigger's triggers.
//!
//! `cargo bench --bench wide [-- --rows 200 --rounds 5 --brand postgres --json FILE]`. One table has
//! 100 columns, of which an update changes 1 or 20; another has a text of 1 MB in each row, beside
//! which a short column is changed: the long one must not be copied, which is checked. The two
//! contenders take turns in each round. What counts is the processor time of the thread that does
//! the session's work, for each row; servers are found as by `--bench capture`.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
#![expect(clippy::cast_precision_loss, reason = "microseconds for each row are near enough")]

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/databases.rs"]
#[expect(dead_code, reason = "the table here is another one")]
mod databases;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/sql.rs"]
mod sql;
#[path = "support/thread.rs"]
mod thread;

use std::collections::BTreeMap;
use std::time::Duration;

use outrigger::config;
use outrigger::db::{self, Mode, Session};
use outrigger::dialect::Brand;
use outrigger::plan;
use outrigger::render::{Templates, scripts};
use outrigger::schema::{self, Source};

use crate::arguments::Arguments;
use crate::figures::Figures;

/// Columns of the wide table, its key among them.
const COLUMNS: usize = 100;

/// Bytes of the long value.
const LONG: usize = 1 << 20;

/// Rows with a long value: what takes a megabyte each.
const LONG_ROWS: usize = 20;

/// One kind of work, with the changes that it makes of each row.
struct Work {
    name: &'static str,
    changes: usize,
    rows: fn(usize) -> usize,
    statement: fn(usize, usize) -> String,
}

const WORKS: [Work; 5] = [
    Work { name: "insert of 100 columns", changes: 1, rows: all, statement: insert_wide },
    Work {
        name: "update of 1 in 100",
        changes: 1,
        rows: all,
        statement: |row, round| update_wide(row, round, 1),
    },
    Work {
        name: "update of 20 in 100",
        changes: 20,
        rows: all,
        statement: |row, round| update_wide(row, round, 20),
    },
    Work {
        name: "update beside 1 MB",
        changes: 1,
        rows: few,
        statement: |row, round| format!("UPDATE note SET title = 'title {round}' WHERE id = {row}"),
    },
    Work {
        name: "delete of 100 columns",
        changes: 1,
        rows: all,
        statement: |row, _| format!("DELETE FROM wide WHERE id = {row}"),
    },
];

fn all(rows: usize) -> usize {
    rows
}

fn few(_: usize) -> usize {
    LONG_ROWS
}

fn insert_wide(row: usize, _: usize) -> String {
    let values: Vec<String> = (1..COLUMNS).map(|column| format!("'{column} of {row}'")).collect();
    format!("INSERT INTO wide VALUES ({row}, {})", values.join(", "))
}

fn update_wide(row: usize, round: usize, columns: usize) -> String {
    let set: Vec<String> =
        (1..=columns).map(|column| format!("c{column} = '{columns} in {round}'")).collect();
    format!("UPDATE wide SET {} WHERE id = {row}", set.join(", "))
}

/// Both tables, in words that a brand understands.
fn ddl(brand: Brand) -> [String; 2] {
    let columns: Vec<String> =
        (1..COLUMNS).map(|column| format!("c{column} varchar(15)")).collect();
    let long = if brand == Brand::Mysql { "longtext" } else { "text" };
    [
        format!("CREATE TABLE wide (id integer PRIMARY KEY, {})", columns.join(", ")),
        format!("CREATE TABLE note (id integer PRIMARY KEY, title varchar(40), body {long})"),
    ]
}

/// Microseconds for each row, by work and by whether it is captured.
type Found = BTreeMap<(usize, bool), Vec<f64>>;

fn main() {
    let arguments = Arguments::read();
    let (rows, rounds) = (arguments.number("--rows", 200), arguments.number("--rounds", 5));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("the runtime starts");
    let machine = arguments::machine();
    println!("{rows} rows, {LONG_ROWS} of them long, {rounds} rounds, one statement for each row");
    println!("{machine}\n");
    let mut brands = Vec::new();
    for (brand, base) in databases::servers(arguments.text("--brand")) {
        let found = runtime.block_on(measure(brand, &base, rows, rounds));
        brands.push(print(brand, &found));
    }
    if let Some(path) = arguments.json() {
        let all = serde_json::json!({
            "benchmark": "wide", "rows": rows, "rounds": rounds, "machine": machine, "brands": brands,
        });
        std::fs::write(path, format!("{all:#}\n")).expect("the file can be written");
    }
}

async fn measure(brand: Brand, base: &str, rows: usize, rounds: usize) -> Found {
    let folder = std::env::temp_dir().join(format!("outrigger-wide-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let mut urls = Vec::new();
    for is_captured in [false, true] {
        let name = format!("outrigger_wide_{is_captured}");
        let url = databases::create(brand, base, &folder, &name).await;
        set_up(&url, is_captured).await;
        urls.push(url);
    }
    let mut found = Found::new();
    for round in 0..rounds {
        for turn in 0..urls.len() {
            let at = (round + turn) % urls.len();
            let mut session = db::connect(&urls[at]).await.expect("it answers");
            for (index, work) in WORKS.iter().enumerate() {
                let cost = run(session.as_mut(), at == 1, work, (rows, round)).await;
                found.entry((index, at == 1)).or_default().push(cost);
            }
            session.close().await.expect("it closes");
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    found
}

async fn set_up(url: &str, is_captured: bool) {
    let mut session = db::connect(url).await.expect("it answers");
    let brand = session.brand();
    for statement in ddl(brand) {
        session.raw(&statement).await.expect("the table can be made");
    }
    let long = match brand {
        Brand::Sqlite => format!("hex(zeroblob({}))", LONG / 2),
        _ => format!("repeat('0', {LONG})"),
    };
    for row in 0..LONG_ROWS {
        let statement = format!("INSERT INTO note VALUES ({row}, 'title', {long})");
        session.raw(&statement).await.expect("the row can be made");
    }
    if is_captured {
        install(session.as_mut()).await;
    }
    session.close().await.expect("it closes");
}

async fn install(session: &mut dyn Session) {
    let brand = session.brand();
    let text = "database: bench\nschema: { dialect: postgres, files: [s.sql] }\n\
        nodes: { one: { url: 'sqlite:one.db' } }\ntables: { wide: follow, note: follow }\nroutes: []\n";
    let text = text.replace("sqlite:one.db", url_of(brand));
    let config = config::parse("bench.yaml", &text, &BTreeMap::new()).expect("it is right");
    let text = ddl(Brand::Postgres).join(";\n") + ";\n";
    let source = Source { path: "s.sql", text: &text };
    let schema = schema::parse(&[source], Brand::Postgres).expect("the DDL is right").schema;
    let plan = plan::plan(&config, &schema, brand).expect("it can be planned");
    for script in scripts(&plan, &Templates::embedded(brand)).expect("it can be rendered") {
        for statement in &script.statements {
            session.raw(statement).await.expect("the script runs");
        }
    }
    session.raw("UPDATE ds_node SET node_id = 'one'").await.expect("it is named");
}

/// Any URL of a brand: nothing is called.
fn url_of(brand: Brand) -> &'static str {
    match brand {
        Brand::Postgres => "postgres://localhost/a",
        Brand::Mysql => "mysql://localhost/a",
        _ => "sqlite:one.db",
    }
}

/// Microseconds of processor time for each row.
async fn run(
    session: &mut dyn Session,
    is_captured: bool,
    work: &Work,
    (rows, round): (usize, usize),
) -> f64 {
    let rows = (work.rows)(rows);
    let statements: Vec<String> = (0..rows).map(|row| (work.statement)(row, round)).collect();
    let worker = thread::of(session).await;
    let before = captured(session, is_captured).await;
    let start = thread_time(worker);
    session.begin(Mode::Write).await.expect("it begins");
    for statement in &statements {
        let changed = session.execute(statement, &[]).await;
        assert_eq!(changed.expect("the row is written"), 1);
    }
    session.commit().await.expect("it commits");
    let cost = thread_time(worker).saturating_sub(start);
    let (changes, longest) = captured(session, is_captured).await;
    let expected = if is_captured { rows * work.changes } else { 0 };
    assert_eq!(usize::try_from(changes - before.0), Ok(expected), "{}", work.name);
    assert!(longest < 10_000, "a value of {longest} bytes was copied");
    cost.as_secs_f64() * 1e6 / rows as f64
}

/// The processor time of one thread so far, to the nanosecond.
fn thread_time(thread: i64) -> Duration {
    let path = format!("/proc/{thread}/task/{thread}/schedstat");
    let text = std::fs::read_to_string(&path).expect("Linux counts the time of threads");
    let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first word is the time"))
}

/// How many changes there are, and the bytes of the longest value.
async fn captured(session: &mut dyn Session, is_captured: bool) -> (i64, i64) {
    if !is_captured {
        return (0, 0);
    }
    let sql =
        "SELECT count(*) AS changes, max(length(object_value)) AS longest FROM ds_change_outbox";
    let rows = session.fetch(sql, &[]).await.expect("the outbox can be counted");
    (rows[0].integer("changes").unwrap_or(0), rows[0].integer("longest").unwrap_or(0))
}

fn print(brand: Brand, found: &Found) -> serde_json::Value {
    println!("{:<24} {:>9} {:>14}   ratio", brand.name(), "none, µs", "outrigger, µs");
    let mut works = Vec::new();
    for (index, work) in WORKS.iter().enumerate() {
        let (without, with) = (&found[&(index, false)], &found[&(index, true)]);
        let ratios =
            Figures::of(with.iter().zip(without).map(|(with, without)| with / without).collect());
        let (without, with) = (Figures::of(without.clone()), Figures::of(with.clone()));
        println!(
            "{:<24} {:>9.1} {:>14.1}   {:.2} ({:.2}–{:.2})",
            work.name, without.median, with.median, ratios.median, ratios.least, ratios.most
        );
        works.push(serde_json::json!({
            "work": work.name, "none_us": without.json(), "outrigger_us": with.json(),
            "ratio": ratios.json(),
        }));
    }
    println!();
    serde_json::json!({ "brand": brand.name(), "works": works })
}
