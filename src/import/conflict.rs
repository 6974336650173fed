//! Which changes did not know of each other, and what was lost: a pure function beside
//! [`super::decide`], which says who wins.
//!
//! A change knows what it changed: an update carries the value that it replaced, a delete the row
//! that it deleted. Two changes of different origins conflict when the newer one was not made on
//! top of the older one, and they do not say the same. The types have the names that PostgreSQL 18
//! counts conflicts by, and two more for what it cannot tell: `update_deleted` and
//! `insert_deleted`.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::decide::RowState;
use super::decode::{Incoming, RowId};
use crate::model::{Op, Version};

/// What kind of conflict it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConflictType {
    /// A row is inserted that is there already, or one of its unique values is.
    InsertExists,
    /// A row is inserted that somebody else has deleted.
    InsertDeleted,
    /// A column, or a row with `overwrite: record`, was changed by another node meanwhile.
    UpdateOriginDiffers,
    /// A row is given a unique value that another row has.
    UpdateExists,
    /// A row is changed that is not here.
    UpdateMissing,
    /// A row is changed that somebody else has deleted.
    UpdateDeleted,
    /// A row is deleted that another node has changed meanwhile.
    DeleteOriginDiffers,
    /// A row is deleted that is not here.
    DeleteMissing,
    /// A row claims several unique values that other rows have.
    MultipleUniqueConflicts,
}

impl ConflictType {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::InsertExists,
        Self::InsertDeleted,
        Self::UpdateOriginDiffers,
        Self::UpdateExists,
        Self::UpdateMissing,
        Self::UpdateDeleted,
        Self::DeleteOriginDiffers,
        Self::DeleteMissing,
        Self::MultipleUniqueConflicts,
    ];

    /// The stable word for it, in `ds_conflict`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InsertExists => "insert_exists",
            Self::InsertDeleted => "insert_deleted",
            Self::UpdateOriginDiffers => "update_origin_differs",
            Self::UpdateExists => "update_exists",
            Self::UpdateMissing => "update_missing",
            Self::UpdateDeleted => "update_deleted",
            Self::DeleteOriginDiffers => "delete_origin_differs",
            Self::DeleteMissing => "delete_missing",
            Self::MultipleUniqueConflicts => "multiple_unique_conflicts",
        }
    }
}

/// One of the two versions of a conflict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Side {
    /// Its version; none for a row that was here before anything was captured.
    pub version: Option<Version>,
    /// The column's canonical text, or the row's columns as a JSON object; none for NULL, for a
    /// delete, and for what is not known any more.
    pub value: Option<String>,
}

/// A conflict that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The incoming change's row in the inbox.
    pub inbox_id: i64,
    /// What kind it is.
    pub kind: ConflictType,
    /// The row.
    pub row: RowId,
    /// The column; none where it is about the whole row.
    pub attribute: Option<String>,
    /// Whether the incoming change stands.
    pub incoming_wins: bool,
    /// The rule that decided, as a sentence.
    pub rule: &'static str,
    /// What was here.
    pub local: Side,
    /// What came.
    pub incoming: Side,
}

/// What a change replaced: the old value of each column that it tells of.
pub type OldValues = BTreeMap<String, Option<String>>;

/// What newer changes replaced, by origin and `source_id`: whether they were made on top of an
/// older one that arrives later.
pub type History = BTreeMap<(String, i64), OldValues>;

const NEWER: &str = "the newer stamp wins";
const TIE: &str = "stamps are equal: the greater origin wins";
const DELETED: &str = "a delete wins over changes of the row that it did not know";
const DELETED_LATER: &str = "the row was deleted later";
const NOT_HERE: &str = "the row is not here: the value waits for it";
const GONE: &str = "the row is not here";

