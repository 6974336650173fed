//! A migration as SQL that a person can read, or run with the brand's own client.

use super::Error;
use super::prepare::Migration;
use super::run::{Removal, Step, Task, removal_tasks, tasks, written};
use super::statements::{Bound, Statements};
use crate::dialect::{Brand, Dialect};
use crate::model::Value;

/// Every statement of a migration, in the order of running, its values filled in. What the
/// database makes of the triggers is recorded only when it is run by [`super::apply`].
///
/// # Errors
/// When a statement asks for a value that nobody gives.
pub fn migration_text(migration: &Migration, statements: &Statements) -> Result<String, Error> {
    if migration.is_empty() {
        return Ok(String::new());
    }
    let mut text = intro(migration.brand);
    for task in tasks(migration, statements)? {
        write_task(&mut text, &task, migration.brand);
    }
    let mut steps = Vec::new();
    for change in migration.changes() {
        steps.push(Step::Bound(written(statements, &change.record)?));
    }
    write_task(&mut text, &Task { script: "history".to_owned(), steps }, migration.brand);
    Ok(text)
}

/// Every statement of a removal, in the order of running.
///
/// # Errors
/// When a statement asks for a value that nobody gives.
pub fn removal_text(removal: &Removal, statements: &Statements) -> Result<String, Error> {
    if removal.scripts.is_empty() {
        return Ok(String::new());
    }
    let mut text = intro(removal.brand);
    for task in removal_tasks(removal, statements)? {
        write_task(&mut text, &task, removal.brand);
    }
    Ok(text)
}

fn intro(brand: Brand) -> String {
    let transaction = if brand.dialect().can.roll_back_ddl {
        "in one transaction"
    } else {
        "without a transaction, which cannot roll such statements back"
    };
    format!("-- For {}, {transaction}.\n", brand.dialect().title)
}

fn write_task(text: &mut String, task: &Task, brand: Brand) {
    if task.steps.is_empty() {
        return;
    }
    text.push_str("\n-- ");
    text.push_str(&task.script.replace(char::is_control, " "));
    text.push('\n');
    let dialect = brand.dialect();
    for step in &task.steps {
        let statement = match step {
            Step::Install(sql) | Step::Remove(sql) => sql.clone(),
            Step::Bound(bound) => filled(bound, dialect),
        };
        text.push_str(&statement);
        if !statement.ends_with(';') {
            text.push(';');
        }
        text.push('\n');
        if !dialect.client.separator.is_empty() {
            text.push_str(&dialect.client.separator);
            text.push('\n');
        }
    }
}

/// A statement with its values in the place of the placeholders. Our statements have no
/// placeholder's mark in a text or comment, which a test looks after.
fn filled(bound: &Bound, dialect: &Dialect) -> String {
    let (mark, is_numbered) = match dialect.placeholder.split_once("{n}") {
        Some((mark, _)) => (mark, true),
        None => (dialect.placeholder.as_str(), false),
    };
    let mut text = String::with_capacity(bound.sql.len());
    let mut rest = bound.sql.as_str();
    let mut next = 0;
    while let Some((before, after)) = rest.split_once(mark) {
        text.push_str(before);
        let digits = after.bytes().take_while(|byte| is_numbered && byte.is_ascii_digit()).count();
        let number: usize =
            if is_numbered { after[..digits].parse().unwrap_or(0) } else { next + 1 };
        next += 1;
        match number.checked_sub(1).and_then(|index| bound.values.get(index)) {
            Some(value) => text.push_str(&literal(value, dialect)),
            None => text.push_str(mark),
        }
        rest = &after[digits..];
    }
    text.push_str(rest);
    text
}

fn literal(value: &Value, dialect: &Dialect) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => dialect.text_literal(text),
        Value::Invalid(bytes) => dialect.text_literal(&String::from_utf8_lossy(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Brand, filled};
    use crate::model::Value;

    #[test]
    fn values_stand_where_their_placeholders_stood() {
        let values = || vec![Value::from("it's"), Value::Null, Value::from(7)];
        for (brand, sql, wanted) in [
            (Brand::Postgres, "VALUES ($1, $3, $2, $1)", "VALUES ('it''s', 7, NULL, 'it''s')"),
            (Brand::Sqlite, "VALUES (?1, ?3)", "VALUES ('it''s', 7)"),
            (Brand::SqlServer, "SET [a] = @P1, [b] = @P2", "SET [a] = N'it''s', [b] = NULL"),
            (Brand::Mysql, "VALUES (?, ?, ?)", "VALUES ('it''s', NULL, 7)"),
        ] {
            let bound = Bound { sql: sql.to_owned(), values: values() };
            assert_eq!(filled(&bound, brand.dialect()), wanted);
        }
    }
}
