//! What holds for every template of every brand.

use std::collections::{BTreeMap, BTreeSet};

use outrigger::dialect::Brand;
use outrigger::render::Templates;

use crate::source::{File, expect_none, files};

#[test]
fn every_template_parses() {
    for brand in Brand::ALL {
        assert!(!Templates::names(brand).is_empty());
        assert_eq!(Templates::embedded(brand).brand(), brand);
    }
}

#[test]
fn every_brand_has_every_template() {
    let names = Brand::ALL.map(|brand| (brand, Templates::names(brand)));
    let all: BTreeSet<&String> = names.iter().flat_map(|(_, names)| names).collect();
    let missing: Vec<String> = names
        .iter()
        .flat_map(|(brand, names)| {
            let is_missing = |name: &&&String| !names.contains(name);
            all.iter().filter(is_missing).map(move |name| format!("{brand} has no {name}"))
        })
        .collect();
    expect_none(&missing);
}

/// A file that is not embedded, or that no brand has a folder for, would be read by nobody.
#[test]
fn every_file_is_a_template_of_a_brand() {
    for file in files("templates", "") {
        let below = file.path.strip_prefix("templates/").unwrap();
        let (brand, name) = below.split_once('/').unwrap();
        // Documents are of no brand.
        if brand == "review" {
            assert!(name.ends_with(".html.tera") || name.ends_with(".md.tera"), "{below}");
            continue;
        }
        let brand = Brand::from_name(brand).unwrap_or_else(|| panic!("{brand} is no brand"));
        let name = name.strip_suffix(".sql.tera").unwrap_or_else(|| panic!("{below}"));
        assert!(Templates::names(brand).contains(&name.to_owned()), "{below}");
    }
}

/// Filters whose result is a piece of SQL of its own; `sql` is one that was made in `plan`.
const QUOTING: [&str; 7] = ["ident", "literal", "comment", "text", "differs", "from_text", "sql"];

/// What is written as it is, and why that is safe.
const RAW: [(&str, &str); 18] = [
    ("session_wait_milliseconds", "a number"),
    ("session_wait_seconds", "a number"),
    ("signal.lock", "a number of the dialect file"),
    ("n.offset", "a number"),
    ("n.step", "a number"),
    ("column.native_type", "a type as the database itself spells it, read from its catalogue"),
    ("row", "NEW, OLD or an alias, written in a template as a component's parameter; or a number"),
    ("value", "a component's parameter: an expression, written by a filter"),
    ("rows", "a component's parameter: an expression, written in a template"),
    ("stamps", "a component's parameter: an expression, written in a template"),
    ("column.alias", "a name that the importer numbers: c0, c1"),
    ("column.parameter", "the parameter of that name"),
    ("column.position", "a number"),
    ("column.why", "one of our own words"),
    ("page_rows", "a number"),
    ("wait_milliseconds", "a number"),
    ("wait_seconds", "a number"),
    ("setting", "a line of the dialect file"),
];

#[test]
fn every_interpolation_is_filtered() {
    let mut complaints = Vec::new();
    let mut used = BTreeSet::new();
    for file in files("templates", ".sql.tera") {
        for (line, inside) in interpolations(&file) {
            if inside.starts_with('<') {
                continue;
            }
            let filter = last_filter(&inside);
            if filter.is_some_and(|name| QUOTING.contains(&name)) {
                continue;
            }
            match RAW.iter().position(|(raw, _)| *raw == inside) {
                Some(index) => _ = used.insert(index),
                None => complaints.push(format!("{}: {{{{ {inside} }}}}", file.at(line))),
            }
        }
    }
    for (index, (raw, _)) in RAW.iter().enumerate() {
        if !used.contains(&index) {
            complaints.push(format!("{raw} need not be allowed any more"));
        }
    }
    expect_none(&complaints);
}

/// In a page everything is escaped by the engine, so nothing may say that it is safe; in Markdown
/// everything is escaped by a filter, but numbers and what stands inside a fence.
#[test]
fn documents_escape_what_they_are_filled_with() {
    let mut complaints = Vec::new();
    for file in files("templates/review", ".tera") {
        let is_page = file.path.ends_with(".html.tera");
        for (line, inside) in interpolations(&file) {
            let filter = last_filter(&inside);
            let is_escaped = if is_page {
                filter != Some("safe")
            } else {
                let is_raw = [".fence", ".text", "cost.rows", "cost.smallest", "cost.largest"]
                    .iter()
                    .any(|end| inside.ends_with(end));
                filter == Some("md") || is_raw
            };
            if !is_escaped {
                complaints.push(format!("{}: {{{{ {inside} }}}}", file.at(line)));
            }
        }
    }
    expect_none(&complaints);
}

/// `a | b(c=d) | literal` ends in `literal`.
fn last_filter(inside: &str) -> Option<&str> {
    let (_, last) = inside.rsplit_once('|')?;
    last.trim().split('(').next().map(str::trim)
}

fn interpolations(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("{{") {
            let (inside, after) = after.split_once("}}").unwrap_or_else(|| {
                panic!("{}: an interpolation ends on its line", file.at(index + 1))
            });
            found.push((index + 1, inside.trim_matches('-').trim().to_owned()));
            rest = after;
        }
    }
    found
}

/// A name that is missing in the context is an error in `{{ }}` but silently false in `{% if %}`,
/// so conditions ask `has(…)`, compare, or look at a loop.
#[test]
fn conditions_are_strict() {
    let mut complaints = Vec::new();
    for file in files("templates", ".sql.tera") {
        for (index, line) in file.text.lines().enumerate() {
            for piece in line.split("{%").skip(1) {
                let inside = piece.split("%}").next().unwrap_or_default().trim_matches('-').trim();
                let condition = inside.strip_prefix("if ").or(inside.strip_prefix("elif "));
                let Some(condition) = condition else { continue };
                let is_strict = ["has(", "==", "!=", "loop.", " > "]
                    .iter()
                    .any(|strict| condition.contains(strict));
                if !is_strict {
                    complaints.push(format!("{}: if {condition}", file.at(index + 1)));
                }
            }
        }
    }
    expect_none(&complaints);
}

/// The reader of what a live database answers is one for all brands.
#[test]
fn introspection_answers_the_same_columns_on_every_brand() {
    let nothing = BTreeMap::<String, String>::new();
    for name in ["columns", "keys", "foreign_keys", "triggers"] {
        let answers = Brand::ALL.map(|brand| {
            let templates = Templates::embedded(brand);
            let statement = templates.statement(&format!("introspect/{name}"), &nothing);
            (brand, answered(&statement.expect("it needs nothing").sql))
        });
        for (brand, columns) in &answers {
            assert_eq!(columns, &answers[0].1, "introspect/{name} of {brand}");
        }
    }
}

/// The names that the last SELECT gives its columns, each with `AS` or `AS "…"`.
fn answered(sql: &str) -> BTreeSet<String> {
    let known = [
        "namespace",
        "table_name",
        "column_name",
        "native_type",
        "is_nullable",
        "default_value",
        "is_identity",
        "is_generated",
        "key_name",
        "is_primary",
        "position",
        "trigger_name",
        "definition",
        "is_enabled",
    ];
    let mut found = BTreeSet::new();
    for (start, _) in sql.match_indices(" AS ") {
        let end = |letter: char| !letter.is_alphanumeric() && letter != '_';
        let name = sql[start + 4..].trim_start_matches(['"', '`', '[']).split(end).next();
        if let Some(name) = name.filter(|name| known.contains(name)) {
            found.insert(name.to_owned());
        }
    }
    found
}
