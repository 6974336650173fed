//! One short text that two schemas share only if they are equal.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::model::{Schema, Table};

/// SHA-256 of a schema, 64 lower-case hexadecimal digits. Places in files and the names of
/// constraints do not take part, so DDL and live reading of one schema give one hash.
#[must_use]
pub fn hash(schema: &Schema) -> String {
    let mut text = String::new();
    for table in &schema.tables {
        write_table(&mut text, table);
    }
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut digits, byte| {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Every text is written with `{:?}`, so that no name can look like two.
fn write_table(text: &mut String, table: &Table) {
    let _ = writeln!(text, "table {:?} {:?}", table.name.namespace, table.name.name);
    for column in &table.columns {
        let _ = writeln!(
            text,
            "column {:?} {:?} {:?} {} {:?} {} {}",
            column.name,
            column.native_type,
            column.logical_type.map(crate::model::LogicalType::name),
            column.is_nullable,
            column.default,
            column.is_identity,
            column.is_generated
        );
    }
    let _ = writeln!(text, "primary key {:?}", table.primary_key);
    for key in &table.unique_keys {
        let _ = writeln!(text, "unique {key:?}");
    }
    for key in &table.foreign_keys {
        let _ = writeln!(
            text,
            "foreign key {:?} {:?} {:?} {:?} {:?} {:?}",
            key.columns,
            key.references.namespace,
            key.references.name,
            key.referenced_columns,
            key.on_delete,
            key.on_update
        );
    }
}
