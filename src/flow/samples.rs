//! Samples of a pass: which packets went by, told so that two taps pick the same ones and can be compared.

use crate::flow::arrival::Arrival;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most samples a pass keeps.
pub const MAX_SAMPLES: usize = 64;
/// The sequence numbers of those sampled are divisible by this, or by a multiple of it.
pub const DIVISOR: u16 = 64;
/// The first packets of a pass are all sampled.
const FIRST: usize = 4;
/// Payload bytes that are hashed.
const HASHED: usize = 32;
/// Common samples that make two passes the same packets.
const ENOUGH: usize = 2;

/// One packet that went by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Hash of the first 32 payload bytes.
    pub hash: u32,
    /// RTP sequence number.
    pub sequence: u16,
}

impl Sample {
    fn is(&self, other: &Sample) -> bool {
        (self.sequence, self.timestamp, self.hash) == (other.sequence, other.timestamp, other.hash)
    }
}

/// The first four packets of a pass and those whose sequence number is divisible by 64. When 64 are kept, every other one of the latter
/// goes and the divisor doubles, so that taps which began at different times still share samples of a long call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    list: Vec<Sample>,
    /// Divisor - 1; the divisor is a power of two.
    mask: u16,
}

impl Default for Samples {
    fn default() -> Self {
        Self { list: Vec::new(), mask: DIVISOR - 1 }
    }
}

impl Samples {
    /// The samples in order of arrival.
    pub fn list(&self) -> &[Sample] {
        &self.list
    }

    /// The bits of a sequence number that are all zero where a packet is sampled; `None` while every packet is.
    pub fn is_under_way(&self) -> Option<u16> {
        (self.list.len() >= FIRST).then_some(self.mask)
    }

    /// Samples the packet if its turn it is; only then is `hash` asked for.
    #[inline]
    pub fn arrive(&mut self, arrival: &Arrival, hash: impl FnOnce() -> u32) {
        if arrival.sequence & self.mask == 0 || self.list.len() < FIRST {
            self.keep(Sample { at: arrival.seen.at, timestamp: arrival.timestamp, hash: hash(), sequence: arrival.sequence });
        }
    }

    /// Keeps a sample whose turn it is.
    pub fn keep(&mut self, sample: Sample) {
        while self.list.len() >= MAX_SAMPLES && self.mask < u16::MAX {
            self.mask = self.mask << 1 | 1;
            let (mask, mut n) = (self.mask, 0);
            self.list.retain(|kept| {
                n += 1;
                n <= FIRST || kept.sequence & mask == 0
            });
        }
        if self.list.len() < MAX_SAMPLES && (self.list.len() < FIRST || sample.sequence & self.mask == 0) {
            self.list.push(sample);
        }
    }

    /// Samples that both hold, mine first.
    pub fn common<'a>(&'a self, other: &'a Samples) -> impl Iterator<Item = (&'a Sample, &'a Sample)> {
        self.list.iter().filter_map(|mine| Some((mine, other.list.iter().find(|theirs| theirs.is(mine))?)))
    }

    /// At least two samples in common: the same packets, at another tap or beyond a NAT.
    pub fn agree(&self, other: &Samples) -> bool {
        self.common(other).nth(ENOUGH - 1).is_some()
    }
}

/// Hash of the first 32 bytes of a payload, the same on every machine.
pub fn hash(payload: &[u8]) -> u32 {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let start = payload.get(..HASHED).unwrap_or(payload);
    let sum = start.chunks(8).fold(start.len() as u64, |sum, word| {
        let word = word.iter().fold(0u64, |w, b| w << 8 | u64::from(*b));
        let wide = u128::from(sum ^ word ^ MULTIPLIER) * u128::from(MULTIPLIER);
        (wide as u64) ^ (wide >> 64) as u64
    });
    (sum ^ sum >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::packet;

    fn samples(sequences: impl Iterator<Item = u16>) -> Samples {
        let mut samples = Samples::default();
        for sequence in sequences {
            samples.arrive(&packet(sequence).arrival(), || u32::from(sequence) * 7);
        }
        samples
    }

    #[test]
    fn first_four_and_every_64th_are_kept() {
        let got: Vec<u16> = samples(100..300).list().iter().map(|s| s.sequence).collect();
        assert_eq!(got, [100, 101, 102, 103, 128, 192, 256]);
    }

    #[test]
    fn taps_that_began_at_different_times_share_samples() {
        let (a, b) = (samples((0..=65_535).chain(0..=65_535)), samples(20_000..=65_535));
        assert!(a.list().len() <= MAX_SAMPLES && b.list().len() <= MAX_SAMPLES && a.agree(&b));
        assert!(a.common(&b).count() > 10);
    }

    #[test]
    fn other_payload_does_not_agree() {
        let mut other = samples(0..200);
        other.list.iter_mut().for_each(|s| s.hash ^= 1);
        assert!(!samples(0..200).agree(&other));
    }

    #[test]
    fn hash_reads_32_bytes() {
        let mut payload = [5u8; 160];
        let before = hash(&payload);
        payload[32] = 6;
        assert_eq!(hash(&payload), before);
        payload[31] = 6;
        assert_ne!(hash(&payload), before);
        assert_ne!(hash(&[0; 3]), hash(&[0; 4]));
    }
}
