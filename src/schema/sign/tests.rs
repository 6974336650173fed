//! Which brand texts are taken for.

use indoc::indoc;

use super::{Sign, doubt, likely};
use crate::dialect::Brand;
use crate::schema::{Source, parse};

fn guess(text: &str) -> Option<Brand> {
    likely(&[Source { path: "a.sql", text }])
}

fn doubted(text: &str, given: Brand) -> Option<Sign> {
    let sources = [Source { path: "a.sql", text }];
    doubt(&sources, given, &parse(&sources, given))
}

#[test]
fn each_brand_is_known_by_its_words() {
    for (text, wanted) in [
        ("CREATE TABLE a (id serial PRIMARY KEY, t timestamptz DEFAULT now())", Brand::Postgres),
        ("CREATE TYPE mood AS ENUM ('a'); CREATE TABLE a (id int, m mood)", Brand::Postgres),
        ("CREATE DOMAIN email text; CREATE TABLE a (id int, m email)", Brand::Postgres),
        ("CREATE TABLE a (id int, t text[])", Brand::Postgres),
        ("CREATE TABLE a (id int, t inet, h hstore)", Brand::Postgres),
        ("CREATE TABLE a (id int, v tsvector, r int4range)", Brand::Postgres),
        ("CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT)", Brand::Sqlite),
        (
            "CREATE TABLE [a] ([id] INTEGER PRIMARY KEY, [t] NVARCHAR(9)) WITHOUT ROWID",
            Brand::Sqlite,
        ),
        ("CREATE TABLE [dbo].[a] ([id] [int] IDENTITY(1,1))\r\nGO\r\n", Brand::SqlServer),
        ("CREATE TABLE a (id int)\nGO\n", Brand::SqlServer),
        ("CREATE TABLE a (id int, t nvarchar(max), h hierarchyid)", Brand::SqlServer),
        ("CREATE TABLE `a` (`id` int AUTO_INCREMENT) ENGINE=InnoDB", Brand::Mysql),
        ("CREATE TABLE a (id mediumint, t longtext)", Brand::Mysql),
    ] {
        assert_eq!(guess(text), Some(wanted), "{text}");
    }
    for text in ["CREATE TABLE a (id int PRIMARY KEY, t varchar(30))", "", "-- jsonb\n", "'::'"] {
        assert_eq!(guess(text), None, "{text}");
    }
}

const ALL_OF_POSTGRES: &str = indoc! {"
    CREATE TYPE mood AS ENUM ('sad');
    CREATE TABLE a (id bigint, tags text[], m mood, j jsonb);
"};
const TSQL: &str = "CREATE TABLE [dbo].[a] ([id] [int] IDENTITY(1,1), [b] [nvarchar](9))\nGO\n\
                    SET ANSI_NULLS ON\nGO\n";
const MYSQL: &str = "-- it's\nCREATE TABLE a (id int unsigned,\n  KEY (id)) ENGINE=InnoDB;";
const SQLITE: &str =
    "PRAGMA foreign_keys=OFF;\nCREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);";

#[test]
fn another_brand_is_named_with_the_first_place_that_shows_it() {
    for (text, given, wanted) in [
        (ALL_OF_POSTGRES, Brand::Mysql, "postgres at 1:1: CREATE TYPE mood AS ENUM"),
        (ALL_OF_POSTGRES, Brand::Sqlite, "postgres at 1:1: CREATE TYPE mood AS ENUM"),
        (ALL_OF_POSTGRES, Brand::SqlServer, "postgres at 1:1: CREATE TYPE mood AS ENUM"),
        (TSQL, Brand::Postgres, "sqlserver at 1:14: [dbo]"),
        (TSQL, Brand::Mysql, "sqlserver at 1:14: [dbo]"),
        (TSQL, Brand::Sqlite, "sqlserver at 2:1: GO"),
        (MYSQL, Brand::Postgres, "mysql at 2:20: int unsigned"),
        (MYSQL, Brand::Sqlite, "mysql at 3:11: ) ENGINE="),
        (MYSQL, Brand::SqlServer, "mysql at 2:20: int unsigned"),
        (SQLITE, Brand::Postgres, "sqlite at 1:1: PRAGMA"),
        (SQLITE, Brand::Mysql, "sqlite at 1:1: PRAGMA"),
        (SQLITE, Brand::SqlServer, "sqlite at 1:1: PRAGMA"),
    ] {
        let found = doubted(text, given).map(|Sign { brand, location, seen }| {
            format!("{brand} at {}:{}: {seen}", location.line, location.column)
        });
        assert_eq!(found.as_deref(), Some(wanted), "{given}: {text}");
    }
    for (text, brand) in [
        (ALL_OF_POSTGRES, Brand::Postgres),
        (TSQL, Brand::SqlServer),
        (MYSQL, Brand::Mysql),
        (SQLITE, Brand::Sqlite),
    ] {
        assert_eq!(doubted(text, brand), None, "{text}");
    }
}

/// A word inside of quotes, comments, bodies and rows shows nothing, nor does a type of one's own.
#[test]
fn what_is_no_ddl_shows_nothing() {
    for (text, given) in [
        ("CREATE TABLE a (id int DEFAULT 'CREATE TYPE a AS ENUM' /* ENGINE=x */)", Brand::Mysql),
        ("CREATE TABLE a (c text);\nINSERT INTO a VALUES ('it\\'s; PRAGMA x');", Brand::Mysql),
        ("CREATE TABLE a (c text);\nCOPY a (c) FROM stdin;\nPRAGMA '\nGO\n\\.\n", Brand::Postgres),
        (
            "CREATE FUNCTION f() RETURNS int AS $$ GO\nPRAGMA x $$ LANGUAGE plpgsql;\n\
             CREATE TABLE a (c int);",
            Brand::Postgres,
        ),
        (
            "CREATE DOMAIN year AS int; CREATE DOMAIN longtext AS text;\n\
             CREATE TABLE a (y year, t longtext);",
            Brand::Postgres,
        ),
        // SQLite takes any type, also those of others.
        (
            "CREATE TABLE a (id int AUTO_INCREMENT, t timestamp with time zone, j jsonb, h hstore, \
          n nvarchar(max), i int identity(1,1))",
            Brand::Sqlite,
        ),
        // One type may be anybody's own name.
        ("CREATE TABLE a (id int, t inet)", Brand::Mysql),
    ] {
        assert_eq!(doubted(text, given), None, "{given}: {text}");
    }
}

#[test]
fn a_text_of_which_nothing_is_left_is_doubted_as_well() {
    let text = "CREATE TABLE a (id int, v datetime2, CHECK (v > getdate()))\nGRANT x TO y";
    assert_eq!(guess(text), Some(Brand::SqlServer));
    let nothing = "SELECT 1 AS `a`";
    let found = doubted(nothing, Brand::Postgres).expect("no table at all");
    assert_eq!(found.brand, Brand::Mysql);
}
