//! Sessions with the configuration's nodes, and what an installation there needs.

use super::context::{Context, Loaded};
use super::live;
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
pub(super) struct Target {
    pub(super) id: NodeId,
    pub(super) session: Box<dyn Session>,
    pub(super) templates: Templates,
    pub(super) statements: Statements,
}

impl Target {
    pub(super) async fn reach(context: &Context, loaded: &Loaded, name: &str) -> Result<Self> {
        let id = live::node(loaded, name)?;
        let templates = context.templates_of(loaded.config.nodes[&id].brand)?;
        let statements = Statements::new(&templates, loaded.config.limits.lock_wait_seconds)?;
        let session = live::connect(loaded, &id).await?;
        Ok(Self { id, session, templates, statements })
    }

    /// What shall be on the node.
    pub(super) async fn wanted<'a>(
        &self,
        context: &Context,
        loaded: &'a Loaded,
    ) -> Result<Wanted<'a>> {
        let reading = context.read_schema(loaded).await?;
        let brand = self.session.brand();
        let plan = plan::plan_node(&loaded.config, &reading.schema, &self.id, brand)?;
        Ok(Wanted::new(&loaded.config, &self.id, plan, &self.templates)?)
    }

    /// What the node has refused.
    pub(super) fn refused(&self, error: apply::Error) -> Error {
        refused(&self.id, self.session.brand(), error)
    }
}
