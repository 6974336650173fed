//! The next page of an inbox, read by a second session while a batch is imported: the database and
//! this process have something to do at the same time.

use super::Error;
use super::batch::Importer;
use crate::db::Session;
use crate::model::{Change, RouteId, Value};
use crate::outbox::{changes_from_rows, fetch};
use crate::render::Statement;

/// A page that was read before its turn. Of one route rows only ever come behind those that are
/// there, so it is what would be read now, less what has arrived since.
#[derive(Debug, Clone)]
pub(super) struct Ahead {
    route: RouteId,
    pointer: i64,
    page: Vec<Change>,
}

impl Importer {
    /// A page of a route's inbox above `pointer`: the one that was read ahead, if it is that.
    pub(super) async fn next_page(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
    ) -> Result<Vec<Change>, Error> {
        match self.ahead.take() {
            Some(ahead) if (ahead.route, ahead.pointer) == (route, pointer) => Ok(ahead.page),
            _ => self.page(session, route, pointer).await,
        }
    }
}

/// Reads the page behind `pointer`; none where there is no second session, nothing to read, or
/// the session fails, which the one that imports finds out too where it matters.
pub(super) async fn read_ahead(
    reader: Option<&mut dyn Session>,
    read_inbox: &Statement,
    route: RouteId,
    pointer: Option<i64>,
) -> Option<Ahead> {
    let (reader, pointer) = (reader?, pointer?);
    let given = [("route_id", Value::Integer(route.0)), ("last_id", Value::Integer(pointer))];
    let rows = fetch(reader, read_inbox, &given).await.ok()?;
    let page = changes_from_rows(rows).ok().filter(|page| !page.is_empty())?;
    Some(Ahead { route, pointer, page })
}
