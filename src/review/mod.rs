//! The report for the person who signs: what is recorded when, the exact SQL, what it takes.
//!
//! Pure: configuration, schema and what somebody saw on a node in, text out.

mod cost;
mod example;
mod flow;
mod highlight;
mod sample;

use std::collections::BTreeMap;

use serde::Serialize;

pub use cost::Cost;
pub use example::{Cell, Example, NOW, USER, examples};
pub use flow::Flow;
pub use highlight::{Piece, highlight};
pub use sample::value_of as sample;

use crate::config::Config;
use crate::dialect::{Brand, LockFact};
use crate::plan::{self, LeftOut, Plan, TablePlan};
use crate::render::{self, Form, Object, Script, ScriptKind, Templates, document};
use crate::schema::Reading;
use crate::schema::check::{Finding, Severity, check};

/// The name of the report's templates.
const TEMPLATE: &str = "review/report";

/// What the report says; its fields are what the templates see.
#[derive(Debug, Serialize)]
pub struct Report {
    version: &'static str,
    database: String,
    schema_hash: String,
    config_hash: String,
    flow: Flow,
    routes: Vec<RouteLine>,
    /// Errors and warnings.
    serious: Vec<Finding>,
    informing: Vec<Finding>,
    brands: Vec<BrandReport>,
    installed: Vec<Installed>,
}

#[derive(Debug, Serialize)]
struct RouteLine {
    id: String,
    from: String,
    to: String,
    forwards: Vec<String>,
}

/// What is said about one dialect.
#[derive(Debug, Serialize)]
struct BrandReport {
    /// For anchors: no name reaches them.
    name: &'static str,
    title: &'static str,
    nodes: Vec<String>,
    whole: &'static str,
    rights: Vec<&'static String>,
    locks: Vec<LockLine>,
    objects: Vec<MadeObject>,
    tables: Vec<TableReport>,
    scripts: Vec<ScriptReport>,
}

/// A lock, and the tables that it is for where those are not all.
#[derive(Debug, Serialize)]
struct LockLine {
    #[serde(flatten)]
    fact: &'static LockFact,
    tables: Vec<String>,
}

#[derive(Debug, Serialize)]
struct MadeObject {
    kind: String,
    name: String,
    script: String,
}

#[derive(Debug, Serialize)]
struct TableReport {
    name: String,
    key: Vec<String>,
    columns: Vec<ColumnLine>,
    left_out: Vec<LeftOut>,
    overwrite: &'static str,
    examples: Vec<Example>,
    costs: Vec<Cost>,
    script: String,
    off: Option<Sql>,
    on: Option<Sql>,
}

#[derive(Debug, Serialize)]
struct ColumnLine {
    name: String,
    native_type: String,
    policy: &'static str,
    role: &'static str,
}

#[derive(Debug, Serialize)]
struct ScriptReport {
    name: String,
    is_capture: bool,
    checksum: String,
    install: Sql,
    remove: Sql,
}

/// SQL for both forms of the report.
#[derive(Debug, Serialize)]
struct Sql {
    pieces: Vec<Piece>,
    text: String,
    /// A Markdown fence that the text cannot end.
    fence: String,
}

/// What somebody saw on a node.
#[derive(Debug, Serialize)]
pub struct Installed {
    node: String,
    differences: Vec<Difference>,
    pending: Option<Sql>,
}

/// One difference between a node and what is wanted there.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// Its stable id.
    pub id: String,
    /// What it is.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Installed {
    /// `pending` is the SQL that would bring the node up to date; empty when nothing is.
    #[must_use]
    pub fn new(node: String, differences: Vec<Difference>, pending: &str) -> Self {
        let pending = (!pending.is_empty()).then(|| Sql::of(pending));
        Self { node, differences, pending }
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A plan that cannot be made.
    #[error(transparent)]
    Plan(#[from] plan::Error),
    /// A template that cannot be filled.
    #[error(transparent)]
    Render(#[from] render::Error),
}

/// Makes the report of the dialects that `templates` has.
///
/// # Errors
/// When a table cannot be followed or a template cannot be filled.
pub fn report(
    config: &Config,
    reading: &Reading,
    templates: &BTreeMap<Brand, Templates>,
    installed: Vec<Installed>,
) -> Result<Report, Error> {
    let mut findings = check(config, &reading.schema, &reading.skipped);
    findings.retain(|one| one.brand.is_none_or(|brand| templates.contains_key(&brand)));
    let (informing, serious) = findings.into_iter().partition(|one| one.severity == Severity::Info);
    let routes = plan::plan_routes(config).into_iter().map(|route| RouteLine {
        id: route.id.to_string(),
        from: route.from.to_string(),
        to: route.to.to_string(),
        forwards: route.forwards.iter().map(ToString::to_string).collect(),
    });
    let mut brands = Vec::new();
    for (brand, templates) in templates {
        brands.push(brand_report(config, reading, *brand, templates)?);
    }
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        database: config.database.clone(),
        schema_hash: crate::schema::hash(&reading.schema),
        config_hash: config.hash.clone(),
        flow: flow::flow(config),
        routes: routes.collect(),
        serious,
        informing,
        brands,
        installed,
    })
}

