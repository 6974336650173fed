//! The demo, as a stranger runs it.

use std::path::Path;
use std::process::{Command, Output};

use outrigger::dialect::Brand;
use outrigger::render::Templates;

use crate::support::{self, TestDatabase};

fn demo(arguments: &[&str], columns: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outrigger"));
    command.arg("demo").args(arguments).env_remove("COLUMNS");
    if let Some(columns) = columns {
        command.env("COLUMNS", columns);
    }
    command.output().expect("the command runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8")
}

#[track_caller]
fn told(output: &Output) -> String {
    let text = stdout(output);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}\n{errors}");
    assert!(text.contains("28 of 28 checks passed"), "{text}");
    assert!(!text.contains("FAILED") && !text.contains('\x1b'), "{text}");
    text
}

#[test]
fn the_story_is_told_on_two_databases() {
    let text = told(&demo(&[], None));
    for part in [
        "1/7  server1 inserts a row",
        "7/7  server1 and server2 change different columns of one row at once",
        "route 1002 (server2 to server1): carried 1 change",
        "* description        old order change1       old order change1",
        "* quantity           12                       12",
        "sales_order has no rows on server1 and server2.",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("is the hub"), "{text}");
}

#[test]
fn a_hub_keeps_origin_and_source_id() {
    let text = told(&demo(&["--nodes", "3"], None));
    assert!(text.contains("server1 forwards the change from its inbox"), "{text}");
    let (_, step) = text.split_once("4/7  ").expect("the fourth step");
    let (step, _) = step.split_once("5/7  ").expect("the fifth step");
    let line = |name: &str| step.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
    let cells = |name: &str| line(name).split_whitespace().skip(1).collect::<Vec<_>>();
    assert_eq!(cells("updated_by_server_id"), ["server2", "server2", "server2"]);
    assert_eq!(cells("source_id"), ["NULL", "1", "1"]);
}

#[test]
fn nine_nodes_end_with_the_same_data() {
    told(&demo(&["--nodes", "9"], None));
}

#[test]
fn every_line_fits_the_page() {
    for (columns, nodes) in [(None, "2"), (Some("80"), "4"), (Some("60"), "2")] {
        let width = columns.map_or(100, |columns| columns.parse().unwrap());
        // Statements and commands are not broken, so that they can be copied.
        let is_copied = |line: &&str| line.starts_with("    ") && !line.contains('─');
        let text = told(&demo(&["--nodes", nodes], columns));
        for line in text.lines().filter(|line| !is_copied(line)) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn what_is_kept_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let text = told(&demo(&["--nodes", "3", "--keep", kept.to_str().unwrap()], None));
    let binary = env!("CARGO_BIN_EXE_outrigger");
    let commands: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix(binary)).collect();
    assert_eq!(commands.len(), 6, "{text}");
    for command in commands {
        let once = if command.contains(" run ") { " --iterations 1" } else { "" };
        let arguments = format!("{command}{once}");
        let output = Command::new(binary).args(arguments.split_whitespace()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}: {output:?}");
    }
    let again = demo(&["--keep", kept.to_str().unwrap()], None);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is not empty"), "{again:?}");
}

#[test]
fn nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outrigger"));
        command.args(["demo", "--node", "sqlite:a.db?mode=rwc", "--node", "sqlite:b.db?mode=rwc"]);
        command.current_dir(folder.path()).env("TMPDIR", folder.path()).output().unwrap()
    };
    told(&run());
    assert_eq!(files(folder.path()), ["a.db", "b.db"]);
    for name in ["a.db", "b.db"] {
        assert_eq!(tables(&folder.path().join(name)), "sqlite_sequence", "{name}");
    }
    // So that it can be told again.
    told(&run());
}

#[test]
fn databases_in_use_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let run = |script: &str, wanted: &str| {
        let (a, b) = (folder.path().join("a.db"), folder.path().join("b.db"));
        for path in [&a, &b] {
            std::fs::write(path, "").unwrap();
        }
        execute(&b, script);
        let before = std::fs::read(&b).unwrap();
        let urls = [format!("sqlite:{}", a.display()), format!("sqlite:{}", b.display())];
        let output = demo(&["--node", &urls[0], "--node", &urls[1]], None);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(wanted) && errors.contains("nothing was changed"), "{errors}");
        assert_eq!(stdout(&output), "");
        assert_eq!(std::fs::read(&b).unwrap(), before);
        assert_eq!(tables(&a), "");
    };
    run("CREATE TABLE sales_order (order_id TEXT PRIMARY KEY)", "has another table `sales_order`");
    let schema = Templates::embedded(Brand::Sqlite);
    let nothing = std::collections::BTreeMap::<String, String>::new();
    let schema = schema.statement("demo/sales_order", &nothing).unwrap().sql;
    let row = "INSERT INTO sales_order (order_id) VALUES ('mine')";
    run(&format!("{schema};{row}"), "has rows");
    run("CREATE TABLE ds_node (x)", "has objects of Outrigger already");
}

