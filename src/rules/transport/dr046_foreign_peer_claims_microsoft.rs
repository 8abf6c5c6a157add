//! DR046: a peer outside Microsoft's prefixes whose handshake says that it is the service.

use super::parties::Parties;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::flow::{Connection, tls::is_service};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::Place;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR046-foreign-peer-claims-microsoft",
    title: "A stranger that calls itself the service",
    severity: Severity::Warning,
    direction: Direction::MicrosoftToSbc,
    evidence: "TLS handshake",
    confidence: "inference",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR046-foreign-peer-claims-microsoft.md"),
    check: Check::Connection(check),
};

fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let Some(parties) = Parties::of(connection, ctx.topology) else { return Outcome::NotApplicable };
    let peer = parties.microsoft.ip();
    match ctx.topology.place_of(peer, connection.first.at) {
        Place::Microsoft => return Outcome::Clean,
        Place::Internet => {}
        _ => return Outcome::NotApplicable, // an address translation, or a box of your own
    }
    let handshake = match parties.handshake() {
        Ok(handshake) => handshake,
        Err(why) => return why,
    };
    let asked = handshake.offered.as_ref().and_then(|offered| Some((offered.what.server_name.as_deref()?, offered.seen)));
    let asked = asked.filter(|(name, _)| is_service(name)).map(|(name, seen)| (format!("is asked for {name}"), seen));
    let shown = handshake.chain(parties.from_sbc.reverse()).and_then(|chain| {
        let leaf = chain.what.certificates.first()?;
        let name = leaf.names.iter().chain(&leaf.common_name).find(|name| is_service(name))?;
        Some((format!("presents a certificate for {name}"), chain.seen))
    });
    let Some((says, seen)) = shown.or(asked) else { return Outcome::Clean };
    let message = format!("{peer} {says}, and is in no known prefix of Microsoft's");
    let (subject, evidence) = (peer.to_string(), vec![Evidence::new(&seen, &*says)]);
    Outcome::Violated(vec![Violation { severity: Severity::Warning, subject, value: says, message, evidence }])
}