impl Report {
    /// The report as text.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn text(&self, form: Form) -> Result<String, Error> {
        let text = document(TEMPLATE, form, self)?;
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        Ok(lines.join("\n").trim_end().to_owned() + "\n")
    }
}

fn brand_report(
    config: &Config,
    reading: &Reading,
    brand: Brand,
    templates: &Templates,
) -> Result<BrandReport, Error> {
    let has_tables = config.table_brands().contains(&brand) || !config.brands().contains(&brand);
    let plan = if has_tables {
        plan::plan(config, &reading.schema, brand)?
    } else {
        plan::plan_store(config, &reading.schema, brand)
    };
    let scripts = render::scripts(&plan, templates)?;
    let nodes: Vec<String> = config
        .nodes
        .iter()
        .filter(|(_, node)| node.brand == brand)
        .map(|(id, _)| id.to_string())
        .collect();
    let node = nodes.first().map_or("(node)", String::as_str);
    let mut tables = Vec::new();
    for table in &plan.tables {
        tables.push(table_report(&plan, table, node, &scripts, templates)?);
    }
    let dialect = brand.dialect();
    let (rights, locks) = taken(&plan);
    Ok(BrandReport {
        name: brand.name(),
        title: &dialect.title,
        whole: &dialect.review.whole,
        rights,
        locks,
        objects: scripts.iter().flat_map(|script| made(brand, script)).collect(),
        scripts: scripts.iter().map(ScriptReport::of).collect(),
        tables,
        nodes,
    })
}

/// The rights and the locks of a migration: what the columns of GUIDs take comes first, since it
/// reads or rewrites whole tables.
fn taken(plan: &Plan) -> (Vec<&'static String>, Vec<LockLine>) {
    let review = &plan.brand.dialect().review;
    let with_guid = plan.tables.iter().filter(|table| table.guid.is_some());
    let with_guid: Vec<String> = with_guid.map(|table| table.object_table.clone()).collect();
    let mut rights: Vec<&'static String> = review.rights.iter().collect();
    let mut locks = Vec::new();
    if !with_guid.is_empty() {
        rights.extend(&review.guid.rights);
        let line = |fact| LockLine { fact, tables: with_guid.clone() };
        locks.extend(review.guid.locks.iter().map(line));
    }
    locks.extend(review.locks.iter().map(|fact| LockLine { fact, tables: Vec::new() }));
    (rights, locks)
}

/// What a script makes, in the order of its making.
fn made(brand: Brand, script: &Script) -> Vec<MadeObject> {
    let made = |Object { kind, name }| MadeObject { kind, name, script: script.name.clone() };
    render::objects(brand, &script.removal).into_iter().rev().map(made).collect()
}

fn table_report(
    plan: &Plan,
    table: &TablePlan,
    node: &str,
    scripts: &[Script],
    templates: &Templates,
) -> Result<TableReport, Error> {
    let examples = examples(plan, table, node);
    let (off, on) = render::switch(table, templates)?;
    let sql =
        |statements: Vec<String>| (!statements.is_empty()).then(|| Sql::of(&statements.join("\n")));
    let role = |name: &str| match name {
        name if table.key.iter().any(|column| column.name == name) => "key",
        name if table.metadata.iter().any(|column| column.name == name) => "who and when",
        _ => "",
    };
    let columns = table.row.iter().map(|column| ColumnLine {
        name: column.name.clone(),
        native_type: column.native_type.clone(),
        policy: column.policy,
        role: role(&column.name),
    });
    let is_script =
        |script: &&Script| script.kind == ScriptKind::Capture(table.object_table.clone());
    Ok(TableReport {
        name: table.object_table.clone(),
        key: table.key.iter().map(|column| column.name.clone()).collect(),
        columns: columns.collect(),
        left_out: table.left_out.clone(),
        overwrite: if table.is_record_level { "the whole row" } else { "its own column" },
        costs: cost::costs(plan, table, &examples),
        examples,
        script: scripts.iter().find(is_script).map(|one| one.name.clone()).unwrap_or_default(),
        off: sql(off),
        on: sql(on),
    })
}

impl ScriptReport {
    fn of(script: &Script) -> Self {
        Self {
            name: script.name.clone(),
            is_capture: matches!(script.kind, ScriptKind::Capture(_)),
            checksum: script.checksum.clone(),
            install: Sql::of(&script.statements.join("\n\n")),
            remove: Sql::of(&script.removal.join("\n")),
        }
    }
}

impl Sql {
    fn of(text: &str) -> Self {
        let mut fence = "```".to_owned();
        while text.contains(&fence) {
            fence.push('`');
        }
        Self { pieces: highlight(text), text: text.to_owned(), fence }
    }
}
