//! Where foreign keys fire no triggers: what the trigger of the row that is written has to record.

use std::collections::BTreeMap;

use serde::Serialize;

use super::capture::{CapturedColumn, TablePlan, physical_name};
use crate::dialect::Brand;
use crate::model::{Action, ForeignKey, Table};
use crate::schema::Reached;

/// Rows of one table that go, or whose references change, with another row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cascade {
    /// The table, as it is followed by itself.
    pub table: Box<TablePlan>,
    /// The references that change; none where the rows go.
    pub changes: Vec<ChangedReference>,
    /// Each leads from the row that is written to rows that it takes along.
    pub paths: Vec<CascadePath>,
    /// Each leads to rows that are gone, and so do not change.
    pub except: Vec<CascadePath>,
}

/// A column that a foreign key sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedReference {
    /// The column.
    pub column: CapturedColumn,
    /// The referred column of the row that is written, which gives the value; `None` for NULL.
    pub source: Option<CapturedColumn>,
}

/// A way over foreign keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CascadePath {
    /// The tables between the row that is written and the rows, from there on.
    pub links: Vec<CascadeLink>,
    /// How the rows, aliased `c`, refer to the last of them, or to `OLD`.
    pub pairs: Vec<Pair>,
}

/// A table on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CascadeLink {
    /// Its name on the brand.
    pub name: String,
    /// `p1`, `p2`.
    pub alias: String,
    /// How it refers to the table before it.
    pub pairs: Vec<Pair>,
}

/// Two columns that a foreign key makes equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The referring column.
    pub column: String,
    /// The alias of the table referred to.
    pub parent: String,
    /// Its column.
    pub parent_column: String,
}

/// What the deletion of a row takes along. `plan` gives the plan of a table that is followed.
pub(super) fn on_delete(
    reached: &[Reached<'_>],
    brand: Brand,
    plan: &dyn Fn(&Table) -> Option<TablePlan>,
) -> Vec<Cascade> {
    let mut gone: BTreeMap<String, Cascade> = BTreeMap::new();
    let mut changed = Vec::new();
    for one in reached {
        let Some((table, key)) = one.path.last() else { continue };
        let Some(followed) = plan(table) else { continue };
        let path = path(&one.path, brand);
        if one.action == Action::Cascade {
            let name = followed.object_table.clone();
            let new = || cascade(followed, Vec::new());
            gone.entry(name).or_insert_with(new).paths.push(path);
        } else {
            let set_null = changes(&followed, key, &|_| None);
            changed.push(Cascade { paths: vec![path], ..cascade(followed, set_null) });
        }
    }
    changed.retain(|one| !one.changes.is_empty());
    for one in &mut changed {
        if let Some(gone) = gone.get(&one.table.object_table) {
            one.except.clone_from(&gone.paths);
        }
    }
    gone.into_values().chain(changed).collect()
}

/// What a changed key of a row of `parent` takes along.
pub(super) fn on_update(
    reached: &[Reached<'_>],
    brand: Brand,
    parent: &Table,
    plan: &dyn Fn(&Table) -> Option<TablePlan>,
) -> Vec<Cascade> {
    let mut found = Vec::new();
    for one in reached {
        let Some((table, key)) = one.path.last() else { continue };
        let Some(followed) = plan(table) else { continue };
        let source = |name: &str| {
            let column = parent.column(name)?;
            Some((column.name.clone(), column.native_type.clone()))
        };
        let changes = match one.action {
            Action::Cascade => changes(&followed, key, &source),
            _ => changes(&followed, key, &|_| None),
        };
        if !changes.is_empty() {
            let paths = vec![path(&one.path, brand)];
            found.push(Cascade { paths, ..cascade(followed, changes) });
        }
    }
    found
}

fn cascade(table: TablePlan, changes: Vec<ChangedReference>) -> Cascade {
    Cascade { table: Box::new(table), changes, paths: Vec::new(), except: Vec::new() }
}

/// The captured columns of a foreign key, with where their new values come from.
fn changes(
    followed: &TablePlan,
    key: &ForeignKey,
    source: &dyn Fn(&str) -> Option<(String, String)>,
) -> Vec<ChangedReference> {
    let one = |(name, referenced): (&String, &String)| {
        let column = followed.row.iter().find(|column| column.name == *name)?.clone();
        let source = source(referenced).map(|(name, native_type)| CapturedColumn {
            name,
            native_type,
            ..column.clone()
        });
        Some(ChangedReference { column, source })
    };
    key.columns.iter().zip(&key.referenced_columns).filter_map(one).collect()
}

fn path(path: &[(&Table, &ForeignKey)], brand: Brand) -> CascadePath {
    let mut links = Vec::new();
    let mut parent = "OLD".to_owned();
    let mut pairs = Vec::new();
    for (index, (table, key)) in path.iter().enumerate() {
        pairs = key
            .columns
            .iter()
            .zip(&key.referenced_columns)
            .map(|(column, parent_column)| Pair {
                column: column.clone(),
                parent: parent.clone(),
                parent_column: parent_column.clone(),
            })
            .collect();
        if index + 1 < path.len() {
            let alias = format!("p{}", index + 1);
            let name = physical_name(&table.name, brand).1;
            let pairs = std::mem::take(&mut pairs);
            links.push(CascadeLink { name, alias: alias.clone(), pairs });
            parent = alias;
        }
    }
    CascadePath { links, pairs }
}
