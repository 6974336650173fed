//! An inbox row becomes a change that can be decided on, or a reason why it cannot.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::command::{ParsedCommand, parse_command};
use super::fit::misfit;
use super::target::{Target, TargetColumn, Targets};
use crate::dialect::Dialect;
use crate::model::{Change, Op, Version, canonical, into_canonical, stamp};

/// Why a change waits for a table to be followed.
pub(super) const NO_TABLE: &str = "no_table";

/// Why a change waits for a column: it is tried again by itself once the tables have changed.
pub(super) const NO_COLUMN: &str = "no_column";
/// The value does not fit into the column of this node.
pub(super) const NO_FIT: &str = "no_fit";

/// A row of a followed table: the table's index in [`Targets`] and the key's canonical text, a
/// JSON array of texts where the key has several columns.
pub type RowId = (usize, String);

/// A change whose every part was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Its row in the inbox.
    pub inbox_id: i64,
    /// Its place in the total order.
    pub version: Version,
    /// The source transaction.
    pub transaction_id: Option<i64>,
    /// What it does.
    pub op: Op,
    /// The row it is about.
    pub row: RowId,
    /// The row's key, canonical, in key order.
    pub key: Vec<String>,
    /// The key that the row had before, when the key changed.
    pub old_row: Option<RowId>,
    /// Columns outside the key with their canonical values.
    pub cells: BTreeMap<String, Option<String>>,
    /// Columns that are only written where the row is inserted: what the row says of them is a
    /// hash or a mask, and the value itself may be here.
    pub if_absent: BTreeMap<String, Option<String>>,
    /// Whether it is of a table with `overwrite: record` and says what becomes of the whole row.
    pub is_record: bool,
    /// What they held before, or what the deleted row held, as far as the change tells.
    pub old_cells: BTreeMap<String, Option<String>>,
}

/// Why a change cannot be imported. The code is stable, the reason is a sentence; neither holds
/// a value of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// `unreadable`, `no_table`, `no_column`, `bad_value`, `no_fit`, `bad_command`, `forbidden`, …
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Incoming {
    /// Whether it decides on the row, and not on columns of it.
    #[must_use]
    pub fn claims_row(&self) -> bool {
        self.op != Op::Update || self.is_record
    }

    /// All that it says of its row, outside the key.
    pub(super) fn row_cells(&self) -> BTreeMap<String, Option<String>> {
        let mut cells = self.if_absent.clone();
        cells.extend(self.cells.clone());
        cells
    }
}

impl Refusal {
    pub(super) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// Checks a change and brings every value into canonical form.
///
/// # Errors
/// The first thing that makes it impossible to import.
pub fn decode(targets: &Targets, change: &Change) -> Result<Incoming, Refusal> {
    decode_with(targets, change, Unknown::Refused)
}

/// A change of this node's own: a column that it names and that is gone since is left out, for
/// what else it says of the row has to be known.
pub(super) fn decode_own(targets: &Targets, change: &Change) -> Result<Incoming, Refusal> {
    decode_with(targets, change, Unknown::LeftOut)
}

/// What becomes of a change with a column that the table does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Refused,
    LeftOut,
}

fn decode_with(targets: &Targets, change: &Change, unknown: Unknown) -> Result<Incoming, Refusal> {
    if let Some(reason) = &change.refusal {
        return Err(Refusal::new("unreadable", reason.clone()));
    }
    let version = version(change)?;
    let parsed = command(targets, change)?;
    let (index, target) = table(targets, change, parsed.as_ref())?;
    let body = match &parsed {
        Some(command) => from_command(target, command, change)?,
        None => from_columns(target, change)?,
    };
    let dialect = targets.brand.dialect();
    let key = key_values(dialect, target, &body.key)?;
    let old_row = match &change.object_id_old {
        Some(old) if body.op == Op::Insert && parsed.is_none() => {
            Some((index, row_text(&key_values(dialect, target, &key_texts(target, old)?)?)))
        }
        _ => None,
    };
    let mut cells = BTreeMap::new();
    let mut if_absent = BTreeMap::new();
    let named = body.cells.into_iter().map(|cell| (cell, false));
    for ((name, value), is_context) in named.chain(body.context.into_iter().map(|c| (c, true))) {
        if let Some(at) = target.key.iter().position(|column| column.name == name) {
            check_key_cell(target, &key, at, value)?;
            continue;
        }
        let Some(column) = column(target, &name, unknown)? else { continue };
        let value = value.map(|text| value_of(dialect, target, column, text)).transpose()?;
        if is_context && target.is_record_level && column.policy != "capture" {
            if_absent.insert(name, value);
        } else {
            // What a change names itself counts before what its context says of it.
            cells.entry(name).or_insert(value);
        }
    }
    if_absent.retain(|name, _| !cells.contains_key(name));
    let says = |column: &TargetColumn| {
        cells.contains_key(&column.name) || if_absent.contains_key(&column.name)
    };
    let is_whole = body.op != Op::Update || target.captured().all(says);
    let old_cells = match parsed {
        Some(_) => BTreeMap::new(),
        None => old_cells(target, change),
    };
    Ok(Incoming {
        inbox_id: change.id,
        version,
        transaction_id: change.transaction_id,
        op: body.op,
        row: (index, row_text(&key)),
        key,
        old_row,
        cells,
        if_absent,
        is_record: target.is_record_level && is_whole,
        old_cells,
    })
}

