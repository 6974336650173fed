//! SQL Server through tiberius.

mod target;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tiberius::error::Error;
use tiberius::{Client, ColumnData, Config, Query, QueryStream, SqlBrowser as _};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt as _};

use self::target::Target;
use super::{Fault, FaultKind, LOCK_WAIT, Mode, Reply, Session};
use crate::dialect::Brand;
use crate::model::{Row, Value};

/// How long the network and the login may take, each.
const CONNECT_WAIT: Duration = Duration::from_secs(15);
/// How long the server may be silent within one statement, building an index included.
const COMMAND_WAIT: Duration = Duration::from_mins(15);
/// Up to this many UTF-8 bytes the driver binds `nvarchar`; beyond, a type the server has not.
const TEXT_BYTES_MAX: usize = 1 << 30;

/// What every statement may rely on, whatever the login's or the server's defaults.
///
/// The seven options are those that writes to tables with indexed views, filtered indexes or
/// indexed computed columns need. Under `XACT_ABORT` every error rolls the whole transaction
/// back. In a deadlock it is us, not the application, who lose.
const SETTINGS: &str = "SET QUOTED_IDENTIFIER, ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS ON;
SET ARITHABORT, CONCAT_NULL_YIELDS_NULL ON;
SET NUMERIC_ROUNDABORT OFF;
SET XACT_ABORT ON;
SET NOCOUNT OFF;
SET IMPLICIT_TRANSACTIONS OFF;
SET ROWCOUNT 0;
SET TEXTSIZE 2147483647;
SET LANGUAGE us_english;
SET DATEFORMAT ymd;
SET DEADLOCK_PRIORITY LOW;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;";

/// SNAPSHOT only where the database allows it, since it fails at the first read otherwise.
///
/// Without it a transaction for reading is READ COMMITTED: its statements do not share one
/// snapshot. Reading rows below a row version stays right all the same, because rows below
/// `MIN_ACTIVE_ROWVERSION()` belong to finished transactions. That has to be asked before the
/// transaction begins: a snapshot older than the answer would not show all rows below it, and
/// they would be passed for ever. So the answer is kept as
/// `SESSION_CONTEXT(N'outrigger.watermark')` (binary(8)), where a window finds it.
const BEGIN_READ: &str = "DECLARE @watermark binary(8) = MIN_ACTIVE_ROWVERSION();
EXEC sys.sp_set_session_context @key = N'outrigger.watermark', @value = @watermark;
IF EXISTS (SELECT 1 FROM sys.databases
    WHERE name = DB_NAME() AND snapshot_isolation_state = 1)
    SET TRANSACTION ISOLATION LEVEL SNAPSHOT;
ELSE
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
BEGIN TRANSACTION;";
const BEGIN_WRITE: &str = "SET XACT_ABORT ON;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
BEGIN TRANSACTION;";
const BEGIN_UNCOMMITTED: &str = "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED;
BEGIN TRANSACTION;";
const COMMIT: &str = "COMMIT TRANSACTION;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;";
/// The error that brought us here has mostly rolled back already (`XACT_ABORT`).
const ROLLBACK: &str = "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;";

struct SqlServer {
    client: Client<Compat<TcpStream>>,
    is_open: bool,
    /// Inside a transaction that an error has ended on the server: what follows would commit
    /// by itself, so it is refused until the rollback.
    is_failed: bool,
}

/// Opens a session.
///
/// The driver's `sql_variant` (`SESSION_CONTEXT`, `SERVERPROPERTY`) is not to be relied on:
/// templates cast it.
pub(super) async fn connect(url: &str) -> Result<Box<dyn Session>, Fault> {
    let Target { host, port, mut config } = target::parse(url)?;
    config.handshake_timeout(Some(CONNECT_WAIT));
    config.command_timeout(Some(COMMAND_WAIT));
    let stream = match port {
        Some(port) => dial(&host, port).await?,
        None => dial_instance(&config).await?,
    };
    let client = match log_in(config.clone(), stream).await {
        // A gateway, as Azure's, names the server that really has the database.
        Err(Error::Routing { host, port }) => {
            let stream = dial(&host, port).await?;
            config.host(&host);
            config.port(port);
            log_in(config, stream).await
        }
        other => other,
    };
    let client = client.map_err(|error| fault(&error))?;
    let mut session = SqlServer { client, is_open: false, is_failed: false };
    session.batch(&format!("{SETTINGS}\nSET LOCK_TIMEOUT {};", LOCK_WAIT.as_millis())).await?;
    Ok(Box::new(session))
}

