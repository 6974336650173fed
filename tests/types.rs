//! The `types:` of the dialect files, proved on the engines: what goes in comes out.

#![expect(clippy::unwrap_used, reason = "a test that meets a surprise ends there")]
#![expect(clippy::print_stdout, reason = "a test says where it ran")]
#![expect(clippy::disallowed_methods, reason = "tests/run hands the servers over as variables")]

#[path = "support/values.rs"]
mod values;

use std::collections::BTreeSet;

use outrigger::db::{self, FaultKind, Mode, Session};
use outrigger::dialect::{Brand, TypeMapping};
use outrigger::model::{LogicalType, Value, canonical};

use values::verbatim::{TEXT_ARRAYS, VERBATIM};

const SEED: u64 = 7;

/// A new database of each brand that is at hand; the others are named.
async fn sessions() -> Vec<Box<dyn Session>> {
    let sqlite = db::connect("sqlite::memory:").await.expect("SQLite is built in");
    match postgres().await {
        Some(postgres) => vec![sqlite, postgres],
        None => vec![sqlite],
    }
}

/// A schema of this test's own would do, but names of types are looked up by `search_path`; a
/// session's temporary tables come first and go with it.
async fn postgres() -> Option<Box<dyn Session>> {
    let Ok(url) = std::env::var("OUTRIGGER_TEST_POSTGRES") else {
        println!("skipped: no postgres");
        return None;
    };
    let session = db::connect(&url).await;
    Some(session.expect("the server at OUTRIGGER_TEST_POSTGRES answers"))
}

fn mapping(session: &dyn Session, logical: LogicalType) -> &'static TypeMapping {
    session.brand().dialect().mapping(logical)
}

fn fill(template: &str, expression: &str, native: &str) -> String {
    template.replace("{native}", native).replace("{}", expression)
}

/// The cell of a JSON array, which is how the rows of a batch reach the SQL.
fn from_json(brand: Brand) -> &'static str {
    if brand == Brand::Postgres { "($1::json ->> 0)" } else { "json_extract(?1, '$[0]')" }
}

/// A bound text. The driver knows no multiranges: a parameter must not be taken for one.
fn parameter(brand: Brand, logical: LogicalType) -> String {
    let parameter = brand.dialect().parameter(1);
    match (brand, logical) {
        (Brand::Postgres, LogicalType::Verbatim) => format!("{parameter}::text"),
        _ => parameter,
    }
}

/// The expression over a bound parameter, and what to bind for a text.
fn inputs(brand: Brand, logical: LogicalType, text: Option<&str>) -> [(String, Value); 2] {
    let array = serde_json::json!([text]).to_string();
    [(parameter(brand, logical), text.into()), (from_json(brand).to_owned(), array.into())]
}

/// A native type as it can stand in CREATE TABLE; `None` where it needs more than that.
fn creatable(brand: Brand, native: &str) -> Option<&str> {
    let is_of_extension = brand.dialect().extension_types.iter().any(|one| one == native);
    match (brand, native) {
        _ if is_of_extension => None,
        (Brand::Postgres, "enum") => Some("mood"),
        (_, "[]") => Some("text[]"),
        (Brand::Postgres, "char" | "character") => Some("char(3000000)"),
        (Brand::Postgres, "name" | "bpchar") => Some("text"),
        (_, native) => Some(native),
    }
}

/// The native types of a logical one, and arrays and lengths of them.
fn natives(session: &dyn Session, logical: LogicalType) -> Vec<&'static str> {
    let brand = session.brand();
    let listed = mapping(session, logical).native.iter().map(String::as_str);
    let mut natives: Vec<&str> = listed.filter_map(|native| creatable(brand, native)).collect();
    if (brand, logical) == (Brand::Postgres, LogicalType::Verbatim) {
        let others = VERBATIM.iter().map(|(native, _)| *native);
        natives.extend(others.filter(|one| *one != "text[]"));
    }
    natives
}

