//! Every value of every type over every ordered pair of brands: it arrives as it was, or what the
//! dialect files say of it happens.

#[path = "values/keys.rs"]
mod keys;
#[path = "values/postgis.rs"]
pub(crate) mod postgis;
#[path = "values/verbatim.rs"]
mod verbatim;

use std::collections::BTreeMap;

use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::model::{LogicalType, Value, canonical};

use crate::support;
use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::samples::samples;

const SEED: u64 = 11;

/// Rows that are updated have their samples' numbers and these.
const UPDATED: usize = 100_000;

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Lossless,
    /// Altered, as a dialect file says.
    Lossy,
    /// Refused, as a dialect file says.
    Refused,
}

fn column(logical: LogicalType) -> String {
    format!("c_{logical}")
}

/// The type of a column that holds as much as the brand can.
fn native(brand: Brand, logical: LogicalType) -> String {
    match (brand, logical) {
        (Brand::Postgres, LogicalType::Decimal) => "numeric".to_owned(),
        (Brand::Postgres, LogicalType::Enum) => "mood".to_owned(),
        (Brand::Postgres, LogicalType::Verbatim) => "text[]".to_owned(),
        (Brand::Mysql, LogicalType::Decimal) => "decimal(65,30)".to_owned(),
        (Brand::Mysql, LogicalType::Text) => "longtext".to_owned(),
        (Brand::SqlServer, LogicalType::Decimal) => "decimal(38,10)".to_owned(),
        (Brand::SqlServer, LogicalType::Text) => "nvarchar(max)".to_owned(),
        (Brand::Postgres | Brand::Sqlite, LogicalType::Text) => "text".to_owned(),
        (Brand::Sqlite, LogicalType::Decimal) => "decimal".to_owned(),
        _ => brand.dialect().mapping(logical).declare.clone(),
    }
}

fn ddl(brand: Brand) -> String {
    let columns: Vec<String> = LogicalType::ALL
        .into_iter()
        .map(|logical| {
            let null = if brand == Brand::Mysql { " NULL" } else { "" };
            format!("    {} {}{null}", column(logical), native(brand, logical))
        })
        .collect();
    let enumeration = match brand {
        Brand::Postgres => {
            let labels: Vec<String> =
                labels().iter().map(|label| brand.dialect().text_literal(label)).collect();
            format!("CREATE TYPE mood AS ENUM ({});\n", labels.join(", "))
        }
        _ => String::new(),
    };
    format!(
        "{enumeration}CREATE TABLE v (\n    id integer PRIMARY KEY,\n{}\n);\n",
        columns.join(",\n")
    )
}

fn labels() -> Vec<String> {
    let mut labels: Vec<String> = samples(LogicalType::Enum, SEED).into_iter().flatten().collect();
    labels.sort();
    labels.dedup();
    labels
}

/// All samples with the numbers of their rows.
fn all_samples(seed: u64) -> Vec<(usize, LogicalType, Option<String>)> {
    LogicalType::ALL
        .into_iter()
        .flat_map(|logical| samples(logical, seed).into_iter().map(move |text| (logical, text)))
        .enumerate()
        .map(|(at, (logical, text))| (at + 1, logical, text))
        .collect()
}

/// The canonical text of a row's cell, as the database itself says it; `None` where there is no
/// such row.
type Cells = BTreeMap<usize, Option<String>>;

async fn cells(session: &mut dyn Session, logical: LogicalType) -> Cells {
    let dialect = session.brand().dialect();
    // A fixed-length type is not among the declared ones.
    let text = dialect.mapping(logical).text_of(&column(logical)).replace("{rtrim}", "");
    let sql = format!("SELECT id, {text} AS text FROM v");
    let rows = session.fetch(&sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| {
            let id = usize::try_from(row.integer("id").unwrap()).unwrap();
            (id, row.text("text").map(|text| canonical_of(logical, &text)))
        })
        .collect()
}

fn canonical_of(logical: LogicalType, text: &str) -> String {
    canonical(logical, text).unwrap_or_else(|bad| panic!("{logical} {text}: {bad}"))
}

