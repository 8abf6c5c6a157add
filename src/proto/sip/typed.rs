//! Typed values: `rsip` as a second, strict reader of the values that a rule or the report asks for.
//!
//! The own splitter reads every value; `rsip` reads it again. Where both read the same, the typed value is `rsip`'s and
//! `strict` is true; where `rsip` refuses or silently drops a part, the splitter's reading stands and `strict` is false.
//! `strict: false` alone is no fault of the sender: `rsip` 0.4 does not read IPv6 hosts, `tel:` and `urn:`, a `.` in the user
//! part, `&` or `:` in parameters, URI headers, or blanks around `=`, all of which RFC 3261 allows.

use super::header::HeaderName;
use super::method::Method;
use super::name_addr::{Brackets, NameAddr};
use super::uri::{Host, Scheme, Uri, text};
use super::value::Params;
use super::via::Via;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use std::net::IpAddr;

/// Longer values are not given to `rsip`: no device writes them, and its error texts repeat what it was given.
const LONGEST: usize = 4096;

/// The scheme of a [`TypedUri`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TypedScheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// `urn:`
    Urn,
    /// Any other in lower case; empty when there is none.
    Other(String),
}

/// The host of a [`TypedUri`] or [`TypedVia`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TypedHost {
    /// An address, IPv6 with or without brackets.
    Ip(IpAddr),
    /// A name in lower case without the final dot of a rooted one.
    Name(String),
    /// There is none.
    None,
}

/// A URI with its parts typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedUri {
    /// Its scheme.
    pub scheme: TypedScheme,
    /// The user part as written, without password; `Some("")` when nothing stands before `@`.
    pub user: Option<String>,
    /// The telephone number in the user part, see [`Uri::phone`].
    pub phone: Option<String>,
    /// The host.
    pub host: TypedHost,
    /// The port as written; `None` when none is or it is no number of 16 bits.
    pub port: Option<u16>,
    /// The `transport` parameter in lower case.
    pub transport: Option<String>,
    /// All parameters in order, as written.
    pub params: Vec<(String, Option<String>)>,
    /// What follows `?`, as written.
    pub headers: Option<String>,
    /// `@` is present.
    pub at: bool,
    /// `rsip` accepts the URI and reads the same.
    pub strict: bool,
}

/// One element of From, To, Contact or a header of that shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedAddress {
    /// The display name without quotes; empty when there is none.
    pub display: String,
    /// The URI.
    pub uri: TypedUri,
    /// The `tag` parameter of the header.
    pub tag: Option<String>,
    /// All parameters of the header in order, as written.
    pub params: Vec<(String, Option<String>)>,
    /// The brackets around the URI.
    pub brackets: Brackets,
    /// `rsip` accepts the value and reads the same.
    pub strict: bool,
}

/// One element of Via.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedVia {
    /// The transport in upper case, such as `TLS`; empty when the sent-protocol is malformed.
    pub transport: String,
    /// The host of sent-by.
    pub host: TypedHost,
    /// The port of sent-by.
    pub port: Option<u16>,
    /// The `branch` parameter.
    pub branch: Option<String>,
    /// The `received` parameter, when it is an address.
    pub received: Option<IpAddr>,
    /// The `rport` parameter, when it has a value.
    pub rport: Option<u16>,
    /// `rsip` accepts the value and reads the same.
    pub strict: bool,
}

/// A CSeq.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedCSeq {
    /// The sequence number.
    pub seq: u32,
    /// The method.
    pub method: Method,
    /// `rsip` accepts the value and reads the same: a method of its list, a number of 32 bits.
    pub strict: bool,
}

/// Types a URI without angle brackets.
pub fn uri(text: &str) -> TypedUri {
    let own = Uri::parse(text);
    let second = acceptable(own.text).then(|| rsip::Uri::try_from(own.text).ok()).flatten();
    typed_uri(&own, second.as_ref())
}

/// Types a From value.
pub fn from(value: &str) -> TypedAddress {
    address(value, HeaderName::From)
}

/// Types a To value.
pub fn to(value: &str) -> TypedAddress {
    address(value, HeaderName::To)
}

