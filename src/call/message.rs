//! A message in its leg, read once however many taps saw it: copies at other taps and passes hang on the first sighting, and a
//! retransmission is told from a copy (design section 4).

use crate::flow::{Message, Seen, Sighting, Start};
use crate::proto::sip::Sip;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// Copies at one tap and TTL come within this; RFC 3261 retransmits no sooner than T1, 500 ms.
const DUPLICATE_WITHIN: Span = Span::millis(20);
/// Copies at two taps of one source come within this: less than T1.
const COPY_WITHIN: Span = Span::millis(400);
/// Copies at taps of two sources, whose clocks may differ, come within this: 64·T1.
const COPY_ACROSS_SOURCES: Span = Span::secs(32);

/// A further sighting of a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Copy {
    /// The sighting; beyond a NAT between other addresses.
    pub sighting: Sighting,
    /// At the tap and TTL of an earlier sighting: mirrored twice.
    pub duplicate: bool,
}

/// The further sightings of a message. Most have none, so that room for them is one pointer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[expect(clippy::box_collection, reason = "a vector is three times as large, in each of all messages")]
pub struct Copies(Option<Box<Vec<Copy>>>);

impl Deref for Copies {
    type Target = [Copy];
    fn deref(&self) -> &[Copy] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl Copies {
    /// Adds one.
    pub fn push(&mut self, copy: Copy) {
        self.0.get_or_insert_default().push(copy);
    }
}

/// A message of a leg.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LegMessage {
    /// The first sighting; its time is the message's.
    pub message: Message,
    /// Its start line.
    pub start: Start,
    /// Later sightings.
    pub copies: Copies,
    /// An earlier message of the leg has the same content.
    pub retransmission: bool,
    /// Its transaction.
    pub transaction: u32,
    /// Hash of what makes two messages the same: start line, CSeq, top Via branch, To tag, RSeq.
    pub fingerprint: u64,
}

impl LegMessage {
    /// The header view.
    pub fn sip(&self) -> Sip<'_> {
        self.message.sip()
    }

    /// All sightings, the first one first.
    pub fn sightings(&self) -> impl Iterator<Item = &Sighting> {
        std::iter::once(&self.message.sighting).chain(self.copies.iter().map(|copy| &copy.sighting))
    }

    /// A mirror port made this sighting of the message from an earlier one.
    pub fn is_duplicate(&self, seen: &Seen) -> bool {
        self.copies.iter().any(|copy| copy.duplicate && copy.sighting.seq == seen.seq)
    }

    /// Whether `other`, which has the same fingerprint, is a further sighting of this message: `Some(true)` for a duplicate at one
    /// tap, `Some(false)` for a copy at another tap or pass, `None` when it is a retransmission.
    pub fn takes(&self, other: &Message) -> Option<bool> {
        let there = other.course();
        let apart = |sighting: &Sighting| Span((other.at() - sighting.at).0.saturating_abs());
        let mut seen_here = false;
        for sighting in self.sightings() {
            let here = &sighting.course;
            if here.tap == there.tap && here.ttl == there.ttl && (here.src, here.dst) == (there.src, there.dst) {
                seen_here = true;
                if apart(sighting) < DUPLICATE_WITHIN {
                    return Some(true);
                }
            }
        }
        if seen_here {
            return None;
        }
        let first = &self.message.sighting;
        let limit = if first.course.source == there.source { COPY_WITHIN } else { COPY_ACROSS_SOURCES };
        (apart(first) < limit).then_some(false)
    }
}
