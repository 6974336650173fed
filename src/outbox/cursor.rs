//! How far a route has been carried.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::epoch::Seen;
use super::{Gaps, Grace};

/// The position of a route in its source's outbox, as `fromoutboxpointer` and `cursor_state` of
/// `ds_program_parameter` keep it. It only ever moves forward, unless a person rewinds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The highest outbox id that was carried; what a person reads and may set back.
    pub pointer: i64,
    /// The brand's watermark at the last window (a Postgres snapshot, a row version).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<String>,
    /// Ids below `pointer` that were not there yet: rolled back, or still open. They are looked at
    /// again, so that a late commit is carried when it comes.
    #[serde(default, skip_serializing_if = "Gaps::is_empty")]
    pub gaps: Gaps,
    /// Of the missing ids, those up to here are written by somebody, or never will be.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub settled: i64,
    /// The wait for those above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<Grace>,
    /// The watermark from before a person set the pointer back: what was still open then is not
    /// among what the pointer says, and has to come all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_to: Option<String>,
    /// By the route on which a forwarded change arrived: the highest inbox id carried on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub forwards: BTreeMap<i64, i64>,
    /// By the route on which it arrived at the source, 0 for the source's own changes: the highest
    /// id that was ever carried, whatever was set back since.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reached: BTreeMap<i64, i64>,
    /// The life of the source that all this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Seen>,
    /// How far the source's clock was ahead of the target's at the last exchange with changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew_ms: Option<i64>,
}

/// Where [`Cursor::reached`] notes the source's own changes: no route has this id.
pub(crate) const OWN: i64 = 0;

impl Cursor {
    /// Where the route begins anew in another life of its source.
    pub(super) fn begun_anew(&self, source: Seen) -> Self {
        Self { reached: self.all_reached(), source: Some(source), ..Self::default() }
    }

    /// The cursor of a fold that begins anew, over changes up to `id` that may be known.
    #[must_use]
    pub fn of_known(id: i64) -> Self {
        Self { reached: BTreeMap::from([(OWN, id)]), ..Self::default() }
    }

    /// Up to where a fold may come upon what is known; 0 unless it began anew.
    #[must_use]
    pub fn known_id(&self) -> i64 {
        self.reached.get(&OWN).copied().unwrap_or(0)
    }

    /// The last id that the route has carried of a place, since it may have been set back.
    fn stands_at(&self, arrived_on: i64) -> Option<&i64> {
        if arrived_on == OWN { Some(&self.pointer) } else { self.forwards.get(&arrived_on) }
    }

    /// The highest id that was ever carried of what arrived at the source on a route, or, for 0,
    /// of its own changes.
    #[must_use]
    pub fn has_reached(&self, arrived_on: i64) -> i64 {
        self.stands_at(arrived_on).max(self.reached.get(&arrived_on)).copied().unwrap_or(0)
    }

    /// Whether what comes next of a place was carried before, and so may be purged.
    #[must_use]
    pub fn is_set_back(&self, arrived_on: i64) -> bool {
        self.reached.get(&arrived_on) > self.stands_at(arrived_on)
    }

    /// The cursor of a route that may go on without what was purged before it came.
    #[must_use]
    pub fn admitted(mut self, purged: &BTreeMap<i64, i64>) -> Self {
        for (place, id) in purged {
            let reached = self.reached.entry(*place).or_default();
            *reached = id.max(reached).to_owned();
        }
        self
    }

    fn all_reached(&self) -> BTreeMap<i64, i64> {
        let places = [&OWN].into_iter().chain(self.forwards.keys()).chain(self.reached.keys());
        let reached = places.map(|place| (*place, self.has_reached(*place)));
        reached.filter(|(_, id)| *id > 0).collect()
    }

    /// The same at a pointer below it.
    pub(super) fn set_back(self, pointer: i64) -> Self {
        let reached = self.all_reached();
        Self {
            pointer,
            gaps: self.gaps.between(0, pointer),
            carried_to: self.watermark.or(self.carried_to),
            reached,
            source: self.source,
            ..Self::default()
        }
    }

    /// The cursor of its own text; the beginning, where there is none.
    #[must_use]
    pub fn from_state(state: &str) -> Self {
        serde_json::from_str(state).unwrap_or_default()
    }

    /// The text of `cursor_state`.
    ///
    /// # Panics
    /// Never: the state is numbers and text.
    #[must_use]
    pub fn state(&self) -> String {
        serde_json::to_string(self).expect("a cursor is plain JSON")
    }

    /// Takes note of an id that was carried, and of the ids before it that were not there.
    /// Ids come in rising order within one window.
    pub(crate) fn carry(&mut self, id: i64, tracks_gaps: bool) {
        if id > self.pointer {
            if tracks_gaps && id > self.pointer + 1 {
                self.gaps.add(self.pointer + 1, id - 1);
            }
            self.pointer = id;
        } else if tracks_gaps {
            self.gaps.remove(id, id);
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(id: &i64) -> bool {
    *id == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(ranges: &[(i64, i64)]) -> Gaps {
        ranges.iter().copied().collect()
    }

    #[test]
    fn missing_ids_stay_on_the_list_until_they_come() {
        let mut cursor = Cursor { pointer: 3, ..Cursor::default() };
        for id in [4, 7, 9] {
            cursor.carry(id, true);
        }
        assert_eq!((cursor.pointer, &cursor.gaps), (9, &gaps(&[(5, 6), (8, 8)])));
        cursor.carry(8, true);
        cursor.carry(5, true);
        assert_eq!((cursor.pointer, &cursor.gaps), (9, &gaps(&[(6, 6)])));
    }

    #[test]
    fn a_brand_that_commits_in_order_has_no_gaps() {
        let mut cursor = Cursor::default();
        cursor.carry(10, false);
        assert_eq!((cursor.pointer, cursor.gaps.len()), (10, 0));
    }

    #[test]
    fn a_pointer_that_a_person_set_back_still_looks_for_what_was_missing() {
        let cursor = Cursor {
            pointer: 9,
            watermark: Some("10:10:".into()),
            gaps: gaps(&[(2, 3), (5, 8)]),
            settled: 0,
            grace: None,
            carried_to: None,
            forwards: BTreeMap::from([(1000, 4)]),
            reached: BTreeMap::from([(1000, 2), (1002, 8)]),
            source: Some(Seen { epoch: 1, incarnation: "i".into(), exchange: 5, counter: 0 }),
            skew_ms: None,
        };
        assert_eq!(Cursor::read(9, Some(&cursor.state())).as_ref(), Ok(&cursor));
        let back = Cursor {
            pointer: 6,
            gaps: gaps(&[(2, 3), (5, 6)]),
            carried_to: Some("10:10:".into()),
            reached: BTreeMap::from([(OWN, 9), (1000, 4), (1002, 8)]),
            source: cursor.source.clone(),
            ..Cursor::default()
        };
        let read = Cursor::read(6, Some(&cursor.state()));
        assert_eq!(read.as_ref(), Ok(&back));
        assert_eq!((back.has_reached(OWN), back.has_reached(1004)), (9, 0));
        assert!(back.is_set_back(OWN) && back.is_set_back(1000) && !back.is_set_back(1004));
        assert!(!cursor.is_set_back(OWN) && !cursor.is_set_back(1000));
    }
}
