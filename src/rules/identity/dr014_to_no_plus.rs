//! DR014: To has the called number without '+' although the Request-URI has it.

use super::numbers::{is_diverted, request_uri, to, user};
use super::written::{call_to_microsoft, clean};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{Method, NameAddr, Uri};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR014-to-no-plus",
    title: "The called number lacks its '+' in To only",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "heuristic",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR014-to-no-plus.md"),
    check: Check::Message(Heeds::FROM_SBC.requests(&[Method::Invite]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if let Err(why) = call_to_microsoft(message, ctx) {
        return why;
    }
    let (Some(uri), Some(to)) = (request_uri(message), to(message)) else { return Outcome::NotApplicable };
    let (called, number) = (user(&Uri::parse(&uri)), user(&NameAddr::parse(&to).uri()));
    if !called.starts_with('+') {
        return Outcome::NotApplicable;
    }
    let is_short = ctx.topology.is_private_number(&number) || ctx.topology.is_emergency(&number);
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || is_short || is_diverted(message) {
        return Outcome::Clean;
    }
    if message.sip().head_cut() {
        return clean(message); // what tells of a diversion may be missing
    }
    let said = format!("INVITE from {} calls {called}, but has {number} without '+' in To", message.message.src().ip());
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, number, said, &format!("To: {to}"))])
}
