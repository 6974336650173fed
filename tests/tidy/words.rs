//! Words that are not to be found in the sources, and words that have to be.

use crate::source::{expect_none, files, has_word};

#[test]
fn every_source_begins_with_a_sentence() {
    let mut complaints = Vec::new();
    for file in files("src", ".rs").iter().chain(&files("tests", ".rs")) {
        let first = file.text.lines().next().unwrap_or_default();
        let sentence = first.strip_prefix("//! ").unwrap_or_default();
        // The whole paragraph, since a sentence may be longer than a line.
        let paragraph: Vec<&str> = file
            .text
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .take_while(|line| !line.trim().is_empty())
            .collect();
        let ends = paragraph.last().is_some_and(|line| line.ends_with(['.', ':']));
        if sentence.is_empty() || !ends {
            complaints.push(format!("{}: begin with `//!` and a sentence", file.path));
        }
    }
    expect_none(&complaints);
}

/// What shipped code may not have in it, and what to do instead.
const FORBIDDEN: [(&str, &str); 9] = [
    (".unwrap()", "`expect` the invariant, or return an error"),
    ("HashMap", "iteration order would reach the SQL; use BTreeMap"),
    ("HashSet", "iteration order would reach the SQL; use BTreeSet"),
    ("todo!", "finish it, or leave it out"),
    ("unimplemented!", "finish it, or leave it out"),
    ("panic!", "return an error, or `expect` the invariant"),
    ("dbg!", "nobody asked"),
    ("#[allow", "`#[expect(…, reason = …)]` goes when it is not needed any more"),
    ("anyhow", "each room has its own error enum"),
];

#[test]
fn shipped_code_avoids_what_the_house_does_not_want() {
    let mut complaints = Vec::new();
    for file in files("src", ".rs") {
        for (line, text) in file.code() {
            for (word, instead) in FORBIDDEN.iter().filter(|(word, _)| text.contains(word)) {
                complaints.push(format!("{}: {word}: {instead}", file.at(line)));
            }
        }
    }
    expect_none(&complaints);
}

#[test]
fn nothing_is_left_to_be_done() {
    // In pieces, so that this file is not found.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let mut complaints = Vec::new();
    let folders = [("src", ".rs"), ("tests", ".rs"), ("templates", ".tera"), ("dialects", ".yaml")];
    for file in folders.iter().flat_map(|(folder, ending)| files(folder, ending)) {
        for (index, text) in file.text.lines().enumerate() {
            for mark in marks.iter().filter(|mark| has_word(text, mark)) {
                complaints.push(format!("{}: {mark} is an issue's word", file.at(index + 1)));
            }
        }
    }
    expect_none(&complaints);
}

/// Beginnings of SQL that belongs into a template.
const STATEMENTS: [&str; 12] = [
    "SELECT ",
    "INSERT INTO",
    "UPDATE {",
    "DELETE FROM",
    "CREATE TABLE",
    "CREATE VIEW",
    "CREATE TRIGGER",
    "CREATE INDEX",
    "DROP TABLE",
    "DROP TRIGGER",
    "ALTER TABLE",
    "MERGE INTO",
];

/// Files that have SQL in them all the same, and why.
const HAS_SQL: [(&str, &str); 5] = [
    ("src/review/example.rs", "the fixed words of `object_operation_command`"),
    ("src/render/filters.rs", "the fixed words of `object_operation_command`"),
    ("src/schema/ddl.rs", "the names of statements, for messages"),
    ("src/schema/sign/mod.rs", "the name of a statement that could not be read"),
    ("src/db/sqlserver.rs", "whether the database allows snapshots is asked at each begin"),
];

#[test]
fn sql_stands_in_templates() {
    let mut complaints = Vec::new();
    for file in files("src", ".rs") {
        if HAS_SQL.iter().any(|(path, _)| *path == file.path) {
            continue;
        }
        for (line, text) in file.code() {
            // An odd piece between quotation marks is inside a literal.
            let literals = text.split('"').skip(1).step_by(2);
            for literal in literals {
                for word in STATEMENTS.iter().filter(|word| literal.contains(**word)) {
                    complaints.push(format!("{}: {word}… belongs into a template", file.at(line)));
                }
            }
        }
    }
    for (path, _) in HAS_SQL {
        let text = crate::source::read(path);
        let is_needed = STATEMENTS.iter().any(|word| text.contains(word));
        assert!(is_needed, "{path} has no SQL any more");
    }
    expect_none(&complaints);
}
