//! A refused batch taken apart: set by set, then change by change.

use std::collections::BTreeSet;

use super::Error;
use super::batch::{Blocked, Importer, Outcome, set_of, units};
use super::decode::Refusal;
use super::quarantine::Entry;
use crate::db::{Fault, FaultKind, Mode, Session};
use crate::model::{Change, RouteId};
use crate::outbox::execute;

/// Changes that are tried together, and why the database refused them.
type Waiting<'a> = Vec<(&'a [Change], Option<Fault>)>;

impl Importer {
    /// Imports each change set of a refused batch in a transaction of its own.
    pub(super) async fn import_apart(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
        batch: &[Change],
    ) -> Result<Outcome, Error> {
        let mut total = Outcome::default();
        let mut pointer = pointer;
        // Only a batch of one set, as long as a page, can go on behind the page.
        for set in batch.chunk_by(|one, next| set_of(one) == set_of(next)) {
            let done = match self.import_set(session, route, pointer, set).await {
                Err(error) if error.is_about_a_row() => {
                    session.rollback().await?;
                    self.import_singly(session, route, pointer, set).await
                }
                other => other,
            };
            let Some((outcome, last)) = (match done {
                Ok(done) => done,
                Err(error) => {
                    session.rollback().await?;
                    return Err(error);
                }
            }) else {
                return Ok(total);
            };
            total.read += outcome.read;
            total.quarantined += outcome.quarantined;
            pointer = last;
        }
        Ok(total)
    }

    /// One change set at once; `None` when somebody else is at work.
    async fn import_set(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
        set: &[Change],
    ) -> Result<Option<(Outcome, i64)>, Error> {
        session.begin(Mode::Write).await?;
        if !self.lock(session, route, pointer).await? {
            session.rollback().await?;
            return Ok(None);
        }
        let set = self.rest_of_set(session, route, set).await?;
        let mut blocked = self.blocked(session).await?;
        let outcome = self.apply(session, route, &set, &mut blocked).await?;
        let last = set.last().map_or(pointer, |change| change.id);
        self.advance(session, route, last, outcome).await?;
        session.commit().await?;
        Ok(Some((outcome, last)))
    }

    /// One change set change by change. A change that is refused is tried again after the others,
    /// since a row that it refers to may come later in the set; what is refused at the end goes
    /// to quarantine, and changes of its row wait behind it.
    async fn import_singly(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
        set: &[Change],
    ) -> Result<Option<(Outcome, i64)>, Error> {
        session.begin(Mode::Write).await?;
        if !self.lock(session, route, pointer).await? {
            session.rollback().await?;
            return Ok(None);
        }
        let set = self.rest_of_set(session, route, set).await?;
        let mut blocked = self.blocked(session).await?;
        let mut outcome = Outcome { read: set.len() as u64, ..Outcome::default() };
        let mut waiting: Waiting<'_> = units(&set).into_iter().map(|unit| (unit, None)).collect();
        loop {
            let before = waiting.len();
            let mut refused_rows = BTreeSet::new();
            let mut refused = Vec::new();
            for (unit, fault) in waiting {
                let rows: Vec<_> = unit.iter().filter_map(|change| self.row_of(change)).collect();
                if rows.iter().any(|row| refused_rows.contains(row)) {
                    refused_rows.extend(rows);
                    refused.push((unit, fault));
                    continue;
                }
                match self.attempt(session, route, unit, &mut blocked).await? {
                    Ok(done) => outcome.quarantined += done.quarantined,
                    Err(fault) => {
                        refused_rows.extend(rows);
                        refused.push((unit, Some(fault)));
                    }
                }
            }
            waiting = refused;
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        outcome.quarantined += self.hold(session, route, waiting, &mut blocked).await?;
        let last = set.last().map_or(pointer, |change| change.id);
        self.advance(session, route, last, outcome).await?;
        session.commit().await?;
        Ok(Some((outcome, last)))
    }

    /// Tries a unit inside a savepoint; the inner error is the database's refusal of it.
    pub(super) async fn attempt(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        unit: &[Change],
        blocked: &mut Blocked,
    ) -> Result<Result<Outcome, Fault>, Error> {
        execute(session, &self.statements.savepoint, &[]).await?;
        match self.apply(session, route, unit, blocked).await {
            Ok(outcome) => {
                execute(session, &self.statements.release_savepoint, &[]).await?;
                Ok(Ok(outcome))
            }
            Err(error) if error.is_about_a_row() => {
                execute(session, &self.statements.rollback_to_savepoint, &[]).await?;
                execute(session, &self.statements.release_savepoint, &[]).await?;
                match error.fault() {
                    Some(fault) => Ok(Err(fault.clone())),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Puts what is still refused into quarantine; the number of changes.
    async fn hold(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        waiting: Waiting<'_>,
        blocked: &mut Blocked,
    ) -> Result<u64, Error> {
        let mut count = 0;
        for (unit, fault) in waiting {
            for entry in self.held_by_fault(unit, fault.as_ref(), blocked) {
                self.quarantine(session, route, &entry).await?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// The entries of a unit that the database refused: the fault stands at its last change, and
    /// not where an earlier change of the row explains it.
    pub(super) fn held_by_fault(
        &self,
        unit: &[Change],
        fault: Option<&Fault>,
        blocked: &mut Blocked,
    ) -> Vec<Entry> {
        let is_blocked = unit
            .iter()
            .filter_map(|change| self.row_of(change))
            .any(|row| blocked.contains_key(&row));
        let mut refusals: Vec<Option<Refusal>> = unit.iter().map(|_| None).collect();
        if let (Some(fault), Some(last), false) = (fault, refusals.last_mut(), is_blocked) {
            *last = Some(self.refusal(fault));
        }
        self.held(unit, refusals, blocked)
    }

    /// The reason for the quarantine that a database's refusal gives.
    pub(super) fn refusal(&self, fault: &Fault) -> Refusal {
        let codes = &self.targets.brand.dialect().faults;
        let code = match fault.kind {
            _ if codes.reference.contains(&fault.code) => "missing_reference",
            FaultKind::Conflict => "conflict",
            _ => "rejected",
        };
        Refusal::new(code, fault.to_string())
    }

    /// A set that may go on behind the page that it was read with.
    async fn rest_of_set(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        set: &[Change],
    ) -> Result<Vec<Change>, Error> {
        let mut whole = set.to_vec();
        if whole.len() < self.page_rows {
            return Ok(whole);
        }
        while let Some(last) = whole.last() {
            let name = set_of(last);
            let page = self.page(session, route, last.id).await?;
            let more: Vec<Change> =
                page.into_iter().take_while(|change| set_of(change) == name).collect();
            if more.is_empty() {
                break;
            }
            whole.extend(more);
        }
        Ok(whole)
    }
}
