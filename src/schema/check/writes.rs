//! Ways of writing that a sending brand's triggers do not see.

use super::{Finding, Severity, Subject};
use crate::dialect::{Brand, Seen, Write};

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if subject.followed.is_empty() {
        return;
    }
    for brand in subject.config.sending_brands() {
        let of_brand = |write: Write| match brand.dialect().sees(write) {
            Seen::Missed(how) => finding(subject, brand, write, how),
            Seen::Captured | Seen::Absent => None,
        };
        findings.extend(Write::ALL.into_iter().filter_map(of_brand));
    }
}

fn finding(subject: &Subject<'_>, brand: Brand, write: Write, how: &str) -> Option<Finding> {
    let (id, remedy) = advice(write)?;
    let count = subject.followed.len();
    let tables = if count == 1 { "table" } else { "tables" };
    let message = format!(
        "no trigger on {} sees {how} ({}; {count} followed {tables})",
        brand.dialect().title,
        write.name(),
    );
    Some(Finding::new(id, Severity::Info, message, remedy).brand(brand))
}

/// The id and what to do. What all brands capture has none.
fn advice(write: Write) -> Option<(&'static str, &'static str)> {
    Some(match write {
        Write::Truncate => (
            "truncate",
            "use DELETE on followed tables, and give applications no right to truncate them",
        ),
        Write::BulkLoad | Write::BulkLoadWithoutTriggers => (
            "bulk-load",
            "load with the triggers on; what was loaded without them has to be loaded into each \
             node",
        ),
        Write::Swap => (
            "partition-swap",
            "move rows of followed tables by INSERT and DELETE, or do the same on each node",
        ),
        Write::DisabledTrigger => (
            "disabled-trigger",
            "give applications no right to alter followed tables; `outrigger verify` finds \
             triggers that are off",
        ),
        Write::Insert
        | Write::Update
        | Write::Delete
        | Write::KeyChange
        | Write::Upsert
        | Write::Replace
        | Write::CascadeDelete
        | Write::CascadeUpdate
        | Write::SetNull => return None,
    })
}
