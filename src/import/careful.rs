//! A refused batch taken apart: set by set, then change by change.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::batch::{Blocked, Importer, Outcome};
use super::collision::Settlement;
use super::decode::{NO_COLUMN, Refusal};
use super::pieces::{Batch, Pieces};
use super::quarantine::Entry;
use super::sets::{set_of, units};
use crate::db::{Fault, FaultKind, Mode, Session};
use crate::model::{Change, RouteId};
use crate::outbox::execute;

/// The ids of changes that are tried together, and why the database refused them. A set may be
/// large: its changes are read again.
pub(super) type Waiting = Vec<(Vec<i64>, Option<Fault>)>;

/// How an attempt to import a unit ended.
pub(super) enum Attempt {
    /// It is in, or in quarantine.
    Done(Outcome),
    /// The database refused it, and the transaction is as it was before.
    Refused(Fault),
    /// The refusal has ended the whole transaction: it has to be rolled back.
    Lost(Fault),
}

/// Refusals that ended the whole transaction, by the inbox id that their unit begins with.
pub(super) type Lethal = BTreeMap<i64, Fault>;

/// How a set that is imported change by change ended: done, by somebody else (`None`), or lost
/// to a unit that has just become known as lethal.
type Singly = Result<Option<(Outcome, i64)>, (i64, Fault)>;

/// What has come of the changes of a set so far.
pub(super) struct Attempts<'a> {
    pub(super) blocked: Blocked,
    pub(super) outcome: Outcome,
    /// Rows with a change that was refused in this round.
    refused_rows: BTreeSet<(String, String)>,
    pub(super) waiting: Waiting,
    pub(super) lethal: &'a Lethal,
}

