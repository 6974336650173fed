//! What applications do with rows that refer to each other in a circle, in one transaction each.

use std::collections::BTreeSet;

use crate::constraint::{Reference, led_to, references_of};
use crate::database::{Database, Holder, RowKey, TABLES};
use crate::history::Place;
use crate::world::{World, row_key};

/// Of the columns only the one that refers to nothing.
const FREE_COLUMN: usize = 1;

impl World {
    /// Two rows come to refer to each other, and those of them that are not there are inserted:
    /// as they shall be where that is looked at only at the commit, else step by step.
    pub(crate) fn join(&mut self, node: usize, slot: u8, place: Place, with: usize) {
        let one = row_key(place.table, place.key);
        let there = pick(&one.0, place.value);
        let two = (there.parent.to_owned(), row_key(place.table, with).1);
        let back = pick(&two.0, place.value / 2);
        let mut links =
            vec![(one.clone(), there, two.1.clone()), (two.clone(), back, one.1.clone())];
        if !self.are_free(node, slot, [&one, &two]) {
            return;
        }
        let defers = self.nodes[node].defers;
        if !there.is_nullable || defers && !place.value.is_multiple_of(3) {
            if place.value.is_multiple_of(2) {
                links.reverse();
            }
        } else if !self.nodes[node].rows.contains_key(&two) {
            self.link(node, slot, place, (one, there, None));
        }
        let done = links.into_iter().try_for_each(|(row, reference, key)| {
            self.link(node, slot, place, (row, reference, Some(key)))
        });
        self.counts.circles += u64::from(done.is_some());
        if slot == 0 {
            self.finish(node, slot, true);
        }
    }

    /// A row refers to another one from now on; nothing if the database refuses.
    fn link(
        &mut self,
        node: usize,
        slot: u8,
        place: Place,
        (row, reference, key): (RowKey, &'static Reference, Option<String>),
    ) -> Option<()> {
        let old = self.nodes[node].rows.get(&row).cloned();
        let mut new = old.clone().unwrap_or_else(|| {
            let table = TABLES.iter().position(|(name, _)| *name == row.0).unwrap();
            let columns = TABLES[table].1.iter();
            let empty = columns.map(|column| ((*column).to_owned(), None)).collect();
            self.values(node, Place { table, ..place }, FREE_COLUMN, empty)
        });
        new.insert(reference.column.to_owned(), key);
        if old.as_ref() == Some(&new) {
            return Some(());
        }
        self.write_all(node, slot, place.will_commit, (&row, old), (&row, Some(new))).map(drop)
    }

    /// A row is deleted with all that are in a circle with it: as they are where that is looked at
    /// only at the commit, else once they refer to each other no more.
    pub(crate) fn disband(&mut self, node: usize, slot: u8, place: Place) {
        let row = row_key(place.table, place.key);
        let circle = self.nodes[node].circle_of(&row);
        if !self.are_free(node, slot, &circle) {
            return;
        }
        let is_nullable = references_of(&row.0).all(|reference| reference.is_nullable);
        if is_nullable && (!self.nodes[node].defers || place.value.is_multiple_of(3)) {
            for member in &circle {
                for reference in references_of(&member.0) {
                    self.link(node, slot, place, (member.clone(), reference, None));
                }
            }
        }
        for member in &circle {
            let old = self.nodes[node].rows.get(member).cloned();
            if self
                .write_all(node, slot, place.will_commit, (member, old), (member, None))
                .is_none()
            {
                break;
            }
        }
        if slot == 0 {
            self.finish(node, slot, true);
        }
    }

    fn are_free<'a>(
        &self,
        node: usize,
        slot: u8,
        rows: impl IntoIterator<Item = &'a RowKey>,
    ) -> bool {
        let holder = Holder::Application(slot);
        rows.into_iter().all(|row| self.nodes[node].is_free(row, holder))
    }
}

/// One of the references of a table.
fn pick(table: &str, value: usize) -> &'static Reference {
    let references: Vec<_> = references_of(table).collect();
    references[value % references.len()]
}

impl Database {
    /// A row that is there, and the rows that it leads to and that lead back to it.
    fn circle_of(&self, row: &RowKey) -> BTreeSet<RowKey> {
        let there = self.reached_from(row);
        let leads_back = |other: &&RowKey| self.reached_from(other).contains(row);
        there.iter().filter(leads_back).cloned().collect()
    }

    /// The rows that a row leads to, itself among them.
    fn reached_from(&self, row: &RowKey) -> BTreeSet<RowKey> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![row.clone()]);
        while let Some(row) = open.pop() {
            let Some(cells) = self.rows.get(&row) else { continue };
            if seen.insert(row.clone()) {
                open.extend(led_to(&row, cells).map(|(_, parent)| parent));
            }
        }
        seen
    }
}
