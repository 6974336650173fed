//! What runner and application share while a history runs: who is there, what is open, what was
//! counted, and when the runner dies.

use std::collections::BTreeMap;

use outrigger::db::{Fault, Session};
use outrigger::dialect::Brand;

use crate::database::RowKey;
use crate::flaky::gone;
use crate::history::{Application, Run};
use crate::world::Counts;

/// An open transaction of the application.
pub(crate) struct Open {
    /// What becomes of it when somebody waits for it.
    pub(crate) will_commit: bool,
    /// The rows that it has written.
    pub(crate) rows: Vec<RowKey>,
    /// The place of its first and of its last write among all writes of the node.
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// One node as its application sees it.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) brand: Brand,
    /// The application's sessions by slot; slot 0 commits at once.
    pub(crate) slots: Vec<Box<dyn Session>>,
    pub(crate) open: BTreeMap<u8, Open>,
    pub(crate) is_joined: bool,
    pub(crate) is_away: bool,
    /// How far its clock is ahead, in microseconds.
    pub(crate) skew: i64,
    /// Writes so far, and the last one that has committed.
    pub(crate) writes: u64,
    pub(crate) committed: u64,
    /// Grows with everything that commits.
    pub(crate) moment: u64,
}

#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) places: Vec<Place>,
    pub(crate) counts: Counts,
    pub(crate) trace: Vec<String>,
    pub(crate) broken: Vec<String>,
    run: Option<(Run, usize)>,
    is_down: bool,
}

impl Stage {
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.trace.push(text.into());
    }

    /// The runner starts a program.
    pub(crate) fn start(&mut self, run: Run) {
        self.run = Some((run, 0));
        self.is_down = false;
    }

    /// The program has ended, or its process is gone.
    pub(crate) fn stop(&mut self) {
        self.run = None;
        self.is_down = false;
    }

    /// Before each call of the runner: what the application does meanwhile, and whether the
    /// runner still lives. True if it dies once the call is done.
    pub(crate) async fn step(&mut self) -> Result<bool, Fault> {
        self.counts.statements += 1;
        if self.is_down {
            return Err(gone());
        }
        let Some((run, at)) = &mut self.run else { return Ok(false) };
        *at += 1;
        let (at, crash) = (*at, run.crash);
        let due: Vec<Application> =
            run.during.iter().filter(|(when, _)| *when == at).map(|(_, act)| *act).collect();
        for application in due {
            self.application(application).await;
        }
        match crash {
            Some((when, is_after)) if when == at => {
                self.counts.crashes += 1;
                self.is_down = true;
                self.note(format!("    crash at call {at}, after it: {is_after}"));
                if is_after { Ok(true) } else { Err(gone()) }
            }
            _ => Ok(false),
        }
    }

    /// The runner waits for a lock: what is open at the node ends, if the runner is patient.
    pub(crate) async fn give_way(&mut self, node: usize) {
        let is_patient = self.run.as_ref().is_none_or(|(run, _)| run.is_patient);
        if is_patient {
            self.counts.waits += u64::from(!self.places[node].open.is_empty());
            self.finish_all(node).await;
        }
    }

    /// Ends every open transaction of a node as it was meant to end.
    pub(crate) async fn finish_all(&mut self, node: usize) {
        let open = &self.places[node].open;
        let open: Vec<(u8, bool)> =
            open.iter().map(|(slot, open)| (*slot, open.will_commit)).collect();
        for (slot, commits) in open {
            self.finish(node, slot, commits).await;
        }
    }
}
