//! DR002: a Record-Route that the SBC wrote names an address.

use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::flow::tls::SERVICE_DOMAINS;
use crate::proto::sip::{HeaderName, TypedHost, typed};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};
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
    check: Check::Message(check),
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
    match (violations.is_empty(), message.sip().head_cut()) {
        (false, _) => Outcome::Violated(violations),
        (true, true) => Outcome::NotChecked("message is cut by the snap length".to_owned()),
        (true, false) => Outcome::Clean,
    }
}

/// Record-Route values of the sender: all of a request's; of a response's those that the request did not carry. Without the request
/// those that name neither the service nor a Microsoft address.
fn written_by_sender(message: &LegMessage, ctx: &Ctx<'_>) -> Vec<String> {
    let sip = message.sip();
    let mut values: Vec<String> =
        sip.values(HeaderName::RecordRoute).iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
    if sip.is_request() {
        return values;
    }
    match ctx.request(message) {
        Some(request) => {
            let carried = request.sip().values(HeaderName::RecordRoute);
            values.retain(|value| !carried.iter().any(|c| **c == *value.as_bytes()));
        }
        None => values.retain(|value| match typed::host(value) {
            TypedHost::Ip(ip) => ctx.topology.place_of(ip, message.message.at()) != Place::Microsoft,
            TypedHost::Name(name) => !SERVICE_DOMAINS.iter().any(|domain| name.ends_with(domain)),
            TypedHost::None => false,
        }),
    }
    values
}
