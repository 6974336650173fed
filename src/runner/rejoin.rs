//! Brings a node that was restored from a backup back among the others.
//!
//! The node gets back what only the others still have of its changes, its outbox ids rise above
//! everything that anybody has seen, and it begins a new epoch, which the others accept. Each
//! step can be repeated: until the epoch is written the others refuse the node, and a second
//! `rejoin` finds what is left to do.

pub(super) mod node;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use serde::Serialize;

use self::node::Asked;
use super::{Error, Runner};
use crate::db::{Mode, Session};
use crate::import;
use crate::model::NodeId;
use crate::outbox::{self, Comparison, Decision, Seen, Stale};
use crate::plan::RoutePlan;

/// Ids that are left free when not every node can be asked, for what the others may have seen.
const RESERVED_IDS: i64 = 1_000_000;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Rejoin {
    /// The node that was restored.
    pub node: NodeId,
    /// Nodes that are left out, since they cannot be reached.
    pub without: Vec<NodeId>,
    /// Whether the database is a new one on purpose, which takes the old one's place.
    pub is_replacement: bool,
    /// Whether nothing is written.
    pub is_dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rejoined {
    /// The node.
    pub node: String,
    /// Why it had to rejoin; `None` when it is in step with the others, and nothing was done.
    pub reason: Option<String>,
    /// The epoch it is in now.
    pub epoch: i64,
    /// The nodes that were asked.
    pub asked: Vec<NodeId>,
    /// The nodes that were left out.
    pub without: Vec<NodeId>,
    /// Its changes that only others still had.
    pub brought_back: usize,
    /// Of these, the ones that are in its quarantine now.
    pub quarantined: u64,
    /// Its changes after the restore that got other ids.
    pub moved: usize,
    /// Outbox ids of the new epoch are above it.
    pub first_id: i64,
    /// Its next change is stamped no earlier, UTC.
    pub stamp_floor: Option<String>,
    /// Changes of others that were deleted before the node had them again.
    pub purged: Vec<Purged>,
    /// Whether nothing was written.
    pub is_dry_run: bool,
}

/// A node whose outbox or inbox does not go back far enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// The node.
    pub node: NodeId,
    /// Whose changes they are: its own, or the restored node's.
    pub origin: NodeId,
    /// The restored node certainly has them up to this id.
    pub carried_id: i64,
    /// The other one has them from this one on.
    pub first_id: i64,
}

/// Why a node does not rejoin.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nodes that may have changes of it do not answer.
    #[error("could not reach `{}`, which may have changes of node `{node}`", names(.away))]
    Away {
        /// The node that is to rejoin.
        node: NodeId,
        /// The nodes that do not answer.
        away: Vec<NodeId>,
        /// What the first of them said.
        source: Box<Error>,
    },
    /// The database is not the one that the others know.
    #[error("node `{node}` {}", Stale::Replaced)]
    Replaced {
        /// The node.
        node: NodeId,
    },
    /// No route leads to the node, so that it cannot import what it lost.
    #[error("no route leads to node `{node}`, which has lost {lost} changes")]
    NoWayIn {
        /// The node.
        node: NodeId,
        /// How many.
        lost: usize,
    },
    /// The program that imports what was lost does not run.
    #[error("program {program} of node `{node}` is stopped, and has to import what was lost")]
    Stopped {
        /// The node.
        node: NodeId,
        /// The program.
        program: i64,
    },
    /// Two nodes have other changes under one id, and a third cannot be asked.
    #[error("changes of node `{node}` have the ids of others, and not every node can be asked")]
    Ambiguous {
        /// The node.
        node: NodeId,
    },
}

fn names(nodes: &[NodeId]) -> String {
    nodes.iter().map(NodeId::as_str).collect::<Vec<_>>().join("`, `")
}

/// The nodes at one table.
struct Meeting {
    restored: Asked,
    others: Vec<Asked>,
}

