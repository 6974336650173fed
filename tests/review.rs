//! The report: its examples are what triggers write, it is one file, and no name is markup.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use outrigger::db::{self, Session};
use outrigger::dialect::Brand;
use outrigger::model::Row;
use outrigger::plan::{CapturedColumn, Plan, TablePlan};
use outrigger::review::{Example, NOW, USER, examples};

use crate::cli_support::{Outcome, outrigger};
use crate::support::case::{Case, cases};
use crate::support::{self, TestDatabase, document};

/// Cases whose tables can be written with the samples: no foreign keys, no labels of an enum of
/// their own, no column without a default that capture leaves out.
const CASES: [&str; 7] = [
    "sales_order",
    "command_escaped",
    "command_tilde",
    "composite_keys",
    "generated_columns",
    "masked",
    "policies",
];

#[test]
fn the_examples_are_what_the_triggers_write() {
    for brand in [Brand::Sqlite, Brand::Postgres, Brand::Mysql] {
        let mut compared = 0;
        for case in cases().iter().filter(|case| CASES.contains(&case.name.as_str())) {
            let Ok(plan) = case.plan(brand) else { continue };
            for server in support::servers_of(brand) {
                support::block_on(async {
                    let database = TestDatabase::create(server, &case.name).await;
                    compared += compare(case, &plan, &database).await;
                });
            }
        }
        assert!(compared >= 20 || support::servers_of(brand).next().is_none(), "{brand}");
    }
}

async fn compare(case: &Case, plan: &Plan, database: &TestDatabase) -> usize {
    let mut session = db::connect(&database.url).await.unwrap();
    for statement in case.tables(plan.brand) {
        // Each table is looked at by itself.
        let statement = statement.replace(" REFERENCES sales_order (order_id)", "");
        session.raw(&statement).await.unwrap();
    }
    let scripts = case.scripts(plan.brand).unwrap();
    for statement in scripts.iter().flat_map(|script| &script.statements) {
        session.raw(statement).await.unwrap();
    }
    let name = "UPDATE ds_node SET node_id = 'here'";
    session.raw(name).await.unwrap();
    let mut compared = 0;
    for table in &plan.tables {
        for example in examples(plan, table, "here") {
            let Some(write) = write(plan, table, example.operation) else { continue };
            // A deleted row is as it was inserted.
            let before =
                if example.operation == "delete" { &["delete", "insert"][..] } else { &[] };
            for operation in before {
                let statement = self::write(plan, table, operation).unwrap();
                session.raw(&statement).await.unwrap();
            }
            session.raw("DELETE FROM ds_change_outbox").await.unwrap();
            session.raw(&write).await.unwrap_or_else(|fault| panic!("{write}: {fault}"));
            let at = format!("{} {} {}", case.name, table.name, example.operation);
            check(&at, session.as_mut(), &example).await;
            compared += 1;
        }
    }
    compared
}

/// The statement that an example tells of.
fn write(plan: &Plan, table: &TablePlan, operation: &str) -> Option<String> {
    let dialect = plan.brand.dialect();
    let value = |column: &CapturedColumn, is_after: bool| {
        let text = outrigger::review::sample(column.logical_type, &column.native_type, is_after);
        let mapping = dialect.mapping(column.logical_type);
        let literal = dialect.text_literal(&text);
        // The type is as the schema's own brand spells it, which a cast elsewhere may not take.
        if plan.brand == Brand::Mysql && mapping.from_text.contains("{native}") {
            return literal;
        }
        mapping.value_of(&literal, &column.native_type)
    };
    let name = match &table.namespace {
        Some(namespace) => format!("{}.{}", dialect.ident(namespace), dialect.ident(&table.name)),
        None => dialect.ident(&table.name),
    };
    let set = |column: &CapturedColumn, is_after| {
        format!("{} = {}", dialect.ident(&column.name), value(column, is_after))
    };
    let key: Vec<String> = table.key.iter().map(|column| set(column, false)).collect();
    let key = key.join(" AND ");
    match operation {
        "insert" => {
            let (names, values): (Vec<_>, Vec<_>) = table
                .row
                .iter()
                .map(|column| (dialect.ident(&column.name), value(column, false)))
                .unzip();
            let (names, values) = (names.join(", "), values.join(", "));
            Some(format!("INSERT INTO {name} ({names}) VALUES ({values})"))
        }
        "update" => {
            let first = table.columns.first().into_iter().chain(&table.metadata);
            let sets: Vec<String> = first.map(|column| set(column, true)).collect();
            (!sets.is_empty()).then(|| format!("UPDATE {name} SET {} WHERE {key}", sets.join(", ")))
        }
        _ => Some(format!("DELETE FROM {name} WHERE {key}")),
    }
}

