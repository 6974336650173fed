//! The runner's session: it counts its calls, lets the application in between, and its process
//! may die before or after any of them. Then the connection is dropped, as the system does it.

use std::sync::Arc;
use std::time::Duration;

use outrigger::db::{Fault, Mode, Reply, Session};
use outrigger::dialect::Brand;
use outrigger::model::{Row, Value};
use tokio::sync::Mutex;

use crate::stage::Stage;

/// A call that takes longer waits for a lock: time for the application to end its transactions.
const PATIENCE: Duration = Duration::from_millis(60);

pub(crate) struct Flaky {
    stage: Arc<Mutex<Stage>>,
    node: usize,
    brand: Brand,
    /// Nothing once the process is dead.
    inner: Option<Box<dyn Session>>,
}

impl Flaky {
    pub(crate) fn new(stage: Arc<Mutex<Stage>>, node: usize, inner: Box<dyn Session>) -> Self {
        Self { stage, node, brand: inner.brand(), inner: Some(inner) }
    }

    /// The session, for another program of the same process.
    pub(crate) fn into_inner(self) -> Option<Box<dyn Session>> {
        self.inner
    }

    /// What happens before a call: whether the process dies after it.
    async fn before(&mut self) -> Result<bool, Fault> {
        let stage = self.stage.clone();
        let dies = stage.lock().await.step().await;
        if dies.is_err() {
            self.inner = None;
        }
        dies
    }

    fn after<T>(&mut self, dies: bool, done: Result<T, Fault>) -> Result<T, Fault> {
        if dies {
            self.inner = None;
            return Err(gone());
        }
        done
    }
}

/// Waits for a call; where it waits for a lock, the application gives way or not.
async fn patiently<T>(
    stage: &Arc<Mutex<Stage>>,
    node: usize,
    mut reply: Reply<'_, T>,
) -> Result<T, Fault> {
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut reply).await {
        return done;
    }
    stage.lock().await.give_way(node).await;
    reply.await
}

/// One call of the session inside, with what happens around it.
macro_rules! call {
    ($self:ident, $inner:ident => $reply:expr) => {
        Box::pin(async move {
            let dies = $self.before().await?;
            let Some($inner) = $self.inner.as_mut() else { return Err(gone()) };
            let done = patiently(&$self.stage, $self.node, $reply).await;
            $self.after(dies, done)
        })
    };
}

impl Session for Flaky {
    fn brand(&self) -> Brand {
        self.brand
    }

    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        call!(self, inner => inner.raw(sql))
    }

    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        call!(self, inner => inner.execute(sql, values))
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        call!(self, inner => inner.fetch(sql, values))
    }

    fn begin(&mut self, mode: Mode) -> Reply<'_, ()> {
        call!(self, inner => inner.begin(mode))
    }

    fn commit(&mut self) -> Reply<'_, ()> {
        call!(self, inner => inner.commit())
    }

    fn rollback(&mut self) -> Reply<'_, ()> {
        call!(self, inner => inner.rollback())
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

pub(crate) fn gone() -> Fault {
    Fault::gone("the process is gone")
}
