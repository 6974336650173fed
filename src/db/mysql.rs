//! MySQL and MariaDB through sqlx.

use std::borrow::Borrow;
use std::str::FromStr;
use std::sync::Arc;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Executor as _, Row as _,
    TypeInfo as _, ValueRef as _,
};

use super::{Fault, LOCK_WAIT, LONG_BYTES, Mode, Reply, Session, bytes, driver_fault};
use crate::dialect::Brand;
use crate::model::{Row, Value};

/// What every session starts with, whatever the server's defaults are.
///
/// - Strict: a value that does not fit is refused, never cut. Zeros are inserted as zeros, also
///   into `AUTO_INCREMENT` columns, and zero dates are let through as they are. Triggers keep the
///   mode that they were created under, so this is theirs as well.
/// - `utf8mb4_bin`: text of ours compared with a column of any collation is no "illegal mix".
/// - `group_concat_max_len` also cuts MariaDB's `JSON_ARRAYAGG`, silently.
/// - MariaDB ends a transaction in which nothing was asked for an hour, which is longer than any
///   other node is waited for: the link to us is down, and its locks would stay for eight hours.
const SETTINGS: &str = "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,\
     ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', \
     time_zone = '+00:00', autocommit = 1, foreign_key_checks = 1, unique_checks = 1, \
     group_concat_max_len = 1073741824 /*M!100300 , idle_transaction_timeout = 3600 */, \
     NAMES utf8mb4 COLLATE utf8mb4_bin";

/// With them how long a row is waited for, and a table whose definition somebody else is changing.
fn settings() -> String {
    let seconds = LOCK_WAIT.as_secs();
    format!("{SETTINGS}, innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}")
}

/// Asks how long a statement with its values may be. A longer one would end the connection,
/// mostly without a reason given, so it is refused before it is sent.
const STATEMENT_BYTES: &str = "SHOW SESSION VARIABLES LIKE 'max_allowed_packet'";

/// What the protocol adds to a value and to a statement, at most.
const OVERHEAD_BYTES: u64 = 16;

struct MySql {
    connection: MySqlConnection,
    is_open: bool,
    /// The driver and the server no longer agree on whose turn it is; see [`MySql::refused`].
    is_broken: bool,
    statement_bytes_max: u64,
}

/// Opens a session. `rows_affected` counts, for an UPDATE, the rows that were found, also those
/// that had the values already; for `INSERT … ON DUPLICATE KEY UPDATE` 1 is a new row or one left
/// as it was, 2 a changed one.
pub(super) async fn connect(url: &str) -> Result<Box<dyn Session>, Fault> {
    let mut options = MySqlConnectOptions::from_str(url)
        .map_err(|error| fault(&error))?
        .charset("utf8mb4")
        .set_names(false)
        .timezone(None)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .disable_statement_logging();
    if let Some(count) = super::statements_kept(url) {
        options = options.statement_cache_capacity(count);
    }
    let connection = options.connect().await.map_err(|error| fault(&error))?;
    let mut session =
        MySql { connection, is_open: false, is_broken: false, statement_bytes_max: u64::MAX };
    session.raw(&settings()).await?;
    let limit = session.fetch(STATEMENT_BYTES, &[]).await?;
    let bytes = limit.first().and_then(|row| row.integer("Value"));
    session.statement_bytes_max =
        bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(u64::MAX);
    Ok(Box::new(session))
}

impl MySql {
    /// Whether a statement can be sent at all.
    fn check(&self, sql: &str, values: &[Value]) -> Result<(), Fault> {
        if self.is_broken {
            return Err(Fault::gone("the connection was given up after an error of the protocol"));
        }
        let bound = bytes(values) as u64 + values.len() as u64 * OVERHEAD_BYTES;
        let bytes = bound.max(sql.len() as u64) + OVERHEAD_BYTES;
        if bytes <= self.statement_bytes_max {
            return Ok(());
        }
        let max = self.statement_bytes_max;
        let text = format!(
            "a statement of {bytes} bytes is longer than the server's `max_allowed_packet` of {max}"
        );
        Err(Fault::from_code(Brand::Mysql, "1153", &text))
    }

    async fn run<V: Borrow<Value> + Send>(
        &mut self,
        sql: &str,
        values: impl IntoIterator<Item = V> + AsRef<[Value]>,
    ) -> Result<u64, Fault> {
        self.check(sql, values.as_ref())?;
        let is_long = bytes(values.as_ref()) > LONG_BYTES;
        let done = bound(sql, values).execute(&mut self.connection).await;
        if is_long {
            self.connection.shrink_buffers();
        }
        Ok(done.map_err(|error| self.refused(&error))?.rows_affected())
    }

    /// The fault of a failed statement. After an error of the protocol, such as a parameter too
    /// few, sqlx waits for an answer to what it never sent: the next statement would hang.
    fn refused(&mut self, error: &sqlx::Error) -> Fault {
        self.is_broken |= matches!(error, sqlx::Error::Protocol(_));
        fault(error)
    }
}

