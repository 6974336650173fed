//! What an import does with each change and why, as the importer itself reports it while it works.

use std::collections::BTreeMap;

use serde::Serialize;

use super::batch::Importer;
use super::collision::{Settlement, Told};
use super::conflict::Conflict;
use super::decide::{Effect, Remark, note_local};
use super::decode::Incoming;
use super::quarantine::Entry;
use super::{Error, versions};
use crate::db::Session;
use crate::model::{Change, NodeId, Op, RouteId, Version};

/// What becomes of a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It changes its row.
    #[default]
    Imported,
    /// It changes nothing: something newer is there, or nothing that could be changed.
    NoEffect,
    /// It changes nothing yet: its row is not there, and its value is kept until it is.
    Parked,
    /// It goes into quarantine, or stays there.
    Quarantined,
    /// It waits in quarantine behind another change.
    Waits,
    /// It collided, and gets in by the rule that settles collisions.
    Settled,
}

/// A version as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stamped {
    /// Its stamp, UTC.
    pub stamp: String,
    /// Where it was made.
    pub origin: String,
    /// Its id there; none for what this import itself would tell the others.
    pub source_id: Option<i64>,
}

/// Why a change, or some of its columns, does not do what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// `newer`, `parked`, `absent`, `restored` or `same`.
    pub code: &'static str,
    /// The columns that it is about; none where it is about the row.
    pub columns: Vec<String>,
    /// What is newer, or what deleted the row.
    pub version: Option<Stamped>,
}

/// A conflict that the change is part of; its values stand in `ds_conflict` once it is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clash {
    /// By PostgreSQL's name where it has one.
    pub conflict_type: &'static str,
    /// The column; none where it is about the whole row.
    pub object_attribute: Option<String>,
    /// `local` or `incoming`.
    pub winner: &'static str,
    /// The rule, as a sentence.
    pub decided_by: &'static str,
    /// The version that was here.
    pub local: Option<Stamped>,
}

/// What settles a collision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Concession {
    /// The key of the row that gives way, or comes back.
    pub object_id: String,
    /// The column that gets another value; none for a row that stays or comes back.
    pub object_attribute: Option<String>,
    /// Whether that value is NULL.
    pub is_null: bool,
    /// Whether it is done by this import, and not by one that tries it again.
    pub is_now: bool,
}

/// What becomes of one change, and why. Values of rows are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Its row in the inbox.
    pub inbox_id: i64,
    /// Where it was made.
    pub origin: Option<String>,
    /// Its id there.
    pub source_id: Option<i64>,
    /// The change set that it belongs to.
    pub transaction_id: Option<i64>,
    /// The table.
    pub object_table: Option<String>,
    /// The key.
    pub object_id: Option<String>,
    /// The columns of an update.
    pub columns: Vec<String>,
    /// `I`, `U`, `D`.
    pub object_operation: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
    /// What is done to the row: `insert`, `update` or `delete`.
    pub effect: Option<&'static str>,
    /// Why it does not do what it says, or not all of it.
    pub reasons: Vec<Reason>,
    /// The conflicts that are decided.
    pub conflicts: Vec<Clash>,
    /// What settles its collision.
    pub concessions: Vec<Concession>,
    /// Stable word for the reason of the quarantine.
    pub reason_code: Option<&'static str>,
    /// The reason of the quarantine.
    pub reason: Option<String>,
    /// The change in quarantine that has to go first.
    pub waits_for: Option<i64>,
}

/// What becomes of a change set, or of what is in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedSet {
    /// The node.
    pub node: NodeId,
    /// The route on which it came.
    pub route: RouteId,
    /// Whether these were in quarantine and are tried again.
    pub is_retry: bool,
    /// Where it was made.
    pub origin: Option<String>,
    /// The source transaction, or the window that holds it.
    pub transaction_id: Option<i64>,
    /// How many changes end how.
    pub counts: BTreeMap<Fate, u64>,
    /// The changes. Of a set larger than a page only those that are not plainly imported, and of
    /// these a page.
    pub changes: Vec<Explanation>,
}

/// Ids that this import itself would give to what it tells begin here.
const UNTOLD: i64 = i64::MAX / 2;

/// What was reported. A draft holds what was tried and may yet be rolled back.
#[derive(Debug, Clone, Default)]
pub(super) struct Journal {
    limit: usize,
    draft: BTreeMap<i64, Explanation>,
    kept: BTreeMap<i64, Explanation>,
    /// Changes that are not in `kept`, since there are too many of them.
    counted: BTreeMap<Fate, u64>,
    told: i64,
}

