//! Readers into the model's schema, from DDL text or introspected rows, and findings about it.

pub mod check;

use crate::dialect::Brand;
use crate::model::{Column, Location, Schema, Table, TableName};

/// A DDL text and the path that messages name.
pub struct Source<'a> {
    /// The path.
    pub path: &'a str,
    /// The text.
    pub text: &'a str,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Reading {
    /// The tables.
    pub schema: Schema,
    /// What was passed over.
    pub skipped: Vec<Skipped>,
}

/// A statement that was passed over.
#[derive(Debug, Clone)]
pub struct Skipped {
    /// Where it stands.
    pub location: Location,
    /// Its first words.
    pub what: String,
    /// Why, when it should have been understood.
    pub reason: Option<String>,
    /// The table it concerns.
    pub table: Option<String>,
}

/// What cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A placeholder.
    #[error("the schema does not parse")]
    Unreadable {
        /// Where.
        location: Location,
    },
}

/// Reads DDL: a stand-in for the real reader, one `CREATE TABLE` with a column per line.
///
/// # Errors
/// None yet.
pub fn parse(sources: &[Source<'_>], brand: Brand) -> Result<Reading, Error> {
    let mut reading = Reading::default();
    for source in sources {
        let mut table: Option<Table> = None;
        for (number, line) in (1..).zip(source.text.lines()) {
            let location =
                |column| Some(Location { path: source.path.to_owned(), line: number, column });
            let words: Vec<&str> = line.trim().trim_end_matches(',').split_whitespace().collect();
            match (words.as_slice(), &mut table) {
                (["CREATE", "TABLE", name, "("], _) => {
                    table = Some(Table {
                        name: TableName::plain(name),
                        columns: Vec::new(),
                        primary_key: Vec::new(),
                        unique_keys: Vec::new(),
                        foreign_keys: Vec::new(),
                        location: location(1),
                    });
                }
                ([");"], _) => reading.schema.tables.extend(table.take()),
                ([name, native, rest @ ..], Some(table)) => {
                    let rest = rest.join(" ");
                    if rest.contains("PRIMARY KEY") {
                        table.primary_key.push((*name).to_owned());
                    }
                    table.columns.push(Column {
                        name: (*name).to_owned(),
                        native_type: native.to_lowercase(),
                        logical_type: brand.dialect().logical_type(&native.to_lowercase()),
                        is_nullable: !rest.contains("NOT NULL") && !rest.contains("PRIMARY"),
                        default: None,
                        is_identity: rest.contains("IDENTITY"),
                        is_generated: false,
                        location: location(3),
                    });
                }
                _ => {}
            }
        }
    }
    reading.schema.tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(reading)
}
