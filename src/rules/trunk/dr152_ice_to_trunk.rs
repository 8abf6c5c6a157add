//! DR152: attributes of ICE and SRTP in descriptions to a trunk whose media is plain RTP.

use super::sides::parties;
use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::{
    sdp::{MediaDescription, Sdp},
    sip::lossy,
};
use crate::rules::{Check, Ctx, Direction, Rule, along::CUT};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR152-ice-to-trunk",
    title: "ICE or SRTP attributes leaked to a plain trunk",
    severity: Severity::Info,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/trunk/DR152-ice-to-trunk.md"),
    check: Check::Leg(check),
};

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let (Some((_, recognition)), Some(call), Some(ends)) = (ctx.leg, ctx.call, leg.ends()) else { return Outcome::NotApplicable };
    if recognition.is_direct_routing() || leg.described.is_empty() {
        return Outcome::NotApplicable;
    }
    // Only beside a leg with Microsoft: what else an SBC carries is no Direct Routing.
    let Some((sbc, peer)) = parties(call, ends, ctx) else { return Outcome::NotApplicable };
    let from = |ip: IpAddr| {
        let described = leg.described.iter().filter_map(|one| Some((leg.message(one.message)?, one.sdp(leg))));
        described.filter(move |(message, _)| message.message.src().ip() == ip)
    };
    let mut own = from(sbc).peekable();
    if own.peek().is_none() {
        return Outcome::NotApplicable;
    }
    let leaks = own.clone().find_map(|(message, sdp)| Some((message, leaked(sdp)?)));
    match leaks {
        None if own.any(|(message, _)| message.message.cut || message.sip().body_cut()) => Outcome::NotChecked(CUT.to_owned()),
        None => Outcome::Clean,
        // The trunk speaks them as well.
        Some(_) if from(peer).any(|(_, sdp)| sdp.media.iter().any(|line| line.secured || !attributes(line).is_empty())) => Outcome::Clean,
        Some((message, leaked)) => Outcome::Violated(vec![violation((sbc, peer), message, &leaked)]),
    }
}

/// The attributes on lines of plain RTP.
fn leaked(sdp: &Sdp) -> Option<String> {
    let plain = sdp.media.iter().filter(|line| line.port != 0 && matches!(line.proto.as_str(), "RTP/AVP" | "RTP/AVPF"));
    let all: Vec<String> = plain.flat_map(attributes).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn attributes(line: &MediaDescription) -> Vec<String> {
    let candidates = (!line.candidates.is_empty()).then(|| format!("{} a=candidate", line.candidates.len()));
    let ice = line.ice_ufrag.as_ref().map(|_| "a=ice-ufrag".to_owned());
    let crypto = (!line.crypto.is_empty()).then(|| "a=crypto".to_owned());
    [candidates, ice, crypto].into_iter().flatten().collect()
}

fn violation((sbc, peer): (IpAddr, IpAddr), message: &LegMessage, leaked: &str) -> Violation {
    let evidence = vec![Evidence::new(&message.message.seen(), lossy(message.sip().start_line()).into_owned())];
    let text = format!("{sbc} sends trunk {peer} plain RTP in its description, with {leaked}");
    Violation { severity: RULE.severity, subject: sbc.to_string(), value: peer.to_string(), message: text, evidence }
}
