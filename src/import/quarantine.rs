//! What cannot be imported, kept with its reason; the change itself stays in the inbox.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Error;
use super::batch::{Blocked, Importer, Outcome};
use super::careful::Attempt;
use super::collision::Settlement;
use super::decode::{NO_COLUMN, NO_FIT, NO_TABLE, Refusal, decode, row_name};
use super::sets::is_changed_key;
use crate::db::{Mode, Session};
use crate::model::{Change, Op, RouteId, Row, Value};
use crate::outbox::{change_from_row, execute, fetch, fetch_one};
use crate::render::Templates;

/// Longer names of tables and keys are not those of a row.
const ROW_NAME_BYTES: usize = 4_000;

/// How often a change that collides was tried before the collision is settled: once when it came,
/// once after that import; then another transport has carried what might let it in.
const TRIES_BEFORE_SETTLING: i64 = 2;

/// The same while the inbox is never empty.
const TRIES_AT_MOST: i64 = 10;

/// A change on its way into the quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The change, without its values.
    pub(super) change: Change,
    pub(super) row: Option<(String, String)>,
    pub(super) refusal: Refusal,
    pub(super) waits_for: Option<i64>,
}

impl Entry {
    pub(super) fn new(
        change: &Change,
        row: Option<(String, String)>,
        refusal: Refusal,
        waits_for: Option<i64>,
    ) -> Self {
        let change = Change {
            id: change.id,
            updated_by_server_id: change.updated_by_server_id.clone(),
            source_id: change.source_id,
            transaction_id: change.transaction_id,
            object_attribute: change.object_attribute.clone(),
            object_operation: change.object_operation.clone(),
            ..Change::default()
        };
        Self { change, row, refusal, waits_for }
    }
}

/// A change in quarantine, as `quarantine list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// Its row in the inbox, and its number in the commands.
    pub inbox_id: i64,
    /// The route on which it came.
    pub route_id: i64,
    /// Where it was made.
    pub origin: Option<String>,
    /// Its id there.
    pub source_id: Option<i64>,
    /// The table.
    pub object_table: Option<String>,
    /// The key.
    pub object_id: Option<String>,
    /// The column of an update.
    pub object_attribute: Option<String>,
    /// `I`, `U`, `D`.
    pub object_operation: Option<String>,
    /// Stable word for the reason.
    pub reason_code: String,
    /// The reason.
    pub reason: String,
    /// The quarantined change of the same row that has to go first.
    pub waits_for: Option<i64>,
    /// How often it was tried.
    pub attempts: i64,
    /// Since when, UTC.
    pub since: Option<String>,
}

/// Every change in a node's quarantine, in the order of arrival.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    session: &mut dyn Session,
    templates: &Templates,
) -> Result<Vec<Quarantined>, Error> {
    let statement = statement(templates, "run/read_quarantine")?;
    let rows = fetch(session, &statement, &[]).await?;
    Ok(rows.iter().filter_map(quarantined).collect())
}

/// The inbox row of a quarantined change.
///
/// # Errors
/// When the database refuses.
pub async fn change(
    session: &mut dyn Session,
    templates: &Templates,
    inbox_id: i64,
) -> Result<Option<Change>, Error> {
    let statement = statement(templates, "run/read_inbox_row")?;
    let given = [("inbox_id", Value::Integer(inbox_id))];
    let row = fetch_one(session, &statement, &given).await?;
    Ok(row.as_ref().map(change_from_row).transpose()?)
}

/// Marks a change to be tried again by the next import; false if it is not in quarantine.
///
/// # Errors
/// When the database refuses.
pub async fn retry(
    session: &mut dyn Session,
    templates: &Templates,
    inbox_id: i64,
) -> Result<bool, Error> {
    let statement = statement(templates, "run/mark_retry")?;
    let given = [("inbox_id", Value::Integer(inbox_id))];
    Ok(execute(session, &statement, &given).await? > 0)
}

