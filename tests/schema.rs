//! Reading schemas: DDL of the four brands, and that a live database gives the same model.

mod brands;
mod dialects;
mod dump;
mod live;
mod postgres;
mod wild;

use std::fmt::Write as _;

use outrigger::dialect::Brand;
use outrigger::model::{Action, Schema};
use outrigger::schema::{Error, Reading, Source, parse};

/// The one way in which these tests read DDL.
fn reading(brand: Brand, text: &str) -> Result<Reading, Error> {
    parse(&[Source { path: "schema.sql", text }], brand)
}

/// Reads DDL that must be read whole, and compares what it describes.
fn check(brand: Brand, text: &str, expected: &str) {
    let sources = [Source { path: "schema.sql", text }];
    let reading = parse(&sources, brand);
    let doubt = outrigger::schema::doubt(&sources, brand, &reading);
    assert_eq!(doubt, None, "{brand}: {text}");
    let reading = reading.expect("the case has tables");
    let unread: Vec<_> = reading.skipped.iter().filter(|one| one.reason.is_some()).collect();
    assert!(unread.is_empty(), "{brand}: {unread:#?}\n{text}");
    assert_eq!(describe(&reading.schema).trim(), expected.trim(), "{brand}: {text}");
}

/// A schema as text, one line a thing.
fn describe(schema: &Schema) -> String {
    let mut out = String::new();
    for table in &schema.tables {
        writeln!(out, "table {}", table.name).unwrap();
        for column in &table.columns {
            let logical = column.logical_type.map_or("?", |logical| logical.name());
            write!(out, "  {}: {} = {logical}", column.name, column.native_type).unwrap();
            for (is_set, word) in [
                (!column.is_nullable, "required"),
                (column.is_identity, "identity"),
                (column.is_generated, "generated"),
            ] {
                if is_set {
                    write!(out, ", {word}").unwrap();
                }
            }
            if let Some(default) = &column.default {
                write!(out, ", default {default}").unwrap();
            }
            writeln!(out).unwrap();
        }
        if !table.primary_key.is_empty() {
            writeln!(out, "  key {}", table.primary_key.join(", ")).unwrap();
        }
        for key in &table.unique_keys {
            writeln!(out, "  unique {}", key.join(", ")).unwrap();
        }
        for key in &table.foreign_keys {
            let (own, other) = (key.columns.join(", "), key.referenced_columns.join(", "));
            write!(out, "  {own} -> {}({other})", key.references).unwrap();
            for (action, when) in [(key.on_delete, "delete"), (key.on_update, "update")] {
                if action != Action::NoAction {
                    write!(out, ", on {when} {action:?}").unwrap();
                }
            }
            writeln!(out).unwrap();
        }
    }
    out
}

#[test]
fn a_table_defined_twice_is_an_error_with_both_places() {
    for brand in Brand::ALL {
        let text = "CREATE TABLE a (id int);\n\n CREATE TABLE a (id int);";
        let error = reading(brand, text).expect_err("twice");
        assert_eq!(error.to_string(), "table `a` is defined twice, first at schema.sql:1:1");
        assert_eq!(error.location().map(ToString::to_string).as_deref(), Some("schema.sql:3:2"));
        let dropped = "CREATE TABLE a (id int); DROP TABLE a; CREATE TABLE a (b int);";
        assert!(reading(brand, dropped).is_ok(), "{brand}");
    }
}

#[test]
fn files_without_a_table_are_an_error() {
    for brand in Brand::ALL {
        let error = reading(brand, "-- nothing\nGRANT SELECT ON a TO b;").expect_err("nothing");
        assert_eq!(error.to_string(), "no table is created in `schema.sql`");
    }
}

#[test]
fn a_table_that_cannot_be_read_is_isolated_with_its_place() {
    for brand in Brand::ALL {
        let text = "CREATE TABLE a (id int PRIMARY KEY);\n\
                    CREATE TABLE b (\n  id int,\n  x int DEFAULT ) 1\n);\n\
                    CREATE TABLE c (id int, PRIMARY KEY (nosuch));\n\
                    CREATE TABLE d (id int REFERENCES a);";
        let reading = reading(brand, text).expect("two tables are fine");
        let names: Vec<_> = reading.schema.tables.iter().map(|one| &one.name.name).collect();
        assert_eq!(names, ["a", "d"], "{brand}");
        let skipped: Vec<_> = reading
            .skipped
            .iter()
            .map(|one| (one.location.line, one.table.as_deref(), one.reason.is_some()))
            .collect();
        assert_eq!(skipped, [(4, Some("b"), true), (6, Some("c"), true)], "{brand}");
        let reason = reading.skipped[1].reason.as_deref();
        assert_eq!(reason, Some("a key names column `nosuch`, which the table lacks"));
    }
}

