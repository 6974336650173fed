//! Documents as tests: their commands are run, their output is compared, their files are made.
//!
//! In a document a block of `sh` is run by bash in a folder of its own, `outrigger` being the
//! binary under test; a block of `text` right behind it is what it prints. `sh skip` is not run,
//! `sh exits 1` ends with that code. A block of another language whose first line is a comment
//! with a file's name (`-- schema.sql`, `# outrigger.yaml`) is that file. In expected output a
//! line of `…` stands for any lines. Times, milliseconds and runs of blanks are not compared.
//!
//! With `OUTRIGGER_UPDATE_DOCS` set the outputs in the document are written anew instead.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Writes documents anew instead of comparing.
const UPDATE: &str = "OUTRIGGER_UPDATE_DOCS";
/// Brands and programs, separated by commas, whose absence is a failure.
const REQUIRE: &str = "OUTRIGGER_TEST_REQUIRE";
/// Stands for any lines of output.
const ANY: &str = "…";

/// A document that is to be run.
pub struct Document {
    path: PathBuf,
    lines: Vec<String>,
    variables: Vec<(String, String)>,
    folder: tempfile::TempDir,
}

/// A fenced block: its first line within the fence and the one behind the last, from 0.
#[derive(Debug, Clone)]
struct Block {
    info: String,
    first: usize,
    end: usize,
}

impl Document {
    /// A document of the repository, by its path; the part from the heading that begins with
    /// `heading` to the next of the same level.
    pub fn read(path: &str, heading: Option<&str>) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let text = std::fs::read_to_string(&path).expect("the document is there");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if let Some(heading) = heading {
            // Lines of other parts are emptied, so that line numbers stay right.
            let begin = lines.iter().position(|line| line.starts_with(heading)).expect(heading);
            let level = format!("{} ", heading.split(' ').next().unwrap());
            let rest = lines[begin + 1..].iter().position(|line| line.starts_with(&level));
            let end = rest.map_or(lines.len(), |rest| begin + 1 + rest);
            for (index, line) in lines.iter_mut().enumerate() {
                if index < begin || index >= end {
                    line.clear();
                }
            }
        }
        let folder = tempfile::tempdir().unwrap();
        Self { path, lines, variables: Vec::new(), folder }
    }

    /// A variable of the commands.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A file beside the document, copied to where the commands run.
    pub fn with_file(self, name: &str) -> Self {
        let from = self.path.parent().unwrap().join(name);
        std::fs::copy(&from, self.folder.path().join(name)).expect(name);
        self
    }

    /// Runs the blocks in their order.
    pub fn run(self) {
        let blocks = self.blocks();
        let mut outputs: Vec<(Block, String)> = Vec::new();
        for (index, block) in blocks.iter().enumerate() {
            let words: Vec<&str> = block.info.split_whitespace().collect();
            if words.first() != Some(&"sh") {
                self.make_file(block);
                continue;
            }
            if words.get(1) == Some(&"skip") {
                continue;
            }
            let wanted = match words.get(1..3) {
                Some(["exits", code]) => code.parse().expect("an exit code"),
                _ => 0,
            };
            let (code, output) = self.shell(&self.text(block));
            let place = format!("{}:{}", self.path.display(), block.first + 1);
            assert_eq!(code, wanted, "{place} exits with {code}\n{output}");
            let next = blocks.get(index + 1);
            if let Some(next) = next.filter(|next| next.info == "text" && self.follows(next, block))
            {
                let expected = self.text(next);
                if is_updating() && !expected.contains(ANY) {
                    outputs.push((next.clone(), output));
                } else if !is_updating() {
                    assert!(
                        is_like(&expected, &output),
                        "{place}\nexpected\n{expected}\ngot\n{output}"
                    );
                }
            }
        }
        self.rewrite(outputs);
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (index, line) in self.lines.iter().enumerate() {
            let Some(info) = line.strip_prefix("```") else { continue };
            match open.take() {
                Some(block) => blocks.push(Block { end: index, ..block }),
                None => open = Some(Block { info: info.to_owned(), first: index + 1, end: 0 }),
            }
        }
        blocks
    }

    /// Whether nothing but a blank line stands between two blocks.
    fn follows(&self, next: &Block, block: &Block) -> bool {
        self.lines[block.end + 1..next.first - 1].iter().all(|line| line.trim().is_empty())
    }

    fn text(&self, block: &Block) -> String {
        let mut text = self.lines[block.first..block.end].join("\n");
        text.push('\n');
        text
    }

    fn make_file(&self, block: &Block) {
        let text = self.text(block);
        let first = text.lines().next().unwrap_or("");
        let name = first.strip_prefix("-- ").or_else(|| first.strip_prefix("# ")).unwrap_or("");
        let is_name = name.contains('.') && !name.contains(' ');
        if is_name && (block.info == "sql" || block.info == "yaml") {
            std::fs::write(self.folder.path().join(name), text).unwrap();
        }
    }

    /// Runs a script; its exit code, and stdout and stderr together.
    fn shell(&self, script: &str) -> (i32, String) {
        let binary = Path::new(env!("CARGO_BIN_EXE_outrigger")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let script = script.replace("cargo run -- ", "outrigger ");
        let output = Command::new("bash")
            .arg("-c")
            .arg(format!("exec 2>&1\nset -eu\n{script}"))
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", binary.display()))
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .envs(self.variables.clone())
            .stdin(Stdio::null())
            .output()
            .expect("bash runs");
        let text = String::from_utf8(output.stdout).expect("the output is UTF-8");
        (output.status.code().unwrap_or(-1), text)
    }

    fn rewrite(&self, outputs: Vec<(Block, String)>) {
        if outputs.is_empty() {
            return;
        }
        let text = std::fs::read_to_string(&self.path).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (block, output) in outputs.into_iter().rev() {
            let new = output.trim_end().lines().map(|line| line.trim_end().to_owned());
            lines.splice(block.first..block.end, new);
        }
        std::fs::write(&self.path, lines.join("\n") + "\n").unwrap();
    }
}

