//! Which tables, columns and operations are captured.

use serde::Serialize;

use super::cascade::{self, Cascade};
use super::groups::column_groups;
use super::guid::{self, GuidPlan};
use super::names::object_name;
use super::update::{UpdatePlan, plan_updates};
use super::{Error, Plan, RolePlan};
use crate::config::{
    CascadeRule, Collisions, CommandForm, Config, Overwrite, Policy, TableChoice, TableOptions,
    WakeRule,
};
use crate::dialect::Brand;
use crate::model::{CONTROL_TABLES, Column, LogicalType, Schema, Table, TableName};
use crate::schema::{cascades, identified};

/// Why a column that is on its way out of the tables is not captured; its table may have lost it.
pub const DROPPED: &str = "dropped";

/// One followed table on one brand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TablePlan {
    /// What `object_table` holds: `name` or `namespace.name`.
    pub object_table: String,
    /// The table's namespace on this brand; `None` where the brand has none.
    pub namespace: Option<String>,
    /// The table's name on this brand.
    pub name: String,
    /// What `object_pk_attribute` holds: the key column, or a JSON array of key columns.
    pub object_pk_attribute: String,
    /// The key columns, in key order.
    pub key: Vec<CapturedColumn>,
    /// The triggers of single columns, where a brand has them.
    pub updates: Option<UpdatePlan>,
    /// Captured columns outside the key and outside `metadata`, in table order: an update
    /// writes one outbox row for each that changed.
    pub columns: Vec<CapturedColumn>,
    /// `columns` in groups that an update looks at one by one, where a trigger looks at all.
    pub column_groups: Vec<Vec<CapturedColumn>>,
    /// The last-update, user and server columns that the table has, in table order.
    pub metadata: Vec<CapturedColumn>,
    /// All captured columns, in table order: the document of an insert or a delete.
    pub row: Vec<CapturedColumn>,
    /// The last-update column, if its type can be a stamp.
    pub last_update: Option<CapturedColumn>,
    /// The column with the user of the last change.
    pub updated_by_user: Option<CapturedColumn>,
    /// Columns that are not captured, and why, for the header of the script.
    pub left_out: Vec<LeftOut>,
    /// Whether a newer change protects the whole row.
    pub is_record_level: bool,
    /// Whether rows that cannot stand together are settled by rule.
    pub settles_collisions: bool,
    /// Whether rows are followed by a GUID, and the application's key is a column like others.
    pub has_guid: bool,
    /// The GUID's column, where Outrigger adds it.
    pub guid: Option<GuidPlan>,
    /// Each a set of columns that no two rows have in common: the primary key, unique keys.
    pub uniques: Vec<Vec<String>>,
    /// Rows that go with a deleted row, where foreign keys fire no triggers.
    pub delete_cascades: Vec<Cascade>,
    /// References that go with a changed key, where foreign keys fire no triggers.
    pub update_cascades: Vec<Cascade>,
    /// Session settings that the canonical texts of this table need.
    pub settings: Vec<String>,
    /// Names of the generated objects.
    pub names: ObjectNames,
}

impl TablePlan {
    /// How a column is captured, or why it is not; `None` for one that it does not know.
    #[must_use]
    pub fn policy(&self, column: &str) -> Option<&'static str> {
        let captured = self.row.iter().find(|one| one.name == column).map(|one| one.policy);
        captured.or_else(|| self.left_out.iter().find(|one| one.name == column).map(|one| one.why))
    }
}

/// One captured column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CapturedColumn {
    /// Its name, letter for letter.
    pub name: String,
    /// What its values mean.
    pub logical_type: LogicalType,
    /// Its own type as the schema has it: `char(3)`.
    pub native_type: String,
    /// `capture`, `hash` or `mask`.
    pub policy: &'static str,
    /// Whether its text can have anything in it that JSON escapes.
    pub has_free_text: bool,
    /// Whether the server may refuse to make its text, for its length.
    pub may_be_too_long: bool,
}

/// A column that is not captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// `generated`, `ignore` or `forbid`.
    pub why: &'static str,
}

