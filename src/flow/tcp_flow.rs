//! A TCP connection: what it carries in each direction at each of its taps, and the messages read from it.

use super::half::{Half, Way};
use super::lane::Lanes;
use super::{Connection, Content, End, Message};
use crate::decode::{Dir, Packet};
use crate::ledger::{Kind, Ledger};
use crate::record::Seq;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Port of SIP over TLS (RFC 3261 section 19.1.2).
pub const SIPS_PORT: u16 = 5061;

/// One TCP connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TcpFlow {
    /// What was seen of it.
    pub connection: Connection,
    lanes: Lanes,
    /// Seq of its last packet.
    pub last_seq: Seq,
    /// Clock at its last packet.
    pub last_clock: Timestamp,
    /// Changed since it was last reported.
    pub changed: bool,
}

impl TcpFlow {
    /// Opened by `packet`, which is not applied yet.
    pub fn open(packet: &Packet<'_>) -> Self {
        Self {
            connection: Connection::open(packet),
            lanes: Lanes::default(),
            last_seq: packet.seq,
            last_clock: packet.clock,
            changed: false,
        }
    }

    /// A SYN that does not belong to this connection: its 5-tuple is used again. At a tap that saw nothing of the connection it may
    /// be a copy with other numbers, unless the connection is over.
    pub fn is_reopened_by(&self, packet: &Packet<'_>) -> bool {
        let Some(syn) = packet.tcp.filter(|tcp| tcp.syn()) else { return false };
        let elsewhere = self.is_ended() && !syn.ack_set() && self.lanes.is_unknown_start(packet.dir, syn.seq);
        elsewhere || self.lanes.is_other_start(packet.tap, packet.dir, syn.seq)
    }

    /// Applies one segment; whole messages go to `out`.
    pub fn apply(&mut self, packet: &Packet<'_>, ledger: &mut Ledger, out: &mut Vec<Message>) {
        let Some(header) = packet.tcp else { return };
        let copy = self.note(packet);
        let carries = !packet.payload.is_empty() || packet.cut > 0;
        if !carries || header.syn() {
            ledger.count(Kind::Tcp, 1);
            return;
        }
        let way = self.way(packet.dir);
        let Some(half) = self.lanes.of(packet.tap, packet.dir, &header).and_then(|lane| lane.half(packet.dir)) else {
            ledger.count(Kind::Tcp, 1);
            return;
        };
        half.take(packet, header.seq, copy, way, ledger, out);
        let content = half.content();
        if self.connection.content == Content::Unknown {
            self.connection.content = content;
        }
        self.sum_up(packet.dir);
    }

    /// Notes a packet whatever it carries. Whether a mirror port made it from one of the last.
    pub fn note(&mut self, packet: &Packet<'_>) -> bool {
        self.last_seq = packet.seq;
        self.last_clock = packet.clock;
        self.changed = true;
        if let Some(header) = packet.tcp.filter(|tcp| tcp.syn())
            && let Some(lane) = self.lanes.of(packet.tap, packet.dir, &header)
        {
            lane.syn(packet.dir, header.seq);
        }
        self.connection.count(packet)
    }

    /// Skips gaps that were waited for long enough, and with `closed` reads what is left as it is.
    pub fn tick(&mut self, clock: Timestamp, closed: bool, ledger: &mut Ledger, out: &mut Vec<Message>) {
        for dir in [Dir::Up, Dir::Down] {
            let way = self.way(dir);
            for half in self.lanes.halves_mut(dir) {
                half.read(if closed { Timestamp(i64::MAX) } else { clock }, way, ledger, out);
                if closed {
                    half.read_whole(true, way, ledger, out);
                }
            }
            self.sum_up(dir);
        }
    }

    /// Reads what waits as it is and forgets it: there is no room.
    pub fn give_up(&mut self, ledger: &mut Ledger, out: &mut Vec<Message>) {
        let clock = self.last_clock;
        self.tick(clock, true, ledger, out);
        for dir in [Dir::Up, Dir::Down] {
            self.lanes.halves_mut(dir).for_each(Half::clear);
        }
        ledger.evicted += 1;
    }

    /// Something waits behind a gap: a tick may read on.
    pub fn waits(&self) -> bool {
        self.halves().any(|half| half.ordered.waits())
    }

    /// Memory held for bytes that were not read yet.
    pub fn size(&self) -> usize {
        self.halves().map(Half::size).sum()
    }

    /// FIN or RST was seen.
    pub fn is_ended(&self) -> bool {
        self.connection.end != End::Open
    }

    /// It carries SIP, or is on the port of SIP over TLS and carries nothing else: worth telling the call stage. A handshake that
    /// never completes there is a signalling hop as well.
    pub fn is_signalling(&self) -> bool {
        let (a, b) = self.connection.id.flow.endpoints();
        match self.connection.content {
            Content::Sip => true,
            Content::Stun => false,
            Content::Tls | Content::Unknown => a.port() == SIPS_PORT || b.port() == SIPS_PORT,
        }
    }

    fn halves(&self) -> impl Iterator<Item = &Half> {
        self.lanes.halves(Dir::Up).chain(self.lanes.halves(Dir::Down))
    }

    fn way(&self, dir: Dir) -> Way {
        let id = self.connection.id;
        let (src, dst) = id.flow.from_to(dir);
        Way { src, dst, id, clock: self.last_clock }
    }

    fn sum_up(&mut self, dir: Dir) {
        let sums = self.lanes.halves(dir).map(|half| (half.ordered.lost, half.ordered.conflicts));
        let (lost, conflicts) = sums.fold((0, 0), |(l, c), (lost, conflicts)| (l + lost, c + conflicts));
        let half = self.connection.half_mut(dir);
        (half.lost, half.conflicts) = (lost, conflicts);
    }
}

#[cfg(test)]
mod tests;
