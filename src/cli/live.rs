//! What the verbs that move changes share: the runner, and choosing routes and nodes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::console::Console;
use super::context::{Context, Loaded};
use crate::db::{self, Session};
use crate::error::{Error, Result};
use crate::model::NodeId;
use crate::plan::RoutePlan;
use crate::render::Templates;
use crate::runner::Runner;

/// A runner of the configuration, and the configuration.
pub(super) async fn runner(context: &Context) -> Result<(Runner, Loaded)> {
    let loaded = context.load()?;
    let schema = context.read_schema(&loaded).await?.schema;
    let mut urls = BTreeMap::new();
    for (id, node) in &loaded.config.nodes {
        urls.insert(id.clone(), node.resolved_url(&loaded.base)?);
    }
    let overrides = context.overrides()?;
    Ok((Runner::new(loaded.config.clone(), schema, urls, overrides), loaded))
}

/// The routes of the given ids; all without any.
pub(super) fn routes(runner: &Runner, ids: &[i64]) -> Result<Vec<RoutePlan>> {
    let known = runner.routes();
    for id in ids {
        if known.iter().all(|route| route.id.0 != *id) {
            let known = known.iter().map(|route| route.id.to_string()).collect();
            return Err(Error::NoRoute { route: *id, known });
        }
    }
    let is_chosen = |route: &&RoutePlan| ids.is_empty() || ids.contains(&route.id.0);
    Ok(known.iter().filter(is_chosen).cloned().collect())
}

/// The nodes of the given names; all without any.
pub(super) fn nodes(loaded: &Loaded, names: &[String]) -> Result<Vec<NodeId>> {
    if names.is_empty() {
        return Ok(loaded.config.nodes.keys().cloned().collect());
    }
    names.iter().map(|name| node(loaded, name)).collect()
}

/// A node by its name.
pub(super) fn node(loaded: &Loaded, name: &str) -> Result<NodeId> {
    let id = NodeId::from(name);
    if loaded.config.nodes.contains_key(&id) {
        return Ok(id);
    }
    Err(Error::NoNode {
        node: name.to_owned(),
        known: loaded.config.nodes.keys().map(|id| id.0.clone()).collect(),
    })
}

/// Set when the user asks the process to end: SIGINT or SIGTERM. The batch in hand is finished;
/// a second signal ends the process at once.
pub(super) fn stop_on_signal(console: Console) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    tokio::spawn(async move {
        signal().await;
        flag.store(true, Ordering::Relaxed);
        console.note("stopping after the batch in hand; once more to stop at once");
        signal().await;
        std::process::exit(130);
    });
    stop
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

/// A session with a node.
pub(super) async fn connect(loaded: &Loaded, node: &NodeId) -> Result<Box<dyn Session>> {
    let place = &loaded.config.nodes[node];
    let url = place.resolved_url(&loaded.base)?;
    db::connect(&url).await.map_err(|source| Error::Unreachable {
        node: node.clone(),
        brand: place.brand,
        source,
    })
}

/// A session with a node, and the templates of its brand.
pub(super) async fn open(
    context: &Context,
    loaded: &Loaded,
    node: &NodeId,
) -> Result<(Box<dyn Session>, Templates)> {
    let session = connect(loaded, node).await?;
    let templates = context.templates_of(session.brand())?;
    Ok((session, templates))
}
