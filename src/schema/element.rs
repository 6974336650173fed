//! One element of a table's definition: a column, or a constraint of the table.

use sqlparser::ast::{
    ColumnOption, Expr, ForeignKeyConstraint, Ident, IndexColumn, ObjectName, ReferentialAction,
    TableConstraint,
};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::draft::{DraftColumn, DraftReference, Key, Kind};
use super::grammar::{Effect, Grammar};
use super::phrase::drop_phrases;
use super::token::{Cursor, Unread, fold, is_word, location, table_name, word};
use super::{expression, native};
use crate::model::Action;

/// What an element needs to know of the file around it.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) path: &'a str,
    /// The namespace of names without one, where the file set it.
    pub(super) namespace: Option<&'a str>,
    pub(super) grammar: &'a Grammar,
}

/// What an element adds to its table.
#[derive(Debug)]
pub(super) enum Added {
    Column(Box<DraftColumn>),
    PrimaryKey(Key),
    /// `PRIMARY KEY` of a column, with `DESC`, which matters to `SQLite`.
    DescendingKey(Key),
    Unique(Key),
    /// A primary key over an index that exists by this name.
    KeyOfIndex(String),
    Reference(DraftReference),
}

/// The type of a computed column where the brand does not write it down; the introspection
/// query says the same.
const COMPUTED: &str = "computed";

/// Words that begin an element which is no column.
const CONSTRAINTS: [&str; 5] = ["constraint", "primary", "unique", "foreign", "check"];

/// Elements that say nothing about columns or keys, where the brand has them.
const INDEXES: [&str; 4] = ["key", "index", "fulltext", "spatial"];

/// Words at which a column's type ends and its options begin.
const OPTIONS: [&str; 34] = [
    "as",
    "auto_increment",
    "autoincrement",
    "charset",
    "check",
    "collate",
    "column_format",
    "comment",
    "compressed",
    "compression",
    "constraint",
    "default",
    "encrypted",
    "filestream",
    "generated",
    "hidden",
    "identity",
    "index",
    "invisible",
    "key",
    "masked",
    "not",
    "null",
    "on",
    "options",
    "primary",
    "references",
    "rowguidcol",
    "sparse",
    "srid",
    "storage",
    "unique",
    "visible",
    "using",
];

/// Options of other brands that `SQLite` takes for words of the type.
const OTHERS_OPTIONS: [&str; 6] =
    ["auto_increment", "charset", "comment", "identity", "invisible", "visible"];

/// Whether an element is a constraint or index, and no column.
pub(super) fn is_constraint(element: &[TokenWithSpan], grammar: &Grammar) -> bool {
    let first = element.first().and_then(word).unwrap_or_default();
    // Words that are names as well: what follows tells.
    let follows = |words: &[&str]| {
        let mut cursor = Cursor::new(element);
        cursor.next();
        words.iter().any(|word| cursor.is_at(&[word])) || cursor.is_at_token(&Token::LParen)
    };
    match first.as_str() {
        "exclude" => grammar.folds_names && follows(&["using"]),
        "period" => grammar.has_index_elements && follows(&["for"]),
        first => {
            CONSTRAINTS.contains(&first) || grammar.has_index_elements && INDEXES.contains(&first)
        }
    }
}

/// Reads a column or a constraint.
pub(super) fn read(element: &[TokenWithSpan], context: Context<'_>) -> Result<Vec<Added>, Unread> {
    if is_constraint(element, context.grammar) {
        read_constraint(element, context)
    } else {
        read_column(element, context)
    }
}

