//! What the two ends of a route have to agree on before anything is carried.

use std::time::Duration;

use super::{Context, Error, at_source, at_target};
use crate::db::{Mode, Session};
use crate::model::{NodeId, Value};
use crate::outbox::{
    self, Claim, Clock, Cursor, Epoch, Purged, Seen, Skew, execute, fetch, fetch_one,
};
use crate::plan::RoutePlan;
use crate::render::{Statement, Templates};

/// The statements about a route's ends.
pub(super) struct Exchange {
    read_epoch: Statement,
    raise: Statement,
    mark_stale: Statement,
    read_purges: Statement,
    identify: Statement,
    /// Beyond this difference of the clocks nothing is carried.
    pub(super) skew_refusal: Option<Duration>,
}

impl Exchange {
    pub(super) fn new(source: &Templates, target: &Templates) -> Result<Self, outbox::Error> {
        let statement = |templates: &Templates, name: &str| {
            let namespace = templates.brand().dialect().default_namespace.as_deref();
            templates.statement(&format!("run/{name}"), &Context { namespace, page_rows: 0 })
        };
        Ok(Self {
            read_epoch: statement(source, "read_epoch")?,
            raise: statement(source, "raise_exchange")?,
            mark_stale: statement(source, "mark_stale")?,
            read_purges: statement(source, "read_purges")?,
            identify: statement(target, "identify")?,
            skew_refusal: None,
        })
    }

    /// Asks both ends who they are and what time it is there.
    pub(super) async fn meet(
        &self,
        route: &RoutePlan,
        from: &mut dyn Session,
        to: &mut dyn Session,
    ) -> Result<(Epoch, Option<Skew>), Error> {
        let clock = Clock::ask();
        let epoch = self.epoch(route, from).await.map_err(|error| at_source(route, error))?;
        let source = clock.answered(epoch.clock.as_deref());
        check_node(&route.from, epoch.node.clone())?;

        let clock = Clock::ask();
        let row =
            fetch_one(to, &self.identify, &[]).await.map_err(|error| at_target(route, error))?;
        let text = |column: &str| row.as_ref().and_then(|row| row.text(column));
        let target = clock.answered(text("clock").as_deref());
        check_node(&route.to, text("node_id"))?;

        let skew = source.zip(target).map(|(source, target)| source.ahead_of(&target));
        self.check_skew(route, skew)?;
        Ok((epoch, skew))
    }

    fn check_skew(&self, route: &RoutePlan, skew: Option<Skew>) -> Result<(), Error> {
        let (Some(skew), Some(limit)) = (skew, self.skew_refusal) else { return Ok(()) };
        if !skew.is_beyond(limit) {
            return Ok(());
        }
        let (ahead, behind) = match skew.ahead_ms {
            0.. => (route.from.clone(), route.to.clone()),
            _ => (route.to.clone(), route.from.clone()),
        };
        let by = Duration::from_millis(skew.ahead_ms.unsigned_abs());
        Err(Error::Skew { ahead, behind, by, limit })
    }

    async fn epoch(
        &self,
        route: &RoutePlan,
        from: &mut dyn Session,
    ) -> Result<Epoch, outbox::Error> {
        let given = [("route_id", Value::Integer(route.id.0))];
        Epoch::read(fetch_one(from, &self.read_epoch, &given).await?.as_ref())
    }

    /// Where the route goes on, if the source is what it knows. What is seen here concerns all
    /// routes of the source, which would carry changes under ids that were taken before: it is
    /// noted there.
    pub(super) async fn resume(
        &self,
        route: &RoutePlan,
        from: &mut dyn Session,
        epoch: &Epoch,
        cursor: &Cursor,
    ) -> Result<Cursor, Error> {
        if let Ok(cursor) = epoch.resume(cursor) {
            return Ok(cursor);
        }
        // Another runner may have carried this route since the source was asked. Now that the
        // route is locked at the target, nobody can.
        let again = self.epoch(route, from).await.map_err(|error| at_source(route, error))?;
        let reason = match again.resume(cursor) {
            Ok(cursor) => return Ok(cursor),
            Err(reason) => reason,
        };
        if reason.is_restored() {
            let given = [
                ("route_id", Value::Integer(route.id.0)),
                ("epoch", Value::Integer(epoch.now.epoch)),
                ("incarnation", Value::Text(epoch.now.incarnation.clone())),
            ];
            let done = execute(from, &self.mark_stale, &given).await;
            done.map_err(|error| at_source(route, error))?;
        }
        Err(Error::Stale { node: route.from.clone(), reason })
    }

    /// Whether the source still has, or once gave to this route, all that its target needs.
    pub(super) async fn check_purges(
        &self,
        route: &RoutePlan,
        from: &mut dyn Session,
        epoch: &Epoch,
        cursor: &Cursor,
    ) -> Result<(), Error> {
        if !epoch.is_purged {
            return Ok(());
        }
        let rows = fetch(from, &self.read_purges, &[]).await;
        let purged = Purged::read(&rows.map_err(|error| at_source(route, error))?);
        let arrived_on = route.forwards_from.iter().map(|route| route.0);
        let stale = |reason| Error::Stale { node: route.from.clone(), reason };
        purged.check(cursor, arrived_on).map_err(stale)
    }

    /// Counts the window that was read, in a commit of the source's own. `from` is in the window's
    /// transaction, which ends here.
    pub(super) async fn count(
        &self,
        route: &RoutePlan,
        from: &mut dyn Session,
        before: &Seen,
        carried_id: i64,
    ) -> Result<Seen, Error> {
        let counted = self.count_inside(route, from, before, carried_id).await;
        let after = counted.map_err(|error| at_source(route, error))?;
        // The source may have been replaced by its backup since the route asked it.
        let least = Seen { exchange: before.exchange + 1, ..before.clone() };
        let stale = |reason| Error::Stale { node: route.from.clone(), reason };
        after.check(&least).map_err(stale)?;
        Ok(after.now)
    }

    async fn count_inside(
        &self,
        route: &RoutePlan,
        from: &mut dyn Session,
        before: &Seen,
        carried_id: i64,
    ) -> Result<Epoch, outbox::Error> {
        from.rollback().await?;
        from.begin(Mode::Write).await?;
        let given = [
            ("route_id", Value::Integer(route.id.0)),
            ("epoch", Value::Integer(before.epoch)),
            ("step", Value::Integer(1)),
            ("carried_id", Value::Integer(carried_id)),
        ];
        execute(from, &self.raise, &given).await?;
        let after = self.epoch(route, from).await?;
        from.commit().await?;
        Ok(after)
    }
}

/// Whether the database behind a node's URL says that it is that node.
fn check_node(expected: &NodeId, found: Option<String>) -> Result<(), Error> {
    match found {
        Some(found) if found == expected.0 => Ok(()),
        found => Err(Error::WrongNode { expected: expected.clone(), found: Claim(found) }),
    }
}
