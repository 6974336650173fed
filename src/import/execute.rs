//! Steps become statements with one bound parameter: the rows as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::decode::RowId;
use super::order::{Step, StepKind};
use super::target::{Target, TargetColumn, Targets};
use crate::db::Session;
use crate::model::{Value, canonical};
use crate::outbox::{Error, PageSize, execute_long, fetch, to_json};
use crate::render::{Statement, Templates};

/// Renders the statements of a node's tables, once for each set of columns.
#[derive(Clone)]
pub(super) struct Executor {
    templates: Arc<Templates>,
    steps: BTreeMap<StepName, Statement>,
    locks: BTreeMap<usize, Statement>,
    reads: BTreeMap<ReadName, Arc<Statement>>,
}

/// What makes two statements of steps the same: what they do, to which table, to which columns, and
/// whether the cells of one row are bound as they are.
type StepName = (StepKind, usize, Vec<String>, bool);

/// What makes two statements that read cells the same: the table, by which columns, which columns,
/// and how.
type ReadName = (String, Vec<String>, Vec<String>, Reading);

/// A column of a statement, and where its values stand in the bound rows.
#[derive(Serialize)]
struct BoundColumn<'a> {
    #[serde(flatten)]
    column: &'a TargetColumn,
    alias: String,
    /// The parameter that the cell is bound to, where its row is not one of many in a text.
    parameter: String,
    position: usize,
    /// Nothing is hashed or masked that only this node reads.
    policy: &'static str,
}

/// How cells are looked for and read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reading {
    /// As they are, of rows that have the very values.
    Plain,
    /// As the triggers record them.
    Captured,
    /// As they are, of rows whose values are equal to the database, as its keys compare.
    Alike,
}

/// Columns that are read, and how.
#[derive(Clone, Copy)]
struct Read<'a> {
    columns: &'a [&'a TargetColumn],
    reading: Reading,
}

#[derive(Serialize)]
struct TableName<'a> {
    namespace: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize)]
struct StepContext<'a> {
    table: TableName<'a>,
    keys: Vec<BoundColumn<'a>>,
    columns: Vec<BoundColumn<'a>>,
    has_identity: bool,
    /// Whether rows are meant that the database's unique keys take for the same.
    alike: bool,
    /// Whether the cells of one row are bound as they are.
    is_bound: bool,
}

impl<'a> StepContext<'a> {
    fn new(target: &'a Target, keys: Vec<BoundColumn<'a>>, columns: Vec<BoundColumn<'a>>) -> Self {
        let has_identity = columns.iter().any(|bound| bound.column.is_identity);
        let table = TableName { namespace: target.namespace.as_deref(), name: &target.name };
        Self { table, keys, columns, has_identity, alike: false, is_bound: false }
    }
}

impl Executor {
    /// An executor with a brand's templates.
    #[must_use]
    pub(super) fn new(templates: Arc<Templates>) -> Self {
        let (steps, locks, reads) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { templates, steps, locks, reads }
    }

    /// Runs a step; inside a transaction.
    ///
    /// # Errors
    /// When the database refuses one of its rows: then none of them is written.
    pub(super) async fn run(
        &mut self,
        session: &mut dyn Session,
        targets: &Targets,
        mut step: Step,
    ) -> Result<(), Error> {
        let is_bound = is_long(&step.rows);
        let key_length = targets.tables[step.table].key.len();
        let statement = self.step_statement(targets, &step, is_bound)?;
        if is_bound && statement.parameters.iter().all(|name| name != ROWS) {
            let names = cell_names(step.kind, key_length);
            let cells = step.rows.pop().unwrap_or_default().into_iter();
            execute_long(session, statement, names.zip(cells.map(Value::from)).collect()).await?;
            return Ok(());
        }
        let rows = to_json(&step.rows);
        // They may be long, and are no longer needed in this form.
        drop(step);
        execute_long(session, statement, vec![(ROWS, Value::Text(rows))]).await?;
        Ok(())
    }

