//! Two nodes made what cannot stand together: rows that claim one unique value, or a row that
//! refers to one that was deleted meanwhile. Nothing is deleted to get out of it.
//!
//! The row that had a unique value first keeps it, the other one gets another value; a row that
//! others refer to is not deleted but brought back. Whoever meets the collision decides by the
//! same rule on the same changes, and tells the others by changes of its own, stamped directly
//! after what they settle, so that everything that an application writes afterwards wins.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::batch::{Blocked, Importer, Outcome};
use super::conflict::{Conflict, ConflictType, Side};
use super::decide::{CellState, Effect, RowState};
use super::decode::{Incoming, RowId, decode, row_text};
use super::fit::misfit;
use super::fold::Folded;
use super::followers::restate;
use super::order::{RowEffect, steps};
use super::references::STILL_REFERRED;
use super::target::{Target, TargetColumn};
use super::{Error, another, versions};
use crate::db::{Fault, FaultKind, Session};
use crate::model::{Change, LogicalType, Op, RouteId, Value, Version};
use crate::outbox::{execute, next_stamp};

/// What a settlement says in its outbox rows.
const SETTLES: &str = "settles a collision";

const FIRST_KEEPS: &str = "the row that had the unique value first keeps it";
pub(super) const REFERRED: &str = "a row that others refer to is not deleted";

/// Cells of a row.
type Cells = BTreeMap<String, Option<String>>;

/// What settles a collision, in the order in which it is done.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    /// Rows of this node that give way.
    pub(super) effects: Vec<RowEffect>,
    /// Values that wait for their row and give way.
    parked: Vec<(RowId, String, Option<String>)>,
    /// What is imported instead of the changes that collide.
    changes: Vec<Change>,
    /// What this node tells the others.
    pub(super) told: Vec<Told>,
    pub(super) conflicts: Vec<Conflict>,
    /// The change that collides.
    pub(super) settled: Option<Change>,
    /// What is done where the database refuses this too.
    pub(super) otherwise: Option<Box<Settlement>>,
}

impl Settlement {
    /// Changes that collide with nothing.
    pub(super) fn plain(unit: &[Change]) -> Self {
        Self { changes: unit.to_vec(), ..Self::default() }
    }

    /// The same behind another change.
    pub(super) fn behind(mut self, first: &Change) -> Self {
        self.changes.insert(0, first.clone());
        self.otherwise = self.otherwise.map(|other| Box::new(other.behind(first)));
        self
    }

    /// The same, with what is done where the database refuses it.
    pub(super) fn or(self, other: Option<Self>) -> Self {
        Self { otherwise: other.map(Box::new), ..self }
    }
}

/// A change of this node that no trigger sees.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) row: RowId,
    pub(super) op: Op,
    pub(super) attribute: Option<String>,
    pub(super) value: Option<String>,
    pub(super) old: Option<String>,
    /// The whole row, of a table where a newer change protects it.
    pub(super) context: Option<String>,
    pub(super) stamp: String,
    /// Why it is told, as the outbox row says it.
    pub(super) note: &'static str,
}

/// A row that has a unique value which another one claims.
struct Holder {
    row: RowId,
    key: Vec<String>,
    version: Option<Version>,
    /// What it has in the unique columns: to the database the same as what is claimed, and
    /// perhaps another text.
    cells: Cells,
}

impl Importer {
    /// How a collision can be settled that keeps a unit out; none where a person has to.
    pub(super) async fn settlement(
        &mut self,
        session: &mut dyn Session,
        unit: &[Change],
        fault: &Fault,
    ) -> Result<Option<Settlement>, Error> {
        let Some(Ok(incoming)) = unit.last().map(|change| decode(&self.targets, change)) else {
            return Ok(None);
        };
        if !self.targets.tables[incoming.row.0].settles_collisions {
            return Ok(None);
        }
        let is_reference = self.is_reference(fault);
        let settlement = match incoming.op {
            Op::Delete if is_reference => self.bring_back(session, &incoming).await?,
            Op::Insert if is_reference && unit.len() > 1 => {
                match self.keep_both(session, unit).await? {
                    None => self.with_followers_of_key(session, unit, incoming).await?,
                    both => both,
                }
            }
            Op::Insert | Op::Update if is_reference && unit.len() == 1 => {
                self.with_followers(session, &unit[0], incoming).await?
            }
            Op::Insert | Op::Update if fault.kind == FaultKind::Conflict && !is_reference => {
                let parted = self.part(session, unit, incoming.clone()).await?;
                match unit {
                    // Later changes of the row may have given the value up.
                    [change] if parted.is_none() => {
                        self.with_followers(session, change, incoming).await?
                    }
                    _ => parted,
                }
            }
            _ => None,
        };
        let settled = unit.last().cloned();
        Ok(settlement.map(|settlement| Settlement { settled, ..settlement }))
    }

