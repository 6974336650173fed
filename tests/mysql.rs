//! What is said of MySQL in its dialect file and its session holds on MariaDB and MySQL.

use outrigger::db::{self, FaultKind, Session};
use outrigger::dialect::Brand;
use outrigger::model::{LogicalType, Value};

use crate::support::on_each_server_of;

/// A native type, and canonical texts that have to come back as they were.
const LOSSLESS: &[(&str, &[&str])] = &[
    ("tinyint(1)", &["true", "false"]),
    ("bit(1)", &["true", "false"]),
    ("tinyint", &["-128", "0", "127"]),
    ("int", &["-2147483648", "0", "7", "2147483647"]),
    ("int(8) unsigned zerofill", &["0", "42"]),
    ("bigint", &["-9223372036854775808", "9007199254740993", "9223372036854775807"]),
    ("bigint unsigned", &["0", "9223372036854775808", "18446744073709551615"]),
    ("year", &["0", "1901", "2026", "2155"]),
    ("decimal(38,0)", &["99999999999999999999999999999999999999", "-100", "0"]),
    ("decimal(38,10)", &["1234567890123456789012345678.0123456789", "-0.5", "100", "10.01"]),
    ("decimal(65,30)", &["12345678901234567890123456789012345.123456789012345678901234567891"]),
    ("decimal(65,0)", &["-99999999999999999999999999999999999999999999999999999999999999999"]),
    ("decimal(10,2) unsigned", &["0", "99999999.99"]),
    ("double", &["0.1", "0.30000000000000004", "1e300", "5e-324", "-2.2250738585072014e-308"]),
    ("double", &["1.7976931348623157e308", "-1.2345678901234567e-105", "9.007199254740992e15"]),
    ("double", &["-1.7976931348623157e308", "100000000000000", "0", "0.00001"]),
    ("varchar(100)", &["", "O'Brien \\ \\' \"x\" `y` ~", " blanks ", "a\r\nb\tc", "😀漢ö", "a\0b"]),
    ("varchar(100) character set latin1", &["", "größe "]),
    ("longtext", &["", "😀", "trailing  "]),
    ("varbinary(20)", &["", "00", "00ff0010", "2720", "5c27"]),
    ("longblob", &["", "00ff00"]),
    ("date", &["0001-01-01", "1000-01-01", "2024-02-29", "9999-12-31"]),
    ("time(6)", &["00:00:00", "05:06:07.5", "23:59:59.999999", "24:00:00", "00:00:00.00001"]),
    ("time", &["10:20:30"]),
    (
        "datetime(6)",
        &["0001-01-01 00:00:00", "2026-03-04 05:06:07.1", "9999-12-31 23:59:59.999999"],
    ),
    ("datetime", &["2026-03-10 10:20:00"]),
    (
        "timestamp(6)",
        &["1970-01-01 00:00:01Z", "2038-01-19 03:14:07.999999Z", "2026-01-10 20:30:00.1Z"],
    ),
    ("json", &["{\"a\": 1, \"b\": [true, null, \"\\\"\\\\😀\"]}", "\"\"", "[]"]),
    ("enum('a','it''s','ö')", &["a", "it's", "ö"]),
    ("set('a','it''s','ö')", &["", "a", "it's,ö", "a,it's,ö"]),
    ("bit(10)", &["0", "5", "1023"]),
    ("bit(64)", &["18446744073709551615", "9007199254740993"]),
];

/// A native type, a canonical text that it cannot hold.
const REFUSED: &[(&str, &str)] = &[
    ("tinyint", "128"),
    ("int unsigned", "-1"),
    ("bigint unsigned", "18446744073709551616"),
    ("bigint", "999999999999999999999999999999"),
    ("decimal(38,2)", "1234567890123456789012345678901234567.5"),
    ("decimal(10,2)", "NaN"),
    ("double", "Infinity"),
    ("double", "NaN"),
    ("float", "1e39"),
    ("varchar(3)", "four"),
    ("set('a','b')", "a,c"),
    ("bit(10)", "1024"),
    ("varchar(10) character set latin1", "😀"),
    ("varbinary(1)", "0000"),
    ("date", "10000-01-01"),
    ("date", "2026-02-30"),
    ("datetime(6)", "infinity"),
    ("timestamp(6)", "1969-12-31 23:59:59Z"),
    ("time(6)", "900:00:00"),
    ("enum('a','b')", "c"),
];

