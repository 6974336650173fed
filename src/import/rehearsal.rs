//! A session in which nothing is ever committed.

use serde::Serialize;

use super::Error;
use crate::db::{Fault, Mode, Pieces, Reply, Session};
use crate::dialect::Brand;
use crate::model::{Row, Value};
use crate::render::{Statement, Templates};

const SAVEPOINT: &str = "ds_rehearsal";

/// One transaction of an open session, from [`Rehearsal::begin`] on. Transactions inside it are
/// savepoints, so that whoever works in it sees what came before, and nobody else ever does.
/// Whoever began it rolls the session back.
pub struct Rehearsal<'a> {
    session: &'a mut dyn Session,
    savepoint: Statement,
    rollback_to_savepoint: Statement,
    release_savepoint: Statement,
    is_open: bool,
}

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
    savepoint: &'static str,
}

impl<'a> Rehearsal<'a> {
    /// Begins the transaction.
    ///
    /// # Errors
    /// When a template cannot be filled, or the database refuses.
    pub async fn begin(session: &'a mut dyn Session, templates: &Templates) -> Result<Self, Error> {
        let namespace = templates.brand().dialect().default_namespace.as_deref();
        let context = Context { namespace, savepoint: SAVEPOINT };
        let statement = |name: &str| {
            let statement = templates.statement(&format!("run/{name}"), &context);
            statement.map_err(crate::outbox::Error::from)
        };
        let (savepoint, rollback_to_savepoint, release_savepoint) = (
            statement("savepoint")?,
            statement("rollback_to_savepoint")?,
            statement("release_savepoint")?,
        );
        session.begin(Mode::Write).await?;
        Ok(Self { session, savepoint, rollback_to_savepoint, release_savepoint, is_open: false })
    }
}

impl Session for Rehearsal<'_> {
    fn brand(&self) -> Brand {
        self.session.brand()
    }

    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        self.session.raw(sql)
    }

    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        self.session.execute(sql, values)
    }

    fn execute_each<'a>(&'a mut self, sql: &'a str, lists: Vec<Vec<Value>>) -> Reply<'a, u64> {
        self.session.execute_each(sql, lists)
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        self.session.fetch(sql, values)
    }

    fn load<'a>(&'a mut self, sql: &'a str, text: Pieces<'a>) -> Reply<'a, ()> {
        self.session.load(sql, text)
    }

    fn begin(&mut self, _: Mode) -> Reply<'_, ()> {
        Box::pin(async move {
            self.session.raw(&self.savepoint.sql).await?;
            self.is_open = true;
            Ok(())
        })
    }

    fn commit(&mut self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.is_open = false;
            self.session.raw(&self.release_savepoint.sql).await
        })
    }

    fn rollback(&mut self) -> Reply<'_, ()> {
        Box::pin(async move {
            if !std::mem::take(&mut self.is_open) {
                return Ok(());
            }
            // Where the database has ended the whole transaction, everything before is gone too.
            let back = self.session.raw(&self.rollback_to_savepoint.sql).await;
            back.map_err(|fault| Fault {
                message: format!(
                    "the refusal of a change has ended the dry run: {}",
                    fault.message
                ),
                kind: crate::db::FaultKind::Transient,
                ..fault
            })?;
            self.session.raw(&self.release_savepoint.sql).await
        })
    }

    fn close(self: Box<Self>) -> Reply<'static, ()> {
        Box::pin(async { Ok(()) })
    }
}
