//! Whether a column of this node keeps a canonical value as it is.
//!
//! Databases cut, round and pad in silence: a value that would be altered is refused here, by
//! the name of the column, before it reaches one.

use super::target::TargetColumn;
use crate::dialect::{Dialect, Fit};
use crate::model::{LogicalType, canonical};

/// What of a canonical text the column would not keep, as the end of a sentence about the value.
pub(super) fn misfit(dialect: &Dialect, column: &TargetColumn, text: &str) -> Option<String> {
    let native = &column.native_type;
    if !dialect.can.hold_nul && text.contains('\0') {
        return Some(format!("has the character U+0000, which {} refuses", dialect.title));
    }
    let is_number = matches!(
        column.logical_type,
        LogicalType::Decimal | LogicalType::Float32 | LogicalType::Float64
    );
    if is_number
        && !dialect.can.hold_not_a_number
        && matches!(text, "NaN" | "Infinity" | "-Infinity")
    {
        return Some(format!("is not a finite number, which {} refuses", dialect.title));
    }
    if !survives_other_type(column, text) {
        return Some(format!("does not come back the same from `{native}`"));
    }
    let lost = lost_by(column.storage.fit?, column.logical_type, text)?;
    Some(lost.replace("{native}", native))
}

/// Where a node's column has another meaning than the configuration's schema, the value has to
/// come through that type unchanged: a number in a column of dates cannot.
fn survives_other_type(column: &TargetColumn, text: &str) -> bool {
    let Some(found) = column.storage.logical_type else { return true };
    let is_opaque = matches!(
        found,
        LogicalType::Text
            | LogicalType::Binary
            | LogicalType::Json
            | LogicalType::Enum
            | LogicalType::Verbatim
    );
    if is_opaque || found == column.logical_type {
        return true;
    }
    let there = canonical(found, text);
    let back = there.and_then(|there| canonical(column.logical_type, &there));
    back.as_deref() == Ok(text)
}

fn lost_by(fit: Fit, logical_type: LogicalType, text: &str) -> Option<&'static str> {
    const LONG: &str = "is longer than `{native}` takes";
    let is_longer = |length: Option<u32>, found: usize| {
        length.is_some_and(|length| usize::try_from(length).is_ok_and(|length| found > length))
    };
    match fit {
        Fit::Characters(length) => is_longer(length, text.chars().count()).then_some(LONG),
        Fit::Padded(length) if is_longer(length, text.chars().count()) => Some(LONG),
        Fit::Padded(_) => {
            text.ends_with(' ').then_some("ends in blanks, which `{native}` does not keep")
        }
        Fit::Bytes(length) => is_longer(length, text.len()).then_some(LONG),
        Fit::Filled(length) => {
            let length = length.and_then(|length| usize::try_from(length).ok());
            (length.is_some_and(|length| text.len() != 2 * length))
                .then_some("has another length than `{native}` has")
        }
        Fit::Digits(Some((precision, scale))) => {
            let decimal = canonical(LogicalType::Decimal, text).ok()?;
            has_more_digits(&decimal, precision, scale)
                .then_some("has more digits than `{native}` keeps")
        }
        Fit::Fraction(Some(digits)) => is_longer(Some(digits), fraction(logical_type, text).len())
            .then_some("has a finer time than `{native}` keeps"),
        Fit::Ticks => {
            let fraction = fraction(logical_type, text);
            let is_kept = fraction.len() < 3 || matches!(fraction.as_bytes(), [_, _, b'3' | b'7']);
            (!is_kept).then_some("has a finer time than `{native}` keeps")
        }
        Fit::Minutes => {
            let has_seconds = text.get(16..19).is_some_and(|seconds| seconds != ":00");
            (has_seconds || !fraction(logical_type, text).is_empty())
                .then_some("has a finer time than `{native}` keeps")
        }
        Fit::Range(least, greatest) => {
            let number: i128 = text.parse().ok()?;
            (!(least..=greatest).contains(&number)).then_some("is out of the range of `{native}`")
        }
        Fit::Digits(None) | Fit::Floating | Fit::Fraction(None) => None,
    }
}

