//! Updates that say the whole row, of tables with `overwrite: record`.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{Incoming, RowId};
use crate::model::Op;

/// Tells the changes of one statement what all of them replaced; the inbox ids of those that say
/// again what the first of their statement said. A statement that changes several columns of a row
/// is several changes, each with the whole new row, and with the old value of its column alone.
pub(super) fn join_statements(incoming: &mut [Incoming]) -> BTreeSet<i64> {
    let mut statements: Vec<Vec<usize>> = Vec::new();
    let mut last: BTreeMap<&RowId, usize> = BTreeMap::new();
    for (at, change) in incoming.iter().enumerate() {
        let is_whole = change.op == Op::Update && change.is_record;
        let known = last.get(&change.row).copied().filter(|_| is_whole);
        let same = known.filter(|one| is_one_statement(&incoming[statements[*one][0]], change));
        if let Some(one) = same {
            statements[one].push(at);
        } else {
            last.insert(&change.row, statements.len());
            statements.push(vec![at]);
        }
    }
    let mut repeated = BTreeSet::new();
    for statement in statements {
        let [first, .., end] = *statement else { continue };
        let all = statement.iter().flat_map(|at| incoming[*at].old_cells.clone());
        let all: BTreeMap<String, Option<String>> = all.collect();
        // The first is looked at when it comes, the last is the version that the row keeps.
        incoming[first].old_cells.clone_from(&all);
        incoming[end].old_cells = all;
        repeated.extend(statement[1..].iter().map(|at| incoming[*at].inbox_id));
    }
    repeated
}

/// Two statements never make the same row one after the other, since each changes something.
fn is_one_statement(one: &Incoming, next: &Incoming) -> bool {
    one.op == Op::Update
        && one.is_record
        && one.version.origin == next.version.origin
        && one.transaction_id == next.transaction_id
        && one.row_cells() == next.row_cells()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Version;

    type Cells = BTreeMap<String, Option<String>>;

    fn cells(pairs: &[(&str, &str)]) -> Cells {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), Some((*v).to_owned()))).collect()
    }

    fn update(id: i64, key: &str, old: (&str, &str), new: &[(&str, &str)]) -> Incoming {
        Incoming {
            inbox_id: id,
            version: Version { stamp: "1".into(), origin: "a".into(), source_id: id },
            transaction_id: Some(1),
            op: Op::Update,
            row: (0, key.into()),
            key: vec![key.into()],
            old_row: None,
            cells: cells(new),
            if_absent: BTreeMap::new(),
            is_record: true,
            old_cells: cells(&[old]),
        }
    }

    #[test]
    fn the_changes_of_one_statement_know_what_all_of_them_replaced() {
        let row = [("x", "1"), ("y", "1")];
        let mut changes = [
            update(1, "k", ("x", "0"), &row),
            // Where a trigger fires once for all rows, their changes are mixed.
            update(2, "l", ("x", "0"), &row),
            update(3, "k", ("y", "0"), &row),
            update(4, "k", ("y", "1"), &[("x", "1"), ("y", "2")]),
        ];
        assert_eq!(join_statements(&mut changes), BTreeSet::from([3]));
        let both = cells(&[("x", "0"), ("y", "0")]);
        assert_eq!((&changes[0].old_cells, &changes[2].old_cells), (&both, &both));
        assert_eq!(changes[1].old_cells, cells(&[("x", "0")]));
        assert_eq!(changes[3].old_cells, cells(&[("y", "1")]));
    }

    #[test]
    fn changes_that_do_not_say_the_whole_row_are_left_alone() {
        let row = [("x", "1"), ("y", "1")];
        let mut changes = [update(1, "k", ("x", "0"), &row), update(2, "k", ("y", "0"), &row)];
        changes[1].is_record = false;
        assert_eq!(join_statements(&mut changes), BTreeSet::new());
        assert_eq!(changes[0].old_cells, cells(&[("x", "0")]));
    }
}
