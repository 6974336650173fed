//! The statements of an installation, as text: all brands, without a server.

use outrigger::dialect::Brand;
use outrigger::render::{Statement, Templates};
use serde::Serialize;

use crate::support::tsql::parse_tsql;

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
    wait_seconds: u64,
    wait_milliseconds: u64,
    session_wait_seconds: u64,
    session_wait_milliseconds: u64,
}

/// Every statement of `templates/<brand>/apply`, filled.
fn statements(brand: Brand) -> Vec<(String, Statement)> {
    let templates = Templates::embedded(brand);
    let namespace = brand.dialect().default_namespace.as_deref();
    let context = Context {
        namespace,
        wait_seconds: 5,
        wait_milliseconds: 5_000,
        session_wait_seconds: 10,
        session_wait_milliseconds: 10_000,
    };
    let names = Templates::names(brand).into_iter().filter(|name| name.starts_with("apply/"));
    let filled = names.flat_map(|name| {
        let statements = templates.statements(&name, &context).unwrap();
        statements.into_iter().map(move |statement| (name.clone(), statement))
    });
    filled.collect()
}

#[test]
fn all_brands_have_the_same_statements() {
    let names = |brand| {
        let names = Templates::names(brand).into_iter();
        names.filter(|name| name.starts_with("apply/")).collect::<Vec<_>>()
    };
    for brand in Brand::ALL {
        assert_eq!(names(brand), names(Brand::Postgres), "{brand}");
    }
}

#[test]
fn every_t_sql_statement_passes_the_parser() {
    let statements = statements(Brand::SqlServer);
    assert_eq!(statements.len(), 8);
    for (name, statement) in statements {
        parse_tsql(&statement.sql).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// A dry run puts the values in the place of the marks.
#[test]
fn a_placeholders_mark_stands_nowhere_else() {
    for brand in Brand::ALL {
        let mark = brand.dialect().placeholder.replace("{n}", "");
        let is_numbered = mark != brand.dialect().placeholder;
        for (name, statement) in statements(brand) {
            let marks = statement.sql.matches(&mark).count();
            let wanted = statement.parameters.len();
            let fits = if is_numbered { marks >= wanted } else { marks == wanted };
            assert!(fits, "{brand} {name}: {marks} marks, {wanted} parameters");
        }
    }
}

#[test]
fn every_id_of_verify_is_documented() {
    let text = include_str!("../../docs/drift.md");
    let described = text.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    assert_eq!(described.collect::<Vec<_>>(), outrigger::apply::IDS);
}
