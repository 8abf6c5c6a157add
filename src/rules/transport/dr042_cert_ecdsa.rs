//! DR042: the SBC is a TLS server with an ECDSA certificate, for which the documented suites have no use.

use super::failure::{Ending, ending};
use super::parties::{Parties, called};
use crate::finding::{Outcome, Severity};
use crate::flow::Connection;
use crate::proto::x509::Key;
use crate::rules::{Check, Ctx, Direction, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR042-cert-ecdsa",
    title: "An ECDSA certificate on the SBC",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "TLS handshake",
    confidence: "inference, field-observed",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR042-cert-ecdsa.md"),
    check: Check::Connection(check),
};

/// The rule's check; what ends a handshake asks it too.
pub fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    // For a client's certificate the kind of signature is agreed on apart from the suite.
    let Some(parties) = Parties::of(connection, ctx.topology).filter(|parties| !parties.sbc_is_client()) else {
        return Outcome::NotApplicable;
    };
    let (presented, handshake) = match (parties.chain(parties.from_sbc), parties.handshake()) {
        (Ok(presented), Ok(handshake)) => (presented, handshake),
        (Err(why), _) | (_, Err(why)) => return why,
    };
    let leaf = presented.leaf;
    let Key::Ec(bits) = leaf.key else { return Outcome::Clean };
    let (severity, how) = match ending(&parties, handshake, ctx.clock) {
        Ending::Failed(_) => (Severity::Error, ", and the handshake fails"),
        Ending::Complete => (Severity::Info, ""),
        Ending::Unknown(_) => (Severity::Warning, ""),
    };
    let message = format!("certificate {} of the SBC {} has an ECDSA key of {bits} bits{how}", called(leaf), parties.sbc.ip());
    let evidence = vec![presented.evidence(leaf, &format!("ECDSA {bits} bits"))];
    Outcome::Violated(vec![parties.by_sbc(severity, format!("{}: ECDSA", leaf.subject), message, evidence)])
}
