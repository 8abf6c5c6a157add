//! One of the 64 shards: the state of its share of the flows. Its interface is `apply`, and for plain RTP that
//! joined no run `beat`; `tick` and `sweep`; `settle` before it is saved.

use super::budget::Budget;
use super::facts::Fact;
use super::flows::{Flows, Wanted, oldest};
use super::fragment::provisional;
use super::runs::{Key, RunId, Runs};
use super::tcp_table::TcpTable;
use super::udp_flow::UdpFlow;
use crate::decode::{
    self, FlowKey, Packet,
    flow_key::{self, Words},
};
use crate::flow::{
    Askers, Connection, Content, Control, Course, Lookup, MediaFlow, Message, Origin, Place, Sample, SctpFlow, Seen, Sighting, Stream,
    Text, Transport, bgp::Sessions, control::Counted, exported, keylog::KeyLog, text::Near,
};
use crate::ledger::{Kind, Ledger};
use crate::proto::{dns, dtls, rtcp, rtp, sip, stun};
use crate::record::{RecordId, Seq};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// Number of shards: fixed, so that nothing depends on the number of threads.
pub const SHARDS: usize = 64;
/// A UDP flow without a packet for this long is closed.
const UDP_IDLE: Span = Span::secs(5 * 60);
/// An SCTP association without a packet for this long is forgotten.
const SCTP_IDLE: Span = Span::secs(30 * 60);
/// A UDP flow without a packet for this long has nothing under way: its streams may be taken for the other side of a NAT.
const UDP_SILENT: Span = Span::secs(20);

/// A shard.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Shard {
    pub(super) udp: Flows<UdpFlow>,
    pub(super) tcp: TcpTable,
    sctp: Flows<SctpFlow>,
    askers: Askers,
    bgp: Sessions,
    /// Packets of the UDP flows that are not taken in yet.
    #[serde(skip)]
    pub runs: Runs,
    /// What it may hold.
    #[serde(skip)]
    pub budget: Budget,
    #[serde(skip)]
    near: Near,
    /// Records applied here.
    pub ledger: Ledger,
}

impl Shard {
    /// The shard that a flow belongs to.
    pub fn of(flow: &FlowKey) -> usize {
        (flow.stable_hash() % SHARDS as u64) as usize
    }

    /// [`Shard::of`] a flow of plain RTP.
    #[inline(always)]
    pub fn of_words(flow: Words) -> usize {
        (flow.stable_hash() % SHARDS as u64) as usize
    }

    /// The media state of a UDP flow.
    #[inline]
    pub fn media_of(&self, flow: &FlowKey) -> Option<&MediaFlow> {
        self.udp.get(flow).map(|state| &state.media)
    }

    /// Takes in what packets added up to aside of their flows.
    pub fn settle(&mut self) {
        self.runs.settle_all(self.udp.iter_mut(), &mut self.ledger);
    }

    /// Applies a plain RTP packet that no run takes, and begins a run where the next may join one. `key`: what that is found by.
    pub fn beat(&mut self, packet: &Packet<'_>, header: &rtp::Header, key: Key) {
        let flow = self.udp.entry(packet.flow).or_insert_with(|| UdpFlow::open(packet));
        self.runs.settle(flow, &mut self.ledger);
        flow.touch(packet);
        if flow.media.rtp(packet, header, &mut self.ledger) {
            self.runs.end_all(flow);
        }
        let place = Place { dir: packet.dir, tap: packet.tap, ttl: packet.link.ttl };
        match flow.media.steady(place, header.ssrc) {
            Some(run) => self.runs.begin(flow, key, place, run),
            None => self.runs.end(flow, key),
        }
    }

    /// Keeps the sample of a plain RTP packet of this flow that joined run `id`; `datagram` is it where it is to be kept whole.
    pub fn sample(&mut self, id: RunId, flow: &FlowKey, ssrc: rtp::Ssrc, sample: Sample, datagram: Option<&[u8]>) {
        if datagram.is_none() && self.runs.hold(id, sample) {
            return;
        }
        if let Some(flow) = self.udp.get_mut(flow) {
            self.runs.sample(id, flow, ssrc, sample, datagram.unwrap_or_default());
        }
    }

    /// Lets TLS connections be read with these secrets.
    pub fn know(&mut self, keys: &Arc<KeyLog>) {
        self.tcp.keys = Arc::clone(keys);
    }

    /// Applies a packet; what it completes goes to `out`.
    /// `rtp` is what [`rtp_header`] read of it, while its bytes were at hand.
    pub fn apply(&mut self, packet: &Packet<'_>, rtp: Option<&rtp::Header>, out: &mut Vec<(Seq, Fact)>) {
        let kind = match (packet.tcp, rtp) {
            (Some(_), _) => {
                self.tcp.apply(packet, &self.budget, &mut self.ledger, out);
                self.send_on(packet.seq, out);
                out.extend(self.bgp.read(packet).map(|routing| (packet.seq, Fact::Routing(Box::new(routing)))));
                Kind::Tcp
            }
            (None, Some(header)) => self.rtp(packet, header),
            (None, None) => match packet.agent.and_then(|agent| agent.pdu) {
                Some(pdu) => self.exported(packet, pdu, out),
                None if packet.flow.protocol() == flow_key::SCTP => self.sctp(packet, out),
                None => self.udp(packet, out),
            },
        };
        if packet.held > 0 {
            self.ledger.recount(provisional(packet.flow.protocol()), kind, packet.held);
        }
    }

