//! What a configuration can have wrong, each with its place.

use crate::model::{Location, NodeId, RouteId};

use super::spanned::{Place, place_of};

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The YAML, or the shape of a part of it.
    #[error("{message}")]
    Shape {
        /// What is expected; never a value of the file, which may hold a password.
        message: String,
        /// Where.
        location: Location,
    },
    /// A key, or one of a few words, that does not exist.
    #[error("unknown {what} `{word}`")]
    Unknown {
        /// `key`, `word`, `dialect`, `node` or `URL scheme`.
        what: &'static str,
        /// What is written.
        word: String,
        /// What may stand there.
        allowed: Vec<String>,
        /// Where.
        location: Location,
    },
    /// An id that no column could hold, or that another node already has.
    #[error("the node id `{id}` {reason}")]
    BadNodeId {
        /// The id.
        id: String,
        /// Completes the sentence.
        reason: &'static str,
        /// Where.
        location: Location,
    },
    /// A number that is none, or out of bounds.
    #[error("`{option}` has to be a whole number from {min} to {max}")]
    BadNumber {
        /// The option.
        option: &'static str,
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
        /// Where.
        location: Location,
    },
    /// A time that is none.
    #[error("`{option}` has to be a time such as 500ms, 2s, 1m or 30d, or `never`")]
    BadTime {
        /// The option.
        option: &'static str,
        /// Where.
        location: Location,
    },
    /// Two routes would have a program of the same number.
    #[error("route `{id}` collides with route `{other}`: a route takes its id and the next one")]
    CollidingRoutes {
        /// The later one.
        id: RouteId,
        /// The earlier one.
        other: RouteId,
        /// Where the later one stands.
        location: Location,
    },
    /// Two routes of the same direction.
    #[error("route `{id}` repeats route `{other}` from `{from}` to `{to}`")]
    RepeatedRoute {
        /// The later one.
        id: RouteId,
        /// The earlier one.
        other: RouteId,
        /// The source.
        from: NodeId,
        /// The target.
        to: NodeId,
        /// Where the later one stands.
        location: Location,
    },
    /// From a node to itself.
    #[error("route `{id}` goes from `{node}` to itself")]
    SelfRoute {
        /// The route.
        id: RouteId,
        /// The node.
        node: NodeId,
        /// Where.
        location: Location,
    },
    /// A `${NAME}` that nobody has set.
    #[error("the variable `{name}` is not set")]
    UnsetVariable {
        /// Its name.
        name: String,
        /// Where it is used.
        location: Location,
    },
    /// A `url_file:` that cannot be read.
    #[error("could not read `{file}`, which holds a connection URL")]
    UnreadableFile {
        /// Its path as written.
        file: String,
        /// Where it is named.
        location: Location,
        /// The cause.
        source: std::io::Error,
    },
}

impl Error {
    /// The place that is wrong.
    #[must_use]
    pub fn location(&self) -> &Location {
        match self {
            Self::Shape { location, .. }
            | Self::Unknown { location, .. }
            | Self::BadNodeId { location, .. }
            | Self::BadNumber { location, .. }
            | Self::BadTime { location, .. }
            | Self::CollidingRoutes { location, .. }
            | Self::RepeatedRoute { location, .. }
            | Self::SelfRoute { location, .. }
            | Self::UnsetVariable { location, .. }
            | Self::UnreadableFile { location, .. } => location,
        }
    }

    /// The YAML reader's message, put in our words.
    pub(super) fn from_yaml(path: &str, error: &serde_yaml::Error) -> Self {
        let message = error.to_string();
        // The first place named is the narrowest; what follows says what it was part of.
        let (what, place) = match message.split_once(" at line ") {
            Some((what, rest)) => (what, leading_place(rest)),
            None => (message.as_str(), place_of(&message)),
        };
        let location = place.within(path);
        for (mark, kind) in [("unknown field `", "key"), ("unknown variant `", "word")] {
            if let Some((word, expected)) =
                what.split_once(mark).and_then(|(_, rest)| rest.split_once("`, "))
            {
                let (word, allowed) = (shown(word), in_backticks(expected));
                return Self::Unknown { what: kind, word, allowed, location };
            }
        }
        Self::Shape { message: without_values(what), location }
    }
}

/// Reads `3 column 5, while …`.
fn leading_place(text: &str) -> Place {
    let mut numbers = text
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .filter_map(|digits| digits.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(line), Some(column)) => Place { line, column },
        _ => Place::START,
    }
}

/// The words in backticks of ``expected one of `a`, `b` ``.
fn in_backticks(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A key as a message may show it: a URL that slipped into one may hold a password.
fn shown(word: &str) -> String {
    match word.split_once("://") {
        Some((before, _)) => format!("{before}://…"),
        None => word.to_owned(),
    }
}

/// `invalid type: string "secret", expected a mapping` names no value any more.
fn without_values(message: &str) -> String {
    if let Some((before, field)) = message.split_once("missing field ") {
        return format!("{before}missing key {field}");
    }
    let Some((before, rest)) = message.split_once("invalid ") else {
        return message.to_owned();
    };
    let found = match rest.split_once(": ").map(|(_, found)| found.split_whitespace().next()) {
        Some(Some("string")) => "a text",
        Some(Some("map")) => "a mapping",
        Some(Some("sequence")) => "a list",
        Some(Some("unit")) => "nothing",
        Some(Some("integer" | "floating")) => "a number",
        _ => "something else",
    };
    match rest.rsplit_once(", expected ") {
        Some((_, expected)) if expected.starts_with("struct ") => {
            format!("{before}expected a mapping, found {found}")
        }
        Some((_, expected)) => format!("{before}expected {expected}, found {found}"),
        None => format!("{before}a value of another kind is expected"),
    }
}
