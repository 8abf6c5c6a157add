//! What hands a call on: an INVITE that takes the place of a dialog (RFC 3891), a REFER that points elsewhere (RFC 3515), and what a
//! forwarded INVITE says of the number that was called first (RFC 7044, RFC 5806).

use super::{LegId, invite};
use crate::flow::{Message, noted};
use crate::hash;
use crate::proto::sip::{HeaderName, Method, NameAddr, Sip, lossy, percent_decode};
use crate::record::Seq;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::net::SocketAddr;

/// Who is referred calls within so long.
pub const WITHIN: Span = Span::secs(10);
/// Parameters of Microsoft's own that are looked at in one value.
const MOST_PARAMETERS: usize = 16;
/// Values of History-Info and Diversion that are looked at; a stranger may write any number.
const MOST_VALUES: usize = 8;

/// A REFER in a leg: whoever received it calls where it points.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reference {
    /// The leg.
    pub leg: LegId,
    /// The REFER.
    pub seq: Seq,
    /// Clock there.
    pub clock: Timestamp,
    /// When it was seen.
    pub at: Timestamp,
    /// Who received it.
    pub to: SocketAddr,
    /// Where it points: hash of the URI, and of its number.
    target: Target,
    /// Hashes of the parameters of Microsoft's own in its Refer-To and Referred-By.
    marks: Marks,
    /// A leg follows on it.
    pub followed: bool,
}

/// Hashes of parameters of Microsoft's own.
pub type Marks = SmallVec<[u64; 4]>;

/// Hashes of a URI without headers, and of its number or user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    uri: u64,
    number: Option<u64>,
}

impl Target {
    /// Of a URI as it is written. One that names nobody is told by its parameters, as Microsoft's are.
    pub fn of(uri: &str) -> Self {
        let uri = uri.split('?').next().unwrap_or_default().trim();
        Self { uri: hash::quick(&[uri.to_ascii_lowercase().as_bytes()]), number: invite::number(uri) }
    }

    /// It is the same, or at least the same number.
    pub fn fits(&self, other: &Target) -> bool {
        self.uri == other.uri || (self.number.is_some() && self.number == other.number)
    }
}

impl Reference {
    /// The REFER that `message` of the leg is, if it is one that points somewhere.
    pub fn of(leg: LegId, message: &Message) -> Option<Self> {
        let start = message.noted().start;
        let sip = (start.is_request && start.method == Method::Refer).then(|| message.sip())?;
        let value = sip.first(HeaderName::ReferTo)?;
        let target = Target::of(NameAddr::parse(&String::from_utf8_lossy(&value)).uri);
        let marks = marks(&sip, &lossy(&value));
        Some(Self { leg, seq: message.seq(), clock: message.clock, at: message.at(), to: message.dst(), target, marks, followed: false })
    }

    /// It points to where `target` is.
    pub fn points_to(&self, target: &Target) -> bool {
        self.target.fits(target)
    }

    /// Parameters of Microsoft's own that it has in common with an INVITE.
    pub fn has_in_common(&self, marks: &Marks) -> usize {
        marks.iter().filter(|mark| self.marks.contains(mark)).count()
    }

    /// It points to somebody whom Microsoft's own parameters name.
    pub fn is_marked(&self) -> bool {
        !self.marks.is_empty()
    }
}

/// Parameters of Microsoft's own, `x-m` and the like, of a URI or an address value: names in lower case, values decoded. Neither their
/// order nor their letter case says anything.
pub fn extensions(value: &str) -> Vec<(String, String)> {
    if !value.as_bytes().windows(3).any(|window| window.eq_ignore_ascii_case(b";x-")) {
        return Vec::new();
    }
    let address = NameAddr::parse(value);
    let both = address.uri().params().chain(address.params());
    let own = both.filter(|(name, _)| name.get(..2).is_some_and(|begin| begin.eq_ignore_ascii_case("x-")));
    // What follows a `?` in a bare URI is a header.
    let plain = |text: &str| percent_decode(text.split('?').next().unwrap_or_default()).to_ascii_lowercase();
    own.take(MOST_PARAMETERS).map(|(name, value)| (name.to_ascii_lowercase(), plain(value.unwrap_or_default()))).collect()
}

