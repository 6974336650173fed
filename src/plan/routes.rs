//! Who sends what to whom.

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
