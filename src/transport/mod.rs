//! Carries one route: outbox to inbox.
//!
//! Everything that became visible at the source since the route's cursor is written to the
//! target's inbox in one transaction of the target, together with the new cursor: a crash leaves
//! the cursor where it was, and what is carried again is known by (origin, `source_id`).

mod exchange;
mod shared;
mod write;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use self::exchange::Exchange;
pub use self::shared::Shared;
use self::shared::SharedWindow;
pub use self::write::InboxWriter;
use crate::db::{Fault, Mode, Session};
use crate::model::{Change, NodeId, RouteId, Row, Value};
use crate::outbox::{
    self, Claim, Cursor, Inbox, OWN, Page, PageSize, Seen, Skew, Window, WindowStatements, execute,
    fetch_one, localise,
};
pub use crate::outbox::{Misplaced, Stale};
use crate::plan::RoutePlan;
use crate::render::{Statement, Templates};

/// What stops a route.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source refused.
    #[error("node `{node}` could not be read")]
    Source {
        /// The source.
        node: NodeId,
        /// The cause.
        source: outbox::Error,
    },
    /// The target refused.
    #[error("node `{node}` could not be written")]
    Target {
        /// The target.
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
    /// The source is not as the route knows it.
    #[error("node `{node}` {reason}")]
    Stale {
        /// The source.
        node: NodeId,
        /// Completes the sentence.
        reason: Stale,
    },
    /// The clocks of the two ends differ too much.
    #[error("the clock of node `{ahead}` is {by:?} ahead of node `{behind}`, {limit:?} is allowed")]
    Skew {
        /// The node whose clock shows more.
        ahead: NodeId,
        /// The other one.
        behind: NodeId,
        /// How much more.
        by: Duration,
        /// The limit.
        limit: Duration,
    },
    /// The row of the route's transport program was altered by hand.
    #[error("program {program} on node `{node}` does not go on: {reason}")]
    Misplaced {
        /// The program.
        program: i64,
        /// The target.
        node: NodeId,
        /// Completes the sentence.
        reason: Misplaced,
    },
    /// The route's transport program is not in the target's `ds_program_parameter`.
    #[error("program {program} is not in `ds_program_parameter` of node `{node}`")]
    NoProgram {
        /// The program.
        program: i64,
        /// The target.
        node: NodeId,
    },
    /// The program of that number is another route's, and its pointer another outbox's.
    #[error(
        "program {program} of node `{node}` carries from `{from}` to `{to}`, which is another route"
    )]
    OtherRoute {
        /// The program.
        program: i64,
        /// The target.
        node: NodeId,
        /// Its source, as it says.
        from: String,
        /// Its target, as it says.
        to: String,
    },
}

impl Error {
    /// The database's refusal, if that is what it was.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Source { source, .. } | Self::Target { source, .. } => source.fault(),
            _ => None,
        }
    }
}

/// What one iteration of a route did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Rows that were read at the source.
    pub read: u64,
    /// Of these, rows that were new to the target.
    pub written: u64,
    /// Outbox rows left behind because they name another origin.
    pub foreign: u64,
    /// Whether `active_flag` is `N`: nothing was done.
    pub is_stopped: bool,
    /// How far the source's clock is ahead of the target's, where both told it.
    pub skew: Option<Skew>,
}

/// The statements at one end of a route.
pub struct Transport {
    window: WindowStatements,
    exchange: Exchange,
    inbox: Inbox,
    lock_program: Statement,
    writer: InboxWriter,
    advance_cursor: Statement,
}

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
    page_rows: usize,
}