async fn check(at: &str, session: &mut dyn Session, example: &Example) {
    let text = if session.brand() == Brand::Mysql { "char" } else { "text" };
    let columns = COLUMNS.map(|column| format!("CAST({column} AS {text}) AS {column}"));
    let select = format!("SELECT {} FROM ds_change_outbox ORDER BY id", columns.join(", "));
    let found = session.fetch(&select, &[]).await.unwrap();
    assert_eq!(found.len(), example.rows.len(), "{at}: {found:?}");
    for (row, cells) in found.iter().zip(&example.rows) {
        let expected: BTreeMap<&str, &str> =
            cells.iter().map(|cell| (cell.column, cell.value.as_str())).collect();
        for column in COLUMNS {
            let value = shown(row, column);
            match expected.get(column) {
                Some(&(NOW | USER)) => assert!(value.is_some(), "{at}: {column}"),
                expected => assert_eq!(value.as_deref(), expected.copied(), "{at}: {column}"),
            }
        }
    }
}

const COLUMNS: [&str; 16] = [
    "object_database",
    "object_table",
    "object_pk_attribute",
    "object_attribute",
    "object_id",
    "object_value",
    "object_operation",
    "object_operation_command",
    "updated_by_server_id",
    "update_datetime",
    "updated_by_user_id",
    "object_id_old",
    "object_value_old",
    "note1",
    "source_id",
    "object_context",
];

/// Stamps are written in each brand's own form, and PostgreSQL has blanks in its documents;
/// everything else is the same text everywhere.
fn shown(row: &Row, column: &str) -> Option<String> {
    let text = row.text(column)?;
    if text.starts_with(['{', '['])
        && let Ok(document) = serde_json::from_str::<serde_json::Value>(&text)
    {
        return Some(document.to_string());
    }
    if column != "update_datetime" {
        return Some(text);
    }
    let text = text.replace('T', " ");
    let text = text.strip_suffix("+00").or(text.strip_suffix('Z')).unwrap_or(&text);
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

const HOSTILE: &str = "CREATE TABLE \"<img src=x onerror=alert(1)>\" (\n\
    \"</code><script>alert(2)</script>\" integer PRIMARY KEY,\n\
    \"a|b`*_[x](javascript:alert(3))&amp;\" text,\n\
    \"\"\"><svg onload=alert(4)>\" text);\n";

fn hostile(out: &str) -> Outcome {
    let config = "database: '</title><script>alert(5)</script>'\n\
        schema: { dialect: sqlite, files: [schema.sql] }\n\
        nodes:\n  '<b>one</b>': { url: 'sqlite:one.db' }\n  two: { url: 'sqlite:two.db' }\n\
        tables: { '*': {} }\n\
        routes:\n  - { id: 1, from: '<b>one</b>', to: two }\n";
    outrigger(&format!("review --out {out}"))
        .file("schema.sql", HOSTILE)
        .file("outrigger.yaml", config)
        .exits_with(0)
}

#[test]
fn names_with_markup_in_them_stay_text() {
    let page = hostile("review.html").text("review.html");
    for forbidden in ["<script", "<img", "<b>", "onload=alert(4)>\""] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"), "the name is shown");

    let outcome = hostile("review.md");
    let text = outcome.text("review.md");
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if ticks.len() >= open.len() => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                let is_ours = line.starts_with("<!-- Generated by outrigger ");
                assert!(is_ours || !line.contains('<'), "outside of SQL: {line}");
                assert!(!line.contains("](javascript"), "{line}");
            }
        }
    }
    assert_eq!(fence, None, "every fence ends");
}

#[test]
fn a_report_is_the_same_each_time_and_needs_no_network() {
    let one = hostile("review.html").text("review.html");
    assert_eq!(one, hostile("review.html").text("review.html"));
    for place in ["http://", "https://", "src=\"", "url(http", "@import", "<link"] {
        assert!(!one.contains(place), "{place}");
    }
}

#[test]
fn a_file_of_somebody_else_and_another_form_are_refused() {
    let run = hostile("review.md");
    let run = run.then("review --out review.md").exits_with(0);
    let run = run.then("review --out notes.md").file("notes.md", "mine").exits_with(2);
    let run = run.stderr_has("`notes.md` was not generated by outrigger");
    let run = run.then("review --out notes.md --force").exits_with(0);
    let run = run.then("review --out review.pdf").exits_with(2);
    run.stderr_has("`review.pdf` is neither `.html` nor `.md`");
}

#[test]
fn what_differs_on_a_node_is_in_the_report() {
    let run = outrigger("apply --node laptop")
        .file(
            "outrigger.yaml",
            "database: app\nschema: { dialect: sqlite, files: [schema.sql] }\n\
             nodes: { laptop: { url: 'sqlite:app.db' } }\ntables: { t: {} }\n",
        )
        .file("schema.sql", "CREATE TABLE t (id integer PRIMARY KEY, a text);")
        .file("app.db", "");
    let app = |outcome: &Outcome, sql: &str| {
        let url = format!("sqlite:{}", outcome.folder().join("app.db").display());
        support::block_on(async {
            db::connect(&url).await.unwrap().raw(sql).await.unwrap();
        });
    };
    let run = run.exits_with(2).stderr_has("`t` is followed and does not exist here");
    app(&run, "CREATE TABLE t (id integer PRIMARY KEY, a text)");
    let run = run.then("apply --node laptop").exits_with(0);
    let run = run.then("review --node laptop").exits_with(0);
    assert!(run.stdout.contains("Everything is as it was installed."), "{run}");
    app(&run, "DROP TRIGGER ds_capture_update_t");
    let run = run.then("review --node laptop").exits_with(0);
    assert!(run.stdout.contains("**trigger-missing**"), "{run}");
    assert!(run.stdout.contains("would run there now:\n\n```sql\n"), "{run}");
}

