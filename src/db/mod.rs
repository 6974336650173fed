//! Sessions with real databases: the only room that names a driver.
//!
//! An adapter binds, decodes, transacts and classifies a brand's error codes.
//! It contains no SQL but a ping and knows nothing of outbox or inbox.

mod mysql;
mod postgres;
mod sqlite;
#[cfg(feature = "mssql")]
mod sqlserver;
mod watched;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::dialect::Brand;
use crate::model::{CONTROL_TABLES, Row, Value};

/// How many prepared statements a connection keeps. Each followed table has about five of its own,
/// and tables have their turns one after the other, so that a cache which is a little too small
/// finds none of them: the drivers' own 100 make 30 tables a quarter slower than one.
const STATEMENTS_KEPT: usize = 1_000;

/// The word in a URL by which a person says it: 0 for a pooler that knows no prepared statement.
const STATEMENTS_WORD: &str = "statement-cache-capacity";

/// How many prepared statements are kept for this URL, unless it says so itself.
fn statements_kept(url: &str) -> Option<usize> {
    (!url.contains(STATEMENTS_WORD)).then_some(STATEMENTS_KEPT)
}

/// How long a statement waits for a lock that somebody else holds. An application that holds one
/// for longer makes a turn fail, which is then taken again, instead of keeping all other routes
/// waiting without a word. PostgreSQL alone would wait for ever, MySQL for a table for a year.
pub const LOCK_WAIT: Duration = Duration::from_secs(10);

/// What a database answers: a boxed future, so that a [`Session`] can be a trait object.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// A text in pieces, each of which is made when the one before is on its way.
pub type Pieces<'a> = Box<dyn Iterator<Item = String> + Send + 'a>;

/// An answer, or what a statement is bound to, of so many bytes leaves no buffer of its size
/// behind.
const LONG_BYTES: usize = 4 << 20;

/// The bytes of texts.
fn bytes<'a>(values: impl IntoIterator<Item = &'a Value>) -> usize {
    let bytes = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Invalid(bytes) => bytes.len(),
        Value::Null | Value::Integer(_) => 0,
    };
    values.into_iter().map(bytes).sum()
}

/// An open connection to one node's database.
///
/// Statements come with the brand's own placeholders. Every selected column is a text or an
/// integer (templates cast), so that no driver's idea of a type gets between. Outside
/// [`Session::begin`] … [`Session::commit`] each statement commits by itself.
pub trait Session: Send {
    /// The brand at the other end.
    fn brand(&self) -> Brand;
    /// Runs statements without parameters, unprepared: DDL and session settings.
    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()>;
    /// Runs one statement; the number of rows it changed.
    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64>;
    /// Runs one statement for each of these lists of values; the number of rows that all of them
    /// changed. Where one is refused, what those before it did is still there.
    ///
    /// The default runs it for one after the other.
    fn execute_each<'a>(&'a mut self, sql: &'a str, lists: Vec<Vec<Value>>) -> Reply<'a, u64> {
        Box::pin(async move {
            let mut changed = 0;
            for values in lists {
                changed += self.execute(sql, &values).await?;
            }
            Ok(changed)
        })
    }
    /// Runs one query; all its rows, so the statement has to limit itself.
    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>>;
    /// Runs a statement that takes a text from the client, as COPY does, piece by piece.
    ///
    /// The default refuses: not every brand's driver has such a thing.
    fn load<'a>(&'a mut self, sql: &'a str, text: Pieces<'a>) -> Reply<'a, ()> {
        let _ = (sql, text);
        Box::pin(async { Err(Fault::rejected("this brand's driver takes no text for a load")) })
    }
    /// Waits until another session signals on a channel that this one listens to, at most so
    /// long; whether one did. It may be given up at any moment, and nothing is lost by it.
    ///
    /// The default waits to the end: only a session of [`connect_to_listen`] is ever told.
    fn signalled(&mut self, longest: Duration) -> Reply<'_, bool> {
        Box::pin(async move {
            tokio::time::sleep(longest).await;
            Ok(false)
        })
    }
    /// Begins a transaction.
    fn begin(&mut self, mode: Mode) -> Reply<'_, ()>;
    /// Commits it.
    fn commit(&mut self) -> Reply<'_, ()>;
    /// Rolls it back; outside a transaction it does nothing.
    fn rollback(&mut self) -> Reply<'_, ()>;
    /// Ends the session.
    fn close(self: Box<Self>) -> Reply<'static, ()>;
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Reads only, all statements from one snapshot (REPEATABLE READ, SNAPSHOT; SQLite: deferred).
    Read,
    /// Writes; each statement sees what is committed when it starts (READ COMMITTED;
    /// SQLite: immediate).
    Write,
    /// Reads only; each statement sees also what others have written and not committed, where the
    /// brand shows it (READ UNCOMMITTED).
    Uncommitted,
}

