//! The rows of the introspection queries, understood as a schema.
//!
//! The queries of all brands answer the same columns, see `templates/<brand>/introspect`.

use super::draft::{self, DraftColumn, DraftReference, DraftTable, Key, Kind};
use super::grammar::Grammar;
use super::tables::Tables;
use super::{expression, native};
use crate::dialect::Brand;
use crate::model::{Action, Row, Schema, TableName};

/// The schema that a live database has.
///
/// `columns` has one row per column: `namespace` (NULL for the default one), `table_name`,
/// `column_name`, `ordinal`, `native_type`, `type_kind` (`base`, `enum`, `own` for a composite or
/// range of the application, `domain:<type>` or `domain <kind>:<type>` for a name for one of
/// these), `is_nullable`, `column_default`, `is_identity`, `is_generated` (0 or 1).
/// `keys` has one row per column of a primary or unique key: `namespace`, `table_name`,
/// `key_name`, `is_primary`, `ordinal`, `column_name` (NULL for an expression or a prefix, which
/// makes the key none). `foreign_keys` has one row per column: `namespace`, `table_name`,
/// `constraint_name`, `ordinal`, `column_name`, `ref_namespace`, `ref_table`, `ref_column` (NULL
/// where the primary key is meant), `on_delete`, `on_update`. All sorted by namespace, table,
/// name and ordinal. Rows that lack a name are left out.
#[must_use]
pub fn understand(brand: Brand, columns: &[Row], keys: &[Row], foreign_keys: &[Row]) -> Schema {
    let grammar = Grammar::of(brand);
    let mut tables = Tables::default();
    for row in columns {
        let (Some(name), Some(column)) = (table_name(row), read_column(row, grammar)) else {
            continue;
        };
        if tables.last_mut().is_none_or(|table| table.name != name) {
            tables.push(DraftTable::new(name, None));
        }
        if let Some(table) = tables.last_mut() {
            table.columns.push(column);
        }
    }
    let by_key = |row: &Row| (table_name(row), row.text("key_name"), is_on(row, "is_primary"));
    for rows in keys.chunk_by(|a, b| by_key(a) == by_key(b)) {
        add_key(&mut tables, rows, grammar);
    }
    let by_constraint = |row: &Row| (table_name(row), row.text("constraint_name"));
    for rows in foreign_keys.chunk_by(|a, b| by_constraint(a) == by_constraint(b)) {
        add_reference(&mut tables, rows, grammar);
    }
    draft::finish(tables, grammar)
}

/// A trigger that a live database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The table it belongs to.
    pub table: TableName,
    /// Its name.
    pub name: String,
    /// Its text, as the database keeps it.
    pub definition: String,
    /// Whether it fires.
    pub is_enabled: bool,
}

/// The triggers in the rows of `introspect/triggers`: `namespace`, `table_name`, `trigger_name`,
/// `definition`, `is_enabled`.
#[must_use]
pub fn triggers(rows: &[Row]) -> Vec<Trigger> {
    let read = |row: &Row| {
        Some(Trigger {
            table: table_name(row)?,
            name: row.text("trigger_name")?,
            definition: row.text("definition").unwrap_or_default(),
            is_enabled: is_on(row, "is_enabled"),
        })
    };
    rows.iter().filter_map(read).collect()
}

fn table_name(row: &Row) -> Option<TableName> {
    Some(TableName { namespace: row.text("namespace"), name: row.text("table_name")? })
}

fn is_on(row: &Row, column: &str) -> bool {
    row.integer(column).is_some_and(|number| number != 0)
}

fn read_column(row: &Row, grammar: &Grammar) -> Option<DraftColumn> {
    let kind = row.text("type_kind").unwrap_or_default();
    let sort = |word: &str| match word {
        "enum" => Kind::Enum,
        "own" => Kind::Own,
        _ => Kind::Base,
    };
    let kind = match kind.split_once(':') {
        Some((word, base)) => {
            let of = word.strip_prefix("domain ").unwrap_or_default();
            Kind::Domain(native::from_text(base, grammar), Box::new(sort(of)))
        }
        None => sort(&kind),
    };
    let default = row.text("column_default");
    Some(DraftColumn {
        name: row.text("column_name")?,
        native_type: native::from_text(&row.text("native_type").unwrap_or_default(), grammar),
        kind,
        is_nullable: is_on(row, "is_nullable"),
        default: default.map(|text| Box::new(expression::parse(&text, grammar))),
        is_identity: is_on(row, "is_identity"),
        is_generated: is_on(row, "is_generated"),
        location: None,
    })
}

fn table_of<'a>(
    tables: &'a mut Tables,
    rows: &[Row],
    grammar: &Grammar,
) -> Option<&'a mut DraftTable> {
    let name = rows.first().and_then(table_name)?;
    tables.get_mut(&name, grammar)
}

/// Adds a key from its rows; one with a part that is no plain column is none.
fn add_key(tables: &mut Tables, rows: &[Row], grammar: &Grammar) {
    let columns: Option<Vec<String>> = rows.iter().map(|row| row.text("column_name")).collect();
    let is_primary = rows.first().is_some_and(|row| is_on(row, "is_primary"));
    let name = rows.first().and_then(|row| row.text("key_name"));
    let (Some(table), Some(columns)) = (table_of(tables, rows, grammar), columns) else { return };
    let key = Key { name, columns };
    if is_primary {
        table.primary_key = Some(key);
    } else {
        table.unique_keys.push(key);
    }
}

fn add_reference(tables: &mut Tables, rows: &[Row], grammar: &Grammar) {
    let Some(first) = rows.first() else { return };
    let texts = |column: &str| rows.iter().filter_map(|row| row.text(column)).collect::<Vec<_>>();
    let Some(ref_table) = first.text("ref_table") else { return };
    let reference = DraftReference {
        name: first.text("constraint_name"),
        columns: texts("column_name"),
        references: TableName { namespace: first.text("ref_namespace"), name: ref_table },
        referenced_columns: texts("ref_column"),
        on_delete: action(first.text("on_delete")),
        on_update: action(first.text("on_update")),
    };
    if let Some(table) = table_of(tables, rows, grammar) {
        table.foreign_keys.push(reference);
    }
}

/// `CASCADE`, `SET NULL`, `SET_NULL`, …; whatever refuses is one.
fn action(text: Option<String>) -> Action {
    match text.unwrap_or_default().to_uppercase().replace('_', " ").as_str() {
        "CASCADE" => Action::Cascade,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        _ => Action::NoAction,
    }
}
