//! What is decided, whatever the order in which changes arrive.

use super::*;

fn change(op: Op, stamp: &str, origin: &str, id: i64, cells: &[(&str, &str)]) -> Incoming {
    Incoming {
        inbox_id: id,
        version: Version { stamp: stamp.into(), origin: origin.into(), source_id: id },
        transaction_id: None,
        op,
        row: (0, "k".into()),
        key: vec!["k".into()],
        old_row: None,
        if_absent: BTreeMap::new(),
        is_record: false,
        old_cells: BTreeMap::new(),
        cells: cells
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
            .collect(),
    }
}

type Table = Option<BTreeMap<String, Option<String>>>;

/// Imports changes into a model of one row.
fn imported(changes: &[Incoming]) -> Table {
    let mut state = RowState::default();
    let mut row: Table = None;
    for incoming in changes {
        match decide(&mut state, incoming) {
            Effect::Insert(cells) => row = Some(cells),
            Effect::Update(cells) => row.as_mut().expect("it exists").extend(cells),
            Effect::Delete => row = None,
            Effect::Nothing => {}
        }
        assert_eq!(state.exists, row.is_some());
    }
    row
}

/// Every order of two origins' changes, each origin's own in order.
fn interleavings(a: &[Incoming], b: &[Incoming]) -> Vec<Vec<Incoming>> {
    match (a, b) {
        ([], rest) | (rest, []) => vec![rest.to_vec()],
        ([first_a, rest_a @ ..], [first_b, rest_b @ ..]) => {
            let mut all = Vec::new();
            for (first, rest) in
                [(first_a, interleavings(rest_a, b)), (first_b, interleavings(a, rest_b))]
            {
                all.extend(rest.into_iter().map(|tail| [vec![first.clone()], tail].concat()));
            }
            all
        }
    }
}

#[track_caller]
fn converges(a: &[Incoming], b: &[Incoming]) -> Table {
    let mut ends: Vec<Table> = interleavings(a, b).iter().map(|order| imported(order)).collect();
    ends.dedup();
    assert_eq!(ends.len(), 1, "{ends:#?}");
    ends.remove(0)
}

#[expect(clippy::unnecessary_wraps, reason = "a table of the tests is absent or has cells")]
fn cells(pairs: &[(&str, &str)]) -> Table {
    Some(pairs.iter().map(|(n, v)| ((*n).to_owned(), Some((*v).to_owned()))).collect())
}

#[test]
fn different_columns_keep_both_changes() {
    let base = change(Op::Insert, "1", "a", 1, &[("x", "0"), ("y", "0")]);
    let a = [base.clone(), change(Op::Update, "5", "a", 2, &[("x", "a")])];
    let row = imported(&[&a[..], &[change(Op::Update, "4", "b", 1, &[("y", "b")])]].concat());
    assert_eq!(row, cells(&[("x", "a"), ("y", "b")]));
}

#[test]
fn an_older_update_that_comes_late_does_not_overwrite() {
    let row = imported(&[
        change(Op::Insert, "1", "a", 1, &[("x", "0")]),
        change(Op::Update, "9", "a", 2, &[("x", "new")]),
        change(Op::Update, "8", "b", 1, &[("x", "old")]),
    ]);
    assert_eq!(row, cells(&[("x", "new")]));
}

#[test]
fn two_inserts_of_one_key_end_alike_everywhere() {
    let a = [change(Op::Insert, "3", "a", 1, &[("x", "a"), ("y", "a")])];
    let b = [
        change(Op::Insert, "2", "b", 1, &[("x", "b"), ("y", "b")]),
        change(Op::Update, "4", "b", 2, &[("x", "b2")]),
    ];
    assert_eq!(converges(&a, &b), cells(&[("x", "b2"), ("y", "a")]));
}

#[test]
fn a_delete_wins_against_a_concurrent_update_in_any_order() {
    let a = [change(Op::Insert, "1", "a", 1, &[("x", "0")]), change(Op::Delete, "5", "a", 2, &[])];
    assert_eq!(converges(&a, &[change(Op::Update, "6", "b", 1, &[("x", "b")])]), None);
}

#[test]
fn an_older_insert_does_not_bring_a_deleted_row_back() {
    let a = [change(Op::Insert, "1", "a", 1, &[("x", "0")]), change(Op::Delete, "5", "a", 2, &[])];
    assert_eq!(converges(&a, &[change(Op::Insert, "3", "b", 1, &[("x", "b")])]), None);
}