fn samples(logical: LogicalType, native: &str) -> Vec<Option<String>> {
    match logical {
        LogicalType::Verbatim => {
            let known = VERBATIM.iter().find(|(name, _)| *name == native);
            // Where no others are known, as on SQLite, any list of texts is a value.
            let texts = known.map_or(TEXT_ARRAYS, |(_, texts)| *texts);
            let others = values::samples(logical, SEED).into_iter().filter(|_| native == "text[]");
            let known = texts.iter().map(|text| Some((*text).to_owned()));
            std::iter::once(None).chain(known).chain(others).collect()
        }
        _ => values::samples(logical, SEED),
    }
}

/// What has to become of a sample.
#[derive(Debug, PartialEq)]
enum Outcome {
    Same,
    Becomes(String),
    Refused,
    /// Within the width of the native type or not; the database decides, but never alters.
    SameOrRefused,
}

fn expected(brand: Brand, logical: LogicalType, native: &str, text: &str) -> Outcome {
    match (brand, logical) {
        (Brand::Postgres, LogicalType::Integer) => match native {
            "bigint" | "int8" | "bigserial" if text.parse::<i64>().is_ok() => Outcome::Same,
            "bigint" | "int8" | "bigserial" => Outcome::Refused,
            _ => Outcome::SameOrRefused,
        },
        (Brand::Postgres, LogicalType::Text) if native.starts_with("char(") => {
            // Blank padding of a fixed-length type is left out, and so are blanks at the end.
            Outcome::Becomes(text.trim_end_matches(' ').to_owned())
        }
        (Brand::Sqlite, LogicalType::Integer) if text.parse::<i64>().is_err() => Outcome::Refused,
        (Brand::Sqlite, LogicalType::Decimal) if native == "decimal_text" => Outcome::Same,
        (Brand::Sqlite, LogicalType::Decimal) => sqlite_decimal(text),
        (Brand::Sqlite, LogicalType::Float32 | LogicalType::Float64) => sqlite_float(text),
        (Brand::Sqlite, LogicalType::Json) if text.parse::<f64>().is_ok() => {
            // A bare number becomes an SQL number: at least its first 15 digits stay.
            if text.len() < 15 { Outcome::Same } else { Outcome::SameOrRefused }
        }
        _ => Outcome::Same,
    }
}

/// A number stays when it is a 64-bit integer or when a double gives its digits back.
fn sqlite_decimal(text: &str) -> Outcome {
    let double = canonical(LogicalType::Float64, text);
    let back = double.and_then(|text| canonical(LogicalType::Decimal, &text));
    if text.parse::<i64>().is_ok() || back.as_deref() == Ok(text) {
        Outcome::Same
    } else {
        Outcome::Refused
    }
}

/// SQLite computes text of doubles with little more than their own precision.
fn sqlite_float(text: &str) -> Outcome {
    let number: f64 = text.parse().unwrap();
    if text == "-0" {
        return Outcome::Becomes("0".to_owned());
    }
    let is_exact = number == 0.0 || !number.is_finite() || number.abs().log10().abs() < 100.0;
    if is_exact { Outcome::Same } else { Outcome::SameOrRefused }
}

async fn create(session: &mut dyn Session, native: &str) {
    session.raw("DROP TABLE IF EXISTS t").await.unwrap();
    session.raw(&format!("CREATE TEMPORARY TABLE t (v {native})")).await.unwrap();
}

async fn prepare(session: &mut dyn Session) {
    if session.brand() == Brand::Postgres {
        let labels = values::samples(LogicalType::Enum, SEED).into_iter().flatten();
        let labels: BTreeSet<_> =
            labels.map(|l| session.brand().dialect().text_literal(&l)).collect();
        let labels = labels.into_iter().collect::<Vec<_>>().join(", ");
        session.raw(&format!("CREATE TYPE pg_temp.mood AS ENUM ({labels})")).await.unwrap();
        session.raw("SET search_path = pg_temp, public").await.unwrap();
    }
    let dialect = session.brand().dialect();
    let all: BTreeSet<&String> =
        LogicalType::ALL.iter().flat_map(|one| &dialect.mapping(*one).settings).collect();
    for setting in all {
        session.raw(&format!("SET {setting}")).await.unwrap();
    }
}

