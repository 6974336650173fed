//! Every case is rendered for every brand, and what comes out is pinned, file by file.

use std::collections::BTreeSet;

use outrigger::dialect::Brand;

use crate::support::case::cases;

#[test]
fn every_case_renders_what_was_reviewed() {
    for case in cases() {
        for brand in Brand::ALL {
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path(&case.folder);
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(brand.name(), case.rendered(brand)));
        }
    }
}

#[test]
fn rendered_twice_is_equal() {
    for (one, two) in cases().iter().zip(cases()) {
        for brand in Brand::ALL {
            assert_eq!(one.rendered(brand), two.rendered(brand), "{} on {brand}", one.name);
        }
    }
}

/// A snapshot that nothing compares with any more looks like a promise and is none.
#[test]
fn every_file_of_a_case_is_used() {
    let mut expected: BTreeSet<String> = Brand::ALL.map(|brand| format!("{brand}.snap")).into();
    expected.extend(["outrigger.yaml".to_owned(), "schema.sql".to_owned()]);
    for case in cases() {
        let entries = std::fs::read_dir(&case.folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        // A snapshot that waits for its review.
        let found: BTreeSet<String> = names.filter(|name| !name.ends_with(".snap.new")).collect();
        assert_eq!(found, expected, "{}", case.folder.display());
    }
}

/// Every way of telling `has(…)` and the policies apart is in some case, so that no branch of a
/// template goes unseen.
#[test]
fn the_cases_reach_every_branch() {
    let plans: Vec<_> = cases().iter().filter_map(|case| case.plan(Brand::Postgres).ok()).collect();
    let any = |what: &str, holds: &dyn Fn(&outrigger::plan::TablePlan) -> bool| {
        let tables = plans.iter().flat_map(|plan| &plan.tables);
        assert!(tables.clone().any(holds), "no case has a table with {what}");
        assert!(!tables.clone().all(holds), "no case has a table without {what}");
    };
    any("several key columns", &|table| table.key.len() > 1);
    any("columns besides the key", &|table| !table.columns.is_empty());
    any("a last-update column", &|table| table.last_update.is_some());
    any("a user column", &|table| table.updated_by_user.is_some());
    any("a column that is left out", &|table| !table.left_out.is_empty());
    any("settings", &|table| !table.settings.is_empty());
    any("the rule for whole rows", &|table| table.is_record_level);
    let commands: BTreeSet<&str> = plans.iter().map(|plan| plan.command).collect();
    assert_eq!(commands.len(), 3, "{commands:?}");
    let case_without_stamps =
        |plan: &outrigger::plan::Plan| plan.tables.iter().all(|table| table.last_update.is_none());
    assert!(plans.iter().any(case_without_stamps), "no case has an empty union view");
}
