//! Outbox and inbox rows to and from the database.

use serde_json::{Map, Value as Json};

use super::Error;
use crate::model::{Change, Row, Value};

/// A change of a row that has the columns of an outbox or inbox under their own names. A cell
/// that is not UTF-8 makes it a refused change, so that it can be seen where it arrives.
///
/// # Errors
/// When the row has no `id`.
pub fn change_from_row(row: &Row) -> Result<Change, Error> {
    let id = row.integer("id").ok_or_else(|| Error::Unreadable {
        table: "ds_change_outbox",
        found: "a row without a number in `id`".to_owned(),
    })?;
    let mut change = Change {
        id,
        object_database: row.text("object_database"),
        object_table: row.text("object_table"),
        object_pk_attribute: row.text("object_pk_attribute"),
        object_attribute: row.text("object_attribute"),
        object_id: row.text("object_id"),
        object_value: row.text("object_value"),
        object_operation: row.text("object_operation"),
        object_operation_command: row.text("object_operation_command"),
        updated_by_server_id: row.text("updated_by_server_id"),
        update_datetime: row.text("update_datetime"),
        updated_by_user_id: row.text("updated_by_user_id"),
        object_id_old: row.text("object_id_old"),
        object_value_old: row.text("object_value_old"),
        note1: row.text("note1"),
        source_id: row.integer("source_id"),
        transaction_id: row.integer("transaction_id"),
        object_context: row.text("object_context"),
        refusal: row.text("refusal"),
    };
    let cells = row.columns().iter().zip(row.values());
    let mut invalid = cells.filter(|(_, value)| matches!(value, Value::Invalid(_)));
    if let Some((column, _)) = invalid.next() {
        change.refuse(|| format!("`{column}` is not UTF-8"));
    }
    Ok(change)
}

/// Changes as one JSON array of objects, the parameter of `run/write_inbox`.
#[must_use]
pub fn changes_to_json(changes: &[Change]) -> String {
    let rows = changes.iter().map(|change| {
        let mut row = Map::new();
        let mut text = |name: &str, value: &Option<String>| {
            row.insert(name.to_owned(), value.clone().map_or(Json::Null, Json::String));
        };
        text("object_database", &change.object_database);
        text("object_table", &change.object_table);
        text("object_pk_attribute", &change.object_pk_attribute);
        text("object_attribute", &change.object_attribute);
        text("object_id", &change.object_id);
        text("object_value", &change.object_value);
        text("object_operation", &change.object_operation);
        text("object_operation_command", &change.object_operation_command);
        text("updated_by_server_id", &change.updated_by_server_id);
        text("update_datetime", &change.update_datetime);
        text("updated_by_user_id", &change.updated_by_user_id);
        text("object_id_old", &change.object_id_old);
        text("object_value_old", &change.object_value_old);
        text("note1", &change.note1);
        text("object_context", &change.object_context);
        text("refusal", &change.refusal);
        let mut number = |name: &str, value: Option<i64>| {
            row.insert(name.to_owned(), value.map_or(Json::Null, Json::from));
        };
        number("source_id", change.source_id);
        number("transaction_id", change.transaction_id);
        Json::Object(row)
    });
    Json::Array(rows.collect()).to_string()
}
