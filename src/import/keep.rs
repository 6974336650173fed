//! What has to be read before changes are decided: values that a delete or an insert would take
//! along although they may be wanted again, and what tells whether two changes knew of each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::Error;
use super::batch::Importer;
use super::conflict::{Conflict, History, newer, unseen};
use super::decode::{Incoming, RowId, old_cells};
use super::versions::RowStates;
use crate::db::Session;
use crate::model::{Change, Op, RouteId, Row, Value, Version};
use crate::outbox::{execute, fetch};

/// A row, its key, and the version of what makes its values leave the table.
pub(super) type Leaving<'a> = (&'a RowId, &'a Vec<String>, Version);

/// Columns, and the keys of the rows that they are read of.
type Wanted = (BTreeSet<String>, BTreeMap<RowId, Vec<String>>);

impl Importer {
    /// Reads the values that changes meet in the table: of each row that a change deletes or
    /// inserts anew, those that were changed later than that ([`super::decide`] keeps them for an
    /// insert between the two), and of every change those that another origin wrote.
    pub(super) async fn know_cells(
        &mut self,
        session: &mut dyn Session,
        states: &mut RowStates,
        incoming: &[Incoming],
    ) -> Result<(), Error> {
        let wanted = self.wanted(states, incoming);
        self.read_wanted(session, states, wanted).await
    }

