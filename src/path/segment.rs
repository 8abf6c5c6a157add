//! The segment that the packets of one direction crossed, from the outermost evidence: links first, then where replies to a
//! NAT pool come back, then the places of the two ends.

use super::facts::Route;
use super::observe::{Evidence, Observation, basis, distrusted, heading_of, observe, traffic};
use crate::call::Peering;
use crate::time::{Span, Timestamp};
use crate::topology::{Heading, Mac, MacPair, Place, Segment, TapFacts, Topology};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// One run of packets of one direction at one tap with one pair of MACs. `packets` counts no copy that this tap saw twice.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'a> {
    /// What the tap says about itself.
    pub tap: TapFacts<'a>,
    /// The tap's id in the report.
    pub tap_id: u32,
    /// MACs of the frames.
    pub macs: MacPair,
    /// What BGP shows of the link that these frames cross, now or later.
    pub peering: Option<Peering>,
    /// Time to live of the packets: at one tap another one is another pass of the same packets, or another route.
    pub ttl: u8,
    /// Time of the first packet.
    pub first: Timestamp,
    /// Time of the last packet.
    pub last: Timestamp,
    /// How many.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}

impl Sighting<'_> {
    /// BGP showed the link to be Microsoft peering before the first of these packets came.
    pub(super) fn is_peering(&self) -> bool {
        self.peering.is_some_and(|peering| peering.since.at <= self.first)
    }

    /// The packets before BGP showed what the link is, and those since, as if they were evenly spread.
    pub(super) fn parted(self) -> impl Iterator<Item = Self> {
        let straddles = |since: &Timestamp| self.first < *since && *since <= self.last && self.packets > 1;
        let Some(since) = self.peering.map(|peering| peering.since.at).filter(straddles) else {
            return [Some(self), None].into_iter().flatten();
        };
        let [whole, later] = [self.first, since].map(|from| (i128::from(self.last.0) - i128::from(from.0)) as f64);
        let packets = ((self.packets as f64 * (later / whole)).round() as u64).clamp(1, self.packets - 1);
        let bytes = (u128::from(self.bytes) * u128::from(packets) / u128::from(self.packets)) as u64;
        let before = Self { last: since - Span(1), packets: self.packets - packets, bytes: self.bytes - bytes, ..self };
        [Some(before), Some(Self { first: since, packets, bytes, ..self })].into_iter().flatten()
    }
}

/// What one direction crossed, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The segment.
    pub segment: Segment,
    /// The evidence, in words.
    pub basis: Arc<str>,
    /// Links of the topology, or a link that BGP shows, saw packets on it; else it follows from a pool, or from the places of the two ends.
    pub observed: bool,
    /// Packets, copies at further taps not counted.
    pub packets: u64,
    /// Bytes of these packets.
    pub bytes: u64,
}

