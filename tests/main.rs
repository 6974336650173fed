//! All integration tests, in one binary: the list of modules is the table of contents.

#![expect(unreachable_pub, reason = "modules of tests share what they need; none of it is an API")]
#![expect(clippy::unwrap_used, reason = "a test that meets a surprise ends there")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test says where it ran")]
#![expect(clippy::needless_pass_by_value, reason = "a closure is handed over at the call")]
#![expect(clippy::disallowed_methods, reason = "tests/run hands the servers over as variables")]

mod apply;
mod capture_columns;
mod capture_mysql;
mod capture_postgres;
mod capture_unseen;
mod careful;
mod check;
mod circles;
mod cli_support;
mod collations;
mod conflicts;
mod cuts;
mod db;
mod demo;
mod diff;
mod evolution;
mod examples;
mod explain;
mod faults;
mod fuzz;
mod gaps;
mod guid;
mod hostile;
mod import_mysql;
mod interleave;
mod joining;
mod large;
mod layouts;
mod mysql;
mod oracle;
mod pages;
mod parse;
mod position;
mod probe;
mod purge;
mod records;
mod references;
mod render;
mod repo;
mod restore;
mod review;
mod roles;
mod schema;
mod skew;
mod sqlserver;
mod stall;
mod support;
mod sync;
mod topology;
mod translate;
mod trouble;
mod type_names;
mod values;
mod verbs;
mod wake;

/// Cargo does not look for tests by itself here (`autotests = false`), so that a file that nobody
/// lists would never run.
#[test]
fn every_test_file_is_listed() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for entry in std::fs::read_dir(root.join("tests")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".rs") else { continue };
        let is_module = include_str!("main.rs").contains(&format!("\nmod {name};\n"));
        let is_binary = manifest.contains(&format!("[[test]]\nname = \"{name}\"\n"));
        assert!(is_module || is_binary, "tests/{name}.rs is in no test binary");
    }
}
