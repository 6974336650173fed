//! What a new schema means for triggers and view: what is run before and after the application's
//! own migration lets no write be missed or fail.

mod command;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use indoc::indoc;
use outrigger::config::{self, Config};
use outrigger::db::{FaultKind, Mode, Session};
use outrigger::dialect::Brand;
use outrigger::model::Schema;
use outrigger::plan::{self, Evolution, Hold, Question, Renames, Side};
use outrigger::render::{self, Step, Steps, Templates};
use outrigger::schema::{self, Source};

use crate::support::{self, TestDatabase, tsql};

const CONFIG: &str = indoc! {"
    database: shop
    schema: { dialect: postgres, files: [new.sql] }
    nodes:
      centre: { url: 'postgres://app@localhost/shop' }
      laptop: { url: 'sqlite:laptop.db' }
      branch: { url: 'mysql://app@localhost/shop' }
      hq: { url: 'sqlserver://app@localhost/shop' }
    tables:
      customer: { last_update: changed }
      '*': follow
    routes:
      - { id: 1000, from: centre, to: laptop }
      - { id: 1002, from: branch, to: centre }
"};

const OLD: &str = indoc! {"
    CREATE TABLE customer (id integer PRIMARY KEY, city varchar(40), name varchar(40),
      fax varchar(40), amount integer, changed timestamp);
    CREATE TABLE letter (id integer PRIMARY KEY, body varchar(40),
      customer integer REFERENCES customer (id) ON DELETE CASCADE);
    CREATE TABLE legacy (id integer PRIMARY KEY, x varchar(40));
"};

/// Columns and tables come and go: each of it is safe by the order alone.
const NEXT: &str = indoc! {"
    CREATE TABLE customer (id integer PRIMARY KEY, city varchar(40), name varchar(40),
      amount integer, changed timestamp, mail varchar(40) DEFAULT 'none');
    CREATE TABLE letter (id integer PRIMARY KEY,
      customer integer REFERENCES customer (id) ON DELETE CASCADE);
    CREATE TABLE fresh (id integer PRIMARY KEY, y varchar(40) NOT NULL);
"};

const NEXT_DDL: [&str; 5] = [
    "ALTER TABLE customer DROP COLUMN fax",
    "ALTER TABLE customer ADD COLUMN mail varchar(40) DEFAULT 'none'",
    "ALTER TABLE letter DROP COLUMN body",
    "DROP TABLE legacy",
    "CREATE TABLE fresh (id integer PRIMARY KEY, y varchar(40) NOT NULL)",
];

/// Names and types change: one transaction holds it.
const TORN: &str = indoc! {"
    CREATE TABLE customer (id integer PRIMARY KEY, city varchar(40), full_name varchar(40),
      fax varchar(40), amount varchar(40), changed timestamp);
    CREATE TABLE mail (id integer PRIMARY KEY, body varchar(40),
      customer integer REFERENCES customer (id) ON DELETE CASCADE);
    CREATE TABLE legacy (id integer PRIMARY KEY, x varchar(40));
"};

const TORN_RENAMES: [&str; 2] = ["customer.name=full_name", "letter=mail"];

fn torn_ddl(brand: Brand) -> Vec<&'static str> {
    let types: &[&str] = match brand {
        Brand::Sqlite => &[
            "CREATE TABLE anew (id integer PRIMARY KEY, city varchar(40), full_name varchar(40), \
             fax varchar(40), amount varchar(40), changed timestamp)",
            "INSERT INTO anew SELECT * FROM customer",
            "DROP TABLE customer",
            "ALTER TABLE anew RENAME TO customer",
        ],
        _ => &["ALTER TABLE customer ALTER COLUMN amount TYPE varchar(40)"],
    };
    let mut ddl = vec![
        "ALTER TABLE customer RENAME COLUMN name TO full_name",
        "ALTER TABLE letter RENAME TO mail",
    ];
    ddl.extend(types);
    ddl
}

/// `legacy.x` becomes a number.
fn retyping_ddl(brand: Brand) -> Vec<&'static str> {
    match brand {
        Brand::Sqlite => vec![
            "CREATE TABLE anew (id integer PRIMARY KEY, x integer)",
            "INSERT INTO anew SELECT * FROM legacy",
            "DROP TABLE legacy",
            "ALTER TABLE anew RENAME TO legacy",
        ],
        _ => vec!["ALTER TABLE legacy ALTER COLUMN x TYPE integer USING x::integer"],
    }
}

fn read(text: &str) -> Schema {
    schema::parse(&[Source { path: "a.sql", text }], Brand::Postgres).unwrap().schema
}

fn configuration() -> Config {
    config::parse("outrigger.yaml", CONFIG, &BTreeMap::new()).unwrap()
}

/// What is decided between two schemas, and what is run.
fn decide(brand: Brand, [old, new]: [&str; 2], hints: &[&str]) -> (Evolution, Steps) {
    let (config, old, new) = (configuration(), read(old), read(new));
    let hints: Vec<String> = hints.iter().map(|hint| (*hint).to_owned()).collect();
    let renames = Renames::read(&hints, &old, &new).unwrap();
    let evolution = plan::evolve(&Question {
        config: &config,
        old: Side { schema: &old, brand: Brand::Postgres },
        new: Side { schema: &new, brand: Brand::Postgres },
        captured: None,
        renames: &renames,
        brand,
        is_store: false,
    });
    let evolution = evolution.unwrap();
    let steps = render::steps(&evolution, None, &Templates::embedded(brand)).unwrap();
    (evolution, steps)
}

/// A database with the old tables, and what captures their changes.
async fn installed(database: &TestDatabase, evolution: &Evolution) -> Box<dyn Session> {
    let brand = database.brand();
    let mut session = database.connect().await;
    let ddl = if brand == Brand::Mysql {
        OLD.replace("timestamp", "datetime(6)").replace(
            "customer integer REFERENCES customer (id) ON DELETE CASCADE",
            "customer integer, FOREIGN KEY (customer) REFERENCES customer (id) ON DELETE CASCADE",
        )
    } else {
        OLD.to_owned()
    };
    for statement in ddl.split(';').filter(|text| !text.trim().is_empty()) {
        run(session.as_mut(), statement).await;
    }
    for script in render::scripts(&evolution.old, &Templates::embedded(brand)).unwrap() {
        for statement in &script.statements {
            run(session.as_mut(), statement).await;
        }
    }
    run(session.as_mut(), "UPDATE ds_node SET node_id = 'centre'").await;
    session
}

async fn run(session: &mut dyn Session, sql: &str) {
    session.raw(sql).await.unwrap_or_else(|fault| panic!("{fault}: {sql}"));
}

async fn run_steps(session: &mut dyn Session, steps: &[Step]) {
    for statement in steps.iter().flat_map(|step| &step.statements) {
        run(session, statement).await;
    }
}

async fn number(session: &mut dyn Session, sql: &str) -> i64 {
    let rows = session.fetch(sql, &[]).await.unwrap();
    rows[0].integer(&rows[0].columns()[0].clone()).expect("a number")
}

/// A begun transaction where DDL takes part in it.
async fn begin(session: &mut dyn Session) {
    if session.brand().dialect().can.roll_back_ddl {
        session.begin(Mode::Write).await.unwrap();
    }
}

async fn commit(session: &mut dyn Session) {
    if session.brand().dialect().can.roll_back_ddl {
        session.commit().await.unwrap();
    }
}

#[derive(Default)]
struct Signals {
    stop: AtomicBool,
    written: AtomicUsize,
}

/// An application of both versions: it writes what they have in common, and says how often.
async fn write(database: TestDatabase, signals: Arc<Signals>) -> i64 {
    let mut session = database.connect().await;
    let mut key = 0;
    while !signals.stop.load(Ordering::Relaxed) {
        key += 1;
        for statement in [
            format!("INSERT INTO customer (id, city) VALUES ({key}, 'here')"),
            format!("UPDATE customer SET city = 'there' WHERE id = {key}"),
            format!("DELETE FROM customer WHERE id = {key}"),
        ] {
            while let Err(fault) = session.raw(&statement).await {
                let is_held = matches!(fault.kind, FaultKind::Transient | FaultKind::Conflict);
                assert!(is_held, "a write of the application fails: {fault}: {statement}");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        signals.written.fetch_add(1, Ordering::Relaxed);
    }
    session.close().await.unwrap();
    key
}

/// Lets the application write for a while.
async fn let_write(signals: &Signals) {
    let before = signals.written.load(Ordering::Relaxed);
    for _ in 0..20_000 {
        if signals.written.load(Ordering::Relaxed) > before + 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the application has stopped writing");
}

/// Every write of the application is in the outbox, once.
async fn assert_captured(session: &mut dyn Session, written: i64) {
    for letter in ["I", "U", "D"] {
        let sql = format!(
            "SELECT COUNT(*) AS n FROM ds_change_outbox WHERE object_table = 'customer' \
             AND object_operation = '{letter}' AND object_id <> '0'"
        );
        assert_eq!(number(session, &sql).await, written, "{letter} in the outbox");
    }
}

#[test]
fn no_write_is_missed_or_fails_while_columns_and_tables_come_and_go() {
    support::on_each_server(async |database| {
        let brand = database.brand();
        if brand == Brand::SqlServer {
            return;
        }
        let (evolution, steps) = decide(brand, [OLD, NEXT], &[]);
        let can_hold = brand.dialect().can.roll_back_ddl;
        assert_eq!(evolution.hold, if can_hold { Hold::May } else { Hold::Nothing });
        let mut session = installed(database, &evolution).await;
        let signals = Arc::new(Signals::default());
        let writer = tokio::spawn(write(database.clone(), Arc::clone(&signals)));
        let_write(&signals).await;
        begin(session.as_mut()).await;
        run_steps(session.as_mut(), &steps.before).await;
        commit(session.as_mut()).await;
        let_write(&signals).await;
        for statement in NEXT_DDL {
            // A statement that meets a writer in SQLite waits for it.
            begin(session.as_mut()).await;
            run(session.as_mut(), statement).await;
            commit(session.as_mut()).await;
            let_write(&signals).await;
        }
        begin(session.as_mut()).await;
        run_steps(session.as_mut(), &steps.after).await;
        commit(session.as_mut()).await;
        let_write(&signals).await;
        signals.stop.store(true, Ordering::Relaxed);
        let written = writer.await.unwrap();
        println!("{written} rows were written meanwhile");
        assert_captured(session.as_mut(), written).await;

        let sql = "SELECT COUNT(*) AS n FROM ds_change_outbox WHERE object_table <> 'customer'";
        assert_eq!(number(session.as_mut(), sql).await, 0, "no DDL writes outbox rows");
        run(session.as_mut(), "INSERT INTO fresh VALUES (1, 'y')").await;
        run(session.as_mut(), "INSERT INTO customer (id, mail) VALUES (0, 'm')").await;
        run(session.as_mut(), "INSERT INTO letter VALUES (1, 0)").await;
        run(session.as_mut(), "UPDATE customer SET mail = 'n'").await;
        run(session.as_mut(), "DELETE FROM customer").await;
        let sql = "SELECT COUNT(*) AS n FROM ds_change_outbox WHERE object_table <> 'customer' \
                   OR object_id = '0'";
        assert_eq!(number(session.as_mut(), sql).await, 6, "the cascade among them");
        assert_eq!(leftovers(session.as_mut()).await, 0, "of the table that went");
    });
}

/// Objects that were made for the table that is gone.
async fn leftovers(session: &mut dyn Session) -> i64 {
    let sql = match session.brand() {
        Brand::Postgres => "SELECT COUNT(*) AS n FROM pg_proc WHERE proname LIKE '%legacy%'",
        Brand::Sqlite => "SELECT COUNT(*) AS n FROM sqlite_master WHERE name LIKE '%legacy%'",
        Brand::Mysql => {
            "SELECT COUNT(*) AS n FROM information_schema.triggers WHERE trigger_schema = \
             DATABASE() AND trigger_name LIKE '%legacy%'"
        }
        Brand::SqlServer => "SELECT COUNT(*) AS n FROM sys.objects WHERE name LIKE '%legacy%'",
    };
    number(session, sql).await
}

/// What the first file is for: without it a column that goes takes the application's writes along.
#[test]
fn without_the_first_file_a_dropped_column_stops_the_migration_or_the_application() {
    support::on_each_server(async |database| {
        let brand = database.brand();
        if brand == Brand::SqlServer {
            return;
        }
        let (evolution, _) = decide(brand, [OLD, NEXT], &[]);
        let mut session = installed(database, &evolution).await;
        let is_dropped = session.raw(NEXT_DDL[0]).await.is_ok();
        assert_eq!(is_dropped, brand != Brand::Sqlite);
        let write = "INSERT INTO customer (id, city) VALUES (1, 'here')";
        assert_eq!(session.raw(write).await.is_err(), is_dropped, "{brand}");
    });
}

#[test]
fn one_transaction_holds_new_names_and_types_and_no_write_is_missed_or_fails() {
    support::on_each_server(async |database| {
        let brand = database.brand();
        if !brand.dialect().can.roll_back_ddl || brand == Brand::SqlServer {
            return;
        }
        // Of `legacy` a type changes and no name.
        let torn = TORN.replace("x varchar(40));", "x integer);");
        assert_ne!(torn, TORN);
        let (evolution, steps) = decide(brand, [OLD, &torn], &TORN_RENAMES);
        assert_eq!(evolution.hold, Hold::Must);
        let mut session = installed(database, &evolution).await;
        let signals = Arc::new(Signals::default());
        let writer = tokio::spawn(write(database.clone(), Arc::clone(&signals)));
        let_write(&signals).await;
        begin(session.as_mut()).await;
        run_steps(session.as_mut(), &steps.before).await;
        for statement in torn_ddl(brand).into_iter().chain(retyping_ddl(brand)) {
            run(session.as_mut(), statement).await;
        }
        run_steps(session.as_mut(), &steps.after).await;
        commit(session.as_mut()).await;
        let_write(&signals).await;
        signals.stop.store(true, Ordering::Relaxed);
        let written = writer.await.unwrap();
        assert_captured(session.as_mut(), written).await;
        run(session.as_mut(), "INSERT INTO customer (id, full_name, amount) VALUES (0, 'a', 'b')")
            .await;
        run(session.as_mut(), "INSERT INTO mail VALUES (1, 'x', 0)").await;
        let sql = "SELECT COUNT(*) AS n FROM ds_change_outbox WHERE object_table = 'mail' \
                   OR object_value LIKE '%full_name%\"a\"%amount%\"b\"%'";
        assert_eq!(number(session.as_mut(), sql).await, 2, "under the new names, once each");
        let sql = "SELECT COUNT(*) AS n FROM ds_change_outbox WHERE object_table = 'letter'";
        assert_eq!(number(session.as_mut(), sql).await, 0);
        run(session.as_mut(), "INSERT INTO legacy VALUES (1, 5)").await;
        let sql = "SELECT COUNT(*) AS n FROM ds_change_outbox WHERE object_table = 'legacy'";
        assert_eq!(
            number(session.as_mut(), sql).await,
            1,
            "{brand}: also where only a type is another"
        );
    });
}

/// SQLite drops a table's triggers with it, also where the new table is captured as the old one.
#[test]
fn a_table_that_is_made_anew_gets_the_same_triggers_again() {
    support::on_each_server_of(Brand::Sqlite, async |database| {
        let stricter = OLD.replace("x varchar(40));", "x varchar(40) NOT NULL DEFAULT 'none');");
        assert_ne!(stricter, OLD);
        let (evolution, steps) = decide(Brand::Sqlite, [OLD, &stricter], &[]);
        let mut session = installed(database, &evolution).await;
        begin(session.as_mut()).await;
        run_steps(session.as_mut(), &steps.before).await;
        for statement in [
            "CREATE TABLE anew (id integer PRIMARY KEY, x varchar(40) NOT NULL DEFAULT 'none')",
            "DROP TABLE legacy",
            "ALTER TABLE anew RENAME TO legacy",
        ] {
            run(session.as_mut(), statement).await;
        }
        run_steps(session.as_mut(), &steps.after).await;
        commit(session.as_mut()).await;
        run(session.as_mut(), "INSERT INTO legacy (id) VALUES (1)").await;
        run(session.as_mut(), "UPDATE legacy SET x = 'a'").await;
        run(session.as_mut(), "DELETE FROM legacy").await;
        let sql = "SELECT COUNT(*) AS n FROM ds_change_outbox WHERE object_table = 'legacy'";
        assert_eq!(number(session.as_mut(), sql).await, 3);
        assert_eq!(evolution.hold, Hold::Must);
    });
}

/// Where no transaction can hold it the application has to rest; what stands in the end is the
/// same.
#[test]
fn where_nothing_can_hold_new_names_the_application_is_to_rest() {
    support::on_each_server_of(Brand::Mysql, async |database| {
        let (evolution, steps) = decide(Brand::Mysql, [OLD, TORN], &TORN_RENAMES);
        assert_eq!(evolution.hold, Hold::Rest);
        let mut session = installed(database, &evolution).await;
        run_steps(session.as_mut(), &steps.before).await;
        for statement in [
            "ALTER TABLE customer RENAME COLUMN name TO full_name",
            "ALTER TABLE customer MODIFY amount varchar(40)",
            "RENAME TABLE letter TO mail",
        ] {
            run(session.as_mut(), statement).await;
        }
        run_steps(session.as_mut(), &steps.after).await;
        run(session.as_mut(), "INSERT INTO customer (id, full_name) VALUES (0, 'a')").await;
        run(session.as_mut(), "INSERT INTO mail VALUES (1, 'x', 0)").await;
        run(session.as_mut(), "DELETE FROM customer").await;
        let sql = "SELECT COUNT(*) AS n FROM ds_change_outbox WHERE object_table = 'mail'";
        assert_eq!(number(session.as_mut(), sql).await, 2, "its own insert, and the cascade");
        let sql = "SELECT COUNT(*) AS n FROM ds_change_outbox";
        assert_eq!(number(session.as_mut(), sql).await, 4, "nothing under the old name");
    });
}

/// No SQL Server runs here: Microsoft's parser reads the files, as its client would take them.
#[test]
fn the_files_for_sqlserver_are_read_by_its_own_parser() {
    let empty =
        "CREATE TABLE customer (id integer PRIMARY KEY, city varchar(40), changed timestamp);";
    let mut read = 0;
    for (sides, hints) in [
        ([OLD, NEXT], &[][..]),
        ([NEXT, OLD], &[][..]),
        ([OLD, TORN], &TORN_RENAMES[..]),
        ([TORN, OLD], &["customer.full_name=name", "mail=letter"][..]),
        ([empty, OLD], &[][..]),
    ] {
        let (evolution, steps) = decide(Brand::SqlServer, sides, hints);
        let files = outrigger::layout::phases(&evolution, &steps).unwrap();
        assert!(!files.is_empty(), "{sides:?}");
        for file in files {
            let has_batches = file.text.lines().filter(|line| *line == "GO").count() > 0;
            assert!(has_batches, "{}", file.text);
            if let Err(error) = tsql::parse_tsql(&file.text) {
                panic!("{}: {error}\n{}", file.path, file.text);
            }
            read += 1;
        }
    }
    assert!(read >= 8, "{read} files");
}

#[test]
fn a_changed_key_is_said_and_held() {
    let other =
        NEXT.replace("id integer PRIMARY KEY, y", "id integer, y varchar(9) PRIMARY KEY, z");
    let (evolution, steps) = decide(Brand::Postgres, [NEXT, &other], &[]);
    let kinds: Vec<_> = evolution.differences.iter().map(|one| one.kind).collect();
    assert!(kinds.contains(&plan::DifferenceKind::KeyChanged), "{kinds:?}");
    assert_eq!(evolution.hold, Hold::Must);
    assert_eq!(steps.after[0].script, "100_capture_fresh");
    // A key that is gone cannot be recorded in any form.
    let gone = NEXT.replace("id integer PRIMARY KEY, y", "number integer PRIMARY KEY, y");
    let (_, steps) = decide(Brand::Postgres, [NEXT, &gone], &[]);
    let before: Vec<_> = steps.before.iter().map(|one| (&*one.script, one.action)).collect();
    assert_eq!(before, [("100_capture_fresh", render::StepAction::Removes)]);
    assert_eq!(steps.after[0].action, render::StepAction::Installs);
}

/// What could not be followed was not: the others are compared all the same.
#[test]
fn an_old_table_that_could_not_be_followed_comes_in_and_the_others_are_compared() {
    let keyless = NEXT.replace("id integer PRIMARY KEY, y", "id integer, y");
    let (evolution, steps) = decide(Brand::Sqlite, [&keyless, NEXT], &[]);
    let kinds: Vec<_> = evolution.differences.iter().map(|one| (&*one.table, one.kind)).collect();
    let fresh = ("fresh", plan::DifferenceKind::TableFollowed);
    assert_eq!(kinds[0], fresh);
    let names: Vec<_> = steps.after.iter().map(|step| (&*step.script, step.action)).collect();
    assert_eq!(names, [("100_capture_fresh", render::StepAction::Installs)]);
}
