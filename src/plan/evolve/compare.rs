//! What differs between two schemas, as far as capture is concerned.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Followed, Question};
use crate::model::{Action, Column, ForeignKey, Schema, Table};
use crate::plan::TablePlan;

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// A table is new.
    TableAdded,
    /// A table is gone.
    TableDropped,
    /// A table has got another name, as a person said.
    TableRenamed,
    /// A table that was there is followed from now on.
    TableFollowed,
    /// A table that stays is no longer followed.
    TableUnfollowed,
    /// The columns that rows are followed by are others.
    KeyChanged,
    /// Unique keys or foreign keys are others.
    ConstraintsChanged,
    /// A column is new.
    ColumnAdded,
    /// A column is gone.
    ColumnDropped,
    /// A column has got another name, as a person said.
    ColumnRenamed,
    /// Values have another canonical text.
    TypeChanged,
    /// The type is another, the canonical text of values the same.
    TypeAltered,
    /// Whether NULL is allowed, the default, or who fills it is another.
    ColumnAltered,
    /// A column is captured in another way.
    PolicyChanged,
    /// A column that is gone and a new one are of one type in one place: was it renamed?
    MaybeColumnRenamed,
    /// A table that is gone and a new one have the same columns: was it renamed?
    MaybeTableRenamed,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What differs.
    pub kind: DifferenceKind,
    /// The table, by its new name where it has one.
    pub table: String,
    /// The table's old name, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_table: Option<String>,
    /// The column, by its new name where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The column's old name, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_column: Option<String>,
    /// What it was: a type, a key, a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is going to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The default of a new column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether a new column can do without a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_nullable: Option<bool>,
}

impl Difference {
    fn of(kind: DifferenceKind, table: &str) -> Self {
        Self {
            kind,
            table: table.to_owned(),
            old_table: None,
            column: None,
            old_column: None,
            from: None,
            to: None,
            default: None,
            is_nullable: None,
        }
    }

    fn column(self, name: &str) -> Self {
        Self { column: Some(name.to_owned()), ..self }
    }

    fn change(self, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { from: Some(from.into()), to: Some(to.into()), ..self }
    }

    /// Whether it only asks a question.
    #[must_use]
    pub fn is_note(&self) -> bool {
        matches!(self.kind, DifferenceKind::MaybeColumnRenamed | DifferenceKind::MaybeTableRenamed)
    }

    /// Whether between two statements of the application's DDL and ours no triggers fit the table.
    pub(super) fn tears(&self) -> bool {
        use DifferenceKind as Kind;
        matches!(
            self.kind,
            Kind::TableRenamed | Kind::ColumnRenamed | Kind::TypeChanged | Kind::KeyChanged
        )
    }

    /// Whether the table itself is altered in another way than by adding, dropping or renaming.
    #[must_use]
    pub fn is_alteration(&self) -> bool {
        use DifferenceKind as Kind;
        matches!(
            self.kind,
            Kind::TypeChanged
                | Kind::TypeAltered
                | Kind::ColumnAltered
                | Kind::KeyChanged
                | Kind::ConstraintsChanged
        )
    }
}

/// All differences of followed tables, by table.
pub(super) fn differences(question: &Question<'_>, followed: &Followed<'_>) -> Vec<Difference> {
    let (old, new) = (by_name(question.old.schema), by_name(question.new.schema));
    let mut found = Vec::new();
    for table in &question.new.schema.tables {
        let name = table.name.to_string();
        let was = question.renames.old_table(&name);
        match (old.get(was).copied(), followed.new.get(name.as_str())) {
            (None, Some(plan)) => found.push(added(table, plan)),
            (Some(before), Some(plan)) => {
                let is_old = followed.old.contains(was);
                if !is_old {
                    found.push(Difference::of(DifferenceKind::TableFollowed, &name));
                }
                let pair = Pair { question, before, after: table, plan, name: &name, was, is_old };
                let from = found.len();
                pair.compare(&mut found);
                if was != name {
                    found[from..].iter_mut().for_each(|one| one.old_table = Some(was.to_owned()));
                }
            }
            (Some(_), None) if followed.old.contains(was) => {
                found.push(Difference::of(DifferenceKind::TableUnfollowed, &name));
            }
            _ => {}
        }
    }
    for table in &question.old.schema.tables {
        let name = table.name.to_string();
        let is_gone = !new.contains_key(question.renames.new_table(&name));
        if is_gone && followed.old.contains(&name) {
            found.push(Difference::of(DifferenceKind::TableDropped, &name));
            found.extend(maybe_renamed(table, question, followed, &old));
        }
    }
    found.sort_by(|one, two| one.table.cmp(&two.table));
    found
}

