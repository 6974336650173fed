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
pub(crate) const TABLES: [(&str, &[&str]); 2] =
    [("item", &["a", "b", "c"]), ("dated", &["a", "b", LAST_UPDATE])];

/// So many of the tables have neither unique columns nor references: all.
pub(crate) const FREE_TABLES: usize = TABLES.len();

/// What stands under `tables:` of the configuration.
pub(crate) const FOLLOWED: &str = "  item: follow\n  dated: { last_update: changed_at }";

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
