//! Whether the two directions of a flow between the organisation and Microsoft cross different segments: scope, preparation,
//! methods M1 to M4 and verdicts of call-flows section 5.

use super::observe::{Evidence, Observation, basis, distrusted, heading, observe, traffic};
use super::segment::{Sighting, returning};
use super::window::{Pair, Tally, compare};
use crate::address;
use crate::time::Timestamp;
use crate::topology::{Heading, LinkSide, Mac, Place, Segment, Topology, mac_text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// Packets of a direction below which nothing is said.
const FEW: u64 = 3;
/// A sum of evenly spread packets that means [`FEW`] whole ones.
const FEW_SPREAD: f64 = 3.0 - 1e-6;
/// How many times as many packets the symmetric windows must hold as the others, for the flow to be symmetric.
const MOST: f64 = 9.0;

/// How sure it is that the two directions use different segments. `Possible` rests on methods from M6 on, which are not
/// applied yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Symmetric: both directions were observed on one edge segment.
    No,
    /// One direction observed, the other only supported.
    Possible,
    /// One direction observed, the other predicted on another segment.
    Likely,
    /// Both directions observed on different segments.
    Confirmed,
    /// Not to be judged; the evidence names what is missing.
    CannotTell,
}

impl Verdict {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::No => "no",
            Verdict::Possible => "possible",
            Verdict::Likely => "likely",
            Verdict::Confirmed => "confirmed",
            Verdict::CannotTell => "cannot_tell",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The verdict on one flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asymmetry {
    /// The verdict.
    pub verdict: Verdict,
    /// What it rests on, or what is missing.
    pub evidence: Vec<String>,
    /// The tap or fact that is missing when the verdict is `CannotTell`, without addresses: equal ones are counted together.
    pub lack: Option<String>,
    /// Segment from a to b, segment from b to a; absent when the verdict is `CannotTell`.
    pub pair: Option<(Segment, Segment)>,
}

impl Asymmetry {
    fn cannot_tell(lack: String, evidence: Vec<String>) -> Self {
        Self { verdict: Verdict::CannotTell, evidence, lack: Some(lack), pair: None }
    }