fn by_name(schema: &Schema) -> BTreeMap<String, &Table> {
    schema.tables.iter().map(|table| (table.name.to_string(), table)).collect()
}

fn added(table: &Table, plan: &TablePlan) -> Difference {
    let key: Vec<&str> = plan.key.iter().map(|column| column.name.as_str()).collect();
    let to = Some(format!("key {}", key.join(", ")));
    Difference { to, ..Difference::of(DifferenceKind::TableAdded, &table.name.to_string()) }
}

/// A new table with the columns of one that is gone.
fn maybe_renamed(
    gone: &Table,
    question: &Question<'_>,
    followed: &Followed<'_>,
    old: &BTreeMap<String, &Table>,
) -> Option<Difference> {
    let is_alike = |table: &&Table| {
        let name = table.name.to_string();
        followed.new.contains_key(name.as_str())
            && !old.contains_key(question.renames.old_table(&name))
            && table
                .columns
                .iter()
                .map(|c| (&c.name, c.logical_type))
                .eq(gone.columns.iter().map(|c| (&c.name, c.logical_type)))
    };
    let new = question.new.schema.tables.iter().find(is_alike)?;
    let (from, to) = (gone.name.to_string(), new.name.to_string());
    Some(Difference::of(DifferenceKind::MaybeTableRenamed, &to).change(from, to.clone()))
}

/// A foreign key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Reference {
    to: String,
    /// Each with the column that it refers to.
    columns: Vec<(String, String)>,
    actions: [Action; 2],
}

/// The foreign keys of a table, sorted.
fn references(table: &Table) -> Vec<Reference> {
    let one = |key: &ForeignKey| Reference {
        to: key.references.to_string(),
        columns: key.columns.iter().cloned().zip(key.referenced_columns.clone()).collect(),
        actions: [key.on_delete, key.on_update],
    };
    let mut all: Vec<Reference> = table.foreign_keys.iter().map(one).collect();
    all.sort();
    all
}

/// A table that both schemas have.
struct Pair<'a> {
    question: &'a Question<'a>,
    before: &'a Table,
    after: &'a Table,
    plan: &'a TablePlan,
    name: &'a str,
    was: &'a str,
    /// Whether it was followed.
    is_old: bool,
}

