//! The scripts of a plan, in the order in which they are installed.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Error, Templates};
use crate::dialect::Signal;
use crate::plan::{Account, Plan, TablePlan};

/// What a script is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScriptKind {
    /// Tables and objects that every node has; a node that only stores and forwards has no others.
    Control,
    /// The column of GUIDs by which a table is followed, named by its `object_table`. It stays when
    /// all else is removed.
    Guid(String),
    /// The triggers of one followed table, named by its `object_table`.
    Capture(String),
    /// The union last-update view.
    View,
}

/// A rendered, named, checksummed unit, with its removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// `002_outbox`, `100_capture_sales_order`: also the file's stem.
    pub name: String,
    /// What it is for.
    pub kind: ScriptKind,
    /// One statement each, as the brand's driver takes it.
    pub statements: Vec<String>,
    /// What removes it again, one statement each.
    pub removal: Vec<String>,
    /// SHA-256 of the statements and of the removal, hexadecimal; header aside.
    pub checksum: String,
    /// The whole file, header included.
    pub text: String,
    /// The whole file of the removal.
    pub removal_text: String,
}

/// What every node has: the number that its file begins with, the template, the tables.
const CONTROL: [(&str, &str, &[&str]); 10] = [
    ("001_node", "install/node", &["ds_node"]),
    ("002_outbox", "install/outbox", &["ds_change_outbox"]),
    ("003_inbox", "install/inbox", &["ds_change_inbox"]),
    ("004_program_parameter", "install/program_parameter", &["ds_program_parameter"]),
    ("005_change_version", "install/change_version", &["ds_change_version"]),
    ("006_quarantine", "install/quarantine", &["ds_quarantine"]),
    ("007_history", "install/history", &["ds_migration_history"]),
    ("008_conflict", "install/conflict", &["ds_conflict"]),
    ("009_epoch", "install/epoch", &["ds_epoch", "ds_exchange"]),
    ("010_purge", "install/purge", &["ds_purge"]),
];

/// The templates of a followed table's triggers.
/// The first and the last keep writers out meanwhile, where no transaction does.
const CAPTURE: [&str; 7] = [
    "capture/open",
    "capture/unseen",
    "capture/insert",
    "capture/update",
    "capture/delete",
    "capture/truncate",
    "capture/close",
];

/// For fewer tables a thread of its own does not pay.
const TABLES_PER_WORKER: usize = 16;

/// Tables that are rendered before their scripts are handed over.
const TABLES_AT_ONCE: usize = 256;

#[derive(Serialize)]
struct TableContext<'a> {
    database: &'a str,
    namespace: Option<&'a str>,
    command: &'a str,
    signal: Option<&'a Signal>,
    table: &'a TablePlan,
}

#[derive(Serialize)]
struct VerificationContext<'a> {
    namespace: Option<&'a str>,
    relations: &'a [&'a str],
    has_view: bool,
    table: Option<&'a TablePlan>,
    guid: Option<&'a TablePlan>,
}

#[derive(Serialize)]
struct GrantsContext<'a> {
    namespace: Option<&'a str>,
    relations: Vec<&'a str>,
    tables: &'a [TablePlan],
    has_view: bool,
    owner: Option<&'a Account>,
    runner: Option<&'a Account>,
    application: Option<&'a Account>,
}

#[derive(Serialize)]
struct SwitchContext<'a> {
    table: &'a TablePlan,
}

#[derive(Serialize)]
struct ControlContext<'a> {
    database: &'a str,
    namespace: Option<&'a str>,
    stamped_tables: Vec<&'a TablePlan>,
}

/// All scripts of a plan, in the order of installation; removal goes backward.
///
/// # Errors
/// When a template asks for something that the plan does not have.
pub fn scripts(plan: &Plan, templates: &Templates) -> Result<Vec<Script>, Error> {
    let mut scripts = Vec::new();
    each_script(plan, templates, |script| scripts.push(script))?;
    Ok(scripts)
}

