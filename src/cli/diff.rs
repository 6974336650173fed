//! `outrigger diff`.

mod side;
mod text;

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::args::{Diff, Format};
use super::context::{Context, Loaded};
use super::files::read_text;
use super::{FOUND, live};
use crate::dialect::Brand;
use crate::error::{Error, Result};
use crate::layout::{self, MigrationFile};
use crate::plan::{self, Difference, Evolution, Hold, Question, Renames};
use crate::render::{self, Step, Steps};
use side::Side;

/// What is said about one dialect.
#[derive(Debug, Serialize)]
struct Report {
    dialect: Brand,
    hold: Hold,
    differences: Vec<Difference>,
    /// Control tables that this version makes otherwise.
    control_changed: Vec<String>,
    before: Vec<Step>,
    after: Vec<Step>,
    #[serde(skip)]
    files: Vec<MigrationFile>,
}

pub(super) async fn run(args: Diff, context: &Context) -> Result<ExitCode> {
    let loaded = context.load()?;
    let old = Side::read(&args.old, &loaded, context).await?;
    let new = Side::read(&args.new, &loaded, context).await?;
    let mut reports = Vec::new();
    for (brand, is_store) in targets(&args, &loaded, [&old, &new])? {
        reports.push(report(&args, &loaded, context, [&old, &new], brand, is_store)?);
    }
    if let Some(folder) = &args.out {
        write(folder, &reports, context)?;
    }
    match args.listing.format {
        Format::Json => context.console.json(&reports)?,
        Format::Text => {
            for (index, report) in reports.iter().enumerate() {
                let gap = if index == 0 { "" } else { "\n" };
                context.console.data(&format!("{gap}{}", text::text(report)))?;
            }
        }
    }
    let is_equal = reports.iter().all(Report::is_empty);
    Ok(if is_equal { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

impl Report {
    fn new(evolution: Evolution, steps: Steps, files: Vec<MigrationFile>) -> Self {
        Self {
            dialect: evolution.new.brand,
            hold: evolution.hold,
            differences: evolution.differences,
            control_changed: steps.refused,
            before: steps.before,
            after: steps.after,
            files,
        }
    }

    fn is_empty(&self) -> bool {
        self.differences.is_empty()
            && self.control_changed.is_empty()
            && self.before.is_empty()
            && self.after.is_empty()
    }
}

/// The dialects that are asked for, each with whether its nodes only store and forward.
fn targets(args: &Diff, loaded: &Loaded, sides: [&Side; 2]) -> Result<Vec<(Brand, bool)>> {
    let config = &loaded.config;
    let mut targets: Vec<(Brand, bool)> = Vec::new();
    for name in &args.node {
        let id = live::node(loaded, name)?;
        let target = (config.nodes[&id].brand, config.is_store(&id));
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    let is_store =
        |brand: &Brand| config.brands().contains(brand) && !config.table_brands().contains(brand);
    let mut brands = args.dialect.clone();
    if args.node.is_empty() && brands.is_empty() {
        // A side that belongs to one dialect is meant for it.
        let of_side = sides.iter().map(|side| side.brands()).find(|brands| !brands.is_empty());
        brands = of_side.unwrap_or_else(|| config.brands());
    }
    let wanted = Brand::ALL.into_iter().filter(|brand| brands.contains(brand));
    targets.extend(wanted.map(|brand| (brand, is_store(&brand))));
    Ok(targets)
}

fn report(
    args: &Diff,
    loaded: &Loaded,
    context: &Context,
    [old, new]: [&Side; 2],
    brand: Brand,
    is_store: bool,
) -> Result<Report> {
    let (old, new) = (old.of(brand)?, new.of(brand)?);
    let renames = Renames::read(&args.renamed, &old.schema, &new.schema)?;
    let question = Question {
        config: &loaded.config,
        old: plan::Side { schema: &old.schema, brand: old.brand },
        new: plan::Side { schema: &new.schema, brand: new.brand },
        captured: old.captured.as_ref(),
        renames: &renames,
        brand,
        is_store,
    };
    let evolution = plan::evolve(&question)?;
    let templates = context.templates_of(brand)?;
    let steps = render::steps(&evolution, old.stand.as_ref(), &templates)?;
    let files = layout::phases(&evolution, &steps).map_err(|error| Error::Diff(Box::new(error)))?;
    Ok(Report::new(evolution, steps, files))
}

/// Writes the files of each dialect, unless one of them is there with something else in it.
fn write(folder: &Path, reports: &[Report], context: &Context) -> Result<()> {
    let mut missing = Vec::new();
    for report in reports {
        for name in [layout::BEFORE_NAME, layout::AFTER_NAME] {
            let path = folder.join(report.dialect.name()).join(name);
            let wanted = report.files.iter().find(|file| file.path == name);
            match (wanted, path.exists()) {
                (Some(file), false) => missing.push((path, file)),
                (Some(file), true) if read_text(&path).is_ok_and(|text| text == file.text) => {}
                (_, true) => return Err(Error::OtherDiff { path }),
                (None, false) => {}
            }
        }
    }
    for (path, file) in missing {
        let failed = |source| Error::Write { path: path.clone(), source };
        std::fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
        std::fs::write(&path, &file.text).map_err(failed)?;
        context.console.note(&format!("wrote {}", path.display()));
    }
    Ok(())
}
