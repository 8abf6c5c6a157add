//! DR043: the RSA key of the SBC's certificate is shorter than 2048 bits.

use super::parties::{Parties, called};
use crate::finding::{Outcome, Severity};
use crate::flow::Connection;
use crate::proto::x509::Key;
use crate::rules::{Check, Ctx, Direction, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR043-cert-key-size",
    title: "An RSA key shorter than 2048 bits",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "TLS handshake",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR043-cert-key-size.md"),
    check: Check::Connection(check),
};

/// Bits that authorities ask for.
const SHORTEST: u32 = 2048;

fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let Some(parties) = Parties::of(connection, ctx.topology) else { return Outcome::NotApplicable };
    let presented = match parties.chain(parties.from_sbc) {
        Ok(presented) => presented,
        Err(why) => return why,
    };
    let leaf = presented.leaf;
    let Key::Rsa(bits @ 0..SHORTEST) = leaf.key else { return Outcome::Clean };
    let message = format!("certificate {} of the SBC {} has an RSA key of {bits} bits", called(leaf), parties.sbc.ip());
    let evidence = vec![presented.evidence(leaf, &format!("RSA {bits} bits"))];
    Outcome::Violated(vec![parties.by_sbc(Severity::Info, format!("{}: {bits}", leaf.subject), message, evidence)])
}
