//! DR013: an initial INVITE gives a caller's number without '+'.

use super::numbers::user;
use super::written::{absent, call_to_microsoft, clean, single};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{HeaderName, Method, NameAddr, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR013-from-no-plus",
    title: "The caller's number lacks its '+'",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/identity/DR013-from-no-plus.md"),
    check: Check::Message(Heeds::FROM_SBC.requests(&[Method::Invite]), check),
};

/// From this many digits on it is a subscriber number, below an extension or short code.
const FULL_NUMBER: usize = 7;
/// Fewer digits than this are no number.
const SHORTEST_NUMBER: usize = 3;

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if let Err(why) = call_to_microsoft(message, ctx) {
        return why;
    }
    let Some(text) = single(message, HeaderName::From) else { return absent(message) };
    let user = &user(&NameAddr::parse(&text).uri());
    let digits = !user.is_empty() && user.chars().all(|c| c.is_ascii_digit());
    let severity = match user.len() {
        _ if !digits || is_withheld(message) => return Outcome::Clean,
        FULL_NUMBER.. => Severity::Warning,
        SHORTEST_NUMBER.. if ctx.topology.is_private_number(user) || ctx.topology.is_emergency(user) => return Outcome::Clean,
        SHORTEST_NUMBER.. => Severity::Info,
        _ => return Outcome::Clean,
    };
    if message.sip().head_cut() {
        return clean(message); // Privacy may be what is missing
    }
    let said = format!("INVITE from {} shows the caller {user} without '+' in From", message.message.src().ip());
    Outcome::Violated(vec![by_sender(ctx, message, severity, user.to_owned(), said, &format!("From: {text}"))])
}

/// The caller asked for privacy of the identity, and P-Asserted-Identity has the number that counts (RFC 3325 section 9).
fn is_withheld(message: &LegMessage) -> bool {
    let sip = message.sip();
    let is_id = |value: &[u8]| value.split(|b| matches!(b, b';' | b',')).any(|word| word.trim_ascii().eq_ignore_ascii_case(b"id"));
    sip.all(HeaderName::Privacy).any(|value| is_id(&value))
        && sip.values(HeaderName::PAssertedIdentity).iter().any(|value| has_number(value))
}

fn has_number(value: &[u8]) -> bool {
    let text = lossy(value);
    let user = NameAddr::parse(&text).uri().user_decoded().unwrap_or_default().into_owned();
    let digits = user.strip_prefix('+').unwrap_or(&user);
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
}
