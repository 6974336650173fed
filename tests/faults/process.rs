//! The processes that are killed: runners, and servers that lose no commit by it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use outrigger::dialect::Brand;
use tempfile::TempDir;

use super::random::Random;
use crate::support::Server;

/// How many runners there are by mistake.
const RUNNERS: usize = 2;

/// Several processes of `outrigger run` on the same routes.
pub(super) struct Runners {
    folder: TempDir,
    children: Vec<Child>,
    started: usize,
    pub(super) kills: usize,
}

impl Runners {
    pub(super) fn start(config: &str, schema: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("outrigger.yaml"), config).unwrap();
        std::fs::write(folder.path().join("schema.sql"), schema).unwrap();
        let mut runners = Self { folder, children: Vec::new(), started: 0, kills: 0 };
        for _ in 0..RUNNERS {
            let child = runners.spawn();
            runners.children.push(child);
        }
        runners
    }

    fn spawn(&mut self) -> Child {
        self.started += 1;
        let log = File::create(self.folder.path().join(format!("{}.log", self.started))).unwrap();
        Command::new(env!("CARGO_BIN_EXE_outrigger"))
            .args(["run", "--every", "20ms"])
            .current_dir(self.folder.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Kills one of them, as `kill -9` does, and starts another.
    pub(super) fn kill(&mut self, random: &mut Random) {
        self.replace(random.below(self.children.len()));
    }

    /// The same for each of them.
    pub(super) fn kill_all(&mut self) {
        (0..self.children.len()).for_each(|at| self.replace(at));
    }

    fn replace(&mut self, at: usize) {
        let next = self.spawn();
        end(std::mem::replace(&mut self.children[at], next));
        self.kills += 1;
    }

    /// Kills all of them; what they have said.
    pub(super) fn end(mut self) -> String {
        self.children.drain(..).for_each(end);
        let log = |at| std::fs::read_to_string(self.folder.path().join(format!("{at}.log")));
        (1..=self.started).map(|at| log(at).unwrap()).collect()
    }
}

fn end(mut child: Child) {
    let early = child.try_wait().unwrap();
    assert!(early.is_none(), "a runner has ended by itself: {early:?}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A server of the test's own that starts again on its port when it was killed.
pub struct KeptServer {
    pub server: Server,
    keeper: Child,
    pid: Arc<Mutex<Option<String>>>,
    pub kills: usize,
}

impl KeptServer {
    /// Starts one; `None` where the brand's server is not installed, unless it has to be.
    pub fn start(brand: Brand) -> Option<Self> {
        let (word, name) = match brand {
            Brand::Postgres => ("postgres", "kept_postgres"),
            Brand::Mysql => ("mariadb", "kept_mariadb"),
            Brand::Sqlite | Brand::SqlServer => return None,
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run");
        let mut keeper = Command::new(script)
            .args(["--keep", word])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(keeper.stdout.take().unwrap()).lines().map_while(Result::ok);
        let started = |line: String| {
            let mut words = line.split(' ').map(str::to_owned);
            (words.nth(1).unwrap(), words.next().unwrap())
        };
        let Some((pid, admin_url)) = lines.next().map(started) else {
            let required = std::env::var("OUTRIGGER_TEST_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|word| word == name), "{name} did not start");
            println!("skipped: no {name}");
            keeper.wait().unwrap();
            return None;
        };
        let pid = Arc::new(Mutex::new(Some(pid)));
        let known = Arc::clone(&pid);
        std::thread::spawn(move || {
            for line in lines {
                *known.lock().unwrap() = Some(started(line).0);
            }
        });
        Some(Self { server: Server { brand, name, admin_url }, keeper, pid, kills: 0 })
    }

    /// Kills the server, if it has come back since the last time.
    pub fn kill(&mut self) {
        let Some(pid) = self.pid.lock().unwrap().take() else { return };
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
        self.kills += 1;
    }
}

impl Drop for KeptServer {
    /// The script ends when nothing more can come from stdin, and the server with it.
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
