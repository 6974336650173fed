//! Conformance of every session: what the rooms above rely on holds on every brand.

use std::net::TcpListener;

use outrigger::db::{self, Fault, FaultKind, Mode, Session};
use outrigger::dialect::Brand;
use outrigger::model::{Row, Value};

use crate::support::{
    TestDatabase, block_on, on_each_server, on_each_server_of, servers, with_path,
};

/// A table with a number and a long text; `parent` refers to the table itself.
async fn items(session: &mut dyn Session) {
    let (number, text) = match session.brand() {
        Brand::Postgres | Brand::Sqlite => ("BIGINT", "TEXT"),
        Brand::SqlServer => ("BIGINT", "NVARCHAR(MAX)"),
        Brand::Mysql => ("BIGINT", "LONGTEXT CHARACTER SET utf8mb4"),
    };
    let sql = format!(
        "CREATE TABLE items (id BIGINT NOT NULL PRIMARY KEY, big {number}, body {text}, \
         parent BIGINT, FOREIGN KEY (parent) REFERENCES items (id))"
    );
    session.raw(&sql).await.expect("the table is new");
}

/// `INSERT INTO items (id, big, body)` with the brand's own parameters.
async fn insert(session: &mut dyn Session, id: i64, big: i64, body: Value) -> Result<u64, Fault> {
    let dialect = session.brand().dialect();
    let [a, b, c] = [1, 2, 3].map(|n| dialect.parameter(n));
    let sql = format!("INSERT INTO items (id, big, body) VALUES ({a}, {b}, {c})");
    session.execute(&sql, &[id.into(), big.into(), body]).await
}

async fn count(session: &mut dyn Session) -> i64 {
    let rows = session.fetch("SELECT COUNT(*) AS n FROM items", &[]).await.unwrap();
    rows[0].integer("n").unwrap()
}

fn texts() -> Vec<Value> {
    vec![
        Value::Null,
        "".into(),
        " leading and trailing ".into(),
        "O'Brien said \"no\", `maybe` \\ and \\' ~ [x]".into(),
        "lines\r\nand\ttabs\n".into(),
        "größe, 漢字, 😀𝄞".into(),
        "x'); DROP TABLE items; --".into(),
        "ab😀d".repeat(150_000).into(),
    ]
}

#[test]
fn a_null_goes_into_a_column_of_any_type_whatever_comes_next() {
    on_each_server(async |database| {
        let mut session = database.connect().await;
        items(&mut *session).await;
        let dialect = session.brand().dialect();
        let [a, b, c] = [1, 2, 3].map(|n| dialect.parameter(n));
        let sql = format!("INSERT INTO items (id, big, body) VALUES ({a}, {b}, {c})");
        let rows: [[Value; 3]; 3] = [
            [1.into(), Value::Null, Value::Null],
            [2.into(), 5.into(), "text".into()],
            [3.into(), Value::Null, "text".into()],
        ];
        for row in &rows {
            assert_eq!(session.execute(&sql, row).await, Ok(1));
        }
        let rows = session.fetch("SELECT id, big, body FROM items ORDER BY id", &[]).await.unwrap();
        assert_eq!(rows[1].values(), [2.into(), 5.into(), "text".into()]);
        assert_eq!(rows[2].values(), [3.into(), Value::Null, "text".into()]);
    });
}

/// SQLite takes any bytes for text.
#[test]
fn a_text_that_is_not_utf8_is_told_from_one_that_is() {
    on_each_server_of(Brand::Sqlite, async |database| {
        let mut session = database.connect().await;
        let sql = "SELECT CAST(x'61ff62' AS TEXT) AS bad, CAST(x'6100c3a4' AS TEXT) AS good";
        let rows = session.fetch(sql, &[]).await.unwrap();
        assert_eq!(rows[0].values(), [Value::Invalid(b"a\xffb".to_vec()), "a\0ä".into()]);
        assert_eq!(rows[0].text("bad").as_deref(), Some("a\u{FFFD}b"));
    });
}

