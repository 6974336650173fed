//! The command as a user meets it: stdout, stderr, exit code.

mod cli_support;

use cli_support::{Run, outrigger};
use indoc::{formatdoc, indoc};

const VERBS: [&str; 18] = [
    "init",
    "check",
    "generate",
    "review",
    "diff",
    "translate",
    "apply",
    "verify",
    "probe",
    "remove",
    "transport",
    "import",
    "run",
    "status",
    "quarantine",
    "conflicts",
    "demo",
    "completions",
];

const SCHEMA: &str = indoc! {"
    CREATE TABLE sales_order (
      order_id bigint PRIMARY KEY,
      note varchar(30),
      card_number varchar(30),
      update_datetime timestamp
    );
"};

const NODES: &str = indoc! {"
    database: app
    schema: { dialect: postgres, files: [schema.sql] }
    nodes:
      server1: { url: 'postgres://app@localhost/app' }
      server2: { url: 'sqlite:server2.db' }
"};

/// `check` of the nodes and what follows them.
fn check(rest: &str) -> Run {
    outrigger("check").file("schema.sql", SCHEMA).file("outrigger.yaml", format!("{NODES}{rest}"))
}

#[test]
fn every_verb_has_help_with_examples() {
    for verb in VERBS {
        let help = outrigger(verb).argument("--help").exits_with(0).stdout_has("Usage: outrigger");
        assert!(help.stdout.contains("EXAMPLES\n"), "{verb}: {}", help.stdout);
        assert!(
            help.stdout.contains(&format!("    outrigger {verb}")) || verb == "completions",
            "{verb}: {}",
            help.stdout
        );
        assert_eq!(help.stderr, "");
    }
    let help = outrigger("--help").exits_with(0).stdout_has("EXIT CODES");
    for verb in VERBS {
        assert!(help.stdout.contains(&format!("\n  {verb} ")), "{verb}: {}", help.stdout);
    }
}

#[test]
fn examples_of_the_help_are_understood() {
    for verb in VERBS {
        let help = outrigger(verb).argument("--help").exits_with(0).stdout;
        let (_, examples) = help.split_once("EXAMPLES\n").expect("examples");
        let commands = examples.lines().filter_map(|line| line.trim().strip_prefix("outrigger "));
        for command in commands.filter(|command| !command.contains('>')) {
            // Whatever is missing in an empty folder: the arguments themselves are not refused.
            let run = outrigger(command).exits_with_any();
            assert!(!run.stderr.contains("Usage:"), "{command}: {run}");
        }
    }
}

#[test]
fn wrong_arguments_exit_with_2() {
    outrigger("").exits_with(2).stderr_has("Usage: outrigger");
    outrigger("aply").exits_with(2).stderr_has("'apply'");
    outrigger("generate --dialect oracle").exits_with(2).stderr_has("sqlserver");
    outrigger("quarantine retry --node a").exits_with(2);
    outrigger("quarantine retry 1 --all --node a").exits_with(2);
    outrigger("conflicts drop --node a").exits_with(2);
    outrigger("run --every soon").exits_with(2).stderr_has("such as 5s");
    outrigger("demo --nodes 1").exits_with(2);
    outrigger("check --allow no-such-id").exits_with(2);
}

#[test]
fn a_missing_configuration_is_said_with_what_to_do() {
    outrigger("check").exits_with(2).stdout_is("").stderr_is(indoc! {"
        error: there is no `outrigger.yaml` in this folder or one above it

        hint: write one with `outrigger init --from schema.sql`, or name it with `-c`
    "});
    outrigger("-c x.yaml check").exits_with(2).stderr_is(indoc! {"
        error: could not read `x.yaml`
        caused by: No such file or directory (os error 2)
    "});
}

#[test]
fn an_unknown_key_is_said_with_its_place_and_the_one_that_was_meant() {
    check("tables:\n  sales_order: { last_updat: x }\n").exits_with(2).stderr_is(indoc! {"
        error: unknown key `last_updat`
          --> outrigger.yaml:7:18

        hint: did you mean `last_update`?
    "});
}

#[test]
fn impossible_routes_are_refused() {
    check("routes:\n  - { id: 1, from: server1, to: server1 }\n").exits_with(2).stderr_is(
        indoc! {"
        error: route `1` goes from `server1` to itself
          --> outrigger.yaml:7:11
    "},
    );
    check(indoc! {"
        routes:
          - { id: 1, from: server1, to: server2 }
          - { id: 2, from: server2, to: server1 }
    "})
    .exits_with(2)
    .stderr_is(indoc! {"
        error: route `2` collides with route `1`: a route takes its id and the next one
          --> outrigger.yaml:8:11

        hint: number routes in steps of two: 1000, 1002, 1004
    "});
    check("routes:\n  - { id: 1, from: server1, to: server22 }\n").exits_with(2).stderr_is(
        indoc! {"
        error: unknown node `server22`
          --> outrigger.yaml:7:33

        hint: did you mean `server2`?
    "},
    );
}

#[test]
fn a_schema_that_cannot_be_read_is_named() {
    outrigger("check").file("outrigger.yaml", NODES).exits_with(2).stderr_is(indoc! {"
        error: could not read `schema.sql`
        caused by: No such file or directory (os error 2)
    "});
    check("").file("schema.sql", b"CREATE TABLE gr\xf6\xdfe (").exits_with(2).stderr_is(indoc! {"
        error: could not read `schema.sql`
        caused by: line 1, column 16 has the byte 0xf6, which is not UTF-8: a file is UTF-8, or \
        UTF-16 as SQL Server's tools write it; `iconv -f WINDOWS-1252 -t UTF-8` turns Latin-1 into UTF-8
    "});
    let nodes = NODES.replace("schema.sql", "db");
    outrigger("check")
        .file("outrigger.yaml", nodes)
        .file("db/readme.txt", "")
        .exits_with(2)
        .stderr_is("error: there is no `*.sql` file in `db`\n");
}

#[test]
fn findings_are_data_with_place_and_remedy() {
    let rest = "tables: { '*': { last_update: update_datetime } }\n\
                routes: [{ id: 1, from: server1, to: server2 }]\n";
    let run = check(rest).exits_with(1).stdout_has(
        "warning[secret-column]: column `sales_order.card_number` sounds like a secret and is \
         captured\n  --> schema.sql:4:3\nhelp: give it a policy under `columns`: `ignore`, `hash`, \
         `mask` or `forbid`; or `capture`, when it may travel\n",
    );
    assert!(run.stderr.starts_with("0 errors, 1 warning, "), "{run}");
    run.then("check --quiet --allow secret-column").exits_with(0).stderr_is("");
}

#[test]
fn findings_as_json_are_nothing_but_json() {
    let run = check("").argument("--format").argument("json").exits_with(1);
    let findings: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let ids: Vec<&str> =
        findings.as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, ["unmapped-table", "node-without-route", "node-without-route"]);
    assert_eq!(findings[0]["severity"], "warning");
    assert_eq!(findings[0]["location"]["path"], "schema.sql");
    assert_eq!(findings[0]["location"]["line"], 1);
    assert_eq!(findings[0]["table"], "sales_order");
}

#[test]
fn the_configuration_is_found_above_and_its_files_beside_it() {
    check("").inside("a/b").exits_with(1).stdout_has("  --> ../../schema.sql:1:");
    outrigger("check -c conf/x.yaml")
        .file("conf/x.yaml", NODES)
        .file("conf/schema.sql", SCHEMA)
        .exits_with(1)
        .stdout_has("  --> conf/schema.sql:1:");
}

#[test]
fn a_starter_is_written_and_passes_the_check_but_for_what_it_asks() {
    let run = outrigger("init --from schema.sql --dialect postgres")
        .file("schema.sql", SCHEMA)
        .exits_with(0)
        .stdout_is("")
        .stderr_has("sales_order  order_id  update_datetime  card_number");
    let text = run.text("outrigger.yaml");
    assert!(text.contains("    last_update: update_datetime\n"), "{text}");
    assert!(text.contains("    #   card_number: ignore\n"), "{text}");
    let run = run.then("check").exits_with(1).stdout_has("warning[secret-column]");
    assert!(run.stderr.starts_with("0 errors, 1 warning, "), "{run}");
    let run = run.then("init --from schema.sql --dialect postgres").exits_with(2);
    let run = run.stderr_is(indoc! {"
        error: `outrigger.yaml` exists already

        hint: `--force` overwrites it
    "});
    run.then("init --from schema.sql --dialect postgres --force").exits_with(0);
}

#[test]
fn a_starter_needs_a_dialect_and_a_table() {
    outrigger("init --from s.sql").file("s.sql", "CREATE TABLE a (\n").exits_with(2).stderr_is(
        indoc! {"
            error: could not tell the dialect of `s.sql`

            hint: say it with `--dialect`: postgres, sqlite, sqlserver, mysql
        "},
    );
    let run = outrigger("init --from s.sql").file("s.sql", "PRAGMA foreign_keys = ON;\n");
    let run = run.exits_with(2).stderr_is("error: no table is created in `s.sql`\n");
    assert!(!run.folder().join("outrigger.yaml").exists());
}

#[test]
fn the_dialect_is_told_from_the_text_and_another_one_is_refused_with_the_place() {
    let text = "-- from a dump\nCREATE TYPE mood AS ENUM ('sad');\n\
                CREATE TABLE a (id bigint PRIMARY KEY, m mood, tags text[], ip inet);\n";
    let run = outrigger("init --from pg.sql").file("pg.sql", text).exits_with(0);
    assert!(run.text("outrigger.yaml").contains("dialect: postgres"), "{run}");
    for given in ["mysql", "sqlite", "sqlserver"] {
        let run = outrigger(&format!("init --from pg.sql --dialect {given}")).file("pg.sql", text);
        let run = run.exits_with(2).stderr_is(&formatdoc! {"
            error: this is no {given}, it looks like postgres: CREATE TYPE mood AS ENUM
              --> pg.sql:2:1

            hint: `--dialect postgres`, or `dialect: postgres` under `schema:`
        "});
        assert!(!run.folder().join("outrigger.yaml").exists(), "{run}");
    }
    let config = "database: a\nschema: { dialect: mysql, files: [pg.sql] }\nnodes: { x: { url: 'sqlite:x' } }\n";
    let run = outrigger("check").file("pg.sql", text).file("outrigger.yaml", config);
    run.exits_with(2).stderr_has("  --> pg.sql:2:1\n");
}

/// What is left of a file that was cut off is used, and what is missing is said with its place.
#[test]
fn a_file_that_was_cut_off_is_said_with_the_place() {
    let whole = "CREATE TABLE a (id integer PRIMARY KEY);\n";
    for (rest, warning, findings) in [
        ("CREATE TABLE b (id int, n text DEFAULT 'abc\n", "`CREATE TABLE`: a quote or comment", 0),
        (
            "CREATE TABLE b (id int,\n n text DEF",
            "`CREATE TABLE` of table `b` is not understood: ",
            1,
        ),
        ("/* half\nCREATE TABLE b (id int);", "`/*` is not understood: a quote or comment", 1),
        (
            "CREATE FUNCTION f() AS $$ BEGIN\nCREATE TABLE b (id int);",
            "`CREATE FUNCTION` is not understood",
            1,
        ),
    ] {
        let text = format!("{whole}{rest}");
        let run =
            outrigger("init --from s.sql --dialect postgres").file("s.sql", &text).exits_with(0);
        let warning = warning.replace("`CREATE TABLE`: ", "`CREATE TABLE` is not understood: ");
        assert!(run.stderr.contains(&format!("warning: {warning}")), "{run}");
        assert!(
            run.stderr.contains("  --> s.sql:2:") || run.stderr.contains("  --> s.sql:3:"),
            "{run}"
        );
        assert!(run.stderr.contains("1 table, "), "{run}");
        let config = "database: a\nschema: { dialect: postgres, files: [s.sql] }\nnodes: { x: { url: 'sqlite:x' } }\ntables: { '*': follow }\n";
        let run =
            outrigger("check").file("s.sql", &text).file("outrigger.yaml", config).exits_with_any();
        assert!(run.stdout.contains("warning[unparsed-statement]") || findings == 0, "{run}");
    }
    let run = outrigger("init --from s.sql --dialect postgres")
        .file("s.sql", "CREATE TABLE b (id int,\n n te");
    run.exits_with(2).stderr_has("warning: `CREATE TABLE` of table `b` is not understood");
}

/// A folder's files are one script, in the order of their names, whatever each is encoded in.
#[test]
fn a_folder_of_mixed_files_is_read_and_what_is_no_text_is_named() {
    let run = outrigger("init --from db --dialect postgres")
        .file("db/1.sql", "CREATE TABLE a (id integer PRIMARY KEY);")
        .file("db/2.SQL", "ALTER TABLE a ADD COLUMN b text;")
        .file("db/3.sql", "")
        .file("db/readme.txt", "CREATE TABLE no (id int);")
        .file("db/sub/4.sql", "CREATE TABLE no (id int);")
        .exits_with(0);
    let utf16: Vec<u8> = "\u{feff}CREATE TABLE c (id integer PRIMARY KEY);"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    std::fs::write(run.folder().join("db/5.sql"), utf16).unwrap();
    let init = "init --from db --dialect postgres --force";
    let run = run.then(init).exits_with(0).stderr_has("2 tables, 0 other statements");
    for (bytes, said) in [
        (&b"-- gr\xf6\xdfe"[..], "line 1, column 6 has the byte 0xf6, which is not UTF-8"),
        (b"PGDMP\x01\x0e", "it is an archive of pg_dump: `pg_restore --schema-only"),
        (b"SQLite format 3\0", "it is a SQLite database"),
        (b"a\0b", "line 1, column 2 has the character U+0000"),
    ] {
        std::fs::write(run.folder().join("db/6.sql"), bytes).unwrap();
        let again = std::process::Command::new(env!("CARGO_BIN_EXE_outrigger"))
            .args(init.split(' '))
            .current_dir(run.folder())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&again.stderr);
        assert_eq!(again.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("could not read `db/6.sql`") && stderr.contains(said), "{stderr}");
    }
}

#[test]
fn a_password_is_never_printed() {
    let nodes = NODES.replace("app@localhost", "app:s3cret@localhost");
    for arguments in ["check", "check --format json", "generate", "apply --node server1"] {
        let run = outrigger(arguments)
            .file("outrigger.yaml", &nodes)
            .file("schema.sql", SCHEMA)
            .exits_with_any();
        assert!(!format!("{run}").contains("s3cret"), "{arguments}: {run}");
    }
    let run = outrigger("init --from postgres://app:s3cret@localhost:1/app").exits_with(2);
    assert!(!format!("{run}").contains("s3cret"), "{run}");
    let text = "nodes: { a: 'postgres://app:s3cret@localhost/app' }\n";
    let run = outrigger("check").file("outrigger.yaml", text).exits_with(2);
    assert!(!format!("{run}").contains("s3cret"), "{run}");
}

#[test]
fn a_url_may_stand_in_a_file_of_its_own() {
    let nodes = NODES.replace("url: 'postgres://app@localhost/app'", "url_file: secret/url");
    let run = outrigger("check").file("outrigger.yaml", &nodes).file("schema.sql", SCHEMA);
    let run = run.exits_with(2).stderr_is(indoc! {"
        error: could not read `secret/url`, which holds a connection URL
          --> outrigger.yaml:4:24
        caused by: No such file or directory (os error 2)
    "});
    let run = run
        .then("check")
        .file("secret/url", "postgres://app:s3cret@localhost/app\n")
        .exits_with(1)
        .stdout_has("unmapped-table");
    assert!(!run.stdout.contains("literal-password") && !format!("{run}").contains("s3cret"));
}

#[test]
fn completions_of_each_shell_know_the_verbs() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = outrigger("completions").argument(shell).exits_with(0).stderr_is("");
        for verb in VERBS {
            assert!(run.stdout.contains(verb), "{shell}: {verb}");
        }
    }
}

#[test]
fn nothing_is_coloured_where_nobody_sees_it() {
    let run = check("").exits_with(1);
    assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'), "{run}");
    let run = outrigger("aply").variable("NO_COLOR", "1").exits_with(2);
    assert!(!run.stderr.contains('\x1b'), "{run}");
}

#[test]
fn an_explanation_needs_a_dry_run() {
    let run = outrigger("import --explain").exits_with(2);
    run.stderr_has("--dry-run");
    outrigger("import --format json").exits_with(2).stderr_has("--dry-run");
}
