//! What has to change on a node, decided before anything is touched; pure.

use std::collections::BTreeMap;
use std::fmt;

use super::guid::{Standing, added_column, missing_statements, standing};
use super::history::{Installed, fingerprint, shape};
use super::wanted::{Program, Wanted};
use super::{
    EPOCH_TABLE, Error, HISTORY_TABLE, IMPORTED_TABLES, INBOX_TABLE, Live, NODE_TABLE,
    OUTBOX_TABLE, PROGRAM_TABLE,
};
use crate::dialect::Brand;
use crate::model::{NodeId, Table, TableName};
use crate::plan::TablePlan;
use crate::render::{Object, Script, ScriptKind, objects};

/// What has to change on a node.
#[derive(Debug, Clone)]
pub struct Migration {
    /// The node's brand.
    pub brand: Brand,
    /// One for each script, in the order in which they are run.
    pub actions: Vec<Action>,
    /// The id that the node gets, if it has none yet.
    pub names: Option<NodeId>,
    /// Programs that are to be made known.
    pub programs: Vec<Program>,
    /// Whether the imports begin again, since what they wrote is gone.
    pub rewind: Option<Rewind>,
}

/// When the imports are set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewind {
    /// Before anything is made: an interruption must not come between.
    First,
    /// At the end, since the table of programs or of the node is gone too.
    Last,
}

/// What happens to a script.
#[derive(Debug, Clone)]
pub enum Action {
    /// It is installed and as it should be.
    Keep(String),
    /// It is new.
    Install(Change),
    /// It is removed as it was installed, and installed as it should be.
    Replace(Change, Reason),
    /// It is no longer wanted.
    Remove {
        /// What the history says of it.
        installed: Installed,
        /// The statements that have something to remove.
        removal: Vec<String>,
    },
}

/// A script that is going to be installed.
#[derive(Debug, Clone)]
pub struct Change {
    /// What stands of an earlier installation, and has to go first.
    pub removal: Vec<String>,
    /// The script.
    pub script: Script,
    /// What the history will say of it.
    pub record: Installed,
    /// All statements of removal, the old ones first: what the history says while it is dirty.
    pub dirty_removal: Vec<String>,
}

/// Why a script is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// An installation was interrupted.
    Interrupted,
    /// The statements are others.
    Changed,
    /// The table has other columns.
    TableChanged,
    /// An object is gone.
    Missing,
    /// A trigger is not as it was installed.
    Altered,
    /// A trigger does not fire.
    Disabled,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupted => "its installation was interrupted",
            Self::Changed => "its SQL has changed",
            Self::TableChanged => "its table has changed",
            Self::Missing => "a part of it was missing",
            Self::Altered => "a trigger was altered",
            Self::Disabled => "a trigger was disabled",
        })
    }
}

impl Migration {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let is_kept = |action: &Action| matches!(action, Action::Keep(_));
        self.actions.iter().all(is_kept) && self.names.is_none() && self.programs.is_empty()
    }
}

/// Decides what has to change so that a node has what is wanted.
///
/// # Errors
/// When the node is another one, lacks something that is followed, has something of somebody
/// else in the way, or would lose what the configuration does not give up.
pub fn prepare(
    wanted: &Wanted<'_>,
    live: &Live,
    is_drop_allowed: bool,
) -> Result<Migration, Error> {
    check_node(&wanted.node, live)?;
    for table in &wanted.plan.tables {
        check_table(table, live)?;
    }
    check_names(wanted, live)?;
    let mut actions = obsolete(wanted, live, is_drop_allowed)?;
    let is_history = |script: &&Script| makes_history(script, live.brand);
    let first = wanted.scripts.iter().filter(is_history);
    let others = wanted.scripts.iter().filter(|script| !is_history(script));
    for script in first.chain(others) {
        actions.push(decide(wanted, live, script)?);
    }
    // The history has to be there before anything is written to it.
    let stands = |name: &str| live.objects.contains(&Object::new("table", name));
    let position =
        if stands(NODE_TABLE) && stands(PROGRAM_TABLE) { Rewind::First } else { Rewind::Last };
    let is_lost = actions.iter().any(|action| loses_imports(action, live.brand));
    let (head, tail) = actions.into_iter().partition::<Vec<_>, _>(|action| match action {
        Action::Install(change) => makes_history(&change.script, live.brand),
        _ => false,
    });
    Ok(Migration {
        brand: live.brand,
        actions: head.into_iter().chain(tail).collect(),
        names: live.node.is_none().then(|| wanted.node.clone()),
        programs: missing_programs(wanted, live)?,
        rewind: is_lost.then_some(position),
    })
}

/// Whether a table that the imports wrote is made anew.
fn loses_imports(action: &Action, brand: Brand) -> bool {
    let Action::Replace(change, Reason::Missing) = action else { return false };
    let made = objects(brand, &change.script.removal);
    IMPORTED_TABLES.iter().any(|name| made.contains(&Object::new("table", name)))
}

