//! A TCP connection: what it carries in each direction, and the SIP messages read from it (RFC 3261 section 18.3).

use super::tcp::{self, MOST_BUFFERED, Ordered, Took};
use super::{ConnId, Connection, Content, End, Message, Origin, Seen, Text, Transport};
use crate::decode::{Dir, Packet};
use crate::ledger::{Kind, Ledger};
use crate::proto::{
    sip::{self, Framing},
    tls,
};
use crate::record::{RecordId, Seq};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::net::SocketAddr;

/// Segments looked at for a SIP or TLS start before a direction is taken for something else; each later one is still probed where
/// it begins, so that a connection joined in the middle is found at its next message.
const MOST_UNKNOWN_BYTES: usize = 4096;

/// Port of SIP over TLS (RFC 3261 section 19.1.2).
const SIPS_PORT: u16 = 5061;

/// One direction.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Half {
    content: Content,
    ordered: Ordered,
    /// How far the search for the end of a header section got in what is readable.
    scanned: usize,
}

impl Default for Half {
    fn default() -> Self {
        Self { content: Content::Unknown, ordered: Ordered::default(), scanned: 0 }
    }
}

/// One TCP connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TcpFlow {
    /// What was seen of it.
    pub connection: Connection,
    halves: [Half; 2],
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
            halves: Default::default(),
            last_seq: packet.seq,
            last_clock: packet.clock,
            changed: false,
        }
    }

    /// A SYN that does not belong to this connection: its 5-tuple is used again.
    pub fn is_reopened_by(&self, packet: &Packet<'_>) -> bool {
        packet.tcp.is_some_and(|tcp| tcp.syn() && !tcp.ack_set() && self.half(packet.dir).ordered.is_other_start(tcp.seq))
    }

    /// Applies one segment; whole messages go to `out`.
    pub fn apply(&mut self, packet: &Packet<'_>, ledger: &mut Ledger, out: &mut Vec<Message>) {
        let Some(header) = packet.tcp else { return };
        self.last_seq = packet.seq;
        self.last_clock = packet.clock;
        self.changed = true;
        self.connection.count(packet);
        if header.syn() {
            self.half_mut(packet.dir).ordered.syn(header.seq);
        }
        if packet.payload.is_empty() || header.syn() {
            ledger.count(Kind::Tcp, 1);
            return;
        }
        let took = self.half_mut(packet.dir).ordered.push(packet, header.seq);
        if took == Took::Duplicate {
            ledger.duplicates += 1;
        }
        self.classify(packet);
        ledger.count(self.kind_of_segment(packet.dir, took), 1);
        if matches!(took, Took::Bytes | Took::Waits) {
            self.read(packet.dir, packet.clock, ledger, out);
        }
    }

    /// Skips gaps that were waited for long enough, and with `closed` reads what is left as it is.
    pub fn tick(&mut self, clock: Timestamp, closed: bool, ledger: &mut Ledger, out: &mut Vec<Message>) {
        for dir in [Dir::Up, Dir::Down] {
            self.read(dir, if closed { Timestamp(i64::MAX) } else { clock }, ledger, out);
            if closed {
                self.read_whole(dir, true, ledger, out);
            }
        }
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
            Content::Tls | Content::Unknown => a.port() == SIPS_PORT || b.port() == SIPS_PORT,
        }
    }

    fn half(&self, dir: Dir) -> &Half {
        let [up, down] = &self.halves;
        match dir {
            Dir::Up => up,
            Dir::Down => down,
        }
    }

    fn half_mut(&mut self, dir: Dir) -> &mut Half {
        let [up, down] = &mut self.halves;
        match dir {
            Dir::Up => up,
            Dir::Down => down,
        }
    }

    /// Settles what a direction carries, from the bytes it can read or from where this segment begins.
    fn classify(&mut self, packet: &Packet<'_>) {
        let half = self.half_mut(packet.dir);
        if half.content != Content::Unknown {
            return;
        }
        let readable = half.ordered.readable();
        if sip::probe(readable) || sip::probe(packet.payload) {
            half.content = Content::Sip;
        } else if tls::probe(readable) || tls::probe(packet.payload) {
            half.content = Content::Tls;
        } else if readable.len() > MOST_UNKNOWN_BYTES {
            half.ordered.drop_readable();
        }
        let content = half.content;
        if self.connection.content == Content::Unknown {
            self.connection.content = content;
        }
    }

    /// What a segment counts as before its message is complete.
    fn kind_of_segment(&self, dir: Dir, took: Took) -> Kind {
        match (self.half(dir).content, took) {
            (Content::Tls, _) => Kind::Tls,
            (Content::Sip, Took::Again | Took::Duplicate) => Kind::Sip,
            _ => Kind::Tcp,
        }
    }

    /// Reads what is readable at `clock`. In front of bytes that will not come a message ends where it is cut.
    fn read(&mut self, dir: Dir, clock: Timestamp, ledger: &mut Ledger, out: &mut Vec<Message>) {
        self.read_whole(dir, false, ledger, out);
        while let Some(gap) = self.half(dir).ordered.missing(clock) {
            self.read_whole(dir, true, ledger, out);
            self.half_mut(dir).ordered.skip(gap);
            self.read_whole(dir, false, ledger, out);
        }
        self.connection.half_mut(dir).lost = self.half(dir).ordered.lost;
    }

    /// Reads what is readable; `closed`: nothing will follow it.
    fn read_whole(&mut self, dir: Dir, closed: bool, ledger: &mut Ledger, out: &mut Vec<Message>) {
        let (id, clock) = (self.connection.id, self.last_clock);
        let (src, dst) = id.flow.from_to(dir);
        let half = self.half_mut(dir);
        match half.content {
            Content::Sip => half.read_sip(Addressed { src, dst, id, clock }, closed, ledger, out),
            Content::Tls => {
                half.ordered.drop_readable();
            }
            Content::Unknown => {}
        }
    }
}