/// The same scripts in the same order, one by one: who keeps only a part of each needs the memory
/// for that part alone.
///
/// # Errors
/// When a template asks for something that the plan does not have; what came before has been
/// taken then.
pub fn each_script(
    plan: &Plan,
    templates: &Templates,
    mut take: impl FnMut(Script),
) -> Result<(), Error> {
    let mut context = ControlContext {
        database: &plan.database,
        namespace: plan.namespace.as_deref(),
        stamped_tables: Vec::new(),
    };
    for (name, template, _) in CONTROL {
        let pieces = templates.pieces(template, &context)?;
        take(script(plan, name.to_owned(), ScriptKind::Control, pieces));
    }
    if plan.is_store {
        return Ok(());
    }
    for table in plan.tables.iter().filter(|table| table.guid.is_some()) {
        take(guid_script(plan, table, templates)?);
    }
    for tables in plan.tables.chunks(TABLES_AT_ONCE) {
        capture_scripts(plan, tables, templates)?.into_iter().for_each(&mut take);
    }
    context.stamped_tables =
        plan.tables.iter().filter(|table| table.last_update.is_some()).collect();
    let pieces = templates.pieces("install/union_view", &context)?;
    take(script(plan, "900_union_view".to_owned(), ScriptKind::View, pieces));
    Ok(())
}

