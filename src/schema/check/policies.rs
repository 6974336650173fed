//! Policies on columns where they cannot be, or where a peer cannot do without the value.

use super::{Finding, Followed, Severity, Subject};
use crate::config::Policy;
use crate::model::{Column, LogicalType};

/// Hexadecimal digits of a SHA-256.
const HASH_LENGTH: u32 = 64;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for followed in &subject.followed {
        for (name, policy) in &followed.options.columns {
            let Some(column) = followed.table.column(name) else { continue };
            let place = subject.option_place(followed, "columns", name);
            let mut found = Vec::new();
            found.extend(on_key(followed, column, *policy));
            if *policy == Policy::Hash {
                found.extend(hash(subject, followed, column));
            }
            found.extend(left_out(followed, column, *policy));
            let finish = |finding: Finding| {
                finding.at(place.clone()).table(&followed.table.name).column(name)
            };
            findings.extend(found.into_iter().map(finish));
        }
    }
}

fn on_key(followed: &Followed<'_>, column: &Column, policy: Policy) -> Option<Finding> {
    if policy == Policy::Capture || !followed.is_key(&column.name) {
        return None;
    }
    let message = format!(
        "key column `{}.{}` cannot be `{}`: peers find the row by it",
        followed.table.name,
        column.name,
        policy.name()
    );
    Some(Finding::new(
        "policy-on-key",
        Severity::Error,
        message,
        "remove the policy, or follow the table by another `key`",
    ))
}

fn hash(subject: &Subject<'_>, followed: &Followed<'_>, column: &Column) -> Vec<Finding> {
    let name = format!("{}.{}", followed.table.name, column.name);
    let mut findings = Vec::new();
    let length = declared_length(&column.native_type);
    if column.logical_type != Some(LogicalType::Text) || length.is_some_and(|n| n < HASH_LENGTH) {
        findings.push(Finding::new(
            "hash-does-not-fit",
            Severity::Error,
            format!("a hash does not fit into column `{name}` of type `{}`", column.native_type),
            "only a text of at least 64 characters takes a hash; use `mask` or `ignore`",
        ));
    }
    for brand in subject.config.sending_brands() {
        if !brand.dialect().can.hash {
            let message = format!(
                "column `{name}` cannot be hashed: {} has no SHA-256 for triggers",
                brand.dialect().title
            );
            findings.push(
                Finding::new(
                    "hash-unsupported",
                    Severity::Error,
                    message,
                    "use `mask` or `ignore`, or let no route start at such a node",
                )
                .brand(brand),
            );
        }
    }
    findings
}

/// The number in `varchar(30)`; `None` for other texts, which take any length.
fn declared_length(native_type: &str) -> Option<u32> {
    let (_, rest) = native_type.split_once('(')?;
    rest.split_once(')')?.0.trim().parse().ok()
}

/// An insert that lacks the value is refused by a peer.
fn left_out(followed: &Followed<'_>, column: &Column, policy: Policy) -> Option<Finding> {
    let is_required = !column.is_nullable && column.default.is_none() && !column.is_identity;
    let is_text = column.logical_type == Some(LogicalType::Text);
    let reason = match policy {
        Policy::Ignore | Policy::Forbid | Policy::Dropped => "is left out of inserts",
        Policy::Mask if !is_text => "is NULL in inserts, as only text can be masked,",
        Policy::Capture | Policy::Hash | Policy::Mask => return None,
    };
    if !is_required || column.is_generated || followed.is_key(&column.name) {
        return None;
    }
    let message = format!(
        "column `{}.{}` {reason} but is NOT NULL without a default: peers cannot insert",
        followed.table.name, column.name
    );
    Some(Finding::new(
        "required-column-left-out",
        Severity::Warning,
        message,
        "give the column a default or allow NULL on every node that receives",
    ))
}
