//! Changes that this node made on top of an import and that are stamped below it all the same.
//!
//! Where a trigger sees the floor of stamps as it was when its transaction began, and the clock is
//! behind, what an application writes over an import is the older of the two. But an import folds
//! what this node has committed to the rows that it has locked before it decides: what is folded
//! later of such a row was made on top of it. So it is told anew, as the row is now, stamped
//! directly after what it had lost against; then it is the newer one everywhere.

use std::collections::{BTreeMap, BTreeSet};

use super::batch::Importer;
use super::collision::{Told, document};
use super::decide::RowState;
use super::decode::{Incoming, RowId};
use super::fold::Folded;
use super::{Error, versions};
use crate::db::Session;
use crate::model::{NodeId, Op, Version};
use crate::outbox::next_stamp;

/// What is said in the outbox rows that are written here.
const ANEW: &str = "was made after what it had lost against";

/// Cells of a row.
type Cells = BTreeMap<String, Option<String>>;

/// By row: what its application has changed in vain.
pub(super) type Overtaken = BTreeMap<RowId, Vain>;

/// What an application has changed of a row, the latest value of each column.
#[derive(Debug, Clone)]
pub(super) struct Vain {
    key: Vec<String>,
    op: Op,
    cells: Cells,
}

/// Takes note of a change of this node, when `state` knows it already, that something stands above
/// although it was there before.
pub(super) fn note(overtaken: &mut Overtaken, state: &RowState, change: &Incoming, node: &NodeId) {
    let is_vain = match change.op {
        Op::Update => change.cells.keys().any(|column| above(state, column, node).is_some()),
        Op::Delete => row_above(state, node).is_some(),
        Op::Insert => is_deleted_since(state, change, node),
    };
    if let Some(known) = overtaken.get_mut(&change.row) {
        match change.op {
            Op::Update => known.cells.extend(change.cells.clone()),
            op => (known.op, known.cells) = (op, change.cells.clone()),
        }
    } else if is_vain {
        let vain = Vain { key: change.key.clone(), op: change.op, cells: change.cells.clone() };
        overtaken.insert(change.row.clone(), vain);
    }
}

/// The foreign change by which a column of a row that is there is not as this node wrote it. What
/// waits for the row to come was decided without a look at it, and is no such change.
fn above<'a>(state: &'a RowState, column: &str, node: &NodeId) -> Option<&'a Version> {
    let cell = state.cells.get(column);
    let row = row_above(state, node);
    let by_row = row.filter(|row| cell.is_none_or(|cell| row.supersedes(&cell.version)));
    let is_foreign = |version: &&Version| version.origin != node.as_str();
    let by_cell = cell.filter(|cell| cell.parked.is_none()).map(|cell| &cell.version);
    by_row.or(by_cell.filter(is_foreign))
}

/// The foreign change that says that the row is there.
fn row_above<'a>(state: &'a RowState, node: &NodeId) -> Option<&'a Version> {
    let row = state.row.as_ref().filter(|(op, _)| *op != Op::Delete).map(|(_, version)| version);
    row.filter(|version| version.origin != node.as_str())
}

/// Whether the row was told to be deleted by this node while it was inserted here anew.
fn is_deleted_since(state: &RowState, insert: &Incoming, node: &NodeId) -> bool {
    state.row.as_ref().is_some_and(|(op, row)| {
        *op == Op::Delete && row.origin == node.as_str() && row.source_id > insert.version.source_id
    })
}

impl Importer {
    /// Tells anew what was changed in vain; what was folded meanwhile has to be settled in turn.
    /// `gone` are rows that were deleted since.
    pub(super) async fn tell_anew(
        &mut self,
        session: &mut dyn Session,
        mut overtaken: Overtaken,
        gone: &BTreeSet<RowId>,
    ) -> Result<Folded, Error> {
        let mut folded = Folded::default();
        overtaken.retain(|row, _| !gone.contains(row));
        if overtaken.is_empty() {
            return Ok(folded);
        }
        // What was committed before the lock is in the table, and has to be in what is told.
        let locked: BTreeMap<RowId, Vec<String>> =
            overtaken.iter().map(|(row, vain)| (row.clone(), vain.key.clone())).collect();
        let there = self.executor.lock(session, &self.targets, &locked).await?;
        folded.overtaken = overtaken;
        self.fold(session, &there, &mut folded).await?;
        let later = |row: &RowId| !locked.contains_key(row);
        let overtaken = std::mem::take(&mut folded.overtaken);
        let (later, overtaken): (Overtaken, Overtaken) =
            overtaken.into_iter().partition(|(row, _)| later(row));
        folded.overtaken = later;
        let rows: BTreeSet<RowId> = overtaken.keys().cloned().collect();
        let read = &self.statements.read_versions;
        let states = versions::load(session, read, &self.targets, &rows).await?;
        for (row, vain) in &overtaken {
            let Some(state) = states.get(row) else { continue };
            for told in self.told_anew(row, vain, state, there.contains(row)) {
                self.tell(session, &told).await?;
            }
        }
        // A row that is not there cannot be locked. Whoever inserts it after it was told to be
        // deleted has the later id; whoever did so before is waited for, and told in turn.
        let there = self.executor.lock(session, &self.targets, &locked).await?;
        self.fold(session, &there, &mut folded).await?;
        Ok(folded)
    }

    fn told_anew(&self, row: &RowId, vain: &Vain, state: &RowState, is_there: bool) -> Vec<Told> {
        let change = |op: Op, below: &Version| {
            let stamp = next_stamp(&below.stamp)?;
            let (attribute, value, old) = (None, None, None);
            Some(Told { row: row.clone(), op, attribute, value, old, stamp, note: ANEW })
        };
        match (vain.op, is_there) {
            (Op::Update, true) => {
                let cells = vain.cells.iter().filter_map(|(column, value)| {
                    let told = change(Op::Update, above(state, column, &self.node)?)?;
                    Some(Told { attribute: Some(column.clone()), value: value.clone(), ..told })
                });
                cells.collect()
            }
            (Op::Delete, false) => {
                let old = Some(document(vain.cells.clone().into_iter()));
                let told = row_above(state, &self.node).and_then(|row| change(Op::Delete, row));
                told.map(|told| Told { old, ..told }).into_iter().collect()
            }
            (Op::Insert, true) => {
                let target = &self.targets.tables[row.0];
                let key = target.key.iter().map(|column| column.name.clone());
                let key = key.zip(vain.key.iter().cloned().map(Some));
                let value = Some(document(key.chain(vain.cells.clone())));
                let row = state
                    .row
                    .as_ref()
                    .filter(|(op, row)| (*op == Op::Delete) == (row.origin == self.node.as_str()));
                let told = row.and_then(|(_, row)| change(Op::Insert, row));
                told.map(|told| Told { value, ..told }).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}
