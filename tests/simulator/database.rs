//! The model of one node's database: rows under locks, an outbox that triggers fill, the control
//! tables. Ids are handed out when a row is written and become visible when it commits.

use std::collections::{BTreeMap, BTreeSet};

use outrigger::dialect::Brand;
use outrigger::model::{Change, Op, Row};
use serde_json::Value as Json;

use crate::history::Switch;
use crate::statement::row;

/// Table and key.
pub(crate) type RowKey = (String, String);
/// The columns outside the key.
pub(crate) type Cells = BTreeMap<String, Option<String>>;

/// Who holds a row's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    /// An open transaction of the application.
    Application(u8),
    /// The runner's open transaction.
    Runner,
}

/// A row of the outbox.
#[derive(Debug, Clone)]
pub(crate) struct Captured {
    pub(crate) change: Change,
    pub(crate) transaction: i64,
    /// SQL Server's row version.
    pub(crate) version: i64,
    /// When it became visible.
    pub(crate) committed: Option<u64>,
}

/// An open transaction of the application.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) id: i64,
    /// The floor of stamps that its triggers see, where it is not the present one.
    pub(crate) floor: Option<String>,
    /// What becomes of it when somebody waits for it.
    pub(crate) will_commit: bool,
    pub(crate) undo: Vec<(RowKey, Option<Cells>)>,
    pub(crate) ids: Vec<i64>,
    /// What its last statement, which still goes on, has an id for and has not written.
    pub(crate) unwritten: Vec<Captured>,
}

/// What a node says of its epoch, and what each of its routes has carried.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life {
    pub(crate) epoch: i64,
    pub(crate) first_id: i64,
    pub(crate) settled_id: i64,
    pub(crate) stale_route: Option<i64>,
    /// By route: its epoch, its windows with changes, the highest id that it has carried.
    pub(crate) exchanges: BTreeMap<i64, (i64, i64, i64)>,
}

/// A row of `ds_program_parameter`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Program {
    pub(crate) pointer: i64,
    pub(crate) state: Option<String>,
}

/// A row of `ds_quarantine`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    pub(crate) route: i64,
    pub(crate) row: Option<RowKey>,
    pub(crate) code: String,
    pub(crate) reason: String,
    pub(crate) attempts: i64,
    pub(crate) waits_for: Option<i64>,
}

/// What the runner's transaction has to take back.
#[derive(Debug, Clone)]
pub(crate) enum Undo {
    Row(RowKey, Option<Cells>),
    Inbox(i64),
    Version([String; 3], Option<Json>),
    Program(i64, Program),
    Held(i64, Option<Held>),
    Fold(Option<String>),
    Outbox(i64),
    /// What the runner tells the others in the outbox; whether it settles a collision.
    Told(i64, bool),
    /// A conflict was listed.
    Conflict,
    Life(Life),
    /// What the outbox was.
    Ids(BTreeMap<i64, Captured>),
}

/// One node's database.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all may meet")]
pub(crate) struct Database {
    pub(crate) brand: Brand,
    /// Whether references of circles are looked at only at the commit.
    pub(crate) defers: bool,
    pub(crate) id: String,
    pub(crate) is_joined: bool,
    pub(crate) is_away: bool,
    /// Its clock less the true time, in microseconds.
    pub(crate) skew: i64,
    pub(crate) rows: BTreeMap<RowKey, Cells>,
    pub(crate) locks: BTreeMap<RowKey, Holder>,
    pub(crate) outbox: BTreeMap<i64, Captured>,
    pub(crate) inbox: BTreeMap<i64, (i64, Change)>,
    pub(crate) known: BTreeSet<(String, i64)>,
    /// Changes that were once in the inbox, and are deleted.
    pub(crate) purged: BTreeSet<(String, i64)>,
    /// Up to where the outbox was purged.
    pub(crate) purged_outbox: i64,
    pub(crate) programs: BTreeMap<i64, Program>,
    pub(crate) versions: BTreeMap<[String; 3], Json>,
    pub(crate) quarantine: BTreeMap<i64, Held>,
    /// Rows of `ds_conflict`.
    pub(crate) conflicts: Vec<Json>,
    pub(crate) life: Life,
    /// Whether the runner keeps the application from writing to the outbox.
    pub(crate) is_outbox_locked: bool,
    pub(crate) floor: String,
    pub(crate) fold: Option<String>,
    pub(crate) open: BTreeMap<u8, Open>,
    pub(crate) runner: Option<Vec<Undo>>,
    /// The number of the runner's transaction, once it has written something captured.
    pub(crate) runner_id: Option<i64>,
    pub(crate) last_id: i64,
    /// SQL Server's last row version.
    pub(crate) last_version: i64,
    /// How many changes it has ever made: no backup sets that back, so that it names them.
    pub(crate) made: u64,
    pub(crate) last_inbox: i64,
    pub(crate) last_transaction: i64,
    /// The time of the last commit, in commits.
    pub(crate) moment: u64,
    pub(crate) switch: Option<Switch>,
}

