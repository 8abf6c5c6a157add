//! Segments that came before their turn: what is new of each is kept until the gap in front of it closes or is given up.

use super::Seen;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most bytes waiting behind a gap.
const MOST_BYTES: usize = 256 << 10;
/// Most pieces waiting behind a gap.
const MOST_PIECES: usize = 256;
/// How long a gap may stay open before it is skipped.
const PATIENCE: Span = Span::secs(2);

/// Bytes that wait, with none of them in two pieces.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Waiting {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Bytes behind them that the snap length took.
    pub cut: u32,
    /// The segment that brought them.
    pub seen: Seen,
    clock: Timestamp,
}

/// The first gap, once it is to be skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Its bytes.
    pub bytes: u64,
    /// It had time left, but too much waits behind it.
    pub crowded: bool,
}

/// What waits, by stream offset.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Ahead {
    pieces: BTreeMap<u64, Waiting>,
    bytes: usize,
    /// Pieces visited so far: the measure of work.
    #[cfg(test)]
    #[serde(skip)]
    pub steps: u64,
}

impl Ahead {
    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Something waits that begins before `end`.
    pub fn begins_before(&self, end: u64) -> bool {
        self.pieces.first_key_value().is_some_and(|(begin, _)| *begin < end)
    }

    /// Memory held, in bytes.
    pub fn size(&self) -> usize {
        self.bytes + self.pieces.len() * size_of::<Waiting>()
    }

    /// Keeps what is new of `bytes`, which begin at `start` and have `cut` more behind them. What came first stays. Returns whether
    /// anything was new, and whether bytes that were there already are others than these. At most one step for each byte given.
    pub fn keep(&mut self, start: u64, bytes: &[u8], cut: u32, seen: Seen, clock: Timestamp) -> (bool, bool) {
        let end = start + bytes.len() as u64;
        let before = self.pieces.range(..start).next_back().map(|(at, _)| *at).unwrap_or(start);
        let (mut at, mut differs, mut fresh) = (start, false, Vec::new());
        for (&begin, piece) in self.pieces.range(before..end) {
            #[cfg(test)]
            (self.steps += 1);
            let piece_end = begin + piece.bytes.len() as u64;
            if begin > at {
                fresh.push((at, begin));
            }
            differs |= part(&piece.bytes, begin, at.max(begin), end) != part(bytes, start, at.max(begin), piece_end.min(end));
            at = at.max(piece_end);
        }
        if at < end {
            fresh.push((at, end));
        }
        for (from, to) in &fresh {
            let new = part(bytes, start, *from, *to).to_vec();
            self.bytes += new.len();
            let cut = if *to == end { cut } else { 0 };
            self.pieces.insert(*from, Waiting { bytes: new, cut, seen, clock });
        }
        (!fresh.is_empty(), differs)
    }

    /// Takes out the first piece, if it begins at `next` or before.
    pub fn pop(&mut self, next: u64) -> Option<(u64, Waiting)> {
        let entry = self.pieces.first_entry().filter(|entry| *entry.key() <= next)?;
        #[cfg(test)]
        (self.steps += 1);
        let (start, waiting) = entry.remove_entry();
        self.bytes -= waiting.bytes.len();
        Some((start, waiting))
    }

    /// The gap between `next` and the first piece, when it was waited for long enough at `clock`, or too much waits.
    pub fn gap(&self, next: u64, clock: Timestamp) -> Option<Gap> {
        let (&offset, first) = self.pieces.first_key_value()?;
        let late = clock - first.clock >= PATIENCE;
        let crowded = self.bytes > MOST_BYTES || self.pieces.len() > MOST_PIECES;
        (late || crowded).then(|| Gap { bytes: offset.saturating_sub(next), crowded: !late })
    }
}

/// The bytes of `from..to`, of a piece that begins at `start`; what lies outside is left out.
fn part(bytes: &[u8], start: u64, from: u64, to: u64) -> &[u8] {
    let place = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(place(from)..place(to)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::packet;

    fn keep(ahead: &mut Ahead, start: u64, bytes: &[u8]) -> (bool, bool) {
        ahead.keep(start, bytes, 0, packet(0).arrival().seen, Timestamp(0))
    }

    fn all(mut ahead: Ahead) -> Vec<(u64, String)> {
        std::iter::from_fn(|| ahead.pop(u64::MAX)).map(|(at, piece)| (at, String::from_utf8(piece.bytes).unwrap())).collect()
    }

    #[test]
    fn first_copy_of_a_byte_stays_and_another_is_told() {
        let mut ahead = Ahead::default();
        assert_eq!(keep(&mut ahead, 10, b"abcd"), (true, false));
        assert_eq!(keep(&mut ahead, 20, b"xy"), (true, false));
        assert_eq!(keep(&mut ahead, 11, b"bc"), (false, false));
        assert_eq!(keep(&mut ahead, 12, b"cZ"), (false, true));
        assert_eq!(keep(&mut ahead, 8, b"12abcd789012xy56"), (true, false));
        assert_eq!(ahead.bytes, 16);
        let pieces = [(8, "12"), (10, "abcd"), (14, "789012"), (20, "xy"), (22, "56")];
        assert_eq!(all(ahead), pieces.map(|(at, text)| (at, text.to_owned())));
    }

    #[test]
    fn work_is_linear_in_the_bytes_whatever_overlaps() {
        let mut ahead = Ahead::default();
        (0..200u64).for_each(|i| assert!(keep(&mut ahead, 1_000 + i * 2, b"x").0));
        let before = ahead.steps;
        let whole = [b'x'; 400];
        (0..100).for_each(|_| assert!(!keep(&mut ahead, 1_000, &whole).1));
        assert!(ahead.steps - before <= 100 * 400, "{}", ahead.steps - before);
    }

    #[test]
    fn a_gap_is_skipped_when_it_is_old_or_too_much_waits() {
        let mut ahead = Ahead::default();
        keep(&mut ahead, 10, b"a");
        assert_eq!(ahead.gap(4, Timestamp(1_999_999_999)), None);
        assert_eq!(ahead.gap(4, Timestamp(2_000_000_000)), Some(Gap { bytes: 6, crowded: false }));
        keep(&mut ahead, 20, &vec![0; MOST_BYTES]);
        assert_eq!(ahead.gap(4, Timestamp(0)), Some(Gap { bytes: 6, crowded: true }));
    }
}
