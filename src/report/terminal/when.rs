//! Times as people read them. Entries hold RFC 3339 in UTC.

use crate::time::{Span, Timestamp};

/// `2026-11-20` of an RFC 3339 time.
pub fn date(rfc3339: &str) -> &str {
    rfc3339.split_once('T').map_or("", |(date, _)| date)
}

/// `13:53:00.123` of an RFC 3339 time: cut, not rounded, so that it never names a later record.
pub fn clock(rfc3339: &str) -> &str {
    let time = rfc3339.split_once('T').map_or(rfc3339, |(_, time)| time).trim_end_matches('Z');
    time.get(..12).unwrap_or(time)
}

/// The point in time of an RFC 3339 text; `None` when it is none.
pub fn parse(rfc3339: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = rfc3339.parse().ok()?;
    i64::try_from(at.as_nanosecond()).ok().map(Timestamp)
}

/// From one RFC 3339 time to another.
pub fn between(from: &str, to: &str) -> Option<Span> {
    Some(parse(to)? - parse(from)?)
}

/// `0.040 s`, `12.3 s`, `1:05`, `2:01:05`.
pub fn length(span: Span) -> String {
    let ms = span.0 / 1_000_000;
    let (sign, ms) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    let s = ms / 1000;
    match s {
        0..10 => format!("{sign}{s}.{:03} s", ms % 1000),
        10..60 => format!("{sign}{s}.{} s", ms % 1000 / 100),
        60..3600 => format!("{sign}{}:{:02}", s / 60, s % 60),
        _ => format!("{sign}{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60),
    }
}

/// Seconds with three decimals: `0.040`, `-1.500`.
pub fn seconds(span: Span) -> String {
    let ms = span.0 / 1_000_000;
    let (sign, ms) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    format!("{sign}{}.{:03}", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_long_as_they_must() {
        let of = |ms| length(Span::millis(ms));
        assert_eq!([of(40), of(12_345), of(65_000), of(7_265_000)], ["0.040 s", "12.3 s", "1:05", "2:01:05"]);
        assert_eq!([of(-1500), of(i64::MIN / 1_000_000)], ["-1.500 s", "-2562047:47:16"]);
    }

    #[test]
    fn rfc_3339_is_taken_apart() {
        let text = Timestamp(1_500_000_000_123_456_789).rfc3339();
        assert_eq!((date(&text), clock(&text)), ("2017-07-14", "02:40:00.123"));
        assert_eq!(parse(&text), Some(Timestamp(1_500_000_000_123_456_789)));
        assert_eq!((date("x"), clock("x"), parse("x")), ("", "x", None));
    }
}
