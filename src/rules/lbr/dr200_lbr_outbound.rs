//! DR200: a user's call left through a gateway that Location-Based Routing forbids.

use super::{observed, outcome, party, proof, unsettled, user_of, who};
use crate::call::Leg;
use crate::finding::{Outcome, Severity};
use crate::path::lbr::{Began, Call, audit, whereabouts};
use crate::rules::{Check, Ctx, Direction, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR200-lbr-outbound",
    title: "A call left through a gateway that is forbidden to it",
    severity: Severity::Error,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lbr/DR200-lbr-outbound.md"),
    check: Check::Leg(check),
};

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((_, recognition)) = ctx.leg else { return Outcome::NotApplicable };
    // What came of another call follows other rules: DR202.
    let Some(seen) = observed(leg, ctx, Began::Outbound).filter(|seen| seen.moved.is_none()) else { return Outcome::NotApplicable };
    if let Some(unsettled) = unsettled(seen.fate) {
        return unsettled;
    }
    let user = match user_of(seen.caller.as_deref(), "calls", ctx.topology) {
        Ok(user) => user,
        Err(why) => return Outcome::NotChecked(why),
    };
    let at = whereabouts(leg, recognition, ctx.call, ctx.topology);
    let caller = party(user, &at);
    // The gateway that carried the call is weighed alone: that the policy of the file lacks it is a matter of routing, not of LBR.
    let audit = audit(ctx.topology.tables.lbr_edition, &seen.carriers, |gateway| Call::Outbound { user: caller, policy: vec![gateway] });
    outcome(audit, &caller, &at, proof(&seen, &at, ctx), |gateway| format!("{} calls the PSTN through {gateway}", who(&caller)))
}
