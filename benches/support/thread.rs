//! Which thread does the work of a session.

use outrigger::db::Session;
use outrigger::dialect::Brand;

use crate::sql::section;

/// How the thread is called in which SQLite works.
const SQLITE_THREAD: &str = "sqlite";

/// The thread that does a session's work: a server's, or this process's own for SQLite.
///
/// Only one session with SQLite may be open.
pub(crate) async fn of(session: &mut dyn Session) -> i64 {
    if session.brand() == Brand::Sqlite {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux lists the threads");
        let is_worker = |path: &std::path::Path| {
            let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
            name.starts_with(SQLITE_THREAD)
        };
        let mut workers = tasks.flatten().map(|task| task.path()).filter(|path| is_worker(path));
        let worker = workers.next().expect("SQLite has a thread");
        let name = worker.file_name().expect("a thread has a number").to_string_lossy();
        return name.parse().expect("a thread has a number");
    }
    let statement = section(session.brand(), "thread").swap_remove(0);
    let rows = session.fetch(&statement, &[]).await.expect("the server names its thread");
    rows[0].integer("thread").expect("a thread has a number")
}
