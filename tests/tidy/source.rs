//! The files of the repository, as the rules look at them.

use std::path::{Path, PathBuf};

/// A text file.
pub(crate) struct File {
    /// Its path below the repository, with slashes.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// The repository's folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// One file of the repository.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder whose name ends in `ending`, sorted by path; at least one.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<File> {
    let mut found = Vec::new();
    collect(&root().join(folder), ending, &mut found);
    found.sort_by(|one, two| one.path.cmp(&two.path));
    assert!(!found.is_empty(), "{folder} has no files that end in {ending}");
    found
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            let text = std::fs::read_to_string(&path).unwrap();
            let below = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            found.push(File { path: below, text });
        }
    }
}

impl File {
    /// The room of a file below `src`: `src/db/mod.rs` is of `db`, `src/error.rs` of `error`.
    pub(crate) fn room(&self) -> &str {
        let below = self.path.strip_prefix("src/").expect("a file of src");
        below.split('/').next().expect("a path has a first part").trim_end_matches(".rs")
    }

    /// The lines that are shipped, by their numbers: no unit tests and no comments.
    pub(crate) fn code(&self) -> Vec<(usize, &str)> {
        if self.path.ends_with("/tests.rs") {
            return Vec::new();
        }
        let shipped = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let is_code = |(_, line): &(usize, &str)| !line.trim_start().starts_with("//");
        shipped.lines().enumerate().map(|(index, line)| (index + 1, line)).filter(is_code).collect()
    }

    /// `path:line`, as compilers write it.
    pub(crate) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

/// Fails with all complaints at once.
pub(crate) fn expect_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// Whether `word` is in a line as a word of its own.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let is_part = |letter: Option<char>| letter.is_some_and(|l| l.is_alphanumeric() || l == '_');
    line.match_indices(word).any(|(start, _)| {
        !is_part(line[..start].chars().next_back())
            && !is_part(line[start + word.len()..].chars().next())
    })
}
