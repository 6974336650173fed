//! Scripts become installed objects: the history of what is installed, and how it changes.
//!
//! The way of an installation: [`observe`] reads what a node has, [`prepare`] decides what has
//! to change, as data, and [`apply`] does it under a lock. [`verify`] only compares, [`remove`]
//! takes away what the history lists. Nothing that is not in the history is ever dropped.
//!
//! Where DDL can be rolled back everything happens in one transaction. Elsewhere (`MySQL`) each
//! script is marked dirty before its first statement and clean after its last one: the next
//! installation removes what stands of a dirty script and runs it again.

mod guid;
mod history;
mod inspect;
mod prepare;
mod probe;
mod run;
mod statements;
mod text;
mod verify;
mod wanted;

pub use crate::render::{Object, objects};
pub use history::Installed;
pub use inspect::{Live, Surroundings, inspect, observe, surroundings, triggers};
pub use prepare::{Action, Change, Migration, Reason, Rewind, prepare};
pub use probe::{Outcome, Probed, probe};
pub use run::{Removal, apply, prepare_removal, remove};
pub use statements::Statements;
pub use text::{migration_text, removal_text};
pub use verify::{Finding, IDS, NOTE_IDS, compare, is_installed_elsewhere, verify};
pub use wanted::{Program, Wanted, ensure_programs};

use crate::db::{Fault, FaultKind};
use crate::model::{LogicalType, NodeId, TableName};
use crate::{outbox, render};

/// Outrigger's table of what is installed.
const HISTORY_TABLE: &str = "ds_migration_history";
/// Outrigger's table of a node's own id.
const NODE_TABLE: &str = "ds_node";
/// Outrigger's table of programs.
const PROGRAM_TABLE: &str = "ds_program_parameter";
/// Outrigger's table of captured changes.
const OUTBOX_TABLE: &str = "ds_change_outbox";
/// Outrigger's table of what arrived.
const INBOX_TABLE: &str = "ds_change_inbox";
/// Outrigger's table of the node's epoch: where it stands, other nodes know this database.
const EPOCH_TABLE: &str = "ds_epoch";
/// Outrigger's tables that an import writes, and can write again from the inbox.
const IMPORTED_TABLES: [&str; 2] = ["ds_change_version", "ds_quarantine"];

/// Why a node is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A statement of ours could not be run.
    #[error(transparent)]
    Call(#[from] outbox::Error),
    /// A statement of a script was refused.
    #[error("`{script}` could not be {done}")]
    Script {
        /// The script.
        script: String,
        /// `installed` or `removed`.
        done: &'static str,
        /// The cause.
        source: Fault,
    },
    /// A followed table is missing.
    #[error("table `{table}` is followed and does not exist here")]
    NoTable {
        /// The table.
        table: TableName,
    },
    /// A followed column is missing.
    #[error("table `{table}` has no column `{column}` here, which is followed")]
    NoColumn {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
    },
    /// A followed column is of another type.
    #[error(
        "column `{table}.{column}` is of the type `{native_type}` here, which does not hold \
         {wanted} values"
    )]
    OtherType {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// The type it has.
        native_type: String,
        /// What it has to hold.
        wanted: LogicalType,
    },
    /// Names that the installation needs belong to somebody else.
    #[error("{} exists already and was not installed by `outrigger apply`", Named(objects))]
    Foreign {
        /// What stands there.
        objects: Vec<Object>,
    },
    /// The database is another node.
    #[error("this database is node `{found}`, not `{wanted}`")]
    WrongNode {
        /// What it says it is.
        found: NodeId,
        /// What was asked for.
        wanted: NodeId,
    },
    /// A control table is not what this version makes.
    #[error("`{script}` was installed by outrigger {tool_version} and {how}")]
    ControlChanged {
        /// The script.
        script: String,
        /// The version that installed it.
        tool_version: String,
        /// Completes the sentence.
        how: &'static str,
    },
    /// Triggers would go that the configuration does not give up.
    #[error(
        "the configuration no longer follows `{}`, whose capture is installed",
        .tables.join("`, `")
    )]
    NeedsAllowDrop {
        /// The tables, or the scripts of no table.
        tables: Vec<String>,
    },
    /// Somebody else holds the lock, or a table.
    #[error("another session held its lock for longer than {seconds} s")]
    Locked {
        /// How long was waited.
        seconds: u64,
        /// What the database said, where it said something.
        source: Option<Fault>,
    },
    /// Captured changes would be lost.
    #[error("the outbox holds {rows} changes, and nothing here tells which have been carried")]
    OutboxNotEmpty {
        /// How many.
        rows: i64,
    },
    /// A program's number is another route's.
    #[error("program `{id}` carries from `{from}` to `{to}` here, which is another route")]
    ProgramTaken {
        /// The number.
        id: i64,
        /// Its source.
        from: String,
        /// Its target.
        to: String,
    },
}

impl Error {
    /// The database's refusal, if that is what it was.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Call(error) => error.fault(),
            Self::Script { source, .. } => Some(source),
            Self::Locked { source, .. } => source.as_ref(),
            _ => None,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Call(fault.into())
    }
}

impl From<render::Error> for Error {
    fn from(error: render::Error) -> Self {
        Self::Call(error.into())
    }
}

/// A wait that ended for lack of the lock, told from every other failure.
fn locked(seconds: u64, fault: Fault) -> Error {
    if fault.kind == FaultKind::Transient {
        Error::Locked { seconds, source: Some(fault) }
    } else {
        fault.into()
    }
}

struct Named<'a>(&'a [Object]);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.0.iter().map(Object::to_string).collect();
        f.write_str(&names.join(", "))
    }
}
