//! How far each route is.

use chrono::NaiveDateTime;
use serde::Serialize;

use super::{Error, Runner, SkewState};
use crate::db::Session;
use crate::import::{HALTED, quarantine};
use crate::model::{NodeId, Row, Value};
use crate::outbox::{Cursor, Misplaced, Skew, WindowStatements, fetch_one};
use crate::plan::RoutePlan;
use crate::render::{Statement, Templates};

/// What `status` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Each node, by its id.
    pub nodes: Vec<NodeStatus>,
    /// Each route, by its id.
    pub routes: Vec<RouteStatus>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    /// Its id.
    pub node: NodeId,
    /// Its brand.
    pub brand: String,
    /// Why it cannot be asked, when it cannot.
    pub error: Option<String>,
    /// Changes in its quarantine.
    pub quarantined: usize,
    /// Its clock ahead of this machine's, in milliseconds.
    pub skew_ms: Option<i64>,
    /// The worst state of the routes that begin or end here.
    pub skew: SkewState,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteStatus {
    /// Its id.
    pub route: i64,
    /// The source.
    pub from: NodeId,
    /// The target.
    pub to: NodeId,
    /// Whether `active_flag` lets its transport run.
    pub transports: bool,
    /// Whether `active_flag` lets its import run; of a store, its transport.
    pub imports: bool,
    /// The highest outbox id that was carried.
    pub cursor: i64,
    /// Why its transport does not go on from there, where a person altered its row.
    pub transport_error: Option<String>,
    /// The same for its import.
    pub import_error: Option<String>,
    /// The brand's watermark at the last window.
    pub watermark: Option<String>,
    /// Outbox rows above the cursor; `None` when the source does not answer.
    pub lag_rows: Option<i64>,
    /// Why import does not go on although it may.
    pub halted: Option<String>,
    /// Ids below the cursor that were not there yet.
    pub gaps: usize,
    /// Whether they stay on the list also when nobody can write them any more, since this user
    /// may not see who is at work at the source.
    pub gaps_stay: bool,
    /// Inbox rows that are not imported.
    pub inbox_rows: i64,
    /// The source's clock ahead of the target's, in milliseconds: as both show now or, when one
    /// does not answer, as at the last exchange with changes.
    pub skew_ms: Option<i64>,
    /// How that stands to the limits.
    pub skew: SkewState,
    /// When transport last moved, UTC.
    pub last_transport: Option<String>,
    /// When import last moved, UTC.
    pub last_import: Option<String>,
}

