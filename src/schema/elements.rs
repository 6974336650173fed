//! The elements of a table's definition, also where the comma between two of them is left out.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::grammar::Grammar;
use super::token::{Cursor, split_at_commas};

/// The columns and constraints in the parentheses of a definition.
///
/// T-SQL and `SQLite` need no comma before a constraint of the table, and scripts leave it out.
pub(super) fn split<'a>(
    inside: &'a [TokenWithSpan],
    grammar: &Grammar,
) -> Vec<&'a [TokenWithSpan]> {
    split_at_commas(inside).into_iter().flat_map(|piece| split_piece(piece, grammar)).collect()
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
