//! What every node has to hold in the end, by the documented rule and nothing else.
//!
//! A row's existence is decided by its inserts and deletes, a column by its updates and the
//! insert of its row; of tables with `overwrite: record` an update decides on the row as an insert
//! does. Between origins the stamp decides, then the origin; two changes of one
//! origin are ordered by their ids, and the later one inherits the larger stamp: an insert or
//! delete from those before it, an update from those too and from the column's updates.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use outrigger::model::Change;
use serde_json::Value as Json;

use crate::database::{Cells, KEY, RowKey, is_record};
use crate::world::Logged;

#[derive(Clone)]
struct Claim<'a> {
    stamp: String,
    origin: &'a str,
    id: i64,
    change: &'a Change,
    value: Option<String>,
}

impl Claim<'_> {
    fn is_newer_than(&self, other: &Self) -> bool {
        if self.origin == other.origin {
            return self.id > other.id;
        }
        (&self.stamp, self.origin).cmp(&(&other.stamp, other.origin)) == Ordering::Greater
    }
}

/// The rows that all nodes end with.
pub(crate) fn expected(log: &[Logged]) -> BTreeMap<RowKey, Cells> {
    let mut rows: BTreeMap<RowKey, Vec<&Logged>> = BTreeMap::new();
    for logged in log {
        let change = &logged.change;
        let row = (change.object_table.clone().unwrap(), change.object_id.clone().unwrap());
        rows.entry(row).or_default().push(logged);
    }
    let ends = rows.into_iter().filter_map(|(row, history)| Some((row, end_of_row(history)?)));
    ends.collect()
}

/// The rows that several nodes have changed.
pub(crate) fn contested(log: &[Logged]) -> u64 {
    let mut origins: BTreeMap<(&Option<String>, &Option<String>), BTreeSet<&str>> = BTreeMap::new();
    for Logged { origin, change } in log {
        origins.entry((&change.object_table, &change.object_id)).or_default().insert(origin);
    }
    origins.values().filter(|origins| origins.len() > 1).count() as u64
}

fn end_of_row(mut history: Vec<&Logged>) -> Option<Cells> {
    history.sort_by_key(|logged| (logged.origin.clone(), logged.change.id));
    let (updates, others): (Vec<&Logged>, Vec<&Logged>) =
        history.into_iter().partition(|logged| operation(logged) == "U" && !is_whole(logged));
    let others = claims(others.into_iter().map(|logged| (logged, None)), &[]);
    let row = newest(&others)?.clone();
    let mut cells = match row.change.object_operation.as_deref() {
        Some("I") => cells(row.change.object_value.as_deref().unwrap()),
        Some("U") => cells(row.change.object_context.as_deref().unwrap()),
        _ => return None,
    };
    cells.remove(KEY);
    let mut columns: BTreeMap<String, Vec<(&Logged, Option<String>)>> = BTreeMap::new();
    for logged in updates {
        let change = &logged.change;
        let mut set = change.object_context.as_deref().map(self::cells).unwrap_or_default();
        set.insert(change.object_attribute.clone().unwrap(), change.object_value.clone());
        for (column, value) in set {
            columns.entry(column).or_default().push((logged, value));
        }
    }
    for (column, updates) in columns {
        let updates = claims(updates.into_iter(), &others);
        if let Some(update) = newest(&updates).filter(|update| update.is_newer_than(&row)) {
            cells.insert(column, update.value.clone());
        }
    }
    Some(cells)
}

/// Changes with the stamps that they inherit. They come origin by origin and by their ids.
fn claims<'a>(
    changes: impl Iterator<Item = (&'a Logged, Option<String>)>,
    others: &[Claim<'_>],
) -> Vec<Claim<'a>> {
    let mut claims: Vec<Claim<'a>> = Vec::new();
    for (logged, value) in changes {
        let (origin, id) = (logged.origin.as_str(), logged.change.id);
        let before = others.iter().chain(&claims).filter(|one| one.origin == origin && one.id < id);
        let own = logged.change.update_datetime.clone().unwrap();
        let stamp = before.map(|one| one.stamp.clone()).max().unwrap_or_default().max(own);
        claims.push(Claim { stamp, origin, id, change: &logged.change, value });
    }
    claims
}

fn newest<'a, 'b>(claims: &'b [Claim<'a>]) -> Option<&'b Claim<'a>> {
    claims.iter().reduce(|best, one| if one.is_newer_than(best) { one } else { best })
}

/// Whether an update says the whole row.
fn is_whole(logged: &Logged) -> bool {
    is_record(logged.change.object_table.as_deref().unwrap())
}

fn operation(logged: &Logged) -> &str {
    logged.change.object_operation.as_deref().unwrap()
}

fn cells(document: &str) -> Cells {
    let object: serde_json::Map<String, Json> = serde_json::from_str(document).unwrap();
    object.into_iter().map(|(name, value)| (name, value.as_str().map(str::to_owned))).collect()
}
