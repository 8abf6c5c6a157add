//! Entries of the report, made from a judged call.

use super::{control, sound, taps};
use crate::address;
use crate::call::{BoundStream, Call, Leg, LegKind, LegMessage, Recognition, media, outcome, recognise, relay::Relay};
use crate::finding::Finding;
use crate::flow::{Pass, Transport, located::path_order};
use crate::path::{Hop, HopKind, Network, Way};
use crate::proto::sip::{self, NameAddr, Uri};
use crate::record::Seq;
use crate::report::{
    AsymmetricEntry, CallEntry, CallReport, Decimal, EndEntry, HopEntry, LegEntry, MeanMax, MinMeanMax, StreamEntry, WayEntry,
};
use std::borrow::Cow;

/// Nanoseconds in a millisecond.
const MS: i128 = 1_000_000;

/// The report of a call, without ladder and findings.
pub fn report(call: &Call, recognitions: &[Recognition], hops: Vec<Hop>, findings: &[Finding], network: &Network<'_>) -> CallReport {
    let streams: Vec<(Seq, StreamEntry)> = call.streams.iter().map(|bound| (first(bound), stream(bound, call, &hops, network))).collect();
    CallReport {
        first: call.first.seq,
        call: Some(entry(call, recognitions, &hops, findings, network)),
        streams,
        hops: hops.into_iter().map(|h| (h.first.seq, hop(h, Some(&call.id)))).collect(),
        ..CallReport::default()
    }
}

fn first(bound: &BoundStream) -> Seq {
    bound.stream.first().map_or(Seq(0), |seen| seen.seq)
}

