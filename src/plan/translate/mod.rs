//! The application's own tables for another brand, so that a new node can be made from nothing.
//!
//! Pure: a schema in, tables out, and what they lose. Types come from `dialects/*.yaml`.

mod default;
mod native;
mod reference;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::capture::physical_name;
use crate::config::Config;
use crate::dialect::{Brand, Dialect};
use crate::model::{Action, CONTROL_TABLES, Location, LogicalType, Schema, Table, TableName};

/// Every id of a [`Loss`], sorted; `docs/translate.md` explains them.
pub const LOSSES: [&str; 15] = [
    "action-changed",
    "column-left-out",
    "default-left-out",
    "generated-column",
    "identity-left-out",
    "key-left-out",
    "length-chosen",
    "not-carried",
    "numbered-key",
    "range-narrowed",
    "reference-left-out",
    "repeated-null",
    "table-left-out",
    "type-changed",
    "type-limits",
];

/// Tables for another brand.
#[derive(Debug, Clone, Serialize)]
pub struct Translation {
    /// The namespaces besides the default one, sorted; empty where the brand has none.
    pub namespaces: Vec<String>,
    /// A table comes after those that it refers to.
    pub tables: Vec<NewTable>,
    /// Foreign keys of a circle, to be added when all tables are there.
    pub later: Vec<NewReference>,
    /// What the tables do not say any more, in their order.
    #[serde(skip)]
    pub losses: Vec<Loss>,
}

/// A table to be made.
#[derive(Debug, Clone, Serialize)]
pub struct NewTable {
    /// `None` where the brand has no namespaces.
    pub namespace: Option<String>,
    /// Its name on the brand.
    pub name: String,
    /// In their order.
    pub columns: Vec<NewColumn>,
    /// Columns that are not there.
    pub left_out: Vec<LeftColumn>,
    /// Empty where there is none.
    pub primary_key: Vec<String>,
    /// Whether the database numbers a column.
    pub has_identity: bool,
    /// Further unique keys.
    pub unique_keys: Vec<Vec<String>>,
    /// Foreign keys to tables before this one, to itself, or to any where the brand can add none.
    pub references: Vec<NewReference>,
}

/// A column to be made.
#[derive(Debug, Clone, Serialize)]
pub struct NewColumn {
    /// Its name.
    pub name: String,
    /// Its type in the brand's words.
    pub declared: String,
    /// NOT NULL.
    pub is_required: bool,
    /// A literal or words of the dialect file.
    pub default: Option<String>,
    /// Whether the database numbers it.
    pub is_identity: bool,
}

/// A column that cannot be made.
#[derive(Debug, Clone, Serialize)]
pub struct LeftColumn {
    /// Its name.
    pub name: String,
    /// Its type, where it comes from.
    pub native_type: String,
    /// Why.
    pub reason: String,
}

/// A foreign key to be made.
#[derive(Debug, Clone, Serialize)]
pub struct NewReference {
    /// The referring table's namespace.
    pub namespace: Option<String>,
    /// The referring table.
    pub table: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The namespace of the table referred to.
    pub parent_namespace: Option<String>,
    /// The table referred to.
    pub parent: String,
    /// Its columns.
    pub parent_columns: Vec<String>,
    /// What a delete of the row referred to does.
    pub on_delete: Action,
    /// What a change of its key does.
    pub on_update: Action,
}

/// Something that the new tables do not say, or say in another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// One of [`LOSSES`].
    pub id: &'static str,
    /// Whether somebody has to look at it; else it is good to know.
    pub is_serious: bool,
    /// One sentence.
    pub message: String,
    /// The table, as `object_table` has it.
    pub table: Option<String>,
    /// The column.
    pub column: Option<String>,
    /// Where it was read.
    pub location: Option<Location>,
}

/// The tables that a configuration follows and those they refer to, or all; Outrigger's own
/// never.
#[must_use]
pub fn tables_to_translate(config: &Config, schema: &Schema, all: bool) -> Vec<TableName> {
    let is_own = |table: &&Table| CONTROL_TABLES.contains(&table.name.name.as_str());
    let known: BTreeMap<&TableName, &Table> = schema
        .tables
        .iter()
        .filter(|table| !is_own(table))
        .map(|table| (&table.name, table))
        .collect();
    let is_wanted = |name: &&&TableName| all || config.options_for(name).is_some();
    let mut waiting: Vec<&TableName> = known.keys().filter(is_wanted).copied().collect();
    let mut found: BTreeSet<&TableName> = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if let Some(table) = known.get(name)
            && found.insert(&table.name)
        {
            waiting.extend(table.foreign_keys.iter().map(|key| &key.references));
        }
    }
    found.into_iter().cloned().collect()
}

