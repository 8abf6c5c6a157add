//! Entries of the report, made from a judged call.

use super::{control, failure, sound, taps, tls};
use crate::call::{BoundStream, Call, Leg, LegKind, LegMessage, Recognition, media, outcome, recognise, relay::Relay};
use crate::finding::Finding;
use crate::flow::{Connection, Origin, Pass, Transport, located::path_order};
use crate::path::{End, Hop, HopKind, Network, Way, scenario::Scenario};
use crate::proto::sip::{self, NameAddr, Uri, lossy};
use crate::record::Seq;
use crate::report::{
    AsymmetricEntry, CallEntry, CallReport, Decimal, EndEntry, HopEntry, LegEntry, MeanMax, MinMeanMax, StreamEntry, Text, WayEntry,
};
use std::borrow::Cow;

/// Nanoseconds in a millisecond.
const MS: i128 = 1_000_000;

/// The report of a call, without ladder.
pub fn report<'c>(
    call: &'c Call,
    (recognitions, hops, scenario): (&[Recognition], &'c [Hop], Option<&Scenario>),
    findings: &'c [Finding],
    network: &Network<'_>,
) -> CallReport<'c> {
    let ids = scenario.map(Scenario::ids);
    CallReport {
        first: call.first.seq,
        call: Some(CallEntry { scenario: ids.map(Text::from), ..entry(call, recognitions, hops, findings, network) }),
        scenario: scenario.map(Scenario::text),
        streams: call.streams.iter().map(|bound| (first(bound), stream(bound, call, hops, network))).collect(),
        hops: entries_of(call, hops),
        findings: findings.into(),
        ..CallReport::default()
    }
}

/// No more than kind, findings and hops.
pub fn outline<'c>(call: &'c Call, hops: &'c [Hop], findings: &'c [Finding]) -> CallReport<'c> {
    CallReport {
        first: call.first.seq,
        call: Some(CallEntry { id: call.id.as_str().into(), kind: kind(call).into(), ..CallEntry::default() }),
        hops: entries_of(call, hops),
        findings: findings.into(),
        ..CallReport::default()
    }
}

fn entries_of<'c>(call: &'c Call, hops: &'c [Hop]) -> Vec<(Seq, HopEntry<'c>)> {
    let connections = || call.connections.iter().map(|connection| &**connection);
    hops.iter().map(|h| (h.first.seq, hop(h, Some(&call.id), connections()))).collect()
}

fn first(bound: &BoundStream) -> Seq {
    bound.stream.first().map_or(Seq(0), |seen| seen.seq)
}

fn entry<'c>(
    call: &'c Call,
    recognitions: &[Recognition],
    hops: &'c [Hop],
    findings: &'c [Finding],
    network: &Network<'_>,
) -> CallEntry<'c> {
    let main = call.legs.first();
    let mut ids: Vec<Text<'c>> = Vec::new();
    for finding in findings {
        if !ids.iter().any(|id| *id == finding.id.as_str()) {
            ids.push(finding.id.as_str().into());
        }
    }
    let mut parties = None;
    let legs = match call.legs.as_slice() {
        [] => media_legs(call, hops, network),
        legs => legs
            .iter()
            .zip(recognitions)
            .map(|(leg, found)| {
                let (from, to) = (Party::of(leg.from()), Party::of(leg.to()));
                parties.get_or_insert([from.user, to.user]);
                signalled(leg, found, [from.uri, to.uri], hops, network)
            })
            .collect(),
    };
    let [caller, callee] = parties.unwrap_or_default();
    CallEntry {
        id: call.id.as_str().into(),
        kind: kind(call).into(),
        outcome: call.outcome.map(|outcome| outcome.as_str().into()),
        started: Text::time(call.first.at),
        answered: main.and_then(|leg| leg.answered).map(Text::time),
        ended: call.ended.map(Text::time),
        caller,
        callee,
        legs,
        streams: call.streams.iter().map(|bound| bound.id.as_str().into()).collect(),
        ice: call.checks.iter().map(control::ice).collect(),
        fax: call.legs.iter().flat_map(media::fax).collect(),
        scenario: None,
        failure: failure::why(call, findings).map(Text::from),
        findings: ids,
    }
}

fn kind(call: &Call) -> &'static str {
    match call.kind {
        None => "media_only",
        Some(LegKind::Call) => "call",
        Some(LegKind::Options) => "options",
        Some(LegKind::Register) => "register",
        Some(LegKind::Subscribe) => "subscribe",
        Some(LegKind::Message) => "message",
        Some(LegKind::Other) => "other",
    }
}

/// What From or To say.
#[derive(Default)]
struct Party<'c> {
    uri: Option<Text<'c>>,
    /// The user of the URI; the URI itself where it has none.
    user: Option<Text<'c>>,
}

impl<'c> Party<'c> {
    fn of(value: Option<Cow<'c, [u8]>>) -> Self {
        match value {
            None => Self::default(),
            Some(Cow::Borrowed(value)) => match str::from_utf8(value) {
                Ok(value) => Self::within(value),
                Err(_) => Self::copied(value),
            },
            Some(Cow::Owned(value)) => Self::copied(&value),
        }
    }

