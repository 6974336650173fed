//! What a node has: its tables and triggers, and what of it is Outrigger's.

use std::collections::BTreeSet;

use super::history::Installed;
use super::statements::Statements;
use super::{Error, HISTORY_TABLE, NODE_TABLE, PROGRAM_TABLE};
use crate::db::{FaultKind, Mode, Session};
use crate::dialect::Brand;
use crate::model::{NodeId, Row, Schema, Table, TableName, Value};
use crate::outbox::{fetch, fetch_one};
use crate::plan::{Plan, RolePlan};
use crate::render::{self, Object, Script, Statement, Templates, objects, scripts};
use crate::schema::{self, Trigger};

/// Reads the application's schema of a live database; Outrigger's own tables are left out.
///
/// # Errors
/// When a template cannot be filled or the database refuses.
pub async fn inspect(session: &mut dyn Session, templates: &Templates) -> Result<Schema, Error> {
    let empty = std::collections::BTreeMap::<String, String>::new();
    let statement = |name: &str| templates.statement(name, &empty);
    let statements = [
        statement("introspect/columns")?,
        statement("introspect/keys")?,
        statement("introspect/foreign_keys")?,
    ];
    let mut found = read_schema(session, statements.each_ref()).await?;
    let own = own_tables(templates)?;
    found.tables.retain(|table| table.name.namespace.is_some() || !own.contains(&table.name.name));
    Ok(found)
}

/// Reads all triggers of a live database.
///
/// # Errors
/// When a template cannot be filled or the database refuses.
pub async fn triggers(
    session: &mut dyn Session,
    templates: &Templates,
) -> Result<Vec<Trigger>, Error> {
    let empty = std::collections::BTreeMap::<String, String>::new();
    let statement = templates.statement("introspect/triggers", &empty)?;
    Ok(schema::triggers(&fetch(session, &statement, &[]).await?))
}

/// Settings and rights of a node, for `schema::check`.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The answer of `introspect/surroundings`.
    pub facts: Vec<Row>,
    /// Whether something could be written; it was rolled back.
    pub can_write: bool,
}

/// Reads the settings and rights that decide whether changes are captured on a node.
///
/// # Errors
/// When a template cannot be filled or the database refuses.
pub async fn surroundings(
    session: &mut dyn Session,
    templates: &Templates,
) -> Result<Surroundings, Error> {
    let empty = std::collections::BTreeMap::<String, String>::new();
    let statement = templates.statement("introspect/surroundings", &empty)?;
    let facts = fetch(session, &statement, &[]).await?;
    let attempt = templates.statement("introspect/try_write", &empty)?;
    session.begin(Mode::Write).await?;
    let attempted = session.raw(&attempt.sql).await;
    session.rollback().await?;
    match attempted {
        Err(fault) if fault.kind != FaultKind::Denied => Err(fault.into()),
        attempted => Ok(Surroundings { facts, can_write: attempted.is_ok() }),
    }
}

async fn read_schema(
    session: &mut dyn Session,
    statements: [&Statement; 3],
) -> Result<Schema, Error> {
    let brand = session.brand();
    let mut answers: Vec<Vec<Row>> = Vec::with_capacity(statements.len());
    for statement in statements {
        answers.push(fetch(session, statement, &[]).await?);
    }
    Ok(schema::understand(brand, &answers[0], &answers[1], &answers[2]))
}

/// The tables that Outrigger makes on a node which follows none.
fn own_tables(templates: &Templates) -> Result<BTreeSet<String>, render::Error> {
    let brand = templates.brand();
    let plan = Plan {
        brand,
        database: String::new(),
        namespace: brand.dialect().default_namespace.clone(),
        schema_hash: String::new(),
        config_hash: String::new(),
        command: "none",
        signal: None,
        is_store: true,
        tables: Vec::new(),
        roles: RolePlan::default(),
    };
    let made = scripts(&plan, templates)?;
    let tables = made.iter().flat_map(|script| objects(brand, &script.removal));
    Ok(tables.filter(|object| object.kind == "table").map(|object| object.name).collect())
}

/// What a node has.
#[derive(Debug, Clone)]
pub struct Live {
    /// Its brand.
    pub brand: Brand,
    /// All tables, Outrigger's among them.
    pub schema: Schema,
    /// All triggers.
    pub triggers: Vec<Trigger>,
    /// Of the names that matter, those that are taken; triggers included.
    pub objects: BTreeSet<Object>,
    /// What is installed, by name.
    pub history: Vec<Installed>,
    /// Who the node says it is.
    pub node: Option<NodeId>,
    /// The programs that it knows.
    pub programs: Vec<KnownProgram>,
}

/// A row of `ds_program_parameter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownProgram {
    /// Its number.
    pub id: i64,
    /// `outbox to inbox transport` or `inbox to apptable import`.
    pub programtype: String,
    /// Its source.
    pub fromserver: String,
    /// Its target.
    pub toserver: String,
}