    fn udp(&mut self, packet: &Packet<'_>, out: &mut Vec<(Seq, Fact)>) -> Kind {
        let (kind, counted) = match packet.payload.first() {
            Some(0x80..=0xBF) if rtcp::probe_cut(packet.payload, packet.cut) => (self.rtcp(packet), false),
            Some(0x0A | 0x0D | 0x20 | b'A'..=b'Z' | b'a'..=b'z') => match self.sip(packet, out) {
                true => (Kind::Sip, false),
                false => self.relayed(packet, out),
            },
            _ => self.relayed(packet, out),
        };
        if !counted {
            self.ledger.count(kind, 1);
        }
        if kind == Kind::Dns {
            out.extend(Lookup::of(packet).map(|lookup| (packet.seq, Fact::Lookup(Box::new(lookup)))));
            out.extend(self.askers.first(packet).map(|flow| (packet.seq, Fact::Service(Box::new(flow)))));
        }
        kind
    }

    /// STUN, and what a relay wrapped; else what is only recognised.
    fn relayed(&mut self, packet: &Packet<'_>, out: &mut Vec<(Seq, Fact)>) -> Counted {
        let mut gone = Vec::new();
        let counted = match packet.payload.first() {
            Some(0..=3) if stun::probe_cut(packet.payload, packet.cut) && !is_dns(&packet.flow, packet.payload) => {
                let flow = self.udp.entry(packet.flow).or_insert_with(|| UdpFlow::open(packet));
                flow.touch(packet);
                Some(flow.control.get_or_insert_default().stun(packet, &mut self.ledger, &mut gone))
            }
            Some(0x40..=0x7f) if stun::channel_data(packet.payload, packet.cut).is_some() => self.channel_data(packet, &mut gone),
            _ => None,
        };
        out.extend(gone.into_iter().map(|stream| (packet.seq, Fact::Stream(stream))));
        counted.unwrap_or_else(|| (recognise(packet), false))
    }

    /// Channel data of a flow that is known to relay, or that by their looks hold media.
    #[expect(clippy::vec_box, reason = "streams are large, and go from list to list")]
    fn channel_data(&mut self, packet: &Packet<'_>, gone: &mut Vec<Box<Stream>>) -> Option<Counted> {
        let known = self.udp.get(&packet.flow).is_some_and(|flow| flow.control.as_ref().is_some_and(|control| control.is_relay()));
        if !known && !Control::holds_media(packet) {
            return None;
        }
        let flow = self.udp.entry(packet.flow).or_insert_with(|| UdpFlow::open(packet));
        flow.touch(packet);
        flow.control.get_or_insert_default().channel_data(packet, &mut self.ledger, gone)
    }

    /// RTP goes to its flow, which counts it.
    fn rtp(&mut self, packet: &Packet<'_>, header: &rtp::Header) -> Kind {
        let flow = self.udp.entry(packet.flow).or_insert_with(|| UdpFlow::open(packet));
        self.runs.settle(flow, &mut self.ledger);
        flow.touch(packet);
        flow.media.rtp(packet, header, &mut self.ledger);
        self.runs.end_all(flow);
        Kind::Udp
    }

    /// RTCP is told to its flow.
    fn rtcp(&mut self, packet: &Packet<'_>) -> Kind {
        let flow = self.udp.entry(packet.flow).or_insert_with(|| UdpFlow::open(packet));
        self.runs.settle(flow, &mut self.ledger);
        flow.touch(packet);
        flow.control.get_or_insert_default().rtcp(packet, &mut flow.media, &mut self.ledger);
        Kind::Rtcp
    }

    /// A datagram that is a SIP message, or a keep-alive on a flow that carried one (RFC 5626 section 4.4.1 sends CRLF CRLF).
    fn sip(&mut self, packet: &Packet<'_>, out: &mut Vec<(Seq, Fact)>) -> bool {
        // A capture agent hands on what a TCP connection carried, message by message.
        let transport = exported::transport(packet);
        let own = [packet.id];
        let records = if packet.fragments.is_empty() { &own } else { packet.fragments };
        if self.message(packet, transport, packet.payload, packet.cut > 0, records, out) {
            return true;
        }
        let blank = packet.payload.iter().all(|b| matches!(b, b'\r' | b'\n' | b' '));
        blank && self.udp.get(&packet.flow).is_some_and(|flow| flow.signalling.is_some())
    }