    fn within(value: &'c str) -> Self {
        let uri = Some(NameAddr::parse(value).uri).filter(|uri| !uri.is_empty());
        let user = uri.and_then(Uri::user_of).filter(|user| !user.is_empty());
        Self { uri: uri.map(Text::from), user: user.map(Text::from).or(uri.map(Text::from)) }
    }

    fn copied(value: &[u8]) -> Self {
        let value = lossy(value);
        let Party { uri, user } = Party::within(&value);
        Self { uri: uri.map(Text::into_owned), user: user.map(Text::into_owned) }
    }
}

fn signalled<'c>(
    leg: &'c Leg,
    recognition: &Recognition,
    [from, to]: [Option<Text<'c>>; 2],
    hops: &'c [Hop],
    network: &Network<'_>,
) -> LegEntry<'c> {
    let deciding = outcome::deciding(leg).and_then(|t| leg.message(t.last?));
    let crosses = |hop: &&Hop| {
        let ends = [(hop.a.ip, hop.b.ip), (hop.b.ip, hop.a.ip)];
        let pairs = || leg.messages.iter().flat_map(LegMessage::sightings).map(|s| (s.course.src.ip(), s.course.dst.ip()));
        hop.kind == HopKind::Signalling && pairs().any(|pair| ends.contains(&pair))
    };
    let (a, b) = leg.ends().unzip();
    LegEntry {
        call_id: leg.call_id().map(Text::lossy),
        from,
        to,
        transport: Some(transport(leg).into()),
        a: a.map(Text::endpoint).unwrap_or_default(),
        b: b.map(Text::endpoint).unwrap_or_default(),
        side: recognise::side(leg, recognition, network.topology).as_str().into(),
        requests: leg.requests,
        responses: leg.responses,
        retransmissions: leg.retransmissions,
        status: deciding.and_then(|m| m.start.status),
        reason: deciding.map(|m| sip::reason(m.message.text.bytes())).filter(|reason| !reason.is_empty()).map(Text::from),
        setup_ms: (leg.kind == LegKind::Call).then(|| outcome::setup(leg)).flatten().map(|s| Decimal::ratio(i128::from(s.0), MS)),
        hops: hops.iter().filter(crosses).map(|hop| hop.id.as_str().into()).collect(),
        joined_by: leg.joined_by.as_deref().map(Text::from),
        correlation: leg.messages.iter().find_map(|m| m.message.correlation()).map(|said| Text::lossy(said.bytes())),
    }
}

/// Transport of the top Via where it is one of the contract's, else what carried the first message. What was exported or sent on went by
/// what is said of it there, and that is told.
fn transport(leg: &Leg) -> &'static str {
    let via = leg.via_transport();
    let is_told = leg.messages.first().is_some_and(|m| m.message.course().origin == Origin::Exported);
    let known = ["udp", "tcp", "tls", "ws", "wss", "sctp"].into_iter().find(|known| known.as_bytes().eq_ignore_ascii_case(via));
    let known = known.filter(|_| !is_told);
    match known {
        Some(known) => known,
        None => match leg.messages.first().map(|m| m.message.course().transport) {
            Some(Transport::Tcp) => "tcp",
            Some(Transport::Sctp) => "sctp",
            Some(Transport::Ws) => "ws",
            Some(Transport::Tls) => "tls",
            Some(Transport::Wss) => "wss",
            _ => "udp",
        },
    }
}

/// Media without signalling is one leg between its two addresses.
fn media_legs<'c>(call: &Call, hops: &'c [Hop], network: &Network<'_>) -> Vec<LegEntry<'c>> {
    let Some(bound) = call.streams.first() else { return Vec::new() };
    let (a, b) = bound.stream.flow.from_to(bound.stream.dir);
    let at = call.first.at;
    let places = [network.topology.place_of(a.ip(), at), network.topology.place_of(b.ip(), at)];
    vec![LegEntry {
        a: Text::endpoint(a),
        b: Text::endpoint(b),
        side: recognise::side_of(places).as_str().into(),
        hops: hops.iter().map(|hop| hop.id.as_str().into()).collect(),
        ..LegEntry::default()
    }]
}

