//! The followed tables of one node as the importer sees them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Serialize;

use super::circles::find_circular;
use crate::dialect::{Brand, Fit};
use crate::model::{Action, LogicalType, Schema, Table, TableName};
use crate::plan::{DROPPED, Plan, TablePlan};

/// A column that can be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetColumn {
    /// Its name, letter for letter.
    pub name: String,
    /// What its values mean.
    pub logical_type: LogicalType,
    /// Its own type on this node; of a domain the base, so that nothing is cut on the way into it.
    pub native_type: String,
    /// What that keeps.
    #[serde(skip)]
    pub storage: Storage,
    /// Whether the database numbers it, unless told otherwise.
    pub is_identity: bool,
    /// Whether NULL is allowed here.
    #[serde(skip)]
    pub is_nullable: bool,
    /// How its changes are captured: `capture`, `hash`, `mask`, or `ignore` for not at all.
    #[serde(skip)]
    pub policy: &'static str,
}

/// What a column's own type keeps of a value: looked up once, and asked for each value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage {
    /// What the values of the type mean, where it is a type that is carried.
    pub(super) logical_type: Option<LogicalType>,
    /// What it keeps less than all of.
    pub(super) fit: Option<Fit>,
}

impl Storage {
    /// Of a brand's native type.
    #[must_use]
    pub fn of(brand: Brand, native_type: &str) -> Self {
        let dialect = brand.dialect();
        Self { logical_type: dialect.logical_type(native_type), fit: dialect.fit(native_type) }
    }
}

/// One followed table on one node.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub struct Target {
    /// What `object_table` holds.
    pub object_table: String,
    /// The namespace here.
    pub namespace: Option<String>,
    /// The table here.
    pub name: String,
    /// The key by which rows are followed.
    pub key: Vec<TargetColumn>,
    /// Every other column that can be written, by name.
    pub columns: BTreeMap<String, TargetColumn>,
    /// Columns whose values must not arrive.
    pub forbidden: Vec<String>,
    /// Columns that are on their way out: where they are gone, nothing is missed.
    pub dropped: Vec<String>,
    /// Columns that the plan has and the node has not yet: changes of them wait.
    pub awaited: Vec<String>,
    /// Whether a newer change protects the whole row.
    pub is_record_level: bool,
    /// Whether rows that cannot stand together are settled by rule.
    pub settles_collisions: bool,
    /// Columns of secondary unique keys and of foreign keys: their writes do not commute.
    pub bound_columns: Vec<String>,
    /// The columns of each unique key besides the followed one.
    pub unique_keys: Vec<Vec<String>>,
    /// Whether a foreign key refers to the table itself.
    pub refers_to_itself: bool,
    /// Tables that are tied by references, over any number of tables, have one number.
    pub component: usize,
    /// The tables it refers to, as indices of [`Targets`].
    pub parents: Vec<usize>,
    /// The references of followed tables to it.
    pub references: Vec<Reference>,
    /// Its references over which rows may come to refer to each other in a circle.
    pub circular: Vec<Circular>,
    /// Whether rows are followed by a GUID, and the application's key is a column like others.
    pub has_guid: bool,
}

/// A foreign key of a followed table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The table that refers, as an index of [`Targets`].
    pub child: usize,
    /// Its columns that refer.
    pub columns: Vec<String>,
    /// The columns referred to, in the same order.
    pub referenced: Vec<String>,
    /// What happens to the referring row when the referred one is deleted.
    pub on_delete: Action,
    /// What happens to it when what it refers to changes.
    pub on_update: Action,
}

/// A foreign key from a table that leads back to it, by itself or over other tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circular {
    /// The table referred to, as an index of [`Targets`].
    pub parent: usize,
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The columns referred to, in the same order.
    pub referenced: Vec<String>,
}

