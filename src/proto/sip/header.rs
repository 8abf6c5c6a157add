//! The header fields that are found by kind, with their compact forms. Everything else is `Other` and found by its text.

use super::words::{before, has_blank, hits};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

macro_rules! headers {
    ($($kind:ident $canonical:literal = $($text:literal)|+,)*) => {
        /// The name of a header field, whatever its letter case, in long or compact form (RFC 3261 section 7.3.1).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum HeaderName {
            $(#[doc = $canonical] $kind,)*
            /// A header that no part of callpath asks for by kind; [`super::Sip::named`] finds it by its text.
            Other,
        }

        impl HeaderName {
            /// The long form as the RFCs write it; empty for `Other`.
            pub fn canonical(self) -> &'static str {
                match self {
                    $(Self::$kind => $canonical,)*
                    Self::Other => "",
                }
            }

        }

        /// Every name and compact form in lower case.
        const NAMES: &[(&[u8], HeaderName)] = &[$($(($text, HeaderName::$kind),)+)*];
    };
}

headers! {
    CallId "Call-ID" = b"call-id" | b"i",
    CSeq "CSeq" = b"cseq",
    From "From" = b"from" | b"f",
    To "To" = b"to" | b"t",
    Via "Via" = b"via" | b"v",
    Contact "Contact" = b"contact" | b"m",
    RecordRoute "Record-Route" = b"record-route",
    Route "Route" = b"route",
    ContentType "Content-Type" = b"content-type" | b"c",
    ContentLength "Content-Length" = b"content-length" | b"l",
    ContentEncoding "Content-Encoding" = b"content-encoding" | b"e",
    ContentDisposition "Content-Disposition" = b"content-disposition",
    MimeVersion "MIME-Version" = b"mime-version",
    MaxForwards "Max-Forwards" = b"max-forwards",
    UserAgent "User-Agent" = b"user-agent",
    Server "Server" = b"server",
    Reason "Reason" = b"reason",
    ReferTo "Refer-To" = b"refer-to" | b"r",
    ReferredBy "Referred-By" = b"referred-by" | b"b",
    ReferSub "Refer-Sub" = b"refer-sub",
    Replaces "Replaces" = b"replaces",
    Join "Join" = b"join",
    SessionId "Session-ID" = b"session-id",
    PAssertedIdentity "P-Asserted-Identity" = b"p-asserted-identity",
    PPreferredIdentity "P-Preferred-Identity" = b"p-preferred-identity",
    PChargingVector "P-Charging-Vector" = b"p-charging-vector",
    PAccessNetworkInfo "P-Access-Network-Info" = b"p-access-network-info",
    PEarlyMedia "P-Early-Media" = b"p-early-media",
    RemotePartyId "Remote-Party-ID" = b"remote-party-id",
    Diversion "Diversion" = b"diversion",
    HistoryInfo "History-Info" = b"history-info",
    Identity "Identity" = b"identity" | b"y",
    Privacy "Privacy" = b"privacy",
    Geolocation "Geolocation" = b"geolocation",
    Require "Require" = b"require",
    ProxyRequire "Proxy-Require" = b"proxy-require",
    Supported "Supported" = b"supported" | b"k",
    Unsupported "Unsupported" = b"unsupported",
    Allow "Allow" = b"allow",
    AllowEvents "Allow-Events" = b"allow-events" | b"u",
    Accept "Accept" = b"accept",
    Event "Event" = b"event" | b"o",
    SubscriptionState "Subscription-State" = b"subscription-state",
    RetryAfter "Retry-After" = b"retry-after",
    Expires "Expires" = b"expires",
    MinExpires "Min-Expires" = b"min-expires",
    SessionExpires "Session-Expires" = b"session-expires" | b"x",
    MinSe "Min-SE" = b"min-se",
    RSeq "RSeq" = b"rseq",
    RAck "RAck" = b"rack",
    Warning "Warning" = b"warning",
    Path "Path" = b"path",
    ServiceRoute "Service-Route" = b"service-route",
    Subject "Subject" = b"subject" | b"s",
    Priority "Priority" = b"priority",
    Organization "Organization" = b"organization",
    Date "Date" = b"date",
    Timestamp "Timestamp" = b"timestamp",
    AlertInfo "Alert-Info" = b"alert-info",
    CallInfo "Call-Info" = b"call-info",
    ErrorInfo "Error-Info" = b"error-info",
    InReplyTo "In-Reply-To" = b"in-reply-to",
    ReplyTo "Reply-To" = b"reply-to",
    Authorization "Authorization" = b"authorization",
    ProxyAuthorization "Proxy-Authorization" = b"proxy-authorization",
    WwwAuthenticate "WWW-Authenticate" = b"www-authenticate",
    ProxyAuthenticate "Proxy-Authenticate" = b"proxy-authenticate",
    AuthenticationInfo "Authentication-Info" = b"authentication-info",
    XMsSbc "X-MS-SBC" = b"x-ms-sbc",
    XMsUserLocation "X-MS-UserLocation" = b"x-ms-userlocation",
    XMsUserSite "X-MS-UserSite" = b"x-ms-usersite",
    XMsMediaPath "X-MS-MediaPath" = b"x-ms-mediapath",
}

