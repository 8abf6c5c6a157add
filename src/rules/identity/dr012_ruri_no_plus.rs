//! DR012: an initial INVITE calls a number that does not begin with '+'.

use super::numbers::user;
use super::written::call_to_microsoft;
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::flow::tls::is_service;
use crate::proto::sip::{TypedHost, TypedUri, Uri, typed};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

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
    check: Check::Message(check),
};

/// A user part of digits and separators from this length on is taken for a number.
const SHORTEST_NUMBER: usize = 3;

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if let Err(why) = call_to_microsoft(message, ctx) {
        return why;
    }
    let sip = message.sip();
    let Some(text) = sip.request_uri().map(String::from_utf8_lossy) else { return Outcome::NotApplicable };
    let uri = typed::uri(&text);
    if !names_service(&uri) {
        return Outcome::NotApplicable;
    }
    let user = user(&Uri::parse(&text));
    // A blank before the number is another fault (DR024).
    let user = user.trim();
    let phone = uri.params.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("user") && value.as_deref().is_some_and(|value| value.eq_ignore_ascii_case("phone"))
    });
    let lacks_plus = is_number(user) || (phone && !user.is_empty() && !user.starts_with('+'));
    if !lacks_plus {
        return Outcome::Clean;
    }
    let said = format!("INVITE from {} calls {user} without '+' in Request-URI", message.message.src().ip());
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, user.to_owned(), said, &String::from_utf8_lossy(sip.start_line()))])
}

/// The Request-URI is the service's own: what Microsoft gave as Contact may hold any user.
fn names_service(uri: &TypedUri) -> bool {
    matches!(&uri.host, TypedHost::Name(name) if is_service(name))
}

/// `^[0-9*#().\-]{3,}$`
fn is_number(user: &str) -> bool {
    user.len() >= SHORTEST_NUMBER && user.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | '(' | ')' | '.' | '-'))
}
