//! A signalling flow as a whole, TCP connection or UDP pair: what was seen of each direction, and where.

use super::copies::COPY_WINDOW;
use super::tls::Handshake;
use super::{Course, Misframed, Opening, Seen, Sightings};
use crate::decode::{Dir, FlowKey, MacPair, Packet, TapId, TcpHeader};
use crate::hash;
use crate::record::Seq;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::sync::Arc;

/// A signalling flow: its 5-tuple and the record that opened it, so that a reused 5-tuple is another connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnId {
    /// The 5-tuple.
    pub flow: FlowKey,
    /// Seq of its first packet.
    pub opened: Seq,
}

/// What the flow carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Nothing known yet.
    Unknown,
    /// SIP in the clear.
    Sip,
    /// TLS records.
    Tls,
    /// STUN or TURN.
    Stun,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// It is open as far as the capture shows.
    Open,
    /// FIN was seen.
    Fin,
    /// RST was seen.
    Rst,
}

/// One direction of a signalling flow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Half {
    /// Runs of packets by tap and link addresses.
    pub sightings: Sightings,
    /// First packet.
    pub first: Option<Seen>,
    /// Lowest and highest acknowledgment number.
    acks: Option<(u32, u32)>,
    /// Payload bytes that never came, though later ones did.
    pub lost: u64,
    /// Segments with other bytes than those that came first in their place; the first were read.
    pub conflicts: u64,
    /// SIP messages whose Content-Length does not tell where they end; the first few.
    pub misframed: Vec<Misframed>,
    /// What the last packets were, to tell copies from packets.
    recent: Recent,
    /// How its last message came.
    pub course: Option<Arc<Course>>,
}

impl Half {
    fn note_ack(&mut self, tcp: TcpHeader) {
        if tcp.ack_set() && !tcp.rst() {
            let later = |known: u32| tcp.ack.wrapping_sub(known) < 1 << 31;
            let (first, last) = self.acks.unwrap_or((tcp.ack, tcp.ack));
            self.acks = Some((if later(first) { first } else { tcp.ack }, if later(last) { tcp.ack } else { last }));
        }
    }

    /// Segments of TCP were seen, and not only what somebody handed on of them.
    pub fn is_tcp(&self) -> bool {
        self.acks.is_some()
    }

    /// Bytes of the other direction that it acknowledges, from the first acknowledgment to the last.
    pub fn acknowledged(&self) -> u32 {
        self.acks.map_or(0, |(first, last)| last.wrapping_sub(first))
    }

    /// It acknowledges more and more: the other direction sends, seen or not.
    pub fn acknowledges(&self) -> bool {
        self.acks.is_some_and(|(first, last)| first != last)
    }
}

/// A signalling flow as far as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its identity.
    pub id: ConnId,
    /// First packet.
    pub first: Seen,
    /// Which way its first packet went: for TCP with a SYN, who opened it.
    pub opener: Dir,
    /// What was seen of its TCP handshake.
    pub opening: Opening,
    /// What it carries.
    pub content: Content,
    /// The two directions, by [`Dir::index`].
    pub halves: [Half; 2],
    /// How it ended.
    pub end: End,
    /// Which way the first FIN or RST went, and where it was seen.
    pub ended: Option<(Dir, Seen)>,
    /// What its TLS handshake showed, if it has one.
    pub tls: Option<Box<Handshake>>,
}

impl Connection {
    /// Opened by `packet`, which is not counted yet.
    pub fn open(packet: &Packet<'_>) -> Self {
        let opener = match packet.tcp {
            Some(tcp) if tcp.syn() && tcp.ack_set() => packet.dir.reverse(),
            _ => packet.dir,
        };
        Self {
            id: ConnId { flow: packet.flow, opened: packet.seq },
            first: Seen::of(packet),
            opener,
            opening: Opening::default(),
            content: Content::Unknown,
            halves: Default::default(),
            end: End::Open,
            ended: None,
            tls: None,
        }
    }

