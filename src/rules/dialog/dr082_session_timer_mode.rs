//! DR082: Microsoft's INVITE has a session timer where the mode of the trunk wants none, or none where it wants one.

use super::{CUT, is_cut, start_line};
use crate::call::LegMessage;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::path::{Mode, gateway::first_invite, mode};
use crate::proto::sip::{HeaderName, Method, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR082-session-timer-mode",
    title: "The session timer does not fit the trunk's mode",
    severity: Severity::Info,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR082-session-timer-mode.md"),
    check: Check::Message(Heeds::FROM_MICROSOFT.requests(&[Method::Invite]), check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.is_initial_invite(message) || !ctx.from_microsoft(message) {
        return Outcome::NotApplicable;
    }
    let Some((leg, recognition)) = ctx.leg else { return Outcome::NotApplicable };
    if first_invite(leg).is_none_or(|first| first.message.seq() != message.message.seq()) {
        return Outcome::NotApplicable;
    }
    let known = match mode::mode(leg, recognition, ctx.topology) {
        Ok(known) => known,
        Err(why) => return Outcome::NotChecked(why),
    };
    let sip = message.sip();
    let timer = sip.first(HeaderName::SessionExpires).map(|value| lossy(&value).into_owned());
    let (value, what) = match (&timer, known.mode) {
        (Some(timer), Mode::Bypass | Mode::Lmo) => match mode::names_clients(leg, recognition, ctx.topology) {
            Some(true) => ("timer in bypass", format!("brings Session-Expires {timer}, and the trunk is in media bypass")),
            // A voice application, a web client or a conference has its media at a processor, and a timer.
            Some(false) => return Outcome::Clean,
            None if is_cut(message) => return Outcome::NotChecked(CUT.to_owned()),
            None => {
                return Outcome::NotChecked(
                    "Microsoft describes no media, so nothing tells whether this very call is in bypass".to_owned(),
                );
            }
        },
        (None, Mode::NonBypass) if sip.head_cut() => return Outcome::NotChecked(CUT.to_owned()),
        (None, Mode::NonBypass) => ("no timer", "brings no Session-Expires, and the trunk is not in media bypass".to_owned()),
        (Some(_), Mode::NonBypass) | (None, Mode::Bypass | Mode::Lmo) => return Outcome::Clean,
    };
    let sbc = message.message.dst().ip();
    let by = if known.told { "" } else { "seems so by the call: " };
    let text = format!("Microsoft's INVITE for {sbc} {what}: {by}{}", known.why);
    let line = timer.map_or_else(|| start_line(message), |timer| format!("Session-Expires: {timer}"));
    let evidence = vec![Evidence::new(&message.message.seen(), line)];
    Outcome::Violated(vec![Violation {
        severity: RULE.severity,
        subject: sbc.to_string(),
        value: value.to_owned(),
        message: text,
        evidence,
    }])
}
