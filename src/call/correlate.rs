//! The serial stage: binds streams to the legs that announced their endpoints, and makes a call of each leg that ended and of media
//! that nobody signalled.

use super::leg::LegKind;
use super::outcome::{self, CallOutcome};
use super::relay::{self, Relay};
use super::unclaimed::Unclaimed;
use super::{Claim, Due, Leg, LegId, Reported, ice::Checks, media, reported::Reports};
use crate::address;
use crate::decode::FlowKey;
use crate::flow::{ConnId, Connection, Seen, Stream, StunExchange};
use crate::hash;
use crate::ledger::{Kind, Ledger};
use crate::proto::{payload, rtp::Ssrc};
use crate::record::Seq;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

/// What a call is: the contract's `calls[].kind`.
pub type CallKind = Option<LegKind>;

/// A stream of a call, with what the call says about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BoundStream {
    /// Content id, 12 hex digits.
    pub id: String,
    /// The stream.
    pub stream: Box<Stream>,
    /// Codec of its main payload type.
    pub codec: Option<String>,
    /// Its clock rate in Hz.
    pub clock_rate: Option<u32>,
    /// What signalling, else RFC 3551, says of each payload type: number, encoding name, clock rate in Hz.
    pub encodings: Vec<(u8, String, u32)>,
    /// SDP says SRTP.
    pub secured: bool,
    /// Id of the stream it is the far side of, through a NAT or relay.
    pub continues: Option<String>,
    /// What RTCP says about it.
    pub reported: Option<Reported>,
    /// How that is known.
    pub relay: Option<Relay>,
    /// Median time that the NAT or relay took, where one clock saw both sides.
    pub relay_delay: Option<Span>,
    /// Id of the stream before it on the same way, whose source it took the place of.
    pub follows: Option<String>,
}

impl BoundStream {
    /// Encoding name and clock rate in Hz of one of its payload types, where anything says it.
    pub fn encoding(&self, payload_type: u8) -> Option<(&str, u32)> {
        let known = self.encodings.iter().find(|(known, ..)| *known == payload_type);
        known.map(|(_, name, rate)| (name.as_str(), *rate))
    }
}

/// A conversation that is over, or as far as the capture shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// 12 hex digits of a hash of (first Call-ID or media 5-tuple, start time).
    pub id: String,
    /// What it is; `None` for media without signalling.
    pub kind: CallKind,
    /// Its legs, in order of first message.
    pub legs: Vec<Leg>,
    /// Its streams, in order of first packet.
    pub streams: Vec<BoundStream>,
    /// Its signalling flows, in order of 5-tuple.
    pub connections: Vec<Arc<Connection>>,
    /// Its connectivity checks, in order of first message.
    pub checks: Vec<StunExchange>,
    /// First record.
    pub first: Seen,
    /// End of the call, as far as it ended.
    pub ended: Option<Timestamp>,
    /// How it came out.
    pub outcome: Option<CallOutcome>,
}

/// Packets of a stream that RTCP has named, after which it is RTP.
const SETTLED_BY_RTCP: u64 = 3;
/// A closed signalling flow is kept this long: a leg closes 40 s after its end, at the next sweep.
const CLOSED_FOR: Span = Span::secs(120);

/// State of the serial stage.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Correlator {
    claims: HashMap<SocketAddr, SmallVec<[LegId; 2]>, foldhash::fast::RandomState>,
    held: BTreeMap<LegId, Vec<Box<Stream>>>,
    connections: HashMap<FlowKey, Arc<Connection>, foldhash::fast::RandomState>,
    /// Connections that closed, and when.
    closed: Vec<(Timestamp, ConnId)>,
    /// Connections whose 5-tuple was used again.
    replaced: Vec<Arc<Connection>>,
    /// Legs that announced SRTP.
    secured: HashSet<LegId, foldhash::fast::RandomState>,
    /// Streams that no leg claims.
    unclaimed: Unclaimed,
    /// What RTCP said.
    pub reports: Reports,
    /// What STUN said.
    pub checks: Checks,
    /// Records moved to RTP because SDP settled what they are.
    pub ledger: Ledger,
}

impl Correlator {
    /// A leg announced an endpoint.
    pub fn claim(&mut self, claim: &Claim) {
        let legs = self.claims.entry(claim.endpoint).or_default();
        if !legs.contains(&claim.leg) {
            legs.push(claim.leg);
        }
        if claim.secured {
            self.secured.insert(claim.leg);
        }
    }

