//! How the demo looks: headings, paragraphs, SQL, tables that fit the page, checks.

use crate::cli::console::{Color, Console, mark};
use crate::error::Result;

/// The page when nobody says how wide it is, in characters.
const WIDTH: usize = 100;
/// What `COLUMNS` may ask for.
const NARROWEST: usize = 60;
const WIDEST: usize = 160;
/// The least width of a column of values; more columns than fit go into another table.
const NARROWEST_COLUMN: usize = 22;
/// Between two columns.
const GAP: usize = 2;

/// Where the demo is told.
pub(super) struct Page {
    console: Console,
    width: usize,
}

/// A table whose rows have names: one column for each place that is compared.
pub(super) struct Comparison {
    pub(super) names: Vec<String>,
    /// A heading and one cell for each name.
    pub(super) columns: Vec<(String, Vec<String>)>,
    /// Of each name, whether it stands out.
    pub(super) marked: Vec<bool>,
}

impl Page {
    /// A page as wide as `COLUMNS` says.
    pub(super) fn new(console: Console, columns: Option<&str>) -> Self {
        let asked = columns.and_then(|columns| columns.parse::<usize>().ok());
        Self { console, width: asked.map_or(WIDTH, |width| width.clamp(NARROWEST, WIDEST)) }
    }

    pub(super) fn heading(&self, text: &str) -> Result<()> {
        let text = clip(text, self.width);
        let rule = "─".repeat(self.width);
        self.line("")?;
        self.line(&mark(Color::Cyan, &text))?;
        self.line(&rule)
    }

    pub(super) fn paragraph(&self, text: &str) -> Result<()> {
        for line in wrap(text, self.width) {
            self.line(&line)?;
        }
        Ok(())
    }

    pub(super) fn line(&self, text: &str) -> Result<()> {
        self.console.data(&format!("{}\n", text.trim_end()))
    }

    /// Statements or output of commands, set off from the text.
    pub(super) fn block(&self, text: &str) -> Result<()> {
        for line in text.trim_end().lines() {
            self.line(&format!("    {line}"))?;
        }
        Ok(())
    }

    /// A long value, cut into lines behind commas, or wherever the page ends.
    pub(super) fn folded(&self, text: &str) -> Result<()> {
        for line in fold(text, self.width - 4) {
            self.line(&format!("    {line}"))?;
        }
        Ok(())
    }

    pub(super) fn comparison(&self, table: &Comparison) -> Result<()> {
        let label = table.names.iter().map(|name| length(name)).max().unwrap_or(0) + 2;
        let room = self.width.saturating_sub(label);
        let at_once = (room / (NARROWEST_COLUMN + GAP)).max(1);
        for (index, columns) in table.columns.chunks(at_once).enumerate() {
            if index > 0 {
                self.line("")?;
            }
            let widest = room / columns.len() - GAP;
            self.chunk(table, columns, label, widest)?;
        }
        Ok(())
    }

    fn chunk(
        &self,
        table: &Comparison,
        columns: &[(String, Vec<String>)],
        label: usize,
        widest: usize,
    ) -> Result<()> {
        let cells = |column: &(String, Vec<String>)| {
            column.1.iter().chain([&column.0]).map(|cell| length(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = columns.iter().map(|column| cells(column).min(widest)).collect();
        let gap = " ".repeat(GAP);
        let row = |first: &str, cells: Vec<&str>| {
            let cells = cells.iter().zip(&widths).map(|(cell, width)| pad(cell, *width));
            format!("{}{gap}{}", pad(first, label), cells.collect::<Vec<_>>().join(&gap))
        };
        self.line(&row("", columns.iter().map(|(heading, _)| heading.as_str()).collect()))?;
        let under: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        self.line(&row("", under.iter().map(String::as_str).collect()))?;
        for (index, name) in table.names.iter().enumerate() {
            let is_marked = table.marked.get(index).copied().unwrap_or(false);
            let name = format!("{} {name}", if is_marked { "*" } else { " " });
            let text = row(&name, columns.iter().map(|(_, cells)| cells[index].as_str()).collect());
            self.line(&if is_marked { mark(Color::Yellow, text.trim_end()) } else { text })?;
        }
        Ok(())
    }

    /// Whether something is as it should be.
    pub(super) fn check(&self, is_right: bool, text: &str) -> Result<()> {
        let lines = wrap(text, self.width - 8);
        for (index, line) in lines.iter().enumerate() {
            let sign = match (index, is_right) {
                (0, true) => mark(Color::Green, "ok    "),
                (0, false) => mark(Color::Red, "FAILED"),
                _ => " ".repeat(6),
            };
            self.line(&format!("{sign}  {line}"))?;
        }
        Ok(())
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// A text cut to a width, the cut shown.
fn clip(text: &str, width: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if length(&text) <= width {
        return text;
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn pad(text: &str, width: usize) -> String {
    let text = clip(text, width);
    format!("{text}{}", " ".repeat(width.saturating_sub(length(&text))))
}

/// Lines of at most `width` characters, broken at blanks.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Lines of at most `width` characters, broken behind commas where there are any.
fn fold(text: &str, width: usize) -> Vec<String> {
    let mut letters: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    while letters.len() > width {
        let comma = letters[..width].iter().rposition(|letter| *letter == ',');
        let rest = letters.split_off(comma.map_or(width, |comma| comma + 1));
        lines.push(letters.iter().collect::<String>().trim_start().to_owned());
        letters = rest;
    }
    lines.push(letters.iter().collect::<String>().trim_start().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_and_shown_to_be() {
        assert_eq!(clip("größer", 6), "größer");
        assert_eq!(clip("größer als", 6), "größe…");
        assert_eq!(clip("a\nb", 6), "a b");
    }

    #[test]
    fn documents_break_behind_commas() {
        assert_eq!(fold("{a,bc,def}", 6), ["{a,bc,", "def}"]);
        assert_eq!(fold("abcdefgh", 3), ["abc", "def", "gh"]);
    }

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(wrap("one two  three\nfour", 8), ["one two", "three", "four"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
    }
}
