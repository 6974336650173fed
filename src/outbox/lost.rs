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
    /// The node's own changes of each row, in their order.
    own_rows: BTreeMap<RowHash, Vec<i64>>,
    /// Which of them the node that is asked has, each with its inbox id there.
    met: BTreeMap<i64, i64>,
    /// What that one has of each row and the node has not, in the order of the ids, with the inbox
    /// ids.
    met_lost: BTreeMap<RowHash, Vec<(i64, i64)>>,
    /// The first of the node's own changes that is certainly from after it was restored, although
    /// others have it already.
    first_new: Option<i64>,
}

/// Stands for a table and a key.
type RowHash = u64;

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
        match change {
            Some(change) => self.own_rows.entry(row_hash(change)).or_default().push(id),
            None => {
                self.known.insert(id);
            }
        }
    }

    /// Takes a change of the node that another node has in its inbox. Those of one node come in
    /// the order of the ids, and [`Self::leave`] ends them.
    pub fn meet(&mut self, change: Change) {
        let Some(id) = change.source_id else { return };
        let fingerprint = Fingerprint::of(&change);
        if let Some(Some(own)) = self.own.get(&id)
            && own.is_same(&fingerprint)
        {
            self.known.insert(id);
            self.met.insert(id, change.id);
        } else {
            self.met_lost.entry(row_hash(&change)).or_default().push((id, change.id));
            self.lost.entry((id, fingerprint)).or_insert(change);
        }
    }

    /// Ends what one node has, which has deleted what it had up to `purged_id`.
    ///
    /// Whatever the backup has was committed before what it lacks, and came to the other node
    /// first. So a change of the same row with a lower id than one that was lost, which is not
    /// there or came later, was made after the restore, under an id that nobody had used.
    pub fn leave(&mut self, purged_id: i64) {
        let met = std::mem::take(&mut self.met);
        for (row, lost) in std::mem::take(&mut self.met_lost) {
            let mut lost = lost.into_iter().rev().peekable();
            let mut arrived = i64::MAX;
            let own = self.own_rows.get(&row).into_iter().flatten().rev();
            for id in own.take_while(|id| **id > purged_id) {
                while let Some((_, at)) = lost.next_if(|(above, _)| above > id) {
                    arrived = at.min(arrived);
                }
                let is_later = met.get(id).is_none_or(|at| *at > arrived);
                if arrived < i64::MAX && is_later && self.first_new.is_none_or(|new| *id < new) {
                    self.first_new = Some(*id);
                }
            }
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
        let second_life = self.second_life();
        let mut lost: Vec<Change> = self.lost.into_values().collect();
        if is_renumbered {
            let is_second =
                |change: &Change| second_life.is_some() && change.update_datetime >= second_life;
            lost.sort_by_key(is_second);
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
                || self.first_new.is_some_and(|first| **id >= first)
        };
        self.own.keys().filter(is_moved).copied().collect()
    }

    /// Where an id stands for two lost changes, the node was restored twice: from which stamp on
    /// lost changes are those from between the two times. Nothing else tells.
    fn second_life(&self) -> Option<String> {
        let next = self.lost.iter().skip(1);
        let twice = self.lost.iter().zip(next).filter(|((one, _), (two, _))| one.0 == two.0);
        let later = twice.filter_map(|((_, one), (_, two))| {
            one.update_datetime.clone().max(two.update_datetime.clone())
        });
        later.min()
    }
}

