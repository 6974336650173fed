//! `outrigger.yaml` as types: what the user wants, before any decision.
//!
//! Text in, [`Config`] out; the caller reads the file and the environment.

mod closest;
mod error;
mod glob;
mod guid;
mod node;
mod raw;
mod resolve;
mod spanned;
#[cfg(test)]
mod tests;
mod variables;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

pub use closest::closest;
pub use error::Error;
pub use guid::{Guid, GuidFill};
pub use node::Node;
pub use spanned::Place;

use crate::dialect::Brand;
use crate::model::{Location, NodeId, RouteId, TableName};

/// Every option with a comment; it parses.
pub const REFERENCE: &str = include_str!("reference.yaml");

/// What a configuration may refer to besides its own text.
pub struct Surroundings<'a> {
    /// What `${NAME}` is filled from.
    pub variables: &'a BTreeMap<String, String>,
    /// The text of a `url_file:`, by its path as written.
    pub read_file: &'a dyn Fn(&str) -> std::io::Result<String>,
    /// Whether a URL's variables have to be set. Without, they stay in the URL as `${NAME}`, so
    /// that the SQL can be emitted and checked where no password is known.
    pub needs_secrets: bool,
}

/// Reads a configuration that refers to no files; every variable has to be set.
/// `path` is only for messages.
///
/// # Errors
/// The first place that is not understood, with line and column.
pub fn parse(
    path: &str,
    text: &str,
    variables: &BTreeMap<String, String>,
) -> Result<Config, Error> {
    let read_file = |_: &str| Err(std::io::ErrorKind::Unsupported.into());
    let surroundings = Surroundings { variables, read_file: &read_file, needs_secrets: true };
    parse_within(path, text, &surroundings)
}

/// As [`parse`], with the files and the variables of `surroundings`.
///
/// # Errors
/// The first place that is not understood, with line and column.
pub fn parse_within(
    path: &str,
    text: &str,
    surroundings: &Surroundings<'_>,
) -> Result<Config, Error> {
    let raw = raw::read(path, text)?;
    resolve::config(path, raw, surroundings)
}

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The path that messages name.
    pub path: String,
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
    /// Findings that were looked at and may stand.
    pub suppressions: Vec<Suppression>,
    /// Limits of the runner.
    pub limits: Limits,
    /// Who is given which rights.
    pub roles: Roles,
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
    /// The key to follow rows by; the primary key if empty. The column of [`Self::guid`] where
    /// there is one.
    pub key: Vec<String>,
    /// Where rows are followed by a GUID instead of the application's key.
    pub guid: Option<Guid>,
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
    /// What happens to rows that cannot stand together.
    pub collisions: Collisions,
    /// Where columns are named, by (option, column); the option is `key`, `guid_column`,
    /// `last_update`, `updated_by_user`, `updated_by_server` or `columns`.
    pub places: BTreeMap<(&'static str, String), Place>,
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
    /// Not captured, on its way out of the tables: where it is gone, a change is imported without
    /// it. The schema need not have it any more.
    Dropped,
}

impl Policy {
    /// Whether the triggers leave the column alone.
    #[must_use]
    pub fn is_left_out(self) -> bool {
        matches!(self, Self::Ignore | Self::Forbid | Self::Dropped)
    }
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

/// What happens when nodes made rows that a unique or foreign key does not let stand together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Collisions {
    /// They are settled alike on every node, without deleting anything.
    #[default]
    Settle,
    /// The change waits in quarantine until a person decides.
    Quarantine,
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
    /// Where its id stands.
    pub place: Place,
}

/// One entry of `findings:`: findings that were looked at and may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The findings' id.
    pub id: String,
    /// A table's name or a glob; `None` for findings of any table and of none.
    pub table: Option<String>,
    /// The column.
    pub column: Option<String>,
    /// The brand that they are about.
    pub brand: Option<Brand>,
    /// Why they may stand; never empty.
    pub reason: String,
    /// Where its id stands.
    pub place: Place,
}

/// Database roles or users that `generate` writes rights for; those that are not named get
/// none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// Installs, and owns what is installed.
    pub owner: Option<String>,
    /// Transports and imports.
    pub runner: Option<String>,
    /// Writes the application's tables.
    pub application: Option<String>,
}

/// How changes are captured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capture {
    /// Whether triggers fill `object_operation_command`.
    pub command: CommandForm,
    /// What happens where foreign keys write rows that nothing can record.
    pub cascades: CascadeRule,
    /// Whether triggers wake a runner that sleeps.
    pub wake: WakeRule,
}

/// How a runner comes to know of a change on a brand whose triggers could tell it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WakeRule {
    /// The triggers tell it, when it sleeps.
    #[default]
    Notify,
    /// It looks.
    Poll,
}

/// What happens where foreign keys write rows that nothing can record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CascadeRule {
    /// Nothing is generated for a brand that sends.
    #[default]
    Refuse,
    /// They are left unrecorded.
    Leave,
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

/// A day, whatever clocks are set to.
const DAY: Duration = Duration::from_hours(24);

