//! Whether two URIs lead to the same place (RFC 3261 section 19.1.4).

use crate::proto::sip::{Host, NameAddr, Scheme, Uri, lossy};
use std::collections::BTreeMap;

/// The port of SIP over TLS where none is written (RFC 3261 section 19.1.2).
pub(super) const TLS_PORT: u16 = 5061;
/// Parameters that may not stand in one of two equal URIs only.
const TELLING: [&str; 4] = ["user", "ttl", "method", "maddr"];

/// The URI of a name-addr.
pub(super) fn uri_of(value: &[u8]) -> String {
    NameAddr::parse(&lossy(value)).uri.to_owned()
}

/// The URIs are equal. Who adds or leaves out `transport=tls` or port 5061, which hold between an SBC and Microsoft anyway, changes nothing.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (a, b) = (Uri::parse(one), Uri::parse(other));
    match (a.scheme, b.scheme) {
        (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => {}
        _ => return a.text.eq_ignore_ascii_case(b.text),
    }
    is_same_user(&a, &b)
        && a.password == b.password
        && is_same_host(a.host, b.host)
        && is_same_port(a.port, b.port)
        && a.headers == b.headers
        && has_same_params(&a, &b)
}

fn is_same_user(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    let params = |uri: &Uri<'_>| uri.user.and_then(|user| user.split_once(';')).map(|(_, params)| params.to_ascii_lowercase());
    a.user == b.user || (a.user_decoded() == b.user_decoded() && params(a) == params(b))
}

fn is_same_host(a: Host<'_>, b: Host<'_>) -> bool {
    let plain = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    match (a, b) {
        (Host::Name(a), Host::Name(b)) => plain(a) == plain(b),
        (a, b) => a == b,
    }
}

fn is_same_port(a: Option<u16>, b: Option<u16>) -> bool {
    a.unwrap_or(TLS_PORT) == b.unwrap_or(TLS_PORT)
}

fn has_same_params(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    let (mut a, mut b) = (params(a), params(b));
    for all in [&mut a, &mut b] {
        all.entry("transport".to_owned()).or_insert_with(|| "tls".to_owned());
    }
    let telling = TELLING.iter().all(|name| a.get(*name) == b.get(*name));
    telling && a.iter().all(|(name, value)| b.get(name).is_none_or(|other| other == value))
}

/// Names and values in lower case: neither has letter case.
fn params(uri: &Uri<'_>) -> BTreeMap<String, String> {
    uri.params().map(|(name, value)| (name.to_ascii_lowercase(), value.unwrap_or_default().to_ascii_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROSOFT: &str = "sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i=0c6b;x-c=ab/s/1/f";

    #[test]
    fn order_case_escapes_and_what_holds_anyway_make_no_difference() {
        for (one, other) in [
            (MICROSOFT, "sip:API-du-a-euwe.pstnhub.microsoft.com.:443;x-c=ab/s/1/f;X-I=0C6B"),
            (MICROSOFT, "sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i=0c6b;x-c=ab/s/1/f;transport=tls"),
            ("sip:%61lice@a.example", "sip:alice@A.example:5061;transport=TLS"),
            ("sip:a.example;lr", "sip:a.example;lr;x=1"),
        ] {
            assert!(is_same(one, other) && is_same(other, one), "{one} {other}");
        }
    }

    #[test]
    fn host_user_port_and_values_do() {
        for other in [
            "sip:api-du-a-euwe.pstnhub.microsoft.com;x-i=0c6b;x-c=ab/s/1/f",
            "sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i=0c6c;x-c=ab/s/1/f",
            "sip:sip.pstnhub.microsoft.com:443;x-i=0c6b;x-c=ab/s/1/f",
            "sip:+1@api-du-a-euwe.pstnhub.microsoft.com:443;x-i=0c6b;x-c=ab/s/1/f",
            "sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i=0c6b;x-c=ab/s/1/f;user=phone",
            "sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i=0c6b;x-c=ab/s/1/f;transport=tcp",
            "tel:+1",
        ] {
            assert!(!is_same(MICROSOFT, other), "{other}");
        }
    }
}
