//! What a node has purged, and so what nobody can be given by it any more.

use std::collections::BTreeMap;

use super::{Cursor, Stale};
use crate::model::Row;

/// The rows of `ds_purge`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purged {
    /// Up to which id changes were deleted, of the outbox (0) and of what came on a route.
    pub ids: BTreeMap<i64, i64>,
    /// The newest stamp of a delete that is no longer remembered.
    pub forgotten_stamp: Option<String>,
    /// The highest id of each origin that knew all these deletes then. What it does later, it
    /// does in the knowledge of them.
    pub knowing: BTreeMap<String, i64>,
}

/// The kinds of rows of `ds_purge`.
pub mod kind {
    /// Of the outbox; the name is empty.
    pub const OUTBOX: &str = "outbox";
    /// Of the inbox, ids of its own; the name is a route.
    pub const INBOX: &str = "inbox";
    /// Of the inbox, ids of the origin; the name is the origin.
    pub const ORIGIN: &str = "origin";
    /// Of the deletes; the name is an origin, or empty for the stamp.
    pub const DELETES: &str = "deletes";
}

impl Purged {
    /// The rows of `run/read_purges`.
    #[must_use]
    pub fn read(rows: &[Row]) -> Self {
        let mut purged = Self::default();
        for row in rows {
            let text = |column: &str| row.text(column).unwrap_or_default();
            let (kind, name) = (text("kind"), text("name"));
            let id = row.integer("purged_id").unwrap_or(0);
            match kind.as_str() {
                kind::OUTBOX => drop(purged.ids.insert(0, id)),
                kind::INBOX => {
                    purged.ids.extend(name.parse().ok().map(|route: i64| (route, id)));
                }
                kind::DELETES if name.is_empty() => purged.forgotten_stamp = row.text("stamp"),
                kind::DELETES => drop(purged.knowing.insert(name, id)),
                _ => {}
            }
        }
        purged
    }

    /// Whether a route that has come to `cursor` has carried all that is gone. `arrived_on` are
    /// the routes from whose changes it forwards.
    ///
    /// # Errors
    /// When it has not: then its target would lack changes, and nobody would know.
    pub fn check(
        &self,
        cursor: &Cursor,
        arrived_on: impl Iterator<Item = i64>,
    ) -> Result<(), Stale> {
        for place in [0].into_iter().chain(arrived_on) {
            let Some(purged_id) = self.ids.get(&place).copied() else { continue };
            let carried_id = cursor.has_reached(place);
            if carried_id < purged_id {
                let what = match place {
                    0 => "changes of its own".to_owned(),
                    route => format!("changes that it got on route {route}"),
                };
                return Err(Stale::Purged { what, purged_id, carried_id });
            }
        }
        Ok(())
    }

    /// Whether a change may be one of a row that was deleted later, which nobody remembers here.
    #[must_use]
    pub fn may_be_forgotten(&self, origin: &str, source_id: i64, stamp: &str) -> bool {
        self.forgotten_stamp.as_deref().is_some_and(|forgotten| stamp <= forgotten)
            && self.knowing.get(origin).is_none_or(|known| source_id <= *known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_has_not_carried_what_is_gone_is_told() {
        let purged = Purged { ids: BTreeMap::from([(0, 9), (1000, 4)]), ..Purged::default() };
        let cursor = |pointer| Cursor { pointer, ..Cursor::default() };
        assert_eq!(purged.check(&cursor(9), [].into_iter()), Ok(()));
        let text = |result: Result<(), Stale>| result.expect_err("it lacks changes").to_string();
        assert_eq!(
            text(purged.check(&cursor(8), [].into_iter())),
            "has deleted changes of its own up to 9 by `purge`, and this route has carried them \
             up to 8"
        );
        assert!(text(purged.check(&cursor(9), [1000].into_iter())).contains("on route 1000"));
        let forwarded = Cursor { forwards: BTreeMap::from([(1000, 4)]), ..cursor(9) };
        assert_eq!(purged.check(&forwarded, [1000, 1002].into_iter()), Ok(()));
    }

    #[test]
    fn an_old_change_is_doubtful_unless_its_origin_knew_the_deletes() {
        let purged = Purged {
            forgotten_stamp: Some("2025-05".into()),
            knowing: BTreeMap::from([("a".into(), 7)]),
            ..Purged::default()
        };
        assert!(purged.may_be_forgotten("a", 7, "2025-04"), "delivered again");
        assert!(!purged.may_be_forgotten("a", 8, "2025-04"), "made in the knowledge of them");
        assert!(purged.may_be_forgotten("b", 99, "2025-05"), "nobody asked b");
        assert!(!purged.may_be_forgotten("b", 99, "2025-06"));
        assert!(!Purged::default().may_be_forgotten("b", 99, "2025-04"));
    }
}
