//! DR032: the certificate that the SBC presents is not for the name in its Contact.

use super::names::named;
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::x509::Covers;
use crate::rules::{Check, Ctx, Direction, Rule, identity::written::INTRODUCING};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR032-cert-name",
    title: "A certificate that is not for the SBC's name",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "TLS handshake and SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR032-cert-name.md"),
    check: Check::Message(INTRODUCING, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let named = match named(message, ctx) {
        Ok(named) => named,
        Err(why) => return why,
    };
    let (host, names) = (&named.host, named.names());
    let (severity, says) = match named.covers {
        Covers::Name | Covers::Wildcard => return Outcome::Clean,
        Covers::CommonName if named.presented.leaf.names.is_empty() => return Outcome::Clean,
        Covers::CommonName => (Severity::Info, format!("names {host}, which is the certificate's common name but none of its other names")),
        Covers::PartOfLabel => (Severity::Info, format!("names {host}, which the certificate covers by a wildcard for a part of a label")),
        Covers::OtherDepth | Covers::No => (Severity::Error, format!("names {host}, but the certificate is for {names}")),
    };
    Outcome::Violated(vec![named.violation(message, ctx, severity, &says)])
}