    /// What is known of a signalling flow; replaces what was known before. One that `closed` is kept until [`Self::retire`].
    pub fn connection(&mut self, connection: Connection, closed: Option<Timestamp>) {
        let (flow, id) = (connection.id.flow, connection.id);
        self.closed.extend(closed.map(|clock| (clock, id)));
        let before = self.connections.insert(flow, Arc::new(connection));
        self.replaced.extend(before.filter(|before| before.id != id));
    }

    /// Forgets signalling flows that closed long enough ago that no call asks for them any more, and gives them in order of first
    /// packet: those that closed first where they are more than `most`, with `all` every one that is left.
    pub fn retire(&mut self, clock: Timestamp, all: bool, most: usize) -> Vec<Arc<Connection>> {
        let mut gone = std::mem::take(&mut self.replaced);
        let over = self.closed.len().saturating_sub(most);
        let goes = |place: usize, at: Timestamp| all || place < over || clock - at > CLOSED_FOR;
        let (mut old, mut young) = (Vec::new(), Vec::new());
        for (place, (at, id)) in std::mem::take(&mut self.closed).into_iter().enumerate() {
            self.ledger.evicted += u64::from(!all && place < over);
            if goes(place, at) { old.push((at, id)) } else { young.push((at, id)) }
        }
        self.closed = young;
        for (_, id) in old {
            if self.connections.get(&id.flow).is_some_and(|c| c.id == id) {
                gone.extend(self.connections.remove(&id.flow));
            }
        }
        if all {
            gone.extend(std::mem::take(&mut self.connections).into_values());
        }
        gone.sort_unstable_by_key(|connection| (connection.id.opened, connection.id.flow));
        self.reports.retire(clock, &mut self.ledger);
        self.checks.retire(clock, &mut self.ledger);
        gone
    }

    /// Takes a stream that ended: to the leg that announced both its ends, else one of them, else to nobody.
    pub fn stream(&mut self, stream: Box<Stream>) {
        let [src, dst] = ends(&stream);
        let by = |ends: &[SocketAddr]| ends.iter().find_map(|end| self.claims.get(end)).map_or(&[][..], SmallVec::as_slice);
        let (by_src, by_dst) = (by(&src), by(&dst));
        let began = began(&stream);
        let both = by_dst.iter().filter(|leg| by_src.contains(leg));
        let leg = best(both, began).or_else(|| best(by_dst.iter().chain(by_src), began));
        match leg {
            Some(leg) => self.hold(leg, stream),
            None => self.unclaimed.push(stream),
        }
    }

    fn hold(&mut self, leg: LegId, mut stream: Box<Stream>) {
        count_as_rtp(&mut stream, &mut self.ledger);
        self.held.entry(leg).or_default().push(stream);
    }

