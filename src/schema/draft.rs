//! A schema while it is being read: what was written or answered, before names are resolved.
//!
//! DDL and introspection both end here, so that what they share is decided once.

use std::collections::BTreeSet;

use sqlparser::ast::Expr;

use super::expression;
use super::grammar::Grammar;
use super::tables::Tables;
use crate::model::{Action, Column, ForeignKey, Location, LogicalType, Schema, Table, TableName};

/// A table while it is being read.
#[derive(Debug, Clone)]
pub(super) struct DraftTable {
    pub(super) name: TableName,
    pub(super) columns: Vec<DraftColumn>,
    pub(super) primary_key: Option<Key>,
    pub(super) unique_keys: Vec<Key>,
    pub(super) foreign_keys: Vec<DraftReference>,
    pub(super) location: Option<Location>,
    /// A partition's rows are its parent's: it is no table of the schema.
    pub(super) is_partition: bool,
}

impl DraftTable {
    pub(super) fn new(name: TableName, location: Option<Location>) -> Self {
        Self {
            name,
            columns: Vec::new(),
            primary_key: None,
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            location,
            is_partition: false,
        }
    }

    /// A column by the name that some part of the schema gives it.
    pub(super) fn column_mut(&mut self, name: &str, grammar: &Grammar) -> Option<&mut DraftColumn> {
        let index = find(self.columns.iter().map(|column| &column.name), name, grammar)?;
        self.columns.get_mut(index)
    }
}

/// A column while it is being read.
#[derive(Debug, Clone)]
pub(super) struct DraftColumn {
    pub(super) name: String,
    /// In its usual spelling.
    pub(super) native_type: String,
    pub(super) kind: Kind,
    pub(super) is_nullable: bool,
    /// Boxed: an expression is several times as large as all else that is said of a column.
    pub(super) default: Option<Box<Expr>>,
    pub(super) is_identity: bool,
    pub(super) is_generated: bool,
    pub(super) location: Option<Location>,
}

/// What sort of type a column has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The brand's own.
    Base,
    /// The application's enumeration.
    Enum,
    /// The application's composite or range.
    Own,
    /// The application's name for another type, which is in its usual spelling, and its sort.
    Domain(String, Box<Kind>),
}

/// A key while it is being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// The constraint's or index's name, where it has one.
    pub(super) name: Option<String>,
    pub(super) columns: Vec<String>,
}

/// A foreign key while it is being read.
#[derive(Debug, Clone)]
pub(super) struct DraftReference {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) references: TableName,
    /// Empty where the referred table's primary key is meant.
    pub(super) referenced_columns: Vec<String>,
    pub(super) on_delete: Action,
    pub(super) on_update: Action,
}

/// The index of a name: letter for letter, else (where the brand compares so) case aside.
pub(super) fn find<'a>(
    mut names: impl Iterator<Item = &'a String> + Clone,
    name: &str,
    grammar: &Grammar,
) -> Option<usize> {
    let exact = names.clone().position(|known| known == name);
    if exact.is_some() || grammar.folds_names {
        return exact;
    }
    names.position(|known| is_same(known, name))
}

/// Whether two names are equal, case aside.
fn is_same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
        || !(a.is_ascii() && b.is_ascii()) && a.to_lowercase() == b.to_lowercase()
}

/// The column that a key of a table names and the table does not have.
pub(super) fn missing_column<'a>(table: &'a DraftTable, grammar: &Grammar) -> Option<&'a String> {
    let keys = table.primary_key.iter().chain(&table.unique_keys).flat_map(|key| &key.columns);
    let referring = table.foreign_keys.iter().flat_map(|reference| &reference.columns);
    let mut named = keys.chain(referring);
    named
        .find(|name| find(table.columns.iter().map(|column| &column.name), name, grammar).is_none())
}

/// Resolves names, fills in what goes without saying, and sorts.
pub(super) fn finish(all: Tables, grammar: &Grammar) -> Schema {
    // Only keys are held twice: columns are what a large schema is made of.
    let keys: Vec<Keys> = all
        .list()
        .iter()
        .map(|table| resolve_names(Keys::of(table), table, &all, grammar))
        .collect();
    let tables = all.into_list().into_iter().zip(keys);
    let mut tables: Vec<Table> =
        tables.map(|(table, keys)| finish_table(table, keys, grammar)).collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Schema { tables }
}