/// Who sends to whom, over which connection.
#[derive(Clone, Copy)]
struct Addressed {
    src: SocketAddr,
    dst: SocketAddr,
    id: ConnId,
    clock: Timestamp,
}

impl Half {
    fn read_sip(&mut self, way: Addressed, closed: bool, ledger: &mut Ledger, out: &mut Vec<Message>) {
        loop {
            let readable = self.ordered.readable();
            if readable.is_empty() {
                return;
            }
            match sip::frame(readable, closed, &mut self.scanned) {
                Framing::Keepalive(n) => {
                    let held = self.ordered.consume(n);
                    recount(&held, ledger);
                }
                Framing::NotSip(n) => {
                    self.ordered.consume(n.max(1));
                }
                Framing::Message(n) => self.emit(way, n, ledger, out),
                Framing::More if closed => {
                    self.ordered.drop_readable();
                }
                Framing::More if readable.len() > MOST_BUFFERED => {
                    ledger.evicted += 1;
                    self.ordered.drop_readable();
                }
                Framing::More => return,
            }
            self.scanned = 0;
        }
    }

    fn emit(&mut self, way: Addressed, n: usize, ledger: &mut Ledger, out: &mut Vec<Message>) {
        let bytes = self.ordered.readable().get(..n).unwrap_or_default();
        let scanned = sip::scan(bytes, false).map(|index| (Text::copy(bytes), index));
        let held = self.ordered.consume(n);
        let (Some((text, index)), Some((seen, _))) = (scanned, held.last().copied()) else { return };
        recount(&held, ledger);
        let records: SmallVec<[RecordId; 2]> = tcp::ids(&held);
        let cut = index.cut;
        out.push(Message {
            seen,
            clock: way.clock,
            src: way.src,
            dst: way.dst,
            transport: Transport::Tcp,
            origin: Origin::Clear,
            connection: way.id,
            text,
            index,
            records,
            correlation: None,
            cut,
        });
    }
}

/// Moves records that are named for the first time from TCP to SIP.
fn recount(held: &[(Seen, bool)], ledger: &mut Ledger) {
    let fresh = held.iter().filter(|(_, first)| *first).count();
    ledger.recount(Kind::Tcp, Kind::Sip, fresh as u64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{FlowKey, Link, MacPair, TapId, TcpHeader, TunnelsId, flow_key};
    use crate::record::SourceId;
    use crate::time::Span;

    const INVITE: &[u8] = b"INVITE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 10\r\n\r\n0123456789";
    const BYE: &[u8] = b"BYE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n";

    /// Segments as (offset, bytes, bytes that the snap length took, milliseconds), and what is read when each has come.
    fn read(segments: &[(u32, &[u8], u32, i64)]) -> Vec<Vec<(String, bool)>> {
        let flow = FlowKey::v4([192, 0, 2, 1], 5060, [192, 0, 2, 2], 5060, flow_key::TCP).0;
        let (mut state, mut ledger) = (None, Ledger::default());
        let mut apply = |(n, (offset, payload, cut, ms)): (usize, &(u32, &[u8], u32, i64))| {
            let at = Timestamp(0) + Span::millis(*ms);
            let packet = Packet {
                seq: Seq(n as u64),
                id: RecordId { input: 0, number: n as u64 + 1 },
                at,
                clock: at,
                tap: TapId(0),
                source: SourceId(0),
                link: Link { macs: MacPair::default(), ttl: 64, dscp: 0 },
                flow,
                dir: Dir::Up,
                tcp: Some(TcpHeader { seq: (u32::MAX - 20).wrapping_add(*offset), ack: 0, flags: 16 }),
                payload,
                cut: *cut,
                fragments: &[],
                held: 0,
                correlation: &[],
                tunnels: TunnelsId(0),
            };
            let mut out = Vec::new();
            state.get_or_insert_with(|| TcpFlow::open(&packet)).apply(&packet, &mut ledger, &mut out);
            out.iter().map(|m| (String::from_utf8_lossy(m.sip().method_text()).into_owned(), m.cut)).collect()
        };
        segments.iter().enumerate().map(&mut apply).collect()
    }

    fn said(messages: &[(&str, bool)]) -> Vec<(String, bool)> {
        messages.iter().map(|(method, cut)| ((*method).to_owned(), *cut)).collect()
    }

    #[test]
    fn message_that_the_snap_length_cut_is_read_at_once_as_cut() {
        let whole = INVITE.len() as u32;
        let read = read(&[(0, &INVITE[..whole as usize - 4], 4, 0), (whole, BYE, 0, 1)]);
        assert_eq!(read, [said(&[("INVITE", true)]), said(&[("BYE", false)])]);
    }

    #[test]
    fn message_whose_rest_never_came_is_read_as_cut_when_the_gap_is_given_up() {
        let whole = INVITE.len() as u32;
        let read = read(&[(0, &INVITE[..30], 0, 0), (whole, BYE, 0, 1), (whole + BYE.len() as u32, BYE, 0, 2_500)]);
        assert_eq!(read, [said(&[]), said(&[]), said(&[("INVITE", true), ("BYE", false), ("BYE", false)])]);
    }

    #[test]
    fn rest_that_comes_late_fills_its_gap() {
        let (first, rest) = INVITE.split_at(30);
        let read = read(&[(0, first, 0, 0), (INVITE.len() as u32, BYE, 0, 1), (30, rest, 0, 900)]);
        assert_eq!(read, [said(&[]), said(&[]), said(&[("INVITE", false), ("BYE", false)])]);
    }
}
