//! Whether the two directions of a flow between the organisation and Microsoft cross different segments: scope, preparation and verdicts
//! of call-flows section 5. What is observed (M1 to M3, M7, M11) comes from the links, what is predicted (M4, M5) from where addresses are
//! advertised, what is only supported (M8, M9, M12) from how packets behave. What takes many flows to say (M6, M10) stands in `routes`.

mod direction;
mod predicted;
mod supported;

use super::facts::Facts;
use super::observe::{FEW, distrusted, heading, observe, other_edge};
use super::segment::Sighting;
use super::window::{Pair, Tally, compare};
use crate::address;
use crate::time::Timestamp;
use crate::topology::{Place, Segment, Topology};
use direction::{Direction, dropped_macs, dropped_packets, lack, missing};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// A sum of evenly spread packets that means [`FEW`] whole ones.
const FEW_SPREAD: f64 = 3.0 - 1e-6;
/// How many times as many packets the symmetric windows must hold as the others, for the flow to be symmetric.
const MOST: f64 = 9.0;

/// How sure it is that the two directions use different segments.
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
    /// The way whose segment was not observed where the verdict is `Likely` or `Possible`: 0 from a to b.
    pub unobserved: Option<usize>,
}

impl Asymmetry {
    fn cannot_tell(lack: String, evidence: Vec<String>) -> Self {
        Self { verdict: Verdict::CannotTell, evidence, lack: Some(lack), pair: None, unobserved: None }
    }

    fn of(verdict: Verdict, pair: (Segment, Segment), evidence: Vec<String>) -> Self {
        Self { verdict, evidence, lack: None, pair: Some(pair), unobserved: None }
    }
}

/// Judges the flow between `a` and `b` at the capture's time `at`.
pub fn judge(topology: &Topology, a: IpAddr, b: IpAddr, a_to_b: &[Sighting<'_>], b_to_a: &[Sighting<'_>], at: Timestamp) -> Asymmetry {
    out_of_scope(topology, a, b, at).unwrap_or_else(|| within(topology, [a, b], [a_to_b, b_to_a], &Facts::default(), at))
}

/// The verdict where the question does not arise.
pub(super) fn out_of_scope(topology: &Topology, a: IpAddr, b: IpAddr, at: Timestamp) -> Option<Asymmetry> {
    let reason = out_of_scope_by(topology, a, b, at)?;
    Some(Asymmetry::cannot_tell("no flow between your network and Microsoft".to_owned(), vec![format!("out of scope: {reason}")]))
}

/// The verdict where it does.
pub(super) fn within(topology: &Topology, ends: [IpAddr; 2], seen: [&[Sighting<'_>]; 2], facts: &Facts, at: Timestamp) -> Asymmetry {
    let ([a, b], [a_to_b, b_to_a]) = (ends, seen);
    let (out, back) = (heading(topology, a, b, at), heading(topology, b, a, at));
    let untrusted = distrusted(topology, &[(a_to_b, out), (b_to_a, back)]);
    let [to_a, to_b] = facts.receivers(ends);
    let there = Direction { from: a, to: to_b, heading: out, seen: observe(topology, a_to_b, out, &untrusted) };
    let back = Direction { from: b, to: to_a, heading: back, seen: observe(topology, b_to_a, back, &untrusted) };
    let given = Given { topology, facts, at };
    let mut result = match (there.is_observed(), back.is_observed()) {
        (true, true) => both_observed(&there, &back),
        (true, false) => one_observed(&given, &there, &back, false),
        (false, true) => one_observed(&given, &back, &there, true),
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

fn both_observed(there: &Direction<'_, '_>, back: &Direction<'_, '_>) -> Asymmetry {
    let tally = compare(&there.seen, &back.seen);
    if let Some(pair) = tally.main(false).filter(|pair| enough(there, back, pair)) {
        let evidence = vec![there.line(pair.there), back.line(pair.back)].into_iter();
        let evidence = evidence.chain([there.passes(pair.there), back.passes(pair.back)].into_iter().flatten());
        return Asymmetry::of(Verdict::Confirmed, (pair.there, pair.back), evidence.collect());
    }
    match symmetric(there, back, &tally) {
        Some(segment) => {
            // Where both went over from one segment to the other, both are told.
            let kept = tally.pairs.iter().filter(|pair| pair.there == pair.back && pair.there != segment).map(|pair| pair.there);
            let segments = std::iter::once(segment).chain(kept);
            let mut evidence: Vec<String> = segments.flat_map(|segment| [there.line(segment), back.line(segment)]).collect();
            evidence.extend([there, back].into_iter().filter_map(|direction| direction.passes(segment)));
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

/// What one direction is judged with beside what was seen of it.
struct Given<'a> {
    topology: &'a Topology,
    facts: &'a Facts,
    at: Timestamp,
}

/// One direction is observed: the other may be predicted, or at least supported.
fn one_observed(given: &Given<'_>, seen: &Direction<'_, '_>, unseen: &Direction<'_, '_>, swapped: bool) -> Asymmetry {
    let mut evidence = vec![missing(given.topology, unseen)];
    let Some(segment) = seen.settled() else {
        evidence.push(format!("{} to {}: fewer than 3 packets, or not 90 % of them, on one segment", seen.from, seen.to));
        return Asymmetry::cannot_tell(
            "fewer than 3 packets of the direction that was seen, or not 90 % of them on one segment".to_owned(),
            evidence,
        );
    };
    evidence.insert(0, seen.line(segment));
    let of = |verdict: Verdict, other: Segment, evidence: Vec<String>| {
        let pair = if swapped { (other, segment) } else { (segment, other) };
        Asymmetry { unobserved: Some(usize::from(!swapped)), ..Asymmetry::of(verdict, pair, evidence) }
    };
    match predicted::prediction(given, seen, unseen) {
        Ok((predicted, text)) => {
            evidence.push(format!("{} to {}: {text}", unseen.from, unseen.to));
            return match predicted == segment {
                true => Asymmetry::cannot_tell(lack(unseen), evidence),
                false => of(Verdict::Likely, predicted, evidence),
            };
        }
        Err(reason) => evidence.extend(reason),
    }
    let support = supported::support(given, seen, unseen, segment);
    if support.is_empty() {
        return Asymmetry::cannot_tell(lack(unseen), evidence);
    }
    evidence.extend(support);
    of(Verdict::Possible, other_edge(segment), evidence)
}

#[cfg(test)]
mod tests;
