//! What is noted of a message while its bytes are at hand: what the call stage asks of every one. All else is read when it is asked for.

use crate::hash;
use crate::proto::sip::{HeaderName, Method, Sip, Span};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// How the service introduces itself in Server and User-Agent.
const SERVICE_AGENT: &[u8] = b"Microsoft.PSTNHub.SIPProxy";

/// Bytes of a Call-ID that need no allocation.
const USUAL: usize = 64;

/// What tells a message: its start line, method of the CSeq included, and whether it is in a dialog. It is asked for most, and so read
/// once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// A request.
    pub is_request: bool,
    /// Its method; of a response that of its CSeq.
    pub method: Method,
    /// Status of a response, where it is three digits.
    pub status: Option<u16>,
    /// It has a To tag.
    pub has_to_tag: bool,
}

/// What is noted. Places are in its text; those of what is not there are empty.
#[derive(Debug, Clone)]
pub struct Noted {
    /// Its start line.
    pub start: Start,
    /// The method of a request as it is written.
    pub method: Span,
    /// Number of the CSeq.
    pub number: Option<u32>,
    /// The Call-ID.
    pub call_id: Option<Span>,
    /// The same as text, empty where there is none: its leg is looked up without a look at the message, which may have to come from its file.
    pub call_key: SmallVec<[u8; USUAL]>,
    /// Hash of the branch of the top Via; `None` where there is none.
    pub branch: Option<u64>,
    /// Tag of the To.
    pub to_tag: Span,
    /// The first From.
    pub from: Option<Span>,
    /// The first To.
    pub to: Option<Span>,
    /// The first Via.
    pub via: Span,
    /// The session description.
    pub sdp: Option<Span>,
    /// The name that the service gives itself: Server, else User-Agent.
    pub agent: Option<Span>,
    /// Hash of the Call-ID.
    pub call_hash: u64,
    /// Hash of what makes two messages the same wherever they are seen. A proxy that forwards a message changes its top Via branch,
    /// so each hop's message stays its own. Provisional responses that are acknowledged are numbered (RFC 3262 section 3): a second 180
    /// with the next RSeq is a message of its own.
    pub fingerprint: u64,
}

impl Noted {
    /// Of a message.
    pub fn of(sip: &Sip<'_>) -> Self {
        let place = |part: &[u8]| if part.is_empty() { Span::default() } else { Span::within(sip.text, part) };
        let (call_id, branch, to_tag) = (sip.call_id(), sip.branch().unwrap_or_default(), sip.to_tag().unwrap_or_default());
        let (is_request, status, cseq) = (sip.is_request(), sip.status(), sip.cseq());
        let method = cseq.filter(|_| !is_request).map_or_else(|| sip.method(), |(_, method)| Method::of(method));
        let (number, cseq_method) = cseq.unwrap_or_default();
        let rseq = sip.first(HeaderName::RSeq).unwrap_or_default();
        let print = [sip.start_line(), &number.to_be_bytes(), cseq_method, branch, to_tag, &rseq];
        Self {
            start: Start { is_request, method, status, has_to_tag: !to_tag.is_empty() },
            method: if is_request { place(sip.method_text()) } else { Span::default() },
            number: cseq.map(|(number, _)| number),
            call_id: call_id.map(place),
            call_key: SmallVec::from_slice(call_id.unwrap_or_default()),
            branch: (!branch.is_empty()).then(|| hash::quick(&[branch])),
            to_tag: place(to_tag),
            from: sip.place(HeaderName::From),
            to: sip.place(HeaderName::To),
            via: sip.place(HeaderName::Via).unwrap_or_default(),
            sdp: sip.sdp_place(),
            agent: agent(sip),
            call_hash: hash_of_call_id(call_id.unwrap_or_default()),
            fingerprint: hash::quick(&print),
        }
    }

    /// It is a request outside a dialog with this method.
    pub fn begins(&self, method: Method) -> bool {
        self.start.is_request && self.start.method == method && !self.start.has_to_tag
    }
}

/// What [`Noted::call_hash`] is of a message with this Call-ID.
pub fn hash_of_call_id(call_id: &[u8]) -> u64 {
    hash::quick(&[call_id])
}

/// Where the service calls itself by its name.
fn agent(sip: &Sip<'_>) -> Option<Span> {
    let name = if sip.has(HeaderName::Server) { HeaderName::Server } else { HeaderName::UserAgent };
    sip.place(name).filter(|place| place.of(sip.text).starts_with(SERVICE_AGENT))
}
