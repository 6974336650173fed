//! What is said about clocks that differ.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Runner;
use crate::config::Limits;
use crate::model::NodeId;
use crate::outbox::Skew;
use crate::plan::RoutePlan;
use crate::transport::Outcome;

/// How a difference of clocks stands to the limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SkewState {
    /// Within them.
    #[default]
    Fine,
    /// Beyond `skew_warning`.
    Warning,
    /// Beyond `skew_refusal`: nothing is carried.
    Refused,
}

impl SkewState {
    /// The state of a difference.
    #[must_use]
    pub fn of(skew: Skew, limits: &Limits) -> Self {
        let is_beyond = |limit: Option<Duration>| limit.is_some_and(|limit| skew.is_beyond(limit));
        if is_beyond(limits.skew_refusal) {
            Self::Refused
        } else if is_beyond(limits.skew_warning) {
            Self::Warning
        } else {
            Self::Fine
        }
    }
}

/// News about the clocks of a route's ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkewNote {
    ends: [NodeId; 2],
    skew: Skew,
    state: SkewState,
}

impl fmt::Display for SkewNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = &self.ends;
        if self.state == SkewState::Fine {
            return write!(f, "the clocks of nodes `{from}` and `{to}` agree again");
        }
        let (ahead, behind) = if self.skew.ahead_ms < 0 { (to, from) } else { (from, to) };
        let by = Duration::from_millis(self.skew.ahead_ms.unsigned_abs());
        write!(f, "the clock of node `{ahead}` is {by:?} ahead of node `{behind}`")
    }
}

impl Runner {
    /// What there is to say of a route's clocks after an iteration: only when it has changed.
    pub fn skew_note(&mut self, route: &RoutePlan, outcome: &Outcome) -> Option<SkewNote> {
        let skew = outcome.skew?;
        let state = SkewState::of(skew, &self.config.limits);
        let before = self.skews.insert(route.id, state).unwrap_or_default();
        let ends = [route.from.clone(), route.to.clone()];
        (before != state).then_some(SkewNote { ends, skew, state })
    }
}
