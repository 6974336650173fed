//! Control tables that somebody empties or drops, on nodes that `outrigger apply` installed.

use std::path::Path;
use std::time::{Duration, Instant};

use outrigger::db::Session;
use outrigger::dialect::Brand;

use super::{ITEMS, SCHEMA, pairs};
use crate::cli_support::{Outcome, outrigger};
use crate::support::{self, Server, TestDatabase};

/// Two nodes of the command, and its folder.
pub struct Stage {
    outcome: Option<Outcome>,
    databases: [TestDatabase; 2],
    a: Box<dyn Session>,
    b: Box<dyn Session>,
}

impl Stage {
    /// `a` on each server that is there and `b` on the next one, installed and empty.
    pub fn on_each_pair(test: impl AsyncFn(&mut Stage)) {
        for (one, two) in pairs() {
            println!("{} and {}", one.name, two.name);
            support::block_on(async { test(&mut Self::set(one, two).await).await });
        }
    }

    async fn set(one: &Server, two: &Server) -> Self {
        let name = |id: &str| format!("{}_{}_{id}", one.name, two.name);
        let databases = [
            TestDatabase::create(one, &name("a")).await,
            TestDatabase::create(two, &name("b")).await,
        ];
        let mut sessions = Vec::new();
        for database in &databases {
            let mut session = database.connect().await;
            session.raw(SCHEMA).await.unwrap();
            sessions.push(session);
        }
        let configuration = format!(
            "database: testapp\nschema: {{ dialect: postgres, files: [schema.sql] }}\nnodes:\n  \
             a: {{ url: '{}' }}\n  b: {{ url: '{}' }}\ntables: {{ item: follow }}\nroutes:\n  \
             - {{ id: 1000, from: a, to: b }}\n  - {{ id: 1002, from: b, to: a }}\n",
            databases[0].url, databases[1].url
        );
        let run = outrigger("apply --node a")
            .file("outrigger.yaml", configuration)
            .file("schema.sql", SCHEMA);
        let outcome = run.exits_with(0).then("apply --node b").exits_with(0);
        let [a, b] = <[Box<dyn Session>; 2]>::try_from(sessions).ok().unwrap();
        Self { outcome: Some(outcome), databases, a, b }
    }

    /// Where the command runs.
    pub fn folder(&self) -> &Path {
        self.outcome.as_ref().unwrap().folder()
    }

    /// Runs the command.
    pub fn command(&mut self, arguments: &str, code: i32) -> Said {
        let outcome = self.outcome.take().unwrap().then(arguments).exits_with(code);
        let said = Said { stdout: outcome.stdout.clone(), stderr: outcome.stderr.clone() };
        self.outcome = Some(outcome);
        said
    }

    /// The application on `b` begins anew: a session of SQLite that has seen a trigger's table go does
    /// not see it come back.
    async fn begin_anew(&mut self) {
        self.b = self.databases[1].connect().await;
    }

    fn session(&mut self, node: &str) -> &mut dyn Session {
        if node == "a" { &mut *self.a } else { &mut *self.b }
    }

    /// The application, or somebody by hand, changes something.
    pub async fn run(&mut self, node: &str, sql: &str) {
        let done = self.session(node).raw(sql).await;
        done.unwrap_or_else(|fault| panic!("{node}: {fault}\n{sql}"));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }

    /// The number that a query counts.
    pub async fn count(&mut self, node: &str, from: &str) -> i64 {
        let sql = format!("SELECT count(*) AS n FROM {from}");
        let rows = self.session(node).fetch(&sql, &[]).await;
        rows.unwrap_or_else(|fault| panic!("{node}: {fault}\n{sql}"))[0].integer("n").unwrap()
    }

