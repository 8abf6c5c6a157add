//! DR015: To and Request-URI of a new call have different numbers.

use super::numbers::{are_of_one_block, are_one, is_diverted, is_ported, number, request_uri, to};
use super::written::{call_to_microsoft, clean};
use crate::call::LegMessage;
use crate::finding::{Evidence, Outcome, Severity};
use crate::proto::sip::{Method, NameAddr, Uri, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR015-to-ruri-digits-differ",
    title: "To and Request-URI have different numbers",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "heuristic",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR015-to-ruri-digits-differ.md"),
    check: Check::Message(Heeds::FROM_SBC.requests(&[Method::Invite]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if let Err(why) = call_to_microsoft(message, ctx) {
        return why;
    }
    let (Some(uri), Some(to)) = (request_uri(message), to(message)) else { return Outcome::NotApplicable };
    let [at, of] = [Uri::parse(&uri), NameAddr::parse(&to).uri()];
    let (Some(called), Some(other)) = (number(&at), number(&of)) else { return Outcome::NotApplicable };
    let explained = are_of_one_block(&called, &other) || [at, of].iter().any(is_ported) || is_diverted(message);
    if are_one(&called, &other) || explained {
        return Outcome::Clean;
    }
    if message.sip().head_cut() {
        return clean(message); // what tells of a diversion may be missing
    }
    let said = format!("INVITE from {} calls {called}, but has {other} in To", message.message.src().ip());
    let mut violation = by_sender(ctx, message, RULE.severity, format!("{called} {other}"), said, &format!("To: {to}"));
    let start = lossy(message.sip().start_line()).into_owned();
    violation.evidence.insert(1, Evidence::new(&message.message.seen(), start));
    Outcome::Violated(vec![violation])
}
