//! Deletes what nobody needs any more: changes that everybody has, deletes that everybody knows.
//!
//! Of the outbox that is what every route that leaves the node has carried, of the inbox what is
//! imported and forwarded; both only when they are older than their retention. That a row was
//! deleted is forgotten when no change that is older is in any outbox or inbox: then none can
//! arrive, or arrive again. What was deleted is remembered in `ds_purge`, by transport, which
//! refuses a route that lacks some of it, and by import, which keeps a change from before the
//! deletes in quarantine.

mod node;
mod report;
mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;

use self::node::{Forgetting, InboxRow, is_young, text_of_time};
use self::report::{Count, Holder};
pub use self::report::{Hold, NodePurge, PurgeReport, Tally};
use self::survey::Survey;
use super::rejoin::node::Asked;
use super::{Error, Runner};
use crate::model::{NodeId, stamp};
use crate::outbox::Cursor;
use crate::plan::RoutePlan;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Purge {
    /// The nodes that are purged; none: all.
    pub nodes: Vec<NodeId>,
    /// Routes that are no longer in the configuration, and shall not be waited for.
    pub forgotten_routes: BTreeSet<i64>,
    /// Whether nothing is written.
    pub is_dry_run: bool,
}

/// The nodes that routes join to those that are purged.
struct Nodes {
    asked: BTreeMap<NodeId, Asked>,
    away: BTreeMap<NodeId, Error>,
    /// Tables that would be empty by now if this was not a dry run.
    emptied: BTreeSet<(NodeId, &'static str)>,
}

impl Nodes {
    fn away(&self) -> BTreeSet<NodeId> {
        self.away.keys().cloned().collect()
    }

    fn why_away(&self, node: &NodeId) -> String {
        match self.away.get(node) {
            None | Some(Error::Unreachable { .. }) => format!("node `{node}` does not answer"),
            Some(error) => text_of(error),
        }
    }

    fn is_about(&self, route: &RoutePlan) -> bool {
        let is_here = |node| self.asked.contains_key(node) || self.away.contains_key(node);
        is_here(&route.from) && is_here(&route.to)
    }
}

/// The oldest change that could still be carried, and whose it is.
struct Oldest {
    /// `None`: that cannot be told.
    stamp: Option<String>,
    holder: Holder,
}

/// Until when something is old, on a node's clock.
struct Age {
    now: String,
    cutoff: String,
}

impl Runner {
    /// Deletes what is older than the retention and no longer needed. What a node that does not
    /// answer may need stays.
    ///
    /// # Errors
    /// When a node refuses while all are asked what they need; what stops the purge of a single
    /// node is told in the report.
    pub async fn purge(&mut self, wanted: &Purge) -> Result<PurgeReport, Error> {
        let targets = if wanted.nodes.is_empty() {
            self.places.keys().cloned().collect()
        } else {
            wanted.nodes.clone()
        };
        let mut nodes = self.gather(&targets).await;
        let routes = self.routes.clone();
        let mut survey = Survey::make(&mut nodes, &routes, &wanted.forgotten_routes).await?;
        survey.stores = targets.iter().filter(|node| self.is_store(node)).cloned().collect();
        let mut report = PurgeReport { nodes: Vec::new(), is_dry_run: wanted.is_dry_run };
        for target in &targets {
            let purge = self.purge_changes(target, &mut nodes, &survey, wanted).await;
            for (table, tally) in [("outbox", &purge.outbox), ("inbox", &purge.inbox)] {
                if wanted.is_dry_run && tally.is_emptied {
                    nodes.emptied.insert((target.clone(), table));
                }
            }
            report.nodes.push(purge);
        }
        // Only now: what was deleted above cannot be carried again.
        for purge in report.nodes.iter_mut().filter(|purge| purge.error.is_none()) {
            let done = self.purge_tombstones(&purge.node, &mut nodes, &survey, wanted).await;
            match done {
                Ok(tally) => purge.tombstones = tally,
                Err(error) => purge.error = Some(text_of(&error)),
            }
        }
        // A session that refused something may be inside a transaction.
        let is_whole = |node: &NodeId| {
            report.nodes.iter().all(|purge| purge.node != *node || purge.error.is_none())
        };
        for (node, asked) in nodes.asked.into_iter().filter(|(node, _)| is_whole(node)) {
            self.sessions.insert(node, asked.session);
        }
        Ok(report)
    }

