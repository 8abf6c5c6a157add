//! DR006: several Contact values where one belongs, of which the service takes the first.

use super::written::{INTRODUCING, absent, clean, introduces, shown, values};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{HeaderName, Method, TypedHost, typed};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR006-contact-multiple",
    title: "More than one Contact",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR006-contact-multiple.md"),
    check: Check::Message(INTRODUCING, check),
};

/// Values that a finding prints.
const PRINTED: usize = 3;

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let is_one = matches!(message.start.method, Method::Options | Method::Invite) && introduces(message);
    if !ctx.to_microsoft(message) || !is_one {
        return Outcome::NotApplicable;
    }
    let count = message.sip().values(HeaderName::Contact).len();
    let contacts = values(message, HeaderName::Contact);
    let Some(first) = contacts.first() else { return absent(message) };
    if count < 2 {
        return clean(message);
    }
    let (name, sender, taken) = (ctx.name_of(message), message.message.src().ip(), shown(first));
    let right = contacts.iter().skip(1).find(|later| fits(later, ctx)).filter(|_| !fits(first, ctx)).map(|later| shown(later));
    let (severity, instead) = match right {
        Some(right) => (Severity::Error, format!(", and not {right}")),
        None => (RULE.severity, String::new()),
    };
    let said = format!("{name} from {sender} carries {count} Contact values, of which only the first counts: {taken}{instead}");
    let hosts: Vec<String> = contacts.iter().take(PRINTED).map(|value| shown(value)).collect();
    let line: Vec<&str> = contacts.iter().take(PRINTED).map(|value| &**value).collect();
    Outcome::Violated(vec![by_sender(ctx, message, severity, hosts.join(", "), said, &format!("Contact: {}", line.join(", ")))])
}

/// Neither DR001 nor DR004 would object to it, were it the only one.
fn fits(value: &str, ctx: &Ctx<'_>) -> bool {
    match typed::host(value) {
        TypedHost::Name(name) => ctx.topology.is_sbc_name(&name).unwrap_or(true),
        TypedHost::Ip(_) | TypedHost::None => false,
    }
}
