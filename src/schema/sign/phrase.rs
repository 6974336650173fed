//! The phrases of all dialect files, looked for in a run of tokens.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::stream::Token;
use crate::dialect::Brand;

/// What a sign is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A statement that only its brands take.
    Statement,
    /// What belongs to a column's type.
    Column,
    /// A type.
    Type,
    /// What others seldom write.
    Usual,
}

/// What takes a sign: its phrase or type, who has it, what it is about, its first and last token.
pub(super) type Add<'a> = &'a mut dyn FnMut(&str, &[Brand], Kind, &Token, &Token);

/// One phrase.
struct Phrase {
    text: &'static str,
    words: Vec<&'static str>,
    brands: Vec<Brand>,
    kind: Kind,
}

/// All phrases, by the token that they begin with.
pub(super) struct Phrases {
    by_first: BTreeMap<&'static str, Vec<Phrase>>,
}

impl Phrases {
    pub(super) fn get() -> &'static Self {
        static PHRASES: OnceLock<Phrases> = OnceLock::new();
        PHRASES.get_or_init(Self::read)
    }

    fn read() -> Self {
        let mut by_first: BTreeMap<&'static str, Vec<Phrase>> = BTreeMap::new();
        for brand in Brand::ALL {
            let signs = &brand.dialect().signs;
            let lists = [
                (Kind::Statement, &signs.statements),
                (Kind::Column, &signs.columns),
                (Kind::Usual, &signs.usual),
            ];
            for (kind, list) in lists {
                for text in list {
                    let words: Vec<&str> = text.split(' ').collect();
                    let first = words.iter().find(|word| **word != "^").copied();
                    let of_first = by_first.entry(first.unwrap_or_default()).or_default();
                    match of_first.iter_mut().find(|one| one.text == text && one.kind == kind) {
                        Some(known) => known.brands.push(brand),
                        None => of_first.push(Phrase { text, words, brands: vec![brand], kind }),
                    }
                }
            }
        }
        Self { by_first }
    }

    /// Gives each phrase in these tokens to `add`.
    pub(super) fn find(&self, tokens: &[Token], add: Add<'_>) {
        for index in 0..tokens.len() {
            let text = tokens[index].text.as_str();
            let quoted = match text.as_bytes() {
                [b'[', _, .., b']'] if text != "[]" => Some("[@]"),
                [b'`', _, .., b'`'] => Some("`@`"),
                _ => None,
            };
            for first in [Some(text), quoted].into_iter().flatten() {
                for phrase in self.by_first.get(first).into_iter().flatten() {
                    if let Some(end) = phrase.end(tokens, index) {
                        let last = &tokens[end - 1];
                        add(phrase.text, &phrase.brands, phrase.kind, &tokens[index], last);
                    }
                }
            }
        }
    }
}

impl Phrase {
    /// The token behind the phrase that begins at `start`.
    fn end(&self, tokens: &[Token], start: usize) -> Option<usize> {
        let mut index = start;
        for word in &self.words {
            let fits = match *word {
                "$" => {
                    if !tokens[index - 1].ends_line {
                        return None;
                    }
                    continue;
                }
                "^" => {
                    if !tokens.get(index)?.begins_line {
                        return None;
                    }
                    continue;
                }
                "@" => {
                    index = behind_name(tokens, index)?;
                    continue;
                }
                "#" => {
                    let text = &tokens.get(index)?.text;
                    text.chars().all(|letter| letter.is_ascii_digit())
                }
                "[@]" => {
                    let text = &tokens.get(index)?.text;
                    text.starts_with('[') && text.len() > 2
                }
                "`@`" => tokens.get(index)?.text.starts_with('`'),
                word => tokens.get(index)?.text == word,
            };
            if !fits {
                return None;
            }
            index += 1;
        }
        Some(index)
    }
}

/// The token behind a name with its qualifiers.
pub(super) fn behind_name(tokens: &[Token], start: usize) -> Option<usize> {
    let mut index = start;
    loop {
        tokens.get(index)?.name()?;
        index += 1;
        if tokens.get(index).is_none_or(|next| next.text != ".") {
            return Some(index);
        }
        index += 1;
    }
}
