//! DR170: the two directions of a flow to Microsoft use different segments.

use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::path::{
    Hop, HopKind, Routes, Verdict,
    routes::{Apart, Event, OneWay},
};
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
    check: Check::Path(check, over_run),
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
    // The way out is observed, but where an answer that stops at the firewall says that it left elsewhere.
    let out_is_observed = hop.asymmetric.unobserved != Some(usize::from(!outward));
    let (leaves, comes) = match (hop.asymmetric.verdict, out_is_observed) {
        (Verdict::Confirmed, _) => ("leaves", "comes back"),
        (Verdict::Possible, true) => ("leaves", "may come back"),
        (Verdict::Possible, false) => ("may leave", "comes back"),
        _ => ("leaves", "is expected back"),
    };
    let broken = if severity == Severity::Error { broken(hop) } else { "" };
    let message = format!("{} between {} and {} {leaves} over {there} and {comes} over {back}{broken}", hop.kind, inside.ip, microsoft.ip);
    let ways = hop.seen.iter().zip(&hop.way).enumerate().filter_map(|(at, (seen, way))| {
        let text = format!("{} packets over {}: {}", way.packets, way.segment, way.basis);
        seen.as_ref().filter(|_| hop.asymmetric.unobserved != Some(at)).map(|seen| Evidence::new(seen, text))
    });
    let mut evidence: Vec<Evidence> = ways.collect();
    evidence.sort_by_key(|e| e.seq);
    if evidence.len() < 2 {
        // What the segment rests on that no packet of this hop shows.
        evidence.extend(hop.asymmetric.evidence.iter().skip(1).map(|says| Evidence::new(&hop.first, says.as_str())));
    }
    let subject = format!("{} and {}", inside.ip, network(microsoft.ip, hop, ctx));
    Outcome::Violated(vec![Violation { severity, subject, value: format!("{there} out, {back} back"), message, evidence }])
}

/// What no flow shows alone.
fn over_run(routes: &Routes, ctx: &Ctx<'_>) -> Outcome {
    let one_ways = routes.one_ways(ctx.topology).into_iter().map(one_way);
    let found: Vec<Violation> =
        one_ways.chain(routes.events().into_iter().map(event)).chain(routes.apart().into_iter().map(apart)).collect();
    if found.is_empty() { Outcome::NotApplicable } else { Outcome::Violated(found) }
}

/// One direction of many flows, and what supports that the other goes elsewhere.
fn one_way(found: OneWay) -> Violation {
    let OneWay { ends: (inside, microsoft), net, pair: (there, back), out_is_seen, flows, first, text } = found;
    let (leaves, comes) = if out_is_seen { ("leaves", "may come back") } else { ("may leave", "comes back") };
    let more = if flows > 1 { format!(" ({flows} flows with {net})") } else { String::new() };
    Violation {
        severity: Severity::Info,
        subject: format!("{inside} and {net}"),
        value: format!("{there} out, {back} back"),
        message: format!("traffic between {inside} and {microsoft} {leaves} over {there} and {comes} over {back}{more}"),
        evidence: vec![Evidence::new(&first, text)],
    }
}

/// Many flows at once: routing, not a fault of each.
fn event(event: Event) -> Violation {
    let Event { change: (from, to), at, flows, active, first } = event;
    Violation {
        severity: Severity::Info,
        subject: "routing".to_owned(),
        value: format!("{from} to {to} at {}", at.rfc3339()),
        message: format!("{flows} of {active} flows with Microsoft went over from {from} to {to} within 5 s"),
        evidence: vec![Evidence::new(&first, format!("the first of these flows; it changed at {}", at.rfc3339()))],
    }
}

/// Not asymmetry, but the half of it: whoever answers over one segment is not reached over the other.
fn apart(apart: Apart) -> Violation {
    let Apart { host, over: (own, other), connections: (mine, theirs), first } = apart;
    let [opened, taken] = first;
    Violation {
        severity: Severity::Info,
        subject: format!("{host} and Microsoft"),
        value: format!("opens over {own}, is reached over {other}"),
        message: format!("{host} opens its connections with Microsoft over {own}, and Microsoft opens its own over {other}"),
        evidence: vec![
            Evidence::new(&opened, format!("{mine} that {host} opens, over {own}")),
            Evidence::new(&taken, format!("{theirs} that Microsoft opens, over {other}")),
        ],
    }
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
