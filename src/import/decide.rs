//! Which of a change's values stand: a pure function of what is known of its row.
//!
//! A row's existence is decided by inserts and deletes alone, a column by the updates of that
//! column and the inserts of its row; each by the total order of [`Version`]. Because every node
//! applies the same rule to the same changes, all nodes end with the same row, in whatever order
//! the changes of different origins arrive.
//!
//! With `overwrite: record` an update says the whole row: it decides as an insert does, also on
//! the row's existence. One that does not say it all is a change of its columns alone.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::Incoming;
use crate::model::{NodeId, Op, Version};

/// What is known of a cell's newest change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellState {
    /// The newest change.
    pub version: Version,
    /// Its value, where it could not be written because the row was not there: an insert that
    /// comes later takes it.
    pub parked: Option<Option<String>>,
    /// Its value in the table, where that is known: what a delete has to keep of it.
    pub current: Option<Option<String>>,
}

/// What is known of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowState {
    /// Whether the row is in its table.
    pub exists: bool,
    /// The newest insert or delete, or update that says the whole row of a record-level table.
    pub row: Option<(Op, Version)>,
    /// The newest update of each column.
    pub cells: BTreeMap<String, CellState>,
    /// What columns of the row in the table hold, as far as it was read: what a conflict shows.
    pub values: BTreeMap<String, Option<String>>,
    /// What has to be written to `ds_change_version`: columns, and `""` for the row itself.
    pub dirty: BTreeSet<String>,
    /// What `ds_change_version` has a row of, as `dirty`.
    pub stored: BTreeSet<String>,
}

/// What an import does to a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The row is inserted, with these cells outside its key.
    Insert(BTreeMap<String, Option<String>>),
    /// These cells are set.
    Update(BTreeMap<String, Option<String>>),
    /// The row is deleted.
    Delete,
    /// Nothing: something newer is there, or the row is not.
    Nothing,
}

/// Why a change, or a column of it, does not do what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark<'a> {
    /// What is known of the column, or without one of the row, is newer.
    Older(Option<&'a str>, &'a Version),
    /// The value of the column is kept until the row is there; what deleted it, if something did.
    Parked(&'a str, Option<&'a Version>),
    /// The row is not there.
    Absent,
    /// The column takes a newer value that was kept until the row was there.
    Restored(&'a str),
}

