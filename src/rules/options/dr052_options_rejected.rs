//! DR052: OPTIONS of the SBC that Microsoft answers with an error.

use super::times::{proof, unread};
use crate::finding::{Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::trunk::{
    KeepAlive, TrunkHistory,
    probes::{Probe, Refused},
};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR052-options-rejected",
    title: "Microsoft answers OPTIONS with an error",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR052-options-rejected.md"),
    check: Check::Trunk(check),
};

/// A datacentre that is going away says so once.
const FAILOVER: [u16; 2] = [408, 503];

fn check(sbc: IpAddr, history: &TrunkHistory, _: &Ctx<'_>) -> Outcome {
    let alive = &history.alive;
    let is_broken = |status: u16| !FAILOVER.contains(&status) || goes_on(alive);
    let broken: Vec<Violation> =
        alive.refused.iter().filter(|(status, _)| is_broken(**status)).map(|(status, refused)| violation(sbc, *status, refused)).collect();
    let answered = |probe: &Probe| probe.status.is_some();
    match () {
        () if !broken.is_empty() => Outcome::Violated(broken),
        () if alive.probes.values().any(|probes| probes.first.iter().any(answered)) => Outcome::Clean,
        () if !alive.probes.is_empty() => Outcome::NotChecked("no answer to an OPTIONS is in the capture".to_owned()),
        () => unread(alive).map_or(Outcome::NotApplicable, |why| Outcome::NotChecked(why.to_owned())),
    }
}

/// Two OPTIONS for one target in a row were turned away by a datacentre that is going away: it does not only change over.
fn goes_on(alive: &KeepAlive) -> bool {
    let turned_away = |probe: &Probe| probe.status.is_some_and(|status| FAILOVER.contains(&status));
    alive.probes.values().any(|probes| {
        let mut pairs = probes.first.iter().zip(probes.first.iter().skip(1));
        pairs.any(|(one, next)| turned_away(one) && turned_away(next))
    })
}

fn violation(sbc: IpAddr, status: u16, refused: &Refused) -> Violation {
    let line = refused.line.strip_prefix("SIP/2.0 ").unwrap_or(&refused.line);
    let reason = refused.reason.as_ref().map(|reason| format!(", Reason: {reason}")).unwrap_or_default();
    let hint = if status == 403 { "; see DR001, DR002, DR004 and DR032" } else { "" };
    let message = format!("{} answers OPTIONS of {sbc} with {line}{reason}{hint}", refused.by);
    let mut evidence = Vec::with_capacity(2);
    evidence.extend(refused.request.as_ref().map(|(mark, line)| proof(mark, line.as_str())));
    evidence.push(proof(&refused.response, format!("{}{reason}", refused.line)));
    Violation { severity: RULE.severity, subject: sbc.to_string(), value: status.to_string(), message, evidence }
}
