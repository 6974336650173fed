//! How far two nodes' clocks are apart.

use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use serde::Serialize;

/// A question for a database's clock, on its way.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    asked: Instant,
}

/// What a database's clock showed at a moment of this process.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    at: Instant,
    blur: Duration,
    time: NaiveDateTime,
}

/// A difference of two clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Skew {
    /// How far the first clock is ahead of the second, in milliseconds.
    pub ahead_ms: i64,
    /// What of it may be the questions' time on the way, in milliseconds.
    pub blur_ms: i64,
}

impl Clock {
    /// The question goes out.
    #[must_use]
    pub fn ask() -> Self {
        Self { asked: Instant::now() }
    }

    /// The answer is here. It was given in the middle of the way, or at most half of it off.
    #[must_use]
    pub fn answered(self, text: Option<&str>) -> Option<Reading> {
        let blur = self.asked.elapsed() / 2;
        let time = NaiveDateTime::parse_from_str(text?, "%Y-%m-%d %H:%M:%S%.f").ok()?;
        Some(Reading { at: self.asked + blur, blur, time })
    }
}

impl Reading {
    /// How far this clock is ahead of another.
    #[must_use]
    pub fn ahead_of(&self, other: &Self) -> Skew {
        let later = milliseconds(self.at.saturating_duration_since(other.at))
            - milliseconds(other.at.saturating_duration_since(self.at));
        Skew {
            ahead_ms: (self.time - other.time).num_milliseconds().saturating_sub(later),
            blur_ms: milliseconds(self.blur + other.blur),
        }
    }
}

impl Skew {
    /// Whether the clocks are certainly further apart.
    #[must_use]
    pub fn is_beyond(&self, limit: Duration) -> bool {
        self.ahead_ms.saturating_abs().saturating_sub(self.blur_ms) > milliseconds(limit)
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: Instant, blur_ms: u64, time: &str) -> Reading {
        let clock = Clock { asked: at };
        let reading = clock.answered(Some(time)).expect("it is a time");
        Reading { at, blur: Duration::from_millis(blur_ms), ..reading }
    }

    #[test]
    fn the_time_between_two_questions_is_no_skew() {
        let start = Instant::now();
        let first = reading(start, 0, "2025-01-01 00:00:10.000000");
        let later = start + Duration::from_millis(500);
        let second = reading(later, 0, "2025-01-01 00:00:08.000000");
        assert_eq!(first.ahead_of(&second).ahead_ms, 2_500);
        assert_eq!(second.ahead_of(&first).ahead_ms, -2_500);
    }

    #[test]
    fn what_may_be_the_way_does_not_count_against_a_limit() {
        let start = Instant::now();
        let ahead = reading(start, 300, "2025-01-01 00:00:12.000000");
        let other = reading(start, 100, "2025-01-01 00:00:10.000000");
        let skew = ahead.ahead_of(&other);
        assert_eq!(skew, Skew { ahead_ms: 2_000, blur_ms: 400 });
        assert!(skew.is_beyond(Duration::from_millis(1_599)));
        assert!(!skew.is_beyond(Duration::from_millis(1_600)));
        assert!(other.ahead_of(&ahead).is_beyond(Duration::from_secs(1)));
    }
}
