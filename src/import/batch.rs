//! One batch of an import program, from its pointer on.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::ahead::{Ahead, Decoded, read_ahead};
use super::circles::{self, Circles};
use super::conflict::{Conflict, History, conflicts_of};
use super::decide::{RowState, decide_and_tell, forget_own};
use super::decode::{Incoming, Refusal, RowId};
use super::earlier::Turns;
use super::execute::Executor;
use super::explain::{Journal, take_remark};
use super::fold::Folded;
use super::order::{RowEffect, steps};
use super::pieces::Pieces;
use super::quarantine::Entry;
use super::record::join_statements;
use super::sets::{units, whole_sets};
use super::statements::Statements;
use super::target::Targets;
use super::{Effect, Error, forgotten, versions};
use crate::db::{Mode, Session};
use crate::model::{Change, NodeId, Op, RouteId, Value};
use crate::outbox::{Claim, Cursor, PageSize, Verdict, execute, fetch, fetch_one, next_stamp};
use crate::render::Templates;

/// What a batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Inbox rows that were dealt with.
    pub read: u64,
    /// Of these, the ones now in quarantine.
    pub quarantined: u64,
    /// Changes that left the quarantine, since they could be imported after all.
    pub released: u64,
    /// Whether `active_flag` is `N`: nothing was done.
    pub is_stopped: bool,
}

/// Whether there may be more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A batch was done; look again.
    More(Outcome),
    /// The inbox holds nothing more of this route.
    Done,
    /// `active_flag` is `N`.
    Stopped,
}

/// Imports the inbox of one node.
#[derive(Clone)]
pub struct Importer {
    pub(super) statements: Statements,
    pub(super) executor: Executor,
    pub(super) targets: Arc<Targets>,
    pub(super) node: NodeId,
    /// How many changes a set may have.
    pub(super) set_rows: usize,
    /// Where it reports what it does, in a dry run.
    pub(super) journal: Option<Journal>,
    pub(super) floor: String,
    /// Where the last fold began: what it was still missing is looked at before the next one.
    pub(super) fold_cursor: Option<Cursor>,
    pub(super) verdict: Option<Verdict>,
    /// The newest stamp of a delete that this node remembers no longer.
    pub(super) forgotten_stamp: Option<String>,
    /// Routes whose changes that wait for a table, a column or a wider one were tried with these
    /// tables.
    pub(super) tried_routes: BTreeSet<RouteId>,
    /// Whether a change named a column that is not in these tables.
    pub(super) has_met_no_column: bool,
    /// Whether a value did not fit into a column of these tables, and waits.
    pub(super) awaits_room: bool,
    /// What was read of the inbox before its turn.
    pub(super) ahead: Option<Ahead>,
    /// What is known already of the changes that come next.
    pub(super) decoded: Decoded,
    /// The inbox id up to which each route was dealt with, as it was last seen.
    pub(super) reached: BTreeMap<RouteId, i64>,
    /// Routes with something in quarantine that is tried again with each import.
    pub(super) waiting: BTreeSet<RouteId>,
    /// Whether a commit was refused: what is deferred is looked for before the next ones.
    pub(super) doubts_commits: bool,
    pub(super) circles: Circles,
    pub(super) turns: Turns,
}

/// Rows that have something in quarantine, with the first inbox id of each.
pub(super) type Blocked = BTreeMap<(String, String), i64>;