/// Reads a column with its options; the column comes first.
pub(super) fn read_column(
    element: &[TokenWithSpan],
    context: Context<'_>,
) -> Result<Vec<Added>, Unread> {
    let grammar = context.grammar;
    let mut cursor = Cursor::new(element);
    let place = cursor.place();
    let name = cursor.name(grammar)?;
    let type_tokens = take_type(&mut cursor, grammar);
    let mut column = DraftColumn {
        name,
        native_type: native::from_tokens(type_tokens, grammar),
        kind: Kind::Base,
        is_nullable: true,
        default: None,
        is_identity: false,
        is_generated: false,
        location: place.map(|place| location(context.path, place)),
    };
    let mut added = Vec::new();
    if let Some(base) = native::serial(&column.native_type, grammar) {
        base.clone_into(&mut column.native_type);
        column.is_identity = true;
        column.is_nullable = false;
        // MySQL's SERIAL is unique as well; Postgres leaves that to the key.
        if !grammar.folds_names {
            added.push(Added::Unique(Key { name: None, columns: vec![column.name.clone()] }));
        }
    }
    if grammar.has_untyped_computed && cursor.is_at(&["as"]) {
        column.is_generated = true;
        COMPUTED.clone_into(&mut column.native_type);
        skip_computation(&mut cursor);
    } else if type_tokens.is_empty() {
        untyped(&mut column, grammar)?;
    }
    read_options(cursor.rest(), &mut column, &mut added, context)?;
    // What a computation yields is the database's to know, also whether it may be NULL.
    column.is_nullable |= column.native_type == COMPUTED;
    added.insert(0, Added::Column(Box::new(column)));
    Ok(added)
}

/// A column without a type: `SQLite` has such, and `timestamp` alone is one of SQL Server's.
fn untyped(column: &mut DraftColumn, grammar: &Grammar) -> Result<(), Unread> {
    let name = column.name.to_lowercase();
    if grammar.generated_types.contains(&name.as_str()) {
        column.native_type = name;
        return Ok(());
    }
    if grammar.has_rowid {
        return Ok(());
    }
    Err(Unread::new(format!("column `{}` has no type", column.name)))
}

/// Steps over a type; its tokens.
pub(super) fn take_type<'a>(cursor: &mut Cursor<'a>, grammar: &Grammar) -> &'a [TokenWithSpan] {
    let is_other = |word: &str| grammar.has_rowid && OTHERS_OPTIONS.contains(&word);
    let all = cursor.rest();
    while !cursor.is_at_end() {
        let word = cursor.word().unwrap_or_default();
        let is_option = OPTIONS.contains(&word.as_str()) && !is_other(&word);
        if is_option || cursor.is_at(&["character", "set"]) && !grammar.has_rowid {
            break;
        }
        cursor.take();
    }
    &all[..all.len() - cursor.rest().len()]
}

/// Steps over a computed column's expression, which may stand without parentheses.
fn skip_computation(cursor: &mut Cursor<'_>) {
    const ENDS: [&str; 5] = ["persisted", "constraint", "primary", "unique", "check"];
    while !cursor.is_at_end() {
        if cursor.word().is_some_and(|word| ENDS.contains(&word.as_str())) {
            break;
        }
        cursor.take();
    }
}

/// Reads the options that follow a column's type.
fn read_options(
    tokens: &[TokenWithSpan],
    column: &mut DraftColumn,
    added: &mut Vec<Added>,
    context: Context<'_>,
) -> Result<(), Unread> {
    let (kept, effects) = drop_phrases(tokens, context.grammar);
    column.is_generated |= effects.contains(&Effect::Generated);
    if effects.contains(&Effect::Identity) {
        column.is_identity = true;
        column.is_nullable = false;
    }
    expression::check_depth(&kept)?;
    let mut parser = parser(&kept, context.grammar);
    let mut name = None;
    let error = |error| Unread::from_parser(&error);
    loop {
        if parser.parse_keyword(sqlparser::keywords::Keyword::CONSTRAINT) {
            name = Some(parser.parse_identifier().map_err(error)?);
        }
        let Some(option) = parser.parse_optional_column_option().map_err(error)? else { break };
        read_option(option, name.take().as_ref(), column, added, context);
    }
    expect_end(&parser)
}

