//! Shapes of `PostGIS`, from one server that has it to another, over each brand between them.

use std::collections::BTreeMap;

use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::model::LogicalType;

use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

/// Columns with their types, and what is written into them row by row.
const SHAPES: [(&str, &str, [Option<&str>; 3]); 5] = [
    (
        "whole",
        "geometry",
        [
            Some("SRID=3857;GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,0.30000000000000004 1))"),
            Some("POINT EMPTY"),
            None,
        ],
    ),
    (
        "spot",
        "geometry(Point,4326)",
        [Some("SRID=4326;POINT(8.5 47.25)"), None, Some("SRID=4326;POINT(-0.5 1)")],
    ),
    ("high", "geometry(PointZM)", [Some("POINT(1 2 3 4)"), Some("POINT(1 2 3 1e-300)"), None]),
    (
        "area",
        "geography(Polygon)",
        [
            Some("SRID=4326;POLYGON((0 0,1 0,1 1,0 0))"),
            None,
            Some("SRID=4326;POLYGON((5 5,6 5,6 6,5 5))"),
        ],
    ),
    (
        "away",
        "geography(Point,4267)",
        [None, Some("SRID=4267;POINT(1 2)"), Some("SRID=4267;POINT(3 4)")],
    ),
];

fn ddl(brand: Brand) -> String {
    let own = &brand.dialect().mapping(LogicalType::Verbatim).declare;
    let native =
        |native: &str| if brand == Brand::Postgres { native.to_owned() } else { own.clone() };
    let columns = SHAPES.map(|(name, shape, _)| format!("{name} {}", native(shape)));
    let extension = if brand == Brand::Postgres { "CREATE EXTENSION postgis;\n" } else { "" };
    format!("{extension}CREATE TABLE place (id integer PRIMARY KEY, {});\n", columns.join(", "))
}

/// A server that has `PostGIS`; none is said by name.
pub(crate) fn server() -> Option<&'static Server> {
    let found = support::servers_of(Brand::Postgres).find(|server| {
        support::block_on(async {
            let mut session = outrigger::db::connect(&server.admin_url).await.unwrap();
            let sql = "SELECT name FROM pg_available_extensions WHERE name = 'postgis'";
            !session.fetch(sql, &[]).await.unwrap().is_empty()
        })
    });
    if found.is_none() {
        println!("skipped: no postgis");
    }
    found
}

/// Each row's cells, written as their columns' functions say.
async fn cells(session: &mut dyn Session, of: &str) -> BTreeMap<i64, Vec<Option<String>>> {
    let texts = SHAPES.map(|(name, ..)| format!("{} AS {name}", of.replace('@', name)));
    let rows = session.fetch(&format!("SELECT id, {} FROM place", texts.join(", ")), &[]).await;
    let read = |row: &outrigger::model::Row| SHAPES.map(|(name, ..)| row.text(name)).to_vec();
    rows.unwrap().iter().map(|row| (row.integer("id").unwrap(), read(row))).collect()
}

fn written(shift: usize) -> BTreeMap<i64, Vec<Option<String>>> {
    let cell = |row: usize, (.., texts): &(_, _, [Option<&str>; 3])| {
        texts[(row + shift) % 3].map(str::to_owned)
    };
    let row = |row| SHAPES.iter().map(|shape| cell(row, shape)).collect();
    (0..3_i64).zip(0..3).map(|(id, at)| (id, row(at))).collect()
}

async fn is_everywhere(network: &mut Network, shift: usize) {
    let here = cells(network.connect("one").await.as_mut(), "@::text").await;
    for id in ["one", "two", "three"] {
        assert_eq!(network.count(id, "ds_quarantine").await, 0, "{id}");
        let mut session = network.connect(id).await;
        let text = session.brand().dialect().mapping(LogicalType::Verbatim).text_of("@");
        assert_eq!(cells(session.as_mut(), &text).await, here, "{id}");
    }
    let there = cells(network.connect("three").await.as_mut(), "ST_AsEWKT(@, 17)").await;
    assert_eq!(there, written(shift));
}

#[test]
fn shapes_come_back_over_every_brand() {
    let Some(postgres) = server() else { return };
    for middle in ready_servers().into_iter().filter(|middle| middle.brand != Brand::Postgres) {
        println!("over {}", middle.name);
        support::block_on(async {
            let blueprint = Blueprint {
                name: &format!("over_{}", middle.name),
                nodes: &[("one", postgres), ("two", middle), ("three", postgres)],
                routes: &[("one", "two"), ("two", "three"), ("three", "two"), ("two", "one")],
                tables: "  place: follow",
                schema: &ddl(Brand::Postgres),
                batch_rows: 200,
            };
            let mut network = Network::set_up(&blueprint, |_, brand| ddl(brand)).await;
            there_and_back(&mut network).await;
        });
    }
}

async fn there_and_back(network: &mut Network) {
    let literal = |text: &Option<String>| match text {
        Some(text) => format!("'{text}'"),
        None => "NULL".to_owned(),
    };
    for (id, row) in written(0) {
        let row: Vec<String> = row.iter().map(literal).collect();
        network.run("one", &format!("INSERT INTO place VALUES ({id}, {})", row.join(", "))).await;
    }
    network.drain().await;
    is_everywhere(network, 0).await;
    for (id, row) in written(1) {
        let sets =
            SHAPES.iter().zip(&row).map(|((name, ..), text)| format!("{name} = {}", literal(text)));
        let sets: Vec<String> = sets.collect();
        network
            .run("three", &format!("UPDATE place SET {} WHERE id = {id}", sets.join(", ")))
            .await;
    }
    network.drain().await;
    is_everywhere(network, 1).await;
    // What is written again as it is is no change.
    let before = network.count("three", "ds_change_outbox").await;
    network.run("three", "UPDATE place SET whole = whole, spot = spot, area = area").await;
    assert_eq!(network.count("three", "ds_change_outbox").await, before);
}
