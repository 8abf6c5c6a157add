//! One of the 64 shards: the state of its share of the flows. Its whole interface is `apply`, `tick` and `sweep`.

use super::facts::Fact;
use super::fragment::provisional;
use crate::decode::{self, FlowKey, Packet, flow_key};
use crate::flow::{Connection, Content, MediaFlow, Message, Origin, SctpFlow, Seen, Tcp, Text, Transport};
use crate::ledger::{Kind, Ledger};
use crate::proto::{dns, dtls, rtcp, rtp, sip, stun};
use crate::record::{RecordId, Seq};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

/// Number of shards: fixed, so that nothing depends on the number of threads.
pub const SHARDS: usize = 64;
/// A UDP flow without a packet for this long is closed.
const UDP_IDLE: Span = Span::secs(5 * 60);
/// An SCTP association without a packet for this long is forgotten.
const SCTP_IDLE: Span = Span::secs(30 * 60);
/// Most flows of one kind in a shard; beyond it the longest unseen go.
const MOST_FLOWS: usize = 1 << 16;
/// Flows that stay then: room for many at once, so that finding the longest unseen is seldom.
const KEPT_FLOWS: usize = MOST_FLOWS / 8 * 7;
/// Most bytes that the TCP flows of a shard keep for messages that are not whole; beyond it those longest unseen are read as they are.
const MOST_BUFFERED: usize = 8 << 20;

type Flows<T> = HashMap<FlowKey, T, foldhash::fast::RandomState>;

/// A UDP flow.
#[derive(Debug, Serialize, Deserialize)]
struct UdpFlow {
    media: MediaFlow,
    signalling: Option<Box<Connection>>,
    changed: bool,
    last_seq: Seq,
    last_clock: Timestamp,
}

/// What a sweep is asked for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Endpoints of legs that ended, with the Seq of the leg's last message: streams at them that began before it are taken.
    pub taken: HashMap<SocketAddr, Seq>,
    /// Endpoints of legs that fell silent: are there streams at them?
    pub watched: BTreeSet<SocketAddr>,
    /// Everything is taken: the capture ended.
    pub all: bool,
}

/// A shard.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Shard {
    udp: Flows<UdpFlow>,
    tcp: Flows<Tcp>,
    /// TCP flows that wait behind a gap: a tick looks at these alone.
    waiting: BTreeSet<FlowKey>,
    /// Bytes that TCP flows keep.
    buffered: usize,
    sctp: Flows<SctpFlow>,
    /// Records applied here.
    pub ledger: Ledger,
}

impl Shard {
    /// The shard that a flow belongs to.
    pub fn of(flow: &FlowKey) -> usize {
        (flow.stable_hash() % SHARDS as u64) as usize
    }

    /// The media state of a UDP flow.
    #[inline]
    pub fn media_of(&self, flow: &FlowKey) -> Option<&MediaFlow> {
        self.udp.get(flow).map(|state| &state.media)
    }

    /// Applies a packet; what it completes goes to `out`.
    /// `rtp` is what [`rtp_header`] read of it, while its bytes were at hand.
    pub fn apply(&mut self, packet: &Packet<'_>, rtp: Option<&rtp::Header>, out: &mut Vec<(Seq, Fact)>) {
        let kind = match (packet.tcp, rtp) {
            (Some(_), _) => self.tcp(packet, out),
            (None, Some(header)) => self.rtp(packet, header),
            (None, None) if packet.flow.protocol() == flow_key::SCTP => self.sctp(packet, out),
            (None, None) => self.udp(packet, out),
        };
        if packet.held > 0 {
            self.ledger.recount(provisional(packet.flow.protocol()), kind, packet.held);
        }
    }

    fn udp(&mut self, packet: &Packet<'_>, out: &mut Vec<(Seq, Fact)>) -> Kind {
        let kind = match packet.payload.first() {
            Some(0x80..=0xBF) if rtcp::probe_cut(packet.payload, packet.cut) => self.rtcp(packet),
            Some(0x0A | 0x0D | 0x20 | b'A'..=b'Z' | b'a'..=b'z') => match self.sip(packet, out) {
                true => Kind::Sip,
                false => recognise(packet),
            },
            _ => recognise(packet),
        };
        self.ledger.count(kind, 1);
        kind
    }

    /// RTP goes to its flow, which counts it.
    fn rtp(&mut self, packet: &Packet<'_>, header: &rtp::Header) -> Kind {
        let flow = self.udp.entry(packet.flow).or_insert_with(|| UdpFlow::open(packet));
        flow.touch(packet);
        flow.media.rtp(packet, header, &mut self.ledger);
        Kind::Udp
    }

