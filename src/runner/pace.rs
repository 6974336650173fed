//! Which route is due, from what the nodes show and from what became of the last turns.
//!
//! Pure but for the moments that it is given: nothing here waits.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::import;
use crate::model::{NodeId, RouteId};
use crate::outbox::News;
use crate::plan::RoutePlan;
use crate::transport;

/// The longest pause after errors.
pub(super) const LONGEST_BACKOFF: Duration = Duration::from_mins(1);

/// The first pause after an error, unless less is asked for.
pub(super) const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// How often every route has its turn, whatever the looks say: what they do not show (a node that
/// was restored, a clock that was set, columns that came) is seen then at the latest.
const COMPLETE_EVERY: Duration = Duration::from_mins(10);

/// One route's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The route.
    pub route: RoutePlan,
    /// Whether its transport program has to run.
    pub transports: bool,
    /// Whether its import program has to run, also if transport brings nothing.
    pub imports: bool,
}

/// What became of a turn; `None` for a program that did not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// What was carried.
    pub carried: Option<Result<transport::Outcome, Failed>>,
    /// What was imported.
    pub imported: Option<Result<import::Outcome, Failed>>,
    /// Whether something is in quarantine that may get in by itself.
    pub has_waiting: bool,
}

impl Outcomes {
    /// Whether transport wrote something, or may have: where it failed that is not known.
    #[must_use]
    pub fn may_have_brought(&self) -> bool {
        self.carried.is_some_and(|carried| carried.map_or(true, |carried| carried.written > 0))
    }
}

/// A program came to an error, which was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// What is known of a node from looking at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answers; whatever happened before has to be looked for.
    Back,
    /// It does not answer.
    Away,
    /// It answers, but cannot be looked at.
    Hidden,
    /// A look found something to do.
    News(News),
}

/// One of a route's two programs.
#[derive(Debug)]
struct Program {
    is_due: bool,
    /// By `active_flag`.
    is_stopped: bool,
    has_failed: bool,
    /// After an error: not before.
    not_before: Option<Instant>,
    backoff: Duration,
}

/// One route.
#[derive(Debug)]
struct Line {
    route: RoutePlan,
    transport: Program,
    import: Program,
    /// When it is due without a sign.
    later: Option<Instant>,
    pause: Duration,
}

/// Which route is due.
#[derive(Debug)]
pub(super) struct Pace {
    lines: Vec<Line>,
    every: Duration,
    away: BTreeSet<NodeId>,
    hidden: BTreeSet<NodeId>,
    complete_at: Instant,
    /// The line after the one that had the last turn: none is passed over for ever.
    next: usize,
}

impl Pace {
    /// The pace of some routes, of whose nodes nothing is known yet. `watched` are the nodes that
    /// will be looked at, `every` the longest time between two looks.
    pub(super) fn new(
        routes: &[RoutePlan],
        watched: BTreeSet<NodeId>,
        every: Duration,
        now: Instant,
    ) -> Self {
        let line = |route: &RoutePlan| Line {
            route: route.clone(),
            transport: Program::new(every),
            import: Program::new(every),
            later: None,
            pause: every.min(FIRST_BACKOFF),
        };
        let nodes = routes.iter().flat_map(|route| [&route.from, &route.to]);
        let hidden = nodes.filter(|node| !watched.contains(*node)).cloned().collect();
        Self {
            lines: routes.iter().map(line).collect(),
            every,
            away: watched,
            hidden,
            complete_at: now + every.max(COMPLETE_EVERY),
            next: 0,
        }
    }

    /// Takes note of a node.
    pub(super) fn note(&mut self, node: &NodeId, sign: &Sign) {
        match sign {
            Sign::Away => {
                self.away.insert(node.clone());
            }
            Sign::Back | Sign::Hidden => {
                self.away.remove(node);
                if *sign == Sign::Back {
                    self.hidden.remove(node);
                } else {
                    self.hidden.insert(node.clone());
                }
                for line in self.lines.iter_mut().filter(|line| line.touches(node)) {
                    line.begin_anew();
                }
            }
            Sign::News(news) => {
                for line in &mut self.lines {
                    line.note(node, news);
                }
            }
        }
    }

    /// The next route that is due, with what it has to do, which counts as done from here on.
    pub(super) fn next(&mut self, now: Instant) -> Option<Turn> {
        if now >= self.complete_at {
            self.complete_at = now + self.every.max(COMPLETE_EVERY);
            self.lines.iter_mut().for_each(Line::begin_anew);
        }
        for line in &mut self.lines {
            if line.later.is_some_and(|later| now >= later) {
                line.begin_anew();
            }
        }
        let count = self.lines.len();
        for at in (self.next..count).chain(0..self.next.min(count)) {
            let line = &mut self.lines[at];
            let reaches = !self.away.contains(&line.route.to);
            let has_source = !self.away.contains(&line.route.from);
            let transports = line.transport.is_ready(now) && reaches && has_source;
            let imports = line.import.is_ready(now) && reaches;
            if transports || imports {
                line.transport.is_due &= !transports;
                line.import.is_due &= !imports;
                self.next = at + 1;
                return Some(Turn { route: line.route.clone(), transports, imports });
            }
        }
        None
    }

