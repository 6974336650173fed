//! Rules and tables that do not find each other, nodes and their URLs.

use std::collections::BTreeSet;

use super::{Finding, Followed, Severity, Subject};
use crate::config::{Place, TableRule, closest};
use crate::model::CONTROL_TABLES;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    findings.extend(unmapped_tables(subject));
    findings.extend(unused_rules(subject));
    for followed in &subject.followed {
        findings.extend(unknown_columns(subject, followed));
    }
    findings.extend(nodes(subject));
}

fn unmapped_tables(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in &subject.schema.tables {
        // Outrigger's own tables, in a schema that was read after they had been installed.
        if CONTROL_TABLES.contains(&table.name.name.as_str())
            || subject.config.rule_for(&table.name).is_some()
        {
            continue;
        }
        let finding = Finding::new(
            "unmapped-table",
            Severity::Warning,
            format!("table `{}` is matched by no rule", table.name),
            &format!("say `{}: follow` or `{}: skip` under `tables`", table.name, table.name),
        );
        findings.push(Finding { location: table.location.clone(), ..finding.table(&table.name) });
    }
    findings
}

fn unused_rules(subject: &Subject<'_>) -> Vec<Finding> {
    let config = subject.config;
    let rules = subject.schema.tables.iter().filter_map(|table| config.rule_for(&table.name));
    let used: BTreeSet<Place> = rules.map(TableRule::place).collect();
    let is_unused = |rule: &&TableRule| !used.contains(&rule.place());
    config.tables.iter().filter(is_unused).map(|rule| unused_rule(subject, rule)).collect()
}

fn unused_rule(subject: &Subject<'_>, rule: &TableRule) -> Finding {
    let tables = &subject.schema.tables;
    // A glob may well wait for tables to come; a name that is not there is a mistake.
    let severity = if rule.is_glob() { Severity::Info } else { Severity::Warning };
    let names: Vec<String> = tables.iter().map(|table| table.name.to_string()).collect();
    let is_shadowed = tables.iter().any(|table| rule.fits(&table.name));
    let (message, remedy) = if is_shadowed {
        let message = format!("every table that fits `{}` has an earlier rule", rule.pattern);
        (message, "put the rule before the others that fit, or remove it".to_owned())
    } else {
        let remedy = match closest(&rule.pattern, names.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "correct the name, or remove the rule; a table of the default namespace \
                     stands without it"
                .to_owned(),
        };
        (format!("no table fits the rule `{}`", rule.pattern), remedy)
    };
    let finding = Finding::new("rule-without-table", severity, message, &remedy);
    finding.at(subject.config.location(rule.place()))
}

fn unknown_columns(subject: &Subject<'_>, followed: &Followed<'_>) -> Vec<Finding> {
    let Followed { table, options, .. } = followed;
    let key = if options.guid.is_some() { "guid_column" } else { "key" };
    let keys = options.key.iter().map(|column| (key, column));
    let others = [
        ("last_update", &options.last_update),
        ("updated_by_user", &options.updated_by_user),
        ("updated_by_server", &options.updated_by_server),
    ];
    let others = others.into_iter().filter_map(|(option, column)| Some((option, column.as_ref()?)));
    let policies = options.columns.keys().map(|column| ("columns", column));
    let named = keys.chain(others).chain(policies);
    let missing = named.filter(|(_, column)| table.column(column).is_none());
    let finding = |(option, column): (&'static str, &String)| {
        let columns = table.columns.iter().map(|column| column.name.as_str());
        let remedy = match closest(column, columns) {
            Some(name) => format!("did you mean `{name}`?"),
            None if option == "guid_column" => {
                "name a column of the table, or one that begins with `ds_` to have it added"
                    .to_owned()
            }
            None => format!("name a column of the table, or leave it out of `{option}`"),
        };
        let message =
            format!("table `{}` has no column `{column}`, which `{option}` names", table.name);
        Finding::new("unknown-column", Severity::Error, message, &remedy)
            .at(subject.option_place(followed, option, column))
            .table(&table.name)
            .column(column)
    };
    missing.map(finding).collect()
}

fn nodes(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, node) in &subject.config.nodes {
        let place = subject.config.location(node.place);
        if node.has_literal_password {
            let finding = Finding::new(
                "literal-password",
                Severity::Warning,
                format!("the password of node `{id}` stands in the configuration"),
                "write `${NAME}` in its place and set the variable, or use `url_file`",
            );
            findings.push(finding.at(place.clone()).brand(node.brand));
        }
        let has_route =
            subject.config.routes.iter().any(|route| route.from == *id || route.to == *id);
        if node.is_store {
            let starts = subject.config.routes.iter().any(|route| route.from == *id);
            let ends = subject.config.routes.iter().any(|route| route.to == *id);
            if !starts || !ends {
                let finding = Finding::new(
                    "node-without-route",
                    Severity::Warning,
                    format!("store `{id}` forwards nothing: it needs routes in and routes out"),
                    "add the routes, or remove the node",
                );
                findings.push(finding.at(place).brand(node.brand));
            }
        } else if !has_route {
            let finding = Finding::new(
                "node-without-route",
                Severity::Info,
                format!("no route starts or ends at node `{id}`"),
                "add a route, or remove the node",
            );
            findings.push(finding.at(place).brand(node.brand));
        }
    }
    findings
}
