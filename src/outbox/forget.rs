//! When a missing id is given up: once nobody is left who could write it, and never by the clock.
//!
//! An id is handed out to a statement and written by that statement, or by none. So a missing id
//! is settled in two steps. Every statement that was at work when the id was first known to be
//! handed out has to end: from then on the id is written, committed or not, or it never will be.
//! And a read that shows what is not committed has to miss it: then it was rolled back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::call::{fetch, fetch_one};
use super::{Cursor, Error, Gaps};
use crate::db::{FaultKind, Mode, Session};
use crate::model::Value;
use crate::render::{self, Statement, Templates};

/// The wait for the statements that may still hold ids which they have not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grace {
    /// Ids up to here were handed out when it began.
    pub through: i64,
    /// Connections that were in a statement then and have not been seen outside of one since.
    pub writers: Vec<i64>,
}

/// What is certain of an outbox, whichever cursor it was found for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Ids that nobody can write any more.
    dead: Gaps,
    /// Ids up to here are written or never will be.
    settled: i64,
    /// The wait for the ids above.
    grace: Option<Grace>,
}

/// The statements by which missing ids are given up.
#[derive(Debug, Clone)]
pub(super) struct ForgetStatements {
    read_writers: Statement,
    read_written: Statement,
}

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
}

impl ForgetStatements {
    /// None where no ids go missing.
    pub(super) fn new(templates: &Templates) -> Result<Option<Self>, render::Error> {
        let dialect = templates.brand().dialect();
        if !dialect.can.leave_gaps {
            return Ok(None);
        }
        let context = Context { namespace: dialect.default_namespace.as_deref() };
        Ok(Some(Self {
            read_writers: templates.statement("run/read_writers", &context)?,
            read_written: templates.statement("run/read_written", &context)?,
        }))
    }

    /// Looks which missing ids of a cursor can be given up. The session has to be outside of any
    /// transaction.
    pub(super) async fn look(
        &self,
        session: &mut dyn Session,
        cursor: &Cursor,
    ) -> Result<Verdict, Error> {
        let mut verdict =
            Verdict { dead: Gaps::default(), settled: cursor.settled, grace: cursor.grace.clone() };
        if cursor.gaps.last().is_some_and(|last| last > verdict.settled)
            && let Some(busy) = self.writers(session).await?
        {
            verdict.pass(&busy, cursor.pointer);
        }
        let settled = cursor.gaps.between(0, verdict.settled);
        if !settled.is_empty() {
            let written = self.written(session, &settled).await?;
            verdict.dead = settled;
            for (first, last) in written.ranges() {
                verdict.dead.remove(first, last);
            }
        }
        Ok(verdict)
    }

    /// Connections that are in a statement now; none where that cannot be told.
    async fn writers(&self, session: &mut dyn Session) -> Result<Option<BTreeSet<i64>>, Error> {
        let row = match fetch_one(session, &self.read_writers, &[]).await {
            // Without the right to see what others do, nothing is given up.
            Err(Error::Fault(fault)) if fault.kind == FaultKind::Denied => return Ok(None),
            row => row?,
        };
        let is_certain = row.as_ref().and_then(|row| row.integer("is_certain"));
        if is_certain != Some(1) {
            return Ok(None);
        }
        let writers = row.and_then(|row| row.text("writers"));
        Ok(writers.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Of some missing ids those that are written; of a range everything between two of them.
    async fn written(&self, session: &mut dyn Session, gaps: &Gaps) -> Result<Gaps, Error> {
        let (ids, ranges) = gaps.texts();
        let given = [("gap_ids", Value::Text(ids)), ("gaps", Value::Text(ranges))];
        session.begin(Mode::Uncommitted).await?;
        let rows = fetch(session, &self.read_written, &given).await;
        session.rollback().await?;
        let rows = rows?;
        let range =
            |row: &crate::model::Row| Some((row.integer("first_id")?, row.integer("last_id")?));
        Ok(rows.iter().filter_map(range).collect())
    }

    /// Whether this session may see who is at work.
    pub(super) async fn may_look(&self, session: &mut dyn Session) -> Result<bool, Error> {
        Ok(self.writers(session).await?.is_some())
    }
}

impl Verdict {
    /// Takes note of who is in a statement now, when all ids up to `pointer` are handed out.
    fn pass(&mut self, busy: &BTreeSet<i64>, pointer: i64) {
        let begun = || Grace { through: pointer, writers: busy.iter().copied().collect() };
        let mut grace = self.grace.take().unwrap_or_else(begun);
        grace.writers.retain(|writer| busy.contains(writer));
        if grace.writers.is_empty() {
            self.settled = self.settled.max(grace.through);
            grace = begun();
        }
        if busy.is_empty() {
            self.settled = self.settled.max(pointer);
        }
        self.grace = (grace.through > self.settled).then_some(grace);
    }
}

impl Cursor {
    /// Gives up what nobody can write any more. A verdict holds for every cursor of the outbox,
    /// also for one that has moved since.
    pub fn learn(&mut self, verdict: &Verdict) {
        for (first, last) in verdict.dead.ranges() {
            self.gaps.remove(first, last);
        }
        if self.gaps.is_empty() {
            (self.settled, self.grace) = (0, None);
        } else if verdict.settled >= self.settled {
            (self.settled, self.grace) = (verdict.settled, verdict.grace.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(looks: &[(&[i64], i64)]) -> Vec<i64> {
        let mut verdict = Verdict::default();
        let settled = looks.iter().map(|(busy, pointer)| {
            verdict.pass(&busy.iter().copied().collect(), *pointer);
            verdict.settled
        });
        settled.collect()
    }

    #[test]
    fn ids_are_settled_when_every_statement_of_their_time_has_ended() {
        // 7 goes on while others come and go: what is new to them does not hold it up.
        let looks: &[(&[i64], i64)] = &[(&[7, 8], 10), (&[7, 9], 20), (&[9], 30), (&[9], 40)];
        assert_eq!(passed(looks), [0, 0, 10, 10]);
        let looks: &[(&[i64], i64)] = &[(&[7], 10), (&[9], 30), (&[9], 40), (&[], 50)];
        assert_eq!(passed(looks), [0, 10, 10, 50]);
        assert_eq!(passed(&[(&[], 10)]), [10]);
    }

    #[test]
    fn what_comes_while_a_wait_goes_on_has_a_wait_of_its_own() {
        // When 10 is settled, 9 may hold an id up to 30.
        let looks: &[(&[i64], i64)] = &[(&[7], 10), (&[9], 30), (&[9, 7], 40), (&[7], 50)];
        assert_eq!(passed(looks), [0, 10, 10, 30]);
    }

    #[test]
    fn a_verdict_takes_out_what_is_dead_and_no_more() {
        let gaps: Gaps = [(1, 4), (6, 6), (9, 9)].into_iter().collect();
        let mut cursor = Cursor { pointer: 12, gaps, ..Cursor::default() };
        let grace = Some(Grace { through: 12, writers: vec![7] });
        let dead = [(1, 2), (6, 6)].into_iter().collect();
        cursor.learn(&Verdict { dead, settled: 8, grace: grace.clone() });
        assert_eq!(cursor.gaps.ranges().collect::<Vec<_>>(), [(3, 4), (9, 9)]);
        assert_eq!((cursor.settled, &cursor.grace), (8, &grace));
        let dead = [(1, 9)].into_iter().collect();
        cursor.learn(&Verdict { dead, settled: 12, grace: None });
        assert_eq!(cursor, Cursor { pointer: 12, ..Cursor::default() });
    }
}