#[test]
fn tables_and_columns_know_their_places() {
    let text = "-- größe\nCREATE TABLE a (\n  id int,\n  -- name\n    \"größe\" int, c int\n);";
    for brand in Brand::ALL {
        let reading = reading(brand, text).expect("it reads");
        let table = &reading.schema.tables[0];
        let place = |location: &Option<outrigger::model::Location>| {
            location.as_ref().map(ToString::to_string).unwrap_or_default()
        };
        assert_eq!(place(&table.location), "schema.sql:2:1", "{brand}");
        let places: Vec<_> = table.columns.iter().map(|one| place(&one.location)).collect();
        assert_eq!(places, ["schema.sql:3:3", "schema.sql:5:5", "schema.sql:5:18"], "{brand}");
    }
}

#[test]
fn several_files_are_one_script() {
    for brand in Brand::ALL {
        let sources = [
            Source { path: "1.sql", text: "CREATE TABLE a (id int PRIMARY KEY);" },
            Source { path: "2.sql", text: "\nCREATE TABLE b (a int REFERENCES a);" },
        ];
        let schema = parse(&sources, brand).expect("it reads").schema;
        assert_eq!(schema.tables[1].foreign_keys[0].referenced_columns, ["id"], "{brand}");
        let place = schema.tables[1].location.as_ref().map(ToString::to_string);
        assert_eq!(place.as_deref(), Some("2.sql:2:1"), "{brand}");
    }
}

#[test]
fn the_hash_says_whether_two_schemas_are_equal() {
    let of = |text: &str| {
        outrigger::schema::hash(&reading(Brand::Postgres, text).expect("it reads").schema)
    };
    let base = of("CREATE TABLE a (id int, b text); CREATE TABLE c (d int)");
    assert_eq!(base.len(), 64);
    assert_eq!(base, of("CREATE TABLE c (d integer);\n\nCREATE TABLE a (id int4, b text)"));
    for other in [
        "CREATE TABLE a (id int, b text); CREATE TABLE c (d bigint)",
        "CREATE TABLE a (b text, id int); CREATE TABLE c (d int)",
        "CREATE TABLE a (id int, b text NOT NULL); CREATE TABLE c (d int)",
        "CREATE TABLE a (id int, b text DEFAULT 'x'); CREATE TABLE c (d int)",
        "CREATE TABLE a (id int PRIMARY KEY, b text); CREATE TABLE c (d int)",
        "CREATE TABLE a (id int UNIQUE, b text); CREATE TABLE c (d int)",
        "CREATE TABLE a (id int, b text); CREATE TABLE s.c (d int)",
    ] {
        assert_ne!(base, of(other), "{other}");
    }
}

/// Any text at all is read to an end, whatever it holds.
#[test]
fn no_text_makes_the_reader_crash() {
    let pieces = [
        "CREATE TABLE",
        "a",
        "(",
        ")",
        "'",
        "\"",
        "`",
        "[",
        "]",
        "$$",
        "$x$",
        "--",
        "/*",
        "*/",
        "/*!50",
        "\n",
        ";",
        ",",
        "\\",
        "E'",
        "GO\n",
        "DELIMITER //\n",
        "BEGIN",
        "END",
        "größe",
        "\u{1f980}",
        "PRIMARY KEY",
        "DEFAULT",
        "ALTER TABLE",
        "ADD",
        "id int",
        "REFERENCES",
        "AS",
        "CREATE UNIQUE INDEX",
        "ON",
        "LIKE",
        "CONSTRAINT",
        "MODIFY",
        ".",
        "COPY x FROM stdin",
    ];
    // A fixed sequence of pseudo-random numbers: the same texts at each run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..4000 {
        let mut text = String::new();
        for _ in 0..(state % 24) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let index = usize::try_from(state % pieces.len() as u64).unwrap();
            text.push_str(pieces[index]);
            text.push(' ');
        }
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        for brand in Brand::ALL {
            let _ = reading(brand, &text);
        }
    }
}
