//! What is rendered is SQL: it parses in its own dialect, and engines run it and take it back.

use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::model::Schema;
use outrigger::plan;
use outrigger::render::{self, Script, Templates};
use outrigger::schema::{self, Trigger};
use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect};
use sqlparser::parser::Parser;

use crate::support::case::{Case, cases};
use crate::support::{self, Server, TestDatabase, tsql};

/// Statements that a parser does not read although the engine does: how they begin, what they
/// have in them, and why. One that is read after all has to go from here.
const EXEMPT: [(Brand, &str, &str, &str); 5] = [
    (Brand::Postgres, "COMMENT ON TRIGGER", "", "sqlparser knows comments on tables and the like"),
    (Brand::Postgres, "AFTER UPDATE ON", "*<>", "sqlparser has no comparison of row images"),
    (Brand::Postgres, "DO $outrigger$", "", "sqlparser has no anonymous blocks"),
    (
        Brand::Mysql,
        "CREATE /*M! OR REPLACE */ TRIGGER",
        "",
        "sqlparser has no trigger bodies of MySQL's form",
    ),
    (
        Brand::Mysql,
        "GRANT CREATE, DROP, ALTER",
        "",
        "sqlparser has not all rights; `roles` runs it",
    ),
];

#[test]
fn postgres_statements_parse() {
    check_with(Brand::Postgres, &PostgreSqlDialect {});
}

#[test]
fn mysql_statements_parse() {
    check_with(Brand::Mysql, &MySqlDialect {});
}

fn check_with(brand: Brand, dialect: &dyn Dialect) {
    let mut used = vec![false; EXEMPT.len()];
    for case in cases() {
        let all = statements(&case, brand).into_iter().chain(grants(&case, brand));
        for statement in all {
            let exempt = EXEMPT.iter().position(|(of, start, has, _)| {
                *of == brand && statement.contains(start) && statement.contains(has)
            });
            let parsed = Parser::parse_sql(dialect, &statement);
            match (parsed, exempt) {
                (Err(_), Some(index)) => used[index] = true,
                (Ok(parsed), _) => assert_eq!(parsed.len(), 1, "{}:\n{statement}", case.name),
                (Err(error), None) => panic!("{} on {brand}: {error}\n{statement}", case.name),
            }
        }
    }
    for ((of, start, ..), used) in EXEMPT.iter().zip(used) {
        assert!(*of != brand || used, "{brand}: `{start}` need not be exempt any more");
    }
}

#[test]
fn sqlserver_statements_parse() {
    for case in cases() {
        let mut batches = statements(&case, Brand::SqlServer);
        let grants = grants(&case, Brand::SqlServer);
        for role in ["[own]]er]", "[the \"runner\"]", "[app'; DROP TABLE a; -- `]"] {
            let has = grants.iter().any(|grant| grant.ends_with(&format!(" TO {role};")));
            assert!(has || batches.is_empty(), "{}: {role}: {grants:?}", case.name);
        }
        batches.extend(grants);
        if let Err(error) = tsql::parse_tsql(&batches.join("\nGO\n")) {
            panic!("{}: {error}", case.name);
        }
    }
}

/// Everything that a case emits for a brand, installation and removal.
fn statements(case: &Case, brand: Brand) -> Vec<String> {
    let scripts = case.scripts(brand).unwrap_or_default();
    let of_script = |script: &Script| [script.statements.clone(), script.removal.clone()].concat();
    scripts.iter().flat_map(of_script).collect()
}

/// The rights that a case emits for roles whose names need their quotes.
fn grants(case: &Case, brand: Brand) -> Vec<String> {
    let mut config = case.config.clone();
    config.roles.owner = Some("own]er".to_owned());
    config.roles.runner = Some("the \"runner\"".to_owned());
    config.roles.application = Some("app'; DROP TABLE a; -- `".to_owned());
    let Ok(plan) = plan::plan(&config, &case.schema, brand) else { return Vec::new() };
    render::grants(&plan, &Templates::embedded(brand)).unwrap()
}

