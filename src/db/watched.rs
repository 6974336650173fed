//! Sessions over a network that may swallow what is sent.
//!
//! A link that goes down without a word, as a laptop's that leaves or a firewall's that forgets,
//! leaves whoever awaits an answer waiting: for the quarter of an hour in which the system sends
//! again, or for ever where the question had arrived. So while an answer is awaited for long, the
//! server is asked by another connection whether it is still at work on it.

use std::time::Duration;

use super::{CONNECT_WAIT, Fault, FaultKind, Mode, Pieces, Reply, Session, connect_brand};
use crate::dialect::{AtWork, Brand};
use crate::model::{Row, Value};

/// For how long an answer is awaited before the server is asked: longer than for a lock.
const SILENCE: Duration = Duration::from_secs(15);
/// The longest pause between two such questions, while the server says that it is at work.
const LONGEST_SILENCE: Duration = Duration::from_mins(1);
/// The pause before it is asked again where it said nothing, or no. An answer may have been on
/// its way.
const DOUBT: Duration = Duration::from_secs(2);
/// How often in succession it has to say nothing, or no.
const DOUBTS: u32 = 2;

/// A session, and how to ask about it.
struct Watched {
    inner: Box<dyn Session>,
    watch: Watch,
}

struct Watch {
    url: String,
    at_work: &'static AtWork,
    /// The server's own number of the session.
    id: Value,
    /// A statement was left without its answer: nothing can be said to the server any more.
    is_given_up: bool,
}

/// Watches over a session of a brand whose servers can be asked, where this one shows it.
pub(super) async fn watched(
    url: &str,
    mut inner: Box<dyn Session>,
) -> Result<Box<dyn Session>, Fault> {
    let Some(at_work) = &inner.brand().dialect().at_work else { return Ok(inner) };
    let rows = inner.fetch(&at_work.session, &[]).await?;
    let id = rows.first().and_then(|row| row.integer("session"));
    let Some(id) = id.map(Value::Integer) else { return Ok(inner) };
    let watch = Watch { url: url.to_owned(), at_work, id, is_given_up: false };
    Ok(Box::new(Watched { inner, watch }))
}

impl Watch {
    /// Awaits an answer as long as the server is at work on it.
    async fn over<T>(&mut self, mut answer: Reply<'_, T>) -> Result<T, Fault> {
        let mut silence = SILENCE;
        let mut doubts = 0;
        while !self.is_given_up {
            tokio::select! {
                biased;
                done = &mut answer => return done,
                () = tokio::time::sleep(silence) => {}
            }
            let is_at_work = tokio::select! {
                biased;
                done = &mut answer => return done,
                is_at_work = self.is_at_work() => is_at_work,
            };
            if is_at_work {
                (doubts, silence) = (0, (silence * 2).min(LONGEST_SILENCE));
            } else {
                (doubts, silence) = (doubts + 1, DOUBT);
            }
            self.is_given_up = doubts == DOUBTS;
        }
        Err(Fault::gone("the server does not answer any more"))
    }

    /// Whether the server says that it is. One that answers, but does not let us ask, is believed.
    async fn is_at_work(&self) -> bool {
        let asked = tokio::time::timeout(CONNECT_WAIT, Box::pin(self.ask())).await;
        match asked {
            Ok(Ok(rows)) => rows.first().and_then(|row| row.integer("sessions")) != Some(0),
            Ok(Err(fault)) => fault.kind != FaultKind::Gone,
            Err(_) => false,
        }
    }

    async fn ask(&self) -> Result<Vec<Row>, Fault> {
        let mut other = connect_brand(&self.url).await?;
        let rows = other.fetch(&self.at_work.ask, std::slice::from_ref(&self.id)).await?;
        other.close().await?;
        Ok(rows)
    }
}

impl Session for Watched {
    fn brand(&self) -> Brand {
        self.inner.brand()
    }

    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        Box::pin(self.watch.over(self.inner.raw(sql)))
    }

    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        Box::pin(self.watch.over(self.inner.execute(sql, values)))
    }

    fn execute_each<'a>(&'a mut self, sql: &'a str, lists: Vec<Vec<Value>>) -> Reply<'a, u64> {
        Box::pin(self.watch.over(self.inner.execute_each(sql, lists)))
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        Box::pin(self.watch.over(self.inner.fetch(sql, values)))
    }

    fn load<'a>(&'a mut self, sql: &'a str, text: Pieces<'a>) -> Reply<'a, ()> {
        Box::pin(self.watch.over(self.inner.load(sql, text)))
    }

    /// Nothing may be told for as long as it is waited for.
    fn signalled(&mut self, longest: Duration) -> Reply<'_, bool> {
        self.inner.signalled(longest)
    }

    fn begin(&mut self, mode: Mode) -> Reply<'_, ()> {
        Box::pin(self.watch.over(self.inner.begin(mode)))
    }

    fn commit(&mut self) -> Reply<'_, ()> {
        Box::pin(self.watch.over(self.inner.commit()))
    }

    fn rollback(&mut self) -> Reply<'_, ()> {
        Box::pin(self.watch.over(self.inner.rollback()))
    }

    fn close(self: Box<Self>) -> Reply<'static, ()> {
        let Self { inner, mut watch } = *self;
        Box::pin(async move { watch.over(inner.close()).await })
    }
}
