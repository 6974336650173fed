//! The outbox read in windows: what became visible since a cursor.
//!
//! A window holds whole source transactions, each exactly once, whatever the order in which they
//! committed. The rule per brand is in `templates/<brand>/run/window_*.sql.tera`; it follows
//! from what the brand can tell about open transactions (see ARCHITECTURE.md, "Watermarks").

mod call;
mod change_row;
mod cursor;
mod epoch;
mod forget;
mod gaps;
mod local;
mod look;
mod lost;
mod page;
mod position;
pub mod purged;
mod skew;
mod window;

pub(crate) use call::load_rows;
pub use call::{LOAD_ROWS, SAVEPOINT, execute, execute_long, fetch, fetch_one};
pub(crate) use change_row::{CHANGE_CELLS, change_to_values, copy_cell};
pub use change_row::{
    change_from_row, changes_from_rows, changes_to_copy, changes_to_json, to_json,
};
pub use cursor::Cursor;
pub(crate) use cursor::OWN;
pub use epoch::{Claim, Epoch, Seen, Stale};
pub use forget::{Grace, Verdict};
pub use gaps::Gaps;
pub use local::{localise, next_stamp};
pub use look::{Known, Looker, News, Sleep};
pub use lost::{Comparison, Decision, join_sets};
pub use page::{Inbox, Page, PageSize};
pub use position::Misplaced;
pub use purged::Purged;
pub use skew::{Clock, Reading, Skew};
pub use window::{Window, WindowStatements};

use crate::db::Fault;
use crate::render::{self, UnknownParameter};

/// What goes wrong between a rendered statement and a session.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A template cannot be filled.
    #[error(transparent)]
    Render(#[from] render::Error),
    /// A template asks for a parameter that nobody gives.
    #[error(transparent)]
    Parameter(#[from] UnknownParameter),
    /// A program's row was altered by hand.
    #[error("program {program}: {reason}")]
    Misplaced {
        /// The program.
        program: i64,
        /// Why it does not go on from there.
        reason: Misplaced,
    },
    /// A control table does not hold what it should.
    #[error("`{table}` holds {found}, which Outrigger did not write")]
    Unreadable {
        /// The control table.
        table: &'static str,
        /// What was found, without values.
        found: String,
    },
}

impl Error {
    /// The database's refusal, if that is what it was.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}
