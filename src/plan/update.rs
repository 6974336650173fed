//! The triggers of single columns, on a brand that compiles into a statement only the triggers of
//! the columns which the statement names.

use serde::Serialize;

use super::capture::{CapturedColumn, LeftOut};
use super::names::column_object_name;
use crate::dialect::Brand;
use crate::model::{Table, TableName};

/// What records the updates of one table, column by column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpdatePlan {
    /// What a statement can name that changes the key; empty: whatever it names.
    pub key_names: Vec<String>,
    /// The columns outside the key, those of [`super::TablePlan::columns`] first.
    pub columns: Vec<ColumnUpdate>,
    /// The triggers that columns have which are not captured, or no longer: one that stayed when
    /// its column goes would refuse that.
    pub stale_triggers: Vec<String>,
}

/// What records the updates of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnUpdate {
    /// The column.
    pub column: CapturedColumn,
    /// What a statement can name that changes it.
    pub names: Vec<String>,
    /// Its trigger.
    pub trigger: String,
    /// Whether it is the last-update, user or server column, whose change alone is one of its own.
    pub is_metadata: bool,
}

/// Plans the triggers of `columns`, the metadata last; `None` where the brand has one for all.
pub(super) fn plan_updates(
    table: &Table,
    key: &[CapturedColumn],
    columns: [&[CapturedColumn]; 2],
    left_out: &[LeftOut],
    brand: Brand,
) -> Option<UpdatePlan> {
    if !brand.dialect().can.compile_triggers_of_columns {
        return None;
    }
    let generated =
        |name: &str| table.columns.iter().any(|column| column.name == name && column.is_generated);
    let names = |name: &str| names(table, name, brand);
    let key_names = if key.iter().any(|column| generated(&column.name)) {
        // It changes with the columns that it is computed of.
        Vec::new()
    } else {
        key.iter().flat_map(|column| names(&column.name)).collect()
    };
    let one = |is_metadata| {
        move |column: &CapturedColumn| ColumnUpdate {
            column: column.clone(),
            names: names(&column.name),
            trigger: trigger_name(brand, &table.name, &column.name),
            is_metadata,
        }
    };
    let [columns, metadata] = columns;
    let columns = columns.iter().map(one(false)).chain(metadata.iter().map(one(true))).collect();
    let stale = left_out.iter().map(|column| trigger_name(brand, &table.name, &column.name));
    Some(UpdatePlan { key_names, columns, stale_triggers: stale.collect() })
}

/// The names by which a statement can write a column: the only column of a primary key may be the
/// row's number, which has names of its own.
fn names(table: &Table, column: &str, brand: Brand) -> Vec<String> {
    let mut names = vec![column.to_owned()];
    if table.primary_key == [column] {
        names.extend(brand.dialect().row_number_names.iter().cloned());
    }
    names
}

fn trigger_name(brand: Brand, table: &TableName, column: &str) -> String {
    column_object_name(brand, "capture_column", table, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(table: &str, column: &str) -> String {
        trigger_name(Brand::Sqlite, &TableName::plain(table), column)
    }

    #[test]
    fn columns_of_tables_have_triggers_of_their_own() {
        assert_eq!(trigger("orders", "amount"), "ds_capture_column_orders__amount");
        for (one, other) in [(("a__b", "c"), ("a", "b__c")), (("a_", "b"), ("a", "_b"))] {
            assert_ne!(trigger(one.0, one.1), trigger(other.0, other.1));
        }
    }
}
