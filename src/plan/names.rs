//! Deterministic names of generated objects, within a brand's longest name.

use sha2::{Digest as _, Sha256};

use crate::dialect::{Brand, LengthUnit};
use crate::model::TableName;

/// Hexadecimal digits of the hash that ends an over-long name.
const HASH_DIGITS: usize = 8;

/// `ds_<role>_<table>`, or a readable stem and 8 hexadecimal digits of a hash where that is too
/// long. A table outside the default namespace brings its namespace; names that would collide
/// after joining (`a_b.c` and `a.b_c`) get the hash too.
pub(super) fn object_name(brand: Brand, role: &str, table: &TableName) -> String {
    let joined = joined(role, table);
    let identity = format!("{role}\0{}\0{}", table.namespace.as_deref().unwrap_or(""), table.name);
    named(brand, joined, &identity, table.namespace.is_some())
}

/// `ds_<role>_<table>__<column>`, in the same way: also with the hash where another table and
/// column could be joined to the same name.
pub(super) fn column_object_name(
    brand: Brand,
    role: &str,
    table: &TableName,
    column: &str,
) -> String {
    let namespace = table.namespace.as_deref().unwrap_or("");
    let identity = format!("{role}\0{namespace}\0{}\0{column}", table.name);
    let is_ambiguous = table.namespace.is_some()
        || table.name.contains("__")
        || column.contains("__")
        || table.name.ends_with('_')
        || column.starts_with('_');
    named(brand, format!("{}__{column}", joined(role, table)), &identity, is_ambiguous)
}

fn joined(role: &str, table: &TableName) -> String {
    match &table.namespace {
        Some(namespace) => format!("ds_{role}_{namespace}_{}", table.name),
        None => format!("ds_{role}_{}", table.name),
    }
}

fn named(brand: Brand, joined: String, identity: &str, is_ambiguous: bool) -> String {
    if !is_ambiguous && brand.dialect().fits(&joined) {
        return joined;
    }
    let hash: String = hex(&Sha256::digest(identity.as_bytes()));
    let identifier = &brand.dialect().identifier;
    let room = identifier.max_length - HASH_DIGITS - 1;
    let mut stem = String::new();
    for letter in joined.chars() {
        let length = match identifier.max_unit {
            LengthUnit::Bytes => stem.len() + letter.len_utf8(),
            LengthUnit::Characters => stem.chars().count() + 1,
        };
        if length > room {
            break;
        }
        stem.push(letter);
    }
    format!("{stem}_{}", &hash[..HASH_DIGITS])
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::object_name;
    use crate::dialect::Brand;
    use crate::model::TableName;

    #[test]
    fn short_names_stay_readable() {
        let name = object_name(Brand::Postgres, "capture_update", &TableName::plain("order"));
        assert_eq!(name, "ds_capture_update_order");
    }

    #[test]
    fn long_names_fit_every_brand_and_stay_apart() {
        for brand in Brand::ALL {
            for length in [63, 64, 128] {
                let one = TableName::plain(&"ö".repeat(length));
                let two = TableName::plain(&format!("{}x", "ö".repeat(length)));
                let (one, two) = (
                    object_name(brand, "capture_update", &one),
                    object_name(brand, "capture_update", &two),
                );
                assert!(brand.dialect().fits(&one), "{brand}: {one}");
                assert_ne!(one, two, "{brand}");
            }
        }
    }

    #[test]
    fn namespaces_do_not_collide_when_joined() {
        let one = TableName { namespace: Some("a_b".into()), name: "c".into() };
        let two = TableName { namespace: Some("a".into()), name: "b_c".into() };
        assert_ne!(
            object_name(Brand::Postgres, "capture_insert", &one),
            object_name(Brand::Postgres, "capture_insert", &two)
        );
    }
}
