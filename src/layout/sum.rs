//! Sum files: which files were written, and with what in them.

use sha2::{Digest as _, Sha256};

use super::{Error, Folder, MigrationFile};

/// The sums of our own files in every layout.
pub const SUM_NAME: &str = "outrigger.sum";
/// The sums that Atlas asks for, of all files of its folder.
const ATLAS_NAME: &str = "atlas.sum";

/// Files of the sum that are missing or not what was written, sorted.
pub(super) fn changed(folder: &Folder) -> Result<Vec<String>, Error> {
    let Some(bytes) = folder.get(SUM_NAME) else { return Ok(Vec::new()) };
    let listed = parse(bytes)?;
    let is_changed = |(path, hash): &(String, String)| {
        folder.get(path).is_none_or(|bytes| base64(&Sha256::digest(bytes)) != *hash)
    };
    Ok(listed.into_iter().filter(is_changed).map(|(path, _)| path).collect())
}

/// The sum with new and rewritten files in it.
pub(super) fn file(
    folder: &Folder,
    new: &[MigrationFile],
    rewritten: &[MigrationFile],
) -> Result<MigrationFile, Error> {
    let mut listed = match folder.get(SUM_NAME) {
        Some(bytes) => parse(bytes)?,
        None => Vec::new(),
    };
    listed.retain(|(path, _)| rewritten.iter().all(|file| file.path != *path));
    for file in new.iter().chain(rewritten) {
        listed.push((file.path.clone(), base64(&Sha256::digest(&file.text))));
    }
    listed.sort();
    Ok(MigrationFile { path: SUM_NAME.to_owned(), text: text(&listed) })
}

/// `h1:` of all, then `path h1:` of each.
fn parse(bytes: &[u8]) -> Result<Vec<(String, String)>, Error> {
    let broken = |line: usize, reason: &str| Error::Broken {
        path: format!("{SUM_NAME}:{line}"),
        reason: reason.to_owned(),
    };
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let first = lines.next().and_then(|line| line.strip_prefix("h1:")).unwrap_or_default();
    let mut listed = Vec::new();
    for (index, line) in lines.enumerate() {
        let (path, hash) = line
            .rsplit_once(" h1:")
            .ok_or_else(|| broken(index + 2, "is not a path and its sum"))?;
        listed.push((path.to_owned(), hash.to_owned()));
    }
    if total(&listed) != first {
        return Err(broken(1, "is not the sum of the lines below"));
    }
    Ok(listed)
}

/// As it is written.
fn text(listed: &[(String, String)]) -> String {
    let mut lines = vec![format!("h1:{}", total(listed))];
    lines.extend(listed.iter().map(|(path, hash)| format!("{path} h1:{hash}")));
    lines.join("\n") + "\n"
}

/// A file that was taken out, put in or renamed shows here.
fn total(listed: &[(String, String)]) -> String {
    let mut digest = Sha256::new();
    for (path, hash) in listed {
        digest.update(path);
        digest.update(hash);
    }
    base64(&digest.finalize())
}

/// Atlas' own: of each `*.sql` file of the folder, by name, the hash of all names and bytes up to
/// it; the first line is the hash of the lines below.
pub(super) fn atlas(folder: &Folder, new: &[MigrationFile]) -> MigrationFile {
    let mut files: Vec<(&str, &[u8])> =
        folder.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    files.extend(new.iter().map(|file| (file.path.as_str(), file.text.as_bytes())));
    files.retain(|(path, _)| path.strip_suffix(".sql").is_some_and(|stem| !stem.contains('/')));
    files.sort_unstable();
    let mut digest = Sha256::new();
    let mut listed = Vec::new();
    for (path, bytes) in files {
        digest.update(path);
        if is_ignored(bytes) {
            continue;
        }
        digest.update(bytes);
        listed.push((path.to_owned(), base64(&digest.clone().finalize())));
    }
    MigrationFile { path: ATLAS_NAME.to_owned(), text: text(&listed) }
}

/// `-- atlas:sum ignore` in a file's first lines leaves it out.
fn is_ignored(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut head = text.lines().take_while(|line| line.starts_with("--"));
    head.any(|line| line.trim_start_matches(['-', ' ']).starts_with("atlas:sum ignore"))
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place)) & 63;
            let letter = LETTERS.get(usize::try_from(index).unwrap_or(0)).copied().unwrap_or(b'A');
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }
}
