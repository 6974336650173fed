//! The tables that were read so far, found by their names.

use std::collections::BTreeMap;

use super::draft::DraftTable;
use super::grammar::Grammar;
use crate::model::TableName;

/// Tables in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    list: Vec<DraftTable>,
    /// Where the tables of a name stand in the list, case aside.
    places: BTreeMap<TableName, Vec<usize>>,
    /// How many columns the tables had when they were made.
    columns: usize,
}

impl Tables {
    pub(super) fn push(&mut self, table: DraftTable) {
        self.places.entry(folded(&table.name)).or_default().push(self.list.len());
        self.columns += table.columns.len();
        self.list.push(table);
    }

    /// How many columns the tables had when they were made, those that were dropped left out.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// A table: by its name letter for letter, else (where the brand compares so) case aside.
    pub(super) fn get(&self, name: &TableName, grammar: &Grammar) -> Option<&DraftTable> {
        self.place(name, grammar).map(|place| &self.list[place])
    }

    /// The same, to be changed; its name stays, see [`Tables::rename`].
    pub(super) fn get_mut(
        &mut self,
        name: &TableName,
        grammar: &Grammar,
    ) -> Option<&mut DraftTable> {
        self.place(name, grammar).map(|place| &mut self.list[place])
    }

    /// The table that was read last.
    pub(super) fn last_mut(&mut self) -> Option<&mut DraftTable> {
        self.list.last_mut()
    }

    /// Takes a table out; false where there is none.
    pub(super) fn remove(&mut self, name: &TableName, grammar: &Grammar) -> bool {
        let place = self.place(name, grammar);
        if let Some(place) = place {
            let table = self.list.remove(place);
            self.columns = self.columns.saturating_sub(table.columns.len());
            self.find_places();
        }
        place.is_some()
    }

    /// Gives a table another name, also where others refer to it.
    pub(super) fn rename(&mut self, old: &TableName, new: &TableName, grammar: &Grammar) {
        let Some(place) = self.place(old, grammar) else { return };
        let old = std::mem::replace(&mut self.list[place].name, new.clone());
        for reference in self.list.iter_mut().flat_map(|table| &mut table.foreign_keys) {
            if reference.references == old {
                reference.references = new.clone();
            }
        }
        self.find_places();
    }

    /// Gives a type another name in all columns that have it, and arrays of it.
    pub(super) fn rename_type(&mut self, old: &str, new: &str) {
        for column in self.list.iter_mut().flat_map(|table| &mut table.columns) {
            if let Some(array @ ("" | "[]")) = column.native_type.strip_prefix(old) {
                column.native_type = format!("{new}{array}");
            }
        }
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&DraftTable) -> bool) {
        self.list.retain(keep);
        self.find_places();
    }

    pub(super) fn list(&self) -> &[DraftTable] {
        &self.list
    }

    pub(super) fn into_list(self) -> Vec<DraftTable> {
        self.list
    }

    fn place(&self, name: &TableName, grammar: &Grammar) -> Option<usize> {
        let places = self.places.get(&folded(name))?;
        let exact = places.iter().find(|place| self.list[**place].name == *name);
        exact.or_else(|| places.first().filter(|_| !grammar.folds_names)).copied()
    }

    fn find_places(&mut self) {
        self.places.clear();
        for (place, table) in self.list.iter().enumerate() {
            self.places.entry(folded(&table.name)).or_default().push(place);
        }
    }
}

fn folded(name: &TableName) -> TableName {
    let namespace = name.namespace.as_deref().map(str::to_lowercase);
    TableName { namespace, name: name.name.to_lowercase() }
}
