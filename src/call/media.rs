//! Offer and answer (RFC 3264): which endpoints a leg announced for its media, and how two announcements make a binding.

use super::{Leg, MessageIdx};
use crate::proto::{
    payload,
    sdp::{self, MediaDescription, Outline, Sdp},
    sip::{Method, Span},
    srtp::{self, Master},
};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::{IpAddr, SocketAddr};

/// So many of the addresses noted last are compared with a new one; a stranger may announce any number.
const FEW_ADDRESSES: usize = 8;
/// Agreements on fax that are told of one leg.
const MOST_FAXES: usize = 8;

/// A session description in a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Described {
    /// The message.
    pub message: MessageIdx,
    /// Where it stands in its text.
    place: Span,
    /// Addresses that its media lines announce; what was announced a moment ago is not there again.
    pub ips: SmallVec<[IpAddr; 1]>,
    /// Its media uses ICE.
    pub ice: bool,
    /// It has a line of audio that is not declined.
    pub audio: bool,
    /// The address of such a line is that of no host.
    pub zero: bool,
    /// It says `sendonly` or `recvonly` somewhere.
    pub one_way: bool,
    /// What it says, once it was asked for.
    #[serde(skip)]
    sdp: OnceCell<Box<Sdp>>,
}

impl Described {
    /// What it says of media; `leg` is its leg.
    pub fn sdp<'l>(&'l self, leg: &'l Leg) -> &'l Sdp {
        self.sdp.get_or_init(|| {
            let text = leg.message(self.message).map_or(&[][..], |m| m.message.text.bytes());
            Box::new(sdp::parse_tolerant(self.place.of(text)).unwrap_or_default())
        })
    }

    /// Its SRTP keys, each with the index of the m-line it stands on.
    pub fn keys(&self, leg: &Leg) -> Vec<(usize, Master)> {
        leg.message(self.message).map_or_else(Vec::new, |m| srtp::keys(self.place.of(m.message.text.bytes())))
    }

    /// Its m-lines.
    pub fn lines<'l>(&'l self, leg: &'l Leg) -> &'l [MediaDescription] {
        &self.sdp(leg).media
    }
}

/// One m-line of an offer and what the answer says to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Binding {
    /// The message with the offer.
    pub offer: MessageIdx,
    /// The message with the answer, if one was seen.
    pub answer: Option<MessageIdx>,
    /// Index of the m-line.
    pub line: usize,
    /// Where the offerer wants to receive.
    pub a: Option<SocketAddr>,
    /// Where the answerer wants to receive.
    pub b: Option<SocketAddr>,
}

/// The session description at `place` in the text of a message, if it is one, and what has to be known of it at once.
pub fn describe(text: &[u8], place: Span, idx: MessageIdx) -> Option<(Described, Outline)> {
    let outline = sdp::outline(place.of(text))?;
    let mut ips: SmallVec<[IpAddr; 1]> = SmallVec::new();
    for (end, _) in &outline.endpoints {
        if !ips.iter().rev().take(FEW_ADDRESSES).any(|known| *known == end.ip()) {
            ips.push(end.ip());
        }
    }
    let Outline { ice_media: ice, audio, zero, one_way, .. } = outline;
    Some((Described { message: idx, place, ips, ice, audio, zero, one_way, sdp: OnceCell::new() }, outline))
}

/// The m-lines of all descriptions of a leg, the latest description first.
pub fn lines_from_last(leg: &Leg) -> impl Iterator<Item = &MediaDescription> + Clone {
    leg.described.iter().rev().flat_map(|d| d.lines(leg))
}

/// Where an m-line wants RTP: its own connection address, else the session's; `None` for port 0, names and held (0.0.0.0) lines.
pub fn endpoint(media: &MediaDescription) -> Option<SocketAddr> {
    let ip = media.connection.filter(|ip| !ip.is_unspecified())?;
    (media.port != 0).then(|| SocketAddr::new(ip, media.port))
}

/// All endpoints that an m-line names for RTP and RTCP, ICE candidates included (RFC 8839).
pub fn endpoints(media: &MediaDescription) -> impl Iterator<Item = SocketAddr> {
    let rtp = endpoint(media);
    let rtcp = media.rtcp.and_then(|(ip, port)| Some(SocketAddr::new(ip.or(rtp.map(|r| r.ip()))?, port)));
    let candidates = media.candidates.iter().filter_map(|candidate| Some(SocketAddr::new(candidate.address?, candidate.port)));
    rtp.into_iter().chain(rtcp).chain(candidates)
}

