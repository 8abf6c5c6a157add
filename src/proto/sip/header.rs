//! The header fields that are found by kind, with their compact forms. Everything else is `Other` and found by its text.

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

/// Names by [`slot`], the next free slot when that is taken. A fifth of it is filled, so a look-up compares one name or none.
static TABLE: LazyLock<[Slot; SLOTS]> = LazyLock::new(|| {
    let mut table: [Slot; SLOTS] = [None; SLOTS];
    for entry in NAMES {
        let from = slot(entry.0);
        let free = (from..from + SLOTS).map(|at| at % SLOTS).find(|at| table.get(*at).is_some_and(Option::is_none));
        if let Some(place) = free.and_then(|at| table.get_mut(at)) {
            *place = Some(*entry);
        }
    }
    table
});

type Slot = Option<(&'static [u8], HeaderName)>;

const SLOTS: usize = 512;

/// Length, first and last letter tell nearly all names apart.
fn slot(name: &[u8]) -> usize {
    let letter = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or_default() | 0x20);
    (letter(name.first()) * 37 + letter(name.last()) * 11 + name.len() * 101) % SLOTS
}

impl HeaderName {
    /// The kind of a header called `name`, compact forms included (RFC 3261 section 7.3.3 and the RFCs that add more).
    pub fn of(name: &[u8]) -> Self {
        let table: &[Slot; SLOTS] = &TABLE;
        let mut at = slot(name);
        while let Some(Some((known, kind))) = table.get(at % SLOTS) {
            if known.eq_ignore_ascii_case(name) {
                return *kind;
            }
            at += 1;
        }
        Self::Other
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
    }
}
