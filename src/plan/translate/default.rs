//! A column's default in another brand's words.

use crate::dialect::Dialect;
use crate::model::{LogicalType as T, canonical};

/// The default for another brand; `None` where it is more than a literal or the present moment.
pub(super) fn carried(default: &str, logical: T, from: &Dialect, to: &Dialect) -> Option<String> {
    let word = without_precision(&default.to_lowercase());
    let is_moment = from.translate.moments.contains(&word);
    if is_moment || (from.translate.days.contains(&word) && logical == T::Date) {
        return to.translate.now.get(&logical).cloned();
    }
    let (text, is_quoted) = literal(default)?;
    // What a backslash stands for is decided when the text is read, and it is not known here.
    if from.literal.escapes_backslash && text.contains('\\') {
        return None;
    }
    match logical {
        T::Boolean => {
            let (no, yes) = &to.translate.booleans;
            match text.to_lowercase().as_str() {
                "true" | "t" | "1" => Some(yes.clone()),
                "false" | "f" | "0" => Some(no.clone()),
                _ => None,
            }
        }
        T::Integer | T::Decimal | T::Float32 | T::Float64 => {
            let number = canonical(logical, &text).ok()?;
            number
                .starts_with(|first: char| first == '-' || first.is_ascii_digit())
                .then_some(number)
        }
        T::Text | T::Enum | T::Uuid | T::Json | T::Verbatim => {
            let is_word = !is_quoted && matches!(text.to_lowercase().as_str(), "true" | "false");
            (!is_word).then(|| to.text_literal(&text))
        }
        T::Date | T::Time | T::Timestamp if is_quoted => {
            let text = canonical(logical, &text).ok()?;
            let is_plain = text.starts_with(|first: char| first.is_ascii_digit())
                && !text.ends_with("BC")
                && !text.starts_with("0000");
            is_plain.then(|| to.text_literal(&text))
        }
        _ => None,
    }
}

/// The present moment with as many digits as its column has: MySQL takes no other.
pub(super) fn as_precise(default: String, declared: &str) -> String {
    let digits = declared.find('(').map_or("", |at| &declared[at..]);
    match default.strip_suffix("(6)") {
        Some(name) => format!("{name}{digits}"),
        None => default,
    }
}

/// `CURRENT_TIMESTAMP(6)` without its digits.
fn without_precision(word: &str) -> String {
    let precise = word.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    match precise {
        Some((name, digits)) if digits.parse::<u8>().is_ok() => name.to_owned(),
        _ => word.to_owned(),
    }
}

/// The text of a literal, and whether it stands in quotes.
fn literal(default: &str) -> Option<(String, bool)> {
    let quoted = default.strip_prefix(['N', 'n']).filter(|rest| rest.starts_with('\''));
    let inside =
        quoted.unwrap_or(default).strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    if let Some(inside) = inside {
        // A quote that is not doubled ends the literal: there is more than one.
        let is_one = !inside.replace("''", "").contains('\'');
        return is_one.then(|| (inside.replace("''", "'"), true));
    }
    let is_word = ["true", "false"].contains(&default.to_lowercase().as_str());
    let is_number = canonical(T::Float64, default).is_ok()
        && default.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    (is_word || is_number).then(|| (default.to_owned(), false))
}

#[cfg(test)]
mod tests {
    use super::{T, as_precise, carried};
    use crate::dialect::Brand::{self, Mysql, Postgres, SqlServer, Sqlite};

    #[test]
    fn a_moment_has_the_digits_of_its_column() {
        let now = || "CURRENT_TIMESTAMP(6)".to_owned();
        assert_eq!(as_precise(now(), "datetime(6)"), "CURRENT_TIMESTAMP(6)");
        assert_eq!(as_precise(now(), "timestamp(3)"), "CURRENT_TIMESTAMP(3)");
        assert_eq!(as_precise(now(), "datetime"), "CURRENT_TIMESTAMP");
        assert_eq!(as_precise("'a(6)'".to_owned(), "varchar(9)"), "'a(6)'");
    }

    #[test]
    fn literals_and_the_present_moment_are_carried_and_nothing_else() {
        for (from, default, logical, to, expected) in [
            (Postgres, "'it''s'", T::Text, SqlServer, Some("N'it''s'")),
            (SqlServer, "N'x'", T::Text, Sqlite, Some("'x'")),
            (Postgres, "'a\\b'", T::Text, Mysql, Some("'a\\\\b'")),
            (Mysql, "'a\\b'", T::Text, Postgres, None),
            (Postgres, "'a' || 'b'", T::Text, Sqlite, None),
            (Postgres, "CURRENT_USER", T::Text, Sqlite, None),
            (Sqlite, "1", T::Text, Postgres, Some("'1'")),
            (Postgres, "true", T::Boolean, SqlServer, Some("1")),
            (SqlServer, "0", T::Boolean, Postgres, Some("false")),
            (Postgres, "-7.5", T::Decimal, Mysql, Some("-7.5")),
            (Postgres, "'NaN'", T::Decimal, Sqlite, None),
            (Postgres, "1 + 2", T::Integer, Sqlite, None),
            (Postgres, "now()", T::TimestampTz, SqlServer, Some("SYSDATETIMEOFFSET()")),
            (Mysql, "CURRENT_TIMESTAMP(6)", T::Timestamp, Postgres, Some("CURRENT_TIMESTAMP")),
            (SqlServer, "getdate()", T::Timestamp, Mysql, Some("CURRENT_TIMESTAMP(6)")),
            (Sqlite, "datetime('now')", T::Text, Postgres, None),
            (Postgres, "CURRENT_DATE", T::Date, Mysql, Some("(CURRENT_DATE)")),
            (Postgres, "now() + '1 day'", T::Timestamp, Sqlite, None),
            (Mysql, "'2020-01-02 00:00:00'", T::Timestamp, Sqlite, Some("'2020-01-02 00:00:00'")),
            (Mysql, "'0000-00-00'", T::Date, Postgres, None),
            (Sqlite, "X'00ff'", T::Binary, Postgres, None),
        ] {
            let (one, other): (Brand, Brand) = (from, to);
            let found = carried(default, logical, one.dialect(), other.dialect());
            assert_eq!(found.as_deref(), expected, "{from} {default} as {logical} on {to}");
        }
    }
}
