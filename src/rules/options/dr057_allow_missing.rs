//! DR057: an SBC that never says which methods it takes.

use super::times::{proof, unread};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::trunk::{TrunkHistory, names::Cited};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR057-allow-missing",
    title: "The SBC sends no Allow",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false, // the check does it: it looks at many messages
    hides: &[],
    page: include_str!("../../../rules/options/DR057-allow-missing.md"),
    check: Check::Trunk(check),
};

fn check(sbc: IpAddr, history: &TrunkHistory, _: &Ctx<'_>) -> Outcome {
    let allowing = &history.alive.allowing;
    let found: Vec<&Cited> = [&allowing.in_calls, &allowing.accepted, &allowing.in_options].into_iter().flatten().collect();
    match () {
        () if allowing.carried => return Outcome::Clean,
        () if allowing.cut => return Outcome::NotChecked("message is cut by the snap length".to_owned()),
        () if found.is_empty() => {
            return unread(&history.alive).map_or(Outcome::NotApplicable, |why| Outcome::NotChecked(why.to_owned()));
        }
        () => {}
    }
    // Of what was accepted nothing was refused for want of it.
    let severity = if allowing.in_calls.is_some() && !allowing.elsewhere { Severity::Warning } else { Severity::Info };
    let (value, what) = match (allowing.in_calls.is_some() || allowing.accepted.is_some(), allowing.elsewhere) {
        (true, true) => ("INVITE", "{sbc} sends Allow in other messages, but not in INVITE, OPTIONS or responses to them"),
        (true, false) => ("INVITE", "{sbc} sends no Allow, neither in INVITE nor in OPTIONS or responses to them"),
        (false, _) => ("OPTIONS", "OPTIONS from {sbc} carry no Allow"),
    };
    let evidence: Vec<Evidence> = found.into_iter().map(|cited| proof(&cited.first, format!("{}, no Allow", cited.line))).collect();
    let message = what.replace("{sbc}", &sbc.to_string());
    Outcome::Violated(vec![Violation { severity, subject: sbc.to_string(), value: value.to_owned(), message, evidence }])
}
