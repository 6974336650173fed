//! The starter configuration: what was found, and comments on what to decide.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::config::Node;
use crate::dialect::Brand;
use crate::model::{CONTROL_TABLES, Column, LogicalType, Schema, Table};
use crate::schema::cascades;
use crate::schema::check::looks_secret;

/// Names of columns for the time of the last change, the likeliest first, without `_`.
const LAST_UPDATE: [&str; 18] = [
    "updatedatetime",
    "updatedat",
    "lastupdate",
    "lastupdated",
    "lastupdatedat",
    "lastupdatetime",
    "lastmodified",
    "lastmodifiedat",
    "modifiedat",
    "modifieddate",
    "modifiedon",
    "modified",
    "updatedon",
    "updatedate",
    "updatetime",
    "changedat",
    "updated",
    "changed",
];
const BY_USER: [&str; 8] = [
    "updatedbyuser",
    "updatedbyuserid",
    "updatedby",
    "lastupdatedby",
    "lastmodifiedby",
    "modifiedby",
    "changedby",
    "updateuser",
];
const BY_SERVER: [&str; 5] =
    ["updatedbyserver", "updatedbyserverid", "updatedbynode", "serverid", "updateserver"];

/// Where the schema came from.
pub(super) struct Origin {
    /// For people: without a password.
    pub(super) shown: String,
    brand: Brand,
    database: String,
    /// The value of `schema:`.
    schema: String,
    /// The URL of the first node.
    url: String,
}

impl Origin {
    pub(super) fn files(from: &str, path: &str, brand: Brand) -> Self {
        let url = match brand.dialect().url_schemes.first() {
            Some(scheme) if brand != Brand::Sqlite => {
                format!("{scheme}://app:${{SERVER1_PASSWORD}}@localhost/app")
            }
            _ => "sqlite:server1.db".to_owned(),
        };
        Self {
            shown: from.to_owned(),
            brand,
            database: "app".to_owned(),
            schema: format!("{{ dialect: {brand}, files: [{}] }}", scalar(path)),
            url,
        }
    }

    /// The password of the URL stays out of the file.
    pub(super) fn url(url: &str, brand: Brand) -> Self {
        let node = Node::new(url.to_owned(), brand);
        let shown = node.display_url();
        let path = shown.split('?').next().unwrap_or("");
        let name = path.rsplit(['/', ':']).next().unwrap_or("");
        let name = name.strip_suffix(".db").unwrap_or(name);
        Self {
            brand,
            database: if name.is_empty() { "app" } else { name }.to_owned(),
            schema: "{ node: server1 }".to_owned(),
            url: shown.replace("***", "${SERVER1_PASSWORD}"),
            shown,
        }
    }
}

/// A configuration to begin with.
pub(super) struct Starter<'a> {
    origin: &'a Origin,
    tables: Vec<Found<'a>>,
    /// Foreign keys that write what nothing can record, each with the reason.
    blind: BTreeSet<String>,
}

/// What a table seems to be.
struct Found<'a> {
    table: &'a Table,
    last_update: Option<&'a str>,
    by_user: Option<&'a str>,
    by_server: Option<&'a str>,
    secrets: Vec<&'a Column>,
    /// Columns of a type that no other brand can carry.
    unmapped: Vec<&'a Column>,
}

impl<'a> Starter<'a> {
    pub(super) fn new(origin: &'a Origin, schema: &'a Schema) -> Self {
        // Outrigger's own tables, where it has been installed before.
        let is_own = |table: &&Table| CONTROL_TABLES.contains(&table.name.name.as_str());
        let tables: Vec<_> =
            schema.tables.iter().filter(|table| !is_own(table)).map(Found::new).collect();
        let blind = if origin.brand.dialect().can.fire_triggers_on_cascade {
            BTreeSet::new()
        } else {
            blind(schema, &tables)
        };
        Self { origin, tables, blind }
    }

