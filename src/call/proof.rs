//! Whether the key that was negotiated for a stream is the one in use: the tags of few of its packets, calculated with it.

use super::keyring::Tried;
use crate::flow::{Pass, Stream};
use crate::proto::{
    rtp::Header,
    srtp::{Session, Suite},
};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// What packets of a stream say of its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The suite of the last key that was proven; without any, that of all that were tried, if they agree.
    pub suite: Option<Suite>,
    /// Packets that were sealed with an announced key of the sender.
    pub verified: u64,
    /// Packets that were not.
    pub failed: u64,
    /// One key took the place of another.
    pub rekeyed: bool,
}

/// Tries the keys on what is kept of a stream; `None` without a key.
pub fn prove(stream: &Stream, keys: &Tried<'_>) -> Option<Proof> {
    let first = keys.first()?.suite();
    let agreed = keys.iter().all(|key| key.suite() == first).then_some(first);
    let mut proof = Proof { suite: agreed, verified: 0, failed: 0, rekeyed: false };
    let with_tags: SmallVec<[&Session; 4]> = keys.iter().copied().filter(|key| key.has_rtp_tag()).collect();
    let mut before = None;
    for specimen in stream.specimens().filter(|_| !with_tags.is_empty()) {
        let turns = turns(stream, specimen.at);
        match with_tags.iter().position(|key| authenticates(key, &specimen.octets, turns)) {
            Some(place) => {
                proof.verified += 1;
                proof.rekeyed |= before.is_some_and(|before| before != place);
                proof.suite = with_tags.get(place).map(|key| key.suite());
                before = Some(place);
            }
            None => proof.failed += 1,
        }
    }
    Some(proof)
}

/// The roll-over counter as it is guessed, one beside it either way, and that of a sender who began anew.
fn authenticates(key: &Session, octets: &[u8], turns: u32) -> bool {
    let Some(header) = Header::read(octets) else { return false };
    let guesses = [Some(turns), turns.checked_add(1), turns.checked_sub(1), Some(0)];
    guesses.into_iter().flatten().any(|turns| key.authenticates(octets, header.payload_offset, turns))
}

/// How often the sequence number of the stream turned over until then, as far as its samples tell.
fn turns(stream: &Stream, until: Timestamp) -> u32 {
    let samples = stream.last_pass().map_or(&[][..], |pass: &Pass| pass.samples().list());
    let pairs = samples.iter().zip(samples.iter().skip(1)).take_while(|(_, next)| next.at <= until);
    pairs.filter(|(one, next)| one.sequence.checked_sub(next.sequence).is_some_and(|back| back > 1 << 15)).count() as u32
}
