//! The difference oracle: whatever changed in a followed table is what the outbox captured or an
//! import brought, and what was captured did happen.
//!
//! It looks at a node again and again, each time in one reading transaction. Of a row that
//! differs from the last look, or of which the outbox says something new, there are two kinds:
//!
//! - Nothing of it was imported meanwhile. Then the new rows of the outbox, replayed by their ids
//!   over what the row was, have to give what it is, and each has to fit where it is replayed:
//!   an insert where no row is, an update and a delete over the old values that they name.
//! - Something of it was imported. In which order is not written down anywhere, but of all that
//!   this node knows of the row the documented rule has to give what it is. What an update of the
//!   application replaced has to be known too.
//!
//! A write that no trigger saw fits neither.

#![expect(clippy::ref_option, reason = "a cell is an option, and most of them are in a map")]

mod look;
mod rule;

use std::collections::{BTreeMap, BTreeSet};

use outrigger::config::Config;
use outrigger::model::{Change, Schema};
use outrigger::plan::{TablePlan, plan};

use super::TestDatabase;
use look::{Look, look};

/// What a change says that an import told anew.
const TOLD_ANEW: &str = "was made after what it had lost against";

/// A row: its table as changes name it, and its key.
pub type RowName = (String, Vec<String>);
/// The captured columns outside the key, with their canonical texts.
pub type Cells = BTreeMap<String, Option<String>>;

/// What is known of one node.
struct Known {
    tables: Vec<TablePlan>,
    routes: Vec<(i64, i64)>,
    /// What the tables held at the first look.
    base: BTreeMap<RowName, Cells>,
    /// What they held at the last one.
    rows: BTreeMap<RowName, Cells>,
    /// Rows of its outbox, by id. They are remembered when the outbox is purged.
    own: BTreeMap<i64, Change>,
    /// Rows of its inbox that were imported, by id.
    imported: BTreeMap<i64, Change>,
    /// Rows of its inbox that a person has dropped from the quarantine.
    dropped: BTreeSet<i64>,
}

/// Looks at nodes.
#[derive(Default)]
pub struct Oracle {
    nodes: BTreeMap<String, Known>,
}

impl Oracle {
    /// Begins anew with a node: what it holds now is taken as it is.
    pub async fn begin(
        &mut self,
        id: &str,
        database: &TestDatabase,
        (config, schema): &(Config, Schema),
    ) -> Result<(), String> {
        let tables = plan(config, schema, database.brand()).map_err(|error| error.to_string())?;
        let routes = outrigger::plan::plan_routes(config).into_iter();
        let routes = routes.filter(|route| route.to.as_str() == id);
        let mut known = Known {
            tables: tables.tables,
            routes: routes.map(|route| (route.id.0, route.id.import_program())).collect(),
            base: BTreeMap::new(),
            rows: BTreeMap::new(),
            own: BTreeMap::new(),
            imported: BTreeMap::new(),
            dropped: BTreeSet::new(),
        };
        let now = look(id, database, &known).await?;
        known.base.clone_from(&now.rows);
        known.rows = now.rows;
        known.own = now.outbox;
        known.imported = now.imported;
        self.nodes.insert(id.to_owned(), known);
        Ok(())
    }

    /// What a node's tables held at the last look.
    #[allow(dead_code, reason = "only tests/histories.rs asks")]
    pub fn rows(&self, id: &str) -> &BTreeMap<RowName, Cells> {
        &self.nodes[id].rows
    }

    /// Every row of a node's outbox that was there at a look.
    #[allow(dead_code, reason = "only tests/histories.rs asks")]
    pub fn outbox(&self, id: &str) -> impl Iterator<Item = &Change> {
        self.nodes[id].own.values()
    }

    /// A person drops a change from the quarantine: it will never be imported.
    pub fn drop_change(&mut self, id: &str, inbox_id: i64) {
        if let Some(known) = self.nodes.get_mut(id) {
            known.dropped.insert(inbox_id);
        }
    }

    /// Looks at a node: what nobody explains of what changed since the last look.
    pub async fn unexplained(
        &mut self,
        id: &str,
        database: &TestDatabase,
    ) -> Result<Vec<String>, String> {
        let known = self.nodes.get_mut(id).ok_or_else(|| format!("{id} was never looked at"))?;
        let now = look(id, database, known).await?;
        let complaints = known.compare(now);
        Ok(complaints.into_iter().map(|complaint| format!("{id}: {complaint}")).collect())
    }
}

