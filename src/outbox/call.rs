//! Running a rendered statement with values by name.

use super::Error;
use crate::db::{Fault, Session};
use crate::model::{Row, Value};
use crate::render::Statement;

/// The savepoint to which a program goes back when a database refuses a change.
pub const SAVEPOINT: &str = "ds_change";

/// How many rows are written at once by a brand's quick way, or at least: below that it is none.
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

/// [`execute`] with values that may be long: none of them is copied on its way to the driver.
///
/// # Errors
/// As [`execute`].
pub async fn execute_long<Name: AsRef<str>>(
    session: &mut dyn Session,
    statement: &Statement,
    given: Vec<(Name, Value)>,
) -> Result<u64, Error> {
    let values = statement.into_values(given)?;
    Ok(session.execute_each(&statement.sql, vec![values]).await?)
}

/// Runs a statement of a brand's quick way whose parameters are the `width` cells of one row, or of
/// [`LOAD_ROWS`], for as many of the first rows as it takes: how many these are.
///
/// # Errors
/// When the database refuses one; what those before it did is still there.
pub(crate) async fn load_rows<Row: Sync>(
    session: &mut dyn Session,
    load: &Statement,
    (rows, width): (&[Row], usize),
    cells: impl Fn(&Row) -> Vec<Value> + Sync,
) -> Result<usize, Fault> {
    let at_once = (load.parameters.len() / width.max(1)).max(1);
    let taken = rows.len() - rows.len() % at_once;
    for some in rows[..taken].chunks(LOAD_ROWS) {
        let bound = |rows: &[Row]| rows.iter().flat_map(&cells).collect();
        let lists = some.chunks(at_once).map(bound).collect();
        session.execute_each(&load.sql, lists).await?;
    }
    Ok(taken)
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