impl Runner {
    /// Brings a node back that was restored from a backup.
    ///
    /// The application on it should not write meanwhile; on most brands it has to wait.
    ///
    /// # Errors
    /// When a node does not answer or refuses. What was done until then is found done by the
    /// next attempt.
    pub async fn rejoin(&mut self, wanted: &Rejoin) -> Result<Rejoined, Error> {
        let mut meeting = self.convene(wanted).await?;
        let result = self.rejoin_inside(wanted, &mut meeting).await;
        // After an error the sessions may be inside a transaction.
        if result.is_ok() {
            for asked in meeting.others.into_iter().chain([meeting.restored]) {
                self.sessions.insert(asked.node, asked.session);
            }
        }
        result
    }

    async fn rejoin_inside(
        &mut self,
        wanted: &Rejoin,
        meeting: &mut Meeting,
    ) -> Result<Rejoined, Error> {
        let routes = self.routes.clone();
        let seen = self.seen_by_others(meeting, &routes).await?;
        let restored = &mut meeting.restored;
        let epoch = restored.epoch(0).await?;
        let mut report = Rejoined {
            node: wanted.node.0.clone(),
            epoch: epoch.now.epoch,
            asked: meeting.others.iter().map(|asked| asked.node.clone()).collect(),
            without: wanted.without.clone(),
            first_id: epoch.first_id,
            is_dry_run: wanted.is_dry_run,
            ..Rejoined::default()
        };
        let Some(reason) = reason(restored, wanted, &seen).await? else { return Ok(report) };
        report.reason = Some(reason.to_string());
        report.purged = meeting.purged(&routes, epoch.carried_id).await?;

        let settled = epoch.settled_id;
        // From the lowest id on that may be missing: a transaction that was open during the backup
        // has taken ids below others that the backup has. What `purge` has deleted is not missing.
        let purged = meeting.restored.seen_of(&wanted.node).await?.purged_outbox_id;
        let after = settled.max(purged.unwrap_or(0));
        let floor = meeting.stamp_floor(&wanted.node).await?;
        let decision = meeting.settle_ids(wanted, after, epoch.carried_id).await?;
        report.brought_back = decision.lost.len();
        report.moved = decision.moved.len();
        report.stamp_floor.clone_from(&floor);

        let peers: BTreeSet<&NodeId> = meeting.others.iter().map(|asked| &asked.node).collect();
        let is_asked = |route: &&RoutePlan| route.from == wanted.node && peers.contains(&route.to);
        let asked: Vec<_> = routes.iter().filter(is_asked).map(|route| route.id).collect();
        let mut now = epoch.now.clone();
        for seen in seen.iter().map(|(_, seen)| seen) {
            now.epoch = now.epoch.max(seen.epoch);
            now.incarnation.clone_from(&seen.incarnation);
        }
        now.epoch += 1;
        let reserved = if wanted.without.is_empty() { 0 } else { RESERVED_IDS };
        report.epoch = now.epoch;
        report.first_id = decision.last_id + reserved;
        if wanted.is_dry_run {
            return Ok(report);
        }
        let restored = &mut meeting.restored;
        report.quarantined = self.bring_back(restored, &routes, &decision).await?;
        let settled_id = if wanted.without.is_empty() { report.first_id } else { settled };
        restored.begin_epoch(&decision, &now, &asked, (report.first_id, settled_id), floor).await?;
        Ok(report)
    }

    /// Sessions with the node and all that its changes can have reached, or come from.
    async fn convene(&mut self, wanted: &Rejoin) -> Result<Meeting, Error> {
        let restored = self.ask(&wanted.node).await?;
        let mut others = Vec::new();
        let mut away: Vec<(NodeId, Error)> = Vec::new();
        for node in self.connected(&wanted.node) {
            if wanted.without.contains(&node) {
                continue;
            }
            match self.ask(&node).await {
                Ok(asked) => others.push(asked),
                Err(error @ Error::Unreachable { .. }) => away.push((node, error)),
                Err(error) => return Err(error),
            }
        }
        let nodes = away.iter().map(|(node, _)| node.clone()).collect();
        match away.into_iter().next() {
            None => Ok(Meeting { restored, others }),
            Some((_, error)) => Err(Refusal::Away {
                node: wanted.node.clone(),
                away: nodes,
                source: Box::new(error),
            }
            .into()),
        }
    }

