//! What can go wrong anywhere, and what to do next.

use std::path::PathBuf;

use crate::config::{self, closest};
use crate::db::{Fault, FaultKind};
use crate::dialect::Brand;
use crate::model::{Location, NodeId};
use crate::{apply, dialect, import, layout, plan, render, review, runner, schema, transport};

/// Shorthand.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of any room.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The application's schema.
    #[error(transparent)]
    Schema(Box<schema::Error>),
    /// A plan that cannot be made.
    #[error(transparent)]
    Plan(#[from] plan::Error),
    /// A template.
    #[error(transparent)]
    Render(#[from] render::Error),
    /// A program of a route.
    #[error(transparent)]
    Runner(Box<runner::Error>),
    /// A node's inbox or quarantine.
    #[error("node `{node}` could not be asked")]
    Import {
        /// The node.
        node: NodeId,
        /// The cause.
        source: Box<import::Error>,
    },
    /// A route that the configuration does not have.
    #[error("there is no route {route}")]
    NoRoute {
        /// What was asked for.
        route: i64,
        /// What there is.
        known: Vec<String>,
    },
    /// A conflict that is not on the list.
    #[error("node `{node}` has no conflict {id}")]
    NoConflict {
        /// The node.
        node: NodeId,
        /// Its id.
        id: i64,
    },
    /// A change that is not in quarantine.
    #[error("change {id} is not in the quarantine of node `{node}`")]
    NotQuarantined {
        /// The node.
        node: NodeId,
        /// The change's id in the inbox.
        id: i64,
    },
    /// A dialect file.
    #[error(transparent)]
    Dialect(#[from] dialect::Error),
    /// An installation, or its removal.
    #[error(transparent)]
    Apply(Box<apply::Error>),
    /// What a node's database refused.
    #[error("node `{node}` ({brand}) refused")]
    Node {
        /// The node.
        node: NodeId,
        /// Its brand.
        brand: Brand,
        /// The cause.
        source: Fault,
    },
    /// No session with a node.
    #[error("could not reach node `{node}` ({brand})")]
    Unreachable {
        /// The node.
        node: NodeId,
        /// Its brand.
        brand: Brand,
        /// The cause.
        source: Fault,
    },
    /// No session with a database that is no node.
    #[error("could not reach `{url}`")]
    UnreachableUrl {
        /// Its URL without the password.
        url: String,
        /// The cause.
        source: Fault,
    },
    /// A node that the configuration does not have.
    #[error("there is no node `{node}`")]
    NoNode {
        /// What was asked for.
        node: String,
        /// What there is.
        known: Vec<String>,
    },
    /// What the demo does not do.
    #[error(transparent)]
    Demo(#[from] crate::cli::Refusal),
    /// No configuration.
    #[error("there is no `{}` in this folder or one above it", crate::cli::CONFIG_NAME)]
    NoConfig,
    /// A file that cannot be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file that cannot be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file that is not to be overwritten unasked.
    #[error("`{}` {reason}", path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
        /// Completes the sentence.
        reason: &'static str,
    },
    /// Migrations that cannot be written.
    #[error("no migration was written into `{}`", path.display())]
    Layout {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: Box<layout::Error>,
    },
    /// Statements that a client would read otherwise.
    #[error(transparent)]
    Unfit(Box<layout::Error>),
    /// A side of a comparison that cannot be read, or a file of it that cannot be written.
    #[error(transparent)]
    Diff(Box<layout::Error>),
    /// Generated SQL that does not say what it was made from.
    #[error("`{}` does not say from which tables its SQL was generated", path.display())]
    NoState {
        /// The folder.
        path: PathBuf,
    },
    /// A file of a comparison that is there with something else in it.
    #[error("`{}` is there and has something else in it", path.display())]
    OtherDiff {
        /// The file.
        path: PathBuf,
    },
    /// A report that cannot be made.
    #[error(transparent)]
    Review(#[from] review::Error),
    /// A report of no known form.
    #[error("`{}` is neither `.html` nor `.md`", path.display())]
    NoForm {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// DDL of another brand than the one that was said.
    #[error("this is no {given}, it looks like {}: {}", sign.brand, sign.seen)]
    WrongDialect {
        /// What was said.
        given: Brand,
        /// What shows it, and what it looks like.
        sign: Box<schema::Sign>,
    },
    /// A folder without DDL.
    #[error("there is no `*.sql` file in `{}`", path.display())]
    NoSql {
        /// The folder.
        path: PathBuf,
    },
    /// A folder of templates without templates.
    #[error("there is no folder of a dialect in `{}`", path.display())]
    NoTemplates {
        /// The folder.
        path: PathBuf,
    },
    /// A DDL text of which no brand is evident.
    #[error("could not tell the dialect of `{from}`")]
    NoDialect {
        /// Where the text came from.
        from: String,
    },
    /// A DDL text without a table.
    #[error("no table was found in `{from}`")]
    NoTable {
        /// Where the text came from, without a password.
        from: String,
    },
}

impl From<apply::Error> for Error {
    fn from(error: apply::Error) -> Self {
        Self::Apply(Box::new(error))
    }
}

impl From<schema::Error> for Error {
    fn from(error: schema::Error) -> Self {
        Self::Schema(Box::new(error))
    }
}

impl From<runner::Error> for Error {
    fn from(error: runner::Error) -> Self {
        Self::Runner(Box::new(error))
    }
}

impl Error {
    /// A node's inbox or quarantine could not be asked.
    #[must_use]
    pub fn import(node: &NodeId, source: import::Error) -> Self {
        Self::Import { node: node.clone(), source: Box::new(source) }
    }

    /// The place that is wrong, where it is one in a file.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::Config(error) => Some(error.location()),
            Self::Schema(error) => error.location(),
            Self::WrongDialect { sign, .. } => Some(&sign.location),
            _ => None,
        }
    }

    /// What to do next; nothing rather than something vague.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => config_hint(error),
            Self::Plan(error) => Some(plan_hint(error)),
            Self::NoNode { node, known } => Some(suggestion(node, known)),
            Self::NoRoute { known, .. } => Some(format!("the routes are {}", known.join(", "))),
            Self::NoConflict { node, .. } => {
                Some(format!("`outrigger conflicts list --node {node}` shows what there is"))
            }
            Self::NotQuarantined { node, .. } => {
                Some(format!("`outrigger quarantine list --node {node}` shows what is"))
            }
            Self::Runner(error) => runner_hint(error),
            Self::Import { source, .. } => source.fault().and_then(|fault| fault_hint(fault.kind)),
            Self::Render(render::Error::Template { .. }) => {
                Some("the template's own text is wrong; leave `--templates` out to compare".into())
            }
            Self::Render(render::Error::NoSuchTemplate { .. }) => {
                Some("a template of your own replaces a built-in one of the same name".into())
            }
            Self::Demo(refusal) => Some(refusal.hint().to_owned()),
            Self::Schema(error) if matches!(**error, schema::Error::TooLarge { .. }) => {
                Some("dump the wanted tables alone, or read the schema from a live node".into())
            }
            Self::NoConfig => Some(
                "write one with `outrigger init --from schema.sql`, or name it with `-c`"
                    .to_owned(),
            ),
            Self::Layout { source, .. } | Self::Unfit(source) => layout_hint(source),
            Self::Diff(source) => diff_hint(source),
            Self::NoState { .. } => Some(
                "`outrigger generate` of this version writes it; the DDL from then does as well"
                    .to_owned(),
            ),
            Self::OtherDiff { .. } => {
                Some("say another folder with `--out`, or remove it".to_owned())
            }
            Self::NoForm { .. } => {
                Some("without `--out` the report is Markdown on stdout".to_owned())
            }
            Self::Review(review::Error::Plan(_)) => {
                Some("`outrigger check` finds all such places".to_owned())
            }
            Self::Occupied { .. } => Some("`--force` overwrites it".to_owned()),
            Self::NoDialect { .. } => {
                let names = Brand::ALL.map(Brand::name).join(", ");
                Some(format!("say it with `--dialect`: {names}"))
            }
            Self::WrongDialect { sign, .. } => {
                let likely = sign.brand;
                Some(format!("`--dialect {likely}`, or `dialect: {likely}` under `schema:`"))
            }
            Self::Unreachable { source, brand: Brand::Sqlite, .. } => sqlite_hint(source.kind),
            Self::Unreachable { source, .. } | Self::UnreachableUrl { source, .. } => {
                fault_hint(source.kind)
            }
            Self::Apply(error) => apply_hint(error),
            Self::Schema(_)
            | Self::Render(render::Error::Document { .. })
            | Self::Review(_)
            | Self::Dialect(_)
            | Self::NoTemplates { .. }
            | Self::Node { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::NoSql { .. }
            | Self::NoTable { .. } => None,
        }
    }
}

fn plan_hint(error: &plan::Error) -> String {
    let hint = match error {
        plan::Error::NoKey { .. } => "add a key, name one under `key`, or skip the table",
        plan::Error::BadRename { .. } => {
            "`--renamed old=new` for a table, `--renamed table.old=new` for a column"
        }
        _ => "`outrigger check` finds all such places",
    };
    hint.to_owned()
}

fn diff_hint(error: &layout::Error) -> Option<String> {
    let hint = match error {
        layout::Error::Broken { .. } => "run `outrigger generate` with the tables from then again",
        layout::Error::Unfit { .. } => "`--format json` has the statements one by one",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn layout_hint(error: &layout::Error) -> Option<String> {
    use layout::Error as E;
    let hint = match error {
        E::Edited { .. } | E::Broken { .. } => {
            "a migration that was applied must stay as it is: take the file back from version \
             control; what shall change belongs into the configuration"
        }
        E::OtherLayout { .. } => "say the layout that it has, or another folder with `--out`",
        E::Exists { .. } => "say a free version with `--next-version`",
        E::ControlChanged { .. } => {
            "no migration may drop that table: `outrigger remove`, then an empty folder"
        }
        E::Version { .. } => "say one with `--next-version`",
        E::Unfit { .. } => {
            "another layout may take it; else rename it, skip its table, or leave the brand out"
        }
        E::NotRun { .. } => "choose the dialects of one tool with `--dialect`",
        E::Render(_) => return None,
    };
    Some(hint.to_owned())
}

fn config_hint(error: &config::Error) -> Option<String> {
    match error {
        config::Error::Unknown { word, allowed, .. } => Some(suggestion(word, allowed)),
        config::Error::UnsetVariable { name, .. } => {
            Some(format!("set it in the environment: `export {name}=…`"))
        }
        config::Error::CollidingRoutes { .. } => {
            Some("number routes in steps of two: 1000, 1002, 1004".to_owned())
        }
        _ => None,
    }
}

fn apply_hint(error: &apply::Error) -> Option<String> {
    let hint = match error {
        apply::Error::NoTable { .. } => {
            "install the application's schema first, or `skip` the table in the configuration"
        }
        apply::Error::NoColumn { .. } | apply::Error::OtherType { .. } => {
            "the schema that the configuration names has to fit every node: bring one of them up \
             to date, or `ignore` the column"
        }
        apply::Error::Foreign { .. } => {
            "if another tool installed the generated files, leave it to that tool, or let it run \
             the `.down.sql` files first; nothing of somebody else is ever dropped"
        }
        apply::Error::WrongNode { .. } => "check the URLs of the nodes: two may be exchanged",
        apply::Error::ControlChanged { .. } => {
            "when all changes have been carried, `outrigger remove` and `outrigger apply` make all \
             anew, and `outrigger rejoin --replaced` brings the node back among the others"
        }
        apply::Error::NeedsAllowDrop { .. } => {
            "`skip` what shall no longer be followed, or give `--allow-drop`"
        }
        apply::Error::Locked { .. } => {
            "try again later, or raise `lock_wait_seconds` under `limits`"
        }
        apply::Error::Script { source, .. } if source.kind == FaultKind::Transient => {
            "a session of the application holds a table: try again later, or raise \
             `lock_wait_seconds` under `limits`"
        }
        apply::Error::OutboxNotEmpty { .. } => {
            "carry them with `outrigger transport`; `--yes` gives up what has not been carried"
        }
        apply::Error::ProgramTaken { .. } => {
            "give the route another id: a program's pointer belongs to one outbox"
        }
        apply::Error::Call(_) | apply::Error::Script { .. } => return None,
    };
    Some(hint.to_owned())
}

fn sqlite_hint(kind: FaultKind) -> Option<String> {
    match kind {
        FaultKind::Gone => Some(
            "check the path of the node's URL; a file has to exist, or the URL to end in \
             `?mode=rwc`"
                .to_owned(),
        ),
        kind => fault_hint(kind),
    }
}

fn fault_hint(kind: FaultKind) -> Option<String> {
    match kind {
        FaultKind::Denied => Some("check user, password and rights of the node's URL".to_owned()),
        FaultKind::Gone => Some("check host and port of the node's URL".to_owned()),
        FaultKind::Uninstalled => Some(
            "`outrigger apply` on that node makes the control tables that are missing".to_owned(),
        ),
        FaultKind::Transient => Some(
            "another session was in the way; nothing of this is done, and the next turn tries it \
             again"
                .to_owned(),
        ),
        FaultKind::Conflict | FaultKind::Rejected => None,
    }
}

fn suggestion(word: &str, allowed: &[String]) -> String {
    match closest(word, allowed.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there is `{}`", allowed.join("`, `")),
    }
}

fn runner_hint(error: &runner::Error) -> Option<String> {
    use crate::transport::{Error as Transport, Stale};
    match error {
        runner::Error::Rejoin(refusal) => Some(rejoin_hint(refusal)),
        runner::Error::Mismatch { node, .. } => {
            Some(format!("run `outrigger apply --node {node}` after the application's migration"))
        }
        runner::Error::WrongNode { expected, .. }
        | runner::Error::Transport { source: Transport::WrongNode { expected, .. }, .. }
        | runner::Error::Import { source: import::Error::WrongNode { expected, .. }, .. } => {
            Some(format!("check the URL of node `{expected}`, or run `outrigger apply` on it"))
        }
        runner::Error::Transport { route, source: Transport::Stale { node, reason } } => {
            Some(match reason {
                Stale::Replaced => format!(
                    "check the URL of node `{node}`: two nodes may have one id; if the database \
                     was replaced on purpose, `outrigger rejoin --node {node} --replaced`"
                ),
                Stale::Purged { .. } => format!(
                    "fill its target with what node `{node}` has, then `outrigger purge --admit \
                     {route}`"
                ),
                Stale::Unasked { .. } => {
                    format!("run `outrigger rejoin --node {node}` while both nodes can be reached")
                }
                _ => format!("run `outrigger rejoin --node {node}`"),
            })
        }
        runner::Error::Transport { source: Transport::Skew { .. }, .. } => Some(
            "set the clocks by a time server, or raise `skew_refusal` under `limits`".to_owned(),
        ),
        runner::Error::Import { source: import::Error::SetTooLarge { .. }, .. } => Some(
            "raise `change_set_rows` under `limits`: what one transaction changed is never \
             imported in parts"
                .to_owned(),
        ),
        runner::Error::Transport { source: Transport::NoProgram { node, .. }, .. } => {
            Some(format!("run `outrigger apply --node {node}`"))
        }
        runner::Error::Transport { source: Transport::OtherRoute { .. }, .. }
        | runner::Error::Import { source: import::Error::OtherRoute { .. }, .. } => Some(
            "give the route another id, or set `fromserver` and `toserver` right: a program's \
             pointer belongs to one outbox"
                .to_owned(),
        ),
        _ => match error.misplaced() {
            Some((program, reason)) => Some(misplaced_hint(program, reason)),
            None => error.fault().and_then(|fault| fault_hint(fault.kind)),
        },
    }
}

fn misplaced_hint(program: i64, reason: &transport::Misplaced) -> String {
    let row = format!("in row {program} of `ds_program_parameter` set");
    match reason {
        transport::Misplaced::Forward { reached, .. } => {
            format!("{row} `fromoutboxpointer` to {reached}, where it was, or to less")
        }
        _ => format!(
            "{row} `fromoutboxpointer` to 0 and `cursor_state` to NULL: it begins anew, and what \
             has arrived already is known"
        ),
    }
}

fn rejoin_hint(refusal: &runner::Refusal) -> String {
    use runner::Refusal;
    match refusal {
        Refusal::Away { away, .. } => format!(
            "try again when they answer; `--without {}` goes on without what only they have",
            away.first().map_or("NODE", NodeId::as_str)
        ),
        Refusal::Replaced { node } => format!(
            "check the URL of node `{node}`: two nodes may have one id; if the database was \
             replaced on purpose, `outrigger rejoin --node {node} --replaced`"
        ),
        Refusal::NoWayIn { node, .. } => {
            format!("add a route to node `{node}`, `outrigger apply` it, and rejoin again")
        }
        Refusal::Stopped { .. } => "set its `active_flag` to Y, and rejoin again".to_owned(),
        Refusal::Ambiguous { .. } => "rejoin again when all nodes answer".to_owned(),
    }
}