#[test]
fn numbers_and_texts_come_back_as_they_were() {
    on_each_server(async |database| {
        let mut session = database.connect().await;
        items(&mut *session).await;
        let numbers = [0, 1, -1, 127, 128, 65_536, -2_147_483_649, i64::MIN, i64::MAX];
        let mut sent = Vec::new();
        for (id, body) in texts().into_iter().cycle().take(9).enumerate() {
            let id = i64::try_from(id).unwrap();
            let big = numbers[usize::try_from(id).unwrap()];
            assert_eq!(insert(&mut *session, id, big, body.clone()).await, Ok(1));
            sent.push(vec![Value::Integer(id), Value::Integer(big), body]);
        }
        let rows = session.fetch("SELECT id, big, body FROM items ORDER BY id", &[]).await.unwrap();
        assert_eq!(rows[0].columns(), ["id", "big", "body"]);
        let came: Vec<_> = rows.iter().map(|row| row.values().to_vec()).collect();
        assert!(came == sent, "a value was altered");
    });
}

#[test]
fn an_answer_without_rows_is_empty() {
    on_each_server(async |database| {
        let mut session = database.connect().await;
        items(&mut *session).await;
        assert_eq!(session.fetch("SELECT id FROM items", &[]).await, Ok(Vec::new()));
        assert_eq!(session.execute("DELETE FROM items", &[]).await, Ok(0));
    });
}

/// The statement by which each brand opens one JSON text into rows.
fn bulk(brand: Brand) -> &'static str {
    match brand {
        Brand::Postgres => {
            "INSERT INTO items (id, body) SELECT id, body \
             FROM json_to_recordset($1::json) AS r(id BIGINT, body TEXT)"
        }
        Brand::Sqlite => {
            "INSERT INTO items (id, body) SELECT value ->> '$.id', value ->> '$.body' \
             FROM json_each(?1)"
        }
        Brand::SqlServer => {
            "INSERT INTO items (id, body) SELECT id, body \
             FROM OPENJSON(@P1) WITH (id BIGINT, body NVARCHAR(MAX))"
        }
        Brand::Mysql => {
            "INSERT INTO items (id, body) SELECT id, body FROM JSON_TABLE(?, '$[*]' COLUMNS (\
             id BIGINT PATH '$.id', body LONGTEXT CHARACTER SET utf8mb4 PATH '$.body')) AS r"
        }
    }
}

#[test]
fn one_bound_json_text_becomes_many_rows() {
    on_each_server(async |database| {
        let mut session = database.connect().await;
        items(&mut *session).await;
        let bodies: Vec<Value> = texts().into_iter().cycle().take(16).collect();
        let mut objects: Vec<_> = (0..5_000)
            .map(|id| serde_json::json!({"id": id, "body": format!("row {id}")}))
            .collect();
        for (object, body) in objects.iter_mut().zip(&bodies) {
            object["body"] = match body {
                Value::Text(text) => serde_json::Value::from(text.as_str()),
                _ => serde_json::Value::Null,
            };
        }
        let json = serde_json::to_string(&objects).unwrap();
        assert_eq!(session.execute(bulk(database.brand()), &[json.into()]).await, Ok(5_000));
        assert_eq!(count(&mut *session).await, 5_000);
        let sql = "SELECT body FROM items WHERE id < 16 ORDER BY id";
        let rows = session.fetch(sql, &[]).await.unwrap();
        let came: Vec<_> = rows.iter().map(|row| row.values()[0].clone()).collect();
        assert!(came == bodies, "a text was altered on its way through JSON");
    });
}

#[test]
fn a_commit_keeps_and_a_rollback_forgets() {
    on_each_server(async |database| {
        let (mut session, mut other) = (database.connect().await, database.connect().await);
        items(&mut *session).await;
        session.begin(Mode::Write).await.unwrap();
        insert(&mut *session, 1, 1, Value::Null).await.unwrap();
        session.rollback().await.unwrap();
        assert_eq!(count(&mut *other).await, 0);
        session.begin(Mode::Write).await.unwrap();
        insert(&mut *session, 2, 2, Value::Null).await.unwrap();
        session.commit().await.unwrap();
        assert_eq!(count(&mut *other).await, 1);
        assert_eq!(session.rollback().await, Ok(()), "outside a transaction it does nothing");
        insert(&mut *session, 3, 3, Value::Null).await.unwrap();
        assert_eq!(count(&mut *other).await, 2, "outside a transaction a statement commits itself");
    });
}

#[test]
fn a_reader_keeps_its_snapshot_while_others_write() {
    on_each_server(async |database| {
        let (mut reader, mut writer) = (database.connect().await, database.connect().await);
        if database.brand() == Brand::Sqlite {
            reader.raw("PRAGMA journal_mode = WAL").await.unwrap();
        }
        items(&mut *writer).await;
        insert(&mut *writer, 1, 1, Value::Null).await.unwrap();
        reader.begin(Mode::Read).await.unwrap();
        assert_eq!(count(&mut *reader).await, 1);
        insert(&mut *writer, 2, 2, Value::Null).await.unwrap();
        assert_eq!(count(&mut *reader).await, 1);
        reader.commit().await.unwrap();
        assert_eq!(count(&mut *reader).await, 2);
    });
}

