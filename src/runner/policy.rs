//! From what a database refused to what is done about it: one match.

use crate::db::{Fault, FaultKind};

/// What is done about a fault that stopped a program. What is one row's fault never gets here:
/// the importer has it in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The same again at the next iteration.
    Retry,
    /// A person has to do something; the program is tried again after a longer pause.
    Report,
}

/// The remedy for a fault.
#[must_use]
pub fn remedy(fault: &Fault) -> Remedy {
    match fault.kind {
        FaultKind::Transient | FaultKind::Gone => Remedy::Retry,
        FaultKind::Conflict | FaultKind::Denied | FaultKind::Uninstalled | FaultKind::Rejected => {
            Remedy::Report
        }
    }
}

/// Whether the session is of no more use.
pub(super) fn is_gone(fault: &Fault) -> bool {
    fault.kind == FaultKind::Gone
}
