//! All nodes, the true time, and what an observer who sees everything has noted.

use std::collections::{BTreeMap, BTreeSet};

use outrigger::db::{Fault, FaultKind};
use outrigger::dialect::Brand;
use outrigger::model::Change;
use outrigger::outbox::localise;
use outrigger::plan::RoutePlan;

use crate::constraint::references_of;
use crate::database::{Cells, Database, Holder, KEY, LAST_UPDATE, RowKey, TABLES};
use crate::history::{Act, Application, Place, Run, Setup, Switch};
use crate::restore::{Backup, Stamps};

/// A committed change, as its origin made it.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) origin: String,
    pub(crate) change: Change,
}

/// A change, by its origin and how many its origin had made: a rejoin may change its id.
pub(crate) type Name = String;

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
    pub(crate) told_anew: u64,
    /// Changes that came again after they were purged.
    pub(crate) delivered_again: u64,
    /// Deleted rows that were forgotten.
    pub(crate) forgotten: u64,
    pub(crate) restores: u64,
    /// Changes that were in no database any more after a restore.
    pub(crate) lost: u64,
    pub(crate) rejoins: u64,
    /// Changes that importers made to settle collisions.
    pub(crate) settled: u64,
    /// Circles that applications made.
    pub(crate) circles: u64,
    /// Commits that were refused, of applications and of importers.
    pub(crate) refused_commits: u64,
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
        self.told_anew += more.told_anew;
        self.delivered_again += more.delivered_again;
        self.forgotten += more.forgotten;
        self.restores += more.restores;
        self.lost += more.lost;
        self.rejoins += more.rejoins;
        self.settled += more.settled;
        self.circles += more.circles;
        self.refused_commits += more.refused_commits;
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
    pub(crate) imported: Vec<BTreeSet<Name>>,
    /// By node: its last backup.
    pub(crate) backups: Vec<Option<Backup>>,
    /// By node: what each restore since its last rejoin has taken away, with the stamps.
    pub(crate) lost: Vec<Vec<Stamps>>,
    /// Changes of one node of which nothing tells that the second is the later one.
    pub(crate) untold: BTreeSet<(Name, Name)>,
    /// What importers told the others to settle collisions, by node.
    pub(crate) told: Vec<(usize, Change)>,
    /// The changes of each committed transaction of the application, with their ids then.
    transactions: Vec<Vec<(Name, i64)>>,
    transaction_of: BTreeMap<Name, usize>,
    run: Option<(Run, usize)>,
    is_down: bool,
}

