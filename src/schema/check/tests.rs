//! Every finding is found, and found only where it belongs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use indoc::indoc;

use super::{Finding, IDS, Severity, check};
use crate::config::{self, Config};
use crate::dialect::Brand;
use crate::model::{Action, Column, ForeignKey, Location, LogicalType, Schema, Table, TableName};
use crate::schema::Skipped;

/// `name type flags`, a line for each column; flags: `key`, `null`, `identity`, `default`,
/// `generated`, `unique`.
fn table(name: &str, columns: &str) -> Table {
    let name = match name.split_once('.') {
        Some((namespace, name)) => {
            TableName { namespace: Some(namespace.to_owned()), name: name.to_owned() }
        }
        None => TableName::plain(name),
    };
    let mut table = Table {
        name,
        columns: Vec::new(),
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        foreign_keys: Vec::new(),
        location: Some(Location { path: "schema.sql".to_owned(), line: 1, column: 1 }),
    };
    for (line, text) in (2..).zip(columns.split(',')) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let has = |flag: &str| words.contains(&flag);
        let (name, native) = (words[0].to_owned(), words[1].replace('_', " "));
        if has("key") {
            table.primary_key.push(name.clone());
        }
        if has("unique") {
            table.unique_keys.push(vec![name.clone()]);
        }
        table.columns.push(Column {
            name,
            logical_type: logical_type(&native),
            native_type: native,
            base_type: None,
            is_nullable: has("null"),
            default: has("default").then(|| "1".to_owned()),
            is_identity: has("identity"),
            is_generated: has("generated"),
            location: Some(Location { path: "schema.sql".to_owned(), line, column: 5 }),
        });
    }
    table
}

/// The few types of these tests; the dialect files have tests of their own.
fn logical_type(native: &str) -> Option<LogicalType> {
    Some(match native.split('(').next()? {
        "bigint" => LogicalType::Integer,
        "varchar" | "text" => LogicalType::Text,
        "timestamp" => LogicalType::Timestamp,
        "timestamptz" => LogicalType::TimestampTz,
        "numeric" => LogicalType::Decimal,
        _ => return None,
    })
}

fn refers(mut table: Table, to: &str, on_delete: Action) -> Table {
    table.foreign_keys.push(ForeignKey {
        columns: vec!["parent_id".to_owned()],
        references: TableName::plain(to),
        referenced_columns: vec!["id".to_owned()],
        on_delete,
        on_update: Action::NoAction,
    });
    table
}

const SCHEMES: [(&str, &str); 4] = [
    ("postgres", "postgres://app@h/app"),
    ("sqlite", "sqlite:app.db"),
    ("mysql", "mysql://app@h/app"),
    ("sqlserver", "sqlserver://app@h/app"),
];

/// A configuration with one node of each brand, named after it, and the given routes.
fn config(routes: &[(&str, &str)], rest: &str) -> Config {
    let mut text = String::from("database: app\nschema: { node: postgres }\nnodes:\n");
    for (id, url) in SCHEMES {
        let _ = writeln!(text, "  {id}: {{ url: '{url}' }}");
    }
    text.push_str("routes:\n");
    for (number, (from, to)) in (1..).zip(routes) {
        let _ = writeln!(text, "  - {{ id: {number}0, from: {from}, to: {to} }}");
    }
    text.push_str(rest);
    config::parse("outrigger.yaml", &text, &BTreeMap::new()).expect("the configuration parses")
}

const ONE_WAY: [(&str, &str); 1] = [("postgres", "sqlite")];
const BOTH_WAYS: [(&str, &str); 2] = [("postgres", "sqlite"), ("sqlite", "postgres")];
const FROM_MYSQL: [(&str, &str); 1] = [("mysql", "postgres")];

fn find(config: &Config, tables: Vec<Table>) -> Vec<Finding> {
    let mut schema = Schema { tables };
    schema.tables.sort_by(|one, two| one.name.cmp(&two.name));
    check(config, &schema, &[])
}

/// Findings of one id as `severity place: message`.
fn of<'a>(id: &'static str, findings: &'a [Finding]) -> Vec<String> {
    assert!(IDS.contains(&id), "{id} is not listed");
    let one = |finding: &'a Finding| {
        let place = finding.location.as_ref().map_or_else(String::new, ToString::to_string);
        format!("{} {place}: {}", finding.severity.name(), finding.message)
    };
    findings.iter().filter(|finding| finding.id == id).map(one).collect()
}

