//! What two schemas have in common, and a configuration that asks for no more.

use std::collections::{BTreeMap, BTreeSet};

use super::Renames;
use crate::config::{Config, Policy, TableChoice, TableOptions, TableRule};
use crate::model::{Schema, Table};

/// The old schema without what is gone in the end: columns and tables by their old names.
pub(super) fn schema(
    old: &Schema,
    gone: &BTreeMap<String, BTreeSet<String>>,
    absent: &BTreeSet<String>,
) -> Schema {
    let mut tables = old.tables.clone();
    tables.retain(|table| !absent.contains(&table.name.to_string()));
    let none = BTreeSet::new();
    let of = |name: String| gone.get(&name).unwrap_or(&none);
    for table in &mut tables {
        let own = of(table.name.to_string());
        let stays = |names: &Vec<String>| names.iter().all(|name| !own.contains(name));
        table.columns.retain(|column| !own.contains(&column.name));
        table.unique_keys.retain(stays);
        table.foreign_keys.retain(|key| {
            let theirs = of(key.references.to_string());
            stays(&key.columns) && key.referenced_columns.iter().all(|name| !theirs.contains(name))
        });
        if !stays(&table.primary_key) {
            table.primary_key.clear();
        }
    }
    Schema { tables }
}

/// The configuration with a rule for each table of an older schema: under the old names, and
/// without what names columns that are not there yet.
pub(super) fn config_for(config: &Config, old: &Schema, renames: &Renames) -> Config {
    let mut rules = Vec::with_capacity(old.tables.len());
    for table in &old.tables {
        let name = table.name.to_string();
        let new = renames.new_table(&name);
        let new_name = if new == name { table.name.clone() } else { parse(new) };
        let choice = match config.options_for(&new_name) {
            Some(options) => TableChoice::Follow(trimmed(options, table, new, renames)),
            None => TableChoice::Skip,
        };
        rules.push(TableRule { pattern: name, choice, line: 1, column: 1 });
    }
    Config { tables: rules, ..config.clone() }
}

/// `name` or `namespace.name`.
fn parse(name: &str) -> crate::model::TableName {
    match name.split_once('.') {
        Some((namespace, name)) => {
            crate::model::TableName { namespace: Some(namespace.to_owned()), name: name.to_owned() }
        }
        None => crate::model::TableName::plain(name),
    }
}

fn trimmed(
    options: &TableOptions,
    table: &Table,
    new_table: &str,
    renames: &Renames,
) -> TableOptions {
    let old = |name: &String| renames.old_column(new_table, name).to_owned();
    let is_here = |name: &String| table.column(name).is_some();
    let one = |name: &Option<String>| name.as_ref().map(old).filter(is_here);
    let key: Vec<String> = options.key.iter().map(old).collect();
    let columns = options.columns.iter().map(|(name, policy)| (old(name), *policy));
    TableOptions {
        key: if key.iter().all(is_here) { key } else { Vec::new() },
        last_update: one(&options.last_update),
        updated_by_user: one(&options.updated_by_user),
        updated_by_server: one(&options.updated_by_server),
        columns: columns
            .filter(|(name, policy)| is_here(name) || *policy == Policy::Dropped)
            .collect(),
        ..options.clone()
    }
}
