//! The outbox rows that an insert, an update and a delete of one row leave behind.

use serde::Serialize;

use super::sample::{recorded, sample};
use crate::plan::{CapturedColumn, Plan, TablePlan};
use crate::render::command_name;

/// The row's own time, as no example can know it.
pub const NOW: &str = "(time of the write)";
/// The user of the session.
pub const USER: &str = "(database user)";

/// A write, and what it records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// `insert`, `update` or `delete`.
    pub operation: &'static str,
    /// What the application does.
    pub write: String,
    /// The outbox rows; what is not named in one is NULL.
    pub rows: Vec<Vec<Cell>>,
}

/// A column of an outbox row, and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The column.
    pub column: &'static str,
    /// The value.
    pub value: String,
}

/// The examples of a table on a node called `node`: a row is inserted, its first column and
/// everything that says who and when is changed, and it is deleted again.
#[must_use]
pub fn examples(plan: &Plan, table: &TablePlan, node: &str) -> Vec<Example> {
    let subject = Subject { plan, table, node };
    vec![subject.insert(), subject.update(), subject.delete()]
}

struct Subject<'a> {
    plan: &'a Plan,
    table: &'a TablePlan,
    node: &'a str,
}

impl Subject<'_> {
    fn insert(&self) -> Example {
        let mut row = self.row();
        row.push(cell("object_value", self.document(false)));
        row.push(cell("object_operation", "I"));
        row.extend(self.command(&self.insert_command()));
        row.push(cell("updated_by_server_id", self.node));
        row.push(cell("update_datetime", self.stamp(false)));
        row.extend(self.user(false));
        let write = format!("A row with the key {} is inserted.", self.key_text());
        Example { operation: "insert", write, rows: vec![row] }
    }

    /// One outbox row: of the first column, or else of each of those that say who and when.
    fn update(&self) -> Example {
        let changed: &[CapturedColumn] = match &*self.table.columns {
            [first, ..] => std::slice::from_ref(first),
            [] => &self.table.metadata,
        };
        let rows = changed.iter().map(|column| self.update_of(column)).collect();
        let others: Vec<&str> = match &*self.table.columns {
            [] => Vec::new(),
            _ => self.table.metadata.iter().map(|column| column.name.as_str()).collect(),
        };
        let names: Vec<&str> = changed.iter().map(|column| column.name.as_str()).collect();
        let write = match (names.is_empty(), others.is_empty()) {
            (true, _) => {
                "Every column is part of the key: a changed key is a delete and an insert."
                    .to_owned()
            }
            (false, true) => format!("`{}` is changed.", names.join("`, `")),
            (false, false) => {
                format!(
                    "`{}` is changed, and with it `{}`.",
                    names.join("`, `"),
                    others.join("`, `")
                )
            }
        };
        Example { operation: "update", write, rows }
    }

    fn update_of(&self, column: &CapturedColumn) -> Vec<Cell> {
        let values = sample(column.logical_type, &column.native_type);
        let (old, new) = (recorded(column, &values.before), recorded(column, &values.after));
        let mut row = self.row();
        row.insert(3, cell("object_attribute", column.name.as_str()));
        row.extend(new.clone().map(|value| cell("object_value", value)));
        row.push(cell("object_operation", "U"));
        let set = format!(
            "UPDATE {} SET {} = {}{}",
            self.command_table(),
            command_name(&column.name),
            self.quoted(new.as_deref()),
            self.command_where()
        );
        row.extend(self.command(&set));
        row.push(cell("updated_by_server_id", self.node));
        row.push(cell("update_datetime", self.stamp(true)));
        row.extend(self.user(true));
        row.extend(old.map(|value| cell("object_value_old", value)));
        if !self.table.columns.is_empty() && !self.table.metadata.is_empty() {
            row.push(cell("object_context", document(&self.table.metadata, true)));
        }
        row
    }

    fn delete(&self) -> Example {
        let mut row = self.row();
        row.push(cell("object_operation", "D"));
        row.extend(self.command(&format!(
            "DELETE FROM {}{}",
            self.command_table(),
            self.command_where()
        )));
        row.push(cell("updated_by_server_id", self.node));
        row.push(cell("update_datetime", NOW));
        if self.plan.brand.dialect().review.names_users {
            row.push(cell("updated_by_user_id", USER));
        }
        row.push(cell("object_value_old", self.document(false)));
        let write =
            format!("The row as it was inserted, with the key {}, is deleted.", self.key_text());
        Example { operation: "delete", write, rows: vec![row] }
    }

    /// What all rows begin with.
    fn row(&self) -> Vec<Cell> {
        vec![
            cell("object_database", self.plan.database.as_str()),
            cell("object_table", self.table.object_table.as_str()),
            cell("object_pk_attribute", self.table.object_pk_attribute.as_str()),
            cell("object_id", self.key()),
        ]
    }

    /// `1`, or `["1","a"]`.
    fn key(&self) -> String {
        let values = self.key_values();
        match &*values {
            [value] => value.clone(),
            values => serde_json::Value::from(values.to_vec()).to_string(),
        }
    }

    fn key_values(&self) -> Vec<String> {
        self.table
            .key
            .iter()
            .map(|column| sample(column.logical_type, &column.native_type).before)
            .collect()
    }

    fn key_text(&self) -> String {
        format!("`{}`", self.key())
    }

    fn document(&self, is_after: bool) -> String {
        document(&self.table.row, is_after)
    }

    /// The application's own time where the table has a column for it; stamps are in UTC.
    fn stamp(&self, is_after: bool) -> String {
        match &self.table.last_update {
            Some(column) => value(column, is_after).trim_end_matches('Z').to_owned(),
            None => NOW.to_owned(),
        }
    }

    fn user(&self, is_after: bool) -> Option<Cell> {
        let text = match &self.table.updated_by_user {
            Some(column) => recorded(column, &value(column, is_after)),
            None => self.plan.brand.dialect().review.names_users.then(|| USER.to_owned()),
        };
        text.map(|text| cell("updated_by_user_id", text))
    }

    fn command(&self, text: &str) -> Option<Cell> {
        (self.plan.command != "none").then(|| cell("object_operation_command", text))
    }

    fn insert_command(&self) -> String {
        let names: Vec<String> =
            self.table.row.iter().map(|column| command_name(&column.name)).collect();
        let values: Vec<String> = self
            .table
            .row
            .iter()
            .map(|column| self.quoted(recorded(column, &value(column, false)).as_deref()))
            .collect();
        let table = self.command_table();
        format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "))
    }

    fn command_table(&self) -> String {
        let parts = self.table.object_table.split('.');
        parts.map(command_name).collect::<Vec<_>>().join(".")
    }

    fn command_where(&self) -> String {
        let mut text = String::new();
        for (index, (column, value)) in self.table.key.iter().zip(self.key_values()).enumerate() {
            let word = if index == 0 { "WHERE" } else { "AND" };
            let name = command_name(&column.name);
            text.push_str(&format!(" {word} {name} = {}", self.quoted(Some(&value))));
        }
        text
    }

    fn quoted(&self, value: Option<&str>) -> String {
        match value {
            None => "NULL".to_owned(),
            Some(value) if self.plan.command == "tilde" => format!("~{value}~"),
            Some(value) => format!("'{}'", value.replace('\'', "''")),
        }
    }
}

fn cell(column: &'static str, value: impl Into<String>) -> Cell {
    Cell { column, value: value.into() }
}

fn value(column: &CapturedColumn, is_after: bool) -> String {
    let values = sample(column.logical_type, &column.native_type);
    if is_after { values.after } else { values.before }
}

/// A JSON object of columns to what is recorded of them.
fn document(columns: &[CapturedColumn], is_after: bool) -> String {
    let mut members = serde_json::Map::new();
    for column in columns {
        let text = recorded(column, &value(column, is_after));
        members.insert(column.name.clone(), text.into());
    }
    serde_json::Value::Object(members).to_string()
}
