//! The tables of the histories, as the simulator's generator and its reference name them.

use std::collections::BTreeMap;

use outrigger::dialect::Brand;

/// Table and key.
pub(crate) type RowKey = (String, String);
/// The columns outside the key.
pub(crate) type Cells = BTreeMap<String, Option<String>>;

/// The key column, and the tables with their other columns.
pub(crate) const KEY: &str = "id";
/// The column with the time of the last change, in the table that has one.
pub(crate) const LAST_UPDATE: &str = "changed_at";
pub(crate) const TABLES: [(&str, &[&str]); 3] = [
    ("item", &["a", "b", "c"]),
    ("dated", &["a", "b", LAST_UPDATE]),
    ("record", &["a", "b", LAST_UPDATE]),
];

/// So many of the tables have neither unique columns nor references.
pub(crate) const FREE_TABLES: usize = 2;
/// From here on the newest change of a row wins as a whole.
pub(crate) const FIRST_RECORD: usize = FREE_TABLES;
/// So many of these have neither: all.
pub(crate) const FREE_RECORDS: usize = TABLES.len() - FIRST_RECORD;

/// From here on rows may refer to each other in a circle: none does.
pub(crate) const FIRST_CIRCULAR: usize = TABLES.len();

/// What stands under `tables:` of the configuration.
pub(crate) const FOLLOWED: &str = "  item: follow\n  dated: { last_update: changed_at }\n  \
    record: { last_update: changed_at, overwrite: record }";

/// Whether the newest change of a row of a table wins as a whole.
pub(crate) fn is_record(table: &str) -> bool {
    TABLES[FIRST_RECORD..].iter().any(|(name, _)| *name == table)
}

/// The tables in a brand's DDL.
pub(crate) fn ddl(brand: Brand) -> String {
    let time = if brand == Brand::Mysql { "datetime(6)" } else { "timestamp(6)" };
    let column = |name: &&str| {
        let declared = if *name == LAST_UPDATE { time } else { "varchar(60)" };
        format!(", {name} {declared}")
    };
    let table = |(name, columns): &(&str, &[&str])| {
        let columns: String = columns.iter().map(column).collect();
        format!("CREATE TABLE {name} ({KEY} varchar(20) PRIMARY KEY{columns})")
    };
    TABLES.iter().map(table).collect::<Vec<_>>().join(";\n")
}
