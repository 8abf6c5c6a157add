//! DR062: Microsoft's first address is not reached, and the SBC does not try another one.

use super::placed::{BEYOND, TIMER_B, UNREAD, has_names, is_hidden, outcome, without_calls};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::{Span, Timestamp};
use crate::trunk::{Fate, Link, Placed, PlacedCalls, TrunkHistory};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR062-no-failover",
    title: "Microsoft is not reached, and the SBC tries no other address",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "packets",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR062-no-failover.md"),
    check: Check::Trunk(check),
};

/// An INVITE is given up after Timer B, and another address is to be tried within as long again.
const GIVEN_UP: Span = Span(2 * TIMER_B.0);
/// Connections that failed are looked at; the rest is more of the same.
const MOST_FAILED: usize = 256;

fn check(sbc: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    let placed = &history.placed;
    let (mut violations, mut lack, mut judged) = (Vec::new(), None, false);
    let mut file = |found: Result<Option<Violation>, &str>| match found {
        Ok(violation) => {
            judged = true;
            violations.extend(violation);
        }
        Err(why) => lack = lack.take().or(Some(why.to_owned())),
    };
    let timed_out = |call: &&Placed| !call.responded && call.cancelled.is_none() && has_names(ctx, call.to.ip(), call.seen.at);
    placed.calls.iter().filter(timed_out).take(MOST_FAILED).for_each(|call| file(unanswered(sbc, call, placed, ctx)));
    let failed = |link: &&Link| link.failed() && has_names(ctx, link.to.ip(), link.first.at);
    placed.reach.links().filter(failed).take(MOST_FAILED).for_each(|link| file(unreached(sbc, link, placed, ctx)));
    match (judged, &lack) {
        (false, None) if placed.calls.iter().any(|call| call.responded) => Outcome::Clean,
        (false, None) => without_calls(placed),
        _ => outcome(violations, lack),
    }
}

/// What followed on an INVITE that got no response.
fn unanswered(sbc: IpAddr, call: &Placed, placed: &PlacedCalls, ctx: &Ctx<'_>) -> Result<Option<Violation>, &'static str> {
    let (at, until, microsoft) = (call.seen.at, call.seen.at + GIVEN_UP, call.to.ip());
    if goes_on(placed, at, until, microsoft) || call.elsewhere.is_some() || call.is_given_up() {
        return Ok(None);
    }
    if placed.elsewhere.values().any(|other| other.called == call.called && (at..=until).contains(&other.seen.at)) {
        return Ok(None);
    }
    if !call.heard {
        return Err("what Microsoft sends on the connection of the INVITE is not in the capture, or not all of it");
    }
    if ctx.clock - at <= GIVEN_UP {
        return Err("the capture ends before the SBC had time to give the INVITE up and try another address");
    }
    if placed.is_beyond(at, until) {
        return Err(BEYOND);
    }
    if is_hidden(placed, at, until, microsoft) {
        return Err(UNREAD);
    }
    let message = format!("an INVITE of {sbc} to Microsoft's {microsoft} gets no response, and the SBC tries no other address");
    Ok(Some(violation(sbc, microsoft, message, vec![Evidence::new(&call.seen, call.line.clone())])))
}

/// What followed on a connection that did not come about.
fn unreached(sbc: IpAddr, link: &Link, placed: &PlacedCalls, ctx: &Ctx<'_>) -> Result<Option<Violation>, &'static str> {
    let (at, until, microsoft) = (link.first.at, link.first.at + TIMER_B, link.to.ip());
    let reached = placed.reach.links().any(|other| other.to.ip() == microsoft && other.is_alive(at, until));
    let has_other = placed.reach.links().any(|other| other.to.ip() != microsoft && other.is_alive(at, until));
    if reached || has_other || goes_on(placed, at, until, microsoft) {
        return Ok(None);
    }
    if ctx.clock - at <= TIMER_B {
        return Err("the capture ends before the SBC had time to try another address");
    }
    if placed.reach.let_go > 0 {
        return Err("more connections than are remembered");
    }
    let Some(waits) = placed.waiting.values().find(|waits| waits.seen.at <= until && waits.until >= at) else {
        return Err("no call is seen to wait at the SBC while Microsoft is not reached");
    };
    if placed.elsewhere.values().any(|other| other.called == waits.called && (waits.seen.at..=until).contains(&other.seen.at)) {
        return Ok(None);
    }
    let how = match link.tried {
        Some(Fate::Unanswered(syns)) => format!("{syns} SYNs get no answer"),
        Some(Fate::Reset(_)) => "the SYN is answered by a reset".to_owned(),
        _ => "the TLS handshake fails".to_owned(),
    };
    let message = format!("{sbc} does not reach Microsoft's {microsoft}: {how}; a call waits, and the SBC tries no other address");
    let evidence = vec![Evidence::new(&link.first, format!("SYN to {}", link.to)), Evidence::new(&waits.seen, waits.line.clone())];
    Ok(Some(violation(sbc, microsoft, message, evidence)))
}

/// An INVITE or a SYN goes to another address of Microsoft's in this time.
fn goes_on(placed: &PlacedCalls, from: Timestamp, until: Timestamp, not: IpAddr) -> bool {
    let within = |at: Timestamp| (from..=until).contains(&at);
    let tried = |link: &Link| link.tried.is_some() && link.to.ip() != not && within(link.first.at);
    placed.calls.iter().any(|call| call.to.ip() != not && within(call.seen.at)) || placed.reach.links().any(tried)
}

fn violation(sbc: IpAddr, microsoft: IpAddr, message: String, evidence: Vec<Evidence>) -> Violation {
    Violation { severity: RULE.severity, subject: sbc.to_string(), value: microsoft.to_string(), message, evidence }
}
