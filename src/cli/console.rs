//! Data on stdout, everything else on stderr.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use comfy_table::{ContentArrangement, Table, presets};

use serde_json::Value as Json;

use super::args::Format;
use crate::error::{Error, Result};

/// Where the command writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Console {
    is_quiet: bool,
    /// Whether stderr is a terminal that shows colours.
    is_colored: bool,
}

/// The colours of marks at the beginning of a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Color {
    Red,
    Yellow,
    Green,
    Cyan,
}

impl Console {
    pub(super) fn new(is_quiet: bool) -> Self {
        Self { is_quiet, is_colored: std::io::stderr().is_terminal() && !is_colorless() }
    }

    #[expect(clippy::unused_self, reason = "data and notes are written in one way")]
    /// Writes data to stdout. A reader that has gone, such as `head`, is no error.
    pub(super) fn data(self, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Error::Write { path: "standard output".into(), source: error })
            }
            _ => Ok(()),
        }
    }

    /// Writes a value as JSON to stdout.
    pub(super) fn json<T: serde::Serialize>(self, value: &T) -> Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Error::Write {
            path: "standard output".into(),
            source: error.into(),
        })?;
        self.data(&format!("{text}\n"))
    }

    /// Writes a line to stderr, unless it shall be quiet.
    pub(super) fn note(self, line: &str) {
        if !self.is_quiet {
            complain(&format!("{line}\n"));
        }
    }

    /// Writes names and their values, one to a line; as JSON one object.
    pub(super) fn lines(
        self,
        lines: Vec<(&'static str, Option<String>)>,
        format: Format,
    ) -> Result<()> {
        if format == Format::Json {
            let value = |text: Option<String>| text.map_or(Json::Null, Json::String);
            let pairs = lines.into_iter().map(|(name, text)| (name.to_owned(), value(text)));
            return self.json(&pairs.collect::<serde_json::Map<String, Json>>());
        }
        let line = |(name, text): (&str, Option<String>)| {
            format!("{name:<26}{}\n", text.as_deref().unwrap_or("NULL"))
        };
        self.data(&lines.into_iter().map(line).collect::<String>())
    }

    /// Whether progress may be drawn.
    pub(super) fn shows_progress(self) -> bool {
        !self.is_quiet && std::io::stderr().is_terminal()
    }

    /// Writes an error with its place, its causes and what to do next.
    pub(super) fn error(self, error: &Error) {
        let mut text = format!("{} {error}\n", paint(self.is_colored, Color::Red, "error:"));
        if let Some(location) = error.location() {
            let _ = writeln!(text, "  --> {location}");
        }
        let mut cause = error.source();
        while let Some(error) = cause {
            let _ = writeln!(text, "caused by: {error}");
            cause = error.source();
        }
        if let Some(hint) = error.hint() {
            let mark = paint(self.is_colored, Color::Cyan, "hint:");
            let _ = writeln!(text, "\n{mark} {hint}");
        }
        complain(&text);
    }
}

/// A mark for stdout, coloured when that is a terminal.
pub(super) fn mark(color: Color, text: &str) -> String {
    paint(std::io::stdout().is_terminal() && !is_colorless(), color, text)
}

/// A table of text for people.
pub(super) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    let text = table.to_string();
    let lines: Vec<&str> =
        text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    lines.join("\n")
}

/// `1 change`, `2 changes`.
pub(super) fn count(number: impl std::fmt::Display, noun: &str) -> String {
    let number = number.to_string();
    if number == "1" { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

fn is_colorless() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

fn paint(is_colored: bool, color: Color, text: &str) -> String {
    let code = match color {
        Color::Red => 31,
        Color::Green => 32,
        Color::Yellow => 33,
        Color::Cyan => 36,
    };
    if is_colored { format!("\x1b[1;{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Nobody can be told that stderr is closed.
fn complain(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