/// Names of the objects generated for a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectNames {
    /// Trigger (and function) on INSERT.
    pub insert: String,
    /// Trigger (and function) on UPDATE.
    pub update: String,
    /// Trigger (and function) on DELETE.
    pub delete: String,
    /// Trigger (and function) on TRUNCATE, where the brand can have one.
    pub truncate: String,
    /// Trigger before INSERT, where a row may be replaced unseen.
    pub replace: String,
    /// Trigger before DELETE, where foreign keys fire no triggers.
    pub cascade_delete: String,
    /// Trigger before UPDATE, where foreign keys fire no triggers.
    pub cascade_update: String,
}

/// What every node of `brand` has.
pub(super) fn store(config: &Config, schema: &Schema, brand: Brand) -> Plan {
    Plan {
        brand,
        database: config.database.clone(),
        namespace: brand.dialect().default_namespace.clone(),
        schema_hash: crate::schema::hash(&identified(config, schema)),
        config_hash: config.hash.clone(),
        command: match config.capture.command {
            CommandForm::None => "none",
            CommandForm::Escaped => "escaped",
            CommandForm::Tilde => "tilde",
        },
        signal: match config.capture.wake {
            WakeRule::Notify => brand.dialect().signal.clone(),
            WakeRule::Poll => None,
        },
        is_store: true,
        tables: Vec::new(),
        roles: RolePlan::of(&config.roles),
    }
}

/// The tables that are followed on `brand`.
pub(super) fn tables(
    config: &Config,
    schema: &Schema,
    brand: Brand,
) -> Result<Vec<TablePlan>, Error> {
    let schema = &*identified(config, schema);
    let mut tables = Vec::new();
    let is_own = |table: &&Table| CONTROL_TABLES.contains(&table.name.name.as_str());
    for table in schema.tables.iter().filter(|table| !is_own(table)) {
        if let Some(TableChoice::Follow(options)) =
            config.rule_for(&table.name).map(|rule| &rule.choice)
        {
            let mut planned = plan_table(config, table, options, brand)?;
            if !brand.dialect().can.fire_triggers_on_cascade {
                take_along(&mut planned, config, schema, table, brand)?;
            }
            tables.push(planned);
        }
    }
    Ok(tables)
}

/// Adds what the foreign keys of other tables do with a row of this one.
fn take_along(
    planned: &mut TablePlan,
    config: &Config,
    schema: &Schema,
    table: &Table,
    brand: Brand,
) -> Result<(), Error> {
    let key_of = |table: &Table| match config.options_for(&table.name) {
        Some(options) if !options.key.is_empty() => options.key.clone(),
        _ => table.primary_key.clone(),
    };
    let found = cascades(schema, table, &key_of);
    let is_refused =
        config.sending_brands().contains(&brand) && config.capture.cascades == CascadeRule::Refuse;
    let blind = found.blind.iter().find(|one| config.options_for(&one.table.name).is_some());
    if let Some(blind) = blind.filter(|_| is_refused) {
        return Err(Error::BlindCascade {
            table: blind.table.name.clone(),
            parent: blind.key.references.clone(),
            why: blind.why,
            brand,
        });
    }
    let plan =
        |table: &Table| plan_table(config, table, config.options_for(&table.name)?, brand).ok();
    planned.delete_cascades = cascade::on_delete(&found.on_delete, brand, &plan);
    planned.update_cascades = cascade::on_update(&found.on_update, brand, table, &plan);
    Ok(())
}

