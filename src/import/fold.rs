//! What this node changed itself is noted before anything foreign is decided.

use std::collections::BTreeSet;

use super::batch::Importer;
use super::decide::note_local;
use super::decode::{Incoming, RowId, decode_own};
use super::overtaken::{self, Overtaken};
use super::settle::Rows;
use super::target::Targets;
use super::{Error, versions};
use crate::db::Session;
use crate::model::{Change, Op, Value};
use crate::outbox::{Cursor, Window, execute, fetch_one, localise};

/// What folds have come upon: the rows to be looked at are for [`Importer::settle`].
#[derive(Debug, Default)]
pub(super) struct Folded {
    /// Every row that this node changed since the last fold.
    pub(super) changed: BTreeSet<RowId>,
    /// The rows whose table may not show what is known of them, with their keys.
    pub(super) doubtful: Rows,
    /// What this node changed on top of an import, with an older stamp.
    pub(super) overtaken: Overtaken,
}

impl Importer {
    /// Reads this node's own outbox from where the last fold ended and notes the version of every
    /// change in `ds_change_version`. It has a cursor like a route's, so that a change that
    /// committed late is folded when it comes. Of `locked`, whose changes have all committed, it
    /// misses none. What it comes upon is added to `folded`.
    pub(super) async fn fold(
        &mut self,
        session: &mut dyn Session,
        locked: &BTreeSet<RowId>,
        folded: &mut Folded,
    ) -> Result<(), Error> {
        let mut contested = BTreeSet::new();
        let node = fetch_one(session, &self.statements.lock_node, &[]).await?;
        let state = node.and_then(|row| row.text("fold_cursor"));
        let mut cursor = state.as_deref().map(Cursor::from_state).unwrap_or_default();
        let before = cursor.clone();
        // A fold that begins anew, after a rejoin, comes upon what was there before the imports.
        let known_id = before.known_id();
        let sees_floor = self.targets.brand.dialect().can.see_new_floor;
        if let Some(verdict) = &self.verdict {
            cursor.learn(verdict);
        }
        let mut is_moved = cursor != before;
        self.fold_cursor = Some(before);
        let rows = versions::row_names(&self.targets, locked);
        let mut window =
            Window::open_for_fold(session, &self.statements.window, &cursor, rows).await?;
        loop {
            let page = window.next_page(session).await?;
            if page.is_empty() {
                break;
            }
            is_moved = true;
            let local: Vec<_> = page
                .into_iter()
                .filter_map(|change| localise(change, &self.node))
                .filter_map(|change| local_change(&self.targets, &change))
                .collect();
            let rows: BTreeSet<RowId> = local.iter().map(|change| change.row.clone()).collect();
            let read = &self.statements.read_versions;
            let mut states = versions::load(session, read, &self.targets, &rows).await?;
            for change in &local {
                let Some(state) = states.get_mut(&change.row) else { continue };
                if state.is_by_another_than(&self.node) {
                    contested.insert(change.row.clone());
                }
                note_local(state, change);
                if contested.contains(&change.row) && state.may_differ() {
                    folded.doubtful.insert(change.row.clone(), change.key.clone());
                }
                if !sees_floor && change.version.source_id > known_id {
                    overtaken::note(&mut folded.overtaken, state, change, &self.node);
                }
            }
            self.statements.versions.save(session, &self.targets, states).await?;
            folded.changed.extend(rows);
        }
        window.close(session).await?;
        if is_moved {
            let given = [("fold_cursor", Value::Text(window.cursor().state()))];
            execute(session, &self.statements.write_fold_cursor, &given).await?;
        }
        Ok(())
    }

    /// Finds out which of the ids that the last fold was missing nobody can write any more; outside
    /// of any transaction. What is found holds for later folds too, whoever moved their cursor.
    pub(super) async fn look_at_gaps(&mut self, session: &mut dyn Session) -> Result<(), Error> {
        if let Some(cursor) = &self.fold_cursor {
            self.verdict = self.statements.window.look(session, cursor).await?;
        }
        Ok(())
    }
}

/// A change of this node's, with the values of the row that it deleted.
fn local_change(targets: &Targets, change: &Change) -> Option<Incoming> {
    let mut local = decode_own(targets, change).ok()?;
    if local.op == Op::Delete {
        local.cells.clone_from(&local.old_cells);
    }
    Some(local)
}