    /// Whether a row that refers to another one, or is referred to, is to blame.
    pub(super) fn is_reference(&self, fault: &Fault) -> bool {
        let codes = &self.targets.brand.dialect().faults;
        fault.code == STILL_REFERRED || codes.reference.contains(&fault.code)
    }

    /// Does what a settlement says; inside a savepoint.
    pub(super) async fn apply_settled(
        &mut self,
        session: &mut dyn Session,
        route: RouteId,
        settlement: &Settlement,
        blocked: &mut Blocked,
    ) -> Result<Outcome, Error> {
        let (moved, kept) = self.carried_by(session, settlement).await?;
        for step in steps(&self.targets, settlement.effects.clone()) {
            self.executor.run(session, &self.targets, step).await?;
        }
        for (row, column, value) in &settlement.parked {
            self.park_instead(session, row, column, value.clone()).await?;
        }
        let outcome =
            self.apply(session, route, Cow::Borrowed(&settlement.changes), blocked).await?;
        for step in steps(&self.targets, kept) {
            self.executor.run(session, &self.targets, step).await?;
        }
        // After the changes, or they would be older than what is told of their rows.
        for told in settlement.told.iter().chain(&moved) {
            self.tell(session, told).await?;
        }
        self.keep_conflicts(session, route, &settlement.conflicts).await?;
        self.report_settlement(settlement, true);
        Ok(outcome)
    }

    /// Writes a change of this node's own into its outbox.
    pub(super) async fn tell(
        &mut self,
        session: &mut dyn Session,
        told: &Told,
    ) -> Result<(), Error> {
        if self.is_rehearsing() {
            return self.remember_untold(session, told).await;
        }
        let target = &self.targets.tables[told.row.0];
        let given = [
            ("object_database", Value::Text(self.targets.database.clone())),
            ("object_table", Value::Text(target.object_table.clone())),
            ("object_pk_attribute", Value::Text(target.key_attribute())),
            ("object_attribute", told.attribute.clone().into()),
            ("object_id", Value::Text(told.row.1.clone())),
            ("object_value", told.value.clone().into()),
            ("object_operation", Value::Text(told.op.letter().to_owned())),
            ("object_value_old", told.old.clone().into()),
            ("object_context", told.context.clone().into()),
            ("update_datetime", Value::Text(told.stamp.clone())),
            ("note1", Value::Text(told.note.to_owned())),
        ];
        execute(session, &self.statements.write_own_change, &given).await?;
        Ok(())
    }

    /// A delete that would leave rows without what they refer to: the row stays, and where it is
    /// gone it comes back.
    async fn bring_back(
        &mut self,
        session: &mut dyn Session,
        delete: &Incoming,
    ) -> Result<Option<Settlement>, Error> {
        // A delete is as new as what its origin did to the row before.
        let version = match self.state_of(session, &delete.row).await?.row {
            Some((_, known)) => delete.version.clone().joined(&known),
            None => delete.version.clone(),
        };
        let row = (&delete.row, &delete.key[..]);
        let Some(told) = self.come_back(session, row, &version, SETTLES).await? else {
            return Ok(None);
        };
        let conflict = Conflict {
            inbox_id: delete.inbox_id,
            kind: ConflictType::DeleteOriginDiffers,
            row: delete.row.clone(),
            attribute: None,
            incoming_wins: false,
            rule: REFERRED,
            local: Side { version: None, value: told.value.clone() },
            incoming: Side { version: Some(delete.version.clone()), value: None },
        };
        Ok(Some(Settlement {
            told: vec![told],
            conflicts: vec![conflict],
            ..Settlement::default()
        }))
    }

    /// What is told of a row that is here, after it was deleted by a version: it is as it is.
    pub(super) async fn come_back(
        &mut self,
        session: &mut dyn Session,
        (row, key): (&RowId, &[String]),
        deleted: &Version,
        note: &'static str,
    ) -> Result<Option<Told>, Error> {
        let target = &self.targets.tables[row.0];
        let columns: BTreeSet<String> = target.captured().map(|c| c.name.clone()).collect();
        let found =
            self.executor.read_captured(session, &self.targets, (row.0, &columns), key).await?;
        let (Some(values), Some(stamp)) = (found, next_stamp(&deleted.stamp)) else {
            return Ok(None);
        };
        let names = self.targets.tables[row.0].key.iter().map(|c| c.name.clone());
        let key = names.zip(key.iter().cloned().map(Some));
        let value = Some(document(key.chain(columns.into_iter().zip(values))));
        let (row, op, context) = (row.clone(), Op::Insert, None);
        Ok(Some(Told { row, op, attribute: None, value, old: None, context, stamp, note }))
    }

