//! The elements of a table's definition, also where the comma between two of them is left out.

use std::borrow::Cow;

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::grammar::Grammar;
use super::token::{Cursor, split_at_commas};

/// What begins an option that a column has and a key does not.
const OPTIONS: [&[&str]; 4] = [&["default"], &["identity"], &["not", "null"], &["null"]];

/// The columns and constraints in the parentheses of a definition.
///
/// T-SQL and `SQLite` need no comma before a constraint of the table, and scripts leave it out.
///
/// A key that names its columns may stand among the options of a column, which go on behind it.
pub(super) fn split<'a>(
    inside: &'a [TokenWithSpan],
    grammar: &Grammar,
) -> Vec<Cow<'a, [TokenWithSpan]>> {
    let pieces = split_at_commas(inside).into_iter();
    pieces.flat_map(|piece| give_back_options(split_piece(piece, grammar))).collect()
}

/// What follows a key and is an option of a column is the column's, which comes first.
fn give_back_options(parts: Vec<&[TokenWithSpan]>) -> Vec<Cow<'_, [TokenWithSpan]>> {
    let mut found: Vec<Cow<'_, [TokenWithSpan]>> = Vec::with_capacity(parts.len());
    for part in parts {
        let options = if found.is_empty() { part.len() } else { options_at(part) };
        found.push(Cow::Borrowed(&part[..options]));
        if options < part.len() {
            found[0].to_mut().extend_from_slice(&part[options..]);
        }
    }
    found
}

/// Where the options of a column begin behind a key; its length when there are none.
fn options_at(part: &[TokenWithSpan]) -> usize {
    let mut cursor = Cursor::new(part);
    if cursor.eat(&["constraint"]) {
        cursor.take();
    }
    if !cursor.eat(&["primary", "key"]) && !cursor.eat(&["unique"]) {
        return part.len();
    }
    while !cursor.is_at_end() {
        let here = part.len() - cursor.rest().len();
        let mut option = cursor;
        if option.eat(&["constraint"]) {
            option.take();
        }
        if OPTIONS.iter().any(|words| option.is_at(words)) {
            return here;
        }
        cursor.take();
    }
    part.len()
}

fn split_piece<'a>(piece: &'a [TokenWithSpan], grammar: &Grammar) -> Vec<&'a [TokenWithSpan]> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut cursor = Cursor::new(piece);
    // Whatever the piece begins with is its own: a name, or a constraint's first word.
    if cursor.eat(&["constraint"]) {
        cursor.take();
    }
    cursor.take();
    while !cursor.is_at_end() {
        if begins_constraint(cursor, grammar) {
            let here = piece.len() - cursor.rest().len();
            found.push(&piece[start..here]);
            start = here;
            if cursor.eat(&["constraint"]) {
                cursor.take();
            }
        }
        cursor.take();
    }
    found.push(&piece[start..]);
    found
}

/// Whether a constraint of the table comes next: one that names its columns, which those of a
/// column do not.
fn begins_constraint(mut cursor: Cursor<'_>, grammar: &Grammar) -> bool {
    if cursor.eat(&["constraint"]) {
        cursor.take();
    }
    if grammar.has_batches && cursor.is_at(&["period", "for"]) {
        return true;
    }
    let is_key = cursor.eat(&["primary", "key"])
        || cursor.eat(&["foreign", "key"])
        || cursor.eat(&["unique"])
        || grammar.has_batches && cursor.eat(&["index"]) && cursor.next().is_some();
    while is_key && is_kind_of_index(&mut cursor) {}
    is_key && cursor.is_at_token(&Token::LParen)
}

fn is_kind_of_index(cursor: &mut Cursor<'_>) -> bool {
    ["unique", "clustered", "nonclustered", "hash"].into_iter().any(|word| cursor.eat(&[word]))
}