/// Writes a canonical text by `from_text`, reads it by `to_text`; `Err` where it is refused.
async fn carry(
    session: &mut dyn Session,
    logical: LogicalType,
    native: &str,
    (expression, value): &(String, Value),
) -> Result<Option<String>, String> {
    let mapping = mapping(session, logical);
    let from_text = mapping.value_of(expression, native);
    let to_text = fill(&mapping.to_text, "v", native);
    session.raw("DELETE FROM t").await.unwrap();
    let insert = format!("INSERT INTO t (v) VALUES ({from_text})");
    let done = session.execute(&insert, std::slice::from_ref(value)).await;
    done.map_err(|fault| fault.to_string())?;
    let rows = session.fetch(&format!("SELECT {to_text} AS v FROM t"), &[]).await;
    let text = rows.map_err(|fault| fault.to_string())?[0].text("v");
    Ok(text.map(|text| canonical(logical, &text).unwrap_or_else(|bad| panic!("{bad}: {text}"))))
}

#[tokio::test]
async fn every_value_comes_back_or_is_refused() {
    for mut session in sessions().await {
        let session = session.as_mut();
        prepare(session).await;
        let brand = session.brand();
        for logical in LogicalType::ALL {
            for native in natives(session, logical) {
                create(session, native).await;
                let cast = if native.contains("serial") { "bigint" } else { native };
                for sample in samples(logical, native) {
                    for input in inputs(brand, logical, sample.as_deref()) {
                        let found = carry(session, logical, cast, &input).await;
                        judge(brand, logical, native, sample.as_deref(), &found);
                    }
                }
            }
        }
        println!("{brand}: every value comes back or is refused");
    }
}

fn judge(
    brand: Brand,
    logical: LogicalType,
    native: &str,
    sample: Option<&str>,
    found: &Result<Option<String>, String>,
) {
    let Some(text) = sample else {
        // A serial column cannot be NULL.
        assert!(native.contains("serial") || *found == Ok(None), "{brand} {native}: {found:?}");
        return;
    };
    let expected = expected(brand, logical, native, text);
    let is_as_expected = match (&expected, found) {
        (Outcome::Same, Ok(Some(back))) => back == text,
        (Outcome::Becomes(other), Ok(Some(back))) => back == other,
        (Outcome::Refused | Outcome::SameOrRefused, Err(_)) => true,
        (Outcome::SameOrRefused, Ok(Some(back))) => back == text || is_near(back, text),
        _ => false,
    };
    let shown: String = text.chars().take(60).collect();
    assert!(is_as_expected, "{brand} {logical} {native} `{shown}`: {expected:?}, {found:.200?}");
}

/// The first 15 digits agree: what SQLite promises of doubles far from 1.
fn is_near(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= b.abs() * 1e-15 || (a - b).abs() < 1e-322,
        _ => false,
    }
}

/// What is captured is what differs in canonical text, also under a collation that takes
/// letter case or trailing blanks lightly.
#[tokio::test]
async fn a_difference_is_a_difference_of_canonical_texts() {
    for mut session in sessions().await {
        let session = session.as_mut();
        prepare(session).await;
        for logical in LogicalType::ALL {
            let brand = session.brand();
            for native in collated(session, logical).await {
                differences(session, logical, &native).await;
            }
            println!("{brand}: differences of {logical}");
        }
    }
}

/// The native types to try, text with the least exact collations.
async fn collated(session: &mut dyn Session, logical: LogicalType) -> Vec<String> {
    let native = mapping(session, logical).native[0].clone();
    match (session.brand(), logical) {
        (Brand::Postgres, LogicalType::Text) => {
            let collation = "CREATE COLLATION pg_temp.light \
                             (provider = icu, locale = 'und-u-ks-level1', deterministic = false)";
            session.raw(collation).await.unwrap();
            vec![native.clone(), format!("{native} COLLATE pg_temp.light"), "varchar".to_owned()]
        }
        (Brand::Postgres, LogicalType::Enum) => vec!["mood".to_owned()],
        (Brand::Postgres, LogicalType::Verbatim) => {
            ["text[]", "float8[]", "char(3)[]", "interval", "inet", "point", "xml", "numrange"]
                .map(str::to_owned)
                .to_vec()
        }
        (Brand::Postgres, LogicalType::Json) => vec!["json".to_owned(), "jsonb".to_owned()],
        (Brand::Sqlite, LogicalType::Text | LogicalType::Uuid | LogicalType::Enum) => {
            vec![format!("{native} COLLATE NOCASE"), format!("{native} COLLATE RTRIM")]
        }
        _ => vec![native],
    }
}

