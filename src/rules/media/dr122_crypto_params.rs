//! DR122: a key of the SBC has an MKI, or parameters of the session.

use super::described::{DESCRIBING, active_audio, described};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR122-crypto-params",
    title: "MKI or session parameters in a=crypto",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/media/DR122-crypto-params.md"),
    check: Check::Message(DESCRIBING, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let sdp = match described(message, ctx) {
        Ok(sdp) => sdp,
        Err(outcome) => return outcome,
    };
    let keys = || active_audio(sdp).flat_map(|line| &line.crypto);
    if keys().next().is_none() {
        return Outcome::NotApplicable;
    }
    let with_params = keys().find(|key| !key.session_params.is_empty());
    let Some(key) = with_params.or_else(|| keys().find(|key| key.mki)) else { return Outcome::Clean };
    let (severity, what) = match key.session_params.as_slice() {
        [] => (RULE.severity, "an MKI".to_owned()),
        params => (Severity::Warning, params.join(" and ")),
    };
    let (name, sbc) = (ctx.name_of(message), message.message.src().ip());
    let said = format!("{name} from {sbc} has {what} in a=crypto for {}", key.suite);
    let line = format!("a=crypto: {} with {what}", key.suite);
    Outcome::Violated(vec![by_sender(ctx, message, severity, format!("{name}: {what}"), said, &line)])
}
