//! Who sends what to whom.

use std::collections::BTreeSet;

use crate::config::{Config, Route};
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
    /// The routes on which such changes reach the source; empty where nothing is forwarded.
    pub forwards_from: Vec<RouteId>,
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
        .map(|route| {
            let forwards = forwards(config, &route.from, &route.to);
            let reaches_source = |other: &&Route| other.to == route.from && !forwards.is_empty();
            RoutePlan {
                id: route.id,
                from: route.from.clone(),
                to: route.to.clone(),
                forwards_from: config.routes.iter().filter(reaches_source).map(|r| r.id).collect(),
                forwards,
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(pairs: &[(&str, &str)]) -> Vec<String> {
        let nodes: BTreeSet<&str> = pairs.iter().flat_map(|(from, to)| [*from, *to]).collect();
        let mut text =
            String::from("database: d\nschema: { dialect: sqlite, files: [s.sql] }\nnodes:\n");
        for node in nodes {
            text.push_str(&format!("  {node}: {{ url: \"sqlite:{node}.db\" }}\n"));
        }
        text.push_str("tables: { \"*\": skip }\nroutes:\n");
        for (index, (from, to)) in pairs.iter().enumerate() {
            text.push_str(&format!("  - {{ id: {}, from: {from}, to: {to} }}\n", 1000 + 2 * index));
        }
        let config = crate::config::parse("c.yaml", &text, &std::collections::BTreeMap::new())
            .expect("the configuration is right");
        plan_routes(&config)
            .iter()
            .map(|route| {
                let origins: Vec<&str> = route.forwards.iter().map(NodeId::as_str).collect();
                format!("{}>{}: {}", route.from, route.to, origins.join(","))
            })
            .collect()
    }

    #[test]
    fn a_pair_forwards_nothing() {
        assert_eq!(forwarded(&[("a", "b"), ("b", "a")]), ["a>b: ", "b>a: "]);
    }

    #[test]
    fn a_hub_forwards_between_its_spokes() {
        let star = [("a", "h"), ("h", "a"), ("b", "h"), ("h", "b")];
        assert_eq!(forwarded(&star), ["a>h: ", "h>a: b", "b>h: ", "h>b: a"]);
    }

    #[test]
    fn a_ring_forwards_all_but_what_comes_directly() {
        let ring = [("a", "b"), ("b", "c"), ("c", "a")];
        assert_eq!(forwarded(&ring), ["a>b: c", "b>c: a", "c>a: b"]);
    }

    #[test]
    fn a_full_mesh_forwards_nothing() {
        let mesh = [("a", "b"), ("b", "a"), ("a", "c"), ("c", "a"), ("b", "c"), ("c", "b")];
        assert!(forwarded(&mesh).iter().all(|route| route.ends_with(": ")));
    }
}
