//! DR009: the first Contact of what the SBC sends does not say that it is reached over TLS.

use super::mid_call::undelivered;
use super::written::{INTRODUCING, absent, introduces, values};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{HeaderName, NameAddr, Scheme};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR009-contact-transport",
    title: "Contact without transport=tls",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented (form), effect field-observed",
    since: "always",
    lower_when_accepted: false, // the check does it: a call that breaks later was accepted before
    hides: &[],
    page: include_str!("../../../rules/identity/DR009-contact-transport.md"),
    check: Check::Message(INTRODUCING, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) || !introduces(message) {
        return Outcome::NotApplicable;
    }
    let contacts = values(message, HeaderName::Contact);
    let Some(text) = contacts.first() else { return absent(message) };
    let uri = NameAddr::parse(text).uri();
    // `sips:` says TLS by itself, and is the matter of DR010.
    if uri.scheme != Scheme::Sip {
        return Outcome::NotApplicable;
    }
    let transport = uri.param("transport").map(str::to_ascii_lowercase);
    let (value, has) = match transport.as_deref() {
        Some("tls") => return Outcome::Clean,
        Some(other) => (format!("transport={other}"), format!("transport={other}")),
        None => ("no transport".to_owned(), "no transport=tls".to_owned()),
    };
    let said = format!("{} from {} has {has} in Contact", ctx.name_of(message), message.message.src().ip());
    let severity = if ctx.is_accepted(message) { RULE.severity.lower() } else { RULE.severity };
    let mut violation = by_sender(ctx, message, severity, value, said, &format!("Contact: {text}"));
    if let Some(undelivered) = undelivered(message, ctx) {
        violation.severity = Severity::Error;
        undelivered.adds_to(&mut violation, ctx);
    }
    Outcome::Violated(vec![violation])
}