impl Session for MySql {
    fn brand(&self) -> Brand {
        Brand::Mysql
    }

    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            self.check(sql, &[])?;
            // The one place where this adapter vouches for SQL: it comes from our templates.
            // Unprepared, because CREATE TRIGGER cannot be prepared.
            let statement = sqlx::raw_sql(AssertSqlSafe(sql));
            let done = self.connection.execute(statement).await;
            done.map(drop).map_err(|error| self.refused(&error))
        })
    }

    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        Box::pin(self.run(sql, values))
    }

    /// What is bound goes to the driver as it is, and is not kept beside what that makes of it.
    fn execute_each<'a>(&'a mut self, sql: &'a str, lists: Vec<Vec<Value>>) -> Reply<'a, u64> {
        Box::pin(async move {
            let mut changed = 0;
            for values in lists {
                changed += self.run(sql, values).await?;
            }
            Ok(changed)
        })
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        Box::pin(async move {
            self.check(sql, values)?;
            let rows = bound(sql, values).fetch_all(&mut self.connection).await;
            let rows = decode(rows.map_err(|error| self.refused(&error))?)?;
            if rows.iter().map(|row| bytes(row.values())).sum::<usize>() > LONG_BYTES {
                self.connection.shrink_buffers();
            }
            Ok(rows)
        })
    }

    fn begin(&mut self, mode: Mode) -> Reply<'_, ()> {
        Box::pin(async move {
            // Without SESSION the level is that of the next transaction alone.
            self.raw(match mode {
                Mode::Read => {
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
                     START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
                }
                Mode::Write => {
                    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; \
                     START TRANSACTION READ WRITE"
                }
                Mode::Uncommitted => {
                    "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED; \
                     START TRANSACTION READ ONLY"
                }
            })
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
            if std::mem::take(&mut self.is_open) { self.raw("ROLLBACK").await } else { Ok(()) }
        })
    }

    fn close(self: Box<Self>) -> Reply<'static, ()> {
        Box::pin(async move {
            // A farewell on a broken connection may wait for ever, so it is dropped.
            if self.is_broken {
                return Ok(());
            }
            self.connection.close().await.map_err(|error| fault(&error))
        })
    }
}

type Query<'a> = sqlx::query::Query<'a, sqlx::MySql, sqlx::mysql::MySqlArguments>;

/// Values that are given away are dropped one by one, as the driver has encoded them.
fn bound<V: Borrow<Value>>(sql: &str, values: impl IntoIterator<Item = V>) -> Query<'_> {
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in values {
        query = match value.borrow() {
            Value::Null => query.bind(None::<String>),
            Value::Integer(number) => query.bind(*number),
            Value::Text(text) => query.bind(text.as_str()),
            Value::Invalid(bytes) => query.bind(bytes.as_slice()),
        };
    }
    query
}

/// What the driver has of a row goes when its texts were taken from it.
fn decode(rows: Vec<MySqlRow>) -> Result<Vec<Row>, Fault> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns: Arc<[String]> =
        first.columns().iter().map(|column| column.name().to_owned()).collect();
    rows.into_iter()
        .map(|row| {
            let cells = (0..columns.len()).map(|index| cell(&row, index));
            let values = cells.collect::<Result<_, _>>();
            Ok(Row::new(columns.clone(), values?))
        })
        .collect()
}

/// Integers as numbers, everything that the protocol carries as characters as text.
///
/// Type names decide only between the two: MariaDB calls its JSON a BLOB, and both call many a
/// text VARBINARY, so whatever is not a number has to prove itself by being UTF-8.
fn cell(row: &MySqlRow, index: usize) -> Result<Value, Fault> {
    let raw = row.try_get_raw(index).map_err(|error| fault(&error))?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let info = raw.type_info();
    let name = info.name();
    let unreadable = || Fault::rejected(format!("column {index} came as {name}, not as text"));
    match name {
        // Read as signed, 4294967295 of four bytes would be -1.
        unsigned if unsigned == "BIT" || unsigned.ends_with(" UNSIGNED") => {
            let number: u64 = row.try_get_unchecked(index).map_err(|error| fault(&error))?;
            // Beyond 63 bits it travels as its digits.
            Ok(i64::try_from(number)
                .map_or_else(|_| Value::Text(number.to_string()), Value::Integer))
        }
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" | "YEAR" => {
            row.try_get_unchecked(index).map(Value::Integer).map_err(|error| fault(&error))
        }
        "FLOAT" | "DOUBLE" | "DATE" | "TIME" | "DATETIME" | "TIMESTAMP" | "GEOMETRY" => {
            Err(unreadable())
        }
        _ => {
            let bytes: Vec<u8> = row.try_get_unchecked(index).map_err(|error| fault(&error))?;
            String::from_utf8(bytes).map(Value::Text).map_err(|_| unreadable())
        }
    }
}

/// MySQL's numbers are finer than its SQLSTATEs, so the number is the code.
fn fault(error: &sqlx::Error) -> Fault {
    if let sqlx::Error::Database(inner) = error
        && let Some(mysql) = inner.try_downcast_ref::<MySqlDatabaseError>()
    {
        return Fault::from_code(Brand::Mysql, &mysql.number().to_string(), mysql.message());
    }
    driver_fault(Brand::Mysql, error)
}
