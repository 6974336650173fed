//! What got another name; nobody can tell from two schemas, so a person says it.

use std::collections::BTreeMap;

use super::{Error, named};
use crate::model::{Schema, Table};

/// Between the old name and the new one.
const BETWEEN: char = '=';

/// Tables and columns that got other names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames {
    /// By the new name, the old one.
    tables: BTreeMap<String, String>,
    /// By the table's new name and the column's, the column's old name.
    columns: BTreeMap<(String, String), String>,
}

impl Renames {
    /// Reads `old=new` of tables and `table.old=new` of columns, where the table has its old name;
    /// `table.old=table.new` says the same.
    ///
    /// # Errors
    /// [`Error::BadRename`] for a name that its schema does not have.
    pub fn read(hints: &[String], old: &Schema, new: &Schema) -> Result<Self, Error> {
        let mut renames = Self::default();
        // Tables first: a column's table may have got another name too.
        let mut columns = Vec::new();
        for hint in hints {
            let Some((from, to)) = hint.split_once(BETWEEN) else {
                return Err(bad(hint, "it is not `old=new`".to_owned()));
            };
            if named(old, from).is_none() && from.contains('.') {
                columns.push((hint, from, to));
                continue;
            }
            renames.add_table(hint, [from, to], [old, new])?;
        }
        for (hint, from, to) in columns {
            renames.add_column(hint, [from, to], [old, new])?;
        }
        Ok(renames)
    }

    fn add_table(
        &mut self,
        hint: &str,
        [from, to]: [&str; 2],
        [old, new]: [&Schema; 2],
    ) -> Result<(), Error> {
        if named(old, from).is_none() {
            return Err(bad(hint, format!("OLD has no table `{from}`; it has {}", tables(old))));
        }
        if named(new, to).is_none() {
            return Err(bad(hint, format!("NEW has no table `{to}`; it has {}", tables(new))));
        }
        for (schema, name, side) in [(new, from, "NEW"), (old, to, "OLD")] {
            if named(schema, name).is_some() {
                return Err(bad(hint, format!("{side} has a table `{name}` as well")));
            }
        }
        match self.tables.insert(to.to_owned(), from.to_owned()) {
            Some(_) => Err(bad(hint, format!("`{to}` is named twice"))),
            None => Ok(()),
        }
    }

    fn add_column(
        &mut self,
        hint: &str,
        [from, to]: [&str; 2],
        [old, new]: [&Schema; 2],
    ) -> Result<(), Error> {
        // A name may have points in it: the longest table that fits.
        let mut parts = from.match_indices('.').rev();
        let of_table = |(at, _)| Some((table(old, &from[..at])?, &from[at + 1..]));
        let Some((before, from)) = parts.find_map(of_table) else {
            return Err(bad(hint, format!("OLD has no such table; it has {}", tables(old))));
        };
        let old_name = before.name.to_string();
        let new_name = self.new_table(&old_name).to_owned();
        let Some(after) = table(new, &new_name) else {
            return Err(bad(hint, format!("NEW has no table `{new_name}`")));
        };
        let prefixes = [format!("{new_name}."), format!("{old_name}.")];
        let to = prefixes.iter().find_map(|prefix| to.strip_prefix(prefix)).unwrap_or(to);
        for (side, table, name) in [("OLD", before, from), ("NEW", after, to)] {
            if table.column(name).is_none() {
                let known: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
                let known = known.join("`, `");
                let reason = format!("{side} has no column `{name}` there; it has `{known}`");
                return Err(bad(hint, reason));
            }
        }
        for (side, table, name) in [("NEW", after, from), ("OLD", before, to)] {
            if table.column(name).is_some() {
                return Err(bad(hint, format!("{side} has a column `{name}` there as well")));
            }
        }
        match self.columns.insert((new_name, to.to_owned()), from.to_owned()) {
            Some(_) => Err(bad(hint, format!("`{to}` is named twice"))),
            None => Ok(()),
        }
    }

    /// The name that a table had.
    #[must_use]
    pub fn old_table<'a>(&'a self, new: &'a str) -> &'a str {
        self.tables.get(new).map_or(new, String::as_str)
    }

    /// The name that a table has got.
    #[must_use]
    pub fn new_table<'a>(&'a self, old: &'a str) -> &'a str {
        self.tables.iter().find(|(_, from)| *from == old).map_or(old, |(to, _)| to.as_str())
    }

    /// The name that a column of a table, by its new name, had.
    #[must_use]
    pub fn old_column<'a>(&'a self, new_table: &str, new: &'a str) -> &'a str {
        let key = (new_table.to_owned(), new.to_owned());
        self.columns.get(&key).map_or(new, String::as_str)
    }

    /// The name that a column of a table, by its new name, has got.
    #[must_use]
    pub fn new_column<'a>(&'a self, new_table: &str, old: &'a str) -> &'a str {
        let is_it = |((table, _), from): &(&'a (String, String), &'a String)| {
            table == new_table && from.as_str() == old
        };
        self.columns.iter().find(is_it).map_or(old, |((_, to), _)| to.as_str())
    }
}

fn table<'a>(schema: &'a Schema, name: &str) -> Option<&'a Table> {
    schema.tables.iter().find(|table| table.name.to_string() == name)
}

fn tables(schema: &Schema) -> String {
    let names: Vec<String> =
        schema.tables.iter().map(|table| format!("`{}`", table.name)).collect();
    names.join(", ")
}

fn bad(hint: &str, reason: String) -> Error {
    Error::BadRename { hint: hint.to_owned(), reason }
}
