//! All nodes of a run, looked at at the same time: who has to do what, as soon as it is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::lookout::{Lookout, Message, Shared};
use super::pace::{Outcomes, Pace, Sign, Turn};
use super::{Error, Runner};
use crate::config::WakeRule;
use crate::dialect::Brand;
use crate::model::NodeId;
use crate::outbox::{self, Known, Looker};
use crate::plan::RoutePlan;

/// How often a wait looks whether it shall end.
const TICK: Duration = Duration::from_millis(50);

/// What a run has to do next.
#[derive(Debug)]
pub enum Next {
    /// A route has its turn; [`Watch::done`] wants to know what became of it.
    Turn(Turn),
    /// A node does not answer, or cannot be looked at. It is tried again.
    Trouble(Error),
}

/// Looks at all nodes of a run, each on a connection of its own, until it is dropped.
pub struct Watch {
    routes: Vec<RoutePlan>,
    pace: Pace,
    signs: mpsc::UnboundedReceiver<Message>,
    shared: BTreeMap<NodeId, Arc<Shared>>,
    brands: BTreeMap<NodeId, Brand>,
    lookouts: Vec<JoinHandle<()>>,
}

impl Runner {
    /// Begins to look at the nodes of some routes. No change waits much longer than the turns
    /// take, where its database can tell; `every` is the longest time between two looks at a
    /// node.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn watch(&self, routes: &[RoutePlan], every: Duration) -> Result<Watch, Error> {
        let nodes: BTreeSet<&NodeId> =
            routes.iter().flat_map(|route| [&route.from, &route.to]).collect();
        let (sender, signs) = mpsc::unbounded_channel();
        let mut brands = BTreeMap::new();
        let mut shared = BTreeMap::new();
        let mut lookouts = Vec::new();
        let is_told = self.config.capture.wake == WakeRule::Notify;
        for node in nodes {
            // A session that was lent cannot be had twice.
            let Some(place) = self.places.get(node) else { continue };
            let looker = Looker::new(&*self.templates(place.brand)?, is_told)?;
            let both = Arc::new(Shared::new());
            let lookout = Lookout {
                node: node.clone(),
                url: place.url.clone(),
                looker,
                every,
                shared: Arc::clone(&both),
                signs: sender.clone(),
            };
            lookouts.push(tokio::spawn(lookout.run()));
            brands.insert(node.clone(), place.brand);
            shared.insert(node.clone(), both);
        }
        let watched = brands.keys().cloned().collect();
        let pace = Pace::new(routes, watched, every, Instant::now());
        Ok(Watch { routes: routes.to_vec(), pace, signs, shared, brands, lookouts })
    }
}

impl Watch {
    /// Waits until a route has its turn; `None` when `stop` is set.
    pub async fn next(&mut self, stop: &AtomicBool) -> Option<Next> {
        while !stop.load(Ordering::Relaxed) {
            while let Ok(message) = self.signs.try_recv() {
                if let Some(error) = self.note(message) {
                    return Some(Next::Trouble(error));
                }
            }
            let now = Instant::now();
            if let Some(turn) = self.pace.next(now) {
                return Some(Next::Turn(turn));
            }
            let pause = self.pace.next_at().saturating_duration_since(now).min(TICK);
            if let Ok(Some(message)) = tokio::time::timeout(pause, self.signs.recv()).await
                && let Some(error) = self.note(message)
            {
                return Some(Next::Trouble(error));
            }
        }
        None
    }

    fn note(&mut self, (node, sign, error): Message) -> Option<Error> {
        self.pace.note(&node, &sign);
        let source = error?;
        Some(match (source, self.brands.get(&node).copied()) {
            (outbox::Error::Fault(source), Some(brand)) if sign == Sign::Away => {
                Error::Unreachable { node, brand, source }
            }
            (source, _) => Error::Control { node, source },
        })
    }

    /// Takes note of what became of a turn.
    pub fn done(&mut self, runner: &Runner, turn: &Turn, mut outcomes: Outcomes) {
        let (from, to) = (&turn.route.from, &turn.route.to);
        let importer = runner.importers.get(to);
        outcomes.has_waiting = matches!(outcomes.imported, Some(Ok(_)))
            && importer.is_some_and(|importer| importer.has_waiting(turn.route.id));
        self.pace.done(turn, &outcomes, Instant::now());
        for node in BTreeSet::from([from, to]) {
            if let Some(shared) = self.shared.get(node) {
                shared.know(self.known(runner, node));
            }
        }
        let has_carried = matches!(outcomes.carried, Some(Ok(carried)) if carried.read > 0);
        // What an import settles is told to the others by an outbox row, which no trigger wrote.
        let has_imported = matches!(
            outcomes.imported, Some(Ok(done)) if done.read + done.released > 0
        );
        for (has_worked, node) in [(has_carried, from), (has_imported, to)] {
            if let Some(shared) = self.shared.get(node).filter(|_| has_worked) {
                shared.poke();
            }
        }
    }

    /// Up to where everything on a node was dealt with, by the routes that get on.
    fn known(&self, runner: &Runner, node: &NodeId) -> Known {
        let mut known = Known::default();
        for route in &self.routes {
            let (carries, imports) = self.pace.gets_on(route.id);
            let reached = (carries && route.from == *node).then(|| runner.reached.get(&route.id));
            if let Some(cursor) = reached.flatten() {
                known.carried(cursor, &route.forwards_from);
            }
            let importer = (imports && route.to == *node).then(|| runner.importers.get(node));
            if let Some(id) = importer.flatten().and_then(|importer| importer.reached(route.id)) {
                known.imported(route.id, id);
            }
        }
        known
    }

    /// The routes that did not get on at their last turn, or could not have one.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.pace.failures()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.lookouts.iter().for_each(JoinHandle::abort);
    }
}
