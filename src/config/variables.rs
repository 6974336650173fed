//! `${NAME}` in texts of the configuration.

/// A text in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// As written; `$${` has become `${`.
    Literal(String),
    /// The name inside `${…}`.
    Variable(String),
}

/// Takes a text apart; what is wrong with it otherwise.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        literal.push_str(&rest[..dollar]);
        rest = &rest[dollar..];
        if let Some(after) = rest.strip_prefix("$${") {
            literal.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let end = after.find('}').ok_or("a `${` has no `}`")?;
            let name = &after[..end];
            if !is_name(name) {
                return Err("a `${NAME}` has letters, digits and `_` between its braces");
            }
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Variable(name.to_owned()));
            rest = &after[end + 1..];
        } else {
            literal.push('$');
            rest = &rest[1..];
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|letter: char| letter.is_ascii_digit())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    #[test]
    fn names_are_taken_out_and_dollars_stay() {
        let literal = |text: &str| Piece::Literal(text.to_owned());
        let variable = |name: &str| Piece::Variable(name.to_owned());
        assert_eq!(
            pieces("a$b${C_1}$${D}${E}").unwrap(),
            [literal("a$b"), variable("C_1"), literal("${D}"), variable("E")]
        );
        assert_eq!(pieces("").unwrap(), []);
        assert!(pieces("${A").is_err() && pieces("${}").is_err() && pieces("${a b}").is_err());
    }
}
