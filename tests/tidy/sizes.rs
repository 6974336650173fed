//! How long things may be.

use crate::source::{File, expect_none, files};

const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 70;
/// A test may be a list of cases.
const TEST_FUNCTION_LINES: usize = 100;
const LINE_COLUMNS: usize = 100;
/// A test may have a statement on one line.
const TEST_COLUMNS: usize = 160;
/// A statement that is one list of expressions is easier to read in long lines than in many.
const TEMPLATE_COLUMNS: usize = 160;
const TEMPLATE_LINES: usize = 140;
/// Besides comments, which say where a fact was found.
const DIALECT_LINES: usize = 320;

fn sources() -> Vec<File> {
    let mut sources = files("src", ".rs");
    sources.extend(files("tests", ".rs"));
    sources
}

#[test]
fn files_and_lines_are_short() {
    let mut complaints = Vec::new();
    for file in sources() {
        let is_test = file.path.starts_with("tests/");
        let columns = if is_test { TEST_COLUMNS } else { LINE_COLUMNS };
        check(&file, FILE_LINES, columns, &mut complaints);
    }
    for file in files("templates", ".sql.tera") {
        check(&file, TEMPLATE_LINES, TEMPLATE_COLUMNS, &mut complaints);
    }
    for mut file in files("dialects", ".yaml") {
        let is_fact = |line: &&str| !line.is_empty() && !line.trim_start().starts_with('#');
        file.text = file.text.lines().filter(is_fact).collect::<Vec<_>>().join("\n");
        check(&file, DIALECT_LINES, usize::MAX, &mut complaints);
    }
    expect_none(&complaints);
}

fn check(file: &File, lines_max: usize, columns_max: usize, complaints: &mut Vec<String>) {
    let lines = file.text.lines().count();
    if lines > lines_max {
        complaints.push(format!("{} has {lines} lines, {lines_max} are allowed", file.path));
    }
    for (index, line) in file.text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > columns_max {
            complaints.push(format!("{}: {columns} columns", file.at(index + 1)));
        }
        if line.trim_end() != line {
            complaints.push(format!("{}: blanks at the end", file.at(index + 1)));
        }
    }
}

#[test]
fn functions_are_short() {
    let mut complaints = Vec::new();
    for file in sources() {
        for (line, name, length) in functions(&file.text) {
            let is_test = file.path.starts_with("tests/");
            if length > if is_test { TEST_FUNCTION_LINES } else { FUNCTION_LINES } {
                complaints.push(format!("{}: `{name}` has {length} lines", file.at(line)));
            }
        }
    }
    expect_none(&complaints);
}

/// Line, name and length of each function. The formatter puts a body's end below its beginning.
fn functions(text: &str) -> Vec<(usize, String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((before, after)) = line.split_once("fn ") else { continue };
        let words = ["pub", "pub(super)", "pub(crate)", "const", "async"];
        if !before.split_whitespace().all(|word| words.contains(&word)) {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let (open, close) = (format!("{indent}{{"), format!("{indent}}}"));
        let body = lines[index..].iter().take_while(|line| **line != close).count();
        let has_body = line.ends_with('{')
            || lines[index..index + body].iter().take_while(|line| !line.ends_with(';')).any(
                |line| *line == open || *line == format!("{indent}) {{") || is_end(line, indent),
            );
        if has_body {
            let name = after.split(['(', '<']).next().unwrap_or_default().to_owned();
            found.push((index + 1, name, body + 1));
        }
    }
    found
}

/// `) -> Type {` below the parameters.
fn is_end(line: &str, indent: &str) -> bool {
    line.starts_with(&format!("{indent})")) && line.ends_with('{')
}

#[test]
fn functions_are_measured_whole() {
    let text = "fn one(\n    a: u8,\n) -> u8 {\n    a\n}\n\ntrait T {\n    fn two(&self);\n}\n";
    assert_eq!(functions(text), [(1, "one".to_owned(), 5)]);
}
