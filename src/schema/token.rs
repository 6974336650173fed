//! A statement as tokens with their places in the file, and a cursor over them.

use sqlparser::tokenizer::{Location as Place, Token, TokenWithSpan, Tokenizer, Whitespace};

use super::grammar::Grammar;
use crate::model::{Location, TableName};

/// Why a piece of DDL could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unread {
    /// Line and column in the file, from 1; `None` where only the statement's own is known.
    pub(super) place: Option<(u64, u64)>,
    /// One lower-case sentence.
    pub(super) reason: String,
}

impl Unread {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { place: None, reason: reason.into() }
    }

    /// What sqlparser said; it writes the place behind the sentence.
    pub(super) fn from_parser(error: &sqlparser::parser::ParserError) -> Self {
        let text = error.to_string();
        let text = text.strip_prefix("sql parser error: ").unwrap_or(&text);
        let (reason, place) = match text.split_once(" at Line: ") {
            Some((reason, place)) => (reason, read_place(place)),
            None => (text, None),
        };
        let mut letters = reason.chars();
        let first = letters.next().map(|letter| letter.to_lowercase().to_string());
        Self { place, reason: first.unwrap_or_default() + letters.as_str() }
    }
}

/// `3, Column: 5`.
fn read_place(text: &str) -> Option<(u64, u64)> {
    let (line, column) = text.split_once(", Column: ")?;
    let place = (line.trim().parse().ok()?, column.trim().parse().ok()?);
    (place.0 > 0).then_some(place)
}

/// The tokens of a text that begins at `line` and `column` of its file, without blanks and
/// comments.
pub(super) fn tokenize(
    text: &str,
    (line, column): (u64, u64),
    grammar: &Grammar,
) -> Result<Vec<TokenWithSpan>, Unread> {
    let shift = |place: Place| Place {
        line: place.line + line - 1,
        column: if place.line == 1 { place.column + column - 1 } else { place.column },
    };
    let mut tokens =
        Tokenizer::new(grammar.dialect, text).tokenize_with_location().map_err(|error| Unread {
            place: Some((shift(error.location).line, shift(error.location).column)),
            reason: error.message.to_lowercase(),
        })?;
    tokens.retain(|token| !is_blank(&token.token));
    for token in &mut tokens {
        token.span.start = shift(token.span.start);
        token.span.end = shift(token.span.end);
    }
    Ok(tokens)
}

fn is_blank(token: &Token) -> bool {
    matches!(
        token,
        Token::Whitespace(
            Whitespace::Space
                | Whitespace::Newline
                | Whitespace::Tab
                | Whitespace::SingleLineComment { .. }
                | Whitespace::MultiLineComment(_)
        )
    )
}

