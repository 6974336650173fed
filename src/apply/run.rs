//! Installing and removing under a lock, all or nothing where the brand can.

use super::history::{Installed, fingerprint};
use super::inspect::{Live, observe};
use super::prepare::{Action, Change, Migration, Rewind, check_node, makes_history, prepare};
use super::statements::{Bound, Statements};
use super::wanted::Wanted;
use super::{Error, HISTORY_TABLE, OUTBOX_TABLE, locked};
use crate::db::{Mode, Session};
use crate::dialect::Brand;
use crate::model::{NodeId, Value};
use crate::outbox::{fetch, fetch_one};
use crate::render::{Object, ScriptKind};
use crate::schema;

/// Brings a node to what is wanted, and says what has been done. `progress` is told, before each
/// script, how many are done and how many there are.
///
/// # Errors
/// As [`prepare`], and when the lock is not to be had in time or a statement is refused; then
/// nothing has changed, or, where DDL cannot be rolled back, the next call goes on.
pub async fn apply(
    session: &mut dyn Session,
    statements: &Statements,
    wanted: &Wanted<'_>,
    is_drop_allowed: bool,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Migration, Error> {
    let outcome = match open(session, statements).await {
        Ok(()) => migrate(session, statements, wanted, is_drop_allowed, progress).await,
        Err(error) => Err(error),
    };
    shut(session, statements, outcome).await
}

async fn migrate(
    session: &mut dyn Session,
    statements: &Statements,
    wanted: &Wanted<'_>,
    is_drop_allowed: bool,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Migration, Error> {
    let live = observe(session, statements, &wanted.scripts).await?;
    let migration = prepare(wanted, &live, is_drop_allowed)?;
    let tasks = tasks(&migration, statements)?;
    for (position, task) in tasks.iter().enumerate() {
        progress(position, tasks.len());
        task.run(session).await?;
    }
    let changes: Vec<&Change> = migration.changes().collect();
    if changes.is_empty() {
        return Ok(migration);
    }
    let found = schema::triggers(&fetch(session, &statements.triggers, &[]).await?);
    for change in changes {
        let mut record = change.record.clone();
        if record.object_table().is_some() {
            let names = record.trigger_names(statements.brand);
            let own = found.iter().filter(|trigger| names.contains(&trigger.name));
            let prints = own.map(|trigger| (trigger.name.clone(), fingerprint(trigger)));
            record.triggers = Some(prints.collect());
        }
        write(session, &written(statements, &record)?).await?;
    }
    Ok(migration)
}

/// What is removed from a node.
#[derive(Debug, Clone)]
pub struct Removal {
    /// The node's brand.
    pub brand: Brand,
    /// What the history lists, the last one first, with the statements that still have
    /// something to remove; the history itself comes at the end.
    pub scripts: Vec<(Installed, Vec<String>)>,
    /// The rows of the outbox that go.
    pub outbox_rows: i64,
}

/// Reads what a removal would take away.
///
/// # Errors
/// When the node is another one, or the database refuses.
pub async fn prepare_removal(
    session: &mut dyn Session,
    statements: &Statements,
    node: &NodeId,
) -> Result<Removal, Error> {
    let live = observe(session, statements, &[]).await?;
    check_node(node, &live)?;
    let mut rows = 0;
    if live.owns("table", OUTBOX_TABLE) {
        let pointer = [("pointer", Value::Integer(0))];
        let row = fetch_one(session, &statements.count_outbox, &pointer).await?;
        rows = row.and_then(|row| row.integer("row_count")).unwrap_or(0);
    }
    Ok(Removal { brand: live.brand, scripts: backward(&live), outbox_rows: rows })
}

fn backward(live: &Live) -> Vec<(Installed, Vec<String>)> {
    let history = Object::new("table", HISTORY_TABLE);
    let is_history =
        |installed: &&Installed| super::objects(live.brand, &installed.removal).contains(&history);
    let (last, mut scripts): (Vec<_>, Vec<_>) = live.history.iter().partition(is_history);
    scripts.reverse();
    scripts.extend(last);
    let standing = |installed: &Installed| (installed.clone(), live.standing(&installed.removal));
    scripts.into_iter().map(standing).collect()
}

/// Takes away everything that the history lists, and says what that was. Rows of the outbox are
/// given up only if `is_discarding`.
///
/// # Errors
/// As [`prepare_removal`], and when the lock is not to be had in time, the outbox has rows, or a
/// statement is refused; then nothing has changed, or, where DDL cannot be rolled back, the next
/// call goes on.
pub async fn remove(
    session: &mut dyn Session,
    statements: &Statements,
    node: &NodeId,
    is_discarding: bool,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Removal, Error> {
    let outcome = match open(session, statements).await {
        Ok(()) => take_away(session, statements, node, is_discarding, progress).await,
        Err(error) => Err(error),
    };
    shut(session, statements, outcome).await
}

async fn take_away(
    session: &mut dyn Session,
    statements: &Statements,
    node: &NodeId,
    is_discarding: bool,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Removal, Error> {
    let removal = prepare_removal(session, statements, node).await?;
    if removal.outbox_rows > 0 && !is_discarding {
        return Err(Error::OutboxNotEmpty { rows: removal.outbox_rows });
    }
    let tasks = removal_tasks(&removal, statements)?;
    for (position, task) in tasks.iter().enumerate() {
        progress(position, tasks.len());
        task.run(session).await?;
    }
    Ok(removal)
}

/// The statements of one script, in their order.
pub(super) struct Task {
    pub(super) script: String,
    pub(super) steps: Vec<Step>,
}

/// One statement.
pub(super) enum Step {
    /// Of a script's installation, without parameters.
    Install(String),
    /// Of a script's removal, without parameters.
    Remove(String),
    /// Of the book-keeping.
    Bound(Bound),
}

impl Task {
    async fn run(&self, session: &mut dyn Session) -> Result<(), Error> {
        for step in &self.steps {
            let (sql, done) = match step {
                Step::Install(sql) => (sql, "installed"),
                Step::Remove(sql) => (sql, "removed"),
                Step::Bound(bound) => {
                    write(session, bound).await?;
                    continue;
                }
            };
            let refused = |source| Error::Script { script: self.script.clone(), done, source };
            session.raw(sql).await.map_err(refused)?;
        }
        Ok(())
    }
}

impl Migration {
    /// The scripts that are installed, new or again.
    pub(super) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.actions.iter().filter_map(|action| match action {
            Action::Install(change) | Action::Replace(change, _) => Some(change),
            Action::Keep(_) | Action::Remove { .. } => None,
        })
    }
}

/// The statements of a migration, but for the records that are written at its end.
pub(super) fn tasks(migration: &Migration, statements: &Statements) -> Result<Vec<Task>, Error> {
    let mut tasks = Vec::new();
    let rewind = |at| (migration.rewind == Some(at)).then(|| rewind_task(statements));
    tasks.extend(rewind(Rewind::First).transpose()?);
    for action in &migration.actions {
        match action {
            Action::Keep(_) => {}
            Action::Install(change) | Action::Replace(change, _) => {
                tasks.push(change_task(change, statements)?);
            }
            Action::Remove { installed, removal } => {
                tasks.push(remove_task(installed, removal, statements, true)?);
            }
        }
    }
    let mut rows = Vec::new();
    if let Some(node) = &migration.names {
        let given = [("node_id", node.as_str().into())];
        rows.push(Step::Bound(Bound::new(&statements.name_node, &given)?));
    }
    for program in &migration.programs {
        let bound = Bound::new(&statements.write_program, &program.values())?;
        rows.push(Step::Bound(bound));
    }
    if !rows.is_empty() {
        tasks.push(Task { script: "node and programs".to_owned(), steps: rows });
    }
    tasks.extend(rewind(Rewind::Last).transpose()?);
    Ok(tasks)
}

/// Sets the imports back to the beginning of the inbox.
fn rewind_task(statements: &Statements) -> Result<Task, Error> {
    let bound = |statement| Ok::<_, Error>(Step::Bound(Bound::new(statement, &[])?));
    let steps = statements.rewind_imports.iter().map(bound).collect::<Result<_, _>>()?;
    Ok(Task { script: "imports begin again".to_owned(), steps })
}

fn change_task(change: &Change, statements: &Statements) -> Result<Task, Error> {
    let can_roll_back = statements.brand.dialect().can.roll_back_ddl;
    let mut steps = Vec::new();
    if !can_roll_back && !makes_history(&change.script, statements.brand) {
        let dirty = Installed {
            is_dirty: true,
            removal: change.dirty_removal.clone(),
            ..change.record.clone()
        };
        steps.push(Step::Bound(written(statements, &dirty)?));
    }
    steps.extend(change.removal.iter().cloned().map(Step::Remove));
    steps.extend(change.script.statements.iter().cloned().map(Step::Install));
    // What holds data is clean as soon as it stands: a later interruption must not undo it.
    if !can_roll_back && change.script.kind == ScriptKind::Control {
        steps.push(Step::Bound(written(statements, &change.record)?));
    }
    Ok(Task { script: change.script.name.clone(), steps })
}

fn remove_task(
    installed: &Installed,
    removal: &[String],
    statements: &Statements,
    is_recorded: bool,
) -> Result<Task, Error> {
    let mut steps: Vec<Step> = removal.iter().cloned().map(Step::Remove).collect();
    if is_recorded {
        let given = [("name", installed.name.as_str().into())];
        steps.push(Step::Bound(Bound::new(&statements.delete_history, &given)?));
    }
    Ok(Task { script: installed.name.clone(), steps })
}

pub(super) fn removal_tasks(
    removal: &Removal,
    statements: &Statements,
) -> Result<Vec<Task>, Error> {
    let history = Object::new("table", HISTORY_TABLE);
    let task = |(installed, standing): &(Installed, Vec<String>)| {
        // The history cannot say that it is gone itself.
        let is_recorded = !super::objects(removal.brand, &installed.removal).contains(&history);
        remove_task(installed, standing, statements, is_recorded)
    };
    removal.scripts.iter().map(task).collect()
}

/// The statement that records a script.
pub(super) fn written(statements: &Statements, record: &Installed) -> Result<Bound, Error> {
    Ok(Bound::new(&statements.write_history, &record.values())?)
}

async fn write(session: &mut dyn Session, bound: &Bound) -> Result<(), Error> {
    session.execute(&bound.sql, &bound.values).await?;
    Ok(())
}

/// Takes the lock, in a transaction where DDL can be rolled back.
async fn open(session: &mut dyn Session, statements: &Statements) -> Result<(), Error> {
    let seconds = statements.wait_seconds;
    for statement in &statements.lock_wait {
        session.raw(&statement.sql).await?;
    }
    if statements.brand.dialect().can.roll_back_ddl {
        session.begin(Mode::Write).await.map_err(|fault| locked(seconds, fault))?;
    }
    let rows = session.fetch(&statements.lock.sql, &[]).await;
    let rows = rows.map_err(|fault| locked(seconds, fault))?;
    match rows.first().and_then(|row| row.integer("is_locked")) {
        Some(1) => Ok(()),
        _ => Err(Error::Locked { seconds, source: None }),
    }
}

/// Ends the transaction and gives the lock back. After a failure only that one is reported.
async fn shut<T>(
    session: &mut dyn Session,
    statements: &Statements,
    outcome: Result<T, Error>,
) -> Result<T, Error> {
    let in_transaction = statements.brand.dialect().can.roll_back_ddl;
    let outcome = match outcome {
        Ok(done) if in_transaction => session.commit().await.map(|()| done).map_err(Error::from),
        Ok(done) => Ok(done),
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        let _ = session.rollback().await;
    }
    let mut unlocked = Ok(());
    for statement in &statements.unlock {
        unlocked = unlocked.and(session.raw(&statement.sql).await);
    }
    let done = outcome?;
    unlocked?;
    Ok(done)
}
