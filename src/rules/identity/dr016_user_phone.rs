//! DR016: the Request-URI of a new call has a number and does not say that it is one.

use super::numbers::{is_transfer_target, number, request_uri};
use super::written::call_to_microsoft;
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{Method, Scheme, Uri, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR016-user-phone",
    title: "A number in the Request-URI without user=phone",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR016-user-phone.md"),
    check: Check::Message(Heeds::FROM_SBC.requests(&[Method::Invite]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if let Err(why) = call_to_microsoft(message, ctx) {
        return why;
    }
    let Some(text) = request_uri(message) else { return Outcome::NotApplicable };
    let uri = Uri::parse(&text);
    let Some(called) = number(&uri).filter(|_| matches!(uri.scheme, Scheme::Sip | Scheme::Sips)) else {
        return Outcome::NotApplicable;
    };
    if is_transfer_target(&uri) {
        return Outcome::NotApplicable;
    }
    if uri.param("user").is_some_and(|user| user.eq_ignore_ascii_case("phone")) {
        return Outcome::Clean;
    }
    let said = format!("INVITE from {} calls {called} without user=phone in Request-URI", message.message.src().ip());
    let line = lossy(message.sip().start_line()).into_owned();
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, "no user=phone".to_owned(), said, &line)])
}
