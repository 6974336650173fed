//! What the imports of a node would do, found by doing them and undoing everything.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::{Error, Runner, policy};
use crate::db::Session;
use crate::import::{self, ExplainedSet, Fate, Importer, Progress, Rehearsal};
use crate::model::{NodeId, RouteId};
use crate::plan::RoutePlan;

/// What the import of one route would come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outlook {
    /// The node.
    pub node: NodeId,
    /// The route.
    pub route: RouteId,
    /// Whether `active_flag` is `N`: nothing would be done.
    pub is_stopped: bool,
    /// Why it would not go on.
    pub halted: Option<String>,
    /// How many changes of the inbox end how.
    pub changes: BTreeMap<Fate, u64>,
    /// The same of changes in quarantine that would be tried again.
    pub retried: BTreeMap<Fate, u64>,
    /// How many of the changes are part of a conflict.
    pub conflicts: u64,
}

/// Is told of each change set, in the order of import.
pub type Report<'a> = &'a mut (dyn FnMut(ExplainedSet) + Send);

impl Runner {
    /// What one iteration of the import programs of routes to one node would do, all in one
    /// transaction that is rolled back: nothing stays changed. Until then it holds the locks that
    /// the imports would hold, together. `stop` ends it after the batch in hand.
    ///
    /// # Errors
    /// When the node does not answer or refuses.
    pub async fn explain_import(
        &mut self,
        node: &NodeId,
        routes: &[RoutePlan],
        stop: &AtomicBool,
        report: Report<'_>,
    ) -> Result<Vec<Outlook>, Error> {
        let mut session = self.session(node).await?;
        let importer = self.importer(&mut *session, node).await;
        let done = match importer {
            Ok(importer) => {
                let importer = importer.after(self.importers.get(node)).rehearsing();
                self.rehearse(&mut *session, importer, routes, stop, report).await
            }
            Err(error) => Err(error),
        };
        if !done.as_ref().err().and_then(Error::fault).is_some_and(policy::is_gone) {
            self.sessions.insert(node.clone(), session);
        }
        done
    }

    async fn rehearse(
        &self,
        session: &mut dyn Session,
        mut importer: Importer,
        routes: &[RoutePlan],
        stop: &AtomicBool,
        report: Report<'_>,
    ) -> Result<Vec<Outlook>, Error> {
        let templates = self.templates(session.brand())?;
        let node = importer.node().clone();
        let failed = |source| Error::Import { node: node.clone(), source };
        let mut rehearsal = Rehearsal::begin(session, &templates).await.map_err(failed)?;
        let mut outlooks = Vec::new();
        let mut done = Ok(());
        for route in routes {
            let explained =
                self.rehearse_route(&mut rehearsal, &mut importer, route, stop, report).await;
            match explained {
                Ok(outlook) => outlooks.push(outlook),
                Err(error) => {
                    done = Err(error);
                    break;
                }
            }
        }
        drop(rehearsal);
        let ended = importer.abandon(session).await.map_err(failed);
        done.and(ended).map(|()| outlooks)
    }

    async fn rehearse_route(
        &self,
        session: &mut dyn Session,
        importer: &mut Importer,
        route: &RoutePlan,
        stop: &AtomicBool,
        report: Report<'_>,
    ) -> Result<Outlook, Error> {
        // Rolled back like everything else.
        self.ensure_programs(session, route).await?;
        let failed = |source| Error::Import { node: route.to.clone(), source };
        let mut outlook = Outlook::new(route);
        while !stop.load(Ordering::Relaxed) {
            let progress = match importer.import_batch(session, route.id).await {
                // The others go on.
                Err(error @ import::Error::SetTooLarge { .. }) => {
                    outlook.halted = Some(error.to_string());
                    break;
                }
                other => other.map_err(failed)?,
            };
            let is_done = match progress {
                Progress::More(_) => false,
                Progress::Done => {
                    Box::pin(importer.retry_quarantined(session, route.id))
                        .await
                        .map_err(failed)?;
                    true
                }
                Progress::Stopped => {
                    outlook.is_stopped = true;
                    true
                }
            };
            for set in importer.explained(route.id, is_done) {
                outlook.count(&set);
                report(set);
            }
            if is_done {
                break;
            }
        }
        Ok(outlook)
    }
}

impl Outlook {
    fn new(route: &RoutePlan) -> Self {
        Self {
            node: route.to.clone(),
            route: route.id,
            is_stopped: false,
            halted: None,
            changes: BTreeMap::new(),
            retried: BTreeMap::new(),
            conflicts: 0,
        }
    }

    fn count(&mut self, set: &ExplainedSet) {
        let counts = if set.is_retry { &mut self.retried } else { &mut self.changes };
        for (fate, count) in &set.counts {
            *counts.entry(*fate).or_default() += count;
        }
        let conflicting = set.changes.iter().filter(|change| !change.conflicts.is_empty());
        self.conflicts += conflicting.count() as u64;
    }
}
