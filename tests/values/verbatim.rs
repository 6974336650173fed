//! Types that PostgreSQL alone has, from one server of it to another, over each brand between them:
//! what is written under whatever settings is the same value there, and back.

use std::collections::BTreeMap;

use indoc::indoc;
use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::model::LogicalType;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::samples::verbatim::VERBATIM;
use crate::support::{self, Server};

const TYPES: &str = indoc! {r#"
    CREATE SCHEMA ext;
    CREATE EXTENSION hstore SCHEMA ext;
    CREATE EXTENSION ltree SCHEMA ext;
    CREATE EXTENSION cube SCHEMA ext;
    CREATE EXTENSION seg SCHEMA ext;
    CREATE SCHEMA shop;
    CREATE TYPE mood AS ENUM ('new', 'two words', 'O''Brien');
    CREATE TYPE shop."Mood" AS ENUM ('a', 'B c');
    CREATE TYPE shop."odd(""; DROP TABLE v; --" AS ENUM ('a');
    CREATE DOMAIN shop."odd) domain[" AS text[];
    CREATE TYPE shop.place AS (street text, at point, seen timestamptz);
    CREATE TYPE shop.spell AS RANGE (subtype = float8);
    CREATE DOMAIN shop.tags AS text[] CHECK (cardinality(VALUE) < 9);
    CREATE DOMAIN shop.three_bits AS bit(3);
    CREATE DOMAIN shop.feeling AS shop."Mood";
    CREATE DOMAIN shop.home AS shop.place;
    CREATE DOMAIN shop.short AS varchar(3)[];
"#};

/// Values of types of extensions, as these write them.
const EXTENSIONS: &[(&str, &[&str])] = &[
    ("hstore", &["", "\"a\"=>\"1\", \"b\"=>NULL", "\"it's\"=>\"\\\"\\\\\"", "\"NULL\"=>\"NULL\""]),
    ("ltree", &["", "a.b_1.C", "007"]),
    ("lquery", &["*.a@*.!b{1,2}"]),
    ("ltxtquery", &["a & !b"]),
    ("cube", &["(0.30000000000000004)", "(1, 2),(3, 0.1)"]),
    ("seg", &["1.5 .. 2.50", "<1", "~5.00"]),
    ("hstore[]", &["{\"\\\"a\\\"=>\\\"1\\\"\",NULL}"]),
];

/// Values of types of the application.
const OWN: &[(&str, &[&str])] = &[
    ("shop.\"Mood\"[]", &["{a,\"B c\",NULL}"]),
    ("shop.\"odd(\"\"; DROP TABLE v; --\"[]", &["{a}"]),
    ("shop.\"odd) domain[\"", &["{\"'); DROP TABLE v; --\"}"]),
    (
        "shop.place",
        &["(\"a, b\",\"(0.30000000000000004,2)\",\"2026-02-03 04:05:06.7+00\")", "(,,)"],
    ),
    ("shop.place[]", &["{\"(a,\\\"(1,2)\\\",)\",NULL}"]),
    ("shop.spell", &["[0.1,0.30000000000000004)", "empty"]),
    ("shop.spell_multirange", &["{[0.1,0.30000000000000004)}"]),
    ("shop.tags", &["{a,NULL}", "[0:1]={a,\" \"}"]),
    ("shop.three_bits", &["101", "010"]),
    ("shop.feeling", &["a", "B c"]),
    ("shop.home", &["(x,,)"]),
    ("shop.short", &["{abc,d}"]),
];

/// What a database or a role may be set to; the driver says some of it itself in each session.
const AWAY: [&str; 8] = [
    "intervalstyle = 'sql_standard'",
    "bytea_output = 'escape'",
    "xmloption = 'document'",
    "array_nulls = off",
    "datestyle = 'German'",
    "timezone = 'Asia/Kolkata'",
    "extra_float_digits = 0",
    "search_path = public",
];

/// The columns with their types and values.
fn columns() -> Vec<(String, String, &'static [&'static str])> {
    let extensions = EXTENSIONS.iter().map(|(native, texts)| (format!("ext.{native}"), *texts));
    let built_in = VERBATIM.iter().chain(OWN).map(|(native, texts)| ((*native).to_owned(), *texts));
    let all = built_in.chain(extensions).enumerate();
    all.map(|(at, (native, texts))| (format!("c{at}"), native, texts)).collect()
}

