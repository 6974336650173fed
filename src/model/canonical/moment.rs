//! The canonical texts of dates, times and timestamps.

use chrono::{Datelike as _, Days, NaiveDate};

pub(super) const DATE: &str =
    "`YYYY-MM-DD` of the years 1 to 9999 or 4713 BC to 1 BC is expected, without a time of day";
pub(super) const TIME: &str = "`HH:MM:SS` with at most microseconds is expected, without a zone";
pub(super) const TIMESTAMP: &str = "`YYYY-MM-DD HH:MM:SS` with at most microseconds, of the years \
     1 to 9999 or 4713 BC to 1 BC, is expected, without an offset";
pub(super) const TIMESTAMPTZ: &str = "`YYYY-MM-DD HH:MM:SSZ` with at most microseconds, of the \
     years 1 to 9999 or 4713 BC to 1 BC, is expected";
pub(super) const STAMP: &str =
    "a stamp `YYYY-MM-DD HH:MM:SS.ffffff` of the years 1 to 9999 is expected";

/// Years as astronomers count them, 1 BC being 0: what dates of all brands fit into.
const YEARS: std::ops::RangeInclusive<i32> = -4712..=9999;
const MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = 86_400 * MICROS;
/// The largest offset of a zone, in seconds; PostgreSQL's limit.
const OFFSET_MAX: i64 = 16 * 3_600;

/// A day and a time of day as they were written.
struct Moment {
    date: NaiveDate,
    /// Since midnight, up to and including the next midnight; 0 where no time was written.
    micros: i64,
    /// Digits beyond microseconds that are not zeros were cut off.
    is_cut: bool,
    /// Seconds east of UTC; `None` where no zone was written.
    offset: Option<i64>,
}

pub(super) fn date(text: &str) -> Option<String> {
    if let Some(infinite) = infinite(text) {
        return Some(infinite.to_owned());
    }
    let moment = moment(text)?;
    let is_day = moment.micros == 0 && !moment.is_cut && moment.offset.unwrap_or(0) == 0;
    is_day.then(|| print(moment.date, ""))
}

pub(super) fn time(text: &str) -> Option<String> {
    let (micros, is_cut) = time_of_day(text)?;
    (!is_cut).then(|| print_time(micros))
}

pub(super) fn timestamp(text: &str) -> Option<String> {
    if let Some(infinite) = infinite(text) {
        return Some(infinite.to_owned());
    }
    let moment = moment(text)?;
    if moment.is_cut || moment.offset.unwrap_or(0) != 0 {
        return None;
    }
    let (date, micros) = in_utc(&moment)?;
    Some(print(date, &format!(" {}", print_time(micros))))
}

pub(super) fn timestamptz(text: &str) -> Option<String> {
    if let Some(infinite) = infinite(text) {
        return Some(infinite.to_owned());
    }
    let moment = moment(text)?;
    if moment.is_cut {
        return None;
    }
    let (date, micros) = in_utc(&moment)?;
    Some(print(date, &format!(" {}Z", print_time(micros))))
}

pub(super) fn stamp(text: &str) -> Option<String> {
    let (date, micros) = in_utc(&moment(text)?)?;
    if date.year() < 1 {
        return None;
    }
    let (seconds, fraction) = (micros / MICROS, micros % MICROS);
    Some(print(date, &format!(" {}.{fraction:06}", print_time(seconds * MICROS))))
}

fn infinite(text: &str) -> Option<&'static str> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("infinity") || is("+infinity") {
        Some("infinity")
    } else {
        is("-infinity").then_some("-infinity")
    }
}

/// The day and the microseconds since its midnight, the offset taken out.
fn in_utc(moment: &Moment) -> Option<(NaiveDate, i64)> {
    let micros = moment.micros - moment.offset.unwrap_or(0) * MICROS;
    let date = match micros.div_euclid(DAY_MICROS) {
        -1 => moment.date.checked_sub_days(Days::new(1)),
        0 => Some(moment.date),
        _ => moment.date.checked_add_days(Days::new(1)),
    }?;
    YEARS.contains(&date.year()).then(|| (date, micros.rem_euclid(DAY_MICROS)))
}

/// `rest` stands between the day and the era, as PostgreSQL prints it and reads it.
fn print(date: NaiveDate, rest: &str) -> String {
    let (year, era) = match date.year() {
        year if year > 0 => (year, ""),
        year => (1 - year, " BC"),
    };
    format!("{year:04}-{:02}-{:02}{rest}{era}", date.month(), date.day())
}

