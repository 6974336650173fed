//! Sessions with the configuration's nodes, and what an installation there needs.

use super::context::{Context, Loaded};
use crate::apply::{self, Statements, Wanted};
use crate::config::Node;
use crate::db::{self, Session};
use crate::dialect::Brand;
use crate::error::{Error, Result};
use crate::model::NodeId;
use crate::outbox;
use crate::plan;
use crate::render::Templates;
use crate::schema::Reading;

/// A node by the name that was typed.
pub(super) fn find<'a>(loaded: &'a Loaded, name: &str) -> Result<(&'a NodeId, &'a Node)> {
    let nodes = &loaded.config.nodes;
    nodes.get_key_value(&NodeId::from(name)).ok_or_else(|| Error::NoNode {
        node: name.to_owned(),
        known: nodes.keys().map(NodeId::to_string).collect(),
    })
}

/// Opens a session with a node.
pub(super) async fn connect(loaded: &Loaded, name: &str) -> Result<Box<dyn Session>> {
    let (id, node) = find(loaded, name)?;
    let url = node.resolved_url(&loaded.base)?;
    db::connect(&url).await.map_err(|source| Error::Unreachable {
        node: id.clone(),
        brand: node.brand,
        source,
    })
}

/// Opens a session with a database that is no node.
pub(super) async fn connect_url(url: &str, brand: Brand) -> Result<Box<dyn Session>> {
    db::connect(url).await.map_err(|source| Error::UnreachableUrl {
        url: Node::new(url.to_owned(), brand).display_url(),
        source,
    })
}

/// Reads the schema of a live database.
pub(super) async fn introspect(
    session: &mut dyn Session,
    templates: &Templates,
) -> Result<Reading, apply::Error> {
    let schema = apply::inspect(session, templates).await?;
    Ok(Reading { schema, skipped: Vec::new() })
}

/// What a node has refused, with its name where the error has none.
pub(super) fn refused(node: &NodeId, brand: Brand, error: apply::Error) -> Error {
    match error {
        apply::Error::Call(outbox::Error::Fault(source)) => {
            Error::Node { node: node.clone(), brand, source }
        }
        error => error.into(),
    }
}

/// A node with a session and its statements.
pub(super) struct Target<'a> {
    pub(super) id: &'a NodeId,
    pub(super) session: Box<dyn Session>,
    pub(super) templates: Templates,
    pub(super) statements: Statements,
}

impl<'a> Target<'a> {
    pub(super) async fn reach(context: &Context, loaded: &'a Loaded, name: &str) -> Result<Self> {
        let (id, node) = find(loaded, name)?;
        let templates = context.templates(node.brand)?;
        let statements = Statements::new(&templates, loaded.config.limits.lock_wait_seconds)?;
        let session = connect(loaded, name).await?;
        Ok(Self { id, session, templates, statements })
    }

    /// What shall be on the node.
    pub(super) async fn wanted(&self, context: &Context, loaded: &'a Loaded) -> Result<Wanted<'a>> {
        let reading = context.read_schema(loaded).await?;
        let plan = plan::plan(&loaded.config, &reading.schema, self.session.brand())?;
        Ok(Wanted::new(&loaded.config, self.id, plan, &self.templates)?)
    }

    /// What the node has refused.
    pub(super) fn refused(&self, error: apply::Error) -> Error {
        refused(self.id, self.session.brand(), error)
    }
}
