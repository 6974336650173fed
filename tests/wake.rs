//! A runner that sleeps goes to work when something is committed, and misses nothing: with pauses
//! of an hour, whatever arrives within a test was not found by waiting.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use outrigger::db::{self, Mode, Session};
use outrigger::dialect::Brand;
use tempfile::TempDir;

use crate::faults::KeptServer;
use crate::support::network::ready_servers;
use crate::support::{self, Server, TestDatabase, servers_of};

const SCHEMA: &str = "CREATE TABLE item (id integer PRIMARY KEY, name varchar(20));\n";

/// Whether a runner sleeps: the lock is its own alone.
const SLEEPERS: &str = "SELECT count(*) AS n FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND l.granted AND l.mode = 'ExclusiveLock' AND d.datname = current_database()";

/// How long a runner is left alone so that it has nothing to do for some time. Where it is too
/// short nothing fails that should not.
const QUIET: Duration = Duration::from_secs(2);

/// Nodes with everything installed, and the folder of their configuration.
pub struct Stage {
    pub folder: TempDir,
    pub nodes: BTreeMap<String, (TestDatabase, Box<dyn Session>)>,
    runners: Vec<Running>,
}

/// A process that is ended when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Stage {
    pub async fn set_up(nodes: &[(&str, &Server)], routes: &[(&str, &str)], capture: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = format!(
            "database: testapp\nschema: {{ dialect: postgres, files: [schema.sql] }}\ncapture: {{ {capture} }}\nnodes:\n"
        );
        let mut made = BTreeMap::new();
        for (id, server) in nodes {
            let database = TestDatabase::create(server, &format!("{}_{id}", server.name)).await;
            config.push_str(&format!("  {id}: {{ url: '{}' }}\n", database.url));
            let mut session = database.connect().await;
            session.raw(SCHEMA).await.unwrap();
            made.insert((*id).to_owned(), (database, session));
        }
        config.push_str("tables: { item: follow }\nroutes:\n");
        for (number, (from, to)) in routes.iter().enumerate() {
            config.push_str(&format!(
                "  - {{ id: {}, from: {from}, to: {to} }}\n",
                1000 + 2 * number
            ));
        }
        std::fs::write(folder.path().join("outrigger.yaml"), config).unwrap();
        std::fs::write(folder.path().join("schema.sql"), SCHEMA).unwrap();
        let stage = Self { folder, nodes: made, runners: Vec::new() };
        for (id, _) in nodes {
            assert!(stage.command(&["apply", "--node", id]).status().unwrap().success());
        }
        stage
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outrigger"));
        command.args(words).current_dir(self.folder.path()).stdout(Stdio::null());
        command
    }

    /// A runner whose pauses are longer than any test.
    fn start(&mut self) {
        self.start_with_errors(Stdio::inherit());
    }

    /// The same, with a place for what it complains of.
    pub fn start_with_errors(&mut self, errors: Stdio) {
        let child = self.command(&["run", "--every", "1h"]).stderr(errors).spawn();
        self.runners.push(Running(child.unwrap()));
    }

    pub async fn run(&mut self, id: &str, sql: &str) {
        let session = &mut self.nodes.get_mut(id).unwrap().1;
        session.raw(sql).await.unwrap_or_else(|fault| panic!("{id}: {fault}\n{sql}"));
    }

    pub async fn number(&mut self, id: &str, sql: &str) -> i64 {
        let rows = self.nodes.get_mut(id).unwrap().1.fetch(sql, &[]).await.unwrap();
        rows[0].integer("n").unwrap()
    }

    /// Waits until a query counts so many; the general limit of a test ends it.
    pub async fn counts(&mut self, id: &str, sql: &str, expected: i64) {
        while self.number(id, sql).await != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a row of that name is there.
    pub async fn arrives(&mut self, id: &str, name: &str) {
        self.counts(id, &format!("SELECT count(*) AS n FROM item WHERE name = '{name}'"), 1).await;
    }

    /// Waits until the runner has nothing to do: where it sleeps, until it does.
    async fn falls_asleep(&mut self, id: &str) {
        if self.nodes[id].0.brand() == Brand::Postgres {
            self.counts(id, SLEEPERS, 1).await;
        } else {
            tokio::time::sleep(QUIET).await;
        }
    }

    /// Ends the runners; each has to succeed.
    pub fn end(&mut self) {
        for runner in &mut self.runners {
            let pid = runner.0.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
            assert!(runner.0.wait().unwrap().success(), "it ends in peace");
        }
        self.runners.clear();
    }
}

