//! The statements of a DDL file, each with its place, whatever client the file was written for.

use super::grammar::{Body, Grammar};
use super::scan::{Scan, Step};

/// How many leading words of a statement are kept: enough to tell what it is.
const WORDS_MAX: usize = 12;

/// One statement, or one command of the brand's own client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// Its text, without the delimiter.
    pub(super) text: &'a str,
    /// Where it begins, from 1.
    pub(super) line: u64,
    /// Where it begins, in characters from 1.
    pub(super) column: u64,
    /// Its first words, lower case, unquoted; quoted names are left out.
    pub(super) words: Vec<String>,
    /// Whether a quote or comment in it is never closed.
    pub(super) is_open: bool,
    /// Whether the next statement follows without a delimiter.
    pub(super) is_continued: bool,
}

/// Splits a file into its statements; comments between them belong to none.
pub(super) fn split<'a>(text: &'a str, grammar: &'a Grammar) -> Vec<Statement<'a>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut splitter = Splitter {
        scan: Scan::new(text, grammar),
        grammar,
        delimiter: ";".to_owned(),
        found: Vec::new(),
        is_in_schema: false,
    };
    while splitter.next_statement() {}
    splitter.found
}

struct Splitter<'a> {
    scan: Scan<'a>,
    grammar: &'a Grammar,
    delimiter: String,
    found: Vec<Statement<'a>>,
    /// Whether the statements are elements of a `CREATE SCHEMA`, which need no delimiter.
    is_in_schema: bool,
}

/// The statement that is being read.
struct Current {
    start: usize,
    words: Vec<String>,
    last_word: String,
    parentheses: i32,
    bodies: u32,
    is_open: bool,
    is_continued: bool,
    /// `COPY … FROM stdin`: data follows.
    has_data: bool,
}