/// Whether a plain decimal needs a digit beyond `scale` places after the point, or before its
/// `precision - scale` places before it; both may be negative.
fn has_more_digits(decimal: &str, precision: i64, scale: i64) -> bool {
    let unsigned = decimal.strip_prefix('-').unwrap_or(decimal);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        // NaN and infinities: the database says whether it takes them.
        return false;
    }
    let count = |digits: &str| i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let leading = whole.trim_start_matches('0');
    let top = if leading.is_empty() {
        count(fraction.trim_start_matches('0')) - count(fraction)
    } else {
        count(leading)
    };
    let bottom = if fraction.is_empty() {
        count(whole.trim_end_matches('0')) - count(whole)
    } else {
        count(fraction)
    };
    let is_zero = leading.is_empty() && fraction.is_empty();
    !is_zero && (top > precision - scale || bottom > scale)
}

/// The digits of a second's fraction, in an interval too; empty for what is no time.
fn fraction(logical_type: LogicalType, text: &str) -> &str {
    let is_time = matches!(
        logical_type,
        LogicalType::Time
            | LogicalType::Timestamp
            | LogicalType::TimestampTz
            | LogicalType::Verbatim
    );
    let after = text.split_once('.').filter(|_| is_time).map_or("", |(_, after)| after);
    let end = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
    &after[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Brand;
    use crate::import::target::Storage;

    /// Each line: brand, logical type, native type, value, what the reason has to say (or `""`).
    type Line = (Brand, LogicalType, &'static str, &'static str, &'static str);

    fn check(lines: &[Line]) {
        for (brand, logical_type, native, text, expected) in lines {
            let column = TargetColumn {
                is_nullable: true,
                policy: "capture",
                name: "c".to_owned(),
                logical_type: *logical_type,
                is_identity: false,
                native_type: (*native).to_owned(),
                storage: Storage::of(*brand, native),
            };
            assert_eq!(canonical(*logical_type, text).as_deref(), Ok(*text), "not canonical");
            let found = misfit(brand.dialect(), &column, text).unwrap_or_default();
            let is_right = found.contains(expected) && found.is_empty() == expected.is_empty();
            assert!(is_right, "{brand} {native} `{text}`: `{found}` and not `{expected}`");
        }
    }

    use Brand::{Mysql, Postgres, SqlServer, Sqlite};
    use LogicalType::{
        Binary, Boolean, Date, Decimal, Float32, Float64, Integer, Text, Time, Timestamp,
        TimestampTz, Uuid, Verbatim,
    };

    #[test]
    fn texts_are_neither_cut_nor_trimmed() {
        check(&[
            (Postgres, Text, "varchar(3)", "größ", "longer than `varchar(3)`"),
            (Postgres, Text, "varchar(4)", "größ", ""),
            (Postgres, Text, "varchar(1)", "\u{1f600}", ""),
            // By the SQL standard blanks beyond the length are cut in silence.
            (Postgres, Text, "varchar(2)", "a  ", "longer"),
            (Postgres, Text, "varchar(3)", "a  ", ""),
            (Postgres, Text, "char(3)", "a ", "ends in blanks"),
            (Postgres, Text, "char(3)", "abc", ""),
            (Postgres, Text, "char", "ab", "longer"),
            (Postgres, Text, "text", "a  ", ""),
            (Postgres, Text, "name", "ä".repeat(32).leak(), "longer"),
            (Postgres, Text, "text", "a\0b", "U+0000"),
            (Sqlite, Text, "varchar(3)", "größer\0", ""),
            (SqlServer, Text, "nvarchar(max)", "größer", ""),
            (SqlServer, Text, "nchar(2)", "a ", "blanks"),
            (Mysql, Text, "varchar(2)", "a  ", "longer"),
        ]);
    }

    #[test]
    fn numbers_are_not_rounded() {
        check(&[
            (Postgres, Decimal, "numeric(10,2)", "12345678.91", ""),
            (Postgres, Decimal, "numeric(10,2)", "-123456789.9", "more digits"),
            (Postgres, Decimal, "numeric(10,2)", "0.005", "more digits"),
            (Postgres, Decimal, "numeric(10,2)", "0", ""),
            (Postgres, Decimal, "numeric(10,2)", "NaN", ""),
            (Postgres, Decimal, "numeric(3)", "999", ""),
            (Postgres, Decimal, "numeric(3)", "99.5", "more digits"),
            (Postgres, Decimal, "numeric(3,-2)", "99900", ""),
            (Postgres, Decimal, "numeric(3,-2)", "99950", "more digits"),
            (Postgres, Decimal, "numeric(3,-2)", "100000", "more digits"),
            (Postgres, Decimal, "numeric(2,4)", "0.0099", ""),
            (Postgres, Decimal, "numeric(2,4)", "0.01", "more digits"),
            (Postgres, Decimal, "numeric", "0.00000000000000000000000001", ""),
            (Mysql, Decimal, "decimal", "1.5", "more digits"),
            (Mysql, Float64, "double(8,2)", "0.125", "more digits"),
            (Mysql, Float64, "double", "1e-05", ""),
            (SqlServer, Decimal, "money", "1.00005", "more digits"),
            (Sqlite, Decimal, "decimal(10,2)", "0.005", ""),
            (Postgres, Integer, "smallint", "32768", "range"),
            (Postgres, Integer, "smallint", "-32768", ""),
            (Postgres, Integer, "bigint", "18446744073709551615", "range"),
            (Mysql, Integer, "tinyint unsigned", "-1", "range"),
            (Mysql, Integer, "bigint unsigned", "18446744073709551615", ""),
            (Mysql, Boolean, "tinyint(1)", "true", ""),
            (SqlServer, Integer, "tinyint", "255", ""),
        ]);
    }

    #[test]
    fn times_keep_their_fraction() {
        check(&[
            (Postgres, Timestamp, "timestamp(3)", "2025-01-01 10:00:00.123", ""),
            (Postgres, Timestamp, "timestamp(3)", "2025-01-01 10:00:00.1234", "finer"),
            (Postgres, Timestamp, "timestamp(0)", "2025-01-01 10:00:00.5", "finer"),
            (Postgres, Timestamp, "timestamp(0)", "infinity", ""),
            (Postgres, Timestamp, "timestamp", "2025-01-01 10:00:00.123456", ""),
            (Postgres, TimestampTz, "timestamp(0) with time zone", "2025-01-01 10:00:00.5Z", "fin"),
            (Postgres, Time, "time(0)", "10:00:00", ""),
            (Postgres, Verbatim, "interval(0)", "1 day 00:00:00.5", "finer"),
            (Postgres, Verbatim, "interval day to second(1)", "1 day 00:00:00.5", ""),
            (Postgres, Verbatim, "timetz(0)", "10:00:00.5+02", "finer"),
            (Postgres, Verbatim, "varchar(1)[]", "{abc}", ""),
            (Sqlite, Verbatim, "text", "{abc}", ""),
            (Postgres, Time, "time(2)", "10:00:00.123", "finer"),
            (Mysql, Timestamp, "datetime", "2025-01-01 10:00:00.5", "finer"),
            (Mysql, Timestamp, "datetime(6)", "2025-01-01 10:00:00.123456", ""),
            (SqlServer, Timestamp, "datetime", "2025-01-01 10:00:00.123", ""),
            (SqlServer, Timestamp, "datetime", "2025-01-01 10:00:00.5", ""),
            (SqlServer, Timestamp, "datetime", "2025-01-01 10:00:00.124", "finer"),
            (SqlServer, Timestamp, "datetime", "2025-01-01 10:00:00.123456", "finer"),
            (SqlServer, Timestamp, "smalldatetime", "2025-01-01 10:01:00", ""),
            (SqlServer, Timestamp, "smalldatetime", "2025-01-01 10:01:01", "finer"),
        ]);
    }

    #[test]
    fn binaries_are_not_filled_up() {
        check(&[
            (Mysql, Binary, "binary(2)", "00ff", ""),
            (Mysql, Binary, "binary(2)", "00", "another length"),
            (Mysql, Binary, "varbinary(2)", "00", ""),
            (Postgres, Binary, "bytea", "", ""),
        ]);
    }

    #[test]
    fn a_column_of_another_meaning_takes_only_what_comes_back_the_same() {
        check(&[
            (Postgres, Float64, "real", "0.1", ""),
            (Postgres, Float64, "real", "0.30000000000000004", "does not come back"),
            (Postgres, Decimal, "integer", "5.5", "does not come back"),
            (Postgres, Timestamp, "date", "2025-01-01 00:00:00", ""),
            (Postgres, Timestamp, "date", "2025-01-01 10:00:00", "does not come back"),
            (Postgres, Text, "integer", "007", "does not come back"),
            (Postgres, Text, "uuid", "0F8FAD5B-D9CB-469F-A165-70867728950E", "does not come back"),
            (Mysql, Uuid, "char(36)", "0f8fad5b-d9cb-469f-a165-70867728950e", ""),
            (SqlServer, TimestampTz, "datetime2(6)", "2025-01-01 10:00:00.5Z", ""),
            (Sqlite, Boolean, "integer", "true", ""),
            (Postgres, Float32, "real", "1e+06", ""),
            (Postgres, Date, "text", "2025-01-01", ""),
        ]);
    }
}
