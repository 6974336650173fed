//! References that a node looks at only at the commit, or where it is asked to before.

use std::collections::BTreeSet;

use outrigger::db::Fault;
use outrigger::dialect::Brand;

use crate::constraint::{Obstacle, REFERENCES, Reference, led_to};
use crate::database::{Cells, Database, Holder, RowKey, Undo};
use crate::history::Switch;
use crate::session::ModelSession;
use crate::world::World;

/// A row as it was before an open transaction changed it, and whose that is.
type Before<'a> = (&'a RowKey, Option<&'a Cells>, Holder);

impl Database {
    /// What open transactions take back if they do not commit.
    pub(crate) fn undone(&self) -> impl Iterator<Item = Before<'_>> {
        let undo = self.open.iter().flat_map(|(slot, open)| {
            open.undo.iter().map(|(row, cells)| (row, cells.as_ref(), Holder::Application(*slot)))
        });
        let of_runner = self.runner.iter().flatten().filter_map(|entry| match entry {
            Undo::Row(row, cells) => Some((row, cells.as_ref(), Holder::Runner)),
            _ => None,
        });
        undo.chain(of_runner)
    }

    /// What keeps a transaction from committing: a reference that is open, or whose other side
    /// somebody else is about to change.
    pub(crate) fn open_reference(&self, holder: Holder) -> Option<Obstacle> {
        if !self.defers {
            return None;
        }
        let own = self.undone().filter(|(_, _, by)| *by == holder);
        let touched: BTreeSet<&RowKey> = own.map(|(row, ..)| row).collect();
        touched.into_iter().find_map(|row| match self.rows.get(row) {
            Some(cells) => self.without_parent(row, cells, holder),
            None => self.with_children(row, holder),
        })
    }

    /// What another's open transaction makes of a row: who, and what it was before.
    fn changing(&self, row: &RowKey, holder: Holder) -> Option<(Holder, Option<&Cells>)> {
        let mut of_row = self.undone().filter(|(known, _, by)| *known == row && *by != holder);
        of_row.next().map(|(_, cells, by)| (by, cells))
    }

    fn without_parent(&self, row: &RowKey, cells: &Cells, holder: Holder) -> Option<Obstacle> {
        let circular = led_to(row, cells).filter(|(reference, _)| reference.is_circular);
        circular.map(|(_, parent)| parent).find_map(|parent| {
            match (self.changing(&parent, holder), self.rows.contains_key(&parent)) {
                (None | Some((_, Some(_))), true) => None,
                (Some((by, Some(_))), false) => Some(Obstacle::Busy(by)),
                (None, false) | (Some((_, None)), _) => Some(Obstacle::Reference(parent)),
            }
        })
    }

    fn with_children(&self, row: &RowKey, holder: Holder) -> Option<Obstacle> {
        let mut references = REFERENCES.iter().filter(|r| r.parent == row.0 && r.is_circular);
        references.find_map(|reference| self.child_of(row, reference, holder))
    }

    /// A row that refers to one that is gone, as the transaction sees it.
    fn child_of(&self, row: &RowKey, reference: &Reference, holder: Holder) -> Option<Obstacle> {
        let of_others = self.undone().filter(|(_, _, by)| *by != holder).map(|(row, ..)| row);
        let known: BTreeSet<&RowKey> = self.rows.keys().chain(of_others).collect();
        known.into_iter().filter(|key| key.0 == reference.child).find_map(|child| {
            let other = self.changing(child, holder);
            let cells = other.map_or_else(|| self.rows.get(child), |(_, before)| before)?;
            if cells.get(reference.column)?.as_ref() != Some(&row.1) {
                return None;
            }
            Some(match other {
                Some((by, _)) if !self.rows.contains_key(child) => Obstacle::Busy(by),
                _ => Obstacle::Reference(child.clone()),
            })
        })
    }
}

impl ModelSession {
    /// The database looks at what is deferred because the runner asks for it.
    pub(crate) fn check_deferred(&self, world: &mut World) -> Result<(), Fault> {
        if world.nodes[self.node].lacks(Switch::Deferred) {
            return Ok(());
        }
        self.look_at_deferred(world)
    }

    /// Whether the runner's transaction may commit. PostgreSQL rolls back what may not, SQLite
    /// leaves it open.
    pub(crate) fn may_commit(&mut self, world: &mut World) -> Result<(), Fault> {
        let refused = self.look_at_deferred(world);
        if refused.is_err() {
            world.counts.refused_commits += 1;
            if self.brand == Brand::Postgres {
                world.nodes[self.node].end_runner(false);
                self.is_importing = false;
            }
        }
        refused
    }

    fn look_at_deferred(&self, world: &mut World) -> Result<(), Fault> {
        loop {
            match world.nodes[self.node].open_reference(Holder::Runner) {
                None => break,
                Some(Obstacle::Busy(Holder::Application(slot))) => world.wait(self.node, slot)?,
                Some(Obstacle::Reference(other)) => return Err(self.still_refers(&other)),
                Some(other) => panic!("{other:?} is no open reference of the runner"),
            }
        }
        // Nobody deletes the parents before the commit.
        let node = &mut world.nodes[self.node];
        let touched = node.undone().filter(|(_, _, by)| *by == Holder::Runner);
        let there = touched.filter_map(|(row, ..)| Some((row, node.rows.get(row)?)));
        let all = there.flat_map(|(row, cells)| led_to(row, cells));
        let circular = all.filter(|(reference, _)| reference.is_circular);
        let parents: Vec<RowKey> = circular.map(|(_, parent)| parent).collect();
        for parent in parents {
            node.locks.entry(parent).or_insert(Holder::Runner);
        }
        Ok(())
    }
}
