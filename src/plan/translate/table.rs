//! One table: its columns and keys.

use std::collections::BTreeSet;

use super::{Job, LeftColumn, NewColumn, NewTable, default, native, physical_name};
use crate::dialect::Identity;
use crate::model::{Column, LogicalType, Table};

/// Makes a table without its foreign keys, or says why it is left out.
pub(super) fn make<'a>(job: &mut Job<'a>, table: &'a Table) {
    let (namespace, name) = physical_name(&table.name, job.to.brand);
    let taken = (namespace.clone(), job.folded(&name));
    let reason = if !job.to.fits(&name) {
        Some(format!("its name `{name}` is longer than {} allows", job.to.title))
    } else if job.names.contains(&taken) {
        Some(format!("another table is called `{name}` on {}", job.to.title))
    } else {
        None
    };
    if let Some(reason) = reason {
        job.lose("table-left-out", table, None, format!("`{}` is left out: {reason}", table.name));
        return;
    }
    let mut made = NewTable {
        namespace,
        name,
        columns: Vec::new(),
        left_out: Vec::new(),
        primary_key: Vec::new(),
        has_identity: false,
        unique_keys: Vec::new(),
        references: Vec::new(),
    };
    let mut names = BTreeSet::new();
    for column in &table.columns {
        match column_of(job, table, column, &mut names) {
            Ok(new) => made.columns.push(new),
            Err(reason) => {
                let (name, native_type) = (column.name.clone(), column.native_type.clone());
                let message =
                    format!("`{}.{name}` ({native_type}) is left out: {reason}", table.name);
                job.lose("column-left-out", table, Some(&name), message);
                made.left_out.push(LeftColumn { name, native_type, reason });
            }
        }
    }
    if made.columns.is_empty() {
        let message = format!("`{}` is left out: none of its columns can be made", table.name);
        job.lose("table-left-out", table, None, message);
        return;
    }
    keys(job, table, &mut made);
    numbered_key(job, table, &made);
    made.has_identity = made.columns.iter().any(|column| column.is_identity);
    job.names.insert(taken);
    job.made.insert(&table.name, made);
}

fn column_of(
    job: &mut Job<'_>,
    table: &Table,
    column: &Column,
    names: &mut BTreeSet<String>,
) -> Result<NewColumn, String> {
    let Some(logical) = column.logical_type else {
        let refused = job.from.refusal(&column.native_type);
        return Err(refused.unwrap_or("no logical type fits it").to_owned());
    };
    if !job.to.fits(&column.name) {
        return Err(format!("its name is longer than {} allows", job.to.title));
    }
    if !names.insert(job.folded(&column.name)) {
        return Err(format!("another column has this name on {}", job.to.title));
    }
    let called = format!("{}.{}", table.name, column.name);
    job.used.entry(logical).or_default().push(called.clone());
    let parts = parts_of_key(job, table, column, logical);
    let chosen = native::choose(column, logical, parts, job.from, job.to);
    if let Some((id, message)) = chosen.loss {
        job.lose(id, table, Some(&column.name), format!("`{called}` {message}"));
    }
    if column.is_generated {
        let message = format!("`{called}` is computed by others and becomes a plain column");
        job.lose("generated-column", table, Some(&column.name), message);
    }
    let is_identity =
        column.is_identity && logical == LogicalType::Integer && can_number(job, table, column);
    if column.is_identity && !is_identity {
        let message =
            format!("`{called}` is not numbered: {} numbers no such column", job.to.title);
        job.lose("identity-left-out", table, Some(&column.name), message);
    }
    Ok(NewColumn {
        name: column.name.clone(),
        default: default_of(job, table, column, logical, &chosen.declared),
        declared: chosen.declared,
        is_required: !column.is_nullable || table.primary_key.contains(&column.name),
        is_identity,
    })
}