pub(super) fn makes_history(script: &Script, brand: Brand) -> bool {
    objects(brand, &script.removal).contains(&Object::new("table", HISTORY_TABLE))
}

pub(super) fn check_node(wanted: &NodeId, live: &Live) -> Result<(), Error> {
    match &live.node {
        Some(found) if found != wanted => {
            Err(Error::WrongNode { found: found.clone(), wanted: wanted.clone() })
        }
        _ => Ok(()),
    }
}

/// Whether a followed table is there with its columns.
fn check_table(wanted: &TablePlan, live: &Live) -> Result<(), Error> {
    let name = TableName::plain(&wanted.object_table);
    let Some(table) = live.table(wanted.namespace.as_deref(), &wanted.name) else {
        return Err(Error::NoTable { table: name });
    };
    let added = wanted.guid.as_ref().map(|guid| guid.column.name.as_str());
    for wanted in &wanted.row {
        if Some(wanted.name.as_str()) == added && table.column(&wanted.name).is_none() {
            continue;
        }
        let Some(column) = table.column(&wanted.name) else {
            return Err(Error::NoColumn { table: name, column: wanted.name.clone() });
        };
        let dialect = live.brand.dialect();
        let holds = column.logical_type.is_some_and(|has| dialect.holds(has, wanted.logical_type));
        if !holds {
            return Err(Error::OtherType {
                table: name,
                column: column.name.clone(),
                native_type: column.native_type.clone(),
                wanted: wanted.logical_type,
            });
        }
    }
    Ok(())
}

/// Whether a name that is needed belongs to somebody else.
fn check_names(wanted: &Wanted<'_>, live: &Live) -> Result<(), Error> {
    let ours: Vec<Object> =
        live.history.iter().flat_map(|installed| objects(live.brand, &installed.removal)).collect();
    let mut foreign = Vec::new();
    for script in &wanted.scripts {
        // The history is made only where there is none, whoever made it.
        if live.installed(&script.name).is_some() || makes_history(script, live.brand) {
            continue;
        }
        for needed in objects(live.brand, &script.removal) {
            let taken = live.objects.iter().find(|object| object.collides(&needed));
            foreign.extend(taken.filter(|object| !ours.contains(object)).cloned());
        }
    }
    if foreign.is_empty() { Ok(()) } else { Err(Error::Foreign { objects: foreign }) }
}

/// What is installed and no longer wanted, the last one first.
fn obsolete(wanted: &Wanted<'_>, live: &Live, is_drop_allowed: bool) -> Result<Vec<Action>, Error> {
    let is_wanted = |name: &str| wanted.scripts.iter().any(|script| script.name == name);
    let mut actions = Vec::new();
    let mut unexplained = Vec::new();
    for installed in live.history.iter().rev().filter(|installed| !is_wanted(&installed.name)) {
        let table = installed.object_table();
        // A column of GUIDs stays, only what is known of it goes.
        let drops = !matches!(installed.kind, ScriptKind::Guid(_));
        if drops && !is_drop_allowed && !table.is_some_and(|table| wanted.skips(table)) {
            unexplained.push(table.unwrap_or(&installed.name).to_owned());
        }
        actions.push(Action::Remove {
            installed: installed.clone(),
            removal: live.standing(&installed.removal),
        });
    }
    if unexplained.is_empty() {
        return Ok(actions);
    }
    unexplained.reverse();
    Err(Error::NeedsAllowDrop { tables: unexplained })
}

fn decide(wanted: &Wanted<'_>, live: &Live, script: &Script) -> Result<Action, Error> {
    let table = captured_table(wanted, live, script);
    let added = added_column(wanted, script);
    let record = Installed::new(script, table.map(|table| shape(table, added)));
    // What is recorded is the whole script, what is run only what is not there yet.
    let run = match standing(wanted, live, script) {
        Some(standing) => {
            Script { statements: missing_statements(script, standing), ..script.clone() }
        }
        None => script.clone(),
    };
    let Some(installed) = live.installed(&script.name) else {
        let (removal, dirty_removal) = (Vec::new(), script.removal.clone());
        return Ok(Action::Install(Change { removal, script: run, record, dirty_removal }));
    };
    let reason = match script.kind {
        ScriptKind::Control => control_reason(live, script, installed)?,
        ScriptKind::Guid(_) => guid_reason(script, installed, standing(wanted, live, script)),
        ScriptKind::Capture(_) | ScriptKind::View => {
            let shape = table.map(|table| shape(table, added));
            reason(live, script, installed, (table, shape))
        }
    };
    let Some(reason) = reason else { return Ok(Action::Keep(script.name.clone())) };
    let mut dirty_removal = installed.removal.clone();
    dirty_removal.extend(
        script.removal.iter().filter(|statement| !installed.removal.contains(statement)).cloned(),
    );
    let mut removal = live.standing(&installed.removal);
    removal.retain(|statement| !is_replaced_in_place(statement, script, live, table));
    Ok(Action::Replace(Change { removal, script: run, record, dirty_removal }, reason))
}

