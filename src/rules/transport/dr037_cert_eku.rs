//! DR037: the extended key usage of the SBC's certificate lacks server or client authentication.

use super::failure::{Ending, ending};
use super::parties::{Parties, called, days};
use crate::finding::{Outcome, Severity};
use crate::flow::Connection;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Timestamp;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR037-cert-eku",
    title: "A certificate without the usage that it is used for",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "TLS handshake",
    confidence: "documented, currency uncertain",
    since: "2022-02-01",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR037-cert-eku.md"),
    check: Check::Connection(check),
};

/// 2022-02-01: server authentication is wanted.
const SERVER_SINCE: Timestamp = days(19_024);
/// 2024-03-19: client authentication is wanted too.
const CLIENT_SINCE: Timestamp = days(19_801);
/// 2026-03-01: public authorities issue no more certificates for clients.
const CLIENT_UNTIL: Timestamp = days(20_513);

/// The rule's check; what ends a handshake asks it too.
pub fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let Some(parties) = Parties::of(connection, ctx.topology).filter(|_| connection.first.at >= SERVER_SINCE) else {
        return Outcome::NotApplicable;
    };
    let (presented, handshake) = match (parties.chain(parties.from_sbc), parties.handshake()) {
        (Ok(presented), Ok(handshake)) => (presented, handshake),
        (Err(why), _) | (_, Err(why)) => return why,
    };
    let at = presented.chain.seen.at;
    let Some(usage) = presented.leaf.usage.filter(|usage| !usage.any) else { return Outcome::Clean };
    let (severity, lacks) = match (usage.server, usage.client) {
        (true, true) => return Outcome::Clean,
        (false, _) => (Severity::Warning, "server authentication"),
        (true, false) if at < CLIENT_SINCE => return Outcome::Clean,
        (true, false) if at < CLIENT_UNTIL => (Severity::Warning, "client authentication"),
        (true, false) => (Severity::Info, "client authentication"),
    };
    let failed = matches!(ending(&parties, handshake, ctx.clock), Ending::Failed(_));
    let severity = if failed { Severity::Error } else { severity };
    let fails = if failed { ", and the handshake fails" } else { "" };
    let message = format!("certificate {} of the SBC {} is not for {lacks}{fails}", called(presented.leaf), parties.sbc.ip());
    let value = format!("{}: no {lacks}", presented.leaf.subject);
    let evidence = vec![presented.evidence(presented.leaf, &format!("extended key usage without {lacks}"))];
    Outcome::Violated(vec![parties.by_sbc(severity, value, message, evidence)])
}