async fn differences(session: &mut dyn Session, logical: LogicalType, native: &str) {
    let mapping = mapping(session, logical);
    session.raw("DROP TABLE IF EXISTS p").await.unwrap();
    let table = format!("CREATE TEMPORARY TABLE p (id INTEGER, a {native}, b {native})");
    session.raw(&table).await.unwrap();
    let cast = native.split(" COLLATE").next().unwrap();
    let samples: Vec<_> = samples(logical, cast)
        .into_iter()
        .filter(|sample| sample.as_ref().is_none_or(|text| text.len() < 1_000))
        .collect();
    let from = |n| mapping.value_of(&session.brand().dialect().parameter(n), cast);
    // The comments keep a prepared statement from being used for the next type's table.
    let insert =
        format!("INSERT INTO p (id, a, b) VALUES (1, {}, {}) -- {native}", from(1), from(2));
    session.begin(Mode::Write).await.unwrap();
    for sample in &samples {
        let both = [sample.clone().into(), sample.clone().into()];
        session.raw("SAVEPOINT s").await.unwrap();
        if session.execute(&insert, &both).await.is_err() {
            session.raw("ROLLBACK TO SAVEPOINT s").await.unwrap();
        }
    }
    session.commit().await.unwrap();
    let differs = mapping.differs.replace("{old}", "x.a").replace("{new}", "y.b");
    let query = format!(
        "SELECT {} AS a, {} AS b, CASE WHEN {differs} THEN 1 ELSE 0 END AS d FROM p x, p y \
         -- {native}",
        fill(&mapping.to_text, "x.a", cast),
        fill(&mapping.to_text, "y.b", cast),
    );
    let rows = session.fetch(&query, &[]).await.unwrap();
    assert!(rows.len() > 4);
    let canonical = |text: Option<String>| text.map(|text| canonical(logical, &text).unwrap());
    for row in rows {
        let (a, b) = (canonical(row.text("a")), canonical(row.text("b")));
        assert_eq!(row.integer("d") == Some(1), a != b, "{native}: {a:?} {b:?}");
    }
}

/// The settings of a type are needed, and no others are: with every setting that shows in any
/// text turned the wrong way, exactly the types that name settings change.
#[tokio::test]
async fn the_named_settings_are_the_needed_ones() {
    const HOSTILE: [&str; 7] = [
        "timezone = 'Asia/Kolkata'",
        "datestyle = 'SQL, DMY'",
        "extra_float_digits = 0",
        "intervalstyle = 'sql_standard'",
        "bytea_output = 'escape'",
        "standard_conforming_strings = off",
        "lc_numeric = 'C'",
    ];
    let Some(mut session) = postgres().await else { return };
    let session = session.as_mut();
    prepare(session).await;
    let mut steady = 0;
    for (logical, native) in settled(session) {
        let settings = Brand::Postgres.dialect().settings([(logical, native)]);
        let good = texts_under(session, logical, native, &[]).await;
        let bad = texts_under(session, logical, native, &HOSTILE).await;
        assert_eq!(good == bad, settings.is_empty(), "{logical} {native}: {good:?} {bad:?}");
        steady += usize::from(settings.is_empty());
        let mut mended: Vec<&str> = HOSTILE.to_vec();
        mended.extend(&settings);
        assert_eq!(texts_under(session, logical, native, &mended).await, good, "{native}");
        for left_out in &settings {
            let mut without: Vec<&str> = HOSTILE.to_vec();
            without.extend(settings.iter().filter(|one| *one != left_out));
            let texts = texts_under(session, logical, native, &without).await;
            assert_ne!(texts, good, "{logical} {native} does not need {left_out}");
        }
    }
    assert!(steady > 20, "{steady}");
}

