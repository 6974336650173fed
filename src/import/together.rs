//! Changes that no database takes one by one, since each refers to a row of another: they are
//! tried together, and so are they again while they are in quarantine.

use std::collections::{BTreeMap, BTreeSet};

use super::batch::{Blocked, Importer};
use super::careful::{Attempt, Attempts};
use super::circles::{Circles, circles};
use super::collision::newer_cell;
use super::decode::{Incoming, decode};
use super::{Error, versions};
use crate::db::{Fault, Mode, Session};
use crate::model::{Change, Op, RouteId, Row, Value};
use crate::outbox::{execute, fetch};

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
        let mut groups = self.circles_of(session, &units).await?;
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

    /// The units that need each other, with what waits for the rows that they bring.
    async fn circles_of(
        &self,
        session: &mut dyn Session,
        units: &[Vec<Change>],
    ) -> Result<Vec<Vec<usize>>, Error> {
        if self.targets.tables.iter().all(|table| table.circular.is_empty()) {
            return Ok(Vec::new());
        }
        let decoded = |unit: &Vec<Change>| {
            unit.iter().filter_map(|change| decode(&self.targets, change).ok()).collect()
        };
        let mut units: Vec<Vec<Incoming>> = units.iter().map(decoded).collect();
        let rows = units.iter().flatten().map(|change| change.row.clone()).collect();
        let read = &self.statements.read_versions;
        let states = versions::load(session, read, &self.targets, &rows).await?;
        for change in units.iter_mut().flatten().filter(|change| change.op == Op::Insert) {
            let Some(state) = states.get(&change.row) else { continue };
            let parked = |name: &String| newer_cell(state, change, name)?.parked.clone();
            let columns = state.cells.keys();
            let parked: Vec<_> =
                columns.filter_map(|name| Some((name.clone(), parked(name)?))).collect();
            change.cells.extend(parked);
        }
        Ok(circles(&self.targets, &units))
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

    /// Tries each circle among changes in quarantine that were refused one by one, of which some
    /// are to be tried again, on whatever routes the others came; those that got in.
    pub(super) async fn retry_circles(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        retries: &[Row],
    ) -> Result<Vec<i64>, Error> {
        let refers = |row: &&Row| row.text("reason_code").as_deref() == Some("missing_reference");
        if !retries.iter().any(|row| refers(&row))
            || self.targets.tables.iter().all(|table| table.circular.is_empty())
        {
            return Ok(Vec::new());
        }
        let all = fetch(session, &self.statements.read_quarantine, &[]).await?;
        let ids = all.iter().filter(refers).filter_map(|row| row.integer("inbox_id"));
        let ids: Vec<i64> = ids.collect();
        // What waits behind a row's change may be what closes the circle.
        for has_followers in [false, true] {
            let mut units = Vec::with_capacity(ids.len());
            for id in &ids {
                let followers = if has_followers { behind(&all, *id) } else { Vec::new() };
                let mut unit = self.inbox_rows(session, &[&[*id], &followers[..]].concat()).await?;
                let rest = unit.iter().skip(1).position(ends_row);
                unit.truncate(rest.map_or(unit.len(), |at| at + 1));
                units.push(unit);
            }
            let released = self.retry_units(session, route, &units).await?;
            if !released.is_empty() {
                return Ok(released);
            }
        }
        Ok(Vec::new())
    }

    /// Tries each circle among units in quarantine; the changes that got in.
    async fn retry_units(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        units: &[Vec<Change>],
    ) -> Result<Vec<i64>, Error> {
        let mut released = Vec::new();
        for group in self.circles_of(session, units).await? {
            let mut unit: Vec<Change> = group.iter().flat_map(|at| units[*at].clone()).collect();
            unit.sort_by_key(|change| change.id);
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

/// What waits in quarantine behind a change.
fn behind(all: &[Row], id: i64) -> Vec<i64> {
    let waits = |row: &&Row| {
        row.integer("waits_for") == Some(id) && row.text("reason_code").as_deref() == Some("waits")
    };
    all.iter().filter(waits).filter_map(|row| row.integer("inbox_id")).collect()
}

/// Whether a row goes with a change, or gets another key.
fn ends_row(change: &Change) -> bool {
    change.object_operation.as_deref() == Some(Op::Delete.letter())
        || change.object_id_old.is_some()
}