/// Limits of the runner. Each has a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows that travel together.
    pub batch_rows: usize,
    /// Changes that one change set may have.
    pub change_set_rows: usize,
    /// Bytes of row values that are held at once.
    pub batch_bytes: usize,
    /// Seconds to wait for a lock while installing.
    pub lock_wait_seconds: u64,
    /// How far the clocks of a route's ends may differ before it is said.
    pub skew_warning: Option<Duration>,
    /// How far they may differ before the route carries nothing.
    pub skew_refusal: Option<Duration>,
    /// How long a change that was carried everywhere stays in its outbox; `None`: for ever.
    pub outbox_retention: Option<Duration>,
    /// How long a change that was imported stays in the inbox; `None`: for ever.
    pub inbox_retention: Option<Duration>,
    /// How long it is remembered that a row was deleted; `None`: for ever.
    pub tombstone_retention: Option<Duration>,
}

impl Config {
    /// The rule for a table: an exact name beats a glob, the first glob beats the later ones.
    #[must_use]
    pub fn rule_for(&self, table: &TableName) -> Option<&TableRule> {
        let name = table.to_string();
        let is_exact = |rule: &&TableRule| rule.pattern == name;
        let is_fitting = |rule: &&TableRule| rule.fits(table);
        self.tables.iter().find(is_exact).or_else(|| self.tables.iter().find(is_fitting))
    }

    /// The options of a table that is followed, `None` for the others.
    #[must_use]
    pub fn options_for(&self, table: &TableName) -> Option<&TableOptions> {
        match &self.rule_for(table)?.choice {
            TableChoice::Follow(options) => Some(options),
            TableChoice::Skip => None,
        }
    }

    /// The brand of the schema source.
    #[must_use]
    pub fn schema_brand(&self) -> Brand {
        match &self.schema {
            SchemaSource::Files { dialect, .. } => *dialect,
            SchemaSource::Node(id) => self.nodes[id].brand,
        }
    }

    /// The brands of all nodes, without repetition.
    #[must_use]
    pub fn brands(&self) -> Vec<Brand> {
        self.brands_where(|_| true)
    }

    /// The brands of the nodes that have the application's tables, without repetition.
    #[must_use]
    pub fn table_brands(&self) -> Vec<Brand> {
        self.brands_where(|id| !self.is_store(id))
    }

    /// The brands of the nodes where changes are made that travel, without repetition.
    #[must_use]
    pub fn sending_brands(&self) -> Vec<Brand> {
        self.brands_where(|id| self.sends(id))
    }

    /// Whether a node has the application's tables and a route that starts there.
    #[must_use]
    pub fn sends(&self, id: &NodeId) -> bool {
        !self.is_store(id) && self.routes.iter().any(|route| route.from == *id)
    }

    /// Whether a node only stores and forwards.
    #[must_use]
    pub fn is_store(&self, id: &NodeId) -> bool {
        self.nodes.get(id).is_some_and(|node| node.is_store)
    }

    /// A place of the configuration, for messages.
    #[must_use]
    pub fn location(&self, place: Place) -> Location {
        place.within(&self.path)
    }

    fn brands_where(&self, is_wanted: impl Fn(&NodeId) -> bool) -> Vec<Brand> {
        let wanted = |brand: &Brand| {
            self.nodes.iter().any(|(id, node)| node.brand == *brand && is_wanted(id))
        };
        Brand::ALL.into_iter().filter(wanted).collect()
    }
}

impl TableRule {
    /// Whether the pattern fits a table, as a glob over `name` or `namespace.name`.
    #[must_use]
    pub fn fits(&self, table: &TableName) -> bool {
        glob::fits(&self.pattern, &table.to_string())
    }

    /// Whether the pattern is a glob and not one table's name.
    #[must_use]
    pub fn is_glob(&self) -> bool {
        self.pattern.contains(['*', '?'])
    }

    /// Where the rule stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { line: self.line, column: self.column }
    }
}

impl Suppression {
    /// Whether its `table:` fits a table of a finding, as a glob.
    #[must_use]
    pub fn fits_table(&self, table: Option<&str>) -> bool {
        match (&self.table, table) {
            (None, _) => true,
            (Some(pattern), Some(table)) => glob::fits(pattern, table),
            (Some(_), None) => false,
        }
    }
}

impl TableOptions {
    /// The policy of a column.
    #[must_use]
    pub fn policy(&self, column: &str) -> Policy {
        self.columns.get(column).copied().unwrap_or_default()
    }
}

impl Policy {
    /// The word in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Ignore => "ignore",
            Self::Hash => "hash",
            Self::Mask => "mask",
            Self::Forbid => "forbid",
            Self::Dropped => "dropped",
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_rows: 5_000,
            change_set_rows: 1_000_000,
            batch_bytes: 8 << 20,
            lock_wait_seconds: 5,
            skew_warning: Some(Duration::from_secs(2)),
            skew_refusal: Some(Duration::from_mins(1)),
            outbox_retention: Some(30 * DAY),
            inbox_retention: Some(30 * DAY),
            tombstone_retention: Some(90 * DAY),
        }
    }
}