fn ddl(brand: Brand) -> String {
    let native = |native: &str| match brand {
        Brand::Postgres => native.to_owned(),
        _ => brand.dialect().mapping(LogicalType::Verbatim).declare.clone(),
    };
    let columns: Vec<String> =
        columns().iter().map(|(name, own, _)| format!("{name} {}", native(own))).collect();
    let types = if brand == Brand::Postgres { TYPES } else { "" };
    format!("{types}CREATE TABLE v (id integer PRIMARY KEY, {});\n", columns.join(", "))
}

/// The same, in a database whose settings are others.
fn settled_ddl(brand: Brand) -> String {
    if brand != Brand::Postgres {
        return ddl(brand);
    }
    let away: Vec<String> = AWAY
        .iter()
        .map(|setting| {
            format!("EXECUTE format('ALTER DATABASE %I SET {}', current_database());", {
                setting.replace('\'', "''")
            })
        })
        .collect();
    format!("{}DO $$ BEGIN {} END $$;\n", ddl(brand), away.join(" "))
}

/// The texts of all cells, as a session of ours reads them.
async fn cells(session: &mut dyn Session) -> BTreeMap<i64, Vec<Option<String>>> {
    let mapping = session.brand().dialect().mapping(LogicalType::Verbatim);
    let names = columns();
    let texts: Vec<String> =
        names.iter().map(|(name, ..)| format!("{} AS {name}", mapping.text_of(name))).collect();
    let rows = session.fetch(&format!("SELECT id, {} FROM v", texts.join(", ")), &[]).await;
    let cells = |row: &outrigger::model::Row| names.iter().map(|(n, ..)| row.text(n)).collect();
    rows.unwrap().iter().map(|row| (row.integer("id").unwrap(), cells(row))).collect()
}

