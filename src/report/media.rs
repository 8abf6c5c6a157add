//! Parts of a `streams[]` entry: taps, intervals, keys, events.

use super::{Decimal, Text};
use crate::record::RecordId;
use serde::{Deserialize, Serialize};

/// A stream at one tap.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StreamTapEntry {
    /// The tap's id.
    pub tap: u32,
    /// Time to live there.
    pub ttl: u8,
    /// Packets received there.
    pub packets: u64,
    /// Packets lost there.
    pub lost: i64,
    /// Where they were lost: `10 between tap 0 and tap 1; 2 before tap 0; 3 not captured at tap 0`. `null` when none was.
    pub located: Option<String>,
    /// Median of how much later packets came by here than by the first tap on their path; `null` where the clocks of the two are not
    /// one, and where no packet was sampled at both.
    pub delay_ms: Option<Decimal<3>>,
    /// Tunnels that its first packet came through there, outer to inner.
    pub tunnels: Vec<String>,
}

/// A length of arrival time of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IntervalEntry {
    /// When it begins, RFC 3339.
    pub from: Text<'static>,
    /// How long it is: 10, in a long stream 20, 40 …
    pub seconds: u64,
    /// Packets received.
    pub packets: u64,
    /// Expected less received; negative where packets of the interval before came late.
    pub lost: i64,
    /// Largest jitter, `null` where the clock rate is unknown.
    pub jitter_ms: Option<Decimal<3>>,
    /// Its score; `null` for fewer than 20 packets too.
    pub mos: Option<Decimal<2>>,
}

/// A key that was pressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigitEntry {
    /// `0` to `9`, `*`, `#`, `A` to `D`, `flash`, else `event` and its number.
    pub digit: String,
    /// First packet, RFC 3339.
    pub at: Text<'static>,
    /// How long, as far as its packets tell.
    pub duration_ms: Decimal<3>,
    /// Power in dBm0 without its sign.
    pub volume: u8,
    /// First packet.
    pub record: RecordId,
}

/// What stood out in a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventsEntry {
    /// Packets of comfort noise.
    pub comfort_noise: u64,
    /// Keys pressed beyond those listed.
    pub digits_left_out: u64,
    /// Changes from one payload type of sound to another.
    pub payload_type_changes: CountedEntry,
    /// Timestamps that fit neither the sequence nor the time.
    pub timestamp_jumps: CountedEntry,
    /// Longest time between packets that follow each other in sequence.
    pub longest_gap_ms: Option<Decimal<3>>,
    /// `sender_silent` where timestamps went on meanwhile, `held_up` where they did not; `null` below 200 ms, and where they do not tell.
    pub longest_gap: Option<Text<'static>>,
    /// The packet that ended it.
    pub longest_gap_record: Option<RecordId>,
}

/// How often something was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CountedEntry {
    /// How often.
    pub count: u64,
    /// The record that showed it first.
    pub first: Option<RecordId>,
}
