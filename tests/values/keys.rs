//! Rows whose key is of each type: a change finds its row on the other side.

use std::collections::BTreeSet;

use outrigger::dialect::Brand;
use outrigger::model::{LogicalType, canonical};

use super::{SEED, all_samples, canonical_of, native, write};
use crate::support;
use crate::support::network::{Blueprint, Network, ready_servers};

/// Longer texts are no keys.
const KEY_BYTES: usize = 100;

/// Types that are keys. A float is one on no brand that people use for it, a document neither.
const KEYS: [LogicalType; 10] = [
    LogicalType::Boolean,
    LogicalType::Integer,
    LogicalType::Decimal,
    LogicalType::Text,
    LogicalType::Binary,
    LogicalType::Date,
    LogicalType::Time,
    LogicalType::Timestamp,
    LogicalType::TimestampTz,
    LogicalType::Uuid,
];

fn key_type(brand: Brand, logical: LogicalType) -> String {
    match (brand, logical) {
        (Brand::Mysql, LogicalType::Text) => "varchar(100)".to_owned(),
        (Brand::Mysql | Brand::SqlServer, LogicalType::Binary) => "varbinary(100)".to_owned(),
        _ => native(brand, logical),
    }
}

fn ddl(brand: Brand) -> String {
    let table = |logical: &LogicalType| {
        let native = key_type(brand, *logical);
        format!("CREATE TABLE k_{logical} (\n    id {native} PRIMARY KEY,\n    v integer\n);\n")
    };
    KEYS.iter().map(table).collect()
}

#[test]
fn a_change_finds_its_row_by_a_key_of_any_type() {
    for from in ready_servers() {
        for to in ready_servers() {
            println!("{} to {}", from.name, to.name);
            support::block_on(async {
                let tables: Vec<String> =
                    KEYS.iter().map(|logical| format!("  k_{logical}: follow")).collect();
                let blueprint = Blueprint {
                    name: &format!("{}_{}", from.name, to.name),
                    nodes: &[("one", from), ("two", to)],
                    routes: &[("one", "two")],
                    tables: &tables.join("\n"),
                    schema: &ddl(Brand::Postgres),
                    batch_rows: 50,
                };
                let mut network = Network::set_up(&blueprint, |_, brand| ddl(brand)).await;
                // Values change their text by the rules of docs/values.md, which are looked at here.
                network.writes_around_the_triggers();
                keys(&mut network).await;
            });
        }
    }
}

/// `key|v` of each row of a table, the key as the database says it.
async fn rows(network: &mut Network, node: &str, logical: LogicalType) -> BTreeSet<String> {
    let text = network.brand(node).dialect().mapping(logical).text_of("id");
    let sql = format!("SELECT {text} AS id, v FROM k_{logical}");
    let rows = network.application(node).fetch(&sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| {
            let key = canonical_of(logical, &row.text("id").unwrap());
            format!("{key}|{}", row.text("v").unwrap_or_default())
        })
        .collect()
}

async fn keys(network: &mut Network) {
    let mut all = all_samples(SEED);
    all.retain(|(_, logical, text)| {
        let is_short = text.as_ref().is_some_and(|text| text.len() <= KEY_BYTES);
        KEYS.contains(logical) && is_short
    });
    let insert = |_: usize, logical: LogicalType, value: &str| {
        format!("INSERT INTO k_{logical} (id, v) VALUES ({value}, 1)")
    };
    write(network, "one", &all, insert).await;
    network.drain().await;
    compare(network, "inserted").await;
    for logical in KEYS {
        network.run("one", &format!("UPDATE k_{logical} SET v = 2")).await;
    }
    network.drain().await;
    compare(network, "updated").await;
    for logical in KEYS {
        network.run("one", &format!("DELETE FROM k_{logical}")).await;
    }
    network.drain().await;
    for logical in KEYS {
        assert!(rows(network, "two", logical).await.is_empty(), "{logical}");
    }
}

/// The rows are those of the source, but for the ones that the target refused by name.
async fn compare(network: &mut Network, when: &str) {
    let entries = network.quarantine("two").await;
    for logical in KEYS {
        let table = format!("k_{logical}");
        let held: BTreeSet<String> = entries
            .iter()
            .filter(|entry| entry.object_table.as_deref() == Some(table.as_str()))
            .filter_map(|entry| entry.object_id.clone())
            .collect();
        let mut source = rows(network, "one", logical).await;
        // The source may print a key in another form than the canonical one: `1e-38` with zeros.
        source.retain(|row| {
            let printed = row.rsplit_once('|').map_or(row.as_str(), |(key, _)| key);
            let key = canonical(logical, printed);
            !held.iter().any(|held| key.as_ref() == Ok(held) || canonical(logical, held) == key)
        });
        assert!(!source.is_empty(), "{logical}");
        assert_eq!(rows(network, "two", logical).await, source, "{when} {logical}, {entries:?}");
        let to = network.brand("two");
        let limits = &to.dialect().mapping(logical).limits;
        let is_documented = limits.iter().any(|limit| limit.contains("refused"));
        assert!(held.is_empty() || is_documented, "{logical}: {held:?}");
    }
}