/// One native type of each meaning, and all that PostgreSQL alone has but those of the
/// application, which may need any setting.
fn settled(session: &dyn Session) -> Vec<(LogicalType, &'static str)> {
    let dialect = Brand::Postgres.dialect();
    let one =
        |logical| natives(session, logical).into_iter().take(1).map(move |one| (logical, one));
    let others = LogicalType::ALL.into_iter().filter(|one| *one != LogicalType::Verbatim);
    let verbatim = natives(session, LogicalType::Verbatim).into_iter();
    let known = verbatim.filter(|native| dialect.has_type(native));
    others.flat_map(one).chain(known.map(|native| (LogicalType::Verbatim, native))).collect()
}

/// The raw `to_text` of every sample, as a session with these settings sees it.
async fn texts_under(
    session: &mut dyn Session,
    logical: LogicalType,
    native: &str,
    settings: &[&str],
) -> Vec<Option<String>> {
    let mapping = mapping(session, logical);
    session.begin(Mode::Write).await.unwrap();
    for setting in settings {
        session.raw(&format!("SET LOCAL {setting}")).await.unwrap();
    }
    let (from_text, mut texts) =
        (mapping.value_of(&parameter(Brand::Postgres, logical), native), Vec::new());
    let query = format!("SELECT {} AS v", fill(&mapping.to_text, &from_text, native));
    for sample in samples(logical, native) {
        session.raw("SAVEPOINT s").await.unwrap();
        match session.fetch(&query, &[sample.into()]).await {
            Ok(rows) => texts.push(rows[0].text("v")),
            Err(_) => session.raw("ROLLBACK TO SAVEPOINT s").await.unwrap(),
        }
    }
    session.rollback().await.unwrap();
    texts
}

/// PostgreSQL writes everything but JSON canonically by itself, floats digit by digit.
#[tokio::test]
async fn the_text_of_postgres_is_canonical() {
    let Some(mut session) = postgres().await else { return };
    let session = session.as_mut();
    prepare(session).await;
    for logical in LogicalType::ALL.into_iter().filter(|logical| *logical != LogicalType::Json) {
        let mapping = mapping(session, logical);
        let mut natives = natives(session, logical);
        if logical != LogicalType::Verbatim {
            natives.truncate(1);
        }
        for native in natives {
            let native = if logical == LogicalType::Integer { "bigint" } else { native };
            let value = mapping.value_of(&parameter(Brand::Postgres, logical), native);
            let query = format!("SELECT {} AS v", fill(&mapping.to_text, &value, native));
            let random = (0..20).flat_map(|seed| values::samples(logical, seed));
            let random = random.filter(|_| logical != LogicalType::Verbatim || native == "text[]");
            for sample in samples(logical, native).into_iter().chain(random) {
                if sample.as_deref() == Some("18446744073709551615") {
                    continue;
                }
                let rows = session.fetch(&query, &[sample.clone().into()]).await.unwrap();
                assert_eq!(rows[0].text("v"), sample, "{logical} {native}");
            }
        }
    }
}

/// What PostgreSQL keeps beyond the value: scale, padding, the zone of the writer.
#[tokio::test]
async fn postgres_writes_values_without_their_trimmings() {
    const CASES: &[(LogicalType, &str, &str)] = &[
        (LogicalType::Decimal, "12.500::numeric(10,3)", "12.5"),
        (LogicalType::Decimal, "100::numeric(10,3)", "100"),
        (LogicalType::Text, "'ab'::char(5)", "ab"),
        (LogicalType::Text, "' ab '::varchar(5)", " ab "),
        (LogicalType::Binary, "'\\x00FF'::bytea", "00ff"),
        (LogicalType::Time, "'10:30:00.500'::time(3)", "10:30:00.5"),
        (LogicalType::TimestampTz, "'2025-05-25 00:00+05:30'::timestamptz", "2025-05-24 18:30:00Z"),
        (
            LogicalType::Uuid,
            "'{0F8FAD5B-D9CB-469F-A165-70867728950E}'::uuid",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
        ),
    ];
    let Some(mut session) = postgres().await else { return };
    let session = session.as_mut();
    prepare(session).await;
    for (logical, written, expected) in CASES {
        let to_text = fill(&mapping(session, *logical).to_text, written, "");
        let rows = session.fetch(&format!("SELECT {to_text} AS v"), &[]).await.unwrap();
        assert_eq!(rows[0].text("v").as_deref(), Some(*expected), "{written}");
    }
}

