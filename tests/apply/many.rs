//! More tables and columns than a statement has terms for, or a function arguments.

use std::collections::BTreeMap;

use outrigger::dialect::Brand;
use outrigger::render::{Templates, scripts};
use outrigger::schema::Source;
use outrigger::{config, plan, schema};

use crate::capture_unseen::planned;
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
        let ddl = (0..count).map(table).collect::<Vec<_>>().concat();
        let mut session = database.connect().await;
        for statement in ddl.lines() {
            session.raw(statement).await.unwrap();
        }
        for n in [0, 1, count / 2, count - 2, count - 1] {
            let sql = format!("INSERT INTO t{n} VALUES ({n}, '2026-11-29 10:00:00')");
            session.raw(&sql).await.unwrap();
        }

        let followed = (0..count)
            .map(|n| format!("  t{n}: {{ last_update: at }}\n"))
            .collect::<Vec<_>>()
            .concat();
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

/// More columns than a function takes arguments, or an expression may be deep.
#[test]
fn a_wide_row_is_one_command() {
    on_each_server(async |database| {
        let brand = database.brand();
        let width = if brand == Brand::Sqlite { 601 } else { 150 };
        let columns = (1..width).map(|n| format!(", c{n} int")).collect::<Vec<_>>().concat();
        let ddl = format!("CREATE TABLE w (id int PRIMARY KEY{columns});\n");
        let rest = "capture: { command: escaped }\ntables: { w: follow }\n";
        let plan = planned(brand, &ddl, rest).unwrap();
        let mut session = database.connect().await;
        session.raw(&ddl).await.unwrap();
        for script in scripts(&plan, &Templates::embedded(brand)).unwrap() {
            for statement in &script.statements {
                session.raw(statement).await.unwrap();
            }
        }
        let numbers = (1..width).map(|n| format!(", {n}")).collect::<Vec<_>>().concat();
        let named = "UPDATE ds_node SET node_id = 'one'".to_owned();
        let written = format!("INSERT INTO w VALUES (1{numbers})");
        for statement in [named, written, "UPDATE w SET id = 2".to_owned()] {
            session.raw(&statement).await.unwrap();
        }

        let sql = "SELECT object_operation_command AS command FROM ds_change_outbox \
                   WHERE object_operation = 'I' ORDER BY id";
        let rows = session.fetch(sql, &[]).await.unwrap();
        let found: Vec<String> = rows.iter().filter_map(|row| row.text("command")).collect();
        let quoted = (1..width).map(|n| format!(", '{n}'")).collect::<Vec<_>>().concat();
        let values = |key: i32| format!("('{key}'{quoted})");
        assert_eq!(found.len(), 2);
        for (command, key) in found.iter().zip([1, 2]) {
            assert!(command.ends_with(&values(key)), "{command}");
        }
    });
}
