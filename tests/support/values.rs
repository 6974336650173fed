//! Canonical texts to send through databases: edge cases, then random ones.

use outrigger::model::{LogicalType, canonical};

#[path = "verbatim.rs"]
pub(crate) mod verbatim;

/// How many random values follow the edge cases.
const RANDOM: usize = 40;

/// Values of a type in canonical text, `None` being NULL: the edge cases, which are always the
/// same, then random values that depend on the seed alone. Every one is a value on the brand
/// that holds most; what a brand cannot hold stands in its dialect file's `limits`.
pub(crate) fn samples(logical: LogicalType, seed: u64) -> Vec<Option<String>> {
    let mut random = Random::new(seed ^ (logical as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut texts: Vec<String> = edges(logical);
    texts.extend((0..RANDOM).map(|_| random.value(logical)));
    let canonical = |text: String| canonical(logical, &text).expect("a sample is a value");
    std::iter::once(None).chain(texts.into_iter().map(canonical).map(Some)).collect()
}

fn edges(logical: LogicalType) -> Vec<String> {
    let fixed: &[&str] = match logical {
        LogicalType::Boolean => &["true", "false"],
        LogicalType::Integer => INTEGERS,
        LogicalType::Decimal => DECIMALS,
        LogicalType::Float32 => FLOATS_32,
        LogicalType::Float64 => FLOATS_64,
        LogicalType::Text => TEXTS,
        LogicalType::Binary => &["", "00", "ff", "000000", "deadbeef", "27275c007e0a", "c3a9"],
        LogicalType::Date => DATES,
        LogicalType::Time => TIMES,
        LogicalType::Timestamp => TIMESTAMPS,
        LogicalType::TimestampTz => TIMESTAMPS_TZ,
        LogicalType::Uuid => UUIDS,
        LogicalType::Json => DOCUMENTS,
        LogicalType::Enum => &["new", "O'Brien", "größe", "two words"],
        LogicalType::Verbatim => verbatim::TEXT_ARRAYS,
    };
    let mut all: Vec<String> = fixed.iter().map(|text| (*text).to_owned()).collect();
    match logical {
        LogicalType::Text => all.push("a megabyte, ä~'\\\n".repeat(55_189)),
        LogicalType::Binary => all.push("00ff277e".repeat(262_144)),
        LogicalType::Json => all.push(format!("{{\"k\":\"{}\"}}", "long ä'".repeat(1_000))),
        _ => {}
    }
    all
}

/// A text in quotes, before which and before a backslash a backslash stands.
struct Quoted<'a>(&'a str);

impl std::fmt::Debug for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

const INTEGERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "127",
    "-128",
    "255",
    "32767",
    "-32768",
    "65535",
    "2147483647",
    "-2147483648",
    "4294967295",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
];

const DECIMALS: &[&str] = &[
    "0",
    "1",
    "-1",
    "0.1",
    "-12.5",
    "0.00001",
    "100000000000000000000",
    "123456789012345",
    "0.123456789012345",
    "0.30000000000000004",
    "0.10000000000000001",
    "9007199254740993",
    "9223372036854775807",
    "99999999999999999999999999999999999999",
    "-9999999999999999999999999999.9999999999",
    "0.00000000000000000000000000000000000001",
    "12345678901234567890.123456789012345678",
    "NaN",
    "Infinity",
    "-Infinity",
];

const FLOATS_32: &[&str] = &[
    "0",
    "-0",
    "0.1",
    "-1.5",
    "123456",
    "1e+06",
    "1.6777216e+07",
    "3.4028235e+38",
    "1.1754944e-38",
    "1e-45",
    "0.0001",
    "1e-05",
    "NaN",
    "Infinity",
    "-Infinity",
];

const FLOATS_64: &[&str] = &[
    "0",
    "-0",
    "0.1",
    "0.30000000000000004",
    "-1.5",
    "123456789012345",
    "999999999999999.9",
    "1e+15",
    "9007199254740993e3",
    "1e+20",
    "1e+300",
    "1e-300",
    "5e-324",
    "2.2250738585072014e-308",
    "1.7976931348623157e+308",
    "0.0001",
    "1e-05",
    "3.141592653589793",
    "NaN",
    "Infinity",
    "-Infinity",
];

