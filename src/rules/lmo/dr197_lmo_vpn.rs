//! DR197: a client on VPN that counts as outside reaches the SBC's inner media address.

use crate::call::{Call, LegMessage};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::flow::Seen;
use crate::path::lmo::{LOCATION, Told, UserLocation};
use crate::proto::sip::Method;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::{Place, Topology};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR197-lmo-vpn",
    title: "A client on VPN reaches the inner address of the SBC",
    severity: Severity::Info,
    direction: Direction::Any,
    evidence: "SIP text, packets and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lmo/DR197-lmo-vpn.md"),
    check: Check::Call(check),
};

fn check(call: &Call, ctx: &Ctx<'_>) -> Outcome {
    let Some(by) = told_external(call, ctx) else { return Outcome::NotApplicable };
    let topology = ctx.topology;
    if !topology.tables.sbcs.iter().any(|sbc| !sbc.inner_media.is_empty()) {
        return Outcome::NotChecked("the topology names no inner media address of an SBC".to_owned());
    }
    if !topology.tables.prefixes.iter().any(|prefix| prefix.place == Place::VpnPool) {
        return Outcome::NotChecked("the topology names no VPN pool".to_owned());
    }
    let pairs = pairs(call);
    if pairs.is_empty() {
        return Outcome::NotChecked("no connectivity check or media of the call is in the capture".to_owned());
    }
    let mut known = BTreeSet::new();
    let reaching = pairs.iter().filter_map(|pair| Some((reaches_inner(pair, topology)?, pair)));
    let reaching = reaching.filter(|((client, inner), _)| known.insert((*client, *inner)));
    let violations: Vec<Violation> = reaching.map(|((client, inner), pair)| violation(client, inner, pair, by)).collect();
    if violations.is_empty() { Outcome::Clean } else { Outcome::Violated(violations) }
}

/// The message by which Microsoft says that the user is outside, if it says so last.
fn told_external<'c>(call: &'c Call, ctx: &Ctx<'_>) -> Option<&'c LegMessage> {
    let direct = call.legs.iter().zip(ctx.recognitions).filter(|(_, recognition)| recognition.is_direct_routing());
    let said = direct.flat_map(|(leg, recognition)| {
        leg.messages.iter().filter(|m| m.start.method == Method::Invite && recognition.is_microsoft(m.message.src(), m.message.dst()))
    });
    let located = said.filter_map(|message| Some((message, Told::of(&message.sip()).location?)));
    located.last().filter(|(_, location)| *location == UserLocation::External).map(|(message, _)| message)
}

/// Two hosts that sent media or connectivity checks to one another.
struct Pair {
    from: IpAddr,
    to: IpAddr,
    first: Seen,
    what: &'static str,
}

fn pairs(call: &Call) -> Vec<Pair> {
    let checks = call.checks.iter().map(|check| {
        let (from, to) = check.flow.from_to(check.dir);
        Pair { from: from.ip(), to: to.ip(), first: check.first, what: "STUN check" }
    });
    let streams = call.streams.iter().filter_map(|bound| {
        let (from, to) = bound.stream.flow.from_to(bound.stream.dir);
        Some(Pair { from: from.ip(), to: to.ip(), first: *bound.stream.first()?, what: "RTP" })
    });
    checks.chain(streams).collect()
}

/// The client in a VPN pool and the inner address that it sends to.
fn reaches_inner(pair: &Pair, topology: &Topology) -> Option<(IpAddr, IpAddr)> {
    let is_vpn = topology.place_of(pair.from, pair.first.at) == Place::VpnPool;
    let inner = topology.sbc(pair.to).is_some_and(|sbc| sbc.inner_media.iter().any(|inner| **inner == pair.to));
    (is_vpn && inner).then_some((pair.from, pair.to))
}

fn violation(client: IpAddr, inner: IpAddr, pair: &Pair, by: &LegMessage) -> Violation {
    let message = format!("{client} on VPN counts as outside and reaches {inner}, an inner media address");
    let mut evidence = vec![
        Evidence::new(&by.message.seen(), format!("{LOCATION}: external")),
        Evidence::new(&pair.first, format!("{} from {client} to {inner}", pair.what)),
    ];
    evidence.sort_by_key(|e| e.seq);
    Violation { severity: RULE.severity, subject: inner.to_string(), value: client.to_string(), message, evidence }
}
