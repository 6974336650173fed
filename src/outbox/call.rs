//! Running a rendered statement with values by name.

use super::Error;
use crate::db::Session;
use crate::model::{Row, Value};
use crate::render::Statement;

/// The savepoint to which a program goes back when a database refuses a change.
pub const SAVEPOINT: &str = "ds_change";

/// How many rows a statement of a brand's quick way has, or at least has: below that it is none.
pub const LOAD_ROWS: usize = 100;

/// Runs a statement; the number of rows it changed.
///
/// # Errors
/// When a parameter has no value, or the database refuses.
pub async fn execute(
    session: &mut dyn Session,
    statement: &Statement,
    given: &[(&str, Value)],
) -> Result<u64, Error> {
    let values = statement.values(given)?;
    if values.is_empty() {
        // Without parameters there is nothing to prepare, and DDL cannot be on every brand.
        session.raw(&statement.sql).await?;
        return Ok(0);
    }
    Ok(session.execute(&statement.sql, &values).await?)
}

/// Runs a query; all its rows.
///
/// # Errors
/// When a parameter has no value, or the database refuses.
pub async fn fetch(
    session: &mut dyn Session,
    statement: &Statement,
    given: &[(&str, Value)],
) -> Result<Vec<Row>, Error> {
    let values = statement.values(given)?;
    Ok(session.fetch(&statement.sql, &values).await?)
}

/// Runs a query of at most one row.
///
/// # Errors
/// When a parameter has no value, or the database refuses.
pub async fn fetch_one(
    session: &mut dyn Session,
    statement: &Statement,
    given: &[(&str, Value)],
) -> Result<Option<Row>, Error> {
    Ok(fetch(session, statement, given).await?.into_iter().next())
}