    /// RTCP is told to its flow.
    fn rtcp(&mut self, packet: &Packet<'_>) -> Kind {
        if let (Some(report), Some(flow)) = (rtcp::read_cut(packet.payload, packet.cut), self.udp.get_mut(&packet.flow)) {
            flow.media.rtcp_ssrc(packet.dir, report.sender, &mut self.ledger);
        }
        Kind::Rtcp
    }

    /// A datagram that is a SIP message, or a keep-alive on a flow that carried one (RFC 5626 section 4.4.1 sends CRLF CRLF).
    fn sip(&mut self, packet: &Packet<'_>, out: &mut Vec<(Seq, Fact)>) -> bool {
        if !sip::probe(packet.payload) {
            let blank = packet.payload.iter().all(|b| matches!(b, b'\r' | b'\n' | b' '));
            return blank && self.udp.get(&packet.flow).is_some_and(|flow| flow.signalling.is_some());
        }
        // A capture agent hands on what a TCP connection carried, message by message.
        let transport = if packet.flow.protocol() == flow_key::TCP { Transport::Tcp } else { Transport::Udp };
        let own = [packet.id];
        let records = if packet.fragments.is_empty() { &own } else { packet.fragments };
        self.message(packet, transport, packet.payload, packet.cut > 0, records, out)
    }

    /// Text that may be a SIP message, which `records` carried.
    fn message(
        &mut self,
        packet: &Packet<'_>,
        transport: Transport,
        text: &[u8],
        cut: bool,
        records: &[RecordId],
        out: &mut Vec<(Seq, Fact)>,
    ) -> bool {
        let Some(index) = sip::scan(text, cut) else { return false };
        let flow = self.udp.entry(packet.flow).or_insert_with(|| UdpFlow::open(packet));
        flow.touch(packet);
        flow.changed = true;
        let connection = flow.signalling.get_or_insert_with(|| Box::new(Connection::open(packet)));
        connection.content = Content::Sip;
        connection.count(packet);
        let (src, dst) = packet.flow.from_to(packet.dir);
        let message = Message {
            seen: Seen::of(packet),
            clock: packet.clock,
            src,
            dst,
            transport,
            origin: Origin::Clear,
            connection: connection.id,
            text: Text::copy(text),
            cut: index.cut || cut,
            index,
            records: records.into(),
            correlation: (!packet.correlation.is_empty()).then(|| Text::copy(packet.correlation)),
        };
        out.push((packet.seq, Fact::Message(Box::new(message))));
        true
    }

    /// SIP among the user messages of an association (RFC 4168); what waited for its rest is SIP with it.
    fn sctp(&mut self, packet: &Packet<'_>, out: &mut Vec<(Seq, Fact)>) -> Kind {
        let flow = self.sctp.entry(packet.flow).or_insert_with(|| SctpFlow::open(packet));
        let mut kind = Kind::Sctp;
        let before = flow.evicted;
        let messages = flow.apply(packet);
        self.ledger.evicted += flow.evicted - before;
        for user in messages.iter().filter(|user| sip::probe(&user.bytes)) {
            if self.message(packet, Transport::Sctp, &user.bytes, user.cut || packet.cut > 0, &user.records, out) {
                self.ledger.recount(Kind::Sctp, Kind::Sip, user.held);
                kind = Kind::Sip;
            }
        }
        self.ledger.count(kind, 1);
        kind
    }

    fn tcp(&mut self, packet: &Packet<'_>, out: &mut Vec<(Seq, Fact)>) -> Kind {
        let mut messages = Vec::new();
        let tcp = self.tcp.entry(packet.flow).or_default();
        if tcp.keep(packet) {
            self.ledger.count(Kind::Tcp, 1);
            return Kind::Tcp;
        }
        let mut flow = tcp.flow(packet);
        let mut before = (flow.size(), flow.waits());
        if flow.is_reopened_by(packet) {
            self.buffered -= before.0;
            close_tcp(std::mem::take(tcp), packet.seq, packet.clock, &mut self.ledger, out);
            flow = tcp.flow(packet);
            before.0 = 0;
        }
        flow.apply(packet, &mut self.ledger, &mut messages);
        let after = (flow.size(), flow.waits());
        out.extend(messages.into_iter().map(|m| (packet.seq, Fact::Message(Box::new(m)))));
        self.buffered = self.buffered + after.0 - before.0;
        match (before.1, after.1) {
            (false, true) => self.waiting.insert(packet.flow),
            (true, false) => self.waiting.remove(&packet.flow),
            _ => false,
        };
        if self.buffered > MOST_BUFFERED {
            self.make_room(packet.seq, out);
        }
        Kind::Tcp
    }

