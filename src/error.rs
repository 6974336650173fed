//! What can go wrong anywhere, and what to do next.

use std::path::PathBuf;

use crate::config::{self, closest};
use crate::db::{Fault, FaultKind};
use crate::dialect::Brand;
use crate::model::{Location, NodeId};
use crate::{dialect, plan, schema};

/// Shorthand.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of any room.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The application's schema.
    #[error(transparent)]
    Schema(Box<schema::Error>),
    /// A plan that cannot be made.
    #[error(transparent)]
    Plan(#[from] plan::Error),
    /// A dialect file.
    #[error(transparent)]
    Dialect(#[from] dialect::Error),
    /// What a node's database refused.
    #[error("node `{node}` ({brand}) refused")]
    Node {
        /// The node.
        node: NodeId,
        /// Its brand.
        brand: Brand,
        /// The cause.
        source: Fault,
    },
    /// No session with a node.
    #[error("could not reach node `{node}` ({brand})")]
    Unreachable {
        /// The node.
        node: NodeId,
        /// Its brand.
        brand: Brand,
        /// The cause.
        source: Fault,
    },
    /// A node that the configuration does not have.
    #[error("there is no node `{node}`")]
    NoNode {
        /// What was asked for.
        node: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No configuration.
    #[error("there is no `{}` in this folder or one above it", crate::cli::CONFIG_NAME)]
    NoConfig,
    /// A file that cannot be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file that cannot be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file that is not to be overwritten unasked.
    #[error("`{}` {reason}", path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
        /// Completes the sentence.
        reason: &'static str,
    },
    /// A folder without DDL.
    #[error("there is no `*.sql` file in `{}`", path.display())]
    NoSql {
        /// The folder.
        path: PathBuf,
    },
    /// A DDL text of which no brand is evident.
    #[error("could not tell the dialect of `{from}`")]
    NoDialect {
        /// Where the text came from.
        from: String,
    },
    /// A DDL text without a table.
    #[error("no table was found in `{from}`")]
    NoTable {
        /// Where the text came from, without a password.
        from: String,
    },
    /// A part that this build does not have.
    #[error("this version cannot {what} yet")]
    Unfinished {
        /// Completes the sentence.
        what: &'static str,
    },
}

impl From<schema::Error> for Error {
    fn from(error: schema::Error) -> Self {
        Self::Schema(Box::new(error))
    }
}

impl Error {
    /// The place that is wrong, where it is one in a file.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::Config(error) => Some(error.location()),
            Self::Schema(error) => error.location(),
            _ => None,
        }
    }

    /// What to do next; nothing rather than something vague.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => config_hint(error),
            Self::Plan(plan::Error::NoKey { .. }) => {
                Some("add a key, name one under `key`, or skip the table".to_owned())
            }
            Self::Plan(_) => Some("`outrigger check` finds all such places".to_owned()),
            Self::NoNode { node, known } => Some(suggestion(node, known)),
            Self::NoConfig => Some(
                "write one with `outrigger init --from schema.sql`, or name it with `-c`"
                    .to_owned(),
            ),
            Self::Occupied { .. } => Some("`--force` overwrites it".to_owned()),
            Self::NoDialect { .. } => {
                let names = Brand::ALL.map(Brand::name).join(", ");
                Some(format!("say it with `--dialect`: {names}"))
            }
            Self::Unreachable { source, .. } => fault_hint(source.kind),
            Self::Schema(_)
            | Self::Dialect(_)
            | Self::Node { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::NoSql { .. }
            | Self::NoTable { .. }
            | Self::Unfinished { .. } => None,
        }
    }
}

fn config_hint(error: &config::Error) -> Option<String> {
    match error {
        config::Error::Unknown { word, allowed, .. } => Some(suggestion(word, allowed)),
        config::Error::UnsetVariable { name, .. } => {
            Some(format!("set it in the environment: `export {name}=…`"))
        }
        config::Error::CollidingRoutes { .. } => {
            Some("number routes in steps of two: 1000, 1002, 1004".to_owned())
        }
        _ => None,
    }
}

fn fault_hint(kind: FaultKind) -> Option<String> {
    match kind {
        FaultKind::Denied => Some("check user, password and rights of the node's URL".to_owned()),
        FaultKind::Gone => Some("check host and port of the node's URL".to_owned()),
        FaultKind::Transient | FaultKind::Conflict | FaultKind::Rejected => None,
    }
}

fn suggestion(word: &str, allowed: &[String]) -> String {
    match closest(word, allowed.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there is `{}`", allowed.join("`, `")),
    }
}
