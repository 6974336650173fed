//! Everything that shall exist on a node, decided before any SQL is written.
//!
//! Pure: configuration and schema in, [`Plan`] out. No SQL text, no database, no clock.

mod capture;
mod cascade;
mod evolve;
mod groups;
mod guid;
mod names;
mod numbering;
mod routes;
mod translate;
mod update;

use serde::Serialize;

pub use capture::{CapturedColumn, DROPPED, LeftOut, ObjectNames, TablePlan, physical_name};
pub use cascade::{Cascade, CascadeLink, CascadePath, ChangedReference, Pair};
pub use evolve::{
    Captured, Difference, DifferenceKind, Evolution, Hold, Question, Renames, Side, evolve,
};
pub use guid::{GuidPlan, KeyFill};
pub(crate) use names::hex;
pub use numbering::{Numbering, number_keys};
pub use routes::{RoutePlan, plan_routes};
pub use translate::{
    LOSSES, LeftColumn, Loss, NewColumn, NewReference, NewTable, Translation, tables_to_translate,
    translate,
};
pub use update::{ColumnUpdate, UpdatePlan};

use crate::config::{Config, Roles};
use crate::dialect::{Brand, Signal};
use crate::model::{NodeId, Schema, TableName};

/// What cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A followed table has no key.
    #[error("table `{table}` has no primary key, so its rows cannot be followed")]
    NoKey {
        /// The table.
        table: TableName,
    },
    /// A rule names a column that the table does not have.
    #[error("table `{table}` has no column `{column}`, which `{option}` names")]
    NoColumn {
        /// The table.
        table: TableName,
        /// The missing column.
        column: String,
        /// The option that names it.
        option: &'static str,
    },
    /// No logical type fits a column.
    #[error("column `{table}.{column}` has the type `{native_type}`, which nothing maps")]
    UnknownType {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// Its native type.
        native_type: String,
    },
    /// A policy stands on a column where it cannot be.
    #[error("column `{table}.{column}` cannot be `{policy}`: {reason}")]
    BadPolicy {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// The policy.
        policy: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A column that shall tell rows apart by GUIDs cannot hold one.
    #[error("column `{table}.{column}` has the type `{native_type}`, which holds no GUID")]
    BadGuid {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// Its native type.
        native_type: String,
    },
    /// GUIDs shall be made of a key of which no brand can make them.
    #[error(
        "the primary key of table `{table}` is not one column of whole numbers, so \
         `guid_fill: key` cannot be"
    )]
    BadFill {
        /// The table.
        table: TableName,
    },
    /// Rows would go or change without a trace, and the configuration does not allow that.
    #[error(
        "a change of `{parent}` takes rows of `{table}` along, which {} does not show to triggers \
         and nothing else can record: {why}", .brand.dialect().title
    )]
    BlindCascade {
        /// The table whose rows go.
        table: TableName,
        /// The table they refer to.
        parent: TableName,
        /// Why it cannot be captured.
        why: &'static str,
        /// The brand.
        brand: Brand,
    },
    /// A hint of a new name that does not fit the schemas.
    #[error("`--renamed {hint}`: {reason}")]
    BadRename {
        /// As it was given.
        hint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name of a followed table or column does not fit into the brand.
    #[error("the name `{name}` is longer than {brand} allows")]
    NameTooLong {
        /// The name.
        name: String,
        /// The brand.
        brand: Brand,
    },
    /// A name of a followed table or column has something in it that the brand refuses.
    #[error("the name {name:?} has {has}, which {brand} does not take")]
    NameRefused {
        /// The name.
        name: String,
        /// The brand.
        brand: Brand,
        /// What it has.
        has: &'static str,
    },
}

impl Error {
    /// The table that it is about, where there is one.
    #[must_use]
    pub fn table(&self) -> Option<&TableName> {
        match self {
            Self::NoKey { table }
            | Self::NoColumn { table, .. }
            | Self::UnknownType { table, .. }
            | Self::BadPolicy { table, .. }
            | Self::BadGuid { table, .. }
            | Self::BadFill { table }
            | Self::BlindCascade { table, .. } => Some(table),
            Self::NameTooLong { .. } | Self::NameRefused { .. } | Self::BadRename { .. } => None,
        }
    }
}

/// What shall exist on every node of one brand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The brand it is for.
    pub brand: Brand,
    /// `object_database`.
    pub database: String,
    /// The namespace of Outrigger's own objects; `None` where the brand has none.
    pub namespace: Option<String>,
    /// SHA-256 of the schema that was read, hexadecimal.
    pub schema_hash: String,
    /// SHA-256 of the configuration that matters, hexadecimal.
    pub config_hash: String,
    /// How `object_operation_command` is filled: `none`, `escaped` or `tilde`.
    pub command: &'static str,
    /// How triggers wake a runner that sleeps; `None` where they do not.
    pub signal: Option<Signal>,
    /// Whether it is for nodes that only store and forward: then there are no tables.
    pub is_store: bool,
    /// The followed tables, sorted by name.
    pub tables: Vec<TablePlan>,
    /// Who is given which rights.
    pub roles: RolePlan,
}

/// Who is given rights on a node of one brand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RolePlan {
    /// Installs, and owns what is installed.
    pub owner: Option<Account>,
    /// Transports and imports.
    pub runner: Option<Account>,
    /// Writes the application's tables.
    pub application: Option<Account>,
}

/// A role or user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The whole name, for brands whose users belong to no host.
    pub name: String,
    /// The name without its host.
    pub user: String,
    /// The host; `%` where none was said.
    pub host: String,
}

impl Account {
    fn of(name: &str) -> Self {
        let (user, host) = name.rsplit_once('@').unwrap_or((name, "%"));
        Self { name: name.to_owned(), user: user.to_owned(), host: host.to_owned() }
    }
}

impl RolePlan {
    fn of(roles: &Roles) -> Self {
        let account = |name: &Option<String>| name.as_deref().map(Account::of);
        Self {
            owner: account(&roles.owner),
            runner: account(&roles.runner),
            application: account(&roles.application),
        }
    }
}

/// Decides what shall exist on a node of `brand` that has the application's tables.
///
/// # Errors
/// The first table that cannot be followed; `schema::check` finds them all.
pub fn plan(config: &Config, schema: &Schema, brand: Brand) -> Result<Plan, Error> {
    let tables = capture::tables(config, schema, brand)?;
    Ok(Plan { is_store: false, tables, ..plan_store(config, schema, brand) })
}

/// Decides what shall exist on a node of `brand` that only stores and forwards.
#[must_use]
pub fn plan_store(config: &Config, schema: &Schema, brand: Brand) -> Plan {
    capture::store(config, schema, brand)
}

/// Decides what shall exist on one node, whose brand is `brand`.
///
/// # Errors
/// As [`plan`].
pub fn plan_node(
    config: &Config,
    schema: &Schema,
    node: &NodeId,
    brand: Brand,
) -> Result<Plan, Error> {
    if config.is_store(node) {
        return Ok(plan_store(config, schema, brand));
    }
    plan(config, schema, brand)
}
