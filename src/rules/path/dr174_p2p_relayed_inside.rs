//! DR174: two clients inside, whose media goes out to a relay of Microsoft's and comes in again.

use super::crossing::NO_TOPOLOGY;
use crate::call::{BoundStream, Call};
use crate::decode::Dir;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::flow::StunExchange;
use crate::path::scenario::{Judgement, PeerToPeer, p3_direct_where_possible};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::{Span, Timestamp};
use crate::topology::Place;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR174-p2p-relayed-inside",
    title: "Two clients inside, relayed by the cloud",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "RTP, STUN and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/path/DR174-p2p-relayed-inside.md"),
    check: Check::Call(check),
};

/// Longer media is no attempt any more (principle 3).
const LASTING: Span = Span::secs(5);

/// One stream on both sides of a relay: packet for packet the same, so nothing was mixed.
struct Relayed<'c> {
    near: &'c BoundStream,
    far: &'c BoundStream,
    from: IpAddr,
    to: IpAddr,
    relay: IpAddr,
}

fn check(call: &Call, ctx: &Ctx<'_>) -> Outcome {
    // Calls of clients with each other are signalled over HTTPS.
    let relayed: Vec<Relayed<'_>> = if call.legs.is_empty() { relayed(call, ctx) } else { Vec::new() };
    let Some(longest) = relayed.iter().max_by_key(|relayed| lasted(relayed.far)) else { return Outcome::NotApplicable };
    if ctx.topology.file.is_none() {
        return Outcome::NotChecked(NO_TOPOLOGY.to_owned());
    }
    let seen = direct(call, longest);
    let peers =
        PeerToPeer { direct_ok: seen.ok, nominated: seen.nominated, relays: Some(1), lasted: lasted(longest.far), needs_processor: None };
    let site = |ip: IpAddr| ctx.topology.site(ip).map(|site| site.id.as_str());
    match (p3_direct_where_possible(peers), site(longest.from)) {
        (Judgement::Fail(why), _) => Outcome::Violated(vec![violation(longest, &why)]),
        (Judgement::Pass | Judgement::Advice(_), _) => Outcome::Clean,
        // Within a site there is no firewall that would have to let them through.
        (Judgement::Unknown(_), Some(one)) if seen.ok.is_none() && lasted(longest.far) > LASTING && site(longest.to) == Some(one) => {
            Outcome::Violated(vec![violation(longest, &format!("both are at site {one}"))])
        }
        (Judgement::Unknown(what), _) => Outcome::NotChecked(format!("not known: {what}")),
    }
}

fn relayed<'c>(call: &'c Call, ctx: &Ctx<'_>) -> Vec<Relayed<'c>> {
    let place = |ip: IpAddr, at: Timestamp| ctx.topology.place_of(ip, at);
    // Through a VPN the way between two clients is another one, and an SBC is no client.
    let is_client = |ip: IpAddr, at: Timestamp| {
        let place = place(ip, at);
        place.is_inside() && place != Place::VpnPool && ctx.topology.sbc(ip).is_none()
    };
    let pair = |far: &'c BoundStream| {
        let near = call.streams.iter().find(|near| Some(&near.id) == far.continues.as_ref())?;
        let (from, relay) = near.stream.flow.from_to(near.stream.dir);
        let (back, to) = far.stream.flow.from_to(far.stream.dir);
        let at = call.first.at;
        let turns = [relay, back].iter().all(|end| place(end.ip(), at) == Place::Microsoft) && from.ip() != to.ip();
        let inside = is_client(from.ip(), at) && is_client(to.ip(), at);
        (turns && inside).then(|| Relayed { near, far, from: from.ip(), to: to.ip(), relay: relay.ip() })
    };
    call.streams.iter().filter_map(pair).collect()
}

fn lasted(bound: &BoundStream) -> Span {
    match (bound.stream.first(), bound.stream.last()) {
        (Some(first), Some(last)) => last.at - first.at,
        _ => Span(0),
    }
}

/// What checks say of the direct way.
struct Direct {
    /// It was found open, both ways; nothing where nobody tried.
    ok: Option<bool>,
    /// It was chosen, and no other after it.
    nominated: Option<bool>,
}

fn direct(call: &Call, relayed: &Relayed<'_>) -> Direct {
    let is_direct = |check: &&StunExchange| {
        let (a, b) = check.flow.endpoints();
        check.relay.is_none() && [[relayed.from, relayed.to], [relayed.to, relayed.from]].contains(&[a.ip(), b.ip()])
    };
    let own: Vec<&StunExchange> = call.checks.iter().filter(is_direct).collect();
    let answered = |dir: Dir| own.iter().any(|check| check.dir == dir && check.successes > 0);
    let chosen = own.iter().filter(|check| check.nominations > 0).map(|check| check.until).max();
    let others = call.checks.iter().filter(|check| !is_direct(check) && check.nominations > 0);
    let later = others.map(|check| check.until).max();
    Direct {
        ok: (!own.is_empty()).then(|| answered(Dir::Up) && answered(Dir::Down)),
        nominated: (!own.is_empty()).then(|| chosen.is_some() && later <= chosen),
    }
}

fn violation(relayed: &Relayed<'_>, why: &str) -> Violation {
    let (a, b) = (relayed.from.min(relayed.to), relayed.from.max(relayed.to));
    let message =
        format!("media of {a} and {b}, both in your network, goes out to Microsoft's {} and comes in again: {why}", relayed.relay);
    let sides = [(relayed.near, "goes out"), (relayed.far, "comes in again")];
    let evidence = sides.iter().filter_map(|(bound, what)| {
        let stream = &bound.stream;
        stream.first().map(|seen| Evidence::new(seen, format!("SSRC 0x{:08x} {what}, {} packets", stream.ssrc.0, stream.packets())))
    });
    let evidence = evidence.collect();
    Violation { severity: Severity::Warning, subject: format!("{a} and {b}"), value: "relayed".to_owned(), message, evidence }
}