/// The conflicts of a change with what is known of its row; asked before the change is decided.
#[must_use]
pub fn conflicts_of(state: &RowState, incoming: &Incoming, history: &History) -> Vec<Conflict> {
    let case = Case { state, incoming, history };
    match incoming.op {
        Op::Insert => case.insert().into_iter().collect(),
        Op::Update if incoming.is_record => case.record().into_iter().collect(),
        Op::Update => case.update(),
        Op::Delete => case.delete().into_iter().collect(),
    }
}

struct Case<'a> {
    state: &'a RowState,
    incoming: &'a Incoming,
    history: &'a History,
}

impl Case<'_> {
    fn insert(&self) -> Option<Conflict> {
        let known = self.state.row.as_ref();
        if known.is_some_and(|(_, version)| self.is_own(version)) {
            return None;
        }
        let wins = known.is_none_or(|(_, version)| self.incoming.version.supersedes(version));
        if !self.state.exists {
            let (op, version) = known?;
            let knew = self.newer_knew(version, &self.incoming.cells);
            if *op != Op::Delete || wins || knew {
                return None;
            }
            let value = Some(document(&self.incoming.cells));
            let incoming = Side { value, ..self.incoming_side() };
            return Some(self.row(
                ConflictType::InsertDeleted,
                false,
                DELETED_LATER,
                incoming,
                None,
            ));
        }
        let differing: OldValues = self
            .incoming
            .cells
            .iter()
            .filter(|(column, value)| self.state.values.get(*column) != Some(value))
            .map(|(column, value)| (column.clone(), value.clone()))
            .collect();
        let knew = !wins && known.is_some_and(|(_, newer)| self.newer_knew(newer, &differing));
        if differing.is_empty() || knew {
            return None;
        }
        let here = |column: &String| self.state.values.get(column).cloned().unwrap_or_default();
        let local = differing.keys().map(|column| (column.clone(), here(column))).collect();
        let incoming = Side { value: Some(document(&differing)), ..self.incoming_side() };
        let rule = self.rule(known.map(|(_, version)| version));
        Some(self.row(ConflictType::InsertExists, wins, rule, incoming, Some(document(&local))))
    }

    /// An update that says the whole row: what is lost of either row, in the columns in which
    /// they differ and which the newer one did not change knowingly.
    fn record(&self) -> Option<Conflict> {
        let (op, version) = self.state.row.as_ref()?;
        if !self.is_by_others() {
            return None;
        }
        let wins = self.incoming.version.supersedes(version);
        let incoming = |cells: &OldValues| {
            let value = Some(document(cells));
            Side { value, ..self.incoming_side() }
        };
        if !self.state.exists {
            let cells = &self.incoming.cells;
            if *op != Op::Delete || (!wins && self.newer_knew(version, cells)) {
                return None;
            }
            let rule = if wins { self.rule(Some(version)) } else { DELETED_LATER };
            return Some(self.row(ConflictType::UpdateDeleted, wins, rule, incoming(cells), None));
        }
        let is_lost = |(column, here): &(&String, &Option<String>)| {
            let is_replaced = self.incoming.old_cells.get(*column) == Some(*here);
            self.incoming.cells[*column] != **here && !(wins && is_replaced)
        };
        let here = self.state.values.iter();
        let here = here.filter(|(column, _)| self.incoming.cells.contains_key(*column));
        let local: OldValues =
            here.filter(is_lost).map(|(column, value)| (column.clone(), value.clone())).collect();
        let theirs = local.keys().map(|c| (c.clone(), self.incoming.cells[c].clone())).collect();
        if local.is_empty() || (!wins && self.newer_knew(version, &theirs)) {
            return None;
        }
        let (kind, rule) = (ConflictType::UpdateOriginDiffers, self.rule(Some(version)));
        Some(self.row(kind, wins, rule, incoming(&theirs), Some(document(&local))))
    }

    /// Whether something of the row is by another origin than the incoming change.
    fn is_by_others(&self) -> bool {
        let cells = self.state.cells.values().map(|cell| &cell.version);
        let row = self.state.row.iter().map(|(_, version)| version);
        row.chain(cells).any(|version| !self.is_own(version))
    }

    fn update(&self) -> Vec<Conflict> {
        let cells = self.incoming.cells.iter();
        cells.filter_map(|(column, value)| self.update_of(column, value.as_ref())).collect()
    }

    fn update_of(&self, column: &str, value: Option<&String>) -> Option<Conflict> {
        let new = BTreeMap::from([(column.to_owned(), value.cloned())]);
        let known = match (&self.state.row, self.state.cells.get(column)) {
            (Some((Op::Delete, version)), _) if !self.state.exists => {
                if self.is_own(version) || self.newer_knew(version, &new) {
                    return None;
                }
                return Some(self.cell(
                    ConflictType::UpdateDeleted,
                    (column, value),
                    (false, DELETED),
                    Side { version: Some(version.clone()), value: None },
                ));
            }
            _ if !self.state.exists => {
                let missing = (ConflictType::UpdateMissing, (column, value));
                return Some(self.cell(missing.0, missing.1, (false, NOT_HERE), Side::default()));
            }
            (_, Some(cell)) => &cell.version,
            (Some((Op::Insert, row)), None) if !self.incoming.version.supersedes(row) => row,
            // Somebody has said the whole row.
            (Some((Op::Update, row)), None) => row,
            _ => return None,
        };
        let here = self.state.values.get(column);
        if self.is_own(known) || here.is_some_and(|here| here.as_ref() == value) {
            return None;
        }
        let wins = self.incoming.version.supersedes(known);
        let knew = if wins {
            here.is_some() && self.incoming.old_cells.get(column) == here
        } else {
            self.newer_knew(known, &new)
        };
        if knew {
            return None;
        }
        let local = Side { version: Some(known.clone()), value: here.cloned().flatten() };
        let decided = (wins, self.rule(Some(known)));
        Some(self.cell(ConflictType::UpdateOriginDiffers, (column, value), decided, local))
    }

    fn delete(&self) -> Option<Conflict> {
        let known = self.state.row.as_ref();
        if known.is_some_and(|(op, version)| *op == Op::Delete && self.is_own(version)) {
            return None;
        }
        if !self.state.exists {
            let incoming = self.incoming_side();
            return Some(self.row(ConflictType::DeleteMissing, false, GONE, incoming, None));
        }
        if let Some((_, version)) = known
            && !self.incoming.version.supersedes(version)
        {
            let (kind, rule) = (ConflictType::DeleteOriginDiffers, self.rule(Some(version)));
            return Some(self.row(kind, false, rule, self.incoming_side(), None));
        }
        // What somebody else wrote and the deleter had not seen.
        let is_record = known.is_some_and(|(op, v)| *op == Op::Update && !self.is_own(v));
        let is_foreign = |column: &String| {
            let cell = self.state.cells.get(column);
            cell.map_or(is_record, |cell| !self.is_own(&cell.version))
        };
        let lost: OldValues = self
            .state
            .values
            .iter()
            .filter(|(column, _)| is_foreign(column))
            .filter(|(column, value)| self.incoming.old_cells.get(*column) != Some(value))
            .map(|(column, value)| (column.clone(), value.clone()))
            .collect();
        if lost.is_empty() {
            return None;
        }
        let (kind, local) = (ConflictType::DeleteOriginDiffers, Some(document(&lost)));
        Some(self.row(kind, true, DELETED, self.incoming_side(), local))
    }

    fn is_own(&self, version: &Version) -> bool {
        version.origin == self.incoming.version.origin
    }

    /// Whether a newer change, which was here first, was made on top of the incoming one.
    fn newer_knew(&self, version: &Version, cells: &OldValues) -> bool {
        let replaced = self.history.get(&(version.origin.clone(), version.source_id));
        replaced.is_some_and(|old| cells.iter().all(|(name, value)| old.get(name) == Some(value)))
    }

    fn rule(&self, known: Option<&Version>) -> &'static str {
        let is_tie = known.is_some_and(|known| known.stamp == self.incoming.version.stamp);
        if is_tie { TIE } else { NEWER }
    }

    fn incoming_side(&self) -> Side {
        Side { version: Some(self.incoming.version.clone()), value: None }
    }

    fn row(
        &self,
        kind: ConflictType,
        incoming_wins: bool,
        rule: &'static str,
        incoming: Side,
        local: Option<String>,
    ) -> Conflict {
        let version = self.state.row.as_ref().map(|(_, version)| version.clone());
        Conflict {
            inbox_id: self.incoming.inbox_id,
            kind,
            row: self.incoming.row.clone(),
            attribute: None,
            incoming_wins,
            rule,
            local: Side { version, value: local },
            incoming,
        }
    }

    fn cell(
        &self,
        kind: ConflictType,
        (column, value): (&str, Option<&String>),
        (incoming_wins, rule): (bool, &'static str),
        local: Side,
    ) -> Conflict {
        Conflict {
            inbox_id: self.incoming.inbox_id,
            kind,
            row: self.incoming.row.clone(),
            attribute: Some(column.to_owned()),
            incoming_wins,
            rule,
            local,
            incoming: Side { value: value.cloned(), ..self.incoming_side() },
        }
    }
}

