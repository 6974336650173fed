//! What every verb needs: the configuration, the schema, the console.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::CONFIG_NAME;
use super::args::Args;
use super::console::Console;
use super::files::{self, read_sql, read_templates, read_text};
use super::{live, nodes};
use crate::config::{self, Config, SchemaSource, Surroundings};
use crate::dialect::Brand;
use crate::error::{Error, Result};
use crate::render::Templates;
use crate::schema::Reading;

/// What was typed before the verb, and what the process was given.
pub(super) struct Context {
    pub(super) console: Console,
    /// A folder of templates that stand in for the built-in ones.
    pub(super) templates: Option<PathBuf>,
    config: Option<PathBuf>,
    variables: BTreeMap<String, String>,
}

/// The configuration and the folder that its relative paths start from.
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) base: PathBuf,
}

impl Context {
    pub(super) fn new(args: &Args, console: Console) -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            console,
            templates: args.templates.clone(),
            config: args.config.clone(),
            variables: std::env::vars_os().filter_map(text).collect(),
        }
    }

    /// The same with another configuration, and variables besides those of the process.
    pub(super) fn at(&self, config: PathBuf, variables: BTreeMap<String, String>) -> Self {
        let mut all = self.variables.clone();
        all.extend(variables);
        Self {
            console: self.console,
            templates: self.templates.clone(),
            config: Some(config),
            variables: all,
        }
    }

    /// A variable of the process's environment.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Reads the configuration. A URL's variable that is not set is an error only when somebody
    /// connects, see [`config::Node::resolved_url`].
    pub(super) fn load(&self) -> Result<Loaded> {
        let path = match &self.config {
            Some(path) => path.clone(),
            None => find()?,
        };
        let text = read_text(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let base = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        let read_file = |file: &str| read_text(&base.join(file));
        let surroundings = Surroundings {
            variables: &self.variables,
            read_file: &read_file,
            needs_secrets: false,
        };
        let config = config::parse_within(&path.display().to_string(), &text, &surroundings)?;
        Ok(Loaded { config, base })
    }

    /// The user's own templates, by brand and by their path below the brand's folder.
    pub(super) fn overrides(&self) -> Result<BTreeMap<Brand, BTreeMap<String, String>>> {
        let mut overrides = BTreeMap::new();
        let Some(root) = &self.templates else { return Ok(overrides) };
        if !Brand::ALL.iter().any(|brand| root.join(brand.name()).is_dir()) {
            return Err(Error::NoTemplates { path: root.clone() });
        }
        for brand in Brand::ALL {
            overrides.insert(brand, read_templates(&root.join(brand.name()))?);
        }
        Ok(overrides)
    }

    /// The templates of a brand, the user's own among them.
    pub(super) fn templates_of(&self, brand: Brand) -> Result<Templates> {
        let overrides = self.overrides()?;
        let none = BTreeMap::new();
        Ok(Templates::with_overrides(brand, overrides.get(&brand).unwrap_or(&none))?)
    }

    /// Reads the application's schema from where the configuration says.
    pub(super) async fn read_schema(&self, loaded: &Loaded) -> Result<Reading> {
        match &loaded.config.schema {
            SchemaSource::Files { dialect, files } => {
                let mut texts = Vec::new();
                for file in files {
                    texts.extend(read_sql(&loaded.base.join(file))?);
                }
                files::parse(&texts, *dialect)
            }
            SchemaSource::Node(node) => {
                let mut session = live::connect(loaded, node).await?;
                let templates = self.templates_of(session.brand())?;
                let reading = nodes::introspect(session.as_mut(), &templates).await;
                reading.map_err(|error| nodes::refused(node, session.brand(), error))
            }
        }
    }
}

/// The configuration of this folder or the nearest one above it.
fn find() -> Result<PathBuf> {
    let here = std::env::current_dir()
        .map_err(|source| Error::Read { path: PathBuf::from("."), source })?;
    let mut path = PathBuf::from(CONFIG_NAME);
    for _ in here.ancestors() {
        if path.is_file() {
            return Ok(path);
        }
        path = Path::new("..").join(path);
    }
    Err(Error::NoConfig)
}
