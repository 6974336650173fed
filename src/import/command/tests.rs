//! Commands as applications write them, and what must become of them.

use super::*;

/// `I|U|D table key=… : column=…`, the reading of a command in one line.
fn shown(command: &ParsedCommand) -> String {
    let key: Vec<_> = command.key.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let value = |(name, value): &(String, Option<String>)| match value {
        Some(value) => format!("{name}={value}"),
        None => format!("{name} NULL"),
    };
    let values: Vec<_> = command.values.iter().map(value).collect();
    format!("{} {} [{}] [{}]", command.op, command.table, key.join("; "), values.join("; "))
}

fn reads(cases: &[(&str, &str)]) {
    for (command, expected) in cases {
        let found = parse_command(command, Some(Brand::Postgres));
        assert_eq!(found.as_ref().map(shown).as_deref(), Ok(*expected), "{command}");
    }
}

/// The command is refused with a reason that has these words.
fn refuses(cases: &[(&str, &str)]) {
    for (command, reason) in cases {
        match parse_command(command, Some(Brand::Postgres)) {
            Ok(read) => panic!("{command}: {}", shown(&read)),
            Err(error) => assert!(error.to_string().contains(reason), "{command}: {error}"),
        }
    }
}

#[test]
fn the_samples_of_datajoin() {
    reads(&[
        (
            "INSERT INTO public.sales_order(order_id, order_type,\ndescription, product_type_name, \
             customer_id, quantity, order_date, update_datetime, updated_by_user, \
             updated_by_server) VALUES\n(~ord2~,~wholesale~,~old order~,~desktop~,~c1~,~100~,\
             ~5/25/2025~,~06/25/2025 10:30:00 AM~,~mtp~,~server1~);",
            "I sales_order [] [order_id=ord2; order_type=wholesale; description=old order; \
             product_type_name=desktop; customer_id=c1; quantity=100; order_date=5/25/2025; \
             update_datetime=06/25/2025 10:30:00 AM; updated_by_user=mtp; \
             updated_by_server=server1]",
        ),
        (
            "INSERT INTO public.sales_order(order_id, quantity) VALUES ('ord2','100');",
            "I sales_order [] [order_id=ord2; quantity=100]",
        ),
        (
            "UPDATE sales_order set description=~old order change~ where order_id=~ord2~",
            "U sales_order [order_id=ord2] [description=old order change]",
        ),
        (
            "UPDATE sales_order set description='old order change1' where order_id='ord2'",
            "U sales_order [order_id=ord2] [description=old order change1]",
        ),
        ("delete from sales_order where order_id=~ord2~", "D sales_order [order_id=ord2] []"),
    ]);
}

#[test]
fn what_datajoins_programs_get_wrong() {
    reads(&[
        ("UPDATE t SET d='O''Brien' WHERE id='1'", "U t [id=1] [d=O'Brien]"),
        ("UPDATE t SET d='a~b' WHERE id='1'", "U t [id=1] [d=a~b]"),
        ("UPDATE t SET d='a~~b' WHERE id='1'", "U t [id=1] [d=a~~b]"),
        ("UPDATE t SET d='see :ref' WHERE id='1'", "U t [id=1] [d=see :ref]"),
        ("UPDATE t SET d=~see :ref~ WHERE id=~1~", "U t [id=1] [d=see :ref]"),
        ("UPDATE t SET d='x~, quantity=~666' WHERE id='1'", "U t [id=1] [d=x~, quantity=~666]"),
        (
            "UPDATE t SET d='%s ${x} -- no /* comment */; ?' WHERE id=1",
            "U t [id=1] [d=%s ${x} -- no /* comment */; ?]",
        ),
    ]);
    refuses(&[
        ("UPDATE t SET d='O'Brien' WHERE id='1'", "cannot be read as SQL"),
        ("UPDATE t SET d=~O'Brien~ WHERE id=~1~", "cannot be read as SQL"),
        ("UPDATE t SET d=~O'Brien~, e=~D'Arcy~ WHERE id=~1~", ""),
        ("UPDATE t SET d=~a~b~ WHERE id=~1~", "their number is odd"),
        ("UPDATE t SET d=~a~~b~ WHERE id=~1~", "may be a quote or two"),
        ("UPDATE t SET d=~x~, quantity=~666~ WHERE id=~1~", "may be one that has tildes"),
        ("UPDATE t SET d=~x~, q=5, e=(~y~) WHERE id=~1~", "may be one that has tildes"),
        ("UPDATE t SET d=~~a~~ WHERE id=~1~", "cannot be read as SQL"),
        ("INSERT INTO t (id, d) VALUES (~1~, ~x~, ~y~)", "as many values as named columns"),
        ("UPDATE t SET d=~x~ WHERE id=~2~ WHERE id=~1~", "cannot be read as SQL"),
    ]);
}

