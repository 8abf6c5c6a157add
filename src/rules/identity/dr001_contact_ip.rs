//! DR001: the first Contact of what the SBC sends names an address instead of its paired name.

use super::mid_call::undelivered;
use super::written::{INTRODUCING, absent, introduces, values};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{HeaderName, TypedHost, typed};
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
    check: Check::Message(INTRODUCING, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) || !introduces(message) {
        return Outcome::NotApplicable;
    }
    let contacts = values(message, HeaderName::Contact);
    let Some(text) = contacts.first() else { return absent(message) };
    let TypedHost::Ip(ip) = typed::host(text) else { return Outcome::Clean };
    let name = ctx.name_of(message);
    let sender = message.message.src().ip();
    let said = format!("{name} from {sender} carries the address {ip} in Contact");
    let (value, line) = (format!("{name}: {ip}"), format!("Contact: {text}"));
    if message.start.is_request {
        return Outcome::Violated(vec![by_sender(ctx, message, Severity::Error, value, said, &line)]);
    }
    let mut violation = by_sender(ctx, message, Severity::Warning, value, said, &line);
    if let Some(undelivered) = undelivered(message, ctx) {
        violation.severity = Severity::Error;
        undelivered.adds_to(&mut violation, ctx);
    }
    Outcome::Violated(vec![violation])
}