fn read_option(
    option: ColumnOption,
    name: Option<&Ident>,
    column: &mut DraftColumn,
    added: &mut Vec<Added>,
    context: Context<'_>,
) {
    let grammar = context.grammar;
    let key =
        || Key { name: name.map(|name| ident(name, grammar)), columns: vec![column.name.clone()] };
    match option {
        ColumnOption::Null => column.is_nullable = true,
        ColumnOption::NotNull => column.is_nullable = false,
        ColumnOption::Default(default) => column.default = Some(Box::new(default)),
        ColumnOption::PrimaryKey(_) => added.push(Added::PrimaryKey(key())),
        ColumnOption::Unique(_) => added.push(Added::Unique(key())),
        ColumnOption::ForeignKey(foreign) => {
            let columns = vec![column.name.clone()];
            let name = name.map(|name| ident(name, grammar));
            added.push(Added::Reference(reference(&foreign, name, columns, context)));
        }
        ColumnOption::Check(check) => {
            let condition = check.expr.to_string().to_lowercase();
            if grammar.checked_json == Some(column.native_type.as_str())
                && condition.starts_with("json_valid(")
            {
                "json".clone_into(&mut column.native_type);
            }
        }
        ColumnOption::DialectSpecific(tokens) if tokens.iter().any(is_descending) => {
            // `INTEGER PRIMARY KEY DESC` is no name of the rowid.
            if let Some(Added::PrimaryKey(key)) = added.last() {
                let key = key.clone();
                added.pop();
                added.push(Added::DescendingKey(key));
            }
        }
        _ => {}
    }
}

fn is_descending(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case("desc"))
}

/// Reads a constraint of the table; nothing where it says nothing of columns or keys.
fn read_constraint(element: &[TokenWithSpan], context: Context<'_>) -> Result<Vec<Added>, Unread> {
    let grammar = context.grammar;
    if is_silent(element) && !is_unique_index(element, grammar) {
        return Ok(Vec::new());
    }
    let element = rewrite_constraint(element, grammar);
    let (kept, _) = drop_phrases(&element, grammar);
    expression::check_depth(&kept)?;
    let mut parser = parser(&kept, grammar);
    let constraint = parser.parse_optional_table_constraint();
    let constraint = constraint.map_err(|error| Unread::from_parser(&error))?;
    expect_end(&parser)?;
    let name =
        |own: Option<Ident>, index: Option<Ident>| own.or(index).map(|name| ident(&name, grammar));
    let added = match constraint {
        Some(TableConstraint::PrimaryKey(key)) => {
            let columns = key_columns(&key.columns, true, grammar);
            let columns = columns.ok_or_else(|| Unread::new("a primary key of expressions"))?;
            Added::PrimaryKey(Key { name: name(key.name, key.index_name), columns })
        }
        Some(TableConstraint::Unique(key)) => {
            let Some(columns) = key_columns(&key.columns, false, grammar) else {
                return Ok(Vec::new());
            };
            Added::Unique(Key { name: name(key.name, key.index_name), columns })
        }
        Some(TableConstraint::PrimaryKeyUsingIndex(key)) => {
            Added::KeyOfIndex(ident(&key.index_name, grammar))
        }
        Some(TableConstraint::ForeignKey(foreign)) => {
            let columns = foreign.columns.iter().map(|name| ident(name, grammar)).collect();
            let name = name(foreign.name.clone(), foreign.index_name.clone());
            Added::Reference(reference(&foreign, name, columns, context))
        }
        _ => return Ok(Vec::new()),
    };
    Ok(vec![added])
}

/// A constraint in the words that the parser knows: T-SQL's `INDEX n UNIQUE` is a unique key, and
/// a period among the columns of a key is a column.
fn rewrite_constraint(element: &[TokenWithSpan], grammar: &Grammar) -> Vec<TokenWithSpan> {
    if is_unique_index(element, grammar) {
        return element[2..].to_vec();
    }
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(element.len());
    let mut cursor = Cursor::new(element);
    while !cursor.is_at_end() {
        let begins_part =
            out.last().is_some_and(|last| matches!(last.token, Token::Comma | Token::LParen));
        let names_column =
            cursor.rest().get(1).is_some_and(|next| matches!(next.token, Token::Word(_)));
        if cursor.eat(&["without", "overlaps"])
            || grammar.folds_names && begins_part && names_column && cursor.eat(&["period"])
        {
            continue;
        }
        out.extend(cursor.next().cloned());
    }
    out
}

