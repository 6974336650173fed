//! What capture costs an application's writing: without, with a bare trigger, with Outrigger's.
//!
//! `cargo bench --bench capture [-- --rows 5000 --rounds 7 --brand postgres --json FILE]`. SQLite
//! always; Postgres and MariaDB where `OUTRIGGER_TEST_POSTGRES` and `OUTRIGGER_TEST_MYSQL` name a
//! server on this machine, as `tests/run --serve` prints them. In each round the three contenders
//! do the same work one after the other, and each round begins with another one. What counts is
//! the processor time of the thread that does the session's work, which other processes on the
//! machine disturb least; the time on the clock stands beside it. `least` divides the least of all rounds.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
#![expect(clippy::cast_precision_loss, reason = "microseconds for each row are near enough")]

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/bound.rs"]
mod bound;
#[path = "support/databases.rs"]
mod databases;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/sql.rs"]
mod sql;
#[path = "support/thread.rs"]
mod thread;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use outrigger::db::{self, Mode, Session};
use outrigger::dialect::Brand;
use outrigger::model::NodeId;

use crate::arguments::Arguments;
use crate::bound::Bound;
use crate::figures::Figures;
use crate::sql::section;

/// Rows of a transaction of single-row statements.
const TRANSACTION_ROWS: usize = 100;

/// Rows of each work before it is measured, so that plans and caches are there.
const WARM_UP_ROWS: usize = 200;

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Contender {
    /// Nobody captures anything.
    None,
    /// The trigger of `benches/sql`, which protects nothing.
    Bare,
    /// What `outrigger apply` installs.
    Outrigger,
}

impl Contender {
    const ALL: [Self; 3] = [Self::None, Self::Bare, Self::Outrigger];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bare => "bare",
            Self::Outrigger => "outrigger",
        }
    }

    fn outbox(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Bare => Some("bare_outbox"),
            Self::Outrigger => Some("ds_change_outbox"),
        }
    }
}

/// One kind of work of an application.
struct Work {
    name: &'static str,
    /// Its section in `benches/sql`.
    section: &'static str,
    /// Whether each row has a statement of its own.
    is_single: bool,
    /// Whether each row becomes a change.
    is_captured: bool,
}

/// All work, in an order in which each finds the rows that it needs.
const WORKS: [Work; 6] = [
    Work { name: "W1 inserts", section: "insert_one", is_single: true, is_captured: true },
    Work { name: "W2 updates", section: "update_one", is_single: true, is_captured: true },
    Work { name: "no change", section: "update_nothing", is_single: false, is_captured: false },
    Work { name: "bulk update", section: "update_all", is_single: false, is_captured: true },
    Work { name: "W3 deletes", section: "delete_one", is_single: true, is_captured: true },
    Work { name: "bulk insert", section: "insert_all", is_single: false, is_captured: true },
];

/// What one work took, for each of its rows.
#[derive(Debug, Clone, Copy)]
struct Cost {
    processor_us: f64,
    clock_us: f64,
}

/// What each round found, by work and contender.
type Found = BTreeMap<(usize, Contender), Vec<Cost>>;

fn main() {
    let arguments = Arguments::read();
    let (rows, rounds) = (arguments.number("--rows", 5_000), arguments.number("--rounds", 7));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("the runtime starts");
    let machine = arguments::machine();
    println!("{rows} rows, {rounds} rounds, single-row statements in transactions of 100");
    println!("{machine}\n");
    let mut brands = Vec::new();
    for (brand, base) in databases::servers(arguments.text("--brand")) {
        let found = runtime.block_on(measure(brand, &base, rows, rounds));
        print(brand, &found);
        brands.push(json(brand, &found));
    }
    if let Some(path) = arguments.json() {
        let all = serde_json::json!({
            "benchmark": "capture", "rows": rows, "rounds": rounds, "machine": machine,
            "brands": brands,
        });
        std::fs::write(path, format!("{all:#}\n")).expect("the file can be written");
    }
}

