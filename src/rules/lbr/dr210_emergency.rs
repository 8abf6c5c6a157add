//! DR210: a call for help.

use crate::call::LegMessage;
use crate::finding::{Outcome, Severity, Violation};
use crate::path::lbr::emergency;
use crate::proto::sip::{Method, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR210-emergency",
    title: "An emergency call",
    severity: Severity::Info,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lbr/DR210-emergency.md"),
    check: Check::Message(Heeds::FROM_MICROSOFT.requests(&[Method::Invite]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.from_microsoft(message) || !ctx.is_initial_invite(message) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    let Some(sign) = emergency::sign(&sip, ctx.topology) else {
        return if sip.head_cut() { Outcome::NotChecked(super::CUT.to_owned()) } else { Outcome::Clean };
    };
    let evidence = ctx.proof(message, &lossy(sip.start_line()));
    let (subject, text) =
        (message.message.dst().ip().to_string(), format!("an emergency call for {}: INVITE with {sign}", message.message.dst().ip()));
    Outcome::Violated(vec![Violation { severity: RULE.severity, subject, value: sign, message: text, evidence }])
}
