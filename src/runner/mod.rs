//! Runs transport and import of all routes, paced and stopped cleanly.

mod explain;
mod lookout;
mod pace;
mod policy;
mod purge;
mod rejoin;
mod skew;
mod status;
mod watch;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use explain::{Outlook, Report};
pub use pace::{Failed, Outcomes, Turn};
pub use policy::{Remedy, remedy};
pub use purge::{Hold, NodePurge, Purge, PurgeReport, Tally};
pub use rejoin::{Purged, Refusal, Rejoin, Rejoined};
pub use skew::{SkewNote, SkewState};
pub use status::{NodeStatus, RouteStatus, Status};
pub use watch::{Next, Watch};

use crate::apply;
use crate::config::Config;
use crate::db::{self, Fault, Session};
use crate::dialect::Brand;
use crate::import::{self, Importer, Mismatch, Progress, Targets};
use crate::model::{NodeId, RouteId, Schema};
use crate::outbox::{self, Claim, Cursor};
use crate::plan::{self, RoutePlan, plan_routes};
use crate::render::{self, Templates};
use crate::transport::{self, Shared, Transport};

/// What stops a program.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A node's database does not answer, or refuses the login.
    #[error("could not reach node `{node}` ({brand})")]
    Unreachable {
        /// The node.
        node: NodeId,
        /// Its brand.
        brand: Brand,
        /// The cause.
        source: Fault,
    },
    /// A followed table is not on the node as it should be.
    #[error("node `{node}` does not have the tables of the configuration")]
    Mismatch {
        /// The node.
        node: NodeId,
        /// What is missing.
        source: Mismatch,
    },
    /// The node's schema cannot be read.
    #[error("the schema of node `{node}` could not be read")]
    Inspect {
        /// The node.
        node: NodeId,
        /// The cause.
        source: Box<apply::Error>,
    },
    /// A route cannot be carried.
    #[error("route {route} was not carried")]
    Transport {
        /// Its id.
        route: i64,
        /// The cause.
        source: transport::Error,
    },
    /// A node cannot import.
    #[error("node `{node}` did not import")]
    Import {
        /// The node.
        node: NodeId,
        /// The cause.
        source: import::Error,
    },
    /// A node's control tables cannot be read.
    #[error("the control tables of node `{node}` could not be read")]
    Control {
        /// The node.
        node: NodeId,
        /// The cause.
        source: outbox::Error,
    },
    /// The database at a node's URL is another node's.
    #[error("the database of node `{expected}` {found}")]
    WrongNode {
        /// The node of the configuration.
        expected: NodeId,
        /// What `ds_node` says.
        found: Claim,
    },
    /// A node cannot rejoin.
    #[error(transparent)]
    Rejoin(#[from] rejoin::Refusal),
    /// The configuration cannot be planned.
    #[error(transparent)]
    Plan(#[from] plan::Error),
    /// A template cannot be filled.
    #[error(transparent)]
    Render(#[from] render::Error),
    /// A template cannot be filled.
    #[error(transparent)]
    Outbox(#[from] outbox::Error),
}

impl Error {
    /// The database's refusal, if that is what it was.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Unreachable { source, .. } => Some(source),
            Self::Transport { source, .. } => source.fault(),
            Self::Import { source, .. } => source.fault(),
            Self::Control { source, .. } | Self::Outbox(source) => source.fault(),
            _ => None,
        }
    }

    /// The program whose row a person altered so that it cannot go on, and why.
    #[must_use]
    pub fn misplaced(&self) -> Option<(i64, &outbox::Misplaced)> {
        match self {
            Self::Transport {
                source: transport::Error::Misplaced { program, reason, .. }, ..
            }
            | Self::Import { source: import::Error::Misplaced { program, reason }, .. }
            | Self::Control { source: outbox::Error::Misplaced { program, reason }, .. } => {
                Some((*program, reason))
            }
            _ => None,
        }
    }
}

/// How to reach a node.
#[derive(Clone)]
struct Place {
    url: String,
    brand: Brand,
}

/// Runs the programs of a configuration. Sessions stay open between iterations; one whose
/// connection broke is opened anew at the next.
pub struct Runner {
    config: Config,
    schema: Schema,
    overrides: BTreeMap<Brand, BTreeMap<String, String>>,
    /// Templates that were parsed before: parsing and filling them takes longer than a turn.
    parsed: Mutex<BTreeMap<Brand, Arc<Templates>>>,
    transports: BTreeMap<(Brand, Brand), Arc<Transport>>,
    routes: Vec<RoutePlan>,
    places: BTreeMap<NodeId, Place>,
    sessions: BTreeMap<NodeId, Box<dyn Session>>,
    importers: BTreeMap<NodeId, Importer>,
    /// What was read of nodes from which several routes leave.
    shared: BTreeMap<NodeId, Shared>,
    /// How far each route was carried by this runner.
    reached: BTreeMap<RouteId, Cursor>,
    /// What was last said of the clocks of each route.
    skews: BTreeMap<RouteId, SkewState>,
}

impl Runner {
    /// A runner of a configuration.
    ///
    /// `schema` is the application's schema as the configuration names it, `urls` the connection
    /// URL of each node with its secrets, `overrides` the user's own templates by brand.
    #[must_use]
    pub fn new(
        config: Config,
        schema: Schema,
        urls: BTreeMap<NodeId, String>,
        overrides: BTreeMap<Brand, BTreeMap<String, String>>,
    ) -> Self {
        let place = |(node, url): (NodeId, String)| {
            let brand = config.nodes.get(&node)?.brand;
            Some((node, Place { url, brand }))
        };
        Self {
            routes: plan_routes(&config),
            places: urls.into_iter().filter_map(place).collect(),
            config,
            schema,
            overrides,
            parsed: Mutex::default(),
            transports: BTreeMap::new(),
            sessions: BTreeMap::new(),
            importers: BTreeMap::new(),
            shared: BTreeMap::new(),
            reached: BTreeMap::new(),
            skews: BTreeMap::new(),
        }
    }

    /// Takes a brand's templates as they were parsed elsewhere, instead of the overrides.
    #[must_use]
    pub fn with_templates(mut self, templates: Arc<Templates>) -> Self {
        let parsed = self.parsed.get_mut().unwrap_or_else(PoisonError::into_inner);
        parsed.insert(templates.brand(), templates);
        self
    }

    /// Takes an open session with a node, and an importer that knows its tables: for a node that
    /// has no URL, or whose connection the caller has made. A session that breaks is not opened
    /// anew then.
    pub fn lend(&mut self, node: NodeId, session: Box<dyn Session>, importer: Importer) {
        self.sessions.insert(node.clone(), session);
        self.importers.insert(node, importer);
    }

    /// The routes, by their ids.
    #[must_use]
    pub fn routes(&self) -> &[RoutePlan] {
        &self.routes
    }

    /// Whether a node only stores and forwards.
    #[must_use]
    pub fn is_store(&self, node: &NodeId) -> bool {
        self.config.is_store(node)
    }

    /// One iteration of a route's transport program.
    ///
    /// # Errors
    /// When a node does not answer or refuses; the route is where it was then.
    pub async fn transport(
        &mut self,
        route: &RoutePlan,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<transport::Outcome, Error> {
        let mut from = self.session(&route.from).await?;
        let mut to = match self.session(&route.to).await {
            Ok(to) => to,
            Err(error) => {
                self.sessions.insert(route.from.clone(), from);
                return Err(error);
            }
        };
        let transport = self.transport_between(from.brand(), to.brand())?;
        let has_others = self.routes.iter().filter(|other| other.from == route.from).count() > 1;
        let mut shared = self.shared.remove(&route.from).unwrap_or_default();
        let (from_session, to_session) = (&mut *from, &mut *to);
        let for_others = has_others.then_some(&mut shared);
        let mut carried =
            transport.carry_on(route, from_session, to_session, for_others, progress).await;
        if matches!(carried, Err(transport::Error::NoProgram { .. })) {
            self.ensure_programs(&mut *to, route).await?;
            carried = transport.carry_on(route, &mut *from, &mut *to, None, progress).await;
        }
        self.reached.remove(&route.id);
        let outcome = carried.map(|(outcome, cursor)| {
            self.reached.extend(cursor.map(|cursor| (route.id, cursor)));
            outcome
        });
        let outcome = outcome.map_err(|source| Error::Transport { route: route.id.0, source });
        // Which of the two is gone cannot be told from outside: both are opened anew.
        let is_broken = outcome.as_ref().err().and_then(Error::fault).is_some_and(policy::is_gone);
        if !is_broken {
            self.sessions.insert(route.from.clone(), from);
            self.sessions.insert(route.to.clone(), to);
            self.shared.insert(route.from.clone(), shared);
        }
        outcome
    }

    /// One iteration of a route's import program: until its inbox is empty, or `stop` is set. A
    /// node that only stores and forwards has nothing to import into.
    ///
    /// # Errors
    /// When the node does not answer or refuses; the batch in hand is not imported then.
    pub async fn import(
        &mut self,
        route: &RoutePlan,
        stop: &AtomicBool,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<import::Outcome, Error> {
        if self.is_store(&route.to) {
            return Ok(import::Outcome::default());
        }
        let node = route.to.clone();
        let mut session = self.session(&node).await?;
        let done = Box::pin(self.import_with(&mut *session, route, stop, progress)).await;
        let is_broken = done.as_ref().err().and_then(Error::fault).is_some_and(policy::is_gone);
        if is_broken {
            self.importers.remove(&node);
        } else {
            self.sessions.insert(node, session);
        }
        done
    }

    async fn import_with(
        &mut self,
        session: &mut dyn Session,
        route: &RoutePlan,
        stop: &AtomicBool,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<import::Outcome, Error> {
        let node = &route.to;
        if !self.importers.contains_key(node) {
            for route in self.routes.iter().filter(|route| route.to == *node) {
                self.ensure_programs(session, route).await?;
            }
            let importer = self.importer(session, node).await?;
            self.importers.insert(node.clone(), importer);
        } else if self.importers.get(node).is_some_and(Importer::doubts_its_tables) {
            let fresh = Box::pin(self.importer(session, node)).await?;
            if let Some(importer) = self.importers.get_mut(node) {
                importer.take_tables(fresh);
            }
        }
        let templates = self.templates(session.brand())?;
        let Some(importer) = self.importers.get_mut(node) else {
            return Ok(import::Outcome::default());
        };
        let failed = |source| Error::Import { node: node.clone(), source };
        let mut total = import::Outcome::default();
        let reads_beside = session.brand().dialect().can.read_beside_a_writer;
        let place = self.places.get(node).filter(|_| reads_beside);
        // Called once: what does not answer must not hold up each batch.
        let mut reader_url = place.map(|place| place.url.as_str());
        let mut reader: Option<Box<dyn Session>> = None;
        while !stop.load(Ordering::Relaxed) {
            let beside = reader.as_mut().map(|reader| &mut **reader as &mut dyn Session);
            let mut done =
                Box::pin(importer.import_batch_and_read(session, beside, route.id)).await;
            if matches!(done, Err(import::Error::NoProgram(_))) {
                let ensured =
                    apply::ensure_programs(session, &templates, &self.config, route).await;
                ensured.map_err(|source| Error::Control { node: node.clone(), source })?;
                done = importer.import_batch(session, route.id).await;
            }
            match done.map_err(failed)? {
                Progress::More(outcome) => {
                    total.read += outcome.read;
                    total.quarantined += outcome.quarantined;
                    progress(total.read);
                    // A large backlog is worth a second session.
                    let is_large = outcome.read >= self.config.limits.batch_rows as u64 / 2;
                    if is_large && let Some(url) = reader_url.take() {
                        reader = db::connect(url).await.ok();
                    }
                }
                Progress::Done => {
                    let retried =
                        importer.retry_quarantined(session, route.id).await.map_err(failed)?;
                    total.released += retried.released;
                    break;
                }
                Progress::Stopped => {
                    total.is_stopped = true;
                    break;
                }
            }
        }
        if let Some(reader) = reader {
            let _ = reader.close().await;
        }
        Ok(total)
    }

    async fn importer(&self, session: &mut dyn Session, node: &NodeId) -> Result<Importer, Error> {
        let brand = session.brand();
        let templates = self.templates(brand)?;
        let live = apply::inspect(session, &templates)
            .await
            .map_err(|source| Error::Inspect { node: node.clone(), source: Box::new(source) })?;
        let plan = plan::plan(&self.config, &self.schema, brand)?;
        let mut targets = Targets::new(&plan, &live)
            .map_err(|source| Error::Mismatch { node: node.clone(), source })?;
        let origin = |(id, node): (&NodeId, &crate::config::Node)| (id.0.clone(), node.brand);
        targets.origins = self.config.nodes.iter().map(origin).collect();
        let limits = &self.config.limits;
        Importer::new(templates, targets, node.clone(), limits.batch_rows)
            .map(|importer| {
                importer.with_set_limit(limits.change_set_rows).with_routes(&self.routes)
            })
            .map_err(|source| Error::Import { node: node.clone(), source })
    }

    /// The node's open session, or a new one; put it back after use.
    async fn session(&mut self, node: &NodeId) -> Result<Box<dyn Session>, Error> {
        if let Some(session) = self.sessions.remove(node) {
            return Ok(session);
        }
        // The database may have been restored meanwhile.
        self.shared.remove(node);
        if let Some(importer) = self.importers.get_mut(node) {
            importer.forget();
        }
        let place = self
            .places
            .get(node)
            .cloned()
            .unwrap_or_else(|| Place { url: String::new(), brand: Brand::Sqlite });
        db::connect(&place.url).await.map_err(|source| Error::Unreachable {
            node: node.clone(),
            brand: place.brand,
            source,
        })
    }

    fn templates(&self, brand: Brand) -> Result<Arc<Templates>, Error> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(templates) = parsed.get(&brand) {
            return Ok(templates.clone());
        }
        let none = BTreeMap::new();
        let overrides = self.overrides.get(&brand).unwrap_or(&none);
        let templates = Arc::new(Templates::with_overrides(brand, overrides)?);
        parsed.insert(brand, templates.clone());
        Ok(templates)
    }

    /// The statements of routes between two brands.
    fn transport_between(&mut self, from: Brand, to: Brand) -> Result<Arc<Transport>, Error> {
        if let Some(known) = self.transports.get(&(from, to)) {
            return Ok(known.clone());
        }
        let (source, target) = (self.templates(from)?, self.templates(to)?);
        let limits = &self.config.limits;
        let transport = Transport::new(&source, &target, limits.batch_rows)?
            .with_skew_refusal(limits.skew_refusal);
        let transport = Arc::new(transport);
        self.transports.insert((from, to), transport.clone());
        Ok(transport)
    }

    /// Sees to a route's rows of `ds_program_parameter`, which nobody wrote yet where another
    /// tool than `apply` installed the objects.
    async fn ensure_programs(
        &self,
        session: &mut dyn Session,
        route: &RoutePlan,
    ) -> Result<(), Error> {
        let templates = self.templates(session.brand())?;
        apply::ensure_programs(session, &templates, &self.config, route)
            .await
            .map_err(|source| Error::Control { node: route.to.clone(), source })
    }

    /// Ends all sessions. What is left of them ends with the process anyway.
    pub async fn close(mut self) {
        for (_, session) in std::mem::take(&mut self.sessions) {
            let _ = session.close().await;
        }
    }
}
