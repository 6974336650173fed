//! Versions of migrations: from a flag or a counter, never from a clock.

use super::{Error, Folder};

/// Digits of a version in a folder that has none yet.
const DIGITS: usize = 6;

/// More do not fit into the 64 bits that the tools keep.
const DIGITS_MAX: usize = 18;

/// Hands out versions, all of one length: some tools sort them as text.
#[derive(Debug)]
pub(super) struct Versions {
    next: u64,
    digits: usize,
}

impl Versions {
    /// From `first`, else one above the highest in the folder.
    pub(super) fn above(folder: &Folder, first: Option<&str>) -> Result<Self, Error> {
        let highest = folder
            .keys()
            .filter_map(|path| version(path))
            .max_by_key(|digits| digits.parse::<u64>().unwrap_or(0));
        let number = |digits: &str| digits.parse::<u64>().unwrap_or(0);
        let Some(first) = first else {
            return Ok(match highest {
                Some(highest) => Self { next: number(highest) + 1, digits: highest.len() },
                None => Self { next: 1, digits: DIGITS },
            });
        };
        let wrong = |reason: String| Error::Version { given: first.to_owned(), reason };
        let is_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || first.len() > DIGITS_MAX || number(first) == 0 {
            return Err(wrong(format!("is not a number from 1 of up to {DIGITS_MAX} digits")));
        }
        if let Some(highest) = highest.filter(|highest| number(first) <= number(highest)) {
            return Err(wrong(format!("is not above {highest}, which the folder has")));
        }
        Ok(Self { next: number(first), digits: first.len() })
    }

    /// The next version.
    pub(super) fn next(&mut self) -> Result<String, Error> {
        let text = format!("{:0digits$}", self.next, digits = self.digits);
        if text.len() > self.digits {
            let reason = format!(
                "has more than the {} digits of those before it, and some tools sort by letters",
                self.digits
            );
            return Err(Error::Version { given: text, reason });
        }
        self.next += 1;
        Ok(text)
    }
}

/// The leading digits of a migration's file name: `V2_1__x.sql`, `007_x.up.sql`,
/// `deploy/outrigger_000001_node.sql`.
fn version(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.strip_suffix(".sql")?;
    let name = name.strip_prefix("outrigger_").unwrap_or(name);
    let name = name.strip_prefix(['V', 'U', 'B']).unwrap_or(name);
    let end = name.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(name.len());
    let digits = &name[..end];
    (!digits.is_empty() && digits.len() <= DIGITS_MAX).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(paths: &[&str]) -> Folder {
        paths.iter().map(|path| ((*path).to_owned(), Vec::new())).collect()
    }

    fn next(paths: &[&str], first: Option<&str>) -> String {
        let mut versions = match Versions::above(&folder(paths), first) {
            Ok(versions) => versions,
            Err(error) => return error.to_string(),
        };
        versions.next().unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn the_counter_goes_on_above_whatever_the_folder_has() {
        assert_eq!(next(&[], None), "000001");
        assert_eq!(next(&["V2_1__a.sql", "V10__b.sql"], None), "11");
        assert_eq!(next(&["20240101120000_a.up.sql", "notes.md"], None), "20240101120001");
        assert_eq!(next(&["deploy/outrigger_000041_node.sql"], None), "000042");
    }

    #[test]
    fn a_version_is_checked_before_it_is_used() {
        assert_eq!(next(&["007_a.sql"], Some("0100")), "0100");
        for (paths, first, words) in [
            (&["007_a.sql"][..], Some("7"), "is not above 007"),
            (&[], Some("1.2"), "is not a number"),
            (&[], Some("0"), "is not a number"),
            (&[], Some("1234567890123456789"), "is not a number"),
            (&["9__a.sql"], None, "has more than the 1 digits"),
        ] {
            let said = next(paths, first);
            assert!(said.contains(words), "{said}");
        }
    }
}
