//! Cases of canonical texts, and what holds for any text.

use proptest::prelude::*;

use super::*;

/// Each line: what is written, what is canonical; `!` for a refusal.
fn check(logical_type: LogicalType, cases: &[(&str, &str)]) {
    for (written, expected) in cases {
        let found = canonical(logical_type, written);
        match (&found, *expected) {
            (Err(bad), "!") => assert_eq!(bad.logical_type, logical_type),
            (Ok(text), expected) if text == expected => {
                assert_eq!(canonical(logical_type, text).as_deref(), Ok(expected));
            }
            _ => panic!("{logical_type}: `{written}` gave {found:?} and not `{expected}`"),
        }
    }
}

#[test]
fn booleans() {
    check(
        LogicalType::Boolean,
        &[
            ("true", "true"),
            ("TRUE", "true"),
            ("t", "true"),
            ("1", "true"),
            ("Yes", "true"),
            ("f", "false"),
            ("0", "false"),
            (" no ", "false"),
            ("", "!"),
            ("2", "!"),
            ("on", "!"),
        ],
    );
}

#[test]
fn integers() {
    check(
        LogicalType::Integer,
        &[
            ("0", "0"),
            ("-0", "0"),
            ("+007", "7"),
            ("5.0", "5"),
            ("5.", "5"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("18446744073709551615", "18446744073709551615"),
            ("000000000000000000000000000000000000000000001", "1"),
            ("true", "1"),
            ("18446744073709551616", "!"),
            ("-9223372036854775809", "!"),
            ("5.5", "!"),
            ("1e3", "!"),
            ("NaN", "!"),
            ("0x10", "!"),
            ("1 000", "!"),
            ("1_000", "!"),
            ("-", "!"),
            (".", "!"),
            ("", "!"),
        ],
    );
}

#[test]
fn decimals() {
    check(
        LogicalType::Decimal,
        &[
            ("12.50", "12.5"),
            ("-0.00", "0"),
            (".5", "0.5"),
            ("5.", "5"),
            ("+007.10", "7.1"),
            ("1e20", "100000000000000000000"),
            ("1.5E-05", "0.000015"),
            ("-1.0e+2", "-100"),
            ("120", "120"),
            ("0e999999999", "0"),
            ("99999999999999999999999999999999999.999", "99999999999999999999999999999999999.999"),
            ("nan", "NaN"),
            ("inf", "Infinity"),
            ("-Infinity", "-Infinity"),
            ("1e1000", "!"),
            ("1e-1001", "!"),
            ("1e9999999999", "!"),
            ("1,5", "!"),
            ("$5", "!"),
            ("1.2.3", "!"),
            ("--1", "!"),
            ("e5", "!"),
            ("1e", "!"),
            ("\u{0663}", "!"),
        ],
    );
    let longest = "7".repeat(1_000);
    check(LogicalType::Decimal, &[(&longest, &longest), (&format!("{longest}7"), "!")]);
}

#[test]
fn doubles_are_printed_as_postgres_prints_them() {
    check(
        LogicalType::Float64,
        &[
            ("0.1", "0.1"),
            ("0.10000000000000001", "0.1"),
            ("0.1000000000000000055511151231257827", "0.1"),
            ("0.1000000000000000055511151231257828", "!"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("100000000000000000000", "1e+20"),
            ("0.00001", "1e-05"),
            ("0.0001", "0.0001"),
            ("123456789012345", "123456789012345"),
            ("999999999999999", "999999999999999"),
            ("1000000000000000", "1e+15"),
            ("1.0E+300", "1e+300"),
            ("4.94065645841247e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("-0.0", "-0"),
            ("-0e5", "-0"),
            ("5.0", "5"),
            ("nan", "NaN"),
            ("-inf", "-Infinity"),
            ("1e400", "!"),
            ("1e-400", "!"),
            ("12345678901234567890", "!"),
            ("abc", "!"),
            ("", "!"),
        ],
    );
}

#[test]
fn single_floats_take_what_32_bits_hold() {
    check(
        LogicalType::Float32,
        &[
            ("0.1", "0.1"),
            ("0.100000001", "0.1"),
            ("0.10000000149011612", "0.1"),
            ("0.30000000000000004", "!"),
            ("123456", "123456"),
            ("1000000", "1e+06"),
            ("16777216", "1.6777216e+07"),
            ("1630975.25", "1.6309752e+06"),
            ("3.4028235e38", "3.4028235e+38"),
            ("3.5e38", "!"),
            ("1e-45", "1e-45"),
            ("1e-46", "!"),
            ("-0", "-0"),
        ],
    );
}

#[test]
fn binary_texts() {
    check(
        LogicalType::Binary,
        &[
            ("", ""),
            ("\\x", ""),
            ("\\x00FF", "00ff"),
            ("0XAB", "ab"),
            ("00", "00"),
            ("abc", "!"),
            ("0x0", "!"),
            ("zz", "!"),
        ],
    );
}

#[test]
fn dates() {
    check(
        LogicalType::Date,
        &[
            ("2025-05-25", "2025-05-25"),
            ("5/25/2025", "2025-05-25"),
            ("2025-5-2", "2025-05-02"),
            ("2025-05-25 00:00:00.000", "2025-05-25"),
            ("2025-05-25T00:00:00Z", "2025-05-25"),
            ("0001-01-01", "0001-01-01"),
            ("9999-12-31", "9999-12-31"),
            ("2024-02-29", "2024-02-29"),
            ("0044-03-15 BC", "0044-03-15 BC"),
            ("0001-02-29 BC", "0001-02-29 BC"),
            ("4713-11-24 bc", "4713-11-24 BC"),
            ("Infinity", "infinity"),
            ("-infinity", "-infinity"),
            ("2025-02-29", "!"),
            ("0000-00-00", "!"),
            ("0000-01-01", "!"),
            ("10000-01-01", "!"),
            ("4714-01-01 BC", "!"),
            ("25/5/2025", "!"),
            ("5/25/25", "!"),
            ("2025-05-25 00:00:01", "!"),
            ("2025-05-25 00:00:00+02", "!"),
            ("20250525", "!"),
            ("1748131200", "!"),
            ("", "!"),
            ("BC", "!"),
        ],
    );
}

#[test]
fn times() {
    check(
        LogicalType::Time,
        &[
            ("10:30", "10:30:00"),
            ("10:30:00.500000", "10:30:00.5"),
            ("10:30:00.1234560", "10:30:00.123456"),
            ("24:00:00", "24:00:00"),
            ("24:00:00.0000000", "24:00:00"),
            ("10:30:00 AM", "10:30:00"),
            ("9:05:00 pm", "21:05:00"),
            ("12:00 AM", "00:00:00"),
            ("12:00:01PM", "12:00:01"),
            ("10:30:00.1234567", "!"),
            ("24:00:01", "!"),
            ("24:00:00.0000001", "!"),
            ("13:00 PM", "!"),
            ("838:59:59", "!"),
            ("-01:00:00", "!"),
            ("10:60:00", "!"),
            ("10:30:60", "!"),
            ("10:30:00+02", "!"),
            ("10:30:", "!"),
            ("10:30:00.", "!"),
            ("10", "!"),
        ],
    );
}

#[test]
fn timestamps() {
    check(
        LogicalType::Timestamp,
        &[
            ("2025-05-25 10:30:00", "2025-05-25 10:30:00"),
            ("2025-05-25T10:30:00.120000", "2025-05-25 10:30:00.12"),
            ("2025-05-25T10:30Z", "2025-05-25 10:30:00"),
            ("2025-05-25 10:30:00+00:00", "2025-05-25 10:30:00"),
            ("06/25/2025 10:30:00 AM", "2025-06-25 10:30:00"),
            ("2025-05-25", "2025-05-25 00:00:00"),
            ("2025-12-31 24:00:00", "2026-01-01 00:00:00"),
            ("0044-03-15 10:00:00.5 BC", "0044-03-15 10:00:00.5 BC"),
            ("infinity", "infinity"),
            ("2025-05-25 10:30:00+05:30", "!"),
            ("2025-05-25 10:30:00.0000001", "!"),
            ("9999-12-31 24:00:00", "!"),
            ("2025-05-25 10:30:00 Europe/Berlin", "!"),
            ("2025-05-25 ", "2025-05-25 00:00:00"),
            ("CURRENT_TIMESTAMP", "!"),
        ],
    );
}

#[test]
fn timestamps_with_zone() {
    check(
        LogicalType::TimestampTz,
        &[
            ("2025-05-25 10:30:00", "2025-05-25 10:30:00Z"),
            ("2025-05-25 10:30:00.5+05:30", "2025-05-25 05:00:00.5Z"),
            ("2025-12-31T23:00:00-0200", "2026-01-01 01:00:00Z"),
            ("2025-05-25 10:30:00.0000000 +02:00", "2025-05-25 08:30:00Z"),
            ("2025-05-25 10:30:00 AM +02", "2025-05-25 08:30:00Z"),
            ("2025-05-25 10:30:00 UTC", "2025-05-25 10:30:00Z"),
            ("1800-01-01 00:00:00+00:53:28", "1799-12-31 23:06:32Z"),
            ("0001-01-01 00:00:00+05:30", "0001-12-31 18:30:00Z BC"),
            ("0044-03-15 10:00:00+00 BC", "0044-03-15 10:00:00Z BC"),
            ("-infinity", "-infinity"),
            ("9999-12-31 23:00:00-05", "!"),
            ("4713-01-01 00:00:00+01 BC", "!"),
            ("2025-05-25 10:30:00+16", "!"),
            ("2025-05-25 10:30:00+5", "!"),
            ("2025-05-25 10:30:00+05:60", "!"),
            ("2025-05-25 10:30:00+\u{e9}", "!"),
        ],
    );
}

#[test]
fn uuids() {
    let uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";
    check(
        LogicalType::Uuid,
        &[
            (uuid, uuid),
            ("{0F8FAD5B-D9CB-469F-A165-70867728950E}", uuid),
            ("0f8fad5bd9cb469fa16570867728950e", uuid),
            ("0f8fad5bd-9cb-469f-a165-70867728950e", "!"),
            ("{0f8fad5b-d9cb-469f-a165-70867728950e", "!"),
            ("0f8fad5b", "!"),
            ("\u{e9}f8fad5bd9cb469fa16570867728950e", "!"),
        ],
    );
}

#[test]
fn json_documents() {
    check(
        LogicalType::Json,
        &[
            (r#" { "b" : 1.50, "a" : [ true, null ] } "#, r#"{"a":[true,null],"b":1.50}"#),
            (r#"{"a":{"z":1,"y":2}}"#, r#"{"a":{"y":2,"z":1}}"#),
            (r#"[{"b":1,"a":2}]"#, r#"[{"a":2,"b":1}]"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            (r#""\u00e9\u0000""#, "\"\u{e9}\\u0000\""),
            ("null", "null"),
            ("", "!"),
            ("{", "!"),
            ("1 2", "!"),
            ("NaN", "!"),
            (r#"{"$serde_json::private::Number":"1"}"#, "!"),
            (r#""\ud800""#, "!"),
        ],
    );
    check(LogicalType::Json, &[(&"[".repeat(1_000), "!")]);
}

#[test]
fn text_is_left_alone() {
    for text in ["", " a ", "O'Brien\\~\n\u{1f600}\0"] {
        assert_eq!(canonical(LogicalType::Text, text).as_deref(), Ok(text));
        assert_eq!(canonical(LogicalType::Enum, text).as_deref(), Ok(text));
    }
}

#[test]
fn stamps_have_26_characters_in_utc() {
    let cases = [
        ("2025-05-25 10:30:00", "2025-05-25 10:30:00.000000"),
        ("2025-05-25T10:30:00.1234569+02:00", "2025-05-25 08:30:00.123456"),
        ("06/25/2025 10:30:00 AM", "2025-06-25 10:30:00.000000"),
        ("2025-05-25", "2025-05-25 00:00:00.000000"),
    ];
    for (written, expected) in cases {
        assert_eq!(stamp(written).as_deref(), Ok(expected));
        assert_eq!(stamp(expected).as_deref(), Ok(expected));
    }
    for refused in ["infinity", "0044-03-15 10:00:00 BC", "1748131200", "", "now"] {
        assert!(stamp(refused).is_err(), "{refused}");
    }
}

#[test]
fn a_refusal_does_not_show_the_value() {
    let bad = canonical(LogicalType::Integer, "4111-secret").unwrap_err();
    assert_eq!(
        bad.to_string(),
        "not a valid integer value: a whole number of at most 64 bits is expected"
    );
}

/// Texts that come close to being values.
fn near_value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-+]?[0-9]{0,20}[.]?[0-9]{0,20}(e[-+]?[0-9]{1,3})?",
        "[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4}\
         ([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?)?\
         ( ?(AM|PM))?(Z|[-+][0-9]{2}(:?[0-9]{2})?)?( BC)?",
        "[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,8})?)?( AM| PM)?",
        "(\\\\x|0x)?[0-9a-fA-F]{0,40}",
        "[\\[{]?(\"[a-z]{0,3}\":)?[0-9a-z\"\\[\\]{}:, ]{0,20}[\\]}]?",
        any::<f64>().prop_map(|number| number.to_string()),
        any::<f32>().prop_map(|number| format!("{number:e}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_canonical_text_gives_itself(text in near_value()) {
        for logical_type in LogicalType::ALL {
            if let Ok(once) = canonical(logical_type, &text) {
                prop_assert_eq!(canonical(logical_type, &once), Ok(once));
            }
        }
        if let Ok(once) = stamp(&text) {
            prop_assert_eq!(once.len(), 26);
            prop_assert_eq!(stamp(&once), Ok(once));
        }
    }

    #[test]
    fn every_float_comes_back_bit_by_bit(bits in any::<u64>()) {
        let (double, single) = (f64::from_bits(bits), f32::from_bits((bits >> 32) as u32));
        if double.is_finite() {
            for text in [format!("{double}"), format!("{double:e}"), format!("{double:.16e}")] {
                let back: f64 = canonical(LogicalType::Float64, &text).unwrap().parse().unwrap();
                prop_assert_eq!(back.to_bits(), double.to_bits());
            }
        }
        if single.is_finite() {
            let widened = f64::from(single).to_string();
            for text in [single.to_string(), format!("{single:.8e}"), widened] {
                let back: f32 = canonical(LogicalType::Float32, &text).unwrap().parse().unwrap();
                prop_assert_eq!(back.to_bits(), single.to_bits());
            }
        }
    }

    #[test]
    fn decimals_keep_every_digit(whole in "[1-9][0-9]{0,60}", fraction in "[0-9]{0,60}[1-9]") {
        let text = format!("-{whole}.{fraction}");
        prop_assert_eq!(canonical(LogicalType::Decimal, &format!("{text}000")), Ok(text));
    }
}
