//! The one text of a value, whatever brand or application wrote it.

mod moment;
mod number;

use super::LogicalType;

/// A text that is no value of its type. The text itself is not in the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {logical_type} value: {expected}")]
pub struct BadValue {
    /// The type that was asked for.
    pub logical_type: LogicalType,
    /// What would be a value.
    pub expected: &'static str,
}

/// The canonical text of a value that a brand, or an application, wrote in its own form.
///
/// Which forms are canonical stands at [`LogicalType`]'s variants. The same value always gives
/// the same text, a canonical text gives itself, and no value is altered to make it fit: what
/// the canonical form cannot hold is an error. Blanks around anything but text and labels do
/// not count. Accepted besides the canonical form are:
///
/// - boolean: `t`, `f`, `1`, `0`, `yes`, `no` in any letter case;
/// - integer: a plus sign, leading zeros, a fraction of zeros, and `true` or `false`, since a
///   brand without booleans keeps them in integers;
/// - decimal and floats: exponents, leading and trailing zeros, `inf`; for floats up to 9 (32
///   bits) or 17 digits (64 bits), which is what printing such a number needs, and more digits
///   only where they are those of the very number;
/// - binary: upper case, the prefixes `\x` and `0x`;
/// - date: `M/D/YYYY`, and a timestamp at midnight;
/// - time: `HH:MM`, `AM` and `PM`, zeros beyond microseconds;
/// - timestamps: the forms of date and time with a blank or `T` between them, a date alone; an
///   offset such as `+05:30`, which for a timestamp of no zone has to be zero, while no offset
///   at all means UTC; `24:00` is the next day's midnight;
/// - uuid: upper case, braces, no dashes;
/// - json: any layout; the last of duplicate keys counts, as PostgreSQL and MySQL have it.
///
/// # Errors
/// When the text is no value of the type.
pub fn canonical(logical_type: LogicalType, text: &str) -> Result<String, BadValue> {
    let trimmed = text.trim_matches(|letter: char| letter.is_ascii_whitespace());
    let (found, expected) = match logical_type {
        LogicalType::Text | LogicalType::Enum | LogicalType::Verbatim => {
            return Ok(text.to_owned());
        }
        LogicalType::Boolean => (boolean(trimmed), "`true` or `false` is expected"),
        LogicalType::Integer => (number::integer(trimmed), number::INTEGER),
        LogicalType::Decimal => (number::decimal(trimmed), number::DECIMAL),
        LogicalType::Float32 => (number::float32(trimmed), number::FLOAT32),
        LogicalType::Float64 => (number::float64(trimmed), number::FLOAT64),
        LogicalType::Binary => {
            (binary(trimmed), "an even number of hexadecimal digits is expected")
        }
        LogicalType::Date => (moment::date(trimmed), moment::DATE),
        LogicalType::Time => (moment::time(trimmed), moment::TIME),
        LogicalType::Timestamp => (moment::timestamp(trimmed), moment::TIMESTAMP),
        LogicalType::TimestampTz => (moment::timestamptz(trimmed), moment::TIMESTAMPTZ),
        LogicalType::Uuid => (uuid(trimmed), "32 hexadecimal digits, `8-4-4-4-12`, are expected"),
        LogicalType::Json => {
            (json(trimmed), "a JSON document of at most 127 levels and of one value is expected")
        }
    };
    found.ok_or(BadValue { logical_type, expected })
}

/// [`canonical`] of a text that is given away: where it is canonical as it is, it is not copied.
///
/// # Errors
/// As [`canonical`].
pub fn into_canonical(logical_type: LogicalType, text: String) -> Result<String, BadValue> {
    match logical_type {
        LogicalType::Text | LogicalType::Enum | LogicalType::Verbatim => Ok(text),
        _ => canonical(logical_type, &text),
    }
}

/// A change's stamp: exactly `YYYY-MM-DD HH:MM:SS.ffffff`, UTC, 26 characters, so that the
/// order of stamps is the order of their texts.
///
/// Takes every form that [`canonical`] takes for a timestamp with zone. What is finer than
/// microseconds is cut off: a stamp orders changes, and ties are decided by origin and id.
///
/// # Errors
/// When the text is no moment of the years 1 to 9999.
pub fn stamp(text: &str) -> Result<String, BadValue> {
    moment::stamp(text.trim())
        .ok_or(BadValue { logical_type: LogicalType::TimestampTz, expected: moment::STAMP })
}

fn boolean(text: &str) -> Option<String> {
    const TRUE: [&str; 4] = ["true", "t", "1", "yes"];
    const FALSE: [&str; 4] = ["false", "f", "0", "no"];
    let is_one_of = |words: [&str; 4]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_one_of(TRUE) {
        Some("true".to_owned())
    } else {
        is_one_of(FALSE).then(|| "false".to_owned())
    }
}

fn binary(text: &str) -> Option<String> {
    let digits = ["\\x", "0x", "0X"].iter().find_map(|prefix| text.strip_prefix(prefix));
    let digits = digits.unwrap_or(text);
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    (is_hex && digits.len().is_multiple_of(2)).then(|| digits.to_ascii_lowercase())
}

fn uuid(text: &str) -> Option<String> {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let inside = text.strip_prefix('{').map_or(Some(text), |rest| rest.strip_suffix('}'))?;
    let has_dashes = inside.len() == 36;
    let mut digits = String::with_capacity(32);
    for (index, letter) in inside.char_indices() {
        match letter {
            '-' if has_dashes && DASHES.contains(&index) => {}
            _ if letter.is_ascii_hexdigit() => digits.push(letter.to_ascii_lowercase()),
            _ => return None,
        }
    }
    if digits.len() != 32 {
        return None;
    }
    let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
    Some(format!("{a}-{b}-{c}-{}-{}", &digits[16..20], &digits[20..]))
}

fn json(text: &str) -> Option<String> {
    /// The key under which `serde_json` hides a number's text from itself: an object that has it
    /// would be read as a number, so it is refused.
    const NUMBER_KEY: &str = "$serde_json::private::Number";
    if text.contains(NUMBER_KEY) {
        return None;
    }
    let mut document: serde_json::Value = serde_json::from_str(text).ok()?;
    document.sort_all_objects();
    Some(document.to_string())
}

#[cfg(test)]
mod tests;