/// The sample of a column that a row has; one row has none.
fn sample(texts: &[&'static str], row: usize) -> Option<&'static str> {
    texts.get(row % (texts.len() + 1)).copied()
}

const ROWS: usize = 18;

fn expected(shift: usize) -> BTreeMap<i64, Vec<Option<String>>> {
    let columns = columns();
    let row = |row: usize| {
        let texts = columns.iter().map(|(.., texts)| sample(texts, row + shift).map(str::to_owned));
        (i64::try_from(row).unwrap(), texts.collect())
    };
    (0..ROWS).map(row).collect()
}

fn literal(text: Option<&str>) -> String {
    text.map_or("NULL".to_owned(), |text| Brand::Postgres.dialect().text_literal(text))
}

async fn is_everywhere(network: &mut Network, shift: usize) {
    let columns = columns();
    for id in ["one", "two", "three"] {
        assert_eq!(network.count(id, "ds_quarantine").await, 0, "{id}");
        let found = cells(network.connect(id).await.as_mut()).await;
        for (row, texts) in expected(shift) {
            let there = &found[&row];
            for ((name, native, _), (text, there)) in columns.iter().zip(texts.iter().zip(there)) {
                assert_eq!(there, text, "{id}, row {row}, {name} {native}");
            }
        }
    }
}

async fn set_up(middle: &'static Server) -> Network {
    let postgres = support::servers_of(Brand::Postgres).next().unwrap();
    let blueprint = Blueprint {
        name: &format!("over_{}", middle.name),
        nodes: &[("one", postgres), ("two", middle), ("three", postgres)],
        routes: &[("one", "two"), ("two", "three"), ("three", "two"), ("two", "one")],
        tables: "  v: follow",
        schema: &ddl(Brand::Postgres),
        batch_rows: 200,
    };
    Network::set_up(&blueprint, |_, brand| settled_ddl(brand)).await
}

/// An application with settings of its own.
async fn settle_application(network: &mut Network, id: &str) {
    let sets: Vec<String> = AWAY
        .iter()
        .filter(|setting| !setting.starts_with("array_nulls") && !setting.starts_with("xmloption"))
        .map(|setting| format!("SET {setting};"))
        .collect();
    network.application(id).raw(&sets.join(" ")).await.unwrap();
}

#[test]
fn types_of_postgres_alone_come_back_over_every_brand() {
    for middle in ready_servers() {
        if support::servers_of(Brand::Postgres).next().is_none() {
            return;
        }
        println!("over {}", middle.name);
        support::block_on(async {
            let mut network = set_up(middle).await;
            settle_application(&mut network, "one").await;
            settle_application(&mut network, "three").await;
            there_and_back(&mut network).await;
            if network.brand("two") != Brand::Postgres {
                what_another_brand_writes(&mut network).await;
            }
        });
    }
}

async fn there_and_back(network: &mut Network) {
    let columns = columns();
    let names: Vec<&str> = columns.iter().map(|(name, ..)| name.as_str()).collect();
    for row in 0..ROWS {
        let values: Vec<String> =
            columns.iter().map(|(.., texts)| literal(sample(texts, row))).collect();
        let insert = format!(
            "INSERT INTO v (id, {}) VALUES ({row}, {})",
            names.join(", "),
            values.join(", ")
        );
        network.run("one", &insert).await;
    }
    network.drain().await;
    is_everywhere(network, 0).await;
    for row in 0..ROWS {
        let sets: Vec<String> = columns
            .iter()
            .map(|(name, _, texts)| format!("{name} = {}", literal(sample(texts, row + 1))))
            .collect();
        network.run("three", &format!("UPDATE v SET {} WHERE id = {row}", sets.join(", "))).await;
    }
    network.drain().await;
    is_everywhere(network, 1).await;
    // What is written again as it is is no change.
    let before = network.count("three", "ds_change_outbox").await;
    network.run("three", "UPDATE v SET c0 = c0, id = id").await;
    assert_eq!(network.count("three", "ds_change_outbox").await, before);
}

/// A text that the type reads is read, another one waits with its reason, and none is cut.
async fn what_another_brand_writes(network: &mut Network) {
    let columns = columns();
    let named = |native: &str| {
        let found = columns.iter().find(|(_, own, _)| own == native);
        found.map(|(name, ..)| name.as_str()).unwrap()
    };
    let (tags, bits, short) = (named("text[]"), named("shop.three_bits"), named("shop.short"));
    // PostgreSQL writes that text anew, as its dialect file says.
    network.writes_around_the_triggers();
    let odd = "{x, \"y z\"}";
    network.run("two", &format!("UPDATE v SET {tags} = '{odd}' WHERE id = 0")).await;
    network.run("two", &format!("UPDATE v SET {tags} = 'none' WHERE id = 1")).await;
    network.run("two", &format!("UPDATE v SET {bits} = '1011' WHERE id = 2")).await;
    network.run("two", &format!("UPDATE v SET {short} = '{{abcd}}' WHERE id = 3")).await;
    network.drain().await;
    for id in ["one", "three"] {
        let count = network.count(id, &format!("v WHERE {tags} = ARRAY['x', 'y z']")).await;
        assert_eq!(count, 1, "{id}");
        let reasons: Vec<String> =
            network.quarantine(id).await.into_iter().map(|held| held.reason).collect();
        for why in ["malformed array literal", "does not match type bit(3)", "value too long"] {
            assert!(reasons.iter().any(|reason| reason.contains(why)), "{id} {why}: {reasons:?}");
        }
        assert_eq!(reasons.len(), 3, "{id}: {reasons:?}");
    }
}
