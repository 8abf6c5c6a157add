//! DR173: a call goes another way than the row of Microsoft's call flows that it is of.

use super::crossing::proof;
use crate::call::Call;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::path::{
    Hop,
    scenario::{self, Compared, Comparison, Scenario, Verdict},
};
use crate::rules::{Check, Ctx, Direction, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR173-path-mismatch",
    title: "Another path than the reference pattern",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/path/DR173-path-mismatch.md"),
    check: Check::Call(check),
};

fn check(call: &Call, ctx: &Ctx<'_>) -> Outcome {
    // A flow whose directions are on two segments is DR170's, and of no row.
    let Some(scenario) = ctx.scenario else { return Outcome::NotApplicable };
    if ctx.topology.file.is_none() {
        return Outcome::NotChecked("no topology places the SBC and names the links".to_owned());
    }
    let hops: Vec<Hop> = ctx.hops.iter().filter(|hop| !is_torn(hop)).cloned().collect();
    let untorn = (hops.len() < ctx.hops.len()).then(|| scenario::of_call(call, ctx.recognitions, &hops, ctx.topology, ctx.profile));
    let scenario = match &untorn {
        Some(Some(scenario)) => scenario,
        Some(None) => return Outcome::NotApplicable,
        None => scenario,
    };
    match (scenario.verdict(), scenario.best()) {
        (Verdict::Mismatch, Some(best)) => Outcome::Violated(vec![violation(call, scenario, best, &hops, ctx)]),
        (Verdict::Unseen, _) | (_, None) if hops.len() < ctx.hops.len() => {
            Outcome::NotChecked("the two directions of its legs are on two segments, which is DR170's to tell".to_owned())
        }
        (Verdict::Unseen, _) | (_, None) => Outcome::NotChecked("no leg of the call was seen on a segment that can be named".to_owned()),
        _ => Outcome::Clean,
    }
}

/// One direction is on one edge segment, the other on the other.
fn is_torn(hop: &Hop) -> bool {
    let [there, back] = &hop.way;
    let edges = there.segment.is_edge() && back.segment.is_edge() && there.segment != back.segment;
    edges && there.packets > 0 && back.packets > 0
}

fn violation(call: &Call, scenario: &Scenario, best: &Comparison, hops: &[Hop], ctx: &Ctx<'_>) -> Violation {
    let differing: Vec<&Compared> = best.legs.iter().filter(|leg| leg.counts && leg.verdict == Verdict::Mismatch).collect();
    let said: Vec<&str> = differing.iter().map(|leg| leg.text.as_str()).collect();
    let row = best.row;
    let conditions =
        if row.conditions.is_empty() { String::new() } else { format!("; {} holds where {}", row.id, row.conditions.join("; ")) };
    let message = format!("the call differs from the reference pattern {} ({}): {}{conditions}", row.id, row.title, said.join("; "));
    let named = |hop: &&Hop| {
        let names = scenario.named.iter().filter(|(_, id)| *id == hop.id).map(|(name, _)| *name);
        let mut names = names.filter(|name| differing.iter().any(|leg| leg.leg == *name && leg.kind == hop.kind));
        names.next().is_some()
    };
    let mut evidence: Vec<Evidence> = hops.iter().filter(named).flat_map(proof).collect();
    evidence.sort_by_key(|evidence| evidence.seq);
    Violation { severity: Severity::Warning, subject: sbc(call, ctx), value: said.join("; "), message, evidence }
}

/// The SBC of the first leg with Microsoft.
fn sbc(call: &Call, ctx: &Ctx<'_>) -> String {
    let direct = call.legs.iter().zip(ctx.recognitions).find(|(_, recognition)| recognition.is_direct_routing());
    let own = direct.and_then(|(leg, recognition)| {
        let (a, b) = leg.ends()?;
        Some(if recognition.is_microsoft(a, b) { b.ip() } else { a.ip() })
    });
    // Of media without signalling, who sent first.
    own.or_else(|| ctx.hops.first().map(|hop| hop.a.ip)).map(|ip| ip.to_string()).unwrap_or_default()
}