/// What kind of refusal a fault is; `runner::policy` turns it into a remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A deadlock, a lock time-out: the same again may succeed.
    Transient,
    /// A key, a reference or a check does not allow the row.
    Conflict,
    /// Login or rights are missing.
    Denied,
    /// The server or the connection is gone.
    Gone,
    /// A control table is not there.
    Uninstalled,
    /// Anything else.
    Rejected,
}

/// What a database refused. Its text names tables and columns; values are cut out by the brand's
/// own messages only where the brand does so, hence it is shown but never logged with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", Code(code))]
pub struct Fault {
    /// The kind.
    pub kind: FaultKind,
    /// The brand's own code; empty where there is none.
    pub code: String,
    /// The brand's own text.
    pub message: String,
}

struct Code<'a>(&'a str);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.0) }
    }
}

impl Fault {
    /// A fault by the brand's code, its kind looked up in the dialect file.
    #[must_use]
    pub fn from_code(brand: Brand, code: &str, message: &str) -> Self {
        let codes = &brand.dialect().faults;
        let has = |list: &[String]| list.iter().any(|known| known == code);
        let kind = if has(&codes.transient) {
            FaultKind::Transient
        } else if has(&codes.conflict) {
            FaultKind::Conflict
        } else if has(&codes.denied) {
            FaultKind::Denied
        } else if has(&codes.gone) {
            FaultKind::Gone
        } else if has(&codes.no_table) && CONTROL_TABLES.iter().any(|name| message.contains(name)) {
            FaultKind::Uninstalled
        } else {
            FaultKind::Rejected
        };
        Self { kind, code: code.to_owned(), message: message.to_owned() }
    }

    /// A fault of the connection, without a code.
    #[must_use]
    pub fn gone(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Gone, code: String::new(), message: message.into() }
    }

    /// A fault in what was asked, without a code.
    #[must_use]
    pub fn rejected(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Rejected, code: String::new(), message: message.into() }
    }
}

/// A fault that the driver found, not the database: what broke the connection is told from what
/// the caller asked wrongly.
fn driver_fault(brand: Brand, error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Database(inner) => {
            Fault::from_code(brand, inner.code().as_deref().unwrap_or_default(), inner.message())
        }
        sqlx::Error::Io(inner) => Fault::gone(inner.to_string()),
        sqlx::Error::Tls(inner) => Fault::gone(format!("no encrypted connection: {inner}")),
        sqlx::Error::WorkerCrashed => Fault::gone(error.to_string()),
        sqlx::Error::Configuration(inner) => Fault::rejected(inner.to_string()),
        other => Fault::rejected(other.to_string()),
    }
}

/// How long [`connect`] waits for an answer; some networks swallow a call without refusing it.
const CONNECT_WAIT: Duration = Duration::from_secs(15);

/// Opens a session.
///
/// `url` is a connection URL with its secrets filled in: `postgres://user:password@host:port/db`,
/// `sqlite:path` or `sqlite::memory:`, `mysql://…` (also `mariadb://`), `sqlserver://…`.
/// A SQLite file has to exist, unless the URL ends in `?mode=rwc`.
///
/// # Errors
/// [`FaultKind::Gone`] when nobody answers, [`FaultKind::Denied`] when the login is refused,
/// [`FaultKind::Rejected`] when the URL is not understood.
pub async fn connect(url: &str) -> Result<Box<dyn Session>, Fault> {
    open(url, Box::pin(connect_brand(url))).await
}

/// Opens a session that can be told what others signal, where the brand has that.
///
/// # Errors
/// As [`connect`].
pub async fn connect_to_listen(url: &str) -> Result<Box<dyn Session>, Fault> {
    match Brand::from_url(url) {
        Some(Brand::Postgres) => open(url, Box::pin(postgres::connect_to_listen(url))).await,
        _ => connect(url).await,
    }
}

async fn open(
    url: &str,
    connecting: impl Future<Output = Result<Box<dyn Session>, Fault>>,
) -> Result<Box<dyn Session>, Fault> {
    let opening = async { watched::watched(url, connecting.await?).await };
    let Ok(session) = tokio::time::timeout(CONNECT_WAIT, opening).await else {
        return Err(Fault::gone(format!("no answer within {} s", CONNECT_WAIT.as_secs())));
    };
    session
}

async fn connect_brand(url: &str) -> Result<Box<dyn Session>, Fault> {
    match Brand::from_url(url) {
        Some(Brand::Postgres) => postgres::connect(url).await,
        Some(Brand::Sqlite) => sqlite::connect(url).await,
        Some(Brand::Mysql) => mysql::connect(url).await,
        #[cfg(feature = "mssql")]
        Some(Brand::SqlServer) => sqlserver::connect(url).await,
        #[cfg(not(feature = "mssql"))]
        Some(Brand::SqlServer) => {
            Err(Fault::rejected("this build has no SQL Server driver (feature `mssql` is off)"))
        }
        None => Err(Fault::rejected(
            "the URL's scheme is not one of postgres, sqlite, mysql, mariadb, sqlserver",
        )),
    }
}
