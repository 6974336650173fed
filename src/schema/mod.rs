//! Readers into the model's schema, from DDL text or introspected rows, and findings about it.

/// temporary
pub fn hash(schema: &crate::model::Schema) -> String {
    format!("{}", schema.tables.len())
}