/// Types one element of Contact.
pub fn contact(value: &str) -> TypedAddress {
    address(value, HeaderName::Contact)
}

/// Types one unfolded element of header `kind`; `rsip` has types of their own for To and Contact and reads all others of
/// that shape (Record-Route, Refer-To, P-Asserted-Identity …) as it does From.
pub fn address(value: &str, kind: HeaderName) -> TypedAddress {
    let own = NameAddr::parse(value);
    let second = acceptable(value).then(|| second_address(value.trim(), kind)).flatten();
    let whole = second.as_ref().map(|(_, second, _)| typed_uri(&own.uri(), Some(second)));
    // Where the header around it is refused or misread, the URI alone may still be plain.
    let uri = whole.filter(|uri| uri.strict).unwrap_or_else(|| uri(own.uri));
    let same = second.as_ref().is_some_and(|(display, _, params)| {
        display.as_deref().unwrap_or_default() == own.display && same_params(params, own.params()) && own.brackets != Brackets::Unclosed
    });
    TypedAddress {
        display: own.display_name().into_owned(),
        strict: same && uri.strict,
        uri,
        tag: own.param("tag").map(str::to_owned),
        params: owned(own.params()),
        brackets: own.brackets,
    }
}

/// The host of [`address`]. It is the splitter's, whether `rsip` reads the same or not, and so `rsip` is not asked.
pub fn host(value: &str) -> TypedHost {
    typed_host(NameAddr::parse(value).uri().host)
}

/// The host of [`uri`], likewise.
pub fn uri_host(text: &str) -> TypedHost {
    typed_host(Uri::parse(text).host)
}

/// The host of [`via`], likewise.
pub fn via_host(element: &str) -> TypedHost {
    typed_host(Via::parse(element).host)
}

/// The scheme of [`address`], likewise.
pub fn scheme(value: &str) -> TypedScheme {
    typed_scheme(NameAddr::parse(value).uri().scheme)
}

/// Types one unfolded element of Via.
pub fn via(element: &str) -> TypedVia {
    let own = Via::parse(element);
    let host = typed_host(own.host);
    let second = acceptable(element).then(|| rsip::headers::Via::new(canonical_via(element)).typed().ok()).flatten();
    let same = second.as_ref().is_some_and(|second| {
        second.transport.to_string().eq_ignore_ascii_case(own.transport)
            && second.uri.scheme.is_none()
            && second.uri.auth.is_none()
            && second_host(second.uri.host()) == host
            && second.uri.port().map(|port| *port.value()) == own.port
            && same_params(&second.params, Params::new(own.params_text.as_bytes()).map(as_text))
    });
    let second = second.filter(|_| same);
    let received = second.as_ref().and_then(|second| second.received().ok().flatten());
    TypedVia {
        transport: second.map_or_else(|| own.transport.to_ascii_uppercase(), |second| second.transport.to_string()),
        host,
        port: own.port,
        branch: own.param("branch").map(str::to_owned),
        received: received.or_else(|| Host::parse(own.param("received")?).ip()),
        rport: own.param("rport").and_then(|port| port.parse().ok()),
        strict: same,
    }
}

/// Types a CSeq value; blanks of any kind may part number and method. `None` when there is no number of 32 bits.
pub fn cseq(value: &str) -> Option<TypedCSeq> {
    let mut words = value.split_ascii_whitespace();
    let (number, method) = (words.next()?, words.next()?);
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = format!("{number} {method}");
    let second = acceptable(&canonical).then(|| rsip::headers::CSeq::new(canonical).typed().ok()).flatten();
    let strict = second.is_some_and(|second| digits && second.method.to_string() == method) && words.next().is_none();
    digits.then(|| number.parse().ok())?.map(|seq| TypedCSeq { seq, method: Method::of(method.as_bytes()), strict })
}

/// May `rsip` see this? Control characters are no part of an unfolded value.
fn acceptable(text: &str) -> bool {
    text.len() <= LONGEST && !text.bytes().any(|byte| byte.is_ascii_control())
}

type Second = (Option<String>, rsip::Uri, Vec<rsip::Param>);

