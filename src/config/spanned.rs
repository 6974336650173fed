//! A text of the configuration together with its place.

use std::convert::Infallible;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, Visitor};

use crate::model::Location;

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
}

impl Place {
    /// The beginning of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place in the file at `path`.
    #[must_use]
    pub fn within(self, path: &str) -> Location {
        Location { path: path.to_owned(), line: self.line, column: self.column }
    }
}

/// A scalar and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Spanned {
    pub(super) text: String,
    pub(super) place: Place,
}

impl<'de> Deserialize<'de> for Spanned {
    /// The YAML reader gives places in its errors only. So the visitor keeps the text and then
    /// fails, and the place is read from the failure; the scalar has been consumed by then.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = None;
        match deserializer.deserialize_str(Probe(&mut text)) {
            Ok(never) => match never {},
            Err(error) => match text {
                Some(text) => Ok(Self { text, place: place_of(&error.to_string()) }),
                None => Err(error),
            },
        }
    }
}

struct Probe<'a>(&'a mut Option<String>);

impl Visitor<'_> for Probe<'_> {
    type Value = Infallible;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Infallible, E> {
        *self.0 = Some(text.to_owned());
        Err(E::custom("probed"))
    }
}

/// Reads `… at line 3 column 5`; the reader leaves it out for the very first place.
pub(super) fn place_of(message: &str) -> Place {
    let read = || {
        let (_, place) = message.rsplit_once(" at line ")?;
        let (line, column) = place.split_once(" column ")?;
        Some(Place { line: line.parse().ok()?, column: column.parse().ok()? })
    };
    read().unwrap_or(Place::START)
}

/// Entries of a mapping in the order of the file, no key twice.
#[derive(Debug)]
pub(super) struct Entries<T>(pub(super) Vec<(Spanned, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(std::marker::PhantomData))
    }
}

struct EntriesVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = Entries<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(Entries::default())
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = std::collections::BTreeSet::new();
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned>()? {
            if !seen.insert(key.text.clone()) {
                let Place { line, column } = key.place;
                return Err(A::Error::custom(format!(
                    "the key `{}` stands here twice at line {line} column {column}",
                    key.text
                )));
            }
            entries.push((key, map.next_value()?));
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::{Entries, Place, Spanned};

    fn places(text: &str) -> Vec<(String, Place, String, Place)> {
        let entries: Entries<Spanned> = serde_yaml::from_str(text).expect("parses");
        let flat =
            |(key, value): (Spanned, Spanned)| (key.text, key.place, value.text, value.place);
        entries.0.into_iter().map(flat).collect()
    }

    #[test]
    fn block_flow_and_quoted_scalars_know_where_they_begin() {
        let place = |line, column| Place { line, column };
        let text = "a: 1\n# comment\n\"b c\":   'größe'\nd:\n    e\n007: ~\n";
        let wanted = [
            ("a", place(1, 1), "1", place(1, 4)),
            ("b c", place(3, 1), "größe", place(3, 10)),
            ("d", place(4, 1), "e", place(5, 5)),
            ("007", place(6, 1), "~", place(6, 6)),
        ]
        .map(|(k, p, v, q)| (k.to_owned(), p, v.to_owned(), q));
        assert_eq!(places(text), wanted);
        assert_eq!(places("{ ö: x, y: z at line 9 column 9 }")[1].1, place(1, 9));
    }

    #[test]
    fn a_repeated_key_is_refused() {
        let error = serde_yaml::from_str::<Entries<Spanned>>("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert!(error.to_string().contains("`a` stands here twice at line 3 column 1"), "{error}");
    }
}