fn plan_table(
    config: &Config,
    table: &Table,
    options: &TableOptions,
    brand: Brand,
) -> Result<TablePlan, Error> {
    let key_names = if options.key.is_empty() { &table.primary_key } else { &options.key };
    if key_names.is_empty() {
        return Err(Error::NoKey { table: table.name.clone() });
    }
    let (namespace, name) = physical_name(&table.name, brand);
    check_names(table, &name, brand)?;

    let (row, left_out) = choose(table, options, key_names, brand)?;
    let named = |column: &str, option| {
        row.iter().find(|c| c.name == column).cloned().ok_or_else(|| Error::NoColumn {
            table: table.name.clone(),
            column: column.to_owned(),
            option,
        })
    };
    let option = if options.guid.is_some() { "guid_column" } else { "key" };
    let key = key_names.iter().map(|name| named(name, option)).collect::<Result<Vec<_>, _>>()?;
    let guid = guid::guid(config, table, (options, &key), brand)?;
    let optional = |column: &Option<String>, option| {
        column.as_deref().map(|column| named(column, option)).transpose()
    };
    let last_update = optional(&options.last_update, "last_update")?;
    let updated_by_user = optional(&options.updated_by_user, "updated_by_user")?;
    let updated_by_server = optional(&options.updated_by_server, "updated_by_server")?;

    let is_metadata = |column: &CapturedColumn| {
        [&last_update, &updated_by_user, &updated_by_server].contains(&&Some(column.clone()))
    };
    let (metadata, columns): (Vec<_>, Vec<_>) = row
        .iter()
        .filter(|column| !key_names.contains(&column.name))
        .cloned()
        .partition(|column| is_metadata(column));
    let can_stamp = |column: &CapturedColumn| {
        matches!(column.logical_type, LogicalType::Timestamp | LogicalType::TimestampTz)
    };
    Ok(TablePlan {
        object_table: table.name.to_string(),
        namespace,
        name,
        object_pk_attribute: key_attribute(key_names),
        has_guid: options.guid.is_some(),
        guid,
        uniques: uniques(table),
        delete_cascades: Vec::new(),
        update_cascades: Vec::new(),
        settings: settings(&row, brand),
        updates: plan_updates(table, &key, [&columns, &metadata], &left_out, brand),
        key,
        column_groups: column_groups(&columns, options.overwrite),
        columns,
        metadata,
        last_update: last_update.filter(can_stamp),
        updated_by_user,
        left_out,
        is_record_level: options.overwrite == Overwrite::Record,
        settles_collisions: options.collisions == Collisions::Settle,
        names: ObjectNames::of(&table.name, brand),
        row,
    })
}

/// What a session has to be set to, or the texts of these columns are not canonical.
fn settings(row: &[CapturedColumn], brand: Brand) -> Vec<String> {
    let types = row.iter().map(|one| (one.logical_type, one.native_type.as_str()));
    brand.dialect().settings(types).into_iter().map(str::to_owned).collect()
}

/// The primary key and all unique keys, each once. A `key:` that nothing keeps unique is none.
fn uniques(table: &Table) -> Vec<Vec<String>> {
    let mut uniques: Vec<Vec<String>> = Vec::new();
    for unique in std::iter::once(&table.primary_key).chain(&table.unique_keys) {
        if !unique.is_empty() && !uniques.contains(unique) {
            uniques.push(unique.clone());
        }
    }
    uniques
}

impl ObjectNames {
    fn of(table: &TableName, brand: Brand) -> Self {
        Self {
            insert: object_name(brand, "capture_insert", table),
            update: object_name(brand, "capture_update", table),
            delete: object_name(brand, "capture_delete", table),
            truncate: object_name(brand, "capture_truncate", table),
            replace: object_name(brand, "capture_replace", table),
            cascade_delete: object_name(brand, "cascade_delete", table),
            cascade_update: object_name(brand, "cascade_update", table),
        }
    }
}

/// What is captured of a table, and what is not.
fn choose(
    table: &Table,
    options: &TableOptions,
    key_names: &[String],
    brand: Brand,
) -> Result<(Vec<CapturedColumn>, Vec<LeftOut>), Error> {
    let is_gone = |name: &&String| table.column(name).is_none();
    let mut gone = options.columns.iter().filter(|(name, _)| is_gone(name));
    if let Some((column, _)) = gone.clone().find(|(_, policy)| **policy != Policy::Dropped) {
        return Err(Error::NoColumn {
            table: table.name.clone(),
            column: column.clone(),
            option: "columns",
        });
    }
    let mut row = Vec::new();
    let mut left_out: Vec<LeftOut> =
        gone.by_ref().map(|(name, _)| LeftOut { name: name.clone(), why: DROPPED }).collect();
    for column in &table.columns {
        let policy = options.columns.get(&column.name).copied().unwrap_or_default();
        let is_key = key_names.contains(&column.name);
        match decide(table, column, policy, is_key, brand)? {
            Ok(captured) => row.push(captured),
            Err(why) => left_out.push(LeftOut { name: column.name.clone(), why }),
        }
    }
    Ok((row, left_out))
}

