//! A migration in the form of each tool.

use super::unit::Migration;
use super::{Error, Folder, Layout, MigrationFile};
use crate::dialect::{Brand, Client};

/// Between the statements of a Liquibase changeset.
const LIQUIBASE_NEXT: &str = "~~next~~";
/// What Atlas is told to divide at: no statement has two blank lines in a row.
const ATLAS_NEXT: &str = "\n\n\n";
/// Where Sqitch lists its changes.
const PLAN_NAME: &str = "sqitch.plan";
/// Sqitch wants a time; one from the clock would make the files differ from run to run.
const PLANNED: &str = "2000-01-01T00:00:00Z outrigger <outrigger@localhost>";

/// Refuses a migration of which the tool would read a part as its own.
pub(super) fn check(layout: Layout, migration: &Migration, brand: Brand) -> Result<(), Error> {
    let statements = || migration.up.iter().chain(&migration.down);
    check_statements(layout, &migration.script, statements, brand)
}

/// [`check`] of the statements of one script.
pub(super) fn check_statements<'s, S: Iterator<Item = &'s String>>(
    layout: Layout,
    script: &str,
    statements: impl Fn() -> S,
    brand: Brand,
) -> Result<(), Error> {
    let unfit = |what: &str| {
        let (script, what) = (script.to_owned(), what.to_owned());
        Err(Error::Unfit { script, layout, what })
    };
    let client = &brand.dialect().client;
    // The files of `plain` are for a client as well.
    let is_native = matches!(layout, Layout::Plain | Layout::Native | Layout::Sqitch);
    for statement in statements() {
        for line in statement.split(['\n', '\r']) {
            let squeezed: String = line.split_whitespace().collect::<String>().to_lowercase();
            let reserved = layout.reserved_lines().iter().find(|word| squeezed.starts_with(**word));
            if let Some(word) = reserved {
                return unfit(&format!("a line that begins with `{word}`"));
            }
            if is_separator(line, client) {
                return unfit(&format!("a line `{}`", client.separator));
            }
            if is_native && let Some(command) = command_of(line, client) {
                return unfit(&format!("a line that begins with `{command}`"));
            }
            if layout == Layout::Liquibase && line != line.trim_end() {
                return unfit("a line that ends with a blank");
            }
        }
        // Clients and tools read files line by line, and give U+000D back as U+000A or not at all.
        if statement.contains('\r') {
            return unfit("the character U+000D");
        }
        if is_native && !client.replaces.is_empty() && statement.contains(&client.replaces) {
            return unfit(&format!("`{}`, which the client replaces", client.replaces));
        }
        if layout == Layout::Liquibase && statement.contains(LIQUIBASE_NEXT) {
            return unfit(&format!("`{LIQUIBASE_NEXT}`"));
        }
        if layout == Layout::Atlas && statement.contains(ATLAS_NEXT) {
            return unfit("two blank lines in a row");
        }
    }
    if matches!(layout, Layout::Native | Layout::Sqitch) && delimiter(client, statements).is_none()
    {
        return unfit("every delimiter that could stand between statements");
    }
    Ok(())
}

/// Whether the client divides the file here: a line of the word alone, or with a count.
fn is_separator(line: &str, client: &Client) -> bool {
    let mut words = line.trim().splitn(2, char::is_whitespace);
    let first = words.next().unwrap_or_default();
    let count = words.next().unwrap_or_default().trim();
    !client.separator.is_empty()
        && first.eq_ignore_ascii_case(&client.separator)
        && count.chars().all(|letter| letter.is_ascii_digit())
}

/// What makes this line a command of the client.
fn command_of<'c>(line: &str, client: &'c Client) -> Option<&'c String> {
    let line = line.trim_start().to_lowercase();
    let word = line.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
    client.commands.iter().find(|command| {
        let is_word = command.starts_with(char::is_alphanumeric);
        if is_word { word == command.as_str() } else { line.starts_with(command.as_str()) }
    })
}

