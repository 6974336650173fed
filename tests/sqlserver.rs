//! What of SQL Server can be tested without one: its grammar, and a TDS peer's conversation.
//!
//! `OUTRIGGER_PYSQLBRIDGE` is the path of the `pysqlbridge` command or of the Python environment
//! it is installed in (PyPI package `pysqlbridge`): a server that speaks TDS and answers queries,
//! without keys, triggers or rollback.

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use outrigger::config::{
    Capture, CommandForm, Config, Limits, Policy, SchemaSource, TableChoice, TableOptions,
    TableRule,
};
use outrigger::db::{self, FaultKind, Mode};
use outrigger::dialect::Brand;
use outrigger::model::{Column, LogicalType, Schema, Table, TableName, Value};
use outrigger::plan;
use outrigger::render::{self, Templates};
use serde::Serialize;

use crate::support::tsql;

/// In ASCII, since the peer fails at any other.
const PASSWORD: &str = "s3cret /@+%";
const PASSWORD_IN_URL: &str = "s3cret%20%2F%40+%25";

static STARTS: Mutex<()> = Mutex::new(());

/// A peer that ends with the test.
struct Peer {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    fn start() -> Option<Self> {
        let Some(path) = std::env::var_os("OUTRIGGER_PYSQLBRIDGE").map(PathBuf::from) else {
            let required = std::env::var("OUTRIGGER_TEST_REQUIRE").unwrap_or_default();
            let is_required = required.split(',').any(|name| name.trim() == "pysqlbridge");
            assert!(!is_required, "pysqlbridge is required, but OUTRIGGER_PYSQLBRIDGE is not set");
            eprintln!("skipped: no pysqlbridge (OUTRIGGER_PYSQLBRIDGE is not set)");
            return None;
        };
        let command = if path.is_dir() { path.join("bin/pysqlbridge") } else { path };
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("peer.json");
        fs::write(folder.path().join("people.csv"), "id,name\n1,Ada\n2,Grace\n").unwrap();
        let tables = r#"{"tables": [{"name": "people", "csv": "people.csv"}],
            "logins": [{"user": "reader", "password": "${env:PEER_PASSWORD}"}]}"#;
        fs::write(&config, tables).unwrap();
        // One start at a time, so that no two peers are given the same free port.
        let _turn = STARTS.lock().unwrap_or_else(PoisonError::into_inner);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(&command)
            .arg("--config")
            .arg(&config)
            .args(["--port", &port.to_string()])
            .env("PEER_PASSWORD", PASSWORD)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", command.display()));
        let mut peer = Self { child, port, _folder: folder };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the peer does not listen");
            assert!(peer.child.try_wait().unwrap().is_none(), "the peer has ended");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(peer)
    }

    fn url(&self, password: &str, options: &str) -> String {
        format!("sqlserver://reader:{password}@127.0.0.1:{}/master?{options}", self.port)
    }
}

