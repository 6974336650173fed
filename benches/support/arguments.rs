//! What was asked for, and on which machine.

use std::path::PathBuf;

use serde_json::{Value, json};

/// What was asked for on the command line.
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    pub(crate) fn read() -> Self {
        Self(std::env::args().collect())
    }

    /// The word behind an option.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|word| word == name)?;
        Some(self.0.get(at + 1).unwrap_or_else(|| panic!("{name} needs a value")))
    }

    /// The number behind an option.
    pub(crate) fn number(&self, name: &str, default: usize) -> usize {
        self.text(name).map_or(default, |word| {
            word.parse().unwrap_or_else(|_| panic!("{name} needs a number, not {word}"))
        })
    }

    /// The file behind `--json`. Cargo runs a benchmark in the folder of its package.
    pub(crate) fn json(&self) -> Option<PathBuf> {
        self.text("--json").map(PathBuf::from)
    }
}

/// What this machine is.
pub(crate) fn machine() -> Value {
    let line = |path: &str, key: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.split_once(':'));
        value.map(|(_, value)| value.trim().to_owned())
    };
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({
        "processor": line("/proc/cpuinfo", "model name"),
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": line("/proc/meminfo", "MemTotal"),
        "kernel": kernel.trim(),
        "outrigger": env!("CARGO_PKG_VERSION"),
    })
}