/// Whether documents are written anew.
pub fn is_updating() -> bool {
    std::env::var_os(UPDATE).is_some()
}

/// Whether programs are there; the missing ones are named, and a required one is a failure.
pub fn has_programs(names: &[&str]) -> bool {
    let required = std::env::var(REQUIRE).unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &str| std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    let missing: Vec<&&str> = names.iter().filter(|name| !is_there(name)).collect();
    for name in &missing {
        println!("skipped: no {name}");
        assert!(
            !required.split(',').any(|word| word == **name),
            "{REQUIRE} lists {name}, which is not installed"
        );
    }
    missing.is_empty()
}

/// Whether an output is what was expected.
fn is_like(expected: &str, output: &str) -> bool {
    let lines = |text: &str| text.trim_end().lines().map(plain).collect::<Vec<_>>();
    fits(&lines(expected), &lines(output))
}

fn fits(expected: &[String], output: &[String]) -> bool {
    match expected {
        [] => output.is_empty(),
        [any, rest @ ..] if any == ANY => {
            (0..=output.len()).any(|skip| fits(rest, &output[skip..]))
        }
        [line, rest @ ..] => output.first() == Some(line) && fits(rest, &output[1..]),
    }
}

/// A line without what differs from run to run.
fn plain(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        if word == "ms" && words.last().is_some_and(|last| last.parse::<i64>().is_ok()) {
            words.pop();
            words.push("#".to_owned());
        }
        words.push(timeless(word));
    }
    words.join(" ")
}

/// A word with its dates and times replaced.
fn timeless(word: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_digit() || "-:.".contains(letter);
    let mut text = String::new();
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let is_time = run.matches(':').count() == 2 || run.matches('-').count() == 2;
        text.push_str(if is_time && run.len() >= 8 { "#" } else { run });
        let next = after.chars().next();
        text.extend(next);
        rest = next.map_or("", |letter| &after[letter.len_utf8()..]);
    }
    text
}

#[test]
fn output_is_compared_but_for_times_and_blanks() {
    assert!(is_like("a  2026-01-01 10:00:00.5 3 ms\n", "a 2025-11-11 22:10:00 -12 ms"));
    assert!(is_like("1|x|10:00:00\n…\nend", "1|x|11:00:00\na\nb\nend"));
    assert!(!is_like("a\n…", "b\na") && !is_like("1|x", "2|x") && !is_like("a", "a\nb"));
}
