//! One line of the history: a script as it was installed, and the objects it made.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::HISTORY_TABLE;
use crate::dialect::Brand;
use crate::model::{Row, Table, Value};
use crate::outbox;
use crate::plan::hex;
use crate::render::{Script, ScriptKind};
use crate::schema::Trigger;

/// A script that is installed, as `ds_migration_history` keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The script's name.
    pub name: String,
    /// What it is for.
    pub kind: ScriptKind,
    /// [`Script::checksum`] at that time.
    pub checksum: String,
    /// The statements that remove it.
    pub removal: Vec<String>,
    /// Capture: the columns that the table had, each with its type.
    pub shape: Option<BTreeMap<String, String>>,
    /// Capture: SHA-256 of each trigger's definition as the database kept it; `None` where
    /// nobody has looked.
    pub triggers: Option<BTreeMap<String, String>>,
    /// Began and not finished; only where DDL cannot be rolled back.
    pub is_dirty: bool,
    /// The version that installed it.
    pub tool_version: String,
}

impl Installed {
    /// What will be recorded of a script.
    pub(super) fn new(script: &Script, table: Option<&Table>) -> Self {
        Self {
            name: script.name.clone(),
            kind: script.kind.clone(),
            checksum: script.checksum.clone(),
            removal: script.removal.clone(),
            shape: table.map(shape),
            triggers: None,
            is_dirty: false,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The followed table, for capture.
    #[must_use]
    pub fn object_table(&self) -> Option<&str> {
        match &self.kind {
            ScriptKind::Capture(table) => Some(table),
            ScriptKind::Control | ScriptKind::View => None,
        }
    }

    /// Reads a row of the history.
    pub(super) fn read(row: &Row) -> Result<Self, outbox::Error> {
        let unreadable = |what: &str| outbox::Error::Unreadable {
            table: HISTORY_TABLE,
            found: format!("a row whose `{what}` has another form"),
        };
        let text = |column: &str| row.text(column).ok_or_else(|| unreadable(column));
        let map = |column: &'static str| {
            let read = |text: String| serde_json::from_str(&text).map_err(|_| unreadable(column));
            row.text(column).map(read).transpose()
        };
        let kind = match (text("kind")?.as_str(), row.text("object_table")) {
            ("control", _) => ScriptKind::Control,
            ("view", _) => ScriptKind::View,
            ("capture", Some(table)) => ScriptKind::Capture(table),
            _ => return Err(unreadable("kind")),
        };
        Ok(Self {
            name: text("name")?,
            kind,
            checksum: text("checksum")?,
            removal: serde_json::from_str(&text("removal")?).map_err(|_| unreadable("removal"))?,
            shape: map("shape")?,
            triggers: map("installed")?,
            is_dirty: text("is_dirty")? != "N",
            tool_version: text("tool_version")?,
        })
    }

    /// What the statement `write_history` binds.
    pub(super) fn values(&self) -> Vec<(&'static str, Value)> {
        let kind = match self.kind {
            ScriptKind::Control => "control",
            ScriptKind::Capture(_) => "capture",
            ScriptKind::View => "view",
        };
        let map = |map: &Option<BTreeMap<String, String>>| {
            Value::from(map.as_ref().map(|map| serde_json::json!(map).to_string()))
        };
        vec![
            ("name", self.name.as_str().into()),
            ("kind", kind.into()),
            ("object_table", self.object_table().into()),
            ("checksum", self.checksum.as_str().into()),
            ("removal", Json::from(self.removal.clone()).to_string().into()),
            ("shape", map(&self.shape)),
            ("installed", map(&self.triggers)),
            ("is_dirty", if self.is_dirty { "Y" } else { "N" }.into()),
            ("tool_version", self.tool_version.as_str().into()),
        ]
    }

    /// The names of its triggers.
    pub(super) fn trigger_names(&self, brand: Brand) -> Vec<String> {
        let objects = objects(brand, &self.removal);
        objects.into_iter().filter(Object::is_trigger).map(|object| object.name).collect()
    }
}

/// The columns of a table, each with its type.
pub(super) fn shape(table: &Table) -> BTreeMap<String, String> {
    let columns = table.columns.iter().map(|column| {
        let generated = if column.is_generated { " generated" } else { "" };
        (column.name.clone(), format!("{}{generated}", column.native_type))
    });
    columns.collect()
}

/// A trigger's definition, shortened.
pub(super) fn fingerprint(trigger: &Trigger) -> String {
    hex(&Sha256::digest(trigger.definition.as_bytes()))
}

/// A named object of the database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// `table`, `view`, `sequence`, `function`, `procedure` or `trigger`.
    pub kind: String,
    /// Its name, unquoted, without the namespace.
    pub name: String,
}

