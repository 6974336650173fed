//! How an importer left a route: what a runner asks before it lets it rest, and what it forgets.

use super::batch::Importer;
use crate::model::RouteId;

impl Importer {
    /// The inbox id up to which a route was dealt with, as the last import of it saw it.
    #[must_use]
    pub fn reached(&self, route: RouteId) -> Option<i64> {
        self.reached.get(&route).copied()
    }

    /// Whether something of a route is in quarantine that may get in by itself.
    #[must_use]
    pub fn has_waiting(&self, route: RouteId) -> bool {
        self.waiting.contains(&route) || self.doubts_its_tables()
    }

    /// Forgets what it remembers of the database, as a process that has just started; the
    /// statements that it has rendered stay.
    pub fn forget(&mut self) {
        self.floor.clear();
        (self.fold_cursor, self.verdict, self.ahead) = (None, None, None);
    }
}