#[test]
fn a_writer_sees_what_others_committed_meanwhile() {
    on_each_server(async |database| {
        if database.brand() == Brand::Sqlite {
            return; // One writer: there is no meanwhile.
        }
        let (mut one, mut two) = (database.connect().await, database.connect().await);
        items(&mut *one).await;
        one.begin(Mode::Write).await.unwrap();
        assert_eq!(count(&mut *one).await, 0);
        insert(&mut *two, 1, 1, Value::Null).await.unwrap();
        assert_eq!(count(&mut *one).await, 1);
        one.rollback().await.unwrap();
    });
}

#[test]
fn a_refused_row_is_a_conflict_and_a_refused_statement_is_rejected() {
    on_each_server(async |database| {
        let mut session = database.connect().await;
        items(&mut *session).await;
        insert(&mut *session, 1, 1, "secret".into()).await.unwrap();
        let twice = insert(&mut *session, 1, 1, "secret".into()).await.unwrap_err();
        assert_eq!(twice.kind, FaultKind::Conflict, "{twice:?}");
        for (sql, kind) in [
            ("INSERT INTO items (id, parent) VALUES (2, 7)", FaultKind::Conflict),
            ("INSERT INTO items (id, big) VALUES (NULL, 7)", FaultKind::Conflict),
            ("INSERT INTO missing (id) VALUES (1)", FaultKind::Rejected),
            ("INSERT INTO items (nothing) VALUES (1)", FaultKind::Rejected),
            ("INSERT INTO INTO", FaultKind::Rejected),
        ] {
            if database.brand() == Brand::Sqlite && sql.contains("NULL") {
                continue; // There NULL in an integer key is a request for a number.
            }
            let fault = session.execute(sql, &[]).await.unwrap_err();
            assert_eq!(fault.kind, kind, "{sql}: {fault:?}");
            assert!(!fault.code.is_empty() && !fault.message.is_empty(), "{fault:?}");
        }
        assert_eq!(count(&mut *session).await, 1, "the session is still of use");
    });
}

#[test]
fn one_statement_runs_for_many_lists_of_values() {
    on_each_server(async |database| {
        let mut session = database.connect().await;
        items(&mut *session).await;
        let dialect = session.brand().dialect();
        let [id, body] = [1, 2].map(|n| dialect.parameter(n));
        let sql = format!("INSERT INTO items (id, body) VALUES ({id}, {body})");
        let bodies = texts();
        let lists = |from: i64| -> Vec<Vec<Value>> {
            (from..).zip(&bodies).map(|(id, body)| vec![id.into(), body.clone()]).collect()
        };
        assert_eq!(session.execute_each(&sql, Vec::new()).await, Ok(0));
        assert_eq!(session.execute_each(&sql, lists(0)).await, Ok(8));
        let rows = session.fetch("SELECT body FROM items ORDER BY id", &[]).await.unwrap();
        let came: Vec<Value> = rows.into_iter().flat_map(Row::into_values).collect();
        assert!(came == bodies, "a text was altered");
        // The fourth of these is there already: what those before it did goes with the rollback.
        session.begin(Mode::Write).await.unwrap();
        let fault = session.execute_each(&sql, lists(-3)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict, "{fault:?}");
        session.rollback().await.unwrap();
        assert_eq!(count(&mut *session).await, 8);
        // A value that a list does not have is not that of the list before.
        if database.brand() == Brand::Sqlite {
            let lists = vec![vec![20.into(), "text".into()], vec![21.into()]];
            assert_eq!(session.execute_each(&sql, lists).await, Ok(2));
            let rows = session.fetch("SELECT body FROM items WHERE id = 21", &[]).await.unwrap();
            assert_eq!(rows[0].values(), [Value::Null]);
        }
    });
}

#[test]
fn a_missing_parameter_is_rejected() {
    on_each_server(async |database| {
        if database.brand() == Brand::Sqlite {
            return; // There it counts as NULL.
        }
        let mut session = database.connect().await;
        items(&mut *session).await;
        let id = database.brand().dialect().parameter(1);
        let sql = format!("DELETE FROM items WHERE id = {id}");
        let fault = session.execute(&sql, &[]).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Rejected, "{fault:?}");
        // A session may be of no use after this, but it says so.
        match session.execute(&sql, &[1.into()]).await {
            Ok(rows) => assert_eq!(rows, 0),
            Err(fault) => assert_eq!(fault.kind, FaultKind::Gone, "{fault:?}"),
        }
        assert_eq!(session.close().await, Ok(()));
    });
}

