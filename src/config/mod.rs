//! `outrigger.yaml` as types: what the user wants, before any decision.
//!
//! Text in, [`Config`] out; the caller reads the file and the environment.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::dialect::Brand;
use crate::model::{NodeId, RouteId};

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `object_database` of every change.
    pub database: String,
    /// Where the application's schema is read from.
    pub schema: SchemaSource,
    /// The participating databases.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Rules by table name or glob, in the order of the file; an exact name beats a glob, and
    /// the first glob that fits beats the later ones.
    pub tables: Vec<TableRule>,
    /// Who sends to whom.
    pub routes: Vec<Route>,
    /// How changes are captured.
    pub capture: Capture,
    /// Limits of the runner.
    pub limits: Limits,
    /// SHA-256 of what determines the emitted SQL, hexadecimal: database, schema source without
    /// paths, table rules and capture; nodes and routes do not take part.
    pub hash: String,
}

/// Where the schema comes from: files of one dialect, or a live node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaSource {
    /// `{ dialect: postgres, files: [schema.sql] }`; a folder stands for its `*.sql` files.
    Files {
        /// The dialect they are written in.
        dialect: Brand,
        /// Paths, relative to the configuration file.
        files: Vec<String>,
    },
    /// `{ node: server1 }`.
    Node(NodeId),
}

/// A participating database.
#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    /// The connection URL, its `${NAME}`s filled in. It may hold a password: print
    /// [`Node::display_url`] instead.
    pub url: String,
    /// The brand that the URL names.
    pub brand: Brand,
    /// Whether a password stands in the file in plain text.
    pub has_literal_password: bool,
}

/// One entry of `tables:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRule {
    /// A table's name, `namespace.name`, or a glob with `*` and `?`.
    pub pattern: String,
    /// What to do with the tables that fit.
    pub choice: TableChoice,
    /// Line and column of the entry, from 1.
    pub line: u64,
    /// See `line`.
    pub column: u64,
}

/// What a rule says of its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableChoice {
    /// `skip`: left alone, on purpose.
    Skip,
    /// Followed.
    Follow(TableOptions),
}

/// Options of a followed table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// The key to follow rows by; the primary key if empty.
    pub key: Vec<String>,
    /// The column in which the application keeps the time of the last change.
    pub last_update: Option<String>,
    /// The column with the user of the last change.
    pub updated_by_user: Option<String>,
    /// The column with the node of the last change.
    pub updated_by_server: Option<String>,
    /// Policies by column.
    pub columns: BTreeMap<String, Policy>,
    /// What a newer change protects.
    pub overwrite: Overwrite,
}

/// What happens to a column's values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Captured.
    #[default]
    Capture,
    /// Not captured; an application's own outbox rows may still carry it.
    Ignore,
    /// Its SHA-256 is captured.
    Hash,
    /// `***` is captured for text, NULL for other types.
    Mask,
    /// Not captured, and a change that names it is quarantined.
    Forbid,
}

/// What a newer change protects from an older one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overwrite {
    /// The column it changed.
    #[default]
    Column,
    /// The whole row, as DataJoin does.
    Record,
}

/// Changes of one node travel to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The id of its transport program; the import program has the next one.
    pub id: RouteId,
    /// The source.
    pub from: NodeId,
    /// The target.
    pub to: NodeId,
}

/// How changes are captured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capture {
    /// Whether triggers fill `object_operation_command`.
    pub command: CommandForm,
}

/// How quotes stand in `object_operation_command`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandForm {
    /// The column stays NULL.
    #[default]
    None,
    /// SQL literals with doubled quotes.
    Escaped,
    /// DataJoin's form: `~` for each quote.
    Tilde,
}

/// Limits of the runner. Each has a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows that travel together.
    pub batch_rows: usize,
    /// Bytes of row values that are held at once.
    pub batch_bytes: usize,
    /// Seconds to wait for a lock while installing.
    pub lock_wait_seconds: u64,
}

impl Node {
    /// The URL without its password, to show to people.
    #[must_use]
    pub fn display_url(&self) -> String {
        match url::Url::parse(&self.url) {
            Ok(mut url) if url.password().is_some() => match url.set_password(Some("***")) {
                Ok(()) => url.to_string(),
                Err(()) => format!("{}:***", self.brand),
            },
            Ok(_) => self.url.clone(),
            Err(_) => format!("{}:***", self.brand),
        }
    }
}

/// Without the password.
impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("url", &self.display_url()).finish_non_exhaustive()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { batch_rows: 5_000, batch_bytes: 8 << 20, lock_wait_seconds: 5 }
    }
}

impl Config {
    /// temporary
    pub fn rule_for(&self, table: &crate::model::TableName) -> Option<&TableRule> {
        let name = table.to_string();
        self.tables.iter().find(|rule| rule.pattern == name)
    }
}
