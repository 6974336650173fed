//! Changes into an inbox, so that no single one of them can stop the others.

use serde::Serialize;

use super::shared::bytes;
use crate::db::{Fault, FaultKind, Session};
use crate::model::{Change, RouteId, Value};
use crate::outbox::{
    CHANGE_CELLS, Error, LOAD_ROWS, PageSize, SAVEPOINT, change_to_values, changes_to_copy,
    changes_to_json, execute, execute_long, load_rows,
};
use crate::render::{Statement, Templates};

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
    page_rows: usize,
    savepoint: &'static str,
    load_rows: usize,
}

/// How much of row values one statement carries, in bytes.
const STATEMENT_BYTES: usize = 8 << 20;

/// Writes to the inbox of one node, inside an open transaction.
pub struct InboxWriter {
    write_inbox: Statement,
    /// Quicker, while nothing of what it writes is there already; not every brand has it.
    load_inbox: Vec<Statement>,
    savepoint: Statement,
    rollback_to_savepoint: Statement,
    release_savepoint: Statement,
    title: String,
    holds_nul: bool,
}

impl InboxWriter {
    /// A writer for a node of the brand of `target`.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn new(target: &Templates, page_rows: usize) -> Result<Self, Error> {
        let dialect = target.brand().dialect();
        let namespace = dialect.default_namespace.as_deref();
        let context = Context { namespace, page_rows, savepoint: SAVEPOINT, load_rows: LOAD_ROWS };
        let statement = |name: &str| target.statement(&format!("run/{name}"), &context);
        Ok(Self {
            write_inbox: statement("write_inbox")?,
            load_inbox: target.statements("run/load_inbox", &context)?,
            savepoint: statement("savepoint")?,
            rollback_to_savepoint: statement("rollback_to_savepoint")?,
            release_savepoint: statement("release_savepoint")?,
            title: dialect.title.clone(),
            holds_nul: dialect.can.hold_nul,
        })
    }

    /// Writes changes in their order; the number of those that were new.
    ///
    /// A change that the database does not take arrives without its values, with the reason as
    /// its refusal: it is in the target's quarantine then and not the end of the route.
    ///
    /// # Errors
    /// When the database refuses something that is no single change's fault.
    pub async fn write(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        mut changes: Vec<Change>,
    ) -> Result<u64, Error> {
        if !self.holds_nul {
            for change in &mut changes {
                self.replace_nul(change);
            }
        }
        let mut written = 0;
        // A stack, the next piece on top: a refused one comes back as its two halves.
        let mut pieces = pieces(&changes);
        pieces.reverse();
        while let Some(piece) = pieces.pop() {
            match (self.attempt(session, route, piece).await, piece) {
                (Ok(new), _) => written += new,
                (Err(error), _) if !error.fault().is_some_and(is_about_a_row) => return Err(error),
                (Err(error), [change]) => {
                    let bare = [without_values(change, &error)];
                    // When not even this is taken, it was not the change.
                    let done = self.attempt(session, route, &bare).await;
                    written += done.map_err(|_| error)?;
                }
                (Err(_), _) => {
                    let (first, second) = piece.split_at(piece.len() / 2);
                    pieces.extend([second, first]);
                }
            }
        }
        Ok(written)
    }

    async fn attempt(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        changes: &[Change],
    ) -> Result<u64, Error> {
        execute(session, &self.savepoint, &[]).await?;
        let loaded = match self.load(session, route, changes).await {
            Err(fault) if is_about_a_row(&fault) => {
                execute(session, &self.rollback_to_savepoint, &[]).await?;
                0
            }
            loaded => loaded?,
        };
        let done = match &changes[loaded..] {
            [] => Ok(0),
            rest => {
                let given = vec![
                    ("route_id", Value::Integer(route.0)),
                    ("rows", Value::Text(changes_to_json(rest))),
                ];
                execute_long(session, &self.write_inbox, given).await
            }
        };
        let done = done.map(|new| new + loaded as u64);
        let is_about_a_row = |error: &Error| error.fault().is_some_and(is_about_a_row);
        if done.as_ref().is_err_and(is_about_a_row) {
            execute(session, &self.rollback_to_savepoint, &[]).await?;
        }
        if done.as_ref().map_or_else(is_about_a_row, |_| true) {
            execute(session, &self.release_savepoint, &[]).await?;
        }
        done
    }

    /// Writes as many of the first changes as the brand's quick way takes, all of which have to be
    /// new: how many these are.
    async fn load(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        changes: &[Change],
    ) -> Result<usize, Fault> {
        // Of a long value it makes the fewest copies on the way.
        let is_worth_it = || changes.len() >= LOAD_ROWS || is_long(changes);
        let load = self.load_inbox.first().filter(|_| is_worth_it());
        let Some(load) = load else { return Ok(0) };
        if load.parameters.is_empty() {
            session.load(&load.sql, Box::new(changes_to_copy(changes, route))).await?;
            return Ok(changes.len());
        }
        let cells = |change: &Change| change_to_values(change, route).collect();
        load_rows(session, load, (changes, CHANGE_CELLS), cells).await
    }

    /// Texts of a brand that takes U+0000, for one that does not.
    fn replace_nul(&self, change: &mut Change) {
        let mut found = None;
        for (name, text) in change.texts_mut() {
            if let Some(text) = text
                && text.contains('\0')
            {
                *text = text.replace('\0', "\u{FFFD}");
                found = found.or(Some(name));
            }
        }
        if let Some(name) = found {
            let title = &self.title;
            change.refuse(|| format!("`{name}` has the character U+0000, which {title} refuses"));
        }
        if let Some(refusal) = &mut change.refusal {
            *refusal = refusal.replace('\0', "\u{FFFD}");
        }
    }
}