/// The files of a migration; `checks` are the statements that fail when it is not applied.
pub(super) fn files(
    layout: Layout,
    migration: &Migration,
    checks: &[String],
    brand: Brand,
) -> Vec<MigrationFile> {
    let version = &migration.version;
    let stem = format!("{version}_outrigger_{}", migration.title());
    let (up, down) = (up(migration), down(migration));
    let client = &brand.dialect().client;
    let pair = |first: String, second: String| {
        vec![file(first, &plain(&up, client)), file(second, &plain(&down, client))]
    };
    match layout {
        // Never asked: it is written as a whole, and rewritten.
        Layout::Plain => Vec::new(),
        Layout::Flyway => flyway(migration, pair),
        Layout::Sqlx | Layout::GolangMigrate => {
            pair(format!("{stem}.up.sql"), format!("{stem}.down.sql"))
        }
        Layout::Dbmate => {
            let text = format!(
                "-- migrate:up\n\n{}\n-- migrate:down\n\n{}",
                plain(&up, client),
                plain(&down, client)
            );
            vec![file(format!("{stem}.sql"), &text)]
        }
        Layout::Goose => {
            let text = format!("-- +goose Up\n{}\n-- +goose Down\n{}", goose(&up), goose(&down));
            vec![file(format!("{stem}.sql"), &text)]
        }
        Layout::Liquibase => {
            let dbms = layout.tool_name(brand).unwrap_or_default();
            vec![file(format!("{stem}.sql"), &liquibase(migration, dbms))]
        }
        Layout::Atlas => vec![
            file(format!("{stem}.sql"), &atlas(&up)),
            file(format!("down/{stem}.down.sql"), &atlas(&down)),
        ],
        Layout::Native => vec![
            file(format!("{stem}.sql"), &native(migration, &up, client)),
            file(format!("{stem}.down.sql"), &native(migration, &down, client)),
        ],
        Layout::Sqitch => {
            let change = format!("outrigger_{version}_{}", migration.title());
            let header = format!("-- Verify {change}.\n");
            let checks = Part { header: &header, statements: checks };
            vec![
                file(format!("deploy/{change}.sql"), &native(migration, &up, client)),
                file(format!("revert/{change}.sql"), &native(migration, &down, client)),
                file(format!("verify/{change}.sql"), &native(migration, &checks, client)),
            ]
        }
    }
}

/// One direction of a migration.
struct Part<'a> {
    header: &'a str,
    statements: &'a [String],
}

fn up(migration: &Migration) -> Part<'_> {
    Part { header: &migration.header, statements: &migration.up }
}

fn down(migration: &Migration) -> Part<'_> {
    Part { header: &migration.undo_header, statements: &migration.down }
}

fn file(path: String, text: &str) -> MigrationFile {
    MigrationFile { path, text: text.trim_end().to_owned() + "\n" }
}

fn flyway(
    migration: &Migration,
    pair: impl Fn(String, String) -> Vec<MigrationFile>,
) -> Vec<MigrationFile> {
    let path =
        |kind: char| format!("{kind}{}__outrigger_{}.sql", migration.version, migration.title());
    let mut files = pair(path('V'), path('U'));
    // A script's own configuration: `${…}` in a name is no placeholder.
    let with_placeholder: Vec<String> = files
        .iter()
        .filter(|file| file.text.contains("${"))
        .map(|file| format!("{}.conf", file.path))
        .collect();
    for path in with_placeholder {
        files.push(file(path, "placeholderReplacement=false"));
    }
    files
}

fn plain(part: &Part<'_>, client: &Client) -> String {
    let mut text = part.header.to_owned();
    for statement in part.statements {
        text.push_str(&format!("\n{statement}\n"));
        if !client.separator.is_empty() {
            text.push_str(&format!("{}\n", client.separator));
        }
    }
    text
}

fn goose(part: &Part<'_>) -> String {
    let mut text = part.header.to_owned();
    for statement in part.statements {
        text.push_str(&format!(
            "\n-- +goose StatementBegin\n{statement}\n-- +goose StatementEnd\n"
        ));
    }
    text
}

