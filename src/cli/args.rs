//! What may be typed.

mod help;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, ValueHint, value_parser};

use crate::dialect::Brand;
use crate::layout::Layout;
use crate::schema::check::IDS;

/// Where the help lists what may stand with any command.
const EVERY: &str = "With every command";

/// Keeps the databases of one application in step when they are of different brands.
///
/// Reads the application's schema, emits reviewable SQL that captures every change, installs it,
/// and carries the changes between Postgres, SQLite, SQL Server and MySQL or MariaDB.
#[derive(Debug, Parser)]
#[command(name = "outrigger", version, after_long_help = help::OUTRIGGER)]
pub(super) struct Args {
    /// The configuration; default: outrigger.yaml in this folder or the nearest one above
    #[arg(short, long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(help_heading = EVERY)]
    pub(super) config: Option<PathBuf>,

    /// A folder of templates that stand in for the built-in ones of the same name
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    #[arg(help_heading = EVERY)]
    pub(super) templates: Option<PathBuf>,

    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, help_heading = EVERY)]
    pub(super) quiet: bool,

    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Read a schema and write a commented starter configuration
    #[command(after_long_help = help::INIT)]
    Init(Init),
    /// Report findings on schema and configuration
    #[command(after_long_help = help::CHECK)]
    Check(Check),
    /// Write the SQL of each dialect, or compare it with what is on disk
    #[command(after_long_help = help::GENERATE)]
    Generate(Generate),
    /// Write the report for the person who signs the SQL
    ///
    /// The flow as a picture, what is recorded when with example rows, the cost of a write, the
    /// exact SQL, the locks and rights it takes, the findings, and how to verify, switch off and
    /// remove it.
    #[command(after_long_help = help::REVIEW)]
    Review(Review),
    /// Say what a change of the schema means for triggers and view, and in what order
    ///
    /// OLD and NEW are each a file or folder of DDL, a live database (`node:NAME`, or its URL), or
    /// a folder that `generate` wrote. What goes leaves triggers and view before the application's
    /// own migration, what comes enters them after it. The exit code is 1 when there are
    /// differences.
    #[command(after_long_help = help::DIFF)]
    Diff(Diff),
    /// Write the application's own tables for another dialect
    ///
    /// The tables that the configuration follows and those they refer to, so that a new node can
    /// be made from nothing. What is lost is said on stderr; the exit code is 1 when somebody has
    /// to look at it.
    #[command(after_long_help = help::TRANSLATE)]
    Translate(Translate),
    /// Install the SQL on a node
    #[command(after_long_help = help::APPLY)]
    Apply(Apply),
    /// Detect drift between a node and what should be installed there
    #[command(after_long_help = help::VERIFY)]
    Verify(Verify),
    /// Try on a node which ways of writing are really captured, and leave nothing behind
    ///
    /// The node's user needs the right to make a schema, on MySQL a database. The exit code is 1
    /// when something is not captured that should be.
    #[command(after_long_help = help::PROBE)]
    Probe(Probe),
    /// Uninstall, and leave the database as it was
    #[command(after_long_help = help::REMOVE)]
    Remove(Remove),
    /// Carry changes from outboxes to inboxes, once
    #[command(after_long_help = help::TRANSPORT)]
    Transport(Transport),
    /// Bring changes from inboxes into the application's tables, once
    #[command(after_long_help = help::IMPORT)]
    Import(Import),
    /// Transport and import for all routes, until stopped
    #[command(after_long_help = help::RUN)]
    Run(Run),
    /// Show how far each route is
    #[command(after_long_help = help::STATUS)]
    Status(Status),
    /// List, show, retry or drop changes that could not be imported
    #[command(after_long_help = help::QUARANTINE)]
    Quarantine(Quarantine),
    /// List, show or forget what was lost when two nodes changed the same
    #[command(after_long_help = help::CONFLICTS)]
    Conflicts(Conflicts),
    /// Delete from outboxes and inboxes what nobody needs any more
    ///
    /// Only what is older than its retention under `limits`, and never what a route has still to
    /// carry. What is held back is listed with what needs it; the exit code is 1 then.
    #[command(after_long_help = help::PURGE)]
    Purge(Purge),
    /// Bring a node back that was restored from a backup
    ///
    /// The node gets back what only the others still have of its changes, its new changes get ids
    /// that nobody has seen, and it begins a new epoch, which the others accept. An attempt that
    /// was interrupted can be repeated. Let the node's application wait meanwhile.
    #[command(after_long_help = help::REJOIN)]
    Rejoin(Rejoin),
    /// Walk through the whole story on databases of its own
    ///
    /// Insert, update and delete in both directions, and two edits of one row at once: each with
    /// the SQL, the outbox, the inboxes and the tables. Every step is checked; the exit code is 1
    /// when a check fails. The page is 100 characters wide, or as wide as COLUMNS says.
    #[command(after_long_help = help::DEMO)]
    Demo(Demo),
    /// Print the completions of a shell
    #[command(after_long_help = help::COMPLETIONS)]
    Completions(Completions),
}

