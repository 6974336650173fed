//! Runs a history: the application in the model, the programs as they are in the crate.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use outrigger::import::{Importer, Progress};
use outrigger::runner::Rejoin;
use outrigger::transport::{self, Shared};

use crate::check;
use crate::database::Held;
use crate::history::{Act, Application, Event, History, Place, Run, Switch};
use crate::node::{self, importer, keep, routes, runner};
use crate::purge::{purge, purge_inbox};
use crate::reference::contested;
use crate::session::ModelSession;
use crate::world::{Counts, World, node_name};

/// What a history came to: its numbers and its trace, and what was wrong.
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    pub(crate) complaints: Vec<String>,
    pub(crate) trace: Vec<String>,
}

pub(crate) struct Driver {
    world: Arc<Mutex<World>>,
    history: History,
    switch: Option<Switch>,
    sessions: Vec<Option<ModelSession>>,
    importers: Vec<Option<Importer>>,
    /// What the routes from a node have read of it.
    shared: BTreeMap<usize, Shared>,
    /// Nodes that a route has refused.
    stale: BTreeSet<usize>,
}

/// After so many attempts nothing will let a change in any more.
const TRIES: i64 = 12;

/// So many turns are enough for every route of five nodes in a row, and to come to rest.
const TURNS: usize = 40;

/// Runs a history to its end and looks at all nodes.
pub(crate) fn run(history: &History, switch: Option<Switch>, has_trace: bool) -> Outcome {
    let mut driver = Driver::new(history.clone(), switch, has_trace);
    for (pause, event) in &history.events {
        driver.happen(*pause, event);
    }
    let is_at_rest = driver.drain();
    let mut complaints = check::complaints(&driver.world());
    let is_at_rest =
        is_at_rest && (!history.setup.has_aftermath || driver.may_restore() || driver.aftermath());
    let setup = &history.setup;
    for (node, importer) in driver.importers.iter_mut().enumerate() {
        if let Some(importer) = importer.take() {
            keep(setup, node, switch, importer);
        }
    }
    let mut world = driver.world();
    complaints.append(&mut world.broken);
    if !is_at_rest {
        complaints.push(format!("the routes do not come to rest in {TURNS} turns"));
    }
    complaints.extend(check::complaints(&world));
    world.counts.conflicts = contested(&world.log);
    let trace = world.trace.take().unwrap_or_default();
    Outcome { counts: world.counts, complaints, trace }
}

