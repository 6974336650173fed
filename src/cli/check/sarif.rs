//! Findings as a SARIF 2.1.0 log.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::schema::check::{Finding, Severity, Sifted};

/// Where the log's form is described.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What each id means.
const FINDINGS: &str = include_str!("../../../docs/findings.md");

/// What a log says of a text's place: relative to the folder in which the command was run.
const BASE: &str = "SRCROOT";

/// The whole log: one run, a rule for each id that was found, what is suppressed included.
pub(super) fn log(sifted: &Sifted) -> Value {
    let suppressed = sifted.suppressed.iter().map(|one| (&one.finding, Some(one.reason.as_str())));
    let all: Vec<(&Finding, Option<&str>)> =
        sifted.findings.iter().map(|finding| (finding, None)).chain(suppressed).collect();
    let ids: BTreeSet<&str> = all.iter().map(|(finding, _)| finding.id).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let results: Vec<Value> =
        all.iter().map(|(finding, reason)| result(finding, *reason, &ids)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "outrigger",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": ids.iter().map(|id| rule(id)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A rule with what the documentation says of it: the log is read where the files are not.
fn rule(id: &str) -> Value {
    let page = page(id);
    let what = page.split_once("**Remedy:**").map_or(page, |(what, _)| what).trim();
    let what = what.replace('\n', " ");
    json!({
        "id": id,
        "shortDescription": { "text": id.replace('-', " ") },
        "fullDescription": { "text": what },
        "help": { "text": page, "markdown": page },
    })
}

/// The text under an id's heading.
fn page(id: &str) -> &'static str {
    let heading = format!("\n## `{id}`\n");
    let (_, behind) = FINDINGS.split_once(heading.as_str()).unwrap_or_default();
    behind.split_once("\n## ").map_or(behind, |(page, _)| page).trim()
}

fn result(finding: &Finding, reason: Option<&str>, ids: &[&str]) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let mut result = json!({
        "ruleId": finding.id,
        "ruleIndex": ids.iter().position(|id| *id == finding.id),
        "level": level,
        "message": { "text": format!("{}. Help: {}.", finding.message, finding.remedy) },
    });
    let names = [("table", &finding.table), ("column", &finding.column)];
    let logical: Vec<Value> = names
        .into_iter()
        .filter_map(|(kind, name)| Some((kind, name.as_ref()?)))
        .map(|(kind, name)| json!({ "name": name, "kind": kind }))
        .collect();
    let mut location = serde_json::Map::new();
    if let Some(place) = &finding.location {
        let region = json!({ "startLine": place.line, "startColumn": place.column });
        let physical = json!({ "artifactLocation": artifact(&place.path), "region": region });
        location.insert("physicalLocation".to_owned(), physical);
    }
    if !logical.is_empty() {
        location.insert("logicalLocations".to_owned(), logical.into());
    }
    if !location.is_empty() {
        result["locations"] = json!([location]);
    }
    if let Some(reason) = reason {
        result["suppressions"] = json!([{ "kind": "external", "justification": reason }]);
    }
    result
}

/// A path as a URI reference; an absolute one has no base.
fn artifact(path: &str) -> Value {
    let path = path.replace('\\', "/");
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            other => {
                let _ = write!(uri, "%{other:02X}");
            }
        }
    }
    if uri.starts_with('/') {
        return json!({ "uri": format!("file://{uri}") });
    }
    json!({ "uri": uri, "uriBaseId": BASE })
}

#[cfg(test)]
mod tests {
    use super::{artifact, page};

    #[test]
    fn a_page_is_what_stands_under_its_heading() {
        assert!(page("no-key").starts_with("Error. "));
        assert!(page("no-key").contains("**Remedy:**"));
        assert!(!page("no-key").contains("##"));
    }

    #[test]
    fn paths_become_uris() {
        assert_eq!(artifact("a b/größe.sql")["uri"], "a%20b/gr%C3%B6%C3%9Fe.sql");
        assert_eq!(artifact("/a:b")["uri"], "file:///a%3Ab");
    }
}
