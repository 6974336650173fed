//! PostgreSQL through sqlx.

use std::borrow::Borrow;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions, PgRow,
    PgTypeInfo, PgValueFormat,
};
use sqlx::{
    Acquire as _, AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Encode,
    Executor as _, Row as _, Type, TypeInfo as _, ValueRef as _,
};

use super::{Fault, LOCK_WAIT, LONG_BYTES, Mode, Pieces, Reply, Session, bytes, driver_fault};
use crate::dialect::Brand;
use crate::model::{Row, Value};

/// What every session starts with besides what the driver says itself (UTC, ISO dates, floats with
/// all their digits), whatever the server's, the database's and the role's defaults are. By these
/// the texts of intervals, arrays and documents are written and read.
///
/// Bitmaps are off: of a table that nobody has analyzed yet PostgreSQL expects few rows, and would
/// read and sort all that waits in an inbox for each page of it.
const SETTINGS: &str = "SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; \
     SET array_nulls = on; SET xmloption = 'content'; SET enable_bitmapscan = off";

/// By these the server notices within a minute that this end is gone, and lets go of what a
/// transaction of ours has locked, and of the lock of a runner that sleeps. The system's own way
/// takes two hours.
const KEEPALIVE: &str = "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; \
     SET tcp_keepalives_count = 3";

fn settings() -> String {
    format!("{SETTINGS}; {KEEPALIVE}; SET lock_timeout = {}", LOCK_WAIT.as_millis())
}

struct Postgres {
    link: Link,
    is_open: bool,
}

/// A connection, alone or as the driver's listener holds it.
enum Link {
    Plain(PgConnection),
    Listening(PgListener, PgPool),
}

impl Link {
    async fn connection(&mut self) -> Result<&mut PgConnection, Fault> {
        match self {
            Self::Plain(connection) => Ok(connection),
            Self::Listening(listener, _) => listener.acquire().await.map_err(|error| fault(&error)),
        }
    }
}

fn options(url: &str) -> Result<PgConnectOptions, Fault> {
    let mut options = PgConnectOptions::from_str(url).map_err(|error| fault(&error))?;
    if let Some(count) = super::statements_kept(url) {
        options = options.statement_cache_capacity(count);
    }
    Ok(options.application_name("outrigger").disable_statement_logging())
}

pub(super) async fn connect(url: &str) -> Result<Box<dyn Session>, Fault> {
    let connection = options(url)?.connect().await.map_err(|error| fault(&error))?;
    let mut session = Postgres { link: Link::Plain(connection), is_open: false };
    session.raw(&settings()).await?;
    Ok(Box::new(session))
}

/// The driver hands out what a connection is told only through its listener, and that only from a
/// pool: of one connection, which is never replaced behind our back.
pub(super) async fn connect_to_listen(url: &str) -> Result<Box<dyn Session>, Fault> {
    let options = options(url)?;
    // A pool goes on trying where nobody answers, and then says only that it gave up.
    let probe = options.connect().await.map_err(|error| fault(&error))?;
    probe.close().await.map_err(|error| fault(&error))?;
    let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
    let pool = pool.connect_with(options).await.map_err(|error| fault(&error))?;
    let mut listener = PgListener::connect_with(&pool).await.map_err(|error| fault(&error))?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    let mut session = Postgres { link: Link::Listening(listener, pool), is_open: false };
    session.raw(KEEPALIVE).await?;
    Ok(Box::new(session))
}

