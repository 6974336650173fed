//! More tables than a `SELECT` has terms for.

use std::collections::BTreeMap;

use outrigger::dialect::Brand;
use outrigger::render::{Templates, scripts};
use outrigger::schema::Source;
use outrigger::{config, plan, schema};

use crate::support::on_each_server;

/// So many that the view is joined of groups, of which the last has one table.
fn count(brand: Brand) -> usize {
    match brand {
        Brand::Sqlite => 801,
        Brand::Postgres => 1_001,
        // One list of any length; what grows is only the time.
        Brand::Mysql | Brand::SqlServer => 20,
    }
}

#[test]
fn the_view_of_last_updates_has_all_tables_however_many_there_are() {
    on_each_server(async |database| {
        let brand = database.brand();
        let count = count(brand);
        let table = |n| format!("CREATE TABLE t{n} (id int PRIMARY KEY, at timestamp NULL);\n");
        let ddl: String = (0..count).map(table).collect();
        let mut session = database.connect().await;
        for statement in ddl.lines() {
            session.raw(statement).await.unwrap();
        }
        for n in [0, 1, count / 2, count - 2, count - 1] {
            let sql = format!("INSERT INTO t{n} VALUES ({n}, '2026-11-29 10:00:00')");
            session.raw(&sql).await.unwrap();
        }

        let followed: String =
            (0..count).map(|n| format!("  t{n}: {{ last_update: at }}\n")).collect();
        let text = format!(
            "database: many\nschema: {{ dialect: {brand}, files: [schema.sql] }}\n\
             nodes: {{ one: {{ url: 'sqlite:x' }} }}\ntables:\n{followed}",
            brand = brand.name(),
        );
        let config = config::parse("outrigger.yaml", &text, &BTreeMap::new()).unwrap();
        let source = Source { path: "schema.sql", text: &ddl };
        let schema = schema::parse(&[source], brand).unwrap().schema;
        let plan = plan::plan(&config, &schema, brand).unwrap();
        let all = scripts(&plan, &Templates::embedded(brand)).unwrap();
        let wanted = ["001_node", "900_union_view"]
            .map(|name| all.iter().find(|script| script.name == name).expect("it is rendered"));
        for statement in wanted.iter().flat_map(|script| &script.statements) {
            session.raw(statement).await.unwrap();
        }

        let sql = "SELECT object_table FROM view_recordlevel_update_datetime";
        let rows = session.fetch(sql, &[]).await.unwrap();
        let mut found: Vec<String> =
            rows.iter().filter_map(|row| row.text("object_table")).collect();
        found.sort_unstable();
        let mut expected = [0, 1, count / 2, count - 2, count - 1].map(|n| format!("t{n}"));
        expected.sort_unstable();
        assert_eq!(found, expected);
    });
}