impl Journal {
    fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// The draft has come true.
    fn keep(&mut self) {
        self.kept.append(&mut self.draft);
        if self.kept.len() > self.limit {
            let is_plain = |one: &Explanation| {
                one.fate == Fate::Imported && one.reasons.is_empty() && one.conflicts.is_empty()
            };
            let all = std::mem::take(&mut self.kept);
            for (id, explanation) in all {
                if is_plain(&explanation) || self.kept.len() >= self.limit {
                    *self.counted.entry(explanation.fate).or_default() += 1;
                } else {
                    self.kept.insert(id, explanation);
                }
            }
        }
    }

    /// The draft was rolled back.
    fn roll_back(&mut self) {
        self.draft.clear();
    }

    /// Everything from a change on begins anew. Only a change set that is a batch of its own has
    /// so many changes that some are counted.
    fn restart(&mut self, first_id: i64) {
        self.draft.clear();
        self.kept.split_off(&first_id);
        self.counted.clear();
    }
}

impl Importer {
    /// The same importer for a dry run: it reports what it does, and leaves out what could not
    /// be rolled back or would be seen by others at once.
    #[must_use]
    pub fn rehearsing(mut self) -> Self {
        self.journal = Some(Journal::new(self.statements.inbox.size().rows));
        self
    }

    pub(super) fn is_rehearsing(&self) -> bool {
        self.journal.is_some()
    }

    /// What was reported since the last time, change set by change set.
    #[must_use]
    pub fn explained(&mut self, route: RouteId, is_retry: bool) -> Vec<ExplainedSet> {
        let Some(journal) = &mut self.journal else { return Vec::new() };
        let mut sets: Vec<ExplainedSet> = Vec::new();
        let mut counted = std::mem::take(&mut journal.counted);
        for explanation in std::mem::take(&mut journal.kept).into_values() {
            let is_same = |set: &&mut ExplainedSet| {
                is_retry
                    || (&set.origin, set.transaction_id)
                        == (&explanation.origin, explanation.transaction_id)
            };
            let fate = explanation.fate;
            let set = match sets.last_mut().filter(is_same) {
                Some(set) => set,
                None => sets.push_mut(ExplainedSet {
                    node: self.node.clone(),
                    route,
                    is_retry,
                    origin: explanation.origin.clone(),
                    transaction_id: explanation.transaction_id,
                    counts: std::mem::take(&mut counted),
                    changes: Vec::new(),
                }),
            };
            *set.counts.entry(fate).or_default() += 1;
            set.changes.push(explanation);
        }
        sets
    }

    /// What was reported since the last [`Self::keep_report`] has been rolled back.
    pub(super) fn drop_report(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.roll_back();
        }
    }

    /// What was reported is done, unless the transaction fails.
    pub(super) fn keep_report(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.keep();
        }
    }

    /// A change set, or a batch, that begins with a change is begun, or begun anew.
    pub(super) fn restart_report(&mut self, first_id: i64) {
        if let Some(journal) = &mut self.journal {
            journal.restart(first_id);
        }
    }

    /// Reports what was decided on a change.
    pub(super) fn report_decision(
        &mut self,
        incoming: &Incoming,
        effect: &Effect,
        reasons: Vec<Reason>,
        conflicts: &[Conflict],
    ) {
        let Some(journal) = &mut self.journal else { return };
        let is = |code: &str| reasons.iter().any(|reason| reason.code == code);
        let (fate, effect) = match effect {
            Effect::Insert(_) => (Fate::Imported, Some("insert")),
            Effect::Update(_) => (Fate::Imported, Some("update")),
            Effect::Delete => (Fate::Imported, Some("delete")),
            Effect::Nothing if is(PARKED) => (Fate::Parked, None),
            Effect::Nothing => (Fate::NoEffect, None),
        };
        let columns = incoming.cells.keys().filter(|_| incoming.op == Op::Update);
        let explanation = Explanation {
            inbox_id: incoming.inbox_id,
            origin: Some(incoming.version.origin.clone()),
            source_id: Some(incoming.version.source_id),
            transaction_id: incoming.transaction_id,
            object_table: Some(self.targets.tables[incoming.row.0].object_table.clone()),
            object_id: Some(incoming.row.1.clone()),
            columns: columns.cloned().collect(),
            object_operation: Some(incoming.op.letter().to_owned()),
            fate,
            effect,
            reasons,
            conflicts: conflicts.iter().map(clash).collect(),
            ..Explanation::default()
        };
        journal.draft.insert(incoming.inbox_id, explanation);
    }

    /// Reports a change that is kept back.
    pub(super) fn report_held(&mut self, entry: &Entry) {
        let Some(journal) = &mut self.journal else { return };
        let is_waiting = entry.refusal.code == "waits";
        let explanation = Explanation {
            columns: entry.change.object_attribute.clone().into_iter().collect(),
            fate: if is_waiting { Fate::Waits } else { Fate::Quarantined },
            reason_code: Some(entry.refusal.code),
            reason: Some(entry.refusal.reason.clone()),
            waits_for: entry.waits_for,
            ..blank(&entry.change, entry.row.clone())
        };
        journal.draft.insert(explanation.inbox_id, explanation);
    }

    /// Reports what settles the collision of a change, by this import or by a later one.
    pub(super) fn report_settlement(&mut self, settlement: &Settlement, is_now: bool) {
        let Some(change) = settlement.settled.as_ref() else { return };
        let concession = |told: &Told| Concession {
            object_id: told.row.1.clone(),
            object_attribute: told.attribute.clone(),
            is_null: told.value.is_none(),
            is_now,
        };
        let row = self.row_of(change);
        let Some(journal) = &mut self.journal else { return };
        let explanation = journal.draft.entry(change.id).or_insert_with(|| blank(change, row));
        explanation.concessions = settlement.told.iter().map(concession).collect();
        if is_now {
            explanation.fate = Fate::Settled;
            explanation.conflicts.extend(settlement.conflicts.iter().map(clash));
        }
    }

    /// Takes note of what this node would tell the others, as the next fold would; nobody hears
    /// of it, and no id is drawn for it.
    pub(super) async fn remember_untold(
        &mut self,
        session: &mut dyn Session,
        told: &Told,
    ) -> Result<(), Error> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        journal.told += 1;
        let source_id = UNTOLD + journal.told;
        let version = Version { stamp: told.stamp.clone(), origin: self.node.0.clone(), source_id };
        let attribute = told.attribute.iter().cloned();
        let local = Incoming {
            inbox_id: 0,
            version,
            transaction_id: None,
            op: told.op,
            row: told.row.clone(),
            key: Vec::new(),
            old_row: None,
            cells: attribute.map(|name| (name, told.value.clone())).collect(),
            if_absent: BTreeMap::new(),
            is_record: told.context.is_some(),
            old_cells: BTreeMap::new(),
        };
        let rows = [told.row.clone()].into();
        let read = &self.statements.read_versions;
        let mut states = versions::load(session, read, &self.targets, &rows).await?;
        for state in states.values_mut() {
            note_local(state, &local);
        }
        self.statements.versions.save(session, &self.targets, states).await?;
        Ok(())
    }
}

