//! The Via header field (RFC 3261 section 20.42).

use super::uri::{Host, split_port, text};
use super::value::{self, trim};
use super::words::find;
use memchr::memchr;

/// One element of a Via header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    /// The transport as written, such as `TLS`; empty when the sent-protocol is malformed.
    pub transport: &'a str,
    /// The host of sent-by.
    pub host: Host<'a>,
    /// The port of sent-by.
    pub port: Option<u16>,
    /// `;name=value` parameters, undivided.
    pub params_text: &'a str,
}

impl<'a> Via<'a> {
    /// Splits one unfolded element, blanks around the slashes allowed.
    pub fn parse(element: &'a str) -> Self {
        let (transport, rest) = protocol(element.as_bytes());
        let end = memchr(b';', rest).unwrap_or(rest.len());
        let (sent_by, params) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        let (host, port) = split_port(text(sent_by));
        Self { transport: text(transport), host, port, params_text: text(params) }
    }

    /// The value of the first parameter `name` that has one; letter case does not matter.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        value::param(self.params_text.as_bytes(), name).map(text)
    }
}

/// The transport that the first of these elements names, as written, such as `TLS`; empty where there is none.
pub fn transport(value: &[u8]) -> &[u8] {
    protocol(value::first_element(value)).0
}

/// The transport of `SIP / 2.0 / UDP host:port …`, and what follows it.
pub(super) fn protocol(element: &[u8]) -> (&[u8], &[u8]) {
    let after_slash = |bytes: &'_ [u8]| memchr(b'/', bytes).map(|at| at + 1);
    let start = after_slash(element).and_then(|at| Some(at + after_slash(element.get(at..)?)?));
    let Some(rest) = start.and_then(|at| element.get(at..)) else {
        return (&[], element);
    };
    let rest = trim(rest);
    let end = rest.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b';').unwrap_or(rest.len());
    let (transport, rest) = rest.split_at_checked(end).unwrap_or((rest, &[]));
    (transport, trim(rest))
}

/// The parameters of one element.
pub(super) fn params(element: &[u8]) -> &[u8] {
    find(element, b';').and_then(|at| element.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_around_the_slashes_are_allowed() {
        let via = Via::parse("SIP / 2.0 / TLS [2001:db8::9]:5061;branch=z9hG4bK1 ; rport=5060;received=192.0.2.1");
        assert_eq!((via.transport, via.port), ("TLS", Some(5061)));
        assert_eq!(via.host, Host::V6("2001:db8::9".parse().unwrap()));
        assert_eq!((via.param("branch"), via.param("rport")), (Some("z9hG4bK1"), Some("5060")));
    }

    #[test]
    fn a_malformed_protocol_gives_no_transport() {
        assert_eq!(Via::parse("UDP host;branch=1").transport, "");
    }
}
