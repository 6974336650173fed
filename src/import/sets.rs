//! Which changes belong together: change sets, and the delete and insert of a changed key.

use crate::model::{Change, Op};
use crate::outbox::Page;

/// Runs of changes that get in together: single ones, but the delete and the insert of a changed
/// key, of which one alone would lose the row or double it, and take along the rows that refer
/// to it.
pub(super) fn units(changes: &[Change]) -> Vec<&[Change]> {
    changes.chunk_by(is_changed_key).collect()
}

/// Whether the two are one change of a key.
pub(super) fn is_changed_key(first: &Change, second: &Change) -> bool {
    let is = |change: &Change, op: Op| {
        change.object_operation.as_deref().and_then(Op::from_letter) == Some(op)
    };
    is(first, Op::Delete)
        && is(second, Op::Insert)
        && second.object_id_old.is_some()
        && first.object_id == second.object_id_old
        && first.object_table == second.object_table
        && set_of(first) == set_of(second)
}

/// A change set: its origin, and the transaction or window there.
pub(super) type SetName<'a> = (Option<&'a str>, Option<i64>);

/// Which change set a change belongs to.
pub(super) fn set_of(change: &Change) -> SetName<'_> {
    (change.updated_by_server_id.as_deref(), change.transaction_id)
}

/// A page without the change set at its end that may go on behind it; the whole page where it is
/// of one change set.
pub(super) fn whole_sets(mut page: Page) -> Page {
    if !page.may_go_on {
        return page;
    }
    let last = page.changes.last().map(set_of);
    let boundary = page.changes.iter().rposition(|change| Some(set_of(change)) != last);
    if let Some(boundary) = boundary {
        page.changes.truncate(boundary + 1);
        page.may_go_on = false;
    }
    page
}
