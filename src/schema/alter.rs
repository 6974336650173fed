//! `ALTER TABLE`: what belongs to the tables that the script created before.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::ddl::{Done, Reader};
use super::draft::{DraftColumn, DraftTable};
use super::element::{self, Added};
use super::elements;
use super::grammar::Grammar;
use super::token::{Cursor, Unread, split_at_commas};
use super::{expression, native};
use crate::model::TableName;

/// Reads one statement.
pub(super) fn read(
    reader: &mut Reader,
    mut cursor: Cursor<'_>,
    path: &str,
) -> Result<Done, Unread> {
    while !cursor.eat(&["table"]) && cursor.next().is_some() {}
    cursor.eat(&["if", "exists"]);
    cursor.eat(&["only"]);
    let name = reader.table_name(&mut cursor)?;
    if reader.unread.contains(&name) {
        return Ok(Done::PassedOver);
    }
    cursor.eat_token(&Token::Mul);
    // `WITH CHECK ADD …` says that existing rows are checked.
    let _ = cursor.eat(&["with", "check"]) || cursor.eat(&["with", "nocheck"]);
    let mut done = Ok(Done::PassedOver);
    let mut verb = String::new();
    let mut new_name = None;
    for piece in split_at_commas(cursor.rest()) {
        let mut piece = Cursor::new(piece);
        verb = next_verb(&mut piece, verb, reader.grammar);
        let change = Change { name: &name, path, place: piece.place() };
        let read = if verb == "rename" && Change::is_rename_of_table(reader, piece) {
            change.new_name(reader, piece).map(|new| {
                new_name = Some(new);
                Done::Read
            })
        } else {
            change.read(reader, &verb, piece)
        };
        // One change that is not understood takes the others along in its report only.
        match (read, &done) {
            (Err(unread), Ok(_)) => done = Err(unread),
            (Ok(Done::Read), Ok(_)) => done = Ok(Done::Read),
            _ => {}
        }
    }
    // Changes behind a new name are still changes of the table by its old one.
    if let Some(new) = new_name {
        reader.tables.rename(&name, &new, reader.grammar);
    }
    done
}

/// `RENAME TABLE a TO b, c TO d` of `MySQL`, one after the other.
pub(super) fn rename_tables(reader: &mut Reader, mut cursor: Cursor<'_>) -> Result<Done, Unread> {
    while !cursor.eat(&["table"]) && !cursor.eat(&["tables"]) && cursor.next().is_some() {}
    cursor.eat(&["if", "exists"]);
    let mut done = Done::PassedOver;
    for pair in split_at_commas(cursor.rest()) {
        let mut pair = Cursor::new(pair);
        let old = reader.table_name(&mut pair)?;
        while !pair.eat(&["to"]) && pair.next().is_some() {}
        let new = reader.table_name(&mut pair)?;
        if reader.table_mut(&old).is_some() {
            reader.tables.rename(&old, &new, reader.grammar);
            done = Done::Read;
        } else if !reader.unread.contains(&old) {
            let reason = format!("table `{old}` was not read before");
            return Err(Unread { place: pair.place(), reason });
        }
    }
    Ok(done)
}

/// The verb of a piece; without one of its own it is the one before: `ADD a int, b int`.
fn next_verb(piece: &mut Cursor<'_>, before: String, grammar: &Grammar) -> String {
    const VERBS: [&str; 9] =
        ["add", "alter", "attach", "change", "drop", "modify", "rename", "with", "check"];
    let word = piece.word().unwrap_or_default();
    let is_verb = VERBS.contains(&word.as_str());
    if grammar.has_batches && !is_verb && before == "add" {
        return before;
    }
    piece.next();
    word
}

/// One change of one table.
struct Change<'a> {
    name: &'a TableName,
    path: &'a str,
    place: Option<(u64, u64)>,
}

