//! What an INVITE that begins a leg shows of the call that the leg is a part of: who sends it to whom, and what another leg of the same
//! call has as well.

use super::LegId;
use super::transfer::{self, Marks, Target};
use crate::flow::Message;
use crate::hash;
use crate::proto::sip::{HeaderName, Method, NameAddr, Sip, Uri};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::net::SocketAddr;

/// Digits of a number that are compared, from its end: what stands before is the part that an SBC rewrites.
const DIGITS: usize = 8;
/// A session id of SDP with fewer digits says nothing: many clients write 0 or 1.
const FEWEST_DIGITS: usize = 5;
/// Longer users and identifiers are cut before they are compared; no device writes them.
const LONGEST: usize = 256;

/// What two legs of one call have in common, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Agreement {
    /// Session-ID (RFC 7989).
    SessionId,
    /// The ICID of P-Charging-Vector (RFC 7315 section 4.6).
    ChargingId,
    /// User and session id of the SDP's `o=` line (RFC 8866 section 5.2).
    Origin,
    /// Calling and called number, or their last eight digits.
    Numbers,
    /// Calling number, and a number that History-Info or Diversion names with one that was called.
    Forwarded,
}

impl Agreement {
    /// All of them, strongest first.
    pub const ALL: [Agreement; 5] =
        [Agreement::SessionId, Agreement::ChargingId, Agreement::Origin, Agreement::Numbers, Agreement::Forwarded];

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Agreement::SessionId => "the same Session-ID",
            Agreement::ChargingId => "the same charging identifier",
            Agreement::Origin => "the same session in SDP (o=)",
            Agreement::Numbers => "the same calling and called numbers",
            Agreement::Forwarded => "the same calling number, forwarded from the number that was called",
        }
    }

    /// How sure a join by it alone is.
    pub fn confidence(self) -> &'static str {
        match self {
            Agreement::SessionId | Agreement::ChargingId => "certain",
            Agreement::Origin => "very likely",
            Agreement::Numbers | Agreement::Forwarded => "likely",
        }
    }
}

/// An agreement and a hash of what agrees.
pub type Key = (Agreement, u64);

/// An INVITE that begins a leg.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invite {
    /// The leg.
    pub leg: LegId,
    /// Clock when it was seen first.
    pub clock: Timestamp,
    /// When it was seen first.
    pub at: Timestamp,
    /// Who sends it.
    pub from: SocketAddr,
    /// Who receives it.
    pub to: SocketAddr,
    /// What another leg may agree in.
    pub keys: SmallVec<[Key; 4]>,
    /// Hash of its Call-ID.
    pub call: u64,
    /// Hash of the Call-ID of the dialog whose place it takes.
    pub replaces: Option<u64>,
    /// Where it goes.
    pub target: Option<Target>,
    /// Hashes of the parameters of Microsoft's own in its Request-URI and Referred-By.
    pub marks: Marks,
    /// Its Request-URI has no user.
    pub names_nobody: bool,
    /// Hashes of its numbers: callers that it may be from, and the called one.
    numbers: (SmallVec<[u64; 2]>, Option<u64>),
}