/// Where stamps begin.
pub(crate) const EPOCH: &str = "1970-01-01 00:00:00.000000";

/// The key column, and the tables with their other columns: the first ones are tied to nothing.
pub(crate) const KEY: &str = "id";
/// The column with the time of the last change, in the table that has one.
pub(crate) const LAST_UPDATE: &str = "changed_at";
pub(crate) const TABLES: [(&str, &[&str]); 13] = [
    ("item", &["a", "b", "c"]),
    ("dated", &["a", "b", LAST_UPDATE]),
    ("coded", &["a", "alias", "code"]),
    ("parent", &["a"]),
    ("child", &["a", "parent_id"]),
    ("leaf", &["a", "parent_id"]),
    ("record", &["a", "b", LAST_UPDATE]),
    ("coded_record", &["a", "b", "alias"]),
    ("knot", &["a", "left_id", "right_id"]),
    ("boss", &["a", "pet_id"]),
    ("pet", &["a", "boss_id"]),
    ("host", &["a", "guest_id"]),
    ("guest", &["a", "host_id"]),
];
/// So many of the tables have neither unique columns nor references.
pub(crate) const FREE_TABLES: usize = 2;
/// From here on the newest change of a row wins as a whole; the tables between are tied.
pub(crate) const FIRST_RECORD: usize = 6;
/// So many of these have neither.
pub(crate) const FREE_RECORDS: usize = 1;
/// From here on rows may refer to each other in a circle.
pub(crate) const FIRST_CIRCULAR: usize = 8;

impl Database {
    pub(crate) fn new(brand: Brand, id: String, switch: Option<Switch>) -> Self {
        Self {
            brand,
            defers: false,
            id,
            is_joined: true,
            is_away: false,
            skew: 0,
            rows: BTreeMap::new(),
            locks: BTreeMap::new(),
            outbox: BTreeMap::new(),
            inbox: BTreeMap::new(),
            known: BTreeSet::new(),
            purged: BTreeSet::new(),
            purged_outbox: 0,
            programs: BTreeMap::new(),
            versions: BTreeMap::new(),
            quarantine: BTreeMap::new(),
            conflicts: Vec::new(),
            life: Life { epoch: 1, ..Life::default() },
            is_outbox_locked: false,
            floor: EPOCH.to_owned(),
            fold: None,
            open: BTreeMap::new(),
            runner: None,
            runner_id: None,
            last_id: 0,
            last_version: 0,
            made: 0,
            last_inbox: 0,
            last_transaction: 0,
            moment: 0,
            switch,
        }
    }

    /// Whether a mechanism is taken out.
    pub(crate) fn lacks(&self, switch: Switch) -> bool {
        self.switch == Some(switch)
    }

    /// What the node's clock says at the true time `now`.
    fn clock(&self, now: i64) -> String {
        let micros = now + self.skew;
        // SQLite's clock counts milliseconds.
        let micros = if self.brand == Brand::Sqlite { micros / 1_000 * 1_000 } else { micros };
        let time = chrono::DateTime::from_timestamp_micros(micros).unwrap();
        time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
    }

