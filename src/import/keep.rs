//! What a delete or an insert would take along although it may be wanted again is read before.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::batch::Importer;
use super::decode::{Incoming, RowId};
use super::versions::RowStates;
use crate::db::Session;
use crate::model::{Op, Version};

/// A row, its key, and the version of what makes its values leave the table.
pub(super) type Leaving<'a> = (&'a RowId, &'a Vec<String>, Version);

/// Columns, and the keys of the rows that they are read of.
type Wanted = (BTreeSet<String>, BTreeMap<RowId, Vec<String>>);

impl Importer {
    /// Reads, for each row that a change deletes or inserts anew, the values of the columns that
    /// were changed later than that: [`super::decide`] keeps them for an insert between the two.
    pub(super) async fn know_newer_cells(
        &mut self,
        session: &mut dyn Session,
        states: &mut RowStates,
        incoming: &[Incoming],
    ) -> Result<(), Error> {
        let changes = incoming.iter().filter(|change| change.op != Op::Update);
        let changes = changes.map(|change| (&change.row, &change.key, change.version.clone()));
        let changes: Vec<Leaving<'_>> = changes.collect();
        self.know_cells_after(session, states, &changes).await
    }

    /// The same of rows with the version of what makes the values leave the table.
    pub(super) async fn know_cells_after(
        &mut self,
        session: &mut dyn Session,
        states: &mut RowStates,
        changes: &[Leaving<'_>],
    ) -> Result<(), Error> {
        let mut tables: BTreeMap<usize, Wanted> = BTreeMap::new();
        for (row, key, version) in changes {
            let Some(state) = states.get(*row).filter(|state| state.exists) else { continue };
            let known = &self.targets.tables[row.0].columns;
            let mut columns = state.unknown_after(version);
            columns.retain(|column| known.contains_key(*column));
            if !columns.is_empty() {
                let (all, rows) = tables.entry(row.0).or_default();
                all.extend(columns.into_iter().map(str::to_owned));
                rows.insert((*row).clone(), (*key).clone());
            }
        }
        for (table, (columns, rows)) in tables {
            let wanted = (table, &columns);
            let found = self.executor.read_cells(session, &self.targets, wanted, &rows).await?;
            for (row, values) in found {
                let Some(state) = states.get_mut(&row) else { continue };
                for (column, value) in columns.iter().zip(values) {
                    state.know(column, value);
                }
            }
        }
        Ok(())
    }
}
