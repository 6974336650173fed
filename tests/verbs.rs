//! `init`, `generate`, `apply`, `verify` and `remove` as a user meets them, on real servers.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use outrigger::dialect::Brand;

use crate::apply::case::{Case, on_each, on_each_of};
use crate::cli_support::{Outcome, Run, outrigger};

/// A run beside a configuration of the case's database, whose URL stands in a variable.
fn beside(case: &Case, arguments: &str) -> Run {
    let text = format!(
        "database: testapp\nschema: {{ dialect: {}, files: [schema.sql] }}\nnodes:\n  \
         server1: {{ url: 'postgres://app@localhost/app' }}\n  \
         server2: {{ url: '${{NODE_URL}}' }}\n\
         tables: {{ '*': follow }}\nroutes: [{{ id: 1000, from: server1, to: server2 }}]\n",
        case.brand()
    );
    let run = outrigger(arguments).file("outrigger.yaml", text).file("schema.sql", &case.ddl);
    run.variable("NODE_URL", &case.database.url)
}

fn next(run: Outcome, case: &Case, arguments: &str) -> Run {
    run.then(arguments).variable("NODE_URL", &case.database.url)
}

#[test]
fn the_life_of_an_installation() {
    on_each(async |case| {
        let before = case.catalogue().await;
        let run = beside(case, "verify --node server2").exits_with(1).stdout_has(
            "drift[not-installed]: nothing was installed on `server2` by `outrigger apply`\n",
        );
        let run = next(run, case, "apply --node server2 --dry-run").exits_with(0);
        let run = run.stderr_is("server2: 14 installed, 2 programs added (nothing was run)\n");
        let run = run.stdout_has("ds_change_outbox").stdout_has("'server2'");
        assert_eq!(case.catalogue().await, before);

        let run = next(run, case, "apply --node server2").exits_with(0).stdout_is("");
        let run = run.stderr_is("server2: 14 installed, 2 programs added\n");
        let run = next(run, case, "apply --node server2").exits_with(0).stdout_is("");
        let run = run.stderr_is("server2: nothing to do, all 14 scripts are installed\n");
        let run = next(run, case, "verify --node server2").exits_with(0).stdout_is("");
        let run = run.stderr_is("server2: all 14 scripts are as installed\n");
        let run = next(run, case, "verify --node server2 --format json").exits_with(0);
        let run = run.stdout_is("[]\n");

        let on = if case.brand() == Brand::Postgres { " ON customer" } else { "" };
        case.run(&format!("DROP TRIGGER ds_capture_update_customer{on}")).await;
        let run = next(run, case, "verify --node server2").exits_with(1).stdout_is(
            "drift[trigger-missing]: trigger `ds_capture_update_customer` on table `customer` is \
             gone: changes are not captured\nhelp: `outrigger apply` installs what is wanted\n\n",
        );
        let run = run.stderr_is("server2: 1 difference\n");
        let run = next(run, case, "verify --node server2 --format json").exits_with(1);
        let findings: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        assert_eq!(findings[0]["id"], "trigger-missing");
        assert_eq!(findings[0]["object"], "ds_capture_update_customer");
        let run = next(run, case, "apply --node server2").exits_with(0).stderr_is(
            "100_capture_customer: replaced, because a part of it was missing\n\
             server2: 1 replaced, 13 kept\n",
        );

        case.run("INSERT INTO customer (customer_id, name) VALUES (1, 'one')").await;
        let run = next(run, case, "remove --node server2").exits_with(2).stdout_is("");
        let run = run.stderr_is(
            "error: the outbox holds 1 changes, and nothing here tells which have been carried\n\n\
             hint: carry them with `outrigger transport`; `--yes` gives up what has not been \
             carried\n",
        );
        let run = next(run, case, "remove --node server2 --dry-run").exits_with(0);
        let run = run.stdout_has("DROP TABLE");
        let run = next(run, case, "remove --node server2 --yes").exits_with(0).stdout_is("");
        let run = run.stderr_is("server2: 14 scripts removed, with 1 change in the outbox\n");
        assert_eq!(case.catalogue().await, before);
        let run = next(run, case, "remove --node server2").exits_with(0);
        run.stderr_is("server2: nothing is installed\n");
    });
}