impl Known {
    fn compare(&mut self, now: Look) -> Vec<String> {
        let own = fresh(&mut self.own, now.outbox);
        let imported = fresh(&mut self.imported, now.imported);
        let before = std::mem::replace(&mut self.rows, now.rows);
        let names: BTreeSet<&RowName> = before.keys().chain(self.rows.keys()).collect();
        let differing = names.into_iter().filter(|name| before.get(*name) != self.rows.get(*name));
        let touched: BTreeSet<RowName> = differing.cloned().chain(own.keys().cloned()).collect();
        let mut complaints = Vec::new();
        for name in &touched {
            let row = Row { name, before: before.get(name), after: self.rows.get(name) };
            let captured = own.get(name).map_or(&[][..], Vec::as_slice);
            let Some(plan) = self.plan(name) else { continue };
            if imported.contains_key(name) {
                let rule = rule::row(self.base.get(name), self.changes(name), plan);
                row.compare(rule.as_ref(), "what the node knows", &mut complaints);
                self.check_replaced(&row, captured, &mut complaints);
            } else {
                row.replay(captured, plan, &mut complaints);
            }
        }
        complaints
    }

    /// A row's table.
    fn plan(&self, (table, _): &RowName) -> Option<&TablePlan> {
        self.tables.iter().find(|plan| plan.object_table == *table)
    }

    /// Everything that the node knows of a row.
    fn changes<'a>(&'a self, name: &'a RowName) -> impl Iterator<Item = &'a Change> {
        let all = self.own.values().chain(self.imported.values());
        all.filter(|change| row_name(change).as_ref() == Some(name))
    }

    /// What an update of the application replaced, somebody has written.
    fn check_replaced(&self, row: &Row<'_>, captured: &[Change], complaints: &mut Vec<String>) {
        for change in captured.iter().filter(|change| operation(change) == "U") {
            let column = change.object_attribute.as_deref().unwrap_or_default();
            let old = &change.object_value_old;
            let held = [row.before, self.base.get(row.name)].into_iter().flatten();
            let is_known = held.filter_map(|cells| cells.get(column)).any(|value| value == old);
            let is_another = |other: &&Change| {
                other.id != change.id || other.updated_by_server_id != change.updated_by_server_id
            };
            let mut others = self.changes(row.name).filter(is_another);
            if !is_known && !others.any(|other| says(other, column, old)) {
                let what =
                    format!("outbox row {} replaces {}, which nobody wrote", change.id, show(old));
                complaints.push(row.says(Some(column), &what));
            }
        }
    }
}

/// One row at two looks.
struct Row<'a> {
    name: &'a RowName,
    before: Option<&'a Cells>,
    after: Option<&'a Cells>,
}

impl Row<'_> {
    fn says(&self, column: Option<&str>, what: &str) -> String {
        let (table, key) = self.name;
        let column = column.map(|name| format!(" column `{name}`")).unwrap_or_default();
        format!("table `{table}` key {}{column}: {what}", key.join(", "))
    }

    /// Replays what the outbox captured, and compares.
    fn replay(&self, captured: &[Change], plan: &TablePlan, complaints: &mut Vec<String>) {
        let mut cells = self.before.cloned();
        // What an import tells anew changes nothing here.
        let is_made = |change: &&Change| change.note1.as_deref() != Some(TOLD_ANEW);
        for change in captured.iter().filter(is_made) {
            if change.refusal.is_some() {
                // What the trigger could not put into words is not there to be compared.
                return;
            }
            if let Some((column, misfit)) = step(&mut cells, change, plan) {
                let what = format!("outbox row {} {misfit}", change.id);
                complaints.push(self.says(column, &what));
            }
        }
        self.compare(cells.as_ref(), "the outbox", complaints);
        let last = captured.last().filter(|change| rule::says_row(plan, change));
        if let Some(change) = last {
            let said = rule::values(change);
            self.compare(Some(&said), "the whole row in the outbox", complaints);
        }
    }

    /// Names each column in which the row is not what it should be.
    fn compare(&self, expected: Option<&Cells>, source: &str, complaints: &mut Vec<String>) {
        let (Some(expected), Some(after)) = (expected, self.after) else {
            let what = match (expected, self.after, self.before) {
                (None, None, _) => return,
                (Some(_), _, Some(_)) => "it vanished",
                (Some(_), _, None) => "it did not appear",
                (None, _, Some(_)) => "it stayed",
                (None, _, None) => "it appeared",
            };
            return complaints.push(self.says(None, &format!("{what}, but not by {source}")));
        };
        for (column, value) in after {
            let wanted = expected.get(column).unwrap_or(&None);
            if wanted != value {
                let before = self.before.and_then(|cells| cells.get(column));
                let before = before.map_or_else(|| "no row".to_owned(), show);
                let (value, wanted) = (show(value), show(wanted));
                let what = format!("{before} became {value}, but by {source} it is {wanted}");
                complaints.push(self.says(Some(column), &what));
            }
        }
    }
}

