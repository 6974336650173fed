//! Purging in the model, by the rule of `outrigger purge` and with no retention at all.

use std::collections::BTreeMap;

use outrigger::model::Change;
use outrigger::outbox::{Cursor, Epoch};
use outrigger::plan::RoutePlan;

use crate::database::{Captured, Database, name};
use crate::history::Switch;
use crate::world::World;

/// Purges a node; with the first one all are. Nodes that are away may need anything, and where a
/// node may be restored its backup needs what others have of it.
pub(crate) fn purge(world: &mut World, node: usize, may_restore: bool) {
    let nodes = if node == 0 { 0..world.nodes.len() } else { node..node + 1 };
    for node in nodes.clone() {
        purge_outbox(world, node, may_restore);
        if !may_restore {
            purge_inbox(world, node);
        }
    }
    if may_restore {
        return;
    }
    for node in nodes {
        forget(world, node);
    }
}

fn target<'a>(world: &'a World, route: &RoutePlan) -> &'a Database {
    world.nodes.iter().find(|node| node.id == route.to.as_str()).unwrap()
}

fn source<'a>(world: &'a World, route: &RoutePlan) -> &'a Database {
    world.nodes.iter().find(|node| node.id == route.from.as_str()).unwrap()
}

fn cursor(world: &World, route: &RoutePlan) -> Cursor {
    let program = &target(world, route).programs[&route.id.transport_program()];
    Cursor::read(program.pointer, program.state.as_deref()).unwrap()
}

/// Where a route is, at its target and at the backup that its target may be set back to; none
/// where what the target knows is another life of the source.
fn cursors(world: &World, route: &RoutePlan) -> Option<Vec<Cursor>> {
    let at = world.nodes.iter().position(|node| node.id == route.to.as_str()).unwrap();
    let backup = world.backups[at].as_ref().map(|backup| &backup.database);
    let row = source(world, route).epoch_row(route.id.0);
    let cursor = |target: &Database| {
        let program = &target.programs[&route.id.transport_program()];
        let cursor = Cursor::read(program.pointer, program.state.as_deref()).unwrap();
        Epoch::read(Some(&row)).unwrap().resume(&cursor).ok()
    };
    [&world.nodes[at]].into_iter().chain(backup).map(cursor).collect()
}

/// Deletes what every route has carried and the node itself has noted.
fn purge_outbox(world: &mut World, node: usize, may_restore: bool) {
    let database = &world.nodes[node];
    // A backup may be made while something is open, and no transaction is open for longer than
    // changes are kept.
    let mut open = database.outbox.iter().filter(|(_, row)| row.committed.is_none());
    let first_open = open.next().map_or(i64::MAX, |(id, _)| *id);
    let leaving = world.routes.iter().filter(|route| route.from.as_str() == database.id);
    let Some(of_routes) = leaving.map(|route| cursors(world, route)).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let mut cursors = vec![Cursor::from_state(database.fold.as_deref().unwrap_or_default())];
    cursors.extend(of_routes.into_iter().flatten());
    let is_done = |row: &&Captured| {
        row.committed.is_some()
            && (!may_restore || row.change.id < first_open)
            && cursors.iter().all(|cursor| database.is_carried(row, cursor))
    };
    let done: Vec<Captured> = database.outbox.values().filter(is_done).cloned().collect();
    let forgets = database.lacks(Switch::PurgedVersions);
    world.counts.purged += done.len() as u64;
    let database = &mut world.nodes[node];
    for row in done {
        database.outbox.remove(&row.change.id);
        database.purged_outbox = database.purged_outbox.max(row.change.id);
        if forgets {
            let key = row.change.object_id.unwrap_or_default();
            database.versions.retain(|name, _| name[1] != key);
        }
    }
}

/// Deletes what is imported, forwarded, and cannot come again over another way.
pub(crate) fn purge_inbox(world: &mut World, node: usize) {
    let database = &world.nodes[node];
    let all = database.lacks(Switch::PurgedInbox);
    let is_done = |id: i64, route: i64, change: &Change| {
        let import = database.programs[&(route + 1)].pointer;
        let forwards = |leaving: &&RoutePlan| {
            leaving.from.as_str() == database.id
                && leaving.forwards_from.iter().any(|from| from.0 == route)
        };
        let is_forwarded = |leaving: &RoutePlan| {
            cursor(world, leaving).forwards.get(&route).is_some_and(|last| *last >= id)
        };
        id <= import
            && !database.quarantine.contains_key(&id)
            && world.routes.iter().filter(forwards).all(is_forwarded)
            && !comes_again(world, database, change)
    };
    let done: Vec<i64> = database
        .inbox
        .iter()
        .filter(|(id, (route, change))| all || is_done(**id, *route, change))
        .map(|(id, _)| *id)
        .collect();
    world.counts.purged_inbox += done.len() as u64;
    let database = &mut world.nodes[node];
    for id in done {
        let (_, change) = database.inbox.remove(&id).unwrap();
        database.known.remove(&name(&change));
        database.purged.insert(name(&change));
    }
}

/// Whether several routes bring changes of an origin here, and one of those that carry them
/// anywhere has still to carry one that is as old.
fn comes_again(world: &World, database: &Database, change: &Change) -> bool {
    let (origin, source_id) = name(change);
    let carries = |route: &&RoutePlan| {
        route.from.as_str() == origin || route.forwards.iter().any(|one| one.as_str() == origin)
    };
    let ways = || world.routes.iter().filter(carries);
    if ways().filter(|route| route.to.as_str() == database.id).count() < 2 {
        return false;
    }
    ways().any(|route| {
        let (cursor, source) = (cursor(world, route), source(world, route));
        if source.id == origin {
            let mut rows = source.outbox.values().filter(|row| row.change.id <= source_id);
            return rows.any(|row| !source.is_carried(row, &cursor));
        }
        source.inbox.iter().any(|(id, (arrived_on, waiting))| {
            let (of, waiting_id) = name(waiting);
            of == origin
                && waiting_id <= source_id
                && cursor.forwards.get(arrived_on).is_none_or(|last| last < id)
        })
    })
}

/// Forgets deleted rows where nothing as old is in any outbox or inbox. What is not committed
/// counts too: no transaction is open for longer than deletes are remembered.
fn forget(world: &mut World, node: usize) {
    let is_early = world.nodes[node].lacks(Switch::Stability);
    if world.nodes.iter().any(|node| node.is_away || !node.is_joined) {
        return;
    }
    let outboxes = world.nodes.iter().flat_map(|node| node.outbox.values().map(|row| &row.change));
    let inboxes = world.nodes.iter().flat_map(|node| node.inbox.values().map(|(_, change)| change));
    let stamps = outboxes.chain(inboxes).filter_map(|change| change.update_datetime.clone());
    let oldest = stamps.min();
    let mut rows: BTreeMap<[String; 2], (bool, String)> = BTreeMap::new();
    for ([table, key, attribute], entry) in &world.nodes[node].versions {
        let row = rows.entry([table.clone(), key.clone()]).or_default();
        row.0 |= attribute.is_empty() && entry[3] == "D";
        row.1 = std::mem::take(&mut row.1).max(entry[4].as_str().unwrap().to_owned());
    }
    let is_stable = |newest: &String| oldest.as_ref().is_none_or(|oldest| newest < oldest);
    rows.retain(|_, (is_deleted, newest)| *is_deleted && (is_early || is_stable(newest)));
    world.counts.forgotten += rows.len() as u64;
    let versions = &mut world.nodes[node].versions;
    versions.retain(|[table, key, _], _| !rows.contains_key(&[table.clone(), key.clone()]));
}
