//! The configuration through its public functions.

use std::collections::BTreeMap;
use std::time::Duration;

use indoc::{formatdoc, indoc};

use super::{
    CommandForm, Config, Error, Limits, Overwrite, Policy, REFERENCE, SchemaSource, Surroundings,
    TableChoice, parse, parse_within,
};
use crate::dialect::Brand;
use crate::model::{NodeId, TableName};

const NODES: &str = indoc! {"
    database: app
    schema: { node: a }
    nodes:
      a: { url: 'sqlite:a.db' }
      b: { url: 'postgres://app@h/app' }
"};

fn read(text: &str) -> Result<Config, Error> {
    parse("outrigger.yaml", text, &BTreeMap::from([("SET".to_owned(), "se/t".to_owned())]))
}

/// The message and the place of what is refused.
#[track_caller]
fn refused(text: &str) -> (String, String) {
    let error = read(text).expect_err("refused");
    (error.to_string(), error.location().to_string())
}

#[track_caller]
fn check(tail: &str, message: &str, place: &str) {
    let (found, location) = refused(&format!("{NODES}{tail}"));
    assert_eq!(found, message);
    assert_eq!(location, format!("outrigger.yaml:{place}"), "{message}");
}

#[test]
fn the_reference_has_every_option() {
    let variables = BTreeMap::from([("BRANCH_PASSWORD".to_owned(), "x@y".to_owned())]);
    let read_file = |path: &str| {
        assert_eq!(path, "secrets/hq.url");
        Ok("sqlserver://app:s3cret@hq:1433/testapp\n".to_owned())
    };
    let surroundings =
        Surroundings { variables: &variables, read_file: &read_file, needs_secrets: true };
    let config = parse_within("reference.yaml", REFERENCE, &surroundings).expect("parses");
    assert_eq!(config.brands(), Brand::ALL);
    assert_eq!(config.sending_brands(), [Brand::Postgres, Brand::Sqlite]);
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.nodes[&NodeId::from("server3")].url, "mysql://app:x%40y@branch/testapp");
    assert!(config.nodes.values().all(|node| !node.has_literal_password));
    let order = config.options_for(&TableName::plain("sales_order")).expect("followed");
    assert_eq!(order.columns.len(), 6, "every policy is shown");
    assert_eq!(order.policy("pin"), Policy::Forbid);
    let invoice = config.options_for(&TableName::plain("invoice")).expect("followed");
    assert_eq!(invoice.key, ["ds_guid"]);
    assert_eq!(order.places[&("columns", "pin".to_owned())].within("x").to_string(), "x:48:7");
    assert_eq!(
        config.schema,
        SchemaSource::Files { dialect: Brand::Postgres, files: vec!["schema.sql".to_owned()] }
    );
}

#[test]
fn a_guid_excludes_a_key_and_its_options_need_it() {
    check("tables: { t: { identity: gid } }", "unknown word `gid`", "6:26");
    check(
        "tables: { t: { identity: guid, key: [id] } }",
        "either `key` or `identity: guid`, not both",
        "6:38",
    );
    check("tables: { t: { guid_column: a } }", "`guid_column` needs `identity: guid`", "6:29");
    check("tables: { t: { guid_fill: key } }", "`guid_fill` needs `identity: guid`", "6:11");
    check("tables: { t: { identity: guid, guid_fil: key } }", "unknown key `guid_fil`", "6:32");
    check("tables: { t: { identity: guid, guid_column: '' } }", "`guid_column` is empty", "6:45");
    let with = |tail: &str| read(&format!("{NODES}tables: {{ t: {tail} }}")).expect("parses");
    let plain = with("follow");
    let guid = with("{ identity: guid }");
    assert_ne!(plain.hash, guid.hash);
    assert_ne!(guid.hash, with("{ identity: guid, guid_column: uid }").hash);
    assert_eq!(plain.hash, with("{ identity: key }").hash);
    let own = with("{ identity: guid, guid_column: uid }");
    let options = own.options_for(&TableName::plain("t")).expect("followed");
    assert!(!options.guid.as_ref().expect("it is by a GUID").is_ours());
    assert_eq!(
        options.places[&("guid_column", "uid".to_owned())].within("x").to_string(),
        "x:6:45"
    );
}

