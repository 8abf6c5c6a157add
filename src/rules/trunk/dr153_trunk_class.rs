//! DR153: what is on the other side of the SBC, direct SIP to your own exchange or a carrier's SIP trunk.

use super::sides::parties;
use crate::call::{Leg, LegKind};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::path::HopKind;
use crate::proto::sip::lossy;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::{Place, Segment};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR153-trunk-class",
    title: "What the trunk leg is: direct SIP or a SIP trunk",
    severity: Severity::Info,
    direction: Direction::Any,
    evidence: "headers and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/trunk/DR153-trunk-class.md"),
    check: Check::Leg(check),
};

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let (Some(call), Some((_, recognition)), Some(ends)) = (ctx.call, ctx.leg, leg.ends()) else { return Outcome::NotApplicable };
    if leg.kind != LegKind::Call || recognition.is_direct_routing() {
        return Outcome::NotApplicable;
    }
    // Only beside a leg with Microsoft: what else an SBC carries is no Direct Routing.
    let Some((sbc, peer)) = parties(call, ends, ctx) else { return Outcome::NotApplicable };
    if ctx.topology.file.is_none() {
        return Outcome::NotChecked("no topology says which addresses are your network's and which a carrier's".to_owned());
    }
    let place = ctx.topology.place_of(peer, leg.started());
    let trunk = ctx.topology.trunk(peer);
    let message = match (place, trunk) {
        // The topology has said what it is.
        (_, Some(trunk)) if trunk.private_link => return Outcome::Clean,
        (Place::Microsoft, _) => return Outcome::NotApplicable,
        // A carrier's SBC may stand beside yours and have a private address too.
        (place, _) if place.is_inside() && !ctx.topology.names(peer) => {
            return Outcome::NotChecked(format!("the topology does not say whose private address {peer} is"));
        }
        (place, _) if place.is_inside() => format!("direct SIP: {peer}, on the other side of SBC {sbc}, is in your network"),
        (_, trunk) => {
            let of = trunk.map(|trunk| format!(" of trunk {}", trunk.name)).unwrap_or_default();
            format!("SIP trunk: {peer}{of}, on the other side of SBC {sbc}, is outside your network{}", over(sbc, peer, ctx))
        }
    };
    let excerpt = leg.messages.first().map(|first| lossy(first.sip().start_line()).into_owned());
    let evidence = leg.first().map(|seen| Evidence::new(&seen, excerpt.unwrap_or_default())).into_iter().collect();
    Outcome::Violated(vec![Violation { severity: Severity::Info, subject: sbc.to_string(), value: peer.to_string(), message, evidence }])
}

/// The segment that signalling between the two crosses.
fn over(sbc: IpAddr, peer: IpAddr, ctx: &Ctx<'_>) -> String {
    let is = |ends: [IpAddr; 2]| ends == [sbc, peer] || ends == [peer, sbc];
    let hop = ctx.hops.iter().find(|hop| hop.kind == HopKind::Signalling && is([hop.a.ip, hop.b.ip]));
    let way = hop.and_then(|hop| hop.way.iter().find(|way| way.packets > 0));
    way.filter(|way| way.segment != Segment::Unknown).map(|way| format!(", over {}", way.segment)).unwrap_or_default()
}