impl Runner {
    /// How far each route is. A node that does not answer is named and its routes are left out,
    /// as far as they cannot be told without it. `now` is this machine's clock, UTC.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub async fn status(&mut self, now: fn() -> NaiveDateTime) -> Result<Status, Error> {
        let mut nodes = Vec::new();
        for node in self.places.keys().cloned().collect::<Vec<_>>() {
            let status = self.node_status(&node, now).await;
            nodes.push(status.unwrap_or_else(|error| self.unreachable(&node, &error)));
        }
        let mut routes = Vec::new();
        for route in self.routes.clone() {
            if let Ok(status) = self.route_status(&route).await {
                routes.push(status);
            }
        }
        for status in &mut routes {
            self.judge_skew(status, &mut nodes);
        }
        Ok(Status { nodes, routes })
    }

    /// Both clocks were compared with this machine's.
    fn judge_skew(&self, route: &mut RouteStatus, nodes: &mut [NodeStatus]) {
        let of = |node: &NodeId| nodes.iter().find(|status| status.node == *node)?.skew_ms;
        let now = of(&route.from).zip(of(&route.to)).map(|(from, to)| from.saturating_sub(to));
        route.skew_ms = now.or(route.skew_ms);
        let skew = Skew { ahead_ms: route.skew_ms.unwrap_or(0), blur_ms: 0 };
        route.skew = SkewState::of(skew, &self.config.limits);
        for node in nodes.iter_mut().filter(|n| n.node == route.from || n.node == route.to) {
            node.skew = node.skew.max(route.skew);
        }
    }

    fn unreachable(&self, node: &NodeId, error: &Error) -> NodeStatus {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
        NodeStatus {
            node: node.clone(),
            brand: self.places[node].brand.to_string(),
            error: Some(format!("{error}{}", cause.unwrap_or_default())),
            quarantined: 0,
            skew_ms: None,
            skew: SkewState::Fine,
        }
    }

    async fn node_status(
        &mut self,
        node: &NodeId,
        now: fn() -> NaiveDateTime,
    ) -> Result<NodeStatus, Error> {
        let mut session = self.session(node).await?;
        let result = self.ask_node(&mut *session, node, now).await;
        self.sessions.insert(node.clone(), session);
        result
    }

    async fn ask_node(
        &self,
        session: &mut dyn Session,
        node: &NodeId,
        now: fn() -> NaiveDateTime,
    ) -> Result<NodeStatus, Error> {
        let templates = self.templates(session.brand())?;
        let control = |source| Error::Control { node: node.clone(), source };
        let identify = statement(&templates, "identify")?;
        let before = now();
        let row = fetch_one(session, &identify, &[]).await.map_err(control)?;
        let after = now();
        let clock = row
            .and_then(|row| row.text("clock"))
            .and_then(|text| NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").ok());
        let middle = before + (after - before) / 2;
        let quarantined = quarantine::list(session, &templates)
            .await
            .map_err(|source| Error::Import { node: node.clone(), source })?
            .len();
        Ok(NodeStatus {
            node: node.clone(),
            brand: session.brand().to_string(),
            error: None,
            quarantined,
            skew_ms: clock.map(|clock| (clock - middle).num_milliseconds()),
            skew: SkewState::Fine,
        })
    }

    async fn route_status(&mut self, route: &RoutePlan) -> Result<RouteStatus, Error> {
        let mut session = self.session(&route.to).await?;
        let result = self.ask_target(&mut *session, route).await;
        self.sessions.insert(route.to.clone(), session);
        let mut status = result?;
        if let Ok(mut session) = self.session(&route.from).await {
            let templates = self.templates(session.brand())?;
            let count = statement(&templates, "count_outbox")?;
            let given = [("pointer", Value::Integer(status.cursor))];
            let row = fetch_one(&mut *session, &count, &given).await;
            status.lag_rows = row.ok().flatten().and_then(|row| row.integer("row_count"));
            if status.gaps > 0 {
                let window = WindowStatements::new(&templates, 1);
                let window =
                    window.map_err(|source| Error::Control { node: route.from.clone(), source })?;
                let may_look = window.may_look(&mut *session).await;
                status.gaps_stay = matches!(may_look, Ok(false));
            }
            self.sessions.insert(route.from.clone(), session);
        }
        Ok(status)
    }

    async fn ask_target(
        &self,
        session: &mut dyn Session,
        route: &RoutePlan,
    ) -> Result<RouteStatus, Error> {
        let templates = self.templates(session.brand())?;
        let control = |source| Error::Control { node: route.to.clone(), source };
        let read = statement(&templates, "read_program")?;
        let mut programs = Vec::new();
        for id in [route.id.transport_program(), route.id.import_program()] {
            let given = [("id", Value::Integer(id))];
            programs.push(fetch_one(session, &read, &given).await.map_err(control)?);
        }
        let import = programs.pop().flatten();
        let transport = programs.pop().flatten();
        let number = |program: &Option<Row>| {
            program.as_ref().and_then(|row| row.integer("fromoutboxpointer")).unwrap_or(0)
        };
        let text =
            |program: &Option<Row>, column: &str| program.as_ref().and_then(|row| row.text(column));
        let is_active = |program: &Option<Row>| {
            text(program, "active_flag").is_some_and(|flag| flag.trim().eq_ignore_ascii_case("Y"))
        };
        let state = text(&transport, "cursor_state");
        let (cursor, misplaced) = position(transport.as_ref());
        let (_, import_misplaced) = position(import.as_ref());
        let count = statement(&templates, "count_inbox")?;
        let given = [
            ("route_id", Value::Integer(route.id.0)),
            ("pointer", Value::Integer(number(&import))),
        ];
        let waiting = fetch_one(session, &count, &given).await.map_err(control)?;
        // What only stores and forwards has no import that could be stopped or late.
        let is_store = self.is_store(&route.to);
        let inbox_rows = waiting.and_then(|row| row.integer("row_count")).unwrap_or(0);
        Ok(RouteStatus {
            route: route.id.0,
            from: route.from.clone(),
            to: route.to.clone(),
            transports: is_active(&transport),
            imports: is_active(if is_store { &transport } else { &import }),
            halted: text(&import, "status")
                .and_then(|status| Some(status.strip_prefix(HALTED)?.to_owned())),
            cursor: number(&transport),
            transport_error: misplaced.map(|reason| reason.to_string()),
            import_error: import_misplaced.map(|reason| reason.to_string()),
            gaps: cursor.gaps.len(),
            gaps_stay: false,
            skew_ms: cursor.skew_ms,
            skew: SkewState::Fine,
            watermark: cursor.watermark,
            lag_rows: None,
            inbox_rows: if is_store { 0 } else { inbox_rows },
            last_transport: state.and(text(&transport, "update_datetime")),
            last_import: text(&import, "status").and(text(&import, "update_datetime")),
        })
    }
}

/// Where a program goes on, or why it does not.
fn position(program: Option<&Row>) -> (Cursor, Option<Misplaced>) {
    match program.map(Cursor::of_program) {
        Some(Ok(cursor)) => (cursor, None),
        Some(Err(reason)) => (Cursor::default(), Some(reason)),
        None => (Cursor::default(), None),
    }
}

fn statement(templates: &Templates, name: &str) -> Result<Statement, Error> {
    paged_statement(templates, name, 0)
}

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
    page_rows: usize,
}

/// A statement of `run/`.
pub(super) fn paged_statement(
    templates: &Templates,
    name: &str,
    page_rows: usize,
) -> Result<Statement, Error> {
    let namespace = templates.brand().dialect().default_namespace.as_deref();
    Ok(templates.statement(&format!("run/{name}"), &Context { namespace, page_rows })?)
}

/// All statements of a template of `run/`.
pub(super) fn paged_statements(
    templates: &Templates,
    name: &str,
    page_rows: usize,
) -> Result<Vec<Statement>, Error> {
    let namespace = templates.brand().dialect().default_namespace.as_deref();
    Ok(templates.statements(&format!("run/{name}"), &Context { namespace, page_rows })?)
}
