//! The runner's statements, one by one.

use std::sync::{Arc, MutexGuard, OnceLock};

use outrigger::db::Fault;
use outrigger::dialect::Brand;
use outrigger::model::{Change, Op, Row, Value};
use outrigger::outbox::Gaps;
use serde_json::Value as Json;

use crate::brand::Marks;
use crate::database::{
    Cells, Database, EPOCH, Held, Holder, KEY, Program, RowKey, Undo, change, is_record, name,
};
use crate::history::Switch;
use crate::session::{ModelSession, duplicate};
use crate::world::World;

type Guard<'a> = MutexGuard<'a, World>;
type Answer = Result<Vec<Row>, Fault>;

impl ModelSession {
    pub(crate) fn answer(&mut self, world: &mut Guard<'_>, sql: &str, values: &[Value]) -> Answer {
        let mut words = sql.split(' ');
        let statement = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
        match statement {
            "lock_rows" | "insert_rows" | "update_rows" | "delete_rows" | "read_cells" => {
                return self.rows_statement(world, statement, &words, values);
            }
            "window_mark" | "window_fill" | "window_fetch" | "window_read" => {
                return Ok(self.window_statement(world, statement, &words, values));
            }
            "enter_import" => self.is_importing = true,
            "leave_import" => self.is_importing = false,
            "lock_outbox" => self.lock_outbox(world)?,
            "savepoint" => {
                self.savepoint = world.nodes[self.node].runner.as_ref().map_or(0, Vec::len);
            }
            "rollback_to_savepoint" => world.nodes[self.node].undo(self.savepoint),
            "check_deferred" => self.check_deferred(world)?,
            "release_savepoint" | "window_close" => {}
            _ => return Ok(self.control_statement(world, statement, &words, values)),
        }
        Ok(Vec::new())
    }

    fn control_statement(
        &mut self,
        world: &mut Guard<'_>,
        statement: &str,
        words: &[&str],
        values: &[Value],
    ) -> Vec<Row> {
        let node = &mut world.nodes[self.node];
        let number = |at: usize| integer(&values[at]).unwrap_or_default();
        match statement {
            "identify" => return vec![row(&[("node_id", node.id.as_str().into())])],
            "lock_node" => return vec![row(&[("fold_cursor", node.fold.clone().into())])],
            "read_program" | "lock_program" => {
                let program = &node.programs[&number(0)];
                return vec![row(&[
                    ("node_id", node.id.as_str().into()),
                    ("active_flag", "Y".into()),
                    ("fromoutboxpointer", program.pointer.into()),
                    ("cursor_state", program.state.clone().into()),
                ])];
            }
            "list_inbox" | "read_inbox" => {
                let is_list = statement == "list_inbox";
                let rows = node.inbox.range(number(1) + 1..).map(|(_, entry)| entry);
                let of_route = rows.filter(|(route, _)| *route == number(0)).map(|(_, c)| c);
                if is_list {
                    return of_route.take(page_rows(words[0])).map(listed_row).collect();
                }
                return of_route.take_while(|c| c.id <= number(2)).map(change_row).collect();
            }
            "list_unimported" => return node.unimported(number(0), number(1)),
            "list_earlier" => {
                let rows = node.earlier(number(0), number(1), number(2));
                return rows.into_iter().take(page_rows(words[0])).collect();
            }
            "list_arrivals" => {
                let has_more = |asked: &Json| {
                    let (route, last) = (asked["route_id"].as_i64()?, asked["last_id"].as_i64()?);
                    let mut above = node.inbox.range(last + 1..).map(|(_, (known, _))| *known);
                    above.any(|known| known == route).then(|| row(&[("route_id", route.into())]))
                };
                return json(&values[0]).iter().filter_map(has_more).collect();
            }
            "read_inbox_row" => {
                let found = node.inbox.get(&number(0));
                return found.map(|(_, change)| change_row(change)).into_iter().collect();
            }
            "read_writers" => {
                return vec![row(&[
                    ("is_certain", 1.into()),
                    ("writers", format!("{:?}", node.writers()).into()),
                ])];
            }
            "read_written" => {
                let written = node.written(&gaps(&values[0], &values[1]));
                let ids =
                    written.into_iter().map(|id| [("first_id", id.into()), ("last_id", id.into())]);
                return ids.map(|ids| row(&ids)).collect();
            }
            "read_versions" => return self.read_versions(world, &values[0]),
            "write_versions" => self.write_versions(world, &values[0]),
            "write_inbox" => return self.write_inbox(world, number(0), &values[1]),
            "advance_cursor" => {
                let program = Program { pointer: number(1), state: text(&values[2]) };
                let before = node.programs.insert(number(0), program).unwrap_or_default();
                if !node.lacks(Switch::CursorCommit) {
                    self.keep(world, Undo::Program(number(0), before));
                }
            }
            "raise_floor" => {
                let floor = text(&values[0]).unwrap_or_else(|| EPOCH.to_owned());
                if floor > node.floor && !node.lacks(Switch::Floor) {
                    node.floor = floor;
                }
            }
            "write_fold_cursor" => {
                let before = std::mem::replace(&mut node.fold, text(&values[0]));
                self.keep(world, Undo::Fold(before));
            }
            _ => return self.restore_statement(world, statement, words, values),
        }
        Vec::new()
    }

