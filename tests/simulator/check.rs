//! What has to hold when everything has drained.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::constraint::{led_to, references_of};
use crate::database::{Cells, Database, RowKey, name};
use crate::reference::expected;
use crate::world::World;
use crate::world::{Logged, tag};

/// Everything that is not as it has to be.
pub(crate) fn complaints(world: &World) -> Vec<String> {
    let mut complaints = Vec::new();
    let log = world.settled_log(&mut complaints);
    let expected = expected(&log);
    let mut orphans = BTreeSet::new();
    if world.counts.restores == 0 {
        unlisted(world, &mut complaints);
    } else {
        orphans = self::orphans(&expected);
    }
    for node in &world.nodes {
        let rows: BTreeSet<_> = node.rows.keys().chain(expected.keys()).collect();
        for row in rows {
            let (held, wanted) = (node.rows.get(row), expected.get(row));
            if has_to_wait(node, row) {
                if held.is_some() || wanted.is_some() && !is_waiting(node, row) {
                    let text = format!("{}: {row:?} is {held:?}, and has to wait", node.id);
                    complaints.push(text);
                }
                continue;
            }
            let waits = orphans.contains(row) && is_waiting(node, row);
            if held != wanted && !waits {
                complaints.push(format!("{}: {row:?} is {held:?}, expected {wanted:?}", node.id));
            }
        }
        for (id, entry) in &node.quarantine {
            let may_wait = |row: &RowKey| has_to_wait(node, row) || orphans.contains(row);
            if entry.row.as_ref().is_some_and(may_wait) {
                continue;
            }
            complaints.push(format!("{}: {id} is in quarantine: {entry:?}", node.id));
        }
        if let Some(log) = vanished(node, &log, &orphans) {
            complaints.push(log);
        }
        arrivals(world, &log, node, &mut complaints);
    }
    complaints
}

/// Whether a row stays in quarantine: a node that looks at each reference at once lets no row in
/// of a circle in which none may be NULL.
fn has_to_wait(node: &Database, row: &RowKey) -> bool {
    !node.defers && references_of(&row.0).any(|reference| !reference.is_nullable)
}

fn is_waiting(node: &Database, row: &RowKey) -> bool {
    node.quarantine.values().any(|entry| entry.row.as_ref() == Some(row))
}

/// Rows that refer to one that is gone, and those that refer to these. It was deleted where the
/// row that refers to it, lost by a restore, was not yet back: nobody has what would bring it
/// back, and a person has to decide.
fn orphans(expected: &BTreeMap<RowKey, Cells>) -> BTreeSet<RowKey> {
    let mut orphans = BTreeSet::new();
    loop {
        let is_gone = |row: &RowKey| !expected.contains_key(row) || orphans.contains(row);
        let is_orphan = |(row, cells): &(&RowKey, &Cells)| {
            !orphans.contains(*row) && led_to(row, cells).any(|(_, parent)| is_gone(&parent))
        };
        let more: Vec<RowKey> =
            expected.iter().filter(is_orphan).map(|(row, _)| row.clone()).collect();
        if more.is_empty() {
            return orphans;
        }
        orphans.extend(more);
    }
}

/// A row that was inserted and that nobody deleted, and is not there.
fn vanished(node: &Database, log: &[Logged], orphans: &BTreeSet<RowKey>) -> Option<String> {
    let rows = |letter: &str| -> BTreeSet<_> {
        let of_kind = log.iter().map(|logged| &logged.change);
        let of_kind = of_kind.filter(|change| change.object_operation.as_deref() == Some(letter));
        of_kind.filter_map(|c| Some((c.object_table.clone()?, c.object_id.clone()?))).collect()
    };
    let deleted = rows("D");
    let waits = |row: &RowKey| orphans.contains(row) && is_waiting(node, row);
    let is_here =
        |row: &RowKey| node.rows.contains_key(row) || has_to_wait(node, row) || waits(row);
    let lost = rows("I").into_iter().find(|row| !deleted.contains(row) && !is_here(row))?;
    Some(format!("{}: {lost:?} is gone, and nobody deleted it", node.id))
}

/// Whoever settles a collision lists what lost, with both rows.
fn unlisted(world: &World, complaints: &mut Vec<String>) {
    for (node, told) in &world.told {
        let row = told.object_id.as_deref().unwrap();
        let is_about = |conflict: &Json| {
            let sides = [&conflict[11], &conflict[15]];
            let is_side = |side: &Json| side.as_str().is_some_and(|text| text.contains(row));
            conflict[3] == *told.object_table.as_deref().unwrap()
                && (conflict[4] == row || sides.into_iter().any(is_side))
        };
        let node = &world.nodes[*node];
        if !node.conflicts.iter().any(is_about) {
            complaints.push(format!("{}: no conflict is listed for {told:?}", node.id));
        }
    }
}

/// Every change of every other node arrived once, was imported, and nothing else came. A node
/// that was restored gets changes of its own from others; and a change whose id was given twice
/// comes again under another one.
fn arrivals(world: &World, log: &[Logged], node: &Database, complaints: &mut Vec<String>) {
    let (mut arrived, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for (_, change) in node.inbox.values() {
        let is_new = arrived.insert(tag(change));
        let is_told_anew = world.counts.restores > 0 && ids.insert(name(change));
        ids.insert(name(change));
        if !is_new && !is_told_anew {
            complaints.push(format!("{}: {:?} arrived twice", node.id, name(change)));
        }
    }
    // What was purged had arrived before.
    let was_purged = |logged: &&Logged| node.purged.contains(&name(&logged.change));
    arrived.extend(log.iter().filter(was_purged).map(|logged| tag(&logged.change)));
    let is_own = |logged: &&Logged| logged.origin == node.id;
    let known: BTreeSet<_> = log.iter().map(|logged| tag(&logged.change)).collect();
    let own: BTreeSet<_> = log.iter().filter(is_own).map(|logged| tag(&logged.change)).collect();
    for name in known.difference(&own).filter(|name| !arrived.contains(*name)) {
        complaints.push(format!("{}: {name:?} did not arrive", node.id));
    }
    let is_expected = |name: &&String| {
        known.contains(*name) && (world.counts.restores > 0 || !own.contains(*name))
    };
    for name in arrived.iter().filter(|name| !is_expected(name)) {
        complaints.push(format!("{}: {name:?} arrived, which nobody made", node.id));
    }
    let at = world.nodes.iter().position(|known| known.id == node.id).unwrap();
    for name in arrived.difference(&world.imported[at]) {
        complaints.push(format!("{}: {name:?} was not imported", node.id));
    }
}