impl Change<'_> {
    fn read(&self, reader: &mut Reader, verb: &str, piece: Cursor<'_>) -> Result<Done, Unread> {
        match verb {
            "add" => self.add(reader, piece),
            "alter" => self.alter(reader, piece),
            "modify" => self.redefine(reader, piece, false),
            "change" => self.redefine(reader, piece, true),
            "drop" => self.drop(reader, piece),
            "rename" => self.rename(reader, piece),
            "attach" => Self::attach(reader, piece),
            _ => Ok(Done::PassedOver),
        }
    }

    fn table<'a>(&self, reader: &'a mut Reader) -> Result<&'a mut DraftTable, Unread> {
        let missing = || self.unread(format!("table `{}` was not read before", self.name));
        reader.table_mut(self.name).ok_or_else(missing)
    }

    fn unread(&self, reason: String) -> Unread {
        Unread { place: self.place, reason }
    }

    fn column<'a>(
        &self,
        reader: &'a mut Reader,
        name: &str,
    ) -> Result<&'a mut DraftColumn, Unread> {
        let grammar = reader.grammar;
        let missing =
            || self.unread(format!("table `{}` has no column `{name}` so far", self.name));
        self.table(reader)?.column_mut(name, grammar).ok_or_else(missing)
    }

    fn add(&self, reader: &mut Reader, mut piece: Cursor<'_>) -> Result<Done, Unread> {
        if is_default_for(&piece) {
            return self.default_for(reader, piece);
        }
        if reader.grammar.has_partition_changes && piece.is_at(&["partition"])
            || piece.is_at(&["system", "versioning"])
        {
            return Ok(Done::PassedOver);
        }
        piece.eat(&["column"]);
        piece.eat(&["if", "not", "exists"]);
        let elements = match piece.group() {
            Some(inside) => elements::split(inside, reader.grammar),
            None => elements::split(piece.rest(), reader.grammar),
        };
        let mut done = Done::PassedOver;
        for element in elements {
            let (element, position) = cut_position(&element);
            for added in reader.read_element(element, self.path)? {
                self.insert(reader, added, position)?;
                done = Done::Read;
            }
        }
        Ok(done)
    }

    /// Adds what an element says, a column where `FIRST` or `AFTER` wants it.
    fn insert(
        &self,
        reader: &mut Reader,
        added: Added,
        position: &[TokenWithSpan],
    ) -> Result<(), Unread> {
        let is_column = matches!(added, Added::Column(_));
        // Taken out meanwhile: a copy of each table for each of its keys would be most of the work.
        let slot = self.table(reader)?;
        let placeholder = DraftTable::new(slot.name.clone(), None);
        let mut table = std::mem::replace(slot, placeholder);
        let done = reader.add(&mut table, added);
        if is_column && done.is_ok() {
            place_last(&mut table, position, reader.grammar);
        }
        *self.table(reader)? = table;
        done
    }

    /// T-SQL's `[CONSTRAINT n] DEFAULT (0) FOR c`.
    fn default_for(&self, reader: &mut Reader, mut piece: Cursor<'_>) -> Result<Done, Unread> {
        while !piece.eat(&["default"]) && piece.next().is_some() {}
        let tokens = piece.rest();
        while !piece.is_at(&["for"]) && !piece.is_at_end() {
            piece.take();
        }
        let value = &tokens[..tokens.len() - piece.rest().len()];
        let value = read_expression(value, reader.grammar)?;
        piece.next();
        let name = piece.name(reader.grammar)?;
        self.column(reader, &name)?.default = Some(Box::new(value));
        Ok(Done::Read)
    }

    fn alter(&self, reader: &mut Reader, mut piece: Cursor<'_>) -> Result<Done, Unread> {
        let is_index = reader.grammar.has_index_elements && piece.is_at(&["index"]);
        if is_index || piece.is_at(&["constraint"]) || piece.is_at(&["check"]) {
            return Ok(Done::PassedOver);
        }
        piece.eat(&["column"]);
        let whole = piece.rest();
        let name = piece.name(reader.grammar)?;
        if piece.eat(&["set", "default"]) {
            let value = read_expression(piece.rest(), reader.grammar)?;
            self.column(reader, &name)?.default = Some(Box::new(value));
        } else if piece.eat(&["drop", "default"]) {
            self.column(reader, &name)?.default = None;
        } else if piece.eat(&["set", "not", "null"]) {
            self.column(reader, &name)?.is_nullable = false;
        } else if piece.eat(&["drop", "not", "null"]) {
            self.column(reader, &name)?.is_nullable = true;
        } else if piece.eat(&["add", "generated"]) {
            let column = self.column(reader, &name)?;
            column.is_identity = true;
            column.is_nullable = false;
        } else if piece.eat(&["drop", "identity"]) {
            self.column(reader, &name)?.is_identity = false;
        } else if piece.eat(&["set", "data", "type"]) || piece.eat(&["type"]) {
            let taken = element::take_type(&mut piece, reader.grammar);
            let native_type = native::from_tokens(taken, reader.grammar);
            let kind = reader.kind(&native_type);
            let column = self.column(reader, &name)?;
            (column.native_type, column.kind) = (native_type, kind);
        } else if reader.grammar.has_batches && !piece.is_at(&["add"]) && !piece.is_at(&["drop"]) {
            return self.retype(reader, whole);
        } else {
            return Ok(Done::PassedOver);
        }
        Ok(Done::Read)
    }

    /// T-SQL's `ALTER COLUMN c type [NULL | NOT NULL]` keeps default and identity.
    fn retype(&self, reader: &mut Reader, whole: &[TokenWithSpan]) -> Result<Done, Unread> {
        for added in reader.read_element(whole, self.path)? {
            if let Added::Column(new) = added {
                let column = self.column(reader, &new.name)?;
                column.native_type = new.native_type;
                column.kind = new.kind;
                column.is_nullable = new.is_nullable;
            }
        }
        Ok(Done::Read)
    }

    /// `MySQL`'s `MODIFY c …` and `CHANGE old new …`: the definition anew, keys stay.
    fn redefine(
        &self,
        reader: &mut Reader,
        mut piece: Cursor<'_>,
        has_old_name: bool,
    ) -> Result<Done, Unread> {
        piece.eat(&["column"]);
        piece.eat(&["if", "exists"]);
        let old = if has_old_name {
            piece.name(reader.grammar)?
        } else {
            let mut ahead = piece;
            ahead.name(reader.grammar)?
        };
        let (element, position) = cut_position(piece.rest());
        for added in reader.read_element(element, self.path)? {
            if let Added::Column(new) = added {
                let new_name = new.name.clone();
                *self.column(reader, &old)? = *new;
                let grammar = reader.grammar;
                rename_in_keys(self.table(reader)?, &old, &new_name);
                move_column(self.table(reader)?, &new_name, position, grammar);
            } else {
                self.insert(reader, added, &[])?;
            }
        }
        Ok(Done::Read)
    }

    fn drop(&self, reader: &mut Reader, mut piece: Cursor<'_>) -> Result<Done, Unread> {
        let grammar = reader.grammar;
        if piece.eat(&["primary", "key"]) {
            self.table(reader)?.primary_key = None;
            return Ok(Done::Read);
        }
        let is_key = |word: &str| match word {
            "constraint" | "foreign" | "check" => true,
            "index" | "key" => grammar.has_index_elements,
            _ => false,
        };
        let is_constraint = piece.word().is_some_and(|word| is_key(&word));
        if is_constraint {
            let _ = piece.eat(&["foreign", "key"]) || piece.next().is_some();
            piece.eat(&["if", "exists"]);
            let name = piece.name(grammar)?;
            drop_constraint(self.table(reader)?, &name);
            return Ok(Done::Read);
        }
        if grammar.has_partition_changes && piece.is_at(&["partition"])
            || piece.is_at(&["period", "for"])
            || piece.is_at(&["system", "versioning"])
        {
            return Ok(Done::PassedOver);
        }
        piece.eat(&["column"]);
        piece.eat(&["if", "exists"]);
        let name = piece.name(grammar)?;
        let name = self.column(reader, &name)?.name.clone();
        let table = self.table(reader)?;
        table.columns.retain(|column| column.name != name);
        table.unique_keys.retain(|key| !key.columns.contains(&name));
        table.foreign_keys.retain(|reference| !reference.columns.contains(&name));
        if table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&name)) {
            table.primary_key = None;
        }
        Ok(Done::Read)
    }

    fn rename(&self, reader: &mut Reader, mut piece: Cursor<'_>) -> Result<Done, Unread> {
        let grammar = reader.grammar;
        let is_index =
            grammar.has_index_elements && (piece.is_at(&["index"]) || piece.is_at(&["key"]));
        if is_index || piece.is_at(&["constraint"]) {
            return Ok(Done::PassedOver);
        }
        piece.eat(&["column"]);
        let old = piece.name(grammar)?;
        piece.eat(&["to"]);
        let new = piece.name(grammar)?;
        new.clone_into(&mut self.column(reader, &old)?.name);
        rename_in_keys(self.table(reader)?, &old, &new);
        Ok(Done::Read)
    }

    /// Whether a `RENAME` is one of the table: `MySQL` does without a word between.
    fn is_rename_of_table(reader: &Reader, mut piece: Cursor<'_>) -> bool {
        let is_of_part = ["column", "constraint", "index", "key"].iter().any(|w| piece.is_at(&[w]));
        let has_word = piece.is_at(&["to"]) || piece.is_at(&["as"]);
        has_word
            || !is_of_part && piece.table_name(None, reader.grammar).is_ok() && piece.is_at_end()
    }

    fn new_name(&self, reader: &mut Reader, mut piece: Cursor<'_>) -> Result<TableName, Unread> {
        let _ = piece.eat(&["to"]) || piece.eat(&["as"]);
        self.table(reader)?;
        piece.table_name(self.name.namespace.as_deref(), reader.grammar)
    }

    fn attach(reader: &mut Reader, mut piece: Cursor<'_>) -> Result<Done, Unread> {
        if !piece.eat(&["partition"]) {
            return Ok(Done::PassedOver);
        }
        let partition = reader.table_name(&mut piece)?;
        if let Some(table) = reader.table_mut(&partition) {
            table.is_partition = true;
        }
        Ok(Done::Read)
    }
}