/// Names the sets of changes, which come in the order of their ids, so that each is in one piece:
/// those that reach into each other are one.
pub fn join_sets(changes: &mut [Change]) {
    let sets = changes.iter().enumerate();
    let ends: BTreeMap<i64, usize> =
        sets.filter_map(|(at, change)| Some((change.transaction_id?, at))).collect();
    let mut start = 0;
    while let Some(first) = changes.get(start) {
        let name = first.source_id;
        let (mut at, mut end) = (start, start);
        while at <= end {
            let set = changes[at].transaction_id;
            // What no set is named of is one with what stands next to it, as in any inbox.
            let goes_on = |next: &Change| set.is_none() && next.transaction_id.is_none();
            let is_last = !changes.get(at + 1).is_some_and(goes_on);
            let of_set = set.and_then(|set| ends.get(&set).copied());
            end = end.max(of_set.unwrap_or(if is_last { at } else { at + 1 }));
            at += 1;
        }
        for change in &mut changes[start..=end] {
            change.transaction_id = name;
        }
        start = end + 1;
    }
}

fn row_hash(change: &Change) -> RowHash {
    let mut hasher = DefaultHasher::new();
    (&change.object_table, &change.object_id).hash(&mut hasher);
    hasher.finish()
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

    /// What each node has, in the order in which it came there.
    fn asked(own: &[(i64, &str)], nodes: &[&[(i64, &str)]]) -> Comparison {
        let mut comparison = compared(own, &[]);
        for arrived in nodes {
            let of =
                |(at, (id, stamp)): (i64, &(i64, &str))| Change { id: at, ..change(*id, stamp) };
            let mut changes: Vec<Change> = (1..).zip(*arrived).map(of).collect();
            changes.sort_by_key(|change| change.source_id);
            for change in changes {
                comparison.meet(change);
            }
            comparison.leave(0);
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

    /// The first life has rolled 1 back, and the second one was carried from on another route.
    #[test]
    fn a_new_change_under_an_id_that_nobody_had_comes_behind_what_was_lost() {
        let own = [(1, "new")];
        let decision = asked(&own, &[&[(1, "new")], &[(2, "b"), (3, "c")]]).decide(1, 3);
        assert_eq!(ids(&decision), [Some(2), Some(3)]);
        assert_eq!((decision.moved, decision.offset, decision.last_id), (vec![1], 3, 4));
        let decision = asked(&own, &[&[(2, "b"), (1, "new")]]).decide(1, 2);
        assert_eq!((ids(&decision), decision.moved), (vec![Some(2)], vec![1]));
    }

    #[test]
    fn what_came_before_what_was_lost_stays_before_it() {
        let decision = asked(&[(1, "a")], &[&[(1, "a"), (2, "b")], &[(1, "a")]]).decide(1, 2);
        assert_eq!((ids(&decision), decision.moved), (vec![Some(2)], vec![]));
        let mut comparison = compared(&[(1, "a")], &[(2, "b")]);
        // The other node had it once.
        comparison.leave(1);
        assert!(comparison.decide(1, 2).moved.is_empty());
    }

    #[test]
    fn of_two_lives_that_were_lost_the_later_one_comes_behind_the_earlier_one() {
        let lost = [(1, "5"), (2, "5"), (1, "8"), (2, "8"), (3, "9")];
        let decision = asked(&[], &[&lost[..2], &lost[2..]]).decide(0, 3);
        let stamps: Vec<_> =
            decision.lost.iter().filter_map(|change| change.update_datetime.as_deref()).collect();
        assert_eq!(stamps, ["5", "5", "8", "8", "9"]);
        assert_eq!(ids(&decision), [Some(4), Some(5), Some(6), Some(7), Some(8)]);
    }

    #[test]
    fn sets_that_reach_into_each_other_are_one() {
        let of =
            |(id, transaction_id): (i64, Option<i64>)| Change { transaction_id, ..change(id, "a") };
        let sets = [Some(7), Some(8), Some(8), Some(7), Some(9), None, None, Some(9), None, None];
        let mut changes: Vec<Change> = (1..).zip(sets).map(of).collect();
        join_sets(&mut changes);
        let names: Vec<_> = changes.iter().filter_map(|change| change.transaction_id).collect();
        assert_eq!(names, [1, 1, 1, 1, 5, 5, 5, 5, 9, 9]);
    }
}