/// On a pair of each server that is there.
fn on_each_pair(capture: &str, test: impl AsyncFn(&mut Stage)) {
    for server in ready_servers() {
        println!("on {}", server.name);
        support::block_on(async {
            let nodes = [("a", server), ("b", server)];
            let mut stage = Stage::set_up(&nodes, &[("a", "b"), ("b", "a")], capture).await;
            test(&mut stage).await;
            stage.end();
        });
    }
}

#[test]
fn a_change_made_while_the_runner_sleeps_arrives() {
    on_each_pair("wake: notify", async |stage| {
        stage.run("a", "INSERT INTO item VALUES (1, 'before')").await;
        stage.start();
        stage.arrives("b", "before").await;
        stage.falls_asleep("a").await;
        stage.run("a", "INSERT INTO item VALUES (2, 'first')").await;
        stage.arrives("b", "first").await;
        stage.falls_asleep("b").await;
        stage.run("b", "UPDATE item SET name = 'back' WHERE id = 2").await;
        stage.arrives("a", "back").await;
        stage.falls_asleep("a").await;
        stage.run("a", "DELETE FROM item WHERE id = 2").await;
        stage.counts("b", "SELECT count(*) AS n FROM item", 1).await;
    });
}

/// Nobody tells of it when it commits, and on MySQL its ids are below what was carried.
#[test]
fn what_was_open_while_the_runner_came_to_rest_arrives_when_it_commits() {
    on_each_pair("wake: notify", async |stage| {
        stage.start();
        stage.run("a", "INSERT INTO item VALUES (1, 'before')").await;
        stage.arrives("b", "before").await;
        let mut open = stage.nodes["a"].0.connect().await;
        open.begin(Mode::Write).await.unwrap();
        open.raw("INSERT INTO item VALUES (2, 'late')").await.unwrap();
        if stage.nodes["a"].0.brand() != Brand::Sqlite {
            stage.run("a", "INSERT INTO item VALUES (3, 'between')").await;
            stage.arrives("b", "between").await;
        }
        tokio::time::sleep(QUIET).await;
        if stage.nodes["a"].0.brand() == Brand::Postgres {
            assert_eq!(stage.number("a", SLEEPERS).await, 0, "it would not be told");
        }
        open.commit().await.unwrap();
        stage.arrives("b", "late").await;
    });
}

#[test]
fn what_comes_to_a_hub_goes_on_at_once() {
    for server in ready_servers() {
        println!("on {}", server.name);
        support::block_on(async {
            let nodes = [("a", server), ("b", server), ("h", server)];
            let routes = [("h", "a"), ("h", "b"), ("a", "h"), ("b", "h")];
            let mut stage = Stage::set_up(&nodes, &routes, "wake: notify").await;
            stage.start();
            for (number, from, to) in [(1, "a", "b"), (2, "b", "a"), (3, "h", "a")] {
                stage.falls_asleep("h").await;
                stage.run(from, &format!("INSERT INTO item VALUES ({number}, 'n{number}')")).await;
                stage.arrives(to, &format!("n{number}")).await;
            }
            stage.end();
        });
    }
}

/// Only one of them can sleep; the other one looks, and takes its place when it is gone.
#[test]
fn of_two_runners_the_one_that_is_left_goes_on() {
    on_each_pair("wake: notify", async |stage| {
        stage.start();
        stage.run("a", "INSERT INTO item VALUES (1, 'first')").await;
        stage.arrives("b", "first").await;
        stage.start();
        stage.falls_asleep("a").await;
        stage.run("a", "INSERT INTO item VALUES (2, 'second')").await;
        stage.arrives("b", "second").await;
        stage.runners.remove(0);
        stage.run("a", "INSERT INTO item VALUES (3, 'third')").await;
        stage.arrives("b", "third").await;
        stage.falls_asleep("a").await;
        stage.run("a", "INSERT INTO item VALUES (4, 'fourth')").await;
        stage.arrives("b", "fourth").await;
    });
}

#[test]
fn switched_off_nobody_is_told_and_the_runner_looks() {
    on_each_pair("wake: poll", async |stage| {
        stage.start();
        stage.run("a", "INSERT INTO item VALUES (1, 'first')").await;
        stage.arrives("b", "first").await;
        tokio::time::sleep(QUIET).await;
        if stage.nodes["a"].0.brand() == Brand::Postgres {
            assert_eq!(stage.number("a", SLEEPERS).await, 0, "nobody would wake it");
            let told = "SELECT count(*) AS n FROM pg_proc WHERE prosrc LIKE '%notify%' AND proname LIKE 'ds_%'";
            assert_eq!(stage.number("a", told).await, 0);
        }
        stage.run("a", "INSERT INTO item VALUES (2, 'second')").await;
        stage.arrives("b", "second").await;
    });
}