impl World {
    pub(crate) fn new(setup: &Setup, routes: Vec<RoutePlan>, switch: Option<Switch>) -> Self {
        let node = |(at, brand): (usize, &Brand)| {
            let mut node = Database::new(*brand, node_name(at), switch);
            node.skew = setup.skews[at];
            node.defers = setup.defers[at];
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
            backups: vec![None; nodes.len()],
            lost: vec![Vec::new(); nodes.len()],
            untold: BTreeSet::new(),
            nodes,
            routes,
            now: 1_700_000_000_000_007,
            log: Vec::new(),
            counts: Counts::default(),
            trace: None,
            broken: Vec::new(),
            told: Vec::new(),
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
        let Application { node, slot, mut act } = application;
        let database = &self.nodes[node];
        match act {
            _ if !database.is_joined => return,
            Act::End { commits } => return self.finish(node, slot, commits),
            _ => {}
        }
        let Some(before) = act.place().copied() else { return };
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
            (Act::Delete(_) | Act::Disband(_) | Act::Rekey(..), None) => return,
            (Act::Swap(_, with), _) => return self.swap(node, slot, before, with),
            (Act::Join(_, with), _) => return self.join(node, slot, before, with),
            (Act::Disband(_), _) => return self.disband(node, slot, before),
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
        let ids = self.write_all(node, slot, before.will_commit, (&row, old), (&new_row, new));
        // Some statements take their time; one that is refused keeps no earlier one from ending.
        if let Some(ids) = ids.filter(|_| before.value % 3 == 0) {
            self.nodes[node].hold_back(slot, &ids);
        }
        if slot == 0 {
            self.finish(node, slot, true);
        }
    }

    /// Writes a row with what a cascade takes along; the ids of the row's own changes, or nothing
    /// if the database refuses, or would have to wait.
    pub(crate) fn write_all(
        &mut self,
        node: usize,
        slot: u8,
        will_commit: bool,
        (row, old): (&RowKey, Option<Cells>),
        (new_row, new): (&RowKey, Option<Cells>),
    ) -> Option<Vec<i64>> {
        let holder = Holder::Application(slot);
        let database = &self.nodes[node];
        let taken = if new.is_none() { database.cascade(row) } else { Vec::new() };
        let after = (new_row, new.as_ref());
        let is_refused = database.obstacle(row, old.as_ref(), after, holder, &taken).is_some();
        if is_refused || !taken.iter().all(|row| database.is_free(row, holder)) {
            return None;
        }
        for child in &taken {
            let cells = self.nodes[node].rows.get(child).cloned();
            self.write(node, slot, will_commit, (child, cells), (child, None));
        }
        let parents = self.nodes[node].parents(new_row, new.as_ref());
        let ids = self.write(node, slot, will_commit, (row, old), (new_row, new));
        for parent in parents {
            // One that is referred to as before may be another's.
            self.nodes[node].locks.entry(parent).or_insert(holder);
        }
        Some(ids)
    }

    /// Two rows change their unique values in one transaction, by way of none.
    fn swap(&mut self, node: usize, slot: u8, place: Place, with: usize) {
        const COLUMN: &str = "alias";
        let rows = [row_key(place.table, place.key), row_key(place.table, with)];
        let holder = Holder::Application(slot);
        let database = &self.nodes[node];
        if rows[0] == rows[1] || !rows.iter().all(|row| database.is_free(row, holder)) {
            return;
        }
        let alias = |row: &RowKey| database.rows.get(row).map(|cells| cells[COLUMN].clone());
        let (Some(one), Some(two)) = (alias(&rows[0]), alias(&rows[1])) else { return };
        for (row, value) in [(&rows[0], None), (&rows[1], one), (&rows[0], two)] {
            let old = self.nodes[node].rows.get(row).cloned();
            let mut new = old.clone().unwrap_or_default();
            new.insert(COLUMN.to_owned(), value);
            if old.as_ref() != Some(&new)
                && self
                    .write_all(node, slot, place.will_commit, (row, old), (row, Some(new)))
                    .is_none()
            {
                break;
            }
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
    pub(crate) fn values(&self, node: usize, place: Place, mask: usize, mut cells: Cells) -> Cells {
        for (bit, column) in TABLES[place.table].1.iter().enumerate() {
            if mask >> bit & 1 == 0 {
                continue;
            }
            let refers = references_of(TABLES[place.table].0).find(|r| r.column == *column);
            let value = match place.value % 7 {
                few if refers.is_some_and(|reference| reference.is_circular) => {
                    let is_set = few > 2 || refers.is_some_and(|reference| !reference.is_nullable);
                    is_set.then(|| format!("{KEY}{}", (few + bit) % 3))
                }
                // Few values, so that they collide.
                _ if *column == "code" => Some(format!("code{}", place.value % 4)),
                few if *column == "alias" => (few > 1).then(|| format!("alias{}", few % 3)),
                few if *column == "parent_id" => (few > 0).then(|| format!("{KEY}{}", few % 3)),
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
        // Who would have to wait for another's reference gives up.
        let is_refused = commits && database.open_reference(Holder::Application(slot)).is_some();
        let commits = commits && !is_refused;
        self.counts.refused_commits += u64::from(is_refused);
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
        let place = self.transactions.len();
        self.transaction_of.extend(changes.iter().map(|change| (tag(change), place)));
        self.transactions.push(changes.iter().map(|change| (tag(change), change.id)).collect());
        for change in changes {
            let change = localise(change, &node_id).expect("it is the node's own");
            self.log.push(Logged { origin: origin.clone(), change });
        }
    }

    /// The importer has told the others how it settled a collision, or has told anew.
    pub(crate) fn log_told(&mut self, node: usize, told: Vec<(Change, bool)>) {
        let origin = self.nodes[node].id.clone();
        for (change, settles) in told {
            if settles {
                self.counts.settled += 1;
                self.told.push((node, change.clone()));
            } else {
                self.counts.told_anew += 1;
            }
            let change = localise(change, &origin.as_str().into()).expect("it is the node's own");
            self.log.push(Logged { origin: origin.clone(), change });
        }
    }

    /// An import of a route has moved its pointer and committed.
    pub(crate) fn imported(&mut self, node: usize, route: i64, from: i64, to: i64) {
        let inbox = &self.nodes[node].inbox;
        let batch: Vec<Name> = inbox
            .range(from + 1..=to)
            .filter(|(_, (known, _))| *known == route)
            .map(|(_, (_, change))| tag(change))
            .collect();
        let done = &self.imported[node];
        // After a rejoin a node imports also what it has in its own outbox, to decide on it again.
        let own: BTreeSet<Name> =
            self.nodes[node].outbox.values().map(|row| tag(&row.change)).collect();
        let is_new = |id: &&Name| !done.contains(*id) && !own.contains(*id);
        let new: BTreeSet<&Name> = batch.iter().filter(is_new).collect();
        for id in &new {
            let Some(transaction) = self.transaction_of.get(*id) else { continue };
            for (other, first_id) in &self.transactions[*transaction] {
                if !batch.contains(other) && !self.is_taken(node, other, *first_id) {
                    let node = &self.nodes[node].id;
                    let text =
                        format!("{node} imported {id:?} without {other:?} of its transaction");
                    self.broken.push(text);
                }
            }
        }
        self.imported[node].extend(batch);
    }
}

pub(crate) fn tag(change: &Change) -> Name {
    change.note1.clone().unwrap_or_default()
}

/// The names of nodes: of one digit, so that the order of names is that of numbers.
pub(crate) fn node_name(at: usize) -> String {
    format!("n{at}")
}

pub(crate) fn row_key(table: usize, key: usize) -> RowKey {
    (TABLES[table].0.to_owned(), format!("{KEY}{key}"))
}

pub(crate) fn gone() -> Fault {
    fault(FaultKind::Gone, "the connection is gone")
}

pub(crate) fn fault(kind: FaultKind, message: &str) -> Fault {
    Fault { kind, code: String::new(), message: message.to_owned() }
}
