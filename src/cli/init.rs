//! `outrigger init`.

mod starter;

use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use super::args::Init;
use super::console::{Color, count, mark, table};
use super::context::Context;
use super::files::{self, TextFile, read_sql};
use super::nodes;
use crate::dialect::Brand;
use crate::error::{Error, Result};
use crate::schema::{self, Reading};
use starter::{Origin, Starter};

/// How many statements that could not be read are shown.
const UNREAD_SHOWN: usize = 20;

pub(super) async fn run(args: Init, context: &Context) -> Result<ExitCode> {
    if args.out.exists() && !args.force {
        return Err(Error::Occupied { path: args.out, reason: "exists already" });
    }
    let (reading, origin) = match live_brand(&args.from) {
        Some(brand) => {
            let mut session = nodes::connect_url(&args.from, brand).await?;
            let reading =
                nodes::introspect(session.as_mut(), &context.templates_of(brand)?).await?;
            (reading, Origin::url(&args.from, brand))
        }
        None => read_files(&args)?,
    };
    let unread = unread(&reading);
    if !unread.is_empty() {
        context.console.note(&unread);
    }
    if reading.schema.tables.is_empty() {
        return Err(Error::NoTable { from: origin.shown });
    }
    let starter = Starter::new(&origin, &reading.schema);
    std::fs::write(&args.out, starter.text())
        .map_err(|source| Error::Write { path: args.out.clone(), source })?;
    context.console.note(&table(["TABLE", "KEY", "LAST UPDATE", "SECRET?"], &starter.rows()));
    context.console.note(&format!(
        "\nwrote `{}`: {}, {} passed over\n\
         next: fill in the nodes, then `outrigger check`",
        args.out.display(),
        count(reading.schema.tables.len(), "table"),
        count(reading.skipped.len(), "other statement")
    ));
    Ok(ExitCode::SUCCESS)
}

/// What could not be read, with its places.
fn unread(reading: &Reading) -> String {
    let unread: Vec<String> = reading
        .skipped
        .iter()
        .filter_map(|one| {
            let reason = one.reason.as_ref()?;
            let table = one.table.as_ref().map(|table| format!(" of table `{table}`"));
            let what = format!("`{}`{}", one.what, table.unwrap_or_default());
            let name = mark(Color::Yellow, "warning:");
            Some(format!("{name} {what} is not understood: {reason}\n  --> {}\n", one.location))
        })
        .collect();
    let rest = unread.len().saturating_sub(UNREAD_SHOWN);
    let mut text: String = unread.into_iter().take(UNREAD_SHOWN).collect();
    if rest > 0 {
        text.push_str(&format!("and {rest} more\n"));
    }
    text
}

/// The brand of a connection URL; `None` for a path.
pub(super) fn live_brand(from: &str) -> Option<Brand> {
    let is_url = from.contains(':') && !Path::new(from).exists();
    if is_url { Brand::from_url(from) } else { None }
}

fn read_files(args: &Init) -> Result<(Reading, Origin)> {
    let texts = read_sql(Path::new(&args.from))?;
    let sources: Vec<_> = texts.iter().map(TextFile::source).collect();
    let brand = args.dialect.or_else(|| schema::likely(&sources));
    let brand = brand.ok_or_else(|| Error::NoDialect { from: args.from.clone() })?;
    let reading = files::parse(&texts, brand)?;
    let folder = args.out.parent().unwrap_or(Path::new(""));
    let path = relative(Path::new(&args.from), folder)?;
    Ok((reading, Origin::files(&args.from, &path.display().to_string(), brand)))
}

/// `path` as seen from `folder`.
fn relative(path: &Path, folder: &Path) -> Result<PathBuf> {
    if path.is_absolute() || folder.as_os_str().is_empty() {
        return Ok(path.to_owned());
    }
    let absolute = |path: &Path| {
        std::path::absolute(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })
            .map(|path| path.components().map(|part| part.as_os_str().to_owned()).collect())
    };
    let (path, folder): (Vec<_>, Vec<_>) = (absolute(path)?, absolute(folder)?);
    let common = path.iter().zip(&folder).take_while(|(one, two)| one == two).count();
    let up = folder[common..].iter().map(|_| Component::ParentDir.as_os_str());
    Ok(up.chain(path[common..].iter().map(std::ffi::OsString::as_os_str)).collect())
}

#[cfg(test)]
mod tests {
    use super::{Path, relative};

    #[test]
    fn paths_are_written_as_seen_from_the_configuration() {
        for (path, folder, wanted) in [
            ("schema.sql", "", "schema.sql"),
            ("db/schema.sql", "db", "schema.sql"),
            ("schema.sql", "conf/here", "../../schema.sql"),
            ("/etc/schema.sql", "conf", "/etc/schema.sql"),
        ] {
            let found = relative(Path::new(path), Path::new(folder)).expect("there is a folder");
            assert_eq!(found, Path::new(wanted));
        }
    }
}
