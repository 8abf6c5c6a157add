//! One direction of a TCP connection put back in order (RFC 9293 section 3.4): first copy wins, gaps are waited for briefly and
//! then skipped and counted, and so is what the snap length took. Which records hold which bytes is kept until they are consumed.

use super::Seen;
use crate::decode::Packet;
use crate::record::RecordId;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::{BTreeMap, VecDeque};

/// Most bytes waiting in one direction for the rest of a message; beyond it the front is given up.
pub const MOST_BUFFERED: usize = 1 << 20;
/// Most bytes waiting behind a gap.
const MOST_AHEAD: usize = 256 << 10;
/// Most segments waiting behind a gap.
const MOST_AHEAD_SEGMENTS: usize = 128;
/// How long a gap may stay open before it is skipped.
const GAP_PATIENCE: Span = Span::secs(2);
/// Copies of one segment at one tap within this time are one packet mirrored twice.
const COPY_WITHIN: Span = Span::millis(20);

/// A segment kept for its bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Piece {
    /// Stream offset just past its last new byte.
    end: u64,
    seen: Seen,
    /// It was counted as part of a message.
    told: bool,
}

/// A segment that came before its turn.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ahead {
    bytes: Vec<u8>,
    /// Bytes behind them that the snap length took.
    cut: u32,
    seen: Seen,
    clock: Timestamp,
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Took {
    /// New bytes are readable now.
    Bytes,
    /// It waits behind a gap.
    Waits,
    /// All of it was there already: a retransmission, or a copy at another tap.
    Again,
    /// All of it was there already, at the same tap a moment ago: a mirrored duplicate.
    Duplicate,
}

/// Bytes of one direction in order. Offsets count from its first byte seen and do not wrap.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Ordered {
    /// Sequence number that stream offset `next` has; `None` before the first segment.
    sequence: Option<u32>,
    /// Offset of the next byte expected.
    next: u64,
    /// Offset of the first byte in `buffer`.
    start: u64,
    buffer: Vec<u8>,
    /// Consumed bytes at the front of `buffer`, removed in one go now and then.
    used: usize,
    pieces: VecDeque<Piece>,
    ahead: BTreeMap<u64, Ahead>,
    ahead_bytes: usize,
    /// Bytes right behind what is readable that the snap length took.
    hole: u32,
    /// Bytes that never came.
    pub lost: u64,
    recent: SmallVec<[(u32, u32, Seen); 4]>,
}

impl Ordered {
    /// A SYN fixes where the stream starts.
    pub fn syn(&mut self, sequence: u32) {
        if self.sequence.is_none() {
            self.sequence = Some(sequence.wrapping_add(1));
        }
    }

    /// Takes a segment with payload.
    pub fn push(&mut self, packet: &Packet<'_>, sequence: u32) -> Took {
        let seen = Seen::of(packet);
        let duplicate = self.is_copy(sequence, packet.payload.len() as u32, &seen);
        let Some(start) = self.offset(sequence) else {
            return if duplicate { Took::Duplicate } else { Took::Again };
        };
        let end = start + packet.payload.len() as u64;
        if end <= self.next {
            return if duplicate { Took::Duplicate } else { Took::Again };
        }
        if start > self.next {
            self.keep_ahead(start, packet, seen);
            return Took::Waits;
        }
        let skip = usize::try_from(self.next - start).unwrap_or(usize::MAX);
        self.append(packet.payload.get(skip..).unwrap_or_default(), packet.cut, seen);
        self.drain_ahead();
        Took::Bytes
    }

    /// Bytes readable now.
    pub fn readable(&self) -> &[u8] {
        self.buffer.get(self.used..).unwrap_or_default()
    }

    /// Bytes behind what is readable that will not come: the snap length took them, or what follows them has waited long enough.
    pub fn missing(&self, clock: Timestamp) -> Option<u64> {
        if self.hole > 0 {
            return Some(u64::from(self.hole));
        }
        let (&offset, first) = self.ahead.first_key_value()?;
        let full = self.ahead_bytes > MOST_AHEAD || self.ahead.len() > MOST_AHEAD_SEGMENTS;
        (full || clock - first.clock >= GAP_PATIENCE).then(|| offset.saturating_sub(self.next))
    }