#[test]
fn a_wrong_login_is_denied() {
    on_each_server(async |database| {
        if database.brand() == Brand::Sqlite {
            return; // It knows no logins.
        }
        let mut url = url::Url::parse(&database.url).unwrap();
        url.set_username("nobody_of_this_name").unwrap();
        url.set_password(Some("a wrong pass%word")).unwrap();
        let fault = db::connect(url.as_str()).await.err().expect("nobody has this name");
        assert_eq!(fault.kind, FaultKind::Denied, "{fault:?}");
        assert!(!fault.to_string().contains("pass%word"), "{fault:?}");
    });
}

#[test]
fn an_unknown_database_is_denied() {
    on_each_server(async |database| {
        if database.brand() == Brand::Sqlite {
            return; // Its databases are files.
        }
        let url = with_path(&database.url, "no_database_of_this_name");
        let fault = db::connect(&url).await.err().expect("no database has this name");
        assert_eq!(fault.kind, FaultKind::Denied, "{fault:?}");
    });
}

#[test]
fn a_port_where_nobody_listens_is_gone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for scheme in ["postgres", "mysql", "mariadb", "sqlserver"] {
        let url = format!("{scheme}://me:word@127.0.0.1:{port}/x");
        let fault = block_on(db::connect(&url)).err().expect("nobody listens");
        assert_eq!(fault.kind, FaultKind::Gone, "{scheme}: {fault:?}");
        assert!(!fault.to_string().contains("word"), "{scheme}: {fault:?}");
    }
}

#[test]
fn a_missing_file_is_gone_and_named() {
    let fault = block_on(db::connect("sqlite:/nowhere/at all.db")).err().expect("it is missing");
    assert_eq!(fault.kind, FaultKind::Gone, "{fault:?}");
    assert!(fault.message.contains("/nowhere/at all.db"), "{fault:?}");
}

#[test]
fn a_url_of_sqlite_has_its_parameters_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("ä #1 50% ?.db");
    let encoded = name.to_str().unwrap().replace('%', "%25").replace('?', "%3F");
    let mut session = block_on(db::connect(&format!("sqlite://{encoded}?mode=rwc"))).unwrap();
    block_on(session.raw("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1)")).unwrap();
    block_on(session.close()).unwrap();
    assert!(name.exists(), "the file has another name");
    let mut session = block_on(db::connect(&format!("sqlite:{encoded}?mode=ro"))).unwrap();
    assert_eq!(block_on(session.fetch("SELECT id FROM t", &[])).unwrap().len(), 1);
    assert!(block_on(session.raw("DELETE FROM t")).is_err());
    assert!(block_on(db::connect(&format!("sqlite:///{encoded}"))).is_ok(), "a slash too many");
    for (parameter, said) in [
        ("mode=write", "unknown mode `write`: `ro`, `rw`, `rwc`, `memory` are allowed"),
        ("cache=none", "unknown cache `none`: `shared`, `private` are allowed"),
        ("Mode=ro", "unknown parameter `Mode`: `mode`, `cache`, `immutable` and `vfs` are allowed"),
    ] {
        let fault = block_on(db::connect(&format!("sqlite:{encoded}?{parameter}"))).err().unwrap();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Rejected, said));
    }
}

/// A conflict that rolls back by itself leaves nothing to end.
#[test]
fn a_transaction_that_sqlite_has_ended_is_ended() {
    on_each_server_of(Brand::Sqlite, async |database| {
        let mut session = database.connect().await;
        items(&mut *session).await;
        session.begin(Mode::Write).await.unwrap();
        insert(&mut *session, 1, 1, Value::Null).await.unwrap();
        let sql = "INSERT OR ROLLBACK INTO items (id) VALUES (1)";
        let fault = session.execute(sql, &[]).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict, "{fault:?}");
        assert_eq!(session.rollback().await, Ok(()));
        assert_eq!(count(&mut *session).await, 0);
        // And one that was begun by hand is one.
        session.raw("BEGIN IMMEDIATE").await.unwrap();
        insert(&mut *session, 2, 2, Value::Null).await.unwrap();
        assert_eq!(session.rollback().await, Ok(()));
        assert_eq!(count(&mut *session).await, 0);
    });
}

