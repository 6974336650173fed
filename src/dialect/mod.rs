//! What is known about each brand's SQL, as data.
//!
//! The facts stand in `dialects/<brand>.yaml`; this room only looks them up.

mod fit;
mod native_type;
mod quote;
mod signs;
mod translate;
mod words;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

pub(crate) use self::fit::arguments;
pub use self::fit::{Fit, UnknownFit};
pub(crate) use self::native_type::fill;
pub use self::signs::Signs;
pub use self::translate::{Digits, Identity, Lengths, References, Translate};
pub use self::write::{Seen, UnknownSeen, Write};
use crate::model::LogicalType;

/// A brand of database. This is the one list of them; everything else iterates [`Brand::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Brand {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
    /// Microsoft SQL Server.
    SqlServer,
    /// MySQL, and MariaDB as its flavour.
    Mysql,
}

impl Brand {
    /// Every brand, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Postgres, Self::Sqlite, Self::SqlServer, Self::Mysql];

    /// The name that the configuration, the folders and the messages use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
            Self::SqlServer => "sqlserver",
            Self::Mysql => "mysql",
        }
    }

    /// The brand of a name; the names that people use besides are accepted.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|brand| brand.name() == name || brand.dialect().aliases.contains(&name))
    }

    /// The brand that a connection URL's scheme names.
    #[must_use]
    pub fn from_url(url: &str) -> Option<Self> {
        let scheme = url.split(':').next()?.to_ascii_lowercase();
        Self::ALL.into_iter().find(|brand| brand.dialect().url_schemes.contains(&scheme))
    }

    /// What is known about the brand.
    ///
    /// # Panics
    /// When an embedded dialect file does not parse, which `tests/tidy.rs` rules out.
    #[must_use]
    pub fn dialect(self) -> &'static Dialect {
        static DIALECTS: [OnceLock<Dialect>; 4] = [const { OnceLock::new() }; 4];
        DIALECTS[self as usize].get_or_init(|| {
            Dialect::parse(self.source()).expect("the embedded dialect files parse")
        })
    }

    /// The text of the brand's embedded dialect file.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Postgres => include_str!("../../dialects/postgres.yaml"),
            Self::Sqlite => include_str!("../../dialects/sqlite.yaml"),
            Self::SqlServer => include_str!("../../dialects/sqlserver.yaml"),
            Self::Mysql => include_str!("../../dialects/mysql.yaml"),
        }
    }
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong with a dialect file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The YAML does not have the shape of [`Dialect`].
    #[error("the dialect file does not parse")]
    Parse(#[from] serde_yaml::Error),
    /// A folder given as `--templates` has a file that cannot be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// One dialect file. No key is optional: what is not known of a brand has to be said.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// The brand.
    pub brand: Brand,
    /// The name to show to people.
    pub title: String,
    /// Other names of the brand that are accepted.
    pub aliases: Vec<String>,
    /// Schemes of connection URLs.
    pub url_schemes: Vec<String>,
    /// Near-brands that use the same dialect.
    pub flavours: Vec<String>,
    /// The oldest version of a flavour, where versions are counted in another way there.
    pub minimum_flavour_versions: Vec<(String, String)>,
    /// The oldest version the emitted SQL is written for.
    pub minimum_version: String,
    /// The namespace a name without one means; `null` where the brand has no namespaces.
    pub default_namespace: Option<String>,
    /// How names are written.
    pub identifier: Identifier,
    /// How text literals are written.
    pub literal: Literal,
    /// The form of the n-th parameter of a statement; `{n}` is its number from 1.
    pub placeholder: String,
    /// Marks between statements that the brand's own client needs.
    pub client: Client,
    /// How migration tools name the brand.
    pub tools: Tools,
    /// What the brand can do.
    pub can: Capabilities,
    /// How a runner sleeps until somebody commits; `null` where nothing tells it.
    pub signal: Option<Signal>,
    /// How a server is asked whether it is at work for a session; `null` where none is asked.
    pub at_work: Option<AtWork>,
    /// By what the number of a row can be written besides the name of its column.
    pub row_number_names: Vec<String>,
    /// Types whose canonical text the server may refuse to make for its length.
    pub may_be_too_long: Vec<LogicalType>,
    /// SQL for the SHA-256 of the canonical text `{}`, in lower-case hexadecimal.
    pub hash: String,
    /// Every logical type.
    pub types: BTreeMap<LogicalType, TypeMapping>,
    /// What shows that a DDL text is of the brand.
    pub signs: Signs,
    /// What columns keep of their values: each rule with the base names of its native types. A
    /// type that is not listed keeps every value of its logical type.
    pub fits: BTreeMap<Fit, Vec<String>>,
    /// Types of extensions, which stand in whatever namespace the extension was put.
    pub extension_types: Vec<String>,
    /// Native types that are not carried, by the reason why; an array of them neither.
    pub refused: BTreeMap<String, Vec<String>>,
    /// How tables of another brand are made.
    pub translate: Translate,
    /// What a migration takes, for the person who signs it.
    pub review: Review,
    /// The longest text of a key that the control tables take.
    pub longest_key: LongestKey,
    /// The brand's error codes by what they mean.
    pub faults: FaultCodes,
    /// Which ways of writing the triggers see.
    pub writes: BTreeMap<Write, Seen>,
}

