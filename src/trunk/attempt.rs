//! A connection that Microsoft tried to open to an SBC, or an SBC to Microsoft, and what became of it.

use super::Parties;
use crate::decode::Dir;
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
    /// The other side took it.
    Taken,
    /// Nobody answered so many SYNs.
    Unanswered(u16),
    /// The SYN was answered by a reset.
    Reset(Seen),
    /// The other side closed it, or reset it, right behind the ClientHello; of an SBC's: TLS failed.
    Closed(Seen),
    /// The capture does not show it.
    Unknown(Why),
}

/// Why it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// Who opened it goes on although no answer was seen.
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
    /// Who opens it.
    pub from: SocketAddr,
    /// Who should take it.
    pub to: SocketAddr,
    /// The first SYN.
    pub syn: Seen,
    /// What became of it.
    pub fate: Fate,
}

impl Attempt {
    /// The attempt that this connection is, if Microsoft opened it and its SYN was seen; `clock` is how far the capture has come.
    pub fn of(parties: &Parties<'_>, clock: Timestamp) -> Option<Self> {
        let syn = syn(parties, parties.from_sbc.reverse())?;
        Some(Self { from: parties.microsoft, to: parties.sbc, syn, fate: fate(parties, parties.from_sbc, clock) })
    }

    /// The same where the SBC opened it.
    pub fn by_sbc(parties: &Parties<'_>, clock: Timestamp) -> Option<Self> {
        let syn = syn(parties, parties.from_sbc)?;
        let fate = match fate(parties, parties.from_sbc.reverse(), clock) {
            Fate::Taken => tls_failure(parties).map_or(Fate::Taken, Fate::Closed),
            other => other,
        };
        Some(Self { from: parties.sbc, to: parties.microsoft, syn, fate })
    }
}

/// The first SYN, if who sends this way opened the connection.
fn syn(parties: &Parties<'_>, opener: Dir) -> Option<Seen> {
    let connection = parties.connection;
    connection.half(opener).first.filter(|_| connection.opening.syns > 0 && connection.opener == opener)
}

/// What became of it; `taker` is which way the side sends that should take it.
fn fate(parties: &Parties<'_>, taker: Dir, clock: Timestamp) -> Fate {
    let connection = parties.connection;
    let opening = &connection.opening;
    let by_taker = connection.ended.filter(|(dir, _)| *dir == taker).map(|(_, seen)| seen);
    if opening.answer().is_some() {
        return match by_taker.filter(|end| is_turned_away(parties, taker, end)) {
            Some(end) => Fate::Closed(end),
            None => Fate::Taken,
        };
    }
    let waited = |last: Timestamp| opening.syns > 1 && clock - last > PATIENCE;
    match by_taker {
        Some(end) if connection.end == End::Rst && !opening.goes_on => Fate::Reset(end),
        _ if opening.goes_on || connection.content == Content::Sip => Fate::Unknown(Why::OneSided),
        _ if opening.last_syn().is_some_and(waited) => Fate::Unanswered(opening.syns),
        _ => Fate::Unknown(Why::TooSoon),
    }
}

/// The side that should take it ends the connection at once after the ClientHello, and has no hello of its own.
fn is_turned_away(parties: &Parties<'_>, taker: Dir, end: &Seen) -> bool {
    let Some(tls) = parties.connection.tls.as_deref() else { return false };
    let offered = tls.offered.as_ref().filter(|_| tls.client == Some(taker.reverse()));
    offered.is_some_and(|offered| tls.chosen.is_none() && end.at - offered.seen.at <= AT_ONCE)
}

/// Where the TLS handshake failed: its alert, else the end that came before it was over.
fn tls_failure(parties: &Parties<'_>) -> Option<Seen> {
    let tls = parties.connection.tls.as_deref().filter(|tls| tls.offered.is_some() && !tls.is_complete())?;
    let end = parties.connection.ended.map(|(_, seen)| seen);
    tls.fault().map(|(_, alert)| alert.seen).or(end)
}
