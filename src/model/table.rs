//! The application's schema: tables, columns, keys.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::LogicalType;

/// Where something stands in a text: a file's path, line and column, both from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// The path as the user gave it.
    pub path: String,
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// A table's name. `namespace` is `None` for the brand's default namespace (`public`, `dbo`,
/// the database itself), so that one name means the same table on every brand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableName {
    /// The SQL schema, where it is not the default one.
    pub namespace: Option<String>,
    /// The table, unquoted, letter for letter.
    pub name: String,
}

impl TableName {
    /// A table of the default namespace.
    #[must_use]
    pub fn plain(name: &str) -> Self {
        Self { namespace: None, name: name.to_owned() }
    }
}

/// `name`, or `namespace.name`: the form that `object_table` and the configuration use.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// All tables that were read, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Sorted by [`TableName`]; no name twice.
    pub tables: Vec<Table>,
}

impl Schema {
    /// A table by its name.
    #[must_use]
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }
}

/// One application table.
///
/// Two tables are equal when what the database enforces is equal: the place in a file and the
/// names of constraints do not take part.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub name: TableName,
    /// In the order of their definition.
    pub columns: Vec<Column>,
    /// Columns of the primary key, in key order; empty where there is none.
    pub primary_key: Vec<String>,
    /// Further unique keys, each its columns in key order; sorted.
    pub unique_keys: Vec<Vec<String>>,
    /// Sorted.
    pub foreign_keys: Vec<ForeignKey>,
    /// Where it was read from, when that was a file.
    #[serde(skip)]
    pub location: Option<Location>,
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.columns == other.columns
            && self.primary_key == other.primary_key
            && self.unique_keys == other.unique_keys
            && self.foreign_keys == other.foreign_keys
    }
}

impl Eq for Table {}

impl Table {
    /// A column by its name, letter for letter.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// One column.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Unquoted, letter for letter.
    pub name: String,
    /// The brand's own type in the brand's normal spelling, lower case: `varchar(30)`.
    pub native_type: String,
    /// What a domain stands for, in the same spelling; `None` for any other type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_type: Option<String>,
    /// What the type means; `None` where nothing maps it.
    pub logical_type: Option<LogicalType>,
    /// Whether NULL is allowed.
    pub is_nullable: bool,
    /// The default's expression, normalised (no outer parentheses, no casts of literals).
    pub default: Option<String>,
    /// Identity, serial or auto-increment: the database numbers it.
    pub is_identity: bool,
    /// Computed from other columns; nobody writes it.
    pub is_generated: bool,
    /// Where it was read from, when that was a file.
    #[serde(skip)]
    pub location: Option<Location>,
}

impl Column {
    /// The type that a value is stored as: a domain's base.
    #[must_use]
    pub fn stored_as(&self) -> &str {
        self.base_type.as_deref().unwrap_or(&self.native_type)
    }
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.native_type == other.native_type
            && self.logical_type == other.logical_type
            && self.is_nullable == other.is_nullable
            && self.default == other.default
            && self.is_identity == other.is_identity
            && self.is_generated == other.is_generated
    }
}

impl Eq for Column {}

/// A reference to another table's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// The referring columns, in the order of the key.
    pub columns: Vec<String>,
    /// The table referred to.
    pub references: TableName,
    /// Its columns, in the same order.
    pub referenced_columns: Vec<String>,
    /// What happens to the referring row when the referred one is deleted.
    pub on_delete: Action,
    /// What happens to it when the referred key changes.
    pub on_update: Action,
}

/// A foreign key's action. `RESTRICT` and `NO ACTION` count as one: both refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The write is refused.
    NoAction,
    /// The referring row goes or follows.
    Cascade,
    /// The reference becomes NULL.
    SetNull,
    /// The reference becomes its default.
    SetDefault,
}
