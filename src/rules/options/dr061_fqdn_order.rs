//! DR061: calls go to the second or third name of the service while the first one answers.

use super::placed::{outcome, without_calls};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::trunk::{Name, Placed, PlacedCalls, TrunkHistory};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR061-fqdn-order",
    title: "sip2 or sip3 is used before sip",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR061-fqdn-order.md"),
    check: Check::Trunk(check),
};

/// Of fewer calls nobody can say that they are spread.
const SPREAD_FROM: u64 = 6;
/// Each name has at least so much of the calls where they are spread: a quarter.
const SHARE: u64 = 4;

fn check(sbc: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    let placed = &history.placed;
    if placed.calls.is_empty() {
        return without_calls(placed);
    }
    let (mut late, mut lack, mut judged) = (Vec::new(), None, false);
    for call in &placed.calls {
        match name_of(call, placed, ctx) {
            Some(Name::Sip) => judged = true,
            Some(_) if placed.service.is_first(call.to.ip()) => judged = true,
            Some(name) if placed.service.is_well(call.seen.at) => late.push((call, name)),
            Some(_) if placed.service.down.cover(call.seen.at) => judged = true,
            Some(name) => {
                let said = format!("nothing shows whether sip.pstnhub.microsoft.com answered when calls went to {}", name.as_str());
                lack = lack.or(Some(said));
            }
            None => {}
        }
    }
    let spread = is_spread(placed);
    let violations: Vec<Violation> = late.into_iter().map(|(call, name)| violation(sbc, call, name, spread)).collect();
    match (violations.is_empty(), judged, &lack) {
        (true, false, None) => unnamed(placed, ctx),
        _ => outcome(violations, lack),
    }
}

/// The name that a call went to: by itself, else the only one that the SBC has for the address.
fn name_of(call: &Placed, placed: &PlacedCalls, ctx: &Ctx<'_>) -> Option<Name> {
    let worldwide = super::placed::has_names(ctx, call.to.ip(), call.seen.at);
    let by_address = || match placed.service.names.get(&call.to.ip()).map(Vec::as_slice) {
        Some([one]) => Some(*one),
        _ => None,
    };
    call.name.or_else(by_address).filter(|_| worldwide)
}

/// Each name gets its share of all calls.
fn is_spread(placed: &PlacedCalls) -> bool {
    let of = |name: &Name| placed.by_name.get(name).copied().unwrap_or_default();
    let all: u64 = Name::ALL.iter().map(of).sum();
    all >= SPREAD_FROM && Name::ALL.iter().all(|name| of(name) * SHARE >= all)
}

fn violation(sbc: IpAddr, call: &Placed, name: Name, spread: bool) -> Violation {
    let (value, message) = match spread {
        true => {
            ("all three", format!("{sbc} spreads its calls over the three names of the service, and sip.pstnhub.microsoft.com answers"))
        }
        false => (name.as_str(), format!("{sbc} sends calls to {}, and sip.pstnhub.microsoft.com answers", name.as_str())),
    };
    let evidence = vec![Evidence::new(&call.seen, call.line.clone())];
    Violation { severity: RULE.severity, subject: sbc.to_string(), value: value.to_owned(), message, evidence }
}

/// No call shows by which name it went.
fn unnamed(placed: &PlacedCalls, ctx: &Ctx<'_>) -> Outcome {
    match placed.calls.iter().any(|call| super::placed::has_names(ctx, call.to.ip(), call.seen.at)) {
        true => Outcome::NotChecked("neither the Request-URI nor a ClientHello tells to which name of the service calls went".to_owned()),
        false => Outcome::NotApplicable,
    }
}