/// Codec name and clock rate of a payload type, from any description of the leg, the latest first, else from RFC 3551. A name that
/// RFC 3551 has is spelt as there, however the description writes it.
pub fn codec(leg: &Leg, payload_type: u8) -> Option<(Cow<'static, str>, u32)> {
    let mapped = lines_from_last(leg).flat_map(|media| &media.codecs);
    let name = |written: &str| payload::registered_name(written).map_or_else(|| Cow::Owned(written.to_owned()), Cow::Borrowed);
    let named = mapped.clone().find(|rtpmap| rtpmap.payload_type == payload_type).map(|rtpmap| (name(&rtpmap.name), rtpmap.clock_rate));
    named.or_else(|| payload::static_payload(payload_type).map(|(name, rate)| (Cow::Borrowed(name), rate)))
}

/// The m-line that announced `endpoint`, latest first.
pub fn announced(leg: &Leg, endpoint: SocketAddr) -> Option<&MediaDescription> {
    lines_from_last(leg).find(|media| endpoints(media).any(|e| e == endpoint))
}

/// What a leg says of fax (T.38 over UDPTL), the latest last: `T.38 between 10.0.0.1:4000 and 10.0.0.2:6000`, or one end where the
/// other did not take it. Its packets are no RTP.
pub fn fax(leg: &Leg) -> Vec<String> {
    let mut agreed: Vec<String> = Vec::new();
    if !leg.images {
        return agreed;
    }
    for binding in bindings(leg) {
        let line = leg.described.iter().find(|d| d.message == binding.offer).and_then(|d| d.lines(leg).get(binding.line));
        if !line.is_some_and(|line| line.kind.eq_ignore_ascii_case("image") && line.proto.to_ascii_lowercase().contains("udptl")) {
            continue;
        }
        let text = match (binding.a, binding.b) {
            (Some(a), Some(b)) => format!("T.38 between {a} and {b}"),
            (Some(one), None) | (None, Some(one)) => format!("T.38 offered at {one}, accepted by nobody"),
            (None, None) => "T.38 offered and declined".to_owned(),
        };
        if !agreed.contains(&text) && agreed.len() < MOST_FAXES {
            agreed.push(text);
        }
    }
    agreed
}

/// Pairs each offer of the leg with the answers in the same transaction, or with the ACK's when the 2xx made the offer. Early
/// dialogs keep their own: each answer makes bindings of its own.
pub fn bindings(leg: &Leg) -> Vec<Binding> {
    let mut bindings = Vec::new();
    for (at, offer) in leg.described.iter().enumerate() {
        if !is_offer(leg, offer) {
            continue;
        }
        let answers: Vec<&Described> = leg.described.iter().skip(at + 1).filter(|answer| answers(leg, offer, answer)).collect();
        for (line, media) in offer.lines(leg).iter().enumerate() {
            let bind = |answer: Option<&&Described>| Binding {
                offer: offer.message,
                answer: answer.map(|a| a.message),
                line,
                a: endpoint(media),
                b: answer.and_then(|a| a.lines(leg).get(line)).and_then(endpoint),
            };
            match answers.as_slice() {
                [] => bindings.push(bind(None)),
                answers => bindings.extend(answers.iter().map(|answer| bind(Some(answer)))),
            }
        }
    }
    bindings
}

/// A description offers when its message is a request other than ACK, or a response whose request had no description.
fn is_offer(leg: &Leg, described: &Described) -> bool {
    let Some(message) = leg.message(described.message) else { return false };
    match (message.start.is_request, message.start.method) {
        (true, Method::Ack) => false,
        (true, _) => true,
        (false, _) => !leg.described.iter().any(|d| is_request_in(leg, d, message.transaction)),
    }
}

fn is_request_in(leg: &Leg, described: &Described, transaction: u32) -> bool {
    leg.message(described.message).is_some_and(|m| m.transaction == transaction && m.start.is_request)
}

fn answers(leg: &Leg, offer: &Described, answer: &Described) -> bool {
    let (Some(o), Some(a)) = (leg.message(offer.message), leg.message(answer.message)) else { return false };
    let number = |m: &super::LegMessage| m.sip().cseq().map(|(number, _)| number);
    match (o.start.is_request, a.start.is_request) {
        (true, false) => o.transaction == a.transaction,
        (false, true) => a.start.method == Method::Ack && number(o) == number(a),
        _ => false,
    }
}
