//! The serial stage: binds streams to the legs that announced their endpoints, and makes a call of each leg that ended and of media
//! that nobody signalled.

use super::bound::{BoundStream, began, bind, ends};
use super::join::Closed;
use super::leg::LegKind;
use super::outcome::{self, CallOutcome};
use super::relay;
use super::unclaimed::Unclaimed;
use super::{
    Claim, Due, Leg, LegId, ahead,
    ice::{self, Checks},
    reported::Reports,
};
use crate::decode::FlowKey;
use crate::engine::par;
use crate::flow::{ConnId, Connection, Seen, Stream, StunExchange};
use crate::hash;
use crate::ledger::{Kind, Ledger};
use crate::proto::rtp::Ssrc;
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
/// Connections that are no signalling and end between two sweeps; of more, the rest is let go.
const MOST_SERVICES: usize = 1 << 16;
/// Connectivity is checked so long before media at most.
const BEFORE_MEDIA: Span = Span::secs(60);
/// Streams whose legs are looked up before they are given to them.
const LOT: usize = 1 << 14;
/// Streams whose legs are looked up by one task.
const PART: usize = 256;
/// Streams of one path that are held against each other for checks.
const MOST_SIDES: usize = 8;

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
    /// Connections that are no signalling, until they are asked for.
    services: Vec<Connection>,
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

    /// A connection that is no signalling ended.
    pub fn service(&mut self, connection: Connection) {
        match self.services.len() < MOST_SERVICES {
            true => self.services.push(connection),
            false => self.ledger.evicted += 1,
        }
    }

    /// Gives them, in order of first packet.
    pub fn services(&mut self) -> Vec<Connection> {
        let mut services = std::mem::take(&mut self.services);
        services.sort_unstable_by_key(|connection| (connection.id.opened, connection.id.flow));
        services
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

    /// Takes streams that ended, in order.
    pub fn streams(&mut self, streams: Vec<Box<Stream>>) {
        let mut left = streams.into_iter();
        loop {
            let lot: Vec<Box<Stream>> = left.by_ref().take(LOT).collect();
            if lot.is_empty() {
                break;
            }
            // What they and the claims say has to come from memory for each: those who look wait in parallel.
            let chunks: Vec<&[Box<Stream>]> = lot.chunks(PART).collect();
            let legs = par::par_map(chunks, |streams| streams.iter().map(|stream| self.leg_of(stream)).collect::<Vec<_>>());
            for (stream, leg) in lot.into_iter().zip(legs.into_iter().flatten()) {
                match leg {
                    Some(leg) => self.hold(leg, stream),
                    None => self.unclaimed.push(stream),
                }
            }
        }
    }

    /// The leg of a stream: that which announced both its ends, else one of them, else none.
    fn leg_of(&self, stream: &Stream) -> Option<LegId> {
        let [src, dst] = ends(stream);
        let by = |ends: &[SocketAddr]| ends.iter().find_map(|end| self.claims.get(end)).map_or(&[][..], SmallVec::as_slice);
        let (by_src, by_dst) = (by(&src), by(&dst));
        let began = began(stream);
        let both = by_dst.iter().filter(|leg| by_src.contains(leg));
        best(both, began).or_else(|| best(by_dst.iter().chain(by_src), began))
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

    /// Makes a call of legs that are closed at `clock`, in order of first message.
    pub fn call(&self, legs: Vec<Closed>, clock: Timestamp) -> Option<Call> {
        let main = legs.iter().map(|(leg, _)| leg).next()?;
        let first = main.first()?;
        let mut flows: SmallVec<[FlowKey; 4]> = SmallVec::new();
        for flow in legs.iter().flat_map(|(leg, _)| &leg.messages).map(|m| m.message.course().connection.flow) {
            if flows.last() != Some(&flow) {
                flows.push(flow);
            }
        }
        flows.sort_unstable();
        flows.dedup();
        let connections = flows.iter().filter_map(|flow| self.connections.get(flow)).cloned().collect();
        let ends = || main.ends().map(|(a, b)| format!("{a} {b}").into_bytes()).unwrap_or_default();
        let id = hash::hex(&[&main.call_id().map_or_else(|| Cow::Owned(ends()), Cow::Borrowed), &first.at.rfc3339_bytes()], 12);
        let outcome = outcome::outcome(main, clock - main.last_clock);
        let kind = Some(main.kind);
        let ended = legs.iter().map(|(leg, _)| leg.ended).reduce(|a, b| Some(a?.max(b?))).flatten();
        let (mut streams, mut checks, mut own_legs) = (Vec::new(), Vec::new(), Vec::with_capacity(legs.len()));
        for (leg, own) in legs {
            streams.extend(bind(own.streams, Some(&leg), &self.reports));
            checks.extend(own.checks);
            own_legs.push(*leg);
        }
        if own_legs.len() > 1 {
            streams.sort_by_key(|bound| began(&bound.stream));
        }
        Some(Call { id, kind, outcome, ended, first, streams, connections, checks, legs: own_legs })
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
            let mut own: Vec<StunExchange> = flows.iter().flat_map(|flow| checks.of_flow(*flow)).collect();
            if flows.len() > 1 {
                own.extend(checks_around(&streams, checks));
                own.sort_by_key(|check| check.first.seq);
            }
            Own { streams, checks: own }
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
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Own {
    /// Its streams.
    streams: Vec<Box<Stream>>,
    /// Its connectivity checks.
    checks: Vec<StunExchange>,
}

impl Own {
    /// Asks for the memory of its streams, `ahead` calls before its turn ([`ahead`]).
    pub(super) fn ask(&self, ahead: usize) {
        ahead::streams(&self.streams, ahead);
    }

    /// Place of its first stream's first packet.
    pub fn began(&self) -> Seq {
        self.streams.first().map_or(Seq(0), |stream| began(stream))
    }
}

/// Of media that something passes on: the checks of those at its two ends on the way between them without it.
fn checks_around(streams: &[Box<Stream>], checks: &mut Checks) -> Vec<StunExchange> {
    let ends = |stream: &Stream| stream.flow.from_to(stream.dir);
    let times = |stream: &Stream| Some((stream.first()?.at - BEFORE_MEDIA, stream.last()?.at));
    let mut found: Vec<StunExchange> = Vec::new();
    let sides = || streams.iter().take(MOST_SIDES).map(|stream| &**stream);
    for near in sides() {
        for far in sides().filter(|far| far.ssrc == near.ssrc && far.flow != near.flow) {
            let (from, to) = (ends(near).0.ip(), ends(far).1.ip());
            if let Some(times) = times(far).filter(|_| from != to) {
                found.extend(checks.between(from, to, times));
            }
        }
    }
    ice::listed(found)
}

/// Of legs that announced a stream's end, the last that was there when the stream began, else the first that came.
fn best<'l>(legs: impl Iterator<Item = &'l LegId> + Clone, began: Seq) -> Option<LegId> {
    let before = legs.clone().filter(|leg| leg.0 <= began).max();
    before.or_else(|| legs.min()).copied()
}

/// Signalling or RTCP says that a stream is RTP: its records follow.
fn count_as_rtp(stream: &mut Stream, ledger: &mut Ledger) {
    if !stream.counted_rtp {
        ledger.recount(stream.counted_before, Kind::Rtp, stream.records);
        stream.counted_rtp = true;
    }
}