/// Does to a row what an outbox row says; where that does not fit, which column and why.
fn step<'a>(
    cells: &mut Option<Cells>,
    change: &'a Change,
    plan: &TablePlan,
) -> Option<(Option<&'a str>, String)> {
    match (operation(change), &mut *cells) {
        ("I", None) => {
            *cells = Some(rule::document(change.object_value.as_deref()));
            None
        }
        ("I", Some(_)) => Some((None, "inserts it, and it was there".to_owned())),
        ("D", Some(held)) => {
            let old = change.object_value_old.as_deref().map(|old| rule::document(Some(old)));
            let differs = |(column, value): (&String, &Option<String>)| {
                let old = old.as_ref()?.get(column);
                let says = old.map_or_else(|| "nothing".to_owned(), show);
                (old != Some(value))
                    .then(|| format!("deletes {says} in `{column}`, and it was {}", show(value)))
            };
            let misfit = held.iter().find_map(differs);
            *cells = None;
            misfit.map(|misfit| (None, misfit))
        }
        ("U", Some(held)) => {
            let column = change.object_attribute.as_deref().unwrap_or_default();
            let before = held.get(column).cloned();
            let mut set = rule::values(change);
            if rule::says_row(plan, change) {
                // The other changes of the statement say themselves what they did.
                let is_metadata = |name: &str| plan.metadata.iter().any(|c| c.name == name);
                set.retain(|name, _| name == column || is_metadata(name));
            }
            held.extend(set);
            let (old, new) = (&change.object_value_old, &change.object_value);
            let misfit = match before {
                Some(before) if before != *old => {
                    format!("replaces {}, and it was {}", show(old), show(&before))
                }
                _ if old == new => "changes nothing".to_owned(),
                _ => return None,
            };
            Some((Some(column), misfit))
        }
        (operation, None) => Some((None, format!("is {operation}, and there was no row"))),
        (operation, Some(_)) => Some((None, format!("is `{operation}`"))),
    }
}

/// Adds what is new to what is known, and gives it by row.
fn fresh(
    known: &mut BTreeMap<i64, Change>,
    now: BTreeMap<i64, Change>,
) -> BTreeMap<RowName, Vec<Change>> {
    let mut fresh: BTreeMap<RowName, Vec<Change>> = BTreeMap::new();
    for (id, change) in now {
        if known.contains_key(&id) {
            continue;
        }
        if let Some(name) = row_name(&change) {
            fresh.entry(name).or_default().push(change.clone());
        }
        known.insert(id, change);
    }
    fresh
}

/// The row that a change is about; `None` where it names none.
fn row_name(change: &Change) -> Option<RowName> {
    let (table, key) = (change.object_table.clone()?, change.object_id.clone()?);
    let is_composite = change.object_pk_attribute.as_deref()?.starts_with('[');
    let key = if is_composite { serde_json::from_str(&key).ok()? } else { vec![key] };
    Some((table, key))
}

/// Whether a change says that a column had a value, or that it got it.
fn says(change: &Change, column: &str, value: &Option<String>) -> bool {
    let deleted = rule::document(change.object_value_old.as_deref());
    let has = |cells: &Cells| cells.get(column) == Some(value);
    match operation(change) {
        "U" => {
            let is_replaced = change.object_attribute.as_deref() == Some(column)
                && change.object_value_old == *value;
            is_replaced || has(&rule::values(change))
        }
        _ => has(&rule::values(change)) || has(&deleted),
    }
}

fn operation(change: &Change) -> &str {
    change.object_operation.as_deref().unwrap_or_default()
}

fn show(value: &Option<String>) -> String {
    value.as_ref().map_or_else(|| "NULL".to_owned(), |text| format!("'{text}'"))
}
