//! What applications do: by the rules of the model where somebody would have to wait, and else as
//! the engine lets them.

use chrono::Utc;
use outrigger::db::Fault;
use outrigger::dialect::Brand;

use crate::database::{KEY, LAST_UPDATE, RowKey, TABLES};
use crate::history::{Act, Application, Place as Where};
use crate::stage::{Open, Stage};

/// All columns outside the key.
const ALL_COLUMNS: usize = 7;

impl Stage {
    /// One act. Who would have to wait for another leaves it.
    pub(crate) async fn application(&mut self, application: Application) {
        let Application { node, slot, mut act } = application;
        if !self.places[node].is_joined {
            return;
        }
        if let Act::End { commits } = act {
            return self.finish(node, slot, commits).await;
        }
        let Some(before) = act.place().copied() else { return };
        let row = row_key(before.table, before.key);
        let new_row = match act {
            Act::Rekey(_, to) => row_key(before.table, to),
            _ => row.clone(),
        };
        if !self.is_free(node, slot, &[&row, &new_row]) {
            return;
        }
        if slot != 0 && !self.places[node].open.contains_key(&slot) {
            let begin = match self.places[node].brand {
                Brand::Sqlite => "BEGIN IMMEDIATE",
                _ => "START TRANSACTION",
            };
            if self.raw(node, slot, begin).await.is_err() {
                return;
            }
            let will_commit = before.will_commit;
            let open = Open { will_commit, rows: Vec::new(), first: u64::MAX, last: 0 };
            self.places[node].open.insert(slot, open);
        }
        match self.write(node, slot, act, before, (&row, &new_row)).await {
            Ok(Some(sql)) => {
                let name = &self.places[node].name;
                let text = format!("  {name} slot {slot}: {sql}");
                self.note(text);
                self.written(node, slot, [row, new_row]);
            }
            Ok(None) => {}
            Err(fault) => {
                self.note(format!("  {node} slot {slot} is refused: {fault}"));
                self.finish(node, slot, false).await;
            }
        }
    }

    /// Whether nobody else of the application has written the rows; on SQLite, anything.
    fn is_free(&self, node: usize, slot: u8, rows: &[&RowKey]) -> bool {
        let place = &self.places[node];
        let mut others = place.open.iter().filter(|(other, _)| **other != slot);
        others.all(|(_, open)| {
            place.brand != Brand::Sqlite && rows.iter().all(|row| !open.rows.contains(row))
        })
    }

    /// Writes; the SQL, if there was something to write.
    async fn write(
        &mut self,
        node: usize,
        slot: u8,
        act: Act,
        place: Where,
        (row, new_row): (&RowKey, &RowKey),
    ) -> Result<Option<String>, Fault> {
        let exists = self.exists(node, slot, row).await?;
        let (table, key) = row;
        let update = |set: String| format!("UPDATE {table} SET {set} WHERE {KEY} = '{key}'");
        let sql = match act {
            Act::Delete(_) if exists => format!("DELETE FROM {table} WHERE {KEY} = '{key}'"),
            // Nothing is unique here that could be swapped, and nothing refers to anything.
            Act::Delete(_) | Act::Swap(..) | Act::Join(..) | Act::Disband(_) | Act::End { .. } => {
                return Ok(None);
            }
            Act::Rekey(..) => {
                if !exists || row == new_row || self.exists(node, slot, new_row).await? {
                    return Ok(None);
                }
                let mut set = vec![format!("{KEY} = '{}'", new_row.1)];
                set.extend(self.values(node, place, place.value % 8));
                update(set.join(", "))
            }
            Act::Update(_, mask) if exists => update(self.values(node, place, mask).join(", ")),
            _ if exists => update(self.values(node, place, ALL_COLUMNS).join(", ")),
            _ => {
                let values = self.values(node, place, ALL_COLUMNS);
                let value = |set: &String| set.split_once(" = ").unwrap().1.to_owned();
                let values: Vec<String> = values.iter().map(value).collect();
                format!("INSERT INTO {table} VALUES ('{key}', {})", values.join(", "))
            }
        };
        let skew = self.places[node].skew;
        if skew > 0 {
            let now = Utc::now().timestamp_micros() + skew;
            let (seconds, micros) = (now / 1_000_000, now % 1_000_000);
            self.raw(node, slot, &format!("SET timestamp = {seconds}.{micros:06}")).await?;
        }
        self.raw(node, slot, &sql).await?;
        Ok(Some(sql))
    }

    async fn exists(&mut self, node: usize, slot: u8, row: &RowKey) -> Result<bool, Fault> {
        let (table, key) = row;
        let sql = format!("SELECT count(*) AS n FROM {table} WHERE {KEY} = '{key}'");
        let session = &mut self.places[node].slots[usize::from(slot)];
        let rows = session.fetch(&sql, &[]).await?;
        Ok(rows[0].integer("n") == Some(1))
    }

    async fn raw(&mut self, node: usize, slot: u8, sql: &str) -> Result<(), Fault> {
        self.places[node].slots[usize::from(slot)].raw(sql).await
    }

    /// `column = value` of the columns whose bits are set.
    fn values(&self, node: usize, place: Where, mask: usize) -> Vec<String> {
        let columns = TABLES[place.table].1.iter().enumerate();
        let set = columns.filter(|(bit, _)| mask >> bit & 1 == 1);
        let value = |column: &str| match place.value % 7 {
            _ if column == LAST_UPDATE => {
                let ago = [0, 50, 1_000_000, 100_000_000][place.value % 4];
                let now = Utc::now().timestamp_micros() + self.places[node].skew - ago;
                let time = chrono::DateTime::from_timestamp_micros(now / 10 * 10 - 3).unwrap();
                format!("'{}'", time.format("%Y-%m-%d %H:%M:%S%.6f"))
            }
            0 => "NULL".to_owned(),
            1 => "'same'".to_owned(),
            _ => format!("'{column}{node}{}'", place.value),
        };
        set.map(|(_, column)| format!("{column} = {}", value(column))).collect()
    }

    /// Takes note of a write.
    fn written(&mut self, node: usize, slot: u8, rows: [RowKey; 2]) {
        let place = &mut self.places[node];
        place.writes += 1;
        let at = place.writes;
        if let Some(open) = place.open.get_mut(&slot) {
            open.rows.extend(rows);
            open.first = open.first.min(at);
            open.last = at;
        } else {
            place.committed = at;
            place.moment += 1;
            self.counts.transactions += 1;
        }
    }

    /// Ends a transaction of the application, if it is open.
    pub(crate) async fn finish(&mut self, node: usize, slot: u8, commits: bool) {
        let Some(open) = self.places[node].open.remove(&slot) else { return };
        let sql = if commits { "COMMIT" } else { "ROLLBACK" };
        let done = self.raw(node, slot, sql).await;
        let name = &self.places[node].name;
        let text = format!("  {name} slot {slot}: {sql}, {done:?}");
        self.note(text);
        if commits && done.is_ok() {
            let place = &mut self.places[node];
            let is_late = open.last > 0 && place.committed > open.first;
            place.committed = place.committed.max(open.last);
            place.moment += 1;
            self.counts.late_commits += u64::from(is_late);
            self.counts.transactions += 1;
            return;
        }
        self.counts.rollbacks += 1;
        if commits && self.raw(node, slot, "ROLLBACK").await.is_err() {
            self.broken.push(format!("{node} slot {slot} could not end its transaction"));
        }
    }
}

fn row_key(table: usize, key: usize) -> RowKey {
    (TABLES[table].0.to_owned(), format!("{KEY}{key}"))
}
