//! The types of the columns that a run of tokens creates, where one brand alone has them.

use std::collections::{BTreeMap, BTreeSet};

use super::phrase::{Add, Kind, behind_name};
use super::stream::Token;
use super::{Found, Key};
use crate::dialect::Brand;
use crate::schema::grammar::Grammar;
use crate::schema::native;

/// Words that begin an element of a table that is no column.
const ELEMENTS: [&str; 13] = [
    "check",
    "constraint",
    "exclude",
    "foreign",
    "fulltext",
    "index",
    "key",
    "like",
    "partition",
    "period",
    "primary",
    "spatial",
    "unique",
];

/// Types that were met.
#[derive(Default)]
pub(super) struct Types {
    /// The brands that a type speaks for.
    brands: BTreeMap<String, Vec<Brand>>,
    /// Types that the text makes itself.
    own: BTreeSet<String>,
}

impl Types {
    /// Gives each type that one brand alone has to `add`.
    pub(super) fn find(&mut self, tokens: &[Token], add: Add<'_>) {
        for index in 0..tokens.len() {
            if tokens[index].text != "create" {
                continue;
            }
            let next = |offset: usize| tokens.get(index + offset).map(|one| one.text.as_str());
            if matches!(next(1), Some("type" | "domain")) {
                let end = behind_name(tokens, index + 2);
                let name = end.and_then(|end| tokens[end - 1].name());
                self.own.extend(name.map(str::to_owned));
                continue;
            }
            if let Some(offset) = (1..5).find(|offset| next(*offset) == Some("table")) {
                self.columns(&tokens[index + offset..], add);
            }
        }
    }

    /// The columns behind `TABLE`.
    fn columns(&mut self, tokens: &[Token], add: Add<'_>) {
        let Some(open) = tokens.iter().take(12).position(|one| one.text == "(") else { return };
        let mut depth = 0;
        for index in open..tokens.len() {
            match tokens[index].text.as_str() {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            let begins = index == open || tokens[index].text == ",";
            if depth == 0 {
                return;
            }
            if begins && depth == 1 {
                self.column(tokens, index + 1, add);
            }
        }
    }

    fn column(&mut self, tokens: &[Token], index: usize, add: Add<'_>) {
        let (Some(name), Some(first)) = (tokens.get(index), tokens.get(index + 1)) else { return };
        if name.name().is_none() || ELEMENTS.contains(&name.text.as_str()) {
            return;
        }
        // A type of a namespace is the application's, or the phrase for its namespace says more.
        let is_qualified = tokens.get(index + 2).is_some_and(|next| next.text == ".");
        let Some(word) = first.name().filter(|_| !is_qualified) else { return };
        let known = self.brands.entry(word.to_owned()).or_insert_with(|| brands_of(word));
        if !known.is_empty() {
            add(word, known, Kind::Type, first, first);
        }
    }

    /// Takes out what the text makes itself.
    pub(super) fn forget_own(&self, found: &mut BTreeMap<Key, Found>) {
        found.retain(|(kind, word), _| *kind != Kind::Type || !self.own.contains(word));
    }
}

/// The brands that have a type: one with types of columns alone, and who uses the name besides;
/// none where it says nothing.
fn brands_of(word: &str) -> Vec<Brand> {
    let mut brands: Vec<Brand> = Brand::ALL.into_iter().filter(|one| has(*one, word)).collect();
    let types = brands.iter().filter(|brand| brand.dialect().can.type_columns).count();
    brands.truncate(if types == 1 { brands.len() } else { 0 });
    brands
}

fn has(brand: Brand, word: &str) -> bool {
    let (dialect, grammar) = (brand.dialect(), Grammar::of(brand));
    let usual = native::from_text(word, grammar);
    let usual = native::serial(&usual, grammar).unwrap_or(&usual);
    dialect.logical_type(usual).is_some() || dialect.refusal(usual).is_some()
}