impl Importer {
    /// An importer of `node`, whose tables are `targets`, with pages of a size.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn new(
        templates: impl Into<Arc<Templates>>,
        targets: Targets,
        node: NodeId,
        size: impl Into<PageSize>,
    ) -> Result<Self, Error> {
        let templates = templates.into();
        Ok(Self {
            statements: Statements::new(&templates, size.into())?,
            executor: Executor::new(templates),
            targets: Arc::new(targets),
            node,
            set_rows: usize::MAX,
            journal: None,
            floor: String::new(),
            fold_cursor: None,
            verdict: None,
            forgotten_stamp: None,
            tried_routes: BTreeSet::new(),
            has_met_no_column: false,
            awaits_room: false,
            ahead: None,
            decoded: Decoded::default(),
            reached: BTreeMap::new(),
            waiting: BTreeSet::new(),
            doubts_commits: false,
            circles: Circles::Opened,
            turns: Turns::default(),
        })
    }

    /// The same, stopping in front of a change set with more changes than a limit.
    #[must_use]
    pub fn with_set_limit(mut self, change_set_rows: usize) -> Self {
        self.set_rows = change_set_rows;
        self
    }

    /// Whether its tables may have got or lost columns since they were read: a change named one
    /// that it does not know, the plan has more than was there, or a value waits for a column
    /// into which it fits.
    #[must_use]
    pub fn doubts_its_tables(&self) -> bool {
        self.has_met_no_column || self.targets.awaits_columns() || self.awaits_room
    }

    /// Goes on with the tables as they are now; what waits for them is tried again when they are
    /// others.
    pub fn take_tables(&mut self, fresh: Self) {
        self.has_met_no_column = false;
        if !self.targets.has_columns_of(&fresh.targets) {
            *self = fresh;
        }
    }

    /// The same, knowing what another with these tables has tried before.
    #[must_use]
    pub fn after(mut self, other: Option<&Self>) -> Self {
        if let Some(other) = other.filter(|other| other.targets.has_columns_of(&self.targets)) {
            self.tried_routes.clone_from(&other.tried_routes);
        }
        self
    }

    /// Imports the next batch of a route: whole change sets, at least one.
    ///
    /// # Errors
    /// When the database refuses something that is no single change's fault; nothing of the
    /// batch is imported then.
    pub async fn import_batch(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
    ) -> Result<Progress, Error> {
        Box::pin(self.import_batch_and_read(session, None, route)).await
    }

    /// [`Self::import_batch`], while `reader`, another session with the same node, reads what the
    /// next batch begins with.
    ///
    /// # Errors
    /// As [`Self::import_batch`].
    pub async fn import_batch_and_read(
        &mut self,
        session: &mut dyn Session,
        reader: Option<&mut dyn Session>,
        route: RouteId,
    ) -> Result<Progress, Error> {
        let given = [("id", Value::Integer(route.import_program()))];
        let row = fetch_one(session, &self.statements.read_program, &given).await?;
        let row = row.ok_or(Error::NoProgram(route.import_program()))?;
        if row.text("node_id").as_ref() != Some(&self.node.0) {
            let found = Claim(row.text("node_id"));
            return Err(Error::WrongNode { expected: self.node.clone(), found });
        }
        if let Some(to) = row.text("toserver").filter(|to| *to != self.node.0) {
            return Err(Error::OtherRoute { program: route.import_program(), to });
        }
        if row.text("active_flag").is_none_or(|flag| !flag.trim().eq_ignore_ascii_case("Y")) {
            return Ok(Progress::Stopped);
        }
        let pointer = Cursor::of_program(&row)
            .map(|cursor| cursor.pointer)
            .map_err(|reason| Error::Misplaced { program: route.import_program(), reason })?;
        self.reached.insert(route, pointer);
        self.look_at_gaps(session).await?;
        self.forgotten_stamp = row.text("forgotten_stamp");
        let page = self.next_page(session, route, pointer).await?;
        if page.changes.is_empty() {
            self.settle_alone(session, route, pointer).await?;
            return Ok(Progress::Done);
        }
        if let Some(done) = self.import_earlier(session, route, &page.changes).await? {
            return Ok(done);
        }
        self.raise_floor(session, &page.changes).await?;
        let is_full = page.may_go_on;
        let read = self.look_ahead(session, (route, pointer), whole_sets(page)).await?;
        let mut batch = self.within_limit(session, route, &row, read).await?;
        let last = batch.changes.last().map(|change| change.id).filter(|_| is_full);
        let (inbox, targets) = (self.statements.inbox.clone(), self.targets.clone());
        let is_oversize = batch.is_oversize;
        // It is in memory no longer than it is needed.
        let pieces = if is_oversize {
            Pieces::taking(std::mem::take(&mut batch), pointer)
        } else {
            Pieces::new((&batch).into(), pointer)
        };
        let (done, ahead) = tokio::join!(
            self.import_whole(session, route, pointer, pieces),
            read_ahead(reader, (&inbox, &targets), route, last),
        );
        match done {
            Ok(done) => {
                let is_next = done.is_some_and(|(_, imported)| Some(imported) == last);
                self.ahead = ahead.filter(|_| is_next);
                Ok(Progress::More(done.map(|(outcome, _)| outcome).unwrap_or_default()))
            }
            Err(error) => {
                self.abandon(session).await?;
                if !error.is_about_a_row() {
                    return Err(error);
                }
                if is_oversize {
                    batch = whole_sets(inbox.page(session, route, pointer).await?);
                }
                self.import_apart(session, route, pointer, (&batch).into())
                    .await
                    .map(Progress::More)
            }
        }
    }

    /// Sees to it that what is changed here from now on is stamped after what will be imported.
    /// It is a statement of its own, so that no trigger ever waits for an import's transaction.
    pub(super) async fn raise_floor(
        &mut self,
        session: &mut dyn Session,
        page: &[Change],
    ) -> Result<(), Error> {
        if self.is_rehearsing() {
            // Nothing is changed by triggers meanwhile, and others would wait for the row.
            return Ok(());
        }
        let newest = page.iter().filter_map(|change| change.update_datetime.as_deref()).max();
        let Some(floor) = newest.and_then(next_stamp) else { return Ok(()) };
        if floor > self.floor {
            let given = [("stamp_floor", Value::Text(floor.clone()))];
            execute(session, &self.statements.raise_floor, &given).await?;
            self.floor = floor;
        }
        Ok(())
    }

    /// The quick way: everything in one transaction, set-based. `pieces` may begin with a change
    /// set that is larger than a page: then the rest of it is read here. What was done and the last
    /// inbox id; `None` when somebody else is at work.
    pub(super) async fn import_whole(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
        mut pieces: Pieces<'_>,
    ) -> Result<Option<(Outcome, i64)>, Error> {
        session.begin(Mode::Write).await?;
        if !self.lock(session, route, pointer).await? {
            session.rollback().await?;
            return Ok(None);
        }
        self.restart_report(pointer + 1);
        let mut blocked = self.blocked(session).await?;
        let mut outcome = Outcome::default();
        while let Some(piece) = self.next_piece(session, route, &mut pieces).await? {
            let done = self.apply(session, route, piece, &mut blocked).await?;
            outcome.read += done.read;
            outcome.quarantined += done.quarantined;
            self.keep_report();
        }
        self.check_deferred(session).await?;
        self.advance(session, route, pieces.last, outcome).await?;
        self.commit(session).await?;
        Ok(Some((outcome, pieces.last)))
    }

    /// Locks the program's row and enters the import; false when somebody else moved the
    /// pointer meanwhile.
    pub(super) async fn lock(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
    ) -> Result<bool, Error> {
        let given = [("id", Value::Integer(route.import_program()))];
        let row = fetch_one(session, &self.statements.lock_program, &given).await?;
        if row.and_then(|row| row.integer("fromoutboxpointer")) != Some(pointer) {
            return Ok(false);
        }
        self.enter(session).await?;
        Ok(true)
    }

    /// Tells the triggers of this transaction that an import is at work.
    pub(super) async fn enter(&self, session: &mut dyn Session) -> Result<(), Error> {
        let given = [("origin", Value::Text(self.node.0.clone()))];
        execute(session, &self.statements.enter_import, &given).await?;
        Ok(())
    }

    /// The node that it imports.
    #[must_use]
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Ends the transaction of an import that failed. Where the triggers would go on taking this
    /// session for an import, they are told otherwise.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn abandon(&self, session: &mut dyn Session) -> Result<(), Error> {
        session.rollback().await?;
        if !self.targets.brand.dialect().can.roll_back_import_marker {
            execute(session, &self.statements.leave_import, &[]).await?;
        }
        Ok(())
    }

    /// Moves the pointer, at the end of the transaction that imported up to it.
    pub(super) async fn advance(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let status = match outcome.quarantined {
            0 => format!("imported {}", outcome.read),
            n => format!("imported {}, quarantined {n}", outcome.read - n),
        };
        let given = [
            ("id", Value::Integer(route.import_program())),
            ("pointer", Value::Integer(pointer)),
            // By which it is seen that a person moved the pointer forward.
            ("cursor_state", Value::Text(Cursor { pointer, ..Cursor::default() }.state())),
            ("status", Value::Text(status)),
        ];
        execute(session, &self.statements.advance_cursor, &given).await?;
        execute(session, &self.statements.leave_import, &[]).await?;
        Ok(())
    }

    pub(super) async fn blocked(&self, session: &mut dyn Session) -> Result<Blocked, Error> {
        let rows = fetch(session, &self.statements.read_quarantined, &[]).await?;
        let entry = |row: &crate::model::Row| {
            let row_id = (row.text("object_table")?, row.text("object_id")?);
            Some((row_id, row.integer("inbox_id")?))
        };
        Ok(rows.iter().filter_map(entry).collect())
    }

    /// Imports changes inside the open transaction.
    pub(super) async fn apply(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        changes: Cow<'_, [Change]>,
        blocked: &mut Blocked,
    ) -> Result<Outcome, Error> {
        let read = changes.len() as u64;
        let mut incoming = Vec::with_capacity(changes.len());
        let mut held = Vec::new();
        let forgotten = self.forgotten(session, &changes).await?;
        for unit in units(&changes) {
            match self.admit(unit, blocked, &forgotten) {
                Ok(decoded) => incoming.extend(decoded),
                Err(refusals) => held.extend(self.held(unit, refusals, blocked)),
            }
        }
        // What was read for this alone goes before it is there in other forms.
        drop(changes);
        self.apply_decoded(session, route, incoming).await?;
        for entry in &held {
            self.quarantine(session, route, entry).await?;
        }
        Ok(Outcome { read, quarantined: held.len() as u64, ..Outcome::default() })
    }

    /// Changes that can be decided on, or the refusals of those that cannot, in their order: one
    /// that is kept back keeps the others of its unit back.
    fn admit(
        &mut self,
        unit: &[Change],
        blocked: &Blocked,
        forgotten: &BTreeSet<i64>,
    ) -> Result<Vec<Incoming>, Vec<Option<Refusal>>> {
        let (targets, ready) = (&self.targets, &mut self.decoded);
        let decode = |change: &Change| {
            let incoming = ready.take(targets, change)?;
            if forgotten.contains(&change.id) { Err(forgotten::refusal()) } else { Ok(incoming) }
        };
        let decoded: Vec<Result<Incoming, Refusal>> = unit.iter().map(decode).collect();
        let is_free = |incoming: &Incoming| {
            // Nearly always nothing is, and then no name has to be made.
            if blocked.is_empty() {
                return true;
            }
            let (table, key) = &incoming.row;
            let row = (self.targets.tables[*table].object_table.clone(), key.clone());
            !blocked.contains_key(&row)
        };
        if decoded.iter().all(|result| result.as_ref().is_ok_and(is_free)) {
            return Ok(decoded.into_iter().flatten().collect());
        }
        Err(decoded.into_iter().map(Result::err).collect())
    }

    /// The entries of a unit for the quarantine. A change without a refusal of its own waits for
    /// an earlier one of its row, or for the other change of its unit.
    pub(super) fn held(
        &self,
        unit: &[Change],
        refusals: Vec<Option<Refusal>>,
        blocked: &mut Blocked,
    ) -> Vec<Entry> {
        let rows: Vec<_> = unit.iter().map(|change| self.row_of(change)).collect();
        let first: Vec<_> = rows.iter().map(|row| blocked.get(row.as_ref()?).copied()).collect();
        for (change, row) in unit.iter().zip(&rows) {
            if let Some(row) = row {
                blocked.entry(row.clone()).or_insert(change.id);
            }
        }
        let other = |change: &Change| unit.iter().map(|one| one.id).find(|id| *id != change.id);
        let entries = unit.iter().zip(rows).zip(refusals).zip(first);
        // After a rewind it may come again while it is in quarantine: it stays there as it is.
        let is_new = |(((change, _), _), first): &(((&Change, _), _), Option<i64>)| {
            *first != Some(change.id)
        };
        entries
            .filter(is_new)
            .map(|(((change, row), refusal), first)| {
                let waits_for = if refusal.is_some() { first } else { first.or(other(change)) };
                let refusal = refusal.unwrap_or_else(|| {
                    Refusal::new("waits", "an earlier change of the row is in quarantine")
                });
                Entry::new(change, row, refusal, waits_for)
            })
            .collect()
    }

    async fn apply_decoded(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        mut incoming: Vec<Incoming>,
    ) -> Result<(), Error> {
        if incoming.is_empty() {
            return Ok(());
        }
        let repeated = join_statements(&mut incoming);
        let keys: BTreeMap<RowId, Vec<String>> =
            incoming.iter().map(|change| (change.row.clone(), change.key.clone())).collect();
        let rows: BTreeSet<RowId> = keys.keys().cloned().collect();
        let existing = self.lock_and_fold(session, &rows, keys).await?;
        let read = &self.statements.read_versions;
        let mut states = versions::load(session, read, &self.targets, &rows).await?;
        for (row, state) in &mut states {
            state.exists = existing.contains(row);
        }
        self.know_cells(session, &mut states, &incoming).await?;
        let history = self.read_history(session, &states, &incoming).await?;
        let blind = self.blind_deletes(&incoming);
        let (effects, conflicts) = self.decide_all(&mut states, (&history, &repeated), incoming);
        states.values_mut().for_each(RowState::forget_values);
        self.check_cascades(session, &effects, &blind).await?;
        let stamp_of = |row: &RowId, column: &str| {
            let cell = states.get(row)?.cells.get(column)?;
            next_stamp(&cell.version.stamp)
        };
        let carried = self.carried(session, &effects, &stamp_of).await?;
        let effects = match self.circles {
            Circles::Opened => circles::open(&self.targets, effects),
            Circles::Kept => effects,
        };
        for step in steps(&self.targets, effects) {
            self.executor.run(session, &self.targets, step).await?;
        }
        self.statements.versions.save(session, &self.targets, states).await?;
        for one in &carried {
            self.tell(session, &one.told).await?;
        }
        self.keep_conflicts(session, route, &conflicts).await
    }

    /// Locks the rows of a batch and folds: those that exist. After the rows are locked, every
    /// change this node made to them has committed, and only now it is known what is newer.
    ///
    /// A row that was inserted here, and committed while the lock waited for another row, was not
    /// there to be locked, but is known now: it is locked too, and what was done to it until then
    /// is folded.
    async fn lock_and_fold(
        &mut self,
        session: &mut dyn Session,
        rows: &BTreeSet<RowId>,
        mut keys: BTreeMap<RowId, Vec<String>>,
    ) -> Result<BTreeSet<RowId>, Error> {
        let mut existing = self.executor.lock(session, &self.targets, &keys).await?;
        let mut folded = Folded::default();
        loop {
            folded.changed.clear();
            self.fold(session, rows, &mut folded).await?;
            keys.retain(|row, _| !existing.contains(row) && folded.changed.contains(row));
            if keys.is_empty() {
                break;
            }
            let found = self.executor.lock(session, &self.targets, &keys).await?;
            if found.is_empty() {
                break;
            }
            existing.extend(found);
        }
        for gone in Box::pin(self.settle(session, rows, folded)).await? {
            existing.remove(&gone);
        }
        Ok(existing)
    }

    /// Rows whose deletes come from brands that do not tell which rows went with them.
    fn blind_deletes(&self, incoming: &[Incoming]) -> BTreeSet<RowId> {
        let is_blind = |change: &&Incoming| {
            let origin = self.targets.origins.get(&change.version.origin);
            change.op == Op::Delete
                && origin.is_some_and(|brand| !brand.dialect().can.fire_triggers_on_cascade)
        };
        incoming.iter().filter(is_blind).map(|change| change.row.clone()).collect()
    }

    fn decide_all(
        &mut self,
        states: &mut versions::RowStates,
        (history, repeated): (&History, &BTreeSet<i64>),
        incoming: Vec<Incoming>,
    ) -> (Vec<RowEffect>, Vec<Conflict>) {
        let mut effects: Vec<RowEffect> = Vec::with_capacity(incoming.len());
        let mut conflicts = Vec::new();
        // Deletes of this batch that an insert with a new key may turn into one change of the key.
        let mut deletes: BTreeMap<(RowId, Option<i64>), usize> = BTreeMap::new();
        for mut change in incoming {
            let Some(state) = states.get_mut(&change.row) else { continue };
            if change.version.origin == self.node.0 {
                forget_own(state, &mut change);
            }
            let before = conflicts.len();
            if !repeated.contains(&change.inbox_id) {
                conflicts.extend(conflicts_of(state, &change, history));
            }
            let mut reasons = Vec::new();
            let is_told = self.is_rehearsing();
            let effect = decide_and_tell(state, &change, &mut |remark| {
                if is_told {
                    take_remark(&mut reasons, remark);
                }
            });
            self.report_decision(&change, &effect, reasons, &conflicts[before..]);
            if effect == Effect::Delete && change.op == Op::Delete {
                deletes.insert((change.row.clone(), change.transaction_id), effects.len());
            }
            let mut old_key = None;
            if let (Effect::Insert(_), Some(old_row)) = (&effect, &change.old_row)
                && let Some(at) = deletes.remove(&(old_row.clone(), change.transaction_id))
            {
                effects[at].effect = Effect::Nothing;
                old_key = Some((old_row.clone(), effects[at].key.clone()));
            }
            effects.push(RowEffect { row: change.row, key: change.key, effect, old_key });
        }
        (effects, conflicts)
    }
}
