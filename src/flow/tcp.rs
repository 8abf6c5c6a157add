//! One direction of a TCP connection put back in order (RFC 9293 section 3.4): first copy wins, gaps are waited for briefly and
//! then skipped and counted, and so is what the snap length took. Which records hold which bytes is kept until they are consumed.

use super::Seen;
use super::ahead::{Ahead, Gap};
use crate::decode::Packet;
use crate::record::RecordId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Most bytes waiting in one direction for the rest of a message; beyond it the front is given up.
pub const MOST_BUFFERED: usize = 1 << 20;
/// Most segments they may have come in.
pub const MOST_SEGMENTS: usize = 1 << 14;
/// A sequence number this far from the one expected belongs to another sequence space; windows end at 2^30 (RFC 7323 section 2.3),
/// and no flow of SIP comes near a quarter of that.
const FAR: u32 = 1 << 28;
/// A sender whose numbers are far off goes on there when so many segments in a row agree.
const MOST_STRAYS: u8 = 3;
/// An empty buffer that is larger is given back.
const KEPT: usize = 4096;

/// A segment kept for its bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Piece {
    /// Stream offset just past its last new byte.
    end: u64,
    seen: Seen,
    /// It was counted as part of a message.
    told: bool,
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Took {
    /// New bytes are readable now.
    Bytes,
    /// It waits behind a gap.
    Waits,
    /// All of it was there already: a retransmission, a copy at another tap, a probe that keeps the connection alive. Or its
    /// sequence number is from another space.
    Again,
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
    ahead: Ahead,
    /// Bytes right behind what is readable that the snap length took.
    hole: u32,
    /// Segments in a row far off, and the number that the next of them would have.
    strays: (u8, u32),
    /// The first byte of the connection was seen, and nothing was lost since: what is readable begins where messages begin.
    pub from_start: bool,
    /// Bytes that never came.
    pub lost: u64,
    /// Segments with other bytes than those that came first in their place and were still at hand.
    pub conflicts: u64,
    /// Bytes moved and pieces visited so far: the measure of work.
    #[cfg(test)]
    #[serde(skip)]
    pub steps: u64,
}

impl Ordered {
    /// A SYN fixes where the stream starts.
    pub fn syn(&mut self, sequence: u32) {
        if self.sequence.is_none() {
            self.sequence = Some(sequence.wrapping_add(1));
            self.from_start = true;
        }
    }

    /// Takes a segment with payload.
    pub fn push(&mut self, packet: &Packet<'_>, sequence: u32) -> Took {
        let Some(start) = self.offset(sequence) else { return Took::Again };
        let (seen, bytes) = (Seen::of(packet), packet.payload);
        let end = start + bytes.len() as u64;
        let whole = end + u64::from(packet.cut);
        if start > self.next {
            let (new, differs) = self.ahead.keep(start, bytes, packet.cut, seen, packet.clock);
            self.conflicts += u64::from(differs);
            return if new { Took::Waits } else { Took::Again };
        }
        self.conflicts += u64::from(self.differs(start, bytes));
        if whole <= self.next {
            return Took::Again;
        }
        let skip = usize::try_from(self.next - start).unwrap_or(usize::MAX).min(bytes.len());
        let cut = u32::try_from(whole - end.max(self.next)).unwrap_or(u32::MAX);
        let new = bytes.get(skip..).unwrap_or_default();
        if self.ahead.begins_before(end) {
            // What waits came first.
            let (_, differs) = self.ahead.keep(self.next, new, cut, seen, packet.clock);
            self.conflicts += u64::from(differs);
        } else {
            self.append(new, cut, seen);
        }
        self.drain_ahead();
        Took::Bytes
    }

    /// Bytes readable now.
    pub fn readable(&self) -> &[u8] {
        self.buffer.get(self.used..).unwrap_or_default()
    }

    /// Nothing is kept, readable or waiting.
    pub fn is_empty(&self) -> bool {
        self.used == self.buffer.len() && self.ahead.is_empty()
    }

    /// Nothing is kept, and `sequence` is the number of the next byte.
    pub fn is_at(&self, sequence: u32) -> bool {
        self.sequence == Some(sequence) && self.is_empty() && self.pieces.is_empty() && self.hole == 0
    }

    /// Lets the payload of a segment pass that nothing of is to be kept, where [`Self::is_at`] says so. Gives the record.
    pub fn pass(&mut self, packet: &Packet<'_>) -> Seen {
        let n = packet.payload.len();
        self.strays = (0, 0);
        self.sequence = self.sequence.map(|s| s.wrapping_add(n as u32));
        self.next += n as u64;
        self.start = self.next;
        #[cfg(test)]
        (self.steps += n as u64);
        Seen::of(packet)
    }