#[test]
fn tildes_that_can_be_nothing_but_quotes() {
    reads(&[
        ("UPDATE t SET d=~~ WHERE id=~1~", "U t [id=1] [d=]"),
        ("UPDATE t SET d=~x~, q=666 WHERE id=~1~", "U t [id=1] [d=x; q=666]"),
        ("UPDATE t SET q=666, d=~x~ WHERE a=~1~ AND b=~2~", "U t [a=1; b=2] [q=666; d=x]"),
        ("INSERT INTO t (id, d, e) VALUES (~1~, ~~, N~x~)", "I t [] [id=1; d=; e=x]"),
        ("UPDATE t SET d=~\"q\" `b` [c]~ WHERE id=1", "U t [id=1] [d=\"q\" `b` [c]]"),
    ]);
}

#[test]
fn literals() {
    let cases = [
        ("5", "v=5"),
        ("-5.50", "v=-5.50"),
        ("+7", "v=7"),
        (".5", "v=.5"),
        ("1e-3", "v=1e-3"),
        ("NULL", "v NULL"),
        ("TRUE", "v=true"),
        ("false", "v=false"),
        ("'text'", "v=text"),
        ("''", "v="),
        ("N'größe'", "v=größe"),
        ("('nested')", "v=nested"),
        ("DATE '2025-05-25'", "v=2025-05-25"),
        ("TIMESTAMP '2025-05-25 10:00:00'", "v=2025-05-25 10:00:00"),
        ("'2025-05-25'::date", "v=2025-05-25"),
        ("'{\"a\":1}'::jsonb", "v={\"a\":1}"),
        ("CAST('12.5' AS numeric)", "v=12.5"),
        ("'2025-05-25 10:00:00+02'::timestamp with time zone", "v=2025-05-25 10:00:00+02"),
        ("'multi\nline'", "v=multi\nline"),
        ("'back\\slash'", "v=back\\slash"),
    ];
    for (written, read) in cases {
        let command = format!("UPDATE t SET v = {written} WHERE id = 1");
        reads(&[(&command, &format!("U t [id=1] [{read}]"))]);
        let command = format!("INSERT INTO t (v) VALUES ({written})");
        reads(&[(&command, &format!("I t [] [{read}]"))]);
    }
}

#[test]
fn what_has_to_be_computed_is_no_literal() {
    let computed = [
        "now()",
        "CURRENT_TIMESTAMP",
        "v + 1",
        "1 + 1",
        "'a' || 'b'",
        "other",
        "DEFAULT",
        "(SELECT 1)",
        "CASE WHEN 1 = 1 THEN 2 END",
        "?",
        "$1",
        ":v",
        "@v",
        "@P1",
        "\"text\"",
        "'abc'::char(1)",
        "'1.26'::numeric(2,1)",
        "'0.1'::real",
        "5.7::int",
        "'x'::mood",
        "TRY_CAST('x' AS int)",
        "-'5'",
        "- -5",
        "NOT TRUE",
        "X'ff'",
        "0xff",
        "E'a\\n'",
        "$$a$$",
        "'a' 'b'",
        "ARRAY[1]",
        "{d '2025-05-25'}",
        "INTERVAL '1 day'",
        "~5",
        "1 = 1",
        "v",
        "'a' COLLATE \"C\"",
        "now",
        "JSON_SET(v, '$.a', 1)",
    ];
    for value in computed {
        for command in [
            format!("UPDATE t SET v = {value} WHERE id = 1"),
            format!("INSERT INTO t (v) VALUES ({value})"),
            format!("DELETE FROM t WHERE id = {value}"),
        ] {
            assert!(parse_command(&command, Some(Brand::Postgres)).is_err(), "{command}");
        }
    }
}

