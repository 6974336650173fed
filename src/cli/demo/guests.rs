//! What the demo does to databases that are not its own: looks first, and leaves them as they were.

use super::stage::{Actor, Stage};
use super::{Refusal, TABLE};
use crate::apply::{self, Wanted};
use crate::cli::context::{Context, Loaded};
use crate::error::Result;
use crate::model::{Table, TableName};

/// Refuses databases in which the demo would be in somebody's way. Nothing is changed.
pub(super) async fn look(stage: &mut Stage, context: &Context, loaded: &Loaded) -> Result<()> {
    for actor in &mut stage.actors {
        let wanted = actor.target.wanted(context, loaded).await?;
        let live = observe(actor, &wanted).await?;
        let (node, brand) = (actor.target.id.clone(), actor.brand());
        if let Some(found) = live.node {
            return Err(Refusal::IsNode { node, brand, found }.into());
        }
        if !live.objects.is_empty() {
            return Err(Refusal::HasObjects { node, brand }.into());
        }
        let Some(table) = live.schema.table(&TableName::plain(TABLE)) else { continue };
        if !is_same(table, actor) {
            return Err(Refusal::OtherTable { node, brand }.into());
        }
        if !actor.rows().await?.is_empty() {
            return Err(Refusal::HasRows { node, brand }.into());
        }
        actor.has_table = true;
    }
    Ok(())
}

async fn observe(actor: &mut Actor, wanted: &Wanted<'_>) -> Result<apply::Live> {
    let target = &mut actor.target;
    let live = apply::observe(target.session.as_mut(), &target.statements, &wanted.scripts).await;
    live.map_err(|error| target.refused(error))
}

/// Whether a table that is there has the columns of the demo's own.
fn is_same(table: &Table, actor: &Actor) -> bool {
    table.columns.len() == actor.table.row.len()
        && actor.table.row.iter().all(|wanted| {
            let found = table.columns.iter().find(|column| column.name == wanted.name);
            found.is_some_and(|column| column.logical_type == Some(wanted.logical_type))
        })
}

/// Takes away what the demo has made, as far as it came; the first refusal is what is returned.
pub(super) async fn leave(stage: &mut Stage) -> Result<()> {
    let mut outcome = Ok(());
    for actor in &mut stage.actors {
        let left = leave_one(actor).await;
        outcome = outcome.and(left);
    }
    outcome
}

async fn leave_one(actor: &mut Actor) -> Result<()> {
    if actor.is_installed {
        let target = &mut actor.target;
        let (session, statements) = (target.session.as_mut(), &target.statements);
        let removed = apply::remove(session, statements, &target.id, true, &mut |_, _| {}).await;
        removed.map_err(|error| target.refused(error))?;
    }
    if actor.made_table {
        actor.run_template("demo/drop").await
    } else if actor.is_installed {
        actor.run_template("demo/clear").await
    } else {
        Ok(())
    }
}
