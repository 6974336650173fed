//! Which of two changes of one cell is the newer.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// The version of a cell or of a row's existence: (stamp, origin, `source_id`).
///
/// Between origins the stamp decides, then the origin's id. Two changes of *one* origin are
/// ordered by `source_id` alone, since an origin hands out its ids in the order in which it
/// changed the row, whatever its clock says; the later one then inherits the larger stamp
/// ([`Version::joined`]). Every receiver sees one origin's changes of a row in that order, so
/// every node computes the same winner, also when an application writes its own last-update
/// values and they run backward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// UTC, `YYYY-MM-DD HH:MM:SS.ffffff`: 26 characters, so that text order is time order.
    pub stamp: String,
    /// The node where the change was made.
    pub origin: String,
    /// The change's id in the origin's outbox.
    pub source_id: i64,
}

impl Version {
    /// Whether `self` is the newer of the two and its value has to stand.
    #[must_use]
    pub fn supersedes(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Greater
    }

    /// The version to keep after `self` won against `loser`.
    #[must_use]
    pub fn joined(mut self, loser: &Self) -> Self {
        if self.origin == loser.origin && self.stamp < loser.stamp {
            self.stamp.clone_from(&loser.stamp);
        }
        self
    }

    /// Takes the stamp of a change that its origin made before it and that comes after it, as one
    /// does that was lost and is brought back; whether that is a larger one.
    pub fn inherits(&mut self, earlier: &Self) -> bool {
        let is_larger = self.origin == earlier.origin
            && self.source_id > earlier.source_id
            && self.stamp < earlier.stamp;
        if is_larger {
            self.stamp.clone_from(&earlier.stamp);
        }
        is_larger
    }

    fn order(&self, other: &Self) -> Ordering {
        if self.origin == other.origin {
            return self.source_id.cmp(&other.source_id);
        }
        self.stamp.cmp(&other.stamp).then_with(|| self.origin.cmp(&other.origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(stamp: &str, origin: &str, source_id: i64) -> Version {
        Version { stamp: stamp.to_owned(), origin: origin.to_owned(), source_id }
    }

    #[test]
    fn between_origins_the_stamp_decides_then_the_origin() {
        assert!(version("2", "a", 1).supersedes(&version("1", "b", 9)));
        assert!(version("1", "b", 1).supersedes(&version("1", "a", 9)));
        assert!(!version("1", "a", 1).supersedes(&version("1", "a", 1)));
    }

    #[test]
    fn one_origin_is_ordered_by_its_ids_and_keeps_the_larger_stamp() {
        let older = version("9", "a", 1);
        let newer = version("5", "a", 2);
        assert!(newer.supersedes(&older));
        let kept = newer.joined(&older);
        assert_eq!(kept, version("9", "a", 2));
        assert!(kept.supersedes(&version("7", "b", 1)));
    }

    /// Every order in which a receiver can see two origins' changes, each origin's own in order.
    #[test]
    fn every_interleaving_of_two_origins_ends_with_one_winner() {
        let a = [version("9", "a", 1), version("5", "a", 2), version("6", "a", 3)];
        let b = [version("7", "b", 1), version("8", "b", 2)];
        let mut winners = std::collections::BTreeSet::new();
        for mask in 0u32..32 {
            if mask.count_ones() != 3 {
                continue;
            }
            let (mut i, mut j) = (0, 0);
            let mut kept: Option<Version> = None;
            for bit in 0..5 {
                let next = if mask >> bit & 1 == 1 {
                    i += 1;
                    &a[i - 1]
                } else {
                    j += 1;
                    &b[j - 1]
                };
                kept = Some(match kept {
                    Some(old) if next.supersedes(&old) => next.clone().joined(&old),
                    Some(old) => old,
                    None => next.clone(),
                });
            }
            winners.insert(format!("{kept:?}"));
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
    }
}