/// The followed tables of one node.
#[derive(Debug, Clone)]
pub struct Targets {
    /// The node's brand.
    pub brand: Brand,
    /// What `object_database` holds.
    pub database: String,
    /// How triggers fill `object_operation_command`.
    pub has_commands: bool,
    /// The brand of each node that changes come from: how a command's backslashes are meant.
    pub origins: BTreeMap<String, Brand>,
    /// The tables, in the plan's order.
    pub tables: Vec<Target>,
    /// Where each of them stands, for [`Targets::find`].
    pub index: OnceLock<BTreeMap<String, usize>>,
}

/// A followed table that is not on the node as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The table is not there.
    #[error("table `{table}` is not there")]
    NoTable {
        /// The table.
        table: String,
    },
    /// A column of the key is not there.
    #[error("table `{table}` has no column `{column}`")]
    NoColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
}

impl Target {
    /// A column by its name, of the key or not; none that nothing maps.
    pub(super) fn column(&self, name: &str) -> Option<&TargetColumn> {
        let in_key = || self.key.iter().find(|column| column.name == name);
        self.columns.get(name).or_else(in_key)
    }

    /// The columns outside the key whose changes are captured.
    pub(super) fn captured(&self) -> impl Iterator<Item = &TargetColumn> {
        self.columns.values().filter(|column| !is_optional(column.policy))
    }
}

impl Targets {
    /// The plan's tables as they really are in `live`, the introspected schema of the node.
    ///
    /// # Errors
    /// The first table or key column that is missing.
    pub fn new(plan: &Plan, live: &Schema) -> Result<Self, Mismatch> {
        let found = find_tables(plan, live)?;
        let mut tables: Vec<Target> = found.iter().map(target).collect::<Result<_, _>>()?;
        tie(&mut tables, &found);
        name_components(&mut tables);
        find_circular(&mut tables);
        Ok(Self {
            origins: BTreeMap::new(),
            brand: plan.brand,
            database: plan.database.clone(),
            has_commands: plan.command != "none",
            tables,
            index: OnceLock::new(),
        })
    }

    /// Whether columns of the plan are not there yet.
    #[must_use]
    pub fn awaits_columns(&self) -> bool {
        self.tables.iter().any(|table| !table.awaited.is_empty())
    }

    /// Whether each table has the same columns of the same types here as there.
    #[must_use]
    pub fn has_columns_of(&self, other: &Self) -> bool {
        let is_same = |(one, two): (&Target, &Target)| {
            one.object_table == two.object_table && one.key == two.key && one.columns == two.columns
        };
        self.tables.len() == other.tables.len()
            && self.tables.iter().zip(&other.tables).all(is_same)
    }

    /// A table by what `object_table` says: the configured name, also with a default namespace.
    #[must_use]
    pub fn find(&self, object_table: &str) -> Option<usize> {
        let index = self.index.get_or_init(|| {
            // Of two with one name the first.
            let named = |(at, table): (usize, &Target)| (table.object_table.clone(), at);
            self.tables.iter().enumerate().rev().map(named).collect()
        });
        let find = |name: &str| index.get(name).copied();
        find(object_table).or_else(|| {
            let (namespace, name) = object_table.split_once('.')?;
            let is_default = Brand::ALL
                .iter()
                .any(|brand| brand.dialect().default_namespace.as_deref() == Some(namespace));
            if is_default { find(name) } else { None }
        })
    }
}

/// The name under which introspection finds a planned table.
#[must_use]
pub fn live_name(table: &TablePlan, brand: Brand) -> TableName {
    let is_default = table.namespace == brand.dialect().default_namespace;
    TableName {
        namespace: table.namespace.clone().filter(|_| !is_default),
        name: table.name.clone(),
    }
}

/// A planned table and the table that is there.
struct Found<'a> {
    brand: Brand,
    plan: &'a TablePlan,
    live: &'a Table,
}

