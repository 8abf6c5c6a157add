//! DR150: a message to the trunk over UDP is larger than a packet.

use super::sides::parties;
use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::flow::{Origin, Transport};
use crate::proto::sip::lossy;
use crate::rules::{Check, Ctx, Direction, Rule, along::Found};
use crate::time::Span;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR150-udp-1500",
    title: "SIP message over 1500 bytes on a UDP trunk",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/trunk/DR150-udp-1500.md"),
    check: Check::Leg(check),
};

/// Bytes above which a request goes over TCP where nothing tells how much a packet may hold (RFC 3261 section 18.1.1).
const ADVISED: usize = 1_300;
/// Bytes that Microsoft's messages may exceed, and trunks refuse ("Size of SDP considerations", S2 of the catalogue).
const MOST: usize = 1_500;
/// What a datagram holds of an Ethernet frame: 1500 bytes without 20 of IPv4 and 8 of UDP.
const PACKET: usize = 1_472;
/// Timer F: who has not answered by then does not (RFC 3261 section 17.1.2.2).
const UNANSWERED: Span = Span::secs(32);

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let (Some((_, recognition)), Some(call)) = (ctx.leg, ctx.call) else { return Outcome::NotApplicable };
    if recognition.is_direct_routing() || !leg.messages.iter().any(is_datagram) {
        return Outcome::NotApplicable;
    }
    let sides = leg.ends().and_then(|ends| parties(call, ends, ctx));
    // Where nothing tells which end is the SBC, a response may be the carrier's.
    let is_own = |message: &&LegMessage| sides.map_or(message.start.is_request, |(sbc, _)| sbc == message.message.src().ip());
    let mut found = Found::default();
    let mut worst: Option<(Severity, &LegMessage)> = None;
    for message in leg.messages.iter().filter(|m| !m.retransmission && is_datagram(m)).filter(is_own) {
        match severity(message, leg, ctx) {
            Some(severity) if worst.is_none_or(|(known, other)| (known, size(other)) < (severity, size(message))) => {
                worst = Some((severity, message));
            }
            Some(_) => {}
            None if message.message.cut => found.lacks("message is cut by the snap length"),
            None => found.clean = true,
        }
    }
    found.violations.extend(worst.map(|(severity, message)| violation(severity, message)));
    found.outcome()
}

/// It was seen as a datagram on the wire; what a host sends itself crosses no network.
fn is_datagram(message: &LegMessage) -> bool {
    let course = message.message.course();
    course.transport == Transport::Udp && course.origin == Origin::Clear && course.src.ip() != course.dst.ip()
}

fn size(message: &LegMessage) -> usize {
    message.message.text.bytes().len()
}

fn in_fragments(message: &LegMessage) -> bool {
    message.message.records().len() > 1
}

fn severity(message: &LegMessage, leg: &Leg, ctx: &Ctx<'_>) -> Option<Severity> {
    let (size, fragments) = (size(message), in_fragments(message));
    let inside = |ip: IpAddr| ctx.topology.place_of(ip, message.message.at()).is_inside();
    let (src, dst) = (message.message.src().ip(), message.message.dst().ip());
    // It went in one frame, and no line of others lies on its way.
    let jumbo = size > PACKET && !fragments && inside(src) && inside(dst);
    match size {
        _ if jumbo => None,
        size if size > MOST || fragments => Some(if is_lost(message, leg, ctx) { Severity::Error } else { Severity::Warning }),
        size if size > ADVISED => Some(Severity::Info),
        _ => None,
    }
}

/// Nobody answered the request, though its receiver is heard on the leg.
fn is_lost(message: &LegMessage, leg: &Leg, ctx: &Ctx<'_>) -> bool {
    let unanswered = ctx.transaction(message).is_some_and(|t| message.start.is_request && t.last.is_none() && t.provisional.is_empty());
    let peer = message.message.dst();
    unanswered && ctx.clock - message.message.at() >= UNANSWERED && leg.messages.iter().any(|other| other.message.src() == peer)
}

fn violation(severity: Severity, message: &LegMessage) -> Violation {
    let (src, dst) = (message.message.src().ip(), message.message.dst().ip());
    let limit = if severity == Severity::Info { ADVISED } else { MOST };
    let text = match severity {
        Severity::Info => format!(", and above {ADVISED} bytes TCP is advised"),
        _ if in_fragments(message) => ", in fragments".to_owned(),
        _ => format!(", above the {MOST} bytes of a packet"),
    };
    let lost = if severity == Severity::Error { ", and nobody answers" } else { "" };
    let message_text = format!("{src} sends {dst} a message of {} bytes over UDP{text}{lost}", size(message));
    let evidence = vec![Evidence::new(&message.message.seen(), lossy(message.sip().start_line()).into_owned())];
    Violation { severity, subject: format!("{src} to {dst}"), value: format!("above {limit}"), message: message_text, evidence }
}
