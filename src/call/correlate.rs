//! The serial stage: binds streams to the legs that announced their endpoints, and makes a call of each leg that ended and of media
//! that nobody signalled.

use super::leg::LegKind;
use super::outcome::{self, CallOutcome};
use super::{Claim, Due, Leg, LegId, media};
use crate::decode::FlowKey;
use crate::flow::{ConnId, Connection, Seen, Stream, samples_match};
use crate::hash;
use crate::ledger::{Kind, Ledger};
use crate::proto::payload;
use crate::record::Seq;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;

/// What a call is: the contract's `calls[].kind`.
pub type CallKind = Option<LegKind>;

/// A stream of a call, with what the call says about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BoundStream {
    /// Content id, 12 hex digits.
    pub id: String,
    /// The stream.
    pub stream: Stream,
    /// Codec of its main payload type.
    pub codec: Option<String>,
    /// Its clock rate in Hz.
    pub clock_rate: Option<u32>,
    /// SDP says SRTP.
    pub secured: bool,
    /// Id of the stream it is the far side of, through a NAT or relay.
    pub continues: Option<String>,
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
    /// Its signalling flows, in order of first packet.
    pub connections: Vec<Connection>,
    /// First record.
    pub first: Seen,
    /// End of the call, as far as it ended.
    pub ended: Option<Timestamp>,
    /// How it came out.
    pub outcome: Option<CallOutcome>,
}

/// A closed signalling flow is kept this long: a leg closes 40 s after its end, at the next sweep.
const CLOSED_FOR: Span = Span::secs(120);

/// State of the serial stage.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Correlator {
    claims: HashMap<SocketAddr, SmallVec<[LegId; 2]>, foldhash::fast::RandomState>,
    held: BTreeMap<LegId, Vec<Stream>>,
    connections: BTreeMap<FlowKey, Connection>,
    /// Connections that closed, and when.
    closed: Vec<(Timestamp, ConnId)>,
    /// Connections whose 5-tuple was used again.
    replaced: Vec<Connection>,
    /// Streams that no leg claims, of the batch under way.
    unclaimed: Vec<Stream>,
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
    }

    /// What is known of a signalling flow; replaces what was known before. One that `closed` is kept until [`Self::retire`].
    pub fn connection(&mut self, connection: Connection, closed: Option<Timestamp>) {
        let flow = connection.id.flow;
        self.closed.extend(closed.map(|clock| (clock, connection.id)));
        let before = self.connections.insert(flow, connection);
        let id = self.connections.get(&flow).map(|c| c.id);
        self.replaced.extend(before.filter(|b| Some(b.id) != id));
    }

    /// Forgets signalling flows that closed long enough ago that no call asks for them any more, and gives them in order of first
    /// packet; with `all` every one that is left.
    pub fn retire(&mut self, clock: Timestamp, all: bool) -> Vec<Connection> {
        let mut gone = std::mem::take(&mut self.replaced);
        let (old, young) = std::mem::take(&mut self.closed).into_iter().partition(|(at, _)| all || clock - *at > CLOSED_FOR);
        self.closed = young;
        for (_, id) in old {
            if self.connections.get(&id.flow).is_some_and(|c| c.id == id) {
                gone.extend(self.connections.remove(&id.flow));
            }
        }
        if all {
            gone.extend(std::mem::take(&mut self.connections).into_values());
        }
        gone.sort_by_key(|connection| connection.id.opened);
        gone
    }

    /// Takes a stream that ended: to the leg that announced both its ends, else one of them, else to nobody.
    pub fn stream(&mut self, mut stream: Stream) {
        let (src, dst) = stream.flow.from_to(stream.dir);
        let by_dst = self.claims.get(&dst);
        let by_src = self.claims.get(&src);
        let began = began(&stream);
        let both = by_dst.into_iter().flatten().filter(|leg| by_src.is_some_and(|legs| legs.contains(leg)));
        let either = by_dst.into_iter().flatten().chain(by_src.into_iter().flatten());
        let best = |legs: &mut dyn Iterator<Item = &LegId>| {
            let (before, after): (BTreeSet<LegId>, BTreeSet<LegId>) = legs.copied().partition(|leg| leg.0 <= began);
            before.last().or(after.first()).copied()
        };
        let leg = best(&mut { both }).or_else(|| best(&mut { either }));
        match leg {
            Some(leg) => {
                if !stream.counted_rtp {
                    self.ledger.recount(Kind::Udp, Kind::Rtp, stream.records);
                    stream.counted_rtp = true;
                }
                self.held.entry(leg).or_default().push(stream);
            }
            None => self.unclaimed.push(stream),
        }
    }

    /// Makes a call of a leg that is closed at `clock`.
    pub fn close(&mut self, leg: Leg, due: &Due, clock: Timestamp) -> Call {
        for endpoint in &due.endpoints {
            if let Some(legs) = self.claims.get_mut(endpoint) {
                legs.retain(|l| *l != leg.id);
                if legs.is_empty() {
                    self.claims.remove(endpoint);
                }
            }
        }
        let streams = self.held.remove(&leg.id).unwrap_or_default();
        let flows: BTreeSet<FlowKey> = leg.messages.iter().map(|m| m.message.connection.flow).collect();
        let connections = flows.iter().filter_map(|flow| self.connections.get(flow)).cloned().collect();
        let started = leg.first.at.rfc3339();
        let key = leg.call_id.as_ref().map(|c| c.bytes().to_vec()).unwrap_or_else(|| format!("{} {}", leg.a, leg.b).into_bytes());
        let id = hash::hex(&[&key, started.as_bytes()], 12);
        let bound = bind(streams, Some(&leg));
        let silent = clock - leg.last_clock;
        Call {
            id,
            kind: Some(leg.kind),
            outcome: outcome::outcome(&leg, silent),
            ended: leg.ended,
            first: leg.first,
            streams: bound,
            connections,
            legs: vec![leg],
        }
    }

    /// Makes calls of the streams that nobody claimed, one per flow, in order of first packet. Streams that are not settled as RTP
    /// are no streams.
    pub fn media_only(&mut self) -> Vec<Call> {
        let mut flows: BTreeMap<FlowKey, Vec<Stream>> = BTreeMap::new();
        for stream in std::mem::take(&mut self.unclaimed) {
            if stream.counted_rtp {
                flows.entry(stream.flow).or_default().push(stream);
            }
        }
        let mut calls: Vec<Call> = flows.into_values().filter_map(|streams| media_call(bind(streams, None))).collect();
        calls.sort_by_key(|call| call.first.seq);
        calls
    }
}

