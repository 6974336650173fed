//! Runs a history: the application on the engines, the programs as they are in the crate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use outrigger::db::Session;
use outrigger::import::{Importer, Progress};
use outrigger::model::Row;
use outrigger::outbox::localise;
use outrigger::plan::RoutePlan;
use tokio::sync::Mutex;

use crate::database::{Cells, RowKey};
use crate::flaky::Flaky;
use crate::history::{Event, History, Run};
use crate::nodes::{Nodes, node_name};
use crate::reference::{contested, expected};
use crate::stage::Stage;
use crate::support::oracle::Oracle;
use crate::world::{Counts, Logged};

/// What a history came to: its numbers and its trace, and what was wrong.
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    pub(crate) complaints: Vec<String>,
    pub(crate) trace: Vec<String>,
}

pub(crate) struct Driver<'a> {
    nodes: &'a mut Nodes,
    pub(crate) stage: Arc<Mutex<Stage>>,
    pub(crate) history: History,
    pub(crate) routes: Vec<RoutePlan>,
    oracle: Oracle,
    sessions: Vec<Option<Box<dyn Session>>>,
    importers: Vec<Option<Importer>>,
    /// What the oracle has found.
    unexplained: Vec<String>,
}

/// So many turns are enough for every route of three nodes in a row, and to come to rest.
const TURNS: usize = 16;

/// So many batches of one import; what goes on longer never ends.
const BATCHES: usize = 200;

/// So many calls of the runner are far more than any history needs: something goes round.
const CALLS: u64 = 8_000;

/// A history that takes longer hangs.
const HISTORY_WAIT: Duration = Duration::from_mins(2);

/// Runs a history to its end and looks at all nodes.
pub(crate) async fn run(nodes: &mut Nodes, history: &History) -> Outcome {
    let stage = Arc::new(Mutex::new(Stage::default()));
    let done = tokio::time::timeout(HISTORY_WAIT, Box::pin(run_on(nodes, history, &stage))).await;
    let mut complaints = done.unwrap_or_else(|_| vec!["it does not end".to_owned()]);
    let mut stage = stage.lock().await;
    complaints.append(&mut stage.broken);
    let trace = std::mem::take(&mut stage.trace);
    Outcome { counts: stage.counts, complaints, trace }
}

async fn run_on(nodes: &mut Nodes, history: &History, stage: &Arc<Mutex<Stage>>) -> Vec<String> {
    let mut driver = Driver::new(nodes, history.clone(), stage.clone()).await;
    for (_, event) in &history.events {
        driver.happen(event).await;
    }
    let is_at_rest = driver.drain().await;
    for node in 0..history.setup.brands.len() {
        driver.look(node).await;
        if let Some(importer) = driver.importers[node].take() {
            driver.nodes.keep(&history.setup, node, importer);
        }
    }
    let mut complaints = driver.complaints().await;
    if !is_at_rest {
        complaints.insert(0, format!("the routes do not come to rest in {TURNS} turns"));
    }
    complaints
}

impl<'a> Driver<'a> {
    async fn new(nodes: &'a mut Nodes, history: History, stage: Arc<Mutex<Stage>>) -> Self {
        let setup = &history.setup;
        let configured = nodes.configuration(setup);
        let routes = Nodes::routes(&configured.0, setup);
        let mut oracle = Oracle::default();
        let mut shared = stage.lock().await;
        shared.counts.histories = 1;
        for (at, brand) in setup.brands.iter().enumerate() {
            let place = nodes.clean(setup, at, &routes).await;
            oracle.begin(&place.name, nodes.database(*brand), &configured).await.unwrap();
            shared.places.push(place);
        }
        drop(shared);
        let count = setup.brands.len();
        Self {
            nodes,
            stage,
            routes,
            oracle,
            sessions: (0..count).map(|_| None).collect(),
            importers: (0..count).map(|_| None).collect(),
            unexplained: Vec::new(),
            history,
        }
    }

    async fn happen(&mut self, event: &Event) {
        let mut stage = self.stage.lock().await;
        stage.counts.operations += 1;
        stage.note(format!("{event:?}"));
        match event {
            Event::Application(application) => stage.application(*application).await,
            // One clock for all, see above; and nobody is restored.
            Event::Clock { .. }
            | Event::Backup { .. }
            | Event::Restore { .. }
            | Event::Rejoin { .. } => {}
            Event::Away { node, is_away } => stage.places[*node].is_away = *is_away,
            Event::Join { node } => stage.places[*node].is_joined = true,
            Event::Rewind { route, is_import, by } => {
                drop(stage);
                self.rewind(*route, *is_import, *by).await;
            }
            Event::Purge { node } => {
                drop(stage);
                // What is purged has to be remembered.
                self.look(*node).await;
                let purged = self.purge(*node).await;
                self.stage.lock().await.counts.purged += purged;
            }
            Event::Carry(run) => {
                drop(stage);
                self.program(run, false).await;
            }
            Event::Import(run) => {
                drop(stage);
                self.program(run, true).await;
                self.look(self.history.setup.routes[run.route].1).await;
            }
        }
    }

