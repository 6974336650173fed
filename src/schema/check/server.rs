//! Settings and rights of a running server that decide whether changes are captured there.

use super::{Finding, Severity, sort};
use crate::config::{Config, TableChoice};
use crate::dialect::Brand;
use crate::model::{Location, NodeId, Row, TableName};

/// The level from which SQL Server opens JSON.
const COMPATIBILITY_LEVEL: i64 = 130;

/// What `introspect/surroundings` has answered on a node, looked at.
///
/// Each row is a fact: `namespace` and `table_name` where it is about a table, `name`, `value`. A
/// brand answers only what it has. `can_write` is whether a transaction that writes could begin.
#[must_use]
pub fn check_server(
    config: &Config,
    node: &NodeId,
    facts: &[Row],
    can_write: bool,
) -> Vec<Finding> {
    let Some(place) = config.nodes.get(node) else { return Vec::new() };
    let server =
        Server { config, node, brand: place.brand, facts, location: config.location(place.place) };
    let mut findings = Vec::new();
    findings.extend(server.version());
    findings.extend(server.settings(can_write));
    if !config.is_store(node) {
        findings.extend(server.tables());
    }
    sort(&mut findings);
    findings
}

struct Server<'a> {
    config: &'a Config,
    node: &'a NodeId,
    brand: Brand,
    facts: &'a [Row],
    location: Location,
}

impl Server<'_> {
    fn fact(&self, name: &str) -> Option<String> {
        self.facts.iter().find(|row| row.text("name").as_deref() == Some(name))?.text("value")
    }

    /// Whether a fact is there and says no.
    fn lacks(&self, name: &str) -> bool {
        self.fact(name).as_deref() == Some("0")
    }

    fn find(&self, id: &'static str, severity: Severity, what: &str, remedy: &str) -> Finding {
        let message = format!("node `{}`: {what}", self.node);
        Finding::new(id, severity, message, remedy).at(self.location.clone()).brand(self.brand)
    }

    fn version(&self) -> Option<Finding> {
        let dialect = self.brand.dialect();
        let version = self.fact("version")?;
        let lower = version.to_lowercase();
        let of_flavour =
            dialect.minimum_flavour_versions.iter().find(|(flavour, _)| lower.contains(flavour));
        let wanted = of_flavour.map_or(&dialect.minimum_version, |(_, minimum)| minimum);
        if numbers(&version) >= numbers(wanted) {
            return None;
        }
        Some(self.find(
            "server-too-old",
            Severity::Error,
            &format!("the server is of version {version}, and {wanted} is the oldest one"),
            "use a newer server",
        ))
    }

    fn settings(&self, can_write: bool) -> Vec<Finding> {
        use Severity::{Error, Info, Warning};
        let mut findings = Vec::new();
        let mut add = |is_found: bool, id, severity, what: &str, remedy| {
            if is_found {
                findings.push(self.find(id, severity, what, remedy));
            }
        };
        add(
            self.fact("read_only").as_deref() == Some("1") || !can_write,
            "read-only-server",
            Error,
            "the server takes no writes",
            "name the primary server in the node's URL, or make the database writable",
        );
        add(
            self.lacks("trusts_triggers"),
            "binary-log-trust",
            Error,
            "with its binary log the server lets this user make no trigger (1419)",
            "set `log_bin_trust_function_creators = 1`, or install with a user who has SUPER",
        );
        add(
            self.lacks("fires_triggers"),
            "triggers-off",
            Warning,
            "triggers do not fire for what this user writes, or for what other triggers write",
            "PostgreSQL: set `session_replication_role` to `origin`; SQL Server: set `nested \
             triggers` to 1",
        );
        add(
            self.lacks("may_create"),
            "right-missing",
            Error,
            "this user may not create tables here",
            "grant it, or let another user install the generated files",
        );
        let level = self.fact("compatibility_level").and_then(|level| level.parse::<i64>().ok());
        add(
            level.is_some_and(|level| level < COMPATIBILITY_LEVEL),
            "compatibility-level",
            Error,
            "the database's compatibility level is below 130, which has no OPENJSON",
            "ALTER DATABASE CURRENT SET COMPATIBILITY_LEVEL = 130, or higher",
        );
        let encoding = self.fact("encoding").unwrap_or_default();
        add(
            !encoding.is_empty() && !is_utf8(&encoding),
            "not-utf8",
            Warning,
            &format!("the database's encoding is `{encoding}`, which lacks characters"),
            "make the database in UTF-8 (`utf8mb4` on MySQL); other characters are refused",
        );
        let journal = self.fact("journal_mode").unwrap_or_default();
        add(
            !journal.is_empty() && !["wal", "memory"].contains(&journal.as_str()),
            "journal-mode",
            Info,
            &format!("the journal mode is `{journal}`: readers and the writer wait for each other"),
            "PRAGMA journal_mode = WAL",
        );
        findings
    }

    fn tables(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for row in self.facts {
            let (Some(table), Some(name), Some(value)) =
                (row.text("table_name"), row.text("name"), row.text("value"))
            else {
                continue;
            };
            let table = TableName { namespace: row.text("namespace"), name: table };
            let is_followed = self
                .config
                .rule_for(&table)
                .is_some_and(|rule| matches!(rule.choice, TableChoice::Follow(_)));
            if value != "0" || !is_followed {
                continue;
            }
            let found = match name.as_str() {
                "may_create_trigger" => self.find(
                    "right-missing",
                    Severity::Error,
                    &format!("this user may make no trigger on table `{table}`"),
                    "grant it, or let another user install the generated files",
                ),
                "is_transactional" => self.find(
                    "not-transactional",
                    Severity::Error,
                    &format!("table `{table}` knows no transactions: what is rolled back stays"),
                    "give the table the engine InnoDB",
                ),
                _ => continue,
            };
            findings.push(found.table(&table));
        }
        findings
    }
}

/// The first numbers of a version: `10.11.14-MariaDB` is 10, 11, 14; SQL Server's year is the
/// internal number of its release.
fn numbers(version: &str) -> Vec<u64> {
    let version = version.strip_prefix("2016 SP1").map_or(version, |_| "13.0.4001");
    version
        .split(|letter: char| !letter.is_ascii_digit())
        .map_while(|number| number.parse().ok())
        .collect()
}

fn is_utf8(encoding: &str) -> bool {
    let encoding = encoding.to_ascii_lowercase().replace('-', "");
    // SQLite's UTF-16 databases hold every character too.
    ["utf8", "utf8mb4", "utf16le", "utf16be"].contains(&encoding.as_str())
}

#[cfg(test)]
mod tests {
    use super::{is_utf8, numbers};

    #[test]
    fn versions_are_compared_number_by_number() {
        assert_eq!(numbers("10.11.14-MariaDB-0+deb12u2"), [10, 11, 14]);
        assert_eq!(numbers("15.18 (Debian 15.18-0)"), [15, 18]);
        assert!(numbers("16.0.1000.6") >= numbers("2016 SP1"));
        assert!(numbers("13.0.1601.5") < numbers("2016 SP1"));
        assert!(numbers("8.0.9") < numbers("8.0.17") && numbers("9.7") > numbers("8.0.17"));
    }

    #[test]
    fn utf8_has_many_names() {
        assert!(is_utf8("UTF8") && is_utf8("UTF-8") && is_utf8("utf8mb4") && !is_utf8("utf8mb3"));
    }
}
