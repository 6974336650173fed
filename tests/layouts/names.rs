//! Which names no file of a layout can carry: each one is refused, and nothing else is.

use std::collections::BTreeSet;

use outrigger::dialect::Brand;
use outrigger::layout::{self, Error, Folder, Layout};
use outrigger::plan;
use outrigger::render::{self, Script, Templates};
use outrigger::schema::{self, Source};

use super::{case, form, layouts};

/// A table's column of this name.
fn scripts(name: &str, brand: Brand) -> (plan::Plan, Vec<Script>) {
    let case = case("hostile_names");
    let quoted = name.replace('"', "\"\"");
    let text = format!("CREATE TABLE t (id integer PRIMARY KEY, \"{quoted}\" text);");
    let source = Source { path: "schema.sql", text: &text };
    let schema = schema::parse(&[source], Brand::Postgres).unwrap().schema;
    let plan = plan::plan(&case.config, &schema, brand).unwrap();
    let scripts = render::scripts(&plan, &Templates::embedded(brand)).unwrap();
    (plan, scripts)
}

/// The layouts that refuse a column of this name, as `layout brand`, each once where it does on
/// every brand that it has.
fn refused_by(name: &str) -> BTreeSet<String> {
    let mut refused = BTreeSet::new();
    for brand in Brand::ALL {
        let (plan, scripts) = scripts(name, brand);
        for layout in layouts().filter(|layout| layout.tool_name(brand).is_some()) {
            let templates = Templates::embedded(brand);
            match layout::migrate(layout, &plan, &scripts, &templates, &Folder::new(), None) {
                Err(Error::Unfit { script, .. }) => {
                    assert_eq!(script, "100_capture_t", "{name:?}");
                    refused.insert(format!("{layout} {brand}"));
                }
                Err(error) => panic!("{name:?} on {brand}: {error}"),
                Ok(outcome) => {
                    for file in &outcome.new {
                        assert_eq!(
                            form(layout, &file.path, &file.text),
                            Ok(()),
                            "{name:?} {brand}"
                        );
                    }
                }
            }
        }
        let of = |script: &Script| [script.statements.clone(), script.removal.clone()].concat();
        let all: Vec<String> = scripts.iter().flat_map(of).collect();
        if layout::check_plain("t", &all, brand).is_err() {
            refused.insert(format!("{} {brand}", Layout::Plain));
        }
    }
    refused
}

#[test]
fn only_the_tool_that_would_read_a_name_refuses_it() {
    let sqlserver = ["native sqlserver", "plain sqlserver"];
    let every = |layout: &str| {
        let brands = layouts().filter(|one| one.name() == layout).flat_map(|one| {
            Brand::ALL.into_iter().filter(move |brand| one.tool_name(*brand).is_some())
        });
        brands.map(|brand| format!("{layout} {brand}")).collect::<BTreeSet<String>>()
    };
    let batches: BTreeSet<String> = layouts()
        .filter(|layout| layout.tool_name(Brand::SqlServer).is_some())
        .chain([Layout::Plain])
        .map(|layout| format!("{layout} sqlserver"))
        .collect();
    let all: BTreeSet<String> = Layout::ALL
        .into_iter()
        .flat_map(|one| Brand::ALL.map(|brand| (one, brand)))
        .filter(|(one, brand)| one.tool_name(*brand).is_some())
        .map(|(one, brand)| format!("{one} {brand}"))
        .collect();
    let these = |names: [&str; 2]| names.map(str::to_owned).into();
    for (name, refused) in [
        ("-- next --", BTreeSet::new()),
        ("a\n-- next --\n-- removal --\nb", BTreeSet::new()),
        ("*/ ; DROP TABLE t; /*", BTreeSet::new()),
        ("\"`]'\\", BTreeSet::new()),
        ("{{ 1 }} {% raw %} %s", BTreeSet::new()),
        ("a\nDELIMITER //\nb", BTreeSet::new()),
        ("${placeholder}", BTreeSet::new()),
        ("$outrigger$; $$", BTreeSet::new()),
        ("\u{202e}a\u{200b}", BTreeSet::new()),
        ("a\nGO\nb", batches.clone()),
        ("a\ngo 5\nb", batches.clone()),
        ("a\r go 5 \rb", all.clone()),
        ("a\r\nb", all),
        ("a\nGOTO\nb", BTreeSet::new()),
        ("$(PATH)", these(sqlserver)),
        ("a\n:r /etc/passwd\nb", these(sqlserver)),
        ("a\n!! rm\nb", these(sqlserver)),
        ("a\nexit\nb", these(sqlserver)),
        ("a\nexited\nb", BTreeSet::new()),
        ("a\n-- +goose StatementEnd\nb", every("goose")),
        ("a\n-- migrate:down\nb", every("dbmate")),
        ("a\n--changeset x:1\nb", every("liquibase")),
        ("a\n--rollback DROP TABLE t\nb", every("liquibase")),
        ("a~~next~~b", every("liquibase")),
        ("a \nb", every("liquibase")),
        ("a\n\n\nb", every("atlas")),
        ("a\n-- atlas:txmode none\nb", every("atlas")),
    ] {
        assert_eq!(refused_by(name), refused, "{name:?}");
    }
}