const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "A",
    "a ",
    " a",
    "ä",
    "a\u{308}",
    "ß",
    "ss",
    "O'Brien",
    "\"quoted\" `back` [bracket]",
    "C:\\temp\\new \\' \\\\",
    "a~b",
    "a~~b",
    "x~, quantity=~666",
    "see :ref and $1 ?1 @P1 %s {}",
    "line\nfeed\r\nand\ttab",
    "\u{1}\u{7f}\u{feff}\u{2028}",
    "\u{1f600}\u{10ffff}",
    "日本語",
    "NULL",
    "null",
    "007",
    "1e5",
    "1.50",
    "\\x00ff",
    "{\"a\":1}",
    "'; DROP TABLE t; --",
];

const DATES: &[&str] = &[
    "0001-01-01",
    "1582-10-10",
    "1752-09-14",
    "1899-12-30",
    "1970-01-01",
    "2000-02-29",
    "2025-05-25",
    "9999-12-31",
    "0001-12-31 BC",
    "0044-03-15 BC",
    "4713-11-24 BC",
    "infinity",
    "-infinity",
];

const TIMES: &[&str] = &[
    "00:00:00",
    "00:00:00.000001",
    "10:30:00",
    "12:00:00.5",
    "23:59:59",
    "23:59:59.999999",
    "24:00:00",
];

const TIMESTAMPS: &[&str] = &[
    "0001-01-01 00:00:00",
    "1582-10-10 12:00:00",
    "1969-12-31 23:59:59.999999",
    "1970-01-01 00:00:00",
    "2025-03-30 02:30:00",
    "2025-05-06 10:30:00.1",
    "2025-10-26 02:30:00.123456",
    "2038-01-19 03:14:08",
    "9999-12-31 23:59:59.999999",
    "0044-03-15 10:00:00.5 BC",
    "infinity",
    "-infinity",
];

const TIMESTAMPS_TZ: &[&str] = &[
    "0001-01-01 00:00:00Z",
    "1800-01-01 00:00:00Z",
    "1969-12-31 23:59:59.999999Z",
    "1970-01-01 00:00:01Z",
    "2025-03-30 01:30:00Z",
    "2025-05-06 10:30:00.1+05:30",
    "2025-10-26 00:30:00.123456Z",
    "2025-10-26 01:30:00.123456Z",
    "2038-01-19 03:14:07Z",
    "9999-12-31 23:59:59.999999Z",
    "0044-03-15 10:00:00.5Z BC",
    "infinity",
    "-infinity",
];

const UUIDS: &[&str] = &[
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "00000000-0000-0000-0000-000000000012",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "12345678-1234-1234-1234-123456789012",
];

const DOCUMENTS: &[&str] = &[
    "null",
    "true",
    "0",
    "\"\"",
    "\"text\"",
    "{}",
    "[]",
    "[1,2.5,-3,\"a\",null,false]",
    r#"{"a":{"z":1,"y":[{"b":2,"a":1}]},"":""}"#,
    r#"{"quote":"O'Brien \"x\" \\ ~ \n","größe":"😀"}"#,
    r#"{"big":12345678901234567890123456789012345678,"small":0.1}"#,
];

