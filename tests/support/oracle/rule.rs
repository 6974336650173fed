//! The documented rule for one row: what it is, by everything that is known of it.
//!
//! Written once more, apart from the importer and from the model: a row's existence is decided by
//! its inserts and deletes, a column by its updates and the insert of its row; with
//! `overwrite: record` an update that says the whole row decides as an insert does. Between origins the
//! stamp decides, then the origin; of one origin the later change is the newer one, and it
//! inherits the larger stamp.

use outrigger::model::Change;
use outrigger::plan::TablePlan;
use serde_json::Value as Json;

use super::{Cells, operation};

/// Stamp, origin and id of a change, as it counts.
#[derive(Debug, Clone, Default)]
struct Rank {
    stamp: String,
    origin: String,
    id: i64,
}

impl Rank {
    fn is_above(&self, other: &Self) -> bool {
        if self.origin == other.origin {
            return self.id > other.id;
        }
        (&self.stamp, &self.origin) > (&other.stamp, &other.origin)
    }
}

/// What a row is, if it was `base` before all `changes`.
pub(super) fn row<'a>(
    base: Option<&Cells>,
    changes: impl Iterator<Item = &'a Change>,
    plan: &TablePlan,
) -> Option<Cells> {
    let mut changes: Vec<&Change> = changes.collect();
    changes.sort_by_key(|change| (origin(change), id(change)));
    let (updates, others): (Vec<&Change>, Vec<&Change>) =
        changes.into_iter().partition(|c| operation(c) == "U" && !says_row(plan, c));
    let mut ranks: Vec<Rank> = Vec::new();
    let mut newest = base.map(|cells| (Rank::default(), Some(cells.clone())));
    for change in others {
        let rank = rank(change, &ranks);
        if newest.as_ref().is_none_or(|(known, _)| rank.is_above(known)) {
            let is_delete = operation(change) == "D";
            let cells = (!is_delete).then(|| values(change));
            newest = Some((rank.clone(), cells));
        }
        ranks.push(rank);
    }
    let (inserted, cells) = newest?;
    let mut cells = cells?;
    let names: Vec<String> = updates.iter().flat_map(|change| values(change).into_keys()).collect();
    for column in names {
        let mut before = ranks.clone();
        let mut newest = inserted.clone();
        for change in &updates {
            let Some(value) = values(change).remove(&column) else { continue };
            let rank = rank(change, &before);
            if rank.is_above(&newest) {
                cells.insert(column.clone(), value);
                newest = rank.clone();
            }
            before.push(rank);
        }
    }
    Some(cells)
}

/// The rank of a change, with the largest stamp of those before it of its own origin.
fn rank(change: &Change, before: &[Rank]) -> Rank {
    let (origin, id) = (origin(change), id(change));
    let earlier = before.iter().filter(|known| known.origin == origin && known.id < id);
    let own = change.update_datetime.clone().unwrap_or_default();
    let stamp = earlier.map(|known| known.stamp.clone()).max().unwrap_or_default().max(own);
    Rank { stamp, origin, id }
}

fn origin(change: &Change) -> String {
    change.updated_by_server_id.clone().unwrap_or_default()
}

/// The id in the origin's outbox.
fn id(change: &Change) -> i64 {
    change.source_id.unwrap_or(change.id)
}

/// Whether an update says the whole row of a table where a newer change protects it.
pub(super) fn says_row(plan: &TablePlan, change: &Change) -> bool {
    let values = values(change);
    let mut columns = plan.columns.iter().chain(&plan.metadata);
    plan.is_record_level
        && operation(change) == "U"
        && columns.all(|column| values.contains_key(&column.name))
}

/// The columns that a change sets.
pub(super) fn values(change: &Change) -> Cells {
    if operation(change) != "U" {
        return document(change.object_value.as_deref());
    }
    let mut cells = document(change.object_context.as_deref());
    if let Some(column) = &change.object_attribute {
        cells.insert(column.clone(), change.object_value.clone());
    }
    cells
}

/// A row as changes carry it: an object of texts.
pub(super) fn document(text: Option<&str>) -> Cells {
    let object = text.and_then(|text| serde_json::from_str::<Json>(text).ok());
    let Some(Json::Object(object)) = object else { return Cells::new() };
    object.into_iter().map(|(name, value)| (name, value.as_str().map(str::to_owned))).collect()
}