#[test]
fn a_url_that_is_none_is_rejected() {
    for url in ["", "oracle://x", "postgres://", "mysql://host:port/x", "just words"] {
        if let Err(fault) = block_on(db::connect(url)) {
            assert!(
                matches!(fault.kind, FaultKind::Rejected | FaultKind::Gone),
                "{url}: {fault:?}"
            );
        } else {
            panic!("`{url}` was taken");
        }
    }
}

/// Makes the session give up soon when somebody else holds a lock.
async fn wait_briefly(session: &mut dyn Session) {
    let sql = match session.brand() {
        Brand::Postgres => "SET lock_timeout = '200ms'",
        Brand::Sqlite => "PRAGMA busy_timeout = 200",
        Brand::SqlServer => "SET LOCK_TIMEOUT 200",
        Brand::Mysql => "SET innodb_lock_wait_timeout = 1",
    };
    session.raw(sql).await.unwrap();
}

#[test]
fn a_lock_that_is_not_given_is_transient() {
    on_each_server(async |database| {
        let (mut one, mut two) = (database.connect().await, database.connect().await);
        items(&mut *one).await;
        insert(&mut *one, 1, 1, Value::Null).await.unwrap();
        wait_briefly(&mut *two).await;
        one.begin(Mode::Write).await.unwrap();
        one.execute("UPDATE items SET big = 2 WHERE id = 1", &[]).await.unwrap();
        let blocked = match two.begin(Mode::Write).await {
            Ok(()) => two.execute("UPDATE items SET big = 3 WHERE id = 1", &[]).await.map(drop),
            refused => refused,
        };
        assert_eq!(blocked.unwrap_err().kind, FaultKind::Transient);
        two.rollback().await.unwrap();
        one.commit().await.unwrap();
        assert_eq!(two.execute("UPDATE items SET big = 3 WHERE id = 1", &[]).await, Ok(1));
    });
}

/// One that never learns of it would keep what we have locked.
#[test]
fn a_server_is_told_to_notice_that_a_session_is_gone() {
    on_each_server(async |database| {
        let asked = match database.server.name {
            "postgres" => {
                "SELECT (current_setting('tcp_keepalives_idle') = '30'
                    AND current_setting('tcp_keepalives_interval') = '10'
                    AND current_setting('tcp_keepalives_count') = '3')::int AS is_told"
            }
            "mysql" => "SELECT @@idle_transaction_timeout = 3600 AS is_told",
            _ => return,
        };
        let one = database.connect().await;
        let two = db::connect_to_listen(&database.url).await.unwrap();
        for mut session in [one, two] {
            let rows = session.fetch(asked, &[]).await.unwrap();
            assert_eq!(rows[0].integer("is_told"), Some(1));
        }
    });
}

#[test]
fn a_deadlock_is_transient() {
    on_each_server(async |database| {
        if database.brand() == Brand::Sqlite {
            return; // One writer cannot deadlock.
        }
        let (mut one, mut two) = (database.connect().await, database.connect().await);
        items(&mut *one).await;
        for id in [1, 2] {
            insert(&mut *one, id, 0, Value::Null).await.unwrap();
        }
        let [first, second] = [1, 2].map(|id| format!("UPDATE items SET big = 9 WHERE id = {id}"));
        one.begin(Mode::Write).await.unwrap();
        two.begin(Mode::Write).await.unwrap();
        one.execute(&first, &[]).await.unwrap();
        two.execute(&second, &[]).await.unwrap();
        // The loser rolls back, or the winner would wait for its locks.
        let (a, b) = tokio::join!(
            async {
                let done = one.execute(&second, &[]).await;
                one.rollback().await.unwrap();
                done
            },
            async {
                let done = two.execute(&first, &[]).await;
                two.rollback().await.unwrap();
                done
            }
        );
        let faults: Vec<Fault> = [a, b].into_iter().filter_map(Result::err).collect();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].kind, FaultKind::Transient, "{faults:?}");
    });
}

/// How to ask for a connection's number and how to end it.
fn killing(brand: Brand) -> Option<(&'static str, &'static str)> {
    match brand {
        Brand::Postgres => {
            Some(("SELECT pg_backend_pid() AS id", "SELECT pg_terminate_backend({})"))
        }
        Brand::SqlServer => Some(("SELECT CAST(@@SPID AS BIGINT) AS id", "KILL {}")),
        Brand::Mysql => Some(("SELECT CONNECTION_ID() AS id", "KILL {}")),
        Brand::Sqlite => None,
    }
}

