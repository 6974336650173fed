//! The dialect of a DDL text, by words that only one brand has.

use crate::dialect::Brand;
use crate::schema::{self, Reading, Skipped};

/// Lower-case marks; the more of them a text has, the likelier is the brand.
const MARKS: [(Brand, &[&str]); 4] = [
    (
        Brand::Postgres,
        &[
            "serial",
            "::",
            "timestamptz",
            "with time zone",
            "jsonb",
            "bytea",
            "owner to",
            "pg_catalog",
            "create extension",
            "as identity",
            "double precision",
            "character varying",
            "$$",
        ],
    ),
    (
        Brand::Sqlite,
        &[
            "autoincrement",
            "pragma ",
            "without rowid",
            "integer primary key",
            ") strict",
            "datetime('now",
        ],
    ),
    (
        Brand::SqlServer,
        &[
            "\ngo\n",
            "[dbo]",
            "dbo.",
            "nvarchar",
            "identity(",
            "datetime2",
            "uniqueidentifier",
            "] [",
            "getdate()",
            "on [primary]",
            "set ansi_nulls",
            "clustered",
        ],
    ),
    (
        Brand::Mysql,
        &["`", "auto_increment", "engine=", "engine =", "unsigned", "charset", "tinyint(1)", "/*!"],
    ),
];

/// The brand that a text seems to be of, where most of its tables could not be read as `given`.
pub(in crate::cli) fn doubt<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    given: Brand,
    reading: &Result<Reading, schema::Error>,
) -> Option<Brand> {
    let is_doubtful = match reading {
        Ok(reading) => {
            let is_lost = |one: &&Skipped| one.reason.is_some() && one.what == "CREATE TABLE";
            let lost = reading.skipped.iter().filter(is_lost).count();
            lost > reading.schema.tables.len()
        }
        Err(error) => matches!(error, schema::Error::NoTables { .. }),
    };
    if !is_doubtful {
        return None;
    }
    brand(texts).filter(|likely| *likely != given)
}

/// The one brand with the most marks; `None` when there is none or more than one.
pub(super) fn brand<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Brand> {
    let mut text = String::new();
    for one in texts {
        text.push_str(&one.to_lowercase().replace("\r\n", "\n"));
        text.push('\n');
    }
    let count = |marks: &[&str]| marks.iter().filter(|mark| text.contains(**mark)).count();
    let mut counts = MARKS.map(|(brand, marks)| (count(marks), brand));
    counts.sort();
    match counts {
        [.., (second, _), (first, brand)] if first > second => Some(brand),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Brand, brand, doubt};
    use crate::schema::{self, Source};

    #[test]
    fn each_brand_is_known_by_its_words() {
        for (text, wanted) in [
            (
                "CREATE TABLE a (id serial PRIMARY KEY, t timestamptz DEFAULT now())",
                Brand::Postgres,
            ),
            ("CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT)", Brand::Sqlite),
            ("CREATE TABLE [dbo].[a] ([id] [int] IDENTITY(1,1))\r\nGO\r\n", Brand::SqlServer),
            ("CREATE TABLE `a` (`id` int AUTO_INCREMENT) ENGINE=InnoDB", Brand::Mysql),
        ] {
            assert_eq!(brand([text]), Some(wanted), "{text}");
        }
        assert_eq!(brand(["CREATE TABLE a (id int PRIMARY KEY, t varchar(30))"]), None);
    }

    #[test]
    fn another_brand_is_named_where_the_text_cannot_be_read_as_what_was_said() {
        let tsql = "CREATE TABLE [dbo].[a] ([id] [int] IDENTITY(1,1), [b] [nvarchar](9))\nGO\n";
        let mysql = "CREATE TABLE `a` (`id` int(11) unsigned AUTO_INCREMENT) ENGINE=InnoDB;";
        let postgres = "CREATE TABLE a (id bigint, b text DEFAULT 'x'::character varying);";
        for (text, likely, others) in [
            (tsql, Brand::SqlServer, vec![Brand::Postgres, Brand::Mysql]),
            (mysql, Brand::Mysql, vec![Brand::Postgres, Brand::SqlServer]),
            // The other parsers know its words: then it is read, and no doubt is raised.
            (postgres, Brand::Postgres, vec![]),
        ] {
            let read = |brand| schema::parse(&[Source { path: "a.sql", text }], brand);
            assert_eq!(doubt([text], likely, &read(likely)), None, "{text}");
            for given in others {
                assert_eq!(doubt([text], given, &read(given)), Some(likely), "{given}: {text}");
            }
        }
        let nothing = "SELECT 1 AS `a`";
        let read = schema::parse(&[Source { path: "a.sql", text: nothing }], Brand::Postgres);
        assert_eq!(doubt([nothing], Brand::Postgres, &read), Some(Brand::Mysql));
    }
}
