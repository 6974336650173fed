//! A person deletes from an outbox what all routes have carried and the node itself has noted.

use std::collections::BTreeSet;

use outrigger::dialect::Brand;
use outrigger::model::Row;
use outrigger::outbox::Cursor;

use crate::schedule::Driver;

impl Driver<'_> {
    /// Deletes; how many rows it were.
    pub(crate) async fn purge(&mut self, node: usize) -> u64 {
        let name = crate::nodes::node_name(node);
        let mut done = self.noted(node).await;
        for route in self.routes.clone().iter().filter(|route| route.from.as_str() == name) {
            let target = self.place_of(route.to.as_str());
            let sql = format!(
                "SELECT source_id AS id FROM ds_change_inbox WHERE updated_by_server_id = '{name}'"
            );
            let arrived = ids(&self.fetch(target, &sql).await);
            done.retain(|id| arrived.contains(id));
        }
        if done.is_empty() {
            return 0;
        }
        let list: Vec<String> = done.iter().map(i64::to_string).collect();
        let sql = format!("DELETE FROM ds_change_outbox WHERE id IN ({})", list.join(", "));
        let mut stage = self.stage.lock().await;
        // SQLite may have another writer.
        match stage.places[node].slots[0].raw(&sql).await {
            Ok(()) => done.len() as u64,
            Err(_) => 0,
        }
    }

    /// The ids that the node's own fold has certainly passed.
    async fn noted(&mut self, node: usize) -> BTreeSet<i64> {
        let state = self.fetch(node, "SELECT fold_cursor FROM ds_node").await;
        let state = state[0].text("fold_cursor").unwrap_or_default();
        let cursor = Cursor::from_state(&state);
        let is_seen = match (self.history.setup.brands[node], &cursor.watermark) {
            (Brand::Postgres, Some(mark)) => {
                format!("pg_visible_in_snapshot(transaction_id::text::xid8, '{mark}'::pg_snapshot)")
            }
            (Brand::Postgres, None) => "false".to_owned(),
            _ => format!("id <= {}", cursor.pointer),
        };
        let sql = format!("SELECT id FROM ds_change_outbox WHERE {is_seen}");
        let mut seen = ids(&self.fetch(node, &sql).await);
        seen.retain(|id| !cursor.gaps.contains(*id));
        seen
    }
}

fn ids(rows: &[Row]) -> BTreeSet<i64> {
    rows.iter().filter_map(|row| row.integer("id")).collect()
}
