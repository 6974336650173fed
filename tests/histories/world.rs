//! What an observer of all nodes has noted.

use outrigger::model::Change;

/// A committed change, as its origin made it.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) origin: String,
    pub(crate) change: Change,
}

/// What happened, in numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) histories: u64,
    pub(crate) operations: u64,
    /// Calls of the runner.
    pub(crate) statements: u64,
    /// Committed ones of the application.
    pub(crate) transactions: u64,
    pub(crate) rollbacks: u64,
    pub(crate) crashes: u64,
    /// How often a transaction of the application ended because the runner waited for it.
    pub(crate) waits: u64,
    /// Commits after one of its node that wrote later.
    pub(crate) late_commits: u64,
    pub(crate) rewinds: u64,
    /// Rows that several nodes have changed.
    pub(crate) conflicts: u64,
    pub(crate) purged: u64,
    /// Looks of the difference oracle.
    pub(crate) looks: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, more: &Self) {
        self.histories += more.histories;
        self.operations += more.operations;
        self.statements += more.statements;
        self.transactions += more.transactions;
        self.rollbacks += more.rollbacks;
        self.crashes += more.crashes;
        self.waits += more.waits;
        self.late_commits += more.late_commits;
        self.rewinds += more.rewinds;
        self.conflicts += more.conflicts;
        self.purged += more.purged;
        self.looks += more.looks;
    }
}
