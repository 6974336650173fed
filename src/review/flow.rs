//! The nodes and routes as places on a picture.

use serde::Serialize;

use crate::config::Config;

/// Half of the picture's width.
const MIDDLE: f64 = 180.0;
/// The nodes stand on a circle of this size.
const RADIUS: f64 = 120.0;
/// How far an arrow stays away from the middle of its nodes.
const GAP: f64 = 40.0;
/// Two routes of opposite directions are this far from the line between their nodes.
const SIDE: f64 = 7.0;
/// More nodes than this are listed and not drawn.
const NODES_MAX: usize = 16;

/// A picture; without places when there are too many nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// The nodes.
    pub places: Vec<NodePlace>,
    /// The routes.
    pub arrows: Vec<Arrow>,
}

/// Where a node is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodePlace {
    /// The node.
    pub node: String,
    /// What fits into its box.
    pub label: String,
    /// Its brand, or that it is a store.
    pub kind: String,
    /// The middle of its box, from the left.
    pub x: String,
    /// The middle of its box, from the top.
    pub y: String,
}

/// A route's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arrow {
    /// The route.
    pub route: String,
    /// The beginning, from the left.
    pub x1: String,
    /// The beginning, from the top.
    pub y1: String,
    /// The end, from the left.
    pub x2: String,
    /// The end, from the top.
    pub y2: String,
}

/// Draws a configuration.
#[must_use]
pub(super) fn flow(config: &Config) -> Flow {
    let count = config.nodes.len();
    if count > NODES_MAX {
        return Flow { places: Vec::new(), arrows: Vec::new() };
    }
    let ids: Vec<_> = config.nodes.keys().collect();
    let place = |index: usize| {
        let turn = std::f64::consts::TAU * as_float(index) / as_float(count);
        (MIDDLE + RADIUS * turn.sin(), MIDDLE - RADIUS * turn.cos())
    };
    let places = config.nodes.iter().enumerate().map(|(index, (id, node))| {
        let (x, y) = place(index);
        let kind = if node.is_store { "store" } else { &node.brand.dialect().title };
        let (x, y) = (number(x), number(y));
        NodePlace { node: id.to_string(), label: short(id.as_str()), kind: kind.to_owned(), x, y }
    });
    let arrows = config.routes.iter().filter_map(|route| {
        let at = |node| ids.iter().position(|id| *id == node).map(place);
        let ((x1, y1), (x2, y2)) = (at(&route.from)?, at(&route.to)?);
        let length = (x2 - x1).hypot(y2 - y1).max(1.0);
        let (right, down) = ((x2 - x1) / length, (y2 - y1) / length);
        let (beside_x, beside_y) = (-down * SIDE, right * SIDE);
        Some(Arrow {
            route: route.id.to_string(),
            x1: number(x1 + right * GAP + beside_x),
            y1: number(y1 + down * GAP + beside_y),
            x2: number(x2 - right * GAP + beside_x),
            y2: number(y2 - down * GAP + beside_y),
        })
    });
    Flow { places: places.collect(), arrows: arrows.collect() }
}

fn as_float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Whole numbers, so that no machine's last digit shows.
fn number(value: f64) -> String {
    format!("{value:.0}")
}

/// What fits into a box.
fn short(name: &str) -> String {
    const LETTERS: usize = 11;
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    let head: String = name.chars().take(LETTERS - 1).collect();
    format!("{head}…")
}
