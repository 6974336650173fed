//! Types that the application makes: enumerations, composites, ranges and names for other types.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::ddl::{Done, Reader, skip_to};
use super::token::{Cursor, Unread, split_at_commas};
use super::{element, native};

impl Reader {
    /// Enumerations and names for other types.
    pub(super) fn create_type(&mut self, mut cursor: Cursor<'_>) -> Result<Done, Unread> {
        cursor.next();
        cursor.next();
        let name_tokens = cursor.rest();
        self.table_name(&mut cursor)?;
        let name_tokens = &name_tokens[..name_tokens.len() - cursor.rest().len()];
        let name = native::from_tokens(name_tokens, self.grammar);
        if cursor.eat(&["as", "enum"]) {
            self.enums.insert(name);
            return Ok(Done::Read);
        }
        let is_domain = cursor.eat(&["from"]) || !cursor.is_at(&["as", "table"]);
        let follows_as = cursor.eat(&["as"]);
        // A base type of somebody's own has its functions in parentheses, and no AS.
        if follows_as && (cursor.is_at_token(&Token::LParen) || cursor.is_at(&["range"])) {
            self.own_types.insert(self.multirange(&name, cursor));
            self.own_types.insert(name);
            return Ok(Done::Read);
        }
        if !is_domain || cursor.is_at_end() || cursor.is_at_token(&Token::LParen) {
            return Ok(Done::PassedOver);
        }
        let base = element::take_type(&mut cursor, self.grammar);
        let base = native::from_tokens(base, self.grammar);
        // A domain over a domain is one over what that stands for.
        let base = self.domains.get(&base).cloned().unwrap_or(base);
        // T-SQL's names for types say so; a domain of Postgres checks it by itself.
        if self.grammar.has_batches && cursor.eat(&["not", "null"]) {
            self.required_types.insert(name.clone());
        }
        self.domains.insert(name, base);
        Ok(Done::Read)
    }

    /// The type of several ranges, which is made along with a type of ranges: `RANGE (…)` may name
    /// it.
    fn multirange(&self, range: &str, mut cursor: Cursor<'_>) -> String {
        skip_to(&mut cursor, "range");
        for option in split_at_commas(cursor.group().unwrap_or_default()) {
            let mut option = Cursor::new(option);
            if option.eat(&["multirange_type_name"]) {
                option.eat_token(&Token::Eq);
                return native::from_tokens(option.rest(), self.grammar);
            }
        }
        if range.contains("range") {
            return range.replacen("range", "multirange", 1);
        }
        let (name, quote) = range.strip_suffix('"').map_or((range, ""), |name| (name, "\""));
        format!("{name}_multirange{quote}")
    }

    /// `sp_addtype 'tid', 'varchar(6)', 'NOT NULL'`, as scripts of SQL Server made names for types
    /// before `CREATE TYPE … FROM`.
    pub(super) fn add_type(&mut self, mut cursor: Cursor<'_>) -> Done {
        skip_to(&mut cursor, "sp_addtype");
        let mut parts = split_at_commas(cursor.rest()).into_iter().map(|part| {
            let mut part = Cursor::new(part);
            // `@typename = N'tid'`.
            while part.rest().iter().any(|token| token.token == Token::Eq) {
                part.next();
            }
            part.rest().iter().map(unquoted).collect::<Vec<_>>().join(" ")
        });
        let (Some(name), Some(base)) = (parts.next(), parts.next()) else {
            return Done::PassedOver;
        };
        let name = native::from_text(&name, self.grammar);
        let base = native::from_text(&base, self.grammar);
        if parts.next().is_some_and(|null| null.eq_ignore_ascii_case("not null")) {
            self.required_types.insert(name.clone());
        }
        self.domains.insert(name, base);
        Done::Read
    }

    /// `ALTER TYPE … RENAME TO …`, as tools do that replace an enumeration.
    pub(super) fn rename_type(&mut self, mut cursor: Cursor<'_>) -> Result<Done, Unread> {
        cursor.next();
        cursor.next();
        let tokens = cursor.rest();
        self.table_name(&mut cursor)?;
        let (old, rest) = tokens.split_at(tokens.len() - cursor.rest().len());
        let mut rest = Cursor::new(rest);
        if !rest.eat(&["rename", "to"]) {
            return Ok(Done::PassedOver);
        }
        // The new name is without the namespace, in which the type stays.
        let mut new: Vec<TokenWithSpan> = old[..old.len().saturating_sub(1)].to_vec();
        new.extend(rest.next().cloned());
        let old = native::from_tokens(old, self.grammar);
        let new = native::from_tokens(&new, self.grammar);
        for names in [&mut self.enums, &mut self.own_types] {
            if names.remove(&old) {
                names.insert(new.clone());
            }
        }
        if let Some(base) = self.domains.remove(&old) {
            self.domains.insert(new.clone(), base);
        }
        self.tables.rename_type(&old, &new);
        Ok(Done::Read)
    }
}

/// A token's text without quotes.
fn unquoted(token: &TokenWithSpan) -> String {
    match &token.token {
        Token::SingleQuotedString(text) | Token::NationalStringLiteral(text) => text.clone(),
        Token::Word(word) => word.value.clone(),
        other => other.to_string(),
    }
}
