//! DR075: Microsoft sends 183 where Local Media Optimization has 180 only.

use super::{CUT, Said, direct, is_cut, is_ok, messages, proof};
use crate::call::{Leg, LegMessage};
use crate::finding::{Outcome, Severity, Violation};
use crate::path::{
    gateway::first_invite,
    mode::{self, Mode},
};
use crate::proto::sip::Method;
use crate::rules::{Check, Ctx, Direction, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR075-183-in-lmo",
    title: "A 183 where Local Media Optimization has 180 only",
    severity: Severity::Info,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR075-183-in-lmo.md"),
    check: Check::Leg(check),
};

fn check(_: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((leg, recognition)) = direct(ctx) else { return Outcome::NotApplicable };
    let by_sbc = |invite: &&LegMessage| !recognition.is_microsoft(invite.message.src(), invite.message.dst());
    let Some(invite) = first_invite(leg).filter(by_sbc) else { return Outcome::NotApplicable };
    let Ok(known) = mode::mode(leg, recognition, ctx.topology) else { return Outcome::NotApplicable };
    if known.mode != Mode::Lmo {
        return Outcome::NotApplicable;
    }
    let mut said = Said::default();
    for message in messages(leg).filter(|m| m.transaction == invite.transaction && m.start.method == Method::Invite) {
        match message.start.status {
            Some(183) => match ctx.sdp(message) {
                Some(sdp) if mode::has_client(&sdp.media, ctx.topology, message.message.at()) => said.violated(violation(message, &known)),
                _ if is_cut(message) => said.lacks(CUT),
                // A voice application answers so, or whatever else has its media at a processor.
                _ => said.clean(),
            },
            Some(101..) if is_ok(message) || message.start.status < Some(200) => said.clean(),
            _ => {}
        }
    }
    said.outcome()
}

fn violation(message: &LegMessage, known: &mode::Known) -> Violation {
    let sbc = message.message.dst().ip();
    let text =
        format!("Microsoft answers the INVITE of {sbc} with a 183 of a client, and the trunk has Local Media Optimization: {}", known.why);
    Violation { severity: RULE.severity, subject: sbc.to_string(), value: "183".to_owned(), message: text, evidence: vec![proof(message)] }
}