#[tokio::test]
async fn a_session_converses_with_a_tds_peer() {
    let Some(peer) = Peer::start() else { return };
    let url = peer.url(PASSWORD_IN_URL, "trust_server_certificate=true");
    let mut session = db::connect(&url).await.unwrap();
    assert_eq!(session.brand(), Brand::SqlServer);

    let sql = "SELECT id, name FROM people ORDER BY id";
    let rows = session.fetch(sql, &[]).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].columns(), ["id", "name"]);
    assert_eq!(rows[1].values(), [Value::Integer(2), Value::Text("Grace".into())]);

    let long = "größe 🦀 ' ".repeat(2000);
    for text in ["", "O'Brien", "größe 🦀", &long] {
        let values = [Value::from(text), Value::Integer(i64::MIN), Value::Null];
        let sql = "SELECT @P1 AS a, @P2 AS b, @P3 AS c";
        let rows = session.fetch(sql, &values).await.unwrap();
        assert_eq!(rows[0].values(), values);
    }
    let found = session
        .fetch("SELECT name FROM people WHERE id = @P1", &[Value::Integer(1)])
        .await
        .unwrap();
    assert_eq!(found[0].text("NAME").as_deref(), Some("Ada"));
    assert!(session.fetch("SELECT id FROM people WHERE id = 9", &[]).await.unwrap().is_empty());
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_transaction_with_an_error_takes_nothing_more_until_it_is_rolled_back() {
    let Some(peer) = Peer::start() else { return };
    let url = peer.url(PASSWORD_IN_URL, "trust_server_certificate=true");
    let mut session = db::connect(&url).await.unwrap();
    let depth = "SELECT @@TRANCOUNT AS depth";

    // Not for reading: the peer has no MIN_ACTIVE_ROWVERSION.
    session.begin(Mode::Write).await.unwrap();
    assert_eq!(session.fetch(depth, &[]).await.unwrap()[0].integer("depth"), Some(1));
    session.commit().await.unwrap();
    assert_eq!(session.fetch(depth, &[]).await.unwrap()[0].integer("depth"), Some(0));
    session.rollback().await.unwrap();

    session.begin(Mode::Write).await.unwrap();
    let missing = session.fetch("SELECT x FROM nowhere", &[]).await.unwrap_err();
    assert_eq!((missing.kind, missing.code.as_str()), (FaultKind::Rejected, "208"));
    let after = session.execute("SELECT 1", &[]).await.unwrap_err();
    assert!(after.message.contains("must be rolled back"), "{after}");
    assert!(session.commit().await.is_err());
    assert!(session.raw("ROLLBACK TRANSACTION ds_change").await.is_err(), "no such savepoint");
    session.rollback().await.unwrap();
    session.rollback().await.unwrap();
    assert_eq!(session.fetch(depth, &[]).await.unwrap()[0].integer("depth"), Some(0));
}

#[tokio::test]
async fn who_may_not_enter_is_told_apart_from_nobody_there() {
    let Some(peer) = Peer::start() else { return };
    let wrong = peer.url("wrong", "trust_server_certificate=true");
    let denied = db::connect(&wrong).await.err().expect("refused");
    assert_eq!((denied.kind, denied.code.as_str()), (FaultKind::Denied, "18456"));
    // The peer's certificate is its own, and nobody said to trust it.
    let untrusted = db::connect(&peer.url(PASSWORD_IN_URL, "encrypt=true")).await;
    assert!(untrusted.is_err());
    let url = peer.url(PASSWORD_IN_URL, "trust_server_certificate=true");
    drop(peer);
    let gone = db::connect(&url).await.err().expect("nobody there");
    assert_eq!(gone.kind, FaultKind::Gone);
}

#[test]
fn codes_of_sql_server_have_their_kinds() {
    for (code, kind) in [
        ("1205", FaultKind::Transient),
        ("1222", FaultKind::Transient),
        ("2627", FaultKind::Conflict),
        ("547", FaultKind::Conflict),
        ("229", FaultKind::Denied),
        ("4060", FaultKind::Denied),
        ("40613", FaultKind::Gone),
        ("8152", FaultKind::Rejected),
    ] {
        assert_eq!(db::Fault::from_code(Brand::SqlServer, code, "").kind, kind, "{code}");
    }
}

#[test]
fn the_parser_tells_good_triggers_from_bad_ones() {
    let good = "SET QUOTED_IDENTIFIER ON;\nGO\nCREATE OR ALTER TRIGGER [dbo].[t] ON [dbo].[order]
AFTER UPDATE AS BEGIN SET NOCOUNT ON; INSERT INTO [o] ([a]) SELECT v.[a] FROM inserted AS i
CROSS APPLY (VALUES (N'TRIM(x)', i.[a])) AS v ([n], [a]); END;\nGO\n";
    assert_eq!(tsql::parse_tsql(good), Ok(()));
    let newer = "SELECT STRING_AGG([a], N',') FROM [t]";
    assert!(tsql::parse_tsql(newer).unwrap_err().contains("STRING_AGG is newer"));
    if tsql::maxdop().is_none() {
        return;
    }
    for bad in [
        "CREATE TRIGGER t ON x AFTER INSERT FOR EACH ROW AS SELECT 1",
        "CREATE TRIGGER t ON x BEFORE INSERT AS SELECT 1",
        "SELECT 1; CREATE TRIGGER t ON x AFTER INSERT AS SELECT 1",
        "CREATE TRIGGER t ON x AFTER UPDATE AS BEGIN SELECT 1",
        "SELECT 1 FROM a WHERE a IS DISTINCT FROM b",
        "INSERT INTO t (a) VALUES (1) RETURNING a",
    ] {
        let message = tsql::parse_tsql(bad).expect_err(bad);
        assert!(message.contains("1:") || message.contains("2:"), "{message}");
    }
}

