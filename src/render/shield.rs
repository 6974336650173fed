//! Names and texts of the application on their way through a template, so that nothing in them is
//! taken for a mark of the template, whatever they hold.
//!
//! A filled template is divided at lines, blank lines and blanks at ends are taken out, `:{name}`
//! becomes a placeholder, and a body ends where its quote comes again. What a name has of these
//! is written in another way until that is done.

/// Begins what stands for a letter. It is no character; names that have it are refused.
const MARK: char = '\u{fdd0}';

/// The quote of bodies in templates.
const BODY: &str = "$outrigger$";

/// The letters that mean something to a template, and what stands for them behind the mark.
const LETTERS: &[(char, char)] = &[('\n', 'n'), ('\r', 'r'), ('$', 'd'), ('{', 'b'), (MARK, 'm')];

/// A piece of SQL with a name or text in it, as it goes into a template.
pub(super) fn hide(text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    for letter in text.chars() {
        match LETTERS.iter().find(|(meant, _)| *meant == letter) {
            Some((_, code)) => hidden.extend([MARK, *code]),
            None => hidden.push(letter),
        }
    }
    hidden
}

/// A finished statement with all names and texts as they are. Where one has the quote of bodies in
/// it, bodies get another.
pub(super) fn show(text: &str) -> String {
    if !text.contains(MARK) {
        return text.to_owned();
    }
    let shown = letters(text);
    if shown.matches(BODY).count() == text.matches(BODY).count() {
        return shown;
    }
    let mut number = 1;
    loop {
        let other = format!("$outrigger_{number}$");
        if !shown.contains(&other) {
            return letters(&text.replace(BODY, &other));
        }
        number += 1;
    }
}

/// A piece of SQL as it was before it was hidden; any other text as it is.
pub(super) fn letters(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        if letter != MARK {
            shown.push(letter);
            continue;
        }
        let code = rest.next();
        shown
            .extend(LETTERS.iter().find(|(_, known)| Some(*known) == code).map(|(meant, _)| meant));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{hide, show};

    #[test]
    fn what_was_hidden_is_shown_letter_for_letter() {
        for text in ["a\r\n b", "$outrigger$", "\u{fdd0}n", ":{x}", "größe", "\u{fdd0}\u{fdd0}"] {
            assert_eq!(show(&hide(text)), text);
            assert!(!hide(text).contains(['\n', '\r', '$', '{']), "{text}");
        }
    }

    #[test]
    fn a_name_in_a_text_is_hidden_once() {
        assert_eq!(show(&hide(&format!("N'{}'", super::letters(&hide("[a\n$]"))))), "N'[a\n$]'");
    }

    #[test]
    fn a_body_gets_a_quote_that_no_name_in_it_has() {
        let body = |name: &str| show(&format!("AS $outrigger$ {} $outrigger$;", hide(name)));
        assert_eq!(body("a$b"), "AS $outrigger$ a$b $outrigger$;");
        assert_eq!(body("$outrigger$"), "AS $outrigger_1$ $outrigger$ $outrigger_1$;");
        assert_eq!(
            body("$outrigger$outrigger_1$"),
            "AS $outrigger_2$ $outrigger$outrigger_1$ $outrigger_2$;"
        );
    }
}
