//! One step over a DDL text at a time: a word, a quoted text, a comment, a bracket.

use super::grammar::Grammar;

/// What was stepped over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// An unquoted word.
    Word(&'a str),
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// A quote or comment that reaches to the end of the text.
    Unclosed,
    /// Anything else, quoted texts and comments included.
    Other,
}

/// A position in a text, and what the brand's grammar says of its quotes and comments.
pub(super) struct Scan<'a> {
    text: &'a str,
    grammar: &'a Grammar,
    position: usize,
    last_step: usize,
    last_comment: Option<usize>,
    line_starts: Vec<usize>,
    /// The last position that was asked for, and its column.
    last_place: (usize, u64),
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str, grammar: &'a Grammar) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(index, _)| index + 1))
            .collect();
        Self {
            text,
            grammar,
            position: 0,
            last_step: 0,
            last_comment: None,
            line_starts,
            last_place: (0, 1),
        }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The text from `start` to here.
    pub(super) fn slice(&self, start: usize) -> &'a str {
        &self.text[start..self.position]
    }

    /// Line and column (in characters) of a position, both from 1.
    pub(super) fn place(&mut self, position: usize) -> (u64, u64) {
        let line = self.line_starts.partition_point(|start| *start <= position);
        let start = self.line_starts[line - 1];
        // A file may be one line: what was counted before is not counted again.
        let (from, before) = self.last_place;
        let (from, before) =
            if from >= start && from <= position { (from, before) } else { (start, 1) };
        let column = before + self.text[from..position].chars().count() as u64;
        self.last_place = (position, column);
        (line as u64, column)
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn is_at(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    /// Steps over `text` if it stands here.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let is_here = self.is_at(text);
        if is_here {
            self.position += text.len();
        }
        is_here
    }

    /// Whether nothing but blanks stands before this position on its line.
    pub(super) fn is_at_line_start(&self) -> bool {
        let line = self.line_starts.partition_point(|start| *start <= self.position);
        self.text[self.line_starts[line - 1]..self.position].trim().is_empty()
    }

    /// Whether this line is `GO`, with or without a count.
    pub(super) fn is_batch_line(&self) -> bool {
        let is_go = self.rest().get(..2).is_some_and(|word| word.eq_ignore_ascii_case("go"));
        if !is_go || !self.is_at_line_start() {
            return false;
        }
        let line = self.rest().lines().next().unwrap_or_default();
        let after = line[2..].split("--").next().unwrap_or_default().trim();
        let is_separate = !line[2..].starts_with(is_name_character);
        is_separate && after.trim_end_matches(';').chars().all(|letter| letter.is_ascii_digit())
    }

    /// Whether the next word, blanks and comments aside, is this one.
    pub(super) fn next_word_is(&self, word: &str) -> bool {
        let rest = self.rest().trim_start();
        let has = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        has && !rest[word.len()..].starts_with(is_name_character)
    }

    /// Whether this letter comes next, blanks aside.
    pub(super) fn next_is(&self, letter: char) -> bool {
        self.rest().trim_start().starts_with(letter)
    }

    /// The rest of this line; the position is then at its end.
    pub(super) fn take_line(&mut self) -> &'a str {
        let line = self.rest().split('\n').next().unwrap_or_default();
        self.position += line.len();
        line.trim_end()
    }

    /// Steps over the lines of a COPY up to and with `\.`.
    pub(super) fn skip_copy_data(&mut self) {
        self.take_line();
        while self.eat("\n") {
            if self.take_line() == "\\." {
                return;
            }
        }
    }

    /// Where the comment begins that was stepped over last and reaches to the end unclosed.
    pub(super) fn open_comment(&self) -> Option<usize> {
        let last = &self.text[self.last_comment?..];
        let is_block = last.starts_with("/*");
        let closed = || block_length(last, self.grammar.has_nested_comments);
        (is_block && closed() == last.len() && !is_closed_block(last)).then_some(self.last_comment?)
    }

    /// False at the end of the text.
    pub(super) fn skip_blanks_and_comments(&mut self) -> bool {
        loop {
            let rest = self.rest();
            self.position += rest.len() - rest.trim_start().len();
            match self.comment_length() {
                Some(length) => {
                    self.last_comment = Some(self.position);
                    self.position += length;
                }
                None => return self.position < self.text.len(),
            }
        }
    }

    pub(super) fn back_to_last_step(&mut self) {
        self.position = self.last_step;
    }

    /// Steps over one token; `None` at the end of the text.
    pub(super) fn step(&mut self) -> Option<Step<'a>> {
        let rest = self.rest();
        let first = rest.chars().next()?;
        self.last_step = self.position;
        if let Some(length) = self.comment_length() {
            self.position += length;
            // A comment that reaches to the end is closed by it only if it is one of a line.
            let is_open = rest.starts_with("/*") && !rest[..length].ends_with("*/");
            return Some(if is_open { Step::Unclosed } else { Step::Other });
        }
        if let Some(quoted) = self.quoted(first) {
            return Some(self.step_over(&quoted));
        }
        if is_name_character(first) {
            let ends = |letter| letter != '$' && !is_name_character(letter);
            let length = rest.find(ends).unwrap_or(rest.len());
            self.position += length;
            let word = &rest[..length];
            let is_escape = self.grammar.has_escape_literals
                && word.eq_ignore_ascii_case("e")
                && self.is_at("'");
            if is_escape {
                return Some(self.step_over(&read_quotes(self.rest(), '\'', true)));
            }
            return Some(Step::Word(word));
        }
        self.position += self.executable_mark().unwrap_or(first.len_utf8());
        Some(match first {
            '(' => Step::Open,
            ')' => Step::Close,
            _ => Step::Other,
        })
    }

    fn step_over(&mut self, quoted: &Quoted) -> Step<'a> {
        self.position += quoted.length;
        if quoted.is_closed { Step::Other } else { Step::Unclosed }
    }

    /// The length of `/*!50100`, which begins code and no comment, or of the `*/` that ends it.
    fn executable_mark(&self) -> Option<usize> {
        if !self.grammar.has_executable_comments {
            return None;
        }
        if self.is_at("*/") {
            return Some(2);
        }
        let digits = self.rest().strip_prefix("/*!")?;
        Some(3 + digits.len() - digits.trim_start_matches(|c: char| c.is_ascii_digit()).len())
    }

    /// The length of the comment that begins here.
    fn comment_length(&self) -> Option<usize> {
        let rest = self.rest();
        let to_line_end = || rest.find('\n').unwrap_or(rest.len());
        if let Some(after) = rest.strip_prefix("--") {
            let is_comment = !self.grammar.has_spaced_comments
                || after.chars().next().is_none_or(char::is_whitespace);
            return is_comment.then(to_line_end);
        }
        if self.grammar.has_hash_comments && rest.starts_with('#') {
            return Some(to_line_end());
        }
        if !rest.starts_with("/*") || self.executable_mark().is_some() {
            return None;
        }
        Some(block_length(rest, self.grammar.has_nested_comments))
    }

    /// The quoted text that begins here.
    fn quoted(&self, first: char) -> Option<Quoted> {
        let rest = self.rest();
        let grammar = &self.grammar;
        match first {
            '\'' | '"' => Some(read_quotes(rest, first, grammar.has_backslash_escapes)),
            '`' if grammar.has_backtick_names => Some(read_quotes(rest, '`', false)),
            '[' if grammar.has_bracket_names => Some(read_quotes(rest, ']', false)),
            '$' if grammar.has_dollar_quotes => {
                let tag_end = rest[1..].find('$')? + 2;
                let tag = &rest[..tag_end];
                let inside = &tag[1..tag_end - 1];
                let is_tag = inside.chars().all(is_name_character)
                    && !inside.starts_with(|letter: char| letter.is_ascii_digit());
                if !is_tag {
                    return None;
                }
                let end = rest[tag_end..].find(tag).map(|end| tag_end + end + tag_end);
                let length = end.unwrap_or(rest.len());
                Some(Quoted { length, is_closed: end.is_some() })
            }
            _ => None,
        }
    }
}