/// What a column of SQLite may hold although its declared type says otherwise.
#[tokio::test]
async fn sqlite_says_something_true_of_every_storage_class() {
    const CASES: &[(LogicalType, &str, &str, Option<&str>)] = &[
        (LogicalType::Boolean, "boolean", "1", Some("true")),
        (LogicalType::Boolean, "boolean", "0.0", Some("false")),
        (LogicalType::Boolean, "boolean", "'TRUE'", Some("true")),
        (LogicalType::Boolean, "boolean", "2", None),
        (LogicalType::Boolean, "boolean", "x'01'", None),
        (LogicalType::Integer, "integer", "5.0", Some("5")),
        (LogicalType::Integer, "integer", "'12'", Some("12")),
        (LogicalType::Integer, "integer", "5.5", None),
        (LogicalType::Integer, "integer", "123456789012345.6", None),
        (LogicalType::Integer, "integer", "1e19", None),
        (LogicalType::Integer, "integer", "x'31'", None),
        (LogicalType::Integer, "integer", "'twelve'", None),
        (LogicalType::Float64, "real", "5", Some("5")),
        (LogicalType::Float64, "real", "'0.30000000000000004'", Some("0.30000000000000004")),
        (LogicalType::Float64, "real", "0.1 + 0.2", Some("0.30000000000000004")),
        (LogicalType::Float64, "real", "9e999", Some("Infinity")),
        (LogicalType::Float64, "real", "'n/a'", None),
        (LogicalType::Float64, "real", "x'ff'", None),
        (LogicalType::Decimal, "decimal(10,2)", "'12.50'", Some("12.5")),
        (LogicalType::Decimal, "decimal(10,2)", "1.1 * 1.1", Some("1.2100000000000002")),
        (LogicalType::Decimal, "decimal(10,2)", "1e20", Some("100000000000000000000")),
        (LogicalType::Decimal, "decimal_text", "'0.10'", Some("0.1")),
        (LogicalType::Text, "varchar(10)", "12", Some("12")),
        (LogicalType::Text, "varchar(10)", "x'ff00'", Some("\\xff00")),
        (LogicalType::Text, "text", "'a' || char(0) || 'b'", Some("a\0b")),
        (LogicalType::Binary, "blob", "x''", Some("")),
        (LogicalType::Binary, "blob", "'12'", Some("3132")),
        (LogicalType::Binary, "blob", "zeroblob(3)", Some("000000")),
        (LogicalType::Date, "date", "'2025-05-25 00:00:00'", Some("2025-05-25")),
        (LogicalType::Date, "date", "1748131200", None),
        (LogicalType::Date, "date", "2460820.5", None),
        (
            LogicalType::Timestamp,
            "datetime",
            "'2025-05-25T10:00:00.000Z'",
            Some("2025-05-25 10:00:00"),
        ),
        (
            LogicalType::Timestamp,
            "datetime",
            "datetime('2025-05-25', '+1 day')",
            Some("2025-05-26 00:00:00"),
        ),
        (
            LogicalType::TimestampTz,
            "timestamptz",
            "'2025-05-25 10:00:00+02:00'",
            Some("2025-05-25 08:00:00Z"),
        ),
        (
            LogicalType::Uuid,
            "uuid",
            "x'0f8fad5bd9cb469fa16570867728950e'",
            Some("0f8fad5b-d9cb-469f-a165-70867728950e"),
        ),
        (LogicalType::Json, "json", "'{\"b\": 1, \"a\": 2}'", Some("{\"a\":2,\"b\":1}")),
        (LogicalType::Json, "json", "x'1234'", None),
    ];
    let mut session = db::connect("sqlite::memory:").await.unwrap();
    for (logical, native, stored, expected) in CASES {
        create(session.as_mut(), native).await;
        session.raw(&format!("INSERT INTO t VALUES ({stored})")).await.unwrap();
        let to_text = fill(&mapping(session.as_ref(), *logical).to_text, "v", native);
        let rows = session.fetch(&format!("SELECT {to_text} AS v FROM t"), &[]).await.unwrap();
        let found = canonical(*logical, &rows[0].text("v").unwrap()).ok();
        assert_eq!(found.as_deref(), *expected, "{native} {stored}");
    }
}