/// How names are written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// Before the name.
    pub open: String,
    /// After the name; inside the name it is doubled.
    pub close: String,
    /// The longest name.
    pub max_length: usize,
    /// What `max_length` counts.
    pub max_unit: LengthUnit,
    /// Whether names that differ in upper and lower case alone are one, as the brand usually is
    /// set up.
    pub ignores_case: bool,
    /// What a name cannot have, besides the character U+0000.
    pub refuses: Vec<Refused>,
}

/// What a brand refuses in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Refused {
    /// A blank or line end as its last character.
    #[serde(rename = "blank at the end")]
    BlankAtEnd,
    /// A character beyond U+FFFF.
    #[serde(rename = "beyond U+FFFF")]
    Supplementary,
}

/// What a length counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LengthUnit {
    /// Bytes of UTF-8.
    Bytes,
    /// Characters.
    Characters,
}

impl LengthUnit {
    /// The length of a text.
    #[must_use]
    pub fn length(self, text: &str) -> usize {
        match self {
            Self::Bytes => text.len(),
            Self::Characters => text.chars().count(),
        }
    }
}

/// What a migration takes, for the person who signs it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// Whether a trigger knows who writes.
    pub names_users: bool,
    /// Whether a migration that fails leaves a part of itself.
    pub whole: String,
    /// What whoever installs needs.
    pub rights: Vec<String>,
    /// The locks, in the order of how much they hold up.
    pub locks: Vec<LockFact>,
    /// What a table that is followed by a GUID takes besides.
    pub guid: Takes,
}

/// What a part of a migration takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Takes {
    /// What whoever installs needs.
    pub rights: Vec<String>,
    /// The locks.
    pub locks: Vec<LockFact>,
}

/// One kind of lock that a migration takes.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LockFact {
    /// The statements.
    pub what: String,
    /// The lock.
    pub takes: String,
    /// Who waits for it.
    pub blocks: String,
    /// For how long, in kind.
    pub lasts: String,
}

/// The longest text of a key.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongestKey {
    /// The length.
    pub max_length: usize,
    /// What `max_length` counts.
    pub max_unit: LengthUnit,
}

/// How text literals are written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Literal {
    /// Before the text, quote included.
    pub open: String,
    /// After the text.
    pub close: String,
    /// Whether a backslash inside has to be doubled.
    pub escapes_backslash: bool,
}

/// What the brand's own command-line client needs around statements.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// A line after each statement, `GO`; empty where a semicolon is enough.
    pub separator: String,
    /// What begins a file of which the client shall do all or nothing.
    pub opening: String,
    /// What ends such a file.
    pub closing: String,
    /// Marks that can end a statement in place of the semicolon, which the client does not tell
    /// from those inside of it; empty where the client does.
    pub delimiters: Vec<String>,
    /// What begins a name that the client replaces anywhere in a file; empty where none does.
    pub replaces: String,
    /// Words and marks that make a line a command of the client, also inside of quotes.
    pub commands: Vec<String>,
}

