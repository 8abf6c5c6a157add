//! DR067: the SBC reports progress that nobody on the trunk side made, and so keeps Microsoft from trying another trunk.

use super::taken::{SentOn, Taken, taken};
use crate::call::{Call, Leg, LegMessage, media, reason, reasons};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::{sdp, sip::lossy};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Timestamp;
use std::net::SocketAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR067-early-18x-blocks-failover",
    title: "Progress before the trunk is reached keeps Microsoft from failing over",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR067-early-18x-blocks-failover.md"),
    check: Check::Leg(check),
};

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let (mut violations, mut lack, mut clean) = (Vec::new(), None, false);
    for taken in taken(leg, ctx) {
        match judge(&taken, ctx) {
            Ok(Some(Some(violation))) => violations.push(violation),
            Ok(Some(None)) => clean = true,
            Ok(None) => {}
            Err(why) => lack = lack.or(Some(why)),
        }
    }
    match lack {
        _ if !violations.is_empty() => Outcome::Violated(violations),
        Some(why) => Outcome::NotChecked(why.to_owned()),
        None if clean => Outcome::Clean,
        None => Outcome::NotApplicable,
    }
}

/// Nothing where the rule is not for it; else a violation or none; else what is missing.
fn judge(taken: &Taken<'_>, ctx: &Ctx<'_>) -> Result<Option<Option<Violation>>, &'static str> {
    let (Some(progress), Some(last), Some(call)) = (taken.progress(), taken.last(), ctx.call) else { return Ok(None) };
    let failed = last.start.status.filter(|status| *status >= 400);
    let Some(status) = failed.filter(|_| taken.cancel().is_none()) else { return Ok(None) };
    let sent = taken.sent_on(call, ctx);
    let Some(first) = sent.first() else { return Err("no leg on the trunk side is joined to the call") };
    if sent.iter().any(|sent| precedes(sent, progress)) {
        return Ok(Some(None));
    }
    if first.invite.message.course().source != progress.message.course().source {
        return Err("the two sides of the SBC are in captures whose clocks may differ");
    }
    if !sent.iter().any(|sent| sent.hears_far(ctx)) {
        return Err("nothing that the trunk side sends is in the capture");
    }
    // Busy is busy on every trunk.
    if reason::is_user_outcome(status, &reasons(&last.sip()), false, false) {
        return Ok(Some(None));
    }
    if progress.sip().sdp().is_some() {
        return match plays(taken, call, progress, last.message.at()) {
            true => Ok(Some(None)),
            false if call.streams.is_empty() => Err("no media is in the capture, so that an announcement of the SBC would not be seen"),
            false => Ok(Some(Some(violation(taken, progress, last, first)))),
        };
    }
    Ok(Some(Some(violation(taken, progress, last, first))))
}

/// The trunk side got on before the SBC said so.
fn precedes(sent: &SentOn<'_>, progress: &LegMessage) -> bool {
    sent.progress().is_some_and(|far| far.message.seq() < progress.message.seq())
}

/// The SBC sends media to Microsoft between its progress and the end: it plays an announcement.
fn plays(taken: &Taken<'_>, call: &Call, progress: &LegMessage, until: Timestamp) -> bool {
    let body = progress.sip().sdp();
    let sdp = body.as_deref().and_then(sdp::parse_tolerant);
    let own: Vec<SocketAddr> = sdp.iter().flat_map(|sdp| &sdp.media).filter_map(media::endpoint).collect();
    call.streams.iter().any(|bound| {
        let (from, _) = bound.stream.flow.from_to(bound.stream.dir);
        let begun = bound.stream.first().map(|seen| seen.at);
        let is_own = own.contains(&from) || from.ip() == taken.sbc();
        is_own && begun.is_some_and(|begun| begun <= until)
    })
}

fn violation(taken: &Taken<'_>, progress: &LegMessage, last: &LegMessage, sent: &SentOn<'_>) -> Violation {
    let status = |message: &LegMessage| message.start.status.unwrap_or_default();
    let (early, failed) = (status(progress), status(last));
    let (sbc, far) = (taken.sbc(), sent.invite.message.dst().ip());
    let message =
        format!("{sbc} sends Microsoft {early} before {far} made any progress, and then {failed}: Microsoft tries no other trunk");
    let line = |message: &LegMessage| lossy(message.sip().start_line()).into_owned();
    let evidence = [progress, sent.invite, last].map(|message| Evidence::new(&message.message.seen(), line(message))).into();
    Violation { severity: RULE.severity, subject: sbc.to_string(), value: early.to_string(), message, evidence }
}
