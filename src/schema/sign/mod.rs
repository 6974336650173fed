//! Which brand a DDL text is of, and where it is of another one than was said.

mod phrase;
mod stream;
mod types;

use std::collections::BTreeMap;

use self::phrase::{Kind, Phrases};
use self::stream::Token;
use super::grammar::Grammar;
use super::{Error, Reading, Skipped, Source, split, token};
use crate::dialect::Brand;
use crate::model::Location;

/// The longest piece of a text that is shown.
const SEEN_MAX: usize = 60;

/// What shows that a text is of another brand than was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// The brand that has it.
    pub brand: Brand,
    /// Where it stands.
    pub location: Location,
    /// As it stands there, in one line.
    pub seen: String,
}

/// The brand that a DDL text seems to be of; `None` when no one brand does.
#[must_use]
pub fn likely(sources: &[Source<'_>]) -> Option<Brand> {
    let mut scores = Brand::ALL.map(|brand| (score(sources, brand), brand));
    scores.sort_unstable();
    match scores {
        [.., (second, _), (first, brand)] if first > second => Some(brand),
        _ => None,
    }
}

/// What shows that a text is of another brand than the `given` one, as which it was read: it has
/// more that `given` does not take than of `given` itself, or most of its tables are lost and it
/// looks like another brand's. `None` when there is no doubt.
#[must_use]
pub fn doubt(
    sources: &[Source<'_>],
    given: Brand,
    reading: &Result<Reading, Error>,
) -> Option<Sign> {
    // So many tables were read without trouble, and looking through the rest takes long.
    if matches!(reading, Err(Error::TooLarge { .. })) {
        return None;
    }
    let found = find(sources, given);
    let others = Brand::ALL.into_iter().filter(|brand| *brand != given);
    let against = others.filter_map(|other| {
        let against: Vec<_> =
            found.values().filter(|one| one.has(other) && one.contradicts(given)).collect();
        let says_own = |one: &&Found| one.has(given) && one.contradicts(other);
        let own = found.values().filter(says_own).count();
        // One unusual type may be a name of the application's own.
        let is_enough = against.len() > 1 || against.iter().any(|one| one.kind == Kind::Statement);
        (is_enough && against.len() > own).then_some((against.len(), other, against))
    });
    if let Some((_, other, against)) = against.max_by_key(|(count, ..)| *count) {
        return against.into_iter().map(|one| one.sign(other)).min_by_key(place_of);
    }
    if !is_lost(reading) {
        return None;
    }
    let other = likely(sources).filter(|other| *other != given)?;
    let found = find(sources, other);
    let signs = found.values().filter(|one| one.has(other) && one.contradicts(given));
    signs.map(|one| one.sign(other)).min_by_key(place_of)
}

fn place_of(sign: &Sign) -> (String, u64, u64) {
    (sign.location.path.clone(), sign.location.line, sign.location.column)
}

/// Whether fewer tables were read than not.
fn is_lost(reading: &Result<Reading, Error>) -> bool {
    match reading {
        Ok(reading) => {
            let is_lost = |one: &&Skipped| one.reason.is_some() && one.what == "CREATE TABLE";
            let lost = reading.skipped.iter().filter(is_lost).count();
            lost > reading.schema.tables.len()
        }
        Err(error) => matches!(error, Error::NoTables { .. }),
    }
}

/// How much the text, read as this brand's, speaks for the brand and not against it.
fn score(sources: &[Source<'_>], brand: Brand) -> i64 {
    let found = find(sources, brand);
    let count = |wanted: &dyn Fn(&Found) -> bool| {
        i64::try_from(found.values().filter(|one| wanted(one)).count()).unwrap_or(i64::MAX / 8)
    };
    let own = count(&|one| !matches!(one.kind, Kind::Usual | Kind::Type) && one.has(brand));
    // Where any word may be a type, it says less of the brand.
    let weight = if brand.dialect().can.type_columns { 3 } else { 2 };
    let types = count(&|one| one.kind == Kind::Type && one.has(brand));
    let usual = count(&|one| one.kind == Kind::Usual && one.has(brand));
    let others = Brand::ALL.into_iter().filter(|other| *other != brand);
    let against = others.map(|other| count(&|one| one.has(other) && one.contradicts(brand)));
    3 * own + weight * types + usual - 3 * against.max().unwrap_or(0)
}

/// What tells brands apart: its phrase or type.
type Key = (Kind, String);

/// Something that some brands have and others do not, where it first stands.
struct Found {
    brands: Vec<Brand>,
    kind: Kind,
    location: Location,
    seen: String,
}

impl Found {
    fn has(&self, brand: Brand) -> bool {
        self.brands.contains(&brand)
    }

    /// Whether the brand would not take it.
    fn contradicts(&self, brand: Brand) -> bool {
        let is_taken = match self.kind {
            Kind::Statement => false,
            Kind::Column | Kind::Type => !brand.dialect().can.type_columns,
            Kind::Usual => true,
        };
        !is_taken && !self.has(brand)
    }

    fn sign(&self, brand: Brand) -> Sign {
        Sign { brand, location: self.location.clone(), seen: self.seen.clone() }
    }
}

/// Everything that tells brands apart, by its phrase or type, in texts that are taken apart as
/// `brand` does.
fn find(sources: &[Source<'_>], brand: Brand) -> BTreeMap<Key, Found> {
    let grammar = Grammar::of(brand);
    let phrases = Phrases::get();
    let mut types = types::Types::default();
    let mut found = BTreeMap::new();
    for source in sources {
        for statement in split::split(source.text, grammar) {
            // Rows say nothing, and there may be many.
            if statement.words.first().is_some_and(|word| word == "insert") {
                continue;
            }
            let tokens = stream::tokens(statement.text, grammar);
            let mut add = |key: &str, brands: &[Brand], kind, first: &Token, last: &Token| {
                let key = (kind, key.to_owned());
                if found.contains_key(&key) {
                    return;
                }
                let at = (statement.line, statement.column);
                let place = place(statement.text, at, first.start);
                found.insert(
                    key,
                    Found {
                        brands: brands.to_vec(),
                        kind,
                        location: token::location(source.path, place),
                        seen: shown(&statement.text[first.start..last.end]),
                    },
                );
            };
            phrases.find(&tokens, &mut add);
            types.find(&tokens, &mut add);
        }
    }
    types.forget_own(&mut found);
    found
}

/// Line and column of what stands `offset` bytes behind the beginning of a statement.
fn place(text: &str, (line, column): (u64, u64), offset: usize) -> (u64, u64) {
    let before = &text[..offset];
    let lines = before.matches('\n').count() as u64;
    let letters = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64;
    if lines == 0 { (line, column + letters) } else { (line + lines, letters + 1) }
}

fn shown(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(SEEN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests;
