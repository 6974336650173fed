//! What a node that came back from a backup has lost, and which ids its outbox has given twice.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::model::Change;

/// The outbox of a node beside what other nodes have of its changes.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The node's own changes, by their ids.
    own: BTreeMap<i64, Option<Fingerprint>>,
    /// Which of them another node has.
    known: BTreeSet<i64>,
    /// What others have and the node has not; of one id there may be two, when the node was
    /// carried from after it was restored and before anybody noticed.
    lost: BTreeMap<(i64, Fingerprint), Change>,
}

/// What has to be done so that no id stands for two changes, and no change is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// Changes that the node gets back, `source_id` being the id that each shall have.
    pub lost: Vec<Change>,
    /// Ids of the node's own changes that need others: those made after the restored backup.
    pub moved: Vec<i64>,
    /// What is added to each of these; all new ids are above everything that is there.
    pub offset: i64,
    /// The highest id that is taken then.
    pub last_id: i64,
    /// Whether an id stood for two changes on other nodes, so that what was lost got other ids.
    pub is_renumbered: bool,
}

impl Comparison {
    /// Takes a row of the node's outbox, as it would be carried; `None` for one that never is.
    pub fn hold(&mut self, id: i64, change: Option<&Change>) {
        self.own.insert(id, change.map(Fingerprint::of));
        if change.is_none() {
            self.known.insert(id);
        }
    }

    /// Takes a change of the node that another node has in its inbox.
    pub fn meet(&mut self, change: Change) {
        let Some(id) = change.source_id else { return };
        let fingerprint = Fingerprint::of(&change);
        if let Some(Some(own)) = self.own.get(&id)
            && own.is_same(&fingerprint)
        {
            self.known.insert(id);
        } else {
            self.lost.entry((id, fingerprint)).or_insert(change);
        }
    }

    /// Decides. Up to `carried_id` the outbox was carried before the backup was made; `seen_id`
    /// is the highest id of the node that anybody has seen.
    #[must_use]
    pub fn decide(self, carried_id: i64, seen_id: i64) -> Decision {
        let ids: Vec<i64> = self.lost.keys().map(|(id, _)| *id).collect();
        let is_twice = |id: &i64| self.known.contains(id);
        let is_renumbered =
            ids.iter().any(is_twice) || ids.windows(2).any(|pair| pair[0] == pair[1]);
        let moved = self.moved(&ids, carried_id, seen_id, is_renumbered);

        let ends = [self.own.keys().last(), ids.last(), Some(&seen_id)];
        let mut last_id = ends.into_iter().flatten().copied().max().unwrap_or(0);
        let mut lost: Vec<Change> = self.lost.into_values().collect();
        if is_renumbered {
            for change in &mut lost {
                last_id += 1;
                change.source_id = Some(last_id);
            }
        }
        let offset = moved.first().map_or(0, |first| last_id + 1 - first);
        last_id = moved.last().map_or(last_id, |last| last + offset);
        Decision { lost, moved, offset, last_id, is_renumbered }
    }

    /// Of one origin the higher id is the newer change. So what the node changed after it was
    /// restored has to come behind what it had changed before, all of it or nothing.
    fn moved(&self, lost: &[i64], carried_id: i64, seen_id: i64, is_renumbered: bool) -> Vec<i64> {
        let unseen = |id: &&i64| **id > carried_id && !self.known.contains(id);
        let first_taken = lost.iter().find(|id| self.own.contains_key(id));
        let are_moved =
            first_taken.is_some() || self.own.keys().filter(unseen).any(|id| *id <= seen_id);
        let is_moved = |id: &&i64| {
            (are_moved && unseen(id))
                || lost.binary_search(id).is_ok()
                || (is_renumbered && first_taken.is_some_and(|first| *id >= first))
        };
        self.own.keys().filter(is_moved).copied().collect()
    }
}

/// Tells two changes of one id apart. The stamps do not suffice: while the clock is behind, many
/// changes are stamped with the floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fingerprint {
    change: u64,
    /// None where the values were left behind, since a node on the way could not hold them.
    values: Option<u64>,
}

