//! DR007: Contact and Record-Route of one message lead to different places.

use super::written::{INTRODUCING, NO_REQUEST, absent, host_and_port, introduces, routes, shown, values};
use crate::call::LegMessage;
use crate::finding::{Evidence, Outcome, Severity};
use crate::proto::sip::{HeaderName, Method, NameAddr, TypedHost};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR007-contact-rr-mismatch",
    title: "Contact and Record-Route name different hosts",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR007-contact-rr-mismatch.md"),
    check: Check::Message(INTRODUCING, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) || !is_compared(message) {
        return Outcome::NotApplicable;
    }
    let contacts = values(message, HeaderName::Contact);
    let Some(contact) = contacts.first() else { return absent(message) };
    let Some(routes) = routes(message, ctx) else { return Outcome::NotChecked(NO_REQUEST.to_owned()) };
    let Some(route) = routes.first() else { return absent(message) };
    if is_plainly_one(contact, route) {
        return Outcome::Clean;
    }
    let (at, by) = (host_and_port(contact), host_and_port(route));
    // Behind a proxy SBC the two differ by design: Contact is the downstream SBC's, Record-Route the proxy's.
    let is_proxy = matches!(&by.0, TypedHost::Name(name) if ctx.topology.is_proxy_sbc(name));
    if at == by || is_proxy {
        return Outcome::Clean;
    }
    let (name, sender) = (ctx.name_of(message), message.message.src().ip());
    let [at, by] = [(contact, at.1), (route, by.1)].map(|(value, port)| format!("{}:{port}", shown(value)));
    let said = format!("{name} from {sender} has {at} in Contact and {by} in Record-Route");
    let mut violation = by_sender(ctx, message, RULE.severity, format!("{at} {by}"), said, &format!("Record-Route: {route}"));
    violation.evidence.insert(1, Evidence::new(&message.message.seen(), format!("Contact: {contact}")));
    Outcome::Violated(vec![violation])
}

/// Both name one host and one port as they are written: nearly always so, and told without a copy.
fn is_plainly_one(contact: &str, route: &str) -> bool {
    let [at, by] = [contact, route].map(|value| NameAddr::parse(value).uri());
    let same_host = at.host.name().zip(by.host.name()).is_some_and(|(at, by)| at.eq_ignore_ascii_case(by));
    same_host && at.port.is_some() && at.port == by.port
}

/// Messages whose two names the service uses both: those that begin something, and answers to Microsoft's INVITE.
fn is_compared(message: &LegMessage) -> bool {
    let start = message.start;
    let begins = matches!(start.method, Method::Options | Method::Invite) && !start.has_to_tag;
    introduces(message) && if start.is_request { begins } else { start.method == Method::Invite }
}
