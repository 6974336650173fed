//! What a node is asked and told when it is purged.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDateTime;
use serde_json::{Value as Json, json};

use super::super::rejoin::node::{Asked, Given};
use super::Error;
use crate::db::Mode;
use crate::model::{NodeId, RouteId, Row, Value, stamp};
use crate::outbox::purged::kind;
use crate::outbox::{self, Cursor, Purged, fetch};

/// How stamps are written.
const STAMP: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// How far the two programs of a route have come.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub(super) cursor: Cursor,
    pub(super) transports: bool,
    pub(super) import_pointer: i64,
    pub(super) imports: bool,
}

/// A row of the outbox.
pub(super) struct OutboxRow {
    pub(super) id: i64,
    pub(super) stamp: Option<String>,
    /// The cursors that have not carried it, by their positions.
    pub(super) holders: BTreeSet<usize>,
}

/// A row of the inbox.
#[derive(Debug, Clone)]
pub(super) struct InboxRow {
    pub(super) id: i64,
    pub(super) route: i64,
    pub(super) origin: String,
    pub(super) source_id: i64,
    pub(super) stamp: Option<String>,
    pub(super) is_quarantined: bool,
}

/// A deleted row of an application's table.
#[derive(Debug, Clone)]
pub(super) struct Tombstone {
    pub(super) name: (String, String),
    /// The newest stamp of all that is known of the row.
    pub(super) stamp: String,
}

/// How far back a node's outbox and inbox go.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    pub(super) outbox_stamp: Option<String>,
    pub(super) inbox_stamp: Option<String>,
    /// The highest id of the outbox that there ever was, as far as it is known.
    pub(super) last_id: i64,
}

/// What is written with the deletes that are forgotten.
pub(super) struct Forgetting<'a> {
    /// Nothing that is this old may be known of a row that is forgotten.
    pub(super) before: &'a str,
    /// The highest ids of all origins.
    pub(super) knowing: &'a BTreeMap<String, i64>,
}

impl Asked {
    async fn rows(&mut self, name: &str, given: Given<'_>) -> Result<Vec<Row>, Error> {
        let statement = self.statement(name)?;
        let rows = fetch(&mut *self.session, &statement, given).await;
        rows.map_err(|source| self.refused(source))
    }

    async fn row(&mut self, name: &str, given: Given<'_>) -> Result<Option<Row>, Error> {
        Ok(self.rows(name, given).await?.into_iter().next())
    }

    /// The node's clock.
    pub(super) async fn clock(&mut self) -> Result<NaiveDateTime, Error> {
        let clock = self.epoch(0).await?.clock;
        let time = clock.and_then(|text| NaiveDateTime::parse_from_str(&text, STAMP).ok());
        time.ok_or_else(|| {
            let found = "no clock beside it".to_owned();
            self.refused(outbox::Error::Unreadable { table: "ds_epoch", found })
        })
    }

    pub(super) async fn programs(&mut self, route: RouteId) -> Result<Programs, Error> {
        let mut rows = Vec::new();
        for id in [route.transport_program(), route.import_program()] {
            rows.push(self.row("read_program", &[("id", Value::Integer(id))]).await?);
        }
        let is_active = |row: &Option<Row>| {
            let flag = row.as_ref().and_then(|row| row.text("active_flag"));
            flag.is_none_or(|flag| flag.trim().eq_ignore_ascii_case("Y"))
        };
        let pointer = |row: &Option<Row>| {
            row.as_ref().and_then(|row| row.integer("fromoutboxpointer")).unwrap_or(0)
        };
        let cursor = match &rows[0] {
            Some(row) => self.cursor_of(route, row)?,
            None => Cursor::default(),
        };
        Ok(Programs {
            cursor,
            transports: is_active(&rows[0]),
            import_pointer: pointer(&rows[1]),
            imports: is_active(&rows[1]),
        })
    }

    /// Where a route's transport goes on, by its row.
    fn cursor_of(&self, route: RouteId, row: &Row) -> Result<Cursor, Error> {
        Cursor::of_program(row).map_err(|reason| {
            let program = route.transport_program();
            self.refused(outbox::Error::Misplaced { program, reason })
        })
    }