fn media_call(streams: Vec<BoundStream>) -> Option<Call> {
    let first = *streams.first()?.stream.first()?;
    let flow = streams.first()?.stream.flow;
    let ended = streams.iter().filter_map(|s| s.stream.last_of_first_source()).map(|seen| seen.at).max();
    let id = hash::hex(&[format!("{flow:?}").as_bytes(), first.at.rfc3339().as_bytes()], 12);
    Some(Call { id, kind: None, legs: Vec::new(), streams, connections: Vec::new(), first, ended, outcome: None })
}

/// Gives streams their ids, codecs and chain, in order of first packet.
fn bind(mut streams: Vec<Stream>, leg: Option<&Leg>) -> Vec<BoundStream> {
    streams.sort_by_key(began);
    let mut bound: Vec<BoundStream> = Vec::with_capacity(streams.len());
    for stream in streams {
        let continues = bound.iter().rev().find(|up| is_far_side(&up.stream, &stream)).map(|up| up.id.clone());
        let (src, dst) = stream.flow.from_to(stream.dir);
        let main = stream.main_payload_type();
        let named = main.and_then(|main| match leg {
            Some(leg) => media::codec(leg, main),
            None => payload::static_payload(main).map(|(name, rate)| (name.to_owned(), rate)),
        });
        let line = leg.and_then(|leg| media::announced(leg, dst).or_else(|| media::announced(leg, src)));
        let at = stream.first().map(|seen| seen.at.rfc3339()).unwrap_or_default();
        bound.push(BoundStream {
            id: hash::hex(&[format!("{src} {dst} {:08x}", stream.ssrc.0).as_bytes(), at.as_bytes()], 12),
            codec: named.as_ref().map(|(name, _)| name.clone()),
            clock_rate: named.map(|(_, rate)| rate),
            secured: line.is_some_and(|media| media.secured),
            continues,
            stream,
        });
    }
    bound
}

/// Two NATs or relays of one path put a packet on the next flow within this.
const FAR_SIDE_WITHIN: Span = Span::secs(32);

/// `far` is the same stream as `near` on another 5-tuple, further on.
fn is_far_side(near: &Stream, far: &Stream) -> bool {
    let apart = near.first().zip(far.first()).map(|(near, far)| far.at - near.at);
    near.flow != far.flow
        && near.ssrc == far.ssrc
        && apart.is_some_and(|apart| apart < FAR_SIDE_WITHIN)
        && near.passes.iter().any(|a| far.passes.iter().any(|b| samples_match(a, b)))
}

/// Place of the first packet of a stream.
fn began(stream: &Stream) -> Seq {
    stream.first().map_or(Seq(0), |seen| seen.seq)
}
