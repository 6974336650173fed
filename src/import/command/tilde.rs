//! DataJoin's way of writing a command: `~` where a single quote is meant.

use std::borrow::Cow;

use super::CommandError;

/// How the texts of a command are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// `'text'`, a quote inside doubled; a tilde is a character like any other.
    Single,
    /// `~text~`; neither a tilde nor a single quote can be inside.
    Tildes,
}

impl Quotes {
    /// The command in single quotes.
    pub(super) fn text(self, command: &str) -> Cow<'_, str> {
        match self {
            Self::Single => Cow::Borrowed(command),
            Self::Tildes => Cow::Owned(command.replace('~', "'")),
        }
    }
}

/// Which quotes a command has. Tildes are quotes only where there is no single quote at all, and
/// only if they can be nothing else: `~a~~b~` may stand for `a'b`, whose quote was doubled, as
/// well as for `a~~b`.
pub(super) fn quotes(command: &str) -> Result<Quotes, CommandError> {
    if command.contains('\'') || !command.contains('~') {
        return Ok(Quotes::Single);
    }
    let mut is_inside = false;
    let mut letters = command.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '~' {
            continue;
        }
        if is_inside && letters.peek() == Some(&'~') {
            return Err(CommandError::Tilde("two of them within a text may be a quote or two"));
        }
        is_inside = !is_inside;
    }
    if is_inside {
        return Err(CommandError::Tilde("their number is odd"));
    }
    Ok(Quotes::Tildes)
}