    /// The stamp of a change as the triggers make it: `old` and `new` are the last-update values.
    fn stamp(
        &self,
        transaction: i64,
        now: i64,
        old: Option<&String>,
        new: Option<&String>,
    ) -> String {
        let clock = self.clock(now);
        let given = new.filter(|new| Some(*new) != old).unwrap_or(&clock);
        let open = self.open.values().find(|open| open.id == transaction);
        let floor = open.and_then(|open| open.floor.as_ref()).unwrap_or(&self.floor);
        [Some(given), old, Some(floor)].into_iter().flatten().max().unwrap().clone()
    }

    /// Writes the rows of the outbox for a row that changed from `old` to `new`, whose keys may
    /// differ; as the triggers do.
    pub(crate) fn capture(
        &mut self,
        transaction: i64,
        now: i64,
        old: Option<(&RowKey, &Cells)>,
        new: Option<(&RowKey, &Cells)>,
    ) -> Vec<i64> {
        let last = |row: Option<(&RowKey, &Cells)>| {
            row.and_then(|(_, c)| c.get(LAST_UPDATE).cloned().flatten())
        };
        let (old_last, new_last) = (last(old), last(new));
        let stamp = self.stamp(transaction, now, old_last.as_ref(), new_last.as_ref());
        let mut changes = Vec::new();
        match (old, new) {
            (Some((key, before)), Some((same, after))) if key == same => {
                changes = updates(key, before, after);
                if is_record(&key.0) {
                    let row = document(key, after);
                    for one in &mut changes {
                        one.object_context = Some(row.clone());
                    }
                }
            }
            (Some((key, before)), after) => {
                let mut delete = change(key, Op::Delete);
                delete.object_value_old = Some(document(key, before));
                changes.push(delete);
                if let Some((new_key, after)) = after {
                    let mut insert = change(new_key, Op::Insert);
                    insert.object_value = Some(document(new_key, after));
                    insert.object_id_old = Some(key.1.clone());
                    changes.push(insert);
                }
            }
            (None, Some((key, after))) => {
                let mut insert = change(key, Op::Insert);
                insert.object_value = Some(document(key, after));
                changes.push(insert);
            }
            (None, None) => {}
        }
        let ids = changes.into_iter().map(|change| self.append(transaction, &stamp, change));
        ids.collect()
    }

    /// The number of the transaction that the runner is in.
    pub(crate) fn runner_transaction(&mut self) -> i64 {
        let next = self.last_transaction + 1;
        let id = *self.runner_id.get_or_insert(next);
        self.last_transaction = self.last_transaction.max(id);
        id
    }

    pub(crate) fn append(&mut self, transaction: i64, stamp: &str, mut change: Change) -> i64 {
        self.last_id += 1;
        self.last_version += 1;
        self.made += 1;
        let (id, version) = (self.last_id, self.last_version);
        change.id = id;
        change.note1 = Some(format!("{} {}", self.id, self.made));
        change.updated_by_server_id = Some(self.id.clone());
        change.update_datetime = Some(stamp.to_owned());
        // Where a trigger cannot name its transaction the column stays empty.
        change.transaction_id = self.brand.dialect().can.name_transactions.then_some(transaction);
        let captured = Captured { change, transaction, version, committed: None };
        self.outbox.insert(id, captured);
        id
    }

    /// Opens a transaction of the application in a slot, unless it is open.
    pub(crate) fn begin(&mut self, slot: u8, will_commit: bool) {
        if !self.open.contains_key(&slot) {
            self.last_transaction += 1;
            let id = self.last_transaction;
            let is_old = !self.brand.dialect().can.see_new_floor;
            let floor = is_old.then(|| self.floor.clone());
            let (undo, ids, unwritten) = (Vec::new(), Vec::new(), Vec::new());
            self.open.insert(slot, Open { id, floor, will_commit, undo, ids, unwritten });
        }
        self.end_statement(slot);
    }

