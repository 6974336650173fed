//! Foreign keys: the order of the tables that they ask for, and what becomes of each.

use std::collections::{BTreeMap, BTreeSet};

use super::{Job, NewReference, is_same_key};
use crate::model::{Action, ForeignKey, Table, TableName};

/// The tables by name, but each after those that it refers to; within a circle by name.
pub(super) fn parents_first<'a>(tables: &BTreeMap<&'a TableName, &'a Table>) -> Vec<&'a TableName> {
    let mut order: Vec<&TableName> = Vec::new();
    let mut seen: BTreeSet<&TableName> = BTreeSet::new();
    for start in tables.keys() {
        // A stack of our own: a chain of references may be as long as there are tables.
        let mut stack: Vec<(&TableName, usize)> = Vec::new();
        if seen.insert(start) {
            stack.push((start, 0));
        }
        while let Some((name, next)) = stack.last_mut() {
            let Some(key) = tables[*name].foreign_keys.get(*next) else {
                order.push(name);
                stack.pop();
                continue;
            };
            *next += 1;
            if let Some((parent, _)) = tables.get_key_value(&key.references)
                && seen.insert(parent)
            {
                stack.push((parent, 0));
            }
        }
    }
    order
}

/// Gives the tables their foreign keys; returns those that have to be added later.
pub(super) fn make<'a>(job: &mut Job<'a>, order: &[&'a TableName]) -> Vec<NewReference> {
    let mut later = Vec::new();
    let mut before: BTreeSet<&TableName> = BTreeSet::new();
    // By which tables' actions the rows of a table are reached.
    let mut reached: BTreeMap<&TableName, BTreeSet<&TableName>> = BTreeMap::new();
    for name in order {
        let table = job.chosen[name];
        before.insert(name);
        for key in &table.foreign_keys {
            let Some(mut reference) = reference(job, table, key) else { continue };
            same_types(job, table, key);
            let is_later = !before.contains(&key.references);
            actions(job, table, key, is_later, &mut reached, &mut reference);
            if is_later && job.to.translate.references.later {
                later.push(reference);
            } else if let Some(made) = job.made.get_mut(name) {
                made.references.push(reference);
            }
        }
    }
    later
}

/// A foreign key whose columns and key are there; of any other it is said why it is left out.
fn reference(job: &mut Job<'_>, table: &Table, key: &ForeignKey) -> Option<NewReference> {
    let own = job.made.get(&table.name)?;
    let parent = job.made.get(&key.references);
    let has =
        |made: &super::NewTable, name: &String| made.columns.iter().any(|one| one.name == *name);
    let reason = match parent {
        None => Some("which is not there"),
        Some(_) if !key.columns.iter().all(|name| has(own, name)) => {
            Some("because a column is left out")
        }
        Some(parent) => {
            let mut keys = std::iter::once(&parent.primary_key).chain(&parent.unique_keys);
            let is_key = keys.any(|one| is_same_key(one, &key.referenced_columns));
            (!is_key).then_some("whose key is not there")
        }
    };
    match (reason, parent) {
        (None, Some(parent)) => Some(NewReference {
            namespace: own.namespace.clone(),
            table: own.name.clone(),
            columns: key.columns.clone(),
            parent_namespace: parent.namespace.clone(),
            parent: parent.name.clone(),
            parent_columns: key.referenced_columns.clone(),
            on_delete: key.on_delete,
            on_update: key.on_update,
        }),
        (reason, _) => {
            let (name, columns, parent) = (&table.name, key.columns.join(", "), &key.references);
            let reason = reason.unwrap_or_default();
            let message =
                format!("`{name}` loses its reference ({columns}) to `{parent}`, {reason}");
            job.lose("reference-left-out", table, None, message);
            None
        }
    }
}

/// Gives the referring columns the types of the key, which most brands ask for. Types of one
/// meaning only: a reference between others is refused by the engine, as it was where it is from.
fn same_types(job: &mut Job<'_>, table: &Table, key: &ForeignKey) {
    for (own, other) in key.columns.iter().zip(&key.referenced_columns) {
        let parent = job.chosen.get(&key.references).and_then(|one| one.column(other));
        let meaning =
            |column: Option<&crate::model::Column>| column.and_then(|one| one.logical_type);
        if meaning(parent) != meaning(table.column(own)) {
            continue;
        }
        let of_key = job.made.get(&key.references);
        let of_key = of_key.and_then(|made| made.columns.iter().find(|one| one.name == *other));
        let Some(declared) = of_key.map(|one| one.declared.clone()) else { continue };
        let made = job.made.get_mut(&table.name);
        let column = made.and_then(|made| made.columns.iter_mut().find(|one| one.name == *own));
        if let Some(column) = column {
            column.declared = declared;
        }
    }
}

/// Leaves out the actions that the brand refuses.
fn actions<'a>(
    job: &mut Job<'a>,
    table: &'a Table,
    key: &'a ForeignKey,
    is_later: bool,
    reached: &mut BTreeMap<&'a TableName, BTreeSet<&'a TableName>>,
    reference: &mut NewReference,
) {
    let rules = job.to.translate.references;
    let mut reason = None;
    for action in [&mut reference.on_delete, &mut reference.on_update] {
        if *action == Action::SetDefault && !rules.set_default {
            *action = Action::NoAction;
            reason = Some("sets no default");
        }
    }
    let acts = reference.on_delete != Action::NoAction || reference.on_update != Action::NoAction;
    if acts && !rules.two_paths {
        let mut through = reached.get(&key.references).cloned().unwrap_or_default();
        through.insert(&key.references);
        let own = reached.entry(&table.name).or_default();
        let is_circle = is_later || through.contains(&table.name);
        if is_circle || !own.is_disjoint(&through) {
            (reference.on_delete, reference.on_update) = (Action::NoAction, Action::NoAction);
            reason = Some("takes no second way to a table");
        } else {
            own.extend(through);
        }
    }
    if let Some(reason) = reason {
        let (name, columns, title) = (&table.name, key.columns.join(", "), &job.to.title);
        let message = format!(
            "the reference ({columns}) of `{name}` has no action any more: {title} {reason}"
        );
        job.lose("action-changed", table, None, message);
    }
}