fn default_of(
    job: &mut Job<'_>,
    table: &Table,
    column: &Column,
    logical: LogicalType,
    declared: &String,
) -> Option<String> {
    let written = column.default.as_ref()?;
    let carried = default::carried(written, logical, job.from, job.to);
    match carried {
        Some(default) if job.to.translate.parenthesised.contains(declared) => {
            Some(format!("({default})"))
        }
        Some(default) => Some(default::as_precise(default, declared)),
        None => {
            let (table_name, name) = (&table.name, &column.name);
            let message = format!("`{table_name}.{name}` loses its default `{written}`");
            job.lose("default-left-out", table, Some(name), message);
            None
        }
    }
}

/// Of how many columns of its kind the widest key has that a column is part of.
fn parts_of_key(
    job: &Job<'_>,
    table: &Table,
    column: &Column,
    logical: LogicalType,
) -> Option<u32> {
    let own = std::iter::once(&table.primary_key)
        .chain(&table.unique_keys)
        .chain(table.foreign_keys.iter().map(|key| &key.columns));
    let others = job
        .chosen
        .values()
        .flat_map(|other| &other.foreign_keys)
        .filter(|key| key.references == table.name)
        .map(|key| &key.referenced_columns);
    let is_kind =
        |name: &&String| table.column(name).is_some_and(|one| one.logical_type == Some(logical));
    own.chain(others)
        .filter(|key| key.contains(&column.name))
        .filter_map(|key| u32::try_from(key.iter().filter(is_kind).count()).ok())
        .max()
}

/// Whether the brand can number a column.
fn can_number(job: &Job<'_>, table: &Table, column: &Column) -> bool {
    let is_first = |key: &Vec<String>| key.first() == Some(&column.name);
    let numbered =
        |one: &&Column| one.is_identity && one.logical_type == Some(LogicalType::Integer);
    let is_the_one = table.columns.iter().find(numbered).is_some_and(|one| one.name == column.name);
    is_the_one
        && match job.to.translate.identity {
            Identity::Anywhere => true,
            Identity::FirstOfKey => {
                is_first(&table.primary_key) || table.unique_keys.iter().any(is_first)
            }
            Identity::WholeKey => table.primary_key == [column.name.clone()],
        }
}

/// Says that the brand numbers a key which nobody numbered: where a numbered column is the whole
/// key, a key of that type is one.
fn numbered_key(job: &mut Job<'_>, table: &Table, made: &NewTable) {
    let [key] = made.primary_key.as_slice() else { return };
    let rules = &job.to.translate;
    let column = made.columns.iter().find(|column| column.name == *key);
    let is_new = column
        .is_some_and(|column| !column.is_identity && rules.integers.contains(&column.declared));
    if is_new && rules.identity == Identity::WholeKey {
        let (name, title) = (&table.name, &job.to.title);
        let message = format!("`{name}.{key}` is numbered by {title} where nobody gives a value");
        job.lose("numbered-key", table, Some(key), message);
    }
}

/// The primary key and the unique keys, but for those whose columns are not all there.
fn keys(job: &mut Job<'_>, table: &Table, made: &mut NewTable) {
    let has =
        |key: &[String]| key.iter().all(|name| made.columns.iter().any(|one| one.name == *name));
    let mut kept = Vec::new();
    let all = std::iter::once(&table.primary_key).filter(|key| !key.is_empty());
    for key in all.chain(&table.unique_keys) {
        if !has(key) {
            let (name, columns) = (&table.name, key.join(", "));
            let message =
                format!("`{name}` loses its key ({columns}), of which a column is left out");
            job.lose("key-left-out", table, None, message);
            continue;
        }
        let is_primary = *key == table.primary_key;
        let is_nullable = |name: &String| table.column(name).is_some_and(|one| one.is_nullable);
        if !is_primary
            && key.iter().any(is_nullable)
            && job.from.can.repeat_null != job.to.can.repeat_null
        {
            let times = if job.to.can.repeat_null { "any number of times" } else { "once" };
            let (name, columns) = (&table.name, key.join(", "));
            let message =
                format!("the key ({columns}) of `{name}` takes NULL {times} on {}", job.to.title);
            job.lose("repeated-null", table, None, message);
        }
        kept.push((is_primary, key.clone()));
    }
    for (is_primary, key) in kept {
        if is_primary { made.primary_key = key } else { made.unique_keys.push(key) }
    }
}
