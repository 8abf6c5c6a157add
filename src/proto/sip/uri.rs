//! A tolerant splitter of URIs: SIP and SIPS (RFC 3261 section 19.1.1), `tel` (RFC 3966), `urn` and whatever else. It never
//! refuses; what is missing or malformed shows in the parts.

use super::value::{self, Params};
use super::words::find;
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The scheme of a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme<'a> {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// `urn:`
    Urn,
    /// Any other, as written; empty when there is none.
    Other(&'a str),
}

/// The host of a URI or a Via.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Host<'a> {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, in brackets as the grammar wants or without.
    V6(Ipv6Addr),
    /// Anything else: a name, well-formed or not.
    Name(&'a str),
    /// There is none (`tel:`, `urn:`, or nothing is written).
    None,
}

impl<'a> Host<'a> {
    /// Reads a host without port.
    pub fn parse(text: &'a str) -> Self {
        let text = trim(text);
        // An IPv6 address has a colon, an IPv4 address begins with a digit: most hosts are names, and are not read as either.
        let may_be_ip = text.as_bytes().first().is_some_and(u8::is_ascii_digit) || find(text.as_bytes(), b':').is_some();
        if !may_be_ip && !text.is_empty() {
            return Self::Name(text);
        }
        let inner = text.strip_prefix('[').map(|rest| rest.split(']').next().unwrap_or(rest));
        // A zone (`%eth0`) says which link, not which host.
        let v6 = inner.unwrap_or(text).split('%').next().unwrap_or_default();
        match (v6.parse(), text.parse()) {
            (Ok(v6), _) => Self::V6(v6),
            (_, Ok(v4)) => Self::V4(v4),
            _ if text.is_empty() => Self::None,
            _ => Self::Name(text),
        }
    }

    /// The address, when the host is one.
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::V4(v4) => Some(v4.into()),
            Self::V6(v6) => Some(v6.into()),
            _ => None,
        }
    }

    /// The name, when the host is one.
    pub fn name(self) -> Option<&'a str> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// The parts of a URI, all as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// All of it, trimmed.
    pub text: &'a str,
    /// Its scheme.
    pub scheme: Scheme<'a>,
    /// The user part without password, or the number of a `tel:` URI. `Some("")` when `@` stands with nothing before it.
    pub user: Option<&'a str>,
    /// What stands between `:` and `@`.
    pub password: Option<&'a str>,
    /// The host.
    pub host: Host<'a>,
    /// The port, when it is a number of 16 bits.
    pub port: Option<u16>,
    /// `;name=value` parameters of the URI, undivided; [`Uri::params`] divides them.
    pub params_text: &'a str,
    /// What follows `?`.
    pub headers: Option<&'a str>,
    /// `@` is present, so that an empty user can be told from none.
    pub at: bool,
}