/// The keys of a table.
struct Keys {
    primary: Vec<String>,
    unique: Vec<Vec<String>>,
    foreign: Vec<DraftReference>,
}

impl Keys {
    fn of(table: &DraftTable) -> Self {
        let primary = table.primary_key.as_ref().map(|key| key.columns.clone());
        Self {
            primary: primary.unwrap_or_default(),
            unique: table.unique_keys.iter().map(|key| key.columns.clone()).collect(),
            foreign: table.foreign_keys.clone(),
        }
    }
}

fn resolve_names(mut keys: Keys, table: &DraftTable, all: &Tables, grammar: &Grammar) -> Keys {
    for columns in std::iter::once(&mut keys.primary).chain(&mut keys.unique) {
        resolve(columns, &table.columns, grammar);
    }
    for reference in &mut keys.foreign {
        resolve(&mut reference.columns, &table.columns, grammar);
        let Some(referenced) = all.get(&reference.references, grammar) else { continue };
        reference.references = referenced.name.clone();
        if reference.referenced_columns.is_empty()
            && let Some(key) = &referenced.primary_key
        {
            reference.referenced_columns.clone_from(&key.columns);
        }
        resolve(&mut reference.referenced_columns, &referenced.columns, grammar);
    }
    keys
}

/// Gives names the letter case of the columns that they mean.
fn resolve(names: &mut [String], columns: &[DraftColumn], grammar: &Grammar) {
    for name in names {
        if let Some(index) = find(columns.iter().map(|column| &column.name), name, grammar) {
            name.clone_from(&columns[index].name);
        }
    }
}

fn finish_table(table: DraftTable, keys: Keys, grammar: &Grammar) -> Table {
    let Keys { primary: primary_key, unique, foreign } = keys;
    let columns = table.columns.into_iter().map(|column| {
        let is_key = primary_key.contains(&column.name);
        finish_column(column, is_key, grammar)
    });
    let columns = columns.collect();
    let unique_keys: BTreeSet<Vec<String>> =
        unique.into_iter().filter(|columns| *columns != primary_key).collect();
    let foreign_keys: BTreeSet<ForeignKey> = foreign
        .into_iter()
        .map(|reference| ForeignKey {
            columns: reference.columns,
            references: reference.references,
            referenced_columns: reference.referenced_columns,
            on_delete: reference.on_delete,
            on_update: reference.on_update,
        })
        .collect();
    Table {
        name: table.name,
        columns,
        primary_key,
        unique_keys: unique_keys.into_iter().collect(),
        foreign_keys: foreign_keys.into_iter().collect(),
        location: table.location,
    }
}

fn finish_column(column: DraftColumn, is_key: bool, grammar: &Grammar) -> Column {
    let is_generated =
        column.is_generated || grammar.generated_types.contains(&column.native_type.as_str());
    let (stored_as, sort) = match &column.kind {
        Kind::Domain(base, sort) => (base, &**sort),
        sort => (&column.native_type, sort),
    };
    let logical_type = match sort {
        Kind::Enum => Some(LogicalType::Enum),
        Kind::Own => Some(LogicalType::Verbatim),
        Kind::Base | Kind::Domain(..) => grammar.brand.dialect().logical_type(stored_as),
    };
    let is_sequence = column.default.as_deref().is_some_and(expression::is_sequence);
    let is_identity = column.is_identity || is_sequence;
    let default = column
        .default
        .filter(|_| !is_identity && !is_generated)
        .and_then(|default| expression::normalise(*default, logical_type, grammar));
    let is_required = is_key && grammar.has_not_null_keys;
    let base_type = match column.kind {
        Kind::Domain(base, _) => Some(base),
        Kind::Base | Kind::Enum | Kind::Own => None,
    };
    Column {
        name: column.name,
        native_type: column.native_type,
        base_type,
        logical_type,
        is_nullable: !is_required && column.is_nullable,
        default,
        is_identity,
        is_generated,
        location: column.location,
    }
}