impl Importer {
    /// Imports each change set of a refused batch in a transaction of its own.
    pub(super) async fn import_apart(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
        batch: Batch<'_>,
    ) -> Result<Outcome, Error> {
        let mut total = Outcome::default();
        let mut pointer = pointer;
        // Only a batch of one set can go on behind the page.
        for changes in batch.changes.chunk_by(|one, next| set_of(one) == set_of(next)) {
            let set = Batch { changes, may_go_on: batch.may_go_on };
            let pieces = Pieces::new(set, pointer);
            let done = match self.import_whole(session, route, pointer, pieces).await {
                Err(error) if error.is_about_a_row() => {
                    self.abandon(session).await?;
                    self.import_singly(session, route, pointer, set).await
                }
                other => other,
            };
            let Some((outcome, last)) = (match done {
                Ok(done) => done,
                Err(error) => {
                    self.abandon(session).await?;
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

    /// One change set change by change. What is refused in a way that ends the whole transaction
    /// is noted, and the set begun again without it: at most once for each unit. So it is once
    /// where the commit is refused, looking from then on at what is deferred.
    async fn import_singly(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
        set: Batch<'_>,
    ) -> Result<Option<(Outcome, i64)>, Error> {
        let mut lethal = Lethal::new();
        loop {
            let has_looked = self.doubts_commits;
            match self.try_singly(session, route, pointer, set, &lethal).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err((unit, fault))) => {
                    self.abandon(session).await?;
                    lethal.insert(unit, fault);
                }
                Err(_) if self.doubts_commits && !has_looked => self.abandon(session).await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// A change that is refused is tried again after the others, since a row that it refers to
    /// may come later in the set; what is refused at the end goes to quarantine, and changes of
    /// its row wait behind it.
    async fn try_singly(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
        set: Batch<'_>,
        lethal: &Lethal,
    ) -> Result<Singly, Error> {
        session.begin(Mode::Write).await?;
        if !self.lock(session, route, pointer).await? {
            session.rollback().await?;
            return Ok(Ok(None));
        }
        self.restart_report(pointer + 1);
        let mut attempts = Attempts {
            blocked: self.blocked(session).await?,
            outcome: Outcome::default(),
            refused_rows: BTreeSet::new(),
            waiting: Vec::new(),
            lethal,
        };
        let mut pieces = Pieces::new(set, pointer);
        while let Some(piece) = self.next_piece(session, route, &mut pieces).await? {
            attempts.outcome.read += piece.len() as u64;
            for unit in units(&piece) {
                if let Some(lost) = self.try_unit(session, route, unit, None, &mut attempts).await?
                {
                    return Ok(Err(lost));
                }
            }
        }
        let mut before = usize::MAX;
        while !attempts.waiting.is_empty() && attempts.waiting.len() < before {
            before = attempts.waiting.len();
            let mut lost = self.try_again(session, route, &mut attempts).await?;
            if lost.is_none() && attempts.waiting.len() == before {
                lost = self.try_together(session, route, &mut attempts).await?;
            }
            if let Some(lost) = lost {
                return Ok(Err(lost));
            }
        }
        let Attempts { mut blocked, mut outcome, waiting, .. } = attempts;
        outcome.quarantined += self.hold(session, route, waiting, &mut blocked).await?;
        self.advance(session, route, pieces.last, outcome).await?;
        self.commit(session).await?;
        Ok(Ok(Some((outcome, pieces.last))))
    }

    /// Tries what was refused once more, one by one; a unit whose refusal has ended the
    /// transaction, with that.
    async fn try_again(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        attempts: &mut Attempts<'_>,
    ) -> Result<Option<(i64, Fault)>, Error> {
        attempts.refused_rows.clear();
        for (ids, fault) in std::mem::take(&mut attempts.waiting) {
            let unit = self.inbox_rows(session, &ids).await?;
            let lost = self.try_unit(session, route, &unit, fault, attempts).await?;
            if lost.is_some() {
                return Ok(lost);
            }
        }
        Ok(None)
    }

    /// Tries a unit, unless an earlier one of its rows was refused in this round; a unit whose
    /// refusal has ended the transaction, with that.
    async fn try_unit(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        unit: &[Change],
        fault: Option<Fault>,
        attempts: &mut Attempts<'_>,
    ) -> Result<Option<(i64, Fault)>, Error> {
        let Some(first) = unit.first().map(|change| change.id) else { return Ok(None) };
        let rows: Vec<_> = unit.iter().filter_map(|change| self.row_of(change)).collect();
        let fault = if rows.iter().any(|row| attempts.refused_rows.contains(row)) {
            fault
        } else {
            let attempt = match attempts.lethal.get(&first) {
                Some(fault) => Attempt::Refused(fault.clone()),
                None => self.attempt(session, route, unit, &mut attempts.blocked).await?,
            };
            match attempt {
                Attempt::Done(done) => {
                    attempts.outcome.quarantined += done.quarantined;
                    return Ok(None);
                }
                Attempt::Refused(fault) => Some(fault),
                Attempt::Lost(fault) => return Ok(Some((first, fault))),
            }
        };
        attempts.refused_rows.extend(rows);
        attempts.waiting.push((unit.iter().map(|change| change.id).collect(), fault));
        Ok(None)
    }

    /// The changes of a unit, read again.
    pub(super) async fn inbox_rows(
        &self,
        session: &mut dyn Session,
        ids: &[i64],
    ) -> Result<Vec<Change>, Error> {
        let mut unit = Vec::new();
        for id in ids {
            unit.extend(self.inbox_row(session, *id).await?);
        }
        Ok(unit)
    }

    /// Tries a unit inside a savepoint.
    pub(super) async fn attempt(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        unit: &[Change],
        blocked: &mut Blocked,
    ) -> Result<Attempt, Error> {
        let plain = Settlement::plain(unit);
        self.attempt_settled(session, route, &plain, blocked).await
    }

    /// Tries what settles a collision inside a savepoint.
    pub(super) async fn attempt_settled(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        settlement: &Settlement,
        blocked: &mut Blocked,
    ) -> Result<Attempt, Error> {
        execute(session, &self.statements.savepoint, &[]).await?;
        let mut done = self.apply_settled(session, route, settlement, blocked).await;
        if done.is_ok() {
            done = self.check_deferred(session).await.and(done);
        }
        let error = match done {
            Ok(outcome) => {
                execute(session, &self.statements.release_savepoint, &[]).await?;
                self.keep_report();
                return Ok(Attempt::Done(outcome));
            }
            Err(error) => error,
        };
        self.drop_report();
        let Some(fault) = error.fault().filter(|_| error.is_about_a_row()).cloned() else {
            return Err(error);
        };
        // Some errors of some brands leave no savepoint to go back to: SQL Server's conversions,
        // and whatever a trigger there refuses.
        let back = execute(session, &self.statements.rollback_to_savepoint, &[]).await;
        match back.map_err(Error::from) {
            Err(failure) if failure.is_about_a_row() => return Ok(Attempt::Lost(fault)),
            other => other?,
        };
        execute(session, &self.statements.release_savepoint, &[]).await?;
        Ok(Attempt::Refused(fault))
    }

    /// Puts what is still refused into quarantine; the number of changes.
    async fn hold(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        waiting: Waiting,
        blocked: &mut Blocked,
    ) -> Result<u64, Error> {
        let mut count = 0;
        for (ids, fault) in waiting {
            let unit = self.inbox_rows(session, &ids).await?;
            for entry in self.held_by_fault(&unit, fault.as_ref(), blocked) {
                self.quarantine(session, route, &entry).await?;
                count += 1;
            }
            self.keep_report();
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
            _ if self.is_reference(fault) => "missing_reference",
            FaultKind::Conflict => "conflict",
            // The column was dropped since the tables were read.
            _ if codes.no_column.contains(&fault.code) => NO_COLUMN,
            _ => "rejected",
        };
        let message = codes.without_values(&fault.message);
        Refusal::new(code, Fault { message, ..fault.clone() }.to_string())
    }
}
