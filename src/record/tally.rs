//! What a walk keeps of the records it passed: counts, times, and the running maximum that orders them.

use super::{Head, InterfaceId, LinkType};
use crate::time::{Span, Timestamp};

/// Counts and times of one input so far.
#[derive(Debug, Clone, Copy)]
pub struct Tally {
    /// Index of the input.
    pub input: u32,
    /// Records walked.
    pub records: u64,
    /// Running maximum of capture time, that of the inputs it continues included: the merge key.
    pub run: Timestamp,
    /// Earliest capture time.
    pub earliest: Timestamp,
    /// Latest capture time.
    pub latest: Timestamp,
    /// Records whose time is before the latest so far.
    pub back: u64,
    /// The longest step back.
    pub back_most: Span,
}

impl Tally {
    /// Nothing walked yet of `input`.
    pub fn new(input: u32) -> Self {
        let (min, max) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        Self { input, records: 0, run: min, earliest: max, latest: min, back: 0, back_most: Span(0) }
    }

    /// Counts a record captured at `at` and gives its number and merge key.
    #[inline(always)]
    fn take(&mut self, at: Timestamp) -> (u64, Timestamp) {
        self.records += 1;
        self.run = self.run.max(at);
        self.earliest = self.earliest.min(at);
        if at < self.latest {
            self.back += 1;
            self.back_most = self.back_most.max(self.latest - at);
        }
        self.latest = self.latest.max(at);
        (self.records, self.run)
    }
}

/// Where a walk stands and where its heads go; lives for one call of a walker's inner loop.
pub struct Pass<'a> {
    /// The current block.
    pub data: &'a [u8],
    /// Where in it the next record or block begins.
    pub pos: usize,
    /// Where heads go.
    pub heads: &'a mut Vec<Head>,
    /// Heads to stop at.
    pub full: usize,
    /// Highest merge key to take.
    pub limit: Timestamp,
    /// Index of the block in the window.
    pub slot: u32,
    /// Counts and times.
    pub tally: Tally,
}

/// A record as its header tells it.
pub struct Found {
    /// Capture time.
    pub at: Timestamp,
    /// Where its bytes begin in the block.
    pub offset: usize,
    /// Captured length in bytes.
    pub len: u32,
    /// Length on the wire as the header has it.
    pub wire_len: u32,
    /// The interface.
    pub interface: InterfaceId,
    /// Link type.
    pub link: LinkType,
}

/// Why an inner loop stopped.
#[derive(Debug)]
pub enum Stop {
    /// As many heads as were asked for.
    Full,
    /// The next record is past the limit; its merge key.
    Limit(Timestamp),
    /// This many bytes from `pos` on must lie in the block to go on.
    More(usize),
    /// The file is damaged at `pos`.
    Bad(String),
    /// The input has ended.
    End,
}

impl Pass<'_> {
    /// Adds the head of a record, or says that it is past the limit, in which case nothing has changed.
    #[inline(always)]
    pub fn admit(&mut self, found: Found) -> Option<Stop> {
        let key = self.tally.run.max(found.at);
        if key > self.limit {
            return Some(Stop::Limit(key));
        }
        let (number, clock) = self.tally.take(found.at);
        self.heads.push(Head {
            at: found.at,
            clock,
            number,
            offset: found.offset as u64,
            len: found.len,
            wire_len: found.wire_len.max(found.len),
            block: self.slot,
            input: self.tally.input,
            interface: found.interface,
            link: found.link,
        });
        None
    }
}
