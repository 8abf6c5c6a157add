//! DR137: the SBC changes its ICE credentials or its candidate between 183 and 200.

use super::described::{is_cut, m_line};
use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::{
    sdp::{Candidate, MediaDescription},
    sip::Method,
};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    along::{CUT, Found, with_microsoft},
};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR137-ice-changed-after-183",
    title: "ICE credentials or candidate changed between 183 and 200",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/media/DR137-ice-changed-after-183.md"),
    check: Check::Leg(check),
};

fn check(_: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((leg, _)) = ctx.leg.filter(|(leg, recognition)| leg.ice && recognition.is_direct_routing()) else {
        return Outcome::NotApplicable;
    };
    let mut found = Found::default();
    let is_ok = |m: &&LegMessage| m.start.method == Method::Invite && m.start.status.is_some_and(|status| (200..300).contains(&status));
    for ok in with_microsoft(leg, ctx).filter(|m| is_ok(m) && ctx.to_microsoft(m)) {
        let Some(early) = early(leg, ok, ctx) else { continue };
        let audio = |message| ctx.sdp(message).and_then(|sdp| sdp.audio());
        match (audio(early), audio(ok)) {
            _ if is_cut(early) || is_cut(ok) => found.lacks(CUT),
            (Some(before), Some(now)) if has_ice(before) => match changed(before, now) {
                what if what.is_empty() => found.clean = true,
                what => found.violations.push(violation(ctx, (early, before), (ok, now), &what)),
            },
            _ => {}
        }
    }
    found.outcome()
}

/// The last provisional response of the same early dialog with a session description; none where another offer came after it.
fn early<'l>(leg: &'l Leg, ok: &LegMessage, ctx: &Ctx<'l>) -> Option<&'l LegMessage> {
    let is_early = |m: &&LegMessage| m.transaction == ok.transaction && m.start.status.is_some_and(|status| (101..200).contains(&status));
    let before = leg.messages.iter().take_while(|m| !std::ptr::eq(*m, ok)).filter(|m| !m.retransmission);
    let early = before.filter(|m| is_early(m) && m.sip().to_tag() == ok.sip().to_tag() && ctx.sdp(m).is_some()).last()?;
    let since = early.message.seq()..ok.message.seq();
    let renews = |m: &LegMessage| {
        let offers = m.start.is_request && matches!(m.start.method, Method::Update | Method::Prack);
        offers && since.contains(&m.message.seq()) && ctx.sdp(m).is_some()
    };
    (!leg.messages.iter().any(renews)).then_some(early)
}

fn has_ice(line: &MediaDescription) -> bool {
    line.ice_ufrag.is_some() || !line.candidates.is_empty()
}

/// What is not as it was.
fn changed(before: &MediaDescription, now: &MediaDescription) -> Vec<&'static str> {
    let within = |some: &[Candidate], all: &[Candidate]| some.iter().all(|one| all.iter().any(|other| same(one, other)));
    let moved = !within(&before.candidates, &now.candidates) || !within(&now.candidates, &before.candidates);
    let all =
        [(before.ice_ufrag != now.ice_ufrag, "ice-ufrag"), (before.ice_pwd_digest != now.ice_pwd_digest, "ice-pwd"), (moved, "candidate")];
    all.into_iter().filter_map(|(is, what)| is.then_some(what)).collect()
}

/// Foundation and priority alone make no other candidate.
fn same(a: &Candidate, b: &Candidate) -> bool {
    let text = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    (a.component, a.port) == (b.component, b.port) && text(&a.transport, &b.transport) && text(&a.address_text, &b.address_text)
}

fn violation(
    ctx: &Ctx<'_>,
    (early, before): (&LegMessage, &MediaDescription),
    (ok, now): (&LegMessage, &MediaDescription),
    what: &[&str],
) -> Violation {
    let (sbc, list) = (ok.message.src().ip().to_string(), what.join(", "));
    let how = match has_ice(now) {
        true => format!("changes {list} since {}", ctx.name_of(early)),
        false => format!("drops the ICE of {}", ctx.name_of(early)),
    };
    let message = format!("{} from {sbc} {how}", ctx.name_of(ok));
    let evidence = vec![Evidence::new(&early.message.seen(), m_line(before)), Evidence::new(&ok.message.seen(), format!("another {list}"))];
    Violation { severity: RULE.severity, subject: sbc, value: list, message, evidence }
}
