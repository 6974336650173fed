//! The histories of the simulator on real engines: three nodes of three brands, the importer and
//! the transport of the crate, applications in sessions of their own.
//!
//! `OUTRIGGER_TEST_HISTORIES=2000` runs so many histories, `OUTRIGGER_TEST_HISTORY_SEED=…` one of
//! them with its trace. Seeds that found something are in `histories/seeds.txt`.
//!
//! Clocks: the three servers share one, and only MariaDB's can be told another time for a
//! session, and only a later one. So that is all the skew there is here; the simulator has the
//! rest.

#![expect(clippy::unwrap_used, reason = "a test that meets a surprise ends there")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it counted")]
#![expect(clippy::needless_pass_by_value, reason = "a closure is handed over at the call")]
#![expect(clippy::disallowed_methods, reason = "the environment says how many histories")]
#![expect(unreachable_pub, reason = "modules of tests share what they need; none of it is an API")]

#[path = "histories/application.rs"]
mod application;
#[path = "simulator/cut.rs"]
mod cut;
#[path = "histories/database.rs"]
mod database;
#[path = "histories/flaky.rs"]
mod flaky;
#[expect(dead_code, reason = "the switches are the model's")]
#[path = "simulator/history.rs"]
mod history;
#[path = "histories/mechanism.rs"]
mod mechanism;
#[path = "histories/nodes.rs"]
mod nodes;
#[path = "histories/purge.rs"]
mod purge;
#[path = "simulator/random.rs"]
mod random;
#[path = "simulator/reference.rs"]
mod reference;
#[path = "histories/schedule.rs"]
mod schedule;
#[path = "histories/search.rs"]
mod search;
#[path = "histories/stage.rs"]
mod stage;
#[expect(dead_code, reason = "the other tests need more of it")]
mod support;
#[path = "histories/world.rs"]
mod world;

use std::time::Instant;

use mechanism::Mechanism;
use outrigger::dialect::Brand;
use search::{failure, search};

/// So many histories unless `OUTRIGGER_TEST_HISTORIES` says otherwise.
const HISTORIES: u64 = 200;

/// The first seed.
const FIRST_SEED: u64 = 1;

/// Each with what it once found.
const SEEDS: &str = include_str!("histories/seeds.txt");

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number")))
}

/// Whether a server of each brand is there; the others are named.
fn has_three_brands() -> bool {
    let brands = [Brand::Sqlite, Brand::Postgres, Brand::Mysql];
    brands.into_iter().all(|brand| support::servers_of(brand).next().is_some())
}

#[test]
fn every_history_converges_on_real_engines() {
    if !has_three_brands() {
        return;
    }
    if let Some(seed) = number("OUTRIGGER_TEST_HISTORY_SEED") {
        return converges(seed);
    }
    let count = number("OUTRIGGER_TEST_HISTORIES").unwrap_or(HISTORIES);
    let start = Instant::now();
    let (counts, failing) = search(FIRST_SEED..FIRST_SEED + count, None, "all");
    println!("{} histories, {} s: {counts:?}", counts.histories, start.elapsed().as_secs());
    if let Some((seed, told)) = failing {
        println!("{told}");
        converges(seed);
        panic!("seed {seed} failed once and not again:\n{told}");
    }
    if count >= HISTORIES {
        assert!(counts.crashes > 0 && counts.late_commits > 0 && counts.rewinds > 0, "{counts:?}");
        assert!(counts.waits > 0 && counts.purged > 0 && counts.conflicts > 0, "{counts:?}");
    }
}

#[test]
fn seeds_that_failed_once_converge_on_real_engines() {
    if !has_three_brands() {
        return;
    }
    for line in SEEDS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        converges(line.split('#').next().unwrap().trim().parse().unwrap());
    }
}

#[track_caller]
fn converges(seed: u64) {
    if let Some(failure) = failure(seed, None) {
        panic!("{failure}");
    }
}

/// One of the histories fails where a mechanism is taken out of all three brands.
#[track_caller]
fn is_needed(mechanism: Mechanism) {
    if has_three_brands() {
        let label = format!("{mechanism:?}").to_lowercase();
        let (counts, failing) = search(FIRST_SEED..FIRST_SEED + 100, Some(mechanism), &label);
        let told = failing.map(|(_, told)| told);
        let told = told.unwrap_or_else(|| panic!("{} histories pass", counts.histories));
        println!("{}", told.lines().last().unwrap_or_default());
    }
}

#[test]
fn without_the_marker_real_histories_do_not_come_to_rest() {
    is_needed(Mechanism::Marker);
}

#[test]
fn without_versions_real_histories_diverge() {
    is_needed(Mechanism::Versions);
}

#[test]
fn without_looking_back_real_histories_lose_late_commits() {
    is_needed(Mechanism::LateCommits);
}
