//! SQL in pieces that a page can colour.

use serde::Serialize;

/// A piece of SQL and what it is: `k`eyword, `s`tring, `n`ame in quotes, `c`omment, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// The class.
    pub class: &'static str,
    /// The text.
    pub text: String,
}

/// The pieces of a text, all of it in its order. Keywords are what the templates write in
/// capitals.
#[must_use]
pub fn highlight(sql: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = sql;
    while !rest.is_empty() {
        let (class, length) = next(rest);
        let (text, after) = rest.split_at(length);
        match pieces.last_mut() {
            Some(last) if last.class == class && class.is_empty() => last.text.push_str(text),
            _ => pieces.push(Piece { class, text: text.to_owned() }),
        }
        rest = after;
    }
    pieces
}

/// The class and the length of the first piece, which is never empty.
fn next(text: &str) -> (&'static str, usize) {
    let first = text.chars().next().unwrap_or(' ');
    let quoted = |close: char| end_of_quoted(text, close);
    match first {
        '-' if text.starts_with("--") => ("c", text.find('\n').unwrap_or(text.len())),
        '/' if text.starts_with("/*") => ("c", text.find("*/").map_or(text.len(), |end| end + 2)),
        '\'' => ("s", quoted('\'')),
        '"' => ("n", quoted('"')),
        '`' => ("n", quoted('`')),
        '[' => ("n", quoted(']')),
        letter if letter.is_alphabetic() || letter == '_' => {
            let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
            let length = text.find(|letter| !is_word(letter)).unwrap_or(text.len());
            let word = &text[..length];
            let is_keyword = length > 1 && word.chars().all(|letter| letter.is_ascii_uppercase());
            (if is_keyword { "k" } else { "" }, length)
        }
        letter => ("", letter.len_utf8()),
    }
}

/// A doubled quote does not end what is quoted.
fn end_of_quoted(text: &str, close: char) -> usize {
    let mut from = 1;
    while let Some(at) = text[from..].find(close) {
        let end = from + at + close.len_utf8();
        if !text[end..].starts_with(close) {
            return end;
        }
        from = end + close.len_utf8();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::highlight;

    #[test]
    fn pieces_are_told_apart_and_nothing_is_lost() {
        let sql =
            "-- It's a comment\nSELECT \"a\"\"b\", 'it''s', [x]]y], `q`, f(1) FROM t; /* ' */";
        let pieces = highlight(sql);
        let joined: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(joined, sql);
        let of = |class: &str| -> Vec<&str> {
            let found = pieces.iter().filter(|piece| piece.class == class);
            found.map(|piece| piece.text.as_str()).collect()
        };
        assert_eq!(of("c"), ["-- It's a comment", "/* ' */"]);
        assert_eq!(of("k"), ["SELECT", "FROM"]);
        assert_eq!(of("n"), ["\"a\"\"b\"", "[x]]y]", "`q`"]);
        assert_eq!(of("s"), ["'it''s'"]);
    }
}