    /// A person sets a pointer back.
    async fn rewind(&mut self, route: usize, is_import: bool, by: i64) {
        let plan = &self.routes[route];
        let id = if is_import { plan.id.import_program() } else { plan.id.transport_program() };
        let target = self.place_of(plan.to.as_str());
        let sql = format!(
            "UPDATE ds_program_parameter SET fromoutboxpointer = CASE \
             WHEN fromoutboxpointer > {by} THEN fromoutboxpointer - {by} ELSE 0 END WHERE id = {id}"
        );
        let mut stage = self.stage.lock().await;
        // SQLite may have another writer.
        if stage.places[target].slots[0].raw(&sql).await.is_ok() {
            stage.counts.rewinds += 1;
            stage.places[target].moment += 1;
        }
    }

    /// The place of a node's name.
    pub(crate) fn place_of(&self, name: &str) -> usize {
        (0..self.sessions.len()).find(|at| node_name(*at) == name).expect("it is a node")
    }

    /// A query of somebody who only looks.
    pub(crate) async fn fetch(&mut self, node: usize, sql: &str) -> Vec<Row> {
        let mut stage = self.stage.lock().await;
        stage.places[node].slots[0].fetch(sql, &[]).await.unwrap()
    }

    async fn look(&mut self, node: usize) {
        let database = self.nodes.database(self.history.setup.brands[node]);
        let found = self.oracle.unexplained(&node_name(node), database).await;
        let mut stage = self.stage.lock().await;
        stage.counts.looks += 1;
        match found {
            Ok(found) => {
                for complaint in found {
                    stage.note(format!("  nobody explains: {complaint}"));
                    self.unexplained.push(format!("nobody explains: {complaint}"));
                }
            }
            Err(refusal) => self.unexplained.push(refusal),
        }
    }

    /// One run of a program; whether it did something. Its process ends when it crashes.
    async fn program(&mut self, run: &Run, is_import: bool) -> bool {
        let (from, to) = self.history.setup.routes[run.route];
        let mut stage = self.stage.lock().await;
        if [from, to].iter().any(|at| stage.places[*at].is_away || !stage.places[*at].is_joined) {
            return false;
        }
        stage.start(run.clone());
        drop(stage);
        let done = if is_import {
            self.import(run.route, run.is_patient).await
        } else {
            self.carry(run.route, run.is_patient).await
        };
        let mut stage = self.stage.lock().await;
        stage.stop();
        match &done {
            Err(error) => {
                stage.note(format!("    it ends: {error}"));
                self.sessions[from] = None;
                self.sessions[to] = None;
                self.importers[to] = None;
            }
            Ok(true) => {
                stage.places[from].moment += 1;
                stage.places[to].moment += 1;
            }
            Ok(false) => {}
        }
        done.unwrap_or(true)
    }

    async fn session(&mut self, node: usize, is_patient: bool) -> Flaky {
        let mut session = match self.sessions[node].take() {
            Some(session) => session,
            None => self.nodes.connect(self.history.setup.brands[node]).await,
        };
        Nodes::set_patience(&mut *session, is_patient).await;
        Flaky::new(self.stage.clone(), node, session)
    }

    async fn carry(&mut self, route: usize, is_patient: bool) -> Result<bool, String> {
        let (from, to) = self.history.setup.routes[route];
        let transport = self.nodes.transport(&self.history.setup, from, to);
        let mut source = self.session(from, is_patient).await;
        let mut target = self.session(to, is_patient).await;
        let plan = self.routes[route].clone();
        let mut progress = |_| {};
        let carried = transport.carry(&plan, &mut source, &mut target, &mut progress).await;
        let outcome = carried.map_err(|error| format!("{error}: {:?}", error.fault()))?;
        self.sessions[from] = source.into_inner();
        self.sessions[to] = target.into_inner();
        Ok(outcome.read > 0)
    }

