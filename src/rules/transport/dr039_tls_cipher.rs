//! DR039: none of the documented cipher suites is offered or chosen.

use super::failure::{Ending, ending};
use super::parties::Parties;
use crate::finding::{Evidence, Outcome, Severity};
use crate::flow::{Connection, tls::Handshake};
use crate::proto::tls::{Suite, Version};
use crate::rules::{Check, Ctx, Direction, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR039-tls-cipher",
    title: "No documented cipher suite",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "TLS handshake",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR039-tls-cipher.md"),
    check: Check::Connection(check),
};

/// ECDHE-RSA with AES-256 and AES-128, in GCM and in CBC mode.
const DOCUMENTED: [u16; 4] = [0xc030, 0xc02f, 0xc028, 0xc027];
/// The alert `handshake_failure`.
const HANDSHAKE_FAILURE: u8 = 40;
/// Suites that a finding prints.
const PRINTED: usize = 3;

fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let Some(parties) = Parties::of(connection, ctx.topology) else { return Outcome::NotApplicable };
    let handshake = match parties.handshake() {
        Ok(handshake) => handshake,
        Err(why) => return why,
    };
    let (verb, suites, seen) = match (parties.sbc_is_client(), &handshake.offered, &handshake.chosen) {
        (true, Some(offered), _) => ("offers", offered.what.suites.as_slice(), offered.seen),
        (true, None, _) => return Outcome::NotChecked("the SBC's ClientHello is not in the capture".to_owned()),
        // TLS 1.3 has suites of its own.
        (false, _, Some(chosen)) if chosen.what.version >= Version::TLS13 => return Outcome::Clean,
        (false, _, Some(chosen)) => ("chooses", std::slice::from_ref(&chosen.what.suite), chosen.seen),
        (false, _, None) => return Outcome::NotChecked("the SBC's ServerHello is not in the capture".to_owned()),
    };
    let is_agreed = parties.sbc_is_client() && matches!(ending(&parties, handshake, ctx.clock), Ending::Complete);
    if suites.iter().any(|suite| DOCUMENTED.contains(suite)) || is_agreed {
        return Outcome::Clean;
    }
    let refusal = refusal(handshake);
    let severity = if refusal.is_some() { Severity::Error } else { Severity::Warning };
    let names: Vec<String> = suites.iter().take(PRINTED).map(|suite| Suite::name_of(*suite)).collect();
    let more = suites.len().saturating_sub(PRINTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names = format!("{}{more}", names.join(", "));
    let message = format!("{} {verb} {names}, none of the four suites that the service documents", parties.name(parties.from_sbc));
    let evidence = [Evidence::new(&seen, format!("{verb} {names}"))].into_iter().chain(refusal).collect();
    Outcome::Violated(vec![parties.by_sbc(severity, format!("{verb} {names}"), message, evidence)])
}

/// Either side said that nothing suits both.
fn refusal(handshake: &Handshake) -> Option<Evidence> {
    let (_, alert) = handshake.alerts.iter().find(|(_, alert)| alert.what.description == HANDSHAKE_FAILURE)?;
    Some(Evidence::new(&alert.seen, "Alert: handshake_failure (40)"))
}
