//! What a delete would take along although it is newer is read before.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::batch::Importer;
use super::decode::{Incoming, RowId};
use super::versions::RowStates;
use crate::db::Session;
use crate::model::Op;

/// Columns, and the keys of the rows that they are read of.
type Wanted = (BTreeSet<String>, BTreeMap<RowId, Vec<String>>);

impl Importer {
    /// Reads, for each row that a change deletes, the values of the columns that were changed
    /// later than it was deleted: [`super::decide`] keeps them for an insert between the two.
    pub(super) async fn know_newer_cells(
        &mut self,
        session: &mut dyn Session,
        states: &mut RowStates,
        incoming: &[Incoming],
    ) -> Result<(), Error> {
        let mut tables: BTreeMap<usize, Wanted> = BTreeMap::new();
        for change in incoming.iter().filter(|change| change.op == Op::Delete) {
            let Some(state) = states.get(&change.row).filter(|state| state.exists) else {
                continue;
            };
            let known = &self.targets.tables[change.row.0].columns;
            let mut columns = state.unknown_after(&change.version);
            columns.retain(|column| known.contains_key(*column));
            if !columns.is_empty() {
                let (all, rows) = tables.entry(change.row.0).or_default();
                all.extend(columns.into_iter().map(str::to_owned));
                rows.insert(change.row.clone(), change.key.clone());
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