/// Whether the script itself replaces what a statement would remove. Where DDL cannot be rolled
/// back, a trigger that was removed beforehand would leave a moment in which nothing is captured;
/// one that is on another table by now stands in the way of its successor.
fn is_replaced_in_place(
    statement: &String,
    script: &Script,
    live: &Live,
    table: Option<&Table>,
) -> bool {
    !live.brand.dialect().can.roll_back_ddl
        && script.removal.contains(statement)
        && crate::render::object(live.brand, statement).is_some_and(|object| {
            object.is_trigger() && live.trigger(&object.name, table).is_some()
        })
}

/// The followed table of a capture script.
pub(super) fn captured_table<'a>(
    wanted: &Wanted<'_>,
    live: &'a Live,
    script: &Script,
) -> Option<&'a Table> {
    let ScriptKind::Capture(object_table) = &script.kind else { return None };
    let plan = wanted.plan.tables.iter().find(|table| table.object_table == *object_table)?;
    live.table(plan.namespace.as_deref(), &plan.name)
}

/// Whether a column of GUIDs stands, with its index.
fn guid_reason(
    script: &Script,
    installed: &Installed,
    standing: Option<Standing>,
) -> Option<Reason> {
    if installed.is_dirty {
        return Some(Reason::Interrupted);
    }
    if installed.checksum != script.checksum {
        return Some(Reason::Changed);
    }
    let is_whole = standing.is_none_or(|standing| standing.has_column && standing.is_unique);
    if is_whole { None } else { Some(Reason::Missing) }
}

/// Control tables hold data: they are made again only where nothing of them can be lost.
fn control_reason(
    live: &Live,
    script: &Script,
    installed: &Installed,
) -> Result<Option<Reason>, Error> {
    if installed.is_dirty {
        return Ok(Some(Reason::Interrupted));
    }
    let refuse = |how| Error::ControlChanged {
        script: script.name.clone(),
        tool_version: installed.tool_version.clone(),
        how,
    };
    let table = |name: &str| Object::new("table", name);
    let made = objects(live.brand, &installed.removal);
    let is_missing = |object: &&Object| !live.objects.contains(object);
    let missing = made.iter().filter(is_missing).count();
    // What else stands beside a table, a sequence or a function, is made again with it.
    let has_table = made.iter().any(|object| object.kind == "table" && !is_missing(&object));
    match missing {
        0 if installed.checksum == script.checksum => Ok(None),
        0 => Err(refuse("is made in another way by this version, which cannot migrate it")),
        // Its ids would begin anew, and stand for other changes where the old ones are known.
        _ if [OUTBOX_TABLE, INBOX_TABLE].iter().any(|name| made.contains(&table(name)))
            && live.objects.contains(&table(EPOCH_TABLE)) =>
        {
            Err(refuse("is gone, and with it the ids that the other nodes know"))
        }
        _ if !has_table => Ok(Some(Reason::Missing)),
        _ => Err(refuse("only a part of it is left")),
    }
}

fn reason(
    live: &Live,
    script: &Script,
    installed: &Installed,
    (table, shape): (Option<&Table>, Option<BTreeMap<String, String>>),
) -> Option<Reason> {
    if installed.is_dirty {
        return Some(Reason::Interrupted);
    }
    if installed.checksum != script.checksum {
        return Some(Reason::Changed);
    }
    if installed.shape.is_some() && installed.shape != shape {
        return Some(Reason::TableChanged);
    }
    let made = objects(live.brand, &installed.removal);
    if made.iter().any(|object| !live.objects.contains(object)) {
        return Some(Reason::Missing);
    }
    for name in installed.trigger_names(live.brand) {
        let Some(trigger) = live.trigger(&name, table) else { return Some(Reason::Missing) };
        if !trigger.is_enabled {
            return Some(Reason::Disabled);
        }
        let known = installed.triggers.as_ref().and_then(|known| known.get(&name));
        if known.is_some_and(|known| *known != fingerprint(trigger)) {
            return Some(Reason::Altered);
        }
    }
    None
}

/// The programs that are not known yet; a number that another route has is refused, because its
/// pointer belongs to another outbox.
fn missing_programs(wanted: &Wanted<'_>, live: &Live) -> Result<Vec<Program>, Error> {
    let mut missing = Vec::new();
    for program in &wanted.programs {
        match live.programs.iter().find(|known| known.id == program.id) {
            None => missing.push(program.clone()),
            Some(known)
                if known.programtype != program.programtype
                    || known.fromserver != program.fromserver
                    || known.toserver != program.toserver =>
            {
                return Err(Error::ProgramTaken {
                    id: known.id,
                    from: known.fromserver.clone(),
                    to: known.toserver.clone(),
                });
            }
            Some(_) => {}
        }
    }
    Ok(missing)
}
