//! `outrigger demo`: the whole story on databases of its own, or between given ones.

mod guests;
mod place;
mod refusal;
mod show;
mod stage;
mod step;
mod story;
mod summary;

use std::process::ExitCode;

use super::args::Demo;
use super::context::{Context, Loaded};
use super::{FAILED, FOUND};
use crate::apply;
use crate::error::Result;
use crate::render::Templates;
use place::{Guest, Place};
pub(crate) use refusal::Refusal;
use show::Page;
use stage::Stage;
use step::Tally;

/// The application's one table.
const TABLE: &str = "sales_order";

pub(super) async fn run(args: Demo, context: &Context) -> Result<ExitCode> {
    if args.urls.len() == 1 {
        return Err(Refusal::OneNode.into());
    }
    let page = Page::new(context.console, context.variable("COLUMNS"));
    let mut place = Place::new(args.keep.as_deref())?;
    let guests = match args.urls.as_slice() {
        [] => place.own_nodes(args.nodes)?,
        urls => place::guests(urls)?,
    };
    place.write(super::CONFIG_NAME, &place::configuration(&guests))?;
    place.write("schema.sql", &schema(context, &guests[0])?)?;
    let inside = context.at(place.configuration(), place::variables(&guests));
    let (mut stage, loaded) = Stage::open(&inside, &guests).await?;
    if let Err(error) = guests::look(&mut stage, &inside, &loaded).await {
        stage.close().await;
        return Err(error);
    }
    place.is_kept = args.keep.is_some();

    let told = tell(&mut stage, &page, &inside, &loaded, &guests).await;
    let mut left = Ok(());
    if !place.is_kept && !args.urls.is_empty() {
        left = guests::leave(&mut stage).await;
    }
    let is_stopped = stage.is_stopped();
    stage.close().await;
    let tally = told?;
    left?;
    if is_stopped {
        return Ok(ExitCode::from(FAILED));
    }
    summary::write(&page, &args, &place, &guests, tally)?;
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// The DDL of the application's table, in the dialect of the first node.
fn schema(context: &Context, first: &Guest) -> Result<String> {
    let templates = context.templates_of(first.brand)?;
    Ok(format!("{}\n", create_table(&templates)?))
}

fn create_table(templates: &Templates) -> Result<String> {
    let nothing = std::collections::BTreeMap::<String, String>::new();
    Ok(templates.statement("demo/sales_order", &nothing)?.sql)
}

async fn tell(
    stage: &mut Stage,
    page: &Page,
    context: &Context,
    loaded: &Loaded,
    guests: &[Guest],
) -> Result<Tally> {
    summary::introduce(page, guests)?;
    install(stage, page, context, loaded).await?;
    let steps = story::story(&stage.ids());
    let mut tally = Tally::default();
    for (index, step) in steps.iter().enumerate() {
        if stage.is_stopped() {
            break;
        }
        step::play(stage, page, step, (index + 1, steps.len()), &mut tally).await?;
    }
    Ok(tally)
}

/// Makes the application's table where it is not there, and installs as `outrigger apply` does.
async fn install(stage: &mut Stage, page: &Page, context: &Context, loaded: &Loaded) -> Result<()> {
    for actor in &mut stage.actors {
        if !actor.has_table {
            let sql = create_table(&actor.target.templates)?;
            actor.run(&sql).await?;
            actor.made_table = true;
        }
        let wanted = actor.target.wanted(context, loaded).await?;
        let target = &mut actor.target;
        actor.is_installed = true;
        let (session, statements) = (target.session.as_mut(), &target.statements);
        let installed = apply::apply(session, statements, &wanted, false, &mut |_, _| {}).await;
        let migration = installed.map_err(|error| target.refused(error))?;
        let (scripts, programs) = (migration.actions.len(), migration.programs.len());
        page.block(&format!(
            "$ outrigger apply --node {}\n{}: {scripts} installed, {programs} programs added",
            target.id, target.id
        ))?;
    }
    Ok(())
}
