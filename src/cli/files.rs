//! Files: DDL, connection URLs and templates that are read, single texts that are written.

use std::collections::BTreeMap;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use crate::dialect::Brand;
use crate::error::{Error, Result};
use crate::schema::{self, Reading, Source};

/// A text and where it came from.
pub(super) struct TextFile {
    /// For messages.
    pub(super) path: String,
    pub(super) text: String,
}

impl TextFile {
    pub(super) fn source(&self) -> Source<'_> {
        Source { path: &self.path, text: &self.text }
    }
}

/// The text of a file, or of each `*.sql` file of a folder, by name.
pub(super) fn read_sql(path: &Path) -> Result<Vec<TextFile>> {
    let paths = if path.is_dir() { sql_files(path)? } else { vec![path.to_owned()] };
    let read = |path: PathBuf| {
        let text = read_text(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        Ok(TextFile { path: path.display().to_string(), text })
    };
    paths.into_iter().map(read).collect()
}

/// Reads DDL as one script. Where it is another brand's, that is what is said.
pub(super) fn parse(texts: &[TextFile], brand: Brand) -> Result<Reading> {
    let sources: Vec<Source<'_>> = texts.iter().map(TextFile::source).collect();
    let reading = schema::parse(&sources, brand);
    match schema::doubt(&sources, brand, &reading) {
        Some(sign) => Err(Error::WrongDialect { given: brand, sign: Box::new(sign) }),
        None => Ok(reading?),
    }
}

fn sql_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_sql = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("sql"));
        if is_sql && path.is_file() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(Error::NoSql { path: folder.to_owned() });
    }
    paths.sort();
    Ok(paths)
}

/// UTF-8, or UTF-16 with its mark, as SQL Server's tools write it.
pub(super) fn read_text(path: &Path) -> std::io::Result<String> {
    decode(std::fs::read(path)?)
}

/// What files begin with that are no text, and what to do with them.
const BINARIES: [(&[u8], &str); 5] = [
    (
        b"SQLite format 3\0",
        "a SQLite database: give its URL, `sqlite:PATH`, or write `.schema` of it",
    ),
    (b"PGDMP", "an archive of pg_dump: `pg_restore --schema-only -f schema.sql` makes it a text"),
    (b"\x1f\x8b", "compressed: unpack it first"),
    (b"PK\x03\x04", "compressed: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed: unpack it first"),
];

fn decode(bytes: Vec<u8>) -> std::io::Result<String> {
    if let Some((_, what)) = BINARIES.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Err(IoError::new(ErrorKind::InvalidData, format!("it is {what}")));
    }
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // Without the mark: a text begins with a letter, a dash, a blank.
        [first, 0, _, 0, ..] if *first != 0 => utf16(&bytes, u16::from_le_bytes),
        [0, first, 0, _, ..] if *first != 0 => utf16(&bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest.to_vec()),
        _ => utf8(bytes),
    }
    .and_then(without_nul)
}

/// A text; a NUL in it is no text's.
fn without_nul(text: String) -> std::io::Result<String> {
    match text.find('\0') {
        None => Ok(text),
        Some(at) => Err(invalid("the character U+0000, which a text does not have", &text[..at])),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> std::io::Result<String> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::with_capacity(bytes.len() / 2);
    let is_cut = !bytes.len().is_multiple_of(2);
    for letter in char::decode_utf16(units) {
        let letter = letter.map_err(|_| invalid("half of a UTF-16 pair", &text))?;
        text.push(letter);
    }
    if is_cut { Err(invalid("half of a UTF-16 unit", &text)) } else { Ok(text) }
}

fn utf8(bytes: Vec<u8>) -> std::io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let end = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = String::from_utf8_lossy(&bytes[..end]);
        invalid(&format!("the byte 0x{:02x}, which is not UTF-8", bytes[end]), &before)
    })
}

/// An error behind `before`.
fn invalid(what: &str, before: &str) -> IoError {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let message = format!(
        "line {line}, column {column} has {what}: a file is UTF-8, or UTF-16 as SQL Server's \
         tools write it; `iconv -f WINDOWS-1252 -t UTF-8` turns Latin-1 into UTF-8"
    );
    IoError::new(ErrorKind::InvalidData, message)
}

/// Writes a generated text, which has a line that begins with `mark` among its first two: over an
/// older one, and over nothing of somebody else's unless forced.
pub(super) fn write_over_own(path: &Path, text: &str, mark: &str, is_forced: bool) -> Result<()> {
    let is_ours = |text: String| text.lines().take(2).any(|line| line.starts_with(mark));
    if path.exists() && !is_forced && !read_text(path).is_ok_and(is_ours) {
        let reason = "was not generated by outrigger";
        return Err(Error::Occupied { path: path.to_owned(), reason });
    }
    std::fs::write(path, text).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// The templates of one brand's folder by their path below it, without `.sql.tera`; none where
/// there is no such folder.
pub(super) fn read_templates(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut templates = BTreeMap::new();
    let mut to_visit = vec![folder.to_owned()];
    while let Some(path) = to_visit.pop() {
        let Ok(entries) = std::fs::read_dir(&path) else { continue };
        for entry in entries {
            let entry = entry.map_err(|source| Error::Read { path: path.clone(), source })?.path();
            if entry.is_dir() {
                to_visit.push(entry);
                continue;
            }
            let below = entry.strip_prefix(folder).unwrap_or(&entry).to_string_lossy();
            if let Some(name) = below.strip_suffix(".sql.tera") {
                let text = read_text(&entry)
                    .map_err(|source| Error::Read { path: entry.clone(), source })?;
                templates.insert(name.replace('\\', "/"), text);
            }
        }
    }
    Ok(templates)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn marks_of_encodings_are_understood_and_left_out() {
        let utf16: Vec<u8> = "\u{feff}größe".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let unmarked: Vec<u8> = "größe".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = "\u{feff}größe".as_bytes().to_vec();
        for bytes in [utf16.clone(), unmarked, marked, "größe".as_bytes().to_vec()] {
            assert_eq!(decode(bytes).expect("decodes"), "größe");
        }
        for (bytes, beginning) in [
            (b"SQLite format 3\0\x10".to_vec(), "it is a SQLite database"),
            (b"PGDMP\x01".to_vec(), "it is an archive of pg_dump"),
            (b"\x1f\x8b\x08".to_vec(), "it is compressed"),
            (b"a\nb \xf6\xdfe".to_vec(), "line 2, column 3 has the byte 0xf6, which is not UTF-8"),
            (utf16[..utf16.len() - 1].to_vec(), "line 1, column 5 has half of a UTF-16 unit"),
            (b"a\n\0b".to_vec(), "line 2, column 1 has the character U+0000"),
            (vec![0xff, 0xfe, 0x3d, 0xd8], "line 1, column 1 has half of a UTF-16 pair"),
        ] {
            let error = decode(bytes).expect_err("no text").to_string();
            assert!(error.starts_with(beginning), "{error}");
        }
    }
}