/// Tables of a schema of one brand for another.
#[must_use]
pub fn translate(schema: &Schema, wanted: &[TableName], from: Brand, to: Brand) -> Translation {
    let chosen: BTreeMap<&TableName, &Table> = schema
        .tables
        .iter()
        .filter(|table| wanted.contains(&table.name))
        .map(|table| (&table.name, table))
        .collect();
    let mut job = Job {
        from: from.dialect(),
        to: to.dialect(),
        chosen,
        made: BTreeMap::new(),
        names: BTreeSet::new(),
        used: BTreeMap::new(),
        losses: Vec::new(),
    };
    let order = reference::parents_first(&job.chosen);
    for name in &order {
        let table = job.chosen[name];
        table::make(&mut job, table);
    }
    let later = reference::make(&mut job, &order);
    job.say_limits();
    let mut losses = std::mem::take(&mut job.losses);
    losses.push(Loss {
        id: "not-carried",
        is_serious: false,
        message: "checks, collations, comments, and indexes that are not unique are not carried"
            .to_owned(),
        table: None,
        column: None,
        location: None,
    });
    let tables: Vec<NewTable> = order.iter().filter_map(|name| job.made.remove(*name)).collect();
    let is_named = |name: &&String| Some(*name) != to.dialect().default_namespace.as_ref();
    let namespaces: BTreeSet<&String> =
        tables.iter().filter_map(|table| table.namespace.as_ref()).filter(is_named).collect();
    let namespaces = namespaces.into_iter().cloned().collect();
    Translation { namespaces, tables, later, losses }
}

/// A translation while it is being made.
struct Job<'a> {
    from: &'static Dialect,
    to: &'static Dialect,
    chosen: BTreeMap<&'a TableName, &'a Table>,
    made: BTreeMap<&'a TableName, NewTable>,
    /// Names that are taken, as the brand compares them.
    names: BTreeSet<(Option<String>, String)>,
    /// Logical types with the columns that have them.
    used: BTreeMap<LogicalType, Vec<String>>,
    losses: Vec<Loss>,
}

impl Job<'_> {
    fn lose(&mut self, id: &'static str, table: &Table, column: Option<&str>, message: String) {
        let place = column.and_then(|name| table.column(name)).and_then(|one| one.location.clone());
        self.losses.push(Loss {
            id,
            is_serious: !["numbered-key", "repeated-null"].contains(&id),
            message,
            table: Some(table.name.to_string()),
            column: column.map(str::to_owned),
            location: place.or_else(|| table.location.clone()),
        });
    }

    /// A name as the brand compares it.
    fn folded(&self, name: &str) -> String {
        if self.to.identifier.ignores_case { name.to_lowercase() } else { name.to_owned() }
    }

    /// What the brand does not hold of the values, by type and not by column.
    fn say_limits(&mut self) {
        if self.from.brand == self.to.brand {
            return;
        }
        for (logical, columns) in std::mem::take(&mut self.used) {
            let known = &self.from.mapping(logical).limits;
            let limits = &self.to.mapping(logical).limits;
            let new: Vec<&str> =
                limits.iter().filter(|limit| !known.contains(limit)).map(String::as_str).collect();
            let [first, rest @ ..] = columns.as_slice() else { continue };
            if new.is_empty() {
                continue;
            }
            let others = match rest.len() {
                0 => String::new(),
                number => format!(" and {number} more"),
            };
            self.losses.push(Loss {
                id: "type-limits",
                is_serious: false,
                message: format!("{logical} (`{first}`{others}): {}", new.join("; ")),
                table: None,
                column: None,
                location: None,
            });
        }
    }
}

/// Whether two keys have the same columns, in whatever order.
fn is_same_key(one: &[String], other: &[String]) -> bool {
    let set = |key: &[String]| key.iter().cloned().collect::<BTreeSet<_>>();
    set(one) == set(other)
}
