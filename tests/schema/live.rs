//! DDL and live reading of one schema give equal models.

use std::path::PathBuf;
use std::sync::Arc;

use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::model::{Row, Schema, Value};
use outrigger::schema::{hash, triggers, understand};

use super::{describe, reading};
use crate::support::{TestDatabase, block_on, on_each_server_of};

/// An introspection query: it has no variables, so the template is the query.
fn query(brand: Brand, name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("templates").join(brand.name()).join("introspect");
    std::fs::read_to_string(path.join(format!("{name}.sql.tera"))).unwrap()
}

pub(super) fn case(brand: Brand, file: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("tests").join("cases_ddl").join(brand.name()).join(file);
    std::fs::read_to_string(path).unwrap()
}

async fn rows(session: &mut dyn Session, name: &str) -> Vec<Row> {
    let sql = query(session.brand(), name);
    session.fetch(&sql, &[]).await.unwrap()
}

async fn live(session: &mut dyn Session) -> Schema {
    let columns = rows(session, "columns").await;
    let keys = rows(session, "keys").await;
    let foreign_keys = rows(session, "foreign_keys").await;
    understand(session.brand(), &columns, &keys, &foreign_keys)
}

/// Reads the DDL, which must be read whole.
pub(super) fn from_ddl(brand: Brand, text: &str) -> Schema {
    let reading = reading(brand, text).expect("the case has tables");
    let unread: Vec<_> = reading.skipped.iter().filter(|one| one.reason.is_some()).collect();
    assert!(unread.is_empty(), "{unread:#?}");
    reading.schema
}

pub(super) fn assert_equal(from_ddl: &Schema, live: &Schema) {
    // The text first: it shows the difference line by line.
    let (left, right) = (describe(from_ddl), describe(live));
    let different: Vec<_> = left
        .lines()
        .filter(|line| !right.contains(line))
        .map(|line| format!("ddl  {line}"))
        .chain(right.lines().filter(|line| !left.contains(line)).map(|line| format!("live {line}")))
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(left, right);
    assert_eq!(from_ddl, live);
    assert_eq!(hash(from_ddl), hash(live));
}

async fn live_equals_ddl(database: &TestDatabase) {
    let text = case(database.brand(), "live.sql");
    let mut session = database.connect().await;
    session.raw(&text).await.unwrap();
    let live = live(session.as_mut()).await;
    assert!(live.tables.len() >= 4, "the tables are there");
    assert_equal(&from_ddl(database.brand(), &text), &live);
    session.close().await.unwrap();
}

#[test]
fn sqlite_gives_the_model_of_its_ddl() {
    on_each_server_of(Brand::Sqlite, live_equals_ddl);
}

#[test]
fn postgres_gives_the_model_of_its_ddl() {
    on_each_server_of(Brand::Postgres, live_equals_ddl);
}

#[test]
fn mysql_gives_the_model_of_its_ddl() {
    on_each_server_of(Brand::Mysql, live_equals_ddl);
}

/// `PostGIS` keeps its types in other words than they were written in, and has a table of its own.
#[test]
fn postgres_gives_the_model_of_its_ddl_with_the_shapes_of_postgis() {
    let Some(server) = crate::values::postgis::server() else { return };
    let shapes = "a gis.geometry, b gis.geometry(Point), c gis.geometry(Point,4326), \
                  d gis.geometry(PointZM,0), e gis.geometry(Geometry,3857), f gis.geography, \
                  g gis.geography(Point), h gis.geography(PolygonZ,4326), \
                  i gis.geography(Geometry,4267), j gis.geometry(POINT,4326)[], \
                  k gis.geography(Geometry), l gis.geometry(geometry), m gis.geography(Point,0)";
    let table = format!("CREATE TABLE place (id integer PRIMARY KEY, {shapes});");
    block_on(async {
        for namespace in ["gis", "public"] {
            let database = TestDatabase::create(server, namespace).await;
            let mut session = database.connect().await;
            let table = table.replace("gis.", &format!("{namespace}."));
            let created = "CREATE SCHEMA IF NOT EXISTS gis";
            let extension = format!("CREATE EXTENSION postgis SCHEMA {namespace}");
            for statement in [created, &extension, &table] {
                session.raw(statement).await.unwrap();
            }
            let live = live(session.as_mut()).await;
            assert_eq!(live.tables.len(), 1, "the extension's own table is left out");
            assert_equal(&from_ddl(Brand::Postgres, &table), &live);
        }
    });
}

