//! The next page of an inbox, read by a second session and decoded while a batch is imported: the
//! database and this process have something to do at the same time.

use std::collections::VecDeque;

use super::Error;
use super::batch::Importer;
use super::decode::{Incoming, Refusal, decode};
use super::target::Targets;
use crate::db::Session;
use crate::model::{Change, RouteId};
use crate::outbox::{Inbox, Page};

/// A page that was read before its turn. Of one route rows only ever come behind those that are
/// there, so it is what would be read now, less what has arrived since.
#[derive(Debug, Clone)]
pub(super) struct Ahead {
    route: RouteId,
    pointer: i64,
    page: Page,
    decoded: Decoded,
}

/// What [`decode`] says of changes, in the order in which they will be imported.
#[derive(Debug, Clone, Default)]
pub(super) struct Decoded(VecDeque<(i64, Result<Incoming, Refusal>)>);

impl Decoded {
    fn new(targets: &Targets, changes: &[Change]) -> Self {
        Self(changes.iter().map(|change| (change.id, decode(targets, change))).collect())
    }

    /// What it says of a change; one that is not the next is decoded here and now, and so are all
    /// that follow.
    pub(super) fn take(&mut self, targets: &Targets, change: &Change) -> Result<Incoming, Refusal> {
        match self.0.pop_front() {
            Some((id, decoded)) if id == change.id => decoded,
            _ => {
                self.0.clear();
                decode(targets, change)
            }
        }
    }
}

impl Importer {
    /// A page of a route's inbox above `pointer`: the one that was read ahead, if it is that.
    pub(super) async fn next_page(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        pointer: i64,
    ) -> Result<Page, Error> {
        self.decoded = Decoded::default();
        match self.ahead.take() {
            Some(ahead) if (ahead.route, ahead.pointer) == (route, pointer) => {
                self.decoded = ahead.decoded;
                Ok(ahead.page)
            }
            _ => Ok(self.statements.inbox.page(session, route, pointer).await?),
        }
    }
}

/// Reads the page behind `pointer`; none where there is no second session, nothing to read, a
/// change that alone is larger than a page, or the session fails, which the one that imports finds
/// out too where it matters.
pub(super) async fn read_ahead(
    reader: Option<&mut dyn Session>,
    (inbox, targets): (&Inbox, &Targets),
    route: RouteId,
    pointer: Option<i64>,
) -> Option<Ahead> {
    let (reader, pointer) = (reader?, pointer?);
    let page = inbox.page_ahead(reader, route, pointer).await.ok()??;
    let decoded = Decoded::new(targets, &page.changes);
    (!page.changes.is_empty()).then_some(Ahead { route, pointer, page, decoded })
}
