//! What the demo does not do.

use std::path::PathBuf;

use crate::dialect::Brand;
use crate::model::NodeId;

/// Why the demo does not begin. Nothing has been changed then.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A single `--node`.
    #[error("the story needs two nodes or more, and `--node` names one")]
    OneNode,
    /// A URL of no brand.
    #[error("the URL of `--node` number {position} begins with no known scheme")]
    UnknownScheme {
        /// From 1.
        position: usize,
    },
    /// Two nodes that are one database.
    #[error("nodes `{one}` and `{two}` are the same database")]
    SameDatabase {
        /// The first of them.
        one: NodeId,
        /// The other.
        two: NodeId,
    },
    /// A folder to keep the demo in that is in use.
    #[error("the folder `{}` is not empty", path.display())]
    FolderNotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A database that takes part in some other configuration.
    #[error("the database of `{node}` ({brand}) is already node `{found}` of a configuration")]
    IsNode {
        /// The demo's name for it.
        node: NodeId,
        /// Its brand.
        brand: Brand,
        /// Who it says it is.
        found: NodeId,
    },
    /// A database with objects of Outrigger's names.
    #[error("the database of `{node}` ({brand}) has objects of Outrigger already")]
    HasObjects {
        /// The demo's name for it.
        node: NodeId,
        /// Its brand.
        brand: Brand,
    },
    /// A table of the demo's name with other columns.
    #[error("the database of `{node}` ({brand}) has another table `sales_order`")]
    OtherTable {
        /// The demo's name for it.
        node: NodeId,
        /// Its brand.
        brand: Brand,
    },
    /// A table of the demo's name that is in use.
    #[error("the table `sales_order` of `{node}` ({brand}) has rows")]
    HasRows {
        /// The demo's name for it.
        node: NodeId,
        /// Its brand.
        brand: Brand,
    },
}

impl Refusal {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::OneNode => "repeat `--node URL`, or leave it out to use SQLite databases",
            Self::UnknownScheme { .. } => {
                "begin it with postgres://, mysql://, sqlserver:// or sqlite:"
            }
            Self::SameDatabase { .. } => "give each node a database of its own",
            Self::FolderNotEmpty { .. } => "name a folder that is empty, or that is not there yet",
            Self::IsNode { .. } | Self::HasObjects { .. } => {
                "nothing was changed; `outrigger remove` uninstalls what `outrigger apply` \
                 installed, or name another database"
            }
            Self::OtherTable { .. } | Self::HasRows { .. } => {
                "nothing was changed; name an empty database"
            }
        }
    }
}
