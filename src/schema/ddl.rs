//! DDL files, statement by statement, into a draft of the schema.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::draft::{self, DraftTable, Key, Kind};
use super::element::{self, Added, Context};
use super::grammar::Grammar;
use super::split::{self, Statement};
use super::tables::Tables;
use super::token::{self, Cursor, Unread, location, split_at_commas};
use super::verb::{Verb, title};
use super::{Error, Reading, Skipped, Source, alter};
use crate::model::{Location, TableName};

/// Why a statement that reaches to the end of its file is not read.
pub(super) const UNCLOSED: &str = "a quote or comment that is never closed";

/// How many columns are read: so many take some 350 MB, and generating their SQL 2 GB.
const COLUMNS_MAX: usize = 500_000;

/// Reads the files in their order, as one script.
pub(super) fn read(sources: &[Source<'_>], grammar: &'static Grammar) -> Result<Reading, Error> {
    read_up_to(COLUMNS_MAX, sources, grammar)
}

fn read_up_to(
    columns_max: usize,
    sources: &[Source<'_>],
    grammar: &'static Grammar,
) -> Result<Reading, Error> {
    let mut reader = Reader::new(grammar);
    for source in sources {
        reader.namespace = None;
        for statement in split::split(source.text, grammar) {
            reader.read_statement(source.path, &statement)?;
            if reader.tables.columns() > columns_max {
                let place = (statement.line, statement.column);
                let location = Box::new(location(source.path, place));
                return Err(Error::TooLarge { columns: columns_max, location });
            }
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
    pub(super) grammar: &'static Grammar,
    pub(super) tables: Tables,
    /// Unique indexes by name, for constraints that name one.
    pub(super) indexes: BTreeMap<String, Key>,
    /// The namespace of names without one, where the script set it.
    pub(super) namespace: Option<String>,
    /// What it was before the `CREATE SCHEMA` whose elements are being read.
    outer_namespace: Option<Option<String>>,
    /// Tables whose definitions could not be read; what changes them later is no further news.
    pub(super) unread: BTreeSet<TableName>,
    pub(super) enums: BTreeSet<String>,
    /// Composites and ranges.
    pub(super) own_types: BTreeSet<String>,
    pub(super) domains: BTreeMap<String, String>,
    /// Of these, what makes a column NOT NULL that does not say it.
    pub(super) required_types: BTreeSet<String>,
    has_create_table: bool,
    skipped: Vec<Skipped>,
}

impl Reader {
    fn new(grammar: &'static Grammar) -> Self {
        Self {
            grammar,
            tables: Tables::default(),
            indexes: BTreeMap::new(),
            namespace: None,
            outer_namespace: None,
            unread: BTreeSet::new(),
            enums: BTreeSet::new(),
            own_types: BTreeSet::new(),
            domains: BTreeMap::new(),
            required_types: BTreeSet::new(),
            has_create_table: false,
            skipped: Vec::new(),
        }
    }

    fn read_statement(&mut self, path: &str, statement: &Statement<'_>) -> Result<(), Error> {
        let kind = Verb::of(statement);
        self.has_create_table |= kind == Verb::CreateTable;
        let place = (statement.line, statement.column);
        let done = self.read_kind(kind, path, statement);
        self.leave_schema(statement);
        let unread = match done {
            Ok(Done::Read) => return Ok(()),
            Ok(Done::PassedOver) => None,
            Err(Refused::Twice(error)) => return Err(error),
            Err(Refused::Unread(unread)) => Some(unread),
        };
        let is_lost = kind == Verb::CreateTable && unread.is_some();
        let is_wrong = kind == Verb::AlterTable && unread.is_some();
        let mut table = (is_lost || is_wrong).then(|| self.table_of(statement)).flatten();
        if is_lost {
            self.unread.extend(table.clone());
        } else {
            // What is not created here is no table that could be wrong.
            table = table.filter(|name| self.tables.get(name, self.grammar).is_some());
        }
        let at = unread.as_ref().and_then(|unread| unread.place).unwrap_or(place);
        self.skipped.push(Skipped {
            location: location(path, at),
            what: title(statement),
            reason: unread.map(|unread| unread.reason),
            table: table.map(|name| name.to_string()),
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
            return Err(Unread::new(UNCLOSED).into());
        }
        if kind == Verb::Other {
            return Ok(Done::PassedOver);
        }
        let place = (statement.line, statement.column);
        let tokens = token::tokenize(statement.text, place, self.grammar)?;
        let cursor = Cursor::new(&tokens);
        match kind {
            Verb::CreateTable => self.create_table(cursor, path, place),
            Verb::AlterTable => Ok(alter::read(self, cursor, path)?),
            Verb::CreateSchema => Ok(self.enter_schema(cursor, statement)),
            Verb::CreateIndex => Ok(self.create_index(cursor)?),
            Verb::CreateType => Ok(self.create_type(cursor)?),
            Verb::AddType => Ok(self.add_type(cursor)),
            Verb::AlterType => Ok(self.rename_type(cursor)?),
            Verb::DropTable => Ok(self.drop_tables(cursor)?),
            Verb::RenameTable => Ok(alter::rename_tables(self, cursor)?),
            Verb::Set => Ok(self.set(cursor)),
            Verb::Other => Ok(Done::PassedOver),
        }
    }

    /// The name of the table that a statement would have created or altered.
    fn table_of(&self, statement: &Statement<'_>) -> Option<TableName> {
        let place = (statement.line, statement.column);
        let tokens = token::tokenize(statement.text, place, self.grammar).ok()?;
        let mut cursor = Cursor::new(&tokens);
        skip_to(&mut cursor, "table");
        let _ = cursor.eat(&["if", "not", "exists"]) || cursor.eat(&["if", "exists"]);
        cursor.eat(&["only"]);
        self.table_name(&mut cursor).ok()
    }

    pub(super) fn table_name(&self, cursor: &mut Cursor<'_>) -> Result<TableName, Unread> {
        cursor.table_name(self.namespace.as_deref(), self.grammar)
    }

    /// A table that was read before.
    pub(super) fn table_mut(&mut self, name: &TableName) -> Option<&mut DraftTable> {
        self.tables.get_mut(name, self.grammar)
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
                column.is_nullable &= !self.required_types.contains(&column.native_type)
                    || element.iter().any(|token| token::is_word(token, "null"));
            }
        }
        Ok(added)
    }

    pub(super) fn context<'a>(&'a self, path: &'a str) -> Context<'a> {
        Context { path, namespace: self.namespace.as_deref(), grammar: self.grammar }
    }

    pub(super) fn kind(&self, native_type: &str) -> Kind {
        match self.domains.get(native_type) {
            Some(base) => Kind::Domain(base.clone(), Box::new(self.sort(base))),
            None => self.sort(native_type),
        }
    }

    /// What sort of type it is, if it is no domain.
    fn sort(&self, native_type: &str) -> Kind {
        if self.enums.contains(native_type) {
            Kind::Enum
        } else if self.own_types.contains(native_type) {
            Kind::Own
        } else {
            Kind::Base
        }
    }

    /// Adds an element to its table.
    pub(super) fn add(&self, table: &mut DraftTable, added: Added) -> Result<(), Unread> {
        match added {
            Added::Column(column) => {
                let known = table.columns.iter().map(|column| &column.name);
                if draft::find(known, &column.name, self.grammar).is_some() {
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
        let name = cursor.name(self.grammar).ok()?;
        // A prefix, a call, or an operator follows: then it is no plain column.
        let is_plain =
            cursor.rest().first().is_none_or(|next| matches!(next.token, Token::Word(_)));
        is_plain.then_some(name)
    }

    fn drop_tables(&mut self, mut cursor: Cursor<'_>) -> Result<Done, Unread> {
        skip_to(&mut cursor, "table");
        cursor.eat(&["if", "exists"]);
        let mut done = Done::PassedOver;
        for name in split_at_commas(cursor.rest()) {
            let name = self.table_name(&mut Cursor::new(name))?;
            if self.tables.remove(&name, self.grammar) {
                done = Done::Read;
            }
        }
        Ok(done)
    }

    /// `CREATE SCHEMA shop CREATE TABLE …`: names of its elements are in it.
    fn enter_schema(&mut self, mut cursor: Cursor<'_>, statement: &Statement<'_>) -> Done {
        skip_to(&mut cursor, "schema");
        cursor.eat(&["if", "not", "exists"]);
        cursor.eat(&["authorization"]);
        if statement.is_continued
            && let Ok(name) = cursor.name(self.grammar)
        {
            self.outer_namespace = Some(self.namespace.replace(name));
        }
        Done::PassedOver
    }

    fn leave_schema(&mut self, statement: &Statement<'_>) {
        if !statement.is_continued
            && let Some(outer) = self.outer_namespace.take()
        {
            self.namespace = outer;
        }
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
        tables.retain(|table| !table.is_partition);
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
pub(super) enum Refused {
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

/// Steps behind the first such word.
pub(super) fn skip_to(cursor: &mut Cursor<'_>, word: &str) {
    while !cursor.is_at_end() && !cursor.eat(&[word]) {
        cursor.next();
    }
}

#[cfg(test)]
mod tests {
    use super::read_up_to;
    use crate::dialect::Brand;
    use crate::schema::Source;
    use crate::schema::grammar::Grammar;

    #[test]
    fn what_is_too_large_ends_with_the_place_and_what_was_dropped_does_not_count() {
        let read = |text: &str| {
            let sources = [Source { path: "a.sql", text }];
            read_up_to(3, &sources, Grammar::of(Brand::Postgres))
        };
        let two = "CREATE TABLE a (b int, c int);\n";
        assert!(read(&format!("{two}DROP TABLE a;\n{two}CREATE TABLE d (e int);")).is_ok());
        let error = read(&format!("{two}CREATE TABLE d (e int, f int);")).expect_err("four");
        assert_eq!(error.to_string(), "more than 3 columns are defined up to here");
        assert_eq!(error.location().map(ToString::to_string).as_deref(), Some("a.sql:2:1"));
    }
}
