//! `CREATE TABLE`: columns and keys, and what a table takes from another one.

use sqlparser::tokenizer::TokenWithSpan;

use super::Error;
use super::ddl::{Done, Reader, Refused, skip_to};
use super::draft::{self, DraftColumn, DraftTable};
use super::element::Added;
use super::elements;
use super::grammar::Grammar;
use super::token::{self, Cursor, Unread, location, split_at_commas};

/// What a query yields is the database's to know.
const FILLED: &str = "a table that is filled by a query is not read";

impl Reader {
    pub(super) fn create_table(
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
            let first = first.location.clone().map(Box::new);
            let location = Box::new(here);
            return Err(Refused::Twice(Error::TableTwice { table: name, location, first }));
        }
        let mut table = DraftTable::new(name, Some(here));
        if cursor.eat(&["partition", "of"]) {
            table.is_partition = true;
            table.columns.clone_from(&self.known(&mut cursor)?.columns);
            self.tables.push(table);
            return Ok(Done::PassedOver);
        }
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
            let is_filled = cursor.is_at(&["as"]) || has_query(cursor.rest());
            let reason = if is_filled { FILLED } else { "a table without a list of columns" };
            let reason = reason.to_owned();
            return Err(Unread { place: at, reason });
        };
        let rest = cursor.rest();
        self.inherit(&mut table, rest)?;
        let inherited = table.columns.len();
        let mut is_descending = false;
        for element in elements::split(inside, self.grammar) {
            let mut own = Cursor::new(&element);
            if own.eat(&["like"]) {
                self.copy_table(&mut table, own)?;
                continue;
            }
            for added in self.read_element(&element, path)? {
                is_descending |= matches!(added, Added::DescendingKey(_));
                let (columns, grammar) = (&mut table.columns[..inherited], self.grammar);
                if let Some(added) = merge_inherited(columns, added, grammar) {
                    self.add(&mut table, added)?;
                }
            }
        }
        if has_query(rest) {
            return Err(Unread::new(FILLED));
        }
        self.finish_keys(&mut table, rest, is_descending);
        if table.columns.is_empty() {
            return Err(Unread::new("a table without columns"));
        }
        Ok(table)
    }

    /// `INHERITS (…)`: the parents' columns come first.
    fn inherit(&self, table: &mut DraftTable, rest: &[TokenWithSpan]) -> Result<(), Unread> {
        let mut cursor = Cursor::new(rest);
        if !cursor.eat(&["inherits"]) {
            return Ok(());
        }
        for parent in split_at_commas(cursor.group().unwrap_or_default()) {
            let parent = self.known(&mut Cursor::new(parent))?;
            for column in copied_columns(parent) {
                let added = Added::Column(Box::new(column));
                let known = &mut table.columns[..];
                if let Some(added) = merge_inherited(known, added, self.grammar) {
                    self.add(table, added)?;
                }
            }
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
        self.tables
            .get(&name, self.grammar)
            .ok_or_else(|| Unread { place, reason: format!("table `{name}` was not read before") })
    }

    /// `SQLite`'s rules of what a key means for NULL and for numbering.
    fn finish_keys(&self, table: &mut DraftTable, rest: &[TokenWithSpan], is_descending: bool) {
        if !self.grammar.has_rowid {
            return;
        }
        let says = |word: &str| rest.iter().any(|token| token::is_word(token, word));
        let has_rowid = !says("rowid");
        let is_strict = says("strict");
        let Some(key) = table.primary_key.clone() else { return };
        for name in &key.columns {
            let Some(column) = table.column_mut(name, self.grammar) else { continue };
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
}

/// A column that a parent has as well is one column, and what either says of it holds.
fn merge_inherited(known: &mut [DraftColumn], added: Added, grammar: &Grammar) -> Option<Added> {
    let Added::Column(new) = added else { return Some(added) };
    let names = known.iter().map(|column| &column.name);
    let Some(index) = draft::find(names, &new.name, grammar) else {
        return Some(Added::Column(new));
    };
    let column = &mut known[index];
    column.is_nullable &= new.is_nullable;
    column.is_identity |= new.is_identity;
    if new.default.is_some() {
        column.default = new.default;
    }
    None
}

/// A table's columns for another one, which gets the NOT NULL of the key without the key.
fn copied_columns(parent: &DraftTable) -> impl Iterator<Item = DraftColumn> {
    parent.columns.iter().cloned().map(|column| DraftColumn {
        is_nullable: column.is_nullable
            && !parent.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column.name)),
        ..column
    })
}

/// Whether a table's options end in a query that fills it.
fn has_query(rest: &[TokenWithSpan]) -> bool {
    rest.iter().any(|token| token::is_word(token, "select"))
}
