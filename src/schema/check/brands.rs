//! What a brand does not see, cannot name or cannot hold.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Followed, Severity, Subject};
use crate::config::CascadeRule;
use crate::dialect::Brand;
use crate::model::{LogicalType, NodeId, Table, TableName};
use crate::schema;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for brand in subject.config.sending_brands() {
        if !subject.followed.is_empty() {
            findings.extend(unseen_writes(brand));
        }
        if !brand.dialect().can.fire_triggers_on_cascade {
            findings.extend(subject.followed.iter().flat_map(|one| cascades(subject, one, brand)));
        }
    }
    for brand in subject.config.table_brands() {
        for followed in &subject.followed {
            findings.extend(unfit_names(subject, followed, brand));
        }
        findings.extend(collisions(subject, brand));
    }
    findings.extend(type_limits(subject));
}

/// Ways of writing that fire no trigger, whatever the tables.
fn unseen_writes(brand: Brand) -> Vec<Finding> {
    let mut findings = Vec::new();
    if brand == Brand::Sqlite {
        findings.push(Finding::new(
            "sqlite-replace",
            Severity::Info,
            "UPDATE OR REPLACE hides the rows that it replaces from SQLite's triggers".to_owned(),
            "let the application say `PRAGMA recursive_triggers = ON` in each connection, or \
             delete the rows itself",
        ));
    }
    findings.into_iter().map(|finding| finding.brand(brand)).collect()
}

/// What foreign keys write and neither a trigger of their rows nor one of the row that is written
/// can record.
fn cascades(subject: &Subject<'_>, followed: &Followed<'_>, brand: Brand) -> Vec<Finding> {
    let key_of = |table: &Table| match subject.config.options_for(&table.name) {
        Some(options) if !options.key.is_empty() => options.key.clone(),
        _ => table.primary_key.clone(),
    };
    let (severity, remedy) = match subject.config.capture.cascades {
        CascadeRule::Refuse => (
            Severity::Error,
            "make the key RESTRICT and let the application write the referring rows itself, or \
             say `cascades: leave` under `capture`",
        ),
        CascadeRule::Leave => (
            Severity::Warning,
            "let the application write the referring rows itself, and make the key RESTRICT",
        ),
    };
    let found = schema::cascades(subject.schema, followed.table, &key_of);
    let blind = found.blind.iter().filter(|one| subject.is_followed(&one.table.name));
    let finding = |one: &schema::Blind<'_>| {
        let name = &one.table.name;
        let message = format!(
            "{} fires no trigger for what goes with a row of `{}` from `{name}`, and nothing else \
             can record it: {}",
            brand.dialect().title,
            one.key.references,
            one.why
        );
        let place = one.table.location.clone().unwrap_or_else(|| subject.place(followed));
        Finding::new("mysql-cascade", severity, message, remedy).at(place).table(name).brand(brand)
    };
    blind.map(finding).collect()
}

/// The table as the brand names it: without namespaces, `a.b` is the table `a_b`.
fn physical(table: &TableName, brand: Brand) -> String {
    match &table.namespace {
        Some(namespace) if brand.dialect().default_namespace.is_none() => {
            format!("{namespace}_{}", table.name)
        }
        _ => table.name.clone(),
    }
}

fn unfit_names(subject: &Subject<'_>, followed: &Followed<'_>, brand: Brand) -> Vec<Finding> {
    let dialect = brand.dialect();
    let name = &followed.table.name;
    let finding = |what: &str, long: &str| {
        Finding::new(
            "name-too-long",
            Severity::Error,
            format!("the {what} `{long}` is longer than {} allows", dialect.title),
            "shorten the name, skip the table, or leave this brand out",
        )
        .table(name)
        .brand(brand)
    };
    let refused = |what: &str, name: &str, has: &str| {
        Finding::new(
            "name-refused",
            Severity::Error,
            format!("the {what} {name:?} has {has}, which {} does not take", dialect.title),
            "rename it, skip the table, or leave this brand out",
        )
        .table(&followed.table.name)
        .brand(brand)
    };
    let mut findings = Vec::new();
    let table = physical(name, brand);
    if !dialect.fits(&table) {
        findings.push(finding("table name", &table).at(subject.place(followed)));
    }
    if let Some(has) = dialect.refused_in(&table) {
        findings.push(refused("table name", &table, has).at(subject.place(followed)));
    }
    for column in &followed.table.columns {
        if let Some(has) = dialect.refused_in(&column.name) {
            let place = subject.column_place(followed, column);
            let finding = refused("column name", &column.name, has).at(place);
            findings.push(finding.column(&column.name));
        }
    }
    for column in followed.table.columns.iter().filter(|column| !dialect.fits(&column.name)) {
        let place = subject.column_place(followed, column);
        findings.push(finding("column name", &column.name).at(place).column(&column.name));
    }
    findings
}

