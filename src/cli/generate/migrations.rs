//! The folder of a migration tool: read whole, and only ever added to.

use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::cli::console::Console;
use crate::error::{Error, Result};
use crate::layout::{self, Folder, MigrationFile, Outcome, Reason};

/// Folders of a layout below its own; anything deeper is not looked at.
const BELOW: [&str; 4] = ["deploy", "revert", "verify", "down"];

/// A folder on disk.
pub(super) struct Migrations {
    path: PathBuf,
    pub(super) files: Folder,
}

impl Migrations {
    /// Reads the folder; one that does not exist is empty.
    pub(super) fn read(path: PathBuf) -> Result<Self> {
        let mut files = Folder::new();
        read_into(&path, "", &mut files)?;
        for below in BELOW {
            read_into(&path.join(below), &format!("{below}/"), &mut files)?;
        }
        Ok(Self { path, files })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What could not be decided, with the folder's path.
    pub(super) fn refused(&self, source: layout::Error) -> Error {
        Error::Layout { path: self.path.clone(), source: Box::new(source) }
    }

    /// What would be added, as a diff of each file.
    pub(super) fn differences(&self, outcome: &Outcome) -> Vec<String> {
        let diff = |file: &MigrationFile| {
            let shown = self.path.join(&file.path).display().to_string();
            let diff = TextDiff::from_lines("", &file.text);
            diff.unified_diff().header("/dev/null", &shown).to_string()
        };
        outcome.new.iter().map(diff).collect()
    }

    /// Writes the new files, and then the lists that name them: when it is interrupted, the next
    /// run meets files that no list has, and says so.
    pub(super) fn write(&self, outcome: &Outcome, console: Console) -> Result<()> {
        for file in outcome.new.iter().chain(&outcome.lists) {
            let path = self.path.join(&file.path);
            let failed = |source| Error::Write { path: path.clone(), source };
            let folder = path.parent().unwrap_or(&self.path);
            std::fs::create_dir_all(folder).map_err(failed)?;
            std::fs::write(&path, &file.text).map_err(failed)?;
        }
        for (script, reason) in &outcome.reasons {
            let why = match reason {
                Reason::New => continue,
                Reason::Changed => "replaces what was emitted before",
                Reason::Dropped => "removes what is no longer followed",
            };
            console.note(&format!("{}: `{script}` {why}", self.path.display()));
        }
        let count = outcome.reasons.len();
        let migrations = if count == 1 { "migration" } else { "migrations" };
        console.note(&format!("{}: {count} {migrations} added", self.path.display()));
        Ok(())
    }
}

fn read_into(folder: &Path, prefix: &str, files: &mut Folder) -> Result<()> {
    let failed = |path: &Path, source| Error::Read { path: path.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|source| failed(folder, source))?,
    };
    for entry in entries {
        let path = entry.map_err(|source| failed(folder, source))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        if let Some(name) = name.filter(|_| path.is_file()) {
            let bytes = std::fs::read(&path).map_err(|source| failed(&path, source))?;
            files.insert(format!("{prefix}{name}"), bytes);
        }
    }
    Ok(())
}
