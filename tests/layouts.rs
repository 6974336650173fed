//! Migrations for other tools: what is added, what is refused, and that each tool runs them.

mod names;
mod tool;

use std::collections::BTreeSet;

use outrigger::dialect::Brand;
use outrigger::layout::{self, Error, Folder, Layout, Outcome, Reason};
use outrigger::plan::Plan;
use outrigger::render::{self, Script, ScriptKind, Templates};

use crate::cli_support::outrigger;
use crate::support::case::{Case, cases};

/// Every layout that adds migrations.
fn layouts() -> impl Iterator<Item = Layout> {
    Layout::ALL.into_iter().filter(|layout| *layout != Layout::Plain)
}

/// Every pair that exists.
fn pairs() -> impl Iterator<Item = (Layout, Brand)> {
    let pairs = layouts().flat_map(|layout| Brand::ALL.map(|brand| (layout, brand)));
    pairs.filter(|(layout, brand)| layout.tool_name(*brand).is_some())
}

fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap()
}

/// A folder that is generated into.
struct Desk {
    layout: Layout,
    plan: Plan,
    scripts: Vec<Script>,
    folder: Folder,
}

impl Desk {
    fn of(case: &Case, layout: Layout, brand: Brand) -> Self {
        let plan = case.plan(brand).unwrap();
        let scripts = render::scripts(&plan, &Templates::embedded(brand)).unwrap();
        Self { layout, plan, scripts, folder: Folder::new() }
    }

    fn look(&self, first: Option<&str>) -> Result<Outcome, Error> {
        let templates = Templates::embedded(self.plan.brand);
        layout::migrate(self.layout, &self.plan, &self.scripts, &templates, &self.folder, first)
    }

    /// Generates, and writes what came of it.
    fn generate(&mut self) -> Outcome {
        let outcome = self.look(None).unwrap_or_else(|error| panic!("{}: {error}", self.layout));
        for file in outcome.new.iter().chain(&outcome.lists) {
            self.folder.insert(file.path.clone(), file.text.clone().into_bytes());
        }
        outcome
    }

    /// As an edit of the configuration or a newer template would.
    fn alter_capture(&mut self) {
        let is_capture = |script: &&mut Script| matches!(script.kind, ScriptKind::Capture(_));
        let script = self.scripts.iter_mut().find(is_capture).unwrap();
        script.statements[0].push_str("\n-- altered");
        "altered".clone_into(&mut script.checksum);
    }

    fn text(&self, path: &str) -> String {
        String::from_utf8(self.folder[path].clone()).unwrap()
    }
}

#[test]
fn generated_again_adds_nothing_and_a_changed_trigger_is_a_new_migration() {
    let sales_order = case("sales_order");
    for (layout, brand) in pairs() {
        let at = format!("{layout} {brand}");
        let mut desk = Desk::of(&sales_order, layout, brand);
        let first = desk.generate();
        assert_eq!(first.reasons.len(), desk.scripts.len(), "{at}");
        assert!(first.reasons.iter().all(|(_, reason)| *reason == Reason::New), "{at}");
        assert_eq!(desk.generate(), Outcome::default(), "{at}");

        let before = desk.folder.clone();
        let old = desk.scripts.clone();
        desk.alter_capture();
        let second = desk.generate();
        let reasons = [("100_capture_sales_order".to_owned(), Reason::Changed)];
        assert_eq!(second.reasons, reasons, "{at}");
        let lists: Vec<&str> = second.lists.iter().map(|file| file.path.as_str()).collect();
        for (path, bytes) in before {
            let is_list = lists.contains(&path.as_str());
            assert!(is_list || desk.folder[&path] == bytes, "{at}: {path} was rewritten");
        }
        let new: String = second.new.iter().map(|file| file.text.as_str()).collect();
        assert!(new.contains("-- altered"), "{at}: the new trigger");
        let has_undo =
            second.new.len() > 1 || new.matches("ds_capture_update_sales_order").count() > 3;
        assert!(has_undo, "{at}: the old trigger, to go back to");

        desk.scripts = old;
        desk.scripts.retain(|script| !matches!(script.kind, ScriptKind::Capture(_)));
        let third = desk.generate();
        let reasons = [("100_capture_sales_order".to_owned(), Reason::Dropped)];
        assert_eq!(third.reasons, reasons, "{at}");
        assert!(third.new[0].text.contains("DROP TRIGGER"), "{at}");
    }
}

