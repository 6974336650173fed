//! Effects become as few set-based steps as order and keys allow.
//!
//! Two changes may trade places when nobody could tell: other rows, and either unrelated tables
//! or columns that no key or reference is bound to. Everything else keeps the order in which the
//! origin made it.

use std::collections::BTreeMap;

use super::decide::Effect;
use super::decode::RowId;
use super::target::Targets;

/// An effect on a row, with what identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowEffect {
    /// The row.
    pub row: RowId,
    /// The row's key, canonical, in key order.
    pub key: Vec<String>,
    /// What to do.
    pub effect: Effect,
    /// For an insert: the key that the row has now, when the key changed and the row is there.
    pub old_key: Option<(RowId, Vec<String>)>,
}

/// What one statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// Rows are inserted.
    Insert,
    /// Cells are set.
    Update,
    /// Rows are deleted.
    Delete,
    /// Rows get another key, and all their cells.
    Rekey,
}

/// One statement: the same columns of several rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// The table, as an index of [`Targets`].
    pub table: usize,
    /// The columns outside the key that it writes, sorted.
    pub columns: Vec<String>,
    /// Each row: (for a rekey the old key,) the key, the cells in the order of `columns`.
    pub rows: Vec<Vec<Option<String>>>,
    touched: BTreeMap<String, usize>,
}

/// Groups effects, given in the order in which they were made.
#[must_use]
pub fn steps(targets: &Targets, effects: Vec<RowEffect>) -> Vec<Step> {
    // Steps of different components never meet, so each effect looks at its own ones only.
    let mut components: BTreeMap<usize, Vec<(usize, Step)>> = BTreeMap::new();
    let mut count = 0;
    for effect in effects {
        let Some(new) = single(effect) else { continue };
        let steps = components.entry(targets.tables[new.table].component).or_default();
        let is_in_the_way = |(_, step): &(usize, Step)| conflict(targets, step, &new);
        let first_allowed = steps.iter().rposition(is_in_the_way).map_or(0, |at| at + 1);
        // A later value for the same cells of one step replaces the earlier one.
        if let Some((_, last)) = steps.get_mut(first_allowed.wrapping_sub(1))
            && last.replace(&new)
        {
            continue;
        }
        let fitting = steps.iter_mut().skip(first_allowed).find(|(_, step)| step.takes(&new));
        if let Some((_, step)) = fitting {
            step.append(new);
        } else {
            steps.push((count, new));
            count += 1;
        }
    }
    let mut steps: Vec<(usize, Step)> = components.into_values().flatten().collect();
    steps.sort_by_key(|(begun, _)| *begun);
    steps.into_iter().map(|(_, step)| step).collect()
}

fn single(effect: RowEffect) -> Option<Step> {
    let RowEffect { row: (table, row), key, effect, old_key } = effect;
    let key = key.into_iter().map(Some);
    let mut touched = BTreeMap::from([(row, 0)]);
    let (kind, columns, cells) = match (effect, old_key) {
        (Effect::Nothing, _) => return None,
        (Effect::Delete, _) => (StepKind::Delete, Vec::new(), key.collect()),
        (Effect::Update(cells), _) => {
            let (columns, values) = split(cells);
            (StepKind::Update, columns, key.chain(values).collect())
        }
        (Effect::Insert(cells), None) => {
            let (columns, values) = split(cells);
            (StepKind::Insert, columns, key.chain(values).collect())
        }
        (Effect::Insert(cells), Some(((_, old_row), old_key))) => {
            let (columns, values) = split(cells);
            touched.insert(old_row, 0);
            let row = old_key.into_iter().map(Some).chain(key).chain(values).collect();
            (StepKind::Rekey, columns, row)
        }
    };
    Some(Step { kind, table, columns, rows: vec![cells], touched })
}

fn split(cells: BTreeMap<String, Option<String>>) -> (Vec<String>, Vec<Option<String>>) {
    cells.into_iter().unzip()
}

impl Step {
    fn takes(&self, new: &Self) -> bool {
        self.kind != StepKind::Rekey
            && self.kind == new.kind
            && self.table == new.table
            && self.columns == new.columns
    }

    fn append(&mut self, new: Self) {
        let index = self.rows.len();
        self.rows.extend(new.rows);
        self.touched.extend(new.touched.into_keys().map(|row| (row, index)));
    }

    /// Takes the values of a later update of the same cells of a row that is in this step.
    fn replace(&mut self, new: &Self) -> bool {
        if self.kind != StepKind::Update || !self.takes(new) {
            return false;
        }
        let row = new.touched.keys().next().and_then(|row| self.touched.get(row));
        match (row, new.rows.first()) {
            (Some(index), Some(values)) => {
                self.rows[*index].clone_from(values);
                true
            }
            _ => false,
        }
    }
}

