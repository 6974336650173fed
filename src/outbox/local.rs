//! An outbox row as the rest of the world sees it: with its origin, its id and a proper stamp.

use chrono::{Duration, NaiveDateTime};

use crate::model::{Change, NodeId, stamp};

/// How stamps are written.
const STAMP: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// The widest that a column of every brand's inbox takes, in UTF-16 units.
const WIDTHS: [(&str, usize); 4] = [
    ("object_database", 128),
    ("object_table", 257),
    ("object_attribute", 128),
    ("object_operation", 10),
];

/// A row of this node's outbox as a change of this node; `None` for a row that names another
/// origin, which this node has no right to send.
///
/// A row that an application wrote may lack the origin; its stamp may have any form that
/// [`stamp`] reads, and one that it cannot read becomes a refusal: the change still travels,
/// and every target keeps it in quarantine where it can be seen.
#[must_use]
pub fn localise(mut change: Change, node: &NodeId) -> Option<Change> {
    match &change.updated_by_server_id {
        Some(origin) if origin != node.as_str() => return None,
        _ => change.updated_by_server_id = Some(node.0.clone()),
    }
    change.source_id = Some(change.id);
    match change.update_datetime.as_deref().map(stamp) {
        Some(Ok(stamp)) => change.update_datetime = Some(stamp),
        Some(Err(bad)) => {
            change.update_datetime = None;
            change.refuse(|| format!("`update_datetime` is {bad}"));
        }
        None => change.refuse(|| "the change has no `update_datetime`".to_owned()),
    }
    cut(&mut change);
    Some(change)
}

/// Cuts names that no brand's names are as long as, and refuses the change for it.
fn cut(change: &mut Change) {
    let mut cut = None;
    for (name, text) in change.texts_mut() {
        let width = WIDTHS.iter().find(|(known, _)| *known == name);
        let (Some(text), Some((_, width))) = (text, width) else { continue };
        if text.len() <= *width {
            // No letter has more units than bytes.
            continue;
        }
        let mut units = 0;
        let end = text.char_indices().find(|(_, letter)| {
            units += letter.len_utf16();
            units > *width
        });
        if let Some((end, _)) = end {
            text.truncate(end);
            cut = cut.or(Some((name, *width)));
        }
    }
    if let Some((name, width)) = cut {
        change.refuse(|| format!("`{name}` is longer than {width} characters"));
    }
}

/// The stamp one microsecond after another; `None` when it is no stamp, or the last one there is.
#[must_use]
pub fn next_stamp(stamp: &str) -> Option<String> {
    let time = NaiveDateTime::parse_from_str(stamp, STAMP).ok()?;
    let next = time.checked_add_signed(Duration::microseconds(1))?.format(STAMP).to_string();
    (next.len() == stamp.len()).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_stamp_is_a_microsecond_later() {
        let next = next_stamp("2025-12-31 23:59:59.999999");
        assert_eq!(next.as_deref(), Some("2026-01-01 00:00:00.000000"));
        assert_eq!(next_stamp("9999-12-31 23:59:59.999999"), None);
        assert_eq!(next_stamp("soon"), None);
    }

    #[test]
    fn a_row_without_an_origin_is_this_nodes_and_a_foreign_one_is_nobodys() {
        let node = NodeId::from("a");
        let row = Change {
            id: 7,
            update_datetime: Some("2025-01-01 00:00:00".into()),
            ..Change::default()
        };
        let local = localise(row.clone(), &node).expect("it is local");
        assert_eq!(local.updated_by_server_id.as_deref(), Some("a"));
        assert_eq!(local.source_id, Some(7));
        let foreign = Change { updated_by_server_id: Some("b".into()), ..row };
        assert_eq!(localise(foreign, &node), None);
    }

    #[test]
    fn a_name_that_no_inbox_takes_is_cut_and_the_change_refused() {
        let long = "\u{1f600}".repeat(200);
        let row = Change {
            id: 1,
            object_table: Some(long.clone()),
            object_id: Some(long.clone()),
            update_datetime: Some("2025-01-01".into()),
            ..Change::default()
        };
        let local = localise(row, &NodeId::from("a")).expect("it travels");
        assert_eq!(local.object_table.map(|text| text.chars().count()), Some(128));
        assert_eq!(local.object_id, Some(long));
        assert_eq!(local.refusal.as_deref(), Some("`object_table` is longer than 257 characters"));
    }

    #[test]
    fn an_unreadable_stamp_is_a_refusal_and_not_a_loss() {
        let row = Change { id: 1, update_datetime: Some("soon".into()), ..Change::default() };
        let local = localise(row, &NodeId::from("a")).expect("it travels");
        assert_eq!(local.update_datetime, None);
        assert!(local.refusal.is_some());
    }
}