impl Object {
    pub(super) fn new(kind: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), name: name.to_owned() }
    }

    pub(super) fn is_trigger(&self) -> bool {
        self.kind == "trigger"
    }

    /// Whether two objects of these kinds cannot have one name.
    pub(super) fn collides(&self, other: &Self) -> bool {
        let is_relation = |object: &Self| matches!(&*object.kind, "table" | "view" | "sequence");
        let kinds_collide = self.kind == other.kind || (is_relation(self) && is_relation(other));
        kinds_collide && self.name == other.name
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.name)
    }
}

/// The objects that some statements of removal drop, and so the ones that their script made.
/// A statement that does not begin with `DROP <kind> [IF EXISTS] <name>` names none.
#[must_use]
pub fn objects(brand: Brand, removal: &[String]) -> Vec<Object> {
    removal.iter().filter_map(|statement| object(brand, statement)).collect()
}

pub(super) fn object(brand: Brand, statement: &str) -> Option<Object> {
    let rest = skip_comments(statement);
    let (word, rest) = next_word(rest)?;
    if !word.eq_ignore_ascii_case("drop") {
        return None;
    }
    let (kind, mut rest) = next_word(rest)?;
    if let Some((word, after)) = next_word(rest)
        && word.eq_ignore_ascii_case("if")
    {
        rest = next_word(after)?.1;
    }
    Some(Object { kind: kind.to_lowercase(), name: last_name(brand, rest.trim_start())? })
}

fn skip_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
    }
    rest
}

fn next_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace)?;
    Some(text.split_at(end))
}

/// The last part of a qualified name at the beginning of `text`, unquoted.
fn last_name(brand: Brand, text: &str) -> Option<String> {
    let (name, rest) = one_name(brand, text)?;
    match rest.strip_prefix('.') {
        Some(rest) => last_name(brand, rest),
        None => Some(name),
    }
}

fn one_name(brand: Brand, text: &str) -> Option<(String, &str)> {
    let identifier = &brand.dialect().identifier;
    let Some(mut rest) = text.strip_prefix(identifier.open.as_str()) else {
        let is_plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
        let end = text.find(|letter| !is_plain(letter)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let close = identifier.close.as_str();
    let mut name = String::new();
    loop {
        let (before, after) = rest.split_once(close)?;
        name.push_str(before);
        let Some(doubled) = after.strip_prefix(close) else { return Some((name, after)) };
        name.push_str(close);
        rest = doubled;
    }
}

#[cfg(test)]
mod tests {
    use super::{Brand, Object, object};

    #[test]
    fn a_removal_names_the_object_that_its_script_made() {
        for (brand, statement, wanted) in [
            (Brand::Postgres, "DROP TABLE \"public\".ds_node;", ("table", "ds_node")),
            (
                Brand::Postgres,
                "-- It goes.\nDROP TRIGGER IF EXISTS \"a \"\"b\" ON \"public\".\"t\";",
                ("trigger", "a \"b"),
            ),
            (Brand::Postgres, "DROP FUNCTION IF EXISTS public.\"f\"();", ("function", "f")),
            (Brand::Sqlite, "DROP VIEW IF EXISTS v;", ("view", "v")),
            (Brand::SqlServer, "DROP SEQUENCE [dbo].[a]]b];", ("sequence", "a]b")),
            (Brand::Mysql, "drop trigger if exists `größe`", ("trigger", "größe")),
        ] {
            let (kind, name) = wanted;
            assert_eq!(object(brand, statement), Some(Object::new(kind, name)), "{statement}");
        }
        for statement in ["DELETE FROM t", "DROP", "DROP TABLE ", "", "-- DROP TABLE t;"] {
            assert_eq!(object(Brand::Sqlite, statement), None, "{statement}");
        }
    }
}
