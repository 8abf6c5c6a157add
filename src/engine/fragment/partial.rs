//! One datagram while its fragments come: what arrived, in which order the bytes lie, and who brought them.

use super::units::Units;
use super::{Arrival, Datagram};
use crate::decode::{Fragment, FragmentKey, Link};
use crate::record::RecordId;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Fragment offsets count these many bytes (RFC 791 section 3.1).
const UNIT: u32 = 8;
/// Largest datagram, in bytes: the length fields of IP hold no more.
const MAX_DATAGRAM: u32 = 65_535;

/// A run of units that one record was the first to bring.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Piece {
    /// Where it lies in the datagram.
    offset: u32,
    /// Where its bytes lie in `Partial::data`.
    start: usize,
    /// How many of them were captured; less than it has on the wire leaves a hole behind it.
    len: u32,
    /// Several where a tunnel's datagram came in fragments itself.
    records: SmallVec<[RecordId; 1]>,
}

/// A datagram of which something is missing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Partial {
    /// The fragment that came first, by whose clock the datagram times out.
    pub first: Arrival,
    /// The fragment that came last.
    pub last: Arrival,
    /// All fragments that came, duplicates included.
    pub n_records: u64,
    /// Follows another copy that was completed just before.
    pub is_copy: bool,
    /// As of the fragment at offset 0; of the first that came before that.
    link: Link,
    total: Option<u32>,
    units: Units,
    data: Vec<u8>,
    pieces: Vec<Piece>,
}

/// What a fragment brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brought {
    /// All of it was missing.
    New,
    /// Some of it had come before, and the first copy was kept.
    Overlap,
    /// Nothing.
    Nothing,
}

/// End of a fragment in its datagram, in bytes; `None` when no datagram is that long.
pub fn end(fragment: &Fragment<'_>) -> Option<u32> {
    let len = u32::try_from(fragment.payload.len()).ok()?.checked_add(fragment.cut)?;
    fragment.offset.checked_add(len).filter(|end| *end <= MAX_DATAGRAM)
}

impl Partial {
    /// A datagram of which nothing has come yet.
    pub fn new(arrival: &Arrival, link: Link, is_copy: bool) -> Self {
        Self {
            first: *arrival,
            last: *arrival,
            n_records: 0,
            is_copy,
            link,
            total: None,
            units: Units::default(),
            data: Vec::new(),
            pieces: Vec::new(),
        }
    }

    /// Whether `fragment`, which ends at `end`, would bring anything.
    pub fn lacks(&self, fragment: &Fragment<'_>, end: u32) -> bool {
        let total = self.total.or((!fragment.more).then_some(end));
        let (from, to, _) = units(fragment, end, total);
        self.units.lacks(from, to) || total != self.total
    }

    /// Adds a fragment that ends at `end`, and that came `inside` another datagram if it is a tunnel's. What came first stays: bytes,
    /// and where the datagram ends.
    pub fn add(&mut self, arrival: &Arrival, fragment: &Fragment<'_>, end: u32, inside: Option<&Datagram>) -> Brought {
        self.n_records += inside.map_or(1, |outer| outer.n_held + 1);
        let carriers = inside.map_or(std::slice::from_ref(&arrival.id), |outer| &outer.records);
        self.last = *arrival;
        if fragment.offset == 0 && self.units.lacks(0, 1) {
            self.link = fragment.link;
        }
        let ends_it = !fragment.more && self.total.is_none() && self.units.end() <= end.div_ceil(UNIT);
        if ends_it {
            self.total = Some(end);
        }
        let (from, to, end) = units(fragment, end, self.total);
        let before = self.units.n();
        let (data, pieces) = (&mut self.data, &mut self.pieces);
        self.units.claim(from, to, |from, to| {
            let (offset, run_end) = (from * UNIT, (to * UNIT).min(end));
            let skip = offset.saturating_sub(fragment.offset) as usize;
            let len = run_end.saturating_sub(offset);
            let captured = head(fragment.payload.get(skip..).unwrap_or_default(), len);
            pieces.push(Piece { offset, start: data.len(), len: captured.len() as u32, records: carriers.into() });
            data.extend_from_slice(captured);
        });
        match self.units.n() - before {
            0 if ends_it => Brought::New,
            0 => Brought::Nothing,
            n if n < to - from => Brought::Overlap,
            _ => Brought::New,
        }
    }