#[test]
fn names_in_the_quotes_of_every_brand() {
    reads(&[
        ("DELETE FROM \"order\" WHERE \"user name\" = 1", "D order [user name=1] []"),
        ("DELETE FROM `order` WHERE `größe` = 1", "D order [größe=1] []"),
        ("DELETE FROM [dbo].[order] WHERE [user name] = 1", "D order [user name=1] []"),
        ("DELETE FROM [a]]b] WHERE \"c\"\"d\" = 1", "D a]b [c\"d=1] []"),
        ("DELETE FROM Größe WHERE Id = 1", "D Größe [Id=1] []"),
        ("DELETE FROM PUBLIC.t WHERE id = 1", "D t [id=1] []"),
        ("DELETE FROM sales.t WHERE id = 1", "D sales.t [id=1] []"),
        ("DELETE FROM t WHERE id == 1", "D t [id=1] []"),
        ("DELETE FROM t WHERE t.id = 1", "D t [id=1] []"),
        ("UPDATE t SET a = 1 WHERE (a = 1) AND (b = 'x' AND c = 2)", "U t [a=1; b=x; c=2] [a=1]"),
    ]);
    refuses(&[
        ("DELETE t WHERE id = 1", "cannot be read as SQL"),
        ("DELETE FROM db.dbo.t WHERE id = 1", "table is not a plain name"),
        ("INSERT INTO t (t.a) VALUES (1)", "column is not a plain name"),
        ("UPDATE t SET t.a = 1 WHERE id = 1", "column is not a plain name"),
        ("UPDATE t SET (a, b) = (1, 2) WHERE id = 1", "column is not a plain name"),
        ("DELETE FROM t WHERE u.id = 1", "WHERE clause"),
    ]);
}

#[test]
fn conditions_that_do_not_name_one_row() {
    let conditions = [
        "id = 1 OR id = 2",
        "id <> 1",
        "id != 1",
        "id > 1",
        "id IN (1)",
        "id = NULL",
        "id IS NULL",
        "NOT id = 1",
        "id LIKE 'a'",
        "id BETWEEN 1 AND 2",
        "1 = 1",
        "TRUE",
        "id",
        "'1' = id",
        "id = (SELECT 1)",
        "EXISTS (SELECT 1)",
        "id = id",
        "id = ANY(1)",
        "lower(id) = 'a'",
        "(a, b) = (1, 2)",
        "id <=> 1",
        "id = 1 AND TRUE",
        "CURRENT OF c",
    ];
    for condition in conditions {
        for change in ["DELETE FROM t", "UPDATE t SET a = 1"] {
            let command = format!("{change} WHERE {condition}");
            assert!(parse_command(&command, Some(Brand::Postgres)).is_err(), "{command}");
        }
    }
    refuses(&[
        ("DELETE FROM t", "WHERE clause"),
        ("UPDATE t SET a = 1", "WHERE clause"),
        ("DELETE FROM t WHERE id = 1 AND ID = 2", "`ID` stands twice"),
    ]);
}

#[test]
fn more_than_one_change() {
    refuses(&[
        ("", "not one statement but 0"),
        (" ; ", "not one statement but 0"),
        ("DELETE FROM t WHERE id = 1; DELETE FROM t WHERE id = 2", "not one statement but 2"),
        ("DELETE FROM t WHERE id = 1; DROP TABLE t", "not one statement but 2"),
        ("DROP TABLE t", "not an INSERT, UPDATE or DELETE"),
        ("SELECT 1", "not an INSERT, UPDATE or DELETE"),
        ("TRUNCATE TABLE t", "not an INSERT, UPDATE or DELETE"),
        ("WITH x AS (SELECT 1) DELETE FROM t WHERE id = 1", ""),
        ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", ""),
        ("DELETE FROM t WHERE id = 1 -- AND b = 2", "has a comment"),
        ("DELETE /* x */ FROM t WHERE id = 1", "has a comment"),
        ("DELETE FROM t WHERE id = 1 /*! OR 1 = 1 */", "has a comment"),
        ("DELETE FROM t WHERE id = 1 # OR 1 = 1", "cannot be read as SQL"),
        ("DELETE FROM t WHERE id = 1 RETURNING *", "a result"),
        ("DELETE FROM t OUTPUT deleted.id WHERE id = 1", ""),
        ("DELETE FROM t USING u WHERE id = 1", "two tables"),
        ("DELETE FROM t, u WHERE id = 1", "two tables"),
        ("DELETE t FROM t JOIN u WHERE id = 1", "two tables"),
        ("DELETE FROM t AS x WHERE id = 1", "an alias"),
        ("DELETE FROM t WHERE id = 1 LIMIT 1", "an order or a limit"),
        ("UPDATE t SET a = 1 FROM u WHERE id = 1", "a FROM clause"),
        ("UPDATE t SET a = 1 WHERE id = 1 RETURNING a", "a result"),
        ("UPDATE t JOIN u SET a = 1 WHERE id = 1", "a join"),
        ("UPDATE t x SET a = 1 WHERE id = 1", "an alias"),
        ("UPDATE OR REPLACE t SET a = 1 WHERE id = 1", ""),
        ("UPDATE t SET a = 1, A = 2 WHERE id = 1", "`A` stands twice"),
        ("INSERT INTO t VALUES (1)", "as many values as named columns"),
        ("INSERT INTO t (a, b) VALUES (1)", "as many values as named columns"),
        ("INSERT INTO t (a) VALUES (1), (2)", "of one row"),
        ("INSERT INTO t (a) SELECT 1", "of one row"),
        ("INSERT INTO t DEFAULT VALUES", "of one row"),
        ("INSERT INTO t (a, a) VALUES (1, 2)", "`a` stands twice"),
        ("INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING", "a rule for conflicts"),
        ("INSERT INTO t (a) VALUES (1) RETURNING a", "a result"),
        ("INSERT OR REPLACE INTO t (a) VALUES (1)", ""),
        ("INSERT IGNORE INTO t (a) VALUES (1)", ""),
        ("REPLACE INTO t (a) VALUES (1)", ""),
        ("INSERT INTO t SET a = 1", ""),
        ("UPDATE t SET 'a' = '1' WHERE id = 1", ""),
        ("UPDATE t SET a = '' WHERE 'id' = 1", ""),
    ]);
}

