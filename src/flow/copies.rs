//! Copies of a packet at one tap: what a mirror port makes when it sends ingress and egress, told from numbers used twice.

use crate::flow::arrival::Arrival;
use crate::time::Span;
use serde::{Deserialize, Serialize};

/// A copy comes within this time. RFC 3261 retransmits no sooner than 500 ms, so that for SIP too this parts copies from repeats.
pub const COPY_WINDOW: Span = Span::millis(20);

/// The last four packets. A whole payload hash costs more than all else; the header and eight payload bytes tell as much.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Copies {
    ring: [Print; 4],
}

/// What a packet is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Print {
    /// When it came.
    pub at: i64,
    /// The first payload octets.
    pub head: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// UDP lengths have 16 bits; zero is an empty slot.
    pub bytes: u16,
    /// Sequence number.
    pub sequence: u16,
}

impl Print {
    #[inline]
    fn of(arrival: &Arrival) -> Self {
        Self {
            at: arrival.seen.at.0,
            head: arrival.head,
            timestamp: arrival.timestamp,
            bytes: arrival.bytes as u16,
            sequence: arrival.sequence,
        }
    }
}

impl Copies {
    /// Remembers the `n`-th packet.
    #[inline]
    pub fn note(&mut self, n: u64, arrival: &Arrival) {
        self.put(n, Print::of(arrival));
    }

    /// Remembers `print` as that of the `n`-th packet.
    #[inline]
    pub fn put(&mut self, n: u64, print: Print) {
        let [a, b, c, d] = &mut self.ring;
        let slot = match n % 4 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
        *slot = print;
    }

    /// Sequence number and timestamp of the `n`-th packet, if it is one of the last four.
    pub fn nth(&self, n: u64) -> (u16, u32) {
        let [a, b, c, d] = &self.ring;
        let print = [a, b, c, d].into_iter().nth((n % 4) as usize).unwrap_or(a);
        (print.sequence, print.timestamp)
    }

    /// Whether one of the last four is this packet, no more than [`COPY_WINDOW`] away.
    pub fn hold(&self, arrival: &Arrival) -> bool {
        let this = Print::of(arrival);
        self.ring.iter().any(|that| {
            let apart = this.at.saturating_sub(that.at).saturating_abs();
            apart <= COPY_WINDOW.0 && Print { at: this.at, ..*that } == this
        })
    }
}
