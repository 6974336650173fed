//! The statements that an installation needs besides its scripts.

use serde::Serialize;

use crate::db::LOCK_WAIT;
use crate::dialect::Brand;
use crate::model::Value;
use crate::outbox;
use crate::render::{self, Statement, Templates};

/// Filled templates of one brand.
#[derive(Debug, Clone)]
pub struct Statements {
    pub(super) brand: Brand,
    pub(super) wait_seconds: u64,
    pub(super) columns: Statement,
    pub(super) keys: Statement,
    pub(super) foreign_keys: Statement,
    pub(super) triggers: Statement,
    pub(super) objects: Statement,
    pub(super) read_history: Statement,
    pub(super) write_history: Statement,
    pub(super) delete_history: Statement,
    pub(super) read_programs: Statement,
    pub(super) write_program: Statement,
    pub(super) identify: Statement,
    pub(super) name_node: Statement,
    pub(super) rewind_imports: Vec<Statement>,
    pub(super) count_outbox: Statement,
    pub(super) lock_wait: Vec<Statement>,
    pub(super) lock: Statement,
    pub(super) unlock: Vec<Statement>,
}

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
    wait_seconds: u64,
    wait_milliseconds: u64,
    session_wait_seconds: u64,
    session_wait_milliseconds: u128,
}

impl Statements {
    /// Fills the templates; `wait_seconds` is how long a lock is waited for.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn new(templates: &Templates, wait_seconds: u64) -> Result<Self, render::Error> {
        let brand = templates.brand();
        // Zero means for ever on some brands.
        let wait_seconds = wait_seconds.max(1);
        let context = Context {
            namespace: brand.dialect().default_namespace.as_deref(),
            wait_seconds,
            wait_milliseconds: wait_seconds.saturating_mul(1_000),
            session_wait_seconds: LOCK_WAIT.as_secs(),
            session_wait_milliseconds: LOCK_WAIT.as_millis(),
        };
        let one = |name: &str| templates.statement(name, &context);
        let some = |name: &str| templates.statements(name, &context);
        Ok(Self {
            brand,
            wait_seconds,
            columns: one("introspect/columns")?,
            keys: one("introspect/keys")?,
            foreign_keys: one("introspect/foreign_keys")?,
            triggers: one("introspect/triggers")?,
            objects: one("apply/objects")?,
            read_history: one("apply/read_history")?,
            write_history: one("apply/write_history")?,
            delete_history: one("apply/delete_history")?,
            read_programs: one("apply/read_programs")?,
            write_program: one("run/write_program")?,
            identify: one("run/identify")?,
            name_node: one("run/name_node")?,
            rewind_imports: some("run/rewind_imports")?,
            count_outbox: one("run/count_outbox")?,
            lock_wait: some("apply/lock_wait")?,
            lock: one("apply/lock")?,
            unlock: some("apply/unlock")?,
        })
    }
}

/// A statement with its values.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Bound {
    pub(super) fn new(
        statement: &Statement,
        given: &[(&str, Value)],
    ) -> Result<Self, outbox::Error> {
        Ok(Self { sql: statement.sql.clone(), values: statement.values(given)? })
    }
}