/// Runs a statement for each sample, in one transaction; those that the database refuses.
async fn write(
    network: &mut Network,
    node: &str,
    all: &[(usize, LogicalType, Option<String>)],
    statement: impl Fn(usize, LogicalType, &str) -> String,
) -> BTreeMap<usize, String> {
    let brand = network.brand(node);
    let dialect = brand.dialect();
    let session = network.application(node);
    let mut refused = BTreeMap::new();
    session.begin(outrigger::db::Mode::Write).await.unwrap();
    for (id, logical, text) in all {
        let mapping = dialect.mapping(*logical);
        let value = mapping.value_of(&dialect.parameter(1), &native(brand, *logical));
        let sql = statement(*id, *logical, &value);
        session.raw("SAVEPOINT sample").await.unwrap();
        if let Err(fault) = session.execute(&sql, &[Value::from(text.clone())]).await {
            session.raw("ROLLBACK TO SAVEPOINT sample").await.unwrap();
            refused.insert(*id, fault.to_string());
        }
        session.raw("RELEASE SAVEPOINT sample").await.unwrap();
    }
    session.commit().await.unwrap();
    refused
}

/// Whether a brand's dialect file says that some values of a type are altered, or refused.
fn says(brand: Brand, logical: LogicalType, words: &[&str]) -> bool {
    let limits = &brand.dialect().mapping(logical).limits;
    limits.iter().any(|limit| words.iter().any(|word| limit.contains(word)))
}

const REFUSED: [&str; 1] = ["refused"];
const ALTERED: [&str; 4] = ["lossy", "becomes", "rounded", "lost"];

#[test]
fn every_value_arrives_or_is_refused_by_name() {
    for from in ready_servers() {
        for to in ready_servers() {
            println!("{} to {}", from.name, to.name);
            support::block_on(async {
                let blueprint = Blueprint {
                    name: &format!("{}_{}", from.name, to.name),
                    nodes: &[("one", from), ("two", to)],
                    routes: &[("one", "two")],
                    tables: "  v: follow",
                    schema: &ddl(Brand::Postgres),
                    batch_rows: 200,
                };
                let mut network = Network::set_up(&blueprint, |_, brand| ddl(brand)).await;
                // Values change their text by the rules of docs/values.md, which are looked at here.
                network.writes_around_the_triggers();
                carry_all(&mut network).await;
            });
        }
    }
}

async fn carry_all(network: &mut Network) {
    let all = all_samples(SEED);
    let insert = |id: usize, logical: LogicalType, value: &str| {
        format!("INSERT INTO v (id, {}) VALUES ({id}, {value})", column(logical))
    };
    let refused = write(network, "one", &all, insert).await;
    // Rows that hold nothing yet, and then each sample: what an update carries.
    let empty: Vec<String> = all.iter().map(|(id, _, _)| format!("({})", UPDATED + id)).collect();
    network.run("one", &format!("INSERT INTO v (id) VALUES {}", empty.join(", "))).await;
    network.drain().await;
    assert_eq!(
        network.count("two", &format!("v WHERE id > {UPDATED}")).await,
        i64::try_from(all.len()).unwrap()
    );
    let update = |id: usize, logical: LogicalType, value: &str| {
        format!("UPDATE v SET {} = {value} WHERE id = {}", column(logical), UPDATED + id)
    };
    let refused_again = write(network, "one", &all, update).await;
    assert!(refused_again.keys().eq(refused.keys()));
    network.drain().await;

    let mut report = Report::new(network).await;
    for logical in LogicalType::ALL {
        let source = cells(network.application("one"), logical).await;
        let target = cells(network.application("two"), logical).await;
        for (id, _, text) in all.iter().filter(|(_, of, _)| *of == logical) {
            let sample = Sample { logical, text, refusal: refused.get(id) };
            report.judge(&sample, *id, &source, &target, source.get(id));
            let row = UPDATED + id;
            report.judge(&sample, row, &source, &target, source.get(&row));
        }
    }
    report.print();
    assert!(report.faults.is_empty(), "{}", report.faults.join("\n"));
    back_to_null(network).await;
}

