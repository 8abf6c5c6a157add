//! DR034: a certificate that has expired or is not valid yet, by the capture's clock.

use super::parties::{Parties, Presented, called, day, days, in_days, seconds};
use crate::decode::Dir;
use crate::finding::{Outcome, Severity, Violation};
use crate::flow::Connection;
use crate::proto::x509::Certificate;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Timestamp;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR034-cert-validity",
    title: "A certificate outside its days of validity",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "TLS handshake",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR034-cert-validity.md"),
    check: Check::Connection(check),
};

/// 2018-01-01, before Direct Routing existed: an earlier clock is not set.
const CLOCK_IS_SET: Timestamp = days(17_532);

/// The rule's check; what ends a handshake asks it too.
pub fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let Some(parties) = Parties::of(connection, ctx.topology) else { return Outcome::NotApplicable };
    if connection.first.at < CLOCK_IS_SET {
        return Outcome::NotChecked("the capture's clock is not set".to_owned());
    }
    let chains = [parties.from_sbc, parties.from_sbc.reverse()].map(|dir| (dir, parties.chain(dir)));
    let mut violations = Vec::new();
    for (dir, presented) in &chains {
        if let Ok(presented) = presented {
            violations.extend(needed(presented).filter_map(|certificate| violation(&parties, *dir, presented, certificate)));
        }
    }
    match chains {
        _ if !violations.is_empty() => Outcome::Violated(violations),
        [(_, Err(why)), (_, Err(_))] => why,
        _ => Outcome::Clean,
    }
}

/// The sender's own certificate and that of its issuer. What stands above is a root that the other side holds itself, or a further way
/// to an old root that it need not take; so is an issuer that signed itself.
fn needed<'p>(presented: &'p Presented<'_>) -> impl Iterator<Item = &'p Certificate> {
    let leaf = presented.leaf;
    let issuer = presented.chain.what.certificates.iter().skip(1).find(|other| other.subject == leaf.issuer && !other.is_self_issued());
    std::iter::once(leaf).chain(issuer)
}

fn violation(parties: &Parties<'_>, dir: Dir, presented: &Presented<'_>, certificate: &Certificate) -> Option<Violation> {
    let now = seconds(presented.chain.seen.at);
    let (what, limit, apart) = match certificate {
        _ if now < certificate.not_before => {
            let apart = format!("{} after this handshake", in_days(certificate.not_before - now));
            ("is not valid before", day(certificate.not_before), apart)
        }
        _ if now > certificate.not_after => {
            let apart = format!("{} before this handshake", in_days(now - certificate.not_after));
            ("expired on", day(certificate.not_after), apart)
        }
        _ => return None,
    };
    let role = if std::ptr::eq(certificate, presented.leaf) { "certificate" } else { "intermediate certificate" };
    let message = format!("{role} {} of {} {what} {limit}, {apart}", called(certificate), parties.name(dir));
    let valid = format!("valid from {} to {}", day(certificate.not_before), day(certificate.not_after));
    Some(Violation {
        severity: Severity::Error,
        subject: parties.connection.id.flow.from_to(dir).0.ip().to_string(),
        value: format!("{}: {what} {limit}", certificate.subject),
        message,
        evidence: vec![presented.evidence(certificate, &valid)],
    })
}
