//! Changes from before deletes that are no longer remembered: such a change may be one of a row
//! that was deleted later, which it would bring back.

use std::collections::{BTreeMap, BTreeSet};

use super::batch::Importer;
use super::decode::{Incoming, Refusal, RowId, decode};
use super::{Error, versions};
use crate::db::Session;
use crate::model::{Change, Op};
use crate::outbox::{Purged, fetch};

/// The stable word for it.
const CODE: &str = "forgotten";

/// Why such a change is kept back.
pub(super) fn refusal() -> Refusal {
    Refusal::new(
        CODE,
        "it is older than deletes that are no longer remembered here, and may be of a deleted row",
    )
}

impl Importer {
    /// The inbox ids of changes about rows that are not here, and of which nothing is known, that
    /// are from before the deletes that this node has forgotten. A node that knew these deletes
    /// made none such since.
    pub(super) async fn forgotten(
        &mut self,
        session: &mut dyn Session,
        changes: &[Change],
    ) -> Result<BTreeSet<i64>, Error> {
        let Some(limit) = self.forgotten_stamp.as_deref() else { return Ok(BTreeSet::new()) };
        let is_old =
            |change: &Change| change.update_datetime.as_deref().is_some_and(|stamp| stamp <= limit);
        if !changes.iter().any(is_old) {
            return Ok(BTreeSet::new());
        }
        let purged = Purged::read(&fetch(session, &self.statements.read_purges, &[]).await?);
        let doubtful = self.doubtful(changes, &purged);
        let keys: BTreeMap<RowId, Vec<String>> =
            doubtful.iter().map(|change| (change.row.clone(), change.key.clone())).collect();
        if keys.is_empty() {
            return Ok(BTreeSet::new());
        }
        let existing = self.executor.lock(session, &self.targets, &keys).await?;
        let rows: BTreeSet<RowId> = keys.into_keys().collect();
        let read = &self.statements.read_versions;
        let states = versions::load(session, read, &self.targets, &rows).await?;
        let is_known = |row: &RowId| {
            existing.contains(row) || states.get(row).is_some_and(|state| state.row.is_some())
        };
        let unknown = doubtful.into_iter().filter(|change| !is_known(&change.row));
        Ok(unknown.map(|change| change.inbox_id).collect())
    }

    /// The changes that could be such, as far as they tell by themselves: a delete does no harm,
    /// and what comes behind a newer change of its row is no longer about an unknown row.
    fn doubtful(&self, changes: &[Change], purged: &Purged) -> Vec<Incoming> {
        let mut met = BTreeSet::new();
        let mut doubtful = Vec::new();
        for change in changes.iter().filter_map(|change| decode(&self.targets, change).ok()) {
            let version = &change.version;
            let is_doubtful =
                purged.may_be_forgotten(&version.origin, version.source_id, &version.stamp);
            if !is_doubtful {
                met.insert(change.row.clone());
            } else if change.op != Op::Delete && !met.contains(&change.row) {
                doubtful.push(change);
            }
        }
        doubtful
    }
}
