//! `outrigger probe`: what each brand really captures, and that nothing stays behind.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use outrigger::apply::{Outcome, Probed, probe};
use outrigger::config::{self, Config};
use outrigger::db::Session;
use outrigger::dialect::{Brand, Seen, Write};
use outrigger::render::Templates;

use crate::cli_support::outrigger;
use crate::support::{self, TestDatabase, on_each_server, on_each_server_of, tsql};

fn config(url: &str) -> Config {
    let text = format!(
        "database: app\nschema: {{ node: here }}\nnodes:\n  here: {{ url: '{url}' }}\n\
         tables: {{ '*': follow }}\n"
    );
    config::parse("outrigger.yaml", &text, &BTreeMap::new()).unwrap()
}

async fn probed(database: &TestDatabase) -> Vec<Probed> {
    let mut session = database.connect().await;
    let templates = Templates::embedded(database.brand());
    let probed = probe(session.as_mut(), &templates, &config(&database.url)).await.unwrap();
    session.close().await.unwrap();
    probed
}

/// All tables of a database, and the names of databases where those are made.
async fn contents(session: &mut dyn Session) -> String {
    let schema = support::introspect(session).await;
    let mut text = format!("{schema:?}");
    let query = match session.brand() {
        Brand::Mysql => {
            "SELECT CAST(schema_name AS CHAR) AS n FROM information_schema.schemata WHERE schema_name LIKE 'ds\\_probe%'"
        }
        Brand::Postgres => {
            "SELECT nspname::text AS n FROM pg_namespace WHERE nspname LIKE 'ds\\_%'"
        }
        Brand::Sqlite => {
            "SELECT name || coalesce(sql, '') AS n FROM sqlite_schema UNION ALL SELECT 'rows' FROM sqlite_schema WHERE 0"
        }
        Brand::SqlServer => "SELECT name AS n FROM sys.schemas WHERE name LIKE 'ds[_]%'",
    };
    for row in session.fetch(query, &[]).await.unwrap() {
        // Other tests probe at the same time, each in a database of its own number.
        let name = row.text("n").unwrap();
        if session.brand() != Brand::Mysql {
            let _ = writeln!(text, "{name}");
        }
    }
    text
}

#[test]
fn what_is_captured_is_what_the_dialect_file_says() {
    on_each_server(async |database| {
        let probed = probed(database).await;
        let dialect = database.brand().dialect();
        assert_eq!(probed.iter().map(|one| one.write).collect::<Vec<_>>(), Write::ALL);
        let mut tried = 0;
        for one in &probed {
            let at = format!("{} {one:?}", database.server.name);
            assert!(one.is_expected, "{at}");
            match one.outcome {
                Outcome::Captured => assert_eq!(dialect.sees(one.write), &Seen::Captured, "{at}"),
                Outcome::Missed => {
                    assert!(matches!(dialect.sees(one.write), Seen::Missed(_)), "{at}");
                }
                Outcome::Absent => assert_eq!(dialect.sees(one.write), &Seen::Absent, "{at}"),
                Outcome::NotTried => continue,
                Outcome::Refused => panic!("{at}"),
            }
            tried += 1;
        }
        assert!(tried >= 10, "{}: only {tried} ways were tried", database.server.name);
    });
}

#[test]
fn a_probe_leaves_nothing_behind_on_an_empty_or_an_installed_node() {
    on_each_server(async |database| {
        let mut session = database.connect().await;
        session.raw("CREATE TABLE a (id int PRIMARY KEY, v int)").await.unwrap();
        let before = contents(session.as_mut()).await;
        probed(database).await;
        assert_eq!(contents(session.as_mut()).await, before);
        let schema = support::introspect(session.as_mut()).await;
        let plan =
            outrigger::plan::plan(&config(&database.url), &schema, database.brand()).unwrap();
        let templates = Templates::embedded(database.brand());
        for script in outrigger::render::scripts(&plan, &templates).unwrap() {
            for statement in &script.statements {
                session.raw(statement).await.unwrap();
            }
        }
        session.raw("UPDATE ds_node SET node_id = 'here'").await.unwrap();
        session.raw("INSERT INTO a VALUES (1, 1)").await.unwrap();
        let before = contents(session.as_mut()).await;
        let outbox = "SELECT max(id) AS id, count(*) AS n FROM ds_change_outbox";
        let rows = session.fetch(outbox, &[]).await.unwrap();
        assert!(probed(database).await.iter().all(|one| one.is_expected));
        assert_eq!(contents(session.as_mut()).await, before);
        assert_eq!(session.fetch(outbox, &[]).await.unwrap(), rows);
        if database.brand() == Brand::Mysql {
            let left = "SELECT COUNT(*) AS n FROM information_schema.schemata AS s \
                        WHERE s.schema_name LIKE 'ds\\_probe\\_%' AND NOT EXISTS (\
                        SELECT 1 FROM information_schema.processlist AS p \
                        WHERE s.schema_name = CONCAT('ds_probe_', p.id))";
            assert_eq!(session.fetch(left, &[]).await.unwrap()[0].integer("n"), Some(0));
        }
    });
}

