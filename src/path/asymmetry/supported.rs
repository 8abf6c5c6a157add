//! Support: how packets behave where one direction is observed and the other is not. It makes asymmetry possible, never more.

use super::{Direction, Given};
use crate::path::observe::other_edge;
use crate::topology::{Baseline, Heading, LinkSide, Segment};
use std::net::IpAddr;

/// Routers between the edge and a tap within take one from the TTL each: so many at most. Ours.
const WITHIN: u8 = 2;
/// Round trips over the two segments must differ by this many ms before one between them says anything. Ours.
const APART: f64 = 6.0;
/// How far from the mean of two round trips one over both may be, as a share of their difference. Ours.
const NEAR: f64 = 1.0 / 6.0;

/// What supports that `unseen` goes over the other edge segment than `segment`, that of `seen`.
pub(super) fn support(given: &Given<'_>, seen: &Direction<'_, '_>, unseen: &Direction<'_, '_>, segment: Segment) -> Vec<String> {
    let found = [time_to_live(given, unseen, segment), round_trip(given, seen, segment), stopped(given, seen, unseen)];
    found.into_iter().flatten().collect()
}

/// What is usual for `microsoft` on the links of one segment.
fn baselines<'g>(given: &Given<'g>, microsoft: IpAddr, segment: Segment) -> impl Iterator<Item = &'g Baseline> {
    let links = given.topology.tables.links.iter().filter(move |link| *link.segment == segment);
    links.filter_map(|link| link.baseline.as_ref()).filter(move |baseline| baseline.remote.contains(&microsoft))
}

/// M8: packets of Microsoft, seen within your network, that arrive with the TTL of the other segment and not of this one.
fn time_to_live(given: &Given<'_>, unseen: &Direction<'_, '_>, segment: Segment) -> Option<String> {
    if unseen.heading != Heading::Inbound {
        return None;
    }
    let usual = |segment| -> Vec<u8> { baselines(given, unseen.from, segment).filter_map(|baseline| baseline.ttl).collect() };
    let (here, there) = (usual(segment), usual(other_edge(segment)));
    let fits = |usual: &[u8], ttl: u8| usual.iter().any(|edge| edge.checked_sub(ttl).is_some_and(|hops| hops <= WITHIN));
    let ttls = || unseen.seen.iter().map(|observation| observation.sighting.ttl);
    let first = ttls().next().filter(|_| !here.is_empty())?;
    let all = ttls().all(|ttl| fits(&there, ttl) && !fits(&here, ttl));
    all.then(|| {
        let other = other_edge(segment);
        format!("{} to {}: TTL {first} is that of {other}, not of {segment}, by the baselines of its links (M8)", unseen.from, unseen.to)
    })
}

/// M9: the handshake takes the mean of what it takes over one segment and over the other.
fn round_trip(given: &Given<'_>, seen: &Direction<'_, '_>, segment: Segment) -> Option<String> {
    let microsoft = if seen.heading == Heading::Inbound { seen.from } else { seen.to };
    let usual = |segment| baselines(given, microsoft, segment).find_map(|baseline| baseline.rtt_ms).map(f64::from);
    let (here, there) = (usual(segment)?, usual(other_edge(segment))?);
    let (apart, mean) = ((here - there).abs(), f64::midpoint(here, there));
    let trips = given.facts.round_trips.iter().map(|trip| trip.0 as f64 / 1e6);
    let between = trips.into_iter().find(|trip| apart >= APART && (trip - mean).abs() <= apart * NEAR)?;
    Some(format!("the handshake takes {between:.1} ms, between {here} ms over {segment} and {there} ms over {} (M9)", other_edge(segment)))
}

/// M12: Microsoft's answer reaches the outside of the firewall and not its inside, as where the firewall never saw the question leave.
fn stopped(given: &Given<'_>, seen: &Direction<'_, '_>, unseen: &Direction<'_, '_>) -> Option<String> {
    let on = |direction: &Direction<'_, '_>, side: LinkSide| {
        let links = || direction.seen.iter().flat_map(|observation| &observation.links);
        links().next().is_some() && links().all(|link| link.link.firewall_side == Some(side))
    };
    let asked_within = unseen.heading == Heading::Outbound && on(unseen, LinkSide::Inside);
    let answered_outside = seen.heading == Heading::Inbound && on(seen, LinkSide::Outside);
    (asked_within && answered_outside && given.facts.opened == Some(false)).then(|| {
        let (from, to) = (seen.from, seen.to);
        format!("{from} to {to}: answers reach the outside of the firewall and never its inside; it did not see {to} ask (M12)")
    })
}
