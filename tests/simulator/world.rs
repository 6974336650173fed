//! All nodes, the true time, and what an observer who sees everything has noted.

use std::collections::{BTreeMap, BTreeSet};

use outrigger::db::{Fault, FaultKind};
use outrigger::dialect::Brand;
use outrigger::model::Change;
use outrigger::outbox::localise;
use outrigger::plan::RoutePlan;

use crate::database::{Cells, Database, Holder, KEY, LAST_UPDATE, RowKey, TABLES, name};
use crate::history::{Act, Application, Place, Run, Setup, Switch};

/// A committed change, as its origin made it.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) origin: String,
    pub(crate) change: Change,
}

/// What happened, in numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) operations: u64,
    pub(crate) statements: u64,
    pub(crate) transactions: u64,
    pub(crate) rollbacks: u64,
    pub(crate) crashes: u64,
    pub(crate) waits: u64,
    pub(crate) late_commits: u64,
    pub(crate) duplicates: u64,
    /// Rows that several nodes have changed.
    pub(crate) conflicts: u64,
    pub(crate) purged: u64,
    pub(crate) purged_inbox: u64,
    /// Changes that came again after they were purged.
    pub(crate) delivered_again: u64,
    /// Deleted rows that were forgotten.
    pub(crate) forgotten: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, more: &Self) {
        self.operations += more.operations;
        self.statements += more.statements;
        self.transactions += more.transactions;
        self.rollbacks += more.rollbacks;
        self.crashes += more.crashes;
        self.waits += more.waits;
        self.late_commits += more.late_commits;
        self.duplicates += more.duplicates;
        self.conflicts += more.conflicts;
        self.purged += more.purged;
        self.purged_inbox += more.purged_inbox;
        self.delivered_again += more.delivered_again;
        self.forgotten += more.forgotten;
    }
}

pub(crate) struct World {
    pub(crate) nodes: Vec<Database>,
    pub(crate) routes: Vec<RoutePlan>,
    pub(crate) now: i64,
    pub(crate) log: Vec<Logged>,
    pub(crate) counts: Counts,
    pub(crate) trace: Option<Vec<String>>,
    pub(crate) broken: Vec<String>,
    /// By node: what its imports have brought in.
    pub(crate) imported: Vec<BTreeSet<(String, i64)>>,
    /// The changes of each committed transaction of the application.
    transactions: Vec<Vec<(String, i64)>>,
    transaction_of: BTreeMap<(String, i64), usize>,
    run: Option<(Run, usize)>,
    is_down: bool,
}

impl World {
    pub(crate) fn new(setup: &Setup, routes: Vec<RoutePlan>, switch: Option<Switch>) -> Self {
        let node = |(at, brand): (usize, &Brand)| {
            let mut node = Database::new(*brand, node_name(at), switch);
            node.skew = setup.skews[at];
            node.is_joined = setup.late != Some(at);
            for route in routes.iter().filter(|route| route.to.as_str() == node.id) {
                for program in [route.id.transport_program(), route.id.import_program()] {
                    node.programs.insert(program, crate::database::Program::default());
                }
            }
            node
        };
        let nodes: Vec<Database> = setup.brands.iter().enumerate().map(node).collect();
        Self {
            imported: vec![BTreeSet::new(); nodes.len()],
            nodes,
            routes,
            now: 1_700_000_000_000_007,
            log: Vec::new(),
            counts: Counts::default(),
            trace: None,
            broken: Vec::new(),
            transactions: Vec::new(),
            transaction_of: BTreeMap::new(),
            run: None,
            is_down: false,
        }
    }