    /// Locks rows until the end of the transaction; those of them that exist.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn lock(
        &mut self,
        session: &mut dyn Session,
        targets: &Targets,
        rows: &BTreeMap<RowId, Vec<String>>,
    ) -> Result<BTreeSet<RowId>, Error> {
        let mut existing = BTreeSet::new();
        // Rows are sorted by their table, so that those of one stand together.
        let rows: Vec<(&RowId, &Vec<String>)> = rows.iter().collect();
        for of_table in rows.chunk_by(|(one, _), (other, _)| one.0 == other.0) {
            let keys: Vec<&Vec<String>> = of_table.iter().map(|(_, key)| *key).collect();
            let statement = self.lock_statement(targets, of_table[0].0.0)?;
            let given = [("rows", Value::Text(to_json(&keys)))];
            for row in fetch(session, statement, &given).await? {
                let position = row.integer("position").and_then(|at| usize::try_from(at).ok());
                if let Some((id, _)) = position.and_then(|at| of_table.get(at)) {
                    existing.insert((*id).clone());
                }
            }
        }
        Ok(existing)
    }

    /// The values that cells of one table have now, in canonical text: for each row that exists
    /// one for each of `columns`, which are columns of the table.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn read_cells(
        &mut self,
        session: &mut dyn Session,
        targets: &Targets,
        (table, columns): (usize, &BTreeSet<String>),
        rows: &BTreeMap<RowId, Vec<String>>,
    ) -> Result<Vec<(RowId, Vec<Option<String>>)>, Error> {
        let target = &targets.tables[table];
        let columns: Vec<&TargetColumn> =
            columns.iter().filter_map(|name| target.columns.get(name)).collect();
        let by: Vec<&TargetColumn> = target.key.iter().collect();
        let keys: Vec<&Vec<String>> = rows.values().collect();
        let columns = Read { columns: &columns, reading: Reading::Plain };
        let found = self.find(session, target, (&by, &keys), columns).await?;
        let ids: Vec<&RowId> = rows.keys().collect();
        let named = |(at, cells): (usize, _)| Some(((*ids.get(at)?).clone(), cells));
        Ok(found.into_iter().filter_map(named).collect())
    }

    /// [`Self::read_cells`] as the triggers would record them: hashed and masked where the
    /// configuration says so.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn read_captured(
        &mut self,
        session: &mut dyn Session,
        targets: &Targets,
        (table, columns): (usize, &BTreeSet<String>),
        key: &[String],
    ) -> Result<Option<Vec<Option<String>>>, Error> {
        let target = &targets.tables[table];
        let columns: Vec<&TargetColumn> =
            columns.iter().filter_map(|name| target.columns.get(name)).collect();
        let by: Vec<&TargetColumn> = target.key.iter().collect();
        let columns = Read { columns: &columns, reading: Reading::Captured };
        let found = self.find(session, target, (&by, &[key]), columns).await?;
        Ok(found.into_iter().next().map(|(_, cells)| cells))
    }

    /// The keys, canonical and in key order, of the rows that have one of some lists of values in
    /// given columns, as the database compares them, each with the position of its values.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn find_rows<Values: AsRef<[String]>>(
        &mut self,
        session: &mut dyn Session,
        targets: &Targets,
        (table, names): (usize, &[String]),
        values: &[Values],
    ) -> Result<Vec<(usize, Vec<String>)>, Error> {
        let target = &targets.tables[table];
        let by = names.iter().map(|name| target.column(name));
        let Some(by) = by.collect::<Option<Vec<_>>>() else {
            // A column that nothing maps has no values that could be looked for.
            return Ok(Vec::new());
        };
        let columns: Vec<&TargetColumn> = target.key.iter().collect();
        let columns = Read { columns: &columns, reading: Reading::Alike };
        let found = self.find(session, target, (&by, values), columns).await?;
        let whole = |(at, key): (usize, Vec<Option<String>>)| {
            Some((at, key.into_iter().collect::<Option<_>>()?))
        };
        Ok(found.into_iter().filter_map(whole).collect())
    }

    /// The key of each row that the database's own unique keys take for one with given values, and
    /// what it has there: a collation may take two texts for the same.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn find_alike(
        &mut self,
        session: &mut dyn Session,
        targets: &Targets,
        (table, names): (usize, &[String]),
        values: &[String],
    ) -> Result<Vec<(Vec<String>, Vec<Option<String>>)>, Error> {
        let target = &targets.tables[table];
        let Some(by) = names.iter().map(|name| target.column(name)).collect::<Option<Vec<_>>>()
        else {
            return Ok(Vec::new());
        };
        let columns: Vec<&TargetColumn> = target.key.iter().chain(by.iter().copied()).collect();
        let columns = Read { columns: &columns, reading: Reading::Alike };
        let found = self.find(session, target, (&by, &[values]), columns).await?;
        let parted = |(_, mut key): (usize, Vec<Option<String>>)| {
            let held = key.split_off(target.key.len());
            Some((key.into_iter().collect::<Option<_>>()?, held))
        };
        Ok(found.into_iter().filter_map(parted).collect())
    }

    /// The cells of the rows that have given values in some columns, each with the position of
    /// its values.
    async fn find<Values: AsRef<[String]>>(
        &mut self,
        session: &mut dyn Session,
        target: &Target,
        (by, values): (&[&TargetColumn], &[Values]),
        read: Read<'_>,
    ) -> Result<Vec<(usize, Vec<Option<String>>)>, Error> {
        let statement = self.read_statement(target, by, read)?;
        let rows: Vec<&[String]> = values.iter().map(AsRef::as_ref).collect();
        let given = [("rows", Value::Text(to_json(&rows)))];
        let mut found = Vec::new();
        for row in fetch(session, &statement, &given).await? {
            let position = row.integer("position").and_then(|at| usize::try_from(at).ok());
            let Some(position) = position else { continue };
            let cell = |(index, column): (usize, &&TargetColumn)| {
                let text = row.text(&format!("c{}", index + 1))?;
                // What is no value of its type stays as it is: nothing else would be the same.
                Some(canonical(column.logical_type, &text).unwrap_or(text))
            };
            found.push((position, read.columns.iter().enumerate().map(cell).collect()));
        }
        Ok(found)
    }

    fn read_statement(
        &mut self,
        target: &Target,
        by: &[&TargetColumn],
        read: Read<'_>,
    ) -> Result<Arc<Statement>, Error> {
        let names = |columns: &[&TargetColumn]| columns.iter().map(|c| c.name.clone()).collect();
        let name = (target.object_table.clone(), names(by), names(read.columns), read.reading);
        if let Some(known) = self.reads.get(&name) {
            return Ok(known.clone());
        }
        let mut columns = bound(read.columns.iter().copied(), "c", 0);
        if read.reading == Reading::Captured {
            for bound in &mut columns {
                bound.policy = bound.column.policy;
            }
        }
        let mut context = StepContext::new(target, bound(by.iter().copied(), "k", 0), columns);
        context.alike = read.reading == Reading::Alike;
        let statement = Arc::new(self.templates.statement("run/read_cells", &context)?);
        self.reads.insert(name, statement.clone());
        Ok(statement)
    }

    fn step_statement(
        &mut self,
        targets: &Targets,
        step: &Step,
        is_bound: bool,
    ) -> Result<&Statement, Error> {
        let name = (step.kind, step.table, step.columns.clone(), is_bound);
        if !self.steps.contains_key(&name) {
            let target = &targets.tables[step.table];
            let (template, mut context) = step_context(target, step);
            context.is_bound = is_bound;
            let statement = self.templates.statement(template, &context)?;
            self.steps.insert(name.clone(), statement);
        }
        Ok(&self.steps[&name])
    }

    fn lock_statement(&mut self, targets: &Targets, table: usize) -> Result<&Statement, Error> {
        if !self.locks.contains_key(&table) {
            let target = &targets.tables[table];
            let context = StepContext::new(target, bound(target.key.iter(), "k", 0), Vec::new());
            self.locks.insert(table, self.templates.statement("run/lock_rows", &context)?);
        }
        Ok(&self.locks[&table])
    }
}