type LogIn = Pin<Box<dyn Future<Output = Result<Client<Compat<TcpStream>>, Error>> + Send>>;

/// On the heap, since the driver's login is the largest of all futures by far and would be part of
/// every future above it.
fn log_in(config: Config, stream: TcpStream) -> LogIn {
    Box::pin(Client::connect(config, stream.compat_write()))
}

async fn dial(host: &str, port: u16) -> Result<TcpStream, Fault> {
    bounded(async { TcpStream::connect((host, port)).await.map_err(Error::from) }).await
}

async fn dial_instance(config: &Config) -> Result<TcpStream, Fault> {
    bounded(TcpStream::connect_named(config)).await
}

async fn bounded(
    dialing: impl Future<Output = Result<TcpStream, Error>>,
) -> Result<TcpStream, Fault> {
    let stream = tokio::time::timeout(CONNECT_WAIT, dialing)
        .await
        .map_err(|_| Fault::gone("the server did not answer in time"))?
        .map_err(|error| Fault::gone(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| Fault::gone(error.to_string()))?;
    Ok(stream)
}

impl SqlServer {
    /// One batch, all its answers read and left aside.
    async fn batch(&mut self, sql: &str) -> Result<(), Fault> {
        let answer = match self.client.simple_query(sql).await {
            Ok(stream) => stream.into_results().await,
            Err(error) => Err(error),
        };
        self.judge(answer).map(|_| ())
    }

    fn judge<T>(&mut self, answer: Result<T, Error>) -> Result<T, Fault> {
        answer.map_err(|error| {
            self.is_failed = self.is_open;
            fault(&error)
        })
    }

    fn check(&self) -> Result<(), Fault> {
        if self.is_failed {
            return Err(Fault::rejected("the transaction has failed and must be rolled back"));
        }
        Ok(())
    }
}

impl Session for SqlServer {
    fn brand(&self) -> Brand {
        Brand::SqlServer
    }

    /// One batch: a CREATE of a trigger, view or procedure has to be alone in it.
    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            if self.is_failed && is_partial_rollback(sql) {
                // The batch sets the mark again if there is no savepoint left to go back to.
                self.is_failed = false;
            }
            self.check()?;
            self.batch(sql).await
        })
    }

    /// The rows that the last statement changed; those of triggers come before and do not count.
    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        Box::pin(async move {
            self.check()?;
            let answer = bound(sql, values)?.execute(&mut self.client).await;
            Ok(self.judge(answer)?.rows_affected().last().copied().unwrap_or(0))
        })
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        Box::pin(async move {
            self.check()?;
            let answer = match bound(sql, values)?.query(&mut self.client).await {
                Ok(stream) => QueryStream::into_first_result(stream).await,
                Err(error) => Err(error),
            };
            decode(self.judge(answer)?)
        })
    }

    fn begin(&mut self, mode: Mode) -> Reply<'_, ()> {
        Box::pin(async move {
            let batch = match mode {
                Mode::Read => BEGIN_READ,
                Mode::Write => BEGIN_WRITE,
                Mode::Uncommitted => BEGIN_UNCOMMITTED,
            };
            self.batch(batch).await?;
            self.is_open = true;
            Ok(())
        })
    }

    fn commit(&mut self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.check()?;
            self.batch(COMMIT).await?;
            self.is_open = false;
            Ok(())
        })
    }

    fn rollback(&mut self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.is_failed = false;
            if std::mem::take(&mut self.is_open) { self.batch(ROLLBACK).await } else { Ok(()) }
        })
    }

    fn close(self: Box<Self>) -> Reply<'static, ()> {
        Box::pin(async move { self.client.close().await.map_err(|error| fault(&error)) })
    }
}

/// `ROLLBACK TRANSACTION name`: back to a savepoint, the transaction goes on. The server refuses
/// it when the error has ended the whole transaction, which under `XACT_ABORT` is the rule.
fn is_partial_rollback(sql: &str) -> bool {
    let mut words = sql.split_whitespace().map(str::to_ascii_uppercase);
    words.next().as_deref() == Some("ROLLBACK")
        && words.next().as_deref() == Some("TRANSACTION")
        && words.next().is_some()
}

