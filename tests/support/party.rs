//! Who the parties of a ladder are: their hosts, URIs, Contact and habits.
//!
//! A party whose name begins with `ms` writes as Microsoft does (names in capitals, its own Contact); one that begins with `sbc` is
//! `sbc1.contoso.com` (`sbc2` is `sbc2.contoso.com`) towards Microsoft; every other party, and an SBC towards one, uses its address.

use super::dialog::hash;
use super::ladder::{End, Line, Transport};

const CALLER: &str = "+14255550100";
const CALLED: &str = "+14255550123";
const MICROSOFT: &str = "sip.pstnhub.microsoft.com";
const SERVICE: &str = "Microsoft.PSTNHub.SIPProxy v.2026.1.9.2 i.EUWE.4";

/// Header fields by lower-case name, in order.
pub type Headers = Vec<(String, String)>;

/// One header field.
pub fn field(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// Microsoft.
pub fn is_ms(end: &End) -> bool {
    end.name.starts_with("ms")
}

/// The sender writes header names in capitals.
pub fn capitals(line: &Line) -> bool {
    is_ms(&line.from)
}

/// Transport of the Via.
pub fn transport_name(line: &Line) -> &'static str {
    match line.transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::Tls => "TLS",
    }
}

/// Host of `end`'s URIs towards `peer`.
pub fn host(end: &End, peer: &End) -> String {
    match end.name.strip_prefix("sbc") {
        Some(number) if is_ms(peer) => format!("sbc{}.contoso.com", if number.is_empty() { "1" } else { number }),
        _ if is_ms(end) => MICROSOFT.to_owned(),
        _ if end.at.is_ipv6() => format!("[{}]", end.at.ip()),
        _ => end.at.ip().to_string(),
    }
}

/// `sent-by` of the Via.
pub fn sent_by(line: &Line) -> String {
    let named = host(&line.from, &line.to);
    if is_ms(&line.from) || !named.ends_with(".com") { line.from.at.to_string() } else { format!("{named}:5061") }
}

/// `host:port;transport=` of `end`, as its peer would call it.
fn hostport(end: &End, peer: &End, transport: Transport) -> String {
    let port = if is_ms(end) || is_ms(peer) { 5061 } else { end.at.port() };
    let suffix = match transport {
        Transport::Udp => "",
        Transport::Tcp => ";transport=tcp",
        Transport::Tls => ";transport=tls",
    };
    format!("{}:{port}{suffix}", host(end, peer))
}

/// Request-URI of a request outside a dialog.
pub fn request_uri(line: &Line, method: &str) -> String {
    let at = hostport(&line.to, &line.from, line.transport);
    let phone = if is_ms(&line.from) || is_ms(&line.to) { ";user=phone" } else { "" };
    if method == "INVITE" { format!("sip:{CALLED}@{at}{phone}") } else { format!("sip:{at}") }
}

/// A URI without its parameters.
pub fn bare(uri: &str) -> &str {
    let host = uri.rfind('@').unwrap_or(0);
    uri[host..].find(';').map_or(uri, |end| &uri[..host + end])
}

/// From value, without tag.
pub fn from(line: &Line, method: &str) -> String {
    let host = host(&line.from, &line.to);
    match method {
        "OPTIONS" if is_ms(&line.from) => "<sip:sip-du-a-eu.pstnhub.microsoft.com:5061>".to_owned(),
        "OPTIONS" | "REGISTER" => format!("<sip:{host}>"),
        _ => format!("<sip:{CALLER}@{host}>"),
    }
}

/// Contact value.
pub fn contact(line: &Line, seed: &str) -> String {
    if is_ms(&line.from) {
        let id = hash(&["x-c", seed]);
        return format!(
            "<sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i=0c6bb53e-1d2f-4f4a-9d5e-{:012x};x-c={id:016x}/s/1/{:08x}>",
            id >> 16,
            id >> 32
        );
    }
    format!("<sip:{}>", hostport(&line.from, &line.to, line.transport))
}

/// Allow, and who wrote the message.
pub fn identity(line: &Line, method: &str, request: bool) -> Headers {
    let ms = is_ms(&line.from);
    let mut headers = Headers::new();
    if matches!(method, "INVITE" | "OPTIONS") {
        let all = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, REFER, NOTIFY";
        headers.push(field("allow", if ms { "INVITE,ACK,OPTIONS,CANCEL,BYE,NOTIFY" } else { all }));
    }
    let name = if request { "user-agent" } else { "server" };
    if ms {
        headers.push(field(name, SERVICE));
    } else if line.from.name.starts_with("sbc") {
        headers.push(field(name, "Contoso SBC 7.4"));
    }
    headers
}

/// Reason phrase (RFC 3261 section 21).
pub fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        416 => "Unsupported URI Scheme",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        484 => "Address Incomplete",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "Unnamed",
    }
}

#[test]
fn an_sbc_has_a_name_towards_microsoft_and_an_address_towards_a_carrier() {
    let end = |name: &str, at: &str| End { name: name.to_owned(), at: at.parse().unwrap() };
    let (sbc, ms, carrier) = (end("sbc2", "198.51.100.4:50000"), end("ms", "52.114.75.24:5061"), end("carrier", "192.0.2.9:5060"));
    assert_eq!((host(&sbc, &ms).as_str(), host(&sbc, &carrier).as_str()), ("sbc2.contoso.com", "198.51.100.4"));
    assert!(is_ms(&ms) && !is_ms(&carrier));
    assert_eq!(bare("sip:+1;ext=2@host:5061;transport=tls"), "sip:+1;ext=2@host:5061");
}
