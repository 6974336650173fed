//! One node that takes part in a rejoin, and what it is asked and told.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Error;
use crate::db::{Mode, Session};
use crate::model::{Change, NodeId, RouteId, Value};
use crate::outbox::{
    self, Claim, Comparison, Cursor, Decision, Epoch, Seen, changes_from_rows, changes_to_json,
    execute, fetch, fetch_one, localise,
};
use crate::render::{Statement, Templates};
use crate::runner::status::paged_statement;
use crate::transport::InboxWriter;

/// A session with a node, with its statements.
pub(in crate::runner) struct Asked {
    pub(in crate::runner) node: NodeId,
    pub(in crate::runner) session: Box<dyn Session>,
    templates: Arc<Templates>,
    pub(in crate::runner) page_rows: usize,
}

/// What a node knows of another one, and of its own outbox.
pub(super) struct Known {
    /// The highest id of the other node.
    pub(super) last_id: i64,
    /// The newest stamp of any node.
    pub(super) stamp: Option<String>,
    /// Where its own outbox begins.
    pub(super) first_outbox_id: Option<i64>,
    /// Where it ends.
    pub(super) last_outbox_id: Option<i64>,
    /// Up to where it has purged what it had of the other node.
    pub(super) purged_id: i64,
    /// The same of its own outbox.
    pub(super) purged_outbox_id: Option<i64>,
}