#[test]
fn a_store_has_no_tables_and_makes_no_changes() {
    let text = indoc! {"
        database: app
        schema: { node: a }
        nodes:
          a: { url: 'sqlite:a.db' }
          s: { url: 'postgres://app@h/app', store: true }
        routes:
          - { id: 10, from: a, to: s }
          - { id: 20, from: s, to: a }
    "};
    let config = read(text).expect("parses");
    assert!(config.is_store(&NodeId::from("s")) && !config.is_store(&NodeId::from("a")));
    assert_eq!(config.brands(), [Brand::Postgres, Brand::Sqlite]);
    assert_eq!(config.table_brands(), [Brand::Sqlite]);
    assert_eq!(config.sending_brands(), [Brand::Sqlite]);
    let (message, place) = refused(&text.replace("node: a", "node: s"));
    assert_eq!(message, "node `s` is a store and has no tables to read");
    assert_eq!(place, "outrigger.yaml:2:17");
}

#[test]
fn unknown_keys_are_refused_with_their_place_and_what_is_allowed() {
    for (text, word, place, allowed) in [
        (format!("{NODES}tabels: {{}}\n"), "tabels", "6:1", "tables"),
        (format!("{NODES}tables:\n  a: {{ keys: [x] }}\n"), "keys", "7:8", "key"),
        (format!("{NODES}tables:\n  a:\n    overwrite: records\n"), "records", "8:16", "record"),
        (format!("{NODES}tables:\n  a: {{ columns: {{ x: hsh }} }}\n"), "hsh", "7:22", "hash"),
        (format!("{NODES}tables:\n  a: skp\n"), "skp", "7:6", "skip"),
        (format!("{NODES}capture: {{ command: tild }}\n"), "tild", "6:21", "tilde"),
        (format!("{NODES}routes: [{{ id: 1, from: a, to: c }}]\n"), "c", "6:32", "b"),
        (NODES.replace("postgres:", "oracle:"), "oracle", "5:13", "mysql"),
        (NODES.replace("node: a", "node: x"), "x", "2:17", "a"),
        (NODES.replace("node: a", "dialect: db2, files: [x]"), "db2", "2:20", "sqlite"),
    ] {
        match read(&text) {
            Err(Error::Unknown { word: found, allowed: all, location, .. }) => {
                assert_eq!(found, word);
                assert_eq!(format!("{}:{}", location.line, location.column), place, "{word}");
                assert!(all.iter().any(|one| one == allowed), "{word}: {all:?}");
            }
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn routes_have_to_be_apart() {
    check("routes:\n  - { id: 1, from: a, to: a }\n", "route `1` goes from `a` to itself", "7:11");
    check(
        "routes:\n  - { id: 1, from: a, to: b }\n  - { id: 2, from: b, to: a }\n",
        "route `2` collides with route `1`: a route takes its id and the next one",
        "8:11",
    );
    check(
        "routes:\n  - { id: 1, from: a, to: b }\n  - { id: 3, from: a, to: b }\n",
        "route `3` repeats route `1` from `a` to `b`",
        "8:11",
    );
    check(
        "routes:\n  - { id: x, from: a, to: b }\n",
        "`id` has to be a whole number from 1 to 9223372036854775806",
        "7:11",
    );
}

#[test]
fn node_ids_have_to_fit_everywhere() {
    let node = |id: &str| format!("  {id}: {{ url: 'sqlite:x' }}\n");
    check(&node("''"), "the node id `` is empty", "6:3");
    let long = "x".repeat(65);
    check(&node(&long), &format!("the node id `{long}` is longer than 64 characters"), "6:3");
    check(
        &node("A"),
        "the node id `A` differs from another one only in upper and lower case",
        "6:3",
    );
    check(&node("a"), "nodes: the key `a` stands here twice", "6:3");
    assert!(read(&format!("{NODES}{}", node(&"ö".repeat(64)))).is_ok());
}

#[test]
fn what_belongs_together_has_to_be_there_and_what_excludes_each_other_not() {
    let schema = |text: &str| refused(&NODES.replace("{ node: a }", text));
    let (message, place) = schema("{ node: a, files: [x] }");
    assert_eq!(message, "schema: either `files` or `node`, not both");
    assert_eq!(place, "outrigger.yaml:2:9");
    assert_eq!(schema("{ files: [x] }").0, "schema: `files` also needs `dialect`");
    assert!(schema("{}").0.contains("is missing"));
    assert!(schema("{ dialect: mysql, files: [] }").0.contains("is missing"));
    check("  c: {}\n", "nodes.c: `url` or `url_file` is missing", "6:6");
    check(
        "limits: { batch_rows: 0 }\n",
        "`batch_rows` has to be a whole number from 1 to 1000000",
        "6:23",
    );
    check(
        "limits: { skew_refusal: soon }\n",
        "`skew_refusal` has to be a time such as 500ms, 2s, 1m or 30d, or `never`",
        "6:25",
    );
    check(
        "limits: { tombstone_retention: 90 days }\n",
        "`tombstone_retention` has to be a time such as 500ms, 2s, 1m or 30d, or `never`",
        "6:32",
    );
    assert_eq!(refused("database: x\n").0, "missing key `schema`");
    assert_eq!(refused("").1, "outrigger.yaml:1:1");
    assert_eq!(refused("database: [\n").1, "outrigger.yaml:1:11");
}

#[test]
fn a_value_that_may_be_a_password_is_in_no_message() {
    for tail in [
        "  c: 'postgres://app:s3cret@h/db'\n",
        "  c: { url postgres://app:s3cret@h/db }\n",
        "  c: { url: [ 'postgres://app:s3cret@h/db' ] }\n",
        "  c: { url: 'app:s3cret@h/db' }\n",
        "  c: { url: 's3cret' }\n",
        "tables: 's3cret'\n",
        "routes: s3cret\n",
    ] {
        let error = read(&format!("{NODES}{tail}")).expect_err(tail);
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

#[test]
fn variables_are_filled_or_named() {
    check("  c: { url: 'mysql://x:${UNSET}@h/y' }\n", "the variable `UNSET` is not set", "6:13");
    let text = formatdoc! {"
        {NODES}
          c: {{ url: 'mysql://x:${{SET}}@h/$${{y}}' }}
          d: {{ url: 'mysql://x:plain@h/y' }}
    "};
    let text = text.replace("\n\n", "\n");
    let config = read(&text).expect("parses");
    let node = |id: &str| &config.nodes[&NodeId::from(id)];
    assert_eq!(node("c").url, "mysql://x:se%2Ft@h/${y}");
    assert!(!node("c").has_literal_password);
    assert!(node("d").has_literal_password);
}

#[test]
fn a_missing_secret_is_only_missed_when_it_is_needed() {
    let variables = BTreeMap::new();
    let read_file = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    let within = |url: &str| {
        let text = format!("{NODES}  c: {{ url: '{url}' }}\n");
        let surroundings =
            Surroundings { variables: &variables, read_file: &read_file, needs_secrets: false };
        parse_within("o.yaml", &text, &surroundings)
    };
    let config = within("mysql://x:${UNSET}@h/y").expect("the brand is known");
    let node = &config.nodes[&NodeId::from("c")];
    let error = node.resolved_url(std::path::Path::new("/")).expect_err("not set");
    assert_eq!(error.to_string(), "the variable `UNSET` is not set");
    assert_eq!(error.location().to_string(), "o.yaml:6:13");
    assert!(within("${UNSET}").is_err(), "no brand without the scheme");
}

#[test]
fn an_exact_name_beats_a_glob_and_the_first_glob_the_later_ones() {
    let config = read(&format!(
        "{NODES}tables:\n  'a*': skip\n  '*': {{ overwrite: record }}\n  a1: follow\n  s.t:\n"
    ))
    .expect("parses");
    let rule = |namespace: Option<&str>, name: &str| {
        let table = TableName { namespace: namespace.map(str::to_owned), name: name.to_owned() };
        config.rule_for(&table).map(|rule| rule.pattern.as_str())
    };
    assert_eq!(rule(None, "a1"), Some("a1"));
    assert_eq!(rule(None, "a2"), Some("a*"));
    assert_eq!(rule(Some("x"), "a2"), Some("*"));
    assert_eq!(rule(Some("s"), "t"), Some("s.t"));
    assert_eq!(config.tables[1].place().within("f").to_string(), "f:8:3");
    assert!(matches!(&config.tables[1].choice,
        TableChoice::Follow(options) if options.overwrite == Overwrite::Record));
    assert!(config.options_for(&TableName::plain("a2")).is_none());
}

#[test]
fn the_hash_follows_what_the_sql_depends_on() {
    let hash = |text: &str| read(text).expect("parses").hash;
    let base = hash(&format!("{NODES}tables: {{ a: {{ key: [x] }} }}\n"));
    let same = format!(
        "# moved\n{NODES}tables:\n\n  a:\n    key: [ x ]\nroutes: [{{ id: 1, from: a, to: b }}]\n"
    );
    assert_eq!(hash(&same), base);
    for other in [
        format!("{NODES}tables: {{ a: {{ key: [y] }} }}\n"),
        format!("{NODES}tables: {{ b: {{ key: [x] }} }}\n"),
        format!("{NODES}tables: {{ a: {{ key: [x], columns: {{ x: hash }} }} }}\n"),
        format!("{NODES}tables: {{ a: {{ key: [x] }} }}\ncapture: {{ command: tilde }}\n"),
        format!("{NODES}tables: {{ a: {{ key: [x] }} }}\n").replace("database: app", "database: b"),
    ] {
        assert_ne!(hash(&other), base, "{other}");
    }
    assert_eq!(read(NODES).expect("parses").capture.command, CommandForm::None);
}

#[test]
fn a_limit_of_time_has_a_unit_or_is_never() {
    let limit = |text: &str| {
        let text = format!("{NODES}limits: {{ skew_warning: {text} }}\n");
        read(&text).map(|config| config.limits.skew_warning).ok()
    };
    assert_eq!(limit("250ms"), Some(Some(Duration::from_millis(250))));
    assert_eq!(limit("3m"), Some(Some(Duration::from_mins(3))));
    assert_eq!((limit("never"), limit("0"), limit("0s")), (Some(None), Some(None), Some(None)));
    assert_eq!((limit("2"), limit("2w"), limit("-1s")), (None, None, None));
    assert_eq!(limit("99999999999999999h"), None);
}

#[test]
fn a_retention_of_nothing_is_not_never() {
    let limit = |text: &str| {
        let text = format!("{NODES}limits: {{ outbox_retention: {text} }}\n");
        read(&text).map(|config| config.limits.outbox_retention).ok()
    };
    assert_eq!(limit("30d"), Some(Some(Duration::from_hours(720))));
    assert_eq!((limit("0"), limit("never")), (Some(Some(Duration::ZERO)), Some(None)));
}

#[test]
fn a_finding_may_stand_with_a_reason_only() {
    let entry = "findings:\n  - { id: truncate, table: 'a*', dialect: mariadb, reason: seen }\n";
    let config = read(&format!("{NODES}{entry}")).expect("parses");
    let one = &config.suppressions[0];
    assert_eq!((one.id.as_str(), one.reason.as_str()), ("truncate", "seen"));
    assert_eq!(one.brand, Some(Brand::Mysql));
    assert!(one.fits_table(Some("abc")) && !one.fits_table(Some("b")) && !one.fits_table(None));
    assert_eq!(one.place.within("f").to_string(), "f:7:11");
    let refused = |entry: &str| {
        let error = read(&format!("{NODES}findings: [{entry}]\n")).expect_err("is refused");
        format!("{}: {error}", error.location())
    };
    assert!(refused("{ id: truncate }").contains("missing key `reason`"));
    assert_eq!(
        refused("{ id: truncate, reason: ' ' }"),
        "outrigger.yaml:6:36: `reason` says why `truncate` may stand, and is empty"
    );
    assert!(refused("{ id: truncate, reason: x, dialect: y }").contains("unknown dialect `y`"));
    assert!(refused("{ id: truncate, reason: x, tables: y }").contains("unknown key `tables`"));
}
