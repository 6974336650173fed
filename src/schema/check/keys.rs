//! Whether a table's rows can be told apart, on one node and between nodes.

use super::{Finding, Followed, Severity, Subject};
use crate::dialect::Brand;
use crate::model::{Column, LogicalType};

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for followed in &subject.followed {
        findings.extend(no_key(subject, followed));
        findings.extend(not_unique(subject, followed));
        let key = followed.key().iter().filter_map(|name| followed.table.column(name));
        for column in key {
            findings.extend(nullable(subject, followed, column));
            findings.extend(auto_increment(subject, followed, column));
            findings.extend(text_key(subject, followed, column));
        }
        findings.extend(unique_keys(subject, followed));
    }
}

fn no_key(subject: &Subject<'_>, followed: &Followed<'_>) -> Option<Finding> {
    if !followed.key().is_empty() {
        return None;
    }
    let name = &followed.table.name;
    let finding = Finding::new(
        "no-key",
        Severity::Error,
        format!("table `{name}` has no primary key, so its rows cannot be followed"),
        "add a primary key, name the columns that identify a row under `key`, or skip the table",
    );
    Some(finding.at(subject.place(followed)).table(name))
}

/// A `key:` that the database does not keep unique.
fn not_unique(subject: &Subject<'_>, followed: &Followed<'_>) -> Option<Finding> {
    let Followed { table, options, .. } = followed;
    if options.key.is_empty() {
        return None;
    }
    let option = if options.guid.is_some() { "guid_column" } else { "key" };
    let holds = |unique: &[String]| {
        !unique.is_empty() && unique.iter().all(|column| options.key.contains(column))
    };
    if holds(&table.primary_key) || table.unique_keys.iter().any(|unique| holds(unique)) {
        return None;
    }
    let finding = Finding::new(
        "key-not-unique",
        Severity::Warning,
        format!("nothing keeps the key of table `{}` unique", table.name),
        "add a unique constraint on the columns of `key`",
    );
    let first = options.key.first().map_or("", String::as_str);
    Some(finding.at(subject.option_place(followed, option, first)).table(&table.name))
}

fn nullable(subject: &Subject<'_>, followed: &Followed<'_>, column: &Column) -> Option<Finding> {
    let is_declared = followed.table.primary_key.contains(&column.name);
    if !column.is_nullable || is_declared {
        return None;
    }
    let name = &followed.table.name;
    let finding = Finding::new(
        "nullable-key",
        Severity::Warning,
        format!(
            "key column `{name}.{}` may be NULL, and such rows cannot be followed",
            column.name
        ),
        "make the column NOT NULL",
    );
    Some(finding.at(subject.column_place(followed, column)).table(name).column(&column.name))
}

fn auto_increment(
    subject: &Subject<'_>,
    followed: &Followed<'_>,
    column: &Column,
) -> Option<Finding> {
    if !column.is_identity || subject.writers < 2 {
        return None;
    }
    let name = &followed.table.name;
    let finding = Finding::new(
        "auto-increment-key",
        Severity::Warning,
        format!(
            "key column `{name}.{}` is numbered by the database on {} nodes that write: \
             different rows will get the same key",
            column.name, subject.writers
        ),
        "use UUIDs, give each node its own range or step, or add the node to the key",
    );
    Some(finding.at(subject.column_place(followed, column)).table(name).column(&column.name))
}

/// Two keys on one node may be one on another: a key gives no way, as another unique text would.
fn text_key(subject: &Subject<'_>, followed: &Followed<'_>, column: &Column) -> Option<Finding> {
    if column.logical_type != Some(LogicalType::Text) || followed.options.guid.is_some() {
        return None;
    }
    let (exact, blind): (Vec<Brand>, Vec<Brand>) = subject
        .config
        .table_brands()
        .into_iter()
        .partition(|brand| brand.dialect().can.tell_letter_case);
    let (exact, blind) = (exact.first()?.dialect(), blind.first()?.dialect());
    let name = &followed.table.name;
    let finding = Finding::new(
        "text-key",
        Severity::Warning,
        format!(
            "two keys in `{name}.{}` that differ in letter case alone are two rows on {}, and {} \
             takes them for one unless a collation says otherwise",
            column.name, exact.title, blind.title
        ),
        "give the column a collation that tells letters apart on each node, or write keys in one \
         case; otherwise the later row waits in quarantine",
    );
    Some(finding.at(subject.column_place(followed, column)).table(name).column(&column.name))
}

/// Two nodes can each insert a row with the same value, before either knows of the other.
fn unique_keys(subject: &Subject<'_>, followed: &Followed<'_>) -> Vec<Finding> {
    if subject.writers < 2 {
        return Vec::new();
    }
    let name = &followed.table.name;
    let finding = |columns: &Vec<String>| {
        Finding::new(
            "unique-key",
            Severity::Info,
            format!("two nodes may insert the same unique ({}) into `{name}`", columns.join(", ")),
            "make the value unique across nodes; otherwise the later row waits in quarantine",
        )
        .at(subject.place(followed))
        .table(name)
    };
    let is_key = |columns: &&Vec<String>| columns.iter().all(|column| followed.is_key(column));
    followed.table.unique_keys.iter().filter(|columns| !is_key(columns)).map(finding).collect()
}