/// The SQL in a report that `apply` would run on the node.
fn pending(report: &str) -> Option<&str> {
    let (_, behind) = report.split_once("would run there now:\n\n```sql\n")?;
    behind.split_once("\n```\n").map(|(sql, _)| sql.trim())
}

/// What a report says of a node is what `verify` and `apply --dry-run` say there.
#[test]
fn a_review_says_what_differs_from_what_is_installed() {
    on_each(async |case| {
        let run = beside(case, "review --node server2").exits_with(0);
        assert!(run.stdout.contains("- **not-installed** "), "{run}");
        let sql = pending(&run.stdout).expect("all of it is to be run").to_owned();
        let run = next(run, case, "apply --node server2 --dry-run").exits_with(0);
        assert_eq!(sql, run.stdout.trim());
        assert!(sql.contains("ds_capture_insert_customer"), "{sql}");

        let run = next(run, case, "apply --node server2").exits_with(0);
        let run = next(run, case, "review --node server2").exits_with(0);
        assert!(run.stdout.contains("Everything is as it was installed."), "{run}");
        assert_eq!(pending(&run.stdout), None);

        let on = if case.brand() == Brand::Postgres { " ON customer" } else { "" };
        case.run(&format!("DROP TRIGGER ds_capture_update_customer{on}")).await;
        case.run("ALTER TABLE sales_order ADD COLUMN added integer").await;
        let added = case.ddl.replacen("sales_order (", "sales_order (added integer, ", 1);
        assert_ne!(added, case.ddl);
        let with = |run: Run| run.file("schema.sql", &added);
        let run = with(next(run, case, "review --node server2")).exits_with(0);
        let finding = |id: &str, of: &str| {
            let id = format!("- **{id}** ");
            let lines = run.stdout.replace('\\', "");
            lines.lines().any(|line| line.starts_with(&id) && line.contains(of))
        };
        assert!(finding("trigger-missing", "ds_capture_update_customer"), "{run}");
        assert!(finding("table-changed", "sales_order"), "{run}");
        assert!(finding("outdated", "100_capture_sales_order"), "{run}");
        assert!(!run.stdout.contains("Everything is as"), "{run}");
        let sql = pending(&run.stdout).expect("two tables are captured anew").to_owned();
        assert!(sql.contains("ds_capture_update_customer") && sql.contains("added"), "{sql}");
        assert!(!sql.contains("CREATE TABLE ds_change_outbox"), "{sql}");
        let run = with(next(run, case, "apply --node server2 --dry-run")).exits_with(0);
        assert_eq!(sql, run.stdout.trim());
        let run = with(next(run, case, "apply --node server2")).exits_with(0);
        let run = with(next(run, case, "review --node server2")).exits_with(0);
        assert!(run.stdout.contains("Everything is as it was installed."), "{run}");
    });
}

#[test]
fn a_node_that_cannot_be_reached_is_named_without_its_password() {
    on_each_of(Brand::Sqlite, async |case| {
        for verb in ["apply", "verify", "remove"] {
            let run = beside(case, &format!("{verb} --node server22")).exits_with(2);
            run.stderr_is("error: there is no node `server22`\n\nhint: did you mean `server2`?\n");
            let run = beside(case, &format!("{verb} --node server2"));
            let run = run.variable("NODE_URL", "postgres://app:s3cret@127.0.0.1:1/app");
            let run = run
                .exits_with(2)
                .stderr_has("error: could not reach node `server2` (postgres)\ncaused by: ");
            let run = run.stderr_has("hint: check host and port of the node's URL");
            assert!(!format!("{run}").contains("s3cret"), "{run}");
            let run = beside(case, &format!("{verb} --node server2"));
            let run = run.variable("NODE_URL", "sqlite:nowhere.db").exits_with(2);
            let run = run.stderr_has("could not reach node `server2` (sqlite)");
            run.stderr_has("hint: check the path of the node's URL");
        }
        let run = outrigger("init --from postgres://app:s3cret@127.0.0.1:1/app").exits_with(2);
        let run = run.stderr_has("could not reach `postgres://app:***@127.0.0.1:1/app`");
        assert!(!format!("{run}").contains("s3cret"), "{run}");
    });
}

