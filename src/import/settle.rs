//! Rows that this node changed in a transaction which an import has overtaken.
//!
//! Where a row is not there, some brands have no lock that keeps an application from inserting
//! it, nor one that waits for an insert that is not committed. An import may then decide on the
//! row without knowing that change. When the change has committed and is folded, the row is
//! brought to what is known of it: deleted, or given the values that were parked.

use std::collections::{BTreeMap, BTreeSet};

use super::batch::Importer;
use super::decide::settle;
use super::decode::RowId;
use super::keep::Leaving;
use super::order::{RowEffect, steps};
use super::{Effect, Error, versions};
use crate::db::{Mode, Session};
use crate::model::RouteId;
use crate::outbox::execute;

/// Rows with their keys.
pub(super) type Rows = BTreeMap<RowId, Vec<String>>;

impl Importer {
    /// Settles what a fold has found doubtful; the rows that are gone then.
    pub(super) async fn settle(
        &mut self,
        session: &mut dyn Session,
        locked: &BTreeSet<RowId>,
        mut doubtful: Rows,
    ) -> Result<BTreeSet<RowId>, Error> {
        let mut there = Rows::new();
        let mut locked = locked.clone();
        // What is there may have been inserted anew since the fold: once it is locked, that is
        // known too.
        while !doubtful.is_empty() {
            let found = self.executor.lock(session, &self.targets, &doubtful).await?;
            if found.is_empty() {
                break;
            }
            there.extend(doubtful.into_iter().filter(|(row, _)| found.contains(row)));
            locked.extend(found);
            doubtful = self.fold(session, &locked).await?.doubtful;
            doubtful.retain(|row, _| !there.contains_key(row));
        }
        if there.is_empty() {
            return Ok(BTreeSet::new());
        }
        self.settle_locked(session, there).await
    }

    async fn settle_locked(
        &mut self,
        session: &mut dyn Session,
        there: Rows,
    ) -> Result<BTreeSet<RowId>, Error> {
        let rows: BTreeSet<RowId> = there.keys().cloned().collect();
        let read = &self.statements.read_versions;
        let mut states = versions::load(session, read, &self.targets, &rows).await?;
        let mut leaving: Vec<Leaving<'_>> = Vec::new();
        for (row, key) in &there {
            let Some(state) = states.get_mut(row) else { continue };
            state.exists = true;
            if let Some((_, version)) = state.row.as_ref().filter(|_| state.may_differ()) {
                leaving.push((row, key, version.clone()));
            }
        }
        self.know_cells_after(session, &mut states, &leaving).await?;
        let mut effects = Vec::new();
        let mut gone = BTreeSet::new();
        for (row, key) in &there {
            let Some(state) = states.get_mut(row) else { continue };
            let effect = settle(state);
            if effect == Effect::Delete {
                gone.insert(row.clone());
            }
            effects.push(RowEffect { row: row.clone(), key: key.clone(), effect, old_key: None });
        }
        for step in steps(&self.targets, effects) {
            self.executor.run(session, &self.targets, &step).await?;
        }
        versions::save(session, &self.statements.write_versions, &self.targets, &states).await?;
        Ok(gone)
    }

    /// Settles what was changed here since the last import, where there is nothing to import.
    pub(super) async fn settle_alone(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
    ) -> Result<(), Error> {
        if self.targets.brand.dialect().can.lock_missing_rows {
            return Ok(());
        }
        session.begin(Mode::Write).await?;
        if !self.lock(session, route, pointer).await? {
            session.rollback().await?;
            return Ok(());
        }
        let done = self.settle_inside(session).await;
        if done.is_err() {
            self.abandon(session).await?;
            return done;
        }
        session.commit().await?;
        Ok(())
    }

    /// Notes what this node changed since the last import, and settles it.
    ///
    /// # Errors
    /// When the database refuses; nothing is noted then.
    pub async fn note_own_changes(&mut self, session: &mut dyn Session) -> Result<(), Error> {
        session.begin(Mode::Write).await?;
        let entered = self.enter(session).await;
        let done = match entered {
            Ok(()) => self.settle_inside(session).await,
            Err(error) => Err(error),
        };
        if done.is_err() {
            self.abandon(session).await?;
            return done;
        }
        session.commit().await?;
        Ok(())
    }

    async fn settle_inside(&mut self, session: &mut dyn Session) -> Result<(), Error> {
        let doubtful = self.fold(session, &BTreeSet::new()).await?.doubtful;
        self.settle(session, &BTreeSet::new(), doubtful).await?;
        execute(session, &self.statements.leave_import, &[]).await?;
        Ok(())
    }
}
