//! The newest change of each row and column, kept in `ds_change_version`.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use serde::Serialize;

use super::decide::{CellState, RowState};
use super::decode::RowId;
use super::target::Targets;
use crate::db::Session;
use crate::model::{Op, Row, Value, Version};
use crate::outbox::{Error, LOAD_ROWS, copy_cell, execute_long, fetch, load_rows, to_json};
use crate::render::Statement;

/// What is known of a set of rows.
pub(super) type RowStates = BTreeMap<RowId, RowState>;

/// Rows as statements take them: a JSON array of arrays of `object_table` and `object_id`.
pub(super) fn row_names(targets: &Targets, rows: &BTreeSet<RowId>) -> String {
    let names: Vec<(&str, &str)> = rows
        .iter()
        .map(|(table, key)| (targets.tables[*table].object_table.as_str(), key.as_str()))
        .collect();
    to_json(&names)
}

/// Reads what is known of rows; rows of which nothing is known come back empty.
pub(super) async fn load(
    session: &mut dyn Session,
    read_versions: &Statement,
    targets: &Targets,
    rows: &BTreeSet<RowId>,
) -> Result<RowStates, Error> {
    let mut states: RowStates = rows.iter().map(|row| (row.clone(), RowState::default())).collect();
    let given = [("rows", Value::Text(row_names(targets, rows)))];
    for row in fetch(session, read_versions, &given).await? {
        let known = version(&row).and_then(|version| {
            let table = targets.find(&row.text("object_table")?)?;
            Some(((table, row.text("object_id")?), row.text("object_attribute")?, version))
        });
        let (id, attribute, version) = known.ok_or_else(|| Error::Unreadable {
            table: "ds_change_version",
            found: "an incomplete row".to_owned(),
        })?;
        let Some(state) = states.get_mut(&id) else { continue };
        state.stored.insert(attribute.clone());
        let operation = row.text("object_operation").unwrap_or_default();
        if attribute.is_empty() {
            let op = Op::from_letter(&operation).unwrap_or(Op::Update);
            state.row = Some((op, version));
        } else if targets.tables[id.0].columns.contains_key(&attribute) {
            // Of a column that is gone nothing can be written; what is known of it stays.
            // A parked value is marked by `P`: its row was not there when it came.
            let parked = (operation == PARKED).then(|| row.text("object_value"));
            state.cells.insert(attribute, CellState { version, parked, current: None });
        }
    }
    Ok(states)
}

/// What `object_operation` holds for a value that waits for its row.
const PARKED: &str = "P";

fn version(row: &Row) -> Option<Version> {
    Some(Version {
        stamp: row.text("update_datetime")?,
        origin: row.text("updated_by_server_id")?,
        source_id: row.integer("source_id")?,
    })
}

/// The statements by which versions are written.
#[derive(Clone)]
pub(super) struct VersionWriter {
    write: Statement,
    /// Quicker; not every brand has it. One without parameters takes a text, and only what is new.
    load: Vec<Statement>,
}

/// A row of `ds_change_version`, in the order of its statements.
#[derive(Serialize)]
struct Written<'a>(
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    i64,
    Option<&'a str>,
    #[serde(skip)] IsStored,
);

/// How many cells such a row has.
const WIDTH: usize = 8;

/// Whether `ds_change_version` has a row of it already.
type IsStored = bool;

impl VersionWriter {
    /// A writer with the statements of a brand.
    pub(super) fn new(write: Statement, load: Vec<Statement>) -> Self {
        Self { write, load }
    }

    /// Writes what became known. Of `states`, which were loaded in this transaction with the
    /// node's row locked, nothing is known by anybody else since.
    pub(super) async fn save(
        &self,
        session: &mut dyn Session,
        targets: &Targets,
        states: RowStates,
    ) -> Result<(), Error> {
        let mut rows: Vec<Written<'_>> =
            states.iter().flat_map(|(row, state)| written(targets, row, state)).collect();
        let rest = match self.load.first().filter(|_| rows.len() >= LOAD_ROWS) {
            Some(load) if load.parameters.is_empty() => {
                let (new, known) = new_and_known(&mut rows);
                session.load(&load.sql, Box::new(iter::once(copied(new)))).await?;
                known
            }
            Some(load) => {
                let cells = |row: &Written<'_>| row.values().collect();
                let taken = load_rows(session, load, (&rows, WIDTH), cells).await?;
                &rows[taken..]
            }
            None => &rows,
        };
        if !rest.is_empty() {
            let given = vec![("rows", Value::Text(to_json(rest)))];
            execute_long(session, &self.write, given).await?;
        }
        Ok(())
    }
}

