//! DR027: no call finds a client, as when the SBC's name is paired in Azure Communication Services as well.

use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::trunk::{Answer, Placed, TrunkHistory};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR027-acs-name-clash",
    title: "No call finds a client: the name may be paired in Azure Communication Services too",
    severity: Severity::Info,
    direction: Direction::MicrosoftToSbc,
    evidence: "SIP text",
    confidence: "field-observed",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR027-acs-name-clash.md"),
    check: Check::Trunk(check),
};

/// One number may be of a user who is signed out.
const NUMBERS: usize = 2;
/// Calls that are shown.
const SHOWN: usize = 5;

fn check(sbc: IpAddr, history: &TrunkHistory, _: &Ctx<'_>) -> Outcome {
    let placed = &history.placed;
    let found = |call: &'_ Placed| call.answer.as_ref().is_some_and(|answer| answer.status == 480 && answer.no_endpoints.is_some());
    let calls: Vec<&Placed> = placed.calls.iter().filter(|call| found(call)).collect();
    if calls.is_empty() {
        return Outcome::NotApplicable;
    }
    let numbers: BTreeSet<u64> = calls.iter().filter_map(|call| call.called).collect();
    if placed.accepted > 0 || numbers.len() < NUMBERS {
        return Outcome::Clean;
    }
    let shown = |answer: &Answer| Evidence::new(&answer.seen, answer.no_endpoints.clone().unwrap_or_default());
    let evidence = calls.iter().take(SHOWN).filter_map(|call| call.answer.as_ref()).map(shown).collect();
    let n = numbers.len();
    let message = format!("Microsoft finds no client for any of {n} numbers that {sbc} calls, and takes none of its calls");
    let value = "no callee endpoints".to_owned();
    Outcome::Violated(vec![Violation { severity: RULE.severity, subject: sbc.to_string(), value, message, evidence }])
}