    /// A transaction's last statement goes on: it was given ids and has not written them. Only
    /// where a missing id means nothing.
    pub(crate) fn hold_back(&mut self, slot: u8, ids: &[i64]) {
        let Some(open) = self.open.get_mut(&slot) else { return };
        if self.brand.dialect().can.leave_gaps {
            open.unwritten = ids.iter().filter_map(|id| self.outbox.remove(id)).collect();
        }
    }

    /// It has written them.
    fn end_statement(&mut self, slot: u8) {
        let Some(open) = self.open.get_mut(&slot) else { return };
        let written = std::mem::take(&mut open.unwritten);
        self.outbox.extend(written.into_iter().map(|row| (row.change.id, row)));
    }

    /// Whether an application may write now, besides those who do.
    pub(crate) fn takes_writer(&self, slot: u8) -> bool {
        let has_others = self.runner.is_some() || self.open.keys().any(|open| *open != slot);
        !self.is_outbox_locked && (self.brand != Brand::Sqlite || !has_others)
    }

    /// Whether a transaction gets the lock of a row without waiting.
    pub(crate) fn is_free(&self, row: &RowKey, holder: Holder) -> bool {
        self.locks.get(row).is_none_or(|known| *known == holder)
    }

    /// Sets, inserts or deletes a row; what it was.
    pub(crate) fn put(&mut self, row: &RowKey, cells: Option<Cells>) -> Option<Cells> {
        match cells {
            Some(cells) => self.rows.insert(row.clone(), cells),
            None => self.rows.remove(row),
        }
    }

    /// Ends a transaction of the application: its changes, if it commits.
    pub(crate) fn end(&mut self, slot: u8, commits: bool) -> Vec<Change> {
        self.end_statement(slot);
        let Some(open) = self.open.remove(&slot) else { return Vec::new() };
        self.locks.retain(|_, holder| *holder != Holder::Application(slot));
        if commits {
            self.moment += 1;
            let mut changes = Vec::new();
            for id in open.ids {
                if let Some(captured) = self.outbox.get_mut(&id) {
                    captured.committed = Some(self.moment);
                    changes.push(captured.change.clone());
                }
            }
            return changes;
        }
        for (row, before) in open.undo.into_iter().rev() {
            self.put(&row, before);
        }
        for id in open.ids {
            self.outbox.remove(&id);
        }
        Vec::new()
    }

    /// Takes back what the runner's transaction did since it had done `keep` things.
    pub(crate) fn undo(&mut self, keep: usize) {
        let Some(undo) = &mut self.runner else { return };
        for entry in undo.split_off(keep).into_iter().rev() {
            self.undo_one(entry);
        }
    }

    fn undo_one(&mut self, entry: Undo) {
        match entry {
            Undo::Row(row, before) => drop(self.put(&row, before)),
            Undo::Inbox(id) => {
                if let Some((_, change)) = self.inbox.remove(&id) {
                    self.known.remove(&name(&change));
                }
            }
            Undo::Version(name, before) => match before {
                Some(before) => drop(self.versions.insert(name, before)),
                None => drop(self.versions.remove(&name)),
            },
            Undo::Program(id, before) => drop(self.programs.insert(id, before)),
            Undo::Held(id, before) => match before {
                Some(before) => drop(self.quarantine.insert(id, before)),
                None => drop(self.quarantine.remove(&id)),
            },
            Undo::Fold(before) => self.fold = before,
            Undo::Outbox(id) | Undo::Told(id, _) => drop(self.outbox.remove(&id)),
            Undo::Conflict => drop(self.conflicts.pop()),
            Undo::Life(before) => self.life = before,
            Undo::Ids(before) => self.outbox = before,
        }
    }

    /// Ends the runner's transaction; what it tells the others, if it commits.
    pub(crate) fn end_runner(&mut self, commits: bool) -> Vec<(Change, bool)> {
        if !commits {
            self.undo(0);
        }
        let undo = self.runner.take().unwrap_or_default();
        self.is_outbox_locked = false;
        self.runner_id = None;
        self.locks.retain(|_, holder| *holder != Holder::Runner);
        self.moment += u64::from(!undo.is_empty());
        let mut told = Vec::new();
        for entry in undo {
            let (Undo::Outbox(id) | Undo::Told(id, _)) = entry else { continue };
            let Some(captured) = self.outbox.get_mut(&id) else { continue };
            captured.committed = Some(self.moment);
            if let Undo::Told(_, settles) = entry {
                told.push((captured.change.clone(), settles));
            }
        }
        told
    }