impl Pair<'_> {
    fn compare(&self, found: &mut Vec<Difference>) {
        use DifferenceKind as Kind;
        if self.was != self.name {
            found.push(Difference::of(Kind::TableRenamed, self.name).change(self.was, self.name));
        }
        self.compare_keys(found);
        let mut gone = Vec::new();
        for (place, column) in self.before.columns.iter().enumerate() {
            if self.after.column(self.new_name(&column.name)).is_none() {
                let from = Some(column.native_type.clone());
                let one = Difference::of(Kind::ColumnDropped, self.name).column(&column.name);
                found.push(Difference { from, ..one });
                gone.push((place, column));
            }
        }
        for (place, column) in self.after.columns.iter().enumerate() {
            let was = self.question.renames.old_column(self.name, &column.name);
            if let Some(before) = self.before.column(was) {
                self.compare_columns(before, column, found);
                continue;
            }
            found.push(self.column_added(column));
            let is_alike = |(at, gone): &&(usize, &Column)| {
                *at == place && gone.logical_type == column.logical_type
            };
            if let Some((_, gone)) = gone.iter().find(is_alike) {
                let one = Difference::of(Kind::MaybeColumnRenamed, self.name).column(&column.name);
                found.push(one.change(&gone.name, &column.name));
            }
        }
    }

    fn column_added(&self, column: &Column) -> Difference {
        let one = Difference::of(DifferenceKind::ColumnAdded, self.name).column(&column.name);
        Difference {
            to: Some(column.native_type.clone()),
            default: column.default.clone(),
            is_nullable: Some(column.is_nullable),
            ..one
        }
    }

    /// The new name of a column of the old table.
    fn new_name<'a>(&'a self, old: &'a str) -> &'a str {
        self.question.renames.new_column(self.name, old)
    }

    fn compare_keys(&self, found: &mut Vec<Difference>) {
        let new_names = |names: &[String]| -> Vec<String> {
            names.iter().map(|name| self.new_name(name).to_owned()).collect()
        };
        // Where the configuration names the key, the primary key is a constraint like any other.
        let key: Vec<String> = self.plan.key.iter().map(|column| column.name.clone()).collect();
        let before = new_names(&self.before.primary_key);
        let is_primary = key == self.after.primary_key;
        if is_primary && before != key {
            let one = Difference::of(DifferenceKind::KeyChanged, self.name);
            found.push(one.change(self.before.primary_key.join(", "), key.join(", ")));
        }
        let mut uniques: Vec<_> = self.before.unique_keys.iter().map(|k| new_names(k)).collect();
        uniques.sort();
        let is_other = uniques != self.after.unique_keys
            || self.references_renamed() != references(self.after)
            || (!is_primary && before != self.after.primary_key);
        if is_other {
            found.push(Difference::of(DifferenceKind::ConstraintsChanged, self.name));
        }
    }

    /// The foreign keys of the old table under the new names, sorted.
    fn references_renamed(&self) -> Vec<Reference> {
        let renames = self.question.renames;
        let mut all = references(self.before);
        for one in &mut all {
            one.to = renames.new_table(&one.to).to_owned();
            for (own, referred) in &mut one.columns {
                *own = self.new_name(own).to_owned();
                *referred = renames.new_column(&one.to, referred).to_owned();
            }
        }
        all.sort();
        all
    }

    fn compare_columns(&self, before: &Column, after: &Column, found: &mut Vec<Difference>) {
        use DifferenceKind as Kind;
        let of = |kind| Difference::of(kind, self.name).column(&after.name);
        if before.name != after.name {
            let old_column = Some(before.name.clone());
            found.push(Difference {
                old_column,
                ..of(Kind::ColumnRenamed).change(&before.name, &after.name)
            });
        }
        // Native types of two brands say nothing about each other.
        let is_one_brand = self.question.old.brand == self.question.new.brand;
        let types = |kind| of(kind).change(&before.native_type, &after.native_type);
        if before.logical_type != after.logical_type {
            found.push(types(Kind::TypeChanged));
        } else if is_one_brand && before.native_type != after.native_type {
            found.push(types(Kind::TypeAltered));
        }
        let traits = |column: &Column| {
            let default = column.default.as_ref().map(|text| format!(" DEFAULT {text}"));
            let or = |is: bool, word: &str| if is { word.to_owned() } else { String::new() };
            format!(
                "{}{}{}{}",
                if column.is_nullable { "NULL" } else { "NOT NULL" },
                default.unwrap_or_default(),
                or(column.is_identity, " numbered"),
                or(column.is_generated, " generated"),
            )
        };
        let (had, has) = (traits(before), traits(after));
        if is_one_brand && had != has {
            found.push(of(Kind::ColumnAltered).change(had, has));
        }
        self.compare_policies(before, after, found);
    }

    fn compare_policies(&self, before: &Column, after: &Column, found: &mut Vec<Difference>) {
        let known = self.question.captured.and_then(|captured| captured.get(self.was));
        let known = known.and_then(Option::as_ref).filter(|_| self.is_old);
        let Some(had) = known.and_then(|policies| policies.get(&before.name)) else { return };
        if let Some(has) = self.plan.policy(&after.name)
            && had != has
        {
            let one = Difference::of(DifferenceKind::PolicyChanged, self.name);
            found.push(one.column(&after.name).change(had, has));
        }
    }
}
