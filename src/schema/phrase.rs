//! Phrases of a brand that sqlparser does not know, taken out before it reads an element.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::expression;
use super::grammar::{Effect, Grammar, Phrase};
use super::token::{Cursor, is_word};

/// The tokens without the phrases that the brand's grammar lists, and what those said.
pub(super) fn drop_phrases(
    tokens: &[TokenWithSpan],
    grammar: &Grammar,
) -> (Vec<TokenWithSpan>, Vec<Effect>) {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut effects = Vec::new();
    let mut cursor = Cursor::new(tokens);
    while !cursor.is_at_end() {
        if let Some(after) = behind_check(cursor, grammar) {
            cursor = after;
            continue;
        }
        if cursor.is_at(&["constraint"]) {
            // Whatever follows is a name, or a word that no phrase begins with.
            kept.extend_from_slice(cursor.take());
            kept.extend_from_slice(cursor.take());
            continue;
        }
        let phrase = grammar.phrases.iter().find_map(|phrase| match_phrase(cursor, phrase));
        if let Some((after, effect)) = phrase {
            cursor = after;
            effects.push(effect);
            continue;
        }
        kept.extend_from_slice(cursor.take());
    }
    (expression::rewrite(&kept), effects)
}

/// The cursor behind a check, with the name that it may have. The model has no checks, and so
/// what they say need not be understood; but one that a text is JSON makes its type.
fn behind_check<'a>(mut cursor: Cursor<'a>, grammar: &Grammar) -> Option<Cursor<'a>> {
    if cursor.eat(&["constraint"]) {
        cursor.next()?;
    }
    if !cursor.eat(&["check"]) {
        return None;
    }
    let inside = cursor.group()?;
    let says_json = inside.first().is_some_and(|first| is_word(first, "json_valid"));
    (grammar.checked_json.is_none() || !says_json).then_some(cursor)
}

/// The cursor behind the phrase, if the phrase comes next.
fn match_phrase<'a>(
    mut cursor: Cursor<'a>,
    (words, effect): &Phrase,
) -> Option<(Cursor<'a>, Effect)> {
    for word in *words {
        match *word {
            "()" => {
                cursor.group()?;
            }
            "()?" => {
                cursor.group();
            }
            "=?" => {
                cursor.eat_token(&Token::Eq);
            }
            "*" => {
                cursor.next()?;
            }
            "@" => {
                cursor.next()?;
                while cursor.eat_token(&Token::Period) {
                    cursor.next()?;
                }
            }
            word => match word.strip_prefix('!') {
                Some(others) => {
                    let next = cursor.word().unwrap_or_default();
                    if others.split('|').any(|other| other == next) {
                        return None;
                    }
                }
                None if !cursor.eat(&[word]) => return None,
                None => {}
            },
        }
    }
    Some((cursor, *effect))
}