    /// How far its own changes are noted.
    pub(super) async fn fold_cursor(&mut self) -> Result<Cursor, Error> {
        let state = self.row("purge_fold", &[]).await?.and_then(|row| row.text("fold_cursor"));
        Ok(state.as_deref().map(Cursor::from_state).unwrap_or_default())
    }

    /// The routes that have ever carried from it.
    pub(super) async fn exchanges(&mut self) -> Result<Vec<i64>, Error> {
        let rows = self.rows("purge_exchanges", &[]).await?;
        Ok(rows.iter().filter_map(|row| row.integer("route_id")).collect())
    }

    /// The lowest id that a route has not carried.
    pub(super) async fn pending(&mut self, cursor: &Cursor) -> Result<Option<i64>, Error> {
        let gaps: Json = cursor.gaps.ranges().map(|(first, last)| json!([first, last])).collect();
        let given = [
            ("pointer", Value::Integer(cursor.pointer)),
            ("watermark", cursor.watermark.clone().into()),
            ("carried_to", cursor.carried_to.clone().into()),
            ("gaps", Value::Text(gaps.to_string())),
        ];
        Ok(self.row("purge_pending", &given).await?.and_then(|row| row.integer("first_id")))
    }

    /// The lowest id of each origin among what came on a route and is above an id of the inbox.
    pub(super) async fn waiting(
        &mut self,
        arrived_on: RouteId,
        pointer: i64,
    ) -> Result<Vec<(String, i64)>, Error> {
        let given =
            [("route_id", Value::Integer(arrived_on.0)), ("pointer", Value::Integer(pointer))];
        let rows = self.rows("purge_waiting", &given).await?;
        let first = |row: &Row| Some((row.text("updated_by_server_id")?, row.integer("first_id")?));
        Ok(rows.iter().filter_map(first).collect())
    }

    pub(super) async fn outbox_page(
        &mut self,
        last_id: i64,
        cursors: &[Cursor],
    ) -> Result<Vec<OutboxRow>, Error> {
        let position = |(position, cursor): (usize, &Cursor)| {
            json!({
                "position": position, "pointer": cursor.pointer, "watermark": cursor.watermark,
                "carried_to": cursor.carried_to,
            })
        };
        let list: Json = cursors.iter().enumerate().map(position).collect();
        let given =
            [("last_id", Value::Integer(last_id)), ("cursors", Value::Text(list.to_string()))];
        let rows = self.rows("purge_outbox_page", &given).await?;
        let row = |row: &Row| {
            let id = row.integer("id")?;
            let holders = row.text("holders").unwrap_or_default();
            let late = cursors.iter().enumerate().filter(|(_, cursor)| cursor.gaps.contains(id));
            Some(OutboxRow {
                id,
                stamp: row.text("stamp"),
                holders: holders
                    .split(',')
                    .filter_map(|position| position.parse().ok())
                    .chain(late.map(|(position, _)| position))
                    .collect(),
            })
        };
        Ok(rows.iter().filter_map(row).collect())
    }

    pub(super) async fn inbox_page(&mut self, last_id: i64) -> Result<Vec<InboxRow>, Error> {
        let rows = self.rows("purge_inbox_page", &[("last_id", Value::Integer(last_id))]).await?;
        let row = |row: &Row| {
            Some(InboxRow {
                id: row.integer("id")?,
                route: row.integer("route_id").unwrap_or(0),
                origin: row.text("updated_by_server_id").unwrap_or_default(),
                source_id: row.integer("source_id").unwrap_or(0),
                stamp: row.text("stamp"),
                is_quarantined: row.integer("quarantined_id").is_some(),
            })
        };
        Ok(rows.iter().filter_map(row).collect())
    }

