//! Octets of packets that are sealed: what is kept of SRTCP and SRTP until a call with its keys is judged (`proto::srtp` says why). Few,
//! and as they came: whether they can be opened, nobody knows here.

use super::Seen;
use crate::decode::{Packet, TapId};
use crate::record::Seq;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// SRTCP packets kept of one direction of a flow; the oldest goes first. RTCP comes every few seconds.
const MOST_PACKETS: usize = 64;
/// Octets of them.
const MOST_OCTETS: usize = 8_192;
/// Taps remembered of one packet.
const MOST_PLACES: usize = 4;
/// Packets looked at for one that was seen again.
const RECENT: usize = 4;

/// An SRTCP packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Its place in the merged order.
    pub seq: Seq,
    /// Where it was seen, and when; the first first.
    pub places: SmallVec<[(TapId, Timestamp); 1]>,
    /// It.
    pub octets: Box<[u8]>,
}

/// The last SRTCP packets of one direction, in order.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedRtcp {
    list: VecDeque<Sealed>,
    octets: usize,
}

impl SealedRtcp {
    /// Keeps a packet; one that was cut cannot be opened.
    pub fn keep(&mut self, packet: &Packet<'_>) {
        if packet.cut == 0 && packet.payload.len() <= MOST_OCTETS {
            let places = SmallVec::from_iter([(packet.tap, packet.at)]);
            self.push(Sealed { seq: packet.seq, places, octets: packet.payload.into() });
        }
    }

    /// A packet was seen again, at another tap or twice at one.
    pub fn seen_again(&mut self, packet: &Packet<'_>, seen: &Seen) {
        let same = self.list.iter_mut().rev().take(RECENT).find(|sealed| *sealed.octets == *packet.payload);
        let new = same.filter(|sealed| sealed.places.len() < MOST_PLACES && sealed.places.iter().all(|(tap, _)| *tap != seen.tap));
        new.into_iter().for_each(|sealed| sealed.places.push((seen.tap, seen.at)));
    }

    fn push(&mut self, sealed: Sealed) {
        self.octets += sealed.octets.len();
        self.list.push_back(sealed);
        while self.list.len() > MOST_PACKETS || self.octets > MOST_OCTETS {
            self.octets -= self.list.pop_front().map_or(0, |gone| gone.octets.len());
        }
    }

    /// Takes in what was kept later.
    pub fn join(&mut self, later: &SealedRtcp) {
        later.list.iter().for_each(|sealed| self.push(sealed.clone()));
    }

    /// The packets in order.
    pub fn iter(&self) -> impl Iterator<Item = &Sealed> {
        self.list.iter()
    }

    /// Nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Octets that are kept.
    pub fn octets(&self) -> usize {
        self.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::packet;

    fn give(sealed: &mut SealedRtcp, tap: u32, ms: i64, octets: &[u8]) {
        packet(0).seen(tap, 64, ms * 1_000).give(|packet, _| sealed.keep(&Packet { payload: octets, ..*packet }));
    }

    #[test]
    fn the_last_packets_are_kept() {
        let mut sealed = SealedRtcp::default();
        (0..100u8).for_each(|n| give(&mut sealed, 0, i64::from(n), &[n; 100]));
        let kept: Vec<u8> = sealed.iter().map(|sealed| sealed.octets[0]).collect();
        assert_eq!((kept.len(), kept[0], sealed.octets()), (MOST_PACKETS, 36, 6_400));
        give(&mut sealed, 0, 200, &[7; 8_000]);
        assert_eq!((sealed.iter().count(), sealed.octets()), (2, 8_100));
        give(&mut sealed, 0, 300, &[7; 8_193]);
        assert_eq!(sealed.iter().count(), 2, "longer than all that may be kept");
    }

    #[test]
    fn another_tap_is_another_place_of_the_same_packet() {
        let mut sealed = SealedRtcp::default();
        give(&mut sealed, 0, 0, b"one");
        for tap in [0, 3, 3] {
            packet(0).seen(tap, 64, 5_000).give(|packet, _| {
                let packet = Packet { payload: b"one", ..*packet };
                sealed.seen_again(&packet, &Seen::of(&packet));
            });
        }
        let taps: Vec<u32> = sealed.iter().flat_map(|sealed| &sealed.places).map(|(tap, _)| tap.0).collect();
        assert_eq!(taps, [0, 3]);
    }
}