    /// Counts one packet of it; one that a mirror port copied counts once, and is told.
    pub fn count(&mut self, packet: &Packet<'_>) -> bool {
        let half = self.half_mut(packet.dir);
        if half.recent.hold(packet) {
            return true;
        }
        half.first.get_or_insert_with(|| Seen::of(packet));
        half.sightings.count(packet);
        if let Some(tcp) = packet.tcp {
            self.half_mut(packet.dir).note_ack(tcp);
            if !self.opening.is_over() {
                self.opening.note(packet, tcp, self.opener);
            }
            match (tcp.rst(), tcp.fin(), self.end) {
                (true, _, End::Open) => self.end = End::Rst,
                (_, true, End::Open) => self.end = End::Fin,
                _ => return false,
            }
            self.ended = Some((packet.dir, Seen::of(packet)));
        }
        false
    }

    /// One direction.
    pub fn half(&self, dir: Dir) -> &Half {
        let [up, down] = &self.halves;
        match dir {
            Dir::Up => up,
            Dir::Down => down,
        }
    }

    /// One direction, to change.
    pub fn half_mut(&mut self, dir: Dir) -> &mut Half {
        let [up, down] = &mut self.halves;
        match dir {
            Dir::Up => up,
            Dir::Down => down,
        }
    }
}

/// The last four packets of a direction; room for them is made when they come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Recent {
    prints: SmallVec<[Print; 1]>,
    /// Where the next one goes.
    at: u8,
}

/// Packets remembered.
const MOST_RECENT: usize = 4;

/// What two copies of a packet share, and when the first came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Print {
    at: Timestamp,
    /// Numbers of TCP, or a hash of a datagram.
    number: u64,
    len: u32,
    tap: TapId,
    macs: MacPair,
    flags: u8,
    ttl: u8,
    dscp: u8,
}

impl Recent {
    /// Whether one of the last packets was this one, seen at the same tap with the same time to live a moment ago. Remembers it.
    fn hold(&mut self, packet: &Packet<'_>) -> bool {
        let print = Print::of(packet);
        let held = self.prints.iter().any(|before| print.at - before.at <= COPY_WINDOW && Print { at: print.at, ..*before } == print);
        match self.prints.get_mut(usize::from(self.at)) {
            Some(oldest) => *oldest = print,
            None => self.prints.push(print),
        }
        self.at = (self.at + 1) % MOST_RECENT as u8;
        held
    }
}

impl Print {
    fn of(packet: &Packet<'_>) -> Self {
        let (number, flags) = match packet.tcp {
            Some(tcp) => (u64::from(tcp.seq) << 32 | u64::from(tcp.ack), tcp.flags),
            None => (hash::quick(&[packet.payload]), 0),
        };
        let len = u32::try_from(packet.payload.len()).unwrap_or(u32::MAX);
        let link = packet.link;
        Self { at: packet.at, number, len, tap: packet.tap, macs: link.macs, flags, ttl: link.ttl, dscp: link.dscp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::packet;

    #[test]
    fn copy_of_a_mirror_port_is_no_packet_and_a_retransmission_is_one() {
        let sent =
            [packet(0), packet(0).seen(0, 64, 200), packet(0).seen(0, 63, 300), packet(0).seen(0, 64, 500_000), packet(1).at_ms(501)];
        let mut connection = sent[0].give(|packet, _| Connection::open(packet));
        for rtp in &sent {
            rtp.give(|packet, _| connection.count(packet));
        }
        let half = connection.half(Dir::Up);
        let runs: Vec<(u8, u64)> = half.sightings.0.iter().map(|run| (run.ttl, run.packets)).collect();
        assert_eq!((runs, half.first.map(|seen| seen.at.0)), (vec![(64, 3), (63, 1)], Some(0)));
        assert_eq!(connection.half(Dir::Down).first, None);
    }
}
