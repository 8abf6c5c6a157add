//! DR194: the SBC leaves a user outside with its private media address.

use crate::call::{Leg, LegMessage, Recognition};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::path::{
    gateway,
    lmo::{Announced, LOCATION, Realm, Told, UserLocation, announced, realm},
};
use crate::proto::sip::Method;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Span;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR194-lmo-external-private",
    title: "A user outside is given a private media address",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lmo/DR194-lmo-external-private.md"),
    check: Check::Leg(check),
};

/// The SBC corrects its guess within so long after the answer.
const CORRECTED: Span = Span::secs(5);

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((_, recognition)) = ctx.leg.filter(|(_, recognition)| recognition.is_direct_routing()) else { return Outcome::NotApplicable };
    let all = announced(leg, recognition);
    let external = |one: &&Announced<'_>| one.told.as_ref().is_some_and(|(_, told)| is_external(told)) && !one.ips.is_empty();
    let answers: Vec<&Announced<'_>> = all.iter().filter(external).collect();
    let known = answers.iter().find(|one| is_private(one, ctx)).map(|one| (*one, one.told.as_ref().map(|(by, _)| *by)));
    if let Some((one, Some(by))) = known {
        let said = format!("{} announces {} for media only, and the user is outside", ctx.name_of(one.message), list(one));
        return Outcome::Violated(vec![violation(one, by, said)]);
    }
    match guess(leg, recognition, &all, ctx) {
        Outcome::NotApplicable if !answers.is_empty() => Outcome::Clean,
        other => other,
    }
}

fn is_external(told: &Told) -> bool {
    told.location == Some(UserLocation::External)
}

/// No address in it can be reached from outside.
fn is_private(one: &Announced<'_>, ctx: &Ctx<'_>) -> bool {
    let at = one.message.message.at();
    !one.ips.is_empty() && one.ips.iter().all(|ip| realm(ctx.topology, *ip, at) == Realm::Inner)
}

/// The SBC called before it could know where the user is; it may guess, and has to correct itself when Microsoft's answer says so.
fn guess(leg: &Leg, recognition: &Recognition, all: &[Announced<'_>], ctx: &Ctx<'_>) -> Outcome {
    let Some(first) = all.first().filter(|one| one.told.is_none() && is_private(one, ctx)) else { return Outcome::NotApplicable };
    let invite = gateway::first_invite(leg).filter(|invite| invite.message.seq() == first.message.message.seq());
    let Some(answer) = invite.and_then(|_| leg.messages.iter().find(|m| is_answer(m, recognition) && is_external(&Told::of(&m.sip()))))
    else {
        return Outcome::NotApplicable;
    };
    let (from, until) = (answer.message.at(), answer.message.at() + CORRECTED);
    let corrects = |one: &&Announced<'_>| {
        let at = one.message.message.at();
        one.message.start.is_request && one.message.start.method == Method::Invite && from < at && at <= until && !is_private(one, ctx)
    };
    if all.iter().any(|one| corrects(&one)) {
        return Outcome::Clean;
    }
    if leg.ended.is_some_and(|ended| ended < until) || ctx.clock < until {
        return Outcome::NotChecked("the call or the capture ends before the SBC had time to correct its address".to_owned());
    }
    if !leg.messages.iter().any(|m| m.message.at() > from && !recognition.is_microsoft(m.message.src(), m.message.dst())) {
        return Outcome::NotChecked("nothing that the SBC sends after the answer is in the capture".to_owned());
    }
    let said = format!("the SBC offers {} for media only, the user is outside, and no re-INVITE corrects it within 5 s", list(first));
    Outcome::Violated(vec![violation(first, answer, said)])
}

/// A 2xx of Microsoft's to the INVITE.
fn is_answer(message: &LegMessage, recognition: &Recognition) -> bool {
    let start = message.start;
    let ok = start.method == Method::Invite && start.status.is_some_and(|status| (200..300).contains(&status));
    ok && recognition.is_microsoft(message.message.src(), message.message.dst())
}

fn list(one: &Announced<'_>) -> String {
    one.ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

fn violation(one: &Announced<'_>, by: &LegMessage, message: String) -> Violation {
    let mut evidence = vec![
        Evidence::new(&one.message.message.seen(), format!("media at {}", list(one))),
        Evidence::new(&by.message.seen(), format!("{LOCATION}: external")),
    ];
    evidence.sort_by_key(|e| e.seq);
    Violation { severity: RULE.severity, subject: one.message.message.src().ip().to_string(), value: list(one), message, evidence }
}
