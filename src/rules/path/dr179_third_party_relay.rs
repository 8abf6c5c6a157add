//! DR179: media of a Teams call that a relay passes on which is neither Microsoft's nor your own edge.

use crate::call::Call;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::flow::{Relay, Seen};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::{Place, PrefixRole};
use std::net::{IpAddr, SocketAddr};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR179-third-party-relay",
    title: "A relay that is not Microsoft's",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "TURN and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/path/DR179-third-party-relay.md"),
    check: Check::Call(check),
};

/// Something that was relayed.
struct Relayed<'c> {
    relay: &'c Relay,
    /// The two ends of the flow that carried it.
    ends: (SocketAddr, SocketAddr),
    what: &'static str,
    first: Seen,
}

fn check(call: &Call, ctx: &Ctx<'_>) -> Outcome {
    let direct = ctx.recognitions.iter().any(|recognition| recognition.is_direct_routing());
    let relayed: Vec<Relayed<'_>> = relayed(call).into_iter().filter(|relayed| direct || is_of_teams(relayed.relay, call, ctx)).collect();
    if relayed.is_empty() {
        let seen = direct && !(call.streams.is_empty() && call.checks.is_empty());
        return if seen { Outcome::Clean } else { Outcome::NotApplicable };
    }
    let mut foreign: Vec<(IpAddr, &Relayed<'_>)> = Vec::new();
    for relayed in &relayed {
        let Some(server) = relayed.relay.server.map(|server| server.ip()) else { continue };
        if is_foreign(server, call, ctx) && !foreign.iter().any(|(known, _)| *known == server) {
            foreign.push((server, relayed));
        }
    }
    match foreign.first() {
        None if relayed.iter().all(|relayed| relayed.relay.server.is_none()) => {
            Outcome::NotChecked("which end is the relay: nothing of its set-up was seen".to_owned())
        }
        None => Outcome::Clean,
        Some((server, _)) if ctx.topology.file.is_none() => {
            Outcome::NotChecked(format!("no topology says whether the relay {server} is an edge of yours"))
        }
        Some(_) => Outcome::Violated(foreign.into_iter().map(|(server, relayed)| violation(server, relayed)).collect()),
    }
}

fn relayed(call: &Call) -> Vec<Relayed<'_>> {
    let streams = call.streams.iter().filter_map(|bound| {
        let stream = &bound.stream;
        Some(Relayed { relay: stream.relay.as_deref()?, ends: stream.flow.endpoints(), what: "media", first: *stream.first()? })
    });
    let checks = call.checks.iter().filter_map(|check| {
        Some(Relayed { relay: check.relay.as_ref()?, ends: check.flow.endpoints(), what: "a connectivity check", first: check.first })
    });
    let mut relayed: Vec<Relayed<'_>> = streams.chain(checks).collect();
    relayed.sort_by_key(|relayed| relayed.first.seq);
    relayed
}

/// Of media that nobody signalled, only who is behind the relay tells: other applications relay too.
fn is_of_teams(relay: &Relay, call: &Call, ctx: &Ctx<'_>) -> bool {
    let is = |end: SocketAddr| ctx.topology.place_of(end.ip(), call.first.at) == Place::Microsoft || ctx.topology.sbc(end.ip()).is_some();
    call.legs.is_empty() && relay.peer.is_some_and(is)
}

fn is_foreign(server: IpAddr, call: &Call, ctx: &Ctx<'_>) -> bool {
    ctx.topology.place_of(server, call.first.at) != Place::Microsoft && ctx.topology.role(server) != Some(PrefixRole::Edge)
}

fn violation(server: IpAddr, relayed: &Relayed<'_>) -> Violation {
    let (a, b) = relayed.ends;
    let client = if a.ip() == server { b } else { a };
    let behind = relayed.relay.peer.map(|peer| format!(" to {}", peer.ip())).unwrap_or_default();
    let what = relayed.what;
    let message = format!("{what} of {}{behind} is relayed by {server}, which is neither Microsoft's nor an edge of yours", client.ip());
    let channel = relayed.relay.channel.map(|channel| format!(", channel {channel:#06x}")).unwrap_or_default();
    let evidence = vec![Evidence::new(&relayed.first, format!("{what} inside TURN with {server}{channel}"))];
    Violation { severity: Severity::Warning, subject: server.to_string(), value: "relay".to_owned(), message, evidence }
}