/// Whether an element is a unique index that covers all rows.
fn is_unique_index(element: &[TokenWithSpan], grammar: &Grammar) -> bool {
    let mut cursor = Cursor::new(element);
    grammar.has_batches
        && cursor.eat(&["index"])
        && cursor.next().is_some()
        && cursor.is_at(&["unique"])
        && !cursor.rest().iter().any(|token| is_word(token, "where"))
}

/// Whether a constraint is a check, an exclusion or an index, which the model does not hold.
fn is_silent(element: &[TokenWithSpan]) -> bool {
    const SILENT: [&str; 7] = ["check", "exclude", "fulltext", "index", "key", "period", "spatial"];
    let mut cursor = Cursor::new(element);
    if cursor.eat(&["constraint"]) && cursor.word().is_none_or(|word| word != "check") {
        cursor.next();
    }
    cursor.word().is_some_and(|word| SILENT.contains(&word.as_str()))
}

fn reference(
    foreign: &ForeignKeyConstraint,
    name: Option<String>,
    columns: Vec<String>,
    context: Context<'_>,
) -> DraftReference {
    let grammar = context.grammar;
    let names = |list: &[Ident]| list.iter().map(|name| ident(name, grammar)).collect();
    DraftReference {
        name,
        columns,
        references: object_name(&foreign.foreign_table, context),
        referenced_columns: names(&foreign.referred_columns),
        on_delete: action(foreign.on_delete),
        on_update: action(foreign.on_update),
    }
}

fn action(written: Option<ReferentialAction>) -> Action {
    match written {
        None | Some(ReferentialAction::NoAction | ReferentialAction::Restrict) => Action::NoAction,
        Some(ReferentialAction::Cascade) => Action::Cascade,
        Some(ReferentialAction::SetNull) => Action::SetNull,
        Some(ReferentialAction::SetDefault) => Action::SetDefault,
    }
}

fn object_name(name: &ObjectName, context: Context<'_>) -> crate::model::TableName {
    let parts = name.0.iter().filter_map(|part| part.as_ident());
    let parts = parts.map(|part| ident(part, context.grammar)).collect();
    table_name(parts, context.namespace, context.grammar)
}

/// A name as the brand stores it.
pub(super) fn ident(name: &Ident, grammar: &Grammar) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { fold(&name.value, grammar) }
}

/// The columns of a key; `None` where a part of it is an expression, or (unless `is_whole`
/// says that it counts as the column) a prefix.
fn key_columns(parts: &[IndexColumn], is_whole: bool, grammar: &Grammar) -> Option<Vec<String>> {
    parts.iter().map(|part| key_column(&part.column.expr, is_whole, grammar)).collect()
}

fn key_column(part: &Expr, is_whole: bool, grammar: &Grammar) -> Option<String> {
    match part {
        Expr::Identifier(name) => Some(ident(name, grammar)),
        Expr::Collate { expr, .. } => key_column(expr, is_whole, grammar),
        Expr::Function(function) if is_whole => {
            function.name.0.last()?.as_ident().map(|name| ident(name, grammar))
        }
        _ => None,
    }
}

fn parser<'a>(tokens: &[TokenWithSpan], grammar: &Grammar) -> Parser<'a> {
    Parser::new(grammar.dialect).with_tokens_with_locations(tokens.to_vec())
}

fn expect_end(parser: &Parser<'_>) -> Result<(), Unread> {
    let next = parser.peek_token();
    if next.token == Token::EOF {
        return Ok(());
    }
    let place = (next.span.start.line, next.span.start.column);
    Err(Unread { place: Some(place), reason: format!("`{}` was not expected here", next.token) })
}