    /// Lets a route go on although its source has purged what it had not carried: somebody has
    /// seen to it that its target has this by other means. False when nothing was in its way.
    ///
    /// # Errors
    /// When a node does not answer or refuses.
    pub async fn admit(&mut self, route: &RoutePlan) -> Result<bool, Error> {
        let mut source = self.ask(&route.from).await?;
        let mut target = self.ask(&route.to).await?;
        let purged = source.purges().await?;
        let cursor = target.programs(route.id).await?.cursor;
        let lacks = purged.check(&cursor, route.forwards_from.iter().map(|r| r.0)).is_err();
        if lacks {
            target.admit(route.id, &purged).await?;
        }
        for asked in [source, target] {
            self.sessions.insert(asked.node, asked.session);
        }
        Ok(lacks)
    }

    async fn gather(&mut self, targets: &[NodeId]) -> Nodes {
        let mut all: BTreeSet<NodeId> = targets.iter().cloned().collect();
        for target in targets {
            all.extend(self.connected(target));
        }
        let (asked, away, emptied) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let mut nodes = Nodes { asked, away, emptied };
        for node in all {
            match self.ask(&node).await {
                Ok(asked) => drop(nodes.asked.insert(node, asked)),
                Err(error) => drop(nodes.away.insert(node, error)),
            }
        }
        nodes
    }

    /// Outbox and inbox of a node.
    async fn purge_changes(
        &self,
        target: &NodeId,
        nodes: &mut Nodes,
        survey: &Survey,
        wanted: &Purge,
    ) -> NodePurge {
        let empty = Tally::default;
        let mut purge = NodePurge {
            node: target.clone(),
            error: nodes.away.get(target).map(text_of),
            outbox: empty(),
            inbox: empty(),
            tombstones: empty(),
        };
        let Some(asked) = nodes.asked.get_mut(target) else { return purge };
        match self.purge_outbox(asked, survey, wanted).await {
            Ok(tally) => purge.outbox = tally,
            Err(error) => purge.error = Some(text_of(&error)),
        }
        if purge.error.is_none() {
            match self.purge_inbox(asked, survey, wanted).await {
                Ok(tally) => purge.inbox = tally,
                Err(error) => purge.error = Some(text_of(&error)),
            }
        }
        purge
    }

    async fn purge_outbox(
        &self,
        asked: &mut Asked,
        survey: &Survey,
        wanted: &Purge,
    ) -> Result<Tally, Error> {
        let Some(age) = age(asked, self.config.limits.outbox_retention).await? else {
            return Ok(Tally::default());
        };
        let mut holders: Vec<(Holder, Cursor)> = Vec::new();
        if !wanted.is_dry_run {
            self.note_own_changes(asked).await?;
            holders.push((Holder::Fold, asked.fold_cursor().await?));
        }
        holders.extend(survey.from(&asked.node).map(|route| (route.holder(), route.cursor())));
        for route in survey.unknown.get(&asked.node).into_iter().flatten() {
            holders.push((Holder::Unknown { route: *route }, Cursor::default()));
        }
        let (holders, cursors): (Vec<Holder>, Vec<Cursor>) = holders.into_iter().unzip();
        let mut count = Count::default();
        let (mut last_id, mut is_done) = (0, false);
        while !is_done {
            let page = asked.outbox_page(last_id, &cursors).await?;
            is_done = page.len() < asked.page_rows;
            let mut ids = Vec::new();
            for row in page {
                if is_young(row.stamp.as_deref(), &age.cutoff, &age.now) {
                    // So are all that follow, whatever an application wrote as their stamps.
                    (is_done, count.has_young) = (true, true);
                    break;
                }
                last_id = row.id;
                if row.holders.is_empty() {
                    ids.push(row.id);
                }
                for position in row.holders {
                    count.hold(holders[position].clone(), row.stamp.as_ref());
                }
            }
            count.deleted += ids.len() as u64;
            if !wanted.is_dry_run {
                asked.purge_outbox(&ids).await?;
            }
        }
        Ok(count.tally())
    }

