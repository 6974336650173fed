//! Readers into the model's schema, from DDL text or introspected rows, and findings about it.
//!
//! One schema gives equal models whichever way it is read: [`parse`] reads the files that made
//! it, [`understand`] the rows that a live database answers to `templates/<brand>/introspect`.
//! Names are resolved, types and defaults spelled as the brand usually does.

mod alter;
mod cascade;
pub mod check;
mod create;
mod ddl;
mod draft;
mod element;
mod elements;
mod expression;
mod grammar;
mod hash;
mod identity;
mod introspect;
mod native;
mod own_type;
mod phrase;
mod scan;
mod sign;
mod split;
mod tables;
mod token;
mod verb;

pub use cascade::{Blind, Cascades, Reached, cascades};
pub use hash::hash;
pub use identity::identified;
pub use introspect::{Trigger, triggers, understand};
pub use sign::{Sign, doubt, likely};

use crate::dialect::Brand;
use crate::model::{Location, Schema, TableName};

/// A DDL file.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its path as the user gave it, for messages.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// What DDL files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The tables.
    pub schema: Schema,
    /// The statements that are no part of the schema, or could not be read; in the order of
    /// their places.
    pub skipped: Vec<Skipped>,
}

/// A statement that did not become part of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it begins, or where reading it failed.
    pub location: Location,
    /// What it is: `SET`, `GRANT`, `CREATE FUNCTION`, `INSERT`.
    pub what: String,
    /// Why it could not be read; `None` where there was nothing to read in it.
    pub reason: Option<String>,
    /// The table that is missing or wrong because of it.
    pub table: Option<String>,
}

impl Skipped {
    /// Whether a quote or comment begins in it that is never closed, so that whatever follows is
    /// not read.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.reason.as_deref() == Some(ddl::UNCLOSED)
    }
}

/// What makes DDL files unusable as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// One table has two definitions.
    #[error("table `{table}` is defined twice{}", Before(first.as_deref()))]
    TableTwice {
        /// The table.
        table: TableName,
        /// The second definition.
        location: Box<Location>,
        /// The first one.
        first: Option<Box<Location>>,
    },
    /// There are more columns than the memory of a small machine is meant for.
    #[error("more than {columns} columns are defined up to here")]
    TooLarge {
        /// How many there may be.
        columns: usize,
        /// The statement that has more.
        location: Box<Location>,
    },
    /// Nothing in the files makes a table.
    #[error("no table is created in {}", Paths(paths))]
    NoTables {
        /// The files.
        paths: Vec<String>,
    },
}

impl Error {
    /// Where to look; `None` where it concerns the files as a whole.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::TableTwice { location, .. } | Self::TooLarge { location, .. } => Some(location),
            Self::NoTables { .. } => None,
        }
    }
}

struct Before<'a>(Option<&'a Location>);

impl std::fmt::Display for Before<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |first| write!(f, ", first at {first}"))
    }
}

struct Paths<'a>(&'a [String]);

impl std::fmt::Display for Paths<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let quoted: Vec<String> = self.0.iter().map(|path| format!("`{path}`")).collect();
        f.write_str(&quoted.join(", "))
    }
}

/// Reads DDL files of one brand, in their order, as one script.
///
/// `CREATE TABLE`, `ALTER TABLE`, `CREATE UNIQUE INDEX`, `CREATE TYPE` and `DROP TABLE` make the
/// schema; anything else is passed over and listed. A statement that cannot be read is listed
/// with its place and reason, and the others are read all the same.
///
/// # Errors
/// [`Error::TableTwice`], [`Error::TooLarge`], [`Error::NoTables`].
pub fn parse(sources: &[Source<'_>], brand: Brand) -> Result<Reading, Error> {
    ddl::read(sources, grammar::Grammar::of(brand))
}
