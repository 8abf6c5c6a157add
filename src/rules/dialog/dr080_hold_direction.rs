//! DR080: hold that is said with sendonly or recvonly.

use super::{CUT, is_cut, start_line};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::{
    sdp::{Direction as Sends, MediaDescription},
    sip::Method,
};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR080-hold-direction",
    title: "Hold is said with sendonly or recvonly",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR080-hold-direction.md"),
    check: Check::Message(Heeds::FROM_SBC.requests(&[Method::Invite, Method::Update]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let start = message.start;
    let offers = start.is_request && matches!(start.method, Method::Invite | Method::Update);
    if !offers || !ctx.to_microsoft(message) {
        return Outcome::NotApplicable;
    }
    // Nearly all send and receive, and are not read.
    if ctx.described(message).is_some_and(|described| !described.one_way) {
        return if is_cut(message) { Outcome::NotChecked(CUT.to_owned()) } else { Outcome::Clean };
    }
    let Some(described) = ctx.sdp(message) else {
        return if is_cut(message) { Outcome::NotChecked(CUT.to_owned()) } else { Outcome::NotApplicable };
    };
    let sends = described.media.iter().filter(|line| is_audio(line)).find_map(|line| one_way(line.direction));
    let Some(word) = sends else {
        return if is_cut(message) { Outcome::NotChecked(CUT.to_owned()) } else { Outcome::Clean };
    };
    // Before the call is up it is no hold: some play their early media so.
    let (severity, name) = match start.has_to_tag {
        true if start.method == Method::Invite => (RULE.severity, "re-INVITE".to_owned()),
        true => (RULE.severity, ctx.name_of(message)),
        false => (Severity::Info, ctx.name_of(message)),
    };
    let said = format!("{name} from {} offers audio with a={word}", message.message.src().ip());
    let proof = format!("{}, a={word}", start_line(message));
    Outcome::Violated(vec![by_sender(ctx, message, severity, format!("{name}: {word}"), said, &proof)])
}

fn is_audio(line: &MediaDescription) -> bool {
    line.kind.eq_ignore_ascii_case("audio") && line.port != 0
}

fn one_way(direction: Sends) -> Option<&'static str> {
    match direction {
        Sends::SendOnly => Some("sendonly"),
        Sends::RecvOnly => Some("recvonly"),
        Sends::SendRecv | Sends::Inactive => None,
    }
}
