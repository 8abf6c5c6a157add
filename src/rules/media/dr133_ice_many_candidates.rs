//! DR133: audio of the SBC with several ICE candidates for RTP.

use super::described::{DESCRIBING, active_audio, described};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sdp::{Candidate, MediaDescription};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR133-ice-many-candidates",
    title: "The SBC offers more than one candidate",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/media/DR133-ice-many-candidates.md"),
    check: Check::Message(DESCRIBING, check),
};

/// The component of RTP (RFC 8839 section 5.1).
const RTP: u16 = 1;

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let sdp = match described(message, ctx) {
        Ok(sdp) => sdp,
        Err(outcome) => return outcome,
    };
    if active_audio(sdp).all(|line| line.candidates.is_empty()) {
        return Outcome::NotApplicable;
    }
    let Some((first, other)) = active_audio(sdp).find_map(two) else { return Outcome::Clean };
    let (name, sbc) = (ctx.name_of(message), message.message.src().ip());
    let (a, b) = (written(first), written(other));
    let said = format!("{name} from {sbc} has more than one ICE candidate for its audio: {a} and {b}");
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, name, said, &format!("a=candidate: {a}, {b}"))])
}

/// Two candidates of a line for RTP that are not one.
fn two(line: &MediaDescription) -> Option<(&Candidate, &Candidate)> {
    let mut candidates = line.candidates.iter().filter(|candidate| candidate.component == RTP);
    let first = candidates.next()?;
    Some((first, candidates.find(|other| !same(first, other))?))
}

/// Foundation and priority alone make no other candidate.
fn same(a: &Candidate, b: &Candidate) -> bool {
    let text = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    text(&a.transport, &b.transport) && text(&a.address_text, &b.address_text) && a.port == b.port
}

fn written(candidate: &Candidate) -> String {
    format!("{} {}:{}", candidate.transport, candidate.address_text, candidate.port)
}
