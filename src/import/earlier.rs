//! What other routes have brought before, of the same rows and by the same origins.
//!
//! Of two changes of one origin the one with the higher id is the newer, and inherits the larger
//! stamp of what it follows: so it has to be decided after that, on every node. Each route brings
//! the changes of an origin in their order, and no inbox has a later one of a row without the
//! earlier one; but where several routes bring them, each has an import program of its own, and
//! one may be ahead of the others. So what has to come first is imported first.

use std::collections::BTreeMap;
use std::pin::Pin;

use super::Error;
use super::batch::{Importer, Progress};
use crate::db::Session;
use crate::model::{Change, RouteId, Row, Value};
use crate::outbox::fetch;

/// The answer of an import that another one waits for.
type Imported<'a> = Pin<Box<dyn Future<Output = Result<Progress, Error>> + Send + 'a>>;

/// The last change of each row by each origin: origin, table and key, and the inbox id.
type LastOf<'a> = BTreeMap<[Option<&'a str>; 3], i64>;

impl Importer {
    /// Imports a batch of another route that has to come before changes of this one; none if there
    /// is none. In a dry run, which explains each route by itself, there never is.
    pub(super) async fn import_earlier(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        changes: &[Change],
    ) -> Result<Option<Progress>, Error> {
        if self.is_rehearsing() || !self.in_turn.insert(route) {
            return Ok(None);
        }
        let done = Box::pin(self.import_of_others(session, route, changes)).await;
        self.in_turn.remove(&route);
        done
    }

    async fn import_of_others(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        changes: &[Change],
    ) -> Result<Option<Progress>, Error> {
        let Some(last_id) = changes.last().map(|change| change.id) else { return Ok(None) };
        let program = Value::Integer(route.import_program());
        let given = [("id", program), ("last_id", Value::Integer(last_id))];
        let last_of_rows = last_of(changes);
        for row in fetch(session, &self.statements.list_unimported, &given).await? {
            let Some(other) = row.integer("route_id").map(RouteId) else { continue };
            // Who waits for this one is not waited for.
            if self.in_turn.contains(&other)
                || !self.is_earlier(session, &row, last_id, &last_of_rows).await?
            {
                continue;
            }
            match self.import_other(session, other).await {
                Ok(more @ Progress::More(_)) => return Ok(Some(more)),
                // Nor is who does not go on.
                Ok(Progress::Done | Progress::Stopped) | Err(Error::SetTooLarge { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Whether of what a route has to import something comes before changes of another route. Of
    /// more than a page all does.
    async fn is_earlier(
        &self,
        session: &mut dyn Session,
        route: &Row,
        last_id: i64,
        last_of_rows: &LastOf<'_>,
    ) -> Result<bool, Error> {
        let number = |name: &str| Value::Integer(route.integer(name).unwrap_or(0));
        let given = [
            ("route_id", number("route_id")),
            ("pointer", number("pointer")),
            ("last_id", Value::Integer(last_id)),
        ];
        let rows = fetch(session, &self.statements.list_earlier, &given).await?;
        Ok(rows.len() >= self.statements.inbox.size().rows
            || rows.iter().any(|row| comes_before(row, last_of_rows)))
    }

    fn import_other<'a>(
        &'a mut self,
        session: &'a mut dyn Session,
        route: RouteId,
    ) -> Imported<'a> {
        Box::pin(self.import_batch_and_read(session, None, route))
    }
}

fn last_of(changes: &[Change]) -> LastOf<'_> {
    let last = changes.iter().map(|change| {
        let Change { updated_by_server_id, object_table, object_id, .. } = change;
        let name = [updated_by_server_id, object_table, object_id];
        (name.map(Option::as_deref), change.id)
    });
    last.collect()
}

/// Whether a change came before one of the same row by the same origin.
fn comes_before(row: &Row, last: &LastOf<'_>) -> bool {
    let name = ["updated_by_server_id", "object_table", "object_id"].map(|name| row.text(name));
    let last = last.get(&name.each_ref().map(Option::as_deref));
    last.copied() > row.integer("id")
}