    /// Sources of the streams that legs of `due` hold, each with the place of its leg's last message: what is silent of them on other
    /// flows may be the far side of a NAT or relay.
    pub fn sources<'d>(&self, due: impl Iterator<Item = &'d Due>) -> HashMap<Ssrc, Seq> {
        let mut sources = HashMap::new();
        for due in due {
            for stream in self.held.get(&due.leg).into_iter().flatten() {
                let last = sources.entry(stream.ssrc).or_insert(due.last);
                *last = due.last.max(*last);
            }
        }
        sources
    }

    /// Gives streams that nobody claims to the leg that holds their other side. One that is the other side of two legs' streams is
    /// given to neither.
    pub fn join_far_sides(&mut self) {
        // What was joined may have another side itself: each turn goes one NAT or relay further.
        while self.unclaimed.iter().next().is_some() {
            let mut legs: BTreeMap<Ssrc, BTreeSet<LegId>> = BTreeMap::new();
            for (leg, streams) in &self.held {
                for stream in streams {
                    legs.entry(stream.ssrc).or_default().insert(*leg);
                }
            }
            let (held, secured) = (&self.held, &self.secured);
            let is_other_side = |leg: &LegId, stream: &Stream| {
                let secured = secured.contains(leg);
                let of = |near: &Stream| relay::relay(near, stream, secured).or_else(|| relay::relay(stream, near, secured)).is_some();
                held.get(leg).is_some_and(|streams| streams.iter().filter(|near| near.ssrc == stream.ssrc).any(|near| of(near)))
            };
            let joined = self.unclaimed.claim(|stream| {
                let mut legs = legs.get(&stream.ssrc)?.iter().filter(|leg| is_other_side(leg, stream));
                let leg = legs.next().copied();
                leg.filter(|_| legs.next().is_none())
            });
            if joined.is_empty() {
                break;
            }
            joined.into_iter().for_each(|(leg, stream)| self.hold(leg, stream));
        }
    }

    /// Connections that closed and are kept.
    pub fn closed(&self) -> usize {
        self.closed.len()
    }

    /// Streams that nobody claimed so far.
    pub fn unclaimed(&self) -> usize {
        self.unclaimed.iter().count()
    }

    /// Takes together what belongs to a leg that is closed; `last`: nobody else will be asked for.
    pub fn gather(&mut self, leg: &Leg, last: bool) -> Own {
        for endpoint in leg.endpoints.iter().filter(|_| !last) {
            if let Some(legs) = self.claims.get_mut(endpoint) {
                legs.retain(|l| *l != leg.id);
                if legs.is_empty() {
                    self.claims.remove(endpoint);
                }
            }
        }
        if leg.secured {
            self.secured.remove(&leg.id);
        }
        Own { streams: self.held.remove(&leg.id).unwrap_or_default(), checks: self.checks.of(leg) }
    }

    /// Makes a call of a leg that is closed at `clock`.
    pub fn call(&self, leg: Leg, own: Own, clock: Timestamp) -> Option<Call> {
        let first = leg.first()?;
        let mut flows: SmallVec<[FlowKey; 4]> = SmallVec::new();
        for flow in leg.messages.iter().map(|m| m.message.course().connection.flow) {
            if flows.last() != Some(&flow) {
                flows.push(flow);
            }
        }
        flows.sort_unstable();
        flows.dedup();
        let connections = flows.iter().filter_map(|flow| self.connections.get(flow)).cloned().collect();
        let ends = || leg.ends().map(|(a, b)| format!("{a} {b}").into_bytes()).unwrap_or_default();
        let id = hash::hex(&[&leg.call_id().map_or_else(|| Cow::Owned(ends()), Cow::Borrowed), &first.at.rfc3339_bytes()], 12);
        let streams = bind(own.streams, Some(&leg), &self.reports);
        let outcome = outcome::outcome(&leg, clock - leg.last_clock);
        let (kind, ended) = (Some(leg.kind), leg.ended);
        Some(Call { id, kind, outcome, ended, first, streams, connections, checks: own.checks, legs: vec![leg] })
    }

    /// Takes together the streams that nobody claimed and that waited long enough, or all: one lot per flow, with what it continues
    /// beyond NATs and relays, in order of first packet. Streams that are not settled as RTP are no streams; RTCP of another port, which
    /// names their source, settles them here.
    pub fn unsignalled(&mut self, all: bool) -> Vec<Own> {
        for stream in self.unclaimed.iter_mut() {
            if !stream.counted_rtp && stream.packets() >= SETTLED_BY_RTCP && self.reports.knows(stream) {
                count_as_rtp(stream, &mut self.ledger);
            }
        }
        let checks = &mut self.checks;
        let own = |mut streams: Vec<Box<Stream>>| {
            streams.sort_by_key(|stream| began(stream));
            let flows: BTreeSet<FlowKey> = streams.iter().map(|stream| stream.flow).collect();
            Own { streams, checks: flows.into_iter().flat_map(|flow| checks.of_flow(flow)).collect() }
        };
        let lots = self.unclaimed.release(all).into_iter().filter(|streams| !streams.is_empty());
        let mut lots: Vec<Own> = lots.map(own).collect();
        lots.sort_by_key(Own::began);
        lots
    }

    /// Makes a call of streams that nobody signalled.
    pub fn media_call(&self, own: Own) -> Option<Call> {
        let streams = bind(own.streams, None, &self.reports);
        let first = *streams.first()?.stream.first()?;
        let flow = streams.first()?.stream.flow;
        let ended = streams.iter().filter_map(|s| s.stream.last_of_first_source()).map(|seen| seen.at).max();
        let id = hash::hex(&[format!("{flow:?}").as_bytes(), &first.at.rfc3339_bytes()], 12);
        Some(Call { id, kind: None, legs: Vec::new(), streams, connections: Vec::new(), checks: own.checks, first, ended, outcome: None })
    }
}

/// What a call has beside its leg.
#[derive(Debug, Default)]
pub struct Own {
    /// Its streams.
    streams: Vec<Box<Stream>>,
    /// Its connectivity checks.
    checks: Vec<StunExchange>,
}

