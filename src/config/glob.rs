//! Patterns with `*` and `?`.

/// Whether the whole of `text` fits `pattern`: `*` stands for any characters, `?` for one.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // The latest star and how much it stands for; a mismatch lets it stand for one more.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|wanted| *wanted == '?' || *wanted == text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((position, taken)) = star {
            (p, t) = (position + 1, taken + 1);
            star = Some((position, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_and_question_marks_stand_for_other_characters() {
        for (pattern, text, is_fitting) in [
            ("*", "", true),
            ("*", "sales.order", true),
            ("audit_*", "audit_2026", true),
            ("audit_*", "my_audit_2026", false),
            ("*_log", "a_log_log", true),
            ("*_log", "a_log_", false),
            ("gr?ße", "größe", true),
            ("a?", "a", false),
            ("a*b*c", "a1b2b3c", true),
            ("order", "order", true),
            ("order", "Order", false),
        ] {
            assert_eq!(fits(pattern, text), is_fitting, "{pattern} {text}");
        }
    }
}
