//! Unique columns and foreign keys of the model's tables, as databases look at them at once.

use outrigger::db::{Fault, FaultKind};
use outrigger::dialect::Brand;

use crate::database::{Cells, Database, Holder, RowKey};
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
    /// Whether its rows may come to refer to each other in a circle: a node that looks at these
    /// references at the commit defers them.
    pub(crate) is_circular: bool,
    pub(crate) is_nullable: bool,
}

pub(crate) const REFERENCES: [Reference; 8] = [
    tree("child", false),
    tree("leaf", true),
    circular("knot", "left_id", "knot", true),
    circular("knot", "right_id", "knot", true),
    circular("boss", "pet_id", "pet", true),
    circular("pet", "boss_id", "boss", true),
    circular("host", "guest_id", "guest", false),
    circular("guest", "host_id", "host", false),
];

const fn tree(child: &'static str, cascades: bool) -> Reference {
    let (column, parent) = ("parent_id", "parent");
    Reference { child, column, parent, cascades, is_circular: false, is_nullable: true }
}

const fn circular(
    child: &'static str,
    column: &'static str,
    parent: &'static str,
    is_nullable: bool,
) -> Reference {
    Reference { child, column, parent, cascades: false, is_circular: true, is_nullable }
}

/// The rows that a row refers to, and by what.
pub(crate) fn led_to(
    row: &RowKey,
    cells: &Cells,
) -> impl Iterator<Item = (&'static Reference, RowKey)> {
    references_of(&row.0).filter_map(|reference| {
        let key = cells.get(reference.column)?.clone()?;
        Some((reference, (reference.parent.to_owned(), key)))
    })
}

/// The references of a table.
pub(crate) fn references_of(table: &str) -> impl Iterator<Item = &'static Reference> {
    REFERENCES.iter().filter(move |reference| reference.child == table)
}

/// Why a row cannot become what it shall.
#[derive(Debug, Clone)]
pub(crate) enum Obstacle {
    /// A transaction of the application that is open may take it away, or the runner's.
    Busy(Holder),
    /// A row that has the unique value.
    Unique(RowKey),
    /// A parent that is not there, or a child that is.
    Reference(RowKey),
    /// A column that may not be NULL.
    Null(&'static str),
}

impl Obstacle {
    /// The one who has to end before it is known, unless it is known now.
    fn known(self, by: Option<Holder>, holder: Holder) -> Self {
        by.filter(|by| *by != holder).map_or(self, Self::Busy)
    }
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
            // MySQL takes a row that refers to itself for one that another refers to.
            let is_kept = |child: &RowKey| {
                !taken.contains(child) && (child != row || self.brand == Brand::Mysql)
            };
            let mut kept = children.into_iter().filter(|(child, _)| is_kept(child));
            if let Some((child, by)) = kept.next() {
                return Some(Obstacle::Reference(child).known(by, holder));
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
                    return Some(Obstacle::Unique(other).known(by, holder));
                }
            }
        }
        let is_null =
            |r: &&Reference| !r.is_nullable && new.get(r.column).is_none_or(Option::is_none);
        if let Some(reference) = references_of(&row.0).find(is_null) {
            return Some(Obstacle::Null(reference.column));
        }
        for (reference, parent) in led_to(new_row, new) {
            if !is_changed(reference.column) || !self.looks_at_once(reference) || parent == *new_row
            {
                continue;
            }
            match self.locks.get(&parent) {
                Some(other) if *other != holder => return Some(Obstacle::Busy(*other)),
                _ if !self.rows.contains_key(&parent) || parent == *row => {
                    return Some(Obstacle::Reference(parent));
                }
                _ => {}
            }
        }
        None
    }

    /// Whether a reference is looked at with each statement.
    pub(crate) fn looks_at_once(&self, reference: &Reference) -> bool {
        !(self.defers && reference.is_circular)
    }

    /// Rows that refer to a row, as they are or may be again, each with who has changed it.
    fn rows_referring_to(&self, row: &RowKey, holder: Holder) -> Vec<(RowKey, Option<Holder>)> {
        let mut found = Vec::new();
        let references = REFERENCES.iter().filter(|reference| reference.parent == row.0);
        for reference in references.filter(|reference| self.looks_at_once(reference)) {
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
        for (row, cells, other) in self.undone() {
            if other != holder && cells.is_some_and(|cells| is_meant(row, cells)) {
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

    /// The parents that a row refers to, of those that are looked at with each statement.
    pub(crate) fn parents(&self, row: &RowKey, cells: Option<&Cells>) -> Vec<RowKey> {
        let all = cells.into_iter().flat_map(|cells| led_to(row, cells));
        let at_once = all.filter(|(reference, _)| self.looks_at_once(reference));
        at_once.map(|(_, parent)| parent).collect()
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
                Some(Obstacle::Reference(other)) => self.still_refers(&other),
                Some(Obstacle::Null(column)) => {
                    fault(FaultKind::Rejected, &format!("{column} may not be NULL"))
                }
                Some(Obstacle::Busy(Holder::Runner)) => panic!("the runner waits for itself"),
            };
            return Err(refused);
        }
        let node = &mut world.nodes[self.node];
        for parent in node.parents(new_row, new) {
            node.locks.entry(parent).or_insert(Holder::Runner);
        }
        Ok(())
    }

    /// A refusal for a row on the other side of a reference.
    pub(crate) fn still_refers(&self, other: &RowKey) -> Fault {
        let codes = &self.brand.dialect().faults.reference;
        let code = codes.first().cloned().unwrap_or_default();
        let message = format!("{other:?} is on the other side of a reference");
        Fault { code, ..fault(FaultKind::Conflict, &message) }
    }
}
