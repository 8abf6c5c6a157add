//! What the links and tunnels of the topology say about sightings: methods M1 (interface, file), M2 (tags), M3 (MACs) and M11
//! (tunnels) of call-flows section 5, with the self-test of M3 and without counting copies twice. Where they say nothing of a link, BGP
//! may (M13).

use super::segment::Sighting;
use crate::call::Peering;
use crate::time::Timestamp;
use crate::topology::{Heading, LinkMatch, Mac, Place, Segment, Topology, Tunnel};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Packets of a direction below which nothing is said.
pub(super) const FEW: u64 = 3;

/// What the links say about one sighting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// All its edge links are of this segment.
    Edge(Segment),
    /// It matches edge links of both segments and proves nothing.
    Both,
    /// Only links inside the organisation.
    Inner,
    /// Only links whose segment is `?`.
    Open,
    /// No link names its tap.
    Nothing,
}

/// A sighting and the links it was seen on.
pub(super) struct Observation<'t, 's> {
    pub sighting: &'s Sighting<'s>,
    pub links: Vec<LinkMatch<'t>>,
    /// The tunnel that the packets were in: what they crossed, whatever the link that carries it.
    pub tunnel: Option<&'t Tunnel>,
    /// Microsoft peering by BGP, where nothing else says what the packets crossed.
    pub peering: Option<Peering>,
    pub evidence: Evidence,
}

impl Observation<'_, '_> {
    /// The edge segment it proves, if any.
    pub fn edge(&self) -> Option<Segment> {
        match self.evidence {
            Evidence::Edge(segment) => Some(segment),
            _ => None,
        }
    }
}

/// Which way packets from `from` to `to` go, seen from the organisation.
pub(super) fn heading(topology: &Topology, from: IpAddr, to: IpAddr, at: Timestamp) -> Heading {
    heading_of(topology.place_of(from, at), topology.place_of(to, at))
}

/// The same of the places of the two ends.
pub(super) fn heading_of(from: Place, to: Place) -> Heading {
    match (from.is_inside(), to.is_inside()) {
        (true, false) => Heading::Outbound,
        (false, true) => Heading::Inbound,
        _ => Heading::Either,
    }
}

/// Finds the links of each sighting; those that rest on a distrusted MAC do not count.
pub(super) fn observe<'t, 's>(
    topology: &'t Topology,
    sightings: &'s [Sighting<'s>],
    heading: Heading,
    distrusted: &BTreeSet<Mac>,
) -> Vec<Observation<'t, 's>> {
    let unlinked = topology.tables.links.is_empty();
    let observe = |sighting: &'s Sighting<'s>| {
        if let Some(tunnel) = topology.tunnel(&sighting.tap) {
            let evidence = evidence([*tunnel.segment].into());
            return Observation { sighting, links: Vec::new(), tunnel: Some(tunnel), peering: None, evidence };
        }
        let mut links = if unlinked { Vec::new() } else { topology.links(&sighting.tap, sighting.macs, heading) };
        links.retain(|link| link.mac.is_none_or(|mac| !distrusted.contains(&mac)));
        let said = evidence(links.iter().map(|link| *link.link.segment).collect());
        let peering = peering(topology, sighting, heading).filter(|_| matches!(said, Evidence::Nothing | Evidence::Open));
        let evidence = if peering.is_some() { Evidence::Edge(Segment::Expressroute) } else { said };
        Observation { sighting, links, tunnel: None, peering, evidence }
    };
    sightings.iter().filter(|sighting| sighting.packets > 0).map(observe).collect()
}

/// M13: the router of Microsoft's side is the one that these packets go to or come from, and had shown what it is.
fn peering(topology: &Topology, sighting: &Sighting<'_>, heading: Heading) -> Option<Peering> {
    let may_be = sighting.is_peering() && topology.tables.express_route != Some(false);
    sighting.peering.filter(|peering| may_be && sighting.macs.routers(heading).any(|mac| mac == peering.mac))
}

fn evidence(segments: BTreeSet<Segment>) -> Evidence {
    let mut edges = segments.iter().filter(|segment| segment.is_edge());
    match (edges.next(), edges.next()) {
        (Some(_), Some(_)) => Evidence::Both,
        (Some(edge), None) => Evidence::Edge(*edge),
        _ if segments.contains(&Segment::Local) => Evidence::Inner,
        _ if segments.is_empty() => Evidence::Nothing,
        _ => Evidence::Open,
    }
}