impl Driver {
    fn new(history: History, switch: Option<Switch>, has_trace: bool) -> Self {
        let mut world = World::new(&history.setup, routes(&history.setup), switch);
        world.trace = has_trace.then(Vec::new);
        let nodes = world.nodes.len();
        Self {
            world: Arc::new(Mutex::new(world)),
            history,
            switch,
            sessions: (0..nodes).map(|_| None).collect(),
            importers: (0..nodes).map(|_| None).collect(),
            shared: BTreeMap::new(),
            stale: BTreeSet::new(),
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn happen(&mut self, pause: i64, event: &Event) {
        let mut world = self.world();
        world.now += pause;
        world.counts.operations += 1;
        let now = world.now % 1_000_000_000_000;
        world.note(|| format!("{now}: {event:?}"));
        match event {
            Event::Application(application) => world.application(*application),
            Event::Rewind { route, is_import, by } => rewind(&mut world, *route, *is_import, *by),
            Event::Clock { node, skew } => world.nodes[*node].skew = *skew,
            Event::Away { node, is_away } => world.nodes[*node].is_away = *is_away,
            Event::Join { node } => world.nodes[*node].is_joined = true,
            Event::Purge { node } => purge(&mut world, *node, self.may_restore()),
            Event::Backup { node } => world.back_up(*node),
            Event::Restore { node, medium } => {
                if world.restore(*node, *medium) {
                    // Every connection to the database is cut.
                    drop(world);
                    self.sessions[*node] = None;
                    self.importers[*node] = None;
                }
            }
            Event::Rejoin { node, run } => {
                drop(world);
                self.rejoin(*node, run);
            }
            Event::Carry(run) => {
                drop(world);
                self.program(run, Self::carry);
            }
            Event::Import(run) => {
                drop(world);
                self.program(run, Self::import);
            }
        }
    }

    /// Whether a node is set back to a backup, now or later.
    fn may_restore(&self) -> bool {
        self.history.events.iter().any(|(_, event)| matches!(event, Event::Backup { .. }))
    }

    /// All changes once more to inboxes that have none; then nothing is left anywhere but what is
    /// in the tables, and the application goes on. Whether it comes to rest.
    fn aftermath(&mut self) -> bool {
        let mut world = self.world();
        let (nodes, routes) = (world.nodes.len(), world.routes.len());
        world.note(|| "aftermath".to_owned());
        for node in 0..nodes {
            purge_inbox(&mut world, node);
        }
        for route in 0..routes {
            rewind(&mut world, route, false, i64::MAX);
        }
        drop(world);
        let is_at_rest = self.drain();
        let mut world = self.world();
        purge(&mut world, 0, false);
        for node in 0..nodes {
            for key in 0..3 {
                world.now += 2_000_000;
                let place = Place { table: key % 2, key, value: 5, will_commit: true };
                let act = if node % 2 == 0 { Act::Insert(place) } else { Act::Delete(place) };
                world.application(Application { node, slot: 0, act });
            }
        }
        drop(world);
        is_at_rest && self.drain()
    }

    /// One run of a program; whether it did something. Its process ends when it crashes.
    fn program(
        &mut self,
        run: &Run,
        program: fn(&mut Self, usize) -> Result<bool, String>,
    ) -> bool {
        let (from, to) = self.history.setup.routes[run.route];
        let mut world = self.world();
        if [from, to].iter().any(|at| world.nodes[*at].is_away || !world.nodes[*at].is_joined) {
            return false;
        }
        world.start(run.clone());
        drop(world);
        let done = program(self, run.route);
        let mut world = self.world();
        world.stop();
        if let Err(error) = &done {
            world.note(|| format!("    it ends: {error}"));
        }
        drop(world);
        if done.is_err() {
            self.sessions[from] = None;
            self.sessions[to] = None;
            self.importers[to] = None;
        }
        done.unwrap_or(true)
    }

    fn session(&mut self, node: usize) -> ModelSession {
        if let Some(session) = self.sessions[node].take() {
            return session;
        }
        // As the runner does it: what was read is for the session by which it was read.
        self.shared.remove(&node);
        ModelSession::new(self.world.clone(), node)
    }

    fn carry(&mut self, route: usize) -> Result<bool, String> {
        let (from, to) = self.history.setup.routes[route];
        let brands = &self.history.setup.brands;
        let transport = node::transport(brands[from], brands[to], self.history.setup.page_rows);
        let plan = self.world().routes[route].clone();
        let (mut source, mut target) = (self.session(from), self.session(to));
        let mut shared = self.shared.remove(&from).unwrap_or_default();
        let mut progress = |_| {};
        let carried =
            transport.carry_on(&plan, &mut source, &mut target, Some(&mut shared), &mut progress);
        let outcome = ready(carried).map_err(|error| {
            if matches!(error, transport::Error::Stale { .. }) {
                self.stale.insert(from);
            }
            format!("{error}: {:?}", error.fault())
        })?;
        let (outcome, _) = outcome;
        self.shared.insert(from, shared);
        self.sessions[from] = Some(source);
        self.sessions[to] = Some(target);
        Ok(outcome.read > 0)
    }

    fn import(&mut self, route: usize) -> Result<bool, String> {
        let (_, to) = self.history.setup.routes[route];
        let setup = &self.history.setup;
        let routes = self.world().routes.clone();
        let new = || importer(setup, to, self.switch).with_routes(&routes);
        let mut importer = self.importers[to].take().unwrap_or_else(new);
        let id = self.world().routes[route].id;
        let mut session = self.session(to);
        let mut did_something = false;
        loop {
            let done = ready(importer.import_batch(&mut session, id));
            match done.map_err(|error| format!("{error}: {:?}", error.fault()))? {
                Progress::More(_) => did_something = true,
                Progress::Done | Progress::Stopped => break,
            }
        }
        let retried = ready(importer.retry_quarantined(&mut session, id));
        let released = retried.map_err(|error| error.to_string())?.released;
        self.importers[to] = Some(importer);
        self.sessions[to] = Some(session);
        Ok(did_something || released > 0)
    }

    /// A person has a node rejoin; whether that was done.
    fn rejoin(&mut self, node: usize, run: &Run) -> bool {
        let setup = &self.history.setup;
        let is_away = |at: &usize| {
            let known = &self.world().nodes[*at];
            known.is_away || !known.is_joined
        };
        let away: Vec<usize> = (0..setup.brands.len()).filter(is_away).collect();
        // Who has patience waits until all are there.
        if away.contains(&node) || (run.is_patient && !away.is_empty()) {
            return false;
        }
        let mut runner = runner(setup);
        let routes = self.world().routes.clone();
        for at in 0..setup.brands.len() {
            // What holds the old sessions is another process.
            let session = ModelSession::new(self.world.clone(), at);
            let importer = importer(setup, at, self.switch).with_routes(&routes);
            runner.lend(node_name(at).as_str().into(), Box::new(session), importer);
        }
        self.world().start(run.clone());
        let wanted = Rejoin {
            node: node_name(node).as_str().into(),
            without: away.iter().map(|at| node_name(*at).as_str().into()).collect(),
            is_replacement: false,
            is_dry_run: false,
        };
        let done = ready(runner.rejoin(&wanted));
        let mut world = self.world();
        world.stop();
        world.note(|| format!("    rejoin: {done:?}"));
        if done.as_ref().is_ok_and(|done| done.reason.is_some()) {
            world.counts.rejoins += 1;
            world.lost[node].clear();
        }
        done.is_ok()
    }

    /// Whether a node's next import tries something again that is in quarantine.
    fn is_tried_again(&self, node: usize) -> bool {
        let world = self.world();
        let held = &world.nodes[node].quarantine;
        let waits = |entry: &Held| {
            entry.code == "waits" && entry.waits_for.is_some_and(|id| held.contains_key(&id))
        };
        held.values().any(|entry| entry.attempts <= TRIES && !waits(entry))
    }

    /// Everything heals and is carried to its end; whether it comes to rest.
    fn drain(&mut self) -> bool {
        let mut world = self.world();
        world.note(|| "drain".to_owned());
        for node in 0..world.nodes.len() {
            world.nodes[node].is_joined = true;
            world.nodes[node].is_away = false;
            let open: Vec<(u8, bool)> = world.nodes[node]
                .open
                .iter()
                .map(|(slot, open)| (*slot, open.will_commit))
                .collect();
            for (slot, commits) in open {
                world.finish(node, slot, commits);
            }
        }
        drop(world);
        let routes = self.history.setup.routes.clone();
        // Where nothing was committed since, a program would only look around.
        let mut seen = vec![None; routes.len()];
        (0..TURNS).any(|_| {
            let mut is_busy = false;
            for (route, (from, to)) in routes.iter().enumerate() {
                let moments = |driver: &Self| {
                    let world = driver.world();
                    Some((world.nodes[*from].moment, world.nodes[*to].moment))
                };
                let is_tried = self.is_tried_again(*to);
                if seen[route] == moments(self) && !is_tried {
                    continue;
                }
                is_busy |= is_tried;
                let run = Run { route, crash: None, is_patient: true, during: Vec::new() };
                is_busy |= self.program(&run, Self::carry);
                is_busy |= self.program(&run, Self::import);
                seen[route] = moments(self);
            }
            for node in std::mem::take(&mut self.stale) {
                let run = Run { route: 0, crash: None, is_patient: true, during: Vec::new() };
                is_busy = true;
                self.rejoin(node, &run);
            }
            !is_busy
        })
    }
}

/// The answer of something that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the model answers at once"),
    }
}

fn rewind(world: &mut World, route: usize, is_import: bool, by: i64) {
    let plan = world.routes[route].clone();
    let program = if is_import { plan.id.import_program() } else { plan.id.transport_program() };
    let target = world.nodes.iter_mut().find(|node| node.id == plan.to.as_str()).unwrap();
    let program = target.programs.get_mut(&program).unwrap();
    program.pointer = (program.pointer - by).max(0);
}
