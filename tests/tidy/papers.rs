//! What holds for the documents and the manifest.

use std::collections::BTreeMap;

use outrigger::config;

use crate::source::{expect_none, files, read};

#[test]
fn the_changelog_begins_with_this_version() {
    let changelog = read("CHANGELOG.md");
    let first = changelog.lines().find_map(|line| line.strip_prefix("## [")).unwrap_or_default();
    let version = first.split(']').next().unwrap_or_default();
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_reference_configuration_parses() {
    let variables = BTreeMap::from([("BRANCH_PASSWORD".to_owned(), "secret".to_owned())]);
    let read_file = |_: &str| Ok("sqlserver://app@hq:1433/testapp".to_owned());
    let surroundings =
        config::Surroundings { variables: &variables, read_file: &read_file, needs_secrets: true };
    config::parse_within("reference.yaml", config::REFERENCE, &surroundings).unwrap();
}

#[test]
fn documents_are_as_short_as_they_promise() {
    for (path, lines_max) in [("ARCHITECTURE.md", 200), ("CONTRIBUTING.md", 80)] {
        let lines = read(path).lines().count();
        assert!(lines <= lines_max, "{path} has {lines} lines, {lines_max} are allowed");
    }
}

/// ARCHITECTURE.md names a test for each invariant; one that was renamed keeps nothing.
#[test]
fn every_test_that_the_architecture_names_exists() {
    let mut tests = String::new();
    for folder in ["src", "tests"] {
        for file in files(folder, ".rs") {
            tests.push_str(&file.text);
        }
    }
    let architecture = read("ARCHITECTURE.md");
    let mut named = 0;
    let mut complaints = Vec::new();
    for line in architecture.lines().filter(|line| line.contains("Kept by")) {
        let (_, kept_by) = line.split_once("Kept by").unwrap_or_default();
        for name in kept_by.split('`').skip(1).step_by(2) {
            let function = name.rsplit("::").next().unwrap_or_default();
            named += 1;
            if !tests.contains(&format!("fn {function}(")) && !name.contains('.') {
                complaints.push(format!("there is no test `{name}`"));
            }
        }
    }
    assert!(named >= 12, "only {named} tests are named");
    expect_none(&complaints);
}

/// Each direct dependency is a decision: it is listed here when it has been made.
#[test]
fn direct_dependencies_are_few() {
    let manifest = read("Cargo.toml");
    let (_, rest) = manifest.split_once("[dependencies]\n").unwrap();
    let count = rest.lines().take_while(|line| !line.starts_with('[')).filter(|l| !l.is_empty());
    assert!(count.count() <= 26);
}