    /// A key that changed while rows came to refer to it: the row comes back under the old key,
    /// beside the one under the new key.
    async fn keep_both(
        &mut self,
        session: &mut dyn Session,
        unit: &[Change],
    ) -> Result<Option<Settlement>, Error> {
        let [delete, insert] = unit else { return Ok(None) };
        let Ok(delete) = decode(&self.targets, delete) else { return Ok(None) };
        let Some(mut settlement) = self.bring_back(session, &delete).await? else {
            return Ok(None);
        };
        settlement.changes.push(Change { object_id_old: None, ..insert.clone() });
        Ok(Some(settlement))
    }

    /// A row that claims a unique value of another one: the later of the two gets another value.
    async fn part(
        &mut self,
        session: &mut dyn Session,
        unit: &[Change],
        mut incoming: Incoming,
    ) -> Result<Option<Settlement>, Error> {
        let mut settlement = Settlement::default();
        let (after, parked) = self.cells_after(session, &mut incoming).await?;
        for unique in self.targets.tables[incoming.row.0].unique_keys.clone() {
            let Some(holder) = self.holder(session, &incoming, &unique, &after).await? else {
                continue;
            };
            let theirs = self.claim(session, &incoming, &unique).await?;
            let holder_is_later =
                holder.version.as_ref().is_some_and(|mine| mine.supersedes(&theirs));
            let (row, key, since) = match &holder.version {
                Some(version) if holder_is_later => (&holder.row, &holder.key, version),
                _ => (&incoming.row, &incoming.key, &theirs),
            };
            let held = if holder_is_later { &holder.cells } else { &after };
            let (Some((column, value)), Some(stamp)) =
                (self.another(&incoming.row, &unique, held, row), next_stamp(&since.stamp))
            else {
                return Ok(None);
            };
            let old = held.get(&column).cloned().flatten();
            settlement.conflicts.push(collision(
                (&incoming, &after),
                &holder,
                &column,
                &theirs,
                !holder_is_later,
            ));
            let here = || cells_set(&settlement.effects, row);
            let mut set = if holder_is_later { here() } else { incoming.row_cells() };
            set.insert(column.clone(), value.clone());
            let context = self.whole_row(session, (row, key), set).await?;
            settlement
                .told
                .push(Told { context, ..given(row, &column, (value.clone(), old), stamp) });
            if !holder_is_later && incoming.cells.contains_key(&column) {
                incoming.cells.insert(column, value);
            } else if !holder_is_later && parked.contains(&column) {
                settlement.parked.push((row.clone(), column, value));
            } else {
                settlement.effects.push(RowEffect {
                    row: row.clone(),
                    key: key.clone(),
                    effect: Effect::Update(BTreeMap::from([(column, value)])),
                    old_key: None,
                });
            }
        }
        if settlement.told.is_empty() {
            return Ok(None);
        }
        if settlement.conflicts.len() > 1 {
            for conflict in &mut settlement.conflicts {
                conflict.kind = ConflictType::MultipleUniqueConflicts;
            }
        }
        settlement.changes = unit.to_vec();
        if let Some(last) = settlement.changes.last_mut() {
            restate(last, &incoming);
        }
        Ok(Some(settlement))
    }

    /// The document of a row with some cells set, where changes of its table say the whole row.
    pub(super) async fn whole_row(
        &mut self,
        session: &mut dyn Session,
        (row, key): (&RowId, &[String]),
        set: Cells,
    ) -> Result<Option<String>, Error> {
        let target = &self.targets.tables[row.0];
        if !target.is_record_level {
            return Ok(None);
        }
        let columns: BTreeSet<String> = target.captured().map(|c| c.name.clone()).collect();
        let wanted = (row.0, &columns);
        let found = self.executor.read_captured(session, &self.targets, wanted, key).await?;
        let mut cells: Cells = columns.into_iter().zip(found.unwrap_or_default()).collect();
        cells.extend(set);
        Ok(Some(document(cells.into_iter())))
    }

