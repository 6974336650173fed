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

/// What an application has changed of a row.
#[derive(Debug, Clone)]
pub(super) struct Vain {
    key: Vec<String>,
    /// The last kind of change.
    op: Op,
    /// The latest value of each column.
    cells: Cells,
    /// What the first change of each column replaced.
    old_cells: Cells,
}

/// Takes note of a change of this node, when `state` knows it already, that something stands above
/// although it was there before.
pub(super) fn note(overtaken: &mut Overtaken, state: &RowState, change: &Incoming, node: &NodeId) {
    let is_vain = match change.op {
        Op::Update => change.cells.keys().any(|column| above(state, column, node).is_some()),
        Op::Delete => above_delete(state, &change.version, node).is_some(),
        Op::Insert => is_deleted_since(state, change, node),
    };
    let known = match overtaken.get_mut(&change.row) {
        Some(known) => known,
        None if !is_vain => return,
        None => overtaken.entry(change.row.clone()).or_insert_with(|| Vain {
            key: change.key.clone(),
            op: change.op,
            cells: Cells::new(),
            old_cells: Cells::new(),
        }),
    };
    for (column, old) in &change.old_cells {
        known.old_cells.entry(column.clone()).or_insert_with(|| old.clone());
    }
    match change.op {
        Op::Update => known.cells.extend(change.cells.clone()),
        op => (known.op, known.cells) = (op, change.cells.clone()),
    }
}

/// The foreign change by which a column of a row that is there is not as this node wrote it. What
/// waits for the row to come was decided without a look at it, and is no such change.
fn above<'a>(state: &'a RowState, column: &str, node: &NodeId) -> Option<&'a Version> {
    let cell = state.cells.get(column);
    let row = row_above(state, node);
    let by_row = row.filter(|row| cell.is_none_or(|cell| row.supersedes(&cell.version)));
    let by_cell = cell.filter(|cell| cell.parked.is_none()).map(|cell| &cell.version);
    by_row.or(by_cell.filter(|version| version.origin != node.as_str()))
}

/// The newest foreign change that a delete of this node should have ended and did not.
fn above_delete<'a>(state: &'a RowState, delete: &Version, node: &NodeId) -> Option<&'a Version> {
    let cells = state.cells.values().map(|cell| &cell.version);
    let foreign =
        cells.filter(|version| version.origin != node.as_str() && version.supersedes(delete));
    let all = foreign.chain(row_above(state, node));
    all.reduce(|newest, next| if next.supersedes(newest) { next } else { newest })
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
    /// Tells anew what was changed in vain; what is folded meanwhile is added to `folded`. `gone`
    /// are rows that were deleted since.
    pub(super) async fn tell_anew(
        &mut self,
        session: &mut dyn Session,
        mut overtaken: Overtaken,
        gone: &BTreeSet<RowId>,
        folded: &mut Folded,
    ) -> Result<(), Error> {
        overtaken.retain(|row, _| !gone.contains(row));
        if overtaken.is_empty() {
            return Ok(());
        }
        // What was committed before the lock is in the table, and has to be in what is told.
        let locked: BTreeMap<RowId, Vec<String>> =
            overtaken.iter().map(|(row, vain)| (row.clone(), vain.key.clone())).collect();
        let there = self.executor.lock(session, &self.targets, &locked).await?;
        folded.overtaken = overtaken;
        self.fold(session, &there, folded).await?;
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
            for mut told in self.told_anew(row, vain, state, there.contains(row)) {
                if told.op == Op::Update {
                    let set = Cells::new();
                    told.context = self.whole_row(session, (row, &vain.key), set).await?;
                }
                self.tell(session, &told).await?;
            }
        }
        // A row that is not there cannot be locked. Whoever inserts it after it was told to be
        // deleted has the later id; whoever did so before is waited for, and told in turn.
        let there = self.executor.lock(session, &self.targets, &locked).await?;
        self.fold(session, &there, folded).await
    }

    fn told_anew(&self, row: &RowId, vain: &Vain, state: &RowState, is_there: bool) -> Vec<Told> {
        let change = |op: Op, below: &Version| {
            let stamp = next_stamp(&below.stamp)?;
            let (attribute, value, old, context) = (None, None, None, None);
            Some(Told { row: row.clone(), op, attribute, value, old, context, stamp, note: ANEW })
        };
        let own = |version: &Version| version.origin == self.node.as_str();
        match (&state.row, vain.op) {
            (Some((Op::Delete, version)), Op::Insert) if is_there && own(version) => {
                let target = &self.targets.tables[row.0];
                let key = target.key.iter().map(|column| column.name.clone());
                let key = key.zip(vain.key.iter().cloned().map(Some));
                let value = Some(document(key.chain(vain.cells.clone())));
                let told = change(Op::Insert, version);
                told.map(|told| Told { value, ..told }).into_iter().collect()
            }
            // A delete that came after it: the row goes, as everywhere.
            (Some((Op::Delete, _)), Op::Insert | Op::Update) => Vec::new(),
            (_, Op::Insert | Op::Update) if is_there => {
                let cells = vain.cells.iter().filter_map(|(column, value)| {
                    let told = change(Op::Update, self.above_last(state, vain, column)?)?;
                    let old = vain.old_cells.get(column).cloned().flatten();
                    let (attribute, value) = (Some(column.clone()), value.clone());
                    Some(Told { attribute, value, old, ..told })
                });
                cells.collect()
            }
            (Some((_, version)), Op::Delete) if !is_there => {
                let old = Some(document(vain.cells.clone().into_iter()));
                let told = above_delete(state, version, &self.node)
                    .and_then(|version| change(Op::Delete, version));
                told.map(|told| Told { old, ..told }).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// What stands above the last value that this node gave a column. What its own delete in
    /// between has left waiting was there before it.
    fn above_last<'a>(
        &self,
        state: &'a RowState,
        vain: &Vain,
        column: &str,
    ) -> Option<&'a Version> {
        let waiting = state.cells.get(column).filter(|cell| {
            let row = state.row.as_ref().map(|(_, version)| version);
            vain.op == Op::Insert
                && cell.parked.is_some()
                && cell.version.origin != self.node.as_str()
                && row.is_none_or(|row| cell.version.supersedes(row))
        });
        waiting.map(|cell| &cell.version).or_else(|| above(state, column, &self.node))
    }
}
