//! What shows that a DDL text is of a brand.

use serde::Deserialize;

/// Phrases that a brand's DDL has.
///
/// A phrase is words in lower case and marks as they stand, with blanks between: `@` is a name
/// with its qualifiers, `#` a number, `[@]` and `` `@` `` names in those quotes, `[]` brackets
/// with nothing or a number inside, `^` says that the next begins a line, `$` that the last ended
/// one. Where two brands have a phrase, it stands in both files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signs {
    /// No brand whose file lacks the phrase would take the statement.
    pub statements: Vec<String>,
    /// The same of what belongs to a column's type, which a brand without types of columns takes
    /// whatever it is.
    pub columns: Vec<String>,
    /// Others may write it as well, but seldom do.
    pub usual: Vec<String>,
}