/// How many kinds there are.
pub(super) const KINDS: usize = HeaderName::Other as usize + 1;

/// Words that hold any name that is known.
const WORDS: usize = 3;
/// Bytes of them: a longer name is `Other`.
const LONGEST: usize = WORDS * 8;
/// Places of the table, about three for each name.
const SLOTS: usize = 256;

/// A name that is known: its bytes, and the bits in which a letter may differ. One without bytes is a free place.
#[derive(Debug, Clone, Copy)]
struct Known {
    name: [u64; WORDS],
    case: [u64; WORDS],
    len: usize,
    kind: HeaderName,
}

/// The names by a hash of their length and first eight letters, the next free place when that is taken: a look-up compares one name or none.
#[derive(Debug)]
pub(super) struct Names([Known; SLOTS]);

static TABLE: LazyLock<Names> = LazyLock::new(|| {
    let mut table = Names([Known { name: [0; WORDS], case: [0; WORDS], len: 0, kind: HeaderName::Other }; SLOTS]);
    NAMES.iter().for_each(|(name, kind)| table.insert(name, *kind));
    table
});

/// The words at the head of `text`, zeros behind its end.
#[inline(always)]
fn words(text: &[u8]) -> [u64; WORDS] {
    let head = text.first_chunk::<LONGEST>().map_or_else(|| padded(text), |head| *head);
    let (words, _) = head.as_chunks::<8>();
    let at = |n: usize| words.get(n).map_or(0, |word| u64::from_le_bytes(*word));
    [at(0), at(1), at(2)]
}

#[inline(never)]
fn padded(text: &[u8]) -> [u8; LONGEST] {
    let mut head = [0; LONGEST];
    head.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    head
}

/// Up to the first mark in these words: the bytes and zeros, all bits of those bytes, and how many they are.
#[inline(always)]
fn upto([a, b, c]: [u64; WORDS], mark: u8) -> Option<([u64; WORDS], [u64; WORDS], usize)> {
    let first = hits(a, mark);
    if first != 0 {
        let there = below(first);
        return Some(([a & there, 0, 0], [there, 0, 0], before(first)));
    }
    let second = hits(b, mark);
    if second != 0 {
        let there = below(second);
        return Some(([a, b & there, 0], [u64::MAX, there, 0], 8 + before(second)));
    }
    let third = hits(c, mark);
    let there = below(third);
    (third != 0).then(|| ([a, b, c & there], [u64::MAX, u64::MAX, there], 16 + before(third)))
}

/// All bits of the bytes below the first of `hits`.
#[inline(always)]
fn below(hits: u64) -> u64 {
    ((hits & hits.wrapping_neg()) >> 7).wrapping_sub(1)
}

/// Where a name is looked for first.
#[inline(always)]
fn slot(first: u64, len: usize) -> usize {
    let letters = first & 0xDFDF_DFDF_DFDF_DFDF;
    ((letters ^ len as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - SLOTS.ilog2())) as usize
}

