//! A message in its leg, read once however many taps saw it: copies at other taps and passes hang on the first sighting, and a
//! retransmission is told from a copy (design section 4).

use crate::flow::{Message, Seen};
use crate::hash;
use crate::proto::sip::{HeaderName, Sip};
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Copies at one tap and TTL come within this; RFC 3261 retransmits no sooner than T1, 500 ms.
const DUPLICATE_WITHIN: Span = Span::millis(20);
/// Copies at two taps of one source come within this: less than T1.
const COPY_WITHIN: Span = Span::millis(400);
/// Copies at taps of two sources, whose clocks may differ, come within this: 64·T1.
const COPY_ACROSS_SOURCES: Span = Span::secs(32);

/// A further sighting of a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Copy {
    /// The sighting.
    pub seen: Seen,
    /// Sender there: another address beyond a NAT.
    pub src: SocketAddr,
    /// Receiver there.
    pub dst: SocketAddr,
    /// At the tap and TTL of an earlier sighting: mirrored twice.
    pub duplicate: bool,
}

/// A message of a leg.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LegMessage {
    /// The first sighting; its time is the message's.
    pub message: Message,
    /// Later sightings.
    pub copies: Vec<Copy>,
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

    /// All sightings with sender and receiver there, the first one first.
    pub fn sightings(&self) -> impl Iterator<Item = (&Seen, SocketAddr, SocketAddr)> {
        let first = (&self.message.seen, self.message.src, self.message.dst);
        std::iter::once(first).chain(self.copies.iter().map(|copy| (&copy.seen, copy.src, copy.dst)))
    }

    /// A mirror port made this sighting of the message from an earlier one.
    pub fn is_duplicate(&self, seen: &Seen) -> bool {
        self.copies.iter().any(|copy| copy.duplicate && copy.seen.seq == seen.seq)
    }

    /// Whether `other`, which has the same fingerprint, is a further sighting of this message: `Some(true)` for a duplicate at one
    /// tap, `Some(false)` for a copy at another tap or pass, `None` when it is a retransmission.
    pub fn takes(&self, other: &Message) -> Option<bool> {
        let here = |seen: &Seen, src, dst| seen.tap == other.seen.tap && seen.ttl == other.seen.ttl && (src, dst) == (other.src, other.dst);
        let apart = |seen: &Seen| Span((other.seen.at - seen.at).0.saturating_abs());
        let mut seen_here = false;
        for (seen, src, dst) in self.sightings() {
            if here(seen, src, dst) {
                seen_here = true;
                if apart(seen) < DUPLICATE_WITHIN {
                    return Some(true);
                }
            }
        }
        if seen_here {
            return None;
        }
        let first = &self.message.seen;
        let limit = if first.source == other.seen.source { COPY_WITHIN } else { COPY_ACROSS_SOURCES };
        (apart(first) < limit).then_some(false)
    }
}

/// Hash of what makes two messages the same wherever they are seen. A proxy that forwards a message changes its top Via branch,
/// so each hop's message stays its own. Provisional responses that are acknowledged are numbered (RFC 3262 section 3): a second 180
/// with the next RSeq is a message of its own.
pub fn fingerprint(sip: &Sip<'_>) -> u64 {
    let number = sip.cseq().map_or(0, |(number, _)| number).to_be_bytes();
    let method = sip.cseq().map_or(&b""[..], |(_, method)| method);
    let tag = sip.to_tag().unwrap_or_default();
    let rseq = sip.first(HeaderName::RSeq).unwrap_or_default();
    hash::stable(&[sip.start_line(), &number, method, sip.branch().unwrap_or_default(), tag, &rseq])
}
