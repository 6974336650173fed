//! The objects that a script makes, read off the statements that remove them.

use std::fmt;

use serde::Serialize;

use crate::dialect::Brand;

/// A named object of the database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Object {
    /// `table`, `view`, `sequence`, `function`, `procedure` or `trigger`.
    pub kind: String,
    /// Its name, unquoted, without the namespace.
    pub name: String,
}

impl Object {
    pub(crate) fn new(kind: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn is_trigger(&self) -> bool {
        self.kind == "trigger"
    }

    /// Whether two objects of these kinds cannot have one name.
    pub(crate) fn collides(&self, other: &Self) -> bool {
        let is_relation = |object: &Self| matches!(&*object.kind, "table" | "view" | "sequence");
        let kinds_collide = self.kind == other.kind || (is_relation(self) && is_relation(other));
        kinds_collide && self.name == other.name
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.name)
    }
}

/// The objects that some statements of removal drop, and so the ones that their script made.
/// A statement that does not begin with `DROP <kind> [IF EXISTS] <name>` names none.
#[must_use]
pub fn objects(brand: Brand, removal: &[String]) -> Vec<Object> {
    removal.iter().filter_map(|statement| object(brand, statement)).collect()
}

pub(crate) fn object(brand: Brand, statement: &str) -> Option<Object> {
    let rest = skip_comments(statement);
    let (word, rest) = next_word(rest)?;
    if !word.eq_ignore_ascii_case("drop") {
        return None;
    }
    let (kind, mut rest) = next_word(rest)?;
    if let Some((word, after)) = next_word(rest)
        && word.eq_ignore_ascii_case("if")
    {
        rest = next_word(after)?.1;
    }
    Some(Object { kind: kind.to_lowercase(), name: last_name(brand, rest.trim_start())? })
}

/// The first three words of a statement, comments aside.
pub(crate) fn first_words(statement: &str) -> Vec<&str> {
    skip_comments(statement).split_whitespace().take(3).collect()
}

fn skip_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
    }
    rest
}

fn next_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace)?;
    Some(text.split_at(end))
}

/// The last part of a qualified name at the beginning of `text`, unquoted.
fn last_name(brand: Brand, text: &str) -> Option<String> {
    let (name, rest) = one_name(brand, text)?;
    match rest.strip_prefix('.') {
        Some(rest) => last_name(brand, rest),
        None => Some(name),
    }
}

fn one_name(brand: Brand, text: &str) -> Option<(String, &str)> {
    let identifier = &brand.dialect().identifier;
    let Some(mut rest) = text.strip_prefix(identifier.open.as_str()) else {
        let is_plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
        let end = text.find(|letter| !is_plain(letter)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let close = identifier.close.as_str();
    let mut name = String::new();
    loop {
        let (before, after) = rest.split_once(close)?;
        name.push_str(before);
        let Some(doubled) = after.strip_prefix(close) else { return Some((name, after)) };
        name.push_str(close);
        rest = doubled;
    }
}

#[cfg(test)]
mod tests {
    use super::{Brand, Object, object};

    #[test]
    fn a_removal_names_the_object_that_its_script_made() {
        for (brand, statement, wanted) in [
            (Brand::Postgres, "DROP TABLE \"public\".ds_node;", ("table", "ds_node")),
            (
                Brand::Postgres,
                "-- It goes.\nDROP TRIGGER IF EXISTS \"a \"\"b\" ON \"public\".\"t\";",
                ("trigger", "a \"b"),
            ),
            (Brand::Postgres, "DROP FUNCTION IF EXISTS public.\"f\"();", ("function", "f")),
            (Brand::Sqlite, "DROP VIEW IF EXISTS v;", ("view", "v")),
            (Brand::SqlServer, "DROP SEQUENCE [dbo].[a]]b];", ("sequence", "a]b")),
            (Brand::Mysql, "drop trigger if exists `größe`", ("trigger", "größe")),
        ] {
            let (kind, name) = wanted;
            assert_eq!(object(brand, statement), Some(Object::new(kind, name)), "{statement}");
        }
        for statement in ["DELETE FROM t", "DROP", "DROP TABLE ", "", "-- DROP TABLE t;"] {
            assert_eq!(object(Brand::Sqlite, statement), None, "{statement}");
        }
    }
}