fn second_address(value: &str, kind: HeaderName) -> Option<Second> {
    match kind {
        HeaderName::To => rsip::headers::To::new(value).typed().ok().map(|to| (to.display_name, to.uri, to.params)),
        HeaderName::Contact => rsip::headers::Contact::new(value).typed().ok().map(|at| (at.display_name, at.uri, at.params)),
        _ => rsip::headers::From::new(value).typed().ok().map(|from| (from.display_name, from.uri, from.params)),
    }
}

/// `SIP / 2.0 / UDP` without the blanks that the grammar allows.
fn canonical_via(element: &str) -> String {
    let mut parts = element.splitn(3, '/').map(str::trim);
    let (Some(name), Some(version), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return element.to_owned();
    };
    format!("{name}/{version}/{rest}")
}

fn typed_uri(own: &Uri<'_>, second: Option<&rsip::Uri>) -> TypedUri {
    let second = second.filter(|second| same_uri(own, second));
    let transport = second.and_then(|second| second.transport()).map(|transport| transport.to_string());
    TypedUri {
        scheme: typed_scheme(own.scheme),
        user: second.map_or(own.user, |second| second.user()).map(str::to_owned),
        phone: own.phone(),
        host: second.map_or_else(|| typed_host(own.host), |second| second_host(second.host())),
        port: second.map_or(own.port, |second| second.port().map(|port| *port.value())),
        transport: transport.or_else(|| own.param("transport").map(str::to_owned)).map(|text| text.to_ascii_lowercase()),
        params: owned(own.params()),
        headers: own.headers.map(str::to_owned),
        at: own.at,
        strict: second.is_some(),
    }
}

fn same_uri(own: &Uri<'_>, second: &rsip::Uri) -> bool {
    let scheme = match &second.scheme {
        Some(rsip::Scheme::Sip) => own.scheme == Scheme::Sip,
        Some(rsip::Scheme::Sips) => own.scheme == Scheme::Sips,
        _ => false,
    };
    let password = second.auth.as_ref().and_then(|auth| auth.password.as_deref());
    scheme
        && second.user() == own.user
        && password == own.password
        && second_host(second.host()) == typed_host(own.host)
        && second.port().map(|port| *port.value()) == own.port
        && own.headers.is_none()
        && same_params(&second.params, own.params())
}

fn same_params<'a>(second: &[rsip::Param], own: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> bool {
    let own: Vec<_> = own.collect();
    let same = |(second, (name, value)): (&rsip::Param, &(&str, Option<&str>))| {
        let text = value.map_or_else(|| format!(";{name}"), |value| format!(";{name}={value}"));
        second.to_string().eq_ignore_ascii_case(&text)
    };
    second.len() == own.len() && second.iter().zip(&own).all(same)
}

fn as_text<'a>((name, value): (&'a [u8], Option<&'a [u8]>)) -> (&'a str, Option<&'a str>) {
    (text(name), value.map(super::uri::text))
}

fn owned<'a>(params: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Vec<(String, Option<String>)> {
    params.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).collect()
}

fn name(text: &str) -> TypedHost {
    let text = text.strip_suffix('.').unwrap_or(text);
    TypedHost::Name(if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() })
}

fn typed_scheme(scheme: Scheme<'_>) -> TypedScheme {
    match scheme {
        Scheme::Sip => TypedScheme::Sip,
        Scheme::Sips => TypedScheme::Sips,
        Scheme::Tel => TypedScheme::Tel,
        Scheme::Urn => TypedScheme::Urn,
        Scheme::Other(other) => TypedScheme::Other(other.to_ascii_lowercase()),
    }
}

fn typed_host(host: Host<'_>) -> TypedHost {
    match (host.ip(), host) {
        (Some(ip), _) => TypedHost::Ip(ip),
        (None, Host::Name(text)) => name(text),
        _ => TypedHost::None,
    }
}