fn is_default_for(piece: &Cursor<'_>) -> bool {
    let mut ahead = *piece;
    if ahead.eat(&["constraint"]) {
        ahead.next();
    }
    ahead.is_at(&["default"])
}

fn read_expression(
    tokens: &[TokenWithSpan],
    grammar: &Grammar,
) -> Result<sqlparser::ast::Expr, Unread> {
    expression::check_depth(tokens)?;
    let tokens = expression::rewrite(tokens);
    let mut parser = Parser::new(grammar.dialect).with_tokens_with_locations(tokens);
    parser.parse_expr().map_err(|error| Unread::from_parser(&error))
}

/// `MySQL`'s `FIRST` and `AFTER c` at the end of a column's definition.
fn cut_position(element: &[TokenWithSpan]) -> (&[TokenWithSpan], &[TokenWithSpan]) {
    let mut cursor = Cursor::new(element);
    // The column's own name may be one of these words.
    cursor.next();
    while !cursor.is_at_end() {
        let is_first = cursor.is_at(&["first"]) && cursor.rest().len() == 1;
        if is_first || cursor.is_at(&["after"]) && cursor.rest().len() == 2 {
            break;
        }
        cursor.take();
    }
    element.split_at(element.len() - cursor.rest().len())
}

/// Moves the newest column to its position.
fn place_last(table: &mut DraftTable, position: &[TokenWithSpan], grammar: &Grammar) {
    if let Some(name) = table.columns.last().map(|column| column.name.clone()) {
        move_column(table, &name, position, grammar);
    }
}

