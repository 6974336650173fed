//! Scripts become files of a team's migration tool: numbered, and never changed again.
//!
//! Pure: scripts and what the folder holds in, new files out. What was emitted last stands in
//! `outrigger.lock.json`, so that a changed trigger becomes a new migration that can be undone;
//! `outrigger.sum` tells when a file is not what was written.

mod lock;
mod phase;
mod state;
mod sum;
mod tool;
mod unit;
mod version;
mod write;

use std::collections::BTreeMap;

pub use phase::{AFTER_NAME, BEFORE_NAME, phases};
pub use state::{STATE_NAME, State};
pub use sum::SUM_NAME;
pub use tool::Layout;
pub use unit::Reason;

use crate::dialect::Brand;
use crate::plan::Plan;
use crate::render::{self, Script, Templates};
use lock::Lock;
use unit::Migration;
use version::Versions;

/// A file by its path within the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationFile {
    /// The path, with `/` between folders.
    pub path: String,
    /// The text.
    pub text: String,
}

/// A folder's files as they are, by their path within it.
pub type Folder = BTreeMap<String, Vec<u8>>;

/// What a folder needs so that its migrations lead to the scripts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Files that do not exist yet.
    pub new: Vec<MigrationFile>,
    /// Lists that grow with each migration: lock, sums, plan.
    pub lists: Vec<MigrationFile>,
    /// Why each migration is needed, in their order.
    pub reasons: Vec<(String, Reason)>,
}

/// Why no migration can be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tool does not run the brand's files.
    #[error(
        "{layout} cannot run triggers of {brand}; the layouts of {brand} are {}",
        Layout::names_for(*brand).join(", ")
    )]
    NotRun {
        /// The layout.
        layout: Layout,
        /// The brand.
        brand: Brand,
    },
    /// The folder has another layout.
    #[error("the folder has the layout `{found}`, not `{wanted}`")]
    OtherLayout {
        /// What it has.
        found: String,
        /// What was asked for.
        wanted: Layout,
    },
    /// The list of what was emitted is not what was written.
    #[error("`{path}` {reason}")]
    Broken {
        /// The file.
        path: String,
        /// Completes the sentence.
        reason: String,
    },
    /// Files are not as they were written.
    #[error("`{}` changed after it was generated", paths.join("`, `"))]
    Edited {
        /// The files.
        paths: Vec<String>,
    },
    /// A new file would replace another.
    #[error("`{path}` exists already")]
    Exists {
        /// The file.
        path: String,
    },
    /// A control table is not what this version makes.
    #[error("`{script}` was emitted as {version} and has changed; its table holds rows")]
    ControlChanged {
        /// The script.
        script: String,
        /// The version of its migration.
        version: String,
    },
    /// A version that no migration can have.
    #[error("the version `{given}` {reason}")]
    Version {
        /// What was given, or would come next.
        given: String,
        /// Completes the sentence.
        reason: String,
    },
    /// A statement would be read otherwise by the tool.
    #[error("`{script}` cannot be written for {layout}: a name or text in it has {what}")]
    Unfit {
        /// The script.
        script: String,
        /// The layout.
        layout: Layout,
        /// What the tool would read.
        what: String,
    },
    /// The statements that look after a migration cannot be made.
    #[error(transparent)]
    Render(#[from] render::Error),
}

/// The migrations that lead from what the folder holds to `scripts`, which are `plan`'s.
///
/// `first` is the version of the first of them; otherwise they go on above the highest version
/// in the folder, whoever's it is. When the folder is up to date nothing is new.
///
/// # Errors
/// When a file that was emitted is missing or changed, and when a migration cannot be written.
pub fn migrate(
    layout: Layout,
    plan: &Plan,
    scripts: &[Script],
    templates: &Templates,
    folder: &Folder,
    first: Option<&str>,
) -> Result<Outcome, Error> {
    if layout.tool_name(plan.brand).is_none() {
        return Err(Error::NotRun { layout, brand: plan.brand });
    }
    let mut lock = Lock::read(folder, layout)?;
    let changed = sum::changed(folder)?;
    if !changed.is_empty() {
        return Err(Error::Edited { paths: changed });
    }
    let mut versions = Versions::above(folder, first)?;
    let mut outcome = Outcome::default();
    for change in unit::changes(&lock, scripts)? {
        let version = versions.next()?;
        let migration = Migration::of(&change, version, plan);
        let checks = match &change.script {
            Some(script) if layout == Layout::Sqitch => {
                render::verification(plan, script, templates)?
            }
            _ => Vec::new(),
        };
        write::check(layout, &migration, plan.brand)?;
        outcome.new.extend(write::files(layout, &migration, &checks, plan.brand));
        outcome.reasons.push((migration.script.clone(), change.reason));
        lock.note(&change, &migration);
    }
    if outcome.new.is_empty() {
        return Ok(outcome);
    }
    if let Some(file) = outcome.new.iter().find(|file| folder.contains_key(&file.path)) {
        return Err(Error::Exists { path: file.path.clone() });
    }
    outcome.lists = lists(layout, &lock, folder, &outcome.new, plan)?;
    Ok(outcome)
}

/// Refuses statements of which the brand's own client would read a part as its own, in a file of
/// no migration tool; `name` says in the error what they are.
///
/// # Errors
/// [`Error::Unfit`].
pub fn check_plain(name: &str, statements: &[String], brand: Brand) -> Result<(), Error> {
    write::check_statements(Layout::Plain, name, || statements.iter(), brand)
}

/// The lists of the folder as they are with the new files.
fn lists(
    layout: Layout,
    lock: &Lock,
    folder: &Folder,
    new: &[MigrationFile],
    plan: &Plan,
) -> Result<Vec<MigrationFile>, Error> {
    let mut lists = vec![lock.file()];
    if layout == Layout::Sqitch {
        lists.push(write::sqitch_plan(folder, new, &plan.database)?);
    }
    if layout == Layout::Atlas {
        lists.push(sum::atlas(folder, new));
    }
    lists.push(sum::file(folder, new, &lists[..1])?);
    Ok(lists)
}
