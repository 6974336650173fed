//! Who sends what to whom.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::model::{NodeId, RouteId};

/// One route, with what travels on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePlan {
    /// The route's id.
    pub id: RouteId,
    /// The source.
    pub from: NodeId,
    /// The target.
    pub to: NodeId,
    /// Origins whose changes the source forwards from its inbox: those that reach it and that
    /// do not reach the target on a route of their own.
    pub forwards: Vec<NodeId>,
}

/// The routes of a configuration, by their ids, each with the origins that it forwards.
///
/// A hub forwards from its inbox what another node made: origin O travels from X to Y when O can
/// reach X and Y has no route from O itself. A change never returns to its origin.
#[must_use]
pub fn plan_routes(config: &Config) -> Vec<RoutePlan> {
    let mut routes: Vec<RoutePlan> = config
        .routes
        .iter()
        .map(|route| RoutePlan {
            id: route.id,
            from: route.from.clone(),
            to: route.to.clone(),
            forwards: forwards(config, &route.from, &route.to),
        })
        .collect();
    routes.sort_by_key(|route| route.id);
    routes
}

fn forwards(config: &Config, from: &NodeId, to: &NodeId) -> Vec<NodeId> {
    let direct = |origin: &NodeId| config.routes.iter().any(|r| r.from == *origin && r.to == *to);
    sources_of(config, from)
        .into_iter()
        .filter(|origin| origin != to && origin != from && !direct(origin))
        .collect()
}

/// Every node whose changes reach `node` over any number of routes.
fn sources_of(config: &Config, node: &NodeId) -> BTreeSet<NodeId> {
    let mut reached = BTreeSet::new();
    let mut to_visit = vec![node.clone()];
    while let Some(next) = to_visit.pop() {
        for route in config.routes.iter().filter(|route| route.to == next) {
            if reached.insert(route.from.clone()) {
                to_visit.push(route.from.clone());
            }
        }
    }
    reached
}