#[test]
fn what_was_edited_or_taken_away_is_named_and_nothing_is_written() {
    for (layout, brand) in pairs() {
        let mut desk = Desk::of(&case("sales_order"), layout, brand);
        let path = desk.generate().new[3].path.clone();
        desk.alter_capture();
        let whole = desk.folder.clone();
        let refused = |desk: &mut Desk, what: &str| {
            let error = desk.look(None).expect_err("refused").to_string();
            assert!(error.contains(what), "{layout} {brand}: {error}");
            desk.folder.clone_from(&whole);
        };
        desk.folder.get_mut(&path).unwrap().push(b' ');
        refused(&mut desk, &format!("`{path}` changed after it was generated"));
        desk.folder.remove(&path);
        refused(&mut desk, &format!("`{path}` changed"));
        desk.folder.remove("outrigger.lock.json");
        refused(&mut desk, "`outrigger.lock.json` is missing");
        let sum = desk.text(layout::SUM_NAME).lines().skip(2).collect::<Vec<_>>().join("\n");
        desk.folder.insert(layout::SUM_NAME.to_owned(), sum.into_bytes());
        refused(&mut desk, "`outrigger.sum:1` is not the sum");
        "another".clone_into(&mut desk.scripts[1].checksum);
        refused(&mut desk, "`002_outbox` was emitted as 000002 and has changed");
        desk.layout = if layout == Layout::Goose { Layout::Atlas } else { Layout::Goose };
        refused(&mut desk, &format!("the folder has the layout `{layout}`"));
    }
}

#[test]
fn versions_go_on_above_the_teams_own_and_nothing_is_replaced() {
    let mut desk = Desk::of(&case("sales_order"), Layout::Dbmate, Brand::Postgres);
    desk.folder.insert("20260102030405_users.sql".to_owned(), b"-- migrate:up\n".to_vec());
    let outcome = desk.look(None).unwrap();
    assert_eq!(outcome.new[0].path, "20260102030406_outrigger_node.sql");
    let outcome = desk.look(Some("20270000000000")).unwrap();
    assert_eq!(outcome.new[1].path, "20270000000001_outrigger_outbox.sql");
    let error = desk.look(Some("20260102030405")).expect_err("taken").to_string();
    assert!(error.ends_with("is not above 20260102030405, which the folder has"), "{error}");
}

#[test]
fn tools_that_cannot_run_a_brand_are_refused_by_name() {
    let mut refused = Vec::new();
    for layout in layouts() {
        for brand in Brand::ALL {
            let desk = Desk::of(&case("sales_order"), layout, brand);
            if let Err(error) = desk.look(None) {
                refused.push(error.to_string());
            }
        }
    }
    let end = "cannot run triggers of sqlserver; the layouts of sqlserver are \
               plain, flyway, liquibase, goose, atlas, native";
    let expected = ["sqlx", "dbmate", "golang-migrate", "sqitch"];
    assert_eq!(refused, expected.map(|layout| format!("{layout} {end}")));
}

/// A name with a line in it that the tool would take for its own ends in no file.
#[test]
fn a_statement_that_the_tool_would_read_otherwise_is_refused() {
    for (layout, brand, text) in [
        (Layout::Dbmate, Brand::Sqlite, "\n-- migrate:down\n"),
        (Layout::Goose, Brand::Mysql, "\n  --  +goose StatementEnd"),
        (Layout::Liquibase, Brand::Postgres, "\n--rollback empty"),
        (Layout::Liquibase, Brand::Postgres, "x~~next~~y"),
        (Layout::Atlas, Brand::Postgres, "a\n\n\nb"),
        (Layout::Atlas, Brand::Postgres, "\n-- atlas:txmode none"),
        (Layout::Native, Brand::SqlServer, "\nGO"),
        (Layout::Native, Brand::SqlServer, "$(PATH)"),
        (Layout::Native, Brand::SqlServer, "\n:setvar x y"),
        (Layout::Native, Brand::Mysql, "// $$ @@ ;;;"),
    ] {
        let mut desk = Desk::of(&case("sales_order"), layout, brand);
        desk.scripts[10].statements[0].push_str(text);
        let error = desk.look(None).expect_err(text);
        assert!(matches!(error, Error::Unfit { .. }), "{layout} {text:?}: {error}");
    }
    let mut desk = Desk::of(&case("sales_order"), Layout::Flyway, Brand::Mysql);
    desk.scripts[10].statements[0].push_str("${x}");
    let outcome = desk.look(None).unwrap();
    let file = outcome.new.iter().find(|file| file.path.ends_with("sales_order.sql.conf"));
    assert_eq!(file.unwrap().text, "placeholderReplacement=false\n", "it is no placeholder");
    let mut desk = Desk::of(&case("sales_order"), Layout::Native, Brand::Mysql);
    desk.scripts[10].statements[0].push_str("$$ @@");
    // A statement ends in `*/`, and `*///` would be divided in the wrong place.
    let outcome = desk.look(None).unwrap();
    assert!(outcome.new[20].text.contains("\nDELIMITER ;;;\n"), "another delimiter is taken");
}

/// What each tool's documentation asks of names and marks, for those tools too that are not here.
#[test]
fn files_have_the_form_that_the_tools_document() {
    for case in ["sales_order", "awkward_names", "command_tilde", "namespaces"].map(case) {
        for (layout, brand) in pairs() {
            if case.plan(brand).is_err() {
                continue;
            }
            let desk = Desk::of(&case, layout, brand);
            let Ok(outcome) = desk.look(None) else { panic!("{layout} {brand} {}", case.name) };
            for file in &outcome.new {
                assert_eq!(form(layout, &file.path, &file.text), Ok(()), "{brand} {}", file.path);
            }
            let names: BTreeSet<&str> = outcome.new.iter().map(|file| file.path.as_str()).collect();
            assert_eq!(names.len(), outcome.new.len(), "{layout} {brand}: each path once");
        }
    }
}

