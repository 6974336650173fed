//! Brings the inbox of one node into its application tables.
//!
//! A batch is one transaction: the changes, what became known of their rows, the quarantine and
//! the program's pointer commit together, so that a batch is imported once or not at all. Change
//! sets are never split over transactions. A batch that the database refuses is taken apart: set
//! by set, and within the refused set change by change, until what is bad is in quarantine and
//! the rest is in.

mod ahead;
mod another;
mod batch;
mod careful;
mod circles;
mod collision;
pub mod command;
mod conflict;
pub mod conflicts;
mod decide;
mod decode;
mod deferred;
mod earlier;
mod execute;
mod explain;
mod fit;
mod fold;
mod followers;
mod forgotten;
mod keep;
mod order;
mod overtaken;
mod pieces;
pub mod quarantine;
mod record;
mod references;
mod rehearsal;
mod sets;
mod settle;
mod standing;
mod statements;
mod target;
mod together;
mod versions;

pub use batch::{Importer, Outcome, Progress};
pub use conflict::{Conflict, ConflictType, History, OldValues, Side, conflicts_of};
pub use decide::{Effect, Listener, Remark, RowState, decide, decide_and_tell};
pub use decode::{Incoming, Refusal, RowId, decode};
pub use explain::{Clash, Concession, ExplainedSet, Explanation, Fate, Reason, Stamped};
pub use order::{RowEffect, Step, StepKind, steps};
pub use pieces::HALTED;
pub use rehearsal::Rehearsal;
pub use target::{
    Circular, Mismatch, Reference, Storage, Target, TargetColumn, Targets, live_name,
};

use crate::db::{Fault, FaultKind};
use crate::model::{NodeId, RouteId};
use crate::outbox::{self, Claim, Misplaced};

/// What stops an import.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused something that is no single change's fault, or a template is broken.
    #[error(transparent)]
    Outbox(#[from] outbox::Error),
    /// The route's import program is not in `ds_program_parameter`.
    #[error("program {0} is not in `ds_program_parameter`")]
    NoProgram(i64),
    /// The row of the route's import program was altered by hand.
    #[error("program {program} does not go on: {reason}")]
    Misplaced {
        /// The program.
        program: i64,
        /// Completes the sentence.
        reason: Misplaced,
    },
    /// A change set has more changes than are imported in one transaction.
    #[error(
        "change set {set} of `{origin}` on route {route} has {rows} changes, {limit} are allowed"
    )]
    SetTooLarge {
        /// The route.
        route: RouteId,
        /// Its name: the source transaction, or the window that holds it.
        set: i64,
        /// Where it was made.
        origin: String,
        /// How many it has.
        rows: usize,
        /// The limit.
        limit: usize,
    },
    /// The database at a node's URL is another node's.
    #[error("the database of node `{expected}` {found}")]
    WrongNode {
        /// The node of the configuration.
        expected: NodeId,
        /// What `ds_node` says.
        found: Claim,
    },
    /// The program of that number is another route's.
    #[error("program {program} imports on node `{to}`, which is another route")]
    OtherRoute {
        /// The program.
        program: i64,
        /// Its node, as it says.
        to: String,
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
            Self::NoProgram(_)
            | Self::Misplaced { .. }
            | Self::OtherRoute { .. }
            | Self::WrongNode { .. }
            | Self::SetTooLarge { .. } => None,
        }
    }

    /// Whether a row is to blame, so that taking the batch apart can help.
    fn is_about_a_row(&self) -> bool {
        self.fault()
            .is_some_and(|fault| matches!(fault.kind, FaultKind::Conflict | FaultKind::Rejected))
    }
}
