//! Whole files as they come from dump programs: the tables are read, the rest is counted.

use std::collections::BTreeMap;

use outrigger::dialect::Brand;

use super::live::{assert_equal, case, from_ddl};
use super::reading;

/// A dump of the case's database has the model of the script that made it.
fn check(brand: Brand, expected: &[(&str, usize)]) {
    let text = case(brand, "dump.sql");
    let reading = reading(brand, &text).expect("the dump has tables");
    let mut counts = BTreeMap::new();
    for one in &reading.skipped {
        assert_eq!(one.reason, None, "{one:?}");
        *counts.entry(one.what.as_str()).or_insert(0_usize) += 1;
        let line = text.lines().nth(usize::try_from(one.location.line).unwrap() - 1).unwrap();
        let word = one.what.split(' ').next().unwrap().to_lowercase();
        assert!(line.to_lowercase().contains(&word), "{one:?} is at {line}");
    }
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected, "{brand}");
    assert_equal(&from_ddl(brand, &case(brand, "live.sql")), &reading.schema);
}

#[test]
fn a_dump_of_pg_dump_is_read() {
    check(
        Brand::Postgres,
        &[
            ("ALTER DOMAIN", 6),
            ("ALTER FUNCTION", 3),
            ("ALTER INDEX", 2),
            ("ALTER SCHEMA", 1),
            ("ALTER SEQUENCE", 2),
            // OWNER TO, of tables, views and sequences.
            ("ALTER TABLE", 18),
            ("ALTER TYPE", 5),
            ("COMMENT", 1),
            ("COPY", 11),
            ("CREATE FUNCTION", 3),
            // Not unique, over an expression, with a condition, of a materialized view.
            ("CREATE INDEX", 4),
            ("CREATE SCHEMA", 1),
            ("CREATE SEQUENCE", 3),
            ("CREATE TRIGGER", 1),
            ("CREATE VIEW", 2),
            ("GRANT", 1),
            ("REFRESH", 1),
            ("SELECT", 7),
            ("SET", 11),
            ("\\restrict", 1),
            ("\\unrestrict", 1),
        ],
    );
}

#[test]
fn a_dump_of_sqlites_shell_is_read() {
    check(
        Brand::Sqlite,
        &[
            (".mode", 1),
            ("BEGIN", 1),
            ("COMMIT", 1),
            ("CREATE INDEX", 3),
            ("CREATE TRIGGER", 1),
            ("CREATE VIEW", 1),
            ("DELETE", 1),
            ("INSERT", 2),
            ("PRAGMA", 1),
        ],
    );
}

#[test]
fn a_dump_of_mariadb_is_read() {
    check(
        Brand::Mysql,
        &[
            // DISABLE KEYS and ENABLE KEYS.
            ("ALTER TABLE", 12),
            ("CREATE PROCEDURE", 1),
            ("CREATE TRIGGER", 1),
            ("CREATE VIEW", 2),
            ("DROP PROCEDURE", 1),
            ("DROP TABLE", 7),
            ("DROP VIEW", 2),
            ("INSERT", 1),
            ("LOCK", 6),
            ("SET", 72),
            ("UNLOCK", 6),
        ],
    );
}