    /// Deletes from the outbox, in a transaction of its own.
    pub(super) async fn purge_outbox(&mut self, ids: &[i64]) -> Result<(), Error> {
        let Some(last_id) = ids.iter().max() else { return Ok(()) };
        self.begin(Mode::Write).await?;
        self.raise(kind::OUTBOX, "", *last_id, None).await?;
        self.run("purge_outbox", &[("ids", Value::Text(format!("{ids:?}")))]).await?;
        self.commit().await
    }

    /// Deletes from the inbox, in a transaction of its own.
    pub(super) async fn purge_inbox(&mut self, rows: &[InboxRow]) -> Result<(), Error> {
        let mut last: BTreeMap<(&str, String), i64> = BTreeMap::new();
        for row in rows {
            for (kind, name, id) in [
                (kind::INBOX, row.route.to_string(), row.id),
                (kind::ORIGIN, row.origin.clone(), row.source_id),
            ] {
                let last = last.entry((kind, name)).or_insert(id);
                *last = id.max(*last);
            }
        }
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        self.begin(Mode::Write).await?;
        for ((kind, name), id) in last {
            self.raise(kind, &name, id, None).await?;
        }
        self.run("purge_inbox", &[("ids", Value::Text(format!("{ids:?}")))]).await?;
        self.commit().await
    }

    async fn raise(
        &mut self,
        kind: &str,
        name: &str,
        purged_id: i64,
        stamp: Option<String>,
    ) -> Result<(), Error> {
        let given = [
            ("kind", kind.into()),
            ("name", name.into()),
            ("purged_id", Value::Integer(purged_id)),
            ("stamp", stamp.into()),
        ];
        self.run("raise_purge", &given).await
    }

    /// What was purged here before.
    pub(super) async fn purges(&mut self) -> Result<Purged, Error> {
        Ok(Purged::read(&self.rows("read_purges", &[]).await?))
    }

    pub(super) async fn reach(&mut self) -> Result<Reach, Error> {
        let purged = self.purges().await?;
        let row = self.row("purge_oldest", &[]).await?;
        let text = |name: &str| row.as_ref().and_then(|row| row.text(name));
        let last_id = row.as_ref().and_then(|row| row.integer("last_id"));
        Ok(Reach {
            outbox_stamp: text("outbox_stamp"),
            inbox_stamp: text("inbox_stamp"),
            last_id: last_id.max(purged.ids.get(&0).copied()).unwrap_or(0),
        })
    }

    pub(super) async fn tombstone_page(
        &mut self,
        after: &(String, String),
        cutoff: &str,
    ) -> Result<Vec<Tombstone>, Error> {
        let given = [
            ("object_table", after.0.clone().into()),
            ("object_id", after.1.clone().into()),
            ("cutoff", cutoff.into()),
        ];
        let rows = self.rows("purge_tombstones", &given).await?;
        let tombstone = |row: &Row| {
            let name = (row.text("object_table")?, row.text("object_id")?);
            Some(Tombstone { name, stamp: row.text("stamp")? })
        };
        Ok(rows.iter().filter_map(tombstone).collect())
    }

    /// Forgets deleted rows, in a transaction of its own; how many. What was noted of a row since
    /// it was looked at keeps it.
    pub(super) async fn forget(
        &mut self,
        rows: &[Tombstone],
        forgetting: &Forgetting<'_>,
    ) -> Result<u64, Error> {
        let names: Vec<_> = rows.iter().map(|row| row.name.clone()).collect();
        let known = self.purges().await?.knowing;
        self.begin(Mode::Write).await?;
        // Versions are written under this lock.
        self.rows("lock_node", &[]).await?;
        let versions = self.rows("read_versions", &[("rows", text_of(&names))]).await?;
        let (names, newest) = forgettable(&versions, forgetting.before);
        if let Some(newest) = newest {
            self.raise(kind::DELETES, "", 0, Some(newest)).await?;
            for (origin, id) in forgetting.knowing {
                self.raise(kind::DELETES, origin, *id, None).await?;
            }
            // Who was not asked may come back, and knows nothing of these.
            for origin in known.keys().filter(|name| !forgetting.knowing.contains_key(*name)) {
                self.raise(kind::DELETES, origin, i64::MAX, None).await?;
            }
            self.run("purge_versions", &[("rows", text_of(&names))]).await?;
        }
        self.commit().await?;
        Ok(names.len() as u64)
    }