    /// Waits until a query counts so many.
    pub async fn waits_for(&mut self, node: &str, from: &str, number: i64, at_most: Duration) {
        let begun = Instant::now();
        while self.count(node, from).await != number {
            assert!(begun.elapsed() < at_most, "there are never {number} of {from}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Until a route that was not touched has carried something that was written now.
    pub async fn passes_an_iteration(&mut self) {
        let id = 1_000 + self.count("b", "item").await;
        self.run("b", &format!("INSERT INTO item VALUES ({id}, 'passes', '-')")).await;
        self.waits_for("a", &format!("item WHERE id = {id}"), 1, Duration::from_mins(1)).await;
    }

    /// The rows of both nodes, after everything has drained.
    async fn converges(&mut self, expected: &[&str]) {
        self.command("run --every 1ms --iterations 4", 0);
        for node in ["a", "b"] {
            let rows = self.session(node).fetch(ITEMS, &[]).await.unwrap();
            let text = |row: &outrigger::model::Row| {
                ["id", "name", "note"].map(|name| row.text(name).unwrap_or_default()).join("|")
            };
            let rows: Vec<String> = rows.iter().map(text).collect();
            assert_eq!(rows, expected, "on {node}");
        }
    }
}

/// What the command has said.
pub struct Said {
    stdout: String,
    stderr: String,
}

impl Said {
    pub fn stdout_has(&self, text: &str) {
        assert!(self.stdout.contains(text), "{text} is not in\n{}", self.stdout);
    }

    fn stderr_has(&self, text: &str) {
        assert!(self.stderr.contains(text), "{text} is not in\n{}", self.stderr);
    }
}

/// On SQLite the row is kept by a trigger.
async fn empty_node(stage: &mut Stage, node: &str) {
    if stage.session(node).brand() == Brand::Sqlite {
        stage.run(node, "DROP TRIGGER ds_node_keep").await;
    }
    stage.run(node, "DELETE FROM ds_node").await;
}

/// Nothing is carried from or to a node that does not say which one it is; `apply` says it again,
/// and what follows is newer than all that has arrived.
#[test]
fn an_emptied_node_table_is_refused_and_filled_again_by_apply() {
    Stage::on_each_pair(async |stage| {
        stage.run("a", "INSERT INTO item VALUES (1, 'first', '-')").await;
        stage.converges(&["1|first|-"]).await;
        stage.run("a", "UPDATE item SET name = 'of the future' WHERE id = 1").await;
        let newest = "(SELECT n FROM (SELECT max(id) AS n FROM ds_change_outbox) AS newest)";
        stage
            .run("a", &format!("UPDATE ds_change_outbox SET update_datetime = '2099-01-01 00:00:00.000000' WHERE id = {newest}"))
            .await;
        stage.converges(&["1|of the future|-"]).await;

        empty_node(stage, "b").await;
        stage.run("a", "UPDATE item SET note = 'waits' WHERE id = 1").await;
        let says = "the database of node `b` does not say which node it is";
        for verb in ["transport", "import", "run --every 1ms --iterations 1"] {
            let said = stage.command(verb, 2);
            said.stderr_has(says);
            said.stderr_has("run `outrigger apply` on it");
        }
        stage.command("verify --node b", 1).stdout_has("wrong-node");
        stage.command("apply --node b", 0);
        stage.command("verify --node b", 0);
        stage.run("b", "UPDATE item SET name = 'after it' WHERE id = 1").await;
        stage.converges(&["1|after it|waits"]).await;
    });
}

/// Triggers of SQLite read the node's row in one statement with what they write, and record nothing
/// without it; those of PostgreSQL and MySQL record everything.
#[test]
fn what_is_changed_while_the_node_table_is_empty_has_to_be_changed_again() {
    Stage::on_each_pair(async |stage| {
        stage.run("a", "INSERT INTO item VALUES (1, 'first', '-'), (3, 'gone', '-')").await;
        stage.converges(&["1|first|-", "3|gone|-"]).await;
        let before = stage.count("a", "ds_change_outbox").await;
        empty_node(stage, "a").await;
        stage.run("a", "UPDATE item SET name = 'unseen' WHERE id = 1").await;
        stage.run("a", "INSERT INTO item VALUES (2, 'unseen', '-')").await;
        stage.run("a", "DELETE FROM item WHERE id = 3").await;
        let recorded = match stage.a.brand() {
            Brand::Sqlite => 0,
            Brand::Postgres | Brand::SqlServer | Brand::Mysql => 3,
        };
        assert_eq!(stage.count("a", "ds_change_outbox").await - before, recorded);
        stage.command("apply --node a", 0);
        stage.command("run --every 1ms --iterations 2", 0);
        stage.run("a", "UPDATE item SET name = 'again' WHERE id = 1").await;
        stage.run("a", "DELETE FROM item WHERE id = 2").await;
        stage.run("a", "INSERT INTO item VALUES (2, 'again', '-')").await;
        stage.run("b", "DELETE FROM item WHERE id = 3").await;
        stage.converges(&["1|again|-", "2|again|-"]).await;
    });
}

/// Elsewhere it can be emptied, and everything is recorded all the same.
#[test]
fn the_node_table_of_sqlite_cannot_be_emptied() {
    Stage::on_each_pair(async |stage| {
        if stage.a.brand() != Brand::Sqlite {
            return;
        }
        for sql in ["DELETE FROM ds_node", "DELETE FROM ds_node WHERE singleton = 1"] {
            let refused = stage.a.raw(sql).await.unwrap_err();
            assert!(refused.to_string().contains("ds_node has to keep its row"), "{refused}");
        }
        stage.run("a", "INSERT INTO item VALUES (1, 'first', '-')").await;
        stage.converges(&["1|first|-"]).await;
    });
}

/// Tables that can be made again: what they held comes from the inbox and the outbox, or was a list.
#[test]
fn a_missing_control_table_is_named_and_made_again_by_apply() {
    Stage::on_each_pair(async |stage| {
        stage.run("a", "INSERT INTO item VALUES (1, 'first', '-')").await;
        let mut expected = "1|first|-".to_owned();
        stage.converges(&[&expected]).await;
        let tables = [
            "ds_change_version",
            "ds_quarantine",
            "ds_program_parameter",
            "ds_conflict",
            "ds_node",
        ];
        for table in tables {
            // A newer change is here, an older one is on its way, and one is in quarantine.
            stage.run("a", &format!("UPDATE item SET name = 'old {table}' WHERE id = 1")).await;
            stage
                .run("b", &format!("UPDATE item SET name = '{table}', note = '-' WHERE id = 1"))
                .await;
            stage
                .run("a", "INSERT INTO ds_change_outbox (object_database, object_table, object_operation) VALUES ('testapp', 'nowhere', 'U')")
                .await;
            stage.command("transport 1002", 0);
            stage.command("import a", 0);
            if table == "ds_quarantine" {
                // What is in it is lost, and only an import from the beginning finds it again.
                stage.command("transport 1000", 0);
                stage.command("import b", 1);
            }
            drop_table(stage, "b", table).await;
            let said = match table {
                "ds_program_parameter" | "ds_node" => stage.command("transport 1000", 2),
                _ => {
                    stage.command("transport 1000", 0);
                    // Conflicts are written where there are some, and that is the case.
                    stage.command("import b", 2)
                }
            };
            said.stderr_has(table);
            said.stderr_has("hint: `outrigger apply` on that node makes the control tables");
            stage.command("apply --node b", 0);
            expected = format!("1|{table}|-");
            stage.command("run --every 1ms --iterations 3", 1);
            assert_eq!(stage.count("b", "ds_quarantine").await, 1, "{table}");
            let held = "DELETE FROM ds_change_outbox WHERE object_table = 'nowhere'";
            stage.run("a", held).await;
            stage.run("b", "DELETE FROM ds_change_inbox WHERE object_table = 'nowhere'").await;
            stage.run("b", "DELETE FROM ds_quarantine").await;
            stage.converges(&[&expected]).await;
        }
    });
}

/// Their ids stand for changes on other nodes: they are not made again under the same name of the
/// node without the others being told.
#[test]
fn a_missing_outbox_or_inbox_is_not_made_again_but_with_a_rejoin() {
    Stage::on_each_pair(async |stage| {
        stage.run("a", "INSERT INTO item VALUES (1, 'first', '-')").await;
        stage.run("b", "INSERT INTO item VALUES (2, 'first', '-')").await;
        stage.converges(&["1|first|-", "2|first|-"]).await;
        for table in ["ds_change_outbox", "ds_change_inbox"] {
            stage.run("a", &format!("UPDATE item SET name = '{table}' WHERE id = 1")).await;
            drop_table(stage, "b", table).await;
            let said = stage.command("transport", 2);
            said.stderr_has(table);
            said.stderr_has("hint: `outrigger apply` on that node makes the control tables");
            let said = stage.command("apply --node b", 2);
            said.stderr_has("is gone, and with it the ids that the other nodes know");
            said.stderr_has("`outrigger rejoin --replaced` brings the node back");
            stage.command("remove --node b --yes", 0);
            stage.command("apply --node b", 0);
            stage.begin_anew().await;
            stage.run("b", &format!("UPDATE item SET name = '{table}' WHERE id = 2")).await;
            stage.command("transport 1002", 2).stderr_has("another database");
            stage.command("rejoin --node b --replaced", 0);
            let rows = [format!("1|{table}|-"), format!("2|{table}|-")];
            stage.converges(&[&rows[0], &rows[1]]).await;
        }
    });
}

/// A node without its epoch is another database for the others.
#[test]
fn a_missing_epoch_is_made_again_and_the_node_rejoins() {
    Stage::on_each_pair(async |stage| {
        stage.run("b", "INSERT INTO item VALUES (1, 'first', '-')").await;
        stage.converges(&["1|first|-"]).await;
        stage.run("b", "UPDATE item SET name = 'second' WHERE id = 1").await;
        drop_table(stage, "b", "ds_exchange").await;
        drop_table(stage, "b", "ds_epoch").await;
        let said = stage.command("transport 1002", 2);
        said.stderr_has("ds_e");
        said.stderr_has("hint: `outrigger apply` on that node makes the control tables");
        stage.command("apply --node b", 0);
        stage.command("transport 1002", 2).stderr_has("another database");
        stage.command("rejoin --node b --replaced", 0);
        stage.run("b", "UPDATE item SET note = 'after' WHERE id = 1").await;
        stage.converges(&["1|second|after"]).await;
    });
}

/// Together with its epoch it is made again, and what it gets has the node's name at once.
#[test]
fn an_outbox_that_is_made_anew_knows_its_node() {
    Stage::on_each_pair(async |stage| {
        for table in ["ds_exchange", "ds_epoch", "ds_change_outbox"] {
            drop_table(stage, "a", table).await;
        }
        stage.command("apply --node a", 0);
        stage.a = stage.databases[0].connect().await;
        stage.run("a", "INSERT INTO item VALUES (1, 'first', '-')").await;
        let own = "ds_change_outbox WHERE updated_by_server_id = 'a'";
        assert_eq!(stage.count("a", own).await, 1);
    });
}

/// With what hangs on it: on SQLite the marker of imports and the rows that an insert may replace
/// are kept in tables that are made with the node's.
async fn drop_table(stage: &mut Stage, node: &str, table: &str) {
    let brand = stage.session(node).brand();
    stage.run(node, &format!("DROP TABLE {table}")).await;
    if table == "ds_node" && brand == Brand::Sqlite {
        stage.run(node, "DROP TABLE ds_import_marker").await;
        stage.run(node, "DROP TABLE ds_replaced").await;
    }
}