    /// A node on which nothing was imported for long has not noted its own changes for as long.
    /// One whose tables are not there imports nothing either.
    async fn note_own_changes(&self, asked: &mut Asked) -> Result<(), Error> {
        let node = asked.node.clone();
        let session = &mut *asked.session;
        let mut importer = match self.importers.get(&node) {
            Some(importer) => importer.clone(),
            None => match self.importer(session, &node).await {
                Err(Error::Mismatch { .. }) => return Ok(()),
                importer => importer?,
            },
        };
        let noted = importer.note_own_changes(session).await;
        noted.map_err(|source| Error::Import { node, source })
    }

    async fn purge_inbox(
        &self,
        asked: &mut Asked,
        survey: &Survey,
        wanted: &Purge,
    ) -> Result<Tally, Error> {
        let Some(age) = age(asked, self.config.limits.inbox_retention).await? else {
            return Ok(Tally::default());
        };
        let mut count = Count::default();
        let (mut last_id, mut is_done) = (0, false);
        while !is_done {
            let page = asked.inbox_page(last_id).await?;
            is_done = page.len() < asked.page_rows;
            let mut rows = Vec::new();
            for row in page {
                if is_young(row.stamp.as_deref(), &age.cutoff, &age.now) {
                    (is_done, count.has_young) = (true, true);
                    break;
                }
                last_id = row.id;
                match holder_of(&asked.node, &row, survey) {
                    Some(holder) => count.hold(holder, row.stamp.as_ref()),
                    None => rows.push(row),
                }
            }
            count.deleted += rows.len() as u64;
            if !wanted.is_dry_run && !rows.is_empty() {
                asked.purge_inbox(&rows).await?;
            }
        }
        Ok(count.tally())
    }

