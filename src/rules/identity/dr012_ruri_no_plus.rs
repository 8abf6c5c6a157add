//! DR012: an initial INVITE calls a number that does not begin with '+'.

use super::numbers::user;
use super::written::call_to_microsoft;
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::flow::tls::is_service;
use crate::proto::sip::{Method, TypedHost, Uri, lossy, typed};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR012-ruri-no-plus",
    title: "The called number lacks its '+'",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR012-ruri-no-plus.md"),
    check: Check::Message(Heeds::FROM_SBC.requests(&[Method::Invite]), check),
};

/// A user part of digits and separators from this length on is taken for a number.
const SHORTEST_NUMBER: usize = 3;

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if let Err(why) = call_to_microsoft(message, ctx) {
        return why;
    }
    let sip = message.sip();
    let Some(text) = sip.request_uri().map(lossy) else { return Outcome::NotApplicable };
    let uri = Uri::parse(&text);
    // What Microsoft gave as Contact may hold any user: only the service's own Request-URI is judged.
    if !matches!(typed::uri_host(&text), TypedHost::Name(name) if is_service(&name)) {
        return Outcome::NotApplicable;
    }
    let user = user(&uri);
    // A blank before the number is another fault (DR024).
    let user = user.trim();
    let phone = || uri.params().any(|(name, value)| name.eq_ignore_ascii_case("user") && value.is_some_and(is_phone));
    let lacks_plus = is_number(user) || (!user.is_empty() && !user.starts_with('+') && phone());
    if !lacks_plus {
        return Outcome::Clean;
    }
    let said = format!("INVITE from {} calls {user} without '+' in Request-URI", message.message.src().ip());
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, user.to_owned(), said, &lossy(sip.start_line()))])
}

fn is_phone(value: &str) -> bool {
    value.eq_ignore_ascii_case("phone")
}

/// `^[0-9*#().\-]{3,}$`
fn is_number(user: &str) -> bool {
    user.len() >= SHORTEST_NUMBER && user.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | '(' | ')' | '.' | '-'))
}
