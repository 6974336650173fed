//! The canonical texts of integers, decimals and floats.

/// The most digits of a decimal, before and after the point together.
const DECIMAL_DIGITS_MAX: usize = 1_000;
/// The most digits of a float's text; the longest exact expansion of a double has 767.
const FLOAT_DIGITS_MAX: usize = 800;

pub(super) const INTEGER: &str = "a whole number of at most 64 bits is expected";
pub(super) const DECIMAL: &str = "a number of at most 1,000 digits is expected";
pub(super) const FLOAT32: &str = "a number that 32 bits hold without rounding is expected";
pub(super) const FLOAT64: &str = "a number that 64 bits hold without rounding is expected";

/// A number as it was written: `0.digits × 10^point`.
struct Written<'a> {
    is_negative: bool,
    /// Without leading and trailing zeros; empty for zero.
    digits: String,
    /// How many of the digits stand before the point; may lie outside of them.
    point: i64,
    /// The text without a plus sign.
    unsigned: &'a str,
}

/// Reads `[+-]digits[.digits][e[+-]digits]`.
fn written(text: &str) -> Option<Written<'_>> {
    let is_negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, whole(exponent)?),
        None => (unsigned, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [before, after].concat();
    if all.is_empty() || !all.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = all.trim_start_matches('0');
    let leading_zeros = i64::try_from(all.len() - digits.len()).ok()?;
    let point = i64::try_from(before.len()).ok()? - leading_zeros + exponent;
    let digits = digits.trim_end_matches('0').to_owned();
    Some(Written { is_negative, digits, point, unsigned })
}

/// An exponent of at most nine digits.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    (is_plain && (1..=9).contains(&digits.len())).then(|| text.parse().ok())?
}

pub(super) fn integer(text: &str) -> Option<String> {
    if text.eq_ignore_ascii_case("true") {
        return Some("1".to_owned());
    }
    if text.eq_ignore_ascii_case("false") {
        return Some("0".to_owned());
    }
    // No exponents: whoever writes one has a float, and may have rounded it.
    if text.contains(['e', 'E']) {
        return None;
    }
    let number: i128 = decimal(text)?.parse().ok()?;
    let has_64_bits = i64::try_from(number).is_ok() || u64::try_from(number).is_ok();
    has_64_bits.then(|| number.to_string())
}

pub(super) fn decimal(text: &str) -> Option<String> {
    if let Some(special) = special(text) {
        return Some(special.to_owned());
    }
    let Written { is_negative, digits, point, .. } = written(text)?;
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let before = usize::try_from(point).unwrap_or(0);
    let zeros = usize::try_from(-point).unwrap_or(0);
    if before.max(digits.len()) + zeros > DECIMAL_DIGITS_MAX {
        return None;
    }
    let sign = if is_negative { "-" } else { "" };
    let plain = plain(&digits, before, zeros);
    Some(format!("{sign}{plain}"))
}

/// The digits in positional notation, `before` of them before the point, or `zeros` more after it.
fn plain(digits: &str, before: usize, zeros: usize) -> String {
    if before == 0 {
        format!("0.{}{digits}", "0".repeat(zeros))
    } else if before >= digits.len() {
        format!("{digits}{}", "0".repeat(before - digits.len()))
    } else {
        format!("{}.{}", &digits[..before], &digits[before..])
    }
}

fn special(text: &str) -> Option<&'static str> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("nan") {
        Some("NaN")
    } else if is("infinity") || is("inf") || is("+infinity") || is("+inf") {
        Some("Infinity")
    } else if is("-infinity") || is("-inf") {
        Some("-Infinity")
    } else {
        None
    }
}

/// A finite number of one width, as texts `d.ddde-N`.
struct Read {
    /// The fewest digits.
    shortest: String,
    /// As many digits as the text had that was read.
    exact: String,
    /// The text is what a wider float prints for this very number.
    is_widened: bool,
}

/// The fewest digits that give the number back. Where two texts of that many digits are equally
/// near, the one with an even last digit, as PostgreSQL has it and `{:e}` alone has not.
fn shortest<F: std::fmt::LowerExp>(number: &F, is_same: impl Fn(&str) -> bool) -> String {
    let shortest = format!("{number:e}");
    let digits = shortest.split('e').next().unwrap_or_default();
    let after = digits.len().saturating_sub(2);
    let even = format!("{number:.after$e}");
    if is_same(&even) { even } else { shortest }
}

pub(super) fn float32(text: &str) -> Option<String> {
    float(text, 9, 6, |unsigned, after| {
        let number: f32 = unsigned.parse().ok()?;
        let wide: f64 = unsigned.parse().ok()?;
        number.is_finite().then(|| Read {
            shortest: shortest(&number, |text| text.parse() == Ok(number)),
            exact: format!("{number:.after$e}"),
            is_widened: after < 17 && wide.to_bits() == f64::from(number).to_bits(),
        })
    })
}

pub(super) fn float64(text: &str) -> Option<String> {
    float(text, 17, 15, |unsigned, after| {
        let number: f64 = unsigned.parse().ok()?;
        number.is_finite().then(|| Read {
            shortest: shortest(&number, |text| text.parse() == Ok(number)),
            exact: format!("{number:.after$e}"),
            is_widened: false,
        })
    })
}

/// A float of any width. A text of at most `digits_max` digits, which is what a print of the
/// width may need, is read as it is; one of more digits has to be exact. From the exponent
/// `scientific_from` on PostgreSQL writes `1e+NN`. `read` takes an unsigned text and the
/// number of its digits but the first.
fn float(
    text: &str,
    digits_max: usize,
    scientific_from: i64,
    read: impl Fn(&str, usize) -> Option<Read>,
) -> Option<String> {
    if let Some(special) = special(text) {
        return Some(special.to_owned());
    }
    let given = written(text)?;
    let sign = if given.is_negative { "-" } else { "" };
    let count = given.digits.len();
    if count == 0 {
        return Some(format!("{sign}0"));
    }
    if count > FLOAT_DIGITS_MAX {
        return None;
    }
    let Read { shortest, exact, is_widened } = read(given.unsigned, count - 1)?;
    let (shortest, exact) = (written(&shortest)?, written(&exact)?);
    // No digits: too small for the width, and reading it gave zero.
    let is_same = exact.digits == given.digits && exact.point == given.point;
    if shortest.digits.is_empty() || !(count <= digits_max || is_same || is_widened) {
        return None;
    }
    Some(format!("{sign}{}", as_postgres(&shortest, scientific_from)))
}

/// PostgreSQL's layout of shortest digits: positional from `1e-4` to below `scientific_from`.
fn as_postgres(number: &Written<'_>, scientific_from: i64) -> String {
    let exponent = number.point - 1;
    if (-4..scientific_from).contains(&exponent) {
        let before = usize::try_from(number.point).unwrap_or(0);
        let zeros = usize::try_from(-number.point).unwrap_or(0);
        return plain(&number.digits, before, zeros);
    }
    let (first, rest) = number.digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{:02}", exponent.unsigned_abs())
}
