//! A node's connection URL: filled in, shown without its password, made absolute.

use std::fmt::Write as _;
use std::path::Path;

use super::variables::Piece;
use super::{Error, Place};
use crate::dialect::Brand;
use crate::model::Location;

/// A participating database.
#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    /// The connection URL, its `${NAME}`s filled in. It may hold a password: print
    /// [`Node::display_url`] instead. A path of SQLite is as written: connect to
    /// [`Node::resolved_url`].
    pub url: String,
    /// The brand that the URL names.
    pub brand: Brand,
    /// Whether a password stands in the file in plain text.
    pub has_literal_password: bool,
    /// Where the URL, or the path of its file, stands.
    pub place: Place,
    /// Whether it only stores and forwards: it has control tables, and none of the application.
    pub is_store: bool,
    /// A variable of the URL that nobody has set, and where it is used.
    pub unset_variable: Option<(String, Location)>,
}

impl Node {
    /// A node of a URL that stands in no configuration.
    #[must_use]
    pub fn new(url: String, brand: Brand) -> Self {
        let place = Place::START;
        Self {
            url,
            brand,
            has_literal_password: false,
            place,
            is_store: false,
            unset_variable: None,
        }
    }

    /// The URL without its password, to show to people.
    #[must_use]
    pub fn display_url(&self) -> String {
        if self.brand == Brand::Sqlite {
            return self.url.clone();
        }
        match url::Url::parse(&self.url) {
            Ok(url) => shown(url).unwrap_or_else(|()| format!("{}:***", self.brand)),
            Err(_) => format!("{}:***", self.brand),
        }
    }

    /// The URL to connect to: as [`Node::url`], with a relative SQLite path taken from `base`,
    /// the folder of the configuration.
    ///
    /// # Errors
    /// When a variable of the URL is not set.
    pub fn resolved_url(&self, base: &Path) -> Result<String, Error> {
        if let Some((name, location)) = &self.unset_variable {
            return Err(Error::UnsetVariable { name: name.clone(), location: location.clone() });
        }
        let written = match self.url.split_once(':') {
            Some((_, rest)) if self.brand == Brand::Sqlite => {
                rest.strip_prefix("//").unwrap_or(rest)
            }
            _ => return Ok(self.url.clone()),
        };
        if written.starts_with(['/', ':']) || written.is_empty() {
            return Ok(self.url.clone());
        }
        let base = base.to_string_lossy().replace('%', "%25").replace('?', "%3F");
        let separator = if base.is_empty() || base.ends_with('/') { "" } else { "/" };
        Ok(format!("sqlite:{base}{separator}{written}"))
    }
}

fn shown(mut url: url::Url) -> Result<String, ()> {
    if url.password().is_some() {
        url.set_password(Some("***"))?;
    }
    if url.query_pairs().any(|(key, _)| is_password(&key)) {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(key, _)| !is_password(key))
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs).append_pair("password", "***");
    }
    Ok(url.to_string())
}

fn is_password(key: &str) -> bool {
    key.eq_ignore_ascii_case("password") || key.eq_ignore_ascii_case("pwd")
}

/// Without the password.
impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("url", &self.display_url()).finish_non_exhaustive()
    }
}

/// A URL with its variables still to be filled.
pub(super) struct UrlTemplate {
    pieces: Vec<Piece>,
    /// Bytes of the user and password within [`UrlTemplate::skeleton`].
    userinfo: std::ops::Range<usize>,
}

/// Stands for a variable where only the shape of a URL matters; no URL contains it.
const HOLE: char = '\0';

impl UrlTemplate {
    pub(super) fn new(pieces: Vec<Piece>) -> Self {
        let skeleton = skeleton(&pieces);
        let start = skeleton.find("://").map_or(skeleton.len(), |scheme| scheme + 3);
        let authority = skeleton[start..].split(['/', '?', '#']).next().unwrap_or("");
        let end = authority.rfind('@').map_or(start, |at| start + at);
        Self { pieces, userinfo: start..end }
    }

    /// Whether a password stands in it that is not a variable.
    pub(super) fn has_literal_password(&self) -> bool {
        let skeleton = skeleton(&self.pieces);
        let is_literal = |text: &str| !text.is_empty() && !text.contains(HOLE);
        let user = &skeleton[self.userinfo.clone()];
        if user.split_once(':').is_some_and(|(_, password)| is_literal(password)) {
            return true;
        }
        let query = skeleton.split_once('?').map_or("", |(_, query)| query);
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .any(|(key, value)| is_password(key) && is_literal(value))
    }