fn stream<'c>(bound: &'c BoundStream, call: &'c Call, hops: &'c [Hop], network: &Network<'_>) -> StreamEntry<'c> {
    let stream = &bound.stream;
    let (src, dst) = stream.flow.from_to(stream.dir);
    let hop = hops.iter().find(|hop| {
        hop.kind == HopKind::Media && ((hop.a.ip, hop.b.ip) == (src.ip(), dst.ip()) || (hop.b.ip, hop.a.ip) == (src.ip(), dst.ip()))
    });
    let way = hop.map(|hop| if hop.a.ip == src.ip() { &hop.way[0] } else { &hop.way[1] });
    let mut types = stream.payload_types.to_vec();
    types.sort_by_key(|(_, packets)| std::cmp::Reverse(*packets));
    let jitter = bound.clock_rate.and_then(|rate| stream.jitter(rate));
    let delta = stream.delta();
    let time = |seen: Option<&crate::flow::Seen>| seen.map(|s| Text::time(s.at)).unwrap_or_default();
    let (lost, expected) = (stream.lost() as i64, stream.expected());
    let sound = sound::sound(bound);
    StreamEntry {
        id: bound.id.as_str().into(),
        call: Some(call.id.as_str().into()),
        hop: hop.map(|hop| hop.id.as_str().into()),
        continues: bound.continues.as_deref().map(Text::from),
        continues_by: bound.relay.map(|relay| match relay {
            Relay::SamePayload => "same_payload".into(),
            Relay::Reencrypted => "reencrypted".into(),
        }),
        continues_ms: bound.relay_delay.map(|delay| Decimal::ratio(i128::from(delay.0), MS)),
        follows: bound.follows.as_deref().map(Text::from),
        src: Text::endpoint(src),
        dst: Text::endpoint(dst),
        ssrc: Text::hex(stream.ssrc.0),
        payload_types: types.iter().map(|(payload_type, _)| *payload_type).collect(),
        codec: bound.codec.as_deref().map(Text::from),
        clock_rate: bound.clock_rate,
        secured: bound.secured,
        srtp: bound.srtp.as_ref().map(control::srtp),
        packets: stream.packets(),
        expected,
        lost,
        loss_percent: Decimal::ratio(i128::from(lost) * 100, i128::from(expected)),
        duplicates: stream.duplicates(),
        reordered: stream.reordered(),
        jitter_ms: MeanMax {
            mean: jitter.map(|j| Decimal::ratio(i128::from(j.mean.0), MS)),
            max: jitter.map(|j| Decimal::ratio(i128::from(j.max.0), MS)),
        },
        delta_ms: MinMeanMax {
            min: delta.map(|d| Decimal::ratio(i128::from(d.min.0), MS)),
            mean: delta.map(|d| Decimal::ratio(i128::from(d.mean.0), MS)),
            max: delta.map(|d| Decimal::ratio(i128::from(d.max.0), MS)),
        },
        mos: sound.mos,
        mos_min: sound.mos_min,
        mos_basis: sound.basis.into(),
        intervals: sound.intervals,
        dtmf: sound::digits(bound),
        events: sound::events(bound),
        dscp: dscp(stream.last_pass()),
        first: time(stream.first()),
        last: time(stream.last_of_first_source()),
        segment: way.map_or("unknown", |way| way.segment.as_str()).into(),
        basis: way.map_or("", |way| &way.basis).into(),
        taps: taps::entries(&stream.passes, &around(call, bound, true), &around(call, bound, false), network),
        rtcp: bound.reported.as_ref().map(|reported| control::rtcp(reported, bound.clock_rate)),
        relay: stream.relay.as_deref().map(control::relay),
    }
}

/// The passes, in path order, of the streams that `bound` continues (`before`), else of those that continue it.
fn around<'c>(call: &'c Call, bound: &'c BoundStream, before: bool) -> Vec<&'c Pass> {
    let mut chain: Vec<&BoundStream> = Vec::new();
    let mut at = bound;
    // A chain is no longer than the streams of the call, whatever it says of itself.
    while chain.len() < call.streams.len() {
        let next = call.streams.iter().find(|other| match before {
            true => at.continues.as_ref() == Some(&other.id),
            false => other.continues.as_ref() == Some(&at.id),
        });
        let Some(next) = next else { break };
        chain.push(next);
        at = next;
    }
    if before {
        chain.reverse();
    }
    let passes = |bound: &'c BoundStream| path_order(&bound.stream.passes).into_iter().filter_map(|i| bound.stream.passes.get(i));
    chain.into_iter().flat_map(passes).collect()
}

/// Code point of most packets of a pass.
fn dscp(pass: Option<&Pass>) -> u8 {
    pass.and_then(|pass| pass.dscps().iter().max_by_key(|used| used.packets).map(|used| used.dscp)).unwrap_or_default()
}

/// The entry of a hop.
pub fn hop<'c>(hop: &'c Hop, call: Option<&'c str>, connections: impl Iterator<Item = &'c Connection>) -> HopEntry<'c> {
    let end = |end: &End| EndEntry { ip: Text::ip(end.ip), place: end.place.as_str().into() };
    let way = |way: &'c Way| WayEntry {
        segment: way.segment.as_str().into(),
        basis: (*way.basis).into(),
        packets: way.packets,
        bytes: way.bytes,
    };
    let [out, back] = &hop.way;
    let asymmetric =
        AsymmetricEntry { verdict: hop.asymmetric.verdict.as_str().into(), evidence: hop.asymmetric.evidence.as_slice().into() };
    HopEntry {
        id: hop.id.as_str().into(),
        call: call.map(Text::from),
        kind: hop.kind.as_str().into(),
        a: end(&hop.a),
        b: end(&hop.b),
        a_to_b: way(out),
        b_to_a: way(back),
        asymmetric,
        tls: if hop.kind == HopKind::Signalling { tls::of_hop(hop, connections) } else { Vec::new() },
    }
}
