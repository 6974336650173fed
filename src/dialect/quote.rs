//! Names and literals in a brand's own quotes.

use super::{Dialect, Refused};

impl Dialect {
    /// A name in the brand's quotes, letter for letter.
    #[must_use]
    pub fn ident(&self, name: &str) -> String {
        let Self { identifier, .. } = self;
        let inside = name.replace(&identifier.close, &identifier.close.repeat(2));
        format!("{}{inside}{}", identifier.open, identifier.close)
    }

    /// A text literal in the brand's quotes.
    #[must_use]
    pub fn text_literal(&self, text: &str) -> String {
        let mut inside = text.replace('\'', "''");
        if self.literal.escapes_backslash {
            inside = inside.replace('\\', "\\\\");
        }
        format!("{}{inside}{}", self.literal.open, self.literal.close)
    }

    /// What the brand does not take in a name; completes the sentence "the name has …". `None`
    /// for a name that it takes, whatever its length.
    #[must_use]
    pub fn refused_in(&self, name: &str) -> Option<&'static str> {
        if name.is_empty() {
            return Some("no character");
        }
        if name.contains('\0') {
            return Some("the character U+0000");
        }
        // It is no character, and what templates are filled with is marked by it.
        if name.contains('\u{fdd0}') {
            return Some("the code point U+FDD0");
        }
        self.identifier.refuses.iter().find_map(|refused| match refused {
            Refused::BlankAtEnd => {
                name.ends_with(char::is_whitespace).then_some("a blank at its end")
            }
            Refused::Supplementary => {
                name.contains(|letter| letter > '\u{ffff}').then_some("a character beyond U+FFFF")
            }
        })
    }

    /// Whether a name is short enough for the brand.
    #[must_use]
    pub fn fits(&self, name: &str) -> bool {
        self.identifier.max_unit.length(name) <= self.identifier.max_length
    }
}

#[cfg(test)]
mod tests {
    use crate::dialect::Brand;

    #[test]
    fn names_are_quoted_and_their_quotes_doubled() {
        let quoted = Brand::ALL.map(|brand| brand.dialect().ident("a\"b`c]d"));
        assert_eq!(quoted, ["\"a\"\"b`c]d\"", "\"a\"\"b`c]d\"", "[a\"b`c]]d]", "`a\"b``c]d`"]);
    }

    #[test]
    fn names_that_a_brand_refuses_are_known() {
        let refused = |name: &str| Brand::ALL.map(|brand| brand.dialect().refused_in(name));
        assert_eq!(refused("größe\n."), [None; 4]);
        assert_eq!(refused("a\0b"), [Some("the character U+0000"); 4]);
        assert_eq!(refused("a\u{fdd0}b"), [Some("the code point U+FDD0"); 4]);
        assert_eq!(refused(""), [Some("no character"); 4]);
        assert_eq!(refused("   "), [None, None, None, Some("a blank at its end")]);
        assert_eq!(refused("a\n"), [None, None, None, Some("a blank at its end")]);
        assert_eq!(refused("a😀"), [None, None, None, Some("a character beyond U+FFFF")]);
    }

    #[test]
    fn literals_double_what_would_end_them() {
        let quoted = Brand::ALL.map(|brand| brand.dialect().text_literal("O'Brien\\"));
        assert_eq!(quoted, ["'O''Brien\\'", "'O''Brien\\'", "N'O''Brien\\'", "'O''Brien\\\\'"]);
    }
}