impl Names {
    /// The table.
    #[inline]
    pub(super) fn get() -> &'static Self {
        &TABLE
    }

    fn insert(&mut self, text: &[u8], kind: HeaderName) {
        let case: Vec<u8> = text.iter().map(|byte| if byte.is_ascii_lowercase() { 0x20 } else { 0 }).collect();
        let (name, case, len) = (words(text), words(&case), text.len());
        let from = slot(name[0], len);
        let free = (from..from + SLOTS).map(|at| at % SLOTS).find(|at| self.0.get(*at).is_some_and(|known| known.len == 0));
        if let Some(place) = free.and_then(|at| self.0.get_mut(at)) {
            *place = Known { name, case, len, kind };
        }
    }

    /// The kind of a name of `len` bytes.
    #[inline(always)]
    fn kind(&self, name: [u64; WORDS], len: usize) -> HeaderName {
        let mut at = slot(name[0], len);
        loop {
            let Some(known) = self.0.get(at % SLOTS).filter(|known| known.len > 0) else { return HeaderName::Other };
            let ([a, b, c], [a_case, b_case, c_case]) = (name, known.case);
            if known.len == len && known.name == [a | a_case, b | b_case, c | c_case] {
                return known.kind;
            }
            at += 1;
        }
    }

    /// Kind and length of the name that `line` begins with, where a colon follows it at once and no blank and no control character is in
    /// it. Other names, and those longer than any that is known, are not told.
    #[inline(always)]
    pub(super) fn at_head(&self, line: &[u8]) -> Option<(HeaderName, usize)> {
        let (name, there, len) = upto(words(line), b':')?;
        let kind = self.kind(name, len);
        // A name that is known has no blank in it.
        let odd = || len == 0 || name.into_iter().zip(there).any(|(word, there)| has_blank(word | !there));
        if kind == HeaderName::Other && odd() { None } else { Some((kind, len)) }
    }
}

impl HeaderName {
    /// The kind of a header called `name`, compact forms included (RFC 3261 section 7.3.3 and the RFCs that add more).
    pub fn of(name: &[u8]) -> Self {
        if name.len() > LONGEST {
            return Self::Other;
        }
        Names::get().kind(words(name), name.len())
    }
}

impl std::fmt::Display for HeaderName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compact_form_of_the_rfcs_is_known() {
        let forms = [
            (b"i", HeaderName::CallId),
            (b"m", HeaderName::Contact),
            (b"f", HeaderName::From),
            (b"t", HeaderName::To),
            (b"v", HeaderName::Via),
            (b"l", HeaderName::ContentLength),
            (b"c", HeaderName::ContentType),
            (b"s", HeaderName::Subject),
            (b"k", HeaderName::Supported),
            (b"r", HeaderName::ReferTo),
            (b"b", HeaderName::ReferredBy),
            (b"e", HeaderName::ContentEncoding),
            (b"o", HeaderName::Event),
            (b"u", HeaderName::AllowEvents),
            (b"x", HeaderName::SessionExpires),
        ];
        for (text, kind) in forms {
            assert_eq!(HeaderName::of(text), kind);
            assert_eq!(HeaderName::of(&text.to_ascii_uppercase()), kind);
        }
    }

    #[test]
    fn canonical_names_find_themselves() {
        for (_, kind) in NAMES {
            assert_eq!(HeaderName::of(kind.canonical().as_bytes()), *kind);
        }
        assert_eq!(HeaderName::of(b"X-Call-ID"), HeaderName::Other);
        assert_eq!(HeaderName::of(&[b'x'; 4000]), HeaderName::Other);
        assert_eq!(
            (HeaderName::of(b""), HeaderName::of(b"call\rid"), HeaderName::of(b"vi\x41")),
            (HeaderName::Other, HeaderName::Other, HeaderName::Via)
        );
    }

    #[test]
    fn every_name_that_is_known_has_room() {
        assert!(NAMES.iter().all(|(name, kind)| name.len() <= LONGEST && HeaderName::of(name) == *kind));
    }

    #[test]
    fn a_name_is_read_up_to_its_colon() {
        let at_head = |line: &str| Names::get().at_head(line.as_bytes());
        assert_eq!((at_head("VIA: x"), at_head("v:")), (Some((HeaderName::Via, 3)), Some((HeaderName::Via, 1))));
        assert_eq!(at_head("P-Access-Network-Info:x"), Some((HeaderName::PAccessNetworkInfo, 21)));
        assert_eq!(at_head("X-Call-ID:y"), Some((HeaderName::Other, 9)));
        for line in ["", "v", ":", "Via : x", "a\nVia: x", "\r\n", "no colon", "twenty-five-characters-xx:"] {
            assert_eq!(at_head(line), None, "{line:?}");
        }
    }
}
