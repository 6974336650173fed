//! The newest change of each row and column, kept in `ds_change_version`.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::{CellState, RowState};
use super::decode::RowId;
use super::target::Targets;
use crate::db::Session;
use crate::model::{Op, Row, Value, Version};
use crate::outbox::{Error, execute, fetch, to_json};
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

/// Writes what became known.
pub(super) async fn save(
    session: &mut dyn Session,
    write_versions: &Statement,
    targets: &Targets,
    states: &RowStates,
) -> Result<(), Error> {
    let mut rows = Vec::new();
    for ((table, key), state) in states {
        let name = &targets.tables[*table].object_table;
        for attribute in &state.dirty {
            let (letter, version, value) = if attribute.is_empty() {
                let Some((op, version)) = &state.row else { continue };
                (op.letter(), version, None)
            } else {
                let Some(cell) = state.cells.get(attribute) else { continue };
                match &cell.parked {
                    Some(value) => (PARKED, &cell.version, value.as_ref()),
                    None => (Op::Update.letter(), &cell.version, None),
                }
            };
            let Version { stamp, origin, source_id } = version;
            rows.push((name, key, attribute, letter, stamp, origin, source_id, value));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let given = [("rows", Value::Text(to_json(&rows)))];
    execute(session, write_versions, &given).await?;
    Ok(())
}
