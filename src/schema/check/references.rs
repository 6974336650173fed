//! What a followed table needs besides itself: the tables it refers to, statements not understood.

use super::{Finding, Followed, Severity, Skipped, Subject};
use crate::config::TableChoice;
use crate::model::{ForeignKey, TableName};

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for followed in &subject.followed {
        let keys = &followed.table.foreign_keys;
        findings.extend(keys.iter().filter_map(|key| unfollowed(subject, followed, key)));
    }
    findings.extend(subject.skipped.iter().filter_map(|skipped| unparsed(subject, skipped)));
}

fn unfollowed(subject: &Subject<'_>, followed: &Followed<'_>, key: &ForeignKey) -> Option<Finding> {
    if subject.is_followed(&key.references) {
        return None;
    }
    // Skipped on purpose: its rows are expected to be everywhere already.
    let is_skipped = subject
        .config
        .rule_for(&key.references)
        .is_some_and(|rule| rule.choice == TableChoice::Skip);
    let severity = if is_skipped { Severity::Info } else { Severity::Warning };
    let name = &followed.table.name;
    let finding = Finding::new(
        "foreign-key-to-unfollowed",
        severity,
        format!("table `{name}` refers to `{}`, which is not followed", key.references),
        "follow it too, or make sure that every node has its rows; otherwise changes wait in \
         quarantine",
    );
    Some(finding.at(subject.place(followed)).table(name))
}

fn unparsed(subject: &Subject<'_>, skipped: &Skipped) -> Option<Finding> {
    let reason = skipped.reason.as_deref()?;
    let Some(table) = skipped.table.as_deref() else {
        return skipped.is_open().then(|| open(skipped, reason));
    };
    let is_wanted = match subject.config.rule_for(&table_name(table)) {
        Some(rule) => rule.choice != TableChoice::Skip,
        None => true,
    };
    is_wanted.then(|| {
        let message = format!("`{}` of table `{table}` is not understood: {reason}", skipped.what);
        let finding = Finding::new(
            "unparsed-statement",
            Severity::Warning,
            message,
            "write it in another way, read the schema from a live node, or skip the table",
        );
        Finding { table: Some(table.to_owned()), ..finding }.at(skipped.location.clone())
    })
}

/// What a file has behind a quote that is never closed may be tables.
fn open(skipped: &Skipped, reason: &str) -> Finding {
    let finding = Finding::new(
        "unparsed-statement",
        Severity::Warning,
        format!("`{}` has {reason}: nothing behind it is read", skipped.what),
        "close it, or take a file that is whole",
    );
    finding.at(skipped.location.clone())
}

fn table_name(text: &str) -> TableName {
    match text.rsplit_once('.') {
        Some((namespace, name)) => {
            TableName { namespace: Some(namespace.to_owned()), name: name.to_owned() }
        }
        None => TableName::plain(text),
    }
}
