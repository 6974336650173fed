//! The DDL of `SQLite`, SQL Server and `MySQL`, as people and their tools write it.

use indoc::indoc;
use outrigger::dialect::Brand;
use outrigger::model::Schema;

use super::{check, reading};

/// The native types and what the model says beside them, without logical types.
fn columns(schema: &Schema) -> Vec<String> {
    let tables = schema.tables.iter();
    tables
        .flat_map(|table| &table.columns)
        .map(|column| {
            let mut text = format!("{} {}", column.name, column.native_type);
            for (is_set, word) in [
                (!column.is_nullable, " required"),
                (column.is_identity, " identity"),
                (column.is_generated, " generated"),
            ] {
                if is_set {
                    text.push_str(word);
                }
            }
            if let Some(default) = &column.default {
                text = text + " = " + default;
            }
            text
        })
        .collect()
}

fn check_columns(brand: Brand, text: &str, expected: &[&str]) {
    let reading = reading(brand, text).expect("the case has tables");
    assert!(reading.skipped.iter().all(|one| one.reason.is_none()), "{:#?}", reading.skipped);
    assert_eq!(columns(&reading.schema), expected, "{brand}: {text}");
}

#[test]
fn every_brand_reads_its_own_quotes() {
    for (brand, open, close) in [
        (Brand::Sqlite, "\"", "\""),
        (Brand::Sqlite, "[", "]"),
        (Brand::Sqlite, "`", "`"),
        (Brand::SqlServer, "[", "]"),
        (Brand::SqlServer, "\"", "\""),
        (Brand::Mysql, "`", "`"),
    ] {
        let long = "n".repeat(63);
        let quote = |name: &str| format!("{open}{name}{close}");
        let text = format!(
            "CREATE TABLE {} ({} int, {} int, {} int, {} int, PRIMARY KEY ({}, {}))",
            quote("order"),
            quote("select"),
            quote("user name"),
            quote("größe"),
            quote(&long),
            quote("user name"),
            quote("select"),
        );
        let schema = reading(brand, &text).expect("it reads").schema;
        let table = &schema.tables[0];
        assert_eq!(table.name.to_string(), "order");
        let names: Vec<_> = table.columns.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["select", "user name", "größe", &long]);
        assert_eq!(table.primary_key, ["user name", "select"]);
    }
}

#[test]
fn names_keep_their_case_and_are_found_whatever_the_case() {
    for brand in [Brand::Sqlite, Brand::SqlServer, Brand::Mysql] {
        let text = "CREATE TABLE Parent (Id int PRIMARY KEY);
                    CREATE TABLE Child (Ref int, FOREIGN KEY (REF) REFERENCES PARENT (ID));";
        let schema = reading(brand, text).expect("it reads").schema;
        let key = &schema.tables[0].foreign_keys[0];
        assert_eq!(key.columns, ["Ref"], "{brand}");
        assert_eq!(key.references.to_string(), "Parent", "{brand}");
        assert_eq!(key.referenced_columns, ["Id"], "{brand}");
    }
}

#[test]
fn sqlite_knows_which_keys_are_numbered_and_required() {
    check_columns(
        Brand::Sqlite,
        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, b);
         CREATE TABLE b (id integer, PRIMARY KEY (id ASC)) STRICT;
         CREATE TABLE c (id INT PRIMARY KEY);
         CREATE TABLE d (id INTEGER PRIMARY KEY DESC);
         CREATE TABLE e (id INTEGER PRIMARY KEY) WITHOUT ROWID, STRICT;
         CREATE TABLE f (a TEXT, b INTEGER, PRIMARY KEY (a, b)) STRICT;
         CREATE VIRTUAL TABLE g USING fts5(x);
         CREATE TEMP TABLE h (id INTEGER PRIMARY KEY);",
        &[
            "id integer required identity",
            "b ",
            "id integer required identity",
            "id int",
            "id integer",
            "id integer required",
            "a text required",
            "b integer required",
        ],
    );
}

#[test]
fn sqlite_types_defaults_and_conflict_clauses_are_read() {
    check_columns(
        Brand::Sqlite,
        "CREATE TABLE main.a (a VARYING CHARACTER ( 30 ) NOT NULL ON CONFLICT FAIL COLLATE NOCASE,
           b UNSIGNED BIG INT DEFAULT -1, c DECIMAL(10, 2) DEFAULT (1 + 1), key TEXT UNIQUE,
           d TEXT DEFAULT (datetime('now')), e TEXT DEFAULT CURRENT_TIMESTAMP, f DEFAULT 'x' ,
           g INT GENERATED ALWAYS AS (b + 1) STORED, h AS (b * 2), i REFERENCES a DEFERRABLE,
           'j' INT CHECK (j > 0), UNIQUE (a COLLATE NOCASE, b DESC) ON CONFLICT REPLACE)",
        &[
            "a varying character(30) required",
            "b unsigned big int = -1",
            "c decimal(10,2) = 1 + 1",
            "key text",
            "d text = datetime('now')",
            "e text = CURRENT_TIMESTAMP",
            "f  = 'x'",
            "g int generated",
            "h  generated",
            "i ",
            "j int",
        ],
    );
}

