//! The importer's own statements, rendered once.

use serde::Serialize;

use super::versions::VersionWriter;
use crate::outbox::{Error, Inbox, LOAD_ROWS, PageSize, SAVEPOINT, WindowStatements};
use crate::render::{Statement, Templates};

/// Statements on the control tables of one node.
#[derive(Clone)]
pub(super) struct Statements {
    pub(super) window: WindowStatements,
    pub(super) read_program: Statement,
    pub(super) lock_program: Statement,
    pub(super) advance_cursor: Statement,
    pub(super) inbox: Inbox,
    pub(super) read_inbox_row: Statement,
    pub(super) enter_import: Statement,
    pub(super) leave_import: Statement,
    pub(super) savepoint: Statement,
    pub(super) rollback_to_savepoint: Statement,
    pub(super) release_savepoint: Statement,
    pub(super) read_versions: Statement,
    pub(super) versions: VersionWriter,
    pub(super) raise_floor: Statement,
    pub(super) lock_node: Statement,
    pub(super) write_fold_cursor: Statement,
    pub(super) read_quarantine: Statement,
    pub(super) read_quarantined: Statement,
    pub(super) write_quarantine: Statement,
    pub(super) leave_quarantine: Statement,
    pub(super) read_retries: Statement,
    pub(super) read_old_values: Statement,
    pub(super) write_conflicts: Statement,
    pub(super) write_own_change: Statement,
    pub(super) has_unimported: Statement,
    pub(super) list_unimported: Statement,
    pub(super) list_earlier: Statement,
    pub(super) read_purges: Statement,
    /// Checks what was deferred; none where nothing is, or only a commit tells.
    pub(super) check_deferred: Vec<Statement>,
}

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
    page_rows: usize,
    load_rows: usize,
    savepoint: &'static str,
}

impl Statements {
    pub(super) fn new(templates: &Templates, size: PageSize) -> Result<Self, Error> {
        let namespace = templates.brand().dialect().default_namespace.as_deref();
        let context =
            Context { namespace, page_rows: size.rows, load_rows: LOAD_ROWS, savepoint: SAVEPOINT };
        let statement = |name: &str| templates.statement(&format!("run/{name}"), &context);
        Ok(Self {
            window: WindowStatements::for_fold(templates, size)?,
            read_program: statement("read_program")?,
            lock_program: statement("lock_program")?,
            advance_cursor: statement("advance_cursor")?,
            inbox: Inbox::new(templates, size)?,
            read_inbox_row: statement("read_inbox_row")?,
            enter_import: statement("enter_import")?,
            leave_import: statement("leave_import")?,
            savepoint: statement("savepoint")?,
            rollback_to_savepoint: statement("rollback_to_savepoint")?,
            release_savepoint: statement("release_savepoint")?,
            read_versions: statement("read_versions")?,
            versions: VersionWriter::new(
                statement("write_versions")?,
                templates.statements("run/load_versions", &context)?,
            ),
            raise_floor: statement("raise_floor")?,
            lock_node: statement("lock_node")?,
            write_fold_cursor: statement("write_fold_cursor")?,
            read_quarantine: statement("read_quarantine")?,
            read_quarantined: statement("read_quarantined")?,
            write_quarantine: statement("write_quarantine")?,
            leave_quarantine: statement("leave_quarantine")?,
            read_retries: statement("read_retries")?,
            read_old_values: statement("read_old_values")?,
            write_conflicts: statement("write_conflicts")?,
            write_own_change: statement("write_own_change")?,
            has_unimported: statement("has_unimported")?,
            list_unimported: statement("list_unimported")?,
            list_earlier: statement("list_earlier")?,
            read_purges: statement("read_purges")?,
            check_deferred: templates.statements("run/check_deferred", &context)?,
        })
    }
}