    pub(crate) fn quarantine_statement(
        &mut self,
        world: &mut Guard<'_>,
        statement: &str,
        values: &[Value],
    ) -> Vec<Row> {
        let node = &mut world.nodes[self.node];
        let number = |at: usize| integer(&values[at]).unwrap_or_default();
        let held = |(id, held): (&i64, &Held)| {
            let (table, key) = held.row.clone().unzip();
            row(&[
                ("inbox_id", (*id).into()),
                ("object_table", table.into()),
                ("object_id", key.into()),
                ("reason_code", held.code.clone().into()),
                ("attempts", held.attempts.into()),
                ("waits_for", held.waits_for.into()),
            ])
        };
        match statement {
            "read_quarantine" => return node.quarantine.iter().map(held).collect(),
            "read_quarantined" => {
                let mut first = std::collections::BTreeMap::new();
                let is_first = |entry: &Held| {
                    let other = entry.waits_for.and_then(|id| node.quarantine.get(&id));
                    let is_first = other.is_none_or(|other| other.row != entry.row);
                    entry.row.is_some() && (is_first || node.lacks(Switch::FirstOfRow))
                };
                for (id, entry) in node.quarantine.iter().filter(|(_, entry)| is_first(entry)) {
                    first.entry(entry.row.clone()).or_insert((id, entry));
                }
                return first.into_values().map(held).collect();
            }
            "write_quarantine" => {
                let entry = Held {
                    route: number(1),
                    row: text(&values[2]).zip(text(&values[3])),
                    code: text(&values[4]).unwrap_or_default(),
                    reason: text(&values[5]).unwrap_or_default(),
                    attempts: 1 + node.quarantine.get(&number(0)).map_or(0, |held| held.attempts),
                    waits_for: text(&values[6]).and_then(|text| text.parse().ok()),
                };
                let id = node.id.clone();
                let before = node.quarantine.insert(number(0), entry.clone());
                self.keep(world, Undo::Held(number(0), before));
                world.note(|| format!("    {id} quarantines {}: {entry:?}", number(0)));
            }
            "leave_quarantine" => {
                let before = node.quarantine.remove(&number(0));
                self.keep(world, Undo::Held(number(0), before));
            }
            "read_retries" => {
                let is_due = |entry: &Held| {
                    entry.route == number(0)
                        && (entry.code == "missing_reference"
                            || entry.code == "conflict" && entry.attempts <= 10
                            || entry.code == "waits"
                                && !entry
                                    .waits_for
                                    .is_some_and(|id| node.quarantine.contains_key(&id)))
                };
                return node.quarantine.iter().filter(|(_, e)| is_due(e)).map(held).collect();
            }
            "write_conflicts" if node.lacks(Switch::Listed) => {}
            "write_conflicts" => {
                for conflict in json(&values[0]) {
                    world.nodes[self.node].conflicts.push(conflict);
                    self.keep(world, Undo::Conflict);
                }
            }
            "write_own_change" if node.lacks(told_by(values)) => {}
            "write_own_change" => self.write_own_change(world, values),
            "has_unimported" => {
                let count = i64::try_from(node.unimported(0, i64::MAX).len()).unwrap();
                return vec![row(&[("row_count", count.into())])];
            }
            // Whether two changes knew of each other is no part of the model.
            "read_old_values" => {}
            other => panic!("the model does not know `{other}`"),
        }
        Vec::new()
    }

