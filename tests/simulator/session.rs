//! A session with a node of the model: what the runner's statements do there.

use std::sync::{Arc, Mutex, MutexGuard};

use outrigger::db::{Fault, FaultKind, Mode, Reply, Session};
use outrigger::dialect::Brand;
use outrigger::model::{Row, Value};

use crate::brand::View;
use crate::database::{Holder, Undo};
use crate::world::{World, fault, gone};

pub(crate) struct ModelSession {
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) node: usize,
    pub(crate) brand: Brand,
    /// What an open reading transaction sees.
    pub(crate) view: Option<View>,
    pub(crate) window: Vec<i64>,
    /// Whether triggers take what is written here for an import.
    pub(crate) is_importing: bool,
    pub(crate) savepoint: usize,
}

impl ModelSession {
    pub(crate) fn new(world: Arc<Mutex<World>>, node: usize) -> Self {
        let brand = world.lock().unwrap().nodes[node].brand;
        let (window, view) = (Vec::new(), None);
        Self { world, node, brand, view, window, is_importing: false, savepoint: 0 }
    }

    fn statement(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Fault> {
        let world = self.world.clone();
        let mut world = world.lock().unwrap();
        // Of these none, so that the seeds from before them are the histories that they were.
        let is_step = !["list_unimported", "list_earlier"].iter().any(|name| sql.starts_with(name));
        let dies = is_step && world.step()?;
        let rows = self.answer(&mut world, sql, values)?;
        if dies { Err(gone()) } else { Ok(rows) }
    }

    fn begin_now(&mut self, mode: Mode) -> Result<(), Fault> {
        let world = self.world.clone();
        let mut world = world.lock().unwrap();
        // SQL Server's watermark is asked for before its snapshot is taken.
        let mark = world.nodes[self.node].view().mark;
        world.step()?;
        if mode != Mode::Write {
            let mut view = world.nodes[self.node].view();
            if self.brand == Brand::SqlServer {
                view.mark = mark;
            }
            self.view = Some(view);
            return Ok(());
        }
        if self.brand == Brand::Sqlite {
            let open: Vec<u8> = world.nodes[self.node].open.keys().copied().collect();
            for slot in open {
                world.wait(self.node, slot)?;
            }
        }
        world.nodes[self.node].runner = Some(Vec::new());
        Ok(())
    }

    fn end(&mut self, commits: bool) -> Result<(), Fault> {
        let world = self.world.clone();
        let mut world = world.lock().unwrap();
        let dies = world.step()?;
        self.view = None;
        if commits {
            self.may_commit(&mut world)?;
        }
        if self.brand.dialect().can.roll_back_import_marker {
            self.is_importing = false;
        }
        if world.nodes[self.node].runner.is_none() {
            return Ok(());
        }
        let moved = if commits { moved_imports(&world, self.node) } else { Vec::new() };
        let told = world.nodes[self.node].end_runner(commits);
        world.log_told(self.node, told);
        for (route, from, to) in moved {
            world.imported(self.node, route, from, to);
        }
        if dies { Err(gone()) } else { Ok(()) }
    }

    /// The lock of a row for the runner: false if the row is another's insert, which this brand
    /// does not see.
    pub(crate) fn lock_row(
        &self,
        world: &mut MutexGuard<'_, World>,
        row: &crate::database::RowKey,
        sees_inserts: bool,
    ) -> Result<bool, Fault> {
        let database = &mut world.nodes[self.node];
        if let Some(Holder::Application(slot)) = database.locks.get(row).copied() {
            let undo = &database.open[&slot].undo;
            let is_insert = undo
                .iter()
                .find(|(known, _)| known == row)
                .is_some_and(|(_, before)| before.is_none());
            if is_insert && !sees_inserts && self.brand == Brand::Postgres {
                return Ok(false);
            }
            world.wait(self.node, slot)?;
        }
        let database = &mut world.nodes[self.node];
        let exists = database.rows.contains_key(row);
        if exists || sees_inserts || self.brand == Brand::SqlServer {
            database.locks.insert(row.clone(), Holder::Runner);
        }
        Ok(exists)
    }
}

/// Import programs that the open transaction has moved: route, from, to.
fn moved_imports(world: &World, node: usize) -> Vec<(i64, i64, i64)> {
    let database = &world.nodes[node];
    let undo = database.runner.iter().flatten();
    let programs = undo.filter_map(|entry| match entry {
        Undo::Program(id, before) => Some((*id, before.pointer)),
        _ => None,
    });
    programs
        .filter_map(|(id, from)| {
            let route = world.routes.iter().find(|route| route.id.import_program() == id)?;
            Some((route.id.0, from, database.programs[&id].pointer))
        })
        .collect()
}

/// A refusal of a key that is there already.
pub(crate) fn duplicate() -> Fault {
    fault(FaultKind::Conflict, "the key is there already")
}

impl Session for ModelSession {
    fn brand(&self) -> Brand {
        self.brand
    }

    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        let done = self.statement(sql, &[]).map(|_| ());
        Box::pin(std::future::ready(done))
    }

    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        let done = self.statement(sql, values);
        let done = done.map(|rows| rows.first().and_then(|row| row.integer("n")).unwrap_or(0));
        Box::pin(std::future::ready(done.map(|n| u64::try_from(n).unwrap())))
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        Box::pin(std::future::ready(self.statement(sql, values)))
    }

    fn begin(&mut self, mode: Mode) -> Reply<'_, ()> {
        Box::pin(std::future::ready(self.begin_now(mode)))
    }

    fn commit(&mut self) -> Reply<'_, ()> {
        Box::pin(std::future::ready(self.end(true)))
    }

    fn rollback(&mut self) -> Reply<'_, ()> {
        Box::pin(std::future::ready(self.end(false)))
    }

    fn close(self: Box<Self>) -> Reply<'static, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}
