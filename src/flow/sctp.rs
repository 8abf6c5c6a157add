//! User messages of an SCTP association: data chunks put together where a message takes several (RFC 9260 section 6.9).

use super::Seen;
use crate::decode::Packet;
use crate::proto::sctp::{Data, data};
use crate::record::{RecordId, Seq};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// Chunks that wait for others of their message, in one direction.
const MOST_WAITING: usize = 64;
/// Chunks of one message.
const MOST_CHUNKS: u32 = 64;

/// One user message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMessage {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The snap length took some of them.
    pub cut: bool,
    /// The records that carried it, in order of its bytes.
    pub records: SmallVec<[RecordId; 2]>,
    /// How many of them were counted before as SCTP alone.
    pub held: u64,
}

/// A chunk that waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Piece {
    begins: bool,
    ends: bool,
    bytes: Vec<u8>,
    cut: bool,
    id: RecordId,
}

/// An association, as far as one 5-tuple shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SctpFlow {
    waiting: [BTreeMap<u32, Piece>; 2],
    /// Chunks that were let go because too many waited.
    pub evicted: u64,
    /// Seq of its last packet.
    pub last_seq: Seq,
    /// Clock at its last packet.
    pub last_clock: Timestamp,
}

impl SctpFlow {
    /// An association whose first packet is this.
    pub fn open(packet: &Packet<'_>) -> Self {
        Self { waiting: Default::default(), evicted: 0, last_seq: packet.seq, last_clock: packet.clock }
    }

    /// Takes a packet; gives the messages that it completes, in order.
    pub fn apply(&mut self, packet: &Packet<'_>) -> Vec<UserMessage> {
        (self.last_seq, self.last_clock) = (packet.seq, packet.clock);
        let id = Seen::of(packet).id;
        data(packet.payload).filter_map(|chunk| self.take(packet.dir.index(), &chunk, id)).collect()
    }

    fn take(&mut self, dir: usize, chunk: &Data<'_>, id: RecordId) -> Option<UserMessage> {
        if chunk.begins && chunk.ends {
            return Some(UserMessage { bytes: chunk.bytes.to_vec(), cut: chunk.cut, records: [id].into_iter().collect(), held: 0 });
        }
        let waiting = self.waiting.get_mut(dir)?;
        let piece = Piece { begins: chunk.begins, ends: chunk.ends, bytes: chunk.bytes.to_vec(), cut: chunk.cut, id };
        waiting.entry(chunk.tsn).or_insert(piece);
        let message = complete(waiting, chunk.tsn);
        while waiting.len() > MOST_WAITING {
            waiting.pop_first();
            self.evicted += 1;
        }
        message
    }
}

/// Takes out the message that the chunk `tsn` belongs to if all of it is there. Numbers wrap.
fn complete(waiting: &mut BTreeMap<u32, Piece>, tsn: u32) -> Option<UserMessage> {
    let back = (0..MOST_CHUNKS).map(|n| tsn.wrapping_sub(n));
    let first = back.take_while(|n| waiting.contains_key(n)).find(|n| waiting.get(n).is_some_and(|piece| piece.begins))?;
    let on = (0..MOST_CHUNKS).map(|n| first.wrapping_add(n));
    let last = on.take_while(|n| waiting.contains_key(n)).find(|n| waiting.get(n).is_some_and(|piece| piece.ends))?;
    let mut message = UserMessage { bytes: Vec::new(), cut: false, records: SmallVec::new(), held: 0 };
    for n in 0..=last.wrapping_sub(first) {
        let piece = waiting.remove(&first.wrapping_add(n))?;
        message.bytes.extend(&piece.bytes);
        message.cut |= piece.cut;
        if !message.records.contains(&piece.id) {
            message.records.push(piece.id);
        }
    }
    // All but the record that completes it.
    message.held = message.records.len().saturating_sub(1) as u64;
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(tsn: u32, begins: bool, ends: bool, bytes: &'static [u8]) -> Data<'static> {
        Data { tsn, begins, ends, bytes, cut: false }
    }

    fn run(chunks: &[Data<'_>]) -> (Vec<UserMessage>, SctpFlow) {
        let mut flow = SctpFlow { waiting: Default::default(), evicted: 0, last_seq: Seq(0), last_clock: Timestamp(0) };
        let id = |n: usize| RecordId { input: 0, number: n as u64 + 1 };
        let out = chunks.iter().enumerate().filter_map(|(n, chunk)| flow.take(0, chunk, id(n))).collect();
        (out, flow)
    }

    #[test]
    fn message_in_several_chunks_is_joined_in_any_order_and_over_the_wrap() {
        let parts = [chunk(u32::MAX, true, false, b"IN"), chunk(0, false, false, b"VI"), chunk(1, false, true, b"TE")];
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let (out, flow) = run(&order.map(|at| parts[at]));
            assert_eq!((out.len(), out[0].bytes.as_slice(), out[0].held, flow.waiting[0].len()), (1, &b"INVITE"[..], 2, 0));
        }
    }

    #[test]
    fn chunks_whose_message_never_completes_are_let_go() {
        let chunks: Vec<_> = (0..1_000).map(|n| chunk(n * 2, true, false, b"x")).collect();
        let (out, flow) = run(&chunks);
        assert_eq!((out.len(), flow.waiting[0].len(), flow.evicted), (0, MOST_WAITING, 1_000 - MOST_WAITING as u64));
    }
}