    async fn purge_tombstones(
        &self,
        target: &NodeId,
        nodes: &mut Nodes,
        survey: &Survey,
        wanted: &Purge,
    ) -> Result<Tally, Error> {
        let Some(asked) = nodes.asked.get_mut(target) else { return Ok(Tally::default()) };
        let Some(age) = age(asked, self.config.limits.tombstone_retention).await? else {
            return Ok(Tally::default());
        };
        let mut after = (String::new(), String::new());
        if asked.tombstone_page(&after, &age.cutoff).await?.is_empty() {
            return Ok(Tally::default());
        }
        let (oldest, knowing) = oldest(nodes, survey).await?;
        let Some(asked) = nodes.asked.get_mut(target) else { return Ok(Tally::default()) };
        let before = oldest.as_ref().map_or(Some(&age.cutoff), |oldest| {
            oldest.stamp.as_ref().map(|stamp| stamp.min(&age.cutoff))
        });
        let mut count = Count::default();
        let mut is_done = false;
        while !is_done {
            let page = asked.tombstone_page(&after, &age.cutoff).await?;
            is_done = page.len() < asked.page_rows;
            after = page.last().map_or(after, |row| row.name.clone());
            let old = page.into_iter().filter(|row| row.stamp < age.cutoff);
            let (free, held): (Vec<_>, Vec<_>) =
                old.partition(|row| before.is_some_and(|before| row.stamp < *before));
            for row in held {
                if let Some(oldest) = &oldest {
                    count.hold(oldest.holder.clone(), Some(&row.stamp));
                }
            }
            count.deleted += match before {
                Some(before) if !wanted.is_dry_run && !free.is_empty() => {
                    asked.forget(&free, &Forgetting { before, knowing: &knowing }).await?
                }
                _ => free.len() as u64,
            };
        }
        Ok(count.tally())
    }
}

/// What needs a row of a node's inbox.
fn holder_of(node: &NodeId, row: &InboxRow, survey: &Survey) -> Option<Holder> {
    let unknown = survey.unknown.get(node).and_then(|routes| routes.first());
    if survey.import_pointer(row.route).is_none_or(|pointer| row.id > pointer) {
        let route = survey.routes.iter().find(|surveyed| surveyed.route.id.0 == row.route);
        return Some(match route.map(|surveyed| (&surveyed.programs, surveyed)) {
            Some((Err(_), surveyed)) => surveyed.holder(),
            Some((Ok(programs), _)) => {
                Holder::Import { route: row.route, is_stopped: !programs.imports }
            }
            None => Holder::Import { route: row.route, is_stopped: false },
        });
    }
    if row.is_quarantined {
        return Some(Holder::Quarantine);
    }
    let has_not_forwarded = |surveyed: &&survey::Surveyed| {
        let forwards = surveyed.route.forwards_from.iter().any(|route| route.0 == row.route);
        let forwarded = surveyed.cursor().forwards.get(&row.route).copied().unwrap_or(0);
        forwards && forwarded < row.id
    };
    let mut leaving = survey.from(node);
    let holder = leaving.find(has_not_forwarded).map(survey::Surveyed::holder);
    holder
        .or_else(|| unknown.map(|route| Holder::Unknown { route: *route }))
        .or_else(|| Some(survey.brings_again(node, &row.origin, row.source_id)?.holder()))
}

/// The oldest change that any node still has, and the highest id of each node's changes. None
/// where no node has any.
async fn oldest(
    nodes: &mut Nodes,
    survey: &Survey,
) -> Result<(Option<Oldest>, BTreeMap<String, i64>), Error> {
    let mut knowing = BTreeMap::new();
    let away = survey.away.iter().map(|node| Holder::Away { node: node.clone() });
    let unknown = survey.unknown.values().flatten().map(|id| Holder::Unknown { route: *id });
    let stale = survey.routes.iter().filter(|route| route.programs.is_err());
    let holders = away.chain(unknown).chain(stale.map(survey::Surveyed::holder));
    let mut found: Vec<Oldest> = holders.map(|holder| Oldest { stamp: None, holder }).collect();
    let emptied = &nodes.emptied;
    for (node, asked) in &mut nodes.asked {
        let reach = asked.reach().await?;
        knowing.insert(node.0.clone(), reach.last_id);
        for (table, text) in [("outbox", reach.outbox_stamp), ("inbox", reach.inbox_stamp)] {
            let holder = Holder::Older { node: node.clone(), table };
            let text = text.filter(|_| !emptied.contains(&(node.clone(), table)));
            found.extend(text.map(|text| Oldest { stamp: stamp(&text).ok(), holder }));
        }
    }
    // None, which cannot be told, comes before every stamp.
    Ok((found.into_iter().min_by(|one, other| one.stamp.cmp(&other.stamp)), knowing))
}

/// What is old on a node; `None` where everything is kept.
async fn age(asked: &mut Asked, retention: Option<Duration>) -> Result<Option<Age>, Error> {
    let Some(retention) = retention else { return Ok(None) };
    let now = asked.clock().await?;
    let retention = TimeDelta::from_std(retention).ok();
    let cutoff = retention.and_then(|retention| now.checked_sub_signed(retention));
    Ok(cutoff
        .filter(|cutoff| chrono::Datelike::year(cutoff) >= 1)
        .map(|cutoff| Age { now: text_of_time(now), cutoff: text_of_time(cutoff) }))
}

/// An error with its causes.
fn text_of(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
