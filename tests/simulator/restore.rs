//! Backups of a node's database, what comes of restoring one, and the statements of a rejoin.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;

use outrigger::db::Fault;
use outrigger::dialect::Brand;
use outrigger::model::{Change, Row, Value};
use serde_json::Value as Json;

use crate::database::{Captured, Database, Undo, name};
use crate::history::{Medium, Switch};
use crate::session::ModelSession;
use crate::statement::{change_of, change_row, integer, json, page_rows, row, text};
use crate::world::{Logged, Name, World, tag};

type Guard<'a> = MutexGuard<'a, World>;

/// A node's database as it was, and what its imports had brought in.
#[derive(Clone)]
pub(crate) struct Backup {
    pub(crate) database: Database,
    imported: BTreeSet<Name>,
}

/// Changes with their stamps and ids.
pub(crate) type Stamps = BTreeMap<Name, (String, i64)>;

impl World {
    /// Makes a backup of a node, which takes the place of its last one.
    pub(crate) fn back_up(&mut self, node: usize) {
        if !self.nodes[node].is_joined {
            return;
        }
        let mut database = self.nodes[node].clone();
        let open: Vec<u8> = database.open.keys().copied().collect();
        for slot in open {
            database.end(slot, false);
        }
        self.backups[node] = Some(Backup { database, imported: self.imported[node].clone() });
    }

    /// A node's database is replaced by its last backup; false if there is none.
    pub(crate) fn restore(&mut self, node: usize, medium: Medium) -> bool {
        let Some(Backup { mut database, imported }) = self.backups[node].clone() else {
            return false;
        };
        self.note_lost(node, &database);
        let live = &self.nodes[node];
        (database.skew, database.is_away) = (live.skew, live.is_away);
        (database.moment, database.made) = (live.moment + 1, live.made);
        if live.brand != Brand::Postgres || medium == Medium::Dump {
            database.last_transaction = live.last_transaction;
        }
        if live.lacks(Switch::EpochCheck) {
            database.life = live.life.clone();
        }
        self.nodes[node] = database;
        self.imported[node] = imported;
        self.counts.restores += 1;
        self.forget_what_nobody_has();
        true
    }

    /// Takes note of what a restore takes away. Where a node is restored again before it rejoins,
    /// two changes that are lost may have one id, and all that tells which is the later one is
    /// their stamps; those of the two times tell nothing where the clock was behind or set back.
    fn note_lost(&mut self, node: usize, backup: &Database) {
        let committed = self.nodes[node].outbox.values().filter(|row| row.committed.is_some());
        let kept: BTreeSet<Name> = backup.outbox.values().map(|row| tag(&row.change)).collect();
        let mut lost: Stamps = committed
            .map(|row| &row.change)
            .map(|c| (tag(c), (c.update_datetime.clone().unwrap_or_default(), c.id)))
            .collect();
        lost.retain(|name, _| !kept.contains(name));
        let ids: BTreeSet<i64> = lost.values().map(|(_, id)| *id).collect();
        let oldest = lost.values().map(|(stamp, _)| stamp).min();
        for before in &self.lost[node] {
            let is_twice = before.values().any(|(_, id)| ids.contains(id));
            if is_twice && before.values().map(|(stamp, _)| stamp).max() >= oldest {
                let pairs = before.keys().flat_map(|one| lost.keys().map(move |two| (one, two)));
                self.untold.extend(pairs.map(|(one, two)| (one.clone(), two.clone())));
            }
        }
        self.lost[node].push(lost);
    }

    /// What was in no outbox that is left, and was carried nowhere, never happened.
    fn forget_what_nobody_has(&mut self) {
        let mut there = BTreeSet::new();
        for node in &self.nodes {
            there.extend(node.outbox.values().filter_map(|row| row.change.note1.clone()));
            there.extend(node.inbox.values().filter_map(|(_, change)| change.note1.clone()));
        }
        let before = self.log.len();
        self.log.retain(|logged| there.contains(&tag(&logged.change)));
        self.counts.lost += (before - self.log.len()) as u64;
    }

    /// Whether a node's inbox has another change under an id of this one: it cannot know that the
    /// origin has given the id twice, and takes the second for what it has.
    pub(crate) fn is_taken(&self, node: usize, wanted: &Name, first_id: i64) -> bool {
        // A rejoin may have given it another id since.
        let changes = self.nodes.iter().flat_map(|node| {
            let own = node.outbox.values().map(|row| &row.change);
            own.chain(node.inbox.values().map(|(_, change)| change))
        });
        let ids = changes.filter(|change| tag(change) == *wanted).map(|change| name(change).1);
        let ids: BTreeSet<i64> = ids.chain([first_id]).collect();
        let origin = wanted.split(' ').next().unwrap_or_default();
        self.nodes[node].inbox.values().any(|(_, change)| {
            let (known, id) = name(change);
            known == origin && ids.contains(&id) && tag(change) != *wanted
        })
    }

