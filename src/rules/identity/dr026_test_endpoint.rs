//! DR026: an SBC that uses Microsoft's endpoints for tests of certificates as if they were the service.

use super::names::unnamed;
use crate::finding::{Outcome, Severity, Violation};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    options::times::{DEMOTED, Times, proof, seconds},
};
use crate::time::Span;
use crate::trunk::{TrunkHistory, names::Name};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR026-test-endpoint",
    title: "A test endpoint in place of the service",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text or TLS handshake",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false, // the check does it: it looks at many messages
    hides: &[],
    page: include_str!("../../../rules/identity/DR026-test-endpoint.md"),
    check: Check::Trunk(check),
};

/// Hosts that answer OPTIONS only, so that certificates can be tried.
const TESTS: [&str; 2] = ["sip.mspki.pstnhub.microsoft.com", "sip.g1.pstnhub.microsoft.com"];
/// How the names of others begin.
const TEST_FRONT: &str = "x.sip.pstnhub.infra.";
/// Nobody tries a certificate for longer.
const DAY: Span = Span::secs(24 * 3_600);

fn check(sbc: IpAddr, history: &TrunkHistory, _: &Ctx<'_>) -> Outcome {
    let alive = &history.alive;
    let tests = || alive.names.iter().filter(|(name, _)| TESTS.contains(name) || name.starts_with(TEST_FRONT));
    let broken: Vec<Violation> = tests().filter_map(|(name, known)| violation(sbc, name, known)).collect();
    if !broken.is_empty() {
        return Outcome::Violated(broken);
    }
    // Keep-alives as steady as the capture is long would have to be watched for a day.
    let is_short = Times::of(alive.heard.iter()).longest() <= DAY;
    let steady = tests().filter_map(|(name, known)| Some((name, known.steady.longest()?.length()))).find(|(_, length)| *length >= DEMOTED);
    match steady.filter(|_| is_short) {
        Some((name, length)) => {
            Outcome::NotChecked(format!("keep-alives go to {name} for {} s, and only 24 h would show that they stay", seconds(length)))
        }
        None => unnamed(alive),
    }
}

fn violation(sbc: IpAddr, name: &str, known: &Name) -> Option<Violation> {
    let (subject, value) = (sbc.to_string(), name.to_owned());
    if let Some(called) = &known.called {
        let severity = if called.accepted == called.n { RULE.severity.lower() } else { RULE.severity };
        let answer = called.answer.as_ref().map(|(mark, line)| proof(mark, line.as_str()));
        let evidence = std::iter::once(proof(&called.first, called.line.as_str())).chain(answer).collect();
        let message = format!("{sbc} sends calls to {name}, which is there for tests of certificates");
        return Some(Violation { severity, subject, value, message, evidence });
    }
    let steady = known.steady.longest().filter(|stretch| stretch.length() > DAY)?;
    let message = format!("{sbc} keeps {name} alive for {} h, which is there for tests of certificates", seconds(steady.length()) / 3_600);
    let evidence = vec![proof(&steady.first, format!("keep-alive to {name}")), proof(&steady.last, "the last one")];
    Some(Violation { severity: RULE.severity, subject, value, message, evidence })
}