/// What a change replaced: the old value of an update's column, the columns of a deleted row. It
/// decides nothing, so what cannot be read of it is left out.
pub(super) fn old_cells(target: &Target, change: &Change) -> BTreeMap<String, Option<String>> {
    let op = change.object_operation.as_deref().and_then(Op::from_letter);
    let old = match (op, &change.object_attribute) {
        (Some(Op::Update), Some(column)) => {
            vec![(column.clone(), change.object_value_old.clone())]
        }
        (Some(Op::Delete), _) => {
            document(change.object_value_old.as_deref(), "object_value_old").unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let known = |(name, value): (String, Option<String>)| {
        let column = target.columns.get(&name)?;
        let canonical = |text| into_canonical(column.logical_type, text);
        let value = value.map(canonical).transpose().ok()?;
        Some((name, value))
    };
    old.into_iter().filter_map(known).collect()
}

/// The row that a change is about as the quarantine names it, (table, key): canonical where the
/// change can be read so far, else as it was written, else none.
pub(super) fn row_name(targets: &Targets, change: &Change) -> Option<(String, String)> {
    let as_written = || change.object_table.clone().zip(change.object_id.clone());
    let parsed = command(targets, change).unwrap_or_default();
    let Ok((_, target)) = table(targets, change, parsed.as_ref()) else { return as_written() };
    let key = match &parsed {
        Some(command) => from_command(target, command, change).map(|body| body.key),
        None => change_key(target, change),
    };
    let key = key.and_then(|key| key_values(targets.brand.dialect(), target, &key));
    match key {
        Ok(key) => Some((target.object_table.clone(), row_text(&key))),
        Err(_) => as_written(),
    }
}

/// The key in the columns of a change, whether or not the rest of it is right.
fn change_key(target: &Target, change: &Change) -> Result<Vec<Option<String>>, Refusal> {
    match &change.object_id {
        Some(id) => key_texts(target, id),
        None => from_columns(target, change).map(|body| body.key),
    }
}

struct Body {
    op: Op,
    key: Vec<Option<String>>,
    cells: Vec<(String, Option<String>)>,
    /// What an update says besides.
    context: Vec<(String, Option<String>)>,
}

fn version(change: &Change) -> Result<Version, Refusal> {
    let missing = |what| Refusal::new("unreadable", format!("the change has no {what}"));
    let text = change.update_datetime.as_deref().ok_or_else(|| missing("`update_datetime`"))?;
    Ok(Version {
        stamp: stamp(text)
            .map_err(|bad| Refusal::new("unreadable", format!("`update_datetime` is {bad}")))?,
        origin: change
            .updated_by_server_id
            .clone()
            .ok_or_else(|| missing("`updated_by_server_id`"))?,
        source_id: change.source_id.ok_or_else(|| missing("`source_id`"))?,
    })
}

/// The parsed command, when the change has one that counts.
///
/// A command is what DataJoin's programs would have run, so it decides where it is there. Only
/// where our own triggers wrote it beside complete columns (`capture.command`), and a value in it
/// has a quote that the `~` form cannot carry, the columns are taken instead.
fn command(targets: &Targets, change: &Change) -> Result<Option<ParsedCommand>, Refusal> {
    let given = change.object_operation_command.as_deref();
    let Some(text) = given.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let origin = change.updated_by_server_id.as_ref().and_then(|id| targets.origins.get(id));
    match parse_command(text, origin.copied()) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(_) if targets.has_commands && is_complete(change) => Ok(None),
        Err(error) => Err(Refusal::new(
            "bad_command",
            format!("`object_operation_command` cannot be imported: {error}"),
        )),
    }
}

fn is_complete(change: &Change) -> bool {
    let has_document = |value: &Option<String>| {
        value
            .as_deref()
            .is_some_and(|text| serde_json::from_str::<serde_json::Map<String, Json>>(text).is_ok())
    };
    match change.object_operation.as_deref().and_then(Op::from_letter) {
        Some(Op::Insert) => has_document(&change.object_value),
        Some(Op::Update) => change.object_attribute.is_some() && change.object_id.is_some(),
        Some(Op::Delete) => has_document(&change.object_value_old),
        None => false,
    }
}

fn table<'a>(
    targets: &'a Targets,
    change: &Change,
    command: Option<&ParsedCommand>,
) -> Result<(usize, &'a Target), Refusal> {
    let named = command.map(|command| command.table.to_string());
    let name = named
        .as_deref()
        .or(change.object_table.as_deref())
        .ok_or_else(|| Refusal::new("unreadable", "the change has no `object_table`"))?;
    let index = targets.find(name).ok_or_else(|| {
        let name = shown(name);
        Refusal::new(NO_TABLE, format!("table `{name}` is not followed on this node"))
    })?;
    Ok((index, &targets.tables[index]))
}

