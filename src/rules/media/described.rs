//! The session descriptions that an SBC sends to Microsoft: their active audio, and which offer one answers.

use crate::call::LegMessage;
use crate::finding::Outcome;
use crate::proto::{
    sdp::{MediaDescription, Sdp},
    sip::Method,
};
use crate::rules::{Answer, Ctx, Heeds};

/// Messages of the SBC that may describe media. PRACK is left out: whether it offers or answers hangs on what it acknowledges.
pub(super) const DESCRIBING: Heeds = Heeds::FROM_SBC
    .requests(&[Method::Invite, Method::Update, Method::Ack])
    .and_answers(&[Method::Invite, Method::Update], &[Answer::Progress, Answer::Ok]);

/// Why nothing is said of a message that is not whole.
const CUT: &str = "message is cut by the snap length";

/// The session description of a message to Microsoft; without one, what the rule says instead.
pub(super) fn described<'l>(message: &LegMessage, ctx: &Ctx<'l>) -> Result<&'l Sdp, Outcome> {
    if !DESCRIBING.takes(ctx.towards(message), message.start) {
        return Err(Outcome::NotApplicable);
    }
    let sdp = ctx.sdp(message);
    if is_cut(message) {
        // A line that is not there may stand where the capture has nothing.
        return Err(Outcome::NotChecked(CUT.to_owned()));
    }
    sdp.ok_or(Outcome::NotApplicable)
}

/// Some of the message is not there.
pub(super) fn is_cut(message: &LegMessage) -> bool {
    message.message.cut || message.sip().head_cut() || message.sip().body_cut()
}

/// It is a line of audio that is not declined.
pub(super) fn is_active_audio(line: &MediaDescription) -> bool {
    line.port != 0 && line.kind.eq_ignore_ascii_case("audio")
}

/// The audio that is not declined.
pub(super) fn active_audio(sdp: &Sdp) -> impl Iterator<Item = &MediaDescription> + Clone {
    sdp.media.iter().filter(|line| is_active_audio(line))
}

/// An `m=` line as it was written, as evidence quotes it.
pub(super) fn m_line(line: &MediaDescription) -> String {
    format!("m={} {} {} {}", line.kind, line.port, line.proto, line.formats.join(" "))
}

/// What a description is to the other side's (RFC 3264).
pub(super) enum Role<'l> {
    /// It offers.
    Offer,
    /// It answers this offer.
    Answer(&'l Sdp),
    /// The capture does not tell, and this is missing.
    Unknown(&'static str),
}

/// What the description of a message is: a request offers, a response answers its request's; where that has none, the 2xx offers and
/// the ACK answers.
pub(super) fn role<'l>(message: &LegMessage, ctx: &Ctx<'l>) -> Role<'l> {
    let offered = |offer: Option<&'l LegMessage>| match offer {
        None => Role::Unknown("Microsoft's offer is not in the capture"),
        Some(offer) if is_cut(offer) => Role::Unknown("Microsoft's offer is cut by the snap length"),
        Some(offer) => ctx.sdp(offer).map_or(Role::Offer, Role::Answer),
    };
    match (message.start.is_request, message.start.method) {
        (true, Method::Ack) => match offered(accepted(message, ctx)) {
            Role::Offer => Role::Unknown("Microsoft's offer is not in the capture"), // an ACK never offers
            role => role,
        },
        (true, _) => Role::Offer,
        (false, _) => offered(ctx.request(message)),
    }
}

/// The 2xx that an ACK acknowledges (RFC 3261 section 13.2.2.4).
fn accepted<'l>(ack: &LegMessage, ctx: &Ctx<'l>) -> Option<&'l LegMessage> {
    let (leg, _) = ctx.leg?;
    let number = leg.transaction_of(ack)?.number;
    let is_ok = |m: &&LegMessage| m.start.method == Method::Invite && m.start.status.is_some_and(|status| (200..300).contains(&status));
    let is_its = |m: &&LegMessage| ctx.from_microsoft(m) && leg.transaction_of(m).is_some_and(|its| its.number == number);
    leg.messages.iter().filter(|m| !m.retransmission).find(|m| is_ok(m) && is_its(m))
}