    fn window_statement(
        &mut self,
        world: &mut Guard<'_>,
        statement: &str,
        words: &[&str],
        values: &[Value],
    ) -> Vec<Row> {
        let node = &world.nodes[self.node];
        if statement == "window_read" {
            let ids = json(&values[0]);
            let ids = ids.iter().filter_map(Json::as_i64);
            return ids.map(|id| change_row(&node.outbox[&id].change)).collect();
        }
        let is_fold = words[0] == "true";
        // Without a snapshot of the transaction's each statement sees what is committed.
        let view = self.view.clone().unwrap_or_else(|| node.view());
        if is_fold && node.lacks(Switch::Fold) {
            return Vec::new();
        }
        let pointer =
            if statement == "window_fetch" { 0 } else { integer(&values[0]).unwrap_or(0) };
        match statement {
            "window_mark" => {
                let mark = node.watermark(is_fold, &view, text(&values[1]).as_deref());
                return vec![row(&[("watermark", mark.into())])];
            }
            "window_fill" => {
                let marks = Marks {
                    old: text(&values[1]),
                    new: text(&values[2]),
                    carried_to: text(&values[3]),
                    rows: text(&values[4])
                        .map(|rows| serde_json::from_str(&rows).unwrap())
                        .unwrap_or_default(),
                };
                self.window = node.fill(is_fold, &view, pointer, &marks);
                return Vec::new();
            }
            _ => {}
        }
        let page_rows = page_rows(words[1]);
        let last_id = integer(&values[3]).unwrap_or(0);
        let ids = match node.brand {
            Brand::Postgres => {
                let rest = self.window.split_off(page_rows.min(self.window.len()));
                std::mem::replace(&mut self.window, rest)
            }
            Brand::SqlServer => {
                let at = self.window.iter().position(|id| *id == last_id).map_or(0, |at| at + 1);
                self.window[at..].iter().copied().take(page_rows).collect()
            }
            Brand::Mysql | Brand::Sqlite => {
                let pointer = integer(&values[0]).unwrap_or(0);
                node.plain_page(&view, pointer, &gaps(&values[1], &values[2]), last_id, page_rows)
            }
        };
        ids.iter().filter_map(|id| Some(listed_row(&node.outbox.get(id)?.change))).collect()
    }