/// Where the userinfo would be: known schemes are never taken for a host with a port.
const SCHEMES: [(&str, Scheme<'_>); 4] = [("sip", Scheme::Sip), ("sips", Scheme::Sips), ("tel", Scheme::Tel), ("urn", Scheme::Urn)];

impl<'a> Uri<'a> {
    /// Splits `text`, a URI without angle brackets.
    pub fn parse(text: &'a str) -> Self {
        let text = trim(text);
        let (scheme, rest) = split_scheme(text);
        match scheme {
            Scheme::Tel => Self::tel(text, rest),
            Scheme::Urn => Self { scheme, ..Self::empty(text) },
            _ => Self::sip(text, scheme, rest),
        }
    }

    /// The [`Uri::user_decoded`] of a URI, of which nothing else is asked for.
    pub fn user_of(text: &'a str) -> Option<Cow<'a, str>> {
        let (scheme, rest) = split_scheme(trim(text));
        let end = match scheme {
            Scheme::Urn => return None,
            Scheme::Tel => rest.bytes().position(|byte| byte == b';').unwrap_or(rest.len()),
            _ => {
                let end = rest.bytes().position(|byte| matches!(byte, b'@' | b':' | b';' | b'?'))?;
                // Whatever ends the user, it is one when `@` comes before any headers.
                let stop = rest.bytes().skip(end).find(|byte| matches!(byte, b'@' | b'?'));
                stop.filter(|byte| *byte == b'@').map(|_| end)?
            }
        };
        rest.get(..end).map(percent_decode)
    }

    fn empty(text: &'a str) -> Self {
        let (scheme, host) = (Scheme::Other(""), Host::None);
        Self { text, scheme, user: None, password: None, host, port: None, params_text: "", headers: None, at: false }
    }

    fn tel(text: &'a str, rest: &'a str) -> Self {
        let (number, params_text) = split_params(rest);
        Self { scheme: Scheme::Tel, user: Some(number), params_text, ..Self::empty(text) }
    }

    fn sip(text: &'a str, scheme: Scheme<'a>, rest: &'a str) -> Self {
        let (rest, headers) = split_headers(rest);
        let (userinfo, rest) = cut(rest, b'@').map_or((None, rest), |(user, host)| (Some(user), host));
        let (hostport, params_text) = split_params(rest);
        let (host, port) = split_port(hostport);
        let (user, password) = match userinfo.map(|info| cut(info, b':').ok_or(info)) {
            Some(Ok((user, password))) => (Some(user), Some(password)),
            Some(Err(user)) => (Some(user), None),
            None => (None, None),
        };
        Self { text, scheme, user, password, host, port, params_text, headers, at: userinfo.is_some() }
    }

    /// The parameters of the URI in order.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        Params::new(self.params_text.as_bytes()).map(|(name, value)| (text(name), value.map(text)))
    }

    /// The value of the first parameter `name` that has one; letter case does not matter.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        value::param(self.params_text.as_bytes(), name).map(text)
    }

    /// Is parameter `name` there, with or without value?
    pub fn has_param(&self, name: &str) -> bool {
        self.params().any(|(found, _)| found.eq_ignore_ascii_case(name))
    }

    /// The value of the header `name` among those behind `?`, percent-decoded (RFC 3261 section 19.1.1); letter case of the name does not
    /// matter.
    pub fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        let pairs = self.headers?.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(found, _)| found.trim().eq_ignore_ascii_case(name)).map(|(_, value)| percent_decode(value))
    }

    /// The user up to its first `;` (parameters such as `npdi`), percent-decoded.
    pub fn user_decoded(&self) -> Option<Cow<'a, str>> {
        let user = self.user?;
        Some(percent_decode(user.split(';').next().unwrap_or(user)))
    }

    /// The telephone number in the user part: visual separators taken out (RFC 3966 section 5.1.1), `+` kept, digits and
    /// `*#` only. `None` when the user holds anything else.
    pub fn phone(&self) -> Option<String> {
        let user = self.user_decoded()?;
        let number: String = user.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' ')).collect();
        let digits = number.strip_prefix('+').unwrap_or(&number);
        let all = digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
        (all && !digits.is_empty()).then_some(number)
    }
}

/// Text again, of a slice that was cut from text at ASCII characters.
pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn split_scheme(text: &str) -> (Scheme<'_>, &str) {
    if let Some(rest) = text.strip_prefix("sip:") {
        return (Scheme::Sip, rest);
    }
    let none = (Scheme::Other(""), text);
    let colon = text.bytes().position(|byte| byte == b':').and_then(|at| text.split_at_checked(at));
    let Some((name, rest)) = colon.and_then(|(name, rest)| Some((name, rest.strip_prefix(':')?))) else {
        return none;
    };
    if let Some((_, scheme)) = SCHEMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)) {
        return (*scheme, rest);
    }
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let host_and_port = || rest.split([';', '?']).next().is_some_and(|port| port.parse::<u16>().is_ok());
    if letters && begins && !host_and_port() { (Scheme::Other(name), rest) } else { none }
}

/// Parts the headers at `?`. The grammar allows a `?` in the user part; in practice one before `@` is an unescaped
/// `?Replaces=id@host`.
fn split_headers(rest: &str) -> (&str, Option<&str>) {
    cut(rest, b'?').map_or((rest, None), |(rest, headers)| (rest, Some(headers)))
}

/// What stands before the first `;`, and all from there on.
fn split_params(rest: &str) -> (&str, &str) {
    find(rest.as_bytes(), b';').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""))
}

/// What stands before and behind the first `mark`, an ASCII character.
fn cut(text: &str, mark: u8) -> Option<(&str, &str)> {
    let (before, rest) = text.split_at_checked(find(text.as_bytes(), mark)?)?;
    Some((before, rest.get(1..)?))
}

/// [`str::trim`], which most values do not need.
pub(super) fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

/// Host and port of `host:port`, `[v6]:port` or a bare IPv6 address.
pub(super) fn split_port(hostport: &str) -> (Host<'_>, Option<u16>) {
    let hostport = trim(hostport);
    if hostport.starts_with('[') {
        let end = hostport.find(']').map_or(hostport.len(), |end| end + 1);
        let (host, port) = hostport.split_at(end);
        return (Host::parse(host), port.trim().strip_prefix(':').and_then(port_of));
    }
    let Some((host, port)) = cut(hostport, b':') else { return (Host::parse(hostport), None) };
    // An IPv6 address has two colons at least.
    if port.contains(':')
        && let v6 @ Host::V6(_) = Host::parse(hostport)
    {
        return (v6, None);
    }
    (Host::parse(host), port_of(port))
}