    /// The same of rows with the version of what makes their values leave the table.
    pub(super) async fn know_cells_after(
        &mut self,
        session: &mut dyn Session,
        states: &mut RowStates,
        leaving: &[Leaving<'_>],
    ) -> Result<(), Error> {
        let mut tables = BTreeMap::new();
        for (row, key, version) in leaving {
            let Some(state) = states.get(*row).filter(|state| state.exists) else { continue };
            self.want(&mut tables, (row, key), state.unknown_after(version));
        }
        self.read_wanted(session, states, tables).await
    }

    async fn read_wanted(
        &mut self,
        session: &mut dyn Session,
        states: &mut RowStates,
        tables: BTreeMap<usize, Wanted>,
    ) -> Result<(), Error> {
        for (table, (columns, rows)) in tables {
            let wanted = (table, &columns);
            let found = self.executor.read_cells(session, &self.targets, wanted, &rows).await?;
            for (row, values) in found {
                let Some(state) = states.get_mut(&row) else { continue };
                for (column, value) in columns.iter().zip(values) {
                    state.know(column, value.clone());
                    state.values.insert(column.clone(), value);
                }
            }
        }
        Ok(())
    }

    fn wanted(&self, states: &RowStates, incoming: &[Incoming]) -> BTreeMap<usize, Wanted> {
        let is_mixed = is_mixed(incoming);
        let mut tables: BTreeMap<usize, Wanted> = BTreeMap::new();
        for change in incoming {
            let Some(state) = states.get(&change.row).filter(|state| state.exists) else {
                continue;
            };
            let mut columns = unseen(state, change, is_mixed);
            if change.op == Op::Delete && change.is_record {
                // What is recorded as a mask tells nothing of what is here.
                let known = &self.targets.tables[change.row.0].columns;
                columns.retain(|c| known.get(*c).is_some_and(|c| c.policy == "capture"));
            }
            if change.claims_row() {
                columns.extend(state.unknown_after(&change.version));
            }
            self.want(&mut tables, (&change.row, &change.key), columns);
        }
        tables
    }

    fn want(
        &self,
        tables: &mut BTreeMap<usize, Wanted>,
        (row, key): (&RowId, &[String]),
        mut columns: Vec<&str>,
    ) {
        let known = &self.targets.tables[row.0].columns;
        columns.retain(|column| known.contains_key(*column));
        if !columns.is_empty() {
            let (all, rows) = tables.entry(row.0).or_default();
            all.extend(columns.into_iter().map(str::to_owned));
            rows.insert(row.clone(), key.to_vec());
        }
    }

    /// What the newer changes replaced that were here before older ones of these.
    pub(super) async fn read_history(
        &self,
        session: &mut dyn Session,
        states: &RowStates,
        incoming: &[Incoming],
    ) -> Result<History, Error> {
        let mut history = History::new();
        if is_mixed(incoming) {
            let known = |change: &Incoming| (named(&change.version), change.old_cells.clone());
            history.extend(incoming.iter().map(known));
        }
        let mut wanted: BTreeSet<(String, i64)> = BTreeSet::new();
        for change in incoming {
            let Some(state) = states.get(&change.row) else { continue };
            for version in newer(state, change) {
                let (origin, id) = named(version);
                let ids = id - self.more_of_statement(change)..=id;
                wanted.extend(ids.map(|id| (origin.clone(), id)));
            }
        }
        if wanted.is_empty() {
            return Ok(history);
        }
        let rows: Json = wanted.into_iter().map(|(origin, id)| json!([origin, id])).collect();
        let given =
            [("rows", Value::Text(rows.to_string())), ("node", Value::Text(self.node.0.clone()))];
        let rows = fetch(session, &self.statements.read_old_values, &given).await?;
        let replaced = rows.iter().filter_map(|row| self.replaced(row)).collect();
        history.extend(whole_statements(&replaced));
        Ok(history)
    }

    /// How many changes may stand before one of a row, that are of the same statement and say the
    /// same of the row.
    fn more_of_statement(&self, change: &Incoming) -> i64 {
        let columns = self.targets.tables[change.row.0].captured().count();
        if change.is_record { i64::try_from(columns).map_or(0, |n| (n - 1).max(0)) } else { 0 }
    }

    fn replaced(&self, row: &Row) -> Option<((String, i64), Replaced)> {
        let name = (row.text("updated_by_server_id")?, row.integer("source_id")?);
        let target = &self.targets.tables[self.targets.find(&row.text("object_table")?)?];
        let change = Change {
            object_attribute: row.text("object_attribute"),
            object_operation: row.text("object_operation"),
            object_value_old: row.text("object_value_old"),
            ..Change::default()
        };
        let row_id = (row.text("object_table")?, row.text("object_id")?);
        let context = row.text("object_context").filter(|_| target.is_record_level);
        let old = old_cells(target, &change);
        Some((name, Replaced { says: context.map(|context| (row_id, context)), old }))
    }

    /// Writes conflicts that were decided, in the transaction that decided them.
    pub(super) async fn keep_conflicts(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        conflicts: &[Conflict],
    ) -> Result<(), Error> {
        // A rolled-back id would be missing for ever.
        if conflicts.is_empty() || self.is_rehearsing() {
            return Ok(());
        }
        let rows: Json =
            conflicts.iter().map(|conflict| self.conflict_row(route, conflict)).collect();
        let given = [("rows", Value::Text(rows.to_string()))];
        execute(session, &self.statements.write_conflicts, &given).await?;
        Ok(())
    }

    /// A row of `ds_conflict`, in the order of `run/write_conflicts`.
    fn conflict_row(&self, route: RouteId, conflict: &Conflict) -> Json {
        let (local, incoming) = (&conflict.local, &conflict.incoming);
        let stamp = |version: &Option<Version>| version.as_ref().map(|v| v.stamp.clone());
        let origin = |version: &Option<Version>| version.as_ref().map(|v| v.origin.clone());
        let source_id = |version: &Option<Version>| version.as_ref().map(|v| v.source_id);
        json!([
            conflict.inbox_id,
            route.0,
            conflict.kind.name(),
            self.targets.tables[conflict.row.0].object_table,
            conflict.row.1,
            conflict.attribute,
            if conflict.incoming_wins { "incoming" } else { "local" },
            conflict.rule,
            origin(&local.version),
            stamp(&local.version),
            source_id(&local.version),
            local.value,
            origin(&incoming.version),
            stamp(&incoming.version),
            source_id(&incoming.version),
            incoming.value,
        ])
    }
}

/// What a change replaced, and what it says of its whole row.
struct Replaced {
    says: Option<((String, String), String)>,
    old: super::OldValues,
}

/// What each change replaced together with those of its statement that stand before it: they say
/// the same of the row.
fn whole_statements(replaced: &BTreeMap<(String, i64), Replaced>) -> History {
    let whole = |(name, change): (&(String, i64), &Replaced)| {
        let before = replaced.range((name.0.clone(), i64::MIN)..name.clone());
        let same = before.filter(|(_, one)| one.says.is_some() && one.says == change.says);
        let mut all: super::OldValues = same.flat_map(|(_, one)| one.old.clone()).collect();
        all.extend(change.old.clone());
        (name.clone(), all)
    };
    replaced.iter().map(whole).collect()
}

/// Whether changes of several origins are decided together.
fn is_mixed(incoming: &[Incoming]) -> bool {
    let mut origins = incoming.iter().map(|change| &change.version.origin);
    let first = origins.next();
    origins.any(|origin| Some(origin) != first)
}

fn named(version: &Version) -> (String, i64) {
    (version.origin.clone(), version.source_id)
}