/// Only a server that has begun with it allows two-phase commit.
async fn allow_prepared(kept: &mut KeptServer) {
    let url = kept.server.admin_url.clone();
    let mut admin = db::connect(&url).await.unwrap();
    admin.raw("ALTER SYSTEM SET max_prepared_transactions = 4").await.unwrap();
    drop(admin);
    kept.kill();
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let Ok(mut admin) = db::connect(&url).await else { continue };
        let setting = "SELECT current_setting('max_prepared_transactions')::int AS n";
        if admin.fetch(setting, &[]).await.is_ok_and(|rows| rows[0].integer("n") == Some(4)) {
            return;
        }
    }
}

/// A transaction with a NOTIFY cannot be prepared: where that is allowed nobody sleeps.
#[test]
fn two_phase_commit_goes_on_working() {
    let Some(mut kept) = KeptServer::start(Brand::Postgres) else { return };
    support::block_on(async {
        allow_prepared(&mut kept).await;
        let nodes = [("a", &kept.server), ("b", servers_of(Brand::Sqlite).next().unwrap())];
        let mut stage = Stage::set_up(&nodes, &[("a", "b")], "wake: notify").await;
        stage.start();
        stage.run("a", "INSERT INTO item VALUES (1, 'first')").await;
        stage.arrives("b", "first").await;
        tokio::time::sleep(QUIET).await;
        assert_eq!(stage.number("a", SLEEPERS).await, 0);
        stage.run("a", "BEGIN").await;
        stage.run("a", "INSERT INTO item VALUES (2, 'second')").await;
        stage.run("a", "PREPARE TRANSACTION 'two'").await;
        tokio::time::sleep(QUIET).await;
        stage.run("a", "COMMIT PREPARED 'two'").await;
        stage.arrives("b", "second").await;
        stage.end();
    });
}

/// The same where one sleeps all the same, by a lock that is not a runner's.
#[test]
fn who_is_told_cannot_break_a_prepared_transaction() {
    let Some(mut kept) = KeptServer::start(Brand::Postgres) else { return };
    support::block_on(async {
        allow_prepared(&mut kept).await;
        let nodes = [("a", &kept.server), ("b", servers_of(Brand::Sqlite).next().unwrap())];
        let mut stage = Stage::set_up(&nodes, &[("a", "b")], "wake: notify").await;
        let mut sleeper = stage.nodes["a"].0.connect().await;
        let signal = Brand::Postgres.dialect().signal.as_ref().unwrap();
        let lock = format!("SELECT 1 AS n FROM pg_advisory_lock({})", signal.lock);
        sleeper.fetch(&lock, &[]).await.unwrap();
        stage.run("a", "BEGIN").await;
        stage.run("a", "INSERT INTO item VALUES (1, 'prepared')").await;
        stage.run("a", "PREPARE TRANSACTION 'one'").await;
        stage.run("a", "COMMIT PREPARED 'one'").await;
        assert_eq!(stage.number("a", "SELECT count(*) AS n FROM ds_change_outbox").await, 1);
    });
}

/// Another process has carried it there, and is gone.
#[test]
fn what_another_command_brings_to_a_hub_goes_on() {
    for server in ready_servers() {
        println!("on {}", server.name);
        support::block_on(async {
            let nodes = [("a", server), ("b", server), ("h", server)];
            let mut stage = Stage::set_up(&nodes, &[("a", "h"), ("h", "b")], "wake: poll").await;
            stage.start();
            stage.run("a", "INSERT INTO item VALUES (1, 'first')").await;
            stage.arrives("b", "first").await;
            // The runner has no part in what comes to the hub from now on.
            stage
                .run("h", "UPDATE ds_program_parameter SET active_flag = 'N' WHERE id = 1000")
                .await;
            let inbox = "INSERT INTO ds_change_inbox (object_database, object_table, object_pk_attribute, object_id,
                object_value, object_operation, updated_by_server_id, update_datetime, source_id, transaction_id, route_id)
                SELECT object_database, object_table, object_pk_attribute, '2', '{\"id\":\"2\",\"name\":\"second\"}',
                object_operation, updated_by_server_id, update_datetime, source_id + 1, transaction_id + 1, route_id
                FROM ds_change_inbox WHERE route_id = 1000";
            stage.run("h", inbox).await;
            stage.arrives("b", "second").await;
            stage.arrives("h", "second").await;
            stage.end();
        });
    }
}
