//! What conflicts and what does not, whatever the order in which changes arrive.

use super::*;
use crate::import::decide::decide;

fn cells(pairs: &[(&str, &str)]) -> OldValues {
    pairs.iter().map(|(n, v)| ((*n).to_owned(), Some((*v).to_owned()))).collect()
}

fn change(
    op: Op,
    (stamp, origin, id): (&str, &str, i64),
    new: &[(&str, &str)],
    old: &[(&str, &str)],
) -> Incoming {
    Incoming {
        inbox_id: id,
        version: Version { stamp: stamp.into(), origin: origin.into(), source_id: id },
        transaction_id: None,
        op,
        row: (0, "k".into()),
        key: vec!["k".into()],
        old_row: None,
        cells: cells(new),
        if_absent: BTreeMap::new(),
        is_record: false,
        old_cells: cells(old),
    }
}

/// The conflicts of the last change, all changes imported one after the other into a row
/// whose values are always known.
fn last(changes: &[Incoming]) -> Vec<String> {
    let mut state = RowState::default();
    let mut history = History::new();
    let mut found = Vec::new();
    for incoming in changes {
        found = conflicts_of(&state, incoming, &history);
        let effect = decide(&mut state, incoming);
        if let crate::import::Effect::Insert(cells) = effect {
            state.values = cells;
        }
        let version = &incoming.version;
        let key = (version.origin.clone(), version.source_id);
        history.insert(key, incoming.old_cells.clone());
    }
    found.iter().map(shown).collect()
}

fn shown(conflict: &Conflict) -> String {
    let value = |side: &Side| side.value.clone().unwrap_or_else(|| "-".to_owned());
    let (local, incoming) = (value(&conflict.local), value(&conflict.incoming));
    let winner = if conflict.incoming_wins { "incoming" } else { "local" };
    let attribute = conflict.attribute.as_deref().unwrap_or("row");
    format!("{} {attribute}: {local} or {incoming}, {winner}", conflict.kind.name())
}

fn base() -> Incoming {
    change(Op::Insert, ("1", "a", 1), &[("x", "0"), ("y", "0")], &[])
}

#[test]
fn changes_made_one_after_the_other_are_no_conflict() {
    let b = change(Op::Update, ("2", "b", 1), &[("x", "1")], &[("x", "0")]);
    let a = change(Op::Update, ("3", "a", 2), &[("x", "2")], &[("x", "1")]);
    assert_eq!(last(&[base(), b.clone(), a.clone()]), [""; 0]);
    // Nor when the later one is here first: it says what it replaced.
    assert_eq!(last(&[base(), a.clone(), b.clone()]), [""; 0]);
    let delete = change(Op::Delete, ("4", "b", 2), &[], &[("x", "2"), ("y", "0")]);
    assert_eq!(last(&[base(), b, a, delete]), [""; 0]);
}

#[test]
fn two_updates_of_one_column_conflict_and_both_values_are_kept() {
    let b = change(Op::Update, ("2", "b", 1), &[("x", "b")], &[("x", "0")]);
    let a = change(Op::Update, ("3", "a", 2), &[("x", "a")], &[("x", "0")]);
    assert_eq!(
        last(&[base(), b.clone(), a.clone()]),
        ["update_origin_differs x: b or a, incoming"]
    );
    assert_eq!(last(&[base(), a, b]), ["update_origin_differs x: a or b, local"]);
}

#[test]
fn different_columns_and_equal_values_are_no_conflict() {
    let b = change(Op::Update, ("2", "b", 1), &[("y", "b")], &[("y", "0")]);
    let a = change(Op::Update, ("3", "a", 2), &[("x", "a")], &[("x", "0")]);
    let same = change(Op::Update, ("4", "b", 2), &[("x", "a")], &[("x", "0")]);
    assert_eq!(last(&[base(), b, a.clone()]), [""; 0]);
    assert_eq!(last(&[base(), a, same]), [""; 0]);
}

