//! Files that are read: DDL, connection URLs, templates.

use std::collections::BTreeMap;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::schema::Source;

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

fn decode(bytes: Vec<u8>) -> std::io::Result<String> {
    let units = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        let text = String::from_utf16(&units);
        text.map_err(|_| IoError::new(ErrorKind::InvalidData, "the text is not valid UTF-16"))
    };
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest.to_vec()),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: Vec<u8>) -> std::io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        let message = format!("the text is not valid UTF-8 at byte {position}");
        IoError::new(ErrorKind::InvalidData, message)
    })
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
        for bytes in [utf16, "\u{feff}größe".as_bytes().to_vec(), "größe".as_bytes().to_vec()] {
            assert_eq!(decode(bytes).expect("decodes"), "größe");
        }
        let error = decode(b"gr\xf6\xdfe".to_vec()).expect_err("Latin-1");
        assert_eq!(error.to_string(), "the text is not valid UTF-8 at byte 2");
    }
}
