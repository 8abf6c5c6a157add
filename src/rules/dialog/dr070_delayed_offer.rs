//! DR070: an INVITE to Microsoft without a session description.

use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sip::{Method, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR070-delayed-offer",
    title: "A call without an SDP offer",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false, // the check does it: a re-INVITE begins one level lower
    hides: &[],
    page: include_str!("../../../rules/dialog/DR070-delayed-offer.md"),
    check: Check::Message(Heeds::FROM_SBC.requests(&[Method::Invite]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) || !message.start.is_request || message.start.method != Method::Invite {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    if sip.sdp().is_some() {
        return Outcome::Clean;
    }
    if message.message.cut || sip.body_cut() {
        return Outcome::NotChecked("message is cut by the snap length".to_owned());
    }
    let sender = message.message.src().ip();
    let refused = ctx.answer(message).and_then(|answer| answer.sip().status()).is_some_and(|status| status >= 400);
    let (severity, name) = match ctx.is_initial_invite(message) {
        true if ctx.is_accepted(message) => (Severity::Warning, "INVITE"),
        true => (Severity::Error, "INVITE"),
        false if refused => (Severity::Error, "re-INVITE"),
        false => (Severity::Warning, "re-INVITE"),
    };
    let said = format!("{name} from {sender} carries no SDP offer");
    Outcome::Violated(vec![by_sender(ctx, message, severity, name.to_owned(), said, &lossy(sip.start_line()))])
}
