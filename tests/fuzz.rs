//! What reads text from outside neither panics nor hangs, whatever the text is.
//!
//! Each target takes the files of its corpus, `tests/fuzz/<target>/`, as they are, and then
//! mutates them: seeded, so that a run can be repeated. `OUTRIGGER_FUZZ_RUNS` says how many
//! mutations a target gets, `OUTRIGGER_FUZZ_SEED` the first of them. What was found once is kept
//! as a file of the corpus.

mod mutation;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use outrigger::dialect::Brand;
use outrigger::import::command::parse_command;
use outrigger::schema::Source;
use outrigger::{config, schema};

use mutation::Mutator;

/// No text of a few kilobytes may take as long.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many mutations there are between two lines that say how far a long run is.
const PROGRESS_RUNS: u64 = 50_000;

/// The stack of a thread that tokio or `std` starts, which is the least that the readers get.
const STACK_BYTES: usize = 2 << 20;

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::vars().find(|(name, _)| name == variable);
    text.map_or(default, |(_, text)| text.parse().expect("it is a number"))
}

/// The texts of a corpus, by file name.
fn corpus(target: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(target);
    let mut texts: Vec<_> = std::fs::read_dir(&folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("it can be listed").path())
        .map(|path| {
            let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("it is UTF-8"))
        })
        .collect();
    texts.sort();
    assert!(texts.len() >= 4, "the corpus of {target} is there");
    texts
}

/// Says on the disk what is being read, for a stack that overflows takes the process along:
/// `target/tmp/fuzz_<target>` names the last text.
fn note(target: &str, what: &str) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz_{target}"));
    std::fs::write(path, what).expect("the folder of tests can be written");
}

/// Gives the target its corpus and its mutations, in a thread that is watched.
fn fuzz(target: &'static str, read: fn(&str)) {
    let runs = number("OUTRIGGER_FUZZ_RUNS", 1_500);
    let first = number("OUTRIGGER_FUZZ_SEED", 0);
    let (sender, receiver) = channel();
    let worker = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        let texts = corpus(target);
        for (name, text) in &texts {
            note(target, name);
            sender.send(name.clone()).expect("somebody watches");
            read(text);
        }
        let mutator = Mutator::new(texts.into_iter().map(|(_, text)| text).collect());
        for seed in first..first + runs {
            note(target, &format!("seed {seed}"));
            sender.send(format!("seed {seed}")).expect("somebody watches");
            read(&mutator.text(seed));
            if (seed - first + 1).is_multiple_of(PROGRESS_RUNS) {
                println!("{target}: {} of {runs} runs", seed - first + 1);
            }
        }
    });
    let worker = worker.expect("a thread can be started");
    let mut last = String::new();
    loop {
        match receiver.recv_timeout(PATIENCE) {
            Ok(now) => last = now,
            Err(RecvTimeoutError::Timeout) => panic!("{target} hangs at {last}"),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    assert!(worker.join().is_ok(), "{target} panics at {last}");
}

fn read_ddl(text: &str) {
    for brand in Brand::ALL {
        // Findings and errors are both answers.
        let _ = schema::parse(&[Source { path: "fuzz.sql", text }], brand);
    }
}

fn read_config(text: &str) {
    let _ = config::parse("fuzz.yaml", text, &BTreeMap::new());
}

fn read_command(text: &str) {
    for brand in Brand::ALL {
        let _ = parse_command(text, Some(brand));
    }
    let _ = parse_command(text, None);
}

#[test]
fn ddl_of_any_kind_is_read_or_refused() {
    fuzz("ddl", read_ddl);
}

#[test]
fn a_configuration_of_any_kind_is_read_or_refused() {
    fuzz("config", read_config);
}

#[test]
fn a_command_of_any_kind_is_read_or_refused() {
    fuzz("command", read_command);
}

/// What makes parsers recurse, or look again at what they have seen.
#[test]
fn nesting_and_chains_of_any_length_are_read_or_refused() {
    let worker = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        for length in [1_000, 20_000] {
            let deep = format!("{}1{}", "(".repeat(length), ")".repeat(length));
            let wide = vec!["1"; length].join(" + ");
            let minus = "- ".repeat(length) + "1";
            let not = "NOT ".repeat(length) + "1";
            let case = "CASE WHEN 1 THEN ".repeat(length);
            let array = format!("{}1{}", "ARRAY[".repeat(length), "]".repeat(length));
            let casts = format!("1{}", "::int".repeat(length));
            let both = vec!["a = 1"; length].join(" AND ");
            for (index, value) in
                [deep, wide, minus, not, case, array, casts, both].into_iter().enumerate()
            {
                note("nesting", &format!("DDL {index} of {length}"));
                read_ddl(&format!("CREATE TABLE t (id int DEFAULT {value} NOT NULL)"));
                read_ddl(&format!("CREATE TABLE t (a int, b int GENERATED ALWAYS AS ({value}))"));
                read_ddl(&format!("CREATE TABLE t (a int, b AS {value}, PRIMARY KEY ({value}))"));
                read_ddl(&format!("CREATE TABLE t (a int CHECK ({value}))"));
                read_ddl(&format!(
                    "CREATE TABLE t (a int); ALTER TABLE t ADD DEFAULT {value} FOR a"
                ));
                note("nesting", &format!("command {index} of {length}"));
                read_command(&format!("UPDATE t SET a = {value} WHERE {value}"));
                read_command(&format!("INSERT INTO t (a) VALUES ({value})"));
            }
            note("nesting", &format!("the rest of {length}"));
            read_ddl(&"/*".repeat(length));
            read_ddl(&"CREATE TABLE ".repeat(length));
            read_ddl(&"$a$".repeat(length + 1));
            read_ddl(&"$1 ".repeat(length));
            read_ddl(&"a;".repeat(length));
            read_ddl(&format!("CREATE TABLE t ({})", "a".repeat(length)));
            read_config(&"[".repeat(length));
            read_config(&"a: ".repeat(length));
            read_config(&"- ".repeat(length));
        }
    });
    assert!(worker.expect("a thread can be started").join().is_ok());
}
