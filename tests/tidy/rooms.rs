//! Who may import whom, and which room may name which crate.

use std::collections::BTreeSet;

use crate::source::{File, expect_none, files, has_word};

/// What each room may import.
const MAY_IMPORT: [(&str, &[&str]); 17] = [
    ("model", &[]),
    // The brand of a node's URL and of a schema's files.
    ("config", &["model", "dialect"]),
    ("dialect", &["model"]),
    // `schema::check` and `identified` alone see the configuration, see ONLY_IN.
    ("schema", &["model", "dialect", "config"]),
    // The plan carries the hash of the schema it is for.
    ("plan", &["model", "config", "dialect", "schema"]),
    ("render", &["model", "dialect", "plan"]),
    // A migration is a script as one tool wants it; the plan says for which brand and database.
    // The state of a folder has the tables that its SQL was made from.
    ("layout", &["model", "dialect", "plan", "render"]),
    // The report shows what every room of this half says: findings, plan and scripts.
    ("review", &["model", "config", "dialect", "schema", "plan", "render"]),
    ("db", &["model", "dialect"]),
    // What transport and import share: calling a run template, one row of the outbox, a cursor;
    // the dialect says by what a sleeping runner is told.
    ("outbox", &["model", "db", "dialect", "render"]),
    // The plan says what is wanted on the node, the configuration how long to wait for a lock;
    // the node's own rows are called as the run templates are, through `outbox`.
    ("apply", &["model", "config", "dialect", "schema", "plan", "render", "db", "outbox"]),
    // The plan says what a route forwards.
    ("transport", &["model", "plan", "render", "db", "outbox"]),
    // The plan says how each table is imported, the dialect which faults are a missing parent's.
    ("import", &["model", "dialect", "plan", "render", "db", "outbox"]),
    (
        "runner",
        &[
            "model",
            "config",
            "dialect",
            "plan",
            "render",
            "db",
            "apply",
            "outbox",
            "transport",
            "import",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "config",
            "dialect",
            "schema",
            "plan",
            "render",
            "db",
            "apply",
            "outbox",
            "transport",
            "import",
            "layout",
            "review",
            "runner",
            "error",
        ],
    ),
    (
        "error",
        &[
            "model",
            "config",
            "dialect",
            "schema",
            "plan",
            "render",
            "db",
            "apply",
            "transport",
            "import",
            "layout",
            "review",
            "runner",
            "cli",
        ],
    ),
    ("lib", &["error"]),
];

/// What a room may import in these files only, and why.
const ONLY_IN: [(&str, &str, &[&str], &str); 6] = [
    (
        "schema",
        "config",
        &["src/schema/check", "src/schema/identity.rs"],
        "findings and the columns that are added are about schema and configuration",
    ),
    ("plan", "schema", &["src/plan/capture.rs", "src/plan/cascade.rs"], "hash and cascades"),
    ("cli", "transport", &["src/cli/transport.rs"], "it prints an `Outcome`; the runner makes it"),
    (
        "cli",
        "import",
        &[
            "src/cli/conflicts.rs",
            "src/cli/explain.rs",
            "src/cli/import.rs",
            "src/cli/quarantine.rs",
        ],
        "it prints an `Outcome`; quarantine and conflicts are listed without a runner",
    ),
    (
        "cli",
        "outbox",
        &["src/cli/nodes.rs", "src/cli/demo/"],
        "it prints what an outbox and inbox hold",
    ),
    ("error", "cli", &["src/error.rs"], "for the errors of the command's own files"),
];

#[test]
fn rooms_import_only_whom_they_may() {
    let mut complaints = Vec::new();
    for file in files("src", ".rs").iter().filter(|file| file.path != "src/main.rs") {
        let room = file.room();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == room) else {
            complaints
                .push(format!("{}: a room that tests/tidy/rooms.rs does not know", file.path));
            continue;
        };
        for (line, other) in imports(file) {
            if other == room {
                continue;
            }
            if !allowed.contains(&other.as_str()) {
                complaints.push(format!("{}: {room} may not import {other}", file.at(line)));
            }
            let only = ONLY_IN.iter().find(|(from, to, ..)| *from == room && *to == other);
            if let Some((_, _, places, why)) = only
                && !places.iter().any(|place| file.path.starts_with(place))
            {
                complaints.push(format!(
                    "{}: {room} may import {other} only in {places:?}, {why}",
                    file.at(line)
                ));
            }
        }
    }
    expect_none(&complaints);
}

/// An allowance that nobody uses any more would let it come back unseen.
#[test]
fn every_allowance_is_used() {
    let sources = files("src", ".rs");
    let used: BTreeSet<(String, String)> = sources
        .iter()
        .flat_map(|file| {
            imports(file).into_iter().map(|(_, other)| (file.room().to_owned(), other))
        })
        .collect();
    let allowances = MAY_IMPORT.iter().flat_map(|(room, others)| {
        others.iter().map(|other| ((*room).to_owned(), (*other).to_owned()))
    });
    let unused: Vec<String> = allowances
        .filter(|pair| !used.contains(pair) && pair.0 != "lib")
        .map(|(room, other)| format!("{room} need not be allowed to import {other}"))
        .collect();
    expect_none(&unused);
}

