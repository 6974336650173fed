//! An application that keeps account of what was committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use outrigger::db::{self, Fault, FaultKind, Mode, Session};
use outrigger::dialect::Brand;

use super::random::Random;

/// Accounts of each writer, which nobody else changes.
pub(super) const ACCOUNTS: i64 = 4;

/// Rows that all writers of all nodes change.
const HOT_ROWS: [i64; 6] = [1, 2, 3, 4, 5, 6];

/// How long a server that was killed may take to come back.
const AWAY: Duration = Duration::from_secs(40);

/// The writer's rows: what it may say that they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// The counter of each account.
    pub(super) counters: BTreeMap<i64, i64>,
    /// The amount of each entry.
    pub(super) entries: BTreeMap<i64, i64>,
    /// The last transaction that was committed.
    last: i64,
}

/// What became of a writer's transactions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) committed: usize,
    pub(super) rolled_back: usize,
    /// Ended by the database: a deadlock, a key that somebody else had just taken.
    pub(super) refused: usize,
    /// Of the committed ones, those that nobody had acknowledged.
    pub(super) unacknowledged: usize,
}

pub(super) struct Writer {
    /// Tells its rows from those of the others.
    pub(super) number: i64,
    pub(super) url: String,
    pub(super) random: Random,
    /// Whether the server may be killed.
    pub(super) may_lose_server: bool,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) ledger: Ledger,
    pub(super) tally: Tally,
}

impl Writer {
    /// Connects and opens its accounts, before anything is killed.
    pub(super) async fn open(&mut self) -> Box<dyn Session> {
        let mut session = db::connect(&self.url).await.unwrap();
        session.begin(Mode::Write).await.unwrap();
        for id in self.accounts() {
            let sql = format!("INSERT INTO account VALUES ({id}, 0, 0)");
            session.raw(&sql).await.unwrap();
            self.ledger.counters.insert(id, 0);
        }
        session.commit().await.unwrap();
        session
    }

    /// Writes until it is stopped.
    pub(super) async fn write(mut self, mut session: Box<dyn Session>) -> Self {
        while !self.stop.load(Ordering::Relaxed) {
            self.pause(40).await;
            let mut next = Ledger { last: self.ledger.last + 1, ..self.ledger.clone() };
            let Err(fault) = self.transaction(&mut *session, &mut next).await else { continue };
            match fault.kind {
                FaultKind::Transient | FaultKind::Conflict => {
                    self.tally.refused += 1;
                    match session.rollback().await {
                        Err(fault) if self.may_lose_server && fault.kind == FaultKind::Gone => {
                            session = self.reconnect().await;
                        }
                        ended => ended.unwrap(),
                    }
                }
                FaultKind::Gone if self.may_lose_server => {
                    session = self.reconnect().await;
                    // It may be killed again meanwhile.
                    while self.look_again(&mut *session, &next).await.is_err() {
                        session = self.reconnect().await;
                    }
                }
                _ => panic!("writer {}: {fault:?}", self.number),
            }
        }
        self
    }

    fn accounts(&self) -> impl Iterator<Item = i64> + use<> {
        let first = ACCOUNTS * self.number;
        first..first + ACCOUNTS
    }

    /// One transaction, committed into the ledger or rolled back.
    async fn transaction(
        &mut self,
        session: &mut dyn Session,
        next: &mut Ledger,
    ) -> Result<(), Fault> {
        session.begin(Mode::Write).await?;
        // By it the writer knows later whether a commit that nobody acknowledged was one.
        let (first, last) = (ACCOUNTS * self.number, next.last);
        let mark = format!("UPDATE account SET last_transaction = {last} WHERE id = {first}");
        session.raw(&mark).await?;
        let is_long = self.random.is_one_in(15);
        for _ in 0..=self.random.below(4) {
            let sql = self.statement(next);
            session.raw(&sql).await?;
            self.pause(if is_long { longest(session.brand()) } else { 30 }).await;
        }
        if self.random.is_one_in(6) {
            session.rollback().await?;
            self.tally.rolled_back += 1;
            return Ok(());
        }
        session.commit().await?;
        self.ledger = next.clone();
        self.tally.committed += 1;
        Ok(())
    }

    fn statement(&mut self, next: &mut Ledger) -> String {
        let hot = self.random.pick(&HOT_ROWS);
        let (number, last) = (self.number, next.last);
        match self.random.below(10) {
            0..=2 => {
                let id = ACCOUNTS * number + i64::try_from(self.random.below(4)).unwrap();
                *next.counters.get_mut(&id).unwrap() += 1;
                format!("UPDATE account SET counter = counter + 1 WHERE id = {id}")
            }
            3..=4 => {
                let id = number * 1_000_000
                    + next.entries.keys().max().map_or(0, |id| id % 1_000_000)
                    + 1;
                next.entries.insert(id, last);
                format!("INSERT INTO entry VALUES ({id}, {}, {last})", ACCOUNTS * number)
            }
            5..=6 if !next.entries.is_empty() => {
                let at = self.random.below(next.entries.len());
                let (id, amount) = next.entries.iter_mut().nth(at).unwrap();
                if self.random.is_one_in(3) {
                    let id = *id;
                    next.entries.remove(&id);
                    return format!("DELETE FROM entry WHERE id = {id}");
                }
                *amount = last;
                format!("UPDATE entry SET amount = {last} WHERE id = {id}")
            }
            7 => format!("DELETE FROM hot WHERE id = {hot}"),
            8 => format!(
                "INSERT INTO hot SELECT {hot}, '{number} {last}', 0 WHERE NOT EXISTS \
                 (SELECT 1 FROM hot WHERE id = {hot})"
            ),
            _ => format!(
                "UPDATE hot SET note = '{number} {last}', quantity = quantity + 1 WHERE id = {hot}"
            ),
        }
    }

    async fn pause(&mut self, most_ms: usize) {
        let pause = u64::try_from(self.random.below(most_ms)).unwrap();
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    async fn reconnect(&self) -> Box<dyn Session> {
        let begin = Instant::now();
        loop {
            match db::connect(&self.url).await {
                Ok(session) => return session,
                Err(fault) => assert!(begin.elapsed() < AWAY, "{}: {fault}", self.number),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether the transaction that the server was killed in was committed: each of the two is
    /// right, but nothing else, and no transaction that was acknowledged may be missing.
    async fn look_again(&mut self, session: &mut dyn Session, next: &Ledger) -> Result<(), Fault> {
        let first = ACCOUNTS * self.number;
        let sql = format!("SELECT last_transaction AS n FROM account WHERE id = {first}");
        let rows = session.fetch(&sql, &[]).await?;
        let last = rows.first().and_then(|row| row.integer("n"));
        if last == Some(next.last) {
            self.ledger = next.clone();
            self.tally.committed += 1;
            self.tally.unacknowledged += 1;
        } else {
            assert_eq!(last, Some(self.ledger.last), "writer {}: a commit is lost", self.number);
        }
        Ok(())
    }
}

/// The longest pause in a long transaction: where there is one writer at a time, all others wait.
fn longest(brand: Brand) -> usize {
    if brand == Brand::Sqlite { 120 } else { 1_500 }
}