#[test]
fn a_backslash_is_what_the_origin_takes_it_for() {
    let command = r"UPDATE t SET v = 'a\'' WHERE id = 1";
    let read = |origin| parse_command(command, origin).map(|read| shown(&read));
    assert_eq!(read(Some(Brand::Mysql)).as_deref(), Ok("U t [id=1] [v=a']"));
    assert!(read(Some(Brand::Postgres)).is_err());
    let command = r"UPDATE t SET v = 'C:\new' WHERE id = 1";
    let read = |origin| parse_command(command, origin).map(|read| shown(&read));
    assert_eq!(read(Some(Brand::Mysql)).as_deref(), Ok("U t [id=1] [v=C:\new]"));
    assert_eq!(read(Some(Brand::Sqlite)).as_deref(), Ok(r"U t [id=1] [v=C:\new]"));
    assert_eq!(read(None), Err(CommandError::Backslash));
}

#[test]
fn a_refusal_does_not_show_values() {
    let error = parse_command("UPDATE t SET v = 'a' secret 'b' WHERE id = 1", None).unwrap_err();
    assert_eq!(error.to_string(), "the command cannot be read as SQL at line 1, column 22");
    let deep = format!("DELETE FROM t WHERE id = {}1{}", "(".repeat(500), ")".repeat(500));
    assert!(parse_command(&deep, None).is_err());
}

proptest::proptest! {
    /// Whatever is between doubled quotes comes back, and no text gets out of its quotes.
    #[test]
    fn any_text_in_doubled_quotes_comes_back(value in "[^\\\\\0]{0,40}") {
        let quoted = value.replace('\'', "''");
        let command = format!("UPDATE t SET a = '{quoted}', b = 2 WHERE id = '{quoted}'");
        let read = parse_command(&command, None).unwrap();
        proptest::prop_assert_eq!(read.key, vec![("id".to_owned(), value.clone())]);
        let values = vec![("a".to_owned(), Some(value)), ("b".to_owned(), Some("2".to_owned()))];
        proptest::prop_assert_eq!(read.values, values);
    }

    /// A text between tildes either comes back or is refused, and so does a quoted one. Where an
    /// application forgot to double a quote, the command may be another that can be read.
    #[test]
    fn any_text_between_tildes_comes_back_or_is_refused(value in "[a~', =0-9]{0,20}") {
        for quote in ['~', '\''] {
            let command = format!("UPDATE t SET a = {quote}{value}{quote} WHERE id = 1");
            if let Ok(read) = parse_command(&command, None) {
                if quote == '\'' && value.replace("''", "").contains('\'') {
                    continue;
                }
                let expected = if quote == '~' { value.clone() } else { value.replace("''", "'") };
                proptest::prop_assert_eq!(read.values, vec![("a".to_owned(), Some(expected))]);
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(command in "\\PC{0,80}") {
        let _ = parse_command(&command, None);
    }
}