/// Cells as a JSON object.
fn document(cells: &OldValues) -> String {
    let cells = cells.iter().map(|(name, value)| (name.clone(), value.clone().into()));
    Json::Object(cells.collect()).to_string()
}

/// The columns whose values in the table have to be known to tell whether a change conflicts.
/// `is_mixed`: changes of other origins are decided together with it.
#[must_use]
pub(super) fn unseen<'a>(
    state: &'a RowState,
    incoming: &'a Incoming,
    is_mixed: bool,
) -> Vec<&'a str> {
    let is_foreign = |version: &Version| version.origin != incoming.version.origin;
    let row = state.row.as_ref().filter(|(_, version)| is_foreign(version));
    let is_by_others = row.is_some() || state.cells.values().any(|cell| is_foreign(&cell.version));
    let is_touched = |column: &String| match state.cells.get(column) {
        Some(cell) => is_foreign(&cell.version),
        // Somebody may have said the whole row.
        None => row.is_some_and(|(op, version)| {
            *op == Op::Update || !incoming.version.supersedes(version)
        }),
    };
    let columns = incoming.cells.keys();
    match incoming.op {
        _ if !state.exists => Vec::new(),
        Op::Insert => columns.map(String::as_str).collect(),
        Op::Update if incoming.is_record && (is_mixed || is_by_others) => {
            columns.map(String::as_str).collect()
        }
        Op::Update if incoming.is_record => Vec::new(),
        Op::Delete if incoming.is_record && (is_mixed || is_by_others) => {
            incoming.old_cells.keys().map(String::as_str).collect()
        }
        Op::Update => columns.filter(|c| is_mixed || is_touched(c)).map(String::as_str).collect(),
        Op::Delete => {
            let foreign = state.cells.iter().filter(|(_, cell)| is_foreign(&cell.version));
            foreign.map(|(column, _)| column.as_str()).collect()
        }
    }
}

/// The versions of newer changes that were here before an older one: what they replaced tells
/// whether they knew it.
#[must_use]
pub(super) fn newer<'a>(state: &'a RowState, incoming: &'a Incoming) -> Vec<&'a Version> {
    let says_row = |op: Op| op == Op::Delete || (op == Op::Update && incoming.claims_row());
    let row = state.row.as_ref().filter(|(op, _)| says_row(*op)).map(|(_, version)| version);
    let cells = incoming.cells.keys().filter_map(|column| state.cells.get(column));
    let versions = cells.map(|cell| &cell.version).chain(row);
    versions
        .filter(|version| version.origin != incoming.version.origin)
        .filter(|version| !incoming.version.supersedes(version))
        .chain(row.filter(|version| version.origin != incoming.version.origin))
        .collect()
}

#[cfg(test)]
mod tests;