#[test]
fn what_a_column_of_guids_takes_is_named_with_its_tables() {
    let schema = "CREATE TABLE t_guid (id integer PRIMARY KEY, a text);\n\
                  CREATE TABLE plain (id integer PRIMARY KEY, a text);\n";
    let config = |identity: &str| {
        let nodes = [
            ("a", "postgres://x@h/d"),
            ("b", "sqlite:d"),
            ("c", "mysql://x@h/d"),
            ("d", "sqlserver://x@h/d"),
        ]
        .map(|(id, url)| format!("  {id}: {{ url: '{url}' }}\n"))
        .concat();
        format!(
            "database: d\nschema: {{ dialect: postgres, files: [schema.sql] }}\nnodes:\n{nodes}\
             tables: {{ t_guid: {identity}, plain: follow }}\nroutes: [{{ id: 1000, from: a, to: b }}]\n"
        )
    };
    for form in ["", " --out review.html"] {
        let report = |identity: &str| {
            let run = outrigger(&format!("review{form}"))
                .file("schema.sql", schema)
                .file("outrigger.yaml", config(identity))
                .exits_with(0);
            if form.is_empty() { run.stdout.clone() } else { run.text("review.html") }
        };
        let (with, without) = (report("{ identity: guid }"), report("follow"));
        let escaped =
            |text: &str| if form.is_empty() { text.replace('_', "\\_") } else { text.to_owned() };
        let locked = format!(
            "of the GUID: {}",
            if form.is_empty() { escaped("t_guid") } else { "<code>t_guid</code>".into() }
        );
        assert!(with.contains(&locked), "{with}");
        for brand in Brand::ALL {
            let takes = &brand.dialect().review.guid;
            for text in takes.locks.iter().map(|lock| &lock.lasts) {
                assert!(with.contains(text.as_str()), "{brand}: {text}");
            }
            assert!(takes.locks.iter().any(|lock| lock.lasts.contains("every row")), "{brand}");
        }
        for text in [
            "whole table is rewritten",
            "whole table is copied",
            "every row is written, and logged",
        ] {
            assert!(with.contains(text) && !without.contains(text), "{text}");
        }
        assert!(
            with.contains("it gets a column and an index") && !without.contains("it gets a column")
        );
    }
}

/// 375 is a phone's width; all details are opened, so that the widest SQL counts.
#[test]
fn the_page_fits_a_desktop_and_a_phone() {
    let given = std::env::var("OUTRIGGER_CHROMIUM");
    if given.is_err() && !document::has_programs(&["chromium"]) {
        return;
    }
    let chromium = given.unwrap_or_else(|_| "chromium".to_owned());
    let folder = hostile("review.html");
    let case = cases().into_iter().find(|case| case.name == "awkward_names").unwrap();
    let config = std::fs::read_to_string(case.folder.join("outrigger.yaml")).unwrap();
    let awkward = outrigger("review --out review.html")
        .file("schema.sql", &case.ddl)
        .file("outrigger.yaml", config)
        .exits_with(0);
    for page in [folder.folder(), awkward.folder()] {
        for width in [375, 1280] {
            let said = measure(&chromium, page, width);
            assert_eq!(said, format!("{width} {width} 0"), "width, scroll width, scripts");
        }
    }
}

/// The width of the page, the width of what is in it, and how many elements could run a script.
fn measure(chromium: &str, folder: &Path, width: u32) -> String {
    let frame = format!(
        "<!doctype html><iframe id=f src=review.html style='width:{width}px;height:900px;border:0'>\
         </iframe><script>onload = () => {{ const d = document.getElementById('f').contentDocument; \
         d.documentElement.style.scrollbarWidth = 'none'; \
         d.querySelectorAll('details').forEach(e => e.open = true); const r = d.documentElement; \
         document.title = `${{r.clientWidth}} ${{r.scrollWidth}} ` + \
         d.querySelectorAll('script,img,iframe,[onload],[onerror],b').length; }}</script>"
    );
    std::fs::write(folder.join("frame.html"), frame).unwrap();
    let output = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"])
        .args(["--virtual-time-budget=10000", "--window-size=1400,1000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", folder.join("frame.html").display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    let said = String::from_utf8_lossy(&output.stderr);
    title.unwrap_or_else(|| panic!("{dom}\n{said}")).to_owned()
}
