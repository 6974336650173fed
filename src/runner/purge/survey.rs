//! What all routes have carried, and what is still on its way.
//!
//! All cursors are read before anything is looked for behind them. So a change that travels on
//! while the nodes are asked one after the other is still found behind a cursor that was read
//! before it did.

use std::collections::{BTreeMap, BTreeSet};

use super::node::{Programs, own};
use super::report::Holder;
use super::{Error, Nodes};
use crate::model::NodeId;
use crate::outbox::Cursor;
use crate::plan::RoutePlan;

/// A route as its ends tell of it.
pub(super) struct Surveyed {
    pub(super) route: RoutePlan,
    /// How far it has come in the life of its source that it carries from now, or why that cannot
    /// be told.
    pub(super) programs: Result<Programs, String>,
    /// The lowest id of each origin that is on its way; `None` where that cannot be told.
    waiting: Option<BTreeMap<String, i64>>,
}

/// All routes, and who cannot be asked.
pub(super) struct Survey {
    pub(super) routes: Vec<Surveyed>,
    pub(super) away: BTreeSet<NodeId>,
    /// Routes that have carried and are not in the configuration, by their source.
    pub(super) unknown: BTreeMap<NodeId, Vec<i64>>,
    /// Nodes that import nothing.
    pub(super) stores: BTreeSet<NodeId>,
}

impl Survey {
    /// Asks all nodes. Routes of `forgotten` are not waited for.
    pub(super) async fn make(
        nodes: &mut Nodes,
        routes: &[RoutePlan],
        forgotten: &BTreeSet<i64>,
    ) -> Result<Self, Error> {
        let mut survey = Self {
            routes: Vec::new(),
            away: nodes.away(),
            unknown: BTreeMap::new(),
            stores: BTreeSet::new(),
        };
        let here: Vec<&RoutePlan> = routes.iter().filter(|route| nodes.is_about(route)).collect();
        for route in here {
            let programs = programs(nodes, route).await?;
            survey.routes.push(Surveyed { route: route.clone(), programs, waiting: None });
        }
        for surveyed in &mut survey.routes {
            surveyed.waiting = waiting(nodes, surveyed).await?;
        }
        for (node, asked) in &mut nodes.asked {
            let leaves = |id: &i64| routes.iter().any(|r| r.id.0 == *id && r.from == *node);
            let mut unknown = asked.exchanges().await?;
            unknown.retain(|id| !leaves(id) && !forgotten.contains(id));
            survey.unknown.insert(node.clone(), unknown);
        }
        Ok(survey)
    }

    /// The routes that leave a node.
    pub(super) fn from<'a>(&'a self, node: &NodeId) -> impl Iterator<Item = &'a Surveyed> {
        self.routes.iter().filter(move |surveyed| surveyed.route.from == *node)
    }

    /// How far the import of a route has come; a store has nothing to wait for.
    pub(super) fn import_pointer(&self, route: i64) -> Option<i64> {
        let surveyed = self.routes.iter().find(|surveyed| surveyed.route.id.0 == route)?;
        if self.stores.contains(&surveyed.route.to) {
            return Some(i64::MAX);
        }
        Some(surveyed.programs.as_ref().ok()?.import_pointer)
    }

    /// The route that may still bring a change to a node that already has it, where several
    /// bring changes of its origin: a change that came back after it was forgotten would be sent
    /// on once more.
    pub(super) fn brings_again(
        &self,
        node: &NodeId,
        origin: &str,
        source_id: i64,
    ) -> Option<&Surveyed> {
        let carries = |surveyed: &&Surveyed| {
            let route = &surveyed.route;
            route.from.as_str() == origin || route.forwards.iter().any(|o| o.as_str() == origin)
        };
        let ways = || self.routes.iter().filter(carries);
        if ways().filter(|surveyed| surveyed.route.to == *node).count() < 2 {
            return None;
        }
        ways().find(|surveyed| match &surveyed.waiting {
            None => true,
            Some(waiting) => waiting.get(origin).is_some_and(|first| *first <= source_id),
        })
    }
}

impl Surveyed {
    /// The route as what holds rows back.
    pub(super) fn holder(&self) -> Holder {
        let why = match &self.programs {
            Err(why) => Some(why.clone()),
            Ok(programs) if !programs.transports => Some("it is stopped".to_owned()),
            Ok(_) => None,
        };
        let RoutePlan { id, from, to, .. } = &self.route;
        Holder::Route { route: id.0, from: from.clone(), to: to.clone(), why }
    }

    /// What it has carried; nothing, as far as anybody knows, where nobody tells.
    pub(super) fn cursor(&self) -> Cursor {
        self.programs.as_ref().map(|programs| programs.cursor.clone()).unwrap_or_default()
    }
}

async fn programs(nodes: &mut Nodes, route: &RoutePlan) -> Result<Result<Programs, String>, Error> {
    let Some(target) = nodes.asked.get_mut(&route.to) else {
        return Ok(Err(nodes.why_away(&route.to)));
    };
    let mut programs = target.programs(route.id).await?;
    let Some(source) = nodes.asked.get_mut(&route.from) else {
        return Ok(Err(nodes.why_away(&route.from)));
    };
    match source.epoch(route.id.0).await?.resume(&programs.cursor) {
        Ok(cursor) => programs.cursor = cursor,
        Err(stale) => return Ok(Err(format!("node `{}` {stale}", route.from))),
    }
    Ok(Ok(programs))
}

async fn waiting(
    nodes: &mut Nodes,
    surveyed: &Surveyed,
) -> Result<Option<BTreeMap<String, i64>>, Error> {
    let (route, Ok(programs)) = (&surveyed.route, &surveyed.programs) else { return Ok(None) };
    let Some(source) = nodes.asked.get_mut(&route.from) else { return Ok(None) };
    let mut waiting = BTreeMap::new();
    waiting.extend(own(&route.from, source.pending(&programs.cursor).await?));
    for arrived_on in &route.forwards_from {
        let pointer = programs.cursor.forwards.get(&arrived_on.0).copied().unwrap_or(0);
        for (origin, id) in source.waiting(*arrived_on, pointer).await? {
            if route.forwards.iter().any(|known| known.as_str() == origin) {
                let first = waiting.entry(origin).or_insert(id);
                *first = id.min(*first);
            }
        }
    }
    Ok(Some(waiting))
}
