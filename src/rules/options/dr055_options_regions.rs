//! DR055: an SBC that keeps only some of the service's regions alive.

use super::times::{DEMOTED, ENCRYPTED, Times, proof, unread};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::trunk::{KeepAlive, TrunkHistory, names::Name};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR055-options-regions",
    title: "Only some of the service's names are kept alive",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text or TLS handshake",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR055-options-regions.md"),
    check: Check::Trunk(check),
};

/// The names of the worldwide service, in order of preference. The government clouds have one each.
const WORLDWIDE: [&str; 3] = ["sip.pstnhub.microsoft.com", "sip2.pstnhub.microsoft.com", "sip3.pstnhub.microsoft.com"];

fn check(sbc: IpAddr, history: &TrunkHistory, _: &Ctx<'_>) -> Outcome {
    let alive = &history.alive;
    let not_checked = |why: &str| Outcome::NotChecked(why.to_owned());
    let is_kept = |name: &&str| alive.names.get(name).is_some_and(|known| known.probed || known.asked.is_some());
    let (kept, missing): (Vec<&str>, Vec<&str>) = WORLDWIDE.iter().copied().partition(is_kept);
    match (kept.as_slice(), missing.as_slice()) {
        (_, []) => return Outcome::Clean,
        ([], _) if alive.names.is_empty() && alive.unnamed => return not_checked(ENCRYPTED),
        ([], _) if alive.names.is_empty() && alive.probes.is_empty() => {
            return unread(alive).map_or(Outcome::NotApplicable, not_checked);
        }
        ([], _) => return Outcome::NotApplicable,
        _ => {}
    }
    match () {
        () if alive.unnamed => {
            not_checked("the SBC has connections whose handshake, and so the name that they are for, is not in the capture")
        }
        () if alive.names.more => not_checked("the SBC uses more names of the service than are remembered"),
        () if unnamed(alive).len() > 1 => {
            not_checked("OPTIONS go to several addresses under one name; which of the service's names they belong to is not seen")
        }
        () if Times::of(alive.heard.iter()).longest() < DEMOTED => {
            not_checked("the SBC's connections with Microsoft are seen for less than 300 s on end")
        }
        () => {
            let message = format!("{sbc} keeps {} alive, and not {}", kept.join(" and "), missing.join(" and "));
            let known: Vec<&Name> = kept.iter().filter_map(|name| alive.names.get(name)).collect();
            let evidence: Vec<Evidence> = known.iter().filter_map(|name| evidence(name)).collect();
            let (subject, value) = (sbc.to_string(), missing.join(" "));
            Outcome::Violated(vec![Violation { severity: RULE.severity, subject, value, message, evidence }])
        }
    }
}

/// Addresses that OPTIONS were sent to and no connection was opened to by name.
fn unnamed(alive: &KeepAlive) -> BTreeSet<IpAddr> {
    let named =
        |address: &IpAddr| WORLDWIDE.iter().any(|name| alive.names.get(name).is_some_and(|known| known.addresses.contains(address)));
    alive.probes.keys().map(|target| target.address).filter(|address| !named(address)).collect()
}

fn evidence(name: &Name) -> Option<Evidence> {
    let cited = name.asked.as_ref().or(name.requested.as_ref())?;
    Some(proof(&cited.first, cited.line.as_str()))
}
