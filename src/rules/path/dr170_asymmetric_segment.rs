//! DR170: the two directions of a flow to Microsoft use different segments.

use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::path::{Hop, HopKind, Verdict};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::Place;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR170-asymmetric-segment",
    title: "Out over one segment, back over another",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "headers and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/path/DR170-asymmetric-segment.md"),
    check: Check::Hop(check),
};

/// What nobody can tell without a topology: which public addresses are yours, and which link leads where.
const NO_TOPOLOGY: &str = "no link or NAT pool of the topology names the segment";

fn check(hop: &Hop, ctx: &Ctx<'_>) -> Outcome {
    let ends = [hop.a.place, hop.b.place];
    if !ends.contains(&Place::Microsoft) || !ends.iter().any(|place| place.is_inside()) {
        let may_be_yours = ctx.topology.file.is_none() && ends.contains(&Place::Microsoft) && ends.contains(&Place::Internet);
        return if may_be_yours { Outcome::NotChecked(NO_TOPOLOGY.to_owned()) } else { Outcome::NotApplicable };
    }
    let severity = match (hop.asymmetric.verdict, hop.works) {
        (Verdict::No, _) => return Outcome::Clean,
        (Verdict::CannotTell, _) => return Outcome::NotChecked(hop.asymmetric.lack.clone().unwrap_or_default()),
        (Verdict::Confirmed, false) => Severity::Error,
        (Verdict::Confirmed, true) | (Verdict::Likely, _) => Severity::Warning,
        (Verdict::Possible, _) => Severity::Info,
    };
    let outward = hop.b.place == Place::Microsoft;
    let (inside, microsoft) = if outward { (&hop.a, &hop.b) } else { (&hop.b, &hop.a) };
    let (there, back) = match (hop.asymmetric.pair, outward) {
        (Some((there, back)), true) => (there, back),
        (Some((back, there)), false) => (there, back),
        (None, _) => return Outcome::NotChecked("the two segments are not known".to_owned()),
    };
    let comes = if hop.asymmetric.verdict == Verdict::Confirmed { "comes back" } else { "is expected back" };
    let broken = if severity == Severity::Error { broken(hop) } else { "" };
    let message = format!("{} between {} and {} leaves over {there} and {comes} over {back}{broken}", hop.kind, inside.ip, microsoft.ip);
    let says = hop.asymmetric.evidence.join("; ");
    let ways = hop.seen.iter().zip(&hop.way).filter_map(|(seen, way)| {
        let text = format!("{} packets over {}: {}", way.packets, way.segment, way.basis);
        seen.as_ref().map(|seen| Evidence::new(seen, text))
    });
    let mut evidence: Vec<Evidence> = ways.collect();
    evidence.sort_by_key(|e| e.seq);
    if hop.asymmetric.verdict != Verdict::Confirmed {
        evidence.push(Evidence::new(&hop.first, says));
    }
    let subject = format!("{} and {}", inside.ip, network(microsoft.ip, hop, ctx));
    Outcome::Violated(vec![Violation { severity, subject, value: format!("{there} out, {back} back"), message, evidence }])
}

/// What does not work, of a hop that does not.
fn broken(hop: &Hop) -> &'static str {
    let [out, back] = &hop.way;
    match hop.kind {
        HopKind::Signalling if out.bytes == 0 || back.bytes == 0 => ", and no handshake completes",
        HopKind::Signalling => ", and no request succeeds",
        HopKind::Media => ", and media flows one way only",
    }
}

/// The Microsoft prefix of an address: routes are made for prefixes, so one fault of routing is one finding.
fn network(ip: IpAddr, hop: &Hop, ctx: &Ctx<'_>) -> String {
    ctx.topology.place(ip, hop.first.at).net.map_or_else(|| ip.to_string(), |net| net.to_string())
}
