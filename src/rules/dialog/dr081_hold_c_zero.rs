//! DR081: a session description of the SBC with the connection address 0.0.0.0.

use super::{CUT, is_cut};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sdp::MediaDescription;
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR081-hold-c-zero",
    title: "The connection address is 0.0.0.0",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR081-hold-c-zero.md"),
    check: Check::Message(Heeds::FROM_SBC, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.to_microsoft(message) {
        return Outcome::NotApplicable;
    }
    let known = ctx.described(message);
    let lines = known.filter(|described| described.zero).and_then(|_| ctx.sdp(message)).map(|sdp| sdp.media.as_slice());
    let Some(line) = lines.unwrap_or_default().iter().find(|line| is_zero(line)) else {
        return match (is_cut(message), known.is_some_and(|described| described.audio)) {
            (_, true) => Outcome::Clean,
            (true, false) => Outcome::NotChecked(CUT.to_owned()),
            (false, false) => Outcome::NotApplicable,
        };
    };
    let zero = &line.connection_text;
    let name = ctx.name_of(message);
    let said = format!("{name} from {} gives {zero} as the address of its audio", message.message.src().ip());
    let proof = format!("c={zero}, m=audio {}", line.port);
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, format!("{name}: {zero}"), said, &proof)])
}

fn is_audio(line: &MediaDescription) -> bool {
    line.kind.eq_ignore_ascii_case("audio") && line.port != 0
}

fn is_zero(line: &MediaDescription) -> bool {
    is_audio(line) && line.connection.is_some_and(|ip| ip.is_unspecified())
}
