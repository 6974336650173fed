//! `outrigger generate`.

mod disk;
mod migrations;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::FOUND;
use super::args::Generate;
use super::console::Console;
use super::context::{Context, Loaded};
use super::progress::Progress;
use crate::dialect::Brand;
use crate::error::{Error, Result};
use crate::layout::{self, Layout, Outcome, STATE_NAME, State};
use crate::model::Schema;
use crate::plan::{self, Plan};
use crate::render::{self, Stand, Standing, Templates};
use disk::{Folder, GeneratedFile};
use migrations::Migrations;

/// The folder beside the configuration when nobody says otherwise.
const DEFAULT_OUT: &str = "sql";
/// What `--check` says of a migration that may have been applied already.
const EDITED: &str = "changed after it was generated";

pub(super) async fn run(args: Generate, context: &Context) -> Result<ExitCode> {
    let loaded = context.load()?;
    let reading = context.read_schema(&loaded).await?;
    let out = args.out.clone().unwrap_or_else(|| loaded.base.join(DEFAULT_OUT));
    let brands = brands(&args, &loaded);
    let progress =
        Progress::new(context.console, "generate", u64::try_from(brands.len()).unwrap_or(0));
    // Everything is decided before anything is written.
    let mut pending = Vec::new();
    for brand in brands {
        let plan = plan(&loaded, &reading.schema, brand)?;
        let templates = context.templates_of(brand)?;
        let folder = out.join(brand.name());
        pending.push(match args.layout {
            Layout::Plain => {
                let files = scripts(&loaded, &reading.schema, &plan, &templates, &folder)?;
                Pending::Plain(Folder::read(folder)?, files)
            }
            _ => migrations(&args, &loaded, &reading.schema, &plan, &templates, folder)?,
        });
        progress.advance(1);
    }
    let mut differences = Vec::new();
    for pending in pending {
        if args.check {
            differences.extend(pending.differences());
        } else {
            pending.write(args.force, context.console)?;
        }
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

/// The plan of one dialect.
fn plan(loaded: &Loaded, schema: &Schema, brand: Brand) -> Result<Plan> {
    // Where all nodes of a brand only store and forward, none takes triggers.
    let config = &loaded.config;
    let is_store = config.brands().contains(&brand) && !config.table_brands().contains(&brand);
    if is_store {
        return Ok(plan::plan_store(config, schema, brand));
    }
    Ok(plan::plan(config, schema, brand)?)
}

/// What a dialect's folder needs.
enum Pending {
    /// The whole SQL, over what is there.
    Plain(Folder, Vec<GeneratedFile>),
    /// Migrations that are added to what is there.
    Migrations(Migrations, Outcome),
    /// Nothing, until these files are again what was written.
    Edited(Vec<PathBuf>),
}

impl Pending {
    fn differences(&self) -> Vec<String> {
        match self {
            Self::Plain(folder, files) => folder.differences(files),
            Self::Migrations(folder, outcome) => folder.differences(outcome),
            Self::Edited(paths) => {
                paths.iter().map(|path| format!("{} {EDITED}\n", path.display())).collect()
            }
        }
    }

    fn write(&self, is_forced: bool, console: Console) -> Result<()> {
        match self {
            Self::Plain(folder, files) => {
                let report = folder.write(files, is_forced)?;
                console.note(&format!("{}: {report}", folder.path().display()));
                Ok(())
            }
            Self::Migrations(folder, outcome) => folder.write(outcome, console),
            Self::Edited(_) => Ok(()),
        }
    }
}

/// The migrations that a dialect's folder lacks.
fn migrations(
    args: &Generate,
    loaded: &Loaded,
    schema: &Schema,
    plan: &Plan,
    templates: &Templates,
    folder: PathBuf,
) -> Result<Pending> {
    let scripts = render::scripts(plan, templates)?;
    let folder = Migrations::read(folder)?;
    let first = args.next_version.as_deref();
    match layout::migrate(args.layout, plan, &scripts, templates, &folder.files, first) {
        Ok(mut outcome) => {
            let stand = render::standing(&scripts);
            let state = State::new(plan, stand, schema, loaded.config.schema_brand()).file();
            // It says what the tables are, also where no trigger is another for it.
            if folder.files.get(STATE_NAME).is_none_or(|bytes| *bytes != state.text.as_bytes()) {
                outcome.lists.push(state);
            }
            Ok(Pending::Migrations(folder, outcome))
        }
        Err(layout::Error::Edited { paths }) if args.check => {
            let paths = paths.iter().map(|path| folder.path().join(path));
            Ok(Pending::Edited(paths.collect()))
        }
        Err(error) => Err(folder.refused(error)),
    }
}

/// The files of a plan: each script, its removal beside it, and what they were made from.
fn scripts(
    loaded: &Loaded,
    schema: &Schema,
    plan: &Plan,
    templates: &Templates,
    folder: &Path,
) -> Result<Vec<GeneratedFile>> {
    let refused = |source| Error::Layout { path: folder.to_owned(), source: Box::new(source) };
    let mut unfit = None;
    let mut files = Vec::new();
    let mut stand = Stand::new();
    render::each_script(plan, templates, |script| {
        stand.insert(script.name.clone(), Standing::of(&script));
        for statements in [&script.statements, &script.removal] {
            let checked = layout::check_plain(&script.name, statements, plan.brand);
            unfit = unfit.take().or(checked.err());
        }
        files.extend([
            GeneratedFile { path: format!("{}.sql", script.name), text: script.text },
            GeneratedFile { path: format!("{}.down.sql", script.name), text: script.removal_text },
        ]);
    })?;
    if let Some(source) = unfit {
        return Err(refused(source));
    }
    let state = State::new(plan, stand, schema, loaded.config.schema_brand()).file();
    files.push(GeneratedFile { path: state.path, text: state.text });
    let grants = render::grants(plan, templates)?;
    layout::check_plain("grants", &grants, plan.brand).map_err(refused)?;
    if !grants.is_empty() {
        let text = render::grants_text(plan, templates)?;
        files.push(GeneratedFile { path: "grants.sql".to_owned(), text });
    }
    Ok(files)
}