    /// The changes that everybody has to end with, under the ids that they have now: what a node
    /// changed since it was restored may have got other ids than it was given. Nothing is
    /// missing, and of a row what was done later has the higher id.
    pub(crate) fn settled_log(&self, complaints: &mut Vec<String>) -> Vec<Logged> {
        if self.counts.restores == 0 {
            return self.log.clone();
        }
        let mut ids: BTreeMap<Name, i64> = BTreeMap::new();
        let inboxes = self.nodes.iter().flat_map(|node| node.inbox.values().map(|(_, c)| c));
        let outboxes = self.nodes.iter().flat_map(|node| node.outbox.values().map(|r| &r.change));
        for change in inboxes.chain(outboxes) {
            let known = ids.entry(tag(change)).or_default();
            *known = (*known).max(name(change).1);
        }
        let mut log = Vec::new();
        let mut last = BTreeMap::new();
        let mut sorted: Vec<&Logged> = self.log.iter().collect();
        sorted.sort_by_key(|logged| made(&logged.change));
        for logged in sorted {
            let Some(id) = ids.get(&tag(&logged.change)) else {
                complaints.push(format!("nobody has {logged:?}"));
                continue;
            };
            let this = (tag(&logged.change), *id);
            let row = (&logged.origin, &logged.change.object_table, &logged.change.object_id);
            let before: Option<(Name, i64)> = last.insert(row, this.clone());
            let is_wrong = |before: &(Name, i64)| {
                before.1 > this.1 && !self.untold.contains(&(before.0.clone(), this.0.clone()))
            };
            if let Some(before) = before.filter(is_wrong) {
                let origin = &logged.origin;
                complaints.push(format!("{origin} made {before:?} before {this:?}, by their ids"));
            }
            let change = Change { id: *id, source_id: Some(*id), ..logged.change.clone() };
            log.push(Logged { change, ..logged.clone() });
        }
        log
    }
}

/// How many changes its node had made before it and with it.
fn made(change: &Change) -> u64 {
    tag(change).split(' ').next_back().and_then(|word| word.parse().ok()).unwrap_or_default()
}

impl ModelSession {
    /// Keeps the application from writing to the outbox, once what has written there has ended.
    pub(crate) fn lock_outbox(&self, world: &mut Guard<'_>) -> Result<(), Fault> {
        let open: Vec<u8> = world.nodes[self.node].open.keys().copied().collect();
        for slot in open {
            world.wait(self.node, slot)?;
        }
        world.nodes[self.node].is_outbox_locked = true;
        Ok(())
    }

    pub(crate) fn restore_statement(
        &mut self,
        world: &mut Guard<'_>,
        statement: &str,
        words: &[&str],
        values: &[Value],
    ) -> Vec<Row> {
        let node = &mut world.nodes[self.node];
        let number = |at: usize| integer(&values[at]).unwrap_or_default();
        let life = Undo::Life(node.life.clone());
        match statement {
            "read_epoch" => return vec![node.epoch_row(number(0))],
            "read_seen" => return vec![node.seen_row(&text(&values[0]).unwrap())],
            "raise_exchange" => {
                let known = node.life.exchanges.entry(number(0)).or_default();
                *known = (number(1), known.1 + number(2), known.2.max(number(3)));
            }
            "mark_stale" => {
                if node.life.stale_route.is_none() && node.life.epoch == number(1) {
                    node.life.stale_route = Some(number(0));
                }
            }
            "write_epoch" => {
                node.life.epoch = number(0);
                (node.life.first_id, node.life.settled_id) = (number(1), number(2));
                node.life.stale_route = None;
            }
            "read_outbox" => {
                let seen =
                    node.outbox.range(number(0) + 1..).filter(|(_, r)| r.committed.is_some());
                let page = seen.take(page_rows(words[0]));
                return page.map(|(_, row)| change_row(&row.change)).collect();
            }
            "read_origin" => {
                let origin = text(&values[0]).unwrap();
                let of_origin = node.inbox.values().map(|(_, change)| (name(change), change));
                let found: BTreeMap<_, &Change> = of_origin
                    .filter(|((known, id), _)| *known == origin && *id > number(1))
                    .collect();
                return found.into_values().take(page_rows(words[0])).map(change_row).collect();
            }
            "raise_outbox_id" => node.last_id = node.last_id.max(number(0)),
            "move_outbox" => {
                let ids: Vec<i64> = serde_json::from_str(&text(&values[0]).unwrap()).unwrap();
                let before = node.move_outbox(&ids, number(1));
                self.keep(world, Undo::Ids(before));
            }
            "move_versions" => {
                let ids: BTreeSet<i64> = serde_json::from_str(&text(&values[1]).unwrap()).unwrap();
                let of_node = |entry: &Json| Some(entry[5].as_str()?.to_owned());
                let own = text(&values[0]);
                let named: Vec<_> =
                    node.versions.iter().map(|(n, e)| (n.clone(), e.clone())).collect();
                for (name, mut entry) in named {
                    let id = entry[6].as_i64().unwrap_or_default();
                    if of_node(&entry) == own && ids.contains(&id) {
                        entry[6] = (id + number(2)).into();
                        let node = &mut world.nodes[self.node];
                        let before = node.versions.insert(name.clone(), entry);
                        self.keep(world, Undo::Version(name, before));
                    }
                }
            }
            "write_outbox" => self.write_outbox(world, &values[0]),
            "renumber_transactions" | "write_program" => {}
            _ => return self.quarantine_statement(world, statement, values),
        }
        if matches!(statement, "raise_exchange" | "write_epoch") {
            self.keep(world, life);
        }
        Vec::new()
    }

