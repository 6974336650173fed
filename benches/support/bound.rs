//! Statements with a key and a number, bound in the order in which a brand wants them.

use outrigger::dialect::Brand;
use outrigger::model::Value;

use crate::sql::section;

/// A statement's `{key}` and `{number}` as the brand's parameters, and how values are bound to it.
pub(crate) struct Bound {
    /// The statement.
    pub(crate) sql: String,
    /// For each parameter, whether it is the key.
    is_key: Vec<bool>,
}

impl Bound {
    /// The one statement of a section.
    pub(crate) fn new(brand: Brand, name: &str) -> Self {
        let mut sql = section(brand, name).swap_remove(0);
        let mut is_key = Vec::new();
        while let Some(at) = ["{key}", "{number}"].iter().filter_map(|mark| sql.find(mark)).min() {
            let end = at + sql[at..].find('}').expect("a mark ends") + 1;
            is_key.push(&sql[at..end] == "{key}");
            sql.replace_range(at..end, &brand.dialect().parameter(is_key.len()));
        }
        Self { sql, is_key }
    }

    /// The values of one row.
    pub(crate) fn values(&self, row: usize) -> Vec<Value> {
        let number = Value::Integer(i64::try_from(row % 100).unwrap_or(0));
        let value = |is_key: &bool| {
            if *is_key { Value::Text(format!("ord{row:07}")) } else { number.clone() }
        };
        self.is_key.iter().map(value).collect()
    }
}
