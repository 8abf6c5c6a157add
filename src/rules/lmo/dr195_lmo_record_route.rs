//! DR195: a call from an SBC behind a proxy SBC that the proxy leaves no trace on.

use super::CUT;
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity, Violation};
use crate::path::gateway;
use crate::proto::sip::{HeaderName, Method, TypedHost, lossy, typed};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};
use crate::topology::Gateway;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR195-lmo-record-route",
    title: "The proxy SBC is missing in Record-Route",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lmo/DR195-lmo-record-route.md"),
    check: Check::Message(Heeds::FROM_SBC.requests(&[Method::Invite]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) || !ctx.is_initial_invite(message) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    let downstream = [HeaderName::Contact, HeaderName::From].into_iter().find_map(|header| {
        let value = sip.values(header).into_iter().next()?;
        let TypedHost::Name(name) = typed::host(&lossy(&value)) else { return None };
        gateway::by_name(ctx.topology, &name).filter(|gateway| gateway.proxy.is_some())
    });
    let Some((downstream, proxy)) = downstream.and_then(|gateway| Some((gateway, gateway.proxy.as_ref()?))) else {
        return Outcome::NotApplicable;
    };
    let routes = sip.values(HeaderName::RecordRoute);
    let mut hosts = routes.iter().map(|value| typed::host(&lossy(value)));
    if hosts.any(|host| is_proxy(&host, proxy, ctx)) {
        return Outcome::Clean;
    }
    if sip.head_cut() {
        return Outcome::NotChecked(CUT.to_owned());
    }
    Outcome::Violated(vec![violation(message, downstream, proxy, ctx)])
}

/// The proxy by its name. An address of it is the matter of DR002.
fn is_proxy(host: &TypedHost, proxy: &str, ctx: &Ctx<'_>) -> bool {
    match host {
        TypedHost::Name(name) => name.eq_ignore_ascii_case(proxy),
        TypedHost::Ip(ip) => gateway::at_address(ctx.topology, *ip).iter().any(|own| own.fqdn.eq_ignore_ascii_case(proxy)),
        TypedHost::None => false,
    }
}

fn violation(message: &LegMessage, downstream: &Gateway, proxy: &str, ctx: &Ctx<'_>) -> Violation {
    let said = format!("INVITE of {} carries no Record-Route of its proxy SBC {proxy}", downstream.fqdn);
    let sip = message.sip();
    let line = match sip.values(HeaderName::RecordRoute).first() {
        Some(value) => format!("Record-Route: {}", lossy(value)),
        None => super::start_line(message),
    };
    by_sender(ctx, message, RULE.severity, downstream.fqdn.to_string(), said, &line)
}
