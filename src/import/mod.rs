//! Brings the inbox of one node into its application tables.
//!
//! A batch is one transaction: the changes, what became known of their rows, the quarantine and
//! the program's pointer commit together, so that a batch is imported once or not at all. Change
//! sets are never split over transactions. A batch that the database refuses is taken apart: set
//! by set, and within the refused set change by change, until what is bad is in quarantine and
//! the rest is in.

mod batch;
mod careful;
mod collision;
pub mod command;
mod conflict;
pub mod conflicts;
mod decide;
mod decode;
mod execute;
mod fit;
mod fold;
mod keep;
mod order;
pub mod quarantine;
mod settle;
mod statements;
mod target;
mod versions;

pub use batch::{Importer, Outcome, Progress};
pub use conflict::{Conflict, ConflictType, History, OldValues, Side, conflicts_of};
pub use decide::{Effect, RowState, decide};
pub use decode::{Incoming, Refusal, RowId, decode};
pub use order::{RowEffect, Step, StepKind, steps};
pub use target::{Cascade, Mismatch, Target, TargetColumn, Targets, live_name};

use crate::db::{Fault, FaultKind};
use crate::model::NodeId;
use crate::outbox;

/// What stops an import.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused something that is no single change's fault, or a template is broken.
    #[error(transparent)]
    Outbox(#[from] outbox::Error),
    /// The route's import program is not in `ds_program_parameter`.
    #[error("program {0} is not in `ds_program_parameter`")]
    NoProgram(i64),
    /// The database at a node's URL is another node's.
    #[error("the database of node `{expected}` says that it is node `{found}`")]
    WrongNode {
        /// The node of the configuration.
        expected: NodeId,
        /// What `ds_node` says.
        found: String,
    },
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Outbox(outbox::Error::Fault(fault))
    }
}

impl Error {
    /// The database's refusal, if that is what it was.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Outbox(error) => error.fault(),
            Self::NoProgram(_) | Self::WrongNode { .. } => None,
        }
    }

    /// Whether a row is to blame, so that taking the batch apart can help.
    fn is_about_a_row(&self) -> bool {
        self.fault()
            .is_some_and(|fault| matches!(fault.kind, FaultKind::Conflict | FaultKind::Rejected))
    }
}
