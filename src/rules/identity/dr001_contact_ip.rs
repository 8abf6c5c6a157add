//! DR001: the first Contact of what the SBC sends names an address instead of its paired name.

use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{HeaderName, Method, TypedHost, typed};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR001-contact-ip",
    title: "An address where Contact needs the SBC's name",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &["DR004", "DR023", "DR032"],
    page: include_str!("../../../rules/identity/DR001-contact-ip.md"),
    check: Check::Message(check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) || !speaks_for_the_sbc(message) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    let contacts = sip.values(HeaderName::Contact);
    let Some(first) = contacts.first() else {
        return match sip.head_cut() {
            true => Outcome::NotChecked("message is cut by the snap length".to_owned()),
            false => Outcome::NotApplicable,
        };
    };
    let text = String::from_utf8_lossy(first);
    let TypedHost::Ip(ip) = typed::host(&text) else { return Outcome::Clean };
    let severity = if sip.is_request() { Severity::Error } else { Severity::Warning };
    let name = ctx.name_of(message);
    let sender = message.message.src().ip();
    let said = format!("{name} from {sender} carries the address {ip} in Contact");
    Outcome::Violated(vec![by_sender(ctx, message, severity, format!("{name}: {ip}"), said, &format!("Contact: {text}"))])
}

/// Requests by whose Contact the service looks up the tenant, and the responses that make a dialog with a Microsoft INVITE.
fn speaks_for_the_sbc(message: &LegMessage) -> bool {
    let start = message.start;
    match (start.status, start.method) {
        (None, method) if start.is_request => matches!(method, Method::Options | Method::Invite | Method::Refer | Method::Subscribe),
        (Some(180..=299), Method::Invite) => true,
        _ => false,
    }
}