fn liquibase(migration: &Migration, dbms: &str) -> String {
    let mut text = format!(
        "--liquibase formatted sql\n\n{}\n--changeset outrigger:{}_{} dbms:{dbms} \
         splitStatements:true endDelimiter:{LIQUIBASE_NEXT} rollbackSplitStatements:true \
         rollbackEndDelimiter:{LIQUIBASE_NEXT} stripComments:false\n",
        migration.header,
        migration.version,
        migration.title(),
    );
    text.push_str(&migration.up.join(&format!("\n{LIQUIBASE_NEXT}\n")));
    text.push('\n');
    let undo = migration.down.join(&format!("\n{LIQUIBASE_NEXT}\n"));
    for line in undo.lines() {
        text.push_str(format!("--rollback {line}").trim_end());
        text.push('\n');
    }
    text
}

fn atlas(part: &Part<'_>) -> String {
    let statements = part.statements.join(ATLAS_NEXT);
    format!("-- atlas:delimiter \\n\\n\\n\n\n{}{statements}", part.header)
}

/// For the brand's own client: as one transaction where that exists.
fn native(migration: &Migration, part: &Part<'_>, client: &Client) -> String {
    let statements = || migration.up.iter().chain(&migration.down);
    let delimiter = delimiter(client, statements).unwrap_or_default();
    let line = |mark: &str| if mark.is_empty() { String::new() } else { format!("{mark}\n") };
    let body = for_client(part.statements, delimiter, client);
    let (opening, closing) = (line(&client.opening), line(&client.closing));
    format!("{}{opening}{body}{closing}", part.header)
}

/// Statements as the brand's own client takes them, in no transaction of their own.
pub(super) fn for_client(statements: &[String], delimiter: &str, client: &Client) -> String {
    let mut text = String::new();
    if !delimiter.is_empty() {
        text.push_str(&format!("DELIMITER {delimiter}\n"));
    }
    for statement in statements {
        let end = if delimiter.is_empty() { ";" } else { delimiter };
        let body = statement.strip_suffix(';').unwrap_or(statement);
        text.push_str(&format!("\n{body}{end}\n"));
        if !client.separator.is_empty() {
            text.push_str(&format!("{}\n", client.separator));
        }
    }
    text.push('\n');
    if !delimiter.is_empty() {
        text.push_str("DELIMITER ;\n");
    }
    text
}

/// What ends a statement where a semicolon does not: the first that no statement has in it.
/// Empty where a semicolon does.
pub(super) fn delimiter<'a, 's, S: Iterator<Item = &'s String>>(
    client: &'a Client,
    statements: impl Fn() -> S,
) -> Option<&'a str> {
    if client.delimiters.is_empty() {
        return Some("");
    }
    // Where a statement ends in `*/`, `//` would begin with its last letter.
    let ends = |text: &String, mark: &str| {
        let body = text.strip_suffix(';').unwrap_or(text);
        format!("{body}{mark}").find(mark) == Some(body.len())
    };
    let is_free = |mark: &&String| statements().all(|text| ends(text, mark));
    client.delimiters.iter().find(is_free).map(String::as_str)
}

/// `sqitch.plan` with the new changes at its end; the plan may be the team's own.
pub(super) fn sqitch_plan(
    folder: &Folder,
    new: &[MigrationFile],
    database: &str,
) -> Result<MigrationFile, Error> {
    let mut text = match folder.get(PLAN_NAME) {
        Some(bytes) => String::from_utf8(bytes.clone()).map_err(|_| Error::Broken {
            path: PLAN_NAME.to_owned(),
            reason: "is not UTF-8".to_owned(),
        })?,
        None => format!("%syntax-version=1.0.0\n%project={}_outrigger\n\n", project(database)),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    for file in new {
        let change = file.path.strip_prefix("deploy/").and_then(|name| name.strip_suffix(".sql"));
        if let Some(change) = change {
            text.push_str(&format!("{change} {PLANNED} # Generated by outrigger.\n"));
        }
    }
    Ok(MigrationFile { path: PLAN_NAME.to_owned(), text })
}

/// A name that Sqitch takes.
fn project(database: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    database.chars().map(letter).collect()
}
