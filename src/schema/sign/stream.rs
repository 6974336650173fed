//! A statement as a run of tokens, whoever wrote it: names in anybody's quotes are one.

use crate::schema::grammar::Grammar;
use crate::schema::scan::{Scan, Step};

/// The longest name in quotes that is looked for where they are none of the brand's.
const NAME_MAX: usize = 130;

/// A token.
#[derive(Debug)]
pub(super) struct Token {
    /// A word in lower case, a name in its quotes, `'` for a text, a mark as it is.
    pub(super) text: String,
    /// Where it begins in the statement.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) begins_line: bool,
    pub(super) ends_line: bool,
}

impl Token {
    /// What a name or type is without quotes, lower case; `None` for texts and marks.
    pub(super) fn name(&self) -> Option<&str> {
        match self.text.as_bytes() {
            [b'[' | b'`' | b'"', inner @ .., _] if !inner.is_empty() => {
                Some(&self.text[1..self.text.len() - 1])
            }
            [first, ..] if first.is_ascii_lowercase() || *first == b'_' || *first > 127 => {
                Some(&self.text)
            }
            _ => None,
        }
    }
}

/// The tokens of a statement, comments left out.
pub(super) fn tokens(text: &str, grammar: &Grammar) -> Vec<Token> {
    let mut scan = Scan::new(text, grammar);
    let mut tokens: Vec<Token> = Vec::new();
    let mut begins_line = true;
    loop {
        let start = scan.position();
        let Some(step) = scan.step() else { return tokens };
        let piece = scan.slice(start);
        if piece.trim().is_empty() || is_comment(piece, step, grammar) {
            if piece.contains('\n') {
                begins_line = true;
                if let Some(last) = tokens.last_mut() {
                    last.ends_line = true;
                }
            }
            continue;
        }
        let end = foreign_end(text, start, piece);
        while scan.position() < end && scan.step().is_some() {}
        let piece = scan.slice(start);
        tokens.push(Token {
            text: spelled(piece, step, text[..start].chars().next_back()),
            start,
            end: scan.position(),
            begins_line,
            ends_line: scan.position() == text.len(),
        });
        begins_line = false;
    }
}

fn is_comment(piece: &str, step: Step<'_>, grammar: &Grammar) -> bool {
    let is_block = piece.starts_with("/*") && !piece.starts_with("/*!");
    let is_line = piece.len() > 1 && piece.starts_with("--");
    let is_hash = grammar.has_hash_comments && piece.starts_with('#');
    matches!(step, Step::Other | Step::Unclosed) && (is_block || is_line || is_hash)
}

/// The end of a token: of a name in quotes that the brand does not have, or of a mark of two
/// letters.
fn foreign_end(text: &str, start: usize, piece: &str) -> usize {
    let end = start + piece.len();
    let rest = &text[start..];
    let close = match piece {
        ":" if rest.starts_with("::") => return end + 1,
        "[" => ']',
        "`" => '`',
        _ => return end,
    };
    let length = rest[1..].find([close, '\n']).filter(|length| *length <= NAME_MAX);
    match length {
        Some(length) if rest[1 + length..].starts_with(close) => end + length + 1,
        _ => end,
    }
}

/// How a phrase would have it.
fn spelled(piece: &str, step: Step<'_>, before: Option<char>) -> String {
    if let Step::Word(word) = step {
        return word.to_lowercase();
    }
    if piece.starts_with("/*!") {
        return "/*!".to_owned();
    }
    if let Some(inside) = piece.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let is_behind_name = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
        return match inside.trim() {
            digits if digits.chars().all(|letter| letter.is_ascii_digit()) => "[]".to_owned(),
            // An element of an array.
            _ if is_behind_name => "'".to_owned(),
            inside => format!("[{}]", inside.to_lowercase()),
        };
    }
    match piece.as_bytes() {
        [b'`' | b'"', .., b'`' | b'"'] if piece.len() > 2 => piece.to_lowercase(),
        [b'$', .., b'$'] if piece.len() > 1 => "$$".to_owned(),
        [_] | [b':', b':'] => piece.to_owned(),
        _ => "'".to_owned(),
    }
}
