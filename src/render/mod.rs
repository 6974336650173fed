//! A plan becomes SQL scripts, from the templates; the only room that names tera.
//!
//! Pure: the same plan and templates give the same bytes.

mod advice;
mod document;
mod evolution;
mod filters;
mod object;
mod script;
mod shield;
mod statement;
mod templates;
mod translation;

pub use advice::advice;
pub use document::{Form, document};
pub use evolution::{Stand, Standing, Step, StepAction, Steps, standing, steps};
pub(crate) use filters::command_name;
pub use object::{Object, objects};
pub(crate) use object::{first_words, object};
pub use script::{
    Script, ScriptKind, each_script, grants, grants_text, header, scripts, switch, verification,
};
pub use statement::{Statement, UnknownParameter};
pub use templates::Templates;
pub use translation::{translation, translation_text};

use crate::dialect::Brand;

/// What went wrong while filling templates.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template does not parse or a filled one names what does not exist.
    #[error("the template `{brand}/{name}` cannot be filled")]
    Template {
        /// The brand whose template it is.
        brand: Brand,
        /// Its path below the brand's folder, without `.sql.tera`.
        name: String,
        /// Tera's message, with line and column.
        source: Box<tera::Error>,
    },
    /// A template of a document.
    #[error("the template `{name}` cannot be filled")]
    Document {
        /// Its path below `templates`.
        name: String,
        /// Tera's message, with line and column.
        source: Box<tera::Error>,
    },
    /// A folder given as `--templates` has a file that is no template of ours.
    #[error("`{name}` is not the name of a {brand} template")]
    NoSuchTemplate {
        /// The brand.
        brand: Brand,
        /// The file's path below the brand's folder.
        name: String,
    },
}