    /// Reads what TCP flows keep as it is, those longest unseen first, until half the room is free.
    fn make_room(&mut self, seq: Seq, out: &mut Vec<(Seq, Fact)>) {
        let keep = |(key, tcp): (&FlowKey, &Tcp)| tcp.known().filter(|flow| flow.size() > 0).map(|flow| (flow.last_seq, *key));
        let mut flows: Vec<(Seq, FlowKey)> = self.tcp.iter().filter_map(keep).collect();
        flows.sort_unstable();
        for (_, key) in flows {
            if self.buffered <= MOST_BUFFERED / 2 {
                return;
            }
            let Some(flow) = self.tcp.get_mut(&key).and_then(Tcp::known_mut) else { continue };
            let mut messages = Vec::new();
            self.buffered -= flow.size();
            flow.give_up(&mut self.ledger, &mut messages);
            self.buffered += flow.size();
            self.waiting.remove(&key);
            out.extend(messages.into_iter().map(|m| (seq, Fact::Message(Box::new(m)))));
        }
    }

    /// Every 65 536 records: skips gaps that stayed open, and keeps the tables below their caps.
    pub fn tick(&mut self, seq: Seq, clock: Timestamp, out: &mut Vec<(Seq, Fact)>) {
        let mut messages = Vec::new();
        let Self { tcp, waiting, buffered, ledger, .. } = self;
        waiting.retain(|key| {
            let Some(flow) = tcp.get_mut(key).and_then(Tcp::known_mut) else { return false };
            *buffered -= flow.size();
            flow.tick(clock, false, ledger, &mut messages);
            *buffered += flow.size();
            flow.waits()
        });
        out.extend(messages.into_iter().map(|m| (seq, Fact::Message(Box::new(m)))));
        for flow in oldest(self.udp.iter().map(|(flow, state)| (state.last_seq, *flow))) {
            if let Some(state) = self.udp.remove(&flow) {
                self.ledger.evicted += 1;
                state.close(flow, seq, clock, out);
            }
        }
        for flow in oldest(self.sctp.iter().map(|(flow, state)| (state.last_seq, *flow))) {
            self.ledger.evicted += u64::from(self.sctp.remove(&flow).is_some());
        }
        for flow in oldest(self.tcp.iter().map(|(flow, tcp)| (tcp.last_seq(), *flow))) {
            self.ledger.evicted += 1;
            self.remove_tcp(&flow, seq, clock, out);
        }
    }

    fn remove_tcp(&mut self, key: &FlowKey, seq: Seq, clock: Timestamp, out: &mut Vec<(Seq, Fact)>) {
        let Some(tcp) = self.tcp.remove(key) else { return };
        self.waiting.remove(key);
        self.buffered -= tcp.known().map_or(0, |flow| flow.size());
        close_tcp(tcp, seq, clock, &mut self.ledger, out);
    }

    /// At ticks some seconds apart: closes what is idle, hands out what is wanted, tells what changed. Returns the watched endpoints
    /// that have streams.
    pub fn sweep(&mut self, seq: Seq, clock: Timestamp, wanted: &Wanted, out: &mut Vec<(Seq, Fact)>) -> Vec<SocketAddr> {
        let mut alive = Vec::new();
        let idle = |last: Timestamp, limit: Span| wanted.all || clock - last >= limit;
        let gone: Vec<FlowKey> = self.udp.iter().filter(|(_, flow)| idle(flow.last_clock, UDP_IDLE)).map(|(key, _)| *key).collect();
        for key in gone {
            if let Some(flow) = self.udp.remove(&key) {
                flow.close(key, seq, clock, out);
            }
        }
        self.udp.retain(|key, flow| {
            flow.sweep(*key, seq, wanted, &mut alive, out);
            flow.signalling.is_some() || !flow.media.is_empty()
        });
        self.sctp.retain(|_, flow| !idle(flow.last_clock, SCTP_IDLE));
        self.sweep_tcp(seq, clock, wanted, out);
        alive
    }

    fn sweep_tcp(&mut self, seq: Seq, clock: Timestamp, wanted: &Wanted, out: &mut Vec<(Seq, Fact)>) {
        let mut gone = Vec::new();
        self.tcp.iter_mut().for_each(|(key, tcp)| {
            if wanted.all || tcp.is_over(clock) {
                gone.push((tcp.last_seq(), *key));
            } else if let Some(flow) = tcp.known_mut().filter(|flow| flow.changed && flow.is_signalling()) {
                flow.changed = false;
                out.push((seq, Fact::Connection { connection: Box::new(flow.connection.clone()), closed: None }));
            }
        });
        gone.sort_unstable();
        for (_, key) in gone {
            self.remove_tcp(&key, seq, clock, out);
        }
    }
}

