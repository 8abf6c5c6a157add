//! DR035: the SBC's certificate expires within 30 days.

use super::parties::{Parties, called, day, in_days, seconds};
use crate::finding::{Outcome, Severity};
use crate::flow::Connection;
use crate::rules::{Check, Ctx, Direction, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR035-cert-expiring",
    title: "The SBC's certificate expires soon",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "TLS handshake",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR035-cert-expiring.md"),
    check: Check::Connection(check),
};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// From so many days on the health dashboard warns.
const SOON: i64 = 30 * DAY;
/// Certificates that live no longer are renewed by a machine.
const SHORT_LIVED: i64 = 100 * DAY;

fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let Some(parties) = Parties::of(connection, ctx.topology) else { return Outcome::NotApplicable };
    let presented = match parties.chain(parties.from_sbc) {
        Ok(presented) => presented,
        Err(why) => return why,
    };
    let leaf = presented.leaf;
    let left = leaf.not_after - seconds(presented.chain.seen.at);
    let lifetime = leaf.not_after - leaf.not_before;
    let severity = match left {
        i64::MIN..0 => return Outcome::NotApplicable, // DR034 says so
        SOON.. => return Outcome::Clean,
        _ if lifetime <= SHORT_LIVED && left > lifetime / 3 => Severity::Info,
        _ => Severity::Warning,
    };
    let until = day(leaf.not_after);
    let message = format!("certificate {} of the SBC {} expires on {until}, in {}", called(leaf), parties.sbc.ip(), in_days(left));
    let valid = format!("valid from {} to {until}", day(leaf.not_before));
    let value = format!("{}: {until}", leaf.subject);
    Outcome::Violated(vec![parties.by_sbc(severity, value, message, vec![presented.evidence(leaf, &valid)])])
}