async fn measure(brand: Brand, base: &str, rows: usize, rounds: usize) -> Found {
    let folder = std::env::temp_dir().join(format!("outrigger-capture-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let mut urls = BTreeMap::new();
    for contender in Contender::ALL {
        urls.insert(contender, set_up(brand, base, &folder, contender, rows).await);
    }
    let mut found = Found::new();
    for round in 0..rounds {
        for turn in 0..Contender::ALL.len() {
            let contender = Contender::ALL[(round + turn) % Contender::ALL.len()];
            let mut session = db::connect(&urls[&contender]).await.expect("it answers");
            clear(session.as_mut(), contender).await;
            for (index, work) in WORKS.iter().enumerate() {
                let cost = run(session.as_mut(), contender, work, rows).await;
                found.entry((index, contender)).or_default().push(cost);
            }
            session.close().await.expect("it closes");
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    found
}

/// The application's table with the rows that a bulk insert takes, and what captures.
async fn set_up(
    brand: Brand,
    base: &str,
    folder: &Path,
    contender: Contender,
    rows: usize,
) -> String {
    let name = format!("outrigger_capture_{}", contender.name());
    let url = databases::create(brand, base, folder, &name).await;
    let mut session = db::connect(&url).await.expect("it answers");
    session.raw(databases::SCHEMA).await.expect("the table can be made");
    for statement in section(brand, "source") {
        let statement = statement.replace("{rows}", &rows.to_string());
        session.raw(&statement).await.expect("the rows can be made");
    }
    match contender {
        Contender::None => {}
        Contender::Bare => {
            for statement in section(brand, "bare") {
                session.raw(&statement).await.expect("the bare trigger can be made");
            }
        }
        Contender::Outrigger => {
            let urls = BTreeMap::from([
                (NodeId::from("one"), url.clone()),
                (NodeId::from("two"), url.clone()),
            ]);
            let config = databases::configuration(&urls, 1);
            databases::install(session.as_mut(), &NodeId::from("one"), &config).await;
        }
    }
    session.close().await.expect("it closes");
    url
}

/// Empties the tables and does all work once with a few rows.
async fn clear(session: &mut dyn Session, contender: Contender) {
    empty(session, contender).await;
    for work in &WORKS {
        if work.is_single {
            single(session, work, WARM_UP_ROWS).await;
        } else if work.section != "insert_all" {
            bulk(session, work).await;
        }
    }
    empty(session, contender).await;
}

async fn empty(session: &mut dyn Session, contender: Contender) {
    let brand = session.brand();
    for statement in section(brand, "clear") {
        session.raw(&statement).await.expect("the table can be emptied");
    }
    if let Some(outbox) = contender.outbox() {
        for statement in section(brand, "clear_outbox") {
            session.raw(&statement.replace("{outbox}", outbox)).await.expect("so can the outbox");
        }
    }
    for statement in section(brand, "statistics") {
        session.raw(&statement).await.expect("the tables can be looked at");
    }
}

async fn run(session: &mut dyn Session, contender: Contender, work: &Work, rows: usize) -> Cost {
    let worker = thread::of(session).await;
    let before = captured(session, contender).await;
    let (processor, clock) = (thread_time(worker), Instant::now());
    if work.is_single {
        single(session, work, rows).await;
    } else {
        bulk(session, work).await;
    }
    let clock = clock.elapsed();
    let processor = thread_time(worker).saturating_sub(processor);
    let expected = if work.is_captured && contender.outbox().is_some() { rows } else { 0 };
    let changes = captured(session, contender).await - before;
    assert_eq!(usize::try_from(changes), Ok(expected), "{}: {}", contender.name(), work.name);
    let for_each_row = |time: Duration| time.as_secs_f64() * 1e6 / rows as f64;
    Cost { processor_us: for_each_row(processor), clock_us: for_each_row(clock) }
}

/// The processor time of one thread so far, to the nanosecond.
fn thread_time(thread: i64) -> Duration {
    let path = format!("/proc/{thread}/task/{thread}/schedstat");
    let text = std::fs::read_to_string(&path).expect("Linux counts the time of threads");
    let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first word is the time"))
}

async fn captured(session: &mut dyn Session, contender: Contender) -> i64 {
    let Some(outbox) = contender.outbox() else { return 0 };
    let statement = section(session.brand(), "count").swap_remove(0).replace("{outbox}", outbox);
    let rows = session.fetch(&statement, &[]).await.expect("the outbox can be counted");
    rows[0].integer("changes").expect("a count is a number")
}

async fn single(session: &mut dyn Session, work: &Work, rows: usize) {
    let statement = Bound::new(session.brand(), work.section);
    for first in (0..rows).step_by(TRANSACTION_ROWS) {
        session.begin(Mode::Write).await.expect("it begins");
        for row in first..rows.min(first + TRANSACTION_ROWS) {
            let changed = session.execute(&statement.sql, &statement.values(row)).await;
            assert_eq!(changed.expect("the row is written"), 1);
        }
        session.commit().await.expect("it commits");
    }
}

async fn bulk(session: &mut dyn Session, work: &Work) {
    for statement in section(session.brand(), work.section) {
        session.raw(&statement).await.expect("the rows are written");
    }
}

/// The ratio of two contenders' costs in each round.
fn ratios(
    found: &Found,
    work: usize,
    above: Contender,
    below: Contender,
    cost: fn(&Cost) -> f64,
) -> Figures {
    let pairs = found[&(work, above)].iter().zip(&found[&(work, below)]);
    Figures::of(pairs.map(|(above, below)| cost(above) / cost(below)).collect())
}

fn processor(cost: &Cost) -> f64 {
    cost.processor_us
}

fn clock(cost: &Cost) -> f64 {
    cost.clock_us
}

/// The ratio of two contenders' least costs: what comes nearest to a machine without others.
fn least_ratio(found: &Found, work: usize, above: Contender, below: Contender) -> f64 {
    let least =
        |contender| Figures::of(found[&(work, contender)].iter().map(processor).collect()).least;
    least(above) / least(below)
}

fn print(brand: Brand, found: &Found) {
    println!(
        "{:<12} {:>8} {:>8} {:>9}   {:<18} {:<18} {:<18} {:<18} {:>8}",
        brand.name(),
        "none, µs",
        "bare, µs",
        "outr., µs",
        "bare/none",
        "outrigger/none",
        "outrigger/bare",
        "the same, clock",
        "least"
    );
    for (index, work) in WORKS.iter().enumerate() {
        let median = |contender| {
            let costs = &found[&(index, contender)];
            Figures::of(costs.iter().map(processor).collect()).median
        };
        let ratio = |above, below, cost| {
            let Figures { median, least, most } = ratios(found, index, above, below, cost);
            format!("{median:.2} ({least:.2}–{most:.2})")
        };
        println!(
            "{:<12} {:>8.1} {:>8.1} {:>9.1}   {:<18} {:<18} {:<18} {:<18} {:>8.2}",
            work.name,
            median(Contender::None),
            median(Contender::Bare),
            median(Contender::Outrigger),
            ratio(Contender::Bare, Contender::None, processor),
            ratio(Contender::Outrigger, Contender::None, processor),
            ratio(Contender::Outrigger, Contender::Bare, processor),
            ratio(Contender::Outrigger, Contender::Bare, clock),
            least_ratio(found, index, Contender::Outrigger, Contender::Bare),
        );
    }
    println!();
}

fn json(brand: Brand, found: &Found) -> serde_json::Value {
    let works = WORKS.iter().enumerate().map(|(index, work)| {
        let costs = Contender::ALL.map(|contender| {
            let all = &found[&(index, contender)];
            let of = |cost: fn(&Cost) -> f64| Figures::of(all.iter().map(cost).collect()).json();
            serde_json::json!({
                "contender": contender.name(), "processor_us": of(processor), "clock_us": of(clock),
            })
        });
        let ratio = |above, below| ratios(found, index, above, below, processor).json();
        serde_json::json!({
            "work": work.name,
            "costs": costs,
            "bare_to_none": ratio(Contender::Bare, Contender::None),
            "outrigger_to_none": ratio(Contender::Outrigger, Contender::None),
            "outrigger_to_bare": ratio(Contender::Outrigger, Contender::Bare),
            "least_outrigger_to_bare":
                least_ratio(found, index, Contender::Outrigger, Contender::Bare),
        })
    });
    serde_json::json!({ "brand": brand.name(), "works": works.collect::<Vec<_>>() })
}