    /// Name, key, last update and secrets of each table, for people.
    pub(super) fn rows(&self) -> Vec<[String; 4]> {
        let row = |found: &Found<'_>| {
            let names: Vec<&str> = found.secrets.iter().map(|one| one.name.as_str()).collect();
            [
                found.table.name.to_string(),
                found.table.primary_key.join(", "),
                found.last_update.unwrap_or("").to_owned(),
                names.join(", "),
            ]
        };
        self.tables.iter().map(row).collect()
    }

    /// The text of the file.
    pub(super) fn text(&self) -> String {
        let Origin { shown, brand, database, schema, url } = self.origin;
        let mut text = format!(
            "# Written by `outrigger init` from {}.\n\
             # A misspelt key is an error, so nothing in here goes unread.\n\n\
             # The name of the application's database, the same on every node.\n\
             database: {}\n\n\
             # Where the application's schema is read from.\n\
             schema: {schema}\n\n\
             # The databases that take part. ${{NAME}} is filled from the environment: no\n\
             # password belongs into this file. A node with `store: true` has no tables of the\n\
             # application and forwards what others made.\n\
             nodes:\n  server1: {{ url: {} }}\n  server2: {{ url: \"sqlite:server2.db\" }}\n",
            one_line(shown),
            scalar(database),
            quoted(url),
        );
        for other in Brand::ALL.into_iter().filter(|other| other != brand) {
            if let (true, Some(scheme)) =
                (other != Brand::Sqlite, other.dialect().url_schemes.first())
            {
                let _ = writeln!(
                    text,
                    "  # server3: {{ url: \"{scheme}://app:${{SERVER3_PASSWORD}}@host/app\" }}"
                );
                break;
            }
        }
        text.push_str(
            "\n# What happens to each table: options, `follow` or `skip`. Of several globs the\n\
             # first one that fits counts; an exact name counts before them.\ntables:\n",
        );
        for found in &self.tables {
            text.push_str(&found.text(*brand));
        }
        text.push_str(
            "\n# Who sends to whom. A route takes its id and the next one.\nroutes:\n  \
             - { id: 1000, from: server1, to: server2 }\n  \
             - { id: 1002, from: server2, to: server1 }\n",
        );
        if !self.blind.is_empty() {
            text.push_str(
                "\n# By these foreign keys the database writes rows that it shows to no trigger,\n\
                 # and nothing else can record them. With `leave` that is so, and a node with\n\
                 # the same keys does it by itself; with `refuse` no SQL is generated until\n\
                 # they are NO ACTION or their tables skipped.\n",
            );
            for one in &self.blind {
                let _ = writeln!(text, "#   {one}");
            }
            text.push_str("capture: { cascades: leave }\n");
        }
        text
    }
}

/// The foreign keys between followed tables whose cascades cannot be recorded.
fn blind(schema: &Schema, found: &[Found<'_>]) -> BTreeSet<String> {
    let followed: BTreeSet<_> =
        found.iter().filter(|one| one.is_followed()).map(|one| &one.table.name).collect();
    let key_of = |table: &Table| table.primary_key.clone();
    let tables = schema.tables.iter().filter(|table| followed.contains(&table.name));
    let blind = tables.flat_map(|table| cascades(schema, table, &key_of).blind);
    blind
        .filter(|one| followed.contains(&one.table.name))
        .map(|one| {
            let key = format!("{} ({})", one.table.name, one.key.columns.join(", "));
            one_line(&format!("{key} to {}: {}", one.key.references, one.why))
        })
        .collect()
}

impl<'a> Found<'a> {
    fn new(table: &'a Table) -> Self {
        let is_time = |column: &Column| {
            matches!(column.logical_type, Some(LogicalType::Timestamp | LogicalType::TimestampTz))
        };
        let is_secret = |column: &&Column| {
            looks_secret(&column.name) && !table.primary_key.contains(&column.name)
        };
        let is_unmapped = |column: &&Column| column.logical_type.is_none() && !column.is_generated;
        Self {
            table,
            last_update: find(table, &LAST_UPDATE, is_time),
            by_user: find(table, &BY_USER, |_| true),
            by_server: find(table, &BY_SERVER, |_| true),
            secrets: table.columns.iter().filter(is_secret).collect(),
            unmapped: table.columns.iter().filter(is_unmapped).collect(),
        }
    }

    /// The first column of the key that cannot travel.
    fn unmapped_key(&self) -> Option<&'a Column> {
        let is_in_key = |column: &&Column| self.table.primary_key.contains(&column.name);
        let mut key = self.table.columns.iter().filter(is_in_key);
        key.find(|column| column.logical_type.is_none())
    }

    fn is_followed(&self) -> bool {
        !self.table.primary_key.is_empty() && self.unmapped_key().is_none()
    }

    fn text(&self, brand: Brand) -> String {
        let name = scalar(&self.table.name.to_string());
        if let Some(column) = self.unmapped_key() {
            return format!(
                "  # The key has {}, and {}: name other\n\
                 \x20 # columns that identify a row, `{{ key: [a, b] }}`, or skip it.\n\
                 \x20 {name}: skip\n",
                one_line(&column.name),
                why_not(column, brand)
            );
        }
        if self.table.primary_key.is_empty() {
            return format!(
                "  # No primary key: name columns that identify a row, `{{ key: [a, b] }}`, or\n\
                 \x20 # skip it.\n  {name}: skip\n"
            );
        }
        let mut options = String::new();
        for (option, column) in [
            ("last_update", self.last_update),
            ("updated_by_user", self.by_user),
            ("updated_by_server", self.by_server),
        ] {
            if let Some(column) = column {
                let _ = writeln!(options, "    {option}: {}", scalar(column));
            }
        }
        options.push_str(&self.policies(brand));
        let is_bare = options.lines().all(|line| line.trim_start().starts_with('#'));
        let follow = if is_bare { " follow" } else { "" };
        format!("  {name}:{follow}\n{options}")
    }

    fn policies(&self, brand: Brand) -> String {
        let mut text = String::new();
        if !self.unmapped.is_empty() {
            text.push_str("    columns:\n");
        }
        for column in &self.unmapped {
            let why = why_not(column, brand);
            let _ = writeln!(text, "      {}: ignore  # {why}", scalar(&column.name));
            if !column.is_nullable && column.default.is_none() {
                text.push_str("      # It is NOT NULL: give it a default, or no other node can ");
                text.push_str("insert a row.\n");
            }
        }
        if !self.secrets.is_empty() {
            text.push_str("    # These sound like secrets; say under `columns` what may travel:\n");
        }
        for column in &self.secrets {
            let policy = if column.is_nullable { "ignore" } else { "mask" };
            let _ = writeln!(text, "    #   {}: {policy}", scalar(&column.name));
        }
        text
    }
}