    /// Text that may be a SIP message, which `records` carried.
    pub(super) fn message(
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
        let origin = if packet.agent.is_some() { Origin::Exported } else { Origin::Clear };
        let course = Course { origin, ..Course::of(&Seen::of(packet), packet.flow.from_to(packet.dir), transport, connection.id) };
        let course = course.shared(&mut connection.half_mut(packet.dir).course);
        let sighting = Sighting { course, id: packet.id, seq: packet.seq, at: packet.at };
        let message = Message::new(sighting, packet.clock, Text::of(packet, text, &mut self.near), index, cut);
        let correlation = packet.agent.and_then(|agent| agent.correlation.as_deref()).unwrap_or_default();
        let message = message.carried_by(records).belonging_to(correlation);
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

    /// Every 65 536 records: skips gaps that stayed open, and keeps the tables below their caps.
    pub fn tick(&mut self, seq: Seq, clock: Timestamp, out: &mut Vec<(Seq, Fact)>) {
        let most = self.budget.flows;
        let entries: usize = self.udp.values().map(UdpFlow::entries).sum();
        let gone = if entries > most {
            self.settle();
            oldest(self.udp.iter().map(|(flow, state)| (state.last_seq, *flow, state.entries())), most)
        } else {
            Vec::new()
        };
        for flow in gone {
            if let Some(state) = self.udp.remove(&flow) {
                self.ledger.evicted += 1;
                state.close(flow, seq, clock, out);
            }
        }
        for flow in oldest(self.sctp.iter().map(|(flow, state)| (state.last_seq, *flow, 1)), most) {
            self.ledger.evicted += u64::from(self.sctp.remove(&flow).is_some());
        }
        self.tcp.tick((seq, clock), &self.budget, &mut self.ledger, out);
        self.send_on(seq, out);
    }

    /// At ticks some seconds apart: closes what is idle, hands out what is wanted, tells what changed. Returns the watched endpoints
    /// that have streams.
    pub fn sweep(&mut self, seq: Seq, clock: Timestamp, wanted: &Wanted, out: &mut Vec<(Seq, Fact)>) -> Vec<SocketAddr> {
        self.settle();
        let mut alive = Vec::new();
        let idle = |last: Timestamp, limit: Span| wanted.all || clock - last >= limit;
        self.close(|flow| idle(flow.last_clock, UDP_IDLE), (seq, clock), out);
        self.udp.retain(|key, flow| {
            flow.sweep(*key, (seq, clock), wanted, &mut alive, out);
            flow.signalling.is_some() || flow.control.is_some() || !flow.media.is_empty()
        });
        self.sctp.retain(|_, flow| !idle(flow.last_clock, SCTP_IDLE));
        self.tcp.sweep((seq, clock), wanted.all, &mut self.ledger, out);
        self.send_on(seq, out);
        // The end of a connection may have brought up flows that an agent told of.
        self.close(|_| wanted.all, (seq, clock), out);
        alive
    }

    /// Closes these UDP flows.
    fn close(&mut self, is_over: impl Fn(&UdpFlow) -> bool, (seq, clock): (Seq, Timestamp), out: &mut Vec<(Seq, Fact)>) {
        let gone: Vec<FlowKey> = self.udp.iter().filter(|(_, flow)| is_over(flow)).map(|(key, _)| *key).collect();
        for key in gone {
            if let Some(flow) = self.udp.remove(&key) {
                flow.close(key, seq, clock, out);
            }
        }
    }

    /// Hands out streams of these sources that began before the place given, of flows that fell silent.
    pub fn take_sources(&mut self, seq: Seq, clock: Timestamp, sources: &HashMap<rtp::Ssrc, Seq>, out: &mut Vec<(Seq, Fact)>) {
        self.settle();
        let wanted = |stream: &Stream| sources.get(&stream.ssrc).is_some_and(|until| stream.first().is_some_and(|seen| seen.seq <= *until));
        self.udp.retain(|key, flow| {
            if clock - flow.last_clock >= UDP_SILENT {
                let mut streams = Vec::new();
                flow.media.take(*key, wanted, &mut streams);
                if let Some(control) = &mut flow.control {
                    control.take(*key, wanted, &mut streams);
                }
                out.extend(streams.into_iter().map(|stream| (seq, Fact::Stream(stream))));
            }
            flow.signalling.is_some() || flow.control.is_some() || !flow.media.is_empty()
        });
    }
}

/// What a datagram without flow state is.
pub(super) fn recognise(packet: &Packet<'_>) -> Kind {
    match packet.payload.first() {
        _ if is_dns(&packet.flow, packet.payload) => Kind::Dns,
        Some(20..=63) if dtls::probe_cut(packet.payload, packet.cut) => Kind::Dtls,
        // Only what was exported or sent on has no header of these.
        _ if packet.flow.protocol() == flow_key::TCP => Kind::Tcp,
        _ if packet.flow.protocol() == flow_key::SCTP => Kind::Sctp,
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
