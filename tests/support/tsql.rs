//! Whether a text is T-SQL that SQL Server 2016 reads, by Microsoft's own parser.
//!
//! `OUTRIGGER_MAXDOP` is the path of the `maxdop` executable (PyPI package `maxdop`): it carries
//! ScriptDom with its grammar for each version. It knows syntax, not names: what is newer than
//! 2016 and looks like any function is refused here by a list.

use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const GRAMMAR: &str = "2016";

/// Functions that SQL Server 2016 does not have.
const NEWER_FUNCTIONS: [&str; 22] = [
    "APPROX_COUNT_DISTINCT",
    "BASE64_DECODE",
    "BASE64_ENCODE",
    "BIT_COUNT",
    "CONCAT_WS",
    "DATE_BUCKET",
    "DATETRUNC",
    "GENERATE_SERIES",
    "GREATEST",
    "JSON_ARRAY",
    "JSON_ARRAYAGG",
    "JSON_OBJECT",
    "JSON_OBJECTAGG",
    "JSON_PATH_EXISTS",
    "LEAST",
    "LEFT_SHIFT",
    "REGEXP_LIKE",
    "RIGHT_SHIFT",
    "STRING_AGG",
    "TRANSLATE",
    "TRIM",
    "UNISTR",
];

/// The parser, if there is one on this machine; says so by name if there is none.
///
/// # Panics
/// When `OUTRIGGER_TEST_REQUIRE` lists `maxdop` and there is none.
pub(crate) fn maxdop() -> Option<PathBuf> {
    let path = env::var_os("OUTRIGGER_MAXDOP").map(PathBuf::from);
    let required = env::var("OUTRIGGER_TEST_REQUIRE").unwrap_or_default();
    if path.is_none() {
        let is_required = required.split(',').any(|name| name.trim() == "maxdop");
        assert!(!is_required, "maxdop is required, but OUTRIGGER_MAXDOP is not set");
        eprintln!("skipped: no maxdop (OUTRIGGER_MAXDOP is not set)");
    }
    path
}

/// Checks batches that are separated by lines of `GO`. The error names line and column.
/// Without a parser everything passes, see [`maxdop`].
///
/// # Errors
/// With what the parser says, or with the function that 2016 does not have.
///
/// # Panics
/// When the parser cannot be run.
pub(crate) fn parse_tsql(sql: &str) -> Result<(), String> {
    if let Some(newer) = newer_function(sql) {
        return Err(format!("{newer} is newer than SQL Server {GRAMMAR}"));
    }
    let Some(path) = maxdop() else { return Ok(()) };
    let mut parser = Command::new(&path)
        .args(["--parser-version", GRAMMAR])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", path.display()));
    let mut input = parser.stdin.take().expect("stdin is piped");
    // It ends each line so in what it writes, and compares: inside of names and literals too.
    let text = sql.replace("\r\n", "\n").replace('\n', "\r\n");
    // In a thread of its own, since the parser may answer before it has read everything.
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let answer = parser.wait_with_output().expect("the parser ends");
    let _ = writer.join().expect("the writer does not panic");
    if answer.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&answer.stderr).trim().to_owned())
}

/// The first call of a function that 2016 lacks, outside texts, quoted names and comments.
fn newer_function(sql: &str) -> Option<&'static str> {
    let code = code_only(sql).to_ascii_uppercase();
    let mut words = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.find_map(|word| NEWER_FUNCTIONS.into_iter().find(|name| *name == word))
}

fn code_only(sql: &str) -> String {
    let mut code = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(letter) = rest.chars().next() {
        let end = match letter {
            '\'' | '"' => Some(letter.to_string()),
            '[' => Some("]".to_owned()),
            '-' if rest.starts_with("--") => Some("\n".to_owned()),
            '/' if rest.starts_with("/*") => Some("*/".to_owned()),
            _ => None,
        };
        let Some(end) = end else {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
            continue;
        };
        let start = if end == "*/" { 2 } else { 1 };
        let stop = rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len());
        rest = &rest[stop..];
        code.push(' ');
    }
    code
}