/// The rows that `ds_change_version` has not, and those that it has: a load that meets one of these
/// is refused as a whole.
fn new_and_known<'r, 'a>(rows: &'r mut [Written<'a>]) -> (&'r [Written<'a>], &'r [Written<'a>]) {
    rows.sort_by_key(|row| row.8);
    rows.split_at(rows.partition_point(|row| !row.8))
}

impl<'a> Written<'a> {
    fn new(
        (table, key, attribute): (&'a str, &'a str, &'a str),
        letter: &'a str,
        version: &'a Version,
        (value, is_stored): (Option<&'a str>, IsStored),
    ) -> Self {
        let Version { stamp, origin, source_id } = version;
        Self(table, key, attribute, letter, stamp, origin, *source_id, value, is_stored)
    }

    fn texts(&self) -> [&'a str; 6] {
        [self.0, self.1, self.2, self.3, self.4, self.5]
    }

    fn values(&self) -> impl Iterator<Item = Value> {
        let texts = self.texts().map(|text| Value::Text(text.to_owned()));
        texts.into_iter().chain([Value::Integer(self.6), self.7.into()])
    }
}

/// What has to be written of a row.
fn written<'a>(
    targets: &'a Targets,
    (table, key): &'a RowId,
    state: &'a RowState,
) -> impl Iterator<Item = Written<'a>> {
    let name = targets.tables[*table].object_table.as_str();
    state.dirty.iter().filter_map(move |attribute| {
        let (letter, version, value) = if attribute.is_empty() {
            let (op, version) = state.row.as_ref()?;
            (op.letter(), version, None)
        } else {
            let cell = state.cells.get(attribute)?;
            match &cell.parked {
                Some(value) => (PARKED, &cell.version, value.as_deref()),
                None => (Op::Update.letter(), &cell.version, None),
            }
        };
        let cell = (name, key.as_str(), attribute.as_str());
        Some(Written::new(cell, letter, version, (value, state.stored.contains(attribute))))
    })
}

/// Rows as the text that `run/load_versions` takes, as PostgreSQL's COPY reads it.
fn copied(rows: &[Written<'_>]) -> String {
    let mut lines = String::new();
    for row in rows {
        for text in row.texts() {
            copy_cell(&mut lines, Some(text));
            lines.push('\t');
        }
        lines.push_str(&row.6.to_string());
        lines.push('\t');
        copy_cell(&mut lines, row.7);
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Brand;
    use crate::import::statements::Statements;
    use crate::outbox::PageSize;
    use crate::render::Templates;

    #[test]
    fn what_is_loaded_is_not_there_yet() {
        let version = Version { stamp: "s".into(), origin: "o".into(), source_id: 1 };
        let row = |key, is_stored| Written::new(("t", key, ""), "I", &version, (None, is_stored));
        let mut rows = [row("a", true), row("b", false), row("c", true), row("d", false)];
        let keys = |rows: &[Written<'_>]| rows.iter().map(|row| row.1.to_owned()).collect();
        let (new, known) = new_and_known(&mut rows);
        let [new, known]: [Vec<String>; 2] = [keys(new), keys(known)];
        assert_eq!((new, known), (vec!["b".into(), "d".into()], vec!["a".into(), "c".into()]));
    }

    #[test]
    fn the_quick_way_takes_a_text_or_each_cell_of_one_row_or_so_many() {
        let version = Version { stamp: "s".into(), origin: "o".into(), source_id: 1 };
        let cells = Written::new(("t", "k", ""), "I", &version, (None, false)).values().count();
        assert_eq!(cells, WIDTH);
        for brand in Brand::ALL {
            let size = PageSize::from(1);
            let writer = Statements::new(&Templates::embedded(brand), size).unwrap().versions;
            let taken = writer.load.first().map(|load| load.parameters.len());
            let is_whole = |taken| [0, WIDTH, LOAD_ROWS * WIDTH].contains(&taken);
            assert!(taken.is_none_or(is_whole), "{brand}: {taken:?}");
        }
    }
}
