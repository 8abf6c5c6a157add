//! DR030: SIP between an SBC and Microsoft that is not encrypted.

use crate::call::{Leg, LegMessage};
use crate::decode::MacPair;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::flow::{Origin, Transport};
use crate::proto::sip::lossy;
use crate::rules::{Check, Ctx, Direction, Rule};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR030-signalling-cleartext",
    title: "SIP with Microsoft is not encrypted",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "packets",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR030-signalling-cleartext.md"),
    check: Check::Leg(check),
};

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let mut said = Outcome::NotApplicable;
    for message in leg.messages.iter().filter(|message| !message.retransmission) {
        let Some((sbc, microsoft)) = ends(message, ctx) else { continue };
        match way(message, ctx) {
            Way::Encrypted if said == Outcome::NotApplicable => said = Outcome::Clean,
            Way::Unknown(why) if !matches!(said, Outcome::NotChecked(_)) => said = Outcome::NotChecked(why.to_owned()),
            Way::Clear(transport) => return Outcome::Violated(vec![violation(message, (sbc, microsoft), transport, ctx)]),
            Way::Encrypted | Way::Unknown(_) | Way::Other => {}
        }
    }
    said
}

/// The SBC and Microsoft, where the message goes between the two.
fn ends(message: &LegMessage, ctx: &Ctx<'_>) -> Option<(IpAddr, IpAddr)> {
    let (src, dst, at) = (message.message.src().ip(), message.message.dst().ip(), message.message.at());
    let is_microsoft = |ip: IpAddr| ctx.topology.is_microsoft_signalling(ip, at);
    match (is_microsoft(src), is_microsoft(dst)) {
        (true, false) => Some((dst, src)),
        (false, true) => Some((src, dst)),
        _ => None,
    }
}

/// How a message went.
enum Way {
    Encrypted,
    Clear(&'static str),
    /// In the clear as captured, which does not show how it was sent.
    Unknown(&'static str),
    Other,
}

fn way(message: &LegMessage, ctx: &Ctx<'_>) -> Way {
    let course = message.message.course();
    let transport = match course.transport {
        Transport::Tls | Transport::Wss => return Way::Encrypted,
        Transport::Sctp | Transport::Ws => return Way::Other,
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
    };
    if course.origin != Origin::Clear {
        return Way::Unknown("the text was handed on by software, not captured on its way");
    }
    if is_no_wire(course.macs) {
        return Way::Unknown("the frames have no link addresses of a wire: the text may have been decrypted before it was captured");
    }
    let named = message.sip().via_transport().map(|named| named.to_ascii_uppercase());
    match named.as_deref() {
        Some(b"TLS") => return Way::Unknown("Via says TLS: the text was decrypted before it was captured"),
        Some(b"UDP" | b"TCP") => {}
        _ => return Way::Unknown("Via names no transport"),
    }
    let is_opened = || ctx.connection(message).is_some_and(|connection| connection.opening.is_seen());
    if course.transport == Transport::Tcp && !is_opened() {
        return Way::Unknown(
            "the connection's TCP handshake is not in the capture: the text may have been decrypted before it was captured",
        );
    }
    Way::Clear(transport)
}

/// Link addresses as software makes them up.
fn is_no_wire(macs: MacPair) -> bool {
    macs.src == macs.dst
}

fn violation(message: &LegMessage, (sbc, microsoft): (IpAddr, IpAddr), transport: &str, ctx: &Ctx<'_>) -> Violation {
    let sip = message.sip();
    let line = lossy(sip.start_line()).into_owned();
    let (name, from) = (ctx.name_of(message), message.message.src().ip());
    Violation {
        severity: Severity::Error,
        subject: sbc.to_string(),
        value: transport.to_owned(),
        message: format!("{name} from {from} goes over {transport} without encryption, between {sbc} and Microsoft's {microsoft}"),
        evidence: vec![Evidence::new(&message.message.seen(), line)],
    }
}
