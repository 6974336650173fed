//! One window of an outbox, fetched in pages.

use std::collections::VecDeque;

use serde::Serialize;

use super::call::{execute, fetch, fetch_one};
use super::forget::ForgetStatements;
use super::page::{Listed, PageSize, fitting, is_oversize, listed};
use super::{Cursor, Error, Verdict, changes_from_rows, to_json};
use crate::db::Session;
use crate::model::{Change, Value};
use crate::render::{Statement, Templates};

/// The statements by which a brand's outbox is read.
#[derive(Debug, Clone)]
pub struct WindowStatements {
    open: Vec<Statement>,
    fetch: Statement,
    read: Statement,
    close: Vec<Statement>,
    size: PageSize,
    forget: Option<ForgetStatements>,
    names_transactions: bool,
}

#[derive(Serialize)]
struct PageContext<'a> {
    namespace: Option<&'a str>,
    page_rows: usize,
    is_fold: bool,
}

impl WindowStatements {
    /// Renders the statements, with pages of a size.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn new(templates: &Templates, size: impl Into<PageSize>) -> Result<Self, Error> {
        Self::render(templates, size.into(), false)
    }

    /// The same for the fold, which reads inside a transaction that writes: it may meet a change
    /// again in a later window, but must see whatever committed to the rows that it is about.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn for_fold(templates: &Templates, size: impl Into<PageSize>) -> Result<Self, Error> {
        Self::render(templates, size.into(), true)
    }

    fn render(templates: &Templates, size: PageSize, is_fold: bool) -> Result<Self, Error> {
        let dialect = templates.brand().dialect();
        let namespace = dialect.default_namespace.as_deref();
        let context = PageContext { namespace, page_rows: size.rows, is_fold };
        Ok(Self {
            open: templates.statements("run/window_open", &context)?,
            fetch: templates.statement("run/window_fetch", &context)?,
            read: templates.statement("run/window_read", &context)?,
            close: templates.statements("run/window_close", &context)?,
            size,
            forget: ForgetStatements::new(templates)?,
            names_transactions: dialect.can.name_transactions,
        })
    }
}

impl WindowStatements {
    /// What a cursor can give up of the ids that were missing; nothing is asked where none is. The
    /// session has to be outside of any transaction.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn look(
        &self,
        session: &mut dyn Session,
        cursor: &Cursor,
    ) -> Result<Option<Verdict>, Error> {
        match &self.forget {
            Some(forget) if !cursor.gaps.is_empty() => forget.look(session, cursor).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Whether ids that were not there yet are looked for again.
    #[must_use]
    pub fn tracks_gaps(&self) -> bool {
        self.forget.is_some()
    }

    /// Whether this session may see who is at work, as far as anybody has to know.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn may_look(&self, session: &mut dyn Session) -> Result<bool, Error> {
        match &self.forget {
            Some(forget) => forget.may_look(session).await,
            None => Ok(true),
        }
    }
}

/// An open window. The session has to be inside one [`crate::db::Mode::Read`] transaction from
/// [`Window::open`] to the last page, so that all pages show the same moment; for the fold, inside
/// one [`crate::db::Mode::Write`] transaction.
#[derive(Debug)]
pub struct Window<'a> {
    statements: &'a WindowStatements,
    before: Cursor,
    after: Cursor,
    last_id: i64,
    set_id: Option<i64>,
    /// What comes next, in its order; the list may go on behind that.
    listed: VecDeque<Listed>,
    is_listed: bool,
    is_oversize: bool,
    rows: Value,
}

