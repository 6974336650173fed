//! One look at a node, in one reading transaction: tables, outbox, and what was imported.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use outrigger::db::{Mode, Session};
use outrigger::dialect::Brand;
use outrigger::model::{Change, Row, Value};
use outrigger::outbox::change_from_row;
use outrigger::plan::TablePlan;
use outrigger::render::Templates;
use serde::Serialize;

use super::{Cells, Known, RowName};
use crate::support::TestDatabase;
use crate::support::network::chain;

/// What a node holds.
pub(super) struct Look {
    pub(super) rows: BTreeMap<RowName, Cells>,
    pub(super) outbox: BTreeMap<i64, Change>,
    pub(super) imported: BTreeMap<i64, Change>,
}

/// The rows of a table in canonical texts, by the filter that the triggers use.
const READ_TABLE: &str = "SELECT {% for column in table.row %}{{ column | text(row='t') }} \
    AS c{{ loop.index0 }}{% if not loop.last %}, {% endif %}{% endfor %} FROM \
    {% if table.namespace is defined and table.namespace %}{{ table.namespace | ident }}.{% endif %}\
    {{ table.name | ident }} AS t";

/// Each brand's templates with that one among them, read once.
static TEMPLATES: LazyLock<BTreeMap<Brand, Templates>> = LazyLock::new(|| {
    let texts = BTreeMap::from([("run/read_cells".to_owned(), READ_TABLE.to_owned())]);
    let templates = |brand| (brand, Templates::with_overrides(brand, &texts).unwrap());
    Brand::ALL.into_iter().map(templates).collect()
});

#[derive(Serialize)]
struct TableContext<'a> {
    table: &'a TablePlan,
}

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
    page_rows: usize,
}

/// More rows than any test writes.
const ALL_ROWS: usize = 1_000_000_000;

pub(super) async fn look(id: &str, database: &TestDatabase, known: &Known) -> Result<Look, String> {
    let mut session = database.connect().await;
    let session = &mut *session;
    session.begin(Mode::Read).await.map_err(|fault| fault.to_string())?;
    let mut rows = BTreeMap::new();
    for table in &known.tables {
        read_table(session, table, &mut rows).await?;
    }
    let templates = &TEMPLATES[&database.brand()];
    let outbox = changes(session, templates, "run/read_outbox", 0).await?;
    // What names another origin nobody sends.
    let is_own = |change: &Change| change.updated_by_server_id.as_deref().is_none_or(|by| by == id);
    let mut outbox: BTreeMap<i64, Change> =
        outbox.into_iter().filter(is_own).map(|change| (change.id, change)).collect();
    for change in outbox.values_mut() {
        change.updated_by_server_id = Some(id.to_owned());
    }
    let imported = imported(session, templates, known).await?;
    session.rollback().await.map_err(|fault| fault.to_string())?;
    Ok(Look { rows, outbox, imported })
}

async fn fetch(session: &mut dyn Session, sql: &str, values: &[Value]) -> Result<Vec<Row>, String> {
    session.fetch(sql, values).await.map_err(|fault| format!("{fault}\n{sql}"))
}

async fn read_table(
    session: &mut dyn Session,
    table: &TablePlan,
    rows: &mut BTreeMap<RowName, Cells>,
) -> Result<(), String> {
    let statement = TEMPLATES[&session.brand()]
        .statement("run/read_cells", &TableContext { table })
        .map_err(|error| chain(&error))?;
    let is_key = |name: &str| table.key.iter().any(|key| key.name == name);
    for row in fetch(session, &statement.sql, &[]).await? {
        let cell = |name: &str| {
            let at = table.row.iter().position(|column| column.name == name)?;
            row.text(&format!("c{at}"))
        };
        let key: Option<Vec<String>> = table.key.iter().map(|key| cell(&key.name)).collect();
        let Some(key) = key else { continue };
        let plain = table.row.iter().filter(|column| column.policy == "capture");
        let cells = plain.filter(|column| !is_key(&column.name));
        let cells = cells.map(|column| (column.name.clone(), cell(&column.name))).collect();
        rows.insert((table.object_table.clone(), key), cells);
    }
    Ok(())
}

async fn changes(
    session: &mut dyn Session,
    templates: &Templates,
    name: &str,
    route: i64,
) -> Result<Vec<Change>, String> {
    let namespace = templates.brand().dialect().default_namespace.as_deref();
    let context = Context { namespace, page_rows: ALL_ROWS };
    let statement = templates.statement(name, &context).map_err(|error| error.to_string())?;
    let given = [
        ("route_id", Value::Integer(route)),
        ("last_id", Value::Integer(i64::MIN)),
        ("to_id", Value::Integer(i64::MAX)),
    ];
    let values = statement.values(&given).map_err(|error| error.to_string())?;
    let rows = fetch(session, &statement.sql, &values).await?;
    rows.iter().map(change_from_row).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// Rows of the inbox below the pointer of their route's import, less those in quarantine.
async fn imported(
    session: &mut dyn Session,
    templates: &Templates,
    known: &Known,
) -> Result<BTreeMap<i64, Change>, String> {
    let programs = "SELECT id, fromoutboxpointer FROM ds_program_parameter";
    let pointers: BTreeMap<i64, i64> = fetch(session, programs, &[])
        .await?
        .iter()
        .filter_map(|row| Some((row.integer("id")?, row.integer("fromoutboxpointer")?)))
        .collect();
    let quarantine = fetch(session, "SELECT inbox_id FROM ds_quarantine", &[]).await?;
    let held: BTreeSet<i64> = quarantine.iter().filter_map(|row| row.integer("inbox_id")).collect();
    let mut imported = BTreeMap::new();
    for (route, program) in &known.routes {
        let pointer = pointers.get(program).copied().unwrap_or_default();
        let is_done = |change: &Change| {
            change.id <= pointer
                && !held.contains(&change.id)
                && !known.dropped.contains(&change.id)
        };
        let inbox = changes(session, templates, "run/read_inbox", *route).await?;
        imported.extend(inbox.into_iter().filter(is_done).map(|change| (change.id, change)));
    }
    Ok(imported)
}
