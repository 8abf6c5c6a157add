//! Packets of a stream that are kept whole, so that the key they are sealed with can be proven (`proto::srtp` says why): two of its first
//! and the last two of those that are sampled. What cannot be sealed by its length is not kept.

use crate::proto::rtp::Header;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Packets kept of the beginning.
const FIRST: usize = 2;
/// Packets kept in all.
const MOST: usize = 4;
/// Longest packet kept, in octets: 20 ms of any sound.
const LONGEST: usize = 256;
/// Octets of 5 ms of G.711 and G.722. No tag is as long, with or without the identifier of a key.
const STEP: usize = 40;

/// A packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Specimen {
    /// When it came.
    pub at: Timestamp,
    /// It.
    pub octets: Box<[u8]>,
}

/// The packets in order of arrival.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Specimens {
    /// Boxed, because most streams have none.
    #[expect(clippy::box_collection, reason = "most streams have none")]
    list: Option<Box<Vec<Specimen>>>,
}

impl Specimens {
    /// Keeps a packet that is sampled and whole, if it may be sealed.
    pub fn keep(&mut self, at: Timestamp, header: &Header, octets: &[u8]) {
        if !may_be_sealed(header, octets.len()) {
            return;
        }
        let list = self.list.get_or_insert_with(|| Box::new(Vec::with_capacity(MOST)));
        // Sequence, timestamp and source stand in the first twelve octets; the same packet may come by another tap.
        if list.iter().any(|known| known.octets.get(..12) == octets.get(..12)) {
            return;
        }
        if list.len() >= MOST {
            list.remove(FIRST);
        }
        list.push(Specimen { at, octets: octets.into() });
    }

    /// The packets.
    pub fn iter(&self) -> impl Iterator<Item = &Specimen> {
        self.list.iter().flat_map(|list| list.iter())
    }
}

/// Whether a packet of `len` octets may be sealed and is short enough to be kept.
pub fn may_be_sealed(header: &Header, len: usize) -> bool {
    len <= LONGEST && !is_plain(header)
}

/// Its payload is as long as sound of its type is without a tag.
fn is_plain(header: &Header) -> bool {
    matches!(header.payload_type, 0 | 8 | 9) && header.payload_len.is_multiple_of(STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(specimens: &mut Specimens, payload_type: u8, sequence: u8, len: usize) {
        let octets = [&[0x80, payload_type, 0, sequence, 0, 0, 0, 0, 0, 0, 0, 1][..], &vec![7; len]].concat();
        specimens.keep(Timestamp(0), &Header::read(&octets).unwrap(), &octets);
    }

    #[test]
    fn first_and_last_are_kept_once() {
        let mut specimens = Specimens::default();
        (1..20).for_each(|sequence| (0..2).for_each(|_| keep(&mut specimens, 8, sequence, 170)));
        assert_eq!(specimens.iter().map(|specimen| specimen.octets[3]).collect::<Vec<u8>>(), [1, 2, 18, 19]);
    }

    #[test]
    fn plain_and_long_packets_are_not_kept() {
        let mut specimens = Specimens::default();
        [160, 80, 240].into_iter().for_each(|len| keep(&mut specimens, 0, 1, len));
        keep(&mut specimens, 111, 1, 250);
        assert_eq!(specimens, Specimens::default());
        keep(&mut specimens, 111, 1, 160);
        assert_eq!(specimens.iter().count(), 1);
    }
}
