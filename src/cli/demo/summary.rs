//! The beginning and the end of the demo.

use super::place::{Guest, Place};
use super::show::Page;
use super::step::Tally;
use crate::cli::args::Demo;
use crate::error::Result;

/// Who takes part, and what comes.
pub(super) fn introduce(page: &Page, guests: &[Guest]) -> Result<()> {
    let nodes = guests.len();
    page.heading(&format!("One application, {nodes} databases"))?;
    page.paragraph(
        "Each node is a database with the application's table sales_order. Triggers record every \
         change of it in ds_change_outbox; transport copies new changes to ds_change_inbox of the \
         other nodes; import brings them into their tables.",
    )?;
    if nodes > 2 {
        page.paragraph(&format!(
            "{} is the hub: the others exchange changes with it, and it forwards them.",
            guests[0].id
        ))?;
    }
    page.line("")?;
    for guest in guests {
        let title = &guest.brand.dialect().title;
        page.block(&format!("{}  {title:<10}  {}", guest.id, guest.node.display_url()))?;
    }
    page.line("")?;
    page.line("Triggers and control tables are installed on each:")
}

/// What became of it, and what to try next.
pub(super) fn write(
    page: &Page,
    args: &Demo,
    place: &Place,
    guests: &[Guest],
    tally: Tally,
) -> Result<()> {
    page.heading("What was shown")?;
    let checks = tally.passed + tally.failed;
    page.check(tally.failed == 0, &format!("{} of {checks} checks passed", tally.passed))?;
    if tally.failed == 0 {
        page.paragraph(
            "Insert, update and delete travelled in both directions, each change once; nothing \
             came back; two edits of one row at once both stayed.",
        )?;
    }
    if !args.urls.is_empty() && !place.is_kept {
        page.line("")?;
        page.paragraph(
            "What the demo installed has been removed from the databases, and its rows with it.",
        )?;
    }
    page.line("")?;
    if place.is_kept { kept(page, place, guests) } else { next(page) }
}

/// The command as it was typed, so that what is shown can be typed too.
fn command() -> String {
    let typed = std::env::args_os().next().map(|name| name.to_string_lossy().into_owned());
    typed.unwrap_or_else(|| "outrigger".to_owned())
}

fn next(page: &Page) -> Result<()> {
    let outrigger = command();
    page.line("To try next:")?;
    for (arguments, what) in [
        ("demo --keep DIR", "the same, and the databases stay to play with"),
        ("demo --nodes 3", "a hub that forwards between two others"),
        ("demo --node URL --node URL", "the same between databases of your own, of any brand"),
        ("init --from schema.sql", "begin with your own tables"),
    ] {
        page.line("")?;
        page.block(&format!("# {what}\n{outrigger} {arguments}"))?;
    }
    Ok(())
}

fn kept(page: &Page, place: &Place, guests: &[Guest]) -> Result<()> {
    let path = place.configuration();
    let outrigger = format!("{} -c {}", command(), path.display());
    page.line(&format!("Everything is kept in {}:", place.folder.display()))?;
    for guest in guests {
        if let Some(variable) = &guest.variable {
            let title = &guest.brand.dialect().title;
            page.block(&format!("export {variable}=…  # the URL of {} ({title})", guest.id))?;
        }
    }
    let (first, second) = (&guests[0].id, &guests[1].id);
    for (arguments, what) in [
        ("status".to_owned(), "how far each route is"),
        ("check".to_owned(), "findings on schema and configuration"),
        ("generate".to_owned(), "the SQL that was installed, as files in the folder `sql`"),
        (format!("verify --node {first}"), "nothing has drifted"),
        (
            "run --every 1s".to_owned(),
            "carry what you change in any of the databases, until Ctrl-C",
        ),
        (format!("remove --node {second} --yes"), "uninstall; the table sales_order stays"),
    ] {
        page.line("")?;
        page.block(&format!("# {what}\n{outrigger} {arguments}"))?;
    }
    Ok(())
}