impl Session for Postgres {
    fn brand(&self) -> Brand {
        Brand::Postgres
    }

    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            // The one place where this adapter vouches for SQL: it comes from our templates.
            let statement = sqlx::raw_sql(AssertSqlSafe(sql));
            let connection = self.link.connection().await?;
            connection.execute(statement).await.map_err(|error| fault(&error))?;
            Ok(())
        })
    }

    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        Box::pin(async move {
            let connection = self.link.connection().await?;
            run(connection, sql, values).await
        })
    }

    /// What is bound goes to the driver as it is, and is not kept beside what that makes of it.
    fn execute_each<'a>(&'a mut self, sql: &'a str, lists: Vec<Vec<Value>>) -> Reply<'a, u64> {
        Box::pin(async move {
            let connection = self.link.connection().await?;
            let mut changed = 0;
            for values in lists {
                changed += run(connection, sql, values).await?;
            }
            Ok(changed)
        })
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        Box::pin(async move {
            let connection = self.link.connection().await?;
            let rows = bound(sql, values).fetch_all(&mut *connection).await;
            let rows = decode(rows.map_err(|error| fault(&error))?)?;
            if rows.iter().map(|row| bytes(row.values())).sum::<usize>() > LONG_BYTES {
                connection.shrink_buffers();
            }
            Ok(rows)
        })
    }

    fn load<'a>(&'a mut self, sql: &'a str, text: Pieces<'a>) -> Reply<'a, ()> {
        Box::pin(async move {
            let connection = self.link.connection().await?;
            let mut sink = connection.copy_in_raw(sql).await.map_err(|error| fault(&error))?;
            for piece in text {
                sink.send(piece.as_bytes()).await.map_err(|error| fault(&error))?;
            }
            sink.finish().await.map_err(|error| fault(&error))?;
            Ok(())
        })
    }

    fn signalled(&mut self, longest: Duration) -> Reply<'_, bool> {
        Box::pin(async move {
            let Link::Listening(listener, _) = &mut self.link else {
                tokio::time::sleep(longest).await;
                return Ok(false);
            };
            let Ok(told) = tokio::time::timeout(longest, listener.try_recv()).await else {
                return Ok(false);
            };
            if told.map_err(|error| fault(&error))?.is_none() {
                return Err(Fault::gone("the connection was closed while it was listening"));
            }
            // What came besides says the same.
            while listener.next_buffered().is_some() {}
            Ok(true)
        })
    }

    fn begin(&mut self, mode: Mode) -> Reply<'_, ()> {
        Box::pin(async move {
            self.raw(match mode {
                Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                Mode::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
                Mode::Uncommitted => "BEGIN ISOLATION LEVEL READ UNCOMMITTED READ ONLY",
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
            match self.link {
                Link::Plain(connection) => connection.close().await.map_err(|error| fault(&error)),
                Link::Listening(listener, pool) => {
                    drop(listener);
                    pool.close().await;
                    Ok(())
                }
            }
        })
    }
}

type Query<'a> = sqlx::query::Query<'a, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// NULL of the type that the server finds fitting; as a text it could not go into a number.
struct Null;

impl Type<sqlx::Postgres> for Null {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, sqlx::Postgres> for Null {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

async fn run<V: Borrow<Value> + Send>(
    connection: &mut PgConnection,
    sql: &str,
    values: impl IntoIterator<Item = V> + AsRef<[Value]>,
) -> Result<u64, Fault> {
    let is_long = bytes(values.as_ref()) > LONG_BYTES;
    let done = bound(sql, values).execute(&mut *connection).await;
    if is_long {
        connection.shrink_buffers();
    }
    Ok(done.map_err(|error| fault(&error))?.rows_affected())
}

/// Values that are given away are dropped one by one, as the driver has encoded them.
fn bound<V: Borrow<Value>>(
    sql: &str,
    values: impl IntoIterator<Item = V> + AsRef<[Value]>,
) -> Query<'_> {
    // A prepared statement keeps its parameters' types, and those that a NULL led to would not do
    // for a value: a statement with other NULLs is another statement to sqlx.
    let is_null = |value: &Value| if *value == Value::Null { 'n' } else { '.' };
    let nulls: String = values.as_ref().iter().map(is_null).collect();
    let marked = nulls.contains('n').then(|| format!("{sql}\n-- {nulls}"));
    let mut query = sqlx::query(AssertSqlSafe(marked.as_deref().unwrap_or(sql)));
    for value in values {
        query = match value.borrow() {
            Value::Null => query.bind(Null),
            Value::Integer(number) => query.bind(*number),
            Value::Text(text) => query.bind(text.as_str()),
            Value::Invalid(bytes) => query.bind(bytes.as_slice()),
        };
    }
    query
}

/// What the driver has of a row goes when its texts were taken from it.
fn decode(rows: Vec<PgRow>) -> Result<Vec<Row>, Fault> {
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

/// Integers and booleans as numbers, everything else as the text that the statement cast it to.
fn cell(row: &PgRow, index: usize) -> Result<Value, Fault> {
    let raw = row.try_get_raw(index).map_err(|error| fault(&error))?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let (info, is_binary) = (raw.type_info(), raw.format() == PgValueFormat::Binary);
    let name = info.name();
    let bytes = raw.as_bytes().map_err(|error| Fault::rejected(error.to_string()))?;
    let unreadable = || Fault::rejected(format!("column {index} came as {name}, not as text"));
    let number = match (name, is_binary) {
        ("INT8", true) => bytes.try_into().map(i64::from_be_bytes).ok(),
        ("INT4", true) => bytes.try_into().map(|b| i64::from(i32::from_be_bytes(b))).ok(),
        ("INT2", true) => bytes.try_into().map(|b| i64::from(i16::from_be_bytes(b))).ok(),
        ("BOOL", true) => bytes.first().map(|byte| i64::from(*byte)),
        ("TEXT" | "VARCHAR" | "NAME" | "CHAR" | "\"CHAR\"" | "UNKNOWN", _) | (_, false) => {
            let text = std::str::from_utf8(bytes).map_err(|_| unreadable())?;
            return Ok(Value::Text(text.to_owned()));
        }
        _ => None,
    };
    number.map(Value::Integer).ok_or_else(unreadable)
}

fn fault(error: &sqlx::Error) -> Fault {
    driver_fault(Brand::Postgres, error)
}
