//! DR201: a call of the PSTN was answered by an endpoint that Location-Based Routing keeps it from.

use super::{NO_ANSWER, observed, outcome, party, proof, user_of, who};
use crate::call::Leg;
use crate::finding::{Outcome, Severity};
use crate::path::lbr::{Began, Call, Fate, answered_by, audit, user, whereabouts};
use crate::rules::{Check, Ctx, Direction, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR201-lbr-inbound",
    title: "A call reached a user where it may not",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text, packets and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lbr/DR201-lbr-inbound.md"),
    check: Check::Leg(check),
};

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((_, recognition)) = ctx.leg else { return Outcome::NotApplicable };
    let Some(seen) = observed(leg, ctx, Began::Inbound) else { return Outcome::NotApplicable };
    match seen.fate {
        Fate::Answered => {}
        Fate::Open => return Outcome::NotChecked(NO_ANSWER.to_owned()),
        Fate::Refused | Fate::Ringing => return Outcome::NotApplicable,
    }
    let called = match user_of(seen.called.as_deref(), "is called", ctx.topology) {
        Ok(called) => called,
        Err(why) => return Outcome::NotChecked(why),
    };
    let is_other = |number: &String| user(ctx.topology, number).is_none_or(|user| *user.number != *called.number);
    if answered_by(leg, recognition).as_ref().is_some_and(is_other) {
        return Outcome::NotApplicable; // the settings for unanswered calls sent it on: DR202
    }
    let at = whereabouts(leg, recognition, ctx.call, ctx.topology);
    if !at.shows_client {
        return Outcome::NotChecked("no endpoint of a user is seen to answer: it may be voicemail".to_owned());
    }
    let called = party(called, &at);
    let audit = audit(ctx.topology.tables.lbr_edition, &seen.carriers, |gateway| Call::Inbound { user: called, gateway });
    outcome(audit, &called, &at, proof(&seen, &at, ctx), |gateway| format!("{} answers a call through {gateway}", who(&called)))
}
