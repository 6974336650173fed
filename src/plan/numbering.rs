//! Keys that the database numbers, so that no two nodes give one number to two rows.

use serde::Serialize;

use super::capture::physical_name;
use super::names::object_name;
use crate::config::{Config, TableChoice};
use crate::model::{CONTROL_TABLES, NodeId, Schema, Table};

/// The smallest step: nodes come later, and a step that is in use cannot grow.
const STEP_MIN: u64 = 10;

/// How a node numbers the key of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Numbering {
    /// What `object_table` holds.
    pub object_table: String,
    /// The table's namespace; `None` where the brand has none.
    pub namespace: Option<String>,
    /// The table's name on the node's brand.
    pub name: String,
    /// Namespace and name, quoted, as one text.
    pub qualified: String,
    /// The numbered key column.
    pub column: String,
    /// The node's first number, from 1.
    pub offset: u64,
    /// From one number to the node's next one.
    pub step: u64,
    /// The name of a sequence, for a brand that needs one of its own.
    pub sequence: String,
    /// Namespace and name of that sequence, quoted, as one text.
    pub qualified_sequence: String,
}

/// How a node numbers the keys that its database numbers; none where it is the only one that
/// writes, or does not write.
///
/// A node's first number is its place among the writing nodes in the file: a node that is added
/// at the end moves no other.
#[must_use]
pub fn number_keys(config: &Config, schema: &Schema, node: &NodeId) -> Vec<Numbering> {
    let mut writers: Vec<_> = config.nodes.iter().filter(|(id, _)| config.sends(id)).collect();
    writers.sort_by_key(|(_, node)| node.place);
    let place = writers.iter().position(|(id, _)| *id == node);
    let (Some(place), true) = (place, writers.len() > 1) else { return Vec::new() };
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let mut step = STEP_MIN;
    while step < count(writers.len()).saturating_mul(2) {
        step = step.saturating_mul(10);
    }
    let brand = config.nodes[node].brand;
    let dialect = brand.dialect();
    let numbering = |table: &Table| {
        let rule = config.rule_for(&table.name)?;
        let TableChoice::Follow(options) = &rule.choice else { return None };
        let is_own = options.key.is_empty() || options.guid.is_some();
        let key = if is_own { &table.primary_key } else { &options.key };
        let mut columns = key.iter().filter_map(|name| table.column(name));
        let column = columns.find(|column| column.is_identity)?;
        let (namespace, name) = physical_name(&table.name, brand);
        let quoted = |name: &str| {
            let parts: Vec<String> = namespace
                .iter()
                .map(String::as_str)
                .chain([name])
                .map(|n| dialect.ident(n))
                .collect();
            parts.join(".")
        };
        let sequence = object_name(brand, "key", &table.name);
        Some(Numbering {
            object_table: table.name.to_string(),
            qualified: quoted(&name),
            qualified_sequence: quoted(&sequence),
            namespace: namespace.clone(),
            name,
            column: column.name.clone(),
            offset: count(place) + 1,
            step,
            sequence,
        })
    };
    let is_own = |table: &&Table| CONTROL_TABLES.contains(&table.name.name.as_str());
    schema.tables.iter().filter(|table| !is_own(table)).filter_map(numbering).collect()
}
