//! DDL files, statement by statement, into a draft of the schema.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::draft::{self, DraftColumn, DraftTable, Key, Kind};
use super::element::{self, Added, Context};
use super::grammar::Grammar;
use super::split::{self, Statement};
use super::token::{self, Cursor, Unread, location, split_at_commas};
use super::{Error, Reading, Skipped, Source, alter, native};
use crate::model::{Location, TableName};

/// Reads the files in their order, as one script.
pub(super) fn read(sources: &[Source<'_>], grammar: &Grammar) -> Result<Reading, Error> {
    let mut reader = Reader::new(*grammar);
    for source in sources {
        reader.namespace = None;
        for statement in split::split(source.text, grammar) {
            reader.read_statement(source.path, &statement)?;
        }
    }
    if !reader.has_create_table {
        let paths = sources.iter().map(|source| source.path.to_owned()).collect();
        return Err(Error::NoTables { paths });
    }
    reader.drop_broken_tables();
    let Reader { tables, skipped, .. } = reader;
    Ok(Reading { schema: draft::finish(tables, grammar), skipped })
}

/// What became of a statement.
pub(super) enum Done {
    /// It is in the draft.
    Read,
    /// It says nothing about tables, or nothing that the model holds.
    PassedOver,
}

/// The state of a script that is being read.
pub(super) struct Reader {
    pub(super) grammar: Grammar,
    pub(super) tables: Vec<DraftTable>,
    /// Unique indexes by name, for constraints that name one.
    pub(super) indexes: BTreeMap<String, Key>,
    /// The namespace of names without one, where the script set it.
    pub(super) namespace: Option<String>,
    enums: BTreeSet<String>,
    domains: BTreeMap<String, String>,
    has_create_table: bool,
    skipped: Vec<Skipped>,
}

impl Reader {
    fn new(grammar: Grammar) -> Self {
        Self {
            grammar,
            tables: Vec::new(),
            indexes: BTreeMap::new(),
            namespace: None,
            enums: BTreeSet::new(),
            domains: BTreeMap::new(),
            has_create_table: false,
            skipped: Vec::new(),
        }
    }

    fn read_statement(&mut self, path: &str, statement: &Statement<'_>) -> Result<(), Error> {
        let kind = Verb::of(statement);
        self.has_create_table |= kind == Verb::CreateTable;
        let place = (statement.line, statement.column);
        let done = self.read_kind(kind, path, statement);
        let unread = match done {
            Ok(Done::Read) => return Ok(()),
            Ok(Done::PassedOver) => None,
            Err(Refused::Twice(error)) => return Err(error),
            Err(Refused::Unread(unread)) => Some(unread),
        };
        let table = (kind == Verb::CreateTable && unread.is_some())
            .then(|| self.table_of(statement))
            .flatten();
        let at = unread.as_ref().and_then(|unread| unread.place).unwrap_or(place);
        self.skipped.push(Skipped {
            location: location(path, at),
            what: title(statement),
            reason: unread.map(|unread| unread.reason),
            table,
        });
        Ok(())
    }

    fn read_kind(
        &mut self,
        kind: Verb,
        path: &str,
        statement: &Statement<'_>,
    ) -> Result<Done, Refused> {
        if statement.is_open {
            return Err(Unread::new("a quote or comment that is never closed").into());
        }
        if kind == Verb::Other {
            return Ok(Done::PassedOver);
        }
        let place = (statement.line, statement.column);
        let tokens = token::tokenize(statement.text, place, &self.grammar)?;
        let cursor = Cursor::new(&tokens);
        match kind {
            Verb::CreateTable => self.create_table(cursor, path, place),
            Verb::AlterTable => Ok(alter::read(self, cursor, path)?),
            Verb::CreateIndex => Ok(self.create_index(cursor)?),
            Verb::CreateType => Ok(self.create_type(cursor)?),
            Verb::DropTable => Ok(self.drop_tables(cursor)?),
            Verb::Set => Ok(self.set(cursor)),
            Verb::Other => Ok(Done::PassedOver),
        }
    }

    /// The name of the table that a statement would have created.
    fn table_of(&self, statement: &Statement<'_>) -> Option<String> {
        let place = (statement.line, statement.column);
        let tokens = token::tokenize(statement.text, place, &self.grammar).ok()?;
        let mut cursor = Cursor::new(&tokens);
        skip_to(&mut cursor, "table");
        cursor.eat(&["if", "not", "exists"]);
        self.table_name(&mut cursor).ok().map(|name| name.to_string())
    }

    pub(super) fn table_name(&self, cursor: &mut Cursor<'_>) -> Result<TableName, Unread> {
        cursor.table_name(self.namespace.as_deref(), &self.grammar)
    }

    /// A table that was read before.
    pub(super) fn table_mut(&mut self, name: &TableName) -> Option<&mut DraftTable> {
        let index = draft::find_table(&self.tables, name, &self.grammar)?;
        self.tables.get_mut(index)
    }

    fn create_table(
        &mut self,
        mut cursor: Cursor<'_>,
        path: &str,
        place: (u64, u64),
    ) -> Result<Done, Refused> {
        skip_to(&mut cursor, "table");
        let is_conditional = cursor.eat(&["if", "not", "exists"]);
        let name = self.table_name(&mut cursor)?;
        if self.grammar.has_batches && name.name.starts_with('#') {
            return Ok(Done::PassedOver);
        }
        let here = location(path, place);
        if let Some(first) = self.table_mut(&name) {
            if is_conditional {
                return Ok(Done::PassedOver);
            }
            let first = first.location.clone();
            return Err(Refused::Twice(Error::TableTwice { table: name, location: here, first }));
        }
        if cursor.eat(&["partition", "of"]) {
            // A partition's rows are its parent's.
            return Ok(Done::PassedOver);
        }
        let table = DraftTable::new(name, Some(here));
        let table = self.fill_table(table, cursor, path)?;
        self.tables.push(table);
        Ok(Done::Read)
    }

    /// Reads what follows a new table's name.
    fn fill_table(
        &self,
        mut table: DraftTable,
        mut cursor: Cursor<'_>,
        path: &str,
    ) -> Result<DraftTable, Unread> {
        if cursor.eat(&["like"]) {
            self.copy_table(&mut table, cursor)?;
            return Ok(table);
        }
        let at = cursor.place();
        let Some(inside) = cursor.group() else {
            let reason = "a table without a list of columns".to_owned();
            return Err(Unread { place: at, reason });
        };
        let rest = cursor.rest();
        self.inherit(&mut table, rest)?;
        let mut is_descending = false;
        for element in split_at_commas(inside) {
            let mut own = Cursor::new(element);
            if own.eat(&["like"]) {
                self.copy_table(&mut table, own)?;
                continue;
            }
            for added in self.read_element(element, path)? {
                is_descending |= matches!(added, Added::DescendingKey(_));
                self.add(&mut table, added)?;
            }
        }
        if has_query(rest) {
            return Err(Unread::new("a table that is filled by a query is not read"));
        }
        self.finish_keys(&mut table, rest, is_descending);
        if table.columns.is_empty() {
            return Err(Unread::new("a table without columns"));
        }
        Ok(table)
    }

    /// Reads an element and gives its column the kind of its type.
    pub(super) fn read_element(
        &self,
        element: &[TokenWithSpan],
        path: &str,
    ) -> Result<Vec<Added>, Unread> {
        let end = element.last().map(token::place);
        let mut added = element::read(element, self.context(path)).map_err(|unread| Unread {
            // Where the element ends too early, its last token is as near as it gets.
            place: unread.place.or(end),
            reason: unread.reason,
        })?;
        for one in &mut added {
            if let Added::Column(column) = one {
                column.kind = self.kind(&column.native_type);
            }
        }
        Ok(added)
    }

    pub(super) fn context<'a>(&'a self, path: &'a str) -> Context<'a> {
        Context { path, namespace: self.namespace.as_deref(), grammar: &self.grammar }
    }

    pub(super) fn kind(&self, native_type: &str) -> Kind {
        if self.enums.contains(native_type) {
            return Kind::Enum;
        }
        self.domains.get(native_type).cloned().map_or(Kind::Base, Kind::Domain)
    }

    /// Adds an element to its table.
    pub(super) fn add(&self, table: &mut DraftTable, added: Added) -> Result<(), Unread> {
        match added {
            Added::Column(column) => {
                let known = table.columns.iter().map(|column| &column.name);
                if draft::find(known, &column.name, &self.grammar).is_some() {
                    let reason = format!("column `{}` is defined twice", column.name);
                    let place = column.location.map(|at| (at.line, at.column));
                    return Err(Unread { place, reason });
                }
                table.columns.push(*column);
            }
            Added::PrimaryKey(key) | Added::DescendingKey(key) => table.primary_key = Some(key),
            Added::Unique(key) => table.unique_keys.push(key),
            Added::Reference(reference) => table.foreign_keys.push(reference),
            Added::KeyOfIndex(index) => {
                let key = self.indexes.get(&index).cloned();
                let missing = || Unread::new(format!("index `{index}` was not read before"));
                table.primary_key = Some(key.ok_or_else(missing)?);
            }
        }
        Ok(())
    }

    /// `INHERITS (…)`: the parents' columns come first.
    fn inherit(&self, table: &mut DraftTable, rest: &[TokenWithSpan]) -> Result<(), Unread> {
        let mut cursor = Cursor::new(rest);
        if !cursor.eat(&["inherits"]) {
            return Ok(());
        }
        for parent in split_at_commas(cursor.group().unwrap_or_default()) {
            let parent = self.known(&mut Cursor::new(parent))?;
            table.columns.extend(copied_columns(parent));
        }
        Ok(())
    }

    /// `LIKE t INCLUDING …`: columns with NOT NULL; keys and defaults if they are included.
    fn copy_table(&self, table: &mut DraftTable, mut cursor: Cursor<'_>) -> Result<(), Unread> {
        let parent = self.known(&mut cursor)?;
        // `LIKE` without a choice copies everything in a brand that has no choice.
        let is_included = |what: &[&str]| {
            let mut rest = cursor;
            let mut is_included = !self.grammar.folds_names;
            while !rest.is_at_end() {
                let is_on = rest.is_at(&["including"]);
                rest.next();
                if rest.word().is_some_and(|word| word == "all" || what.contains(&word.as_str())) {
                    is_included = is_on;
                }
            }
            is_included
        };
        let has_defaults = is_included(&["defaults"]);
        let has_identity = is_included(&["identity"]);
        let has_generated = is_included(&["generated"]);
        let copied = copied_columns(parent).map(|column| DraftColumn {
            default: column.default.filter(|_| has_defaults),
            is_identity: column.is_identity && has_identity,
            is_generated: column.is_generated && has_generated,
            ..column
        });
        table.columns.extend(copied);
        if is_included(&["indexes"]) {
            table.primary_key.clone_from(&parent.primary_key);
            table.unique_keys.extend(parent.unique_keys.iter().cloned());
        }
        Ok(())
    }

    fn known(&self, cursor: &mut Cursor<'_>) -> Result<&DraftTable, Unread> {
        let place = cursor.place();
        let name = self.table_name(cursor)?;
        let index = draft::find_table(&self.tables, &name, &self.grammar);
        index
            .map(|index| &self.tables[index])
            .ok_or_else(|| Unread { place, reason: format!("table `{name}` was not read before") })
    }

    /// SQLite's rules of what a key means for NULL and for numbering.
    fn finish_keys(&self, table: &mut DraftTable, rest: &[TokenWithSpan], is_descending: bool) {
        if !self.grammar.has_rowid {
            return;
        }
        let says = |word: &str| rest.iter().any(|token| token::is_word(token, word));
        let has_rowid = !says("rowid");
        let is_strict = says("strict");
        let Some(key) = table.primary_key.clone() else { return };
        for name in &key.columns {
            let Some(column) = table.column_mut(name, &self.grammar) else { continue };
            let is_alias = has_rowid
                && !is_descending
                && key.columns.len() == 1
                && column.native_type == "integer";
            column.is_identity |= is_alias;
            if is_alias || !has_rowid || is_strict {
                column.is_nullable = false;
            }
        }
    }

    /// A unique index is a key, unless it covers only some rows or an expression.
    fn create_index(&mut self, mut cursor: Cursor<'_>) -> Result<Done, Unread> {
        skip_to(&mut cursor, "index");
        cursor.eat(&["concurrently"]);
        cursor.eat(&["if", "not", "exists"]);
        let index = if cursor.is_at(&["on"]) {
            None
        } else {
            let name = self.table_name(&mut cursor)?;
            cursor.eat(&["using"]).then(|| cursor.next());
            Some(name.name)
        };
        skip_to(&mut cursor, "on");
        cursor.eat(&["only"]);
        let table = self.table_name(&mut cursor)?;
        cursor.eat(&["using"]).then(|| cursor.next());
        let columns = cursor.group().map(split_at_commas).unwrap_or_default();
        let columns = columns.into_iter().map(|part| self.index_column(part));
        let columns: Option<Vec<String>> = columns.collect();
        let is_partial = cursor.rest().iter().any(|token| token::is_word(token, "where"));
        let Some(columns) = columns.filter(|_| !is_partial) else { return Ok(Done::PassedOver) };
        let key = Key { name: index.clone(), columns };
        if let Some(index) = index {
            self.indexes.insert(index, key.clone());
        }
        let Some(table) = self.table_mut(&table) else { return Ok(Done::PassedOver) };
        table.unique_keys.push(key);
        Ok(Done::Read)
    }

    /// The plain column that a part of an index is.
    fn index_column(&self, part: &[TokenWithSpan]) -> Option<String> {
        let mut cursor = Cursor::new(part);
        let name = cursor.name(&self.grammar).ok()?;
        // A prefix, a call, or an operator follows: then it is no plain column.
        let is_plain =
            cursor.rest().first().is_none_or(|next| matches!(next.token, Token::Word(_)));
        is_plain.then_some(name)
    }

    /// Enumerations and names for other types.
    fn create_type(&mut self, mut cursor: Cursor<'_>) -> Result<Done, Unread> {
        cursor.next();
        cursor.next();
        let name_tokens = cursor.rest();
        self.table_name(&mut cursor)?;
        let name_tokens = &name_tokens[..name_tokens.len() - cursor.rest().len()];
        let name = native::from_tokens(name_tokens, &self.grammar);
        if cursor.eat(&["as", "enum"]) {
            self.enums.insert(name);
            return Ok(Done::Read);
        }
        let is_domain = cursor.eat(&["from"]) || !cursor.is_at(&["as", "table"]);
        cursor.eat(&["as"]);
        if !is_domain || cursor.is_at_end() || cursor.is_at_token(&Token::LParen) {
            return Ok(Done::PassedOver);
        }
        let base = element::take_type(&mut cursor);
        let base = native::from_tokens(base, &self.grammar);
        // A range or a shell type has no base that is known.
        if !base.starts_with("range") {
            self.domains.insert(name, base);
        }
        Ok(Done::Read)
    }

    fn drop_tables(&mut self, mut cursor: Cursor<'_>) -> Result<Done, Unread> {
        skip_to(&mut cursor, "table");
        cursor.eat(&["if", "exists"]);
        let mut done = Done::PassedOver;
        for name in split_at_commas(cursor.rest()) {
            let name = self.table_name(&mut Cursor::new(name))?;
            if let Some(index) = draft::find_table(&self.tables, &name, &self.grammar) {
                self.tables.remove(index);
                done = Done::Read;
            }
        }
        Ok(done)
    }

    /// `SET search_path = shop, public`: where new tables go.
    fn set(&mut self, mut cursor: Cursor<'_>) -> Done {
        cursor.next();
        cursor.next();
        let _ = cursor.eat_token(&Token::Eq) || cursor.eat(&["to"]);
        let first = cursor.next().map(|token| match &token.token {
            Token::SingleQuotedString(text) => text.clone(),
            Token::Word(word) => word.value.clone(),
            _ => String::new(),
        });
        let first = first.filter(|name| !matches!(name.as_str(), "" | "$user" | "pg_catalog"));
        self.namespace = first;
        Done::PassedOver
    }

    /// A key that names a column which its table does not have makes the table unreadable.
    fn drop_broken_tables(&mut self) {
        let Self { grammar, tables, skipped, .. } = self;
        tables.retain(|table| {
            let Some(missing) = draft::missing_column(table, grammar) else { return true };
            let nowhere = || Location { path: String::new(), line: 1, column: 1 };
            skipped.push(Skipped {
                location: table.location.clone().unwrap_or_else(nowhere),
                what: "CREATE TABLE".to_owned(),
                reason: Some(format!("a key names column `{missing}`, which the table lacks")),
                table: Some(table.name.to_string()),
            });
            false
        });
        skipped.sort_by(|a, b| a.location.cmp(&b.location));
    }
}

/// Why a statement did not become part of the draft.
enum Refused {
    /// The whole reading ends here.
    Twice(Error),
    /// Only this statement is left out.
    Unread(Unread),
}

impl From<Unread> for Refused {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

/// What a statement does, as far as the schema goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    CreateTable,
    CreateIndex,
    CreateType,
    AlterTable,
    DropTable,
    Set,
    Other,
}

impl Verb {
    fn of(statement: &Statement<'_>) -> Self {
        let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["create", "unlogged", "table", ..]
            | ["create", "or", "replace", "table", ..]
            | ["create", "table", ..] => Self::CreateTable,
            ["create", "unique", "index", ..]
            | ["create", "or", "replace", "unique", "index", ..]
            | ["create", "unique", "clustered" | "nonclustered", "index", ..] => Self::CreateIndex,
            ["create", "type" | "domain", ..] => Self::CreateType,
            ["alter", "table", ..] | ["alter", "ignore" | "online", "table", ..] => {
                Self::AlterTable
            }
            ["drop", "table", ..] => Self::DropTable,
            ["set", "search_path", ..] => Self::Set,
            _ => Self::Other,
        }
    }
}

