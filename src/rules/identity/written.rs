//! What the SBC itself wrote into a message: its Contact, and the Record-Route values that do not only repeat Microsoft's.

use crate::call::LegMessage;
use crate::finding::Outcome;
use crate::proto::sip::{HeaderName, Method, NameAddr, TypedHost, lossy, typed};
use crate::rules::{Answer, Ctx, Heeds};
use smallvec::SmallVec;
use std::borrow::Cow;

/// Why nothing is said of a message that is not whole.
pub const CUT: &str = "message is cut by the snap length";
/// Why nothing is said of Record-Route in an answer.
pub const NO_REQUEST: &str = "the request of the answer is not in the capture";

/// Messages of the SBC's by which the service may learn who it is: those that [`introduces`] takes are among them.
pub const INTRODUCING: Heeds = Heeds::FROM_SBC
    .requests(&[Method::Options, Method::Invite, Method::Refer, Method::Subscribe])
    .and_answers(&[Method::Invite], &[Answer::Progress, Answer::Ok]);

/// The elements of a list header.
pub type Values<'m> = SmallVec<[Cow<'m, str>; 2]>;

/// The port of SIP over TLS where a URI names none, and of other transports (RFC 3261 section 19.1.2).
const PORTS: [u16; 2] = [5061, 5060];

/// Requests by whose Contact the service looks up the tenant, and the responses that make a dialog with an INVITE of Microsoft's.
pub fn introduces(message: &LegMessage) -> bool {
    let start = message.start;
    match (start.status, start.method) {
        (None, method) if start.is_request => matches!(method, Method::Options | Method::Invite | Method::Refer | Method::Subscribe),
        (Some(180..=299), Method::Invite) => true,
        _ => false,
    }
}

/// A request that only repeats what its INVITE says, which is judged.
pub fn repeats_invite(message: &LegMessage) -> bool {
    message.start.is_request && matches!(message.start.method, Method::Ack | Method::Cancel)
}

/// The elements of a list header; half a value at the end of a cut message is none.
pub fn values(message: &LegMessage, header: HeaderName) -> Values<'_> {
    message.sip().texts(header)
}

/// The value of a header that is no list, unless the message is cut inside it.
pub fn single(message: &LegMessage, header: HeaderName) -> Option<Cow<'_, str>> {
    let sip = message.sip();
    let is_whole = !sip.head_cut() || sip.whole_values(header).len() == sip.values(header).len();
    match sip.first(header).filter(|_| is_whole)? {
        Cow::Borrowed(value) => Some(lossy(value)),
        Cow::Owned(value) => Some(Cow::Owned(lossy(&value).into_owned())),
    }
}

/// What is said where a message does not have what a rule looks at: what is cut off may have been it.
pub fn absent(message: &LegMessage) -> Outcome {
    if message.sip().head_cut() { Outcome::NotChecked(CUT.to_owned()) } else { Outcome::NotApplicable }
}

/// What is said where nothing in a message offends.
pub fn clean(message: &LegMessage) -> Outcome {
    if message.sip().head_cut() { Outcome::NotChecked(CUT.to_owned()) } else { Outcome::Clean }
}

/// Only for an INVITE to Microsoft outside a dialog; what is said of any other message comes back as the failure.
pub fn call_to_microsoft(message: &LegMessage, ctx: &Ctx<'_>) -> Result<(), Outcome> {
    if !ctx.to_microsoft(message) || !ctx.is_initial_invite(message) {
        return Err(Outcome::NotApplicable);
    }
    // Without its To nobody knows whether it is within a dialog.
    single(message, HeaderName::To).map(drop).ok_or_else(|| absent(message))
}

/// Record-Route values of the sender, in order: all of a request's; of a response's those whose host the request did not carry. None where
/// that request was not seen whole.
pub fn routes<'m>(message: &'m LegMessage, ctx: &Ctx<'_>) -> Option<Values<'m>> {
    let mut written = values(message, HeaderName::RecordRoute);
    if message.sip().is_request() || written.is_empty() {
        return Some(written);
    }
    let request = ctx.request(message).filter(|request| !request.sip().head_cut())?;
    let copied = values(request, HeaderName::RecordRoute);
    written.retain(|value| !copied.contains(value));
    if !written.is_empty() {
        let carried: Vec<TypedHost> = copied.iter().map(|value| typed::host(value)).collect();
        written.retain(|value| !carried.contains(&typed::host(value)));
    }
    Some(written)
}

/// Host and port of an address value. The interface is TLS: without port it is 5061, unless another transport is written there.
pub fn host_and_port(value: &str) -> (TypedHost, u16) {
    let uri = NameAddr::parse(value).uri();
    let [secure, plain] = PORTS;
    let is_plain = uri.param("transport").is_some_and(|transport| !transport.eq_ignore_ascii_case("tls"));
    (typed::host(value), uri.port.unwrap_or(if is_plain { plain } else { secure }))
}

/// The host of an address value as a finding prints it; without a host the URI.
pub fn shown(value: &str) -> String {
    match typed::host(value) {
        TypedHost::Name(name) => name,
        TypedHost::Ip(ip) => ip.to_string(),
        TypedHost::None => NameAddr::parse(value).uri.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_not_written_is_that_of_the_transport() {
        let port = |value: &str| host_and_port(value).1;
        assert_eq!(["<sip:h>", "<sip:h;transport=TLS>", "<sip:h;transport=tcp>", "<sip:h:5067;lr>"].map(port), [5061, 5061, 5060, 5067]);
        assert_eq!(host_and_port("\"a\" <sip:u@H.Example.:5061;lr>").0, TypedHost::Name("h.example".to_owned()));
    }
}