fn from_command(
    target: &Target,
    command: &ParsedCommand,
    change: &Change,
) -> Result<Body, Refusal> {
    let inserted = |name: &str| {
        let found = command.values.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(found.1.clone())
    };
    let named = |name: &str| {
        let found = command.key.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(Some(found.1.clone()))
    };
    let is_insert = command.op == Op::Insert;
    let is_by_key = is_insert || command.key.len() == target.key.len();
    let key_of = |name: &str| if is_insert { inserted(name) } else { named(name) };
    let key = target.key.iter().map(|column| key_of(&column.name)).collect::<Option<Vec<_>>>();
    let (true, Some(key)) = (is_by_key, key) else {
        return Err(Refusal::new(
            "bad_command",
            format!("the command does not name its row by the key {}", key_names(target)),
        ));
    };
    let values = if command.op == Op::Delete { &[][..] } else { &command.values[..] };
    if command.op == Op::Update
        && let Some((name, _)) = values.iter().find(|(name, _)| is_key(target, name))
    {
        return Err(Refusal::new("bad_command", format!("the command changes the key `{name}`")));
    }
    let cells =
        values.iter().map(|(name, value)| (true_name(target, name), value.clone())).collect();
    // The command names the column that changed; the whole row stands beside it.
    let context = match &change.object_context {
        Some(context) if command.op == Op::Update && target.is_record_level => {
            document(Some(context), "object_context")?
        }
        _ => Vec::new(),
    };
    Ok(Body { op: command.op, key, cells, context })
}

/// A column of a command in the letters of the table: an unquoted name has no case of its own.
fn true_name(target: &Target, name: &str) -> String {
    let key = target.key.iter().map(|column| &column.name);
    let known = target.columns.keys().chain(key).chain(&target.dropped);
    let mut fitting = known.filter(|known| known.eq_ignore_ascii_case(name));
    fitting.next().cloned().unwrap_or_else(|| name.to_owned())
}

fn is_key(target: &Target, name: &str) -> bool {
    target.key.iter().any(|column| column.name.eq_ignore_ascii_case(name))
}

fn from_columns(target: &Target, change: &Change) -> Result<Body, Refusal> {
    let op =
        change.object_operation.as_deref().and_then(Op::from_letter).ok_or_else(|| {
            Refusal::new("unreadable", "`object_operation` is not one of I, U, D")
        })?;
    check_key_attribute(target, change)?;
    let mut context = Vec::new();
    let cells = match op {
        Op::Insert => document(change.object_value.as_deref(), "object_value")?,
        Op::Update => {
            let attribute = change.object_attribute.clone().ok_or_else(|| {
                Refusal::new("unreadable", "an update without `object_attribute`")
            })?;
            if is_key(target, &attribute) {
                return Err(Refusal::new(
                    "unreadable",
                    format!("an update of the key `{attribute}`: a changed key is a D and an I"),
                ));
            }
            if let Some(text) = &change.object_context {
                context = document(Some(text), "object_context")?;
            }
            vec![(attribute, change.object_value.clone())]
        }
        Op::Delete => Vec::new(),
    };
    let key = match &change.object_id {
        Some(id) => key_texts(target, id)?,
        None if op == Op::Insert => target
            .key
            .iter()
            .map(|column| cells.iter().find(|(name, _)| *name == column.name)?.1.clone().into())
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Refusal::new("unreadable", "the change has no `object_id`"))?,
        None => return Err(Refusal::new("unreadable", "the change has no `object_id`")),
    };
    Ok(Body { op, key, cells, context })
}

fn check_key_attribute(target: &Target, change: &Change) -> Result<(), Refusal> {
    let Some(attribute) = &change.object_pk_attribute else { return Ok(()) };
    if let [column] = &target.key[..]
        && column.name == *attribute
    {
        return Ok(());
    }
    let names = match serde_json::from_str::<Vec<String>>(attribute) {
        Ok(names) => names,
        Err(_) => vec![attribute.clone()],
    };
    if names.iter().eq(target.key.iter().map(|column| &column.name)) {
        return Ok(());
    }
    Err(Refusal::new(
        "unreadable",
        format!("`object_pk_attribute` is not the key {}", key_names(target)),
    ))
}