fn second_host(host: &rsip::Host) -> TypedHost {
    match host {
        rsip::Host::IpAddr(ip) => TypedHost::Ip(*ip),
        rsip::Host::Domain(domain) => name(domain.value()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_contact_is_strict() {
        let contact = contact("\"SBC\" <sip:+1555@SBC1.adatum.biz:5061;transport=TLS>;expires=60");
        assert!(contact.strict && contact.uri.strict);
        assert_eq!(contact.uri.host, TypedHost::Name("sbc1.adatum.biz".into()));
        assert_eq!((contact.uri.port, contact.uri.transport.as_deref()), (Some(5061), Some("tls")));
        assert_eq!((contact.display.as_str(), contact.uri.phone.as_deref()), ("SBC", Some("+1555")));
    }

    #[test]
    fn what_rsip_misreads_falls_back_to_the_splitter() {
        for (text, host, port) in [
            ("sip:john.doe@example.com", TypedHost::Name("example.com".into()), None),
            ("sip:[2001:db8::1]:5060", TypedHost::Ip("2001:db8::1".parse().unwrap()), Some(5060)),
            ("sip:h;a=1&b", TypedHost::Name("h".into()), None),
            ("sip:h;x=y?Replaces=z", TypedHost::Name("h".into()), None),
            ("tel:+1555", TypedHost::None, None),
            ("urn:service:sos", TypedHost::None, None),
        ] {
            let uri = uri(text);
            assert_eq!((&uri.host, uri.port, uri.strict), (&host, port, false), "{text}");
        }
        assert_eq!(uri("tel:+1-555").phone.as_deref(), Some("+1555"));
    }

    #[test]
    fn host_and_scheme_are_those_of_the_whole_whoever_reads_it() {
        let good = b"\"S, B\" <sips:+1555:x@[2001:db8::1]:5061;transport=TLS?a=b>;tag=1, <sip:203.0.113.9>;q=1";
        let mut seed = 7u64;
        for n in 0..20_000usize {
            let mut value = good.get(n % 60..).unwrap_or_default().to_vec();
            crate::proto::sip::mutate(&mut value, &mut seed);
            let value = String::from_utf8_lossy(&value);
            for kind in [HeaderName::Contact, HeaderName::To, HeaderName::RecordRoute] {
                let whole = address(&value, kind).uri;
                assert_eq!((host(&value), scheme(&value)), (whole.host, whole.scheme), "{value}");
            }
        }
    }

    #[test]
    fn an_address_host_is_one_for_both_readers() {
        let uri = uri("sips:203.0.113.9:5061");
        assert_eq!((uri.scheme, uri.host, uri.strict), (TypedScheme::Sips, TypedHost::Ip([203, 0, 113, 9].into()), true));
    }

    #[test]
    fn a_bracket_inside_a_quoted_name_is_not_strict_and_not_lost() {
        let from = from("\"a <b\" <sip:x@y>;tag=1");
        assert_eq!((from.uri.host, from.tag.as_deref(), from.strict), (TypedHost::Name("y".into()), Some("1"), false));
    }

    #[test]
    fn a_plain_uri_in_a_header_that_rsip_refuses_is_strict() {
        let contact = contact("<sip:a@b.example.com;transport=tcp>;+sip.instance=\"<urn:uuid:0>\"");
        assert_eq!((contact.strict, contact.uri.strict, contact.params.len()), (false, true, 1));
    }

    #[test]
    fn a_via_with_blanks_is_canonicalised_first() {
        let via = via("SIP / 2.0 / tls sbc.example.com:5061;branch=z9hG4bK1;received=192.0.2.1;rport=5060");
        assert_eq!((via.transport.as_str(), via.port, via.rport, via.strict), ("TLS", Some(5061), Some(5060), true));
        assert_eq!(via.received, Some([192, 0, 2, 1].into()));
    }

    #[test]
    fn a_cseq_of_an_extension_method_is_read_but_not_strict() {
        assert_eq!(cseq(" 7 \t INVITE"), Some(TypedCSeq { seq: 7, method: Method::Invite, strict: true }));
        assert_eq!(cseq("4294967295 FOO"), Some(TypedCSeq { seq: u32::MAX, method: Method::Other, strict: false }));
        assert_eq!(cseq("4294967296 BYE"), None);
        assert_eq!(cseq("INVITE"), None);
    }
}
