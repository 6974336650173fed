//! Garbage in any column of an outbox row.

use outrigger::dialect::Brand;

use super::{OutboxRow, pair};
use crate::support;
use crate::support::network::{Network, ready_servers};

/// One wrong row, and what has to become of it.
struct Case {
    name: &'static str,
    row: OutboxRow,
    /// The words, of which the entry's `reason_code` is one.
    codes: &'static str,
    /// What the reason has to name.
    reason: &'static str,
    /// Whether the brand may refuse the application's INSERT itself.
    may_be_refused: bool,
}

const INJECTION: &str = "x'; DROP TABLE victim; --";

fn case(name: &'static str, row: OutboxRow, codes: &'static str, reason: &'static str) -> Case {
    Case { name, row, codes, reason, may_be_refused: false }
}

fn cases(brand: Brand) -> Vec<Case> {
    let mut cases = shapes();
    cases.extend(values(brand));
    cases.extend(stamps());
    cases.extend(commands(brand));
    cases.extend(injections(brand));
    cases.extend(bytes(brand));
    cases
}

fn everything_null() -> OutboxRow {
    let columns = [
        "object_database",
        "object_table",
        "object_pk_attribute",
        "object_attribute",
        "object_id",
        "object_value",
        "object_operation",
        "object_operation_command",
        "updated_by_server_id",
        "update_datetime",
        "updated_by_user_id",
        "object_id_old",
        "object_value_old",
        "note1",
    ];
    OutboxRow(columns.map(|name| (name, "NULL".to_owned())).to_vec())
}

