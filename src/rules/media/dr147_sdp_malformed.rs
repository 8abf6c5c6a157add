//! DR147: a session description of the SBC with a fault of structure.

use super::described::{DESCRIBING, described};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sdp::{Faults, Sdp};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR147-sdp-malformed",
    title: "A session description is not well formed",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "RFC/field",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/media/DR147-sdp-malformed.md"),
    check: Check::Message(DESCRIBING, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let sdp = match described(message, ctx) {
        Ok(sdp) => sdp,
        Err(outcome) => return outcome,
    };
    let unaddressed = sdp.media.iter().any(|line| line.port != 0 && line.connection_text.is_empty());
    if sdp.faults == Faults::default() && !unaddressed && !sdp.media.is_empty() {
        return Outcome::Clean;
    }
    let what = faults(sdp, unaddressed).join(", ");
    let (name, sbc) = (ctx.name_of(message), message.message.src().ip());
    let said = format!("the session description in {name} from {sbc} is not well formed: {what}");
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, format!("{name}: {what}"), said, &what)])
}

/// What is wrong, in words.
fn faults(sdp: &Sdp, unaddressed: bool) -> Vec<&'static str> {
    let faults = &sdp.faults;
    let all = [
        (faults.no_version, "no v= line"),
        (faults.no_origin, "no o= line"),
        (faults.no_session_name, "no s= line"),
        (faults.no_time, "no t= line"),
        (sdp.media.is_empty(), "no m= line"),
        (unaddressed, "an m= line without an address"),
        (faults.misplaced > 0, "attributes of media before the first m= line"),
        (faults.malformed > 0, "lines that cannot be read"),
        (faults.control, "control characters"),
    ];
    all.into_iter().filter_map(|(is, what)| is.then_some(what)).collect()
}