    /// When something may be due without a sign.
    pub(super) fn next_at(&self) -> Instant {
        let moments = self.lines.iter().flat_map(|line| {
            let retries = [&line.transport, &line.import].map(Program::retry_at);
            retries.into_iter().chain([line.later]).flatten()
        });
        moments.chain([self.complete_at]).min().unwrap_or(self.complete_at)
    }

    /// Takes note of what became of a turn.
    pub(super) fn done(&mut self, turn: &Turn, outcomes: &Outcomes, now: Instant) {
        let (every, id) = (self.every, turn.route.id);
        let is_hidden = [&turn.route.from, &turn.route.to].iter().any(|n| self.hidden.contains(*n));
        if let Some(line) = self.lines.iter_mut().find(|line| line.route.id == id) {
            if let Some(carried) = &outcomes.carried {
                let is_stopped = carried.map(|carried| carried.is_stopped);
                line.transport.done(is_stopped, now, every);
            }
            if let Some(imported) = &outcomes.imported {
                let is_stopped = imported.map(|imported| imported.is_stopped);
                line.import.done(is_stopped, now, every);
            }
            if is_hidden && line.later.is_none() {
                line.later = Some(now + every);
            }
        }
        if outcomes.may_have_brought() {
            let onward = |line: &&mut Line| line.route.forwards_from.contains(&id);
            self.lines.iter_mut().filter(onward).for_each(|line| line.transport.call());
        }
        let quarantined = match outcomes.imported {
            Some(Ok(imported)) => imported.quarantined,
            _ => 0,
        };
        if quarantined > 0 || outcomes.has_waiting {
            self.retry_later(&turn.route.to, quarantined > 0, now);
        }
    }

    /// What waits in quarantine may be let in by what another route brings: all of the node's
    /// have their turn, soon when it has just come, and ever later then.
    fn retry_later(&mut self, node: &NodeId, is_new: bool, now: Instant) {
        for line in self.lines.iter_mut().filter(|line| line.route.to == *node) {
            let first = self.every.min(FIRST_BACKOFF);
            line.pause = if is_new { first } else { (line.pause * 2).clamp(first, self.every) };
            let at = now + line.pause;
            line.later = Some(line.later.map_or(at, |later| later.min(at)));
        }
    }

    /// How many routes did not get on at their last turn, or cannot have one.
    pub(super) fn failures(&self) -> usize {
        let is_away = |line: &Line| {
            self.away.contains(&line.route.from) || self.away.contains(&line.route.to)
        };
        let has_failed =
            |line: &&Line| line.transport.has_failed || line.import.has_failed || is_away(line);
        self.lines.iter().filter(has_failed).count()
    }

    /// Whether a route's transport and its import get on. Of one that does not, its pointer says
    /// nothing of what is new: it has its turn by the clock, or when a person lets it go on.
    pub(super) fn gets_on(&self, route: RouteId) -> (bool, bool) {
        let line = self.lines.iter().find(|line| line.route.id == route);
        line.map_or((false, false), |line| (line.transport.gets_on(), line.import.gets_on()))
    }
}

impl Line {
    fn touches(&self, node: &NodeId) -> bool {
        self.route.from == *node || self.route.to == *node
    }

    fn begin_anew(&mut self) {
        self.transport.begin_anew();
        self.import.begin_anew();
        self.later = None;
    }

    fn note(&mut self, node: &NodeId, news: &News) {
        if self.route.to == *node {
            if news.has_programs {
                self.begin_anew();
            }
            if news.inbox.contains(&self.route.id) {
                self.import.call();
            }
        }
        let forwards = || self.route.forwards_from.iter().any(|id| news.inbox.contains(id));
        if self.route.from == *node && (news.has_outbox || forwards()) {
            self.transport.call();
        }
    }
}

impl Program {
    fn new(every: Duration) -> Self {
        Self {
            is_due: true,
            is_stopped: false,
            has_failed: false,
            not_before: None,
            backoff: every.min(FIRST_BACKOFF),
        }
    }

    fn begin_anew(&mut self) {
        (self.is_due, self.is_stopped, self.not_before) = (true, false, None);
    }

    fn call(&mut self) {
        self.is_due |= !self.is_stopped;
    }

    fn is_ready(&self, now: Instant) -> bool {
        self.is_due && self.not_before.is_none_or(|moment| now >= moment)
    }

    fn retry_at(&self) -> Option<Instant> {
        self.not_before.filter(|_| self.is_due)
    }

    fn gets_on(&self) -> bool {
        !self.is_stopped && !self.has_failed
    }

    fn done(&mut self, is_stopped: Result<bool, Failed>, now: Instant, every: Duration) {
        let first = every.min(FIRST_BACKOFF);
        self.has_failed = is_stopped.is_err();
        if let Ok(is_stopped) = is_stopped {
            (self.is_stopped, self.not_before, self.backoff) = (is_stopped, None, first);
        } else {
            self.is_due = true;
            self.not_before = Some(now + self.backoff);
            self.backoff = (self.backoff * 2).clamp(first, LONGEST_BACKOFF);
        }
    }
}

#[cfg(test)]
mod tests;