impl UdpFlow {
    fn open(packet: &Packet<'_>) -> Self {
        Self { media: MediaFlow::default(), signalling: None, changed: false, last_seq: packet.seq, last_clock: packet.clock }
    }

    fn touch(&mut self, packet: &Packet<'_>) {
        self.last_seq = packet.seq;
        self.last_clock = packet.clock;
    }

    fn close(mut self, key: FlowKey, seq: Seq, clock: Timestamp, out: &mut Vec<(Seq, Fact)>) {
        let mut streams = Vec::new();
        self.media.take(key, |_| true, &mut streams);
        out.extend(streams.into_iter().map(|stream| (seq, Fact::Stream(Box::new(stream)))));
        if let Some(connection) = self.signalling {
            out.push((seq, Fact::Connection { connection, closed: Some(clock) }));
        }
    }

    fn sweep(&mut self, key: FlowKey, seq: Seq, wanted: &Wanted, alive: &mut Vec<SocketAddr>, out: &mut Vec<(Seq, Fact)>) {
        if self.changed
            && let Some(connection) = &self.signalling
        {
            self.changed = false;
            out.push((seq, Fact::Connection { connection: connection.clone(), closed: None }));
        }
        let (a, b) = key.endpoints();
        alive.extend([a, b].into_iter().filter(|end| wanted.watched.contains(end) && !self.media.is_empty()));
        let until = [a, b].iter().filter_map(|end| wanted.taken.get(end)).max();
        if let Some(until) = until {
            let mut streams = Vec::new();
            self.media.take(key, |stream| stream.first().is_some_and(|seen| seen.seq <= *until), &mut streams);
            out.extend(streams.into_iter().map(|stream| (seq, Fact::Stream(Box::new(stream)))));
        }
    }
}

fn close_tcp(mut tcp: Tcp, seq: Seq, clock: Timestamp, ledger: &mut Ledger, out: &mut Vec<(Seq, Fact)>) {
    let Some(flow) = tcp.known_mut() else { return };
    let mut messages = Vec::new();
    flow.tick(clock, true, ledger, &mut messages);
    out.extend(messages.into_iter().map(|m| (seq, Fact::Message(Box::new(m)))));
    if flow.is_signalling() {
        out.push((seq, Fact::Connection { connection: Box::new(flow.connection.clone()), closed: Some(clock) }));
    }
}

/// Flows to drop so that a table keeps its cap: those unseen for longest, in that order.
fn oldest(flows: impl ExactSizeIterator<Item = (Seq, FlowKey)>) -> Vec<FlowKey> {
    if flows.len() <= MOST_FLOWS {
        return Vec::new();
    }
    let mut flows: Vec<_> = flows.collect();
    let over = flows.len() - KEPT_FLOWS;
    flows.select_nth_unstable(over);
    flows.truncate(over);
    flows.sort_unstable();
    flows.into_iter().map(|(_, flow)| flow).collect()
}

/// What a datagram without flow state is.
fn recognise(packet: &Packet<'_>) -> Kind {
    match packet.payload.first() {
        _ if is_dns(&packet.flow, packet.payload) => Kind::Dns,
        Some(0..=3) if stun::probe_cut(packet.payload, packet.cut) => Kind::Stun,
        Some(20..=63) if dtls::probe_cut(packet.payload, packet.cut) => Kind::Dtls,
        _ => Kind::Udp,
    }
}

/// The RTP header of a UDP payload, unless it is RTCP or DNS. It is read where the packet is decoded: there its bytes are still in
/// the nearest cache.
#[inline]
pub fn rtp_header(transport: &decode::Transport<'_>) -> Option<rtp::Header> {
    let payload = transport.payload;
    let shaped = transport.tcp.is_none() && matches!(payload.first(), Some(0x80..=0xBF));
    if !shaped || transport.flow.protocol() == flow_key::SCTP || rtcp::probe_cut(payload, transport.cut) || is_dns(&transport.flow, payload)
    {
        return None;
    }
    rtp::Header::read_cut(payload, transport.cut)
}

fn is_dns(flow: &FlowKey, payload: &[u8]) -> bool {
    let (a, b) = flow.ports();
    dns::probe(payload, a) || dns::probe(payload, b)
}
