//! What other routes have brought before, of the same rows and by the same origins.
//!
//! Of two changes of one origin the one with the higher id is the newer, and inherits the larger
//! stamp of what it follows: so it has to be decided after that, on every node. Each route brings
//! the changes of an origin in their order, and no inbox has a later one of a row without the
//! earlier one; but where several routes bring them, each has an import program of its own, and
//! one may be ahead of the others. So what has to come first is imported first.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

use super::Error;
use super::batch::{Importer, Progress};
use crate::db::Session;
use crate::model::{Change, NodeId, RouteId, Row, Value};
use crate::outbox::fetch;
use crate::plan::RoutePlan;

/// Which routes of a node wait for others.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns {
    /// Of each route, those that bring changes of the same origins; none where nobody has said.
    shared: Option<BTreeMap<RouteId, BTreeSet<RouteId>>>,
    /// Routes that wait for what others have to import first.
    waiting: BTreeSet<RouteId>,
}

impl Turns {
    /// Whether two routes may bring changes of one origin.
    fn share(&self, route: RouteId, other: RouteId) -> bool {
        let Some(shared) = &self.shared else { return true };
        shared.get(&route).is_some_and(|others| others.contains(&other))
    }

    /// Whether a route shares its origins with no other.
    fn is_alone(&self, route: RouteId) -> bool {
        self.shared.as_ref().is_some_and(|shared| !shared.contains_key(&route))
    }
}

/// Of each route those that bring the same node changes of the same origins.
fn shared(routes: &[RoutePlan]) -> BTreeMap<RouteId, BTreeSet<RouteId>> {
    let mut shared: BTreeMap<RouteId, BTreeSet<RouteId>> = BTreeMap::new();
    for (one, other) in routes.iter().flat_map(|one| routes.iter().map(move |other| (one, other))) {
        let brings = |node: &NodeId| other.from == *node || other.forwards.contains(node);
        let meets = one.to == other.to && one.id != other.id;
        if meets && (brings(&one.from) || one.forwards.iter().any(brings)) {
            shared.entry(one.id).or_default().insert(other.id);
        }
    }
    shared
}

/// The answer of an import that another one waits for.
type Imported<'a> = Pin<Box<dyn Future<Output = Result<Progress, Error>> + Send + 'a>>;

/// The last change of each row by each origin: origin, table and key, and the inbox id.
type LastOf<'a> = BTreeMap<[Option<&'a str>; 3], i64>;

impl Importer {
    /// The same, knowing the routes of all nodes: only those that bring a node changes of one
    /// origin wait for each other.
    #[must_use]
    pub fn with_routes(mut self, routes: &[RoutePlan]) -> Self {
        self.turns.shared = Some(shared(routes));
        self
    }

    /// Imports a batch of another route that has to come before changes of this one; none if there
    /// is none. In a dry run, which explains each route by itself, there never is.
    pub(super) async fn import_earlier(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        changes: &[Change],
    ) -> Result<Option<Progress>, Error> {
        let is_first = self.is_rehearsing() || self.turns.is_alone(route);
        if is_first || !self.turns.waiting.insert(route) {
            return Ok(None);
        }
        let done = Box::pin(self.import_of_others(session, route, changes)).await;
        self.turns.waiting.remove(&route);
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
            if self.turns.waiting.contains(&other)
                || !self.turns.share(route, other)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn route(id: i64, from: &str, to: &str, forwards: &[&str]) -> RoutePlan {
        RoutePlan {
            id: RouteId(id),
            from: NodeId::from(from),
            to: NodeId::from(to),
            forwards: forwards.iter().copied().map(NodeId::from).collect(),
            forwards_from: Vec::new(),
        }
    }

    #[test]
    fn only_routes_that_bring_changes_of_one_origin_wait_for_each_other() {
        let star =
            [route(1, "a", "hub", &[]), route(3, "b", "hub", &[]), route(5, "hub", "a", &["b"])];
        assert!(shared(&star).is_empty());
        // Two ways from `o` to `y`, one of a part of it, and one that has nothing of it.
        let diamond = [
            route(1, "x", "y", &["o"]),
            route(3, "z", "y", &["o"]),
            route(5, "o", "y", &[]),
            route(7, "w", "y", &["v"]),
            route(9, "o", "x", &[]),
        ];
        let found = shared(&diamond);
        let of = |ids: &[i64]| ids.iter().copied().map(RouteId).collect::<BTreeSet<_>>();
        assert_eq!(found.get(&RouteId(1)), Some(&of(&[3, 5])));
        assert_eq!(found.get(&RouteId(5)), Some(&of(&[1, 3])));
        assert_eq!(found.len(), 3);
        let turns = Turns { shared: Some(found), waiting: BTreeSet::new() };
        assert!(turns.share(RouteId(3), RouteId(1)) && !turns.share(RouteId(3), RouteId(7)));
        assert!(turns.is_alone(RouteId(7)) && !turns.is_alone(RouteId(1)));
        assert!(Turns::default().share(RouteId(7), RouteId(1)));
        assert!(!Turns::default().is_alone(RouteId(7)));
    }
}