#[test]
fn every_mapping_of_the_dialect_is_tsql() {
    let dialect = Brand::SqlServer.dialect();
    let mut sql = String::new();
    for logical in LogicalType::ALL {
        let mapping = dialect.mapping(logical);
        let natives = mapping.native.iter().cloned().chain([mapping.declare.clone()]);
        for native in natives {
            let native = native
                .replace("{length}", "40")
                .replace("{precision}", "38")
                .replace("{scale}", "10");
            let fill = |text: &str| {
                text.replace("{rtrim}", "RTRIM")
                    .replace("{old}", "d.[größe]")
                    .replace("{new}", "i.[größe]")
                    .replace("{}", "i.[größe]")
            };
            sql.push_str(&format!(
                "SELECT {} AS [a], {} AS [b] FROM [i] AS i JOIN [d] AS d ON {} AND {};\nGO\n",
                fill(&mapping.to_text),
                mapping.value_of("i.[größe]", &native),
                fill(&mapping.differs),
                fill(&mapping.differs),
            ));
            sql.push_str(&format!("CREATE TABLE [t] ([c] {native} NULL);\nGO\n"));
        }
    }
    assert_eq!(tsql::parse_tsql(&sql), Ok(()));
}

fn column(name: &str, native: &str) -> Column {
    Column {
        name: name.to_owned(),
        native_type: native.to_owned(),
        base_type: None,
        logical_type: Brand::SqlServer.dialect().logical_type(native),
        is_nullable: true,
        default: None,
        is_identity: false,
        is_generated: false,
        location: None,
    }
}

fn table(name: &str, key: &[&str], columns: Vec<Column>) -> Table {
    Table {
        name: TableName::plain(name),
        columns,
        primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
        unique_keys: Vec::new(),
        foreign_keys: Vec::new(),
        location: None,
    }
}

/// A table with everything, one with awkward names and two key columns, one that is wide.
fn tables() -> Vec<Table> {
    let metadata = [
        ("update_datetime", "datetimeoffset"),
        ("updated_by_user", "nvarchar(30)"),
        ("updated_by_server", "char(8)"),
    ];
    let mut order = vec![column("order_id", "int")];
    let natives = Brand::SqlServer.dialect().types.values().filter_map(|m| m.native.first());
    order.extend(natives.map(|native| column(&format!("a {native}"), native)));
    order.extend(metadata.map(|(name, native)| column(name, native)));
    let awkward = ["select", "user name", "größe]", "it's.\\\"new\""]
        .map(|name| column(name, "nvarchar(30)"));
    let wide = (0..430).map(|n| column(&format!("c{n}"), "int")).collect();
    vec![
        table("order", &["select", "user name"], awkward.to_vec()),
        table("sales_order", &["order_id"], order),
        table("wide", &["c0"], wide),
    ]
}

