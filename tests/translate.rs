//! The application's tables for another brand: they parse, engines take them, and what is read
//! back is what was translated, but for what is said to be lost.

use std::collections::{BTreeMap, BTreeSet};

use outrigger::dialect::Brand;
use outrigger::model::{Action, Schema, Table};
use outrigger::plan::{self, LOSSES, Translation, physical_name};
use outrigger::render::{self, Templates};
use outrigger::schema::{Source, parse};
use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use crate::cli_support::outrigger;
use crate::support::case::cases;
use crate::support::{self, TestDatabase, tsql};

/// Every case and a richer schema of each brand, by name.
fn schemas() -> Vec<(String, Brand, Schema)> {
    let mut found: Vec<(String, Brand, Schema)> =
        cases().into_iter().map(|case| (case.name, case.brand, case.schema)).collect();
    for brand in Brand::ALL {
        let path = format!("{}/tests/translate/{brand}.sql", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        found.push((format!("rich_{brand}"), brand, read(&text, brand)));
    }
    found
}

fn read(text: &str, brand: Brand) -> Schema {
    let reading = parse(&[Source { path: "schema.sql", text }], brand).expect(text);
    let unread: Vec<_> = reading.skipped.iter().filter(|one| one.reason.is_some()).collect();
    assert!(unread.is_empty(), "{brand}: {unread:?}\n{text}");
    reading.schema
}

fn translated(schema: &Schema, from: Brand, to: Brand) -> (Translation, Vec<String>) {
    let all: Vec<_> = schema.tables.iter().map(|table| table.name.clone()).collect();
    let tables = plan::translate(schema, &all, from, to);
    let statements = render::translation(&tables, &Templates::embedded(to)).unwrap();
    (tables, statements)
}

/// Whether a loss of this id is said of a table, or of its column.
fn loses(tables: &Translation, id: &str, table: &Table, column: Option<&str>) -> bool {
    let name = table.name.to_string();
    tables.losses.iter().any(|loss| {
        loss.id == id && loss.table.as_ref() == Some(&name) && loss.column.as_deref() == column
    })
}

/// A table's columns and keys as lines, under the names that `to` gives them. `lost` says what
/// was lost on the way there; in a table that was read back nothing is.
fn describe(
    schema: &Schema,
    to: Brand,
    lost: Option<&Translation>,
) -> BTreeMap<String, BTreeSet<String>> {
    let said = |id: &str, table: &Table, column: Option<&str>| {
        lost.is_some_and(|tables| loses(tables, id, table, column))
    };
    let is_there = |table: &&Table| !said("table-left-out", table, None);
    let has = |table: &Table, names: &[String]| {
        names.iter().all(|name| !said("column-left-out", table, Some(name)))
    };
    let mut found = BTreeMap::new();
    for table in schema.tables.iter().filter(is_there) {
        let mut lines = BTreeSet::new();
        for column in &table.columns {
            if said("column-left-out", table, Some(&column.name)) {
                continue;
            }
            let is_key = table.primary_key.contains(&column.name);
            let is_identity = column.is_identity
                && !said("identity-left-out", table, Some(&column.name))
                || said("numbered-key", table, Some(&column.name));
            let is_required = is_key || !column.is_nullable;
            let logical = column.logical_type.unwrap();
            lines.insert(format!("{} {logical} {is_required} {is_identity}", column.name));
        }
        if !table.primary_key.is_empty() && has(table, &table.primary_key) {
            lines.insert(format!("key {:?}", table.primary_key));
        }
        for key in table.unique_keys.iter().filter(|key| has(table, key)) {
            lines.insert(format!("unique {key:?}"));
        }
        for key in &table.foreign_keys {
            let parent = schema.table(&key.references).filter(is_there);
            let is_kept = has(table, &key.columns)
                && parent.is_some_and(|parent| has(parent, &key.referenced_columns));
            let named = physical_name(&key.references, to);
            let end = (&key.columns, named, &key.referenced_columns);
            if is_kept {
                lines.insert(format!("{end:?} {:?} {:?}", key.on_delete, key.on_update));
            } else {
                assert!(said("reference-left-out", table, None), "{end:?} of {}", table.name);
            }
        }
        found.insert(format!("{:?}", physical_name(&table.name, to)), lines);
    }
    found
}

/// The model of a schema with the types and actions that are said to be other ones replaced by
/// those that came out.
fn with_said_changes(schema: &Schema, tables: &Translation, back: &Schema, to: Brand) -> Schema {
    let mut expected = schema.clone();
    for table in &mut expected.tables {
        let old = table.clone();
        let name = physical_name(&old.name, to);
        let Some(new) = back.tables.iter().find(|one| physical_name(&one.name, to) == name) else {
            continue;
        };
        for column in &mut table.columns {
            if loses(tables, "type-changed", &old, Some(&column.name)) {
                column.logical_type = new.column(&column.name).unwrap().logical_type;
            }
        }
        if loses(tables, "action-changed", &old, None) {
            for key in &mut table.foreign_keys {
                let same = new.foreign_keys.iter().find(|one| one.columns == key.columns);
                if let Some(same) = same.filter(|one| one.on_delete == Action::NoAction) {
                    (key.on_delete, key.on_update) = (same.on_delete, same.on_update);
                }
            }
        }
    }
    expected
}

/// Over two steps, so that each brand is translated to each.
#[test]
fn what_is_read_back_is_what_was_translated() {
    let mut pairs = BTreeSet::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (name, from, schema) in schemas() {
        for middle in Brand::ALL {
            let first = step(&name, &schema, from, middle, &mut seen);
            for to in Brand::ALL {
                pairs.insert((middle, to));
                step(&name, &first, middle, to, &mut seen);
            }
        }
    }
    assert_eq!(pairs.len(), 16);
    assert_eq!(seen, BTreeSet::from(LOSSES), "every loss is provoked and listed");
}

fn step(
    name: &str,
    schema: &Schema,
    from: Brand,
    to: Brand,
    seen: &mut BTreeSet<&'static str>,
) -> Schema {
    let (tables, statements) = translated(schema, from, to);
    seen.extend(tables.losses.iter().map(|loss| loss.id));
    let separator = if to == Brand::SqlServer { "\nGO\n" } else { "\n" };
    let text = statements.join(separator);
    let back = read(&text, to);
    let expected = with_said_changes(schema, &tables, &back, to);
    let expected = describe(&expected, to, Some(&tables));
    assert_eq!(describe(&back, to, None), expected, "{name} from {from} to {to}:\n{text}");
    let again = translated(schema, from, to).1;
    assert_eq!(again, statements, "{name} from {from} to {to}");
    back
}

#[test]
fn what_is_translated_parses_in_its_dialect() {
    for (name, from, schema) in schemas() {
        for to in Brand::ALL {
            let (_, statements) = translated(&schema, from, to);
            let dialect: &dyn Dialect = match to {
                Brand::Postgres => &PostgreSqlDialect {},
                Brand::Sqlite => &SQLiteDialect {},
                Brand::Mysql => &MySqlDialect {},
                Brand::SqlServer => {
                    let text = statements.join("\nGO\n");
                    tsql::parse_tsql(&text)
                        .unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
                    continue;
                }
            };
            for statement in statements {
                let parsed = Parser::parse_sql(dialect, &statement);
                let parsed =
                    parsed.unwrap_or_else(|error| panic!("{name} to {to}: {error}\n{statement}"));
                assert_eq!(parsed.len(), 1, "{statement}");
            }
        }
    }
}

/// And the model of the live database is that of the text.
#[test]
fn engines_take_what_is_translated() {
    for server in support::servers() {
        for (name, from, schema) in schemas() {
            println!("{name} on {}", server.name);
            support::block_on(async {
                let (_, statements) = translated(&schema, from, server.brand);
                let database = TestDatabase::create(server, &name).await;
                let mut session = database.connect().await;
                for statement in &statements {
                    let done = session.raw(statement).await;
                    done.unwrap_or_else(|fault| panic!("{name} from {from}: {fault}\n{statement}"));
                }
                let live = without_zeros(support::introspect(&mut *session).await);
                session.close().await.unwrap();
                let separator = if server.brand == Brand::SqlServer { "\nGO\n" } else { "\n" };
                let text = without_zeros(read(&statements.join(separator), server.brand));
                assert_eq!(live, text, "{name} from {from} on {}", server.name);
            });
        }
    }
}

/// MariaDB writes the fraction that it fills up in a literal, and live reading leaves away how
/// many digits the current moment has.
fn without_zeros(mut schema: Schema) -> Schema {
    for column in schema.tables.iter_mut().flat_map(|table| &mut table.columns) {
        let plain = |text: String| {
            text.replace(".000000'", "'").replace("CURRENT_TIMESTAMP(6)", "CURRENT_TIMESTAMP")
        };
        column.default = column.default.take().map(plain);
    }
    schema
}

#[test]
fn followed_tables_bring_those_they_refer_to() {
    let run = || {
        outrigger("translate --to sqlite")
            .file(
                "schema.sql",
                "CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE c (id int PRIMARY KEY);\n\
                  CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);",
            )
            .file(
                "outrigger.yaml",
                "database: x\nschema: { dialect: postgres, files: [schema.sql] }\n\
                  nodes: { n: { url: 'sqlite:n.db' } }\ntables: { b: follow }\n",
            )
    };
    let made = run().exits_with(0).stdout;
    assert!(made.contains("CREATE TABLE \"a\"") && !made.contains("CREATE TABLE \"c\""), "{made}");
    assert!(made.find("TABLE \"a\"") < made.find("TABLE \"b\""), "{made}");
    let all = run().argument("--all").exits_with(0).stdout;
    assert!(all.contains("CREATE TABLE \"c\""), "{all}");
    let foreign = run().file("t.sql", "mine").argument("--out").argument("t.sql").exits_with(2);
    assert_eq!(foreign.text("t.sql"), "mine");
    foreign.stderr_has("`t.sql`");
}

#[test]
fn every_loss_is_explained() {
    let path = format!("{}/docs/translate.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).unwrap();
    for id in LOSSES {
        assert!(page.contains(&format!("| `{id}` |")), "{id}");
    }
}