#[test]
fn sqlserver_scripts_of_the_management_studio_are_read() {
    let text = indoc! {"
        SET ANSI_NULLS ON
        GO
        CREATE TABLE [dbo].[Order](
            [Id] [int] IDENTITY(1,1) NOT FOR REPLICATION NOT NULL,
            [Name] [nvarchar](30) COLLATE Latin1_General_CI_AS NULL,
            [Big] [nvarchar](max) NULL,
            [Price] [decimal](10, 2) NOT NULL,
            [Total]  AS ([Price]*(2)) PERSISTED,
            [Guid] [uniqueidentifier] ROWGUIDCOL  NOT NULL,
            [Stamp] [timestamp] NOT NULL,
            [At] [datetime2](7) GENERATED ALWAYS AS ROW START HIDDEN NOT NULL,
         CONSTRAINT [PK_Order] PRIMARY KEY CLUSTERED
        (
            [Id] ASC
        )WITH (PAD_INDEX = OFF, STATISTICS_NORECOMPUTE = OFF) ON [PRIMARY],
         CONSTRAINT [UQ] UNIQUE NONCLUSTERED ([Name] ASC, [Price] DESC) ON [PRIMARY]
        ) ON [PRIMARY] TEXTIMAGE_ON [PRIMARY]
        GO
        CREATE TABLE [sales].[Line]([OrderId] [int] NULL, [No] [sales].[LineNo], [f] float(24))
        GO
        CREATE UNIQUE NONCLUSTERED INDEX [ix] ON [sales].[Line] ([No] ASC)
            INCLUDE([f]) WITH (PAD_INDEX = OFF) ON [PRIMARY]
        GO
        CREATE UNIQUE INDEX [filtered] ON [sales].[Line] ([f]) WHERE ([f] IS NOT NULL)
        GO
        ALTER TABLE [dbo].[Order] ADD  CONSTRAINT [DF] DEFAULT ((0)) FOR [Price]
        GO
        ALTER TABLE [dbo].[Order] ADD DEFAULT (newsequentialid()) FOR [Guid]
        GO
        ALTER TABLE [sales].[Line]  WITH CHECK ADD  CONSTRAINT [FK] FOREIGN KEY([OrderId])
        REFERENCES [dbo].[Order] ([Id])
        ON UPDATE CASCADE
        ON DELETE
        SET NULL
        GO
        ALTER TABLE [sales].[Line] CHECK CONSTRAINT [FK]
        GO
    "};
    check_columns(
        Brand::SqlServer,
        text,
        &[
            "Id int required identity",
            "Name nvarchar(30)",
            "Big nvarchar(max)",
            "Price decimal(10,2) required = 0",
            "Total computed generated",
            "Guid uniqueidentifier required = newsequentialid()",
            "Stamp timestamp required generated",
            "At datetime2(7) required generated",
            "OrderId int",
            "No sales.lineno",
            "f real",
        ],
    );
    let schema = reading(Brand::SqlServer, text).expect("it reads").schema;
    assert_eq!(schema.tables[0].primary_key, ["Id"]);
    assert_eq!(schema.tables[0].unique_keys, [["Name", "Price"]]);
    assert_eq!(schema.tables[1].unique_keys, [["No"]]);
    let key = format!("{:?}", schema.tables[1].foreign_keys);
    assert!(key.contains("on_delete: SetNull, on_update: Cascade"), "{key}");
}

#[test]
fn sqlserver_scripts_by_hand_need_no_semicolons() {
    check_columns(
        Brand::SqlServer,
        ":setvar name value
         USE shop
         IF OBJECT_ID('a') IS NULL CREATE TABLE a (id int PRIMARY KEY, b bit DEFAULT 0)
         CREATE TABLE #temporary (x int)
         IF NOT EXISTS (SELECT 1 FROM sys.tables WHERE name = 'b')
         BEGIN
           CREATE TABLE shop.dbo.b (id int NOT NULL, at datetime DEFAULT CURRENT_TIMESTAMP,
             n int CONSTRAINT d DEFAULT (NEXT VALUE FOR dbo.s), timestamp)
         END
         ALTER TABLE a ADD c varchar(10) NULL, d date
         ALTER TABLE a
         ALTER COLUMN c nvarchar(20) NOT NULL
         INSERT INTO a
         SELECT 1, 2
         GO
         CREATE PROCEDURE p AS
         CREATE TABLE never (x int)
         GO",
        &[
            "id int required",
            "b bit = 0",
            "c nvarchar(20) required",
            "d date",
            "id int required",
            "at datetime = getdate()",
            "n int identity",
            "timestamp timestamp generated",
        ],
    );
}

#[test]
fn mysql_tables_of_the_dump_programs_are_read() {
    check_columns(
        Brand::Mysql,
        "CREATE TABLE IF NOT EXISTS `shop`.`a` (
           `id` int(10) unsigned zerofill NOT NULL AUTO_INCREMENT COMMENT 'it''s; the \\'key\\'',
           `flag` tinyint(1) DEFAULT 0, `price` decimal(10,2) NOT NULL DEFAULT '0.00',
           `name` varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
           `kind` enum('A','b c') NOT NULL DEFAULT 'A', `at` timestamp NOT NULL
             DEFAULT current_timestamp() ON UPDATE current_timestamp(),
           `data` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin CHECK (json_valid(`data`)),
           `sum` int(11) GENERATED ALWAYS AS (`price` * 2) STORED, `v` int AS (1) VIRTUAL,
           `s` varchar(5) BINARY, `i` int INVISIBLE, `u` bigint DEFAULT 5 UNIQUE KEY,
           PRIMARY KEY (`id`) USING BTREE, UNIQUE KEY `n` (`name`,`flag`) USING BTREE,
           UNIQUE KEY `prefix` (`name`(10)), KEY `k` (`flag`), FULLTEXT KEY `f` (`name`),
           CONSTRAINT `fk` FOREIGN KEY (`u`) REFERENCES `a` (`id`) ON DELETE SET NULL,
           CONSTRAINT `c` CHECK (`price` > 0)
         ) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COMMENT='x;y'
         /*!50100 PARTITION BY HASH (id) PARTITIONS 4 */;",
        &[
            "id int unsigned required identity",
            "flag tinyint(1) = 0",
            "price decimal(10,2) required = 0",
            "name varchar(30)",
            "kind enum('A','b c') required = 'A'",
            "at timestamp required = CURRENT_TIMESTAMP",
            "data json",
            "sum int generated",
            "v int generated",
            "s varchar(5)",
            "i int",
            "u bigint = 5",
        ],
    );
}