fn config(command: CommandForm) -> Config {
    let follow = |pattern: &str, options| TableRule {
        pattern: pattern.to_owned(),
        choice: TableChoice::Follow(options),
        line: 1,
        column: 1,
    };
    let policies =
        [("a char", Policy::Hash), ("a tinyint", Policy::Ignore), ("a bit", Policy::Mask)];
    let stamped = TableOptions {
        last_update: Some("update_datetime".into()),
        updated_by_user: Some("updated_by_user".into()),
        updated_by_server: Some("updated_by_server".into()),
        columns: policies.map(|(name, policy)| (name.to_owned(), policy)).into(),
        ..TableOptions::default()
    };
    Config {
        path: "outrigger.yaml".into(),
        database: "O'Brien".into(),
        schema: SchemaSource::Files { dialect: Brand::SqlServer, files: Vec::new() },
        nodes: BTreeMap::new(),
        tables: vec![
            follow("sales_order", stamped),
            follow("order", TableOptions::default()),
            follow("wide", TableOptions::default()),
        ],
        routes: Vec::new(),
        capture: Capture { command, ..Capture::default() },
        suppressions: Vec::new(),
        limits: Limits::default(),
        roles: outrigger::config::Roles::default(),
        hash: "c".into(),
    }
}

/// The statements of one template, each a batch.
fn batches(templates: &Templates, name: &str, context: &impl Serialize) -> Vec<String> {
    let statements = templates.statements(name, context).unwrap_or_else(|error| {
        panic!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string))
    });
    statements.into_iter().map(|statement| statement.sql).collect()
}

#[track_caller]
fn assert_tsql(name: &str, batches: &[String]) {
    let text = batches.join("\nGO\n");
    assert_eq!(tsql::parse_tsql(&text), Ok(()), "{name}:\n{text}");
}

#[derive(Serialize)]
struct ControlContext {
    namespace: &'static str,
    page_rows: usize,
    is_fold: bool,
    savepoint: &'static str,
}

impl ControlContext {
    fn new(is_fold: bool) -> Self {
        Self { namespace: "dbo", page_rows: 1000, is_fold, savepoint: "ds_change" }
    }
}

/// What reads and writes application tables, and is rendered for each of them.
const ROW_TEMPLATES: [&str; 5] =
    ["run/lock_rows", "run/read_cells", "run/insert_rows", "run/update_rows", "run/delete_rows"];

#[test]
fn every_statement_on_control_tables_is_tsql() {
    let templates = Templates::embedded(Brand::SqlServer);
    let names = Templates::names(Brand::SqlServer);
    let is_checked = |name: &&String| {
        let is_part = name.ends_with("/parts") || ROW_TEMPLATES.contains(&name.as_str());
        !is_part && (name.starts_with("run/") || name.starts_with("introspect/"))
    };
    let mut count = 0;
    let mut all = Vec::new();
    for name in names.iter().filter(is_checked) {
        for is_fold in [false, true] {
            let batches = batches(&templates, name, &ControlContext::new(is_fold));
            let expected = match name.as_str() {
                "run/window_open" => 3,
                "run/rewind_imports" => 2,
                "run/window_close"
                | "run/renumber_transactions"
                | "run/check_deferred"
                | "run/fall_asleep"
                | "run/listen"
                | "run/load_inbox"
                | "run/load_versions"
                | "run/pulse"
                | "run/wake_up"
                | "run/read_writers"
                | "run/read_written" => 0,
                _ => 1,
            };
            assert_eq!(batches.len(), expected, "{name}");
            all.extend(batches);
        }
        count += 1;
    }
    assert_tsql("control tables", &all);
    assert_eq!(count, 84, "a new template is checked here too");
}

/// A column as the importer binds it.
#[derive(Serialize)]
struct Bound {
    name: String,
    logical_type: LogicalType,
    native_type: String,
    alias: String,
    position: usize,
    policy: &'static str,
}

fn bound(columns: &[Column], prefix: &str, first: usize) -> Vec<Bound> {
    let columns = columns.iter().enumerate();
    columns
        .map(|(n, column)| Bound {
            name: column.name.clone(),
            logical_type: column.logical_type.expect("a mapped type"),
            native_type: column.native_type.clone(),
            alias: format!("{prefix}{}", n + 1),
            position: first + n,
            policy: "capture",
        })
        .collect()
}

#[derive(Serialize)]
struct BoundTable {
    namespace: &'static str,
    name: String,
}

#[derive(Serialize)]
struct RowContext {
    table: BoundTable,
    keys: Vec<Bound>,
    columns: Vec<Bound>,
    has_identity: bool,
    /// Both forms of the comparison: the very texts, and what the collation takes for the same.
    alike: bool,
}

