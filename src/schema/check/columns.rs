//! Columns: their types, the last update, names that sound secret.

use super::{Finding, Followed, Severity, Subject};
use crate::model::{Column, LogicalType};

/// Words of column names that sound like something not to be copied.
const SECRET_WORDS: [&str; 16] = [
    "cvc",
    "cvv",
    "iban",
    "otp",
    "passphrase",
    "passwd",
    "password",
    "pin",
    "pwd",
    "salt",
    "secret",
    "ssn",
    "token",
    "passwort",
    "credential",
    "credentials",
];

/// The same in several words, joined by `_`.
const SECRET_PHRASES: [&str; 8] = [
    "access_key",
    "api_key",
    "card_number",
    "credit_card",
    "private_key",
    "social_security",
    "tax_id",
    "account_number",
];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for followed in &subject.followed {
        for column in followed.written() {
            findings.extend(unmappable(subject, followed, column));
            findings.extend(secret(subject, followed, column));
        }
        findings.extend(last_update(subject, followed));
    }
}

fn unmappable(subject: &Subject<'_>, followed: &Followed<'_>, column: &Column) -> Option<Finding> {
    let policy = followed.options.policy(&column.name);
    let is_left_out = policy.is_left_out();
    if column.logical_type.is_some() || is_left_out {
        return None;
    }
    let name = &followed.table.name;
    let finding = Finding::new(
        "unmappable-type",
        Severity::Error,
        match subject.config.schema_brand().dialect().refusal(&column.native_type) {
            Some(why) => format!(
                "column `{name}.{}` has the type `{}`, which is not carried: {why}",
                column.name, column.native_type
            ),
            None => format!(
                "column `{name}.{}` has the type `{}`, which nothing maps",
                column.name, column.native_type
            ),
        },
        "give the column the policy `ignore` or `forbid`, or another type",
    );
    Some(finding.at(subject.column_place(followed, column)).table(name).column(&column.name))
}

fn secret(subject: &Subject<'_>, followed: &Followed<'_>, column: &Column) -> Option<Finding> {
    let has_policy = followed.options.columns.contains_key(&column.name);
    if has_policy || followed.is_key(&column.name) || !looks_secret(&column.name) {
        return None;
    }
    let name = &followed.table.name;
    let finding = Finding::new(
        "secret-column",
        Severity::Warning,
        format!("column `{name}.{}` sounds like a secret and is captured", column.name),
        "give it a policy under `columns`: `ignore`, `hash`, `mask` or `forbid`; or `capture`, \
         when it may travel",
    );
    Some(finding.at(subject.column_place(followed, column)).table(name).column(&column.name))
}

/// Whether a column's name sounds like something not to be copied: a password, a card number.
#[must_use]
pub fn looks_secret(column: &str) -> bool {
    let words = words(column);
    let has_word = |word: &str| words.iter().any(|found| found == word);
    let joined = format!("_{}_", words.join("_"));
    SECRET_WORDS.iter().any(|word| has_word(word))
        || SECRET_PHRASES.iter().any(|phrase| joined.contains(&format!("_{phrase}_")))
}

/// `cardNumber`, `CARD_NUMBER` and `card number` are the words `card` and `number`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        let begins = !letter.is_alphanumeric() || (was_lower && letter.is_uppercase());
        if begins {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        was_lower = letter.is_lowercase() || letter.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn last_update(subject: &Subject<'_>, followed: &Followed<'_>) -> Option<Finding> {
    let Followed { table, options, .. } = followed;
    let name = &table.name;
    let Some(option) = &options.last_update else {
        let finding = Finding::new(
            "no-last-update",
            Severity::Info,
            format!("table `{name}` has no last-update column, so the time of capture counts"),
            "name the column under `last_update`, where the application keeps one",
        );
        return Some(finding.at(subject.place(followed)).table(name));
    };
    let column = table.column(option)?;
    let finding = match column.logical_type? {
        LogicalType::TimestampTz => return None,
        LogicalType::Timestamp => Finding::new(
            "naive-last-update",
            Severity::Info,
            format!("`{name}.{option}` has no time zone: its values are taken as UTC"),
            "let the application write UTC, or use a type with a time zone",
        ),
        other => Finding::new(
            "last-update-type",
            Severity::Warning,
            format!("`{name}.{option}` is a {other} and no timestamp: it cannot say what is newer"),
            "name a timestamp column under `last_update`, or none",
        ),
    };
    let place = subject.option_place(followed, "last_update", option);
    Some(finding.at(place).table(name).column(option))
}

#[cfg(test)]
mod tests {
    use super::looks_secret;

    #[test]
    fn secrets_are_known_by_whole_words() {
        for name in ["password", "userPassword", "API_KEY", "card number", "iban", "reset-token"] {
            assert!(looks_secret(name), "{name}");
        }
        for name in ["pinned", "tokenizer_id", "spin", "keyboard", "card", "secretary", ""] {
            assert!(!looks_secret(name), "{name}");
        }
    }
}