    fn write_outbox(&self, world: &mut Guard<'_>, rows: &Value) {
        let node = &mut world.nodes[self.node];
        let transaction = node.runner_transaction();
        for object in json(rows) {
            let node = &mut world.nodes[self.node];
            let mut change = change_of(&object);
            change.id = change.source_id.take().unwrap();
            if node.outbox.contains_key(&change.id) || node.lacks(Switch::LostInOutbox) {
                continue;
            }
            change.transaction_id =
                node.brand.dialect().can.name_transactions.then_some(transaction);
            node.last_version += 1;
            let (id, version) = (change.id, node.last_version);
            node.outbox.insert(id, Captured { change, transaction, version, committed: None });
            self.keep(world, Undo::Outbox(id));
        }
    }
}

impl Database {
    pub(crate) fn epoch_row(&self, route: i64) -> Row {
        let counter = match self.brand {
            Brand::Postgres => self.last_transaction + 1,
            Brand::SqlServer => self.last_version,
            Brand::Mysql | Brand::Sqlite => 0,
        };
        let counter = if self.lacks(Switch::EpochCheck) { 0 } else { counter };
        let exchange = self.life.exchanges.get(&route);
        let carried_id = self.life.exchanges.values().map(|(_, _, id)| *id).max();
        row(&[
            ("node_id", self.id.as_str().into()),
            ("epoch", self.life.epoch.into()),
            ("incarnation", self.id.as_str().into()),
            ("counter", counter.into()),
            ("first_id", self.life.first_id.into()),
            ("settled_id", self.life.settled_id.into()),
            ("stale_route", self.life.stale_route.into()),
            ("carried_id", carried_id.into()),
            ("route_epoch", exchange.map(|(epoch, _, _)| *epoch).into()),
            ("exchange", exchange.map(|(_, count, _)| *count).into()),
        ])
    }

    fn seen_row(&self, node: &str) -> Row {
        let of_node = self.inbox.values().map(|(_, change)| name(change));
        let inbox_id = of_node.filter(|(origin, _)| origin == node).map(|(_, id)| id).max();
        let of_node = self.versions.values().filter(|entry| entry[5] == node);
        let version_id = of_node.filter_map(|entry| entry[6].as_i64()).max();
        let stamps = self.versions.values().filter_map(|entry| entry[4].as_str());
        let inbox_stamps = self.inbox.values().filter_map(|(_, c)| c.update_datetime.clone());
        let own =
            || self.outbox.iter().filter(|(_, row)| row.committed.is_some()).map(|(id, _)| *id);
        row(&[
            ("inbox_id", inbox_id.into()),
            ("version_id", version_id.into()),
            ("version_stamp", stamps.max().map(str::to_owned).into()),
            ("inbox_stamp", inbox_stamps.max().into()),
            ("purged_outbox_id", self.purged_outbox.into()),
            ("first_outbox_id", own().min().into()),
            ("last_outbox_id", own().max().into()),
        ])
    }

    /// Gives rows of the outbox higher ids; what it was before.
    fn move_outbox(&mut self, ids: &[i64], offset: i64) -> BTreeMap<i64, Captured> {
        let before = self.outbox.clone();
        for id in ids {
            let Some(mut row) = self.outbox.remove(id) else { continue };
            row.change.id += offset;
            self.last_version += 1;
            row.version = self.last_version;
            self.outbox.insert(row.change.id, row);
        }
        before
    }
}
