//! DR002: a Record-Route that the SBC wrote names an address.

use super::written::{Values, clean, routes, values};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::flow::tls::is_service;
use crate::proto::sip::{HeaderName, TypedHost, typed};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};
use crate::topology::Place;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR002-record-route-ip",
    title: "An address where Record-Route needs the SBC's name",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR002-record-route-ip.md"),
    check: Check::Message(Heeds::FROM_SBC, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) {
        return Outcome::NotApplicable;
    }
    let written = written_by_sender(message, ctx);
    let offending = written.iter().enumerate().filter_map(|(at, value)| match typed::host(value) {
        TypedHost::Ip(ip) => Some((at, value, ip)),
        _ => None,
    });
    let violations: Vec<_> = offending
        .map(|(at, value, ip)| {
            let (severity, below) = if at == 0 { (Severity::Error, "") } else { (Severity::Warning, " below the top") };
            let (name, sender) = (ctx.name_of(message), message.message.src().ip());
            let said = format!("{name} from {sender} carries the address {ip} in Record-Route{below}");
            by_sender(ctx, message, severity, format!("{name}: {ip}"), said, &format!("Record-Route: {value}"))
        })
        .collect();
    if violations.is_empty() { clean(message) } else { Outcome::Violated(violations) }
}

/// Record-Route values of the sender; of a response whose request was not seen those that name neither the service nor a Microsoft
/// address.
fn written_by_sender<'m>(message: &'m LegMessage, ctx: &Ctx<'_>) -> Values<'m> {
    routes(message, ctx).unwrap_or_else(|| {
        let mut all = values(message, HeaderName::RecordRoute);
        all.retain(|value| match typed::host(value) {
            TypedHost::Ip(ip) => ctx.topology.place_of(ip, message.message.at()) != Place::Microsoft,
            TypedHost::Name(name) => !is_service(&name),
            TypedHost::None => false,
        });
        all
    })
}