    pub(crate) fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(text());
        }
    }

    /// The runner starts a program.
    pub(crate) fn start(&mut self, run: Run) {
        self.run = Some((run, 0));
        self.is_down = false;
    }

    /// The program has ended, or its process is gone: then its transactions are rolled back.
    pub(crate) fn stop(&mut self) {
        self.run = None;
        self.is_down = false;
        for node in &mut self.nodes {
            if node.runner.is_some() {
                node.end_runner(false);
            }
        }
    }

    /// Before each statement of the runner: what the application does meanwhile, and whether
    /// the runner still lives. True if it dies once the statement is done.
    pub(crate) fn step(&mut self) -> Result<bool, Fault> {
        self.counts.statements += 1;
        let Some((run, at)) = &mut self.run else { return Ok(false) };
        *at += 1;
        let at = *at;
        let crash = run.crash;
        let due: Vec<Application> =
            run.during.iter().filter(|(when, _)| *when == at).map(|(_, op)| *op).collect();
        for application in due {
            self.now += 31;
            self.application(application);
        }
        match crash {
            _ if self.is_down => Err(gone()),
            Some((when, is_after)) if when == at => {
                self.counts.crashes += 1;
                self.is_down = true;
                self.note(|| format!("    crash at statement {at}"));
                if is_after { Ok(true) } else { Err(gone()) }
            }
            _ => Ok(false),
        }
    }

    /// The runner needs what a transaction of the application holds.
    pub(crate) fn wait(&mut self, node: usize, slot: u8) -> Result<(), Fault> {
        let is_patient = self.run.as_ref().is_none_or(|(run, _)| run.is_patient);
        if !is_patient {
            return Err(fault(FaultKind::Transient, "the wait for a lock was too long"));
        }
        self.counts.waits += 1;
        let commits = self.nodes[node].open.get(&slot).is_some_and(|open| open.will_commit);
        self.finish(node, slot, commits);
        Ok(())
    }

    pub(crate) fn application(&mut self, application: Application) {
        let Application { node, slot, act } = application;
        let database = &self.nodes[node];
        let before = match act {
            _ if !database.is_joined => return,
            Act::End { commits } => return self.finish(node, slot, commits),
            Act::Insert(place)
            | Act::Update(place, _)
            | Act::Delete(place)
            | Act::Rekey(place, _) => place,
        };
        let row = row_key(before.table, before.key);
        let new_row = match act {
            Act::Rekey(_, to) => row_key(before.table, to),
            _ => row.clone(),
        };
        let holder = Holder::Application(slot);
        let is_free = [&row, &new_row].into_iter().all(|row| database.is_free(row, holder));
        if !is_free || !database.takes_writer(slot) {
            return;
        }
        let old = database.rows.get(&row).cloned();
        let new = match (act, &old) {
            (Act::Delete(_) | Act::Rekey(..), None) => return,
            (Act::Delete(_), _) => None,
            (Act::Rekey(..), Some(cells)) => {
                if new_row == row || database.rows.contains_key(&new_row) {
                    return;
                }
                Some(self.values(node, before, before.value % 8, cells.clone()))
            }
            (Act::Update(_, mask), Some(cells)) => {
                Some(self.values(node, before, mask, cells.clone()))
            }
            (_, Some(cells)) => Some(self.values(node, before, 7, cells.clone())),
            (_, None) => {
                let columns = TABLES[before.table].1.iter();
                let empty = columns.map(|column| ((*column).to_owned(), None)).collect();
                Some(self.values(node, before, 7, empty))
            }
        };
        let ids = self.write(node, slot, before.will_commit, (&row, old), (&new_row, new));
        // Some statements take their time.
        if before.value % 3 == 0 {
            self.nodes[node].hold_back(slot, &ids);
        }
        if slot == 0 {
            self.finish(node, slot, true);
        }
    }

    fn write(
        &mut self,
        node: usize,
        slot: u8,
        will_commit: bool,
        (row, old): (&RowKey, Option<Cells>),
        (new_row, new): (&RowKey, Option<Cells>),
    ) -> Vec<i64> {
        let now = self.now;
        let database = &mut self.nodes[node];
        database.begin(slot, will_commit);
        let transaction = database.open[&slot].id;
        let (before, after) = (old.as_ref().map(|c| (row, c)), new.as_ref().map(|c| (new_row, c)));
        let ids = database.capture(transaction, now, before, after);
        let mut undo = Vec::new();
        if row != new_row {
            undo.push((row.clone(), database.put(row, None)));
        }
        undo.push((new_row.clone(), database.put(new_row, new.clone())));
        for row in [row, new_row] {
            database.locks.insert(row.clone(), Holder::Application(slot));
        }
        let open = database.open.get_mut(&slot).unwrap();
        open.ids.extend(&ids);
        open.undo.extend(undo);
        let id = database.id.clone();
        self.note(|| {
            format!("  {id} transaction {transaction}: {row:?} -> {new_row:?} {new:?}, ids {ids:?}")
        });
        ids
    }

    /// New values of the columns whose bits are set.
    fn values(&self, node: usize, place: Place, mask: usize, mut cells: Cells) -> Cells {
        for (bit, column) in TABLES[place.table].1.iter().enumerate() {
            if mask >> bit & 1 == 0 {
                continue;
            }
            let value = match place.value % 7 {
                _ if *column == LAST_UPDATE => {
                    let ago = [0, 50, 1_000_000, 100_000_000][place.value % 4];
                    let micros = (self.now + self.nodes[node].skew - ago) / 10 * 10 + 7;
                    let time = chrono::DateTime::from_timestamp_micros(micros).unwrap();
                    Some(time.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
                }
                0 => None,
                1 => Some("same".to_owned()),
                _ => Some(format!("{column}{}{}", node_name(node), place.value)),
            };
            cells.insert((*column).to_owned(), value);
        }
        cells
    }

    pub(crate) fn finish(&mut self, node: usize, slot: u8, commits: bool) {
        let database = &mut self.nodes[node];
        let Some(id) = database.open.get(&slot).map(|open| open.id) else { return };
        let changes = database.end(slot, commits);
        let last = database.last_id;
        let origin = database.id.clone();
        let node_id = origin.as_str().into();
        self.note(|| {
            format!("  {origin} transaction {id}: {}", if commits { "commit" } else { "rollback" })
        });
        self.counts.transactions += u64::from(commits);
        self.counts.rollbacks += u64::from(!commits);
        if changes.iter().map(|change| change.id).max().is_some_and(|highest| highest < last) {
            self.counts.late_commits += 1;
        }
        let ids: Vec<_> = changes.iter().map(|change| (origin.clone(), change.id)).collect();
        self.transaction_of.extend(ids.iter().cloned().map(|id| (id, self.transactions.len())));
        self.transactions.push(ids);
        for change in changes {
            let change = localise(change, &node_id).expect("it is the node's own");
            self.log.push(Logged { origin: origin.clone(), change });
        }
    }

    /// An import of a route has moved its pointer and committed.
    pub(crate) fn imported(&mut self, node: usize, route: i64, from: i64, to: i64) {
        let inbox = &self.nodes[node].inbox;
        let batch: Vec<(String, i64)> = inbox
            .range(from + 1..=to)
            .filter(|(_, (known, _))| *known == route)
            .map(|(_, (_, change))| name(change))
            .collect();
        let done = &mut self.imported[node];
        let new: BTreeSet<&(String, i64)> = batch.iter().filter(|id| !done.contains(id)).collect();
        for id in &new {
            let Some(transaction) = self.transaction_of.get(id) else { continue };
            for other in &self.transactions[*transaction] {
                if !new.contains(other) {
                    let node = &self.nodes[node].id;
                    let text =
                        format!("{node} imported {id:?} without {other:?} of its transaction");
                    self.broken.push(text);
                }
            }
        }
        done.extend(batch.iter().cloned());
    }
}

/// The names of nodes: of one digit, so that the order of names is that of numbers.
pub(crate) fn node_name(at: usize) -> String {
    format!("n{at}")
}

fn row_key(table: usize, key: usize) -> RowKey {
    (TABLES[table].0.to_owned(), format!("{KEY}{key}"))
}

pub(crate) fn gone() -> Fault {
    fault(FaultKind::Gone, "the connection is gone")
}

pub(crate) fn fault(kind: FaultKind, message: &str) -> Fault {
    Fault { kind, code: String::new(), message: message.to_owned() }
}
