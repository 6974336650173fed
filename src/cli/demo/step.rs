//! One step of the story: told, done, shown, checked.

use super::show::{Comparison, Page};
use super::stage::{Actor, FIELDS, Stage, cell};
use super::story::{Act, Step, list};
use crate::cli::console::count;
use crate::error::Result;
use crate::model::{NodeId, Row};

/// A change in the outbox where it was made.
struct Made {
    position: usize,
    row: Row,
}

/// What became of the checks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

/// The rows of every node, by key.
type Tables = Vec<Vec<Vec<String>>>;

/// Plays a step. `before` is what every node's table held at the end of the last one.
pub(super) async fn play(
    stage: &mut Stage,
    page: &Page,
    step: &Step,
    number: (usize, usize),
    tally: &mut Tally,
) -> Result<()> {
    page.heading(&format!("{}/{}  {}", number.0, number.1, step.title))?;
    page.paragraph(&step.why)?;
    if let Some(hub) = &step.hub {
        page.paragraph(hub)?;
    }
    prepare(stage, &step.before).await?;
    let before = tables(stage).await?;
    for act in &step.acts {
        let position = act.node.position(stage.actors.len());
        let actor = &mut stage.actors[position];
        page.line("")?;
        page.line(&format!("The application runs on {}:", actor.target.id))?;
        page.block(&act.sql)?;
        actor.run(&act.sql).await?;
    }
    let made = outboxes(stage).await?;
    let carried = stage.carry().await?;
    page.line("")?;
    page.line("The changes are carried and imported:")?;
    page.block(&carried.lines.join("\n"))?;
    let inboxes = inboxes(stage).await?;
    let echoes = outboxes(stage).await?;
    let after = tables(stage).await?;

    let ids = stage.ids();
    for made in &made {
        page.line("")?;
        page.comparison(&journey(made, &inboxes, &ids))?;
        document(page, made)?;
    }
    page.line("")?;
    show_tables(page, &stage.actors[0], &ids, &before[0], &after)?;
    page.line("")?;
    let mut checks = Checks { page, tally };
    checks.recorded(step, &made)?;
    checks.delivered(&made, &inboxes, &ids)?;
    checks.equal(step, &stage.actors[0], &after, &ids)?;
    checks.quiet(&echoes, &ids, carried.quarantined)
}

/// What the step needs beforehand, carried and out of sight.
async fn prepare(stage: &mut Stage, acts: &[Act]) -> Result<()> {
    for act in acts {
        let position = act.node.position(stage.actors.len());
        stage.actors[position].run(&act.sql).await?;
    }
    if !acts.is_empty() {
        stage.carry().await?;
        outboxes(stage).await?;
        inboxes(stage).await?;
    }
    Ok(())
}

async fn tables(stage: &mut Stage) -> Result<Tables> {
    let mut tables = Vec::new();
    for actor in &mut stage.actors {
        tables.push(actor.rows().await?);
    }
    Ok(tables)
}

async fn outboxes(stage: &mut Stage) -> Result<Vec<Made>> {
    let mut made = Vec::new();
    for (position, actor) in stage.actors.iter_mut().enumerate() {
        let rows = actor.new_in_outbox().await?;
        made.extend(rows.into_iter().map(|row| Made { position, row }));
    }
    Ok(made)
}

async fn inboxes(stage: &mut Stage) -> Result<Vec<Vec<Row>>> {
    let mut inboxes = Vec::new();
    for actor in &mut stage.actors {
        inboxes.push(actor.new_in_inbox().await?);
    }
    Ok(inboxes)
}

/// Where a change arrived: its rows in an inbox.
fn arrivals<'a>(made: &Made, inbox: &'a [Row], ids: &[NodeId]) -> Vec<&'a Row> {
    let (origin, id) = (ids[made.position].as_str(), made.row.integer("id"));
    let is_it = |row: &&Row| {
        row.text("updated_by_server_id").as_deref() == Some(origin)
            && row.integer("source_id") == id
    };
    inbox.iter().filter(is_it).collect()
}

/// One change, column by column, in the outbox where it was made and in every inbox.
fn journey(made: &Made, inboxes: &[Vec<Row>], ids: &[NodeId]) -> Comparison {
    let cells = |row: &Row| FIELDS.iter().map(|field| cell(row, field)).collect::<Vec<_>>();
    let mut columns = vec![(format!("outbox of {}", ids[made.position]), cells(&made.row))];
    for (id, inbox) in ids.iter().zip(inboxes) {
        let arrived = arrivals(made, inbox, ids);
        columns.extend(arrived.iter().map(|row| (format!("inbox of {id}"), cells(row))));
    }
    Comparison { names: FIELDS.map(str::to_owned).into(), columns, marked: Vec::new() }
}

