//! Unique columns and foreign keys of the model's tables, checked at once as databases do.

use outrigger::db::{Fault, FaultKind};

use crate::database::{Cells, Database, Holder, RowKey, Undo};
use crate::session::ModelSession;
use crate::world::{World, fault};

/// Tables and their columns whose values no two rows have; any number have none.
pub(crate) const UNIQUE: [(&str, &str); 3] =
    [("coded", "code"), ("coded", "alias"), ("coded_record", "alias")];

/// A foreign key, to the key of its parent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference {
    pub(crate) child: &'static str,
    pub(crate) column: &'static str,
    pub(crate) parent: &'static str,
    /// Whether children are deleted with their parent; else they keep it.
    pub(crate) cascades: bool,
}

pub(crate) const REFERENCES: [Reference; 2] = [
    Reference { child: "child", column: "parent_id", parent: "parent", cascades: false },
    Reference { child: "leaf", column: "parent_id", parent: "parent", cascades: true },
];

/// Why a row cannot become what it shall.
#[derive(Debug, Clone)]
pub(crate) enum Obstacle {
    /// A transaction of the application that is open may take it away, or the runner's.
    Busy(Holder),
    /// A row that has the unique value.
    Unique(RowKey),
    /// A parent that is not there, or a child that is.
    Reference(RowKey),
}

impl Database {
    /// What keeps a row from becoming `new`; `None` is a delete, with which `taken` go.
    pub(crate) fn obstacle(
        &self,
        row: &RowKey,
        old: Option<&Cells>,
        (new_row, new): (&RowKey, Option<&Cells>),
        holder: Holder,
        taken: &[RowKey],
    ) -> Option<Obstacle> {
        if new.is_none() || row != new_row {
            let children = self.rows_referring_to(row, holder);
            let mut kept = children.into_iter().filter(|(child, _)| !taken.contains(child));
            if let Some((child, other)) = kept.next() {
                return Some(
                    other
                        .filter(|other| *other != holder)
                        .map_or_else(|| Obstacle::Reference(child), Obstacle::Busy),
                );
            }
        }
        let new = new?;
        let is_changed = |column: &str| {
            row != new_row || old.is_none_or(|old| old.get(column) != new.get(column))
        };
        for (table, column) in UNIQUE {
            let Some(value) = new.get(column).cloned().flatten() else { continue };
            if table == row.0 && is_changed(column) {
                let is_same = |cells: &Cells| cells.get(column) == Some(&Some(value.clone()));
                if let Some((other, by)) = self.others_with(row, holder, is_same) {
                    return Some(
                        by.filter(|by| *by != holder)
                            .map_or_else(|| Obstacle::Unique(other), Obstacle::Busy),
                    );
                }
            }
        }
        for reference in REFERENCES.iter().filter(|reference| reference.child == row.0) {
            let Some(key) = new.get(reference.column).cloned().flatten() else { continue };
            let parent = (reference.parent.to_owned(), key);
            if !is_changed(reference.column) {
                continue;
            }
            match self.locks.get(&parent) {
                Some(other) if *other != holder => return Some(Obstacle::Busy(*other)),
                _ if !self.rows.contains_key(&parent) => return Some(Obstacle::Reference(parent)),
                _ => {}
            }
        }
        None
    }

    /// Rows that refer to a row, as they are or may be again, each with who has changed it.
    fn rows_referring_to(&self, row: &RowKey, holder: Holder) -> Vec<(RowKey, Option<Holder>)> {
        let mut found = Vec::new();
        for reference in REFERENCES.iter().filter(|reference| reference.parent == row.0) {
            let is_child = |key: &RowKey, cells: &Cells| {
                key.0 == reference.child && cells[reference.column].as_ref() == Some(&row.1)
            };
            found.extend(self.as_they_may_be(holder, is_child));
        }
        found
    }

