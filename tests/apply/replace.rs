//! Triggers are replaced while the application goes on writing: every write is in the outbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use outrigger::db::{FaultKind, Session};

use super::case::{Case, FOLLOW, on_each};
use crate::support::TestDatabase;

/// What `FOLLOW` says, with other triggers on the table that is written.
const OTHERWISE: &str = "  sales_order: { last_update: update_datetime, columns: { description: \
                         ignore } }\n  '*': follow\n";

/// How often the triggers are replaced.
const ROUNDS: usize = 12;

/// What the test and the writer tell each other.
#[derive(Default)]
struct Signals {
    stop: AtomicBool,
    written: AtomicUsize,
}

/// Inserts, changes and deletes rows, each in a transaction of its own, until it is stopped; says
/// how many of each were committed.
async fn write(database: TestDatabase, signals: Arc<Signals>) -> [i64; 3] {
    let mut session = database.connect().await;
    let mut done = [0; 3];
    let mut key = 0;
    while !signals.stop.load(Ordering::Relaxed) {
        key += 1;
        let insert = format!("INSERT INTO sales_order (order_id, quantity) VALUES ('{key}', 1)");
        let update = format!("UPDATE sales_order SET quantity = 2 WHERE order_id = '{key}'");
        let delete = format!("DELETE FROM sales_order WHERE order_id = '{key}'");
        for (count, statement) in done.iter_mut().zip([insert, update, delete]) {
            commit(session.as_mut(), &statement).await;
            *count += 1;
        }
        signals.written.fetch_add(1, Ordering::Relaxed);
    }
    session.close().await.unwrap();
    done
}

/// A statement that is run again while somebody else holds what it needs.
async fn commit(session: &mut dyn Session, statement: &str) {
    loop {
        match session.raw(statement).await {
            Ok(()) => return,
            Err(fault) if matches!(fault.kind, FaultKind::Transient | FaultKind::Conflict) => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Err(fault) => panic!("the application's write failed: {fault}: {statement}"),
        }
    }
}

async fn captured(case: &mut Case, letter: &str) -> i64 {
    let of_table = "SELECT COUNT(*) AS n FROM ds_change_outbox WHERE object_table = 'sales_order'";
    case.number(&format!("{of_table} AND object_operation = '{letter}'")).await
}

#[test]
fn every_write_is_captured_while_triggers_are_replaced() {
    on_each(async |case| {
        case.apply().await;
        let signals = Arc::new(Signals::default());
        let writer = tokio::spawn(write(case.database.clone(), Arc::clone(&signals)));
        for round in 0..ROUNDS {
            while signals.written.load(Ordering::Relaxed) <= round && !writer.is_finished() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            case.follow(if round % 2 == 0 { OTHERWISE } else { FOLLOW });
            let migration = case.apply().await;
            assert_eq!(super::replaced(&migration).len(), 1, "the triggers are others: {round}");
        }
        signals.stop.store(true, Ordering::Relaxed);
        let done = writer.await.unwrap();
        println!("{done:?} inserts, updates, deletes; the triggers were replaced {ROUNDS} times");
        for (letter, done) in ["I", "U", "D"].into_iter().zip(done) {
            assert_eq!(captured(case, letter).await, done, "{letter} in the outbox");
        }
    });
}
