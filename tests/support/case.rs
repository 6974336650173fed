//! A case: a folder with a configuration, a schema, and one snapshot per brand.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use outrigger::config::{self, Config, SchemaSource};
use outrigger::dialect::Brand;
use outrigger::model::Schema;
use outrigger::plan::{self, Plan};
use outrigger::render::{self, Script, ScriptKind, Templates};
use outrigger::schema::{self, Source};

/// A folder of `tests/cases`.
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// Its `outrigger.yaml`.
    pub config: Config,
    /// The brand whose DDL `schema.sql` is.
    pub brand: Brand,
    /// The text of `schema.sql`.
    pub ddl: String,
    /// What was read from it.
    pub schema: Schema,
}

/// The case whose snapshots show the control tables.
const CONTROL_CASE: &str = "sales_order";

/// The case whose names have lines, remarks and ends of statements in them.
const HOSTILE_CASE: &str = "hostile_names";

/// Where the cases are.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// Every case, sorted by name.
pub fn cases() -> Vec<Case> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let cases: Vec<Case> = folders.into_iter().map(Case::read).collect();
    assert!(!cases.is_empty(), "there are no cases");
    cases
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(folder.join("outrigger.yaml")).unwrap();
        let config = config::parse("outrigger.yaml", &text, &BTreeMap::new())
            .unwrap_or_else(|error| panic!("{name}: {}", chain(&error)));
        let SchemaSource::Files { dialect, .. } = config.schema else {
            panic!("{name}: a case reads its schema from schema.sql")
        };
        let ddl = std::fs::read_to_string(folder.join("schema.sql")).unwrap();
        let source = Source { path: "schema.sql", text: &ddl };
        let reading = schema::parse(&[source], dialect)
            .unwrap_or_else(|error| panic!("{name}: {}", chain(&error)));
        let unread: Vec<_> = reading.skipped.iter().filter(|one| one.reason.is_some()).collect();
        assert!(unread.is_empty(), "{name}: {unread:?}");
        Self { name, folder, config, brand: dialect, ddl, schema: reading.schema }
    }

    /// What shall exist on a node of `brand`.
    pub fn plan(&self, brand: Brand) -> Result<Plan, plan::Error> {
        plan::plan(&self.config, &self.schema, brand)
    }

    /// The scripts of `brand`; none where the case cannot be planned for it.
    pub fn scripts(&self, brand: Brand) -> Option<Vec<Script>> {
        let plan = self.plan(brand).ok()?;
        let scripts = render::scripts(&plan, &Templates::embedded(brand));
        Some(scripts.unwrap_or_else(|error| panic!("{}: {}", self.name, chain(&error))))
    }

    /// Every file of `brand` as one text, or why there are none. What every node has is shown in
    /// one case only, and named by its checksum in the others.
    pub fn rendered(&self, brand: Brand) -> String {
        if let Err(error) = self.plan(brand) {
            return format!("error: {}\n", chain(&error));
        }
        let scripts = self.scripts(brand).expect("what can be planned can be rendered");
        let mut text = String::new();
        let mut write = |title: &str, script: &Script, file: &str| {
            if self.name != CONTROL_CASE && script.kind == ScriptKind::Control {
                writeln!(text, "-- {title}: {} --", script.checksum).unwrap();
            } else {
                writeln!(text, "-- {title} --\n{file}").unwrap();
            }
        };
        for script in &scripts {
            write(&script.name, script, &script.text);
        }
        for script in scripts.iter().rev() {
            write(&format!("removal of {}", script.name), script, &script.removal_text);
        }
        text.replace(concat!("outrigger ", env!("CARGO_PKG_VERSION")), "outrigger <version>")
    }

    /// The statements that make the application's tables on a database of `brand`: the case's own
    /// where it is in that brand's DDL, else translated from the model.
    pub fn tables(&self, brand: Brand) -> Vec<String> {
        if brand == self.brand && self.name != HOSTILE_CASE {
            return own_statements(&self.ddl, brand);
        }
        let mut statements = Vec::new();
        if brand.dialect().default_namespace.is_some() {
            let mut namespaces: Vec<&String> =
                self.schema.tables.iter().filter_map(|one| one.name.namespace.as_ref()).collect();
            namespaces.sort();
            namespaces.dedup();
            let create = |name: &&String| format!("CREATE SCHEMA {}", brand.dialect().ident(name));
            statements.extend(namespaces.iter().map(create));
        }
        statements.extend(self.schema.tables.iter().map(|table| translated(table, brand)));
        statements
    }
}

/// The statements of a script, at semicolons and lines of `GO`; the cases' DDL has neither
/// inside a statement.
fn own_statements(ddl: &str, brand: Brand) -> Vec<String> {
    let is_remark = |line: &&str| !line.trim_start().starts_with("--");
    let lines: Vec<&str> = ddl.lines().filter(is_remark).collect();
    let text = lines.join("\n");
    let mut statements = Vec::new();
    for batch in text.split("\nGO") {
        match brand {
            Brand::SqlServer => statements.push(batch),
            Brand::Postgres | Brand::Sqlite | Brand::Mysql => statements.extend(batch.split(";\n")),
        }
    }
    let not_blank = |text: &&&str| !text.trim().is_empty();
    statements.iter().filter(not_blank).map(|text| text.trim().to_owned()).collect()
}

/// `CREATE TABLE` of a model's table in a brand's DDL: names, types, keys and NOT NULL, which is
/// all that capture looks at.
fn translated(table: &outrigger::model::Table, brand: Brand) -> String {
    let dialect = brand.dialect();
    let (namespace, name) = plan::physical_name(&table.name, brand);
    let qualified = namespace.iter().chain([&name]).map(|part| dialect.ident(part));
    let mut lines: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let logical = column.logical_type.expect("the cases' types are mapped");
            let declared = dialect.mapping(logical).declare.clone();
            let (first, second) = arguments(&column.native_type);
            let declared = declared
                .replace("{length}", &first.clone().unwrap_or_else(|| "200".into()))
                .replace("{precision}", &first.unwrap_or_else(|| "18".into()))
                .replace("{scale}", &second.unwrap_or_else(|| "0".into()));
            let is_key = table.primary_key.contains(&column.name);
            let required = if is_key || !column.is_nullable { " NOT NULL" } else { " NULL" };
            format!("    {} {declared}{required}", dialect.ident(&column.name))
        })
        .collect();
    let keys: Vec<String> = table.primary_key.iter().map(|name| dialect.ident(name)).collect();
    lines.push(format!("    PRIMARY KEY ({})", keys.join(", ")));
    let qualified: Vec<String> = qualified.collect();
    format!("CREATE TABLE {} (\n{}\n)", qualified.join("."), lines.join(",\n"))
}

/// `numeric(12,2)` has `12` and `2`.
fn arguments(native: &str) -> (Option<String>, Option<String>) {
    let inside = native.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let mut parts = inside.map(|(inside, _)| inside.split(',')).into_iter().flatten();
    let mut next = || parts.next().map(|part| part.trim().to_owned());
    (next(), next())
}

/// An error and its causes, as the command prints them.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, "\ncaused by: {error}").unwrap();
        cause = error.source();
    }
    text
}