#[test]
fn wrong_credentials_and_missing_rights_are_said() {
    on_each_of(Brand::Postgres, async |case| {
        case.run("DROP ROLE IF EXISTS ot_verbs_reader").await;
        case.run("CREATE ROLE ot_verbs_reader LOGIN").await;
        let url = case.database.url.replace("postgres@", "ot_verbs_nobody:s3cret@");
        let run = beside(case, "apply --node server2").variable("NODE_URL", &url).exits_with(2);
        let run = run.stderr_has("could not reach node `server2` (postgres)\ncaused by: ");
        let run = run.stderr_has("hint: check user, password and rights");
        assert!(!format!("{run}").contains("s3cret"), "{run}");
        let before = case.catalogue().await;
        let url = case.database.url.replace("postgres@", "ot_verbs_reader@");
        let run = beside(case, "apply --node server2").variable("NODE_URL", &url).exits_with(2);
        run.stderr_has("error: `007_history` could not be installed\ncaused by: permission denied");
        assert_eq!(case.catalogue().await, before);
    });
}

#[test]
fn a_live_database_is_read_by_init_and_as_the_schema() {
    on_each(async |case| {
        let run = outrigger("init --from").argument(&case.database.url).exits_with(0);
        let run = run.stderr_has("order        order, user name\n").stderr_has("3 tables");
        let starter = run.text("outrigger.yaml");
        assert!(!starter.contains("ds_"), "{starter}");

        let live = |run: Run| {
            run.file(
                "outrigger.yaml",
                "database: testapp\nschema: { node: server2 }\n\
                 nodes: { server2: { url: '${NODE_URL}' } }\n\
                 tables: { '*': { }, sales_order: { last_update: update_datetime } }\n",
            )
            .variable("NODE_URL", &case.database.url)
        };
        let run = live(run.then("apply --node server2")).exits_with(0);
        let run = run.stderr_is("server2: 14 installed\n");
        let run = live(run.then("apply --node server2")).exits_with(0);
        let run = run.stderr_is("server2: nothing to do, all 14 scripts are installed\n");
        let run = run.then("init --force --from").argument(&case.database.url).exits_with(0);
        assert_eq!(run.text("outrigger.yaml"), starter, "Outrigger's own tables are left out");
    });
}

/// The brand's own command-line client, told where the database is; `None` where it is missing.
fn client(case: &Case) -> Option<Command> {
    let url = url::Url::parse(&case.database.url).unwrap();
    let port = url.port().map(|port| port.to_string()).unwrap_or_default();
    let mut command = match case.brand() {
        Brand::Postgres => {
            let mut command = Command::new("psql");
            command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url.as_str()]);
            command
        }
        Brand::Sqlite => {
            let mut command = Command::new("sqlite3");
            command.args(["-bail", url.path()]);
            command
        }
        Brand::Mysql => {
            let mut command = Command::new("mariadb");
            // The bodies of triggers have semicolons: the whole file goes to the server at once.
            command.args(["--protocol=tcp", "--delimiter=$$$", "-h", url.host_str()?, "-P", &port]);
            command.args(["-u", url.username(), url.path().trim_start_matches('/')]);
            command
        }
        Brand::SqlServer => {
            let mut command = Command::new("sqlcmd");
            command.args(["-b", "-I", "-C", "-S", &format!("{},{port}", url.host_str()?)]);
            command.args(["-U", url.username(), "-P", url.password()?]);
            command.args(["-d", url.path().trim_start_matches('/')]);
            command
        }
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command)
}

/// Feeds files to the client; false where there is none.
fn feed(case: &Case, files: &[PathBuf]) -> bool {
    for file in files {
        let Some(mut command) = client(case) else { return false };
        let Ok(mut child) = command.spawn() else {
            println!("skipped: no {}", command.get_program().display());
            return false;
        };
        let text = std::fs::read(file).unwrap();
        child.stdin.take().unwrap().write_all(&text).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !said.contains("rror"), "{}: {said}", file.display());
    }
    true
}