/// A text in quotes.
struct Quoted {
    /// Its length, quotes included.
    length: usize,
    /// Whether it ends before the text around it does.
    is_closed: bool,
}

/// A letter that a name can begin with, or nearly so: digits do no harm here.
fn is_name_character(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '@')
}

/// The text in quotes that `text` begins with. A doubled closing quote stands for itself.
fn read_quotes(text: &str, close: char, has_backslash: bool) -> Quoted {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((index, letter)) = letters.next() {
        if has_backslash && letter == '\\' {
            letters.next();
        } else if letter == close {
            if letters.peek().is_none_or(|(_, next)| *next != close) {
                return Quoted { length: index + close.len_utf8(), is_closed: true };
            }
            letters.next();
        }
    }
    Quoted { length: text.len(), is_closed: false }
}

/// Whether a block comment that is all of a text has its end.
fn is_closed_block(text: &str) -> bool {
    text.len() >= 4 && text.ends_with("*/")
}

/// The length of a block comment; all of the text when it is never closed.
fn block_length(text: &str, is_nested: bool) -> usize {
    let mut depth = 0_u32;
    let mut position = 0;
    while position < text.len() {
        let rest = &text[position..];
        if rest.starts_with("/*") && (is_nested || depth == 0) {
            depth += 1;
            position += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            position += 2;
            if depth == 0 {
                return position;
            }
        } else {
            position += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}
