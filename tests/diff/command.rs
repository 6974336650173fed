//! `outrigger diff`: its sides, what it prints and what it writes.

use indoc::indoc;
use outrigger::dialect::Brand;

use super::{CONFIG, NEXT, OLD, TORN, run};
use crate::cli_support::{Run, outrigger};
use crate::support;

/// A run with the two schemas and the configuration beside it.
fn diff(arguments: &str, [old, new]: [&str; 2]) -> Run {
    outrigger(&format!("diff {arguments}"))
        .file("outrigger.yaml", CONFIG)
        .file("old.sql", old)
        .file("new.sql", new)
}

/// Compares a report with the one that somebody has read.
fn reviewed(name: &str, report: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(".");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, report));
}

#[test]
fn the_report_says_what_differs_in_what_order_and_why() {
    let outcome = diff("old.sql new.sql --dialect postgres", [OLD, NEXT]).exits_with(1);
    reviewed("comes_and_goes", &outcome.stdout);
    let hints = "--renamed customer.name=customer.full_name --renamed letter=mail";
    let torn = format!("old.sql new.sql --dialect mysql --dialect sqlite {hints}");
    reviewed("renamed", &diff(&torn, [OLD, TORN]).exits_with(1).stdout);
    let unsaid = diff("old.sql new.sql --node branch", [OLD, TORN]).exits_with(1);
    let hint = "note: name and full_name are of one type in one place; if it was renamed, say \
                --renamed customer.name=full_name";
    let table = "note: letter had the same columns; if it was renamed, say --renamed letter=mail";
    unsaid.stdout_has(hint).stdout_has(table).stdout_has("MySQL: ");
    diff("old.sql new.sql", [OLD, OLD]).exits_with(0).stdout_is(indoc! {"
        PostgreSQL: no difference

        SQLite: no difference

        SQL Server: no difference

        MySQL: no difference
    "});
}

#[test]
fn as_json_the_statements_are_there_one_by_one() {
    let arguments = "old.sql new.sql --dialect sqlserver --format json";
    let outcome = diff(arguments, [OLD, NEXT]).exits_with(1);
    let read: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(read[0]["dialect"], "sqlserver");
    assert_eq!(read[0]["hold"], "may");
    let added = read[0]["differences"].as_array().unwrap().iter();
    let added: Vec<_> = added.filter(|one| one["kind"] == "column_added").collect();
    assert_eq!(added.len(), 1);
    assert_eq!(added[0]["column"], "mail");
    assert_eq!(added[0]["default"], "'none'");
    let before = read[0]["before"].as_array().unwrap();
    let names: Vec<_> = before.iter().map(|one| one["script"].as_str().unwrap()).collect();
    assert_eq!(names, ["100_capture_customer", "100_capture_letter"]);
    let sql = before[0]["statements"].to_string();
    assert!(!sql.contains("[fax]") && sql.contains("[name]"), "{sql}");
}

#[test]
fn files_are_written_once_and_never_over_others() {
    let arguments = "old.sql new.sql --dialect postgres --dialect mysql --out next";
    let outcome = diff(arguments, [OLD, NEXT]).exits_with(1);
    let before = outcome.text("next/mysql/1-before.sql");
    assert!(before.contains("DELIMITER $$\n") && !before.contains("fax"), "{before}");
    let after = outcome.text("next/postgres/2-after.sql");
    assert!(after.contains("\"mail\"") && !after.contains("BEGIN;"), "{after}");
    // The same again is nothing new; anything else is left alone, and nothing is half done.
    let outcome = outcome.then(&format!("diff {arguments}")).exits_with(1).stderr_is("");
    let other = arguments.replace("old.sql new.sql", "new.sql old.sql");
    let outcome = outcome.then(&format!("diff {other}")).exits_with(2).stderr_is(indoc! {"
        error: `next/postgres/1-before.sql` is there and has something else in it

        hint: say another folder with `--out`, or remove it
    "});
    assert_eq!(outcome.text("next/mysql/1-before.sql"), before);
}

#[test]
fn what_was_generated_is_a_side_and_knows_its_policies() {
    let generate = "generate --dialect postgres --dialect mysql --out sql";
    let hashed = CONFIG.replace("last_update: changed }", "columns: { fax: mask, name: mask } }");
    let outcome = diff("old.sql new.sql", [OLD, OLD])
        .exits_with(0)
        .then(generate)
        .file("outrigger.yaml", &hashed)
        .exits_with(0)
        .then("diff sql new.sql")
        .exits_with(0)
        .then("generate --layout dbmate --dialect sqlserver --out db")
        .exits_with(2)
        .then("generate --layout dbmate --dialect sqlite --out db")
        .exits_with(0)
        .then("diff sql/mysql new.sql")
        .file("outrigger.yaml", CONFIG)
        .file("new.sql", NEXT)
        .exits_with(1)
        .stdout_has("column name changes its policy, from mask to capture")
        .stdout_has(
            "1. 1-before.sql   replaces 900_union_view, 100_capture_customer, 100_capture_letter\n",
        );
    // Its policy goes with the column; the files of a migration tool know it too.
    let outcome = outcome
        .then("diff db new.sql")
        .exits_with(1)
        .stdout_has("SQLite: ")
        .stdout_has("from mask to capture");
    let state = outcome.text("db/sqlite/outrigger.state.json");
    let again = outcome.then("diff db/sqlite db").exits_with_any();
    assert_eq!(again.text("db/sqlite/outrigger.state.json"), state);
    let outcome =
        again.then("diff sql new.sql --dialect sqlite").exits_with(2).stderr_is(indoc! {"
        error: `sql/sqlite` does not say from which tables its SQL was generated

        hint: `outrigger generate` of this version writes it; the DDL from then does as well
    "});
    std::fs::remove_file(outcome.folder().join("sql/mysql/outrigger.state.json")).unwrap();
    let outcome =
        outcome.then("diff sql/mysql new.sql").exits_with(2).stderr_has("`sql/mysql` does");
    let broken = "{\n\"comment\": \"Generated by outrigger\",\n\"tables\": 3}\n";
    outcome
        .then("diff sql/mysql new.sql")
        .file("sql/mysql/outrigger.state.json", broken)
        .exits_with(2)
        .stderr_has("error: `sql/mysql/outrigger.state.json:3:11` is not what was written");
}

#[test]
fn a_control_table_that_is_made_otherwise_is_named_and_a_new_one_is_made() {
    let outcome = diff("old.sql new.sql", [OLD, OLD])
        .exits_with(0)
        .then("generate --dialect postgres --out sql")
        .exits_with(0);
    let path = "sql/postgres/outrigger.state.json";
    let state: serde_json::Value = serde_json::from_str(&outcome.text(path)).unwrap();
    let mut other = state.clone();
    other["scripts"]["002_outbox"]["checksum"] = "older".into();
    other["scripts"].as_object_mut().unwrap().remove("010_purge");
    outcome
        .then("diff sql/postgres new.sql")
        .file(path, other.to_string())
        .exits_with(1)
        .stdout_has("control table 002_outbox\n  this version makes it in another way")
        .stdout_has("2. 2-after.sql    installs 010_purge\n");
}

#[test]
fn hints_that_do_not_fit_are_refused_with_what_there_is() {
    for (hint, reason) in [
        ("name", "it is not `old=new`"),
        ("order=mail", "OLD has no table `order`; it has `customer`, `legacy`, `letter`"),
        ("letter=post", "NEW has no table `post`; it has `customer`, `legacy`, `mail`"),
        ("customer=mail", "NEW has a table `customer` as well"),
        ("nobody.name=x", "OLD has no such table; it has `customer`, `legacy`, `letter`"),
        (
            "customer.nam=full_name",
            "OLD has no column `nam` there; it has `id`, `city`, `name`, \
                                    `fax`, `amount`, `changed`",
        ),
        ("customer.city=full_name", "NEW has a column `city` there as well"),
    ] {
        diff("old.sql new.sql", [OLD, TORN])
            .argument("--renamed")
            .argument(hint)
            .exits_with(2)
            .stdout_is("")
            .stderr_has(&format!("error: `--renamed {hint}`: {reason}\n"));
    }
    diff("old.sql nowhere.sql", [OLD, TORN])
        .exits_with(2)
        .stderr_has("could not read `nowhere.sql`");
    diff("node:mars new.sql", [OLD, TORN]).exits_with(2).stderr_has("there is no node `mars`");
}

/// A live database is a side, with what is installed there.
#[test]
fn a_live_node_is_compared_with_what_is_installed_there() {
    support::on_each_server(async |database| {
        let brand = database.brand();
        if brand == Brand::SqlServer {
            return;
        }
        let config = format!(
            "database: shop\nschema: {{ node: here }}\nnodes:\n  here: {{ url: '{}' }}\n\
             tables:\n  item: follow\nroutes: []\n",
            database.url
        );
        let mut session = database.connect().await;
        let table = "CREATE TABLE item (id integer PRIMARY KEY, a varchar(9), b varchar(9))";
        run(session.as_mut(), table).await;
        let at = |command: &str| outrigger(command).file("outrigger.yaml", &config);
        let next = "CREATE TABLE item (id integer PRIMARY KEY, a varchar(9), c integer);\n";
        at("diff node:here node:here").exits_with(0).stderr_has("nothing was installed there");
        at("apply --node here").exits_with(0);
        at("diff node:here node:here").exits_with(0).stderr_is("");
        at("diff node:here next.sql")
            .file("next.sql", next)
            .exits_with(1)
            .stdout_has("column b is dropped, varchar(9)")
            .stdout_has("1. 1-before.sql   replaces 100_capture_item");
        // What is installed is by another configuration: the tables are equal, the triggers not.
        let ignoring = config.replace("item: follow", "item: { columns: { b: ignore } }");
        let url = database.url.clone();
        outrigger("diff")
            .argument(&url)
            .argument("node:here")
            .file("outrigger.yaml", &ignoring)
            .exits_with(1)
            .stdout_has("by the configuration")
            .stdout_has("2. 2-after.sql    replaces 100_capture_item");
    });
}
