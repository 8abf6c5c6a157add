//! DR191: X-MS-MediaPath ends at another SBC than the one that is called, or names a stranger.

use super::{CUT, by_settings};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::path::{
    gateway,
    lmo::{PATH, Told},
};
use crate::proto::sip::{Method, TypedHost, lossy, typed};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule};
use crate::topology::Topology;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR191-lmo-mediapath-last",
    title: "X-MS-MediaPath does not lead to the SBC that is called",
    severity: Severity::Error,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lmo/DR191-lmo-mediapath-last.md"),
    check: Check::Message(Heeds::FROM_MICROSOFT.requests(&[Method::Invite]), check),
};

/// Microsoft's page on configuration spells one SBC both ways; captures made after its sample are not at fault.
const SAMPLE: [&str; 2] = ["vmsbc.contoso.com", "vnsbc.contoso.com"];

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.from_microsoft(message) || !ctx.is_initial_invite(message) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    let Some(path) = Told::of(&sip).path else { return Outcome::NotApplicable };
    if sip.head_cut() {
        return Outcome::NotChecked(CUT.to_owned());
    }
    let Some(last) = path.last() else { return Outcome::NotApplicable };
    let uri = sip.request_uri().map(lossy).unwrap_or_default();
    let TypedHost::Name(target) = typed::uri_host(&uri) else {
        return Outcome::NotChecked("the Request-URI names no SBC".to_owned());
    };
    let line = format!("{PATH}: {}", path.join(", "));
    let violation = |value: &str, said| by_settings(&RULE, ctx, message, &target, value.to_owned(), said, &line);
    let mut violations = Vec::new();
    if !is_same(last, &target) {
        violations.push(violation(last, format!("INVITE for {target} has {PATH} that ends at {last}")));
    }
    for stranger in path.iter().filter(|name| is_stranger(ctx.topology, name) && !is_same(name, &target)) {
        violations.push(violation(stranger, format!("INVITE for {target} has {stranger} in {PATH}, which is no SBC of the topology")));
    }
    violations.dedup_by(|later, earlier| later.value == earlier.value);
    if violations.is_empty() { Outcome::Clean } else { Outcome::Violated(violations) }
}

/// Letter case is the matter of DR192.
fn is_same(name: &str, target: &str) -> bool {
    let is_sample = |name: &str| SAMPLE.iter().any(|own| own.eq_ignore_ascii_case(name));
    name.trim_end_matches('.').eq_ignore_ascii_case(target) || (is_sample(name) && is_sample(target))
}

/// The topology lists gateways, and none of them, nor an SBC, has this name.
fn is_stranger(topology: &Topology, name: &str) -> bool {
    let is_sbc = || topology.tables.sbcs.iter().filter_map(|sbc| sbc.fqdn.as_ref()).any(|fqdn| fqdn.eq_ignore_ascii_case(name));
    !topology.tables.gateways.is_empty() && gateway::by_name(topology, name).is_none() && !is_sbc()
}
