//! Every built-in type of each brand is mapped or refused by name; `docs/types.md` lists them, with
//! what becomes of each type between each two brands.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use outrigger::dialect::{Brand, Dialect};
use outrigger::model::LogicalType;

use crate::support::{document::is_updating, on_each_server_of};

fn is_known(dialect: &Dialect, native: &str) -> bool {
    dialect.logical_type(native).is_some() != dialect.refusal(native).is_some()
}

#[track_caller]
fn all_are_known<'a>(brand: Brand, natives: impl IntoIterator<Item = &'a str>) {
    let dialect = brand.dialect();
    let unknown: Vec<&str> =
        natives.into_iter().filter(|native| !is_known(dialect, native)).collect();
    assert!(unknown.is_empty(), "{brand} neither maps nor refuses, or does both: {unknown:?}");
}

/// The catalogue of the server itself: base types, ranges, multiranges and an array of each.
#[test]
fn postgres_has_no_built_in_type_without_a_name_here() {
    on_each_server_of(Brand::Postgres, async |database| {
        let sql = "SELECT format_type(t.oid, NULL)::text AS name FROM pg_catalog.pg_type AS t \
             WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm') \
             ORDER BY 1";
        let mut session = database.connect().await;
        let rows = session.fetch(sql, &[]).await.unwrap();
        let names: Vec<String> = rows.iter().filter_map(|row| row.text("name")).collect();
        assert!(names.len() > 100, "{names:?}");
        all_are_known(Brand::Postgres, names.iter().map(String::as_str));
    });
}

/// The manuals' lists of types; no catalogue of these brands has them.
#[test]
fn the_types_of_the_manuals_are_known() {
    let mysql = "bit(1) bit(10) tinyint(1) bool boolean tinyint smallint mediumint int integer \
         bigint serial decimal(10,2) dec fixed numeric float double real date datetime(6) \
         timestamp time year char(3) varchar(9) binary(3) varbinary(9) tinyblob blob mediumblob \
         longblob tinytext text mediumtext longtext enum('a') set('a','b') json geometry point \
         linestring polygon multipoint multilinestring multipolygon geometrycollection \
         geomcollection vector(3) uuid inet4 inet6";
    let sqlserver = "bigint bit decimal(10,2) int money numeric smallint smallmoney tinyint float \
         real date datetime2(6) datetime datetimeoffset smalldatetime time char(3) text \
         varchar(9) nchar(3) ntext nvarchar(max) binary(3) image varbinary(9) cursor geography \
         geometry hierarchyid json vector(3) rowversion timestamp sql_variant table \
         uniqueidentifier xml sysname";
    let sqlite = "int integer tinyint smallint mediumint bigint int2 int8 character(20) \
         varchar(255) nchar(55) nvarchar(100) text clob blob real double float numeric \
         decimal(10,5) boolean date datetime";
    for (brand, natives) in
        [(Brand::Mysql, mysql), (Brand::SqlServer, sqlserver), (Brand::Sqlite, sqlite)]
    {
        all_are_known(brand, natives.split_whitespace());
        all_are_known(
            brand,
            match brand {
                Brand::Mysql => {
                    vec!["bigint unsigned", "double precision", "decimal(5,2) unsigned"]
                }
                Brand::Sqlite => {
                    vec!["unsigned big int", "varying character(255)", "native character(70)"]
                }
                _ => vec!["double precision", "national character varying(9)"],
            },
        );
    }
}

#[test]
fn a_refused_type_is_told_from_an_unknown_one() {
    let postgres = Brand::Postgres.dialect();
    let within_a_server = Some("it means something within its own server only");
    for refused in ["pg_lsn", "regclass[]", "xid8"] {
        assert_eq!(postgres.refusal(refused), within_a_server, "{refused}");
        assert_eq!(postgres.logical_type(refused), None, "{refused}");
    }
    assert!(postgres.refusal("money[]").is_some() && postgres.refusal("\"char\"[]").is_some());
    for carried in ["bit(3)", "time(3) with time zone", "numeric(5,2)[]", "shop.mood[]"] {
        assert_eq!(postgres.refusal(carried), None, "{carried}");
        assert_eq!(postgres.logical_type(carried), Some(LogicalType::Verbatim), "{carried}");
    }
    assert_eq!((postgres.refusal("integer"), postgres.refusal("no such")), (None, None));
}

/// An extension stands where its users put it; a type of the application has its own meaning.
#[test]
fn a_type_of_an_extension_is_known_in_any_namespace() {
    let postgres = Brand::Postgres.dialect();
    for (native, logical) in [
        ("extensions.hstore", Some(LogicalType::Verbatim)),
        ("postgis.geometry(point,4326)", Some(LogicalType::Verbatim)),
        ("\"My Ext\".ltree[]", Some(LogicalType::Verbatim)),
        ("extensions.citext", Some(LogicalType::Text)),
        ("shop.interval", None),
        ("shop.money", None),
    ] {
        assert_eq!(postgres.logical_type(native), logical, "{native}");
    }
}

#[test]
fn the_page_of_types_is_that_of_the_dialects() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/types.md");
    let wanted = page();
    if is_updating() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let is_current = std::fs::read_to_string(&path).unwrap() == wanted;
    assert!(is_current, "docs/types.md: run the tests with OUTRIGGER_UPDATE_DOCS=1");
}