#[track_caller]
fn found(id: &'static str, config: &Config, tables: Vec<Table>, wanted: &[&str]) {
    assert_eq!(of(id, &find(config, tables)), wanted, "{id}");
}

fn order() -> Table {
    table("sales_order", "id bigint key, note varchar(30) null, changed timestamptz")
}

#[test]
fn a_sound_table_gives_no_error_and_no_warning() {
    let config = config(&BOTH_WAYS, "tables: { sales_order: { last_update: changed } }\n");
    let findings = find(&config, vec![order()]);
    assert!(findings.iter().all(|one| one.severity == Severity::Info), "{findings:#?}");
    assert_eq!(of("no-last-update", &findings), [""; 0]);
}

#[test]
fn keys() {
    let all = config(&BOTH_WAYS, "tables: { '*': follow }\n");
    found(
        "no-key",
        &all,
        vec![table("a", "id bigint"), order()],
        &["error schema.sql:1:1: table `a` has no primary key, so its rows cannot be followed"],
    );
    let own = config(&BOTH_WAYS, "tables:\n  a: { key: [x] }\n  b: { key: [x] }\n");
    let tables = vec![table("a", "x bigint"), table("b", "x bigint null unique")];
    let findings = find(&own, tables);
    assert_eq!(of("no-key", &findings), [""; 0]);
    assert_eq!(
        of("key-not-unique", &findings),
        ["warning outrigger.yaml:12:14: nothing keeps the key of table `a` unique"]
    );
    assert_eq!(
        of("nullable-key", &findings),
        ["warning schema.sql:2:5: key column `b.x` may be NULL, and such rows cannot be followed"]
    );
    let numbered = || vec![table("a", "id bigint key identity, email text unique")];
    found(
        "auto-increment-key",
        &all,
        numbered(),
        &["warning schema.sql:2:5: key column `a.id` is numbered by the database on 2 nodes \
           that write: different rows will get the same key"],
    );
    found(
        "unique-key",
        &all,
        numbered(),
        &["info schema.sql:1:1: two nodes may insert the same unique (email) into `a`"],
    );
    let one_writer = config(&ONE_WAY, "tables: { '*': follow }\n");
    found("auto-increment-key", &one_writer, numbered(), &[]);
    found("unique-key", &one_writer, numbered(), &[]);
}

#[test]
fn texts_as_keys_of_brands_that_compare_them_differently() {
    let texts = || vec![table("a", "word text key, note text"), table("b", "id bigint key")];
    let all = "tables: { '*': follow }\n";
    found(
        "text-key",
        &config(&BOTH_WAYS, all),
        texts(),
        &["warning schema.sql:2:5: two keys in `a.word` that differ in letter case alone are \
           two rows on PostgreSQL, and SQL Server takes them for one \
           unless a collation says otherwise"],
    );
    let guid = "tables: { a: { identity: guid }, b: follow }\n";
    found("text-key", &config(&BOTH_WAYS, guid), texts(), &[]);
    let exact = "database: app\nschema: { node: postgres }\nnodes:\n  \
                 postgres: { url: 'postgres://app@h/app' }\n  sqlite: { url: 'sqlite:app.db' }\n\
                 routes: [{ id: 10, from: postgres, to: sqlite }]\n";
    let exact = format!("{exact}{all}");
    let exact = config::parse("outrigger.yaml", &exact, &BTreeMap::new()).unwrap();
    found("text-key", &exact, texts(), &[]);
}

