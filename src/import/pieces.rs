//! A batch piece by piece, and how large a change set may be.

use std::borrow::Cow;

use super::Error;
use super::batch::Importer;
use super::sets::{SetName, set_of};
use crate::db::{Mode, Session};
use crate::model::{Change, Op, RouteId, Row, Value};
use crate::outbox::{Page, execute};

/// What the status of a program begins with whose next change set is too large.
pub const HALTED: &str = "halted: ";

/// Whole change sets of a page; or one set, which may go on behind the page.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) changes: &'a [Change],
    pub(super) may_go_on: bool,
}

impl<'a> From<&'a Page> for Batch<'a> {
    fn from(page: &'a Page) -> Self {
        Self { changes: &page.changes, may_go_on: page.may_go_on }
    }
}

/// A batch as it is read on.
pub(super) struct Pieces<'a> {
    /// What comes next; what goes on behind it is read when it was imported.
    piece: Cow<'a, [Change]>,
    set: (Option<String>, Option<i64>),
    may_go_on: bool,
    is_begun: bool,
    /// The last change that was read.
    pub(super) last: i64,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(batch: Batch<'a>, pointer: i64) -> Self {
        Self::of(Cow::Borrowed(batch.changes), batch.may_go_on, pointer)
    }

    /// The same of a page that is needed no more, which goes as it is imported.
    pub(super) fn taking(page: Page, pointer: i64) -> Self {
        Self::of(Cow::Owned(page.changes), page.may_go_on, pointer)
    }

    fn of(piece: Cow<'a, [Change]>, may_go_on: bool, pointer: i64) -> Self {
        let (origin, set) = piece.last().map(set_of).unwrap_or_default();
        Self {
            set: (origin.map(str::to_owned), set),
            may_go_on,
            is_begun: false,
            last: piece.last().map_or(pointer, |change| change.id),
            piece,
        }
    }
}