#[tokio::test]
async fn sqlite_refuses_with_a_reason() {
    let mut session = db::connect("sqlite::memory:").await.unwrap();
    create(session.as_mut(), "decimal(38,10)").await;
    let input = ("?1".to_owned(), Value::from("12345678901234567890.5"));
    let refused = carry(session.as_mut(), LogicalType::Decimal, "decimal(38,10)", &input).await;
    assert!(refused.unwrap_err().contains("refused: more digits than a REAL holds"));
}

/// The driver gives extended result codes, and the dialect file knows them.
#[tokio::test]
async fn faults_of_sqlite_are_told_apart() {
    const CASES: &[(&str, &str, FaultKind)] = &[
        ("INSERT INTO c VALUES (1, 1, 1, 1)", "1555", FaultKind::Conflict),
        ("INSERT INTO c VALUES (2, 1, 1, 1)", "2067", FaultKind::Conflict),
        ("INSERT INTO c VALUES (2, 2, NULL, 1)", "1299", FaultKind::Conflict),
        ("INSERT INTO c VALUES (2, 2, -1, 1)", "275", FaultKind::Conflict),
        ("INSERT INTO c VALUES (2, 2, 1, 9)", "787", FaultKind::Conflict),
        ("INSERT INTO s VALUES ('x')", "3091", FaultKind::Conflict),
        ("INSERT INTO missing VALUES (1)", "1", FaultKind::Rejected),
    ];
    let mut session = db::connect("sqlite::memory:").await.unwrap();
    session
        .raw(
            "CREATE TABLE c (id INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL CHECK (n > 0), \
             f REFERENCES c (id)); CREATE TABLE s (v INTEGER) STRICT; \
             INSERT INTO c VALUES (1, 1, 1, 1)",
        )
        .await
        .unwrap();
    for (sql, code, kind) in CASES {
        let fault = session.execute(sql, &[]).await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind), (*code, *kind), "{sql}");
    }
}

#[tokio::test]
async fn files_that_sqlite_cannot_use_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let missing = db::connect(&url("missing.db")).await.err().unwrap();
    assert_eq!((missing.code.as_str(), missing.kind), ("14", FaultKind::Gone));

    std::fs::write(folder.path().join("text.db"), "this is no database, ".repeat(100)).unwrap();
    let garbage = match db::connect(&url("text.db")).await {
        Ok(mut session) => session.fetch("SELECT name FROM sqlite_master", &[]).await.unwrap_err(),
        Err(fault) => fault,
    };
    assert_eq!((garbage.code.as_str(), garbage.kind), ("26", FaultKind::Gone));

    let mut first = db::connect(&format!("{}?mode=rwc", url("a.db"))).await.unwrap();
    first.raw("CREATE TABLE t (v)").await.unwrap();
    let mut reader = db::connect(&format!("{}?mode=ro", url("a.db"))).await.unwrap();
    let readonly = reader.execute("INSERT INTO t VALUES (1)", &[]).await.unwrap_err();
    assert_eq!((readonly.code.as_str(), readonly.kind), ("8", FaultKind::Denied));

    let mut second = db::connect(&url("a.db")).await.unwrap();
    second.raw("PRAGMA busy_timeout = 10").await.unwrap();
    first.begin(Mode::Write).await.unwrap();
    let busy = second.begin(Mode::Write).await.unwrap_err();
    assert_eq!((busy.code.as_str(), busy.kind), ("5", FaultKind::Transient));
}