fn move_column(table: &mut DraftTable, name: &str, position: &[TokenWithSpan], grammar: &Grammar) {
    let mut cursor = Cursor::new(position);
    let is_first = cursor.eat(&["first"]);
    if !is_first && !cursor.eat(&["after"]) {
        return;
    }
    let Some(from) = table.columns.iter().position(|column| column.name == name) else { return };
    let column = table.columns.remove(from);
    let after = cursor.name(grammar).unwrap_or_default();
    let names = table.columns.iter().map(|column| &column.name);
    let after = super::draft::find(names, &after, grammar);
    let to = if is_first { 0 } else { after.map_or(table.columns.len(), |index| index + 1) };
    table.columns.insert(to, column);
}

fn rename_in_keys(table: &mut DraftTable, old: &str, new: &str) {
    let keys = table.primary_key.iter_mut().chain(&mut table.unique_keys);
    let keys = keys.flat_map(|key| &mut key.columns);
    let referring = table.foreign_keys.iter_mut().flat_map(|reference| &mut reference.columns);
    for name in keys.chain(referring) {
        if name.eq_ignore_ascii_case(old) {
            new.clone_into(name);
        }
    }
}

fn drop_constraint(table: &mut DraftTable, name: &str) {
    let is_other = |known: &Option<String>| known.as_deref() != Some(name);
    table.unique_keys.retain(|key| is_other(&key.name));
    table.foreign_keys.retain(|reference| is_other(&reference.name));
    if table.primary_key.as_ref().is_some_and(|key| !is_other(&key.name)) {
        table.primary_key = None;
    }
}