    async fn import(&mut self, route: usize, is_patient: bool) -> Result<bool, String> {
        let (_, to) = self.history.setup.routes[route];
        let mut importer = match self.importers[to].take() {
            Some(importer) => importer,
            None => self.nodes.importer(&self.history.setup, to).await,
        };
        let id = self.routes[route].id;
        let mut session = self.session(to, is_patient).await;
        let mut did_something = false;
        for _ in 0..BATCHES {
            let done = importer.import_batch(&mut session, id).await;
            match done.map_err(|error| format!("{error}: {:?}", error.fault()))? {
                Progress::More(_) => did_something = true,
                Progress::Done | Progress::Stopped => break,
            }
        }
        let retried = importer.retry_quarantined(&mut session, id).await;
        let released = retried.map_err(|error| error.to_string())?.released;
        self.importers[to] = Some(importer);
        self.sessions[to] = session.into_inner();
        Ok(did_something || released > 0)
    }

    /// Everything heals and is carried to its end; whether it comes to rest.
    async fn drain(&mut self) -> bool {
        let mut stage = self.stage.lock().await;
        stage.note("drain");
        for node in 0..stage.places.len() {
            stage.places[node].is_joined = true;
            stage.places[node].is_away = false;
            stage.finish_all(node).await;
        }
        drop(stage);
        let routes = self.history.setup.routes.clone();
        // Where nothing was committed since, a program would only look around.
        let mut seen = vec![None; routes.len()];
        for _ in 0..TURNS {
            let mut is_busy = false;
            for (route, (from, to)) in routes.iter().enumerate() {
                if seen[route] == Some(self.moments(*from, *to).await) {
                    continue;
                }
                let run = Run { route, crash: None, is_patient: true, during: Vec::new() };
                is_busy |= self.program(&run, false).await;
                is_busy |= self.program(&run, true).await;
                seen[route] = Some(self.moments(*from, *to).await);
            }
            if !is_busy {
                return true;
            }
            if self.stage.lock().await.counts.statements > CALLS {
                break;
            }
        }
        false
    }

    async fn moments(&self, from: usize, to: usize) -> (u64, u64) {
        let stage = self.stage.lock().await;
        (stage.places[from].moment, stage.places[to].moment)
    }

    /// Everything that is not as it has to be.
    async fn complaints(&mut self) -> Vec<String> {
        let mut complaints = std::mem::take(&mut self.unexplained);
        let names: Vec<String> = (0..self.sessions.len()).map(node_name).collect();
        let mut log = Vec::new();
        for name in &names {
            let own = self
                .oracle
                .outbox(name)
                .filter_map(|change| localise(change.clone(), &name.as_str().into()));
            log.extend(own.map(|change| Logged { origin: name.clone(), change }));
        }
        let expected = expected(&log);
        for (at, name) in names.iter().enumerate() {
            let held: BTreeMap<RowKey, &Cells> = self
                .oracle
                .rows(name)
                .iter()
                .map(|((table, key), cells)| ((table.clone(), key[0].clone()), cells))
                .collect();
            let rows: BTreeSet<&RowKey> = held.keys().chain(expected.keys()).collect();
            for row in rows {
                let (is, wanted) = (held.get(row).copied(), expected.get(row));
                if is != wanted {
                    complaints.push(format!("{name}: {row:?} is {is:?}, expected {wanted:?}"));
                }
            }
            let held = self.fetch(at, "SELECT inbox_id, reason FROM ds_quarantine").await;
            complaints.extend(held.iter().map(|row| format!("{name}: in quarantine: {row:?}")));
            self.check_arrivals(at, &log, &mut complaints).await;
        }
        self.stage.lock().await.counts.conflicts += contested(&log);
        complaints
    }

    /// Every change of every other node arrived once, and nothing else came.
    async fn check_arrivals(&mut self, at: usize, log: &[Logged], complaints: &mut Vec<String>) {
        let name = node_name(at);
        let sql = "SELECT updated_by_server_id AS origin, source_id FROM ds_change_inbox";
        let mut arrived = BTreeSet::new();
        for row in self.fetch(at, sql).await {
            let id = (row.text("origin").unwrap_or_default(), row.integer("source_id"));
            if !arrived.insert(id.clone()) {
                complaints.push(format!("{name}: {id:?} arrived twice"));
            }
        }
        let others = log.iter().filter(|logged| logged.origin != name);
        let sent: BTreeSet<(String, Option<i64>)> =
            others.map(|logged| (logged.origin.clone(), Some(logged.change.id))).collect();
        let lost = sent.difference(&arrived).map(|id| format!("{name}: {id:?} did not arrive"));
        complaints.extend(lost);
        let made_up = arrived.difference(&sent);
        complaints.extend(made_up.map(|id| format!("{name}: {id:?} arrived, nobody made it")));
    }
}