    /// The routes but that of a program on which something came before an inbox id that is not
    /// imported, with their pointers.
    pub(crate) fn unimported(&self, program: i64, last_id: i64) -> Vec<Row> {
        let others = self.programs.iter().filter(|(id, _)| **id != program);
        let is_open = |(id, known): &(&i64, &Program)| {
            let mut above = self.inbox.range(known.pointer + 1..);
            let mut below = above.by_ref().take_while(|(id, _)| **id < last_id);
            below.any(|(_, (route, _))| *route == **id - 1)
        };
        let found = others.filter(is_open).map(|(id, known)| {
            row(&[("route_id", (id - 1).into()), ("pointer", known.pointer.into())])
        });
        found.collect()
    }

    /// What came on a route above its pointer and below an id.
    pub(crate) fn earlier(&self, arrived_on: i64, pointer: i64, last_id: i64) -> Vec<Row> {
        let above = self.inbox.range(pointer + 1..);
        let found = above.take_while(|(id, _)| **id < last_id);
        let found = found.filter(|(_, (route, _))| *route == arrived_on);
        let named = |(id, (_, change)): (&i64, &(i64, Change))| {
            row(&[
                ("id", (*id).into()),
                ("updated_by_server_id", change.updated_by_server_id.clone().into()),
                ("object_table", change.object_table.clone().into()),
                ("object_id", change.object_id.clone().into()),
            ])
        };
        found.map(named).collect()
    }
}

/// Whether the newest change of a row of a table wins as a whole.
pub(crate) fn is_record(table: &str) -> bool {
    TABLES[FIRST_RECORD..FIRST_CIRCULAR].iter().any(|(name, _)| *name == table)
}

/// Origin and id of a change.
pub(crate) fn name(change: &Change) -> (String, i64) {
    (change.updated_by_server_id.clone().unwrap_or_default(), change.source_id.unwrap_or(change.id))
}

pub(crate) fn change(row: &RowKey, op: Op) -> Change {
    Change {
        object_database: Some("model".into()),
        object_table: Some(row.0.clone()),
        object_pk_attribute: Some(KEY.into()),
        object_id: Some(row.1.clone()),
        object_operation: Some(op.letter().into()),
        ..Change::default()
    }
}

/// One change for each column that differs; the last-update column travels with the others, and
/// alone only where nothing else changed.
fn updates(row: &RowKey, before: &Cells, after: &Cells) -> Vec<Change> {
    let update = |column: &str| {
        let mut change = change(row, Op::Update);
        change.object_attribute = Some(column.to_owned());
        change.object_value.clone_from(&after[column]);
        change.object_value_old.clone_from(&before[column]);
        change
    };
    let differs = |column: &&String| before[*column] != after[*column];
    let plain = after.keys().filter(differs).filter(|column| *column != LAST_UPDATE);
    let mut changes: Vec<Change> = plain.map(|column| update(column)).collect();
    if after.contains_key(LAST_UPDATE) && before[LAST_UPDATE] != after[LAST_UPDATE] {
        if changes.is_empty() {
            return vec![update(LAST_UPDATE)];
        }
        let context = serde_json::json!({ LAST_UPDATE: after[LAST_UPDATE] }).to_string();
        for change in &mut changes {
            change.object_context = Some(context.clone());
        }
    }
    changes
}

fn document(row: &RowKey, cells: &Cells) -> String {
    let mut all: serde_json::Map<String, Json> =
        cells.iter().map(|(name, value)| (name.clone(), Json::from(value.clone()))).collect();
    all.insert(KEY.to_owned(), Json::from(row.1.clone()));
    Json::Object(all).to_string()
}
