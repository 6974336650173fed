//! What has to hold when everything has drained.

use std::collections::BTreeSet;

use crate::database::{Database, name};
use crate::reference::expected;
use crate::world::World;

/// Everything that is not as it has to be.
pub(crate) fn complaints(world: &World) -> Vec<String> {
    let mut complaints = Vec::new();
    let expected = expected(&world.log);
    for node in &world.nodes {
        let rows: BTreeSet<_> = node.rows.keys().chain(expected.keys()).collect();
        for row in rows {
            let (held, wanted) = (node.rows.get(row), expected.get(row));
            if held != wanted {
                complaints.push(format!("{}: {row:?} is {held:?}, expected {wanted:?}", node.id));
            }
        }
        for (id, entry) in &node.quarantine {
            complaints.push(format!("{}: {id} is in quarantine: {entry:?}", node.id));
        }
        arrivals(world, node, &mut complaints);
    }
    complaints
}

/// Every change of every other node arrived once, was imported, and nothing else came.
fn arrivals(world: &World, node: &Database, complaints: &mut Vec<String>) {
    let mut arrived = BTreeSet::new();
    for (_, change) in node.inbox.values() {
        if !arrived.insert(name(change)) {
            complaints.push(format!("{}: {:?} arrived twice", node.id, name(change)));
        }
    }
    arrived.extend(node.purged.iter().cloned());
    let others = world.log.iter().filter(|logged| logged.origin != node.id);
    let sent: BTreeSet<_> = others.map(|logged| name(&logged.change)).collect();
    for id in sent.difference(&arrived) {
        complaints.push(format!("{}: {id:?} did not arrive", node.id));
    }
    for id in arrived.difference(&sent) {
        complaints.push(format!("{}: {id:?} arrived, which nobody made", node.id));
    }
    let at = world.nodes.iter().position(|known| known.id == node.id).unwrap();
    for id in arrived.difference(&world.imported[at]) {
        complaints.push(format!("{}: {id:?} was not imported", node.id));
    }
}
