//! Findings about a schema and the configuration that is to follow it.
//!
//! A finding is no error: [`check`] returns all of them, sorted. Each id has a section in
//! `docs/findings.md`.

mod brands;
mod columns;
mod cost;
mod guid;
mod keys;
mod policies;
mod references;
mod rules;
mod server;
mod suppress;
#[cfg(test)]
mod tests;
mod writes;

use serde::Serialize;

pub use columns::looks_secret;
pub use cost::{Cost, cost};
pub use server::check_server;
pub use suppress::{Sifted, Suppressed, sift};

use super::{Skipped, identified};
use crate::config::{Config, TableOptions, TableRule};
use crate::dialect::Brand;
use crate::model::{Column, Location, Schema, Table, TableName};

/// Every id, sorted.
pub const IDS: [&str; 47] = [
    "auto-increment-key",
    "binary-log-trust",
    "bulk-load",
    "compatibility-level",
    "disabled-trigger",
    "foreign-key-to-unfollowed",
    "guid-added",
    "guid-column",
    "guid-fill",
    "guid-referred",
    "hash-does-not-fit",
    "hash-unsupported",
    "journal-mode",
    "key-not-unique",
    "last-update-type",
    "literal-password",
    "mysql-cascade",
    "naive-last-update",
    "name-collision",
    "name-refused",
    "name-too-long",
    "no-key",
    "no-last-update",
    "node-without-route",
    "not-transactional",
    "not-utf8",
    "nullable-key",
    "partition-swap",
    "policy-on-key",
    "read-only-server",
    "required-column-left-out",
    "right-missing",
    "rule-without-table",
    "secret-column",
    "server-too-old",
    "sqlite-replace",
    "text-key",
    "triggers-off",
    "truncate",
    "type-limits",
    "unique-key",
    "unknown-column",
    "unmappable-type",
    "unmapped-table",
    "unparsed-statement",
    "unused-suppression",
    "write-cost",
];

/// Of these, the ones that only a look at a running server gives.
pub const LIVE_IDS: [&str; 9] = [
    "binary-log-trust",
    "compatibility-level",
    "journal-mode",
    "not-transactional",
    "not-utf8",
    "read-only-server",
    "right-missing",
    "server-too-old",
    "triggers-off",
];

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing can be generated, or what is generated cannot work.
    Error,
    /// Data may be lost, shown or refused later.
    Warning,
    /// Good to know.
    Info,
}

impl Severity {
    /// `error`, `warning` or `info`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Something to know before the databases are touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable; see [`IDS`].
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence: what, where.
    pub message: String,
    /// The place in a DDL file or in the configuration.
    pub location: Option<Location>,
    /// The table, as `object_table` has it.
    pub table: Option<String>,
    /// The column.
    pub column: Option<String>,
    /// What to do about it.
    pub remedy: String,
    /// The brand that it is about, where it is about one.
    pub brand: Option<Brand>,
}

/// All findings: errors first, then by table, column and id. The same input gives the same list.
#[must_use]
pub fn check(config: &Config, schema: &Schema, skipped: &[Skipped]) -> Vec<Finding> {
    let schema = identified(config, schema);
    let subject = Subject::new(config, &schema, skipped);
    let mut findings = Vec::new();
    rules::check(&subject, &mut findings);
    keys::check(&subject, &mut findings);
    columns::check(&subject, &mut findings);
    policies::check(&subject, &mut findings);
    references::check(&subject, &mut findings);
    brands::check(&subject, &mut findings);
    writes::check(&subject, &mut findings);
    cost::check(&subject, &mut findings);
    guid::check(&subject, &mut findings);
    sort(&mut findings);
    findings
}

/// Errors first, then by table, column and id; no finding twice.
fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|one, two| {
        let order = |finding: &Finding| {
            (
                finding.severity,
                finding.table.clone(),
                finding.column.clone(),
                finding.id,
                finding.brand,
                finding.message.clone(),
            )
        };
        order(one).cmp(&order(two))
    });
    findings.dedup();
}

/// What the checks look at.
struct Subject<'a> {
    config: &'a Config,
    schema: &'a Schema,
    skipped: &'a [Skipped],
    followed: Vec<Followed<'a>>,
    /// Nodes from which a route starts.
    writers: usize,
}

/// A table and the rule that follows it.
struct Followed<'a> {
    table: &'a Table,
    rule: &'a TableRule,
    options: &'a TableOptions,
}

impl<'a> Subject<'a> {
    fn new(config: &'a Config, schema: &'a Schema, skipped: &'a [Skipped]) -> Self {
        let follow = |table: &'a Table| {
            let rule = config.rule_for(&table.name)?;
            let options = config.options_for(&table.name)?;
            Some(Followed { table, rule, options })
        };
        Self {
            config,
            schema,
            skipped,
            followed: schema.tables.iter().filter_map(follow).collect(),
            writers: config.nodes.keys().filter(|id| config.sends(id)).count(),
        }
    }

    fn is_followed(&self, name: &TableName) -> bool {
        self.followed.iter().any(|followed| followed.table.name == *name)
    }

    /// Where a table stands; in a live schema, where its rule stands.
    fn place(&self, followed: &Followed<'_>) -> Location {
        let rule = || self.config.location(followed.rule.place());
        followed.table.location.clone().unwrap_or_else(rule)
    }

    /// Where a column stands, or its table.
    fn column_place(&self, followed: &Followed<'_>, column: &Column) -> Location {
        column.location.clone().unwrap_or_else(|| self.place(followed))
    }

    /// Where an option names a column, or its rule.
    fn option_place(
        &self,
        followed: &Followed<'_>,
        option: &'static str,
        column: &str,
    ) -> Location {
        let place = followed.options.places.get(&(option, column.to_owned()));
        self.config.location(place.copied().unwrap_or_else(|| followed.rule.place()))
    }
}

impl Followed<'_> {
    /// The columns by which rows are followed.
    fn key(&self) -> &[String] {
        if self.options.key.is_empty() { &self.table.primary_key } else { &self.options.key }
    }

    fn is_key(&self, column: &str) -> bool {
        self.key().iter().any(|key| key == column)
    }

    /// The columns that somebody writes.
    fn written(&self) -> impl Iterator<Item = &Column> {
        self.table.columns.iter().filter(|column| !column.is_generated)
    }
}

impl Finding {
    fn new(id: &'static str, severity: Severity, message: String, remedy: &str) -> Self {
        Self {
            id,
            severity,
            message,
            location: None,
            table: None,
            column: None,
            remedy: remedy.to_owned(),
            brand: None,
        }
    }

    fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    fn table(mut self, table: &TableName) -> Self {
        self.table = Some(table.to_string());
        self
    }

    fn column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }

    fn brand(mut self, brand: Brand) -> Self {
        self.brand = Some(brand);
        self
    }
}
