//! Which life of a node a route knows, so that a node that came back from a backup is recognised.
//!
//! Before a window with changes is committed at the target, the source counts it in
//! `ds_exchange` and commits that. So what a target has seen is never more than what the source
//! has counted, unless the source is older than it was: it was restored from a backup.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cursor, Error};
use crate::model::Row;

/// What a route has seen of its source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The epoch: 1, and one more with each `outrigger rejoin`.
    pub epoch: i64,
    /// Tells two databases of one node id apart.
    pub incarnation: String,
    /// How many windows with changes the route had carried.
    pub exchange: i64,
    /// What the watermark counted by; 0 where nothing does.
    #[serde(default)]
    pub counter: i64,
}

/// What a node says of itself, and of one route that leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Epoch {
    /// The node's id, if it has one.
    pub node: Option<String>,
    /// Its clock, UTC.
    pub clock: Option<String>,
    /// What a route that carries now has seen then.
    pub now: Seen,
    /// Outbox ids of this epoch are above it.
    pub first_id: i64,
    /// Up to this outbox id all nodes were asked what they have of this one.
    pub settled_id: i64,
    /// The highest outbox id that any route had carried.
    pub carried_id: i64,
    /// The last epoch whose beginning took account of the route's target.
    pub route_epoch: Option<i64>,
    /// The route on which it was seen that the node was restored.
    pub stale_route: Option<i64>,
    /// Whether anything was ever deleted from its outbox or inbox.
    pub is_purged: bool,
}

/// What a database says of its node, as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim(pub Option<String>);

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(found) => write!(f, "says that it is node `{found}`"),
            None => f.write_str("does not say which node it is"),
        }
    }
}

/// Why a route does not carry from a node that is not as the route knows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    /// The node has counted fewer exchanges than the target has seen.
    #[error(
        "was restored from a backup: this route has seen its exchange {seen}, the node is at {has}"
    )]
    Restored {
        /// What the target has seen.
        seen: i64,
        /// What the source has counted.
        has: i64,
    },
    /// The backup is from before the last `rejoin`.
    #[error(
        "was restored from a backup: this route has seen its epoch {seen}, the node is in {has}"
    )]
    OldEpoch {
        /// What the target has seen.
        seen: i64,
        /// Where the source is.
        has: i64,
    },
    /// The transactions of the node are counted from a smaller number than before.
    #[error("was restored on another server: its transactions are counted anew from {has}")]
    Recounted {
        /// What the source counts at.
        has: i64,
    },
    /// Another route has seen it.
    #[error("was restored from a backup, as was seen on route {route}")]
    SeenOn {
        /// The other route.
        route: i64,
    },
    /// The node began a new epoch without the target.
    #[error("has rejoined in epoch {epoch} while the target of this route could not be asked")]
    Unasked {
        /// The new epoch.
        epoch: i64,
    },
    /// The database is not the one that the route has carried from.
    #[error("is another database than the one that this route knows")]
    Replaced,
    /// What the route had still to carry was purged, while the route was not in the configuration.
    #[error(
        "has deleted {what} up to {purged_id} by `purge`, and this route has carried them up to \
         {carried_id}"
    )]
    Purged {
        /// Changes of its own, or what came to it on a route.
        what: String,
        /// Up to where it has deleted.
        purged_id: i64,
        /// Up to where the route has come.
        carried_id: i64,
    },
}

impl Stale {
    /// Whether it tells that the node is older than it was, which concerns all its routes.
    #[must_use]
    pub fn is_restored(&self) -> bool {
        matches!(self, Self::Restored { .. } | Self::OldEpoch { .. } | Self::Recounted { .. })
    }
}

impl Epoch {
    /// The row of `run/read_epoch`.
    ///
    /// # Errors
    /// When the row is not there or incomplete.
    pub fn read(row: Option<&Row>) -> Result<Self, Error> {
        let now = row.and_then(|row| {
            Some(Seen {
                epoch: row.integer("epoch")?,
                incarnation: row.text("incarnation")?,
                exchange: row.integer("exchange").unwrap_or(0),
                counter: row.integer("counter")?,
            })
        });
        let (Some(row), Some(now)) = (row, now) else {
            return Err(Error::Unreadable {
                table: "ds_epoch",
                found: "no row or an incomplete one".to_owned(),
            });
        };
        Ok(Self {
            node: row.text("node_id"),
            clock: row.text("clock"),
            now,
            first_id: row.integer("first_id").unwrap_or(0),
            settled_id: row.integer("settled_id").unwrap_or(0),
            carried_id: row.integer("carried_id").unwrap_or(0),
            route_epoch: row.integer("route_epoch"),
            stale_route: row.integer("stale_route"),
            is_purged: row.integer("purges").is_some_and(|count| count > 0),
        })
    }