fn form(layout: Layout, path: &str, text: &str) -> Result<(), String> {
    let fail = |why: &str| Err(format!("{layout}: {why}"));
    if text.trim().is_empty() || !text.ends_with('\n') {
        return fail("golang-migrate and others refuse an empty file");
    }
    let digits = |text: &str| text.len() >= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let count = |mark: &str| text.lines().filter(|line| *line == mark).count();
    let name = path.rsplit('/').next().unwrap_or(path);
    let (version, rest) = name.split_once('_').unwrap_or_default();
    let is_there = match layout {
        Layout::Plain => false,
        // https://documentation.red-gate.com/fd/migrations: prefix, version, two underscores.
        Layout::Flyway => {
            let kind = version.starts_with('V') || version.starts_with('U');
            kind && digits(&version[1..]) && rest.starts_with("_outrigger_")
        }
        // The first line, without a blank before it; one change set.
        Layout::Liquibase => {
            let changesets = text.lines().filter(|line| line.starts_with("--changeset ")).count();
            let has_undo = text.lines().any(|line| line.starts_with("--rollback "));
            text.starts_with("--liquibase formatted sql\n") && changesets == 1 && has_undo
        }
        Layout::Sqlx | Layout::GolangMigrate => {
            digits(version) && (rest.ends_with(".up.sql") || rest.ends_with(".down.sql"))
        }
        Layout::Dbmate => {
            text.starts_with("-- migrate:up\n") && count("-- migrate:down") == 1 && digits(version)
        }
        Layout::Goose => {
            let (begin, end) = (count("-- +goose StatementBegin"), count("-- +goose StatementEnd"));
            let both = text.starts_with("-- +goose Up\n") && count("-- +goose Down") == 1;
            both && begin == end && begin > 1 && digits(version)
        }
        Layout::Sqitch => version == "outrigger" && digits(rest.split('_').next().unwrap_or("")),
        // The directive stands in the file's first lines, with a blank line behind it.
        Layout::Atlas => text.starts_with("-- atlas:delimiter \\n\\n\\n\n\n") && digits(version),
        Layout::Native => digits(version),
    };
    if is_there { Ok(()) } else { fail("the name or a mark is not as documented") }
}

/// The sums of Atlas' documentation: each line covers all files up to its own, the first line all.
#[test]
fn atlas_gets_the_sums_that_it_computes_itself() {
    let mut desk = Desk::of(&case("sales_order"), Layout::Atlas, Brand::Sqlite);
    desk.scripts.truncate(1);
    desk.folder.insert("000001_b.sql".to_owned(), b"SELECT 1;\n".to_vec());
    desk.scripts[0].statements = vec!["SELECT 2;".to_owned()];
    desk.scripts[0].removal = vec!["SELECT 3;".to_owned()];
    desk.generate();
    let sum = desk.text("atlas.sum");
    let names: Vec<&str> = sum.lines().map(|line| line.split(" h1:").next().unwrap()).collect();
    assert_eq!(names[1..], ["000001_b.sql", "000002_outrigger_node.sql"]);
    // Computed with sha256sum and base64: of `000001_b.sql` followed by `SELECT 1;` and a line end.
    assert_eq!(
        sum.lines().nth(1),
        Some("000001_b.sql h1:PR9nAXY+WknI7DBKtzxLf26zurLyLX7JphFAy6GZrzI=")
    );
}

#[test]
fn the_command_checks_migrations_and_writes_all_or_none() {
    let case = case("sales_order");
    let config = std::fs::read_to_string(case.folder.join("outrigger.yaml")).unwrap();
    let run = outrigger("generate --layout dbmate")
        .file("schema.sql", &case.ddl)
        .file("outrigger.yaml", &config)
        .exits_with(2)
        .stderr_has("dbmate cannot run triggers of sqlserver")
        .stderr_has("hint: choose the dialects of one tool with `--dialect`");
    assert!(!run.folder().join("sql").exists(), "nothing for the other dialects either");

    let generate = "generate --layout dbmate --dialect sqlite --out db";
    let run = run.then(&format!("{generate} --check")).exits_with(1).stdout_has("+-- migrate:up");
    assert!(!run.folder().join("db").exists(), "a check writes nothing");
    let run = run.then(generate).exits_with(0).stderr_is("db/sqlite: 12 migrations added\n");
    let run = run.then(&format!("{generate} --check")).exits_with(0).stdout_is("");
    let path = "db/sqlite/000002_outrigger_outbox.sql";
    let text = run.text(path);
    let run = run.then(&format!("{generate} --check")).file(path, text + "-- mine\n");
    let said = format!("{path} changed after it was generated\n");
    let run = run.exits_with(1).stdout_is(&said);
    run.then(generate).exits_with(2).stderr_has("caused by: `000002_outrigger_outbox.sql` changed");
}