/// A name as the brand compares it.
fn folded(name: &str, brand: Brand) -> String {
    if brand.dialect().identifier.ignores_case { name.to_lowercase() } else { name.to_owned() }
}

/// Two tables that are one on a brand without namespaces, and names that differ in case alone.
fn collisions(subject: &Subject<'_>, brand: Brand) -> Vec<Finding> {
    let mut taken: BTreeMap<String, &TableName> = BTreeMap::new();
    let mut findings = Vec::new();
    for followed in &subject.followed {
        let name = &followed.table.name;
        let physical = match &name.namespace {
            Some(namespace) if brand.dialect().default_namespace.is_some() => {
                format!("{namespace}.{}", name.name)
            }
            _ => physical(name, brand),
        };
        let title = &brand.dialect().title;
        if let Some(other) = taken.insert(folded(&physical, brand), name) {
            let finding = Finding::new(
                "name-collision",
                Severity::Error,
                format!("tables `{other}` and `{name}` are both `{physical}` on {title}"),
                "rename or skip one of them",
            );
            findings.push(finding.at(subject.place(followed)).table(name).brand(brand));
        }
        let mut columns: BTreeMap<String, &str> = BTreeMap::new();
        for column in &followed.table.columns {
            if let Some(other) = columns.insert(folded(&column.name, brand), &column.name) {
                let finding = Finding::new(
                    "name-collision",
                    Severity::Error,
                    format!(
                        "columns `{other}` and `{}` of `{name}` are one on {title}, where upper \
                         and lower case count as one",
                        column.name
                    ),
                    "rename one of them, or skip the table",
                );
                let place = subject.column_place(followed, column);
                findings.push(finding.at(place).table(name).column(&column.name).brand(brand));
            }
        }
    }
    findings
}

/// What is lost or refused on the way to a brand, once for each type and limit: what the sender
/// is limited in too can never come from there.
fn type_limits(subject: &Subject<'_>) -> Vec<Finding> {
    let brand_of = |id: &NodeId| subject.config.nodes.get(id).map(|node| node.brand);
    let mut limits: BTreeSet<(Brand, LogicalType, &str)> = BTreeSet::new();
    for (from, to) in ways(subject) {
        let (Some(from), Some(to)) = (brand_of(from), brand_of(to)) else { continue };
        for logical in LogicalType::ALL {
            let known = &from.dialect().mapping(logical).limits;
            let new =
                to.dialect().mapping(logical).limits.iter().filter(|one| !known.contains(one));
            limits.extend(new.map(|limit| (to, logical, limit.as_str())));
        }
    }
    let columns = captured(subject);
    let finding = |(to, logical, limit): (Brand, LogicalType, &str)| {
        let (count, first) = columns.get(&logical)?;
        let title = &to.dialect().title;
        let which = match count {
            1 => format!("`{first}`"),
            _ => format!("{count} columns, the first is `{first}`"),
        };
        Some(
            Finding::new(
                "type-limits",
                Severity::Info,
                format!("{logical} on its way to {title}: {limit} ({which})"),
                "keep such values out, or give the columns a policy",
            )
            .brand(to),
        )
    };
    limits.into_iter().filter_map(finding).collect()
}

/// From which node with tables to which values travel: on one route, or through stores, which keep
/// them as texts.
fn ways<'a>(subject: &Subject<'a>) -> BTreeSet<(&'a NodeId, &'a NodeId)> {
    let config = subject.config;
    let mut ways: BTreeSet<_> =
        config.routes.iter().map(|route| (&route.from, &route.to)).collect();
    loop {
        let longer: BTreeSet<_> = ways
            .iter()
            .filter(|(_, to)| config.is_store(to))
            .flat_map(|(from, store)| {
                let on = config.routes.iter().filter(|route| route.from == **store);
                on.map(|route| (*from, &route.to))
            })
            .collect();
        let known = ways.len();
        ways.extend(longer);
        if ways.len() == known {
            break;
        }
    }
    ways.retain(|(from, to)| from != to && !config.is_store(from) && !config.is_store(to));
    ways
}

/// How many columns of each type are captured, and the first of them.
fn captured(subject: &Subject<'_>) -> BTreeMap<LogicalType, (usize, String)> {
    let mut columns = BTreeMap::new();
    for followed in &subject.followed {
        for column in followed.written() {
            let policy = followed.options.policy(&column.name);
            let Some(logical) = column.logical_type else { continue };
            if !policy.is_left_out() {
                let first = || (0, format!("{}.{}", followed.table.name, column.name));
                columns.entry(logical).or_insert_with(first).0 += 1;
            }
        }
    }
    columns
}