    /// What the row of a change holds in its unique columns once the change is in, and which of
    /// that waits for the row; of the change that is left which is newer than what is known.
    async fn cells_after(
        &mut self,
        session: &mut dyn Session,
        incoming: &mut Incoming,
    ) -> Result<(Cells, BTreeSet<String>), Error> {
        let (table, _) = incoming.row;
        let target = &self.targets.tables[table];
        let key = target.key.iter().map(|column| column.name.clone());
        let mut cells: Cells = key.zip(incoming.key.iter().cloned().map(Some)).collect();
        let unique: BTreeSet<String> = target.unique_keys.iter().flatten().cloned().collect();
        let columns = unique.into_iter().filter(|c| target.columns.contains_key(c)).collect();
        let rows = BTreeMap::from([(incoming.row.clone(), incoming.key.clone())]);
        let wanted = (table, &columns);
        let found = self.executor.read_cells(session, &self.targets, wanted, &rows).await?;
        for (_, values) in found {
            cells.extend(columns.iter().cloned().zip(values));
        }
        let state = self.state_of(session, &incoming.row).await?;
        let mut parked = BTreeSet::new();
        let mut set = incoming.cells.clone();
        set.retain(|column, _| {
            let newer = newer_cell(&state, incoming, column);
            // What is newer stands: in the table, or parked until the row comes.
            if let Some(value) = newer.and_then(|cell| cell.parked.as_ref()) {
                cells.insert(column.clone(), value.clone());
                parked.insert(column.clone());
            }
            newer.is_none()
        });
        cells.extend(set.clone());
        incoming.cells = set;
        Ok((cells, parked))
    }

    /// Has another value wait for a row.
    async fn park_instead(
        &self,
        session: &mut dyn Session,
        row: &RowId,
        column: &str,
        value: Option<String>,
    ) -> Result<(), Error> {
        let rows = BTreeSet::from([row.clone()]);
        let read = &self.statements.read_versions;
        let mut states = versions::load(session, read, &self.targets, &rows).await?;
        if let Some(state) = states.get_mut(row) {
            state.park_instead(column, value);
        }
        self.statements.versions.save(session, &self.targets, states).await?;
        Ok(())
    }

    /// The row that has the values of a unique key which a change claims.
    async fn holder(
        &mut self,
        session: &mut dyn Session,
        incoming: &Incoming,
        unique: &[String],
        after: &Cells,
    ) -> Result<Option<Holder>, Error> {
        let (table, _) = incoming.row;
        let values = unique.iter().map(|column| after.get(column).cloned().flatten());
        let Some(values) = values.collect::<Option<Vec<String>>>() else { return Ok(None) };
        let found =
            self.executor.find_alike(session, &self.targets, (table, unique), &values).await?;
        let mut holders = found.into_iter().map(|(key, held)| ((table, row_text(&key)), key, held));
        let Some((row, key, held)) = holders.find(|(row, ..)| *row != incoming.row) else {
            return Ok(None);
        };
        let cells = unique.iter().cloned().zip(held).collect();
        let state = self.state_of(session, &row).await?;
        let version = newest(&state, unique).cloned();
        Ok(Some(Holder { row, key, version, cells }))
    }

    /// Since when the row of a change claims the values of a unique key.
    async fn claim(
        &mut self,
        session: &mut dyn Session,
        incoming: &Incoming,
        unique: &[String],
    ) -> Result<Version, Error> {
        if unique.iter().any(|column| incoming.cells.contains_key(column)) {
            return Ok(incoming.version.clone());
        }
        let state = self.state_of(session, &incoming.row).await?;
        Ok(newest(&state, unique).unwrap_or(&incoming.version).clone())
    }

    pub(super) async fn state_of(
        &mut self,
        session: &mut dyn Session,
        row: &RowId,
    ) -> Result<RowState, Error> {
        let rows = BTreeSet::from([row.clone()]);
        let mut folded = Folded::default();
        self.fold(session, &rows, &mut folded).await?;
        Box::pin(self.settle(session, &rows, folded)).await?;
        let read = &self.statements.read_versions;
        let mut states = versions::load(session, read, &self.targets, &rows).await?;
        Ok(states.remove(row).unwrap_or_default())
    }

