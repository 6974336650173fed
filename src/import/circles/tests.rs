//! Circles of rows: how they are opened, and which changes are one.

use std::sync::OnceLock;

use super::*;
use crate::dialect::Brand;
use crate::import::order::steps;
use crate::import::target::{Storage, TargetColumn};
use crate::model::{LogicalType, Version};

fn column(name: &str, is_nullable: bool) -> TargetColumn {
    TargetColumn {
        name: name.to_owned(),
        logical_type: LogicalType::Integer,
        native_type: "integer".to_owned(),
        storage: Storage { logical_type: Some(LogicalType::Integer), fit: None },
        is_identity: false,
        is_nullable,
        policy: "capture",
    }
}

fn table(name: &str, parent: usize, is_nullable: bool) -> Target {
    Target {
        object_table: name.to_owned(),
        namespace: None,
        name: name.to_owned(),
        key: vec![column("id", false)],
        columns: BTreeMap::from([("of".to_owned(), column("of", is_nullable))]),
        forbidden: Vec::new(),
        dropped: Vec::new(),
        awaited: Vec::new(),
        is_record_level: false,
        settles_collisions: true,
        bound_columns: vec!["of".to_owned()],
        unique_keys: Vec::new(),
        refers_to_itself: false,
        component: 0,
        parents: vec![parent],
        references: Vec::new(),
        circular: vec![Circular {
            parent,
            columns: vec!["of".to_owned()],
            referenced: vec!["id".to_owned()],
        }],
        has_guid: false,
    }
}

/// `boss` and `pet`, whose `of` refers to the other's `id`; that of a boss may be NULL.
fn targets() -> Targets {
    Targets {
        brand: Brand::Sqlite,
        database: "d".into(),
        has_commands: false,
        origins: BTreeMap::new(),
        tables: vec![table("boss", 1, true), table("pet", 0, false)],
        index: OnceLock::new(),
    }
}

fn of(value: Option<&str>) -> BTreeMap<String, Option<String>> {
    BTreeMap::from([("of".to_owned(), value.map(str::to_owned))])
}

fn effect(table: usize, key: &str, effect: Effect) -> RowEffect {
    RowEffect { row: (table, key.into()), key: vec![key.into()], effect, old_key: None }
}

fn insert(table: usize, key: &str, to: &str) -> RowEffect {
    effect(table, key, Effect::Insert(of(Some(to))))
}

#[track_caller]
fn check(effects: Vec<RowEffect>, expected: &[&str]) {
    let targets = targets();
    let text = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".to_owned());
    let shown: Vec<String> = steps(&targets, open(&targets, effects))
        .iter()
        .map(|step| {
            let rows = step.rows.iter();
            let rows: Vec<_> =
                rows.map(|row| format!("{}>{}", text(&row[0]), text(&row[1]))).collect();
            format!("{:?} {} {}", step.kind, targets.tables[step.table].name, rows.join(" "))
        })
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn a_reference_to_a_later_row_is_set_when_that_is_there() {
    let circles =
        vec![insert(0, "1", "2"), insert(1, "2", "1"), insert(0, "3", "4"), insert(1, "4", "3")];
    let inserts = ["Insert boss 1>- 3>-", "Insert pet 2>1 4>3"];
    check(circles, &[inserts[0], inserts[1], "Update boss 1>2", "Update boss 3>4"]);
}

#[test]
fn a_reference_to_what_is_there_stays_as_it_is() {
    check(
        vec![insert(0, "1", "9"), insert(1, "2", "1"), insert(0, "4", "4")],
        &["Insert boss 1>9 4>4", "Insert pet 2>1"],
    );
}

#[test]
fn a_row_that_changes_meanwhile_is_left_alone() {
    check(
        vec![insert(0, "1", "2"), effect(0, "1", Effect::Update(of(None))), insert(1, "2", "1")],
        &["Insert boss 1>2", "Update boss 1>-", "Insert pet 2>1"],
    );
}

#[test]
fn a_column_that_has_to_have_a_value_is_left_alone() {
    check(vec![insert(1, "2", "1"), insert(0, "1", "2")], &["Insert pet 2>1", "Insert boss 1>2"]);
}

fn change(op: Op, table: usize, key: &str, to: Option<&str>) -> Vec<Incoming> {
    vec![Incoming {
        inbox_id: 1,
        version: Version { stamp: "s".into(), origin: "o".into(), source_id: 1 },
        transaction_id: None,
        op,
        row: (table, key.into()),
        key: vec![key.into()],
        old_row: None,
        cells: of(to),
        if_absent: BTreeMap::new(),
        is_record: false,
        old_cells: BTreeMap::new(),
    }]
}

#[test]
fn a_circle_is_what_needs_each_other_and_nothing_beside_it() {
    let insert = |table, key, to| change(Op::Insert, table, key, Some(to));
    // Boss 1 and pet 2; pet 3 needs boss 1; boss 4 needs what is nowhere; boss 5 and pet 6.
    let units = [
        insert(1, "3", "1"),
        insert(0, "1", "2"),
        insert(1, "2", "1"),
        insert(0, "4", "99"),
        insert(0, "5", "6"),
        insert(1, "6", "5"),
    ];
    assert_eq!(circles(&targets(), &units), [vec![4, 5], vec![1, 2]]);
}

#[test]
fn an_update_closes_a_circle_with_the_insert_before_it() {
    let units = [
        change(Op::Insert, 0, "1", Some("7")),
        change(Op::Update, 0, "1", Some("2")),
        change(Op::Insert, 1, "2", Some("1")),
        change(Op::Insert, 1, "7", Some("1")),
    ];
    assert_eq!(circles(&targets(), &units), [vec![0, 3]]);
}

#[test]
fn an_update_of_a_row_that_is_there_is_in_no_circle_with_what_refers_to_it() {
    // Boss 4 and pet 3 need each other; pet 2 gets in without the update of boss 1.
    let mut units = [
        change(Op::Update, 0, "1", Some("2")),
        change(Op::Insert, 1, "2", Some("1")),
        change(Op::Insert, 0, "4", Some("3")),
        change(Op::Insert, 1, "3", Some("4")),
    ];
    assert_eq!(circles(&targets(), &units), [vec![2, 3]]);
    // Where it may bring the row, it is.
    units[0][0].is_record = true;
    assert_eq!(circles(&targets(), &units).len(), 2);
}

#[test]
fn rows_that_are_deleted_together_are_a_circle_too() {
    let mut boss = change(Op::Delete, 0, "1", None);
    (boss[0].old_cells, boss[0].cells) = (of(Some("2")), BTreeMap::new());
    let mut pet = change(Op::Delete, 1, "2", None);
    (pet[0].old_cells, pet[0].cells) = (of(Some("1")), BTreeMap::new());
    let mut other = pet.clone();
    (other[0].row, other[0].key) = ((1, "3".into()), vec!["3".into()]);
    assert_eq!(circles(&targets(), &[boss, pet, other]), [vec![0, 1]]);
}

#[test]
fn what_others_need_comes_first_however_long_the_chain() {
    let edges: Vec<Vec<usize>> = (0..100_000).map(|at| vec![(at + 1).min(99_999)]).collect();
    let components = strongly_connected(&edges);
    assert_eq!(components.len(), 100_000);
    assert_eq!(components[0], [99_999]);
    assert_eq!(components[99_999], [0]);
}
