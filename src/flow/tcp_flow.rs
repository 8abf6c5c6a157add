//! A TCP connection: what it carries in each direction at each of its taps, and the messages read from it.

use super::half::{Half, Reading, Way};
use super::keylog::KeyLog;
use super::lane::Lanes;
use super::text::Near;
use super::tls::{Kept, Session};
use super::{Connection, Content, End, Message, SentOn};
use crate::decode::{Dir, Packet};
use crate::error::Undecoded;
use crate::ledger::{Kind, Ledger};
use crate::record::{RecordId, Seq};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Why TLS records are not read although their key is known now.
const TOO_LATE: Undecoded = Undecoded::new("tls", "key came too late");

/// Port of SIP over TLS (RFC 3261 section 19.1.2).
pub const SIPS_PORT: u16 = 5061;
/// Port of HTTPS: there the service is asked for other things than calls.
pub const HTTPS_PORT: u16 = 443;

/// Ports that SBCs listen on for SIP, by custom: 5060 and 5061 (RFC 3261 section 19.1.2), and those behind them, one a trunk.
fn is_sip_port(port: u16) -> bool {
    (5060..5100).contains(&port)
}

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
    /// Messages that an agent sent on over it, until they are taken.
    #[serde(skip)]
    pub sent_on: Vec<SentOn>,
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
            sent_on: Vec::new(),
        }
    }

    /// A SYN that does not belong to this connection: its 5-tuple is used again. At a tap that saw nothing of the connection it may
    /// be a copy with other numbers, unless the connection is over.
    pub fn is_reopened_by(&self, packet: &Packet<'_>) -> bool {
        let Some(syn) = packet.tcp.filter(|tcp| tcp.syn()) else { return false };
        let elsewhere = self.is_ended() && !syn.ack_set() && self.lanes.is_unknown_start(packet.dir, syn.seq);
        elsewhere || self.lanes.is_other_start(packet.tap, packet.dir, syn.seq)
    }

    /// Applies one segment; whole messages go to `out`. The text before it was `near`.
    pub fn apply(&mut self, packet: &Packet<'_>, keys: &KeyLog, near: &mut Near, ledger: &mut Ledger, out: &mut Vec<Message>) {
        let Some(header) = packet.tcp else { return };
        let copy = self.note(packet);
        // What waited for keys comes first: records are numbered.
        self.read_late(keys, false, ledger, out);
        let carries = !packet.payload.is_empty() || packet.cut > 0;
        if !carries || header.syn() {
            ledger.count(Kind::Tcp, 1);
            return;
        }
        let way = self.way(packet.dir);
        let Some((half, tls)) = self.lanes.of(packet.tap, packet.dir, &header).and_then(|lane| lane.half(packet.dir)) else {
            ledger.count(Kind::Tcp, 1);
            return;
        };
        let mut reading = Reading { way, tls, keys, ledger, out, sent_on: &mut self.sent_on, secured: false };
        half.take(packet, header.seq, copy, near, &mut reading);
        let content = half.content();
        if self.connection.content == Content::Unknown || content == Content::Sip {
            self.connection.content = content;
        }
        self.sum_up(packet.dir);
    }

    /// Reads TLS records again whose keys have come meanwhile; `closed`: no more will.
    fn read_late(&mut self, keys: &KeyLog, closed: bool, ledger: &mut Ledger, out: &mut Vec<Message>) {
        let ways = [Dir::Up, Dir::Down].map(|dir| self.way(dir));
        let before = out.len();
        for lane in self.lanes.late_mut(keys, closed) {
            let Some((mut records, dropped)) = lane.take_late() else { continue };
            // A packet whose first TLS record carried no data is named by the next that does.
            let mut unnamed: [Option<RecordId>; 2] = [None; 2];
            let mut read = |dir: Dir, read: &mut dyn FnMut(&mut Half, &mut Reading<'_>)| {
                if let (Some(way), Some((half, tls))) = (ways.get(dir.index()).copied(), lane.half(dir)) {
                    read(
                        half,
                        &mut Reading { way, tls, keys, ledger: &mut *ledger, out: &mut *out, sent_on: &mut self.sent_on, secured: false },
                    );
                }
            };
            for Kept { dir, record, held } in &mut records {
                let Some(unnamed) = unnamed.get_mut(dir.index()) else { continue };
                if let Some((_, first)) = held.first_mut().filter(|(seen, _)| *unnamed == Some(seen.id)) {
                    *first = true;
                }
                let mut carried = false;
                read(*dir, &mut |half, reading| carried = half.read_late(record, held, reading));
                *unnamed = held.last().filter(|(_, first)| *first && !carried).map(|(seen, _)| seen.id);
            }
            for (dir, id) in [Dir::Up, Dir::Down].into_iter().zip(unnamed) {
                id.into_iter().for_each(|id| read(dir, &mut |half, _| half.ordered.rename(id)));
            }
            for (dir, dropped) in [Dir::Up, Dir::Down].into_iter().zip(dropped).filter(|(_, dropped)| dropped.bytes > 0) {
                read(dir, &mut |half, reading| {
                    reading.ledger.lose(Kind::Tls, TOO_LATE, dropped.fresh);
                    half.lose(dropped.bytes, reading);
                });
            }
        }
        // Requests and responses were read direction by direction.
        if let Some(late) = out.get_mut(before..) {
            late.sort_by_key(Message::seq);
        }
        if out.len() > before {
            self.connection.content = Content::Sip;
        }
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
    pub fn tick(&mut self, clock: Timestamp, closed: bool, keys: &KeyLog, ledger: &mut Ledger, out: &mut Vec<Message>) {
        self.read_late(keys, closed, ledger, out);
        for dir in [Dir::Up, Dir::Down] {
            let way = self.way(dir);
            for (half, tls) in self.lanes.halves_mut(dir) {
                let mut reading = Reading { way, tls, keys, ledger, out, sent_on: &mut self.sent_on, secured: false };
                half.read(if closed { Timestamp(i64::MAX) } else { clock }, &mut reading);
                if closed {
                    half.read_whole(true, &mut reading);
                }
            }
            self.sum_up(dir);
        }
    }

    /// Reads what waits as it is and forgets it: there is no room.
    pub fn give_up(&mut self, keys: &KeyLog, ledger: &mut Ledger, out: &mut Vec<Message>) {
        let clock = self.last_clock;
        self.tick(clock, true, keys, ledger, out);
        for dir in [Dir::Up, Dir::Down] {
            let way = self.way(dir);
            for (half, tls) in self.lanes.halves_mut(dir) {
                half.clear(&mut Reading { way, tls, keys, ledger, out, sent_on: &mut self.sent_on, secured: false });
            }
        }
        ledger.evicted += 1;
    }

    /// Something waits behind a gap: a tick may read on.
    pub fn waits(&self) -> bool {
        self.halves().any(|half| half.ordered.waits()) || self.lanes.sessions().any(|session| !session.late.is_empty())
    }

    /// Memory held for bytes that were not read yet.
    pub fn size(&self) -> usize {
        self.halves().map(Half::size).sum::<usize>() + self.lanes.sessions().map(Session::size).sum::<usize>()
    }

    /// Bytes kept until keys come, and since when.
    pub fn late(&self) -> Option<(Seq, usize)> {
        let since = self.lanes.sessions().filter_map(|session| session.late.since()).min()?;
        Some((since, self.lanes.sessions().map(|session| session.late.size()).sum()))
    }

    /// Lets go of what is kept until keys come: there is no room.
    pub fn evict_late(&mut self) {
        self.lanes.sessions_mut().for_each(|session| session.late.evict());
    }

    /// The connection as the call stage is told of it.
    pub fn told(&self) -> Connection {
        let tls = self.lanes.tls().map(|session| Box::new(session.handshake.clone()));
        Connection { tls, ..self.connection.clone() }
    }

    /// FIN or RST was seen.
    pub fn is_ended(&self) -> bool {
        self.connection.end != End::Open
    }

    /// It carries SIP, or is on the port of SIP over TLS and carries nothing else, or carries TLS or nothing on a port that is SIP's by
    /// custom, or its handshake names the service: worth telling the call stage. A handshake that never completes is a signalling hop
    /// as well.
    pub fn is_signalling(&self) -> bool {
        let (a, b) = self.connection.id.flow.endpoints();
        let has = |wanted: fn(u16) -> bool| wanted(a.port()) || wanted(b.port());
        match self.connection.content {
            Content::Sip => true,
            Content::Stun => false,
            Content::Tls | Content::Unknown if has(|port| port == SIPS_PORT) => true,
            Content::Tls if has(|port| port == HTTPS_PORT) => false,
            Content::Tls => has(is_sip_port) || self.lanes.tls().is_some_and(|session| session.handshake.from_service().is_some()),
            Content::Unknown => has(is_sip_port) && self.connection.opening.syns > 0 && self.halves().next().is_none(),
        }
    }

    /// It is no signalling, and its client says which host it wants.
    pub fn asks_for_host(&self) -> bool {
        let offered = self.lanes.tls().and_then(|session| session.handshake.offered.as_ref());
        offered.is_some_and(|offered| offered.what.server_name.is_some()) && !self.is_signalling()
    }

    fn halves(&self) -> impl Iterator<Item = &Half> {
        self.lanes.halves(Dir::Up).chain(self.lanes.halves(Dir::Down))
    }

    fn way(&self, dir: Dir) -> Way {
        let id = self.connection.id;
        let (src, dst) = id.flow.from_to(dir);
        Way { dir, src, dst, id, clock: self.last_clock }
    }

    fn sum_up(&mut self, dir: Dir) {
        let sums = self.lanes.halves(dir).map(|half| (half.ordered.lost, half.ordered.conflicts));
        let (lost, conflicts) = sums.fold((0, 0), |(l, c), (lost, conflicts)| (l + lost, c + conflicts));
        let half = self.connection.half_mut(dir);
        (half.lost, half.conflicts) = (lost, conflicts);
        let misframed = self.lanes.halves(dir).map(Half::misframed).find(|faults| !faults.is_empty());
        if let Some(faults) = misframed.filter(|faults| faults.len() != half.misframed.len()) {
            half.misframed = faults.to_vec();
        }
    }
}

#[cfg(test)]
mod tests;
