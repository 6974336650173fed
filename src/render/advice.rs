//! SQL that mends a finding, for the person who has to decide.

use serde::Serialize;

use super::{Error, Templates};
use crate::plan::Numbering;

#[derive(Serialize)]
struct Context<'a> {
    numberings: &'a [Numbering],
}

/// The statements by which a node numbers its keys apart from the others. Where the brand cannot
/// be made to, a query for the application.
///
/// # Errors
/// When a template asks for something that there is not.
pub fn advice(numberings: &[Numbering], templates: &Templates) -> Result<Vec<String>, Error> {
    Ok(templates.pieces("advise/number_keys", &Context { numberings })?.0)
}
