//! DR041: what calls itself Microsoft presents another certificate than Microsoft's.

use super::parties::{Parties, called, days};
use crate::finding::{Outcome, Severity, Violation};
use crate::flow::{Connection, tls::is_service};
use crate::proto::x509::Certificate;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Timestamp;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR041-microsoft-cert",
    title: "An unexpected certificate from Microsoft's address",
    severity: Severity::Warning,
    direction: Direction::MicrosoftToSbc,
    evidence: "TLS handshake",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR041-microsoft-cert.md"),
    check: Check::Connection(check),
};

/// The root that was in use until October 2023.
const OLD_ROOT: &str = "Baltimore CyberTrust Root";
/// 2024-01-01: 90 days after it was replaced.
const OLD_UNTIL: Timestamp = days(19_723);
/// The roots that followed it, those announced for 2026 included.
const ROOTS: [&str; 7] = [
    "DigiCert Global Root CA",
    "DigiCert Global Root G2",
    "DigiCert Global Root G3",
    "DigiCert TLS ECC P384 Root G5",
    "DigiCert TLS RSA4096 Root G5",
    "Microsoft RSA Root Certificate Authority 2017",
    "Microsoft ECC Root Certificate Authority 2017",
];

fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let parties = Parties::of(connection, ctx.topology)
        .filter(|parties| ctx.topology.is_microsoft_signalling(parties.microsoft.ip(), connection.first.at));
    let Some(parties) = parties else { return Outcome::NotApplicable };
    let presented = match parties.chain(parties.from_sbc.reverse()) {
        Ok(presented) => presented,
        Err(why) => return why,
    };
    let leaf = presented.leaf;
    let certificates = &presented.chain.what.certificates;
    // The name may be that of another cloud, or of a host for tests.
    let is_named = leaf.names.iter().chain(&leaf.common_name).any(|name| is_service(name));
    let stranger = certificates
        .last()
        .filter(|top| certificates.len() > 1 || top.is_self_issued())
        .and_then(|top| stranger(top, presented.chain.seen.at));
    let says = match (is_named, stranger) {
        (true, None) => return Outcome::Clean,
        (false, _) => "is not for the service".to_owned(),
        (true, Some(root)) => format!("leads to the root {root}, which is none of the service's"),
    };
    let message = format!("certificate {} of Microsoft's {} {says}", called(leaf), parties.microsoft.ip());
    let evidence = vec![presented.evidence(certificates.last().filter(|_| is_named).unwrap_or(leaf), "presented by Microsoft's address")];
    let (severity, subject) = (Severity::Warning, parties.sbc.ip().to_string());
    Outcome::Violated(vec![Violation { severity, subject, value: format!("{} {says}", leaf.subject), message, evidence }])
}

/// The root above the last certificate of a chain, if it is none of the service's. A root is rarely sent, so its name is what the last
/// one says of its issuer.
fn stranger(top: &Certificate, at: Timestamp) -> Option<&str> {
    let root = top.issuer_name.as_deref().unwrap_or(&top.issuer);
    let is_known = ROOTS.contains(&root) || root == OLD_ROOT && at < OLD_UNTIL;
    (!is_known).then_some(root)
}
