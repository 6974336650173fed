//! What a purge did, and what kept it from doing more.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::model::NodeId;

/// What was purged, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PurgeReport {
    /// Each node that was to be purged.
    pub nodes: Vec<NodePurge>,
    /// Whether nothing was written.
    pub is_dry_run: bool,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodePurge {
    /// Its id.
    pub node: NodeId,
    /// Why it was not purged to the end, if it was not.
    pub error: Option<String>,
    /// Changes of its own.
    pub outbox: Tally,
    /// Changes of others.
    pub inbox: Tally,
    /// Deleted rows that are forgotten.
    pub tombstones: Tally,
}

/// What became of the rows that are older than the retention.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many were deleted, or would be.
    pub deleted: u64,
    /// What holds others back. Several may hold one row.
    pub held: Vec<Hold>,
    /// Whether nothing is left in the table, or would be.
    #[serde(skip)]
    pub(super) is_emptied: bool,
}

/// Rows that something still needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// What needs them.
    pub by: String,
    /// The route that does, if it is one.
    pub route: Option<i64>,
    /// How many.
    pub rows: u64,
    /// The stamp of the first of them.
    pub since: Option<String>,
}

/// What holds rows back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holder {
    /// The node has not noted them itself.
    Fold,
    /// A route has not carried them.
    Route { route: i64, from: NodeId, to: NodeId, why: Option<String> },
    /// A route that once carried, and that nobody knows any more.
    Unknown { route: i64 },
    /// They are not imported.
    Import { route: i64, is_stopped: bool },
    /// They are in quarantine.
    Quarantine,
    /// Changes that are as old can be carried from there.
    Older { node: NodeId, table: &'static str },
    /// A node that cannot be asked may know something older.
    Away { node: NodeId },
}

impl Holder {
    fn route(&self) -> Option<i64> {
        match self {
            Self::Route { route, .. } | Self::Unknown { route } | Self::Import { route, .. } => {
                Some(*route)
            }
            Self::Fold | Self::Quarantine | Self::Older { .. } | Self::Away { .. } => None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fold => f.write_str("the node, which has not noted them yet"),
            Self::Route { route, from, to, why } => {
                write!(f, "route {route} ({from} to {to})")?;
                why.as_ref().map_or(Ok(()), |why| write!(f, ": {why}"))
            }
            Self::Unknown { route } => {
                write!(f, "route {route}, which is not in the configuration")
            }
            Self::Import { route, is_stopped } => {
                let stopped = if *is_stopped { ": it is stopped" } else { "" };
                write!(f, "the import of route {route}{stopped}")
            }
            Self::Quarantine => f.write_str("quarantine"),
            Self::Older { node, table } => {
                write!(f, "the {table} of node `{node}`, which has changes as old")
            }
            Self::Away { node } => write!(f, "node `{node}`, which cannot be asked"),
        }
    }
}

/// A tally while it is counted.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) deleted: u64,
    /// Whether there are rows that are not old.
    pub(super) has_young: bool,
    held: BTreeMap<Holder, (u64, Option<String>)>,
}

impl Count {
    /// Notes a row that is held back.
    pub(super) fn hold(&mut self, by: Holder, stamp: Option<&String>) {
        let (rows, since) = self.held.entry(by).or_default();
        *rows += 1;
        if since.is_none() || stamp.is_some_and(|stamp| Some(stamp) < since.as_ref()) {
            *since = stamp.cloned();
        }
    }

    pub(super) fn tally(self) -> Tally {
        let hold = |(holder, (rows, since)): (Holder, (u64, Option<String>))| Hold {
            by: holder.to_string(),
            route: holder.route(),
            rows,
            since,
        };
        Tally {
            is_emptied: !self.has_young && self.held.is_empty(),
            deleted: self.deleted,
            held: self.held.into_iter().map(hold).collect(),
        }
    }
}