fn print_time(micros: i64) -> String {
    let (seconds, fraction) = (micros / MICROS, micros % MICROS);
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    let whole = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    if fraction == 0 {
        return whole;
    }
    let fraction = format!("{fraction:06}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// Reads `date [time [AM|PM] [zone]] [BC]`.
fn moment(text: &str) -> Option<Moment> {
    let (text, is_bc) = match strip_word(text, "BC") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (day, rest) = match text.split_once([' ', 'T', 't']) {
        Some((day, rest)) => (day, Some(rest.trim_start())),
        None => (text, None),
    };
    let date = day_of(day, is_bc)?;
    let Some(rest) = rest else {
        return Some(Moment { date, micros: 0, is_cut: false, offset: None });
    };
    let (clock, offset) = split_zone(rest)?;
    let (micros, is_cut) = time_of_day(clock)?;
    Some(Moment { date, micros, is_cut, offset })
}

/// The text before a last word, letter case aside.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(word.len())?;
    let (rest, last) = (text.get(..at)?, text.get(at..)?);
    last.eq_ignore_ascii_case(word).then(|| rest.trim_end())
}

/// `YYYY-M-D` or `M/D/YYYY`.
fn day_of(text: &str, is_bc: bool) -> Option<NaiveDate> {
    let (year, month, day) = if let Some((month, rest)) = text.split_once('/') {
        let (day, year) = rest.split_once('/')?;
        (year, month, day)
    } else {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        (year, month, day)
    };
    let year = i32::try_from(digits(year, 4..=4)?).ok()?;
    let year = match (year, is_bc) {
        (0, _) => return None,
        (year, true) => 1 - year,
        (year, false) => year,
    };
    let part = |text| digits(text, 1..=2).and_then(|number| u32::try_from(number).ok());
    let date = NaiveDate::from_ymd_opt(year, part(month)?, part(day)?)?;
    YEARS.contains(&year).then_some(date)
}

fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let is_plain = text.bytes().all(|digit| digit.is_ascii_digit());
    (is_plain && lengths.contains(&text.len())).then(|| text.parse().ok())?
}

/// Microseconds since midnight of `H:MM[:SS[.f]] [AM|PM]`, and whether digits were cut off.
fn time_of_day(text: &str) -> Option<(i64, bool)> {
    let (clock, half) = match (strip_word(text, "AM"), strip_word(text, "PM")) {
        (Some(clock), _) => (clock, Some(0)),
        (_, Some(clock)) => (clock, Some(12)),
        _ => (text, None),
    };
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 1..=2)?;
    let minute = digits(parts.next()?, 2..=2)?;
    let (second, fraction) = match parts.next() {
        Some(second) => match second.split_once('.') {
            Some((second, fraction)) => (digits(second, 2..=2)?, Some(fraction)),
            None => (digits(second, 2..=2)?, None),
        },
        None => (0, None),
    };
    let (fraction, is_cut) = fraction.map_or(Some((0, false)), micros_of)?;
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    if parts.next().is_some() || minute > 59 || second > 59 {
        return None;
    }
    let micros = (hour * 3_600 + minute * 60 + second) * MICROS + fraction;
    let is_within = micros < DAY_MICROS || (micros == DAY_MICROS && !is_cut);
    is_within.then_some((micros, is_cut))
}

/// Microseconds of a fraction's digits, and whether any but zeros had to be cut off.
fn micros_of(fraction: &str) -> Option<(i64, bool)> {
    if fraction.is_empty() || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (kept, cut) = fraction.split_at(fraction.len().min(6));
    let micros = format!("{kept:0<6}").parse().ok()?;
    Some((micros, cut.bytes().any(|digit| digit != b'0')))
}

/// The text before a zone, and the zone's seconds east of UTC.
fn split_zone(text: &str) -> Option<(&str, Option<i64>)> {
    if let Some(clock) = strip_word(text, "Z").or_else(|| strip_word(text, "UTC")) {
        return Some((clock, Some(0)));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, None)) };
    let (clock, zone) = (text[..at].trim_end(), &text[at..]);
    let offset = offset_of(&zone[1..])?;
    Some((clock, Some(if zone.starts_with('-') { -offset } else { offset })))
}

/// Seconds of `HH`, `HHMM`, `HH:MM` or `HH:MM:SS`.
fn offset_of(text: &str) -> Option<i64> {
    let joined = text.replace(':', "");
    let is_laid_out = match text.len() {
        2 | 4 => !text.contains(':'),
        5 | 8 => text.split(':').all(|part| part.len() == 2),
        _ => false,
    };
    if !is_laid_out || !joined.is_ascii() {
        return None;
    }
    let part = |at: usize| joined.get(at..at + 2).map_or(Some(0), |text| digits(text, 2..=2));
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    let offset = hours * 3_600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && offset < OFFSET_MAX).then_some(offset)
}