#[test]
fn mysql_changes_of_phpmyadmin_belong_to_their_table() {
    check_columns(
        Brand::Mysql,
        "CREATE TABLE `a` (`id` int(11) NOT NULL, `b` text, `c` int);
         ALTER TABLE `a` ADD PRIMARY KEY (`id`), ADD UNIQUE KEY `u` (`c`), ADD KEY `k` (`c`);
         ALTER TABLE `a` MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=7;
         ALTER TABLE a CHANGE b d varchar(5) NOT NULL DEFAULT 'x' FIRST,
           ADD COLUMN (e int, f serial), ADD g int AFTER id, DROP COLUMN e;
         CREATE TABLE copy LIKE a;
         DROP TABLE IF EXISTS copy;",
        &[
            "d varchar(5) required = 'x'",
            "id int required identity",
            "g int",
            "c int",
            "f bigint unsigned required identity",
        ],
    );
}

#[test]
fn one_schema_in_four_dialects_has_one_shape() {
    for (brand, text) in [
        (Brand::Postgres, "CREATE TABLE o (id integer PRIMARY KEY, n varchar(9) NOT NULL UNIQUE)"),
        (
            Brand::Sqlite,
            "CREATE TABLE o (id int NOT NULL PRIMARY KEY, n varchar(9) NOT NULL UNIQUE)",
        ),
        (Brand::SqlServer, "CREATE TABLE dbo.o (id int PRIMARY KEY, n varchar(9) NOT NULL UNIQUE)"),
        (Brand::Mysql, "CREATE TABLE o (id int PRIMARY KEY, n varchar(9) NOT NULL UNIQUE)"),
    ] {
        let integer = if brand == Brand::Postgres { "integer" } else { "int" };
        check(
            brand,
            text,
            &format!(
                "table o\n  id: {integer} = integer, required\n  \
                 n: varchar(9) = text, required\n  key id\n  unique n"
            ),
        );
    }
}