/// Whether `new` has to stay behind `step`.
fn conflict(targets: &Targets, step: &Step, new: &Step) -> bool {
    let (first, second) = (&targets.tables[step.table], &targets.tables[new.table]);
    if step.table == new.table {
        let same_row = new.touched.keys().any(|row| step.touched.contains_key(row));
        let is_bound = |step: &Step, target: &super::target::Target| match step.kind {
            StepKind::Update => step.columns.iter().any(|c| target.bound_columns.contains(c)),
            StepKind::Insert | StepKind::Delete => {
                !target.unique_keys.is_empty() || refers_to_itself(targets, new.table)
            }
            StepKind::Rekey => true,
        };
        let order_matters = !(step.kind == StepKind::Insert && new.kind == StepKind::Insert)
            || refers_to_itself(targets, new.table);
        return same_row || (order_matters && is_bound(step, first) && is_bound(new, second));
    }
    if first.component != second.component {
        return false;
    }
    let moves_freely = |step: &Step| {
        let target = &targets.tables[step.table];
        step.kind == StepKind::Update
            && step.columns.iter().all(|column| !target.bound_columns.contains(column))
    };
    if moves_freely(step) || moves_freely(new) {
        return false;
    }
    // An insert of a parent may come earlier, a delete of a child too: both only help.
    let is_parent = |of: usize, table: usize| targets.tables[of].parents.contains(&table);
    match (step.kind, new.kind) {
        (StepKind::Insert, StepKind::Insert) => !is_parent(step.table, new.table),
        (StepKind::Delete, StepKind::Delete) => !is_parent(new.table, step.table),
        _ => true,
    }
}

fn refers_to_itself(targets: &Targets, table: usize) -> bool {
    targets.tables[table].refers_to_itself
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::dialect::Brand;
    use crate::import::target::Target;

    /// `parent`, `child` (refers to it by `ref`), `free` (tied to nothing).
    fn targets() -> Targets {
        let table = |name: &str, parents: Vec<usize>, bound: &[&str], component| Target {
            object_table: name.to_owned(),
            namespace: None,
            name: name.to_owned(),
            key: Vec::new(),
            columns: BTreeMap::new(),
            forbidden: Vec::new(),
            dropped: Vec::new(),
            awaited: Vec::new(),
            is_record_level: false,
            settles_collisions: true,
            bound_columns: bound.iter().map(|column| (*column).to_owned()).collect(),
            unique_keys: Vec::new(),
            refers_to_itself: false,
            component,
            parents,
            references: Vec::new(),
            circular: Vec::new(),
            has_guid: false,
        };
        let tables = vec![
            table("parent", vec![], &[], 0),
            table("child", vec![0], &["ref"], 0),
            table("free", vec![], &[], 2),
        ];
        Targets {
            brand: Brand::Sqlite,
            database: "d".into(),
            has_commands: false,
            origins: BTreeMap::new(),
            tables,
            index: OnceLock::new(),
        }
    }

    fn effect(table: usize, key: &str, effect: Effect) -> RowEffect {
        RowEffect { row: (table, key.into()), key: vec![key.into()], effect, old_key: None }
    }

    fn cells(name: &str, value: &str) -> BTreeMap<String, Option<String>> {
        BTreeMap::from([(name.to_owned(), Some(value.to_owned()))])
    }

    #[track_caller]
    fn check(effects: Vec<RowEffect>, expected: &[&str]) {
        let targets = targets();
        let shown: Vec<String> = steps(&targets, effects)
            .iter()
            .map(|step| {
                let name = &targets.tables[step.table].name;
                let keys: Vec<_> = step.rows.iter().map(|row| row[0].clone().unwrap()).collect();
                format!("{:?} {name} {}", step.kind, keys.join(","))
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn parents_and_children_of_many_change_sets_are_two_inserts() {
        let insert = |table, key| effect(table, key, Effect::Insert(cells("x", "1")));
        check(
            vec![insert(0, "p1"), insert(1, "c1"), insert(0, "p2"), insert(1, "c2")],
            &["Insert parent p1,p2", "Insert child c1,c2"],
        );
    }

    #[test]
    fn children_are_deleted_before_their_parents() {
        let delete = |table, key| effect(table, key, Effect::Delete);
        check(
            vec![delete(1, "c1"), delete(0, "p1"), delete(1, "c2"), delete(0, "p2")],
            &["Delete child c1,c2", "Delete parent p1,p2"],
        );
    }

    #[test]
    fn a_parent_is_not_deleted_before_its_child_moved_away() {
        check(
            vec![
                effect(1, "c", Effect::Update(cells("ref", "p2"))),
                effect(0, "p1", Effect::Delete),
                effect(1, "d", Effect::Update(cells("ref", "p2"))),
            ],
            &["Update child c", "Delete parent p1", "Update child d"],
        );
    }

    #[test]
    fn updates_of_mixed_tables_and_columns_are_one_statement_each() {
        let update = |table, key, column| effect(table, key, Effect::Update(cells(column, "1")));
        check(
            vec![
                update(0, "a", "x"),
                update(2, "f", "x"),
                update(0, "a", "y"),
                update(0, "b", "x"),
            ],
            &["Update parent a,b", "Update free f", "Update parent a"],
        );
    }

    #[test]
    fn changes_of_one_row_keep_their_order_and_the_last_value_stands() {
        let update = |value| effect(0, "a", Effect::Update(cells("x", value)));
        let all = steps(&targets(), vec![update("1"), update("2")]);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].rows, [vec![Some("a".to_owned()), Some("2".to_owned())]]);
        check(
            vec![
                effect(0, "a", Effect::Insert(cells("x", "1"))),
                effect(0, "a", Effect::Delete),
                effect(0, "a", Effect::Insert(cells("x", "2"))),
            ],
            &["Insert parent a", "Delete parent a", "Insert parent a"],
        );
    }
}