/// Who is told why a change does not do what it says.
pub type Listener<'a> = &'a mut dyn FnMut(Remark<'_>);

/// Decides on a change and notes in `state` what is known afterwards.
#[must_use]
pub fn decide(state: &mut RowState, incoming: &Incoming) -> Effect {
    decide_and_tell(state, incoming, &mut |_| {})
}

/// [`decide`], saying why a change does not do what it says.
#[must_use]
pub fn decide_and_tell(state: &mut RowState, incoming: &Incoming, tell: Listener<'_>) -> Effect {
    let effect = decided(state, incoming, tell);
    state.see(&effect);
    effect
}

fn decided(state: &mut RowState, incoming: &Incoming, tell: Listener<'_>) -> Effect {
    if incoming.claims_row() && !state.note_row(incoming.op, &incoming.version) {
        if let Some((_, newer)) = &state.row {
            tell(Remark::Older(None, newer));
        }
        return Effect::Nothing;
    }
    match incoming.op {
        Op::Update if incoming.is_record => decide_insert(state, incoming, tell),
        Op::Insert => decide_insert(state, incoming, tell),
        Op::Update => decide_update(state, incoming, tell),
        Op::Delete => decide_delete(state, incoming, tell),
    }
}

/// Notes a change that this node made itself: its table already shows it.
///
/// Of a delete, `incoming` has the values that the row had.
pub(super) fn note_local(state: &mut RowState, incoming: &Incoming) {
    let mut is_news = false;
    if incoming.claims_row() {
        is_news = state.note_row(incoming.op, &incoming.version);
    } else {
        for column in incoming.cells.keys() {
            state.note_cell(column, &incoming.version);
        }
    }
    // A delete that is noted again, after a rejoin, has not taken along what came later.
    if is_news && incoming.op == Op::Delete {
        for (column, cell) in &mut state.cells {
            cell.current = incoming.cells.get(column).cloned();
            let note = || state.dirty.insert(column.clone());
            cell.park_if_it_outlasts(&incoming.version, note);
        }
    }
}

/// Forgets that a change of this node is known, where it comes from elsewhere: after a restore
/// the outbox has it again, and so its version is known, while the table may never have shown it.
pub(super) fn forget_own(state: &mut RowState, incoming: &mut Incoming) {
    let is_same = |known: &Version, version: &Version| {
        known.origin == version.origin && known.source_id == version.source_id
    };
    if let Some((_, known)) = state.row.take_if(|(_, known)| is_same(known, &incoming.version)) {
        incoming.version.stamp = known.stamp;
    }
    if incoming.claims_row() {
        return;
    }
    for column in incoming.cells.keys() {
        let known = state.cells.get(column).map(|cell| cell.version.clone());
        if let Some(known) = known.filter(|known| is_same(known, &incoming.version)) {
            state.cells.remove(column);
            incoming.version.stamp = known.stamp;
        }
    }
}

fn decide_insert(state: &mut RowState, incoming: &Incoming, tell: Listener<'_>) -> Effect {
    // With the stamp that it inherits, by which later changes are measured too.
    let version = state.row.as_ref().map_or(&incoming.version, |(_, version)| version).clone();
    let mut cells = incoming.cells.clone();
    if !state.exists {
        cells.extend(incoming.if_absent.clone());
    }
    for (column, cell) in &mut state.cells {
        if !cell.version.supersedes(&version) {
            cell.park_if_it_outlasts(&version, || state.dirty.insert(column.clone()));
            continue;
        }
        // A newer update of this column was here first: its value stands.
        if let Some(value) = cell.parked.take() {
            tell(Remark::Restored(column));
            cells.insert(column.clone(), value.clone());
            cell.current = Some(value);
            state.dirty.insert(column.clone());
        } else {
            tell(Remark::Older(Some(column), &cell.version));
            cells.remove(column);
        }
    }
    if state.exists {
        return if cells.is_empty() { Effect::Nothing } else { Effect::Update(cells) };
    }
    state.exists = true;
    Effect::Insert(cells)
}

fn decide_update(state: &mut RowState, incoming: &Incoming, tell: Listener<'_>) -> Effect {
    let mut cells = BTreeMap::new();
    for (column, value) in &incoming.cells {
        let Some(version) = state.note_cell(column, &incoming.version) else {
            if let Some(cell) = state.cells.get(column) {
                tell(Remark::Older(Some(column), &cell.version));
            }
            continue;
        };
        // It is noted even where an insert stands above it: updates are measured by each other.
        let inserted = state.row.as_ref().filter(|(op, _)| *op != Op::Delete);
        let newer_row = inserted.map(|(_, row)| row).filter(|row| !version.supersedes(row));
        if state.exists && newer_row.is_none() {
            state.know(column, value.clone());
            cells.insert(column.clone(), value.clone());
        } else {
            let deleted = state.row.as_ref().filter(|(op, _)| *op == Op::Delete);
            tell(match newer_row {
                Some(newer) => Remark::Older(Some(column), newer),
                None => Remark::Parked(column, deleted.map(|(_, row)| row)),
            });
            state.park(column, value.clone());
        }
    }
    if cells.is_empty() { Effect::Nothing } else { Effect::Update(cells) }
}

fn decide_delete(state: &mut RowState, incoming: &Incoming, tell: Listener<'_>) -> Effect {
    if !std::mem::take(&mut state.exists) {
        tell(Remark::Absent);
        return Effect::Nothing;
    }
    // A newer value goes with the row, but not for good: other nodes, where the delete was first,
    // have parked it, and an insert that comes between the two brings it back everywhere.
    for (column, cell) in &mut state.cells {
        cell.park_if_it_outlasts(&incoming.version, || state.dirty.insert(column.clone()));
    }
    Effect::Delete
}

impl CellState {
    /// Whether an insert may come that is newer than `other` and older than this cell. Of one
    /// origin the ids may say that the cell is older, and the stamps of others that it is newer.
    fn outlasts(&self, other: &Version) -> bool {
        self.version.supersedes(other) || self.version.stamp >= other.stamp
    }

    /// Keeps the value, which is about to leave the table, where it may be wanted again.
    fn park_if_it_outlasts(&mut self, other: &Version, note: impl FnOnce() -> bool) {
        if self.outlasts(other)
            && let Some(value) = self.current.take()
        {
            self.parked = Some(value);
            note();
        }
    }
}

/// What the table of this node has to show of a row that is in it: a change that was still open
/// here when others' changes of the row came may have hidden the row from their import.
pub(super) fn settle(state: &mut RowState) -> Effect {
    match &state.row {
        Some((Op::Delete, version)) => {
            let version = version.clone();
            state.exists = false;
            for (column, cell) in &mut state.cells {
                cell.park_if_it_outlasts(&version, || state.dirty.insert(column.clone()));
            }
            Effect::Delete
        }
        Some((Op::Insert | Op::Update, version)) => {
            let mut cells = BTreeMap::new();
            for (column, cell) in &mut state.cells {
                if cell.version.supersedes(version)
                    && let Some(value) = cell.parked.take()
                {
                    cells.insert(column.clone(), value.clone());
                    cell.current = Some(value);
                    state.dirty.insert(column.clone());
                }
            }
            if cells.is_empty() { Effect::Nothing } else { Effect::Update(cells) }
        }
        None => Effect::Nothing,
    }
}

impl RowState {
    /// Whether something of the row is known that `node` did not do.
    pub(super) fn is_by_another_than(&self, node: &NodeId) -> bool {
        let cells = self.cells.values().map(|cell| &cell.version);
        let row = self.row.iter().map(|(_, version)| version);
        row.chain(cells).any(|version| version.origin != node.as_str())
    }

    /// Whether [`settle`] would do something if the row is in its table.
    pub(super) fn may_differ(&self) -> bool {
        match &self.row {
            Some((Op::Delete, _)) => true,
            Some((Op::Insert | Op::Update, version)) => self
                .cells
                .values()
                .any(|cell| cell.parked.is_some() && cell.version.supersedes(version)),
            None => false,
        }
    }

    /// The columns whose values in the table a delete, or an insert of the row that is there,
    /// would take along although they may be wanted again, and whose values are not known.
    #[must_use]
    pub fn unknown_after(&self, change: &Version) -> Vec<&str> {
        let cells = self.cells.iter().filter(|(_, cell)| {
            cell.parked.is_none() && cell.current.is_none() && cell.outlasts(change)
        });
        cells.map(|(column, _)| column.as_str()).collect()
    }

    /// Takes a version for the row if it is the newest.
    fn note_row(&mut self, op: Op, version: &Version) -> bool {
        for (column, cell) in &mut self.cells {
            if cell.version.inherits(version) {
                self.dirty.insert(column.clone());
            }
        }
        let kept = match &mut self.row {
            Some((_, known)) if !version.supersedes(known) => {
                if known.inherits(version) {
                    self.dirty.insert(String::new());
                }
                return false;
            }
            Some((_, known)) => version.clone().joined(known),
            None => version.clone(),
        };
        self.row = Some((op, kept));
        self.dirty.insert(String::new());
        true
    }

    /// Takes a version for a cell if it is the newest: with the stamps that it inherits, from its
    /// origin's insert or delete of the row and from its earlier update of the cell.
    fn note_cell(&mut self, column: &str, version: &Version) -> Option<Version> {
        let mut kept = version.clone();
        if let Some((_, row)) = &self.row
            && version.supersedes(row)
        {
            kept = kept.joined(row);
        }
        if let Some(known) = self.cells.get_mut(column) {
            if !kept.supersedes(&known.version) {
                if known.version.inherits(&kept) {
                    self.dirty.insert(column.to_owned());
                }
                return None;
            }
            kept = kept.joined(&known.version);
        }
        let cell = CellState { version: kept.clone(), parked: None, current: None };
        self.cells.insert(column.to_owned(), cell);
        self.dirty.insert(column.to_owned());
        Some(kept)
    }

    /// Keeps the value of a cell that the table does not take.
    fn park(&mut self, column: &str, value: Option<String>) {
        if let Some(cell) = self.cells.get_mut(column) {
            cell.parked = Some(value);
        }
    }

    /// Lets no value wait for the row any more: the table has them.
    pub(super) fn unpark(&mut self) {
        for (column, cell) in &mut self.cells {
            if cell.parked.take().is_some() {
                self.dirty.insert(column.clone());
            }
        }
    }

    /// Replaces the value that waits for the row, if one does.
    pub(super) fn park_instead(&mut self, column: &str, value: Option<String>) {
        let cell = self.cells.get_mut(column).filter(|cell| cell.parked.is_some());
        if let Some(cell) = cell {
            cell.parked = Some(value);
            self.dirty.insert(column.to_owned());
        }
    }

    /// Keeps up what is known of the table's values, for the changes of the row that follow.
    fn see(&mut self, effect: &Effect) {
        match effect {
            Effect::Insert(cells) | Effect::Update(cells) => {
                for (column, value) in cells {
                    if let Some(known) = self.values.get_mut(column) {
                        known.clone_from(value);
                    }
                }
            }
            Effect::Delete => self.values.clear(),
            Effect::Nothing => {}
        }
    }

    /// Forgets what the table holds, once everything is decided: a value may be long.
    pub(super) fn forget_values(&mut self) {
        self.values.clear();
        self.cells.values_mut().for_each(|cell| cell.current = None);
    }

    /// Takes note of the value that a cell has in the table.
    pub(super) fn know(&mut self, column: &str, value: Option<String>) {
        if let Some(cell) = self.cells.get_mut(column) {
            cell.current = Some(value);
        }
    }
}

#[cfg(test)]
mod tests;