impl Splitter<'_> {
    /// Reads one statement or command; false at the end of the text.
    fn next_statement(&mut self) -> bool {
        if !self.scan.skip_blanks_and_comments() {
            self.push_open_comment();
            return false;
        }
        if self.client_command() || self.eat_delimiter() || self.eat_batch_line() {
            return true;
        }
        let mut current = Current {
            start: self.scan.position(),
            words: Vec::new(),
            last_word: String::new(),
            parentheses: 0,
            bodies: 0,
            is_open: false,
            is_continued: false,
            has_data: false,
        };
        while let Some(end) = self.step(&mut current) {
            if end == End::Statement {
                break;
            }
        }
        let has_data = current.has_data;
        self.push(current);
        if has_data {
            self.scan.skip_copy_data();
        }
        true
    }

    /// A comment that is never closed hides what stands in it: it is a statement that cannot be
    /// read.
    fn push_open_comment(&mut self) {
        let Some(start) = self.scan.open_comment() else { return };
        let (line, column) = self.scan.place(start);
        self.found.push(Statement {
            text: self.scan.slice(start),
            line,
            column,
            words: vec!["/*".to_owned()],
            is_open: true,
            is_continued: false,
        });
    }

    fn push(&mut self, current: Current) {
        let text = self.scan.slice(current.start).trim_end();
        if !text.is_empty() {
            let (line, column) = self.scan.place(current.start);
            let Current { words, is_open, is_continued, .. } = current;
            self.is_in_schema = is_continued && (self.is_in_schema || is_schema(&words));
            self.found.push(Statement { text, line, column, words, is_open, is_continued });
        }
        self.scan.eat(&self.delimiter);
    }

    /// `\connect …` and `.mode …` are statements of one word; `DELIMITER` is obeyed.
    fn client_command(&mut self) -> bool {
        let start = self.scan.position();
        if self.grammar.has_delimiter_command && self.scan.next_word_is("delimiter") {
            let line = self.scan.take_line();
            if let Some(delimiter) = line.split_whitespace().nth(1) {
                delimiter.clone_into(&mut self.delimiter);
            }
            return true;
        }
        if self.grammar.client_command != self.scan.peek() || !self.scan.is_at_line_start() {
            return false;
        }
        let (line, column) = self.scan.place(start);
        let text = self.scan.take_line();
        let words = text.split_whitespace().next().map(str::to_lowercase).into_iter().collect();
        let (is_open, is_continued) = (false, false);
        self.found.push(Statement { text, line, column, words, is_open, is_continued });
        true
    }

    fn eat_delimiter(&mut self) -> bool {
        self.scan.eat(&self.delimiter) || self.scan.eat(";")
    }

    fn eat_batch_line(&mut self) -> bool {
        let is_batch_line = self.grammar.has_batches && self.scan.is_batch_line();
        if is_batch_line {
            self.scan.take_line();
        }
        is_batch_line
    }

    /// Goes one token on; `None` at the end of the text.
    fn step(&mut self, current: &mut Current) -> Option<End> {
        if self.grammar.has_batches && self.scan.is_batch_line() {
            return Some(End::Statement);
        }
        if current.bodies == 0 && !self.is_whole_batch(current) && self.is_delimiter(current) {
            return Some(End::Statement);
        }
        let is_line_start = self.scan.is_at_line_start();
        match self.scan.step()? {
            Step::Open => current.parentheses += 1,
            Step::Close => current.parentheses -= 1,
            Step::Unclosed => current.is_open = true,
            Step::Other => {}
            Step::Word(word) => {
                let word = word.to_lowercase();
                if self.begins_another(current, &word, is_line_start) {
                    self.scan.back_to_last_step();
                    current.is_continued = true;
                    return Some(End::Statement);
                }
                self.enter_or_leave_body(current, &word);
                if current.words.len() < WORDS_MAX {
                    current.words.push(word.clone());
                }
                current.has_data |= self.grammar.has_copy_data
                    && word == "stdin"
                    && current.last_word == "from"
                    && current.words[0] == "copy";
                current.last_word = word;
            }
        }
        Some(End::Token)
    }

    /// Under a delimiter of its own a file may still end simple statements with `;`, which the
    /// server takes as several: only what has a body keeps them.
    fn is_delimiter(&self, current: &Current) -> bool {
        self.scan.is_at(&self.delimiter) || self.scan.is_at(";") && !has_body(&current.words)
    }

    /// A routine of a brand with batches reaches to the end of its batch.
    fn is_whole_batch(&self, current: &Current) -> bool {
        self.grammar.body == Body::Batch && is_routine(&current.words)
    }

    fn enter_or_leave_body(&mut self, current: &mut Current, word: &str) {
        let can_have_body =
            self.grammar.body != Body::Batch && self.delimiter == ";" && is_routine(&current.words);
        if !can_have_body {
            return;
        }
        match word {
            "begin" if self.grammar.body == Body::Begin => current.bodies += 1,
            "atomic" if current.last_word == "begin" => current.bodies += 1,
            "case" if current.bodies > 0 && current.last_word != "end" => current.bodies += 1,
            "end" if current.bodies > 0 => {
                let follows = |word| self.scan.next_word_is(word);
                if !["if", "loop", "while", "repeat"].into_iter().any(follows) {
                    current.bodies -= 1;
                }
            }
            _ => {}
        }
    }

    /// Without semicolons a statement ends where a word begins the next one.
    fn begins_another(&self, current: &Current, word: &str, is_line_start: bool) -> bool {
        if current.parentheses > 0 || current.words.is_empty() || self.is_whole_batch(current) {
            return false;
        }
        if (self.is_in_schema || is_schema(&current.words)) && matches!(word, "create" | "grant") {
            return true;
        }
        if !self.grammar.has_batches {
            return false;
        }
        let first = current.words[0].as_str();
        if word == "create" && self.scan.next_word_is("table") {
            return !matches!(first, "grant" | "deny" | "revoke");
        }
        let is_alter_table = current.words.starts_with(&["alter".into(), "table".into()]);
        let is_part = match word {
            "select" | "exec" | "execute" => first == "insert",
            "set" => {
                // `ON DELETE SET NULL`, and `SET (LOCK_ESCALATION = AUTO)` of a table.
                first == "update"
                    || matches!(current.last_word.as_str(), "delete" | "update")
                    || is_alter_table && self.scan.next_is('(')
            }
            "delete" | "update" => current.last_word == "on",
            "alter" | "drop" => is_alter_table && !self.scan.next_word_is("table"),
            _ => false,
        };
        is_line_start && STARTERS.contains(&word) && !is_part
    }
}