/// Gives a change up: it will never be imported here. False if it is not in quarantine.
///
/// # Errors
/// When the database refuses.
pub async fn drop_change(
    session: &mut dyn Session,
    templates: &Templates,
    inbox_id: i64,
) -> Result<bool, Error> {
    let statement = statement(templates, "run/leave_quarantine")?;
    let given = [("inbox_id", Value::Integer(inbox_id))];
    Ok(execute(session, &statement, &given).await? > 0)
}

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
}

fn statement(templates: &Templates, name: &str) -> Result<crate::render::Statement, Error> {
    let namespace = templates.brand().dialect().default_namespace.as_deref();
    Ok(templates.statement(name, &Context { namespace }).map_err(crate::outbox::Error::from)?)
}

fn quarantined(row: &Row) -> Option<Quarantined> {
    Some(Quarantined {
        inbox_id: row.integer("inbox_id")?,
        route_id: row.integer("route_id")?,
        origin: row.text("updated_by_server_id"),
        source_id: row.integer("source_id"),
        object_table: row.text("object_table"),
        object_id: row.text("object_id"),
        object_attribute: row.text("object_attribute"),
        object_operation: row.text("object_operation"),
        reason_code: row.text("reason_code").unwrap_or_default(),
        reason: row.text("reason").unwrap_or_default(),
        waits_for: row.integer("waits_for"),
        attempts: row.integer("attempts").unwrap_or(1),
        since: row.text("update_datetime"),
    })
}

impl Importer {
    /// Writes an entry, or renews it where the change is in quarantine already.
    pub(super) async fn quarantine(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        entry: &Entry,
    ) -> Result<(), Error> {
        let (object_table, object_id) = entry.row.clone().unzip();
        // Bound as text like NULL is: Postgres knows a prepared parameter by one type only.
        let number = |number: Option<i64>| Value::from(number.map(|number| number.to_string()));
        let given = [
            ("inbox_id", Value::Integer(entry.change.id)),
            ("route_id", Value::Integer(route.0)),
            ("origin", entry.change.updated_by_server_id.clone().into()),
            ("source_id", number(entry.change.source_id)),
            ("object_table", object_table.into()),
            ("object_id", object_id.into()),
            ("object_attribute", entry.change.object_attribute.clone().into()),
            ("object_operation", entry.change.object_operation.clone().into()),
            ("reason_code", entry.refusal.code.into()),
            ("reason", entry.refusal.reason.clone().into()),
            ("waits_for", number(entry.waits_for)),
        ];
        execute(session, &self.statements.write_quarantine, &given).await?;
        self.has_met_no_column |= entry.refusal.code == NO_COLUMN;
        self.awaits_room |= entry.refusal.code == NO_FIT;
        self.report_held(entry);
        Ok(())
    }

    /// The row that a change is about, as the quarantine names it.
    pub(super) fn row_of(&self, change: &Change) -> Option<(String, String)> {
        row_name(&self.targets, change).filter(|(table, key)| {
            let dialect = self.targets.brand.dialect();
            let is_held = |text: &str| dialect.can.hold_nul || !text.contains('\0');
            // What no row's name is would only hold up itself.
            table.len() <= ROW_NAME_BYTES && key.len() <= ROW_NAME_BYTES && is_held(key)
        })
    }

