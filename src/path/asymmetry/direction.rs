//! One direction of a flow: what its links show, and what keeps it from being observed.

use crate::path::observe::{Evidence, Observation, basis, settled, traffic};
use crate::topology::{Heading, Mac, Segment, Topology, mac_text};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// One direction and what its links show.
pub(super) struct Direction<'t, 's> {
    pub from: IpAddr,
    pub to: IpAddr,
    pub heading: Heading,
    pub seen: Vec<Observation<'t, 's>>,
}

impl Direction<'_, '_> {
    pub fn is_observed(&self) -> bool {
        self.seen.iter().any(|observation| observation.edge().is_some())
    }

    pub fn on(&self, segment: Segment) -> impl Iterator<Item = &Observation<'_, '_>> {
        self.seen.iter().filter(move |observation| observation.edge() == Some(segment))
    }

    /// Packets on an edge segment, copies not counted.
    pub fn packets(&self, segment: Segment) -> u64 {
        traffic(self.on(segment)).0
    }

    /// The segment that nearly all of it keeps to.
    pub fn settled(&self) -> Option<Segment> {
        settled(&self.seen)
    }

    /// M7: the same packets at an inner link and at the edge, in the order of the places and not of the clocks.
    pub fn passes(&self, segment: Segment) -> Option<String> {
        let inner = self.seen.iter().filter(|observation| observation.evidence == Evidence::Inner);
        let inner = BTreeSet::from_iter(inner.flat_map(|observation| &observation.links).map(|link| link.link.id.as_str()));
        let edge = BTreeSet::from_iter(self.on(segment).flat_map(|observation| &observation.links).map(|link| link.link.id.as_str()));
        let [inner, edge] = [inner, edge].map(|ids| Vec::from_iter(ids).join(" and "));
        let (first, last) = if self.heading == Heading::Inbound { (&edge, &inner) } else { (&inner, &edge) };
        (!inner.is_empty() && !edge.is_empty()).then(|| format!("{} to {}: passes {first}, then {last} (M7)", self.from, self.to))
    }

    pub fn line(&self, segment: Segment) -> String {
        let n = self.packets(segment);
        format!("{} to {}: {n} packets on {segment}, {}", self.from, self.to, basis(self.on(segment)))
    }
}

/// What keeps a direction from being observed, in a few words without addresses.
pub(super) fn lack(direction: &Direction<'_, '_>) -> String {
    let link = |evidence: Evidence| {
        let observation = direction.seen.iter().find(|observation| observation.evidence == evidence);
        observation.and_then(|observation| observation.links.first()).map(|link| link.link.id.as_str())
    };
    match (link(Evidence::Both), link(Evidence::Open), link(Evidence::Inner)) {
        _ if direction.seen.is_empty() => "one direction was not seen".to_owned(),
        (Some(_), _, _) => "links of both segments match one tap".to_owned(),
        (None, Some(link), _) => format!("the segment of link {link} is '?'"),
        (None, None, Some(link)) => format!("seen on inner link {link} only, not at the edge"),
        (None, None, None) => "no link or NAT pool of the topology names the segment".to_owned(),
    }
}

/// What keeps a direction from being observed, with the remedy.
pub(super) fn missing(topology: &Topology, direction: &Direction<'_, '_>) -> String {
    let (from, to) = (direction.from, direction.to);
    let has = |evidence: Evidence| direction.seen.iter().find(|observation| observation.evidence == evidence);
    let Some(any) = direction.seen.first() else {
        return format!("{from} to {to}: no packet seen; tap the link that carries this direction");
    };
    if has(Evidence::Both).is_some() {
        return format!("{from} to {to}: seen only at taps that match links of both segments; make the selectors of these links narrower");
    }
    if let Some(link) = has(Evidence::Open).and_then(|open| open.links.first()) {
        return format!("{from} to {to}: segment of link {} is '?'; ask the network team", link.link.id);
    }
    if let Some(link) = has(Evidence::Inner).and_then(|inner| inner.links.first()) {
        return format!("{from} to {to}: seen on inner links only ({}); tap the Internet or ExpressRoute edge", link.link.id);
    }
    let by_mac = topology.tables.links.iter().any(|link| !link.mac.is_empty());
    let routers: Vec<String> = any.sighting.macs.routers(direction.heading).map(mac_text).collect();
    let router = if by_mac { format!(", router mac {}", routers.join(" or ")) } else { String::new() };
    // What BGP shows later is not known of what came before.
    let later = any.sighting.peering.filter(|_| !any.sighting.is_peering());
    let later = later.map(|peering| format!(" (BGP shows Microsoft peering there from {} on)", peering.since.at.rfc3339()));
    let tap = format!("{}{router}{}", any.sighting.tap.describe(), later.unwrap_or_default());
    match topology.tables.links.is_empty() {
        true => format!("{from} to {to}: seen at {tap}, but the topology has no [[link]]; write one per physical link"),
        false => format!("{from} to {to}: seen at {tap}, which no [[link]] names; add it to the right one"),
    }
}

pub(super) fn dropped_packets(direction: &Direction<'_, '_>) -> Option<String> {
    let n = traffic(direction.seen.iter().filter(|observation| observation.evidence == Evidence::Both)).0;
    let (from, to) = (direction.from, direction.to);
    (n > 0).then(|| format!("{from} to {to}: {n} packets match links of both segments and prove nothing"))
}

/// Only MACs that some link selects by are worth naming.
pub(super) fn dropped_macs(topology: &Topology, untrusted: &BTreeSet<Mac>) -> Vec<String> {
    let named = |mac: &&Mac| topology.tables.links.iter().any(|link| link.mac.contains(*mac));
    let text = |mac: &Mac| format!("mac {} is seen on both segments and tells nothing (M3)", mac_text(*mac));
    untrusted.iter().filter(named).map(text).collect()
}