    fn rows_statement(
        &mut self,
        world: &mut Guard<'_>,
        statement: &str,
        words: &[&str],
        values: &[Value],
    ) -> Answer {
        let table = words[0];
        let rows = texts(&values[0]);
        let key =
            |cells: &[Option<String>]| (table.to_owned(), cells[0].clone().unwrap_or_default());
        let columns = words.get(1).unwrap_or(&"").split(',').filter(|name| !name.is_empty());
        let columns: Vec<&str> = columns.collect();
        let by = words.get(2).unwrap_or(&"").split(',').filter(|name| !name.is_empty());
        let by: Vec<&str> = by.collect();
        let mut found = Vec::new();
        for (position, cells) in rows.iter().enumerate() {
            if statement == "read_cells" && by != [KEY] {
                let node = &world.nodes[self.node];
                found.extend(node.find(table, (&by, cells), &columns, position));
                continue;
            }
            let row_key = key(cells);
            let position = i64::try_from(position).unwrap();
            match statement {
                "lock_rows" => {
                    if self.lock_row(world, &row_key, self.brand == Brand::Mysql)? {
                        found.push(row(&[("position", position.into())]));
                    }
                }
                "read_cells" => {
                    let Some(known) = world.nodes[self.node].rows.get(&row_key) else { continue };
                    let mut answer = vec![("position".to_owned(), Value::from(position))];
                    for (at, column) in columns.iter().enumerate() {
                        answer.push((format!("c{}", at + 1), known[*column].clone().into()));
                    }
                    let (names, values): (Vec<String>, Vec<Value>) = answer.into_iter().unzip();
                    found.push(Row::new(names.into(), values));
                }
                "insert_rows" => {
                    if self.lock_row(world, &row_key, true)? {
                        return Err(duplicate());
                    }
                    let new = named(&columns, cells);
                    self.check(world, &row_key, None, (&row_key, Some(&new)))?;
                    self.put(world, (&row_key, None), (&row_key, Some(new)));
                }
                "delete_rows" => {
                    if !self.lock_row(world, &row_key, self.brand == Brand::Mysql)? {
                        continue;
                    }
                    let old = world.nodes[self.node].rows.get(&row_key).cloned();
                    if old.is_some() {
                        self.check(world, &row_key, old.as_ref(), (&row_key, None))?;
                        for child in world.nodes[self.node].cascade(&row_key) {
                            let cells = world.nodes[self.node].rows.get(&child).cloned();
                            self.put(world, (&child, cells), (&child, None));
                        }
                        self.put(world, (&row_key, old), (&row_key, None));
                    }
                }
                _ => {
                    if !self.lock_row(world, &row_key, self.brand == Brand::Mysql)? {
                        continue;
                    }
                    let Some(old) = world.nodes[self.node].rows.get(&row_key).cloned() else {
                        continue;
                    };
                    let set = named(&columns, &cells[1..]);
                    let new_key = match columns.iter().position(|column| *column == KEY) {
                        Some(at) => (table.to_owned(), cells[1 + at].clone().unwrap_or_default()),
                        None => row_key.clone(),
                    };
                    if new_key != row_key && self.lock_row(world, &new_key, true)? {
                        return Err(duplicate());
                    }
                    let mut new = old.clone();
                    new.extend(set);
                    self.check(world, &row_key, Some(&old), (&new_key, Some(&new)))?;
                    self.put(world, (&row_key, Some(old)), (&new_key, Some(new)));
                }
            }
        }
        Ok(found)
    }

    /// A row changes; where the triggers do not know an import, they capture it.
    fn put(
        &mut self,
        world: &mut Guard<'_>,
        (row, old): (&RowKey, Option<Cells>),
        (new_row, new): (&RowKey, Option<Cells>),
    ) {
        let now = world.now;
        let node = &mut world.nodes[self.node];
        let mut undo = Vec::new();
        if !self.is_importing || node.lacks(Switch::Marker) {
            node.last_transaction += 1;
            let before = old.as_ref().map(|cells| (row, cells));
            let after = new.as_ref().map(|cells| (new_row, cells));
            let ids = node.capture(node.last_transaction, now, before, after);
            undo.extend(ids.into_iter().map(Undo::Outbox));
        }
        let id = node.id.clone();
        if row != new_row {
            undo.push(Undo::Row(row.clone(), node.put(row, None)));
        }
        undo.push(Undo::Row(new_row.clone(), node.put(new_row, new.clone())));
        node.locks.insert(row.clone(), Holder::Runner);
        node.locks.insert(new_row.clone(), Holder::Runner);
        for entry in undo {
            self.keep(world, entry);
        }
        world.note(|| format!("    {id} imports {row:?} -> {new_row:?} {new:?}"));
    }

