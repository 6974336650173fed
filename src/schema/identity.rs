//! The schema as it is when tables that are followed by a GUID have their column.

use std::borrow::Cow;

use crate::config::{Config, Guid};
use crate::dialect::Brand;
use crate::model::{Column, LogicalType, Schema, Table};

/// The schema with the columns that Outrigger adds, each unique, as if it had none of them yet:
/// what is planned is the same before and after they are installed. A column of the application
/// that takes their place counts as a UUID where its type can hold one.
#[must_use]
pub fn identified<'a>(config: &Config, schema: &'a Schema) -> Cow<'a, Schema> {
    let guid_of = |table: &Table| config.options_for(&table.name)?.guid.as_ref();
    if schema.tables.iter().all(|table| guid_of(table).is_none()) {
        return Cow::Borrowed(schema);
    }
    let mut schema = schema.clone();
    for table in &mut schema.tables {
        let guid = config.options_for(&table.name).and_then(|options| options.guid.as_ref());
        if let Some(guid) = guid {
            identify(table, guid, config.schema_brand());
        }
    }
    Cow::Owned(schema)
}

fn identify(table: &mut Table, guid: &Guid, brand: Brand) {
    let dialect = brand.dialect();
    if !guid.is_ours() {
        let column = table.columns.iter_mut().find(|column| column.name == guid.column);
        if let Some(column) = column
            && column.logical_type.is_some_and(|has| dialect.holds(has, LogicalType::Uuid))
        {
            column.logical_type = Some(LogicalType::Uuid);
        }
        return;
    }
    let unique = vec![guid.column.clone()];
    table.columns.retain(|column| column.name != guid.column);
    table.unique_keys.retain(|key| *key != unique);
    table.columns.push(Column {
        name: guid.column.clone(),
        native_type: dialect.mapping(LogicalType::Uuid).declare.clone(),
        base_type: None,
        logical_type: Some(LogicalType::Uuid),
        is_nullable: false,
        default: None,
        is_identity: false,
        is_generated: false,
        location: None,
    });
    table.unique_keys.push(unique);
    table.unique_keys.sort();
}
