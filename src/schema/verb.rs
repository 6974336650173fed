//! What a statement does, told from its first words.

use super::split::Statement;

/// What a statement does, as far as the schema goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    CreateSchema,
    CreateTable,
    CreateIndex,
    CreateType,
    AlterTable,
    /// `sp_addtype` of SQL Server.
    AddType,
    AlterType,
    DropTable,
    RenameTable,
    Set,
    Other,
}

impl Verb {
    /// What a statement does.
    pub(super) fn of(statement: &Statement<'_>) -> Self {
        let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["create", "unlogged", "table", ..]
            | ["create", "or", "replace", "table", ..]
            | ["create", "table", ..] => Self::CreateTable,
            ["create", "unique", "index", ..]
            | ["create", "or", "replace", "unique", "index", ..]
            | ["create", "unique", "clustered" | "nonclustered", "index", ..] => Self::CreateIndex,
            ["create", "schema", ..] => Self::CreateSchema,
            ["create", "type" | "domain", ..] => Self::CreateType,
            ["exec" | "execute", "sp_addtype", ..]
            | ["exec" | "execute", "sys" | "dbo", "sp_addtype", ..]
            | ["sp_addtype", ..] => Self::AddType,
            ["alter", "type" | "domain", ..] => Self::AlterType,
            ["alter", "table", ..] | ["alter", "ignore" | "online", "table", ..] => {
                Self::AlterTable
            }
            ["drop", "table", ..] => Self::DropTable,
            ["rename", "table" | "tables", ..] => Self::RenameTable,
            ["set", "search_path", ..] => Self::Set,
            _ => Self::Other,
        }
    }
}

/// Kinds of things that statements create, alter and drop; the others are called by the word
/// behind the verb.
const KINDS: [&str; 17] = [
    "database",
    "event",
    "extension",
    "function",
    "index",
    "package",
    "policy",
    "procedure",
    "publication",
    "role",
    "rule",
    "sequence",
    "server",
    "table",
    "trigger",
    "user",
    "view",
];

/// What a statement is, for people: `CREATE FUNCTION`, `INSERT`, `\connect`.
pub(super) fn title(statement: &Statement<'_>) -> String {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    let kind = match words.as_slice() {
        [] => return "?".to_owned(),
        // A client's command is called as it is written.
        [first, ..] if first.starts_with(['\\', '.', ':']) => return (*first).to_owned(),
        ["create" | "alter" | "drop", rest @ ..] => {
            rest.iter().find(|word| KINDS.contains(word)).or(rest.first())
        }
        _ => None,
    };
    let title = kind.map_or(words[0].to_owned(), |kind| format!("{} {kind}", words[0]));
    title.to_uppercase()
}
