//! The dialect of a DDL text, by words that only one brand has.

use crate::dialect::Brand;

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
    use super::{Brand, brand};

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
}
