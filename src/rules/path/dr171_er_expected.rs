//! DR171: a flow that ExpressRoute could carry takes the Internet.

use super::crossing::{Crossing, NO_LINK, may_be_yours, proof, seen_on};
use crate::finding::{Outcome, Severity, Violation};
use crate::path::Hop;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::{PrefixRole, Segment};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR171-er-expected",
    title: "On the Internet, where ExpressRoute could carry it",
    severity: Severity::Info,
    direction: Direction::Any,
    evidence: "headers and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/path/DR171-er-expected.md"),
    check: Check::Hop(check),
};

/// What decides whether the question arises at all.
const NOT_SAID: &str = "the topology does not say whether there is ExpressRoute";

fn check(hop: &Hop, ctx: &Ctx<'_>) -> Outcome {
    let Some(crossing) = Crossing::of(hop) else {
        return if may_be_yours(hop, ctx) { Outcome::NotChecked(NOT_SAID.to_owned()) } else { Outcome::NotApplicable };
    };
    match ctx.topology.tables.express_route {
        Some(true) => {}
        Some(false) => return Outcome::NotApplicable,
        None => return Outcome::NotChecked(NOT_SAID.to_owned()),
    }
    // What a web proxy asks for goes where the proxy is meant to send it.
    let by_proxy = ctx.topology.role(crossing.inside.ip) == Some(PrefixRole::WebProxy);
    if by_proxy || !ctx.topology.place(crossing.microsoft.ip, hop.first.at).express_route {
        return Outcome::NotApplicable;
    }
    match seen_on(hop).as_slice() {
        [] => Outcome::NotChecked(NO_LINK.to_owned()),
        // The one way that is not on it is DR170's.
        on if on.contains(&Segment::Expressroute) => Outcome::Clean,
        _ => Outcome::Violated(vec![violation(hop, &crossing, ctx)]),
    }
}

fn violation(hop: &Hop, crossing: &Crossing, ctx: &Ctx<'_>) -> Violation {
    let (kind, net) = (hop.kind, crossing.network(hop, ctx));
    let (inside, microsoft) = (crossing.inside.ip, crossing.microsoft.ip);
    let message = format!("{kind} between {inside} and {microsoft} goes over internet, where ExpressRoute could carry it ({net})");
    Violation { severity: Severity::Info, subject: net, value: kind.to_string(), message, evidence: proof(hop) }
}
