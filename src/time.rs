//! Time as captures tell it: [`Timestamp`] is a point, [`Span`] a length, both whole nanoseconds.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

/// Nanoseconds since 1970-01-01T00:00:00Z; negative before. Captures that carry µs are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

/// A length of time in nanoseconds; negative when the clock went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Span(pub i64);

impl Span {
    /// In milliseconds, for printing.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// `n` milliseconds.
    pub const fn millis(n: i64) -> Self {
        Self(n.saturating_mul(1_000_000))
    }
    /// `n` seconds.
    pub const fn secs(n: i64) -> Self {
        Self(n.saturating_mul(1_000_000_000))
    }
}

impl Timestamp {
    /// RFC 3339 in UTC with nine decimals: `2026-11-20T13:53:00.000000000Z`.
    pub fn rfc3339(self) -> String {
        str::from_utf8(&self.rfc3339_bytes()).unwrap_or_default().to_owned()
    }

    /// The same as ASCII.
    pub fn rfc3339_bytes(self) -> [u8; 30] {
        let (secs, nanos) = (self.0.div_euclid(1_000_000_000), self.0.rem_euclid(1_000_000_000));
        let (days, secs) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
        let (year, month, day) = date(days);
        let secs = secs as u32;
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        [text[0], text[1]] = two(year as u32 / 100);
        [text[2], text[3]] = two(year as u32 % 100);
        [text[5], text[6]] = two(month as u32);
        [text[8], text[9]] = two(day as u32);
        [text[11], text[12]] = two(secs / 3_600);
        [text[14], text[15]] = two(secs / 60 % 60);
        [text[17], text[18]] = two(secs % 60);
        let nanos = nanos as u32;
        text[20] = two(nanos / 100_000_000)[1];
        [text[21], text[22]] = two(nanos / 1_000_000);
        [text[23], text[24]] = two(nanos / 10_000);
        [text[25], text[26]] = two(nanos / 100);
        [text[27], text[28]] = two(nanos);
        text
    }
}

/// The last two digits of a number.
fn two(number: u32) -> [u8; 2] {
    let number = (number % 100) as u8;
    [b'0' + number / 10, b'0' + number % 10]
}

/// Year, month and day of a day counted from 1970-01-01. Years begin in March here, so that a leap day is the last of its year.
fn date(days: i64) -> (i64, i64, i64) {
    const DAYS_IN_ERA: i64 = 146_097; // 400 years
    let days = days + 719_468; // from 0000-03-01
    let (era, day) = (days.div_euclid(DAYS_IN_ERA), days.rem_euclid(DAYS_IN_ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (year + era * 400 + i64::from(month <= 2), month, day)
}

impl Sub for Timestamp {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Span> for Timestamp {
    type Output = Timestamp;
    fn add(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Timestamp;
    fn sub(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Seconds since 1970 as RFC 3339 without a fraction; `None` beyond the years 0 to 9999, which it cannot write.
pub fn rfc3339_of(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|at| at.to_string()).filter(|text| !text.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_nine_decimals_in_utc() {
        assert_eq!(Timestamp(1_500_000_000_000_000_001).rfc3339(), "2017-07-14T02:40:00.000000001Z");
        assert_eq!(Timestamp(0).rfc3339(), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(Timestamp(-1).rfc3339(), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(Timestamp(i64::MAX).rfc3339(), "2262-04-11T23:47:16.854775807Z");
    }

    #[test]
    fn every_day_is_the_calendars() {
        for day in (-106_000..106_000).step_by(7) {
            let at = Timestamp(day * 86_400_000_000_000 + 1_234_567_890);
            assert_eq!(at.rfc3339(), format!("{:.9}", jiff::Timestamp::from_nanosecond(i128::from(at.0)).unwrap()));
        }
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp(i64::MAX) + Span::secs(1), Timestamp(i64::MAX));
        assert_eq!(Timestamp(i64::MIN) - Timestamp(1), Span(i64::MIN));
    }

    #[test]
    fn dates_of_certificates_may_lie_far_off() {
        let of = |seconds| rfc3339_of(seconds).unwrap_or_default();
        assert_eq!((of(-631_152_000), of(253_402_207_200)), ("1950-01-01T00:00:00Z".to_owned(), "9999-12-30T22:00:00Z".to_owned()));
        assert_eq!((rfc3339_of(i64::MAX), rfc3339_of(-99_999_999_999)), (None, None));
    }
}