impl Importer {
    /// The next piece: at most a page and a change.
    pub(super) async fn next_piece<'a>(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        pieces: &mut Pieces<'a>,
    ) -> Result<Option<Cow<'a, [Change]>>, Error> {
        if std::mem::replace(&mut pieces.is_begun, true) {
            if !pieces.may_go_on {
                return Ok(None);
            }
            let page = self.statements.inbox.page(session, route, pieces.last).await?;
            let (origin, set) = &pieces.set;
            let page = beginning_with(page, &(origin.as_deref(), *set));
            pieces.may_go_on = page.may_go_on;
            pieces.last = page.changes.last().map_or(pieces.last, |change| change.id);
            pieces.piece.to_mut().extend(page.changes);
        }
        let whole = if pieces.may_go_on { whole_units(&pieces.piece) } else { pieces.piece.len() };
        Ok(Some(match std::mem::take(&mut pieces.piece) {
            Cow::Borrowed(piece) => {
                let (piece, rest) = piece.split_at(whole);
                pieces.piece = Cow::Borrowed(rest);
                Cow::Borrowed(piece)
            }
            Cow::Owned(mut piece) => {
                pieces.piece = Cow::Owned(piece.split_off(whole));
                Cow::Owned(piece)
            }
        }))
    }

    /// How many changes more than a batch its last change set has, what is changed here from now
    /// on being stamped after them: they are read inside the transaction, which is too late for
    /// that. Such sets are rare enough to be read twice.
    pub(super) async fn look_ahead(
        &mut self,
        session: &mut dyn Session,
        (route, pointer): (RouteId, i64),
        mut batch: Page,
    ) -> Result<(Page, usize), Error> {
        let Some(change) = batch.changes.last().filter(|_| batch.may_go_on) else {
            return Ok((batch, 0));
        };
        let (origin, set) = set_of(change);
        let origin = origin.map(str::to_owned);
        let mut last = Some(change.id);
        if batch.is_oversize {
            batch.changes.clear();
        }
        let mut rest = 0;
        while let Some(id) = last {
            let page = self.statements.inbox.page(session, route, id).await?;
            let page = beginning_with(page, &(origin.as_deref(), set));
            rest += page.changes.len();
            self.raise_floor(session, &page.changes).await?;
            last = page.changes.last().map(|change| change.id).filter(|_| page.may_go_on);
        }
        if batch.is_oversize {
            batch = self.statements.inbox.page(session, route, pointer).await?;
        }
        Ok((batch, rest))
    }

    /// The batch up to the first change set that is larger than the limit, `rest` being what its
    /// last set has more. It is an error where that set is the next one, and shows in the
    /// program's status.
    pub(super) async fn within_limit(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        program: &Row,
        (mut batch, rest): (Page, usize),
    ) -> Result<Page, Error> {
        let above = first_above(&batch.changes, rest, self.set_rows);
        let Some((at, rows)) = above else { return Ok(batch) };
        if at > 0 {
            batch.changes.truncate(at);
            return Ok(batch);
        }
        let (origin, set) = batch.changes.first().map(set_of).unwrap_or_default();
        let error = Error::SetTooLarge {
            route,
            set: set.unwrap_or_default(),
            origin: origin.unwrap_or_default().to_owned(),
            rows,
            limit: self.set_rows,
        };
        self.halt(session, route, program, &format!("{HALTED}{error}")).await?;
        Err(error)
    }

    /// Lets the program's row say why it does not go on.
    async fn halt(
        &self,
        session: &mut dyn Session,
        route: RouteId,
        program: &Row,
        status: &str,
    ) -> Result<(), Error> {
        if self.is_rehearsing() || program.text("status").as_deref() == Some(status) {
            return Ok(());
        }
        let pointer = program.integer("fromoutboxpointer").unwrap_or(0);
        session.begin(Mode::Write).await?;
        if !self.lock(session, route, pointer).await? {
            session.rollback().await?;
            return Ok(());
        }
        let given = [
            ("id", Value::Integer(route.import_program())),
            ("pointer", Value::Integer(pointer)),
            ("cursor_state", program.text("cursor_state").into()),
            ("status", Value::Text(status.to_owned())),
        ];
        let mut done = execute(session, &self.statements.advance_cursor, &given).await.map(drop);
        if done.is_ok() {
            done = execute(session, &self.statements.leave_import, &[]).await.map(drop);
        }
        if done.is_err() {
            self.abandon(session).await?;
            return Ok(done?);
        }
        session.commit().await?;
        Ok(())
    }
}

/// Where the first change set with more changes than `limit` begins, and how many it has.
fn first_above(batch: &[Change], rest: usize, limit: usize) -> Option<(usize, usize)> {
    let mut at = 0;
    for set in batch.chunk_by(|one, next| set_of(one) == set_of(next)) {
        let is_last = at + set.len() == batch.len();
        let rows = set.len() + if is_last { rest } else { 0 };
        if rows > limit {
            return Some((at, rows));
        }
        at += set.len();
    }
    None
}

/// Where to cut a piece of a change set that goes on behind it: before a delete whose insert may
/// come next.
fn whole_units(piece: &[Change]) -> usize {
    let is_open = piece.last().is_some_and(|change| {
        change.object_operation.as_deref().and_then(Op::from_letter) == Some(Op::Delete)
    });
    piece.len() - usize::from(is_open)
}

/// The changes of a set that a page begins with. The set ends at the first change of another one,
/// also where its name comes again behind that: after a rewind, a window of a brand without
/// transactions is named as an earlier one was.
fn beginning_with(mut page: Page, set: &SetName<'_>) -> Page {
    if let Some(end) = page.changes.iter().position(|change| set_of(change) != *set) {
        page.changes.truncate(end);
        page.may_go_on = false;
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_set_above_the_limit_is_found_with_what_goes_on_behind_the_page() {
        let of = |set: i64| Change { transaction_id: Some(set), ..Change::default() };
        let batch = [of(1), of(2), of(2), of(3)];
        assert_eq!(first_above(&batch, 0, 2), None);
        assert_eq!(first_above(&batch, 0, 1), Some((1, 2)));
        assert_eq!(first_above(&batch, 2, 2), Some((3, 3)));
        assert_eq!(first_above(&batch[1..3], 5, 6), Some((0, 7)));
        assert_eq!(first_above(&[], 0, 1), None);
    }
}