/// What a statement is, for people: `CREATE FUNCTION`, `INSERT`, `\connect`.
fn title(statement: &Statement<'_>) -> String {
    const SILENT: [&str; 12] = [
        "or",
        "replace",
        "temp",
        "temporary",
        "global",
        "local",
        "unlogged",
        "unique",
        "definer",
        "algorithm",
        "if",
        "not",
    ];
    let mut words = statement.words.iter().map(String::as_str);
    let Some(first) = words.next() else { return "?".to_owned() };
    if first.starts_with(['\\', '.']) {
        return first.to_owned();
    }
    let kind = match first {
        "create" | "alter" | "drop" | "comment" => words.find(|word| !SILENT.contains(word)),
        _ => None,
    };
    let title = kind.map_or(first.to_owned(), |kind| format!("{first} {kind}"));
    title.to_uppercase()
}

/// A table's columns for another one, which gets the NOT NULL of the key without the key.
fn copied_columns(parent: &DraftTable) -> impl Iterator<Item = DraftColumn> {
    parent.columns.iter().cloned().map(|column| DraftColumn {
        is_nullable: column.is_nullable
            && !parent.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column.name)),
        ..column
    })
}

/// Steps behind the first such word.
fn skip_to(cursor: &mut Cursor<'_>, word: &str) {
    while !cursor.is_at_end() && !cursor.eat(&[word]) {
        cursor.next();
    }
}

/// Whether a table's options end in a query that fills it.
fn has_query(rest: &[TokenWithSpan]) -> bool {
    rest.iter().any(|token| token::is_word(token, "select"))
}