async fn table(session: &mut dyn Session, native: &str) {
    session.raw("DROP TABLE IF EXISTS t").await.unwrap();
    let native = if native == "timestamp(6)" { "timestamp(6) NULL" } else { native };
    session.raw(&format!("CREATE TABLE t (id INT PRIMARY KEY, v {native})")).await.unwrap();
}

fn logical(native: &str) -> LogicalType {
    let native = native.trim_end_matches(" character set latin1");
    Brand::Mysql.dialect().logical_type(native).unwrap_or_else(|| panic!("{native} is unmapped"))
}

fn insertion(native: &str) -> String {
    let value = Brand::Mysql.dialect().mapping(logical(native)).value_of("?", native);
    assert_eq!(value.matches('?').count(), 1, "parameters have no numbers: {value}");
    format!("INSERT INTO t (id, v) VALUES (?, {value})")
}

async fn text_of(session: &mut dyn Session, native: &str, id: i64) -> Value {
    let text = Brand::Mysql.dialect().mapping(logical(native)).text_of("t.v");
    let sql = format!("SELECT {text} AS v FROM t WHERE id = ?");
    let rows = session.fetch(&sql, &[id.into()]).await.unwrap();
    rows[0].value("v").unwrap().clone()
}

/// Types that MariaDB alone has.
const OF_MARIADB: &[(&str, &[&str])] = &[
    ("uuid", &["6f9619ff-8b86-d011-b42d-00cf4fc964ff"]),
    ("inet4", &["0.0.0.0", "192.0.2.33", "255.255.255.255"]),
    ("inet6", &["::", "2001:db8::ff00:42:8329", "::ffff:192.0.2.128"]),
];

#[test]
fn canonical_texts_come_back_as_they_were() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        let is_mariadb = database.server.name == "mysql";
        let more = if is_mariadb { OF_MARIADB } else { &[] };
        for (native, texts) in LOSSLESS.iter().chain(more) {
            table(&mut *session, native).await;
            let sql = insertion(native);
            session.execute(&sql, &[0.into(), Value::Null]).await.unwrap();
            assert_eq!(text_of(&mut *session, native, 0).await, Value::Null, "{native}");
            for (id, text) in (1..).zip(*texts) {
                let done = session.execute(&sql, &[id.into(), (*text).into()]).await;
                assert_eq!(done, Ok(1), "{native}: {text}");
                let came = text_of(&mut *session, native, id).await;
                assert_eq!(came, Value::from(*text), "{native}");
            }
        }
    });
}

#[test]
fn a_value_that_does_not_fit_is_refused_and_never_cut() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        for (native, text) in REFUSED {
            table(&mut *session, native).await;
            let done = session.execute(&insertion(native), &[1.into(), (*text).into()]).await;
            let fault = done.expect_err(&format!("{native} took {text}"));
            assert_eq!(fault.kind, FaultKind::Rejected, "{native}: {fault:?}");
        }
    });
}

/// Neither the text of a FLOAT nor its way back is the shortest, but no bit is lost.
#[test]
fn every_bit_of_a_float32_travels() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        table(&mut *session, "float").await;
        for (id, number) in (1..).zip([
            0.1_f32,
            -0.3,
            16_777_216.0,
            16_777_217.5,
            f32::MIN_POSITIVE,
            -f32::MIN_POSITIVE,
            1e-45,
            1e38,
            3.402_823_3e38,
            0.300_000_04,
        ]) {
            let sql = insertion("float");
            session.execute(&sql, &[id.into(), number.to_string().into()]).await.unwrap();
            let Value::Text(text) = text_of(&mut *session, "float", id).await else { panic!() };
            assert_eq!(text.parse::<f32>().unwrap().to_bits(), number.to_bits(), "{text}");
        }
    });
}

/// Old and new values that are equal to a careless comparison.
const CHANGED: &[(&str, &str, &str)] = &[
    ("varchar(20)", "'a'", "'A'"),
    ("varchar(20)", "'a'", "'a '"),
    ("varchar(20)", "''", "NULL"),
    ("varchar(20)", "'ö'", "'o'"),
    ("varchar(20) character set latin1", "'ö'", "'o'"),
    ("longtext", "'ss'", "'ß'"),
    ("varbinary(20)", "x'00'", "x'0000'"),
    ("double", "0.1", "0.30000000000000004 - 0.2"),
    ("double", "1", "NULL"),
    ("float", "16777216", "16777218"),
    ("decimal(38,10)", "12345678901234567890.1", "12345678901234567890.2"),
    ("bigint", "9007199254740993", "9007199254740992"),
    ("json", "'{\"a\": 1}'", "'{\"a\": 2}'"),
    ("json", "'{\"a\": \"x\"}'", "'{\"a\": \"X\"}'"),
    ("enum('a','b')", "'a'", "'b'"),
    ("datetime(6)", "'2026-01-01 00:00:00.000001'", "'2026-01-01'"),
    ("timestamp(6)", "'2026-01-01 00:00:00.000001'", "'2026-01-01'"),
    ("timestamp(6)", "NULL", "'0000-00-00'"),
    ("timestamp(6)", "'0000-00-00'", "'2026-01-01'"),
    ("time(6)", "'00:00:00'", "'24:00:00'"),
    ("tinyint(1)", "NULL", "0"),
    ("bit(1)", "b'0'", "b'1'"),
];