/// A change of which nothing is said yet.
fn blank(change: &Change, row: Option<(String, String)>) -> Explanation {
    let (object_table, object_id) = row.unzip();
    Explanation {
        inbox_id: change.id,
        origin: change.updated_by_server_id.clone(),
        source_id: change.source_id,
        transaction_id: change.transaction_id,
        object_table,
        object_id,
        object_operation: change.object_operation.clone(),
        ..Explanation::default()
    }
}

const PARKED: &str = "parked";

/// Adds what the decision said to the reasons: columns with one reason stand together.
pub(super) fn take_remark(reasons: &mut Vec<Reason>, remark: Remark<'_>) {
    let (code, column, version) = match remark {
        Remark::Older(column, newer) => ("newer", column, Some(newer)),
        Remark::Parked(column, deleted) => (PARKED, Some(column), deleted),
        Remark::Absent => ("absent", None, None),
        Remark::Restored(column) => ("restored", Some(column), None),
    };
    let version = version.map(stamped);
    let column = column.map(str::to_owned);
    let is_same = |known: &&mut Reason| {
        known.code == code && known.version == version && !known.columns.is_empty()
    };
    match (reasons.iter_mut().find(is_same), column) {
        (Some(known), Some(column)) => known.columns.push(column),
        (_, column) => {
            reasons.push(Reason { code, columns: column.into_iter().collect(), version });
        }
    }
}

fn stamped(version: &Version) -> Stamped {
    Stamped {
        stamp: version.stamp.clone(),
        origin: version.origin.clone(),
        source_id: Some(version.source_id).filter(|id| *id < UNTOLD),
    }
}

fn clash(conflict: &Conflict) -> Clash {
    Clash {
        conflict_type: conflict.kind.name(),
        object_attribute: conflict.attribute.clone(),
        winner: if conflict.incoming_wins { "incoming" } else { "local" },
        decided_by: conflict.rule,
        local: conflict.local.version.as_ref().map(stamped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_rolled_back_is_not_explained() {
        let mut journal = Journal::new(10);
        let mut tries = |id, is_done: bool| {
            journal.draft.insert(id, blank(&Change { id, ..Change::default() }, None));
            if is_done { journal.keep() } else { journal.roll_back() }
        };
        tries(1, true);
        tries(2, false);
        tries(3, true);
        assert_eq!(journal.kept.keys().collect::<Vec<_>>(), [&1, &3]);
    }
}
