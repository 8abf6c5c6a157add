//! DR202: a call was handed on, and Location-Based Routing forbids that.

use super::{is_in_use, outcome, party, proof, unsettled, user_of, who};
use crate::call::{Call, Leg, Recognition};
use crate::finding::{Outcome, Severity, Violation};
use crate::path::lbr::{self, Action, Began, Fate, Moved, Observed, PstnLeg, answered_by, audit, user, whereabouts};
use crate::proto::sip::Method;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::User;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR202-lbr-transfer",
    title: "A call was handed on where it may not go",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lbr/DR202-lbr-transfer.md"),
    check: Check::Call(check),
};

fn check(call: &Call, ctx: &Ctx<'_>) -> Outcome {
    if !is_in_use(ctx.topology) {
        return Outcome::NotApplicable;
    }
    let legs = || call.legs.iter().zip(ctx.recognitions).filter(|(_, recognition)| recognition.is_direct_routing());
    let (mut violations, mut lack, mut clean): (Vec<Violation>, Option<String>, bool) = (Vec::new(), None, false);
    for (leg, recognition) in legs() {
        let ctx = ctx.of_leg(leg, recognition);
        for outcome in [to_pstn(call, leg, recognition, &ctx), to_teams(call, leg, recognition, &ctx), by_refer(leg)] {
            match outcome {
                Outcome::Violated(more) => violations.extend(more),
                Outcome::NotChecked(why) => lack = lack.or(Some(why)),
                Outcome::Clean => clean = true,
                Outcome::NotApplicable => {}
            }
        }
    }
    match lack {
        _ if !violations.is_empty() => Outcome::Violated(violations),
        Some(why) => Outcome::NotChecked(why),
        None if clean => Outcome::Clean,
        None => Outcome::NotApplicable,
    }
}

/// A call that Microsoft sends to the PSTN because a user sent it on.
fn to_pstn(call: &Call, leg: &Leg, recognition: &Recognition, ctx: &Ctx<'_>) -> Outcome {
    let Some(seen) = Observed::of(leg, recognition, ctx.topology).filter(|seen| seen.began == Began::Outbound && !seen.emergency) else {
        return Outcome::NotApplicable;
    };
    let Some(moved) = seen.moved else { return Outcome::NotApplicable };
    if let Some(unsettled) = unsettled(seen.fate) {
        return unsettled;
    }
    let Some(by) = seen.history.iter().find_map(|number| user(ctx.topology, number)) else {
        return Outcome::NotChecked("no user of the topology is said to have sent the call on".to_owned());
    };
    let action = match moved {
        Moved::Transferred => Action::Transfer,
        Moved::Forwarded => Action::Forward,
    };
    match seen.caller.as_deref().and_then(|number| user(ctx.topology, number)) {
        Some(caller) if *caller.number == *by.number => Outcome::NotChecked("the INVITE hides who called at first".to_owned()),
        Some(caller) => from_voip(leg, recognition, &seen, action, (by, caller), ctx),
        None => from_pstn(call, &seen, action, by, ctx),
    }
}

/// Between users at first: the one who stays binds.
fn from_voip(
    leg: &Leg,
    recognition: &Recognition,
    seen: &Observed<'_>,
    action: Action,
    (by, stays): (&User, &User),
    ctx: &Ctx<'_>,
) -> Outcome {
    let at = whereabouts(leg, recognition, ctx.call, ctx.topology);
    let stays = party(stays, &at);
    let audit =
        audit(ctx.topology.tables.lbr_edition, &seen.carriers, |gateway| lbr::Call::VoipToPstn { action, policy: vec![gateway], stays });
    let say = |gateway: &str| format!("a call of {} is sent on to the PSTN through {gateway} by {}", who(&stays), &*by.number);
    outcome(audit, &stays, &at, proof(seen, &at, ctx), say)
}

/// From the PSTN at first: the leg that it came by must be in the same call.
fn from_pstn(call: &Call, seen: &Observed<'_>, action: Action, by: &User, ctx: &Ctx<'_>) -> Outcome {
    let all = call.legs.iter().zip(ctx.recognitions).filter_map(|(leg, recognition)| Observed::of(leg, recognition, ctx.topology));
    let came = all.filter(|other| other.began == Began::Inbound).find(|other| {
        other.called.as_deref().and_then(|number| user(ctx.topology, number)).is_some_and(|called| *called.number == *by.number)
    });
    let Some(came) = came else {
        return Outcome::NotChecked("the call that was sent on is not joined to the one that it became".to_owned());
    };
    let Some(gateway) = came.carriers.one() else { return Outcome::NotChecked(came.carriers.lack()) };
    let nowhere = lbr::Whereabouts::unknown("the place of who sent the call on is not seen");
    let by = party(by, &nowhere);
    let leg = PstnLeg { gateway: gateway.into(), began: Began::Inbound };
    // Whether the policy has a gateway is a matter of routing: the two that carried the call are weighed.
    let audit = audit(ctx.topology.tables.lbr_edition, &seen.carriers, |out| lbr::Call::PstnToPstn {
        action,
        user: by,
        policy: vec![out, leg.gateway.clone()],
        leg: leg.clone(),
    });
    let say = |out: &str| format!("{} sends a call that came through {} on to the PSTN through {out}", who(&by), gateway.fqdn);
    outcome(audit, &by, &nowhere, proof(seen, &nowhere, ctx), say)
}

/// A call of the PSTN for one user that another one answers.
fn to_teams(call: &Call, leg: &Leg, recognition: &Recognition, ctx: &Ctx<'_>) -> Outcome {
    let seen = Observed::of(leg, recognition, ctx.topology).filter(|seen| seen.began == Began::Inbound && seen.fate == Fate::Answered);
    let (Some(seen), Some(answered)) = (seen, answered_by(leg, recognition)) else { return Outcome::NotApplicable };
    let Ok(called) = user_of(seen.called.as_deref(), "is called", ctx.topology) else { return Outcome::NotApplicable };
    let target = match user_of(Some(&answered), "answers", ctx.topology) {
        Ok(target) if *target.number == *called.number => return Outcome::NotApplicable,
        Ok(target) => target,
        Err(why) => return Outcome::NotChecked(why),
    };
    let at = whereabouts(leg, recognition, Some(call), ctx.topology);
    if !at.shows_client {
        return Outcome::NotChecked("no endpoint of a user is seen to answer: it may be voicemail".to_owned());
    }
    let nowhere = lbr::Whereabouts::unknown("");
    let (by, target) = (party(called, &nowhere), party(target, &at));
    let audit = audit(ctx.topology.tables.lbr_edition, &seen.carriers, |gateway| lbr::Call::ToTeams {
        action: Action::Forward,
        user: by,
        leg: PstnLeg { gateway, began: Began::Inbound },
        target,
    });
    let say = |gateway: &str| format!("{} answers a call through {gateway} for {}", who(&target), by.name);
    outcome(audit, &target, &at, proof(&seen, &at, ctx), say)
}

/// The leg that a REFER makes stands in no relation to it yet.
fn by_refer(leg: &Leg) -> Outcome {
    let taken = |status: Option<u16>| status.is_some_and(|status| (200..300).contains(&status));
    match leg.transactions.iter().any(|t| t.method == Method::Refer && taken(t.status(leg))) {
        true => Outcome::NotChecked("a call that a REFER makes is not joined to the one that it came of".to_owned()),
        false => Outcome::NotApplicable,
    }
}
