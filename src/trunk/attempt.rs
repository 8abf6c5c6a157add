//! A connection that Microsoft tried to open to an SBC, and what became of it.

use super::Parties;
use crate::flow::{Content, End, Seen};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// SYNs are repeated after one second and three (RFC 6298 section 2): with nothing behind the second for so long, nothing will come.
const PATIENCE: Span = Span::secs(3);
/// Who closes so soon after the ClientHello does not want this client.
const AT_ONCE: Span = Span::secs(1);

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// The SBC took it.
    Taken,
    /// Nobody answered so many SYNs.
    Unanswered(u16),
    /// The SYN was answered by a reset.
    Reset(Seen),
    /// The SBC closed it, or reset it, right behind Microsoft's ClientHello.
    Closed(Seen),
    /// The capture does not show it.
    Unknown(Why),
}

/// Why it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// Microsoft goes on although no answer was seen.
    OneSided,
    /// One SYN, or the last one just before the end.
    TooSoon,
}

impl Why {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Why::OneSided => "only what Microsoft sends is in the capture",
            Why::TooSoon => "the capture ends before the SYN was repeated in vain",
        }
    }
}

/// The attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Microsoft's end.
    pub from: SocketAddr,
    /// The SBC's end.
    pub to: SocketAddr,
    /// The first SYN.
    pub syn: Seen,
    /// What became of it.
    pub fate: Fate,
}

impl Attempt {
    /// The attempt that this connection is, if Microsoft opened it and its SYN was seen; `clock` is how far the capture has come.
    pub fn of(parties: &Parties<'_>, clock: Timestamp) -> Option<Self> {
        let connection = parties.connection;
        let opening = &connection.opening;
        let by_microsoft = opening.syns > 0 && connection.opener != parties.from_sbc;
        let syn = connection.half(connection.opener).first.filter(|_| by_microsoft)?;
        Some(Self { from: parties.microsoft, to: parties.sbc, syn, fate: fate(parties, clock) })
    }
}

fn fate(parties: &Parties<'_>, clock: Timestamp) -> Fate {
    let connection = parties.connection;
    let opening = &connection.opening;
    let by_sbc = connection.ended.filter(|(dir, _)| *dir == parties.from_sbc).map(|(_, seen)| seen);
    if opening.answer().is_some() {
        return match by_sbc.filter(|end| is_turned_away(parties, end)) {
            Some(end) => Fate::Closed(end),
            None => Fate::Taken,
        };
    }
    let waited = |last: Timestamp| opening.syns > 1 && clock - last > PATIENCE;
    match by_sbc {
        Some(end) if connection.end == End::Rst && !opening.goes_on => Fate::Reset(end),
        _ if opening.goes_on || connection.content == Content::Sip => Fate::Unknown(Why::OneSided),
        _ if opening.last_syn().is_some_and(waited) => Fate::Unanswered(opening.syns),
        _ => Fate::Unknown(Why::TooSoon),
    }
}

/// The SBC ends the connection at once after the ClientHello, and has no hello of its own.
fn is_turned_away(parties: &Parties<'_>, end: &Seen) -> bool {
    let Some(tls) = parties.connection.tls.as_deref() else { return false };
    let offered = tls.offered.as_ref().filter(|_| tls.client == Some(parties.from_sbc.reverse()));
    offered.is_some_and(|offered| tls.chosen.is_none() && end.at - offered.seen.at <= AT_ONCE)
}
