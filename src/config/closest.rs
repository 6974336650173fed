//! The word that was probably meant.

/// The candidate that is nearest to `word`, when it is near enough to be a typing mistake.
#[must_use]
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    let distance =
        |candidate: &str| strsim::damerau_levenshtein(&folded, &candidate.to_lowercase());
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_typing_mistake_finds_its_word_and_another_word_finds_nothing() {
        let words = ["tables", "routes", "key"];
        assert_eq!(closest("tabels", words), Some("tables"));
        assert_eq!(closest("Keys", words), Some("key"));
        assert_eq!(closest("database", words), None);
        assert_eq!(closest("", words), None);
    }
}