    /// Lets a route go on that had not carried what was purged at its source.
    pub(super) async fn admit(&mut self, route: RouteId, purged: &Purged) -> Result<(), Error> {
        let program = ("id", Value::Integer(route.transport_program()));
        self.begin(Mode::Write).await?;
        let row = self.row("lock_program", std::slice::from_ref(&program)).await?;
        let cursor = row.as_ref().map(|row| self.cursor_of(route, row)).transpose()?;
        let cursor = cursor.unwrap_or_default().admitted(&purged.ids);
        let given = [
            program,
            ("pointer", Value::Integer(cursor.pointer)),
            ("cursor_state", Value::Text(cursor.state())),
            ("status", "admitted".into()),
        ];
        self.run("advance_cursor", &given).await?;
        self.commit().await
    }
}

/// Rows that are deleted and of which all is older than a stamp, and the newest stamp of them.
fn forgettable(versions: &[Row], before: &str) -> (Vec<(String, String)>, Option<String>) {
    let mut found: BTreeMap<(String, String), (bool, String)> = BTreeMap::new();
    for row in versions {
        let text = |column: &str| row.text(column).unwrap_or_default();
        let entry = found.entry((text("object_table"), text("object_id"))).or_default();
        let is_row = text("object_attribute").is_empty();
        entry.0 |= is_row && text("object_operation") == "D";
        entry.1 = std::mem::take(&mut entry.1).max(text("update_datetime"));
    }
    found.retain(|_, (is_deleted, newest)| *is_deleted && newest.as_str() < before);
    let newest = found.values().map(|(_, newest)| newest.clone()).max();
    (found.into_keys().collect(), newest)
}

fn text_of(names: &[(String, String)]) -> Value {
    Value::Text(json!(names).to_string())
}

/// A clock or a limit as stamps are written.
pub(super) fn text_of_time(time: NaiveDateTime) -> String {
    time.format(STAMP).to_string()
}

/// Whether a row was certainly written after `cutoff`: its stamp says so. A stamp of the future
/// says nothing.
pub(super) fn is_young(text: Option<&str>, cutoff: &str, now: &str) -> bool {
    let stamp = text.and_then(|text| stamp(text).ok());
    stamp.is_some_and(|stamp| stamp.as_str() > cutoff && stamp.as_str() <= now)
}

/// A node's changes that are on their way on a route, as [`Asked::pending`] tells of them.
pub(super) fn own(node: &NodeId, first_id: Option<i64>) -> Option<(String, i64)> {
    Some((node.0.clone(), first_id?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(id: &str, attribute: &str, operation: &str, stamp: &str) -> Row {
        let names = [
            "object_table",
            "object_id",
            "object_attribute",
            "object_operation",
            "update_datetime",
        ];
        let values = ["t", id, attribute, operation, stamp].map(Value::from);
        Row::new(names.map(str::to_owned).into(), values.to_vec())
    }

    #[test]
    fn only_a_deleted_row_of_which_all_is_old_is_forgotten() {
        let versions = [
            version("gone", "", "D", "3"),
            version("gone", "x", "P", "4"),
            version("again", "", "I", "3"),
            version("parked", "", "D", "1"),
            version("parked", "x", "P", "5"),
            version("never there", "x", "P", "1"),
        ];
        let (names, newest) = forgettable(&versions, "5");
        assert_eq!(names, [("t".to_owned(), "gone".to_owned())]);
        assert_eq!(newest.as_deref(), Some("4"));
    }

    #[test]
    fn a_stamp_of_the_future_tells_no_age() {
        let is_young = |stamp| is_young(Some(stamp), "2025-05-01 00:00:00", "2025-06-01 00:00:00");
        assert!(is_young("2025-05-02 10:00:00"));
        assert!(!is_young("2025-04-30 10:00:00") && !is_young("9999-12-31") && !is_young("soon"));
    }
}