/// Tries `differs` where it is used, in a trigger, which also shows what `to_text` gives there.
#[test]
fn a_trigger_sees_every_change_and_no_other() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        for (native, old, new) in CHANGED {
            table(&mut *session, native).await;
            session.raw("DROP TABLE IF EXISTS seen").await.unwrap();
            session.raw("CREATE TABLE seen (v LONGTEXT)").await.unwrap();
            let mapping = Brand::Mysql.dialect().mapping(logical(native));
            let trigger = format!(
                "CREATE TRIGGER c AFTER UPDATE ON t FOR EACH ROW \
                 IF {} THEN INSERT INTO seen VALUES ({}); END IF",
                mapping.change_of("OLD.v", "NEW.v"),
                mapping.text_of("NEW.v"),
            );
            session.raw(&trigger).await.unwrap();
            session.raw(&format!("INSERT INTO t VALUES (1, {old})")).await.unwrap();
            for (value, seen) in [(old, 0), (new, 1), (new, 1), (old, 2)] {
                session.raw(&format!("UPDATE t SET v = {value}")).await.unwrap();
                let rows = session.fetch("SELECT COUNT(*) AS n FROM seen", &[]).await.unwrap();
                assert_eq!(rows[0].integer("n"), Some(seen), "{native}: {old} to {new}");
            }
        }
    });
}

/// The hour that comes twice in autumn, in an application's session that is not in UTC.
#[test]
fn a_timestamp_is_written_in_utc_whatever_the_sessions_zone() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        table(&mut *session, "timestamp(6)").await;
        session.raw("INSERT INTO t VALUES (1, '2025-10-26 00:30:00.25')").await.unwrap();
        for zone in ["+00:00", "+02:00", "-11:30", "SYSTEM"] {
            session.raw(&format!("SET time_zone = '{zone}'")).await.unwrap();
            let came = text_of(&mut *session, "timestamp(6)", 1).await;
            assert_eq!(came, Value::from("2025-10-26 00:30:00.25Z"), "{zone}");
        }
    });
}

#[test]
fn a_tinyint_of_five_does_not_pass_for_true() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        table(&mut *session, "tinyint(1)").await;
        session.raw("INSERT INTO t VALUES (1, 5), (2, -1)").await.unwrap();
        assert_eq!(text_of(&mut *session, "tinyint(1)", 1).await, Value::from("5"));
        assert_eq!(text_of(&mut *session, "tinyint(1)", 2).await, Value::from("-1"));
    });
}

#[test]
fn cells_of_any_type_are_read_or_refused_but_never_misread() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        for (sql, value) in [
            ("CAST(18446744073709551615 AS UNSIGNED)", Value::from("18446744073709551615")),
            ("CAST(-5 AS SIGNED)", Value::Integer(-5)),
            ("COUNT(*)", Value::Integer(1)),
            ("1 = 1", Value::Integer(1)),
            ("b'101' + 0", Value::Integer(5)),
            ("1.50", Value::from("1.50")),
            ("JSON_OBJECT('a', 1)", Value::from("{\"a\": 1}")),
            ("CAST('ö' AS BINARY)", Value::from("ö")),
            ("REPEAT('x', 70000)", Value::from("x".repeat(70_000))),
            ("NULL", Value::Null),
            ("@outrigger_unset", Value::Null),
        ] {
            let rows = session.fetch(&format!("SELECT {sql} AS v"), &[]).await.unwrap();
            assert_eq!(rows[0].values(), [value], "{sql}");
        }
        for sql in ["1e0", "NOW()", "CURDATE()", "CURTIME()", "x'ff'"] {
            let fault = session.fetch(&format!("SELECT {sql} AS v"), &[]).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Rejected, "{sql}");
        }
        session.raw("CREATE TABLE u (a INT UNSIGNED, b TINYINT UNSIGNED)").await.unwrap();
        session.raw("INSERT INTO u VALUES (4294967295, 255)").await.unwrap();
        let rows = session.fetch("SELECT a, b FROM u", &[]).await.unwrap();
        assert_eq!(rows[0].values(), [Value::Integer(4_294_967_295), Value::Integer(255)]);
    });
}