#[derive(Debug, ClapArgs)]
pub(super) struct Init {
    /// A file or folder of DDL, or the connection URL of a live database
    #[arg(long, value_name = "FILE|DIR|URL", value_hint = ValueHint::AnyPath)]
    pub(super) from: String,
    /// The dialect of the DDL; guessed from its text when not given
    #[arg(long, value_parser = brand())]
    pub(super) dialect: Option<Brand>,
    /// The configuration to write
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_NAME)]
    pub(super) out: PathBuf,
    /// Overwrite an existing configuration
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Check {
    /// How to say it
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub(super) format: CheckFormat,
    /// A node whose settings and rights are looked at as well
    #[arg(long, value_name = "NODE")]
    pub(super) node: Vec<String>,
    /// An id of findings to leave out
    #[arg(long, value_name = "ID", value_parser = PossibleValuesParser::new(IDS))]
    pub(super) allow: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Generate {
    /// A dialect to write; default: those of the configured nodes
    #[arg(long, value_parser = brand())]
    pub(super) dialect: Vec<Brand>,
    /// The tool whose files to write; all but `plain` only add to what is there
    #[arg(long, default_value = "plain", value_parser = layout())]
    pub(super) layout: Layout,
    /// The version of the first new migration; default: one above the highest in the folder
    #[arg(long, value_name = "NUMBER")]
    pub(super) next_version: Option<String>,
    /// The folder to write to; default: `sql` beside the configuration
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,
    /// Write nothing; show how the files on disk differ, and exit with 1 if they do
    #[arg(long)]
    pub(super) check: bool,
    /// Overwrite files that were not generated
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Review {
    /// The file to write, `.html` or `.md`; default: Markdown on stdout
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) out: Option<PathBuf>,
    /// A dialect to report on; default: those of the configured nodes
    #[arg(long, value_parser = brand())]
    pub(super) dialect: Vec<Brand>,
    /// A node to compare with what is installed there
    #[arg(long, value_name = "NODE")]
    pub(super) node: Vec<String>,
    /// Overwrite a file that is no report
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Diff {
    /// What is there: DDL, `node:NAME`, a URL, or what `generate` wrote
    #[arg(value_name = "OLD", value_hint = ValueHint::AnyPath)]
    pub(super) old: String,
    /// What shall be there, in the same forms
    #[arg(value_name = "NEW", value_hint = ValueHint::AnyPath)]
    pub(super) new: String,
    /// A dialect; default: that of the live node or generated folder, or all configured ones
    #[arg(long, value_parser = brand())]
    pub(super) dialect: Vec<Brand>,
    /// A node whose dialect it is for
    #[arg(long, value_name = "NODE")]
    pub(super) node: Vec<String>,
    /// A table (`old=new`) or column (`table.old=new`) that only got another name
    #[arg(long, value_name = "OLD=NEW")]
    pub(super) renamed: Vec<String>,
    /// A folder to write `1-before.sql` and `2-after.sql` of each dialect to
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) listing: Listing,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Translate {
    /// The dialect to write
    #[arg(long, value_name = "DIALECT", value_parser = brand())]
    pub(super) to: Brand,
    /// The file to write; default: stdout
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) out: Option<PathBuf>,
    /// All tables that were read, not only the followed ones and those they refer to
    #[arg(long)]
    pub(super) all: bool,
    /// Overwrite a file that was not generated
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Apply {
    /// The node to install on
    #[arg(long, value_name = "NODE")]
    pub(super) node: String,
    /// Print the SQL that would be run, and run none of it
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Also drop objects that the configuration no longer explains
    #[arg(long)]
    pub(super) allow_drop: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Verify {
    /// The node to look at
    #[arg(long, value_name = "NODE")]
    pub(super) node: String,
    #[command(flatten)]
    pub(super) listing: Listing,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Probe {
    /// The node to try it on
    #[arg(long, value_name = "NODE")]
    pub(super) node: String,
    #[command(flatten)]
    pub(super) listing: Listing,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Remove {
    /// The node to uninstall from
    #[arg(long, value_name = "NODE")]
    pub(super) node: String,
    /// Print the SQL that would be run, and run none of it
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Transport {
    /// Ids of routes; default: all
    #[arg(value_name = "ROUTE")]
    pub(super) routes: Vec<i64>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Import {
    /// Nodes whose inboxes are imported; default: all
    #[arg(value_name = "NODE")]
    pub(super) nodes: Vec<String>,
    /// Say what would be done, and leave everything as it is
    #[arg(long)]
    pub(super) dry_run: bool,
    /// With --dry-run: what would become of each change, and why
    #[arg(long, requires = "dry_run")]
    pub(super) explain: bool,
    /// How to say it
    #[arg(long, value_enum, requires = "dry_run", default_value_t = Format::Text)]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Run {
    /// The pause between two iterations: 500ms, 5s, 2m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub(super) every: Duration,
    /// Stop by itself after so many iterations
    #[arg(long, value_name = "N")]
    pub(super) iterations: Option<u64>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Status {
    /// Show it again every two seconds
    #[arg(long)]
    pub(super) watch: bool,
    #[command(flatten)]
    pub(super) listing: Listing,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Quarantine {
    #[command(subcommand)]
    pub(super) action: QuarantineAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum QuarantineAction {
    /// List the changes that wait, with their reasons
    List {
        /// A node; default: all
        #[arg(long, value_name = "NODE")]
        node: Option<String>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show one change, its values included
    Show {
        /// Its id in the node's inbox
        id: i64,
        /// The node
        #[arg(long, value_name = "NODE")]
        node: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Import changes again
    #[command(group = clap::ArgGroup::new("which").required(true))]
    Retry {
        /// An id in the node's inbox
        #[arg(group = "which")]
        id: Option<i64>,
        /// All that wait on the node
        #[arg(long, group = "which")]
        all: bool,
        /// The node
        #[arg(long, value_name = "NODE")]
        node: String,
    },
    /// Give a change up, for good
    Drop {
        /// Its id in the node's inbox
        id: i64,
        /// The node
        #[arg(long, value_name = "NODE")]
        node: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct Conflicts {
    #[command(subcommand)]
    pub(super) action: ConflictsAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConflictsAction {
    /// List the conflicts that were decided, the newest first
    List {
        /// A node; default: all
        #[arg(long, value_name = "NODE")]
        node: Option<String>,
        /// At most so many of each node
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show one conflict with both versions and the rule that decided
    Show {
        /// Its id on the node
        id: i64,
        /// The node
        #[arg(long, value_name = "NODE")]
        node: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Forget conflicts that were looked at
    #[command(group = clap::ArgGroup::new("which").required(true))]
    Drop {
        /// An id on the node
        #[arg(group = "which")]
        id: Option<i64>,
        /// All up to and with an id
        #[arg(long, group = "which", value_name = "ID")]
        up_to: Option<i64>,
        /// The node
        #[arg(long, value_name = "NODE")]
        node: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct Purge {
    /// Nodes to purge; default: all
    #[arg(value_name = "NODE")]
    pub(super) nodes: Vec<String>,
    /// A route that is no longer in the configuration, and shall not be waited for
    ///
    /// Where it comes back, it is refused as long as it lacks what was deleted.
    #[arg(long, value_name = "ROUTE")]
    pub(super) forget: Vec<i64>,
    /// Let a route go on that lacks what was deleted; nothing is purged
    ///
    /// For a target that was filled by other means.
    #[arg(long, value_name = "ROUTE", conflicts_with_all = ["nodes", "forget", "dry_run"])]
    pub(super) admit: Option<i64>,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) listing: Listing,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Rejoin {
    /// The node that was restored
    #[arg(long, value_name = "NODE")]
    pub(super) node: String,
    /// A node that cannot be reached, and shall not be waited for
    ///
    /// What only that node has of the restored one's changes stays lost until `rejoin` is run
    /// again with it; its route is refused until then.
    #[arg(long, value_name = "NODE")]
    pub(super) without: Vec<String>,
    /// The database is another one on purpose, and takes the place of the old one
    #[arg(long)]
    pub(super) replaced: bool,
    /// Say what would be done, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) listing: Listing,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Demo {
    /// How many SQLite databases take part, 2 to 9; from 3 on the first one is a hub
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = value_parser!(u8).range(2..=9))]
    pub(super) nodes: u8,
    /// Keep what was made, the databases and their configuration in this folder
    ///
    /// The folder has to be empty or not there yet.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) keep: Option<PathBuf>,
    /// A database of any brand to take part instead; give two or more
    ///
    /// The demo makes the table `sales_order` there and begins only where that is in nobody's
    /// way. At the end it removes what it made, unless `--keep` is given. The file of a SQLite
    /// database has to exist, or the URL to end in `?mode=rwc`.
    #[arg(long = "node", value_name = "URL", conflicts_with = "nodes")]
    pub(super) urls: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Completions {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

/// Options of verbs that list something.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub(super) struct Listing {
    /// How to list
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Commands that annotate a GitHub workflow's files
    Github,
    /// The SQL that mends what SQL can mend, for each node; the findings are not shown
    Sql,
}

/// A brand by its name or one of the names that people use besides.
fn brand() -> impl TypedValueParser<Value = Brand> {
    let value = |brand: Brand| {
        let aliases = brand.dialect().aliases.iter().map(String::as_str);
        PossibleValue::new(brand.name()).aliases(aliases)
    };
    PossibleValuesParser::new(Brand::ALL.map(value))
        .try_map(|name| Brand::from_name(&name).ok_or("not a dialect"))
}

/// A layout by its name.
fn layout() -> impl TypedValueParser<Value = Layout> {
    PossibleValuesParser::new(Layout::ALL.map(Layout::name))
        .try_map(|name| Layout::from_name(&name).ok_or("not a layout"))
}

/// `500ms`, `5s`, `2m`, `1h`; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "a number with ms, s, m or h is expected, such as 5s";
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| EXPECTED)?;
    let milliseconds = match &text[digits.len()..] {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err(EXPECTED),
    };
    milliseconds.map(Duration::from_millis).ok_or(EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        assert!(duration("fast").is_err() && duration("5d").is_err() && duration("-1s").is_err());
        assert!(duration("99999999999999999999h").is_err() && duration("").is_err());
    }
}