#[test]
fn a_newer_value_outlives_a_delete_and_a_reinsert_before_it() {
    let a = [
        change(Op::Insert, "1", "a", 1, &[("x", "0"), ("y", "0")]),
        change(Op::Delete, "4", "a", 2, &[]),
        change(Op::Insert, "5", "a", 3, &[("x", "again"), ("y", "again")]),
    ];
    let b = [change(Op::Update, "6", "b", 1, &[("x", "b")])];
    assert_eq!(converges(&a, &b), cells(&[("x", "b"), ("y", "again")]));
}

#[test]
fn a_reinsert_after_a_delete_brings_the_row_back_everywhere() {
    let a = [
        change(Op::Insert, "1", "a", 1, &[("x", "0")]),
        change(Op::Delete, "5", "a", 2, &[]),
        change(Op::Insert, "7", "a", 3, &[("x", "again")]),
    ];
    let b = [change(Op::Delete, "4", "b", 1, &[])];
    assert_eq!(converges(&a, &b), cells(&[("x", "again")]));
}

#[test]
fn an_update_inherits_the_stamp_of_the_insert_before_it() {
    let a = [
        change(Op::Insert, "9", "a", 1, &[("x", "0")]),
        change(Op::Update, "3", "a", 2, &[("x", "1")]),
    ];
    let b = [change(Op::Update, "5", "b", 1, &[("x", "b")])];
    assert_eq!(converges(&a, &b), cells(&[("x", "1")]));
}

#[test]
fn an_insert_with_a_clock_set_back_is_measured_by_the_stamp_it_inherits() {
    let a =
        [change(Op::Delete, "9", "a", 1, &[]), change(Op::Insert, "5", "a", 2, &[("x", "again")])];
    let b = [change(Op::Update, "7", "b", 1, &[("x", "b")])];
    assert_eq!(converges(&a, &b), cells(&[("x", "again")]));
}

#[test]
fn a_value_that_outlasts_its_origins_delete_by_the_stamp_is_kept() {
    let a = [
        change(Op::Insert, "1", "a", 1, &[("x", "0")]),
        change(Op::Update, "9", "a", 2, &[("x", "a")]),
        change(Op::Delete, "5", "a", 3, &[]),
    ];
    let b = [change(Op::Insert, "7", "b", 1, &[("x", "b")])];
    assert_eq!(converges(&a, &b), cells(&[("x", "a")]));
}

#[test]
fn a_delete_of_this_node_keeps_what_outlasts_it() {
    let mut state = RowState::default();
    note_local(&mut state, &change(Op::Update, "9", "a", 1, &[("x", "a")]));
    note_local(&mut state, &change(Op::Delete, "5", "a", 2, &[("x", "a")]));
    let insert = change(Op::Insert, "7", "b", 1, &[("x", "b")]);
    assert_eq!(
        decide(&mut state, &insert),
        Effect::Insert(cells(&[("x", "a")]).expect("it has cells"))
    );
}

#[test]
fn a_delete_of_this_node_that_is_noted_again_keeps_nothing_of_what_came_later() {
    let mut state = RowState::default();
    let delete = change(Op::Delete, "3", "a", 1, &[("x", "deleted")]);
    note_local(&mut state, &delete);
    assert_ne!(
        decide(&mut state, &change(Op::Insert, "5", "b", 1, &[("x", "b")])),
        Effect::Nothing
    );
    assert_ne!(
        decide(&mut state, &change(Op::Update, "6", "b", 2, &[("x", "later")])),
        Effect::Nothing
    );
    note_local(&mut state, &delete);
    assert!(!state.may_differ());
}

#[test]
fn what_an_import_did_not_see_is_settled() {
    let mut state = RowState::default();
    let update = change(Op::Update, "5", "b", 1, &[("x", "b")]);
    assert_eq!(decide(&mut state, &update), Effect::Nothing);
    note_local(&mut state, &change(Op::Insert, "4", "a", 1, &[("x", "a")]));
    state.exists = true;
    assert!(state.is_by_another_than(&"a".into()) && state.may_differ());
    let parked = cells(&[("x", "b")]).expect("it has cells");
    assert_eq!(settle(&mut state), Effect::Update(parked));
    assert_eq!(settle(&mut state), Effect::Nothing);
    assert_ne!(decide(&mut state, &change(Op::Delete, "6", "b", 2, &[])), Effect::Nothing);
    note_local(&mut state, &change(Op::Insert, "5", "a", 2, &[("x", "a")]));
    state.exists = true;
    assert_eq!(settle(&mut state), Effect::Delete);
}

#[test]
fn an_insert_that_arrives_after_its_update_takes_the_updates_value() {
    let row = imported(&[
        change(Op::Update, "5", "b", 1, &[("x", "b")]),
        change(Op::Insert, "1", "a", 1, &[("x", "0"), ("y", "0")]),
    ]);
    assert_eq!(row, cells(&[("x", "b"), ("y", "0")]));
}