fn files(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "sql"));
    paths.sort();
    let is_down = |path: &PathBuf| path.to_string_lossy().ends_with(".down.sql");
    let (mut down, up): (Vec<_>, Vec<_>) = paths.into_iter().partition(is_down);
    down.reverse();
    (up, down)
}

#[test]
fn generated_files_run_in_the_brands_own_client_and_leave_nothing() {
    on_each(async |case| {
        let before = case.catalogue().await;
        let run = beside(case, "generate").exits_with(0).stdout_is("");
        let folder = run.folder().join("sql").join(case.brand().name());
        let run = next(run, case, "generate --check").exits_with(0).stdout_is("");
        let (up, down) = files(&folder);
        assert_eq!((up.len(), down.len()), (14, 14));
        if !feed(case, &up) {
            return;
        }
        case.run("INSERT INTO customer (customer_id, name) VALUES (1, 'one')").await;
        assert_eq!(case.number("SELECT COUNT(*) AS n FROM ds_change_outbox").await, 1);
        // Nothing says what the other tool ran; whether all is there is seen.
        case.run("UPDATE ds_node SET node_id = 'server2'").await;
        let run = next(run, case, "verify --node server2").exits_with(0);
        let run = run.stdout_has("note[installed-elsewhere]: `server2` was not installed by");
        let run = run.stderr_is("server2: all 14 scripts are there\n");
        let run = next(run, case, "review --node server2").exits_with(0);
        assert!(run.stdout.contains("Everything is as it was installed."), "{run}");
        let on = if case.brand() == Brand::Postgres { " ON customer" } else { "" };
        case.run(&format!("DROP TRIGGER ds_capture_update_customer{on}")).await;
        case.run("DROP VIEW view_recordlevel_update_datetime").await;
        let run = next(run, case, "verify --node server2").exits_with(1);
        let run = run.stderr_is("server2: 2 differences\n").stdout_has(
            "drift[trigger-missing]: trigger `ds_capture_update_customer` on table `customer` is \
             gone: changes are not captured\nhelp: let the tool that installed it run the \
             generated file again\n",
        );
        let run = run.stdout_has("drift[missing-object]: view `view_recordlevel_update_datetime`");
        let run = next(run, case, "review --node server2").exits_with(0);
        assert!(run.stdout.contains("- **trigger-missing** "), "{run}");
        assert_eq!(pending(&run.stdout), None);
        assert!(feed(case, &up[13..]), "the view is made again");
        // What another tool has installed is not Outrigger's to change or to drop.
        let run = next(run, case, "apply --node server2").exits_with(2);
        let run = run.stderr_has("`ds_change_outbox`").stderr_has(".down.sql");
        let run = next(run, case, "remove --node server2 --yes").exits_with(0);
        run.stderr_is("server2: nothing is installed\n");
        assert_eq!(case.number("SELECT COUNT(*) AS n FROM ds_change_outbox").await, 1);
        let run = beside(case, "generate").exits_with(0);
        let (_, down) = files(&run.folder().join("sql").join(case.brand().name()));
        assert!(feed(case, &down));
        assert_eq!(case.catalogue().await, before);
    });
}

#[test]
fn a_folder_of_templates_stands_in_for_the_built_in_ones() {
    on_each_of(Brand::Sqlite, async |case| {
        let view = "templates/sqlite/install/union_view.sql.tera";
        let own = "CREATE VIEW mine AS SELECT 1 AS one;\n-- removal --\nDROP VIEW mine;\n";
        let run = beside(case, "apply --node server2 --templates templates").file(view, own);
        let run = run.exits_with(0);
        assert_eq!(case.number("SELECT one FROM mine").await, 1);
        let run = next(run, case, "verify --node server2").exits_with(1);
        let run = run.stdout_has("drift[outdated]: `900_union_view`");
        let run = next(run, case, "remove --node server2 --yes").exits_with(0);
        let run = next(run, case, "apply --node server2 --templates templates")
            .file("templates/sqlite/install/vieww.sql.tera", own)
            .exits_with(2);
        let run = run.stderr_has("`install/vieww` is not the name of a sqlite template");
        next(run, case, "apply --node server2 --templates .")
            .exits_with(2)
            .stderr_is("error: there is no folder of a dialect in `.`\n");
    });
}