impl Invite {
    /// The INVITE that begins `leg`, if `message` is one outside a dialog.
    pub fn of(leg: LegId, message: &Message) -> Option<Self> {
        let noted = message.noted();
        if !noted.begins(Method::Invite) {
            return None;
        }
        let sip = message.sip();
        let callers = [HeaderName::PAssertedIdentity, HeaderName::From].into_iter().filter_map(|name| sip.first(name));
        let callers: SmallVec<[u64; 2]> =
            callers.filter_map(|value| number(NameAddr::parse(&String::from_utf8_lossy(&value)).uri)).collect();
        let uri = sip.request_uri().map(String::from_utf8_lossy);
        let called = uri.as_deref().and_then(number);
        let mut keys: SmallVec<[Key; 4]> = SmallVec::new();
        keys.extend(session_id(&sip).map(|id| (Agreement::SessionId, id)));
        keys.extend(charging_id(&sip).map(|id| (Agreement::ChargingId, id)));
        keys.extend(origin(&sip).map(|id| (Agreement::Origin, id)));
        for caller in &callers {
            let key = called.map(|called| (Agreement::Numbers, hash::quick(&[&caller.to_le_bytes(), &called.to_le_bytes()])));
            keys.extend(key.filter(|key| !keys.contains(key)));
        }
        for (before, caller) in transfer::called_before(&sip).iter().flat_map(|before| callers.iter().map(move |caller| (before, caller))) {
            let key = (Agreement::Forwarded, hash::quick(&[&caller.to_le_bytes(), &before.to_le_bytes()]));
            if Some(*before) != called && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let (from, to) = (message.src(), message.dst());
        Some(Self {
            leg,
            clock: message.clock,
            at: message.at(),
            from,
            to,
            keys,
            call: noted.call_hash,
            replaces: transfer::replaced(&sip),
            target: uri.as_deref().map(Target::of),
            marks: uri.as_deref().map(|uri| transfer::marks(&sip, uri)).unwrap_or_default(),
            names_nobody: uri.as_deref().is_some_and(|uri| Uri::user_of(uri).is_none()),
            numbers: (callers, called),
        })
    }

    /// The numbers of two legs do not speak against one call: one of them is the same, or not known.
    pub fn may_be_one_with(&self, other: &Self) -> bool {
        let ((callers, called), (others, other_called)) = (&self.numbers, &other.numbers);
        let unknown = callers.is_empty() || others.is_empty() || called.is_none() || other_called.is_none();
        unknown || called == other_called || callers.iter().any(|caller| others.contains(caller))
    }
}

fn session_id(sip: &Sip<'_>) -> Option<u64> {
    let value = sip.first(HeaderName::SessionId)?;
    let id = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    // A caller that does not know the other side's writes zeros for it, never for its own.
    let says = id.iter().any(|byte| *byte != b'0') && id.len() >= FEWEST_DIGITS;
    says.then(|| hash::quick(&[&id.get(..LONGEST).unwrap_or(id).to_ascii_lowercase()]))
}

fn charging_id(sip: &Sip<'_>) -> Option<u64> {
    let value = sip.first(HeaderName::PChargingVector)?;
    let value = String::from_utf8_lossy(&value);
    let id = value.split(';').find_map(|part| part.trim().strip_prefix("icid-value="))?.trim_matches('"');
    (id.len() >= FEWEST_DIGITS).then(|| hash::quick(&[id.as_bytes().get(..LONGEST).unwrap_or(id.as_bytes())]))
}

fn origin(sip: &Sip<'_>) -> Option<u64> {
    let sdp = sip.sdp()?;
    let line = sdp.split(|byte| *byte == b'\n').take(3).find_map(|line| line.strip_prefix(b"o="))?;
    let mut words = line.split(|byte| *byte == b' ');
    let (user, session) = (words.next()?, words.next()?);
    (session.len() >= FEWEST_DIGITS && user.len() + session.len() <= LONGEST).then(|| hash::quick(&[user, b" ", session]))
}

/// What identifies the user of a URI on both sides of an SBC: the last digits of a number, else the user in lower case.
pub fn number(uri: &str) -> Option<u64> {
    let user = Uri::user_of(uri)?;
    let user = user.split(';').next().unwrap_or_default();
    let is_number = user.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'(' | b')' | b' '));
    if user.is_empty() || user.len() > LONGEST {
        return None;
    }
    if !is_number {
        return Some(hash::quick(&[user.to_ascii_lowercase().as_bytes()]));
    }
    let digits: SmallVec<[u8; 24]> = user.bytes().filter(u8::is_ascii_digit).collect();
    let from = digits.len().saturating_sub(DIGITS);
    digits.get(from..).filter(|last| !last.is_empty()).map(|last| hash::quick(&[last]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::support::{A, B, message};

    fn invite(uri: &str, more: &str) -> Invite {
        let message = message(0, (A, B), &format!("INVITE {uri} SIP/2.0"), "INVITE", more);
        Invite::of(LegId(message.seq()), &message).unwrap()
    }

    fn agree(a: &Invite, b: &Invite) -> Vec<Agreement> {
        let mut agreements: Vec<Agreement> = a.keys.iter().filter(|key| b.keys.contains(key)).map(|key| key.0).collect();
        agreements.dedup();
        agreements
    }

    #[test]
    fn numbers_agree_however_they_are_written() {
        let carrier = invite("sip:0201234567@10.0.0.1", "P-Asserted-Identity: <sip:0031301112233@x>\r\n");
        let teams = invite("sip:+31201234567@sip.pstnhub.microsoft.com;user=phone", "P-Asserted-Identity: <tel:+31301112233>\r\n");
        assert_eq!(agree(&carrier, &teams), [Agreement::Numbers]);
        assert_eq!(agree(&carrier, &invite("sip:0201234568@x", "P-Asserted-Identity: <tel:+31301112233>\r\n")), []);
        assert_eq!(agree(&invite("sip:1234@x", ""), &invite("sip:1234@y", "")), [Agreement::Numbers]);
    }

    #[test]
    fn identifiers_agree_and_empty_ones_do_not() {
        let id = "Session-ID: a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4;remote=00000000000000000000000000000000\r\n";
        let icid = "P-Charging-Vector: icid-value=\"1234bc9876e\";icid-generated-at=192.0.6.8\r\n";
        assert_eq!(agree(&invite("sip:1@x", id), &invite("sip:2@x", &id.to_uppercase())), [Agreement::SessionId]);
        assert_eq!(agree(&invite("sip:1@x", icid), &invite("sip:2@x", icid)), [Agreement::ChargingId]);
        let none = "Session-ID: 00000000000000000000000000000000\r\n";
        assert_eq!(agree(&invite("sip:1@x", none), &invite("sip:2@x", none)), []);
    }

    #[test]
    fn only_an_invite_outside_a_dialog_begins_a_leg_of_a_call() {
        let of = |start: &str, method: &str, more: &str| {
            let message = message(0, (A, B), start, method, more);
            Invite::of(LegId(message.seq()), &message).is_some()
        };
        assert!(of("INVITE sip:b@x SIP/2.0", "INVITE", "To: <sip:b@x>\r\n"));
        assert!(!of("INVITE sip:b@x SIP/2.0", "INVITE", "To: <sip:b@x>;tag=2\r\n"));
        assert!(!of("OPTIONS sip:b@x SIP/2.0", "OPTIONS", ""));
        assert!(!of("SIP/2.0 200 OK", "INVITE", ""));
    }
}
