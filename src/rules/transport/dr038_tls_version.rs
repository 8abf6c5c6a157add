//! DR038: a version of TLS below 1.2.

use super::parties::{Parties, days};
use crate::finding::{Evidence, Outcome, Severity};
use crate::flow::Connection;
use crate::proto::tls::Version;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Timestamp;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR038-tls-version",
    title: "TLS below 1.2",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "TLS handshake",
    confidence: "documented",
    since: "2022-04-03",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR038-tls-version.md"),
    check: Check::Connection(check),
};

/// 2022-04-03: TLS 1.0 and 1.1 were switched off.
const SINCE: Timestamp = days(19_085);

fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let parties = Parties::of(connection, ctx.topology).filter(|_| connection.first.at >= SINCE);
    let Some(parties) = parties else { return Outcome::NotApplicable };
    let handshake = match parties.handshake() {
        Ok(handshake) => handshake,
        Err(why) => return why,
    };
    // No more than the highest version counts: clients list the low ones that they also speak.
    let offered = handshake.offered.as_ref().and_then(|offered| Some((offered.what.versions.first()?, offered.seen)));
    let client = parties.client();
    let (verb, dir, version, seen) = match (&handshake.chosen, offered) {
        (_, Some((version, seen))) if *version < Version::TLS12 => ("offers no more than", client, *version, seen),
        (Some(chosen), _) if chosen.what.version < Version::TLS12 => ("chooses", client.reverse(), chosen.what.version, chosen.seen),
        _ => return Outcome::Clean,
    };
    let other = parties.name(dir.reverse());
    let message = format!("{} {verb} {version} towards {other}", parties.name(dir));
    let hello = if dir == client { "ClientHello" } else { "ServerHello" };
    let who = if dir == parties.from_sbc { "SBC" } else { "Microsoft" };
    let evidence = vec![Evidence::new(&seen, format!("{hello}: {version}"))];
    Outcome::Violated(vec![parties.by_sbc(Severity::Error, format!("{who} {verb} {version}"), message, evidence)])
}
