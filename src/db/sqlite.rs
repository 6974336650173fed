//! SQLite through sqlx.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Executor as _, Row as _,
    TypeInfo as _, ValueRef as _,
};

use super::{Fault, Mode, Reply, Session, driver_fault};
use crate::dialect::Brand;
use crate::model::{Row, Value};

/// How long a statement waits for another process's write lock.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// How many rows the driver's thread reads ahead: with few, the two wait for each other at each.
const CHANNEL_ROWS: usize = 1_000;

struct Sqlite {
    connection: SqliteConnection,
    is_open: bool,
}

/// Opens a database file. Foreign keys are enforced, as an application of this brand has to ask
/// for in each connection.
pub(super) async fn connect(url: &str) -> Result<Box<dyn Session>, Fault> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| fault(&error))?
        .busy_timeout(BUSY_WAIT)
        .foreign_keys(true)
        .row_buffer_size(CHANNEL_ROWS)
        .statement_cache_capacity(super::STATEMENTS_KEPT)
        .disable_statement_logging();
    let connection = options.connect().await.map_err(|error| {
        let fault = fault(&error);
        let message = format!("`{}`: {}", options.get_filename().display(), fault.message);
        Fault { message, ..fault }
    })?;
    Ok(Box::new(Sqlite { connection, is_open: false }))
}

impl Session for Sqlite {
    fn brand(&self) -> Brand {
        Brand::Sqlite
    }

    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            // The one place where this adapter vouches for SQL: it comes from our templates.
            let statement = sqlx::raw_sql(AssertSqlSafe(sql));
            self.connection.execute(statement).await.map_err(|error| fault(&error))?;
            Ok(())
        })
    }

    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        Box::pin(async move {
            let done = bound(sql, values).execute(&mut self.connection).await;
            Ok(done.map_err(|error| fault(&error))?.rows_affected())
        })
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        Box::pin(async move {
            let rows = bound(sql, values).fetch_all(&mut self.connection).await;
            decode(&rows.map_err(|error| fault(&error))?)
        })
    }

    fn begin(&mut self, mode: Mode) -> Reply<'_, ()> {
        Box::pin(async move {
            self.raw(if mode == Mode::Write { "BEGIN IMMEDIATE" } else { "BEGIN DEFERRED" })
                .await?;
            self.is_open = true;
            Ok(())
        })
    }

    fn commit(&mut self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.raw("COMMIT").await?;
            self.is_open = false;
            Ok(())
        })
    }

    fn rollback(&mut self) -> Reply<'_, ()> {
        Box::pin(async move {
            if !std::mem::take(&mut self.is_open) {
                return Ok(());
            }
            // SQLite may have rolled back by itself (disk full, interrupted): then there is no
            // transaction left to end, and that is what was wanted.
            match self.raw("ROLLBACK").await {
                Err(fault) if !fault.message.contains("no transaction is active") => Err(fault),
                _ => Ok(()),
            }
        })
    }

    fn close(self: Box<Self>) -> Reply<'static, ()> {
        Box::pin(async move { self.connection.close().await.map_err(|error| fault(&error)) })
    }
}

type Query<'a> = sqlx::query::Query<'a, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bound<'a>(sql: &'a str, values: &'a [Value]) -> Query<'a> {
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in values {
        query = match value {
            Value::Null => query.bind(None::<String>),
            Value::Integer(number) => query.bind(*number),
            Value::Text(text) => query.bind(text.as_str()),
            Value::Invalid(bytes) => query.bind(bytes.as_slice()),
        };
    }
    query
}

fn decode(rows: &[SqliteRow]) -> Result<Vec<Row>, Fault> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns: Arc<[String]> =
        first.columns().iter().map(|column| column.name().to_owned()).collect();
    rows.iter()
        .map(|row| {
            let values = (0..columns.len()).map(|index| cell(row, index)).collect::<Result<_, _>>();
            Ok(Row::new(columns.clone(), values?))
        })
        .collect()
}

/// A cell by what it is, not by what its column was declared as.
fn cell(row: &SqliteRow, index: usize) -> Result<Value, Fault> {
    let raw = row.try_get_raw(index).map_err(|error| fault(&error))?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let is_integer = raw.type_info().name() == "INTEGER";
    drop(raw);
    if is_integer {
        return row.try_get_unchecked(index).map(Value::Integer).map_err(|error| fault(&error));
    }
    // SQLite takes any bytes for text: one such cell must not make the whole answer unreadable.
    let bytes: Vec<u8> = row.try_get_unchecked(index).map_err(|error| fault(&error))?;
    Ok(String::from_utf8(bytes).map_or_else(|bad| Value::Invalid(bad.into_bytes()), Value::Text))
}

fn fault(error: &sqlx::Error) -> Fault {
    driver_fault(Brand::Sqlite, error)
}
