//! Runs the command in a folder of its own: a builder in the manner of a sentence.

#![allow(dead_code, reason = "two binaries share it, and neither uses all of it")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A run of the command, to be described and then checked.
pub(crate) struct Run {
    folder: TempDir,
    cwd: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    input: String,
}

/// What the command has said.
pub(crate) struct Outcome {
    folder: TempDir,
    /// The exit code; -1 after a signal.
    pub(crate) code: i32,
    /// Data.
    pub(crate) stdout: String,
    /// Everything else.
    pub(crate) stderr: String,
}

/// `outrigger` with these arguments, divided at blanks.
#[must_use]
pub(crate) fn outrigger(arguments: &str) -> Run {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cwd = folder.path().to_owned();
    let arguments = arguments.split_whitespace().map(str::to_owned).collect();
    Run { folder, cwd, arguments, variables: Vec::new(), input: String::new() }
}

impl Run {
    /// One more argument, blanks and all.
    #[must_use]
    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// A file in the folder of the run.
    #[must_use]
    pub(crate) fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("is made");
        std::fs::write(path, text).expect("is written");
        self
    }

    /// A variable; without it the command has an empty environment.
    #[must_use]
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs in a folder below, which is made.
    #[must_use]
    pub(crate) fn inside(mut self, path: &str) -> Self {
        self.cwd = self.folder.path().join(path);
        std::fs::create_dir_all(&self.cwd).expect("is made");
        self
    }

    /// What the command reads from stdin.
    #[expect(dead_code, reason = "no verb asks yet")]
    #[must_use]
    pub(crate) fn input(mut self, text: &str) -> Self {
        text.clone_into(&mut self.input);
        self
    }

    /// Runs it and checks the exit code.
    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Outcome {
        let outcome = self.exits_with_any();
        assert_eq!(outcome.code, code, "{outcome}");
        outcome
    }

    /// Runs it.
    #[must_use]
    pub(crate) fn exits_with_any(self) -> Outcome {
        let mut child = Command::new(env!("CARGO_BIN_EXE_outrigger"))
            .args(&self.arguments)
            .current_dir(&self.cwd)
            .env_clear()
            .envs(self.variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        // A command that reads nothing may have gone already.
        let _ = child.stdin.take().expect("piped").write_all(self.input.as_bytes());
        let output = child.wait_with_output().expect("the command ends");
        Outcome {
            folder: self.folder,
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Outcome {
    /// The folder of the run.
    #[must_use]
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in the folder of the run.
    #[track_caller]
    #[must_use]
    pub(crate) fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(path)).expect(path)
    }

    /// Checks the whole of stdout.
    #[track_caller]
    pub(crate) fn stdout_is(self, text: &str) -> Self {
        assert_eq!(self.stdout, text, "{self}");
        self
    }

    /// Checks the whole of stderr.
    #[track_caller]
    pub(crate) fn stderr_is(self, text: &str) -> Self {
        assert_eq!(self.stderr, text, "{self}");
        self
    }

    /// Checks a part of stdout.
    #[track_caller]
    pub(crate) fn stdout_has(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "{text} is not in\n{self}");
        self
    }

    /// Checks a part of stderr.
    #[track_caller]
    pub(crate) fn stderr_has(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{text} is not in\n{self}");
        self
    }

    /// Runs the command again in the same folder.
    #[must_use]
    pub(crate) fn then(self, arguments: &str) -> Run {
        let cwd = self.folder.path().to_owned();
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        Run { folder: self.folder, cwd, arguments, variables: Vec::new(), input: String::new() }
    }
}
