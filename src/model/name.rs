//! The names by which nodes and routes are known.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A participating database's own id, as the configuration's `nodes:` names it and as
/// `updated_by_server_id` carries it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub String);

impl NodeId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for NodeId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// The number of a route: the id of its transport program in `ds_program_parameter`.
/// Its import program has the next number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RouteId(pub i64);

impl RouteId {
    /// The id of the route's `outbox to inbox transport` program.
    #[must_use]
    pub fn transport_program(self) -> i64 {
        self.0
    }

    /// The id of the route's `inbox to apptable import` program.
    #[must_use]
    pub fn import_program(self) -> i64 {
        self.0 + 1
    }
}

impl fmt::Display for RouteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The tables that Outrigger keeps on a node; a schema that is read from a live node has them
/// beside the application's, and they are never followed.
pub const CONTROL_TABLES: [&str; 12] = [
    "ds_change_inbox",
    "ds_change_outbox",
    "ds_change_version",
    "ds_conflict",
    "ds_epoch",
    "ds_exchange",
    "ds_import_marker",
    "ds_migration_history",
    "ds_node",
    "ds_program_parameter",
    "ds_quarantine",
    "ds_replaced",
];