/// Rows as text: columns between bars, the first line their names.
fn recorded(file: &str) -> Vec<Row> {
    let text = case(Brand::SqlServer, file);
    let mut lines = text.lines().map(|line| line.split(" | ").map(str::to_owned));
    let names: Arc<[String]> = lines.next().unwrap().collect();
    let cell = |text: String| match text.as_str() {
        "NULL" => Value::Null,
        _ => text.parse().map_or_else(|_| Value::Text(text.clone()), Value::Integer),
    };
    lines.map(|line| Row::new(names.clone(), line.map(cell).collect())).collect()
}

#[test]
fn recorded_rows_of_sqlserver_give_the_model_of_its_ddl() {
    let rows = ["columns.txt", "keys.txt", "foreign_keys.txt"].map(recorded);
    let live = understand(Brand::SqlServer, &rows[0], &rows[1], &rows[2]);
    assert_equal(&from_ddl(Brand::SqlServer, &case(Brand::SqlServer, "live.sql")), &live);
}

#[test]
fn a_server_of_sqlserver_gives_the_model_of_its_ddl() {
    on_each_server_of(Brand::SqlServer, async |database| {
        let text = case(Brand::SqlServer, "live.sql");
        let mut session = database.connect().await;
        for batch in text.split("\nGO\n") {
            session.raw(batch).await.unwrap();
        }
        let live = live(session.as_mut()).await;
        assert_equal(&from_ddl(Brand::SqlServer, &text), &live);
    });
}

/// What every brand's queries answer, so that one function understands them all.
#[test]
fn introspection_queries_of_all_brands_name_the_same_columns() {
    for (name, columns) in [
        (
            "columns",
            "namespace table_name column_name ordinal native_type type_kind is_nullable \
             column_default is_identity is_generated",
        ),
        ("keys", "namespace table_name key_name is_primary ordinal column_name"),
        (
            "foreign_keys",
            "namespace table_name constraint_name ordinal column_name ref_namespace ref_table \
             ref_column on_delete on_update",
        ),
        ("triggers", "namespace table_name trigger_name definition is_enabled"),
    ] {
        for brand in Brand::ALL {
            let sql = query(brand, name);
            let answered: Vec<_> = sql
                .split([' ', ',', '\n', '(', ')', '.'])
                .filter(|word| columns.split(' ').any(|column| column == *word))
                .collect();
            for column in columns.split(' ') {
                assert!(answered.contains(&column), "{brand} {name}: {column}");
            }
            assert!(!sql.contains("{{") && !sql.contains("{%"), "{brand} {name} has no variables");
        }
    }
}

#[test]
fn triggers_are_read_with_their_text() {
    for (brand, text) in [(Brand::Sqlite, "DELETE FROM pair"), (Brand::Postgres, "RETURN NEW")] {
        on_each_server_of(brand, async |database| {
            let mut session = database.connect().await;
            session.raw(&case(brand, "live.sql")).await.unwrap();
            let found = triggers(&rows(session.as_mut(), "triggers").await);
            assert_eq!(found.len(), 1);
            assert_eq!((found[0].name.as_str(), found[0].is_enabled), ("t", true));
            assert_eq!(found[0].table.to_string().to_lowercase(), "child");
            assert!(found[0].definition.contains(text), "{}", found[0].definition);
        });
    }
}
