//! DR073: Microsoft rings, and the caller on the trunk hears nothing.

use super::through::{Through, invite_of, media_to, one_clock, over, through};
use super::{CUT, Said, heard, is_cut, messages, proof, rtp};
use crate::call::{Call, LegMessage};
use crate::finding::{Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Span;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR073-no-local-ringback",
    title: "Nobody rings the caller",
    severity: Severity::Warning,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text of both legs and RTP",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR073-no-local-ringback.md"),
    check: Check::Call(check),
};

/// The SBC rings the caller within so long (catalogue DR073).
const PATIENCE: Span = Span::secs(2);

fn check(call: &Call, ctx: &Ctx<'_>) -> Outcome {
    let Some(call) = ctx.call.filter(|own| own.id == call.id) else { return Outcome::NotApplicable };
    let mut said = Said::default();
    for one in through(call, ctx) {
        if let Some(ring) = ring(&one) {
            said.add(judge(&one, ring, call, ctx));
        }
    }
    said.outcome()
}

/// Microsoft's first 180 without a description.
fn ring<'c>(one: &Through<'c>) -> Option<&'c LegMessage> {
    let invite = invite_of(one.teams)?;
    let rings = invite.provisional.iter().filter_map(|idx| one.teams.message(*idx)).find(|m| m.start.status == Some(180))?;
    (rings.sip().sdp().is_none() && one.recognition.is_microsoft(rings.message.src(), rings.message.dst())).then_some(rings)
}

fn judge(one: &Through<'_>, ring: &LegMessage, call: &Call, ctx: &Ctx<'_>) -> Result<Option<Violation>, String> {
    let Some((trunk, on_trunk)) = one.trunk else { return Err("only the leg with Microsoft is in the capture".to_owned()) };
    if is_cut(ring) {
        return Err(CUT.to_owned());
    }
    let source = one_clock(&[ring, on_trunk]).ok_or("the two legs were captured by two clocks")?;
    let (at, until) = (ring.message.at(), ring.message.at() + PATIENCE);
    let to_caller = |m: &&LegMessage| m.message.src().ip() != on_trunk.message.src().ip();
    let rung =
        messages(trunk).filter(to_caller).any(|m| m.start.status.is_some_and(|s| (101..200).contains(&s)) && m.message.at() <= until);
    let over = invite_of(one.teams).and_then(|invite| over(one.teams, invite));
    let media = media_to(call, (trunk, on_trunk), source);
    let tone_until = over.unwrap_or(ctx.clock);
    if rung || media.iter().any(|bound| rtp::flows_within(bound, at, tone_until, source)) {
        return Ok(None);
    }
    if over.is_some_and(|over| over < until) {
        return Err("the call is answered or over within 2 s of the 180".to_owned());
    }
    if ctx.clock < until {
        return Err("the capture ends within 2 s of the 180".to_owned());
    }
    heard::is_heard(on_trunk, ctx)?;
    if media.is_empty() {
        return Err("no media towards the trunk is in the capture".to_owned());
    }
    let peer = on_trunk.message.src().ip();
    let message =
        format!("{} sends {peer} no 180, no 183 and no RTP, and Microsoft's 180 says that the called user's phone rings", one.sbc);
    let evidence = vec![proof(ring), proof(on_trunk)];
    Ok(Some(Violation { severity: RULE.severity, subject: one.sbc.to_string(), value: "silent 180".to_owned(), message, evidence }))
}