/// The scripts of some tables, in the plan's order. Each table's are a function of the table
/// alone, so the machine's processors share them.
fn capture_scripts(
    plan: &Plan,
    tables: &[TablePlan],
    templates: &Templates,
) -> Result<Vec<Script>, Error> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let share = tables.len().div_ceil(workers).max(TABLES_PER_WORKER);
    std::thread::scope(|scope| {
        let shares: Vec<_> = tables
            .chunks(share)
            .map(|tables| {
                scope.spawn(move || {
                    let scripts = tables.iter().map(|table| capture_script(plan, table, templates));
                    scripts.collect::<Result<Vec<_>, _>>()
                })
            })
            .collect();
        let mut scripts = Vec::with_capacity(tables.len());
        for share in shares {
            scripts.extend(share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(scripts)
    })
}

/// The column of GUIDs of one table.
fn guid_script(plan: &Plan, table: &TablePlan, templates: &Templates) -> Result<Script, Error> {
    let pieces = templates.pieces("capture/guid", &SwitchContext { table })?;
    let name = format!("050_guid_{}", file_stem(&table.object_table));
    let mut made = script(plan, name, ScriptKind::Guid(table.object_table.clone()), pieces);
    made.removal_text.push_str(
        "\n-- Nothing: the column and its values stay. Drop it when no node follows the table by \
         it.\n",
    );
    Ok(made)
}

/// The triggers of one table.
fn capture_script(plan: &Plan, table: &TablePlan, templates: &Templates) -> Result<Script, Error> {
    // Not the whole plan: it would be carried into every template of every table.
    let context = TableContext {
        database: &plan.database,
        namespace: plan.namespace.as_deref(),
        command: plan.command,
        signal: plan.signal.as_ref(),
        table,
    };
    let context = templates.context("capture", &context)?;
    let mut statements = Vec::new();
    let mut removal = Vec::new();
    for template in CAPTURE {
        let (install, remove) = templates.pieces_of(template, &context)?;
        statements.extend(install);
        removal.extend(remove);
    }
    let name = format!("100_capture_{}", file_stem(&table.object_table));
    let kind = ScriptKind::Capture(table.object_table.clone());
    Ok(script(plan, name, kind, (statements, removal)))
}

fn script(
    plan: &Plan,
    name: String,
    kind: ScriptKind,
    (statements, removal): (Vec<String>, Vec<String>),
) -> Script {
    let mut digest = Sha256::new();
    for statement in statements.iter().chain(std::iter::once(&String::new())).chain(&removal) {
        digest.update(statement.as_bytes());
        digest.update([0]);
    }
    let checksum = crate::plan::hex(&digest.finalize());
    let text = file(plan, &name, "installs", &statements);
    let removal_text = file(plan, &name, "removes", &removal);
    Script { name, kind, statements, removal, checksum, text, removal_text }
}

/// A file for a DBA or a migration tool: header, then the statements with the brand's separator.
fn file(plan: &Plan, name: &str, does: &str, statements: &[String]) -> String {
    let mut text = header(plan, name, does);
    let separator = &plan.brand.dialect().client.separator;
    for statement in statements {
        text.push('\n');
        text.push_str(statement);
        text.push('\n');
        if !separator.is_empty() {
            text.push_str(separator);
            text.push('\n');
        }
    }
    text
}

/// The comment at the head of a script's file: which script, what the file `does` with it, and
/// the hashes of what it was made from.
#[must_use]
pub fn header(plan: &Plan, name: &str, does: &str) -> String {
    format!(
        "-- {name} for {}: {does} change capture of `{}`.\n\
         -- Generated by outrigger {}; do not edit, run `outrigger generate` again.\n\
         -- schema {}\n-- configuration {}\n",
        plan.brand.dialect().title,
        plan.database.replace(char::is_control, " "),
        env!("CARGO_PKG_VERSION"),
        plan.schema_hash,
        plan.config_hash,
    )
}

/// Statements that fail where the script is not installed, and change nothing.
///
/// # Errors
/// When a template cannot be filled.
pub fn verification(
    plan: &Plan,
    script: &Script,
    templates: &Templates,
) -> Result<Vec<String>, Error> {
    let is_of = |table: &&TablePlan| match &script.kind {
        ScriptKind::Capture(object_table) | ScriptKind::Guid(object_table) => {
            table.object_table == *object_table
        }
        ScriptKind::Control | ScriptKind::View => false,
    };
    let found = plan.tables.iter().find(is_of);
    let (guid, table) = match script.kind {
        ScriptKind::Guid(_) => (found, None),
        _ => (None, found),
    };
    let relations = CONTROL.iter().find(|(name, ..)| *name == script.name);
    let context = VerificationContext {
        namespace: plan.namespace.as_deref(),
        relations: relations.map_or(&[], |(_, _, relations)| relations),
        has_view: script.kind == ScriptKind::View,
        table,
        guid,
    };
    Ok(templates.pieces("install/verification", &context)?.0)
}

/// Statements that give each configured role the rights that it needs, and no more.
///
/// # Errors
/// When a template cannot be filled.
pub fn grants(plan: &Plan, templates: &Templates) -> Result<Vec<String>, Error> {
    let context = GrantsContext {
        namespace: plan.namespace.as_deref(),
        relations: CONTROL.iter().flat_map(|(_, _, relations)| relations.iter().copied()).collect(),
        tables: &plan.tables,
        has_view: !plan.is_store,
        owner: plan.roles.owner.as_ref(),
        runner: plan.roles.runner.as_ref(),
        application: plan.roles.application.as_ref(),
    };
    Ok(templates.pieces("install/grants", &context)?.0)
}

/// The file of [`grants`].
///
/// # Errors
/// When a template cannot be filled.
pub fn grants_text(plan: &Plan, templates: &Templates) -> Result<String, Error> {
    Ok(file(plan, "grants", "gives the rights for", &grants(plan, templates)?))
}

/// What switches the triggers of a table off, and on again; both empty where a brand has no such
/// switch.
///
/// # Errors
/// When a template cannot be filled.
pub fn switch(
    table: &TablePlan,
    templates: &Templates,
) -> Result<(Vec<String>, Vec<String>), Error> {
    templates.pieces("capture/disable", &SwitchContext { table })
}

/// A table's name as part of a file's name: letters, digits, `_`, `.` and `-` stay; when anything
/// else was there, a hash keeps two such tables apart.
fn file_stem(object_table: &str) -> String {
    let is_kept = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
    if object_table.chars().all(is_kept) {
        return object_table.to_owned();
    }
    let hash = crate::plan::hex(&Sha256::digest(object_table.as_bytes()));
    let stem: String = object_table.chars().map(|c| if is_kept(c) { c } else { '_' }).collect();
    format!("{stem}_{}", &hash[..8])
}
