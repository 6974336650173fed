//! Names and literals in a brand's own quotes.

use super::Dialect;

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
    fn literals_double_what_would_end_them() {
        let quoted = Brand::ALL.map(|brand| brand.dialect().text_literal("O'Brien\\"));
        assert_eq!(quoted, ["'O''Brien\\'", "'O''Brien\\'", "N'O''Brien\\'", "'O''Brien\\\\'"]);
    }
}