    /// Tries again what a person asked for, what waited for a row it refers to, what waited behind
    /// a change that is gone from the quarantine, and, once with each state of the tables, what
    /// waited for a table, a column or a wider one; the number of changes that got in.
    ///
    /// # Errors
    /// When the database refuses something that is no single change's fault.
    pub async fn retry_quarantined(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
    ) -> Result<Outcome, Error> {
        let mut outcome = Outcome::default();
        // What was kept back as older than the deletes that are forgotten is only here when a
        // person lets it in.
        self.forgotten_stamp = None;
        let are_new = if self.tried_routes.insert(route) { "Y" } else { "N" };
        let given = [("route_id", Value::Integer(route.0)), ("are_tables_new", are_new.into())];
        let mut ripe = None;
        // What was let in may have held up others: again, until nothing more gets in.
        loop {
            let before = outcome.released;
            let retries = fetch(session, &self.statements.read_retries, &given).await?;
            let ripe = match &ripe {
                Some(ripe) => ripe,
                None => ripe.insert(self.ripe(session, &retries).await?),
            };
            let mut done = BTreeSet::new();
            for row in &retries {
                let Some(inbox_id) = row.integer("inbox_id") else { continue };
                if !done.contains(&inbox_id) && !self.still_waits(session, row, inbox_id).await? {
                    let may_settle = ripe.contains(&inbox_id);
                    let released = self.retry_one(session, route, inbox_id, may_settle).await?;
                    outcome.released += released.len() as u64;
                    done.extend(released);
                }
            }
            if outcome.released == before {
                let released = self.retry_circles(session, route, &retries).await?;
                outcome.released += released.len() as u64;
            }
            if outcome.released == before {
                if retries.is_empty() {
                    self.waiting.remove(&route);
                } else {
                    self.waiting.insert(route);
                }
                break;
            }
        }
        Ok(outcome)
    }

    /// The changes whose collisions are settled if they are still refused: those that were tried
    /// before, once nothing is on its way that could let them in. What is always on its way does
    /// not put it off for ever.
    async fn ripe(
        &self,
        session: &mut dyn Session,
        retries: &[Row],
    ) -> Result<BTreeSet<i64>, Error> {
        if retries.is_empty() {
            return Ok(BTreeSet::new());
        }
        let row = fetch_one(session, &self.statements.has_unimported, &[]).await?;
        let is_quiet = row.and_then(|row| row.integer("row_count")) == Some(0);
        let needed = if is_quiet { TRIES_BEFORE_SETTLING } else { TRIES_AT_MOST };
        let is_ripe = |row: &&Row| row.integer("attempts").is_some_and(|tries| tries >= needed);
        Ok(retries.iter().filter(is_ripe).filter_map(|row| row.integer("inbox_id")).collect())
    }

    /// Whether a change that waits for a table, a column or a wider one, and for no person, still
    /// does: then it is not tried, for there may be many, and for ever.
    async fn still_waits(
        &mut self,
        session: &mut dyn Session,
        row: &Row,
        inbox_id: i64,
    ) -> Result<bool, Error> {
        let code = row.text("reason_code").unwrap_or_default();
        let is_asked_for = row.text("is_retried").is_some_and(|flag| flag.trim() == "Y");
        if is_asked_for || ![NO_TABLE, NO_COLUMN, NO_FIT].contains(&code.as_str()) {
            return Ok(false);
        }
        let change = self.inbox_row(session, inbox_id).await?;
        let refusal = change.and_then(|change| decode(&self.targets, &change).err());
        let waits = refusal.is_some_and(|refusal| refusal.code == code);
        self.has_met_no_column |= waits && code == NO_COLUMN;
        self.awaits_room |= waits && code == NO_FIT;
        Ok(waits)
    }