fn page() -> String {
    let mut text = String::from(
        "# Types between brands\n\n\
         What becomes of each type from each brand to each other.\n\
         A value that is *refused* goes to quarantine with its reason, a *lossy* one arrives \
         altered in the way that is said; *all* arrive as they were where nothing stands.\n\
         A limit that the sender has too is left out: such a value cannot come from there.\n\
         The native types of each brand are listed with the logical type that they are carried \
         as. Those that no other brand has are *verbatim*, see [below](#verbatim); \
         a type that no brand lists is an error of `outrigger check`, and so is one that is \
         refused by name.\n\
         This page is written from `dialects/*.yaml`, and the round trips of the tests prove it on \
         SQLite, PostgreSQL and MariaDB.\n",
    );
    for logical in LogicalType::ALL {
        of_type(&mut text, logical);
    }
    text.push_str("\n## Refused by name\n");
    for brand in Brand::ALL {
        let dialect = brand.dialect();
        let _ = writeln!(text, "\n{}:\n", dialect.title);
        if dialect.refused.is_empty() {
            text.push_str("- nothing: a column only prefers a type, each value has its own.\n");
        }
        for (why, natives) in &dialect.refused {
            let natives: Vec<String> = natives.iter().map(|native| format!("`{native}`")).collect();
            let _ = writeln!(text, "- {}: {why}.", natives.join(", "));
        }
    }
    text
}

/// What is said of the types that one brand alone has.
const VERBATIM: &str = "Types that one brand alone has: the text that this brand writes of a value \
    is carried as it is. Between two nodes of the brand nothing is lost: a NULL in an array, its \
    bounds, the sign of each part of an interval, the weights of a `tsvector`. `[]` stands for \
    every array of a type that is not refused by name; composites and ranges of the application, \
    and domains over any of these, are verbatim too. \
    PostgreSQL's triggers set what shows in such texts (`datestyle`, `intervalstyle`, `timezone`, \
    `bytea_output`, `extra_float_digits`) on tables with such columns, as far as these need it.\n\n\
    On a brand that does not have the type the column is a text, and `outrigger translate` makes \
    it one. A `tags text[]` with the value `ARRAY['a', NULL, 'b c']` on PostgreSQL is \
    `{a,NULL,\"b c\"}` on SQLite, whose application may write `{a,new}` there, which arrives on \
    PostgreSQL as `ARRAY['a', 'new']`. What the type cannot read, such as `a,new`, is not \
    imported: it waits in quarantine with PostgreSQL's own reason, `malformed array literal`, and \
    later changes of the row wait behind it, until a person drops it. Values are compared as texts, so \
    `24:00:00` and `1 day` are two intervals. An `inet` says its mask, `10.0.0.1/32`, which \
    MariaDB's own `inet4` and `inet6` refuse. The shapes of PostGIS are their EWKB in \
    hexadecimal digits; an application elsewhere reads them with a library that knows them. Between \
    columns that are declared in different ways, `interval year to month` and its like cut the other fields; a `seg` keeps six digits; \
    all else that a column would cut is refused.\n\n";

fn of_type(text: &mut String, logical: LogicalType) {
    let _ = writeln!(text, "\n## {logical}\n");
    if logical == LogicalType::Verbatim {
        text.push_str(VERBATIM);
    }
    for brand in Brand::ALL {
        let dialect = brand.dialect();
        let mapping = dialect.mapping(logical);
        let natives: Vec<String> =
            mapping.native.iter().map(|native| format!("`{native}`")).collect();
        let natives = if natives.is_empty() { "–".to_owned() } else { natives.join(", ") };
        let _ =
            writeln!(text, "- {}: {natives}; made anew as `{}`", dialect.title, mapping.declare);
    }
    let mut notes: BTreeMap<(Brand, &str), usize> = BTreeMap::new();
    for to in Brand::ALL {
        for limit in &to.dialect().mapping(logical).limits {
            let number = notes.len() + 1;
            notes.entry((to, limit)).or_insert(number);
        }
    }
    text.push_str("\n| from \\ to |");
    for to in Brand::ALL {
        let _ = write!(text, " {} |", to.dialect().title);
    }
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(Brand::ALL.len()));
    for from in Brand::ALL {
        let _ = write!(text, "| {} |", from.dialect().title);
        for to in Brand::ALL {
            let _ = write!(text, " {} |", cell(logical, from, to, &notes));
        }
        text.push('\n');
    }
    if !notes.is_empty() {
        text.push('\n');
    }
    let mut sorted: Vec<_> = notes.into_iter().collect();
    sorted.sort_by_key(|(_, number)| *number);
    for ((to, limit), number) in sorted {
        let _ = writeln!(text, "{number}. to {}: {limit}", to.dialect().title);
    }
}

fn cell(
    logical: LogicalType,
    from: Brand,
    to: Brand,
    notes: &BTreeMap<(Brand, &str), usize>,
) -> String {
    let known = &from.dialect().mapping(logical).limits;
    let limits = &to.dialect().mapping(logical).limits;
    let new: Vec<&String> =
        limits.iter().filter(|one| from != to && !known.contains(one)).collect();
    let says = |word: &str| new.iter().any(|limit| limit.starts_with(word));
    let word = match (says("lossy"), says("refused")) {
        (true, true) => "lossy or refused in part",
        (true, false) => "lossy in part",
        (false, true) => "refused in part",
        (false, false) => return "all".to_owned(),
    };
    let numbers: Vec<String> =
        new.iter().map(|limit| notes[&(to, limit.as_str())].to_string()).collect();
    format!("{word} ({})", numbers.join(", "))
}
