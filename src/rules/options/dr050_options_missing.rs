//! DR050: an SBC that sends no OPTIONS for five minutes.

use super::times::{self, DEMOTED, Times, UNHEARD, proof, seconds};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Timestamp;
use crate::trunk::{KeepAlive, TrunkHistory};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR050-options-missing",
    title: "The SBC sends no OPTIONS",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text, else TLS records",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &["DR051"],
    page: include_str!("../../../rules/options/DR050-options-missing.md"),
    check: Check::Trunk(check),
};

/// A silence.
struct Silence {
    severity: Severity,
    from: Timestamp,
    until: Timestamp,
    /// SIP was read then.
    read: bool,
    /// A call was answered then.
    calls: bool,
}

fn check(sbc: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    let alive = &history.alive;
    let not_checked = |why: &str| Outcome::NotChecked(why.to_owned());
    if ctx.topology.sbc(sbc).is_some_and(|known| known.send_sip_options == Some(false)) {
        return Outcome::NotApplicable;
    }
    let heard = Times::of(alive.heard.iter());
    if heard.longest() < DEMOTED {
        return match () {
            () if !alive.heard.is_empty() => not_checked("the SBC's connections with Microsoft are seen for less than 300 s on end"),
            () if !alive.holed.is_empty() => not_checked(times::HOLED),
            () if alive.unheard => not_checked(UNHEARD),
            () if !alive.probes.is_empty() || !alive.calls.is_empty() => {
                not_checked("no connection of the SBC with Microsoft is seen, only messages that somebody handed on")
            }
            () => Outcome::NotApplicable,
        };
    }
    let light = heard.without(&times::dark(alive));
    let silences = light.without(&times::probed(alive));
    let silences = silences.iter().filter(|(from, until)| *until - *from >= DEMOTED).map(|(from, until)| silence(alive, from, until));
    match silences.max_by_key(|silence| (silence.severity, silence.until - silence.from)) {
        Some(silence) => Outcome::Violated(vec![violation(sbc, alive, &silence)]),
        None if light.longest() >= DEMOTED => Outcome::Clean,
        None => not_checked(times::lack(alive)),
    }
}

fn silence(alive: &KeepAlive, from: Timestamp, until: Timestamp) -> Silence {
    let read = Times::of(alive.read.iter()).touch(from, until);
    let calls = Times::of(alive.calls.iter()).iter().any(|(first, last)| first <= until && from <= last);
    let severity = if read && !calls { Severity::Error } else { Severity::Warning };
    Silence { severity, from, until, read, calls }
}

fn violation(sbc: IpAddr, alive: &KeepAlive, silence: &Silence) -> Violation {
    let lasts = seconds(silence.until - silence.from);
    let message = match (silence.read, silence.calls) {
        (true, false) => format!("{sbc} sends no OPTIONS to Microsoft for {lasts} s"),
        (true, true) => format!("{sbc} sends no OPTIONS to Microsoft for {lasts} s, though calls succeed"),
        (false, _) => format!("{sbc} sends Microsoft nothing over TLS for {lasts} s, and so no OPTIONS"),
    };
    Violation {
        severity: silence.severity,
        subject: sbc.to_string(),
        value: "no OPTIONS".to_owned(),
        message,
        evidence: evidence(alive, silence),
    }
}

/// What stands before the silence, within it, and behind it.
fn evidence(alive: &KeepAlive, silence: &Silence) -> Vec<Evidence> {
    let runs = || alive.probes.values().flat_map(|probes| probes.runs.iter());
    let before = runs().filter(|run| run.last.at == silence.from).map(|run| run.last).min();
    let after = runs().filter(|run| run.first.at == silence.until).map(|run| run.first).min();
    let watched = || alive.heard.iter().find(|stretch| stretch.first.at <= silence.from && silence.until <= stretch.last.at);
    let call = alive.calls.iter().map(|stretch| stretch.last).find(|last| silence.from <= last.at && last.at <= silence.until);
    let began = match before {
        Some(last) => Some(proof(&last, "OPTIONS, the last one for long")),
        None => watched().map(|stretch| proof(&stretch.first, "connection with Microsoft, no OPTIONS on it")),
    };
    let call = call.map(|call| proof(&call, "a call is answered"));
    began.into_iter().chain(call).chain(after.map(|next| proof(&next, "OPTIONS, the next one"))).collect()
}