/// The parameter that has the rows of a step in one text.
const ROWS: &str = "rows";

/// Whether it is one row with more bytes than a page may hold. Such a one is bound cell by cell,
/// where the brand's statement takes it so.
fn is_long(rows: &[Vec<Option<String>>]) -> bool {
    let [row] = rows else { return false };
    row.iter().flatten().map(|text| text.len() as u64).sum::<u64>() > PageSize::BYTES
}

/// The names of the parameters of a row's cells, in their order.
fn cell_names(kind: StepKind, key_length: usize) -> impl Iterator<Item = String> {
    let keys = if kind == StepKind::Insert { 0 } else { key_length };
    let keys = (1..=keys).map(|number| format!("k{number}"));
    keys.chain((1..).map(|number| format!("c{number}")))
}

fn step_context<'a>(target: &'a Target, step: &Step) -> (&'static str, StepContext<'a>) {
    let cells = step.columns.iter().map(|name| &target.columns[name]);
    let key = || target.key.iter();
    let key_length = target.key.len();
    let (template, keys, columns) = match step.kind {
        StepKind::Insert => ("run/insert_rows", Vec::new(), bound(key().chain(cells), "c", 0)),
        StepKind::Update => {
            ("run/update_rows", bound(key(), "k", 0), bound(cells, "c", key_length))
        }
        StepKind::Delete => ("run/delete_rows", bound(key(), "k", 0), Vec::new()),
        StepKind::Rekey => {
            ("run/update_rows", bound(key(), "k", 0), bound(key().chain(cells), "c", key_length))
        }
    };
    (template, StepContext::new(target, keys, columns))
}

fn bound<'a>(
    columns: impl Iterator<Item = &'a TargetColumn>,
    prefix: &str,
    first: usize,
) -> Vec<BoundColumn<'a>> {
    columns
        .enumerate()
        .map(|(index, column)| BoundColumn {
            column,
            alias: format!("{prefix}{}", index + 1),
            parameter: format!(":{{{prefix}{}}}", index + 1),
            position: first + index,
            policy: "capture",
        })
        .collect()
}
