//! What published scripts write and the dump programs do not.

use indoc::indoc;
use outrigger::dialect::Brand;

use super::{check, reading};

#[test]
fn a_constraint_of_the_table_needs_no_comma_before_it() {
    for brand in [Brand::SqlServer, Brand::Sqlite] {
        check(
            brand,
            indoc! {"
                CREATE TABLE parent (id int NOT NULL CONSTRAINT parent_key PRIMARY KEY);
                CREATE TABLE child (
                    a int NOT NULL,
                    b int NOT NULL
                    CONSTRAINT child_key PRIMARY KEY (a, b)
                    CONSTRAINT child_unique UNIQUE (b)
                    FOREIGN KEY (b) REFERENCES parent (id) ON DELETE CASCADE
                );
            "},
            indoc! {"
                table child
                  a: int = integer, required
                  b: int = integer, required
                  key a, b
                  unique b
                  b -> parent(id), on delete Cascade
                table parent
                  id: int = integer, required
                  key id
            "},
        );
    }
}

#[test]
fn sqlserver_tables_in_memory_and_of_versions_are_read() {
    check(
        Brand::SqlServer,
        indoc! {"
            CREATE TABLE dbo.price (
                id int IDENTITY NOT NULL PRIMARY KEY NONCLUSTERED HASH WITH (BUCKET_COUNT = 1024),
                product int NOT NULL INDEX price_product NONCLUSTERED,
                code char(4) NOT NULL
                INDEX price_code UNIQUE HASH (code) WITH (BUCKET_COUNT = 1024),
                valid_from datetime2(2) GENERATED ALWAYS AS ROW START HIDDEN NOT NULL,
                valid_to datetime2(2) GENERATED ALWAYS AS ROW END HIDDEN NOT NULL
                PERIOD FOR SYSTEM_TIME (valid_from, valid_to)
            ) WITH (MEMORY_OPTIMIZED = ON, SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.price_history))
            GO
        "},
        indoc! {"
            table price
              id: int = integer, required, identity
              product: int = integer, required
              code: char(4) = text, required
              valid_from: datetime2(2) = timestamp, required, generated
              valid_to: datetime2(2) = timestamp, required, generated
              key id
              unique code
        "},
    );
}

#[test]
fn options_of_a_column_go_on_behind_a_key_that_names_it() {
    check(
        Brand::SqlServer,
        indoc! {"
            CREATE TABLE one (
                k int PRIMARY KEY NONCLUSTERED HASH (k) WITH (BUCKET_COUNT = 4) DEFAULT (5),
                b int NOT NULL CONSTRAINT b_key UNIQUE HASH (b) CONSTRAINT b_df DEFAULT 3 NOT NULL
                FOREIGN KEY (b) REFERENCES one (k) ON DELETE SET DEFAULT ON UPDATE SET NULL,
                hash int NOT NULL DEFAULT 1
            )
        "},
        indoc! {"
            table one
              k: int = integer, required, default 5
              b: int = integer, required, default 3
              hash: int = integer, required, default 1
              key k
              unique b
              b -> one(k), on delete SetDefault, on update SetNull
        "},
    );
}

#[test]
fn a_setting_behind_an_alteration_is_a_statement_of_its_own() {
    check(
        Brand::SqlServer,
        indoc! {"
            CREATE TABLE t (id int NOT NULL)
            ALTER TABLE t ADD CONSTRAINT t_key PRIMARY KEY (id)
            SET QUOTED_IDENTIFIER ON
            ALTER TABLE t
            SET (LOCK_ESCALATION = AUTO)
        "},
        "table t\n  id: int = integer, required\n  key id",
    );
}

#[test]
fn elements_of_a_new_schema_are_in_it_and_need_no_semicolons() {
    for brand in [Brand::Postgres, Brand::SqlServer] {
        check(
            brand,
            indoc! {"
                CREATE TABLE one (id int);
                CREATE SCHEMA shop
                    CREATE TABLE two (id int PRIMARY KEY)
                    CREATE TABLE three (id int REFERENCES two)
                    GRANT SELECT ON two TO guest;
                CREATE TABLE four (id int);
            "},
            indoc! {"
                table four
                  id: int = integer
                table one
                  id: int = integer
                table shop.three
                  id: int = integer
                  id -> shop.two(id)
                table shop.two
                  id: int = integer, required
                  key id
            "}
            .replace("int =", if brand == Brand::Postgres { "integer =" } else { "int =" })
            .as_str(),
        );
    }
}

#[test]
fn a_column_that_a_parent_has_is_one_column() {
    check(
        Brand::Postgres,
        indoc! {"
            CREATE TABLE base (id bigint, note text DEFAULT 'x');
            CREATE TABLE other (note text NOT NULL, extra int);
            CREATE TABLE own (id bigint PRIMARY KEY DEFAULT nextval('s'), size int)
                INHERITS (base, other);
        "},
        indoc! {"
            table base
              id: bigint = integer
              note: text = text, default 'x'
            table other
              note: text = text, required
              extra: integer = integer
            table own
              id: bigint = integer, required, identity
              note: text = text, required, default 'x'
              extra: integer = integer
              size: integer = integer
              key id
        "},
    );
}

#[test]
fn keys_over_periods_are_read() {
    check(
        Brand::Postgres,
        indoc! {"
            CREATE TABLE price (id int, valid_at daterange,
                PRIMARY KEY (id, valid_at WITHOUT OVERLAPS));
            CREATE TABLE offer (id int, price int, valid_at daterange, period int,
                UNIQUE (period, id),
                FOREIGN KEY (price, PERIOD valid_at) REFERENCES price (id, PERIOD valid_at));
        "},
        indoc! {"
            table offer
              id: integer = integer
              price: integer = integer
              valid_at: daterange = verbatim
              period: integer = integer
              unique period, id
              price, valid_at -> price(id, valid_at)
            table price
              id: integer = integer, required
              valid_at: daterange = verbatim, required
              key id, valid_at
        "},
    );
}

#[test]
fn simple_statements_end_with_semicolons_under_any_delimiter() {
    check(
        Brand::Mysql,
        indoc! {"
            DELIMITER //
            SET @mode = '';
            CREATE TABLE a (id int NOT NULL PRIMARY KEY);
            CREATE TABLE b (id int NOT NULL PRIMARY KEY);
            CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW
            BEGIN
                INSERT INTO b VALUES (NEW.id);
                CREATE TABLE never (id int);
            END //
            DELIMITER ;
        "},
        indoc! {"
            table a
              id: int = integer, required
              key id
            table b
              id: int = integer, required
              key id
        "},
    );
}

#[test]
fn commas_in_brackets_part_no_columns() {
    check(
        Brand::Postgres,
        indoc! {"
            CREATE TABLE a (id int PRIMARY KEY, b text[] DEFAULT ARRAY['x', 'y'], c int);
            ALTER TABLE a ADD COLUMN d text[] NOT NULL DEFAULT ARRAY['x','y'], ADD COLUMN e int;
        "},
        indoc! {"
            table a
              id: integer = integer, required
              b: text[] = verbatim, default ARRAY['x', 'y']
              c: integer = integer
              d: text[] = verbatim, required, default ARRAY['x', 'y']
              e: integer = integer
              key id
        "},
    );
}

#[test]
fn a_type_that_is_renamed_is_the_columns_type() {
    check(
        Brand::Postgres,
        indoc! {r#"
            CREATE TYPE "Mood" AS ENUM ('a', 'b');
            CREATE TYPE shop.size AS ENUM ('s', 'l');
            CREATE DOMAIN name AS varchar(20);
            CREATE TABLE a (id int PRIMARY KEY, b "Mood", c shop.size[], d name);
            CREATE TYPE "Mood_new" AS ENUM ('b');
            ALTER TABLE a ALTER COLUMN b TYPE "Mood_new" USING b::text::"Mood_new";
            ALTER TYPE "Mood" RENAME TO "Mood_old";
            ALTER TYPE "Mood_new" RENAME TO "Mood";
            ALTER TYPE shop.size RENAME TO extent;
            ALTER DOMAIN name RENAME TO called;
            ALTER TYPE "Mood" RENAME VALUE 'b' TO 'c';
            ALTER TABLE a ADD COLUMN e "Mood", ADD COLUMN f called, ADD COLUMN g name;
        "#},
        indoc! {r#"
            table a
              id: integer = integer, required
              b: "Mood" = enum
              c: shop.extent[] = verbatim
              d: called = text
              e: "Mood" = enum
              f: called = text
              g: name = text
              key id
        "#},
    );
}

#[test]
fn sqlite_takes_other_brands_options_for_words_of_the_type() {
    check(
        Brand::Sqlite,
        indoc! {"
            CREATE TABLE a (
                id BIGINT AUTO_INCREMENT UNIQUE, b TEXT COMMENT NOT NULL, PRIMARY KEY (id)
            )
        "},
        indoc! {"
            table a
              id: bigint auto_increment = ?
              b: text comment = ?, required
              key id
        "},
    );
}

#[test]
fn sqlserver_names_for_types_of_old_scripts_are_read() {
    check(
        Brand::SqlServer,
        indoc! {"
            execute sp_addtype id, 'varchar(11)', 'NOT NULL'
            EXEC sys.sp_addtype @typename = N'tid', @phystype = N'varchar(6)', @nulltype = 'NOT NULL'
            GO
            exec sp_addtype 'free', 'int'
            GO
            CREATE TYPE code FROM char(4) NOT NULL
            GO
            CREATE TABLE a (a id PRIMARY KEY, b tid, c tid NULL, d free, e code, f dbo.code NULL)
            GO
        "},
        indoc! {"
            table a
              a: id = text, required
              b: tid = text, required
              c: tid = text
              d: free = integer
              e: code = text, required
              f: code = text
              key a
        "},
    );
}

#[test]
fn mysql_renames_tables_with_and_without_a_word_between() {
    check(
        Brand::Mysql,
        indoc! {"
            CREATE TABLE a (id int NOT NULL PRIMARY KEY);
            ALTER TABLE a RENAME b;
            CREATE TABLE a (id int NOT NULL PRIMARY KEY, c int);
            ALTER TABLE a RENAME `as`;
            ALTER TABLE `as` RENAME COLUMN c TO e;
            ALTER TABLE `as` RENAME AS f;
        "},
        indoc! {"
            table b
              id: int = integer, required
              key id
            table f
              id: int = integer, required
              e: int = integer
              key id
        "},
    );
}

#[test]
fn mysql_changes_behind_a_new_name_are_still_of_the_table() {
    check(
        Brand::Mysql,
        indoc! {"
            CREATE TABLE a (id int NOT NULL PRIMARY KEY, b int);
            CREATE TABLE kept (id int, a int REFERENCES a (id));
            CREATE TABLE other (id int NOT NULL PRIMARY KEY);
            ALTER TABLE a ADD c int, RENAME TO d, DROP COLUMN b, ADD e int NOT NULL,
                CHANGE c f bigint, RENAME INDEX x TO y;
            RENAME TABLE d TO e, other TO d, kept TO `table`;
        "},
        indoc! {"
            table d
              id: int = integer, required
              key id
            table e
              id: int = integer, required
              f: bigint = integer
              e: int = integer, required
              key id
            table table
              id: int = integer
              a: int = integer
              a -> e(id)
        "},
    );
}

#[test]
fn one_change_that_is_not_understood_is_said_of_its_table_and_the_others_are_read() {
    let text = "CREATE TABLE a (id int PRIMARY KEY);\n\
                ALTER TABLE a\n  ADD b int,\n  ADD c int DEFAULT = 1,\n  ADD d int;\n\
                ALTER TABLE nosuch ADD b int;";
    for brand in [Brand::Postgres, Brand::Mysql] {
        let reading = reading(brand, text).expect("a table");
        let columns: Vec<_> =
            reading.schema.tables[0].columns.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(columns, ["id", "b", "d"], "{brand}");
        let skipped: Vec<_> = reading
            .skipped
            .iter()
            .map(|one| (one.what.as_str(), one.location.line, one.table.as_deref()))
            .collect();
        assert_eq!(skipped, [("ALTER TABLE", 4, Some("a")), ("ALTER TABLE", 6, None)], "{brand}");
    }
}

#[test]
fn a_table_that_a_query_makes_is_said_with_the_reason() {
    for made in
        ["AS SELECT 1 AS id", "AS (SELECT 1 AS id)", "AS TABLE a", "(id int) AS SELECT 1 AS id"]
    {
        let text = format!("CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE b {made};");
        let reading = reading(Brand::Postgres, &text).expect("a table");
        let reason = reading.skipped[0].reason.as_deref();
        assert_eq!(reason, Some("a table that is filled by a query is not read"), "{made}");
        assert_eq!(reading.skipped[0].table.as_deref(), Some("b"), "{made}");
    }
}

#[test]
fn words_of_indexes_and_periods_are_names_where_nothing_else_follows() {
    let columns = "  id: int = integer, required\n  period: int = integer\n  system: int = integer";
    let text =
        "CREATE TABLE a (id int NOT NULL PRIMARY KEY, period int NOT NULL, exclude int, KEY (id));
                ALTER TABLE a MODIFY period int, DROP COLUMN exclude, ADD system int;
                ALTER TABLE a ADD SYSTEM VERSIONING;
                ALTER TABLE a DROP SYSTEM VERSIONING, ADD PARTITION PARTITIONS 2;";
    check(Brand::Mysql, text, &format!("table a\n{columns}\n  key id"));
    let text = "CREATE TABLE a (id int PRIMARY KEY, exclude int, key int, index int, period int,
                    partition int, EXCLUDE USING gist (period WITH &&), EXCLUDE (key WITH =));
                ALTER TABLE a DROP key, DROP partition, ADD partition text, ADD system int;
                ALTER TABLE a RENAME index TO key;
                ALTER TABLE a ALTER exclude SET NOT NULL;";
    check(
        Brand::Postgres,
        text,
        indoc! {"
            table a
              id: integer = integer, required
              exclude: integer = integer, required
              key: integer = integer
              period: integer = integer
              partition: text = text
              system: integer = integer
              key id
        "},
    );
}