    /// Something waits behind a gap.
    pub fn waits(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// More is readable than a message may be long, in bytes or in segments.
    pub fn is_full(&self) -> bool {
        self.buffer.len() - self.used > MOST_BUFFERED || self.pieces.len() > MOST_SEGMENTS
    }

    /// Memory held, in bytes.
    pub fn size(&self) -> usize {
        self.buffer.len() + self.pieces.len() * size_of::<Piece>() + self.ahead.size()
    }

    /// All steps so far, of what waits too.
    #[cfg(test)]
    pub fn work(&self) -> u64 {
        self.steps + self.ahead.steps
    }

    /// Bytes behind what is readable that will not come: the snap length took them, or what follows them has waited long enough.
    pub fn missing(&self, clock: Timestamp) -> Option<Gap> {
        match self.hole {
            0 => self.ahead.gap(self.next, clock),
            hole => Some(Gap { bytes: u64::from(hole), crowded: false }),
        }
    }

    /// Goes on behind `gap` bytes that will not come. What is readable in front of them is forgotten.
    pub fn skip(&mut self, gap: u64) {
        self.hole = 0;
        self.lost += gap;
        self.from_start = false;
        self.drop_readable();
        self.sequence = self.sequence.map(|s| s.wrapping_add(gap as u32));
        self.next += gap;
        self.start = self.next;
        self.drain_ahead();
    }

    /// Takes `n` bytes from the front; gives the records that held them, with `true` for each that is named for the first time.
    pub fn consume(&mut self, n: usize) -> SmallVec<[(Seen, bool); 2]> {
        let mut held = SmallVec::new();
        self.advance(n, |piece| {
            held.push((piece.seen, !piece.told));
            piece.told = true;
        });
        held
    }

    /// The record at the front was named for something that turned out to be nothing: if it is `id`, it still is to be named.
    pub fn rename(&mut self, id: RecordId) {
        if let Some(piece) = self.pieces.front_mut().filter(|piece| piece.seen.id == id) {
            piece.told = false;
        }
    }

    /// How the byte before `n` was seen, of what is readable.
    pub fn seen_at(&self, n: usize) -> Option<Seen> {
        let upto = self.start + (self.used + n) as u64;
        self.pieces.iter().find(|piece| piece.end >= upto).map(|piece| piece.seen)
    }

    /// Adds bytes that came by another way than segments, in order; `held` are the records that held them, each with whether it still is
    /// to be named for the first time.
    pub fn put(&mut self, bytes: &[u8], held: &[(Seen, bool)]) {
        let mut rest = bytes;
        for (n, (seen, first)) in held.iter().enumerate() {
            // The last record completed them; each before it gets one, so that it is named.
            let last = n + 1 == held.len();
            let Some((own, behind)) = rest.split_at_checked(if last { rest.len() } else { rest.len().min(1) }) else { return };
            self.append(own, 0, *seen);
            if let Some(piece) = self.pieces.back_mut().filter(|_| !own.is_empty()) {
                piece.told = !first;
            }
            rest = behind;
        }
    }

    /// Forgets `n` bytes at the front that are of no use.
    pub fn drop_front(&mut self, n: usize) {
        self.advance(n, |_| {});
    }

    fn advance(&mut self, n: usize, mut pass: impl FnMut(&mut Piece)) {
        let n = n.min(self.buffer.len() - self.used);
        self.used += n;
        let upto = self.start + self.used as u64;
        let mut from = upto - n as u64;
        while let Some(piece) = self.pieces.front_mut().filter(|_| from < upto) {
            #[cfg(test)]
            (self.steps += 1);
            if piece.end > from {
                pass(piece);
                from = piece.end;
            }
            if piece.end > upto {
                break;
            }
            self.pieces.pop_front();
        }
        self.give_back();
    }

    /// Forgets what is readable but was not consumed.
    pub fn drop_readable(&mut self) {
        self.drop_front(usize::MAX);
    }

    /// Forgets everything that is kept, whether readable or waiting; later segments go on as before.
    pub fn clear(&mut self) {
        self.drop_readable();
        self.ahead = Ahead::default();
    }

    /// Goes on with the segment at `sequence` and what follows it; what is kept of the bytes before is forgotten.
    pub fn restart(&mut self, sequence: u32) {
        self.clear();
        (self.sequence, self.strays, self.from_start) = (Some(sequence), (0, 0), false);
    }

    /// A SYN with this sequence number opens another connection than the one that is read.
    pub fn is_other_start(&self, sequence: u32) -> bool {
        self.sequence.is_some_and(|s| s.wrapping_sub(self.next as u32) != sequence.wrapping_add(1))
    }

    /// Whether a sequence number lies in the space of this direction; `None` before its first segment.
    pub fn is_near(&self, sequence: u32) -> Option<bool> {
        self.sequence.map(|expected| is_near(expected, sequence))
    }

    /// Whether a segment goes on where what is readable ends.
    pub fn is_next(&self, sequence: u32) -> bool {
        self.sequence.is_none_or(|expected| expected == sequence)
    }

    /// Where segments begin in what is readable, the first at 0.
    pub fn segments(&self) -> impl Iterator<Item = usize> {
        let from = self.start + self.used as u64;
        let begins = std::iter::once(from).chain(self.pieces.iter().map(|piece| piece.end));
        begins.map(move |at| usize::try_from(at.saturating_sub(from)).unwrap_or(usize::MAX))
    }

    /// A segment of `len` bytes from another sequence space came. Whether so many did, one behind the other, that the sender must be
    /// taken at its word.
    pub fn strays(&mut self, sequence: u32, len: usize) -> bool {
        let (n, expected) = self.strays;
        let n = if n > 0 && is_near(expected, sequence) { n + 1 } else { 1 };
        self.strays = (n, sequence.wrapping_add(len as u32));
        n >= MOST_STRAYS
    }

    /// Stream offset of a sequence number; `None` before the first byte seen.
    fn offset(&mut self, sequence: u32) -> Option<u64> {
        let expected = *self.sequence.get_or_insert(sequence);
        self.strays = (0, 0);
        self.next.checked_add_signed(i64::from(distance(expected, sequence)))
    }

    /// Whether `bytes` at `start` are others than those that came first and are still in the buffer. A probe that keeps the
    /// connection alive repeats the last byte's number with any byte (RFC 9293 section 3.8.4).
    fn differs(&self, start: u64, bytes: &[u8]) -> bool {
        let end = (start + bytes.len() as u64).min(self.next);
        let from = start.max(self.start);
        let len = usize::try_from(end.saturating_sub(from)).unwrap_or(0);
        if len == 0 || bytes.len() == 1 && end == self.next {
            return false;
        }
        let mine = usize::try_from(from - self.start).ok().and_then(|at| self.buffer.get(at..)?.get(..len));
        let theirs = usize::try_from(from - start).ok().and_then(|at| bytes.get(at..)?.get(..len));
        mine.is_some() && mine != theirs
    }

    fn append(&mut self, bytes: &[u8], cut: u32, seen: Seen) {
        self.hole = cut;
        self.buffer.extend_from_slice(bytes);
        self.next += bytes.len() as u64;
        self.sequence = self.sequence.map(|s| s.wrapping_add(bytes.len() as u32));
        if !bytes.is_empty() {
            self.pieces.push_back(Piece { end: self.next, seen, told: false });
        }
        #[cfg(test)]
        (self.steps += bytes.len() as u64);
    }

    fn drain_ahead(&mut self) {
        while let Some((start, ahead)) = self.ahead.pop(self.next) {
            let skip = usize::try_from(self.next - start).unwrap_or(usize::MAX);
            if let Some(new) = ahead.bytes.get(skip..).filter(|new| !new.is_empty()) {
                self.append(new, ahead.cut, ahead.seen);
            }
        }
    }

    /// Frees what was consumed: all at once when nothing else is left, else when it is worth moving the rest.
    fn give_back(&mut self) {
        if self.used == self.buffer.len() {
            self.buffer.clear();
            if self.buffer.capacity() > KEPT {
                self.buffer = Vec::new();
            }
            if self.pieces.capacity() > KEPT / size_of::<Piece>() {
                self.pieces.shrink_to(1);
            }
        } else if self.used > MOST_BUFFERED / 4 {
            self.buffer.drain(..self.used);
            #[cfg(test)]
            (self.steps += self.buffer.len() as u64);
        } else {
            return;
        }
        self.start += self.used as u64;
        self.used = 0;
    }
}

/// Whether two sequence numbers can belong to one space.
pub fn is_near(expected: u32, sequence: u32) -> bool {
    distance(expected, sequence).unsigned_abs() < FAR
}

/// How far `sequence` lies behind `expected`; negative before it (RFC 9293 section 3.4: modulo 2^32).
fn distance(expected: u32, sequence: u32) -> i32 {
    sequence.wrapping_sub(expected) as i32
}

/// The ids of `held` records, in order.
pub fn ids(held: &[(Seen, bool)]) -> SmallVec<[RecordId; 2]> {
    held.iter().map(|(seen, _)| seen.id).collect()
}
