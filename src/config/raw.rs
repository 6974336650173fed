//! The configuration as it is written: the shape of the YAML, before any of it is believed.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::spanned::{Entries, Spanned};
use super::{CascadeRule, Collisions, CommandForm, Error, GuidFill, Overwrite, Policy, WakeRule};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) database: Spanned,
    pub(super) schema: RawSchema,
    pub(super) nodes: Entries<RawNode>,
    #[serde(default)]
    pub(super) tables: Entries<RawTable>,
    #[serde(default)]
    pub(super) routes: Option<Vec<RawRoute>>,
    #[serde(default)]
    pub(super) capture: RawCapture,
    #[serde(default)]
    pub(super) findings: Vec<RawSuppression>,
    #[serde(default)]
    pub(super) limits: RawLimits,
    #[serde(default)]
    pub(super) roles: RawRoles,
}

#[derive(Debug)]
pub(super) enum RawSchema {
    Files { dialect: Spanned, files: Vec<Spanned> },
    Node(Spanned),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaKeys {
    dialect: Option<Spanned>,
    files: Option<Vec<Spanned>>,
    node: Option<Spanned>,
}

#[derive(Debug)]
pub(super) struct RawNode {
    pub(super) address: RawAddress,
    pub(super) is_store: bool,
}

#[derive(Debug)]
pub(super) enum RawAddress {
    Url(Spanned),
    UrlFile(Spanned),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeKeys {
    url: Option<Spanned>,
    url_file: Option<Spanned>,
    #[serde(default)]
    store: bool,
}

#[derive(Debug)]
pub(super) enum RawTable {
    Skip,
    Follow(Box<RawOptions>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOptions {
    #[serde(default)]
    pub(super) key: Vec<Spanned>,
    #[serde(default)]
    pub(super) identity: RawIdentity,
    pub(super) guid_column: Option<Spanned>,
    #[serde(default)]
    pub(super) guid_fill: Option<GuidFill>,
    pub(super) last_update: Option<Spanned>,
    pub(super) updated_by_user: Option<Spanned>,
    pub(super) updated_by_server: Option<Spanned>,
    #[serde(default)]
    pub(super) columns: Entries<Policy>,
    #[serde(default)]
    pub(super) overwrite: Overwrite,
    #[serde(default)]
    pub(super) collisions: Collisions,
}

/// What tells the rows of a table apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawIdentity {
    #[default]
    Key,
    Guid,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoute {
    pub(super) id: Spanned,
    pub(super) from: Spanned,
    pub(super) to: Spanned,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSuppression {
    pub(super) id: Spanned,
    pub(super) table: Option<Spanned>,
    pub(super) column: Option<Spanned>,
    pub(super) dialect: Option<Spanned>,
    pub(super) reason: Spanned,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCapture {
    #[serde(default)]
    pub(super) command: CommandForm,
    #[serde(default)]
    pub(super) cascades: CascadeRule,
    #[serde(default)]
    pub(super) wake: WakeRule,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoles {
    pub(super) owner: Option<Spanned>,
    pub(super) runner: Option<Spanned>,
    pub(super) application: Option<Spanned>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) batch_rows: Option<Spanned>,
    pub(super) change_set_rows: Option<Spanned>,
    pub(super) batch_bytes: Option<Spanned>,
    pub(super) lock_wait_seconds: Option<Spanned>,
    pub(super) skew_warning: Option<Spanned>,
    pub(super) skew_refusal: Option<Spanned>,
    pub(super) outbox_retention: Option<Spanned>,
    pub(super) inbox_retention: Option<Spanned>,
    pub(super) tombstone_retention: Option<Spanned>,
}

/// Reads the YAML.
pub(super) fn read(path: &str, text: &str) -> Result<RawConfig, Error> {
    serde_yaml::from_str(text).map_err(|error| Error::from_yaml(path, &error))
}

/// Keys that belong together: what one of them may be depends on the others. Checked while the
/// mapping is being read, so that the reader adds the mapping's place to a complaint.
trait Keys: for<'de> Deserialize<'de> {
    type Checked;
    fn check(self) -> Result<Self::Checked, &'static str>;
}

struct KeysVisitor<K>(std::marker::PhantomData<K>);

impl<'de, K: Keys> Visitor<'de> for KeysVisitor<K> {
    type Value = K::Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        K::deserialize(MapAccessDeserializer::new(map))?.check().map_err(A::Error::custom)
    }
}

impl Keys for SchemaKeys {
    type Checked = RawSchema;

    fn check(self) -> Result<RawSchema, &'static str> {
        match (self.dialect, self.files, self.node) {
            (None, None, Some(node)) => Ok(RawSchema::Node(node)),
            (Some(dialect), Some(files), None) if !files.is_empty() => {
                Ok(RawSchema::Files { dialect, files })
            }
            (_, Some(_), Some(_)) => Err("either `files` or `node`, not both"),
            (Some(_), _, Some(_)) => Err("`dialect` belongs to `files`, a `node` has its own"),
            (None, Some(_), None) => Err("`files` also needs `dialect`"),
            (_, _, None) => Err("`files` with their `dialect`, or a `node`, is missing"),
        }
    }
}

impl Keys for NodeKeys {
    type Checked = RawNode;

    fn check(self) -> Result<RawNode, &'static str> {
        let address = match (self.url, self.url_file) {
            (Some(url), None) => RawAddress::Url(url),
            (None, Some(file)) => RawAddress::UrlFile(file),
            (Some(_), Some(_)) => return Err("either `url` or `url_file`, not both"),
            (None, None) => return Err("`url` or `url_file` is missing"),
        };
        Ok(RawNode { address, is_store: self.store })
    }
}

impl<'de> Deserialize<'de> for RawSchema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor::<SchemaKeys>(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for RawNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor::<NodeKeys>(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for RawTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TableVisitor)
    }
}

struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = RawTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`skip`, `follow` or a mapping of options")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<RawTable, E> {
        match word {
            "skip" => Ok(RawTable::Skip),
            "follow" => Ok(RawTable::Follow(Box::default())),
            _ => Err(E::unknown_variant(word, &["skip", "follow"])),
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<RawTable, E> {
        Ok(RawTable::Follow(Box::default()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawTable, A::Error> {
        let options = RawOptions::deserialize(MapAccessDeserializer::new(map))?;
        Ok(RawTable::Follow(Box::new(options)))
    }
}