    /// Tries a change again, with the other change of its unit; the ones that got in.
    async fn retry_one(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        inbox_id: i64,
        may_settle: bool,
    ) -> Result<Vec<i64>, Error> {
        let Some(change) = self.inbox_row(session, inbox_id).await? else {
            return Ok(Vec::new());
        };
        let unit = self.unit_of(session, change).await?;
        self.raise_floor(session, &unit).await?;
        loop {
            let has_looked = self.doubts_commits;
            session.begin(Mode::Write).await?;
            let mut done = self.retry_inside(session, route, &unit, may_settle).await;
            if done.is_ok() {
                done = self.commit(session).await.and(done);
            }
            match done {
                Ok(is_in) => {
                    return Ok(unit.iter().filter(|_| is_in).map(|change| change.id).collect());
                }
                Err(error) => {
                    self.abandon(session).await?;
                    // What the commit refused is now refused before it, and stays in quarantine.
                    if has_looked || !self.doubts_commits {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// A change of the inbox.
    pub(super) async fn inbox_row(
        &self,
        session: &mut dyn Session,
        inbox_id: i64,
    ) -> Result<Option<Change>, Error> {
        let given = [("inbox_id", Value::Integer(inbox_id))];
        let row = fetch_one(session, &self.statements.read_inbox_row, &given).await?;
        Ok(row.as_ref().map(change_from_row).transpose()?)
    }

    /// A change in quarantine, or both changes of a key that changed, if both are there.
    async fn unit_of(
        &self,
        session: &mut dyn Session,
        change: Change,
    ) -> Result<Vec<Change>, Error> {
        let op = change.object_operation.as_deref().and_then(Op::from_letter);
        let is_second = op == Some(Op::Insert) && change.object_id_old.is_some();
        if op != Some(Op::Delete) && !is_second {
            return Ok(vec![change]);
        }
        let entries = fetch(session, &self.statements.read_quarantine, &[]).await?;
        let ids = entries.iter().filter_map(|row| row.integer("inbox_id"));
        let next_to_it = if is_second {
            ids.filter(|id| *id < change.id).max()
        } else {
            ids.filter(|id| *id > change.id).min()
        };
        let Some(id) = next_to_it else { return Ok(vec![change]) };
        let Some(other) = self.inbox_row(session, id).await? else { return Ok(vec![change]) };
        Ok(match is_second {
            true if is_changed_key(&other, &change) => vec![other, change],
            false if is_changed_key(&change, &other) => vec![change, other],
            _ => vec![change],
        })
    }

    /// Tries what settles a collision, and what is done where the database refuses that.
    async fn attempt_all(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        mut settlement: Settlement,
        blocked: &Blocked,
    ) -> Result<Attempt, Error> {
        loop {
            let blocked = &mut blocked.clone();
            let attempt = self.attempt_settled(session, route, &settlement, blocked).await?;
            match (attempt, settlement.otherwise.take()) {
                (Attempt::Refused(_), Some(mut other)) => {
                    other.settled = settlement.settled;
                    settlement = *other;
                }
                (attempt, _) => return Ok(attempt),
            }
        }
    }

    async fn retry_inside(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        unit: &[Change],
        may_settle: bool,
    ) -> Result<bool, Error> {
        self.enter(session).await?;
        let mut blocked = self.blocked(session).await?;
        // The changes themselves do not stand in their own way, earlier ones of their rows do.
        for change in unit {
            if let Some(row) = self.row_of(change)
                && blocked.get(&row) == Some(&change.id)
            {
                blocked.remove(&row);
            }
        }
        let mut attempt = self.attempt(session, route, unit, &mut blocked.clone()).await?;
        let mut later = None;
        if let (Attempt::Refused(fault), true) = (&attempt, may_settle || self.is_rehearsing())
            && let Some(settlement) = self.settlement(session, unit, fault).await?
        {
            if may_settle {
                attempt = Box::pin(self.attempt_all(session, route, settlement, &blocked)).await?;
            } else {
                later = Some(settlement);
            }
        }
        let (is_in, fault) = match attempt {
            Attempt::Done(outcome) => (outcome.quarantined == 0, None),
            Attempt::Refused(fault) => (false, Some(fault)),
            Attempt::Lost(fault) => {
                self.abandon(session).await?;
                session.begin(Mode::Write).await?;
                (false, Some(fault))
            }
        };
        if is_in {
            for change in unit {
                let given = [("inbox_id", Value::Integer(change.id))];
                execute(session, &self.statements.leave_quarantine, &given).await?;
            }
        }
        if let Some(fault) = fault {
            for entry in self.held_by_fault(unit, Some(&fault), &mut blocked) {
                self.quarantine(session, route, &entry).await?;
            }
        }
        if let Some(settlement) = &later {
            self.report_settlement(settlement, false);
        }
        self.keep_report();
        execute(session, &self.statements.leave_import, &[]).await?;
        Ok(is_in)
    }
}