/// Why a column has no logical type.
fn why_not(column: &Column, brand: Brand) -> String {
    let native = one_line(&column.native_type);
    match brand.dialect().refusal(&column.native_type) {
        Some(why) => format!("{native} is not carried: {why}"),
        None => format!("nothing maps {native}"),
    }
}

/// The column with the likeliest of `names`.
fn find<'a>(table: &'a Table, names: &[&str], fits: impl Fn(&Column) -> bool) -> Option<&'a str> {
    let plain = |column: &Column| column.name.to_lowercase().replace(['_', ' '], "");
    let rank = |column: &Column| names.iter().position(|name| *name == plain(column));
    let ranked = table
        .columns
        .iter()
        .filter(|column| fits(column))
        .filter_map(|column| rank(column).map(|rank| (rank, column.name.as_str())));
    ranked.min().map(|(_, name)| name)
}

/// A YAML scalar that is read back as this text.
fn scalar(text: &str) -> String {
    let mut letters = text.chars();
    let is_plain = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || "_./-".contains(letter));
    // Words that YAML, in one version or another, takes for something else than text.
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_plain && !words.contains(&text.to_lowercase().as_str()) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{self, Config, Policy};
    use crate::model::{Action, ForeignKey, NodeId, TableName};

    fn column(name: &str, logical_type: LogicalType) -> Column {
        Column {
            name: name.to_owned(),
            native_type: logical_type.to_string(),
            base_type: None,
            logical_type: Some(logical_type),
            is_nullable: true,
            default: None,
            is_identity: false,
            is_generated: false,
            location: None,
        }
    }

    fn table(name: &str, key: &[&str]) -> Table {
        let unmapped = Column { logical_type: None, ..column("shape", LogicalType::Text) };
        let columns = [
            ("id", LogicalType::Integer),
            ("modified", LogicalType::Timestamp),
            ("Updated_At", LogicalType::TimestampTz),
            ("last_update", LogicalType::Text),
            ("updated by", LogicalType::Text),
            ("card number", LogicalType::Text),
        ];
        Table {
            name: TableName::plain(name),
            columns: columns
                .map(|(name, logical)| column(name, logical))
                .into_iter()
                .chain([unmapped])
                .collect(),
            primary_key: key.iter().map(|&name| name.to_owned()).collect(),
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            location: None,
        }
    }

    fn parsed(origin: &Origin, schema: &Schema) -> (String, Config) {
        let text = Starter::new(origin, schema).text();
        let variables = BTreeMap::from([("SERVER1_PASSWORD".to_owned(), "x".to_owned())]);
        let config = config::parse("o.yaml", &text, &variables);
        (text.clone(), config.unwrap_or_else(|error| panic!("{error:?}\n{text}")))
    }

    #[test]
    fn the_starter_is_a_configuration_whatever_the_tables_are_called() {
        let names = ["order", "user name", "größe", "no", "1", "a: b", "# x", "it's \"q\"", "{x}"];
        for brand in Brand::ALL {
            let schema = Schema { tables: names.map(|name| table(name, &["id"])).to_vec() };
            let (text, config) = parsed(&Origin::files("a b.sql", "../a b.sql", brand), &schema);
            assert_eq!(config.schema_brand(), brand);
            for name in names {
                let options = config.options_for(&TableName::plain(name)).expect(name);
                assert_eq!(options.last_update.as_deref(), Some("Updated_At"));
                assert_eq!(options.updated_by_user.as_deref(), Some("updated by"));
                assert_eq!(options.columns.len(), 1, "policies of secrets are only suggested");
                assert_eq!(options.policy("shape"), Policy::Ignore);
            }
            assert!(text.contains("#   \"card number\": ignore"), "{text}");
        }
    }

    #[test]
    fn a_table_without_a_key_is_skipped_with_a_word_about_it() {
        let schema = Schema { tables: vec![table("log", &[]), table("ds_change_outbox", &["id"])] };
        let (text, config) = parsed(&Origin::files("x", "x", Brand::Postgres), &schema);
        assert!(text.contains("# No primary key"));
        assert!(config.options_for(&TableName::plain("log")).is_none());
        assert!(config.rule_for(&TableName::plain("ds_change_outbox")).is_none());
    }

    #[test]
    fn what_is_not_carried_says_why_and_what_it_keeps_others_from() {
        let mut paid = table("paid", &["id"]);
        let refused = Column { logical_type: None, ..column("at", LogicalType::Text) };
        let required = Column { native_type: "pg_lsn".into(), is_nullable: false, ..refused };
        let optional =
            Column { native_type: "a type".into(), is_nullable: true, ..required.clone() };
        paid.columns = vec![required, Column { name: "free".into(), ..optional }];
        let schema = Schema { tables: vec![paid] };
        let (text, _) = parsed(&Origin::files("x", "x", Brand::Postgres), &schema);
        let wanted = "      at: ignore  # pg_lsn is not carried: it means something within its own \
                      server only\n      # It is NOT NULL: give it a default, or no other node can \
                      insert a row.\n      free: ignore  # nothing maps a type\n";
        assert!(text.contains(wanted), "{text}");
    }

    #[test]
    fn a_table_whose_key_cannot_travel_is_skipped_with_the_reason() {
        let mut parts = table("parts", &["id", "shape"]);
        parts.columns.retain(|column| ["id", "shape"].contains(&column.name.as_str()));
        let schema = Schema { tables: vec![parts, table("rest", &["id"])] };
        let (text, config) = parsed(&Origin::files("x", "x", Brand::Postgres), &schema);
        assert!(config.options_for(&TableName::plain("parts")).is_none());
        assert!(config.options_for(&TableName::plain("rest")).is_some());
        assert!(text.contains("  # The key has shape, and nothing maps text: name"), "{text}");
    }

    #[test]
    fn cascades_that_cannot_be_recorded_are_named_and_left() {
        let mut child = table("child", &["id"]);
        child.foreign_keys = vec![ForeignKey {
            columns: vec!["id".to_owned()],
            references: TableName::plain("parent"),
            referenced_columns: vec!["id".to_owned()],
            on_delete: Action::NoAction,
            on_update: Action::Cascade,
        }];
        let schema = Schema { tables: vec![table("parent", &["id"]), child] };
        for brand in Brand::ALL {
            let (text, config) = parsed(&Origin::files("x", "x", brand), &schema);
            let is_left = config.capture.cascades == config::CascadeRule::Leave;
            assert_eq!(is_left, brand == Brand::Mysql, "{brand}");
            let line = "#   child (id) to parent: it changes the key of the rows that refer\n";
            assert_eq!(text.contains(line), is_left, "{text}");
        }
        let without_key = Schema { tables: vec![table("parent", &[]), schema.tables[1].clone()] };
        let (text, _) = parsed(&Origin::files("x", "x", Brand::Mysql), &without_key);
        assert!(!text.contains("cascades"), "what is skipped writes nothing of ours: {text}");
    }

    #[test]
    fn a_password_of_the_command_line_is_not_written() {
        let schema = Schema { tables: vec![table("a", &["id"])] };
        let url = "postgres://app:s3cret@host:5432/shop?sslmode=disable";
        let origin = Origin::url(url, Brand::Postgres);
        let (text, config) = parsed(&origin, &schema);
        assert!(!text.contains("s3cret") && !origin.shown.contains("s3cret"), "{text}");
        assert_eq!(config.database, "shop");
        assert_eq!(
            config.nodes[&NodeId::from("server1")].url,
            "postgres://app:x@host:5432/shop?sslmode=disable"
        );
        let origin = Origin::url("sqlite:data/shop.db", Brand::Sqlite);
        assert_eq!(parsed(&origin, &schema).1.database, "shop");
    }
}
