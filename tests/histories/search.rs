//! Many histories side by side, each side with databases of its own, and a failing one cut.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::cut::cut;
use crate::history::{Event, History, Run, records};
use crate::mechanism::Mechanism;
use crate::nodes::{BRANDS, Nodes};
use crate::random::Random;
use crate::schedule::{Outcome, run};
use crate::world::Counts;

/// The longest history, in events.
const EVENTS: usize = 40;

/// Every so manyth history has a purge that finds something.
const PURGES_EACH: u64 = 3;

/// Every so manyth history is about a table with `overwrite: record` too.
const RECORDS_EACH: u64 = 4;

/// The last so many lines of a trace are shown.
const TRACE_LINES: usize = 150;

/// A history of the simulator's generator, of three nodes: the brands take turns.
fn history(seed: u64) -> History {
    let all = (0..).map(|step| History::plain(seed * 1_000 + step));
    let mut found = all.into_iter();
    let fits = |history: &History| history.setup.brands.len() == BRANDS.len();
    let mut history = found.find(fits).expect("every third history has three nodes");
    history.setup.brands = BRANDS.to_vec();
    let turn = usize::try_from(seed).unwrap() % BRANDS.len();
    history.setup.brands.rotate_left(turn);
    history.events.truncate(EVENTS);
    if seed.is_multiple_of(RECORDS_EACH) {
        records(&mut Random::new(!seed), &mut history.events);
    }
    if seed.is_multiple_of(PURGES_EACH) {
        insert_purge(&mut history);
    }
    history
}

/// In the middle everything is carried and imported once, so that a purge finds something.
fn insert_purge(history: &mut History) {
    let run = |route| Run { route, crash: None, is_patient: true, during: Vec::new() };
    let routes = 0..history.setup.routes.len();
    let mut events: Vec<Event> = routes.clone().map(|route| Event::Carry(run(route))).collect();
    events.extend(routes.map(|route| Event::Import(run(route))));
    events.extend((0..BRANDS.len()).map(|node| Event::Purge { node }));
    let middle = history.events.len() / 2;
    history.events.splice(middle..middle, events.into_iter().map(|event| (0, event)));
}

/// A thread of a name, which the databases are named after, with a runtime.
fn on_a_thread<T: Send>(name: &str, work: impl FnOnce(&tokio::runtime::Runtime) -> T + Send) -> T {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn_scoped(scope, || work(&runtime())).unwrap().join().unwrap()
    })
}

/// Runs histories until one fails: the numbers, and the failing seed with what was wrong and
/// all that happened, since on real engines not everything happens twice.
pub(crate) fn search(
    seeds: Range<u64>,
    without: Option<Mechanism>,
    label: &str,
) -> (Counts, Option<(u64, String)>) {
    let next = AtomicU64::new(seeds.start);
    let is_found = AtomicBool::new(false);
    let result = Mutex::new((Counts::default(), None::<(u64, String)>));
    let worker = |runtime: &tokio::runtime::Runtime| {
        let overrides = without.map(Mechanism::overrides).unwrap_or_default();
        let mut nodes = runtime.block_on(Nodes::set_up("", overrides));
        let mut counts = Counts::default();
        while !is_found.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            let history = history(seed);
            let outcome = runtime.block_on(run(&mut nodes, &history));
            counts.add(&outcome.counts);
            if !outcome.complaints.is_empty() {
                is_found.store(true, Ordering::Relaxed);
                result
                    .lock()
                    .unwrap()
                    .1
                    .get_or_insert_with(|| (seed, tell(seed, &history, &outcome)));
            }
        }
        result.lock().unwrap().0.add(&counts);
    };
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for at in 0..threads {
            let name = format!("histories::{label}::{at}");
            scope.spawn(move || on_a_thread(&name, worker));
        }
    });
    result.into_inner().unwrap()
}

/// What is wrong with a history, cut to what it needs, and how to see it again.
pub(crate) fn failure(seed: u64, without: Option<Mechanism>) -> Option<String> {
    on_a_thread(&format!("histories::seed_{seed}"), |runtime| {
        let overrides = without.map(Mechanism::overrides).unwrap_or_default();
        let nodes = runtime.block_on(Nodes::set_up("", overrides));
        let nodes = std::cell::RefCell::new(nodes);
        let run = |history: &History| runtime.block_on(run(&mut nodes.borrow_mut(), history));
        let mut history = history(seed);
        let first = run(&history);
        if first.complaints.is_empty() {
            return None;
        }
        println!("before it is cut: {}", tell(seed, &history, &first));
        cut(&mut history, |history| !run(history).complaints.is_empty());
        let last = run(&history);
        // On real engines not everything happens twice.
        let shown = if last.complaints.is_empty() { first } else { last };
        Some(tell(seed, &history, &shown))
    })
}

fn tell(seed: u64, history: &History, outcome: &Outcome) -> String {
    let skipped = outcome.trace.len().saturating_sub(TRACE_LINES);
    format!(
        "seed {seed} fails, again with\n  \
         OUTRIGGER_TEST_HISTORY_SEED={seed} cargo test --test histories every_history\n\
         a {} of {:?}, {:?}\n({skipped} lines left out)\n{}\n{}",
        history.setup.shape,
        history.setup.brands,
        history.setup,
        outcome.trace[skipped..].join("\n"),
        outcome.complaints.join("\n")
    )
}