fn bound<'a>(sql: &'a str, values: &'a [Value]) -> Result<Query<'a>, Fault> {
    if values.len() > Query::MAX_PARAMETERS {
        return Err(Fault::rejected("a statement has more than 2100 parameters"));
    }
    let mut query = Query::new(sql);
    for value in values {
        match value {
            Value::Null => query.bind(None::<&str>),
            Value::Integer(number) => query.bind(*number),
            Value::Text(text) if text.len() > TEXT_BYTES_MAX => {
                return Err(Fault::rejected("a bound text is longer than 1 GiB"));
            }
            Value::Text(text) => query.bind(text.as_str()),
            Value::Invalid(bytes) => query.bind(bytes.as_slice()),
        }
    }
    Ok(query)
}

fn decode(rows: Vec<tiberius::Row>) -> Result<Vec<Row>, Fault> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns: Arc<[String]> =
        first.columns().iter().map(|column| column.name().to_owned()).collect();
    rows.into_iter()
        .map(|row| {
            let cells = columns.iter().zip(row).map(|(column, data)| cell(column, data));
            Ok(Row::new(columns.clone(), cells.collect::<Result<_, _>>()?))
        })
        .collect()
}

/// Whole numbers and bits as numbers, texts as they are; of the other types those whose text
/// leaves no choice. The rest has to be cast by the statement.
fn cell(column: &str, data: ColumnData<'static>) -> Result<Value, Fault> {
    Ok(match data {
        ColumnData::Bit(bit) => bit.map(i64::from).into(),
        ColumnData::U8(number) => number.map(i64::from).into(),
        ColumnData::I16(number) => number.map(i64::from).into(),
        ColumnData::I32(number) => number.map(i64::from).into(),
        ColumnData::I64(number) => number.into(),
        ColumnData::String(text) => text.map(std::borrow::Cow::into_owned).into(),
        ColumnData::Xml(xml) => xml.map(|xml| xml.to_string()).into(),
        ColumnData::Guid(id) => id.map(|id| id.hyphenated().to_string()).into(),
        ColumnData::Numeric(number) => {
            number.map(|number| decimal(number.value(), number.scale())).into()
        }
        ColumnData::F32(_) | ColumnData::F64(_) => return Err(uncast(column, "float")),
        ColumnData::Binary(_) => return Err(uncast(column, "binary")),
        _ => return Err(uncast(column, "date or time")),
    })
}

fn uncast(column: &str, kind: &str) -> Fault {
    Fault::rejected(format!("column `{column}` came as {kind}, not as text"))
}

/// `value` × 10^-`scale` in plain digits.
fn decimal(value: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

fn fault(error: &Error) -> Fault {
    match error {
        Error::Server(inner) => {
            Fault::from_code(Brand::SqlServer, &inner.code().to_string(), inner.message())
        }
        Error::Io { message, .. } => Fault::gone(message),
        Error::Routing { .. } => Fault::gone(error.to_string()),
        other => {
            Fault { kind: FaultKind::Rejected, code: String::new(), message: other.to_string() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_plain_digits() {
        let texts = [(12345, 2), (-5, 3), (0, 0), (0, 2), (-7, 0), (i128::MAX, 38)]
            .map(|(value, scale)| decimal(value, scale));
        let largest = "1.70141183460469231731687303715884105727";
        assert_eq!(texts, ["123.45", "-0.005", "0", "0.00", "-7", largest]);
    }

    #[test]
    fn a_type_that_should_have_been_cast_is_refused_by_its_column() {
        let fault = cell("price", ColumnData::F64(Some(1.5))).unwrap_err();
        assert_eq!(fault.message, "column `price` came as float, not as text");
        assert_eq!(cell("n", ColumnData::U8(Some(255))), Ok(Value::Integer(255)));
        assert_eq!(cell("n", ColumnData::String(None)), Ok(Value::Null));
    }

    #[test]
    fn only_a_rollback_to_a_savepoint_is_a_partial_one() {
        assert!(is_partial_rollback(" rollback transaction ds_change"));
        for other in ["ROLLBACK TRANSACTION", "ROLLBACK", "SAVE TRANSACTION ds_change"] {
            assert!(!is_partial_rollback(other), "{other}");
        }
    }

    #[test]
    fn a_lost_connection_is_gone_and_a_protocol_fault_is_not_retried() {
        let io = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert_eq!(fault(&Error::from(io)).kind, FaultKind::Gone);
        assert_eq!(fault(&Error::Utf16).kind, FaultKind::Rejected);
    }
}
