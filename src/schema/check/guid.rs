//! What following a table by a GUID asks of its column, its key and its applications.

use super::{Finding, Followed, Severity, Subject};
use crate::config::{Guid, GuidFill};
use crate::model::{Action, ForeignKey, LogicalType, Table};

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for followed in &subject.followed {
        let Some(guid) = &followed.options.guid else { continue };
        findings.extend(column(subject, followed, guid));
        if guid.is_ours() {
            findings.push(added(subject, followed, guid));
            findings.extend(fill(subject, followed, guid));
        }
        findings.extend(numbered(subject, followed));
        findings.extend(referred(subject, followed));
    }
}

/// A column of the application's that cannot hold a GUID.
fn column(subject: &Subject<'_>, followed: &Followed<'_>, guid: &Guid) -> Option<Finding> {
    let column = followed.table.column(&guid.column)?;
    if column.logical_type == Some(LogicalType::Uuid) {
        return None;
    }
    let name = &followed.table.name;
    let finding = Finding::new(
        "guid-column",
        Severity::Error,
        format!(
            "column `{name}.{}` has the type `{}`, which holds no GUID",
            column.name, column.native_type
        ),
        "name a column of a UUID type, or leave `guid_column` out to have one added",
    );
    Some(finding.at(subject.column_place(followed, column)).table(name).column(&column.name))
}

/// An application that counts a table's columns meets one more.
fn added(subject: &Subject<'_>, followed: &Followed<'_>, guid: &Guid) -> Finding {
    let name = &followed.table.name;
    let finding = Finding::new(
        "guid-added",
        Severity::Info,
        format!(
            "table `{name}` gets the column `{}`: an INSERT without a list of columns fails on \
             SQLite, MySQL and SQL Server, and SELECT * gives it too",
            guid.column
        ),
        "let the application name its columns, or give the table a column of its own",
    );
    finding.at(subject.place(followed)).table(name)
}

/// Rows that are there already, on nodes that do not ask each other.
fn fill(subject: &Subject<'_>, followed: &Followed<'_>, guid: &Guid) -> Option<Finding> {
    let table = followed.table;
    let is_number = |name: &String| {
        table.column(name).is_some_and(|one| one.logical_type == Some(LogicalType::Integer))
    };
    let can_be_key = matches!(&*table.primary_key, [name] if is_number(name));
    let nodes = subject.config.nodes.values().filter(|node| !node.is_store).count();
    let (severity, message, remedy) = match guid.fill {
        Some(GuidFill::Key) if !can_be_key => (
            Severity::Error,
            format!(
                "the primary key of table `{}` is not one column of whole numbers, so \
                 `guid_fill: key` cannot be",
                table.name
            ),
            "leave `guid_fill` out, and install on one node before the others get its rows",
        ),
        Some(GuidFill::Key) => return None,
        None if can_be_key => return None,
        _ if nodes < 2 => return None,
        _ => (
            Severity::Warning,
            format!(
                "rows that table `{}` has already get their GUIDs at random: the same row would \
                 be another one on each node",
                table.name
            ),
            "install on one node first and give the others copies of its rows, GUIDs included",
        ),
    };
    let finding = Finding::new("guid-fill", severity, message, remedy);
    Some(finding.at(subject.place(followed)).table(&table.name))
}

/// The application's key is not what rows are followed by, but it is unique.
fn numbered(subject: &Subject<'_>, followed: &Followed<'_>) -> Vec<Finding> {
    if subject.writers < 2 {
        return Vec::new();
    }
    let name = &followed.table.name;
    let key = followed.table.primary_key.iter().filter_map(|one| followed.table.column(one));
    let finding = |column: &crate::model::Column| {
        Finding::new(
            "auto-increment-key",
            Severity::Warning,
            format!(
                "key column `{name}.{}` is numbered by the database on {} nodes that write: of \
                 two rows with one number the later gets another, or waits in quarantine",
                column.name, subject.writers
            ),
            "use UUIDs, give each node its own range or step, or add the node to the key",
        )
        .at(subject.column_place(followed, column))
        .table(name)
        .column(&column.name)
    };
    key.filter(|column| column.is_identity).map(finding).collect()
}

/// A row whose key is held by references cannot get another one.
fn referred(subject: &Subject<'_>, followed: &Followed<'_>) -> Vec<Finding> {
    if subject.writers < 2 {
        return Vec::new();
    }
    let holds = |key: &ForeignKey| {
        key.references == followed.table.name && key.on_update != Action::Cascade
    };
    let finding = |child: &Table| {
        Finding::new(
            "guid-referred",
            Severity::Warning,
            format!(
                "rows of `{}` hold on to the keys of `{}`: where two nodes give one key to two \
                 rows, both wait in quarantine, and rows that refer to one refer to the other \
                 there",
                child.name, followed.table.name
            ),
            "let the foreign key say ON UPDATE CASCADE, or let no two nodes give the same key",
        )
        .at(child.location.clone().unwrap_or_else(|| subject.place(followed)))
        .table(&child.name)
    };
    let children = subject.followed.iter().map(|one| one.table);
    children.filter(|child| child.foreign_keys.iter().any(holds)).map(finding).collect()
}
