//! DR123: the SBC wants its keys from DTLS and gives none by SDES.

use super::described::{DESCRIBING, active_audio, described, m_line};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR123-dtls-only",
    title: "DTLS-SRTP without SDES",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &["DR125"],
    page: include_str!("../../../rules/media/DR123-dtls-only.md"),
    check: Check::Message(DESCRIBING, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let sdp = match described(message, ctx) {
        Ok(sdp) => sdp,
        Err(outcome) => return outcome,
    };
    if active_audio(sdp).any(|line| !line.crypto.is_empty()) {
        return Outcome::Clean;
    }
    let Some(line) = active_audio(sdp).find(|line| line.fingerprint) else { return Outcome::NotApplicable };
    let (name, sbc) = (ctx.name_of(message), message.message.src().ip());
    let said = format!("{name} from {sbc} has a fingerprint for DTLS and no a=crypto for its audio");
    let proof = format!("{}, a=fingerprint, no a=crypto", m_line(line));
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, name, said, &proof)])
}
