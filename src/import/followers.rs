//! A change that refers to a row which is gone, or claims a value that another row keeps, and later
//! changes of its row that wait behind it and say something else.
//!
//! Each waits for the other. So the refused change is imported with what the later ones say of the
//! row: that is what the row has to show in the end anyway, and they follow by their own versions.
//! Where one of them deletes the row, an update comes behind it, as where the delete came first.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::batch::Importer;
use super::collision::{Settlement, document};
use super::decide::RowState;
use super::decode::{Incoming, decode};
use crate::db::Session;
use crate::model::{Change, Op, Version};
use crate::outbox::fetch;

impl Importer {
    /// The change with the values that its followers in quarantine give its columns, behind one
    /// that deletes its row, or as it may stand until then; `None` where they say nothing of it.
    pub(super) async fn with_followers(
        &mut self,
        session: &mut dyn Session,
        change: &Change,
        mut incoming: Incoming,
    ) -> Result<Option<Settlement>, Error> {
        let entries = fetch(session, &self.statements.read_quarantine, &[]).await?;
        let follows = |row: &&crate::model::Row| row.integer("waits_for") == Some(change.id);
        let ids = entries.iter().filter(follows).filter_map(|row| row.integer("inbox_id"));
        let state = self.state_of(session, &incoming.row).await?;
        let mut newest: BTreeMap<String, (Version, Option<String>)> = BTreeMap::new();
        let mut deleted = None;
        for id in ids.collect::<Vec<_>>() {
            let Some(waiting) = self.inbox_row(session, id).await? else { continue };
            let Ok(follower) = decode(&self.targets, &waiting) else { continue };
            if follower.row != incoming.row {
                continue;
            }
            if follower.op == Op::Delete {
                let delete = standing(&state, &follower, None);
                let is_later = delete.supersedes(&standing(&state, &incoming, None));
                if incoming.claims_row() && is_later {
                    return self.until_deleted(session, change, incoming).await;
                }
                let is_above = |(_, row): &(Op, Version)| !delete.supersedes(row);
                if incoming.claims_row() || state.row.as_ref().is_some_and(is_above) {
                    continue;
                }
                // As on a node that got the delete first: the row is gone, and the value waits, in
                // case that an insert comes between the two.
                let settled = Settlement::plain(&[waiting, change.clone()]);
                if is_later {
                    let instead = self.until_deleted(session, change, incoming).await?;
                    return Ok(Some(settled.or(instead)));
                }
                deleted = Some(settled);
                continue;
            }
            for (column, value) in &follower.cells {
                let version = standing(&state, &follower, Some(column));
                let is_newer = |(known, _): &(Version, _)| version.supersedes(known);
                if version.supersedes(&standing(&state, &incoming, Some(column)))
                    && newest.get(column).is_none_or(is_newer)
                {
                    newest.insert(column.clone(), (version, value.clone()));
                }
            }
        }
        // Who says the same takes nothing back.
        newest.retain(|column, (_, value)| {
            incoming.cells.get(column).is_some_and(|said| said != value)
        });
        if newest.is_empty() {
            return Ok(deleted);
        }
        let target = &self.targets.tables[incoming.row.0];
        // What it will refer to may itself wait for this row.
        let may_open = |column: &String| {
            target.columns.get(column).is_some_and(|known| known.is_nullable)
                && target.circular.iter().any(|reference| reference.columns.contains(column))
        };
        let said = |(column, (_, value)): (String, (_, Option<String>))| {
            let value = value.filter(|_| !may_open(&column));
            (column, value)
        };
        incoming.cells.extend(newest.into_iter().map(said));
        let mut restated = change.clone();
        restate(&mut restated, &incoming);
        Ok(Some(Settlement::plain(&[restated])))
    }

    /// The same of a key that changed: its followers are those of the row under the new key.
    pub(super) async fn with_followers_of_key(
        &mut self,
        session: &mut dyn Session,
        unit: &[Change],
        incoming: Incoming,
    ) -> Result<Option<Settlement>, Error> {
        let [delete, insert] = unit else { return Ok(None) };
        let settlement = self.with_followers(session, insert, incoming).await?;
        Ok(settlement.map(|settlement| settlement.behind(delete)))
    }

    /// The change of a row that is deleted by a later one: the row keeps what it has in the columns
    /// that may collide, and one that is not there does not come.
    async fn until_deleted(
        &mut self,
        session: &mut dyn Session,
        change: &Change,
        mut incoming: Incoming,
    ) -> Result<Option<Settlement>, Error> {
        let target = &self.targets.tables[incoming.row.0];
        let is_bound = |name: &&String| {
            target.bound_columns.contains(name) && target.columns.contains_key(*name)
        };
        let columns: BTreeSet<String> = incoming.cells.keys().filter(is_bound).cloned().collect();
        let rows = BTreeMap::from([(incoming.row.clone(), incoming.key.clone())]);
        let wanted = (incoming.row.0, &columns);
        let found = self.executor.read_cells(session, &self.targets, wanted, &rows).await?;
        let mut restated = change.clone();
        if let Some((_, values)) = found.into_iter().next() {
            incoming.cells.extend(columns.into_iter().zip(values));
            restate(&mut restated, &incoming);
        } else if incoming.op == Op::Insert {
            restated.object_operation_command = None;
            restated.object_operation = Some(Op::Delete.letter().to_owned());
            restated.object_value_old = Some(document(incoming.row_cells().into_iter()));
        } else {
            return Ok(None);
        }
        Ok(Some(Settlement::plain(&[restated])))
    }
}

/// The version by which a change is decided: a later one of its origin is as new as what that one
/// did to the row, and to the column, before.
fn standing(state: &RowState, change: &Incoming, column: Option<&String>) -> Version {
    let row = state.row.as_ref().map(|(_, version)| version);
    let cell = column.and_then(|name| state.cells.get(name)).map(|cell| &cell.version);
    let known = row.into_iter().chain(cell).filter(|known| change.version.supersedes(known));
    known.fold(change.version.clone(), Version::joined)
}

/// The same change with other cells.
pub(super) fn restate(change: &mut Change, incoming: &Incoming) {
    change.object_operation_command = None;
    change.object_operation = Some(incoming.op.letter().to_owned());
    if incoming.op == Op::Insert {
        change.object_value = Some(document(incoming.row_cells().into_iter()));
        return;
    }
    // Any of the cells may stand in front, the others are its context.
    let mut cells = incoming.row_cells();
    let named = change.object_attribute.clone().filter(|name| cells.contains_key(name));
    let Some(name) = named.or_else(|| cells.keys().next().cloned()) else { return };
    change.object_value = cells.remove(&name).flatten();
    change.object_attribute = Some(name);
    change.object_context =
        Some(cells).filter(|rest| !rest.is_empty()).map(|rest| document(rest.into_iter()));
}