/// The way of the packets from `from` to `to`, at the capture's time `at`.
pub fn way(topology: &Topology, from: IpAddr, to: IpAddr, sightings: &[Sighting<'_>], at: Timestamp) -> Way {
    let ends = Ends::of(topology, from, to, at);
    let untrusted = distrusted(topology, &[(sightings, ends.heading())]);
    way_without(topology, ends, sightings, (at, None), &untrusted)
}

/// The ways of both directions; a MAC that one of them shows to be useless counts in neither.
pub fn ways(topology: &Topology, a: IpAddr, b: IpAddr, a_to_b: &[Sighting<'_>], b_to_a: &[Sighting<'_>], at: Timestamp) -> [Way; 2] {
    ways_told(topology, [a, b], [a_to_b, b_to_a], [None; 2], at)
}

/// The same with what BGP says of where replies to a and to b come back.
pub(super) fn ways_told(
    topology: &Topology,
    [a, b]: [IpAddr; 2],
    [a_to_b, b_to_a]: [&[Sighting<'_>]; 2],
    [of_a, of_b]: [Option<Route>; 2],
    at: Timestamp,
) -> [Way; 2] {
    let there = Ends::of(topology, a, b, at);
    let back = Ends { from: there.to, to: there.from };
    let untrusted = distrusted(topology, &[(a_to_b, there.heading()), (b_to_a, back.heading())]);
    [way_without(topology, there, a_to_b, (at, of_b), &untrusted), way_without(topology, back, b_to_a, (at, of_a), &untrusted)]
}

/// The two ends of a direction with their places.
#[derive(Clone, Copy)]
struct Ends {
    from: (IpAddr, Place),
    to: (IpAddr, Place),
}

impl Ends {
    fn of(topology: &Topology, from: IpAddr, to: IpAddr, at: Timestamp) -> Self {
        Self { from: (from, topology.place_of(from, at)), to: (to, topology.place_of(to, at)) }
    }

    fn heading(&self) -> Heading {
        heading_of(self.from.1, self.to.1)
    }
}

fn way_without(
    topology: &Topology,
    ends: Ends,
    sightings: &[Sighting<'_>],
    (at, told): (Timestamp, Option<Route>),
    untrusted: &BTreeSet<Mac>,
) -> Way {
    let seen = observe(topology, sightings, ends.heading(), untrusted);
    let (packets, bytes) = traffic(seen.iter());
    let shown = observed(&seen);
    let observed = shown.as_ref().is_some_and(|(segment, _)| segment.is_edge());
    let (segment, basis) = shown.unwrap_or_else(|| {
        let (segment, basis) = returning(topology, ends.from.0, (ends.to.0, told), at).unwrap_or_else(|| by_ends(topology, ends, &seen));
        if packets > 0 { (segment, basis) } else { (segment, format!("no packet seen in this direction; {basis}")) }
    });
    Way { segment, basis: basis.into(), observed, packets, bytes }
}

/// What edge links show. Two different segments are no answer, and both are named.
fn observed(seen: &[Observation<'_, '_>]) -> Option<(Segment, String)> {
    let on = |evidence: Evidence| seen.iter().filter(move |observation| observation.evidence == evidence);
    let part = |segment: Segment| {
        let n = traffic(on(Evidence::Edge(segment))).0;
        (n > 0).then(|| (segment, basis(on(Evidence::Edge(segment))), n))
    };
    let parts: Vec<_> = [Segment::Expressroute, Segment::Internet].into_iter().filter_map(part).collect();
    match parts.as_slice() {
        [] if on(Evidence::Both).next().is_some() => {
            Some((Segment::Unknown, format!("seen on both edges at once: {}", basis(on(Evidence::Both)))))
        }
        [] => None,
        [(segment, links, _)] => Some((*segment, links.clone())),
        several => {
            let words: Vec<String> = several.iter().map(|(segment, links, n)| format!("{n} packets on {segment}, {links}")).collect();
            Some((Segment::Unknown, words.join("; ")))
        }
    }
}

/// Method M4: packets from Microsoft to a pool come back where the pool is advertised, if that is one segment. Where the topology does
/// not know, BGP may have `told` that your side announces it on Microsoft peering.
pub(super) fn returning(
    topology: &Topology,
    from: IpAddr,
    (to, told): (IpAddr, Option<Route>),
    at: Timestamp,
) -> Option<(Segment, String)> {
    if topology.place_of(from, at) != Place::Microsoft {
        return None;
    }
    match (topology.pool(to), told) {
        (Some((net, [one])), _) => Some((one.segment(), format!("{to} is in {net}, advertised on {} only (M4, predicted)", one.segment()))),
        (Some((_, [])) | None, Some(Route { announced, on_internet: false })) => {
            let text =
                format!("{to} is in {}, which {} announces on Microsoft peering (BGP, M13; M4, predicted)", announced.net, announced.by);
            Some((Segment::Expressroute, text))
        }
        _ => None,
    }
}

/// What the places of the ends allow, when nothing was seen on an edge link.
fn by_ends(topology: &Topology, ends: Ends, seen: &[Observation<'_, '_>]) -> (Segment, String) {
    let ((from, from_place), (to, to_place)) = (ends.from, ends.to);
    let private = [from, to].into_iter().find_map(|ip| topology.trunk(ip).filter(|trunk| trunk.private_link));
    let places = format!("{from_place} to {to_place}");
    if let Some(trunk) = private.filter(|_| from_place.is_inside() || to_place.is_inside()) {
        return (Segment::Local, format!("{places}, private link of trunk {}", trunk.name));
    }
    let segment = between(topology, from_place, to_place);
    let missing = match segment {
        Segment::InternetOrExpressroute if !from_place.is_inside() && !to_place.is_inside() => {
            ", no topology says whose the public address is"
        }
        Segment::InternetOrExpressroute if topology.tables.links.is_empty() => ", no [[link]] in the topology tells which",
        Segment::InternetOrExpressroute if seen.iter().any(|observation| observation.evidence == Evidence::Open) => {
            ", the link's segment is '?'"
        }
        Segment::InternetOrExpressroute if seen.iter().any(|observation| observation.evidence == Evidence::Inner) => {
            ", seen on inner links only"
        }
        Segment::InternetOrExpressroute if !seen.is_empty() => ", no [[link]] names the tap",
        Segment::Internet if [from_place, to_place] == [Place::Internet, Place::Microsoft] => ", not one of your addresses",
        Segment::Internet if [from_place, to_place] == [Place::Microsoft, Place::Internet] => ", not one of your addresses",
        Segment::Internet if to_place == Place::Microsoft || from_place == Place::Microsoft => ", the topology has no ExpressRoute",
        _ => "",
    };
    (segment, format!("{places}{missing}"))
}

/// The segment between two places, without any observation. Without a topology file a public address that nobody places may be your
/// own SBC's, so its way to Microsoft is left open; with one it is not yours, and your ExpressRoute does not carry it.
pub fn between(topology: &Topology, from: Place, to: Place) -> Segment {
    let outside = match (from.is_inside(), to.is_inside()) {
        (true, true) => return Segment::Local,
        (true, false) => to,
        (false, true) => from,
        (false, false) => return outside_only(topology, from, to),
    };
    match outside {
        Place::Microsoft if topology.tables.express_route == Some(false) => Segment::Internet,
        Place::Microsoft => Segment::InternetOrExpressroute,
        Place::Internet | Place::Carrier => Segment::Internet,
        _ => Segment::Unknown,
    }
}

fn outside_only(topology: &Topology, from: Place, to: Place) -> Segment {
    let public = |place: Place| matches!(place, Place::Internet | Place::Carrier);
    match (from, to) {
        (Place::Microsoft, Place::Microsoft) => Segment::Microsoft,
        (a, b) if public(a) && public(b) => Segment::Internet,
        (Place::Internet, Place::Microsoft) | (Place::Microsoft, Place::Internet) if topology.file.is_none() => {
            Segment::InternetOrExpressroute
        }
        (Place::Internet, Place::Microsoft) | (Place::Microsoft, Place::Internet) => Segment::Internet,
        _ => Segment::Unknown,
    }
}

#[cfg(test)]
mod tests;
