//! What several routes read of one source, read once.
//!
//! From a hub many routes leave, and as long as all are equally far they carry the same: what one
//! has read, the others take from here. It is a fact whenever it was read: what became visible
//! between two watermarks, and what had arrived on a route above an id. For what has come since,
//! each route looks itself, behind that. As much is kept as two pages hold.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{Change, RouteId};
use crate::outbox::{Cursor, Page, PageSize, Seen};

/// What was read of one node. To be forgotten when its session broke, for the database may have
/// been restored meanwhile.
#[derive(Debug, Default)]
pub struct Shared {
    /// The newest last; mostly each begins where the one before ended.
    windows: VecDeque<SharedWindow>,
    window_bytes: u64,
    /// By the route on which changes arrived: above which inbox id they were read.
    arrived: BTreeMap<RouteId, (i64, Page)>,
    arrived_bytes: u64,
}

/// A window that was no longer than a page.
#[derive(Debug)]
pub(super) struct SharedWindow {
    life: Life,
    before: Cursor,
    watermark: Option<String>,
    /// Every id of it, in its order.
    pub(super) ids: Vec<i64>,
    /// What of it is the node's own.
    pub(super) own: Vec<Change>,
}

/// As many windows are kept at most: routes that are further behind read for themselves.
const WINDOWS: usize = 16;

/// The bytes of their texts.
pub(super) fn bytes(changes: &[Change]) -> u64 {
    changes.iter().map(|change| change.bytes() as u64).sum()
}

/// Epoch and incarnation.
type Life = (i64, String);

fn life(seen: &Seen) -> Life {
    (seen.epoch, seen.incarnation.clone())
}

/// What a window depends on.
fn place(cursor: &Cursor) -> impl PartialEq + '_ {
    (cursor.pointer, &cursor.watermark, &cursor.gaps, &cursor.carried_to)
}

impl Shared {
    /// The window that a route at `cursor` would read.
    pub(super) fn window(&self, seen: &Seen, cursor: &Cursor) -> Option<&SharedWindow> {
        let is_it = |known: &&SharedWindow| {
            known.life == life(seen) && place(&known.before) == place(cursor)
        };
        self.windows.iter().find(is_it)
    }

    /// Keeps a window that began at `before` and has no page that is oversize.
    pub(super) fn keep_window(
        &mut self,
        seen: &Seen,
        before: &Cursor,
        watermark: Option<&str>,
        (ids, own): (Vec<i64>, Vec<Change>),
    ) {
        let watermark = watermark.map(str::to_owned);
        let window = SharedWindow { life: life(seen), before: before.clone(), watermark, ids, own };
        self.window_bytes += bytes(&window.own);
        self.windows.push_back(window);
        while self.window_bytes > PageSize::BYTES || self.windows.len() > WINDOWS {
            let Some(oldest) = self.windows.pop_front() else { break };
            self.window_bytes -= bytes(&oldest.own);
        }
    }

    /// What arrived on a route above an inbox id, if that was read.
    pub(super) fn page(&self, arrived_on: RouteId, last_id: i64) -> Option<&Page> {
        let (above, page) = self.arrived.get(&arrived_on)?;
        (*above == last_id).then_some(page)
    }

    /// Keeps such a page, unless it is oversize. An empty one says only that nothing had arrived
    /// yet.
    pub(super) fn keep_page(&mut self, arrived_on: RouteId, last_id: i64, page: &Page) {
        if page.changes.is_empty() || page.is_oversize {
            return;
        }
        let new = bytes(&page.changes);
        if let Some((_, old)) = self.arrived.remove(&arrived_on) {
            self.arrived_bytes -= bytes(&old.changes);
        }
        if self.arrived_bytes + new > PageSize::BYTES {
            self.arrived.clear();
            self.arrived_bytes = 0;
        }
        self.arrived_bytes += new;
        self.arrived.insert(arrived_on, (last_id, page.clone()));
    }
}

impl SharedWindow {
    /// Where a route that was at `cursor` is behind it.
    pub(super) fn cursor_after(&self, cursor: &Cursor, tracks_gaps: bool) -> Cursor {
        let mut after =
            Cursor { watermark: self.watermark.clone(), carried_to: None, ..cursor.clone() };
        for id in &self.ids {
            after.carry(*id, tracks_gaps);
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(epoch: i64) -> Seen {
        Seen { epoch, incarnation: "i".to_owned(), ..Seen::default() }
    }

    fn at(pointer: i64, watermark: &str) -> Cursor {
        Cursor { pointer, watermark: Some(watermark.to_owned()), ..Cursor::default() }
    }

    #[test]
    fn a_window_is_for_who_is_as_far_in_the_same_life() {
        let mut shared = Shared::default();
        let before = at(3, "a");
        shared.keep_window(&seen(1), &before, Some("b"), (vec![4, 6], Vec::new()));
        let forwards = BTreeMap::from([(1000, 9)]);
        let other = Cursor { forwards: forwards.clone(), ..before };
        let after = shared.window(&seen(1), &other).unwrap().cursor_after(&other, true);
        assert_eq!((after.pointer, after.watermark.as_deref()), (6, Some("b")));
        assert_eq!((after.gaps.len(), after.forwards), (1, forwards));
        for (epoch, cursor) in [(2, at(3, "a")), (1, at(4, "a")), (1, at(3, "b"))] {
            assert!(shared.window(&seen(epoch), &cursor).is_none());
        }
        // Another that begins where this one ended.
        shared.keep_window(&seen(1), &at(6, "b"), Some("c"), (vec![7], Vec::new()));
        assert!(shared.window(&seen(1), &at(3, "a")).is_some());
        assert_eq!(
            shared.window(&seen(1), &at(6, "b")).map(|known| &known.ids[..]),
            Some(&[7][..])
        );
        for pointer in 0..16 {
            shared.keep_window(&seen(1), &at(pointer, "z"), None, (vec![99], Vec::new()));
        }
        assert!(shared.window(&seen(1), &at(6, "b")).is_none());
        let set_back = Cursor { carried_to: Some("a".to_owned()), ..at(3, "a") };
        assert!(shared.window(&seen(1), &set_back).is_none());
    }

    #[test]
    fn pages_are_kept_by_route_and_id_and_not_without_bound() {
        let page = |bytes: usize| Page {
            changes: vec![Change { object_value: Some("x".repeat(bytes)), ..Change::default() }],
            may_go_on: false,
            is_oversize: bytes as u64 > PageSize::BYTES,
        };
        let half = usize::try_from(PageSize::BYTES).unwrap() / 2;
        let mut shared = Shared::default();
        shared.keep_page(RouteId(1000), 5, &Page::default());
        assert!(shared.page(RouteId(1000), 5).is_none());
        shared.keep_page(RouteId(1000), 5, &page(3 * half));
        assert!(shared.page(RouteId(1000), 5).is_none());
        shared.keep_page(RouteId(1000), 5, &page(half));
        shared.keep_page(RouteId(1000), 6, &page(half));
        shared.keep_page(RouteId(1002), 5, &page(half));
        assert!(shared.page(RouteId(1000), 5).is_none());
        assert!(shared.page(RouteId(1000), 6).is_some() && shared.page(RouteId(1002), 5).is_some());
        shared.keep_page(RouteId(1004), 5, &page(1));
        assert!(shared.page(RouteId(1000), 6).is_none() && shared.page(RouteId(1004), 5).is_some());
    }
}
