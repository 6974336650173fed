//! Rows that refer to the rows which an import deletes or changes: what the database does to them
//! by itself, no trigger records, and other nodes have to hear of.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::batch::Importer;
use super::collision::{Told, newest};
use super::decide::Effect;
use super::decode::{RowId, row_text};
use super::order::RowEffect;
use super::target::{Reference, Target};
use crate::db::{Fault, FaultKind, Session};
use crate::model::{Action, Op};
use crate::outbox::next_stamp;

/// The code of our own refusal to delete.
pub(super) const STILL_REFERRED: &str = "still_referred";

/// What an outbox row says of a reference that was carried along.
const CARRIED: &str = "follows the row it refers to";

/// A reference that the database changes by itself.
pub(super) struct Carried {
    /// What the other nodes hear of it.
    pub(super) told: Told,
    /// The key of the row that refers.
    pub(super) key: Vec<String>,
    /// Where the reference was made that it replaces, if that is known.
    pub(super) origin: Option<String>,
}

/// A row that refers, by its id and key.
type Child = (RowId, Vec<String>);

impl Importer {
    /// Refuses to delete rows whose foreign keys would take others along that nobody deleted.
    /// A delete from a brand whose cascades no trigger sees is let by: it says nothing of the rows
    /// that it took along there.
    pub(super) async fn check_cascades(
        &mut self,
        session: &mut dyn Session,
        effects: &[RowEffect],
        blind: &BTreeSet<RowId>,
    ) -> Result<(), Error> {
        let takes_along = |reference: &&Reference| reference.on_delete != Action::NoAction;
        let mut deleted: BTreeMap<usize, BTreeMap<RowId, Vec<String>>> = BTreeMap::new();
        for effect in effects.iter().filter(|effect| effect.effect == Effect::Delete) {
            let has_cascades =
                self.targets.tables[effect.row.0].references.iter().any(|one| takes_along(&one));
            if has_cascades && !blind.contains(&effect.row) {
                let rows = deleted.entry(effect.row.0).or_default();
                rows.insert(effect.row.clone(), effect.key.clone());
            }
        }
        for (table, rows) in deleted {
            let references = self.targets.tables[table].references.clone();
            for reference in references.iter().filter(takes_along) {
                let found = self.referring(session, (table, reference), &rows).await?;
                let mut children = found.into_iter().map(|(_, (child, _))| child);
                if children.any(|child| !is_let_go(effects, &child, &reference.columns)) {
                    return Err(still_referred(&self.targets.tables[reference.child]).into());
                }
            }
        }
        Ok(())
    }

    /// Of the rows that effects delete, those to which rows refer that they let be.
    pub(super) async fn referred_to(
        &mut self,
        session: &mut dyn Session,
        effects: &[RowEffect],
    ) -> Result<BTreeSet<RowId>, Error> {
        let can = &self.targets.brand.dialect().can;
        let mut referred = BTreeSet::new();
        for effect in effects.iter().filter(|effect| effect.effect == Effect::Delete) {
            let references = self.targets.tables[effect.row.0].references.clone();
            let rows = BTreeMap::from([(effect.row.clone(), effect.key.clone())]);
            for reference in &references {
                let found = self.referring(session, (effect.row.0, reference), &rows).await?;
                let mut children = found.into_iter().map(|(_, (child, _))| child);
                let is_kept = |child: RowId| {
                    if child == effect.row {
                        return !can.delete_self_reference;
                    }
                    !is_let_go(effects, &child, &reference.columns)
                };
                if children.any(is_kept) {
                    referred.insert(effect.row.clone());
                    break;
                }
            }
        }
        Ok(referred)
    }

    /// What is to be told of rows that follow by themselves when what they refer to changes, and
    /// that the changes which are imported together do not change. `stamp_of` gives the stamp
    /// for what follows a column of a row; what follows is newer than the reference as it was.
    ///
    /// # Errors
    /// [`STILL_REFERRED`] where a row would follow with its key, which no single change can say.
    pub(super) async fn carried(
        &mut self,
        session: &mut dyn Session,
        effects: &[RowEffect],
        stamp_of: &(dyn Fn(&RowId, &str) -> Option<String> + Sync),
    ) -> Result<Vec<Carried>, Error> {
        let mut carried = Vec::new();
        for effect in effects {
            let Effect::Update(cells) = &effect.effect else { continue };
            let follows = |one: &&Reference| {
                one.on_update != Action::NoAction
                    && one.referenced.iter().any(|column| cells.contains_key(column))
            };
            // Nearly always none.
            let references = &self.targets.tables[effect.row.0].references;
            let references: Vec<Reference> = references.iter().filter(follows).cloned().collect();
            for reference in &references {
                let rows = BTreeMap::from([(effect.row.clone(), effect.key.clone())]);
                let found = self.referring(session, (effect.row.0, reference), &rows).await?;
                for (old, child) in found {
                    if is_let_go(effects, &child.0, &reference.columns) {
                        continue;
                    }
                    let stamp_of = |name: &str| stamp_of(&effect.row, name);
                    let change = (cells, &old[..]);
                    let followed = self.follow(session, reference, change, child, &stamp_of);
                    carried.extend(followed.await?);
                }
            }
        }
        Ok(carried)
    }