/// Hashes of Microsoft's own parameters in a URI or address, and in the message's Referred-By.
pub fn marks(sip: &Sip<'_>, uri: &str) -> Marks {
    let by = sip.first(HeaderName::ReferredBy).map(|value| extensions(&lossy(&value))).unwrap_or_default();
    let all = extensions(uri).into_iter().chain(by);
    let mut marks = Marks::new();
    for mark in all.map(|(name, value)| hash::quick(&[name.as_bytes(), b"=", value.as_bytes()])) {
        if !marks.contains(&mark) {
            marks.push(mark);
        }
    }
    marks
}

/// Hash of the Call-ID of the dialog whose place an INVITE takes, as [`Noted::call_hash`](crate::flow::Noted::call_hash) has it.
pub fn replaced(sip: &Sip<'_>) -> Option<u64> {
    let value = sip.first(HeaderName::Replaces)?;
    let call_id = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    (!call_id.is_empty()).then(|| noted::hash_of_call_id(call_id))
}

/// The numbers that were called before, as a forwarded INVITE tells.
pub fn called_before(sip: &Sip<'_>) -> SmallVec<[u64; 2]> {
    let mut numbers: SmallVec<[u64; 2]> = SmallVec::new();
    for name in [HeaderName::HistoryInfo, HeaderName::Diversion] {
        for value in sip.values(name).iter().take(MOST_VALUES) {
            let number = invite::number(NameAddr::parse(&String::from_utf8_lossy(value)).uri);
            numbers.extend(number.filter(|number| !numbers.contains(number)));
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::support::{A, B, message};

    fn refer(to: &str) -> Option<Reference> {
        let message = message(0, (A, B), "REFER sip:x@y SIP/2.0", "REFER", &format!("Refer-To: {to}\r\n"));
        Reference::of(LegId(Seq(0)), &message)
    }

    #[test]
    fn reference_fits_what_it_points_to() {
        let microsoft = "sip:sip.pstnhub.microsoft.com:5061;transport=tls;x-m=8:orgid:1;x-t=2";
        let refer_there = refer(&format!("<{microsoft}>")).unwrap();
        assert!(refer_there.points_to(&Target::of(microsoft)));
        assert!(!refer_there.points_to(&Target::of("sip:sip.pstnhub.microsoft.com:5061;transport=tls;x-m=8:orgid:9;x-t=2")));
        let number = refer("<sip:+31201234567@sbc1.contoso.com?Replaces=a%40b%3Bto-tag%3D1>").unwrap();
        assert!(number.points_to(&Target::of("sip:0201234567@192.0.2.10;user=phone")));
        assert!(!number.points_to(&Target::of("sip:0201234568@192.0.2.10")));
    }

    #[test]
    fn other_messages_are_no_reference() {
        let invite = message(0, (A, B), "INVITE sip:x@y SIP/2.0", "INVITE", "Refer-To: <sip:z@y>\r\n");
        assert!(Reference::of(LegId(Seq(0)), &invite).is_none());
        let nowhere = message(0, (A, B), "REFER sip:x@y SIP/2.0", "REFER", "");
        assert!(Reference::of(LegId(Seq(0)), &nowhere).is_none());
    }

    #[test]
    fn headers_name_the_dialog_and_the_numbers_before() {
        let more = "Replaces: c;to-tag=1;from-tag=2\r\nHistory-Info: <sip:+31201234567@x>;index=1,<sip:+31209999999@x>;index=1.1\r\nDiversion: <tel:0201234567>\r\n";
        let message = message(0, (A, B), "INVITE sip:x@y SIP/2.0", "INVITE", more);
        assert_eq!(replaced(&message.sip()), Some(message.noted().call_hash));
        assert_eq!(called_before(&message.sip()).len(), 2);
    }
}