/// How each migration tool names the brand; empty where it cannot run the brand's files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tools {
    /// Flyway.
    pub flyway: String,
    /// Liquibase: what `dbms` says.
    pub liquibase: String,
    /// sqlx.
    pub sqlx: String,
    /// dbmate.
    pub dbmate: String,
    /// goose.
    pub goose: String,
    /// golang-migrate, which runs a file as one batch.
    pub golang_migrate: String,
    /// Sqitch.
    pub sqitch: String,
    /// Atlas.
    pub atlas: String,
}

/// What a brand can do.
#[expect(clippy::struct_excessive_bools, reason = "a table of yes and no, brand by brand")]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// CREATE and DROP take part in transactions.
    pub roll_back_ddl: bool,
    /// Types, defaults and constraints are changed in place; without, the table is made anew, and
    /// its triggers go with the old one.
    pub alter_columns: bool,
    /// A column's type decides what its values are; without, each value has a type of its own.
    pub type_columns: bool,
    /// A trigger can compute SHA-256.
    pub hash: bool,
    /// Cascades of foreign keys fire triggers.
    pub fire_triggers_on_cascade: bool,
    /// TRUNCATE exists.
    pub truncate: bool,
    /// A trigger can see TRUNCATE.
    pub fire_triggers_on_truncate: bool,
    /// A trigger can read the id of its transaction.
    pub name_transactions: bool,
    /// An outbox id can become visible after a higher one, and nothing tells which are still
    /// open: missing ids have to be looked at again.
    pub leave_gaps: bool,
    /// Whether the lock of a row that is not there keeps others from inserting it, and waits for
    /// one who has.
    pub lock_missing_rows: bool,
    /// Whether a second session may read an inbox while the first imports, neither waiting for the
    /// other. With SQL Server it depends on settings of the database, with SQLite on the journal.
    pub read_beside_a_writer: bool,
    /// A trigger sees a floor of stamps that was raised after its transaction, or the statement
    /// that fired it, began.
    pub see_new_floor: bool,
    /// A row that refers to itself can be deleted.
    pub delete_self_reference: bool,
    /// What tells the triggers that an import is at work ends with a rolled back transaction.
    pub roll_back_import_marker: bool,
    /// A text can hold the character U+0000.
    pub hold_nul: bool,
    /// A number can be NaN or infinite.
    pub hold_not_a_number: bool,
    /// NULL can stand in a unique key any number of times.
    pub repeat_null: bool,
    /// A statement compiles the triggers of the columns that it names, and no others, so that each
    /// column has a trigger of its own.
    pub compile_triggers_of_columns: bool,
    /// Texts that differ in letter case alone are two values of a key, unless its collation or
    /// that of the database says otherwise.
    pub tell_letter_case: bool,
}

/// How a runner sleeps until somebody commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// The channel on which it is told.
    pub channel: String,
    /// The advisory lock that a sleeping runner holds: who cannot share it has somebody to tell.
    pub lock: i64,
}

/// How a server is asked whether it is at work for a session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtWork {
    /// Asks a session for the number that the server knows it by, called `session`; no row where
    /// the server does not show that it is at work for it, as it is right then.
    pub session: String,
    /// Asks by another one, with that number, how many `sessions` of it the server works for.
    pub ask: String,
}