/// A trigger that cannot be made: what stands by then goes as well.
#[test]
fn a_probe_that_fails_leaves_nothing_behind() {
    on_each_server(async |database| {
        let mut session = database.connect().await;
        let before = contents(session.as_mut()).await;
        let broken = BTreeMap::from([(
            "capture/delete".to_owned(),
            "CREATE TRIGGER nonsense\n-- removal --\nDROP TRIGGER nonsense;\n".to_owned(),
        )]);
        let templates = Templates::with_overrides(database.brand(), &broken).unwrap();
        let failed = probe(session.as_mut(), &templates, &config(&database.url)).await;
        let message = failed.expect_err("the trigger is nonsense").to_string();
        assert!(message.contains("could not be installed"), "{message}");
        session.close().await.unwrap();
        let mut session = database.connect().await;
        assert_eq!(contents(session.as_mut()).await, before);
    });
}

/// With a trigger of less, the probe says what is missing.
#[test]
fn a_way_that_is_not_captured_is_named() {
    on_each_server_of(Brand::Postgres, async |database| {
        let without = BTreeMap::from([("capture/truncate".to_owned(), String::new())]);
        let templates = Templates::with_overrides(Brand::Postgres, &without).unwrap();
        let mut session = database.connect().await;
        let probed = probe(session.as_mut(), &templates, &config(&database.url)).await.unwrap();
        let unexpected: Vec<_> = probed.iter().filter(|one| !one.is_expected).collect();
        assert_eq!(unexpected.len(), 1, "{unexpected:?}");
        assert_eq!(unexpected[0].write, Write::Truncate);
        assert_eq!(unexpected[0].detail, "nothing in place of D");
        let name = database.url.rsplit('/').next().unwrap();
        let still = format!("ALTER DATABASE {name} SET session_replication_role = replica");
        session.raw(&still).await.unwrap();
        let yaml = format!(
            "database: app\nschema: {{ node: here }}\nnodes:\n  here: {{ url: '{}' }}\n\
             tables: {{ '*': follow }}\n",
            database.url
        );
        let run = outrigger("probe --node here").file("outrigger.yaml", &yaml).exits_with(1);
        let lines: Vec<Vec<&str>> =
            run.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(
            lines.contains(&vec!["insert", "not", "captured", "nothing", "in", "place", "of", "I"]),
            "{run}"
        );
        assert!(run.stderr.contains("ways of writing are not captured as they should be"), "{run}");
    });
}

/// No engine of this brand runs here: what would be run is at least T-SQL.
#[test]
fn the_probe_of_sql_server_is_tsql() {
    #[derive(serde::Serialize)]
    struct Context {
        scratch: &'static str,
        namespace: &'static str,
        path: &'static str,
    }
    let templates = Templates::embedded(Brand::SqlServer);
    let mut batches = Vec::new();
    for write in Write::ALL {
        let context =
            Context { scratch: "ds_probe_7", namespace: "ds_probe_7", path: write.name() };
        for name in ["number", "installed", "open", "tables", "write", "changes", "clear", "forget"]
        {
            let statements = templates.statements(&format!("probe/{name}"), &context).unwrap();
            batches.extend(statements.into_iter().map(|statement| statement.sql));
        }
    }
    tsql::parse_tsql(&batches.join("\nGO\n")).unwrap();
}

#[test]
fn the_page_of_coverage_is_that_of_the_dialects() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/coverage.md");
    let wanted = coverage();
    if std::env::var_os("OUTRIGGER_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let is_current = std::fs::read_to_string(&path).unwrap() == wanted;
    assert!(is_current, "docs/coverage.md: run the tests with OUTRIGGER_UPDATE_DOCS=1");
}

fn coverage() -> String {
    let mut text = String::from(
        "# What is captured\n\n\
         Which ways of writing the generated triggers see, by brand.\n\
         `outrigger check` names what a sending node's brand does not see; `outrigger probe --node N` \
         tries it on the node, with tables of its own that it leaves nothing of.\n\
         This page is written from `dialects/*.yaml`.\n\n| write |",
    );
    for brand in Brand::ALL {
        let _ = write!(text, " {} |", brand.dialect().title);
    }
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(Brand::ALL.len()));
    for write in Write::ALL {
        let _ = write!(text, "| {} |", write.name());
        for brand in Brand::ALL {
            let cell = match brand.dialect().sees(write) {
                Seen::Captured => "captured".to_owned(),
                Seen::Absent => "–".to_owned(),
                Seen::Missed(how) => format!("**not**: {how}"),
            };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text.push_str(include_str!("probe/coverage.md"));
    text
}