impl<'a> Window<'a> {
    /// Begins a window at a cursor.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open(
        session: &mut dyn Session,
        statements: &'a WindowStatements,
        cursor: &Cursor,
    ) -> Result<Self, Error> {
        Self::open_about(session, statements, cursor, Value::Null).await
    }

    /// Begins a window of [`WindowStatements::for_fold`]. `rows` is a JSON array of arrays of
    /// `object_table` and `object_id`: the rows, locked by the session, that it is about.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_for_fold(
        session: &mut dyn Session,
        statements: &'a WindowStatements,
        cursor: &Cursor,
        rows: String,
    ) -> Result<Self, Error> {
        Self::open_about(session, statements, cursor, Value::Text(rows)).await
    }

    async fn open_about(
        session: &mut dyn Session,
        statements: &'a WindowStatements,
        cursor: &Cursor,
        rows: Value,
    ) -> Result<Self, Error> {
        let mut window = Self {
            statements,
            before: cursor.clone(),
            after: cursor.clone(),
            last_id: 0,
            set_id: None,
            listed: VecDeque::new(),
            is_listed: false,
            is_oversize: false,
            rows,
        };
        // The first statement says what the new watermark is, the others prepare the pages.
        let mut opening = statements.open.iter();
        if let Some(first) = opening.next() {
            let row = fetch_one(session, first, &window.parameters()).await?;
            window.after.watermark = row.and_then(|row| row.text("watermark"));
            window.after.carried_to = None;
        }
        for statement in opening {
            execute(session, statement, &window.parameters()).await?;
        }
        Ok(window)
    }

    /// The next page; empty when the window is done.
    ///
    /// Rows come in an order in which they can be imported: change set by change set, by the
    /// highest id of each. Where the brand cannot name transactions, the whole window is one set,
    /// named by its first id.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_page(&mut self, session: &mut dyn Session) -> Result<Vec<Change>, Error> {
        let ids = self.next_ids(session).await?;
        let Some(to_id) = ids.last().copied() else { return Ok(Vec::new()) };
        let mut given = self.parameters().to_vec();
        given.push(("ids", Value::Text(to_json(&ids))));
        given.push(("to_id", Value::Integer(to_id)));
        let mut changes = changes_from_rows(fetch(session, &self.statements.read, &given).await?)?;
        if changes.len() < ids.len() {
            // The cursor would pass over what is missing.
            return Err(Error::Unreadable {
                table: "ds_change_outbox",
                found: "fewer changes than a moment ago".to_owned(),
            });
        }
        for change in &mut changes {
            self.last_id = change.id;
            if !self.statements.names_transactions {
                change.transaction_id = Some(*self.set_id.get_or_insert(change.id));
            }
            self.after.carry(change.id, self.statements.tracks_gaps());
        }
        Ok(changes)
    }

    /// The ids of the next page.
    async fn next_ids(&mut self, session: &mut dyn Session) -> Result<Vec<i64>, Error> {
        if self.listed.is_empty() && !self.is_listed {
            let rows = fetch(session, &self.statements.fetch, &self.parameters()).await?;
            self.is_listed = rows.len() < self.statements.size.rows;
            self.listed = listed(&rows, "ds_change_outbox")?.into();
        }
        let size = self.statements.size;
        let next = fitting(self.listed.make_contiguous(), size);
        self.is_oversize = is_oversize(&self.listed.make_contiguous()[..next], size);
        Ok(self.listed.drain(..next).map(|(id, _)| id).collect())
    }

    /// Whether the last page is one change that alone has more bytes than a page may hold: it has
    /// to be gone before the next one is fetched.
    #[must_use]
    pub fn is_oversize(&self) -> bool {
        self.is_oversize
    }

    /// The cursor after the pages that were fetched; valid when the last page was empty.
    #[must_use]
    pub fn cursor(&self) -> &Cursor {
        &self.after
    }

    /// Ends the window inside a transaction that goes on.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn close(&self, session: &mut dyn Session) -> Result<(), Error> {
        for statement in &self.statements.close {
            session.raw(&statement.sql).await?;
        }
        Ok(())
    }

    fn parameters(&self) -> [(&'static str, Value); 8] {
        // What came late has lower ids than what is new, so only the first pages look for it.
        let (ids, ranges) = self.before.gaps.between(self.last_id, self.before.pointer).texts();
        [
            ("pointer", Value::Integer(self.before.pointer)),
            ("watermark", self.before.watermark.clone().into()),
            ("carried_to", self.before.carried_to.clone().into()),
            ("new_watermark", self.after.watermark.clone().into()),
            ("gap_ids", Value::Text(ids)),
            ("gaps", Value::Text(ranges)),
            ("last_id", Value::Integer(self.last_id)),
            ("rows", self.rows.clone()),
        ]
    }
}
