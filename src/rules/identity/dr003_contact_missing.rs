//! DR003: a message of the SBC's lacks the Contact by which the service knows it.

use super::written::{INTRODUCING, absent, introduces};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{HeaderName, lossy};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR003-contact-missing",
    title: "A message without the Contact that the service needs",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &["DR053"],
    page: include_str!("../../../rules/identity/DR003-contact-missing.md"),
    check: Check::Message(INTRODUCING, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    // In 1xx it may be missing (RFC 3261 table 2).
    if !ctx.to_microsoft(message) || !introduces(message) || message.start.status.is_some_and(|status| status < 200) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    if !sip.values(HeaderName::Contact).is_empty() {
        return Outcome::Clean;
    }
    if sip.head_cut() {
        return absent(message);
    }
    let name = ctx.name_of(message);
    let said = format!("{name} from {} carries no Contact", message.message.src().ip());
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, name, said, &lossy(sip.start_line()))])
}