/// The tables of a plan, in its order, with those that are there. Schemas have thousands: each is
/// looked up, not looked for.
fn find_tables<'a>(plan: &'a Plan, live: &'a Schema) -> Result<Vec<Found<'a>>, Mismatch> {
    let live: BTreeMap<(&Option<String>, &str), &Table> =
        live.tables.iter().map(|t| ((&t.name.namespace, t.name.name.as_str()), t)).collect();
    let find = |table: &'a TablePlan| {
        let by = |namespace| live.get(&(namespace, table.name.as_str())).copied();
        let live = by(&live_name(table, plan.brand).namespace).or_else(|| by(&None));
        let live = live.ok_or_else(|| Mismatch::NoTable { table: table.object_table.clone() })?;
        Ok(Found { brand: plan.brand, plan: table, live })
    };
    plan.tables.iter().map(find).collect()
}

impl Found<'_> {
    fn column(
        &self,
        name: &str,
        logical_type: LogicalType,
        policy: &'static str,
    ) -> Result<TargetColumn, Mismatch> {
        let live = self.live.column(name).ok_or_else(|| Mismatch::NoColumn {
            table: self.plan.object_table.clone(),
            column: name.to_owned(),
        })?;
        Ok(TargetColumn {
            name: name.to_owned(),
            logical_type,
            native_type: live.stored_as().to_owned(),
            storage: Storage::of(self.brand, live.stored_as()),
            is_identity: live.is_identity,
            is_nullable: live.is_nullable,
            policy,
        })
    }

    /// Every column outside the key that can be written.
    fn columns(&self, key: &[TargetColumn]) -> Result<BTreeMap<String, TargetColumn>, Mismatch> {
        let mut columns = BTreeMap::new();
        for captured in &self.plan.row {
            let is_here = self.live.column(&captured.name).is_some();
            if is_here && key.iter().all(|key| key.name != captured.name) {
                let (logical_type, policy) = (captured.logical_type, captured.policy);
                let target = self.column(&captured.name, logical_type, policy)?;
                columns.insert(captured.name.clone(), target);
            }
        }
        // An ignored column is not captured, but an application's own change may carry it; of one
        // that is on its way out, changes may still be on their way in.
        for left_out in self.plan.left_out.iter().filter(|column| is_optional(column.why)) {
            if let Some(live) = self.live.column(&left_out.name)
                && let Some(logical_type) = live.logical_type
            {
                let target = self.column(&left_out.name, logical_type, left_out.why)?;
                columns.insert(left_out.name.clone(), target);
            }
        }
        Ok(columns)
    }
}

/// Whether a column that is not captured may be written where it is there.
fn is_optional(why: &str) -> bool {
    why == "ignore" || why == DROPPED
}

fn target(found: &Found<'_>) -> Result<Target, Mismatch> {
    let (plan, live_table) = (found.plan, found.live);
    let key = plan.key.iter().map(|c| found.column(&c.name, c.logical_type, c.policy));
    let key: Vec<TargetColumn> = key.collect::<Result<_, _>>()?;
    let columns = found.columns(&key)?;
    let key_names: Vec<&String> = key.iter().map(|column| &column.name).collect();
    let mut unique_keys = live_table.unique_keys.clone();
    unique_keys.push(live_table.primary_key.clone());
    unique_keys.retain(|unique| !unique.is_empty() && !unique.iter().eq(key_names.iter().copied()));
    let mut bound_columns: Vec<String> = unique_keys.iter().flatten().cloned().collect();
    bound_columns
        .extend(live_table.foreign_keys.iter().flat_map(|key| key.columns.iter().cloned()));
    let names_left_out = |is_wanted: fn(&str) -> bool| {
        let left_out = plan.left_out.iter().filter(|column| is_wanted(column.why));
        left_out.map(|column| column.name.clone()).collect()
    };
    let is_awaited = |name: &&String| live_table.column(name).is_none();
    Ok(Target {
        object_table: plan.object_table.clone(),
        namespace: plan.namespace.clone(),
        name: plan.name.clone(),
        key,
        columns,
        forbidden: names_left_out(|why| !is_optional(why)),
        dropped: names_left_out(|why| why == DROPPED),
        awaited: plan.row.iter().map(|c| &c.name).filter(is_awaited).cloned().collect(),
        is_record_level: plan.is_record_level,
        settles_collisions: plan.settles_collisions,
        bound_columns,
        unique_keys,
        refers_to_itself: live_table
            .foreign_keys
            .iter()
            .any(|key| key.references == live_table.name),
        component: 0,
        parents: Vec::new(),
        references: Vec::new(),
        circular: Vec::new(),
        has_guid: plan.has_guid,
    })
}

