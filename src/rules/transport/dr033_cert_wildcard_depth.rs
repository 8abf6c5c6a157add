//! DR033: the only name of the SBC's certificate that comes near is a wildcard of another depth.

use super::names::named;
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::x509::Covers;
use crate::rules::{Check, Ctx, Direction, Rule, identity::written::INTRODUCING};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR033-cert-wildcard-depth",
    title: "A wildcard at the wrong level",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "TLS handshake and SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &["DR032"],
    page: include_str!("../../../rules/transport/DR033-cert-wildcard-depth.md"),
    check: Check::Message(INTRODUCING, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let named = match named(message, ctx) {
        Ok(named) => named,
        Err(why) => return why,
    };
    match named.covers {
        Covers::OtherDepth => {
            let says = format!("names {}, but the certificate is for {}: * stands for exactly one label", named.host, named.names());
            Outcome::Violated(vec![named.violation(message, ctx, Severity::Error, &says)])
        }
        Covers::No => Outcome::NotApplicable, // no wildcard comes near: DR032 says so
        _ => Outcome::Clean,
    }
}