fn is_about_a_row(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Conflict | FaultKind::Rejected)
}

/// Whether they have more bytes than a page may hold.
fn is_long(changes: &[Change]) -> bool {
    bytes(changes) > PageSize::BYTES
}

/// Runs of changes that one statement carries, at least one in each.
fn pieces(changes: &[Change]) -> Vec<&[Change]> {
    let mut pieces = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, change) in changes.iter().enumerate() {
        let size = change.bytes();
        if at > start && bytes + size > STATEMENT_BYTES {
            pieces.push(&changes[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    if start < changes.len() {
        pieces.push(&changes[start..]);
    }
    pieces
}

/// What is left of a change that the database does not take: enough to find it at its origin.
fn without_values(change: &Change, error: &Error) -> Change {
    let mut bare = Change {
        object_table: change.object_table.clone(),
        object_attribute: change.object_attribute.clone(),
        object_id: change.object_id.clone().filter(|id| id.len() <= 1_000),
        object_operation: change.object_operation.clone(),
        updated_by_server_id: change.updated_by_server_id.clone(),
        update_datetime: change.update_datetime.clone(),
        source_id: change.source_id,
        transaction_id: change.transaction_id,
        ..Change::default()
    };
    bare.refuse(|| format!("its values did not get into `ds_change_inbox`: {error}"));
    bare
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Brand;

    #[test]
    fn the_quick_way_takes_a_text_or_each_cell_of_one_row_or_so_many() {
        let cells = change_to_values(&Change::default(), RouteId(1)).count();
        assert_eq!(cells, CHANGE_CELLS);
        for brand in Brand::ALL {
            let writer = InboxWriter::new(&Templates::embedded(brand), 1).unwrap();
            let taken = writer.load_inbox.first().map(|load| load.parameters.len());
            let is_whole = |taken| [0, cells, LOAD_ROWS * cells].contains(&taken);
            assert!(taken.is_none_or(is_whole), "{brand}: {taken:?}");
        }
    }

    #[test]
    fn a_statement_carries_at_least_one_change_and_not_too_much() {
        let change =
            |bytes: usize| Change { object_value: Some("x".repeat(bytes)), ..Change::default() };
        let half = STATEMENT_BYTES / 2;
        let changes = [change(1), change(half), change(half), change(3 * half), change(1)];
        let lengths: Vec<usize> = pieces(&changes).iter().map(|piece| piece.len()).collect();
        assert_eq!(lengths, [2, 1, 1, 1]);
        assert!(pieces(&[]).is_empty());
    }
}
