//! A bar for long work, on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

use super::console::Console;

/// How far some work is.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Begins work of `total` steps; draws nothing unless stderr is a terminal.
    pub(super) fn new(console: Console, title: &str, total: u64) -> Self {
        if !console.shows_progress() {
            return Self(None);
        }
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        bar.set_message(title.to_owned());
        Self(Some(bar))
    }

    /// Begins work of which nobody knows how much it is.
    pub(super) fn new_unbounded(console: Console, title: &str) -> Self {
        if !console.shows_progress() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {pos} rows, {per_sec}") {
            bar.set_style(style);
        }
        bar.set_message(title.to_owned());
        Self(Some(bar))
    }

    /// Says how far it is.
    pub(super) fn set(&self, position: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(position);
        }
    }

    /// Goes on by so many steps.
    pub(super) fn advance(&self, steps: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(steps);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Work whose length is known only when it has begun.
pub(super) struct Steps {
    console: Console,
    title: &'static str,
    bar: Option<Progress>,
    done: usize,
}

impl Steps {
    pub(super) fn new(console: Console, title: &'static str) -> Self {
        Self { console, title, bar: None, done: 0 }
    }

    /// So many steps of so many are done.
    pub(super) fn at(&mut self, done: usize, total: usize) {
        let count = |number: usize| u64::try_from(number).unwrap_or(0);
        let (console, title) = (self.console, self.title);
        let bar = self.bar.get_or_insert_with(|| Progress::new(console, title, count(total)));
        bar.advance(count(done.saturating_sub(self.done)));
        self.done = done;
    }
}