/// NULL arrives over every value; what was in quarantine by then has to wait for a person.
async fn back_to_null(network: &mut Network) {
    let sets: Vec<String> =
        LogicalType::ALL.iter().map(|logical| format!("{} = NULL", column(*logical))).collect();
    network.run("one", &format!("UPDATE v SET {}", sets.join(", "))).await;
    network.drain().await;
    for entry in network.quarantine("two").await {
        if entry.reason_code != "waits" {
            network.drop_change("two", entry.inbox_id).await;
        }
    }
    network.drain().await;
    assert_eq!(network.count("two", "ds_quarantine").await, 0);
    for logical in LogicalType::ALL {
        let left = format!("v WHERE {} IS NOT NULL", column(logical));
        assert_eq!(network.count("two", &left).await, 0, "{logical}");
    }
}

struct Sample<'a> {
    logical: LogicalType,
    text: &'a Option<String>,
    /// Why the source did not take it.
    refusal: Option<&'a String>,
}

/// What became of the samples of each type, and what nobody wrote down.
struct Report {
    brands: [Brand; 2],
    /// The reason by the row's key.
    quarantine: BTreeMap<String, String>,
    fates: BTreeMap<LogicalType, BTreeMap<Fate, usize>>,
    faults: Vec<String>,
}

impl Report {
    async fn new(network: &mut Network) -> Self {
        let entries = network.quarantine("two").await;
        let reason = |entry: outrigger::import::quarantine::Quarantined| {
            (entry.object_id.unwrap_or_default(), format!("{} {}", entry.reason_code, entry.reason))
        };
        Self {
            brands: [network.brand("one"), network.brand("two")],
            quarantine: entries.into_iter().map(reason).collect(),
            fates: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    fn judge(
        &mut self,
        sample: &Sample<'_>,
        row: usize,
        source: &Cells,
        target: &Cells,
        written: Option<&Option<String>>,
    ) {
        let [from, to] = self.brands;
        let logical = sample.logical;
        let shown: String = format!("{:?}", sample.text).chars().take(80).collect();
        let place = format!("{from} to {to}, {logical}, row {row}, {shown}");
        let mut fate = Fate::Lossless;
        let Some(written) = written.filter(|_| sample.refusal.is_none()) else {
            if !says(from, logical, &REFUSED) {
                let why = sample.refusal.map_or("", |fault| fault.as_str());
                self.faults.push(format!("{place}: refused at the source: {why}"));
            }
            *self.fates.entry(logical).or_default().entry(Fate::Refused).or_default() += 1;
            return;
        };
        if written != sample.text {
            fate = Fate::Lossy;
            if !says(from, logical, &ALTERED) {
                self.faults.push(format!("{place}: the source made it {written:?}"));
            }
        }
        let held = self.quarantine.get(&row.to_string());
        match (target.get(&row), held) {
            (found, Some(reason)) => {
                fate = Fate::Refused;
                let is_untouched = found.is_none_or(Option::is_none);
                let is_named = reason.contains(&column(logical)) || !reason.starts_with("no_fit");
                if !is_untouched || !is_named || !says(to, logical, &REFUSED) {
                    self.faults.push(format!("{place}: {reason}"));
                }
            }
            (None, None) => self.faults.push(format!("{place}: lost")),
            (Some(found), None) if found == source.get(&row).expect("it was written") => {}
            (Some(found), None) => {
                fate = Fate::Lossy;
                if !says(to, logical, &ALTERED) {
                    let found: String = format!("{found:?}").chars().take(80).collect();
                    self.faults.push(format!("{place}: arrived as {found}"));
                }
            }
        }
        *self.fates.entry(logical).or_default().entry(fate).or_default() += 1;
    }

    fn print(&self) {
        for (logical, fates) in &self.fates {
            let counts: Vec<String> =
                fates.iter().map(|(fate, count)| format!("{count} {fate:?}")).collect();
            println!("  {logical}: {}", counts.join(", ").to_lowercase());
        }
    }
}