#[test]
fn two_inserts_of_one_key_conflict_where_they_differ() {
    let b = change(Op::Insert, ("2", "b", 1), &[("x", "0"), ("y", "b")], &[]);
    assert_eq!(last(&[base(), b]), [r#"insert_exists row: {"y":"0"} or {"y":"b"}, incoming"#]);
    let equal = change(Op::Insert, ("2", "b", 1), &[("x", "0"), ("y", "0")], &[]);
    assert_eq!(last(&[base(), equal]), [""; 0]);
}

#[test]
fn a_delete_that_did_not_know_an_update_conflicts_with_it_from_either_side() {
    let b = change(Op::Update, ("3", "b", 1), &[("x", "b")], &[("x", "0")]);
    let delete = change(Op::Delete, ("2", "a", 2), &[], &[("x", "0"), ("y", "0")]);
    assert_eq!(
        last(&[base(), b.clone(), delete.clone()]),
        [r#"delete_origin_differs row: {"x":"b"} or -, incoming"#]
    );
    assert_eq!(last(&[base(), delete, b]), ["update_deleted x: - or b, local"]);
}

#[test]
fn an_insert_and_a_delete_of_others_conflict_unless_the_deleter_knew_the_row() {
    let b = change(Op::Insert, ("2", "b", 1), &[("x", "b"), ("y", "0")], &[]);
    let delete = |x| change(Op::Delete, ("5", "a", 2), &[], &[("x", x), ("y", "0")]);
    assert_eq!(
        last(&[base(), delete("0"), b.clone()]),
        [r#"insert_deleted row: - or {"x":"b","y":"0"}, local"#]
    );
    assert_eq!(last(&[base(), delete("b"), b]), [""; 0]);
}

fn record(
    op: Op,
    version: (&str, &str, i64),
    new: &[(&str, &str)],
    old: &[(&str, &str)],
) -> Incoming {
    Incoming { is_record: true, ..change(op, version, new, old) }
}

#[test]
fn records_conflict_in_what_the_newer_one_did_not_know() {
    let insert = record(Op::Insert, ("1", "a", 1), &[("x", "0"), ("y", "0")], &[]);
    let b = record(Op::Update, ("2", "b", 1), &[("x", "0"), ("y", "b")], &[("y", "0")]);
    let a = record(Op::Update, ("3", "a", 2), &[("x", "a"), ("y", "0")], &[("x", "0")]);
    assert_eq!(
        last(&[insert.clone(), b.clone(), a.clone()]),
        [r#"update_origin_differs row: {"y":"b"} or {"y":"0"}, incoming"#]
    );
    // Where the older one comes later, all in which they differ is named.
    assert_eq!(
        last(&[insert.clone(), a, b.clone()]),
        [r#"update_origin_differs row: {"x":"a","y":"0"} or {"x":"0","y":"b"}, local"#]
    );
    let above = record(Op::Update, ("3", "a", 2), &[("x", "a"), ("y", "b")], &[("x", "0")]);
    assert_eq!(last(&[insert.clone(), b.clone(), above.clone()]), [""; 0]);
    assert_eq!(last(&[insert.clone(), above, b.clone()]), [""; 0]);
    // Nor is the insert lost to an update that was made on top of it.
    assert_eq!(last(&[b, insert]), [""; 0]);
}

#[test]
fn a_deleted_record_that_comes_back_is_named_on_either_side() {
    let insert = record(Op::Insert, ("1", "a", 1), &[("x", "0"), ("y", "0")], &[]);
    let old = [("x", "0"), ("y", "0")];
    let b = record(Op::Update, ("3", "b", 1), &[("x", "b"), ("y", "0")], &[("x", "0")]);
    let sooner = record(Op::Delete, ("2", "a", 2), &[], &old);
    let later = record(Op::Delete, ("4", "a", 2), &[], &old);
    let row = r#"{"x":"b","y":"0"}"#;
    assert_eq!(
        last(&[insert.clone(), sooner.clone(), b.clone()]),
        [format!("update_deleted row: - or {row}, incoming")]
    );
    assert_eq!(
        last(&[insert.clone(), b.clone(), sooner]),
        ["delete_origin_differs row: - or -, local"]
    );
    assert_eq!(
        last(&[insert.clone(), b.clone(), later.clone()]),
        [r#"delete_origin_differs row: {"x":"b"} or -, incoming"#]
    );
    assert_eq!(
        last(&[insert.clone(), later, b.clone()]),
        [format!("update_deleted row: - or {row}, local")]
    );
    let knew = record(Op::Delete, ("4", "a", 2), &[], &[("x", "b"), ("y", "0")]);
    assert_eq!(last(&[insert, b, knew]), [""; 0]);
}

#[test]
fn what_is_not_here_is_said() {
    let update = change(Op::Update, ("2", "b", 1), &[("x", "b")], &[("x", "0")]);
    assert_eq!(last(std::slice::from_ref(&update)), ["update_missing x: - or b, local"]);
    let delete = change(Op::Delete, ("2", "b", 2), &[], &[]);
    assert_eq!(last(&[delete]), ["delete_missing row: - or -, local"]);
}