fn port_of(text: &str) -> Option<u16> {
    let text = trim(text);
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `%41` becomes `A` (RFC 3986 section 2.1); a `%` without two hex digits stays; bytes that are no UTF-8 become U+FFFD.
pub fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let decoded = (byte == b'%').then(|| hex_pair(tail)).flatten();
        out.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

fn hex_pair(tail: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*tail.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_alone_is_that_of_the_whole() {
        let texts = [
            "sip:a%41;npdi:pw@h",
            "sips:h",
            "tel:+1;ext=2",
            "urn:x@y",
            "a:b@c",
            "<sip:@h?x=y@z>",
            "",
            "h:5060",
            "x:@y",
            "sip:a?b@c",
            "sip:a;b?c@d",
            "sip:a:b?c@d",
            "sip:a:b;c@d",
            "tel:+1",
            "+1@h",
        ];
        for text in texts {
            assert_eq!(Uri::user_of(text), Uri::parse(text).user_decoded(), "{text}");
        }
    }

    #[test]
    fn the_parts_of_a_full_uri_are_found() {
        let uri = Uri::parse("SIP:+1555;npdi;rn=+1:secret@Example.com:5061;transport=tls;lr?Replaces=a%40b");
        assert_eq!((uri.scheme, uri.user, uri.password), (Scheme::Sip, Some("+1555;npdi;rn=+1"), Some("secret")));
        assert_eq!((uri.host, uri.port, uri.headers), (Host::Name("Example.com"), Some(5061), Some("Replaces=a%40b")));
        assert_eq!((uri.param("TRANSPORT"), uri.has_param("lr"), uri.has_param("x")), (Some("tls"), true, false));
        assert_eq!(uri.user_decoded().as_deref(), Some("+1555"));
    }

    #[test]
    fn headers_behind_the_question_mark_are_decoded() {
        let uri = Uri::parse("sip:host;x-m=1?Referred-By=x&replaces=a%40b%3Bto-tag%3D1");
        assert_eq!(uri.header("Replaces").as_deref(), Some("a@b;to-tag=1"));
        assert_eq!((uri.header("Replace"), Uri::parse("sip:host;replaces=1").header("Replaces")), (None, None));
    }

    #[test]
    fn an_empty_user_shows() {
        for (text, at, user) in [("sip:@h", true, Some("")), ("sip::pw@h", true, Some("")), ("sip:h", false, None)] {
            let uri = Uri::parse(text);
            assert_eq!((uri.at, uri.user, uri.host), (at, user, Host::Name("h")), "{text}");
        }
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        let v6 = Host::V6("2001:db8::1".parse().unwrap());
        for (text, host, port) in [
            ("sip:[2001:db8::1]:5060;x", v6, Some(5060)),
            ("sip:a@[2001:db8::1]", v6, None),
            ("sip:a@2001:db8::1", v6, None),
            ("sip:203.0.113.9:5061", Host::V4([203, 0, 113, 9].into()), Some(5061)),
            ("sip:1.2.3", Host::Name("1.2.3"), None),
            ("sip:a@host:99999", Host::Name("host"), None),
            ("sip:a@host:+5", Host::Name("host"), None),
            ("sbc.example.com:5061", Host::Name("sbc.example.com"), Some(5061)),
            ("sip:", Host::None, None),
            ("sip:host?Replaces=a@1.2.3.4", Host::Name("host"), None),
        ] {
            let uri = Uri::parse(text);
            assert_eq!((uri.host, uri.port), (host, port), "{text}");
        }
    }

    #[test]
    fn tel_and_urn_have_no_host() {
        let tel = Uri::parse("tel:+1-555-(123);phone-context=x@y");
        assert_eq!((tel.scheme, tel.host, tel.phone().as_deref()), (Scheme::Tel, Host::None, Some("+1555123")));
        assert_eq!(tel.param("phone-context"), Some("x@y"));
        assert_eq!(Uri::parse("urn:service:sos").scheme, Scheme::Urn);
        assert_eq!(Uri::parse("mailto:a@b").scheme, Scheme::Other("mailto"));
    }

    #[test]
    fn escaped_users_are_decoded() {
        assert_eq!(Uri::parse("sip:*99%23@h").phone().as_deref(), Some("*99#"));
        assert_eq!(Uri::parse("sip:a%zz%4@h").user_decoded().as_deref(), Some("a%zz%4"));
        assert_eq!(Uri::parse("sip:*99#@h").host, Host::Name("h"));
        assert_eq!(Uri::parse("sip:8:orgid:abc@h").phone().as_deref(), Some("8"));
        assert_eq!(Uri::parse("sip:bob@h").phone(), None);
    }
}
