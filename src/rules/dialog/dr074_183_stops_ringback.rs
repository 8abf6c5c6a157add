//! DR074: a 183 with SDP after the 180 stops the carrier's ringing tone, and no media follows.

use super::through::{Through, invite_of, media_to, over, through};
use super::{Said, heard, messages, proof, rtp};
use crate::call::{Call, LegMessage};
use crate::finding::{Outcome, Severity, Violation};
use crate::proto::sip::Method;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Span;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR074-183-stops-ringback",
    title: "A 183 stops the ringing and brings no sound",
    severity: Severity::Warning,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text of both legs and RTP",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR074-183-stops-ringback.md"),
    check: Check::Call(check),
};

/// Media follows a 183 within so long (catalogue DR074).
const PATIENCE: Span = Span::secs(1);

fn check(call: &Call, ctx: &Ctx<'_>) -> Outcome {
    let Some(call) = ctx.call.filter(|own| own.id == call.id) else { return Outcome::NotApplicable };
    let mut said = Said::default();
    for one in through(call, ctx) {
        let Some((trunk, on_trunk)) = one.trunk else {
            if stops(&messages(one.teams).collect::<Vec<_>>()).is_some() {
                said.lacks("only the leg with Microsoft is in the capture");
            }
            continue;
        };
        let to_caller: Vec<&LegMessage> = messages(trunk).filter(|m| m.message.src().ip() != on_trunk.message.src().ip()).collect();
        match stops(&to_caller) {
            Some(pair) => said.add(judge(&one, pair, call, ctx)),
            None if to_caller.iter().any(|m| is_progress(m, 180..200)) => said.clean(),
            None => {}
        }
    }
    said.outcome()
}

fn is_progress(message: &LegMessage, range: std::ops::Range<u16>) -> bool {
    message.start.method == Method::Invite && message.start.status.is_some_and(|status| range.contains(&status))
}

/// A 180 without a description, and a 183 with one behind it.
fn stops<'c>(sent: &[&'c LegMessage]) -> Option<(&'c LegMessage, &'c LegMessage)> {
    let at = sent.iter().position(|m| is_progress(m, 180..181) && m.sip().sdp().is_none())?;
    let ring = sent.get(at).copied()?;
    let progress = sent.iter().skip(at).find(|m| is_progress(m, 183..184) && m.sip().sdp().is_some())?;
    Some((ring, progress))
}

fn judge(one: &Through<'_>, (ring, progress): (&LegMessage, &LegMessage), call: &Call, ctx: &Ctx<'_>) -> Result<Option<Violation>, String> {
    let Some((trunk, on_trunk)) = one.trunk else { return Ok(None) };
    let (at, until) = (progress.message.at(), progress.message.at() + PATIENCE);
    let over = invite_of(trunk).and_then(|invite| over(trunk, invite));
    let source = progress.message.course().source;
    let media = media_to(call, (trunk, on_trunk), source);
    if over.is_some_and(|over| over <= until) || media.iter().any(|bound| rtp::flows_within(bound, at, until, source)) {
        return Ok(None);
    }
    if ctx.clock < until {
        return Err("the capture ends within a second of the 183".to_owned());
    }
    heard::is_heard(on_trunk, ctx)?;
    if media.is_empty() {
        return Err("no media towards the trunk is in the capture".to_owned());
    }
    let peer = on_trunk.message.src().ip();
    let message = format!("{} sends {peer} a 183 with SDP after the 180, and no RTP for more than a second", one.sbc);
    let evidence = vec![proof(progress), proof(ring)];
    Ok(Some(Violation { severity: RULE.severity, subject: one.sbc.to_string(), value: "183 after 180".to_owned(), message, evidence }))
}
