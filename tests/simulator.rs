//! Nothing lost, nothing twice, always converging: the importer and the transport of the crate,
//! as they are, on model databases under a seeded scheduler.
//!
//! `OUTRIGGER_HISTORIES=100000` runs so many histories, `OUTRIGGER_SEED=…` one of them with its
//! trace. Seeds that found something are in `simulator/seeds.txt` and run every time.

#![expect(clippy::unwrap_used, reason = "a test that meets a surprise ends there")]
#![expect(clippy::disallowed_methods, reason = "the environment says how many histories")]

#[path = "simulator/brand.rs"]
mod brand;
#[path = "simulator/check.rs"]
mod check;
#[path = "simulator/circle.rs"]
mod circle;
#[path = "simulator/constraint.rs"]
mod constraint;
#[path = "simulator/cut.rs"]
mod cut;
#[path = "simulator/database.rs"]
mod database;
#[path = "simulator/deferred.rs"]
mod deferred;
#[path = "simulator/history.rs"]
mod history;
#[path = "simulator/node.rs"]
mod node;
#[path = "simulator/purge.rs"]
mod purge;
#[path = "simulator/random.rs"]
mod random;
#[path = "simulator/reference.rs"]
mod reference;
#[path = "simulator/restore.rs"]
mod restore;
#[path = "simulator/schedule.rs"]
mod schedule;
#[path = "simulator/search.rs"]
mod search;
#[path = "simulator/session.rs"]
mod session;
#[path = "simulator/statement.rs"]
mod statement;
#[path = "simulator/templates.rs"]
mod templates;
#[path = "simulator/world.rs"]
mod world;

use std::time::Instant;

use history::Switch;
use search::{failure, search};

/// So many histories unless `OUTRIGGER_HISTORIES` says otherwise.
const HISTORIES: u64 = 10_000;

/// The first seed of the histories that change with nothing.
const FIRST_SEED: u64 = 1;

/// From here on some histories have rows that refer to each other in a circle.
const FIRST_CIRCLE: u64 = 2_001;

/// Each with what it once found.
const SEEDS: &str = include_str!("simulator/seeds.txt");

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number")))
}

#[test]
fn every_history_converges() {
    if let Some(seed) = number("OUTRIGGER_SEED") {
        return converges(seed);
    }
    let count = number("OUTRIGGER_HISTORIES").unwrap_or(HISTORIES);
    let start = Instant::now();
    let (counts, failing) = search(FIRST_SEED..FIRST_SEED + count, None);
    println!("{count} histories, {} s: {counts:?}", start.elapsed().as_secs());
    if let Some(seed) = failing {
        converges(seed);
    }
    assert!(counts.crashes > 0 && counts.late_commits > 0 && counts.duplicates > 0);
    assert!(counts.waits > 0 && counts.purged > 0 && counts.conflicts > 0);
    assert!(counts.purged_inbox > 0 && counts.forgotten > 0 && counts.delivered_again > 0);
    assert!(
        counts.told_anew > 0
            && counts.restores > 0
            && counts.rejoins > 0
            && counts.lost > 0
            && counts.settled > 0
            && counts.circles > 0
            && counts.refused_commits > 0
    );
}

#[test]
fn seeds_that_failed_once_converge() {
    for line in SEEDS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let seed = line.split('#').next().unwrap().trim().parse().unwrap();
        converges(seed);
    }
}

#[track_caller]
fn converges(seed: u64) {
    if let Some(failure) = failure(seed, None) {
        panic!("{failure}");
    }
}

/// One of the next histories fails where a mechanism is taken out.
#[track_caller]
fn is_needed(switch: Switch, first_seed: u64) {
    let (_, failing) = search(first_seed..first_seed + 3_000, Some(switch));
    assert!(failing.is_some(), "nothing fails without {switch:?}");
}

#[test]
fn a_cursor_of_the_highest_id_loses_late_commits() {
    is_needed(Switch::Watermark, FIRST_SEED);
}

#[test]
fn without_the_list_of_gaps_late_commits_are_lost() {
    is_needed(Switch::Gaps, FIRST_SEED);
}

#[test]
fn missing_ids_given_up_while_a_statement_may_write_them_are_lost() {
    is_needed(Switch::Writers, FIRST_SEED);
}

#[test]
fn missing_ids_given_up_while_they_are_not_committed_are_lost() {
    is_needed(Switch::DirtyRead, FIRST_SEED);
}

#[test]
fn without_a_unique_inbox_changes_arrive_twice() {
    is_needed(Switch::Uniqueness, FIRST_SEED);
}

#[test]
fn a_cursor_outside_the_commit_of_the_inbox_loses_changes() {
    is_needed(Switch::CursorCommit, FIRST_SEED);
}

#[test]
fn without_the_marker_imports_come_back() {
    is_needed(Switch::Marker, FIRST_SEED);
}

#[test]
fn without_the_fold_older_values_overwrite_newer_ones() {
    is_needed(Switch::Fold, FIRST_SEED);
}

#[test]
fn without_versions_a_purge_lets_older_values_in() {
    is_needed(Switch::PurgedVersions, FIRST_SEED);
}

#[test]
fn a_tombstone_that_is_forgotten_too_early_lets_deleted_rows_come_back() {
    is_needed(Switch::Stability, FIRST_SEED);
}

#[test]
fn an_inbox_that_is_purged_before_its_import_loses_changes() {
    is_needed(Switch::PurgedInbox, FIRST_SEED);
}

#[test]
fn without_tombstones_deleted_rows_come_back() {
    is_needed(Switch::Tombstone, FIRST_SEED);
}

#[test]
fn a_collision_that_is_settled_and_not_told_ends_differently() {
    is_needed(Switch::Told, FIRST_SEED);
}

#[test]
fn what_loses_in_a_collision_has_to_be_listed() {
    is_needed(Switch::Listed, FIRST_SEED);
}

#[test]
fn changes_of_a_row_that_wait_for_the_lowest_id_wait_for_ever() {
    is_needed(Switch::FirstOfRow, FIRST_SEED);
}

#[test]
fn without_the_epoch_a_restored_node_loses_changes() {
    is_needed(Switch::EpochCheck, FIRST_SEED);
}

#[test]
fn what_a_rejoin_brings_back_has_to_reach_the_others() {
    is_needed(Switch::LostInOutbox, FIRST_SEED);
}

#[test]
fn without_the_whole_row_records_end_differently() {
    is_needed(Switch::WholeRow, FIRST_SEED);
}

#[test]
fn without_the_floor_of_stamps_later_changes_lose() {
    is_needed(Switch::Floor, FIRST_SEED);
}

#[test]
fn what_was_written_over_an_import_below_an_old_floor_has_to_be_told_anew() {
    // It takes a clock that is behind and a transaction that was open before; hence not the first.
    is_needed(Switch::ToldAnew, 2_180);
}

#[test]
fn a_circle_that_is_not_opened_stays_in_quarantine() {
    is_needed(Switch::Opened, FIRST_CIRCLE);
}

#[test]
fn changes_that_need_each_other_have_to_be_tried_together() {
    is_needed(Switch::Together, FIRST_CIRCLE);
}

#[test]
fn what_is_deferred_has_to_be_looked_at_before_the_commit() {
    is_needed(Switch::Deferred, FIRST_CIRCLE);
}