#[derive(PartialEq, Eq)]
enum End {
    Token,
    Statement,
}

/// Words that begin a statement of T-SQL when they begin a line.
const STARTERS: [&str; 31] = [
    "alter",
    "begin",
    "commit",
    "create",
    "dbcc",
    "declare",
    "delete",
    "deny",
    "disable",
    "drop",
    "else",
    "enable",
    "end",
    "exec",
    "execute",
    "grant",
    "if",
    "insert",
    "merge",
    "print",
    "raiserror",
    "return",
    "revoke",
    "rollback",
    "select",
    "set",
    "throw",
    "truncate",
    "update",
    "use",
    "while",
];

fn is_schema(words: &[String]) -> bool {
    words.first().is_some_and(|word| word == "create")
        && words.get(1).is_some_and(|word| word == "schema")
}

/// Whether a statement's first words make a trigger or routine.
fn is_routine(words: &[String]) -> bool {
    const KINDS: [&str; 7] =
        ["trigger", "procedure", "proc", "function", "event", "view", "package"];
    let begins = words.first().is_some_and(|word| word == "create" || word == "alter");
    // The kind comes before the name; `create table t (event int)` is none.
    let kind = words.iter().skip(1).find(|word| {
        KINDS.contains(&word.as_str()) || matches!(word.as_str(), "table" | "index" | "type")
    });
    begins && kind.is_some_and(|kind| KINDS.contains(&kind.as_str()))
}

