//! Sessions that fail at a chosen call, as networks and databases do.

use std::sync::{Arc, Mutex};

use outrigger::db::{Fault, FaultKind, Mode, Reply, Session};
use outrigger::dialect::Brand;
use outrigger::model::{Row, Value};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The database has done what was asked, and the connection is cut before it can say so: what
    /// was not committed the database rolls back. A cut before a call is one after the last.
    Cut,
    /// The database rolls the transaction back to end a deadlock; the session goes on.
    Deadlock,
}

#[derive(Debug, Default)]
struct State {
    calls: u64,
    armed: Option<(u64, Failure)>,
    has_blown: bool,
}

/// Counts the calls of all sessions that share it, and fails one of them.
#[derive(Debug, Clone, Default)]
pub struct Fuse(Arc<Mutex<State>>);

impl Fuse {
    /// A fuse that fails the `call`th call from now on, beginning with 1.
    pub fn at(call: u64, failure: Failure) -> Self {
        Self(Arc::new(Mutex::new(State { armed: Some((call, failure)), ..State::default() })))
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.0.lock().unwrap().calls
    }

    /// Whether the chosen call came.
    pub fn has_blown(&self) -> bool {
        self.0.lock().unwrap().has_blown
    }

    /// A session whose calls are counted here.
    pub fn wrap(&self, inner: Box<dyn Session>) -> Box<dyn Session> {
        Box::new(Flaky { brand: inner.brand(), inner: Some(inner), fuse: self.clone() })
    }

    fn count(&self) -> Option<Failure> {
        let mut state = self.0.lock().unwrap();
        state.calls += 1;
        let (call, failure) = state.armed?;
        if call != state.calls {
            return None;
        }
        state.has_blown = true;
        Some(failure)
    }
}

/// A session that may fail. Once its connection is cut, every call says so.
struct Flaky {
    brand: Brand,
    inner: Option<Box<dyn Session>>,
    fuse: Fuse,
}

fn cut() -> Fault {
    Fault::gone("the connection was cut")
}

impl Flaky {
    /// What fails before the database hears of the call; whether it will fail after.
    async fn before(&mut self) -> Result<bool, Fault> {
        let Some(inner) = &mut self.inner else { return Err(cut()) };
        match self.fuse.count() {
            None => Ok(false),
            Some(Failure::Cut) => Ok(true),
            Some(Failure::Deadlock) => {
                inner.rollback().await?;
                let message = "chosen as the victim of a deadlock".to_owned();
                Err(Fault { kind: FaultKind::Transient, code: String::new(), message })
            }
        }
    }

    fn after<T>(&mut self, fails: bool, done: Result<T, Fault>) -> Result<T, Fault> {
        if !fails {
            return done;
        }
        self.inner = None;
        Err(cut())
    }

    fn inner(&mut self) -> Result<&mut dyn Session, Fault> {
        self.inner.as_deref_mut().map_or_else(|| Err(cut()), |inner| Ok(inner as &mut dyn Session))
    }
}

impl Session for Flaky {
    fn brand(&self) -> Brand {
        self.brand
    }

    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            let fails = self.before().await?;
            let done = self.inner()?.raw(sql).await;
            self.after(fails, done)
        })
    }

    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        Box::pin(async move {
            let fails = self.before().await?;
            let done = self.inner()?.execute(sql, values).await;
            self.after(fails, done)
        })
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        Box::pin(async move {
            let fails = self.before().await?;
            let done = self.inner()?.fetch(sql, values).await;
            self.after(fails, done)
        })
    }

    fn begin(&mut self, mode: Mode) -> Reply<'_, ()> {
        Box::pin(async move {
            let fails = self.before().await?;
            let done = self.inner()?.begin(mode).await;
            self.after(fails, done)
        })
    }

    fn commit(&mut self) -> Reply<'_, ()> {
        Box::pin(async move {
            let fails = self.before().await?;
            let done = self.inner()?.commit().await;
            self.after(fails, done)
        })
    }

    fn rollback(&mut self) -> Reply<'_, ()> {
        Box::pin(async move {
            let fails = self.before().await?;
            let done = self.inner()?.rollback().await;
            self.after(fails, done)
        })
    }

    fn close(self: Box<Self>) -> Reply<'static, ()> {
        Box::pin(async move {
            match self.inner {
                Some(inner) => inner.close().await,
                None => Ok(()),
            }
        })
    }
}