#[test]
fn a_killed_connection_is_gone() {
    on_each_server(async |database| {
        let Some((ask, kill)) = killing(database.brand()) else { return };
        let (mut victim, mut killer) = (database.connect().await, database.connect().await);
        items(&mut *killer).await;
        let id = victim.fetch(ask, &[]).await.unwrap()[0].integer("id").unwrap();
        killer.raw(&kill.replace("{}", &id.to_string())).await.unwrap();
        let fault = victim.fetch("SELECT id FROM items", &[]).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Gone, "{fault:?}");
        let again = victim.begin(Mode::Write).await.unwrap_err();
        assert_eq!(again.kind, FaultKind::Gone, "{again:?}");
        drop(victim.close().await);
    });
}

/// The origin marker of a session, set and asked.
fn marker(brand: Brand) -> (&'static str, &'static str) {
    match brand {
        Brand::Postgres => (
            "SELECT set_config('outrigger.origin', 'n1', false)",
            "SELECT current_setting('outrigger.origin', true) AS origin",
        ),
        Brand::Sqlite => {
            ("CREATE TEMP TABLE marker AS SELECT 'n1' AS origin", "SELECT origin FROM temp.marker")
        }
        Brand::SqlServer => (
            "EXEC sp_set_session_context N'outrigger_origin', N'n1'",
            "SELECT CAST(SESSION_CONTEXT(N'outrigger_origin') AS NVARCHAR(100)) AS origin",
        ),
        Brand::Mysql => ("SET @outrigger_origin = 'n1'", "SELECT @outrigger_origin AS origin"),
    }
}

#[test]
fn what_a_session_set_survives_its_transactions() {
    on_each_server(async |database| {
        let mut session = database.connect().await;
        items(&mut *session).await;
        let (set, ask) = marker(database.brand());
        session.raw(set).await.unwrap();
        session.begin(Mode::Write).await.unwrap();
        insert(&mut *session, 1, 1, Value::Null).await.unwrap();
        session.rollback().await.unwrap();
        let rows = session.fetch(ask, &[]).await.unwrap();
        assert_eq!(rows[0].text("origin").as_deref(), Some("n1"));
    });
}

fn trigger(brand: Brand) -> &'static str {
    match brand {
        Brand::Postgres => {
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN \
             INSERT INTO noted (n) VALUES (NEW.id); INSERT INTO noted (n) VALUES (-NEW.id); \
             RETURN NULL; END $body$; \
             CREATE TRIGGER t AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION note()"
        }
        Brand::Sqlite => {
            "CREATE TRIGGER t AFTER INSERT ON items BEGIN \
             INSERT INTO noted (n) VALUES (NEW.id); INSERT INTO noted (n) VALUES (-NEW.id); END"
        }
        Brand::SqlServer => {
            "CREATE TRIGGER t ON items AFTER INSERT AS BEGIN SET NOCOUNT ON; \
             INSERT INTO noted (n) SELECT id FROM inserted; \
             INSERT INTO noted (n) SELECT -id FROM inserted; END"
        }
        Brand::Mysql => {
            "CREATE TRIGGER t AFTER INSERT ON items FOR EACH ROW BEGIN \
             INSERT INTO noted (n) VALUES (NEW.id); INSERT INTO noted (n) VALUES (-NEW.id); END"
        }
    }
}

#[test]
fn a_trigger_with_several_statements_can_be_created() {
    on_each_server(async |database| {
        let mut session = database.connect().await;
        items(&mut *session).await;
        session.raw("CREATE TABLE noted (n BIGINT)").await.unwrap();
        session.raw(trigger(database.brand())).await.unwrap();
        assert_eq!(insert(&mut *session, 5, 5, Value::Null).await, Ok(1));
        let rows = session.fetch("SELECT n FROM noted ORDER BY n", &[]).await.unwrap();
        let numbers: Vec<_> = rows.iter().map(|row| row.integer("n").unwrap()).collect();
        assert_eq!(numbers, [-5, 5]);
    });
}

#[test]
fn two_databases_of_one_test_are_apart() {
    block_on(async {
        for server in servers() {
            let one = TestDatabase::create(server, "one").await;
            let two = TestDatabase::create(server, "two").await;
            items(&mut *one.connect().await).await;
            items(&mut *two.connect().await).await;
            assert_ne!(one.url, two.url);
        }
    });
}
