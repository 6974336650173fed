//! A failing history, cut to what it needs.

use crate::history::{Event, History, Run};

/// Leaves out events, and what happens during the others, while the history still fails.
pub(crate) fn cut(history: &mut History, fails: impl Fn(&History) -> bool) {
    let mut length = history.events.len();
    while length > 0 {
        let mut at = 0;
        while at < history.events.len() {
            let mut shorter = history.clone();
            let end = (at + length).min(shorter.events.len());
            shorter.events.drain(at..end);
            if fails(&shorter) {
                *history = shorter;
            } else {
                at += length;
            }
        }
        length /= 2;
    }
    for at in 0..history.events.len() {
        let mut simpler = history.clone();
        if let Some(run) = run_of(&mut simpler.events[at].1) {
            run.crash = None;
            if fails(&simpler) {
                *history = simpler;
            }
        }
        let count = run_of(&mut history.events[at].1).map_or(0, |run| run.during.len());
        for during in (0..count).rev() {
            let mut simpler = history.clone();
            if let Some(run) = run_of(&mut simpler.events[at].1) {
                run.during.remove(during);
            }
            if fails(&simpler) {
                *history = simpler;
            }
        }
    }
}

fn run_of(event: &mut Event) -> Option<&mut Run> {
    match event {
        Event::Carry(run) | Event::Import(run) | Event::Rejoin { run, .. } => Some(run),
        _ => None,
    }
}
