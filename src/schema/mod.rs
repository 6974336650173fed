//! Readers into the model's schema, from DDL text or introspected rows, and findings about it.
