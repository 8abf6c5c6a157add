//! DR120: a session description of the SBC protects none of its audio.

use super::described::{DESCRIBING, active_audio, described, m_line};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR120-no-srtp",
    title: "Audio without SRTP",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &["DR125"],
    page: include_str!("../../../rules/media/DR120-no-srtp.md"),
    check: Check::Message(DESCRIBING, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let sdp = match described(message, ctx) {
        Ok(sdp) => sdp,
        Err(outcome) => return outcome,
    };
    let mut audio = active_audio(sdp);
    let Some(first) = audio.clone().next() else { return Outcome::NotApplicable };
    if audio.any(|line| line.secured) {
        return Outcome::Clean;
    }
    let (name, sbc) = (ctx.name_of(message), message.message.src().ip());
    let said = format!("{name} from {sbc} has audio by {} without a key: it is not protected", first.proto);
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, format!("{name}: {}", first.proto), said, &m_line(first))])
}