impl Transport {
    /// The statements of a route between two brands, with pages of a size.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn new(
        source: &Templates,
        target: &Templates,
        size: impl Into<PageSize>,
    ) -> Result<Self, outbox::Error> {
        let size = size.into();
        let page_rows = size.rows;
        let statement = |templates: &Templates, name: &str| {
            let namespace = templates.brand().dialect().default_namespace.as_deref();
            templates.statement(&format!("run/{name}"), &Context { namespace, page_rows })
        };
        Ok(Self {
            window: WindowStatements::new(source, size)?,
            exchange: Exchange::new(source, target)?,
            inbox: Inbox::new(source, size)?,
            lock_program: statement(target, "lock_program")?,
            writer: InboxWriter::new(target, page_rows)?,
            advance_cursor: statement(target, "advance_cursor")?,
        })
    }

    /// The same, refusing to carry when the clocks differ by more than a limit.
    #[must_use]
    pub fn with_skew_refusal(mut self, limit: Option<Duration>) -> Self {
        self.exchange.skew_refusal = limit;
        self
    }

    /// Carries what became visible at the source since the last time. `progress` is told the
    /// number of rows after each page.
    ///
    /// # Errors
    /// When either database refuses; then nothing of this iteration stays at the target.
    pub async fn carry(
        &self,
        route: &RoutePlan,
        from: &mut dyn Session,
        to: &mut dyn Session,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Outcome, Error> {
        self.carry_on(route, from, to, None, progress).await.map(|(outcome, _)| outcome)
    }

    /// As [`Self::carry`], with what other routes from the same node have read, and leave to be
    /// read by others; besides, how far the route is now, also where that is not written down
    /// because nothing was carried. `None` for a program that is stopped.
    ///
    /// # Errors
    /// As [`Self::carry`].
    pub async fn carry_on(
        &self,
        route: &RoutePlan,
        from: &mut dyn Session,
        to: &mut dyn Session,
        shared: Option<&mut Shared>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(Outcome, Option<Cursor>), Error> {
        let result = self.carry_inside(route, from, to, shared, progress).await;
        // The source was only read; a rollback ends the snapshot whatever happened.
        let ended = from.rollback().await;
        match result {
            Ok(carried) => {
                ended.map_err(|fault| at_source(route, fault.into()))?;
                Ok(carried)
            }
            Err(error) => {
                // When the target is gone the rollback fails too; the first error says more.
                let _ = to.rollback().await;
                Err(error)
            }
        }
    }

    async fn carry_inside(
        &self,
        route: &RoutePlan,
        from: &mut dyn Session,
        to: &mut dyn Session,
        shared: Option<&mut Shared>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(Outcome, Option<Cursor>), Error> {
        let (epoch, skew) = self.exchange.meet(route, from, to).await?;
        to.begin(Mode::Write).await.map_err(|fault| at_target(route, fault.into()))?;
        let program = self.lock(route, to).await?;
        let mut outcome = Outcome { skew, ..Outcome::default() };
        if !is_active(&program) {
            to.rollback().await.map_err(|fault| at_target(route, fault.into()))?;
            return Ok((Outcome { is_stopped: true, ..outcome }, None));
        }
        let known = Cursor::of_program(&program);
        let known = known.map_err(|reason| Error::Misplaced {
            program: route.id.transport_program(),
            node: route.to.clone(),
            reason,
        })?;
        let mut cursor = self.exchange.resume(route, from, &epoch, &known).await?;
        self.exchange.check_purges(route, from, &epoch, &known).await?;
        let looked = self.window.look(from, &cursor).await;
        if let Some(verdict) = looked.map_err(|error| at_source(route, error))? {
            cursor.learn(&verdict);
        }

        from.begin(Mode::Read).await.map_err(|fault| at_source(route, fault.into()))?;
        let mut reading =
            Reading { route, seen: &epoch.now, shared, outcome: &mut outcome, progress };
        let mut after = self.own(&mut reading, from, to, &cursor).await?;
        self.forward(&mut reading, from, to, &mut after).await?;
        if outcome.read > 0 {
            let counted = self.exchange.count(route, from, &epoch.now, after.pointer).await?;
            after.source = Some(counted);
            after.skew_ms = skew.map(|skew| skew.ahead_ms);
        }
        if after != known {
            self.advance(route, to, &after, &outcome).await?;
        }
        to.commit().await.map_err(|fault| at_target(route, fault.into()))?;
        Ok((outcome, Some(after)))
    }

    /// Carries a window of the source's own changes; where the cursor is after it.
    async fn own(
        &self,
        reading: &mut Reading<'_>,
        from: &mut dyn Session,
        to: &mut dyn Session,
        cursor: &Cursor,
    ) -> Result<Cursor, Error> {
        let route = reading.route;
        let mut cursor = cursor.clone();
        while let Some(known) = reading.known(&cursor) {
            let after = known.cursor_after(&cursor, self.window.tracks_gaps());
            let (read, own) = (known.ids.len() as u64, known.own.clone());
            reading.outcome.foreign += read - own.len() as u64;
            let written = self.write(route, to, own).await?;
            reading.count(read, written);
            cursor = after;
        }
        let mut window = Window::open(from, &self.window, &cursor)
            .await
            .map_err(|error| at_source(route, error))?;
        let mut page = window.next_page(from).await.map_err(|error| at_source(route, error))?;
        let mut only_page = None;
        let mut pages = 0;
        while !page.is_empty() {
            let ids: Vec<i64> = page.iter().map(|change| change.id).collect();
            let own: Vec<Change> =
                page.into_iter().filter_map(|change| localise(change, &route.from)).collect();
            let read = ids.len() as u64;
            reading.outcome.foreign += read - own.len() as u64;
            pages += 1;
            let is_kept = reading.shared.is_some() && pages == 1 && !window.is_oversize();
            only_page = is_kept.then(|| (ids, own.clone()));
            let (next, written) = if window.is_oversize() {
                // It is alone in memory.
                let written = self.write(route, to, own).await?;
                (window.next_page(from).await, written)
            } else {
                // The source looks for the next page while the target writes this one: two pages
                // are in memory, and what fails at either end is seen before anything is kept.
                let (next, written) =
                    tokio::join!(window.next_page(from), self.write(route, to, own));
                (next, written?)
            };
            reading.count(read, written);
            page = next.map_err(|error| at_source(route, error))?;
        }
        if let (Some(shared), Some(only)) = (&mut reading.shared, only_page) {
            let watermark = window.cursor().watermark.as_deref();
            shared.keep_window(reading.seen, &cursor, watermark, only);
        }
        let mut after = window.cursor().clone();
        if pages == 0 {
            // A watermark of which the source keeps no trace could be one of a future that a
            // backup of it does not have; and routes that have carried the same stay equally far,
            // so that one can take what another has read. What it would have spared is little.
            after.watermark.clone_from(&cursor.watermark);
        }
        Ok(after)
    }

    /// Carries on what reached the source from nodes that the target has no route from.
    async fn forward(
        &self,
        reading: &mut Reading<'_>,
        from: &mut dyn Session,
        to: &mut dyn Session,
        cursor: &mut Cursor,
    ) -> Result<(), Error> {
        let route = reading.route;
        let reached = |cursor: &Cursor, arrived_on: &RouteId| {
            cursor.forwards.get(&arrived_on.0).copied().unwrap_or(0)
        };
        let mut arrived: BTreeSet<RouteId> = route.forwards_from.iter().copied().collect();
        if arrived.len() > 1 {
            // A hub of many would be asked once for each of them, by each of them.
            let all: Vec<_> =
                arrived.iter().map(|route| (*route, reached(cursor, route))).collect();
            let found = self.inbox.arrivals(from, &all).await;
            arrived = found.map_err(|error| at_source(route, error))?;
        }
        for arrived_on in route.forwards_from.iter().filter(|route| arrived.contains(route)) {
            loop {
                let last_id = reached(cursor, arrived_on);
                let known = reading.known_page(cursor, *arrived_on, last_id);
                let page = if let Some(known) = known {
                    // More may have arrived since.
                    Page { changes: known.changes.clone(), may_go_on: true, is_oversize: false }
                } else {
                    let page = self.inbox.page(from, *arrived_on, last_id).await;
                    let page = page.map_err(|error| at_source(route, error))?;
                    if let Some(shared) = &mut reading.shared {
                        shared.keep_page(*arrived_on, last_id, &page);
                    }
                    page
                };
                let Page { changes, may_go_on, .. } = page;
                let Some(last) = changes.last().map(|change| change.id) else { break };
                let read = changes.len() as u64;
                let carried: Vec<Change> =
                    changes.into_iter().filter(|change| is_forwarded(route, change)).collect();
                let written = self.write(route, to, carried).await?;
                cursor.forwards.insert(arrived_on.0, last);
                reading.count(read, written);
                if !may_go_on {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn lock(&self, route: &RoutePlan, to: &mut dyn Session) -> Result<Row, Error> {
        let program = route.id.transport_program();
        let given = [("id", Value::Integer(program))];
        let row = fetch_one(to, &self.lock_program, &given).await;
        let row = row.map_err(|error| at_target(route, error))?;
        let row = row.ok_or_else(|| Error::NoProgram { program, node: route.to.clone() })?;
        // Another tool than `apply` may have left the names out.
        let name = |column: &str, node: &NodeId| row.text(column).unwrap_or_else(|| node.0.clone());
        let ends = (name("fromserver", &route.from), name("toserver", &route.to));
        if (ends.0.as_str(), ends.1.as_str()) == (route.from.as_str(), route.to.as_str()) {
            return Ok(row);
        }
        let (from, to) = ends;
        Err(Error::OtherRoute { program, node: route.to.clone(), from, to })
    }

    async fn write(
        &self,
        route: &RoutePlan,
        to: &mut dyn Session,
        changes: Vec<Change>,
    ) -> Result<u64, Error> {
        let done = self.writer.write(to, route.id, changes).await;
        done.map_err(|error| at_target(route, error))
    }

    async fn advance(
        &self,
        route: &RoutePlan,
        to: &mut dyn Session,
        cursor: &Cursor,
        outcome: &Outcome,
    ) -> Result<(), Error> {
        let given = [
            ("id", Value::Integer(route.id.transport_program())),
            ("pointer", Value::Integer(cursor.pointer)),
            ("cursor_state", Value::Text(cursor.state())),
            ("status", Value::Text(format!("carried {}", outcome.read))),
        ];
        let done = execute(to, &self.advance_cursor, &given).await;
        done.map(|_| ()).map_err(|error| at_target(route, error))
    }
}

/// One iteration of a route: what it has read so far, and where it reads.
struct Reading<'a> {
    route: &'a RoutePlan,
    /// The life of the source.
    seen: &'a Seen,
    shared: Option<&'a mut Shared>,
    outcome: &'a mut Outcome,
    progress: &'a mut (dyn FnMut(u64) + Send),
}

impl Reading<'_> {
    /// What another route has read from where this one is. What this one has carried before, the
    /// source may have purged since, for no other route has still to carry it: then it must not
    /// come again.
    fn known(&self, cursor: &Cursor) -> Option<&SharedWindow> {
        self.shared_ahead(cursor, OWN)?.window(self.seen, cursor)
    }

    /// The same of what arrived on a route.
    fn known_page(&self, cursor: &Cursor, arrived_on: RouteId, last_id: i64) -> Option<&Page> {
        self.shared_ahead(cursor, arrived_on.0)?.page(arrived_on, last_id)
    }

    fn shared_ahead(&self, cursor: &Cursor, place: i64) -> Option<&Shared> {
        self.shared.as_deref().filter(|_| !cursor.is_set_back(place))
    }

    /// Counts a page that was read and written.
    fn count(&mut self, read: u64, written: u64) {
        self.outcome.read += read;
        self.outcome.written += written;
        (self.progress)(self.outcome.read);
    }
}

fn is_forwarded(route: &RoutePlan, change: &Change) -> bool {
    change
        .updated_by_server_id
        .as_deref()
        .is_some_and(|origin| route.forwards.iter().any(|known| known.as_str() == origin))
}

fn is_active(program: &Row) -> bool {
    program.text("active_flag").is_some_and(|flag| flag.trim().eq_ignore_ascii_case("Y"))
}

fn at_source(route: &RoutePlan, source: outbox::Error) -> Error {
    Error::Source { node: route.from.clone(), source }
}

fn at_target(route: &RoutePlan, source: outbox::Error) -> Error {
    Error::Target { node: route.to.clone(), source }
}
