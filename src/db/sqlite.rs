//! SQLite through rusqlite, each connection in a thread of its own.

use std::sync::{Arc, mpsc};
use std::thread;

use rusqlite::config::DbConfig;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, Error, OpenFlags, Statement};
use tokio::sync::oneshot;

use super::{Fault, LOCK_WAIT, Mode, Reply, Session};
use crate::dialect::Brand;
use crate::model::{Row, Value};

/// What a connection's thread is called.
const THREAD: &str = "sqlite";

/// What is done with a connection, in its thread.
type Job = Box<dyn FnOnce(&Connection) + Send>;

/// A statement's rows are made where they are read: what goes from thread to thread is a whole
/// answer, and no row is in memory twice. Another thread reads while this one writes.
struct Sqlite {
    jobs: mpsc::Sender<Job>,
    ended: oneshot::Receiver<()>,
}

/// Opens a database file. Foreign keys are enforced, as an application of this brand has to ask
/// for in each connection.
pub(super) async fn connect(url: &str) -> Result<Box<dyn Session>, Fault> {
    let file = File::of_url(url)?;
    let (jobs, waiting) = mpsc::channel::<Job>();
    let (opened, is_open) = oneshot::channel();
    let (ending, ended) = oneshot::channel();
    let work = move || {
        match file.open() {
            Ok(connection) => {
                // Nobody hears it who has given up waiting.
                let _ = opened.send(Ok(()));
                // It ends when the session does, which has the other end.
                for job in waiting {
                    job(&connection);
                }
            }
            Err(fault) => {
                let _ = opened.send(Err(fault));
            }
        }
        let _ = ending.send(());
    };
    let thread = thread::Builder::new().name(THREAD.to_owned());
    thread.spawn(work).map_err(|error| Fault::gone(error.to_string()))?;
    is_open.await.map_err(|_| crashed())??;
    Ok(Box::new(Sqlite { jobs, ended }))
}

impl Sqlite {
    /// Does something with the connection. What has begun is done, whether anybody waits or not.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Fault> {
        let (done, answer) = oneshot::channel();
        let job = move |connection: &Connection| {
            let _ = done.send(work(connection));
        };
        self.jobs.send(Box::new(job)).map_err(|_| crashed())?;
        answer.await.map_err(|_| crashed())?.map_err(fault)
    }
}

impl Session for Sqlite {
    fn brand(&self) -> Brand {
        Brand::Sqlite
    }

    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        let sql = sql.to_owned();
        Box::pin(self.run(move |connection| run_all(connection, &sql)))
    }

    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        self.execute_each(sql, vec![values.to_vec()])
    }

    /// All of them in one visit to the thread, without a text that the database has to open.
    fn execute_each<'a>(&'a mut self, sql: &'a str, lists: Vec<Vec<Value>>) -> Reply<'a, u64> {
        let sql = sql.to_owned();
        Box::pin(self.run(move |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut changed = 0;
            for values in lists {
                // Else a value that is not there would be that of the list before.
                statement.clear_bindings();
                bind(&mut statement, values)?;
                finish(&mut statement)?;
                changed += connection.changes();
            }
            Ok(changed)
        }))
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        let (sql, values) = (sql.to_owned(), values.to_vec());
        Box::pin(self.run(move |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            bind(&mut statement, values)?;
            answer(&mut statement)
        }))
    }

    fn begin(&mut self, mode: Mode) -> Reply<'_, ()> {
        self.raw(if mode == Mode::Write { "BEGIN IMMEDIATE" } else { "BEGIN DEFERRED" })
    }

    fn commit(&mut self) -> Reply<'_, ()> {
        self.raw("COMMIT")
    }

    fn rollback(&mut self) -> Reply<'_, ()> {
        Box::pin(self.run(|connection| {
            // SQLite may have rolled back by itself (disk full, interrupted): then there is no
            // transaction left to end, and that is what was wanted.
            if connection.is_autocommit() { Ok(()) } else { run_all(connection, "ROLLBACK") }
        }))
    }

    fn close(self: Box<Self>) -> Reply<'static, ()> {
        let Self { jobs, ended } = *self;
        drop(jobs);
        Box::pin(async move { ended.await.map_err(|_| crashed()) })
    }
}

/// A database file as a URL names it.
struct File {
    /// As a person knows it.
    path: String,
    /// As SQLite takes it, which reads the parameters itself.
    uri: String,
    may_create: bool,
}

