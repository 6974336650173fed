//! Changes that no database takes one by one, since each refers to a row of another: they are
//! tried together, and so are they again while they are in quarantine.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::batch::{Blocked, Importer};
use super::careful::{Attempt, Attempts};
use super::circles::{Circles, circles};
use super::decode::decode;
use crate::db::{Fault, Mode, Session};
use crate::model::{Change, RouteId, Row, Value};
use crate::outbox::execute;

impl Importer {
    /// Tries each circle among the changes of a set that were refused one by one, and what else
    /// may be missing in each other where nothing is looked at before all is there; a unit whose
    /// refusal has ended the transaction, with that.
    pub(super) async fn try_together(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        attempts: &mut Attempts<'_>,
    ) -> Result<Option<(i64, Fault)>, Error> {
        if attempts.waiting.len() < 2 {
            return Ok(None);
        }
        let mut units = Vec::with_capacity(attempts.waiting.len());
        for (ids, _) in &attempts.waiting {
            units.push(self.inbox_rows(session, ids).await?);
        }
        let mut groups = self.circles_of(&units);
        if groups.is_empty() && !self.statements.check_deferred.is_empty() {
            groups.push((0..units.len()).collect());
        }
        let in_order = self.in_order(&units);
        let mut are_in = BTreeSet::new();
        for group in groups {
            let mut unit: Vec<Change> = group.iter().flat_map(|at| units[*at].clone()).collect();
            unit.sort_by_key(|change| change.id);
            let is_lethal = |change: &Change| attempts.lethal.contains_key(&change.id);
            // Neither what waits behind an earlier change of its row.
            let waits_behind = |(earlier, later): &(usize, usize)| {
                group.contains(later) && !group.contains(earlier) && !are_in.contains(earlier)
            };
            if unit.iter().any(is_lethal) || in_order.iter().any(waits_behind) {
                continue;
            }
            let mut blocked = attempts.blocked.clone();
            match self.attempt_circle(session, route, &unit, &mut blocked).await? {
                Attempt::Done(done) => {
                    attempts.outcome.quarantined += done.quarantined;
                    attempts.blocked = blocked;
                    are_in.extend(group);
                }
                Attempt::Refused(_) => {}
                Attempt::Lost(fault) => return Ok(Some((unit[0].id, fault))),
            }
        }
        let mut at = 0..;
        attempts.waiting.retain(|_| at.next().is_some_and(|at| !are_in.contains(&at)));
        Ok(None)
    }

    /// Which unit comes next before which other one of the same row.
    fn in_order(&self, units: &[Vec<Change>]) -> Vec<(usize, usize)> {
        let mut last = BTreeMap::new();
        let mut pairs = Vec::new();
        for (at, unit) in units.iter().enumerate() {
            for row in unit.iter().filter_map(|change| self.row_of(change)) {
                pairs.extend(last.insert(row, at).map(|earlier| (earlier, at)));
            }
        }
        pairs
    }

    /// The units that need each other.
    fn circles_of(&self, units: &[Vec<Change>]) -> Vec<Vec<usize>> {
        if self.targets.tables.iter().all(|table| table.circular.is_empty()) {
            return Vec::new();
        }
        let decoded = |unit: &Vec<Change>| {
            unit.iter().filter_map(|change| decode(&self.targets, change).ok()).collect()
        };
        circles(&self.targets, &units.iter().map(decoded).collect::<Vec<_>>())
    }

    /// Tries changes that need each other: with references that are set when all rows are there,
    /// else, where the database may be looking at them only at the commit, as they are.
    async fn attempt_circle(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        unit: &[Change],
        blocked: &mut Blocked,
    ) -> Result<Attempt, Error> {
        let before = blocked.clone();
        let attempt = self.attempt(session, route, unit, blocked).await?;
        if self.statements.check_deferred.is_empty() || !matches!(attempt, Attempt::Refused(_)) {
            return Ok(attempt);
        }
        *blocked = before;
        self.circles = Circles::Kept;
        let attempt = self.attempt(session, route, unit, blocked).await;
        self.circles = Circles::Opened;
        attempt
    }

    /// Tries each circle among changes in quarantine that were refused one by one; those that got
    /// in.
    pub(super) async fn retry_circles(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        retries: &[Row],
    ) -> Result<Vec<i64>, Error> {
        let refers = |row: &&Row| row.text("reason_code").as_deref() == Some("missing_reference");
        let ids = retries.iter().filter(refers).filter_map(|row| row.integer("inbox_id"));
        let ids: Vec<i64> = ids.collect();
        if ids.len() < 2 || self.targets.tables.iter().all(|table| table.circular.is_empty()) {
            return Ok(Vec::new());
        }
        let mut units = Vec::with_capacity(ids.len());
        for change in self.inbox_rows(session, &ids).await? {
            units.push(vec![change]);
        }
        let mut released = Vec::new();
        for group in self.circles_of(&units) {
            let unit: Vec<Change> = group.iter().flat_map(|at| units[*at].clone()).collect();
            self.raise_floor(session, &unit).await?;
            session.begin(Mode::Write).await?;
            let mut done = self.retry_circle(session, route, &unit).await;
            if matches!(done, Ok(true)) {
                done = self.commit(session).await.and(done);
            }
            if matches!(done, Ok(true)) {
                released.extend(unit.iter().map(|change| change.id));
                continue;
            }
            self.abandon(session).await?;
            done?;
        }
        Ok(released)
    }

    /// Whether a circle gets in; if not, what was done of it has to be rolled back.
    async fn retry_circle(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        unit: &[Change],
    ) -> Result<bool, Error> {
        self.enter(session).await?;
        let mut blocked = self.blocked(session).await?;
        let ids: BTreeSet<i64> = unit.iter().map(|change| change.id).collect();
        blocked.retain(|_, first| !ids.contains(first));
        let attempt = self.attempt_circle(session, route, unit, &mut blocked).await?;
        let is_in = matches!(attempt, Attempt::Done(done) if done.quarantined == 0);
        if is_in {
            for id in ids {
                let given = [("inbox_id", Value::Integer(id))];
                execute(session, &self.statements.leave_quarantine, &given).await?;
            }
            execute(session, &self.statements.leave_import, &[]).await?;
        }
        Ok(is_in)
    }
}