#[test]
fn engines_install_every_case_and_remove_it_without_a_trace() {
    for server in support::servers() {
        for case in cases() {
            println!("{} on {}", case.name, server.name);
            support::block_on(install_and_remove(server, &case));
        }
    }
}

async fn install_and_remove(server: &Server, case: &Case) {
    let brand = server.brand;
    let Some(scripts) = case.scripts(brand) else { return };
    let database = TestDatabase::create(server, &case.name).await;
    let mut session = database.connect().await;
    for statement in case.tables(brand) {
        run(&mut *session, &statement).await;
    }
    let before = contents(&mut *session).await;
    assert_eq!(before.0.tables.len(), case.schema.tables.len(), "{:?}", before.0);

    for statement in scripts.iter().flat_map(|script| &script.statements) {
        run(&mut *session, statement).await;
    }
    let installed = contents(&mut *session).await;
    let plan = case.plan(brand).expect("it has been rendered");
    for table in &plan.tables {
        for name in [&table.names.insert, &table.names.update, &table.names.delete] {
            let exists = installed.1.iter().any(|trigger| trigger.name == *name);
            assert!(exists, "{name} is missing: {:?}", installed.1);
        }
    }

    for statement in scripts.iter().rev().flat_map(|script| &script.removal) {
        run(&mut *session, statement).await;
    }
    // Columns of GUIDs hold data: they stay until somebody takes them away.
    let added = plan.tables.iter().filter_map(|table| Some((table, table.guid.as_ref()?)));
    for (table, guid) in added {
        run(&mut *session, &format!("SELECT {} FROM {}", guid.column.name, table.name)).await;
        if brand == Brand::Sqlite {
            run(&mut *session, &format!("DROP INDEX {}", guid.index)).await;
        }
        let column = &guid.column.name;
        run(&mut *session, &format!("ALTER TABLE {} DROP COLUMN {column}", table.name)).await;
    }
    assert_eq!(contents(&mut *session).await, before);
    let left = session.fetch(leftovers(brand), &[]).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    session.close().await.unwrap();
}

async fn run(session: &mut dyn Session, statement: &str) {
    session.raw(statement).await.unwrap_or_else(|fault| panic!("{fault}\n{statement}"));
}

async fn contents(session: &mut dyn Session) -> (Schema, Vec<Trigger>) {
    let schema = support::introspect(session).await;
    let nothing = std::collections::BTreeMap::<String, String>::new();
    let templates = Templates::embedded(session.brand());
    let query = templates.statement("introspect/triggers", &nothing).unwrap();
    let rows = session.fetch(&query.sql, &[]).await.unwrap();
    (schema, schema::triggers(&rows))
}

/// Objects of any kind that have our prefix.
fn leftovers(brand: Brand) -> &'static str {
    match brand {
        Brand::Postgres => {
            "SELECT proname::text FROM pg_proc WHERE proname LIKE 'ds\\_%'
             UNION ALL SELECT relname::text FROM pg_class WHERE relname LIKE 'ds\\_%'
             UNION ALL SELECT relname::text FROM pg_class WHERE relname LIKE 'view\\_record%'"
        }
        Brand::Sqlite => {
            "SELECT name FROM sqlite_master WHERE name LIKE 'ds\\_%' ESCAPE '\\'
             OR name LIKE 'view\\_record%' ESCAPE '\\'"
        }
        Brand::SqlServer => {
            "SELECT name FROM sys.objects WHERE name LIKE 'ds[_]%' OR name LIKE 'view[_]record%'"
        }
        Brand::Mysql => {
            "SELECT CAST(table_name AS CHAR) FROM information_schema.tables
             WHERE table_schema = DATABASE()
             AND (table_name LIKE 'ds\\_%' OR table_name LIKE 'view\\_record%')
             UNION ALL SELECT CAST(routine_name AS CHAR) FROM information_schema.routines
             WHERE routine_schema = DATABASE() AND routine_name LIKE 'ds\\_%'
             UNION ALL SELECT CAST(trigger_name AS CHAR) FROM information_schema.triggers
             WHERE trigger_schema = DATABASE() AND trigger_name LIKE 'ds\\_%'"
        }
    }
}
