//! A change that refers to a row which is gone, or claims a value that another row keeps, and later
//! changes of its row that wait behind it and say something else.
//!
//! Each waits for the other. So the refused change is imported with what the later ones say of the
//! row: that is what the row has to show in the end anyway, and they follow by their own versions.

use std::collections::BTreeMap;

use super::Error;
use super::batch::Importer;
use super::collision::{Settlement, document};
use super::decode::{Incoming, decode};
use crate::db::Session;
use crate::model::{Change, Op, Version};
use crate::outbox::fetch;

impl Importer {
    /// The change with the values that its followers in quarantine give its columns; `None` where
    /// they give none, or where one of them deletes the row.
    pub(super) async fn with_followers(
        &self,
        session: &mut dyn Session,
        change: &Change,
        mut incoming: Incoming,
    ) -> Result<Option<Settlement>, Error> {
        let entries = fetch(session, &self.statements.read_quarantine, &[]).await?;
        let follows = |row: &&crate::model::Row| row.integer("waits_for") == Some(change.id);
        let ids = entries.iter().filter(follows).filter_map(|row| row.integer("inbox_id"));
        let mut newest: BTreeMap<String, (Version, Option<String>)> = BTreeMap::new();
        for id in ids.collect::<Vec<_>>() {
            let Some(follower) = self.inbox_row(session, id).await? else { continue };
            let Ok(follower) = decode(&self.targets, &follower) else { continue };
            if follower.row != incoming.row {
                continue;
            }
            if follower.op == Op::Delete {
                return Ok(None);
            }
            for (column, value) in follower.cells {
                let version = &follower.version;
                let is_newer = |(known, _): &(Version, _)| version.supersedes(known);
                if version.supersedes(&incoming.version) && newest.get(&column).is_none_or(is_newer)
                {
                    newest.insert(column, (follower.version.clone(), value));
                }
            }
        }
        newest.retain(|column, _| incoming.cells.contains_key(column));
        if newest.is_empty() {
            return Ok(None);
        }
        incoming.cells.extend(newest.into_iter().map(|(column, (_, value))| (column, value)));
        let mut restated = change.clone();
        restate(&mut restated, &incoming);
        Ok(Some(Settlement::plain(&[restated])))
    }
}

/// The same change with other cells.
pub(super) fn restate(change: &mut Change, incoming: &Incoming) {
    change.object_operation_command = None;
    change.object_operation = Some(incoming.op.letter().to_owned());
    if incoming.op == Op::Insert {
        change.object_value = Some(document(incoming.row_cells().into_iter()));
        return;
    }
    // Any of the cells may stand in front, the others are its context.
    let mut cells = incoming.row_cells();
    let named = change.object_attribute.clone().filter(|name| cells.contains_key(name));
    let Some(name) = named.or_else(|| cells.keys().next().cloned()) else { return };
    change.object_value = cells.remove(&name).flatten();
    change.object_attribute = Some(name);
    change.object_context =
        Some(cells).filter(|rest| !rest.is_empty()).map(|rest| document(rest.into_iter()));
}
