//! The conflicts that were decided on a node, as the commands list them.

use serde::Serialize;

use super::Error;
use crate::db::Session;
use crate::model::{Row, Value};
use crate::outbox::{execute, fetch};
use crate::render::{Statement, Templates};

/// A conflict that was decided, with both versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// Its number on the node.
    pub id: i64,
    /// The incoming change's row in the inbox.
    pub inbox_id: i64,
    /// The route on which it came.
    pub route_id: i64,
    /// The kind, by PostgreSQL's name where it has one.
    pub conflict_type: String,
    /// The table.
    pub object_table: String,
    /// The key.
    pub object_id: String,
    /// The column; none where it is about the whole row.
    pub object_attribute: Option<String>,
    /// `local` or `incoming`.
    pub winner: String,
    /// The rule, as a sentence.
    pub decided_by: String,
    /// Where the version that was here was made.
    pub local_server_id: Option<String>,
    /// Its stamp, UTC.
    pub local_datetime: Option<String>,
    /// Its id in its origin's outbox.
    pub local_source_id: Option<i64>,
    /// Its value, or the row's columns as a JSON object.
    pub local_value: Option<String>,
    /// Where the version that came was made.
    pub incoming_server_id: Option<String>,
    /// Its stamp, UTC.
    pub incoming_datetime: Option<String>,
    /// Its id in its origin's outbox.
    pub incoming_source_id: Option<i64>,
    /// Its value, or the row's columns as a JSON object.
    pub incoming_value: Option<String>,
    /// When it was decided, UTC.
    pub decided_at: Option<String>,
}

/// The newest conflicts of a node below an id, at most `limit`, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    session: &mut dyn Session,
    templates: &Templates,
    before_id: i64,
    limit: usize,
) -> Result<Vec<Decided>, Error> {
    let statement = statement(templates, "run/read_conflicts", limit)?;
    let given = [("before_id", Value::Integer(before_id))];
    let rows = fetch(session, &statement, &given).await?;
    Ok(rows.iter().filter_map(decided).collect())
}

/// Forgets the conflicts from one id to another; how many there were.
///
/// # Errors
/// When the database refuses.
pub async fn forget(
    session: &mut dyn Session,
    templates: &Templates,
    first_id: i64,
    last_id: i64,
) -> Result<u64, Error> {
    let statement = statement(templates, "run/forget_conflicts", 0)?;
    let given = [("first_id", Value::Integer(first_id)), ("last_id", Value::Integer(last_id))];
    Ok(execute(session, &statement, &given).await?)
}

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
    page_rows: usize,
}

fn statement(templates: &Templates, name: &str, page_rows: usize) -> Result<Statement, Error> {
    let namespace = templates.brand().dialect().default_namespace.as_deref();
    let context = Context { namespace, page_rows };
    Ok(templates.statement(name, &context).map_err(crate::outbox::Error::from)?)
}

fn decided(row: &Row) -> Option<Decided> {
    Some(Decided {
        id: row.integer("id")?,
        inbox_id: row.integer("inbox_id")?,
        route_id: row.integer("route_id")?,
        conflict_type: row.text("conflict_type")?,
        object_table: row.text("object_table")?,
        object_id: row.text("object_id")?,
        object_attribute: row.text("object_attribute"),
        winner: row.text("winner")?,
        decided_by: row.text("decided_by")?,
        local_server_id: row.text("local_server_id"),
        local_datetime: row.text("local_datetime"),
        local_source_id: row.integer("local_source_id"),
        local_value: row.text("local_value"),
        incoming_server_id: row.text("incoming_server_id"),
        incoming_datetime: row.text("incoming_datetime"),
        incoming_source_id: row.integer("incoming_source_id"),
        incoming_value: row.text("incoming_value"),
        decided_at: row.text("update_datetime"),
    })
}