fn key_names(target: &Target) -> String {
    let names: Vec<String> = target.key.iter().map(|c| format!("`{}`", c.name)).collect();
    names.join(", ")
}

/// `object_id` as one text per key column.
fn key_texts(target: &Target, id: &str) -> Result<Vec<Option<String>>, Refusal> {
    if target.key.len() == 1 {
        return Ok(vec![Some(id.to_owned())]);
    }
    let values: Vec<Json> = serde_json::from_str(id).unwrap_or_default();
    if values.len() != target.key.len() {
        return Err(Refusal::new(
            "unreadable",
            format!("`object_id` is not a JSON array of {} values", target.key.len()),
        ));
    }
    let named = values.into_iter().zip(&target.key);
    named.map(|(value, column)| json_text(&column.name, value)).collect()
}

fn key_values(
    dialect: &Dialect,
    target: &Target,
    texts: &[Option<String>],
) -> Result<Vec<String>, Refusal> {
    let pairs = target.key.iter().zip(texts);
    let values = pairs.map(|(column, text)| match text {
        Some(text) => value_of(dialect, target, column, text.clone()),
        None => Err(Refusal::new("bad_value", format!("key `{}` is NULL", column.name))),
    });
    let values = values.collect::<Result<Vec<_>, _>>()?;
    if !dialect.takes_key(&row_text(&values)) {
        return Err(Refusal::new(
            "bad_value",
            format!("the key {} is longer than {} takes", key_names(target), dialect.title),
        ));
    }
    Ok(values)
}

/// A document that names another key than the change is not one change.
fn check_key_cell(
    target: &Target,
    key: &[String],
    at: usize,
    value: Option<String>,
) -> Result<(), Refusal> {
    let column = &target.key[at];
    let value = value.and_then(|text| canonical(column.logical_type, &text).ok());
    if value.as_ref() == key.get(at) {
        return Ok(());
    }
    let name = &column.name;
    Err(Refusal::new("unreadable", format!("the change's document has another key `{name}`")))
}

/// The key as `object_id` holds it.
#[must_use]
pub(super) fn row_text(key: &[String]) -> String {
    match key {
        [value] => value.clone(),
        values => Json::from(values.to_vec()).to_string(),
    }
}

fn document(text: Option<&str>, what: &str) -> Result<Vec<(String, Option<String>)>, Refusal> {
    let object: serde_json::Map<String, Json> = text
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| Refusal::new("unreadable", format!("`{what}` is not a JSON object")))?;
    object
        .into_iter()
        .map(|(name, value)| {
            let text = json_text(&name, value)?;
            Ok((name, text))
        })
        .collect()
}

fn json_text(name: &str, value: Json) -> Result<Option<String>, Refusal> {
    match value {
        Json::Null => Ok(None),
        Json::String(text) => Ok(Some(text)),
        Json::Number(number) => Ok(Some(number.to_string())),
        Json::Bool(flag) => Ok(Some(flag.to_string())),
        Json::Array(_) | Json::Object(_) => {
            let name = shown(name);
            let reason = format!("the value of `{name}` is a JSON array or object, not a text");
            Err(Refusal::new("bad_value", reason))
        }
    }
}

/// The column that a change names; none where it was dropped on purpose.
fn column<'a>(
    target: &'a Target,
    name: &str,
    unknown: Unknown,
) -> Result<Option<&'a TargetColumn>, Refusal> {
    let table = &target.object_table;
    if target.forbidden.iter().any(|known| known == name) {
        return Err(Refusal::new(
            "forbidden",
            format!("column `{table}.{name}` must not arrive here"),
        ));
    }
    let found = target.columns.get(name);
    let is_missed = || !target.dropped.iter().any(|known| known == name);
    if found.is_none() && unknown == Unknown::Refused && is_missed() {
        let name = shown(name);
        let reason = format!("table `{table}` has no column `{name}` here");
        return Err(Refusal::new(NO_COLUMN, reason));
    }
    Ok(found)
}

/// A name that somebody made up, short enough for a message.
fn shown(name: &str) -> String {
    const LENGTH: usize = 100;
    let mut letters = name.chars();
    let start: String = letters.by_ref().take(LENGTH).collect();
    if letters.next().is_some() { format!("{start}…") } else { start }
}

fn value_of(
    dialect: &Dialect,
    target: &Target,
    column: &TargetColumn,
    text: String,
) -> Result<String, Refusal> {
    let place = || format!("`{}.{}`", target.object_table, column.name);
    let value = into_canonical(column.logical_type, text)
        .map_err(|bad| Refusal::new("bad_value", format!("{}: {bad}", place())))?;
    match misfit(dialect, column, &value) {
        Some(lost) => Err(Refusal::new(NO_FIT, format!("{}: the value {lost}", place()))),
        None => Ok(value),
    }
}
