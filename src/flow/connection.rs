//! A signalling flow as a whole, TCP connection or UDP pair: what was seen of each direction, and where.

use super::{Seen, Sightings};
use crate::decode::{Dir, FlowKey, Packet};
use crate::record::Seq;
use serde::{Deserialize, Serialize};

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
    /// Payload bytes that never came, though later ones did.
    pub lost: u64,
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
    /// What it carries.
    pub content: Content,
    /// The two directions, by [`Dir::index`].
    pub halves: [Half; 2],
    /// How it ended.
    pub end: End,
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
            content: Content::Unknown,
            halves: Default::default(),
            end: End::Open,
        }
    }

    /// Counts one packet of it.
    pub fn count(&mut self, packet: &Packet<'_>) {
        self.half_mut(packet.dir).sightings.count(packet);
        if let Some(tcp) = packet.tcp {
            match (tcp.rst(), tcp.fin(), self.end) {
                (true, _, End::Open) => self.end = End::Rst,
                (_, true, End::Open) => self.end = End::Fin,
                _ => {}
            }
        }
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
