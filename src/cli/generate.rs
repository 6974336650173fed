//! `outrigger generate`.

mod disk;

use std::process::ExitCode;

use super::FOUND;
use super::args::Generate;
use super::context::{Context, Loaded};
use super::progress::Progress;
use crate::dialect::Brand;
use crate::error::Result;
use crate::model::Schema;
use crate::plan::{self, Plan};
use crate::render::{self, Templates};
use disk::{Folder, GeneratedFile};

/// The folder beside the configuration when nobody says otherwise.
const DEFAULT_OUT: &str = "sql";

pub(super) async fn run(args: Generate, context: &Context) -> Result<ExitCode> {
    let loaded = context.load()?;
    let reading = context.read_schema(&loaded).await?;
    let out = args.out.clone().unwrap_or_else(|| loaded.base.join(DEFAULT_OUT));
    let brands = brands(&args, &loaded);
    let progress =
        Progress::new(context.console, "generate", u64::try_from(brands.len()).unwrap_or(0));
    let mut differences = Vec::new();
    for brand in brands {
        let files = render(context, &loaded, &reading.schema, brand)?;
        let folder = Folder::read(out.join(brand.name()))?;
        if args.check {
            differences.extend(folder.differences(&files));
        } else {
            let report = folder.write(&files, args.force)?;
            context.console.note(&format!("{}: {report}", folder.path().display()));
        }
        progress.advance(1);
    }
    drop(progress);
    if differences.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    context.console.data(&differences.concat())?;
    let count = differences.len();
    let files = if count == 1 { "file differs" } else { "files differ" };
    context.console.note(&format!("{count} {files} from what would be generated"));
    Ok(ExitCode::from(FOUND))
}

fn brands(args: &Generate, loaded: &Loaded) -> Vec<Brand> {
    if args.dialect.is_empty() {
        return loaded.config.brands();
    }
    Brand::ALL.into_iter().filter(|brand| args.dialect.contains(brand)).collect()
}

/// The files of one dialect.
fn render(
    context: &Context,
    loaded: &Loaded,
    schema: &Schema,
    brand: Brand,
) -> Result<Vec<GeneratedFile>> {
    // Where all nodes of a brand only store and forward, none takes triggers.
    let config = &loaded.config;
    let is_store = config.brands().contains(&brand) && !config.table_brands().contains(&brand);
    let plan = if is_store {
        plan::plan_store(config, schema, brand)
    } else {
        plan::plan(config, schema, brand)?
    };
    scripts(&plan, &context.templates_of(brand)?)
}

/// The files of a plan: each script, and its removal beside it.
fn scripts(plan: &Plan, templates: &Templates) -> Result<Vec<GeneratedFile>> {
    let mut files = Vec::new();
    render::each_script(plan, templates, |script| {
        files.extend([
            GeneratedFile { path: format!("{}.sql", script.name), text: script.text },
            GeneratedFile { path: format!("{}.down.sql", script.name), text: script.removal_text },
        ]);
    })?;
    Ok(files)
}