/// One logical type on one brand.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeMapping {
    /// Base names of native types that have this meaning, lower case, without lengths.
    /// `name(n)` with a literal length takes precedence: `tinyint(1)`.
    pub native: Vec<String>,
    /// The type that a translated column gets; `{length}`, `{precision}`, `{scale}` are filled.
    pub declare: String,
    /// SQL for the text of the expression `{}`: with nothing lost, and canonical but for what
    /// [`crate::model::canonical`] mends (the layout of JSON, exponents, whatever an application
    /// stored in a brand whose columns take any text).
    /// `{rtrim}` is the word RTRIM where the native type pads with blanks, else nothing.
    pub to_text: String,
    /// SQL for the value of the canonical text `{}`, in a column of the native type `{native}`.
    /// `{plain}` is that type without its arguments: a cast with them cuts in silence what the
    /// column itself refuses. On brands with unnumbered parameters `{}` stands in it once.
    /// [`TypeMapping::value_of`] fills all of them.
    pub from_text: String,
    /// SQL condition: the expressions `{old}` and `{new}` differ, NULL-safe and exact whatever
    /// the collation.
    pub differs: String,
    /// Session settings under which alone `to_text` gives the canonical text, each `name = value`
    /// as it follows SET; empty where no setting of a session shows in it.
    pub settings: Vec<String>,
    /// Of these settings, the types in whose text each shows; a known type that does not stand
    /// here needs none of them. Empty where all show in all of them.
    #[serde(default)]
    pub shown_in: BTreeMap<String, Vec<String>>,
    /// Types whose name is no type to cast a value of any length to, and the name for that.
    #[serde(default)]
    pub cast_as: BTreeMap<String, String>,
    /// What is not carried, for the documentation and `check`; each begins with `lossy: ` or
    /// `refused: `. Empty where everything is carried.
    pub limits: Vec<String>,
}

/// Error codes by what they mean; whatever is not named is [`crate::db::FaultKind::Rejected`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultCodes {
    /// Try again: deadlock, serialization, lock time-out.
    pub transient: Vec<String>,
    /// A key or reference does not allow the row.
    pub conflict: Vec<String>,
    /// Of these, the ones that say a row referred to is missing, or still referred to.
    pub reference: Vec<String>,
    /// Rights or login are missing.
    pub denied: Vec<String>,
    /// The connection or the server is gone.
    pub gone: Vec<String>,
    /// A table is not there, or another error of the same code; the message names the table.
    pub no_table: Vec<String>,
    /// A statement names a column that is not there, or another error of the same code.
    pub no_column: Vec<String>,
    /// What stands in the brand's messages before and behind a row's value.
    pub around_values: Vec<(String, String)>,
}

impl Dialect {
    /// Reads a dialect file's text.
    ///
    /// # Errors
    /// When a key is missing, unknown or of another shape.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(serde_yaml::from_str(text)?)
    }

    /// The mapping of a logical type.
    ///
    /// # Panics
    /// When the dialect file lacks the type, which `tests/tidy.rs` rules out.
    #[must_use]
    pub fn mapping(&self, logical: LogicalType) -> &TypeMapping {
        self.types.get(&logical).expect("every dialect maps every logical type")
    }

    /// The settings that the `to_text` of some columns need, by their logical and native types;
    /// sorted, each once.
    #[must_use]
    pub fn settings<'a>(
        &self,
        columns: impl IntoIterator<Item = (LogicalType, &'a str)>,
    ) -> Vec<&str> {
        let needed: BTreeSet<&str> = columns
            .into_iter()
            .flat_map(|(logical, native)| {
                let mapping = self.mapping(logical);
                mapping.settings.iter().filter(move |one| self.shows(mapping, one, native))
            })
            .map(String::as_str)
            .collect();
        needed.into_iter().collect()
    }

    /// Whether a setting of a mapping shows in the text of a native type, or of a list of them.
    fn shows(&self, mapping: &TypeMapping, setting: &str, native: &str) -> bool {
        let Some(types) = mapping.shown_in.get(setting) else { return true };
        let plain = native_type::strip_arguments(native);
        let element = native_type::element(&plain);
        types.iter().any(|one| one == element) || !self.has_type(element)
    }

    /// Whether the control tables take the text of a key.
    #[must_use]
    pub fn takes_key(&self, key: &str) -> bool {
        self.longest_key.max_unit.length(key) <= self.longest_key.max_length
    }

    /// The n-th parameter of a statement, from 1.
    #[must_use]
    pub fn parameter(&self, n: usize) -> String {
        self.placeholder.replace("{n}", &n.to_string())
    }
}
