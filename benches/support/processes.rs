//! What whole processes cost in processor time, as Linux counts them.

use std::collections::BTreeMap;
use std::time::Duration;

use outrigger::db::Session;
use outrigger::dialect::Brand;

use crate::thread;

/// A tick of `/proc/<pid>/stat`.
const TICK: Duration = Duration::from_millis(10);

/// A process as Linux counts it.
struct Process {
    parent: i64,
    /// User and system time, its own and that of children that ended.
    ticks: u32,
}

/// The process of a session's server, above all that work for it; `None` for SQLite.
pub(crate) async fn server(session: &mut dyn Session) -> Option<i64> {
    if session.brand() == Brand::Sqlite {
        return None;
    }
    let worker = thread::of(session).await;
    let status = std::fs::read_to_string(format!("/proc/{worker}/status"));
    let status = status.expect("the server is on this machine");
    // A session of PostgreSQL is a process of its own, one of MariaDB a thread.
    let key = if session.brand() == Brand::Postgres { "PPid:" } else { "Tgid:" };
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    Some(line.and_then(|line| line.trim().parse().ok()).expect("Linux names the process"))
}

/// The processor time of a process, of those that it started, and of theirs.
pub(crate) fn time(process: i64) -> Duration {
    let all = processes();
    let is_below = |mut id: i64| {
        while let Some(found) = all.get(&id) {
            if id == process {
                return true;
            }
            id = found.parent;
        }
        false
    };
    let ticks = all.iter().filter(|(id, _)| is_below(**id)).map(|(_, found)| found.ticks);
    TICK * ticks.sum::<u32>()
}

/// The processor time of this process.
pub(crate) fn own_time() -> Duration {
    time(std::process::id().into())
}

fn processes() -> BTreeMap<i64, Process> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").expect("Linux lists the processes").flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let text = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name is in brackets, and may have blanks and brackets in it.
        let Some((_, after)) = text.rsplit_once(") ") else { continue };
        let words: Vec<&str> = after.split(' ').collect();
        let number = |index: usize| words.get(index).and_then(|word| word.parse::<u32>().ok());
        let ticks = (11..15).filter_map(number).sum::<u32>();
        let parent = words.get(1).and_then(|word| word.parse().ok()).unwrap_or_default();
        found.insert(id, Process { parent, ticks });
    }
    found
}