impl Live {
    /// What the history says of a script.
    #[must_use]
    pub fn installed(&self, script: &str) -> Option<&Installed> {
        self.history.iter().find(|installed| installed.name == script)
    }

    /// A table by where it stands; the default namespace may be named.
    #[must_use]
    pub fn table(&self, namespace: Option<&str>, name: &str) -> Option<&Table> {
        let default = self.brand.dialect().default_namespace.as_deref();
        let namespace = namespace.filter(|namespace| Some(*namespace) != default);
        let name = TableName { namespace: namespace.map(str::to_owned), name: name.to_owned() };
        self.schema.table(&name)
    }

    /// A trigger by its name and the table that it belongs to: a table that was renamed keeps
    /// its triggers, and another one may have taken its name.
    pub(super) fn trigger(&self, name: &str, table: Option<&Table>) -> Option<&Trigger> {
        let is_on = |trigger: &&Trigger| {
            table.is_some_and(|table| {
                trigger.table.namespace == table.name.namespace
                    && trigger.table.name.eq_ignore_ascii_case(&table.name.name)
            })
        };
        self.triggers.iter().filter(is_on).find(|trigger| trigger.name == name)
    }

    /// The statements of a removal that have something to remove.
    pub(super) fn standing(&self, removal: &[String]) -> Vec<String> {
        let stands = |statement: &&String| {
            crate::render::object(self.brand, statement)
                .is_none_or(|object| self.objects.contains(&object))
        };
        removal.iter().filter(stands).cloned().collect()
    }

    /// Whether an object is there and was made by a script of the history.
    pub(super) fn owns(&self, kind: &str, name: &str) -> bool {
        let object = Object::new(kind, name);
        let made =
            |installed: &Installed| objects(self.brand, &installed.removal).contains(&object);
        self.objects.contains(&object) && self.history.iter().any(made)
    }
}

/// Reads what a node has, as far as an installation of `scripts` or its removal needs it.
///
/// # Errors
/// When the database refuses, or the history has rows of another form.
pub async fn observe(
    session: &mut dyn Session,
    statements: &Statements,
    scripts: &[Script],
) -> Result<Live, Error> {
    let brand = statements.brand;
    let introspection = [&statements.columns, &statements.keys, &statements.foreign_keys];
    let mut live = Live {
        brand,
        schema: read_schema(session, introspection).await?,
        triggers: schema::triggers(&fetch(session, &statements.triggers, &[]).await?),
        objects: BTreeSet::new(),
        history: Vec::new(),
        node: None,
        programs: Vec::new(),
    };
    let of_scripts = scripts.iter().flat_map(|script| objects(brand, &script.removal));
    let mut names: BTreeSet<String> = of_scripts.map(|object| object.name).collect();
    names.insert(HISTORY_TABLE.to_owned());
    live.objects = read_objects(session, statements, &names).await?;
    if live.objects.contains(&Object::new("table", HISTORY_TABLE)) {
        let rows = fetch(session, &statements.read_history, &[]).await?;
        live.history = rows.iter().map(Installed::read).collect::<Result<_, _>>()?;
        let of_history = live.history.iter().flat_map(|one| objects(brand, &one.removal));
        names.extend(of_history.map(|object| object.name));
        live.objects = read_objects(session, statements, &names).await?;
    }
    let triggers = live.triggers.iter().filter(|trigger| names.contains(&trigger.name));
    live.objects.extend(triggers.map(|trigger| Object::new("trigger", &trigger.name)));
    if live.owns("table", NODE_TABLE) {
        let row = fetch_one(session, &statements.identify, &[]).await?;
        live.node = row.and_then(|row| row.text("node_id")).map(NodeId);
    }
    if live.owns("table", PROGRAM_TABLE) {
        let rows = fetch(session, &statements.read_programs, &[]).await?;
        live.programs = rows.iter().filter_map(known_program).collect();
    }
    Ok(live)
}

async fn read_objects(
    session: &mut dyn Session,
    statements: &Statements,
    names: &BTreeSet<String>,
) -> Result<BTreeSet<Object>, Error> {
    let names = Value::from(serde_json::json!(names).to_string());
    let rows = fetch(session, &statements.objects, &[("names", names)]).await?;
    let read = |row: &Row| Some(Object::new(&row.text("object_kind")?, &row.text("object_name")?));
    Ok(rows.iter().filter_map(read).collect())
}

fn known_program(row: &Row) -> Option<KnownProgram> {
    Some(KnownProgram {
        id: row.integer("id")?,
        programtype: row.text("programtype").unwrap_or_default(),
        fromserver: row.text("fromserver").unwrap_or_default(),
        toserver: row.text("toserver").unwrap_or_default(),
    })
}