    /// The URL, and the first variable without a value, which stays `${NAME}`.
    ///
    /// A value in the place of the user or the password is percent-encoded, so that a password
    /// may contain `@` and `/`; a value elsewhere, such as a whole URL, is taken as it is.
    pub(super) fn fill<'a>(
        &self,
        value: impl Fn(&str) -> Option<&'a str>,
    ) -> (String, Option<String>) {
        let (mut url, mut unset) = (String::new(), None);
        let mut position = 0;
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => {
                    url.push_str(text);
                    position += text.len();
                }
                Piece::Variable(name) => {
                    let is_encoded = self.userinfo.contains(&position);
                    match value(name) {
                        Some(value) if is_encoded => push_encoded(&mut url, value),
                        Some(value) => url.push_str(value),
                        None => {
                            url.extend(["${", name, "}"]);
                            unset.get_or_insert_with(|| name.clone());
                        }
                    }
                    position += HOLE.len_utf8();
                }
            }
        }
        (url, unset)
    }
}

fn skeleton(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Variable(_) => text.push(HOLE),
        }
    }
    text
}

fn push_encoded(url: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::variables::pieces;
    use super::{Brand, Node, Path, UrlTemplate};

    fn node(url: &str) -> Node {
        Node::new(url.to_owned(), Brand::from_url(url).expect("a known scheme"))
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, wanted) in [
            ("postgres://app:s3cret@h:5432/db", "postgres://app:***@h:5432/db"),
            (
                "postgres://h/db?sslmode=off&password=s3cret",
                "postgres://h/db?sslmode=off&password=***",
            ),
            ("mysql://app:s3cret@[broken/db", "mysql:***"),
            ("sqlite:a b.db?mode=rwc", "sqlite:a b.db?mode=rwc"),
        ] {
            assert_eq!(node(url).display_url(), wanted);
            assert!(!format!("{:?}", node(url)).contains("s3cret"));
        }
    }

    #[test]
    fn a_relative_file_is_taken_from_the_folder_of_the_configuration() {
        for (url, wanted) in [
            ("sqlite:a.db", "sqlite:/etc/x%25/a.db"),
            ("sqlite://data/a.db?mode=rwc", "sqlite:/etc/x%25/data/a.db?mode=rwc"),
            ("sqlite:///tmp/a.db", "sqlite:///tmp/a.db"),
            ("sqlite:/tmp/a.db", "sqlite:/tmp/a.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("postgres://h/db", "postgres://h/db"),
        ] {
            assert_eq!(node(url).resolved_url(Path::new("/etc/x%")).unwrap(), wanted);
        }
        assert_eq!(node("sqlite:a.db").resolved_url(Path::new("")).unwrap(), "sqlite:a.db");
    }

    #[test]
    fn only_a_password_from_a_variable_is_no_literal_one() {
        for (url, is_literal) in [
            ("postgres://app:geheim@h/db", true),
            ("postgres://app:${P}@h/db", false),
            ("postgres://${U}:${P}@h/db", false),
            ("postgres://app@h/db", false),
            ("postgres://app:@h/db", false),
            ("postgres://h/db?password=geheim", true),
            ("postgres://h/db?password=${P}", false),
            ("sqlite:a:b@c.db", false),
        ] {
            let template = UrlTemplate::new(pieces(url).unwrap());
            assert_eq!(template.has_literal_password(), is_literal, "{url}");
        }
    }

    #[test]
    fn a_variable_is_encoded_where_a_password_stands_and_nowhere_else() {
        let value = |name: &str| match name {
            "P" => Some("p@ss/wö:rd"),
            "ALL" => Some("postgres://a:b%40@h/db"),
            _ => None,
        };
        let fill = |url: &str| UrlTemplate::new(pieces(url).unwrap()).fill(value);
        assert_eq!(fill("mysql://app:${P}@h/db").0, "mysql://app:p%40ss%2Fw%C3%B6%3Ard@h/db");
        assert_eq!(fill("${ALL}").0, "postgres://a:b%40@h/db");
        let (url, unset) = fill("mysql://app:${Q}@h/db");
        assert_eq!((url.as_str(), unset.as_deref()), ("mysql://app:${Q}@h/db", Some("Q")));
    }
}