/// Captured, or the reason why not.
fn decide(
    table: &Table,
    column: &Column,
    policy: Policy,
    is_key: bool,
    brand: Brand,
) -> Result<Result<CapturedColumn, &'static str>, Error> {
    let refuse = |policy, reason| {
        Err(Error::BadPolicy {
            table: table.name.clone(),
            column: column.name.clone(),
            policy,
            reason,
        })
    };
    let is_stamped_key = "it is part of the key, by which other nodes find the row";
    if column.is_generated && !is_key {
        return Ok(Err("generated"));
    }
    let policy = match policy {
        Policy::Ignore if is_key => return refuse("ignore", is_stamped_key),
        Policy::Forbid if is_key => return refuse("forbid", is_stamped_key),
        Policy::Hash if is_key => return refuse("hash", is_stamped_key),
        Policy::Mask if is_key => return refuse("mask", is_stamped_key),
        Policy::Dropped if is_key => return refuse(DROPPED, is_stamped_key),
        Policy::Dropped => return Ok(Err(DROPPED)),
        Policy::Ignore => return Ok(Err("ignore")),
        Policy::Forbid => return Ok(Err("forbid")),
        Policy::Hash if !brand.dialect().can.hash => {
            return refuse("hash", "this brand's triggers cannot compute SHA-256");
        }
        Policy::Hash => "hash",
        Policy::Mask => "mask",
        Policy::Capture => "capture",
    };
    let Some(logical_type) = column.logical_type else {
        return Err(Error::UnknownType {
            table: table.name.clone(),
            column: column.name.clone(),
            native_type: column.native_type.clone(),
        });
    };
    let (name, native_type) = (column.name.clone(), column.native_type.clone());
    // A UUID's column is a text where the brand has no such type.
    let is_free = matches!(
        logical_type,
        LogicalType::Text
            | LogicalType::Json
            | LogicalType::Enum
            | LogicalType::Verbatim
            | LogicalType::Uuid
    );
    let has_free_text = is_free && policy == "capture";
    let may_be_too_long = brand.dialect().may_be_too_long.contains(&logical_type);
    Ok(Ok(CapturedColumn {
        name,
        logical_type,
        native_type,
        policy,
        has_free_text,
        may_be_too_long,
    }))
}

/// Where a table stands on a brand: a brand without namespaces has the namespace in the name.
#[must_use]
pub fn physical_name(name: &TableName, brand: Brand) -> (Option<String>, String) {
    match (&brand.dialect().default_namespace, &name.namespace) {
        (Some(default), None) => (Some(default.clone()), name.name.clone()),
        (Some(_), Some(namespace)) => (Some(namespace.clone()), name.name.clone()),
        (None, None) => (None, name.name.clone()),
        (None, Some(namespace)) => (None, format!("{namespace}_{}", name.name)),
    }
}

/// `order_id`, or `["order_id","line"]`.
fn key_attribute(names: &[String]) -> String {
    match names {
        [name] => name.clone(),
        names => serde_json::Value::from(names.to_vec()).to_string(),
    }
}

fn check_names(table: &Table, physical: &str, brand: Brand) -> Result<(), Error> {
    let columns = table.columns.iter().map(|column| column.name.as_str());
    for name in std::iter::once(physical).chain(columns) {
        if !brand.dialect().fits(name) {
            return Err(Error::NameTooLong { name: name.to_owned(), brand });
        }
        if let Some(has) = brand.dialect().refused_in(name) {
            return Err(Error::NameRefused { name: name.to_owned(), brand, has });
        }
    }
    Ok(())
}
