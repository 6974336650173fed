//! Ids that were missing, as ranges.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of outbox ids, kept as ranges that neither overlap nor touch. Its text is a JSON array of
/// ids and of `[first, last]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// The last id of each range by its first.
    ranges: BTreeMap<i64, i64>,
}

/// One range as it is written.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    One(i64),
    Range(i64, i64),
}

impl Gaps {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many ranges there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// The lowest id.
    #[must_use]
    pub fn first(&self) -> Option<i64> {
        self.ranges.keys().next().copied()
    }

    /// The highest id.
    #[must_use]
    pub fn last(&self) -> Option<i64> {
        self.ranges.values().next_back().copied()
    }

    /// The ranges, by rising ids; first and last id of each belong to it.
    #[must_use]
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = (i64, i64)> {
        self.ranges.iter().map(|(first, last)| (*first, *last))
    }

    /// Whether an id is among them.
    #[must_use]
    pub fn contains(&self, id: i64) -> bool {
        self.range_of(id).is_some()
    }

    /// Adds the ids from `first` to `last`, together with what they touch.
    pub fn add(&mut self, first: i64, last: i64) {
        if first > last {
            return;
        }
        let (mut from, mut to) = (first, last);
        while let Some((first, last)) = self.before(to.saturating_add(1))
            && last >= from.saturating_sub(1)
        {
            self.ranges.remove(&first);
            from = from.min(first);
            to = to.max(last);
        }
        self.ranges.insert(from, to);
    }

    /// Takes the ids from `first` to `last` out.
    pub fn remove(&mut self, first: i64, last: i64) {
        while let Some((from, to)) = self.before(last)
            && to >= first
        {
            self.ranges.remove(&from);
            if to > last {
                self.ranges.insert(last + 1, to);
            }
            if from < first {
                self.ranges.insert(from, first - 1);
            }
        }
    }

    /// The ids above `above`, up to `through`.
    #[must_use]
    pub fn between(&self, above: i64, through: i64) -> Self {
        let mut part = Self::default();
        for (first, last) in self.ranges.range(..=through).rev() {
            if *last <= above {
                break;
            }
            part.ranges.insert((*first).max(above + 1), (*last).min(through));
        }
        part
    }

    /// Ranges of one id, and the others, each as a JSON array: a database finds an id by itself
    /// far quicker than a range.
    pub(super) fn texts(&self) -> (String, String) {
        let (ones, more): (Vec<_>, Vec<_>) = self.ranges().partition(|(first, last)| first == last);
        let ones: Vec<i64> = ones.into_iter().map(|(id, _)| id).collect();
        let text = |json: serde_json::Result<String>| json.unwrap_or_default();
        (text(serde_json::to_string(&ones)), text(serde_json::to_string(&more)))
    }

    /// The last range that begins at or below an id.
    fn before(&self, id: i64) -> Option<(i64, i64)> {
        self.ranges.range(..=id).next_back().map(|(first, last)| (*first, *last))
    }

    fn range_of(&self, id: i64) -> Option<(i64, i64)> {
        self.before(id).filter(|(_, last)| *last >= id)
    }
}

impl FromIterator<(i64, i64)> for Gaps {
    fn from_iter<I: IntoIterator<Item = (i64, i64)>>(ranges: I) -> Self {
        let mut gaps = Self::default();
        ranges.into_iter().for_each(|(first, last)| gaps.add(first, last));
        gaps
    }
}

impl Serialize for Gaps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.ranges().map(|(first, last)| {
            if first == last { Written::One(first) } else { Written::Range(first, last) }
        }))
    }
}

impl<'de> Deserialize<'de> for Gaps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Vec::<Written>::deserialize(deserializer)?;
        let ranges = written.into_iter().map(|range| match range {
            Written::One(id) => (id, id),
            Written::Range(first, last) => (first, last),
        });
        Ok(ranges.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(ranges: &[(i64, i64)]) -> Gaps {
        ranges.iter().copied().collect()
    }

    #[track_caller]
    fn is(gaps: &Gaps, ranges: &[(i64, i64)]) {
        assert_eq!(gaps.ranges().collect::<Vec<_>>(), ranges);
    }

    #[test]
    fn ranges_that_touch_are_one() {
        is(&gaps(&[(5, 6), (1, 2), (9, 9), (3, 4), (8, 8)]), &[(1, 6), (8, 9)]);
        is(&gaps(&[(1, 2), (5, 6), (9, 10), (2, 9)]), &[(1, 10)]);
        is(&gaps(&[(1, 9), (3, 4), (7, 6)]), &[(1, 9)]);
    }

    #[test]
    fn a_range_is_cut_where_ids_are_taken_out() {
        let mut some = gaps(&[(1, 9), (20, 21), (30, 39)]);
        some.remove(4, 5);
        some.remove(9, 30);
        some.remove(1, 1);
        is(&some, &[(2, 3), (6, 8), (31, 39)]);
        assert_eq!((some.first(), some.last(), some.len()), (Some(2), Some(39), 3));
        assert!(some.contains(7) && !some.contains(5) && !some.contains(40));
        is(&some.between(2, 31), &[(3, 3), (6, 8), (31, 31)]);
        is(&some.between(8, 30), &[]);
    }

    #[test]
    fn the_text_says_a_single_id_shortly_and_is_read_in_both_forms() {
        let some = gaps(&[(1, 1), (3, 4), (6, 6)]);
        let text = serde_json::to_string(&some).expect("it is plain JSON");
        assert_eq!(text, "[1,[3,4],6]");
        assert_eq!(serde_json::from_str::<Gaps>(&text).expect("it is read"), some);
        assert_eq!(serde_json::from_str::<Gaps>("[[1,1],[3,4],[6,6]]").expect("it is read"), some);
        assert_eq!(some.texts(), ("[1,6]".to_owned(), "[[3,4]]".to_owned()));
    }
}
