//! What holds for every dialect file.

use std::collections::BTreeSet;

use outrigger::dialect::{Brand, Dialect};
use outrigger::model::LogicalType;
use serde_yaml::Value;

#[test]
fn every_dialect_file_parses_and_is_its_brands() {
    for brand in Brand::ALL {
        let dialect = Dialect::parse(brand.source()).unwrap();
        assert_eq!(dialect.brand, brand);
        let schemes = &dialect.url_schemes;
        assert!(
            schemes.iter().all(|scheme| Brand::from_url(&format!("{scheme}:x")) == Some(brand))
        );
        assert!(dialect.aliases.iter().all(|alias| Brand::from_name(alias) == Some(brand)));
    }
}

#[test]
fn every_dialect_file_has_every_key() {
    let keys = Brand::ALL.map(|brand| {
        let mut found = BTreeSet::new();
        paths(&serde_yaml::from_str(brand.source()).unwrap(), "", &mut found);
        (brand, found)
    });
    for (brand, found) in &keys {
        let difference: Vec<_> = found.symmetric_difference(&keys[0].1).collect();
        assert!(difference.is_empty(), "{brand} and {}: {difference:?}", keys[0].0);
    }
}

fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Value::Mapping(mapping) = value {
        for (key, value) in mapping {
            let path = format!("{path}/{}", key.as_str().unwrap());
            paths(value, &path, found);
            // What a type's own columns keep is listed by the types that a brand has, and a brand
            // without a signal, or whose server is not asked, has no parts of that.
            let is_listed = |key: &&str| path.contains(key);
            if ![
                "/fits/",
                "/refused/",
                "/signal/",
                "/at_work/",
                "/verbatim/shown_in",
                "/verbatim/cast_as",
            ]
            .iter()
            .any(is_listed)
            {
                found.insert(path);
            }
        }
    }
}

#[test]
fn every_logical_type_is_mapped_and_written() {
    for brand in Brand::ALL {
        for logical in LogicalType::ALL {
            let mapping = brand.dialect().types.get(&logical);
            let mapping = mapping.unwrap_or_else(|| panic!("{brand} has no {logical}"));
            let at = format!("{brand} {logical}");
            // Only MySQL names a type so; Postgres' own enums are recognised by their catalogue.
            let may_be_none = [LogicalType::Enum, LogicalType::Verbatim].contains(&logical);
            assert!(!mapping.native.is_empty() || may_be_none, "{at}");
            assert!(mapping.to_text.contains("{}"), "{at}");
            assert!(mapping.from_text.contains("{}"), "{at}");
            assert!(mapping.differs.contains("{old}") && mapping.differs.contains("{new}"), "{at}");
            for limit in &mapping.limits {
                let is_said = limit.starts_with("lossy: ") || limit.starts_with("refused: ");
                assert!(is_said, "{at}: {limit}");
            }
        }
    }
}

/// What is refused is not mapped as well, and no type is refused twice.
#[test]
fn refused_types_are_not_mapped() {
    for brand in Brand::ALL {
        let mut seen = BTreeSet::new();
        for native in brand.dialect().refused.values().flatten() {
            assert!(seen.insert(native), "{brand}: {native}");
            assert_eq!(brand.dialect().logical_type(native), None, "{brand}: {native}");
        }
    }
}

/// One native type has one meaning, and every one that is listed is found again.
#[test]
fn native_types_mean_one_thing() {
    for brand in Brand::ALL {
        for logical in LogicalType::ALL {
            for native in &brand.dialect().mapping(logical).native {
                let found = brand.dialect().logical_type(native);
                assert_eq!(found, Some(logical), "{brand}: {native}");
            }
        }
    }
}

#[test]
fn error_codes_have_one_meaning() {
    for brand in Brand::ALL {
        let faults = &brand.dialect().faults;
        let kinds = [&faults.transient, &faults.conflict, &faults.denied, &faults.gone];
        let mut seen = BTreeSet::new();
        for code in kinds.into_iter().flatten() {
            assert!(seen.insert(code), "{brand}: {code}");
        }
        assert!(faults.reference.iter().all(|code| faults.conflict.contains(code)), "{brand}");
    }
}
