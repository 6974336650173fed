//! Rows that this node changed in a transaction which an import has overtaken.
//!
//! Where a row is not there, some brands have no lock that keeps an application from inserting
//! it, nor one that waits for an insert that is not committed. An import may then decide on the
//! row without knowing that change. When the change has committed and is folded, the row is
//! brought to what is known of it: deleted, or given the values that were parked.

use std::collections::{BTreeMap, BTreeSet};

use super::batch::Importer;
use super::collision::REFERRED;
use super::decide::settle;
use super::decode::RowId;
use super::fold::Folded;
use super::keep::Leaving;
use super::order::{RowEffect, steps};
use super::versions::{self, RowStates};
use super::{Effect, Error};
use crate::db::{Mode, Session};
use crate::model::{Op, RouteId};
use crate::outbox::execute;

/// Rows with their keys.
pub(super) type Rows = BTreeMap<RowId, Vec<String>>;

impl Importer {
    /// Settles what folds have come upon; the rows that are gone then.
    pub(super) async fn settle(
        &mut self,
        session: &mut dyn Session,
        locked: &BTreeSet<RowId>,
        mut folded: Folded,
    ) -> Result<BTreeSet<RowId>, Error> {
        let mut gone = BTreeSet::new();
        let mut locked = locked.clone();
        while !folded.doubtful.is_empty() || !folded.overtaken.is_empty() {
            // First, since it may leave nothing to be settled of a row.
            let overtaken = std::mem::take(&mut folded.overtaken);
            self.tell_anew(session, overtaken, &gone, &mut folded).await?;
            let there = self.find_doubtful(session, &mut locked, &mut folded).await?;
            if !there.is_empty() {
                gone.extend(self.settle_locked(session, there).await?);
            }
        }
        Ok(gone)
    }

    /// Locks the doubtful rows; those that are there.
    async fn find_doubtful(
        &mut self,
        session: &mut dyn Session,
        locked: &mut BTreeSet<RowId>,
        folded: &mut Folded,
    ) -> Result<Rows, Error> {
        let mut there = Rows::new();
        // What is there may have been inserted anew since the fold: once it is locked, that is
        // known too.
        while !folded.doubtful.is_empty() {
            let doubtful = std::mem::take(&mut folded.doubtful);
            let found = self.executor.lock(session, &self.targets, &doubtful).await?;
            if found.is_empty() {
                break;
            }
            there.extend(doubtful.into_iter().filter(|(row, _)| found.contains(row)));
            locked.extend(found);
            self.fold(session, locked, folded).await?;
            folded.doubtful.retain(|row, _| !there.contains_key(row));
        }
        Ok(there)
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
            if matches!(state.row, Some((Op::Delete, _))) {
                // What a delete says of the row is what it took along where it was done, and that
                // was not here: a rejoin has brought it back.
                state.unpark();
            }
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
        let kept = self.keep_referred(session, &mut effects, &mut states).await?;
        gone.retain(|row| !kept.contains(row));
        for step in steps(&self.targets, effects) {
            self.executor.run(session, &self.targets, step).await?;
        }
        self.statements.versions.save(session, &self.targets, states).await?;
        Ok(gone)
    }

    /// Lets the rows stay to which others refer, as an import does that would delete them, and
    /// tells the other nodes; which these are. Without it the database would refuse every import
    /// from now on.
    async fn keep_referred(
        &mut self,
        session: &mut dyn Session,
        effects: &mut [RowEffect],
        states: &mut RowStates,
    ) -> Result<BTreeSet<RowId>, Error> {
        let mut all = BTreeSet::new();
        loop {
            let mut kept = self.referred_to(session, effects).await?;
            kept.retain(|row| self.targets.tables[row.0].settles_collisions);
            if kept.is_empty() {
                return Ok(all);
            }
            for effect in effects.iter_mut().filter(|effect| kept.contains(&effect.row)) {
                effect.effect = Effect::Nothing;
                let state = states.get(&effect.row);
                let Some((_, deleted)) = state.and_then(|state| state.row.clone()) else {
                    continue;
                };
                let row = (&effect.row, &effect.key[..]);
                let told = self.come_back(session, row, &deleted, REFERRED).await?;
                if let Some(told) = told {
                    self.tell(session, &told).await?;
                }
            }
            all.extend(kept);
        }
    }

    /// Settles what was changed here since the last import, where there is nothing to import.
    pub(super) async fn settle_alone(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
    ) -> Result<(), Error> {
        let can = &self.targets.brand.dialect().can;
        if can.lock_missing_rows && can.see_new_floor {
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
        let mut folded = Folded::default();
        self.fold(session, &BTreeSet::new(), &mut folded).await?;
        self.settle(session, &BTreeSet::new(), folded).await?;
        execute(session, &self.statements.leave_import, &[]).await?;
        Ok(())
    }
}