#[test]
fn a_change_twice_is_one_change() {
    let insert = change(Op::Insert, "1", "a", 1, &[("x", "0")]);
    let update = change(Op::Update, "2", "a", 2, &[("x", "1")]);
    let twice = [insert.clone(), update.clone(), insert, update];
    assert_eq!(imported(&twice), cells(&[("x", "1")]));
}

/// A change of a table with `overwrite: record`; an update says the whole row.
fn record(op: Op, stamp: &str, origin: &str, id: i64, cells: &[(&str, &str)]) -> Incoming {
    Incoming { is_record: true, ..change(op, stamp, origin, id, cells) }
}

#[test]
fn the_newest_record_stands_as_a_whole_in_any_order() {
    let a = [
        record(Op::Insert, "1", "a", 1, &[("x", "0"), ("y", "0")]),
        record(Op::Update, "5", "a", 2, &[("x", "a"), ("y", "0")]),
    ];
    let b = [record(Op::Update, "4", "b", 1, &[("x", "0"), ("y", "b")])];
    assert_eq!(converges(&a, &b), cells(&[("x", "a"), ("y", "0")]));
    let b = [record(Op::Update, "6", "b", 1, &[("x", "0"), ("y", "b")])];
    assert_eq!(converges(&a, &b), cells(&[("x", "0"), ("y", "b")]));
}

#[test]
fn a_record_is_there_when_its_newest_change_is_no_delete() {
    let a = |stamp| {
        let insert = record(Op::Insert, "1", "a", 1, &[("x", "0"), ("y", "0")]);
        [insert, record(Op::Delete, stamp, "a", 2, &[])]
    };
    let b = [record(Op::Update, "5", "b", 1, &[("x", "b"), ("y", "0")])];
    assert_eq!(converges(&a("4"), &b), cells(&[("x", "b"), ("y", "0")]));
    assert_eq!(converges(&a("6"), &b), None);
}

#[test]
fn an_update_that_does_not_say_the_whole_record_is_one_of_its_columns() {
    let a = [
        record(Op::Insert, "1", "a", 1, &[("x", "0"), ("y", "0")]),
        record(Op::Update, "3", "a", 2, &[("x", "a"), ("y", "a")]),
    ];
    // Newer, it stands beside the rest, and waits for a row that is not there yet.
    let part = |stamp| [change(Op::Update, stamp, "b", 1, &[("y", "b")])];
    assert_eq!(converges(&a, &part("4")), cells(&[("x", "a"), ("y", "b")]));
    assert_eq!(converges(&a, &part("2")), cells(&[("x", "a"), ("y", "a")]));
    let delete = record(Op::Delete, "3", "a", 2, &[]);
    assert_eq!(converges(&[a[0].clone(), delete], &part("4")), None);
}

#[test]
fn what_is_recorded_as_a_mask_is_written_where_the_row_is_inserted_only() {
    let mut update = record(Op::Update, "5", "b", 1, &[("x", "b")]);
    update.if_absent = BTreeMap::from([("m".to_owned(), Some("***".to_owned()))]);
    let insert = record(Op::Insert, "1", "a", 1, &[("x", "0"), ("m", "secret")]);
    assert_eq!(imported(&[insert, update.clone()]), cells(&[("m", "secret"), ("x", "b")]));
    assert_eq!(imported(&[update]), cells(&[("m", "***"), ("x", "b")]));
}

/// As what a node had lost comes back to it, behind what it has changed since.
#[test]
fn what_comes_after_a_later_change_of_its_origin_leaves_that_its_stamp() {
    let insert = |stamp, origin, id| change(Op::Insert, stamp, origin, id, &[("x", origin)]);
    let update = |stamp, origin, id, x| change(Op::Update, stamp, origin, id, &[("x", x)]);
    let (lost, new) = (insert("9", "a", 1), insert("2", "a", 2));
    assert_eq!(imported(&[new, lost.clone(), insert("5", "b", 1)]), cells(&[("x", "a")]));
    let (first, new) = (insert("1", "a", 1), update("2", "a", 3, "new"));
    let others = [update("9", "a", 2, "lost"), update("5", "b", 1, "b")];
    let all = [&[first, new.clone()], &others[..]].concat();
    assert_eq!(imported(&all), cells(&[("x", "new")]));
    let all = [insert("1", "b", 1), new.clone(), lost.clone(), update("5", "b", 2, "b")];
    assert_eq!(imported(&all), cells(&[("x", "new")]));
    let kept = |changes: [&Incoming; 3]| {
        let mut state = RowState::default();
        for incoming in changes {
            let _ = decide(&mut state, incoming);
        }
        state.cells["x"].version.clone()
    };
    let first = insert("1", "b", 1);
    assert_eq!(kept([&first, &new, &lost]), kept([&first, &lost, &new]));
}