    /// The changes of one row that follows.
    async fn follow(
        &mut self,
        session: &mut dyn Session,
        reference: &Reference,
        (cells, old): (&BTreeMap<String, Option<String>>, &[String]),
        (row, key): Child,
        stamp_of: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> Result<Vec<Carried>, Error> {
        let child = &self.targets.tables[row.0];
        let is_key = |name: &String| child.key.iter().any(|column| column.name == *name);
        if reference.columns.iter().any(is_key) || reference.on_update == Action::SetDefault {
            return Err(still_referred(child).into());
        }
        let state = self.state_of(session, &row).await?;
        let known = newest(&state, &reference.columns);
        let origin = known.map(|version| version.origin.clone());
        let after = known.and_then(|version| next_stamp(&version.stamp));
        let mut changed = Vec::new();
        for ((column, referenced), old) in
            reference.columns.iter().zip(&reference.referenced).zip(old)
        {
            let (Some(new), Some(stamp)) = (cells.get(referenced), stamp_of(referenced)) else {
                continue;
            };
            let value = new.clone().filter(|_| reference.on_update == Action::Cascade);
            let stamp = after.clone().map_or(stamp.clone(), |after| after.max(stamp));
            changed.push((column.clone(), value, old.clone(), stamp));
        }
        let set: BTreeMap<_, _> =
            changed.iter().map(|(column, value, ..)| (column.clone(), value.clone())).collect();
        let context = self.whole_row(session, (&row, &key), set).await?;
        let told = |(column, value, old, stamp): (String, Option<String>, String, String)| Told {
            row: row.clone(),
            op: Op::Update,
            attribute: Some(column),
            value,
            old: Some(old),
            context: context.clone(),
            stamp,
            note: CARRIED,
        };
        let carried = |one| Carried { told: told(one), key: key.clone(), origin: origin.clone() };
        Ok(changed.into_iter().map(carried).collect())
    }

    /// The rows that refer by a foreign key to some rows of a table, each with the values by
    /// which it does.
    async fn referring(
        &mut self,
        session: &mut dyn Session,
        (table, reference): (usize, &Reference),
        rows: &BTreeMap<RowId, Vec<String>>,
    ) -> Result<Vec<(Vec<String>, Child)>, Error> {
        let values = self.values_of(session, (table, &reference.referenced), rows).await?;
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let by = (reference.child, &reference.columns[..]);
        let found = self.executor.find_rows(session, &self.targets, by, &values).await?;
        let child = |(at, key): (usize, Vec<String>)| {
            Some((values.get(at)?.clone(), ((reference.child, row_text(&key)), key)))
        };
        Ok(found.into_iter().filter_map(child).collect())
    }

    /// What rows of a table have in some columns now; without those that have a NULL there, to
    /// which nothing can refer.
    async fn values_of(
        &mut self,
        session: &mut dyn Session,
        (table, names): (usize, &[String]),
        rows: &BTreeMap<RowId, Vec<String>>,
    ) -> Result<Vec<Vec<String>>, Error> {
        let target = &self.targets.tables[table];
        let outside: BTreeSet<String> =
            names.iter().filter(|name| target.columns.contains_key(*name)).cloned().collect();
        let read = if outside.is_empty() {
            rows.keys().map(|row| (row.clone(), Vec::new())).collect()
        } else {
            self.executor.read_cells(session, &self.targets, (table, &outside), rows).await?
        };
        let target = &self.targets.tables[table];
        let values = |(row, cells): (RowId, Vec<Option<String>>)| {
            let key = target.key.iter().map(|column| &column.name).zip(rows.get(&row)?);
            let mut known: BTreeMap<&String, Option<String>> =
                key.map(|(name, value)| (name, Some(value.clone()))).collect();
            known.extend(outside.iter().zip(cells));
            names.iter().map(|name| known.get(name).cloned().flatten()).collect()
        };
        Ok(read.into_iter().filter_map(values).collect())
    }
}

/// Whether the changes that are imported together delete a row, change its key or change what it
/// refers to.
fn is_let_go(effects: &[RowEffect], row: &RowId, columns: &[String]) -> bool {
    let is_rekeyed =
        |effect: &RowEffect| effect.old_key.as_ref().is_some_and(|(old, _)| old == row);
    if effects.iter().any(is_rekeyed) {
        return true;
    }
    effects.iter().filter(|effect| effect.row == *row).any(|effect| match &effect.effect {
        Effect::Delete => true,
        Effect::Update(cells) => columns.iter().any(|column| cells.contains_key(column)),
        Effect::Insert(_) | Effect::Nothing => false,
    })
}

fn still_referred(child: &Target) -> Fault {
    Fault {
        kind: FaultKind::Conflict,
        code: STILL_REFERRED.to_owned(),
        message: format!("rows of `{}` still refer to the row", child.object_table),
    }
}
