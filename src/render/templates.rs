//! The embedded template table, and the templates of one brand ready to be filled.

use std::collections::BTreeMap;

use include_dir::{Dir, DirEntry, include_dir};
use serde::Serialize;
use tera::{Context, Tera};

use super::statement::Statement;
use super::{Error, filters, shield};
use crate::dialect::Brand;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// What every template's file name ends in.
const SUFFIX: &str = ".sql.tera";

/// A line between two statements of one template.
const NEXT: &str = "-- next --";

/// The line before the statements that remove what the template made.
const REMOVAL: &str = "-- removal --";

/// The templates of one brand.
pub struct Templates {
    brand: Brand,
    tera: Tera,
}

impl Templates {
    /// The templates that the binary carries.
    ///
    /// # Panics
    /// When an embedded template does not parse, which `tests/tidy.rs` rules out.
    #[must_use]
    pub fn embedded(brand: Brand) -> Self {
        Self::with_overrides(brand, &BTreeMap::new()).expect("the embedded templates parse")
    }

    /// The embedded templates, some of them replaced by the user's own.
    ///
    /// `overrides` maps a template's path below the brand's folder (`capture/insert`) to its text.
    ///
    /// # Errors
    /// When a name is not that of an embedded template, or a text does not parse.
    pub fn with_overrides(
        brand: Brand,
        overrides: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let mut sources = embedded_sources(brand);
        for (name, text) in overrides {
            if sources.insert(name.clone(), text.clone()).is_none() {
                return Err(Error::NoSuchTemplate { brand, name: name.clone() });
            }
        }
        let mut tera = Tera::default();
        tera.autoescape_on(Vec::<String>::new());
        filters::register(&mut tera, brand);
        tera.add_raw_templates(sources.iter().map(|(name, text)| (name.as_str(), text.as_str())))
            .map_err(|source| broken(brand, "", source))?;
        Ok(Self { brand, tera })
    }

    /// The brand the templates are for.
    #[must_use]
    pub fn brand(&self) -> Brand {
        self.brand
    }

    /// The names of a brand's embedded templates, sorted.
    #[must_use]
    pub fn names(brand: Brand) -> Vec<String> {
        embedded_sources(brand).into_keys().collect()
    }

    /// A filled template as its statements and the statements that undo them.
    ///
    /// # Errors
    /// When the template asks for something that `context` does not have.
    pub(super) fn pieces(
        &self,
        name: &str,
        context: &impl Serialize,
    ) -> Result<(Vec<String>, Vec<String>), Error> {
        self.pieces_of(name, &self.context(name, context)?)
    }

    /// [`Self::pieces`] of a context that several templates share.
    ///
    /// # Errors
    /// When the template asks for something that `context` does not have.
    pub(super) fn pieces_of(
        &self,
        name: &str,
        context: &Context,
    ) -> Result<(Vec<String>, Vec<String>), Error> {
        let text = self.render(name, context)?;
        let mut parts = parts(&text, REMOVAL).into_iter();
        let shown = |part: String| statements(&part).iter().map(|one| shield::show(one)).collect();
        let mut next = || parts.next().map(shown).unwrap_or_default();
        Ok((next(), next()))
    }

    /// A filled template of one statement, its `:{name}` parameters in the brand's own form.
    ///
    /// # Errors
    /// When the template asks for something that `context` does not have.
    pub fn statement(&self, name: &str, context: &impl Serialize) -> Result<Statement, Error> {
        Ok(self.statement_of(&tidy(&self.fill(name, context)?)))
    }

    /// The statements of a filled template, each with its parameters in the brand's own form.
    ///
    /// # Errors
    /// When the template asks for something that `context` does not have.
    pub fn statements(
        &self,
        name: &str,
        context: &impl Serialize,
    ) -> Result<Vec<Statement>, Error> {
        let pieces = statements(&self.fill(name, context)?);
        Ok(pieces.iter().map(|text| self.statement_of(text)).collect())
    }

    fn statement_of(&self, text: &str) -> Statement {
        let mut statement = Statement::parse(self.brand, text);
        statement.sql = shield::show(&statement.sql);
        statement
    }

    fn fill(&self, name: &str, context: &impl Serialize) -> Result<String, Error> {
        self.render(name, &self.context(name, context)?)
    }

    /// What the templates see; `name` says in an error what could not be made.
    ///
    /// # Errors
    /// When `context` is not a map of names.
    pub(super) fn context(&self, name: &str, context: &impl Serialize) -> Result<Context, Error> {
        Context::from_serialize(context).map_err(|source| broken(self.brand, name, source))
    }

    fn render(&self, name: &str, context: &Context) -> Result<String, Error> {
        self.tera.render(name, context).map_err(|source| broken(self.brand, name, source))
    }
}

fn broken(brand: Brand, name: &str, source: tera::Error) -> Error {
    Error::Template { brand, name: name.to_owned(), source: Box::new(source) }
}

fn statements(text: &str) -> Vec<String> {
    let parts = parts(text, NEXT);
    parts.iter().map(|part| tidy(part)).filter(|statement| !statement.is_empty()).collect()
}

/// What stands between the lines that are nothing but `marker`; inside a line it is a name's.
fn parts(text: &str, marker: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.lines() {
        match parts.last_mut() {
            Some(part) if line.trim() != marker => {
                part.push_str(line);
                part.push('\n');
            }
            _ => parts.push(String::new()),
        }
    }
    parts
}

/// Without blank lines at the ends, trailing blanks, and runs of blank lines that loops leave.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        let is_repeated_blank = line.is_empty() && lines.last().is_none_or(|last| last.is_empty());
        if !is_repeated_blank {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

fn embedded_sources(brand: Brand) -> BTreeMap<String, String> {
    let mut sources = BTreeMap::new();
    if let Some(folder) = EMBEDDED.get_dir(brand.name()) {
        collect(folder, brand, &mut sources);
    }
    sources
}

/// The text of an embedded template of no brand, by its path.
pub(super) fn text_of(path: &str) -> Option<&'static str> {
    EMBEDDED.get_file(path)?.contents_utf8()
}

fn collect(folder: &Dir<'_>, brand: Brand, sources: &mut BTreeMap<String, String>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(inner) => collect(inner, brand, sources),
            DirEntry::File(file) => {
                let path = file.path().to_string_lossy().replace('\\', "/");
                let name = path
                    .strip_prefix(&format!("{brand}/"))
                    .and_then(|path| path.strip_suffix(SUFFIX));
                if let (Some(name), Some(text)) = (name, file.contents_utf8()) {
                    sources.insert(name.to_owned(), text.to_owned());
                }
            }
        }
    }
}