    pub(super) async fn ask(&mut self, node: &NodeId) -> Result<Asked, Error> {
        let session = self.session(node).await?;
        let templates = self.templates(session.brand())?;
        let page_rows = self.config.limits.batch_rows;
        let mut asked = Asked::new(node.clone(), session, templates, page_rows);
        asked.check_node().await?;
        Ok(asked)
    }

    /// The nodes that routes join to `node`, in either direction, without itself.
    pub(super) fn connected(&self, node: &NodeId) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::from([node.clone()]);
        loop {
            let is_new =
                |route: &&RoutePlan| found.contains(&route.from) != found.contains(&route.to);
            let Some(route) = self.routes.iter().find(is_new) else { break };
            let ends = [route.from.clone(), route.to.clone()];
            found.extend(ends);
        }
        found.remove(node);
        found
    }

    /// What the cursors of others have seen of the node, by route.
    async fn seen_by_others(
        &self,
        meeting: &mut Meeting,
        routes: &[RoutePlan],
    ) -> Result<Vec<(i64, Seen)>, Error> {
        let mut seen = Vec::new();
        for route in routes.iter().filter(|route| route.from == meeting.restored.node) {
            let target = meeting.others.iter_mut().find(|asked| asked.node == route.to);
            let Some(target) = target else { continue };
            let cursor = target.cursor(route.id).await?;
            seen.extend(cursor.source.map(|source| (route.id.0, source)));
        }
        Ok(seen)
    }

    /// Has the node import what it lost, under a route that leads to it; how many changes of it
    /// are in quarantine then.
    async fn bring_back(
        &mut self,
        restored: &mut Asked,
        routes: &[RoutePlan],
        decision: &Decision,
    ) -> Result<u64, Error> {
        let node = restored.node.clone();
        // A node that only stores and forwards has no tables that could have lost them.
        if decision.lost.is_empty() || self.is_store(&node) {
            return Ok(0);
        }
        let route = routes.iter().find(|route| route.to == node);
        let lost = decision.lost.len();
        let route = route.ok_or_else(|| Refusal::NoWayIn { node: node.clone(), lost })?;
        self.ensure_programs(&mut *restored.session, route).await?;
        let mut changes = restored.later_changes(&decision.lost).await?;
        changes.extend(decision.lost.iter().cloned());
        changes.sort_by_key(|change| change.source_id);
        outbox::join_sets(&mut changes);
        restored.write_inbox(route.id, &changes).await?;
        let session: &mut dyn Session = &mut *restored.session;
        let stop = AtomicBool::new(false);
        let done: import::Outcome = self.import_with(session, route, &stop, &mut |_| {}).await?;
        if done.is_stopped {
            let program = route.id.import_program();
            return Err(Refusal::Stopped { node, program }.into());
        }
        Ok(done.quarantined)
    }
}

/// Why the others would refuse the node, if they would.
async fn reason(
    restored: &mut Asked,
    wanted: &Rejoin,
    seen: &[(i64, Seen)],
) -> Result<Option<Stale>, Error> {
    let mut found = None;
    for (route, seen) in seen {
        let epoch = restored.epoch(*route).await?;
        found = found.or(epoch.stale_route.map(|route| Stale::SeenOn { route }));
        match epoch.check(seen) {
            Err(Stale::Replaced) if !wanted.is_replacement => {
                return Err(Refusal::Replaced { node: wanted.node.clone() }.into());
            }
            Err(reason) if reason.is_restored() => found = Some(reason),
            Err(reason) => found = found.or(Some(reason)),
            Ok(()) if seen.epoch < epoch.now.epoch => {
                let is_asked = epoch.route_epoch == Some(epoch.now.epoch);
                let unasked = Stale::Unasked { epoch: epoch.now.epoch };
                found = found.or((!is_asked).then_some(unasked));
            }
            Ok(()) => {}
        }
    }
    let stale_route = restored.epoch(0).await?.stale_route;
    Ok(found.or(stale_route.map(|route| Stale::SeenOn { route })))
}

