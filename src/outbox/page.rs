//! Pages: how many changes are in memory at a time, bounded by rows and by bytes.
//!
//! The database first lists the ids of what is next with their sizes, for which it opens no long
//! value; the changes are read of as many as fit.

use std::collections::BTreeSet;

use super::call::fetch;
use super::{Error, changes_from_rows, to_json};
use crate::db::Session;
use crate::model::{Change, RouteId, Row, Value};
use crate::render::{Statement, Templates};

/// How much a page may hold; one change more than fits is none that could be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize {
    /// The most changes.
    pub rows: usize,
    /// The most bytes that the texts of its changes have together, unless one alone has more.
    pub bytes: u64,
}

impl PageSize {
    /// What a page of ordinary changes does not reach: 5,000 have one or two million bytes.
    pub const BYTES: u64 = 4 << 20;
}

impl From<usize> for PageSize {
    /// So many changes, of no more than [`Self::BYTES`].
    fn from(rows: usize) -> Self {
        Self { rows, bytes: Self::BYTES }
    }
}

/// Changes in the order in which they were asked for.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The changes.
    pub changes: Vec<Change>,
    /// Whether there may be more behind them; there is none behind a page that is not full.
    pub may_go_on: bool,
    /// Whether it is one change that alone has more bytes than a page may hold: beside it nothing
    /// else is kept in memory.
    pub is_oversize: bool,
}

/// The id of a change, and the bytes of its texts.
pub(super) type Listed = (i64, u64);

/// What a listing says: its rows have the columns `id` and `bytes`.
pub(super) fn listed(rows: &[Row], table: &'static str) -> Result<Vec<Listed>, Error> {
    let of_row = |row: &Row| {
        let bytes = row.integer("bytes").and_then(|bytes| u64::try_from(bytes).ok());
        let found = row.integer("id").zip(bytes);
        found.ok_or_else(|| Error::Unreadable {
            table,
            found: "a row without a number in `id`, or without a size".to_owned(),
        })
    };
    rows.iter().map(of_row).collect()
}

/// How many of the first are read together: as many as fit, at least one.
pub(super) fn fitting(listed: &[Listed], size: PageSize) -> usize {
    let mut bytes = 0_u64;
    let is_within = |(at, (_, size_of_row)): &(usize, &Listed)| {
        bytes = bytes.saturating_add(*size_of_row);
        *at == 0 || bytes <= size.bytes
    };
    listed.iter().enumerate().take(size.rows).take_while(is_within).count()
}

/// Whether what is read together has more bytes than fit.
pub(super) fn is_oversize(read: &[Listed], size: PageSize) -> bool {
    read.iter().map(|(_, bytes)| bytes).fold(0, |sum: u64, bytes| sum.saturating_add(*bytes))
        > size.bytes
}

/// The statements by which an inbox is read.
#[derive(Debug, Clone)]
pub struct Inbox {
    list: Statement,
    read: Statement,
    arrivals: Statement,
    size: PageSize,
}

#[derive(serde::Serialize)]
struct Reached {
    route_id: i64,
    last_id: i64,
}

#[derive(serde::Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
    page_rows: usize,
}

impl Inbox {
    /// Renders the statements.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn new(templates: &Templates, size: PageSize) -> Result<Self, Error> {
        let namespace = templates.brand().dialect().default_namespace.as_deref();
        let context = Context { namespace, page_rows: size.rows };
        Ok(Self {
            list: templates.statement("run/list_inbox", &context)?,
            read: templates.statement("run/read_inbox", &context)?,
            arrivals: templates.statement("run/list_arrivals", &context)?,
            size,
        })
    }

    /// How much a page holds.
    #[must_use]
    pub fn size(&self) -> PageSize {
        self.size
    }

    /// Of routes, each with the highest inbox id that was carried on, those on which more has come.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn arrivals(
        &self,
        session: &mut dyn Session,
        reached: &[(RouteId, i64)],
    ) -> Result<BTreeSet<RouteId>, Error> {
        let reached: Vec<Reached> = reached
            .iter()
            .map(|(route, last_id)| Reached { route_id: route.0, last_id: *last_id })
            .collect();
        let given = [("inbox", Value::Text(to_json(&reached)))];
        let rows = fetch(session, &self.arrivals, &given).await?;
        Ok(rows.iter().filter_map(|row| row.integer("route_id")).map(RouteId).collect())
    }

    /// A page of a route's changes above an inbox id. Of one route rows only ever come behind
    /// those that are there, so what is listed is what is read.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        last_id: i64,
    ) -> Result<Page, Error> {
        let read = self.page_of(session, (route, last_id), true).await?;
        Ok(read.unwrap_or_default())
    }

    /// The same before its turn, while another page is in memory: none where it is oversize.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page_ahead(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        last_id: i64,
    ) -> Result<Option<Page>, Error> {
        self.page_of(session, (route, last_id), false).await
    }

    async fn page_of(
        &self,
        session: &mut dyn Session,
        (route, last_id): (RouteId, i64),
        takes_oversize: bool,
    ) -> Result<Option<Page>, Error> {
        let given = |to_id: i64| {
            [
                ("route_id", Value::Integer(route.0)),
                ("last_id", Value::Integer(last_id)),
                ("to_id", Value::Integer(to_id)),
            ]
        };
        let rows = fetch(session, &self.list, &given(0)).await?;
        let listed = listed(&rows, "ds_change_inbox")?;
        let fitting = fitting(&listed, self.size);
        let Some((to_id, _)) = fitting.checked_sub(1).and_then(|at| listed.get(at)) else {
            return Ok(Some(Page::default()));
        };
        let is_oversize = is_oversize(&listed[..fitting], self.size);
        if is_oversize && !takes_oversize {
            return Ok(None);
        }
        let changes = changes_from_rows(fetch(session, &self.read, &given(*to_id)).await?)?;
        let may_go_on = fitting < listed.len() || listed.len() >= self.size.rows;
        Ok(Some(Page { changes, may_go_on, is_oversize }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_what_fits_and_at_least_one() {
        let listed = [(1, 10), (2, 10), (3, 100), (4, 1)];
        let fits = |rows, bytes| fitting(&listed, PageSize { rows, bytes });
        assert_eq!(fits(10, 1_000), 4);
        assert_eq!(fits(2, 1_000), 2);
        assert_eq!(fits(10, 20), 2);
        assert_eq!(fits(10, 120), 3);
        assert_eq!(fits(10, 5), 1);
        assert_eq!(fitting(&listed[2..], PageSize { rows: 10, bytes: 5 }), 1);
        assert_eq!(fitting(&[], PageSize { rows: 10, bytes: 5 }), 0);
        assert!(is_oversize(&listed[2..3], PageSize { rows: 10, bytes: 99 }));
        assert!(!is_oversize(&listed[..3], PageSize { rows: 10, bytes: 120 }));
    }
}
