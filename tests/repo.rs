//! What the repository says of itself: the README's commands, its links, its tables.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use outrigger::dialect::Brand;
use outrigger::model::LogicalType;

use crate::support::document::{Document, has_programs, is_updating};
use crate::support::{self, TestDatabase};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect(path)
}

#[test]
fn the_readmes_first_command_runs() {
    Document::read("README.md", Some("## Two commands")).run();
}

#[test]
fn the_readmes_example_runs() {
    let Some(server) = support::servers_of(Brand::Postgres).next() else { return };
    if has_programs(&["psql", "sqlite3"]) {
        let centre = support::block_on(TestDatabase::create(server, ""));
        Document::read("README.md", Some("## A worked example"))
            .variable("CENTRE_URL", &centre.url)
            .run();
    }
}

#[test]
fn the_example_of_an_explanation_runs() {
    if has_programs(&["sqlite3"]) {
        Document::read("docs/explain.md", Some("## An example")).run();
    }
}

#[test]
fn the_example_of_a_translation_runs() {
    if has_programs(&["sqlite3"]) {
        Document::read("docs/translate.md", Some("## An example")).run();
    }
}

#[test]
fn the_example_of_an_identity_runs() {
    if has_programs(&["sqlite3"]) {
        Document::read("docs/identity.md", Some("## An example")).run();
    }
}

/// The documents that a reader may come upon.
fn documents() -> Vec<String> {
    let mut found: Vec<String> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
            .map(str::to_owned)
            .into();
    let examples = ["sales_order", "hub", "store", "application_outbox"];
    let folders = examples.map(|name| format!("examples/{name}"));
    for folder in folders.into_iter().chain(["docs".to_owned()]) {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.rsplit('.').next() == Some("md") {
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    found
}

#[test]
fn links_lead_somewhere() {
    for path in documents() {
        let text = read(&path);
        let folder = root().join(&path).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { root().join(&path) } else { folder.join(file) };
            assert!(target.exists(), "{path}: {link}");
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let has = |line: &str| line.starts_with('#') && self::anchor(line) == anchor;
                assert!(text.lines().any(has), "{path}: {link}");
            }
        }
    }
}

/// How a heading is linked to.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_verb_that_a_document_names_is_there() {
    let output = Command::new(env!("CARGO_BIN_EXE_outrigger")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let mut named = 0;
    for path in documents() {
        for rest in read(&path).split("outrigger ").skip(1) {
            let end = |letter: char| !letter.is_ascii_lowercase();
            let verb = rest.split(end).next().unwrap_or_default();
            // Prose goes on after the name of the tool.
            let is_command = !verb.is_empty()
                && read(&path).contains(&format!("`outrigger {verb}"))
                || read(&path).contains(&format!("\noutrigger {verb}"));
            if is_command && !verb.is_empty() {
                named += 1;
                assert!(help.contains(&format!("\n  {verb} ")), "{path}: outrigger {verb}");
            }
        }
    }
    assert!(named > 20, "only {named} commands are named");
}

/// Each verb of the command is in the README's own words somewhere.
#[test]
fn the_readme_says_what_is_not_there_yet() {
    let readme = read("README.md");
    let output = Command::new(env!("CARGO_BIN_EXE_outrigger")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let (_, missing) = readme.split_once("Not there yet:").unwrap();
    let (missing, _) = missing.split_once("\n## ").unwrap();
    for verb in ["load", "compare", "repair", "purge"] {
        let is_there = help.contains(&format!("\n  {verb} "));
        assert_eq!(missing.contains(&format!("`{verb}`")), !is_there, "{verb}");
    }
}

#[test]
fn the_tables_of_values_are_those_of_the_dialects() {
    let readme = read("README.md");
    let (before, rest) = readme.split_once("<!-- values -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /values -->").unwrap();
    let wanted = format!("{before}<!-- values -->\n{}<!-- /values -->{after}", overview());
    for (path, wanted) in [("README.md", wanted), ("docs/values.md", limits())] {
        if is_updating() {
            std::fs::write(root().join(path), wanted).unwrap();
        } else {
            assert!(read(path) == wanted, "{path}: run the tests with OUTRIGGER_UPDATE_DOCS=1");
        }
    }
}

/// One row for each type, one column for each brand.
fn overview() -> String {
    let mut text = String::from("| type |");
    for brand in Brand::ALL {
        let _ = write!(text, " {} |", brand.dialect().title);
    }
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(Brand::ALL.len()));
    for logical in LogicalType::ALL {
        let _ = write!(text, "| {logical} |");
        for brand in Brand::ALL {
            let limits = &brand.dialect().mapping(logical).limits;
            let says = |word: &str| limits.iter().any(|limit| limit.starts_with(word));
            let cell = match (says("refused"), says("lossy")) {
                _ if limits.is_empty() => "all",
                (_, true) => "lossy in part",
                _ => "refused in part",
            };
            let link = if limits.is_empty() {
                cell.to_owned()
            } else {
                format!("[{cell}](docs/values.md#{logical})")
            };
            let _ = write!(text, " {link} |");
        }
        text.push('\n');
    }
    text
}

/// Every limit, by type and brand.
fn limits() -> String {
    let mut text = String::from(
        "# How values travel\n\n\
         What each brand holds of each logical type, on its way to that brand.\n\
         A value that is *refused* goes to quarantine with this reason; a *lossy* one arrives \
         altered in the way that is said.\n\
         `outrigger check` reports what concerns a configuration's own columns.\n\
         This page is written from `dialects/*.yaml`.\n",
    );
    for logical in LogicalType::ALL {
        let _ = writeln!(text, "\n## {logical}\n");
        for brand in Brand::ALL {
            let dialect = brand.dialect();
            let mapping = dialect.mapping(logical);
            let _ = write!(text, "- {}: ", dialect.title);
            if mapping.limits.is_empty() {
                text.push_str("all values.\n");
            } else {
                let _ = writeln!(text, "{}.", mapping.limits.join("; "));
            }
        }
    }
    text
}