impl Meeting {
    /// The stamp above all that anybody has.
    async fn stamp_floor(&mut self, node: &NodeId) -> Result<Option<String>, Error> {
        let mut newest = None;
        for asked in self.others.iter_mut().chain([&mut self.restored]) {
            newest = newest.max(asked.seen_of(node).await?.stamp);
        }
        Ok(newest.as_deref().and_then(outbox::next_stamp))
    }

    /// Changes that the restored node would need again and that are deleted elsewhere: those of
    /// other nodes, and its own after `carried_id`.
    async fn purged(
        &mut self,
        routes: &[RoutePlan],
        carried_id: i64,
    ) -> Result<Vec<Purged>, Error> {
        let mut purged = Vec::new();
        let restored = self.restored.node.clone();
        for route in routes.iter().filter(|route| route.to == restored) {
            let source = self.others.iter_mut().find(|asked| asked.node == route.from);
            let Some(source) = source else { continue };
            let carried_id = self.restored.cursor(route.id).await?.pointer;
            let known = source.seen_of(&restored).await?;
            // Where `purge` has deleted, it knows better than the gaps that rollbacks leave.
            let first_id = known.purged_outbox_id.map(|last| last + 1).or(known.first_outbox_id);
            let origin = route.from.clone();
            purged.extend(
                first_id.filter(|first| *first > carried_id + 1).map(|first_id| Purged {
                    node: origin.clone(),
                    origin,
                    carried_id,
                    first_id,
                }),
            );
        }
        let own = self.restored.seen_of(&restored).await?.purged_outbox_id;
        let carried_id = carried_id.max(own.unwrap_or(0));
        for asked in &mut self.others {
            let purged_id = asked.seen_of(&restored).await?.purged_id;
            if purged_id > carried_id {
                let (node, origin, first_id) =
                    (asked.node.clone(), restored.clone(), purged_id + 1);
                purged.push(Purged { node, origin, carried_id, first_id });
            }
        }
        Ok(purged)
    }

    /// Gives the node's newest changes ids that nobody has seen, and finds what it lost; both
    /// about ids above `after`. Nobody writes to the outbox meanwhile.
    async fn settle_ids(
        &mut self,
        wanted: &Rejoin,
        after: i64,
        carried_id: i64,
    ) -> Result<Decision, Error> {
        let node = wanted.node.clone();
        let mut seen_id = 0;
        for asked in self.others.iter_mut().chain([&mut self.restored]) {
            seen_id = seen_id.max(asked.seen_of(&node).await?.last_id);
        }
        if !wanted.is_dry_run {
            self.restored.rise_above(seen_id).await?;
        }
        self.restored.begin(Mode::Write).await?;
        self.restored.lock_outbox(after).await?;
        let mut comparison = Comparison::default();
        self.restored.hold_outbox(after, &mut comparison).await?;
        for asked in &mut self.others {
            asked.compare(&node, after, &mut comparison).await?;
        }
        let decision = comparison.decide(carried_id, seen_id);
        if decision.is_renumbered && !wanted.without.is_empty() {
            return Err(Refusal::Ambiguous { node }.into());
        }
        if wanted.is_dry_run {
            self.restored.rollback().await?;
        } else {
            self.restored.move_ids(&decision).await?;
        }
        Ok(decision)
    }
}