    /// Goes on behind `gap` bytes that will not come. What is readable in front of them is forgotten.
    pub fn skip(&mut self, gap: u64) {
        self.hole = 0;
        self.lost += gap;
        self.drop_readable();
        self.sequence = self.sequence.map(|s| s.wrapping_add(gap as u32));
        self.next += gap;
        self.start = self.next;
        self.drain_ahead();
    }

    /// Takes `n` bytes from the front; gives the records that held them, with `true` for each that is named for the first time.
    pub fn consume(&mut self, n: usize) -> SmallVec<[(Seen, bool); 2]> {
        let n = n.min(self.buffer.len() - self.used);
        self.used += n;
        let upto = self.start + self.used as u64;
        let mut held = SmallVec::new();
        let mut from = upto - n as u64;
        for piece in &mut self.pieces {
            if from >= upto {
                break;
            }
            if piece.end > from {
                held.push((piece.seen, !piece.told));
                piece.told = true;
                from = piece.end;
            }
        }
        while self.pieces.front().is_some_and(|piece| piece.end <= upto) {
            self.pieces.pop_front();
        }
        if self.used == self.buffer.len() || self.used > MOST_BUFFERED / 4 {
            self.buffer.drain(..self.used);
            self.start += self.used as u64;
            self.used = 0;
        }
        held
    }

    /// Forgets what is readable but was not consumed; gives how many bytes that was.
    pub fn drop_readable(&mut self) -> usize {
        let n = self.readable().len();
        self.consume(n);
        n
    }

    /// A SYN with this sequence number opens another connection than the one that is read.
    pub fn is_other_start(&self, sequence: u32) -> bool {
        self.sequence.is_some_and(|s| self.next > 0 && s.wrapping_sub(self.next as u32) != sequence.wrapping_add(1))
    }

    /// Stream offset of a sequence number; `None` far before the start.
    fn offset(&mut self, sequence: u32) -> Option<u64> {
        let expected = *self.sequence.get_or_insert(sequence);
        let ahead = sequence.wrapping_sub(expected) as i32;
        self.next.checked_add_signed(i64::from(ahead))
    }

    fn append(&mut self, bytes: &[u8], cut: u32, seen: Seen) {
        self.hole = cut;
        self.buffer.extend_from_slice(bytes);
        self.next += bytes.len() as u64;
        self.sequence = self.sequence.map(|s| s.wrapping_add(bytes.len() as u32));
        self.pieces.push_back(Piece { end: self.next, seen, told: false });
    }

    fn keep_ahead(&mut self, start: u64, packet: &Packet<'_>, seen: Seen) {
        if self.ahead.get(&start).is_none_or(|kept| kept.bytes.len() < packet.payload.len()) {
            let kept = Ahead { bytes: packet.payload.to_vec(), cut: packet.cut, seen, clock: packet.clock };
            self.ahead_bytes += kept.bytes.len();
            if let Some(shorter) = self.ahead.insert(start, kept) {
                self.ahead_bytes -= shorter.bytes.len();
            }
        }
    }

    fn drain_ahead(&mut self) {
        while let Some(entry) = self.ahead.first_entry() {
            if *entry.key() > self.next {
                break;
            }
            let (start, ahead) = entry.remove_entry();
            self.ahead_bytes -= ahead.bytes.len();
            let skip = usize::try_from(self.next - start).unwrap_or(usize::MAX);
            if let Some(new) = ahead.bytes.get(skip..).filter(|new| !new.is_empty()) {
                self.append(new, ahead.cut, ahead.seen);
            }
        }
    }

    fn is_copy(&mut self, sequence: u32, len: u32, seen: &Seen) -> bool {
        let copy = self.recent.iter().any(|(s, l, before)| {
            *s == sequence && *l == len && before.tap == seen.tap && before.ttl == seen.ttl && seen.at - before.at < COPY_WITHIN
        });
        if self.recent.len() >= 4 {
            self.recent.remove(0);
        }
        self.recent.push((sequence, len, *seen));
        copy
    }
}

/// The ids of `held` records, in order.
pub fn ids(held: &[(Seen, bool)]) -> SmallVec<[RecordId; 2]> {
    held.iter().map(|(seen, _)| seen.id).collect()
}