impl File {
    /// `sqlite:path` or `sqlite://path`, with percent signs for what is no letter of a URL, and
    /// `?` with parameters behind it.
    fn of_url(url: &str) -> Result<Self, Fault> {
        let url = url.strip_prefix("sqlite:").unwrap_or(url);
        let url = url.strip_prefix("//").unwrap_or(url);
        let (path, parameters) = url.split_once('?').unwrap_or((url, ""));
        let mut may_create = false;
        for (name, value) in url::form_urlencoded::parse(parameters.as_bytes()) {
            let values: &[&str] = match &*name {
                "mode" => &["ro", "rw", "rwc", "memory"],
                "cache" => &["shared", "private"],
                "immutable" => &["true", "false", "1", "0"],
                "vfs" => &[],
                _ => {
                    let allowed = "`mode`, `cache`, `immutable` and `vfs` are allowed";
                    return Err(Fault::rejected(format!("unknown parameter `{name}`: {allowed}")));
                }
            };
            if !values.is_empty() && !values.contains(&&*value) {
                let allowed = values.join("`, `");
                let message = format!("unknown {name} `{value}`: `{allowed}` are allowed");
                return Err(Fault::rejected(message));
            }
            may_create |= matches!(&*value, "rwc" | "memory");
        }
        // Behind a `#` SQLite would not read on, and two slashes begin the name of a host.
        let host = if path.starts_with('/') { "//" } else { "" };
        let uri = format!("file:{host}{}?{parameters}", path.replace('#', "%23"));
        Ok(Self { path: path.to_owned(), uri, may_create })
    }

    fn open(&self) -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let create = OpenFlags::SQLITE_OPEN_CREATE;
        let flags = if self.may_create { flags | create } else { flags };
        let opened = Connection::open_with_flags(&self.uri, flags).and_then(|connection| {
            connection.busy_timeout(LOCK_WAIT)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
            connection.set_prepared_statement_cache_capacity(super::STATEMENTS_KEPT);
            Ok(connection)
        });
        opened.map_err(|error| {
            let fault = fault(error);
            // SQLite's text ends in the name by which it was asked.
            let text = fault.message.trim_end_matches(&format!(": {}", self.uri));
            Fault { message: format!("`{}`: {text}", self.path), ..fault }
        })
    }
}

/// All statements of a text, each to its end.
fn run_all(connection: &Connection, sql: &str) -> Result<(), Error> {
    let mut batch = Batch::new(connection, sql);
    while let Some(mut statement) = batch.next()? {
        finish(&mut statement)?;
    }
    Ok(())
}

/// SQLite copies what is bound, so that the values themselves go before the statement runs.
fn bind(statement: &mut Statement<'_>, values: Vec<Value>) -> Result<(), Error> {
    for (at, value) in (1_usize..).zip(values) {
        match value {
            Value::Null => statement.raw_bind_parameter(at, None::<i64>),
            Value::Integer(number) => statement.raw_bind_parameter(at, number),
            Value::Text(text) => statement.raw_bind_parameter(at, text),
            Value::Invalid(bytes) => statement.raw_bind_parameter(at, bytes),
        }?;
    }
    Ok(())
}

fn finish(statement: &mut Statement<'_>) -> Result<(), Error> {
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    Ok(())
}

fn answer(statement: &mut Statement<'_>) -> Result<Vec<Row>, Error> {
    let mut answer = Vec::new();
    let mut columns: Option<Arc<[String]>> = None;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let columns = columns.get_or_insert_with(|| {
            row.as_ref().column_names().into_iter().map(str::to_owned).collect()
        });
        let cells = (0..columns.len()).map(|at| row.get_ref(at).map(cell));
        answer.push(Row::new(columns.clone(), cells.collect::<Result<_, _>>()?));
    }
    Ok(answer)
}

/// A cell by what it is, not by what its column was declared as.
fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Text(format!("{number:?}")),
        // SQLite takes any bytes for text: one such cell must not make the whole answer
        // unreadable.
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Invalid(bytes.to_vec()),
        },
    }
}

/// The thread is gone, which only a panic in it can bring about.
fn crashed() -> Fault {
    Fault::gone("the thread of the connection has ended")
}

fn fault(error: Error) -> Fault {
    let (code, message) = match error {
        Error::SqliteFailure(code, Some(message)) => (code, message),
        Error::SqliteFailure(code, None) => (code, code.to_string()),
        Error::SqlInputError { error, msg, .. } => (error, msg),
        other => return Fault::rejected(other.to_string()),
    };
    Fault::from_code(Brand::Sqlite, &code.extended_code.to_string(), &message)
}