/// xorshift64*: small, and the same numbers everywhere for ever.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    fn digits(&mut self, count: u64) -> String {
        (0..count).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap())).collect()
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn value(&mut self, logical: LogicalType) -> String {
        match logical {
            LogicalType::Boolean => (self.below(2) == 1).to_string(),
            LogicalType::Integer => (self.next().cast_signed() >> self.below(64)).to_string(),
            LogicalType::Decimal => self.decimal(),
            LogicalType::Float32 => loop {
                let number = f32::from_bits(u32::try_from(self.next() >> 32).unwrap());
                if number.is_finite() {
                    return format!("{number:e}");
                }
            },
            LogicalType::Float64 => self.double(),
            LogicalType::Text => self.text(),
            LogicalType::Binary => {
                let count = 2 * self.below(40);
                (0..count).map(|_| self.pick(&["0", "7", "a", "f", "c"])).collect()
            }
            LogicalType::Date => self.date(),
            LogicalType::Time => self.time(),
            LogicalType::Timestamp => format!("{} {}", self.date(), self.time()),
            LogicalType::TimestampTz => format!("{} {}Z", self.date(), self.time()),
            LogicalType::Uuid => format!("{:016x}{:016x}", self.next(), self.next()),
            LogicalType::Json => self.document(3),
            LogicalType::Enum => self.pick(&["new", "open", "closed"]).to_owned(),
            LogicalType::Verbatim => self.array(),
        }
    }

    /// Texts in PostgreSQL's `{a,"b c",NULL}`, in quotes where it writes some.
    fn array(&mut self) -> String {
        let element = |text: String| {
            let is_plain = !text.is_empty()
                && !text.eq_ignore_ascii_case("null")
                && !text
                    .contains(['"', '\\', '{', '}', ',', ' ', '\t', '\n', '\r', '\x0b', '\x0c']);
            if is_plain { text } else { format!("{:?}", Quoted(&text)) }
        };
        let count = self.below(5);
        let elements: Vec<String> = (0..count)
            .map(|_| if self.below(6) == 0 { "NULL".to_owned() } else { element(self.text()) })
            .collect();
        format!("{{{}}}", elements.join(","))
    }

    /// At most 38 digits, at most 15 in every second one.
    fn decimal(&mut self) -> String {
        let total = if self.below(2) == 0 { self.below(15) } else { self.below(38) } + 1;
        let after = self.below(total + 1).min(18);
        let sign = if self.below(2) == 0 { "-" } else { "" };
        format!("{sign}0{}.{}", self.digits(total - after), self.digits(after + 1))
    }

    /// Any bits in every second one, otherwise a magnitude that people use.
    fn double(&mut self) -> String {
        loop {
            let bits = f64::from_bits(self.next());
            let everyday = f64::from(u32::try_from(self.below(1 << 32)).unwrap()) / 1e3;
            let number = if self.below(2) == 0 { bits } else { everyday };
            if number.is_finite() {
                return format!("{number:e}");
            }
        }
    }

    fn text(&mut self) -> String {
        const LETTERS: [&str; 16] = [
            "a", "B", " ", "'", "\"", "\\", "~", "\n", "ä", "日", "😀", "%", "$", ";", "7",
            "\u{301}",
        ];
        (0..self.below(30)).map(|_| self.pick(&LETTERS)).collect()
    }

    fn date(&mut self) -> String {
        let (year, month, day) = (self.below(9_999) + 1, self.below(12) + 1, self.below(28) + 1);
        format!("{year:04}-{month:02}-{day:02}")
    }

    fn time(&mut self) -> String {
        let (hour, minute, second) = (self.below(24), self.below(60), self.below(60));
        let fraction = self.digits(6);
        format!("{hour:02}:{minute:02}:{second:02}.{fraction}")
    }

    fn document(&mut self, depth: u64) -> String {
        let kind = self.below(if depth == 0 { 4 } else { 6 });
        match kind {
            0 => (self.next().cast_signed() >> self.below(64)).to_string(),
            1 => "true".to_owned(),
            2 => format!("{}.{}1", self.below(1_000), self.below(1_000)),
            3 => serde_json::Value::String(self.text()).to_string(),
            4 => {
                let items: Vec<_> = (0..self.below(4)).map(|_| self.document(depth - 1)).collect();
                format!("[{}]", items.join(","))
            }
            _ => {
                let items: Vec<_> = (0..self.below(4))
                    .map(|_| format!("\"k{}\":{}", self.below(100), self.document(depth - 1)))
                    .collect();
                format!("{{{}}}", items.join(","))
            }
        }
    }
}
