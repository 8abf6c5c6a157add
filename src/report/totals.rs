//! The totals of a report, and what each segment carried.

use super::{BySeverity, Decimal, MinMeanMax};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Totals.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Entries of `calls[]`.
    pub calls: u64,
    /// Legs in them.
    pub legs: u64,
    /// Entries of `streams[]`.
    pub streams: u64,
    /// Streams without those that continue another beyond a NAT or relay: each is counted once.
    pub media_streams: u64,
    /// Grouped findings.
    pub findings: BySeverity,
    /// Messages by method or status, retransmissions and copies included.
    pub messages: BTreeMap<String, u64>,
    /// How many of them are copies at another tap or pass.
    pub message_copies: u64,
    /// What went over each segment, by segment and direction.
    pub segments: Vec<SegmentEntry>,
}

/// What went one way over one segment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// The segment.
    pub segment: String,
    /// `out`: away from your network, towards Microsoft; `in`; `across` where neither end is nearer.
    pub direction: String,
    /// Calls with packets there.
    pub calls: u64,
    /// Packets of signalling and media.
    pub packets: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Minutes of media, from first to last packet of each stream.
    pub media_minutes: Decimal<2>,
    /// Packets of media that did not come.
    pub lost: i64,
    /// Lost of expected, two decimals.
    pub loss_percent: Decimal<2>,
    /// Round trips that receivers of the media reported.
    pub rtt_ms: MinMeanMax,
}

#[cfg(test)]
impl SegmentEntry {
    /// One with these round trips.
    pub(super) fn sample(rtt_ms: MinMeanMax) -> Self {
        let (segment, direction) = ("expressroute".to_owned(), "out".to_owned());
        let (media_minutes, loss_percent) = (Decimal(17), Decimal(40));
        Self { segment, direction, calls: 1, packets: 500, bytes: 86_000, media_minutes, lost: 2, loss_percent, rtt_ms }
    }
}