impl RowContext {
    fn new(table: &Table, key_length: usize, has_identity: bool) -> Self {
        let (key, cells) = table.columns.split_at(key_length);
        let name = BoundTable { namespace: "odd ]name", name: table.name.name.clone() };
        let columns = bound(cells, "c", key_length);
        let (keys, alike) = (bound(key, "k", 0), has_identity);
        Self { table: name, keys, columns, has_identity, alike }
    }
}

#[test]
fn every_statement_on_application_rows_is_tsql() {
    let templates = Templates::embedded(Brand::SqlServer);
    let natives = Brand::SqlServer.dialect().types.values().filter_map(|m| m.native.first());
    let all_types = natives.map(|native| column(&format!("a {native}"), native)).collect();
    let mut tables = tables();
    tables.push(table("of all types", &[], all_types));
    for table in tables {
        let mut all = Vec::new();
        for key_length in [1, 3, table.columns.len() - 1] {
            for has_identity in [false, true] {
                let context = RowContext::new(&table, key_length, has_identity);
                for name in ROW_TEMPLATES {
                    let batches = batches(&templates, name, &context);
                    assert_eq!(batches.len(), 1);
                    let is_set = batches[0].contains("IDENTITY_INSERT");
                    assert_eq!(is_set, has_identity && name == "run/insert_rows");
                    all.extend(batches);
                }
            }
        }
        assert_tsql(&table.name.name, &all);
    }
}

#[test]
fn a_key_is_compared_in_the_type_of_its_column() {
    let templates = Templates::embedded(Brand::SqlServer);
    for (native, expected) in [
        ("int", "CONVERT(int, r.[k1]) AS [k1]"),
        ("varchar(40)", "CONVERT(varchar(40), COALESCE((SELECT c.[id] FROM"),
        ("varbinary(16)", "CONVERT(varbinary(16), CONVERT(varbinary(max), r.[k1], 2)) AS [k1]"),
    ] {
        let context = RowContext::new(&table("t", &["id"], vec![column("id", native)]), 1, false);
        for name in ["run/lock_rows", "run/delete_rows"] {
            let sql = &batches(&templates, name, &context)[0];
            assert!(sql.contains(expected) && sql.contains("t.[id] = v.[k1]"), "{sql}");
            assert!(sql.contains("[k1] nvarchar(max) '$[0]'"), "{sql}");
        }
    }
}

/// What makes a table of the session must not run inside `sp_executesql`, where it would be gone at
/// the end; what does not, has parameters.
#[test]
fn the_table_of_a_window_is_made_without_parameters() {
    let templates = Templates::embedded(Brand::SqlServer);
    for is_fold in [false, true] {
        let context = ControlContext::new(is_fold);
        let statements = templates.statements("run/window_open", &context).unwrap();
        for statement in &statements[1..] {
            let is_made = statement.sql.contains("CREATE TABLE");
            assert_eq!(is_made, statement.parameters.is_empty(), "{}", statement.sql);
        }
    }
    // The session lets this through in a failed transaction by how it begins.
    let context = ControlContext::new(false);
    let sql = &batches(&templates, "run/rollback_to_savepoint", &context)[0];
    assert_eq!(sql, "ROLLBACK TRANSACTION [ds_change]");
}

#[test]
fn every_emitted_script_and_its_removal_is_tsql() {
    let schema = Schema { tables: tables() };
    let templates = Templates::embedded(Brand::SqlServer);
    for command in [CommandForm::None, CommandForm::Escaped, CommandForm::Tilde] {
        let plan = plan::plan(&config(command), &schema, Brand::SqlServer).unwrap();
        let scripts = render::scripts(&plan, &templates).unwrap_or_else(|error| {
            panic!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string))
        });
        assert_eq!(scripts.len(), 14);
        for script in scripts {
            for text in [&script.text, &script.removal_text] {
                assert_eq!(tsql::parse_tsql(text), Ok(()), "{}:\n{text}", script.name);
            }
        }
    }
}
