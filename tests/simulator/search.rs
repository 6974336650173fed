//! Many histories at once, and a failing one cut to what it needs.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::cut::cut;
use crate::history::{History, Switch};
use crate::schedule::{Outcome, run};
use crate::world::Counts;

/// The last so many lines of a trace are shown.
const TRACE_LINES: usize = 120;

/// Runs histories until one fails; with a switch the rest is left out then, else the lowest
/// failing seed is found, so that it is the same one each time.
pub(crate) fn search(seeds: Range<u64>, switch: Option<Switch>) -> (Counts, Option<u64>) {
    let next = AtomicU64::new(seeds.start);
    let is_found = AtomicBool::new(false);
    let result = Mutex::new((Counts::default(), None::<u64>));
    let worker = || {
        let mut counts = Counts::default();
        while !is_found.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            let outcome = run(&History::of_seed(seed), switch, false);
            counts.add(&outcome.counts);
            if !outcome.complaints.is_empty() {
                is_found.store(true, Ordering::Relaxed);
                let mut result = result.lock().unwrap();
                result.1 = Some(result.1.map_or(seed, |known| known.min(seed)));
            }
        }
        result.lock().unwrap().0.add(&counts);
    };
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(worker);
        }
    });
    result.into_inner().unwrap()
}

/// What is wrong with a history, cut to what it needs, and how to see it again.
pub(crate) fn failure(seed: u64, switch: Option<Switch>) -> Option<String> {
    let mut history = History::of_seed(seed);
    let fails = |history: &History| !run(history, switch, false).complaints.is_empty();
    if !fails(&history) {
        return None;
    }
    cut(&mut history, fails);
    let Outcome { complaints, trace, .. } = run(&history, switch, true);
    let skipped = trace.len().saturating_sub(TRACE_LINES);
    Some(format!(
        "seed {seed} fails, again with\n  OUTRIGGER_SEED={seed} cargo test --test simulator\n\
         a {} of {:?}, {:?}\n({skipped} lines left out)\n{}\n{}",
        history.setup.shape,
        history.setup.brands,
        history.setup,
        trace[skipped..].join("\n"),
        complaints.join("\n")
    ))
}