    fn write_own_change(&self, world: &mut Guard<'_>, values: &[Value]) {
        let node = &mut world.nodes[self.node];
        let value = |at: usize| text(&values[at]);
        let op = value(2).and_then(|letter| Op::from_letter(&letter)).unwrap();
        let mut told = change(&(value(0).unwrap(), value(1).unwrap()), op);
        (told.object_attribute, told.object_value) = (value(3), value(4));
        told.object_value_old = value(5);
        told.object_context = value(7);
        let transaction = node.runner_transaction();
        let id = node.append(transaction, &value(6).unwrap(), told);
        self.keep(world, Undo::Told(id, told_by(values) == Switch::Told));
        let told = &world.nodes[self.node].outbox[&id].change;
        let text = format!("    {} tells {id}: {told:?}", world.nodes[self.node].id);
        world.note(|| text);
    }

    pub(crate) fn keep(&self, world: &mut Guard<'_>, undo: Undo) {
        if let Some(entries) = &mut world.nodes[self.node].runner {
            entries.push(undo);
        }
    }

    fn write_inbox(&self, world: &mut Guard<'_>, route: i64, rows: &Value) -> Vec<Row> {
        let mut new = 0;
        for object in json(rows) {
            let mut change = change_of(&object);
            let node = &mut world.nodes[self.node];
            if node.lacks(Switch::WholeRow) && change.object_table.as_deref().is_some_and(is_record)
            {
                change.object_context = None;
            }
            if !node.known.insert(name(&change)) {
                world.counts.duplicates += 1;
                let node = &world.nodes[self.node];
                if !node.lacks(Switch::Uniqueness) {
                    continue;
                }
            }
            let was_purged = world.nodes[self.node].purged.contains(&name(&change));
            world.counts.delivered_again += u64::from(was_purged);
            let node = &mut world.nodes[self.node];
            node.last_inbox += 1;
            let id = node.last_inbox;
            change.id = id;
            let text = format!("    {} gets {id} on {route}: {:?}", node.id, name(&change));
            node.inbox.insert(id, (route, change));
            self.keep(world, Undo::Inbox(id));
            world.note(|| text);
            new += 1;
        }
        vec![row(&[("n", i64::from(new).into())])]
    }

    fn read_versions(&self, world: &mut Guard<'_>, rows: &Value) -> Vec<Row> {
        let mut found = Vec::new();
        for pair in texts(rows) {
            let [Some(table), Some(key)] = &pair[..] else { continue };
            let from = [table.clone(), key.clone(), String::new()];
            let known = world.nodes[self.node].versions.range(from..);
            for (name, entry) in known.take_while(|(name, _)| name[0] == *table && name[1] == *key)
            {
                let cell = |at: usize| Value::from(entry[at].as_str().map(str::to_owned));
                found.push(row(&[
                    ("object_table", name[0].as_str().into()),
                    ("object_id", name[1].as_str().into()),
                    ("object_attribute", name[2].as_str().into()),
                    ("object_operation", cell(3)),
                    ("update_datetime", cell(4)),
                    ("updated_by_server_id", cell(5)),
                    ("source_id", entry[6].as_i64().into()),
                    ("object_value", cell(7)),
                ]));
            }
        }
        found
    }

    fn write_versions(&self, world: &mut Guard<'_>, rows: &Value) {
        for entry in json(rows) {
            let node = &mut world.nodes[self.node];
            if node.lacks(Switch::Tombstone) && entry[3] == "D" {
                continue;
            }
            let name = [0, 1, 2].map(|at| entry[at].as_str().unwrap().to_owned());
            let before = node.versions.insert(name.clone(), entry);
            self.keep(world, Undo::Version(name, before));
        }
    }
}

/// Missing ids: the single ones, and ranges.
fn gaps(ids: &Value, ranges: &Value) -> Gaps {
    let ids: Vec<i64> = serde_json::from_str(&text(ids).unwrap()).unwrap();
    let ranges: Vec<(i64, i64)> = serde_json::from_str(&text(ranges).unwrap()).unwrap();
    ids.into_iter().map(|id| (id, id)).chain(ranges).collect()
}