/// A position in a run of tokens.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    tokens: &'a [TokenWithSpan],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(tokens: &'a [TokenWithSpan]) -> Self {
        Self { tokens }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [TokenWithSpan] {
        self.tokens
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<&'a TokenWithSpan> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// The unquoted word that comes next, lower case.
    pub(super) fn word(&self) -> Option<String> {
        self.tokens.first().and_then(word)
    }

    /// Whether these words come next.
    pub(super) fn is_at(&self, words: &[&str]) -> bool {
        words.len() <= self.tokens.len()
            && words.iter().zip(self.tokens).all(|(word, token)| is_word(token, word))
    }

    /// Steps over these words if they come next.
    pub(super) fn eat(&mut self, words: &[&str]) -> bool {
        let is_here = self.is_at(words);
        if is_here {
            self.tokens = &self.tokens[words.len()..];
        }
        is_here
    }

    /// Whether `token` comes next.
    pub(super) fn is_at_token(&self, token: &Token) -> bool {
        self.tokens.first().is_some_and(|first| first.token == *token)
    }

    pub(super) fn eat_token(&mut self, token: &Token) -> bool {
        let is_here = self.is_at_token(token);
        if is_here {
            self.tokens = &self.tokens[1..];
        }
        is_here
    }

    /// The inside of the parentheses that come next.
    pub(super) fn group(&mut self) -> Option<&'a [TokenWithSpan]> {
        if !self.is_at_token(&Token::LParen) {
            return None;
        }
        let length = group_length(self.tokens)?;
        let inside = &self.tokens[1..length - 1];
        self.tokens = &self.tokens[length..];
        Some(inside)
    }

    /// Steps over the next token, a group in parentheses as one; what was stepped over.
    pub(super) fn take(&mut self) -> &'a [TokenWithSpan] {
        let length = match self.tokens.first().map(|first| &first.token) {
            None => 0,
            Some(Token::LParen) => group_length(self.tokens).unwrap_or(self.tokens.len()),
            Some(_) => 1,
        };
        let (taken, rest) = self.tokens.split_at(length);
        self.tokens = rest;
        taken
    }

    /// Where the next token stands.
    pub(super) fn place(&self) -> Option<(u64, u64)> {
        self.tokens.first().map(place)
    }

    /// A name, as the brand would store it.
    pub(super) fn name(&mut self, grammar: &Grammar) -> Result<String, Unread> {
        let name = self.tokens.first().and_then(|token| name(token, grammar));
        let Some(name) = name else {
            let found =
                self.tokens.first().map_or("the end".to_owned(), |token| format!("`{token}`"));
            return Err(Unread {
                place: self.place(),
                reason: format!("expected a name, found {found}"),
            });
        };
        self.tokens = &self.tokens[1..];
        Ok(name)
    }

    /// A table's name with its qualifiers.
    pub(super) fn table_name(
        &mut self,
        default_namespace: Option<&str>,
        grammar: &Grammar,
    ) -> Result<TableName, Unread> {
        let mut parts = vec![self.name(grammar)?];
        while self.eat_token(&Token::Period) {
            parts.push(self.name(grammar)?);
        }
        Ok(table_name(parts, default_namespace, grammar))
    }
}

/// A table's name from its parts; a database's name before them is left out.
pub(super) fn table_name(
    mut parts: Vec<String>,
    current_namespace: Option<&str>,
    grammar: &Grammar,
) -> TableName {
    let name = parts.pop().unwrap_or_default();
    let written = parts.pop().filter(|namespace| !namespace.is_empty());
    let namespace = written.or_else(|| current_namespace.map(str::to_owned));
    let default = grammar.brand.dialect().default_namespace.as_deref();
    let namespace =
        namespace.filter(|namespace| grammar.has_namespaces && default != Some(namespace.as_str()));
    TableName { namespace, name }
}

/// Where a token begins.
pub(super) fn place(token: &TokenWithSpan) -> (u64, u64) {
    (token.span.start.line, token.span.start.column)
}

/// A place with its file.
pub(super) fn location(path: &str, (line, column): (u64, u64)) -> Location {
    Location { path: path.to_owned(), line, column }
}

/// An unquoted word, lower case.
pub(super) fn word(token: &TokenWithSpan) -> Option<String> {
    match &token.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_lowercase()),
        _ => None,
    }
}

/// Whether a token is this unquoted word.
pub(super) fn is_word(token: &TokenWithSpan, word: &str) -> bool {
    matches!(&token.token, Token::Word(found)
        if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// The name that a token is. Some brands accept a text in quotes as one.
fn name(token: &TokenWithSpan, grammar: &Grammar) -> Option<String> {
    match &token.token {
        Token::Word(word) if word.quote_style.is_some() => Some(word.value.clone()),
        Token::Word(word) => Some(fold(&word.value, grammar)),
        Token::DoubleQuotedString(text) => Some(text.clone()),
        Token::SingleQuotedString(text) if grammar.has_rowid => Some(text.clone()),
        _ => None,
    }
}

/// An unquoted name as the brand stores it.
pub(super) fn fold(name: &str, grammar: &Grammar) -> String {
    if grammar.folds_names { name.to_lowercase() } else { name.to_owned() }
}

/// The number of tokens in the group that `tokens` begins with, its parentheses included.
fn group_length(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut depth = 0_i32;
    for (index, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(index + 1);
        }
    }
    None
}

/// The pieces between commas outside of parentheses.
pub(super) fn split_at_commas(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let mut depth = 0_i32;
    let pieces = tokens.split(|token| {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth -= 1,
            _ => {}
        }
        depth == 0 && token.token == Token::Comma
    });
    pieces.filter(|piece| !piece.is_empty()).collect()
}
