//! DR211: an emergency call without the caller's location, through a gateway that takes it.

use super::CUT;
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity, Violation};
use crate::path::lbr::emergency;
use crate::proto::sip::{Method, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR211-pidf-lo-missing",
    title: "An emergency call without the caller's location",
    severity: Severity::Info,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lbr/DR211-pidf-lo-missing.md"),
    check: Check::Message(Heeds::FROM_MICROSOFT.requests(&[Method::Invite]), check),
};

/// Presence information with a location (RFC 5139).
const PIDF: &str = "application/pidf+xml";

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !ctx.from_microsoft(message) || !ctx.is_initial_invite(message) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    let Some(sign) = emergency::sign(&sip, ctx.topology) else { return Outcome::NotApplicable };
    let Some(carriers) = ctx.carriers() else { return Outcome::NotApplicable };
    if !carriers.gateways.iter().any(|gateway| gateway.pidf_lo == Some(true)) {
        return Outcome::NotApplicable;
    }
    let Some(gateway) = carriers.one() else { return Outcome::NotChecked(carriers.lack()) };
    if sip.part(PIDF).is_some() {
        return Outcome::Clean;
    }
    if sip.head_cut() || sip.body_cut() || message.message.cut {
        return Outcome::NotChecked(CUT.to_owned());
    }
    let subject = gateway.fqdn.to_string();
    let text = format!("an emergency call (INVITE with {sign}) for {subject}, which takes locations, has no {PIDF} body");
    let evidence = ctx.proof(message, &lossy(sip.start_line()));
    Outcome::Violated(vec![Violation { severity: RULE.severity, subject, value: sign, message: text, evidence }])
}