pub(in crate::runner) type Given<'a> = &'a [(&'static str, Value)];

impl Asked {
    pub(in crate::runner) fn new(
        node: NodeId,
        session: Box<dyn Session>,
        templates: Arc<Templates>,
        page_rows: usize,
    ) -> Self {
        Self { node, session, templates, page_rows }
    }

    pub(in crate::runner) fn statement(&self, name: &str) -> Result<Statement, Error> {
        paged_statement(&self.templates, name, self.page_rows)
    }

    /// Runs a statement, or the several of a template.
    pub(in crate::runner) async fn run(
        &mut self,
        name: &str,
        given: Given<'_>,
    ) -> Result<(), Error> {
        for statement in self.several(name)? {
            let done = execute(&mut *self.session, &statement, given).await;
            done.map_err(|source| self.refused(source))?;
        }
        Ok(())
    }

    fn several(&self, name: &str) -> Result<Vec<Statement>, Error> {
        crate::runner::status::paged_statements(&self.templates, name, self.page_rows)
    }

    pub(in crate::runner) fn refused(&self, source: outbox::Error) -> Error {
        Error::Control { node: self.node.clone(), source }
    }

    pub(in crate::runner) async fn begin(&mut self, mode: Mode) -> Result<(), Error> {
        let done = self.session.begin(mode).await;
        done.map_err(|fault| self.refused(fault.into()))
    }

    pub(in crate::runner) async fn rollback(&mut self) -> Result<(), Error> {
        let done = self.session.rollback().await;
        done.map_err(|fault| self.refused(fault.into()))
    }

    pub(in crate::runner) async fn commit(&mut self) -> Result<(), Error> {
        let done = self.session.commit().await;
        done.map_err(|fault| self.refused(fault.into()))
    }

    /// Whether the database is the node's.
    pub(in crate::runner) async fn check_node(&mut self) -> Result<(), Error> {
        let epoch = self.epoch(0).await?;
        match epoch.node {
            Some(found) if found == self.node.0 => Ok(()),
            found => Err(Error::WrongNode { expected: self.node.clone(), found: Claim(found) }),
        }
    }

    /// Its epoch, with what it has counted for a route.
    pub(in crate::runner) async fn epoch(&mut self, route: i64) -> Result<Epoch, Error> {
        let statement = self.statement("read_epoch")?;
        let given = [("route_id", Value::Integer(route))];
        let row = fetch_one(&mut *self.session, &statement, &given).await;
        row.and_then(|row| Epoch::read(row.as_ref())).map_err(|source| self.refused(source))
    }

    /// How far a route that ends here has come.
    pub(in crate::runner) async fn cursor(&mut self, route: RouteId) -> Result<Cursor, Error> {
        let statement = self.statement("read_program")?;
        let given = [("id", Value::Integer(route.transport_program()))];
        let row = fetch_one(&mut *self.session, &statement, &given).await;
        let row = row.map_err(|source| self.refused(source))?;
        let Some(row) = row else { return Ok(Cursor::default()) };
        let program = route.transport_program();
        let cursor = Cursor::of_program(&row);
        cursor.map_err(|reason| self.refused(outbox::Error::Misplaced { program, reason }))
    }

    /// What it knows of a node.
    pub(super) async fn seen_of(&mut self, node: &NodeId) -> Result<Known, Error> {
        let statement = self.statement("read_seen")?;
        let given = [("node_id", Value::Text(node.0.clone()))];
        let row = fetch_one(&mut *self.session, &statement, &given).await;
        let row = row.map_err(|source| self.refused(source))?;
        let integer = |name: &str| row.as_ref().and_then(|row| row.integer(name));
        let text = |name: &str| row.as_ref().and_then(|row| row.text(name));
        let ids = [integer("inbox_id"), integer("version_id"), integer("purged_id")];
        Ok(Known {
            last_id: ids.into_iter().flatten().max().unwrap_or(0),
            stamp: text("inbox_stamp").max(text("version_stamp")),
            first_outbox_id: integer("first_outbox_id"),
            last_outbox_id: integer("last_outbox_id"),
            purged_id: integer("purged_id").unwrap_or(0),
            purged_outbox_id: integer("purged_outbox_id"),
        })
    }

    pub(super) async fn lock_outbox(&mut self, after: i64) -> Result<(), Error> {
        self.run("lock_outbox", &[("last_id", Value::Integer(after))]).await
    }

    async fn page(&mut self, name: &str, given: Given<'_>) -> Result<Vec<Change>, Error> {
        let statement = self.statement(name)?;
        let rows = fetch(&mut *self.session, &statement, given).await;
        rows.and_then(changes_from_rows).map_err(|source| self.refused(source))
    }

    /// Its own changes above an id, as they would be carried.
    pub(super) async fn hold_outbox(
        &mut self,
        mut after: i64,
        comparison: &mut Comparison,
    ) -> Result<(), Error> {
        loop {
            let page = self.page("read_outbox", &[("last_id", Value::Integer(after))]).await?;
            let Some(last) = page.last().map(|change| change.id) else { return Ok(()) };
            after = last;
            for change in page {
                comparison.hold(change.id, localise(change, &self.node).as_ref());
            }
        }
    }

    /// What it has of another node's changes above an id.
    pub(super) async fn compare(
        &mut self,
        node: &NodeId,
        mut after: i64,
        comparison: &mut Comparison,
    ) -> Result<(), Error> {
        let purged_id = self.seen_of(node).await?.purged_id;
        loop {
            let given =
                [("node_id", Value::Text(node.0.clone())), ("last_id", Value::Integer(after))];
            let page = self.page("read_origin", &given).await?;
            let Some(last) = page.last().and_then(|change| change.source_id) else {
                comparison.leave(purged_id);
                return Ok(());
            };
            after = last;
            for change in page {
                comparison.meet(change);
            }
        }
    }

    /// From now on the node gives ids above what others have seen.
    pub(super) async fn rise_above(&mut self, seen_id: i64) -> Result<(), Error> {
        let node = self.node.clone();
        if self.seen_of(&node).await?.last_outbox_id.is_some_and(|last| last > seen_id) {
            return Ok(());
        }
        self.begin(Mode::Write).await?;
        self.run("raise_outbox_id", &[("last_id", Value::Integer(seen_id + 1))]).await?;
        self.commit().await
    }

    /// Inside the transaction of [`Asked::lock_outbox`], which ends here. The fold begins anew,
    /// since what it has noted was about other ids.
    pub(super) async fn move_ids(&mut self, decision: &Decision) -> Result<(), Error> {
        let last_id = ("last_id", Value::Integer(decision.last_id + 1));
        self.run("raise_outbox_id", &[last_id]).await?;
        if !decision.moved.is_empty() {
            let ids = Value::Text(format!("{:?}", decision.moved));
            let given = [("ids", ids), ("offset", Value::Integer(decision.offset))];
            self.run("move_outbox", &given).await?;
            // Else a moved delete would be news, and take along what came after it.
            let node_id = ("node_id", Value::Text(self.node.0.clone()));
            let [ids, offset] = given;
            self.run("move_versions", &[node_id, ids, offset]).await?;
        }
        self.run("renumber_transactions", &[]).await?;
        self.fold_anew(decision.last_id).await?;
        self.commit().await
    }

    /// Has the node note its changes from the beginning; of those up to `id` it may know what it
    /// notes.
    async fn fold_anew(&mut self, id: i64) -> Result<(), Error> {
        let state = Value::Text(Cursor::of_known(id).state());
        self.run("write_fold_cursor", &[("fold_cursor", state)]).await
    }

    /// What its outbox has of the rows that it lost changes of, from later than those. To be
    /// imported behind them: what a row shows was decided without knowing what was lost.
    pub(super) async fn later_changes(&mut self, lost: &[Change]) -> Result<Vec<Change>, Error> {
        let mut first_ids = BTreeMap::new();
        for change in lost {
            let id = change.source_id.unwrap_or(0);
            let first = first_ids.entry(row_of(change)).or_insert(id);
            *first = id.min(*first);
        }
        let mut later = Vec::new();
        let Some(mut after) = first_ids.values().min().copied() else { return Ok(later) };
        loop {
            let page = self.page("read_outbox", &[("last_id", Value::Integer(after))]).await?;
            let Some(end) = page.last().map(|change| change.id) else { return Ok(later) };
            after = end;
            let is_later =
                |change: &Change| first_ids.get(&row_of(change)).is_some_and(|id| *id < change.id);
            let own = page.into_iter().filter(is_later);
            later.extend(own.filter_map(|change| localise(change, &self.node)));
        }
    }

    /// Changes of its own that it lost, as if they came from elsewhere.
    pub(super) async fn write_inbox(
        &mut self,
        route: RouteId,
        changes: &[Change],
    ) -> Result<(), Error> {
        let writer = InboxWriter::new(&self.templates, self.page_rows)?;
        self.begin(Mode::Write).await?;
        for page in changes.chunks(self.page_rows) {
            let done = writer.write(&mut *self.session, route, page.to_vec()).await;
            done.map_err(|source| self.refused(source))?;
        }
        self.commit().await
    }

    /// Begins the epoch `now`: what was lost is in the outbox again, for those who do not have it
    /// either, and the routes that were asked may go on.
    pub(super) async fn begin_epoch(
        &mut self,
        decision: &Decision,
        now: &Seen,
        asked: &[RouteId],
        (first_id, settled_id): (i64, i64),
        floor: Option<String>,
    ) -> Result<(), Error> {
        self.begin(Mode::Write).await?;
        self.run("raise_outbox_id", &[("last_id", Value::Integer(first_id + 1))]).await?;
        for page in decision.lost.chunks(self.page_rows) {
            let rows = Value::Text(changes_to_json(page));
            self.run("write_outbox", &[("rows", rows)]).await?;
        }
        if !decision.lost.is_empty() {
            // What stands in the outbox again was not made on top of what was imported since.
            self.fold_anew(first_id).await?;
        }
        if let Some(floor) = floor {
            self.run("raise_floor", &[("stamp_floor", Value::Text(floor))]).await?;
        }
        let carried_id = if settled_id == first_id { first_id } else { 0 };
        for route in asked {
            let given = [
                ("route_id", Value::Integer(route.0)),
                ("epoch", Value::Integer(now.epoch)),
                ("step", Value::Integer(0)),
                ("carried_id", Value::Integer(carried_id)),
            ];
            self.run("raise_exchange", &given).await?;
        }
        let given = [
            ("epoch", Value::Integer(now.epoch)),
            ("incarnation", Value::Text(now.incarnation.clone())),
            ("first_id", Value::Integer(first_id)),
            ("settled_id", Value::Integer(settled_id)),
        ];
        self.run("write_epoch", &given).await?;
        self.commit().await
    }
}

/// The row that a change is about.
fn row_of(change: &Change) -> (Option<String>, Option<String>) {
    (change.object_table.clone(), change.object_id.clone())
}