/// The self-test of M3: router MACs that M1 and M2 alone show on both edge segments tell nothing.
pub(super) fn distrusted(topology: &Topology, directions: &[(&[Sighting<'_>], Heading)]) -> BTreeSet<Mac> {
    if topology.tables.links.is_empty() {
        return BTreeSet::new();
    }
    let mut seen: BTreeMap<Mac, BTreeSet<Segment>> = BTreeMap::new();
    for (sightings, heading) in directions {
        for sighting in sightings.iter() {
            let links = topology.links(&sighting.tap, sighting.macs, *heading);
            let others = links.iter().filter(|link| link.mac.is_none()).map(|link| *link.link.segment);
            let edges: Vec<Segment> = others.filter(|segment| segment.is_edge()).collect();
            for mac in sighting.macs.routers(*heading) {
                seen.entry(mac).or_default().extend(&edges);
            }
        }
    }
    seen.into_iter().filter(|(_, segments)| segments.len() > 1).map(|(mac, _)| mac).collect()
}

/// The edge segment that `segment` is not.
pub(super) fn other_edge(segment: Segment) -> Segment {
    if segment == Segment::Expressroute { Segment::Internet } else { Segment::Expressroute }
}

/// The edge segment that holds at least nine tenths of what was seen at the edge, and at least [`FEW`] packets, copies not counted.
pub(super) fn settled(seen: &[Observation<'_, '_>]) -> Option<Segment> {
    let on = |segment| traffic(seen.iter().filter(|observation| observation.edge() == Some(segment))).0;
    let [express, internet] = [Segment::Expressroute, Segment::Internet].map(on);
    let (segment, most) = if express > internet { (Segment::Expressroute, express) } else { (Segment::Internet, internet) };
    let total = express.saturating_add(internet);
    (most >= FEW && most >= total - total / 10).then_some(segment)
}

/// What edge packets crossed: a link of the topology, or one between two routers.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Crossed {
    Link(usize),
    Peering(IpAddr, IpAddr),
}

/// What was seen at each tap.
type Taps<'s> = BTreeMap<u32, Vec<&'s Sighting<'s>>>;

/// Packets and bytes without copies: what the fullest tap saw, or what the edge links saw together when that is more, since
/// a packet crosses only one of them.
pub(super) fn traffic<'o>(mut observations: impl Iterator<Item = &'o Observation<'o, 'o>>) -> (u64, u64) {
    let (Some(first), second) = (observations.next(), observations.next()) else { return (0, 0) };
    let Some(second) = second else { return (first.sighting.packets, first.sighting.bytes) };
    let observations = [first, second].into_iter().chain(observations);
    let mut taps = Taps::new();
    let mut links: BTreeMap<Crossed, Taps<'_>> = BTreeMap::new();
    for observation in observations {
        let sighting = observation.sighting;
        taps.entry(sighting.tap_id).or_default().push(sighting);
        let link = observation.links.iter().find(|link| link.link.segment.is_edge()).map(|link| Crossed::Link(link.idx));
        let peering = || observation.peering.map(|peering| Crossed::Peering(peering.router, peering.yours));
        if let Some(crossed) = link.or_else(peering) {
            links.entry(crossed).or_default().entry(sighting.tap_id).or_default().push(sighting);
        }
    }
    let fullest = |taps: &Taps<'_>| taps.values().map(|seen| once(seen)).max().unwrap_or_default();
    links.values().map(fullest).fold((0, 0), add).max(fullest(&taps))
}

/// Packets and bytes of one tap, those that pass it several times counted once: while packets with several times to live are
/// seen, the time to live that has most counts.
fn once(sightings: &[&Sighting<'_>]) -> (u64, u64) {
    let mut sightings = sightings.to_vec();
    sightings.sort_by_key(|sighting| sighting.first);
    let (mut total, mut until) = ((0, 0), None);
    let mut passes: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
    let fullest = |passes: &BTreeMap<u8, (u64, u64)>| passes.values().copied().max().unwrap_or_default();
    for sighting in sightings {
        if until.is_some_and(|until| sighting.first > until) {
            total = add(total, fullest(&std::mem::take(&mut passes)));
        }
        until = until.max(Some(sighting.last));
        let pass = passes.entry(sighting.ttl).or_default();
        *pass = add(*pass, (sighting.packets, sighting.bytes));
    }
    add(total, fullest(&passes))
}

fn add(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    (a.0.saturating_add(b.0), a.1.saturating_add(b.1))
}

/// The links behind the observations, each once, in the order of the file: `link er by interface (M1) and link er2 by vlan (M2)`.
pub(super) fn basis<'o>(observations: impl Iterator<Item = &'o Observation<'o, 'o>>) -> String {
    let mut links: BTreeMap<usize, String> = BTreeMap::new();
    let mut others: BTreeSet<String> = BTreeSet::new();
    for observation in observations {
        links.extend(observation.links.iter().map(|link| (link.idx, link.basis())));
        others.extend(observation.tunnel.map(Tunnel::basis));
        others.extend(
            observation.peering.map(|Peering { router, net, .. }| format!("BGP of {router}, which announces {net} by AS 12076 (M13)")),
        );
    }
    links.into_values().chain(others).collect::<Vec<_>>().join(" and ")
}