    /// A column of a unique key that can take another value, and that value: a text with the
    /// row's key behind it, cut where it would be too long, else NULL where that repeats; of a
    /// table that is followed by a GUID also another number.
    fn another(
        &self,
        claimed: &RowId,
        unique: &[String],
        after: &Cells,
        row: &RowId,
    ) -> Option<(String, Option<String>)> {
        let target = &self.targets.tables[claimed.0];
        let columns = unique.iter().rev().filter_map(|name| target.columns.get(name));
        let columns = columns.filter(|column| target.may_give_way(&column.name));
        let repeats = self.targets.brand.dialect().can.repeat_null;
        columns.into_iter().find_map(|column| {
            let value = after.get(&column.name).cloned().flatten()?;
            let text = match column.logical_type {
                LogicalType::Text if target.has_guid => {
                    self.with_key(column, &value, &format!("{:08x}", another::digest(&row.1)))
                }
                LogicalType::Text => self.with_key(column, &value, &row.1),
                LogicalType::Integer if target.has_guid && !column.is_nullable => {
                    let numbers = another::numbers(&row.1, &value);
                    let dialect = self.targets.brand.dialect();
                    numbers.into_iter().find(|text| misfit(dialect, column, text).is_none())
                }
                _ => None,
            };
            let is_possible = text.is_some() || (column.is_nullable && repeats);
            is_possible.then(|| (column.name.clone(), text))
        })
    }

    fn with_key(&self, column: &TargetColumn, value: &str, key: &str) -> Option<String> {
        let dialect = self.targets.brand.dialect();
        let letters: Vec<char> = value.chars().collect();
        (0..=letters.len()).rev().find_map(|length| {
            let start: String = letters[..length].iter().collect();
            let text = format!("{start} ({key})");
            misfit(dialect, column, &text).is_none().then_some(text)
        })
    }
}

/// A change that gives a column another value than it had.
fn given(
    row: &RowId,
    column: &str,
    (value, old): (Option<String>, Option<String>),
    stamp: String,
) -> Told {
    let (row, attribute) = (row.clone(), Some(column.to_owned()));
    Told { row, op: Op::Update, attribute, value, old, context: None, stamp, note: SETTLES }
}

/// What effects set in a row.
fn cells_set(effects: &[RowEffect], row: &RowId) -> Cells {
    let of_row = effects.iter().filter(|effect| effect.row == *row);
    let cells = of_row.filter_map(|effect| match &effect.effect {
        Effect::Update(cells) => Some(cells.clone()),
        Effect::Insert(_) | Effect::Delete | Effect::Nothing => None,
    });
    cells.flatten().collect()
}

/// What is known of a cell that a change does not set, since something newer is there.
pub(super) fn newer_cell<'a>(
    state: &'a RowState,
    incoming: &Incoming,
    column: &str,
) -> Option<&'a CellState> {
    let cell = state.cells.get(column)?;
    let row = state.row.as_ref().filter(|(_, row)| incoming.version.supersedes(row));
    let version = match row {
        Some((_, row)) => incoming.version.clone().joined(row),
        None => incoming.version.clone(),
    };
    cell.version.supersedes(&version).then_some(cell)
}

/// The newest change that gave a row what it has in some columns.
pub(super) fn newest<'a>(state: &'a RowState, columns: &[String]) -> Option<&'a Version> {
    let row = state.row.as_ref().filter(|(op, _)| *op != Op::Delete).map(|(_, version)| version);
    let cells = columns.iter().filter_map(|column| state.cells.get(column));
    let mut versions = cells.map(|cell| &cell.version).chain(row);
    let first = versions.next()?;
    Some(versions.fold(first, |newest, next| if next.supersedes(newest) { next } else { newest }))
}

fn collision(
    (incoming, after): (&Incoming, &Cells),
    holder: &Holder,
    column: &str,
    theirs: &Version,
    holder_keeps: bool,
) -> Conflict {
    let claimed = |row: &RowId, cells: &Cells| {
        let value = cells.get(column).cloned().flatten();
        let cells = [("row".to_owned(), Some(row.1.clone())), (column.to_owned(), value)];
        Some(document(cells.into_iter()))
    };
    let kind = match incoming.op {
        Op::Insert => ConflictType::InsertExists,
        _ => ConflictType::UpdateExists,
    };
    Conflict {
        inbox_id: incoming.inbox_id,
        kind,
        row: incoming.row.clone(),
        attribute: Some(column.to_owned()),
        incoming_wins: !holder_keeps,
        rule: FIRST_KEEPS,
        local: Side { version: holder.version.clone(), value: claimed(&holder.row, &holder.cells) },
        incoming: Side { version: Some(theirs.clone()), value: claimed(&incoming.row, after) },
    }
}

pub(super) fn document(cells: impl Iterator<Item = (String, Option<String>)>) -> String {
    let cells = cells.map(|(name, value)| (name, value.map_or(Json::Null, Json::String)));
    Json::Object(cells.collect::<Map<String, Json>>()).to_string()
}

impl Target {
    /// `object_pk_attribute`: the key's column, or a JSON array of its columns.
    fn key_attribute(&self) -> String {
        let names: Vec<String> = self.key.iter().map(|column| column.name.clone()).collect();
        row_text(&names)
    }
}