    /// Where a route goes on that has come to `cursor`. In a new epoch it begins anew, since a
    /// change that the backup has may be one that was never carried; the inbox tells what it has.
    ///
    /// # Errors
    /// When the node is not as the route knows it.
    pub fn resume(&self, cursor: &Cursor) -> Result<Cursor, Stale> {
        if let Some(route) = self.stale_route {
            return Err(Stale::SeenOn { route });
        }
        let Some(seen) = &cursor.source else {
            // The cursor of an older version, or of a new route.
            return Ok(Cursor { source: Some(self.now.clone()), ..cursor.clone() });
        };
        self.check(seen)?;
        if self.now.epoch == seen.epoch {
            return Ok(cursor.clone());
        }
        let is_asked = self.route_epoch == Some(self.now.epoch) && self.first_id >= cursor.pointer;
        if is_asked {
            Ok(cursor.begun_anew(self.now.clone()))
        } else {
            Err(Stale::Unasked { epoch: self.now.epoch })
        }
    }

    /// Whether the node is what somebody has seen, or a later state of it.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self, seen: &Seen) -> Result<(), Stale> {
        let now = &self.now;
        if now.incarnation != seen.incarnation {
            return Err(Stale::Replaced);
        }
        if now.epoch < seen.epoch {
            return Err(Stale::OldEpoch { seen: seen.epoch, has: now.epoch });
        }
        if now.epoch == seen.epoch && now.exchange < seen.exchange {
            return Err(Stale::Restored { seen: seen.exchange, has: now.exchange });
        }
        if now.epoch == seen.epoch && now.counter < seen.counter {
            return Err(Stale::Recounted { has: now.counter });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(epoch: i64, exchange: i64) -> Seen {
        Seen { epoch, incarnation: "i".into(), exchange, counter: 70 }
    }

    fn epoch(now: Seen) -> Epoch {
        Epoch { now, ..Epoch::default() }
    }

    fn cursor(source: Seen) -> Cursor {
        Cursor {
            pointer: 9,
            gaps: [(2, 3)].into_iter().collect(),
            source: Some(source),
            ..Cursor::default()
        }
    }

    #[test]
    fn a_node_that_went_on_is_known() {
        let cursor = cursor(seen(1, 5));
        assert_eq!(epoch(seen(1, 5)).resume(&cursor), Ok(cursor.clone()));
        assert_eq!(epoch(seen(1, 6)).resume(&cursor), Ok(cursor));
    }

    #[test]
    fn a_cursor_that_knows_nothing_adopts_what_it_finds() {
        let found = epoch(seen(3, 5)).resume(&Cursor { pointer: 9, ..Cursor::default() });
        assert_eq!(found.map(|cursor| (cursor.pointer, cursor.source)), Ok((9, Some(seen(3, 5)))));
    }

    #[test]
    fn a_node_that_is_older_than_it_was_is_refused() {
        let cursor = cursor(seen(2, 5));
        let refused = |epoch: Epoch| epoch.resume(&cursor).expect_err("it is stale");
        assert_eq!(refused(epoch(seen(2, 4))), Stale::Restored { seen: 5, has: 4 });
        assert_eq!(refused(epoch(seen(1, 9))), Stale::OldEpoch { seen: 2, has: 1 });
        let recounted = Seen { counter: 69, ..seen(2, 5) };
        assert_eq!(refused(epoch(recounted)), Stale::Recounted { has: 69 });
        let other = Seen { incarnation: "j".into(), ..seen(2, 5) };
        assert_eq!(refused(epoch(other)), Stale::Replaced);
    }

    /// Else another route would carry changes under ids that were taken before.
    #[test]
    fn what_one_route_has_seen_holds_for_all() {
        let stale = Epoch { stale_route: Some(1000), ..epoch(seen(1, 5)) };
        for cursor in [cursor(seen(1, 5)), Cursor::default()] {
            assert_eq!(stale.resume(&cursor), Err(Stale::SeenOn { route: 1000 }));
        }
    }

    #[test]
    fn a_new_epoch_is_carried_from_its_beginning_by_those_who_were_asked() {
        let cursor = cursor(seen(1, 5));
        let rejoined = Epoch { first_id: 9, route_epoch: Some(2), ..epoch(seen(2, 3)) };
        let reached = std::collections::BTreeMap::from([(0, 9)]);
        let begun = Cursor { source: Some(seen(2, 3)), reached, ..Cursor::default() };
        assert_eq!(rejoined.resume(&cursor), Ok(begun));
        let unasked = Epoch { route_epoch: Some(1), ..rejoined.clone() };
        assert_eq!(unasked.resume(&cursor), Err(Stale::Unasked { epoch: 2 }));
        let overtaken = Epoch { first_id: 8, ..rejoined };
        assert_eq!(overtaken.resume(&cursor), Err(Stale::Unasked { epoch: 2 }));
    }
}
