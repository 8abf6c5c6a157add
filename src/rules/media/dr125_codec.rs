//! DR125: audio of the SBC with no codec that the service takes.

use super::described::{DESCRIBING, active_audio, described, m_line};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sdp::Sdp;
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR125-codec",
    title: "No common codec",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/media/DR125-codec.md"),
    check: Check::Message(DESCRIBING, check),
};

/// Codecs that the service takes from an SBC, but the one that is only good enough.
const USABLE: [&str; 4] = ["PCMU", "PCMA", "G722", "SILK"];
/// The one that alone is a risk; its annexes have names of their own with some devices.
const COMPRESSED: [&str; 3] = ["G729", "G729A", "G729AB"];
/// What is no codec of speech.
const EXTRAS: [&str; 4] = ["telephone-event", "CN", "red", "tone"];

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let sdp = match described(message, ctx) {
        Ok(sdp) => sdp,
        Err(outcome) => return outcome,
    };
    let Some(first) = active_audio(sdp).next() else { return Outcome::NotApplicable };
    let among = |known: &[&str], name: &str| known.iter().any(|one| one.eq_ignore_ascii_case(name));
    if names(sdp).any(|name| among(&USABLE, name)) {
        return Outcome::Clean;
    }
    let (severity, what) = match names(sdp).any(|name| among(&COMPRESSED, name)) {
        true => (Severity::Warning, "G729 and no other codec that the service takes".to_owned()),
        false => {
            let mut list: Vec<&str> = names(sdp).filter(|name| !among(&EXTRAS, name)).collect();
            list.dedup();
            let only = if list.is_empty() { "no codec of speech".to_owned() } else { format!("only {}", list.join(", ")) };
            (RULE.severity, format!("{only}, and the service takes none of it"))
        }
    };
    let (name, sbc) = (ctx.name_of(message), message.message.src().ip());
    let said = format!("{name} from {sbc} has {what}");
    Outcome::Violated(vec![by_sender(ctx, message, severity, format!("{name}: {what}"), said, &m_line(first))])
}

/// Encoding names of the active audio, as its `rtpmap` lines or RFC 3551 have them.
fn names(sdp: &Sdp) -> impl Iterator<Item = &str> {
    active_audio(sdp).flat_map(|line| line.payload_types().filter_map(|pt| line.codec(pt)).map(|(name, _)| name))
}
