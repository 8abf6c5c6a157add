//! DR105: the INVITE that follows a REFER does not go where that points.

use super::{REFER, is_refer, lost, meant, status};
use crate::call::{LegMessage, transfer};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, lossy};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    identity::written::{absent, single},
};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR105-refer-target-altered",
    title: "The INVITE of a transfer has lost its target",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &["DR106"],
    page: include_str!("../../../rules/transfer/DR105-refer-target-altered.md"),
    check: Check::Message(REFER, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !is_refer(message, ctx) || !status(message, ctx).is_some_and(|status| (200..300).contains(&status)) {
        return Outcome::NotApplicable;
    }
    let Some(target) = single(message, HeaderName::ReferTo) else { return absent(message) };
    if transfer::extensions(&target).is_empty() {
        return Outcome::NotApplicable;
    }
    let all = meant(message, ctx);
    let all: Vec<_> = all.into_iter().map(|one| (lost(message, one.invite), one)).collect();
    let Some((lost, one)) = all.iter().min_by_key(|(lost, _)| lost.len()) else { return Outcome::NotApplicable };
    if lost.is_empty() {
        return Outcome::Clean;
    }
    let (sbc, names) = (message.message.dst().ip(), lost.join(", "));
    let proof = |m: &LegMessage| Evidence::new(&m.message.seen(), lossy(m.sip().start_line()));
    let mut evidence = vec![Evidence::new(&message.message.seen(), format!("Refer-To: {target}")), proof(one.invite)];
    evidence.extend(one.answer().map(proof));
    let text = format!("INVITE from {sbc} does not have the Refer-To of the REFER that it follows: {names} lost or changed");
    Outcome::Violated(vec![Violation { severity: RULE.severity, subject: sbc.to_string(), value: names, message: text, evidence }])
}