    fn others_with(
        &self,
        row: &RowKey,
        holder: Holder,
        is_meant: impl Fn(&Cells) -> bool,
    ) -> Option<(RowKey, Option<Holder>)> {
        let is_other =
            |key: &RowKey, cells: &Cells| key.0 == row.0 && key != row && is_meant(cells);
        self.as_they_may_be(holder, is_other).into_iter().next()
    }

    /// Rows as they are, with who has them locked, and as they were before the open transactions
    /// of others.
    fn as_they_may_be(
        &self,
        holder: Holder,
        is_meant: impl Fn(&RowKey, &Cells) -> bool,
    ) -> Vec<(RowKey, Option<Holder>)> {
        let now = self.rows.iter().filter(|(key, cells)| is_meant(key, cells));
        let mut found: Vec<(RowKey, Option<Holder>)> =
            now.map(|(key, _)| (key.clone(), self.locks.get(key).copied())).collect();
        let undo = self.open.iter().flat_map(|(slot, open)| {
            open.undo.iter().map(|(row, cells)| (row, cells, Holder::Application(*slot)))
        });
        let of_runner = self.runner.iter().flatten().filter_map(|entry| match entry {
            Undo::Row(row, cells) => Some((row, cells, Holder::Runner)),
            _ => None,
        });
        for (row, cells, other) in undo.chain(of_runner) {
            if other != holder && cells.as_ref().is_some_and(|cells| is_meant(row, cells)) {
                found.push((row.clone(), Some(other)));
            }
        }
        found
    }

    /// The rows that a delete of a row takes along.
    pub(crate) fn cascade(&self, row: &RowKey) -> Vec<RowKey> {
        let mut taken = Vec::new();
        for reference in REFERENCES.iter().filter(|r| r.parent == row.0 && r.cascades) {
            let children = self.rows.iter().filter(|(key, cells)| {
                key.0 == reference.child && cells[reference.column].as_ref() == Some(&row.1)
            });
            taken.extend(children.map(|(key, _)| key.clone()));
        }
        taken
    }

    /// The parents that a row refers to.
    pub(crate) fn parents(row: &RowKey, cells: Option<&Cells>) -> Vec<RowKey> {
        let references = REFERENCES.iter().filter(|reference| reference.child == row.0);
        references
            .filter_map(|r| Some((r.parent.to_owned(), cells?.get(r.column)?.clone()?)))
            .collect()
    }
}

impl ModelSession {
    /// Waits for what may go away, and refuses what the row cannot become.
    pub(crate) fn check(
        &self,
        world: &mut World,
        row: &RowKey,
        old: Option<&Cells>,
        (new_row, new): (&RowKey, Option<&Cells>),
    ) -> Result<(), Fault> {
        if !UNIQUE.iter().any(|(table, _)| *table == row.0)
            && !REFERENCES.iter().any(|r| r.child == row.0 || r.parent == row.0)
        {
            return Ok(());
        }
        loop {
            let node = &world.nodes[self.node];
            let taken = if new.is_none() { node.cascade(row) } else { Vec::new() };
            let refused = match node.obstacle(row, old, (new_row, new), Holder::Runner, &taken) {
                None => break,
                Some(Obstacle::Busy(Holder::Application(slot))) => {
                    world.wait(self.node, slot)?;
                    continue;
                }
                Some(Obstacle::Unique(other)) => {
                    fault(FaultKind::Conflict, &format!("{other:?} has the unique value"))
                }
                Some(Obstacle::Reference(other)) => {
                    let codes = &self.brand.dialect().faults.reference;
                    let code = codes.first().cloned().unwrap_or_default();
                    let message = format!("{other:?} is on the other side of a reference");
                    Fault { code, ..fault(FaultKind::Conflict, &message) }
                }
                Some(Obstacle::Busy(Holder::Runner)) => panic!("the runner waits for itself"),
            };
            return Err(refused);
        }
        let node = &mut world.nodes[self.node];
        for parent in Database::parents(new_row, new) {
            node.locks.insert(parent, Holder::Runner);
        }
        Ok(())
    }
}