impl Own {
    /// Place of its first stream's first packet.
    pub fn began(&self) -> Seq {
        self.streams.first().map_or(Seq(0), |stream| began(stream))
    }
}

/// Of legs that announced a stream's end, the last that was there when the stream began, else the first that came.
fn best<'l>(legs: impl Iterator<Item = &'l LegId> + Clone, began: Seq) -> Option<LegId> {
    let before = legs.clone().filter(|leg| leg.0 <= began).max();
    before.or_else(|| legs.min()).copied()
}

/// Gives streams their ids, codecs and chain, in order of first packet.
fn bind(mut streams: Vec<Box<Stream>>, leg: Option<&Leg>, reports: &Reports) -> Vec<BoundStream> {
    streams.sort_by_key(|stream| began(stream));
    let secured = leg.is_some_and(|leg| leg.secured);
    let mut bound: Vec<BoundStream> = Vec::with_capacity(streams.len());
    for stream in streams {
        let far_of =
            |up: &BoundStream| Some((up.id.clone(), relay::relay(&up.stream, &stream, secured)?, relay::delay(&up.stream, &stream)));
        let near = bound.iter().rev().filter(|up| up.stream.ssrc == stream.ssrc).find_map(far_of);
        let follows = bound.iter().rev().find(|up| is_followed(&up.stream, &stream)).map(|up| up.id.clone());
        let (src, dst) = stream.flow.from_to(stream.dir);
        let main = stream.main_payload_type();
        let encoding = |payload_type: u8| match leg {
            Some(leg) => media::codec(leg, payload_type),
            None => payload::static_payload(payload_type).map(|(name, rate)| (name.to_owned(), rate)),
        };
        let named = main.and_then(encoding);
        let encodings = stream.payload_types.iter().filter_map(|(number, _)| encoding(*number).map(|(name, rate)| (*number, name, rate)));
        let line = leg.and_then(|leg| media::announced(leg, dst).or_else(|| media::announced(leg, src)));
        let at = stream.first().map(|seen| seen.at.rfc3339()).unwrap_or_default();
        bound.push(BoundStream {
            id: hash::hex(
                &[format!("{} {} {:08x}", address::endpoint(src), address::endpoint(dst), stream.ssrc.0).as_bytes(), at.as_bytes()],
                12,
            ),
            codec: named.as_ref().map(|(name, _)| name.clone()),
            clock_rate: named.map(|(_, rate)| rate),
            encodings: encodings.collect(),
            secured: line.is_some_and(|media| media.secured),
            reported: reports.about(&stream),
            relay: near.as_ref().map(|(_, relay, _)| *relay),
            relay_delay: near.as_ref().and_then(|(.., delay)| *delay),
            continues: near.map(|(id, ..)| id),
            follows,
            stream,
        });
    }
    bound
}

/// A source may send on for so long after another took its place.
const OVERLAP: Span = Span::millis(500);

/// `next` began on the same way when `stream` was over.
fn is_followed(stream: &Stream, next: &Stream) -> bool {
    let over = stream.last().zip(next.first()).is_some_and(|(last, first)| first.at - last.at >= Span(-OVERLAP.0));
    stream.flow == next.flow && stream.dir == next.dir && over
}

/// Sender and receiver of a stream, each by all the addresses that signalling may name it by: through a relay, the client has one there as
/// well, and the relay stands for the peer.
fn ends(stream: &Stream) -> [SmallVec<[SocketAddr; 2]>; 2] {
    let (src, dst) = stream.flow.from_to(stream.dir);
    let [mut from, mut to]: [SmallVec<[SocketAddr; 2]>; 2] = [src, dst].map(|end| SmallVec::from_iter([end]));
    if let Some(relay) = &stream.relay {
        let outward = relay.server == Some(dst);
        let (client, far) = if outward { (&mut from, &mut to) } else { (&mut to, &mut from) };
        client.extend(relay.relayed);
        far.extend(relay.peer);
    }
    [from, to]
}

/// Signalling or RTCP says that a stream is RTP: its records follow.
fn count_as_rtp(stream: &mut Stream, ledger: &mut Ledger) {
    if !stream.counted_rtp {
        ledger.recount(stream.counted_before, Kind::Rtp, stream.records);
        stream.counted_rtp = true;
    }
}

/// Place of the first packet of a stream.
fn began(stream: &Stream) -> Seq {
    stream.first().map_or(Seq(0), |seen| seen.seq)
}