/// Notes which tables refer to which, by the foreign keys that are there.
fn tie(tables: &mut [Target], found: &[Found<'_>]) {
    let names =
        found.iter().enumerate().map(|(index, one)| (live_name(one.plan, one.brand), index));
    let names: BTreeMap<TableName, usize> = names.collect();
    for (child, one) in found.iter().enumerate() {
        for key in &one.live.foreign_keys {
            let Some(&parent) = names.get(&key.references) else { continue };
            if parent != child {
                tables[child].parents.push(parent);
            }
            tables[parent].references.push(Reference {
                child,
                columns: key.columns.clone(),
                referenced: key.referenced_columns.clone(),
                on_delete: key.on_delete,
                on_update: key.on_update,
            });
        }
    }
}

/// Gives tables that are tied by references one number.
fn name_components(tables: &mut [Target]) {
    for (index, table) in tables.iter_mut().enumerate() {
        table.component = index;
    }
    // Each round pulls every pair of parent and child to the smaller number, until none is left.
    let mut is_settled = false;
    while !is_settled {
        is_settled = true;
        for child in 0..tables.len() {
            for at in 0..tables[child].parents.len() {
                let parent = tables[child].parents[at];
                let smaller = tables[child].component.min(tables[parent].component);
                for table in [child, parent] {
                    is_settled &= tables[table].component == smaller;
                    tables[table].component = smaller;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Source;
    use crate::{config, plan, schema};

    const CONFIG: &str = "\
database: shop
schema: { dialect: postgres, files: [schema.sql] }
nodes: { centre: { url: 'postgres://app@localhost/shop' } }
tables: { note: follow, archive.note: follow, tag: follow }
";
    const DDL: &str = "\
CREATE TABLE note (id bigint PRIMARY KEY, body text, parent bigint REFERENCES note (id));
CREATE TABLE archive.note (id bigint PRIMARY KEY, year integer);
CREATE TABLE tag (id bigint PRIMARY KEY, note bigint REFERENCES note (id));
";

    #[test]
    fn tables_of_one_name_in_two_namespaces_are_told_apart_and_tied_by_their_own_keys() {
        let config = config::parse("outrigger.yaml", CONFIG, &BTreeMap::new()).unwrap();
        let source = Source { path: "schema.sql", text: DDL };
        let live = schema::parse(&[source], Brand::Postgres).unwrap().schema;
        let plan = plan::plan(&config, &live, Brand::Postgres).unwrap();
        let targets = Targets::new(&plan, &live).unwrap();
        let table = |name: &str| &targets.tables[targets.find(name).unwrap()];
        let columns =
            |name: &str| table(name).columns.keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(columns("note"), ["body", "parent"]);
        assert_eq!(columns("archive.note"), ["year"]);
        let (note, tag) = (targets.find("note").unwrap(), targets.find("tag").unwrap());
        let referring: Vec<usize> = table("note").references.iter().map(|one| one.child).collect();
        assert_eq!(referring, [note, tag]);
        assert_eq!(
            (table("tag").parents.as_slice(), table("note").parents.as_slice()),
            (&[note][..], &[][..])
        );
        assert_eq!(table("note").circular.iter().map(|one| one.parent).collect::<Vec<_>>(), [note]);
        assert_eq!(table("note").component, table("tag").component);
        assert_ne!(table("note").component, table("archive.note").component);
        assert!(table("archive.note").references.is_empty() && table("tag").circular.is_empty());
    }
}