fn entry(call: &Call, recognitions: &[Recognition], hops: &[Hop], findings: &[Finding], network: &Network<'_>) -> CallEntry {
    let main = call.legs.first();
    let mut ids: Vec<String> = Vec::new();
    for finding in findings {
        if !ids.contains(&finding.id) {
            ids.push(finding.id.clone());
        }
    }
    CallEntry {
        id: call.id.clone(),
        kind: kind(call).to_owned(),
        outcome: call.outcome.map(|outcome| outcome.to_string()),
        started: call.first.at.rfc3339(),
        answered: main.and_then(|leg| leg.answered).map(|at| at.rfc3339()),
        ended: call.ended.map(|at| at.rfc3339()),
        caller: main.and_then(|leg| party(leg.from())),
        callee: main.and_then(|leg| party(leg.to())),
        legs: match call.legs.as_slice() {
            [] => media_legs(call, hops, network),
            legs => legs.iter().zip(recognitions).map(|(leg, found)| signalled(leg, found, hops, network)).collect(),
        },
        streams: call.streams.iter().map(|bound| bound.id.clone()).collect(),
        ice: call.checks.iter().map(control::ice).collect(),
        fax: call.legs.iter().flat_map(media::fax).collect(),
        scenario: None,
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

/// The user of an address; the URI where it has no user.
fn party(value: Option<Cow<'_, [u8]>>) -> Option<String> {
    let value = value?;
    let value = String::from_utf8_lossy(&value);
    let address = NameAddr::parse(&value);
    match Uri::user_of(address.uri).filter(|user| !user.is_empty()) {
        Some(user) => Some(user.into_owned()),
        None => Some(address.uri.to_owned()).filter(|uri| !uri.is_empty()),
    }
}

fn uri(value: Option<Cow<'_, [u8]>>) -> Option<String> {
    let value = value?;
    Some(NameAddr::parse(&String::from_utf8_lossy(&value)).uri.to_owned()).filter(|uri| !uri.is_empty())
}

fn signalled(leg: &Leg, recognition: &Recognition, hops: &[Hop], network: &Network<'_>) -> LegEntry {
    let deciding = outcome::deciding(leg).and_then(|t| leg.message(t.last?));
    let crosses = |hop: &&Hop| {
        let ends = [(hop.a.ip, hop.b.ip), (hop.b.ip, hop.a.ip)];
        let pairs = || leg.messages.iter().flat_map(LegMessage::sightings).map(|s| (s.course.src.ip(), s.course.dst.ip()));
        hop.kind == HopKind::Signalling && pairs().any(|pair| ends.contains(&pair))
    };
    let (a, b) = leg.ends().unzip();
    LegEntry {
        call_id: leg.call_id().map(|c| String::from_utf8_lossy(c).into_owned()),
        from: uri(leg.from()),
        to: uri(leg.to()),
        transport: Some(transport(leg)),
        a: a.map(address::endpoint).unwrap_or_default(),
        b: b.map(address::endpoint).unwrap_or_default(),
        side: recognise::side(leg, recognition, network.topology).to_string(),
        requests: leg.requests,
        responses: leg.responses,
        retransmissions: leg.retransmissions,
        status: deciding.and_then(|m| m.start.status),
        reason: deciding.map(|m| sip::reason(m.message.text.bytes()).into_owned()).filter(|reason| !reason.is_empty()),
        setup_ms: (leg.kind == LegKind::Call).then(|| outcome::setup(leg)).flatten().map(|s| Decimal::ratio(i128::from(s.0), MS)),
        hops: hops.iter().filter(crosses).map(|hop| hop.id.clone()).collect(),
        joined_by: None,
        correlation: correlation(leg),
    }
}

/// What the capture agent that sent the leg's messages on says they belong to.
fn correlation(leg: &Leg) -> Option<String> {
    let said = leg.messages.iter().find_map(|m| m.message.correlation())?;
    Some(String::from_utf8_lossy(said.bytes()).into_owned())
}

/// Transport of the top Via where it is one of the contract's, else what carried the first message.
fn transport(leg: &Leg) -> String {
    let via = leg.via_transport();
    let known = ["udp", "tcp", "tls", "ws", "wss", "sctp"].into_iter().find(|known| known.as_bytes().eq_ignore_ascii_case(via));
    match known {
        Some(known) => known,
        None => match leg.messages.first().map(|m| m.message.course().transport) {
            Some(Transport::Tcp) => "tcp",
            Some(Transport::Sctp) => "sctp",
            Some(Transport::Ws) => "ws",
            _ => "udp",
        },
    }
    .to_owned()
}

/// Media without signalling is one leg between its two addresses.
fn media_legs(call: &Call, hops: &[Hop], network: &Network<'_>) -> Vec<LegEntry> {
    let Some(bound) = call.streams.first() else { return Vec::new() };
    let (a, b) = bound.stream.flow.from_to(bound.stream.dir);
    let at = call.first.at;
    let places = [network.topology.place_of(a.ip(), at), network.topology.place_of(b.ip(), at)];
    vec![LegEntry {
        a: address::endpoint(a),
        b: address::endpoint(b),
        side: recognise::side_of(places).to_string(),
        hops: hops.iter().map(|hop| hop.id.clone()).collect(),
        ..LegEntry::default()
    }]
}

fn stream(bound: &BoundStream, call: &Call, hops: &[Hop], network: &Network<'_>) -> StreamEntry {
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
    let time = |seen: Option<&crate::flow::Seen>| seen.map(|s| s.at.rfc3339()).unwrap_or_default();
    let (lost, expected) = (stream.lost() as i64, stream.expected());
    let sound = sound::sound(bound);
    StreamEntry {
        id: bound.id.clone(),
        call: Some(call.id.clone()),
        hop: hop.map(|hop| hop.id.clone()),
        continues: bound.continues.clone(),
        continues_by: bound.relay.map(|relay| match relay {
            Relay::SamePayload => "same_payload".to_owned(),
            Relay::Reencrypted => "reencrypted".to_owned(),
        }),
        continues_ms: bound.relay_delay.map(|delay| Decimal::ratio(i128::from(delay.0), MS)),
        follows: bound.follows.clone(),
        src: address::endpoint(src),
        dst: address::endpoint(dst),
        ssrc: format!("0x{:08x}", stream.ssrc.0),
        payload_types: types.iter().map(|(payload_type, _)| *payload_type).collect(),
        codec: bound.codec.clone(),
        clock_rate: bound.clock_rate,
        secured: bound.secured,
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
        mos_basis: sound.basis,
        intervals: sound.intervals,
        dtmf: sound::digits(bound),
        events: sound::events(bound),
        dscp: dscp(stream.last_pass()),
        first: time(stream.first()),
        last: time(stream.last_of_first_source()),
        segment: way.map_or_else(|| "unknown".to_owned(), |way| way.segment.to_string()),
        basis: way.map_or_else(String::new, |way| way.basis.clone()),
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
pub fn hop(hop: Hop, call: Option<&str>) -> HopEntry {
    let end = |end: &crate::path::End| EndEntry { ip: address::ip(end.ip), place: end.place.to_string() };
    let way = |way: Way| WayEntry { segment: way.segment.to_string(), basis: way.basis, packets: way.packets, bytes: way.bytes };
    let [out, back] = hop.way;
    HopEntry {
        id: hop.id,
        call: call.map(str::to_owned),
        kind: hop.kind.to_string(),
        a: end(&hop.a),
        b: end(&hop.b),
        a_to_b: way(out),
        b_to_a: way(back),
        asymmetric: AsymmetricEntry { verdict: hop.asymmetric.verdict.to_string(), evidence: hop.asymmetric.evidence },
    }
}