#[test]
fn rules_and_tables_that_do_not_find_each_other() {
    let rules = indoc! {"
        tables:
          sales_ordr: follow
          'log_*': skip
          's*': skip
          'sa*': follow
    "};
    let config = config(&ONE_WAY, rules);
    let findings =
        find(&config, vec![order(), table("b", "id bigint key"), table("ds_node", "a b")]);
    assert_eq!(
        of("rule-without-table", &findings),
        [
            "warning outrigger.yaml:11:3: no table fits the rule `sales_ordr`",
            "info outrigger.yaml:14:3: every table that fits `sa*` has an earlier rule",
            "info outrigger.yaml:12:3: no table fits the rule `log_*`",
        ]
    );
    assert_eq!(findings[0].remedy, "did you mean `sales_order`?");
    assert_eq!(
        of("unmapped-table", &findings),
        ["warning schema.sql:1:1: table `b` is matched by no rule"]
    );
}

#[test]
fn columns_that_do_not_exist() {
    let rules = indoc! {"
        tables:
          sales_order:
            key: [id, x]
            last_update: chnged
            columns: { y: ignore }
    "};
    found(
        "unknown-column",
        &config(&ONE_WAY, rules),
        vec![order()],
        &[
            "error outrigger.yaml:13:18: table `sales_order` has no column `chnged`, which \
             `last_update` names",
            "error outrigger.yaml:12:15: table `sales_order` has no column `x`, which `key` names",
            "error outrigger.yaml:14:16: table `sales_order` has no column `y`, which `columns` \
             names",
        ],
    );
}

#[test]
fn nodes() {
    let mut text = String::from("database: a\nschema: { node: a }\nnodes:\n");
    text.push_str("  a: { url: 'postgres://u:s3cret@h/d' }\n  b: { url: 'mysql://u@h/d' }\n");
    let config = config::parse("o.yaml", &text, &BTreeMap::new()).expect("parses");
    let findings = find(&config, Vec::new());
    assert_eq!(
        of("literal-password", &findings),
        ["warning o.yaml:4:13: the password of node `a` stands in the configuration"]
    );
    assert_eq!(of("node-without-route", &findings).len(), 2);
    assert!(!serde_json::to_string(&findings).expect("serializes").contains("s3cret"));
}

#[test]
fn types_and_the_last_update() {
    let rules = "tables: { a: { columns: { p: ignore } }, b: { last_update: c }, \
                 c: { last_update: c } }\n";
    let config = config(&ONE_WAY, rules);
    let tables = || {
        vec![
            table("a", "id bigint key, p money, q money, r money generated"),
            table("b", "id bigint key, c timestamp"),
            table("c", "id bigint key, c text"),
        ]
    };
    found(
        "unmappable-type",
        &config,
        tables(),
        &["error schema.sql:4:5: column `a.q` has the type `money`, which is not carried: its \
           text and its number depend on the server's locale, use numeric"],
    );
    found(
        "no-last-update",
        &config,
        tables(),
        &["info schema.sql:1:1: table `a` has no last-update column, so the time of capture \
           counts"],
    );
    found(
        "naive-last-update",
        &config,
        tables(),
        &["info outrigger.yaml:10:60: `b.c` has no time zone: its values are taken as UTC"],
    );
    found(
        "last-update-type",
        &config,
        tables(),
        &["warning outrigger.yaml:10:83: `c.c` is a text and no timestamp: it cannot say what is \
           newer"],
    );
}

#[test]
fn policies() {
    let rules = indoc! {"
        tables:
          a:
            columns: { id: mask, e: hash, n: hash, s: hash, r: ignore, t: mask, password: capture }
    "};
    let columns = "id bigint key, e text, n bigint null, s varchar(63) null, r text, t numeric(9), \
                   password text, api_key text, d text default";
    let findings = find(&config(&BOTH_WAYS, rules), vec![table("a", columns)]);
    assert_eq!(
        of("policy-on-key", &findings),
        ["error outrigger.yaml:13:16: key column `a.id` cannot be `mask`: peers find \
          the row by it"]
    );
    assert_eq!(of("hash-does-not-fit", &findings).len(), 2, "n and s");
    let unsupported = of("hash-unsupported", &findings);
    assert_eq!(unsupported.len(), 3, "SQLite sends, and cannot hash e, n, s: {unsupported:?}");
    assert_eq!(
        of("required-column-left-out", &findings),
        [
            "warning outrigger.yaml:13:53: column `a.r` is left out of inserts but is NOT NULL \
             without a default: peers cannot insert",
            "warning outrigger.yaml:13:64: column `a.t` is NULL in inserts, as only text can be \
             masked, but is NOT NULL without a default: peers cannot insert",
        ]
    );
    assert_eq!(
        of("secret-column", &findings),
        ["warning schema.sql:9:5: column `a.api_key` sounds like a secret and is captured"]
    );
    let findings = find(&config(&ONE_WAY, rules), vec![table("a", columns)]);
    assert_eq!(of("hash-unsupported", &findings), [""; 0], "SQLite only receives");
}

#[test]
fn references() {
    let child =
        |action| refers(table("child", "id bigint key, parent_id bigint"), "parent", action);
    let parent = || table("parent", "id bigint key");
    let id = "foreign-key-to-unfollowed";
    let message = "table `child` refers to `parent`, which is not followed";
    let tables = || vec![child(Action::Cascade), parent()];
    let only_child = config(&ONE_WAY, "tables: { child: follow }\n");
    found(id, &only_child, tables(), &[&format!("warning schema.sql:1:1: {message}")]);
    let skipped = config(&ONE_WAY, "tables: { child: follow, parent: skip }\n");
    found(id, &skipped, tables(), &[&format!("info schema.sql:1:1: {message}")]);
    let all = config(&ONE_WAY, "tables: { '*': follow }\n");
    found(id, &all, tables(), &[]);
}

#[test]
fn cascades_that_nothing_can_record() {
    let id = "mysql-cascade";
    let child =
        |action| refers(table("child", "id bigint key, parent_id bigint"), "parent", action);
    let from_mysql = config(&FROM_MYSQL, "tables: { '*': follow }\n");
    let parent = || table("parent", "id bigint key");
    found(id, &from_mysql, vec![child(Action::Cascade), parent()], &[]);
    let circle = || refers(child(Action::Cascade), "child", Action::Cascade);
    let message = "schema.sql:1:1: MySQL fires no trigger for what goes with a row of `child` from \
                   `child`, and nothing else can record it: the tables refer to each other in a \
                   circle";
    let tables = || vec![circle(), parent()];
    found(id, &from_mysql, tables(), &[&format!("error {message}")]);
    let left = "tables: { '*': follow }\ncapture: { cascades: leave }\n";
    found(id, &config(&FROM_MYSQL, left), tables(), &[&format!("warning {message}")]);
    found(id, &config(&ONE_WAY, "tables: { '*': follow }\n"), tables(), &[]);
    let unfollowed = config(&FROM_MYSQL, "tables: { parent: follow, child: skip }\n");
    found(id, &unfollowed, tables(), &[]);
}

#[test]
fn statements_that_were_not_understood() {
    let skipped = |table: Option<&str>, reason: Option<&str>| Skipped {
        location: Location { path: "schema.sql".to_owned(), line: 7, column: 1 },
        what: "ALTER TABLE".to_owned(),
        reason: reason.map(str::to_owned),
        table: table.map(str::to_owned),
    };
    let config = config(&ONE_WAY, "tables: { a: follow, b: skip }\n");
    let all = [
        skipped(Some("a"), Some("expected a comma")),
        skipped(Some("b"), Some("expected a comma")),
        skipped(Some("a"), None),
        skipped(None, Some("expected a comma")),
    ];
    let findings = check(&config, &Schema::default(), &all);
    assert_eq!(
        of("unparsed-statement", &findings),
        ["warning schema.sql:7:1: `ALTER TABLE` of table `a` is not understood: expected a comma"]
    );
}

#[test]
fn writes_that_no_trigger_sees_are_said_once_for_a_sending_brand() {
    let rules = "tables: { '*': follow }\n";
    let tables = || vec![order(), table("b", "id bigint key")];
    let findings = find(&config(&BOTH_WAYS, rules), tables());
    assert_eq!(of("sqlite-replace", &findings).len(), 1);
    assert_eq!(of("truncate", &findings).len(), 0);
    let findings = find(&config(&FROM_MYSQL, rules), tables());
    assert_eq!(of("sqlite-replace", &findings).len(), 0);
    assert_eq!(of("truncate", &findings).len(), 1);
}

#[test]
fn names_that_a_brand_cannot_hold() {
    let long = "ö".repeat(32);
    let config = config(&ONE_WAY, "tables: { '*': follow }\n");
    let tables = vec![
        table(&long, "id bigint key"),
        table("a.b", "id bigint key"),
        table("a_b", "id bigint key"),
    ];
    let findings = find(&config, tables);
    assert_eq!(
        of("name-too-long", &findings),
        [format!("error schema.sql:1:1: the table name `{long}` is longer than PostgreSQL allows")],
        "64 bytes, 32 characters"
    );
    let refused = vec![table("a😀 ", "id bigint key, b\u{0} int")];
    let refused = of("name-refused", &find(&config, refused));
    let all = ["PostgreSQL", "SQLite", "SQL Server", "MySQL"];
    let nul = all.map(|title| {
        format!(
            "error schema.sql:3:5: the column name \"b\\0\" has the character U+0000, which \
             {title} does not take"
        )
    });
    for wanted in &nul {
        assert!(refused.contains(wanted), "{wanted}: {refused:#?}");
    }
    let end = "error schema.sql:1:1: the table name \"a😀 \" has a blank at its end, which MySQL \
               does not take";
    assert!(refused.iter().any(|one| one == end) && refused.len() == 5, "{refused:#?}");
    let brands: Vec<_> =
        findings.iter().filter(|one| one.id == "name-collision").map(|one| one.brand).collect();
    assert_eq!(brands, [Some(Brand::Sqlite), Some(Brand::Mysql)]);
    let tables = vec![table("T", "id bigint key, a text, A text"), table("t", "id bigint key")];
    let messages: BTreeSet<_> = of("name-collision", &find(&config, tables)).into_iter().collect();
    let wanted = ["SQLite", "SQL Server", "MySQL"].iter().flat_map(|title| {
        [
            format!("error schema.sql:1:1: tables `T` and `t` are both `t` on {title}"),
            format!(
                "error schema.sql:4:5: columns `a` and `A` of `T` are one on {title}, where upper \
                 and lower case count as one"
            ),
        ]
    });
    assert_eq!(messages, wanted.collect());
}

/// What a store cannot hold does not matter, since it holds texts alone; what its neighbours
/// cannot hold does, and a store needs two of them.
#[test]
fn a_store_is_passed_by() {
    let text = |routes: &str| {
        format!(
            "database: a\nschema: {{ node: a }}\nnodes:\n  a: {{ url: 'postgres://u@h/d' }}\n  \
             s: {{ url: 'mysql://u@h/d', store: true }}\n  b: {{ url: 'sqlite:b.db' }}\n\
             tables: {{ '*': follow }}\nroutes:\n{routes}"
        )
    };
    let read =
        |routes: &str| config::parse("o.yaml", &text(routes), &BTreeMap::new()).expect("parses");
    let there = "  - { id: 10, from: a, to: s }\n";
    let tables = || vec![table("t", "id bigint key, a numeric(9)")];
    let findings = find(&read(&format!("{there}  - {{ id: 20, from: s, to: b }}\n")), tables());
    let limits = findings.iter().filter(|one| one.id == "type-limits");
    let brands: BTreeSet<_> = limits.filter_map(|one| one.brand).collect();
    assert_eq!(brands, BTreeSet::from([Brand::Sqlite]), "{findings:?}");
    assert!(!of("type-limits", &findings).is_empty());
    assert_eq!(of("node-without-route", &findings), [""; 0]);
    let findings = find(&read(there), tables());
    let says = "warning o.yaml:5:13: store `s` forwards nothing: it needs routes in and routes out";
    assert!(of("node-without-route", &findings).contains(&says.to_owned()), "{findings:?}");
}

#[test]
fn limits_of_a_type_are_said_once_with_the_number_of_columns() {
    let config = config(&ONE_WAY, "tables: { '*': follow }\n");
    let columns = "id bigint key, a numeric(9), b numeric(9), c numeric(9) generated";
    let findings = find(&config, vec![table("t", columns)]);
    let receives = Brand::Sqlite.dialect().mapping(LogicalType::Decimal).limits.len();
    let sends = &Brand::Postgres.dialect().mapping(LogicalType::Decimal).limits;
    let found = of("type-limits", &findings);
    let decimals = found.iter().filter(|one| one.contains("decimal"));
    assert!(decimals.clone().count() <= receives + sends.len());
    assert!(decimals.clone().all(|one| one.contains("2 columns, the first is `t.a`")), "{found:?}");
    let brands: Vec<_> = findings.iter().filter(|one| one.id == "type-limits").collect();
    assert!(brands.iter().all(|one| one.brand == Some(Brand::Sqlite)));
}

#[test]
fn every_id_is_listed_in_order_and_described() {
    let sorted: BTreeSet<&str> = IDS.into_iter().collect();
    assert_eq!(sorted.into_iter().collect::<Vec<_>>(), IDS);
    let text = include_str!("../../../docs/findings.md");
    let described: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`')).collect();
    assert_eq!(described, IDS);
    let sections: Vec<&str> = text.split("\n## ").skip(1).collect();
    for section in sections {
        assert!(section.contains("**Remedy:**"), "{section}");
    }
    for id in IDS {
        let uses = concat!(
            include_str!("rules.rs"),
            include_str!("keys.rs"),
            include_str!("columns.rs"),
            include_str!("policies.rs"),
            include_str!("references.rs"),
            include_str!("brands.rs"),
            include_str!("writes.rs"),
            include_str!("cost.rs"),
            include_str!("guid.rs"),
            include_str!("server.rs"),
            include_str!("suppress.rs")
        );
        assert!(uses.contains(&format!("\"{id}\"")), "{id} is found nowhere");
    }
}

#[test]
fn the_same_input_gives_the_same_list() {
    let config = config(&BOTH_WAYS, "tables: { a: { columns: { x: hash } } }\n");
    let tables = || vec![order(), table("a", "x money null"), table("b.a", "x money")];
    let once = find(&config, tables());
    assert_eq!(once, find(&config, tables()));
    assert!(once.windows(2).all(|pair| pair[0].severity <= pair[1].severity));
}