/// Rows of a wrong shape.
fn shapes() -> Vec<Case> {
    let row = |id: &str| OutboxRow::update(id, "v");
    let composite = |id: &str| {
        row("x")
            .with("object_table", "'order_line'")
            .with("object_pk_attribute", r#"'["order_id","line"]'"#)
            .with("object_attribute", "'note'")
            .with("object_id", id.to_owned())
    };
    let unreadable = "unreadable";
    vec![
        case("everything NULL", everything_null(), unreadable, "update_datetime"),
        case("no table", row("h1").with("object_table", "NULL"), unreadable, "object_table"),
        case("unknown table", row("h2").with("object_table", "'nowhere'"), "no_table", "nowhere"),
        case("skipped table", row("h3").with("object_table", "'victim'"), "no_table", "victim"),
        case("an empty table", row("h4").with("object_table", "''"), "no_table", "table"),
        case("own table", row("h5").with("object_table", "'ds_node'"), "no_table", "ds_node"),
        case("unknown column", row("h6").with("object_attribute", "'nope'"), "no_column", "nope"),
        case("no column", row("h7").with("object_attribute", "NULL"), unreadable, "attribute"),
        case(
            "the key as column",
            row("h8").with("object_attribute", "'order_id'"),
            unreadable,
            "order_id",
        ),
        case("no key", row("h9").with("object_id", "NULL"), unreadable, "object_id"),
        case(
            "wrong key column",
            row("h10").with("object_pk_attribute", "'quantity'"),
            unreadable,
            "object_pk_attribute",
        ),
        case("composite key as text", composite("'17'"), unreadable, "object_id"),
        case("composite key too short", composite(r#"'["a"]'"#), unreadable, "object_id"),
        case("composite key nested", composite(r#"'[["a"],1]'"#), "bad_value", "JSON"),
        case("composite key with NULL", composite(r#"'["a",null]'"#), "bad_value", "NULL"),
        case("composite key of text", composite(r#"'["a","x"]'"#), "bad_value", "line"),
        case("operation X", row("h11").with("object_operation", "'X'"), unreadable, "operation"),
        case("no operation", row("h12").with("object_operation", "NULL"), unreadable, "operation"),
        case(
            "insert without a document",
            row("h13").with("object_operation", "'I'"),
            unreadable,
            "object_value",
        ),
        case(
            "insert of NULL",
            row("h14").with("object_operation", "'I'").with("object_value", "NULL"),
            unreadable,
            "object_value",
        ),
        case(
            "insert of an array",
            row("h15").with("object_operation", "'I'").with("object_value", "'[1,2]'"),
            unreadable,
            "object_value",
        ),
        case(
            "insert of another key",
            row("h16")
                .with("object_operation", "'I'")
                .with("object_value", r#"'{"order_id":"other","quantity":"1"}'"#),
            unreadable,
            "order_id",
        ),
        case(
            "insert of nested values",
            row("h17")
                .with("object_operation", "'I'")
                .with("object_value", r#"'{"order_id":"h17","description":{"a":[1]}}'"#),
            "bad_value",
            "description",
        ),
        case("context", row("h18").with("object_context", "'nonsense'"), unreadable, "context"),
    ]
}

/// Values that their column does not take.
fn values(brand: Brand) -> Vec<Case> {
    let set = |id: &str, column: &str, value: &str| {
        OutboxRow::update(id, value).with("object_attribute", format!("'{column}'"))
    };
    let line = |column: &str, value: &str| {
        set("x", column, value)
            .with("object_table", "'order_line'")
            .with("object_pk_attribute", r#"'["order_id","line"]'"#)
            .with("object_id", r#"'["a","1"]'"#)
    };
    let computed = |value: &str| {
        set("7", "gross", value)
            .with("object_table", "'computed'")
            .with("object_pk_attribute", "'id'")
    };
    vec![
        case("words in a number", set("v1", "quantity", "many"), "bad_value", "quantity"),
        case("a fraction in a number", set("v2", "quantity", "1.5"), "bad_value", "quantity"),
        case("no date", set("v3", "order_date", "someday"), "bad_value", "order_date"),
        case(
            "no key value",
            OutboxRow::update("x", "1")
                .with("object_table", "'computed'")
                .with("object_pk_attribute", "'id'")
                .with("object_attribute", "'net'"),
            "bad_value",
            "id",
        ),
        case("a forbidden column", line("card_number", "4111"), "forbidden", "card_number"),
        case("a generated column", computed("8"), "forbidden", "gross"),
        case(
            "a long table",
            OutboxRow::update("v4", "v").text(brand, "object_table", &"long".repeat(25_000)),
            "no_table unreadable",
            "table",
        ),
        case(
            "a long column",
            OutboxRow::update("v5", "v").text(brand, "object_attribute", &"long".repeat(25_000)),
            "no_column unreadable",
            "attribute",
        ),
        case(
            "a long operation",
            OutboxRow::update("v6", "v").text(brand, "object_operation", &"U".repeat(25_000)),
            "unreadable",
            "object_operation",
        ),
        case(
            "a long database",
            OutboxRow::update("v7", "v").text(brand, "object_database", &"d".repeat(25_000)),
            "unreadable",
            "object_database",
        ),
        case(
            "a long key",
            OutboxRow::update("v8", "v").text(brand, "object_id", &"k".repeat(200_000)),
            "bad_value no_fit",
            "order_id",
        ),
    ]
}

fn stamps() -> Vec<Case> {
    let texts = [
        "soon",
        "2025-13-45",
        "99999-01-01 00:00:00",
        "1e9",
        "1748131200",
        "infinity",
        "2025-05-25 25:00:00",
        "",
        "0044-03-15 10:00:00 BC",
        "{}",
    ];
    texts
        .into_iter()
        .enumerate()
        .map(|(at, text)| Case {
            name: text,
            row: OutboxRow::update(&format!("s{at}"), "v")
                .with("update_datetime", format!("'{text}'")),
            codes: "unreadable",
            reason: "update_datetime",
            may_be_refused: true,
        })
        .collect()
}

/// Commands that are no change; each would do harm if it were run.
fn commands(brand: Brand) -> Vec<Case> {
    let texts = [
        "DROP TABLE victim",
        "DELETE FROM sales_order",
        "DELETE FROM sales_order WHERE order_id = ~a~; DROP TABLE victim",
        "DELETE FROM victim WHERE id = 1",
        "DELETE FROM sales_order WHERE order_id LIKE ~%~",
        "DELETE FROM sales_order WHERE order_id = ~a~ OR 1 = 1",
        "UPDATE sales_order SET description = (SELECT 1) WHERE order_id = ~a~",
        "UPDATE sales_order SET order_id = ~b~ WHERE order_id = ~a~",
        "UPDATE sales_order SET description = ~x~ WHERE quantity = 1",
        "INSERT INTO sales_order VALUES (~a~)",
        "INSERT INTO sales_order (order_id) VALUES (~a~), (~b~)",
        "INSERT INTO sales_order SELECT * FROM victim",
        "UPDATE sales_order SET nope = ~x~ WHERE order_id = ~a~",
        "UPDATE sales_order SET quantity = ~many~ WHERE order_id = ~a~",
        "tbd",
        "",
        "~~~",
        "SELECT 1",
        "UPDATE sales_order SET description = ~x~ /* */ WHERE order_id = ~a~",
    ];
    let row = |text: &str| {
        OutboxRow::update("c", "v").with("object_operation", "NULL").text(
            brand,
            "object_operation_command",
            text,
        )
    };
    let codes = "bad_command no_column no_table bad_value unreadable";
    texts.into_iter().map(|text| case(text, row(text), codes, "")).collect()
}

/// SQL in every column: it stays a text.
fn injections(brand: Brand) -> Vec<Case> {
    let columns: [(&str, &str, &str); 9] = [
        ("object_table", "no_table", "victim"),
        ("object_pk_attribute", "unreadable", "object_pk_attribute"),
        ("object_attribute", "no_column", "victim"),
        ("object_operation", "unreadable", "object_operation"),
        ("object_operation_command", "bad_command", "object_operation_command"),
        ("update_datetime", "unreadable", "update_datetime"),
        ("object_context", "unreadable", "object_context"),
        ("refusal", "unreadable", "victim"),
        ("object_table", "no_table", "ident"),
    ];
    columns
        .into_iter()
        .enumerate()
        .map(|(at, (column, codes, reason))| {
            let text = if reason == "ident" { "\"]`ident" } else { INJECTION };
            let row = OutboxRow::update(&format!("i{at}"), "v").text(brand, column, text);
            Case { may_be_refused: column == "update_datetime", ..case(column, row, codes, reason) }
        })
        .collect()
}

/// What is no text at all; only a brand that does not look at texts lets it in.
fn bytes(brand: Brand) -> Vec<Case> {
    if brand != Brand::Sqlite {
        return Vec::new();
    }
    let columns = [
        "object_database",
        "object_table",
        "object_pk_attribute",
        "object_attribute",
        "object_id",
        "object_value",
        "object_operation",
        "object_operation_command",
        "updated_by_server_id",
        "updated_by_user_id",
        "object_id_old",
        "object_value_old",
        "note1",
        "object_context",
    ];
    let mut cases = Vec::new();
    for (at, column) in columns.into_iter().enumerate() {
        let row = || OutboxRow::update(&format!("b{at}"), "v");
        // The origin in invalid bytes is another node's name, or nobody's.
        if column != "updated_by_server_id" {
            let invalid = row().with(column, "CAST(x'41ff42' AS TEXT)");
            cases.push(case(column, invalid, "unreadable", column));
        }
    }
    cases
}

#[test]
fn no_garbage_stops_a_route_and_none_is_lost() {
    for from in ready_servers() {
        for to in ready_servers() {
            println!("{} to {}", from.name, to.name);
            support::block_on(async {
                let mut network = pair(from, to).await;
                network.writes_around_the_triggers();
                garbage(&mut network).await;
            });
        }
    }
}

async fn garbage(network: &mut Network) {
    let cases = cases(network.brand("one"));
    network.run("one", "INSERT INTO sales_order (order_id) VALUES ('before')").await;
    // The rows about which the cases are, so that what is wrong is not that they are missing.
    let mut written = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        network
            .run("one", &format!("INSERT INTO sales_order (order_id) VALUES ('good{at}')"))
            .await;
        match network.application("one").raw(&case.row.insert()).await {
            Ok(()) => written.push(case),
            Err(fault) if case.may_be_refused => println!("{}: {fault}", case.name),
            Err(fault) => panic!("{}: {fault}", case.name),
        }
    }
    network.run("one", "INSERT INTO sales_order (order_id) VALUES ('last')").await;
    let ids = network.rows("one", "SELECT id FROM ds_change_outbox ORDER BY id").await;
    let wrong: Vec<String> = network
        .rows("one", "SELECT id FROM ds_change_outbox WHERE object_operation IS NULL OR object_operation <> 'I' OR object_id NOT LIKE 'good%' ORDER BY id")
        .await;
    assert_eq!(ids.len(), 2 + cases.len() + written.len());

    network.turn().await;

    let good = network.count("two", "sales_order WHERE order_id LIKE 'good%'").await;
    assert_eq!(good, i64::try_from(cases.len()).unwrap());
    assert_eq!(network.count("two", "victim").await, 1);
    assert_eq!(network.count("one", "victim").await, 1);
    let entries = network.quarantine("two").await;
    let wrong = &wrong[1..wrong.len() - 1];
    assert_eq!(wrong.len(), written.len());
    let mut failures = Vec::new();
    for (case, id) in written.iter().zip(wrong) {
        let entry = entries.iter().find(|entry| entry.source_id == id.parse().ok());
        match entry {
            None => failures.push(format!("{}: not in quarantine", case.name)),
            Some(entry) => {
                let is_named = entry.reason.contains(case.reason) && entry.reason.len() < 1_000;
                if !case.codes.split(' ').any(|code| code == entry.reason_code) || !is_named {
                    failures.push(format!("{}: {} {}", case.name, entry.reason_code, entry.reason));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(network.count("two", "sales_order").await, good + 2, "nothing wrong got in");
    // The other way nothing goes, and the second turn finds nothing new.
    let again = network.turn().await;
    assert_eq!((again.read, again.released), (0, 0));
    // What a node changes itself is noted in spite of the garbage in its outbox.
    network.run("two", "UPDATE sales_order SET quantity = 5 WHERE order_id = 'last'").await;
    network.turn().await;
    assert_eq!(network.count("one", "sales_order WHERE quantity = 5").await, 1);
}