#[test]
fn the_arguments_are_looked_at_first() {
    for (arguments, wanted) in [
        (vec!["--node", "sqlite:a.db"], "the story needs two nodes"),
        (vec!["--node", "sqlite:a.db", "--node", "sqlite:a.db"], "are the same database"),
        (vec!["--node", "sqlite:a.db", "--node", "oracle:b"], "begins with no known scheme"),
    ] {
        let output = demo(&arguments, None);
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(wanted) && errors.contains("\nhint: "), "{errors}");
    }
}

#[test]
fn the_story_is_told_between_all_brands() {
    let databases: Vec<TestDatabase> = support::block_on(async {
        let mut databases = Vec::new();
        for server in support::servers() {
            databases.push(TestDatabase::create(server, server.name).await);
        }
        databases
    });
    if databases.len() < 2 {
        return;
    }
    // Each brand is the hub once.
    for first in 0..databases.len() {
        let mut urls: Vec<&str> = databases.iter().map(|database| database.url.as_str()).collect();
        urls.rotate_left(first);
        let arguments: Vec<&str> = urls.iter().flat_map(|url| ["--node", url]).collect();
        told(&demo(&arguments, None));
    }
}

#[test]
fn a_password_stays_out_of_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let output = demo(
        &[
            "--keep",
            kept.to_str().unwrap(),
            "--node",
            "postgres://app:s3cret@127.0.0.1:1/a",
            "--node",
            "sqlite:b.db",
        ],
        None,
    );
    assert_eq!(output.status.code(), Some(2));
    let said = format!("{output:?}");
    assert!(!said.contains("s3cret"), "{said}");
    assert!(!kept.exists(), "a demo that does not begin leaves no folder");
}

#[test]
fn a_url_with_a_password_is_kept_as_a_variable() {
    let Some(server) = support::servers_of(Brand::Postgres).next() else { return };
    let database = support::block_on(TestDatabase::create(server, ""));
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let mut url = url::Url::parse(&database.url).unwrap();
    if url.password().is_none() {
        // Servers of tests trust everybody, whatever the password.
        url.set_password(Some("s3cret")).unwrap();
    }
    let password = url.password().unwrap();
    let file = format!("sqlite:{}?mode=rwc", folder.path().join("b.db").display());
    let text = told(&demo(
        &["--keep", kept.to_str().unwrap(), "--node", url.as_str(), "--node", &file],
        None,
    ));
    let written = std::fs::read_to_string(kept.join("outrigger.yaml")).unwrap();
    assert!(!text.contains(password) && !written.contains(password), "{text}{written}");
    assert!(
        text.contains("export OUTRIGGER_DEMO_NODE1=")
            && written.contains("${OUTRIGGER_DEMO_NODE1}")
    );
}

#[test]
fn a_check_that_fails_is_shown_and_exits_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("sqlite/capture");
    std::fs::create_dir_all(&capture).unwrap();
    std::fs::write(capture.join("delete.sql.tera"), "").unwrap();
    let output = demo(&["--templates", folder.path().to_str().unwrap()], None);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("FAILED  recorded: 0 changes for 1 statement"), "{text}");
    assert!(text.contains("(no row)") && text.contains("FAILED  equal: "), "{text}");
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn execute(path: &Path, script: &str) {
    support::block_on(async {
        let mut session =
            outrigger::db::connect(&format!("sqlite:{}", path.display())).await.unwrap();
        session.raw(script).await.unwrap();
        session.close().await.unwrap();
    });
}

fn tables(path: &Path) -> String {
    support::block_on(async {
        let mut session =
            outrigger::db::connect(&format!("sqlite:{}", path.display())).await.unwrap();
        let sql = "SELECT coalesce(group_concat(name), '') AS names FROM sqlite_master";
        let rows = session.fetch(sql, &[]).await.unwrap();
        session.close().await.unwrap();
        rows[0].text("names").unwrap()
    })
}