    /// Whether nothing is missing any more.
    pub fn is_complete(&self) -> bool {
        self.total.is_some_and(|total| self.units.n() == total.div_ceil(UNIT))
    }

    /// Memory held, in bytes.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.data.len() + self.units.size() + self.pieces.len() * size_of::<Piece>()
    }

    /// The complete datagram: its bytes up to the first that snaplen took.
    pub fn complete(mut self, key: FragmentKey) -> Datagram {
        let records = records(&self.pieces);
        let (payload, _) = self.front();
        let cut = self.total.unwrap_or_default().saturating_sub(payload.len() as u32);
        Datagram { key, link: self.link, payload, cut, records, n_held: self.n_records.saturating_sub(1), arrival: self.last }
    }

    /// What can be read of a datagram that will not be completed: its first bytes up to the first that is missing, if a transport
    /// header can be in them. With it, how many records lie behind.
    pub fn give_up(mut self, key: FragmentKey) -> (Option<Datagram>, u64) {
        let all = records(&self.pieces).len() as u64;
        let extent = self.total.unwrap_or(self.units.end() * UNIT);
        let (payload, n_front) = self.front();
        if payload.len() < UNIT as usize {
            return (None, self.n_records);
        }
        // Where the end is not known, at least one byte is missing.
        let cut = extent.saturating_sub(payload.len() as u32).max(1);
        self.pieces.truncate(n_front);
        // Back to order of arrival, which is that of the bytes.
        self.pieces.sort_unstable_by_key(|piece| (piece.start, piece.len));
        let records = records(&self.pieces);
        let n_behind = all.saturating_sub(records.len() as u64);
        let n_held = self.n_records.saturating_sub(n_behind);
        (Some(Datagram { key, link: self.link, payload, cut, records, n_held, arrival: self.last }), n_behind)
    }

    /// The bytes from offset 0 to the first that is missing, and of how many pieces; sorts the pieces by offset.
    fn front(&mut self) -> (Vec<u8>, usize) {
        self.pieces.sort_unstable_by_key(|piece| piece.offset);
        let mut front = Vec::with_capacity(self.data.len());
        let mut n = 0;
        for piece in &self.pieces {
            if piece.offset as usize != front.len() {
                break;
            }
            front.extend_from_slice(head(self.data.get(piece.start..).unwrap_or_default(), piece.len));
            n += 1;
        }
        (front, n)
    }

    /// Steps taken so far.
    #[cfg(test)]
    pub fn steps(&self) -> u64 {
        self.units.steps
    }
}

/// The units that a fragment fills, and where its bytes end there. Only at the end of the datagram a unit may be short; what is
/// over elsewhere is dropped (RFC 791 section 3.2).
fn units(fragment: &Fragment<'_>, end: u32, total: Option<u32>) -> (u32, u32, u32) {
    let end = end.min(total.unwrap_or(end));
    let to = if total == Some(end) { end.div_ceil(UNIT) } else { end / UNIT };
    (fragment.offset / UNIT, to, end)
}

/// At most the first `len` bytes.
fn head(bytes: &[u8], len: u32) -> &[u8] {
    bytes.get(..len as usize).unwrap_or(bytes)
}

/// Who brought these pieces, in order of arrival.
fn records(pieces: &[Piece]) -> SmallVec<[RecordId; 4]> {
    let mut records = SmallVec::new();
    let mut last: &[RecordId] = &[];
    for piece in pieces.iter().filter(|piece| !piece.records.is_empty()) {
        if piece.records.as_slice() != last {
            records.extend_from_slice(&piece.records);
        }
        last = &piece.records;
    }
    records
}
