//! DR164: an RTP flow loses more than the target.

use super::flow::{self, Flow, HOLED, flows};
use super::lost::{Window, percent, windows};
use crate::call::Call;
use crate::finding::{Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule, along::Found};
use crate::time::Span;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR164-loss",
    title: "Packet loss above target",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "RTP headers",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/quality/DR164-loss.md"),
    check: Check::Call(check),
};

/// The target is of any such time ([MQ]).
const WINDOW: Span = Span::secs(15);
/// Fewer packets make no percentage (catalogue DR164).
const FEWEST: u64 = 500;

fn check(call: &Call, ctx: &Ctx<'_>) -> Outcome {
    let mut found = Found::default();
    for flow in flows(call, ctx).filter(|flow| flow.pass.expected() >= FEWEST) {
        match worst(&flow) {
            None => found.clean = true,
            Some(_) if flow::is_holed(call, flow.pass.first().source) => found.lacks(HOLED),
            Some(window) => found.violations.push(violation(&flow, window)),
        }
    }
    found.outcome()
}

/// The worst window above the target.
fn worst(flow: &Flow<'_>) -> Option<Window> {
    let gaps = flow.pass.gaps();
    if gaps.is_empty() {
        return None;
    }
    let windows = windows(gaps, WINDOW, flow.sent_within(WINDOW));
    let worst = windows.into_iter().reduce(|worst, window| if window.share() > worst.share() { window } else { worst })?;
    worst.exceeds(flow.targets.loss).then_some(worst)
}

fn violation(flow: &Flow<'_>, window: Window) -> Violation {
    let (between, targets) = (flow.between(), flow.targets);
    let message = format!(
        "RTP from {between} loses {} in 15 s, {} of {} packets, until {}; the target is below {} ({})",
        percent(window.share()),
        window.lost,
        window.sent,
        window.at.rfc3339(),
        percent(10_000 / targets.loss),
        targets.name
    );
    let value = format!("above {} target", targets.name);
    Violation { severity: RULE.severity, subject: between, value, message, evidence: flow.proof() }
}