/// The inserted row, which is longer than a cell.
fn document(page: &Page, made: &Made) -> Result<()> {
    if made.row.text("object_operation").as_deref() != Some("I") {
        return Ok(());
    }
    page.line("")?;
    page.line("  object_value in full:")?;
    page.folded(&cell(&made.row, "object_value"))
}

/// The application's table on all nodes, side by side; what the step has changed is marked.
fn show_tables(
    page: &Page,
    actor: &Actor,
    ids: &[NodeId],
    before: &[Vec<String>],
    after: &Tables,
) -> Result<()> {
    let names: Vec<String> = actor.table.row.iter().map(|column| column.name.clone()).collect();
    let mut keys: Vec<&String> = after.iter().flatten().map(|row| &row[0]).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        let nodes: Vec<&str> = ids.iter().map(NodeId::as_str).collect();
        return page.line(&format!("sales_order has no rows on {}.", list(&nodes)));
    }
    for key in keys {
        let row_of = |rows: &[Vec<String>]| rows.iter().find(|row| row[0] == *key).cloned();
        let missing = || vec!["(no row)".to_owned(); names.len()];
        let column = |(id, rows): (&NodeId, &Vec<Vec<String>>)| {
            (format!("sales_order on {id}"), row_of(rows).unwrap_or_else(missing))
        };
        let columns: Vec<_> = ids.iter().zip(after).map(column).collect();
        let marked = match row_of(before) {
            Some(old) => columns[0].1.iter().zip(&old).map(|(new, old)| new != old).collect(),
            None => Vec::new(),
        };
        page.comparison(&Comparison { names: names.clone(), columns, marked })?;
    }
    Ok(())
}

struct Checks<'a> {
    page: &'a Page,
    tally: &'a mut Tally,
}

impl Checks<'_> {
    fn check(&mut self, is_right: bool, text: &str) -> Result<()> {
        if is_right {
            self.tally.passed += 1;
        } else {
            self.tally.failed += 1;
        }
        self.page.check(is_right, text)
    }

    fn recorded(&mut self, step: &Step, made: &[Made]) -> Result<()> {
        let wanted = step.acts.len();
        let changes = count(made.len() as u64, "change");
        let statements = count(wanted as u64, "statement");
        self.check(made.len() == wanted, &format!("recorded: {changes} for {statements}"))
    }

    fn delivered(&mut self, made: &[Made], inboxes: &[Vec<Row>], ids: &[NodeId]) -> Result<()> {
        let is_once = |made: &Made| {
            inboxes.iter().enumerate().all(|(position, inbox)| {
                let wanted = usize::from(position != made.position);
                arrivals(made, inbox, ids).len() == wanted
            })
        };
        let text = "delivered: once to every other node, origin and source_id kept, and never back";
        self.check(made.iter().all(is_once), text)
    }

    fn equal(&mut self, step: &Step, actor: &Actor, after: &Tables, ids: &[NodeId]) -> Result<()> {
        let is_equal = after.iter().all(|rows| *rows == after[0]);
        let position = |name: &str| actor.table.row.iter().position(|column| column.name == name);
        let has_expected = after[0].len() == step.rows
            && step.expected.iter().all(|(name, value)| {
                let cell = position(name).and_then(|index| after[0].first()?.get(index));
                cell == Some(value)
            });
        let nodes: Vec<&str> = ids.iter().map(NodeId::as_str).collect();
        let rows = if step.rows == 1 { "row".to_owned() } else { format!("{} rows", step.rows) };
        let values: Vec<String> =
            step.expected.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let mut text = format!("equal: {} hold the same {rows}", list(&nodes));
        if step.rows == 0 {
            text = format!("equal: {} hold no row", list(&nodes));
        }
        if !values.is_empty() {
            text.push_str(&format!(", with {}", values.join(", ")));
        }
        self.check(is_equal && has_expected, &text)
    }

    fn quiet(&mut self, echoes: &[Made], ids: &[NodeId], quarantined: u64) -> Result<()> {
        let mut text = "no echo: importing added nothing to any outbox".to_owned();
        if let Some(echo) = echoes.first() {
            text = format!("no echo: importing added to the outbox of {}", ids[echo.position]);
        }
        self.check(echoes.is_empty(), &text)?;
        if quarantined > 0 {
            let changes = count(quarantined, "change");
            return self.check(false, &format!("imported: {changes} went to quarantine"));
        }
        Ok(())
    }
}