impl Database {
    /// The cells of the rows that have given values in some columns.
    fn find(
        &self,
        table: &str,
        (by, values): (&[&str], &[Option<String>]),
        columns: &[&str],
        position: usize,
    ) -> Vec<Row> {
        let cell = |row: &RowKey, cells: &Cells, column: &str| match column {
            KEY => Some(row.1.clone()),
            _ => cells[column].clone(),
        };
        let is_meant = |(row, cells): &(&RowKey, &Cells)| {
            row.0 == table && by.iter().zip(values).all(|(c, value)| cell(row, cells, c) == *value)
        };
        let answer = |(row, cells): (&RowKey, &Cells)| {
            let asked = columns.iter().enumerate();
            let asked = asked.map(|(at, c)| (format!("c{}", at + 1), cell(row, cells, c).into()));
            let position = Value::from(i64::try_from(position).unwrap());
            let all = [("position".to_owned(), position)].into_iter().chain(asked);
            let (names, values): (Vec<String>, Vec<Value>) = all.unzip();
            Row::new(names.into(), values)
        };
        self.rows.iter().filter(is_meant).map(answer).collect()
    }
}

pub(crate) fn page_rows(word: &str) -> usize {
    word.parse().unwrap()
}

/// An answer's row.
pub(crate) fn row(cells: &[(&str, Value)]) -> Row {
    let names: Vec<String> = cells.iter().map(|(name, _)| (*name).to_owned()).collect();
    Row::new(names.into(), cells.iter().map(|(_, value)| value.clone()).collect())
}

pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Null | Value::Invalid(_) => None,
    }
}

pub(crate) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        _ => None,
    }
}

pub(crate) fn json(value: &Value) -> Vec<Json> {
    serde_json::from_str(&text(value).unwrap()).unwrap()
}

/// A bound JSON array of arrays of texts.
fn texts(value: &Value) -> Vec<Vec<Option<String>>> {
    serde_json::from_str(&text(value).unwrap()).unwrap()
}

fn named(columns: &[&str], values: &[Option<String>]) -> Cells {
    let cells = columns.iter().zip(values).filter(|(column, _)| **column != KEY);
    cells.map(|(column, value)| ((*column).to_owned(), value.clone())).collect()
}

/// A change as a listing of what comes next has it.
fn listed_row(change: &Change) -> Row {
    let bytes = i64::try_from(change.bytes()).unwrap();
    row(&[("id", change.id.into()), ("bytes", bytes.into())])
}

/// A change as an outbox or inbox answers it.
pub(crate) fn change_row(change: &Change) -> Row {
    static NAMES: OnceLock<Arc<[String]>> = OnceLock::new();
    let mut change = change.clone();
    let more = [
        ("id", change.id.into()),
        ("source_id", change.source_id.into()),
        ("transaction_id", change.transaction_id.into()),
        ("update_datetime", change.update_datetime.take().into()),
        ("refusal", change.refusal.take().into()),
    ];
    let texts = change.texts_mut().map(|(name, text)| (name, Value::from(text.take())));
    let (names, values): (Vec<&str>, Vec<Value>) = more.into_iter().chain(texts).unzip();
    let names = NAMES.get_or_init(|| names.into_iter().map(str::to_owned).collect());
    Row::new(names.clone(), values)
}

/// A change of the JSON that transport writes.
pub(crate) fn change_of(object: &Json) -> Change {
    let mut change = Change {
        source_id: object["source_id"].as_i64(),
        transaction_id: object["transaction_id"].as_i64(),
        update_datetime: object["update_datetime"].as_str().map(str::to_owned),
        refusal: object["refusal"].as_str().map(str::to_owned),
        ..Change::default()
    };
    for (name, text) in change.texts_mut() {
        *text = object[name].as_str().map(str::to_owned);
    }
    change
}

/// The mechanism by which a change is told: the settlement of a collision, or anew.
fn told_by(values: &[Value]) -> Switch {
    match text(&values[8]).as_deref() {
        Some("settles a collision") => Switch::Told,
        _ => Switch::ToldAnew,
    }
}