impl Fingerprint {
    fn of(change: &Change) -> Self {
        let mut hasher = DefaultHasher::new();
        change.object_table.hash(&mut hasher);
        change.object_id.hash(&mut hasher);
        change.object_attribute.hash(&mut hasher);
        change.object_operation.hash(&mut hasher);
        change.update_datetime.hash(&mut hasher);
        let mut values = DefaultHasher::new();
        change.object_value.hash(&mut values);
        change.object_value_old.hash(&mut values);
        let values = change.refusal.is_none().then(|| values.finish());
        Self { change: hasher.finish(), values }
    }

    fn is_same(&self, other: &Self) -> bool {
        let values = self.values.zip(other.values);
        self.change == other.change && values.is_none_or(|(one, other)| one == other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(id: i64, stamp: &str) -> Change {
        Change { id, source_id: Some(id), update_datetime: Some(stamp.into()), ..Change::default() }
    }

    fn compared(own: &[(i64, &str)], others: &[(i64, &str)]) -> Comparison {
        let mut comparison = Comparison::default();
        for (id, stamp) in own {
            comparison.hold(*id, Some(&change(*id, stamp)));
        }
        for (id, stamp) in others {
            comparison.meet(change(*id, stamp));
        }
        comparison
    }

    fn ids(decision: &Decision) -> Vec<Option<i64>> {
        decision.lost.iter().map(|change| change.source_id).collect()
    }

    #[test]
    fn what_only_others_have_comes_back_under_its_own_id() {
        let decision =
            compared(&[(1, "a"), (2, "b")], &[(1, "a"), (2, "b"), (3, "c"), (5, "d")]).decide(1, 5);
        assert_eq!(ids(&decision), [Some(3), Some(5)]);
        assert_eq!((decision.moved.len(), decision.last_id), (0, 5));
    }

    #[test]
    fn what_was_changed_after_the_restore_comes_behind_what_was_lost() {
        let own = [(1, "a"), (2, "b"), (3, "new"), (9, "newer")];
        let decision = compared(&own, &[(1, "a"), (3, "c"), (4, "d")]).decide(2, 4);
        assert_eq!(ids(&decision), [Some(3), Some(4)]);
        assert_eq!((decision.moved, decision.offset, decision.last_id), (vec![3, 9], 7, 16));
    }

    #[test]
    fn what_the_backup_had_and_others_know_stays() {
        let own = [(1, "a"), (2, "b"), (3, "c"), (4, "unseen")];
        let decision = compared(&own, &[(3, "c"), (5, "e")]).decide(2, 5);
        assert_eq!((ids(&decision), decision.moved, decision.offset), (vec![Some(5)], vec![4], 2));
    }

    #[test]
    fn two_changes_of_one_id_and_stamp_are_told_apart_by_their_values() {
        let with = |value: &str| Change { object_value: Some(value.into()), ..change(1, "floor") };
        let mut comparison = Comparison::default();
        comparison.hold(1, Some(&with("new")));
        comparison.meet(with("lost"));
        let decision = comparison.decide(0, 1);
        assert_eq!((ids(&decision), decision.moved), (vec![Some(1)], vec![1]));
        let mut comparison = Comparison::default();
        comparison.hold(1, Some(&with("same")));
        comparison.meet(Change { refusal: Some("left behind".into()), ..change(1, "floor") });
        assert_eq!(comparison.decide(0, 1).lost, []);
    }

    #[test]
    fn without_anything_lost_nothing_moves() {
        let decision = compared(&[(1, "a"), (2, "b")], &[(1, "a")]).decide(1, 1);
        assert_eq!(decision, Decision { last_id: 2, ..Decision::default() });
    }

    /// One node has the lost change, another one already has the new change of the same id.
    #[test]
    fn an_id_that_stands_for_two_changes_on_other_nodes_is_given_up() {
        let own = [(1, "a"), (2, "new"), (3, "newer")];
        let decision = compared(&own, &[(2, "lost"), (3, "lost too"), (2, "new")]).decide(1, 3);
        assert!(decision.is_renumbered);
        assert_eq!(ids(&decision), [Some(4), Some(5)]);
        assert_eq!((decision.moved, decision.offset, decision.last_id), (vec![2, 3], 4, 7));
    }
}
