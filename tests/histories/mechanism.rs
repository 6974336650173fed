//! Mechanisms that can be taken out of the statements of all three brands.

use std::collections::BTreeMap;

use outrigger::dialect::Brand;

/// What is taken out, to see that the histories fail without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// Triggers take imports for changes of the application.
    Marker,
    /// Nobody remembers how new a value is.
    Versions,
    /// What commits late is not looked for: the highest id is all that counts.
    LateCommits,
}

/// By brand, the user's own templates.
pub(crate) type Overrides = BTreeMap<Brand, BTreeMap<String, String>>;

type Edit = (Brand, &'static str, &'static str, &'static str);

impl Mechanism {
    /// Template, what stands there, what stands there instead.
    fn edits(self) -> &'static [Edit] {
        match self {
            Self::Marker => &[
                (
                    Brand::Sqlite,
                    "enter_import",
                    "VALUES (:{origin})",
                    "SELECT :{origin} WHERE false",
                ),
                (Brand::Postgres, "enter_import", "'outrigger.origin'", "'outrigger.nothing'"),
                (Brand::Mysql, "enter_import", "@outrigger_origin", "@outrigger_nothing"),
            ],
            Self::Versions => &[
                (Brand::Sqlite, "read_versions", "c.object_id = v.object_id", "false"),
                (Brand::Postgres, "read_versions", "USING (object_table, object_id)", "ON false"),
                (Brand::Mysql, "read_versions", "CAST(v.object_id AS BINARY)", "''"),
            ],
            Self::LateCommits => &[
                (
                    Brand::Postgres,
                    "window_open",
                    "NOT pg_visible_in_snapshot(o.transaction_id::text::xid8, :{watermark}::pg_snapshot)\n          ELSE",
                    "o.id > :{pointer}\n          ELSE",
                ),
                (
                    Brand::Mysql,
                    "window_fetch",
                    "AS o ON o.id = w.id",
                    "AS o ON o.id = w.id AND o.id > :{pointer}",
                ),
            ],
        }
    }

    /// The templates without the mechanism.
    pub(crate) fn overrides(self) -> Overrides {
        let mut overrides = Overrides::new();
        for (brand, name, old, new) in self.edits() {
            let root = env!("CARGO_MANIFEST_DIR");
            let path = format!("{root}/templates/{}/run/{name}.sql.tera", brand.name());
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text.matches(old).count(), 1, "{path} has not once {old}");
            let texts = overrides.entry(*brand).or_default();
            texts.insert(format!("run/{name}"), text.replace(old, new));
        }
        overrides
    }
}