    fn of(verdict: Verdict, pair: (Segment, Segment), evidence: Vec<String>) -> Self {
        Self { verdict, evidence, lack: None, pair: Some(pair) }
    }
}

/// Judges the flow between `a` and `b` at the capture's time `at`.
pub fn judge(topology: &Topology, a: IpAddr, b: IpAddr, a_to_b: &[Sighting<'_>], b_to_a: &[Sighting<'_>], at: Timestamp) -> Asymmetry {
    out_of_scope(topology, a, b, at).unwrap_or_else(|| within(topology, a, b, a_to_b, b_to_a, at))
}

/// The verdict where the question does not arise.
pub(super) fn out_of_scope(topology: &Topology, a: IpAddr, b: IpAddr, at: Timestamp) -> Option<Asymmetry> {
    let reason = out_of_scope_by(topology, a, b, at)?;
    Some(Asymmetry::cannot_tell("no flow between your network and Microsoft".to_owned(), vec![format!("out of scope: {reason}")]))
}

/// The verdict where it does.
pub(super) fn within(
    topology: &Topology,
    a: IpAddr,
    b: IpAddr,
    a_to_b: &[Sighting<'_>],
    b_to_a: &[Sighting<'_>],
    at: Timestamp,
) -> Asymmetry {
    let (out, back) = (heading(topology, a, b, at), heading(topology, b, a, at));
    let untrusted = distrusted(topology, &[(a_to_b, out), (b_to_a, back)]);
    let there = Direction { from: a, to: b, heading: out, seen: observe(topology, a_to_b, out, &untrusted) };
    let back = Direction { from: b, to: a, heading: back, seen: observe(topology, b_to_a, back, &untrusted) };
    let mut result = match (there.is_observed(), back.is_observed()) {
        (true, true) => both_observed(&there, &back),
        (true, false) => one_observed(topology, &there, &back, at, false),
        (false, true) => one_observed(topology, &back, &there, at, true),
        (false, false) => {
            let lack = if back.seen.is_empty() { lack(&back) } else { lack(&there) };
            Asymmetry::cannot_tell(lack, vec![missing(topology, &there), missing(topology, &back)])
        }
    };
    result.evidence.extend(dropped_packets(&there).into_iter().chain(dropped_packets(&back)));
    if result.verdict == Verdict::CannotTell {
        result.evidence.extend(dropped_macs(topology, &untrusted));
    }
    result
}

/// Only flows with one end at Microsoft and the other in the organisation can be asymmetric in this sense. The places are
/// those after static NAT: the outside address has the place of its inside host.
fn out_of_scope_by(topology: &Topology, a: IpAddr, b: IpAddr, at: Timestamp) -> Option<String> {
    let (place_a, place_b) = (topology.place_of(a, at), topology.place_of(b, at));
    match (place_a, place_b) {
        (Place::Microsoft, Place::Microsoft) => Some(format!("{a} and {b} are both Microsoft's")),
        (Place::Microsoft, end) if end.is_inside() => None,
        (end, Place::Microsoft) if end.is_inside() => None,
        (Place::Microsoft, Place::Internet) => Some(not_named(b)),
        (Place::Internet, Place::Microsoft) => Some(not_named(a)),
        (Place::Microsoft, end) => Some(format!("{b} is in place {end}, not in your network")),
        (end, Place::Microsoft) => Some(format!("{a} is in place {end}, not in your network")),
        // Most hops of most captures.
        _ => Some(format!("neither {} ({place_a}) nor {} ({place_b}) is Microsoft's", address::ip(a), address::ip(b))),
    }
}

fn not_named(ip: IpAddr) -> String {
    format!("{ip} is not in your network: name it in [[sbc]], [[nat]] or [[prefix]] if it is yours")
}

/// One direction and what its links show.
struct Direction<'t, 's> {
    from: IpAddr,
    to: IpAddr,
    heading: Heading,
    seen: Vec<Observation<'t, 's>>,
}

impl Direction<'_, '_> {
    fn is_observed(&self) -> bool {
        self.seen.iter().any(|observation| observation.edge().is_some())
    }

    fn on(&self, segment: Segment) -> impl Iterator<Item = &Observation<'_, '_>> {
        self.seen.iter().filter(move |observation| observation.edge() == Some(segment))
    }

    /// Packets on an edge segment, copies not counted.
    fn packets(&self, segment: Segment) -> u64 {
        traffic(self.on(segment)).0
    }

    /// The segment that holds at least nine tenths of the observed packets, and at least [`FEW`] of them.
    fn settled(&self) -> Option<Segment> {
        let [express, internet] = [Segment::Expressroute, Segment::Internet].map(|segment| self.packets(segment));
        let (segment, most) = if express > internet { (Segment::Expressroute, express) } else { (Segment::Internet, internet) };
        let total = express.saturating_add(internet);
        (most >= FEW && most >= total - total / 10).then_some(segment)
    }

    fn line(&self, segment: Segment) -> String {
        let n = self.packets(segment);
        format!("{} to {}: {n} packets on {segment}, {}", self.from, self.to, basis(self.on(segment)))
    }
}

fn both_observed(there: &Direction<'_, '_>, back: &Direction<'_, '_>) -> Asymmetry {
    let tally = compare(&there.seen, &back.seen);
    if let Some(pair) = tally.main(false).filter(|pair| enough(there, back, pair)) {
        return Asymmetry::of(Verdict::Confirmed, (pair.there, pair.back), vec![there.line(pair.there), back.line(pair.back)]);
    }
    match symmetric(there, back, &tally) {
        Some(segment) => {
            let mut evidence = vec![there.line(segment), back.line(segment)];
            evidence.extend([there, back].into_iter().filter_map(|direction| split(direction, segment)));
            Asymmetry::of(Verdict::No, (segment, segment), evidence)
        }
        None => undecided(there, back, &tally),
    }
}

/// The segment that both directions keep to: in their windows, or as a whole where a stray packet on the other one left no window to
/// judge.
fn symmetric(there: &Direction<'_, '_>, back: &Direction<'_, '_>, tally: &Tally) -> Option<Segment> {
    match tally.main(true) {
        Some(pair) => (tally.packets(true) >= MOST * tally.packets(false)).then_some(pair.there),
        None if tally.pairs.is_empty() && tally.changing => there.settled().filter(|segment| back.settled() == Some(*segment)),
        None => None,
    }
}

/// Whether both directions have [`FEW`] packets on the pair's segments, in its windows and without copies.
fn enough(there: &Direction<'_, '_>, back: &Direction<'_, '_>, pair: &Pair) -> bool {
    pair.fewer() >= FEW_SPREAD && there.packets(pair.there).min(back.packets(pair.back)) >= FEW
}

/// Several links of one segment carry a direction: worth saying, never asymmetric.
fn split(direction: &Direction<'_, '_>, segment: Segment) -> Option<String> {
    let links = direction.on(segment).flat_map(|observation| &observation.links).filter(|link| link.link.segment.is_edge());
    let ids: BTreeSet<&str> = links.map(|link| link.link.id.as_str()).collect();
    let names = || Vec::from_iter(ids.iter().copied()).join(", ");
    (ids.len() > 1).then(|| format!("{} to {}: split inside {segment} over links {}", direction.from, direction.to, names()))
}

fn undecided(there: &Direction<'_, '_>, back: &Direction<'_, '_>, tally: &Tally) -> Asymmetry {
    let reason = if !tally.shared {
        "the directions were never seen within the same 5 s"
    } else if tally.pairs.is_empty() && tally.changing {
        "the directions were seen together only within 5 s of a route change"
    } else if tally.pairs.is_empty() {
        "a direction used both segments, neither with 90 % of its packets"
    } else {
        "too few packets on different segments to say more"
    };
    let lines = [there, back].into_iter().flat_map(|direction| {
        let segments = [Segment::Expressroute, Segment::Internet].into_iter();
        segments.filter(|segment| direction.packets(*segment) > 0).map(|segment| direction.line(segment))
    });
    Asymmetry::cannot_tell(reason.to_owned(), std::iter::once(reason.to_owned()).chain(lines).collect())
}

/// One direction is observed. If it is the outgoing one, M4 may predict the other.
fn one_observed(topology: &Topology, seen: &Direction<'_, '_>, unseen: &Direction<'_, '_>, at: Timestamp, swapped: bool) -> Asymmetry {
    let mut evidence = vec![missing(topology, unseen)];
    let Some(segment) = seen.settled() else {
        evidence.push(format!("{} to {}: fewer than 3 packets, or not 90 % of them, on one segment", seen.from, seen.to));
        return Asymmetry::cannot_tell(
            "fewer than 3 packets of the direction that was seen, or not 90 % of them on one segment".to_owned(),
            evidence,
        );
    };
    evidence.insert(0, seen.line(segment));
    let prediction = match prediction(topology, seen, unseen, at) {
        Ok(prediction) => prediction,
        Err(reason) => {
            evidence.extend(reason);
            return Asymmetry::cannot_tell(lack(unseen), evidence);
        }
    };
    let (predicted, text) = prediction;
    evidence.push(format!("{} to {}: {text}", unseen.from, unseen.to));
    if predicted == segment {
        return Asymmetry::cannot_tell(lack(unseen), evidence);
    }
    let pair = if swapped { (predicted, segment) } else { (segment, predicted) };
    Asymmetry::of(Verdict::Likely, pair, evidence)
}

/// M4 for the unseen direction, or why it is off, where that is worth saying.
fn prediction(
    topology: &Topology,
    seen: &Direction<'_, '_>,
    unseen: &Direction<'_, '_>,
    at: Timestamp,
) -> Result<(Segment, String), Option<String>> {
    let pool = topology.pool(unseen.to);
    if let Some((net, [_, _, ..])) = pool {
        return Err(Some(format!("{net} is advertised on both segments: M4 is off for it")));
    }
    let links = seen.seen.iter().flat_map(|observation| &observation.links);
    if let Some(link) = links.into_iter().find(|link| link.link.nat_side == Some(LinkSide::Inside)) {
        return Err(pool.map(|_| format!("link {} lies inside the NAT: M4 is off", link.link.id)));
    }
    returning(topology, unseen.from, unseen.to, at).ok_or(None)
}

/// What keeps a direction from being observed, in a few words without addresses.
fn lack(direction: &Direction<'_, '_>) -> String {
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
fn missing(topology: &Topology, direction: &Direction<'_, '_>) -> String {
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
    let tap = format!("{}{router}", any.sighting.tap.describe());
    match topology.tables.links.is_empty() {
        true => format!("{from} to {to}: seen at {tap}, but the topology has no [[link]]; write one per physical link"),
        false => format!("{from} to {to}: seen at {tap}, which no [[link]] names; add it to the right one"),
    }
}

fn dropped_packets(direction: &Direction<'_, '_>) -> Option<String> {
    let n = traffic(direction.seen.iter().filter(|observation| observation.evidence == Evidence::Both)).0;
    let (from, to) = (direction.from, direction.to);
    (n > 0).then(|| format!("{from} to {to}: {n} packets match links of both segments and prove nothing"))
}

/// Only MACs that some link selects by are worth naming.
fn dropped_macs(topology: &Topology, untrusted: &BTreeSet<Mac>) -> Vec<String> {
    let named = |mac: &&Mac| topology.tables.links.iter().any(|link| link.mac.contains(*mac));
    let text = |mac: &Mac| format!("mac {} is seen on both segments and tells nothing (M3)", mac_text(*mac));
    untrusted.iter().filter(named).map(text).collect()
}

#[cfg(test)]
mod tests;