/// The rooms that a file names: `crate::room` in any form, `crate::{a, b}` included.
fn imports(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, text) in file.code() {
        for (start, mark) in text.match_indices("crate::") {
            let is_whole = text[..start].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
            let rest = &text[start + mark.len()..];
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
                None => vec![rest],
            };
            for name in names {
                let end = |letter: char| !letter.is_alphanumeric() && letter != '_';
                let name = name.trim().split(end).next().unwrap_or_default();
                let is_room = name.starts_with(|letter: char| letter.is_ascii_lowercase());
                if is_whole && is_room {
                    found.push((line, name.to_owned()));
                }
            }
        }
    }
    found
}

/// The only rooms that may name a crate.
const HOMES: [(&str, &[&str]); 20] = [
    ("sqlx", &["db"]),
    ("rusqlite", &["db"]),
    ("tiberius", &["db"]),
    ("tokio_util", &["db"]),
    ("AssertSqlSafe", &["db"]),
    ("tera::", &["render"]),
    ("include_dir", &["render"]),
    // Commands that applications write are parsed, and never executed as text.
    ("sqlparser", &["schema", "import"]),
    // The demo writes a configuration to play with.
    ("serde_yaml", &["config", "dialect", "cli"]),
    ("strsim", &["config"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("indicatif", &["cli"]),
    ("comfy_table", &["cli"]),
    ("similar", &["cli"]),
    ("bigdecimal", &["model"]),
    ("indoc", &["cli"]),
    // Transport and import read at one end while they write at the other; the runner looks at all
    // nodes at once, and sleeps.
    ("tokio", &["db", "cli", "transport", "import", "runner"]),
    ("url::", &["config", "db"]),
    ("sha2", &["config", "schema", "plan", "render", "layout", "review", "apply"]),
];

#[test]
fn each_crate_has_its_home() {
    let mut complaints = Vec::new();
    for file in files("src", ".rs") {
        for (line, text) in file.code() {
            for (name, rooms) in HOMES {
                let is_path = text.contains(&format!("{}::", name.trim_end_matches(':')))
                    || text.contains(&format!("use {name}"));
                let word = name.trim_end_matches(':');
                if is_path && has_word(text, word) && !rooms.contains(&file.room()) {
                    let at = file.at(line);
                    complaints.push(format!("{at}: {word} belongs to {rooms:?}"));
                }
            }
        }
    }
    expect_none(&complaints);
}

/// They depend on their inputs alone, so they fail for no other reason.
#[test]
fn the_compiler_half_does_no_io_and_is_never_async() {
    let forbidden =
        ["async", "await", "tokio", "fs", "net", "env", "SystemTime", "Instant", "Utc", "Local"];
    let mut complaints = Vec::new();
    for file in files("src", ".rs") {
        if !["model", "config", "dialect", "schema", "plan", "render", "layout"]
            .contains(&file.room())
        {
            continue;
        }
        for (line, text) in file.code() {
            let is_macro = text.contains("env!(");
            for word in forbidden.iter().filter(|word| has_word(text, word)) {
                if !(is_macro && *word == "env") {
                    complaints.push(format!(
                        "{}: {} does no I/O: {word}",
                        file.at(line),
                        file.room()
                    ));
                }
            }
        }
    }
    expect_none(&complaints);
}

/// Files that may tell brands apart, and why; everything else asks the dialect.
const KNOWS_BRANDS: [(&str, &str); 8] = [
    ("src/cli/demo/place.rs", "its own databases are SQLite files"),
    ("src/db/", "one adapter per brand"),
    ("src/schema/grammar.rs", "sqlparser's dialects and the words of each brand's DDL"),
    ("src/schema/check/brands.rs", "REPLACE exists on one brand only"),
    ("src/cli/init/", "writes an example URL for each"),
    ("src/config/node.rs", "a SQLite URL is a path"),
    ("src/error.rs", "an unreachable SQLite file is not an unreachable server"),
    ("src/runner/mod.rs", "a place that no configuration names"),
];

#[test]
fn brands_are_told_apart_in_few_places() {
    let brands = ["Brand::Postgres", "Brand::Sqlite", "Brand::SqlServer", "Brand::Mysql"];
    let mut complaints = Vec::new();
    let mut used = BTreeSet::new();
    for file in files("src", ".rs") {
        let place = KNOWS_BRANDS.iter().position(|(place, _)| file.path.starts_with(place));
        for (line, text) in file.code() {
            if !brands.iter().any(|brand| has_word(text, brand)) {
                continue;
            }
            match place {
                Some(place) => _ = used.insert(place),
                None => complaints.push(format!("{}: ask the dialect instead", file.at(line))),
            }
        }
    }
    for (index, (place, _)) in KNOWS_BRANDS.iter().enumerate() {
        if !used.contains(&index) {
            complaints.push(format!("{place} need not know brands any more"));
        }
    }
    expect_none(&complaints);
}