#[test]
fn a_zero_is_inserted_as_a_zero() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        session.raw("CREATE TABLE z (id INT AUTO_INCREMENT PRIMARY KEY)").await.unwrap();
        session.execute("INSERT INTO z (id) VALUES (?)", &[0.into()]).await.unwrap();
        let rows = session.fetch("SELECT id FROM z", &[]).await.unwrap();
        assert_eq!(rows[0].integer("id"), Some(0));
    });
}

#[test]
fn an_update_counts_the_rows_that_it_found() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        table(&mut *session, "int").await;
        let upsert = "INSERT INTO t (id, v) VALUES (1, 1) ON DUPLICATE KEY UPDATE v = ?";
        assert_eq!(session.execute(upsert, &[1.into()]).await, Ok(1), "new");
        assert_eq!(session.execute("UPDATE t SET v = 1", &[]).await, Ok(1), "found, not changed");
        assert_eq!(session.execute(upsert, &[1.into()]).await, Ok(1), "left as it was");
        assert_eq!(session.execute(upsert, &[2.into()]).await, Ok(2), "changed");
        assert_eq!(session.execute("INSERT IGNORE INTO t VALUES (1, 1)", &[]).await, Ok(0));
    });
}

#[test]
fn a_statement_beyond_the_servers_limit_is_named_and_the_session_lives_on() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        let rows = session.fetch("SELECT @@max_allowed_packet AS n", &[]).await.unwrap();
        let limit = usize::try_from(rows[0].integer("n").unwrap()).unwrap();
        let text = Value::from("x".repeat(limit));
        let fault = session.fetch("SELECT LENGTH(?) AS n", &[text]).await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Rejected, "1153"));
        assert!(fault.message.contains("max_allowed_packet"), "{fault:?}");
        let fits = Value::from("x".repeat(limit - 100));
        let rows = session.fetch("SELECT LENGTH(?) AS n", &[fits]).await.unwrap();
        assert_eq!(rows[0].integer("n"), Some(i64::try_from(limit - 100).unwrap()));
    });
}

#[test]
fn json_collected_on_the_server_is_not_cut() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        table(&mut *session, "longtext").await;
        let body = Value::from("y".repeat(1_500_000));
        session.execute("INSERT INTO t VALUES (1, ?)", &[body]).await.unwrap();
        let sql = "SELECT LENGTH(JSON_ARRAYAGG(v)) AS n FROM t";
        let rows = session.fetch(sql, &[]).await.unwrap();
        assert_eq!(rows[0].integer("n"), Some(1_500_004));
    });
}

#[test]
fn the_scheme_mariadb_and_settings_in_the_url_change_nothing() {
    on_each_server_of(Brand::Mysql, async |database| {
        let url = database.url.replace("mysql://", "mariadb://");
        let mut session =
            db::connect(&format!("{url}?charset=latin1&timezone=%2B05:00")).await.unwrap();
        let sql =
            "SELECT CONCAT_WS(' ', @@time_zone, @@character_set_client, @@autocommit + 0) AS s";
        let rows = session.fetch(sql, &[]).await.unwrap();
        assert_eq!(rows[0].text("s").as_deref(), Some("+00:00 utf8mb4 1"));
    });
}

#[test]
fn every_listed_type_exists_and_means_what_the_list_says() {
    on_each_server_of(Brand::Mysql, async |database| {
        let mut session = database.connect().await;
        for logical_type in LogicalType::ALL {
            for native in &Brand::Mysql.dialect().mapping(logical_type).native {
                let full = match native.as_str() {
                    "enum" => "enum('a')".to_owned(),
                    "set" => "set('a')".to_owned(),
                    name if name.contains("var") && !name.starts_with("long") => {
                        format!("{name}(5)")
                    }
                    name => name.to_owned(),
                };
                let is_of_mariadb = ["uuid", "inet4", "inet6"].contains(&native.as_str());
                if is_of_mariadb && database.server.name != "mysql" {
                    continue; // MariaDB alone has it.
                }
                let key = if native == "serial" { ", UNIQUE KEY (v)" } else { "" };
                session.raw("DROP TABLE IF EXISTS t").await.unwrap();
                let sql = format!("CREATE TABLE t (id INT, v {full}{key})");
                let done = session.raw(&sql).await;
                assert_eq!(done, Ok(()), "{sql}");
            }
        }
    });
}
