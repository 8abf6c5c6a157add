//! Telephone events of a stream (RFC 4733, RFC 2833): keys that were pressed, each once, however often its packets repeat.

use crate::flow::arrival::Arrival;
use crate::record::RecordId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Events a pass keeps; further ones are counted.
pub const MAX_DIGITS: usize = 64;
/// Bytes of an event's payload (RFC 4733 section 2.3).
const EVENT_LEN: u32 = 4;
/// First dynamic payload type (RFC 3551 section 6); events have no static one.
const FIRST_DYNAMIC: u8 = 96;
/// Events that may be under way or repeat their end at the same time.
const RECENT: usize = 4;

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digit {
    /// Payload type that carried it: signalling says whether that is `telephone-event`.
    pub payload_type: u8,
    /// Event code (RFC 4733 section 3.2): 0 to 9, 10 is `*`, 11 `#`, 12 to 15 A to D, 16 flash.
    pub code: u8,
    /// Power in dBm0 without its sign, 0 to 63.
    pub volume: u8,
    /// A packet with the end bit was seen.
    pub ended: bool,
    /// Longest duration told, in timestamp units, segments before the last included.
    pub duration: u32,
    /// First packet.
    pub at: Timestamp,
    /// Its record.
    pub record: RecordId,
    /// RTP timestamp of the event, or of its last segment.
    timestamp: u32,
    /// Duration of the segments before (RFC 4733 section 2.5.1.3).
    before: u32,
}

/// The events of a pass in order of first packet: at most [`MAX_DIGITS`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Digits {
    list: Vec<Digit>,
    beyond: u64,
    /// Payload type and timestamp of the last event that found no place.
    last_beyond: Option<(u8, u32)>,
}

/// Whether a packet has the shape of an event: a dynamic type, four bytes of payload, and the reserved bit is zero.
pub fn is_shaped(arrival: &Arrival) -> bool {
    arrival.payload_type >= FIRST_DYNAMIC && arrival.payload_len == EVENT_LEN && arrival.head & 0x0040_0000 == 0
}

impl Digits {
    /// The events, in order of first packet.
    pub fn list(&self) -> &[Digit] {
        &self.list
    }

    /// How many more there were.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Takes in a packet that [`is_shaped`]. All packets of an event have one timestamp; one that goes on where a segment
    /// stopped is the same event.
    pub fn arrive(&mut self, arrival: &Arrival) {
        let [code, second, d1, d0] = (arrival.head as u32).to_be_bytes();
        let duration = u32::from(u16::from_be_bytes([d1, d0]));
        let (payload_type, timestamp) = (arrival.payload_type, arrival.timestamp);
        let recent = self.list.iter_mut().rev().take(RECENT);
        let known = recent.filter(|digit| (digit.payload_type, digit.code) == (payload_type, code)).find(|digit| digit.takes(timestamp));
        if let Some(digit) = known {
            if digit.timestamp != timestamp {
                (digit.before, digit.timestamp) = (digit.duration, timestamp);
            }
            digit.duration = digit.duration.max(digit.before.saturating_add(duration));
            digit.ended |= second & 0x80 != 0;
        } else if self.list.len() < MAX_DIGITS {
            let (volume, ended) = (second & 0x3f, second & 0x80 != 0);
            let (at, record) = (arrival.seen.at, arrival.seen.id);
            self.list.push(Digit { payload_type, code, volume, ended, duration, at, record, timestamp, before: 0 });
        } else if self.last_beyond.replace((payload_type, timestamp)) != Some((payload_type, timestamp)) {
            self.beyond += 1;
        }
    }

    /// Takes in the events of a later pass of the same stream, but for those that both saw.
    pub fn join(&mut self, later: &Digits) {
        for digit in &later.list {
            let is_known =
                |known: &Digit| (known.payload_type, known.code, known.timestamp) == (digit.payload_type, digit.code, digit.timestamp);
            if self.list.iter().any(is_known) {
                continue;
            }
            if self.list.len() < MAX_DIGITS { self.list.push(*digit) } else { self.beyond += 1 }
        }
        self.beyond += later.beyond;
    }
}

impl Digit {
    fn takes(&self, timestamp: u32) -> bool {
        let segment = self.duration - self.before;
        timestamp == self.timestamp || !self.ended && segment > 0 && timestamp == self.timestamp.wrapping_add(segment)
    }

    /// The key as one presses it, `flash` for a hook flash, else the event's number.
    pub fn key(&self) -> String {
        match self.code {
            0..=9 => self.code.to_string(),
            10 => "*".to_owned(),
            11 => "#".to_owned(),
            12..=15 => char::from(b'A' + self.code - 12).to_string(),
            16 => "flash".to_owned(),
            other => format!("event {other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::{Rtp, packet};

    fn event(sequence: u16, timestamp: u32, code: u8, end: bool, duration: u16) -> Rtp {
        let [d1, d0] = duration.to_be_bytes();
        Rtp { timestamp, payload_type: 101, payload: vec![code, u8::from(end) << 7 | 10, d1, d0], ..packet(sequence) }
    }

    fn run(events: &[Rtp]) -> Digits {
        let mut digits = Digits::default();
        for event in events {
            let arrival = event.arrival();
            assert!(is_shaped(&arrival));
            digits.arrive(&arrival);
        }
        digits
    }

    #[test]
    fn repeated_ends_are_one_digit() {
        let first = [event(1, 800, 5, false, 160), event(2, 800, 5, false, 320), event(3, 800, 5, true, 480)];
        let again = [event(4, 800, 5, true, 480), event(5, 800, 5, true, 480)];
        let next = [event(6, 4_000, 11, false, 160), event(7, 4_000, 11, true, 800)];
        let digits = run(&[&first[..], &again, &next].concat());
        let got: Vec<_> = digits.list().iter().map(|d| (d.key(), d.duration, d.volume, d.ended, d.at.0 / 1_000_000)).collect();
        assert_eq!(got, [("5".to_owned(), 480, 10, true, 20), ("#".to_owned(), 800, 10, true, 120)]);
    }

    #[test]
    fn long_event_in_segments_is_one_digit() {
        let digits = run(&[event(1, 0, 1, false, 0xffff), event(2, 0xffff, 1, false, 160), event(3, 0xffff, 1, true, 800)]);
        assert_eq!(digits.list().iter().map(|d| (d.duration, d.ended)).collect::<Vec<_>>(), [(0xffff + 800, true)]);
        let pressed_again = run(&[event(1, 0, 1, true, 800), event(2, 800, 1, true, 800)]);
        assert_eq!(pressed_again.list().len(), 2);
    }

    #[test]
    fn digits_beyond_the_cap_are_counted_once_each() {
        let digits = run(&(0..100)
            .flat_map(|n| [event(n, u32::from(n) * 1_000, 1, true, 160), event(n, u32::from(n) * 1_000, 1, true, 160)])
            .collect::<Vec<_>>());
        assert_eq!((digits.list().len(), digits.beyond()), (MAX_DIGITS, 36));
    }

    #[test]
    fn other_shapes_are_no_events() {
        let long = Rtp { payload: vec![1, 10, 0, 160, 0], ..event(1, 0, 1, false, 160) };
        let reserved = Rtp { payload: vec![1, 0x4a, 0, 160], ..event(1, 0, 1, false, 160) };
        let fixed = Rtp { payload_type: 13, ..event(1, 0, 1, false, 160) };
        assert!([long, reserved, fixed].iter().all(|rtp| !is_shaped(&rtp.arrival())));
    }
}