/// Whether a statement under a delimiter of its own may hold others.
fn has_body(words: &[String]) -> bool {
    const BLOCKS: [&str; 8] = ["begin", "case", "declare", "for", "if", "loop", "repeat", "while"];
    is_routine(words) || words.first().is_some_and(|word| BLOCKS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::grammar::Grammar;
    use super::split;
    use crate::dialect::Brand;

    fn check(brand: Brand, text: &str, expected: &[&str]) {
        let grammar = Grammar::of(brand);
        let found: Vec<_> = split(text, grammar).iter().map(|one| one.text).collect();
        assert_eq!(found, expected, "{brand}: {text}");
    }

    #[test]
    fn semicolons_in_quotes_and_comments_do_not_split() {
        for brand in Brand::ALL {
            check(brand, "a ';' b; c /* ; */ d; -- e;\nf", &["a ';' b", "c /* ; */ d", "f"]);
            check(brand, "a 'it''s;'; \"b;\" ;;", &["a 'it''s;'", "\"b;\""]);
        }
    }

    #[test]
    fn postgres_dollar_quotes_nested_comments_and_escapes_are_one_token() {
        check(
            Brand::Postgres,
            "a $$;$$; b $x$ $$;$y$;$x$; c /* /* ; */ ; */; d E'\\';'; e '\\'; f",
            &["a $$;$$", "b $x$ $$;$y$;$x$", "c /* /* ; */ ; */", "d E'\\';'", "e '\\'", "f"],
        );
        check(Brand::Postgres, "select $1; select a$b$c; x", &["select $1", "select a$b$c", "x"]);
    }

    #[test]
    fn postgres_copy_data_and_psql_commands_are_passed_over() {
        check(
            Brand::Postgres,
            "\\connect x\nCOPY t (a) FROM stdin;\n1;\t'\n\\.\n\nnext;",
            &["\\connect x", "COPY t (a) FROM stdin", "next"],
        );
    }

    #[test]
    fn postgres_copy_of_many_columns_has_data_too() {
        let columns = "a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p";
        let copy = format!("COPY t ({columns}) FROM stdin WITH (FORMAT csv)");
        check(Brand::Postgres, &format!("{copy};\n'\n\\.\nnext"), &[&copy, "next"]);
        check(Brand::Postgres, "COPY t FROM 'stdin';\nnext", &["COPY t FROM 'stdin'", "next"]);
    }

    #[test]
    fn bodies_keep_their_semicolons() {
        let trigger = "CREATE TRIGGER t BEGIN SELECT CASE WHEN 1 THEN 2 END; UPDATE x; END";
        check(Brand::Sqlite, &format!("{trigger};\nnext"), &[trigger, "next"]);
        check(Brand::Mysql, &format!("{trigger};\nnext"), &[trigger, "next"]);
        let body =
            "CREATE PROCEDURE p() BEGIN IF a THEN b; END IF; CASE c WHEN 1 THEN d; END CASE; END";
        check(Brand::Mysql, &format!("{body};\nnext"), &[body, "next"]);
        let atomic = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END";
        check(Brand::Postgres, &format!("{atomic};\nBEGIN;\nnext"), &[atomic, "BEGIN", "next"]);
    }

    #[test]
    fn mysql_delimiters_hashes_and_backslashes_are_obeyed() {
        check(
            Brand::Mysql,
            "a '\\';' ; # b;\nDELIMITER //\nCREATE EVENT x y; z; //\nDELIMITER ;\nc--1;`d;`",
            &["a '\\';'", "CREATE EVENT x y; z;", "c--1", "`d;`"],
        );
        check(
            Brand::Mysql,
            "DELIMITER //\nSET a = 1;\nCREATE TABLE b (c int);\nBEGIN NOT ATOMIC d; e; END //\nf;",
            &["SET a = 1", "CREATE TABLE b (c int)", "BEGIN NOT ATOMIC d; e; END", "f"],
        );
        check(Brand::Mysql, "/*!40101 SET a=1 */;\nb", &["/*!40101 SET a=1 */", "b"]);
    }

    #[test]
    fn batches_split_at_go_and_at_the_words_that_begin_statements() {
        check(
            Brand::SqlServer,
            "USE x\nGO\nCREATE TABLE a (b int)\nCREATE TABLE [c;] (d int)\ngo 2 -- x\nnext",
            &["USE x", "CREATE TABLE a (b int)", "CREATE TABLE [c;] (d int)", "next"],
        );
        check(
            Brand::SqlServer,
            "ALTER TABLE a ADD b int\nALTER TABLE a\nALTER COLUMN b bigint\nDROP TABLE c",
            &["ALTER TABLE a ADD b int", "ALTER TABLE a\nALTER COLUMN b bigint", "DROP TABLE c"],
        );
        check(
            Brand::SqlServer,
            "CREATE PROC p AS\nSELECT 1;\nCREATE TABLE x (a int);\nGO\nnext",
            &["CREATE PROC p AS\nSELECT 1;\nCREATE TABLE x (a int);", "next"],
        );
        check(
            Brand::SqlServer,
            "IF OBJECT_ID('x') IS NULL CREATE TABLE x (a int)",
            &["IF OBJECT_ID('x') IS NULL", "CREATE TABLE x (a int)"],
        );
    }

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let grammar = Grammar::of(Brand::Sqlite);
        let found = split("-- ü\n a;\r\n'ü'; b", grammar);
        let places: Vec<_> = found.iter().map(|one| (one.line, one.column)).collect();
        assert_eq!(places, [(2, 2), (3, 1), (3, 6)]);
    }

    #[test]
    fn an_unclosed_comment_is_noticed() {
        for (text, place) in [("a;\n /* b; c", Some((2, 2))), ("/*", Some((1, 1)))] {
            for brand in Brand::ALL {
                let found = split(text, Grammar::of(brand));
                let last = found.last().map(|one| (one.is_open, (one.line, one.column)));
                assert_eq!(last, place.map(|place| (true, place)), "{brand}: {text}");
            }
        }
        for text in ["a; /* b */", "a; -- /*", "a; /**/"] {
            for brand in Brand::ALL {
                assert_eq!(split(text, Grammar::of(brand)).len(), 1, "{brand}: {text}");
            }
        }
    }

    #[test]
    fn an_unclosed_quote_is_noticed() {
        let grammar = Grammar::of(Brand::Postgres);
        let found = split("a; b 'c; d", grammar);
        assert_eq!(found.len(), 2);
        assert!(!found[0].is_open && found[1].is_open);
    }
}
