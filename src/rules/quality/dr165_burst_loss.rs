//! DR165: an RTP flow loses packets in a row.

use super::flow::{self, EDGE, Flow, HOLED, flows};
use super::lost::{Window, windows};
use crate::call::Call;
use crate::finding::{Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule, along::Found};
use crate::time::Span;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR165-burst-loss",
    title: "Burst loss above target",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "RTP headers",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/quality/DR165-burst-loss.md"),
    check: Check::Call(check),
};

/// The target is of any such time ([MQ]).
const WINDOW: Span = Span::millis(200);
/// Fewer packets make no flow to judge (catalogue DR164, which DR165 refers to).
const FEWEST: u64 = 500;
/// One packet lost is no burst: a window holds ten packets of 20 ms, and of longer ones less.
const BURST: u64 = 2;
/// At the edge one packet is more than the target, so such windows count that come twice within so long (catalogue DR165).
const TWICE_WITHIN: Span = Span::secs(60);

fn check(call: &Call, ctx: &Ctx<'_>) -> Outcome {
    let mut found = Found::default();
    for flow in flows(call, ctx).filter(|flow| flow.pass.expected() >= FEWEST) {
        let bursts = bursts(&flow);
        match bursts.iter().max_by_key(|window| window.lost) {
            None => found.clean = true,
            Some(_) if flow::is_holed(call, flow.pass.first().source) => found.lacks(HOLED),
            Some(worst) => found.violations.push(violation(&flow, *worst, bursts.len())),
        }
    }
    found.outcome()
}

/// Windows above the target that do not overlap.
fn bursts(flow: &Flow<'_>) -> Vec<Window> {
    let gaps = flow.pass.gaps();
    if gaps.is_empty() {
        return Vec::new();
    }
    let edge = *flow.targets == EDGE;
    let above = |window: &Window| window.exceeds(flow.targets.burst) && (edge || window.lost >= BURST);
    let mut bursts: Vec<Window> = Vec::new();
    for window in windows(gaps, WINDOW, flow.sent_within(WINDOW)).into_iter().filter(above) {
        match bursts.last_mut() {
            Some(last) if window.at - last.at <= WINDOW => *last = if window.lost > last.lost { window } else { *last },
            _ => bursts.push(window),
        }
    }
    if edge {
        let times: Vec<_> = bursts.iter().map(|window| window.at).collect();
        let close = |at: usize, to: usize| times.get(at).zip(times.get(to)).is_some_and(|(a, b)| *b - *a <= TWICE_WITHIN);
        let mut at = 0;
        bursts.retain(|_| {
            at += 1;
            close(at - 1, at) || (at > 1 && close(at - 2, at - 1))
        });
    }
    bursts
}

fn violation(flow: &Flow<'_>, worst: Window, n: usize) -> Violation {
    let (between, targets) = (flow.between(), flow.targets);
    let times = if n == 1 { "once".to_owned() } else { format!("{n} times") };
    let message = format!(
        "RTP from {between} loses packets in bursts {times}, at most {} of {} packets within 200 ms, at {}; the target is below {} % ({})",
        worst.lost,
        worst.sent,
        worst.at.rfc3339(),
        100 / targets.burst,
        targets.name
    );
    let value = format!("above {} target", targets.name);
    Violation { severity: RULE.severity, subject: between, value, message, evidence: flow.proof() }
}
